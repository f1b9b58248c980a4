"""Who may open a connection to whom, why, and what is not known of it."""

from hipaa_kit.tables.declaration import Table, count, flag, maybe, text

ENFORCEMENT = ("enforced", "not_enforced", "unknown")
FLOW_VERDICTS = ("allowed", "denied", "unknown")

FLOWS = Table(
    "flows",
    "one range of ports on which a source may open a connection to a destination, or perhaps may",
    ("source", "destination", "protocol", "port_from", "port_to", "family", "verdict", "reason"),
    (
        text("source", "`Kind/namespace/name`, or addresses outside the cluster"),
        text("source_namespace", "its namespace, or none"),
        text("destination", "`Kind/namespace/name`, or addresses outside the cluster"),
        text("destination_namespace", "its namespace, or none"),
        text("protocol", "TCP, UDP or SCTP"),
        count("port_from", "first port of the destination"),
        count("port_to", "last port of the destination"),
        text("family", "address family where flows differ by it, or none", ("", "IPv4", "IPv6")),
        text("verdict", "what the policies decide", FLOW_VERDICTS),
        text("reason", "why it is not known, or none"),
        text("enforcement", "whether anything enforces policy", ENFORCEMENT),
        count("pod_pairs", "pairs of pods, or pods where one end is outside, that the row stands for"),
    ),
)

EPHI_FLOWS = Table(
    "ephi_flows",
    "one row of `flows` with an ePHI workload at one end or both, without what only sharing a node opens",
    FLOWS.key,
    (
        *FLOWS.columns,
        count("source_others", "workloads or addresses besides that are alike and stand in the row with the source"),
        count("destination_others", "the same of the destination"),
        flag("source_ephi", "the source is an ePHI workload"),
        flag("destination_ephi", "the destination is an ePHI workload"),
    ),
)

ISOLATION = Table(
    "isolation",
    "one direction of one pod that has not ended",
    ("pod", "direction"),
    (
        text("pod", "`Pod/namespace/name`"),
        text("namespace", "its namespace"),
        text("workload", "`Kind/namespace/name` it belongs to"),
        text("direction", "ingress or egress", ("ingress", "egress")),
        maybe("isolated", "a policy isolates it: what no rule allows is denied; null where that is not known"),
        maybe("open", "every peer may connect on every port; null where that is not known"),
        text("policies", "policies that select it, joined by spaces"),
        count("policy_count", "how many these are"),
        text("reason", "why something is not known, or none"),
        flag("other_networks", "it has interfaces beside that of the pod network, which no policy here governs"),
        text("enforcement", "whether anything enforces policy on its node", ENFORCEMENT),
    ),
)

NAMESPACE_ISOLATION = Table(
    "namespace_isolation",
    "one namespace and the NetworkPolicies in it",
    ("namespace",),
    (
        text("namespace", "its name"),
        count("policies", "NetworkPolicies in it, those of Calico among them"),
        maybe("denies_ingress", "a policy isolates every pod of it for ingress; null where that is not known"),
        maybe("denies_egress", "a policy isolates every pod of it for egress; null where that is not known"),
        count("pods", "pods in it that have not ended"),
        flag("complete", "the NetworkPolicies in it were all seen"),
    ),
)

REACHABILITY_OPTIONS = Table(
    "reachability_options",
    "one matter that the rules leave open, as it was decided for this cluster",
    ("option",),
    (
        text("option", "name of the option"),
        text("value", "value in force"),
        text("basis", "what it rests on"),
    ),
)

FLOW_STEPS = Table(
    "flow_steps",
    "one rule, or default, that has a say in one connection",
    ("direction", "step"),
    (
        text("direction", "side that decides: egress of the source, ingress of the destination", ("egress", "ingress")),
        count("step", "position in the order of decisions"),
        text("stage", "stage of the decision, or none"),
        text("policy", "`Kind/namespace/name`, or none"),
        count("rule", "position of the rule in its direction; null where no rule decides"),
        text("action", "allow, deny or pass, or none"),
        text("matches", "whether it matches the connection", ("yes", "perhaps", "no")),
        flag("decides", "it decides its side"),
        text("detail", "the rule in words, or why"),
    ),
)

EXPOSURES = Table(
    "exposures",
    "one way into one port of one pod from outside the cluster",
    ("pod", "protocol", "port", "entry", "entry_port", "host", "via"),
    (
        text("pod", "`Pod/namespace/name`, or none where the entry leads nowhere"),
        text("workload", "`Kind/namespace/name` it belongs to, or none"),
        text("protocol", "TCP, UDP or SCTP"),
        count("port", "port of the pod"),
        text("entry", "`Kind/namespace/name` that opens the way"),
        text(
            "entry_type", "how it opens it: load_balancer, node_port, external_ip, ingress, gateway, route, host_port"
        ),
        count("entry_port", "port on which it is opened"),
        text("host", "host name asked for, or none"),
        text("via", "service, route or gateway on the way, joined by spaces"),
        text("level", "who can come in", ("internet", "restricted", "private", "none", "unknown")),
        text("source_ranges", "addresses that may come in, joined by spaces; none for all"),
        text("tls", "what is known of TLS: terminated, passthrough, reencrypted, none, unknown"),
        text("tls_secret", "`Secret/namespace/name` of its certificates, joined by spaces, or none"),
        text("verdict", "what the policies of the pod decide of what it sees", FLOW_VERDICTS),
        text("seen_as", "what the pod sees as the source: client, node, or the controller's workload"),
        text("reason", "why the way is cut or not known, or none"),
        text("enforcement", "whether anything enforces policy", ENFORCEMENT),
    ),
)

NETWORK_LINT = Table(
    "network_lint",
    "one defect of one policy, or of how policies stand together",
    ("object", "defect", "path"),
    (
        text("object", "`Kind/namespace/name`, or the pod it is about"),
        text("namespace", "its namespace, or none"),
        text("defect", "short name of the defect"),
        text("path", "where in the object, or none"),
        text("detail", "one sentence"),
        text("severity", "whether it changes who may connect", ("error", "warning", "info")),
        flag("sure", "it rests on nothing that was not seen: no other pod or policy could undo it"),
    ),
)

FLOW_CHANGES = Table(
    "flow_changes",
    "one range of ports between two workloads on which the verdict has changed",
    ("source", "destination", "protocol", "port_from", "port_to"),
    (
        text("source", "`Kind/namespace/name`, or addresses outside the cluster"),
        text("destination", "`Kind/namespace/name`, or addresses outside the cluster"),
        text("protocol", "TCP, UDP or SCTP"),
        count("port_from", "first port"),
        count("port_to", "last port"),
        text("before", "worst verdict before; none where an end was not there", ("", *FLOW_VERDICTS, "mixed")),
        text("after", "worst verdict after; none where an end is not there", ("", *FLOW_VERDICTS, "mixed")),
        text("policies", "policies that changed and select an end, joined by spaces"),
    ),
)
