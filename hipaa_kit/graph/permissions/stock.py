"""The role bindings that every cluster is born with, which are no one's decision.

Source: `plugin/pkg/auth/authorizer/rbac/bootstrappolicy/{policy,controller_policy,namespace_policy}.go` of
`k8s.io/kubernetes`, https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings.

Only the subject that belongs to a role binding is stock: another one added to it is not.
"""

from __future__ import annotations

from typing import Final

from hipaa_kit.kube.rbac import Binding, Principal, service_account_user
from hipaa_kit.kube.rbac.bindings import CLUSTER_ROLE, USER, USER_GROUP
from hipaa_kit.kube.rbac.users import MASTERS

_CONTROLLER: Final = "system:controller:"


def _account(name: str) -> Principal:
    return Principal(USER, service_account_user("kube-system", name))


_MANAGER: Final = Principal(USER, "system:kube-controller-manager")
_SCHEDULER: Final = Principal(USER, "system:kube-scheduler")
_AUTHENTICATED: Final = Principal(USER_GROUP, "system:authenticated")

_CLUSTER: Final = {
    "cluster-admin": {Principal(USER_GROUP, MASTERS)},
    "system:monitoring": {Principal(USER_GROUP, "system:monitoring")},
    "system:discovery": {_AUTHENTICATED},
    "system:basic-user": {_AUTHENTICATED},
    "system:public-info-viewer": {_AUTHENTICATED, Principal(USER_GROUP, "system:unauthenticated")},
    "system:node-proxier": {Principal(USER, "system:kube-proxy")},
    "system:kube-controller-manager": {_MANAGER},
    "system:aws-cloud-provider": {_account("aws-cloud-provider")},
    "system:kube-dns": {_account("kube-dns")},
    "system:kube-scheduler": {_SCHEDULER},
    "system:volume-scheduler": {_SCHEDULER},
    "system:service-account-issuer-discovery": {Principal(USER_GROUP, "system:serviceaccounts")},
}
_NAMESPACED: Final = {
    "system:extension-apiserver-authentication-reader": {_MANAGER, _SCHEDULER},
    "system::extension-apiserver-authentication-reader": {_MANAGER, _SCHEDULER},
    "system::leader-locking-kube-controller-manager": {
        _MANAGER,
        _account("kube-controller-manager"),
        _account("leader-election-controller"),
    },
    "system::leader-locking-kube-scheduler": {_SCHEDULER, _account("kube-scheduler")},
}


def is_stock(binding: Binding, who: Principal) -> bool:
    """Tell whether a role binding gives a subject only what every cluster gives it."""
    name = binding.name
    if binding.namespace not in ("", "kube-system", "kube-public"):
        return False
    if binding.namespace:
        known = _NAMESPACED.get(name, set())
        role = name.replace("system::extension", "extension").replace("system:extension", "extension")
        same = binding.ref.name in (name, role)
    else:
        known, same = _CLUSTER.get(name, set()), binding.ref.kind == CLUSTER_ROLE and binding.ref.name == name
    if name.startswith(_CONTROLLER):
        known, same = {_account(name.removeprefix(_CONTROLLER))}, binding.ref.name == name
    return same and who in known
