"""Which rule of an audit policy decides on a request, and what then stands in the log."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.kube.audit.policy import LEVELS, Policy, Request, Resources, Rule, at_least
from tests.support.audit_policies import level_by_hand, random_policy, random_request, random_rule

ANN = ("ann", ("people", "system:authenticated"))
POD = Request(*ANN, "get", "", "pods", "", "ehr", "web")
LOG = POD._replace(subresource="log")
LIST = Request(*ANN, "list", "", "pods", "", "ehr")
ROLE = Request(*ANN, "get", "rbac.authorization.k8s.io", "clusterroles", "", "", "edit")
PATH = Request(*ANN, "get", path="/logs/kubelet.log")


def core(*resources: str, names: tuple[str, ...] = ()) -> tuple[Resources, ...]:
    return (Resources("", resources, names),)


@pytest.mark.parametrize(
    ("rule", "request_", "matches"),
    [
        (Rule("Metadata"), POD, True),
        (Rule("Metadata"), PATH, True),
        (Rule("Metadata", users=("ann",)), POD, True),
        (Rule("Metadata", users=("an*", "*")), POD, False),
        (Rule("Metadata", user_groups=("people", "others")), POD, True),
        (Rule("Metadata", user_groups=("others",)), POD, False),
        (Rule("Metadata", users=("ann",), user_groups=("others",)), POD, False),
        (Rule("Metadata", verbs=("get", "list")), POD, True),
        (Rule("Metadata", verbs=("*",)), POD, False),
        (Rule("Metadata", namespaces=("ehr",)), POD, True),
        (Rule("Metadata", namespaces=("ehr",)), ROLE, False),
        (Rule("Metadata", namespaces=("",)), ROLE, True),
        (Rule("Metadata", namespaces=("",)), LIST, False),
        (Rule("Metadata", namespaces=("",)), LIST._replace(namespace=""), True),
        (Rule("Metadata", namespaces=("",)), PATH, False),
        (Rule("Metadata", resources=core("pods")), POD, True),
        (Rule("Metadata", resources=core("pods")), LOG, False),
        (Rule("Metadata", resources=core("pods/log")), LOG, True),
        (Rule("Metadata", resources=core("pods/log")), POD, False),
        (Rule("Metadata", resources=core("pods/*")), LOG, True),
        (Rule("Metadata", resources=core("pods/*")), POD, True),
        (Rule("Metadata", resources=core("*/log")), LOG, True),
        (Rule("Metadata", resources=core("*/log")), POD, False),
        (Rule("Metadata", resources=core("*")), LOG, True),
        (Rule("Metadata", resources=core()), LOG, True),
        (Rule("Metadata", resources=core("*")), ROLE, False),
        (Rule("Metadata", resources=(Resources("*", ("*",)),)), ROLE, True),
        (Rule("Metadata", resources=(Resources("rbac", ("clusterroles",)),)), ROLE, False),
        (Rule("Metadata", resources=core("pods", names=("web",))), POD, True),
        (Rule("Metadata", resources=core("pods", names=("db",))), POD, False),
        (Rule("Metadata", resources=core("pods", names=("web",))), LIST, False),
        (Rule("Metadata", resources=core("pods"), namespaces=("lab",)), POD, False),
        (Rule("Metadata", resources=core("pods")), PATH, False),
        (Rule("Metadata", paths=("/logs/kubelet.log",)), PATH, True),
        (Rule("Metadata", paths=("/logs*",)), PATH, True),
        (Rule("Metadata", paths=("/logs",)), PATH, False),
        (Rule("Metadata", paths=("*",)), PATH, True),
        (Rule("Metadata", paths=("*",)), POD, False),
    ],
)
def test_what_a_rule_matches(rule: Rule, request_: Request, matches: bool) -> None:
    """Source: checker.go and its comments in types.go, kubernetes/apiserver v0.37.2."""
    assert rule.matches(request_) is matches
    assert level_by_hand(Policy((rule,)), request_) == (rule.level if matches else "None")


def test_the_first_rule_decides_and_no_rule_records_nothing() -> None:
    policy = Policy((Rule("None", verbs=("get",)), Rule("Request")), frozenset(["RequestReceived"]))
    assert policy.record(POD)[:3] == (1, "None", frozenset(["RequestReceived"]))
    assert policy.record(LIST)[:3] == (2, "Request", frozenset(["RequestReceived"]))
    assert Policy((Rule("Request", verbs=("get",)),)).record(LIST)[:3] == (0, "None", frozenset())


NOBODY = Request("", (), "get", "", "pods", "", "ehr", "web")
"""One that could not be authenticated."""

WATCH, EXEC, PPROF = LIST._replace(verb="watch"), POD._replace(subresource="exec"), PATH._replace(path="/debug/pprof/x")
SHORT, LONG = (POD, PATH, POD._replace(subresource="status")), (WATCH, EXEC, LOG, PPROF)
RECEIVED, STARTED, COMPLETE = "RequestReceived", "ResponseStarted", "ResponseComplete"


@pytest.mark.parametrize(
    ("omitted", "told"),
    [
        ((), (True, True, True)),
        ((RECEIVED,), (True, True, True)),
        ((STARTED,), (True, True, False)),
        ((COMPLETE,), (False, True, True)),
        ((RECEIVED, COMPLETE), (False, True, True)),
        ((STARTED, COMPLETE), (False, False, False)),
        ((RECEIVED, STARTED, COMPLETE), (False, False, False)),
    ],
)
def test_what_is_told_of_requests_by_the_stages_that_are_left(omitted: tuple[str, ...], told: tuple[bool, ...]) -> None:
    """Held against a real API server in `tests/live/test_audit_policy.py`."""
    half = len(omitted) // 2
    policy = Policy((Rule("Metadata", omit_stages=frozenset(omitted[:half])),), frozenset(omitted[half:]))
    for requests, shows in zip((SHORT, LONG, (NOBODY,)), told, strict=True):
        assert {policy.record(each).told for each in requests} == {"Metadata" if shows else "None"}
        assert {policy.record(each).omitted for each in requests} == {frozenset(omitted)}


@pytest.mark.parametrize(
    ("verbs", "omitted", "told"),
    [
        ((), COMPLETE, "None"),
        (("get", "watch"), COMPLETE, "None"),
        (("watch",), COMPLETE, "Metadata"),
        ((), STARTED, "Metadata"),
    ],
)
def test_a_rule_tells_of_all_that_it_decides_on(verbs: tuple[str, ...], omitted: str, told: str) -> None:
    assert Policy((Rule("Metadata", verbs=verbs, omit_stages=frozenset([omitted])),)).recorded_by(1).told == told


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Rule("metadata"), "there is no level 'metadata'"),
        (Rule("Metadata", omit_stages=frozenset(["Started"])), "there is no stage Started"),
        (Rule("Metadata", paths=("logs",)), "logs is no path"),
        (Rule("Metadata", paths=("/a*/b",)), "wildcard before its end"),
        (Rule("Metadata", paths=("/a",), namespaces=("ehr",)), "both resources and paths"),
        (Rule("Metadata", resources=(Resources("apps/v1", ("deployments",)),)), "apps/v1 is no API group"),
        (Rule("Metadata", resources=(Resources("", (), ("web",)),)), "without their resource"),
        (Rule("Metadata", resources=(Resources("*", ("pods",)),)), "from Kubernetes 1.36 on"),
    ],
)
def test_what_an_api_server_refuses(rule: Rule, words: str) -> None:
    assert words in "; ".join(Policy((Rule("None"), rule)).refused((1, 35)))


@pytest.mark.parametrize("version", [None, (1, 36), (2, 0)])
def test_a_group_of_all_is_taken_by_newer_versions(version: tuple[int, int] | None) -> None:
    assert list(Policy((Rule("Metadata", resources=(Resources("*", ("*/status",)),)),)).refused(version)) == []


def test_a_policy_without_rules_and_one_that_leaves_out_what_there_is_not_are_refused() -> None:
    assert list(Policy(()).refused()) == ["it has no rules"]
    assert list(Policy((Rule("None"),), frozenset(["Answered"])).refused()) == ["there is no stage Answered"]


def test_levels_are_in_order() -> None:
    assert [at_least(each, "Request") for each in LEVELS] == [False, False, True, True]


@given(st.integers(min_value=0))
def test_the_level_is_that_of_an_evaluator_of_its_own(seed: int) -> None:
    rng = random.Random(seed)
    policy = random_policy(rng)
    for _ in range(20):
        request = random_request(rng)
        assert policy.record(request).level == level_by_hand(policy, request)
    assert list(policy.refused()) == []


@given(st.integers(min_value=0))
def test_a_rule_at_the_end_changes_nothing_that_an_earlier_one_decided(seed: int) -> None:
    rng = random.Random(seed)
    policy = random_policy(rng)
    longer = replace(policy, rules=(*policy.rules, random_rule(rng)))
    for _ in range(20):
        request = random_request(rng)
        before, after = policy.record(request), longer.record(request)
        assert before == after if before.rule else after.rule in (0, len(longer.rules))
