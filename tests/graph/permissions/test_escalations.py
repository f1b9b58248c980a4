"""Every way to become more: it is open where all its rights are held, from wherever, and shut where one is missing."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from hipaa_kit.graph.permissions.techniques import JOIN, techniques
from hipaa_kit.tables.declaration import rows_of
from tests.support.permissions import account, binding, permissions_of, quick_permissions, role, rule

ME = "ServiceAccount/ehr/api"
GROUP = "Group/system:serviceaccounts:ehr"
RBAC = "rbac.authorization.k8s.io"
CSR = "certificatesigningrequests.certificates.k8s.io"
HERE, CLUSTER = "ehr", ""

Half = tuple[str, dict[str, Any]]


class Case(NamedTuple):
    """Rights that open a technique, each of them needed, by where they are held."""

    technique: str
    target: str
    halves: tuple[Half, ...]
    beside: tuple[dict[str, Any], ...] = ()
    version: str = "v1.34.2"


def here(verbs: str, resources: str, names: str = "") -> Half:
    return HERE, rule(verbs, resources, names)


def cluster(verbs: str, resources: str, names: str = "") -> Half:
    return CLUSTER, rule(verbs, resources, names)


def namespace(name: str, level: str = "") -> dict[str, Any]:
    labels = {"pod-security.kubernetes.io/enforce": level} if level else {}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


LOW = (role("low", rule("get", "pods")), role("strong", rule("*", "secrets")))
BOUND = (*LOW, binding("has", "ClusterRole/low", ME), binding("other", "ClusterRole/strong", "User/x", namespace=HERE))
LOCAL = (role("low", rule("get", "pods"), namespace=HERE), binding("has", "Role/low", ME, namespace=HERE))
OPEN, SHUT = namespace(HERE, "privileged"), namespace(HERE, "baseline")
TOKENS = (
    role("ask", rule("create", CSR), rule("create", f"{CSR}/nodeclient")),
    binding("ask", "ClusterRole/ask", "Group/system:bootstrappers:kubeadm:default-node-token"),
)

CASES = [
    Case("TOKEN_REQUEST", "ServiceAccount/ehr/*", (here("create", "serviceaccounts/token"),)),
    Case("TOKEN_REQUEST", "ServiceAccount/ehr/db", (here("create", "serviceaccounts/token", "db"),)),
    Case("TOKEN_REQUEST", "ServiceAccount/*/*", (cluster("create", "*/token"),)),
    Case("IMPERSONATE_SA", "ServiceAccount/ehr/*", (here("impersonate", "serviceaccounts"),)),
    Case("IMPERSONATE_USER", "User//*", (cluster("impersonate", "users"),)),
    Case("IMPERSONATE_USER", "User//ann", (cluster("impersonate", "users", "ann"),)),
    Case("IMPERSONATE_GROUP", "Group//*", (cluster("impersonate", "groups"), cluster("impersonate", "users", "ann"))),
    Case(
        "IMPERSONATE_GROUP",
        "Group//system:masters",
        (cluster("impersonate", "groups", "system:masters"), here("impersonate", "serviceaccounts")),
    ),
    Case(
        "IMPERSONATE_ATTR",
        "Attribute//*",
        (cluster("impersonate", "userextras.authentication.k8s.io/scopes"), cluster("impersonate", "users")),
    ),
    Case(
        "CONSTRAINED_IMP_USER_INFO",
        "User//ann",
        (
            cluster("impersonate:user-info", "users.authentication.k8s.io", "ann"),
            cluster("impersonate-on:user-info:get", "secrets"),
        ),
        version="v1.36.0",
    ),
    Case(
        "CONSTRAINED_IMP_SERVICEACCOUNT",
        "ServiceAccount/ehr/*",
        (
            here("impersonate:serviceaccount", "serviceaccounts.authentication.k8s.io"),
            here("impersonate-on:serviceaccount:list", "deployments.apps"),
        ),
        version="v1.36.0",
    ),
    Case(
        "CONSTRAINED_IMP_ARBITRARY_NODE",
        "User//*",
        (
            cluster("impersonate:arbitrary-node", "nodes.authentication.k8s.io"),
            cluster("impersonate-on:arbitrary-node:get", "pods"),
        ),
        version="v1.36.0",
    ),
    Case(
        "CONSTRAINED_IMP_ASSOCIATED_NODE",
        "User//*",
        (
            cluster("impersonate:associated-node", "nodes.authentication.k8s.io", "*"),
            cluster("impersonate-on:associated-node:get", "pods"),
        ),
        version="v1.36.0",
    ),
    Case(
        "BIND_CLUSTER",
        "ClusterRole//strong",
        (cluster("create", f"clusterrolebindings.{RBAC}"), cluster("bind", f"clusterroles.{RBAC}", "strong")),
    ),
    Case(
        "BIND_NS_CLUSTERROLE",
        "ClusterRole//*",
        (here("create", f"rolebindings.{RBAC}"), here("bind", f"clusterroles.{RBAC}")),
    ),
    Case("BIND_NS_ROLE", "Role/ehr/*", (here("create", f"rolebindings.{RBAC}"), here("bind", f"roles.{RBAC}"))),
    Case(
        "JOIN_BINDING",
        "ClusterRole//strong",
        (here("patch", f"rolebindings.{RBAC}", "other"), here("bind", f"clusterroles.{RBAC}", "strong")),
        BOUND,
    ),
    Case(
        "ESCALATE_ROLE",
        "Namespace/ehr/*",
        (here("update", f"roles.{RBAC}", "low"), here("escalate", f"roles.{RBAC}", "low")),
        LOCAL,
    ),
    Case(  # a new role, bound by its right to be bound
        "ESCALATE_ROLE",
        "Namespace/ehr/*",
        (
            here("create", f"roles.{RBAC}"),
            here("escalate", f"roles.{RBAC}"),
            here("create", f"rolebindings.{RBAC}"),
            here("bind", f"roles.{RBAC}", "new"),
        ),
    ),
    Case(  # a role that is emptied, bound, and filled again
        "ESCALATE_ROLE",
        "Namespace/ehr/*",
        (
            here("update", f"roles.{RBAC}", "low"),
            here("escalate", f"roles.{RBAC}", "low"),
            here("create", f"rolebindings.{RBAC}"),
        ),
        LOCAL[:1],
    ),
    Case(  # the same, by a role binding that is there
        "ESCALATE_ROLE",
        "Namespace/ehr/*",
        (
            here("patch", f"roles.{RBAC}"),
            here("escalate", f"roles.{RBAC}"),
            here("patch", f"rolebindings.{RBAC}", "theirs"),
        ),
        (LOCAL[0], binding("theirs", "Role/low", "User/x", namespace=HERE)),
    ),
    Case(  # a role binding waits for its role
        "ESCALATE_ROLE",
        "Namespace/ehr/*",
        (here("create", f"roles.{RBAC}"), here("escalate", f"roles.{RBAC}")),
        (binding("waits", "Role/missing", ME, namespace=HERE),),
    ),
    Case(  # another's role binding waits for its role
        "ESCALATE_ROLE",
        "Namespace/ehr/*",
        (
            here("create", f"roles.{RBAC}"),
            here("escalate", f"roles.{RBAC}"),
            here("update", f"rolebindings.{RBAC}", "waits"),
            here("bind", f"roles.{RBAC}", "missing"),
        ),
        (binding("waits", "Role/missing", "User/x", namespace=HERE),),
    ),
    Case(  # a new role under a known name, by server-side apply
        "ESCALATE_ROLE",
        "Namespace/ehr/*",
        (
            here("create", f"roles.{RBAC}", "new"),
            here("patch", f"roles.{RBAC}", "new"),
            here("escalate", f"roles.{RBAC}", "new"),
            here("create", f"rolebindings.{RBAC}"),
        ),
    ),
    Case(
        "ESCALATE_ROLE",
        "Namespace/*/*",
        (
            cluster("create update", f"roles.{RBAC}"),
            cluster("escalate", f"roles.{RBAC}"),
            cluster("create", f"rolebindings.{RBAC}"),
        ),
    ),
    Case(  # bound in one namespace alone
        "ESCALATE_CLUSTERROLE",
        "Namespace/ehr/*",
        (
            cluster("patch", f"clusterroles.{RBAC}", "low"),
            cluster("escalate", f"clusterroles.{RBAC}", "low"),
            here("create", f"rolebindings.{RBAC}"),
        ),
        LOW,
    ),
    Case(
        "ESCALATE_CLUSTERROLE",
        "Namespace/*/*",
        (
            cluster("patch", f"clusterroles.{RBAC}", "low"),
            cluster("escalate", f"clusterroles.{RBAC}", "low"),
            cluster("create", f"rolebindings.{RBAC}"),
        ),
        LOW,
    ),
    Case(
        "ESCALATE_CLUSTERROLE",
        "Cluster//*",
        (
            cluster("patch", f"clusterroles.{RBAC}", "low"),
            cluster("escalate", f"clusterroles.{RBAC}", "low"),
            cluster("create", f"clusterrolebindings.{RBAC}"),
        ),
        LOW,
    ),
    Case(
        "BIND_NS_CLUSTERROLE",
        "ClusterRole//strong",
        (
            here("create", f"rolebindings.{RBAC}", "mine"),
            here("update", f"rolebindings.{RBAC}", "mine"),
            here("bind", f"clusterroles.{RBAC}", "strong"),
        ),
        LOW,
    ),
    Case(
        "ESCALATE_CLUSTERROLE",
        "Cluster//*",
        (cluster("patch", f"clusterroles.{RBAC}", "low"), cluster("escalate", f"clusterroles.{RBAC}", "low")),
        BOUND,
    ),
    Case(
        "ESCALATE_CLUSTERROLE",
        "Namespace/ehr/*",
        (cluster("patch", f"clusterroles.{RBAC}", "low"), cluster("escalate", f"clusterroles.{RBAC}", "low")),
        (LOW[0], binding("has", "ClusterRole/low", ME, namespace=HERE)),
    ),
    Case("POD_CREATE_SA", "ServiceAccount/ehr/*", (here("create", "pods"),)),
    Case("POD_CREATE_SA", "ServiceAccount/ehr/*", (here("create", "pods", "p q"), here("patch", "pods", "q r"))),
    Case("WORKLOAD_CREATE_SA", "ServiceAccount/ehr/*", (here("create", "deployments.apps"),)),
    Case("WORKLOAD_CREATE_SA", "ServiceAccount/ehr/*", (here("create", "replicationcontrollers"),)),
    Case("WORKLOAD_UPDATE", "ServiceAccount/ehr/*", (here("patch", "cronjobs.batch", "nightly"),)),
    Case("POD_IMAGE_PATCH", "Pod/ehr/db-0", (here("patch", "pods", "db-0"),)),
    Case("POD_EXEC", "Pod/ehr/*", (here("create", "pods/exec"),), version="v1.36.0"),
    Case("POD_EXEC", "Pod/ehr/db-0", (here("get", "pods/exec", "db-0"),), version="v1.34.9"),
    Case("POD_ATTACH", "Pod/ehr/*", (here("get", "pods/attach"),), version=""),
    Case("EPHEMERAL", "Pod/ehr/*", (here("patch", "pods/ephemeralcontainers"),)),
    Case("PORT_FORWARD", "PodNetwork/ehr/*", (here("create", "pods/portforward"),)),
    Case("API_PROXY", "PodNetwork/ehr/*", (here("delete", "services/proxy"),)),
    Case("NODE_PROXY", "Node//*", (cluster("get", "nodes/proxy"),)),
    Case("NODE_CHECKPOINT", "NodeMemory//n1", (cluster("create", "nodes/checkpoint", "n1"),)),
    Case("NODE_LOG", "NodeLog//*", (cluster("get", "nodes/log"),)),
    Case("POD_LOG", "PodLog/ehr/*", (here("get", "pods/log"),)),
    Case("SECRET_READ", "Secret/ehr/*", (here("watch", "secrets"),)),
    Case("SECRET_READ", "Secret/ehr/db", (here("get", "secrets", "db"),)),
    Case("TOKEN_SECRET_MINT", "ServiceAccount/ehr/*", (here("create", "secrets"), here("get", "secrets", "mine"))),
    Case("TOKEN_SECRET_MINT", "ServiceAccount/ehr/*", (here("create", "secrets"), here("create", "pods"))),
    Case("BOOTSTRAP_TOKEN", "Node//*", (cluster("create", "secrets"),), TOKENS),
    Case(
        "CSR_APPROVE",
        "User//*",
        (
            cluster("create", CSR),
            cluster("update", f"{CSR}/approval"),
            cluster("approve", "signers.certificates.k8s.io", "kubernetes.io/kube-apiserver-client"),
        ),
    ),
    Case(
        "CSR_APPROVE_NODE",
        "Node//*",
        (
            cluster("create", CSR),
            cluster("patch", f"{CSR}/approval"),
            cluster("approve", "signers.certificates.k8s.io", "kubernetes.io/*"),
        ),
    ),
    Case(
        "CSR_SIGN",
        "User//*",
        (cluster("sign", "signers.certificates.k8s.io"), cluster("update", f"{CSR}/status")),
    ),
    Case(
        "WEBHOOK",
        "Workload/*/*",
        (cluster("patch", "mutatingwebhookconfigurations.admissionregistration.k8s.io"),),
    ),
    Case(
        "WEBHOOK_READ",
        "AdmittedSecret/*/*",
        (cluster("create", "validatingwebhookconfigurations.admissionregistration.k8s.io"),),
    ),
    Case(
        "MUTATING_POLICY",
        "Workload/*/*",
        (
            cluster("create", "mutatingadmissionpolicies.admissionregistration.k8s.io"),
            cluster("create", "mutatingadmissionpolicybindings.admissionregistration.k8s.io"),
        ),
    ),
    Case("APISERVICE", "Credentials//*", (cluster("create", "apiservices.apiregistration.k8s.io"),)),
    Case(
        "CRD_CONVERSION",
        "CustomResources//*",
        (cluster("patch", "customresourcedefinitions.apiextensions.k8s.io", "backups.velero.io"),),
    ),
    Case("PSA_RELABEL", "Node//*", (here("patch", "namespaces"), here("create", "pods")), (SHUT,)),
    Case("PSA_RELABEL", "Node//*", (cluster("patch", "namespaces", HERE), here("create", "jobs.batch")), (SHUT,)),
    Case("PRIV_POD", "Node//*", (here("create", "daemonsets.apps"),), (OPEN,)),
    Case(
        "PV_HOSTPATH",
        "Node//*",
        (
            cluster("create", "persistentvolumes"),
            here("create", "persistentvolumeclaims"),
            here("create", "pods"),
        ),
    ),
    Case("PV_REBIND", "PersistentVolume//*", (cluster("patch", "persistentvolumes"),)),
    Case(
        "SNAPSHOT_COPY",
        "PersistentVolumeClaim/ehr/*",
        (
            here("create", "volumesnapshots.snapshot.storage.k8s.io"),
            here("create", "persistentvolumeclaims"),
            here("create", "pods"),
        ),
    ),
    Case("PVC_MOUNT", "PersistentVolumeClaim/ehr/*", (here("create", "statefulsets.apps"),)),
    Case("STEAL_POD", "Pod/ehr/*", (here("create", "pods/eviction"), cluster("patch", "nodes/status"))),
    Case("STEAL_POD", "Pod/ehr/*", (here("create", "pods/binding"),)),
    Case("LABEL_BYPASS", "PodNetwork/ehr/*", (here("patch", "pods"),)),
    Case("LABEL_BYPASS", "PodNetwork/ehr/*", (here("patch", "namespaces"),)),
    Case("NETPOL_WRITE", "PodNetwork/ehr/*", (here("delete", "networkpolicies.networking.k8s.io"),)),
    Case("EXPOSE", "Exposure/ehr/*", (here("create", "ingresses.networking.k8s.io"),)),
    Case("INTERCEPT", "Traffic/ehr/*", (here("patch", "endpointslices.discovery.k8s.io"),)),
    Case("INTERCEPT", "Traffic/ehr/*", (here("patch", "services/status"),)),
    Case("INTERCEPT_DNS", "Traffic/*/*", (("kube-system", rule("patch", "configmaps", "coredns")),)),
    Case("TRUST_CM", "Cluster//*", (("kube-system", rule("patch", "configmaps", "aws-auth")),)),
    Case("TRUST_CM", "Cluster//*", (cluster("update", "configmaps"),)),
    Case("SA_CLOUD", "CloudIdentity/ehr/s3", (here("patch", "serviceaccounts", "s3"),)),
    Case("CONFUSED_DEPUTY_VELERO", "Controller/ehr/velero", (here("create", "restores.velero.io"),)),
    Case("CONFUSED_DEPUTY_ARGO_WORKFLOW", "Controller/ehr/argo-workflow", (here("create", "workflows.argoproj.io"),)),
    Case("CONFUSED_DEPUTY_ARGO_CD", "Controller/ehr/argo-cd", (here("patch", "applications.argoproj.io"),)),
    Case("CONFUSED_DEPUTY_TEKTON", "Controller/ehr/tekton", (here("create", "taskruns.tekton.dev"),)),
    Case("CONFUSED_DEPUTY_FLUX", "Controller/ehr/flux", (here("create", "helmreleases.helm.toolkit.fluxcd.io"),)),
    Case(
        "CONFUSED_DEPUTY_CERT_MANAGER", "Controller/ehr/cert-manager", (here("create", "certificates.cert-manager.io"),)
    ),
    Case(
        "CONFUSED_DEPUTY_EXTERNAL_SECRETS",
        "Controller/ehr/external-secrets",
        (here("create", "externalsecrets.external-secrets.io"),),
    ),
    Case("CONFUSED_DEPUTY_KYVERNO", "Controller/ehr/kyverno", (here("patch", "policies.kyverno.io"),)),
    Case("CONFUSED_DEPUTY_CROSSPLANE", "Controller/ehr/crossplane", (here("create", "providers.pkg.crossplane.io"),)),
    Case("CONFUSED_DEPUTY_KUBEVIRT", "Controller/ehr/kubevirt", (here("create", "virtualmachines.kubevirt.io"),)),
    Case("CONFUSED_DEPUTY_KNATIVE", "Controller/ehr/knative", (here("create", "services.serving.knative.dev"),)),
    Case("DELETE_EPHI", "Data/ehr/*", (here("deletecollection", "persistentvolumeclaims"),)),
    Case("DELETE_EPHI", "Data/ehr/*", (here("delete", "namespaces"),)),
    Case("DELETE_BACKUP", "Backup/ehr/*", (here("delete", "backups.velero.io"),)),
    Case("DELETE_BACKUP", "Backup/ehr/*", (here("patch", "schedules.velero.io"),)),
    Case("TAMPER_AUDIT", "Events/ehr/*", (here("delete", "events"),)),
    Case("DISABLE_ALERT", "Alerts/ehr/*", (here("patch", "prometheusrules.monitoring.coreos.com"),)),
]


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
