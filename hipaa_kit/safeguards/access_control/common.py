"""What several checks of access control share."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.graph.access.approval import Approvals, Permitted
from hipaa_kit.kube.rbac.bindings import USER, USER_GROUP
from hipaa_kit.safeguards.check import Outcome, not_assessed

API_SERVER = "kube-apiserver"
NO_API_SERVER = "Cluster//api-server"
"""Stands for the API server where none runs as a pod that was seen."""
MANAGED = "the provider runs the API server, and what it told does not say"
NOT_A_POD = "no API server was seen as a pod of kube-system: its flags are not known"
UNREAD = "its container starts something else, and with which flags the API server runs is not known"
LISTS = frozenset({"authorization-mode"})
"""Flags whose values add up where they are given more than once."""
CLOUDS = frozenset({"aws", "azure", "gce"})
"""Schemes of provider ids of clouds that run the control plane of their customers' clusters.

Source: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/node-v1/#NodeSpec
"""
RESERVED = ("system:", "eks:")
"""Begin the names that Kubernetes, and Amazon EKS, keep for themselves: no person has one.

Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-subjects,
https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html
"""
UNMADE = "is it to stay? {role} was not seen: where it is not there, whoever makes it gives it to {subject}"
"""Asked of a role binding to everyone whose role is not there."""
COMPONENTS = frozenset(
    {"k3s-cloud-controller-manager", "kube-apiserver", "kube-apiserver-kubelet-client", "rke2-cloud-controller-manager"}
)
"""Users as which components of k3s, RKE2 and kubeadm sign in with their certificates."""
ALL_PERMITTED = ("*", "*", "*")


def api_servers(
    control_plane_members: pd.DataFrame,
    control_plane_flags: pd.DataFrame,
    pods: pd.DataFrame,
    nodes: pd.DataFrame,
    *flags: str,
) -> pd.DataFrame:
    """Return one row per API server that runs as a pod, with some of its flags; one for the cluster where none does.

    Parameters
    ----------
    control_plane_members, control_plane_flags, pods, nodes
        Tables of those names.
    flags
        Names of flags.

    Returns
    -------
    pandas.DataFrame
        Columns object, member, `seen` (its flags are known), `why` and `code` (what is said where they are not), and
        one for each flag, with `_` for `-`: its value, or none.
    """
    owner = dict(zip(pods["object"], pods["workload"], strict=True))
    servers = control_plane_members[control_plane_members["component"] == API_SERVER]
    rows: list[dict[str, object]] = []
    for pod, read in servers[["pod", "flags_read"]].itertuples(index=False):
        held = control_plane_flags[control_plane_flags["pod"] == pod].sort_values("number")
        values = {flag: ",".join(_counting(flag, held.loc[held["name"] == flag, "value"])) for flag in flags}
        rows.append(
            {"object": owner[pod], "member": pod, "seen": read, "why": UNREAD, "code": "input_missing"} | values
        )
    if not rows and len(nodes):
        # Where the provider runs the control plane, its nodes are not among those of the cluster.
        managed = bool(set(nodes["provider"]) & CLOUDS) and not nodes["control_plane"].any()
        told = {"why": MANAGED, "code": "managed_plane"} if managed else {"why": NOT_A_POD, "code": "input_missing"}
        rows.append({"object": NO_API_SERVER, "member": "api server", "seen": False} | told | dict.fromkeys(flags, ""))
    found = pd.DataFrame(rows, columns=["object", "member", "seen", "why", "code", *flags])
    found.columns = [str(name).replace("-", "_") for name in found.columns]
    return found.astype({"seen": "bool"})


def _counting(flag: str, values: pd.Series) -> list[str]:
    """Return the values of a flag that count: all of a list, else the last."""
    return list(values) if flag in LISTS else list(values)[-1:]


def unseen(examined: pd.DataFrame) -> tuple[Outcome, Outcome]:
    """Say of API servers whose flags are not known why that is.

    Parameters
    ----------
    examined
        Rows with the columns of `api_servers`.
    """
    hidden = ~examined["seen"].astype(bool)
    managed = examined["code"] == "managed_plane"
    return (
        not_assessed(hidden & managed, "{why}", code="managed_plane"),
        not_assessed(hidden & ~managed, "{why}", code="input_missing"),
    )


def people(grants: pd.DataFrame) -> pd.DataFrame:
    """Return the grants to users and groups that are neither Kubernetes' own nor one of its components."""
    return grants[is_person(grants)]


def is_person(grants: pd.DataFrame) -> pd.Series:
    """Tell of each grant whether its subject is a user or group that may be people."""
    named, subject = grants["subject_kind"].isin([USER, USER_GROUP]), grants["subject"]
    return named & ~subject.str.startswith(RESERVED) & ~subject.isin(COMPONENTS)


def permits(approvals: Approvals, row: dict[str, object], namespaces: frozenset[str]) -> bool:
    """Tell whether a row of `ephi_access` is what the access matrix permits the roles of its subject.

    Parameters
    ----------
    namespaces
        Those with ePHI: what is held for the cluster is held in each of them.
    """
    places = [str(row["scope"])] if row["scope"] else sorted(namespaces)
    asked = [Permitted(verb, "", str(row["resource"]), place) for verb in str(row["verbs"]).split() for place in places]
    return approvals.covers(str(row["subject_kind"]), str(row["subject"]), asked)


def place_words(scope: str) -> str:
    """Return where something is held, in words."""
    return f"namespace {scope}" if scope else "every namespace"
