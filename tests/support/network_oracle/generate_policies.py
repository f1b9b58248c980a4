"""Random policies of every kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tests.support.network_oracle.generate import CIDRS, EXCEPTS, PORT_NAMES, PORTS, PROTOCOLS, TEXTS, Maker
from tests.support.network_oracle.model import Object

Fill = Callable[[Maker, Sequence[str], list[Any]], None]


def spoiled(make: Maker) -> bool:
    """Tell whether to write what an API server refuses."""
    return "invalid" in make.corners and make.maybe(0.02)


# --- NetworkPolicy ---------------------------------------------------------------------------------------------------


def network_policies(make: Maker, names: Sequence[str], found: list[Any]) -> None:
    """Add NetworkPolicies: lists that are missing, empty, or hold an empty rule; types that are given or defaulted."""
    for _ in range(make.random.randint(1, 4)):
        spec: Object = {"podSelector": make.pod_selector()} if make.maybe(0.95) else {}
        if make.maybe(0.7):
            spec["policyTypes"] = make.pick((["Ingress"], ["Egress"], ["Ingress", "Egress"], []))
        for direction, peers in (("ingress", "from"), ("egress", "to")):
            if make.maybe(0.6):
                spec[direction] = make.some(lambda peers=peers: _rule(make, peers), 0, 2)
        if spoiled(make):
            spec |= make.pick(({"policyTypes": ["Both"]}, {"podSelector": {"matchExpressions": [{"key": "app"}]}}))
        metadata = make.metadata("np", names)
        found.append(
            {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}
        )


def _rule(make: Maker, peers: str) -> Object | None:
    rule: Object = {}
    if make.maybe(0.04):
        return None  # a null item reads as an empty rule
    if make.maybe(0.8):
        rule[peers] = make.some(lambda: _peer(make), 0, 2)
    if make.maybe(0.6):
        rule["ports"] = make.some(lambda: _port(make), 0, 2)
    return rule


def _peer(make: Maker) -> Object:
    if spoiled(make):
        return make.pick(({}, {"podSelector": {}, "ipBlock": {"cidr": "10.0.0.0/8"}}, {"ipBlock": {"cidr": "10/x"}}))
    if make.maybe(0.3):
        block: Object = {"cidr": make.pick(CIDRS)}
        if block["cidr"] in EXCEPTS and make.maybe(0.5):
            block["except"] = make.several(EXCEPTS[block["cidr"]], 1, 2)
        return {"ipBlock": block}
    peer: Object = {}
    if make.maybe(0.6):
        peer["podSelector"] = make.pod_selector()
    if not peer or make.maybe(0.5):
        peer["namespaceSelector"] = make.namespace_selector()
    return peer


def _port(make: Maker) -> Object:
    if spoiled(make):
        return make.pick(({"port": 81, "endPort": 80}, {"port": "http", "endPort": 80}, {"endPort": 80}, {"port": 0}))
    port: Object = {}
    if make.maybe(0.6):
        port["protocol"] = make.pick(PROTOCOLS)
    if make.maybe(0.85):
        port["port"] = make.pick((*PORTS, *PORT_NAMES))
        if isinstance(port["port"], int) and make.maybe(0.3):
            port["endPort"] = min(65535, port["port"] + make.pick((0, 1, 900)))
    return port


# --- the admin kinds -------------------------------------------------------------------------------------------------


def _pods_or_namespaces(make: Maker) -> Object:
    if make.maybe(0.5):
        return {"namespaces": make.namespace_selector()}
    return {"pods": {"namespaceSelector": make.namespace_selector(), "podSelector": make.pod_selector()}}


def _admin_peer(make: Maker, direction: str, action: str) -> Object:
    kind = make.random.random()
    if kind < 0.04:
        return make.pick(({}, {"serviceAccounts": {}}))  # a field of a later version: the rule fails closed
    if direction == "egress" and kind < 0.25:
        return {"networks": make.several(CIDRS, 1, 2)}
    if direction == "egress" and kind < 0.35:
        return {"nodes": make.selector(("stage",))}
    if direction == "egress" and kind < 0.42 and action in ("Allow", "Accept"):
        return {"domainNames": ["*.example.org"]}
    return _pods_or_namespaces(make)


def _admin_rules(make: Maker, direction: str, actions: Sequence[str], ports: Callable[[Maker, bool], Any]) -> Any:
    rules = []
    for _ in range(make.random.randint(0, 3)):
        action = make.pick(actions)
        peers = make.some(lambda action=action: _admin_peer(make, direction, action), 1, 2)
        outside = any({"networks", "nodes", "domainNames"} & set(peer) for peer in peers)
        rule: Object = {"action": action, {"ingress": "from", "egress": "to"}[direction]: peers}
        if make.maybe(0.5):
            key, value = ports(make, not outside or spoiled(make))
            rule[key] = value
        if spoiled(make):
            rule["action"] = "Perhaps"
        rules.append(rule)
    return rules


def _older_ports(make: Maker, named: bool) -> tuple[str, list[Object]]:
    def one() -> Object:
        kind = make.random.random()
        if kind < 0.03:
            return {}
        if kind < 0.3 and named:
            return {"namedPort": make.pick(PORT_NAMES)}
        protocol = {"protocol": make.pick(PROTOCOLS)} if make.maybe(0.8) else {}
        if kind < 0.6:
            start, end = make.span()
            return {"portRange": {**protocol, "start": start, "end": end}}
        return {"portNumber": {**protocol, "port": make.pick(PORTS)}}

    return "ports", make.some(one, 1, 2)


def _newer_ports(make: Maker, named: bool) -> tuple[str, list[Object]]:
    def one() -> Object:
        kind = make.random.random()
        if kind < 0.03:
            return {}
        if kind < 0.3 and named:
            return {"destinationNamedPort": make.pick(PORT_NAMES)}
        start, end = make.span()
        port: Object = {"range": {"start": start, "end": end}} if kind < 0.5 else {"number": make.pick(PORTS)}
        return {make.pick(PROTOCOLS).lower(): {"destinationPort": port}}

    return "protocols", make.some(one, 1, 2)


def _admin(make: Maker, version: str, kind: str, spec: Object, key: str = "") -> Object:
    api = f"policy.networking.k8s.io/{version}"
    return {"apiVersion": api, "kind": kind, "metadata": {"name": key or make.name("admin")}, "spec": spec}


def admin_policies(make: Maker, names: Sequence[str], found: list[Any]) -> None:
    """Add AdminNetworkPolicies; few priorities, so that some are equal."""
    for _ in range(make.random.randint(1, 3)):
        spec: Object = {"priority": make.pick((0, 5, 5, 10, 1000)), "subject": _pods_or_namespaces(make)}
        for direction in ("ingress", "egress"):
            if make.maybe(0.7):
                spec[direction] = _admin_rules(make, direction, ("Allow", "Deny", "Pass"), _older_ports)
        if spoiled(make):
            spec["priority"] = 1001
        found.append(_admin(make, "v1alpha1", "AdminNetworkPolicy", spec))


def baseline_policies(make: Maker, names: Sequence[str], found: list[Any]) -> None:
    """Add the BaselineAdminNetworkPolicy."""
    spec: Object = {"subject": _pods_or_namespaces(make)}
    for direction in ("ingress", "egress"):
        if make.maybe(0.7):
            spec[direction] = _admin_rules(make, direction, ("Allow", "Deny"), _older_ports)
    found.append(_admin(make, "v1alpha1", "BaselineAdminNetworkPolicy", spec, "default"))


def cluster_policies(make: Maker, names: Sequence[str], found: list[Any]) -> None:
    """Add ClusterNetworkPolicies in both tiers."""
    for _ in range(make.random.randint(1, 4)):
        spec: Object = {
            "tier": make.pick(("Admin", "Baseline")),
            "priority": make.pick((0, 5, 5, 10, 1000)),
            "subject": _pods_or_namespaces(make),
        }
        for direction in ("ingress", "egress"):
            if make.maybe(0.7):
                spec[direction] = _admin_rules(make, direction, ("Accept", "Deny", "Pass"), _newer_ports)
        if spoiled(make):
            spec["subject"] = {}
        found.append(_admin(make, "v1alpha2", "ClusterNetworkPolicy", spec))


# --- Calico ----------------------------------------------------------------------------------------------------------


def calico_selector(make: Maker, keys: Sequence[str], depth: int = 2) -> str:
    """Return a selector in Calico's language."""
    kind = make.random.random()
    if depth and kind < 0.15:
        return f"!{calico_selector(make, keys, 0)}"
    if depth and kind < 0.45:
        first, second = calico_selector(make, keys, depth - 1), calico_selector(make, keys, depth - 1)
        joined = f"{first} {make.pick(('&&', '||'))} {second}"
        return f"({joined})" if make.maybe(0.5) else joined
    key = make.pick(keys)
    value = make.pick(TEXTS[key])
    return make.pick(
        (
            "all()", f"has({key})", f"{key} == '{value}'", f'{key} != "{value}"', f"{key} in {{'{value}', 'x'}}",
            f"{key} not in {{'{value}'}}", f"{key} contains '{value[1:3]}'", f"{key} starts with '{value[0]}'",
            f"{key} ends with '{value[-1]}'", f"!has({key})",
        )
    )  # fmt: skip


def calico_pod_selector(make: Maker) -> str:
    """Return a selector of endpoints, also by what Calico itself labels them with."""
    if make.maybe(0.1):
        return make.pick(("projectcalico.org/namespace == 'blue'", "projectcalico.org/serviceaccount == 'web'"))
    return "" if make.maybe(0.1) else calico_selector(make, ("app", "tier"))


def calico_namespace_selector(make: Maker) -> str:
    """Return a selector of namespaces."""
    if make.maybe(0.2):
        return make.pick(("projectcalico.org/name == 'red'", "kubernetes.io/metadata.name == 'red'", "global()"))
    return calico_selector(make, ("team", "stage"))


def _calico_entity(make: Maker, spread: bool) -> Object:
    """Return one end of a rule. Blocks are of one family, as the documentation asks."""
    entity: Object = {}
    if make.maybe(0.45):
        entity["selector"] = calico_pod_selector(make)
    if make.maybe(0.3):
        entity["namespaceSelector"] = calico_namespace_selector(make)
    if (spread or "namespaceSelector" in entity) and make.maybe(0.1):
        entity["notSelector"] = calico_selector(make, ("app", "tier"), 0)
    if make.maybe(0.1):
        entity["serviceAccounts"] = make.pick(
            ({"names": ["web"]}, {"selector": calico_selector(make, ("team",), 0)}, {"names": ["web", "default"]})
        )
    if not entity and make.maybe(0.5):
        family = make.pick((".", ".", ":"))
        cidrs = [each for each in CIDRS if family in each]
        entity[make.pick(("nets", "nets", "notNets"))] = make.several(cidrs, 1, 2)
    return entity


def _calico_rule(make: Maker, spread: bool) -> Object:
    rule: Object = {"action": make.pick(("Allow", "Allow", "Deny", "Pass", "Log"))}
    for end in ("source", "destination"):
        if make.maybe(0.6):
            rule[end] = _calico_entity(make, spread)
    if make.maybe(0.5):
        rule["protocol"] = make.pick((*PROTOCOLS, 6, 17, "ICMP"))
        if rule["protocol"] != "ICMP" and make.maybe(0.7):
            start, end = make.span()
            ports: list[Any] = [make.pick(PORTS), f"{start}:{end}", make.pick(PORT_NAMES)]
            rule.setdefault("destination", {})[make.pick(("ports", "ports", "notPorts"))] = make.several(ports, 1, 2)
    elif make.maybe(0.1):
        rule["notProtocol"] = make.pick(PROTOCOLS)
    if make.maybe(0.1) and not any(
        key in (rule.get(end) or {}) for end in ("source", "destination") for key in ("nets", "notNets")
    ):
        rule["ipVersion"] = make.pick((4, 6))
    if spoiled(make):
        rule["action"] = "Refuse"
    return rule


def calico_policies(make: Maker, names: Sequence[str], found: list[Any]) -> None:
    """Add policies of Calico in tiers, with equal and missing orders, and network sets."""
    api = "projectcalico.org/v3"
    tiers = make.several(("security", "platform"), 0, 2)
    for tier in tiers:
        spec: Object = {"defaultAction": make.pick(("Deny", "Pass"))} if make.maybe(0.5) else {}
        if make.maybe(0.8):
            spec["order"] = make.pick((10, 20, 2000, 2_000_000))
        found.append({"apiVersion": api, "kind": "Tier", "metadata": {"name": tier}, "spec": spec})
    for _ in range(make.random.randint(1, 4)):
        spread = make.maybe(0.5)
        spec = {"tier": make.pick(("default", *tiers))} if make.maybe(0.6) else {}
        if make.maybe(0.8):
            spec["order"] = make.pick((1, 10, 10, 1000, 1500.5))
        if make.maybe(0.8):
            spec["selector"] = calico_pod_selector(make)
        if spread and make.maybe(0.4):
            spec["namespaceSelector"] = calico_namespace_selector(make)
        if make.maybe(0.15):
            spec["serviceAccountSelector"] = make.pick(("projectcalico.org/name == 'web'", "team == 'blue'"))
        if make.maybe(0.6):
            spec["types"] = make.several(("Ingress", "Egress"), 1, 2)
        for direction in ("ingress", "egress"):
            if make.maybe(0.6):
                spec[direction] = make.some(lambda spread=spread: _calico_rule(make, spread), 0, 3)
        kind = "GlobalNetworkPolicy" if spread else "NetworkPolicy"
        metadata = make.metadata("calico", () if spread else names)
        found.append({"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec})
    if make.maybe(0.4):
        spec = {"nets": make.several(("203.0.113.0/24", "172.17.0.0/16", "2001:db8::/32"), 1, 2)}
        metadata = {"name": make.name("set"), "labels": make.labels(("app", "tier"))}
        found.append({"apiVersion": api, "kind": "GlobalNetworkSet", "metadata": metadata, "spec": spec})
    if make.maybe(0.3):
        metadata = {**make.metadata("set", names), "labels": make.labels(("app", "tier"))}
        spec = {"nets": make.several(("203.0.113.7/32", "10.9.0.0/16"), 1, 2)}
        found.append({"apiVersion": api, "kind": "NetworkSet", "metadata": metadata, "spec": spec})


# --- Cilium ----------------------------------------------------------------------------------------------------------


def _cilium_endpoint(make: Maker, spread: bool) -> Object:
    if make.maybe(0.06):
        return {
            "matchLabels": {f"reserved:{make.pick(('host', 'remote-node', 'kube-apiserver', 'health', 'world'))}": ""}
        }
    selector = make.pod_selector()
    if make.maybe(0.3):
        key = make.pick(("k8s:io.kubernetes.pod.namespace", "io.kubernetes.pod.namespace"))
        selector.setdefault("matchLabels", {})[key] = make.pick(("blue", "red"))
    elif spread and make.maybe(0.3):
        key = "io.cilium.k8s.namespace.labels.team"
        selector.setdefault("matchLabels", {})[key] = make.pick(TEXTS["team"])
    elif make.maybe(0.15):
        selector.setdefault("matchLabels", {})["io.cilium.k8s.policy.serviceaccount"] = "web"
    return selector


def _cilium_rule(make: Maker, prefix: str, spread: bool, *, denies: bool) -> Object:
    rule: Object = {}
    kind = make.random.random()
    if kind < 0.4:
        rule[f"{prefix}Endpoints"] = make.some(lambda: _cilium_endpoint(make, spread), 0, 2)
    elif kind < 0.6:
        entities = ("world", "cluster", "host", "remote-node", "all", "kube-apiserver", "health", "init")
        rule[f"{prefix}Entities"] = make.several(entities, 1, 2)
    elif kind < 0.7:
        rule[f"{prefix}CIDR"] = make.several(CIDRS, 0, 2)
    elif kind < 0.8:
        cidr = make.pick(tuple(EXCEPTS))
        rule[f"{prefix}CIDRSet"] = [{"cidr": cidr, "except": make.several(EXCEPTS[cidr], 0, 1)}]
    elif kind < 0.85 and prefix == "to" and not denies:
        rule["toFQDNs"] = [{"matchName": "example.org"}]
    if make.maybe(0.5):
        rule["toPorts"] = [{"ports": make.some(lambda: _cilium_port(make), 1, 2)}]
        if not denies and make.maybe(0.1):
            rule["toPorts"][0]["rules"] = {"http": [{"method": "GET"}]}
    if "requires" in make.corners and make.maybe(0.03):
        rule[f"{prefix}Requires"] = [make.pod_selector()]
    if spoiled(make):
        rule |= {f"{prefix}Entities": ["moon"]}
    return rule


def _cilium_port(make: Maker) -> Object:
    port: Object = {"port": str(make.pick((*PORTS, *PORT_NAMES)))}
    if make.maybe(0.8):
        port["protocol"] = make.pick((*PROTOCOLS, "ANY"))
    if port["port"].isdigit() and make.maybe(0.2):
        port["endPort"] = min(65535, int(port["port"]) + 900)
    return port


def _cilium_spec(make: Maker, spread: bool) -> Object:
    spec: Object = {"endpointSelector": make.pod_selector()}
    for direction, prefix in (("ingress", "from"), ("egress", "to")):
        if make.maybe(0.6):
            rules = [_cilium_rule(make, prefix, spread, denies=False) for _ in range(make.random.randint(0, 2))]
            spec[direction] = rules
        if make.maybe(0.25):
            spec[f"{direction}Deny"] = [_cilium_rule(make, prefix, spread, denies=True)]
        if make.maybe(0.1):
            spec.setdefault("enableDefaultDeny", {})[direction] = False
    return spec


def cilium_policies(make: Maker, names: Sequence[str], found: list[Any]) -> None:
    """Add policies of Cilium: allow and deny sections, default deny on and off, `spec` and `specs`."""
    for _ in range(make.random.randint(1, 4)):
        spread = make.maybe(0.4)

        body: Object = {"spec": _cilium_spec(make, spread)}
        if make.maybe(0.2):
            body = {"specs": [_cilium_spec(make, spread), _cilium_spec(make, spread)]}
        kind = "CiliumClusterwideNetworkPolicy" if spread else "CiliumNetworkPolicy"
        metadata = make.metadata("cilium", () if spread else names)
        found.append({"apiVersion": "cilium.io/v2", "kind": kind, "metadata": metadata, **body})


# --- Istio -----------------------------------------------------------------------------------------------------------


def _istio_source(make: Maker) -> Object:
    account = "cluster.local/ns/blue/sa/web"
    return make.pick(
        (
            {"principals": [account]}, {"principals": ["*"]}, {"notPrincipals": ["*/sa/web"]},
            {"namespaces": make.several(("blue", "red"), 1, 2)}, {"notNamespaces": ["blu*"]},
            {"ipBlocks": make.several(CIDRS, 1, 2)}, {"notIpBlocks": ["203.0.113.7"]},
            {"namespaces": ["blue"], "notPrincipals": [account]}, {"requestPrincipals": ["*"]},
        )
    )  # fmt: skip


def _istio_rule(make: Maker) -> Object:
    rule: Object = {}
    if make.maybe(0.7):
        rule["from"] = make.some(lambda: {"source": _istio_source(make)}, 1, 2)
    if make.maybe(0.5):
        ports = [str(each) for each in make.several(PORTS, 1, 3)]
        operation: Object = {make.pick(("ports", "ports", "notPorts")): ports}
        if make.maybe(0.15):
            operation["methods"] = ["GET"]
        rule["to"] = [{"operation": operation}]
    if "conditions" in make.corners and make.maybe(0.2):
        rule["when"] = [
            make.pick(
                (
                    {"key": "source.namespace", "values": ["red"]},
                    {"key": "destination.port", "notValues": ["80"]},
                    {"key": "source.ip", "values": ["10.0.0.0/16"]},
                    {"key": "request.headers[x]", "values": ["1"]},
                )
            )
        ]
    return rule


def istio_policies(make: Maker, names: Sequence[str], found: list[Any]) -> None:
    """Add AuthorizationPolicies: all actions, the root namespace, policies without rules."""
    for _ in range(make.random.randint(1, 4)):
        spec: Object = {}
        if make.maybe(0.5):
            spec["selector"] = {"matchLabels": make.labels(("app", "tier"), 0.6)}
        if make.maybe(0.8):
            spec["action"] = make.pick(("ALLOW", "ALLOW", "DENY", "DENY", "AUDIT", "CUSTOM"))
        if spec.get("action") == "CUSTOM":
            spec["provider"] = {"name": "elsewhere"}
        if make.maybe(0.85):
            spec["rules"] = make.some(lambda: _istio_rule(make), 0, 2)
        metadata = make.metadata("istio", [*names, "istio-system"])
        if make.maybe(0.05):
            metadata["annotations"] = {"istio.io/dry-run": "true"}
        found.append(
            {"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy", "metadata": metadata, "spec": spec}
        )


MAKERS: dict[str, Fill] = {
    "NetworkPolicy": network_policies,
    "AdminNetworkPolicy": admin_policies,
    "BaselineAdminNetworkPolicy": baseline_policies,
    "ClusterNetworkPolicy": cluster_policies,
    "Calico": calico_policies,
    "Cilium": cilium_policies,
    "Istio": istio_policies,
}
