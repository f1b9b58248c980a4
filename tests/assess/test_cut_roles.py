"""Rights that a cut takes out of roles: no more than the path needs, unless a log shows that nobody uses it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.assess.cut import Cut
from hipaa_kit.assess.opening import assessment
from hipaa_kit.assess.role_cuts import joined, words
from hipaa_kit.kube.rbac import Rule, broken_down, parse_rules
from tests.assess.test_cut import holds
from tests.graph.paths.test_chains import BASE, DATA, WEB
from tests.support.audit_log import START, event, jsonl
from tests.support.network import namespace
from tests.support.paths import SCOPE, assessed
from tests.support.permissions import account, binding, role, rule

WORLD = [*BASE, WEB, account("web", "site")]
SITE = "ServiceAccount/web/site"
OPS = [rule("get list", "pods"), rule("create get", "pods/exec events"), rule("get", "configmaps")]
GIVEN = binding("ops", "Role/ops", SITE, namespace="ehr")

TEXTS = st.lists(st.sampled_from(("a", "b", "c", "*")), min_size=1, max_size=3, unique=True).map(tuple)
RULES = st.builds(Rule, TEXTS, TEXTS, TEXTS, st.one_of(st.just(()), TEXTS)) | st.builds(
    lambda verbs, urls: Rule(verbs, urls=urls), TEXTS, st.just(("/metrics", "/healthz*"))
)


@given(RULES, st.data())
def test_rules_that_are_joined_give_what_they_were_made_of(held: Rule, data: st.DataObject) -> None:
    atoms = list(broken_down(held))
    kept = [atom for atom in atoms if data.draw(st.booleans())]
    again = [atom for each in parse_rules(joined(kept)) for atom in broken_down(each)]
    assert set(again) == set(kept)
    assert len(again) == len(kept)


def cut_of(*objects: Any, source: str = "Pod/web/site") -> Cut:
    with assessed([*WORLD, *objects]) as run:
        cut = run.smallest_cut(source, DATA)
        holds(cut, source, 3)
    return cut


def documents(cut: Cut) -> list[Any]:
    return [each for each in yaml.safe_load_all(cut.to_yaml()) if each]


def test_a_role_loses_what_makes_the_path_and_keeps_the_rest() -> None:
    cut = cut_of(role("ops", *OPS, namespace="ehr"), GIVEN)
    assert cut.things[["kind", "object", "taken"]].to_numpy().tolist() == [
        ["role rule", "Role/ehr/ops", "create,get pods/exec"]
    ]
    assert cut.exact
    assert cut.paths["stopped"].all()
    [made] = documents(cut)
    atoms = {atom for each in parse_rules(made["rules"]) for atom in broken_down(each)}
    before = {atom for each in OPS for atom in broken_down(parse_rules([each])[0])}
    assert words(before - atoms) == "create,get pods/exec"
    assert atoms < before
    assert (cut.proof.permissions["change"] == "lost").all()
    assert cut.uses["what"].tolist() == [f"ServiceAccount web/site: {verb} pods/exec" for verb in ("create", "get")]


def test_a_path_that_two_role_bindings_give_is_stopped_by_both() -> None:
    """What is left when the first is gone stands on the second."""
    enter = rule("create", "pods/exec")
    roles = [role(name, enter, namespace="ehr") for name in ("one", "two")]
    bound = [binding(name, f"Role/{name}", SITE, namespace="ehr") for name in ("one", "two")]
    cut = cut_of(*roles, *bound)
    assert len(cut.things) == 2
    assert cut.exact
    assert cut.complete
    assert cut.paths["stopped"].all()


def test_one_right_less_stops_what_many_role_bindings_give() -> None:
    """Deleting them would take two."""
    subjects = ("one", "two")
    bound = [binding(name, "Role/ops", SITE, namespace="ehr") for name in subjects]
    cut = cut_of(role("ops", *OPS, namespace="ehr"), *bound)
    assert cut.things["kind"].tolist() == ["role rule"]


def test_rights_to_other_names_stay() -> None:
    rules = [{**rule("create", "pods/exec"), "resourceNames": ["db", "other"]}, rule("get", "services")]
    cut = cut_of(role("ops", *rules, namespace="ehr"), GIVEN)
    assert cut.things["taken"].tolist() == ["create pods/exec named db"]
    [made] = documents(cut)
    assert made["rules"][0]["resourceNames"] == ["other"]


LEFT: dict[str, dict[str, Any]] = {
    "it gathers others": {"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"x": "y"}}]}},
    "edit gathers it": {"labels": {"rbac.authorization.k8s.io/aggregate-to-edit": "true"}},
    "the server puts it back": {"labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}},
}


@pytest.mark.parametrize("why", LEFT)
def test_a_role_that_would_not_stay_so_is_left(why: str) -> None:
    held = role("ops", *OPS)
    held["metadata"]["labels"] = LEFT[why].get("labels", {})
    held |= {key: value for key, value in LEFT[why].items() if key != "labels"}
    cut = cut_of(held, binding("ops", "ClusterRole/ops", SITE, namespace="ehr"))
    assert cut.things["kind"].tolist() == ["role binding"]
    assert cut.paths["stopped"].all()


def test_no_name_becomes_a_line_of_yaml() -> None:
    """Names of roles and role bindings may hold nearly anything."""
    name = "ops\nkind: Secret\n---\nkind: Pod"
    bound = binding("ops", f"Role/{name}", SITE, namespace="ehr")
    cut = cut_of(role(name, *OPS, namespace="ehr"), bound)
    [made] = documents(cut)
    assert (made["kind"], made["metadata"]["name"]) == ("Role", name)
    gone = cut_of(
        role("ops", rule("create", "pods/exec"), namespace="ehr"), binding(name, "Role/ops", SITE, namespace="ehr")
    )
    assert documents(gone) == []


RECORDS = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n"
SILENT = RECORDS.replace("rules:\n", 'rules:\n- level: None\n  resources: [{group: "", resources: [configmaps]}]\n')
NARROWED = "narrowed to what was used: out goes get configmaps; create events; get,list pods"
LOGS: dict[str, tuple[dict[str, Any], str, bool]] = {
    "the log would show it": ({}, NARROWED, True),
    "a part is not recorded": (
        {"policy": SILENT},
        "kept, since the log cannot tell whether it is used: get configmaps",
        True,
    ),
    "the log is short": ({"days": 60}, "it covers 60 days of the 90", False),
    "the site waits longer": ({"idle": 120}, "it covers 100 days of the 120", False),
    "the site waits less long": ({"days": 60, "idle": 30}, NARROWED, True),
    "a part of the log is lost": ({"lost": 50}, "the log pauses from", False),
    "the log has ended": ({"as_of": "2026-12-24T00:00:00Z"}, "does not reach to within a day", False),
}


@pytest.mark.parametrize("why", LOGS)
def test_a_role_is_narrowed_to_what_was_used_only_where_the_log_would_show_it(
    why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIPAA_KIT_AUDIT_CACHE", str(tmp_path / "cache"))
    how, expected, narrowed = LOGS[why]
    folder = tmp_path / "dump"
    (folder / "cp-1").mkdir(parents=True)
    (folder / "inputs").mkdir()
    objects = [*WORLD, namespace("default"), role("ops", *OPS, namespace="ehr"), GIVEN]
    (folder / "objects.yaml").write_text(yaml.safe_dump_all(objects))
    (folder / "inputs" / "audit-policy.yaml").write_text(how.get("policy", RECORDS))
    idle = f"thresholds: {{idle_days: {how['idle']}}}\n" if "idle" in how else ""
    (folder / "scope.yaml").write_text(SCOPE + idle)
    (folder / "cp-1" / "audit.log").write_bytes(jsonl(list(events(how.get("days", 100), how.get("lost", -9)))))
    run = assessment(
        folder, folder / "scope.yaml", inputs=folder / "inputs", as_of=how.get("as_of", "2026-11-20T09:00:00Z")
    )
    cut = run.smallest_cut("Pod/web/site", DATA)
    assert cut.things["kind"].tolist() == ["role rule"]
    assert cut.paths["stopped"].all()
    holds(cut, "Pod/web/site", 3)
    assert expected in cut.to_yaml()
    [made] = documents(cut)
    rights = {word for each in made["rules"] for word in each["resources"]}
    assert "events" in rights, "it was used"
    assert ("pods" not in rights) == narrowed
    assert "audit log from" in cut.to_yaml()
    assert ("configmaps" in rights) == (not narrowed or "policy" in how)


def events(days: int, lost: int) -> Any:
    """Yield two requests a day of the account: it reads an event; `lost` is a day of which none is there."""
    user = {"username": "system:serviceaccount:web:site", "groups": ["system:serviceaccounts", "system:authenticated"]}
    place = {"resource": "events", "namespace": "ehr", "name": "e", "apiVersion": "v1"}
    for half in range(2 * days + 1):
        if half // 2 in (lost, lost + 1):
            continue
        at = (START - timedelta(hours=12 * (2 * days - half))).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        uri = "/api/v1/namespaces/ehr/events/e"
        yield event(half, user=user, objectRef=place, requestURI=uri, requestReceivedTimestamp=at, stageTimestamp=at)
