"""Faults of the network: pods that more can reach than was declared."""

from __future__ import annotations

from model import APP

from faults.patches import Fault, add_rule, change, drop, together, write

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
