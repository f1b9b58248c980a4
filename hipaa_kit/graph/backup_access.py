"""Who may destroy copies, turn them elsewhere, or use what protects them, by the permissions of the cluster."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pandas as pd

from hipaa_kit.graph.permissions import RBAC_BESIDE, RBAC_INPUTS, RBAC_TABLES
from hipaa_kit.graph.powers import CONTROL_PLANE, RBAC_KINDS, Asked, Power, everything, holders, permissions_here
from hipaa_kit.inventory.backups.builders import PLAN_KINDS, STORE_KINDS
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.sources.scope import Scope
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.backups import BACKUP_ACCESS
from hipaa_kit.tables.lookup import GivenTables

CREDENTIALS = "read the credentials of its store"


COMMON = (
    Power(CREDENTIALS, tuple((verb, "", "secrets", "") for verb in ("get", "list", "watch"))),
    Power(
        "run commands as it",
        (("create", "", "pods", ""), ("create", "", "pods", "exec"), ("patch", "", "pods", "ephemeralcontainers")),
    ),
)
OWN: dict[str, tuple[Power, ...]] = {
    "velero": (
        Power(
            "delete copies",
            (
                ("create", "velero.io", "deletebackuprequests", ""),
                ("delete", "velero.io", "backups", ""),
                ("deletecollection", "velero.io", "backups", ""),
            ),
        ),
        Power(
            "read or restore copies",
            (("create", "velero.io", "restores", ""), ("create", "velero.io", "downloadrequests", "")),
        ),
        Power(
            "change where copies go, or stop them",
            tuple(
                (verb, "velero.io", resource, "")
                for resource in ("backupstoragelocations", "schedules")
                for verb in ("update", "patch", "delete", "deletecollection")
            ),
        ),
    ),
    "longhorn": (
        Power(
            "delete copies",
            tuple(
                (verb, "longhorn.io", resource, "") for resource in ("backups", "backupvolumes") for verb in ("delete",)
            ),
        ),
        Power(
            "change where copies go, or stop them",
            tuple(
                (verb, "longhorn.io", resource, "")
                for resource in ("backuptargets", "recurringjobs")
                for verb in ("update", "patch", "delete")
            ),
        ),
    ),
    "kasten": (
        Power(
            "change where copies go, or stop them",
            tuple(
                (verb, "config.kio.kasten.io", resource, "")
                for resource in ("policies", "profiles")
                for verb in ("update", "patch", "delete")
            ),
        ),
    ),
}
"""Powers beside the common ones, by the tools that have a namespace of their own.

Sources: https://velero.io/docs/main/rbac/, https://velero.io/docs/main/api-types/.
"""


@builds(
    BACKUP_ACCESS,
    reads=(*RBAC_KINDS, *PLAN_KINDS, *STORE_KINDS),
    also=RBAC_BESIDE,
    optional=RBAC_INPUTS,
    uses=RBAC_TABLES,
)
def backup_access(
    snapshot: Snapshot,
    scope: Scope | None,
    backup_plans: pd.DataFrame,
    backup_stores: pd.DataFrame,
    tables: GivenTables,
) -> Iterator[dict[str, Any]]:
    """Yield a row per subject and power over one namespace in which a backup tool of its own stands.

    Members of groups are not listed beside their group: a grant is one row.
    """
    asked = permissions_here(tables, snapshot)
    all_powerful = everything(asked)
    system = {CONTROL_PLANE, *(scope.system if scope else ())}
    credentials: dict[str, set[str]] = defaultdict(set)
    for name in backup_stores.loc[backup_stores["credential"] != "", "credential"]:
        _, place, secret = parse_object_id(name)
        credentials[place].add(secret)
    for namespace, tools in sorted(_places(backup_plans, backup_stores).items()):
        powers: dict[str, list[Asked]] = defaultdict(list)
        for power in (*COMMON, *(each for tool in sorted(tools) for each in OWN[tool])):
            powers[power.words] += [(*each, "") for each in power.requests]
        powers[CREDENTIALS] += [("get", "", "secrets", "", name) for name in sorted(credentials[namespace])]
        for row in holders(asked, namespace, powers, system, all_powerful):
            yield {"tool": " ".join(sorted(tools)), **row}


def _places(plans: pd.DataFrame, stores: pd.DataFrame) -> dict[str, set[str]]:
    """Return the namespaces in which tools keep plans and stores apart from what they copy, with the tools."""
    found: dict[str, set[str]] = defaultdict(set)
    for frame in (plans, stores):
        for tool, namespace in frame[["tool", "namespace"]].itertuples(index=False):
            if tool in OWN:
                found[namespace].add(tool)
    return found
