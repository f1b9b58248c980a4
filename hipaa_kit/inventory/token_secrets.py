"""Secrets that keep a token of a service account, which has no end.

Source: https://kubernetes.io/docs/concepts/security/service-accounts/#authenticating-credentials and
https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#token-controller.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from hipaa_kit.inventory.fields import items, text
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube import kinds
from hipaa_kit.kube.owners import object_id
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.admission import ACCOUNT_SECRETS

TOKEN: Final = "kubernetes.io/service-account-token"
ACCOUNT: Final = "kubernetes.io/service-account.name"
GENERATED: Final = re.compile(r"-token-[a-z0-9]{5}")
"""How the name of a token Secret goes on after that of its account, where Kubernetes made it."""


@builds(ACCOUNT_SECRETS, reads=[kinds.SERVICE_ACCOUNT], also=[kinds.SECRET])
def account_secrets(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per Secret that a ServiceAccount names, or that keeps a token of one by its own word."""
    found: dict[tuple[str, str], bool] = {}
    for record in snapshot.records(kinds.SERVICE_ACCOUNT):
        for each in items(record.content, "secrets"):
            if name := text(each, "name"):
                key = (record.object, object_id("Secret", record.namespace, name))
                found[key] = is_generated_token(name, record.name)
    for record in snapshot.records(kinds.SECRET):
        if name := account_of(record.content):
            found[object_id("ServiceAccount", record.namespace, name), record.object] = True
    for (account, secret), token in found.items():
        yield {"account": account, "secret": secret, "token": token}


def is_generated_token(secret: str, account: str) -> bool:
    """Tell whether a Secret is named as Kubernetes named the token it made for an account."""
    return secret.startswith(account) and GENERATED.fullmatch(secret[len(account) :]) is not None


def account_of(secret: Mapping[str, Any]) -> str:
    """Return the name of the service account whose token a Secret keeps; `""` where it keeps none.

    Of a Secret of which only the metadata were read the type is not known: the annotation stands for it.
    """
    return text(secret, "metadata", "annotations", ACCOUNT) if text(secret, "type") in (TOKEN, "") else ""
