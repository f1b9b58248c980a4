"""The role bindings that every cluster is born with, which are no one's decision.

Source: `plugin/pkg/auth/authorizer/rbac/bootstrappolicy/{policy,controller_policy,namespace_policy}.go` of
`k8s.io/kubernetes`, https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings.

Only the subject that belongs to a role binding is stock: another one added to it is not. Nor is what somebody wrote
into a stock role: the API server puts back what is missing from these roles and leaves what was added. So a right
counts as stock only where a stock role of a known version gives it: `STOCK_RIGHTS`.
"""

from __future__ import annotations

from typing import Final

from hipaa_kit.graph.permissions.actions import actions
from hipaa_kit.kube.rbac import Binding, Principal, Rule, service_account_user
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
    "system:cluster-trust-bundle-discovery": {Principal(USER_GROUP, "system:serviceaccounts")},
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

_KUBELET_CLIENT: Final = ("", "kube-apiserver-kubelet-admin", "system:kubelet-api-admin")
"""Where k3s and RKE2 let their API server call kubelets: it signs in there as a user of its own.

Source: `manifests/rolebindings.yaml` of `k3s-io/k3s`.
"""


def is_stock(binding: Binding, who: Principal) -> bool:
    """Tell whether a role binding gives a subject only what every cluster, or each of k3s and RKE2, gives it."""
    name = binding.name
    if (binding.namespace, name, binding.ref.name) == _KUBELET_CLIENT:
        return binding.ref.kind == CLUSTER_ROLE and who == Principal(USER, "kube-apiserver")
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


EVERY_CLUSTER: Final = "every cluster has it"
STOCK_RIGHTS: Final = {
    "cluster-admin": ("* *.*",),
    "system::leader-locking-kube-controller-manager": ("get,update,watch configmaps",),
    "system::leader-locking-kube-scheduler": ("get,update,watch configmaps",),
    "system:kubelet-api-admin": ("* nodes/log,nodes/proxy",),
    "system:kube-controller-manager": (
        "get,list,watch configmaps",
        "create,delete,get,list,watch secrets",
        "create serviceaccounts/token",
        "update serviceaccounts",
        "create,update endpoints",
    ),
    "system:kube-scheduler": ("create pods/binding", "create,patch,update endpoints", "delete pods"),
    "system:volume-scheduler": ("patch persistentvolumeclaims", "patch,update persistentvolumes"),
    "attachdetach-controller": ("patch,update nodes/status",),
    "bootstrap-signer": ("get,list,watch secrets", "get,list,update,watch configmaps"),
    "certificate-controller": (
        "approve,sign signers.certificates.k8s.io",
        "update certificatesigningrequests.certificates.k8s.io/approval",
        "update certificatesigningrequests.certificates.k8s.io/status",
    ),
    "cloud-provider": ("get,list,watch configmaps",),
    "clusterrole-aggregation-controller": ("* *.*",),
    "cronjob-controller": ("create,patch,update jobs.batch", "delete pods", "update cronjobs.batch"),
    "daemon-set-controller": ("create pods/binding", "create,delete,patch pods"),
    "deployment-controller": ("create,patch,update replicasets.apps", "update deployments.apps,pods"),
    "device-taint-eviction-controller": ("delete pods",),
    "endpoint-controller": ("create,update endpoints",),
    "endpointslice-controller": ("create,update endpointslices.discovery.k8s.io",),
    "endpointslicemirroring-controller": ("create,update endpointslices.discovery.k8s.io",),
    "ephemeral-volume-controller": ("create persistentvolumeclaims",),
    "expand-controller": ("get secrets", "patch,update persistentvolumes"),
    "generic-garbage-collector": ("delete,get,list,patch,update,watch *.*",),
    "horizontal-pod-autoscaler": ("get services/proxy",),
    "job-controller": ("create,delete,patch pods", "patch,update jobs.batch"),
    "legacy-service-account-token-cleaner": ("delete,patch secrets", "get configmaps"),
    "namespace-controller": ("delete,deletecollection,get,list,watch *.*",),
    "node-controller": ("delete pods", "delete,patch,update nodes", "patch,update nodes/status"),
    "persistent-volume-binder": (
        "create,delete pods",
        "create,delete,update persistentvolumes",
        "get secrets",
        "create services",
        "create,update endpoints",
    ),
    "pod-garbage-collector": ("delete pods",),
    "pv-protection-controller": ("update persistentvolumes",),
    "replicaset-controller": ("create,delete,patch pods", "update replicasets.apps"),
    "replication-controller": ("create,delete,patch pods", "update replicationcontrollers"),
    "resourcequota-controller": ("list,watch secrets,configmaps",),
    "root-ca-cert-publisher": ("update configmaps",),
    "route-controller": ("patch nodes/status",),
    "service-controller": ("patch,update services/status",),
    "statefulset-controller": ("create,delete persistentvolumeclaims", "create,delete,patch,update pods"),
    "storage-version-migrator-controller": ("list,patch *.*",),
    "token-cleaner": ("delete,get,list,watch secrets",),
    "ttl-controller": ("patch,update nodes",),
}
"""What stock roles give that matters here, as `verbs resource.group`; controllers without `system:controller:`.

Joined from the roles of versions 1.8, 1.14, 1.27 and 1.35 to 1.37. A right that only another version's role gave is
listed as a finding.
"""


def stock_rules(role: str) -> tuple[Rule, ...]:
    """Return the rules that a stock role has, as far as they matter here; none where it is not known."""
    texts = STOCK_RIGHTS.get(role.removeprefix(_CONTROLLER), ())
    return tuple(
        Rule((action.verb,), (action.group,), (action.resource,)) for text in texts for action in actions(text)
    )
