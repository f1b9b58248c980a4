"""Who may do what: service accounts, roles and role bindings of people, operators and pipelines."""

from __future__ import annotations

from model import Hospital, Namespace, Workload
from objects import Cluster, Object, moment

Rule = tuple[str, str, str]  # API groups, resources and verbs, each separated by spaces; `core` is the core group
READ = "get list watch"
ALL = "create delete deletecollection get list patch update watch"
BOOTSTRAP = {"kubernetes.io/bootstrapping": "rbac-defaults"}

# Roles that every cluster is born with (a choice of them), and those of the hospital's operators.
CLUSTER_ROLES: dict[str, tuple[Rule, ...]] = {
    "cluster-admin": (("*", "*", "*"),),
    "admin": (
        ("core", "pods pods/exec pods/portforward secrets configmaps services serviceaccounts", ALL),
        ("apps", "deployments statefulsets daemonsets replicasets", ALL),
        ("rbac.authorization.k8s.io", "roles rolebindings", ALL),
    ),
    "edit": (
        ("core", "pods pods/exec pods/portforward secrets configmaps services", ALL),
        ("apps", "deployments statefulsets daemonsets replicasets", ALL),
    ),
    "view": (
        ("core", "pods pods/log configmaps services persistentvolumeclaims events", READ),
        ("apps", "deployments statefulsets daemonsets replicasets", READ),
        ("networking.k8s.io", "ingresses networkpolicies", READ),
    ),
    "system:node": (
        ("core", "nodes", "create get list watch"),
        ("core", "pods", READ),
        ("core", "secrets configmaps", READ),
    ),
    "system:kube-scheduler": (
        ("core", "pods nodes persistentvolumes persistentvolumeclaims", READ),
        ("core", "pods/binding", "create"),
    ),
    "system:kube-controller-manager": (
        ("core", "secrets serviceaccounts", "create get update"),
        ("*", "*", "list watch"),
    ),
    "system:coredns": (
        ("core", "endpoints services pods namespaces", "list watch"),
        ("discovery.k8s.io", "endpointslices", "list watch"),
    ),
    "cilium": (
        ("core", "pods nodes namespaces services endpoints", READ),
        ("networking.k8s.io", "networkpolicies", READ),
        ("cilium.io", "ciliumnetworkpolicies", "*"),
    ),
    "cilium-operator": (("core", "pods nodes", "get list watch delete"), ("cilium.io", "*", "*")),
    "cert-manager": (
        ("core", "secrets", ALL),
        ("cert-manager.io", "certificates clusterissuers", READ),
        ("networking.k8s.io", "ingresses", READ),
    ),
    "ingress-nginx": (
        ("core", "configmaps endpoints nodes pods secrets services", "list watch"),
        ("networking.k8s.io", "ingresses ingressclasses", READ),
        ("networking.k8s.io", "ingresses/status", "update"),
    ),
    "ceph-csi-controller": (
        ("core", "persistentvolumes", ALL),
        ("core", "nodes persistentvolumeclaims", READ),
        ("storage.k8s.io", "storageclasses csinodes volumeattachments", "get list watch patch"),
    ),
    "prometheus": (("core", "nodes nodes/metrics services endpoints pods", READ),),
    "metrics-server": (("core", "nodes/metrics", "get"), ("core", "pods nodes", READ)),
    "clinic-auditor": (
        ("core", "namespaces nodes pods services serviceaccounts", "get list"),
        ("rbac.authorization.k8s.io", "*", "get list"),
    ),
}
# ClusterRoleBindings: name, role, subject
CLUSTER_BINDINGS = (
    ("cluster-admin", "cluster-admin", "Group/system:masters"),
    ("clinic-platform-admins", "cluster-admin", "Group/clinic:platform-admins"),
    ("clinic-auditors", "clinic-auditor", "Group/clinic:auditors"),
    ("system:kube-scheduler", "system:kube-scheduler", "User/system:kube-scheduler"),
    ("system:kube-controller-manager", "system:kube-controller-manager", "User/system:kube-controller-manager"),
    ("system:coredns", "system:coredns", "kube-system/coredns"),
    ("cilium", "cilium", "kube-system/cilium"),
    ("cilium-operator", "cilium-operator", "kube-system/cilium-operator"),
    ("cert-manager", "cert-manager", "cert-manager/cert-manager"),
    ("ingress-nginx", "ingress-nginx", "ingress-nginx/ingress-nginx"),
    ("ceph-csi-controller", "ceph-csi-controller", "kube-system/ceph-csi-controller"),
    ("prometheus", "prometheus", "monitoring/prometheus"),
    ("metrics-server", "metrics-server", "kube-system/metrics-server"),
    ("velero", "cluster-admin", "velero/velero"),
)
ROLES: dict[tuple[str, str], tuple[Rule, ...]] = {
    ("ehr", "release"): (
        ("apps", "deployments", "get list patch update"),
        ("core", "configmaps", "get list patch update"),
    ),
    ("portal", "release"): (("apps", "deployments", "get list patch update"),),
    ("ehr", "database-operator"): (
        ("core", "pods persistentvolumeclaims", READ),
        ("core", "pods/exec", "create"),
        ("apps", "statefulsets", "get list patch"),
    ),
    ("kube-system", "extension-apiserver-authentication-reader"): (("core", "configmaps", READ),),
}
# RoleBindings: namespace, name, role (`ClusterRole/` or `Role/`), subject
BINDINGS = (
    ("ehr", "ehr-developers", "ClusterRole/view", "Group/clinic:ehr-developers"),
    ("ehr-staging", "ehr-developers", "ClusterRole/edit", "Group/clinic:ehr-developers"),
    ("portal", "portal-developers", "ClusterRole/view", "Group/clinic:portal-developers"),
    ("imaging", "radiology-it", "ClusterRole/edit", "Group/clinic:radiology-it"),
    ("integration", "interface-team", "ClusterRole/edit", "Group/clinic:interface-team"),
    ("identity", "iam", "ClusterRole/admin", "Group/clinic:iam"),
    ("research", "research-it", "ClusterRole/admin", "Group/clinic:research-it"),
    ("ehr", "database-operators", "Role/database-operator", "Group/clinic:dba"),
    ("ehr", "release", "Role/release", "cicd/deployer"),
    ("portal", "release", "Role/release", "cicd/deployer"),
    (
        "kube-system",
        "metrics-server-auth-reader",
        "Role/extension-apiserver-authentication-reader",
        "kube-system/metrics-server",
    ),
)
RBAC = "rbac.authorization.k8s.io"


def add_access(cluster: Cluster, hospital: Hospital) -> None:
    """Add service accounts, roles and role bindings."""
    add_accounts(cluster, hospital)
    for name, rules in CLUSTER_ROLES.items():
        born = name.startswith("system:") or name in ("cluster-admin", "admin", "edit", "view")
        content: Object = {"rules": [rule_object(rule) for rule in rules]}
        if name == "cluster-admin":
            content["rules"].append({"nonResourceURLs": ["*"], "verbs": ["*"]})
        if name in ("admin", "edit", "view"):
            chosen = {"matchLabels": {f"{RBAC}/aggregate-to-{name}": "true"}}
            content["aggregationRule"] = {"clusterRoleSelectors": [chosen]}
        cluster.add(
            "ClusterRole",
            "",
            name,
            content,
            created=moment("2025-02-03", "role", name),
            labels=BOOTSTRAP if born else None,
            annotations={f"{RBAC}/autoupdate": "true"} if born else None,
        )
    for (namespace, name), rules in ROLES.items():
        content = {"rules": [rule_object(rule) for rule in rules]}
        cluster.add("Role", namespace, name, content, created=moment("2026-03-10", "role", namespace, name))
    for name, role, subject in CLUSTER_BINDINGS:
        content = binding(f"ClusterRole/{role}", subject)
        cluster.add("ClusterRoleBinding", "", name, content, created=moment("2025-02-03", "binding", name))
    for namespace, name, role, subject in BINDINGS:
        created = moment("2026-03-10", "binding", namespace, name)
        cluster.add("RoleBinding", namespace, name, binding(role, subject), created=created)


def add_accounts(cluster: Cluster, hospital: Hospital) -> None:
    """Add the default account of each namespace and the accounts that workloads run as."""
    accounts = {(namespace.name, "default") for namespace in hospital.all(Namespace)}
    accounts |= {
        (workload.namespace, workload.account or workload.name)
        for workload in hospital.all(Workload)
        if workload.kind != "StaticPod"
    }
    for namespace, name in sorted(accounts | {("cicd", "deployer")}):
        created = moment("2026-03-09", "account", namespace, name)
        cluster.add("ServiceAccount", namespace, name, {}, created=created)


def rule_object(rule: Rule) -> Object:
    """Write one rule of a role."""
    groups, resources, verbs = rule
    return {
        "apiGroups": ["" if group == "core" else group for group in groups.split()],
        "resources": resources.split(),
        "verbs": verbs.split(),
    }


def binding(role: str, subject: str) -> Object:
    """Bind a role to a group, a user or, written `namespace/name`, a service account."""
    kind, _, name = role.partition("/")
    where, _, who = subject.partition("/")
    if where in ("Group", "User"):
        named = {"apiGroup": RBAC, "kind": where, "name": who}
    else:
        named = {"kind": "ServiceAccount", "name": who, "namespace": where}
    return {"roleRef": {"apiGroup": RBAC, "kind": kind, "name": name}, "subjects": [named]}
