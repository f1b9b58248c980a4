"""From findings to citations and topics (result model, section 6).

A status is never better than what was looked at: a control of the catalogue that was not carried
out, an input that was missing, a candidate for ePHI that nobody has answered for, each keeps a
citation from `supported`.
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from hipaa_kit.catalogue import Catalogue, Control
from hipaa_kit.safeguards.check import Check
from hipaa_kit.tables.results import CITATIONS, TOPIC_SUMMARY
from hipaa_kit.vocabulary import ERROR, FAIL, NOT_APPLICABLE, NOT_ASSESSED, PASS, REVIEW

COUNTED = {
    "passed": PASS,
    "failed": FAIL,
    "to_review": REVIEW,
    "not_assessed": NOT_ASSESSED,
    "errors": ERROR,
}


def roll_up_citations(
    findings: pd.DataFrame,
    finding_citations: pd.DataFrame,
    catalogue: Catalogue,
    checks: Iterable[Check],
    candidates: int,
) -> pd.DataFrame:
    """Return table `citations`: one row per citation, with its status and the reason for it.

    Parameters
    ----------
    findings, finding_citations
        Tables of those names.
    catalogue
        All citations, and the controls that serve them.
    checks
        Checks that this run carried out.
    candidates
        Workloads that look like ePHI and that nobody has answered for: they cap every citation
        whose checks depend on the scope.
    """
    run = {check.id: check for check in checks}
    said = finding_citations.merge(findings[["check", "object", "verdict"]], on=["check", "object"])
    rows = []
    for citation in catalogue.citations:
        controls = catalogue.controls_of(citation.citation)
        here = said[said["citation"] == citation.citation]
        capped = candidates if any(run[c.id].needs_scope for c in controls if c.id in run) else 0
        status, reason = _status(here, citation.citation, controls, set(run), capped)
        rows.append(
            {
                "citation": citation.citation,
                "title": citation.title,
                "kind": citation.kind,
                "status": status,
                "reason": reason,
                "checks": len(controls),
                "checks_run": sum(control.id in run for control in controls),
                **{name: int((here["verdict"] == verdict).sum()) for name, verdict in COUNTED.items()},
                "assessed": assessed_fraction(here["verdict"]),
            }
        )
    return CITATIONS.frame(rows)


def roll_up_topics(findings: pd.DataFrame, catalogue: Catalogue, checks: Iterable[Check]) -> pd.DataFrame:
    """Return table `topic_summary`: one row per topic of the catalogue."""
    run = {check.id for check in checks}
    rows = []
    for topic in catalogue.topics():
        controls = [control.id for control in catalogue.controls if control.topic == topic]
        here = findings.loc[findings["topic"] == topic, "verdict"]
        rows.append(
            {
                "topic": topic,
                "checks": len(controls),
                "checks_run": len(run.intersection(controls)),
                **{name: int((here == verdict).sum()) for name, verdict in COUNTED.items()},
                "not_applicable": int((here == NOT_APPLICABLE).sum()),
                "assessed": assessed_fraction(here),
            }
        )
    return TOPIC_SUMMARY.frame(rows)


def assessed_fraction(verdicts: pd.Series) -> float | None:
    """Return judged findings over applicable ones; None where there is nothing to assess.

    Judged are `pass` and `fail`; a `review` counts once a valid record answers it.
    """
    applicable = int((verdicts != NOT_APPLICABLE).sum())
    return round(int(verdicts.isin([PASS, FAIL]).sum()) / applicable, 4) if applicable else None


def _status(
    here: pd.DataFrame, citation: str, controls: list[Control], run: set[str], candidates: int
) -> tuple[str, str]:
    verdicts, direct = here["verdict"], here["relation"] == "direct"
    failed = int((verdicts == FAIL).sum())
    failed_directly = int(((verdicts == FAIL) & direct).sum())
    if failed_directly:
        return "gap", f"{failed_directly} findings fail that test it directly"
    if not verdicts.isin([PASS, FAIL]).any():
        return "not_assessed", _why_nothing(controls, run)
    served = {c.id for c in controls if any(m.citation == citation and m.relation == "direct" for m in c.mappings)}
    undone = sorted(served - run)
    still_open = int(verdicts.isin([REVIEW, NOT_ASSESSED, ERROR]).sum())
    for held, words in (
        (failed, f"{failed} supporting findings fail"),
        (not served, "only supporting checks serve it"),
        (undone, f"{len(undone)} of its {len(served)} direct controls were not carried out"),
        (still_open, f"{still_open} findings are open"),
        (candidates, f"{candidates} workloads look like ePHI and nobody has answered for them"),
        (not (direct & (verdicts == PASS)).any(), "no direct check has judged anything"),
    ):
        if held:
            return "partly_assessed", words
    return "supported", "every direct check was carried out and all its findings pass"


def _why_nothing(controls: list[Control], run: set[str]) -> str:
    if not controls:
        return "no control serves it: it is a rule about how to weigh, not a measure"
    done = sum(control.id in run for control in controls)
    if not done:
        return f"none of its {len(controls)} controls was carried out"
    return f"{done} of its {len(controls)} controls were carried out and none could judge"
