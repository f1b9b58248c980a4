"""The proposed rule of 2025 as a preview: never in force here, asked for by name, and marked wherever it is shown.

Its paragraphs reuse numbers that mean other things today, so they are text and never looked up as citations. It ends
the distinction of addressable and required: no decision lifts a failure in it.
Source: 90 FR 898, 2025-01-06, RIN 0945-AA22; not final as of 2026-10-07.
"""

from __future__ import annotations

import re
from typing import Final

import pandas as pd

from hipaa_kit.assess.rollup import assessed_fraction
from hipaa_kit.catalogue import Catalogue
from hipaa_kit.tables.results import PROPOSED_CONTROLS
from hipaa_kit.vocabulary import FAIL, NOT_ASSESSED, PASS, REVIEW

CURRENT = "current"
PREVIEW = "nprm-preview"
PROFILES = (CURRENT, PREVIEW)
"""The rule in force, and a preview of the one proposed in 2025, which is shown beside it and never in its place."""

LABEL: Final = "proposed, not in force"
_BASIS: Final = re.compile(r"\s*\((secondary|verify)\)\s*$")


def proposed_controls(findings: pd.DataFrame, catalogue: Catalogue, candidates: int = 0) -> pd.DataFrame:
    """Return table `proposed_controls`: one row per control that meets a proposed paragraph.

    Parameters
    ----------
    findings
        Table of that name.
    catalogue
        For the proposed paragraphs, with how each is known.
    candidates
        Workloads that look like ePHI and that nobody has answered for: nothing is supported while there are any.
    """
    by_check = dict(list(findings.groupby("check")))
    rows = []
    for control in catalogue.controls:
        if not control.nprm:
            continue
        here = by_check.get(control.id, findings.iloc[:0])
        basis = _BASIS.search(control.nprm)
        capped = candidates > 0 or all(mapping.relation != "direct" for mapping in control.mappings)
        counts = {word: int((here["verdict"] == word).sum()) for word in (PASS, FAIL, REVIEW, NOT_ASSESSED)}
        rows.append(
            {
                "control": control.id,
                "title": control.title,
                "paragraph": _BASIS.sub("", control.nprm),
                "basis": basis[1] if basis else "quoted",
                "label": LABEL,
                "standing": f"{_standing(counts, capped)} ({LABEL})",
                "passed": counts[PASS],
                "failed": counts[FAIL],
                "to_review": counts[REVIEW],
                "not_assessed": counts[NOT_ASSESSED],
                "assessed": assessed_fraction(here["verdict"]),
            }
        )
    return PROPOSED_CONTROLS.frame(rows)


def _standing(counts: dict[str, int], capped: bool) -> str:
    """Return what the findings show, without any record: a preview weighs no decisions."""
    if counts[FAIL]:
        return "gap"
    if not counts[PASS]:
        return "not_assessed"
    return "partly_assessed" if counts[REVIEW] or counts[NOT_ASSESSED] or capped else "supported"
