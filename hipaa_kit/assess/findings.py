"""From verdicts to the tables that people read: findings, their parts, evidence and citations."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from hipaa_kit.assess.runner import Verdict
from hipaa_kit.catalogue import Catalogue
from hipaa_kit.kube.owners import object_id, parse_object_id
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.results import FINDING_CITATIONS, FINDING_EVIDENCE, FINDING_MEMBERS, FINDINGS
from hipaa_kit.vocabulary import CLUSTER, FAIL, NOT_APPLICABLE, PASS, SEVERITIES


@dataclass(frozen=True)
class Results:
    """The result tables of one run."""

    findings: pd.DataFrame
    finding_members: pd.DataFrame
    finding_evidence: pd.DataFrame
    finding_citations: pd.DataFrame


def tabulate(
    verdicts: Iterable[Verdict],
    snapshot: Snapshot,
    catalogue: Catalogue,
    *,
    ephi: frozenset[str],
    scoped: bool,
    kinds_read: Mapping[str, tuple[str, ...]],
) -> Results:
    """Return the result tables of a run.

    Parameters
    ----------
    verdicts
        What the checks said.
    snapshot, catalogue
        Where evidence and law come from.
    ephi
        Objects in the declared ePHI scope.
    scoped
        A scope is declared; without one nothing is known to be far from ePHI.
    kinds_read
        Kinds of object behind each check, for verdicts whose evidence is the coverage itself.
    """
    held = list(verdicts)
    return Results(
        FINDINGS.frame(_finding(v, snapshot, catalogue, ephi, scoped) for v in held),
        FINDING_MEMBERS.frame(row for v in held for row in _members(v)),
        FINDING_EVIDENCE.frame(row for v in held for row in _evidence(v, snapshot, kinds_read[v.check])),
        FINDING_CITATIONS.frame(row for v in held for row in _citations(v, catalogue)),
    )


def severity_after(base: str, relevance: str) -> str:
    """Return a severity weighed by how near its object is to ePHI (result model, section 4)."""
    if relevance == "in_scope":
        return base
    if relevance == "none":
        return "info"
    return SEVERITIES[min(SEVERITIES.index(base) + 1, len(SEVERITIES) - 1)]


def relevance_of(verdict: Verdict, ephi: frozenset[str], scoped: bool) -> str:
    """Return how near an object is to ePHI.

    Nothing is called far from ePHI while reachability and permissions are unknown: an object
    outside the scope is `adjacent`, so that its findings are never hidden (result model, section 4).
    """
    kind, _, _ = parse_object_id(verdict.object)
    about_the_whole = kind in ("*", "Cluster", "ScopeEntry", "Scope")
    return "in_scope" if not scoped or about_the_whole or verdict.object in ephi else "adjacent"


def _finding(
    verdict: Verdict, snapshot: Snapshot, catalogue: Catalogue, ephi: frozenset[str], scoped: bool
) -> dict[str, object]:
    control = catalogue.control(verdict.check)
    kind, namespace, name = parse_object_id(verdict.object)
    relevance = relevance_of(verdict, ephi, scoped)
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


def _evidence(verdict: Verdict, snapshot: Snapshot, kinds: tuple[str, ...]) -> Iterable[dict[str, str]]:
    """Yield what a verdict rests on: objects by digest, and the coverage where it rests on absence."""
    about = {"check": verdict.check, "object": verdict.object}
    seen = False
    for name in dict.fromkeys((verdict.object, *verdict.evidence)):
        if record := snapshot.find(name):
            seen = True
            source = f"{record.source}{record.position}"
            yield {**about, "evidence": name, "sha256": record.sha256, "source": source}
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
