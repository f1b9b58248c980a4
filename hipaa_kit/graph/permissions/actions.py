"""The catalogue of security actions as bits, and what rules, roles and subjects hold of it.

A rule becomes a mask once; sets of rules are masks joined. Rules for some names are kept beside the mask. What is
not in the catalogue is answered by the matcher on the rules themselves (`book`), never from here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from hipaa_kit.kube.rbac import Rule
from hipaa_kit.kube.rbac.rules import GROUP

Names = frozenset[str] | None
"""Names of objects for which something is held; None is every name."""
EVERY: Final = None
NONE: Final[frozenset[str]] = frozenset()

CLUSTER_SCOPED: Final = frozenset(
    "apiservices certificatesigningrequests clusterrolebindings customresourcedefinitions groups "
    "mutatingadmissionpolicies mutatingadmissionpolicybindings mutatingwebhookconfigurations nodes "
    "persistentvolumes signers uids userextras users validatingadmissionpolicies validatingadmissionpolicybindings "
    "validatingwebhookconfigurations volumesnapshotcontents".split()
)
"""Resources that a role binding in a namespace never gives. `bind` on ClusterRoles counts in namespaces, and so does
a right to one Namespace: these are not among them."""


MADE_BY_PUT: Final = frozenset(
    {
        ("", "endpoints"),
        ("", "services"),
        *((GROUP, each) for each in ("roles", "clusterroles", "rolebindings", "clusterrolebindings")),
    }
)
"""Resources of the catalogue of which a PUT makes an object that is not there: others answer that it is not found.

Source: `AllowCreateOnUpdate` of the strategies in `pkg/registry` of `k8s.io/kubernetes`.
"""


class Action(NamedTuple):
    """A verb on a resource, or on `resource/subresource`, of an API group.

    Two stand for many: `impersonate-on:MODE:*` on `*` for that verb with any ending on anything, and
    `userextras/*` for any key of `userextras`.
    """

    verb: str
    group: str
    resource: str


def actions(text: str) -> list[Action]:
    """Return the actions that `verb,verb resource.group/subresource,resource` stands for."""
    verbs, _, resources = text.partition(" ")
    found = []
    for word in resources.split(","):
        head, slash, subresource = word.partition("/")
        resource, _, group = head.partition(".")
        found += [Action(verb, group, f"{resource}{slash}{subresource}") for verb in verbs.split(",")]
    return found


def union(one: Names, other: Names) -> Names:
    """Return the names that are in one or the other."""
    return EVERY if one is EVERY or other is EVERY else one | other


def both(one: Names, other: Names) -> Names:
    """Return the names that are in both."""
    if one is EVERY:
        return other
    return one if other is EVERY else one & other


class Rights(NamedTuple):
    """What a set of rules holds of the catalogue."""

    open: int = 0
    named: tuple[tuple[frozenset[str], int], ...] = ()

    def joined(self, other: Rights) -> Rights:
        """Return both together."""
        if not other.open and not other.named:
            return self
        return Rights(self.open | other.open, tuple(dict.fromkeys(self.named + other.named)))

    @property
    def touched(self) -> int:
        """The actions that are held for whatever names."""
        found = self.open
        for _, bits in self.named:
            found |= bits
        return found

    def names(self, mask: int) -> Names:
        """Return the names for which at least one of the actions is held."""
        if self.open & mask:
            return EVERY
        return NONE.union(*(names for names, held in self.named if held & mask)) if self.named else NONE


class Catalogue:
    """Bits of a fixed list of actions.

    Parameters
    ----------
    listed
        The actions, in the order of their bits. What else is asked of a `create` under a known name is added.
    """

    def __init__(self, listed: Iterable[Action]) -> None:
        wanted = list(dict.fromkeys(listed))
        wanted += [partner for action in wanted for partner in _partners(action)]
        self.bits = {action: 1 << place for place, action in enumerate(dict.fromkeys(wanted))}
        self._partners = {
            bit: sum(self.bits[partner] for partner in _partners(action)) for action, bit in self.bits.items()
        }
        self.all = (1 << len(self.bits)) - 1
        self.cluster = self._mask(_for_the_cluster)
        self.namespaces = self._mask(lambda action: (action.group, action.resource) == ("", "namespaces"))
        self._any_node = self._mask(lambda action: action.verb == "impersonate:associated-node")
        self._everywhere = self._mask(lambda action: action.resource == "*")
        self.made = self._mask(_makes)
        self._collections = self._mask(lambda action: action.verb == "deletecollection")
        lists = self._mask(lambda action: action.verb in ("list", "watch"))
        self._without_name = self.made | self._collections | lists
        self._verbs: dict[str, int] = defaultdict(int)
        self._groups: dict[str, int] = defaultdict(int)
        self._resources: dict[str, int] = defaultdict(int)
        for action, bit in self.bits.items():
            self._verbs[action.verb] |= bit
            self._groups[action.group] |= bit
            self._resources[action.resource] |= bit
            if "/" in action.resource:
                self._resources["*/" + action.resource.partition("/")[2]] |= bit
        for words in (self._verbs, self._groups, self._resources):
            words["*"] = self.all
        self._known: dict[Rule, Rights] = {}

    def _mask(self, wanted: Callable[[Action], bool]) -> int:
        return sum(bit for action, bit in self.bits.items() if wanted(action))

    def mask(self, text: str) -> int:
        """Return the bits of `actions(text)`."""
        return sum(self.bits[action] for action in actions(text))

    def rights(self, rule: Rule) -> Rights:
        """Return what a rule gives, whatever the scope."""
        found = self._known.get(rule)
        if found is None:
            found = self._known[rule] = self._rights(rule)
        return found

    def _rights(self, rule: Rule) -> Rights:
        verbs = _any(self._verbs, (*rule.verbs, *(f"{verb.rpartition(':')[0]}:*" for verb in rule.verbs)))
        held = verbs & _any(self._groups, rule.groups) & _any(self._resources, _with_keys(rule.resources))
        if rule.groups and rule.resources:
            held |= verbs & self._everywhere
        if not held or not rule.names:
            return Rights(held)
        # An empty text among the names is the name of requests that name nothing.
        unnamed = held & self._without_name if "" in rule.names else 0
        named, literal = held & ~self._collections, held & self._any_node
        # `*` is a name like any other, and no object has it: only the impersonation of a pod's own node asks for it.
        parts = ((frozenset(rule.names) - {"", "*"}, named & ~literal), (frozenset(rule.names), literal))
        return Rights(unnamed, tuple((names, bits) for names, bits in parts if names and bits))

    def made_names(self, rights: Rights, mask: int) -> Names:
        """Return the names under which the objects of at least one of some `create` actions can be made.

        Notes
        -----
        A POST names no object, so rules for some names never allow it. A server-side apply that makes its object
        is asked for as `patch` and again as `create`, both by name; so is a PUT, as `update`, where the server makes
        objects by it. Held against a server of version 1.37 in `tests/live/test_role_writes_oracle.py`.
        """
        if rights.open & mask & self.made:
            return EVERY
        found = NONE
        for names, bits in rights.named:
            for bit in _single(bits & mask & self.made):
                found |= both(names, rights.names(self._partners[bit])) or NONE
        return found

    def of(self, rules: Iterable[Rule]) -> Rights:
        """Return what rules give together."""
        held = Rights()
        for rule in rules:
            held = held.joined(self.rights(rule))
        return held


def _makes(action: Action) -> bool:
    return action.verb == "create" and "/" not in action.resource


def _partners(action: Action) -> list[Action]:
    """Return the actions of which one is needed, too, to make an object under a name that is known beforehand."""
    if not _makes(action):
        return []
    verbs = ("patch", "update") if (action.group, action.resource) in MADE_BY_PUT else ("patch",)
    return [Action(verb, action.group, action.resource) for verb in verbs]


def _single(mask: int) -> Iterator[int]:
    """Yield the bits of a mask one by one."""
    while mask:
        bit = mask & -mask
        yield bit
        mask ^= bit


def _for_the_cluster(action: Action) -> bool:
    resource = action.resource.partition("/")[0]
    return resource in CLUSTER_SCOPED or (resource == "clusterroles" and action.verb != "bind")


def _with_keys(resources: tuple[str, ...]) -> list[str]:
    """Return resources, with `userextras/*` where there is `userextras/key`: the key is whatever one likes."""
    keyed = any(word.startswith(("userextras/", "*/")) for word in resources)
    return [*resources, *(["userextras/*"] if keyed else [])]


def _any(masks: dict[str, int], words: Iterable[str]) -> int:
    held = 0
    for word in words:
        held |= masks.get(word, 0)
    return held
