"""Permissions of a large cluster: effective rights, one question, the way back from ePHI; seconds and memory.

`HIPAA_KIT_BENCH=full` has 100,000 role bindings, `HIPAA_KIT_BENCH_BINDINGS` any number; a fifth of it are accounts.
"""

from __future__ import annotations

import gc
import random
import time
import tracemalloc
from collections.abc import Callable
from functools import cache

import pandas as pd
import pytest
from measuring import size

import hipaa_kit.inventory
from hipaa_kit.graph.permissions import Permissions
from hipaa_kit.graph.permissions.loading import known
from hipaa_kit.inventory.registry import Inventory, discover
from hipaa_kit.sources.builder import SnapshotBuilder
from hipaa_kit.sources.pseudonyms import DEMO_KEY, Pseudonymizer
from hipaa_kit.tables.access import BINDING_SUBJECTS, ROLE_BINDINGS, ROLE_RULES, ROLES, SERVICE_ACCOUNTS
from hipaa_kit.tables.lookup import TableSet

discover(hipaa_kit.inventory)
BINDINGS = size("BINDINGS", 5_000, 100_000)
ACCOUNTS = BINDINGS // 5
NAMESPACES = max(BINDINGS // 200, 5)
ROLES_COUNT = BINDINGS // 2
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete")
RESOURCES = (
    *(("", each) for each in ("pods", "secrets", "configmaps", "services", "pods/log", "pods/exec", "events")),
    *(("apps", each) for each in ("deployments", "statefulsets", "daemonsets")),
    *(("batch", each) for each in ("jobs", "cronjobs")),
    *(("example.org", f"things{number}") for number in range(40)),
)


class Given(TableSet):
    """Tables made beforehand, over the empty ones of a snapshot."""

    def __init__(self, given: dict[str, pd.DataFrame], others: Inventory) -> None:
        self._given = given
        self._others = others

    def names(self) -> list[str]:
        return self._others.names()

    def table(self, name: str) -> pd.DataFrame:
        return self._given[name] if name in self._given else self._others[name]


def rules(draw: random.Random, name: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for number in range(draw.choice((1, 1, 1, 2))):
        group = draw.choice(("", "", "apps", "batch", "example.org"))
        words = [resource for each, resource in RESOURCES if each == group]
        fields = {
            "verb": draw.sample(VERBS, draw.randint(1, 4)),
            "api_group": [group],
            "resource": draw.sample(words, min(len(words), draw.randint(1, 3))),
            "resource_name": [f"name-{draw.randint(0, 99)}"] if draw.random() < 0.1 else [],
        }
        rows += [
            {"role": name, "rule": number, "field": field, "value": value}
            for field, values in fields.items()
            for value in values
        ]
    return rows


@cache
def tables() -> dict[str, pd.DataFrame]:
    """Return the tables of a cluster with half as many roles as role bindings, in namespaces of its own size."""
    draw = random.Random(7)
    places = [f"ns-{number}" for number in range(NAMESPACES)]
    accounts = [(places[number % NAMESPACES], f"sa-{number}") for number in range(ACCOUNTS)]
    roles, role_rules, by_place = [], [], {place: [] for place in places}
    for number in range(ROLES_COUNT):
        place, name = places[number % NAMESPACES], f"role-{number}"
        roles.append({"object": f"Role/{place}/{name}", "kind": "Role", "namespace": place, "name": name, "rules": 2})
        role_rules += rules(draw, f"Role/{place}/{name}")
        by_place[place].append(f"Role/{place}/{name}")
    bindings, subjects = [], []
    for number in range(BINDINGS):
        namespace, account = draw.choice(accounts)
        place = namespace if draw.random() < 0.8 else draw.choice(places)
        name = f"RoleBinding/{place}/binding-{number}"
        role = draw.choice(by_place[place])
        bindings.append(
            {"object": name, "kind": "RoleBinding", "namespace": place, "name": f"binding-{number}", "role": role}
        )
        subjects.append(
            {
                "binding": name,
                "subject_kind": "ServiceAccount",
                "subject_namespace": namespace,
                "subject": account,
            }
        )
    return {
        "roles": ROLES.frame(roles),
        "role_rules": ROLE_RULES.frame(role_rules),
        "role_bindings": ROLE_BINDINGS.frame(bindings),
        "binding_subjects": BINDING_SUBJECTS.frame(subjects),
        "service_accounts": SERVICE_ACCOUNTS.frame(
            {"object": f"ServiceAccount/{place}/{name}", "namespace": place, "name": name} for place, name in accounts
        ),
    }


def effective() -> Permissions:
    """Return permissions with the effective rights of every subject made."""
    snapshot = SnapshotBuilder("live", Pseudonymizer(DEMO_KEY)).build()
    given = Given(tables(), Inventory(snapshot))
    held = Permissions(known(given, snapshot), given)
    assert len(held.effective.own) > ACCOUNTS // 2
    return held


@pytest.fixture(scope="module")
def permissions() -> Permissions:
    return effective()


def seconds(work: Callable[[], object]) -> float:
    """Return the CPU seconds that some work takes: others may use the machine at the same time."""
    gc.collect()
    start = time.process_time()
    work()
    return time.process_time() - start


def test_effective_rights(benchmark) -> None:
    tables()
    tracemalloc.start()
    held = effective()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    benchmark.pedantic(effective, rounds=2)
    distinct = len({rule for rules in held.policy.roles.values() for rule in rules})
    benchmark.extra_info.update(bindings=BINDINGS, distinct_rules=distinct, peak_mb=round(peak / 2**20, 1))
    told = f"{seconds(effective):.2f} s of CPU, {peak / 2**20:.0f} MB"
    print(f"\n{BINDINGS} bindings, {distinct} rules: {told}")


@pytest.mark.parametrize(
    "asked",
    [("get", "", "secrets"), ("create", "", "pods", "exec"), ("list", "example.org", "things7"), ("get", "", "nodes")],
    ids=lambda asked: "-".join(filter(None, asked)),
)
def test_who_can(benchmark, permissions: Permissions, asked: tuple[str, ...]) -> None:
    question = {**dict(zip(("verb", "group", "resource", "subresource"), asked, strict=False)), "namespace": "ns-1"}
    found = permissions.who_can(**question)
    benchmark.pedantic(permissions.who_can, kwargs=question, rounds=5)
    benchmark.extra_info.update(bindings=BINDINGS, rows=len(found))
    taken = seconds(lambda: permissions.who_can(**question))
    print(f"\nwho can {asked}: {1000 * taken:.1f} ms of CPU, {len(found)} rows")


def test_the_way_back_from_ephi(benchmark, permissions: Permissions) -> None:
    building = seconds(lambda: permissions.who_reaches("Secret/ns-1/db"))
    found = permissions.who_reaches("Secret/ns-1/db", "Pod/ns-2/db-0")
    benchmark.pedantic(permissions.who_reaches, args=("Secret/ns-1/db", "Pod/ns-2/db-0"), rounds=3)
    benchmark.extra_info.update(bindings=BINDINGS, subjects=len(found), build_seconds=round(building, 2))
    told = f"{len(permissions.steps)} steps built in {building:.1f} s of CPU"
    taken = seconds(lambda: permissions.who_reaches("Secret/ns-1/db", "Pod/ns-2/db-0"))
    print(f"\nback from ePHI: {taken:.2f} s of CPU, {len(found)} subjects, {told}")
