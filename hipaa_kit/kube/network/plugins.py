"""Which network plugin a cluster has, whether it enforces policy, and what it makes of what the API leaves open.

A NetworkPolicy is only words where nothing enforces it. The agents that do run on every node, as DaemonSets.

Source: https://kubernetes.io/docs/concepts/extend-kubernetes/compute-storage-net/network-plugins/,
https://docs.tigera.io/calico/latest/reference/felix/configuration,
https://docs.cilium.io/en/stable/network/kubernetes/policy/,
https://docs.aws.amazon.com/eks/latest/userguide/cni-network-policy.html,
https://www.kube-router.io/docs/user-guide/, https://github.com/kubernetes-sigs/kube-network-policies
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from hipaa_kit.counting import Count

Answer = Literal["enforced", "not_enforced", "unknown"]


@dataclass(frozen=True)
class Agent:
    """One DaemonSet: its containers by name with their arguments and environment, and how many nodes it is ready on."""

    object: str
    name: str
    containers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    desired: int | None = None
    ready: int | None = None

    @property
    def everywhere(self) -> bool:
        """Tell whether it is ready on every node that is to have it."""
        return bool(self.desired) and self.ready == self.desired

    def argument(self, name: str) -> str | None:
        """Return the value of a flag in any container; "" for one without value."""
        for words in self.containers.values():
            for at, word in enumerate(words):
                flag, _, value = word.lstrip("-").partition("=")
                if flag == name and word.startswith("-"):
                    follows = words[at + 1] if at + 1 < len(words) and not words[at + 1].startswith("-") else ""
                    return value or follows
        return None


@dataclass(frozen=True)
class Plugin:
    """What is known of one network plugin."""

    name: str
    container: str
    enforces: Callable[[Agent], Answer]
    cidr_matches_pods: Literal["always", "never", "unknown"] = "unknown"
    host_network: Literal["plugin_typical", "unknown"] = "unknown"
    node_local: Literal["allowed", "unknown"] = "allowed"


def _always(_: Agent) -> Answer:
    return "enforced"


def _never(_: Agent) -> Answer:
    return "not_enforced"


def _cannot_tell(_: Agent) -> Answer:
    return "unknown"


def _cilium(agent: Agent) -> Answer:
    """Return `unknown` where policy is switched off by a flag; its ConfigMap is not readable to us."""
    return "not_enforced" if agent.argument("enable-policy") == "never" else "enforced"


def _kube_router(agent: Agent) -> Answer:
    return "not_enforced" if agent.argument("run-firewall") == "false" else "enforced"


def _aws(agent: Agent) -> Answer:
    """The agent container is there by default and does nothing until it is switched on."""
    if "aws-eks-nodeagent" not in agent.containers:
        return "not_enforced"
    return {"true": "enforced", "": "enforced", "false": "not_enforced"}.get(
        agent.argument("enable-network-policy") or "unknown", "unknown"
    )  # type: ignore[return-value]


PLUGINS: Final = (
    Plugin("calico", "calico-node", _always, "always", "plugin_typical"),
    Plugin("cilium", "cilium-agent", _cilium, "never", "plugin_typical", "unknown"),
    Plugin("antrea", "antrea-agent", _always),
    Plugin("ovn-kubernetes", "ovnkube-controller", _always),
    Plugin("ovn-kubernetes", "ovnkube-node", _always),
    Plugin("weave", "weave-npc", _always),
    Plugin("kube-router", "kube-router", _kube_router),
    Plugin("azure-npm", "azure-npm", _always),
    Plugin("kube-network-policies", "kube-network-policies", _always, "always"),
    Plugin("kindnet", "kindnet-cni", _cannot_tell),
    Plugin("aws-vpc-cni", "aws-node", _aws),
    Plugin("flannel", "kube-flannel", _never),
)
"""By the container that does the work; a plugin that only connects pods stands after those that enforce."""


@dataclass(frozen=True)
class Detected:
    """The plugin that enforces policy, or the only one there is, and what that says."""

    plugin: Plugin | None
    enforcement: Answer
    basis: str
    agent: Agent | None = None


def detect(agents: Iterable[Agent], complete: bool) -> Detected:
    """Return which plugin enforces policy in a cluster.

    Parameters
    ----------
    agents
        DaemonSets of the cluster.
    complete
        All DaemonSets were seen; without that nothing shows that there is no other.

    Returns
    -------
    Detected
        `not_enforced` only where a plugin is known that does not enforce, and no other is there. An agent
        without a status, as in manifests, is only declared: `unknown`.
    """
    found = [(plugin, agent) for agent in agents for plugin in PLUGINS if plugin.container in agent.containers]
    found.sort(key=lambda each: PLUGINS.index(each[0]))
    answers = [(plugin, agent, plugin.enforces(agent)) for plugin, agent in found]
    enforcing = [each for each in answers if each[2] == "enforced"]
    if len({plugin.name for plugin, _, _ in enforcing}) > 1:
        names = ", ".join(sorted({plugin.name for plugin, _, _ in enforcing}))
        return Detected(None, "unknown", f"several plugins may enforce policy: {names}")
    if enforcing:
        plugin, agent, _ = enforcing[0]
        if agent.desired is None:
            return Detected(plugin, "unknown", f"{agent.object} is declared, it is not known to run", agent)
        return Detected(
            plugin, "enforced", f"{agent.object} is ready on {agent.ready or 0} of {Count(agent.desired):node}", agent
        )
    if unknown := [each for each in answers if each[2] == "unknown"]:
        plugin, agent, _ = unknown[0]
        return Detected(plugin, "unknown", f"{agent.object}: whether {plugin.name} enforces policy is not known", agent)
    if answers and complete:
        plugin, agent, _ = answers[0]
        return Detected(
            plugin, "not_enforced", f"{agent.object} is {plugin.name}, which enforces no policy here", agent
        )
    return Detected(None, "unknown", "no network plugin was recognised")
