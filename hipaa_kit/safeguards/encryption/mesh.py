"""The service mesh: whether what reaches ePHI pods has to come by mutual TLS."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.kube.network.ports import FIRST, LAST
from hipaa_kit.safeguards.check import check, fails, judge, not_applicable, not_assessed, reviews
from hipaa_kit.tables.transit import OWN_TLS, PATCHED


@check("HK-ENC-11", everywhere=True)
def mesh_is_strict(
    ephi_workloads: pd.DataFrame,
    mesh_pods: pd.DataFrame,
    mesh_exceptions: pd.DataFrame,
    meshes_present: pd.DataFrame,
) -> pd.DataFrame:
    """Judge every pod of an ePHI workload by what the mesh's proxy before it takes in.

    Parameters
    ----------
    ephi_workloads, mesh_pods, mesh_exceptions, meshes_present : tables of those names

    Returns
    -------
    table `judgements`, one row per pod, and one per range of ports that is treated apart

    Notes
    -----
    A mode that nobody sets is PERMISSIVE: plain text is taken in beside mutual TLS. What an EnvoyFilter makes of a
    proxy cannot be told from its patches, which may undo any mode.
    Source: https://istio.io/latest/docs/reference/config/security/peer_authentication/,
    https://istio.io/latest/docs/reference/config/networking/envoy-filter/,
    https://linkerd.io/2/features/server-policy/
    """
    inside = mesh_pods[mesh_pods["workload"].isin(ephi_workloads["object"])]
    apart = mesh_exceptions[mesh_exceptions["direction"] == "in"].merge(
        inside[["pod", "workload", "mesh", "inside"]], on="pod"
    )
    first, last = apart["port_from"].astype("str"), apart["port_to"].astype("str")
    every = apart["port_to"] - apart["port_from"] == LAST - FIRST
    ports = "port " + first.where(first == last, first + "-" + last)
    apart = apart.assign(ports=ports.where(~every, "every port"))
    examined = pd.concat([inside.assign(ports=""), apart], ignore_index=True)
    examined = examined.assign(
        member=(examined["pod"] + " " + examined["ports"]).str.strip(),
        words=examined["ports"].map(lambda ports: f" for {ports}" if ports else ""),
        present=", ".join(meshes_present["mesh"]),
    )
    none = pd.Series(meshes_present.empty, index=examined.index)
    within = examined["inside"].eq(True)
    return judge(
        examined,
        not_applicable(none, "the cluster has no service mesh"),
        fails(
            examined["inside"].eq(False) & ~none,
            "{pod} is not in the mesh that the cluster has ({present})",
            observed="no proxy of the mesh",
            expected="the mesh's proxy in the pod",
        ),
        fails(
            within & examined["mode"].isin(["permissive", "disabled"]),
            "{pod} takes in plain text{words}: it is {mode} by {source}",
            observed="{mode}",
            expected="strict",
            rests_on=["mesh_pods"],
        ),
        reviews(
            within & examined["mode"].isin([PATCHED, OWN_TLS]),
            "does {pod} take in mutual TLS alone{words}? {source}",
            observed="{source}",
        ),
        not_assessed(
            examined["inside"].isna(),
            "whether the mesh's proxy will be in {pod} cannot be seen before it runs",
            code="input_missing",
        ),
        not_assessed(
            within & (examined["mode"] == "unknown"),
            "what {pod} takes in{words} is not known: {source}",
            code="unsupported_dialect",
        ),
        object="workload",
        member="member",
        observed="{mode}",
        passes="{pod} takes in mutual TLS alone{words}, by {source}",
    )
