"""The facade: one object that answers every question about one snapshot."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
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
from hipaa_kit.assess.proposals import Proposals
from hipaa_kit.assess.proposed import CURRENT, PROFILES
from hipaa_kit.assess.run_tables import Tables
from hipaa_kit.catalogue import Catalogue, load_catalogue, load_scanner_checks
from hipaa_kit.catalogue.model import ScannerCheck
from hipaa_kit.errors import InputError
from hipaa_kit.graph.incident import Incident, incident_of
from hipaa_kit.graph.paths import Paths
from hipaa_kit.graph.permissions import RBAC_TABLES, TABLES_OF_HARM, Permissions, permissions
from hipaa_kit.graph.reachability import Reachability, reachability_of
from hipaa_kit.graph.reachability.reading import policies_alone_differ
from hipaa_kit.inventory.registry import BUILDERS, discover, kinds_behind
from hipaa_kit.safeguards.check import CHECKS, Check
from hipaa_kit.sources.inputs import INPUT_TABLES, Inputs, no_inputs, with_audit_log
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.scope import Scope
from hipaa_kit.sources.signed import Records, no_records
from hipaa_kit.sources.snapshot import Snapshot, canonical_json
from hipaa_kit.tables.lookup import TableSet


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
        before = self._under_other_policies
        names = (*RBAC_TABLES, *TABLES_OF_HARM)
        if before is not None and all(self.tables[name] is before.tables[name] for name in names):
            return before.permissions
        return permissions(self.tables, self.snapshot)

    @cached_property
    def paths(self) -> Paths:
        """How ePHI can be reached, over network, rights, identities, volumes and copies together."""
        before = self._under_other_policies
        return Paths(self.tables, self.permissions, self.reachability, before.paths if before else None)

    @property
    def _under_other_policies(self) -> Assessment | None:
        """The assessment from which this one was changed, where nothing differs but policies of the network."""
        before = self.tables.of_before() if isinstance(self.tables, Tables) else None
        return before if before is not None and policies_alone_differ(before.snapshot, self.snapshot) else None

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

    def set_by_site(self) -> dict[str, Any]:
        """Return the parameters whose value is another than their check declares, by name."""
        declared = _defaults()
        return {name: value for name, value in self.parameters.items() if value != declared[name]}

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
        defaults = _defaults()
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


def _defaults() -> dict[str, Any]:
    return {name: value for check in registered_checks().values() for name, value in check.parameters.items()}


def _digest_of(checks: Iterable[ScannerCheck]) -> str:
    return hashlib.sha256(repr(tuple(checks)).encode()).hexdigest()
