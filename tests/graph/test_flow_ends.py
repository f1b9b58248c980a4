"""Whose an address in a flow log was: a pod's where its status proves it for all of the time, else not known."""

from __future__ import annotations

from itertools import product
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.graph.flow_ends import flow_ends, named_records
from hipaa_kit.graph.traffic import End, Log
from hipaa_kit.kube.network.addresses import parse_cidr
from hipaa_kit.sources.inputs.joining import ADDED
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.observed import FLOW_RECORDS
from hipaa_kit.tables.traffic import FLOW_ENDS
from tests.support.network import node, pod
from tests.support.snapshots import snapshot_of

AT = "2026-11-20T12:00:00Z"
"""When the snapshots of these tests were taken."""


def state(**of: str) -> dict[str, Any]:
    """Return the state of a container: `running="10:00"`, or `ended="09:00 10:30"`, on the day of the snapshot."""
    day = [f"2026-11-20T{each}:00Z" for each in " ".join(of.values()).split()]
    if "running" in of:
        return {"running": {"startedAt": day[0]}}
    return {"terminated": {"startedAt": day[0], "finishedAt": day[1]}} if day else {"waiting": {"reason": "x"}}


def held(name: str, ip: str, *states: dict[str, Any], init: tuple[dict[str, Any], ...] = (), **more: Any) -> Any:
    """Return a pod with an address and containers in some states."""
    made = pod(name, ip=ip, **more)
    made["status"]["containerStatuses"] = [{"name": f"c{at}", "state": each} for at, each in enumerate(states)]
    made["status"]["initContainerStatuses"] = [{"name": f"i{at}", "state": each} for at, each in enumerate(init)]
    return made


def record(source: str, destination: str, first: str = "11:00", last: str = "11:30", **more: Any) -> dict[str, Any]:
    times = {f"{name}_seen_at": f"2026-11-20T{at}:00Z" if at else "" for name, at in (("first", first), ("last", last))}
    plain = {"observer": "vpc", "port": 5432, "protocol": "TCP", "verdict": "allowed", "count": 1, "untimed": 0}
    return {**plain, "source": source, "destination": destination, **times, **more}


def ends(objects: list[Any], *records: dict[str, Any]) -> pd.DataFrame:
    snapshot = snapshot_of(objects, collected_at=AT)
    return FLOW_ENDS.frame(flow_ends(snapshot, FLOW_RECORDS.frame(records)))


def standing(objects: list[Any], first: str = "11:00", last: str = "11:30", **more: Any) -> tuple[str, str]:
    """Return how `10.0.0.1` stands as the source of one record, and whose it was."""
    [row] = rows_of(ends(objects, record("10.0.0.1", "Pod/x/named", first, last, **more)))
    return row["standing"], row["pod"]


SINCE_TEN = held("a/one", "10.0.0.1", state(running="10:00"))

CASES: dict[str, tuple[list[Any], tuple[str, str]]] = {
    "one pod had it all the time": ([SINCE_TEN], ("pod", "Pod/a/one")),
    "the pod came later": ([held("a/one", "10.0.0.1", state(running="11:45"))], ("other_time", "")),
    "the pod came in between": ([held("a/one", "10.0.0.1", state(running="11:10"))], ("other_time", "")),
    "the pod came at that very second": ([held("a/one", "10.0.0.1", state(running="11:00"))], ("pod", "Pod/a/one")),
    "another container started again in between": (
        [held("a/one", "10.0.0.1", state(running="11:15"), state(running="10:00"))],
        ("pod", "Pod/a/one"),
    ),
    "a sidecar has run all the time": (
        [held("a/one", "10.0.0.1", state(running="11:15"), init=(state(running="09:00"),))],
        ("pod", "Pod/a/one"),
    ),
    "a container that had ended by then may have run under another address": (
        [held("a/one", "10.0.0.1", state(running="11:15"), state(ended="09:00 09:30"))],
        ("other_time", ""),
    ),
    "a pod that ended since": (
        [held("a/one", "10.0.0.1", state(ended="10:00 11:40"), phase="Succeeded")],
        ("pod", "Pod/a/one"),
    ),
    "a pod that ended in between": (
        [held("a/one", "10.0.0.1", state(ended="10:00 11:20"), phase="Succeeded")],
        ("other_time", ""),
    ),
    "of what has ended only the last to start was surely under that address": (
        [held("a/one", "10.0.0.1", state(ended="10:00 11:40"), state(ended="11:35 11:38"), phase="Failed")],
        ("other_time", ""),
    ),
    "nothing of it runs yet": ([held("a/one", "10.0.0.1", state())], ("other_time", "")),
    "a pod without any status of containers": ([pod("a/one", ip="10.0.0.1")], ("other_time", "")),
    "the address was given on": (
        [SINCE_TEN, held("a/two", "10.0.0.1", state(ended="08:00 09:00"), phase="Succeeded")],
        ("pod", "Pod/a/one"),
    ),
    "two pods say they had it": (
        [SINCE_TEN, held("a/two", "10.0.0.1", state(ended="11:10 11:20"), phase="Succeeded")],
        ("several", ""),
    ),
    "the second address of a pod": ([held("a/one", "fd00::1,10.0.0.1", state(running="10:00"))], ("pod", "Pod/a/one")),
    "a pod on the network of its node": ([held("a/one", "10.0.0.1", state(running="10:00"), host=True)], ("nobody", "")),
    "a node, and whoever is on its network": (
        [node("n1", "10.0.0.1"), held("a/one", "10.0.0.1", state(running="10:00"), host=True)],
        ("node", ""),
    ),
    "a Service": (
        [{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "a"}, "spec": {"clusterIP": "10.0.0.1"}}],
        ("service", ""),
    ),
    "nobody that the snapshot has": ([held("a/one", "10.0.0.2", state(running="10:00"))], ("nobody", "")),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_whose_an_address_was(name: str) -> None:
    objects, answer = CASES[name]
    assert standing(objects) == answer


def test_after_the_snapshot_nothing_is_known() -> None:
    assert standing([SINCE_TEN], "11:30", "12:00") == ("pod", "Pod/a/one")
    assert standing([SINCE_TEN], "11:30", "12:01") == ("other_time", "")


def test_a_record_without_a_time_is_nobodys() -> None:
    assert standing([SINCE_TEN], "", "") == ("no_time", "")
    assert standing([SINCE_TEN], untimed=1, count=3) == ("no_time", "")


def test_records_that_are_added_up_keep_how_many_have_no_time() -> None:
    kept = record("10.0.0.1", "10.0.0.2", "11:00", "11:30")
    ADDED["flow_records"](kept, record("10.0.0.1", "10.0.0.2", "", "", untimed=1))
    assert (kept["count"], kept["untimed"], kept["first_seen_at"]) == (2, 1, "2026-11-20T11:00:00Z")


def test_only_ends_without_a_name_have_rows() -> None:
    found = ends([SINCE_TEN], record("Pod/a/one", "10.0.0.1"), record("outside/abc", "8.8.8.8"))
    assert found[["side", "standing"]].values.tolist() == [["destination", "pod"], ["destination", "outside"]]


@given(st.lists(st.sampled_from(["10:00", "10:30", "11:00", "11:15", "11:30"]), max_size=3), st.booleans())
def test_knowing_less_of_containers_never_makes_an_address_more_certain(starts: list[str], ended: bool) -> None:
    states = [state(ended=f"{each} 11:50") if ended else state(running=each) for each in starts]
    whole = standing([held("a/one", "10.0.0.1", *states)])
    for left_out in range(len(states)):
        less = standing([held("a/one", "10.0.0.1", *states[:left_out], *states[left_out + 1 :])])
        assert ended or less in (whole, ("other_time", ""))


# --- what follows for traffic -----------------------------------------------------------------------------------------

OWNER = {"Pod/a/one": "Deployment/a/one", "Pod/b/db": "StatefulSet/b/db"}
ONE, DB = End("Deployment/a/one", "a"), End("StatefulSet/b/db", "b")
WORLD = [SINCE_TEN, held("b/db", "10.0.0.2", state(running="10:00"))]


def log(*records: dict[str, Any]) -> Log:
    table = FLOW_RECORDS.frame(records)
    return Log(named_records(table, ends(WORLD, *records), OWNER), frozenset({"StatefulSet/b/db"}))


@pytest.mark.parametrize(
    ("source", "destination", "seen"),
    [
        ("10.0.0.1", "10.0.0.2", "yes"),
        ("10.0.0.1", "Pod/b/db", "yes"),
        ("Pod/a/one", "10.0.0.2", "yes"),
        ("10.0.0.9", "10.0.0.2", "unknown"),
        ("10.0.0.1", "10.0.0.9", "unknown"),
        ("10.0.0.9", "10.0.0.8", "unknown"),
        ("10.0.0.2", "10.0.0.1", "no"),
        ("10.0.0.9", "Pod/a/one", "no"),
        ("outside/abc", "10.0.0.2", "no"),
        ("10.0.0.1", "8.8.8.8", "no"),
    ],
)
def test_what_a_log_shows_of_one_connection(source: str, destination: str, seen: str) -> None:
    """What nobody can tell apart from it leaves it open whether it was seen."""
    assert log(record(source, destination)).seen(ONE, DB, "TCP") == seen


@pytest.mark.parametrize(("change", "seen"), [({"protocol": "UDP"}, "no"), ({"verdict": "denied"}, "no")])
def test_another_protocol_or_a_denial_leaves_nothing_open(change: dict[str, str], seen: str) -> None:
    assert log(record("10.0.0.9", "10.0.0.2", **change)).seen(ONE, DB, "TCP") == seen


@pytest.mark.parametrize(
    ("source", "seen"), [("outside/abc", "unknown"), ("10.0.0.9", "unknown"), ("Pod/a/one", "no"), ("10.0.0.1", "no")]
)
def test_which_part_of_the_outside_an_address_lies_in_is_not_told(source: str, seen: str) -> None:
    block = parse_cidr("0.0.0.0/0")
    assert block
    assert log(record(source, "10.0.0.2")).seen(End.of("0.0.0.0/0", ""), DB, "TCP") == seen


def test_ports_of_addresses_are_those_of_their_workloads() -> None:
    held_ports = log(record("10.0.0.1", "10.0.0.2"), record("Pod/a/one", "Pod/b/db", port=22)).ports
    assert {tuple(key): ports for key, ports in held_ports.items()} == {
        ("Deployment/a/one", "StatefulSet/b/db", "TCP"): {22, 5432}
    }


def test_nothing_is_seen_without_a_log() -> None:
    assert {log().seen(*pair, "TCP") for pair in product((ONE, DB), repeat=2)} == {"unknown"}
