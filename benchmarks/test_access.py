"""Checks of access on a large cluster: every table behind them, and every check; seconds of CPU.

`HIPAA_KIT_BENCH=full` has 100,000 role bindings, `HIPAA_KIT_BENCH_BINDINGS` any number; one namespace in ten has ePHI.
"""

from __future__ import annotations

from functools import cache

import pandas as pd
import pytest

from benchmarks.test_permissions import BINDINGS, NAMESPACES, Given, seconds, tables
from hipaa_kit.assess.facade import registered_checks
from hipaa_kit.inventory.registry import BUILDERS, Inventory
from hipaa_kit.safeguards.check import CHECKS
from hipaa_kit.sources.builder import SnapshotBuilder
from hipaa_kit.sources.pseudonyms import DEMO_KEY, Pseudonymizer
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.records import ACCESS_MATRIX, WORKFORCE
from hipaa_kit.tables.scope import EPHI_OBJECTS

MADE = ("grants", "ephi_access", "ephi_ways")
JUDGED = tuple(f"HK-ACC-{number:02}" for number in (2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 23, 24))


@cache
def held() -> tuple[Snapshot, dict[str, pd.DataFrame]]:
    """Return an empty snapshot, and tables beside it; what is made of them is added to these."""
    places = [f"ns-{number}" for number in range(0, NAMESPACES, 10)]
    ephi = [
        {"object": f"Pod/{place}/db-0", "kind": "Pod", "namespace": place, "name": "db-0", "criticality": "critical"}
        for place in places
    ]
    matrix = [
        {"role": "reader", "verb": "get", "group": "", "resource": "secrets", "namespace": place} for place in places
    ]
    account = "system:serviceaccount:ns-1:sa-1"
    beside = {
        "ephi_objects": EPHI_OBJECTS.frame(ephi),
        "access_matrix": ACCESS_MATRIX.frame(matrix),
        "workforce": WORKFORCE.frame([{"user": account, "role": "reader", "pseudonym": "p"}]),
    }
    registered_checks()
    return SnapshotBuilder("live", Pseudonymizer(DEMO_KEY)).build(), {**tables(), **beside}


def made(name: str) -> pd.DataFrame:
    """Make one table of the large cluster by its own builder, as the inventory does."""
    snapshot, given = held()
    builder, others = BUILDERS[name], Given(given, Inventory(snapshot))
    given[name] = builder.build(lambda need: snapshot if need == "snapshot" else others[need])
    return given[name]


@pytest.mark.parametrize("name", MADE)
def test_making(benchmark, name: str) -> None:
    taken = seconds(lambda: made(name))
    benchmark.pedantic(made, args=(name,), rounds=1)
    rows = len(held()[1][name])
    assert rows
    benchmark.extra_info.update(bindings=BINDINGS, rows=rows)
    print(f"\n{name}: {taken:.1f} s of CPU, {rows} rows")


@pytest.mark.parametrize("name", JUDGED)
def test_judging(benchmark, name: str) -> None:
    snapshot, given = held()
    check, others = CHECKS[name], Given(given, Inventory(snapshot))
    arguments = [others[table] for table in check.tables]
    options = {"as_of": "2026-11-20T02:00:00Z"} if check.takes_time else {}
    taken = seconds(lambda: check.function(*arguments, **options))
    judged = benchmark.pedantic(check.function, args=arguments, kwargs=options, rounds=1)
    benchmark.extra_info.update(bindings=BINDINGS, rows=len(judged))
    print(f"\n{name}: {taken:.1f} s of CPU, {len(judged)} rows")
