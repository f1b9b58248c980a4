"""What may pass the door: lists with a reason each. What is not named here does not pass."""

from __future__ import annotations

import re
from typing import Final

ANNOTATIONS: Final = re.compile(
    r"""
    # written by Kubernetes itself: revisions, binding of volumes, leader and mirror marks
    (?:deployment|deprecated\.daemonset\.template|batch|autoscaling|pv|volume|node|kubectl)\.kubernetes\.io/
        (?!last-applied-configuration|original-template)[\w.-]+
    | volume\.beta\.kubernetes\.io/[\w.-]+
    | storageclass\.(?:beta\.)?kubernetes\.io/is-default-class
    | ingressclass\.kubernetes\.io/is-default-class
    | kubernetes\.io/(?:config\.(?:source|mirror|hash|seen)|ingress\.class)
    | kubernetes\.io/(?:service-account\.name|enforce-mountable-secrets)
    | rbac\.authorization\.kubernetes\.io/autoupdate
    # security settings of pods that older clusters keep in annotations
    | (?:container\.apparmor\.security\.beta|(?:container\.)?seccomp\.security\.alpha)\.kubernetes\.io/[\w.-]+
    # how an entry point terminates and redirects TLS
    | nginx\.ingress\.kubernetes\.io/(?:force-)?ssl-redirect
    | nginx\.ingress\.kubernetes\.io/(?:backend-protocol|ssl-passthrough|proxy-ssl-verify)
    | service\.(?:beta\.)?kubernetes\.io/[\w.-]*(?:internal|scheme|type|ssl-ports|backend-protocol)
    | cert-manager\.io/(?:cluster-)?issuer(?:-kind|-group)?
    # what is injected, scraped, backed up, installed
    | sidecar\.istio\.io/inject | linkerd\.io/inject | prometheus\.io/(?:scrape|port|path|scheme)
    | backup\.velero\.io/backup-volumes(?:-excludes)? | helm\.sh/hook(?:-weight|-delete-policy)?
    | argocd\.argoproj\.io/(?:sync-wave|hook) | meta\.helm\.sh/release-(?:name|namespace)
    """,
    re.VERBOSE,
)
"""Annotations whose values are operational and short; every other value becomes a pseudonym."""

ENVIRONMENT: Final = re.compile(
    r"(?:.*_)?(?:SSL_?MODE|TLS_?MODE|SSL_?ENABLED|TLS_?ENABLED|TLS_MIN_VERSION|SSL_MIN_VERSION|REQUIRE_(?:SSL|TLS))"
    r"|ENABLE_NETWORK_POLICY|ENABLE_POLICY|LOG_LEVEL|TZ"
)
"""Environment variables whose literal is a setting that checks read."""

HARMLESS: Final = re.compile(r"|true|false|yes|no|on|off|[0-9]{1,5}", re.IGNORECASE)
"""Literals that say nothing of anyone: truth values and small numbers."""

SECRET_KEY: Final = re.compile(
    r"passw|passphrase|token|secret|credential|api_?key|access_?key|private_?key|encryption_?key|client_?key"
    r"|user_?data|connection_?string|^auth$|^dsn$|^key$|sas_?url|webhook_?url",
    re.IGNORECASE,
)
"""Field names under which a text is taken for a secret."""

REFERENCE_KEY: Final = re.compile(
    r"secretname|secretref|secretkeyref|secretnamespace|configmapref|tokenrequests|automountserviceaccounttoken"
    r"|imagepullsecrets|boundobjectref|credentialname",
    re.IGNORECASE,
)
"""Field names that look like secrets and only name one."""

STRUCTURAL: Final = frozenset(
    [
        "apiGroup",
        "apiVersion",
        "conditionStatus",
        "creationTimestamp",
        "group",
        "kind",
        "lastTransitionTime",
        "mode",
        "name",
        "namespace",
        "operator",
        "phase",
        "protocol",
        "reason",
        "schedule",
        "scope",
        "secretName",
        "serviceAccountName",
        "serviceName",
        "status",
        "storageClassName",
        "type",
        "version",
    ]
)
"""Fields of kinds that are not built in whose texts pass: they name or place things.

A family of checks that reads more of a custom resource adds what it reads here, with the check.
"""

OPAQUE: Final = frozenset(["volumeAttributes", "options", "opaque", "flexVolume"])
"""Maps of built-in kinds whose content another program defines: texts in them become pseudonyms."""

DROPPED: Final = frozenset(
    ["managedFields", "message", "note", "caBundle", "openAPIV3Schema", "request", "certificate", "userData"]
)
"""Fields that are removed where they hold a text or a schema: words, bodies, certificates."""

DATA_KINDS: Final = {
    "Secret": ("data", "stringData"),
    "ConfigMap": ("data", "binaryData"),
    "ControllerRevision": ("data",),
}
"""Kinds whose payload goes; the names of its keys stay. A ControllerRevision repeats a whole pod template."""

CONTROL_PLANE: Final = frozenset(
    [
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-proxy",
        "kube-scheduler",
        "kubelet",
    ]
)
"""Programs whose flags checks read: values of their flags stay, but for those that name a secret."""

SHELLS: Final = frozenset(["ash", "bash", "busybox", "dash", "ksh", "sh", "zsh", "cmd", "powershell", "pwsh"])
