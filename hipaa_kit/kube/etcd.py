"""Whom a member of etcd lets in, by the flags it runs with.

Source: https://etcd.io/docs/v3.6/op-guide/configuration/, https://etcd.io/docs/v3.6/op-guide/security/
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

from hipaa_kit.kube.admission.targets import host_of
from hipaa_kit.kube.command_flags import Flag

LOCAL: Final = "local"
CERTIFICATES: Final = "certificates"
OPEN: Final = "open"
UNKNOWN: Final = "unknown"

CLIENT_URLS: Final = "listen-client-urls"
MORE_URLS: Final = ("listen-client-http-urls", "listen-metrics-urls")
FROM_ENVIRONMENT: Final = frozenset(f"ETCD_{name.upper().replace('-', '_')}" for name in ("config-file", *MORE_URLS))
"""Variables that open more beside the flags, or, by a file of configuration, undo them."""

TRUE: Final = frozenset(("1", "t", "T", "true", "TRUE", "True"))


def clients_let_in(flags: Sequence[Flag]) -> str:
    """Return which clients a member lets in: of its own machine, with a certificate, all, or not known.

    Only flags that are given count: its defaults may come from the environment. Peers are no clients.
    """
    given = dict(flags)
    if "config-file" in given or not given.get(CLIENT_URLS):
        return UNKNOWN
    urls = [url.strip() for name in (CLIENT_URLS, *MORE_URLS) for url in given.get(name, "").split(",") if url.strip()]
    asked = given.get("client-cert-auth") in TRUE and bool(given.get("trusted-ca-file"))
    if abroad := [url for url in urls if not _own_machine(url)]:
        return CERTIFICATES if asked and all(url.lower().startswith("https://") for url in abroad) else OPEN
    return LOCAL


def _own_machine(url: str) -> bool:
    host = host_of(url)
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
