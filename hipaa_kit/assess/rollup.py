"""From findings to citations, topics and owners (result model, section 6).

A status is never better than what was looked at: a control of the catalogue that was not carried
out, an input that was missing, a candidate for ePHI that nobody has answered for, each keeps a
citation from `supported`. Of what people record an equivalent measure alone lifts a gap (164.306(d)(3)), and
only that of the citation it was decided for; an accepted risk is shown and lifts nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pandas as pd

from hipaa_kit.catalogue import Catalogue, Control
from hipaa_kit.counting import Count
from hipaa_kit.safeguards.check import Check
from hipaa_kit.tables.declaration import rows_by
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

Row = dict[str, Any]
_READ = ["verdict", "disposition", "record_expires_on"]
"""Columns of findings, and of their citations, that a status rests on."""


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
    by_citation = rows_by(said[["citation", "relation", *_READ]], "citation")
    rows = []
    for citation in catalogue.citations:
        controls = catalogue.controls_of(citation.citation)
        here = by_citation.get(citation.citation, [])
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
    told = answered_wholly(findings, finding_citations)
    by_topic = rows_by(told[["topic", *_READ]].assign(relation="direct"), "topic")
    rows = []
    for topic in catalogue.topics():
        controls = [control for control in catalogue.controls if control.topic == topic]
        here = by_topic.get(topic, [])
        capped = candidates if any(_leans_on_scope(run[c.id]) for c in controls if c.id in run) else 0
        rows.append(
            {
                "topic": topic,
                "article": catalogue.topic(topic).article,
                **_standing(here, controls, [control.id for control in controls], run, capped),
                "checks": len(controls),
                "checks_run": sum(control.id in run for control in controls),
                "not_applicable": sum(row["verdict"] == NOT_APPLICABLE for row in here),
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
    for owner, mine in rows_by(held[["owner", "late", "severity", *_READ]], "owner").items():
        rows.append(
            {
                "owner": owner,
                **_counts(mine),
                "overdue": sum(row["late"] for row in mine),
                "worst": min(
                    (row["severity"] for row in mine if row["verdict"] == FAIL), key=SEVERITIES.index, default=""
                ),
                "assessed": _assessed(mine),
            }
        )
    return OWNER_SUMMARY.frame(rows)


def assessed_fraction(
    verdicts: pd.Series | list[str], dispositions: pd.Series | list[str] | None = None
) -> float | None:
    """Return judged findings over those that are the entity's own to judge; None where there are none.

    Judged are `pass`, `fail`, and a `review` that a record answers which stands. What a provider does, by a record that
    stands, is not the entity's own.
    """
    both = zip(verdicts, [""] * len(verdicts) if dispositions is None else dispositions, strict=True)
    own = [(verdict, said) for verdict, said in both if verdict != NOT_APPLICABLE and said != "inherited"]
    judged = sum(verdict in (PASS, FAIL) or (verdict, said) == (REVIEW, "attested") for verdict, said in own)
    return round(judged / len(own), 4) if own else None


def _assessed(here: list[Row]) -> float | None:
    return assessed_fraction([row["verdict"] for row in here], [row["disposition"] for row in here])


def _counts(here: list[Row]) -> dict[str, int]:
    verdicts, said = (Counter(row[name] for row in here) for name in ("verdict", "disposition"))
    return {name: verdicts[verdict] for name, verdict in COUNTED.items()} | {name: said[name] for name in RECORDED}


def _standing(
    here: list[Row], controls: list[Control], direct: list[str], run: dict[str, Check], candidates: int
) -> dict[str, Any]:
    """Return status, words, reason and counts of whatever some findings are about."""
    status, words, reason = _status(here, controls, direct, set(run), candidates)
    return {"status": status, "standing": words, "reason": reason, **_counts(here), "assessed": _assessed(here)}


def _status(
    here: list[Row], controls: list[Control], served: list[str], run: set[str], candidates: int
) -> tuple[str, str, str]:
    """Return status, the same with what people recorded of it, and why it is not better."""
    bare = [row for row in here if row["verdict"] == FAIL and row["disposition"] != "alternative"]
    if direct := [row for row in bare if row["relation"] == "direct"]:
        failing = Count(len(direct))
        return "gap", _gap_words(direct), f"{failing:finding} {failing:fails that tests|fail that test} it directly"
    answered = [row for row in here if _is_answered(row)]
    if not answered and all(row["verdict"] not in (PASS, FAIL) for row in here):
        return "not_assessed", "not_assessed", _why_nothing(controls, run, [row["verdict"] for row in here])
    undone = sorted(set(served) - run)
    still_open = sum(row["verdict"] in (REVIEW, NOT_ASSESSED, ERROR) and not _is_answered(row) for row in here)
    failing, left, open_ = Count(len(bare)), Count(len(undone)), Count(still_open)
    unanswered = Count(candidates)
    for held, words in (
        (bare, f"{failing:supporting finding} {failing:fails|fail}"),
        (not served, "only supporting checks serve it"),
        (undone, f"{left} of its {Count(len(served)):direct control} {left:was|were} not carried out"),
        (still_open, f"{open_:finding} {open_:is|are} open"),
        (
            candidates,
            f"{unanswered:workload} {unanswered:looks|look} like ePHI and nobody has answered for {unanswered:it|them}",
        ),
        (
            all(row["relation"] != "direct" or row["verdict"] == NOT_APPLICABLE for row in here),
            "no direct check has judged anything",
        ),
    ):
        if held:
            return "partly_assessed", "partly_assessed", words
    ways = {"alternative": "by alternative", "attested": "by attestation", "inherited": "inherited in part"}
    used = {row["disposition"] for row in (*answered, *(row for row in here if row["verdict"] == FAIL))}
    return (
        "supported",
        ", ".join(["supported", *(way for word, way in ways.items() if word in used)]),
        "every direct check was carried out and none of its findings is open",
    )


def _is_answered(row: Row) -> bool:
    """Tell whether a record says what the check could not."""
    verdict, said = row["verdict"], row["disposition"]
    return (verdict == REVIEW and said in ("attested", "inherited")) or (
        verdict == NOT_ASSESSED and said == "inherited"
    )


def _gap_words(bare: list[Row]) -> str:
    """Return how a gap is shown: accepted, where all of it is and until the first of the records ends."""
    if all(row["disposition"] == "accepted_risk" for row in bare):
        return f"gap, accepted until {min(row['record_expires_on'] for row in bare)}"
    return "gap"


def _why_nothing(controls: list[Control], run: set[str], verdicts: list[str]) -> str:
    if not controls:
        return "no control serves it: it is a rule about how to weigh, not a measure"
    done = sum(control.id in run for control in controls)
    if not done:
        return f"none of its {len(controls)} controls was carried out"
    if verdicts and all(verdict == NOT_APPLICABLE for verdict in verdicts):
        return "nothing to assess: what its controls speak of is not there, or is stated not to apply"
    return f"{done} of its {len(controls)} controls were carried out and none could judge"
