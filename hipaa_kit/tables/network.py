"""Services, the pods behind them, the routes in front of them, and the policies around them."""

from hipaa_kit.tables.declaration import Table, count, flag, maybe, text

SERVICES = Table(
    "services",
    "one Service",
    ("object",),
    (
        text("object", "`Service/namespace/name`"),
        text("namespace", "its namespace"),
        text("name", "its name"),
        text("type", "ClusterIP, NodePort, LoadBalancer or ExternalName"),
        flag("headless", "has no cluster address of its own"),
        flag("selects", "selects pods by labels; false where endpoints are written by hand"),
        text("external_name", "name it stands for, or none"),
        text("stands_for", "Service of the cluster that this name is of, or none"),
        flag("publish_not_ready", "sends traffic to pods that are not ready"),
    ),
)

SERVICE_PORTS = Table(
    "service_ports",
    "one port of one Service",
    ("service", "port", "protocol"),
    (
        text("service", "`Service/namespace/name`"),
        count("port", "port number"),
        text("protocol", "TCP, UDP or SCTP"),
        text("name", "name of the port, or none"),
        text("app_protocol", "protocol that the port is said to speak, or none"),
        text("target_port", "port of the pod, number or name"),
        count("node_port", "port on every node, or null"),
    ),
)

SERVICE_BACKENDS = Table(
    "service_backends",
    "one pod that the selector of one Service selects, ready or not",
    ("service", "pod"),
    (
        text("service", "`Service/namespace/name`"),
        text("pod", "`Pod/namespace/name`"),
    ),
)

SERVICE_TARGETS = Table(
    "service_targets",
    "one container port that one port of one Service leads to",
    ("service", "port", "protocol", "pod", "target_port"),
    (
        text("service", "`Service/namespace/name`"),
        count("port", "port of the Service"),
        text("protocol", "TCP, UDP or SCTP"),
        text("pod", "`Pod/namespace/name`"),
        count("target_port", "port of the pod; a name is resolved per pod"),
        text("container", "container that declares the port, or none where no container does"),
    ),
)

ENDPOINTS = Table(
    "endpoints",
    "one address behind one Service, by its EndpointSlices",
    ("service", "slice", "address"),
    (
        text("service", "`Service/namespace/name`"),
        text("slice", "`EndpointSlice/namespace/name`"),
        text("address", "address"),
        text("target", "`Kind/namespace/name` behind the address, or none"),
        maybe("ready", "may receive traffic; null counts as ready"),
        maybe("serving", "serves, also while ending"),
        maybe("terminating", "is ending"),
        text("node", "node it runs on, or none"),
        text("zone", "zone it runs in, or none"),
    ),
)

INGRESS_ROUTES = Table(
    "ingress_routes",
    "one path of one host that one Ingress sends to one backend",
    ("object", "host", "path", "service"),
    (
        text("object", "`Ingress/namespace/name`"),
        text("namespace", "its namespace"),
        text("host", "host name, or none for every host"),
        text("path", "path, or none for the default backend"),
        text("path_type", "Exact, Prefix or ImplementationSpecific, or none"),
        text("service", "`Service/namespace/name` behind it, or none"),
        text("service_port", "port of the Service, number or name"),
        text("ingress_class", "IngressClass named, or none"),
        flag("tls", "a TLS entry names this host"),
        text("tls_secret", "`Secret/namespace/name` of that entry, or none"),
    ),
)

NETWORK_POLICIES = Table(
    "network_policies",
    "one NetworkPolicy",
    ("object",),
    (
        text("object", "`NetworkPolicy/namespace/name`"),
        text("namespace", "its namespace"),
        text("name", "its name"),
        flag("isolates_ingress", "isolates the pods it selects for ingress"),
        flag("isolates_egress", "isolates the pods it selects for egress"),
        count("ingress_rules", "ingress rules"),
        count("egress_rules", "egress rules"),
    ),
)

POLICY_PODS = Table(
    "policy_pods",
    "one pod that one NetworkPolicy selects",
    ("policy", "pod"),
    (
        text("policy", "`NetworkPolicy/namespace/name`"),
        text("pod", "`Pod/namespace/name`"),
    ),
)
