"""The control plane: which TLS its components speak, and whom they take for whom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from hipaa_kit.safeguards.check import check, fails, judge, not_assessed

OBJECT = "Cluster//control-plane"
OLD = ("VersionTLS10", "VersionTLS11")
NEW = ("", "VersionTLS12", "VersionTLS13")
WEAK = ("RC4", "3DES")
"""Words in names of cipher suites that the documentation of the API server calls insecure."""

NOTHING: dict[str, Any] = {
    "object": OBJECT,
    **dict.fromkeys(("wrong", "observed", "expected", "severity", "words"), ""),
    **dict.fromkeys(("unread", "hidden", "operated"), False),
}
"""What a row holds where it says nothing else."""

SERVER_FILES = {
    "client-ca-file": ("", "who clients are"),
    "etcd-cafile": ("", "who etcd is"),
    "etcd-certfile": ("", "itself to etcd"),
    "kubelet-certificate-authority": ("medium", "who kubelets are"),
}
"""Flags of the API server that name a certificate: the severity of its lack where it is not the control's own."""

ETCD_TRUE = {"client-cert-auth": "clients", "peer-client-cert-auth": "peers"}
ETCD_FALSE = ("auto-tls", "peer-auto-tls")
ETCD_URLS = {"listen-client-urls": "clients", "listen-peer-urls": "peers"}
PLAIN_URL = "http://"


@check("HK-ENC-14")
def control_plane_speaks_tls(
    control_plane_members: pd.DataFrame, control_plane_flags: pd.DataFrame, tls_profiles: pd.DataFrame
) -> pd.DataFrame:
    """Judge the control plane by the flags of its API servers and etcd members, or by the TLS profile of OpenShift.

    Parameters
    ----------
    control_plane_members, control_plane_flags, tls_profiles : tables of those names

    Returns
    -------
    table `judgements`, one row per setting of each component, all of the one object `Cluster//control-plane`

    Notes
    -----
    Without a flag the API server speaks TLS 1.2 and newer. A single etcd has no peers. A profile of OpenShift says
    which TLS is spoken, and nothing of certificates that etcd asks for, or by which kubelets are known.
    Source: https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/,
    https://etcd.io/docs/v3.6/op-guide/security/
    """
    rows = [*_flags(control_plane_members, control_plane_flags), *_profiles(tls_profiles)]
    seen = {row["component"] for row in rows}
    if "kube-apiserver" not in seen:
        rows.append(
            {"member": "kube-apiserver", "component": "", "operated" if "APIServer" in seen else "hidden": True}
        )
    examined = pd.DataFrame([{**NOTHING, **row} for row in rows])
    wrong = examined["wrong"] != ""
    return judge(
        examined,
        fails(wrong & (examined["severity"] == ""), "{member}: {wrong}", observed="{observed}", expected="{expected}"),
        fails(
            wrong & (examined["severity"] != ""),
            "{member}: {wrong}",
            observed="{observed}",
            expected="{expected}",
            severity="medium",
        ),
        not_assessed(examined["unread"], "what {member} says is not understood", code="input_missing"),
        not_assessed(
            examined["operated"],
            "whether etcd asks for certificates, and kubelets are checked, no profile of TLS says: operators set that",
            code="input_missing",
        ),
        not_assessed(
            examined["hidden"],
            "no API server shows its settings: the provider, or a server without pods, keeps them",
            code="managed_plane",
        ),
        member="member",
        passes="{words}",
    )


def _flags(members: pd.DataFrame, flags: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield what is wrong, or right, with each setting of each API server and etcd."""
    etcds = int((members["component"] == "etcd").sum())
    judged = members[members["component"].isin(["kube-apiserver", "etcd"])]
    for component, pod, read in judged[["component", "pod", "flags_read"]].itertuples(index=False):
        if not read:
            yield {"member": pod, "component": component, "unread": True}
            continue
        held = flags[flags["pod"] == pod]
        given = dict(zip(held["name"], held["value"], strict=True))
        found = _server(given) if component == "kube-apiserver" else _etcd(given, etcds)
        for flag, wrong, expected, severity in found:
            yield {
                "unread": flag == "tls-min-version" and given.get(flag, "") not in (*OLD, *NEW),
                "member": f"{pod} --{flag}",
                "component": component,
                "wrong": wrong,
                "observed": given.get(flag, "not set"),
                "expected": expected,
                "severity": severity,
                "words": f"{pod} --{flag} is {given.get(flag, 'not set')}",
            }


Setting = tuple[str, str, str, str]
"""Flag, what is wrong with it or "", what was expected, and the severity where it is not the control's own."""


def _server(given: dict[str, str]) -> Iterator[Setting]:
    lowest, suites = given.get("tls-min-version", ""), given.get("tls-cipher-suites", "")
    yield "tls-min-version", f"TLS as old as {lowest} is spoken" if lowest in OLD else "", "VersionTLS12", ""
    weak = [suite for suite in suites.split(",") if any(word in suite for word in WEAK)]
    yield "tls-cipher-suites", f"insecure suites are allowed: {' '.join(weak)}" if weak else "", "none of RC4, 3DES", ""
    stores = given.get("etcd-servers", "")
    yield "etcd-servers", "it speaks to etcd without TLS" if _plain(stores) else "", "https", ""
    for flag, (severity, what) in SERVER_FILES.items():
        wrong = "" if given.get(flag) else f"it does not show {what}" if "cert" in flag and "auth" not in flag else ""
        yield flag, wrong or ("" if given.get(flag) else f"it does not check {what}"), "a file", severity


def _plain(urls: str) -> bool:
    """Tell whether any of a list of addresses is without TLS."""
    return any(url.strip().lower().startswith(PLAIN_URL) for url in urls.split(","))


def _etcd(given: dict[str, str], members: int) -> Iterator[Setting]:
    for flag, whom in ETCD_TRUE.items():
        if whom == "clients" or members > 1:
            yield flag, "" if given.get(flag) == "true" else f"certificates of {whom} are not asked for", "true", ""
    for flag, whom in ETCD_URLS.items():
        if given.get(flag) and (whom == "clients" or members > 1):
            # Certificates count for nothing where they are not asked for: etcd then only warns that they go unused.
            yield flag, f"it listens to {whom} without TLS" if _plain(given[flag]) else "", "https", ""
    for flag in ETCD_FALSE:
        on = given.get(flag) == "true"
        yield flag, "certificates are made by itself, and prove nothing" if on else "", "false", ""


def _profiles(profiles: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for row in profiles.to_dict("records"):
        custom = row["profile"] == "Custom"
        old = row["profile"] == "Old" or (custom and row["min_version"] in OLD)
        known = row["profile"] in ("Old", "Intermediate", "Modern") or (
            custom and row["min_version"] in (*OLD, *NEW[1:])
        )
        yield {
            "unread": not known,
            "member": f"{row['object']} tlsSecurityProfile",
            "component": "APIServer",
            "wrong": f"profile {row['profile']} speaks TLS older than 1.2" if old else "",
            "observed": row["profile"],
            "expected": "Intermediate or Modern",
            "words": f"{row['object']} has TLS profile {row['profile']}",
        }
