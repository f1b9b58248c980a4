"""Network reachability: cost by classes, not pods, and an answer with its reason while somebody waits.

Small sizes run by default; `HIPAA_KIT_BENCH=full` adds a hundred thousand pods. Times are CPU seconds of the
engine alone, after load: policies are read, classes and rows are made, and every flow between classes is worked out.
"""

from __future__ import annotations

import gc
import resource
import time
from collections.abc import Callable

import numpy as np
import pytest
from measuring import FULL
from synthetic_network import facts

from hipaa_kit.graph.reachability import Facts, Reachability
from hipaa_kit.graph.reachability.explain import Explanation

SIZES = [(1_000, 200), (10_000, 1_000)]
LARGE = [(100_000, 1_000), (100_000, 10_000)]


def cpu(work: Callable[[], object]) -> tuple[float, object]:
    """Return the CPU seconds that some work takes, and what it gives."""
    gc.collect()
    start = time.process_time()
    made = work()
    return time.process_time() - start, made


def every_flow(reach: Reachability) -> int:
    """Work out the flow between all classes, and return how many pairs of them may connect."""
    every = np.arange(reach.engine.classes.size)
    found = 0
    for at in range(0, len(every), 256):
        flows = reach.engine.tile(every[at : at + 256], every)
        may = np.array([planes.possible != 0 for planes in reach.engine.flows.planes])
        found += int(np.count_nonzero(may[flows]))
    return found


def everything(held: Facts) -> tuple[Reachability, int]:
    reach = Reachability(held)
    return reach, every_flow(reach)


@pytest.mark.parametrize(("pods", "policies"), SIZES + (LARGE if FULL else []))
def test_all_flows(benchmark, pods: int, policies: int) -> None:
    held = facts(pods, policies, admin=True)
    reach, flows = benchmark.pedantic(everything, args=(held,), rounds=1 if pods > 10_000 else 3)
    seconds, _ = cpu(lambda: everything(held))
    classes = reach.engine.classes
    benchmark.extra_info.update(
        classes=classes.pods,
        signatures=len(reach.engine.ingress.signatures) + len(reach.engine.egress.signatures),
        flows=flows,
        cpu_seconds=round(seconds, 2),
        microseconds_per_pair=round(seconds * 1e6 / classes.size**2, 2),
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    )
    print(f"\n{pods} pods, {policies} policies: {seconds:.2f} CPU s, {benchmark.extra_info}")


def test_cost_grows_with_classes_and_not_with_pods(benchmark) -> None:
    """Ten times the pods of the same applications, against ten times the applications."""
    few, many, wide = facts(1_000, 200), facts(10_000, 200, shape=(20, 10)), facts(10_000, 1_000)
    for held in (few, many, wide):
        everything(held)
    taken = [min(cpu(lambda h=held: every_flow(Reachability(h)))[0] for _ in range(3)) for held in (few, many, wide)]
    base, more_pods, more_classes = taken
    benchmark.pedantic(everything, args=(few,), rounds=1)
    ratios = {"ten_times_the_pods": round(more_pods / base, 1), "five_times_the_classes": round(more_classes / base, 1)}
    benchmark.extra_info.update(ratios)
    print(f"\n{ratios}")


EACH = 20
"""Questions of every verdict, at most."""

LONGEST_MS = 50


def questions(reach: Reachability) -> dict[str, list[tuple[str, str, int]]]:
    """Return as many questions whose answer is allowed as denied, and as not known, spread over the classes."""
    engine, pods = reach.engine, reach.facts.pods
    every = np.arange(engine.classes.pods)
    found: dict[str, list[tuple[str, str, int]]] = {"allowed": [], "denied": [], "unknown": []}
    for at in range(0, len(every), 64):
        flows = engine.tile(every[at : at + 64], every)
        for number in np.unique(flows).tolist():
            sources, destinations = np.nonzero(flows == number)
            few = range(0, len(sources), max(1, len(sources) // 4))
            for verdict, port in ports(reach, number).items():
                ends = [
                    (engine.classes.members[at + sources[n]][-1], engine.classes.members[destinations[n]][0])
                    for n in few
                ]
                found[verdict] += [(pods[one].object, pods[other].object, port) for one, other in ends if one != other]
        if all(len(each) >= EACH for each in found.values()):
            break
    return {verdict: each[:: max(1, len(each) // EACH)][:EACH] for verdict, each in found.items()}


def ports(reach: Reachability, number: int) -> dict[str, int]:
    """Return for a flow a TCP port of every verdict that it has."""
    atoms, planes = reach.engine.atoms, reach.engine.flows.planes[number]
    bits = {
        "allowed": planes.sure,
        "unknown": planes.possible & ~planes.sure,
        "denied": atoms.everything & ~planes.possible,
    }
    first = {
        verdict: [each.first for each in atoms.ranges(held) if each.protocol == "TCP"] for verdict, held in bits.items()
    }
    return {verdict: each[0] for verdict, each in first.items() if each}


def test_an_explanation_while_somebody_waits(benchmark) -> None:
    """Allowed, denied and not known alike, as the first question and later: labels of four namespaces were not seen."""
    pods, policies = (100_000, 1_000) if FULL else (10_000, 1_000)
    cluster = facts(pods, policies, admin=True, unseen=4)
    reach = Reachability(cluster)
    held = questions(reach)
    for verdict, asked in held.items():
        assert len(asked) >= 5, verdict
        first, told = first_explanation(cluster, *asked[0])
        assert told.verdict == verdict
        times = []
        for source, destination, port in asked:
            seconds, told = cpu_once(lambda s=source, d=destination, p=port: reach.explain(s, d, "TCP", p))
            assert told.verdict == verdict
            times.append(seconds * 1e3)
        median, slowest = sorted(times)[len(times) // 2], max(times)
        benchmark.extra_info.update(
            {
                f"{verdict}_first_ms": round(first, 2),
                f"{verdict}_median_ms": round(median, 2),
                f"{verdict}_slowest_ms": round(slowest, 1),
            }
        )
        print(
            f"\n{pods} pods: explain takes {median:.2f} ms where {verdict}, at most {slowest:.1f} ms, "
            f"{first:.2f} ms as the first question"
        )
        assert max(first, slowest) < LONGEST_MS
    source, destination, port = held["unknown"][0]
    benchmark(lambda: reach.explain(source, destination, "TCP", port))


@pytest.mark.parametrize(
    ("source", "destination", "spaces"),
    [
        pytest.param("Pod/ns-10/pod-10", "10.0.0.11", 500, id="address of a pod"),
        pytest.param("internet", "Deployment/ns-10/app-0", 500, id="workload"),
        pytest.param("Namespace//ns-10", "Namespace//ns-11", 500, id="namespaces"),
        pytest.param("Pod/ns-0/pod-10", "Pod/ns-0/pod-11", 1, id="all pods in one namespace"),
    ],
)
def test_a_first_explanation_however_the_ends_are_named(benchmark, source: str, destination: str, spaces: int) -> None:
    """Ends by address, workload and namespace, and a namespace that holds every pod of the cluster."""
    pods = 100_000 if FULL else 10_000
    apps = 5_000 // spaces
    cluster = facts(pods, 1_000, admin=True, shape=(spaces, apps))
    first, told = first_explanation(cluster, source, destination, 443)
    benchmark.extra_info.update(first_ms=round(first, 2), verdict=told.verdict)
    benchmark.pedantic(lambda: told.table(), rounds=1)
    print(f"\n{pods} pods in {spaces} namespaces: {source} to {destination} takes {first:.2f} ms as the first question")
    assert first < LONGEST_MS


def first_explanation(cluster: Facts, source: str, destination: str, port: int) -> tuple[float, Explanation]:
    """Return the CPU milliseconds of the first question that an engine is asked, and its answer."""
    reach = Reachability(cluster)
    gc.collect()
    seconds, told = cpu_once(lambda: reach.explain(source, destination, "TCP", port))
    return seconds * 1e3, told


def cpu_once(work: Callable[[], object]) -> tuple[float, object]:
    """Return the CPU seconds of one call, without collecting garbage first."""
    start = time.process_time()
    made = work()
    return time.process_time() - start, made


def test_pairs_of_pods_one_by_one(benchmark) -> None:
    """All pairs of a thousand pods that may connect, named, with their ports."""
    held = facts(1_000, 200)
    seconds, pairs = cpu(lambda: sum(1 for _ in Reachability(held).expand()))
    benchmark.pedantic(lambda: sum(1 for _ in Reachability(held).expand()), rounds=1)
    benchmark.extra_info.update(pairs=pairs, cpu_seconds=round(seconds, 2))
    print(f"\n1000 pods, 200 policies: {pairs} pairs of pods in {seconds:.2f} CPU s")
