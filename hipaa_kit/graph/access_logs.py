"""Signs that access to ePHI in databases is logged, as operators and providers say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pandas as pd

from hipaa_kit.inventory.fields import mapping, text
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube.custom_kinds import custom
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.log_collection import ACCESS_LOGS

CNPG: Final = custom("postgresql.cnpg.io", "Cluster")
CRUNCHY: Final = custom("postgres-operator.crunchydata.com", "PostgresCluster")
ZALANDO: Final = custom("acid.zalan.do", "postgresql")

PLACES: Final = {
    CNPG: ("spec", "postgresql", "parameters"),
    CRUNCHY: ("spec", "patroni", "dynamicConfiguration", "postgresql", "parameters"),
    ZALANDO: ("spec", "postgresql", "parameters"),
}
"""Where each operator takes settings of PostgreSQL. The first loads pgaudit where a setting of it stands, the second
always; the third only where it is named among the libraries.

Sources: https://cloudnative-pg.io/documentation/current/postgresql_conf/#enabling-pgaudit,
https://access.crunchydata.com/documentation/postgres-operator/latest/, https://github.com/zalando/postgres-operator
"""

SETTING: Final = "pgaudit.log"
RUNS_AS: Final = {
    CNPG: ("Cluster",),
    CRUNCHY: ("PostgresCluster", "StatefulSet"),
    ZALANDO: ("StatefulSet", "postgresql"),
}
NEEDED: Final = frozenset(["read", "write"])
"""Classes of statements that touch data. Source: https://github.com/pgaudit/pgaudit#pgauditlog"""


@builds(ACCESS_LOGS, reads=list(PLACES), optional=["cloud_stores"])
def access_logs(
    snapshot: Snapshot, ephi_objects: pd.DataFrame, workloads: pd.DataFrame, cloud_stores: pd.DataFrame
) -> Iterator[dict[str, Any]]:
    """Yield a row per sign, of databases that operators run and of those that a provider runs outside."""
    known = set(workloads["object"])
    for kind, place in PLACES.items():
        for record in snapshot.records(kind):
            settings = mapping(record.content, *place)
            if SETTING not in settings or (kind == ZALANDO and not _loads(settings)):
                continue
            value = text(settings, SETTING)
            names = [f"{owner}/{record.namespace}/{record.name}" for owner in RUNS_AS[kind]]
            # Where no workload of it is known, the object of the operator itself stands for it.
            for name in [each for each in names if each in known] or [record.object]:
                path = "$." + ".".join((*place, f"'{SETTING}'"))
                yield _sign(name, "pgaudit", pgaudit_state(value), record.object, path, value)
    outside = ephi_objects[ephi_objects["kind"] == "External"]
    for row in rows_of(outside):
        kept = cloud_stores[
            (cloud_stores["name"] == row["name"].rpartition(":")[2]) & (cloud_stores["kind"] == "database")
        ]
        if len(kept) == 1 and (words := rows_of(kept)[0]["logs_exported"]):
            state = "on" if "audit" in words.split() else "open"
            yield _sign(row["object"], "logs of its provider", state, row["object"], "", words)


def _sign(name: str, mechanism: str, state: str, source: str, path: str, value: str) -> dict[str, Any]:
    told = {"object": name, "mechanism": mechanism, "state": state, "source": source}
    return {**told, "path": path, "value": value}


def _loads(settings: Mapping[str, Any]) -> bool:
    libraries = text(settings, "shared_preload_libraries").split(",")
    return "pgaudit" in {each.strip() for each in libraries}


def pgaudit_state(written: str) -> str:
    """Return whether pgaudit logs what reads and writes data: on, off, or open where it logs some of it.

    Classes are taken in order, and `-class` takes one away. Source: https://github.com/pgaudit/pgaudit#pgauditlog
    """
    held: set[str] = set()
    for word in (each.strip().lower() for each in written.split(",")):
        if word == "all":
            held |= NEEDED | {"other"}
        elif word == "none":
            held.clear()
        elif word.startswith("-"):
            held.discard(word[1:])
        elif word:
            held.add(word)
    return "on" if held >= NEEDED else "open" if held else "off"
