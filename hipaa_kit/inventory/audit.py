"""The API server's audit log: whether it is kept, and what its policy lets it hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import pandas as pd

from hipaa_kit.catalogue.probes import AuditProbe, load_audit_probes
from hipaa_kit.inventory.api_encryption import CLOUDS, nothing_shows
from hipaa_kit.inventory.ephi import ephi_namespaces
from hipaa_kit.inventory.fields import items, text
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube import kinds
from hipaa_kit.kube.audit.amendment import Wanted
from hipaa_kit.kube.audit.policy import Policy, Request, Resources, Rule, at_least
from hipaa_kit.kube.custom_kinds import custom
from hipaa_kit.kube.facts import SERVER_FLAGS
from hipaa_kit.kube.owners import object_id
from hipaa_kit.kube.versions import release_of
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.audit import AUDIT_BACKENDS, AUDIT_POLICY_STATES, AUDIT_PROBES, AUDIT_SILENCES
from hipaa_kit.tables.declaration import rows_of

OPENSHIFT: Final = custom("config.openshift.io", "APIServer")
BACKUP_PLACE: Final = custom("velero.io", "BackupStorageLocation")
SIZES: Final = {"max_age": "audit-log-maxage", "max_backup": "audit-log-maxbackup", "max_size": "audit-log-maxsize"}
OTHER: Final = "default"
"""A namespace that stands for those without ePHI."""

REQUESTERS: Final = {
    "person": ("person@example.org", ("people", "system:authenticated")),
    "service_account": (
        f"system:serviceaccount:{OTHER}:default",
        ("system:serviceaccounts", f"system:serviceaccounts:{OTHER}", "system:authenticated"),
    ),
    "controller": (
        "system:serviceaccount:kube-system:replicaset-controller",
        ("system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"),
    ),
    "node": ("system:node:n1", ("system:nodes", "system:authenticated")),
    "anonymous": ("system:anonymous", ("system:unauthenticated",)),
    "nobody": ("", ()),
}
"""User and groups that stand for each requester; nobody's rule names the first by name.

A request that could not be authenticated is of nobody.
"""

POLICIES: Final = ("audit_policies", "audit_rules", "audit_rule_matches")
"""Tables that audit policies are made of."""

OWN: Final = frozenset(
    "system:kube-proxy system:kube-controller-manager system:kube-scheduler system:apiserver system:nodes "
    "system:unsecured system:serviceaccounts:kube-system system:monitoring".split()
)
OWN_PREFIXES: Final = ("system:node:", "system:serviceaccount:kube-system:")
"""Identities that Kubernetes itself brings and whose routine requests policies leave out.

Source: the policy of `cluster/gce/gci/configure-helper.sh` of kubernetes/kubernetes, from which most are copied.
"""


@builds(AUDIT_BACKENDS, reads=[kinds.NODE], also=[OPENSHIFT], optional=["cloud_clusters"], facts=[SERVER_FLAGS])
def audit_backends(
    snapshot: Snapshot,
    nodes: pd.DataFrame,
    control_plane_members: pd.DataFrame,
    control_plane_flags: pd.DataFrame,
    cloud_clusters: pd.DataFrame,
) -> Iterator[dict[str, Any]]:
    """Yield a row per source; where none is there and the cluster has nodes, one that says so."""
    found = [*_by_flags(control_plane_members, control_plane_flags), *_by_openshift(snapshot), *_by_nodes(snapshot)]
    found = found or list(_by_provider(nodes, cloud_clusters))
    if not found and len(nodes):
        found = [_source("Cluster//audit-log", "none", "unknown", nothing_shows(nodes))]
    yield from found


def _source(name: str, source: str, state: str, basis: str, **more: Any) -> dict[str, Any]:
    return {"object": name, "source": source, "state": state, "basis": basis, **more}


def _by_flags(members: pd.DataFrame, flags: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield what each API server was started with.

    Without a policy nothing is recorded, and without a place to write to neither.
    Source: https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/.
    """
    given = {pod: dict(zip(each["name"], each["value"], strict=True)) for pod, each in flags.groupby("pod")}
    servers = members[members["component"] == "kube-apiserver"]
    for pod, read in zip(servers["pod"], servers["flags_read"], strict=True):
        if not read:
            yield _source(pod, "flags", "unknown", "its flags could not be read")
            continue
        own = given.get(pod, {})
        policy, path, webhook = (
            own.get(f"audit-{name}", "") for name in ("policy-file", "log-path", "webhook-config-file")
        )
        backend = "both" if path and webhook else "log" if path else "webhook" if webhook else ""
        if not policy:
            state, basis = "off", "it runs without --audit-policy-file: nothing is recorded"
        elif not backend:
            state, basis = "off", "it runs with a policy and neither --audit-log-path nor --audit-webhook-config-file"
        else:
            where = {"log": path, "webhook": "a webhook", "both": f"{path} and a webhook"}[backend]
            state, basis = "logged", f"it records by {policy}, to {where}"
        sizes, read_all = _sizes(own) if path else ({}, True)
        yield _source(
            pod, "flags", state, basis, backend=backend, path=path, policy_file=policy, sizes_read=read_all, **sizes
        )


def _sizes(own: Mapping[str, str]) -> tuple[dict[str, int], bool]:
    """Return the flags of the log's size that are set to numbers, and whether all that are set are."""
    written = {name: own[flag] for name, flag in SIZES.items() if flag in own}
    return {name: int(value) for name, value in written.items() if value.isdecimal()}, all(
        value.isdecimal() for value in written.values()
    )


def _by_openshift(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield what the configuration of OpenShift's API servers asks for; without a profile it is Default.

    Source: https://docs.redhat.com/en/documentation/openshift_container_platform/ (Configuring the audit log policy).
    """
    for record in snapshot.records(OPENSHIFT):
        if record.name != "cluster":
            continue
        profile = text(record.content, "spec", "audit", "profile") or "Default"
        rules = items(record.content, "spec", "audit", "customRules")
        silent = [text(each, "group") for each in rules if text(each, "profile") == "None"]
        known = {"policy_file": f"profile {profile}", "backend": "log"}
        if profile == "None":
            yield _source(record.object, "openshift", "off", "spec.audit.profile is None: nothing is recorded")
        elif silent:
            basis = f"spec.audit.customRules record nothing of the groups {', '.join(silent)}"
            yield _source(record.object, "openshift", "partly", basis, **known)
        else:
            yield _source(record.object, "openshift", "logged", f"spec.audit.profile is {profile}", **known)


def _by_nodes(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield the servers of k3s, whose API server is no pod: which flags of audit they have is not noted."""
    for record in snapshot.records(kinds.NODE):
        said: Mapping[str, str] = record.facts.get(SERVER_FLAGS, {})
        if said.get("distribution") == "k3s" and said.get("role") != "agent":
            basis = "the API server runs within k3s: with which flags of audit cannot be seen from objects"
            yield _source(record.object, "distribution", "unknown", basis)


def _by_provider(nodes: pd.DataFrame, cloud_clusters: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield what the provider of the nodes says of its cluster, where it describes exactly one.

    Source: https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html,
    https://cloud.google.com/kubernetes-engine/docs/how-to/audit-logging,
    https://learn.microsoft.com/en-us/azure/aks/monitor-aks-reference#resource-logs.
    """
    mine = {CLOUDS[scheme] for scheme in nodes["provider"] if scheme in CLOUDS}
    told = cloud_clusters[cloud_clusters["provider"].isin(mine)]
    if len(mine) != 1 or told["name"].nunique() != 1:
        return
    provider = mine.pop()
    name = object_id("CloudCluster", "", str(told["name"].iloc[0]))
    kept = {word for words in told["control_plane_logs"] for word in words.split()}
    audited = told["audit_logs"].eq(True).fillna(False).any()
    if provider == "gcp":
        basis = "Google records what changes the cluster; whether Data Access logs record what reads it is not said"
        yield _source(name, "provider", "reads_unknown", basis, backend="provider")
    elif provider == "azure" and "kube-audit-admin" in kept and "kube-audit" not in kept:
        basis = "only kube-audit-admin is kept, which leaves out every get and list"
        yield _source(name, "provider", "no_reads", basis, backend="provider")
    elif audited:
        yield _source(name, "provider", "logged", "its provider keeps the audit log", backend="provider")
    elif told["audit_logs"].isna().all():
        yield _source(name, "provider", "unknown", "its provider's description does not say")
    else:
        yield _source(name, "provider", "off", "its provider is not told to keep the audit log")


@builds(AUDIT_POLICY_STATES)
def audit_policy_states(
    audit_policies: pd.DataFrame,
    audit_rules: pd.DataFrame,
    audit_rule_matches: pd.DataFrame,
    control_plane_members: pd.DataFrame,
) -> Iterator[dict[str, Any]]:
    """Yield a row per policy."""
    servers = control_plane_members[control_plane_members["component"] == "kube-apiserver"]
    version = min((found for each in servers["version"] if (found := release_of(each))), default=None)
    for node, policy in policies(audit_policies, audit_rules, audit_rule_matches):
        refused = "; ".join(policy.refused(version))
        yield {"object": policy_object(node), "rules": len(policy.rules), "refused": refused}


@builds(AUDIT_PROBES, reads=[BACKUP_PLACE, kinds.CUSTOM_RESOURCE_DEFINITION])
def audit_probes(
    snapshot: Snapshot,
    audit_policies: pd.DataFrame,
    audit_rules: pd.DataFrame,
    audit_rule_matches: pd.DataFrame,
    ephi_objects: pd.DataFrame,
    pods: pd.DataFrame,
    volumes: pd.DataFrame,
) -> Iterator[dict[str, Any]]:
    """Yield a row per policy, probe and namespace."""
    places = {
        # Where all ePHI lies outside the cluster, what the policy says of any namespace is asked.
        "ephi": sorted(ephi_namespaces(ephi_objects)) or [OTHER],
        "backup": sorted({record.namespace for record in snapshot.records(BACKUP_PLACE)}),
        "logging": log_readers(pods, volumes),
    }
    standings = [(probe, standing) for probe in load_audit_probes() if (standing := _standing(probe, snapshot))]
    for node, policy in policies(audit_policies, audit_rules, audit_rule_matches):
        for probe, standing in standings:
            for namespace in places.get(probe.namespace, [probe.namespace]):
                yield _probed(policy_object(node), policy, probe, namespace, standing)


def log_readers(pods: pd.DataFrame, volumes: pd.DataFrame) -> list[str]:
    """Return the namespaces of DaemonSets that mount the logs of their node: what ships them."""
    under = volumes["host_path"].str.rstrip("/").isin(["", "/var"]) & (volumes["host_path"] != "")
    logs = volumes[under | volumes["host_path"].str.match(r"/var/log(?:/|$)")]
    found = pods[pods["object"].isin(logs["pod"]) & pods["workload"].str.startswith("DaemonSet/")]
    return sorted(set(found["namespace"]))


def _standing(probe: AuditProbe, snapshot: Snapshot) -> str:
    """Return how much a probe matters here; "" where nobody can make its request."""
    if not probe.needs:
        return probe.standing
    if any(record.name == probe.needs for record in snapshot.records(kinds.CUSTOM_RESOURCE_DEFINITION)):
        return probe.standing
    return "" if snapshot.coverage.answer(kinds.CUSTOM_RESOURCE_DEFINITION).complete else "recommended"


def _probed(name: str, policy: Policy, probe: AuditProbe, namespace: str, standing: str) -> dict[str, Any]:
    wanted = wanted_of(probe, namespace)
    recorded = policy.record(wanted.request)
    outcome = wanted.outcome(recorded)
    blind = probe.blind.split() if outcome == "below" else []
    if outcome == "below" and not at_least(recorded.told, "Metadata"):
        blind += probe.blind_below_metadata.split()
    return {
        "object": name,
        "probe": probe.probe,
        "namespace": namespace,
        "requester": probe.requester.replace("_", " "),
        "request": f"{probe.verb} {named(wanted.request)}",
        "rule": recorded.rule,
        "level": recorded.told,
        "minimum": probe.minimum,
        "maximum": probe.maximum,
        "standing": standing,
        "outcome": outcome,
        "blind": " ".join(sorted(set(blind))),
    }


def named(request: Request) -> str:
    """Return what a request is for, as users read it: a path, or a resource and the name that is asked for."""
    if request.path:
        return request.path
    group = f"{request.group}/" if request.group else ""
    return f"{group}{request.combined}" + (f" {request.name}" if request.name and request.name != "any" else "")


def wanted_of(probe: AuditProbe, namespace: str) -> Wanted:
    """Return the request of a probe in a namespace, with the levels that it must be recorded between."""
    user, groups = REQUESTERS[probe.requester]
    name = namespace if probe.name == "namespace" else probe.name
    place = (probe.group, probe.resource, probe.subresource, namespace, name, probe.path)
    return Wanted(Request(user, groups, probe.verb, *place), probe.minimum, probe.maximum)


@builds(AUDIT_SILENCES)
def audit_silences(
    audit_policies: pd.DataFrame, audit_rules: pd.DataFrame, audit_rule_matches: pd.DataFrame
) -> Iterator[dict[str, Any]]:
    """Yield a row per rule that records nothing of an identity that Kubernetes itself does not bring."""
    for node, policy in policies(audit_policies, audit_rules, audit_rule_matches):
        for number, rule in enumerate(policy.rules, 1):
            if policy.recorded_by(number).told == "None" and not rule.paths and (whose := _whose(rule)):
                yield {
                    "object": policy_object(node),
                    "rule": number,
                    "identities": whose,
                    "verbs": " ".join(rule.verbs),
                    "what": _told_resources(rule),
                }


def _whose(rule: Rule) -> str:
    """Return whom a rule leaves out that no probe would find: by name, or everybody at objects that it names."""
    identities = (*rule.users, *rule.user_groups)
    if not identities:
        return "everybody" if any(each.names for each in rule.resources) else ""
    return " ".join(each for each in identities if not _is_own(each))


def _is_own(identity: str) -> bool:
    return identity in OWN or identity.startswith(OWN_PREFIXES)


def _told_resources(rule: Rule) -> str:
    found = [
        " ".join([f"{each.group or 'core'}/{name}", *each.names])
        for each in rule.resources
        for name in each.resources or ("*",)
    ]
    places = f" in {', '.join(each or 'no namespace' for each in rule.namespaces)}" if rule.namespaces else ""
    return (", ".join(found) or "everything") + places


def policies(
    audit_policies: pd.DataFrame, audit_rules: pd.DataFrame, audit_rule_matches: pd.DataFrame
) -> Iterator[tuple[str, Policy]]:
    """Yield (node, policy) of every audit policy that was given."""
    matches: dict[tuple[str, int], dict[str, list[tuple[int, str]]]] = {}
    for row in rows_of(audit_rule_matches):
        fields = matches.setdefault((row["node"], row["position"]), {})
        fields.setdefault(row["field"], []).append((row["entry"], row["value"]))
    for policy in rows_of(audit_policies.sort_values("node")):
        mine = audit_rules[audit_rules["node"] == policy["node"]].sort_values("position")
        rules = [_rule(row, matches.get((row["node"], row["position"]), {})) for row in rows_of(mine)]
        yield policy["node"], Policy(tuple(rules), frozenset(policy["omit_stages"].split()))


def _rule(row: Mapping[str, Any], fields: Mapping[str, list[tuple[int, str]]]) -> Rule:
    def values(field: str) -> tuple[str, ...]:
        return tuple(value for _, value in fields.get(field, []))

    entries = dict(fields.get("group", []))
    return Rule(
        level=row["level"],
        users=values("users"),
        user_groups=values("user_groups"),
        verbs=values("verbs"),
        namespaces=values("namespaces"),
        resources=tuple(
            Resources(
                group,
                *(tuple(v for at, v in fields.get(f, []) if at == entry) for f in ("resources", "resource_names")),
            )
            for entry, group in sorted(entries.items())
        ),
        paths=values("non_resource_urls"),
        omit_stages=frozenset(row["omit_stages"].split()),
    )


def policy_object(node: str) -> str:
    """Return the name of the audit policy of a node, or of the whole control plane."""
    return object_id("AuditPolicy", "", node or "control-plane")


def lacking_policies(given: Iterable[str], members: pd.DataFrame) -> list[str]:
    """Return the policies of API servers that were not given, where those of others were.

    Parameters
    ----------
    given
        Names of the policies that were given; one of the whole control plane speaks for all of its servers.
    members
        Table `control_plane_members`.
    """
    known = set(given)
    servers = members.loc[members["component"] == "kube-apiserver", "node"]
    wanted = {policy_object(node) for node in servers if node}
    return [] if policy_object("") in known else sorted(wanted - known)
