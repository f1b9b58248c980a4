"""Clocks: the moments in logs of different nodes can be held against each other."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.safeguards.check import check, fails, judge, not_assessed


@check("HK-AUD-08", without_scope=True)
def clocks_agree(node_clocks: pd.DataFrame, *, clock_skew_seconds: int = 60) -> pd.DataFrame:
    """Judge every node by how far its clock was from that of the API server when it last renewed its Lease.

    Parameters
    ----------
    node_clocks : table of that name
    clock_skew_seconds
        Seconds that a clock may be ahead or behind.

    Returns
    -------
    table `judgements`, one row per node

    Notes
    -----
    Where all clocks are wrong together, and what keeps them right, is not visible. A request waits at most a few
    seconds between the two moments, which counts as the node being behind.
    """
    skew = node_clocks["skew_seconds"]
    examined = node_clocks.assign(
        object=node_clocks["node"],
        apart=skew.abs().round(1),
        side=(skew > 0).fillna(False).map({True: "ahead of", False: "behind"}),
    )
    bare = examined["lease"] == ""
    return judge(
        examined,
        fails(
            (examined["apart"] > clock_skew_seconds).fillna(False).astype(bool),
            f"its clock was {{apart:second}} {{side}} that of the API server, of at most {clock_skew_seconds}",
            path="$.spec.renewTime",
            observed="{apart:second}",
            expected=f"at most {clock_skew_seconds} seconds",
        ),
        not_assessed(bare, "it has no Lease in kube-node-lease", code="input_missing"),
        not_assessed(
            ~bare & examined["apart"].isna(),
            "its Lease does not say when the API server took it: kubectl get leases -n kube-node-lease -o json"
            " --show-managed-fields has that",
            code="input_missing",
        ),
        evidence="lease",
        observed="{apart:second}",
        passes="its clock was {apart:second} from that of the API server",
    )
