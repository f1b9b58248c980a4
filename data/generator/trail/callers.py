"""Those who ask: people, nodes, components of the control plane, and pods with the token of their account."""

from __future__ import annotations

from access import BINDINGS, CLUSTER_BINDINGS
from model import Hospital, Workload, node_address
from objects import SERVER_VERSION, suffix
from pods import replicas

from trail.calls import Caller

EVERYONE = "system:authenticated"
DOMAIN = "clinic.example"
STREAMS = "kubectl/v1.29.14 (linux/amd64) kubernetes/ec1a34c"
"""A kubectl that opens its streams with POST, which audit events call `create`; newer ones ask with GET."""

NEWER = "kubectl/v1.35.2 (linux/amd64) kubernetes/6f3d1c8"
# Name, address on the network of the clinic, program.
PEOPLE = {
    "amira.haddad": ("10.50.12.21", NEWER),
    "ben.okafor": ("10.50.12.22", STREAMS),
    "carla.ruiz": ("10.50.12.31", STREAMS),
    "dov.levin": ("10.50.14.11", NEWER),
    "elif.kaya": ("10.50.14.12", NEWER),
    "finn.moore": ("10.50.13.40", STREAMS),
    "grace.lin": ("10.50.13.41", NEWER),
    "hugo.brandt": ("10.50.13.42", NEWER),
    "ines.costa": ("10.50.16.23", STREAMS),
    "jonas.weber": ("10.50.13.51", NEWER),
    "kira.novak": ("10.50.12.33", NEWER),
    "leo.park": ("10.50.17.9", NEWER),
    "mara.silva": ("10.50.14.13", NEWER),
}
EMERGENCY = ("clinic:break-glass", "kubeadm:cluster-admins", "system:masters")
"""Groups that an administrator's usual sign-in does not ask for."""


def reason(kind: str, name: str, role: str, subject: str) -> str:
    """Write how the authorizer says by which role binding something is allowed.

    Source: `plugin/pkg/auth/authorizer/rbac/rbac.go` and `pkg/registry/rbac/validation/rule.go` of kubernetes.
    """
    role_kind, _, role_name = role.partition("/")
    who, _, called = subject.partition("/")
    if who not in ("Group", "User"):
        who, called = "ServiceAccount", f"{called}/{who}"
    return f'RBAC: allowed by {kind} "{name}" of {role_kind} "{role_name}" to {who} "{called}"'


def reasons() -> dict[str, str]:
    """Return by which role binding each group or account is allowed what it does, the widest first."""
    found: dict[str, str] = {}
    for name, role, subjects in CLUSTER_BINDINGS:
        for subject in subjects.split():
            found.setdefault(subject, reason("ClusterRoleBinding", name, f"ClusterRole/{role}", subject))
    for namespace, name, role, subject in BINDINGS:
        found.setdefault(subject, reason("RoleBinding", f"{name}/{namespace}", role, subject))
    return found


REASONS = reasons()


def person(hospital: Hospital, name: str, address: str = "", agent: str = "") -> Caller:
    """Return somebody of the workforce as the identity provider lets them in: with the groups of their last row."""
    user = f"{name}@{DOMAIN}"
    workforce = hospital.declared["Input//workforce.csv"].content  # type: ignore[union-attr]
    [*_, last] = [row for row in workforce if row["user"] == user]
    groups = tuple(each for each in last["groups"].split(";") if each not in EMERGENCY)
    held = next((REASONS[f"Group/{each}"] for each in groups if f"Group/{each}" in REASONS), "")
    usual = PEOPLE[name]
    return Caller(user, (*groups, EVERYONE), address or usual[0], agent or usual[1], held)


def node(name: str) -> Caller:
    """Return the kubelet of a node."""
    agent = f"kubelet/{SERVER_VERSION} (linux/amd64) kubernetes/5b0e9d1"
    return Caller(f"system:node:{name}", ("system:nodes", EVERYONE), node_address(name), agent)


def component(name: str, on: str) -> Caller:
    """Return a component of the control plane, which asks the server of its own node."""
    agent = f"{name}/{SERVER_VERSION} (linux/amd64) kubernetes/5b0e9d1/leader-election"
    user = f"system:{name}"
    return Caller(user, (EVERYONE,), node_address(on), agent, REASONS.get(f"User/{user}", ""), server=on)


def controller(name: str, on: str = "cp-1") -> Caller:
    """Return one of the loops of the controller manager, each with an account of its own."""
    program = f"kube-controller-manager/{SERVER_VERSION} (linux/amd64) kubernetes/5b0e9d1"
    agent = f"{program}/system:serviceaccount:kube-system:{name}"
    role = f"system:controller:{name}"
    said = reason("ClusterRoleBinding", role, f"ClusterRole/{role}", f"kube-system/{name}")
    return Caller(*_account("kube-system", name), node_address(on), agent, said, server=on)


def pod(hospital: Hospital, key: str, agent: str, number: int = 0, account: str = "") -> Caller:
    """Return a pod of a workload, with the token of its account."""
    workload = hospital.declared[key]
    assert isinstance(workload, Workload), key  # noqa: S101 - the key names a workload
    where = replicas(hospital, workload)[number]
    named = account or workload.account or workload.name
    said = REASONS.get(f"{workload.namespace}/{named}", "")
    return Caller(*_account(workload.namespace, named), where.address, agent, said, where.name)


def job_pod(namespace: str, account: str, number: str, agent: str) -> Caller:
    """Return a pod that lives for one job only, as those of the pipeline do."""
    said = REASONS.get(f"{namespace}/{account}", "")
    return Caller(*_account(namespace, account), "10.244.12.77", agent, said, f"{account}-{suffix(5, number)}")


def _account(namespace: str, name: str) -> tuple[str, tuple[str, ...]]:
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", EVERYONE)
    return f"system:serviceaccount:{namespace}:{name}", groups
