"""Policies rule by rule, and the traffic of ePHI workloads as it is declared, allowed and seen."""

from hipaa_kit.tables.declaration import Table, count, flag, maybe, text
from hipaa_kit.tables.observed import FLOW_RECORDS
from hipaa_kit.tables.reachability import ENFORCEMENT, FLOW_VERDICTS

CATEGORIES = ("clinical", "administration", "dns", "monitoring", "backup", "external")
SEEN = ("yes", "no", "unknown")
STANDINGS = ("pod", "node", "service", "outside", "several", "other_time", "no_time", "nobody")
"""Whose an address was: one pod's; that of a node and of all pods on its network; a Service's; outside; several pods'
at once; a pod's, but not provably all of the time; not known for want of a time; nobody's that the snapshot has."""

POLICY_OBJECTS = Table(
    "policy_objects",
    "one object of any kind that decides who may connect to whom",
    ("object",),
    (
        text("object", "`Kind/namespace/name`"),
        text("kind", "its kind"),
        text("namespace", "its namespace, or none"),
        flag("dialect", "it is of another kind than the NetworkPolicy of Kubernetes"),
        flag("read", "all that it says is understood"),
        text("reason", "what of it is not understood, or none"),
        count("pods", "pods that it selects, or perhaps selects"),
    ),
)

POLICY_RULES = Table(
    "policy_rules",
    "one rule of one policy",
    ("policy", "part", "direction", "rule"),
    (
        text("policy", "`Kind/namespace/name`"),
        count("part", "position among the parts of a policy that is several; 0 for most"),
        text("direction", "ingress or egress", ("ingress", "egress")),
        count("rule", "position of the rule in its direction"),
        text("action", "what it does", ("allow", "deny", "pass")),
        text("peers", "its peers in words"),
        text("ports", "its ports in words"),
        flag("every_peer", "it names no peer at all: every peer is meant"),
        flag("every_namespace", "it names every pod of every namespace"),
        flag("internet", "its addresses hold a part of the internet as large as a /8, or larger"),
        count("widest", "ports that it names of the protocol of which it names most"),
        text("unmatched_peers", "selectors of pods among its peers that match nothing, joined by semicolons"),
        text("unmatched_ports", "names of ports that no pod it could lead to has, joined by spaces"),
    ),
)

EPHI_TRAFFIC = Table(
    "ephi_traffic",
    "one pair of ends, one of them at least an ePHI workload, that may connect, is declared, or was seen",
    ("source", "destination", "protocol"),
    (
        text("source", "`Kind/namespace/name`, or addresses outside the cluster"),
        text("source_namespace", "its namespace, or none"),
        text("destination", "`Kind/namespace/name`, or addresses outside the cluster"),
        text("destination_namespace", "its namespace, or none"),
        text("protocol", "TCP, UDP or SCTP"),
        count("source_others", "workloads or addresses besides that are alike and stand in the row with the source"),
        count("destination_others", "the same of the destination"),
        text("allowed", "ports that are allowed, joined by spaces"),
        text("unknown", "ports of which it is not known whether they are allowed, joined by spaces"),
        text("declared", "ports that the scope file declares, joined by spaces"),
        text("undeclared", "ports that are allowed and not declared, joined by spaces"),
        text("doubtful", "ports that are not declared and perhaps allowed, joined by spaces"),
        text("blocked", "ports that are declared and denied, joined by spaces"),
        text("category", "what the traffic is for", CATEGORIES),
        flag("outside", "one end lies outside the cluster"),
        flag("internet", "that end holds addresses of the internet"),
        flag("metadata", "that end holds the address of the cloud's instance metadata service"),
        text(
            "seen",
            "a flow log has such a connection; not known without one, or where it does not say who that was",
            SEEN,
        ),
        text("unexpected", "ports on which connections were seen that are not declared, joined by spaces"),
        text("contradicted", "ports on which connections were seen that no policy allows, joined by spaces"),
        maybe("idle", "it has no pod that runs at one end, so that nothing can be said of it"),
        text("reason", "why something is not known, or none"),
        text("enforcement", "whether anything enforces policy", ENFORCEMENT),
        text("verdict", "what the policies decide of most it may do", FLOW_VERDICTS),
        flag("source_ephi", "the source is an ePHI workload"),
        flag("destination_ephi", "the destination is an ePHI workload"),
    ),
)

FLOW_ENDS = Table(
    "flow_ends",
    "one end of the connections of one row of `flow_records` that the log names by its address alone",
    (*FLOW_RECORDS.key, "side"),
    (
        *(column for column in FLOW_RECORDS.columns if column.name in FLOW_RECORDS.key),
        text("side", "which end", ("source", "destination")),
        text("standing", "whose the address was for all of the time, or why that is not known", STANDINGS),
        text("pod", "`Pod/namespace/name` that had it for all of the time, or none"),
    ),
)

EPHI_MAP = Table(
    "ephi_map",
    "one ePHI workload, or store outside the cluster, on the map of the network",
    ("object",),
    (
        text("object", "`Kind/namespace/name`, or `External//name`"),
        text("namespace", "its namespace, or none"),
        flag("external", "it is a store outside the cluster"),
        count("pods", "its pods that run, or one that stands for those to come"),
        text("off_map", "pods whose connections the map does not show, and why; joined by semicolons"),
        count("flows_in", "ends from which connections may come, or perhaps may, by protocol"),
        count("flows_out", "ends to which it may connect, or perhaps may, by protocol"),
        count("outside", "of both, those with an end outside the cluster"),
        count("entries", "ways in from outside, by Services and routes"),
        count("open_questions", "of both, those with ports of which it is not known whether they are allowed"),
        text("reason", "why these are not known, or none"),
        text("contradicted", "connections that were seen and no policy allows, joined by semicolons"),
        text("enforcement", "whether anything enforces policy", ENFORCEMENT),
    ),
)

NAMESPACE_ENVIRONMENTS = Table(
    "namespace_environments",
    "one namespace, and the environment that its labels name",
    ("namespace",),
    (
        text("namespace", "its name"),
        text("label", "label that says so, or none"),
        text("environment", "its value, or none"),
        maybe("production", "the value names production; null where no label says"),
    ),
)

BLAST_RADIUS = Table(
    "blast_radius",
    "one ePHI workload, and from how much of the cluster it can be reached in so many connections one after another",
    ("workload", "hops"),
    (
        text("workload", "`Kind/namespace/name`"),
        count("hops", "connections one after another"),
        count("pods", "pods of other workloads from which it can be reached"),
        count("workloads", "workloads of these pods: their number stays where one is only scaled"),
        count("perhaps", "pods besides, from which it perhaps can"),
        count("of", "pods of other workloads in the cluster"),
        count("accounts", "service accounts of the pods that can, or perhaps can"),
        text("enforcement", "whether anything enforces policy", ENFORCEMENT),
    ),
)

NAMESPACE_FLOWS = Table(
    "namespace_flows",
    "one pair of namespaces with pods, and whether pods of the one may connect to pods of the other",
    ("source", "destination"),
    (
        text("source", "namespace that the connections come from"),
        text("destination", "namespace that they lead to"),
        text("verdict", "what the policies decide of most that any pair of their pods may do", FLOW_VERDICTS),
        count("allowed", "pairs of pods between which some port is allowed"),
        count("unknown", "pairs of pods besides, between which some port is perhaps allowed"),
        count("pairs", "pairs of pods, each with itself left out"),
        text("enforcement", "whether anything enforces policy", ENFORCEMENT),
    ),
)
