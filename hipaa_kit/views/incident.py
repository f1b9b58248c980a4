"""The answer to an incident question as frames to read: the gravest first, in few columns."""

from __future__ import annotations

from typing import Final

import pandas as pd

from hipaa_kit.tables.incident import WAYS

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
    return told.loc[order, [*columns, "last_at", "addresses", "agents", "places"]].reset_index(drop=True)


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
