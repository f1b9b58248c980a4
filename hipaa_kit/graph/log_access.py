"""Who may alter logs where they are kept, or stop what collects them, by the permissions of the cluster."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

import pandas as pd

from hipaa_kit.graph.permissions import RBAC_BESIDE, RBAC_INPUTS, RBAC_TABLES
from hipaa_kit.graph.powers import CONTROL_PLANE, RBAC_KINDS, Asked, Power, everything, holders, permissions_here
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube.monitoring.programs import LOG_STORE, LOGS
from hipaa_kit.sources.scope import Scope
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.log_collection import LOG_ACCESS
from hipaa_kit.tables.lookup import GivenTables

CHANGES: Final = ("update", "patch", "delete", "deletecollection")

POWERS: Final = {
    LOGS: (
        Power("change what is collected", tuple((verb, "", "configmaps", "") for verb in CHANGES)),
        Power(
            "change or stop what collects logs",
            tuple((verb, "apps", name, "") for name in ("daemonsets", "deployments") for verb in CHANGES),
        ),
    ),
    LOG_STORE: (
        Power(
            "delete what is kept",
            tuple((verb, "", "persistentvolumeclaims", "") for verb in ("delete", "deletecollection")),
        ),
        Power(
            "change or stop what keeps logs",
            tuple((verb, "apps", name, "") for name in ("statefulsets", "deployments") for verb in CHANGES),
        ),
        Power("change how long logs are kept", tuple((verb, "", "configmaps", "") for verb in CHANGES)),
    ),
}
"""Powers by what runs in a namespace."""

INTO: Final = Power(
    "run commands as it",
    (("create", "", "pods", ""), ("create", "", "pods", "exec"), ("patch", "", "pods", "ephemeralcontainers")),
)


@builds(LOG_ACCESS, reads=RBAC_KINDS, also=RBAC_BESIDE, optional=RBAC_INPUTS, uses=RBAC_TABLES)
def log_access(
    snapshot: Snapshot, scope: Scope | None, watchers: pd.DataFrame, tables: GivenTables
) -> Iterator[dict[str, Any]]:
    """Yield a row per subject and power over one namespace in which logs are collected or kept.

    Source: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
    """
    asked = permissions_here(tables, snapshot)
    all_powerful = everything(asked)
    system = {CONTROL_PLANE, *(scope.system if scope else ())}
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in rows_of(watchers[watchers["duty"].isin(list(POWERS))]):
        found[row["namespace"]][row["duty"]].add(row["program"])
    for namespace, duties in sorted(found.items()):
        powers: dict[str, list[Asked]] = {}
        for power in (INTO, *(each for duty in sorted(duties) for each in POWERS[duty])):
            powers.setdefault(power.words, []).extend((*each, "") for each in power.requests)
        programs = ", ".join(sorted({name for names in duties.values() for name in names}))
        for row in holders(asked, namespace, powers, system, all_powerful):
            yield {"programs": programs, **row}
