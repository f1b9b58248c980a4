"""Any bytes at any door: a `KitError`, an answer, and nothing else. `make fuzz` looks for more with a coverage-guided fuzzer."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS
from tests.support.hostile import mutated

CORPUS = Path(__file__).parent / "corpus"
FILES = sorted(path for path in CORPUS.rglob("*") if path.is_file())
EXAMPLES = {"documents": 100, "archives": 40, "layouts": 10, "objects": 4, "scope": 40, "inputs": 15}


def seeds(target: str) -> list[bytes]:
    return [path.read_bytes() for path in FILES if path.parent.name == target] or [b""]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_the_corpus_finds_nothing(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())


@pytest.mark.parametrize("target", TARGETS)
def test_neither_random_bytes_nor_changed_files_end_in_a_traceback(target: str) -> None:
    @settings(max_examples=EXAMPLES[target], deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
    @given(st.binary(max_size=400), st.sampled_from(seeds(target)), st.randoms(use_true_random=False))
    def law(raw: bytes, seed: bytes, random: object) -> None:
        TARGETS[target](raw)
        TARGETS[target](mutated(seed, random.randrange) if seed else raw[::-1])  # type: ignore[attr-defined]

    law()


def test_the_corpus_is_small() -> None:
    assert sum(path.stat().st_size for path in FILES) < 100_000
