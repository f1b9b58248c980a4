"""The answer to an incident question as frames to read: the gravest first, in few columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from hipaa_kit.graph.incident import Incident, nobody
from hipaa_kit.graph.permissions.asking import principal_of
from hipaa_kit.tables.incident import WAYS
from hipaa_kit.vocabulary import SEVERITIES

if TYPE_CHECKING:
    from hipaa_kit.assess.facade import Assessment

GRAVITY: Final = ("changes near ePHI", "reads near ePHI", "other changes", "refused", "other reads")
"""What an act is, from the gravest on: what was refused did nothing, but says what was wanted."""


def gravity(acts: pd.DataFrame) -> pd.Series:
    """Return for each row of `incident_acts` what it is: a word of `GRAVITY`."""
    found = pd.Series("other reads", index=acts.index, dtype="str")
    found = found.mask(acts["writes"], "other changes").mask(acts["ephi"] & ~acts["writes"], "reads near ePHI")
    found = found.mask(acts["ephi"] & acts["writes"], "changes near ePHI")
    return found.mask(acts["outcome"] == "refused", "refused")


def gravest(acts: pd.DataFrame) -> pd.DataFrame:
    """Return rows of `incident_acts`, the gravest first, then in the order in which they began.

    Parameters
    ----------
    acts
        Table of that name.
    """
    told = acts.assign(what=gravity(acts))
    order = told.assign(rank=told["what"].map(GRAVITY.index)).sort_values(["rank", "first_at", "identity"]).index
    columns = ["what", "identity", "verb", "resource", "namespace", "name", "outcome", "requests", "first_at"]
    found = told.loc[order, [*columns, "last_at", "addresses", "agents", "places"]].reset_index(drop=True)
    return found.assign(places=few(found["places"]))


def few(places: pd.Series) -> pd.Series:
    """Return the first of several places, with how many more are named in the whole table."""
    first, more = places.str.split(" ", n=1).str[0], places.str.count(" ")
    return first.where(more < 1, first + " and " + more.astype("str") + " more").astype("str")


def in_words(identities: pd.DataFrame) -> pd.DataFrame:
    """Return who is in question: the one asked about first, then by when each came to be."""
    order = identities.assign(later=identities["through"] != "itself").sort_values(["later", "since", "identity"]).index
    columns = ["identity", "through", "by", "since", "sure", "basis", "places"]
    return identities.loc[order, columns].reset_index(drop=True)


def reached(reach: pd.DataFrame) -> pd.DataFrame:
    """Return one row per target that could be reached, with every way, what holds ePHI and is sure first.

    Parameters
    ----------
    reach
        Table `incident_reach`.
    """
    ranked = reach.assign(rank=reach["way"].map(WAYS.index)).sort_values(["rank", "steps", "identity"], kind="stable")
    grouped = ranked.groupby("target", sort=True)
    told = pd.DataFrame(
        {
            "ephi": grouped["ephi"].any(),
            "sure": grouped["sure"].any(),
            "steps": grouped["steps"].min(),
            "ways": grouped["way"].agg(lambda each: ", ".join(dict.fromkeys(each))),
            "how": grouped["how"].first(),
            "from": grouped["identity"].first(),
            "proof": grouped["proof"].first(),
        }
    ).reset_index()
    order = ["ephi", "sure", "steps", "target"]
    return told.sort_values(order, ascending=[False, False, True, True]).reset_index(drop=True)


def taken_over(run: Assessment, who: str = "", since: str = "") -> Incident:
    """Return the answer about somebody; where nobody is named, about whoever the gravest hits of detections name.

    Parameters
    ----------
    run
        The assessment.
    who, since
        As for `Assessment.incident`. Without `who` the hits decide about both; without hits it is about nobody.
    """
    if who:
        return run.incident(who, since or month_before(run))
    hits = run.tables.detection_hits
    known = hits[~hits["subject"].str.startswith("address ") & (hits["subject"] != "")]
    if known.empty:
        return nobody(since or month_before(run), run.as_of)
    asked = known.assign(user=_acting(known["subject"]), rank=known["severity"].map(SEVERITIES.index))
    asked = asked.sort_values(["rank", "user", "first_at"], kind="stable")
    worst = asked[asked["rank"] == asked["rank"].min()].groupby("user")["detection"].nunique()
    user = worst.sort_values(ascending=False, kind="stable").index[0]
    return run.incident(str(user), since or str(asked.loc[asked["user"] == user, "first_at"].min()))


def month_before(run: Assessment) -> str:
    """Return the moment thirty days before the one that is judged for."""
    return str((pd.Timestamp(run.as_of) - pd.Timedelta(days=30)).isoformat())


def hits_of(run: Assessment, found: Incident) -> pd.DataFrame:
    """Return the hits of detections on those in question, each from the moment on from which they are.

    Parameters
    ----------
    run
        The assessment.
    found
        The answer.

    Notes
    -----
    Hits name the account and not the pod: those of a pod's account stand here where the account is in question too.
    """
    hits = run.tables.detection_hits
    users = _acting(hits["subject"])
    since: dict[str, str] = {}
    for identity, began in zip(found.identities["identity"], found.identities["since"], strict=True):
        user = principal_of(identity).name
        since[user] = min(began, since.get(user, began))
    began = pd.to_datetime(users.map(since), utc=True)
    first, last = (pd.to_datetime(hits[name], utc=True, format="ISO8601") for name in ("first_at", "last_at"))
    mine = hits[(last >= began) & (first <= pd.Timestamp(found.until))]
    columns = ["first_at", "severity", "detection", "subject", "object", "events", "what", "places"]
    told = mine.sort_values(["first_at", "detection"])[columns].reset_index(drop=True)
    return told.assign(places=few(told["places"]))


def _acting(subjects: pd.Series) -> pd.Series:
    """Return who made the requests, of subjects such as `ada as system:admin`."""
    # Not by `partition`, which has no columns where there is no row.
    return subjects.str.split(" as ", n=1).str[0]
