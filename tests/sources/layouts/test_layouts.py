"""One tiny cluster in every layout: the same objects, and the truth about what the layout lacks."""

from __future__ import annotations

import gzip
import json
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from hipaa_kit.errors import InputError
from hipaa_kit.sources.dump import import_dump
from hipaa_kit.sources.layouts import LAYOUTS
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.sources.store import open_snapshot, save_snapshot
from hipaa_kit.views.inspection import inspection
from tests.support import tiny_cluster
from tests.support.tiny_cluster import CANARY, NAMESPACES, OBJECTS, Writer

KEY = b"k" * 32
ALL = frozenset(each["kind"] for each in OBJECTS)
RBAC = {"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"}


def variants() -> dict[str, tuple[str, Callable[[Writer], None], set[str]]]:
    """Return (layout, writer, kinds carried) by name."""
    tiny = tiny_cluster
    shooting = {"Namespace", "Node", "Pod", "Service", "NetworkPolicy", *RBAC, "StorageClass", "Schedule"}
    shooting |= {"CustomResourceDefinition"}
    gathered = {"Namespace", "Node", "Pod", "Service", "Secret", "ClusterRole", "StorageClass", "Schedule"}
    hound = {"Node", "Pod", *RBAC}
    buoy = {"Node", "Pod", "Service", "ServiceAccount", *RBAC, "StorageClass", "Secret", "CustomResourceDefinition"}
    ranch = {"Namespace", "Node", "Pod", "Service", "ServiceAccount", "NetworkPolicy", *RBAC, "StorageClass"}
    return {
        "kubectl": ("kubectl", tiny.kubectl, set(ALL) - {"Secret"}),
        "cluster-info": ("cluster-info", tiny.cluster_info, {"Node", "Pod", "Service"}),
        "cluster-info-stream": (
            "cluster-info",
            lambda write: write("dump.txt", tiny.cluster_info_stream()),
            {"Node", "Pod", "Service"},
        ),
        "must-gather": ("must-gather", tiny.must_gather, gathered | {"CustomResourceDefinition"}),
        "insights": ("insights", tiny.insights, {"Node", "Pod", "StorageClass", "CustomResourceDefinition"}),
        "troubleshoot": ("troubleshoot", tiny.troubleshoot, shooting | {"ServiceAccount"}),
        "troubleshoot-old": ("troubleshoot", lambda write: tiny.troubleshoot(write, old=True), shooting),
        "rancher": ("rancher", tiny.rancher, ranch),
        "rancher-old": ("rancher", lambda write: tiny.rancher(write, old=True), ranch),
        "velero": ("velero", tiny.velero, set(ALL)),
        "velero-old": ("velero", lambda write: tiny.velero(write, old=True), set(ALL)),
        "velero-tarball": ("velero", lambda write: tiny.velero(write, beside=False), set(ALL)),
        "kubehound": ("kubehound", tiny.kubehound, hound),
        "icekube": ("icekube", tiny.icekube, set(ALL)),
        "sonobuoy": ("sonobuoy", tiny.sonobuoy, buoy | {"Namespace", "NetworkPolicy"}),
        "sonobuoy-old": ("sonobuoy", lambda write: tiny.sonobuoy(write, old=True), buoy),
    }


VARIANTS = variants()


def load(place: Path, **options: str) -> Snapshot:
    return import_dump(place, pseudonymizer=Pseudonymizer(KEY), **options)


def write(folder: Path, name: str) -> Path:
    VARIANTS[name][1](Writer(folder))
    return folder


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[tuple[str, str], str]]:
    """Every object as a plain list of objects gives it, by kind and then by place."""
    place = tmp_path_factory.mktemp("reference") / "all.json"
    place.write_text(json.dumps(tiny_cluster.as_list(OBJECTS)))
    return held(load(place))


def held(snapshot: Snapshot) -> dict[str, dict[tuple[str, str], str]]:
    return {
        kind: {(r.namespace, r.name): json.dumps(r.content, sort_keys=True) for r in snapshot.parts[group, kind].load()}
        for group, kind in snapshot.kinds()
    }


def statuses(snapshot: Snapshot, kind: str) -> dict[str, str]:
    frame = snapshot.coverage.frame
    rows = frame[frame["kind"] == kind]
    return dict(zip(rows["namespace"], rows["status"], strict=True))


@pytest.mark.parametrize("name", VARIANTS)
def test_the_same_objects_come_out_of_every_layout(tmp_path: Path, name: str, reference: dict) -> None:
    layout, _, carried = VARIANTS[name]
    snapshot = load(write(tmp_path, name))
    found = held(snapshot)
    assert snapshot.layout == layout
    assert set(found) == carried
    for kind in sorted(carried):
        there = {key: text for key, text in reference[kind].items() if key in found[kind]}
        assert found[kind] == there
        everywhere = layout != "rancher" or key_is_bundled(kind)
        assert not everywhere or found[kind].keys() == reference[kind].keys()
    assert not len(snapshot.conflicts)


def key_is_bundled(kind: str) -> bool:
    """Rancher bundles the configured namespaces alone: `web` is not among them."""
    return all(each["metadata"].get("namespace") != "web" for each in tiny_cluster.of(kind))


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("kubectl", "Pod", {"": "answered"}),
        ("kubectl", "Secret", {"": "not_asked"}),
        ("kubectl", "Deployment", {"": "answered"}),
        ("cluster-info", "Pod", {"ehr": "answered", "kube-system": "answered", "web": "answered"}),
        ("cluster-info", "Deployment", {"ehr": "answered", "kube-system": "answered", "web": "answered"}),
        ("cluster-info", "NetworkPolicy", {"": "not_asked"}),
        ("cluster-info", "Namespace", {"": "not_asked"}),
        ("cluster-info", "Node", {"": "answered"}),
        ("cluster-info-stream", "Pod", {"": "unknown"}),
        ("must-gather", "Pod", {"ehr": "answered", "kube-system": "answered", "web": "answered"}),
        ("must-gather", "Deployment", {"ehr": "answered", "kube-system": "answered", "web": "answered"}),
        ("must-gather", "Namespace", {"": "partial"}),
        ("must-gather", "ClusterRole", {"": "partial"}),
        ("must-gather", "RoleBinding", {"": "not_asked"}),
        ("must-gather", "NetworkPolicy", {"": "not_asked"}),
        ("insights", "Pod", {"": "partial"}),
        ("insights", "Node", {"": "partial"}),
        ("insights", "CustomResourceDefinition", {"": "partial"}),
        ("insights", "Deployment", {"": "not_asked"}),
        ("troubleshoot", "Namespace", {"": "answered"}),
        ("troubleshoot", "Pod", {"": "answered", "ehr": "answered", "kube-system": "answered", "web": "answered"}),
        (
            "troubleshoot",
            "NetworkPolicy",
            {"": "answered", "ehr": "answered", "kube-system": "answered", "web": "refused"},
        ),
        ("troubleshoot", "Secret", {"": "not_asked"}),
        ("troubleshoot", "Schedule", {"": "unknown"}),
        ("troubleshoot-old", "ServiceAccount", {"": "not_asked"}),
        ("rancher", "NetworkPolicy", {"ehr": "answered", "kube-system": "answered"}),
        ("rancher", "Deployment", {"ehr": "answered", "kube-system": "answered"}),
        ("rancher", "ClusterRole", {"": "answered"}),
        ("rancher", "Secret", {"": "not_asked"}),
        ("rancher", "PodDisruptionBudget", {"ehr": "refused"}),
        ("velero", "Pod", {"": "answered"}),
        ("velero", "NetworkPolicy", {"": "answered"}),
        ("velero", "PodDisruptionBudget", {"": "answered"}),
        ("velero", "Event", {"": "not_asked"}),
        ("velero-tarball", "Pod", {"": "unknown"}),
        ("velero-tarball", "PodDisruptionBudget", {"": "not_asked"}),
        ("kubehound", "Pod", {"": "partial"}),
        ("kubehound", "ClusterRole", {"": "unknown"}),
        ("kubehound", "NetworkPolicy", {"": "not_asked"}),
        ("icekube", "Pod", {"": "partial"}),
        ("icekube", "ClusterRole", {"": "unknown"}),
        ("icekube", "Deployment", {"": "not_asked"}),
        ("sonobuoy", "Pod", {"": "answered", "ehr": "answered", "kube-system": "answered", "web": "answered"}),
        ("sonobuoy", "Deployment", {"": "answered", "ehr": "answered", "kube-system": "answered", "web": "answered"}),
        (
            "sonobuoy",
            "ServiceAccount",
            {"": "answered", "ehr": "answered", "kube-system": "answered", "web": "refused"},
        ),
        ("sonobuoy", "PodDisruptionBudget", {"": "not_asked"}),
        ("sonobuoy-old", "NetworkPolicy", {"": "not_asked"}),
        ("sonobuoy-old", "Pod", {"ehr": "answered", "kube-system": "answered", "web": "answered"}),
    ],
)
def test_every_layout_says_what_its_absences_are_worth(
    tmp_path: Path, name: str, kind: str, expected: dict[str, str]
) -> None:
    assert statuses(load(write(tmp_path, name)), kind) == expected


def test_an_empty_text_that_a_bundle_wrote_as_null_is_the_core_group_again(tmp_path: Path) -> None:
    (role,) = load(write(tmp_path, "rancher")).objects("Role", "rbac.authorization.k8s.io")
    assert role["rules"] == [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]
    frame = load(tmp_path).coverage.frame
    assert "null" in frame[(frame["kind"] == "Role") & (frame["namespace"] == "ehr")]["error"].item()


def test_a_line_of_a_log_that_looks_like_an_object_is_none(tmp_path: Path) -> None:
    names = {r.name for r in load(write(tmp_path, "cluster-info-stream")).parts["", "Pod"].load()}
    assert names == {"db-0", "front-0"}


def test_network_policies_that_are_counted_and_not_gathered_are_told(tmp_path: Path) -> None:
    frame = load(write(tmp_path, "must-gather")).coverage.frame
    assert "3, of which 0" in frame[frame["kind"] == "NetworkPolicy"]["error"].item()


def test_audit_logs_are_set_aside(tmp_path: Path) -> None:
    aside = load(write(tmp_path, "must-gather")).set_aside
    assert list(aside["what"]) == ["audit log"]


@pytest.mark.parametrize("phase", ["PartiallyFailed", "Failed", "WaitingForPluginOperations", "Finalizing"])
def test_a_backup_that_did_not_complete_proves_no_absence(tmp_path: Path, phase: str) -> None:
    tiny_cluster.velero(Writer(tmp_path), phase=phase)
    snapshot = load(tmp_path)
    assert statuses(snapshot, "Pod") == statuses(snapshot, "PodDisruptionBudget") == {"": "partial"}


def test_a_backup_of_some_namespaces_proves_nothing_of_the_others(tmp_path: Path) -> None:
    tiny_cluster.velero(Writer(tmp_path))
    record = tmp_path / "daily-1" / "velero-backup.json"
    backup = json.loads(record.read_text())
    backup["spec"] = {"includedNamespaces": ["ehr"]}
    record.write_text(json.dumps(backup))
    snapshot = load(tmp_path)
    assert statuses(snapshot, "NetworkPolicy") == {"ehr": "answered"}
    assert statuses(snapshot, "ClusterRole") == {"": "partial"}


def test_two_backups_are_two_moments_and_no_snapshot(tmp_path: Path) -> None:
    tiny_cluster.velero(Writer(tmp_path))
    tiny_cluster.velero(Writer(tmp_path), name="daily-2")
    with pytest.raises(InputError, match="holds 2 backups"):
        load(tmp_path)


def test_of_a_namespace_that_a_bundle_has_no_list_for_nothing_is_known(tmp_path: Path) -> None:
    write(tmp_path, "troubleshoot")
    next(tmp_path.rglob("roles/web.json")).unlink()
    (row,) = [each for each in inspection(load(tmp_path))["gaps"] if each["kind"] == "Role"]
    assert (row["namespace"], row["status"]) == ("web", "unknown")
    assert "has no list for it" in row["error"]


def test_the_time_and_version_come_from_the_layout(tmp_path: Path) -> None:
    found = {}
    for name in ("troubleshoot", "must-gather", "velero", "kubehound"):
        snapshot = load(write(tmp_path / name, name))
        found[name] = (snapshot.collected_at, snapshot.identity.version)
    assert found == {
        "troubleshoot": ("2026-11-23T09:00:00Z", "v1.33.1"),
        "must-gather": ("2026-08-03T10:11:56Z", ""),
        "velero": ("2026-11-23T01:00:00Z", ""),
        "kubehound": ("2026-11-23T09:00:00Z", "v1.33"),
    }


@pytest.mark.parametrize("name", VARIANTS)
def test_no_canary_gets_in_and_the_same_bytes_give_the_same_digest(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path / "input", name)
    first, second = load(folder), load(folder)
    assert first.digest == second.digest
    saved = save_snapshot(first, tmp_path / "one.snap")
    for path in saved.rglob("*"):
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.is_file() and path.read_bytes()
        assert not raw or CANARY.encode() not in raw
    assert open_snapshot(saved).digest == first.digest


@pytest.mark.parametrize("name", [name for name in VARIANTS if not name.startswith("velero")])
@pytest.mark.parametrize("form", ["tar", "tar.gz", "tar.xz", "tar.zst", "zip"])
def test_an_archive_of_any_form_is_the_folder(tmp_path: Path, name: str, form: str) -> None:
    folder = write(tmp_path / "input", name)
    assert held(load(packed(folder, tmp_path / f"a.{form}"))) == held(load(folder))


def packed(folder: Path, archive: Path) -> Path:
    if archive.suffix == ".zip":
        return tiny_cluster.zipped(folder, archive)
    plain = archive.with_name("plain.tar")
    with tarfile.open(plain, "w") as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, arcname=path.name)
    pack = {".tar": bytes, ".gz": gzip.compress, ".xz": lzma.compress, ".zst": zstandard.ZstdCompressor().compress}
    archive.write_bytes(pack[archive.suffix](plain.read_bytes()))
    return archive


@pytest.mark.parametrize("layout", [each.name for each in LAYOUTS if each.name != "kubectl"])
@pytest.mark.parametrize("other", VARIANTS)
def test_each_reader_alone_refuses_every_other_layout_in_one_line(tmp_path: Path, layout: str, other: str) -> None:
    write(tmp_path, other)
    if VARIANTS[other][0] == layout and other != "cluster-info-stream":
        assert load(tmp_path, layout=layout).layout == layout
        return
    with pytest.raises(
        InputError, match=f"is not {next(each.what for each in LAYOUTS if each.name == layout)}"
    ) as caught:
        load(tmp_path, layout=layout)
    assert "\n" not in str(caught.value)


def test_a_layout_that_is_not_known_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no layout 'excel'.*layouts are troubleshoot"):
        load(tmp_path, layout="excel")


def test_several_inputs_are_merged_and_their_differences_told(tmp_path: Path) -> None:
    write(tmp_path / "a", "cluster-info")
    write(tmp_path / "b", "troubleshoot")
    changed = next((tmp_path / "b").rglob("services/ehr.json"))
    content = json.loads(changed.read_text())
    content["items"][0]["spec"]["ports"] = [{"port": 5433}]
    content["items"][0]["metadata"]["resourceVersion"] = "8"
    changed.write_text(json.dumps(content))
    snapshot = import_dump([tmp_path / "a", tmp_path / "b"], pseudonymizer=Pseudonymizer(KEY))
    assert snapshot.layout == "cluster-info+troubleshoot"
    (service,) = snapshot.objects("Service")
    assert service["spec"]["ports"] == [{"port": 5433}]
    assert list(snapshot.conflicts["name"]) == ["db"]
    assert statuses(snapshot, "NetworkPolicy")["ehr"] == "answered"


def test_every_namespace_of_the_cluster_is_named(tmp_path: Path) -> None:
    assert {name for _, name in held(load(write(tmp_path, "troubleshoot")))["Namespace"]} == set(NAMESPACES)
