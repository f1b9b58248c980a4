"""What the store calls a dry run, held against what a real server did: nothing was changed by any of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from hipaa_kit.sources.audit_log import ingest
from tests.support.live.assets import Assets
from tests.support.live.control_plane import ControlPlane

PLACE = "/api/v1/namespaces/default/configmaps"
DRY = {"dryRun": ["All"]}
APPLY, MERGE = "application/apply-patch+yaml", "application/merge-patch+json"


class Case(NamedTuple):
    """A request about one ConfigMap, which is there before or not; whether it changes, and whether the log says so."""

    method: str
    query: str
    body: Any
    there: bool
    changed: bool
    dry_run: bool
    kind: str = "application/json"


CASES = {
    "create": Case("POST", "dryRun=All", {}, False, False, True),
    "created": Case("POST", "", {}, False, True, False),
    "other-case": Case("POST", "dryrun=All", {}, False, True, False),
    "semicolon": Case("POST", "a=1;dryRun=All", {}, False, True, False),
    "escaped": Case("POST", "%64ryRun=All", {}, False, False, False),
    "second": Case("POST", "a?b=1&dryRun=All&c=2", {}, False, False, True),
    "update": Case("PUT", "dryRun=All", {}, True, False, True),
    "merge": Case("PATCH", "dryRun=All", {"data": {"a": "b"}}, True, False, True, MERGE),
    "apply": Case("PATCH", "dryRun=All&fieldManager=x", {}, False, False, True, APPLY),
    "applied": Case("PATCH", "fieldManager=x", {}, False, True, False, APPLY),
    "delete": Case("DELETE", "", DRY, True, False, True),
    "delete-by-query": Case("DELETE", "dryRun=All", None, True, False, False),
    "delete-in-spite": Case("DELETE", "dryRun=All", {"kind": "DeleteOptions"}, True, True, False),
}


def written(name: str, **more: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"x": "y"}, **more}


@pytest.fixture(scope="module")
def done(live_assets: Assets, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[bool, bool]]:
    """Ask everything, and return by name whether it changed, and whether the log calls it a dry run."""
    level = {"level": "Request", "omitStages": ["RequestReceived"]}
    policy = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [level]}
    with ControlPlane(live_assets, audit_policy=policy) as plane:
        api = plane.api("ann", ("system:masters",))
        for name, case in CASES.items():
            if case.there:
                api.create(PLACE, written(name, data={"before": "x"}))
        before = {name: api.request("GET", f"{PLACE}/{name}").content for name in CASES}
        for name, case in CASES.items():
            place = PLACE if case.method == "POST" else f"{PLACE}/{name}"
            made = case.method in ("POST", "PUT") or case.kind == APPLY
            api.request(case.method, f"{place}?{case.query}", written(name) if made else case.body, kind=case.kind)
        after = {name: api.request("GET", f"{PLACE}/{name}").content for name in CASES}
        api.create("/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "robot"}})
        token = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        path = "/api/v1/namespaces/default/serviceaccounts/robot/token?dryRun=All"
        answer = api.request("POST", path, token).expect(201)
        held = tmp_path_factory.mktemp("log")
        (held / "audit.log").write_bytes(plane.audit_log.read_bytes())
    log = ingest([held], held.parent / "store")
    # The first writes of those that are there before were made by this test.
    found = log.query("SELECT name, verb, dry_run FROM audit_events WHERE verb <> 'get' ORDER BY received_at, event")
    told = dict(zip(found["name"], found["dry_run"], strict=True))
    changed = {name: before[name] != after[name] for name in CASES} | {"robot": bool(answer["status"]["token"])}
    return {name: (changed[name], bool(told[name])) for name in changed}


@pytest.mark.parametrize("name", CASES)
def test_a_dry_run_is_told_as_one_and_nothing_else_is(done: dict[str, tuple[bool, bool]], name: str) -> None:
    assert done[name] == (CASES[name].changed, CASES[name].dry_run)


def test_a_token_is_made_whatever_the_query_says(done: dict[str, tuple[bool, bool]]) -> None:
    assert done["robot"] == (True, False)
