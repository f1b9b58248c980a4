"""Faults of availability: too few replicas, no budget, no probe, data that does not last."""

from __future__ import annotations

from infrastructure import host
from model import Trouble
from objects import uid

from faults.patches import (
    Fault,
    change,
    change_container,
    data_on,
    drop,
    enter,
    hard_limit,
    lonely_etcd,
    unbound,
    unplanned,
)

DATA_ON_NODE = data_on("StatefulSet/integration/mirth-db", host("/srv/mirth-db", "DirectoryOrCreate"))
BROKEN_BUDGET = change("PodDisruptionBudget/integration/rabbitmq", app="rabbit-mq")

ARCHIVE_ON_ONE_ZONE = unplanned("StatefulSet/imaging/orthanc", "worker-a1", "worker-a2")
LAST_REPLICA = change("StatefulSet/integration/rabbitmq", trouble={0: Trouble("NotReady", "2026-11-19T23:05:12Z")})
WAITING_REPLACEMENT = enter(
    "Input//replacements.csv",
    pod="Pod/imaging/image-viewer-d9xk4w2m7t-gone1",
    uid="image-viewer-gone1",
    restarts=0,
    namespace="imaging",
    workload="Deployment/imaging/image-viewer",
    how="evicted",
    cause="EvictionByEvictionAPI",
    failed_at="2026-11-06T21:40:00Z",
    failed_basis="condition DisruptionTarget",
    seen_last="2026-11-06T02:00:00Z",
    gone_by="2026-11-07T02:00:00Z",
    replacement="Pod/imaging/image-viewer-d9xk4w2m7t-late1",
    replacement_uid="image-viewer-late1",
    matched_by="order",
    replaced_by="ReplicaSet/imaging/image-viewer-d9xk4w2m7t",
    field_manager="kube-controller-manager",
    created_at="2026-11-06T21:40:02Z",
    reason="what replaced it was not seen Ready",
    unready_at="2026-11-07T02:00:00Z",
    cluster_uid=uid("Namespace", "", "kube-system"),
)

FAULTS = (
    Fault(
        "Deployment/portal/portal-web",
        "HK-AVL-01",
        "a single replica is asked for",
        change("Deployment/portal/portal-web", replicas=1),
    ),
    Fault(
        "Deployment/ehr/ehr-app",
        "HK-AVL-01",
        "its autoscaler may shrink it to a single replica",
        change("HorizontalPodAutoscaler/ehr/ehr-app", least=1),
    ),
    Fault(
        "Deployment/identity/keycloak",
        "HK-AVL-01",
        "one of two replicas is ready: the other fails its readiness probe",
        change(
            "Deployment/identity/keycloak",
            trouble={1: Trouble("NotReady", "2026-11-19T17:20:09Z")},
        ),
    ),
    Fault(
        "StatefulSet/ehr/ehr-redis",
        "HK-AVL-02",
        "no disruption budget selects its pods",
        drop("PodDisruptionBudget/ehr/ehr-redis"),
    ),
    Fault(
        "Deployment/ehr/ehr-api",
        "HK-AVL-02",
        "its budget allows no disruption at all (maxUnavailable 0) and blocks every node drain",
        hard_limit("PodDisruptionBudget/ehr/ehr-api", 0),
    ),
    Fault(
        "StatefulSet/imaging/pacs-db",
        "HK-AVL-02",
        "its budget demands all replicas (minAvailable 100%) and blocks every node drain",
        hard_limit("PodDisruptionBudget/imaging/pacs-db", "100%", available=True),
    ),
    Fault(
        "Deployment/imaging/dcm4chee-arc",
        "HK-AVL-02",
        "its budget demands as many replicas as there are (minAvailable 2)",
        hard_limit("PodDisruptionBudget/imaging/dcm4chee-arc", 2, available=True),
    ),
    Fault(
        "PodDisruptionBudget/integration/rabbitmq",
        "HK-AVL-02",
        "the selector of the budget is misspelt and matches no pod",
        BROKEN_BUDGET,
    ),
    Fault(
        "StatefulSet/integration/rabbitmq",
        "HK-AVL-02",
        "the budget meant for it selects other pods, so none protects it",
        BROKEN_BUDGET,
    ),
    Fault(
        "Deployment/integration/mirth",
        "HK-AVL-03",
        "both replicas run on one node",
        unplanned("Deployment/integration/mirth", "worker-b1", "worker-b1"),
    ),
    Fault(
        "StatefulSet/imaging/orthanc",
        "HK-AVL-03",
        "its replicas run on two nodes of one zone, with their volumes",
        ARCHIVE_ON_ONE_ZONE,
    ),
    Fault(
        "StatefulSet/imaging/orthanc",
        "HK-AVL-12",
        "its volumes stand in the same zone as its replicas",
        ARCHIVE_ON_ONE_ZONE,
    ),
    Fault(
        "StatefulSet/integration/rabbitmq",
        "HK-AVL-01",
        "one of two replicas is not ready, and messages between systems run on the other",
        LAST_REPLICA,
    ),
    Fault(
        "Node//worker-c1",
        "HK-AVL-13",
        "the last ready replica of the message broker is held here by its volume",
        LAST_REPLICA,
    ),
    Fault(
        "Deployment/ehr/fhir-server",
        "HK-AVL-04",
        "the container behind the Service has no readiness probe",
        change_container("Deployment/ehr/fhir-server", "fhir-server", readiness=""),
    ),
    Fault(
        "Deployment/imaging/dcm4chee-arc",
        "HK-AVL-04",
        "the TLS sidecar behind the Service has no readiness probe",
        change_container("Deployment/imaging/dcm4chee-arc", "dicom-tls", readiness=""),
    ),
    Fault(
        "Deployment/portal/portal-web",
        "HK-AVL-05",
        "asks for no CPU and no memory: its pods are BestEffort",
        change_container("Deployment/portal/portal-web", "*", cpu=0, memory=0),
    ),
    Fault(
        "StatefulSet/integration/mirth-db",
        "HK-AVL-05",
        "the metrics container asks for no memory",
        change_container("StatefulSet/integration/mirth-db", "metrics", memory=0),
    ),
    Fault(
        "StatefulSet/ehr/ehr-redis",
        "HK-AVL-06",
        "no volume at the data path: sessions live in the root file system of the container",
        data_on("StatefulSet/ehr/ehr-redis", None),
    ),
    Fault(
        "StatefulSet/integration/mirth-db",
        "HK-AVL-06",
        "the database keeps its data in a directory of the node",
        DATA_ON_NODE,
    ),
    Fault(
        "StatefulSet/ehr-staging/ehr-db",
        "HK-AVL-06",
        "the database keeps its data in an emptyDir",
        data_on("StatefulSet/ehr-staging/ehr-db", {"emptyDir": {}}),
    ),
    Fault(
        "Cluster//control-plane",
        "HK-AVL-07",
        "three control-plane nodes share a single etcd member",
        lonely_etcd,
    ),
    Fault(
        "HorizontalPodAutoscaler/ehr/ehr-api",
        "HK-AVL-08",
        "the autoscaler cannot read its metric (ScalingActive is False)",
        change("HorizontalPodAutoscaler/ehr/ehr-api", active=False),
    ),
    Fault(
        "PersistentVolumeClaim/imaging/teaching-archive",
        "HK-AVL-08",
        "the claim names a storage class that does not exist and stays Pending",
        unbound("PersistentVolumeClaim/imaging/teaching-archive", "nfs-archive"),
    ),
    Fault(
        "Namespace//portal",
        "HK-AVL-09",
        "neither ResourceQuota nor LimitRange",
        change("Namespace//portal", quota="", limit_range=False),
    ),
    Fault(
        "Deployment/imaging/image-viewer",
        "HK-AVL-10",
        "not available: one of three replicas cannot pull its image",
        change(
            "Deployment/imaging/image-viewer",
            trouble={2: Trouble("ImagePullBackOff", "2026-11-18T09:12:50Z")},
        ),
    ),
    Fault(
        "Deployment/portal/portal-api",
        "HK-AVL-10",
        "one of three replicas is in CrashLoopBackOff",
        change(
            "Deployment/portal/portal-api",
            trouble={0: Trouble("CrashLoopBackOff", "2026-11-20T01:56:02Z", 61)},
        ),
    ),
    Fault(
        "Deployment/ehr/fhir-server",
        "HK-AVL-10",
        "a container was killed for memory three hours before the collection",
        change(
            "Deployment/ehr/fhir-server",
            trouble={0: Trouble("OOMKilled", "2026-11-19T22:41:37Z", 3)},
        ),
    ),
    Fault(
        "Deployment/imaging/image-viewer",
        "HK-AVL-14",
        "a pod was evicted, and what was made in its place was not Ready at the next nightly snapshot",
        WAITING_REPLACEMENT,
    ),
    Fault(
        "Service/integration/lab-results",
        "HK-AVL-10",
        "the selector names an engine that was replaced: no endpoint is ready",
        change("Service/integration/lab-results", app="rhapsody"),
    ),
)
