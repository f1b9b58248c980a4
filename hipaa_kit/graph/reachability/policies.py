"""Reading every policy object of a snapshot, of whatever kind, into one form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from hipaa_kit.errors import InputError
from hipaa_kit.inventory.fields import string_map, text
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.kube.network.addresses import AddressSet
from hipaa_kit.kube.network.admin_policy import read_admin_policy
from hipaa_kit.kube.network.calico import (
    NetworkSet,
    Surroundings,
    Tier,
    read_calico_policy,
    read_network_set,
    read_tier,
)
from hipaa_kit.kube.network.cilium import read_cilium_policy
from hipaa_kit.kube.network.dialects import CALICO_GROUPS, Dialect, dialect
from hipaa_kit.kube.network.istio import read_authorization_policy, read_peer_authentications
from hipaa_kit.kube.network.network_policy import cidr, read_network_policy
from hipaa_kit.kube.network.reading import mapping, words
from hipaa_kit.kube.network.rules import Doubt, Pods, Policy, Read
from hipaa_kit.kube.owners import object_id
from hipaa_kit.sources.snapshot import Record, Snapshot

T = TypeVar("T")
Known = dict[str, tuple[Mapping[str, Any], Read]]
"""What was read of each NetworkPolicy, beside what it was read of, by object."""

ADMIN_GROUP = "policy.networking.k8s.io"
ADMIN_KINDS = ("AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy")
MESH_GROUP = "security.istio.io"
CIDR_GROUP = Kind("cilium.io", "CiliumCIDRGroup", "", False)

HOME = {"NetworkPolicy": "networking.k8s.io", "ClusterNetworkPolicy": ADMIN_GROUP, "AuthorizationPolicy": MESH_GROUP}
"""API groups of kinds whose name other groups have taken, too."""


class Policies:
    """What every policy object of a snapshot says, and what is wrong with some.

    Parameters
    ----------
    snapshot
        What was read of the cluster.
    namespaces
        Labels of every namespace; None where they are not known.
    before
        A snapshot that was read already: of a NetworkPolicy that it has as it is, what was read of it is the same.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        namespaces: Mapping[str, Mapping[str, str] | None],
        before: Snapshot | None = None,
    ) -> None:
        self.snapshot = snapshot
        self._known: Known = before.derived.get(__name__, {}) if before else {}
        self._read: Known = {}
        self.policies: list[Policy] = []
        self.doubts: list[Doubt] = []
        self.problems: dict[str, str] = {}
        self.around = self._surroundings(namespaces)
        self.groups = self._groups()
        self.mutual = self._peer_authentications()
        readers = self._readers()
        for group, kind in snapshot.kinds():
            found = dialect(group, kind)
            if found is not None and found.effect != "none" and kind != "PeerAuthentication":
                for record in self._records(group, kind):
                    self._take(found, record, readers.get((group, kind)))
        snapshot.derived[__name__] = self._read

    def _records(self, group: str, kind: str) -> Iterable[Record]:
        """Return the objects of a kind; of those that Calico serves in two groups, each once."""
        held = self.snapshot.records(Kind(group, kind, "", True))
        if group != CALICO_GROUPS[0]:
            return held
        served = self.snapshot.records(Kind(CALICO_GROUPS[1], kind, "", True))
        known = {_calico_name(record) for record in served}
        return [record for record in held if _calico_name(record) not in known]

    def _take(self, found: Dialect, record: Record, reader: Callable[[Record], Read] | None) -> None:
        self._add(policy_id(record), reader(record) if reader else Read(doubts=(not_modelled(found, record),)))

    def _add(self, name: str, read: Read) -> None:
        self.policies += read.policies
        self.doubts += read.doubts
        if read.problem:
            self.problems[name] = read.problem

    def _readers(self) -> dict[tuple[str, str], Callable[[Record], Read]]:
        """Return how objects of a kind are read, by API group and kind."""

        def calico(record: Record) -> Read:
            return read_calico_policy(policy_id(record), record.namespace, record.content, self.around)

        def cilium(record: Record) -> Read:
            return read_cilium_policy(record.object, record.namespace, record.content, self.groups)

        def istio(record: Record) -> Read:
            return read_authorization_policy(record.object, record.namespace, record.content, mutual=self.mutual)

        def admin(record: Record) -> Read:
            return read_admin_policy(record.kind, record.object, record.content)

        return {
            ("networking.k8s.io", "NetworkPolicy"): self._network_policy,
            **{(ADMIN_GROUP, kind): admin for kind in ADMIN_KINDS},
            **{(group, kind): calico for group in CALICO_GROUPS for kind in ("NetworkPolicy", "GlobalNetworkPolicy")},
            ("cilium.io", "CiliumNetworkPolicy"): cilium,
            ("cilium.io", "CiliumClusterwideNetworkPolicy"): cilium,
            (MESH_GROUP, "AuthorizationPolicy"): istio,
        }

    def _network_policy(self, record: Record) -> Read:
        content, read = self._known.get(record.object, (None, None))
        if read is None or content != record.content:
            read = read_network_policy(record.object, record.namespace, record.content)
        self._read[record.object] = record.content, read
        return read

    def _surroundings(self, namespaces: Mapping[str, Mapping[str, str] | None]) -> Surroundings:
        tiers: dict[str, Tier] = {}
        sets: list[NetworkSet] = []
        for group in CALICO_GROUPS:
            for record in self._records(group, "Tier"):
                tiers.update((record.name, tier) for tier in self._try(record, lambda r: read_tier(r.content)))
            for kind in ("NetworkSet", "GlobalNetworkSet"):
                for record in self._records(group, kind):
                    sets += self._try(record, _network_set)
        return Surroundings(tiers, tuple(sets), namespaces)

    def _try(self, record: Record, read: Callable[[Record], T]) -> list[T]:
        """Read what policies refer to; where it cannot be read all that may refer to it is in doubt."""
        try:
            return [read(record)]
        except InputError as error:
            self.problems[record.object] = error.line()
            self.doubts.append(Doubt(record.object, f"{record.object} cannot be read: {error.line()}"))
            return []

    def _groups(self) -> dict[str, AddressSet]:
        held = self.snapshot.records(CIDR_GROUP)
        return {record.name: addresses for record in held for addresses in self._try(record, _cidr_group)}

    def _peer_authentications(self) -> bool:
        held = [
            (record.object, record.namespace, record.content)
            for record in self.snapshot.records(Kind(MESH_GROUP, "PeerAuthentication", "", True))
        ]
        try:
            read, mutual = read_peer_authentications(held)
        except InputError as error:
            reason = f"PeerAuthentications cannot be read: {error.line()}"
            read, mutual = Read(doubts=(Doubt("PeerAuthentication", reason, effect="gate"),)), False
        self.policies += read.policies
        self.doubts += read.doubts
        return mutual


def _network_set(record: Record) -> NetworkSet:
    return read_network_set(record.namespace, string_map(record.content, "metadata", "labels"), record.content)


def _cidr_group(record: Record) -> AddressSet:
    given = words(mapping(record.content.get("spec"), record.object).get("externalCIDRs"), record.object)
    return AddressSet(tuple(cidr(each, record.object) for each in given))


def policy_id(record: Record) -> str:
    """Return `Kind/namespace/name` of a policy, in which a kind that another group has too says its own.

    A NetworkPolicy of Calico may have namespace and name of one of Kubernetes: they are two objects.
    """
    group = CALICO_GROUPS[1] if record.group in CALICO_GROUPS else record.group
    if HOME.get(record.kind, group) == group:
        return record.object
    return object_id(f"{record.kind}.{group}", record.namespace, record.name)


def not_modelled(found: Dialect, record: Record) -> Doubt:
    """Return the doubt that a policy of a kind that is not modelled lays over its namespace, or over all."""
    reason = f"{policy_id(record)}: dialect not modelled ({found.kind}.{found.group})"
    effect: Any = found.effect
    return Doubt(policy_id(record), reason, (Pods(record.namespace),), frozenset(found.directions), effect)


def _calico_name(record: Record) -> tuple[str, str]:
    """Return namespace and name of an object of Calico, without the tier that one of its groups writes before it."""
    tier = text(record.content, "spec", "tier") or "default"
    return record.namespace, record.name.removeprefix(f"{tier}.")
