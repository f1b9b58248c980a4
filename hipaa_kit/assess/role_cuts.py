"""What a role gives of a path, and the role without it: narrowed by the audit log where that can tell what was used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pandas as pd

from hipaa_kit.graph.permissions.edge import Right
from hipaa_kit.kube import kinds
from hipaa_kit.kube.rbac import Rule, broken_down, parse_rules
from hipaa_kit.kube.rbac.rules import GROUP
from hipaa_kit.kube.reading import as_map, as_maps
from hipaa_kit.safeguards.ages import days_since
from hipaa_kit.safeguards.remedy import Cluster, patch
from hipaa_kit.sources.overlay import Patch
from hipaa_kit.sources.snapshot import Record

if TYPE_CHECKING:
    from hipaa_kit.assess.facade import Assessment

Atoms = frozenset[Rule]
"""Rules of one verb on one resource each."""

GATHERED: Final = f"{GROUP}/aggregate-to-"
"""How labels begin by which the stock roles gather others."""
OF_THE_SERVER: Final = "kubernetes.io/bootstrapping"
"""Label of roles that the API server puts back when it starts.

Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#auto-reconciliation
"""
BORN: Final = ("system:", "kubeadm:")
"""How names begin of what every cluster has, and that nobody should take away."""
STOCK: Final = ("cluster-admin", "admin", "edit", "view")
"""Roles of every cluster whose names do not begin so."""
EVERYTHING: Final = ("*",)
IDLE_DAYS: Final = 90
"""Days that a log has to cover, where the site sets no `idle_days`, for what is not in it to count as not used."""


class Narrowed(NamedTuple):
    """What a role would give, and why it is as wide, or as narrow, as it is."""

    rules: list[dict[str, Any]]
    said: list[str]


class RoleCuts:
    """Takes rights out of the roles of one assessment."""

    def __init__(self, run: Assessment, cluster: Cluster) -> None:
        self._run, self._cluster = run, cluster

    def taken(self, right: Right) -> Atoms:
        """Return what has to go out of a role so that it gives no more of a way; none where the role is not to change.

        Roles that gather others, that are gathered, and that the API server puts back are left: what is taken out of
        the first and the last comes back, and the second give others what they have.
        """
        record = self._cluster.record(right.role)
        if record is None or not self._may_change(record):
            return frozenset()
        catalogue = self._run.permissions.effective.catalogue
        asked = 0
        for text in right.actions:
            asked |= catalogue.mask(text)
        found = []
        for atom in self._atoms(record):
            named = right.name and atom.names and right.name not in atom.names
            if right.actions:
                gives = bool(catalogue.rights(atom).touched & asked) and not named
            else:
                gives = EVERYTHING == atom.verbs == atom.groups == atom.resources
            found += [atom] if gives else []
        return frozenset(found)

    def _atoms(self, record: Record) -> list[Rule]:
        rules = parse_rules(record.content.get("rules"), record.object)
        return list(dict.fromkeys(atom for rule in rules for atom in broken_down(rule)))

    def _may_change(self, record: Record) -> bool:
        labels = as_map(record.content, "metadata", "labels")
        fixed = record.name.startswith(BORN) or OF_THE_SERVER in labels or record.name in STOCK
        return not (fixed or "aggregationRule" in record.content or self._is_gathered(record))

    def _is_gathered(self, record: Record) -> bool:
        """Tell whether another role may take its rules; one whose selectors are not by known labels may."""
        if record.kind != "ClusterRole":
            return False
        labels = as_map(record.content, "metadata", "labels")
        return any(str(label).startswith(GATHERED) for label in labels) or (bool(labels) and self._others_gather)

    @cached_property
    def _others_gather(self) -> bool:
        """Tell whether some ClusterRole gathers by labels of its own making."""
        for record in self._run.snapshot.records(kinds.CLUSTER_ROLE):
            for selector in as_maps(as_map(record.content, "aggregationRule").get("clusterRoleSelectors")):
                wanted = as_map(selector, "matchLabels")
                if not wanted or not all(str(label).startswith(GATHERED) for label in wanted):
                    return True
        return False

    def change(self, role: str, taken: Atoms) -> Patch | None:
        """Return the change by which a role gives no more of some rights; None where there is none to make."""
        record = self._cluster.record(role)
        if record is None or not taken:
            return None
        return patch(record, rules=self.narrowed(role, taken).rules)

    def narrowed(self, role: str, taken: Atoms) -> Narrowed:
        """Return a role without some rights and, where the audit log can tell, without those that nobody used."""
        record = self._cluster.record(role)
        content = record.content if record is not None else {}
        said = [f"without {words(taken)}"]
        idle: set[Rule] = set()
        if self._run.snapshot.audit_log is None:
            said.append("no audit log was given: whether its rights are used is not known")
        elif record is not None:
            said.append(f"audit log {self.window}")
            if blind := self._blind(role):
                said.append(f"not narrowed to what was used: {blind}")
            else:
                idle = {atom for atom in self._atoms(record) if self.states(role, atom) == {"unused"}} - taken
                doubtful = {atom for atom in self._atoms(record) if "unknown" in self.states(role, atom)} - taken
                said += [f"narrowed to what was used: out goes {words(idle)} ({self._sure(role)})"] if idle else []
                said += [f"kept, since the log cannot tell whether it is used: {words(doubtful)}"] if doubtful else []
        gone = taken | idle
        rules: list[dict[str, Any]] = []
        for raw, rule in zip(as_maps(content.get("rules")), parse_rules(content.get("rules"), role), strict=True):
            atoms = list(broken_down(rule))
            kept = [atom for atom in atoms if atom not in gone]
            rules += [dict(raw)] if len(kept) == len(atoms) else joined(kept)
        return Narrowed(rules, said)

    @cached_property
    def _window(self) -> dict[str, Any]:
        rows = self._cluster.rows("common_window")
        return rows[0] if rows else {}

    @property
    def window(self) -> str:
        """The time that the audit log covers, in words."""
        held = self._window
        return f"from {held['first_at']} to {held['last_at']} ({held['days']:.0f} days)" if held else "of no known time"

    def _blind(self, role: str) -> str:
        """Return why what the log does not show may have been used all the same; "" where it would show it."""
        held, wanted = self._window, self._idle_days
        if not held:
            return "the log says of no moment"
        if held["doubt"]:
            return str(held["doubt"])
        if held["days"] < wanted:
            return f"it covers {held['days']:.0f} days of the {wanted} after which a right counts as not used"
        ended = pd.Series([held["last_at"]], dtype="str")
        if not (self._run.as_of and float(days_since(ended, self._run.as_of).iloc[0]) <= 1):
            return "it does not reach to within a day of the moment judged for"
        judged = {row["binding"] for row in self._uses_of(role)}
        if left := {row["binding"] for row in self._cluster.rows("grants", role=role)} - judged:
            return f"use by {', '.join(sorted(left))} is not judged"
        return ""

    @property
    def _idle_days(self) -> int:
        """Days without use that the site has set: as a parameter of this run, or for all runs."""
        scope = self._run.scope
        said = dict(scope.thresholds) if scope else {}
        return int(self._run.parameters.get("idle_days", said.get("idle_days", IDLE_DAYS)))

    def _sure(self, role: str) -> str:
        return "; ".join(sorted({row["why"] for row in self._uses_of(role) if row["state"] == "unused"}))

    def _uses_of(self, role: str) -> list[dict[str, Any]]:
        bindings = dict.fromkeys(row["binding"] for row in self._cluster.rows("grants", role=role))
        return [row for name in bindings for row in self._cluster.rows("right_use", binding=name)]

    def states(self, role: str, atom: Rule) -> set[str]:
        """Return whether a right of a role was used, unused or cannot be told, by all to whom it is given."""
        return self._states(role).get(atom, set())

    def _states(self, role: str) -> dict[Rule, set[str]]:
        def made() -> dict[Rule, set[str]]:
            found: dict[Rule, set[str]] = defaultdict(set)
            for row in self._uses_of(role):
                found[atom_of(row)].add(row["state"])
            return found

        held: dict[Rule, set[str]] = self._cluster.once(f"use of {role}", made)
        return held

    def given(self, role: str) -> list[Rule]:
        """Return what a role gives, one right each."""
        record = self._cluster.record(role)
        return self._atoms(record) if record is not None else []


def atom_of(row: dict[str, Any]) -> Rule:
    """Return the right of which a row of table `right_use`, or `permission_changes`, speaks."""
    if row["url"]:
        return Rule((row["verb"],), urls=(row["url"],))
    names = (row["resource_name"],) if row["resource_name"] else ()
    return Rule((row["verb"],), (row["api_group"],), (row["resource"],), names)


def joined(atoms: Iterable[Rule]) -> list[dict[str, Any]]:
    """Return rules, as a manifest writes them, that give some rights and nothing else."""
    verbs: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for atom in atoms:
        key = (atom.groups, atom.resources, atom.names, atom.urls)
        verbs[key] += [verb for verb in atom.verbs if verb not in verbs[key]]
    resources: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for (groups, of, names, urls), done in verbs.items():
        resources[groups, names, urls, tuple(done)] += of
    found = []
    for (groups, names, urls, done), of in resources.items():
        rule: dict[str, Any] = {"nonResourceURLs": list(urls)} if urls else {"apiGroups": list(groups), "resources": of}
        rule |= {"verbs": list(done)} | ({"resourceNames": list(names)} if names else {})
        found.append(rule)
    return found


def words(atoms: Iterable[Rule]) -> str:
    """Return some rights in words, always in the same order."""
    return "; ".join(_words(atoms))


def _words(atoms: Iterable[Rule]) -> Iterator[str]:
    for rule in joined(
        sorted(atoms, key=lambda each: (each.groups, each.resources, each.names, each.urls, each.verbs))
    ):
        group = rule.get("apiGroups", [""])[0]
        what = [f"{each}.{group}" if group else each for each in rule.get("resources", rule.get("nonResourceURLs", []))]
        named = f" named {','.join(rule['resourceNames'])}" if "resourceNames" in rule else ""
        yield f"{','.join(rule['verbs'])} {','.join(what)}{named}"
