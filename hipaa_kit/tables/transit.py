"""Encryption in transit: what ends TLS, which mesh or network encrypts, and what encrypts every flow of ePHI."""

from hipaa_kit.tables.declaration import Table, count, flag, maybe, text

TLS_KINDS = ("terminated", "passthrough", "reencrypted", "none", "unknown")
PLAIN = ("redirected", "closed", "served", "unknown")
MESHES = ("", "istio", "istio-ambient", "linkerd", "consul")
MESH_MODES = ("", "strict", "permissive", "disabled", "unknown")
PATCHED = "patched"
"""Mode of ports for which something rewrites the proxy: it takes from what is sure and adds nothing."""

OWN_TLS = "own-tls"
"""Mode of ports on which a pod's proxy ends TLS that is not the mesh's, where a client has to begin it by itself."""

EXCEPTED = (*MESH_MODES, PATCHED, OWN_TLS)
NODE_MECHANISMS = ("wireguard", "ipsec", "none", "unknown")
SPOKEN = ("yes", "claimed", "no", "unknown")
ENCRYPTED_BY = ("mesh", "wireguard", "ipsec", "app-tls", "none", "unknown")

ENTRY_LISTENERS = Table(
    "entry_listeners",
    "one way by which one entry takes requests for one host to one Service: a host of an Ingress, a listener, a Route",
    ("object", "family", "listener", "route", "host", "service"),
    (
        text("object", "`Kind/namespace/name` of the entry"),
        text("family", "kind of entry", ("ingress", "gateway", "istio-gateway", "route")),
        text("namespace", "its namespace"),
        text("listener", "name or number of the listener, or none"),
        text("route", "`Kind/namespace/name` of the route attached to it, or none"),
        text("host", "host name asked for, or none for every host"),
        text("service", "`Service/namespace/name` it leads to, or none"),
        text("controller", "controller that serves it, or none where that is not known"),
        text("protocol", "protocol of the listener as written, or none"),
        text("tls", "what becomes of TLS on it", TLS_KINDS),
        text(
            "certificates",
            "`Secret/namespace/name` of its certificates, joined by spaces, or none; `*` is a namespace not known",
        ),
        text("plain", "what becomes of a request without TLS", PLAIN),
        text("basis", "what that rests on"),
    ),
)

MESH_PODS = Table(
    "mesh_pods",
    "one pod that has not ended, and the service mesh it is in",
    ("pod",),
    (
        text("pod", "`Pod/namespace/name`"),
        text("namespace", "its namespace"),
        text("workload", "`Kind/namespace/name` it belongs to"),
        text("mesh", "mesh whose proxy stands before it, or none", MESHES),
        maybe("inside", "its connections pass that proxy; null where that cannot be seen"),
        text("mode", "what the proxy takes in: strict is mutual TLS alone", MESH_MODES),
        text("source", "`Kind/namespace/name` that says so, or what else"),
    ),
)

MESH_EXCEPTIONS = Table(
    "mesh_exceptions",
    "one range of ports of one pod for which the mesh does something else than for the rest",
    ("pod", "direction", "port_from", "port_to"),
    (
        text("pod", "`Pod/namespace/name`"),
        text("direction", "connections to the pod or from it", ("in", "out")),
        count("port_from", "first port"),
        count("port_to", "last port"),
        text(
            "mode",
            "what holds for it; disabled is past the proxy, patched is rewritten, to what is not known, own-tls is TLS "
            "that the proxy ends and that is not the mesh's",
            EXCEPTED,
        ),
        text("source", "`Kind/namespace/name` or annotation that says so, and what it does"),
    ),
)

MESHES_PRESENT = Table(
    "meshes_present",
    "one service mesh of which something is in the cluster",
    ("mesh",),
    (
        text("mesh", "name of the mesh", MESHES[1:]),
        text("basis", "workload or pod it is known by"),
    ),
)

NODE_ENCRYPTION = Table(
    "node_encryption",
    "one node, and whether its network plugin encrypts traffic of pods to other nodes",
    ("node",),
    (
        text("node", "`Node//name`"),
        text("mechanism", "what encrypts it", NODE_MECHANISMS),
        flag("host", "traffic of pods on the networks of nodes is encrypted as well"),
        text("basis", "what that rests on"),
    ),
)

PORT_TLS = Table(
    "port_tls",
    "one port on which one workload answers, and what shows whether it speaks TLS there",
    ("workload", "protocol", "port"),
    (
        text("workload", "`Kind/namespace/name`"),
        text("protocol", "TCP, UDP or SCTP"),
        count("port", "port of its pods"),
        text("spoken", "TLS is spoken: yes is shown, claimed is by name or number alone", SPOKEN),
        text("basis", "what shows it"),
    ),
)

TOLD_ADDRESSES = Table(
    "told_addresses",
    "one address of a Service or pod that containers of a workload are told, and one port of a workload it leads to",
    ("workload", "place", "address", "destination", "port"),
    (
        text("workload", "`Kind/namespace/name` that is told"),
        text("place", "where it stands: container, `env`, `args` or `command`, and name, with / between them"),
        text("address", "scheme, host and port; nothing else of it is kept"),
        flag("tls", "it asks for TLS"),
        text("destination", "`Kind/namespace/name` of a workload behind the Service, or with a pod of the address"),
        count("port", "port of its pods"),
    ),
)

FLOW_ENCRYPTION = Table(
    "flow_encryption",
    "one port of one flow of ePHI between two ends that may connect, and what encrypts it",
    ("source", "destination", "protocol", "port"),
    (
        text("source", "`Kind/namespace/name`, or addresses outside the cluster"),
        text("destination", "`Kind/namespace/name`, or addresses outside the cluster"),
        text("protocol", "TCP, UDP or SCTP"),
        count("port", "port of the destination; 0 is any port of addresses outside"),
        text("category", "what the traffic is for"),
        flag("declared", "the scope file declares it"),
        text("verdict", "what the policies decide of it"),
        flag("destination_ephi", "the destination is an ePHI workload"),
        text("encrypted_by", "what encrypts it", ENCRYPTED_BY),
        text("basis", "what that rests on"),
        count("pod_pairs", "pairs of pods of its two ends, where both are workloads"),
        count("same_node_pairs", "pairs of them that are on one node, where encryption between nodes does nothing"),
    ),
)

CERTIFICATES = Table(
    "certificates",
    "one Certificate that cert-manager keeps",
    ("object",),
    (
        text("object", "`Certificate/namespace/name`"),
        text("namespace", "its namespace"),
        text("secret", "`Secret/namespace/name` it is kept in, or none"),
        text("issuer", "`Kind/namespace/name` of who issues it, or none"),
        maybe("ready", "cert-manager says that it is as asked for; null where it does not say"),
        text("not_before", "moment from which it holds, or none"),
        text("not_after", "moment at which it ends, or none"),
        text("renewal_time", "moment at which it is to be renewed, or none"),
        text("algorithm", "algorithm of its key: RSA, ECDSA or Ed25519"),
        count("key_bits", "bits of its key, where the algorithm has a choice"),
    ),
)

TLS_PROFILES = Table(
    "tls_profiles",
    "one API server as its operator is told to configure it",
    ("object",),
    (
        text("object", "`APIServer//name`"),
        text("profile", "TLS profile: Old, Intermediate, Modern or Custom"),
        text("min_version", "lowest TLS version of a custom profile, or none"),
    ),
)

DATASTORE_TLS = Table(
    "datastore_tls",
    "one listener of one datastore that an operator runs",
    ("object", "listener"),
    (
        text("object", "`Kind/namespace/name`"),
        text("namespace", "its namespace"),
        text("operator", "operator that runs it"),
        text("listener", "name of the listener where there are several, or none"),
        count("port", "port of the listener where the object names it"),
        text(
            "tls",
            "demanded: nothing else is taken; offered: clients may do without",
            ("demanded", "offered", "off", "unknown"),
        ),
        text("path", "field that says so"),
        text("value", "its value, or what its absence means"),
    ),
)
