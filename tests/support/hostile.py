"""Objects and files as nobody honest writes them, chosen by whoever calls: hypothesis, a fuzzer, or a seed."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from hipaa_kit.sources.dump import import_dump
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from tests.support.snapshots import TEST_KEY
from tests.support.tiny_cluster import OBJECTS

Choose = Callable[[int], int]
"""Gives a number from 0 up to, and without, the one it is given."""

CLINIC = Path(__file__).parents[2] / "data" / "clinic" / "objects"

WRONG: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, -(2**63) - 1, 10**30, 0.5, -0.0, 1e308, "", " ", "x", "0", "-1", "1e999",
    "NaN", "10**5000", "true", "null", "=1+1", "@SUM(A1)", "-cmd", "<script>alert(1)</script>", "a/b", "../../x", "a\0b",
    "a\rb", "a\nb", "\x1b[31m", "\u202egnp", "\ufffd", "$\\frac{", "x" * 300, "2026-02-31T00:00:00Z",
    "0000-00-00T00:00:00Z", "9999-12-31T23:59:59Z", "10.0.0.0/8", "::/0", "300.300.300.300/99", "100%", "9" * 40, "1Ei",
    "1e400", "{}", "[]", "a=b,c", "!", "in (", [], [None], [[]], [[[]]], ["x", 1, None], {}, {"": ""}, {"x": None},
    {"name": []}, {"matchLabels": 5}, {"matchExpressions": [{"key": 1, "operator": [], "values": "x"}]},
    [{"name": "a"}, {"name": "a"}], [{"name": "a", "containerPort": 1}] * 2, [{"type": "Ready", "status": True}] * 2,
)  # fmt: skip
"""Values that a field may hold instead of its own."""


@cache
def real_objects() -> tuple[dict[str, Any], ...]:
    """Return objects as clusters have them: two of every kind of the clinic, and the tiny cluster."""
    clinic = import_dump(CLINIC, pseudonymizer=Pseudonymizer(TEST_KEY))
    some = [record.content for key in clinic.kinds() for record in clinic.parts[key].load()[:2]]
    return (*OBJECTS, *(dict(each) for each in some))


def spoiled(obj: dict[str, Any], choose: Choose) -> dict[str, Any]:
    """Return a copy of an object with some of its parts wrong, missing, twice or somewhere else."""
    changed = copy.deepcopy(obj)
    for _ in range(1 + choose(4)):
        places = list(_places(changed))
        parent, key = places[choose(len(places))]
        what = choose(6)
        if what == 0:
            del parent[key]
        elif what == 1 and isinstance(parent, list):
            parent.insert(key, copy.deepcopy(parent[key]))
        elif what == 2:
            other, place = places[choose(len(places))]
            parent[key] = copy.deepcopy(other[place])
        else:
            parent[key] = copy.deepcopy(WRONG[choose(len(WRONG))])
    return changed


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in list(inner):
        yield value, key
        yield from _places(each)


def hostile_cluster(choose: Choose, size: int = 0) -> list[dict[str, Any]]:
    """Return real objects, all or about as many as `size`, a few of them spoiled, beside themselves as they were."""
    real = list(real_objects())
    real = [real[choose(len(real))] for _ in range(size)] if size else real
    for _ in range(1 + choose(size or 12)):
        at = choose(len(real))
        spoilt = spoiled(real[at], choose)
        if choose(2):
            real[at] = spoilt
        else:
            real.append(spoilt)
    return real


def mutated(raw: bytes, choose: Choose) -> bytes:
    """Return bytes with a few of them changed, gone, repeated, or replaced by what parsers stumble over."""
    tokens = (b"{", b"}", b"[", b"]", b'"', b"\0", b"\xff\xfe", b"---\n", b"&a *a", b"<<: *a", b"!!bool x", b"1e999", b"\\ud800",
              b"null", b"\n", b"==== START logs for container a ====\n", b"\x1f\x8b", b"PK\x03\x04", b"{{ x }}")  # fmt: skip
    changed = bytearray(raw)
    for _ in range(1 + choose(6)):
        at = choose(len(changed) + 1)
        what = choose(5)
        if what == 0:
            del changed[at : at + 1 + choose(64)]
        elif what == 1:
            changed[at:at] = tokens[choose(len(tokens))]
        elif what == 2 and at < len(changed):
            changed[at] = choose(256)
        elif what == 3:
            changed[at:at] = changed[at : at + 1 + choose(256)]
        else:
            del changed[at:]
    return bytes(changed)
