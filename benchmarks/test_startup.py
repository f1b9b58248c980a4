"""`hipaa-kit --help` answers in under 0.3 CPU seconds."""

import os
import resource
import subprocess
import sys


def cpu_seconds(*command: str) -> float:
    """Return the CPU seconds that a command takes in a process of its own."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def test_help(benchmark) -> None:
    command = (sys.executable, "-m", "hipaa_kit", "--help")
    benchmark.pedantic(cpu_seconds, args=command, rounds=7, warmup_rounds=1)
    bare = min(cpu_seconds(sys.executable, "-c", "pass") for _ in range(7))
    ours = min(cpu_seconds(*command) for _ in range(7))
    benchmark.extra_info.update(cpu_seconds=round(ours, 3), bare_python=round(bare, 3), ratio=round(ours / bare, 1))
    print(f"\n--help: {ours:.3f} CPU s; bare Python: {bare:.3f} CPU s")
