"""From pages to tables: each step as a ratio to decoding the same bytes with the standard library."""

import copy
import json
import tracemalloc
from collections.abc import Callable

import pytest
from measuring import cpu
from synthetic import clinic_pods

import hipaa_kit.inventory
from hipaa_kit.inventory.registry import Inventory, discover
from hipaa_kit.sources.builder import SnapshotBuilder
from hipaa_kit.sources.documents import no_cyclic_collection
from hipaa_kit.sources.pseudonyms import DEMO_KEY, Pseudonymizer
from hipaa_kit.sources.redaction import redact

discover(hipaa_kit.inventory)
COUNT = 2000
TABLES = ("workloads", "pods", "containers", "container_ports", "environment", "probes", "volumes", "volume_mounts")


@pytest.fixture(scope="module")
def objects() -> list[dict]:
    return clinic_pods(COUNT)


@pytest.fixture(scope="module")
def pages(objects: list[dict]) -> list[bytes]:
    chunks = [objects[start : start + 500] for start in range(0, COUNT, 500)]
    return [json.dumps({"kind": "PodList", "items": chunk}).encode() for chunk in chunks]


@pytest.fixture(scope="module")
def baseline(pages: list[bytes]) -> float:
    return cpu(lambda: [json.loads(page) for page in pages])


def report(benchmark, work: Callable[[], object], baseline: float) -> None:
    """Measure time and peak memory of some work, beside the baseline of the same run."""
    benchmark.pedantic(work, rounds=3, warmup_rounds=1)
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    ratio = cpu(work) / baseline
    benchmark.extra_info.update(objects=COUNT, ratio_to_json=round(ratio, 2), peak_mb=round(peak / 2**20, 1))


def test_decoding_with_the_cyclic_collector_paused(benchmark, pages: list[bytes], baseline: float) -> None:
    def work() -> list:
        with no_cyclic_collection():
            return [json.loads(page) for page in pages]

    report(benchmark, work, baseline)


def test_copying(benchmark, objects: list[dict], baseline: float) -> None:
    report(benchmark, lambda: [copy.deepcopy(obj) for obj in objects], baseline)


def test_redaction(benchmark, objects: list[dict], baseline: float) -> None:
    pseudonym = Pseudonymizer(DEMO_KEY)
    report(benchmark, lambda: [redact(obj, pseudonym) for obj in objects], baseline)


def snapshot(objects: list[dict]):
    builder = SnapshotBuilder("live", Pseudonymizer(DEMO_KEY))
    for obj in objects:
        builder.add(obj, "pods")
    return builder.build()


def test_building_a_snapshot(benchmark, objects: list[dict], baseline: float) -> None:
    report(benchmark, lambda: snapshot(objects), baseline)


def test_tables_of_pods(benchmark, objects: list[dict], baseline: float) -> None:
    held = snapshot(objects)
    report(benchmark, lambda: [Inventory(held)[name] for name in TABLES], baseline)
