"""Whatever goes wrong on the way, a collection is complete or says what is missing: nothing is lost in silence.

`HIPAA_KIT_FAULT_RUNS` says how many runs are made, `HIPAA_KIT_FAULT_SEED` which seed the first one has.
"""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path
from typing import Any

import pytest

from hipaa_kit.kube import kinds
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.sources.builder import SnapshotBuilder
from hipaa_kit.sources.connection import connect
from hipaa_kit.sources.live import Collector
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.sources.transport import CollectError
from tests.support.faults import Faults
from tests.support.recorded_cluster import RecordedCluster
from tests.support.snapshots import TEST_KEY

RUNS = int(os.environ.get("HIPAA_KIT_FAULT_RUNS", "150"))
FIRST = int(os.environ.get("HIPAA_KIT_FAULT_SEED", "20261125"))
PARTS = 10

THING = Kind("example.com", "Thing", "things", True)
SERVED = [kinds.NAMESPACE, kinds.NODE, kinds.POD, kinds.NETWORK_POLICY, kinds.ROLE, kinds.SECRET, THING]
NAMESPACES = ("ehr", "kube-system", "lab")

Place = tuple[str, str]


def obj(kind: Kind, name: str, namespace: str = "") -> dict[str, Any]:
    version = f"{kind.group}/v1" if kind.group else "v1"
    place = {"namespace": namespace} if namespace else {}
    return {"apiVersion": version, "kind": kind.kind, "metadata": {"name": name, **place, "generation": 1}}


OBJECTS = [
    *(obj(kinds.NAMESPACE, name) for name in NAMESPACES),
    *(obj(kinds.NODE, name) for name in ("n1", "n2")),
    *(obj(kinds.POD, name, "ehr") for name in ("a", "b", "c")),
    *(obj(kinds.POD, name, "lab") for name in ("a", "d")),
    obj(kinds.ROLE, "reader", "ehr"),
    obj(kinds.SECRET, "s", "lab"),
    *(obj(THING, name, "ehr") for name in ("t", "u")),
    obj(THING, "t", "kube-system"),
]


class Run:
    """One collection from a cluster with faults, and the truth about that cluster."""

    def __init__(self, seed: int, folder: Path) -> None:
        draw = random.Random(seed)
        self.profile = draw.choice(["audit", "audit", "secrets-metadata"])
        self.namespaces: tuple[str, ...] = draw.choice([(), (), (), ("ehr", "lab")])
        token_file = folder / "token"
        token_file.write_text("let-me-read")
        faults = Faults(seed, SERVED, token_file)
        self.cluster = RecordedCluster(OBJECTS, serve=SERVED, faults=faults.draw(), aggregated=draw.random() < 0.5)
        self.snapshot: Snapshot | None = None
        self.error: CollectError | None = None
        with self.cluster as cluster:
            kubeconfig = cluster.kubeconfig(folder, credentials={"tokenFile": str(token_file)})
            budget = draw.choice([1800.0, 1800.0, 1800.0, 20.0])
            server, name = connect(None, kubeconfig, timeout_seconds=0.4, budget_seconds=budget)
            slept = [0.0]
            server.sleep = lambda seconds: slept.__setitem__(0, slept[0] + seconds)
            server.clock = lambda: time.monotonic() + slept[0]
            builder = SnapshotBuilder("live", Pseudonymizer(TEST_KEY))
            size = draw.choice([1, 1, 2, 3, 500])
            self.expected = draw.choice([(), (THING,)])
            collector = Collector(server, builder, self.profile, frozenset(), self.namespaces, size, self.expected)
            try:
                self.snapshot = collector.run(name)
            except CollectError as error:
                self.error = error

    def served(self, kind: Kind, namespace: str, state: dict[Any, Any]) -> set[str]:
        """Return what one state of the cluster holds of a kind in a namespace."""
        held = state.get((kind.group, kind.resource), [])
        return {shown(each) for each in held if each["metadata"].get("namespace", "") == namespace}

    def asks(self, kind: Kind, namespace: str) -> bool:
        """Tell whether the collection is meant to ask for a kind in a namespace."""
        if kind == kinds.SECRET and self.profile != "secrets-metadata":
            return False
        return not kind.namespaced or not self.namespaces or namespace in self.namespaces

    def never_heard_of(self, kind: Kind, rows: dict[Any, Any]) -> bool:
        """Tell whether nobody named a custom kind: it was withdrawn first, or its group is a row of its own."""
        told = any(rows.get((group, "*", ""), {}).get("error") for group in (kind.group, "*"))
        withdrawn = (kind.group, kind.resource) not in self.cluster.kinds
        return kind == THING and not self.expected and (told or withdrawn)


def shown(content: Any) -> str:
    """Return what is compared of an object: all of its identity, and what changes."""
    metadata = content["metadata"]
    return json.dumps([metadata.get("namespace", ""), metadata["name"], metadata.get("generation")])


def hold(run: Run) -> dict[str, int]:
    """Compare what a snapshot says with what its cluster held; return how lists ended."""
    assert {request.method for request in run.cluster.log} <= {"GET"}
    if run.snapshot is None:
        assert run.error is not None
        assert run.error.what
        return {"no snapshot": 1}
    coverage, states = run.snapshot.coverage, run.cluster.states
    rows = {(r["group"], r["kind"], r["namespace"]): r for r in coverage.frame.to_dict("records")}
    ended: dict[str, int] = {}
    for kind in SERVED:
        objects = [record.content for record in run.snapshot.records(kind)]
        for namespace in NAMESPACES if kind.namespaced else ("",):
            have = {shown(each) for each in objects if each["metadata"].get("namespace", "") == namespace}
            answer = coverage.answer(kind, namespace)
            row = rows.get((*kind[:2], namespace)) or rows.get((*kind[:2], "")) or {}
            ended[answer.status] = ended.get(answer.status, 0) + 1
            told = f"{kind.kind} in {namespace!r} {answer.status}: {answer.error}"
            seen = set().union(*(run.served(kind, namespace, state) for state in states.values()))
            assert have <= seen, f"{told}: invented {have - seen}"
            if answer.status == "answered":
                assert have == run.served(kind, namespace, states[int(row["resource_version"])]), told
            elif answer.status == "absent":
                assert (kind.group, kind.resource) not in run.cluster.kinds, told
                assert not have, told
            elif answer.status == "not_asked":
                assert not run.asks(kind, namespace) or run.never_heard_of(kind, rows), told
                assert not have, told
            else:
                assert answer.status in ("partial", "refused", "failed"), told
                assert answer.error, told
    for kind in (kinds.DEPLOYMENT, kinds.CONFIG_MAP, kinds.CLUSTER_ROLE):
        answer = coverage.answer(kind)
        assert answer.status == "absent" or (answer.status == "failed" and answer.error), kind
    return ended


@pytest.mark.parametrize("part", range(PARTS))
def test_a_collection_is_complete_or_names_what_is_missing(
    part: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended: dict[str, int] = {}
    seeds = range(FIRST + part, FIRST + RUNS, PARTS)
    if not seeds:
        pytest.skip("fewer runs than parts")
    for seed in seeds:
        try:
            for status, times in hold(Run(seed, tmp_path)).items():
                ended[status] = ended.get(status, 0) + times
        except Exception as error:
            error.add_note(f"HIPAA_KIT_FAULT_SEED={seed} HIPAA_KIT_FAULT_RUNS=1")
            raise
    with capsys.disabled():
        print(
            f"\n{len(seeds)} runs, seeds {seeds[0]} to {seeds[-1]} in steps of {PARTS}: {dict(sorted(ended.items()))}"
        )
    assert ended["answered"] > 0
