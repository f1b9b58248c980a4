"""Failed sign-ins where they happen: at the identity provider, which the API server's log does not show."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from hipaa_kit.safeguards.check import check, judge, not_assessed, reviews

WINDOW: Final = pd.Timedelta(minutes=5)


@check("HK-LOG-29", without_scope=True)
def failed_sign_ins(
    sign_ins: pd.DataFrame, *, failed_sign_ins_in_5_minutes: int = 10, users_failing_in_5_minutes: int = 10
) -> pd.DataFrame:
    """Judge failed sign-ins by how many come together, of one user, and of different ones.

    Parameters
    ----------
    sign_ins : table of that name
    failed_sign_ins_in_5_minutes
        As many of one user within five minutes are a burst.
    users_failing_in_5_minutes
        As many different users that fail at one provider within five minutes are one.

    Returns
    -------
    table `judgements`, one row per provider and burst, and one per provider

    Notes
    -----
    Users are pseudonyms, and addresses are not kept: one attempt each at many users is told by how many users fail.
    """
    timed = sign_ins[sign_ins["at"] != ""].assign(moment=lambda rows: pd.to_datetime(rows["at"], utc=True))
    rows: list[dict[str, Any]] = []
    for provider, each in timed.sort_values("moment").groupby("provider"):
        failed = each[each["outcome"] == "failure"]
        found = [*_of_users(each, failed, failed_sign_ins_in_5_minutes), *_of_many(failed, users_failing_in_5_minutes)]
        window = f"from {each['at'].min()} to {each['at'].max()}"
        rows += [{"object": f"IdentityProvider//{provider}", "kind": "burst", **row} for row in found]
        untold = int((sign_ins["provider"] == provider).sum()) - len(each)
        untold += int((each["outcome"] == "unknown").sum())
        state = "some" if found else "untold" if untold else "none"
        whole = {"kind": state, "member": "sign-ins", "what": window, "count": len(found), "untold": untold}
        rows.append({"object": f"IdentityProvider//{provider}", "severity": "", **whole})
    columns = ["object", "member", "kind", "what", "severity", "count", "untold"]
    examined = pd.DataFrame(rows, columns=columns).fillna({"count": 0, "untold": 0})
    kind = examined["kind"]
    return judge(
        examined,
        reviews(kind == "burst", "{what}", severity="{severity}"),
        reviews(kind == "some", "{count} bursts {what}: is each of them a slip of somebody known?"),
        not_assessed(
            kind == "untold", "of {untold} sign-ins it is not said how or when they ended", code="parse_error"
        ),
        member="member",
        passes="no burst of failures {what}; of any other time it says nothing",
    )


def _of_users(each: pd.DataFrame, failed: pd.DataFrame, number: int) -> list[dict[str, Any]]:
    """Return the bursts of single users; one that ends in success within five minutes is critical."""
    found = []
    for user, mine in failed[failed["user"] != ""].groupby("user"):
        for burst in _bursts(mine):
            most = int(burst.set_index("moment")["event"].rolling(WINDOW, closed="both").count().max())
            if most >= number:
                last = burst["moment"].max()
                after = each[(each["user"] == user) & (each["outcome"] == "success")]["moment"]
                entered = bool(after.between(last, last + WINDOW).any())
                told = f"user {user} failed {len(burst)} times, {most} within five minutes, from {burst['at'].min()} on"
                found.append(
                    {
                        "member": f"{user} {burst['at'].min()}",
                        "what": told + (", and then got in" if entered else ""),
                        "severity": "critical" if entered else "medium",
                    }
                )
    return found


def _of_many(failed: pd.DataFrame, number: int) -> list[dict[str, Any]]:
    """Return the bursts in which many different users failed."""
    found = []
    for burst in _bursts(failed[failed["user"] != ""]):
        most = max(
            burst.loc[burst["moment"].between(moment - WINDOW, moment), "user"].nunique() for moment in burst["moment"]
        )
        if most >= number:
            told = f"{burst['user'].nunique()} users failed, {most} within five minutes, from {burst['at'].min()} on"
            found.append({"member": f"many users {burst['at'].min()}", "what": told, "severity": "medium"})
    return found


def _bursts(failed: pd.DataFrame) -> list[pd.DataFrame]:
    """Return failures in runs that no five minutes without one divide."""
    if failed.empty:
        return []
    number = (failed["moment"].diff() > WINDOW).cumsum()
    return [run for _, run in failed.groupby(number)]
