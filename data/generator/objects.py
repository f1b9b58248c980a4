"""Identity and metadata of Kubernetes objects, made without a clock and without chance.

Every uid, name suffix, time of day and resource version follows from the name of its object, so a fault
changes the objects it touches and no other.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, NamedTuple

Object = dict[str, Any]

COLLECTED_AT = "2026-11-20T02:00:00Z"
SERVER_VERSION = "v1.35.8"
LIST_VERSION = 48_210_377
SEED = uuid.uuid5(uuid.NAMESPACE_DNS, "clinic.example")
# The letters Kubernetes draws name suffixes from: no vowels, no look-alikes.
# Source: https://github.com/kubernetes/apimachinery/blob/master/pkg/util/rand/rand.go
ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


class Kind(NamedTuple):
    """One kind of object: where the API serves it and what its plural is."""

    group: str
    version: str
    plural: str
    name: str

    @property
    def api_version(self) -> str:
        """`v1` or `group/version`, as written in an object."""
        return f"{self.group}/{self.version}" if self.group else self.version


def _kinds() -> Iterator[Kind]:
    """Read the kinds off lines of `group/version: plural=Kind …`."""
    for line in KINDS_SERVED.strip().splitlines():
        served, _, resources = line.partition(": ")
        group, _, version = served.rpartition("/")
        for resource in resources.split():
            plural, _, name = resource.partition("=")
            yield Kind(group, version, plural, name)


# What a stock 1.35 server lists, without Secrets and ConfigMaps (never asked for), without the second
# name of events (events.k8s.io), and with the custom resources of this hospital.
KINDS_SERVED = """
v1: componentstatuses=ComponentStatus endpoints=Endpoints events=Event
v1: limitranges=LimitRange namespaces=Namespace nodes=Node
v1: persistentvolumeclaims=PersistentVolumeClaim persistentvolumes=PersistentVolume pods=Pod
v1: podtemplates=PodTemplate replicationcontrollers=ReplicationController resourcequotas=ResourceQuota
v1: serviceaccounts=ServiceAccount services=Service
admissionregistration.k8s.io/v1: mutatingwebhookconfigurations=MutatingWebhookConfiguration
admissionregistration.k8s.io/v1: validatingwebhookconfigurations=ValidatingWebhookConfiguration
admissionregistration.k8s.io/v1: validatingadmissionpolicies=ValidatingAdmissionPolicy
admissionregistration.k8s.io/v1: validatingadmissionpolicybindings=ValidatingAdmissionPolicyBinding
apiextensions.k8s.io/v1: customresourcedefinitions=CustomResourceDefinition
apiregistration.k8s.io/v1: apiservices=APIService
apps/v1: controllerrevisions=ControllerRevision daemonsets=DaemonSet deployments=Deployment
apps/v1: replicasets=ReplicaSet statefulsets=StatefulSet
autoscaling/v2: horizontalpodautoscalers=HorizontalPodAutoscaler
batch/v1: cronjobs=CronJob jobs=Job
certificates.k8s.io/v1: certificatesigningrequests=CertificateSigningRequest
coordination.k8s.io/v1: leases=Lease
discovery.k8s.io/v1: endpointslices=EndpointSlice
flowcontrol.apiserver.k8s.io/v1: flowschemas=FlowSchema
flowcontrol.apiserver.k8s.io/v1: prioritylevelconfigurations=PriorityLevelConfiguration
networking.k8s.io/v1: ingressclasses=IngressClass ingresses=Ingress ipaddresses=IPAddress
networking.k8s.io/v1: networkpolicies=NetworkPolicy servicecidrs=ServiceCIDR
node.k8s.io/v1: runtimeclasses=RuntimeClass
policy/v1: poddisruptionbudgets=PodDisruptionBudget
rbac.authorization.k8s.io/v1: clusterrolebindings=ClusterRoleBinding clusterroles=ClusterRole
rbac.authorization.k8s.io/v1: rolebindings=RoleBinding roles=Role
resource.k8s.io/v1: deviceclasses=DeviceClass resourceclaims=ResourceClaim
resource.k8s.io/v1: resourceclaimtemplates=ResourceClaimTemplate resourceslices=ResourceSlice
scheduling.k8s.io/v1: priorityclasses=PriorityClass
storage.k8s.io/v1: csidrivers=CSIDriver csinodes=CSINode csistoragecapacities=CSIStorageCapacity
storage.k8s.io/v1: storageclasses=StorageClass volumeattachments=VolumeAttachment
storage.k8s.io/v1: volumeattributesclasses=VolumeAttributesClass
cert-manager.io/v1: certificates=Certificate clusterissuers=ClusterIssuer
argoproj.io/v1alpha1: applications=Application
cilium.io/v2: ciliumnetworkpolicies=CiliumNetworkPolicy ciliumnodes=CiliumNode
cilium.io/v1alpha1: tracingpolicies=TracingPolicy
external-secrets.io/v1: clustersecretstores=ClusterSecretStore externalsecrets=ExternalSecret
policy.sigstore.dev/v1beta1: clusterimagepolicies=ClusterImagePolicy
snapshot.storage.k8s.io/v1: volumesnapshotclasses=VolumeSnapshotClass
snapshot.storage.k8s.io/v1: volumesnapshotcontents=VolumeSnapshotContent volumesnapshots=VolumeSnapshot
monitoring.coreos.com/v1: alertmanagers=Alertmanager podmonitors=PodMonitor probes=Probe prometheuses=Prometheus
monitoring.coreos.com/v1: prometheusrules=PrometheusRule servicemonitors=ServiceMonitor thanosrulers=ThanosRuler
monitoring.coreos.com/v1alpha1: alertmanagerconfigs=AlertmanagerConfig prometheusagents=PrometheusAgent
monitoring.coreos.com/v1alpha1: scrapeconfigs=ScrapeConfig
velero.io/v1: backups=Backup backupstoragelocations=BackupStorageLocation podvolumebackups=PodVolumeBackup
velero.io/v1: podvolumerestores=PodVolumeRestore restores=Restore schedules=Schedule
velero.io/v1: volumesnapshotlocations=VolumeSnapshotLocation
velero.io/v2alpha1: datauploads=DataUpload
aquasecurity.github.io/v1alpha1: clusterinfraassessmentreports=ClusterInfraAssessmentReport
aquasecurity.github.io/v1alpha1: configauditreports=ConfigAuditReport exposedsecretreports=ExposedSecretReport
aquasecurity.github.io/v1alpha1: sbomreports=SbomReport vulnerabilityreports=VulnerabilityReport
"""
# Asked for as well, and answered with an error: the server has no such types.
NOT_SERVED = (
    Kind("policy.networking.k8s.io", "v1alpha1", "adminnetworkpolicies", "AdminNetworkPolicy"),
    Kind("policy.networking.k8s.io", "v1alpha1", "baselineadminnetworkpolicies", "BaselineAdminNetworkPolicy"),
)
KINDS = {kind.name: kind for kind in _kinds()}


def digest(*parts: str) -> int:
    """Return a number that follows from the parts alone."""
    return int.from_bytes(sha256("/".join(parts).encode()).digest()[:8])


def suffix(length: int, *parts: str) -> str:
    """Return a name suffix as Kubernetes would draw it, the same one every time."""
    number = digest("suffix", *parts)
    letters = []
    for _ in range(length):
        number, rest = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[rest])
    return "".join(letters)


def uid(kind: str, namespace: str, name: str) -> str:
    """Return the uid of one object."""
    return str(uuid.uuid5(SEED, f"{kind}/{namespace}/{name}"))


def image_digest(image: str) -> str:
    """Return the digest under which a registry would know the image."""
    return "sha256:" + sha256(image.encode()).hexdigest()


def moment(day: str, *parts: str, after: int = 0) -> str:
    """Return a time on that day (`2026-11-04`), `after` seconds later than its parts alone would give."""
    second = digest("moment", *parts) % 80_000 + after
    return f"{day}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"


def owner(kind: str, namespace: str, name: str, *, block: bool = True) -> Object:
    """Return the reference by which an object names the controller that owns it."""
    reference: Object = {
        "apiVersion": KINDS[kind].api_version,
        "kind": kind,
        "name": name,
        "uid": uid(kind, namespace, name),
        "controller": True,
    }
    return reference | ({"blockOwnerDeletion": True} if block else {})


@dataclass
class Cluster:
    """The objects of one cluster, by kind, namespace and name."""

    objects: dict[tuple[str, str, str], Object] = field(default_factory=dict)

    def add(
        self,
        kind: str,
        namespace: str,
        name: str,
        content: Object,
        *,
        created: str,
        labels: dict[str, str] | None = None,
        annotations: dict[str, str] | None = None,
        owned_by: Object | None = None,
        **metadata: Any,
    ) -> Object:
        """Add one object; `content` is all of it but its metadata."""
        key = (kind, namespace, name)
        if key in self.objects:
            raise ValueError(f"two objects are called {kind}/{namespace}/{name}; rename one of them")
        described: Object = {
            "name": name,
            "uid": uid(*key),
            "resourceVersion": str(1_000_000 + digest("version", *key) % (LIST_VERSION - 1_000_000)),
            "creationTimestamp": created,
        }
        optional: Object = {
            "namespace": namespace,
            "labels": labels,
            "annotations": annotations,
            "ownerReferences": [owned_by] if owned_by else None,
            **metadata,
        }
        described |= {key: value for key, value in optional.items() if value}
        self.objects[key] = {"metadata": described, **content}
        return self.objects[key]

    def of(self, kind: str, namespace: str | None = None) -> list[Object]:
        """Return the objects of one kind, in one namespace or in all, by namespace and name."""
        return [
            self.objects[key]
            for key in sorted(self.objects)
            if key[0] == kind and (namespace is None or key[1] == namespace)
        ]
