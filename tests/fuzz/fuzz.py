"""Coverage-guided fuzzing with atheris: `make fuzz`, or `python tests/fuzz/fuzz.py [TARGET] [libFuzzer options]`.

Without a target each one gets an equal part of HIPAA_KIT_FUZZ_SECONDS (600 by default). What ends a run is kept in
`.fuzz/`; add it to `tests/fuzz/corpus/<target>/` together with the mending.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).parent / "corpus"
FOUND = ROOT / ".fuzz"
SECONDS_OF_ONE_INPUT = 240
MEGABYTES = 2048


def fuzz(name: str, options: list[str]) -> None:
    """Fuzz one target until its time is over; atheris ends the process."""
    import atheris

    with atheris.instrument_imports(include=["hipaa_kit"]):
        from tests.fuzz.targets import TARGETS

    TARGETS[name](b"")  # what is imported late counts for no input
    atheris.Setup([name, *options], TARGETS[name])
    atheris.Fuzz()


def options(name: str, seconds: int, seed: int) -> list[str]:
    """Return options of libFuzzer: what it learns goes to `.fuzz/`, what is given comes from the corpus."""
    learned = FOUND / name
    learned.mkdir(parents=True, exist_ok=True)
    return [
        f"-max_total_time={seconds}",
        f"-seed={seed}",
        f"-timeout={SECONDS_OF_ONE_INPUT}",
        f"-rss_limit_mb={MEGABYTES}",
        f"-artifact_prefix={FOUND}/{name}-",
        "-max_len=20000",
        "-print_final_stats=1",
        "-verbosity=0",
        str(learned),
        *([str(CORPUS / name)] if (CORPUS / name).is_dir() else []),
    ]


def main() -> int:
    """Fuzz every target in a process of its own, and print the seed that would do it again."""
    from tests.fuzz.targets import TARGETS

    seconds = max(int(os.environ.get("HIPAA_KIT_FUZZ_SECONDS", "600")) // len(TARGETS), 1)
    failed = []
    for name in TARGETS:
        seed = int(os.environ.get("HIPAA_KIT_FUZZ_SEED") or secrets.randbelow(2**31))
        print(f"{name}: {seconds} s, HIPAA_KIT_FUZZ_SEED={seed}", flush=True)
        ended = subprocess.run([sys.executable, __file__, name, *options(name, seconds, seed)], cwd=ROOT, check=False)
        failed += [name] if ended.returncode else []
    print(f"failed: {', '.join(failed)}; see {FOUND}" if failed else "nothing was found")
    return int(bool(failed))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    if len(sys.argv) > 1:
        fuzz(sys.argv[1], sys.argv[2:])
    else:
        sys.exit(main())
