"""Restores: whether ePHI was ever brought back, how long that took, and whether the plan for it was exercised."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.safeguards.ages import hours_since
from hipaa_kit.safeguards.backup_recovery.common import (
    by_criticality,
    claim_namespaces,
    concerns,
    restore_drills,
)
from hipaa_kit.safeguards.check import check, fails, judge, reviews, texts_for

SCENARIOS = {
    "restore": ("restore",),
    "node or zone loss": ("node loss", "zone loss", "failover"),
    "data corruption": ("data corruption",),
    "ransomware": ("ransomware",),
    "key loss": ("key loss",),
}
"""Scenarios that a plan for recovery is exercised for, with the words under which they stand on record."""


def _dated(restores: pd.DataFrame, as_of: str) -> pd.DataFrame:
    """Return the restores of volumes that ended before a moment, newest last."""
    ended = restores["outcome"].isin(["completed", "partial", "failed"]) & restores["volumes"].eq(True).fillna(False)
    when = restores["completed_at"].where(restores["completed_at"] != "", restores["started_at"])
    dated = restores.assign(age=hours_since(when, as_of) / 24, when=when)
    kept = dated[ended & ~dated["age"].lt(0).fillna(False) & dated["age"].notna()]
    return kept.sort_values(["when", "object"], kind="stable")


def _unrecorded(restores: pd.DataFrame, as_of: str) -> pd.DataFrame:
    """Return by namespace the newest restore that was to bring volumes back and has no record that it did."""
    open_ = restores[restores["volumes"].isna()]
    return _dated(open_.assign(volumes=True), as_of).drop_duplicates("namespace", keep="last").set_index("namespace")


def _drills_of(drills: pd.DataFrame, namespaces: pd.Series, as_of: str) -> pd.DataFrame:
    """Return the newest restore on record for each namespace, by namespace."""
    held = restore_drills(drills, as_of)
    rows = [
        {"namespace": namespace, **dict(zip(held.columns, row, strict=True))}
        for namespace in namespaces
        for row in held.itertuples(index=False)
        if concerns(str(row.scope), namespace)
    ]
    frame = pd.DataFrame(rows, columns=["namespace", *held.columns]).astype(
        {"age_days": "Float64", "rto_minutes": "Float64"}
    )
    return frame.drop_duplicates("namespace", keep="last").set_index("namespace")


def _shortest(terms: pd.DataFrame, as_of: str) -> pd.DataFrame:
    """Return by namespace after how many days a restore of it may leave no trace, and by what."""
    since = hours_since(terms["gone_at"], as_of)
    early = (since.ge(0) & since.lt(terms["hours"])).fillna(False)
    held = terms.assign(early=early, hours=terms["hours"].mask(early, since))
    first = held.sort_values(["hours", "object"], kind="stable").drop_duplicates("namespace").set_index("namespace")
    return first.assign(days=(first["hours"] / 24).astype("Float64").round(1))


@check("HK-BAK-08", everywhere=True, optional=["drills"])
def restores_are_tested(
    ephi_objects: pd.DataFrame,
    restores: pd.DataFrame,
    restore_terms: pd.DataFrame,
    drills: pd.DataFrame,
    *,
    as_of: str,
    restore_days_critical: int = 90,
    restore_days_high: int = 180,
    restore_days_standard: int = 365,
) -> pd.DataFrame:
    """Judge every namespace with ePHI claims by whether they were brought back in time.

    Parameters
    ----------
    ephi_objects, restores, restore_terms, drills : tables of those names
    as_of
        Moment to judge for, RFC 3339.
    restore_days_critical, restore_days_high, restore_days_standard
        Days within which a restore has to have succeeded, by the highest criticality of the claims.

    Returns
    -------
    table `judgements`, one row per namespace

    Notes
    -----
    A restore that the tool recorded is a proof; one that only people recorded is a question, to be answered by
    whoever signs it. Restores without volumes bring no data back. Where the copy held files of volumes and the restore
    ended, records of them that are not there may have been deleted: that is a question and no failure. Velero removes
    restores together with their copy: where that goes sooner than a restore has to be repeated, that none is there is a
    question as well, unless people recorded in that time that one failed. So it is where older copies are gone that
    would be there if they had lived as long as those of now, and where only a copy made by hand could hold the claims.
    Sources: https://velero.io/docs/main/api-types/restore/,
    https://velero.io/docs/main/how-velero-works/#set-a-backup-to-expire.
    """
    spaces = claim_namespaces(ephi_objects)
    held = _dated(restores, as_of)
    newest = held.drop_duplicates("namespace", keep="last").set_index("namespace")
    good = held[held["outcome"] == "completed"].drop_duplicates("namespace", keep="last").set_index("namespace")
    told, lost = _drills_of(drills, spaces["namespace"], as_of), _unrecorded(restores, as_of)
    terms = _shortest(restore_terms, as_of)
    limit = by_criticality(spaces["criticality"], restore_days_critical, restore_days_high, restore_days_standard)
    name = spaces["namespace"]
    examined = spaces.assign(
        limit=limit,
        age=name.map(good["age"]).astype("Float64").round(1),
        restore=texts_for(name, good["object"]),
        last=texts_for(name, newest["outcome"]),
        attempt=texts_for(name, newest["object"]),
        told_age=name.map(told["age_days"]).astype("Float64"),
        told_on=texts_for(name, told["date"]),
        told_result=texts_for(name, told["result"]),
        unplaced=bool((held["namespace"] == "").any()),
        unrecorded=texts_for(name, lost["object"]),
        kept=name.map(terms["days"]).astype("Float64"),
        kept_by=texts_for(name, terms["object"]),
        early=name.map(terms["early"]).eq(True).fillna(False),
    )
    fresh = (examined["age"] <= limit).fillna(False)
    gone = (name.map(lost["age"]).astype("Float64") <= limit).fillna(False)
    recent = (examined["told_age"] <= limit).fillna(False)
    spoken = recent & (examined["told_result"] == "passed")
    unplaced = examined["unplaced"].astype(bool)
    removed = (examined["kept"] < limit).fillna(False) & ~recent
    none = ~fresh & ~spoken & ~gone & ~unplaced
    tables = ["restores", "restore_terms"]
    return judge(
        examined,
        fails(
            examined["last"].isin(["partial", "failed"]),
            "its newest restore, {attempt}, is {last}",
            observed="{last}",
            expected="completed",
        ),
        reviews(~fresh & spoken, "a restore of {told_on} is on record, which no tool has: who signs it?"),
        reviews(
            ~fresh & ~spoken & unplaced,
            "did a restore whose copy is gone bring it back? What it held is not seen",
        ),
        reviews(
            ~fresh & ~spoken & gone,
            "did {unrecorded} bring its volumes back? It ended, and no record of a volume is with it",
        ),
        reviews(
            none & removed & examined["early"],
            "was it brought back within {limit:day}? Copies of {kept_by} from {kept:day} ago are gone before their "
            "time, and restores with them: the record of a drill would tell",
            observed="none",
            rests_on=tables,
        ),
        reviews(
            none & removed,
            "was it brought back within {limit:day}? Restores live {kept:day} here, by {kept_by}: the record of a "
            "drill would tell",
            observed="none",
            rests_on=tables,
        ),
        fails(
            none & ~removed & examined["age"].notna(),
            "it was last brought back {age:day} ago, which is over {limit}",
            observed="{age:day}",
            expected="a restore within {limit:day}",
            rests_on=tables,
        ),
        fails(
            none & ~removed,
            "it was never brought back",
            observed="none",
            expected="a restore within {limit:day}",
            rests_on=tables,
        ),
        observed="{age:day}",
        passes="{restore} brought it back {age:day} ago",
        evidence="restore",
    )


@check("HK-BAK-09", everywhere=True, optional=["drills"])
def restores_are_fast_enough(
    ephi_objects: pd.DataFrame,
    restores: pd.DataFrame,
    drills: pd.DataFrame,
    *,
    as_of: str,
    rto_hours_critical: int = 72,
    rto_hours_high: int = 72,
    rto_hours_standard: int = 168,
) -> pd.DataFrame:
    """Judge every namespace with ePHI claims by the longest that its newest measured restores took.

    Parameters
    ----------
    ephi_objects, restores, drills : tables of those names
    as_of
        Moment to judge for, RFC 3339.
    rto_hours_critical, rto_hours_high, rto_hours_standard
        Recovery time objective in hours, by the highest criticality of the claims.

    Returns
    -------
    table `judgements`, one row per namespace

    Notes
    -----
    Two things measure: the tool, from the start of a restore to its end, and an exercise on record, until the service
    was back. Of the newest of each the longer counts. The proposed rule names 72 hours for critical systems.
    """
    spaces = claim_namespaces(ephi_objects)
    held = _dated(restores, as_of)
    good = held[held["outcome"].eq("completed") & held["minutes"].notna()]
    newest = good.drop_duplicates("namespace", keep="last").set_index("namespace")
    exercised = drills[drills["rto_minutes"].notna()]
    told = _drills_of(exercised, spaces["namespace"], as_of)
    limit = by_criticality(spaces["criticality"], rto_hours_critical, rto_hours_high, rto_hours_standard)
    by_tool = (spaces["namespace"].map(newest["minutes"]).astype("Float64") / 60).round(2)
    by_people = (spaces["namespace"].map(told["rto_minutes"]).astype("Float64") / 60).round(2)
    longest = pd.concat([by_tool, by_people], axis=1).max(axis=1).astype("Float64")
    source = texts_for(spaces["namespace"], newest["object"])
    record = texts_for(spaces["namespace"], told["date"]).map(lambda day: f"the exercise of {day}" if day else "")
    measured = by_people.gt(by_tool.fillna(-1)).fillna(False)
    examined = spaces.assign(hours=longest, limit=limit, source=record.where(measured, source))
    return judge(
        examined,
        fails(
            examined["hours"].gt(limit).fillna(False),
            "{source} took {hours:hour}, which is over {limit}",
            observed="{hours:hour}",
            expected="at most {limit:hour}",
        ),
        reviews(
            examined["hours"].isna(),
            "how long would it take? That was never measured",
            observed="none",
            rests_on=["restores"],
        ),
        observed="{hours:hour}",
        passes="{source} took {hours:hour}, of at most {limit}",
    )


@check("HK-BAK-14", without_scope=True)
def recovery_is_exercised(drills: pd.DataFrame, *, as_of: str, drill_days: int = 365) -> pd.DataFrame:
    """Judge every scenario of recovery by the newest exercise on record.

    Parameters
    ----------
    drills : table of that name
    as_of
        Moment to judge for, RFC 3339.
    drill_days
        Days within which each scenario has to have been exercised.

    Returns
    -------
    table `judgements`, one row per scenario

    Notes
    -----
    People keep the record and answer for it; nothing here can see whether an exercise was held.
    """
    known = {word: scenario for scenario, words in SCENARIOS.items() for word in words}
    held = drills.assign(scenario=drills["kind"].str.lower().map(known), age=hours_since(drills["date"], as_of) / 24)
    held = held[held["scenario"].notna() & held["age"].ge(0).fillna(False)].sort_values(
        ["date", "scope"], kind="stable"
    )
    newest = held.drop_duplicates("scenario", keep="last").set_index("scenario")
    examined = pd.DataFrame({"object": "Cluster//recovery-drills", "member": list(SCENARIOS)})
    name = examined["member"]
    examined = examined.assign(
        date=texts_for(name, newest["date"]),
        age=name.map(newest["age"]).astype("Float64").round(0),
        result=texts_for(name, newest["result"]),
        open=name.map(newest["actions_closed"]).eq(False).fillna(False),
        unknown=name.isin(newest.index) & name.map(newest["actions_closed"]).isna(),
        unmeasured=name.isin(newest.index) & name.map(newest["rto_minutes"]).isna(),
    )
    never = examined["age"].isna()
    return judge(
        examined,
        fails(never, "{member}: no exercise is on record", observed="none", expected=f"within {drill_days} days"),
        fails(
            examined["age"].gt(drill_days).fillna(False),
            f"{{member}}: last exercised on {{date}}, which is over {drill_days} days ago",
            observed="{date}",
            expected=f"within {drill_days} days",
        ),
        fails(
            examined["result"].isin(["failed", "partial"]) & examined["open"],
            "{member}: the exercise of {date} is {result}, and its actions are open",
            observed="{result}",
            expected="passed, or its actions closed",
        ),
        reviews(examined["open"], "{member}: what became of the actions from the exercise of {date}? They are open"),
        reviews(
            examined["result"].isin(["failed", "partial"]),
            "{member}: the exercise of {date} is {result}: was it held again?",
        ),
        reviews(~never & examined["unmeasured"], "{member}: how long did recovery take on {date}? That is not said"),
        reviews(examined["unknown"], "{member}: are the actions from the exercise of {date} closed?"),
        member="member",
        observed="{date}",
        passes="{member}: exercised on {date}, and its actions are closed",
    )
