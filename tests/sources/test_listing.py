"""Lists and discovery of odd forms: what cannot be understood is a gap that is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hipaa_kit.kube import kinds
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.sources import connection
from hipaa_kit.sources.builder import SnapshotBuilder
from hipaa_kit.sources.live import Collector
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.snapshot import Snapshot
from tests.support.recorded_cluster import Fault, RecordedCluster
from tests.support.snapshots import TEST_KEY

THING = Kind("example.com", "Thing", "things", True)
PODS = [
    {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "ehr"}, "spec": {"nodeName": "n"}}
    for name in ("a", "b", "c", "d")
]
THINGS = [{"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "t", "namespace": "ehr"}}]
Edit = Callable[[Any], Any]


def read(cluster: RecordedCluster, folder: Path, **options: Any) -> Snapshot:
    server, name = connection.connect(kubeconfig=cluster.kubeconfig(folder))
    server.sleep = lambda _: None
    return Collector(server, SnapshotBuilder("live", Pseudonymizer(TEST_KEY)), **options).run(name)


def pods(snapshot: Snapshot) -> list[str]:
    return [record.name for record in snapshot.records(kinds.POD)]


def told(snapshot: Snapshot, kind: Kind = kinds.POD, namespace: str = "") -> tuple[str, str]:
    answer = snapshot.coverage.answer(kind, namespace)
    return answer.status, answer.error


def item(position: int, junk: Any) -> Edit:
    return lambda content: {
        **content,
        "items": [junk if n == position else each for n, each in enumerate(content["items"])],
    }


@pytest.mark.parametrize(
    ("junk", "problem"),
    [
        (None, "is no object"),
        ("pod", "is no object"),
        ([], "is no object"),
        ({}, "is no object"),
        ({"metadata": []}, "is no object"),
        ({"metadata": {}}, "has no name"),
        ({"metadata": {"name": 7, "namespace": "ehr"}}, "has no name"),
        ({"metadata": {"name": "x"}}, "names no namespace"),
        ({"metadata": {"name": "x", "namespace": "ehr"}, "kind": "Secret"}, "is of another kind"),
        ({"metadata": {"name": "x", "namespace": "ehr"}, "kind": "PartialObjectMetadata"}, "is of another kind"),
    ],
    ids=str,
)
def test_an_item_that_is_no_object_is_a_gap_and_loses_no_other(tmp_path: Path, junk: Any, problem: str) -> None:
    with RecordedCluster(PODS, faults=[Fault(r"/pods\?", edit=item(1, junk))]) as cluster:
        snapshot = read(cluster, tmp_path)
    assert pods(snapshot) == ["a", "c", "d"]
    assert told(snapshot) == ("partial", f"1 items could not be read: /items/1 {problem}")
    [row] = snapshot.unreadable.to_dict("records")
    assert row == {"source": "/api/v1/pods", "position": "/items/1", "error": f"the item {problem}"}


def test_positions_go_on_over_pages(tmp_path: Path) -> None:
    with RecordedCluster(PODS, faults=[Fault(r"/pods\?.*continue", edit=item(1, "pod"))]) as cluster:
        snapshot = read(cluster, tmp_path, page_size=2)
    assert told(snapshot) == ("partial", "1 items could not be read: /items/3 is no object")
    assert snapshot.find("Pod/ehr/c").position == "/items/2"


def test_an_object_of_another_namespace_than_was_asked_is_a_gap(tmp_path: Path) -> None:
    foreign = {"metadata": {"name": "x", "namespace": "lab"}}
    with RecordedCluster(PODS, faults=[Fault(r"/pods\?", edit=item(0, foreign))]) as cluster:
        snapshot = read(cluster, tmp_path, namespaces=("ehr",))
    assert told(snapshot, kinds.POD, "ehr") == (
        "partial",
        "1 items could not be read: /items/0 is of another namespace",
    )


@pytest.mark.parametrize(
    "edit",
    [
        lambda content: None,
        lambda content: [content],
        lambda content: {**content, "items": "none"},
        lambda content: {**content, "items": {}},
        lambda content: {name: value for name, value in content.items() if name != "items"},
        lambda content: {name: value for name, value in content.items() if name != "metadata"},
        lambda content: {**content, "metadata": None},
        lambda content: {**content, "metadata": {"continue": 3}},
        lambda content: {**content, "metadata": {"resourceVersion": 4711}},
    ],
)
def test_an_answer_that_is_no_list_is_no_empty_list(tmp_path: Path, edit: Edit) -> None:
    with RecordedCluster(PODS, faults=[Fault(r"/pods\?", edit=edit, times=99)]) as cluster:
        snapshot = read(cluster, tmp_path)
    assert (pods(snapshot), told(snapshot)) == ([], ("failed", "the answer is no list"))


def test_a_null_list_is_an_empty_one(tmp_path: Path) -> None:
    """Go writes an empty list so."""
    fault = Fault(r"/pods\?", edit=lambda content: {**content, "items": None})
    with RecordedCluster([], faults=[fault]) as cluster:
        assert told(read(cluster, tmp_path)) == ("answered", "")


def test_a_token_that_comes_back_ends_the_list(tmp_path: Path) -> None:
    def again(content: Any) -> Any:
        return {**content, "metadata": {**content["metadata"], "continue": "eyJhZnRlciI6IFsiZWhyIiwgImEiXX0="}}

    with RecordedCluster(PODS, faults=[Fault(r"/pods\?", edit=again, times=99)]) as cluster:
        snapshot = read(cluster, tmp_path, page_size=1)
    assert told(snapshot) == (
        "partial",
        "a later page was not answered: the list does not end: its token came back",
    )


@pytest.mark.parametrize(("times", "status"), [(1, "answered"), (99, "partial")])
def test_a_list_whose_version_changes_between_pages_starts_again_once(tmp_path: Path, times: int, status: str) -> None:
    def later(content: Any) -> Any:
        return {**content, "metadata": {**content["metadata"], "resourceVersion": "9999"}}

    with RecordedCluster(PODS, faults=[Fault(r"/pods\?.*continue", edit=later, times=times)]) as cluster:
        snapshot = read(cluster, tmp_path, page_size=2)
    assert (pods(snapshot), told(snapshot)[0]) == (["a", "b", "c", "d"], status)


def test_objects_that_change_while_they_are_listed_are_as_they_were_at_one_moment(tmp_path: Path) -> None:
    change = Fault(r"/pods\?.*continue", act=lambda cluster: cluster.change(("", "pods"), PODS[2:]))
    with RecordedCluster(PODS, faults=[change]) as cluster:
        snapshot = read(cluster, tmp_path, page_size=1)
    assert (pods(snapshot), told(snapshot)) == (["a", "b", "c", "d"], ("answered", ""))


def test_a_list_that_starts_again_leaves_nothing_of_its_first_try(tmp_path: Path) -> None:
    """Neither objects nor counts: the snapshot is that of a list which was read at once."""

    def act(cluster: RecordedCluster) -> None:
        cluster.change(("", "pods"), PODS[2:])
        cluster.compact()

    secret = {**PODS[0], "spec": {"containers": [{"name": "c", "env": [{"name": "PASSWORD", "value": "x"}]}]}}
    with RecordedCluster([secret, *PODS[1:]], faults=[Fault(r"/pods\?.*continue", act=act)]) as cluster:
        restarted = read(cluster, tmp_path, page_size=1)
        at_once = read(cluster, tmp_path)
    assert pods(restarted) == ["c", "d"]
    assert told(restarted) == ("answered", "")
    assert restarted.parts["", "Pod"] == at_once.parts["", "Pod"]
    assert restarted.redactions == at_once.redactions


def test_a_kind_that_is_withdrawn_half_way_is_absent(tmp_path: Path) -> None:
    fault = Fault(r"/things\?", act=lambda cluster: cluster.withdraw(("example.com", "things")))
    with RecordedCluster(THINGS, faults=[fault]) as cluster:
        snapshot = read(cluster, tmp_path)
    assert told(snapshot, THING) == ("absent", "the server could not find the requested resource")


@pytest.mark.parametrize("aggregated", [False, True])
@pytest.mark.parametrize(("times", "status"), [(1, "answered"), (99, "failed")])
def test_a_list_that_is_not_found_is_asked_for_again_once(
    tmp_path: Path, times: int, status: str, aggregated: bool
) -> None:
    fault = Fault(r"/things\?", status=404, times=times, message="not here")
    with RecordedCluster(THINGS, faults=[fault], aggregated=aggregated) as cluster:
        snapshot = read(cluster, tmp_path)
    assert told(snapshot, THING)[0] == status
    assert len([request for request in cluster.log if request.path.endswith("/things")]) == 2


def test_a_list_that_is_not_found_is_not_absent_where_discovery_does_not_answer(tmp_path: Path) -> None:
    faults = [
        Fault(r"/things\?", status=404, times=99, message="not here"),
        Fault("^/apis/example.com/v1$", status=404, after=1, times=99),
    ]
    with RecordedCluster(THINGS, faults=faults) as cluster:
        assert told(read(cluster, tmp_path), THING) == ("failed", "not here")


@pytest.mark.parametrize(
    ("match", "edit", "lost"),
    [
        ("^/apis/policy/v1$", lambda content: {**content, "resources": "many"}, kinds.POD_DISRUPTION_BUDGET),
        ("^/apis/policy/v1$", lambda content: {**content, "resources": [7]}, kinds.POD_DISRUPTION_BUDGET),
        ("^/apis/policy/v1$", lambda content: {"kind": "APIResourceList"}, kinds.POD_DISRUPTION_BUDGET),
        ("^/apis/policy/v1$", lambda content: {**content, "resources": [{"name": 7}]}, kinds.POD_DISRUPTION_BUDGET),
        ("^/apis$", lambda content: {"kind": "APIGroupList"}, kinds.DEPLOYMENT),
        ("^/apis$", lambda content: {"kind": "APIGroupList", "groups": [{"versions": []}]}, kinds.DEPLOYMENT),
        ("^/apis$", lambda content: {"groups": [{"name": "apps", "versions": 7}]}, kinds.DEPLOYMENT),
        ("^/apis$", lambda content: {"groups": [{"name": "apps", "versions": [{"version": 1}]}]}, kinds.DEPLOYMENT),
        ("^/apis$", lambda content: {"kind": "APIGroupDiscoveryList", "items": [None]}, kinds.DEPLOYMENT),
        (
            "^/apis$",
            lambda content: {"kind": "APIGroupDiscoveryList", "items": [{"metadata": {"name": "apps"}, "versions": 7}]},
            kinds.DEPLOYMENT,
        ),
        (
            "^/apis$",
            lambda content: {
                "kind": "APIGroupDiscoveryList",
                "items": [{"metadata": {"name": "apps"}, "versions": [{"version": "v1", "resources": [7]}]}],
            },
            kinds.DEPLOYMENT,
        ),
    ],
)
def test_discovery_that_is_malformed_makes_nothing_absent(tmp_path: Path, match: str, edit: Edit, lost: Kind) -> None:
    with RecordedCluster(PODS, faults=[Fault(match, edit=edit, times=99)]) as cluster:
        snapshot = read(cluster, tmp_path)
    assert told(snapshot, lost) == ("failed", "its discovery is malformed: what it serves is not known")
    assert pods(snapshot) == ["a", "b", "c", "d"]


def test_without_the_list_of_groups_the_core_group_is_read_all_the_same(tmp_path: Path) -> None:
    with RecordedCluster(PODS, faults=[Fault("^/apis$", status=503, times=99, message="down")]) as cluster:
        snapshot = read(cluster, tmp_path, expected=(THING,))
    assert (pods(snapshot), told(snapshot)) == (["a", "b", "c", "d"], ("answered", ""))
    assert told(snapshot, kinds.DEPLOYMENT) == ("failed", "discovery of /apis: down")
    assert told(snapshot, THING) == ("failed", "discovery of /apis: down")


def test_a_custom_kind_that_is_counted_on_is_absent_where_it_is_not_served(tmp_path: Path) -> None:
    with RecordedCluster(PODS) as cluster:
        assert told(read(cluster, tmp_path), THING)[0] == "not_asked"
        assert told(read(cluster, tmp_path, expected=(THING,)), THING) == ("absent", "")


def test_secrets_come_as_metadata_under_their_own_name(tmp_path: Path) -> None:
    """The items of such a list call themselves PartialObjectMetadata."""
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "namespace": "ehr"},
        "data": {"p": "eA=="},
    }
    with RecordedCluster([secret]) as cluster:
        snapshot = read(cluster, tmp_path, profile="secrets-metadata")
    assert [record.object for record in snapshot.records(kinds.SECRET)] == ["Secret/ehr/s"]
    assert told(snapshot, kinds.SECRET) == ("answered", "")
    assert snapshot.kinds() == [("", "Secret")]


@pytest.mark.parametrize("aggregated", [False, True])
def test_kinds_that_are_served_by_two_groups_are_listed_once(tmp_path: Path, aggregated: bool) -> None:
    second = Kind("events.k8s.io", "Event", "events", True)
    event = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e", "namespace": "ehr"}, "reason": "Killing"}
    with RecordedCluster([event], serve=[*kinds.BUILT_IN, second], aggregated=aggregated) as cluster:
        audit = read(cluster, tmp_path)
        assert not [request for request in cluster.log if request.path.endswith("/events")]
        plus = read(cluster, tmp_path, profile="audit-plus")
        assert [r.path for r in cluster.log if r.path.endswith("/events")] == ["/api/v1/events"]
    assert told(audit, kinds.EVENT) == ("not_asked", "--profile audit-plus would ask for it")
    assert told(plus, kinds.EVENT) == ("answered", "")


def test_a_kind_that_only_an_older_group_serves_counts_as_its_own(tmp_path: Path) -> None:
    old = Kind("extensions", "Ingress", "ingresses", True)
    route = {"metadata": {"name": "front", "namespace": "web"}, "apiVersion": "v1", "kind": "Ingress"}
    with RecordedCluster([], serve=[kinds.NAMESPACE, old]) as cluster:
        cluster.change(("extensions", "ingresses"), [route])
        snapshot = read(cluster, tmp_path)
    assert told(snapshot, kinds.INGRESS) == ("answered", "")
    assert [record.object for record in snapshot.records(kinds.INGRESS)] == ["Ingress/web/front"]


def test_what_is_not_read_when_the_time_is_over_has_failed(tmp_path: Path) -> None:
    with RecordedCluster(PODS, aggregated=True) as cluster:
        server, name = connection.connect(kubeconfig=cluster.kubeconfig(tmp_path), budget_seconds=90.0)
        started = server.clock()
        server.clock = lambda: started + 10.0 * len(cluster.log)  # each request takes ten seconds
        builder = SnapshotBuilder("live", Pseudonymizer(TEST_KEY))
        wanted = frozenset(["Namespace", "Node", "Pod", "Role"])
        snapshot = Collector(server, builder, wanted=wanted, page_size=1).run(name)
    over = "the time for the whole collection is used up: 90 seconds"
    assert told(snapshot, kinds.NODE) == ("answered", "")
    assert (pods(snapshot), told(snapshot)) == (["a", "b", "c"], ("partial", f"a later page was not answered: {over}"))
    assert told(snapshot, kinds.ROLE) == ("failed", over)
    assert len(cluster.log) == 9
