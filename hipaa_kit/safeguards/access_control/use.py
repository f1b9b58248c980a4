"""Use: rights that nobody uses, people who have left and act, and emergency access that nobody wrote down."""

from __future__ import annotations

from typing import Any

import pandas as pd

from hipaa_kit.safeguards.ages import days_since
from hipaa_kit.safeguards.check import check, fails, judge, not_applicable, not_assessed, reviews
from hipaa_kit.tables.declaration import rows_by, rows_of


@check("HK-ACC-25", without_scope=True, everywhere=True)
def unused_access_is_withdrawn(
    grants: pd.DataFrame,
    right_use: pd.DataFrame,
    identities: pd.DataFrame,
    common_window: pd.DataFrame,
    *,
    idle_days: int = 90,
    as_of: str,
) -> pd.DataFrame:
    """Judge every role binding that no cluster is born with by when its subject last used any right of it.

    Parameters
    ----------
    grants, right_use, identities, common_window : tables of those names
    idle_days
        Days without any use after which access has to be withdrawn: a measure of the site.
    as_of
        Moment to judge for.

    Returns
    -------
    table `judgements`, one row per role binding and subject, and one per identity that acts after its last day

    Notes
    -----
    What a log does not record was not unused: a right counts as unused only where the log would show its use, and for
    as long as the log goes back. A right that another role binding gives as well counts as used by both.
    """
    window = rows_of(common_window)
    days = float(window[0]["days"]) if window else 0.0
    late = bool(window) and float(days_since(pd.Series([window[0]["last_at"]], dtype="str"), as_of).iloc[0]) > 1
    rights = rows_by(right_use[["binding", "object", "state", "why", "last_at", "writes"]], "binding", "object")
    ours = rows_of(grants[~grants["stock"] & ~grants["public"]])
    rows = [_granted(row, rights.get((row["binding"], row["object"]), [])) for row in ours]
    gone = identities[(identities["ended_on"] != "") & ((identities["after_end"] > 0) | (identities["undated"] > 0))]
    rows += [_ended(row) for row in rows_of(gone)]
    columns = "object member state why last_at writes emergency events ended_on unused undated".split()
    examined = pd.DataFrame(rows, columns=columns)
    state, writes, emergency = examined["state"], examined["writes"].astype(bool), examined["emergency"].astype(bool)
    age = days_since(examined["last_at"].astype("str"), as_of)
    idle = (state == "used") & (age > idle_days)
    short = days < idle_days or late
    told = f"{days:.0f} days of log"
    return judge(
        examined.assign(age=age.round()),
        not_applicable(emergency, "it is for emergencies: HK-ACC-26 asks of its use"),
        fails(
            state == "ended",
            "its last day was {ended_on}, and it made {events:request} since",
            observed="{events:request}",
            expected="none after the last day",
        ),
        not_assessed(
            (state == "used") & ~emergency & (examined["last_at"] == ""),
            "when {member} used it last is not known: no moment of it can be read",
            code="input_missing",
        ),
        reviews(
            state == "undated",
            "did it ask after its last day, {ended_on}? Of {undated:request} that it made no moment can be read",
        ),
        fails(
            ((state == "unused") & ~emergency & writes & (not short)) | (idle & writes & ~emergency),
            f"{{member}} used none of it in {idle_days} days, and may change things by it: {{why}}",
            observed="no use",
            expected=f"use within {idle_days} days, or no access",
        ),
        not_assessed(
            (state == "unused") & ~emergency & short,
            f"{{member}} used none of it in {told}, which says nothing of {idle_days} days up to now",
            code="stale" if late else "input_missing",
        ),
        not_assessed(
            (state == "unknown") & ~emergency, "whether {member} uses it is not known: {why}", code="input_missing"
        ),
        reviews(
            ((state == "unused") & ~writes & (not short)) | (idle & ~writes),
            f"does {{member}} need to read by it? None of it was used in {idle_days} days",
        ),
        member="member",
        passes="{member} used it last {age:day} ago; rights of it never used in the log: {unused}",
    )


def _granted(grant: dict[str, Any], rights: list[dict[str, Any]]) -> dict[str, Any]:
    # The best that is known of any right decides: one that is used is use of the whole.
    states = [each["state"] for each in rights]
    state = "used" if "used" in states else "unknown" if "unknown" in states or not states else "unused"
    return {
        "object": grant["binding"],
        "member": grant["object"],
        "state": state,
        "why": next((each["why"] for each in rights if each["state"] == state), "no right of it is known"),
        "last_at": max((each["last_at"] for each in rights), default=""),
        "writes": any(each["writes"] for each in rights),
        "emergency": grant["break_glass"],
        "unused": states.count("unused"),
    }


def _ended(row: dict[str, Any]) -> dict[str, Any]:
    state = "ended" if row["after_end"] else "undated"
    told = {"object": row["object"], "member": "", "state": state, "last_at": row["last_at"]}
    told |= {"writes": False, "emergency": False}
    return {**told, "events": row["after_end"], "ended_on": row["ended_on"], "undated": row["undated"]}


@check("HK-ACC-26", without_scope=True, everywhere=True, optional=["audit_policies", "audit_silences"])
def emergency_use_is_written_down(
    grants: pd.DataFrame,
    break_glass_use: pd.DataFrame,
    common_window: pd.DataFrame,
    tickets: pd.DataFrame,  # noqa: ARG001 - without them nothing can be said
    audit_policies: pd.DataFrame,
    audit_silences: pd.DataFrame,
) -> pd.DataFrame:
    """Judge every day on which a person used emergency access by its ticket, and by an alert.

    Parameters
    ----------
    grants, break_glass_use, common_window, tickets, audit_policies, audit_silences : tables of those names

    Returns
    -------
    table `judgements` on the cluster, one row per person and day; one where nobody used it

    Notes
    -----
    A ticket is one of kind break-glass or emergency that was opened within a day of the use; that the log raised an
    alert is told by a ticket that names one, as near. Who acts as
    somebody else uses what both hold. Who holds it by a certificate that the API server does not tell
    apart from others is not found.
    """
    if not grants["break_glass"].any():
        return judge(
            pd.DataFrame({"object": ["Cluster//break-glass-use"]}),
            not_applicable(pd.Series([True]), "no role binding is marked as emergency access: HK-ACC-14"),
            passes="",
        )
    window = rows_of(common_window)
    span = f"from {window[0]['first_at']} to {window[0]['last_at']}" if window else ""
    doubt = window[0]["doubt"] if window else "the log says of no moment"
    silent = {name for names in audit_silences["identities"] for name in names.split()}
    if left_out := silent & set(grants.loc[grants["break_glass"], "subject"]):
        doubt = f"the audit policy records nothing of {', '.join(sorted(left_out))}"
    elif audit_policies.empty:
        doubt = doubt or "the audit policy was not given, which may leave them out"
    used = break_glass_use.assign(
        member=break_glass_use["user"] + " on " + break_glass_use["day"].replace("", "a day that is not known"),
        unused=False,
    )
    columns = ["member", "user", "day", "events", "through", "ticket", "alert", "unused"]
    none = pd.DataFrame([dict.fromkeys(columns, "") | {"unused": True}])
    examined = (used[columns] if len(used) else none).assign(object="Cluster//break-glass-use", span=span, doubt=doubt)
    unused = examined["unused"].astype(bool)
    undated = ~unused & (examined["day"] == "")
    examined["words"] = ("nobody used it " + examined["span"]).where(
        unused, examined["user"] + ": ticket " + examined["ticket"] + ", alert in " + examined["alert"]
    )
    return judge(
        examined,
        reviews(
            undated, "which ticket says why? {user} made {events:request} through {through} at no moment that is known"
        ),
        fails(
            ~unused & ~undated & (examined["ticket"] == ""),
            "{user} made {events:request} on {day} through {through}, and no ticket says why",
            observed="no ticket",
            expected="a ticket of an emergency within a day",
        ),
        reviews(
            ~unused & (examined["ticket"] != "") & (examined["alert"] == ""),
            "did it raise an alert? {user} used it on {day} by ticket {ticket}, and no ticket near it names an alert",
        ),
        not_assessed(
            unused & (examined["doubt"] != ""), "whether nobody used it is not known: {doubt}", code="input_missing"
        ),
        member="member",
        passes="{words}",
    )
