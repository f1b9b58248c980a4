"""Faults of pod security: what pods may do, what keeps them out, and who gets to the nodes under them."""

from __future__ import annotations

from faults.availability import DATA_ON_NODE
from faults.network_isolation import EXPORT_ON_NODE
from faults.patches import Fault, add_rule, change, change_container, together, write

# Changes, each with the faults that it shows itself in.
API_AS_DEFAULT = change("Deployment/portal/portal-api", account="default", token=True)
PROMETHEUS_OPEN = together(
    change("Service/monitoring/prometheus", balancer="203.0.113.12"),
    add_rule(
        "NetworkPolicy/monitoring/prometheus",
        "ingress",
        {"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": [{"port": 9090, "protocol": "TCP"}]},
    ),
)

PRIVILEGED_IMAGES = change_container("StatefulSet/imaging/orthanc", "orthanc", privileged=True)

FAULTS = (
    Fault(
        "Deployment/portal/portal-api",
        "HK-ACC-11",
        "it mounts the token of the default service account",
        API_AS_DEFAULT,
    ),
    Fault("Deployment/portal/portal-api", "HK-ACC-12", "it runs as the default service account", API_AS_DEFAULT),
    Fault(
        "Deployment/portal/portal-web",
        "HK-ACC-12",
        "the public status page runs as its service account",
        change("Deployment/portal/status-page", account="portal-web"),
    ),
    Fault(
        "Namespace//imaging",
        "HK-ACC-15",
        "its label enforces nothing, for the sake of one old viewer",
        change("Namespace//imaging", pod_security="privileged"),
    ),
    Fault(
        "Namespace//ehr-staging",
        "HK-ACC-15",
        "the API server leaves it out of Pod Security",
        write(
            "Input//admission.yaml",
            "plugins",
            0,
            "configuration",
            "exemptions",
            "namespaces",
            value=["ehr-staging", "kube-system"],
        ),
    ),
    Fault(
        "Deployment/integration/mirth",
        "HK-ACC-16",
        "the interface engine may run as root",
        change_container("Deployment/integration/mirth", "mirth", confined=False),
    ),
    Fault(
        "StatefulSet/imaging/orthanc",
        "HK-ACC-16",
        "the image server is privileged",
        PRIVILEGED_IMAGES,
    ),
    Fault(
        "StatefulSet/imaging/orthanc",
        "HK-INT-07",
        "privileged, it may write to its root file system",
        PRIVILEGED_IMAGES,
    ),
    Fault(
        "CronJob/imaging/teaching-export",
        "HK-ACC-16",
        "on the network of its node it sees what the node sees",
        EXPORT_ON_NODE,
    ),
    Fault(
        "StatefulSet/integration/mirth-db",
        "HK-ACC-16",
        "a volume of it is a directory of the node",
        DATA_ON_NODE,
    ),
    Fault(
        "Node//worker-b1",
        "HK-ACC-18",
        "its kubelet allows everyone everything",
        write("Input//nodes/worker-b1/kubelet-config.yaml", "authorization", "mode", value="AlwaysAllow"),
    ),
    Fault(
        "Node//worker-c1",
        "HK-ACC-18",
        "its kubelet answers without credentials on its old port",
        write("Input//nodes/worker-c1/kubelet-config.yaml", "readOnlyPort", value=10255),
    ),
    Fault(
        "Node//worker-a2",
        "HK-ACC-19",
        "sessions through its kubelet never end",
        write("Input//nodes/worker-a2/kubelet-config.yaml", "streamingConnectionIdleTimeout", value="0s"),
    ),
    Fault(
        "Prometheus/monitoring/clinic",
        "HK-ACC-20",
        "it asks nobody who they are, and a load balancer leads to it from everywhere",
        PROMETHEUS_OPEN,
    ),
    Fault(
        "CloudCluster//clinic-partner",
        "HK-ACC-21",
        "the API server of the partner's cluster is open to every address",
        write("Input//eks.json", "cluster", "resourcesVpcConfig", "publicAccessCidrs", value=["0.0.0.0/0"]),
    ),
)
