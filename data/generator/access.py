"""Who may do what: service accounts, roles and role bindings of people, operators and pipelines."""

from __future__ import annotations

from model import Custom, Hospital, Namespace, Workload
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
    "system:basic-user": (
        ("authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews", "create"),
        ("authentication.k8s.io", "selfsubjectreviews", "create"),
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
    "cilium-operator": (
        ("core", "pods", "get list watch delete"),
        ("core", "nodes", READ),
        ("cilium.io", "*", "*"),
    ),
    "cert-manager": (
        ("cert-manager.io", "certificates clusterissuers", READ),
        ("networking.k8s.io", "ingresses", READ),
    ),
    "policy-controller-webhook": (
        ("core", "namespaces", READ),
        ("policy.sigstore.dev", "clusterimagepolicies", READ),
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
    "prometheus-operator": (
        (
            "monitoring.coreos.com",
            "alertmanagerconfigs alertmanagers podmonitors probes prometheuses prometheusrules servicemonitors",
            READ,
        ),
        ("core", "namespaces", READ),
    ),
    "kube-state-metrics": (
        ("core", "namespaces nodes persistentvolumeclaims pods", "list watch"),
        ("apps", "daemonsets deployments statefulsets", "list watch"),
        ("batch", "cronjobs jobs", "list watch"),
    ),
    "event-exporter": (("core", "events", READ),),
    "metrics-server": (("core", "nodes/metrics", "get"), ("core", "pods nodes", READ)),
    "clinic-auditor": (
        ("core", "namespaces nodes pods services serviceaccounts", "get list"),
        ("rbac.authorization.k8s.io", "clusterroles clusterrolebindings roles rolebindings", "get list"),
    ),
}
# Roles of every cluster on paths that are no resources.
PATHS: dict[str, tuple[str, ...]] = {
    "cluster-admin": ("*",),
    "system:discovery": (
        "/api",
        "/api/*",
        "/apis",
        "/apis/*",
        "/healthz",
        "/livez",
        "/openapi",
        "/openapi/*",
        "/readyz",
    ),
    "system:public-info-viewer": ("/healthz", "/livez", "/readyz", "/version", "/version/"),
}
# ClusterRoleBindings: name, role, subjects separated by spaces
CLUSTER_BINDINGS = (
    ("cluster-admin", "cluster-admin", "Group/system:masters"),
    ("clinic-platform-admins", "cluster-admin", "Group/clinic:platform-admins"),
    ("clinic-auditors", "clinic-auditor", "Group/clinic:auditors"),
    ("clinic-break-glass", "cluster-admin", "Group/clinic:break-glass"),
    ("system:basic-user", "system:basic-user", "Group/system:authenticated"),
    ("system:discovery", "system:discovery", "Group/system:authenticated"),
    (
        "system:public-info-viewer",
        "system:public-info-viewer",
        "Group/system:authenticated Group/system:unauthenticated",
    ),
    ("system:kube-scheduler", "system:kube-scheduler", "User/system:kube-scheduler"),
    ("system:kube-controller-manager", "system:kube-controller-manager", "User/system:kube-controller-manager"),
    ("system:coredns", "system:coredns", "kube-system/coredns"),
    ("cilium", "cilium", "kube-system/cilium"),
    ("cilium-operator", "cilium-operator", "kube-system/cilium-operator"),
    ("cert-manager", "cert-manager", "cert-manager/cert-manager"),
    ("ingress-nginx", "ingress-nginx", "ingress-nginx/ingress-nginx"),
    ("policy-controller-webhook", "policy-controller-webhook", "cosign-system/policy-controller-webhook"),
    ("ceph-csi-controller", "ceph-csi-controller", "kube-system/ceph-csi-controller"),
    ("prometheus", "prometheus", "monitoring/prometheus"),
    ("prometheus-operator", "prometheus-operator", "monitoring/prometheus-operator"),
    ("kube-state-metrics", "kube-state-metrics", "monitoring/kube-state-metrics"),
    ("event-exporter", "event-exporter", "monitoring/event-exporter"),
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
        ("apps", "statefulsets", "get list"),
    ),
    ("monitoring", "log-reader"): (("core", "pods pods/log", "get list"),),
    ("imaging", "archive-operator"): (("batch", "jobs", READ),),
    ("cert-manager", "cert-manager"): (("core", "secrets", ALL),),
    # Without create: whoever makes a Secret for the token of a service account gets the token.
    ("ingress-nginx", "cert-manager"): (("core", "secrets", "get list patch update watch"),),
    ("kube-system", "extension-apiserver-authentication-reader"): (("core", "configmaps", READ),),
}
# RoleBindings: namespace, name, role (`ClusterRole/` or `Role/`), subject
BINDINGS = (
    ("ehr", "ehr-developers", "ClusterRole/view", "Group/clinic:ehr-developers"),
    ("ehr-staging", "ehr-developers", "ClusterRole/view", "Group/clinic:ehr-developers"),
    ("portal", "portal-developers", "ClusterRole/view", "Group/clinic:portal-developers"),
    ("imaging", "radiology-it", "ClusterRole/view", "Group/clinic:radiology-it"),
    ("imaging", "archive-operators", "Role/archive-operator", "Group/clinic:radiology-it"),
    ("integration", "interface-team", "ClusterRole/view", "Group/clinic:interface-team"),
    ("identity", "iam", "ClusterRole/view", "Group/clinic:iam"),
    ("research", "research-it", "ClusterRole/view", "Group/clinic:research-it"),
    ("ehr", "database-operators", "Role/database-operator", "Group/clinic:dba"),
    ("monitoring", "log-readers", "Role/log-reader", "Group/clinic:interface-team"),
    ("ehr", "release", "Role/release", "cicd/deployer"),
    ("portal", "release", "Role/release", "cicd/deployer"),
    ("cert-manager", "cert-manager", "Role/cert-manager", "cert-manager/cert-manager"),
    ("ingress-nginx", "cert-manager", "Role/cert-manager", "cert-manager/cert-manager"),
    (
        "kube-system",
        "metrics-server-auth-reader",
        "Role/extension-apiserver-authentication-reader",
        "kube-system/metrics-server",
    ),
)
RBAC = "rbac.authorization.k8s.io"
MARK = "hipaa-kit.io"
REVIEW = {f"{MARK}/reviewed-on": "2026-10-12", f"{MARK}/approved-by": "dov.levin", f"{MARK}/ticket": "CLIN-1077"}
"""What the last access review wrote on every role binding to people."""


def access() -> list[Custom]:
    """Declare roles and role bindings."""
    declared = [cluster_role(name) for name in dict.fromkeys([*CLUSTER_ROLES, *PATHS])]
    for (namespace, name), rules in ROLES.items():
        content = {"rules": [rule_object(rule) for rule in rules]}
        made = moment("2026-03-10", "role", namespace, name)
        declared.append(Custom("Role", namespace, name, content, made))
    for name, role, subjects in CLUSTER_BINDINGS:
        made = moment("2025-02-03", "binding", name)
        declared.append(granted("ClusterRoleBinding", "", name, f"ClusterRole/{role}", subjects, made))
    for namespace, name, role, subject in BINDINGS:
        made = moment("2026-03-10", "binding", namespace, name)
        declared.append(granted("RoleBinding", namespace, name, role, subject, made))
    return declared


def cluster_role(name: str) -> Custom:
    """Declare one ClusterRole."""
    born = name.startswith("system:") or name in ("cluster-admin", "admin", "edit", "view")
    content: Object = {"rules": [rule_object(rule) for rule in CLUSTER_ROLES.get(name, ())]}
    if name in PATHS:
        verbs = ["*"] if name == "cluster-admin" else ["get"]
        content["rules"].append({"nonResourceURLs": list(PATHS[name]), "verbs": verbs})
    if name in ("admin", "edit", "view"):
        chosen = {"matchLabels": {f"{RBAC}/aggregate-to-{name}": "true"}}
        content["aggregationRule"] = {"clusterRoleSelectors": [chosen]}
    return Custom(
        *("ClusterRole", "", name, content, moment("2025-02-03", "role", name)),
        labels=BOOTSTRAP if born else {},
        annotations={f"{RBAC}/autoupdate": "true"} if born else {},
    )


def granted(kind: str, namespace: str, name: str, role: str, subjects: str, made: str) -> Custom:
    """Declare one role binding; what the last review wrote stands on those to people of the clinic."""
    ours = "clinic:" in subjects or "kubeadm:" in subjects
    return Custom(
        *(kind, namespace, name, binding(role, subjects), made),
        labels={f"{MARK}/break-glass": "true"} if "break-glass" in name else {},
        annotations=REVIEW if ours else {},
    )


def add_access(cluster: Cluster, hospital: Hospital) -> None:
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


def binding(role: str, subjects: str) -> Object:
    """Bind a role to groups, users or, written `namespace/name`, service accounts."""
    kind, _, name = role.partition("/")
    named = [subject_object(subject) for subject in subjects.split()]
    return {"roleRef": {"apiGroup": RBAC, "kind": kind, "name": name}, "subjects": named}


def subject_object(subject: str) -> Object:
    """Write one subject of a role binding."""
    where, _, who = subject.partition("/")
    if where in ("Group", "User"):
        return {"apiGroup": RBAC, "kind": where, "name": who}
    return {"kind": "ServiceAccount", "name": who, "namespace": where}
