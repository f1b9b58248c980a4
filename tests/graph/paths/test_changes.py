"""Which paths appear and vanish: every path of both states, written out, against what is told."""

from __future__ import annotations

import copy
import itertools
import os
import random
from typing import Any

import pytest

from hipaa_kit.graph.paths import Paths
from hipaa_kit.graph.paths.answers import SOURCES
from hipaa_kit.graph.paths.changes import _Hops, path_changes
from hipaa_kit.graph.paths.model import EFFORT
from hipaa_kit.graph.paths.search import cheapest
from tests.graph.paths.test_chains import BASE, DATA, DENY, WEB, granted, pod
from tests.support.path_worlds import world
from tests.support.paths import SCOPE, assessed, paths_in
from tests.support.permissions import account, rule

SEEDS = range(int(os.environ.get("HIPAA_KIT_PATH_CHANGES", "4")))
MANY = 60
"""Paths between two things that are written out."""


def changed(objects: list[dict[str, Any]], rng: random.Random) -> list[dict[str, Any]]:
    """Return a cluster with a few objects gone, others as another cluster has them, or a rule wider than it was."""
    after = copy.deepcopy(objects)
    other = world(rng.randrange(10_000))
    for _ in range(rng.randint(1, 3)):
        what = rng.choice(("gone", "new", "wider"))
        loose = [each for each in after if each["kind"] not in ("Namespace", "Node", "PersistentVolumeClaim")]
        if what == "gone" and loose:
            after.remove(rng.choice(loose))
        elif what == "new":
            new = rng.choice([each for each in other if each["kind"] not in ("Namespace", "Node")])
            after = [each for each in after if place(each) != place(new)] + [copy.deepcopy(new)]
        else:
            for policy in [each for each in after if each["kind"] == "NetworkPolicy"][:1]:
                policy["spec"].update({"ingress": [{}]} if "Ingress" in policy["spec"]["policyTypes"] else {})
    return after


def place(each: dict[str, Any]) -> tuple[str, str, str]:
    meta = each["metadata"]
    return each["kind"], meta.get("namespace", ""), meta["name"]


def written_out(of: Paths, against: Paths, unknown: bool) -> set[tuple[str, str]]:
    """Return kinds of source and targets between which a path takes a hop that the other state has not."""
    has, found = _Hops(against, unknown), set()
    view, number = of.graph.view(unknown), of.graph.number
    for source, end in itertools.product(SOURCES, of.targets):
        for start in of.starts(source):
            if start not in number or start == end or (source, end) in found:
                continue
            for path in itertools.islice(cheapest(view, number[start], number[end]), MANY):
                if end not in against.targets or has.lacks(of.teller.hops(path)):
                    found.add((source, end))
                    break
    return found


def holds(row: Any, of: Paths, against: Paths) -> bool:
    """Tell whether a path that is told passes nothing twice, and the hop that is called new cannot be made otherwise."""
    ends = [row.start, *row.path.split(" → ")[2::2]]
    one, _, other = row.hop.split(" → ")
    if row.end not in against.targets:
        return True
    views = [_Hops(against, unknown) for unknown in (False, True)]
    costs = [_Hops(of, True)._tree(one).length[of.graph.number[other]] // EFFORT]
    return len(ends) == len(set(ends)) and not all(has.hop(one, other, int(costs[0])) for has in views)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_path_is_told_where_any_takes_a_hop_that_was_not_there(seed: int) -> None:
    rng = random.Random(seed)
    objects = world(rng.randrange(10_000))
    before, after = paths_in(objects), paths_in(changed(objects, rng))
    told = path_changes(before, after)
    for change, of, against in (("appears", after, before), ("vanishes", before, after)):
        wanted = written_out(of, against, False) | written_out(of, against, True)
        rows = list(told[told["change"] == change].itertuples(index=False))
        starts = {source: set(of.starts(source)) for source in SOURCES}
        has = {(source, row.end) for row in rows for source in SOURCES if row.start in starts[source]}
        assert has >= wanted, (change, wanted - has)
        assert all(holds(row, of, against) for row in rows)


def test_a_rule_that_is_wider_than_before_opens_a_path() -> None:
    """What a pull request that widens a policy must not hide: which policies select the pods stays as it was."""
    wide = {**DENY, "spec": {**DENY["spec"], "ingress": [{"from": [{"namespaceSelector": {}}]}]}}
    with assessed([*BASE, WEB]) as run:
        found = run.what_if(wide).paths
    assert {("appears", "Pod/web/site", DATA)} <= set(
        found[["change", "start", "end"]].itertuples(index=False, name=None)
    )


def test_a_path_that_many_cheaper_ones_hide_appears_all_the_same() -> None:
    others = [pod(f"web/other-{number}") for number in range(5)]
    opened = copy.deepcopy(DENY)
    opened["spec"]["ingress"] = [{"from": [{"namespaceSelector": {}}]}]
    objects = [*BASE, opened, *others, WEB, account("web", "site")]
    with assessed(objects) as run:
        given = granted(rule("create", "pods/exec"))
        found = run.what_if(given).paths
    rows = found[(found["change"] == "appears") & (found["end"] == DATA)]
    assert "ServiceAccount/web/site → POD_EXEC → Pod/ehr/db" in set(rows["hop"])


def test_what_holds_ephi_by_another_scope_has_paths_that_were_not_paths_to_ephi() -> None:
    objects = [*(each for each in BASE if each is not DENY), WEB, pod("web/other")]
    with assessed(objects) as run:
        before = run.paths
        text = SCOPE + "- {object: Pod/web/site, owner: a@clinic.example, data_class: ephi, criticality: high}\n"
    with assessed(objects, text) as run:
        told = path_changes(before, run.paths)
    assert "DataStore/web/site" in set(told[told["change"] == "appears"]["end"])
