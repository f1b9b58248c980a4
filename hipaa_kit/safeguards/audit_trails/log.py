"""The audit log itself: complete as far as it can tell, and free of what it must not hold."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.inventory.audit_log.completeness import GAP_MINUTES, without_log
from hipaa_kit.safeguards.check import check, fails, judge, not_assessed, reviews, to_give

SPARSE = 5
"""A gap that is not longer than so many of the log's usual pauses may be quiet alone."""


@check("HK-AUD-11", without_scope=True)
def log_complete(
    audit_windows: pd.DataFrame,
    audit_gaps: pd.DataFrame,
    control_plane_members: pd.DataFrame,
    *,
    audit_gap_minutes: int = GAP_MINUTES,
) -> pd.DataFrame:
    """Judge every API server's log by its gaps, and by what of it could not be read.

    Parameters
    ----------
    audit_windows, audit_gaps, control_plane_members : tables of those names
    audit_gap_minutes
        A gap of so many minutes needs an explanation.

    Returns
    -------
    table `judgements`, one row per log, per gap, and per API server whose log was not given

    Notes
    -----
    A log cannot tell what was taken out of it between two events that follow closely. Of what a provider exports nobody
    can tell either what its delivery lost, so that it is never found complete.
    Source: https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html (best effort)
    """
    about = audit_windows.set_index("object")
    gaps = audit_gaps[audit_gaps["minutes"] >= audit_gap_minutes].assign(kind="gap")
    gaps = gaps.assign(
        member="gap from " + gaps["first_at"].astype("str"),
        told="a gap that ends with a start of the API server",
        events=0,
        usual=gaps["object"].map(about["usual_minutes"]).astype("Float64"),
        delivery=gaps["object"].map(about["delivery"]),
    )
    windows = audit_windows.assign(
        told="no gap of that length is without explanation", usual=audit_windows["usual_minutes"]
    )
    lacking = _without_log(control_plane_members, audit_windows)
    examined = pd.concat([windows.assign(kind="window", member="window"), gaps, lacking]).reset_index(drop=True)
    window, gap = examined["kind"] == "window", examined["kind"] == "gap"
    promised = examined["delivery"].isin(["file", "webhook"])
    explained = examined["restarted"].astype("boolean").fillna(False)
    quiet = examined["minutes"] <= SPARSE * examined["usual"]
    return judge(
        examined,
        fails(
            gap & promised & ~explained & ~quiet.fillna(False),
            "no event for {minutes:minute}, until {last_at}",
            observed="{minutes:minute}",
            expected=f"less than {audit_gap_minutes} minutes, or a start of the API server at its end",
        ),
        not_assessed(
            (window | gap) & ~promised,
            "from {first_at} to {last_at}: the provider does not promise that it delivers all",
            code="managed_plane",
        ),
        not_assessed(
            examined["kind"] == "lacking",
            f"its audit log is not among those that were given; {to_give('audit_log')}",
            code="input_missing",
        ),
        not_assessed(
            window & (audit_gap_minutes < GAP_MINUTES),
            f"pauses are told from {GAP_MINUTES} minutes on: set a higher number",
            code="input_missing",
        ),
        reviews(window & (examined["unread"] > 0), "what was on {unread:line} that could not be read?"),
        reviews(
            window & (examined["truncated"] > 0),
            "where is the rest? {truncated} of {files:file} {truncated:is|are} cut short",
        ),
        reviews(
            window & (examined["reused"] > 0),
            "who chose auditIDs that were used already? {reused:event} {reused:has|have} one",
        ),
        reviews(window & (examined["undated"] > 0), "when was it? {undated:event} {undated:tells|tell} no moment"),
        reviews(
            window & (examined["skew"] > 0),
            "who set the clock back? {skew:event} {skew:ends before it begins|end before they begin}",
        ),
        reviews(gap & ~explained & quiet, "was it quiet? No event for {minutes:minute}, in a log that often pauses"),
        passes="from {first_at} to {last_at}: {told}",
        member="member",
    )


def _without_log(members: pd.DataFrame, windows: pd.DataFrame) -> pd.DataFrame:
    """Return the API servers of which no log was given."""
    servers = members[members["component"] == "kube-apiserver"]
    logs = windows[windows["log"] == "kube-apiserver"]["server"]
    missing = servers["pod"][without_log([*servers["node"]], [*logs])]
    return pd.DataFrame({"object": missing.astype("str")}).assign(kind="lacking", member="log")


@check("HK-AUD-12", without_scope=True)
def log_without_values(audit_windows: pd.DataFrame, audit_values: pd.DataFrame) -> pd.DataFrame:
    """Judge every log by whether values of Secrets, tokens or identifiers of patients got into it.

    Parameters
    ----------
    audit_windows, audit_values : tables of those names

    Returns
    -------
    table `judgements`, one row per log, and one per way in which values got into it; the values are never shown

    Notes
    -----
    A body of a Secret, ConfigMap, TokenReview or token is in the log from level Request on. Other bodies are dropped
    without being searched: what they hold is for the policy to keep out (HK-AUD-03).
    Source: https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/#audit-policy
    """
    parts = zip(*(audit_values[name] for name in ("what", "resource", "subresource")), strict=True)
    members = pd.Series(["/".join(filter(None, each)) for each in parts], index=audit_values.index, dtype="str")
    found = audit_values.assign(member=members, hit=True)
    examined = pd.concat([audit_windows.assign(member="log", hit=False), found]).reset_index(drop=True)
    body = examined["what"].eq("body").fillna(False)
    hit = examined["hit"].astype(bool)
    return judge(
        examined,
        fails(
            hit & body,
            "{events:event} {events:holds|hold} the bodies of {resource}, at level {levels}",
            observed="{events:event}",
            expected="level Metadata",
        ),
        fails(
            hit & ~body,
            "{events:event} {events:holds|hold} what looks like a {what} in a path, a name or the user agent",
            observed="{events:event}",
            expected="none",
        ),
        reviews(~hit & (examined["unread"] > 0), "what was on {unread:line} that could not be read?"),
        passes="no body of a Secret, ConfigMap or token, and nothing that looks like one, in {events:event}",
        member="member",
    )
