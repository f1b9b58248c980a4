"""What has changed between two states of a cluster: flows that differ, and the policies behind it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from hipaa_kit.kube.network.ports import FIRST, LAST
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.reachability import FLOW_CHANGES

if TYPE_CHECKING:
    from hipaa_kit.graph.reachability.answers import Reachability

Spans = list[tuple[int, int, frozenset[str]]]


def changes(before: Reachability, after: Reachability, limit: int) -> pd.DataFrame:
    """Return table `flow_changes`: classes differ between two states, workloads are compared.

    The outside is cut at the borders that either state names, so that its cells are the same in both.
    """
    before, after = _alike(before, after)
    was, now = _flows(before, limit), _flows(after, limit)
    policies = _changed_policies(before, after)
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


def _flows(reach: Reachability, limit: int) -> dict[tuple[str, str, str], Spans]:
    found: dict[tuple[str, str, str], Spans] = defaultdict(list)
    for row in rows_of(reach.edges(denied=True, limit=limit)):
        key = (row["source"], row["destination"], row["protocol"])
        found[key].append((int(row["port_from"]), int(row["port_to"]), frozenset([row["verdict"]])))
    return found


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
