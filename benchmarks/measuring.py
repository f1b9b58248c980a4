"""What all benchmarks measure with: CPU seconds, peak memory of a process of its own, and sizes by the environment."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

FULL = os.environ.get("HIPAA_KIT_BENCH") == "full"
"""Measure at the size that the figures are stated for; otherwise small, to see that it runs."""


def size(name: str, small: int, full: int) -> int:
    """Return a size: the full one where that is asked for, and what `HIPAA_KIT_BENCH_<name>` says before all."""
    return int(os.environ.get(f"HIPAA_KIT_BENCH_{name}", str(full if FULL else small)))


PEAK = """
import re, resource
from pathlib import Path

def peak_mb():
    status = Path("/proc/self/status")
    told = re.search(r"VmHWM:\\s+(\\d+) kB", status.read_text()) if status.exists() else None
    return (int(told[1]) if told else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 1024
"""
"""Code by which a process tells the most memory that it held.

Linux counts what the parent held before `exec` into ru_maxrss, but not into VmHWM.
"""


def cpu(work: Callable[[], object], rounds: int = 3) -> float:
    """Return the least CPU seconds that some work takes."""
    taken = []
    for _ in range(rounds):
        gc.collect()
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def in_a_process(code: str, *arguments: str | Path, **environment: str) -> dict[str, Any]:
    """Run code in a process of its own; return what it printed as JSON, with its CPU seconds and peak memory in MB.

    The code finds its arguments in `sys.argv[1:]`, and prints one JSON object last.
    """
    tail = """
import json
use = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"cpu_seconds": use.ru_utime + use.ru_stime, "peak_mb": peak_mb()}))
"""
    command = [sys.executable, "-c", code + PEAK + tail, *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **environment})
    said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {key: value for each in said for key, value in each.items()}
