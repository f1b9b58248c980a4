"""Sign-ins as an identity provider exports them: who, as a keyed pseudonym, when, how it ended, with what.

Sources: https://developer.okta.com/docs/api/openapi/okta-management/management/tag/SystemLog/ (LogEvent),
https://learn.microsoft.com/en-us/graph/api/resources/signin (signIn: `status.errorCode` 0 is success,
`authenticationRequirement`), https://www.keycloak.org/docs-api/latest/javadocs/org/keycloak/representations/idm/
EventRepresentation.html (events of `kcadm.sh get events`).

Names, addresses, places and devices are not read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from hipaa_kit.sources.inputs.declaration import Form, Input, Reading, Row, items
from hipaa_kit.sources.inputs.values import get, moment, text, whole
from hipaa_kit.tables.observed import SIGN_INS

OKTA: Final = ("user.session.start", "user.authentication.sso", "user.authentication.auth_via_mfa")
OKTA_OUTCOMES: Final = {"SUCCESS": "success", "ALLOW": "success", "FAILURE": "failure", "DENY": "failure"}
KEYCLOAK: Final = {"LOGIN": "success", "LOGIN_ERROR": "failure"}
KEYCLOAK_FACTORS: Final = ("otp", "webauthn", "webauthn-passwordless")


def is_okta(document: Any) -> bool:
    """Tell whether a document is an event of Okta's System Log."""
    return bool(text(document, "eventType") and text(document, "published") and text(document, "outcome", "result"))


def read_okta(document: Any, reading: Reading) -> Iterator[Row]:
    """Yield an event about signing in; events about anything else give no row."""
    kind = text(document, "eventType")
    if kind not in OKTA:
        return
    applications = [text(t, "displayName") for t in items(get(document, "target")) if text(t, "type") == "AppInstance"]
    outcome = OKTA_OUTCOMES.get(text(document, "outcome", "result"), "unknown")
    values = {
        "provider": "okta",
        "event": _event(document, text(document, "uuid"), reading),
        "at": moment(text(document, "published")),
        "user": _user(text(document, "actor", "alternateId"), reading),
        "outcome": outcome,
        "mfa": True if kind == "user.authentication.auth_via_mfa" and outcome == "success" else None,
        "application": applications[0] if applications else "",
    }
    yield Row(SIGN_INS, values)


def is_entra(document: Any) -> bool:
    """Tell whether a document is a sign-in of Microsoft Entra ID."""
    return bool(text(document, "createdDateTime")) and whole(document, "status", "errorCode") is not None


def read_entra(document: Any, reading: Reading) -> Iterator[Row]:
    """Yield a sign-in; a requirement that was met is what the provider says of a second factor."""
    required = text(document, "authenticationRequirement")
    succeeded = whole(document, "status", "errorCode") == 0
    values = {
        "provider": "entra",
        "event": _event(document, text(document, "id"), reading),
        "at": moment(text(document, "createdDateTime")),
        "user": _user(text(document, "userPrincipalName"), reading),
        "outcome": "success" if succeeded else "failure",
        "mfa": required == "multiFactorAuthentication" if required and succeeded else None,
        "application": text(document, "appDisplayName"),
    }
    yield Row(SIGN_INS, values)


def is_keycloak(document: Any) -> bool:
    """Tell whether a document is an event of Keycloak."""
    return bool(text(document, "realmId") and text(document, "type")) and whole(document, "time") is not None


def read_keycloak(document: Any, reading: Reading) -> Iterator[Row]:
    """Yield a login or a failed one; other events give no row."""
    kind = text(document, "type")
    if kind not in KEYCLOAK:
        return
    factor = text(document, "details", "credential_type").lower()
    values = {
        "provider": "keycloak",
        "event": _event(document, text(document, "id"), reading),
        "at": moment(document["time"]),
        "user": _user(text(document, "details", "username") or text(document, "userId"), reading),
        "outcome": KEYCLOAK[kind],
        # Keycloak names the last factor alone, and not always; a password there does not rule out another.
        "mfa": True if factor in KEYCLOAK_FACTORS else None,
        "application": text(document, "clientId"),
    }
    yield Row(SIGN_INS, values)


def _event(document: Any, event: str, reading: Reading) -> str:
    """Return a name for an event; those without an id are named by their content."""
    return reading.pseudonym(event or json.dumps(document, sort_keys=True, default=str))


def _user(name: str, reading: Reading) -> str:
    return reading.pseudonym(name) if name else ""


INPUTS: Final = (
    Input(
        "sign_ins",
        "sign-ins as the identity provider recorded them; users become keyed pseudonyms",
        (
            Form("System Log of Okta, JSON", is_okta, read_okta),
            Form("sign-ins of Microsoft Entra ID, JSON", is_entra, read_entra),
            Form("events of Keycloak, JSON", is_keycloak, read_keycloak),
        ),
        (SIGN_INS,),
        "one of: kcadm.sh get events -r REALM -q max=100000 > inputs/sign-ins.json; az rest --method get --url"
        " https://graph.microsoft.com/v1.0/auditLogs/signIns > inputs/sign-ins.json; the export of Okta's System Log"
        " as JSON",
    ),
)
