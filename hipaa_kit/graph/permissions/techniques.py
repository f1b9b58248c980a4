"""The ways to become more, as data: which rights together, what they reach, what may stand in the way.

Sources: https://kubernetes.io/docs/concepts/security/rbac-good-practices/,
https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/,
https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/,
https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/.
"""

from __future__ import annotations

from typing import Final

from hipaa_kit.graph.permissions.deputies import deputies, harm
from hipaa_kit.graph.permissions.technique import CONDITION, Technique, also, one, want

RBAC: Final = "rbac.authorization.k8s.io"
CERTIFICATES: Final = "certificates.k8s.io"
ADMISSION: Final = "admissionregistration.k8s.io"

REWRITABLE: Final = (
    "deployments.apps,statefulsets.apps,daemonsets.apps,replicasets.apps,cronjobs.batch,replicationcontrollers"
)
"""Workloads whose pods can be changed. A Job keeps its template, but for where pods of a suspended one are scheduled.

Source: https://kubernetes.io/docs/concepts/workloads/controllers/job/#mutable-scheduling-directives,
`ValidateJobSpecUpdate` in `pkg/apis/batch/validation` of `k8s.io/kubernetes`.
"""
WORKLOADS: Final = f"{REWRITABLE},jobs.batch"
RUN: Final = (f"create pods,{WORKLOADS}",)
"""Starting pods, by oneself or through a controller."""

CLIENT_SIGNER: Final = "kubernetes.io/kube-apiserver-client"
KUBELET_SIGNER: Final = "kubernetes.io/kube-apiserver-client-kubelet"
ALL_SIGNERS: Final = "kubernetes.io/*"
MADE_BY_THE_SERVER: Final = frozenset({"extension-apiserver-authentication"})
"""Those that an API server writes itself when it starts, and again when they are gone."""
TRUSTED_CONFIG: Final = MADE_BY_THE_SERVER | frozenset(
    {
        "aws-auth",
        "kubeadm-config",
        "kubelet-config",
        *(f"kubelet-config-1.{minor}" for minor in range(10, 25)),
    }
)
"""ConfigMaps of `kube-system` from which components take whom they trust, or how kubelets run.

Until 1.24, kubeadm named that of the kubelets by version:
https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/.
"""


def techniques(
    minor: int | None, *, bootstrap: bool = False, trusted: frozenset[str] = TRUSTED_CONFIG
) -> list[Technique]:
    """Return the ways that exist in a version of Kubernetes.

    Parameters
    ----------
    minor
        N of version 1.N; None where it is not known: then every way counts.
    bootstrap
        Bootstrap tokens may ask for a node's certificate and have it approved.
    trusted
        Those of `TRUSTED_CONFIG` that the cluster has.
    """
    found = [
        *_identity(minor),
        *_roles(),
        *_pods(minor),
        *_nodes(),
        *_secrets(bootstrap=bootstrap),
        *_control(trusted),
        *_storage(),
        *_network(),
        *deputies(),
        *harm(),
    ]
    return sorted(found, key=lambda each: (each.number or 99, each.name))


def _identity(minor: int | None) -> list[Technique]:
    found = [
        one(1, "TOKEN_REQUEST", "ServiceAccount/{ns}/{name}", want("create serviceaccounts/token")),
        one(2, "IMPERSONATE_SA", "ServiceAccount/{ns}/{name}", want("impersonate serviceaccounts")),
        one(3, "IMPERSONATE_USER", "User//{name}", want("impersonate users")),
        one(
            4,
            "IMPERSONATE_GROUP",
            "Group//{name}",
            want("impersonate groups"),
            also("impersonate users,serviceaccounts"),
        ),
        one(
            5,
            "IMPERSONATE_ATTR",
            "Attribute//*",
            also("impersonate uids.authentication.k8s.io,userextras.authentication.k8s.io/*"),
            also("impersonate users,serviceaccounts"),
            confidence=CONDITION,
            precondition="an authorizer reads uids or extra attributes",
        ),
    ]
    if minor is None or minor >= 35:
        told = "on by default from 1.36; before, by feature gate" if minor is None or minor < 36 else ""
        for mode, resource, target in (
            ("user-info", "users", "User//{name}"),
            ("serviceaccount", "serviceaccounts", "ServiceAccount/{ns}/{name}"),
            ("arbitrary-node", "nodes", "User//{name}"),
        ):
            found.append(
                one(
                    6,
                    f"CONSTRAINED_IMP_{mode.replace('-', '_').upper()}",
                    target,
                    want(f"impersonate:{mode} {resource}.authentication.k8s.io"),
                    also(f"impersonate-on:{mode}:* *.*"),
                    confidence=CONDITION,
                    cost=2,
                    precondition="; ".join(filter(None, ("only the actions named by impersonate-on", told))),
                )
            )
        found.append(
            one(
                6,
                "CONSTRAINED_IMP_ASSOCIATED_NODE",
                "User//*",
                # The server asks for the name `*` itself: a rule without names, or one that lists it.
                also("impersonate:associated-node nodes.authentication.k8s.io", names=frozenset({"*"})),
                also("impersonate-on:associated-node:* *.*"),
                confidence=CONDITION,
                cost=2,
                precondition="; ".join(filter(None, ("a token bound to that node", told))),
            )
        )
    return found


def _roles() -> list[Technique]:
    roles, cluster_roles = f"roles.{RBAC}", f"clusterroles.{RBAC}"
    bindings = f"rolebindings.{RBAC}"
    return [
        one(
            7,
            "BIND_CLUSTER",
            "ClusterRole//{name}",
            also(f"create cluster{bindings}"),
            want(f"bind {cluster_roles}"),
            cluster=True,
        ),
        one(8, "BIND_NS_CLUSTERROLE", "ClusterRole//{name}", also(f"create {bindings}"), want(f"bind {cluster_roles}")),
        one(9, "BIND_NS_ROLE", "Role/{ns}/{name}", also(f"create {bindings}"), want(f"bind {roles}")),
        *ESCALATE.values(),
    ]


def _pods(minor: int | None) -> list[Technique]:
    # A WebSocket begins with a GET; from 1.35 on the server asks for create as well.
    verbs = "create" if minor is not None and minor >= 35 else "create,get"
    gate = "" if minor is None or minor < 35 else "feature AuthorizePodWebsocketUpgradeCreatePermission is on (default)"
    return [
        one(13, "POD_CREATE_SA", "ServiceAccount/{ns}/*", want("create pods"), cost=2, admission=True),
        one(14, "WORKLOAD_CREATE_SA", "ServiceAccount/{ns}/*", want(f"create {WORKLOADS}"), cost=2, admission=True),
        one(15, "WORKLOAD_UPDATE", "ServiceAccount/{ns}/*", also(f"update,patch {REWRITABLE}"), cost=3, admission=True),
        one(16, "POD_IMAGE_PATCH", "Pod/{ns}/{name}", want("update,patch pods"), cost=3, admission=True),
        one(17, "POD_EXEC", "Pod/{ns}/{name}", want(f"{verbs} pods/exec"), precondition=gate),
        one(18, "POD_ATTACH", "Pod/{ns}/{name}", want(f"{verbs} pods/attach"), cost=2, precondition=gate),
        one(19, "EPHEMERAL", "Pod/{ns}/{name}", want("update,patch pods/ephemeralcontainers"), cost=2, admission=True),
        one(20, "PORT_FORWARD", "PodNetwork/{ns}/{name}", want(f"{verbs} pods/portforward"), precondition=gate),
        one(
            21,
            "API_PROXY",
            "PodNetwork/{ns}/{name}",
            want("get,create,update,patch,delete pods/proxy,services/proxy"),
        ),
        one(
            25,
            "POD_LOG",
            "PodLog/{ns}/{name}",
            want("get pods/log"),
            confidence=CONDITION,
            precondition="the pod writes ePHI to its log",
        ),
        Technique(
            39,
            "STEAL_POD",
            "Pod/{ns}/*",
            (
                (
                    also("delete pods", "create pods/eviction"),
                    also("update,patch,delete nodes", "update,patch nodes/status"),
                ),
                (also("create pods/binding"),),
            ),
            confidence=CONDITION,
            cost=5,
            precondition="the attacker holds a node",
        ),
    ]


def _nodes() -> list[Technique]:
    return [
        one(22, "NODE_PROXY", "Node//{name}", want("get,create nodes/proxy")),
        one(23, "NODE_CHECKPOINT", "NodeMemory//{name}", want("create nodes/checkpoint"), cost=2),
        one(24, "NODE_LOG", "NodeLog//{name}", want("get nodes/log")),
        one(
            34,
            "PSA_RELABEL",
            "Node//*",
            also("update,patch namespaces"),
            also(*RUN),
            cost=3,
            pod_security="closed",
            admission=True,
        ),
        one(35, "PRIV_POD", "Node//*", also(*RUN), cost=2, pod_security="open", admission=True),
        one(
            36,
            "PV_HOSTPATH",
            "Node//*",
            also("create persistentvolumes"),
            also("create persistentvolumeclaims"),
            also("create pods"),
            cost=4,
            admission=True,
        ),
    ]


def _secrets(*, bootstrap: bool) -> list[Technique]:
    found = [
        one(26, "SECRET_READ", "Secret/{ns}/{name}", want("get,list,watch secrets")),
        one(
            27,
            "TOKEN_SECRET_MINT",
            "ServiceAccount/{ns}/*",
            also("create secrets"),
            also("get,list,watch secrets", "create pods"),
            cost=2,
        ),
    ]
    if bootstrap:
        found.append(one(28, "BOOTSTRAP_TOKEN", "Node//*", also("create secrets"), only_in="kube-system", cost=3))
    return found


def _control(trusted: frozenset[str]) -> list[Technique]:
    client, kubelet = frozenset({CLIENT_SIGNER, ALL_SIGNERS}), frozenset({KUBELET_SIGNER, ALL_SIGNERS})
    csr = f"certificatesigningrequests.{CERTIFICATES}"
    approve = (also(f"create {csr}"), also(f"update,patch {csr}/approval"))
    authority = "the certificate of the authority that signs is trusted"
    return [
        one(
            29,
            "CSR_APPROVE",
            "User//*",
            *approve,
            also(f"approve signers.{CERTIFICATES}", names=client),
            cost=2,
            precondition="a controller signs; system:masters is refused where CertificateSubjectRestriction is on",
        ),
        one(
            29,
            "CSR_APPROVE_NODE",
            "Node//*",
            *approve,
            also(f"approve signers.{CERTIFICATES}", names=kubelet),
            cost=3,
            precondition="a controller signs",
        ),
        one(
            30,
            "CSR_SIGN",
            "User//*",
            also(f"sign signers.{CERTIFICATES}", names=client),
            also(f"update,patch {csr}/status"),
            confidence=CONDITION,
            cost=4,
            precondition=authority,
        ),
        one(
            31,
            "WEBHOOK",
            "Workload/*/*",
            also(
                f"create,update,patch mutatingwebhookconfigurations.{ADMISSION}",
            ),
            cost=3,
        ),
        one(
            31,
            "WEBHOOK_READ",
            "AdmittedSecret/*/*",
            also(
                f"create,update,patch validatingwebhookconfigurations.{ADMISSION}",
                f"create,update,patch mutatingwebhookconfigurations.{ADMISSION}",
            ),
            cost=3,
        ),
        one(
            32,
            "MUTATING_POLICY",
            "Workload/*/*",
            also(f"create,update mutatingadmissionpolicies.{ADMISSION}"),
            also(f"create,update mutatingadmissionpolicybindings.{ADMISSION}"),
            confidence=CONDITION,
            cost=3,
            precondition="the server serves MutatingAdmissionPolicy",
        ),
        one(
            33,
            "APISERVICE",
            "Credentials//*",
            also("create,update,patch apiservices.apiregistration.k8s.io"),
            cost=4,
        ),
        one(
            33,
            "CRD_CONVERSION",
            "CustomResources//*",
            also("update,patch customresourcedefinitions.apiextensions.k8s.io"),
            cost=4,
        ),
        one(
            44,
            "TRUST_CM",
            "Cluster//*",
            also("update,patch configmaps", names=trusted),
            only_in="kube-system",
            confidence=CONDITION,
            cost=3,
            precondition="the cluster takes its trust from one of these ConfigMaps",
        ),
    ]


def _storage() -> list[Technique]:
    return [
        one(
            37,
            "PV_REBIND",
            "PersistentVolume//{name}",
            want("update,patch persistentvolumes"),
            confidence=CONDITION,
            cost=5,
            precondition="the volume is bound to a claim that a pod of the subject's can mount",
        ),
        one(
            37,
            "SNAPSHOT_COPY",
            "PersistentVolumeClaim/{ns}/*",
            also("create volumesnapshots.snapshot.storage.k8s.io"),
            also("create persistentvolumeclaims"),
            also("create pods"),
            confidence=CONDITION,
            cost=4,
            precondition="the storage driver makes snapshots",
        ),
        one(38, "PVC_MOUNT", "PersistentVolumeClaim/{ns}/*", also(*RUN), cost=2, admission=True),
    ]


def _network() -> list[Technique]:
    told = "a selector of a policy or a Service reads the label"
    return [
        Technique(
            40,
            "LABEL_BYPASS",
            "PodNetwork/{ns}/*",
            ((also("update,patch pods"),), (also("update,patch namespaces"),)),
            confidence=CONDITION,
            cost=3,
            precondition=told,
        ),
        one(
            41,
            "NETPOL_WRITE",
            "PodNetwork/{ns}/*",
            also("create,update,patch,delete networkpolicies.networking.k8s.io"),
            cost=2,
        ),
        one(
            42,
            "EXPOSE",
            "Exposure/{ns}/*",
            also(
                "create,update,patch services,ingresses.networking.k8s.io,httproutes.gateway.networking.k8s.io,"
                "gateways.gateway.networking.k8s.io"
            ),
            confidence=CONDITION,
            cost=3,
            precondition="a load balancer, node port or gateway can be reached from outside",
        ),
        one(
            43,
            "INTERCEPT",
            "Traffic/{ns}/*",
            also(
                "create,update,patch endpoints,endpointslices.discovery.k8s.io,services",
                "update,patch services/status",
            ),
            confidence=CONDITION,
            cost=4,
            precondition="traffic is not authenticated end to end",
        ),
        one(
            43,
            "INTERCEPT_DNS",
            "Traffic/*/*",
            also("update,patch configmaps", names=frozenset({"coredns"})),
            only_in="kube-system",
            confidence=CONDITION,
            cost=4,
            precondition="traffic is not authenticated end to end",
        ),
    ]


ESCALATE: Final = {
    "Role": one(
        11,
        "ESCALATE_ROLE",
        "Namespace/{ns}/*",
        want(f"update,patch roles.{RBAC}"),
        want(f"escalate roles.{RBAC}"),
        bound=True,
    ),
    "ClusterRole": one(
        12,
        "ESCALATE_CLUSTERROLE",
        "Cluster//*",
        want(f"update,patch clusterroles.{RBAC}"),
        want(f"escalate clusterroles.{RBAC}"),
        bound=True,
    ),
}
"""Writing a role beyond what one holds, by kind of role; how the role comes to be one's own is looked at apart."""

MAKE_ROLE: Final = one(11, "MAKE_ROLE", "", also(f"create roles.{RBAC},clusterroles.{RBAC}"))
"""Part of the two above: a role that is made anew."""

JOIN: Final = one(
    10,
    "JOIN_BINDING",
    "",
    also(f"update,patch rolebindings.{RBAC},clusterrolebindings.{RBAC}"),
    also(f"bind clusterroles.{RBAC},roles.{RBAC}"),
    cost=2,
)
"""Adding oneself to a role binding that is there; which one, and whether its role may be bound, is looked at apart."""
