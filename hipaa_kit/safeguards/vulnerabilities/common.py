"""What the checks of this topic share: images with the scan that says most of them."""

from __future__ import annotations

from typing import Final

import pandas as pd

from hipaa_kit.inventory.image_scans import KEY
from hipaa_kit.safeguards.check import Outcome, not_assessed, reviews

SCAN: Final = ["matched_by", "tool", "scanned_at", "report", "os_family", "os_version", "os_ended", "found"]


def with_best_scan(ephi_images: pd.DataFrame, scans: pd.DataFrame, worst: str = "") -> pd.DataFrame:
    """Return every image with the scan that is nearest to what runs, the newest of several.

    Parameters
    ----------
    ephi_images, scans
        Tables `ephi_images`, and `ephi_image_scans` or its like.
    worst
        Column in which, of the newest scans of several scanners, the highest value counts before the time; without
        one, those that tell what they found do.

    Returns
    -------
    pandas.DataFrame
        One row per image; `object` and `member` name it in judgements, `matched_by` is "" where no scan is known.
    """
    near = scans[scans["newest"]].sort_values("scanned_at", ascending=False, kind="stable")
    if worst:
        near = near.sort_values(worst, ascending=False, kind="stable")
    else:
        near = near.sort_values("found", key=pd.isna, kind="stable")
    best = near.sort_values("matched_by", kind="stable").drop_duplicates(KEY)[[*KEY, *SCAN]]
    joined = ephi_images.merge(best, on=KEY, how="left")
    told = {name: joined[name].fillna("").astype("str") for name in SCAN if name not in ("os_ended", "found")}
    by_tag = ~joined["image"].str.contains("@", regex=False).astype(bool) & (joined["digest"] != "")
    runs = joined["image"] + (" " + joined["digest"].str[:19]).where(by_tag, "")
    return joined.assign(
        **told,
        object=joined["workload"],
        member=joined["container"] + "/" + runs,
        runs=joined["digest"].where(joined["digest"] != "", "an image whose digest is not known"),
    )


def by_name_alone(examined: pd.DataFrame) -> Outcome:
    """Ask about images whose scan names them by a tag, which may have stood for another image then."""
    return reviews(
        examined["matched_by"] == "name",
        "is what {tool} scanned as {image} what container {container} runs, {runs}? The scan names no digest of it",
        observed="{tool}",
    )


def looked_at_packages(examined: pd.DataFrame) -> Outcome:
    """Ask about images whose scan does not tell whether anything was found in them."""
    return reviews(
        (examined["matched_by"] != "") & examined["found"].isna(),
        "did {tool} look for vulnerabilities in {image}, in container {container}? It lists packages alone",
        observed="{tool}",
    )


def scanned_later(examined: pd.DataFrame, age: pd.Series, days: int) -> Outcome:
    """Say of which images the scan tells nothing of the moment judged for: it is dated long after that."""
    return not_assessed(
        (examined["matched_by"] != "") & (age < -days).fillna(False),
        f"{{tool}} dates its scan of {{image}}, in container {{container}}, at {{scanned_at}}: over {days} days after "
        "the moment judged for",
        code="no_record",
    )


def unscanned(examined: pd.DataFrame) -> Outcome:
    """Say which images cannot be judged because no scan of them is known."""
    return not_assessed(
        examined["matched_by"] == "", "no scan of {image}, in container {container}, is known", code="input_missing"
    )
