"""What Istio makes of connections to a pod: its PeerAuthentications, narrowest first.

Source: https://istio.io/latest/docs/reference/config/security/peer_authentication/: a policy with a selector is for
workloads of its namespace, one without for the namespace, one without in the root namespace for the mesh. A mode that
is not set is that of the next wider one, in the end PERMISSIVE. Of two of one width the older one holds. Policies
with a selector in the root namespace are ignored. Modes by port need a selector, and name the workload's own port.
EnvoyFilters rewrite what comes of all that in the proxies they are for: those of the root namespace in the whole mesh.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

ROOT: Final = "istio-system"
UNSET: Final = "UNSET"
MODES: Final = {"STRICT": "strict", "PERMISSIVE": "permissive", "DISABLE": "disabled"}
DEFAULT: Final = "permissive"
BY_DEFAULT: Final = "no PeerAuthentication: the default of the mesh"


@dataclass(frozen=True)
class PeerAuthentication:
    """One PeerAuthentication: whom it is for, and its modes as written."""

    object: str
    namespace: str
    selector: Mapping[str, str] = field(default_factory=dict)
    mode: str = UNSET
    ports: Mapping[int, str] = field(default_factory=dict)
    created_at: str = ""

    def selects(self, namespace: str, labels: Mapping[str, str], root: str) -> bool:
        """Tell whether it is for a workload, by its own labels or by its namespace."""
        if self.selector:
            same = self.namespace == namespace and namespace != root
            return same and all(labels.get(key) == value for key, value in self.selector.items())
        return self.namespace in (namespace, root)

    def width(self, root: str) -> int:
        """Return how wide it is: 0 is for workloads, 1 for a namespace, 2 for the mesh."""
        return 0 if self.selector else 2 if self.namespace == root else 1


CONTEXTS: Final = {"SIDECAR_INBOUND": ("in",), "SIDECAR_OUTBOUND": ("out",), "GATEWAY": ()}
"""What a patch changes in the proxy of a pod, by its context; in any other it may change both ways."""
BOTH: Final = ("in", "out")


def changed_by(patches: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Return in which directions patches of an EnvoyFilter change proxies of pods.

    Parameters
    ----------
    patches
        What each applies to, and its context as written. A patch of the bootstrap heeds no context, and of a filter
        that shows no patch nothing is known.

    Notes
    -----
    Source: networking/v1alpha3/envoy_filter.proto of istio/api (ApplyTo, PatchContext).
    """
    held = [BOTH if part == "BOOTSTRAP" else CONTEXTS.get(context, BOTH) for part, context in patches]
    return frozenset(way for ways in held or [BOTH] for way in ways)


@dataclass(frozen=True)
class ProxyChange:
    """One object that rewrites proxies of Istio: whom it is for, by labels or by targets, and what it changes.

    `ways` are directions; `ports` are those of the pod that it changes, none for all.
    """

    object: str
    namespace: str
    selector: Mapping[str, str] = field(default_factory=dict)
    targets: frozenset[str] = frozenset()
    ways: frozenset[str] = frozenset(BOTH)
    ports: tuple[int, ...] = ()
    what: str = ""

    def reaches(self, namespace: str, labels: Mapping[str, str], root: str, *, ambient: bool) -> bool:
        """Tell whether it may rewrite a proxy that a pod's connections pass.

        Notes
        -----
        With targets it is for gateways and waypoints, and no sidecar heeds it; a waypoint may stand in another
        namespace than the pods before which it stands. Without targets no waypoint heeds it, and the proxy of a node
        never does. Labels select in the root namespace as well, over all namespaces.
        Source: pilot/pkg/model/push_context.go (EnvoyFilters, getMatchedEnvoyFilters) and
        pilot/pkg/model/policyattachment.go (ShouldAttachPolicy) of istio/istio.
        """
        if ambient:
            own = bool(self.targets) and self.namespace == namespace
            return own or "Gateway" in self.targets or ("GatewayClass" in self.targets and self.namespace == root)
        near = not self.targets and self.namespace in (namespace, root)
        return near and all(labels.get(key) == value for key, value in self.selector.items())


@dataclass(frozen=True)
class Taken:
    """What a workload takes in: its mode, what says so, and the ports that differ."""

    mode: str
    source: str
    ports: Mapping[int, tuple[str, str]] = field(default_factory=dict)


def taken_in(
    policies: Iterable[PeerAuthentication], namespace: str, labels: Mapping[str, str], root: str = ROOT
) -> Taken:
    """Return what a workload's proxy takes in.

    Parameters
    ----------
    policies
        Every PeerAuthentication of the cluster.
    namespace, labels
        Of the workload's pod.
    root
        Namespace whose policies hold in the whole mesh.

    Returns
    -------
    Taken
        `strict`, `permissive`, `disabled`, or `unknown` for a mode that is none of Istio's.
    """
    mine = sorted(
        (each for each in policies if each.selects(namespace, labels, root)),
        key=lambda each: (each.width(root), each.created_at, each.object),
    )
    first = {each.width(root): each for each in reversed(mine)}
    chain = [first[width] for width in sorted(first)]
    whole = next(((_mode(each.mode), each.object) for each in chain if each.mode != UNSET), (DEFAULT, BY_DEFAULT))
    narrow = first.get(0)
    differing: dict[int, tuple[str, str]] = {}
    for port, mode in (narrow.ports if narrow else {}).items():
        if narrow is not None and mode != UNSET and _mode(mode) != whole[0]:
            differing[port] = (_mode(mode), narrow.object)
    return Taken(*whole, differing)


def _mode(written: str) -> str:
    return MODES.get(written, "unknown")
