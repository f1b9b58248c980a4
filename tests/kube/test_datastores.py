"""Data folders of images, and the mounts that hold them."""

import pytest

from hipaa_kit.kube.datastores import DATA_PATHS, covers, data_paths


@pytest.mark.parametrize(
    ("repository", "first"),
    [
        ("postgres", "/var/lib/postgresql/data"),
        ("docker.io/library/postgres", "/var/lib/postgresql/data"),
        ("registry.example:5000/bitnami/postgresql", "/bitnami/postgresql"),
        ("quay.io/minio/MinIO", "/data"),
        ("gcr.io/google_containers/etcd-amd64", "/var/lib/etcd"),
    ],
)
def test_a_datastore_is_known_by_the_last_part_of_its_image(repository: str, first: str) -> None:
    assert data_paths(repository)[0] == first


@pytest.mark.parametrize(
    "repository", ["nginx", "postgres-exporter", "example/postgres/migrate", "example/etcd-backup-amd64", ""]
)
def test_other_images_are_not_known_to_keep_data(repository: str) -> None:
    assert data_paths(repository) == ()


@pytest.mark.parametrize(
    ("mount", "data", "held"),
    [
        ("/var/lib/postgresql/data", "/var/lib/postgresql/data", True),
        ("/var/lib/postgresql/data/", "/var/lib/postgresql/data", True),
        ("/var/lib/postgresql", "/var/lib/postgresql/data", True),
        ("/", "/data", True),
        ("/var/lib/postgresql/data-old", "/var/lib/postgresql/data", False),
        ("/var/lib/postgres", "/var/lib/postgresql/data", False),
        ("/var/lib/postgresql/data/pg_wal", "/var/lib/postgresql/data", False),
    ],
)
def test_a_mount_holds_a_folder_that_is_there_or_below(mount: str, data: str, held: bool) -> None:
    assert covers(mount, data) is held


def test_names_and_folders_are_written_as_they_are_looked_up() -> None:
    for name, paths in DATA_PATHS.items():
        assert name == name.lower()
        assert paths
        assert all(path.startswith("/") and not path.endswith("/") for path in paths)
