"""The clinic's audit log: each incident that was planted gives hits, and what looks like one gives none."""

import importlib
from collections.abc import Iterable
from pathlib import Path
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


def reads(hospital: Any) -> dict[str, list[Any]]:
    """Return who reads Secrets: what is to be found, and what looks like it and is not to be."""
    calls, callers = importlib.import_module("trail.calls"), importlib.import_module("trail.callers")
    carla, grace = (callers.person(hospital, name) for name in ("carla.ruiz", "grace.lin"))
    pipeline = callers.job_pod("cicd", "deployer", "2026-11-18", "kubectl/v1.35.2 (linux/amd64) kubernetes/6f3d1c8")
    tool, issuer = (
        callers.pod(hospital, f"Deployment/{name}/{name}", f"{name}/v1") for name in ("velero", "cert-manager")
    )

    def read(minute: int, who: Any, verb: str, namespace: str, name: str = "", code: int = 200) -> Any:
        when = calls.later(calls.at("2026-11-18 15:00:10"), 60 * minute)
        return calls.Call(when, who, verb, "secrets", namespace, name, code=code)

    return {
        "found": [
            read(0, carla, "list", "ehr"),
            *(read(1 + number // 4, tool, "get", "cicd", f"token-{number}") for number in range(12)),
            read(9, grace, "get", "ehr", "ehr-db"),
        ],
        "alike": [
            read(20, carla, "list", "cicd"),
            *(read(30, tool, "get", "cicd", f"token-{number}") for number in range(4)),
            *(read(40, issuer, "get", "cicd", f"token-{number}") for number in range(12)),
            read(50, pipeline, "get", "ehr", "ehr-db"),
            read(51, grace, "get", "ehr", "ehr-db", code=403),
        ],
    }


def test_who_reads_secrets_is_found_where_the_policy_records_reads(generator: SimpleNamespace, tmp_path: Path) -> None:
    files, calls = importlib.import_module("trail.files"), importlib.import_module("trail.calls")
    hospital = generator.clinic.plant(())
    for name, planted in reads(hospital).items():
        act = calls.Act(name, tuple(planted))
        hospital.declared[generator.model.object_id(act)] = act
    files.write_trail(hospital, tmp_path)
    frame = hipaa_kit.assessment(DATA / "clinic_fixed", audit_log=tmp_path).tables.detection_hits
    found = {
        (detection, part, subject.partition("@")[0], about, events)
        for detection, part, subject, about, events in frame[
            ["detection", "part", "subject", "object", "events"]
        ].itertuples(index=False)
    }
    assert found == {
        ("LOG-06", "list", "carla.ruiz", "Secret/ehr/*", 1),
        ("LOG-06", "burst", "system:serviceaccount:velero:velero", "Secret//*", 12),
        ("LOG-07", "", "carla.ruiz", "Secret/ehr/*", 1),
        ("LOG-07", "", "grace.lin", "Secret/ehr/ehr-db", 1),
    }


def test_under_the_policy_of_the_faulty_clinic_no_read_of_a_secret_leaves_a_trace(generator: SimpleNamespace) -> None:
    record = importlib.import_module("trail.record")
    hospital = generator.clinic.plant(generator.faults.FAULTS)
    policy = record.policy_of(hospital.declared["Input//audit-policy.yaml"].content)
    every = [call for planted in reads(hospital).values() for call in planted]
    assert len(every) == 33
    assert [event for call in every for event in record.events_of(call, policy)] == []
