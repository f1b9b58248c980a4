"""Detections on the API server's audit log: each hit is a question to a person, or a failure where the facts say so.

What each looks for stands in `kube/audit/detections.py`; what is here are the numbers that a site may set. None of them
is one of the rule: they are proposals of the kit.
"""

from __future__ import annotations

import pandas as pd

from hipaa_kit.inventory.audit_log.completeness import GAP_MINUTES
from hipaa_kit.safeguards.check import check
from hipaa_kit.safeguards.suspicious_activity.hits import judged

PLAIN = ("03", "05", "10", "15", "18", "25", "27", "28", "30")
"""Numbers of detections that a site sets nothing for, about what holds ePHI."""

EVERYWHERE = ("04", "08", "09", "11", "12", "13", "14", "20", "24", "26")
"""Numbers of detections that a site sets nothing for, about the whole cluster."""


def _plain(number: str, *, without_scope: bool) -> None:
    @check(f"HK-LOG-{number}", without_scope=without_scope, everywhere=True)
    def hits_of_a_detection(detection_hits: pd.DataFrame, detection_sight: pd.DataFrame) -> pd.DataFrame:
        """Judge every hit of a detection, and the log by whether nothing found means anything.

        Parameters
        ----------
        detection_hits, detection_sight : tables of those names

        Returns
        -------
        table `judgements`, one row per hit on the object that it is about, and one for the log
        """
        return judged(f"LOG-{number}", detection_hits, detection_sight)


for _number in PLAIN:
    _plain(_number, without_scope=False)
for _number in EVERYWHERE:
    _plain(_number, without_scope=True)


@check("HK-LOG-01", without_scope=True, everywhere=True)
def refused_requests(
    detection_hits: pd.DataFrame, detection_sight: pd.DataFrame, *, refused_in_5_minutes: int = 10
) -> pd.DataFrame:
    """Judge bursts of refused requests, by user and by the address that the server saw.

    Parameters
    ----------
    detection_hits, detection_sight : tables of those names
    refused_in_5_minutes
        As many within five minutes are a burst.

    Returns
    -------
    table `judgements`, one row per burst, and one for the log

    Notes
    -----
    A request that cannot be authenticated has no user, and several people may share an address.
    """
    number = float(refused_in_5_minutes)
    return judged(
        "LOG-01", detection_hits, detection_sight, at_least={"by user": number, "by address": number}, lowest=5
    )


@check("HK-LOG-02", without_scope=True, everywhere=True)
def unauthenticated_requests_allowed(detection_hits: pd.DataFrame, detection_sight: pd.DataFrame) -> pd.DataFrame:
    """Judge requests that were let through without anybody having signed in.

    Parameters
    ----------
    detection_hits, detection_sight : tables of those names

    Returns
    -------
    table `judgements`, one row per principal, object and burst, and one for the log
    """
    return judged("LOG-02", detection_hits, detection_sight, failing=True)


@check("HK-LOG-06", everywhere=True)
def secrets_enumerated(
    detection_hits: pd.DataFrame, detection_sight: pd.DataFrame, *, secrets_in_5_minutes: int = 10
) -> pd.DataFrame:
    """Judge who lists Secrets, or reads many of them one by one.

    Parameters
    ----------
    detection_hits, detection_sight : tables of those names
    secrets_in_5_minutes
        As many different ones within five minutes are too many.

    Returns
    -------
    table `judgements`, one row per principal, object and burst, and one for the log
    """
    return judged("LOG-06", detection_hits, detection_sight, at_least={"burst": float(secrets_in_5_minutes)}, lowest=5)


@check("HK-LOG-07", optional=["access_matrix", "workforce"], everywhere=True)
def secrets_read_by_others(
    detection_hits: pd.DataFrame,
    detection_sight: pd.DataFrame,
    access_matrix: pd.DataFrame,
    workforce: pd.DataFrame,
    *,
    baseline_days: int = 30,
) -> pd.DataFrame:
    """Judge who reads Secrets of pods with ePHI: outside the access matrix, or, without one, for the first time.

    Parameters
    ----------
    detection_hits, detection_sight, access_matrix, workforce : tables of those names
    baseline_days
        A log that is shorter does not show who always read them.

    Returns
    -------
    table `judgements`, one row per principal, object and burst, and one for the log

    Notes
    -----
    What is new is called so from the second day of the log on: it says for how long nothing was seen before.
    """
    matrix = len(access_matrix) > 0 and len(workforce) > 0
    return judged("LOG-07", detection_hits, detection_sight, days=0 if matrix else float(baseline_days))


@check("HK-LOG-16", everywhere=True)
def log_tampered_with(
    detection_hits: pd.DataFrame, detection_sight: pd.DataFrame, *, audit_gap_minutes: int = GAP_MINUTES
) -> pd.DataFrame:
    """Judge what was done to events, to what keeps or watches the log, and gaps of the log itself.

    Parameters
    ----------
    detection_hits, detection_sight : tables of those names
    audit_gap_minutes
        An API server that writes nothing for so many minutes has a gap.

    Returns
    -------
    table `judgements`, one row per principal, object and burst, one per gap, and one for the log
    """
    kept = {"gap": float(audit_gap_minutes)}
    return judged("LOG-16", detection_hits, detection_sight, at_least=kept, lowest=GAP_MINUTES)


@check("HK-LOG-17", everywhere=True)
def unusual_times_and_places(
    detection_hits: pd.DataFrame, detection_sight: pd.DataFrame, *, first_seen_days: int = 30
) -> pd.DataFrame:
    """Judge people at work in namespaces with ePHI outside business hours, or from where they never came before.

    Parameters
    ----------
    detection_hits, detection_sight : tables of those names
    first_seen_days
        A log that is shorter does not show where people always came from.

    Returns
    -------
    table `judgements`, one row per person, namespace and burst, and one for the log

    Notes
    -----
    Countries are not looked up: that would send addresses to somebody, or need a register of them.
    """
    return judged("LOG-17", detection_hits, detection_sight, days=float(first_seen_days))


@check("HK-LOG-19", everywhere=True)
def mass_deletion(
    detection_hits: pd.DataFrame, detection_sight: pd.DataFrame, *, deletes_in_10_minutes: int = 5
) -> pd.DataFrame:
    """Judge deletions of what holds ePHI: many, all of a kind, a whole namespace, or a backup.

    Parameters
    ----------
    detection_hits, detection_sight : tables of those names
    deletes_in_10_minutes
        As many within ten minutes are too many.

    Returns
    -------
    table `judgements`, one row per principal, object and burst, and one for the log
    """
    return judged("LOG-19", detection_hits, detection_sight, at_least={"burst": float(deletes_in_10_minutes)}, lowest=3)


@check("HK-LOG-21", without_scope=True, everywhere=True)
def reconnaissance(
    detection_hits: pd.DataFrame, detection_sight: pd.DataFrame, *, kinds_in_a_minute: int = 5
) -> pd.DataFrame:
    """Judge who looks around: service accounts that ask what they may do, principals that list one kind after another.

    Parameters
    ----------
    detection_hits, detection_sight : tables of those names
    kinds_in_a_minute
        As many different kinds listed within a minute are too many.

    Returns
    -------
    table `judgements`, one row per principal and burst, and one for the log
    """
    return judged("LOG-21", detection_hits, detection_sight, at_least={"burst": float(kinds_in_a_minute)}, lowest=3)


@check("HK-LOG-22", without_scope=True, optional=["tickets"], everywhere=True)
def emergency_access_used(
    detection_hits: pd.DataFrame, detection_sight: pd.DataFrame, tickets: pd.DataFrame
) -> pd.DataFrame:
    """Judge uses of emergency access by whether a ticket was open at that time.

    Parameters
    ----------
    detection_hits, detection_sight, tickets : tables of those names

    Returns
    -------
    table `judgements`, one row per principal, object and burst, and one for the log

    Notes
    -----
    Without tickets no use can be called one without a ticket: it is a question.
    """
    return judged("LOG-22", detection_hits, detection_sight, failing=len(tickets) > 0)


@check("HK-LOG-23", without_scope=True, everywhere=True)
def ended_and_idle_users(
    detection_hits: pd.DataFrame, detection_sight: pd.DataFrame, *, idle_days: int = 90
) -> pd.DataFrame:
    """Judge users who act after their last day of work, or after a long time without a trace.

    Parameters
    ----------
    detection_hits, detection_sight : tables of those names
    idle_days
        Days without a request after which somebody counts as idle.

    Returns
    -------
    table `judgements`, one row per principal, object and burst, and one for the log

    Notes
    -----
    Who is first seen so many days after the log began was idle for at least as long, or is new: a question. For how
    long somebody was idle who is first seen before that is not known.
    """
    least = {"idle": float(idle_days), "first": float(idle_days)}
    return judged(
        "LOG-23", detection_hits, detection_sight, at_least=least, failing=("ended",), days=float(idle_days), lowest=7
    )


@check("HK-LOG-31", everywhere=True)
def unusual_volume(
    detection_hits: pd.DataFrame, detection_sight: pd.DataFrame, *, times_the_usual: float = 3
) -> pd.DataFrame:
    """Judge days on which an identity did far more in a namespace with ePHI than on its earlier days there.

    Parameters
    ----------
    detection_hits, detection_sight : tables of those names
    times_the_usual
        From how many times the median of its earlier days on a day is unusual.

    Returns
    -------
    table `judgements`, one row per identity, namespace and day, and one for the log

    Notes
    -----
    A day counts with at least 20 requests and seven earlier days on which the identity was there, and where it is
    further from their median than six times their median distance from it. Shorter logs have no baseline.
    """
    return judged("LOG-31", detection_hits, detection_sight, days=8, at_least={"": float(times_the_usual)}, lowest=2)
