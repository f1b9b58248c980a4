"""Reachability under other policies, of which what stands is taken over, says what reachability anew says."""

from __future__ import annotations

import random
from dataclasses import replace

import pandas as pd
import pytest

from hipaa_kit.graph.reachability import Reachability
from hipaa_kit.graph.reachability.alike import Alike
from hipaa_kit.graph.reachability.facts import Facts
from hipaa_kit.kube.network.ports import PortRange, Ports
from tests.support.network_oracle.generate import MIXES, random_cluster
from tests.support.network_oracle.model import LISTS
from tests.support.snapshots import snapshot_of


def built(seed: int) -> Reachability:
    cluster = random_cluster(seed, MIXES[seed % len(MIXES)])
    held = [each for key in LISTS for each in cluster[key]]
    kinds: dict[tuple[str, str] | tuple[str, str, str], str] = {
        (each["apiVersion"].rpartition("/")[0], each["kind"], ""): "answered" for each in held
    }
    return Reachability.of(snapshot_of(held, overrides=kinds), enforcement="enforced", node_local="allowed")


def with_some(facts: Facts, rng: random.Random) -> Facts:
    """Return facts in which each policy and doubt is left or taken out."""
    left = [each for each in facts.policies if rng.random() < 0.7]
    return replace(facts, policies=left, doubts=[each for each in facts.doubts if rng.random() < 0.7])


def with_another(facts: Facts, rng: random.Random) -> Facts:
    """Return facts with one policy more somewhere in between, which has the subject of one and the rules of another."""
    policies = list(facts.policies)
    one, other = rng.choice(policies), rng.choice(policies)
    policies.insert(rng.randint(0, len(policies)), replace(one, rules=other.rules, isolates=other.isolates))
    return replace(facts, policies=policies)


def with_ports(facts: Facts, rng: random.Random) -> Facts:
    """Return facts with one policy more whose rules are of ports that others may not name, for some addresses or all."""
    policies = list(facts.policies)
    one = rng.choice(policies)
    first = rng.randint(1, 9_000)
    ports = Ports((PortRange(rng.choice(("TCP", "UDP")), first, first + rng.choice((0, 0, 5, 3_000))),))
    rules = {way: tuple(replace(rule, ports=ports) for rule in held) for way, held in one.rules.items()}
    policies.insert(rng.randint(0, len(policies)), replace(one, rules=rules))
    return replace(facts, policies=policies)


def same(found: Reachability, anew: Reachability) -> None:
    pd.testing.assert_frame_equal(found.edges(denied=True, nodes=True), anew.edges(denied=True, nodes=True))
    pd.testing.assert_frame_equal(found.coverage(), anew.coverage())
    pd.testing.assert_frame_equal(found.lint(), anew.lint())
    wanted = sorted({each.workload or each.object for each in found.facts.pods})[:3]
    for detail in (0, 1_000_000):
        ours, others = (Alike(each, wanted, lambda name: None, detail).frame() for each in (found, anew))
        columns = list(ours.columns)
        ours, others = (each.sort_values(columns, ignore_index=True) for each in (ours, others))
        pd.testing.assert_frame_equal(ours, others)


@pytest.mark.parametrize("seed", range(33))
def test_what_is_taken_over_is_what_is_decided_anew(seed: int) -> None:
    rng = random.Random(seed)
    before = built(seed)
    before.edges()  # so that there are rows to take over
    for change in (with_some, with_another, with_ports, with_some, with_ports):
        if not before.facts.policies:
            return
        facts = change(before.facts, rng)
        before = Reachability(facts, before.snapshot, before)
        same(before, Reachability(facts, before.snapshot))


def test_rows_of_policies_that_stand_are_not_decided_again() -> None:
    taken = 0
    for seed in range(22):
        before = built(seed)
        before.edges()
        policies = list(before.facts.policies)
        if policies:
            after = Reachability(replace(before.facts, policies=[*policies, policies[0]]), None, before)
            assert after.engine.classes is before.engine.classes
            assert after.engine.palette is before.engine.palette
            taken += int(after.engine.ingress._done.sum() + after.engine.egress._done.sum())
    assert taken > 0


def test_nor_where_a_policy_names_another_port() -> None:
    taken = 0
    for seed in range(22):
        before = built(seed)
        before.edges()
        if before.facts.policies:
            after = Reachability(with_ports(before.facts, random.Random(seed)), None, before)
            assert after.engine.matcher is before.engine.matcher
            taken += after.engine.atoms.size > before.engine.atoms.size and int(after.engine.ingress._done.sum())
    assert taken > 0


def test_a_policy_that_looks_at_more_divides_anew() -> None:
    before = next(found for seed in range(22) if (found := built(seed)).facts.policies)
    fewer = replace(before.facts, policies=())
    after = Reachability(fewer, None, before)
    assert after.engine.classes is not before.engine.classes
    same(after, Reachability(fewer))
