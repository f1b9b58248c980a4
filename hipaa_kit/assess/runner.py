"""Running checks: what a check saw, held against what the snapshot could see.

A check judges the rows it is given. Whether those rows were all there is decided here, once, for
every check: a `pass` or `not_applicable` needs every kind behind its tables to be complete for the
object's namespace, a `fail` that rests on something's absence needs the same of those tables, and
what could not be seen gets a row of its own. Source: result model, rules 1 to 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from hipaa_kit.catalogue import load_catalogue
from hipaa_kit.inventory.parts import narrowed
from hipaa_kit.inventory.registry import Inventory, inputs_behind, kinds_behind
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.kube.owners import object_id
from hipaa_kit.safeguards.check import Check
from hipaa_kit.sources.coverage import Answer, Coverage
from hipaa_kit.sources.documents import no_cyclic_collection
from hipaa_kit.sources.inputs import INPUTS, Inputs
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.results import CHECK_INPUTS, JUDGEMENTS
from hipaa_kit.vocabulary import (
    ANSWERED,
    CLUSTER,
    ERROR,
    FAILED,
    NOT_APPLICABLE,
    NOT_ASKED,
    NOT_ASSESSED,
    PASS,
    REASON_OF_COVERAGE,
    REASONS,
    SEVERITIES,
    worst,
)

UNSEEN = "*"
"""Stands for the name of what could not be seen."""

ABOUT_ALL = object_id(UNSEEN, CLUSTER, UNSEEN)
"""Of what a verdict speaks that is about no object: the whole cluster could not be seen, or had nothing to judge."""


@dataclass(frozen=True)
class Verdict:
    """What a check finally says of one object, with the parts it looked at."""

    check: str
    object: str
    verdict: str
    reason: str
    reason_code: str = ""
    reason_detail: str = ""
    path: str = ""
    observed: str = ""
    expected: str = ""
    severity: str = ""
    evidence: tuple[str, ...] = ()
    members: tuple[tuple[str, str, str], ...] = field(default=(), repr=False)


def run_check(
    check: Check,
    tables: Inventory,
    coverage: Coverage,
    *,
    parameters: Mapping[str, Any],
    as_of: str,
    scoped: bool,
) -> list[Verdict]:
    """Run one check and settle its verdicts.

    Parameters
    ----------
    check
        What to run.
    tables, coverage
        Tables of the snapshot and what stands behind them.
    parameters
        Values a site has set, by parameter name.
    as_of
        Moment to judge for, RFC 3339; "" where it is not known, and then nothing is judged by the time.
    scoped
        An ePHI scope is declared.

    Returns
    -------
    list of Verdict
        One per object examined, and one per namespace (or for the cluster) that could not be seen
        in full; never none at all.
    """
    if check.needs_scope and not scoped:
        return [_without_scope(check)]
    if lacking := [name for name in check.inputs if tables.inputs.status(name) != "given"]:
        return [_without_inputs(check, lacking, tables.inputs)]
    if untaken := tables.facts_lacking(check.tables):
        return [_without_facts(check, untaken)]
    given = {name: parameters[name] for name in check.parameters if name in parameters}
    if check.takes_time and not as_of:
        return [_without_moment(check)]
    if check.takes_time:
        given["as_of"] = as_of
    with no_cyclic_collection():  # in a large cluster it would look at every object for each check
        try:
            read = (narrowed(check.narrow, name, tables[name]) for name in check.tables)
            judged = JUDGEMENTS.check(check.function(*read, **given))
        except Exception as error:  # noqa: BLE001 - a check that breaks must not take the others with it
            return [_broken(check, error)]
        return settle(check, judged, coverage)


def settle(check: Check, judged: pd.DataFrame, coverage: Coverage) -> list[Verdict]:
    """Hold a check's judgements against coverage and join the parts of each object."""
    gaps = _Gaps(check, coverage)
    by_object: dict[str, list[Verdict]] = {}
    for row in rows_of(judged):
        by_object.setdefault(str(row["object"]), []).append(_settled(check, row, gaps))
    verdicts = [_joined(check, parts) for parts in by_object.values()]
    verdicts += _unseen(check, gaps)
    return verdicts or [_nothing(check)]


def check_inputs(checks: Iterable[Check], coverage: Coverage, inputs: Inputs) -> pd.DataFrame:
    """Return table `check_inputs`: for every check, each kind and input it reads and what came back for it."""
    rows = []
    for check in checks:
        for table in check.tables:
            rows += [_input_row(check, table, name, inputs) for name in inputs_behind(table)]
            for kind in kinds_behind(table):
                answers = coverage.gaps(kind) or [coverage.answer(kind)]
                rows += [
                    {
                        "check": check.id,
                        "table": table,
                        "group": kind.group,
                        "kind": kind.kind,
                        "namespace": answer.namespace,
                        "status": answer.status,
                        "error": answer.error,
                    }
                    for answer in answers
                ]
    return CHECK_INPUTS.frame(rows)


_STATUS_OF_INPUT = {"given": ANSWERED, "unreadable": FAILED, "missing": NOT_ASKED}


def _input_row(check: Check, table: str, name: str, inputs: Inputs) -> dict[str, Any]:
    status = inputs.status(name)
    return {
        "check": check.id,
        "table": table,
        "group": "input",
        "kind": name,
        "status": _STATUS_OF_INPUT[status],
        "error": "" if status == "given" else inputs.problem(name) or INPUTS[name].command,
    }


class _Gaps:
    """What is missing behind a check's tables, asked per table and namespace."""

    def __init__(self, check: Check, coverage: Coverage) -> None:
        self._coverage = coverage
        self._tables = check.tables
        self._known: dict[tuple[tuple[str, ...], str], list[Answer]] = {}

    def behind(self, namespace: str, tables: tuple[str, ...] = ()) -> list[Answer]:
        """Return the incomplete answers behind tables (all of the check's by default)."""
        key = (tables or self._tables, namespace)
        if key not in self._known:
            kinds: set[Kind] = {kind for table in key[0] for kind in kinds_behind(table)}
            answers = [self._coverage.answer(kind, namespace if kind.namespaced else CLUSTER) for kind in sorted(kinds)]
            self._known[key] = [answer for answer in answers if not answer.complete]
        return self._known[key]

    def everywhere(self) -> dict[str, list[Answer]]:
        """Return all incomplete answers behind the check, by the namespace they were asked for."""
        kinds: set[Kind] = {kind for table in self._tables for kind in kinds_behind(table)}
        found: dict[str, list[Answer]] = {}
        for kind in sorted(kinds):
            for answer in self._coverage.gaps(kind):
                found.setdefault(answer.namespace, []).append(answer)
        return found


def _settled(check: Check, row: Mapping[str, Any], gaps: _Gaps) -> Verdict:
    verdict, tables = str(row["verdict"]), tuple(str(row["rests_on"]).split())
    namespace = check.place_of(str(row["object"]))
    missing: list[Answer] = []
    if verdict in (PASS, NOT_APPLICABLE):
        missing = gaps.behind(namespace)
    elif tables:
        missing = gaps.behind(namespace, tables)
    said = Verdict(
        check=check.id,
        object=str(row["object"]),
        verdict=verdict,
        reason=str(row["reason"]),
        reason_code=str(row["reason_code"]),
        path=str(row["path"]),
        observed=str(row["observed"]),
        expected=str(row["expected"]),
        severity=str(row["severity"]),
        evidence=tuple(str(row["evidence"]).split()),
        members=((str(row["member"]), verdict, str(row["reason"])),) if row["member"] else (),
    )
    return _doubted(said, missing) if missing else said


def _doubted(said: Verdict, missing: list[Answer]) -> Verdict:
    reason = f"cannot be judged without {_named(missing)}"
    members = tuple((name, NOT_ASSESSED, reason) for name, _, _ in said.members)
    return Verdict(
        check=said.check,
        object=said.object,
        verdict=NOT_ASSESSED,
        reason=reason,
        reason_code=_code(missing),
        reason_detail="; ".join(answer.line() for answer in missing),
        evidence=said.evidence,
        members=members,
    )


def _joined(check: Check, parts: list[Verdict]) -> Verdict:
    """Return one verdict for an object: that of its worst part, in the words of the gravest, with how many share it.

    What is less grave is told apart: it is another case of the control.
    """
    decisive = worst([part.verdict for part in parts])
    same = [part for part in parts if part.verdict == decisive]
    own = load_catalogue().control(check.id).severity
    first = min(same, key=lambda part: SEVERITIES.index(part.severity or own))
    alike = {part.reason for part in same if (part.severity or own) == (first.severity or own)}
    others = len({part.reason for part in same} - alike)
    words = [first.reason]
    words += [f"and {len(alike) - 1} more like it"] if len(alike) > 1 else []
    words += [f"and {others} more, less grave"] if others else []
    members = tuple(member for part in parts for member in part.members)
    evidence = tuple(dict.fromkeys(name for part in parts for name in part.evidence))
    return Verdict(**{**vars(first), "reason": "; ".join(words), "members": members, "evidence": evidence})


def _unseen(check: Check, gaps: _Gaps) -> list[Verdict]:
    return [
        Verdict(
            check=check.id,
            object=object_id(UNSEEN, namespace, UNSEEN),
            verdict=NOT_ASSESSED,
            reason=f"there may be more to judge{f' in namespace {namespace}' if namespace else ''}: "
            f"incomplete is {_named(answers)}",
            reason_code=_code(answers),
            reason_detail="; ".join(answer.line() for answer in answers),
        )
        for namespace, answers in sorted(gaps.everywhere().items())
    ]


def _nothing(check: Check) -> Verdict:
    read = [*sorted({kind.resource for kind in check.kinds}), *check.inputs]
    kinds = ", ".join(read) or "no kind of object"
    return Verdict(
        check=check.id,
        object=ABOUT_ALL,
        verdict=NOT_APPLICABLE,
        reason=f"nothing to examine: asked for and answered were {kinds}",
    )


def _unjudged(check: Check, reason: str, code: str, detail: str) -> Verdict:
    """Say of the whole cluster why it was not judged."""
    return Verdict(
        check=check.id,
        object=ABOUT_ALL,
        verdict=NOT_ASSESSED,
        reason=reason,
        reason_code=code,
        reason_detail=detail,
    )


def _without_scope(check: Check) -> Verdict:
    reason = "no ePHI scope is declared: what holds patient data is not known"
    return _unjudged(check, reason, "input_missing", "scope.yaml is missing; give it with --scope")


def _without_inputs(check: Check, lacking: list[str], inputs: Inputs) -> Verdict:
    """Say that an input was not given, or not read in full, and what would give it."""
    missing = [name for name in lacking if inputs.status(name) == "missing"]
    first = (missing or lacking)[0]
    others = f" (and {len(lacking) - 1} more)" if len(lacking) > 1 else ""
    if missing:
        reason = f"{INPUTS[first].what} is missing{others}; to give it: {INPUTS[first].command}"
    else:
        reason = f"{INPUTS[first].what} could not be read in full{others}: {inputs.problem(first)}"
    told = [f"{name}: {inputs.problem(name) or INPUTS[name].command}" for name in lacking]
    return _unjudged(check, reason, "input_missing" if missing else "parse_error", "; ".join(told))


def _without_facts(check: Check, untaken: list[str]) -> Verdict:
    """Say that the snapshot is older than what the check reads of values that were removed from it."""
    reason = f"the snapshot is older than how {', '.join(untaken)} is noted now: collect or import it again"
    return _unjudged(check, reason, "stale", " ".join(untaken))


def _without_moment(check: Check) -> Verdict:
    """Say that nothing can be old, overdue or at its end, or not be so, where nobody knows what time it is."""
    reason = "the moment to judge for is not known: nothing in the snapshot is dated"
    return _unjudged(check, reason, "input_missing", "give the moment with --as-of")


def _broken(check: Check, error: Exception) -> Verdict:
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    line = f" at {place.tb_frame.f_code.co_name}:{place.tb_lineno}" if place else ""
    # The message of the error may hold a value from the cluster; class and place do not.
    return Verdict(
        check=check.id,
        object=ABOUT_ALL,
        verdict=ERROR,
        reason=f"the check broke: {type(error).__name__}{line}",
    )


def _code(missing: list[Answer]) -> str:
    return min((REASON_OF_COVERAGE[answer.status] for answer in missing), key=REASONS.index)


def _named(missing: list[Answer]) -> str:
    """Name the first few missing inputs in words."""
    names = [f"{answer.resource or answer.kind} ({answer.status.replace('_', ' ')})" for answer in missing]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
