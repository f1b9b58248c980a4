"""Hits beside an incident are those of who is in question, not of others that go by the same word."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from hipaa_kit.views.incident import hits_of

BEGAN, UNTIL = "2026-11-10T00:00:00Z", "2026-11-12T00:00:00Z"


def hit(subject: str, at: str = "2026-11-11T00:00:00Z") -> dict[str, Any]:
    return {
        "detection": "LOG-03",
        "subject": subject,
        "object": "Pod/ehr/db-0",
        "severity": "high",
        "events": 1,
        "what": "",
        "places": "",
        "first_at": at,
        "last_at": at,
    }


COLUMNS = list(hit(""))


def shown(identity: str, *hits: dict[str, Any]) -> list[str]:
    run: Any = SimpleNamespace(tables=SimpleNamespace(detection_hits=pd.DataFrame(list(hits), columns=COLUMNS)))
    found: Any = SimpleNamespace(
        identities=pd.DataFrame({"identity": [identity], "since": [BEGAN]}), until=pd.Timestamp(UNTIL)
    )
    return hits_of(run, found)["subject"].tolist()


@pytest.mark.parametrize(
    ("identity", "subjects"),
    [
        ("User//ada", ["ada", "ada as system:admin"]),
        ("ServiceAccount/ehr/ada", ["system:serviceaccount:ehr:ada"]),
        ("Pod/ehr/ada", []),
        ("Node//ada", []),
    ],
)
def test_only_hits_of_who_is_in_question_are_shown(identity: str, subjects: list[str]) -> None:
    every = [hit(each) for each in ("ada", "ada as system:admin", "system:serviceaccount:ehr:ada", "bob", "")]
    assert shown(identity, *every) == subjects


def test_what_was_over_before_is_left_out() -> None:
    assert shown("User//ada", hit("ada", "2026-11-09T23:59:59Z"), hit("ada", BEGAN)) == ["ada"]


def test_where_nothing_was_found_there_is_nothing() -> None:
    assert shown("User//ada") == []
