"""What replaced an instance that ended, by whom, and how long it took to be Ready; told only where it is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipaa_kit.inventory.pod_ends import ending, never_ready, restarted
from hipaa_kit.inventory.replacements import Replacements
from hipaa_kit.kube import kinds
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.history import REPLACEMENTS
from tests.support.snapshots import snapshot_of

DAYS = [f"2026-11-2{day}T00:00:00Z" for day in range(5)]


def at(hour: str, day: int = 0) -> str:
    """Return a time of a day of the series: day 0 lies between its first and its second moment."""
    return f"2026-11-2{day}T{hour}Z"


def condition(kind: str, status: str, since: str, reason: str = "") -> dict:
    return {"type": kind, "status": status, "lastTransitionTime": since, "reason": reason}


def pod(
    name: str,
    uid: str,
    *,
    owner: str = "ReplicaSet/web-1",
    created: str = "2026-11-19T00:00:00Z",
    ready: str = "",
    unready: str = "",
    node: str = "n1",
    started: str = "2026-11-19T00:00:05Z",
    metadata: dict | None = None,
    **status: Any,
) -> dict:
    """Return a pod that is Ready since a time, or not Ready any more since another."""
    kind, _, owned = owner.partition("/")
    about: dict[str, Any] = {"name": name, "namespace": "ehr", "uid": uid, "creationTimestamp": created}
    if owner:
        version = "batch/v1" if kind == "Job" else "v1" if kind == "Node" else "apps/v1"
        about["ownerReferences"] = [{"apiVersion": version, "kind": kind, "name": owned, "controller": True}]
    about |= metadata or {}
    conditions = [condition("Ready", "True", ready)] if ready else []
    conditions += [condition("Ready", "False", unready)] if unready else []
    container = {"name": "c", "state": {"running": {"startedAt": started}}, "restartCount": 0}
    told = {"phase": "Running", "conditions": conditions, "containerStatuses": [container], **status}
    spec = {"nodeName": node, "containers": [{"name": "c", "image": "i"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": spec, "status": told}


def controller(kind: str, name: str, above: str = "") -> dict:
    metadata: dict[str, Any] = {"name": name, "namespace": "ehr", "uid": f"{kind}-{name}"}
    if above:
        over, _, named = above.partition("/")
        metadata["ownerReferences"] = [{"apiVersion": "apps/v1", "kind": over, "name": named, "controller": True}]
    version = "batch/v1" if kind in ("Job", "CronJob") else "apps/v1"
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": {}}


WEB = [controller("Deployment", "web"), controller("ReplicaSet", "web-1", "Deployment/web"),
       controller("ReplicaSet", "web-2", "Deployment/web")]  # fmt: skip
OLD = pod("web-1-a", "u1", ready="2026-11-19T00:01:00Z")
NEW = pod("web-1-b", "u2", created=at("06:00:00"), ready=at("06:00:40"))
FAILED = {
    "phase": "Failed",
    "containerStatuses": [
        {"name": "c", "state": {"terminated": {"finishedAt": at("05:59:00"), "reason": "OOMKilled", "exitCode": 137}}}
    ],
}


def series(*moments: list[dict]) -> list[Snapshot]:
    return [snapshot_of([*WEB, *held], collected_at=day) for day, held in zip(DAYS, moments, strict=False)]


def replaced(*snapshots: Snapshot) -> pd.DataFrame:
    found = Replacements([each.collected_at for each in snapshots], [each.coverage for each in snapshots])
    for number, snapshot in enumerate(snapshots):
        found.take(number, snapshot)
    return REPLACEMENTS.frame(found.rows())


def only(frame: pd.DataFrame) -> dict[str, Any]:
    assert len(frame) == 1, frame.to_string()
    row = frame.iloc[0].to_dict()
    return {name: None if pd.isna(value) else value for name, value in row.items()}


def test_a_pod_that_failed_is_replaced_by_its_replica_set() -> None:
    gone = pod("web-1-a", "u1", **FAILED)
    row = only(replaced(*series([OLD], [gone, NEW], [NEW])))
    assert row == {
        "pod": "Pod/ehr/web-1-a",
        "uid": "u1",
        "container": "",
        "restarts": 0,
        "namespace": "ehr",
        "workload": "Deployment/ehr/web",
        "how": "failed",
        "cause": "OOMKilled",
        "failed_at": at("05:59:00"),
        "failed_basis": "end of its last container",
        "seen_last": DAYS[1],
        "gone_by": DAYS[2],
        "replacement": "Pod/ehr/web-1-b",
        "replacement_uid": "u2",
        "matched_by": "order",
        "replaced_by": "ReplicaSet/ehr/web-1",
        "field_manager": "",
        "created_at": at("06:00:00"),
        "ready_at": at("06:00:40"),
        "seconds_to_ready": 100.0,
        "reason": "",
        "unready_at": "",
        "cluster_uid": "",
    }


EVICTED = condition("DisruptionTarget", "True", at("05:00:00"), "EvictionByEvictionAPI")


@pytest.mark.parametrize(
    ("gone", "how", "cause", "failed_at"),
    [
        (pod("p", "u", conditions=[EVICTED]), "evicted", "EvictionByEvictionAPI", at("05:00:00")),
        (pod("p", "u", phase="Failed", reason="Evicted", containerStatuses=[]), "evicted", "Evicted", ""),
        (pod("p", "u", **FAILED), "failed", "OOMKilled", at("05:59:00")),
        (
            pod("p", "u", metadata={"deletionTimestamp": at("05:00:30"), "deletionGracePeriodSeconds": 30}),
            "deleted", "", at("05:00:00"),
        ),
        (pod("p", "u", unready=at("04:00:00")), "", "", at("04:00:00")),
        (pod("p", "u", unready=at("04:00:00"), started=at("04:00:01")), "", "", ""),
        (pod("p", "u", ready=at("04:00:00")), "", "", ""),
        (pod("p", "u", phase="Succeeded", unready=at("04:00:00")), "", "", ""),
        (pod("p", "u", conditions=[condition("DisruptionTarget", "False", at("05:00:00"))]), "", "", ""),
        (pod("p", "u", phase=7, conditions={"Ready": 1}, containerStatuses="x", metadata={"deletionTimestamp": 3}),
         "", "", ""),
    ],
)  # fmt: skip
def test_what_the_status_of_a_pod_tells_of_its_end(gone: dict, how: str, cause: str, failed_at: str) -> None:
    found = ending(gone)
    assert (found.how, found.cause, found.at) == (how, cause, failed_at)
    assert bool(found.basis) == bool(failed_at)


def test_a_pod_that_vanished_is_replaced_after_it_was_last_seen_and_nothing_tells_how_fast() -> None:
    row = only(replaced(*series([OLD], [NEW])))
    assert (row["how"], row["gone_by"], row["replacement"]) == ("vanished", DAYS[1], "Pod/ehr/web-1-b")
    assert (row["failed_at"], row["seconds_to_ready"]) == ("", None)
    assert row["reason"] == "nothing tells when it failed"


def test_a_pod_that_stopped_being_ready_before_it_vanished_failed_then() -> None:
    row = only(replaced(*series([pod("web-1-a", "u1", unready="2026-11-19T23:59:00Z")], [NEW])))
    assert (row["how"], row["failed_at"], row["seconds_to_ready"]) == ("vanished", "2026-11-19T23:59:00Z", 21700.0)


def node(name: str, uid: str) -> dict:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "uid": uid}, "spec": {}}


@pytest.mark.parametrize(
    ("before", "after", "refused", "cause"),
    [
        ([node("n1", "a")], [], False, "NodeGone"),
        ([node("n1", "a")], [node("n1", "b")], False, "NodeGone"),
        ([node("n1", "a"), node("n2", "c")], [node("n1", "a")], False, ""),
        ([node("n1", "a")], [node("n1", "a")], False, ""),
        ([node("n1", "a")], [], True, "NodesUnseen"),
    ],
)
def test_a_pod_may_go_with_its_node(before: list[dict], after: list[dict], *, refused: bool, cause: str) -> None:
    first = snapshot_of([*WEB, OLD, *before], collected_at=DAYS[0])
    overrides = {("", "Node", ""): "refused"} if refused else {}
    second = snapshot_of([*WEB, NEW, *after], collected_at=DAYS[1], overrides=overrides)
    row = only(replaced(first, second))
    assert (row["how"], row["cause"]) == ("vanished", cause)


def test_what_says_itself_why_it_ended_is_not_told_by_its_node() -> None:
    first = snapshot_of([*WEB, OLD, node("n1", "a")], collected_at=DAYS[0])
    gone = pod("web-1-a", "u1", **FAILED)
    second = snapshot_of([*WEB, gone, NEW, node("n1", "a")], collected_at=DAYS[1])
    third = snapshot_of([*WEB, NEW], collected_at=DAYS[2])
    assert only(replaced(first, second, third))["cause"] == "OOMKilled"


def test_a_pod_that_is_ready_again_has_not_ended() -> None:
    assert replaced(*series([pod("web-1-a", "u1", unready="2026-11-19T23:59:00Z")], [OLD])).empty


def test_an_event_tells_of_an_eviction_that_the_pod_itself_does_not() -> None:
    event = {
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": "e", "namespace": "ehr"}, "reason": "Evicted",
        "involvedObject": {"kind": "Pod", "namespace": "ehr", "name": "web-1-a", "uid": "u1"},
        "lastTimestamp": at("05:59:40"),
    }  # fmt: skip
    row = only(replaced(*series([OLD], [NEW, event])))
    assert (row["how"], row["failed_basis"], row["seconds_to_ready"]) == ("evicted", "event Evicted", 60.0)


@pytest.mark.parametrize(
    ("old", "new", "matched"),
    [
        ("StatefulSet/db db-0", "StatefulSet/db db-0", "name"),
        ("StatefulSet/db db-0", "StatefulSet/db db-1", ""),
        ("DaemonSet/log log-a", "DaemonSet/log log-b", "node"),
        ("DaemonSet/log log-a", "DaemonSet/log log-b n2", ""),
        ("ReplicaSet/web-1 web-1-a", "ReplicaSet/web-2 web-2-b", "order"),
        ("ReplicaSet/web-1 web-1-a", "ReplicaSet/other other-b", ""),
        ("Job/job-1 job-1-a", "Job/job-1 job-1-b", "order"),
        ("Job/job-1 job-1-a", "Job/job-2 job-2-b", ""),
        ("Node/n1 kube-proxy-n1", "Node/n1 kube-proxy-n1", "name"),
        (" lone", " lone", "name"),
        (" lone", " other", ""),
    ],
)
def test_what_takes_the_place_of_what(old: str, new: str, matched: str) -> None:
    cron = [controller("CronJob", "job"), *(controller("Job", f"job-{n}", "CronJob/job") for n in (1, 2))]
    kept = [controller("StatefulSet", "db"), controller("DaemonSet", "log"), *cron]
    owner, name, node = (*old.split(" "), "n1")[:3]
    first = pod(name, "u1", owner=owner, node=node, ready=at("00:00:00"), **FAILED)
    owner, name, node = (*new.split(" "), "n1")[:3]
    second = pod(name, "u2", owner=owner, node=node, created=at("06:00:00"), ready=at("06:00:40"))
    row = only(replaced(*series([*kept, first], [*kept, second])))
    assert row["matched_by"] == matched
    assert bool(row["replacement"]) == bool(matched)
    assert row["seconds_to_ready"] == (100.0 if matched else None)
    assert row["reason"] == ("" if matched else "no pod in its place was seen")


def test_a_pod_that_was_there_before_replaces_nothing() -> None:
    other = pod("web-1-c", "u3", created="2026-11-19T12:00:00Z", ready="2026-11-19T12:00:40Z")
    assert only(replaced(*series([OLD, other], [other])))["replacement"] == ""


def test_the_same_replica_set_comes_before_another_and_each_pod_replaces_one() -> None:
    gone = [pod(f"web-1-{x}", f"u-{x}", **FAILED) for x in "ab"]
    new = [
        pod("web-2-x", "u-x", owner="ReplicaSet/web-2", created=at("06:00:00"), ready=at("06:00:10")),
        pod("web-1-y", "u-y", created=at("07:00:00"), ready=at("07:00:10")),
    ]
    found = replaced(*series(gone, new))
    assert list(found["replacement"]) == ["Pod/ehr/web-1-y", "Pod/ehr/web-2-x"]


def test_the_name_given_again_at_once_is_another_pod() -> None:
    row = only(replaced(*series([pod("lone", "u1", owner="")], [pod("lone", "u2", owner="", created=at("06:00:00"))])))
    assert (row["how"], row["uid"], row["replacement_uid"], row["gone_by"]) == ("vanished", "u1", "u2", DAYS[1])


def test_a_pod_that_completed_was_not_replaced() -> None:
    done = pod("job-1-a", "u1", owner="Job/job-1", phase="Succeeded")
    assert replaced(*series([done], [])).empty


def test_what_is_still_not_ready_has_no_time() -> None:
    gone = pod("web-1-a", "u1", **FAILED)
    late = pod("web-1-b", "u2", created=at("06:00:00"), unready=at("06:00:00"))
    row = only(replaced(*series([gone], [late])))
    assert (row["seconds_to_ready"], row["reason"]) == (None, "what replaced it was not seen Ready")
    row = only(replaced(*series([gone], [late], [NEW])))
    assert (row["ready_at"], row["seconds_to_ready"]) == (at("06:00:40"), 100.0)


REFUSED = {"status": "refused", "error": "no"}


@pytest.mark.parametrize(
    ("held", "waits"),
    [
        (pod("p", "u", unready=at("06:00:00"), started=at("06:00:05")), True),
        (pod("p", "u", unready=at("06:00:00"), started=at("05:00:00")), False),
        (pod("p", "u", ready=at("06:00:00")), False),
        (pod("p", "u", phase="Pending", conditions=[condition("PodScheduled", "False", at("06:00:00"))],
             containerStatuses=[]), True),
        (pod("p", "u", conditions=[condition("Ready", "Unknown", at("06:00:00")),
                                   condition("PodScheduled", "False", at("05:00:00"))]), False),
        (pod("p", "u", conditions=[]), False),
        (pod("p", "u", phase="Succeeded", unready=at("06:00:00"), started=at("06:00:05")), False),
        (pod("p", "u", phase="Failed", unready=at("06:00:00"), started=at("06:00:05")), False),
        (pod("p", "u", unready=at("06:00:00"), started=at("06:00:05"),
             metadata={"deletionTimestamp": at("07:00:00")}), False),
    ],
)  # fmt: skip
def test_what_waits_to_be_ready_for_the_first_time(held: dict, waits: bool) -> None:
    assert never_ready(held) is waits


def test_the_last_moment_that_shows_a_replacement_waiting_is_told_until_it_is_ready_or_hidden() -> None:
    gone = pod("web-1-a", "u1", **FAILED)
    late = pod("web-1-b", "u2", created=at("06:00:00"), unready=at("06:00:00"), started=at("06:00:05"))
    days = series([gone], [late], [late])
    assert only(replaced(*days))["unready_at"] == DAYS[2]
    assert only(replaced(*series([gone], [late], [NEW])))["unready_at"] == ""
    assert only(replaced(days[0], days[1].without(kinds.POD, **REFUSED), days[2]))["unready_at"] == ""


def test_pods_that_were_not_all_seen_take_the_time_and_the_proof_that_one_is_gone() -> None:
    first, second, third = series([OLD], [pod("web-1-a", "u1", **FAILED), NEW], [NEW])
    hidden = second.without(kinds.POD, **REFUSED)
    row = only(replaced(first, hidden, third))
    assert (row["how"], row["replacement"], row["seconds_to_ready"]) == ("vanished", "Pod/ehr/web-1-b", None)
    assert row["reason"] == f"not all pods of the namespace were seen at {DAYS[1]}"
    assert replaced(first, second.without(kinds.POD, **REFUSED)).empty
    row = only(replaced(series([OLD], [pod("web-1-a", "u1", **FAILED)])[1], third.without(kinds.POD, **REFUSED)))
    assert row["reason"] == f"no pod in its place was seen: not all pods of the namespace were seen at {DAYS[2]}"


HOURS = st.integers(0, 96)
ENDS = st.sampled_from(["failed", "vanished", "deleted", "unready"])


def when(hour: float) -> str:
    return (datetime(2026, 11, 20, tzinfo=UTC) + timedelta(hours=hour)).strftime("%Y-%m-%dT%H:%M:%SZ")


def shown(number: int, life: tuple[int, int, int, int, str], now: int) -> dict | None:
    """Return a pod as a moment shows it, by when it was made, Ready, ended and gone, and how it ended."""
    created, until_ready, lasts, lingers, how = life
    ready, ended = created + 1 + until_ready, created + 2 + until_ready + lasts
    gone = ended + (0 if how == "vanished" else 1 + lingers)
    if not created <= now < gone:
        return None
    options: dict[str, Any] = {"created": when(created), "started": when(created + 0.5)}
    if now >= ended and how == "failed":
        end = {"terminated": {"finishedAt": when(ended), "reason": "Error", "exitCode": 1}}
        options |= {"phase": "Failed", "containerStatuses": [{"name": "c", "state": end}]}
    elif now >= ended and how == "unready":
        options |= {"unready": when(ended)}
    elif now >= ready:
        options |= {"ready": when(ready)}
    if now >= ended and how == "deleted":
        options["metadata"] = {"deletionTimestamp": when(ended), "deletionGracePeriodSeconds": 0}
    return pod(f"web-1-{number}", f"u{number}", **options)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(HOURS, st.integers(0, 5), st.integers(0, 40), st.integers(0, 40), ENDS), min_size=1, max_size=5),
    st.integers(0, 4),
)
def test_a_time_that_is_told_with_less_is_that_of_all(lives: list[tuple[int, int, int, int, str]], hidden: int) -> None:
    moments = [[shown(number, life, 24 * day) for number, life in enumerate(lives)] for day in range(5)]
    snapshots = series(*([each for each in held if each] for held in moments))
    less = list(snapshots)
    less[hidden] = snapshots[hidden].without(kinds.POD, **REFUSED)
    known = {(row["pod"], row["uid"]): row for row in replaced(*snapshots).to_dict("records")}
    for row in replaced(*less).to_dict("records"):
        before = known[row["pod"], row["uid"]]
        assert row["gone_by"] == "" or row["gone_by"] >= before["gone_by"] != ""
        if not pd.isna(row["seconds_to_ready"]):
            same = ("how", "failed_at", "replacement", "ready_at", "seconds_to_ready")
            assert [row[name] for name in same] == [before[name] for name in same]


def test_owners_that_were_not_seen_leave_the_workload_open() -> None:
    snapshots = series([OLD], [NEW])
    cut = [each.without(kinds.REPLICA_SET, **REFUSED) for each in snapshots]
    row = only(replaced(*cut))
    assert (row["workload"], row["replaced_by"]) == ("", "ReplicaSet/ehr/web-1")
    assert only(replaced(cut[0], snapshots[1]))["workload"] == ""


def again(times: int, ended: str, **rest: Any) -> dict:
    container = {
        "name": "c",
        "restartCount": times,
        "state": {"running": {"startedAt": ended}},
        "lastState": {"terminated": {"finishedAt": ended, "reason": "Error", "exitCode": 1}},
    }
    return pod("web-1-a", "u1", containerStatuses=[container], **rest)


def test_a_container_that_was_started_again_is_told_once() -> None:
    found = replaced(*series([again(1, at("01:00:00"), ready=at("01:00:25"))] * 1, [again(1, at("01:00:00"))]))
    row = only(found)
    assert (row["how"], row["container"], row["restarts"], row["cause"]) == ("restarted", "c", 1, "Error")
    assert (row["matched_by"], row["replaced_by"], row["seconds_to_ready"]) == ("itself", "Node//n1", 25.0)


def test_each_restart_that_a_moment_shows_is_one_row() -> None:
    first = again(1, at("01:00:00"), ready=at("01:00:25"))
    third = again(3, at("05:00:00", 1), unready=at("05:00:00", 1))
    found = replaced(*series([first], [third]))
    assert list(found["restarts"]) == [1, 3]
    assert list(found["reason"]) == ["", "what replaced it was not seen Ready"]


def test_ready_since_before_the_end_of_a_container_tells_no_time() -> None:
    row = only(replaced(*series([again(1, at("01:00:00"), ready=at("00:30:00"))])))
    assert row["reason"] == "what replaced it has been Ready since before"


def test_sidecars_are_started_again_too_and_init_containers_are_not() -> None:
    ended = {"lastState": {"terminated": {"finishedAt": at("01:00:00")}}, "restartCount": 2}
    content = {
        "spec": {"initContainers": [{"name": "proxy", "restartPolicy": "Always"}, {"name": "init"}]},
        "status": {"initContainerStatuses": [{"name": "proxy", **ended}, {"name": "init", **ended}]},
    }
    assert [each.container for each in restarted(content)] == ["proxy"]


def test_who_wrote_the_replacement_first_stands_in_its_managed_fields() -> None:
    managed = [
        {"manager": "kubelet", "operation": "Update", "subresource": "status", "time": at("05:00:00")},
        {"manager": "someone", "operation": "Update", "time": at("07:00:00")},
        {"manager": "kube-controller-manager", "operation": "Update", "time": at("06:00:00")},
    ]
    new = pod("web-1-b", "u2", created=at("06:00:00"), metadata={"managedFields": managed})
    assert only(replaced(*series([OLD], [new])))["field_manager"] == "kube-controller-manager"
