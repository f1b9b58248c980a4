"""Instances that ended and what came in their place: from the pods that each moment of a series shows.

What came and went between two moments leaves no trace. So a replacement is the first one that a moment
shows, and nothing is said of its time where a moment in between did not show all pods of the namespace.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pandas as pd

from hipaa_kit.inventory.fields import mapping, text
from hipaa_kit.inventory.lives import Life, Sightings
from hipaa_kit.inventory.pod_ends import (
    NODE_GONE,
    NODES_UNSEEN,
    Ending,
    Restart,
    ending,
    first_manager,
    never_ready,
    ready_since,
    restarted,
    seconds_between,
)
from hipaa_kit.inventory.registry import builds
from hipaa_kit.inventory.sightings import attributed, uid_of
from hipaa_kit.kube import kinds
from hipaa_kit.kube.owners import controller_of, object_id, parse_object_id
from hipaa_kit.sources.coverage import Coverage
from hipaa_kit.sources.inputs.values import moment
from hipaa_kit.sources.snapshot import Record, Snapshot
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.history import OBSERVED_REPLACEMENTS

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
    ready_seen: int = -1
    waiting: int = -1
    end: Ending = NOT_ENDED
    restarts: dict[tuple[str, int], tuple[Restart, str, int]] = field(default_factory=dict)

    def see(self, number: int, record: Record, workload: str) -> None:
        """Take in what one moment shows."""
        content = record.content
        self.last, self.end = number, ending(content)
        self.completed = text(content, "status", "phase") == "Succeeded"
        self.workload = workload or self.workload
        self.alive = self.alive if self.end.how or self.end.at else number
        self.waiting = number if never_ready(content) else -1
        now = ready_since(content)
        if now and not self.ready_at:
            self.ready_at, self.ready_seen = now, number
        for each in restarted(content):
            held = self.restarts.get((each.container, each.restarts))
            if held is None or not held[1]:
                self.restarts[each.container, each.restarts] = (each, now, number)


class Replacements:
    """Takes the pods of one snapshot after the other, then tells what replaced what.

    Parameters
    ----------
    moments
        The moments, in order.
    coverage
        What each of them was asked and answered.
    cluster_uid
        Uid of the cluster, where every moment tells it.
    """

    def __init__(self, moments: Sequence[str], coverage: Sequence[Coverage], cluster_uid: str = "") -> None:
        self._moments, self._coverage, self._cluster_uid = moments, coverage, cluster_uid
        self._pods: dict[tuple[str, str], _Pod] = {}
        self._names = Sightings(decisive=True)
        self._nodes = Sightings(decisive=True)
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
        for record in snapshot.records(kinds.NODE):
            if uid := uid_of(record):
                self._nodes.see(number, record.name, uid)
        for record in snapshot.records(kinds.EVENT):
            about = mapping(record.content, "regarding") or mapping(record.content, "involvedObject")
            reason, uid = text(record.content, "reason"), text(about, "uid")
            if uid and reason in ENDING_EVENTS and text(about, "kind") == "Pod" and (at := _when(record.content)):
                self._events[uid] = max(self._events.get(uid, ("", "")), (at, reason))

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield a row per pod that ended and per container that was started again (table `replacements`)."""
        for pod in self._pods.values():
            for restart, ready_at, seen in pod.restarts.values():
                doubt = self._hidden(pod, restart.ended_at, seen)
                told = _restart_row(pod, restart, self._moments) | {"cluster_uid": self._cluster_uid}
                yield {**told, **_time_to_ready(restart.ended_at, ready_at, doubt)}
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
        nodes = dict(self._nodes.lives(len(self._moments), self._all_nodes))
        lives = {
            (name, life.identity): life
            for name, found in self._names.lives(len(self._moments), self._whole)
            for life in found
        }
        for (name, uid), pod in self._pods.items():
            life: Life = lives[name, uid]
            if uid in self._events and not (pod.end.how and pod.end.at):
                at, reason = self._events[uid]
                pod.end = Ending("evicted", pod.end.cause or reason, at, f"event {reason}")
            if not pod.end.cause and pod.end.how in ("", "deleted") and life.gone_by is not None:
                pod.end = pod.end._replace(cause=self._with_its_node(pod, life.gone_by, nodes.get(pod.node, [])))
            if not pod.completed and (pod.end.how or life.gone_by is not None):
                yield pod, life.gone_by

    def _whole(self, number: int, name: str) -> bool:
        """Tell whether a moment showed all pods of a pod's namespace."""
        return self._coverage[number].answer(kinds.POD, parse_object_id(name)[1]).complete

    def _all_nodes(self, number: int, _: str) -> bool:
        """Tell whether a moment showed all nodes."""
        return self._coverage[number].answer(kinds.NODE).complete

    def _with_its_node(self, pod: _Pod, gone_by: int, lives: Iterable[Life]) -> str:
        """Return in a word whether the node that a pod was last seen on was gone when the pod was, or may have been."""
        if any(life.seen_first <= pod.last and life.gone_by in range(pod.last, gone_by + 1) for life in lives):
            return NODE_GONE
        seen = self._all_nodes(gone_by, pod.node) and self._all_nodes(pod.last, pod.node)
        return "" if seen or not pod.node else NODES_UNSEEN

    def _since(self, pod: _Pod) -> str:
        """Return from when on a pod may have been replaced."""
        return pod.end.at or (self._moments[pod.alive] if pod.alive >= 0 else pod.created_at)

    def _hidden(self, pod: _Pod, since: str, until: int) -> str:
        """Return which moment from an end on did not show all pods, and may have told otherwise; "" where none."""
        for number, at in enumerate(self._moments[: until + 1]):
            if at >= since and not self._whole(number, pod.object):
                return f"not all pods of the namespace were seen at {at}"
        return ""

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
            "cluster_uid": self._cluster_uid,
        }
        last = len(self._moments) - 1
        until = max(
            last if gone_by is None else gone_by, max(found.first, found.ready_seen, found.waiting) if found else last
        )
        # Pairs by order hang together: a pod that was not seen may have taken this one's replacement.
        since, until = ("", last) if matched == "order" else (self._since(pod), until)
        reason = self._hidden(pod, since, until)
        if found is None:
            told = "no pod in its place was seen"
            return {**row, "reason": f"{told}: {reason}" if reason else told}
        row |= {
            "replacement": found.object,
            "replacement_uid": found.uid,
            "replaced_by": found.owner,
            "field_manager": found.manager,
            "created_at": found.created_at,
        }
        if found.waiting >= 0 and not found.ready_at and not reason:
            row["unready_at"] = self._moments[found.waiting]
        return {**row, **_time_to_ready(pod.end.at, found.ready_at, reason)}


@builds(OBSERVED_REPLACEMENTS)
def observed_replacements(snapshot: Snapshot, replacements: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield what an earlier series tells, with whether it is of this cluster."""
    uid = snapshot.identity.uid
    for row in rows_of(replacements):
        known = bool(uid and row["cluster_uid"])
        yield {**row, "same_cluster": row["cluster_uid"] == uid if known else None}


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


def _restart_row(pod: _Pod, restart: Restart, moments: Sequence[str]) -> dict[str, Any]:
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
    }


def _time_to_ready(failed_at: str, ready_at: str, doubt: str) -> dict[str, Any]:
    """Return when a replacement was Ready and the seconds from a failure to that, or why they are not known."""
    told = {"ready_at": ready_at}
    if doubt:
        return {**told, "reason": doubt}
    if not failed_at:
        return {**told, "reason": "nothing tells when it failed"}
    if not ready_at:
        return {**told, "reason": "what replaced it was not seen Ready"}
    if ready_at < failed_at:
        return {**told, "reason": "what replaced it has been Ready since before"}
    return {**told, "seconds_to_ready": seconds_between(failed_at, ready_at)}


def _when(event: Mapping[str, Any]) -> str:
    """Return when an event was last seen, in the form of either API group."""
    last = text(event, "series", "lastObservedTime") or text(event, "lastTimestamp") or text(event, "eventTime")
    return moment(last)
