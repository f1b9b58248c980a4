"""Workloads, their pods and what runs in them."""

from hipaa_kit.tables.declaration import Table, amount, count, flag, maybe, text

WORKLOADS = Table(
    "workloads",
    "one top owner of pods: a Deployment, StatefulSet, DaemonSet, Job, CronJob, an owner of another kind, "
    "or a pod without owner",
    ("object",),
    (
        text("object", "`Kind/namespace/name`"),
        text("group", "API group of the kind"),
        text("kind", "kind of the top owner"),
        text("namespace", "its namespace"),
        text("name", "its name"),
        flag("known", "the owner itself is in the snapshot, not only named by a pod"),
        count("desired", "replicas asked for; null where the kind has no such number"),
        count("ready", "replicas ready by the owner's status; null where it does not say"),
        count("available", "replicas available by the owner's status"),
        count("pods", "pods in the snapshot that run now"),
        flag(
            "replicated",
            "the kind keeps equal replicas: Deployment, StatefulSet, ReplicaSet, ReplicationController",
        ),
        text("claim_templates", "volume claim templates of a StatefulSet, joined by spaces"),
        text("created_at", "creation time, as the server wrote it"),
    ),
)

PODS = Table(
    "pods",
    "one pod; a workload without a pod in the snapshot has one made from its template (`live` is false)",
    ("object",),
    (
        text("object", "`Pod/namespace/name`"),
        text("namespace", "its namespace"),
        text("name", "its name; that of the workload where it was made from a template"),
        text("workload", "its top owner, `Kind/namespace/name`"),
        text("controller", "what controls the pod itself, `Kind/namespace/name`; none of bare and static pods"),
        flag("live", "the cluster holds this pod; false where it was made from a template"),
        flag("static", "run by a kubelet from a file, seen through its mirror"),
        text("node", "node it was bound to, or none"),
        text("phase", "Pending, Running, Succeeded, Failed, Unknown, or none"),
        maybe("ready", "its Ready condition; null where there is none"),
        text("qos_class", "Guaranteed, Burstable or BestEffort, by its resources"),
        amount("request_memory_bytes", "memory that it asks for as a whole, in bytes; null where it does not"),
        amount("asked_cpu_cores", "CPU that the scheduler counts for it, in cores, its overhead with it"),
        amount("asked_memory_bytes", "memory that the scheduler counts for it, in bytes"),
        text("priority_class", "PriorityClass named, or none"),
        flag("host_network", "uses the node's network"),
        text("service_account", "`ServiceAccount/namespace/name` it runs as"),
        maybe(
            "automount_token",
            "what the pod itself says of mounting its token; null where it leaves that to the account",
        ),
        text("restart_policy", "Always, OnFailure or Never"),
        count("grace_seconds", "seconds that its programs have to end before they are killed"),
        text("created_at", "creation time, as the server wrote it"),
    ),
)

CONTAINERS = Table(
    "containers",
    "one container of one pod",
    ("pod", "container"),
    (
        text("pod", "`Pod/namespace/name`"),
        text("container", "name of the container"),
        text("role", "what it is in the pod", ("main", "init", "sidecar", "ephemeral")),
        text("image", "image as written"),
        text("repository", "image without tag and digest"),
        text("tag", "tag, or none"),
        text("digest", "digest, as written or as run"),
        amount("request_cpu_cores", "CPU asked for, in cores"),
        count("request_memory_bytes", "memory asked for, in bytes"),
        amount("limit_cpu_cores", "CPU limit, in cores"),
        count("limit_memory_bytes", "memory limit, in bytes"),
        flag("read_only_root", "its root file system is read-only"),
        maybe("ready", "ready by its status"),
        count("restarts", "restarts by its status"),
        text("waiting_reason", "why it waits, or none"),
        text("terminated_reason", "why it ended the last time, or none"),
        text("terminated_at", "when it ended the last time, as the server wrote it"),
    ),
)

CONTAINER_PORTS = Table(
    "container_ports",
    "one port that a container declares",
    ("pod", "container", "port", "protocol"),
    (
        text("pod", "`Pod/namespace/name`"),
        text("container", "name of the container"),
        count("port", "port number"),
        text("protocol", "TCP, UDP or SCTP"),
        text("name", "name of the port, or none"),
        count("host_port", "port opened on the node, or null"),
    ),
)

ENVIRONMENT = Table(
    "environment",
    "one environment variable of one container",
    ("pod", "container", "name", "origin", "reference"),
    (
        text("pod", "`Pod/namespace/name`"),
        text("container", "name of the container"),
        text("name", "name of the variable, or the prefix of a whole source"),
        text("origin", "where its value comes from", ("literal", "Secret", "ConfigMap", "field", "resource")),
        text("reference", "`Kind/namespace/name` of the source object, or none"),
        text("key", "key in the source object; none where all keys are taken"),
    ),
)

PROBES = Table(
    "probes",
    "one probe of one container",
    ("pod", "container", "probe"),
    (
        text("pod", "`Pod/namespace/name`"),
        text("container", "name of the container"),
        text("probe", "which probe", ("readiness", "liveness", "startup")),
        text("handler", "how it asks", ("exec", "http", "tcp", "grpc", "none")),
        text("port", "port asked, number or name"),
        text("scheme", "HTTP or HTTPS where it asks by HTTP, or none", ("", "HTTP", "HTTPS")),
        text("host", "host that an HTTP probe asks where that is not the pod, or none"),
        text("program", "program that an exec probe runs"),
        count("initial_delay_seconds", "seconds before the first probe"),
        count("period_seconds", "seconds between probes"),
        count("timeout_seconds", "seconds it may take"),
        count("failure_threshold", "failures in a row that count"),
    ),
)

SPREAD_RULES = Table(
    "spread_rules",
    "one rule of one pod that spreads replicas: a topology spread constraint or a pod anti-affinity term",
    ("pod", "rule", "topology_key", "position"),
    (
        text("pod", "`Pod/namespace/name`"),
        text("rule", "which kind of rule", ("topology_spread", "anti_affinity")),
        text("topology_key", "node label that names the domain"),
        count("position", "position in the pod's list"),
        flag("required", "the scheduler must obey; false where it only prefers"),
        count("max_skew", "difference allowed between domains; null for anti-affinity"),
        count("min_domains", "domains that there must be before an empty one counts as more than nothing, or null"),
        text("counts", "namespace and selector of the pods that a constraint counts; none where it cannot be read"),
        maybe(
            "counts_itself", "a constraint counts its own pod: else it spreads others, or none; null for anti-affinity"
        ),
    ),
)

SPREAD_PEERS = Table(
    "spread_peers",
    "one pod that topology spread constraints count",
    ("counts", "pod"),
    (text("counts", "which constraints, as `spread_rules` has it"), text("pod", "`Pod/namespace/name`")),
)

DISRUPTION_BUDGETS = Table(
    "disruption_budgets",
    "one PodDisruptionBudget",
    ("object",),
    (
        text("object", "`PodDisruptionBudget/namespace/name`"),
        text("namespace", "its namespace"),
        text("name", "its name"),
        text("min_available", "minAvailable as written, or none"),
        text("max_unavailable", "maxUnavailable as written, or none"),
        text("unhealthy_pod_eviction", "unhealthyPodEvictionPolicy, or none"),
        count("disruptions_allowed", "disruptions allowed by its status"),
        count("current_healthy", "healthy pods by its status"),
        count("expected_pods", "pods it counts, by its status"),
    ),
)

BUDGET_PODS = Table(
    "budget_pods",
    "one pod that one PodDisruptionBudget selects",
    ("budget", "pod"),
    (
        text("budget", "`PodDisruptionBudget/namespace/name`"),
        text("pod", "`Pod/namespace/name`"),
    ),
)

AUTOSCALERS = Table(
    "autoscalers",
    "one HorizontalPodAutoscaler",
    ("object",),
    (
        text("object", "`HorizontalPodAutoscaler/namespace/name`"),
        text("namespace", "its namespace"),
        text("name", "its name"),
        text("workload", "what it scales, `Kind/namespace/name`"),
        count("min_replicas", "least replicas; 1 where not written"),
        count("max_replicas", "most replicas"),
        count("current_replicas", "replicas by its status"),
    ),
)

PRIORITY_CLASSES = Table(
    "priority_classes",
    "one PriorityClass",
    ("object",),
    (
        text("object", "`PriorityClass//name`"),
        text("name", "its name"),
        count("value", "priority"),
        flag("default", "given to pods that name none"),
        text("preemption_policy", "PreemptLowerPriority or Never"),
    ),
)
