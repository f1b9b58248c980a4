"""Who holds a power over a namespace: by the requests each of which gives it, answered by the permissions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from hipaa_kit.graph.permissions import Permissions, permissions
from hipaa_kit.kube import kinds
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.lookup import GivenTables

RBAC_KINDS: Final = (kinds.CLUSTER_ROLE, kinds.CLUSTER_ROLE_BINDING, kinds.ROLE, kinds.ROLE_BINDING)
CONTROL_PLANE: Final = "kube-system"
STOCK_USERS: Final = ("system:kube-controller-manager", "system:kube-scheduler", "system:apiserver")

Asked = tuple[str, str, str, str, str]
"""A request: verb, API group, resource, subresource, name."""


class Power(NamedTuple):
    """One power: its words, and the requests (verb, API group, resource, subresource) each of which gives it."""

    words: str
    requests: tuple[tuple[str, str, str, str], ...]


def permissions_here(tables: GivenTables, snapshot: Snapshot) -> Permissions:
    """Return what RBAC says in a snapshot, without what a provider allows where the API server runs here as pods.

    That concerns a control plane that the provider runs.
    """
    if tables["control_plane_members"]["component"].eq("kube-apiserver").any():
        tables = tables.but(cloud_clusters=tables["cloud_clusters"].iloc[:0])
    return permissions(tables, snapshot)


def everything(asked: Permissions) -> set[tuple[str, str]]:
    """Return the subjects that hold every right in the whole cluster, as (kind, name)."""
    return {(str(row.subject_kind), str(row.subject)) for row in asked.who_can("*", "*", "*").itertuples(index=False)}


def holders(
    asked: Permissions,
    namespace: str,
    powers: Mapping[str, Iterable[Asked]],
    system: set[str],
    all_powerful: set[tuple[str, str]],
) -> Iterator[dict[str, Any]]:
    """Yield a row per power over a namespace and subject that holds it; members of groups are not listed beside them.

    Parameters
    ----------
    asked
        The permissions of the cluster.
    namespace
        Where the requests are made.
    powers
        Requests by the words of the power.
    system
        Namespaces whose service accounts belong to the cluster itself.
    all_powerful
        What `everything` answers.
    """
    for words, requests in powers.items():
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for verb, group, resource, subresource, name in requests:
            answer = asked.who_can(verb, group, resource, subresource, namespace=namespace, name=name)
            for row in answer[answer["through"] == ""].itertuples(index=False):
                kind, subject = str(row.subject_kind), str(row.subject)
                found.setdefault((kind, subject), {"binding": row.binding, "basis": row.basis})
        for (kind, subject), proof in sorted(found.items()):
            yield {
                "namespace": namespace,
                "power": words,
                "subject_kind": kind,
                "subject": subject,
                "everything": (kind, subject) in all_powerful and kind != "*",
                "own": is_own(kind, subject, namespace, system),
                **proof,
            }


def is_own(kind: str, subject: str, namespace: str, system: set[str]) -> bool:
    """Tell whether a subject belongs to a namespace itself, the control plane, or one that is declared as system."""
    if kind == "ServiceAccount":
        return subject.partition("/")[0] in {namespace, *system}
    return kind == "User" and subject in STOCK_USERS
