"""Keys: named by the site, kept apart from what they protect, and changed."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.safeguards.ages import days_since, whole_days
from hipaa_kit.safeguards.check import check, judge, reviews, to_give


@check("HK-ENC-06")
def keys_managed(keys: pd.DataFrame, *, key_age_days: int = 365, as_of: str) -> pd.DataFrame:
    """Judge every key of encryption at rest by whether the site chose it, where it lives, and whether it is changed.

    Parameters
    ----------
    keys : table of that name
    key_age_days : int
        Days after which a key that is not changed by itself is asked about.
    as_of : str
        Moment to judge for.

    Returns
    -------
    table `judgements`, one row per key

    Notes
    -----
    Who may read a key that stands in a Secret is told by table `key_readers`.
    """
    age = whole_days(days_since(keys["rotated_on"], as_of)).astype("Int64")
    rotates = keys["rotates"].eq(True).fillna(False)
    examined = keys.assign(
        object="Key//" + keys["key"].str.replace("/", ":"),
        age=age,
        how=rotates.map({True: "it is changed by itself"}).fillna("it was changed on " + keys["rotated_on"]),
    )
    return judge(
        examined,
        reviews(keys["kind"] == "default", "is a key of the provider enough? {key} protects {objects:object}"),
        reviews(keys["place"].isin(["cluster", "node"]), "is it apart from the data? {key} is {local}"),
        reviews(
            ~keys["place"].isin(["external", "cluster", "node"]), "where does {key} live? It protects {objects:object}"
        ),
        reviews(
            ~rotates & (keys["rotated_on"] == ""),
            f"when was {{key}} last changed? Nothing says; {to_give('key_register')}",
        ),
        reviews(~rotates & (age > key_age_days), "should {key} be changed? It is {age:day} old"),
        observed="{local}",
        passes="{key} is {local}; {how}",
    )
