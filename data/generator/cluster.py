"""The cluster itself: nodes, namespaces and their guards, leases, classes, extensions of the API."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from hashlib import sha256

from model import APP, CONTROL_PLANE, NODES, Hospital, Machine, Namespace, Workload, node_address, zone_of
from objects import COLLECTED_AT, KINDS, Cluster, Kind, Object, digest, moment, suffix, uid
from pods import PRIORITIES, cpu, mebibytes, replicas

BORN = "2025-02-03"
UPGRADED = "2026-10-03"


def add_cluster(cluster: Cluster, hospital: Hospital) -> None:
    """Add everything that belongs to the cluster rather than to a workload."""
    for machine in hospital.all(Machine):
        add_node(cluster, machine)
        add_cilium_node(cluster, machine.name)
    for namespace in hospital.all(Namespace):
        add_namespace(cluster, namespace)
        add_guards(cluster, hospital, namespace)
    add_leases(cluster, {machine.name: machine.ahead for machine in hospital.all(Machine)})
    add_component_statuses(cluster)
    add_classes(cluster)
    add_extensions(cluster)


def add_node(cluster: Cluster, machine: Machine) -> None:
    """Add one node: a virtual machine in one of three rooms of the computer centre."""
    name = machine.name
    member = name in CONTROL_PLANE
    created = moment(BORN, "node", name)
    labels = {
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        f"node-role.kubernetes.io/{'control-plane' if member else 'worker'}": "",
        "topology.kubernetes.io/region": "clinic-east",
        "topology.kubernetes.io/zone": zone_of(name),
    }
    spec: Object = {"podCIDR": f"10.244.{NODES.index(name)}.0/24", "podCIDRs": [f"10.244.{NODES.index(name)}.0/24"]}
    if member:
        spec["taints"] = [{"effect": "NoSchedule", "key": "node-role.kubernetes.io/control-plane"}]
    cores, gibibytes = (4, 16) if member else (16, 64)
    capacity = {"cpu": str(cores), "ephemeral-storage": "205374420Ki", "hugepages-2Mi": "0", "pods": "110"}
    pressures = [
        (kind, "False", f"KubeletHas{enough}")
        for kind, enough in (
            ("MemoryPressure", "SufficientMemory"),
            ("DiskPressure", "NoDiskPressure"),
            ("PIDPressure", "SufficientPID"),
        )
    ]
    cluster.add(
        "Node",
        "",
        name,
        {
            "spec": spec,
            "status": {
                "addresses": [
                    {"address": node_address(name), "type": "InternalIP"},
                    {"address": name, "type": "Hostname"},
                ],
                "allocatable": {**capacity, "cpu": f"{cores * 1000 - 200}m", "memory": f"{gibibytes * 1024 - 900}Mi"},
                "capacity": {**capacity, "memory": f"{gibibytes}Gi"},
                "conditions": [
                    {
                        "type": kind,
                        "status": status,
                        "reason": reason,
                        "lastHeartbeatTime": "2026-11-20T01:57:10Z",
                        "lastTransitionTime": moment(UPGRADED, "node", name),
                    }
                    for kind, status, reason in [*pressures, ("Ready", "True", "KubeletReady")]
                ],
                "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
                "nodeInfo": {
                    "architecture": "amd64",
                    "bootID": uid("boot", "", name),
                    "containerRuntimeVersion": machine.runtime,
                    "kernelVersion": "6.8.0-85-generic",
                    "kubeProxyVersion": "",
                    "kubeletVersion": machine.kubelet,
                    "machineID": uid("machine", "", name).replace("-", ""),
                    "operatingSystem": "linux",
                    "osImage": machine.system,
                    "systemUUID": uid("system", "", name),
                },
            },
        },
        created=created,
        labels=labels,
        annotations={
            "node.alpha.kubernetes.io/ttl": "0",
            "volumes.kubernetes.io/controller-managed-attach-detach": "true",
        },
    )


def add_cilium_node(cluster: Cluster, name: str) -> None:
    """Add what the network plugin keeps of a node: its addresses, and the public key of its WireGuard.

    Source: https://docs.cilium.io/en/stable/security/network/encryption-wireguard/
    """
    key = base64.b64encode(sha256(f"wireguard/{name}".encode()).digest()).decode()
    health = f"10.244.{NODES.index(name)}.201"
    cluster.add(
        "CiliumNode",
        "",
        name,
        {
            "spec": {
                "addresses": [{"ip": node_address(name), "type": "InternalIP"}],
                "encryption": {"key": 255},
                "health": {"ipv4": health},
                "ipam": {"podCIDRs": [f"10.244.{NODES.index(name)}.0/24"]},
            }
        },
        created=moment(BORN, "node", name, after=90),
        annotations={"network.cilium.io/wg-pub-key": key},
        generation=3,
    )


def add_namespace(cluster: Cluster, namespace: Namespace) -> None:
    """Add one Namespace."""
    labels = {"kubernetes.io/metadata.name": namespace.name}
    if namespace.phi:
        labels["hipaa.io/phi"] = "true"
    if namespace.environment:
        labels["environment"] = namespace.environment
    if namespace.pod_security:
        labels["pod-security.kubernetes.io/enforce"] = namespace.pod_security
        labels["pod-security.kubernetes.io/warn"] = "restricted"
    if namespace.signed:
        labels["policy.sigstore.dev/include"] = "true"
    cluster.add(
        "Namespace",
        "",
        namespace.name,
        {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}},
        created=moment(BORN, "namespace", namespace.name),
        labels=labels,
    )


def add_guards(cluster: Cluster, hospital: Hospital, namespace: Namespace) -> None:
    """Add the quota and the default limits of a namespace, with what is used now."""
    created = moment("2026-04-21", "guards", namespace.name)
    if namespace.limit_range:
        limit = {
            "default": {"memory": "512Mi"},
            "defaultRequest": {"cpu": "50m", "memory": "64Mi"},
            "type": "Container",
        }
        cluster.add("LimitRange", namespace.name, "defaults", {"spec": {"limits": [limit]}}, created=created)
    if not namespace.quota:
        return
    running = [
        workload
        for workload in hospital.all(Workload)
        if workload.namespace == namespace.name and workload.kind != "CronJob"
        for _ in replicas(hospital, workload)
    ]
    containers = [container for workload in running for container in workload.containers]
    used = {
        "persistentvolumeclaims": str(len(cluster.of("PersistentVolumeClaim", namespace.name))),
        "pods": str(len(running)),
    }
    hard = {"persistentvolumeclaims": "20", "pods": "40"}
    if namespace.quota == "compute":
        used["requests.cpu"] = cpu(sum(one.cpu for one in containers))
        used["requests.memory"] = mebibytes(sum(one.memory for one in containers))
        hard |= {"requests.cpu": "16", "requests.memory": "48Gi"}
    content = {"spec": {"hard": hard}, "status": {"hard": hard, "used": used}}
    cluster.add("ResourceQuota", namespace.name, "quota", content, created=created)


def renewal(at: str, ahead: int) -> str:
    """Return what a clock shows that is ahead by some seconds."""
    shown = datetime.fromisoformat(at) + timedelta(seconds=ahead)
    return f"{shown:%Y-%m-%dT%H:%M:%S}.104512Z"


def add_leases(cluster: Cluster, ahead: dict[str, int]) -> None:
    """Add the leases of kubelets, API servers and elected leaders."""
    renewed = COLLECTED_AT.replace("02:00:00", "01:59:56")
    for node in NODES:
        # The kubelet writes the moment by its own clock, the API server when it took that by its own.
        spec = {"holderIdentity": node, "leaseDurationSeconds": 40, "renewTime": renewal(renewed, ahead[node])}
        entry = {
            "apiVersion": "coordination.k8s.io/v1",
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:spec": {"f:holderIdentity": {}, "f:leaseDurationSeconds": {}, "f:renewTime": {}}},
            "manager": "kubelet",
            "operation": "Update",
            "time": renewed,
        }
        made = moment(BORN, "lease", node)
        cluster.add("Lease", "kube-node-lease", node, {"spec": spec}, created=made, managedFields=[entry])
    for member in CONTROL_PLANE:
        name = f"apiserver-{suffix(26, 'apiserver', member)}"
        spec = {
            "holderIdentity": f"{name}_{uid('identity', '', member)}",
            "leaseDurationSeconds": 3600,
            "renewTime": f"{renewed[:-1]}.{digest('renew', member) % 1_000_000:06}Z",
        }
        labels = {"apiserver.kubernetes.io/identity": "kube-apiserver", "kubernetes.io/hostname": member}
        cluster.add(
            "Lease",
            "kube-system",
            name,
            {"spec": spec},
            created=moment(UPGRADED, "lease", member),
            labels=labels,
        )
    for leader in ("kube-controller-manager", "kube-scheduler"):
        spec = {
            "acquireTime": f"{moment(UPGRADED, leader)[:-1]}.000000Z",
            "holderIdentity": f"cp-1_{uid('identity', '', leader)}",
            "leaseDurationSeconds": 15,
            "leaseTransitions": 4,
            "renewTime": f"{renewed[:-1]}.604512Z",
        }
        cluster.add("Lease", "kube-system", leader, {"spec": spec}, created=moment(BORN, "lease", leader))


def add_component_statuses(cluster: Cluster) -> None:
    """Add what the API server says of its neighbours: made for each request, so without uid or time.

    Source: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/component-status-v1/
    """
    healthy = {"message": "ok", "status": "True", "type": "Healthy"}
    for name in ("controller-manager", "etcd-0", "scheduler"):
        cluster.objects["ComponentStatus", "", name] = {"conditions": [healthy], "metadata": {"name": name}}


def add_classes(cluster: Cluster) -> None:
    """Add priority classes, the ingress class, service addresses, and the mandatory flow control."""
    created = moment(BORN, "classes")
    for name, value in PRIORITIES.items():
        if name:
            content = {
                "description": "Used by the hospital" if value < 2_000_000_000 else "Used by the system",
                "preemptionPolicy": "PreemptLowerPriority",
                "value": value,
            }
            cluster.add("PriorityClass", "", name, content, created=created)
    cluster.add(
        "IngressClass",
        "",
        "nginx",
        {"spec": {"controller": "k8s.io/ingress-nginx"}},
        created=created,
        labels={APP: "ingress-nginx"},
        annotations={"ingressclass.kubernetes.io/is-default-class": "true"},
    )
    ready = {"type": "Ready", "status": "True", "reason": "", "message": "Kubernetes default Service CIDR is ready"}
    cidr = {"spec": {"cidrs": ["10.96.0.0/16"]}, "status": {"conditions": [{**ready, "lastTransitionTime": created}]}}
    cluster.add("ServiceCIDR", "", "kubernetes", cidr, created=created)
    exempt = {"exempt": {"lendablePercent": 0, "nominalConcurrencyShares": 0}, "type": "Exempt"}
    limited = {
        "limited": {
            "lendablePercent": 0,
            "limitResponse": {"type": "Reject"},
            "nominalConcurrencyShares": 5,
        },
        "type": "Limited",
    }
    for name, level, precedence, groups in (
        ("exempt", exempt, 1, ["system:masters"]),
        ("catch-all", limited, 10_000, ["system:unauthenticated", "system:authenticated"]),
    ):
        schema: Object = {
            "matchingPrecedence": precedence,
            "priorityLevelConfiguration": {"name": name},
            "rules": [
                {
                    "nonResourceRules": [{"nonResourceURLs": ["*"], "verbs": ["*"]}],
                    "resourceRules": [
                        {
                            "apiGroups": ["*"],
                            "clusterScope": True,
                            "namespaces": ["*"],
                            "resources": ["*"],
                            "verbs": ["*"],
                        }
                    ],
                    "subjects": [{"group": {"name": group}, "kind": "Group"} for group in groups],
                }
            ],
        }
        schema |= {"distinguisherMethod": {"type": "ByUser"}} if level is limited else {}
        refers = f'This FlowSchema references the PriorityLevelConfiguration object named "{name}" and it exists'
        dangling = {"type": "Dangling", "status": "False", "reason": "Found", "message": refers}
        status = {"conditions": [{**dangling, "lastTransitionTime": created}]}
        kept = {"apf.kubernetes.io/autoupdate-spec": "true"}
        cluster.add("PriorityLevelConfiguration", "", name, {"spec": level}, created=created, annotations=kept)
        cluster.add("FlowSchema", "", name, {"spec": schema, "status": status}, created=created, annotations=kept)


SNAPSHOTS = "snapshot.storage.k8s.io"
CLUSTER_WIDE = (
    "CiliumNode",
    "ClusterImagePolicy",
    "ClusterInfraAssessmentReport",
    "ClusterIssuer",
    "ClusterSecretStore",
    "TracingPolicy",
    "VolumeSnapshotClass",
    "VolumeSnapshotContent",
)
APPROVED = "https://github.com/kubernetes-csi/external-snapshotter/pull/814"
"""Where the API was reviewed: the server refuses a definition in a group of Kubernetes without it."""


def installed(kind: Kind) -> bool:
    """Tell whether a kind is not the API server's own, but defined by what was installed."""
    return kind.group == SNAPSHOTS or ("." in kind.group and not kind.group.endswith(".k8s.io"))


def add_extensions(cluster: Cluster) -> None:
    """Add custom resources with their definitions, and the register of served groups."""
    created = moment("2026-03-02", "extensions")
    for kind in filter(installed, KINDS.values()):
        names = {
            "kind": kind.name,
            "listKind": f"{kind.name}List",
            "plural": kind.plural,
            "singular": kind.name.lower(),
        }
        names_accepted = {"type": "NamesAccepted", "status": "True", "reason": "NoConflicts"}
        established = {"type": "Established", "status": "True", "reason": "InitialNamesAccepted"}
        schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        cluster.add(
            "CustomResourceDefinition",
            "",
            f"{kind.plural}.{kind.group}",
            {
                "spec": {
                    "conversion": {"strategy": "None"},
                    "group": kind.group,
                    "names": names,
                    "scope": "Cluster" if kind.name in CLUSTER_WIDE else "Namespaced",
                    "versions": [
                        {
                            "name": kind.version,
                            "schema": {"openAPIV3Schema": schema},
                            "subresources": {"status": {}},
                            "served": True,
                            "storage": True,
                        }
                    ],
                },
                "status": {
                    "acceptedNames": names,
                    "conditions": [{**one, "lastTransitionTime": created} for one in (names_accepted, established)],
                    "storedVersions": [kind.version],
                },
            },
            created=created,
            annotations={"api-approved.kubernetes.io": APPROVED} if kind.group.endswith(".k8s.io") else None,
        )
    ready = {"type": "Ready", "status": "True", "reason": "KeyPairVerified", "lastTransitionTime": created}
    cluster.add(
        "ClusterIssuer",
        "",
        "clinic-ca",
        {"spec": {"ca": {"secretName": "clinic-ca"}}, "status": {"conditions": [ready]}},
        created=created,
        generation=1,
    )
    add_api_services(cluster)


def add_api_services(cluster: Cluster) -> None:
    """Add one APIService for each group version served, and that of the metrics server."""
    served = {(kind.group, kind.version) for kind in KINDS.values()}
    for group, version in sorted(served | {("metrics.k8s.io", "v1beta1")}):
        remote = group == "metrics.k8s.io"
        created = moment(BORN, "apiservice", group)
        condition = {
            "type": "Available",
            "status": "True",
            "reason": "Passed" if remote else "Local",
            "message": "all checks passed" if remote else "Local APIServices are always available",
            "lastTransitionTime": created,
        }
        spec: Object = {"version": version, "groupPriorityMinimum": 17_800, "versionPriority": 15}
        spec |= {"group": group} if group else {}
        if remote:
            spec["service"] = {"name": "metrics-server", "namespace": "kube-system", "port": 443}
        cluster.add(
            "APIService",
            "",
            f"{version}.{group}",
            {"spec": spec, "status": {"conditions": [condition]}},
            created=created,
        )
