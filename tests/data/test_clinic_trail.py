"""The clinic's audit log: each incident that was planted gives hits, and what looks like one gives none."""

import importlib
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pytest

import hipaa_kit
from tests.data.conftest import DATA

LEFT = {"leo.park@clinic.example"}
"""Whose work of every day is a hit in the faulty clinic alone: who has left, and goes on."""


@pytest.fixture(scope="module")
def acts(generator: SimpleNamespace) -> dict[str, dict[str, set[str]]]:
    """Return the audit IDs of what was planted and of what looks like it, by the name of the act."""
    record, work = importlib.import_module("trail.record"), importlib.import_module("trail.work")
    hospital = generator.clinic.plant(generator.faults.FAULTS)
    policy = record.policy_of(hospital.declared["Input//audit-policy.yaml"].content)

    def told(found: Iterable[Any]) -> dict[str, set[str]]:
        return {
            act.name: {event["auditID"] for call in act.calls for event in record.events_of(call, policy)}
            for act in found
        }

    return {"planted": told(hospital.all(generator.model.Act)), "alike": told(work.alike(hospital))}


@pytest.fixture(scope="module")
def hits() -> dict[str, set[str]]:
    """Return the audit IDs that hits name, by detection; without gaps, and without the days of whoever has left."""
    frame = hipaa_kit.assessment(DATA / "clinic").tables.detection_hits
    found: dict[str, set[str]] = {}
    for detection, subject, ids in frame[["detection", "subject", "audit_ids"]].itertuples(index=False):
        if ids and subject not in LEFT:
            found.setdefault(detection, set()).update(ids.split())
    return found


def test_every_hit_is_of_a_planted_act_and_every_act_gives_one(
    acts: dict[str, dict[str, set[str]]], hits: dict[str, set[str]]
) -> None:
    found = set().union(*hits.values())
    planted = acts["planted"]
    assert found <= set().union(*planted.values())
    assert {name for name, ids in planted.items() if not ids & found} == {"key-in-a-path"}, "that is of HK-AUD-12"
    assert len(planted) >= 10


def test_nothing_that_only_looks_like_an_incident_is_a_hit(
    acts: dict[str, dict[str, set[str]]], hits: dict[str, set[str]]
) -> None:
    recorded = {name for name, ids in acts["alike"].items() if ids}
    assert len(recorded) >= 10
    assert not set().union(*acts["alike"].values()) & set().union(*hits.values())


@pytest.mark.parametrize(
    ("detection", "act", "count"), [("LOG-02", "hooks-for-everybody", 4), ("LOG-22", "emergency-without-need", 2)]
)
def test_one_request_of_an_act_is_the_hit_and_those_beside_it_are_none(
    acts: dict[str, dict[str, set[str]]], hits: dict[str, set[str]], detection: str, act: str, count: int
) -> None:
    assert len(acts["planted"][act]) == count
    assert len(hits[detection]) == 1
    assert hits[detection] < acts["planted"][act]
