"""What Istio's proxies speak to a Service, by the DestinationRules that are for it.

A client's proxy takes the rules of its own namespace, else those of the Service's, else those of the root namespace;
those of the root namespace itself take from there first only what is exported to nobody else. A rule counts where it is
exported to the client and, if it selects workloads, selects the client. Of the rules of one namespace the most specific
host holds. Settings of a port stand in place of all the others, also where they leave TLS out; those of a subset hold
where a VirtualService leads to it. Short host names are of the rule's own namespace.
Source: https://istio.io/latest/docs/reference/config/networking/destination-rule/,
https://istio.io/latest/docs/ops/best-practices/traffic-management/#cross-namespace-configuration,
https://github.com/istio/istio/blob/master/pilot/pkg/model/push_context.go (destinationRule),
https://github.com/istio/istio/blob/master/pilot/pkg/networking/core/cluster_tls.go
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import Final, NamedTuple

BY_ITSELF: Final = ""
"""No rule says anything of TLS: the proxy finds out whether the other end has one, and speaks mutual TLS to it."""

SPOKEN: Final = {
    "DISABLE": "plain",
    "SIMPLE": "begun",
    "MUTUAL": "begun",
    "ISTIO_MUTUAL": "mutual",
    "": BY_ITSELF,
}
"""Modes of TLS as a rule writes them, and what the proxy speaks: `begun` is TLS that is not the mesh's own."""

UNSURE: Final = "unsure"


class Policy(NamedTuple):
    """Modes of TLS of one rule or subset: its own, None where it leaves TLS out, and those of ports."""

    mode: str | None = None
    ports: Mapping[int, str] = {}

    def at(self, port: int, otherwise: str) -> str:
        """Return the mode for one port of a Service."""
        return self.ports.get(port, otherwise if self.mode is None else self.mode)


NO_POLICY: Final = Policy()
_EXACT: Final = 1_000


@dataclass(frozen=True)
class DestinationRule:
    """One DestinationRule, as far as it is of TLS."""

    object: str
    namespace: str
    host: str
    policy: Policy = NO_POLICY
    subsets: tuple[Policy, ...] = ()
    exported_to: tuple[str, ...] = ()
    selector: Mapping[str, str] = field(default_factory=dict)

    def names(self, service: str, namespace: str) -> int:
        """Return how specifically its host names a Service: 0 is not at all."""
        if "." not in self.host and "*" not in self.host:
            return _EXACT if (self.host, self.namespace) == (service, namespace) else 0
        host, marked, _ = self.host.partition(".svc")
        # Whatever the domain of the cluster is called, names of Services have `.svc` before it.
        asked, full = f"{service}.{namespace}", f"{service}.{namespace}.svc.cluster.local"
        if not self.host.startswith("*"):
            return _EXACT if marked and host == asked else 0
        fits = asked.endswith(host[1:]) if marked else full.endswith(self.host[1:])
        return len(self.host) if fits else 0

    def outside(self) -> bool:
        """Tell whether its host may be a name of the outside."""
        named = "." in self.host and ".svc" not in self.host and not self.host.endswith(".local")
        return named or self.host == "*"

    def begins_tls(self) -> bool:
        """Tell whether it begins TLS of its own on any port."""
        written = [mode for each in (self.policy, *self.subsets) for mode in (each.mode, *each.ports.values())]
        return any(SPOKEN.get(mode or "") == "begun" for mode in written)

    def exported(self, namespace: str) -> bool:
        """Tell whether clients of a namespace may see it."""
        here = "." in self.exported_to and namespace == self.namespace
        return not self.exported_to or here or bool({"*", namespace} & {*self.exported_to})

    def modes(self, port: int) -> set[str]:
        """Return the modes that may hold for one port of the Service, those of subsets among them."""
        whole = self.policy.at(port, "")
        return {whole, *(subset.at(port, whole) for subset in self.subsets)}


class Client(NamedTuple):
    """One workload that connects by its proxy: its namespace, and the labels of each of its pods."""

    namespace: str
    labels: tuple[Mapping[str, str], ...]


class Spoken(NamedTuple):
    """What proxies of a client speak: plain, begun, mutual, unsure, or what they find out by themselves."""

    by: str
    source: str = ""


def spoken(
    rules: Iterable[DestinationRule], client: Client | None, service: tuple[str, str], port: int, root: str
) -> Spoken:
    """Return what the proxies of a client speak to one port of a Service.

    Parameters
    ----------
    rules
        Every DestinationRule of the cluster.
    client
        The client; None for any that may be: then nothing is sure where a rule turns TLS off.
    service
        Namespace and name of the Service.
    port
        Port of the Service, which need not be that of its pods.
    root
        Root namespace of the mesh.

    Returns
    -------
    Spoken
        `plain` only where every rule that holds turns TLS off for every pod of the client, `unsure` where some may;
        `begun` also where some may begin TLS and none turns it off.
    """
    namespace, name = service
    mine = [rule for rule in rules if rule.names(name, namespace)]
    if client is None:
        off = next((rule for rule in mine if "DISABLE" in rule.modes(port)), None)
        return Spoken(UNSURE, off.object) if off else Spoken(BY_ITSELF)
    mine = [rule for rule in mine if rule.exported(client.namespace) and _selects(rule, client) is not False]
    own = [rule for rule in mine if rule.namespace == client.namespace]
    if client.namespace == root:
        own = [rule for rule in own if rule.exported_to == (".",)]
    there = ([rule for rule in mine if rule.namespace == place] for place in (namespace, root))
    for seen in (own, *there):
        if seen:
            most = max(rule.names(name, namespace) for rule in seen)
            return _together([rule for rule in seen if rule.names(name, namespace) == most], client, port)
    return Spoken(BY_ITSELF)


def _selects(rule: DestinationRule, client: Client) -> bool | None:
    """Tell whether a rule is for a client; None where for some of its pods. Selectors reach no other namespace."""
    if not rule.selector:
        return True
    if rule.namespace != client.namespace:
        return False
    found = {all(labels.get(key) == value for key, value in rule.selector.items()) for labels in client.labels}
    return found.pop() if len(found) == 1 else None


def _together(rules: list[DestinationRule], client: Client, port: int) -> Spoken:
    """Return what several rules of one host come to: sure is what all say to all pods of the client."""
    modes = {mode for rule in rules for mode in rule.modes(port)}
    said = {SPOKEN.get(mode, UNSURE) for mode in modes}
    off = next((rule for rule in rules if "DISABLE" in rule.modes(port)), rules[0])
    whole = all(_selects(rule, client) for rule in rules)
    if len(said) == 1 and whole:
        return Spoken(said.pop(), off.object)
    return Spoken(in_doubt(said), off.object) if in_doubt(said) else Spoken(BY_ITSELF)


def in_doubt(said: Set[str]) -> str:
    """Return what counts where different things may be spoken: that it may be plain before that TLS may be begun."""
    if said & {"plain", UNSURE}:
        return UNSURE
    return "begun" if "begun" in said else BY_ITSELF
