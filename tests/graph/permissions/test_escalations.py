"""Every way to become more: it is open where all its rights are held, from wherever, and shut where one is missing."""

from __future__ import annotations

from typing import Any

import pytest

from hipaa_kit.graph.permissions.techniques import JOIN, techniques
from hipaa_kit.tables.declaration import rows_of
from tests.support.escalation_cases import (
    CASES,
    CSR,
    GROUP,
    HERE,
    LOCAL,
    ME,
    RBAC,
    SHUT,
    Case,
    Half,
    cluster,
    here,
    namespace,
)
from tests.support.permissions import account, binding, permissions_of, quick_permissions, role, rule


def named(case: Case) -> str:
    return f"{case.technique}-{len(case.halves)}-{case.target}"


def objects(case: Case, halves: tuple[Half, ...], *, apart: bool = False) -> list[dict[str, Any]]:
    """Return a cluster in which the halves are held by role bindings of their own; `apart`: the first by a group."""
    made = [account(HERE, "api"), *case.beside]
    for number, (place, half) in enumerate(halves):
        who = GROUP if apart and number == 0 else ME
        made += [
            role(f"half-{number}", half),
            binding(f"half-{number}", f"ClusterRole/half-{number}", who, namespace=place),
        ]
    return made


def opened(case: Case, halves: tuple[Half, ...], *, apart: bool = False, subject: str = "ehr/api") -> bool:
    held = quick_permissions(objects(case, halves, apart=apart), version=case.version)
    rows = rows_of(held.escalations())
    return any(
        (row["subject"], row["technique"], row["target"]) == (subject, case.technique, case.target) for row in rows
    )


@pytest.mark.parametrize("case", CASES, ids=named)
def test_it_is_open_where_all_rights_are_held(case: Case) -> None:
    assert opened(case, case.halves)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_it_is_shut_where_one_right_is_missing(case: Case) -> None:
    for missing in range(len(case.halves)):
        assert not opened(case, case.halves[:missing] + case.halves[missing + 1 :]), missing


@pytest.mark.parametrize("case", [case for case in CASES if len(case.halves) > 1], ids=named)
def test_the_rights_may_come_from_the_subject_and_its_group(case: Case) -> None:
    assert opened(case, case.halves, apart=True)


@pytest.mark.parametrize("case", [case for case in CASES if len(case.halves) == 1], ids=named)
def test_what_a_group_alone_opens_is_told_of_the_group(case: Case) -> None:
    assert opened(case, case.halves, apart=True, subject="system:serviceaccounts:ehr")
    assert not opened(case, case.halves, apart=True)


def test_every_technique_has_a_case() -> None:
    known = {each.name for minor in (None, 34, 36) for each in techniques(minor, bootstrap=True)}
    assert known | {JOIN.name} == {case.technique for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=named)
def test_the_proof_names_every_half(case: Case) -> None:
    held = quick_permissions(objects(case, case.halves), version=case.version)
    rows = [row for row in rows_of(held.escalations()) if (row["technique"], row["target"]) == case[:2]]
    proved = {each.rpartition("/")[2] for row in rows for each in row["bindings"].split()}
    needed = {f"half-{number}" for number in range(len(case.halves))}
    assert proved == needed


SHUT_CASES = [
    ("a role binding in a namespace never lets users be impersonated", "IMPERSONATE_USER", [here("impersonate", "users")]),
    ("a group alone is refused", "IMPERSONATE_GROUP", [cluster("impersonate", "groups")]),
    (
        "bind on role bindings means nothing",
        "BIND_NS_ROLE",
        [here("create", f"rolebindings.{RBAC}"), here("bind", f"rolebindings.{RBAC}")],
    ),
    (
        "bind in a namespace opens no ClusterRoleBinding",
        "BIND_CLUSTER",
        [cluster("create", f"clusterrolebindings.{RBAC}"), here("bind", f"clusterroles.{RBAC}")],
    ),
    (
        "the role that may be written is not the one that may be escalated",
        "ESCALATE_ROLE",
        [here("update", f"roles.{RBAC}", "low"), here("escalate", f"roles.{RBAC}", "other")],
    ),
    (
        "nobody is helped by a role that they do not have",
        "ESCALATE_ROLE",
        [here("update", f"roles.{RBAC}", "away"), here("escalate", f"roles.{RBAC}", "away")],
    ),
    (
        "escalate on ClusterRoles in a namespace counts for nothing",
        "ESCALATE_CLUSTERROLE",
        [here("update", f"clusterroles.{RBAC}"), here("escalate", f"clusterroles.{RBAC}")],
    ),
    ("a pod is made without a name", "POD_CREATE_SA", [here("create", "pods", "one")]),
    (
        "a pod is applied under one name",
        "POD_CREATE_SA",
        [here("create", "pods", "one"), here("patch", "pods", "other")],
    ),
    ("no pod is made by a PUT", "POD_CREATE_SA", [here("create update", "pods", "one")]),
    (
        "a role that may be written and bound, but not beyond what one holds",
        "ESCALATE_ROLE",
        [here("create update bind", f"roles.{RBAC}"), here("create", f"rolebindings.{RBAC}")],
    ),
    (
        "a role that is not there and cannot be made",
        "ESCALATE_ROLE",
        [here("update escalate", f"roles.{RBAC}", "away"), here("create", f"rolebindings.{RBAC}")],
    ),
    (
        "a right to escalate by name does not help a new role",
        "ESCALATE_ROLE",
        [
            here("create", f"roles.{RBAC}"),
            here("escalate bind", f"roles.{RBAC}", "new"),
            here("create", f"rolebindings.{RBAC}"),
        ],
    ),
    ("a star among the names is a name", "SECRET_READ", [here("get", "secrets", "*")]),
    ("pods give no subresource", "POD_EXEC", [here("create", "pods")]),
    ("pods/* is no wildcard", "POD_EXEC", [here("create", "pods/*")]),
    ("workloads of the wrong group", "WORKLOAD_CREATE_SA", [here("create", "deployments.batch")]),
    ("a Job keeps its template", "WORKLOAD_UPDATE", [here("update patch", "jobs.batch")]),
    ("another signer", "CSR_APPROVE", [
        cluster("create", CSR),
        cluster("update", f"{CSR}/approval"),
        cluster("approve", "signers.certificates.k8s.io", "kubernetes.io/kube-*"),
    ]),
    ("another ConfigMap", "TRUST_CM", [("kube-system", rule("patch", "configmaps", "other"))]),
    ("the ConfigMap of another namespace", "TRUST_CM", [here("patch", "configmaps", "aws-auth")]),
    ("nodes are no objects of a namespace", "NODE_PROXY", [here("get", "nodes/proxy")]),
    ("tokens of bootstrap that lead nowhere", "BOOTSTRAP_TOKEN", [cluster("create", "secrets")]),
    ("another namespace may be relabelled", "PSA_RELABEL", [cluster("patch", "namespaces", "lab"), here("create", "pods")]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("technique", "halves"), [case[1:] for case in SHUT_CASES], ids=[case[0] for case in SHUT_CASES]
)
def test_near_misses_are_shut(technique: str, halves: list[Half]) -> None:
    case = Case(technique, "", tuple(halves), (*LOCAL, SHUT))
    held = quick_permissions(objects(case, case.halves))
    assert technique not in set(held.escalations()["technique"])


@pytest.mark.parametrize(
    ("version", "is_open"), [("v1.34.0", True), ("", True), ("v1.35.0", False), ("v1.36.1", False)]
)
def test_get_alone_enters_a_pod_before_1_35(version: str, is_open: bool) -> None:
    assert (
        opened(Case("POD_EXEC", "Pod/ehr/*", (here("get", "pods/exec"),), version=version), (here("get", "pods/exec"),))
        == is_open
    )


@pytest.mark.parametrize(("version", "is_open"), [("v1.34.0", False), ("", True), ("v1.35.0", True), ("v1.36.1", True)])
def test_constrained_impersonation_is_there_from_1_35(version: str, is_open: bool) -> None:
    halves = next(case.halves for case in CASES if case.technique == "CONSTRAINED_IMP_USER_INFO")
    assert opened(Case("CONSTRAINED_IMP_USER_INFO", "User//ann", halves, version=version), halves) == is_open


@pytest.mark.parametrize(
    ("level", "techniques_open"),
    [("privileged", {"PRIV_POD"}), ("baseline", {"PSA_RELABEL"}), ("restricted", {"PSA_RELABEL"}), ("", {"PRIV_POD"})],
)
def test_pod_security_decides_which_way_leads_to_the_node(level: str, techniques_open: set[str]) -> None:
    halves = (here("patch", "namespaces"), here("create", "pods"))
    held = quick_permissions(objects(Case("", "", halves, (namespace(HERE, level),)), halves))
    assert set(held.escalations()["technique"]) & {"PRIV_POD", "PSA_RELABEL"} == techniques_open


def test_other_admission_makes_it_a_condition() -> None:
    hook = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration"}
    case = Case("POD_CREATE_SA", "ServiceAccount/ehr/*", (here("create", "pods"),))
    for beside, confidence in (((), "certain"), ((hook | {"metadata": {"name": "x"}},), "needs-condition")):
        rows = rows_of(permissions_of([*objects(case, case.halves), *beside]).escalations())
        assert {row["confidence"] for row in rows if row["technique"] == case.technique} == {confidence}


def test_who_may_do_everything_cannot_become_more() -> None:
    made = [
        role("all", {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}),
        binding("b", "ClusterRole/all", "User/a"),
    ]
    found = rows_of(permissions_of(made).escalations())
    assert [(row["subject"], row["technique"], row["target"]) for row in found] == [("a", "EVERYTHING", "Cluster//*")]


def test_a_group_may_write_the_role_that_a_member_has() -> None:
    may = role("may", rule("update escalate", f"roles.{RBAC}", "low"))
    objects = [account(HERE, "api"), *LOCAL, may, binding("may", "ClusterRole/may", GROUP, namespace=HERE)]
    rows = rows_of(quick_permissions(objects).escalations())
    assert [(row["subject"], row["technique"], row["target"]) for row in rows] == [
        ("ehr/api", "ESCALATE_ROLE", "Namespace/ehr/*")
    ]


def test_the_right_to_bind_may_be_local_where_the_right_to_escalate_is_not() -> None:
    everywhere = role("write", rule("create update escalate", f"roles.{RBAC}"))
    local = role("give", rule("create", f"rolebindings.{RBAC}"), rule("bind", f"roles.{RBAC}"))
    objects = [everywhere, local, binding("a", "ClusterRole/write", ME)]
    assert "ESCALATE_ROLE" not in set(quick_permissions(objects).escalations()["technique"])
    objects.append(binding("b", "ClusterRole/give", ME, namespace=HERE))
    rows = rows_of(quick_permissions(objects).escalations())
    assert "Namespace/ehr/*" in {row["target"] for row in rows if row["technique"] == "ESCALATE_ROLE"}


SCHEDULER = [
    role("system:kube-scheduler", rule("create", "pods/binding"), rule("delete", "pods")),
    binding("system:kube-scheduler", "ClusterRole/system:kube-scheduler", "User/system:kube-scheduler"),
]


def test_what_every_cluster_has_is_told_apart() -> None:
    held = quick_permissions(SCHEDULER)
    assert held.escalations().empty
    assert set(held.escalations(stock=True)["expected_because"]) == {"every cluster has it"}
    assert set(held.who_reaches("Pod/ehr/db")["expected_because"]) == {"every cluster has it"}


@pytest.mark.parametrize(
    "changed",
    [
        [role("system:kube-scheduler", rule("create", "pods/binding"), rule("get", "secrets")), SCHEDULER[1]],
        [SCHEDULER[0], binding("mine", "ClusterRole/system:kube-scheduler", "User/system:kube-scheduler")],
        [SCHEDULER[0], binding("system:kube-scheduler", "ClusterRole/system:kube-scheduler", "User/ann")],
    ],
    ids=["a right was added to the role", "another role binding", "another subject"],
)
def test_what_was_added_to_a_stock_role_is_a_finding(changed: list[dict[str, Any]]) -> None:
    rows = rows_of(quick_permissions(changed).escalations())
    assert rows
    assert {row["expected_because"] for row in rows} == {""}


@pytest.mark.parametrize(
    ("names", "there", "refused", "expected"),
    [
        ("aws-auth", [], False, False),
        ("aws-auth", ["aws-auth"], False, True),
        ("aws-auth", ["kubelet-config-1.22"], False, False),
        ("kubelet-config-1.22", ["kubelet-config-1.22"], False, True),
        ("coredns", ["coredns"], False, False),
        ("aws-auth", [], True, True),
        ("extension-apiserver-authentication", [], False, True),
        ("", [], False, True),
    ],
)
def test_trust_comes_from_the_config_maps_that_are_there(
    names: str, there: list[str], refused: bool, expected: bool
) -> None:
    maps = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "kube-system"}}
        for name in there
    ]
    rights = role("power", rule("update", "configmaps", names))
    made = [*maps, rights, binding("b", "ClusterRole/power", "User/ann", namespace="kube-system")]
    held = permissions_of(made, {("ConfigMap", ""): "refused"} if refused else None)
    assert ("TRUST_CM" in set(held.escalations()["technique"])) is expected
