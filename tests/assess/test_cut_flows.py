"""What an isolated workload keeps: declared flows, and those that a flow log saw and that are expected."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from hipaa_kit.assess.cut import Cut
from hipaa_kit.assess.facade import Assessment
from hipaa_kit.safeguards.network_isolation.kept_flows import OUTSIDE, STRANGE, UNNAMED, Kept, Seen, kept_flows
from hipaa_kit.safeguards.remedy import Cluster
from hipaa_kit.sources.scope import load_scope
from tests.assess.test_cut import OPEN, deployed, holds
from tests.support.inputs import given
from tests.support.paths import BY_SELECTOR, SCOPE
from tests.support.snapshots import snapshot_of

DB = "Deployment/ehr/store"
APPS = {"ehr/store": {"phi": "yes"}, "ehr/other": {"phi": "yes"}, "web/app": {}, "web/job": {}}
WORLD = [
    *(each for each in OPEN if each["metadata"]["name"] != "db"),
    *(each for name, labels in APPS.items() for each in deployed(name, labels)),
]
DECLARED = "- {from: Deployment/web/app, to: Deployment/ehr/store, port: 8080}"


def met(source: str, destination: str, port: int, at: str = "2026-11-19T12:00:00Z") -> dict[str, Any]:
    """Return one connection of a flow log; an end is `namespace/workload`, or an address."""
    flow: dict[str, Any] = {"time": at, "verdict": "FORWARDED", "is_reply": False, "IP": {}}
    for side, name in (("source", source), ("destination", destination)):
        place, _, own = name.partition("/")
        flow[side] = {"namespace": place, "pod_name": f"{own}-0"} if own else {"labels": ["reserved:world"]}
        flow["IP"][side] = name if not own else "10.0.0.9"
    flow["l4"] = {"TCP": {"source_port": 50000, "destination_port": port, "flags": {"SYN": True}}}
    return {"flow": flow}


def run(tmp_path: Path, *flows: dict[str, Any], declared: str = DECLARED) -> Assessment:
    path = tmp_path / "scope.yaml"
    path.write_text(f"{SCOPE}expected_flows:\n{declared}\n", encoding="utf-8")
    log = "".join(f"{json.dumps(each)}\n" for each in flows)
    inputs = given(tmp_path / "inputs", flows__hubble_json=log) if flows else None
    return Assessment(snapshot_of(WORLD, overrides=BY_SELECTOR), load_scope(path), inputs=inputs)


def kept(tmp_path: Path, workload: str, *flows: dict[str, Any]) -> list[Kept]:
    made = run(tmp_path, *flows)
    return kept_flows(workload, Cluster(made.snapshot, made.tables, made.parameters))


NOW = "2026-11-19T12:00:00Z"
CASES: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "both hold ePHI": (met("ehr/other", "ehr/store", 5432), DB, "Deployment/ehr/other", ""),
    "another port is declared": (met("web/app", "ehr/store", 9187), DB, "Deployment/web/app", ""),
    "a stranger reaches ePHI": (met("web/job", "ehr/store", 5432), DB, "Deployment/web/job", STRANGE),
    "ePHI goes to a stranger": (met("ehr/store", "web/job", 443), DB, "Deployment/web/job", STRANGE),
    "it may be asked and does not ask": (met("ehr/store", "web/app", 443), DB, "Deployment/web/app", STRANGE),
    "no end holds ePHI": (met("web/app", "web/job", 443), "Deployment/web/job", "Deployment/web/app", ""),
    "from outside": (met("203.0.113.9", "ehr/store", 443), DB, "outside/", OUTSIDE),
    "a pod that is gone": (met("web/gone", "ehr/store", 443), DB, "Pod/web/gone-0", UNNAMED),
}


@pytest.mark.parametrize("why", CASES)
def test_a_flow_that_was_seen_is_allowed_or_asked_about(why: str, tmp_path: Path) -> None:
    flow, workload, other, doubt = CASES[why]
    [seen] = [each for each in kept(tmp_path, workload, flow, flow) if not each.declared]
    assert (seen.doubt, seen.seen) == (doubt, Seen(2, NOW))
    assert seen.other.startswith(other)


def test_a_declared_flow_says_how_often_it_was_seen(tmp_path: Path) -> None:
    [one] = kept(
        tmp_path, DB, met("web/app", "ehr/store", 8080), met("web/app", "ehr/store", 8080, "2026-11-01T00:00:00Z")
    )
    assert one == Kept("ingress", "Deployment/web/app", "TCP", 8080, True, Seen(2, NOW))
    [never] = kept(tmp_path, DB)
    assert (never.declared, never.seen.words) == (True, "")


def isolating(made: Assessment) -> Cut:
    cut = made.smallest_cut("Pod/web/job-0", DB)
    assert set(cut.things["kind"]) == {"network"}
    assert DB in set(cut.things["object"])
    assert cut.paths["stopped"].all()
    holds(cut, "Pod/web/job-0", 3, DB)
    return cut


def rules(cut: Cut) -> set[tuple[str, int]]:
    made = [each for each in yaml.safe_load_all(cut.to_yaml()) if each]
    [policy] = [each for each in made if each["metadata"]["name"] == "store-declared-flows"]
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    return {
        (peer["podSelector"]["matchLabels"]["app"], each["ports"][0]["port"])
        for each in policy["spec"]["ingress"]
        for peer in each["from"]
    }


def test_the_policy_allows_what_is_expected_and_says_why(tmp_path: Path) -> None:
    flows = [met("ehr/other", "ehr/store", 5432), met("web/app", "ehr/store", 8080), met("web/job", "ehr/store", 22)]
    cut = isolating(run(tmp_path, *flows))
    assert rules(cut) == {("app", 8080), ("other", 5432)}
    text = cut.to_yaml()
    assert f"# allows ingress from Deployment/web/app on TCP 8080: declared; seen 1 times, the last {NOW}\n" in text
    assert "# allows ingress from Deployment/ehr/other on TCP 5432: not declared; seen 1 times" in text
    assert "# question: ingress from Deployment/web/job on TCP 22 is not allowed: seen 1 times" in text
    [use] = cut.uses[cut.uses["object"] == DB].to_dict("records")
    assert use["use"] == "seen"
    assert "Deployment/web/job on TCP 22" in use["what"]


def test_without_a_flow_log_the_policy_says_so(tmp_path: Path) -> None:
    cut = isolating(run(tmp_path))
    assert rules(cut) == {("app", 8080)}
    assert "# no flow log was given: connections that are used and not declared are cut\n" in cut.to_yaml()


def test_what_was_seen_and_is_expected_stays_a_path(tmp_path: Path) -> None:
    """Isolation does not stop it: the cut says that it is left, and does not call it stopped."""
    made = run(tmp_path, met("web/app", "ehr/store", 5432))
    cut = made.smallest_cut("Pod/web/app-0", DB)
    [direct] = cut.paths[
        cut.paths["path"] == f"Pod/web/app-0 → CAN_REACH → PodNetwork/ehr/store-0 → QUERIES → {DB}"
    ].to_dict("records")
    assert (direct["stopped"], direct["stopped_by"]) == (False, "")
    holds(cut, "Pod/web/app-0", 3, DB)
