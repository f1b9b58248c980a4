"""Keys of encryption at rest: where they live, what they protect, who may read them."""

from __future__ import annotations

from hipaa_kit.assess.facade import Assessment
from hipaa_kit.kube import kinds
from hipaa_kit.sources.scope import load_scope
from tests.safeguards.test_cases import HERE, inputs, snapshot
from tests.support.snapshots import snapshot_of

CASE = HERE / "encryption" / "HK-ENC-06"
SECRET = "Secret/longhorn-system/longhorn-crypto"


def assessed(case: str) -> Assessment:
    folder = CASE / case
    return Assessment(snapshot(folder), load_scope(HERE / "scope.yaml"), inputs=inputs(folder))


def test_a_key_in_a_secret_is_told_with_everybody_who_may_read_it() -> None:
    run = assessed("a_key_in_a_secret_is_a_question_with_its_readers")
    [key] = run.tables.keys.to_dict("records")
    assert (key["key"], key["kind"], key["place"]) == (SECRET, "secret", "cluster")
    assert key["protects"] == "PersistentVolumeClaim/ehr/data"
    readers = run.tables.key_readers
    assert set(readers["subject"]) == {"amira", "system:masters"}
    asked = run.permissions.who_can("get", resource="secrets", namespace="longhorn-system", name="longhorn-crypto")
    assert set(readers["subject"]) == set(asked["subject"])


def test_what_could_not_be_seen_of_role_bindings_is_a_row_of_its_own() -> None:
    case = CASE / "a_key_in_a_secret_is_a_question_with_its_readers"
    seen = snapshot(case)
    assert not (assessed(case.name).tables.key_readers["subject_kind"] == "*").any()
    hidden = seen.without(kinds.CLUSTER_ROLE_BINDING, "", status="refused", error="taken away for the test")
    run = Assessment(hidden, load_scope(HERE / "scope.yaml"))
    assert (run.tables.key_readers["subject_kind"] == "*").any()


def test_a_key_apart_from_the_cluster_has_no_readers_by_rbac() -> None:
    run = assessed("a_key_of_the_site_that_rotates_passes")
    [key] = run.tables.keys.to_dict("records")
    assert (key["kind"], key["place"], key["objects"]) == ("named", "external", 1)
    assert bool(key["rotates"])
    assert run.tables.key_readers.empty


def test_the_key_that_writes_is_told_and_not_those_that_only_read() -> None:
    run = assessed("a_key_service_of_the_api_server_passes")
    assert set(run.tables.keys["key"]) == {"vault"}
    assert set(run.tables.keys["protects"]) == {"etcd:configmaps etcd:secrets"}


def test_without_anything_there_is_no_key() -> None:
    assert Assessment(snapshot_of(), load_scope(HERE / "scope.yaml")).tables.keys.empty
