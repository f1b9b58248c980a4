"""The part of the graph that rights make: every way to become more that is open to a subject."""

from __future__ import annotations

from typing import Final

from hipaa_kit.graph.access.ways import RUNS_PODS
from hipaa_kit.graph.paths.model import CERTAIN, LIKELY, STRUCTURE, UNKNOWN, Builder, Why
from hipaa_kit.graph.paths.network import NEW_POD
from hipaa_kit.graph.permissions import Permissions
from hipaa_kit.graph.permissions import technique as techniques
from hipaa_kit.graph.permissions.closure import ANYTHING, TOKEN_OF, Step
from hipaa_kit.graph.permissions.escape import ESCAPE
from hipaa_kit.kube.owners import object_id, parse_object_id

SURE: Final = {techniques.CERTAIN: CERTAIN, techniques.CONDITION: LIKELY, techniques.HEURISTIC: UNKNOWN}
"""How sure a hop is by what is said of a technique; a guess is one until what it speaks of shows."""
DEPUTY: Final = "CONFUSED_DEPUTY_"
NAMES: Final = {"member of": "MEMBER_OF", "binds roles": "BIND_ROLES"}
OF_OBJECTS: Final = frozenset({"runs as", "runs", TOKEN_OF})
"""Steps that are added object by object: see `objects`."""
NO_WAY: Final = frozenset({"DELETE_EPHI", "DELETE_BACKUP", "TAMPER_AUDIT", "DISABLE_ALERT"})
"""What harms and does not lead on."""
IN_NAMESPACE: Final = ("ServiceAccount", "Pod", "Secret", "PersistentVolumeClaim", "VolumeSnapshot", "PodLog", "Backup")
"""Kinds of which whoever has a whole namespace has each."""


def add_rights(builder: Builder, held: Permissions, controllers: frozenset[str]) -> None:
    """Add every step of what subjects could become, but for those of objects, and of hubs.

    Parameters
    ----------
    controllers
        Those that act for others and were seen, as in `deputies.CONTROLLERS`.
    """
    for step in held.steps:
        if step.technique in OF_OBJECTS or step.technique in NO_WAY or step.technique == "holds":
            continue
        why = _why(step)
        if why.edge == ESCAPE.name and step.source in held.known.escapes:
            why = why._replace(proof="; ".join(way.words for way in held.known.escapes[step.source][1]))
        if step.technique.removeprefix(DEPUTY) in controllers:
            why = why._replace(confidence=LIKELY)
        builder.add(step.source, step.target, why)
        if step.technique in RUNS_PODS:
            _, namespace, _ = parse_object_id(step.target)
            started = why._replace(precondition="; ".join(filter(None, (why.precondition, "a pod that mounts it"))))
            builder.add(step.source, object_id("Secret", namespace, "*"), started)
            builder.add(step.source, object_id(NEW_POD, namespace, "*"), why)
    _everything(builder)


def _why(step: Step) -> Why:
    name = NAMES.get(step.technique, step.technique.upper().replace(" ", "_"))
    proof = f"rules {' '.join(step.rules)}" if step.rules else step.technique
    if name == "MEMBER_OF":
        proof = "a group of the API server's own, or by the workforce file"
    return Why(
        name,
        step.cost,
        SURE[step.confidence],
        proof,
        step.bindings,
        step.needs,
        step.stops,
        expected=step.expected or "",
        rights=step.rights,
    )


def _everything(builder: Builder) -> None:
    """Add what whoever has the whole cluster, or a whole namespace, has."""
    builder.add(ANYTHING, "Namespace/*/*", STRUCTURE)
    for kind in IN_NAMESPACE:
        builder.add("Namespace/*/*", f"{kind}/*/*", STRUCTURE)


def add_hubs(builder: Builder) -> None:
    """Let every hub lead to what it stands for: first to smaller hubs, then to each object.

    Notes
    -----
    There is one way from a hub to an object, so that no path is found twice.
    """
    wide: set[str] = set()
    inner: set[tuple[str, str]] = set()
    named: set[tuple[str, str]] = set()
    objects: list[tuple[str, str, str, str]] = []
    for name in list(builder.number):
        kind, namespace, rest = parse_object_id(name)
        if namespace == "*" and rest == "*":
            wide.add(kind)
        elif rest == "*":
            inner.add((kind, namespace))
        elif namespace == "*":
            named.add((kind, rest))
        elif rest:
            objects.append((name, kind, namespace, rest))
    for kind, namespace in sorted(inner):
        if kind == "Namespace" and namespace:
            for inside in IN_NAMESPACE:
                builder.add(f"Namespace/{namespace}/*", f"{inside}/{namespace}/*", STRUCTURE)
                inner.add((inside, namespace))
    for name, kind, namespace, rest in objects:
        if namespace and kind in wide:
            builder.add(f"{kind}/*/*", f"{kind}/{namespace}/*", STRUCTURE)
        if (kind, namespace) in inner or (namespace and kind in wide):
            builder.add(f"{kind}/{namespace}/*", name, STRUCTURE)
        if (kind, rest) in named:
            builder.add(f"{kind}/*/{rest}", name, STRUCTURE)
    for kind, namespace in sorted(inner):
        if namespace and kind in wide:
            builder.add(f"{kind}/*/*", f"{kind}/{namespace}/*", STRUCTURE)
