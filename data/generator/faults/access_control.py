"""Faults of access: who may do what, and who approved it."""

from __future__ import annotations

from access import RBAC, REVIEW, rule_object, subject_object
from model import Hospital, Workload

from faults.patches import Fault, Patch, change, enter, strike, together, write

API_SERVER = "StaticPod/kube-system/kube-apiserver"
SERVER = "Pod/kube-system/kube-apiserver"
WORKFORCE = "Input//workforce.csv"


def flag(name: str, value: str) -> Patch:
    """Run the API servers with another value of a flag, or with one more flag."""

    def patch(hospital: Hospital) -> None:
        server = hospital.declared[API_SERVER]
        assert isinstance(server, Workload), API_SERVER  # noqa: S101 - the key names a workload
        command = server.containers[0].command
        kept = tuple(word for word in command if not word.startswith(f"--{name}="))
        hospital.change_container(API_SERVER, "kube-apiserver", command=(*kept, f"--{name}={value}"))

    return patch


def add_rule(key: str, groups: str, resources: str, verbs: str) -> Patch:
    """Let a role do more."""

    def patch(hospital: Hospital) -> None:
        content = hospital.declared[key].content  # type: ignore[union-attr]
        rules = [*content["rules"], rule_object((groups, resources, verbs))]
        hospital.change(key, content=content | {"rules": rules})

    return patch


def rebound(key: str, role: str) -> Patch:
    """Bind another ClusterRole."""
    return write(key, "roleRef", value={"apiGroup": RBAC, "kind": "ClusterRole", "name": role})


STATUS_PAGE = rebound("ClusterRoleBinding//system:public-info-viewer", "prometheus")
UNAPPROVED = strike("Input//access_matrix.csv", role="backup controller")
TUNNEL = add_rule("Role/ehr/database-operator", "core", "pods/portforward", "create")
LEFT = together(
    strike(WORKFORCE, user="leo.park@clinic.example"),
    enter(
        WORKFORCE,
        user="leo.park@clinic.example",
        role="research engineer",
        since="2024-06-01",
        until="2026-08-31",
        groups="clinic:research-it",
    ),
)
MOVED = together(
    strike(WORKFORCE, user="mara.silva@clinic.example", role="privacy officer"),
    enter(
        WORKFORCE,
        user="mara.silva@clinic.example",
        role="privacy officer",
        since="2026-09-01",
        groups="clinic:auditors;clinic:ehr-developers",
    ),
)

FAULTS = (
    Fault(
        SERVER,
        "HK-ACC-01",
        "an ABAC file from the time before RBAC still decides beside it",
        flag("authorization-mode", "Node,RBAC,ABAC"),
    ),
    Fault(
        SERVER,
        "HK-ACC-02",
        "requests without credentials are let in",
        flag("anonymous-auth", "true"),
    ),
    Fault(
        "ClusterRoleBinding//system:public-info-viewer",
        "HK-ACC-02",
        "bound to another role for a status page: whoever reaches the API server sees nodes and pods",
        STATUS_PAGE,
    ),
    Fault(
        "ClusterRoleBinding//system:public-info-viewer",
        "HK-ACC-04",
        "bound to another role, for everyone who signs in as well",
        STATUS_PAGE,
    ),
    Fault(
        "ClusterRoleBinding//velero",
        "HK-ACC-03",
        "the backup controller is an administrator, and no longer in the access matrix",
        UNAPPROVED,
    ),
    Fault(
        "ServiceAccount/velero/velero",
        "HK-ACC-06",
        "the backup controller reads every Secret, and is no longer in the access matrix",
        UNAPPROVED,
    ),
    Fault(
        "ServiceAccount/velero/velero",
        "HK-ACC-07",
        "the backup controller may enter every pod, and is no longer in the access matrix",
        UNAPPROVED,
    ),
    Fault(
        "ServiceAccount/velero/velero",
        "HK-INT-13",
        "the backup controller may destroy ePHI and change what writes it, and is no longer in the access matrix",
        UNAPPROVED,
    ),
    Fault(
        "ServiceAccount/velero/velero",
        "HK-ACC-23",
        "a controller of another maker with ePHI access is not among those approved",
        UNAPPROVED,
    ),
    Fault(
        "ClusterRoleBinding//system:basic-user",
        "HK-ACC-04",
        "everyone who signs in, every pod with a token among them, may list nodes, services and pods",
        rebound("ClusterRoleBinding//system:basic-user", "prometheus"),
    ),
    Fault(
        "ClusterRole//clinic-auditor",
        "HK-ACC-05",
        "the auditors' role names `*` where four resources were meant",
        write("ClusterRole//clinic-auditor", "rules", 1, "resources", value=["*"]),
    ),
    Fault(
        "ServiceAccount/cicd/deployer",
        "HK-ACC-06",
        "the release pipeline may list all Secrets of the EHR, where it was approved to get one",
        add_rule("Role/ehr/release", "core", "secrets", "get list"),
    ),
    Fault(
        "Group//clinic:dba",
        "HK-ACC-07",
        "database administrators may open tunnels to every pod of the EHR",
        TUNNEL,
    ),
    Fault(
        "User//carla.ruiz@clinic.example",
        "HK-ACC-24",
        "tunnels to pods are outside the role of a database administrator",
        TUNNEL,
    ),
    Fault(
        "Group//clinic:radiology-it",
        "HK-ACC-08",
        "who may start a Job among the images may mount every Secret and claim there",
        add_rule("Role/imaging/archive-operator", "batch", "jobs", "create"),
    ),
    Fault(
        "RoleBinding/kube-system/metrics-server-auth-reader",
        "HK-ACC-09",
        "names a service account that is gone: whoever makes it anew gets the role",
        write(
            "RoleBinding/kube-system/metrics-server-auth-reader",
            "subjects",
            value=[subject_object("kube-system/metrics-server-v2")],
        ),
    ),
    Fault(
        "RoleBinding/research/research-it",
        "HK-ACC-09",
        "the only member of the group has left the clinic",
        LEFT,
    ),
    Fault("User//leo.park@clinic.example", "HK-ACC-25", "who has left the clinic makes requests as before", LEFT),
    Fault(
        SERVER,
        "HK-ACC-10",
        "takes a file of static tokens that several people share",
        flag("token-auth-file", "/etc/kubernetes/pki/tokens.csv"),
    ),
    Fault(
        "RoleBinding/imaging/radiology-it",
        "HK-ACC-13",
        "was last reviewed in March",
        change("RoleBinding/imaging/radiology-it", annotations=REVIEW | {"hipaa-kit.io/reviewed-on": "2026-03-16"}),
    ),
    Fault(
        "RoleBinding/identity/iam",
        "HK-ACC-13",
        "was never reviewed",
        change("RoleBinding/identity/iam", annotations={}),
    ),
    Fault(
        "Cluster//break-glass",
        "HK-ACC-14",
        "emergency access was never tried",
        strike("Input//drills.csv", kind="break-glass"),
    ),
    Fault(
        "User//mara.silva@clinic.example",
        "HK-ACC-24",
        "a developer who became privacy officer is still in the developers' group",
        MOVED,
    ),
    Fault(
        "Group//clinic:ehr-developers",
        "HK-ACC-06",
        "somebody is in the group whose role may not read what the EHR's developers do",
        MOVED,
    ),
)
