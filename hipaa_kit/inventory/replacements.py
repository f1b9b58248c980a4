"""Instances that ended and what came in their place: from the pods that each moment of a series shows.

What came and went between two moments leaves no trace. So a replacement is the first one that a moment
shows, and nothing is said of its time where a moment in between did not show all pods of the namespace.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from hipaa_kit.inventory.fields import mapping, text
from hipaa_kit.inventory.lives import Life, Sightings
from hipaa_kit.inventory.pod_ends import Ending, Restart, ending, first_manager, ready_since, restarted, seconds_between
from hipaa_kit.inventory.sightings import attributed, uid_of
from hipaa_kit.kube import kinds
from hipaa_kit.kube.owners import controller_of, object_id, parse_object_id
from hipaa_kit.sources.coverage import Coverage
from hipaa_kit.sources.inputs.values import moment
from hipaa_kit.sources.snapshot import Record, Snapshot

ENDING_EVENTS: Final = frozenset(["Evicted", "Preempted"])
"""Reasons of events of a pod that are about its end and nothing else."""

NOT_ENDED: Final = Ending()


@dataclass(slots=True)
class _Pod:
    """One pod by its uid, over all moments that show it."""

    object: str
    uid: str
    first: int
    last: int
    alive: int
    owner: str
    owner_kind: str
    node: str
    created_at: str
    manager: str
    workload: str = ""
    completed: bool = False
    ready_at: str = ""
    end: Ending = NOT_ENDED
    restarts: dict[tuple[str, int], tuple[Restart, str]] = field(default_factory=dict)

    def see(self, number: int, record: Record, workload: str) -> None:
        """Take in what one moment shows."""
        content = record.content
        self.last, self.end = number, ending(content)
        self.completed = text(content, "status", "phase") == "Succeeded"
        self.workload = workload or self.workload
        self.alive = self.alive if self.end.how or self.end.at else number
        now = ready_since(content)
        self.ready_at = self.ready_at or now
        for each in restarted(content):
            _, known = self.restarts.get((each.container, each.restarts), (each, ""))
            self.restarts[each.container, each.restarts] = (each, known or now)


class Replacements:
    """Takes the pods of one snapshot after the other, then tells what replaced what.

    Parameters
    ----------
    moments
        The moments, in order.
    coverage
        What each of them was asked and answered.
    """

    def __init__(self, moments: Sequence[str], coverage: Sequence[Coverage]) -> None:
        self._moments, self._coverage = moments, coverage
        self._pods: dict[tuple[str, str], _Pod] = {}
        self._names = Sightings(decisive=True)
        self._events: dict[str, tuple[str, str]] = {}

    def take(self, number: int, snapshot: Snapshot) -> None:
        """Take the pods and events that one moment shows."""
        workloads = {pod.object: each.object for each in attributed(snapshot) for pod in each.pods}
        for record in snapshot.records(kinds.POD):
            if uid := uid_of(record):
                self._names.see(number, record.object, uid)
                if (record.object, uid) not in self._pods:
                    self._pods[record.object, uid] = _new(record, uid, number)
                self._pods[record.object, uid].see(number, record, workloads.get(record.object, ""))
        for record in snapshot.records(kinds.EVENT):
            about = mapping(record.content, "regarding") or mapping(record.content, "involvedObject")
            reason, uid = text(record.content, "reason"), text(about, "uid")
            if uid and reason in ENDING_EVENTS and text(about, "kind") == "Pod" and (at := _when(record.content)):
                self._events[uid] = max(self._events.get(uid, ("", "")), (at, reason))

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield a row per pod that ended and per container that was started again (table `replacements`)."""
        for pod in self._pods.values():
            for restart, ready_at in pod.restarts.values():
                yield _restart_row(pod, restart, ready_at, self._moments)
        near: dict[str, list[_Pod]] = defaultdict(list)
        for pod in self._pods.values():
            for name in {pod.object, pod.owner, pod.workload} - {""}:
                near[name].append(pod)
        taken: set[str] = set()
        for pod, gone_by in sorted(self._ended(), key=lambda each: (self._since(each[0]), each[0].object, each[0].uid)):
            others = (other for name in (pod.object, pod.owner, pod.workload) for other in near.get(name, ()))
            found, matched = self._successor(pod, (other for other in others if other.uid not in taken))
            if found:
                taken.add(found.uid)
            yield self._row(pod, gone_by, found, matched)

    def _ended(self) -> Iterator[tuple[_Pod, int | None]]:
        """Yield the pods that ended and had not completed, with the moment that proves them gone."""
        lives = {
            (name, life.identity): life
            for name, found in self._names.lives(len(self._moments), self._whole)
            for life in found
        }
        for (name, uid), pod in self._pods.items():
            life: Life = lives[name, uid]
            if not pod.end.at and uid in self._events:
                at, reason = self._events[uid]
                pod.end = Ending("evicted", pod.end.cause or reason, at, f"event {reason}")
            if not pod.completed and (pod.end.how or life.gone_by is not None):
                yield pod, life.gone_by

    def _whole(self, number: int, name: str) -> bool:
        """Tell whether a moment showed all pods of a pod's namespace."""
        return self._coverage[number].answer(kinds.POD, parse_object_id(name)[1]).complete

    def _since(self, pod: _Pod) -> str:
        """Return from when on a pod may have been replaced."""
        return pod.end.at or (self._moments[pod.alive] if pod.alive >= 0 else pod.created_at)

    def _successor(self, pod: _Pod, others: Iterable[_Pod]) -> tuple[_Pod | None, str]:
        """Return the first pod that was made in place of another since that ended, and what pairs them."""
        since = self._since(pod)
        found = []
        for other in others:
            matched = _matched(pod, other)
            if matched and other.uid != pod.uid and other.created_at >= since and other.last >= pod.last:
                found.append((matched == "order" and other.owner != pod.owner, other.created_at, other.object, other))
        best = min(found, key=lambda each: each[:3], default=None)
        return (best[3], _matched(pod, best[3])) if best else (None, "")

    def _row(self, pod: _Pod, gone_by: int | None, found: _Pod | None, matched: str) -> dict[str, Any]:
        row = {
            "pod": pod.object,
            "uid": pod.uid,
            "restarts": 0,
            "namespace": parse_object_id(pod.object)[1],
            "workload": pod.workload,
            "how": pod.end.how or "vanished",
            "cause": pod.end.cause,
            "failed_at": pod.end.at,
            "failed_basis": pod.end.basis,
            "seen_last": self._moments[pod.last],
            "gone_by": "" if gone_by is None else self._moments[gone_by],
            "matched_by": matched,
        }
        since, until = self._since(pod), found.first if found else len(self._moments) - 1
        after = [number for number, at in enumerate(self._moments) if at >= since and number <= until]
        hidden = next((self._moments[number] for number in after if not self._whole(number, pod.object)), "")
        reason = f"not all pods of the namespace were seen at {hidden}" if hidden else ""
        if found is None:
            told = "no pod in its place was seen"
            return {**row, "reason": f"{told}: {reason}" if reason else told}
        row |= {
            "replacement": found.object,
            "replacement_uid": found.uid,
            "replaced_by": found.owner,
            "field_manager": found.manager,
            "created_at": found.created_at,
            "ready_at": found.ready_at,
        }
        return {**row, **_time_to_ready(pod.end.at, found.ready_at, reason)}


def _new(record: Record, uid: str, number: int) -> _Pod:
    metadata = mapping(record.content, "metadata")
    owner = controller_of(metadata)
    namespace = "" if owner and owner.kind == "Node" else record.namespace
    return _Pod(
        object=record.object,
        uid=uid,
        first=number,
        last=number,
        alive=-1,
        owner=object_id(owner.kind, namespace, owner.name) if owner else "",
        owner_kind=owner.kind if owner else "",
        node=text(record.content, "spec", "nodeName"),
        created_at=moment(text(metadata, "creationTimestamp")),
        manager=first_manager(record.facts),
    )


def _matched(pod: _Pod, other: _Pod) -> str:
    """Return what makes a pod the successor of another, "" where nothing does.

    A StatefulSet gives its names again, a DaemonSet has one pod on each node, a Job's next run is no
    replacement of the last.
    """
    if other.object == pod.object:
        return "name"
    if pod.owner_kind in ("", "Node", "StatefulSet"):
        return ""
    if other.owner == pod.owner:
        if pod.owner_kind == "DaemonSet":
            return "node" if other.node == pod.node else ""
        return "order"
    same = pod.workload and other.workload == pod.workload and pod.owner_kind != "Job"
    return "order" if same else ""


def _restart_row(pod: _Pod, restart: Restart, ready_at: str, moments: Sequence[str]) -> dict[str, Any]:
    return {
        "pod": pod.object,
        "uid": pod.uid,
        "container": restart.container,
        "restarts": restart.restarts,
        "namespace": parse_object_id(pod.object)[1],
        "workload": pod.workload,
        "how": "restarted",
        "cause": restart.cause,
        "failed_at": restart.ended_at,
        "failed_basis": "end of the container" if restart.ended_at else "",
        "seen_last": moments[pod.last],
        "replacement": pod.object,
        "replacement_uid": pod.uid,
        "matched_by": "itself",
        "replaced_by": f"Node//{pod.node}" if pod.node else "",
        "created_at": pod.created_at,
        "ready_at": ready_at,
        **_time_to_ready(restart.ended_at, ready_at, ""),
    }


def _time_to_ready(failed_at: str, ready_at: str, doubt: str) -> dict[str, Any]:
    """Return the seconds from a failure to Ready, or why they are not known."""
    if doubt:
        return {"reason": doubt}
    if not failed_at:
        return {"reason": "nothing tells when it failed"}
    if not ready_at:
        return {"reason": "what replaced it was not seen Ready"}
    if ready_at < failed_at:
        return {"reason": "what replaced it has been Ready since before"}
    return {"seconds_to_ready": seconds_between(failed_at, ready_at)}


def _when(event: Mapping[str, Any]) -> str:
    """Return when an event was last seen, in the form of either API group."""
    last = text(event, "series", "lastObservedTime") or text(event, "lastTimestamp") or text(event, "eventTime")
    return moment(last)
