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


def _kinds(group: str, namespaced: bool, names: str) -> list[Kind]:
    return [Kind(group, kind, resource, namespaced) for kind, resource in (name.split(":") for name in names.split())]


BUILT_IN: Final = tuple(
    _kinds(
        "",
        True,
        "ConfigMap:configmaps Endpoints:endpoints Event:events LimitRange:limitranges "
        "PersistentVolumeClaim:persistentvolumeclaims Pod:pods PodTemplate:podtemplates "
        "ReplicationController:replicationcontrollers ResourceQuota:resourcequotas Secret:secrets "
        "Service:services ServiceAccount:serviceaccounts",
    )
    + _kinds(
        "",
        False,
        "ComponentStatus:componentstatuses Namespace:namespaces Node:nodes PersistentVolume:persistentvolumes",
    )
    + _kinds(
        "admissionregistration.k8s.io",
        False,
        "MutatingAdmissionPolicy:mutatingadmissionpolicies "
        "MutatingAdmissionPolicyBinding:mutatingadmissionpolicybindings "
        "MutatingWebhookConfiguration:mutatingwebhookconfigurations "
        "ValidatingAdmissionPolicy:validatingadmissionpolicies "
        "ValidatingAdmissionPolicyBinding:validatingadmissionpolicybindings "
        "ValidatingWebhookConfiguration:validatingwebhookconfigurations",
    )
    + _kinds("apiextensions.k8s.io", False, "CustomResourceDefinition:customresourcedefinitions")
    + _kinds("apiregistration.k8s.io", False, "APIService:apiservices")
    + _kinds(
        "apps",
        True,
        "ControllerRevision:controllerrevisions DaemonSet:daemonsets Deployment:deployments "
        "ReplicaSet:replicasets StatefulSet:statefulsets",
    )
    + _kinds("autoscaling", True, "HorizontalPodAutoscaler:horizontalpodautoscalers")
    + _kinds("batch", True, "CronJob:cronjobs Job:jobs")
    + _kinds(
        "certificates.k8s.io",
        False,
        "CertificateSigningRequest:certificatesigningrequests ClusterTrustBundle:clustertrustbundles",
    )
    + _kinds("certificates.k8s.io", True, "PodCertificateRequest:podcertificaterequests")
    + _kinds("coordination.k8s.io", True, "Lease:leases LeaseCandidate:leasecandidates")
    + _kinds("discovery.k8s.io", True, "EndpointSlice:endpointslices")
    + _kinds(
        "flowcontrol.apiserver.k8s.io",
        False,
        "FlowSchema:flowschemas PriorityLevelConfiguration:prioritylevelconfigurations",
    )
    + _kinds("internal.apiserver.k8s.io", False, "StorageVersion:storageversions")
    + _kinds("lifecycle.k8s.io", True, "Eviction:evictions EvictionRequest:evictionrequests")
    + _kinds("networking.k8s.io", True, "Ingress:ingresses NetworkPolicy:networkpolicies")
    + _kinds(
        "networking.k8s.io",
        False,
        "ClusterCIDR:clustercidrs IPAddress:ipaddresses IngressClass:ingressclasses ServiceCIDR:servicecidrs",
    )
    + _kinds("node.k8s.io", False, "RuntimeClass:runtimeclasses")
    + _kinds("policy", True, "PodDisruptionBudget:poddisruptionbudgets")
    + _kinds("policy", False, "PodSecurityPolicy:podsecuritypolicies")
    + _kinds(
        "policy.networking.k8s.io",
        False,
        "AdminNetworkPolicy:adminnetworkpolicies BaselineAdminNetworkPolicy:baselineadminnetworkpolicies "
        "ClusterNetworkPolicy:clusternetworkpolicies",
    )
    + _kinds("rbac.authorization.k8s.io", True, "Role:roles RoleBinding:rolebindings")
    + _kinds("rbac.authorization.k8s.io", False, "ClusterRole:clusterroles ClusterRoleBinding:clusterrolebindings")
    + _kinds(
        "resource.k8s.io",
        True,
        "PodScheduling:podschedulings PodSchedulingContext:podschedulingcontexts ResourceClaim:resourceclaims "
        "ResourceClaimParameters:resourceclaimparameters ResourceClaimTemplate:resourceclaimtemplates "
        "ResourceClassParameters:resourceclassparameters",
    )
    + _kinds(
        "resource.k8s.io",
        False,
        "DeviceClass:deviceclasses DeviceTaintRule:devicetaintrules ResourceClass:resourceclasses "
        "ResourcePoolStatusRequest:resourcepoolstatusrequests ResourceSlice:resourceslices",
    )
    + _kinds("scheduling.k8s.io", False, "PriorityClass:priorityclasses")
    + _kinds(
        "scheduling.k8s.io",
        True,
        "CompositePodGroup:compositepodgroups PodGroup:podgroups Workload:workloads",
    )
    + _kinds("snapshot.storage.k8s.io", True, "VolumeSnapshot:volumesnapshots")
    + _kinds(
        "snapshot.storage.k8s.io",
        False,
        "VolumeSnapshotClass:volumesnapshotclasses VolumeSnapshotContent:volumesnapshotcontents",
    )
    + _kinds("storage.k8s.io", True, "CSIStorageCapacity:csistoragecapacities")
    + _kinds(
        "storage.k8s.io",
        False,
        "CSIDriver:csidrivers CSINode:csinodes StorageClass:storageclasses VolumeAttachment:volumeattachments "
        "VolumeAttributesClass:volumeattributesclasses",
    )
    + _kinds("storagemigration.k8s.io", False, "StorageVersionMigration:storageversionmigrations")
)
"""Every kind that a stock cluster can serve, and the policy and snapshot kinds that come as custom resources."""

BACKUP: Final = tuple(
    _kinds(
        "velero.io",
        True,
        "Backup:backups BackupStorageLocation:backupstoragelocations DataUpload:datauploads "
        "PodVolumeBackup:podvolumebackups Restore:restores Schedule:schedules "
        "VolumeSnapshotLocation:volumesnapshotlocations",
    )
    + _kinds("volsync.backube", True, "ReplicationSource:replicationsources")
    + _kinds("config.kio.kasten.io", True, "Policy:policies Profile:profiles")
    + _kinds("longhorn.io", True, "Backup:backups BackupTarget:backuptargets RecurringJob:recurringjobs Volume:volumes")
    + _kinds("k8up.io", True, "Backup:backups Restore:restores Schedule:schedules")
    + _kinds("postgresql.cnpg.io", True, "Backup:backups Cluster:clusters ScheduledBackup:scheduledbackups")
    + _kinds("barmancloud.cnpg.io", True, "ObjectStore:objectstores")
    + _kinds("acid.zalan.do", True, "postgresql:postgresqls")
    + _kinds("postgres-operator.crunchydata.com", True, "PostgresCluster:postgresclusters")
    + _kinds("pgv2.percona.com", True, "PerconaPGBackup:perconapgbackups PerconaPGCluster:perconapgclusters")
    + _kinds(
        "psmdb.percona.com",
        True,
        "PerconaServerMongoDB:perconaservermongodbs PerconaServerMongoDBBackup:perconaservermongodbbackups",
    )
    + _kinds(
        "pxc.percona.com",
        True,
        "PerconaXtraDBCluster:perconaxtradbclusters PerconaXtraDBClusterBackup:perconaxtradbclusterbackups",
    )
    + _kinds("k3s.cattle.io", False, "ETCDSnapshotFile:etcdsnapshotfiles")
    + _kinds("argoproj.io", True, "Application:applications")
    + _kinds("kustomize.toolkit.fluxcd.io", True, "Kustomization:kustomizations")
)
"""Kinds of tools that copy data, and of those that keep a cluster's declarations; all come as custom resources.

Sources: https://velero.io/docs/main/api-types/, https://volsync.readthedocs.io/en/stable/usage/,
https://docs.kasten.io/latest/api/, https://longhorn.io/docs/latest/references/,
https://docs.k8up.io/k8up/references/api-reference.html, https://cloudnative-pg.io/documentation/current/,
https://postgres-operator.readthedocs.io/, https://access.crunchydata.com/documentation/postgres-operator/,
https://docs.percona.com/percona-operators/, https://docs.k3s.io/cli/etcd-snapshot,
https://argo-cd.readthedocs.io/, https://fluxcd.io/flux/components/kustomize/.
"""

CUSTOM: Final = BACKUP
"""Kinds that tables read, and that a cluster serves only where a CustomResourceDefinition defines them."""

_BY_KIND: Final = {(kind.group, kind.kind): kind for kind in BUILT_IN}
_CUSTOM_BY_KIND: Final = {(kind.group, kind.kind): kind for kind in CUSTOM}
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


def find_custom(group: str, kind: str) -> Kind | None:
    """Return the kind of that name among those that tables read as custom resources, or None."""
    return _CUSTOM_BY_KIND.get((group, kind))


def find_resource(group: str, resource: str) -> Kind | None:
    """Return the built-in kind with that plural name, or None where there is none."""
    return _BY_RESOURCE.get((group, resource))


def group_of(api_version: str) -> str:
    """Return the API group of an `apiVersion`: `""` for `v1`, `apps` for `apps/v1`."""
    return api_version.rpartition("/")[0]


def canonical_group(group: str, kind: str) -> tuple[str, str]:
    """Return (group, kind) as served today, for kinds that have moved between groups."""
    return _MOVED.get((group, kind), group), kind


def _known(group: str, kind: str) -> Kind:
    return _BY_KIND.get((group, kind)) or _CUSTOM_BY_KIND[group, kind]


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
