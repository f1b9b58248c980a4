"""What earlier runs left: whether their evidence is unaltered, and the digests that were written down of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from hipaa_kit.errors import InputError
from hipaa_kit.sources.inputs.declaration import Form, Input, Reading, Row, items
from hipaa_kit.sources.inputs.parsing import Sheet
from hipaa_kit.sources.inputs.records import RecordKind
from hipaa_kit.sources.inputs.values import get, moment, number, text, truth, whole
from hipaa_kit.tables import evidence as tables
from hipaa_kit.tables.history import ENDINGS, MATCHES, REPLACEMENTS

VERIFICATION: Final = "hipaa-kit bundle 1"
"""What the answer of `hipaa-kit verify` says that it is."""


def is_verification(document: Any) -> bool:
    """Tell whether a document is the answer of `hipaa-kit verify`."""
    return text(document, "verification") == VERIFICATION


def read_verification(document: Any, reading: Reading) -> Iterator[Row]:  # noqa: ARG001 - every form reads alike
    """Yield what was found of a bundle, and the files that are not as its manifests say.

    Notes
    -----
    A bundle counts as intact only where nothing in the answer speaks against it.
    """
    bundle = text(document, "bundle")
    if not bundle or not text(document, "found_digest"):
        raise InputError("does not say which bundle was verified", "", "make it with hipaa-kit verify BUNDLE -f json")
    problems = list(items(get(document, "problems")))
    at = moment(text(document, "verified_at"))
    recorded, found = text(document, "recorded_digest"), text(document, "found_digest")
    yield Row(
        tables.VERIFIED_BUNDLES,
        {
            "bundle": bundle,
            "verified_at": at,
            "cluster": text(document, "cluster"),
            "intact": truth(document, "intact") is True and not problems and recorded == found,
            "files": whole(document, "files"),
            "problems": len(problems),
            "recorded_digest": recorded,
            "found_digest": found,
        },
    )
    for each in problems:
        state = text(each, "state")
        yield Row(
            tables.VERIFIED_FILES,
            {
                "bundle": bundle,
                "verified_at": at,
                "file": text(each, "file"),
                "state": state if state in tables.FILE_STATES else "altered",
            },
        )


REGISTER: Final = RecordKind(
    "EvidenceRegister",
    tables.EVIDENCE_REGISTER,
    ("digest", "recorded_on", "kept_in"),
    frozenset(["digest", "recorded_on", "kept_in"]),
    days=("recorded_on",),
)


def is_state(document: Any) -> bool:
    """Tell whether a table is the state of a cluster that an earlier bundle holds."""
    return isinstance(document, Sheet) and set(document.columns) == set(tables.EARLIER_STATE.names)


def read_state(document: Any, reading: Reading) -> Iterator[Row]:  # noqa: ARG001 - every form reads alike
    """Yield the facts of an earlier state."""
    for line_number, row in document.rows:
        values = {name: text(row, name) for name in tables.EARLIER_STATE.names}
        known = values["aspect"] in tables.ASPECTS and values["weakens"] in tables.WEAKENS
        if not known or not values["object"] or not moment(values["taken_at"]):
            raise InputError(
                f"line {line_number} is no fact of a state", "", "copy tables/security_state.csv of a bundle as it is"
            )
        yield Row(tables.EARLIER_STATE, values)


MOMENTS: Final = ("failed_at", "seen_last", "gone_by", "created_at", "ready_at", "unready_at")
"""Columns of the table `replacements` that hold a moment."""


def is_series(document: Any) -> bool:
    """Tell whether a table says what replaced what, as the history of a series of snapshots does."""
    return isinstance(document, Sheet) and set(document.columns) == set(REPLACEMENTS.names)


def read_series(document: Any, reading: Reading) -> Iterator[Row]:  # noqa: ARG001 - every form reads alike
    """Yield the instances that ended."""
    for line_number, row in document.rows:
        values: dict[str, Any] = {name: text(row, name) for name in REPLACEMENTS.names}
        known = values["how"] in ENDINGS and values["matched_by"] in MATCHES and values["pod"] and values["uid"]
        dated = all(moment(values[name]) == values[name] for name in MOMENTS) and values["seen_last"]
        values["restarts"] = whole(row, "restarts")
        values["seconds_to_ready"] = number(row["seconds_to_ready"])
        told = values["restarts"] is not None and (values["seconds_to_ready"] or 0) >= 0
        if not known or not dated or not told:
            raise InputError(
                f"line {line_number} is no row of a history", "", "take what hipaa-kit history writes as it is"
            )
        yield Row(REPLACEMENTS, values)


INPUTS: Final = (
    Input(
        "earlier_state",
        "what protected the cluster at an earlier moment",
        (Form("table security_state of an earlier bundle, CSV", is_state, read_state),),
        (tables.EARLIER_STATE,),
        "cp EARLIER_BUNDLE/data/tables/security_state.csv inputs/earlier_state.csv",
    ),
    Input(
        "replacements",
        "what replaced the pods that ended, from a series of snapshots",
        (Form("table replacements of a history, CSV", is_series, read_series),),
        (REPLACEMENTS,),
        "hipaa-kit history SNAPSHOTS --table replacements -f csv > inputs/replacements.csv",
    ),
    Input(
        "verified_bundles",
        "evidence bundles of earlier runs, held against their manifests",
        (Form("answer of hipaa-kit verify", is_verification, read_verification),),
        (tables.VERIFIED_BUNDLES, tables.VERIFIED_FILES),
        "for each bundle that is kept: hipaa-kit verify BUNDLE -f json > inputs/BUNDLE.json",
    ),
    Input(
        "evidence_register",
        "evidence digests that were written down elsewhere when bundles were made",
        (Form("CSV or JSON with columns digest, bundle, recorded_on, kept_in", REGISTER.recognise, REGISTER.read),),
        (tables.EVIDENCE_REGISTER,),
        "export inputs/evidence.csv with columns digest, bundle, recorded_on, kept_in",
        written=True,
    ),
)
