"""Rights that open each technique of escalation, each of them needed, by where they are held."""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.support.permissions import binding, role, rule

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
