"""What builders take of a snapshot they declare: else a what-if that changes it would leave their tables as they were."""

from collections import defaultdict
from typing import Any

import pytest

import hipaa_kit
from hipaa_kit.inventory.registry import BUILDERS, Builder, Inventory, kinds_behind
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.resources import shipped
from hipaa_kit.sources.snapshot import Snapshot


def test_kinds_that_a_builder_takes_are_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    building: list[str] = []
    records, opened = Snapshot.records, Inventory._opened
    run = hipaa_kit.assessment(shipped("data") / "clinic")

    def told(self: Snapshot, kind: Kind) -> Any:
        taken[building[-1] if building else ""].add(kind[:2])
        return records(self, kind)

    def built(self: Inventory, builder: Builder) -> Any:
        building.append(builder.table.name)
        run.snapshot.derived.clear()  # what another table found out was read of the snapshot all the same
        try:
            return opened(self, builder)
        finally:
            building.pop()

    monkeypatch.setattr(Snapshot, "records", told)
    monkeypatch.setattr(Inventory, "_opened", built)
    for name in BUILDERS:
        run.tables[name]
    undeclared = {
        name: found - {kind[:2] for kind in (*kinds_behind(name), *BUILDERS[name].also)}
        for name, found in taken.items()
        if name
    }
    assert len(undeclared) > 100
    assert {name: found for name, found in undeclared.items() if found} == {}
