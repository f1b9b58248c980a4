"""Where pods and volumes may go: taints, rules about nodes, reach of volumes, and room when a node is lost."""

from hipaa_kit.tables.declaration import Table, amount, count, flag, maybe, text

NODE_TAINTS = Table(
    "node_taints",
    "one taint of one Node",
    ("node", "key", "effect"),
    (
        text("node", "`Node//name`"),
        text("key", "key of the taint"),
        text("value", "its value, or none"),
        text("effect", "NoSchedule, PreferNoSchedule or NoExecute"),
    ),
)

NODE_LABELS = Table(
    "node_labels",
    "one label of one Node",
    ("node", "key"),
    (text("node", "name of the Node"), text("key", "key of the label"), text("value", "its value, or none")),
)

NODE_CHOICES = Table(
    "node_choices",
    "one rule by which one pod chooses its nodes; pods without any have no row",
    ("pod", "rule", "key", "position"),
    (
        text("pod", "`Pod/namespace/name`"),
        text("rule", "which kind of rule", ("node_selector", "node_affinity", "pod_affinity")),
        text("key", "node label that it looks at, or none"),
        count("position", "position in the pod's list"),
    ),
)

VOLUME_REACH = Table(
    "volume_reach",
    "one zone in which one PersistentVolume can be mounted by its required node affinity; one row for a volume that "
    "can be mounted anywhere, or nowhere",
    ("persistent_volume", "zone"),
    (
        text("persistent_volume", "`PersistentVolume//name`"),
        text("zone", "zone of the nodes, or none where they have no zone label"),
        flag("anywhere", "no required node affinity binds it"),
        count("nodes", "nodes of the zone that take pods and can mount it"),
        text("node", "the only node of the cluster that can mount it, or none"),
    ),
)

CLASS_ZONES = Table(
    "class_zones",
    "one zone in which one StorageClass makes volumes, where it says so",
    ("storage_class", "zone"),
    (text("storage_class", "name of the StorageClass"), text("zone", "zone that it allows")),
)

NODE_LOSSES = Table(
    "node_losses",
    "one Node that runs ePHI pods, and what would become of its pods if it were lost now",
    ("node",),
    (
        text("node", "`Node//name`"),
        text("zone", "its zone label, or none"),
        count("displaced", "pods that would need another node: not those of DaemonSets and kubelets"),
        count("ephi_displaced", "of these, pods of ePHI workloads"),
        count("held", "ePHI pods that no other node may run: their volumes or rules hold them here"),
        count("choosy", "displaced ePHI pods that choose their nodes by rules that are not weighed"),
        amount("cpu_displaced", "CPU that displaced pods ask for, in cores, without those that are held"),
        amount("cpu_free", "CPU that other nodes have left, in cores"),
        amount("memory_displaced", "memory that displaced pods ask for, in bytes, without those that are held"),
        amount("memory_free", "memory that other nodes have left, in bytes"),
        maybe("all_fit", "a way was found to place every displaced pod; null where a node does not say what it has"),
        maybe("ephi_fit", "a way was found to place the displaced ePHI pods alone"),
        maybe("impossible", "the ePHI pods cannot find room in whatever way, even if all that may give way does"),
        text("unplaced", "displaced pods for which no room was found, joined by spaces"),
        text("stopped", "demanding ePHI workloads that are ready nowhere else and held here, joined by spaces"),
    ),
)
