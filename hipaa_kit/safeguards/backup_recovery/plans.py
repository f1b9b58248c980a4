"""Plans: what is scheduled, what it takes, for how long copies are kept."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.safeguards.backup_recovery.common import (
    claim_namespaces,
    claims_of,
    first_words,
    outside_of,
    restore_drills,
)
from hipaa_kit.safeguards.check import check, fails, judge, not_applicable, not_assessed, reviews, texts_for
from hipaa_kit.tables.declaration import rows_of

TABLES = ["backup_plans", "backup_coverage"]
DAYS_OF_A_DRILL = 365


@check("HK-BAK-01", everywhere=True)
def backups_are_scheduled(
    ephi_objects: pd.DataFrame, backup_plans: pd.DataFrame, backup_coverage: pd.DataFrame
) -> pd.DataFrame:
    """Judge every plan that has to do with an ePHI claim, and every namespace with such claims.

    Parameters
    ----------
    ephi_objects, backup_plans, backup_coverage : tables of those names

    Returns
    -------
    table `judgements`, one row per plan that takes, or may take, an ePHI claim, and one per namespace with ePHI claims

    Notes
    -----
    A CronJob that only looks like a backup is asked about, and so is a plan whose state its tool has not written, or of
    which it is not known whether it takes anything here.
    Source: https://velero.io/docs/main/api-types/schedule/.
    """
    near = backup_coverage[backup_coverage["taken"] != "no"]
    spaces = claim_namespaces(ephi_objects)
    sure, waits = (near[~near["guessed"] & (near["state"] == state)] for state in ("active", "unknown"))
    perhaps = sure[sure["taken"] == "unknown"]
    sure = sure[sure["taken"] == "yes"]
    running, any_ = (texts_for(spaces["namespace"], first_words(each, "namespace", "plan")) for each in (sure, near))
    spaces = spaces.assign(
        plans=running.where(running != "", any_),
        sure=spaces["namespace"].isin(sure["namespace"]),
        waits=spaces["namespace"].isin(waits["namespace"]),
        perhaps=texts_for(spaces["namespace"], first_words(perhaps, "namespace", "gap")),
        guessed=spaces["namespace"].isin(near.loc[near["guessed"], "namespace"]),
        state="",
        schedule="",
        phase="",
        plan=False,
        backed=False,
    )
    mine = backup_plans[backup_plans["object"].isin(near["plan"])].drop_duplicates("object")
    plans = mine[["object", "state", "schedule", "phase", "guessed"]].assign(
        plan=True,
        plans=mine["object"],
        sure=True,
        waits=False,
        perhaps="",
        backed=mine["namespace"].isin(sure["namespace"]),
        interval=mine["interval_hours"].map(_hours),
    )
    examined = pd.concat([spaces.assign(interval=""), plans], ignore_index=True)
    plan, guessed = examined["plan"].astype(bool), examined["guessed"].astype(bool)
    none = ~plan & ~examined["sure"].astype(bool)
    words = {True: "{plans} runs at least every {interval}", False: "{plans} makes copies of it"}
    examined = examined.assign(
        words=[words[bool(each)].format(**row) for each, row in zip(plan, rows_of(examined), strict=True)]
    )
    return judge(
        examined,
        fails(
            plan & ~guessed & (examined["state"] == "paused"), "it is paused", path="$.spec.paused", observed="paused"
        ),
        fails(
            plan & ~guessed & (examined["state"] == "invalid"),
            "it does not run: schedule {schedule}, phase {phase}",
            path="$.spec.schedule",
            observed="{schedule} {phase}",
            expected="a schedule that the tool accepts",
        ),
        not_applicable(plan & guessed & examined["backed"].astype(bool), "it looks like one; others make copies here"),
        reviews(plan & guessed, "is it a backup? Only its name and its image say so", observed="schedule {schedule}"),
        reviews(
            plan & (examined["state"] == "unknown"),
            "does it run? Neither its schedule nor its state shows it",
            observed="schedule {schedule}, phase {phase}",
        ),
        reviews(
            none & examined["waits"].astype(bool), "does {plans} run? Its state does not show it", observed="{plans}"
        ),
        reviews(
            none & (examined["perhaps"] != ""),
            "does {plans} take any of its ePHI claims? {perhaps}",
            observed="{perhaps}",
        ),
        reviews(none & guessed, "is {plans} its backup? Nothing else makes copies of it", observed="{plans}"),
        fails(
            none & ~guessed & ~examined["waits"].astype(bool) & (examined["perhaps"] == ""),
            "no backup plan that runs takes its ePHI claims",
            expected="a schedule",
            rests_on=TABLES,
        ),
        passes="{words}",
    )


def _hours(hours: object) -> str:
    return "" if hours is None or hours is pd.NA or hours != hours else f"{float(hours):g} hours"  # type: ignore[arg-type]


@check("HK-BAK-02", everywhere=True, optional=["cloud_stores", "drills"])
def ephi_is_covered(
    ephi_objects: pd.DataFrame,
    backup_plans: pd.DataFrame,
    backup_coverage: pd.DataFrame,
    cloud_stores: pd.DataFrame,
    drills: pd.DataFrame,
    *,
    as_of: str,
) -> pd.DataFrame:
    """Judge every ePHI claim, and every ePHI store outside the cluster, by whether a plan takes it.

    Parameters
    ----------
    ephi_objects, backup_plans, backup_coverage, cloud_stores, drills : tables of those names
    as_of
        Moment to judge for, RFC 3339.

    Returns
    -------
    table `judgements`, one row per claim and per external store

    Notes
    -----
    A store outside is covered where its provider says that it makes backups (a bucket: that it keeps older versions),
    or where its restore was exercised within a year and is on record. A restore that lacks Secrets or custom
    resources does not bring an application back. Source: https://velero.io/docs/main/resource-filtering/.
    """
    claims, near = (
        claims_of(ephi_objects),
        backup_coverage.merge(
            backup_plans[["tool", "object", "leaves_out"]], left_on=["tool", "plan"], right_on=["tool", "object"]
        ),
    )
    declared = near[~near["guessed"]]
    running = declared[(declared["taken"] == "yes") & (declared["state"] == "active")]
    whole, open_ = running[running["leaves_out"] == ""], near[near["taken"] == "unknown"]
    idle = declared[(declared["taken"] == "yes") & ~declared["state"].isin(["active", "unknown"])]
    waits = declared[(declared["taken"] == "yes") & (declared["state"] == "unknown")]
    name = claims["object"]
    claims = claims.assign(
        by=texts_for(name, first_words(whole, "target", "plan")),
        lacking=texts_for(name, first_words(running, "target", "leaves_out")),
        partly=texts_for(name, first_words(running, "target", "plan")),
        doubt=texts_for(name, first_words(open_.assign(said=open_["plan"] + ": " + open_["gap"]), "target", "said")),
        waits=texts_for(name, first_words(waits, "target", "plan")),
        idle=texts_for(name, first_words(idle, "target", "plan")),
        gap=texts_for(name, first_words(near[near["taken"] == "no"], "target", "gap")),
        claim=True,
    )
    stores = _outside_coverage(outside_of(ephi_objects, cloud_stores), drills, as_of)
    examined = pd.concat([claims, stores], ignore_index=True)
    texts = ["by", "lacking", "partly", "doubt", "waits", "idle", "gap"]
    examined = examined.assign(**{each: examined[each].fillna("") for each in texts})
    claim, covered = examined["claim"].astype(bool), examined["by"] != ""
    partly = ~covered & (examined["partly"] != "")
    asked = ~covered & ~partly & ((examined["doubt"] != "") | (examined["waits"] != ""))
    bare = claim & ~covered & ~partly & ~asked
    return judge(
        examined,
        fails(
            claim & partly,
            "a restore would miss {lacking}: so says {partly}, and nothing else takes it",
            path="$.spec.template",
            observed="without {lacking}",
            expected="a plan that leaves nothing out",
        ),
        reviews(claim & asked & (examined["doubt"] != ""), "is it taken? {doubt}", observed="{doubt}"),
        reviews(claim & asked & (examined["doubt"] == ""), "does {waits} run, which would take it?"),
        fails(bare & (examined["idle"] != ""), "only {idle} would take it, and does not run", rests_on=TABLES),
        fails(
            bare & (examined["idle"] == "") & (examined["gap"] != ""),
            "no plan takes it: {gap}",
            observed="{gap}",
            expected="a plan that takes it",
            rests_on=TABLES,
        ),
        fails(bare, "no plan takes it", expected="a plan that takes it", rests_on=TABLES),
        fails(
            ~claim & examined["off"].eq(True).fillna(False),
            "its provider says that it makes no backups and keeps no older versions",
            expected="backups, or versioning of a bucket",
        ),
        not_assessed(
            ~claim & ~covered,
            "it stands outside the cluster: neither its provider's facts nor a restore on record say that it is copied",
            code="input_missing",
        ),
        passes="{by} covers it",
    )


def _outside_coverage(stores: pd.DataFrame, drills: pd.DataFrame, as_of: str) -> pd.DataFrame:
    """Return stores outside with what covers them: the provider, or a restore that was exercised."""
    held = restore_drills(drills, as_of)
    held = held[(held["result"] == "passed") & (held["age_days"] <= DAYS_OF_A_DRILL)]
    last = held.groupby("scope")["date"].max()
    kept = stores["versioning"].where(stores["bucket"], stores["backups"].fillna(stores["point_in_time"]))
    kept = kept.astype("boolean")
    exercised = texts_for(stores["object"], last)
    by = pd.Series("", index=stores.index, dtype="str")
    by = by.mask(exercised != "", "a restore exercised on " + exercised)
    by = by.mask(kept.fillna(False), "its provider")
    return stores.assign(by=by, off=kept.eq(False) & (exercised == ""), claim=False)


@check("HK-BAK-04", everywhere=True, optional=["cloud_stores"])
def copies_are_kept(
    ephi_objects: pd.DataFrame,
    backup_plans: pd.DataFrame,
    backup_coverage: pd.DataFrame,
    cloud_stores: pd.DataFrame,
    *,
    backup_retention_days: int = 14,
) -> pd.DataFrame:
    """Judge every plan that takes ePHI, and every store outside whose provider tells, by how long copies are kept.

    Parameters
    ----------
    ephi_objects, backup_plans, backup_coverage, cloud_stores : tables of those names
    backup_retention_days
        Days for which the site keeps copies at least.

    Returns
    -------
    table `judgements`, one row per plan and per external store with facts

    Notes
    -----
    The law names no number: the six years of 164.316(b)(2)(i) are of documentation, not of copies of data.
    """
    taken = backup_coverage[backup_coverage["taken"].eq("yes") & ~backup_coverage["guessed"]]
    plans = backup_plans[backup_plans["object"].isin(taken["plan"])].drop_duplicates("object")
    stores = outside_of(ephi_objects, cloud_stores)
    stores = stores[stores["told"] & ~stores["bucket"]]
    examined = pd.concat(
        [
            plans[["object"]].assign(days=(plans["retention_hours"] / 24).astype("Float64")),
            stores[["object"]].assign(days=stores["backup_retention_days"].astype("Float64")),
        ],
        ignore_index=True,
    )
    short = examined["days"].lt(backup_retention_days).fillna(False)
    examined = examined.assign(days=examined["days"].round(2))
    return judge(
        examined,
        fails(
            short,
            f"copies are kept for {{days:day}}, which is under {backup_retention_days}",
            observed="{days:day}",
            expected=f"at least {backup_retention_days} days",
        ),
        reviews(examined["days"].isna(), "for how long are copies kept? It does not say"),
        observed="{days:day}",
        passes="copies are kept for {days:day}",
    )
