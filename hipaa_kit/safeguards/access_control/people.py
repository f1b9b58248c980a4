"""People: access by groups that is reviewed, that follows the role a person has now, and for emergencies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pandas as pd

from hipaa_kit.graph.access.approval import Approvals, Permitted
from hipaa_kit.inventory.ephi import ephi_namespaces
from hipaa_kit.kube.rbac.bindings import USER, USER_GROUP
from hipaa_kit.safeguards.access_control.common import people, place_words
from hipaa_kit.safeguards.ages import days_between
from hipaa_kit.safeguards.check import check, fails, judge, not_applicable, reviews
from hipaa_kit.tables.declaration import rows_of

BREAK_GLASS = "Cluster//break-glass"
EMERGENCY_DRILLS = frozenset({"break-glass", "break glass", "emergency access"})
"""Kinds of exercise that try emergency access."""


@check("HK-ACC-13", everywhere=True)
def granted_to_groups_and_reviewed(
    grants: pd.DataFrame, ephi_objects: pd.DataFrame, *, access_review_days: int = 90, as_of: str
) -> pd.DataFrame:
    """Judge every role binding to people that counts in a namespace with ePHI: does it name groups, was it reviewed.

    Parameters
    ----------
    grants, ephi_objects : tables of those names
    access_review_days
        A review that is older counts no more.
    as_of
        Moment to judge for.

    Returns
    -------
    table `judgements`, one row per role binding and subject

    Notes
    -----
    A review is what annotation `hipaa-kit.io/reviewed-on` of the role binding says. Who may write role bindings can
    write the annotation, too: the register of signed reviews is held against it by people.
    """
    places = {"", *ephi_namespaces(ephi_objects)}
    held = people(grants)
    held = held[held["scope"].isin(places)] if len(places) > 1 else held[:0]
    age = pd.Series([_age(text, as_of) for text in held["reviewed_on"]], index=held.index, dtype="Int64")
    examined = held.assign(
        object=held["binding"],
        member=held["object"],
        age=age,
        limit=access_review_days,
        said=held["reviewed_on"].where(held["reviewed_on"] != "", "nothing"),
    )
    return judge(
        examined,
        not_applicable(examined["public"], "{role} tells of the server and of oneself"),
        fails(
            examined["subject_kind"] == USER,
            "{subject} has {role} by name, not by a group",
            path="$.subjects",
            observed="User {subject}",
            expected="a group",
        ),
        fails(
            age.isna() | (age < 0),
            "no review is recorded: `hipaa-kit.io/reviewed-on` says {said}",
            path="$.metadata.annotations",
            observed="{said}",
            expected="a day within {limit:day}",
        ),
        fails(
            age > access_review_days,
            "its last review is {age:day} old",
            path="$.metadata.annotations",
            observed="{age:day}",
            expected="{limit:day} at most",
        ),
        member="member",
        passes="group {subject} has {role}, reviewed {age:day} ago",
    )


def _age(text: str, as_of: str) -> int | None:
    """Return how many days a day is before a moment; None where it is no day."""
    try:
        return days_between(text, as_of)
    except ValueError:
        return None


@check("HK-ACC-14", without_scope=True, optional=["drills"], everywhere=True)
def break_glass_defined_and_tried(
    grants: pd.DataFrame,
    namespaces: pd.DataFrame,
    drills: pd.DataFrame,
    *,
    break_glass_test_days: int = 365,
    as_of: str,
) -> pd.DataFrame:
    """Judge emergency access of the cluster: whether people hold it, and whether it was tried.

    Parameters
    ----------
    grants, namespaces, drills : tables of those names
    break_glass_test_days
        An exercise that is older counts no more.
    as_of
        Moment to judge for.

    Returns
    -------
    table `judgements` on the cluster, one row per subject of a role binding that carries, or whose role carries, the
    label `hipaa-kit.io/break-glass: true`; one where there is none
    """
    held = grants[grants["break_glass"]]
    ages = [
        age
        for kind, day, result in drills[["kind", "date", "result"]].itertuples(index=False)
        if kind.lower() in EMERGENCY_DRILLS
        and result == "passed"
        and (age := _age(day, as_of)) is not None
        and age >= 0
    ]
    youngest = min(ages, default=None)
    bound = held.assign(member=held["binding"] + " " + held["object"], defined=True)
    none = pd.DataFrame({"member": ["none"]}).assign(subject_kind="", subject="", role="", defined=False)
    none = none.assign(role_known=True)
    columns = ["member", "subject_kind", "subject", "role", "role_known", "defined"]
    examined = bound[columns] if len(bound) or not len(namespaces) else none
    examined = examined.assign(object=BREAK_GLASS)
    examined = examined.assign(age=pd.Series(youngest, index=examined.index, dtype="Int64"))
    defined = examined["defined"].astype(bool)
    return judge(
        examined,
        fails(
            ~defined,
            "no role binding is marked as emergency access",
            observed="none",
            expected="label hipaa-kit.io/break-glass: true on a role binding to a group",
            rests_on=["grants"],
        ),
        fails(
            defined & ~examined["subject_kind"].isin([USER, USER_GROUP]),
            "{subject} is no person: nobody can use it in an emergency",
            observed="{subject_kind}",
            expected="a group of people",
        ),
        fails(
            defined & ~examined["role_known"].astype(bool),
            "{role}, which {subject} is to have in an emergency, is not there",
            path="$.roleRef",
            observed="missing",
            expected="a role that gives what an emergency needs",
            rests_on=["grants"],
        ),
        reviews(
            examined["age"].isna() | (examined["age"] > break_glass_test_days),
            "when was emergency access last tried? No exercise of it that passed is recorded within "
            f"{break_glass_test_days} days",
        ),
        member="member",
        passes="{subject} has {role} in an emergency, which was tried {age:day} ago",
    )


@check("HK-ACC-24", everywhere=True)
def access_follows_the_role(
    grants: pd.DataFrame,
    role_gives: pd.DataFrame,
    ephi_objects: pd.DataFrame,
    workforce: pd.DataFrame,
    workforce_groups: pd.DataFrame,
    access_matrix: pd.DataFrame,
    *,
    as_of: str,
) -> pd.DataFrame:
    """Judge everyone of the workforce by whether what they hold fits the roles that they have now.

    Parameters
    ----------
    grants, role_gives, ephi_objects, workforce, workforce_groups, access_matrix : tables of those names
    as_of
        Moment to judge for.

    Returns
    -------
    table `judgements`, one row per person and role binding that counts in a namespace with ePHI

    Notes
    -----
    Every verb on every resource that the role binding gives has to stand in a row of the access matrix for one of the
    person's roles. What an earlier role explains is left over from it. Who changed roles has to be reviewed since,
    where the role binding names the person. Paths of the server that are no resources are not looked at.
    """
    approvals = Approvals.of(as_of, workforce, workforce_groups, access_matrix)
    places = {"", *ephi_namespaces(ephi_objects)}
    counting = grants[grants["role_known"] & grants["scope"].isin(places) & ~grants["public"]]
    counting = counting if len(places) > 1 else counting[:0]
    gives = _gives(role_gives, set(counting["role"]))
    columns = ["object", "member", "binding", "place", "role", "outside", "earlier", "moved", "subject", "roles"]
    rows = [_held(user, row, approvals, gives) for user, row in _holdings(counting, approvals)]
    examined = pd.DataFrame(rows, columns=columns, dtype="str")
    return judge(
        examined,
        fails(
            (examined["outside"] != "") & (examined["earlier"] != ""),
            "may {outside} in {place} by {member}, left over from the earlier role {earlier}",
            observed="{outside}",
            expected="what the access matrix permits role {roles}",
        ),
        fails(
            examined["outside"] != "",
            "may {outside} in {place} by {member}, which is outside role {roles}",
            observed="{outside}",
            expected="what the access matrix permits role {roles}",
        ),
        fails(
            examined["moved"] != "",
            "has {role} by {member}, which was not reviewed since role {roles} began on {moved}",
            observed="no review since {moved}",
            expected="hipaa-kit.io/reviewed-on of that day or later",
        ),
        member="member",
        evidence="binding",
        passes="what {member} gives is within role {roles}",
    )


def _holdings(grants: pd.DataFrame, approvals: Approvals) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each person of the workforce with each grant that they hold by name, or by a group that they are in now."""
    for row in rows_of(grants):
        if row["subject_kind"] == USER and row["subject"] in approvals.standings:
            yield row["subject"], row
        elif row["subject_kind"] == USER_GROUP:
            yield from ((user, row) for user in sorted(approvals.members(row["subject"])))


def _gives(role_gives: pd.DataFrame, roles: set[str]) -> dict[str, list[tuple[str, str, str]]]:
    """Return (verb, API group, resource) that roles give, by role."""
    found: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    mine = role_gives[role_gives["role"].isin(roles)]
    for role, *given in mine[["role", "verb", "api_group", "resource"]].itertuples(index=False):
        found[role].append((given[0], given[1], given[2]))
    return dict(found)


def _held(
    user: str, row: dict[str, Any], approvals: Approvals, gives: dict[str, list[tuple[str, str, str]]]
) -> dict[str, str]:
    """Return what is to be said of one grant of one person."""
    now = [each for each in approvals.standings[user] if each.holds(approvals.day)]
    past = [each for each in approvals.standings[user] if each.until and each.until < approvals.day]
    asked = [Permitted(*each, row["scope"]) for each in gives.get(row["role"], ())]
    outside = approvals.beyond({each.role for each in now}, asked)
    earlier = next((each.role for each in past if outside and not approvals.beyond([each.role], outside)), "")
    began = max((each.since for each in now), default="")
    direct = row["subject_kind"] == USER and bool(past)
    moved = direct and row["created_at"][:10] < began and row["reviewed_on"][:10] < began
    return {
        "object": f"User//{user}",
        "member": row["binding"] + (f" through {row['subject']}" if row["subject_kind"] == USER_GROUP else ""),
        "binding": row["binding"],
        "place": place_words(row["scope"]),
        "role": row["role"],
        "outside": _few(outside),
        "earlier": earlier,
        "moved": began if moved else "",
        "subject": row["subject"],
        "roles": " and ".join(sorted(each.role for each in now)) or "none",
    }


def _few(asked: list[Permitted]) -> str:
    """Return the first of some permissions in words, and how many more there are."""
    if not asked:
        return ""
    first = asked[0]
    words = f"{first.verb} {first.resource}{'.' + first.group if first.group else ''}"
    return words + (f" and {len(asked) - 1} more" if len(asked) > 1 else "")
