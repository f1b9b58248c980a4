"""Which policies select each pod, and what stands in each namespace: isolation, pod by pod."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

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
    rows = []
    for direction in DIRECTIONS:
        side = engine.side(direction)
        known = [_selected(side, number) for number in range(len(side.signatures))]
        for at, pod in enumerate(facts.pods):
            found = known[int(side.of_class[engine.classes.of_pod[at]])]
            enforcement = facts.node_enforcement.get(pod.node, facts.options.enforcement)
            reason = "; ".join(filter(None, (found["reason"], pod.note)))
            if not enforced:
                reason = f"no network plugin enforces policy: {facts.options.basis.get('enforcement', '')}"
            rows.append(
                {
                    "pod": pod.object,
                    "namespace": pod.namespace,
                    "workload": pod.workload,
                    "direction": direction,
                    **found,
                    "reason": reason,
                    "other_networks": bool(pod.note),
                    "enforcement": enforcement,
                }
            )
    return ISOLATION.frame(rows)


def _selected(side: Side, number: int) -> dict[str, Any]:
    policies, doubts = side.policies(number), side.doubts(number)
    surely = any(sure and side.direction in policy.isolates for policy, sure in policies)
    perhaps = any(side.direction in policy.isolates for policy, _ in policies)
    open_ = [doubt for doubt in doubts if doubt.effect not in ("gate", "narrows")]
    planes = [side.engine.palette.planes[value] for value in np.unique(side.rows([number])[number]).tolist()]
    every = side.engine.every
    everything = all(each.sure == every for each in planes)
    not_everything = any(each.possible != every for each in planes)
    return {
        "isolated": True if surely else None if perhaps or open_ else False,
        "open": True if everything else False if not_everything else None,
        "policies": " ".join(policy.object for policy, sure in policies if sure),
        "policy_count": sum(sure for _, sure in policies),
        "reason": "; ".join(dict.fromkeys(reasons_of(side, number, (0,)))),
    }


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
