"""Which kinds of object are network policy, and what a kind that is not modelled may do to the pods it selects.

A kind is known by its API group, never by its name alone: Antrea and Calico have kinds of the same names.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from hipaa_kit.kube.network.rules import DIRECTIONS, Direction

Effect = Literal["both", "gate", "none"]


class Dialect(NamedTuple):
    """One kind of policy, or of object that policies refer to.

    `effect` says what an object may do to the pods it selects where the kit does not read it: allow and deny
    (`both`), only deny (`gate`), nothing on the pods' own network (`none`).
    """

    group: str
    kind: str
    effect: Effect
    modelled: bool = False
    directions: tuple[Direction, ...] = DIRECTIONS


CALICO_GROUPS: Final = ("crd.projectcalico.org", "projectcalico.org")

DIALECTS: Final = (
    Dialect("networking.k8s.io", "NetworkPolicy", "both", modelled=True),
    Dialect("policy.networking.k8s.io", "AdminNetworkPolicy", "both", modelled=True),
    Dialect("policy.networking.k8s.io", "BaselineAdminNetworkPolicy", "both", modelled=True),
    Dialect("policy.networking.k8s.io", "ClusterNetworkPolicy", "both", modelled=True),
    *(
        Dialect(group, kind, "both", modelled=True)
        for group in CALICO_GROUPS
        for kind in ("NetworkPolicy", "GlobalNetworkPolicy")
    ),
    *(Dialect(group, kind, "none") for group in CALICO_GROUPS for kind in ("Tier", "NetworkSet", "GlobalNetworkSet")),
    *(
        Dialect(group, kind, "none")
        for group in CALICO_GROUPS
        for kind in ("StagedNetworkPolicy", "StagedGlobalNetworkPolicy", "StagedKubernetesNetworkPolicy")
    ),
    Dialect("cilium.io", "CiliumNetworkPolicy", "both", modelled=True),
    Dialect("cilium.io", "CiliumClusterwideNetworkPolicy", "both", modelled=True),
    Dialect("security.istio.io", "AuthorizationPolicy", "gate", modelled=True, directions=("ingress",)),
    Dialect("security.istio.io", "PeerAuthentication", "gate", modelled=True, directions=("ingress",)),
    Dialect("networking.istio.io", "Sidecar", "gate", directions=("egress",)),
    Dialect("policy.linkerd.io", "Server", "gate", directions=("ingress",)),
    Dialect("policy.linkerd.io", "AuthorizationPolicy", "gate", directions=("ingress",)),
    Dialect("policy.linkerd.io", "ServerAuthorization", "gate", directions=("ingress",)),
    Dialect("consul.hashicorp.com", "ServiceIntentions", "gate", directions=("ingress",)),
    *(
        Dialect(group, kind, "both")
        for group in ("crd.antrea.io", "security.antrea.tanzu.vmware.com")
        for kind in ("NetworkPolicy", "ClusterNetworkPolicy")
    ),
    Dialect("k8s.ovn.org", "EgressFirewall", "gate", directions=("egress",)),
    Dialect("k8s.ovn.org", "UserDefinedNetwork", "gate"),
    Dialect("k8s.ovn.org", "ClusterUserDefinedNetwork", "gate"),
    Dialect("network.openshift.io", "EgressNetworkPolicy", "gate", directions=("egress",)),
    Dialect("networking.gke.io", "FQDNNetworkPolicy", "both", directions=("egress",)),
    Dialect("networking.k8s.aws", "ClusterNetworkPolicy", "both"),
    Dialect("networking.k8s.aws", "ApplicationNetworkPolicy", "both"),
    Dialect("networking.k8s.aws", "ClusterPolicyEndpoint", "none"),
    Dialect("k8s.cni.cncf.io", "MultiNetworkPolicy", "none"),
)

_BY_KIND: Final = {(each.group, each.kind): each for each in DIALECTS}


def dialect(group: str, kind: str) -> Dialect | None:
    """Return what is known of a kind; one that calls itself a network policy may do anything.

    Returns
    -------
    Dialect or None
        None for a kind that has nothing to do with who may reach whom.
    """
    known = _BY_KIND.get((group, kind))
    if known is None and kind.endswith("NetworkPolicy"):
        return Dialect(group, kind, "both")
    return known
