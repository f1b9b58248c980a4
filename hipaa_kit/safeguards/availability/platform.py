"""The platform under ePHI workloads: control plane, scaling, volumes, guards of namespaces."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.safeguards.check import check, fails, judge, not_applicable, not_assessed, reviews, texts_for

BOUNDING = ("pods", "count/pods", "cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory")
"""What a quota may limit that bounds what runs."""


@check("HK-AVL-07")
def control_plane_available(control_plane_members: pd.DataFrame) -> pd.DataFrame:
    """Judge the control plane by the members of etcd.

    Parameters
    ----------
    control_plane_members : table of that name

    Returns
    -------
    table `judgements`, one row for the control plane

    Notes
    -----
    An even number of members tolerates no more losses than one member fewer. A member that is not ready is lost
    already, and a node takes all members that run on it along: those that are ready elsewhere must still be more than
    half. With one API server etcd may live on, and nobody can ask it; one that is not ready answers nobody either.
    Source: https://etcd.io/docs/latest/faq/#what-is-failure-tolerance
    """
    members = control_plane_members
    etcd = members[members["component"] == "etcd"]
    servers = members[members["component"] == "kube-apiserver"]
    examined = pd.DataFrame(
        [
            {
                "object": "Cluster//control-plane",
                "etcd": len(etcd),
                "servers": len(servers),
                "answering": int(servers["ready"].fillna(False).sum()),
                "mute": int(servers["ready"].isna().sum()),
                "ready": int(etcd["ready"].fillna(False).sum()),
                "silent": int(etcd["ready"].isna().sum()),
                "nodes": etcd["node"].nunique(),
                "left": _left_without_a_node(etcd),
                "quorum": len(etcd) // 2 + 1,
                "pods": " ".join(etcd["pod"]),
            }
        ]
    )
    number = examined["etcd"]
    return judge(
        examined,
        not_assessed(
            (number == 0) & (examined["servers"] == 0),
            "no control-plane pod is visible in kube-system: a provider runs it, or it runs elsewhere or not as pods",
            code="managed_plane",
            rests_on=["control_plane_members"],
        ),
        not_assessed(
            number == 0,
            "etcd runs outside the cluster",
            code="input_missing",
            rests_on=["control_plane_members"],
        ),
        fails(
            number == 1,
            "etcd has 1 member",
            observed="1",
            expected="an odd number of at least 3",
            rests_on=["control_plane_members"],
        ),
        fails(
            (number > 1) & (examined["nodes"] == 1),
            "all {etcd:member} of etcd run on one node",
            observed="1 node",
            expected="a node each",
            rests_on=["control_plane_members"],
        ),
        fails(
            (number > 2) & (examined["ready"] + examined["silent"] <= examined["quorum"]),
            "{ready} of {etcd:member} of etcd {ready:is|are} ready: the loss of one more stops writes",
            observed="{ready} ready",
            expected="all members ready",
            rests_on=["control_plane_members"],
        ),
        fails(
            (number > 2) & (examined["left"] < examined["quorum"]),
            "{etcd:member} of etcd {etcd:runs|run} on {nodes:node}, {ready} of them ready: the loss of one node leaves "
            "{left}, fewer than the {quorum} that writes need",
            observed="{nodes:node}",
            expected="a node each",
            rests_on=["control_plane_members"],
        ),
        fails(
            (number > 0) & (examined["servers"] == 1),
            "one API server runs: without it nothing can be asked or changed",
            observed="1",
            expected="at least 2",
            rests_on=["control_plane_members"],
        ),
        fails(
            (number > 0) & (examined["servers"] > 1) & (examined["answering"] + examined["mute"] <= 1),
            "of {servers:API server} {answering} is ready: without another nothing can be asked or changed",
            observed="{answering} ready",
            expected="at least 2 ready",
            rests_on=["control_plane_members"],
        ),
        not_assessed(
            (number > 0) & (examined["silent"] > 0),
            "members of etcd that do not say whether they are ready: {silent}",
            code="input_missing",
        ),
        not_assessed(
            (number > 0) & (examined["mute"] > 0) & (examined["answering"] < 2),
            "API servers that do not say whether they are ready: {mute}",
            code="input_missing",
        ),
        reviews(
            number % 2 == 0, "is an even number of etcd members meant? {etcd} tolerate no more losses than one fewer"
        ),
        reviews(
            (number > 0) & (examined["servers"] == 0),
            "is there more than one API server? None runs as a pod that is known",
            rests_on=["control_plane_members"],
        ),
        evidence="pods",
        passes="{etcd:member} of etcd on {nodes:node}, {ready} of them ready, and {servers:API server}, "
        "{answering} of them ready",
    )


def _left_without_a_node(etcd: pd.DataFrame) -> int:
    """Return how many members are left that may be ready, at worst, when one node is lost."""
    ready = etcd[etcd["ready"].fillna(True).astype(bool)]
    return len(ready) - int(ready.groupby("node").size().max()) if len(ready) else 0


@check("HK-AVL-08")
def scaling_and_volumes_healthy(
    ephi_objects: pd.DataFrame,
    autoscalers: pd.DataFrame,
    claims: pd.DataFrame,
    storage_classes: pd.DataFrame,
    volumes: pd.DataFrame,
    conditions: pd.DataFrame,
) -> pd.DataFrame:
    """Judge autoscalers and claims of ePHI workloads by their status.

    Parameters
    ----------
    ephi_objects, autoscalers, claims, storage_classes, volumes, conditions : tables of those names

    Returns
    -------
    table `judgements`, one row per autoscaler of an ePHI workload and per ePHI claim

    Notes
    -----
    A claim of a class that binds late waits for the first pod that mounts it.
    Source: https://kubernetes.io/docs/concepts/storage/storage-classes/#volume-binding-mode
    """
    inside = ephi_objects["object"]
    said = conditions.assign(words=conditions["type"] + "=" + conditions["status"] + " " + conditions["reason"])
    bad = said[said["type"].isin(["ScalingActive", "AbleToScale"]) & (said["status"] == "False")]
    stopped = bad[bad["reason"] == "ScalingDisabled"]["object"]
    scalers = autoscalers[autoscalers["workload"].isin(inside)][["object"]].assign(scaler=True, phase="", late=False)
    late = storage_classes[storage_classes["binding_mode"] == "WaitForFirstConsumer"]["name"]
    held = claims[claims["object"].isin(inside)]
    unused = ~held["object"].isin(volumes["reference"])
    waiting = (held["phase"] == "Pending") & held["storage_class"].isin(late) & unused
    of_claims = held[["object", "phase"]].assign(scaler=False, late=waiting)
    examined = pd.concat([scalers, of_claims], ignore_index=True)
    name = examined["object"]
    words = texts_for(name, bad.groupby("object")["words"].agg(", ".join))
    examined = examined.assign(words=words, told=name.isin(conditions["object"]))
    is_claim = ~examined["scaler"]
    return judge(
        examined,
        not_applicable(
            examined["scaler"] & name.isin(stopped), "scaling is switched off: its workload asks for 0 replicas"
        ),
        fails(examined["scaler"] & (words != ""), "the autoscaler does not work: {words}", observed="{words}"),
        not_assessed(examined["scaler"] & ~examined["told"], "it has no status", code="input_missing"),
        not_assessed(is_claim & (examined["phase"] == ""), "it has no status", code="input_missing"),
        reviews(
            is_claim & examined["late"],
            "is the claim still needed? It waits for a first pod, and none mounts it",
            rests_on=["volumes"],
        ),
        fails(
            is_claim & examined["phase"].isin(["Pending", "Lost"]) & ~examined["late"],
            "the claim is {phase}",
            path="$.status.phase",
            observed="{phase}",
            expected="Bound",
        ),
        passes="healthy by its status",
    )


@check("HK-AVL-09", within=True)
def namespaces_guarded(ephi_objects: pd.DataFrame, quotas: pd.DataFrame, limit_ranges: pd.DataFrame) -> pd.DataFrame:
    """Judge every namespace with ePHI workloads by whether anything bounds what runs beside them.

    Parameters
    ----------
    ephi_objects, quotas, limit_ranges : tables of those names

    Returns
    -------
    table `judgements`, one row per namespace

    Notes
    -----
    A quota of Services or Secrets, or a range for claims, bounds nothing that runs; nor does a range that only names a
    least. A limit that cannot be read bounds nothing that is known. A request by default keeps the scheduler's count
    true, and whoever asks for a request of his own may use more: it is asked about, as is a quota whose scopes leave
    pods out of it.
    Sources: https://kubernetes.io/docs/concepts/policy/resource-quotas/#quota-scopes,
    https://kubernetes.io/docs/concepts/policy/limit-range/
    """
    quotas = quotas[quotas["resource"].isin(BOUNDING) & quotas["hard"].notna()]
    ranges = limit_ranges[
        limit_ranges["type"].isin(["Container", "Pod"]) & limit_ranges["resource"].isin(["cpu", "memory"])
    ]
    limiting = ranges["default_limit"].notna() | ranges["most"].notna()
    scoped, asking = quotas["scopes"] != "", (ranges["default_request"] > 0).fillna(False)
    holding = ephi_objects[ephi_objects["kind"].isin(["Pod", "PersistentVolumeClaim"])]["namespace"]
    examined = pd.DataFrame({"namespace": sorted(set(holding))}, dtype="str")
    examined = examined.assign(
        object="Namespace//" + examined["namespace"],
        guards=_guards(examined["namespace"], quotas[~scoped], ranges[limiting]),
        partly=_guards(examined["namespace"], quotas[scoped], ranges[~limiting & asking]),
    )
    bare = examined["guards"] == ""
    return judge(
        examined,
        reviews(
            bare & (examined["partly"] != ""),
            "is {partly} enough? It holds for some of the pods, or gives requests and bounds nothing",
            observed="{partly}",
            rests_on=["quotas", "limit_ranges"],
        ),
        fails(
            bare & (examined["partly"] == ""),
            "has neither a ResourceQuota nor a LimitRange that bounds pods, CPU or memory",
            expected="at least one of them",
            rests_on=["quotas", "limit_ranges"],
        ),
        evidence="guards",
        passes="guarded by {guards}",
    )


def _guards(namespaces: pd.Series, *tables: pd.DataFrame) -> pd.Series:
    """Return the objects of tables that stand in each namespace, joined by spaces."""
    objects = pd.concat([table[["namespace", "object"]] for table in tables])
    return texts_for(namespaces, objects.groupby("namespace")["object"].agg(lambda names: " ".join(sorted(set(names)))))
