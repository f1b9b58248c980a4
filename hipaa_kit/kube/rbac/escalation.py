"""Whether the API server lets someone write a role or a role binding: no one may give what they do not hold.

Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping,
`pkg/registry/rbac/escalation_check.go`, `ConfirmNoEscalation` of `pkg/registry/rbac/validation/rule.go` and the
`policybased` storages of `pkg/registry/rbac/{role,clusterrole,rolebinding,clusterrolebinding}` in `k8s.io/kubernetes`.

This is the second of two questions. The first is whether the requester may create, update or patch the object
at all; that is `Policy.can`, and both must be answered yes. The special right (`bind`, `escalate`) and the right to
write may come from different role bindings. Another authorizer of the cluster may grant either too; what someone
holds is by RBAC alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hipaa_kit.kube.rbac.bindings import CLUSTER_ROLE, ROLE, Policy, Requester, RoleRef
from hipaa_kit.kube.rbac.rules import FULL_AUTHORITY, GROUP, Request, Rule, uncovered
from hipaa_kit.kube.rbac.users import MASTERS

BY_MASTERS: Final = "system:masters"
BY_BIND: Final = "bind"
BY_ESCALATE: Final = "escalate"
BY_HOLDING: Final = "holds all of it"

RESOURCES: Final = {ROLE: "roles", CLUSTER_ROLE: "clusterroles"}
"""Resources on which `bind` and `escalate` are asked for. On `rolebindings` the verbs mean nothing."""


@dataclass(frozen=True, slots=True)
class Escalation:
    """The API server's answer to the test.

    Attributes
    ----------
    by
        What decided for it: membership, the special right, or holding all that is given; `""` where refused.
    missing
        What would be given and is not held, broken down; empty where the write is let through.
    role_exists
        False where a role binding names a role that is not there. Only `bind` or `system:masters` then helps:
        what the role will give is unknown. False too where no role can be meant, which nothing helps.
    """

    by: str
    missing: tuple[Rule, ...] = ()
    role_exists: bool = True

    @property
    def allowed(self) -> bool:
        """Whether the write passes the test."""
        return bool(self.by)


def may_bind(policy: Policy, requester: Requester, ref: RoleRef, namespace: str) -> Escalation:
    """Say whether a role binding to a role passes the escalation test, made anew or changed.

    Parameters
    ----------
    ref
        The role it refers to. `bind` names this role, so a right to bind by name also works on create.
    namespace
        Of the role binding, `""` for a ClusterRoleBinding. `bind` counts there: one that is held in a namespace
        on a ClusterRole lets that ClusterRole be bound in the namespace.

    Notes
    -----
    `roleRef` never changes. Any other change is tested, even of a label; only one of owner references and
    finalizers alone is not. Removing a subject is tested like adding one; deleting is not tested.
    """
    role = ref.role(namespace)
    if role is None:
        return Escalation("", role_exists=False)
    exists = role in policy.roles
    if MASTERS in requester.groups:
        return Escalation(BY_MASTERS, role_exists=exists)
    bind = Request("bind", GROUP, RESOURCES[ref.kind], namespace=namespace, name=ref.name)
    if policy.can(requester, bind):
        return Escalation(BY_BIND, role_exists=exists)
    if not exists:
        return Escalation("", role_exists=False)
    return _holds(policy, requester, namespace, policy.roles[role])


def may_write_role(
    policy: Policy,
    requester: Requester,
    role: RoleRef,
    namespace: str,
    rules: tuple[Rule, ...],
    *,
    verb: str = "update",
    aggregates: bool = False,
) -> Escalation:
    """Say whether a role with these rules passes the escalation test.

    Parameters
    ----------
    role
        Kind and name of the role that is written.
    namespace
        Where it is; `""` for a ClusterRole.
    rules
        All it would have, those it already has among them: it makes no difference that they were there.
    verb
        `create` for a POST, which names no object, so that only a right to `escalate` without names helps. A PUT or
        server-side apply that creates the role is `update` or `patch`, and names it.
    aggregates
        The ClusterRole has selectors of an `aggregationRule`, after the write or before it. What they
        gather is open, so that takes the right to everything.

    Notes
    -----
    Any change is tested, even of a label; only one of owner references and finalizers alone is not. So no one
    can add an aggregation label to a role that is stronger than they are.
    """
    if role.role(namespace) is None or (role.kind == CLUSTER_ROLE and namespace):
        return Escalation("", role_exists=False)
    if MASTERS in requester.groups:
        return Escalation(BY_MASTERS)
    name = "" if verb == "create" else role.name
    escalate = Request("escalate", GROUP, RESOURCES[role.kind], namespace=namespace, name=name)
    if policy.can(requester, escalate):
        return Escalation(BY_ESCALATE)
    return _holds(policy, requester, namespace, (*rules, *(FULL_AUTHORITY if aggregates else ())))


def _holds(policy: Policy, requester: Requester, namespace: str, rules: tuple[Rule, ...]) -> Escalation:
    missing = tuple(uncovered(policy.rules_for(requester, namespace), rules))
    return Escalation("" if missing else BY_HOLDING, missing)
