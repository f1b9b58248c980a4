"""Remedies of failing findings, each proved where it can be: on the objects as they would be, by the check itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import yaml

from hipaa_kit.assess.runner import Verdict, run_check
from hipaa_kit.inventory.registry import Inventory
from hipaa_kit.inventory.rollout import renews, what_would_be
from hipaa_kit.kube.owners import object_id
from hipaa_kit.kube.reading import as_map
from hipaa_kit.safeguards.check import CHECKS, Check
from hipaa_kit.safeguards.remedy import BY_HAND, REMEDIES, Cluster, Command, Failing, Instruction, Remedy, Step, advise
from hipaa_kit.sources.leaks import find_leaks
from hipaa_kit.sources.overlay import Change, Delete, Patch, Put
from hipaa_kit.sources.pseudonyms import PREFIX, Pseudonymizer, is_pseudonym
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.remedies import REMEDIES as REMEDIES_TABLE
from hipaa_kit.vocabulary import ERROR, FAIL, NOT_APPLICABLE, NOT_ASSESSED, PASS, REVIEW

if TYPE_CHECKING:
    from hipaa_kit.assess.facade import Assessment

Verdicts = Mapping[str, Verdict]

GOOD: Final = (PASS, NOT_APPLICABLE)
_RANK: Final = {PASS: 0, NOT_APPLICABLE: 0, REVIEW: 1, NOT_ASSESSED: 1, FAIL: 2, ERROR: 2}
"""How bad a verdict is, for a remedy that may make none worse."""

_HOLDERS: Final = ("User", "Group", "ServiceAccount")
"""Kinds of those who hold permissions: a check no longer names them once they hold none."""

MOST_ALONE: Final = 100
"""Remedies that are proved one by one: of more, what they come to together is all that is said."""

LARGE: Final = 20_000
"""Objects of a snapshot from which on remedies are proved all at once: each proof makes changed tables anew."""

_KEY: Final = b"stands for texts of remedies, which hold no secret"


@dataclass
class _Case:
    """A failing finding with its remedy, and what came of proving it."""

    finding_id: str
    topic: str
    failing: Failing
    remedy: Remedy
    verified: str = "cannot"
    outcome: str = ""


def remedies(assessment: Assessment, inventory: Inventory) -> pd.DataFrame:
    """Return table `remedies`: for every failing finding, what would mend it, step by step.

    Parameters
    ----------
    assessment
        Whose findings.
    inventory
        Its tables, as far as they were built.

    Returns
    -------
    DataFrame
        One row per step. A finding for which nothing better is known has the remedy of its control, in words.

    Notes
    -----
    All remedies of a check are proved together: its changes are laid over the snapshot, pods are renewed as their
    controllers would, and the check judges again. A remedy is verified where its object then passes, or is no longer
    anything to judge, and no other finding of the check, or of those that the remedy names, got worse. Where an object
    still fails, or the check looks everywhere, each remedy is proved alone.
    """
    cases = list(_cases(assessment))
    if changing := [case for case in cases if case.remedy.changes]:
        _Prover(assessment, inventory).prove(changing)
    return REMEDIES_TABLE.frame(row for case in cases for row in _rows(case, assessment.snapshot))


def _cases(assessment: Assessment) -> Iterator[_Case]:
    tables = assessment.tables
    cluster = Cluster(assessment.snapshot, tables, assessment.parameters)
    findings = tables["findings"]
    members = _grouped(tables["finding_members"][tables["finding_members"]["verdict"] == FAIL])
    evidence = _grouped(tables["finding_evidence"])
    for row in rows_of(findings[findings["verdict"] == FAIL]):
        key = (row["check"], row["object"])
        parts = members.get(key, [])
        failing = Failing(
            check=row["check"],
            object=row["object"],
            reason=row["reason"],
            observed=row["observed"],
            expected=row["expected"],
            members=tuple(each["member"] for each in parts),
            reasons=tuple(each["reason"] for each in parts),
            evidence=tuple(each["evidence"] for each in evidence.get(key, [])),
        )
        mending = REMEDIES.get(row["check"])
        found = mending.function(failing, cluster) if mending else None
        if found is None or any(holds_removed(step.content) for step in found.changes):
            words = assessment.catalogue.control(row["check"]).remediation
            found = advise(words, _by_hand(failing), unproved=BY_HAND.get(row["check"], ""))
        yield _Case(row["finding_id"], row["topic"], failing, _renewed_by_hand(found, cluster))


def _renewed_by_hand(remedy: Remedy, cluster: Cluster) -> Remedy:
    """Return a remedy that says of which changed workloads somebody has to renew the pods."""
    waiting = []
    for step in remedy.changes:
        _, kind, namespace, name = step.place
        record = cluster.record(object_id(kind, namespace, name))
        if isinstance(step, Patch) and record is not None and "template" in as_map(step.content, "spec"):
            waiting += [] if renews(record) else [record.object]
    told = [
        Instruction(
            f"let the pods of {name} be made anew: delete one after another, or resume its rollout; it waits for it"
        )
        for name in dict.fromkeys(waiting)
    ]
    return replace(remedy, steps=(*remedy.steps, *told))


def _by_hand(failing: Failing) -> str:
    wanted = f"; wanted is {failing.expected}" if failing.expected else ""
    return f"by hand, at {failing.object}: {failing.reason}{wanted}"


def _grouped(frame: pd.DataFrame) -> dict[tuple[str, str], list[dict[str, Any]]]:
    found: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in rows_of(frame):
        found[row["check"], row["object"]].append(row)
    return found


def holds_removed(value: Any) -> bool:
    """Tell whether a change holds what stands in the snapshot for a removed value, or what looks like a secret."""
    if isinstance(value, Mapping):
        return any(holds_removed(each) for pair in value.items() for each in pair)
    if isinstance(value, list):
        return any(holds_removed(each) for each in value)
    return isinstance(value, str) and (_has_pseudonym(value) or bool(find_leaks(value)))


def _has_pseudonym(text: str) -> bool:
    width = len(PREFIX) + 16
    starts = [at for at in range(len(text)) if text.startswith(PREFIX, at)]
    return any(is_pseudonym(text[at : at + width]) for at in starts)


class _Prover:
    """Judges checks again on the objects as they would be."""

    def __init__(self, assessment: Assessment, inventory: Inventory) -> None:
        self._of, self._base = assessment, inventory
        self._before: dict[str, dict[str, str]] = defaultdict(dict)
        findings = assessment.tables["findings"]
        for check, name, verdict in findings[["check", "object", "verdict"]].itertuples(index=False):
            self._before[check][name] = verdict

    def prove(self, cases: list[_Case]) -> None:
        """Set of each remedy whether it is verified, and what its check then says.

        What a check says of one object may rest on all others where it looks everywhere: only alone does a remedy of
        such a check show what it mends. One that does not mend its finding among all others of the check is not tried.
        Of a large snapshot all remedies are proved at once, as far as they mend together.
        """
        if sum(part.size for part in self._of.snapshot.parts.values()) > LARGE:
            world = self._world(cases)
            for case in cases:
                self._settle(case, world)
                case.verified = "together" if case.verified == "yes" else case.verified
            return
        self._prove_each(cases)

    def _prove_each(self, cases: list[_Case]) -> None:
        """Prove remedies by check, and alone where that tells more."""
        by_check: dict[str, list[_Case]] = defaultdict(list)
        for case in cases:
            by_check[case.failing.check].append(case)
        alone: list[_Case] = []
        for check, held in by_check.items():
            world = self._world(held)
            for case in held:
                self._settle(case, world)
                doubtful = CHECKS[check].everywhere or case.verified != "yes"
                alone += [case] if len(held) > 1 and doubtful and self._mended(case, world) else []
        by_changes: dict[str, list[_Case]] = defaultdict(list)
        for case in alone[:MOST_ALONE]:
            by_changes["".join(as_yaml(step.content) for step in case.remedy.changes)].append(case)
        for held in by_changes.values():
            world = self._world(held[:1])
            for case in held:
                self._settle(case, world)
        left = [case for case in cases if case.verified != "yes" and not self._is_open(case)] + alone[MOST_ALONE:]
        if left:
            self._prove_together(left, cases)

    def _prove_together(self, left: list[_Case], cases: list[_Case]) -> None:
        """Find which of the remedies that are left mend their finding where all remedies are applied."""
        world = self._world(cases)
        for case in left:
            if self._mended(case, world) and not self._worse(self._said(case, world)):
                case.verified = "together"
            elif case.verified == "yes":
                case.verified = "no"

    def _settle(self, case: _Case, world: _World) -> None:
        """Say what a remedy comes to in a world in which it is applied."""
        after = self._said(case, world)
        worse = self._worse(after)
        found = after[case.failing.check].get(case.failing.object)
        if self._mended(case, world) and not worse:
            case.verified = "yes"
        elif not worse and (self._is_open(case) or (found and found.verdict in (REVIEW, NOT_ASSESSED))):
            case.verified = "cannot"
        else:
            case.verified = "no"
        case.outcome = f"{found.verdict}: {found.reason}" if found else "nothing to judge any more"
        if worse:
            case.outcome += f"; and {worse[0][0]} gets worse at {worse[0][1]}"

    def _said(self, case: _Case, world: _World) -> dict[str, Verdicts]:
        """Return what the check of a remedy, and those that it may not make worse, say in a world."""
        checks = (case.failing.check, *REMEDIES[case.failing.check].also)
        return {check: world.verdicts(check) for check in checks}

    def _mended(self, case: _Case, world: _World) -> bool:
        found = world.verdicts(case.failing.check).get(case.failing.object)
        return found.verdict in GOOD if found else _may_vanish(case)

    def _is_open(self, case: _Case) -> bool:
        """Tell whether something of a remedy is still to be done that objects do not show."""
        return case.remedy.seen_later or _goes_on(case.remedy)

    def _worse(self, after: Mapping[str, Verdicts]) -> list[tuple[str, str]]:
        """Return (check, object) of findings that are worse than before, and of new ones that fail."""
        found = []
        for check, verdicts in after.items():
            before = self._verdicts_before(check)
            for name, verdict in verdicts.items():
                was = _RANK[before.get(name, REVIEW)]
                if _RANK[verdict.verdict] > was:
                    found.append((check, name))
        return sorted(found)

    def _verdicts_before(self, check: str) -> dict[str, str]:
        if check not in self._before:  # a check of a topic that was not asked for
            held = judged(self._of, CHECKS[check], self._base, self._of.snapshot)
            self._before[check] = {name: verdict.verdict for name, verdict in held.items()}
        return self._before[check]

    def _world(self, cases: Iterable[_Case]) -> _World:
        # What one remedy deletes another may change: deletions come last.
        changes = _each_once(step for case in cases for step in case.remedy.changes)
        held = sorted(changes, key=lambda step: isinstance(step, Delete))
        would_be = what_would_be(self._of.snapshot, held, pseudonym=Pseudonymizer(_KEY))
        return _World(self._of, would_be, self._base.after(would_be, self._of.scope))


class _World:
    """The cluster as it would be after some changes, and what checks say of it."""

    def __init__(self, assessment: Assessment, snapshot: Snapshot, tables: Inventory) -> None:
        self._of, self._snapshot, self._tables = assessment, snapshot, tables
        self._said: dict[str, Verdicts] = {}

    def verdicts(self, check: str) -> Verdicts:
        """Return what a check says, by object."""
        if check not in self._said:
            self._said[check] = judged(self._of, CHECKS[check], self._tables, self._snapshot)
        return self._said[check]


def judged(assessment: Assessment, check: Check, tables: Inventory, snapshot: Snapshot) -> dict[str, Verdict]:
    """Return what a check says of other tables under the terms of an assessment, by object."""
    verdicts = run_check(
        check,
        tables,
        snapshot.coverage,
        parameters=assessment.parameters,
        as_of=assessment.as_of,
        scoped=assessment.scope is not None,
    )
    return {verdict.object: verdict for verdict in verdicts}


def _each_once(changes: Iterable[Change]) -> list[Change]:
    found: list[Change] = []
    for change in changes:
        if change not in found:
            found.append(change)
    return found


def _goes_on(remedy: Remedy) -> bool:
    """Tell whether a remedy has steps that are no changes of objects."""
    return len(remedy.changes) < len(remedy.steps)


def _unproved(case: _Case) -> str:
    """Return why objects cannot show what a remedy comes to; none where they can."""
    remedy = case.remedy
    if case.verified != "cannot":
        return ""
    if remedy.unproved:
        return remedy.unproved
    if not remedy.changes:
        return "none of its steps changes an object that was read: what it did shows in the next snapshot"
    if remedy.seen_later:
        return "what the check looks at shows only after the cluster has acted"
    return (
        "some of its steps change no object that was read" if _goes_on(remedy) else "the check cannot tell then either"
    )


def _may_vanish(case: _Case) -> bool:
    """Tell whether a remedy rightly leaves nothing to judge at its object."""
    deleted = {step.place[1:] for step in case.remedy.changes if isinstance(step, Delete)}
    about = (case.failing.kind, case.failing.namespace, case.failing.name)
    return about in deleted or case.failing.kind in _HOLDERS


def _rows(case: _Case, snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    for number, step in enumerate(case.remedy.steps, 1):
        kind, target, text = _told(step, snapshot)
        yield {
            "finding_id": case.finding_id,
            "check": case.failing.check,
            "topic": case.topic,
            "object": case.failing.object,
            "step": number,
            "title": case.remedy.title,
            "kind": kind,
            "target": target,
            "text": text,
            "verified": case.verified,
            "outcome": case.outcome,
            "unproved": _unproved(case),
            "caution": case.remedy.caution,
        }


def _told(step: Step, snapshot: Snapshot) -> tuple[str, str, str]:
    """Return kind, target and text of a step."""
    if isinstance(step, Command | Instruction):
        return "command" if isinstance(step, Command) else "instruction", "", step.text
    _, kind, namespace, name = step.place
    target = object_id(kind, namespace, name)
    if isinstance(step, Put):
        return "replace" if snapshot.find(target) else "object", target, as_yaml(step.content)
    return "patch" if isinstance(step, Patch) else "delete", target, as_yaml(step.content)


def as_yaml(content: Mapping[str, Any]) -> str:
    """Return a manifest as YAML, its fields in the order in which manifests are written."""
    return yaml.dump(dict(content), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)


class _Plain(yaml.SafeDumper):
    """Writes every value out, also where the same object stands twice."""

    def ignore_aliases(self, data: Any) -> bool:
        """Refuse anchors."""
        del data
        return True
