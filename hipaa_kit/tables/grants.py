"""Access as it follows from role bindings: who was given which role, who gets at ePHI, and by which ways around."""

from hipaa_kit.tables.declaration import Column, Table, count, flag, text

HOLDER = (
    text("subject_kind", "User, Group or ServiceAccount; a User of a service account's name is the ServiceAccount"),
    text("subject", "user or group name, or `namespace/name` of a service account"),
    text("object", "the subject as `Kind/namespace/name`"),
)
STOCK = flag("stock", "every cluster is born with it")

GRANTS = Table(
    "grants",
    "one subject to whom one role binding gives its role",
    ("binding", "subject_kind", "subject"),
    (
        *HOLDER,
        text("binding", "role binding, `Kind/namespace/name`"),
        text("scope", "namespace of the role binding, or none for the cluster"),
        text("role", "role it gives, `Kind/namespace/name`; none where no role can be meant"),
        flag("role_known", "the role is there"),
        STOCK,
        flag("administrator", "the role allows every verb on every resource of every API group"),
        flag("public", "the role gives no more than discovery, version and health of the server, and self-review"),
        text("created_at", "creation time of the role binding, as the server wrote it"),
        text("reviewed_on", "what annotation `hipaa-kit.io/reviewed-on` says, or none"),
        text("approved_by", "pseudonym of what annotation `hipaa-kit.io/approved-by` says, or none"),
        text("ticket", "what annotation `hipaa-kit.io/ticket` says, or none"),
        flag("break_glass", "it, or its role, carries the label `hipaa-kit.io/break-glass: true`"),
    ),
)

WILDCARDS = Table(
    "wildcards",
    "one field of one rule of one role that holds `*`",
    ("role", "rule", "field"),
    (
        text("role", "`Role/namespace/name` or `ClusterRole//name`"),
        count("rule", "position of the rule in the role"),
        text("field", "field that holds `*`", ("verbs", "apiGroups", "resources", "nonResourceURLs")),
        text("api_groups", "API groups of the rule, joined by spaces; `core` is the core group"),
        text("resources", "resources of the rule, joined by spaces"),
        flag("own", "all API groups are of custom resources, whose objects are no part of Kubernetes"),
    ),
)

ROLE_GIVES = Table(
    "role_gives",
    "one verb on one resource that one role bound to a user or group gives, for whatever names",
    ("role", "verb", "api_group", "resource"),
    (
        text("role", "`Role/namespace/name` or `ClusterRole//name`; from manifests with what it will aggregate"),
        text("verb", "verb, as the rule has it"),
        text("api_group", "API group, as the rule has it; the core group is none"),
        text("resource", "resource or resource/subresource, as the rule has it"),
    ),
)

EPHI_ACCESS = Table(
    "ephi_access",
    "one resource through which one subject gets at ePHI by one role binding: it reads Secrets or ConfigMaps of a "
    "namespace with ePHI, or enters pods there",
    ("object", "binding", "resource", "resource_names"),
    (
        *HOLDER,
        text("access", "what it amounts to", ("read", "enter")),
        text("scope", "namespace in which it is held, or none for the whole cluster"),
        text("resource", "resource or resource/subresource; all of them are of the core group"),
        text("verbs", "verbs that it may use, joined by spaces"),
        text("resource_names", "only the objects of these names, joined by spaces, or none where every name"),
        text("binding", "role binding, `Kind/namespace/name`"),
        text("role", "role it gives, `Kind/namespace/name`"),
        STOCK,
        flag("administrator", "the role allows every verb on every resource of every API group"),
    ),
)

EPHI_WAYS = Table(
    "ephi_ways",
    "one namespace with ePHI that one subject, or one pod that can take its node, could reach by becoming more than "
    "its role bindings say, by the way with the fewest steps; a subject without any way has one row, too",
    ("object", "namespace"),
    (
        text("subject_kind", "User, Group, ServiceAccount or Pod"),
        text("subject", "user or group name, or `namespace/name`"),
        text("object", "the subject as `Kind/namespace/name`"),
        text("namespace", "namespace with ePHI; `*` is every namespace, none where there is no way"),
        Column("hops", "int64", "steps of the way that somebody has to take; 0 where there is none"),
        text("target", "what is reached, `Kind/namespace/name`, where `*` stands for any"),
        text("path", "the way in words, step by step"),
        text("techniques", "techniques of its steps, joined by spaces"),
        text("bindings", "role bindings that give the rights, joined by spaces"),
        text("confidence", "how sure it is that the rights suffice", ("certain", "needs-condition", "heuristic")),
        STOCK,
        flag("administrator", "it may do everything already"),
    ),
)

CHOKE_POINTS = Table(
    "choke_points",
    "one role binding that stands on the shortest ways around of subjects to ePHI; without it they are longer or gone",
    ("binding",),
    (
        text("binding", "role binding, `Kind/namespace/name`"),
        Column("subjects", "int64", "subjects on whose ways it stands"),
        Column(
            "namespaces", "int64", "different namespaces with ePHI to which these ways lead; every one counts as one"
        ),
        text("techniques", "techniques of these ways, joined by spaces"),
    ),
)
