"""What would mend findings of access control.

What a running program or a person loses with a permission, nobody can read from objects: a grant is taken away by
manifest only where it is for everyone, for nobody that is left, or where the role is for this alone. All else is a
decision of people, and said in words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from hipaa_kit.inventory.workloads import Workload
from hipaa_kit.kube.owners import object_id
from hipaa_kit.kube.patches import DIRECTIVE
from hipaa_kit.kube.reading import as_map, as_maps, as_text, as_texts
from hipaa_kit.safeguards.access_control.tokens import STOCK
from hipaa_kit.safeguards.remedy import (
    Cluster,
    Failing,
    Instruction,
    Remedy,
    Step,
    advise,
    by_hand,
    containers_of,
    containers_patch,
    head,
    mend,
    patch,
    remedy,
    run,
    template_patch,
    without_host_ports,
)
from hipaa_kit.sources.overlay import Change, Delete, Patch, Put
from hipaa_kit.sources.snapshot import Record

RBAC: Final = "rbac.authorization.k8s.io"
EVERYONE: Final = ("system:authenticated", "system:unauthenticated", "system:serviceaccounts")
BORN_WITH: Final = {
    "system:public-info-viewer": ("system:authenticated", "system:unauthenticated"),
    "system:basic-user": ("system:authenticated",),
    "system:discovery": ("system:authenticated",),
}
"""Role bindings for everyone that every cluster is born with, and their groups; the role has the same name.

Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#discovery-roles
"""

ENFORCE: Final = "pod-security.kubernetes.io/enforce"


@remedy("HK-ACC-02", "HK-ACC-04")
def not_for_everyone(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Take everyone out of a role binding, or let one that a cluster is born with give what it is born to give."""
    record = cluster.record(finding.object)
    if record is None or "Binding" not in finding.kind:
        return _flags(finding)
    groups = BORN_WITH.get(finding.name)
    if groups and finding.kind == "ClusterRoleBinding":
        born = {
            "apiVersion": f"{RBAC}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {
                "name": finding.name,
                "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"},
                "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"},
            },
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": finding.name},
            "subjects": [{"apiGroup": RBAC, "kind": "Group", "name": name} for name in groups],
        }
        return mend(
            "let it give what a cluster is born with",
            [run("kubectl delete clusterrolebinding {}", finding.name), Put(born)],
            "the role of a role binding cannot be changed in place: it is deleted first, and made again",
        )
    return mend(
        "take everyone out of the role binding",
        [without_subjects(record, lambda subject: _is_everyone(as_text(subject.get("name"))))],
        "who used it without being named needs a role binding of their own",
    )


def _is_everyone(name: str) -> bool:
    return name in EVERYONE or name.startswith("system:serviceaccounts:")


@remedy("HK-ACC-09")
def nobody_left(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Take out of a role binding those who are gone, or delete it where nobody is left or the role is gone."""
    record = cluster.record(finding.object)
    if record is None:
        return None
    if any("whoever makes it decides" in reason for reason in finding.reasons):
        return mend(
            "delete the role binding", [Delete(head(record))], "its role does not exist: it gives nothing today"
        )
    gone = set(finding.members)

    def is_gone(subject: Mapping[str, Any]) -> bool:
        kind, name = as_text(subject.get("kind")), as_text(subject.get("name"))
        own = as_text(subject.get("namespace")) or record.namespace
        return object_id(kind, own if kind == "ServiceAccount" else "", name) in gone

    return mend(
        "take out of it who is gone",
        [without_subjects(record, is_gone)],
        "if a name is only misspelt, correct it: what it was meant for lacks the permission today",
    )


def without_subjects(record: Record, gone: Callable[[Mapping[str, Any]], bool]) -> Change | None:
    """Return the change that takes subjects out of a role binding: its deletion where none is left, None for none."""
    subjects = as_maps(record.content.get("subjects"))
    kept = [dict(each) for each in subjects if not gone(each)]
    if len(kept) == len(subjects):
        return None
    return patch(record, subjects=kept) if kept else Delete(head(record))


@remedy("HK-ACC-06", "HK-ACC-07", "HK-ACC-23")
def approved_or_narrowed(finding: Failing, cluster: Cluster) -> Remedy:
    """Take a permission of a program out of a role that is its alone; anything else is for people to decide."""
    narrowed = _narrowed(finding, cluster) if finding.kind == "ServiceAccount" else None
    if narrowed is not None:
        return narrowed
    bindings = [name for name in finding.evidence if "Binding/" in name]
    who = (
        f"{finding.kind} {finding.namespace}/{finding.name}" if finding.namespace else f"{finding.kind} {finding.name}"
    )
    return advise(
        "approve the permission, or take it away",
        f"is {who} meant to have it? Then record its role in the access matrix: {finding.reason}",
        f"if not: narrow the role of {', '.join(bindings) or 'its role binding'}, or take out of the group whose "
        "role may not have it",
        caution="what uses the permission stops: ask the audit log who used it",
    )


def _narrowed(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Return what takes the resources named in a finding out of roles that nobody else has."""
    unwanted: dict[str, set[str]] = {}
    for member in finding.members:
        resource, _, binding = member.rpartition(" by ")
        unwanted.setdefault(binding, set()).add(resource.split()[0] if resource else "")
    steps = []
    for binding, resources in sorted(unwanted.items()):
        step = _role_without(cluster.record(binding), resources, cluster)
        if step is None:
            return None
        steps.append(step)
    return mend(
        "take what is not approved out of its role",
        steps,
        "what the program does with it stops: ask the audit log first, or record the permission in the access matrix",
    )


def _role_without(binding: Record | None, resources: set[str], cluster: Cluster) -> Patch | None:
    """Return the patch that takes resources out of the role of a binding; None where others have the role."""
    if binding is None or len(as_maps(binding.content.get("subjects"))) != 1:
        return None
    reference = as_map(binding.content, "roleRef")
    kind, name = as_text(reference.get("kind")), as_text(reference.get("name"))
    role = cluster.record(object_id(kind, binding.namespace if kind == "Role" else "", name))
    shared = [row["binding"] for row in cluster.rows("grants", role=role.object if role else "")]
    if role is None or set(shared) != {binding.object} or as_map(role.content, "aggregationRule"):
        return None
    rules = []
    for rule in as_maps(role.content.get("rules")):
        kept = [each for each in as_texts(rule.get("resources")) if each not in resources]
        if "*" in kept or any(each.startswith("*/") for each in kept):
            return None
        if kept or rule.get("nonResourceURLs"):
            rules.append({**rule, "resources": kept} if "resources" in rule else dict(rule))
    return patch(role, rules=rules)


@remedy("HK-ACC-11")
def no_token(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Mount no token into pods of the default service account."""
    workload = cluster.workload(finding.object)
    if workload is None:
        return None
    if any("without end" in reason for reason in finding.reasons):
        return advise(
            "replace the token without end",
            "use the token that Kubernetes projects into the pod, and delete the Secret once nothing uses it",
            caution="who still uses the token is locked out: the annotation last-used of the Secret tells",
        )
    granted = [
        row["binding"]
        for row in cluster.rows("grants", object=_account_of(finding.object, cluster))
        if row["role"] not in STOCK
    ]
    caution = "a program that calls the Kubernetes API fails without it"
    if granted:
        caution += (
            f", and this account has {', '.join(sorted(granted))}: give the workload an account of its own instead"
        )
    volumes, mounts = _written_tokens(workload)
    spec = {"automountServiceAccountToken": False, **({"volumes": volumes} if volumes else {})}
    return mend("mount no token", [containers_patch(workload, mounts, **spec)], caution)


def _written_tokens(workload: Workload) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    """Return what takes out a token that a template brings by itself: changes of volumes, and of containers by name."""
    names = {
        as_text(volume.get("name"))
        for volume in as_maps(as_map(workload.template, "spec").get("volumes"))
        for source in as_maps(as_map(volume, "projected").get("sources"))
        if "serviceAccountToken" in source and not as_map(source, "serviceAccountToken").get("audience")
    }
    mounts: dict[str, dict[str, Any]] = {}
    for _, container in containers_of(workload):
        paths = [each.get("mountPath") for each in as_maps(container.get("volumeMounts")) if each.get("name") in names]
        if paths:
            mounts[container["name"]] = {"volumeMounts": [{"mountPath": path, DIRECTIVE: "delete"} for path in paths]}
    return [{"name": name, DIRECTIVE: "delete"} for name in sorted(names)], mounts


def _account_of(workload: str, cluster: Cluster) -> str:
    rows = cluster.pods(workload)
    return str(rows[0]["service_account"]) if rows else ""


@remedy("HK-ACC-12")
def own_account(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Give a workload a service account of its own."""
    workload = cluster.workload(finding.object)
    if workload is None:
        return None
    old = _account_of(finding.object, cluster)
    name = cluster.free_name("ServiceAccount", workload.namespace, workload.name)
    account: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": name, "namespace": workload.namespace},
        "automountServiceAccountToken": False,
    }
    before = cluster.record(old)
    if before is not None and (pulls := as_maps(before.content.get("imagePullSecrets"))):
        account["imagePullSecrets"] = [dict(each) for each in pulls]
    granted = sorted({row["binding"] for row in cluster.rows("grants", object=old) if row["role"] not in STOCK})
    caution = f"it mounts no token, and has none of what {old} may do"
    caution += f": that is {', '.join(granted)}; bind what it needs" if granted else ""
    caution += "; roles of a cloud that hang on the old account have to name the new one"
    return mend(
        "give it a service account of its own",
        [Put(account), template_patch(workload, serviceAccountName=name, automountServiceAccountToken=False)],
        caution,
    )


@remedy("HK-ACC-15", also=["HK-ACC-16"])
def enforce_restricted(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Label a namespace so that Pod Security enforces the restricted level, unless the server leaves it out."""
    record = cluster.record(finding.object)
    rows = cluster.rows("pod_admission", object=finding.object)
    if record is None or not rows:
        return None
    refused = _refused(finding.name, cluster)
    caution = "new pods that do not meet the level are refused"
    if refused:
        caution += f": today those of {', '.join(refused[:5])}" + (f" and {len(refused) - 5} more" * (len(refused) > 5))
        caution += "; mend them first, or they do not come back when they are lost"
    if rows[0]["basis"] in ("exempt", "off"):
        return advise(
            "let Pod Security look at the namespace",
            f"take {finding.name} out of the exemptions in the admission configuration of every API server",
            run("kubectl label namespace {} {}=restricted --overwrite", finding.name, ENFORCE),
            caution=caution,
        )
    labels = {ENFORCE: "restricted"}
    if as_map(record.content, "metadata", "labels").get(f"{ENFORCE}-version"):
        labels[f"{ENFORCE}-version"] = "latest"
    return mend("enforce the restricted level", [patch(record, metadata={"labels": labels})], caution)


def _refused(namespace: str, cluster: Cluster) -> list[str]:
    """Return the workloads of a namespace whose pods do not meet the restricted level."""
    pods = cluster.rows("pods", namespace=namespace)
    return sorted({row["workload"] for row in pods if cluster.rows("pod_security", pod=row["object"])})


@remedy("HK-ACC-16")
def restricted_pods(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Correct the fields of a pod template that the restricted level asks for."""
    workload = cluster.workload(finding.object)
    if workload is None:
        return None
    found = [row for pod in cluster.pods(finding.object) for row in cluster.rows("pod_security", pod=pod["object"])]
    controls = {str(row["control"]) for row in found}
    spec, containers = _restricted(workload, controls)
    steps: list[Step | None] = [containers_patch(workload, containers, **spec)]
    if controls & {"restrictedVolumes", "hostPathVolumes"}:
        steps.append(
            Instruction(f"put a claim, or another volume of the restricted level, in the place of: {finding.observed}")
        )
    cautions = [words for control, words in _CAUTIONS.items() if control in controls]
    return mend("let it meet the restricted level", steps, "; ".join(cautions))


_CAUTIONS: Final = {
    "runAsNonRoot": "an image that starts as root is refused by the kubelet: give it a user (runAsUser), and the files "
    "it writes to that user (fsGroup)",
    "runAsUser": "with user 0 taken away the image decides",
    "capabilities_restricted": "a program that changes users or opens ports under 1024 needs what it is left without",
    "privileged": "a program that works on its node no longer can",
    "hostNamespaces": "what connects to it by the node's address needs a Service",
    "hostPorts": "what connects to it by the node's address needs a Service",
    "seccompProfile_restricted": "system calls that programs rarely make are refused",
}


def _restricted(workload: Workload, controls: set[str]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return the changes of a pod's spec, and of its containers by name, that correct what some controls forbid."""
    pod = as_map(workload.template, "spec")
    spec: dict[str, Any] = {}
    if "hostNamespaces" in controls:
        spec |= {field: None for field in ("hostNetwork", "hostPID", "hostIPC") if pod.get(field)}
    security = _context(as_map(pod, "securityContext"), controls, whole=True)
    if security:
        spec["securityContext"] = security
    changes: dict[str, dict[str, Any]] = {}
    for _, container in containers_of(workload):
        changed = without_host_ports(container) if "hostPorts" in controls else {}
        if context := _context(as_map(container, "securityContext"), controls, whole=False):
            changed["securityContext"] = context
        changes[container["name"]] = changed
    return spec, changes


def _context(context: Mapping[str, Any], controls: set[str], *, whole: bool) -> dict[str, Any]:
    """Return the changes of the security context of a pod as a whole, or of one container."""
    found: dict[str, Any] = {}
    if "runAsNonRoot" in controls and (whole or context.get("runAsNonRoot") is False):
        found["runAsNonRoot"] = True if whole else None
    if "runAsUser" in controls and context.get("runAsUser") == 0:
        found["runAsUser"] = None
    if "seccompProfile_restricted" in controls:
        if whole:
            found["seccompProfile"] = {"type": "RuntimeDefault"}
        elif "seccompProfile" in context:
            found["seccompProfile"] = None
    if whole:
        return found
    if "privileged" in controls and context.get("privileged"):
        found["privileged"] = None
    if "allowPrivilegeEscalation" in controls:
        found["allowPrivilegeEscalation"] = False
    if controls & {"capabilities_restricted", "capabilities_baseline"}:
        added = as_texts(as_map(context, "capabilities").get("add"))
        kept = ["NET_BIND_SERVICE"] if "NET_BIND_SERVICE" in added else None
        found["capabilities"] = {"drop": ["ALL"], **({"add": kept} if added else {})}
    if controls & {"procMount", "procMount_restricted"} and "procMount" in context:
        found["procMount"] = None
    return found


_OUTSIDE: Final = (
    *("allocateLoadBalancerNodePorts", "externalIPs", "externalTrafficPolicy", "healthCheckNodePort"),
    *("loadBalancerClass", "loadBalancerIP", "loadBalancerSourceRanges"),
)
"""Fields of a Service that one of the cluster alone does not have."""


@remedy("HK-ACC-20", also=["HK-NET-08"])
def shut_interface(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Make the Service of an administrators' interface one of the cluster alone."""
    services = sorted(
        {
            str(row["entry"])
            for row in cluster.rows("exposures", workload=finding.object)
            if row["entry_type"] in ("load_balancer", "node_port", "external_ip") and row["level"] != "none"
        }
    )
    steps: list[Step] = []
    for name in services:
        record = cluster.record(name)
        if record is None:
            continue
        ports = [
            {"port": each.get("port"), "protocol": each.get("protocol", "TCP"), "nodePort": None}
            for each in as_maps(as_map(record.content, "spec").get("ports"))
            if each.get("nodePort")
        ]
        spec: dict[str, Any] = {"type": "ClusterIP", **dict.fromkeys(_OUTSIDE, None)}
        steps.append(patch(record, spec={**spec, **({"ports": ports} if ports else {})}))
    return mend(
        "shut the way from outside",
        steps,
        "who uses it from outside comes in by kubectl port-forward, or by a route that asks for single sign-on",
    )


@remedy("HK-ACC-01", "HK-ACC-10", "HK-ACC-22")
def api_server(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Say which flags of the API server to change: its manifest lies on control-plane nodes."""
    del cluster
    return _flags(finding)


def _flags(finding: Failing) -> Remedy | None:
    if finding.kind != "Pod":
        return None
    return advise(
        "change the flags of the API server",
        f"on every control-plane node, in /etc/kubernetes/manifests/kube-apiserver.yaml: {finding.reason}; wanted is "
        f"{finding.expected}",
        caution="the kubelet starts the API server anew: do it on one node after another, and try a sign-in after each",
    )


@remedy("HK-ACC-13")
def reviewed(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Say how a review is recorded: that it took place is for the person who made it to say."""
    record = cluster.record(finding.object)
    if record is None:
        return None
    return advise(
        "review it, and record the day",
        f"ask the owner of the data whether {', '.join(finding.members) or 'its subjects'} still need it",
        run("kubectl -n {} annotate {} {} hipaa-kit.io/reviewed-on=YYYY-MM-DD --overwrite", *_where(finding)),
    )


def _where(finding: Failing) -> tuple[str, str, str]:
    return finding.namespace, finding.kind.lower(), finding.name


@remedy("HK-ACC-14")
def break_glass(finding: Failing, cluster: Cluster) -> Remedy:
    """Say how access for emergencies is marked."""
    del finding, cluster
    return advise(
        "mark the role binding for emergencies",
        run("kubectl label clusterrolebinding NAME hipaa-kit.io/break-glass=true"),
        "NAME is the role binding of a group that is empty on other days",
    )


@remedy("HK-ACC-18", "HK-ACC-19")
def kubelet(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Say which field of a kubelet's configuration to change: it lies on the node."""
    del cluster
    if finding.kind != "Node":
        return None
    return advise(
        "correct the configuration of the kubelet",
        f"on {finding.name}, in /var/lib/kubelet/config.yaml: {finding.reason}; wanted is {finding.expected}",
        run("systemctl restart kubelet"),
        caution="agents that ask the kubelet without credentials have to be given some",
    )


@remedy("HK-ACC-21")
def narrow_endpoint(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Say how a provider narrows who reaches the API server."""
    rows = [row for row in cluster.rows("cloud_clusters") if row["name"] == finding.name]
    commands = {
        "aws": "aws eks update-cluster-config --name {} --region {} --resources-vpc-config "
        "endpointPublicAccess=true,publicAccessCidrs=ADDRESSES,endpointPrivateAccess=true",
        "gcp": "gcloud container clusters update {} --location {} --enable-master-authorized-networks "
        "--master-authorized-networks ADDRESSES",
        "azure": "az aks update --name {} --resource-group GROUP --api-server-authorized-ip-ranges ADDRESSES",
    }
    command = commands.get(str(rows[0]["provider"])) if rows else None
    if command is None:
        return None
    return advise(
        "let in the addresses that need it",
        run(command, rows[0]["name"], rows[0]["region"]),
        caution="whoever is not among the addresses, pipelines and this kit among them, is locked out",
    )


by_hand(
    {
        "HK-ACC-03": "who is to be administrator is for people to say",
        "HK-ACC-05": "which of what `*` stands for is needed, the objects do not say",
        "HK-ACC-08": "which step of a way is to be cut is for people to say",
        "HK-ACC-17": "engines and their policies are written in languages of their own",
        "HK-ACC-24": "people leave groups in the identity provider",
        "HK-ACC-25": "whether unused access is needed is for people to say; `unused --role` writes what would do",
        "HK-ACC-26": "why access for emergencies was used is for people to say",
    }
)
