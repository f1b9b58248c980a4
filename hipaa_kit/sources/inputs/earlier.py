"""What earlier runs left: whether their evidence is unaltered, and the digests that were written down of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from hipaa_kit.errors import InputError
from hipaa_kit.sources.inputs.declaration import Form, Input, Reading, Row, items
from hipaa_kit.sources.inputs.records import RecordKind
from hipaa_kit.sources.inputs.values import get, moment, text, truth, whole
from hipaa_kit.tables import evidence as tables

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

INPUTS: Final = (
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
