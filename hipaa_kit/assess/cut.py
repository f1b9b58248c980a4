"""The smallest cut: the fewest things to take away so that paths to ePHI stop, proved by working everything out again.

Paths are found, the fewest things are chosen of which each path needs one, the changes are laid over the snapshot, and
paths are looked for in what is left. Those that are still there, or come up behind others, are added, and the choice is
made again. What ends without a path is a cut; it is the smallest of those things where the choice is exact, since every
cut has to stop the paths that were found. (M. Fischetti et al., implicit hitting sets.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

import pandas as pd

from hipaa_kit.assess.cut_uses import BINDING, EXPOSURE, MOUNT, NETWORK, RULE, TOKEN, Thing, Uses, flow_words
from hipaa_kit.assess.remedies import as_yaml, holds_removed
from hipaa_kit.assess.role_cuts import BORN, Atoms, RoleCuts, words
from hipaa_kit.assess.what_if import WhatIf
from hipaa_kit.errors import InputError
from hipaa_kit.graph.hitting import smallest_hitting
from hipaa_kit.graph.paths.words import Hop
from hipaa_kit.inventory.rollout import what_would_be
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.kube.reading import as_map
from hipaa_kit.printable import printable
from hipaa_kit.safeguards.network_isolation.kept_flows import seen_rules
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
from hipaa_kit.vocabulary import CRITICALITIES

if TYPE_CHECKING:
    from hipaa_kit.assess.facade import Assessment

Path = list[Hop]

NONE: Final[Atoms] = frozenset()
ROUNDS: Final = 24
"""Times that everything is worked out again, at most."""

BINDINGS: Final = ("RoleBinding", "ClusterRoleBinding")
ROUTES: Final = ("Ingress", "Route", "HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "UDPRoute")


class Proof(NamedTuple):
    """One way in which a path is proved: the path in one line, and the things of which it needs each."""

    path: str
    needs: frozenset[Thing]


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
        self._roles = RoleCuts(run, self._cluster)
        self._uses = Uses(run, self._cluster, self._roles)
        self._proofs: dict[Proof, tuple[str, str]] = {}
        self._changes: dict[Thing, list[Change]] = {}
        self._taken: dict[Thing, Atoms] = {}
        self.chosen: tuple[Thing, ...] = ()
        self.exact, self.bound = True, 0
        doubted = stuck = False
        self.proof = self._applied()
        self.complete = False
        for _ in range(ROUNDS):
            fresh, again, held = self._take(self.proof.after)
            doubted |= again
            stuck |= held
            if not fresh:
                self.complete = not stuck
                break
            found = smallest_hitting(self._sets(), harm=lambda each: self._uses.harm(each, self._taken.get(each, NONE)))
            self.chosen, self.bound = found.chosen, found.bound
            self.exact = found.exact and not doubted
            self.proof = self._applied()

    def _applied(self) -> WhatIf:
        if not (changes := self.changes(self.chosen)):
            return WhatIf(self.run, self.run)
        would_be = what_would_be(self.run.snapshot, changes, pseudonym=self.run.pseudonymizer)
        return WhatIf(self.run, self.run.changed(would_be), changes)

    def changes(self, things: Iterable[Thing]) -> list[Change]:
        """Return the changes by which some things are taken away, each once, in the order in which they apply."""
        found: list[Change] = []
        for change in (each for _, held in self._together(things) for each in held):
            if change not in found:
                found.append(change)
        return sorted(found, key=lambda step: isinstance(step, Delete))

    def _together(self, things: Iterable[Thing]) -> Iterator[tuple[tuple[Thing, ...], list[Change]]]:
        """Yield what is taken away with its changes; all of one workload's Secrets, and of one role, are one change."""
        joint: dict[tuple[str, str], list[Thing]] = {}
        for thing in things:
            if thing.kind in (MOUNT, RULE):
                joint.setdefault((thing.kind, thing.object), []).append(thing)
            else:
                yield (thing,), self._change(thing)
        for (kind, name), held in joint.items():
            made = self._unmounted(name, [each.taken for each in held]) if kind == MOUNT else self._without(name, held)
            yield tuple(held), list(made)

    def _sets(self) -> list[frozenset[Thing]]:
        """Return of what each path needs one, proof by proof; a path that nothing stops asks for nothing."""
        open_ = {proof.path for proof in self._proofs if not proof.needs}
        return [self._wide(proof.needs) for proof in self._proofs if proof.path not in open_]

    def _wide(self, needs: frozenset[Thing]) -> frozenset[Thing]:
        """Return things, and those that take the same out of a role, and more."""
        mine = [each for each in needs if each.kind == RULE]
        more = (
            other
            for each in mine
            for other, taken in self._taken.items()
            if other.object == each.object and taken >= self._taken[each]
        )
        return needs.union(more)

    def _take(self, world: Assessment) -> tuple[bool, bool, bool]:
        """Take the proofs of the paths of a world.

        Returns
        -------
        tuple
            There are new ones that change the choice; something was taken away and a path rests on it still; one that
            was chosen for is as it was.

        Notes
        -----
        A path that lost one proof may have another: a second role binding, say. Whatever stops it has to stop both.
        """
        fresh = again = stuck = False
        known = {proof.path for proof in self._proofs}
        for hops, end in self._found(world):
            things = self._things(hops)
            stands = things & set(self.chosen)
            proof = Proof(world.paths.teller.line(hops), things - stands)
            again |= bool(stands)
            if proof in self._proofs:
                stuck |= bool(proof.needs)
                continue
            self._proofs[proof] = hops[0].source, end
            fresh |= bool(proof.needs) or proof.path in known
        return fresh, again, stuck

    def _found(self, world: Assessment) -> list[tuple[Path, str]]:
        found = world.paths.found(self._source, k=self._k, unknown=self._unknown)
        return [(hops, end) for hops, end in found if end in self._ends]

    def _things(self, hops: Path) -> frozenset[Thing]:
        return frozenset(thing for hop in hops for thing in self._of_hop(hop) if self._change(thing))

    def _of_hop(self, hop: Hop) -> Iterator[Thing]:
        """Yield what can be taken away so that a hop may be gone."""
        owner = self.run.paths.objects.owner
        for name in hop.objects:
            kind, _, own = parse_object_id(name)
            if kind in BINDINGS and not own.startswith(BORN):
                yield Thing(BINDING, name)
        for right in hop.rights:
            if taken := self._roles.taken(right):
                thing = Thing(RULE, right.role, words(taken))
                self._taken[thing] = taken
                yield thing
        if hop.edge == "EXPOSED":
            # What hangs on a gateway that others use, too, is taken away without it.
            closed = [name for name in hop.objects if parse_object_id(name)[0] != "Gateway"][:1]
            open_ = [name for name in closed if not (self._keep and self._is_declared(name))]
            yield from (Thing(EXPOSURE, owner.get(name, name)) for name in open_)
        kind, _, rest = hop.target.partition("/")
        if hop.edge == "CAN_REACH" and kind == "PodNetwork":
            yield Thing(NETWORK, owner.get(f"Pod/{rest}", f"Pod/{rest}"))
        if hop.edge == "RUNS_AS" and hop.source in owner:
            yield Thing(TOKEN, owner[hop.source])
        if hop.edge == "MOUNTS" and hop.target.startswith("Secret/") and hop.source in owner:
            yield Thing(MOUNT, owner[hop.source], hop.target)

    def _change(self, thing: Thing) -> list[Change]:
        if thing not in self._changes:
            self._changes[thing] = list(self._made(thing))
        return self._changes[thing]

    def _made(self, thing: Thing) -> Iterator[Change]:
        """Yield the changes by which a thing is taken away; none where there is no way that the kit knows."""
        kind = parse_object_id(thing.object)[0]
        if thing.kind == RULE:
            yield from self._without(thing.object, [thing])
            return
        if thing.kind == NETWORK:
            yield from declared_flows(thing.object, self._cluster, seen_rules)
            return
        if thing.kind == TOKEN:
            workload = self._cluster.workload(thing.object)
            if workload is not None and workload.record is not None and workload.template:
                yield template_patch(workload, automountServiceAccountToken=False)
            return
        if thing.kind == MOUNT:
            yield from self._unmounted(thing.object, [thing.taken])
            return
        if thing.kind == EXPOSURE and kind not in ("Service", *ROUTES):
            yield from self._off_the_node(thing.object)
            return
        record = self._cluster.record(thing.object)
        if record is None:
            return
        if kind == "Service":
            yield patch(record, spec={"type": "ClusterIP", "externalIPs": None, "loadBalancerIP": None})
        elif kind in (*BINDINGS, *ROUTES):
            yield Delete(head(record))

    def _without(self, role: str, things: list[Thing]) -> Iterator[Change]:
        """Yield the change by which a role gives no more of what things take out of it."""
        taken = NONE.union(*(self._taken[each] for each in things))
        change = self._roles.change(role, taken)
        if change is not None and not holds_removed(change.content):
            yield change

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
    def _stops(self) -> dict[str, list[Thing]]:
        """By path, the chosen things that stop it, in one of its proofs at least."""
        open_ = {proof.path for proof in self._proofs if not proof.needs}
        found: dict[str, list[Thing]] = {}
        for proof in self._proofs:
            stops = found.setdefault(proof.path, [])
            if proof.path not in open_:
                wide = self._wide(proof.needs)
                stops += [thing for thing in self.chosen if thing in wide and thing not in stops]
        return found

    @cached_property
    def things(self) -> pd.DataFrame:
        """Table `cut_things`: what to take away."""
        counts = {thing: sum(thing in stops for stops in self._stops.values()) for thing in self.chosen}
        return CUT_THINGS.frame(
            {**thing._asdict(), "change": _WORDS[thing.kind], "paths": counts[thing]} for thing in self.chosen
        )

    @cached_property
    def paths(self) -> pd.DataFrame:
        """Table `cut_paths`: the paths that the cut was made for, and whether they are gone."""
        teller = self.proof.after.paths.teller
        left = {teller.line(hops) for hops, _ in self._found(self.proof.after)}
        ends = {proof.path: ends for proof, ends in self._proofs.items()}
        return CUT_PATHS.frame(
            {
                "path": path,
                "start": ends[path][0],
                "end": ends[path][1],
                "stopped_by": "; ".join(map(str, stops)) if path not in left else "",
                "stopped": path not in left,
            }
            for path, stops in self._stops.items()
        )

    @cached_property
    def uses(self) -> pd.DataFrame:
        """Table `cut_uses`: what would no longer work, as far as scope, logs and role bindings show."""
        return CUT_USES.frame(
            {**thing._asdict(), "use": use, "what": what}
            for thing in self.chosen
            for use, what in dict.fromkeys(self._uses.of(thing, self.proof.permissions))
        )

    def _is_declared(self, entry: str) -> bool:
        """Tell whether what an entry leads to is declared to be connected to, or carries others' traffic."""
        workloads = {row["workload"] for row in self._uses.entered(entry)}
        return any(self._uses.reached(each) or self._cluster.rows("expected_flows", source=each) for each in workloads)

    def to_yaml(self) -> str:
        """Return the changes as YAML: patches and new objects to apply, and what to delete as comments before it.

        Comments say why each policy allows what it allows, and what a role keeps.
        """
        parts = []
        for things, changes in self._together(self.chosen):
            said = _comment(f"{thing}: {_WORDS[thing.kind]}" for thing in things)
            said += _comment(self._reasons(things))
            for change in changes:
                text = as_yaml(change.content)
                if isinstance(change, Delete):
                    text = _comment(["kubectl delete, by name:", *text.splitlines()])
                parts.append(said + text)
        return "---\n".join(dict.fromkeys(parts))

    def _reasons(self, things: tuple[Thing, ...]) -> list[str]:
        """Return why a policy allows what it allows, or why a role is as narrow as it is."""
        first = things[0]
        if first.kind == NETWORK:
            return flow_words(first.object, self._cluster)
        if first.kind == RULE:
            return self._roles.narrowed(first.object, NONE.union(*(self._taken[each] for each in things))).said
        return []


def _comment(lines: Iterable[str]) -> str:
    """Return lines as comments: names may hold line ends, and none of them may become a line of YAML."""
    return "".join(f"# {printable(line)}\n" for line in lines)


_WORDS: Final = {
    BINDING: "delete it",
    RULE: "take this out of the rules of the role",
    EXPOSURE: "let nobody in from outside by it",
    NETWORK: "isolate it, and allow its declared flows and the expected ones that were seen alone",
    TOKEN: "mount no token of its service account",
    MOUNT: "take the Secret out of its template",
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
