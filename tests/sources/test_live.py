"""Everything a server serves is in the snapshot; everything it refuses is in coverage, in its words."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from hipaa_kit.kube import kinds
from hipaa_kit.sources import connection, live, transport
from hipaa_kit.sources.dump import import_dump
from hipaa_kit.sources.live import collect
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.sources.transport import CollectError, Server
from tests.support.recorded_cluster import Fault, RecordedCluster
from tests.support.snapshots import TEST_KEY, objects_of

CLINIC = Path(__file__).parent.parent.parent / "data" / "clinic" / "objects"
SMALL = """
apiVersion: v1
kind: Namespace
metadata: {name: ehr}
---
apiVersion: v1
kind: Namespace
metadata: {name: lab}
---
apiVersion: v1
kind: Namespace
metadata: {name: kube-system, uid: 86f232ea-0778-5338-b6e0-9ffec25b071f}
---
apiVersion: v1
kind: Pod
metadata: {name: a, namespace: ehr}
---
apiVersion: v1
kind: Pod
metadata: {name: b, namespace: ehr}
---
apiVersion: v1
kind: Pod
metadata: {name: c, namespace: lab}
---
apiVersion: v1
kind: Secret
metadata: {name: s, namespace: ehr}
data: {password: Q0FOQVJZ}
---
apiVersion: example.com/v1
kind: Thing
metadata: {name: t, namespace: ehr}
spec: {size: 3}
"""


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Server, "_pause", lambda self, attempt, named: 0.0 if named is None else min(named, 0.01))


def read(cluster: RecordedCluster, folder: Path, **options: object) -> Snapshot:
    return collect(kubeconfig=cluster.kubeconfig(folder), pseudonymizer=Pseudonymizer(TEST_KEY), **options)


def names(snapshot: Snapshot, kind: str, group: str = "") -> list[str]:
    return [obj["metadata"]["name"] for obj in snapshot.objects(kind, group)]


@pytest.mark.parametrize("page_size", [1, 2, 500])
@pytest.mark.parametrize("aggregated", [False, True])
def test_everything_served_is_in_the_snapshot(tmp_path: Path, page_size: int, aggregated: bool) -> None:
    with RecordedCluster(objects_of(SMALL), aggregated=aggregated) as cluster:
        snapshot = read(cluster, tmp_path, page_size=page_size)
    assert names(snapshot, "Pod") == ["a", "b", "c"]
    assert names(snapshot, "Thing", "example.com") == ["t"]
    assert snapshot.coverage.answer(kinds.POD).status == "answered"
    assert snapshot.coverage.answer(kinds.DEPLOYMENT).complete
    rows = snapshot.coverage.frame.set_index(["group", "kind"])
    assert rows.loc[("", "Pod"), "count"] == 3
    assert rows.loc[("", "Pod"), "resource_version"] == "4711"
    assert rows.loc[("example.com", "Thing"), "status"] == "answered"
    assert snapshot.identity.uid == "86f232ea-0778-5338-b6e0-9ffec25b071f"
    assert snapshot.identity.name == "recorded"
    assert snapshot.identity.version == "v1.34.2"


def test_a_whole_recorded_cluster_is_collected_as_it_was_dumped(tmp_path: Path) -> None:
    dumped = import_dump(CLINIC, pseudonymizer=Pseudonymizer(TEST_KEY))
    whole = [
        {"apiVersion": _version(group, kind), "kind": kind, **obj}
        for group, kind in dumped.kinds()
        for obj in dumped.objects(kind, group)
    ]
    with RecordedCluster(whole) as cluster:
        collected = read(cluster, tmp_path, page_size=7, profile="audit-plus")
    assert {key: part.size for key, part in collected.parts.items() if part.size} == {
        key: part.size for key, part in dumped.parts.items() if part.size
    }
    for group, kind in dumped.kinds():
        assert [_bare(o) for o in collected.objects(kind, group)] == [_bare(o) for o in dumped.objects(kind, group)]
    assert {request.method for request in cluster.log} == {"GET"}


def _version(group: str, kind: str) -> str:
    return f"{group}/v1" if group else "v1"


def _bare(obj: object) -> object:
    assert isinstance(obj, dict)
    return {name: value for name, value in obj.items() if name not in ("apiVersion", "kind")}


def test_only_reads_are_sent_and_secrets_are_not_asked_for(tmp_path: Path) -> None:
    with RecordedCluster(objects_of(SMALL)) as cluster:
        snapshot = read(cluster, tmp_path)
    assert {request.method for request in cluster.log} == {"GET"}
    assert not [request for request in cluster.log if request.path.endswith(("/secrets", "/configmaps", "/events"))]
    answer = snapshot.coverage.answer(kinds.SECRET)
    assert (answer.status, answer.error) == ("not_asked", "--profile secrets-metadata would ask for it")


def test_secrets_are_asked_for_as_metadata_alone(tmp_path: Path) -> None:
    with RecordedCluster(objects_of(SMALL)) as cluster:
        read(cluster, tmp_path, profile="secrets-metadata")
    [asked] = [request for request in cluster.log if request.path == "/api/v1/secrets"]
    assert "as=PartialObjectMetadataList" in asked.accept


def test_a_refusal_is_kept_in_the_servers_words(tmp_path: Path) -> None:
    with RecordedCluster(objects_of(SMALL), deny=lambda resource, _: resource == "pods") as cluster:
        snapshot = read(cluster, tmp_path)
    assert names(snapshot, "Pod") == []
    for namespace in ("ehr", "lab"):
        answer = snapshot.coverage.answer(kinds.POD, namespace)
        assert answer.status == "refused"
        assert answer.error == (
            f'pods is forbidden: User "reader" cannot list resource "pods" in API group "" in the namespace "{namespace}"'
        )


def test_a_refused_kind_without_namespace_is_one_row(tmp_path: Path) -> None:
    with RecordedCluster(objects_of(SMALL), deny=lambda resource, _: resource == "nodes") as cluster:
        snapshot = read(cluster, tmp_path)
    answer = snapshot.coverage.answer(kinds.NODE)
    assert (answer.status, "cannot list" in answer.error) == ("refused", True)


def test_namespaces_are_asked_one_by_one_where_the_cluster_is_refused(tmp_path: Path) -> None:
    def deny(resource: str, namespace: str) -> bool:
        return resource == "pods" and namespace != "ehr"

    with RecordedCluster(objects_of(SMALL), deny=deny) as cluster:
        snapshot = read(cluster, tmp_path)
    assert names(snapshot, "Pod") == ["a", "b"]
    assert snapshot.coverage.answer(kinds.POD, "ehr").status == "answered"
    assert snapshot.coverage.answer(kinds.POD, "lab").status == "refused"
    assert not snapshot.coverage.answer(kinds.POD).complete


def test_given_namespaces_alone_are_asked(tmp_path: Path) -> None:
    with RecordedCluster(objects_of(SMALL)) as cluster:
        snapshot = read(cluster, tmp_path, namespaces=["lab"])
    assert names(snapshot, "Pod") == ["c"]
    assert snapshot.coverage.answer(kinds.POD, "lab").status == "answered"
    assert snapshot.coverage.answer(kinds.POD, "ehr").status == "not_asked"


def test_kinds_that_are_left_out_say_so(tmp_path: Path) -> None:
    with RecordedCluster(objects_of(SMALL)) as cluster:
        snapshot = read(cluster, tmp_path, kinds=["Pod"])
        with pytest.raises(live.InputError, match="serves no kind 'Pot'"):
            read(cluster, tmp_path, kinds=["Pot"])
    assert snapshot.kinds() == [("", "Pod")]
    assert snapshot.coverage.answer(kinds.NODE).status == "not_asked"


def test_a_kind_that_is_not_served_is_absent(tmp_path: Path) -> None:
    with RecordedCluster(objects_of(SMALL), serve=[kinds.POD]) as cluster:
        snapshot = read(cluster, tmp_path)
    assert snapshot.coverage.answer(kinds.NETWORK_POLICY).status == "absent"
    assert snapshot.coverage.answer(kinds.NETWORK_POLICY).complete


def test_a_group_whose_discovery_fails_is_no_stop_and_no_absence(tmp_path: Path) -> None:
    fault = Fault("^/apis/policy/v1$", status=503, times=99, message="the aggregated server is down")
    with RecordedCluster(objects_of(SMALL), faults=[fault]) as cluster:
        snapshot = read(cluster, tmp_path)
    answer = snapshot.coverage.answer(kinds.POD_DISRUPTION_BUDGET)
    assert answer.status == "failed"
    assert "the aggregated server is down" in answer.error
    assert names(snapshot, "Pod") == ["a", "b", "c"]


def test_an_expired_token_starts_the_list_again(tmp_path: Path) -> None:
    fault = Fault(r"/pods\?.*continue", status=410, times=1)
    with RecordedCluster(objects_of(SMALL), faults=[fault]) as cluster:
        snapshot = read(cluster, tmp_path, page_size=1)
    assert names(snapshot, "Pod") == ["a", "b", "c"]
    assert snapshot.coverage.answer(kinds.POD).status == "answered"
    starts = [r for r in cluster.log if r.path == "/api/v1/pods" and "continue" not in r.query]
    assert len(starts) == 2


def test_a_list_that_expires_twice_is_partial(tmp_path: Path) -> None:
    fault = Fault(r"/pods\?.*continue", status=410, times=2)
    with RecordedCluster(objects_of(SMALL), faults=[fault]) as cluster:
        snapshot = read(cluster, tmp_path, page_size=1)
    assert names(snapshot, "Pod") == ["a", "b", "c"]
    answer = snapshot.coverage.answer(kinds.POD)
    assert (answer.status, "expired" in answer.error) == ("partial", True)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("/pods", status=429, times=2, headers={"Retry-After": "1"}),
        Fault("/pods", status=429, times=2),
        Fault("/pods", status=503, times=3),
        Fault("/pods", status=429, times=1, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
        Fault("/pods", truncate=True, times=2),
        Fault("/pods", reset=True, times=2),
        Fault("/pods", garbage=True, times=2),
    ],
    ids=lambda fault: f"{fault.status or 'broken'}-{fault.times}-{'-'.join(fault.headers)}",
)
def test_trouble_that_passes_is_waited_out(tmp_path: Path, fault: Fault) -> None:
    with RecordedCluster(objects_of(SMALL), faults=[fault]) as cluster:
        snapshot = read(cluster, tmp_path)
    assert names(snapshot, "Pod") == ["a", "b", "c"]
    assert snapshot.coverage.answer(kinds.POD).status == "answered"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault("/pods", status=503, times=99, message="overloaded"), "overloaded"),
        (Fault("/pods", truncate=True, times=99), "cut off|connection broke"),
        (Fault("/pods", reset=True, times=99), "connection broke"),
        (Fault("/pods", garbage=True, times=99), "not JSON to its end"),
        (Fault("/pods", status=500, times=99, message="etcd leader changed"), "etcd leader changed"),
    ],
    ids=["busy", "truncated", "reset", "garbage", "broken"],
)
def test_trouble_that_stays_is_a_failure_and_no_empty_list(tmp_path: Path, fault: Fault, words: str) -> None:
    with RecordedCluster(objects_of(SMALL), faults=[fault]) as cluster:
        snapshot = read(cluster, tmp_path)
    answer = snapshot.coverage.answer(kinds.POD)
    assert answer.status == "failed"
    assert any(word in answer.error for word in words.split("|"))
    assert names(snapshot, "Namespace") == ["ehr", "kube-system", "lab"]


def test_a_list_that_breaks_off_keeps_what_came_and_is_partial(tmp_path: Path) -> None:
    fault = Fault(r"/pods\?.*continue", status=500, times=99, after=1, message="gone")
    with RecordedCluster(objects_of(SMALL), faults=[fault]) as cluster:
        snapshot = read(cluster, tmp_path, page_size=1)
    assert names(snapshot, "Pod") == ["a", "b"]
    answer = snapshot.coverage.answer(kinds.POD)
    assert (answer.status, answer.error) == ("partial", "a later page was not answered: gone")


def test_no_answer_in_time_is_a_failure(tmp_path: Path) -> None:
    # Long enough for every other answer of a busy machine.
    fault = Fault("/pods", delay=4.0, times=99)
    with RecordedCluster(objects_of(SMALL), faults=[fault]) as cluster:
        snapshot = read(cluster, tmp_path, timeout_seconds=1.0, kinds=["Pod", "Namespace"])
    answer = snapshot.coverage.answer(kinds.POD)
    assert (answer.status, answer.error) == ("failed", "no answer in time")


def test_a_credential_that_is_not_accepted_is_one_clear_line(tmp_path: Path) -> None:
    with RecordedCluster(objects_of(SMALL)) as cluster, pytest.raises(CollectError) as error:
        collect(kubeconfig=cluster.kubeconfig(tmp_path, token="expired-7d1f"), pseudonymizer=Pseudonymizer(TEST_KEY))
    assert "credentials were not accepted" in str(error.value)
    assert "expired-7d1f" not in str(error.value)
    assert error.value.exit_code == 2


def test_a_refused_discovery_is_one_clear_line(tmp_path: Path) -> None:
    fault = Fault("^/apis?$", status=403, times=99, message="forbidden: not you")
    with RecordedCluster(objects_of(SMALL), faults=[fault]) as cluster, pytest.raises(CollectError, match="not you"):
        read(cluster, tmp_path)


def test_a_plugin_that_gives_no_credentials_is_one_clear_line(tmp_path: Path) -> None:
    words = 'forbidden: User "system:anonymous" cannot get path "/api"'
    run = {"apiVersion": "client.authentication.k8s.io/v1", "command": "false", "interactiveMode": "Never"}
    with RecordedCluster([], token="", faults=[Fault("^/apis?$", status=403, times=9, message=words)]) as cluster:
        path = cluster.kubeconfig(tmp_path, credentials={"exec": run})
        with pytest.raises(CollectError, match=r"no credentials were sent: .*its plug-in failed"):
            collect(kubeconfig=path, pseudonymizer=Pseudonymizer(TEST_KEY))


def test_a_server_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    with RecordedCluster([]) as cluster:
        path = cluster.kubeconfig(tmp_path)
    with pytest.raises(CollectError, match="cannot be read"):
        collect(kubeconfig=path, pseudonymizer=Pseudonymizer(TEST_KEY))


def test_an_unknown_context_names_those_there_are(tmp_path: Path) -> None:
    with RecordedCluster([]) as cluster, pytest.raises(CollectError, match=r"no context 'prod'.*recorded"):
        read(cluster, tmp_path, context="prod")


@pytest.mark.parametrize("content", ["", "{", "apiVersion: v1\nkind: Config\n", "clusters: 3"])
def test_a_broken_kubeconfig_is_one_clear_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "kubeconfig").write_text(content)
    with pytest.raises(CollectError, match="cannot be used"):
        collect(kubeconfig=tmp_path / "kubeconfig")


def test_a_missing_kubeconfig_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(CollectError, match="cannot be used"):
        collect(kubeconfig=tmp_path / "none")


@pytest.mark.parametrize("was_on", [True, False])
def test_the_garbage_collector_is_left_as_it_was(tmp_path: Path, was_on: bool) -> None:
    (gc.enable if was_on else gc.disable)()
    try:
        with RecordedCluster(objects_of(SMALL)) as cluster:
            read(cluster, tmp_path)
        assert gc.isenabled() is was_on
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("header", "seconds"), [(None, None), ("7", 7.0), ("soon", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0)]
)
def test_retry_after_is_read_in_both_its_forms(header: str | None, seconds: float | None) -> None:
    assert transport._seconds(header) == seconds


def test_in_a_pod_its_own_token_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kubernetes.config import incluster_config

    (tmp_path / "token").write_text("first")
    (tmp_path / "ca.crt").write_text(ssl_certificate())
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(tmp_path / "ca.crt"))
    client, name = connection.make_client(in_cluster=True)
    assert (client.configuration.host, name) == ("https://10.0.0.1:443", "in-cluster")
    server = Server(client)
    assert {k.lower(): v.lower() for k, v in server._credentials().items()} == {"authorization": "bearer first"}


def test_outside_a_pod_its_token_is_missed_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(CollectError, match="service account of this pod: the configuration cannot be used"):
        collect(in_cluster=True)


def ssl_certificate() -> str:
    """Return some certificate: the one that requests are verified with everywhere else."""
    import certifi

    text = Path(certifi.where()).read_text(encoding="utf-8")
    return text[text.index("-----BEGIN") : text.index("-----END CERTIFICATE-----")] + "-----END CERTIFICATE-----\n"
