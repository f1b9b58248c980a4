"""Every table of an assessment: those of its inventory, and what the run adds, each made when it is first asked for."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from hipaa_kit.assess.disagreement import disagreements
from hipaa_kit.assess.dispositions import with_dispositions
from hipaa_kit.assess.findings import Results, list_checks, moved, otherwise, signed_evidence, tabulate
from hipaa_kit.assess.proposed import PREVIEW, proposed_controls
from hipaa_kit.assess.relevance import SYSTEM, Nearness, far_namespaces
from hipaa_kit.assess.remedies import remedies
from hipaa_kit.assess.rollup import answered_wholly, roll_up_citations, roll_up_owners, roll_up_topics
from hipaa_kit.assess.runner import ABOUT_ALL, Verdict, check_inputs, run_check
from hipaa_kit.assess.standing import Desk, Standing, judge_records, states_of
from hipaa_kit.catalogue import load_scanner_checks
from hipaa_kit.inventory.registry import Inventory
from hipaa_kit.inventory.reports import workloads_by_object
from hipaa_kit.safeguards.check import Check
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.lookup import TableSet
from hipaa_kit.tables.reports import SCANNER_FINDINGS
from hipaa_kit.tables.results import PROPOSED_CONTROLS, UNREADABLE
from hipaa_kit.tables.signed import SIGNED_TABLES
from hipaa_kit.vocabulary import ERROR

if TYPE_CHECKING:
    from hipaa_kit.assess.facade import Assessment

RESULTS = (
    "check_inputs",
    "checks",
    "citations",
    "conflicts",
    "disagreements",
    "finding_citations",
    "finding_evidence",
    "finding_members",
    "findings",
    "input_conflicts",
    "input_files",
    "inputs",
    "owner_summary",
    "proposed_controls",
    "provenance",
    "record_problems",
    "record_states",
    "remedies",
    "set_aside",
    "topic_summary",
    "unreadable",
    *SIGNED_TABLES,
)
"""Tables that a run adds to those of the inventory."""


class Tables(TableSet):
    """Tables of the inventory and of the results, each made when it is first asked for."""

    def __init__(self, assessment: Assessment, before: Tables | None = None) -> None:
        self._of, self._before = assessment, before
        snapshot, scope = assessment.snapshot, assessment.scope
        self._inventory: Inventory = (
            before._inventory.after(snapshot, scope) if before else Inventory(snapshot, scope, assessment.given)
        )
        self._made: dict[str, pd.DataFrame] = {}
        self._said: dict[str, list[Verdict]] = {}

    def of_before(self) -> Assessment | None:
        """Return the assessment from which this one was changed, if there is one."""
        return self._before._of if self._before else None

    def names(self) -> list[str]:
        """Return the names of all tables."""
        return sorted([*self._inventory.names(), *RESULTS])

    def __contains__(self, name: object) -> bool:
        return name in self._inventory or name in RESULTS

    def table(self, name: str) -> pd.DataFrame:
        """Return a table, made now if it was not asked for before."""
        if name in SIGNED_TABLES:
            return self._of.records.tables[name]
        if name not in RESULTS:
            return self._inventory[name]
        if name not in self._made:
            self._made[name] = getattr(self, f"_{name}")()
        return self._made[name]

    @cached_property
    def _results(self) -> Results:
        """Return all findings, with the dispositions of records that stand beside them."""
        return self._with(self._told_by_all, self._standings_of_all)

    @cached_property
    def _told_by_all(self) -> Results:
        """What all checks say, before anyone has looked at records."""
        of = self._of
        last = [verdict for check in of.checks if check.judges_findings for verdict in self._run(check, self._known)]
        chosen = {check.id for check in of.checks}
        return self._of_objects.joined(self._told(last)).of(chosen) if last else self._of_objects

    @cached_property
    def _standings_of_all(self) -> list[Standing]:
        return self._judged(self._told_by_all)

    @cached_property
    def _of_objects(self) -> Results:
        """What the checks of objects say; rows that stood there before where nothing of them differs."""
        said = [verdict for check in self._of.checks_behind() for verdict in self.verdicts(check)]
        before = self._before
        if before is None or "_of_objects" not in vars(before) or not self._tells_alike(before):
            return self._told(said)
        was = [verdict for check in before._of.checks_behind() for verdict in before.verdicts(check)]
        changed = otherwise(was, said, moved(before._of.snapshot, self._of.snapshot))
        again = [verdict for verdict in said if (verdict.check, verdict.object) in changed]
        return before._of_objects.with_parts(self._told(again), changed)

    def _tells_alike(self, before: Tables) -> bool:
        """Tell whether what is said of a verdict, beside its evidence, rests on the same as before."""
        of, was = self._of, before._of
        same = of.snapshot.identity == was.snapshot.identity and of.records is was.records
        return same and of.catalogue is was.catalogue and self._near.is_that_of(before._near)

    def verdicts(self, check: Check) -> list[Verdict]:
        """Return what a check of objects says; what it said before where it reads nothing else."""
        if check.id not in self._said:
            self._said[check.id] = self._said_again(check) or self._run(check, self._inventory)
        return self._said[check.id]

    def _said_again(self, check: Check) -> list[Verdict] | None:
        """Return what a check said before, with what it says now of objects of which it reads something else."""
        before = self._before
        if before is None or not self._same_terms(check, before._of):
            return None
        if self._inventory.reads_alike(check.tables, check.narrow):
            return before.verdicts(check)
        parts, was = check.parts, before._said.get(check.id)
        if parts is None or was is None or any(each.object == ABOUT_ALL for each in was):
            return None
        if not self._inventory.reads_alike((each for each in check.tables if each not in parts.of), check.narrow):
            return None
        changed = parts.changed(self._inventory.differs)
        # Every table that it reads: one that was not made yet would be made of these rows alone.
        bearing = {name: parts.bearing(name, self._inventory[name], changed) for name in check.tables}
        now = self._run(check, self._inventory.beside(bearing))
        if any(each.verdict == ERROR for each in now):
            return None
        return [each for each in was if each.object not in changed] + [each for each in now if each.object in changed]

    def _same_terms(self, check: Check, was: Assessment) -> bool:
        """Tell whether a check judges by the parameters that it judged by before, with or without a scope as before."""
        of = self._of
        same = all(of.parameters.get(name) == was.parameters.get(name) for name in check.parameters)
        return same and (of.scope is None) == (was.scope is None)

    @cached_property
    def _known(self) -> Inventory:
        """The inventory with the findings of objects and the records beside it."""
        standings = self._judged(self._of_objects)
        states, problems = states_of(standings)
        held = self._with(self._of_objects, standings)
        made = {"findings": held.findings, "finding_citations": held.finding_citations}
        made |= {"record_states": states, "record_problems": problems, **self._of.records.tables}
        return self._inventory.beside(made)

    def _judged(self, told: Results) -> list[Standing]:
        of = self._of
        if not of.records.given:
            return []
        desk = Desk(told.findings, told.finding_citations, of.snapshot)
        ran = frozenset(check.id for check in of.checks_behind())
        return judge_records(of.records, desk, of.snapshot, of.catalogue, of.as_of, ran)

    def _with(self, told: Results, standings: list[Standing]) -> Results:
        findings, links = with_dispositions(told.findings, told.finding_citations, standings)
        return replace(told, findings=findings, finding_citations=links)

    def _run(self, check: Check, tables: Inventory) -> list[Verdict]:
        of = self._of
        scoped = of.scope is not None
        coverage = of.snapshot.coverage
        return run_check(check, tables, coverage, parameters=of.parameters, as_of=of.as_of, scoped=scoped)

    def _told(self, verdicts: list[Verdict]) -> Results:
        of = self._of
        checks = {check.id: check for check in [*of.checks, *of.checks_behind()]}
        read = {name: tuple(sorted({kind.kind for kind in check.kinds})) for name, check in checks.items()}
        signed = signed_evidence(of.records)
        return tabulate(verdicts, of.snapshot, of.catalogue, near=self._near, kinds_read=read, signed=signed)

    @cached_property
    def _near(self) -> Nearness:
        of = self._of
        if of.scope is None:
            return Nearness(frozenset(), scoped=False)
        system = (*SYSTEM, *of.scope.system) if of.preset else ()
        return Nearness(frozenset(self["ephi_objects"]["object"]), True, self._far_namespaces, system)

    def _far_namespaces(self) -> frozenset[str]:
        return far_namespaces(self._inventory, self._of.snapshot.coverage)

    def _record_states(self) -> pd.DataFrame:
        return states_of(self._standings_of_all)[0]

    def _record_problems(self) -> pd.DataFrame:
        return states_of(self._standings_of_all)[1]

    def _findings(self) -> pd.DataFrame:
        return self._results.findings

    def _finding_members(self) -> pd.DataFrame:
        return self._results.finding_members

    def _finding_evidence(self) -> pd.DataFrame:
        return self._results.finding_evidence

    def _finding_citations(self) -> pd.DataFrame:
        return self._results.finding_citations

    def _check_inputs(self) -> pd.DataFrame:
        return check_inputs(self._of.checks, self._of.snapshot.coverage, self._of.given)

    def _unanswered(self) -> int:
        """Return how many workloads look like ePHI and are named in the scope neither as in nor as out of it."""
        candidates = self["ephi_candidates"]
        return int(candidates[candidates["excluded"] == ""]["object"].nunique())

    def _citations(self) -> pd.DataFrame:
        candidates = self._unanswered()
        findings, links = self["findings"], self["finding_citations"]
        return roll_up_citations(findings, links, self._of.catalogue, self._of.checks, candidates)

    def _topic_summary(self) -> pd.DataFrame:
        candidates = self._unanswered()
        findings, links = self["findings"], self["finding_citations"]
        return roll_up_topics(findings, links, self._of.catalogue, self._of.checks, candidates)

    def _proposed_controls(self) -> pd.DataFrame:
        asked = self._of.profile == PREVIEW
        if not asked:
            return PROPOSED_CONTROLS.frame()
        candidates = self._unanswered()
        return proposed_controls(self["findings"], self._of.catalogue, candidates)

    def _owner_summary(self) -> pd.DataFrame:
        of = self._of
        findings = answered_wholly(self["findings"], self["finding_citations"])
        return roll_up_owners(findings, self["ephi_objects"], self["finding_register"], of.as_of)

    def _conflicts(self) -> pd.DataFrame:
        return self._of.snapshot.conflicts

    def _unreadable(self) -> pd.DataFrame:
        """Return what could not be read of the snapshot and of the inputs beside it."""
        inputs = self._of.given.unreadable
        told = inputs.assign(source=("inputs/" + inputs["source"]).astype("str"))
        return UNREADABLE.conform(pd.concat([self._of.snapshot.unreadable, told], ignore_index=True))

    def _inputs(self) -> pd.DataFrame:
        return self._of.given.given

    def _input_files(self) -> pd.DataFrame:
        return self._of.given.files

    def _input_conflicts(self) -> pd.DataFrame:
        return self._of.given.conflicts

    def _disagreements(self) -> pd.DataFrame:
        kept = rows_of(self["scanner_findings"])
        given = rows_of(self["scanner_reports"])
        said = SCANNER_FINDINGS.frame([*kept, *given])
        workloads = workloads_by_object(self._of.snapshot) if len(said) else {}
        return disagreements(self["findings"], said, load_scanner_checks(), workloads)

    def _remedies(self) -> pd.DataFrame:
        return remedies(self._of, self._inventory)

    def _set_aside(self) -> pd.DataFrame:
        return self._of.snapshot.set_aside

    def _provenance(self) -> pd.DataFrame:
        return self._of.snapshot.provenance()

    def _checks(self) -> pd.DataFrame:
        return list_checks(self._of.checks, self._of.catalogue)
