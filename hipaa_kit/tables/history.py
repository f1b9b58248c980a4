"""One cluster over several moments: since when something has been there, and what replaced what."""

from collections.abc import Sequence

from hipaa_kit.tables.declaration import Column, Table, amount, count, flag, maybe, text
from hipaa_kit.vocabulary import COVERAGE_STATUSES

LIFE: tuple[Column, ...] = (
    count("life", "number of the life, from 1: what was proved to be gone and is there again lives again"),
    text("not_before", "last moment before at which it was proved not to be there; none where none proves it"),
    text("seen_first", "first moment at which it was seen"),
    text(
        "unbroken_since", "first moment from which on it was seen at every one; the same as above for an object's uid"
    ),
    text("seen_last", "last moment at which it was seen"),
    text("gone_by", "first moment after at which it was proved not to be there; none where none proves it"),
    text("unknown_at", "moments in between and around, joined by spaces, that show neither"),
)
"""What is known of one life. It began after `not_before`, and by `unbroken_since` at the latest."""

INSTANCE: tuple[Column, ...] = (
    text("uid", "uid of the object that it is or stands on; none where it was not known at some moment"),
    flag("recreated", "the life before had another uid under the same name"),
)

HISTORY_MOMENTS = Table(
    "history_moments",
    "one snapshot of a history",
    ("moment",),
    (
        text("moment", "when reading it began, UTC"),
        text("basis", "how that is known"),
        text("ended_at", "when the last answer came, or none"),
        text("place", "file or folder"),
        text("layout", "how the objects reached the kit"),
        text("cluster", "name of the cluster, as this snapshot has it"),
        text("cluster_uid", "uid of the cluster, or none"),
        text("same_cluster", "what shows that it is the cluster of the others, or none"),
        text("version", "version of its server, or none"),
        count("objects", "objects in it"),
        text("digest", "digest of the snapshot"),
    ),
)

HISTORY_GAPS = Table(
    "history_gaps",
    "one kind in one namespace of which a moment cannot prove that something is not there",
    ("moment", "group", "kind", "namespace"),
    (
        text("moment", "moment"),
        text("group", "API group"),
        text("kind", "kind of object"),
        text("namespace", "namespace; none is the whole cluster, or all that have no row of their own"),
        text("status", "what came back", COVERAGE_STATUSES),
        text("error", "why, or none"),
    ),
)

OBJECT_LIVES = Table(
    "object_lives",
    "one life of one object",
    ("group", "object", "life"),
    (
        text("group", "API group"),
        text("object", "`Kind/namespace/name`"),
        text("namespace", "its namespace, or none"),
        text("created_at", "its creation time, as the server wrote it, or none"),
        *LIFE,
        *INSTANCE,
    ),
)

IMAGE_LIVES = Table(
    "image_lives",
    "one stretch of time in which one container of one workload had one image, in its template or in a pod",
    ("workload", "container", "image", "life"),
    (
        text("workload", "top owner, `Kind/namespace/name`"),
        text("container", "name of the container"),
        text("image", "image as written"),
        text("namespace", "namespace of the workload"),
        *LIFE,
        *INSTANCE,
    ),
)

BINDING_LIVES = Table(
    "binding_lives",
    "one stretch of time in which one role binding gave one role to one subject",
    ("binding", "subject_kind", "subject_namespace", "subject", "role", "life"),
    (
        text("binding", "`RoleBinding/namespace/name` or `ClusterRoleBinding//name`"),
        text("subject_kind", "User, Group or ServiceAccount"),
        text("subject_namespace", "namespace of a ServiceAccount, or none"),
        text("subject", "its name"),
        text("role", "role it grants, `Role/namespace/name` or `ClusterRole//name`"),
        text("namespace", "namespace of the binding, or none"),
        text("created_at", "creation time of the binding, as the server wrote it, or none"),
        *LIFE,
        *INSTANCE,
    ),
)

ENDINGS = ("failed", "evicted", "deleted", "vanished", "restarted")
MATCHES = ("", "itself", "name", "node", "order")

REPLACEMENTS = Table(
    "replacements",
    "one instance of a workload that ended: a pod, or a container that its kubelet started again",
    ("pod", "uid", "container", "restarts"),
    (
        text("pod", "`Pod/namespace/name` that ended"),
        text("uid", "its uid"),
        text("container", "container that was started again, or none where the pod itself ended"),
        count("restarts", "restarts of the container up to then; 0 for a pod"),
        text("namespace", "its namespace"),
        text("workload", "its top owner, `Kind/namespace/name`; none where the chain of owners was not seen"),
        text("how", "what is known of its end; vanished: it was not there any more", ENDINGS),
        text(
            "cause",
            "reason that its status gives; NodeGone: the node it was last seen on went in the same time; NodesUnseen: "
            "that may be so; or none",
        ),
        text("failed_at", "when it ended or stopped being Ready, UTC, or none"),
        text("failed_basis", "what tells that, or none"),
        text("seen_last", "last moment at which it was seen"),
        text("gone_by", "first moment at which it was proved to be gone, or none"),
        text("replacement", "`Pod/namespace/name` in its place, or none"),
        text("replacement_uid", "its uid, or none"),
        text("matched_by", "what pairs the two; order: the first pod made for the same owner since", MATCHES),
        text("replaced_by", "who made the replacement: the object that controls it, or the node of a restart"),
        text("field_manager", "who wrote the replacement first, by its managed fields, or none"),
        text("created_at", "creation time of the replacement, or none"),
        text("ready_at", "when the replacement was Ready, or none"),
        amount("seconds_to_ready", "from the failure to Ready; null where that is not known"),
        text("reason", "why it is not known, or none"),
        text(
            "unready_at",
            "last moment that shows the replacement, where it was never Ready by all that is seen; or none",
        ),
        text("cluster_uid", "uid of the cluster, where every moment tells it; or none"),
    ),
)

OBSERVED_REPLACEMENTS = Table(
    "observed_replacements",
    "one instance that ended, as an earlier series tells it (`replacements`)",
    REPLACEMENTS.key,
    (*REPLACEMENTS.columns, maybe("same_cluster", "the series is of the cluster of the snapshot; null: not known")),
)


STANDINGS = ("", "isolated", "intended", "part", "open", "unknown")
"""How pods stand to policies: `intended` is isolated by policies of which it is not known that anything enforces them,
`part` is that some of a workload's pods are; none is that it is not there."""

ISOLATION_CHANGES = Table(
    "isolation_changes",
    "one workload and direction that stands otherwise at one moment than at the one before",
    ("moment", "workload", "direction"),
    (
        text("moment", "the later moment"),
        text("workload", "`Kind/namespace/name`"),
        text("namespace", "its namespace"),
        text("direction", "ingress or egress", ("ingress", "egress")),
        text("before", "how its pods stood; none where it was not there", STANDINGS),
        text("after", "how they stand; none where it is not there any more", STANDINGS),
        text(
            "policies_before",
            "policies that selected one of them and do not any more, joined by spaces; none where that is not known",
        ),
        text(
            "policies_after",
            "policies that select one of them and did not, joined by spaces; none where that is not known",
        ),
    ),
)

ISOLATION_TREND = Table(
    "isolation_trend",
    "one direction at one moment, and how many pods policies isolate",
    ("moment", "direction"),
    (
        text("moment", "moment"),
        text("direction", "ingress or egress", ("ingress", "egress")),
        count("isolated", "pods that policies isolate"),
        count("intended", "pods that they would, if it were known that anything enforces them"),
        count("open", "pods that no policy isolates"),
        count("unknown", "pods of which it is not known"),
        flag("complete", "all pods were seen; otherwise there may be more"),
    ),
)


def lives_table(table: Table, keys: Sequence[str]) -> Table:
    """Return the declaration of the lives of what some columns of a table say.

    Parameters
    ----------
    table
        Table that is built for every moment.
    keys
        Columns of it that make one fact.
    """
    columns = {column.name: column for column in table.columns}
    named = () if "namespace" in keys else (text("namespace", "namespace that the facts live in, or none"),)
    return Table(
        f"{table.name}_lives",
        f"one stretch of time in which table `{table.name}` had one value of {', '.join(keys)}",
        (*keys, "life"),
        (*(columns[key] for key in keys), *named, *LIFE),
    )
