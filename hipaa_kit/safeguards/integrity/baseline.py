"""What has changed since an earlier assessment, and whether somebody meant it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pandas as pd

from hipaa_kit.graph.security_state import NARROWED, THERE, UNSEEN
from hipaa_kit.kube.rbac import Rule, covers
from hipaa_kit.safeguards.ages import moment, moments
from hipaa_kit.safeguards.check import check, fails, judge, not_assessed, reviews
from hipaa_kit.tables.evidence import ASPECTS

UNAPPROVED = ("rejected",)
"""States of a ticket that approve nothing."""


@check("HK-INT-09", optional=["tickets"])
def changes_approved(
    security_state: pd.DataFrame, earlier_state: pd.DataFrame, tickets: pd.DataFrame, *, as_of: str
) -> pd.DataFrame:
    """Judge what has changed since the newest earlier state by whether it takes protection away, and by tickets.

    Parameters
    ----------
    security_state, earlier_state, tickets : tables of those names
    as_of
        Moment to judge for, RFC 3339; states of later are left out, as is what is not older than `security_state`.

    Returns
    -------
    table `judgements`, one row per object that has changed, and one per aspect for all that have not

    Notes
    -----
    A rule that came is no gain where the earlier rules of the role cover it, by the API server's own comparison. A
    ticket approves a change where it names the object, was opened by now and was not closed before the earlier state.
    """
    before, moment = _newest(earlier_state, str(security_state["taken_at"].max()) if len(security_state) else "", as_of)
    clusters = set(before["cluster"]) | set(security_state["cluster"])
    changes = list(_changes(before, security_state)) if len(before) else []
    told = [_ticket(change.object, tickets, moment, as_of) for change in changes]
    rows: list[dict[str, Any]] = [
        {**change._asdict(), "ticket": ticket, "state": "changed"} for change, ticket in zip(changes, told, strict=True)
    ]
    rows += _unchanged(before, security_state, moment)
    columns = ["aspect", "object", "what", "direction", "unsure", "ticket", "state"]
    examined = pd.DataFrame([dict.fromkeys(columns, "") | row for row in rows], columns=columns, dtype="str")
    examined = examined.assign(since=moment, other=len(clusters) > 1, none=before.empty)
    changed = (examined["state"] == "changed") & ~examined["other"] & ~examined["none"]
    open_ = changed & (examined["ticket"] == "")
    unsure = examined["unsure"] == "yes"
    return judge(
        examined,
        not_assessed(examined["none"], "no earlier state is of before {since}", code="input_missing"),
        not_assessed(
            examined["other"] & ~examined["none"], "the earlier state is of another cluster", code="input_missing"
        ),
        fails(
            open_ & (examined["direction"] == "weaker") & ~unsure,
            "since {since}, without a ticket: {what}",
            observed="{what}",
            expected="a ticket that names it",
            rests_on=["security_state"],
        ),
        not_assessed(
            open_ & (examined["direction"] == "weaker") & unsure,
            "whether this is new is not known, as it was not seen in full at {since}: {what}",
            code="unknown_completeness",
        ),
        not_assessed(
            (examined["state"] == "same") & unsure,
            "what was there at {since} and is gone by now is not known, as it was not seen in full then; {what}",
            code="unknown_completeness",
        ),
        reviews(
            open_ & (examined["direction"] == "either"), "was this meant? Since {since}: {what}", observed="{what}"
        ),
        member="aspect",
        passes="{what}{ticket}",
    )


class _Change(NamedTuple):
    """What has changed about one object in one aspect."""

    aspect: str
    object: str
    what: str
    direction: str
    unsure: str


def _newest(earlier: pd.DataFrame, taken_at: str, as_of: str) -> tuple[pd.DataFrame, str]:
    """Return the newest state of before the one that is judged, and not of later than now, with its moment."""
    then, taken, now = moments(earlier["taken_at"]), moment(taken_at), moment(as_of)
    past = pd.Series(True, index=earlier.index)
    if not pd.isna(taken):
        past &= then < taken
    if not pd.isna(now):
        past &= then <= now
    known = earlier[past]
    newest = str(known["taken_at"].max()) if len(known) else min(filter(None, [taken_at, as_of]), default="")
    return known[known["taken_at"] == newest], newest


def _changes(before: pd.DataFrame, after: pd.DataFrame) -> Iterator[_Change]:
    """Yield what has changed, by aspect and object, with the direction in which it protects less."""
    for aspect in ASPECTS:
        old, new = _facts(before, aspect), _facts(after, aspect)
        unsure = "yes" if UNSEEN in old else ""
        for name in sorted((set(old) | set(new)) - {UNSEEN}):
            was, now = old.get(name, {}), new.get(name, {})
            if was == now:
                continue
            if THERE in was and THERE not in now:
                yield _Change(aspect, name, "nothing of it is there, or runs, any more", "stronger", "")
                continue
            worse, open_, only_new = _weighed(aspect, was, now)
            if worse:
                yield _Change(aspect, name, _few(worse), "weaker", unsure if only_new else "")
            elif open_:
                yield _Change(aspect, name, _few(open_), "either", "")
            else:
                yield _Change(aspect, name, "changed so that it protects no less", "stronger", "")


def _weighed(aspect: str, was: dict[str, str], now: dict[str, str]) -> tuple[list[str], list[str], bool]:
    """Return what protects less, what may, and whether the first rests on what is new alone.

    A role that is new gives nobody anything before it is bound. Of an image only that of a container that is still
    there can lose its pin, and only a webhook that is still there can be asked about less.
    """
    gone, come = sorted(set(was) - set(now)), sorted(set(now) - set(was) - {THERE})
    lost = [fact for fact in gone if was[fact] == "removed"]
    gained = [fact for fact in come if now[fact] == "added"]
    if aspect == "image":
        running = {fact.split(" runs ")[0] for fact in now}
        lost = [fact for fact in lost if fact.split(" is pinned")[0] in running]
    if aspect == "webhook":
        asked = {fact.split(" asks ")[0] for fact in now if " asks " in fact}
        lost = [fact for fact in lost if _webhook(fact) in asked or not _webhook(fact)]
    if aspect == "role" and (not was or covers(map(_rule, was), map(_rule, now))):
        gained = []
    new_role = [f"new: {_words(aspect, fact)}" for fact in come] if aspect == "role" and not was else []
    either = [f"no more: {fact}" for fact in gone if was[fact] == "either" and fact != THERE]
    either += [f"new: {fact}" for fact in come if now[fact] == "either"]
    worse = [f"no more: {fact}" for fact in lost] + [f"new: {_words(aspect, fact)}" for fact in gained]
    return worse, either + new_role, not lost


def _webhook(fact: str) -> str:
    """Return the webhook of which a fact says that nothing narrows it, "" for other facts."""
    for everything in NARROWED.values():
        if fact.endswith(everything):
            return fact.removesuffix(everything).strip()
    return ""


def _facts(state: pd.DataFrame, aspect: str) -> dict[str, dict[str, str]]:
    """Return by object its facts, and which change of each weakens."""
    found: dict[str, dict[str, str]] = {}
    mine = state[state["aspect"] == aspect]
    for name, fact, weakens in mine[["object", "fact", "weakens"]].itertuples(index=False):
        found.setdefault(name, {})[fact] = weakens
    return found


def _rule(fact: str) -> Rule:
    """Return a rule as it stands in a fact; what is none allows nothing."""
    try:
        parts = json.loads(fact)
    except ValueError:
        return Rule()
    if not isinstance(parts, list) or len(parts) != len(Rule.__dataclass_fields__):
        return Rule()
    return Rule(*(tuple(str(value) for value in each) if isinstance(each, list) else () for each in parts))


def _words(aspect: str, fact: str) -> str:
    """Return a fact in words."""
    if aspect != "role":
        return fact
    rule = _rule(fact)
    what = ", ".join((*rule.resources, *rule.urls)) or "nothing"
    names = f" named {', '.join(rule.names)}" if rule.names else ""
    return f"{', '.join(rule.verbs)} on {what}{names}"


def _few(words: list[str]) -> str:
    more = f"; and {len(words) - 3} more" if len(words) > 3 else ""
    return "; ".join(words[:3]) + more


def _ticket(name: str, tickets: pd.DataFrame, since: str, until: str) -> str:
    """Return how a ticket approves a change of an object, in words; "" where none does."""
    mine = tickets[(tickets["object"] == name) & ~tickets["status"].isin(UNAPPROVED)]
    opened = mine["opened_at"].str.slice(0, 10) <= until[:10]
    still = (mine["closed_at"] == "") | (mine["closed_at"].str.slice(0, 10) >= since[:10])
    found = sorted(mine[opened & still]["id"])
    return f", approved by {', '.join(found)}" if found else ""


def _unchanged(before: pd.DataFrame, after: pd.DataFrame, since: str) -> Iterator[dict[str, Any]]:
    """Yield a row per aspect for the objects that are as they were."""
    for aspect in ASPECTS:
        old, new = _facts(before, aspect), _facts(after, aspect)
        same = [name for name in new if name != UNSEEN and old.get(name) == new[name]]
        name = f"Cluster//{aspect.replace('_', '-')}"
        unsure = "yes" if UNSEEN in old else ""
        what = f"objects as they were at {since}: {len(same)}"
        yield {"aspect": aspect, "object": name, "what": what, "unsure": unsure, "state": "same"}
