"""Which authorizers beside RBAC a cluster has: what they allow, RBAC knows nothing of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from hipaa_kit.inventory.control_plane import flags_of, members
from hipaa_kit.kube import kinds
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.lookup import TableSet

STOCK_MODES: Final = frozenset({"RBAC", "Node"})
"""Node allows only what kubelets need for the pods they run."""
WITH_AUTHORIZERS: Final = {"-eks": "EKS", "-gke": "GKE"}
"""Marks in the version of a managed API server, whose provider's own authorizer is asked beside RBAC."""
NODE_LABELS: Final = {
    "eks.amazonaws.com/nodegroup": "EKS",
    "cloud.google.com/gke-nodepool": "GKE",
    "kubernetes.azure.com/cluster": "AKS",
}
"""Labels that the nodes of managed clusters have."""


def other_authorizers(tables: TableSet, snapshot: Snapshot) -> Iterator[str]:
    """Yield the authorizers that show, in words; what an API server that is no pod asks cannot be seen.

    Notes
    -----
    Sources: https://kubernetes.io/docs/reference/access-authn-authz/authorization/,
    https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html,
    https://cloud.google.com/kubernetes-engine/docs/how-to/role-based-access-control,
    https://learn.microsoft.com/azure/aks/manage-azure-rbac.
    """
    yield from _of_the_server(snapshot)
    described = set(tables["cloud_clusters"]["provider"])
    for provider in sorted(described):
        yield f"access entries and policies of the provider ({provider}) may allow more"
    if not described:
        for service in sorted(set(_managed(tables, snapshot))):
            yield f"access entries and policies of the provider ({service}) may allow more"
    if any(record.name == "aws-auth" for record in snapshot.records(kinds.CONFIG_MAP)):
        yield "ConfigMap aws-auth of EKS gives names and groups to identities of the provider"


def _of_the_server(snapshot: Snapshot) -> Iterator[str]:
    for component, pod in members(snapshot):
        if component != "kube-apiserver":
            continue
        flags = flags_of(component, pod)
        if flags is None:
            yield f"the authorizers of {pod.object} cannot be seen"
            continue
        given: dict[str, list[str]] = defaultdict(list)
        for flag in flags:
            given[flag.name].append(flag.value)
        for name in ("authorization-config", "authorization-webhook-config-file"):
            if name in given:
                yield f"an authorizer configured by --{name} of the API server may allow more"
        if "authorization-config" in given:
            continue
        # A server that is told nothing allows everything.
        modes = [mode for value in given.get("authorization-mode", ["AlwaysAllow"]) for mode in value.split(",")]
        for mode in dict.fromkeys(modes):
            if mode not in STOCK_MODES:
                yield f"authorizer {mode or 'unknown'} of the API server may allow more"
        if "RBAC" not in modes:
            yield "the API server does not ask RBAC: role bindings give nothing"


def _managed(tables: TableSet, snapshot: Snapshot) -> Iterator[str]:
    version = snapshot.identity.version
    yield from (service for mark, service in WITH_AUTHORIZERS.items() if mark in version)
    labels = tables["labels"]
    keys = set(labels[labels["kind"] == "Node"]["key"])
    yield from (service for key, service in NODE_LABELS.items() if key in keys)
