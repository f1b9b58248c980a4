"""From findings to citations, topics and owners (result model, section 6).

A status is never better than what was looked at: a control of the catalogue that was not carried
out, an input that was missing, a candidate for ePHI that nobody has answered for, each keeps a
citation from `supported`. Of what people record an equivalent measure alone lifts a gap (164.306(d)(3)), and
only that of the citation it was decided for; an accepted risk is shown and lifts nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from hipaa_kit.catalogue import Catalogue, Control
from hipaa_kit.counting import Count
from hipaa_kit.safeguards.check import Check
from hipaa_kit.tables.results import CITATIONS, OWNER_SUMMARY, TOPIC_SUMMARY
from hipaa_kit.vocabulary import (
    ERROR,
    FAIL,
    NOT_APPLICABLE,
    NOT_ASSESSED,
    PASS,
    REVIEW,
    SEVERITIES,
)

COUNTED = {
    "passed": PASS,
    "failed": FAIL,
    "to_review": REVIEW,
    "not_assessed": NOT_ASSESSED,
    "errors": ERROR,
}
RECORDED = ("alternative", "accepted_risk", "attested", "inherited")
"""Dispositions, in the order in which a citation's words name them."""

LIFTING = ("alternative", "attested", "inherited")
"""Dispositions that answer a finding for the citation they were given for; an accepted risk answers nothing."""

NOBODY = "nobody named"


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
        whose checks depend on the scope, or on findings of those that do.
    """
    run = {check.id: check for check in checks}
    said = finding_citations.merge(findings[["check", "object", "verdict"]], on=["check", "object"])
    by_citation = dict(list(said.groupby("citation")))
    rows = []
    for citation in catalogue.citations:
        controls = catalogue.controls_of(citation.citation)
        here = by_citation.get(citation.citation, said.iloc[:0])
        capped = candidates if any(_leans_on_scope(run[c.id]) for c in controls if c.id in run) else 0
        direct = [
            c.id
            for c in controls
            if any(m.citation == citation.citation and m.relation == "direct" for m in c.mappings)
        ]
        rows.append(
            {
                "citation": citation.citation,
                "title": citation.title,
                "kind": citation.kind,
                **_standing(here, controls, direct, run, capped),
                "checks": len(controls),
                "checks_run": sum(control.id in run for control in controls),
            }
        )
    return CITATIONS.frame(rows)


def roll_up_topics(
    findings: pd.DataFrame,
    finding_citations: pd.DataFrame,
    catalogue: Catalogue,
    checks: Iterable[Check],
    candidates: int,
) -> pd.DataFrame:
    """Return table `topic_summary`: one row per topic of the catalogue.

    Every control of a topic counts as a direct test of it. A decision lifts a finding here where it was made about
    every citation that the finding tests directly. Parameters are those of `roll_up_citations`.
    """
    run = {check.id: check for check in checks}
    findings = answered_wholly(findings, finding_citations)
    rows = []
    for topic in catalogue.topics():
        controls = [control for control in catalogue.controls if control.topic == topic]
        here = findings[findings["topic"] == topic].assign(relation="direct")
        capped = candidates if any(_leans_on_scope(run[c.id]) for c in controls if c.id in run) else 0
        rows.append(
            {
                "topic": topic,
                "article": catalogue.topic(topic).article,
                **_standing(here, controls, [control.id for control in controls], run, capped),
                "checks": len(controls),
                "checks_run": sum(control.id in run for control in controls),
                "not_applicable": int((here["verdict"] == NOT_APPLICABLE).sum()),
            }
        )
    return TOPIC_SUMMARY.frame(rows)


def _leans_on_scope(check: Check) -> bool:
    return check.needs_scope or check.needs_all_findings


def answered_wholly(findings: pd.DataFrame, finding_citations: pd.DataFrame) -> pd.DataFrame:
    """Return findings without what records answer of one citation and leave open of another.

    Parameters
    ----------
    findings, finding_citations
        Tables of those names.

    Notes
    -----
    A record that names a citation speaks of that one: beside a finding it counts as a whole where every citation that
    the finding tests directly is answered.
    """
    bare = finding_citations[
        (finding_citations["relation"] == "direct") & ~finding_citations["disposition"].isin(LIFTING)
    ]
    keys = set(zip(bare["check"], bare["object"], strict=True))
    held = [key in keys for key in zip(findings["check"], findings["object"], strict=True)]
    partly = pd.Series(held, index=findings.index, dtype=bool) & findings["disposition"].isin(LIFTING)
    return findings.assign(disposition=findings["disposition"].mask(partly, ""))


def roll_up_owners(findings: pd.DataFrame, owners: pd.DataFrame, register: pd.DataFrame, as_of: str) -> pd.DataFrame:
    """Return table `owner_summary`: one row per owner, and one for what nobody answers for.

    Parameters
    ----------
    findings
        Table of that name.
    owners
        Table `ephi_objects`, which names who answers for each object of the scope.
    register
        Table `finding_register`, whose owner of a finding comes first.
    as_of
        Moment to judge for, RFC 3339.
    """
    of_object = dict(zip(owners["object"], owners["owner"], strict=True))
    entered = register[register["owner"] != ""]
    of_finding = dict(zip(entered["fingerprint"], entered["owner"], strict=True))
    overdue = register[(register["due_on"] != "") & (register["due_on"] < as_of[:10]) & (register["closed_on"] == "")]
    late = set(overdue["fingerprint"])
    marks = zip(findings["fingerprint"], findings["finding_id"], findings["object"], strict=True)
    names = [of_finding.get(mark) or of_finding.get(own) or of_object.get(name) or NOBODY for mark, own, name in marks]
    marked = findings["fingerprint"].isin(late) | findings["finding_id"].isin(late)
    held = findings.assign(owner=names, late=marked & (findings["verdict"] == FAIL))
    rows = []
    for owner, mine in held.groupby("owner"):
        failing = mine.loc[mine["verdict"] == FAIL, "severity"]
        rows.append(
            {
                "owner": owner,
                **_counts(mine),
                "overdue": int(mine["late"].sum()),
                "worst": min(failing, key=SEVERITIES.index) if len(failing) else "",
                "assessed": assessed_fraction(mine["verdict"], mine["disposition"]),
            }
        )
    return OWNER_SUMMARY.frame(rows)


def assessed_fraction(verdicts: pd.Series, dispositions: pd.Series | None = None) -> float | None:
    """Return judged findings over those that are the entity's own to judge; None where there are none.

    Judged are `pass`, `fail`, and a `review` that a record answers which stands. What a provider does, by a record that
    stands, is not the entity's own.
    """
    said = pd.Series("", index=verdicts.index) if dispositions is None else dispositions
    own = (verdicts != NOT_APPLICABLE) & (said != "inherited")
    judged = verdicts.isin([PASS, FAIL]) | ((verdicts == REVIEW) & (said == "attested"))
    return round(int((judged & own).sum()) / int(own.sum()), 4) if own.any() else None


def _counts(here: pd.DataFrame) -> dict[str, int]:
    counts = {name: int((here["verdict"] == verdict).sum()) for name, verdict in COUNTED.items()}
    return counts | {name: int((here["disposition"] == name).sum()) for name in RECORDED}


def _standing(
    here: pd.DataFrame, controls: list[Control], direct: list[str], run: dict[str, Check], candidates: int
) -> dict[str, Any]:
    """Return status, words, reason and counts of whatever some findings are about."""
    status, words, reason = _status(here, controls, direct, set(run), candidates)
    share = assessed_fraction(here["verdict"], here["disposition"])
    return {"status": status, "standing": words, "reason": reason, **_counts(here), "assessed": share}


def _status(
    here: pd.DataFrame, controls: list[Control], served: list[str], run: set[str], candidates: int
) -> tuple[str, str, str]:
    """Return status, the same with what people recorded of it, and why it is not better."""
    verdicts, said, direct = here["verdict"], here["disposition"], here["relation"] == "direct"
    bare = (verdicts == FAIL) & (said != "alternative")
    if (bare & direct).any():
        failing = Count(int((bare & direct).sum()))
        return (
            "gap",
            _gap_words(here[bare & direct]),
            f"{failing:finding} {failing:fails that tests|fail that test} it directly",
        )
    answered = (verdicts == REVIEW) & said.isin(["attested", "inherited"])
    inherited = (verdicts == NOT_ASSESSED) & (said == "inherited")
    if not (verdicts.isin([PASS, FAIL]) | answered | inherited).any():
        return "not_assessed", "not_assessed", _why_nothing(controls, run, verdicts)
    undone = sorted(set(served) - run)
    still_open = int((verdicts.isin([REVIEW, NOT_ASSESSED, ERROR]) & ~answered & ~inherited).sum())
    failing, left, open_ = Count(int(bare.sum())), Count(len(undone)), Count(still_open)
    unanswered = Count(candidates)
    for held, words in (
        (int(bare.sum()), f"{failing:supporting finding} {failing:fails|fail}"),
        (not served, "only supporting checks serve it"),
        (undone, f"{left} of its {Count(len(served)):direct control} {left:was|were} not carried out"),
        (still_open, f"{open_:finding} {open_:is|are} open"),
        (
            candidates,
            f"{unanswered:workload} {unanswered:looks|look} like ePHI and nobody has answered for {unanswered:it|them}",
        ),
        (not (direct & (verdicts != NOT_APPLICABLE)).any(), "no direct check has judged anything"),
    ):
        if held:
            return "partly_assessed", "partly_assessed", words
    ways = {"alternative": "by alternative", "attested": "by attestation", "inherited": "inherited in part"}
    shown = [way for word, way in ways.items() if (said[answered | inherited | (verdicts == FAIL)] == word).any()]
    return (
        "supported",
        ", ".join(["supported", *shown]),
        "every direct check was carried out and none of its findings is open",
    )


def _gap_words(bare: pd.DataFrame) -> str:
    """Return how a gap is shown: accepted, where all of it is and until the first of the records ends."""
    if (bare["disposition"] == "accepted_risk").all():
        return f"gap, accepted until {bare['record_expires_on'].min()}"
    return "gap"


def _why_nothing(controls: list[Control], run: set[str], verdicts: pd.Series) -> str:
    if not controls:
        return "no control serves it: it is a rule about how to weigh, not a measure"
    done = sum(control.id in run for control in controls)
    if not done:
        return f"none of its {len(controls)} controls was carried out"
    if len(verdicts) and (verdicts == NOT_APPLICABLE).all():
        return "nothing to assess: what its controls speak of is not there, or is stated not to apply"
    return f"{done} of its {len(controls)} controls were carried out and none could judge"
