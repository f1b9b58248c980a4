"""Pods of ePHI workloads: what they may do on their node, and whose account they run as."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.graph.permissions.escape import takes_by_reading, takes_node
from hipaa_kit.safeguards.check import check, fails, judge, not_assessed, reviews, texts_for

TAKES_THE_NODE = ("hostNamespaces", "hostPathVolumes", "privileged", "windowsHostProcess")
"""Controls of `baseline` without which a pod can take its node."""

HOST_PATH = "hostPath"
RAW = "rawDevice"
"""Stands for a device of the node that a pod is given as it is, which no standard speaks of."""


@check("HK-ACC-16")
def pods_meet_restricted(
    ephi_workloads: pd.DataFrame,
    pods: pd.DataFrame,
    pod_security: pd.DataFrame,
    volumes: pd.DataFrame,
    volume_mounts: pd.DataFrame,
    claims: pd.DataFrame,
    persistent_volumes: pd.DataFrame,
) -> pd.DataFrame:
    """Judge every pod of an ePHI workload by the restricted level of the Pod Security Standards.

    Parameters
    ----------
    ephi_workloads, pods, pod_security, volumes, volume_mounts, claims, persistent_volumes : tables of those names

    Returns
    -------
    table `judgements`, one row per pod and control that it does not meet; one for a pod that meets all

    Notes
    -----
    The newest version of the standard that the server knows counts, whatever a namespace enforces. A root file system
    that can be written, and the host's user namespace, are beyond the level. So is a path of the node behind a claim,
    which the standards do not look at: it counts where the pod may write a folder by which it takes its node, or
    sees one where credentials or sockets lie that give it. Who writes a device of the node past its file system takes
    the node where its own system lies on it, which the path does not tell: that is a question.
    Sources: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted,
    https://kubernetes.io/docs/concepts/storage/persistent-volumes/#raw-block-volume-support
    """
    claimed = _paths_behind_claims(volumes, volume_mounts, claims, persistent_volumes)
    raw = _devices_behind_claims(volumes, claims, persistent_volumes)
    pod_security = pd.concat([pod_security, claimed, raw], ignore_index=True)
    inside = pods[pods["workload"].isin(ephi_workloads["object"])][["object", "workload"]]
    examined = inside.merge(pod_security, left_on="object", right_on="pod", how="left")
    # A control of `restricted` can stand in the place of that of `baseline` on host paths.
    hostile = examined["control"].isin(TAKES_THE_NODE) | (
        examined["control"].eq("restrictedVolumes") & examined["reason"].fillna("").str.contains(HOST_PATH)
    )
    # Of several parts the first in the order of their names is shown: what takes the node comes before the rest.
    how = pd.Series("falls short: ", index=examined.index).mask(hostile, "can take its node: ")
    part = examined["object"] + " " + examined["control"].fillna("")
    examined = examined.assign(
        member=(how + part).where(examined["control"].notna(), examined["object"]), hostile=hostile
    )
    raw_device = examined["control"].eq(RAW)
    missed, unreadable = examined["control"].notna() & ~raw_device, examined["control"].eq("unreadable")
    return judge(
        examined,
        fails(
            missed & ~unreadable & examined["hostile"],
            "{object} can take its node, {control}: {reason}",
            path="{paths}",
            observed="{reason}",
            expected="the restricted level",
            severity="critical",
        ),
        fails(
            missed & ~unreadable & ~examined["hostile"],
            "{object} does not meet {control}: {reason}",
            path="{paths}",
            observed="{reason}",
            expected="the restricted level",
        ),
        reviews(
            raw_device,
            "is that a disk of its own? {object} is given a device of its node as it is: {reason}",
            path="{paths}",
            observed="{reason}",
        ),
        not_assessed(unreadable, "{object} has a shape that the API refuses: {reason}", code="parse_error"),
        object="workload",
        member="member",
        passes="{object} meets the restricted level",
    )


def _paths_behind_claims(
    volumes: pd.DataFrame, volume_mounts: pd.DataFrame, claims: pd.DataFrame, persistent_volumes: pd.DataFrame
) -> pd.DataFrame:
    """Return (`pod`, `control`, `reason`, `paths`) of pods that take their node through a claim."""
    paths = persistent_volumes["host_path"]
    takes = paths.map(lambda path: bool(path) and takes_node(path)).astype(bool)
    tells = paths.map(lambda path: bool(path) and takes_by_reading(path)).astype(bool)
    hosts = persistent_volumes.assign(takes=takes, tells=tells)[takes | tells]
    bound = claims[["object", "persistent_volume"]].rename(columns={"object": "reference"})
    bound = bound.merge(
        hosts[["object", "host_path", "takes", "tells"]], left_on="persistent_volume", right_on="object"
    )
    mounted = volume_mounts.groupby(["pod", "volume"], as_index=False)["read_only"].min()
    found = volumes.drop(columns=["host_path"]).merge(bound, on="reference").merge(mounted, on=["pod", "volume"])
    found = found[(found["takes"] & ~found["read_only"]) | found["tells"]]
    what = found["read_only"].map({True: " of the node, where credentials or sockets lie", False: " of the node"})
    return pd.DataFrame(
        {
            "pod": found["pod"],
            "control": "hostPathVolumes",
            "reason": found["reference"] + " is " + found["host_path"] + what.astype("str"),
            "paths": "$.spec.volumes[*].persistentVolumeClaim",
        },
        dtype="str",
    )


def _devices_behind_claims(
    volumes: pd.DataFrame, claims: pd.DataFrame, persistent_volumes: pd.DataFrame
) -> pd.DataFrame:
    """Return (`pod`, `control`, `reason`, `paths`) of pods that are given a device of their node by a claim."""
    given = persistent_volumes[persistent_volumes["device"] != ""][["object", "device"]]
    bound = claims[["object", "persistent_volume"]].rename(columns={"object": "reference"})
    bound = bound.merge(given, left_on="persistent_volume", right_on="object")
    found = volumes.merge(bound[["reference", "device"]], on="reference")
    return pd.DataFrame(
        {
            "pod": found["pod"],
            "control": RAW,
            "reason": found["reference"] + " is " + found["device"],
            "paths": "$.spec.volumes[*].persistentVolumeClaim",
        },
        dtype="str",
    )


@check("HK-ACC-12")
def accounts_dedicated(ephi_workloads: pd.DataFrame, pods: pd.DataFrame) -> pd.DataFrame:
    """Judge every ePHI workload by whether it has a service account that no other workload has.

    Parameters
    ----------
    ephi_workloads, pods : tables of those names

    Returns
    -------
    table `judgements`, one row per ePHI workload and service account of its pods

    Notes
    -----
    Who runs as an account has all that is granted to it, so that nothing tells the workloads apart that share one. A
    static pod, which a kubelet runs from a file, has none.
    Sources: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#least-privilege,
    https://kubernetes.io/docs/tasks/configure-pod-container/static-pod/
    """
    named = pods.assign(service_account=pods["service_account"].mask(pods["static"], ""))
    users = named[["service_account", "workload"]].drop_duplicates()
    ephi = users["workload"].isin(ephi_workloads["object"])
    strangers = users[~ephi].groupby("service_account")["workload"].agg(lambda names: ", ".join(sorted(names)))
    own = users[ephi].rename(columns={"workload": "object"})
    together = own.groupby("service_account")["object"].nunique()
    examined = own.assign(
        name=own["service_account"].str.split("/").str[-1],
        strangers=texts_for(own["service_account"], strangers),
        number=own["service_account"].map(together),
    )
    alone = "it runs as " + examined["service_account"] + ": no other workload has it"
    static = "a kubelet runs it from a file: it has no service account"
    account = examined["service_account"].ne("")
    examined = examined.assign(words=alone.where(account, static))
    return judge(
        examined,
        fails(
            examined["name"] == "default",
            "it runs as {service_account}, which every pod that names none has",
            path="$.spec.serviceAccountName",
            observed="default",
            expected="a service account of its own",
        ),
        fails(
            account & examined["strangers"].ne(""),
            "it runs as {service_account}, as do workloads without ePHI: {strangers}",
            path="$.spec.serviceAccountName",
            observed="{service_account}",
            expected="a service account of its own",
        ),
        reviews(
            account & examined["number"].gt(1),
            "are they one application? {number} ePHI workloads run as {service_account}, and nothing tells them apart",
            path="$.spec.serviceAccountName",
            observed="{service_account}",
        ),
        member="service_account",
        evidence="service_account",
        passes="{words}",
    )
