"""The cluster itself: whether its state could be made again, and who could destroy the copies."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.safeguards.ages import hours_since
from hipaa_kit.safeguards.check import check, fails, judge, not_assessed, reviews
from hipaa_kit.tables.declaration import rows_of

PROVEN = ("velero", "etcd_snapshot")
HINTS = {
    "etcd_job": "that it saves etcd, only its name and image say",
    "gitops": "Git holds what was declared, and neither Secrets made here nor data",
}


@check("HK-BAK-11", everywhere=True, without_scope=True)
def cluster_state_is_recoverable(
    cluster_state: pd.DataFrame,
    namespaces: pd.DataFrame,
    nodes: pd.DataFrame,
    control_plane_members: pd.DataFrame,
    *,
    as_of: str,
    state_hours: int = 48,
) -> pd.DataFrame:
    """Judge the cluster by whether its own state was saved in time.

    Parameters
    ----------
    cluster_state, namespaces, nodes, control_plane_members : tables of those names
    as_of
        Moment to judge for, RFC 3339.
    state_hours
        Hours within which the state has to have been saved.

    Returns
    -------
    table `judgements`, one row for the cluster, and none where no namespace was seen

    Notes
    -----
    A provider that runs the control plane keeps etcd, and says nothing of it here: none of the nodes carries it.
    Whoever saves etcd with scripts outside the cluster has to say so. A snapshot that k3s or rke2 leaves on the node
    goes with that: it is asked about.
    Sources: https://kubernetes.io/docs/tasks/administer-cluster/configure-upgrade-etcd/,
    https://docs.k3s.io/cli/etcd-snapshot.
    """
    if namespaces.empty:
        return judge(pd.DataFrame({"object": pd.Series(dtype="str")}), passes="")
    held = cluster_state.assign(age=hours_since(cluster_state["last_run_at"], as_of))
    live = held["state"].isin(["active"]) & ~held["age"].lt(0).fillna(False)
    proven = held[live & held["mechanism"].isin(PROVEN)]
    recent = proven[proven["age"].le(state_hours).fillna(False)].sort_values("age", kind="stable")
    fresh, beside = recent[recent["place"] != "node"], recent[recent["place"] == "node"]
    hints = held[held["mechanism"].isin(HINTS) & ~held["state"].isin(["paused", "failed"])]
    said = [f"{row['object']}: {HINTS[str(row['mechanism'])]}" for row in rows_of(hints)]
    own_plane = nodes["control_plane"].any() or control_plane_members["component"].eq("etcd").any()
    if nodes["provider"].ne("").any() and not own_plane:
        said.append("its provider runs etcd, and what that saves is not seen")
    stale = held[held["mechanism"].isin(PROVEN)]
    examined = pd.DataFrame(
        {
            "object": ["Cluster//state"],
            "by": [str(fresh["object"].iloc[0]) if len(fresh) else ""],
            "age": [round(float(fresh["age"].iloc[0]), 1) if len(fresh) else None],
            "beside": [str(beside["object"].iloc[0]) if len(beside) else ""],
            "hint": ["; ".join(said[:3])],
            "stale": [", ".join(sorted(stale["object"])[:3])],
        }
    )
    none, hinted = examined["by"] == "", examined["hint"] != ""
    return judge(
        examined,
        reviews(
            none & (examined["beside"] != ""),
            "is a copy kept elsewhere? {beside} lies on a node of the cluster itself, and goes with that",
            observed="{beside}",
        ),
        reviews(none & hinted, "could the cluster be made again? {hint}", observed="{hint}"),
        fails(
            none & ~hinted & (examined["beside"] == "") & (examined["stale"] != ""),
            f"{{stale}} has not saved its state within {state_hours} hours, or does not run",
            observed="{stale}",
            expected=f"a copy within {state_hours} hours",
            rests_on=["cluster_state"],
        ),
        fails(
            none & ~hinted & (examined["beside"] == ""),
            "nothing that saves its state is seen: no copy of etcd, of all objects, nor a declaration in Git",
            observed="none",
            expected=f"a copy within {state_hours} hours",
            rests_on=["cluster_state"],
        ),
        observed="{by}",
        passes="{by} saved its state {age:hour} ago",
        evidence="by",
    )


@check("HK-BAK-12", everywhere=True)
def backups_are_apart(backup_access: pd.DataFrame, *, backup_operators: str = "") -> pd.DataFrame:
    """Judge every namespace of a backup tool by who, beside its operators, has power over the copies.

    Parameters
    ----------
    backup_access : table of that name
    backup_operators
        Users and groups that run the backups, and service accounts as `namespace/name`, joined by spaces.

    Returns
    -------
    table `judgements`, one row per subject and power over a namespace

    Notes
    -----
    Who holds every right of the cluster could destroy its copies as well; so could service accounts of system
    namespaces. Whether these are too many is asked by the controls of access; here they are named. Whether a
    lock at the store keeps even them from it, HK-BAK-07 asks. Source: https://velero.io/docs/main/rbac/.
    """
    operators = set(backup_operators.split())
    examined = backup_access.assign(
        object="Namespace//" + backup_access["namespace"],
        member=backup_access["subject_kind"] + " " + backup_access["subject"] + " may " + backup_access["power"],
    )
    gap = examined["subject_kind"] == "*"
    trusted = examined["everything"] | examined["own"] | examined["subject"].isin(operators)
    words = {
        (True, False): "holds every right of the cluster",
        (True, True): "holds every right of the cluster",
        (False, True): "is of the tool or of a system namespace",
        (False, False): "is named as an operator of backups",
    }
    examined = examined.assign(
        words=[words[bool(row["everything"]), bool(row["own"])] for row in rows_of(examined)],
    )
    return judge(
        examined,
        fails(
            ~gap & ~trusted,
            "{subject_kind} {subject} may {power}, by {binding}",
            observed="{power}",
            expected="operators of backups alone",
        ),
        not_assessed(gap, "who else may {power} is not known: {basis}", code="input_missing"),
        member="member",
        passes="{subject_kind} {subject} may {power}, and {words}",
        evidence="binding",
    )
