"""What is refused when pods are made: Pod Security by namespace, policies of admission engines, their webhooks."""

from hipaa_kit.kube.admission import ACTIONS, REACHES
from hipaa_kit.tables.declaration import Table, count, flag, text

ENGINES = ("kyverno", "kyverno_cel", "gatekeeper", "validating_admission_policy")
LEVELS = ("", "privileged", "baseline", "restricted")
WAYS = ("refuses", "ignores errors", "not sent", "in the server", "unknown")

ADMISSION_RULES = Table(
    "admission_rules",
    "one rule, binding or constraint of an admission engine about the security of pods, as it meets one namespace",
    ("policy", "part", "namespace"),
    (
        text("policy", "`Kind/namespace/name` of the policy"),
        text("part", "rule or binding within it, or none"),
        text("namespace", "namespace"),
        text("engine", "engine that judges", ENGINES),
        text("reach", "which new pods of the namespace it looks at", REACHES),
        text("action", "what becomes of pods that fall short", ACTIONS),
        flag("ignores_errors", "by the policy itself pods are let in where it cannot be judged"),
        text(
            "way",
            "how pods of the namespace come to the engine: through a webhook that refuses or ignores what it cannot "
            "ask about, not at all, or within the API server",
            WAYS,
        ),
        text("level", "level of the Pod Security Standards that it asks for exactly, or none", LEVELS),
        text("version", "version of that level, or none"),
        text("fields", "fields of the Pod Security Standards that it speaks of, joined by spaces"),
        text("doubt", "why it may let pass more than it seems, or none"),
        flag(
            "refuses",
            "it refuses every new pod of the namespace that does not meet `level`, and nothing shows a way past",
        ),
    ),
)

ADMISSION_WEBHOOKS = Table(
    "admission_webhooks",
    "one validating webhook of a known admission engine",
    ("object", "webhook"),
    (
        text("object", "`ValidatingWebhookConfiguration//name`"),
        text("webhook", "its name"),
        text("engine", "engine behind it", ENGINES),
        flag("ignores_errors", "requests are let in where it cannot be asked"),
        text("sees", "namespaces whose every new pod it is asked about, joined by spaces"),
        text("misses", "namespaces of whose new pods it is asked about none, or only some, joined by spaces"),
    ),
)

POD_ADMISSION = Table(
    "pod_admission",
    "one namespace and what is refused when pods are made in it",
    ("object",),
    (
        text("object", "`Namespace//name`"),
        text("name", "its name"),
        flag("seen", "the Namespace is in the snapshot, with its labels"),
        text(
            "enforce", "level of the Pod Security Standards that the API server enforces; none where not known", LEVELS
        ),
        text("enforce_version", "version of that level"),
        text(
            "basis",
            "what the level rests on: the namespace's label, the server's default, an exemption, admission that is "
            "off, or nothing that was seen",
            ("label", "default", "exempt", "off", "unknown"),
        ),
        text("warn", "level that clients are warned of", LEVELS),
        text("audit", "level that is noted in the audit log", LEVELS),
        text("errors", "labels of Pod Security whose values mean nothing, joined by spaces"),
        text("lacks", "controls of the newest version that the enforced version does not have, joined by spaces"),
        text("configuration", "what is known of the API server's own settings", ("given", "none", "unknown")),
        text("exempt", "users and runtime classes that Pod Security does not look at, joined by spaces"),
        text("engine_level", "highest level that policies of engines enforce exactly, or none", LEVELS),
        text("engine_policies", "policies that do, joined by spaces"),
        text("read", "policies that refuse pods for their security settings, and must be read to know for which"),
        text("read_fields", "fields of the Pod Security Standards that these speak of, joined by spaces"),
    ),
)

POD_SECURITY = Table(
    "pod_security",
    "one control of the restricted level of the Pod Security Standards, in the newest version that the server knows, "
    "which one pod does not meet",
    ("pod", "control"),
    (
        text("pod", "`Pod/namespace/name`"),
        text("control", "its name, as Kubernetes has it; `unreadable` where the pod has a shape that the API refuses"),
        text("level", "level it belongs to, or none", LEVELS),
        text("reason", "what is wrong, field by field"),
        text("paths", "fields it is about, joined by spaces"),
    ),
)

TOKEN_VOLUMES = Table(
    "token_volumes",
    "one volume of one pod, written into it, that brings a token of its service account",
    ("pod", "volume"),
    (
        text("pod", "`Pod/namespace/name`"),
        text("volume", "name of the volume"),
        text("audience", "whom the token is for; none is the API server"),
        count("expiration_seconds", "seconds for which it is good; an hour where not written"),
        flag("automatic", "admission added it, as the pod or its account asks for"),
    ),
)

ACCOUNT_SECRETS = Table(
    "account_secrets",
    "one Secret that one ServiceAccount names, or, where Secrets were read, that keeps a token of it by its own word",
    ("account", "secret"),
    (
        text("account", "`ServiceAccount/namespace/name`"),
        text("secret", "`Secret/namespace/name`"),
        flag(
            "token",
            "it keeps a token without end: it says so, or is named as Kubernetes named those that it made itself",
        ),
    ),
)

ENTRY_GUARDS = Table(
    "entry_guards",
    "one sign that an Ingress asks who comes in before it lets anyone through",
    ("entry", "signal"),
    (
        text("entry", "`Ingress/namespace/name`"),
        text("signal", "annotation that shows it"),
        flag("certain", "the annotation itself asks for credentials; false where it names something that may"),
    ),
)

WEBHOOKS = Table(
    "webhooks",
    "one webhook that the API server asks when objects are made or changed",
    ("object", "webhook"),
    (
        text("object", "`MutatingWebhookConfiguration//name` or `ValidatingWebhookConfiguration//name`"),
        text("webhook", "its name"),
        flag("mutates", "it may change what it is asked about"),
        flag("ignores_errors", "requests are let in where it cannot be asked"),
        text("service", "`Service/namespace/name` that answers, or none"),
        text("host", "host of the URL that answers, or none"),
        flag("outside", "that host is neither the API server's own machine nor a Service of the cluster"),
        text("guards", "what it is known to enforce, by its name, or none"),
        text("rules", "operations, groups and versions, resources and scope that it is asked about"),
        text("namespaces", "selector of the namespaces that it is asked about, JSON; none for all"),
        text("objects", "selector of the objects that it is asked about, JSON; none for all"),
        text("conditions", "digest of the conditions under which it is asked, or none"),
    ),
)
