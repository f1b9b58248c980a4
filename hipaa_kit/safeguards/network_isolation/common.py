"""What several checks of network isolation share."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.safeguards.check import Outcome, not_assessed


def unless_enforced(examined: pd.DataFrame) -> Outcome:
    """Say of every row that would pass that policies alone show nothing, where nothing is known to enforce them.

    Parameters
    ----------
    examined
        Rows with a column `enforcement`.
    """
    return not_assessed(
        examined["enforcement"] != "enforced",
        "policies allow no more, but that anything enforces them is not known",
        code="input_missing",
    )


def enforcement(reachability_options: pd.DataFrame) -> str:
    """Return whether anything enforces policy in the cluster."""
    held = reachability_options[reachability_options["option"] == "enforcement"]
    return str(held["value"].iloc[0])


def of_ephi(isolation: pd.DataFrame, ephi_workloads: pd.DataFrame, direction: str = "") -> pd.DataFrame:
    """Return the rows of `isolation` of ePHI workloads, of one direction or of both."""
    inside = isolation[isolation["workload"].isin(ephi_workloads["object"])]
    return inside[inside["direction"] == direction] if direction else inside


def policies_of(isolation: pd.DataFrame) -> pd.DataFrame:
    """Return one row per pod, direction and policy that selects it, with the policy as `policy`."""
    each = isolation.assign(policy=isolation["policies"].str.split())
    return each.explode("policy").dropna(subset=["policy"])


def with_others(traffic: pd.DataFrame) -> pd.DataFrame:
    """Return `ephi_traffic` with ends in words, where a row stands for several that are alike."""
    return traffic.assign(
        **{
            end: traffic[end].where(
                traffic[f"{end}_others"] == 0,
                traffic[end] + " and " + traffic[f"{end}_others"].astype(str) + " more that are alike",
            )
            for end in ("source", "destination")
        }
    )
