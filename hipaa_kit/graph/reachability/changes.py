"""What has changed between two states of a cluster: flows that differ, and the policies behind it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from hipaa_kit.kube.network.ports import FIRST, LAST
from hipaa_kit.kube.network.rules import Direction
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.reachability import FLOW_CHANGES

if TYPE_CHECKING:
    from hipaa_kit.graph.reachability.answers import Reachability
    from hipaa_kit.graph.reachability.facts import Facts

WAYS: Final[tuple[Direction, Direction]] = ("egress", "ingress")
Touched = tuple[set[str], set[str]]
"""Workloads whose outgoing flows may differ, and those whose incoming flows may."""

Spans = list[tuple[int, int, frozenset[str]]]


def changes(before: Reachability, after: Reachability, limit: int) -> pd.DataFrame:
    """Return table `flow_changes`: classes differ between two states, workloads are compared.

    The outside is cut at the borders that either state names, so that its cells are the same in both.
    """
    before, after = _alike(before, after)
    policies = _changed_policies(before, after)
    touched = _touched(before, after, policies)
    if touched is not None and not any(touched):
        return FLOW_CHANGES.frame()
    was, now = _flows(before, limit, touched), _flows(after, limit, touched)
    rows = []
    for source, destination, protocol in sorted(was.keys() | now.keys()):
        key = (source, destination, protocol)
        for first, last, old, new in _differences(was.get(key, []), now.get(key, [])):
            rows.append(
                {
                    "source": source,
                    "destination": destination,
                    "protocol": protocol,
                    "port_from": first,
                    "port_to": last,
                    "before": old,
                    "after": new,
                    "policies": " ".join(sorted(policies & (_selecting(before, key) | _selecting(after, key)))),
                }
            )
    return FLOW_CHANGES.frame(rows)


def _alike(before: Reachability, after: Reachability) -> tuple[Reachability, Reachability]:
    cuts = before.engine.classes.uses.blocks | after.engine.classes.uses.blocks
    made = [
        reach
        if reach.engine.classes.uses.blocks == cuts
        else type(reach)(replace(reach.facts, cuts=cuts), reach.snapshot)
        for reach in (before, after)
    ]
    return made[0], made[1]


def _flows(reach: Reachability, limit: int, touched: Touched | None) -> dict[tuple[str, str, str], Spans]:
    """Return the spans of ports of every flow, or of those alone of which an end is touched."""
    found: dict[tuple[str, str, str], Spans] = defaultdict(list)
    for row in _rows(reach, limit, touched):
        key = (row["source"], row["destination"], row["protocol"])
        found[key].append((int(row["port_from"]), int(row["port_to"]), frozenset([row["verdict"]])))
    return found


def _rows(reach: Reachability, limit: int, touched: Touched | None) -> Iterator[dict[str, Any]]:
    if touched is None:
        yield from rows_of(reach.edges(denied=True, limit=limit))
        return
    sources, destinations = (sorted(name for name in names if reach.places.known(name)) for names in touched)
    yield from rows_of(reach.edges(denied=True, limit=limit, source=sources)) if sources else ()
    if destinations:
        frame = reach.edges(denied=True, limit=limit, destination=destinations)
        yield from rows_of(frame[~frame["source"].isin(sources)])


def _touched(before: Reachability, after: Reachability, policies: set[str]) -> Touched | None:
    """Return the workloads whose outgoing, and whose incoming, flows may differ; None where all may.

    A flow rests on the policies over its two ends and on what these see of both: labels, namespace, address, ports.
    """
    was, now = before.facts, after.facts
    if was.options != now.options or was.nodes != now.nodes or was.node_enforcement != now.node_enforcement:
        return None
    moved = _moved(was, now)
    out, into = (moved | _under(before, way, policies) | _under(after, way, policies) for way in WAYS)
    return out, into


def _moved(was: Facts, now: Facts) -> set[str]:
    """Return the workloads with a pod that is otherwise, or whose namespace or service account is."""
    if was.pods is now.pods and was.namespaces is now.namespaces and was.accounts is now.accounts:
        return set()
    spaces, accounts = _differing(was.namespaces, now.namespaces), _differing(was.accounts, now.accounts)
    pods = _differing(*({pod.object: pod for pod in facts.pods} for facts in (was, now)))
    return {
        pod.workload or pod.object
        for pod in (*was.pods, *now.pods)
        if pod.object in pods or pod.namespace in spaces or (pod.namespace, pod.account) in accounts
    }


def _differing(was: Mapping[Any, Any], now: Mapping[Any, Any]) -> set[Any]:
    """Return the keys of which one of two maps has another value, or none."""
    return {key for key in was.keys() | now.keys() if (key in was) != (key in now) or was.get(key) != now.get(key)}


def _under(reach: Reachability, direction: Direction, policies: set[str]) -> set[str]:
    """Return the workloads over one direction of which one of some policies or doubts lies."""
    side, classes = reach.engine.side(direction), reach.engine.classes
    held = [
        {policy.object for policy, _ in side.policies(at)} | {doubt.source for doubt in side.doubts(at)}
        for at in range(len(side.signatures))
    ]
    chosen = [not policies.isdisjoint(names) for names in held]
    numbers = (number for number in range(classes.pods) if chosen[side.of_class[number]])
    pods = (reach.facts.pods[at] for number in numbers for at in classes.members[number])
    return {pod.workload or pod.object for pod in pods}


def _differences(was: Spans, now: Spans) -> Iterator[tuple[int, int, str, str]]:
    """Yield ranges of ports on which the verdict differs, with both verdicts, joined where they touch."""
    cuts = sorted({FIRST, *(span[0] for span in (*was, *now)), *(span[1] + 1 for span in (*was, *now))})
    pending: tuple[int, int, str, str] | None = None
    for first, after in zip(cuts, [*cuts[1:], LAST + 1], strict=True):
        if first > LAST:
            continue
        old, new = _verdict(was, first), _verdict(now, first)
        if pending and pending[2:] == (old, new):
            pending = (pending[0], after - 1, old, new)
            continue
        if pending and pending[2] != pending[3]:
            yield pending
        pending = (first, after - 1, old, new)
    if pending and pending[2] != pending[3]:
        yield pending


def _verdict(spans: Spans, port: int) -> str:
    """Return the verdict on one port: none where there is no such pair, `mixed` where pods of workloads differ."""
    found = {verdict for first, last, verdicts in spans if first <= port <= last for verdict in verdicts}
    return next(iter(found)) if len(found) == 1 else "mixed" if found else ""


def _changed_policies(before: Reachability, after: Reachability) -> set[str]:
    """Return the policies, and what stands in their place, that are in one state only or differ between the two."""
    held: list[dict[str, list[Any]]] = []
    for reach in (before, after):
        found: dict[str, list[Any]] = defaultdict(list)
        for policy in reach.facts.policies:
            found[policy.object].append(policy)
        for doubt in reach.facts.doubts:
            found[doubt.source].append(doubt)
        held.append(found)
    names = held[0].keys() | held[1].keys()
    return {name for name in names if held[0].get(name) != held[1].get(name)}


def _selecting(reach: Reachability, key: tuple[str, str, str]) -> set[str]:
    """Return the policies and doubts that lie over the egress of a source and the ingress of a destination."""
    found: set[str] = set()
    for direction, name in (("egress", key[0]), ("ingress", key[1])):
        side = reach.engine.egress if direction == "egress" else reach.engine.ingress
        for place in reach.places.known(name):
            if place.pod is not None:
                number = int(side.of_class[place.number])
                found |= {policy.object for policy, _ in side.policies(number)}
                found |= {doubt.source for doubt in side.doubts(number)}
    return found
