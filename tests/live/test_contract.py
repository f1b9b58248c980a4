"""The collector's contract, held against the recorded server and against a real one, on any supported client."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import kubernetes
import pytest

from hipaa_kit.kube import kinds
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.sources import discovery
from hipaa_kit.sources.live import collect
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.sources.transport import CollectError, Reply, Server
from tests.support.certificates import Authority
from tests.support.live import objects
from tests.support.live.contract import NUMBERS, Real, Recorded, Subject
from tests.support.recorded_cluster import RecordedCluster
from tests.support.snapshots import TEST_KEY

POD_TEMPLATE = Kind("", "PodTemplate", "podtemplates", True)


@pytest.fixture(params=["recorded", "recorded-aggregated", pytest.param("real", marks=pytest.mark.live)])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    if request.param == "real":
        yield Real(request.getfixturevalue("control_plane"))
        return
    authority = Authority(tmp_path / "pki")
    begin = [objects.namespace("kube-system")]
    with RecordedCluster(begin, aggregated="aggregated" in request.param, authority=authority) as cluster:
        yield Recorded(cluster, authority, tmp_path)


@pytest.fixture
def ward(subject: Subject) -> str:
    """A namespace of the test's own with pods a, b and c."""
    name = f"ward-{next(NUMBERS)}"
    subject.create(objects.namespace(name), *(objects.pod(name, pod) for pod in "cab"))
    return name


def read(path: Path, **options: Any) -> Snapshot:
    return collect(kubeconfig=path, pseudonymizer=Pseudonymizer(TEST_KEY), **options)


def names(snapshot: Snapshot, namespace: str, kind: str = "Pod", group: str = "") -> list[str]:
    held = [obj["metadata"] for obj in snapshot.objects(kind, group)]
    return [metadata["name"] for metadata in held if metadata.get("namespace", "") == namespace]


def between_pages(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None], times: int = 1) -> None:
    """Do something after each of the first pages of a list, before the next one is asked for."""
    left = [times]
    ask = Server.get

    def get(server: Server, path: str, query: Mapping[str, Any] | None = None, *more: Any, **named: Any) -> Reply:
        reply = ask(server, path, query, *more, **named)
        if "limit" in (query or {}) and reply.ok and reply.content["metadata"].get("continue") and left[0]:
            left[0] -= 1
            act()
        return reply

    monkeypatch.setattr(Server, "get", get)


def test_the_client_is_the_one_that_was_asked_for() -> None:
    wanted = os.environ.get("HIPAA_KIT_KUBERNETES_CLIENT", "")
    assert kubernetes.__version__.startswith(wanted)


@pytest.mark.parametrize("identity", ["certificate", "token"])
@pytest.mark.parametrize("page_size", [1, 2, 500])
def test_everything_is_collected_whatever_the_pages_and_the_identity(
    subject: Subject, ward: str, identity: str, page_size: int
) -> None:
    snapshot = read(subject.kubeconfig(identity=identity), page_size=page_size, kinds=["Namespace", "Pod"])
    assert names(snapshot, ward) == ["a", "b", "c"]
    assert ward in names(snapshot, "", "Namespace")
    assert snapshot.coverage.answer(kinds.POD).status == "answered"
    rows = snapshot.coverage.frame.set_index(["group", "kind"])
    assert rows.loc[("", "Pod"), "count"] == snapshot.parts["", "Pod"].size
    assert int(rows.loc[("", "Pod"), "resource_version"]) > 0
    assert snapshot.identity.version.startswith("v1.")


def test_nothing_but_reads_is_sent(subject: Subject, ward: str) -> None:
    read(subject.kubeconfig(), page_size=2, profile="audit-plus")
    asked = subject.asked()
    assert {method for method, _ in asked} == {"GET"}
    assert not [url for _, url in asked if "watch" in url or "secrets" in url]
    assert any("limit=2" in url and "/api/v1/pods" in url for _, url in asked)


def test_pages_show_one_moment_while_others_write(subject: Subject, ward: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = subject.kubeconfig()

    def write() -> None:
        subject.delete(objects.pod(ward, "c"))
        subject.create(objects.pod(ward, "d"))

    between_pages(monkeypatch, write)
    before = read(path, kinds=["Pod"], page_size=1)
    after = read(path, kinds=["Pod"], page_size=1)
    assert names(before, ward) == ["a", "b", "c"]
    assert names(after, ward) == ["a", "b", "d"]
    assert before.coverage.answer(kinds.POD).status == "answered"


def test_a_writer_that_never_rests_costs_no_object_and_doubles_none(subject: Subject, ward: str) -> None:
    path, done = subject.kubeconfig(), threading.Event()

    def write() -> None:
        while not done.is_set():
            subject.create(objects.pod(ward, "b-passing"))
            subject.delete(objects.pod(ward, "b-passing"))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        snapshots = [read(path, kinds=["Pod"], page_size=1) for _ in range(5)]
    finally:
        done.set()
        writer.join()
    for snapshot in snapshots:
        assert set(names(snapshot, ward)) - {"b-passing"} == {"a", "b", "c"}
        assert snapshot.coverage.answer(kinds.POD).status == "answered"
        assert snapshot.conflicts.empty


@pytest.mark.parametrize(("times", "status"), [(1, "answered"), (2, "partial")])
def test_a_list_that_expires_is_begun_again_and_the_second_time_it_is_partial(
    subject: Subject, ward: str, monkeypatch: pytest.MonkeyPatch, times: int, status: str
) -> None:
    path = subject.kubeconfig()
    subject.create(*(objects.pod_template(ward, name) for name in "cab"))

    def expire() -> None:
        subject.create(objects.pod_template(ward, f"x-{next(NUMBERS)}"))
        subject.expire_lists()

    between_pages(monkeypatch, expire, times)
    snapshot = read(path, kinds=["PodTemplate"], page_size=1)
    held = names(snapshot, ward, "PodTemplate")
    assert {"a", "b", "c"} <= set(held)
    answer = snapshot.coverage.answer(POD_TEMPLATE)
    assert (answer.status, "does not show one moment" in answer.error) == (status, status == "partial")
    asked = [url for _, url in subject.asked() if "podtemplates" in url]
    assert len([url for url in asked if "continue" not in url]) == 2


def test_a_refused_kind_is_refused_in_the_servers_words(subject: Subject, ward: str) -> None:
    path = subject.kubeconfig(refused={"nodes": []})
    snapshot = read(path, kinds=["Node"])
    answer = snapshot.coverage.answer(kinds.NODE)
    words = (
        f'nodes is forbidden: User "{subject.user}" cannot list resource "nodes" in API group "" at the cluster scope'
    )
    assert (answer.status, answer.error) == ("refused", words)


def test_a_kind_that_is_refused_everywhere_is_asked_for_in_every_namespace(subject: Subject, ward: str) -> None:
    path = subject.kubeconfig(refused={"deployments": [], "pods": [ward]})
    snapshot = read(path, kinds=["Namespace", "Deployment", "Pod"])
    answer = snapshot.coverage.answer(kinds.DEPLOYMENT, ward)
    words = (
        f'deployments.apps is forbidden: User "{subject.user}" cannot list resource "deployments" '
        f'in API group "apps" in the namespace "{ward}"'
    )
    assert (answer.status, answer.error) == ("refused", words)
    assert snapshot.coverage.answer(kinds.POD, ward).status == "answered"
    assert names(snapshot, ward) == ["a", "b", "c"]
    assert snapshot.coverage.answer(kinds.POD, "kube-system").status == "refused"
    assert not snapshot.coverage.answer(kinds.POD).complete


@pytest.mark.parametrize("namespaced", [True, False])
def test_a_custom_resource_is_collected_beside_its_definition(subject: Subject, ward: str, namespaced: bool) -> None:
    group, version = f"g{next(NUMBERS)}.example.com", "v1"
    subject.create(objects.definition(group, "Thing", version, "v1alpha1", namespaced=namespaced))
    place = {"namespace": ward} if namespaced else {}
    thing = {"apiVersion": f"{group}/{version}", "kind": "Thing", "metadata": {"name": "t", **place}}
    subject.create({**thing, "spec": {"size": 3}})
    snapshot = read(subject.kubeconfig(), kinds=["Thing", "CustomResourceDefinition", "Namespace"])
    assert names(snapshot, ward if namespaced else "", "Thing", group) == ["t"]
    assert f"things.{group}" in names(snapshot, "", "CustomResourceDefinition", "apiextensions.k8s.io")
    rows = snapshot.coverage.frame.set_index(["group", "kind"])
    row = rows.loc[(group, "Thing")]
    assert (row["status"], row["count"], row["resource"]) == ("answered", 1, "things")
    assert f"/apis/{group}/v1/" in row["source"]


def test_a_kind_that_is_not_served_is_absent(subject: Subject) -> None:
    snapshot = read(subject.kubeconfig(), kinds=["Node"])
    removed = Kind("policy", "PodSecurityPolicy", "podsecuritypolicies", False)
    if isinstance(subject, Recorded):
        assert snapshot.coverage.answer(removed).status == "not_asked"
    else:
        assert snapshot.coverage.answer(removed).status == "absent"


def test_secrets_come_as_metadata_alone(subject: Subject, ward: str) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": ward}}
    subject.create({**secret, "data": {"password": "Q0FOQVJZ"}})
    snapshot = read(subject.kubeconfig(), profile="secrets-metadata", kinds=["Secret"])
    assert names(snapshot, ward, "Secret") == ["s"]
    assert all("data" not in obj for obj in snapshot.objects("Secret"))


def test_both_forms_of_discovery_say_the_same(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    group = f"g{next(NUMBERS)}.example.com"
    subject.create(objects.definition(group, "Thing", "v1"))
    path = subject.kubeconfig()
    aggregated = _discover(path)
    monkeypatch.setattr(discovery, "AGGREGATED", "application/json")
    plain = _discover(path)
    assert plain == aggregated
    assert (group, "Thing") in plain.served
    assert not plain.failed


def _discover(path: Path) -> discovery.Discovery:
    client = kubernetes.config.new_client_from_config(config_file=str(path), persist_config=False)
    return discovery.discover_kinds(Server(client))


def test_a_token_that_nobody_issued_is_one_clear_line(subject: Subject) -> None:
    with pytest.raises(CollectError, match="credentials were not accepted") as error:
        read(subject.kubeconfig(identity="unknown"))
    assert "nobody-issued-this" not in str(error.value)
