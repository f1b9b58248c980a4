"""The kit's answers on random clusters are those of an evaluator that writes everything out."""

import random
from typing import Any

import pytest

from hipaa_kit.kube.rbac import (
    Policy,
    Request,
    Requester,
    RoleRef,
    covers,
    may_bind,
    may_write_role,
    parse_policy,
    parse_rules,
)
from tests.support import rbac_by_hand as by_hand
from tests.support.rbac_worlds import Asked, rules, world

SEEDS = [range(first, first + 50) for first in range(0, 400, 50)]


def can(policy: Policy, asked: Asked) -> bool:
    request = {word: value for word, value in asked.items() if word not in ("user", "groups")}
    return policy.can(Requester(asked["user"], frozenset(asked["groups"])), Request(**request))


def may_write(policy: Policy, asked: Asked) -> bool:
    who, namespace = Requester(asked["user"], frozenset(asked["groups"])), asked["namespace"]
    if "roleRef" in asked:
        ref = RoleRef(asked["roleRef"]["kind"], asked["roleRef"]["name"])
        return may_bind(policy, who, ref, namespace).allowed
    return may_write_role(
        policy,
        who,
        RoleRef(asked["kind"], asked["name"]),
        namespace,
        parse_rules(asked["rules"]),
        verb=asked["verb"],
        aggregates=asked["aggregates"],
    ).allowed


@pytest.mark.parametrize("seeds", SEEDS, ids=str)
def test_requests_are_answered_as_by_hand(seeds: range) -> None:
    answers = set()
    for seed in seeds:
        made = world(seed)
        policy = parse_policy(made.objects)
        for asked in made.requests:
            answer = can(policy, asked)
            assert answer == by_hand.allowed(made.objects, asked), (seed, asked)
            answers.add(answer)
    assert answers == {True, False}


@pytest.mark.parametrize("seeds", SEEDS, ids=str)
def test_the_escalation_test_is_answered_as_by_hand(seeds: range) -> None:
    answers = set()
    for seed in seeds:
        made = world(seed)
        policy = parse_policy(made.objects)
        for asked in made.writes:
            answer = may_write(policy, asked)
            assert answer == by_hand.may_write(made.objects, asked), (seed, asked)
            answers.add(answer)
    assert answers == {True, False}


@pytest.mark.parametrize("seed", range(20))
def test_covers_is_to_allow_all_that_the_other_allows(seed: int) -> None:
    draw = random.Random(seed)
    answers = set()
    for _ in range(200):
        owner, servant = rules(draw, "ClusterRole", most=5), rules(draw, "ClusterRole", most=1)
        owner += draw.sample(servant, draw.randint(0, len(servant)))
        answer = covers(parse_rules(owner), parse_rules(servant))
        assert answer == by_hand.covers(owner, servant), (owner, servant)
        answers.add(answer)
    assert answers == {True, False}


@pytest.mark.parametrize("seed", range(0, 200, 4))
def test_order_and_removal_of_role_bindings(seed: int) -> None:
    made = world(seed, requests=60)
    draw = random.Random(seed)
    shuffled = draw.sample(made.objects, len(made.objects))
    fewer = [each for each in made.objects if not each["kind"].endswith("Binding") or draw.random() < 0.7]
    whole, other, less = parse_policy(made.objects), parse_policy(shuffled), parse_policy(fewer)
    for asked in made.requests:
        assert can(whole, asked) == can(other, asked)
        assert can(whole, asked) or not can(less, asked)
    for asked in made.writes:
        assert may_write(whole, asked) == may_write(other, asked)
        assert may_write(whole, asked) or not may_write(less, asked)


@pytest.mark.parametrize("seed", range(0, 200, 4))
def test_who_may_write_a_role_without_the_right_can_do_all_it_gives(seed: int) -> None:
    made = world(seed, writes=60)
    policy = parse_policy(made.objects)
    for asked in made.writes:
        if "rules" in asked:
            who: Any = Requester(asked["user"], frozenset(asked["groups"]))
            role, wanted = RoleRef(asked["kind"], asked["name"]), parse_rules(asked["rules"])
            answer = may_write_role(policy, who, role, asked["namespace"], wanted)
            if answer.by == "holds all of it":
                assert covers(policy.rules_for(who, asked["namespace"]), wanted)
            elif not answer.by:
                assert covers(wanted, answer.missing)
                assert not covers(policy.rules_for(who, asked["namespace"]), answer.missing)
