"""What acts by itself on what was found, and with what rights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pandas as pd

from hipaa_kit.graph.permissions import RBAC_BESIDE, RBAC_INPUTS, RBAC_TABLES, Permissions
from hipaa_kit.graph.powers import RBAC_KINDS, permissions_here
from hipaa_kit.inventory.ephi import ephi_namespaces
from hipaa_kit.inventory.integrity import sensors_in
from hipaa_kit.inventory.pods import selectable
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.kube.rbac import built_in_groups, service_account_user
from hipaa_kit.kube.sensors import responder_of
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.alerting import RESPONDERS
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.lookup import GivenTables

BY_POLICIES: Final = ("KubeArmor", "Tetragon")
"""Sensors that objects of the cluster have act, on their node and without the API server."""

ACTS: Final = {
    "delete pods": ("delete", "", "pods", ""),
    "evict pods": ("create", "", "pods", "eviction"),
    "label pods": ("patch", "", "pods", ""),
    "write network policies": ("create", "networking.k8s.io", "networkpolicies", ""),
    "scale workloads": ("patch", "apps", "deployments", "scale"),
    "run commands in pods": ("create", "", "pods", "exec"),
}
"""Requests by which a pod is stopped or kept apart.

Source: https://docs.falco-talon.org/docs/actionners/list/
"""

CORDON: Final = ("patch", "", "nodes", "")


@builds(RESPONDERS, reads=RBAC_KINDS, also=RBAC_BESIDE, optional=RBAC_INPUTS, uses=RBAC_TABLES)
def responders(
    snapshot: Snapshot,
    pods: pd.DataFrame,
    containers: pd.DataFrame,
    sensor_policies: pd.DataFrame,
    ephi_objects: pd.DataFrame,
    tables: GivenTables,
) -> Iterator[dict[str, Any]]:
    """Yield a row per workload of a responder, or of a sensor that can be made to act."""
    asked = permissions_here(tables, snapshot)
    places = sorted(ephi_namespaces(ephi_objects))
    sensors = sensors_in(containers).rename(columns={"sensor": "program"})
    sensors = sensors[sensors["program"].isin(BY_POLICIES)]
    others = containers.assign(program=containers["repository"].map(responder_of))
    others = others[(others["program"] != "") & (others["role"] != "init")][["pod", "program"]]
    found = pd.concat([sensors, others]).drop_duplicates("pod")
    running = found.merge(selectable(pods).rename(columns={"object": "pod"}), on="pod")
    for workload, held in running.groupby("workload", sort=True):
        first = rows_of(held.sort_values("pod"))[0]
        mine = sensor_policies[(sensor_policies["sensor"] == first["program"]) & sensor_policies["acts"]]
        by_policies = first["program"] in BY_POLICIES
        yield {
            "object": workload,
            "program": first["program"],
            "acts": ("policies" if len(mine) else "no") if by_policies else "open",
            "ready": None if held["ready"].isna().all() else bool(held["ready"].fillna(False).any()),
            "account": first["service_account"],
            "needs_rights": not by_policies,
            "evidence": " ".join(sorted(mine["object"])),
            **_rights(asked, first["service_account"], places),
        }


def _rights(asked: Permissions, account: str, places: list[str]) -> dict[str, Any]:
    _, namespace, name = parse_object_id(account)
    user = service_account_user(namespace, name)
    groups = built_in_groups(user)
    may = [
        words
        for words, (verb, group, resource, subresource) in ACTS.items()
        if places
        and all(asked.can(user, groups, verb, group, resource, subresource, namespace=place) for place in places)
    ]
    if asked.can(user, groups, *CORDON):
        may.append("cordon nodes")
    return {
        "may": ", ".join(may),
        "everything": asked.can(user, groups, "*", "*", "*"),
        "secrets": asked.can(user, groups, "get", "", "secrets") or asked.can(user, groups, "list", "", "secrets"),
        "gaps": "; ".join(asked.gaps()),
    }
