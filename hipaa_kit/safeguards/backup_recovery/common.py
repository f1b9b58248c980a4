"""What several checks of backup and recovery share: the population, ages, objectives, stores outside, drills."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.safeguards.ages import hours_since
from hipaa_kit.tables.declaration import rows_of

RANK = {"critical": 0, "high": 1, "standard": 2}
BUCKETS = ("s3", "gs", "gcs", "azblob", "abs", "bucket", "blob")
UNTOLD = ("backups", "point_in_time", "versioning", "replicated", "object_lock", "encrypted", "backup_retention_days")


def claims_of(ephi_objects: pd.DataFrame) -> pd.DataFrame:
    """Return the claims of the ePHI scope: object, namespace, criticality."""
    mine = ephi_objects[ephi_objects["kind"] == "PersistentVolumeClaim"]
    return mine[["object", "namespace", "name", "criticality"]].reset_index(drop=True)


def claim_namespaces(ephi_objects: pd.DataFrame) -> pd.DataFrame:
    """Return the namespaces that hold claims of the ePHI scope, with the highest criticality of these."""
    claims = claims_of(ephi_objects)
    ranked = claims.assign(rank=claims["criticality"].map(RANK)).sort_values("rank", kind="stable")
    first = ranked.drop_duplicates("namespace").sort_values("namespace").reset_index(drop=True)
    return pd.DataFrame(
        {
            "object": "Namespace//" + first["namespace"].astype("str"),
            "namespace": first["namespace"].astype("str"),
            "criticality": first["criticality"].astype("str"),
        }
    )


def outside_of(ephi_objects: pd.DataFrame, cloud_stores: pd.DataFrame) -> pd.DataFrame:
    """Return the stores of the ePHI scope that stand outside the cluster, with what their provider says of them.

    A store is found by its name after the colon: `postgres:records` is the database `records`. Where several
    stores have the name, none of them is taken.
    """
    mine = ephi_objects[ephi_objects["kind"] == "External"][["object", "name", "criticality"]]
    rows = []
    for row in rows_of(mine):
        prefix, _, name = str(row["name"]).partition(":")
        bucket = prefix.lower() in BUCKETS
        kinds = ["bucket", "storage_account"] if bucket else ["database"]
        told = cloud_stores[(cloud_stores["name"] == name) & cloud_stores["kind"].isin(kinds)]
        facts = rows_of(told)[0] if len(told) == 1 else {}
        known = {fact: facts.get(fact) for fact in UNTOLD}
        rows.append(
            {
                **row,
                **known,
                "bucket": bucket,
                "told": bool(facts),
                "latest_restorable_at": facts.get("latest_restorable_at", ""),
            }
        )
    columns = ["object", "name", "criticality", *UNTOLD, "bucket", "told", "latest_restorable_at"]
    found = pd.DataFrame(rows, columns=columns)
    types = dict.fromkeys(UNTOLD[:-1], "boolean") | {"backup_retention_days": "Int64", "bucket": "bool", "told": "bool"}
    return found.astype(types | {"latest_restorable_at": "str"})


def by_criticality(criticality: pd.Series, critical: float, high: float, standard: float) -> pd.Series:
    """Return for each row the objective of its criticality."""
    return criticality.map({"critical": critical, "high": high, "standard": standard}).astype("Float64")


def restore_drills(drills: pd.DataFrame, as_of: str) -> pd.DataFrame:
    """Return the restores on record that were held before a moment, with their age in days; newest last."""
    held = drills[drills["kind"].str.lower() == "restore"]
    held = held.assign(age_days=hours_since(held["date"], as_of) / 24)
    return held[held["age_days"].ge(0).fillna(False)].sort_values(["date", "scope"], kind="stable")


def concerns(scope: str, namespace: str) -> bool:
    """Tell whether what was exercised is of a namespace: an object in it, or the namespace itself."""
    kind, _, rest = scope.partition("/")
    return scope == f"Namespace//{namespace}" or (kind != "Namespace" and rest.partition("/")[0] == namespace)


def first_words(frame: pd.DataFrame, key: str, column: str) -> pd.Series:
    """Return by key the texts of a column, each once, joined by commas."""
    return frame.groupby(key)[column].agg(lambda texts: ", ".join(sorted({each for each in texts if each})))
