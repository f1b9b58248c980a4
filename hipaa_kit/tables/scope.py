"""The ePHI scope as declared, and as it meets the objects of the cluster."""

from hipaa_kit.tables.declaration import Table, count, flag, text
from hipaa_kit.tables.workloads import WORKLOADS
from hipaa_kit.vocabulary import CRITICALITIES

SCOPE_DECLARATION = Table(
    "scope_declaration",
    "the declared ePHI scope as a whole; there is one row, also where none is declared",
    ("object",),
    (
        text("object", "`Scope//name`"),
        flag("declared", "a scope file was given"),
        text("owner", "who answers for the scope"),
        text("reviewed_on", "date of its last review, or none"),
        count("entries", "its entries"),
    ),
)

SCOPE_ENTRIES = Table(
    "scope_entries",
    "one entry of the scope file",
    ("object",),
    (
        text("object", "`ScopeEntry//position`, counted from 1"),
        text(
            "selector",
            "which selector",
            ("label", "namespace", "name", "claim", "image", "service", "external"),
        ),
        text("text", "the selector as written"),
        text("namespace", "namespace it is limited to, or none"),
        text("owner", "who answers for the data"),
        text("data_class", "class of the data"),
        text("criticality", "how much depends on it", CRITICALITIES),
        text("via", "Service through which an external store is reached, or none"),
        count("line", "line in the scope file"),
        count("matches", "objects it selects; null for an external store"),
    ),
)

SCOPE_MATCHES = Table(
    "scope_matches",
    "one object that one entry of the scope file selects",
    ("entry", "object"),
    (
        text("entry", "`ScopeEntry//position`"),
        text("object", "`Kind/namespace/name` selected"),
    ),
)

EPHI_OBJECTS = Table(
    "ephi_objects",
    "one object that holds, serves, routes or stores ePHI by the declared scope",
    ("object",),
    (
        text("object", "`Kind/namespace/name`, or `External//name`"),
        text("kind", "its kind"),
        text("namespace", "its namespace, or none"),
        text("name", "its name"),
        text("criticality", "the highest of the entries that lead to it", CRITICALITIES),
        text("data_class", "data class of that entry"),
        text("owner", "owner named by that entry"),
        text("entry", "`ScopeEntry//position` of that entry"),
        text("via", "how it is reached: declared, or the object through which it belongs"),
    ),
)

EPHI_WORKLOADS = Table(
    "ephi_workloads",
    "one workload in the ePHI scope",
    ("object",),
    (
        *WORKLOADS.columns,
        text("criticality", "the highest of the entries that lead to it", CRITICALITIES),
        text("data_class", "data class of that entry"),
        text("owner", "owner named by that entry"),
    ),
)

EPHI_CANDIDATES = Table(
    "ephi_candidates",
    "one sign that a workload outside the declared scope may hold ePHI",
    ("object", "signal", "matched"),
    (
        text("object", "workload, `Kind/namespace/name`"),
        text("namespace", "its namespace"),
        text(
            "signal",
            "what looks like ePHI",
            ("image", "port", "environment", "service", "label", "disk"),
        ),
        text("matched", "what was recognised: software, protocol or word"),
        text("confidence", "how telling the sign is", ("high", "medium", "low")),
        text("excluded", "why the scope leaves the workload out, in its words; none where it does not"),
    ),
)

EXPECTED_FLOWS = Table(
    "expected_flows",
    "one flow that the scope file declares as expected",
    ("source", "destination", "port", "protocol"),
    (
        text("source", "what opens the connection: `Kind/namespace/name`, `Namespace//name`, addresses or internet"),
        text("destination", "what answers, written alike"),
        count("port", "port, or null for every port"),
        text("protocol", "TCP, UDP or SCTP; none for every protocol"),
    ),
)

FAILURE_POINTS = Table(
    "failure_points",
    "one node, zone or volume whose loss alone stops every ready replica of an ePHI workload",
    ("workload", "point", "through"),
    (
        text("workload", "`Kind/namespace/name` that stops"),
        text("point", "`Node//name`, `Zone//name` or `PersistentVolumeClaim/namespace/name` lost"),
        text("kind", "what is lost", ("node", "zone", "claim")),
        text("through", "workload it depends on by an expected flow, itself where it stops directly"),
        count("replicas", "ready replicas that stop"),
    ),
)

SPREAD = Table(
    "spread",
    "one ePHI workload with replicas, and what they are spread over",
    ("workload",),
    (
        text("workload", "`Kind/namespace/name`"),
        text("namespace", "its namespace"),
        text("criticality", "how much depends on it", CRITICALITIES),
        count("ready_replicas", "pods that are ready and bound to a node"),
        count("nodes", "different nodes under them"),
        count("zones", "different known zones under them"),
        count("unplaced", "ready replicas whose node is not in the snapshot, or whose node has no zone"),
        count(
            "survives",
            "losses of one node, zone or volume each that it survives at least, by the smallest cut",
        ),
        flag("constrained", "a rule obliges the scheduler to spread them"),
    ),
)
