"""Paths from one right to the next: each step holds by the matcher, and nothing more is reached with less."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipaa_kit.graph.permissions import Permissions
from hipaa_kit.graph.permissions.actions import CLUSTER_SCOPED, MADE_BY_PUT, actions
from hipaa_kit.graph.permissions.closure import WITH_ROLES
from hipaa_kit.graph.permissions.edge import Edge
from hipaa_kit.graph.permissions.reviews import subject_text
from hipaa_kit.graph.permissions.technique import ANYWHERE, Clause, Technique
from hipaa_kit.graph.permissions.techniques import JOIN, techniques
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.kube.rbac import Principal, built_in_groups
from hipaa_kit.tables.declaration import rows_of
from tests.support.permissions import account, binding, permissions_of, quick_permissions, role, rule
from tests.support.rbac_worlds import NAMES, NAMESPACES, ROLE_NAMES, world
from tests.support.role_writes_by_hand import writers

UNHEARD = "unheard-of"
TARGETS = ("Cluster//*", "Secret/east/db", "Pod/west/db-0", "ServiceAccount/east/runner", "Node//n1", "User//ann")


@cache
def random_cluster(seed: int) -> Permissions:
    return quick_permissions(world(seed).objects)


def clause_holds(held: Permissions, who: Principal, clause: Clause, scope: str, target: str) -> bool:
    """Tell, one request at a time, whether a subject may do what a clause asks for."""
    user, groups = (who.name, built_in_groups(who.name)) if who.kind == "User" else ("nobody", {who.name})
    name = parse_object_id(target)[2]
    some = sorted(clause.names) if clause.names else [UNHEARD, *NAMES, *ROLE_NAMES]
    names = [UNHEARD if name == "*" else name] if clause.target else some

    def can(verb: str, group: str, word: str, asked: str) -> bool:
        resource, _, subresource = word.partition("/")
        cluster = resource in CLUSTER_SCOPED or (resource == "clusterroles" and verb != "bind")
        return held.can(user, groups, verb, group, resource, subresource, "" if cluster else scope, asked)

    for verb, group, word in (action for text in clause.actions for action in actions(text)):
        if (group, word) == ("", "namespaces"):
            found = can(verb, group, word, scope or UNHEARD)
        elif verb == "deletecollection":
            found = can(verb, group, word, "")
        elif verb == "create" and "/" not in word:
            # By a POST, which names nothing, or by a server-side apply under a name.
            applied = [each for each in (UNHEARD, *NAMES, *ROLE_NAMES) if can(verb, group, word, each)]
            changed = ("patch", "update") if (group, word) in MADE_BY_PUT else ("patch",)
            found = can(verb, group, word, "") or any(can(v, group, word, each) for each in applied for v in changed)
        else:
            # A list without a name shows every object.
            found = any(can(verb, group, word, each) for each in [*names, *([""] if verb in ("list", "watch") else [])])
        if found:
            return True
    return False


def verified(held: Permissions, edge: Edge) -> bool:
    """Tell whether an edge holds by the matcher alone, and its proof is held."""
    for each in edge.proof:
        assert each.rule == held.policy.roles[each.role][each.position]
        assert each.binding in held.policy.bindings
    if edge.technique.name == "EVERYTHING" or edge.technique.bound or edge.technique is JOIN:
        return bool(edge.proof)  # `test_role_writes` holds what follows from writing roles
    ways = edge.technique.ways
    return any(all(clause_holds(held, edge.who, clause, edge.scope, edge.target) for clause in way) for way in ways)


def test_every_open_way_holds_by_the_matcher() -> None:
    seen = set()
    for seed in range(300):
        held = random_cluster(seed) if seed % 3 else quick_permissions(rich(seed))
        for edge in held.edges:
            assert verified(held, edge), (seed, edge)
            seen.add(edge.technique.name)
    assert len(seen) > 40


def told(edges: list[Edge], technique: Technique, scope: str, name: str) -> bool:
    """Tell whether one of some edges opens a technique for a target of a name in a scope."""
    wide, exact = (technique.target.format(ns=scope or "*", name=each) for each in ("*", name))
    everywhere = {technique.target.format(ns="*", name=each) for each in ("*", name)}
    return any(
        edge.technique.name == "EVERYTHING"
        or (edge.technique is technique and edge.target in {wide, exact, *everywhere})
        for edge in edges
    )


def rich(seed: int) -> list[dict]:
    """Return a random cluster in which most rules are rights that some technique asks for."""
    draw = random.Random(seed)
    made: list[dict] = [account(place, "runner") for place in NAMESPACES]
    for number in range(8):
        technique = draw.choice(techniques(34))
        for clause in draw.choice(technique.ways):
            verb, group, resource = draw.choice(actions(draw.choice(clause.actions)))
            names = draw.choice(([], [], ["one"], ["one", "two"], [*(clause.names or ())]))
            # A right to make something by name needs the right to change it, too.
            verbs = draw.choice(([verb], [verb, "patch"], ["*"]))
            power = f"power-{len(made)}"
            rules = {"verbs": verbs, "apiGroups": [group], "resources": [resource], "resourceNames": names}
            who = draw.choice(("User/ann", "Group/system:serviceaccounts", "ServiceAccount/east/runner"))
            place = draw.choice(("", *NAMESPACES, technique.only_in))
            made += [role(power, rules), binding(f"b-{number}-{power}", f"ClusterRole/{power}", who, namespace=place)]
    return made


@pytest.mark.parametrize("seeds", [range(first, 40, 4) for first in range(4)], ids=str)
def test_every_way_that_holds_by_the_matcher_is_told(seeds: range) -> None:
    answers = 0
    for seed in seeds:
        held = quick_permissions(rich(seed))
        for who in sorted(held.book.principals):
            circle = set(held.requester(subject_text(who)))
            edges = [edge for edge in held.edges if edge.who in circle]
            for technique in held.effective.techniques:
                if technique.bound or technique.pod_security or not technique.ways:
                    continue
                for scope in ("",) if technique.cluster else (technique.only_in or "", *NAMESPACES):
                    if technique.only_in and scope != technique.only_in:
                        continue
                    for name in (UNHEARD, "one"):
                        target = technique.target.format(ns=scope or "*", name=name)
                        # A hub of a namespace, or of the cluster, has no name of its own.
                        target = target if "{name}" in technique.target else f"x/{scope}/*"
                        if any(
                            all(clause_holds(held, who, each, scope, target) for each in way) for way in technique.ways
                        ):
                            assert told(edges, technique, scope, name), (seed, who, technique.name, scope, name)
                            answers += 1
    assert answers > 100


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 5_000), st.randoms(use_true_random=False))
def test_without_a_role_binding_no_path_is_added(seed: int, draw: random.Random) -> None:
    made = [*world(seed).objects, *(writers(seed) if seed % 2 else [])]
    gone = draw.choice([each for each in made if each["kind"].endswith("Binding")])
    before = quick_permissions(made)
    after = quick_permissions([each for each in made if each is not gone])
    for target in TARGETS:
        assert set(after.who_reaches(target)["source"]) <= set(before.who_reaches(target)["source"]), target


@pytest.mark.parametrize("seed", range(0, 60, 3))
def test_what_is_reached_leads_to_nothing_new(seed: int) -> None:
    held = random_cluster(seed)
    for source in {step.source for step in held.steps}:
        reached = {source, *held.closure(source)["target"]}
        assert all(step.target in reached for step in held.steps if step.source in reached)


@pytest.mark.parametrize("seed", range(0, 60, 3))
def test_forward_and_backward_agree_and_paths_are_whole(seed: int) -> None:
    held = random_cluster(seed)
    for target in TARGETS:
        for row in rows_of(held.who_reaches(target)):
            steps = rows_of(held.path(row["source"], target))
            assert steps[0]["source"] == row["source"]
            assert steps[-1]["reaches"] == target
            assert all(one["reaches"] == other["source"] for one, other in pairwise(steps))
            assert steps[-1]["cost"] == row["cost"]


def chain() -> list[dict]:
    return [
        account("ci", "deployer"),
        account("ehr", "api"),
        role("token", rule("create", "serviceaccounts/token", "api")),
        role("reader", rule("get", "secrets", "db")),
        binding("one", "ClusterRole/token", "User/dev", namespace="ehr"),
        binding("two", "ClusterRole/reader", "ServiceAccount/ehr/api", namespace="ehr"),
    ]


def test_the_path_is_told_step_by_step() -> None:
    steps = rows_of(quick_permissions(chain()).path("dev", "Secret/ehr/db"))
    assert [(step["technique"], step["reaches"], step["bindings"]) for step in steps] == [
        ("TOKEN_REQUEST", "ServiceAccount/ehr/api", "RoleBinding/ehr/one"),
        ("SECRET_READ", "Secret/ehr/db", "RoleBinding/ehr/two"),
    ]


@pytest.mark.parametrize("gone", ["one", "two"])
def test_either_role_binding_cuts_the_path(gone: str) -> None:
    held = quick_permissions([each for each in chain() if each["metadata"]["name"] != gone])
    assert held.path("dev", "Secret/ehr/db").empty


def test_a_hub_leads_to_an_object_that_nobody_named() -> None:
    objects = [role("reader", rule("list", "secrets")), binding("b", "ClusterRole/reader", "User/ann", namespace="ehr")]
    held = quick_permissions(objects)
    assert list(held.who_reaches("Secret/ehr/anything")["source"]) == ["User//ann"]
    assert held.who_reaches("Secret/lab/anything").empty


def test_a_member_walks_by_its_group() -> None:
    objects = [
        account("ehr", "api"),
        role("reader", rule("list", "secrets")),
        binding("b", "ClusterRole/reader", "Group/system:serviceaccounts:ehr", namespace="ehr"),
    ]
    held = quick_permissions(objects)
    assert [step["technique"] for step in rows_of(held.path("ServiceAccount/ehr/api", "Secret/ehr/db"))] == [
        "member of",
        "SECRET_READ",
        "holds",
    ]


def test_a_role_that_may_be_bound_leads_on_by_its_rules() -> None:
    group = "rbac.authorization.k8s.io"
    objects = [
        role("reader", rule("get", "secrets")),
        role("giver", rule("create", f"rolebindings.{group}"), rule("bind", f"clusterroles.{group}", "reader")),
        binding("b", "ClusterRole/giver", "User/ann", namespace="ehr"),
    ]
    held = quick_permissions(objects)
    assert not held.path("ann", "Secret/ehr/db").empty
    assert held.path("ann", "Secret/lab/db").empty
    assert held.path("ann", "Cluster//*").empty


RBAC = "rbac.authorization.k8s.io"


def test_bound_roles_are_followed_with_all_else_that_is_held() -> None:
    """Half of a way is the subject's own, half is in a role that it may bind."""
    objects = [
        role("csr", rule("create", "certificatesigningrequests.certificates.k8s.io")),
        role("status", rule("update", "certificatesigningrequests.certificates.k8s.io/approval")),
        role("approver", rule("approve", "signers.certificates.k8s.io", "kubernetes.io/kube-apiserver-client")),
        role("giver", rule("create", f"clusterrolebindings.{RBAC}"), rule("bind", f"clusterroles.{RBAC}", "approver csr")),
        binding("a", "ClusterRole/giver", "User/ann"),
        binding("b", "ClusterRole/status", "User/ann"),
    ]  # fmt: skip
    steps = rows_of(quick_permissions(objects).path("ann", "Cluster//*"))
    assert [step["technique"] for step in steps][:2] == ["binds roles", "CSR_APPROVE"]
    for gone in ("a", "b"):
        fewer = [each for each in objects if each["metadata"]["name"] != gone]
        assert quick_permissions(fewer).path("ann", "Cluster//*").empty


def test_a_bound_role_may_let_more_be_bound() -> None:
    objects = [
        role("reader", rule("get", "secrets")),
        role("second", rule("bind", f"clusterroles.{RBAC}", "reader")),
        role("first", rule("bind", f"clusterroles.{RBAC}", "second"), rule("create", f"rolebindings.{RBAC}")),
        binding("a", "ClusterRole/first", "User/ann", namespace="ehr"),
    ]
    held = quick_permissions(objects)
    assert not held.path("ann", "Secret/ehr/db").empty
    assert held.path("ann", "Secret/lab/db").empty


@pytest.mark.parametrize(
    ("rules", "everywhere", "cluster"),
    [
        ((rule("create", f"rolebindings.{RBAC}"), rule("bind", f"clusterroles.{RBAC}")), True, False),
        ((rule("create", f"clusterrolebindings.{RBAC}"), rule("bind", f"clusterroles.{RBAC}")), True, True),
        ((rule("update", f"rolebindings.{RBAC}"), rule("bind", f"clusterroles.{RBAC}")), False, False),
    ],
)
def test_role_bindings_in_namespaces_give_nothing_of_the_cluster(
    rules: tuple[dict, ...], everywhere: bool, cluster: bool
) -> None:
    objects = [role("giver", *rules), binding("b", "ClusterRole/giver", "User/ann")]
    held = quick_permissions(objects)
    assert held.path("ann", "Secret/ehr/db").empty is not everywhere
    reached = {row["target"]: row["confidence"] for row in rows_of(held.closure("User//ann"))}
    # Everything in kube-system may lead to the cluster, where that takes its trust from a ConfigMap there.
    assert reached.get("Cluster//*", "") == ("certain" if cluster else "needs-condition" if everywhere else "")


def test_everything_in_a_namespace_leads_to_nodes_by_a_privileged_pod_or_by_another_label() -> None:
    rules = rule("create", f"rolebindings.{RBAC}"), rule("bind", f"clusterroles.{RBAC}")
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    objects = [
        role("giver", *rules),
        binding("a", "ClusterRole/giver", "User/ann", namespace="ehr"),
        binding("b", "ClusterRole/giver", "User/bob", namespace="lab"),
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ehr"}},
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "lab", "labels": labels}},
    ]
    held = permissions_of(objects)
    for who, second in (("ann", "PRIV_POD"), ("bob", "PSA_RELABEL")):
        steps = rows_of(held.path(who, "Node//*"))
        assert [step["technique"] for step in steps] == ["BIND_NS_CLUSTERROLE", second]


def test_any_role_of_a_namespace_is_only_what_is_there() -> None:
    rules = rule("create", f"rolebindings.{RBAC}"), rule("bind", f"roles.{RBAC}")
    objects = [
        role("giver", *rules),
        binding("b", "ClusterRole/giver", "User/ann", namespace="ehr"),
        role("log", rule("get", "pods/log"), namespace="ehr"),
        role("reader", rule("get", "secrets"), namespace="lab"),
    ]
    held = quick_permissions(objects)
    assert held.path("ann", "Secret/ehr/db").empty
    assert held.path("ann", "Secret/lab/db").empty
    assert not held.path("ann", "PodLog/ehr/web").empty


def with_own_bindings(made: list[dict], held: Permissions) -> Iterator[tuple[str, Permissions]]:
    """Yield each subject that may bind roles, with the cluster once it has bound all of them."""
    for who in [each for each in held.effective.own if each.kind == WITH_ROLES]:
        kind, place, name = parse_object_id(who.name)
        subject = "/".join(filter(None, (kind, place, name)))
        mine = [
            binding(f"own-{number}-{where}", f"{each.ref.kind}/{each.ref.name}", subject, namespace=where)
            for number, each in enumerate(held.effective.assumed(who))
            for where in (NAMESPACES if each.namespace == ANYWHERE else [each.namespace])
        ]
        yield who.name, quick_permissions([*made, *mine])


@pytest.mark.parametrize("seeds", [range(150), range(150, 300)], ids=str)
def test_bound_roles_lead_where_their_holder_gets_once_they_are_bound(seeds: range) -> None:
    reached = []
    for seed in seeds:
        made = [*writers(seed), *(each for each in world(seed).objects if each["kind"] == "ClusterRole")]
        before = quick_permissions(made)
        sources = {target: set(before.who_reaches(target)["source"]) for target in TARGETS}
        for subject, after in with_own_bindings(made, before):
            for target in TARGETS:
                answer = subject in sources[target]
                assert answer == (subject in set(after.who_reaches(target)["source"])), (seed, subject, target)
                reached.append(answer)
    assert 20 < sum(reached) < len(reached) - 20


def test_a_pod_leads_to_its_service_account() -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "db-0", "namespace": "ehr"},
        "spec": {"serviceAccountName": "api", "nodeName": "n1", "containers": [{"name": "c", "image": "i"}]},
    }
    objects = [
        *chain(),
        pod,
        role("enter", rule("create", "pods/exec")),
        binding("three", "ClusterRole/enter", "User/ops", namespace="ehr"),
    ]
    steps = rows_of(permissions_of(objects).path("ops", "Secret/ehr/db"))
    assert [step["technique"] for step in steps] == ["POD_EXEC", "holds", "runs as", "SECRET_READ"]
