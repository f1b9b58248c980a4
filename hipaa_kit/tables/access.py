"""Who acts in the cluster, and what roles allow."""

from hipaa_kit.tables.declaration import Table, count, flag, maybe, text

SERVICE_ACCOUNTS = Table(
    "service_accounts",
    "one ServiceAccount",
    ("object",),
    (
        text("object", "`ServiceAccount/namespace/name`"),
        text("namespace", "its namespace"),
        text("name", "its name"),
        maybe("automount_token", "what it says of mounting its token; null means yes"),
    ),
)

ROLES = Table(
    "roles",
    "one Role or ClusterRole",
    ("object",),
    (
        text("object", "`Role/namespace/name` or `ClusterRole//name`"),
        text("kind", "Role or ClusterRole", ("Role", "ClusterRole")),
        text("namespace", "its namespace, or none"),
        text("name", "its name"),
        count("rules", "number of its rules"),
        flag("aggregated", "its rules are written by the aggregation controller"),
    ),
)

ROLE_RULES = Table(
    "role_rules",
    "one value of one field of one rule of one role",
    ("role", "rule", "field", "value"),
    (
        text("role", "`Role/namespace/name` or `ClusterRole//name`"),
        count("rule", "position of the rule in the role"),
        text("field", "which field", ("verb", "api_group", "resource", "resource_name", "non_resource_url")),
        text("value", "its value"),
    ),
)

ROLE_BINDINGS = Table(
    "role_bindings",
    "one RoleBinding or ClusterRoleBinding",
    ("object",),
    (
        text("object", "`RoleBinding/namespace/name` or `ClusterRoleBinding//name`"),
        text("kind", "RoleBinding or ClusterRoleBinding", ("RoleBinding", "ClusterRoleBinding")),
        text("namespace", "its namespace, or none"),
        text("name", "its name"),
        text("role", "role it grants, `Role/namespace/name` or `ClusterRole//name`"),
        text("created_at", "creation time, as the server wrote it"),
    ),
)

BINDING_SUBJECTS = Table(
    "binding_subjects",
    "one subject of one role binding",
    ("binding", "subject_kind", "subject_namespace", "subject"),
    (
        text("binding", "`RoleBinding/namespace/name` or `ClusterRoleBinding//name`"),
        text("subject_kind", "User, Group or ServiceAccount"),
        text("subject_namespace", "namespace of a ServiceAccount, or none"),
        text("subject", "its name"),
    ),
)
