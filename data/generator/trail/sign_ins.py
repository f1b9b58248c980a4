"""How people sign in at the identity provider: what Keycloak keeps of it, of the last two weeks.

Names of people and of events were replaced before the file was given away, with the key of the clinic, which is public:
so the same file gives the same results wherever it is read.

Source: https://www.keycloak.org/docs-api/latest/javadocs/org/keycloak/representations/idm/EventRepresentation.html.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from model import Hospital, Input
from objects import SEED, digest

from hipaa_kit.sources.pseudonyms import DEMO_KEY, Pseudonymizer
from trail.callers import DOMAIN, PEOPLE
from trail.calls import UNTIL, at, later
from trail.work import GONE

SINCE = UNTIL - timedelta(days=14)
PATH = "sign-ins.json"
REPLACED = Pseudonymizer(DEMO_KEY)


def sign_ins(_hospital: Hospital) -> Input:
    """Declare the provider's events: who signs in each working day, and somebody who mistypes a password twice."""
    day, events = SINCE.replace(hour=0, minute=0, second=0), []
    while day < UNTIL:
        if day.weekday() < 5:
            for name in PEOPLE:
                moment = day + timedelta(hours=13, seconds=digest("signs in", name, str(day)) % 3600)
                if name not in GONE and moment < UNTIL:
                    events.append(event(moment, name))
        day += timedelta(days=1)
    slips = at("2026-11-12 13:20:04")
    events += [event(later(slips, 11 * number), "hugo.brandt", failed=True) for number in range(2)]
    return Input(PATH, sorted(events, key=lambda each: (each["time"], each["id"])))


def guessed(name: str, start: datetime) -> Iterator[dict[str, Any]]:
    """Yield how somebody guesses a password a dozen times within four minutes, and gets in."""
    for number in range(12):
        yield event(later(start, 19 * number), name, failed=True)
    yield event(later(start, 260), name)


def event(moment: datetime, name: str, *, failed: bool = False) -> dict[str, Any]:
    """Return one event."""
    told = {"error": "invalid_user_credentials"} if failed else {}
    return {
        "id": REPLACED(str(uuid.uuid5(SEED, f"sign-in/{name}/{moment}/{failed}"))),
        "time": int(moment.timestamp() * 1000),
        "type": "LOGIN_ERROR" if failed else "LOGIN",
        "realmId": "staff",
        "clientId": "kubernetes",
        "userId": str(uuid.uuid5(SEED, f"user/{name}")),
        **told,
        "details": {"username": REPLACED(f"{name}@{DOMAIN}"), "credential_type": "password" if failed else "otp"},
    }
