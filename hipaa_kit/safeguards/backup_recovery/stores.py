"""Stores: where copies lie, whether they can be reached, and whether anybody could read or change them."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.safeguards.ages import hours_since
from hipaa_kit.safeguards.backup_recovery.common import claims_of, first_words
from hipaa_kit.safeguards.check import check, fails, judge, not_applicable, reviews, texts_for

CLOUDS = ("aws", "gce", "azure")
"""Providers of nodes, by the scheme of `spec.providerID`, that have regions of the names that their stores have."""
LEAST_HOURS = 1.0
"""A store may have been tried this long ago at least: a collection takes its time."""


def _used(backup_plans: pd.DataFrame, backup_coverage: pd.DataFrame) -> set[str]:
    """Return the stores of plans that take, or may take, an ePHI claim."""
    return set(backup_plans.loc[_may_take(backup_plans, backup_coverage), "store"]) - {""}


def _may_take(backup_plans: pd.DataFrame, backup_coverage: pd.DataFrame) -> pd.Series:
    """Tell of each plan whether it takes, or may take, an ePHI claim."""
    return backup_plans["object"].isin(backup_coverage.loc[backup_coverage["taken"] != "no", "plan"])


@check("HK-BAK-05", everywhere=True)
def copies_are_elsewhere(
    ephi_objects: pd.DataFrame,
    backup_plans: pd.DataFrame,
    backup_coverage: pd.DataFrame,
    backup_points: pd.DataFrame,
    backup_stores: pd.DataFrame,
    nodes: pd.DataFrame,
    *,
    other_region: bool = True,
) -> pd.DataFrame:
    """Judge every store that takes ePHI, and every ePHI claim, by whether a copy lies away from the cluster.

    Parameters
    ----------
    ephi_objects, backup_plans, backup_coverage, backup_points, backup_stores, nodes : tables of those names
    other_region
        A store in the region of the nodes is not away, unless its provider keeps a copy elsewhere.

    Returns
    -------
    table `judgements`, one row per store and per claim

    Notes
    -----
    Of replication a provider says whether it is to another zone or region, and not which: that is asked about. A
    claim whose copies go to a store is as far away as that, which is judged for itself.
    A snapshot that is not moved lies beside the volume, and goes with it. What no plan takes is for HK-BAK-02.
    Source: https://velero.io/docs/main/csi-snapshot-data-movement/.
    """
    regions = sorted({region for region in nodes["region"] if region})
    blind = not regions and bool(nodes["provider"].isin(CLOUDS).any() or nodes.empty)
    stores = backup_stores[backup_stores["object"].isin(_used(backup_plans, backup_coverage))]
    stores = stores.drop_duplicates("object").assign(
        store=True,
        same=stores["region"].isin(regions) & other_region,
        twice=stores["replicated"].fillna(False),
        unplaced=stores["region"].eq("") | blind,
        words="it lies in " + stores["region"] + ", and the nodes do not",
    )
    placed = backup_plans[backup_plans["store"].isin(backup_stores["object"])]
    claims = _claims_by_distance(ephi_objects, backup_coverage, backup_points, placed)
    columns = ["object", "store", "in_cluster", "endpoint", "region", "same", "twice", "unplaced", "words"]
    own = ["object", "store", "near", "hidden", "bare", "words"]
    examined = pd.concat([stores.reindex(columns=columns), claims[own]], ignore_index=True)
    flags = {each: examined[each].eq(True).fillna(False) for each in ("same", "twice", "unplaced", "bare")}
    examined = examined.assign(
        **flags, **{each: examined[each].fillna("") for each in ("near", "hidden", "in_cluster", "endpoint", "region")}
    )
    store = examined["store"].astype(bool)
    return judge(
        examined,
        not_applicable(examined["bare"], "no plan takes it"),
        fails(
            store & (examined["in_cluster"] == "yes"),
            "it is in the cluster itself, at {endpoint}",
            path="$.spec.config.s3Url",
            observed="{endpoint}",
            expected="a store outside the cluster",
        ),
        fails(
            store & examined["same"] & ~examined["twice"],
            "it is in region {region}, as the nodes are, and no copy elsewhere is known",
            path="$.spec.config.region",
            observed="{region}",
            expected="another region, or replication",
        ),
        fails(
            ~store & (examined["near"] != ""),
            "{near} only takes snapshots of it, which stay beside the volume",
            observed="snapshots",
            expected="data in a store elsewhere",
            rests_on=["backup_coverage", "backup_points"],
        ),
        reviews(store & (examined["in_cluster"] == "unknown"), "is {endpoint} outside the cluster?"),
        reviews(
            store & examined["same"] & examined["twice"],
            "its provider keeps a copy in another zone or region: in another region?",
            observed="{region}",
        ),
        reviews(store & examined["unplaced"], "where is it? Neither region nor provider says", observed="{endpoint}"),
        reviews(~store & (examined["hidden"] != ""), "where does {hidden} keep its copies? That is not seen"),
        passes="{words}",
    )


def _claims_by_distance(
    ephi_objects: pd.DataFrame, coverage: pd.DataFrame, points: pd.DataFrame, placed: pd.DataFrame
) -> pd.DataFrame:
    """Return ePHI claims with the plans that only snapshot them, and those whose store is not seen."""
    taken = coverage[~coverage["taken"].eq("no") & ~coverage["guessed"]]
    away = taken["method"].isin(["file_system", "snapshot_moved", "database"])
    known = away & (taken["tool"] + " " + taken["plan"]).isin(placed["tool"] + " " + placed["object"])
    moved = points[points["off_cluster"] & points["outcome"].eq("completed") & points["store"].isin(placed["store"])]
    claims = claims_of(ephi_objects)
    name = claims["object"]
    elsewhere = name.isin(taken.loc[known, "target"]) | name.isin(moved["target"])
    beside, unseen = taken[taken["method"] == "snapshot"], taken[taken["method"].ne("snapshot") & ~known]
    hidden = texts_for(name, first_words(unseen, "target", "plan")).where(~elsewhere, "")
    near = texts_for(name, first_words(beside, "target", "plan")).where(~elsewhere & (hidden == ""), "")
    return claims.assign(
        store=False,
        near=near,
        hidden=hidden,
        bare=~name.isin(taken["target"]),
        words="its copies go to " + texts_for(name, _named_stores(taken[known], moved, placed)),
    )


def _named_stores(taken: pd.DataFrame, moved: pd.DataFrame, placed: pd.DataFrame) -> pd.Series:
    """Return the stores to which the copies of each claim go, by claim."""
    by_plan = taken.merge(placed[["tool", "object", "store"]], left_on=["tool", "plan"], right_on=["tool", "object"])
    return first_words(pd.concat([by_plan[["target", "store"]], moved[["target", "store"]]]), "target", "store")


@check("HK-BAK-06", everywhere=True)
def stores_can_be_reached(
    backup_plans: pd.DataFrame, backup_coverage: pd.DataFrame, backup_stores: pd.DataFrame, *, as_of: str
) -> pd.DataFrame:
    """Judge every store that takes ePHI by whether its tool could use it when it last tried.

    Parameters
    ----------
    backup_plans, backup_coverage, backup_stores : tables of those names
    as_of
        Moment to judge for, RFC 3339.

    Returns
    -------
    table `judgements`, one row per store

    Notes
    -----
    Velero tries every minute where nothing else is set; an hour is allowed for in any case, because a collection
    takes its time. Source: https://velero.io/docs/main/api-types/backupstoragelocation/.
    """
    used = _used(backup_plans, backup_coverage)
    seen = backup_stores[backup_stores["object"].isin(used)].drop_duplicates("object")
    lacking = pd.DataFrame({"object": sorted(used - set(seen["object"]))}, dtype="str")
    examined = pd.concat([seen.assign(there=True), lacking.assign(there=False)], ignore_index=True)
    texts = ["phase", "validated_at", "access_mode"]
    examined = examined.assign(**{name: examined[name].fillna("") for name in texts})
    there = examined["there"].astype(bool)
    named = examined["object"].str.startswith("BackupStorageLocation/")
    age = hours_since(examined["validated_at"], as_of)
    most = (examined["validation_hours"] * 2).clip(lower=LEAST_HOURS)
    examined = examined.assign(age=age.round(1), most=most.round(1))
    down = examined["available"].eq(False).fillna(False)
    up = examined["available"].eq(True).fillna(False)
    return judge(
        examined,
        fails(
            ~there & named,
            "a plan names it, and it is not there",
            observed="none",
            expected="a store",
            rests_on=["backup_stores"],
        ),
        reviews(~there & ~named, "a plan names it, and what it is is not read: can it be used?"),
        fails(down, "it cannot be used: {phase}", path="$.status.phase", observed="{phase}", expected="Available"),
        fails(
            examined["access_mode"] == "ReadOnly",
            "it is read-only, and a plan writes to it",
            path="$.spec.accessMode",
            observed="ReadOnly",
            expected="ReadWrite",
        ),
        fails(
            up & (age > most).fillna(False),
            "it was last tried {age:hour} ago, which is over {most}",
            path="$.status.lastValidationTime",
            observed="{validated_at}",
            expected="a try within {most:hour}",
        ),
        reviews(there & ~up & ~down, "can it be used? Its tool does not say", observed="{phase}"),
        reviews(up & examined["validated_at"].eq(""), "when was it last tried? Its tool does not say"),
        reviews(up & examined["validation_hours"].isna(), "how often is it tried? Its tool does not say"),
        reviews(up & examined["validation_hours"].eq(0).fillna(False), "it is not tried again: is it still there?"),
        observed="{phase}",
        passes="it could be used {age:hour} ago",
    )


@check("HK-BAK-07", everywhere=True)
def copies_cannot_be_read_or_changed(
    backup_plans: pd.DataFrame, backup_coverage: pd.DataFrame, backup_stores: pd.DataFrame
) -> pd.DataFrame:
    """Judge every store that takes ePHI by encryption, by TLS on the way to it, and by whether copies can be changed.

    Parameters
    ----------
    backup_plans, backup_coverage, backup_stores : tables of those names

    Returns
    -------
    table `judgements`, one row per store

    Notes
    -----
    What its provider says of the bucket decides; without that it is asked about. Older versions alone do not keep
    somebody with the tool's credentials from removing them. Nobody lifts a lock of mode COMPLIANCE before its time;
    one of mode GOVERNANCE can be lifted by whoever is given the right to. A lock that ends before the copies do is
    asked about, and so is one of which it is not known whether it does: a Schedule of Velero without `ttl` keeps copies
    for as long as a flag of the server says, 30 days where it says nothing.
    Sources: https://velero.io/docs/main/api-types/backupstoragelocation/,
    https://velero.io/docs/main/how-velero-works/#set-a-backup-to-expire,
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html.
    """
    stores = backup_stores[backup_stores["object"].isin(_used(backup_plans, backup_coverage))]
    examined = stores.drop_duplicates("object")
    encrypted = examined["encrypted"].fillna(examined["key_named"])
    locked = examined["object_lock"]
    held = locked.eq(True).fillna(False)
    plans = backup_plans[_may_take(backup_plans, backup_coverage)]
    kept = plans.groupby("store")["retention_hours"].agg(lambda hours: hours.max(skipna=False))
    examined = examined.assign(
        kept_days=(examined["object"].map(kept).astype("Float64") / 24).round(1), mode=examined["lock_mode"]
    )
    return judge(
        examined,
        fails(
            examined["tls_verified"].eq(False).fillna(False),
            "the certificate of the store is not verified, or there is no TLS on the way to it",
            path="$.spec.config.insecureSkipTLSVerify",
            observed="not verified",
            expected="TLS with a certificate that is verified",
        ),
        fails(
            encrypted.eq(False).fillna(False),
            "its provider says that bucket {bucket} is not encrypted",
            observed="not encrypted",
            expected="encryption at rest",
        ),
        fails(
            locked.eq(False).fillna(False),
            "its provider says that objects of bucket {bucket} can be changed and removed at any time",
            observed="no object lock",
            expected="an object lock with a default retention",
        ),
        reviews(encrypted.isna() & locked.isna(), "are copies in {bucket} encrypted, and locked for a time?"),
        reviews(encrypted.isna(), "are copies in {bucket} encrypted?"),
        reviews(locked.isna(), "are copies in {bucket} locked for a time?"),
        reviews(
            held & examined["mode"].eq("GOVERNANCE"),
            "who may lift the lock of bucket {bucket}? Its mode is GOVERNANCE",
            observed="GOVERNANCE",
        ),
        reviews(held & examined["mode"].eq(""), "who may lift the lock of bucket {bucket}? It is not told"),
        reviews(
            held & examined["lock_days"].lt(examined["kept_days"]).fillna(False),
            "copies in {bucket} live {kept_days:day}, and are locked for {lock_days}: is that long enough to notice?",
            observed="{lock_days:day}",
        ),
        reviews(
            held & examined["kept_days"].isna(),
            "are copies in {bucket} locked for as long as they live? A plan does not say how long that is",
            observed="locked for {lock_days:day}",
        ),
        reviews(held & examined["lock_days"].isna(), "for how long are copies in {bucket} locked? It is not told"),
        observed="encrypted, locked",
        passes="copies in {bucket} are encrypted, and locked for a time",
    )
