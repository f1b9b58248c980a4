"""Which policies select each pod, and what stands in each namespace: isolation, pod by pod."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pandas as pd

from hipaa_kit.graph.reachability.engine import Engine
from hipaa_kit.graph.reachability.explain import reasons_of
from hipaa_kit.graph.reachability.facts import Facts
from hipaa_kit.graph.reachability.sides import Side
from hipaa_kit.kube.network.rules import ANY, DIRECTIONS, NETWORK, Direction, Policy
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.tables.reachability import ISOLATION, NAMESPACE_ISOLATION


def isolation(facts: Facts, engine: Engine, enforced: bool) -> pd.DataFrame:
    """Return table `isolation`: one row per pod and direction."""
    if not facts.pods:
        return ISOLATION.frame()
    ways = sorted(DIRECTIONS)
    told = [_selected(engine.side(way)) for way in ways]
    first = np.cumsum([0, *(len(each) for each in told)])
    number = np.column_stack(
        [start + engine.side(way).of_class[engine.classes.of_pod] for start, way in zip(first, ways, strict=False)]
    ).ravel()
    found = {name: np.array([row[name] for each in told for row in each], dtype=object)[number] for name in TOLD}
    for at, pod in enumerate(facts.pods):
        for row in range(len(ways) * at, len(ways) * (at + 1)) if pod.note else ():
            found["reason"][row] = "; ".join(filter(None, (found["reason"][row], pod.note)))
    if not enforced:
        found["reason"][:] = f"no network plugin enforces policy: {facts.options.basis.get('enforcement', '')}"
    about = {
        "pod": [pod.object for pod in facts.pods],
        "namespace": [pod.namespace for pod in facts.pods],
        "workload": [pod.workload for pod in facts.pods],
        "other_networks": [bool(pod.note) for pod in facts.pods],
        "enforcement": [facts.node_enforcement.get(pod.node, facts.options.enforcement) for pod in facts.pods],
    }
    columns = {name: np.repeat(np.array(each, dtype=object), len(ways)) for name, each in about.items()}
    direction = np.tile(np.array(ways, dtype=object), len(facts.pods))
    return ISOLATION.of_columns({**columns, "direction": direction, **found})


TOLD: Final = ("isolated", "open", "policies", "policy_count", "reason")


def _selected(side: Side) -> list[dict[str, Any]]:
    """Return what each signature says of its pods: the columns of `TOLD`."""
    planes, every, rows = side.engine.palette.planes, side.engine.every, side.rows()
    everything = np.array([each.sure == every for each in planes])[rows].all(axis=1)
    something = np.array([each.possible == every for each in planes])[rows].all(axis=1)
    return [
        {
            "isolated": _isolated(side, number),
            "open": True if everything[number] else None if something[number] else False,
            "policies": " ".join(policy.object for policy, sure in side.policies(number) if sure),
            "policy_count": sum(sure for _, sure in side.policies(number)),
            "reason": "; ".join(dict.fromkeys(reasons_of(side, number, (0,)))),
        }
        for number in range(len(side.signatures))
    ]


def _isolated(side: Side, number: int) -> bool | None:
    isolating = [sure for policy, sure in side.policies(number) if side.direction in policy.isolates]
    if any(isolating):
        return True
    open_ = any(doubt.effect not in ("gate", "narrows") for doubt in side.doubts(number))
    return None if isolating or open_ else False


def namespace_isolation(facts: Facts) -> pd.DataFrame:
    """Return table `namespace_isolation`: one row per namespace that is known."""
    policies: dict[str, list[Policy]] = defaultdict(list)
    for policy in facts.policies:
        if policy.stage == NETWORK:
            policies[parse_object_id(policy.object)[1]].append(policy)
    pods: dict[str, int] = defaultdict(int)
    for pod in facts.pods:
        pods[pod.namespace] += 1
    hidden = {
        term.namespace
        for doubt in facts.doubts
        if doubt.effect not in ("gate", "narrows")
        for term in doubt.subject
        if term.pods == ANY
    }
    return NAMESPACE_ISOLATION.frame(
        _namespace(name, policies[name], pods[name], name not in hidden and "" not in hidden)
        for name in sorted({*facts.namespaces, *policies})
    )


def _namespace(name: str, policies: list[Policy], pods: int, complete: bool) -> dict[str, Any]:
    return {
        "namespace": name,
        "policies": len(policies),
        "denies_ingress": _denies(policies, "ingress", complete),
        "denies_egress": _denies(policies, "egress", complete),
        "pods": pods,
        "complete": complete,
    }


def _denies(policies: list[Policy], direction: Direction, complete: bool) -> bool | None:
    """Tell whether a policy isolates every pod; another that was not seen could."""
    found = any(
        direction in policy.isolates and term.pods == ANY and not term.meshed
        for policy in policies
        for term in policy.subject
    )
    return True if found else False if complete else None


def selecting(side: Side) -> Iterator[tuple[Policy, int]]:
    """Yield every policy of a direction with how many pods it selects, or perhaps does."""
    counts = np.zeros(len(side.engine.facts.policies), dtype=np.int64)
    sizes = np.bincount(side.of_class, weights=side.engine.classes.counts, minlength=len(side.signatures))
    for signature, size in zip(side.signatures, sizes.astype(np.int64).tolist(), strict=True):
        for number, _ in signature.policies:
            counts[number] += size
    yield from zip(side.engine.facts.policies, counts.tolist(), strict=True)
