"""Recovery points: how old the newest is, whether snapshots are possible, and what would destroy a volume."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.safeguards.ages import hours_since
from hipaa_kit.safeguards.backup_recovery.common import (
    by_criticality,
    claims_of,
    first_words,
    outside_of,
    restore_drills,
)
from hipaa_kit.safeguards.check import check, fails, judge, not_assessed, reviews, texts_for

ENDED = ["completed", "partial", "failed", "missing", "unknown"]
BAD = ["partial", "failed", "missing"]


@check("HK-BAK-03", everywhere=True, optional=["cloud_stores", "drills"])
def recovery_points_are_fresh(
    ephi_objects: pd.DataFrame,
    claims: pd.DataFrame,
    backup_coverage: pd.DataFrame,
    backup_points: pd.DataFrame,
    backup_runs: pd.DataFrame,
    cloud_stores: pd.DataFrame,
    drills: pd.DataFrame,
    *,
    as_of: str,
    rpo_hours_critical: int = 48,
    rpo_hours_high: int = 48,
    rpo_hours_standard: int = 48,
) -> pd.DataFrame:
    """Judge every ePHI claim, and every ePHI store outside, by its newest recovery point against its objective.

    Parameters
    ----------
    ephi_objects, claims, backup_coverage, backup_points, backup_runs, cloud_stores, drills : tables of those names
    as_of
        Moment to judge for, RFC 3339.
    rpo_hours_critical, rpo_hours_high, rpo_hours_standard
        Recovery point objective in hours, by criticality.

    Returns
    -------
    table `judgements`, one row per claim and per external store

    Notes
    -----
    Age counts from when copying began: the data are not younger. What was copied after the moment, or is no longer
    kept at it, does not count. The newest attempt decides: a copy that failed after a good one is a job to repair.
    A claim that is younger than its newest copy is a question: it was made anew, perhaps by a restore, or its filters
    alone say that the copy holds it. Copies of a database are of its data, whichever claim they were on.
    """
    dated = backup_points.assign(age=hours_since(backup_points["taken_at"], as_of))
    ends = backup_runs.set_index(backup_runs["tool"] + " " + backup_runs["object"])["expires_at"]
    left = -hours_since(texts_for(dated["tool"] + " " + dated["run"], ends), as_of)
    dated = dated[~dated["age"].lt(0).fillna(False) & ~left.lt(0).fillna(False) & dated["outcome"].isin(ENDED)]
    sure, guessed = dated[~dated["guessed"]], dated[dated["guessed"] & (dated["outcome"] == "completed")]
    good = sure[sure["outcome"] == "completed"]
    newest = sure.sort_values(["taken_at", "run"], kind="stable").drop_duplicates("target", keep="last")
    newest = newest.set_index("target")
    mine = claims_of(ephi_objects)
    name = mine["object"]
    youngest = good.groupby("target")["age"].min()
    born = hours_since(claims.set_index("object")["created_at"], as_of)
    mine = mine.assign(
        objective=by_criticality(mine["criticality"], rpo_hours_critical, rpo_hours_high, rpo_hours_standard),
        age=name.map(youngest).astype("Float64"),
        anew=name.map(born).astype("Float64").lt(name.map(youngest).astype("Float64")).fillna(False)
        & ~name.isin(good.loc[good["method"] == "database", "target"]),
        undated=name.isin(good.loc[good["age"].isna(), "target"]),
        last=texts_for(name, newest["outcome"]),
        run=texts_for(name, newest["run"]),
        hint=texts_for(name, first_words(guessed, "target", "run")),
        unread=name.isin(backup_coverage.loc[backup_coverage["tool"] == "kasten", "target"]),
        claim=True,
        exercised="",
    )
    stores = _outside_points(outside_of(ephi_objects, cloud_stores), drills, as_of)
    objective = by_criticality(stores["criticality"], rpo_hours_critical, rpo_hours_high, rpo_hours_standard)
    stores = stores.assign(objective=objective, lags=(stores["lost"] > objective).fillna(False))
    examined = pd.concat([mine, stores], ignore_index=True)
    examined = examined.assign(
        **{each: examined[each].fillna("") for each in ("last", "run", "hint", "exercised")},
        shown=examined["age"].astype("Float64").round(1),
        **{each: examined[each].eq(True).fillna(False) for each in ("undated", "unread", "versions", "lags", "anew")},
    )
    claim, none = examined["claim"].astype(bool), examined["age"].isna()
    old = examined["age"].gt(examined["objective"]).fillna(False)
    open_ = examined["undated"] | examined["unread"] | (examined["hint"] != "") | (examined["last"] == "unknown")
    kept = ~claim & (examined["versions"] | (examined["exercised"] != ""))
    examined = examined.assign(words=_point_words(examined, kept))
    return judge(
        examined,
        fails(
            claim & examined["last"].isin(BAD),
            "its newest copy, {run}, is {last}",
            observed="{last}",
            expected="completed",
        ),
        reviews(claim & examined["anew"] & ~old, "is what it holds in a copy? It was made after its newest one"),
        reviews(claim & (none | old) & (examined["last"] == "unknown"), "did {run} copy it? It does not say"),
        reviews(claim & (none | old) & examined["undated"], "when was it copied? {run} has no moment"),
        reviews(claim & (none | old) & examined["unread"], "when did Kasten last copy it? That is not read"),
        reviews(claim & (none | old) & (examined["hint"] != ""), "did {hint} copy it? It only looks like a backup"),
        fails(
            old & ~(claim & open_),
            "its newest copy is {shown:hour} old, which is over {objective}",
            observed="{shown:hour}",
            expected="at most {objective:hour}",
            rests_on=["backup_points"],
        ),
        fails(
            claim & none & ~open_,
            "there is no copy of it that could be brought back",
            observed="none",
            expected="at most {objective:hour}",
            rests_on=["backup_points"],
        ),
        fails(
            ~claim & examined["lags"],
            "the restore of {exercised} lost more than {objective:hour} of data",
            expected="at most {objective:hour}",
        ),
        not_assessed(
            ~claim & none & ~kept,
            "it stands outside the cluster: neither provider nor a restore on record says how old its newest copy is",
            code="input_missing",
        ),
        observed="{shown:hour}",
        passes="{words}",
        evidence="run",
    )


def _outside_points(stores: pd.DataFrame, drills: pd.DataFrame, as_of: str) -> pd.DataFrame:
    """Return stores outside with the age of what their provider could restore, and what exercises measured."""
    held = restore_drills(drills, as_of)
    held = held[(held["result"] == "passed") & (held["age_days"] <= 365) & held["rpo_minutes"].notna()]
    last = held.drop_duplicates("scope", keep="last").set_index("scope")
    lost = stores["object"].map(last["rpo_minutes"] / 60).astype("Float64")
    age = hours_since(stores["latest_restorable_at"], as_of)
    return stores.assign(
        age=age.mask(age.lt(0).fillna(False), 0.0),
        exercised=texts_for(stores["object"], last["date"]),
        versions=stores["bucket"] & stores["versioning"].fillna(False),
        lost=lost.where(age.isna()),
        claim=False,
    )


def _point_words(examined: pd.DataFrame, kept: pd.Series) -> list[str]:
    told = []
    for row, other in zip(examined.to_dict("records"), kept, strict=True):
        if not other:
            told.append(f"its newest copy is {row['shown']} hours old, of at most {row['objective']:g}")
        elif row["versions"]:
            told.append("older versions are kept of each change")
        else:
            told.append(f"the restore of {row['exercised']} lost no more than its objective")
    return told


@check("HK-BAK-10", everywhere=True)
def volumes_can_be_copied(
    ephi_objects: pd.DataFrame,
    claims: pd.DataFrame,
    persistent_volumes: pd.DataFrame,
    volume_snapshot_classes: pd.DataFrame,
    backup_coverage: pd.DataFrame,
) -> pd.DataFrame:
    """Judge every ePHI claim by whether its volume can be snapshotted, or is copied another way.

    Parameters
    ----------
    ephi_objects, claims, persistent_volumes, volume_snapshot_classes, backup_coverage : tables of those names

    Returns
    -------
    table `judgements`, one row per claim

    Notes
    -----
    Source: https://kubernetes.io/docs/concepts/storage/volume-snapshot-classes/.
    """
    mine = claims_of(ephi_objects)
    volume = mine["object"].map(claims.set_index("object")["persistent_volume"]).fillna("")
    held = persistent_volumes.set_index("object")
    copied = backup_coverage[
        backup_coverage["taken"].eq("yes") & backup_coverage["method"].isin(["file_system", "database"])
    ]
    named = first_words(volume_snapshot_classes, "driver", "object")
    examined = mine.assign(
        volume=volume, driver=texts_for(volume, held["driver"]), source=texts_for(volume, held["type"])
    )
    examined = examined.assign(
        classes=texts_for(examined["driver"], named),
        copied=texts_for(examined["object"], first_words(copied, "target", "plan")),
    )
    bare = (examined["classes"] == "") & (examined["copied"] == "")
    unseen = bare & (examined["source"] == "")
    examined = examined.assign(
        words=[
            f"{row['classes']} can take its snapshots" if row["classes"] else f"{row['copied']} copies what is in it"
            for row in examined.to_dict("records")
        ]
    )
    return judge(
        examined,
        fails(
            bare & (examined["driver"] != ""),
            "no VolumeSnapshotClass is for its driver {driver}, and nothing copies what is in it",
            observed="none for {driver}",
            expected="a VolumeSnapshotClass, or a backup from the file system",
            rests_on=["volume_snapshot_classes", "backup_coverage"],
        ),
        fails(
            bare & (examined["driver"] == "") & (examined["source"] != ""),
            "its volume is of kind {source}, which has no snapshots, and nothing copies what is in it",
            observed="{source}",
            expected="a backup from the file system",
            rests_on=["backup_coverage"],
        ),
        reviews(unseen & (examined["volume"] == ""), "what makes its volume? It names none"),
        not_assessed(
            unseen & (examined["volume"] != ""),
            "what makes its volume {volume} is not known: it was not read",
            code="input_missing",
        ),
        observed="{driver}",
        passes="{words}",
    )


@check("HK-BAK-13", everywhere=True)
def volumes_are_not_destroyed(
    ephi_objects: pd.DataFrame,
    persistent_volumes: pd.DataFrame,
    claim_retention: pd.DataFrame,
    backup_points: pd.DataFrame,
    *,
    as_of: str,
    rpo_hours_critical: int = 48,
    rpo_hours_high: int = 48,
    rpo_hours_standard: int = 48,
) -> pd.DataFrame:
    """Judge every volume of ePHI, and every StatefulSet that deletes its claims, by what becomes of the data.

    Parameters
    ----------
    ephi_objects, persistent_volumes, claim_retention, backup_points : tables of those names
    as_of
        Moment to judge for, RFC 3339.
    rpo_hours_critical, rpo_hours_high, rpo_hours_standard
        Hours within which a copy counts as fresh, by criticality.

    Returns
    -------
    table `judgements`, one row per volume bound to an ePHI claim, per volume that was bound to one of a namespace with
    ePHI, and per ePHI StatefulSet with claims

    Notes
    -----
    Sources: https://kubernetes.io/docs/concepts/storage/persistent-volumes/#reclaiming and
    https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#persistentvolumeclaim-retention.
    """
    mine = claims_of(ephi_objects)
    objective = by_criticality(mine["criticality"], rpo_hours_critical, rpo_hours_high, rpo_hours_standard)
    good = backup_points[backup_points["outcome"].eq("completed") & ~backup_points["guessed"]]
    age = hours_since(good["taken_at"], as_of)
    youngest = age.mask(age.lt(0).fillna(False)).groupby(good["target"]).min()
    fresh = set(mine.loc[mine["object"].map(youngest).astype("Float64").le(objective).fillna(False), "object"])
    spaces = set(mine["namespace"])
    place = persistent_volumes["claim"].str.split("/").str[1].fillna("")
    bound, gone = persistent_volumes["claim"].isin(mine["object"]), persistent_volumes["phase"] == "Released"
    volumes = persistent_volumes[bound | (gone & place.isin(spaces))]
    volumes = volumes.assign(
        fresh=volumes["claim"].isin(fresh), policy=volumes["reclaim_policy"], released=volumes["phase"] == "Released"
    )
    sets = claim_retention[claim_retention["workload"].isin(ephi_objects["object"])]
    held = [_claims_of_set(name, mine["object"]) for name in sets["workload"]]
    sets = sets.assign(
        object=sets["workload"],
        claim="its claims",
        fresh=[bool(names) and set(names) <= fresh for names in held],
        policy=sets["when_deleted"].where(sets["when_deleted"] == "Delete", sets["when_scaled"]),
        released=False,
    )
    columns = ["object", "claim", "fresh", "policy", "released"]
    examined = pd.concat([volumes[columns], sets[columns]], ignore_index=True)
    deletes = examined["policy"].isin(["Delete", "Recycle"]) & ~examined["released"].astype(bool)
    return judge(
        examined,
        fails(
            deletes & ~examined["fresh"].astype(bool),
            "{policy}: the data go with {claim}, and no fresh copy of them is there",
            path="$.spec.persistentVolumeReclaimPolicy",
            observed="{policy}",
            expected="Retain, or a fresh copy",
            rests_on=["backup_points"],
        ),
        reviews(
            examined["released"].astype(bool),
            "it was of {claim}, which is gone: what became of the data, and who disposes of them?",
            observed="Released",
        ),
        observed="{policy}",
        passes="{policy}, and the data are not destroyed without a copy",
    )


def _claims_of_set(workload: str, names: pd.Series) -> list[str]:
    """Return the claims that a StatefulSet made, by their names: template, set and ordinal."""
    _, namespace, name = workload.split("/", 2)
    mine = names[names.str.fullmatch(rf"PersistentVolumeClaim/{namespace}/.+-{name}-\d+")]
    return [str(each) for each in mine]
