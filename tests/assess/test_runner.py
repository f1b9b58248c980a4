"""What a check saw is held against what the snapshot could see."""

from dataclasses import replace

import pandas as pd
import pytest

import hipaa_kit.inventory
from hipaa_kit.assess.facade import Assessment
from hipaa_kit.assess.runner import run_check
from hipaa_kit.inventory.registry import Inventory, discover
from hipaa_kit.safeguards.check import Check, fails, judge, not_applicable, reviews
from tests.support.snapshots import snapshot_of

discover(hipaa_kit.inventory)

PODS = """
apiVersion: v1
kind: Pod
metadata: {name: good, namespace: ehr, uid: "1"}
spec: {containers: [{name: app, image: "example/app:1"}], nodeName: n1}
---
apiVersion: v1
kind: Pod
metadata: {name: bad, namespace: lab, uid: "2"}
spec: {containers: [{name: app, image: "example/app:1"}], hostNetwork: true, nodeName: n1}
"""


def hosts(pods: pd.DataFrame) -> pd.DataFrame:
    return judge(pods, fails(pods["host_network"], "{name} uses the node's network"), passes="{name} does not")


def budgeted(pods: pd.DataFrame, budget_pods: pd.DataFrame) -> pd.DataFrame:
    bare = ~pods["object"].isin(budget_pods["pod"])
    return judge(pods, fails(bare, "no budget", rests_on=["disruption_budgets"]), passes="a budget")


def check_of(function, *tables: str, parameters=None, takes_time=False, without_scope=False) -> Check:
    return Check("HK-AVL-05", function, tables, parameters or {}, takes_time, without_scope)


def run(function, snapshot, *tables: str, **options) -> dict[str, tuple[str, str]]:
    check = check_of(function, *tables)
    verdicts = run_check(check, Inventory(snapshot), snapshot.coverage, parameters={}, as_of="", scoped=True, **options)
    return {verdict.object: (verdict.verdict, verdict.reason_code) for verdict in verdicts}


def test_complete_inputs_give_pass_and_fail() -> None:
    assert run(hosts, snapshot_of(PODS), "pods") == {
        "Pod/ehr/good": ("pass", ""),
        "Pod/lab/bad": ("fail", ""),
    }


def test_the_gravest_part_of_an_object_speaks_for_it() -> None:
    def grave(pods: pd.DataFrame) -> pd.DataFrame:
        rows = pods.assign(object="Namespace//all", mild=pods["name"] == "bad", part=pods["object"])
        return judge(
            rows,
            fails(rows["mild"], "{name} is mild", severity="low"),
            fails(~rows["mild"], "{name} is grave", severity="critical"),
            member="part",
            passes="",
        )

    snapshot = snapshot_of(PODS)
    found = run_check(
        check_of(grave, "pods"), Inventory(snapshot), snapshot.coverage, parameters={}, as_of="", scoped=True
    )
    assert [(each.severity, each.reason) for each in found] == [("critical", "good is grave; and 1 more, less grave")]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("refused", "forbidden"),
        ("failed", "unavailable"),
        ("not_asked", "not_collected"),
        ("partial", "truncated"),
        ("unknown", "unknown_completeness"),
    ],
)
def test_an_incomplete_input_takes_the_pass_and_leaves_the_fail(status: str, code: str) -> None:
    found = run(hosts, snapshot_of(PODS, overrides={("Pod", ""): status}), "pods")
    assert found == {
        "Pod/ehr/good": ("not_assessed", code),
        "Pod/lab/bad": ("fail", ""),
        "*//*": ("not_assessed", code),
    }


def test_a_gap_in_one_namespace_leaves_the_others_alone() -> None:
    found = run(hosts, snapshot_of(PODS, overrides={("Pod", "lab"): "refused"}), "pods")
    assert found == {
        "Pod/ehr/good": ("pass", ""),
        "Pod/lab/bad": ("fail", ""),
        "*/lab/*": ("not_assessed", "forbidden"),
    }


def test_a_fail_that_rests_on_an_absence_needs_it_proved() -> None:
    absent = {("policy", "PodDisruptionBudget", ""): "refused"}
    assert set(run(budgeted, snapshot_of(PODS), "pods", "budget_pods").values()) == {("fail", "")}
    found = run(budgeted, snapshot_of(PODS, overrides=absent), "pods", "budget_pods")
    assert set(found.values()) == {("not_assessed", "forbidden")}


def test_nothing_to_examine_is_not_applicable_only_when_that_is_proved() -> None:
    assert run(hosts, snapshot_of(), "pods") == {"*//*": ("not_applicable", "")}
    assert run(hosts, snapshot_of(coverage="unknown"), "pods") == {"*//*": ("not_assessed", "unknown_completeness")}


def test_a_served_kind_that_is_absent_proves_as_much_as_an_answer() -> None:
    assert run(hosts, snapshot_of(coverage="absent"), "pods") == {"*//*": ("not_applicable", "")}


def test_not_applicable_of_one_object_needs_complete_inputs_too() -> None:
    def none(pods: pd.DataFrame) -> pd.DataFrame:
        return judge(pods, not_applicable(pods["live"], "not asked of it"), passes="")

    found = run(none, snapshot_of(PODS, overrides={("Pod", ""): "refused"}), "pods")
    assert {verdict for verdict, _ in found.values()} == {"not_assessed"}


def test_a_review_stands_on_partial_inputs() -> None:
    def ask(pods: pd.DataFrame) -> pd.DataFrame:
        return judge(pods, reviews(pods["live"], "is it meant?"), passes="")

    found = run(ask, snapshot_of(PODS, overrides={("Pod", ""): "partial"}), "pods")
    assert found["Pod/ehr/good"] == ("review", "")


def test_an_absent_kind_is_not_missing_where_only_another_namespace_was_asked() -> None:
    snapshot = snapshot_of(PODS)
    rows = snapshot.coverage.frame
    only_ehr = rows[(rows["kind"] != "Pod")]
    from hipaa_kit.sources.coverage import Coverage
    from hipaa_kit.tables.results import COVERAGE

    asked = COVERAGE.frame(
        [{"kind": "Pod", "resource": "pods", "namespaced": True, "namespace": "ehr", "status": "answered"}]
    )
    coverage = Coverage(COVERAGE.conform(pd.concat([only_ehr, asked])))
    verdicts = run_check(check_of(hosts, "pods"), Inventory(snapshot), coverage, parameters={}, as_of="", scoped=True)
    found = {verdict.object: (verdict.verdict, verdict.reason_code) for verdict in verdicts}
    assert found["Pod/ehr/good"] == ("pass", "")
    assert found["*//*"] == ("not_assessed", "not_collected")


def test_parts_of_an_object_take_the_worst_verdict_and_are_kept() -> None:
    def by_node(pods: pd.DataFrame) -> pd.DataFrame:
        examined = pods.assign(node="Node//n1")
        return judge(
            examined, fails(examined["host_network"], "{name}"), object="node", member="object", passes="{name}"
        )

    snapshot = snapshot_of(PODS)
    [verdict] = run_check(
        check_of(by_node, "pods"), Inventory(snapshot), snapshot.coverage, parameters={}, as_of="", scoped=True
    )
    assert (verdict.object, verdict.verdict, verdict.reason) == ("Node//n1", "fail", "bad")
    assert [(name, said) for name, said, _ in verdict.members] == [("Pod/ehr/good", "pass"), ("Pod/lab/bad", "fail")]


def test_a_check_that_breaks_says_so_without_showing_a_value() -> None:
    def broken(pods: pd.DataFrame) -> pd.DataFrame:
        raise ValueError(f"cannot read {pods['name'][0]}")

    snapshot = snapshot_of(PODS)
    [verdict] = run_check(
        check_of(broken, "pods"), Inventory(snapshot), snapshot.coverage, parameters={}, as_of="", scoped=True
    )
    assert verdict.verdict == "error"
    assert verdict.reason.startswith("the check broke: ValueError at broken:")
    assert "good" not in verdict.reason


def test_a_check_that_depends_on_the_scope_is_not_assessed_without_one() -> None:
    def of_scope(ephi_objects: pd.DataFrame) -> pd.DataFrame:
        return judge(ephi_objects, passes="fine")

    snapshot = snapshot_of(PODS)
    [verdict] = run_check(
        check_of(of_scope, "ephi_objects"),
        Inventory(snapshot),
        snapshot.coverage,
        parameters={},
        as_of="",
        scoped=False,
    )
    assert (verdict.verdict, verdict.reason_code) == ("not_assessed", "input_missing")


def test_parameters_and_the_moment_reach_the_check() -> None:
    def timed(pods: pd.DataFrame, *, as_of: str, limit: int = 3) -> pd.DataFrame:
        return judge(pods, passes=f"{as_of} {limit}")

    snapshot = snapshot_of(PODS)
    check = check_of(timed, "pods", parameters={"limit": 3}, takes_time=True)
    verdicts = run_check(
        check, Inventory(snapshot), snapshot.coverage, parameters={"limit": 5}, as_of="2026-01-01", scoped=True
    )
    assert {verdict.reason for verdict in verdicts} == {"2026-01-01 5"}


def test_nothing_is_judged_by_the_time_where_nobody_knows_what_time_it_is() -> None:
    def timed(pods: pd.DataFrame, *, as_of: str) -> pd.DataFrame:
        return judge(pods, fails(pods["created_at"] < as_of[:10], "old"), passes="young")

    snapshot = snapshot_of(PODS)
    check = check_of(timed, "pods", takes_time=True)
    [verdict] = run_check(check, Inventory(snapshot), snapshot.coverage, parameters={}, as_of="", scoped=True)
    assert (verdict.object, verdict.verdict, verdict.reason_code) == ("*//*", "not_assessed", "input_missing")
    assert "--as-of" in verdict.reason_detail


def test_a_node_whose_container_runtime_has_ended_does_not_pass_where_nothing_is_dated() -> None:
    versions = (
        "kubeletVersion: v1.35.8, containerRuntimeVersion: 'containerd://1.6.36', kernelVersion: 6.8.0-85-generic"
    )
    system = "operatingSystem: linux, osImage: Debian GNU/Linux 12 (bookworm)"
    node = f"{{apiVersion: v1, kind: Node, metadata: {{name: n1}}, status: {{nodeInfo: {{{versions}, {system}}}}}}}"
    undated = snapshot_of(node, collected_at="", version="v1.35.8")
    found = {
        moment: Assessment(undated, as_of=moment, topics=["vulnerabilities"]).findings()
        for moment in ("", "2026-11-20T00:00:00Z")
    }
    of_nodes = {moment: set(each.loc[each["check"] == "HK-VUL-05", "verdict"]) for moment, each in found.items()}
    assert of_nodes == {"": {"not_assessed"}, "2026-11-20T00:00:00Z": {"fail"}}


def test_a_proved_failure_wins_over_what_is_unknown_and_over_a_question() -> None:
    frame = pd.DataFrame({"object": ["Pod/a/b"], "yes": [True]})
    judged = judge(frame, reviews(frame["yes"], "ask"), fails(frame["yes"], "wrong"), passes="fine")
    assert list(judged["verdict"]) == ["fail"]


def test_an_unknown_mask_does_not_fail_anyone() -> None:
    frame = pd.DataFrame({"object": ["Pod/a/b"], "n": pd.Series([None], dtype="Int64")})
    assert list(judge(frame, fails(frame["n"] < 2, "few"), passes="{n}")["reason"]) == ["unknown"]


def programs(probes: pd.DataFrame) -> pd.DataFrame:
    return judge(probes, fails(probes["program"] == "", "runs nothing"), passes="runs {program}", object="pod")


def test_a_fact_that_nobody_took_is_no_absence() -> None:
    """Removing what was known must never look like there being nothing."""
    snapshot = snapshot_of(PODS)
    assert run(programs, snapshot, "probes") == {"*//*": ("not_applicable", "")}
    for earlier in ({}, {**snapshot.facts, "exec_program": 0}):
        assert run(programs, replace(snapshot, facts=earlier), "probes") == {"*//*": ("not_assessed", "stale")}
    others = {name: 0 for name in snapshot.facts if name != "exec_program"}
    known = replace(snapshot, facts={**others, "exec_program": snapshot.facts["exec_program"]})
    assert run(programs, known, "probes") == {"*//*": ("not_applicable", "")}
    assert run(hosts, replace(snapshot, facts={}), "pods")["Pod/ehr/good"] == ("pass", "")
