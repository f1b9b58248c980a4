"""By which ways subjects could reach ePHI by becoming more than their role bindings say, each with the fewest steps.

A way is looked for twice: to namespaces with ePHI one by one, and, once, to what stands for every namespace. What
reads Secrets or enters pods directly is no way around: `ephi_access` has it. A Secret with the token of an account is
one: it leads to what that account may do, where the reader could not do it anyway.
"""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import pandas as pd

from hipaa_kit.graph.access.grants import holder
from hipaa_kit.graph.permissions import RBAC_BESIDE, RBAC_INPUTS, RBAC_TABLES, Permissions, permissions
from hipaa_kit.graph.permissions.closure import ANYTHING, TOKEN_OF, Step
from hipaa_kit.graph.permissions.escape import ESCAPE
from hipaa_kit.graph.permissions.technique import CERTAIN
from hipaa_kit.graph.permissions.techniques import techniques
from hipaa_kit.inventory.ephi import ephi_namespaces
from hipaa_kit.inventory.fields import string_map
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube import kinds
from hipaa_kit.kube.owners import object_id, parse_object_id
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.cluster import LABELS
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.grants import CHOKE_POINTS, EPHI_WAYS
from hipaa_kit.tables.lookup import GivenTables
from hipaa_kit.tables.permissions import CONFIDENCES

READS: Final = "SECRET_READ"
ENTERS: Final = frozenset({"POD_EXEC", "POD_ATTACH", "EPHEMERAL", "NODE_PROXY"})
DIRECT: Final = ENTERS | {READS}
"""Rights by which one reads or enters at once; they are judged for themselves."""
STRUCTURE: Final = frozenset({"holds", "member of", "runs"})
"""What leads on by itself: nobody has to take a step."""
NEEDS_A_NODE: Final = frozenset({"STEAL_POD"})
"""Ways that are open only to who already holds a node: that node is the way, and looked for by itself."""
RUNS_PODS: Final = frozenset({"POD_CREATE_SA", "WORKLOAD_CREATE_SA", "WORKLOAD_UPDATE"})
"""A pod that somebody starts may mount every Secret and claim of its namespace."""
EPHI_KINDS: Final = ("Pod", "PersistentVolumeClaim")
WIDE: Final = tuple(object_id(kind, "*", "*") for kind in ("Pod", "PersistentVolumeClaim", "Secret"))
"""Hubs that stand for everything of a kind in every namespace."""
EVERYWHERE: Final = "*"
EVERYTHING: Final = "EVERYTHING"
"""The step of who may do everything already."""


class Way(NamedTuple):
    """How far a node is from ePHI, and by which step the way goes on."""

    hops: int
    cost: int
    step: Step | None


Ways = Mapping[str, Way]
"""The way of each node from which ePHI can be reached."""


@builds(
    EPHI_WAYS,
    reads=[kinds.NAMESPACE, kinds.POD],
    also=RBAC_BESIDE,
    optional=RBAC_INPUTS,
    # Of labels only those of Namespaces narrow a way: kinds whose labels are of no matter must not stand behind it.
    uses=(*(name for name in RBAC_TABLES if name != "labels"), "account_secrets", "claims", "pods"),
)
def ephi_ways(
    snapshot: Snapshot, grants: pd.DataFrame, ephi_objects: pd.DataFrame, tables: GivenTables
) -> Iterator[dict[str, Any]]:
    """Yield a row per subject and namespace with ePHI that it could reach, and one per subject that could reach none.

    Notes
    -----
    Members of groups have the ways of the group only with it; a way that needs the rights of a user and of one of its
    groups together is the user's. Sources: `graph/permissions/techniques.py`.
    """
    if not ephi_namespaces(ephi_objects):
        return
    held = permissions(tables.but(labels=LABELS.frame(_namespace_labels(snapshot))), snapshot)
    finder = _Finder(held, ephi_objects)
    stock = set(grants.loc[grants["stock"], ["object", "binding"]].itertuples(index=False, name=None))
    named = rows_of(grants[["subject_kind", "subject", "object"]].drop_duplicates("object"))
    pods_out: list[dict[str, Any]] = [
        {"subject_kind": "Pod", "subject": "/".join(parse_object_id(pod)[1:]), "object": pod}
        for pod in held.known.escapes
    ]
    members: list[dict[str, Any]] = [dict(holder(who)) for who in held.subjects]
    seen = {row["object"] for row in named}
    members = [row for row in members if row["object"] not in seen and row["object"] in finder.onward]
    for row in sorted([*named, *members, *pods_out], key=lambda each: str(each["object"])):
        ways = list(finder.rows(row, stock))
        yield from ways
        if not ways and row["object"] in seen:
            yield {**row, "hops": 0, "confidence": CERTAIN, "stock": False, "administrator": False}


@builds(CHOKE_POINTS)
def choke_points(ephi_ways: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield a row per role binding on ways of those who are neither administrators, born with the cluster, nor pods."""
    held = ephi_ways[(ephi_ways["subject_kind"] != "Pod") & (ephi_ways["bindings"] != "")]
    counting = held[~held["administrator"] & ~held["stock"]]
    each = counting.assign(binding=counting["bindings"].str.split()).explode("binding")
    for binding, ways in each.groupby("binding"):
        techniques = dict.fromkeys(word for words in ways["techniques"] for word in words.split())
        yield {
            "binding": binding,
            "subjects": ways["object"].nunique(),
            "namespaces": ways["namespace"].nunique(),
            "techniques": " ".join(sorted(techniques)),
        }


def _namespace_labels(snapshot: Snapshot) -> Iterator[dict[str, str]]:
    for record in snapshot.records(kinds.NAMESPACE):
        for key, value in string_map(record.content, "metadata", "labels").items():
            yield {"object": record.object, "kind": record.kind, "key": key, "value": value}


class _Finder:
    """Finds ways in the graph of steps of one cluster.

    A way to one namespace counts only where it is shorter than the one to every namespace. So what is no nearer to
    the namespace than to all of them is not looked at, unless a right leads there by which one enters at once: that
    is no way to every namespace, and what lies behind it may still be one to this.

    Who reads all Secrets of a place is there at once. Where some of them keep tokens, all is looked for once more
    without Secrets as an end: `beyond` has what the tokens lead to. Who reads one of them by name gains nothing where
    its account only comes to what the reader comes to at once: then that is no end either, nor leads on.
    """

    def __init__(self, held: Permissions, ephi_objects: pd.DataFrame) -> None:
        self.onward, self.backward = _graph(_leading(held))
        self.near: dict[str, dict[str, None]] = defaultdict(dict)
        self.targets = targets = self._targets(ephi_objects, self.backward)
        self.ways = self._search(WIDE, targets)
        self.beyond: dict[str, Ways] = {}
        if any(step.technique == TOKEN_OF for steps in self.onward.values() for step in steps):
            self.beyond = self._search(_but_secrets(WIDE), {each: _but_secrets(targets[each]) for each in targets})
        for namespace, found in (*self.ways.items(), *self.beyond.items()):
            for step in (step for node in found for step in self.backward.get(node, ()) if namespace != EVERYWHERE):
                self.near[step.source][namespace] = None
        self.certain_escapes = {pod for pod, (_, ways) in held.known.escapes.items() if ways[0].confidence == CERTAIN}

    def _search(
        self, everywhere: Iterable[str], targets: Mapping[str, Iterable[str]], own: frozenset[str] = frozenset()
    ) -> dict[str, Ways]:
        """Return the ways to what stands for every namespace, and to each namespace, without what is `own`."""
        shut = frozenset(everywhere)
        wide = _nearest(shut, self.backward, own)
        entered = {
            step.target
            for steps in self.onward.values()
            for step in steps
            if step.technique in DIRECT and step.target in wide and wide[step.target].hops == 0
        }
        behind = _reached(entered - shut, self.onward)
        ways: dict[str, Ways] = {EVERYWHERE: wide}
        for namespace, ends in targets.items():
            ways[namespace] = _nearest(ends, self.backward, shut | own, wide, behind)
        return ways

    def _gained(self, account: str, namespace: str, own: frozenset[str]) -> Ways:
        """Return the ways to a namespace; where that of an account ends at what is `own`, those that do not."""
        found = self.ways[namespace]
        if account not in found or not _covered(_path(found, account)[-1].target, own):
            return found
        left = [end for end in self.targets.get(namespace, ()) if not _covered(end, own)]
        return self._search(WIDE, {namespace: left} if namespace != EVERYWHERE else {}, own)[namespace]

    @staticmethod
    def _targets(ephi_objects: pd.DataFrame, backward: Mapping[str, list[Step]]) -> dict[str, set[str]]:
        """Return what counts as ePHI by namespace: its pods and claims in scope, and all Secrets beside them."""
        found: dict[str, set[str]] = {
            namespace: {object_id(kind, namespace, "*") for kind in ("Secret", *EPHI_KINDS)}
            for namespace in sorted(ephi_namespaces(ephi_objects))
        }
        assets = ephi_objects[ephi_objects["kind"].isin(EPHI_KINDS)]
        for namespace, name in assets[["namespace", "object"]].itertuples(index=False):
            found[namespace].add(name)
        for node in backward:
            kind, namespace, _ = parse_object_id(node)
            if kind == "Secret" and namespace in found:
                found[namespace].add(node)
        return found

    def rows(self, about: Mapping[str, Any], stock: set[tuple[str, str]]) -> Iterator[dict[str, Any]]:
        """Yield the ways of one subject."""
        source = str(about["object"])
        steps = [step for step in self.onward.get(source, ()) if step.technique != "member of"]
        if source.startswith("Pod/"):
            steps = [step for step in steps if step.technique == ESCAPE.name and source in self.certain_escapes]
        everything = any(step.technique == EVERYTHING and step.target == ANYTHING for step in steps)
        wide = self._best(source, steps, EVERYWHERE)
        ways = {namespace: self._best(source, steps, namespace) for namespace in self.near.get(source, ())}
        for namespace, best in (*ways.items(), (EVERYWHERE, wide)):
            # A way to every namespace leads to each of them: only a shorter one is worth a row.
            if best and (namespace == EVERYWHERE or wide is None or best[0] < wide[0]):
                yield {**about, **_told(source, namespace, best[0], best[2], stock), "administrator": everything}

    def _best(self, source: str, steps: list[Step], namespace: str) -> tuple[int, int, list[Step]] | None:
        """Return the shortest way that begins with one of some steps: how many steps, at which cost, and which.

        A right by which one reads or enters at once is no way around, nor is a token for who does both.
        """
        pods = {object_id("Pod", namespace, "*"), object_id("Pod", "*", "*"), "Node//*"}
        enters = any(step.technique in ENTERS and step.target in pods for step in steps)
        own = frozenset(step.target for step in steps if step.technique in DIRECT)
        best: tuple[int, int, list[Step]] | None = None
        for step in steps:
            found = self.ways[namespace]
            way = found.get(step.target)
            if way is not None and (way.hops or step.technique not in DIRECT):
                onward = [(way, _path(found, step.target))]
            elif step.technique == READS:
                onward = list(self._by_tokens(source, step.target, namespace, own, enters=enters))
            else:
                continue
            for way, path in onward:
                length = (way.hops + _hop(step), way.cost + step.cost)
                if best is None or length < best[:2]:
                    best = (*length, [step, *path])
        return best

    def _by_tokens(
        self, source: str, secrets: str, namespace: str, own: frozenset[str], *, enters: bool
    ) -> Iterator[tuple[Way, list[Step]]]:
        """Yield how the tokens in Secrets that are read at once lead to more than these Secrets."""
        if parse_object_id(secrets)[2] == "*":
            beyond = self.beyond.get(namespace, {})
            if secrets in beyond and not enters:
                yield beyond[secrets], _path(beyond, secrets)
            return
        for path in self._kept(secrets):
            account = path[-1].target
            found = self._gained(account, namespace, own)
            if account in found and account != source:
                hops, cost, _ = found[account]
                yield Way(hops + 1, cost + path[-1].cost, path[0]), [*path, *_path(found, account)]

    def _kept(self, secret: str) -> Iterator[list[Step]]:
        """Yield the steps from a Secret, or those of one name, to each account whose token is in it."""
        for step in self.onward.get(secret, ()):
            if step.technique == TOKEN_OF:
                yield [step]
            elif step.target.startswith("Secret/"):
                yield from ([step, *rest] for rest in self._kept(step.target))


def _leading(held: Permissions) -> Iterator[Step]:
    """Yield the steps that may be part of a way, with what is sure of each."""
    sure = {each.name: each.confidence for each in techniques(None, bootstrap=True)}
    for step in held.steps:
        if step.technique not in NEEDS_A_NODE:
            confidence = sure.get(step.technique, step.confidence)
            yield step if confidence == step.confidence else step._replace(confidence=confidence)


def _graph(steps: Iterable[Step]) -> tuple[dict[str, list[Step]], dict[str, list[Step]]]:
    """Return steps by source and by target; who starts pods has the Secrets of the namespace, too."""
    held = list(steps)
    held += [step._replace(target=_secrets_of(step.target)) for step in held if step.technique in RUNS_PODS]
    onward: dict[str, list[Step]] = defaultdict(list)
    backward: dict[str, list[Step]] = defaultdict(list)
    for step in dict.fromkeys(held):
        onward[step.source].append(step)
        backward[step.target].append(step)
    return onward, backward


def _reached(nodes: Iterable[str], onward: Mapping[str, list[Step]]) -> frozenset[str]:
    """Return some nodes and all that they lead to."""
    found = set(nodes)
    waiting = list(found)
    while waiting:
        new = {step.target for step in onward.get(waiting.pop(), ())} - found
        found |= new
        waiting += new
    return frozenset(found)


def _told(source: str, namespace: str, hops: int, path: list[Step], stock: set[tuple[str, str]]) -> dict[str, Any]:
    taken = [step for step in path if step.technique not in STRUCTURE]
    bindings = [binding for step in path for binding in step.bindings]
    return {
        "namespace": namespace,
        "hops": hops,
        "target": path[-1].target,
        "path": f"{source} " + " ".join(f"→ {step.technique} → {step.target}" for step in path),
        "techniques": " ".join(dict.fromkeys(step.technique for step in taken)),
        "bindings": " ".join(dict.fromkeys(bindings)),
        "confidence": max((step.confidence for step in path), key=CONFIDENCES.index),
        # What was added to a role that every cluster has is no one's birthright: the step says so.
        "stock": bool(path[0].expected) and all((source, binding) in stock for binding in path[0].bindings),
    }


def _covered(target: str, own: frozenset[str]) -> bool:
    """Tell whether something, all of its kind beside it, or all of its kind anywhere, is among what somebody has."""
    kind, namespace, _ = parse_object_id(target)
    return not own.isdisjoint((target, object_id(kind, namespace, "*"), object_id(kind, "*", "*")))


def _but_secrets(targets: Iterable[str]) -> set[str]:
    return {each for each in targets if not each.startswith("Secret/")}


def _secrets_of(target: str) -> str:
    """Return the hub of the Secrets of the namespace of a hub."""
    return object_id("Secret", parse_object_id(target)[1], "*")


def _hop(step: Step) -> int:
    return 0 if step.technique in STRUCTURE else 1


def _path(reached: Mapping[str, Way], node: str) -> list[Step]:
    path: list[Step] = []
    while (step := reached[node].step) is not None:
        path.append(step)
        node = step.target
    return path


def _nearest(
    targets: Iterable[str],
    backward: Mapping[str, list[Step]],
    shut: frozenset[str],
    better: Mapping[str, Way] | None = None,
    anyway: frozenset[str] = frozenset(),
) -> dict[str, Way]:
    """Return every node from which a target can be reached, by the way with the fewest steps, then the least cost.

    Parameters
    ----------
    shut
        Nodes through which no way is looked for.
    better
        Other ways: a node that has one with no more steps is left out, and so is what leads to it alone.
    anyway
        Nodes that are left out for no other way.
    """
    found: dict[str, Way] = {}
    passed = set(shut)
    order = itertools.count()
    waiting: list[tuple[int, int, str, int, Step | None]] = []
    waiting += [(0, 0, each, next(order), None) for each in sorted(targets)]
    while waiting:
        hops, cost, node, _, step = heapq.heappop(waiting)
        if node in found or node in passed:
            continue
        if better and node in better and better[node].hops <= hops and node not in anyway:
            passed.add(node)
            continue
        found[node] = Way(hops, cost, step)
        for before in backward.get(node, ()):
            if before.source not in found:
                length = (hops + _hop(before), cost + before.cost)
                heapq.heappush(waiting, (*length, before.source, next(order), before))
    return found
