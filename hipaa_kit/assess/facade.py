"""The facade: one object that answers every question about one snapshot."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache as memoize
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

import hipaa_kit
import hipaa_kit.graph
import hipaa_kit.inventory
import hipaa_kit.safeguards
from hipaa_kit.assess import cache as cached
from hipaa_kit.assess.disagreement import disagreements
from hipaa_kit.assess.dispositions import with_dispositions
from hipaa_kit.assess.findings import Nearness, Results, list_checks, signed_evidence, tabulate
from hipaa_kit.assess.proposals import Proposals
from hipaa_kit.assess.proposed import proposed_controls
from hipaa_kit.assess.relevance import SYSTEM, far_namespaces
from hipaa_kit.assess.remedies import remedies
from hipaa_kit.assess.rollup import answered_wholly, roll_up_citations, roll_up_owners, roll_up_topics
from hipaa_kit.assess.runner import Verdict, check_inputs, run_check
from hipaa_kit.assess.standing import Desk, Standing, judge_records, states_of
from hipaa_kit.catalogue import Catalogue, load_catalogue, load_scanner_checks
from hipaa_kit.catalogue.model import ScannerCheck
from hipaa_kit.errors import InputError
from hipaa_kit.graph.incident import Incident, incident_of
from hipaa_kit.graph.paths import Paths
from hipaa_kit.graph.permissions import RBAC_TABLES, TABLES_OF_HARM, Permissions, permissions
from hipaa_kit.graph.reachability import Reachability, reachability_of
from hipaa_kit.graph.reachability.reading import policies_alone_differ
from hipaa_kit.inventory.registry import BUILDERS, Inventory, discover, kinds_behind
from hipaa_kit.inventory.reports import workloads_by_object
from hipaa_kit.safeguards.check import CHECKS, Check
from hipaa_kit.sources.inputs import INPUT_TABLES, Inputs, no_inputs, with_audit_log
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.scope import Scope
from hipaa_kit.sources.signed import Records, no_records
from hipaa_kit.sources.snapshot import Snapshot, canonical_json
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.lookup import TableSet
from hipaa_kit.tables.reports import SCANNER_FINDINGS
from hipaa_kit.tables.results import PROPOSED_CONTROLS, UNREADABLE
from hipaa_kit.tables.signed import SIGNED_TABLES

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


CURRENT = "current"
PREVIEW = "nprm-preview"
PROFILES = (CURRENT, PREVIEW)
"""The rule in force, and a preview of the one proposed in 2025, which is shown beside it and never in its place."""


@memoize
def registered_checks() -> dict[str, Check]:
    """Return all checks by id, after everything that declares a table or check was imported."""
    for package in (hipaa_kit.inventory, hipaa_kit.graph, hipaa_kit.safeguards):
        discover(package)
    return dict(sorted(CHECKS.items()))


class Assessment(Proposals):
    """What one snapshot shows of every safeguard.

    Parameters
    ----------
    snapshot
        What was read of the cluster.
    scope
        The declared ePHI scope; None where there is none.
    as_of
        Moment to judge for, RFC 3339; the snapshot's own by default.
    parameters
        Values that a site sets, by parameter name; they overrule the thresholds of the scope.
    topics
        Run only the checks of these topics; all by default.
    inputs
        What was given beside the cluster; nothing by default.
    records
        What people signed; nothing by default.
    preset
        Findings of system namespaces that are proved to be far from ePHI are marked as hidden.
    profile
        `current`, the rule in force; `nprm-preview` adds table `proposed_controls`, the rule proposed in 2025.
    cache
        Folder in which results are kept under the digest of all inputs; none by default.

    Attributes
    ----------
    tables
        Every declared table, as an attribute or by name.
    pseudonymizer
        What made the pseudonyms of the snapshot, where it was not the installation's: for objects of a what-if.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        scope: Scope | None = None,
        *,
        as_of: str = "",
        parameters: Mapping[str, Any] | None = None,
        topics: Iterable[str] = (),
        inputs: Inputs | None = None,
        records: Records | None = None,
        preset: bool = True,
        profile: str = CURRENT,
        cache: str | Path | None = None,
    ) -> None:
        self.snapshot = snapshot
        self.scope = scope
        self.given = inputs or no_inputs()
        if snapshot.audit_log is not None:
            self.given = with_audit_log(self.given, snapshot.audit_log)
        self.records = records or no_records()
        self.preset = preset
        if profile not in PROFILES:
            raise InputError(f"there is no profile {profile!r}", "", f"profiles are {', '.join(PROFILES)}")
        self.profile = profile
        self.pseudonymizer: Pseudonymizer | None = None
        self.as_of = as_of or snapshot.collected_at
        self.catalogue: Catalogue = load_catalogue()
        self.topics_asked = tuple(sorted(set(topics)))
        self.checks = self._checks()
        self._settings = dict(parameters or {})
        self.parameters = self._parameters(self._settings)
        self.tables: TableSet = Tables(self)
        if cache is not None:
            self.tables = self._through(Path(cache) / self.key)

    @property
    def coverage(self) -> pd.DataFrame:
        """Table `coverage`: what was asked of the cluster and what came back."""
        return self.tables["coverage"]

    @property
    def inputs(self) -> pd.DataFrame:
        """Table `inputs`: what was given beside the cluster, what was not, and the command that would give it."""
        return self.tables["inputs"]

    @cached_property
    def reachability(self) -> Reachability:
        """Who may open a connection to whom, by which rule, and what is not known."""
        return reachability_of(self.snapshot)

    @cached_property
    def permissions(self) -> Permissions:
        """Who can do what, by which role binding: what RBAC says in this snapshot."""
        before = self.tables.of_before() if isinstance(self.tables, Tables) else None
        names = (*RBAC_TABLES, *TABLES_OF_HARM)
        if (
            before is not None
            and policies_alone_differ(before.snapshot, self.snapshot)
            and all(self.tables[name] is before.tables[name] for name in names)
        ):
            return before.permissions
        return permissions(self.tables, self.snapshot)

    @cached_property
    def paths(self) -> Paths:
        """How ePHI can be reached, over network, rights, identities, volumes and copies together."""
        return Paths(self.tables, self.permissions, self.reachability)

    def changed(self, snapshot: Snapshot, scope: Scope | None = None) -> Assessment:
        """Return this assessment of a snapshot that was made of its own, under its own scope or another.

        Notes
        -----
        Tables and verdicts that no change reaches are not made again.
        """
        found = Assessment(
            snapshot,
            scope or self.scope,
            as_of=self.as_of,
            parameters=self._settings,
            topics=self.topics_asked,
            inputs=self.given,
            records=self.records,
            preset=self.preset,
            profile=self.profile,
        )
        found.pseudonymizer = self.pseudonymizer
        if isinstance(self.tables, Tables):
            found.tables = Tables(found, self.tables)
        return found

    def findings(self, topic: str = "") -> pd.DataFrame:
        """Return table `findings`, of one topic or of all: one row per check and object examined."""
        findings = self.tables["findings"]
        return findings[findings["topic"] == topic].reset_index(drop=True) if topic else findings

    def incident(self, who: str, since: str, until: str = "") -> Incident:
        """Return what somebody or some pod that was taken over could reach, what it did, and what would not show.

        Parameters
        ----------
        who
            `Pod/namespace/name`, a workload, `ServiceAccount/namespace/name`, `Node//name`, `User//name`, or a user
            name.
        since, until
            Time in question, RFC 3339; by default until the moment that is judged for.
        """
        log = self.snapshot.audit_log
        end = until or self.as_of
        return incident_of(who, since, end, self.tables, log, self.permissions, self.reachability)

    def coverage_of(self, table: str) -> pd.DataFrame:
        """Return the rows of `coverage` behind a table of the inventory: what its absences are worth.

        Parameters
        ----------
        table
            Name of the table; the kinds behind it come through the tables it is made from.
        """
        if table not in BUILDERS and table not in INPUT_TABLES:
            raise InputError(
                f"there is no table {table!r} of the inventory", "", f"tables are {', '.join(sorted(BUILDERS))}"
            )
        behind = {(kind.group, kind.kind) for kind in kinds_behind(table)}
        pairs = zip(self.coverage["group"], self.coverage["kind"], strict=True)
        read = pd.Series([pair in behind for pair in pairs], index=self.coverage.index, dtype=bool)
        return self.coverage[read].reset_index(drop=True)

    @cached_property
    def key(self) -> str:
        """Digest of everything the results depend on."""
        return hashlib.sha256(canonical_json(self.digests())).hexdigest()

    def digests(self) -> dict[str, Any]:
        """Return what the results depend on, by digest: the facts that stand in every report."""
        return {
            "as_of": self.as_of,
            "catalogue": self.catalogue.digest,
            "checks": [check.id for check in self.checks],
            "inputs": self.given.digest,
            "scanner_checks": _digest_of(load_scanner_checks()),
            "kit_version": hipaa_kit.__version__,
            "preset": self.preset,
            "profile": self.profile,
            "parameters": dict(sorted(self.parameters.items())),
            "records": self.records.digest,
            "scope": self.scope.digest if self.scope else "",
            "snapshot": self.snapshot.digest,
        }

    def judged_anything(self) -> bool:
        """Tell whether a single finding about ePHI is more than "not assessed".

        Without a scope nothing is known to be ePHI, so that whatever else was found the answer is no.
        """
        if self.scope is None or self.tables["ephi_objects"].empty:
            return False
        return bool(self.findings()["verdict"].isin(["pass", "fail", "review"]).any())

    def _checks(self) -> tuple[Check, ...]:
        known = self.catalogue.topics()
        if strange := [topic for topic in self.topics_asked if topic not in known]:
            raise InputError(f"there is no topic {strange[0]!r}", "", f"topics are {', '.join(known)}")
        every = registered_checks().values()
        wanted = [c for c in every if not self.topics_asked or self.catalogue.control(c.id).topic in self.topics_asked]
        return tuple(wanted)

    def checks_behind(self) -> tuple[Check, ...]:
        """Return the checks of objects whose findings are known: all of them where a check judges findings."""
        every = registered_checks().values() if any(check.needs_all_findings for check in self.checks) else self.checks
        return tuple(check for check in every if not check.judges_findings)

    def _parameters(self, given: Mapping[str, Any]) -> dict[str, Any]:
        defaults = {name: value for check in registered_checks().values() for name, value in check.parameters.items()}
        thresholds = dict(self.scope.thresholds) if self.scope else {}
        merged = {**thresholds, **given}
        if strange := sorted(set(given) - set(defaults)):
            known = ", ".join(sorted(defaults))
            raise InputError(f"no check has a parameter {strange[0]!r}", "", f"parameters are {known}")
        for name, value in merged.items():
            if name in defaults and type(value) is not type(defaults[name]):
                wanted = type(defaults[name]).__name__
                raise InputError(f"parameter {name!r} is {type(value).__name__}", "", f"give {wanted}")
        used = {name for check in [*self.checks, *self.checks_behind()] for name in check.parameters}
        return {name: merged.get(name, defaults[name]) for name in sorted(used)}

    def _through(self, folder: Path) -> cached.StoredTables:
        if folder.is_dir():
            return cached.StoredTables(folder)
        return cached.store(self.tables, folder)


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
        """What the checks of objects say."""
        return self._told([v for check in self._of.checks_behind() for v in self.verdicts(check)])

    def verdicts(self, check: Check) -> list[Verdict]:
        """Return what a check of objects says; what it said before where it reads nothing else."""
        if check.id not in self._said:
            before = self._before
            same = before is not None and self._reads_the_same(check, before)
            self._said[check.id] = before.verdicts(check) if before and same else self._run(check, self._inventory)
        return self._said[check.id]

    def _reads_the_same(self, check: Check, before: Tables) -> bool:
        """Tell whether a check reads the tables and parameters that it read before."""
        of, was = self._of, before._of
        terms = [(each.parameters.get(name), name) for each in (of, was) for name in check.parameters]
        half = len(terms) // 2
        if terms[:half] != terms[half:] or (of.scope is None) != (was.scope is None):
            return False
        return all(self._inventory[name] is before._inventory[name] for name in check.tables)

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
        far = far_namespaces(self._inventory, of.snapshot.coverage)
        system = (*SYSTEM, *of.scope.system) if of.preset else ()
        return Nearness(frozenset(self["ephi_objects"]["object"]), True, far, system)

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


def _digest_of(checks: Iterable[ScannerCheck]) -> str:
    return hashlib.sha256(repr(tuple(checks)).encode()).hexdigest()
