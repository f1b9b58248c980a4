"""Reading a snapshot into the facts of the engine, with everything that was not seen as a doubt."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from hipaa_kit.graph.reachability.facts import Enforcement, Facts, NodeFact, Options, PodFact
from hipaa_kit.graph.reachability.policies import ADMIN_GROUP, ADMIN_KINDS, CIDR_GROUP, Policies
from hipaa_kit.inventory.containers import each_container
from hipaa_kit.inventory.fields import condition, items, mapping, number, string_map, text, texts, truth
from hipaa_kit.inventory.mesh import ENVOY_FILTER, envoy_filters, root_namespace
from hipaa_kit.inventory.pods import POD_KINDS, PodView, pod_addresses, pod_views
from hipaa_kit.inventory.workloads import ENDED
from hipaa_kit.kube import kinds
from hipaa_kit.kube.custom_kinds import find_custom
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.kube.network.addresses import parse_addresses
from hipaa_kit.kube.network.cilium import ACCOUNT
from hipaa_kit.kube.network.dialects import CALICO_GROUPS, DIALECTS, Dialect, dialect
from hipaa_kit.kube.network.plugins import Agent, Detected, detect
from hipaa_kit.kube.network.ports import PROTOCOLS, ContainerPort
from hipaa_kit.kube.network.rules import ADMIN, BASELINE, NETWORK, Doubt, Pods
from hipaa_kit.kube.owners import controller_of, object_id, parse_object_id
from hipaa_kit.sources.coverage import Answer
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.vocabulary import CLUSTER, FAILED

NETWORKS = "k8s.v1.cni.cncf.io/networks"
"""Annotation by which a pod asks for interfaces of its own, outside of all network policy."""

PAST_THE_PROXY = tuple(
    f"traffic.sidecar.istio.io/{each}" for each in ("includeInboundPorts", "excludeInboundPorts", "excludeInterfaces")
)
"""Annotations that lead connections past a mesh's proxy."""

READS = (
    kinds.POD,
    kinds.NAMESPACE,
    kinds.NODE,
    kinds.NETWORK_POLICY,
    kinds.DAEMON_SET,
    *(found for kind in ADMIN_KINDS if (found := kinds.find(ADMIN_GROUP, kind))),
    *(found for each in DIALECTS if each.effect != "none" and (found := find_custom(each.group, each.kind))),
)
"""Kinds whose absence would change the answers, as far as the kit knows them by resource."""

READS_BESIDE = (
    *(Kind(each.group, each.kind, "", True) for each in DIALECTS),
    CIDR_GROUP,
    ENVOY_FILTER,
    kinds.SERVICE_ACCOUNT,
)
"""Kinds of which it takes what is there: policies of every dialect, and what these name."""


def read_facts(snapshot: Snapshot, **options: str) -> Facts:
    """Return what the engine needs of a snapshot.

    Parameters
    ----------
    snapshot
        What was read of the cluster.
    **options
        Values of `Options` that overrule what the detected network plugin says.
    """
    agents = list(_agents(snapshot))
    detected = detect(agents, snapshot.coverage.answer(kinds.DAEMON_SET).complete)
    pods, ended = _pods(snapshot)
    namespaces = _namespaces(snapshot, pods)
    read = Policies(snapshot, namespaces)
    return Facts(
        pods=pods,
        namespaces=namespaces,
        policies=read.policies,
        doubts=[*read.doubts, *_unseen(snapshot, namespaces)],
        nodes=list(_nodes(snapshot)),
        options=_options(detected, options),
        accounts={
            (record.namespace, record.name): string_map(record.content, "metadata", "labels")
            for record in snapshot.records(kinds.SERVICE_ACCOUNT)
        },
        ended=ended,
        node_enforcement=_per_node(snapshot, detected),
        problems=read.problems,
    )


BESIDE_POLICIES = (*POD_KINDS, kinds.NAMESPACE, kinds.NODE, kinds.SERVICE_ACCOUNT, ENVOY_FILTER)
"""Kinds of which everything is read but policies, and doubts over what was not seen."""


def only_policies_differ(one: Snapshot, other: Snapshot) -> bool:
    """Tell whether two snapshots are the same in everything that facts rest on beside policies."""
    same = all(one.parts.get(kind[:2]) is other.parts.get(kind[:2]) for kind in BESIDE_POLICIES)
    return same and one.coverage is other.coverage and one.layout == other.layout


def policies_alone_differ(one: Snapshot, other: Snapshot) -> bool:
    """Tell whether of two snapshots nothing differs but policies of the network, of whatever kind."""
    same = one.coverage is other.coverage and (one.layout, one.identity) == (other.layout, other.identity)
    return same and all(dialect(*key) for key in one.changed(other))


def with_policies_of(facts: Facts, snapshot: Snapshot, before: Snapshot) -> Facts:
    """Return facts with the policies of another snapshot than the one before, in which only policies differ."""
    read = Policies(snapshot, facts.namespaces, before)
    doubts = [*read.doubts, *_unseen(snapshot, facts.namespaces)]
    return replace(facts, policies=read.policies, doubts=doubts, problems=read.problems, cuts=frozenset())


def _pods(snapshot: Snapshot) -> tuple[list[PodFact], frozenset[str]]:
    found, ended, waiting = [], set(), {}
    meshes = _Meshes(snapshot)
    for view in pod_views(snapshot):
        if text(view.content, "status", "phase") in ENDED:
            ended.add(view.object)
            waiting[view.workload] = view
        else:
            found.append(_pod(view, meshes))
    running = {pod.workload for pod in found}
    found += [
        _next_of(view, meshes) for name, view in waiting.items() if name.startswith("CronJob/") and name not in running
    ]
    return sorted(found, key=lambda pod: pod.object), frozenset(ended)


def _next_of(view: PodView, meshes: _Meshes) -> PodFact:
    """Return the pod that a CronJob will run next, as its last one was: without addresses, on no node yet."""
    pod = _pod(view, meshes)
    return replace(pod, object=object_id("Pod", *parse_object_id(view.workload)[1:]), addresses=(), node="")


def _pod(view: PodView, meshes: _Meshes) -> PodFact:
    host = truth(view.spec, "hostNetwork") or False
    account = text(view.spec, "serviceAccountName") or text(view.spec, "serviceAccount") or "default"
    other = text(view.content, "metadata", "annotations", NETWORKS)
    return PodFact(
        object=view.object,
        namespace=view.namespace,
        labels={**view.labels, **_given_by_plugins(view.namespace, account)},
        workload=view.workload,
        addresses=pod_addresses(view.content),
        ports=tuple(_ports(view)),
        host_network=host,
        node=text(view.spec, "nodeName"),
        account=account,
        mesh="no" if host else meshes.before(view),
        note="has other network interfaces, which no policy here governs" if other else "",
    )


def _given_by_plugins(namespace: str, account: str) -> dict[str, str]:
    """Return labels that network plugins themselves give every pod, under keys that are theirs alone.

    Source: https://docs.tigera.io/calico/latest/network-policy/get-started/calico-policy/calico-labels
    """
    return {
        "projectcalico.org/namespace": namespace,
        "projectcalico.org/orchestrator": "k8s",
        "projectcalico.org/serviceaccount": account,
        ACCOUNT: account,
    }


def _ports(view: PodView) -> Iterator[ContainerPort]:
    """Yield the named ports of containers and sidecars; what only starts and ends listens to nobody."""
    for role, container in each_container(view):
        if role in ("main", "sidecar"):
            for port in items(container, "ports"):
                name, opened = text(port, "name"), number(port, "containerPort")
                protocol = text(port, "protocol", default="TCP")
                if name and opened is not None and 1 <= opened <= 65535 and protocol in PROTOCOLS:
                    yield ContainerPort(name, protocol, opened)


def _injecting(snapshot: Snapshot) -> dict[str, str]:
    """Return the namespaces whose labels ask for a mesh: for a proxy in new pods, or for one beside the pods."""
    found = {}
    for record in snapshot.records(kinds.NAMESPACE):
        labels = string_map(record.content, "metadata", "labels")
        if labels.get("istio.io/dataplane-mode") == "ambient":
            found[record.name] = "ambient"
        elif labels.get("istio-injection") == "enabled" or "istio.io/rev" in labels:
            found[record.name] = "sidecar"
    return found


class _Meshes:
    """Tells whether Istio's proxy stands before a pod, and does there what policies say."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._injects = _injecting(snapshot)
        self._root = root_namespace(snapshot)
        self._filters = [each for each in envoy_filters(snapshot) if "in" in each.ways]
        self._seen = functools.cache(lambda namespace: snapshot.coverage.answer(ENVOY_FILTER, namespace).complete)

    def before(self, view: PodView) -> Any:
        """Return yes, no or perhaps; of a pod made from a template it cannot be seen."""
        if any(text(container, "name") == "istio-proxy" for _, container in each_container(view)):
            notes = string_map(view.content, "metadata", "annotations")
            return "perhaps" if any(key in notes for key in PAST_THE_PROXY) or self._rewritten(view) else "yes"
        mode = self._injects.get(view.namespace, "")
        asked = (
            view.labels.get("sidecar.istio.io/inject") == "true"
            or view.labels.get("istio.io/dataplane-mode") == "ambient"
        )
        if mode == "ambient" or asked:
            return "perhaps"
        return "perhaps" if mode == "sidecar" and not view.live else "no"

    def _rewritten(self, view: PodView) -> bool:
        """Tell whether an EnvoyFilter changes what the proxy takes in, or may, as not all of them were seen."""
        if not (self._seen(view.namespace) and self._seen(self._root)):
            return True
        return any(each.reaches(view.namespace, view.labels, self._root, ambient=False) for each in self._filters)


def _namespaces(snapshot: Snapshot, pods: list[PodFact]) -> dict[str, Mapping[str, str] | None]:
    known: dict[str, Mapping[str, str] | None] = dict.fromkeys(pod.namespace for pod in pods)
    for record in snapshot.records(kinds.NAMESPACE):
        known[record.name] = string_map(record.content, "metadata", "labels")
    return known


def _nodes(snapshot: Snapshot) -> Iterator[NodeFact]:
    for record in snapshot.records(kinds.NODE):
        given = [text(each, "address") for each in items(record.content, "status", "addresses")]
        yield NodeFact(record.name, string_map(record.content, "metadata", "labels"), parse_addresses(given))


def _agents(snapshot: Snapshot) -> Iterator[Agent]:
    for record in snapshot.records(kinds.DAEMON_SET):
        spec = mapping(record.content, "spec", "template", "spec")
        held = [*items(spec, "containers"), *items(spec, "initContainers")]
        status = mapping(record.content, "status")
        yield Agent(
            record.object,
            record.name,
            {text(each, "name"): (*texts(each, "command"), *texts(each, "args")) for each in held},
            {text(each, "name"): text(each, "value") for one in held for each in items(one, "env")},
            number(status, "desiredNumberScheduled"),
            (number(status, "numberReady") or 0) if status else None,
        )


def _options(detected: Detected, given: Mapping[str, str]) -> Options:
    plugin = detected.plugin
    found: dict[str, str] = {"enforcement": detected.enforcement}
    basis = {"enforcement": detected.basis}
    for name in ("cidr_matches_pods", "host_network", "node_local"):
        default = getattr(Options(), name)
        found[name] = getattr(plugin, name) if plugin else default
        basis[name] = f"network plugin {plugin.name}" if plugin else "no network plugin was recognised"
    for name, value in given.items():
        found[name], basis[name] = value, "set by hand"
    return Options(**found, basis=basis)  # type: ignore[arg-type]


def _per_node(snapshot: Snapshot, detected: Detected) -> dict[str, Enforcement]:
    """Return `unknown` for every node without a ready agent, where the agent is not ready everywhere."""
    agent = detected.agent
    if detected.enforcement != "enforced" or agent is None or agent.everywhere:
        return {}
    ready = {
        text(record.content, "spec", "nodeName")
        for record in snapshot.records(kinds.POD)
        if (owner := controller_of(mapping(record.content, "metadata"))) is not None
        and (owner.kind, f"DaemonSet/{record.namespace}/{owner.name}") == ("DaemonSet", agent.object)
        and condition(record.content, "Ready")
    }
    return {record.name: "unknown" for record in snapshot.records(kinds.NODE) if record.name not in ready}


def _unseen(snapshot: Snapshot, namespaces: Iterable[str]) -> Iterator[Doubt]:
    """Yield a doubt for every list of policies that was not answered in full.

    A kind that is not built in is asked for where it is served. Where no answer speaks of it, the list of
    custom resource definitions says whether it is there at all.
    """
    coverage = snapshot.coverage
    rows = coverage.frame[["group", "kind", "namespaced"]].itertuples(index=False)
    asked = {(group, kind): namespaced for group, kind, namespaced in rows}
    known = {*DIALECTS, *(each for key in asked if (each := dialect(*key)))}
    for found in sorted(known):
        if found.effect == "none":
            continue
        kind = kinds.find(found.group, found.kind)
        if kind is None and (found.group, found.kind) in asked:
            kind = Kind(found.group, found.kind, found.kind, bool(asked[found.group, found.kind]))
        if found.group in CALICO_GROUPS and _answered_in_other_group(found, snapshot, asked):
            continue
        if kind is not None:
            yield from _gaps(found, kind, snapshot, namespaces)
        elif (found.group, "*") in asked:
            answer = Answer(found.group, found.kind, CLUSTER, FAILED, "its API group did not answer")
            yield _hidden(found, answer, (Pods(),))
    definitions = coverage.answer(kinds.CUSTOM_RESOURCE_DEFINITION)
    if not definitions.complete and "live" not in snapshot.layout:
        reason = f"it is not known which other kinds of policy the cluster has: {definitions.line()}"
        yield Doubt("Coverage//CustomResourceDefinition", reason)


def _answered_in_other_group(found: Dialect, snapshot: Snapshot, asked: Mapping[tuple[str, str], bool]) -> bool:
    """Tell whether the same objects of Calico were seen in full in its other API group."""
    other = next(group for group in CALICO_GROUPS if group != found.group)
    if (other, found.kind) not in asked:
        return False
    return snapshot.coverage.answer(Kind(other, found.kind, found.kind, asked[other, found.kind])).complete


def _gaps(found: Dialect, kind: Kind, snapshot: Snapshot, namespaces: Iterable[str]) -> Iterator[Doubt]:
    """Yield a doubt over every namespace in which a kind was not seen in full; equal answers share one."""
    if not kind.namespaced:
        answer = snapshot.coverage.answer(kind)
        if not answer.complete:
            yield _hidden(found, answer, (Pods(),))
        return
    open_: dict[Answer, list[Pods]] = {}
    for namespace in namespaces:
        answer = snapshot.coverage.answer(kind, namespace)
        if not answer.complete:
            open_.setdefault(answer, []).append(Pods(namespace))
    for answer, subject in open_.items():
        yield _hidden(found, answer, tuple(subject))


def _hidden(found: Dialect, answer: Answer, subject: tuple[Pods, ...]) -> Doubt:
    """Return the doubt over the pods that a policy which was not seen may select."""
    reason = f"{answer.line()}: policies that were not seen may select the pod"
    source = f"Coverage/{answer.namespace}/{answer.kind}"
    directions = frozenset(found.directions)
    if (found.group, found.kind) == ("networking.k8s.io", "NetworkPolicy"):
        return Doubt(source, reason, subject, directions, "adds", NETWORK)
    stage = {"BaselineAdminNetworkPolicy": BASELINE}.get(found.kind, ADMIN)
    effect: Any = found.effect
    return Doubt(source, reason, subject, directions, effect, stage if found.group == ADMIN_GROUP else None)
