"""Large clusters: pods to tables, import and reopening, beside what must be paid at least.

`HIPAA_KIT_BENCH=full` measures 10,000 pods (90 MB of JSON) and 100,000 pods (about 1 GB).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import simdjson
from measuring import FULL, cpu, in_a_process
from synthetic import pages, pod_texts

import hipaa_kit.inventory
from hipaa_kit.inventory.registry import Inventory, discover
from hipaa_kit.sources.builder import SnapshotBuilder
from hipaa_kit.sources.pseudonyms import DEMO_KEY, Pseudonymizer
from hipaa_kit.sources.redaction import shapes
from hipaa_kit.sources.snapshot import Snapshot

PODS = 10_000 if FULL else 300
IMPORTED = 100_000 if FULL else 2_500
TABLES = (
    *("workloads", "pods", "containers", "container_ports", "environment", "probes", "volumes", "volume_mounts"),
    *("spread_rules", "labels", "conditions", "control_plane_members", "pod_security"),
)
"""All tables that are made of pods alone."""

discover(hipaa_kit.inventory)

IMPORT = """
import sys
from hipaa_kit.cli import main
assert main(["import", sys.argv[1], "-o", sys.argv[2]]) == 0
"""
OPEN = f"""
import sys
import hipaa_kit
run = hipaa_kit.assessment(sys.argv[1])
rows = sum(len(run.tables[name]) for name in {TABLES!r})
"""


@pytest.fixture(scope="module", autouse=True)
def _nothing_kept() -> Iterator[None]:
    held = os.environ.get("HIPAA_KIT_TABLE_CACHE")
    os.environ["HIPAA_KIT_TABLE_CACHE"] = "off"
    yield
    del os.environ["HIPAA_KIT_TABLE_CACHE"]
    os.environ.update({"HIPAA_KIT_TABLE_CACHE": held} if held else {})


@pytest.fixture(scope="module")
def answers() -> list[bytes]:
    return list(pages(PODS))


@pytest.fixture(scope="module")
def simd(answers: list[bytes]) -> float:
    """CPU seconds of SIMD parsing of the same bytes."""
    parser = simdjson.Parser()

    def parse() -> None:
        for answer in answers:
            parser.parse(answer)

    return cpu(parse, 5)


@pytest.fixture(scope="module")
def as_objects(answers: list[bytes]) -> float:
    """CPU seconds of SIMD parsing of the same bytes into Python objects, of which nothing is kept."""
    parser = simdjson.Parser()

    def parse() -> None:
        for answer in answers:
            parser.parse(answer).as_dict()

    return cpu(parse, 3)


def items(answer: bytes) -> bytes:
    return answer[answer.index(b'"items":') + 8 : answer.rindex(b"}")]


def read(answers: list[bytes]) -> Snapshot:
    builder = SnapshotBuilder("live", Pseudonymizer(DEMO_KEY))
    first = 0
    for answer in answers:
        taken = list(builder.add_page(items(answer), "pods", first, kind=("v1", "Pod")))
        assert not any(isinstance(each, bytes) for each in taken)
        first += len(taken)
    return builder.build()


@pytest.fixture
def report(
    benchmark: Any, simd: float, as_objects: float, answers: list[bytes]
) -> Callable[[Callable[[], object]], None]:
    """Measure some work beside both ways of parsing, in the same run."""

    def measure(work: Callable[[], object]) -> None:
        benchmark.pedantic(work, rounds=3 if FULL else 1)
        size = sum(map(len, answers)) / 1e6
        taken = cpu(work, 3 if FULL else 1)
        ratios = {"ratio_to_simd": round(taken / simd, 1), "ratio_to_simd_objects": round(taken / as_objects, 2)}
        benchmark.extra_info.update(pods=PODS, megabytes=round(size, 1), **ratios)
        print(
            f"\n{PODS} pods, {size:.0f} MB: {taken / simd:.1f} times SIMD parsing ({simd:.3f} CPU s), "
            f"{taken / as_objects:.2f} times SIMD parsing into Python objects ({as_objects:.2f} CPU s)"
        )

    return measure


def test_decoding_into_shapes(report: Any, answers: list[bytes]) -> None:
    decoder = msgspec.json.Decoder(list[shapes.POD])
    pods = [items(answer) for answer in answers]
    report(lambda: [decoder.decode(each) for each in pods])


def test_pods_to_a_snapshot(report: Any, answers: list[bytes]) -> None:
    report(lambda: read(answers))


def test_pods_to_all_their_tables(report: Any, answers: list[bytes]) -> None:
    def work() -> None:
        inventory = Inventory(read(answers))
        assert all(name == "control_plane_members" or len(inventory[name]) for name in TABLES)

    report(work)


@pytest.fixture(scope="module")
def dump() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pods.json"
        with file.open("w", encoding="utf-8") as out:
            out.write('{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[')
            for number, text in enumerate(pod_texts(IMPORTED)):
                out.write(f",{text}" if number else text)
            out.write("]}\n")
        yield file


def test_import_and_reopening(benchmark, dump: Path) -> None:
    snapshot = dump.parent / "pods.snap"
    kept = {"HIPAA_KIT_TABLE_CACHE": str(dump.parent / "kept"), "HIPAA_KIT_KEY_FILE": str(dump.parent / "key")}
    imported = in_a_process(IMPORT, dump, snapshot, **kept)
    built = in_a_process(OPEN, snapshot, **kept)
    reopened = benchmark.pedantic(in_a_process, (OPEN, snapshot), kept, rounds=3 if FULL else 1)
    nothing = in_a_process("import hipaa_kit.assess.opening", **kept)
    times = imported["cpu_seconds"] / reopened["cpu_seconds"]
    benchmark.extra_info.update(
        pods=IMPORTED,
        megabytes=round(dump.stat().st_size / 1e6),
        import_cpu_seconds=round(imported["cpu_seconds"], 1),
        import_peak_mb=round(imported["peak_mb"]),
        first_tables_cpu_seconds=round(built["cpu_seconds"], 1),
        first_tables_peak_mb=round(built["peak_mb"]),
        reopened_cpu_seconds=round(reopened["cpu_seconds"], 2),
        reopened_peak_mb=round(reopened["peak_mb"]),
        of_which_starting=round(nothing["cpu_seconds"], 2),
        times_faster=round(times, 1),
    )
    print(f"\n{benchmark.extra_info}")
