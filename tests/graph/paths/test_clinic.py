"""The clinic: what was planted leads the ranking, and is gone in the repaired twin."""

from __future__ import annotations

from functools import cache

import hipaa_kit
from hipaa_kit.graph.paths import Paths
from tests.data.conftest import DATA
from tests.support.paths import lines

PLANTED = {
    "Deployment/integration/mirth": "its load balancer lets the internet in",
    "StatefulSet/ehr/ehr-db": "its policy lets every namespace in",
    "CronJob/ehr/ehr-db-dump": "no policy isolates it",
    "StatefulSet/ehr/ehr-redis": "the policy meant for it selects nothing",
    "CronJob/imaging/teaching-export": "it is on the network of its node",
}
"""Ends of the planted chains from the internet, and the fault that opens each: see data/generator/faults."""


@cache
def paths(twin: str) -> Paths:
    return hipaa_kit.assessment(DATA / twin, scope=DATA / twin / "scope.yaml").paths


def test_planted_chains_are_ranked_above_everything_else_and_gone_in_the_twin() -> None:
    hops = paths("clinic").to_ephi()
    told, repaired = lines(hops), set(lines(paths("clinic_fixed").to_ephi()))
    above = next(place for place, line in enumerate(told) if line in repaired)
    first = hops[hops["rank"] <= above]
    assert above >= len(PLANTED)
    assert set(first["end"]) == set(PLANTED)
    assert not set(told[:above]) & repaired


def test_subjects_lose_the_ways_that_were_planted() -> None:
    found = {}
    for twin in ("clinic", "clinic_fixed"):
        held = paths(twin)
        found[twin] = {
            who: "PersistentVolumeClaim/imaging/pacs-archive" in set(held.blast_radius(who)["target"])
            for who in ("Group//clinic:radiology-it",)
            if who in held.graph.number
        }
    assert found["clinic"] == {"Group//clinic:radiology-it": True}
    assert not any(found["clinic_fixed"].values())


def test_every_hop_of_the_clinic_has_a_proof() -> None:
    hops = paths("clinic").to_ephi("subject")
    assert (hops["proof"] != "").all()
    assert (hops.groupby("rank")["cost"].last() == hops.groupby("rank")["path_cost"].last()).all()
    joined = hops.groupby("rank").apply(
        lambda path: path["target"].iloc[:-1].tolist() == path["source"].iloc[1:].tolist(), include_groups=False
    )
    assert joined.all()
