"""What the files of the control plane and of the nodes say; the API shows none of it."""

from hipaa_kit.tables.declaration import Table, amount, count, flag, maybe, text

NODE = text("node", "node whose file it is; none is the control plane as a whole")

ENCRYPTION_PROVIDERS = Table(
    "encryption_providers",
    "one provider for one resource in the API server's encryption configuration; the first of a resource writes",
    ("node", "entry", "resource", "position"),
    (
        NODE,
        count("entry", "entry in `resources`, from 1; the first that names a resource counts"),
        text("resource", "resource as written, such as `secrets` or `*.*`"),
        count("position", "place among the providers of the entry, from 1; the first one writes"),
        text("provider", "kind of provider: identity, aescbc, aesgcm, secretbox, kms"),
        text("name", "name of a key service, or none"),
        text("api_version", "version of a key service's plugin, or none"),
        count("keys", "keys that the provider names"),
    ),
)

ENCRYPTION_KEYS = Table(
    "encryption_keys",
    "one key that a provider names; the key itself is never read",
    ("node", "entry", "position", "place"),
    (
        NODE,
        count("entry", "entry in `resources`, from 1"),
        count("position", "place of the provider in it, from 1"),
        count("place", "place of the key, from 1; the first one encrypts"),
        text("key_name", "name of the key"),
    ),
)

ETCD_VALUES = Table(
    "etcd_values",
    "values of one resource in etcd that begin alike; only the beginning is read, never a value",
    ("node", "resource", "prefix"),
    (
        NODE,
        text("resource", "resource, such as `secrets`"),
        text("prefix", "`k8s:enc:<provider>:<version>:<key>:`; none where the value is plain text"),
        count("objects", "how many"),
        maybe("complete", "all objects of the resource were looked at, and not only some"),
        text("taken_at", "when they were looked at, or none"),
    ),
)

NODE_FILESYSTEMS = Table(
    "node_filesystems",
    "one place at which a node mounts a block device",
    ("node", "mount_path"),
    (
        text("node", "name of the node"),
        text("mount_path", "where it is mounted; `[SWAP]` for swap"),
        text("device", "name of the device"),
        maybe("encrypted", "the node encrypts it: a crypt device lies below"),
    ),
)

AUDIT_POLICIES = Table(
    "audit_policies",
    "one audit policy of an API server",
    ("node",),
    (
        NODE,
        text("api_version", "version of the format"),
        count("rules", "rules in it"),
        text("omit_stages", "stages left out of every event, joined by spaces"),
        maybe("omit_managed_fields", "managed fields are left out; false where the file does not say"),
    ),
)

AUDIT_RULES = Table(
    "audit_rules",
    "one rule of an audit policy; the first that matches a request decides",
    ("node", "position"),
    (
        NODE,
        count("position", "place among the rules, from 1"),
        text("level", "level as written: None, Metadata, Request, RequestResponse"),
        text("omit_stages", "stages left out, joined by spaces"),
        maybe("omit_managed_fields", "managed fields are left out; unknown where the rule does not say"),
    ),
)

AUDIT_RULE_MATCHES = Table(
    "audit_rule_matches",
    "one value that one rule of an audit policy is restricted to; a rule without such rows matches everything",
    ("node", "position", "field", "entry", "value"),
    (
        NODE,
        count("position", "place of the rule, from 1"),
        text(
            "field",
            "field of the rule",
            (
                "users",
                "user_groups",
                "verbs",
                "namespaces",
                "non_resource_urls",
                "group",
                "resources",
                "resource_names",
            ),
        ),
        count("entry", "entry in the rule's `resources`, from 1, that holds a group and its resources; else 0"),
        text("value", "value; the group of the core is none"),
    ),
)

ADMISSION_PLUGINS = Table(
    "admission_plugins",
    "one plugin of an API server's admission configuration",
    ("node", "name"),
    (
        NODE,
        text("name", "name of the plugin"),
        text("path", "file that configures it, or none"),
        text("configuration", "kind of configuration that stands in the same file, or none"),
    ),
)

POD_SECURITY_DEFAULTS = Table(
    "pod_security_defaults",
    "one mode of Pod Security admission and what it does where a namespace says nothing",
    ("node", "mode"),
    (
        NODE,
        text("mode", "mode", ("enforce", "audit", "warn")),
        text("level", "level: privileged, baseline, restricted; privileged where nothing is written"),
        text("version", "version of the standard; latest where nothing is written"),
    ),
)

POD_SECURITY_EXEMPTIONS = Table(
    "pod_security_exemptions",
    "one user, runtime class or namespace that Pod Security admission does not look at",
    ("node", "field", "value"),
    (
        NODE,
        text("field", "what is exempt", ("usernames", "runtime_classes", "namespaces")),
        text("value", "its name"),
    ),
)

KUBELET_SETTINGS = Table(
    "kubelet_settings",
    "one kubelet and what it runs with; a setting that its file does not write is unknown, the default applies",
    ("node",),
    (
        NODE,
        text("origin", "its configuration file, or what it reports itself", ("file", "configz")),
        maybe("anonymous_auth", "requests without credentials are let in"),
        maybe("webhook_auth", "tokens are checked with the API server"),
        text("authorization_mode", "Webhook or AlwaysAllow; none where not written"),
        text("client_ca_file", "file with the authority for client certificates, or none"),
        count("read_only_port", "port that answers without credentials; 0 is closed"),
        maybe("rotate_certificates", "the client certificate is renewed"),
        maybe("server_tls_bootstrap", "the serving certificate comes from the cluster's authority"),
        text("tls_min_version", "lowest TLS version, or none"),
        text("tls_cipher_suites", "cipher suites, joined by spaces"),
        maybe("protect_kernel_defaults", "refuses to run with other kernel settings"),
        maybe("make_iptables_util_chains", "keeps its own chains"),
        count("event_record_qps", "events written per second"),
        amount("streaming_idle_seconds", "seconds after which an idle exec or port-forward is closed"),
        maybe("debugging_handlers", "exec, logs and port-forward are served"),
        maybe("seccomp_default", "pods run with the runtime's seccomp profile unless they say otherwise"),
        maybe("fail_swap_on", "refuses to run with swap"),
        count("pod_pids_limit", "processes per pod; -1 is no limit"),
        count("max_pods", "pods on the node"),
        text("static_pod_path", "folder of static pods, or none"),
    ),
)

CONTROL_PLANE_MEMBERS = Table(
    "control_plane_members",
    "one instance of one control-plane component, seen as a pod",
    ("component", "pod"),
    (
        text("component", "etcd, kube-apiserver, kube-controller-manager or kube-scheduler"),
        text("pod", "`Pod/namespace/name`"),
        text("node", "node it runs on"),
        text("zone", "zone of that node, or none"),
        maybe("ready", "its Ready condition"),
        flag("flags_read", "its container starts the component itself: table `control_plane_flags` has all its flags"),
        text("version", "tag of its image"),
    ),
)

CONTROL_PLANE_FLAGS = Table(
    "control_plane_flags",
    "one flag that one member of the control plane runs with",
    ("pod", "number"),
    (
        text("component", "etcd, kube-apiserver, kube-controller-manager or kube-scheduler"),
        text("pod", "`Pod/namespace/name`"),
        count("number", "place of the flag on the command line; of one that repeats the last counts, or all of a list"),
        text("name", "name of the flag, without dashes"),
        text("value", "its value; `true` for a boolean without one, a pseudonym where it may name a secret"),
    ),
)
