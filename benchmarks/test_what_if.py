"""What-if of one network policy on a whole assessment, beside assessing the changed cluster anew.

`HIPAA_KIT_BENCH=full` measures 10,000 pods, 1,000 policies and 10,000 role bindings; otherwise a tenth of it.
"""

from __future__ import annotations

import resource
from typing import Any

import pandas as pd
import pytest
from measuring import FULL, cpu
from synthetic_cluster import SCOPE, objects

from hipaa_kit.assess.facade import Assessment
from hipaa_kit.graph.paths.changes import path_changes
from hipaa_kit.sources.builder import SnapshotBuilder
from hipaa_kit.sources.pseudonyms import DEMO_KEY, Pseudonymizer
from hipaa_kit.sources.scope import load_scope

PODS, SHAPE, POLICIES, BINDINGS = (10_000, (100, 10), 1_000, 10_000) if FULL else (500, (10, 10), 50, 500)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Assessment:
    builder = SnapshotBuilder("live", Pseudonymizer(DEMO_KEY))
    for number, each in enumerate(objects(PODS, SHAPE, POLICIES, BINDINGS)):
        builder.add(each, "objects", f":{number}")
    file = tmp_path_factory.mktemp("scope") / "scope.yaml"
    file.write_text(SCOPE)
    made = Assessment(builder.build(), load_scope(file))
    made.pseudonymizer = Pseudonymizer(DEMO_KEY)
    made.findings()
    assert made.paths.graph.size > PODS
    assert made.permissions is not None
    return made


def policy(space: str) -> dict[str, Any]:
    """Return a policy that lets one application into another of the same namespace."""
    ingress = [{"from": [{"podSelector": {"matchLabels": {"app": "app-1"}}}], "ports": [{"port": 8080}]}]
    spec = {"podSelector": {"matchLabels": {"app": "app-3"}}, "policyTypes": ["Ingress"], "ingress": ingress}
    metadata = {"name": "new", "namespace": space}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}


def test_what_if_of_one_policy(benchmark: Any, run: Assessment) -> None:
    run.what_if(policy("ns-5")).tables()  # what is found out of the state before is found out once
    held: list[dict[str, pd.DataFrame]] = []
    spaces = iter(("ns-1", "ns-2", "ns-3"))
    taken = cpu(lambda: held.append(run.what_if(policy(next(spaces))).tables()), 3 if FULL else 1)
    found = run.what_if(policy("ns-1"))
    anew = Assessment(found.after.snapshot, run.scope, as_of=run.as_of)
    whole = cpu(lambda: (anew.findings(), anew.paths.graph), 1)
    pd.testing.assert_frame_equal(found.after.findings(), anew.findings())
    pd.testing.assert_frame_equal(found.paths, path_changes(run.paths, anew.paths))
    assert len(held[0]["objects"]) == 1
    benchmark.pedantic(lambda: run.what_if(policy("ns-4")).tables(), rounds=1)
    benchmark.extra_info.update(
        pods=PODS,
        role_bindings=BINDINGS,
        what_if_cpu_seconds=round(taken, 2),
        anew_cpu_seconds=round(whole, 2),
        times_faster=round(whole / taken, 1),
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    )
    print(f"\n{benchmark.extra_info}")
