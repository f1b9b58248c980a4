"""Every check on a large cluster of many clinics: CPU seconds and peak memory, after tables and graph are made.

`HIPAA_KIT_BENCH=full` measures 10,000 pods; `-s` shows the figures of each check. What a check takes includes holding
what it says against coverage. Its peak is the most that the process held while it ran, all tables included.
At 10,072 pods no check takes a second by itself; a collection of cyclic garbage that falls into one adds 1.2 s.
"""

from __future__ import annotations

import gc
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from many_clinics import write_cluster
from measuring import FULL

import hipaa_kit
from hipaa_kit.assess.facade import Assessment
from hipaa_kit.assess.runner import Verdict
from hipaa_kit.inventory.registry import Inventory
from hipaa_kit.safeguards.check import Check
from hipaa_kit.vocabulary import ERROR

PODS = 10_000 if FULL else 300
MOST_SECONDS, MOST_MB = 20, 2_000
"""What all checks may take together, and the process may hold, by the goal for 10,000 pods."""


@pytest.fixture(scope="module")
def run() -> Iterator[Assessment]:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HIPAA_KIT_TABLE_CACHE", "off")
        cluster = Path(folder) / "cluster"
        pods = write_cluster(cluster, PODS)
        opened = hipaa_kit.assessment(cluster)
        assert opened.tables["pods"]["live"].sum() == pods  # the others stand for templates without pods
        yield opened


def test_all_checks(benchmark, run: Assessment) -> None:
    inventory = run.tables._inventory
    of_objects = run.checks_behind()
    making, _ = _measured(lambda: [inventory[name] for check in of_objects for name in check.tables])
    gc.freeze()  # what the tables hold stays: to look through it before every check took longer than all checks
    taken = {check.id: _judged(run, check, inventory) for check in of_objects}
    joining, _ = _measured(lambda: run.tables._known)
    taken |= {check.id: _judged(run, check, run.tables._known) for check in run.checks if check.judges_findings}
    assert not [name for name, (_, _, verdicts) in taken.items() if any(each.verdict == ERROR for each in verdicts)]
    gc.unfreeze()
    _print(taken)
    seconds, peak = sum(row[0] for row in taken.values()), max(row[1] for row in taken.values())
    findings = benchmark.pedantic(run.findings, rounds=1)
    size = {
        "pods": int(run.tables["pods"]["live"].sum()),
        "ephi_workloads": len(run.tables["ephi_workloads"]),
        "findings": len(findings),
        "tables_seconds": round(making, 1),
        "checks": len(taken),
        "checks_seconds": round(seconds, 1),
        "joining_seconds": round(joining, 1),
        "peak_mb": round(peak),
    }
    benchmark.extra_info.update(size)
    print(f"\n{size}")
    assert seconds < MOST_SECONDS
    assert peak < MOST_MB


def _judged(run: Assessment, check: Check, tables: Inventory) -> tuple[float, float, list[Verdict]]:
    """Return CPU seconds, peak memory and verdicts of one check."""
    found: list[Verdict] = []
    seconds, peak = _measured(lambda: found.extend(run.tables._run(check, tables)))
    return seconds, peak, found


def _measured(work: Callable[[], object]) -> tuple[float, float]:
    """Return the CPU seconds that some work takes, and the most memory held meanwhile in MB, where Linux tells."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # sets the peak back
    start = time.process_time()
    work()
    seconds = time.process_time() - start
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    return seconds, int(found[1]) / 1024 if found else 0.0


def _print(taken: dict[str, tuple[float, float, list[Verdict]]]) -> None:
    print(f"\n{'check':<11}{'CPU s':>7}{'peak MB':>9}{'objects':>9}")
    for name, (seconds, peak, verdicts) in sorted(taken.items(), key=lambda item: -item[1][0]):
        print(f"{name:<11}{seconds:>7.2f}{peak:>9.0f}{len(verdicts):>9}")
