"""The kinds that Kubernetes itself serves: group, name in the API, and whether they live in namespaces.

Source: the API reference of Kubernetes 1.24 to 1.37, https://kubernetes.io/docs/reference/kubernetes-api/,
with the kinds that were removed in between (https://kubernetes.io/docs/reference/using-api/deprecation-guide/),
and the sig-network and sig-storage APIs that are installed as custom resources almost everywhere.
Kinds that only answer a question, such as SubjectAccessReview, hold no objects and are not listed.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Kind(NamedTuple):
    """One kind of object: its API group (`""` is core), kind, plural resource name, and place."""

    group: str
    kind: str
    resource: str
    namespaced: bool


def kinds_of(group: str, namespaced: bool, names: str) -> list[Kind]:
    """Return the kinds of one group, from words of `Kind:plural`."""
    return [Kind(group, kind, resource, namespaced) for kind, resource in (name.split(":") for name in names.split())]


BUILT_IN: Final = tuple(
    kinds_of(
        "",
        True,
        "ConfigMap:configmaps Endpoints:endpoints Event:events LimitRange:limitranges "
        "PersistentVolumeClaim:persistentvolumeclaims Pod:pods PodTemplate:podtemplates "
        "ReplicationController:replicationcontrollers ResourceQuota:resourcequotas Secret:secrets "
        "Service:services ServiceAccount:serviceaccounts",
    )
    + kinds_of(
        "",
        False,
        "ComponentStatus:componentstatuses Namespace:namespaces Node:nodes PersistentVolume:persistentvolumes",
    )
    + kinds_of(
        "admissionregistration.k8s.io",
        False,
        "MutatingAdmissionPolicy:mutatingadmissionpolicies "
        "MutatingAdmissionPolicyBinding:mutatingadmissionpolicybindings "
        "MutatingWebhookConfiguration:mutatingwebhookconfigurations "
        "ValidatingAdmissionPolicy:validatingadmissionpolicies "
        "ValidatingAdmissionPolicyBinding:validatingadmissionpolicybindings "
        "ValidatingWebhookConfiguration:validatingwebhookconfigurations",
    )
    + kinds_of("apiextensions.k8s.io", False, "CustomResourceDefinition:customresourcedefinitions")
    + kinds_of("apiregistration.k8s.io", False, "APIService:apiservices")
    + kinds_of(
        "apps",
        True,
        "ControllerRevision:controllerrevisions DaemonSet:daemonsets Deployment:deployments "
        "ReplicaSet:replicasets StatefulSet:statefulsets",
    )
    + kinds_of("autoscaling", True, "HorizontalPodAutoscaler:horizontalpodautoscalers")
    + kinds_of("batch", True, "CronJob:cronjobs Job:jobs")
    + kinds_of(
        "certificates.k8s.io",
        False,
        "CertificateSigningRequest:certificatesigningrequests ClusterTrustBundle:clustertrustbundles",
    )
    + kinds_of("certificates.k8s.io", True, "PodCertificateRequest:podcertificaterequests")
    + kinds_of("coordination.k8s.io", True, "Lease:leases LeaseCandidate:leasecandidates")
    + kinds_of("discovery.k8s.io", True, "EndpointSlice:endpointslices")
    + kinds_of(
        "flowcontrol.apiserver.k8s.io",
        False,
        "FlowSchema:flowschemas PriorityLevelConfiguration:prioritylevelconfigurations",
    )
    + kinds_of("internal.apiserver.k8s.io", False, "StorageVersion:storageversions")
    + kinds_of("lifecycle.k8s.io", True, "Eviction:evictions EvictionRequest:evictionrequests")
    + kinds_of("networking.k8s.io", True, "Ingress:ingresses NetworkPolicy:networkpolicies")
    + kinds_of(
        "networking.k8s.io",
        False,
        "ClusterCIDR:clustercidrs IPAddress:ipaddresses IngressClass:ingressclasses ServiceCIDR:servicecidrs",
    )
    + kinds_of("node.k8s.io", False, "RuntimeClass:runtimeclasses")
    + kinds_of("policy", True, "PodDisruptionBudget:poddisruptionbudgets")
    + kinds_of("policy", False, "PodSecurityPolicy:podsecuritypolicies")
    + kinds_of(
        "policy.networking.k8s.io",
        False,
        "AdminNetworkPolicy:adminnetworkpolicies BaselineAdminNetworkPolicy:baselineadminnetworkpolicies "
        "ClusterNetworkPolicy:clusternetworkpolicies",
    )
    + kinds_of("rbac.authorization.k8s.io", True, "Role:roles RoleBinding:rolebindings")
    + kinds_of("rbac.authorization.k8s.io", False, "ClusterRole:clusterroles ClusterRoleBinding:clusterrolebindings")
    + kinds_of(
        "resource.k8s.io",
        True,
        "PodScheduling:podschedulings PodSchedulingContext:podschedulingcontexts ResourceClaim:resourceclaims "
        "ResourceClaimParameters:resourceclaimparameters ResourceClaimTemplate:resourceclaimtemplates "
        "ResourceClassParameters:resourceclassparameters",
    )
    + kinds_of(
        "resource.k8s.io",
        False,
        "DeviceClass:deviceclasses DeviceTaintRule:devicetaintrules ResourceClass:resourceclasses "
        "ResourcePoolStatusRequest:resourcepoolstatusrequests ResourceSlice:resourceslices",
    )
    + kinds_of("scheduling.k8s.io", False, "PriorityClass:priorityclasses")
    + kinds_of(
        "scheduling.k8s.io",
        True,
        "CompositePodGroup:compositepodgroups PodGroup:podgroups Workload:workloads",
    )
    + kinds_of("snapshot.storage.k8s.io", True, "VolumeSnapshot:volumesnapshots")
    + kinds_of(
        "snapshot.storage.k8s.io",
        False,
        "VolumeSnapshotClass:volumesnapshotclasses VolumeSnapshotContent:volumesnapshotcontents",
    )
    + kinds_of("storage.k8s.io", True, "CSIStorageCapacity:csistoragecapacities")
    + kinds_of(
        "storage.k8s.io",
        False,
        "CSIDriver:csidrivers CSINode:csinodes StorageClass:storageclasses VolumeAttachment:volumeattachments "
        "VolumeAttributesClass:volumeattributesclasses",
    )
    + kinds_of("storagemigration.k8s.io", False, "StorageVersionMigration:storageversionmigrations")
)
"""Every kind that a stock cluster can serve, and the policy and snapshot kinds that come as custom resources."""

_BY_KIND: Final = {(kind.group, kind.kind): kind for kind in BUILT_IN}
_BY_RESOURCE: Final = {(kind.group, kind.resource): kind for kind in BUILT_IN}

_MOVED: Final = {
    ("extensions", "DaemonSet"): "apps",
    ("extensions", "Deployment"): "apps",
    ("extensions", "HorizontalPodAutoscaler"): "autoscaling",
    ("extensions", "Ingress"): "networking.k8s.io",
    ("extensions", "Job"): "batch",
    ("extensions", "NetworkPolicy"): "networking.k8s.io",
    ("extensions", "PodSecurityPolicy"): "policy",
    ("extensions", "ReplicaSet"): "apps",
    ("events.k8s.io", "Event"): "",
}
"""Kinds that are served, or were served, by a second group: the same objects under another name.

Source: https://kubernetes.io/docs/reference/using-api/deprecation-guide/. Only the name is the same: an
Event of `events.k8s.io` has `note` and `regarding` where a core one has `message` and `involvedObject`.
"""


def find(group: str, kind: str) -> Kind | None:
    """Return the built-in kind of that name, or None where there is none."""
    return _BY_KIND.get((group, kind))


def find_resource(group: str, resource: str) -> Kind | None:
    """Return the built-in kind with that plural name, or None where there is none."""
    return _BY_RESOURCE.get((group, resource))


def group_of(api_version: str) -> str:
    """Return the API group of an `apiVersion`: `""` for `v1`, `apps` for `apps/v1`."""
    return api_version.rpartition("/")[0]


def canonical_group(group: str, kind: str) -> tuple[str, str]:
    """Return (group, kind) as served today, for kinds that have moved between groups."""
    return _MOVED.get((group, kind), group), kind


def moved() -> list[Kind]:
    """Return the kinds that have moved, as they stood in their earlier groups."""
    now = [(group, _BY_KIND[later, kind]) for (group, kind), later in _MOVED.items()]
    return [each._replace(group=group) for group, each in now]


def _known(group: str, kind: str) -> Kind:
    return _BY_KIND[group, kind]


CONFIG_MAP: Final = _known("", "ConfigMap")
ENDPOINTS: Final = _known("", "Endpoints")
EVENT: Final = _known("", "Event")
LIMIT_RANGE: Final = _known("", "LimitRange")
NAMESPACE: Final = _known("", "Namespace")
NODE: Final = _known("", "Node")
PERSISTENT_VOLUME: Final = _known("", "PersistentVolume")
PERSISTENT_VOLUME_CLAIM: Final = _known("", "PersistentVolumeClaim")
POD: Final = _known("", "Pod")
REPLICATION_CONTROLLER: Final = _known("", "ReplicationController")
RESOURCE_QUOTA: Final = _known("", "ResourceQuota")
SECRET: Final = _known("", "Secret")
SERVICE: Final = _known("", "Service")
SERVICE_ACCOUNT: Final = _known("", "ServiceAccount")
API_SERVICE: Final = _known("apiregistration.k8s.io", "APIService")
CUSTOM_RESOURCE_DEFINITION: Final = _known("apiextensions.k8s.io", "CustomResourceDefinition")
DAEMON_SET: Final = _known("apps", "DaemonSet")
DEPLOYMENT: Final = _known("apps", "Deployment")
REPLICA_SET: Final = _known("apps", "ReplicaSet")
STATEFUL_SET: Final = _known("apps", "StatefulSet")
HORIZONTAL_POD_AUTOSCALER: Final = _known("autoscaling", "HorizontalPodAutoscaler")
CRON_JOB: Final = _known("batch", "CronJob")
JOB: Final = _known("batch", "Job")
LEASE: Final = _known("coordination.k8s.io", "Lease")
ENDPOINT_SLICE: Final = _known("discovery.k8s.io", "EndpointSlice")
INGRESS: Final = _known("networking.k8s.io", "Ingress")
INGRESS_CLASS: Final = _known("networking.k8s.io", "IngressClass")
NETWORK_POLICY: Final = _known("networking.k8s.io", "NetworkPolicy")
POD_DISRUPTION_BUDGET: Final = _known("policy", "PodDisruptionBudget")
CLUSTER_ROLE: Final = _known("rbac.authorization.k8s.io", "ClusterRole")
CLUSTER_ROLE_BINDING: Final = _known("rbac.authorization.k8s.io", "ClusterRoleBinding")
ROLE: Final = _known("rbac.authorization.k8s.io", "Role")
ROLE_BINDING: Final = _known("rbac.authorization.k8s.io", "RoleBinding")
PRIORITY_CLASS: Final = _known("scheduling.k8s.io", "PriorityClass")
STORAGE_CLASS: Final = _known("storage.k8s.io", "StorageClass")
VOLUME_SNAPSHOT: Final = _known("snapshot.storage.k8s.io", "VolumeSnapshot")
VOLUME_SNAPSHOT_CLASS: Final = _known("snapshot.storage.k8s.io", "VolumeSnapshotClass")
VOLUME_SNAPSHOT_CONTENT: Final = _known("snapshot.storage.k8s.io", "VolumeSnapshotContent")
