"""What lies behind a store of External Secrets, by the provider that it names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

OUTSIDE: Final = frozenset(
    """
    akeyless alibaba aws azurekv barbican beyondtrust beyondtrustworkloadcredentials bitwardensecretsmanager chef
    cloudrusm conjur delinea device42 doppler dvls fortanix gcpsm gitlab ibm infisical keepersecurity nebiusmysterybox
    ngrok onboardbase onepassword onepasswordSDK oracle ovh passbolt passworddepot previder pulumi scaleway
    secretserver senhasegura vault volcengine yandexcertificatemanager yandexlockbox
    """.split()
)
"""Providers that are a manager of secrets of their own. A webhook may lead anywhere; `github` only takes secrets in.

Source: https://external-secrets.io/latest/api/spec/, looked up on 2026-11-27.
"""

WITHIN: Final = {"fake": "itself", "kubernetes": "secrets"}
"""Providers behind which no manager of secrets lies: values written into the store, and Secrets of a cluster.

Sources: https://external-secrets.io/latest/provider/fake/, https://external-secrets.io/latest/provider/kubernetes/.
"""

BEHIND: Final = ("itself", "unseen", "missing", "secrets", "unknown", "outside")
"""What may lie behind a store, what counts first before the rest; `unseen` and `missing` are stores not read."""


def behind(provider: Mapping[str, Any]) -> str:
    """Return what lies behind a store by its `spec.provider`, which names one provider."""
    known = [WITHIN.get(name, "outside" if name in OUTSIDE else "unknown") for name in provider]
    return min(known, key=BEHIND.index, default="unknown")
