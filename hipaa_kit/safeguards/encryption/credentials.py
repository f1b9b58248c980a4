"""Credentials: none in the open, and Secrets that come from a store outside of the cluster."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.safeguards.ages import days_since, whole_days
from hipaa_kit.safeguards.check import check, fails, judge, not_assessed, reviews


@check("HK-ENC-15")
def no_credentials_in_the_open(
    ephi_workloads: pd.DataFrame, credential_literals: pd.DataFrame, config_map_uses: pd.DataFrame
) -> pd.DataFrame:
    """Judge every ePHI workload, and every ConfigMap that it takes, by credentials written into them.

    Parameters
    ----------
    ephi_workloads, credential_literals, config_map_uses : tables of those names

    Returns
    -------
    table `judgements`, one row per credential found, and one for each workload and ConfigMap without any

    Notes
    -----
    Whoever may read a pod or a ConfigMap reads what stands in it. Values are never kept: a name, how it was told and a
    length class are. ConfigMaps are read by opt-in only; one that was not read is not assessed.
    """
    maps = config_map_uses.assign(kind="ConfigMap")
    examined = pd.concat(
        [ephi_workloads[["object"]].assign(status="read"), maps[["object", "status"]]], ignore_index=True
    )
    examined = examined.merge(credential_literals, on="object", how="left")
    found = examined["place"].notna()
    examined["holder"] = examined["holder"].fillna("")
    at = (examined["holder"] + "/").where(examined["holder"] != "", "") + examined["place"] + " " + examined["name"]
    examined["member"] = at.fillna("")
    examined["told"] = examined["detector"].map(
        {"name": "its name stands for one", "shape": "it has the shape of one", "url": "a URL with a password"}
    )
    return judge(
        examined,
        fails(
            found,
            "a credential stands in the open at {member}: {told} ({length})",
            observed="{length} literal",
            expected="a reference to a Secret, or a file that a store of secrets mounts",
        ),
        not_assessed(
            examined["status"] == "unseen",
            "it was not read: --profile audit-plus asks for ConfigMaps",
            code="not_collected",
        ),
        not_assessed(examined["status"] == "missing", "it is taken, and is not there", code="no_record"),
        member="member",
        passes="no literal in it is a credential by its name or its shape",
    )


@check("HK-ENC-16")
def secrets_from_a_store(secret_uses: pd.DataFrame, *, secret_refresh_days: int = 7, as_of: str) -> pd.DataFrame:
    """Judge every Secret that an ePHI workload takes by what makes it, and whether that is in step.

    Parameters
    ----------
    secret_uses : table of that name
    secret_refresh_days : int
        Days after which a Secret of External Secrets that was not brought into step is stale.
    as_of : str
        Moment to judge for.

    Returns
    -------
    table `judgements`, one row per Secret

    Notes
    -----
    Secrets themselves are never read: their names stand in pods, what makes them in its own objects. A PushSecret
    takes one out to another store, where the permissions of the cluster no longer say who reads it. An ExternalSecret
    takes from a store: one of tests has the values in itself, for all who read it.
    """
    age = whole_days(days_since(secret_uses["refreshed_at"], as_of)).astype("Int64")
    store = secret_uses["store"]
    # An interval of 0 asks for it once: https://external-secrets.io/latest/api/externalsecret/.
    once = secret_uses["interval"].isin(["0", "0s", "0h", "0m"])
    stale = (store == "external_secrets") & ~once & (age > secret_refresh_days)
    named = secret_uses["taken_from"].where(secret_uses["taken_from"] != "", "a store that it does not name")
    examined = secret_uses.assign(age=age, words=store.str.replace("_", " "), taken_from=named)
    return judge(
        examined,
        fails(
            secret_uses["ready"].eq(False),
            "{manager} says that it is not in step",
            observed="not ready",
            expected="ready",
        ),
        fails(
            secret_uses["behind"] == "itself",
            "{manager} takes it from {taken_from}, a store for tests: the values stand in the store",
            observed="provider fake",
            expected="a manager of secrets outside of the cluster",
        ),
        fails(stale, "{manager} brought it into step {age:day} ago", observed="{age:day}", expected="in step"),
        reviews(store == "", "where does it come from? Nothing that makes it was found; {used_by} takes it"),
        reviews(
            secret_uses["ready"].isna() & ~store.isin(["", "secrets_store"]),
            "is it in step? {manager} makes it and does not say",
        ),
        reviews(
            secret_uses["behind"] == "secrets",
            "where does it come from? {manager} takes it from {taken_from}, which copies Secrets of a cluster",
            observed="provider kubernetes",
        ),
        reviews(
            secret_uses["behind"].isin(["missing", "unknown"]),
            "where does it come from? What lies behind {taken_from}, from which {manager} takes it, nothing says",
        ),
        not_assessed(
            secret_uses["behind"] == "unseen",
            "what lies behind {taken_from} was not read: {manager} takes it from there",
            code="input_missing",
        ),
        reviews(
            secret_uses["pushed_by"] != "",
            "who may read it in {pushed_to}? {pushed_by} copies it there, or may",
            observed="{pushed_to}",
        ),
        evidence="manager",
        passes="{manager} makes it ({words})",
    )
