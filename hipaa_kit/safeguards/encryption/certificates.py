"""Certificates: whether they hold, and whether somebody sees to it that they go on to."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.safeguards.ages import moment, moments
from hipaa_kit.safeguards.check import check, fails, judge, not_assessed, reviews

DAYS_TO_RENEW = 1
"""Days that a renewal may take once it is due: an issuer may be slow, or a collection fall in the middle of it."""


@check("HK-ENC-13")
def certificates_hold(
    certificates: pd.DataFrame,
    entry_listeners: pd.DataFrame,
    *,
    as_of: str,
    certificate_days: int = 14,
    certificate_validity_days: int = 398,
    smallest_rsa_bits: int = 2048,
) -> pd.DataFrame:
    """Judge every Certificate by whether it holds and is renewed in time, and every Secret of an entry without one.

    Parameters
    ----------
    certificates, entry_listeners : tables of those names
    as_of
        Moment to judge for.
    certificate_days
        Days before its end by which a certificate has to be renewed.
    certificate_validity_days
        Most days that a certificate may hold for, before somebody has to ask why.
    smallest_rsa_bits
        Bits that an RSA key has at least.

    Returns
    -------
    table `judgements`, one row per Certificate, and one per Secret of an entry that no Certificate keeps

    Notes
    -----
    Secrets are not read: of a certificate that cert-manager does not keep nothing is known but its name.
    Source: https://cert-manager.io/docs/reference/api-docs/#cert-manager.io/v1.CertificateStatus
    """
    now, ends, starts = moment(as_of), moments(certificates["not_after"]), moments(certificates["not_before"])
    due = moments(certificates["renewal_time"])
    left = (ends - now).dt.days
    held = certificates.assign(
        kept=True,
        days_left=left,
        overdue=due.lt(now) & due.notna(),
        stuck=(now - due).dt.days.ge(DAYS_TO_RENEW) & due.notna(),
        planned=due.notna(),
        valid=(ends - starts).dt.days,
    )
    ended = entry_listeners[entry_listeners["tls"].isin(["terminated", "reencrypted"])]
    loose = {name for names in ended["certificates"] for name in names.split()} - set(certificates["secret"])
    names = pd.DataFrame({"object": sorted(loose)}, dtype="str")
    examined = pd.concat([held, names], ignore_index=True)
    kept = examined["kept"].eq(True)
    known = kept & examined["days_left"].notna()
    soon = known & examined["days_left"].lt(certificate_days)
    return judge(
        examined,
        fails(kept & examined["ready"].eq(False), "cert-manager says that it is not ready", observed="Ready is False"),
        fails(
            known & examined["days_left"].lt(0),
            "it has ended, at {not_after}",
            path="$.status.notAfter",
            observed="{not_after}",
        ),
        fails(
            soon & examined["planned"].eq(False),
            "it ends in {days_left:day}, and no renewal is planned",
            path="$.status.renewalTime",
            observed="{days_left:day}",
            expected=f"a renewal {certificate_days} days before the end",
        ),
        fails(
            soon & examined["overdue"].eq(True),
            "it ends in {days_left:day}, and was to be renewed at {renewal_time}",
            path="$.status.renewalTime",
            observed="{days_left:day}",
            expected="renewed by then",
        ),
        not_assessed(
            kept & (examined["ready"].isna() | examined["days_left"].isna()),
            "it has no status, or one of what it asked for before: whether and until when it holds is not known",
            code="input_missing",
        ),
        reviews(
            known & examined["stuck"].eq(True),
            "why was it not renewed? That was to be at {renewal_time}, and it ends in {days_left:day}",
            path="$.status.renewalTime",
            observed="{renewal_time}",
        ),
        reviews(
            kept & (examined["algorithm"] == "RSA") & examined["key_bits"].lt(smallest_rsa_bits).fillna(False),
            "is an RSA key of {key_bits:bit} enough?",
            path="$.spec.privateKey.size",
            observed="{key_bits:bit}",
        ),
        reviews(
            known & examined["valid"].gt(certificate_validity_days).fillna(False),
            "is it meant to hold for {valid:day}?",
            path="$.spec.duration",
            observed="{valid:day}",
        ),
        reviews(
            examined["object"].str.startswith("Secret/*/"),
            "where is it, who renews it, and when does it end? Not all pods that may serve its gateway were seen",
            observed="no pods",
        ),
        reviews(
            ~kept,
            "who renews it, and when does it end? No Certificate keeps it",
            observed="no Certificate",
            rests_on=["certificates"],
        ),
        passes="it holds for {days_left:more day}, by {issuer}",
        observed="{not_after}",
    )
