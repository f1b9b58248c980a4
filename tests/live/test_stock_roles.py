"""Roles that a real API server makes by itself yield nothing that somebody decided."""

from __future__ import annotations

from hipaa_kit.graph.permissions.stock import EVERY_CLUSTER
from tests.support.live.assets import Assets, version
from tests.support.live.control_plane import ControlPlane
from tests.support.live.rbac import RBAC
from tests.support.permissions import quick_permissions

KINDS = ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")


def test_a_stock_cluster_yields_only_what_every_cluster_has(live_assets: Assets) -> None:
    with ControlPlane(live_assets) as plane:
        lists = {kind: plane.admin.get(f"{RBAC}/{kind.lower()}s")["items"] for kind in KINDS}
    objects = [{**each, "kind": kind} for kind, items in lists.items() for each in items]
    assert len(objects) > 100
    held = quick_permissions(objects, version=version())
    assert held.escalations().empty
    found = held.escalations(stock=True)
    assert len(found) > 100
    assert set(found["expected_because"]) == {EVERY_CLUSTER}
    reached = held.who_reaches("Secret/ehr/db", "Pod/ehr/db-0", "PersistentVolumeClaim/ehr/data", "Cluster//*")
    assert len(reached) > 10
    assert set(reached["expected_because"]) == {EVERY_CLUSTER}
