"""The smallest cut: the fewest things to take away so that paths to ePHI stop, proved by working everything out again.

Paths are found, the fewest things are chosen of which each path needs one, the changes are laid over the snapshot, and
paths are looked for in what is left. Those that are still there, or come up behind others, are added, and the choice is
made again. What ends without a path is a cut; it is the smallest of those things where the choice is exact, since every
cut has to stop the paths that were found. (M. Fischetti et al., implicit hitting sets.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pandas as pd

from hipaa_kit.assess.remedies import as_yaml
from hipaa_kit.assess.what_if import WhatIf
from hipaa_kit.errors import InputError
from hipaa_kit.graph.hitting import smallest_hitting
from hipaa_kit.inventory.rollout import what_would_be
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.kube.reading import as_map
from hipaa_kit.safeguards.network_isolation.remedies import declared_flows
from hipaa_kit.safeguards.remedy import (
    Cluster,
    containers_of,
    containers_patch,
    head,
    patch,
    template_patch,
    without_host_ports,
)
from hipaa_kit.safeguards.secrets_taken import without_secrets
from hipaa_kit.sources.overlay import Change, Delete
from hipaa_kit.tables.cuts import CUT_PATHS, CUT_THINGS, CUT_USES
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.vocabulary import CRITICALITIES

if TYPE_CHECKING:
    from hipaa_kit.assess.facade import Assessment

Rows = list[dict[str, Any]]
"""Rows of table `path_hops` that are one path."""

ROUNDS: Final = 12
"""Times that everything is worked out again, at most."""

BINDINGS: Final = ("RoleBinding", "ClusterRoleBinding")
ROUTES: Final = ("Ingress", "Route", "HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "UDPRoute")
BORN: Final = ("system:", "kubeadm:")
"""How role bindings begin that every cluster has, and that nobody should take away."""


def paths_in(frame: pd.DataFrame) -> list[Rows]:
    """Return the rows of table `path_hops` path by path."""
    return [list(rows) for _, rows in groupby(rows_of(frame), key=lambda row: row["rank"])]


def line(rows: Rows) -> str:
    """Return a path in one line."""
    return " ".join([rows[0]["source"], *(f"→ {row['edge']} → {row['target']}" for row in rows)])


class Thing(NamedTuple):
    """One thing that can be taken away."""

    kind: str
    object: str
    taken: str = ""

    def __str__(self) -> str:
        """Return it in words."""
        return f"{self.kind} {self.object}{' of ' if self.taken else ''}{self.taken}"


class Cut:
    """The fewest things to take away, and what comes of it.

    Attributes
    ----------
    chosen
        The things.
    exact
        There are provably no fewer among the things that the kit knows to take away.
    bound
        How many there are at least.
    proof
        The assessment with the cut applied, beside that without it.
    """

    def __init__(self, run: Assessment, source: str | None, ends: frozenset[str], k: int, **how: bool) -> None:
        self.run, self._source, self._ends, self._k = run, source, ends, k
        self._keep, self._unknown = how["keep_declared"], how["unknown"]
        self._cluster = Cluster(run.snapshot, run.tables, run.parameters)
        self._needs: dict[str, frozenset[Thing]] = {}
        self._rows: dict[str, Rows] = {}
        self._changes: dict[Thing, list[Change]] = {}
        self.chosen: tuple[Thing, ...] = ()
        self.exact, self.bound = True, 0
        doubted = False
        self.proof = self._applied()
        self.complete = False
        for _ in range(ROUNDS):
            fresh, again = self._take(self.proof.after)
            doubted |= again
            if not fresh:
                self.complete = True
                break
            found = smallest_hitting(each for each in self._needs.values() if each)
            self.chosen, self.bound = found.chosen, found.bound
            self.exact = found.exact and not doubted
            self.proof = self._applied()

    def _applied(self) -> WhatIf:
        changes: list[Change] = []
        made = (each for _, held in self._together() for each in held)
        for change in sorted(made, key=lambda step: isinstance(step, Delete)):
            if change not in changes:
                changes.append(change)
        if not changes:
            return WhatIf(self.run, self.run)
        would_be = what_would_be(self.run.snapshot, changes, pseudonym=self.run.pseudonymizer)
        return WhatIf(self.run, self.run.changed(would_be), changes)

    def _together(self) -> Iterator[tuple[tuple[Thing, ...], list[Change]]]:
        """Yield what is taken away with its changes; what one workload no longer takes is one change."""
        mounts: dict[str, list[Thing]] = {}
        for thing in self.chosen:
            if thing.kind == "mount":
                mounts.setdefault(thing.object, []).append(thing)
            else:
                yield (thing,), self._change(thing)
        for things in mounts.values():
            yield tuple(things), list(self._unmounted(things[0].object, [each.taken for each in things]))

    def _take(self, world: Assessment) -> tuple[bool, bool]:
        """Take the paths of a world that are new, or not stopped; tell whether there are any, and any of the latter."""
        fresh = again = False
        for rows in self._found(world):
            words = line(rows)
            known = self._needs.get(words)
            if known is not None and not known & set(self.chosen):
                continue  # nothing stops it
            # What was taken away and left the path open does not stop it.
            needs = (self._things(rows) if known is None else known) - set(self.chosen)
            again |= known is not None
            self._needs[words], self._rows[words] = needs, rows
            fresh |= bool(needs) or known is not None
        return fresh, again

    def _found(self, world: Assessment) -> list[Rows]:
        paths = paths_in(world.paths.to_ephi(self._source, k=self._k, unknown=self._unknown))
        return [rows for rows in paths if rows[-1]["end"] in self._ends]

    def _things(self, rows: Rows) -> frozenset[Thing]:
        return frozenset(thing for row in rows for thing in self._of_hop(row) if self._change(thing))

    def _of_hop(self, row: dict[str, Any]) -> Iterator[Thing]:
        """Yield what can be taken away so that a hop may be gone."""
        objects = row["objects"].split()
        owner = self.run.paths.objects.owner
        for name in objects:
            kind, _, own = parse_object_id(name)
            if kind in BINDINGS and not own.startswith(BORN):
                yield Thing("role binding", name)
        if row["edge"] == "EXPOSED":
            # What hangs on a gateway that others use, too, is taken away without it.
            closed = [name for name in objects if parse_object_id(name)[0] != "Gateway"][:1]
            open_ = [name for name in closed if not (self._keep and self._is_declared(name))]
            yield from (Thing("exposure", owner.get(name, name)) for name in open_)
        kind, _, rest = row["target"].partition("/")
        if row["edge"] == "CAN_REACH" and kind == "PodNetwork":
            yield Thing("network", owner.get(f"Pod/{rest}", f"Pod/{rest}"))
        if row["edge"] == "RUNS_AS" and row["source"] in owner:
            yield Thing("token", owner[row["source"]])
        if row["edge"] == "MOUNTS" and row["target"].startswith("Secret/") and row["source"] in owner:
            yield Thing("mount", owner[row["source"]], row["target"])

    def _change(self, thing: Thing) -> list[Change]:
        if thing not in self._changes:
            self._changes[thing] = list(self._made(thing))
        return self._changes[thing]

    def _made(self, thing: Thing) -> Iterator[Change]:
        """Yield the changes by which a thing is taken away; none where there is no way that the kit knows."""
        kind = parse_object_id(thing.object)[0]
        if thing.kind == "network":
            yield from declared_flows(thing.object, self._cluster)
            return
        if thing.kind == "token":
            workload = self._cluster.workload(thing.object)
            if workload is not None and workload.record is not None and workload.template:
                yield template_patch(workload, automountServiceAccountToken=False)
            return
        if thing.kind == "mount":
            yield from self._unmounted(thing.object, [thing.taken])
            return
        if thing.kind == "exposure" and kind not in ("Service", *ROUTES):
            yield from self._off_the_node(thing.object)
            return
        record = self._cluster.record(thing.object)
        if record is None:
            return
        if kind == "Service":
            yield patch(record, spec={"type": "ClusterIP", "externalIPs": None, "loadBalancerIP": None})
        elif kind in (*BINDINGS, *ROUTES):
            yield Delete(head(record))

    def _unmounted(self, name: str, taken: list[str]) -> Iterator[Change]:
        workload = self._cluster.workload(name)
        if workload is not None and (change := without_secrets(workload, taken)):
            yield change

    def _off_the_node(self, name: str) -> Iterator[Change]:
        """Yield the change by which a workload opens no port of its nodes, neither by name nor on their network."""
        workload = self._cluster.workload(name)
        if workload is None:
            return
        of_node = {"hostNetwork": False} if as_map(workload.template, "spec").get("hostNetwork") else {}
        ports = {each["name"]: without_host_ports(each) for _, each in containers_of(workload)}
        if change := containers_patch(workload, ports, **of_node):
            yield change

    @cached_property
    def things(self) -> pd.DataFrame:
        """Table `cut_things`: what to take away."""
        counts = {thing: sum(thing in needs for needs in self._needs.values()) for thing in self.chosen}
        return CUT_THINGS.frame(
            {**thing._asdict(), "change": _WORDS[thing.kind], "paths": counts[thing]} for thing in self.chosen
        )

    @cached_property
    def paths(self) -> pd.DataFrame:
        """Table `cut_paths`: the paths that the cut was made for, and whether they are gone."""
        left = {line(rows) for rows in self._found(self.proof.after)}
        return CUT_PATHS.frame(
            {
                "path": words,
                "start": self._rows[words][0]["start"],
                "end": self._rows[words][-1]["end"],
                "stopped_by": "; ".join(str(thing) for thing in self.chosen if thing in needs),
                "stopped": words not in left,
            }
            for words, needs in self._needs.items()
        )

    @cached_property
    def uses(self) -> pd.DataFrame:
        """Table `cut_uses`: what would no longer work, as far as scope, flow logs and role bindings show."""
        return CUT_USES.frame(
            {**thing._asdict(), "use": use, "what": what}
            for thing in self.chosen
            for use, what in dict.fromkeys(self._uses(thing))
        )

    def _uses(self, thing: Thing) -> Iterator[tuple[str, str]]:
        rows = self._cluster.rows
        if thing.kind == "role binding":
            lost = self.proof.permissions
            for row in rows_of(lost[lost["binding"] == thing.object]):
                named = f" {row['resource_name']}" if row["resource_name"] else ""
                what = f"{row['verb']} {row['resource'] or row['url']}{named}"
                yield "granted", f"{row['subject_kind']} {row['subject']}: {what}"
        elif thing.kind == "exposure":
            for row in self._entered(thing.object):
                use = "declared" if self._reached(row["workload"]) else "granted"
                yield use, f"{row['workload'] or 'nothing'} on {row['protocol']} {row['entry_port']} from outside"
        elif thing.kind == "network":
            for end in ("source", "destination"):
                for row in rows("ephi_traffic", **{end: thing.object}):
                    if row["unexpected"]:
                        ports = f"{row['protocol']} {row['unexpected']}"
                        yield "seen", f"{row['source']} to {row['destination']} on {ports}"
        elif thing.kind == "mount":
            yield "granted", f"what {thing.object} does with {thing.taken}"
        else:
            yield "granted", f"requests of {thing.object} to the API server with its own service account"

    def _is_declared(self, entry: str) -> bool:
        """Tell whether what an entry leads to is declared to be connected to, or carries others' traffic."""
        rows = self._cluster.rows
        workloads = {row["workload"] for row in self._entered(entry)}
        return any(self._reached(each) or rows("expected_flows", source=each) for each in workloads)

    def _entered(self, name: str) -> list[dict[str, Any]]:
        """Return the ways in that an object is, or is part of."""
        owner = self.run.paths.objects.owner
        return [
            row
            for row in self._cluster.rows("exposures")
            if name in (row["entry"], owner.get(row["entry"]), *row["via"].split())
        ]

    def _reached(self, workload: str) -> bool:
        return bool(self._cluster.rows("expected_flows", destination=workload))

    def to_yaml(self) -> str:
        """Return the changes as YAML: patches and new objects to apply, and what to delete as comments before it."""
        parts = []
        for things, changes in self._together():
            said = "".join(f"# {thing}: {_WORDS[thing.kind]}\n" for thing in things)
            for change in changes:
                text = as_yaml(change.content)
                if isinstance(change, Delete):
                    text = "".join(f"# {row}\n" for row in ["kubectl delete, by name:", *text.splitlines()])
                parts.append(said + text)
        return "---\n".join(dict.fromkeys(parts))


_WORDS: Final = {
    "role binding": "delete it",
    "exposure": "let nobody in from outside by it",
    "network": "isolate it, and allow its declared flows alone",
    "token": "mount no token of its service account",
    "mount": "take the Secret out of its template",
}


def smallest_cut(
    run: Assessment,
    source: str | None = None,
    targets: Iterable[str] | str = (),
    *,
    worst: bool = False,
    keep_declared: bool = False,
    unknown: bool = False,
    k: int = 3,
) -> Cut:
    """Return the fewest things to take away so that no path leads from a source to some targets.

    Parameters
    ----------
    run
        Whose paths.
    source
        As of `Paths.to_ephi`; the internet by default.
    targets
        Where paths end; by default everything that holds ePHI.
    worst
        Of these only the most critical.
    keep_declared
        Leave entries that the declared flows need: paths through them are stopped further in, or not at all.
    unknown
        Also paths of which it is not known whether they are open.
    k
        Paths for each target that are looked at in each round.

    Raises
    ------
    InputError
        A target holds no ePHI, or nothing is known to hold any.
    """
    known = run.paths.targets
    asked = [targets] if isinstance(targets, str) else list(targets)
    if not known:
        raise InputError("nothing is known to hold ePHI", "", "declare it in scope.yaml")
    if strange := sorted(set(asked) - known.keys()):
        raise InputError("is nothing that holds ePHI by the scope", strange[0], "hipaa-kit paths lists what does")
    ends = asked or list(known)
    if worst:
        rank = min(CRITICALITIES.index(known[end]) for end in ends)
        ends = [end for end in ends if known[end] == CRITICALITIES[rank]]
    return Cut(run, source, frozenset(ends), k, keep_declared=keep_declared, unknown=unknown)
