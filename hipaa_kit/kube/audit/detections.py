"""The detections on audit events: what each looks for, the least level that shows it, how bad a hit is.

A condition is about one event. Rates, sequences and what is new for somebody are built on it in `graph/detections`;
their windows stand here. Numbers are proposals of the kit, none is one of the rule; sites set them by parameters of
the checks.

Sources: https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/ (fields, levels, stages),
`pkg/endpoints/request/requestinfo.go` of kubernetes/apiserver (exec, attach and port-forward arrive as `get` by
WebSocket and as `create` by SPDY; a namespace's own requests carry its name as namespace; a list or watch by
`fieldSelector=metadata.name=NAME` carries that name).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hipaa_kit.kube.audit.conditions import (
    Answered,
    Code,
    Condition,
    Contains,
    Is,
    Itself,
    Known,
    Listed,
    Matches,
    Mounts,
    Some,
    Starts,
    Truth,
    one,
)

RBAC: Final = ("rbac.authorization.k8s.io", "authorization.openshift.io")
MARKED: Final = "privileged hostPath hostNetwork hostPID hostIPC"
ENGINES: Final = (
    "kyverno.io",
    "policies.kyverno.io",
    "templates.gatekeeper.sh",
    "constraints.gatekeeper.sh",
    "config.gatekeeper.sh",
    "mutations.gatekeeper.sh",
    "expansion.gatekeeper.sh",
    "policies.kubewarden.io",
    "policy.jspolicy.com",
)
"""API groups of policy engines: https://kyverno.io/docs/, https://open-policy-agent.github.io/gatekeeper/,
https://docs.kubewarden.io/, https://www.jspolicy.com/docs/why-jspolicy."""


@dataclass(frozen=True)
class Raise:
    """What makes a hit worse, or less bad, than it is by default; why, and what was then done, where that is told."""

    severity: str
    where: Condition
    why: str = ""
    what: str = ""


@dataclass(frozen=True)
class Rate:
    """How many requests, or different values of some fields, come within how long.

    `least` is the smallest number that a site may ask for: hits below it are not kept.
    """

    seconds: int
    default: int
    least: int
    of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Detection:
    """One thing that a detection looks for; several with one id are parts of one detection.

    Attributes
    ----------
    id, part
        `LOG-01` and which part of it, or none.
    what
        What the principal did, as the middle of a sentence.
    tried
        The same where no request went well, if `what` would then say too much.
    level
        The least level at which an event shows it.
    where
        What an event has to meet.
    severity, raised
        How bad a hit is: that of the first of `raised` that its event meets, or the default.
    rate
        How many make a hit; None where one event does.
    by
        Field that says who: `user`, or `source_ip` where nobody is known.
    about
        What stands for the object: itself, its namespace, its owner, all of its kind, the user acted for, or the API
        server.
    """

    id: str
    what: str
    level: str
    where: Condition
    severity: str = "medium"
    raised: tuple[Raise, ...] = ()
    part: str = ""
    rate: Rate | None = None
    by: str = "user"
    about: str = "object"
    tried: str = ""

    @property
    def name(self) -> str:
        """Its id, and its part where it has one."""
        return f"{self.id} {self.part}".strip()

    @property
    def act(self) -> str:
        """What the principal did, where nothing is named after it."""
        return self.what.rstrip(":,")


DONE: Final = ~Truth("dry_run", True)
"""Nothing is changed by a dry run. What somebody asks for, tries and is refused is looked at whether it is one or not.

An answer to a dry run holds the object as it would be: who reads so is a matter of LOG-08 and of detections of any act.
"""

WRITES: Final = one("verb", "create update patch delete deletecollection") & DONE
WRITTEN: Final = one("verb", "create update patch") & DONE
MADE: Final = (Is("verb", ("create",)) | (Is("verb", ("patch",)) & Code((201,)))) & DONE
"""Server-side apply is a `patch`, which is answered by 201 where there was nothing before.

Sources: `pkg/endpoints/handlers/patch.go` of kubernetes/apiserver,
https://kubernetes.io/docs/reference/using-api/server-side-apply/.
"""

DELETES: Final = one("verb", "delete deletecollection") & DONE
READS: Final = one("verb", "get list watch")
CORE: Final = Is("api_group", ("",))
APPS: Final = one("api_group", "apps extensions")
"""`extensions` served the same objects: https://kubernetes.io/docs/reference/using-api/deprecation-guide/."""

ITSELF: Final = Is("subresource", ("",))
EPHI: Final = Known("ephi_namespaces")
EPHI_PODS: Final = EPHI & ~Known("other_pods", ("namespace", "name"))
OWN: Final = Listed("own")
"""Identities of the control plane and of kubelets, whose routine is no sign of anything."""

GITOPS: Final = Listed("gitops")


def person(field: str) -> Condition:
    """Return that a field names a person, as far as its name and the site's list of automation show it."""
    return (~Starts(field, ("system:",)) | Is(field, ("system:admin",))) & ~Listed("automation", field) & Some(field)


HUMAN: Final = person("user") | person("impersonated_user")
"""A person, or one for whom a proxy asks: the server knows the proxy as its user, and whom it acts as.

Source: https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/
"""
SECRETS: Final = CORE & Is("resource", ("secrets",))
IN_PODS: Final = CORE & Is("resource", ("pods",)) & one("subresource", "exec attach portforward")
WORKLOADS: Final = (
    (CORE & one("resource", "pods replicationcontrollers podtemplates"))
    | (APPS & one("resource", "deployments daemonsets statefulsets replicasets"))
    | (one("api_group", "batch extensions") & one("resource", "jobs cronjobs"))
)
MADE_FOR_AN_OWNER: Final = OWN & Some("owner")
"""A pod that a controller makes of a workload: the workload's own write is judged."""

RBAC_CHANGE: Final = (
    Is("api_group", RBAC)
    & one("resource", "roles clusterroles rolebindings clusterrolebindings")
    & WRITES
    & ~OWN
    & ~GITOPS
)
RIGHTS_GIVEN: Final = RBAC_CHANGE & WRITTEN
"""What may have given somebody a right; a deletion takes one away."""

NO_DETOUR: Final = ~Contains("path", ("..",))
HEALTH: Final = Is("resource", ("",)) & Starts("path", ("/healthz", "/livez", "/readyz", "/version")) & NO_DETOUR
CLUSTER_INFO: Final = (
    CORE & Is("resource", ("configmaps",)) & Is("verb", ("get",)) & Is("namespace", ("kube-public",))
    & Is("name", ("cluster-info",))
)  # fmt: skip
NOBODY: Final = Is("user", ("system:anonymous",)) | Is("user_groups", ("system:unauthenticated",))
POLICIES_OF_NETWORKS: Final = (
    (one("api_group", "networking.k8s.io extensions") & Is("resource", ("networkpolicies",)))
    | (Is("api_group", ("cilium.io",)) & one("resource", "ciliumnetworkpolicies ciliumclusterwidenetworkpolicies"))
    | (
        one("api_group", "crd.projectcalico.org projectcalico.org")
        & one("resource", "networkpolicies globalnetworkpolicies tiers globalnetworksets networksets")
    )
    | (
        Is("api_group", ("policy.networking.k8s.io",))
        & one("resource", "adminnetworkpolicies baselineadminnetworkpolicies clusternetworkpolicies")
    )
)
POD_SECURITY_POLICIES: Final = one("api_group", "policy extensions") & Is("resource", ("podsecuritypolicies",))
"""Served up to Kubernetes 1.24; a log may be of then."""

HOLDS_EPHI: Final = (
    (CORE & Is("resource", ("persistentvolumeclaims",)) & EPHI)
    | (CORE & Is("resource", ("persistentvolumes",)) & (Known("ephi_volumes", ("name",)) | Is("name", ("",))))
    | (APPS & Is("resource", ("statefulsets",)) & EPHI)
    | (Is("api_group", ("snapshot.storage.k8s.io",)) & one("resource", "volumesnapshots volumesnapshotcontents")
       & (EPHI | Is("namespace", ("",))))
)  # fmt: skip
BACKUPS: Final = one("api_group", "velero.io postgresql.cnpg.io k8up.io") & Is("resource", ("backups",))
EPHI_NAMESPACE: Final = CORE & Is("resource", ("namespaces",)) & Known("ephi_namespaces", ("name",))
DELETES_KEEPERS: Final = (
    CORE
    & DELETES
    & ITSELF
    & (
        (Is("resource", ("namespaces",)) & Known("logging_namespaces", ("name",)))
        | (Is("resource", ("pods",)) & Known("logging_namespaces"))
    )
)
"""What is in a deleted namespace is deleted by a controller, whose routine is no sign: the one request tells it. A
rollout deletes pods by controllers as well, and drained nodes evict them."""

WAY_FURTHER: Final = one("command_marks", "reverse_shell metadata_address service_account_token")
CONFIGURATION: Final = (
    (
        CORE
        & one(
            "resource",
            "configmaps secrets services serviceaccounts persistentvolumeclaims limitranges resourcequotas",
        )
    )
    | (APPS & one("resource", "deployments daemonsets statefulsets"))
    | (one("api_group", "networking.k8s.io extensions") & Is("resource", ("ingresses",)))
    | (Is("api_group", ("gateway.networking.k8s.io",)))
    | (one("api_group", "autoscaling extensions") & Is("resource", ("horizontalpodautoscalers",)))
    | (Is("api_group", ("policy",)) & Is("resource", ("poddisruptionbudgets",)))
)

DETECTIONS: Final[tuple[Detection, ...]] = (
    Detection(
        "LOG-01", "was refused", "Metadata", Code((403,)) & Some("user") & ~NOBODY,
        part="by user", rate=Rate(300, 10, 5), about="server",
    ),
    Detection(
        "LOG-01", "was turned away", "Metadata", Code((401, 403)) & Some("source_ip"),
        part="by address", rate=Rate(300, 10, 5), by="source_ip", about="server",
    ),
    Detection(
        "LOG-02", "without signing in was let through to", "Metadata",
        NOBODY & (Is("decision", ("allow",)) | (Is("decision", ("",)) & Answered())) & ~HEALTH & ~CLUSTER_INFO,
        severity="high",
    ),
    Detection(
        "LOG-03", "opened a session in, or a tunnel to,", "Metadata", IN_PODS & one("verb", "get create") & EPHI_PODS,
        severity="high",
    ),
    Detection(
        "LOG-04", "ran a shell or a program that fetches in", "Metadata",
        CORE & Is("resource", ("pods",)) & Is("subresource", ("exec",)) & one("verb", "get create")
        & Some("command_marks"),
        raised=(
            Raise("critical", WAY_FURTHER & EPHI_PODS, what="ran a command that looks for a way further in"),
            Raise("high", WAY_FURTHER, what="ran a command that looks for a way further in"),
            Raise("high", EPHI_PODS),
        ),
    ),
    Detection(
        "LOG-05", "put a container for debugging into", "Metadata",
        CORE & Is("resource", ("pods",)) & Is("subresource", ("ephemeralcontainers",)) & one("verb", "patch update")
        & DONE & EPHI_PODS,
        severity="high",
    ),
    Detection(
        "LOG-06", "listed or watched Secrets", "Metadata",
        SECRETS & one("verb", "list watch") & Is("name", ("",)) & (Is("namespace", ("",)) | EPHI)
        & ~OWN & ~Listed("secret_readers") & ~Listed("kit"),
        severity="high", part="list", tried="asked to list or watch Secrets",
    ),
    Detection(
        "LOG-06", "read many Secrets one by one", "Metadata",
        SECRETS & READS & Some("name") & ~OWN & ~Listed("secret_readers") & ~Listed("kit"),
        severity="high", part="burst", rate=Rate(300, 10, 5, ("namespace", "name")), about="all",
        tried="asked for many Secrets one by one",
    ),
    Detection(
        "LOG-07", "read", "Metadata",
        SECRETS & READS & Answered() & ~OWN
        & (Known("ephi_secrets", ("namespace", "name")) | Known("ephi_secrets_declared")
           | (Is("name", ("",)) & (Known("ephi_secrets") | Is("namespace", ("",))))),
        severity="high",
    ),
    Detection(
        "LOG-08", "with a program for scripts got at", "Metadata", SECRETS & Listed("scripting_agents", "user_agent"),
    ),
    Detection(
        "LOG-09", "changed", "Metadata", RBAC_CHANGE,
        raised=(
            Raise("critical", one("role_ref", "ClusterRole/cluster-admin"), "it binds cluster-admin"),
            Raise("high", one("role_marks", "wildcard_verb wildcard_resource escalate bind impersonate secrets exec"),
                  "the role gives everything of a kind, Secrets, sessions in pods, or further rights"),
            Raise("high", Starts("name", ("system:", "cluster-admin")), "it is one of the cluster's own"),
        ),
    ),
    Detection(
        "LOG-10", "changed", "Metadata",
        POLICIES_OF_NETWORKS & WRITES & ITSELF & (EPHI | Is("namespace", ("",))) & ~OWN,
        raised=(Raise("low", GITOPS), Raise("high", DELETES)),
    ),
    Detection(
        "LOG-11", "acted as", "Metadata", Some("impersonated_user"),
        raised=(
            Raise("critical", Is("impersonated_groups", ("system:masters",))
                  | Listed("administrators", "impersonated_user")),
        ),
        about="impersonated",
    ),
    Detection(
        "LOG-12", "made a token of", "Metadata",
        CORE & Is("resource", ("serviceaccounts",)) & Is("subresource", ("token",)) & Is("verb", ("create",))
        & ~Starts("user", ("system:node:",)) & ~OWN & ~Itself() & ~Listed("token_makers"),
        severity="high",
    ),
    Detection(
        "LOG-13", "asked for or approved a certificate:", "Metadata",
        Is("api_group", ("certificates.k8s.io",)) & Is("resource", ("certificatesigningrequests",))
        & ((MADE & ITSELF & ~Is("user_groups", ("system:bootstrappers",)))
           | (one("verb", "update patch") & DONE & Is("subresource", ("approval",))))
        & ~Starts("user", ("system:node:",)) & ~OWN & ~Listed("certificate_controllers"),
        severity="high",
    ),
    Detection(
        "LOG-14", "changed what admission allows:", "Metadata",
        (Is("api_group", ("admissionregistration.k8s.io", *ENGINES)) | POD_SECURITY_POLICIES) & WRITES & ITSELF & ~OWN
        & ~Listed("admission_controllers"),
        severity="high", raised=(Raise("low", GITOPS), Raise("critical", DELETES)),
    ),
    Detection(
        "LOG-15", "wrote a pod that reaches out of its container:", "Request",
        WORKLOADS & WRITTEN & Is("subresource", ("", "ephemeralcontainers")) & EPHI & one("pod_marks", MARKED),
        severity="high", raised=(Raise("critical", one("pod_marks", "privileged")),), about="owner",
    ),
    Detection(
        "LOG-16", "deleted", "Metadata",
        Is("api_group", ("", "events.k8s.io")) & Is("resource", ("events",)) & DELETES & ~OWN,
        severity="high", part="events", about="all",
    ),
    Detection(
        "LOG-16", "changed what keeps or watches the log:", "Metadata",
        ((((APPS & one("resource", "daemonsets deployments statefulsets"))
           | (CORE & Is("resource", ("configmaps",))))
          & one("verb", "update patch delete deletecollection") & DONE & Is("subresource", ("", "scale"))
          & Known("logging_namespaces"))
         | DELETES_KEEPERS)
        & ~OWN & ~Listed("log_keepers"),
        severity="high", raised=(Raise("low", GITOPS), Raise("low", Is("resource", ("pods",)))), part="keepers",
    ),
    Detection(
        "LOG-17", "was at work outside business hours in", "Metadata", HUMAN & EPHI,
        severity="low", part="hours", about="namespace",
    ),
    Detection(
        "LOG-17", "came for the first time from another address to", "Metadata", HUMAN & EPHI & Some("source_ip"),
        severity="low", part="address", about="namespace",
    ),
    Detection(
        "LOG-17", "came for the first time with another program to", "Metadata", HUMAN & EPHI & Some("user_agent"),
        severity="low", part="agent", about="namespace",
    ),
    Detection(
        "LOG-18", "made a snapshot:", "Metadata",
        Is("api_group", ("snapshot.storage.k8s.io",)) & Is("resource", ("volumesnapshots",)) & MADE & ITSELF
        & EPHI & ~OWN,
        severity="high", raised=(Raise("low", Listed("backup_controllers")),), part="snapshot",
    ),
    Detection(
        "LOG-18", "took backups out, or away:", "Metadata",
        Is("api_group", ("velero.io",)) & one("resource", "downloadrequests deletebackuprequests")
        & MADE & ITSELF & ~Listed("backup_controllers"),
        severity="high", part="velero",
    ),
    Detection(
        "LOG-18", "restored into another namespace:", "Request",
        Is("api_group", ("velero.io",)) & Is("resource", ("restores",)) & WRITTEN & Truth("namespace_mapping", True),
        severity="high", part="restore",
    ),
    Detection(
        "LOG-18", "made a copy of a volume:", "Request",
        CORE & Is("resource", ("persistentvolumeclaims",)) & MADE & ITSELF & EPHI & Some("data_source")
        & ~OWN,
        severity="high", raised=(Raise("low", Listed("backup_controllers")),), part="clone",
    ),
    Detection(
        "LOG-18", "had a new workload mount a volume:", "Request",
        WORKLOADS & MADE & ITSELF & EPHI & Mounts("claims") & ~MADE_FOR_AN_OWNER & ~GITOPS,
        severity="high", part="mount",
    ),
    Detection(
        "LOG-19", "deleted all of a kind:", "Metadata",
        Is("verb", ("deletecollection",)) & DONE & (HOLDS_EPHI | BACKUPS | (CORE & Is("resource", ("namespaces",))))
        & ~OWN,
        severity="critical", part="collection",
    ),
    Detection(
        "LOG-19", "deleted", "Metadata",
        Is("verb", ("delete",)) & DONE & (EPHI_NAMESPACE | BACKUPS) & ITSELF & ~OWN & ~Listed("backup_controllers"),
        severity="critical", part="single",
    ),
    Detection(
        "LOG-19", "deleted many objects that hold ePHI", "Metadata",
        Is("verb", ("delete",)) & DONE & HOLDS_EPHI & ITSELF & ~OWN,
        severity="critical", part="burst", rate=Rate(600, 5, 3), about="all",
    ),
    Detection(
        "LOG-20", "asked the kubelet through the API server, at", "Metadata",
        CORE & Is("resource", ("nodes",)) & Is("subresource", ("proxy",))
        & ~(Matches("path", r"/api/v1/nodes/[^/]+/proxy/(metrics|stats)") & NO_DETOUR),
        severity="high", raised=(Raise("low", OWN),),
    ),
    Detection(
        "LOG-21", "asked what it may do", "Metadata",
        Is("api_group", ("authorization.k8s.io",)) & one("resource", "selfsubjectrulesreviews selfsubjectaccessreviews")
        & Is("verb", ("create",)) & Starts("user", ("system:serviceaccount:",)) & ~OWN & ~Listed("kit"),
        part="self", about="all",
    ),
    Detection(
        "LOG-21", "listed many kinds of object", "Metadata",
        Is("verb", ("list",)) & Some("resource") & ~OWN & ~Listed("kit") & ~Listed("listers"),
        part="burst", rate=Rate(60, 5, 3, ("api_group", "resource")), about="server",
    ),
    Detection("LOG-22", "used emergency access for", "Metadata", Listed("break_glass"), severity="high"),
    Detection("LOG-23", "was active after the last day of work, at", "Metadata", Some("user"),
              severity="high", part="ended"),
    Detection("LOG-23", "was active again after a long time, at", "Metadata", HUMAN, part="idle"),
    Detection("LOG-23", "was active for the first time since this log began, at", "Metadata", HUMAN, part="first"),
    Detection(
        "LOG-24", "changed how the cluster resolves names, or who may sign in:", "Metadata",
        CORE & Is("resource", ("configmaps",)) & WRITES & Is("namespace", ("kube-system", "openshift-dns"))
        & (one("name", "coredns coredns-custom kube-dns aws-auth kube-proxy node-local-dns dns-default")
           | (Is("verb", ("deletecollection",)) & Is("name", ("",))))
        & ~OWN,
        severity="high", raised=(Raise("critical", one("name", "aws-auth")),),
    ),
    Detection(
        "LOG-25", "opened a way in from outside:", "Request",
        CORE & Is("resource", ("services",)) & WRITTEN & ITSELF & EPHI & one("service_type", "NodePort LoadBalancer")
        & ~OWN,
        severity="high", part="service",
    ),
    Detection(
        "LOG-25", "opened a way in without TLS:", "Request",
        Is("api_group", ("networking.k8s.io", "extensions")) & Is("resource", ("ingresses",)) & WRITTEN & ITSELF & EPHI
        & Truth("tls", False) & ~OWN,
        severity="high", part="ingress",
    ),
    Detection(
        "LOG-26", "changed rights, and within five minutes wrote, deleted or entered something in", "Metadata",
        ((WORKLOADS & WRITES & ITSELF) | (IN_PODS & one("verb", "get create"))) & ~OWN & ~GITOPS & Answered(),
        severity="high", raised=(Raise("low", DELETES),), about="namespace",
    ),
    Detection(
        "LOG-27", "wrote what Pod Security would object to:", "Metadata",
        EPHI & one("pod_security", "exempt audit_violations") & DONE, about="owner",
    ),
    Detection(
        "LOG-28", "wrote a job:", "Metadata",
        one("api_group", "batch extensions") & one("resource", "cronjobs jobs") & WRITTEN & ITSELF & EPHI & HUMAN
        & ~GITOPS,
    ),
    Detection(
        "LOG-30", "changed configuration by hand:", "Metadata",
        CONFIGURATION & WRITES & Is("subresource", ("", "scale")) & EPHI & HUMAN & ~GITOPS & Answered(),
        severity="low",
    ),
    Detection(
        "LOG-31", "did far more than is usual for it in", "Metadata", EPHI & Some("user") & ~OWN,
        severity="low", about="namespace",
    ),
)  # fmt: skip
"""Every part of every detection, in their order. LOG-29 reads sign-ins at the identity provider, not this log."""


def parts(name: str) -> tuple[Detection, ...]:
    """Return the parts of one detection."""
    return tuple(each for each in DETECTIONS if each.id == name)
