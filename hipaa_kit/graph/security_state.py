"""What protects the cluster now, as facts that a later run can compare: roles, isolation, webhooks, images, levels.

Each fact says which change of it takes protection away. What a text does not tell (the rules of a network policy,
another image) may be either: it is a question to whoever changed it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import pandas as pd

from hipaa_kit.graph.reachability.reading import READS
from hipaa_kit.inventory.fields import mapping
from hipaa_kit.inventory.latest import Latest
from hipaa_kit.inventory.pods import selectable
from hipaa_kit.inventory.registry import builds, kinds_behind
from hipaa_kit.kube.network.dialects import dialect
from hipaa_kit.sources.snapshot import Snapshot, canonical_json
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.evidence import SECURITY_STATE

POLICY_KINDS: Final = tuple(kind for kind in READS if dialect(kind.group, kind.kind))
"""Kinds of network policy that the kit knows by resource."""

Fact = tuple[str, str, str]
"""Object, fact, and which change of it weakens."""

UNSEEN: Final = "*"
"""Stands for the object of which something was not seen in full."""

THERE: Final = "is there"
"""Fact of what may be gone altogether: then nothing is left that it should protect."""

FIELDS: Final = ("verb", "api_group", "resource", "resource_name", "non_resource_url")
LEVELS: Final = {"baseline": ("baseline",), "restricted": ("baseline", "restricted")}
"""What a level of Pod Security brings, itself among it."""

NARROWED: Final = {
    "namespaces": "is asked about every namespace",
    "objects": "is asked about objects whatever their labels",
    "conditions": "is asked without conditions",
}
"""What may narrow a webhook, by column of `webhooks`, and what is so where nothing does."""

BEHIND: Final = {
    "role": ("role_rules",),
    "binding": ("role_bindings", "binding_subjects"),
    "isolation": ("network_policies", "policy_pods", "pods"),
    "network_policy": ("network_policies",),
    "webhook": ("webhooks",),
    "pod_security": ("pod_admission",),
    "image": ("containers", "pods"),
}
"""Tables that each aspect is made of."""

_LATEST: Final[dict[str, Latest[list[Fact]]]] = {aspect: Latest() for aspect in BEHIND}


@builds(SECURITY_STATE, reads=POLICY_KINDS)
def security_state(
    snapshot: Snapshot,
    role_rules: pd.DataFrame,
    role_bindings: pd.DataFrame,
    binding_subjects: pd.DataFrame,
    network_policies: pd.DataFrame,
    policy_pods: pd.DataFrame,
    webhooks: pd.DataFrame,
    pod_admission: pd.DataFrame,
    pods: pd.DataFrame,
    containers: pd.DataFrame,
) -> pd.DataFrame:
    """Return a row per fact, and one for every aspect of which something was not seen in full."""

    def kept(aspect: str, facts: Callable[..., Iterable[Fact]], *frames: pd.DataFrame) -> list[Fact]:
        return _LATEST[aspect].of(frames, lambda: sorted(set(facts(*frames))))

    facts = {
        "role": kept("role", _rules, role_rules),
        "binding": kept("binding", _bindings, role_bindings, binding_subjects),
        "isolation": kept("isolation", _isolation, network_policies, policy_pods, pods),
        "network_policy": sorted(set(_policies(snapshot))),
        "webhook": kept("webhook", _webhooks, webhooks),
        "pod_security": kept("pod_security", _levels, pod_admission),
        "image": kept("image", _images, pods, containers),
    }
    rows: list[tuple[str, str, str, str]] = []
    for aspect, found in facts.items():
        behind = {kind for table in BEHIND[aspect] for kind in kinds_behind(table)}
        if any(snapshot.coverage.gaps(kind) for kind in behind):
            rows.append((aspect, UNSEEN, "not seen in full", "either"))
        rows += [(aspect, *fact) for fact in found]
    frame = pd.DataFrame(rows, columns=["aspect", "object", "fact", "weakens"], dtype="str")
    return frame.assign(cluster=snapshot.identity.uid or snapshot.identity.name, taken_at=snapshot.collected_at)


def _rules(role_rules: pd.DataFrame) -> Iterator[Fact]:
    held: dict[tuple[str, int], dict[str, list[str]]] = {}
    columns = [role_rules[name].tolist() for name in ("role", "rule", "field", "value")]
    for role, number, field, value in zip(*columns, strict=True):
        held.setdefault((role, number), {field: [] for field in FIELDS})[field].append(value)
    for (role, _), values in held.items():
        yield role, json.dumps([sorted(values[field]) for field in FIELDS], separators=(",", ":")), "added"


def _bindings(bindings: pd.DataFrame, subjects: pd.DataFrame) -> Iterator[Fact]:
    joined = subjects.merge(bindings[["object", "role"]], left_on="binding", right_on="object")
    for row in rows_of(joined):
        subject = f"{row['subject_kind']}/{row['subject_namespace']}/{row['subject']}"
        yield row["binding"], f"{subject} holds {row['role']}", "added"


def _isolation(policies: pd.DataFrame, policy_pods: pd.DataFrame, pods: pd.DataFrame) -> Iterator[Fact]:
    """Yield the directions in which every pod of a workload that has not ended is isolated by a NetworkPolicy."""
    running = selectable(pods)
    workloads, names = running["workload"].tolist(), running["object"].tolist()
    yield from ((workload, THERE, "either") for workload in dict.fromkeys(workloads))
    for direction in ("ingress", "egress"):
        isolating = policies[policies[f"isolates_{direction}"]]["object"]
        isolated = set(policy_pods[policy_pods["policy"].isin(isolating)]["pod"])
        open_ = {workload for workload, pod in zip(workloads, names, strict=True) if pod not in isolated}
        for workload in set(workloads) - open_:
            yield workload, f"{direction} is isolated", "removed"


def _policies(snapshot: Snapshot) -> Iterator[Fact]:
    """Yield a digest of what each network policy asks for, of every kind that was read."""
    for group, kind in snapshot.kinds():
        known = dialect(group, kind)
        part = snapshot.parts.get((group, kind)) if known and known.effect != "none" else None
        for record in part.load() if part else ():
            digest = hashlib.sha256(canonical_json(mapping(record.content, "spec"))).hexdigest()
            yield record.object, f"spec of {group} {digest[:16]}", "either"


def _webhooks(webhooks: pd.DataFrame) -> Iterator[Fact]:
    """Yield whom each webhook asks and about what: a selector or condition that comes leaves something out."""
    for row in rows_of(webhooks):
        yield row["object"], f"{row['webhook']} is asked about {row['rules'] or 'nothing'}", "either"
        for column, everything in NARROWED.items():
            if row[column]:
                yield row["object"], f"{row['webhook']} is asked about {column} {row[column]} alone", "either"
            else:
                yield row["object"], f"{row['webhook']} {everything}", "removed"
        yield row["object"], f"{row['webhook']} asks {row['service'] or row['host']}", "either"
        if row["mutates"]:
            yield row["object"], f"{row['webhook']} may rewrite what it is asked about", "added"
        if not row["ignores_errors"]:
            yield row["object"], f"{row['webhook']} refuses where it cannot be asked", "removed"


def _levels(pod_admission: pd.DataFrame) -> Iterator[Fact]:
    for row in rows_of(pod_admission):
        yield row["object"], THERE, "either"
        for level in LEVELS.get(row["enforce"], ()):
            yield row["object"], f"enforces {level}", "removed"


def _images(pods: pd.DataFrame, containers: pd.DataFrame) -> Iterator[Fact]:
    kept = selectable(pods)[["object", "workload"]]
    joined = containers[containers["role"] != "ephemeral"].merge(kept, left_on="pod", right_on="object")
    for row in rows_of(joined[["workload", "container", "image"]].drop_duplicates()):
        yield row["workload"], THERE, "either"
        yield row["workload"], f"{row['container']} runs {row['image']}", "either"
        if "@" in row["image"]:
            yield row["workload"], f"{row['container']} is pinned by digest", "removed"
