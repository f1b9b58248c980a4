"""What no scan can see: controls that a signed record alone can answer.

There is one check for each control of the catalogue that is attested and has no rule for a `pass`, whatever its
topic. A record never makes one pass: it is a question that a named person has answered, shown as such.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from hipaa_kit.catalogue import Control, load_catalogue
from hipaa_kit.safeguards.check import check
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.results import JUDGEMENTS
from hipaa_kit.vocabulary import NOT_APPLICABLE, NOT_ASSESSED, PASS, REVIEW


def attested_controls() -> list[Control]:
    """Return the controls that a signed record alone can answer."""
    return [each for each in load_catalogue().controls if each.how == "attested" and PASS not in each.rule]


def judge_attested(
    signed_records: pd.DataFrame,
    record_controls: pd.DataFrame,
    record_matches: pd.DataFrame,
    record_states: pd.DataFrame,
    *,
    control: Control,
) -> pd.DataFrame:
    """Judge one control by the attestations that speak of it.

    Parameters
    ----------
    signed_records, record_controls, record_matches, record_states : tables of those names
    control
        The control.

    Returns
    -------
    table `judgements`, one row for the control

    Notes
    -----
    A record speaks of a control that it names, or by a citation that the control serves. One that
    names what it is about by `match` speaks of that part alone and answers no whole control. Where several stand,
    the one signed last is shown, and the others are evidence beside it.
    """
    named = set(record_controls.loc[record_controls["control"] == control.id, "record"])
    served = {mapping.citation for mapping in control.mappings}
    mine = signed_records[signed_records["kind"] == "Attestation"].merge(record_states, on="record")
    mine = mine[mine["record"].isin(named) | mine["citation"].isin(served)]
    mine = mine[~mine["record"].isin(record_matches["record"])]
    mine = mine.sort_values(["signed_on", "record"], kind="stable")
    standing = mine[mine["stands"]]
    row = {"object": f"Control//{control.id}", "evidence": " ".join(mine["record"])}
    if standing.empty:
        told = {"verdict": NOT_ASSESSED, "reason_code": "no_record", "reason": _wanted(control, mine)}
    else:
        last = rows_of(standing)[-1]
        excused = not pd.isna(last["applies"]) and not last["applies"]
        told = {"verdict": NOT_APPLICABLE if excused else REVIEW, "reason": _answer(last, excused)}
    return JUDGEMENTS.frame([row | told])


def _answer(record: Mapping[str, Any], excused: bool) -> str:
    done = "stated not to apply" if excused else "attested"
    if record["disposition"] == "inherited":
        done = f"done by {record['provider']}, as stated"
    return (
        f"{done} by {record['owner']} on {record['signed_on']}, approved by {record['approver']}, until"
        f" {record['expires_on']}: {record['statement']}"
    )


def _wanted(control: Control, fallen: pd.DataFrame) -> str:
    holds = ", ".join(column.replace("_", " ") for column in control.evidence)
    words = f"no signed record answers it; hipaa-kit attest stub {control.id} writes one to fill in, with {holds}"
    why = [f"{row['record']} does not stand: {row['problem']}" for row in rows_of(fallen)]
    return "; ".join([words, *why])


def _declare(control: Control) -> None:
    @check(control.id, without_scope=True)
    def attested(
        signed_records: pd.DataFrame,
        record_controls: pd.DataFrame,
        record_matches: pd.DataFrame,
        record_states: pd.DataFrame,
    ) -> pd.DataFrame:
        return judge_attested(signed_records, record_controls, record_matches, record_states, control=control)


for _control in attested_controls():
    _declare(_control)
