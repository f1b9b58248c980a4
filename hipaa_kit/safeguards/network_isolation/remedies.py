"""What would mend findings of network isolation: policies that allow the declared flows, and nothing else.

Policies only add up: what one of them allows no other takes away. So what is too wide is changed where it stands, and
what is declared is allowed by name before.
Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from hipaa_kit.graph.traffic import METADATA
from hipaa_kit.inventory.workloads import Workload
from hipaa_kit.kube.network.addresses import EVERYWHERE, is_cidr, parse_cidr
from hipaa_kit.kube.owners import object_id, parse_object_id
from hipaa_kit.kube.reading import as_map, as_maps
from hipaa_kit.safeguards.encryption.remedies import tls_at_ingresses
from hipaa_kit.safeguards.remedy import (
    Cluster,
    Failing,
    Remedy,
    advise,
    by_hand,
    containers_of,
    containers_patch,
    mend,
    patch,
    pod_selector,
    remedy,
    selector_of,
    without_host_ports,
)
from hipaa_kit.sources.overlay import Change, Patch, Put
from hipaa_kit.sources.snapshot import Record

Rule = dict[str, Any]

More = Callable[[str, str, Cluster], list[Rule]]
"""Gives rules of a workload and direction beside those for declared flows."""

DIRECTIONS: Final = {"ingress": "Ingress", "egress": "Egress"}
NAMESPACE_LABEL: Final = "kubernetes.io/metadata.name"
"""Label that the API server keeps on every namespace.

Source: https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-metadata-name
"""

CUT: Final = (
    "connections that are allowed today and not declared in scope.yaml are cut: hold it against a flow log first, and "
    "declare what is meant"
)
WIDE: Final = ("every_peer", "every_namespace", "internet")


@remedy("HK-NET-02", "HK-NET-03", "HK-NET-04", "HK-NET-06", "HK-NET-12", "HK-NET-13", also=["HK-NET-04", "HK-NET-10"])
def only_declared_flows(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Allow a workload its declared flows by name, and take out of its policies what is wider."""
    workload = cluster.workload(finding.object)
    if workload is None and _on_the_node(finding.object, cluster):
        return None
    steps = [_off_the_node(workload) if workload else None, *declared_flows(finding.object, cluster)]
    return mend("allow the declared flows alone", steps, _caution([finding.object], cluster))


def declared_flows(workload: str, cluster: Cluster, more: More | None = None) -> list[Change]:
    """Return the changes by which a workload is isolated, and allowed its declared flows alone, or `more`."""
    own = _own_policies(workload, cluster)
    steps: list[Change | None] = []
    narrowed: set[str] = set()
    for policy in own:
        steps.append(_declared_only(policy, workload, cluster, more))
        narrowed |= _directions(policy, cluster)
    for policy in sorted(_policies_of(workload, cluster) - set(own)):
        steps += _without_wide_rules(policy, cluster, more)
    if narrowed != set(DIRECTIONS):
        steps.insert(0, declared_policy(workload, cluster, more))
    return [step for step in steps if step is not None]


@remedy("HK-NET-05", also=["HK-NET-04", "HK-NET-10"])
def narrow_rules(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Put the declared flows in the place of rules that are too wide."""
    selected = sorted(_selected(finding.object, cluster))
    if finding.kind != "NetworkPolicy" or not selected:
        return None
    if finding.object in _own_policies(selected[0], cluster):
        steps: list[Change | None] = [_declared_only(finding.object, selected[0], cluster)]
    else:
        steps = _without_wide_rules(finding.object, cluster)
    return mend("put the declared flows in the place of wide rules", steps, _caution(selected, cluster))


@remedy("HK-NET-10", also=["HK-NET-04"])
def policies_that_work(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Let a policy select the workload of its name, name ports that are there, and let a workload ask for names."""
    if finding.kind != "NetworkPolicy":
        return mend(
            "let it ask a name server",
            [_asking(finding, cluster)],
            "the flow to the name server has to be declared in scope.yaml, too, if it is not",
        )
    if "selects no pod" in finding.reason:
        record = cluster.record(finding.object)
        found = [cluster.workload(object_id(kind, finding.namespace, finding.name)) for kind in _NAMED]
        held = [each for each in found if each is not None]
        if record is None or len(held) != 1 or not (wanted := selector_of(held[0])):
            return None
        old = as_map(record.content, "spec", "podSelector", "matchLabels")
        labels = {**dict.fromkeys(old, None), **as_map(wanted.get("matchLabels"))}
        return mend(
            "let it select the workload of its name",
            [patch(record, spec={"podSelector": {"matchLabels": labels}})],
            f"from then on {held[0].object} is isolated: what no rule allows is cut",
        )
    selected = sorted(_selected(finding.object, cluster))
    if not selected or finding.object not in _own_policies(selected[0], cluster):
        return None
    return mend(
        "name the ports of the declared flows",
        [_declared_only(finding.object, selected[0], cluster)],
        _caution(selected, cluster),
    )


def _asking(finding: Failing, cluster: Cluster) -> Put | None:
    """Return a policy that lets a workload ask the name servers of the cluster."""
    asked = {row["pod"] for row in cluster.rows("service_targets", port=53)}
    servers = sorted({str(row["workload"]) for pod in asked for row in cluster.rows("pods", object=pod)})
    peers = [peer for server in servers for peer in rule_peers(server, cluster)]
    selector = pod_selector(finding.object, cluster)
    if not peers or not selector:
        return None
    name = cluster.free_name("NetworkPolicy", finding.namespace, f"{finding.name}-name-server")
    ports = [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
    return Put(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": name, "namespace": finding.namespace},
            "spec": {"podSelector": selector, "policyTypes": ["Egress"], "egress": [{"to": peers, "ports": ports}]},
        }
    )


_NAMED: Final = ("Deployment", "StatefulSet", "DaemonSet", "CronJob")


@remedy("HK-NET-07", also=["HK-NET-04"])
def off_the_node(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Take a workload off the network of its node."""
    workload = cluster.workload(finding.object)
    return mend(
        "take it off the network of its node",
        [_off_the_node(workload)] if workload else [],
        "who connects to it by the node's address needs a Service; what it connects to needs policies that let it in",
    )


def _off_the_node(workload: Workload) -> Patch | None:
    """Return the patch that takes a workload off the network of its node; None where it is not on it."""
    spec: dict[str, Any] = {}
    if as_map(workload.template, "spec").get("hostNetwork"):
        spec["hostNetwork"] = None
    shut = {each["name"]: ports for _, each in containers_of(workload) if (ports := without_host_ports(each))}
    return containers_patch(workload, shut, **spec)


@remedy("HK-NET-08")
def entries(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Let only the declared addresses come in by a load balancer, and only the declared flows by the ports of nodes."""
    ways = [row for row in cluster.rows("exposures", workload=finding.object) if row["level"] == "internet"]
    balancers = sorted({row["entry"] for row in ways if row["entry_type"] == "load_balancer"})
    declared = sorted(
        {
            row["source"]
            for row in cluster.rows("expected_flows", destination=finding.object)
            if is_cidr(row["source"]) and row["source"] not in map(str, EVERYWHERE)
        }
    )
    if plain := sorted({row["entry"] for row in ways if row["entry_type"] == "ingress" and row["tls"] == "none"}):
        return tls_at_ingresses(plain, cluster)
    if not balancers or not declared:
        return None
    steps: list[Change] = [
        patch(record, spec={"loadBalancerSourceRanges": declared})
        for name in balancers
        if (record := cluster.record(name))
    ]
    caution = f"who comes from anywhere but {', '.join(declared)} is kept out; some providers do not heed the field"
    return mend(
        "let in the declared addresses alone", [*steps, *declared_flows(finding.object, cluster)], f"{caution}; {CUT}"
    )


@remedy("HK-NET-01")
def enforce(finding: Failing, cluster: Cluster) -> Remedy:
    """Say that a network plugin has to enforce policies."""
    del finding, cluster
    return advise(
        "let something enforce policies",
        "install a network plugin that enforces NetworkPolicy, or switch its policy engine on",
        caution="policies that were never enforced begin to act at once: look at them first",
    )


def declared_policy(workload: str, cluster: Cluster, more: More | None = None) -> Put | None:
    """Return a policy that isolates a workload and allows its declared flows; None where it has no labels."""
    _, namespace, name = parse_object_id(workload)
    selector = pod_selector(workload, cluster)
    if not selector:
        return None
    spec: dict[str, Any] = {"podSelector": selector, "policyTypes": list(DIRECTIONS.values())}
    for direction in DIRECTIONS:
        spec[direction] = _rules(workload, direction, cluster, more)
    return Put(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": f"{name}-declared-flows", "namespace": namespace},
            "spec": spec,
        }
    )


def _rules(workload: str, direction: str, cluster: Cluster, more: More | None) -> list[Rule]:
    """Return a rule for each declared flow of a workload in one direction, and `more`, each once."""
    near, far, field = ("destination", "source", "from") if direction == "ingress" else ("source", "destination", "to")
    mine = (workload, object_id("Namespace", "", parse_object_id(workload)[1]))
    rules: list[Rule] = []
    for row in cluster.rows("expected_flows"):
        if row[near] not in mine:
            continue
        peers = rule_peers(str(row[far]), cluster)
        if not peers:
            continue
        rule: Rule = {field: peers}
        port = row["port"]
        if port is not None and port == port:
            rule["ports"] = [{"protocol": row["protocol"] or "TCP", "port": int(port)}]
        rules.append(rule)
    rules += more(workload, direction, cluster) if more else []
    return [rule for at, rule in enumerate(rules) if rule not in rules[:at]]


def rule_peers(end: str, cluster: Cluster) -> list[dict[str, Any]]:
    """Return a declared end of a flow as peers of a rule; none where no rule can name it."""
    if is_cidr(end):
        return [{"ipBlock": _block(end)}]
    if end == "internet":
        return [{"ipBlock": _block(each)} for each in map(str, EVERYWHERE)]
    kind, namespace, name = parse_object_id(end)
    if kind == "Namespace":
        return [{"namespaceSelector": {"matchLabels": {NAMESPACE_LABEL: name}}}]
    selector = {} if _on_the_node(end, cluster) else pod_selector(end, cluster)
    if not selector:
        return []
    return [{"namespaceSelector": {"matchLabels": {NAMESPACE_LABEL: namespace}}, "podSelector": selector}]


def _block(cidr: str) -> dict[str, Any]:
    """Return addresses as a rule names them, without those of the instance metadata service."""
    whole = parse_cidr(cidr)
    held = [str(each) for each in METADATA if whole is not None and whole.holds(each) and each != whole]
    return {"cidr": cidr, "except": held} if held else {"cidr": cidr}


def _policies_of(workload: str, cluster: Cluster) -> set[str]:
    """Return the NetworkPolicies that select pods of a workload."""
    found = {name for row in cluster.rows("isolation", workload=workload) for name in str(row["policies"]).split()}
    return {name for name in found if name.startswith("NetworkPolicy/") and cluster.record(name)}


def _selected(policy: str, cluster: Cluster) -> set[str]:
    """Return the workloads of which a policy selects pods."""
    found: dict[str, set[str]] = cluster.once("workloads by policy", lambda: _by_policy(cluster))
    return found.get(policy, set())


def _by_policy(cluster: Cluster) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in cluster.rows("isolation"):
        for policy in str(row["policies"]).split():
            found.setdefault(policy, set()).add(str(row["workload"]))
    return found


def _own_policies(workload: str, cluster: Cluster) -> list[str]:
    """Return the policies that are meant for the pods of a workload alone."""
    mine = [name for name in _policies_of(workload, cluster) if _selected(name, cluster) == {workload}]
    return sorted(name for name in mine if _is_meant_for_some(cluster.record(name)))


def _is_meant_for_some(record: Record | None) -> bool:
    """Tell whether a policy names pods, rather than all of its namespace, and has rules."""
    spec = as_map(record.content if record else {}, "spec")
    return bool(spec.get("podSelector")) and any(spec.get(direction) for direction in DIRECTIONS)


def _directions(policy: str, cluster: Cluster) -> set[str]:
    """Return the directions in which a policy isolates.

    Without `policyTypes` it is for ingress, and for egress where it has rules of it.
    """
    record = cluster.record(policy)
    spec = as_map(record.content if record else {}, "spec")
    types = spec.get("policyTypes")
    if isinstance(types, list):
        return {direction for direction, name in DIRECTIONS.items() if name in types}
    return {"ingress", *(["egress"] if spec.get("egress") else [])}


def _declared_only(policy: str, workload: str, cluster: Cluster, more: More | None = None) -> Patch | None:
    """Return the patch by which a policy of one workload allows its declared flows alone."""
    record = cluster.record(policy)
    if record is None:
        return None
    directions = sorted(_directions(policy, cluster))
    rules = {direction: _rules(workload, direction, cluster, more) for direction in directions}
    if all(as_map(record.content, "spec").get(name) == held for name, held in rules.items()):
        return None
    return patch(record, spec=rules)


def _without_wide_rules(policy: str, cluster: Cluster, more: More | None = None) -> list[Change | None]:
    """Return the patch that takes the wide rules out of a policy, after policies for the declared flows it served."""
    record = cluster.record(policy)
    wide: dict[str, set[int]] = {}
    for row in cluster.rows("policy_rules", policy=policy):
        if row["action"] == "allow" and any(row[name] for name in WIDE):
            wide.setdefault(str(row["direction"]), set()).add(int(row["rule"]))
    if record is None or not wide:
        return []
    spec = {
        direction: [
            rule for at, rule in enumerate(as_maps(as_map(record.content, "spec").get(direction))) if at not in out
        ]
        for direction, out in wide.items()
    }
    served = [declared_policy(name, cluster, more) for name in sorted(_selected(policy, cluster))]
    return [*served, patch(record, spec=spec)]


def _on_the_node(workload: str, cluster: Cluster) -> bool:
    """Tell whether all pods of a workload are on the network of their node, where no policy knows them by labels."""
    pods = cluster.pods(workload)
    return bool(pods) and all(row["host_network"] for row in pods)


def _caution(workloads: Iterable[str], cluster: Cluster) -> str:
    """Return what would be cut, and which declared ends no rule can name."""
    held = set(workloads)
    rows = cluster.rows("expected_flows")
    ends = {str(row[far]) for row in rows for near, far in _ENDS if row[near] in held}
    unnamed = sorted(end for end in ends if not rule_peers(end, cluster))
    strangers = sorted(held - {row["object"] for row in cluster.rows("ephi_workloads")})
    words = [CUT]
    words += [f"no rule can name {', '.join(unnamed)}: let it in by its addresses"] if unnamed else []
    traffic = (
        row for name in sorted(held) for end in ("source", "destination") for row in _traffic(name, end, cluster)
    )
    seen = list(dict.fromkeys(_flow(row) for row in traffic if row["unexpected"]))
    words += [f"seen in a flow log and not declared: {'; '.join(seen[:5])}"] if seen else []
    words += [f"it is for {', '.join(strangers)} as well"] if strangers else []
    return "; ".join(words)


def _traffic(workload: str, end: str, cluster: Cluster) -> list[dict[str, Any]]:
    return cluster.rows("ephi_traffic", **{end: workload})


def _flow(row: dict[str, Any]) -> str:
    return f"{row['source']} to {row['destination']} on {row['protocol']} {row['unexpected']}"


_ENDS: Final = (("source", "destination"), ("destination", "source"))


by_hand(
    {
        "HK-NET-09": "the finding is about the kit, not the policy",
        "HK-NET-11": "who may call whom by identity is not declared",
    }
)
