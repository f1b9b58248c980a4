"""The faults planted in the clinic: each is one change of the repaired hospital."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any, NamedTuple

from infrastructure import host
from model import APP, Claim, Hospital, Policy, ScopeEntry, Trouble, Workload

Patch = Callable[[Hospital], None]


class Fault(NamedTuple):
    """A fault: the object at which it is found, the control that finds it, what is wrong, how it came about."""

    object: str
    control: str
    sentence: str
    patch: Patch


def change(key: str, **fields: Any) -> Patch:
    """Change fields of one declaration."""
    return lambda hospital: hospital.change(key, **fields)


def change_container(key: str, container: str, **fields: Any) -> Patch:
    """Change fields of one container, or with `*` of each."""
    return lambda hospital: hospital.change_container(key, container, **fields)


def drop(key: str) -> Patch:
    """Take a declaration away."""
    return lambda hospital: hospital.drop(key)


def select(key: str, text: str) -> Patch:
    """Write another text for the selector of a scope entry."""

    def patch(hospital: Hospital) -> None:
        entry = hospital.declared[key]
        assert isinstance(entry, ScopeEntry), key  # noqa: S101 - the key names a scope entry
        kind = next(iter(entry.content))
        hospital.change(key, content=entry.content | {kind: text})

    return patch


def write(key: str, *path: Any, value: Any) -> Patch:
    """Write another value at a place in a policy; `None` takes the place away."""

    def patch(hospital: Hospital) -> None:
        policy = hospital.declared[key]
        assert isinstance(policy, Policy), key  # noqa: S101 - the key names a policy
        spec = deepcopy(policy.spec)
        at: Any = spec
        for step in path[:-1]:
            at = at[step]
        if value is None:
            del at[path[-1]]
        else:
            at[path[-1]] = value
        hospital.change(key, spec=spec)

    return patch


def add_rule(key: str, direction: str, rule: dict[str, Any]) -> Patch:
    """Add a rule to a policy."""

    def patch(hospital: Hospital) -> None:
        policy = hospital.declared[key]
        assert isinstance(policy, Policy), key  # noqa: S101 - the key names a policy
        types = sorted({*policy.spec["policyTypes"], direction.capitalize()}, reverse=True)
        rules = [*policy.spec.get(direction, []), rule]
        hospital.change(key, spec=policy.spec | {"policyTypes": types, direction: rules})

    return patch


def together(*patches: Patch) -> Patch:
    """Apply several changes that are one fault."""

    def patch(hospital: Hospital) -> None:
        for each in patches:
            each(hospital)

    return patch


def data_on(key: str, source: dict[str, Any] | None) -> Patch:
    """Keep the data of a StatefulSet on another volume than a claim; with `None` on no volume at all."""

    def patch(hospital: Hospital) -> None:
        workload = hospital.declared[key]
        assert isinstance(workload, Workload), key  # noqa: S101 - the key names a workload
        server = workload.containers[0]
        if source is None:
            kept = {path: name for path, name in server.mounts.items() if name != "data"}
            hospital.change_container(key, server.name, mounts=kept)
            hospital.change(key, claims={})
        else:
            hospital.change(key, claims={}, volumes=workload.volumes | {"data": source})

    return patch


def unbound(key: str, storage_class: str) -> Patch:
    """Ask for a storage class that does not exist."""

    def patch(hospital: Hospital) -> None:
        claim = hospital.declared[key]
        assert isinstance(claim, Claim), key  # noqa: S101 - the key names a claim
        hospital.change(key, storage_class=storage_class, bound=False)

    return patch


def lonely_etcd(hospital: Hospital) -> None:
    """Run one etcd; the other API servers of the control plane use it over the network."""
    key = "StaticPod/kube-system/kube-apiserver"
    server = hospital.declared[key]
    assert isinstance(server, Workload), key  # noqa: S101 - the key names a workload
    flags = tuple(
        "--etcd-servers=https://10.40.0.11:2379" if flag.startswith("--etcd-servers") else flag
        for flag in server.containers[0].command
    )
    hospital.change("StaticPod/kube-system/etcd", nodes=("cp-1",))
    hospital.change_container(key, server.name, command=flags)


def unplanned(key: str, *nodes: str) -> Patch:
    """Let the scheduler put the replicas where it likes, which was here."""
    return change(key, nodes=nodes, spread=False)


def hard_limit(key: str, limit: int | str, *, available: bool = False) -> Patch:
    """Give a budget another limit."""
    if available:
        return change(key, max_unavailable=None, min_available=limit)
    return change(key, max_unavailable=limit)


BROKEN_BUDGET = change("PodDisruptionBudget/integration/rabbitmq", app="rabbit-mq")

# Changes to the network, each with the faults that it shows itself in.
RECORD_UNSHUT = drop("NetworkPolicy/ehr/default-deny")
STAGING_OUT = add_rule("NetworkPolicy/ehr-staging/ehr-app", "egress", {"to": [{"namespaceSelector": {}}]})
LOGIN_OUT = add_rule("NetworkPolicy/identity/keycloak", "egress", {})
BALANCER_OPEN = together(
    change("Service/integration/mirth", ranges=()),
    add_rule(
        "NetworkPolicy/integration/mirth",
        "ingress",
        {"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": [{"port": 2575, "protocol": "TCP"}]},
    ),
)
CACHE_MISSED = write("NetworkPolicy/ehr/ehr-redis", "podSelector", "matchLabels", APP, value="ehr-reddis")
PORT_MISSPELT = write(
    "NetworkPolicy/ehr/fhir-server", "ingress", 0, "ports", 0, value={"port": "htpp", "protocol": "TCP"}
)
STAGING_MUTE = drop("NetworkPolicy/ehr-staging/allow-dns")
RECORD_FOR_ALL = add_rule(
    "NetworkPolicy/ehr/ehr-db",
    "ingress",
    {"from": [{"namespaceSelector": {}}], "ports": [{"port": 5432, "protocol": "TCP"}]},
)
PORTAL_ASKS_NODE = add_rule(
    "NetworkPolicy/portal/portal-api",
    "egress",
    {"to": [{"ipBlock": {"cidr": "169.254.169.254/32"}}], "ports": [{"port": 80, "protocol": "TCP"}]},
)
EXPORT_ON_NODE = change("CronJob/imaging/teaching-export", host_network=True)
PORTAL_PLAIN = change("Ingress/portal/portal-web", tls=False)
GRAFANA_BY_REQUEST = write(
    "CiliumNetworkPolicy/monitoring/grafana",
    "ingress",
    0,
    "toPorts",
    0,
    "rules",
    value={"http": [{"method": "GET"}]},
)

FAULTS = (
    Fault(
        "ScopeEntry//3",
        "HK-PHI-01",
        "the selector still names a label value that nobody uses any more and matches no pod",
        select("ScopeEntry//3", "app.kubernetes.io/component=db"),
    ),
    Fault(
        "ScopeEntry//5",
        "HK-PHI-01",
        "the image pattern is misspelt and matches no container",
        select("ScopeEntry//5", "*/hapi-fihr*"),
    ),
    Fault(
        "StatefulSet/research/orthanc",
        "HK-PHI-02",
        "an image server of the researchers takes DICOM but nobody declared it",
        drop("ScopeEntry//11"),
    ),
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
        unplanned("StatefulSet/imaging/orthanc", "worker-a1", "worker-a2"),
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
        data_on("StatefulSet/integration/mirth-db", host("/srv/mirth-db", "DirectoryOrCreate")),
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
        "Service/integration/lab-results",
        "HK-AVL-10",
        "the selector names an engine that was replaced: no endpoint is ready",
        change("Service/integration/lab-results", app="rhapsody"),
    ),
    Fault(
        "CronJob/ehr/ehr-db-dump",
        "HK-NET-02",
        "the namespace lacks its default deny, and no other policy isolates it",
        RECORD_UNSHUT,
    ),
    Fault(
        "StatefulSet/ehr/ehr-redis",
        "HK-NET-02",
        "the namespace lacks its default deny, and the policy meant for it selects nothing",
        RECORD_UNSHUT,
    ),
    Fault(
        "CronJob/ehr/ehr-db-dump", "HK-NET-04", "undeclared connections into it, as nothing isolates it", RECORD_UNSHUT
    ),
    Fault(
        "StatefulSet/ehr/ehr-redis",
        "HK-NET-04",
        "undeclared connections into it, as nothing isolates it",
        RECORD_UNSHUT,
    ),
    Fault(
        "NetworkPolicy/ehr/ehr-redis",
        "HK-NET-10",
        "the label of the pods it is meant for is misspelt: it selects nothing",
        CACHE_MISSED,
    ),
    Fault("Deployment/identity/keycloak", "HK-NET-03", "an empty egress rule allows everything again", LOGIN_OUT),
    Fault("Deployment/identity/keycloak", "HK-NET-04", "undeclared connections to everything", LOGIN_OUT),
    Fault(
        "Deployment/identity/keycloak",
        "HK-NET-06",
        "it may connect to the internet and to the instance metadata service",
        LOGIN_OUT,
    ),
    Fault("NetworkPolicy/identity/keycloak", "HK-NET-05", "an egress rule without peers and ports", LOGIN_OUT),
    Fault("NetworkPolicy/integration/mirth", "HK-NET-05", "HL7 may come in from 0.0.0.0/0", BALANCER_OPEN),
    Fault("Deployment/integration/mirth", "HK-NET-04", "undeclared connections from everywhere to HL7", BALANCER_OPEN),
    Fault(
        "Deployment/integration/mirth",
        "HK-NET-08",
        "its load balancer has no source ranges, and its policy lets the internet in",
        BALANCER_OPEN,
    ),
    Fault(
        "NetworkPolicy/ehr/fhir-server",
        "HK-NET-10",
        "a port is misspelt by name, and no container has it",
        PORT_MISSPELT,
    ),
    Fault(
        "Deployment/ehr/fhir-server",
        "HK-NET-04",
        "a declared connection is denied, as a port of its policy is misspelt",
        PORT_MISSPELT,
    ),
    Fault(
        "StatefulSet/ehr-staging/ehr-db",
        "HK-NET-10",
        "egress is denied, and nothing lets it ask the name server",
        STAGING_MUTE,
    ),
    Fault(
        "StatefulSet/ehr-staging/ehr-db",
        "HK-NET-04",
        "a declared connection to the name server is denied",
        STAGING_MUTE,
    ),
    Fault(
        "NetworkPolicy/ehr-staging/ehr-app",
        "HK-NET-05",
        "staging may connect to every pod of every namespace",
        STAGING_OUT,
    ),
    Fault("Deployment/ehr-staging/ehr-app", "HK-NET-04", "undeclared connections to every pod", STAGING_OUT),
    Fault(
        "NetworkPolicy/ehr/ehr-db", "HK-NET-05", "the database is open to every pod of every namespace", RECORD_FOR_ALL
    ),
    Fault(
        "StatefulSet/ehr/ehr-db",
        "HK-NET-04",
        "undeclared connections from every namespace to the database",
        RECORD_FOR_ALL,
    ),
    Fault(
        "StatefulSet/ehr/ehr-db",
        "HK-NET-12",
        "nearly every pod reaches the database in two connections",
        RECORD_FOR_ALL,
    ),
    Fault("StatefulSet/ehr/ehr-db", "HK-NET-13", "staging may connect to the database of the record", RECORD_FOR_ALL),
    Fault(
        "Deployment/portal/portal-api",
        "HK-NET-06",
        "it may ask the instance metadata service for credentials of the node",
        PORTAL_ASKS_NODE,
    ),
    Fault(
        "Deployment/portal/portal-api",
        "HK-NET-04",
        "an undeclared connection to the instance metadata service",
        PORTAL_ASKS_NODE,
    ),
    Fault("CronJob/imaging/teaching-export", "HK-NET-07", "it runs on the network of its node", EXPORT_ON_NODE),
    Fault(
        "CronJob/imaging/teaching-export",
        "HK-NET-02",
        "on the network of its node no policy isolates it",
        EXPORT_ON_NODE,
    ),
    Fault(
        "CronJob/imaging/teaching-export",
        "HK-NET-03",
        "on the network of its node no policy isolates it",
        EXPORT_ON_NODE,
    ),
    Fault(
        "CronJob/imaging/teaching-export", "HK-NET-04", "undeclared connections from and to everything", EXPORT_ON_NODE
    ),
    Fault(
        "CronJob/imaging/teaching-export",
        "HK-NET-06",
        "it may connect to the internet and to the instance metadata service",
        EXPORT_ON_NODE,
    ),
    Fault("Deployment/portal/portal-web", "HK-NET-08", "its Ingress has no TLS", PORTAL_PLAIN),
    Fault(
        "CiliumNetworkPolicy/monitoring/grafana",
        "HK-NET-09",
        "a rule about requests, which is not understood",
        GRAFANA_BY_REQUEST,
    ),
    Fault("CronJob/ehr/ehr-db-dump", "HK-NET-12", "nearly every pod reaches it in two connections", RECORD_UNSHUT),
    Fault("StatefulSet/ehr/ehr-redis", "HK-NET-12", "nearly every pod reaches it in two connections", RECORD_UNSHUT),
    Fault("CronJob/ehr/ehr-db-dump", "HK-NET-13", "staging may connect to it, as nothing isolates it", RECORD_UNSHUT),
    Fault("StatefulSet/ehr/ehr-redis", "HK-NET-13", "staging may connect to it, as nothing isolates it", RECORD_UNSHUT),
    Fault(
        "CronJob/imaging/teaching-export", "HK-NET-12", "nearly every pod reaches it in two connections", EXPORT_ON_NODE
    ),
    Fault(
        "Deployment/integration/mirth",
        "HK-NET-12",
        "most pods reach it in two connections, over pods on the networks of nodes",
        BALANCER_OPEN,
    ),
)
