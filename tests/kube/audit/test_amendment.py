"""The rules that a policy lacks: with them every request is recorded as it must be, and no body gets in that must not."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.catalogue.probes import load_audit_probes
from hipaa_kit.inventory.audit import wanted_of
from hipaa_kit.kube.audit.amendment import Wanted, amendment, as_yaml
from hipaa_kit.kube.audit.policy import TELLING, Policy, Resources, Rule
from tests.support.audit_policies import random_policy

PLACES = {"ephi": "ehr", "backup": "velero", "logging": "monitoring"}
PROBES = [wanted_of(probe, PLACES.get(probe.namespace, probe.namespace)) for probe in load_audit_probes()]


def amended(policy: Policy) -> Policy:
    return replace(policy, rules=(*amendment(policy, PROBES), *policy.rules))


@pytest.mark.parametrize(
    "policy",
    [
        Policy((Rule("Metadata"),)),
        Policy((Rule("None"),)),
        Policy((Rule("RequestResponse"),)),
        Policy((Rule("None", user_groups=("system:authenticated",)), Rule("Request"))),
        Policy((Rule("Metadata", verbs=("create",)),), frozenset(["RequestReceived"])),
    ],
)
def test_with_its_amendment_a_policy_meets_every_probe(policy: Policy) -> None:
    assert [each for each in PROBES if not each.met_by(amended(policy))] == []
    assert amendment(amended(policy), PROBES) == []


@given(st.integers(min_value=0))
def test_any_policy_that_keeps_the_stages_of_the_answer_is_mended(seed: int) -> None:
    policy = random_policy(random.Random(seed))
    stages = policy.omit_stages - TELLING
    mended = amended(replace(policy, omit_stages=stages))
    assert [each for each in PROBES if not each.met_by(mended)] == []
    assert list(mended.refused()) == []


@given(st.integers(min_value=0))
def test_what_was_met_stays_met(seed: int) -> None:
    policy = random_policy(random.Random(seed))
    mended = amended(policy)
    assert [each for each in PROBES if each.met_by(policy) and not each.met_by(mended)] == []


def test_what_is_met_needs_no_rule() -> None:
    assert amendment(Policy((Rule("Metadata"),)), [wanted for wanted in PROBES if wanted.minimum == "Metadata"]) == []


def test_secrets_come_before_what_records_bodies() -> None:
    rules = amendment(Policy((Rule("None"),)), PROBES)
    body = next(number for number, rule in enumerate(rules) if rule.level == "Request")
    secret = [
        number for number, rule in enumerate(rules) if any("secrets" in each.resources for each in rule.resources)
    ]
    assert secret
    assert max(secret) < body


def test_rules_are_written_as_in_a_policy_without_what_is_empty() -> None:
    rule = Rule("Metadata", verbs=("get",), resources=(Resources("", ("secrets",)),))
    assert as_yaml([rule]) == [
        {"level": "Metadata", "verbs": ["get"], "resources": [{"group": "", "resources": ["secrets"]}]}
    ]
    assert as_yaml([Rule("None", users=("a",), paths=("/api*",), omit_stages=frozenset(["Panic"]))]) == [
        {"level": "None", "users": ["a"], "nonResourceURLs": ["/api*"], "omitStages": ["Panic"]}
    ]


def test_a_request_that_must_not_be_recorded_above_a_level_is_brought_down() -> None:
    token = next(each for each in PROBES if each.request.resource == "tokenreviews")
    assert not token.met_by(Policy((Rule("Request"),)))
    assert amendment(Policy((Rule("Request"),)), [token])[0].level == "Metadata"
    assert Wanted(token.request, "None").met_by(Policy((Rule("Request"),)))


def less(rules: list[Rule]) -> Iterator[list[Rule]]:
    """Yield rules of which one part was taken: a rule, a verb, a path, a group or a resource."""
    for at, rule in enumerate(rules):
        smaller = [replace(rule, verbs=_without(rule.verbs, each)) for each in rule.verbs if len(rule.verbs) > 1]
        smaller += [replace(rule, paths=_without(rule.paths, each)) for each in rule.paths if len(rule.paths) > 1]
        for named in rule.resources if len(rule.resources) > 1 else ():
            smaller.append(replace(rule, resources=_without(rule.resources, named)))
        for place, named in enumerate(rule.resources):
            for each in named.resources if len(named.resources) > 1 else ():
                kept = named._replace(resources=_without(named.resources, each))
                smaller.append(replace(rule, resources=(*rule.resources[:place], kept, *rule.resources[place + 1 :])))
        yield [*rules[:at], *rules[at + 1 :]]
        yield from ([*rules[:at], each, *rules[at + 1 :]] for each in smaller)


def _without(values: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    return tuple(each for each in values if each != value)


@given(st.integers(min_value=0))
def test_nothing_of_an_amendment_can_be_left_out(seed: int) -> None:
    """Where any part of it is taken away, some request is not recorded as it must be."""
    rng = random.Random(seed)
    policy = rng.choice((Policy((Rule("None"),)), Policy((Rule("Metadata"),)), random_policy(rng)))
    policy = replace(policy, omit_stages=policy.omit_stages - TELLING)
    for fewer in less(amendment(policy, PROBES)):
        amended_less = replace(policy, rules=(*fewer, *policy.rules))
        assert any(not each.met_by(amended_less) for each in PROBES), fewer
