"""The clinic on a real server is the clinic: the server accepts all of it, and gives it back as it was."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import pandas as pd
import pytest

import hipaa_kit
from hipaa_kit.inventory.registry import BUILDERS
from hipaa_kit.sources.dump import import_dump
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.scope import load_scope
from hipaa_kit.sources.snapshot import Part, Record, Snapshot
from tests.live.conftest import Hospital
from tests.support.snapshots import TEST_KEY

SERVER_GIVEN = ("uid", "resourceVersion", "creationTimestamp", "generation")
"""What the server alone gives to an object; the clinic's are taken in their place."""

pytestmark = pytest.mark.live

WRITERS = "field_managers"
"""The fact that says who wrote an object: on the server it was this test."""

UID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Explained(NamedTuple):
    """A difference between the clinic, which is of 1.34, and what later servers give back: since when, and why."""

    kind: str
    path: str
    since: int
    reason: str


EXPLAINED = (
    Explained(
        "StatefulSet",
        "/spec/updateStrategy/rollingUpdate/maxUnavailable",
        37,
        "the gate MaxUnavailableStatefulSet is on by default, and so the field",
    ),
    Explained(
        "CSIDriver",
        "/spec/preventPodSchedulingIfMissing",
        37,
        "the gate VolumeLimitScaling is on by default, and so the field",
    ),
)


class Both(NamedTuple):
    """One clinic as the server gave it back, and as it was written."""

    on_server: Hospital
    written: Snapshot


@pytest.fixture(params=["hospital", "fixed_hospital"])
def both(request: pytest.FixtureRequest) -> Both:
    found: Hospital = request.getfixturevalue(request.param)
    written = import_dump(found.folder / "objects", pseudonymizer=Pseudonymizer(TEST_KEY))
    return Both(found, written)


def _objects(snapshot: Snapshot) -> dict[str, Record]:
    parts = snapshot.parts.values()
    return {f"{part.group}/{record.object}": record for part in parts for record in part.load()}


def _not_applied(key: str) -> bool:
    return key.startswith("/ComponentStatus/") or key.endswith("v1beta1.metrics.k8s.io")


def test_the_server_accepts_every_object_of_the_clinic(both: Both) -> None:
    assert list(both.on_server.refused) == []


def test_the_server_has_the_clinic_and_what_it_makes_itself(both: Both) -> None:
    written, returned = set(_objects(both.written)), set(_objects(both.on_server.after))
    assert {key for key in written - returned if not _not_applied(key)} == set()
    made = returned - written - set(_objects(both.on_server.before))
    # The server reports in Events where an address was taken before it had seen its Service.
    assert {key for key in made if not key.startswith("/Event/")} == set()


def test_every_object_comes_back_as_it_was_written(both: Both) -> None:
    returned = _as_written(both)
    found, used = [], set()
    for key, record in _objects(both.written).items():
        if _not_applied(key):
            continue
        other = _objects(returned)[key]
        ours, theirs = ({"object": each.content, "facts": each.facts} for each in (record, other))
        for path, one, another in _differences(_bare(ours), _bare(theirs)):
            why = next((each for each in EXPLAINED if (each.kind, f"/object{each.path}") == (record.kind, path)), None)
            used.add(why)
            if why is None:
                found.append(f"{key} {path}: written {one!r}, returned {another!r}")
    assert found == []
    minor = int(both.on_server.after.identity.version.split(".")[1])
    assert used >= {each for each in EXPLAINED if each.since <= minor}, "an explanation explains nothing"


def test_the_kit_concludes_the_same_of_both(both: Both) -> None:
    scope, as_of = load_scope(both.on_server.folder / "scope.yaml"), both.written.collected_at
    ours, theirs = (
        hipaa_kit.assessment(snapshot, scope=scope, as_of=as_of) for snapshot in (both.written, _as_written(both))
    )
    evidence = ["evidence_sha256", "evidence_source"]
    pd.testing.assert_frame_equal(ours.findings().drop(columns=evidence), theirs.findings().drop(columns=evidence))
    assert len(ours.findings()) > 100
    for name in sorted(BUILDERS):
        pd.testing.assert_frame_equal(ours.tables[name], theirs.tables[name], obj=name)


def _as_written(both: Both) -> Snapshot:
    """Return what came back, without what the server makes itself, under the uids, times and places of the clinic."""
    written, returned = _objects(both.written), _objects(both.on_server.after)
    uids = {_uid(returned[key]): _uid(record) for key, record in written.items() if key in returned}
    kept: dict[tuple[str, str], list[Record]] = {}
    for key, record in written.items():
        other = returned.get(key, record)
        content = json.loads(UID.sub(lambda found: uids.get(found[0], found[0]), json.dumps(dict(other.content))))
        given = {field: value for field, value in record.content["metadata"].items() if field in SERVER_GIVEN}
        metadata = {field: value for field, value in content["metadata"].items() if field not in SERVER_GIVEN}
        facts = {name: value for name, value in other.facts.items() if name != WRITERS}
        facts |= {name: value for name, value in record.facts.items() if name == WRITERS}
        whole = {**content, "metadata": {**metadata, **given}}
        kept.setdefault((record.group, record.kind), []).append(replace(record, content=whole, facts=facts))
    parts = {key: Part.of(*key, records) for key, records in kept.items()}
    return replace(both.written, parts=parts)


def _uid(record: Record) -> str:
    return str(record.content["metadata"].get("uid", ""))


def _bare(value: Any) -> Any:
    """Return an object without what the server gives, and without empty values: in the API they are absent ones."""
    if isinstance(value, Mapping):
        inner = {key: _bare(each) for key, each in value.items() if key not in SERVER_GIVEN}
        return {key: each for key, each in inner.items() if each not in (None, {}, [], "")}
    return [_bare(each) for each in value] if isinstance(value, list | tuple) else value


def _differences(ours: Any, theirs: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted({*ours, *theirs}):
            yield from _differences(ours.get(key), theirs.get(key), f"{path}/{key}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for one, other in zip(ours, theirs, strict=True):
            yield from _differences(one, other, f"{path}/*")
    elif ours != theirs:
        yield path, ours, theirs
