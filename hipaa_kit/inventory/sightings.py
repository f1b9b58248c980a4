"""What one snapshot shows of the facts that a history follows, and what would prove one of them absent.

A question names its facts, and the kinds whose complete answer proves that a fact is not there. What it
takes for shown must be shown also when less was read: a name that other kinds give (the top owner of a pod,
a flow) counts only where all that it follows from was there to read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd

from hipaa_kit.errors import InputError
from hipaa_kit.inventory.fields import items, mapping, text
from hipaa_kit.inventory.pods import POD_KINDS
from hipaa_kit.inventory.registry import BUILDERS, Inventory, inputs_behind, kinds_behind, rests_on_scope
from hipaa_kit.inventory.workloads import CONTROLLERS, Workload, gather
from hipaa_kit.kube import kinds
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.sources.coverage import Coverage
from hipaa_kit.sources.scope import Scope
from hipaa_kit.sources.snapshot import Record, Snapshot
from hipaa_kit.tables import Table
from hipaa_kit.tables.history import BINDING_LIVES, IMAGE_LIVES, OBJECT_LIVES, lives_table
from hipaa_kit.vocabulary import CLUSTER

Fact = tuple[Any, ...]


class Sighting(NamedTuple):
    """A fact that a snapshot shows, with the uid of what it stands on and the creation time of that."""

    fact: Fact
    uid: str = ""
    created_at: str = ""


@dataclass(frozen=True)
class Question:
    """One table of lives: its facts, and what proves that one of them is not there.

    Parameters
    ----------
    table
        Declaration of the table of lives.
    keys
        Its columns that make a fact, in order.
    sightings
        What a snapshot shows.
    kinds
        Kinds whose complete answer proves that a fact is not there.
    namespace
        Namespace in which they must be complete; `""` for the whole cluster.
    decisive
        The uid is that of the fact itself.
    """

    table: Table
    keys: tuple[str, ...]
    sightings: Callable[[Snapshot], Iterator[Sighting]]
    kinds: Callable[[Fact], tuple[Kind, ...]]
    namespace: Callable[[Fact], str]
    decisive: bool = False


def uid_of(record: Record | None) -> str:
    """Return the uid of an object, "" where it has none."""
    return text(record.content, "metadata", "uid") if record else ""


def _created(record: Record) -> str:
    return text(record.content, "metadata", "creationTimestamp")


def _objects(snapshot: Snapshot) -> Iterator[Sighting]:
    for key in snapshot.kinds():
        for record in snapshot.parts[key].load():
            yield Sighting((record.group, record.object), uid_of(record), _created(record))


def _kind_of_object(fact: Fact) -> tuple[Kind, ...]:
    group, object_ = fact
    kind, namespace, _ = parse_object_id(object_)
    return (kinds.find(group, kind) or Kind(group, kind, "", bool(namespace)),)


def attributed(snapshot: Snapshot) -> Iterator[Workload]:
    """Yield the workloads whose own name is sure.

    Where a built-in controller is missing from a list that is not complete, what controls it is not known
    either: its pods may belong to another workload.
    """
    for workload in gather(snapshot).values():
        kind = kinds.find(workload.group, workload.kind)
        doubtful = workload.record is None and kind is not None and kind in CONTROLLERS
        if kind is None or not doubtful or snapshot.coverage.answer(kind, workload.namespace).complete:
            yield workload


def _images(snapshot: Snapshot) -> Iterator[Sighting]:
    """Yield what templates and pods name: a template goes on saying so when the pods are not seen."""
    for workload in attributed(snapshot):
        lone = workload.record is None and workload.kind == "Pod" and len(workload.pods) == 1
        uid = uid_of(workload.pods[0] if lone else workload.record)
        for content in (workload.template, *(pod.content for pod in workload.pods)):
            spec = mapping(content, "spec")
            for field in ("containers", "initContainers", "ephemeralContainers"):
                for container in items(spec, field):
                    yield Sighting((workload.object, text(container, "name"), text(container, "image")), uid)


def _bindings(snapshot: Snapshot) -> Iterator[Sighting]:
    tables = Inventory(snapshot)
    about = {
        binding: (role, created_at)
        for binding, role, created_at in tables.role_bindings[["object", "role", "created_at"]].itertuples(index=False)
    }
    uids = {
        record.object: uid_of(record)
        for kind in (kinds.ROLE_BINDING, kinds.CLUSTER_ROLE_BINDING)
        for record in snapshot.records(kind)
    }
    for binding, *subject in tables.binding_subjects.itertuples(index=False, name=None):
        role, created_at = about[binding]
        yield Sighting((binding, *subject, role), uids[binding], created_at)


def _kind_of_binding(fact: Fact) -> tuple[Kind, ...]:
    kind, _, _ = parse_object_id(fact[0])
    return (kinds.CLUSTER_ROLE_BINDING if kind == "ClusterRoleBinding" else kinds.ROLE_BINDING,)


def _namespace_at(position: int) -> Callable[[Fact], str]:
    return lambda fact: parse_object_id(fact[position])[1]


QUESTIONS: Mapping[str, Question] = {
    "object_lives": Question(
        OBJECT_LIVES, ("group", "object"), _objects, _kind_of_object, _namespace_at(1), decisive=True
    ),
    "image_lives": Question(
        IMAGE_LIVES, ("workload", "container", "image"), _images, lambda _: POD_KINDS, _namespace_at(0)
    ),
    "binding_lives": Question(
        BINDING_LIVES,
        ("binding", "subject_kind", "subject_namespace", "subject", "role"),
        _bindings,
        _kind_of_binding,
        _namespace_at(0),
    ),
}
"""Tables of lives that every history has, by name."""


def question_of(name: str, keys: Sequence[str] = (), scope: Scope | None = None) -> Question:
    """Return the question for the lives of what some columns of a table of the inventory say.

    Parameters
    ----------
    name
        Table of the inventory that is built from objects.
    keys
        Columns of it that make one fact; its key by default.
    scope
        The declared ePHI scope, for tables that rest on one.

    Raises
    ------
    InputError
        There is no such table or column, or it is not made from objects alone.

    Notes
    -----
    A row is shown where every kind behind its table was complete, or where one kind alone stands behind it:
    such a table is made record by record. Facts go by their values: that an object was made anew under its
    name is told by `object_lives`.
    """
    if name not in BUILDERS:
        known = ", ".join(sorted(each for each in BUILDERS if kinds_behind(each)))
        raise InputError(f"there is no table {name!r} made from objects", "", f"tables are {known}")
    if inputs_behind(name) or not kinds_behind(name):
        raise InputError(f"table {name!r} is not made from objects alone", "", "a history is made of snapshots")
    if scope is None and rests_on_scope(name):
        raise InputError(f"table {name!r} says nothing without an ePHI scope", "", "give scope.yaml with --scope")
    table = BUILDERS[name].table
    facts = tuple(keys) or table.key
    if strange := [key for key in facts if key not in table.names]:
        raise InputError(f"table {name!r} has no column {strange[0]!r}", "", f"columns are {', '.join(table.names)}")
    behind, places = kinds_behind(name), _Places(table, facts)

    def sightings(snapshot: Snapshot) -> Iterator[Sighting]:
        frame = Inventory(snapshot, scope)[name][list(facts)].drop_duplicates()
        for row in frame.itertuples(index=False, name=None):
            fact = tuple(None if pd.isna(value) else value for value in row)
            if len(behind) == 1 or complete(snapshot.coverage, behind, places.namespace(fact)):
                yield Sighting(fact)

    return Question(lives_table(table, facts), facts, sightings, lambda _: behind, places.namespace)


def complete(coverage: Coverage, behind: Sequence[Kind], namespace: str) -> bool:
    """Tell whether every kind was answered in full in a namespace, or with `""` in the whole cluster."""
    return all(coverage.answer(kind, namespace if kind.namespaced else CLUSTER).complete for kind in behind)


class _Places:
    """Which columns of a fact name objects, by what their declaration says of them."""

    def __init__(self, table: Table, keys: Sequence[str]) -> None:
        named = {column.name for column in table.columns if "`" in column.meaning and "/name`" in column.meaning}
        self._objects = [position for position, key in enumerate(keys) if key in named]
        self._namespace = keys.index("namespace") if "namespace" in keys else None

    def namespace(self, fact: Fact) -> str:
        """Return the one namespace that a fact lives in; `""`, the whole cluster, where it names none or several."""
        found = {_namespace_of(fact[position]) for position in self._objects}
        if self._namespace is not None:
            found.add(fact[self._namespace])
        return found.pop() if len(found) == 1 else CLUSTER


def _namespace_of(value: Any) -> str:
    """Return the namespace of `Kind/namespace/name`, `""` for anything else that stands in its place."""
    _, namespace, name = parse_object_id(str(value))
    return namespace if name else CLUSTER
