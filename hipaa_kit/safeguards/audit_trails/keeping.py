"""Keeping: logs stand long enough where they are kept, and nobody alters them there."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.safeguards.check import check, fails, judge, not_assessed, reviews
from hipaa_kit.tables.declaration import rows_of

SIX_YEARS_DAYS = 2192
"""Days of six calendar years with two leap days."""

RULE = "six years are the rule for documentation, 164.316(b)(2)(i), and none for logs"


@check("HK-AUD-05", without_scope=True)
def kept_long_enough(log_stores: pd.DataFrame, *, audit_retention_days: int = 0) -> pd.DataFrame:
    """Judge every store of audit logs by how long it keeps them.

    Parameters
    ----------
    log_stores : table of that name
    audit_retention_days
        Days that the site's own policy asks for; 0 where none is given. What the list of stores says of one counts
        before it.

    Returns
    -------
    table `judgements`, one row per store; one for all where none of them is said to hold the audit log

    Notes
    -----
    45 CFR 164.316(b)(2)(i) has documentation kept for six years; of logs no rule names a time, so that the policy of
    the site decides, and where there is none, less than six years is a question.
    """
    mine = log_stores[log_stores["holds"].isin(["audit", "both", "unknown"])]
    examined = mine.assign(
        object="LogStore//" + mine["name"],
        asked=mine["required_days"].fillna(audit_retention_days or pd.NA).astype("Int64"),
        lacking=False,
    )
    if not mine["holds"].isin(["audit", "both"]).any():
        row = {"object": "Cluster//audit-log-store", "lacking": True, "holds": "", "forever": pd.NA}
        examined = pd.concat([examined, pd.DataFrame([row])], ignore_index=True)
    days, asked = examined["retention_days"].astype("Int64"), examined["asked"].astype("Int64")
    lacking = examined["lacking"].astype(bool)
    forever = examined["forever"].astype("boolean").fillna(False).astype(bool)
    short = (days < asked).fillna(False).astype(bool) & ~forever
    below = (days < SIX_YEARS_DAYS).fillna(False).astype(bool) & ~forever & asked.isna()
    examined["told"] = (days.astype("str") + " days").where(~forever, "for ever")
    return judge(
        examined,
        fails(
            short,
            "it keeps them for {retention_days:day}, of {asked} that the site asks for",
            observed="{retention_days:day}",
            expected="{asked:day}",
        ),
        not_assessed(
            lacking,
            "of no store that was given is it known that it holds the audit log: name it, with holds audit",
            code="input_missing",
        ),
        not_assessed(~lacking & days.isna() & ~forever, "how long it keeps them is not known", code="input_missing"),
        reviews(
            below,
            "{retention_days:is|are} {retention_days:day} what the site's policy asks for? None is given; " + RULE,
        ),
        reviews(examined["holds"] == "unknown", "does it hold audit logs? It keeps what it holds for {told}"),
        observed="{told}",
        passes=f"it keeps them: {{told}}; {RULE}",
    )


@check("HK-AUD-06", optional=["log_stores"], everywhere=True)
def nobody_alters_logs(log_access: pd.DataFrame, log_stores: pd.DataFrame, *, log_operators: str = "") -> pd.DataFrame:
    """Judge every namespace of log agents and stores by who has power over them, and every store by its lock.

    Parameters
    ----------
    log_access, log_stores : tables of those names
    log_operators
        Users and groups that run the logging, and service accounts as `namespace/name`, joined by spaces.

    Returns
    -------
    table `judgements`, one row per subject and power over a namespace, and one per store of audit logs

    Notes
    -----
    Who holds every right of the cluster could alter its logs as well: a store that is locked keeps even them from
    it. Source: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
    """
    operators = set(log_operators.split())
    powers = log_access.assign(
        object="Namespace//" + log_access["namespace"],
        member=log_access["subject_kind"] + " " + log_access["subject"] + " may " + log_access["power"],
        gap=log_access["subject_kind"] == "*",
        known=log_access["everything"] | log_access["own"] | log_access["subject"].isin(operators),
        locked=pd.Series(pd.NA, index=log_access.index, dtype="boolean"),
        words=[_words(row) for row in rows_of(log_access)],
    )
    stores = log_stores[log_stores["holds"].isin(["audit", "both"])]
    stores = stores.assign(
        object="LogStore//" + stores["name"], member="lock", gap=False, known=True, words="what it holds is locked"
    )
    columns = ["object", "member", "gap", "known", "locked", "words", "subject_kind", "subject", "power", "binding"]
    columns += ["basis", "programs"]
    examined = pd.concat([powers.astype("object"), stores.astype("object")], ignore_index=True).reindex(columns=columns)
    examined[columns[5:]] = examined[columns[5:]].fillna("")
    gap, known = examined["gap"].astype(bool), examined["known"].astype(bool)
    lock = examined["member"] == "lock"
    locked = examined["locked"].astype("boolean")
    return judge(
        examined,
        fails(
            ~gap & ~known,
            "{subject_kind} {subject} may {power}, by {binding}: {programs}",
            observed="{power}",
            expected="operators of logs alone",
        ),
        not_assessed(gap, "who else may {power} is not known: {basis}", code="input_missing"),
        reviews(lock & locked.eq(False).fillna(False), "what it holds can be changed or removed: by whom?"),
        reviews(lock & locked.isna(), "can what it holds be changed or removed? Nothing says that it is locked"),
        member="member",
        passes="{words}",
        evidence="binding",
    )


def _words(row: dict[str, object]) -> str:
    who = f"{row['subject_kind']} {row['subject']} may {row['power']}"
    if row["everything"]:
        return f"{who}, and holds every right of the cluster"
    return (
        f"{who}, and is of that namespace or of a system namespace" if row["own"] else f"{who}, as an operator of logs"
    )
