"""What the engine reads: pods, namespaces, nodes, policies and options, without the objects they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from hipaa_kit.kube.network.addresses import Block
from hipaa_kit.kube.network.ports import ContainerPort
from hipaa_kit.kube.network.rules import Doubt, Policy

Enforcement = Literal["enforced", "not_enforced", "unknown"]


@dataclass(frozen=True, slots=True)
class PodFact:
    """One pod that has not ended, as policies see it."""

    object: str
    namespace: str
    labels: Mapping[str, str]
    workload: str = ""
    addresses: tuple[Block, ...] = ()
    ports: tuple[ContainerPort, ...] = ()
    host_network: bool = False
    node: str = ""
    account: str = "default"
    mesh: Literal["yes", "no", "perhaps"] = "no"
    note: str = ""


@dataclass(frozen=True, slots=True)
class NodeFact:
    """One node by label and address."""

    name: str
    labels: Mapping[str, str]
    addresses: tuple[Block, ...] = ()


@dataclass(frozen=True)
class Options:
    """What the rules leave open, decided for this cluster.

    Parameters
    ----------
    cidr_matches_pods
        Whether an `ipBlock` meets a pod's own address.
    host_network
        `plugin_typical`: a pod on the host's network is the node. `unknown`: nothing is known of it.
    node_local
        Whether a pod and its node always reach each other.
    enforcement
        Whether anything enforces policy. Where nothing does, every connection is allowed.
    basis
        What each value rests on, by option.

    Notes
    -----
    Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/#networkpolicy-and-hostnetwork-pods
    """

    cidr_matches_pods: Literal["always", "never", "unknown"] = "unknown"
    host_network: Literal["plugin_typical", "unknown"] = "unknown"
    node_local: Literal["allowed", "unknown"] = "allowed"
    enforcement: Enforcement = "unknown"
    basis: Mapping[str, str] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Facts:
    """Everything the engine knows of one cluster.

    Parameters
    ----------
    namespaces
        Labels by name; None where a namespace is known by name only.
    accounts
        Labels of service accounts by (namespace, name).
    ended
        Pods that have ended, by object: they have no network.
    node_enforcement
        Where the answer for a node differs from that for the cluster.
    problems
        What is wrong with policy objects, by object.
    cuts
        Blocks at whose borders the outside is cut beside those that policies name.
    """

    pods: Sequence[PodFact]
    namespaces: Mapping[str, Mapping[str, str] | None]
    policies: Sequence[Policy] = ()
    doubts: Sequence[Doubt] = ()
    nodes: Sequence[NodeFact] = ()
    options: Options = Options()
    accounts: Mapping[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)
    ended: frozenset[str] = frozenset()
    node_enforcement: Mapping[str, Enforcement] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    cuts: frozenset[Block] = frozenset()
