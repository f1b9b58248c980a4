"""Dispositions beside verdicts: what a named person recorded of a finding, and of which citations it holds."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from hipaa_kit.assess.standing import Key, Standing, chosen
from hipaa_kit.tables.results import FINDING_CITATIONS, FINDINGS


def with_dispositions(
    findings: pd.DataFrame, finding_citations: pd.DataFrame, standings: Sequence[Standing]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return findings and their citations with what records say of them.

    Parameters
    ----------
    findings, finding_citations
        Tables of those names.
    standings
        How every record stands, judged over the same findings.

    Notes
    -----
    A decision about an addressable specification is about that citation alone: a finding that also serves a standard
    still is a gap there (164.306(d)(3) speaks of implementation specifications only). A record that names a control
    holds for every citation that the control serves.
    """
    if not standings:
        return findings, finding_citations
    by_key: dict[Key, list[Standing]] = {}
    for each in standings:
        for key in each.speaks_of:
            by_key.setdefault(key, []).append(each)
    return _beside(findings, by_key), _by_citation(finding_citations, by_key)


def _beside(findings: pd.DataFrame, by_key: dict[Key, list[Standing]]) -> pd.DataFrame:
    keys = list(zip(findings["check"], findings["object"], strict=True))
    best = [chosen(by_key.get(key, ())) for key in keys]
    said = findings.assign(
        disposition=[s.row["disposition"] if s and s.stands else "" for s in best],
        record=[s.row["record"] if s else "" for s in best],
        record_valid=[bool(s and s.stands) for s in best],
        record_expires_on=[s.row["expires_on"] if s else "" for s in best],
    )
    return FINDINGS.conform(said)


def _by_citation(links: pd.DataFrame, by_key: dict[Key, list[Standing]]) -> pd.DataFrame:
    rows = zip(links["check"], links["object"], links["citation"], strict=True)
    best = [
        chosen(s for s in by_key.get((check, name), ()) if s.stands and s.row["citation"] in ("", citation))
        for check, name, citation in rows
    ]
    said = links.assign(
        disposition=[s.row["disposition"] if s else "" for s in best],
        record=[s.row["record"] if s else "" for s in best],
        record_expires_on=[s.row["expires_on"] if s else "" for s in best],
    )
    return FINDING_CITATIONS.conform(said)
