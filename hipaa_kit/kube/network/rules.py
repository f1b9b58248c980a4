"""The form that every kind of network policy is read into.

A policy selects pods and has rules for a direction; a rule has peers, ports and an action. Policies stand in
stages, and stages in chains: within a stage the first rule that matches decides, in the order of the policies;
what no stage decides is allowed; a connection needs every chain. That is enough to say what every kind means:

- NetworkPolicy: one stage, all rules allow, a selected pod ends in deny.
- AdminNetworkPolicy, BaselineAdminNetworkPolicy, ClusterNetworkPolicy: stages before and after it that end in
  nothing; equal orders are ambiguous.
- Calico: stages by tier, policies by order, a selected pod ends in deny.
- Cilium: the stage of NetworkPolicy, denials first.
- Istio: a chain of its own.

What is not modelled is a `Doubt`: the pods it selects, and why nothing certain can be said of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, Protocol, TypeAlias

from hipaa_kit.kube.network.addresses import AddressSet
from hipaa_kit.kube.network.ports import EVERY_PORT, Ports
from hipaa_kit.kube.selectors import Selector

Direction = Literal["ingress", "egress"]
Action = Literal["allow", "deny", "pass"]
DIRECTIONS: Final[tuple[Direction, Direction]] = ("ingress", "egress")

NAMESPACE_NAMES: Final = ("kubernetes.io/metadata.name", "projectcalico.org/name")
"""Labels that the API server, and Calico in its own view, set on every namespace to its name."""


class Condition(Protocol):
    """Something that labels meet or do not meet, in whatever language it is written."""

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels meet it."""

    def judge(self, known: Mapping[str, str]) -> bool | None:
        """Tell whether labels of which only some are known meet it; None where that is open."""

    def mentions(self) -> Iterator[tuple[str, frozenset[str] | None]]:
        """Yield every key with the values it tells apart; None where it looks at the value as a whole."""


ANY: Final = Selector()


def _named(what: str, condition: Condition) -> str:
    return f"all {what}" if condition == ANY else f"{what} {condition}"


@dataclass(frozen=True)
class Pods:
    """Pods by namespace and labels.

    Parameters
    ----------
    namespace
        Name of the one namespace; "" for those that `namespaces` selects.
    namespaces, pods
        Conditions on the labels of the namespace and of the pod.
    accounts
        Condition on the labels of the pod's service account; None where there is none.
    account_names
        Names of service accounts, or `namespace/name`; empty for any.
    host_network
        How pods on the host's network are selected: `option` where the rule does not define it, `never`.
    meshed
        Only pods that a service mesh's proxy serves.
    principals
        Patterns of the identity `cluster.local/ns/NAMESPACE/sa/ACCOUNT`, one of which must match; `*` stands at
        an end, or alone for any. Empty for any.
    """

    namespace: str = ""
    namespaces: Condition = ANY
    pods: Condition = ANY
    accounts: Condition | None = None
    account_names: frozenset[str] = frozenset()
    host_network: Literal["option", "never"] = "option"
    meshed: bool = False
    principals: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the selection in words."""
        if self.principals:
            return f"pods of {', '.join(self.principals)}"
        where = f"namespace {self.namespace}" if self.namespace else _named("namespaces", self.namespaces)
        return f"{_named('pods', self.pods)} in {where}"


@dataclass(frozen=True)
class Addresses:
    """Addresses; whether pods and nodes are met by their addresses differs between kinds and plugins.

    `doubt` where it is not known whether they are meant at all; `version` where they stand for a whole family, so
    that the connection tells and not the address.
    """

    addresses: AddressSet
    pods: Literal["option", "always", "never"] = "option"
    nodes: bool = True
    doubt: bool = False
    version: bool = False

    def __str__(self) -> str:
        """Return the addresses."""
        return str(self.addresses)


@dataclass(frozen=True)
class Nodes:
    """Nodes by label, with the pods on their network; `own` tells the pod's own node from others, None takes all."""

    labels: Condition = ANY
    own: bool | None = None

    def __str__(self) -> str:
        """Return the selection in words."""
        return _named("nodes", self.labels)


@dataclass(frozen=True)
class Outside:
    """Everything that is neither a pod nor a node; with `doubt`, an unknown part of it.

    With `nodes` nodes are part of it, with `hosts` pods on their network too, with `everything` all pods.
    """

    doubt: str = ""
    nodes: bool = False
    hosts: bool = False
    everything: bool = False

    def __str__(self) -> str:
        """Return the peer in words."""
        return self.doubt or "everything outside the cluster"


@dataclass(frozen=True)
class Everyone:
    """Every peer, in the cluster and outside."""

    def __str__(self) -> str:
        """Return the peer in words."""
        return "every peer"


@dataclass(frozen=True)
class Combined:
    """Peers that all of several lists name, each by any of its members, without those that `none_of` names.

    Of those that `doubtful` names it is not known whether they are excluded.
    """

    all_of: tuple[tuple[SimplePeer, ...], ...]
    none_of: tuple[SimplePeer, ...] = ()
    doubtful: tuple[SimplePeer, ...] = ()

    def __str__(self) -> str:
        """Return the peer in words."""
        named = " and ".join(" or ".join(map(str, each)) for each in self.all_of) or "every peer"
        return f"{named} except {' and '.join(map(str, self.none_of))}" if self.none_of else named


SimplePeer: TypeAlias = Pods | Addresses | Nodes | Outside | Everyone
Peer: TypeAlias = SimplePeer | Combined
EVERYONE: Final = (Everyone(),)


class Stage(NamedTuple):
    """A place in the order of decisions; lower orders decide first."""

    order: float
    name: str
    chain: str = "network"
    ties: bool = False


ADMIN: Final = Stage(1_000, "admin", ties=True)
NETWORK: Final = Stage(1_000_000, "network")
BASELINE: Final = Stage(10_000_000, "baseline", ties=True)
MESH: Final = Stage(0, "mesh", "mesh")
"""Stages that do not depend on objects; the numbers are those that Calico gives its tiers.

Source: https://docs.tigera.io/calico/latest/reference/resources/tier
"""


@dataclass(frozen=True)
class Rule:
    """One rule of one policy in one direction.

    `own` narrows the pods of the policy's subject to those that the rule speaks of. A `doubt` says why it is not
    known whether the rule matches what it seems to match; a `note` what its reader should know of it.
    """

    index: int
    action: Action
    peers: tuple[Peer, ...] = EVERYONE
    ports: Ports = EVERY_PORT
    doubt: str = ""
    note: str = ""
    own: tuple[Peer, ...] = EVERYONE

    def __str__(self) -> str:
        """Return the rule in words."""
        peers = "; ".join(map(str, self.peers)) or "nobody"
        return f"{self.action} {peers} on {self.ports}"


@dataclass(frozen=True)
class Policy:
    """One policy as it acts on the pods of its subject.

    Parameters
    ----------
    object
        `Kind/namespace/name`.
    subject
        Pods it selects: those of any of these.
    stage, order
        Where it decides; policies of one stage go by `order`, then by `tie`, unless the stage has ties.
    rules
        Rules by direction; a direction that is not there is not touched.
    isolates
        Directions in which a pod that it selects ends in deny where no rule of the stage matches.
    family
        Kinds of one stage whose order among each other is defined share a family.
    """

    object: str
    subject: tuple[Pods, ...]
    stage: Stage
    order: tuple[float, ...]
    rules: Mapping[Direction, tuple[Rule, ...]]
    isolates: frozenset[Direction] = frozenset()
    family: str = ""
    tie: str = ""

    def touches(self, direction: Direction) -> bool:
        """Tell whether the policy says anything about a direction."""
        return bool(self.rules.get(direction)) or direction in self.isolates


@dataclass(frozen=True)
class Doubt:
    """Pods of which nothing certain can be said, and why.

    Parameters
    ----------
    effect
        `both`: it may allow and deny. `gate`: it may only deny. `adds`: like another NetworkPolicy, it may
        isolate and may allow, but never takes away from a pod that is isolated already. `unites`: like another
        policy of Cilium, it may do anything but allow what another surely denies. `narrows`: what Cilium's policies
        deny they may not deny.
    stage
        Stage in which it would decide, so that what stands before it still holds; None for before all.
    """

    source: str
    reason: str
    subject: tuple[Pods, ...] = (Pods(),)
    directions: frozenset[Direction] = frozenset(DIRECTIONS)
    effect: Literal["both", "gate", "adds", "unites", "narrows"] = "both"
    stage: Stage | None = None


@dataclass(frozen=True)
class Read:
    """What one policy object was read into."""

    policies: tuple[Policy, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    problem: str = ""
