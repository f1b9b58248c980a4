"""From verdicts to the tables that people read: findings, their parts, evidence and citations."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from hipaa_kit.assess.relevance import Nearness, hidden_by, relevance_of, severity_after
from hipaa_kit.assess.runner import Verdict
from hipaa_kit.catalogue import Catalogue
from hipaa_kit.inventory.parts import BETWEEN, Parts, merged, replaced
from hipaa_kit.kube.owners import object_id, parse_object_id
from hipaa_kit.safeguards.check import Check, describe
from hipaa_kit.sources.signed import Records
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.results import CHECKS as CHECKS_TABLE
from hipaa_kit.tables.results import FINDING_CITATIONS, FINDING_EVIDENCE, FINDING_MEMBERS, FINDINGS
from hipaa_kit.vocabulary import CLUSTER, FAIL, NOT_APPLICABLE, PASS


@dataclass(frozen=True)
class Results:
    """The result tables of one run."""

    findings: pd.DataFrame
    finding_members: pd.DataFrame
    finding_evidence: pd.DataFrame
    finding_citations: pd.DataFrame

    def joined(self, other: Results) -> Results:
        """Return these results and those of a few other checks."""
        return Results(*(merged(*each) for each in zip(_TABLES, self, other, strict=True)))

    def of(self, checks: set[str]) -> Results:
        """Return the results of some checks alone."""
        return Results(*(frame[frame["check"].isin(checks)].reset_index(drop=True) for frame in self))

    def with_parts(self, again: Results, changed: frozenset[tuple[str, str]]) -> Results:
        """Return these results with those of some checks and objects as they were made again."""
        names = frozenset(map(BETWEEN.join, changed))
        held = zip(_TABLES, self, again, strict=True)
        return Results(*(replaced(table, OF_FINDINGS, was, made, names)[0] for table, was, made in held))

    def __iter__(self) -> Iterator[pd.DataFrame]:
        return iter((self.findings, self.finding_members, self.finding_evidence, self.finding_citations))


_TABLES = (FINDINGS, FINDING_MEMBERS, FINDING_EVIDENCE, FINDING_CITATIONS)
OF_FINDINGS = Parts(("check", "object"), {})
"""What is told of one verdict."""


def otherwise(was: Iterable[Verdict], now: Iterable[Verdict], moved: frozenset[str]) -> frozenset[tuple[str, str]]:
    """Return check and object of every verdict that is there no more, is another, or rests on an object that is.

    Parameters
    ----------
    moved
        Objects that are another than before.
    """
    before = {(each.check, each.object): each for each in was}
    after = {(each.check, each.object): each for each in now}
    return frozenset(
        key
        for key in before.keys() | after.keys()
        if before.get(key) != (said := after.get(key))
        or (said is not None and not moved.isdisjoint((said.object, *said.evidence)))
    )


def moved(was: Snapshot, now: Snapshot) -> frozenset[str]:
    """Return the objects that two snapshots do not have alike, by name."""
    found: set[str] = set()
    for key in was.changed(now):
        parts = [each.parts[key].origins if key in each.parts else {} for each in (was, now)]
        found |= {name for name in parts[0].keys() | parts[1].keys() if parts[0].get(name) != parts[1].get(name)}
    return frozenset(found)


def tabulate(
    verdicts: Iterable[Verdict],
    snapshot: Snapshot,
    catalogue: Catalogue,
    *,
    near: Nearness,
    kinds_read: Mapping[str, tuple[str, ...]],
    signed: Mapping[str, tuple[str, str]] | None = None,
) -> Results:
    """Return the result tables of a run.

    Parameters
    ----------
    verdicts
        What the checks said.
    snapshot, catalogue
        Where evidence and law come from.
    near
        What is known of how near objects are to ePHI.
    kinds_read
        Kinds of object behind each check, for verdicts whose evidence is the coverage itself.
    signed
        From `signed_evidence`, for verdicts whose evidence is a record.
    """
    held = list(verdicts)
    return Results(
        FINDINGS.frame(_finding(v, snapshot, catalogue, near) for v in held),
        FINDING_MEMBERS.frame(row for v in held for row in _members(v)),
        FINDING_EVIDENCE.frame(row for v in held for row in _evidence(v, snapshot, kinds_read[v.check], signed or {})),
        FINDING_CITATIONS.frame(row for v in held for row in _citations(v, catalogue)),
    )


def signed_evidence(records: Records) -> dict[str, tuple[str, str]]:
    """Return for each signed record the digest of its file and the place in it."""
    files: dict[str, str] = dict(records.tables["record_files"][["path", "sha256"]].itertuples(index=False))
    held = records.tables["signed_records"][["record", "source", "line"]]
    return {
        record: (files[source], f"records/{source}:{line}") for record, source, line in held.itertuples(index=False)
    }


def _finding(verdict: Verdict, snapshot: Snapshot, catalogue: Catalogue, near: Nearness) -> dict[str, object]:
    control = catalogue.control(verdict.check)
    kind, namespace, name = parse_object_id(verdict.object)
    relevance = relevance_of(verdict, near)
    base = verdict.severity or control.severity
    record = snapshot.find(verdict.object)
    return {
        "finding_id": _digest(verdict.check, snapshot.identity.id, verdict.object),
        "fingerprint": _digest(verdict.check, verdict.object),
        "check": verdict.check,
        "topic": control.topic,
        "object": verdict.object,
        "kind": kind,
        "namespace": namespace,
        "name": name,
        "members": len(verdict.members),
        "members_failing": sum(said == FAIL for _, said, _ in verdict.members),
        "verdict": verdict.verdict,
        "reason_code": verdict.reason_code,
        "reason": verdict.reason,
        "reason_detail": verdict.reason_detail,
        "severity": severity_after(base, relevance),
        "base_severity": base,
        "ephi_relevance": relevance,
        "path": verdict.path,
        "observed": verdict.observed,
        "expected": verdict.expected,
        "evidence_sha256": record.sha256 if record else "",
        "evidence_source": f"{record.source}{record.position}" if record else "",
        "hidden_by": hidden_by(relevance, namespace, near.system),
    }


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


def _members(verdict: Verdict) -> Iterable[dict[str, str]]:
    for member, said, reason in verdict.members:
        yield {
            "check": verdict.check,
            "object": verdict.object,
            "member": member,
            "verdict": said,
            "reason": reason,
        }


def _evidence(
    verdict: Verdict, snapshot: Snapshot, kinds: tuple[str, ...], signed: Mapping[str, tuple[str, str]]
) -> Iterable[dict[str, str]]:
    """Yield what a verdict rests on: objects by digest, and the coverage where it rests on absence."""
    about = {"check": verdict.check, "object": verdict.object}
    seen = False
    for name in dict.fromkeys((verdict.object, *verdict.evidence)):
        if record := snapshot.find(name):
            seen = True
            source = f"{record.source}{record.position}"
            yield {**about, "evidence": name, "sha256": record.sha256, "source": source}
        elif name in signed:
            seen = True
            yield {**about, "evidence": name, "sha256": signed[name][0], "source": signed[name][1]}
    if not seen and verdict.verdict in (PASS, FAIL, NOT_APPLICABLE):
        # A check that reads coverage itself rests on the whole of it.
        for kind in kinds or ("*",):
            yield {**about, "evidence": object_id("Coverage", CLUSTER, kind)}


def _citations(verdict: Verdict, catalogue: Catalogue) -> Iterable[dict[str, str]]:
    for mapping in catalogue.control(verdict.check).mappings:
        yield {
            "check": verdict.check,
            "object": verdict.object,
            "citation": mapping.citation,
            "kind": catalogue.citation(mapping.citation).kind,
            "relation": mapping.relation,
        }


def list_checks(checks: Iterable[Check], catalogue: Catalogue) -> pd.DataFrame:
    """Return table `checks`: every check with its law and its inputs."""
    return CHECKS_TABLE.frame(
        {
            "check": check.id,
            "topic": catalogue.control(check.id).topic,
            "title": catalogue.control(check.id).title,
            "severity": catalogue.control(check.id).severity,
            "citations": "; ".join(mapping.citation for mapping in catalogue.control(check.id).mappings),
            "needs_scope": check.needs_scope,
            **describe(check),
        }
        for check in checks
    )
