"""How a remedy is declared: what would mend a finding, beside the check that found it.

    @remedy("HK-AVL-02")
    def budget(finding, cluster):
        return Remedy("let one pod at a time be taken away", [Put({...})], "what it could break")

A remedy is made of what the cluster says of itself. Where the mend needs a value that nobody can read from the cluster,
such as a password, or a decision, it is a command or an instruction, and never a made-up value.
"""

from __future__ import annotations

import shlex
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, NamedTuple

from hipaa_kit.inventory.workloads import Workload, gather
from hipaa_kit.kube.owners import object_id, parse_object_id
from hipaa_kit.kube.reading import as_map, as_maps, as_text
from hipaa_kit.sources.overlay import Change, Patch
from hipaa_kit.sources.snapshot import Record, Snapshot
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.lookup import TableSet


class Command(NamedTuple):
    """A command line for a person to run; what it does cannot be proved from objects. Made by `run`."""

    text: str


class Instruction(NamedTuple):
    """What a person has to do, in words."""

    text: str


Step = Change | Command | Instruction


@dataclass(frozen=True)
class Remedy:
    """What would mend one finding.

    Attributes
    ----------
    title
        What it does, in words.
    steps
        Changes of objects and commands, in the order in which they are to be applied.
    caution
        What it could break, and what to look at before.
    seen_later
        What the check looks at shows only after the cluster has acted: where pods are placed, say.
    unproved
        Why objects cannot show that it mends, where its steps do not tell.
    """

    title: str
    steps: tuple[Step, ...]
    caution: str = ""
    seen_later: bool = False
    unproved: str = ""

    @property
    def changes(self) -> tuple[Change, ...]:
        """Its changes of objects."""
        return tuple(step for step in self.steps if not isinstance(step, Command | Instruction))


def mend(
    title: str, steps: Iterable[Step | None], caution: str = "", *, seen_later: bool = False, unproved: str = ""
) -> Remedy | None:
    """Return a remedy of the steps that there are, each once; None where there is none."""
    held = tuple(_once(step for step in steps if step is not None))
    return Remedy(title, held, caution, seen_later, unproved) if held else None


def advise(title: str, *steps: Command | str, caution: str = "", unproved: str = "") -> Remedy:
    """Return a remedy that is for a person to carry out, by commands and in words."""
    told = tuple(Instruction(step) if isinstance(step, str) else step for step in steps)
    return Remedy(title, told, caution, unproved=unproved)


def run(line: str, *words: object) -> Command:
    """Return a command line with words of the cluster in the place of `{}`.

    Each is quoted for a shell: names of roles, say, may hold nearly anything.
    """
    return Command(line.format(*(shlex.quote(str(word)) for word in words)))


def _once(steps: Iterable[Step]) -> list[Step]:
    found: list[Step] = []
    for step in steps:
        if step not in found:
            found.append(step)
    return found


@dataclass(frozen=True)
class Failing:
    """One failing finding as its remedy sees it, with the parts that fail."""

    check: str
    object: str
    reason: str
    observed: str = ""
    expected: str = ""
    members: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """Kind of the object."""
        return parse_object_id(self.object)[0]

    @property
    def namespace(self) -> str:
        """Its namespace, or none."""
        return parse_object_id(self.object)[1]

    @property
    def name(self) -> str:
        """Its name."""
        return parse_object_id(self.object)[2]


@dataclass(frozen=True)
class Cluster:
    """What a remedy may know: the objects as they are, the tables, and what the site has set."""

    snapshot: Snapshot
    tables: TableSet
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def rows(self, table: str, **equal: Any) -> list[dict[str, Any]]:
        """Return the rows of a table in which columns have some values."""
        names = tuple(sorted(equal))
        index = self.once(f"{table} by {names}", lambda: self._index(table, names))
        found: list[dict[str, Any]] = index.get(tuple(equal[name] for name in names), [])
        return found

    def _index(self, table: str, names: tuple[str, ...]) -> dict[tuple[Any, ...], list[dict[str, Any]]]:
        found: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
        for row in rows_of(self.tables[table]):
            found[tuple(row[name] for name in names)].append(row)
        return dict(found)

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """Return what is made once for all findings, under a name of its own."""
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]

    def pods(self, workload: str) -> list[dict[str, Any]]:
        """Return the rows of a workload's pods."""
        return self.rows("pods", workload=workload)

    @cached_property
    def _made(self) -> dict[str, Any]:
        return {}

    @cached_property
    def _records(self) -> dict[str, Record]:
        kinds = [key for key in self.snapshot.kinds() if key != ("", "Pod")]
        return {record.object: record for key in kinds for record in self.snapshot.parts[key].load()}

    def record(self, name: str) -> Record | None:
        """Return an object, pods left out, as `Kind/namespace/name` names it; None where it was not read."""
        return self._records.get(name)

    def workload(self, name: str) -> Workload | None:
        """Return a workload whose own object was read; None for one that only its pods show, and for a bare pod."""
        found = gather(self.snapshot).get(name)
        return found if found is not None and found.record is not None and found.kind != "Pod" else None

    def free_name(self, kind: str, namespace: str, name: str) -> str:
        """Return a name that no object of a kind has in a namespace yet."""
        taken = name
        number = 2
        while self.record(object_id(kind, namespace, taken)) is not None:
            taken, number = f"{name}-{number}", number + 1
        return taken


def head(record: Record) -> dict[str, Any]:
    """Return what names an object in a patch of it: `apiVersion`, `kind` and `metadata`."""
    metadata = {"name": record.name, **({"namespace": record.namespace} if record.namespace else {})}
    return {"apiVersion": record.content.get("apiVersion"), "kind": record.kind, "metadata": metadata}


def patch(record: Record, **body: Any) -> Patch:
    """Return a patch of an object by its top-level fields; `metadata` is joined with its name."""
    named = head(record)
    metadata = {**named["metadata"], **as_map(body.pop("metadata", {}))}
    return Patch({**named, "metadata": metadata, **body})


def template_patch(workload: Workload, **spec: Any) -> Patch:
    """Return a patch of the spec in a workload's pod template."""
    template: dict[str, Any] = {"template": {"spec": spec}}
    body = {"jobTemplate": {"spec": template}} if workload.kind == "CronJob" else template
    return patch(owner_of(workload), spec=body)


def owner_of(workload: Workload) -> Record:
    """Return the object of a workload that `Cluster.workload` gave."""
    if workload.record is None:
        raise ValueError(f"{workload.object} was not read")
    return workload.record


def containers_of(workload: Workload) -> list[tuple[str, Mapping[str, Any]]]:
    """Return (field, container) of a workload's template, init containers first."""
    spec = as_map(workload.template, "spec")
    fields = ("initContainers", "containers")
    return [(name, each) for name in fields for each in as_maps(spec.get(name)) if as_text(each.get("name"))]


def containers_patch(workload: Workload, changes: Mapping[str, Mapping[str, Any]], **spec: Any) -> Patch | None:
    """Return a patch of a pod template: changes of its containers by name, and of the rest of its spec; None for none.

    A container that the template does not have, such as one that a mesh puts into its pods, is left out: a patch would
    make a new one.
    """
    for field_name, container in containers_of(workload):
        if changed := changes.get(container["name"]):
            spec.setdefault(field_name, []).append({"name": container["name"], **changed})
    return template_patch(workload, **spec) if spec else None


def without_host_ports(container: Mapping[str, Any]) -> dict[str, Any]:
    """Return the change of a container that opens no port of its node; {} where it opens none."""
    opened = [each for each in as_maps(container.get("ports")) if each.get("hostPort")]
    ports = [{"containerPort": each.get("containerPort"), "hostPort": None} for each in opened]
    return {"ports": ports} if ports else {}


def selector_of(workload: Workload) -> dict[str, Any]:
    """Return the label selector by which a workload's pods are known; {} where nothing tells."""
    content = workload.record.content if workload.record else {}
    selector = as_map(content, "spec", "selector")
    if workload.kind in ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet") and selector:
        return dict(selector)
    labels = selector if workload.kind == "ReplicationController" else as_map(workload.template, "metadata", "labels")
    return {"matchLabels": dict(labels)} if labels else {}


PASSING_LABELS: Final = frozenset(
    """
    apps.kubernetes.io/pod-index batch.kubernetes.io/controller-uid batch.kubernetes.io/job-completion-index
    batch.kubernetes.io/job-name controller-revision-hash controller-uid job-name pod-template-generation
    pod-template-hash statefulset.kubernetes.io/pod-name
    """.split()
)
"""Labels that controllers put on single pods, or on those of one revision.

Source: https://kubernetes.io/docs/reference/labels-annotations-taints/
"""


def pod_selector(name: str, cluster: Cluster) -> dict[str, Any]:
    """Return the label selector by which the pods of a workload are known; {} where nothing tells.

    Where its own object was not read, or is of a kind that is not built in, it is what all its pods are labelled with.
    """
    workload = cluster.workload(name)
    if workload is not None and (selector := selector_of(workload)):
        return selector
    pods = cluster.pods(name)
    held = [row for pod in pods for row in cluster.rows("labels", object=pod["object"])]
    counted = Counter((str(row["key"]), str(row["value"])) for row in held if row["key"] not in PASSING_LABELS)
    shared = {key: value for (key, value), count in sorted(counted.items()) if count == len(pods)}
    return {"matchLabels": shared} if shared else {}


Mender = Callable[[Failing, Cluster], Remedy | None]


@dataclass(frozen=True)
class Mending:
    """How findings of one check are mended, and whose findings a remedy may not make worse besides."""

    check: str
    function: Mender
    also: tuple[str, ...] = ()


REMEDIES: dict[str, Mending] = {}

BY_HAND: dict[str, str] = {}
"""Controls whose failures have the words of the control alone, and why."""


def by_hand(reasons: Mapping[str, str]) -> None:
    """Declare by control why nothing better than its words is known of what would mend it."""
    BY_HAND.update(reasons)


def remedy(*controls: str, also: Iterable[str] = ()) -> Callable[[Mender], Mender]:
    """Declare the function below as what mends findings of some checks.

    Parameters
    ----------
    controls
        Ids of the controls.
    also
        Other checks of which no finding may get worse by it, for it to be verified.
    """

    def register(function: Mender) -> Mender:
        for control in controls:
            if control in REMEDIES:
                raise ValueError(f"control {control} has two remedies")
            REMEDIES[control] = Mending(control, function, tuple(also))
        return function

    return register
