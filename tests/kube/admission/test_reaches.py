"""How far rules, selectors, webhooks and policies of Kubernetes' own form reach over the pods of a namespace."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from hipaa_kit.kube.admission import AUDIT, DENY, NOTHING, REACHES, WARN, Place, binding_parts, hooks_of
from hipaa_kit.kube.admission.parts import (
    EVERY,
    NONE,
    SOME,
    UNKNOWN,
    all_of,
    any_of,
    by_labels,
    by_match_resources,
    by_pod_labels,
    covers_pods,
    without,
)

EHR = Place("ehr", {"team": "records"})
HIDDEN = Place("ehr")
PODS = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, EVERY),
        ({"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]}, EVERY),
        ({"resources": ["*/*"]}, EVERY),
        ({"resources": ["pods/*"]}, EVERY),
        ({"resources": ["pods/exec"]}, NONE),
        ({"resources": ["deployments"]}, NONE),
        ({"apiGroups": ["apps"]}, NONE),
        ({"apiVersions": ["v2"]}, NONE),
        ({"operations": ["UPDATE"]}, NONE),
        ({"scope": "Namespaced"}, EVERY),
        ({"scope": "Cluster"}, NONE),
        ({"resourceNames": ["app"]}, SOME),
    ],
)
def test_rules_cover_new_pods(changed: dict[str, Any], expected: str) -> None:
    assert covers_pods(PODS | changed) == expected


@pytest.mark.parametrize(
    ("selector", "seen", "hidden"),
    [
        (None, EVERY, EVERY),
        ({}, EVERY, EVERY),
        ({"matchLabels": {"team": "records"}}, EVERY, UNKNOWN),
        ({"matchLabels": {"team": "lab"}}, NONE, UNKNOWN),
        ({"matchLabels": {"kubernetes.io/metadata.name": "ehr"}}, EVERY, EVERY),
        (
            {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["ehr"]}]},
            NONE,
            NONE,
        ),
        ({"matchExpressions": [{"key": "ignore", "operator": "DoesNotExist"}]}, EVERY, UNKNOWN),
        ({"matchExpressions": [{"key": "team", "operator": "Like", "values": ["x"]}]}, UNKNOWN, UNKNOWN),
        ("team=records", UNKNOWN, UNKNOWN),
    ],
)
def test_selectors_of_namespaces(selector: Any, seen: str, hidden: str) -> None:
    assert (by_labels(selector, EHR), by_labels(selector, HIDDEN)) == (seen, hidden)


@pytest.mark.parametrize(
    ("selector", "expected"),
    [(None, EVERY), ({}, EVERY), ({"matchLabels": {"app": "x"}}, SOME), ({"matchExpressions": "x"}, UNKNOWN)],
)
def test_labels_of_pods_are_chosen_by_who_makes_them(selector: Any, expected: str) -> None:
    assert by_pod_labels(selector) == expected


def test_every_pod_is_reached_only_where_every_condition_does() -> None:
    for first, second in product(REACHES, REACHES):
        assert (all_of([first, second]) == EVERY) == (first == second == EVERY)
        assert (any_of([first, second]) == EVERY) == (EVERY in (first, second))
        assert (without(first, second) == EVERY) == (first == EVERY and second == NONE)
        assert (without(first, second) == NONE) == (first == NONE or second == EVERY)


def test_what_is_left_out_never_adds() -> None:
    rank = {NONE: 0, SOME: 1, UNKNOWN: 1, EVERY: 2}
    for first, second in product(REACHES, REACHES):
        assert rank[without(first, second)] <= rank[first]
        assert rank[all_of([first, second])] <= rank[first]


@pytest.mark.parametrize(
    ("match", "rules", "expected"),
    [
        ({"resourceRules": [PODS]}, True, EVERY),
        ({}, True, NONE),
        ({}, False, EVERY),
        ({"resourceRules": [PODS], "excludeResourceRules": [PODS]}, True, NONE),
        ({"resourceRules": [PODS], "excludeResourceRules": [PODS | {"resourceNames": ["a"]}]}, True, SOME),
        ({"resourceRules": [PODS], "namespaceSelector": {"matchLabels": {"team": "lab"}}}, True, NONE),
        ({"resourceRules": [PODS], "objectSelector": {"matchLabels": {"app": "x"}}}, True, SOME),
    ],
)
def test_match_resources(match: dict[str, Any], rules: bool, expected: str) -> None:
    assert by_match_resources(match, EHR, rules=rules) == expected


def hook(name: str = "validate.kyverno.svc-fail", **fields: Any) -> dict[str, Any]:
    return {"webhooks": [{"name": name, "rules": [PODS], **fields}]}


@pytest.mark.parametrize(
    ("configuration", "engine", "ignores", "reach"),
    [
        (hook(), "kyverno", False, EVERY),
        (hook("validate.kyverno.svc-ignore", failurePolicy="Ignore"), "kyverno", True, EVERY),
        (hook("vpol.validate.kyverno.svc-fail"), "kyverno_cel", False, EVERY),
        (hook("validate.kyverno.svc-fail-finegrained-pss"), "kyverno", False, SOME),
        (hook("validation.gatekeeper.sh", failurePolicy="Ignore"), "gatekeeper", True, EVERY),
        (hook("check-ignore-label.gatekeeper.sh"), "", False, EVERY),
        (hook("webhook.example"), "", False, EVERY),
        (hook(matchConditions=[{"name": "x", "expression": "true"}]), "kyverno", False, SOME),
        (hook(namespaceSelector={"matchLabels": {"team": "lab"}}), "kyverno", False, NONE),
        (hook(objectSelector={"matchLabels": {"a": "b"}}), "kyverno", False, SOME),
    ],
)
def test_webhooks(configuration: dict[str, Any], engine: str, ignores: bool, reach: str) -> None:
    found = list(hooks_of(configuration))
    assert [(each.engine, each.ignores_errors, each.reach(EHR)) for each in found] == [(engine, ignores, reach)]


def test_a_webhook_that_is_asked_about_other_things_is_not_about_pods() -> None:
    (found,) = hooks_of(hook(rules=[PODS | {"resources": ["services"]}]))
    assert (found.about_pods, found.reach(EHR)) == (False, NONE)


POLICY = {"metadata": {"name": "p"}, "spec": {"matchConstraints": {"resourceRules": [PODS]}}}


def bound(*actions: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "b"}, "spec": {"policyName": "p", "validationActions": list(actions), **spec}}


@pytest.mark.parametrize(
    ("binding", "reach", "action"),
    [
        (bound("Deny"), EVERY, DENY),
        (bound("Audit", "Deny"), EVERY, DENY),
        (bound("Warn", "Audit"), EVERY, WARN),
        (bound("Audit"), EVERY, AUDIT),
        (bound(), EVERY, NOTHING),
        (bound("Deny", matchResources={"namespaceSelector": {"matchLabels": {"team": "lab"}}}), NONE, DENY),
        (bound("Deny", matchResources={"resourceRules": [PODS | {"resources": ["services"]}]}), NONE, DENY),
    ],
)
def test_bindings_of_validating_admission_policies(binding: dict[str, Any], reach: str, action: str) -> None:
    (part,) = binding_parts(POLICY, [binding], EHR)
    assert (part.name, part.reach, part.action, part.level) == ("b", reach, action, "")
    assert part.doubt


def test_a_policy_that_nothing_binds_does_nothing() -> None:
    (part,) = binding_parts(POLICY, [], EHR)
    assert (part.reach, part.action) == (EVERY, NOTHING)


def test_a_policy_says_itself_whether_errors_let_pods_in() -> None:
    open_ = {**POLICY, "spec": {**POLICY["spec"], "failurePolicy": "Ignore"}}
    assert [
        part.ignores_errors for policy in (POLICY, open_) for part in binding_parts(policy, [bound("Deny")], EHR)
    ] == [
        False,
        True,
    ]
