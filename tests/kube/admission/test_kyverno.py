"""Kyverno's policies, overrides and exceptions, case by case."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.kube.admission import (
    AUDIT,
    DENY,
    Exceptions,
    Part,
    Place,
    cluster_policy_parts,
    read_exceptions,
    validating_policy_parts,
)
from hipaa_kit.kube.admission.kyverno import fits
from hipaa_kit.kube.admission.parts import EVERY, NONE, SOME, UNKNOWN

EHR = Place("ehr", {"team": "records"})
PODS = {"any": [{"resources": {"kinds": ["Pod"]}}]}
RESTRICTED = {"podSecurity": {"level": "restricted", "version": "latest"}}
NO_EXCEPTIONS = Exceptions()


def rule(match: Any = PODS, validate: Any = RESTRICTED, **fields: Any) -> dict[str, Any]:
    return {"name": "r", "match": match, "validate": validate, **fields}


def policy(*rules: dict[str, Any], namespace: str = "", **spec: Any) -> dict[str, Any]:
    about = {"name": "pss", "namespace": namespace} if namespace else {"name": "pss"}
    return {"metadata": about, "spec": {"validationFailureAction": "Enforce", "rules": list(rules), **spec}}


def part(of: dict[str, Any], exceptions: Exceptions = NO_EXCEPTIONS, place: Place = EHR) -> Part:
    return next(iter(cluster_policy_parts(of, place, exceptions)))


def within(**resources: Any) -> dict[str, Any]:
    return {"any": [{"resources": {"kinds": ["Pod"], **resources}}]}


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        (PODS, EVERY),
        ({"all": [{"resources": {"kinds": ["Pod"]}}]}, EVERY),
        ({"resources": {"kinds": ["Pod"]}}, EVERY),
        ({"any": [{"resources": {"kinds": ["Deployment"]}}, {"resources": {"kinds": ["v1/Pod"]}}]}, EVERY),
        ({"any": [{"resources": {"kinds": ["Deployment"]}}]}, NONE),
        ({"any": [{"resources": {"kinds": ["Pod/exec"]}}]}, NONE),
        ({"any": [{"subjects": [{"kind": "User", "name": "a"}]}]}, UNKNOWN),
        (within(namespaces=["ehr"]), EVERY),
        (within(namespaces=["e*", "x"]), EVERY),
        (within(namespaces=["lab"]), NONE),
        (within(namespaces=["{{ request.namespace }}"]), UNKNOWN),
        (within(namespaceSelector={"matchLabels": {"team": "records"}}), EVERY),
        (within(namespaceSelector={"matchLabels": {"team": "lab"}}), NONE),
        (within(selector={"matchLabels": {"app": "x"}}), SOME),
        (within(names=["app-*"]), SOME),
        (within(names=["*"]), EVERY),
        (within(name="app"), SOME),
        (within(annotations={"a": "b"}), SOME),
        (within(operations=["CREATE", "UPDATE"]), EVERY),
        (within(operations=["UPDATE"]), NONE),
        ({"any": [{"resources": {"kinds": ["Pod"]}, "subjects": [{"kind": "User", "name": "a"}]}]}, SOME),
        ({"all": [{"resources": {"kinds": ["Pod"]}}, {"clusterRoles": ["admin"]}]}, SOME),
    ],
)
def test_what_a_rule_matches(match: Any, expected: str) -> None:
    assert part(policy(rule(match))).reach == expected


@pytest.mark.parametrize(
    ("exclude", "expected"),
    [
        ({}, EVERY),
        ({"any": [{"resources": {"namespaces": ["kube-system"]}}]}, EVERY),
        ({"any": [{"resources": {"namespaces": ["ehr"]}}]}, NONE),
        ({"any": [{"resources": {"namespaces": ["eh?"], "kinds": ["Pod"]}}]}, NONE),
        ({"any": [{"resources": {"namespaces": ["ehr"], "kinds": ["Deployment"]}}]}, EVERY),
        ({"any": [{"resources": {"selector": {"matchLabels": {"skip": "true"}}}}]}, SOME),
        ({"any": [{"clusterRoles": ["cluster-admin"]}]}, SOME),
        ({"all": [{"resources": {"namespaces": ["ehr"]}}, {"subjects": [{"kind": "User", "name": "a"}]}]}, SOME),
        ({"all": [{"resources": {"namespaces": ["lab"]}}, {"subjects": [{"kind": "User", "name": "a"}]}]}, EVERY),
        ({"resources": {"namespaces": ["ehr"]}}, NONE),
        ({"any": [{"resources": {"namespaces": ["{{ x }}"]}}]}, UNKNOWN),
    ],
)
def test_what_a_rule_leaves_out(exclude: Any, expected: str) -> None:
    assert part(policy(rule(exclude=exclude))).reach == expected


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        (policy(rule()), DENY),
        (policy(rule(), validationFailureAction="enforce"), DENY),
        (policy(rule(), validationFailureAction="Audit"), AUDIT),
        ({"metadata": {"name": "pss"}, "spec": {"rules": [rule()]}}, AUDIT),
        (policy(rule(validate={**RESTRICTED, "failureAction": "Audit"})), AUDIT),
        (policy(rule(validate={**RESTRICTED, "failureAction": "Enforce"}), validationFailureAction="Audit"), DENY),
        (policy(rule(validate={**RESTRICTED, "failureAction": "Audit"}), rule()), UNKNOWN),
        (policy(rule(), validationFailureActionOverrides=[{"action": "Audit", "namespaces": ["ehr"]}]), AUDIT),
        (policy(rule(), validationFailureActionOverrides=[{"action": "Audit", "namespaces": ["lab"]}]), DENY),
        (
            policy(
                rule(),
                validationFailureActionOverrides=[
                    {"action": "Enforce", "namespaces": ["e*"]},
                    {"action": "Audit", "namespaces": ["ehr"]},
                ],
            ),
            DENY,
        ),
        (
            policy(
                rule(),
                validationFailureActionOverrides=[
                    {"action": "Audit", "namespaces": ["ehr"], "namespaceSelector": {"matchLabels": {"team": "lab"}}}
                ],
            ),
            DENY,
        ),
        (
            policy(
                rule(),
                validationFailureActionOverrides=[
                    {"action": "Audit", "namespaceSelector": {"matchLabels": {"team": "records"}}}
                ],
            ),
            AUDIT,
        ),
        (policy(rule(), validationFailureActionOverrides=[{"action": "Ignore", "namespaces": ["ehr"]}]), DENY),
        (
            policy(
                rule(validate={**RESTRICTED, "failureActionOverrides": [{"action": "Audit", "namespaces": ["ehr"]}]})
            ),
            AUDIT,
        ),
    ],
)
def test_what_becomes_of_pods_that_fall_short(given_: dict[str, Any], expected: str) -> None:
    assert part(given_).action == expected


@pytest.mark.parametrize(
    ("validate", "fields", "level", "exact"),
    [
        (RESTRICTED, {}, "restricted", True),
        ({"podSecurity": {"level": "baseline"}}, {}, "baseline", True),
        ({"podSecurity": {"level": "baseline", "exclude": [{"controlName": "Capabilities"}]}}, {}, "baseline", False),
        (RESTRICTED, {"preconditions": {"all": [{"key": "x"}]}}, "restricted", False),
        (RESTRICTED, {"preconditions": [{"key": "x"}]}, "restricted", False),
        (RESTRICTED, {"celPreconditions": [{"name": "x"}]}, "restricted", False),
        ({"podSecurity": {"level": "strict"}}, {}, "", False),
        ({"pattern": {"spec": {"hostPID": "false"}}}, {}, "", False),
    ],
)
def test_a_level_is_exact_only_where_nothing_narrows_it(
    validate: Any, fields: dict[str, Any], level: str, exact: bool
) -> None:
    found = part(policy(rule(validate=validate, **fields)))
    assert (found.level, not found.doubt) == (level, exact)


def test_a_policy_of_a_namespace_reaches_no_other() -> None:
    assert part(policy(rule(), namespace="ehr")).reach == EVERY
    assert part(policy(rule(), namespace="lab")).reach == NONE


def test_a_policy_that_is_not_for_admission_reaches_nothing() -> None:
    assert part(policy(rule(), admission=False)).reach == NONE


def test_errors_let_pods_in_where_either_field_says_so() -> None:
    assert not part(policy(rule())).ignores_errors
    assert part(policy(rule(), failurePolicy="Ignore")).ignores_errors
    assert part(policy(rule(), webhookConfiguration={"failurePolicy": "Ignore"})).ignores_errors
    assert not part(
        policy(rule(), webhookConfiguration={"failurePolicy": "Fail"}, failurePolicy="Ignore")
    ).ignores_errors


def test_conditions_of_a_policys_webhook_leave_some_out() -> None:
    narrowed = policy(rule(), webhookConfiguration={"matchConditions": [{"name": "x", "expression": "false"}]})
    assert part(narrowed).reach == SOME


def test_rules_that_do_not_validate_are_no_parts() -> None:
    mutates = {"name": "m", "match": PODS, "mutate": {"patchStrategicMerge": {}}}
    assert [each.name for each in cluster_policy_parts(policy(mutates, rule()), EHR, NO_EXCEPTIONS)] == ["r"]


def exception(name: str = "pss", rules: tuple[str, ...] = ("r",), match: Any = PODS) -> Exceptions:
    spec = {"exceptions": [{"policyName": name, "ruleNames": list(rules)}], "match": match}
    return read_exceptions([{"spec": spec}])


@pytest.mark.parametrize(
    ("exceptions", "spared"),
    [
        (exception(), True),
        (exception(rules=("autogen-r", "r*")), True),
        (exception(rules=()), True),
        (exception("other"), False),
        (exception(rules=("s",)), False),
        (exception(match=within(namespaces=["lab"])), False),
        (exception(match=within(namespaces=["ehr"], names=["one"])), True),
        (exception(match={}), True),
        (read_exceptions([{"spec": {"policyRefs": [{"name": "pss", "kind": "ValidatingPolicy"}]}}]), True),
    ],
)
def test_exceptions_take_certainty_away(exceptions: Exceptions, spared: bool) -> None:
    assert bool(part(policy(rule()), exceptions).doubt) is spared


def test_an_exception_names_a_policy_of_a_namespace_with_it() -> None:
    of_ehr = policy(rule(), namespace="ehr")
    assert part(of_ehr, exception("ehr/pss")).doubt
    assert not part(of_ehr, exception("pss")).doubt


@pytest.mark.parametrize(
    ("spec", "reach", "action"),
    [
        ({}, EVERY, UNKNOWN),
        ({"validationActions": ["Deny"]}, EVERY, DENY),
        ({"validationActions": ["Audit"]}, EVERY, AUDIT),
        ({"validationActions": ["Deny"], "evaluation": {"admission": {"enabled": False}}}, NONE, DENY),
        ({"validationActions": ["Deny"], "evaluation": {"mode": "Envoy"}}, NONE, DENY),
        ({"validationActions": ["Deny"], "matchConditions": [{"name": "x", "expression": "true"}]}, SOME, DENY),
    ],
)
def test_policies_of_the_newer_group(spec: dict[str, Any], reach: str, action: str) -> None:
    rules = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]
    newer = {"metadata": {"name": "p"}, "spec": {"matchConstraints": {"resourceRules": rules}, **spec}}
    (found,) = validating_policy_parts(newer, EHR, NO_EXCEPTIONS)
    assert (found.reach, found.action, found.level) == (reach, action, "")
    assert found.doubt


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [("ehr", "ehr", True), ("eh?", "ehr", True), ("e*", "ehr", True), ("e.r", "ehr", False), ("[a]", "ehr", None)],
)
def test_patterns_of_names(pattern: str, name: str, expected: bool | None) -> None:
    assert fits(pattern, name) is expected


FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "kinds": st.lists(st.sampled_from(["Pod", "Deployment", "*"]), min_size=1, max_size=2),
        "namespaces": st.lists(st.sampled_from(["ehr", "lab", "e*", "{{x}}"]), min_size=1, max_size=2),
        "names": st.just(["a*"]),
        "selector": st.just({"matchLabels": {"a": "b"}}),
    },
)
BLOCKS = st.fixed_dictionaries({"any": st.lists(FILTERS.map(lambda each: {"resources": each}), min_size=1, max_size=2)})
STRENGTH = {NONE: 0, SOME: 1, UNKNOWN: 1, EVERY: 2}


@given(match=BLOCKS, exclude=BLOCKS)
def test_excluding_never_reaches_further(match: Any, exclude: Any) -> None:
    before, after = part(policy(rule(match))), part(policy(rule(match, exclude=exclude)))
    assert STRENGTH[after.reach] <= STRENGTH[before.reach]


@given(match=BLOCKS, spared=BLOCKS)
def test_an_exception_never_makes_a_level_exact(match: Any, spared: Any) -> None:
    before, after = part(policy(rule(match))), part(policy(rule(match)), exception(match=spared))
    assert (after.reach, after.action, after.level) == (before.reach, before.action, before.level)
    assert after.doubt or not before.doubt
