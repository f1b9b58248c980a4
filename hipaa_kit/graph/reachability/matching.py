"""Which classes a peer or subject matches: surely, or only perhaps, and in which address family."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias, TypeGuard

import numpy as np
import numpy.typing as npt

from hipaa_kit.graph.reachability.classes import Classes, Index
from hipaa_kit.kube.network.addresses import AddressSet, Block
from hipaa_kit.kube.network.rules import (
    NAMESPACE_NAMES,
    Addresses,
    Combined,
    Condition,
    Everyone,
    Nodes,
    Outside,
    Peer,
    Pods,
)
from hipaa_kit.kube.selectors import Selector

Flags: TypeAlias = npt.NDArray[np.bool_]
NONE = np.zeros(0, dtype=np.int32)


class Kind(NamedTuple):
    """How a peer matches: the families in which it surely and perhaps does, as bits."""

    certain: int
    perhaps: int


Matched: TypeAlias = tuple[tuple[Kind, Index], ...]
"""Classes by how they match; each class stands once."""


class Selected(NamedTuple):
    """Classes that a term selects, and those that it perhaps selects."""

    certain: Index
    perhaps: Index


class Matcher:
    """Matches peers against classes; every answer is kept, as policies repeat each other's selectors.

    Attributes
    ----------
    derived
        What others found out about policies by these classes alone, by the module that did.
    """

    def __init__(self, classes: Classes) -> None:
        self.classes = classes
        self.options = classes.facts.options
        self.both = (1 << len(classes.families)) - 1
        self._labels: dict[Any, Flags] = {}
        self._spaces: dict[Any, npt.NDArray[np.int8]] = {}
        self._selected: dict[Pods, Selected] = {}
        self._peers: dict[tuple[Peer, ...], Matched] = {}
        self.derived: dict[str, dict[Any, Any]] = {}
        self._by_label = self._label_index()
        self._by_space_label, self._unlabelled = self._namespace_index()
        self.everything = np.arange(classes.size, dtype=np.int32)

    def _label_index(self) -> dict[tuple[str, str] | str, Index]:
        """Index sets of labels by key, and by key and value."""
        found: dict[tuple[str, str] | str, list[int]] = defaultdict(list)
        for at, labels in enumerate(self.classes.label_sets):
            for key, value in labels.items():
                found[key].append(at)
                found[key, value].append(at)
        return {key: np.array(each, dtype=np.int32) for key, each in found.items()}

    def _namespace_index(self) -> tuple[dict[tuple[str, str], list[int]], list[int]]:
        """Index namespaces by key and value of their labels, and list those whose labels are not known."""
        found: dict[tuple[str, str], list[int]] = defaultdict(list)
        unlabelled = []
        for at, name in enumerate(self.classes.namespaces):
            labels = self.classes.facts.namespaces.get(name)
            if labels is None:
                unlabelled.append(at)
            else:
                for pair in namespace_labels(name, labels).items():
                    found[pair].append(at)
        return found, unlabelled

    def peers(self, peers: tuple[Peer, ...]) -> Matched:
        """Return what any of some peers matches."""
        found = self._peers.get(peers)
        if found is None:
            found = self._peers[peers] = self._of_peers(peers)
        return found

    def _of_peers(self, peers: tuple[Peer, ...]) -> Matched:
        parts = [part for peer in peers for part in self._peer(peer) if len(part[1])]
        if len({kind for kind, _ in parts}) <= 1 and not self._has_two_readings(peers):
            if len(parts) <= 1:
                return tuple(parts)
            return ((parts[0][0], np.unique(np.concatenate([index for _, index in parts]))),)
        certain = np.zeros(self.classes.size, dtype=np.int8)
        perhaps = np.zeros(self.classes.size, dtype=np.int8)
        for kind, index in parts:
            certain[index] |= kind.certain
            perhaps[index] |= kind.perhaps
        self._either_reading(peers, certain)
        return _by_kind(certain, perhaps & ~certain)

    def _either_reading(self, peers: tuple[Peer, ...], certain: npt.NDArray[np.int8]) -> None:
        """Mark pods on the host's network as surely met that are met both as a pod and as their node.

        Where nothing is known of such pods one reading or the other holds: by selectors, or by addresses.
        """
        if not self._has_two_readings(peers):
            return
        bit = {4: 1, 6: 2} if len(self.classes.families) > 1 else {4: 1, 6: 1}
        blocks = [peer for peer in peers if _is_block(peer)]
        terms = [peer for peer in peers if isinstance(peer, Pods) and peer.host_network == "option"]
        for number in {number for term in terms for number in self._as_pods(term)}:
            cells = [self.classes.cells[each].block for each in self.classes.keys[number][6]]
            for cell in cells:
                if any(peer.addresses.contains(cell) for peer in blocks):
                    certain[number] |= bit[cell.family]

    def _has_two_readings(self, peers: tuple[Peer, ...]) -> bool:
        """Tell whether a pod on the host's network may be met by a selector and by its address."""
        if self.options.host_network != "unknown" or not self.classes.host.any():
            return False
        selects = any(isinstance(peer, Pods) and peer.host_network == "option" for peer in peers)
        return selects and any(_is_block(peer) for peer in peers)

    def _as_pods(self, term: Pods) -> list[int]:
        """Return the classes on the host's network that a term surely selects, if they count as pods."""
        near = np.flatnonzero(self.classes.host)
        labels = self._label_flags(term.pods)[self.classes.labels_of[near]]
        if term.namespace:
            own = self.classes.namespaces.index(term.namespace) if term.namespace in self.classes.inside else -1
            inside = self.classes.namespace_of[near] == own
        else:
            inside = self._namespace_state(term.namespaces)[self.classes.namespace_of[near]] == 2
        found: list[int] = near[labels & inside].tolist()
        return found

    def _peer(self, peer: Peer) -> Matched:
        if isinstance(peer, Pods):
            selected = self.pods(peer)
            return ((Kind(self.both, 0), selected.certain), (Kind(0, self.both), selected.perhaps))
        if isinstance(peer, Everyone):
            return ((Kind(self.both, 0), self.everything),)
        if isinstance(peer, Addresses):
            return self._addresses(peer)
        if isinstance(peer, Nodes):
            return self._nodes(peer)
        if isinstance(peer, Combined):
            return self._combined(peer)
        return self._outside(peer)

    def pods(self, term: Pods) -> Selected:
        """Return the classes of pods that a term selects."""
        found = self._selected.get(term)
        if found is None:
            found = self._selected[term] = self._pods(term)
        return found

    def _pods(self, term: Pods) -> Selected:
        classes = self.classes
        labels = self._label_flags(term.pods)
        if term.namespace:
            near = classes.inside.get(term.namespace, NONE)
            near = near[labels[classes.labels_of[near]]]
            open_ = np.zeros(len(near), dtype=bool)
        else:
            state = self._namespace_state(term.namespaces)[classes.namespace_of]
            near = np.flatnonzero(labels[classes.labels_of] & (state > 0)).astype(np.int32)
            open_ = state[near] == 1
        if term.accounts is not None or term.account_names or term.principals or term.meshed:
            near, open_ = self._narrowed(term, near, open_)
        host = classes.host[near]
        if host.any():
            if term.host_network == "never" or self.options.host_network == "plugin_typical":
                near, open_ = near[~host], open_[~host]
            else:
                open_ = open_ | host
        return Selected(near[~open_], near[open_])

    def _narrowed(self, term: Pods, near: Index, open_: Flags) -> tuple[Index, Flags]:
        """Return classes that also meet what a term says of service accounts and of the mesh."""
        kept, doubtful = [], []
        for number, doubt in zip(near.tolist(), open_.tolist(), strict=True):
            key = self.classes.keys[number]
            answers = [not doubt or None, self._account(term, key[0], key[4])]
            if term.principals:
                answers.append(any(_fits(each, f"cluster.local/ns/{key[0]}/sa/{key[4]}") for each in term.principals))
            if term.meshed:
                answers.append({"yes": True, "no": False}.get(key[5]))
            if False not in answers:
                kept.append(number)
                doubtful.append(None in answers)
        return np.array(kept, dtype=np.int32), np.array(doubtful, dtype=bool)

    def _account(self, term: Pods, namespace: str, account: str) -> bool | None:
        named = not term.account_names or bool({account, f"{namespace}/{account}"} & term.account_names)
        if term.accounts is None or not named:
            return named
        labels = self.classes.facts.accounts.get((namespace, account))
        given = {NAMESPACE_NAMES[1]: account}
        return term.accounts.judge(given) if labels is None else term.accounts.matches({**labels, **given})

    def _label_flags(self, condition: Condition) -> Flags:
        found = self._labels.get(condition)
        if found is None:
            if isinstance(condition, Selector):
                found = self._selector_flags(condition)
            else:
                found = np.array([condition.matches(each) for each in self.classes.label_sets], dtype=bool)
            self._labels[condition] = found
        return found

    def _selector_flags(self, selector: Selector) -> Flags:
        size = len(self.classes.label_sets)
        if selector.nothing:
            return np.zeros(size, dtype=bool)
        flags = np.ones(size, dtype=bool)
        for each in selector.requirements:
            if each.operator in ("In", "NotIn"):
                met = np.zeros(size, dtype=bool)
                for value in each.values:
                    met[self._by_label.get((each.key, value), NONE)] = True
            else:
                met = np.zeros(size, dtype=bool)
                met[self._by_label.get(each.key, NONE)] = True
            flags &= ~met if each.operator in ("NotIn", "DoesNotExist") else met
        return flags

    def _namespace_state(self, condition: Condition) -> npt.NDArray[np.int8]:
        """Return for every namespace whether it surely (2), perhaps (1) or never (0) meets a condition."""
        found = self._spaces.get(condition)
        if found is None:
            found = self._spaces[condition] = np.zeros(len(self.classes.namespaces), dtype=np.int8)
            required = condition.required() if isinstance(condition, Selector) else []
            near = self._by_space_label.get(required[0], []) if required else range(len(self.classes.namespaces))
            known = self.classes.facts.namespaces
            code = {True: 2, None: 1, False: 0}
            for at in (*near, *self._unlabelled) if required else near:
                name = self.classes.namespaces[at]
                found[at] = code[judge_namespace(condition, name, known.get(name))]
        return found

    def _addresses(self, peer: Addresses) -> Matched:
        """Return what addresses match: cells of the outside, nodes, and pods as the option or the kind says."""
        classes = self.classes
        certain = np.zeros(classes.size, dtype=np.int8)
        perhaps = np.zeros(classes.size, dtype=np.int8)
        first_cell = classes.pods + classes.nodes
        bit = {4: 1, 6: 2} if len(classes.families) > 1 else {4: 1, 6: 1}
        for at, cell in enumerate(classes.cells):
            if peer.addresses.contains(cell.block):
                certain[first_cell + at] = bit[cell.block.family]
        if peer.nodes:
            for at, nodes in enumerate(classes.node_members):
                inside, outside = self._families(peer.addresses, nodes[0].addresses, bit)
                certain[classes.pods + at] = inside & ~outside
                perhaps[classes.pods + at] = inside & outside if nodes[0].addresses else self.both
        self._pod_addresses(peer, bit, certain, perhaps)
        if peer.doubt:
            return _by_kind(np.zeros_like(certain), certain | perhaps)
        return _by_kind(certain, perhaps & ~certain)

    def _pod_addresses(
        self, peer: Addresses, bit: dict[int, int], certain: npt.NDArray[np.int8], perhaps: npt.NDArray[np.int8]
    ) -> None:
        classes = self.classes
        mode = self.options.cidr_matches_pods if peer.pods == "option" else peer.pods
        # A pod on the host's network has its node's address, and counts as a pod or as the node.
        host_certain = peer.nodes and (mode == "always" or self.options.host_network == "plugin_typical")
        for (host, cells), index in classes.by_address.items():
            if (host and not peer.nodes) or (not host and mode == "never"):
                continue
            blocks = [classes.cells[each].block for each in cells]
            inside, outside = self._families(peer.addresses, blocks, bit)
            if missing := self.both & ~(inside | outside):
                may, must = self._unknown(peer, bit)
                inside, outside = inside | (missing & may), outside | (missing & ~must)
            if host_certain if host else mode == "always":
                certain[index] = inside & ~outside
                perhaps[index] = inside & outside
            else:
                perhaps[index] = inside

    def _families(self, addresses: AddressSet, blocks: Iterable[Block], bit: dict[int, int]) -> tuple[int, int]:
        """Return the families of the blocks inside and outside some addresses."""
        inside, outside = 0, 0
        for block in blocks:
            if addresses.contains(block):
                inside |= bit[block.family]
            else:
                outside |= bit[block.family]
        return inside, outside

    def _unknown(self, peer: Addresses, bit: dict[int, int]) -> tuple[int, int]:
        """Return the families in which an address that is not known may, and in which it must, be in a set."""
        named = sum({bit[block.family] for block in peer.addresses.blocks})
        return (named, named) if peer.version and len(self.classes.families) > 1 else (self.both, 0)

    def _nodes(self, peer: Nodes) -> Matched:
        classes = self.classes
        project = classes.uses.node_keys.project
        if peer.own:
            return ()
        found = [
            classes.pods + at
            for at, nodes in enumerate(classes.node_members)
            if peer.labels.matches(dict(project(nodes[0].labels)))
        ]
        inside = set(found)
        on_host = np.flatnonzero(classes.host).tolist()
        known = {each: classes.keys[each][8] for each in on_host}
        hosts = [each for each, at in known.items() if at >= 0 and classes.pods + at in inside]
        perhaps = [each for each, at in known.items() if at < 0]
        return (
            (Kind(self.both, 0), np.array([*hosts, *found], dtype=np.int32)),
            (Kind(0, self.both), np.array(perhaps, dtype=np.int32)),
        )

    def _combined(self, peer: Combined) -> Matched:
        """Return what all of several lists name and none of the excluded does; a doubt in any is one in all."""
        size = self.classes.size
        certain = np.full(size, self.both, dtype=np.int8)
        possible = np.full(size, self.both, dtype=np.int8)
        for peers in peer.all_of:
            surely, at_all = self._flags(peers)
            certain &= surely
            possible &= at_all
        surely, at_all = self._flags(peer.none_of)
        certain, possible = certain & ~at_all, possible & ~surely
        certain = certain & ~self._flags(peer.doubtful)[1]
        return _by_kind(certain, possible & ~certain)

    def _flags(self, peers: tuple[Peer, ...]) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int8]]:
        """Return for every class the families in which peers surely, and in which they at all, match it."""
        certain = np.zeros(self.classes.size, dtype=np.int8)
        possible = np.zeros(self.classes.size, dtype=np.int8)
        for kind, index in self.peers(peers):
            certain[index] |= kind.certain
            possible[index] |= kind.certain | kind.perhaps
        return certain, possible

    def _outside(self, peer: Outside) -> Matched:
        start = 0 if peer.everything else self.classes.pods + (0 if peer.nodes else self.classes.nodes)
        index = self.everything[start:]
        if peer.hosts and not peer.everything:
            index = np.concatenate([np.flatnonzero(self.classes.host).astype(np.int32), index])
        return ((Kind(0, self.both) if peer.doubt else Kind(self.both, 0), index),)


def namespace_labels(name: str, labels: Mapping[str, str]) -> dict[str, str]:
    """Return the labels of a namespace with those that always hold its name."""
    return {**labels, **dict.fromkeys(NAMESPACE_NAMES, name)}


def judge_namespace(condition: Condition, name: str, labels: Mapping[str, str] | None) -> bool | None:
    """Tell whether a namespace meets a condition; None where its labels are not known and would decide."""
    if labels is None:
        return condition.judge(dict.fromkeys(NAMESPACE_NAMES, name))
    return condition.matches(namespace_labels(name, labels))


def _is_block(peer: Peer) -> TypeGuard[Addresses]:
    return isinstance(peer, Addresses) and peer.nodes and peer.pods == "option"


def _fits(pattern: str, text: str) -> bool:
    """Tell whether a pattern with `*` at one end, or alone, fits a text."""
    if pattern == "*":
        return bool(text)
    if pattern.startswith("*"):
        return text.endswith(pattern[1:])
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern


def _by_kind(certain: npt.NDArray[np.int8], perhaps: npt.NDArray[np.int8]) -> Matched:
    code = certain.astype(np.int16) * 4 + perhaps
    return tuple(
        (Kind(int(each) // 4, int(each) % 4), np.flatnonzero(code == each).astype(np.int32))
        for each in np.unique(code)
        if each
    )
