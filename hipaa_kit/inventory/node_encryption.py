"""Encryption between nodes by the network plugin, node by node.

It covers traffic of pods to other nodes. Between two pods of one node nothing is encrypted, nor is traffic from or to
addresses outside. Source: https://docs.cilium.io/en/stable/security/network/encryption-wireguard/,
https://docs.cilium.io/en/stable/security/network/encryption-ipsec/,
https://docs.tigera.io/calico/latest/network-policy/encrypt-cluster-pod-traffic,
https://github.com/flannel-io/flannel/blob/master/Documentation/backends.md,
https://docs.redhat.com/en/documentation/openshift_container_platform/latest/html/network_security/configuring-ipsec-ovn
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from hipaa_kit.inventory.fields import items, mapping, number, string_map, text, texts, truth
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube import kinds
from hipaa_kit.kube.custom_kinds import custom
from hipaa_kit.kube.facts import NETWORK_ENCRYPTION
from hipaa_kit.sources.snapshot import Record, Snapshot
from hipaa_kit.tables.transit import NODE_ENCRYPTION

CILIUM_NODE = custom("cilium.io", "CiliumNode")
FELIX_CONFIGURATION = custom("crd.projectcalico.org", "FelixConfiguration")

FELIX = (FELIX_CONFIGURATION, custom("projectcalico.org", "FelixConfiguration"))
NETWORK_OPERATOR = custom("operator.openshift.io", "Network")
READS = (kinds.NODE, kinds.DAEMON_SET, CILIUM_NODE, *FELIX, NETWORK_OPERATOR)

WIREGUARD_KEY = "network.cilium.io/wg-pub-key"
FELIX_KEY = "projectcalico.org/WireguardPublicKey"
FELIX_KEY_6 = "projectcalico.org/WireguardPublicKeyV6"
"""IPv6 has a key, and a switch, of its own."""
FLANNEL_BACKEND = "flannel.alpha.coreos.com/backend-type"
IPSEC_PODS = "ovn-ipsec"
"""Begins the names of the DaemonSets that set up IPsec on each node; of two, one is meant for no node."""
FELIX_VARIABLE = "FELIX_WIREGUARDENABLED"
CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
"""Label of nodes between which, and others, Cilium does not encrypt what is on the nodes' own network."""
LARGEST_IPSEC_KEY = 15
"""Cilium numbers keys of IPsec from 1 to 15; with WireGuard it writes another number in the same place."""


class Said(NamedTuple):
    """What is known of one node."""

    mechanism: str
    basis: str
    host: bool = False


PLAIN = {
    "kindnet-cni": "kindnet",
    "aws-node": "the VPC plugin of AWS",
    "kube-router": "kube-router",
}
"""Containers of plugins that have no encryption of their own, and their names."""


@builds(NODE_ENCRYPTION, reads=READS, also=[kinds.CONFIG_MAP], facts=[NETWORK_ENCRYPTION])
def node_encryption(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per node. A ConfigMap of the plugin, where it was read, settles what objects leave open."""
    agents = {
        text(each, "name"): record
        for record in snapshot.records(kinds.DAEMON_SET)
        for each in items(record.content, "spec", "template", "spec", "containers")
    }
    asked = [build(snapshot, agents[name]) for name, build in PLUGINS.items() if name in agents]
    plain = [words for name, words in PLAIN.items() if name in agents]
    for record in snapshot.records(kinds.NODE):
        answers = [ask(record) for ask in asked]
        yield {"node": record.object, **_joined(answers, plain)._asdict()}


def _joined(answers: list[Said], plain: list[str]) -> Said:
    """Return what encrypts, where anything does; several plugins may share a node."""
    if found := [each for each in answers if each.mechanism in ("wireguard", "ipsec")]:
        return found[0]
    if doubtful := [each for each in answers if each.mechanism == "unknown"]:
        return doubtful[0]
    if answers:
        return answers[0]
    if plain:
        return Said("none", f"{plain[0]} encrypts nothing between nodes")
    return Said("unknown", "no network plugin was recognised")


def _cilium(snapshot: Snapshot, agent: Record) -> Callable[[Record], Said]:
    """Ask the CiliumNode of a node.

    The agent writes the number of its key there whenever it starts, 0 without encryption; the public key in the
    annotation may outlast WireGuard. With both, WireGuard is on.
    """
    held = {record.name: record for record in snapshot.records(CILIUM_NODE)}
    settings: Mapping[str, Any] = {}
    for record in snapshot.records(kinds.CONFIG_MAP):
        if record.name == "cilium-config" and record.namespace == agent.namespace:
            settings = mapping(record.facts, NETWORK_ENCRYPTION)
    everywhere = settings.get("encrypt-node") is True

    def ask(node: Record) -> Said:
        found = held.get(node.name)
        # Nodes of the control plane stay out of it by themselves: `node-encryption-opt-out-labels`.
        apart = CONTROL_PLANE in string_map(node.content, "metadata", "labels")
        host = everywhere and not apart
        key = number(found.content, "spec", "encryption", "key") or 0 if found else 0
        public = bool(found and string_map(found.content, "metadata", "annotations").get(WIREGUARD_KEY))
        name = found.object if found else "no CiliumNode of this name was seen"
        if public and key > 0:
            return Said("wireguard", f"{name} has a public key of WireGuard, in use", host)
        if 0 < key <= LARGEST_IPSEC_KEY:
            return Said("ipsec", f"{name} names key {key} of IPsec", host)
        doubtful = found is None or public or key > 0
        for setting, mechanism in (("enable-wireguard", "wireguard"), ("enable-ipsec", "ipsec")):
            if settings.get(setting) is True:
                where = f"ConfigMap/{agent.namespace}/cilium-config has {setting}: true"
                return Said(mechanism, where, host) if doubtful else Said("unknown", f"{where}, {name} shows none")
        if doubtful:
            return Said("unknown", f"{name}: what it shows is not whole, cilium-config would say" if found else name)
        return Said("none", f"{name} shows neither WireGuard nor IPsec")

    return ask


def _calico(snapshot: Snapshot, agent: Record) -> Callable[[Record], Said]:
    """Ask the FelixConfiguration, and the node for the key that its agent has published.

    A variable of the agent wins over a configuration for one node, and that over the default one.
    Source: https://docs.tigera.io/calico/latest/reference/felix/configuration
    """
    written = {record.name: record for kind in FELIX for record in snapshot.records(kind)}
    given = {
        text(each, "name"): text(each, "value").lower()
        for container in items(agent.content, "spec", "template", "spec", "containers")
        for each in items(container, "env")
    }

    def ask(node: Record) -> Said:
        if FELIX_VARIABLE in given:
            enabled: bool | None = {"true": True, "false": False}.get(given[FELIX_VARIABLE])
            source = f"{agent.object} {FELIX_VARIABLE}"
        else:
            names = [name for name in (f"node.{node.name}", "default") if name in written]
            values = [(name, truth(written[name].content, "spec", "wireguardEnabled")) for name in names]
            found = next(((name, value) for name, value in values if value is not None), None)
            enabled = found[1] if found else False
            source = written[found[0]].object if found else ""
        published = bool(string_map(node.content, "metadata", "annotations").get(FELIX_KEY))
        ranges = (text(node.content, "spec", "podCIDR"), *texts(node.content, "spec", "podCIDRs"))
        addresses = (text(each, "address") for each in items(node.content, "status", "addresses"))
        both = any(":" in each for each in (*ranges, *addresses))
        if enabled is None:
            return Said("unknown", f"{source} says neither true nor false")
        if not enabled:
            return Said(
                "none", f"WireGuard is off by {source}" if source else "no configuration of Felix turns WireGuard on"
            )
        if not published:
            return Said("unknown", f"{source} turns WireGuard on, and the node has published no key")
        if both and not string_map(node.content, "metadata", "annotations").get(FELIX_KEY_6):
            return Said("unknown", f"{source} turns WireGuard on for IPv4, and {node.object} has IPv6 as well")
        return Said("wireguard", f"{source} turns WireGuard on, and the node has published a key")

    return ask


def _flannel(_: Snapshot, agent: Record) -> Callable[[Record], Said]:
    """Ask the node which backend flannel runs there."""

    def ask(node: Record) -> Said:
        backend = string_map(node.content, "metadata", "annotations").get(FLANNEL_BACKEND, "")
        if backend == "wireguard":
            return Said("wireguard", f"{node.object} runs flannel over WireGuard")
        if backend == "ipsec":
            return Said("unknown", f"{node.object} runs a backend of flannel that is no longer supported")
        if backend:
            return Said("none", f"{node.object} runs flannel over {backend}, which encrypts nothing")
        return Said("unknown", f"{agent.object} is flannel, and the node does not say over what")

    return ask


def _ovn(snapshot: Snapshot, agent: Record) -> Callable[[Record], Said]:
    """Ask the operator of the network, and the pods that do what it asks; elsewhere it cannot be seen."""
    configured = next(iter(snapshot.records(NETWORK_OPERATOR)), None)
    wanted = [
        (number(each.content, "status", "desiredNumberScheduled") or 0, number(each.content, "status", "numberReady"))
        for each in snapshot.records(kinds.DAEMON_SET)
        if each.name.startswith(IPSEC_PODS) and each.namespace == agent.namespace
    ]
    running = [(desired, held) for desired, held in wanted if desired > 0]
    ready = bool(running) and all(desired == held for desired, held in running)
    lacks = "not all pods that do it are ready" if running else "no pods that do it were seen"

    def ask(_: Record) -> Said:
        if configured is None:
            return Said("unknown", f"{agent.object} is OVN-Kubernetes, and no Network of an operator was seen")
        ovn = mapping(configured.content, "spec", "defaultNetwork", "ovnKubernetesConfig")
        mode = text(ovn, "ipsecConfig", "mode")
        if mode == "Full":
            asked = f"{configured.object} sets IPsec to Full"
            return Said("ipsec", f"{asked}, and its pods are ready") if ready else Said("unknown", f"{asked}: {lacks}")
        if mode in ("Disabled", "External") or "ipsecConfig" not in ovn:
            return Said("none", f"{configured.object} encrypts nothing between pods: IPsec is {mode or 'not set'}")
        return Said("unknown", f"{configured.object} names IPsec without a mode")

    return ask


def _not_read(_: Snapshot, agent: Record) -> Callable[[Record], Said]:
    return lambda _: Said("unknown", f"{agent.object} may encrypt between nodes; its configuration is not read")


PLUGINS: Mapping[str, Callable[[Snapshot, Record], Callable[[Record], Said]]] = {
    "cilium-agent": _cilium,
    "calico-node": _calico,
    "kube-flannel": _flannel,
    "ovnkube-controller": _ovn,
    "ovnkube-node": _ovn,
    "antrea-agent": _not_read,
    "weave": _not_read,
}
"""How a node is asked, by the container that does the work."""
