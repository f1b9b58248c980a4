"""Shapes of objects that come by the thousand: what of them is their own, and what they share with others.

A field is one of

- a word: a text that may pass where it is clean, most often the object's own, such as its uid or an address;
- a number, which passes;
- an inner shape, or a list of them;
- a piece: anything else, as the bytes it was written in. Objects share most of their pieces.

What a shape does not name, or names with another type, makes an object one for the exact way. Fields are in
the order of the alphabet, so that a shape is written as canonical JSON. Sources: ObjectMeta, PodSpec and
PodStatus of https://kubernetes.io/docs/reference/kubernetes-api/, Kubernetes 1.24 to 1.37.
"""

from __future__ import annotations

from types import GenericAlias
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

from hipaa_kit.sources import molds


def _shape(name: str, *, words: str = "", numbers: str = "", pieces: str = "", **inner: Any) -> Any:
    """Return a shape; every field may be missing, and a word may be null."""
    fields: dict[str, Any] = dict.fromkeys(words.split(), str | None) | dict.fromkeys(numbers.split(), int)
    fields |= dict.fromkeys(pieces.split(), Raw) | inner
    declared = [(field, kind | UnsetType, UNSET) for field, kind in sorted(fields.items())]
    return msgspec.defstruct(name, declared, forbid_unknown_fields=True, module=__name__, gc=False)


def _listed(shape: Any) -> Any:
    """Return what says of a field that it holds a list of some shape."""
    return GenericAlias(list, (shape,))


WRITER: Final = _shape("Writer", words="manager operation subresource time apiVersion fieldsType", pieces="fieldsV1")
"""An entry of `metadata.managedFields`."""

METADATA: Final = _shape(
    "Metadata",
    words="creationTimestamp generateName name namespace resourceVersion uid",
    pieces="annotations deletionGracePeriodSeconds deletionTimestamp finalizers generation labels ownerReferences "
    "selfLink",
    managedFields=_listed(WRITER),
)

POD_SPEC: Final = _shape(
    "PodSpec",
    words="hostname nodeName",
    pieces="""
    activeDeadlineSeconds affinity automountServiceAccountToken dnsConfig dnsPolicy enableServiceLinks
    evictionResponders hostAliases hostIPC hostNetwork hostPID hostUsers hostnameOverride imagePullSecrets
    nodeSelector os overhead preemptionPolicy priority priorityClassName readinessGates resourceClaims resources
    restartPolicy runtimeClassName schedulerName schedulingGates schedulingGroup securityContext serviceAccount
    serviceAccountName setHostnameAsFQDN shareProcessNamespace subdomain terminationGracePeriodSeconds tolerations
    topologySpreadConstraints
    """,
    containers=list[Raw],
    ephemeralContainers=list[Raw],
    initContainers=list[Raw],
    volumes=list[Raw],
)

CONDITION: Final = _shape(
    "Condition",
    words="lastProbeTime lastTransitionTime reason status type",
    numbers="observedGeneration",
    pieces="message",
)
ADDRESS: Final = _shape("Address", words="ip")
RUNNING: Final = _shape("Running", words="startedAt")
WAITING: Final = _shape("Waiting", words="reason", pieces="message")
TERMINATED: Final = _shape(
    "Terminated", words="containerID finishedAt reason startedAt", numbers="exitCode signal", pieces="message"
)
STATE: Final = _shape("State", running=RUNNING, terminated=TERMINATED, waiting=WAITING)

CONTAINER_STATUS: Final = _shape(
    "ContainerStatus",
    words="containerID",
    pieces="""
    allocatedResources allocatedResourcesStatus image imageID name ready resources restartCount started stopSignal
    user volumeMounts
    """,
    lastState=STATE,
    state=STATE,
)

POD_STATUS: Final = _shape(
    "PodStatus",
    words="hostIP nominatedNodeName phase podIP qosClass reason startTime",
    numbers="observedGeneration",
    pieces="""
    allocatedResources extendedResourceClaimStatus message nodeAllocatableResourceClaimStatuses resize
    resourceClaimStatuses resources volumeHealth
    """,
    conditions=_listed(CONDITION),
    containerStatuses=_listed(CONTAINER_STATUS),
    ephemeralContainerStatuses=_listed(CONTAINER_STATUS),
    hostIPs=_listed(ADDRESS),
    initContainerStatuses=_listed(CONTAINER_STATUS),
    podIPs=_listed(ADDRESS),
)

POD: Final = _shape("Pod", words="apiVersion kind", metadata=METADATA, spec=POD_SPEC, status=POD_STATUS)

ORDINALS: Final = (
    *("apps.kubernetes.io/pod-index", "batch.kubernetes.io/job-completion-index"),
    "statefulset.kubernetes.io/pod-name",
)
"""Labels that say which of a workload's pods one is.

Source: https://kubernetes.io/docs/reference/labels-annotations-taints/
"""

PINNED: Final = {
    "nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [{"matchFields": [{"values": [molds.NAME]}]}]
        }
    }
}
"""The affinity of a DaemonSet's pod names its node.

Source: https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/#how-daemon-pods-are-scheduled
"""

_STATE: Final = {
    "running": {"startedAt": molds.MOMENT},
    "terminated": {"containerID": molds.ID, "finishedAt": molds.MOMENT, "startedAt": molds.MOMENT},
}
_STATUSES: Final = [{"containerID": molds.ID, "lastState": _STATE, "state": _STATE}]
OWN_OF_POD: Final[dict[str, Any]] = {
    "metadata": {
        **dict.fromkeys(("name", "resourceVersion", "uid"), molds.NAME),
        "creationTimestamp": molds.MOMENT,
        "labels": dict.fromkeys(ORDINALS, molds.NAME),
    },
    "spec": {
        "affinity": PINNED,
        **dict.fromkeys(("hostname", "nodeName"), molds.NAME),
        "volumes": [{"persistentVolumeClaim": {"claimName": molds.NAME}}],
    },
    "status": {
        **dict.fromkeys(("hostIP", "podIP"), molds.ADDRESS),
        "hostIPs": [{"ip": molds.ADDRESS}],
        "podIPs": [{"ip": molds.ADDRESS}],
        "conditions": [{"lastProbeTime": molds.MOMENT, "lastTransitionTime": molds.MOMENT}],
        "startTime": molds.MOMENT,
        **dict.fromkeys(("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"), _STATUSES),
    },
}
"""What each pod of a workload has of its own, as `molds.find_holes` takes it."""
