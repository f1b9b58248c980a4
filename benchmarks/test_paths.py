"""Paths of a large cluster: the merged graph, and paths from the internet to everything with ePHI; seconds and memory.

`HIPAA_KIT_BENCH_PODS=10000` with `HIPAA_KIT_BENCH_BINDINGS=10000` is the size of the first goal, and with 100,000 pods
that of the second. The graph is made of permissions and reachability as they come from tables and facts: reading is
measured elsewhere.
"""

from __future__ import annotations

import resource
from functools import cache

import pandas as pd
from measuring import size
from synthetic_network import facts

from benchmarks.test_permissions import Given, seconds, tables
from hipaa_kit.assess.facade import registered_checks
from hipaa_kit.graph.paths import Paths
from hipaa_kit.graph.permissions import Permissions
from hipaa_kit.graph.permissions.loading import known
from hipaa_kit.graph.reachability import Reachability
from hipaa_kit.inventory.registry import Inventory
from hipaa_kit.sources.builder import SnapshotBuilder
from hipaa_kit.sources.pseudonyms import DEMO_KEY, Pseudonymizer
from hipaa_kit.tables.cluster import NODES
from hipaa_kit.tables.reachability import EXPOSURES
from hipaa_kit.tables.scope import EPHI_OBJECTS
from hipaa_kit.tables.workloads import ENVIRONMENT, PODS

registered_checks()
COUNT = size("PODS", 10_000, 100_000)
POLICIES = max(COUNT // 10, 200) if COUNT <= 10_000 else 1_000


@cache
def network():
    return facts(COUNT, POLICIES)


@cache
def beside() -> dict[str, pd.DataFrame]:
    """Return tables of the pods: every tenth application holds ePHI, some can be reached from outside."""
    accounts = tables()["service_accounts"]
    by_place = accounts.groupby("namespace")["object"].apply(list).to_dict()
    rows, ephi, secrets, exposed = [], {}, [], []
    for number, pod in enumerate(network().pods):
        mine = by_place.get(pod.namespace, [f"ServiceAccount/{pod.namespace}/default"])
        name = pod.object.rpartition("/")[2]
        base = {"object": pod.object, "namespace": pod.namespace, "name": name, "workload": pod.workload}
        account = mine[number % len(mine)]
        rows.append({**base, "live": True, "node": pod.node, "phase": "Running", "service_account": account})
        if pod.workload.endswith("/app-3"):
            ephi[pod.object] = {"object": pod.object, "kind": "Pod", "namespace": pod.namespace, "name": name}
            own = pod.workload.rpartition("/")[2]
            ephi[pod.workload] = {"object": pod.workload, "kind": "Deployment", "namespace": pod.namespace, "name": own}
        if number % 7 == 0:
            secret = f"Secret/{pod.namespace}/name-{number % 100}"
            secrets.append(
                {"pod": pod.object, "container": "main", "name": "P", "origin": "Secret", "reference": secret}
            )
        if number % 500 == 0:
            entry = {"entry": f"Service/{pod.namespace}/entry", "entry_type": "load_balancer", "entry_port": 80}
            told = {
                "level": "internet",
                "verdict": "allowed",
                "protocol": "TCP",
                "port": 8080,
                "enforcement": "enforced",
            }
            exposed.append({"pod": pod.object, "workload": pod.workload, **entry, **told})
    nodes = sorted({pod.node for pod in network().pods})
    return {
        "pods": PODS.frame(rows),
        "ephi_objects": EPHI_OBJECTS.frame({**each, "criticality": "critical"} for each in ephi.values()),
        "environment": ENVIRONMENT.frame(secrets),
        "exposures": EXPOSURES.frame(exposed),
        "nodes": NODES.frame({"object": f"Node//{name}", "name": name} for name in nodes),
    }


def made() -> Paths:
    """Return the paths of the cluster with the graph made, permissions and network and all."""
    snapshot = SnapshotBuilder("live", Pseudonymizer(DEMO_KEY)).build()
    given = Given({**tables(), **beside()}, Inventory(snapshot))
    paths = Paths(given, Permissions(known(given, snapshot), given), Reachability(network()))
    assert paths.graph.size > COUNT
    return paths


def test_graph_and_paths(benchmark) -> None:
    beside()
    held: list[Paths] = []
    building = seconds(lambda: held.append(made()))
    paths = held[0]
    asking = seconds(lambda: held.append(paths.to_ephi(k=1)))
    hops = held[1]
    assert hops["end"].nunique() > 0
    benchmark.pedantic(paths.to_ephi, kwargs={"k": 1}, rounds=1)
    size = {
        "pods": COUNT,
        "classes": paths.reachability.engine.classes.pods,
        "nodes": paths.graph.size,
        "edges": len(paths.graph.source),
        "targets": len(paths.targets),
        "reached": int(hops["end"].nunique()),
        "graph_seconds": round(building, 2),
        "paths_seconds": round(asking, 2),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    benchmark.extra_info.update(size)
    print(f"\n{size}")
