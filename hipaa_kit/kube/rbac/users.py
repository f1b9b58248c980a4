"""Users and groups that the API server makes itself.

Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/,
https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/,
`k8s.io/apiserver/pkg/authentication/{user,group,serviceaccount}`.
"""

from __future__ import annotations

import re
from typing import Final

MASTERS: Final = "system:masters"
AUTHENTICATED: Final = "system:authenticated"
UNAUTHENTICATED: Final = "system:unauthenticated"
ANONYMOUS: Final = "system:anonymous"
SERVICE_ACCOUNTS: Final = "system:serviceaccounts"
NODES: Final = "system:nodes"

_LABEL = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_NAMESPACE = re.compile(rf"(?=.{{1,63}}\Z){_LABEL}")
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_PREFIX = "system:serviceaccount:"


def service_account_user(namespace: str, name: str) -> str:
    """Return the user name of a service account."""
    return f"{_PREFIX}{namespace}:{name}"


def service_account_of(user: str) -> tuple[str, str] | None:
    """Return (namespace, name) of the service account that a user name is; None where it is another's."""
    namespace, colon, name = user.removeprefix(_PREFIX).partition(":")
    if user.startswith(_PREFIX) and colon and _NAMESPACE.fullmatch(namespace) and _NAME.fullmatch(name):
        return namespace, name
    return None


def built_in_groups(user: str) -> frozenset[str]:
    """Return the groups that the API server itself puts a user into.

    Service accounts are in a group of all of them and one of their namespace. Everyone who signs in is
    `system:authenticated`; a request without credentials is `system:anonymous`, who is not.

    Groups of a certificate, a token's claims or a directory come on top: `system:masters`, `system:nodes`
    and `system:bootstrappers` are such. A SubjectAccessReview adds none: it takes groups as given.
    """
    if user == ANONYMOUS:
        return frozenset({UNAUTHENTICATED})
    account = service_account_of(user)
    if account is None:
        return frozenset({AUTHENTICATED})
    return frozenset({AUTHENTICATED, SERVICE_ACCOUNTS, f"{SERVICE_ACCOUNTS}:{account[0]}"})
