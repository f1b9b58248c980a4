"""What Istio makes of connections to a pod: its PeerAuthentications, narrowest first.

Source: https://istio.io/latest/docs/reference/config/security/peer_authentication/: a policy with a selector is for
workloads of its namespace, one without for the namespace, one without in the root namespace for the mesh. A mode that
is not set is that of the next wider one, in the end PERMISSIVE. Of two of one width the older one holds. Policies
with a selector in the root namespace are ignored. Modes by port need a selector, and name the workload's own port.
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
