"""Response: what acts on alerts by itself, what came of them, and how soon."""

from __future__ import annotations

from typing import Any

import pandas as pd

from hipaa_kit.safeguards.ages import days_since, moment, moments
from hipaa_kit.safeguards.check import check, fails, judge, not_assessed, reviews
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.vocabulary import ticket_kind

OF_SECURITY = frozenset({"security", "security alert", "incident", "suspicion"})
"""Kinds of ticket that may be a security incident, as `ticket_kind` spells them."""

ENDED = ("resolved", "closed")


@check("HK-ALR-07", everywhere=True)
def something_acts_by_itself(responders: pd.DataFrame) -> pd.DataFrame:
    """Judge the cluster by what acts on findings without waiting for a person, and by the rights it does so with.

    Parameters
    ----------
    responders : table of that name

    Returns
    -------
    table `judgements` on the cluster, one row per workload that acts or may; one where there is none

    Notes
    -----
    The rule asks for a response, and for none that is automatic: where nothing acts, who does is a question. What a
    policy stops and whether it stops too much only an exercise shows. Policies of admission, which refuse what is
    asked for and act on nothing that was found, are the matter of HK-ACC-07 and its like.
    Source: https://tetragon.io/docs/concepts/enforcement/, https://docs.falco-talon.org/
    """
    acting = responders[responders["acts"] != "no"]
    examined = acting.assign(
        member=acting["object"], none=False, may=acting["may"].where(acting["may"] != "", "nothing")
    )
    if examined.empty:
        examined = pd.concat([examined, pd.DataFrame([_no_responder()])], ignore_index=True)
    none, needs, gaps = examined["none"].astype(bool), examined["needs_rights"].astype(bool), examined["gaps"] != ""
    powerless = needs & (examined["may"] == "nothing") & ~examined["everything"].astype(bool)
    ready = examined["ready"].astype("boolean")
    return judge(
        examined.assign(object="Cluster//automated-response"),
        fails(
            examined["everything"].astype(bool),
            "{program} acts by {account}, which holds every right in the whole cluster",
            observed="every right",
            expected="the rights that its acts need",
        ),
        fails(~none & ready.eq(False).fillna(False), "{program} is not ready", observed="not ready", expected="ready"),
        fails(
            powerless & ~gaps,
            "{program} can do nothing: {account} may neither stop nor keep apart a pod in namespaces with ePHI",
            observed="no right",
            expected="the rights that its acts need",
            rests_on=["responders"],
        ),
        not_assessed(powerless & gaps, "what {account} may do is not known: {gaps}", code="input_missing"),
        not_assessed(~none & ready.isna(), "nothing says whether {program} runs", code="input_missing"),
        reviews(
            none, "who acts on an alert, and how soon? Nothing that is known acts by itself", rests_on=["responders"]
        ),
        reviews(
            ~none & examined["secrets"].astype(bool),
            "does {program} need it? {account} may read the Secrets of every namespace",
        ),
        reviews(needs, "on which alerts does {program} act, and how? Its rules were not read; it may: {may}"),
        member="member",
        evidence="evidence",
        passes="{program} stops what {evidence} names, by itself; its account may: {may}",
    )


def _no_responder() -> dict[str, Any]:
    texts = dict.fromkeys(("member", "program", "account", "gaps", "evidence"), "")
    flags = {"none": True, "needs_rights": False, "everything": False, "secrets": False}
    return {**texts, **flags, "may": "nothing", "ready": pd.NA}


@check("HK-ALR-08", without_scope=True, optional=["incidents"])
def alerts_are_answered(
    tickets: pd.DataFrame,
    incidents: pd.DataFrame,
    *,
    as_of: str,
    response_window_days: int = 90,
    acknowledge_minutes_critical: int = 15,
    acknowledge_minutes_high: int = 60,
    acknowledge_minutes: int = 480,
    close_hours_critical: int = 24,
    close_hours_high: int = 72,
    close_hours: int = 336,
) -> pd.DataFrame:
    """Judge every ticket that an alert opened by when somebody took it, when it ended, and what came of it.

    Parameters
    ----------
    tickets, incidents : tables of those names
    as_of
        Moment to judge for, RFC 3339.
    response_window_days
        Tickets that were opened earlier are not looked at, unless they are open still.
    acknowledge_minutes_critical, acknowledge_minutes_high, acknowledge_minutes
        Minutes within which somebody has to take a ticket, by severity: a measure of the site, proposed here.
    close_hours_critical, close_hours_high, close_hours
        Hours within which it has to end, likewise.

    Returns
    -------
    table `judgements`, one row per ticket; one for all where no ticket says which alert opened it

    Notes
    -----
    The rule asks for a response to suspected incidents and for a record of how they ended, and names no time:
    164.308(a)(6)(ii). An alert that opened no ticket is not seen. From a day without a time of day no minutes can be
    counted. A ticket that was rejected was no incident, as somebody decided.
    """
    taking = {"critical": acknowledge_minutes_critical, "high": acknowledge_minutes_high}
    ending = {"critical": close_hours_critical, "high": close_hours_high}
    age = days_since(tickets["opened_at"], as_of)
    open_still = ~tickets["status"].isin((*ENDED, "rejected"))
    counts = (tickets["alert"] != "") & (age >= 0) & ((age <= response_window_days) | open_still)
    timed = _timed(tickets[counts], as_of)
    timed["take_limit"] = [_limit(each, taking, acknowledge_minutes) for each in timed["severity"]]
    timed["end_limit"] = [_limit(each, ending, close_hours) for each in timed["severity"]]
    timed["outcome"] = _outcomes(timed, incidents)
    # Where no ticket at all says when it was taken, the export leaves that out.
    timed["untold"] = bool((tickets["acknowledged_at"] == "").all())
    if not (tickets["alert"] != "").any():
        timed = _nothing_named(timed)
    return _judged(timed)


def _timed(mine: pd.DataFrame, as_of: str) -> pd.DataFrame:
    opened, taken, ended = (moments(mine[name]) for name in ("opened_at", "acknowledged_at", "closed_at"))
    now = moment(as_of)
    # What is to come of a moment later than the one judged for has not happened yet.
    taken, ended = taken.where(taken <= now), ended.where(ended <= now)
    by_day = (mine["opened_at"].str.len() == 10) | (mine["acknowledged_at"].str.len() == 10)
    took = (taken.fillna(now) - opened).dt.total_seconds() / 60
    lasted = (ended.fillna(now) - opened).dt.total_seconds() / 3600
    words = ("taken after " + took.round(1).astype("str").str.removesuffix(".0") + " minutes").where(
        taken.notna(), "not taken yet"
    )
    return mine.assign(
        object="Ticket//" + mine["id"],
        by_day=by_day,
        was_taken=taken.notna(),
        has_ended=ended.notna(),
        took=took,
        lasted=lasted,
        minutes=took.round(1),
        hours=lasted.round(1),
        words=words,
        unnamed=False,
    )


def _limit(severity: str, limits: dict[str, int], other: int) -> int:
    """Return the limit for a severity; where none is written, the strictest counts."""
    return limits.get(severity, other) if severity else min(*limits.values(), other)


def _outcomes(timed: pd.DataFrame, incidents: pd.DataFrame) -> list[str]:
    """Return what is open about the incident of each ticket: unknown, open, unnamed, or "" where nothing is."""
    status = dict(zip(incidents["id"], incidents["status"], strict=True))
    found = []
    for row in rows_of(timed):
        if row["incident"]:
            held = status.get(row["incident"], "none")
            still = row["status"] in ENDED and held not in (*ENDED, "none")
            found.append("unknown" if held == "none" else "open" if still else "")
        else:
            found.append("unnamed" if ticket_kind(row["kind"]) in OF_SECURITY and row["status"] in ENDED else "")
    return found


def _nothing_named(timed: pd.DataFrame) -> pd.DataFrame:
    row: dict[str, Any] = dict.fromkeys(timed.columns, "")
    flags = {"by_day": False, "was_taken": False, "has_ended": False, "untold": False, "unnamed": True}
    row |= {"object": "Cluster//alert-response", "took": 0.0, "lasted": 0.0, "take_limit": 0, "end_limit": 0, **flags}
    return pd.DataFrame([row])


def _judged(timed: pd.DataFrame) -> pd.DataFrame:
    strictest = timed["severity"] == ""
    judged = ~timed["unnamed"].astype(bool)
    taken, untold, by_day = (timed[name].astype(bool) & judged for name in ("was_taken", "untold", "by_day"))
    ended, rejected = timed["has_ended"].astype(bool), timed["status"] == "rejected"
    late = judged & ~untold & ~by_day & (timed["took"] > timed["take_limit"])
    slow = judged & ~rejected & (timed["lasted"] > timed["end_limit"])
    reversed_ = judged & (taken & (timed["took"] < 0) & ~by_day | ended & (timed["lasted"] < 0))
    return judge(
        timed,
        not_assessed(
            timed["unnamed"].astype(bool),
            "no ticket says which alert opened it: the export needs the columns alert and acknowledged_at",
            code="input_missing",
        ),
        fails(
            late & ~taken & ~strictest & ~ended & ~rejected,
            "{alert} opened it {minutes:minute} ago and nobody has taken it, of at most {take_limit}",
            observed="{minutes:minute}",
            expected="at most {take_limit:minute}",
        ),
        fails(
            late & taken & ~strictest,
            "{alert} opened it, and it was taken {minutes:minute} later, of at most {take_limit}",
            observed="{minutes:minute}",
            expected="at most {take_limit:minute}",
        ),
        fails(
            slow & ~ended & ~timed["status"].isin(ENDED) & ~strictest,
            "{alert} opened it {hours:hour} ago and it is open, of at most {end_limit}",
            observed="{hours:hour}",
            expected="at most {end_limit:hour}",
        ),
        fails(
            slow & ended & ~strictest,
            "{alert} opened it, and it ended {hours:hour} later, of at most {end_limit}",
            observed="{hours:hour}",
            expected="at most {end_limit:hour}",
        ),
        not_assessed(untold, "the export does not say when tickets are taken", code="input_missing"),
        not_assessed(by_day, "it has days and no times of day: minutes cannot be counted", code="input_missing"),
        not_assessed(
            judged & ~ended & timed["status"].isin(ENDED), "it is closed, and when is not said", code="input_missing"
        ),
        reviews(reversed_, "which clock is wrong? It was taken or closed before it was opened"),
        reviews(
            judged & strictest & (late | slow),
            "how bad was it? It has no severity, and took longer than one that is critical may",
        ),
        reviews(
            judged & ~taken & ~untold & (ended | rejected), "who took it? It ended, and nobody is said to have taken it"
        ),
        reviews(timed["outcome"] == "unknown", "is incident {incident} kept? No register that was given holds it"),
        reviews(timed["outcome"] == "open", "is it over? It is closed, and incident {incident} is open"),
        reviews(timed["outcome"] == "unnamed", "was it an incident? It is closed, and names none"),
        passes="{alert} opened it; {words}, {hours:hour} to its end or so far",
    )
