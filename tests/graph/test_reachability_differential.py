"""The engine against the brute-force evaluator: random clusters, every question, three values.

`HIPAA_KIT_DIFFERENTIAL_CLUSTERS` says how many clusters (10,000 before a release), `HIPAA_KIT_DIFFERENTIAL_SEED` where
to begin. A failure prints the seed, the question and the policies that took part; `random_cluster(seed)` gives it back.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hipaa_kit.graph.reachability import Reachability
from tests.support.network_oracle import Options, evaluate
from tests.support.network_oracle.cases import Case, cases
from tests.support.network_oracle.generate import CORNERS, MIXES, clusters, questions, random_cluster
from tests.support.network_oracle.model import LISTS, Object
from tests.support.snapshots import snapshot_of

CLUSTERS = int(os.environ.get("HIPAA_KIT_DIFFERENTIAL_CLUSTERS", "60"))
FIRST = int(os.environ.get("HIPAA_KIT_DIFFERENTIAL_SEED", "1"))
SHARES = 12
"""The clusters are spread over so many tests, so that several processes can take part."""

SEEN = tuple(each for each in CORNERS if each != "conditions")
"""Conditions of an AuthorizationPolicy hold what users fill in, and reach the engine as pseudonyms."""

OPTIONS = [
    Options(matches, host, local)
    for matches, host, local in itertools.product(
        ("always", "never", "unknown"), ("plugin_typical", "unknown"), ("allowed", "unknown")
    )
]


def objects(cluster: Object) -> list[Object]:
    """Return every object of a cluster."""
    return [each for key in LISTS for each in cluster[key]]


def engine(cluster: Object, options: Options) -> Callable[[str, str, int, str], str]:
    """Return the engine's answer to questions of the oracle's form.

    The one place that knows both: raw objects become a snapshot through the real builder, pods are named
    `Pod/namespace/name`, addresses stay as they are.
    """
    held = objects(cluster)
    kinds = {(each["apiVersion"].rpartition("/")[0], each["kind"], "") for each in held}
    snapshot = snapshot_of(held, overrides=dict.fromkeys(kinds, "answered"))
    named = {key: getattr(options, key) for key in ("cidr_matches_pods", "host_network", "node_local")}
    built = Reachability.of(snapshot, **named, enforcement="enforced")

    def ask(source: str, destination: str, port: int, protocol: str) -> str:
        ends = [f"Pod/{each}" if "/" in each else each for each in (source, destination)]
        return str(built.allowed(*ends, protocol, port))

    return ask


def differences(cluster: Object, options: Options, asked: list[tuple[str, str, int, str]]) -> list[str]:
    """Return one line for every question that the two answer differently."""
    ask = engine(cluster, options)
    lines = []
    for each in asked:
        expected, found = evaluate(cluster, *each, options), ask(*each)
        if expected != found:
            lines.append(f"{each}: the oracle says {expected}, the engine {found}, under {options}")
    return lines


@pytest.mark.parametrize("share", range(SHARES))
def test_random_clusters(share: int) -> None:
    for number in range(share, CLUSTERS, SHARES):
        seed = FIRST + number
        cluster = random_cluster(seed, MIXES[seed % len(MIXES)], SEEN)
        found = differences(cluster, OPTIONS[seed % len(OPTIONS)], questions(cluster, seed))
        assert not found, "\n".join([f"seed {seed}, kinds {MIXES[seed % len(MIXES)]}", *found[:10], *shown(cluster)])


@settings(
    max_examples=max(1, CLUSTERS // 12),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
    derandomize="HIPAA_KIT_DIFFERENTIAL_CLUSTERS" not in os.environ,
)
@given(st.sampled_from(MIXES).flatmap(lambda mix: clusters(mix, SEEN)), st.integers(0, 99), st.sampled_from(OPTIONS))
def test_smallest_cluster(cluster: Object, seed: int, options: Options) -> None:
    """Do the same through hypothesis, which makes what it finds small."""
    assert differences(cluster, options, questions(cluster, seed, most_ports=2)) == []


def shown(cluster: Object) -> list[str]:
    """Return the policies of a cluster, one a line, to look at."""
    return [f"{each['kind']} {each['metadata']} {each.get('spec', each.get('specs'))}" for each in cluster["policies"]]


def _terminated_end(case: Case) -> bool:
    return case.id.startswith("kubernetes: pods that ended")


def _condition_on_a_port(case: Case) -> bool:
    """Tell whether a case rests on the keys of conditions, which reach the engine as pseudonyms."""
    return case.id == "istio: what only requests have 6"


def asked() -> list[Any]:
    held = [each for each in cases() if not _terminated_end(each) and not _condition_on_a_port(each)]
    return [pytest.param(each, id=each.id) for each in held]


@pytest.mark.parametrize("case", asked())
def test_documented_answer(case: Case) -> None:
    """Hold the engine against every case that the oracle was held against."""
    assert engine(case.cluster, case.options)(*case.question) == case.answer, case.source


# --- nothing that a policy says is lost on the way to the engine -----------------------------------------------------


def losses(raw: Any, kept: Any, path: str) -> list[str]:
    """Return the places where what a snapshot keeps of an object differs from the object."""
    if isinstance(raw, dict):
        pairs = [
            (value, kept.get(key) if hasattr(kept, "get") else None, f"{path}.{key}") for key, value in raw.items()
        ]
    elif isinstance(raw, list):
        pairs = [(value, other, f"{path}[]") for value, other in zip(raw, kept or [None] * len(raw), strict=False)]
    else:
        return [] if raw == kept else [f"{path}: {raw!r} became {kept!r}"]
    return [loss for value, other, place in pairs for loss in losses(value, other, place)]


def held(cluster: Object) -> list[str]:
    """Return what a snapshot loses of a cluster's policies, and of what they look at."""
    snapshot = snapshot_of(objects(cluster))
    kept = {
        (record.group, record.kind, record.namespace, record.name): record.content
        for part in snapshot.parts.values()
        for record in part.load()
    }
    found = []
    for each in objects(cluster):
        group = each["apiVersion"].rpartition("/")[0]
        key = (group, each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"])
        found += losses(each, kept.get(key), f"{group}/{each['kind']}")
    return found


@pytest.mark.parametrize("mix", MIXES, ids=" ".join)
def test_the_snapshot_keeps_what_policies_say(mix: tuple[str, ...]) -> None:
    for seed in range(FIRST, FIRST + 10):
        assert held(random_cluster(seed, mix, SEEN)) == [], f"seed {seed}"
