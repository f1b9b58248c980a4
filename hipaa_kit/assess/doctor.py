"""What a collection would come to, told before it is made: who asks, what would be refused, what follows."""

from __future__ import annotations

import email.utils
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from typing import Any, Final

import pandas as pd

import hipaa_kit
from hipaa_kit.assess.facade import registered_checks
from hipaa_kit.assess.reader import declared_kinds
from hipaa_kit.catalogue import load_catalogue
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.safeguards.check import Check
from hipaa_kit.sources.discovery import Discovery, discover_kinds
from hipaa_kit.sources.live import text_at
from hipaa_kit.sources.profiles import check_profile, why_left_out
from hipaa_kit.sources.rights import ALLOWED, Right, may_list, who_am_i
from hipaa_kit.sources.transport import Reply, Server
from hipaa_kit.vocabulary import ABSENT, FAILED, NOT_ASKED, REFUSED

TROUBLE: Final = (REFUSED, FAILED)
SKEW_SECONDS: Final = 60
"""Clocks that differ by more make tokens look expired and times in the evidence doubtful."""

Key = tuple[str, str]


@dataclass(frozen=True)
class Diagnosis:
    """What `doctor` found.

    Parameters
    ----------
    facts
        Context, address and version of the server, who asks, profile, clocks, versions of the client.
    kinds
        One row per kind that the checks declare and place it is asked in, with the answer to expect.
    not_assessed
        One row per check that could not judge with these answers, and the kinds it lacks.
    """

    facts: dict[str, str]
    kinds: pd.DataFrame
    not_assessed: pd.DataFrame

    @property
    def troubled(self) -> pd.DataFrame:
        """Rows of `kinds` that the profile asks for and that would not be answered."""
        return self.kinds[self.kinds["answer"].isin(TROUBLE)]


def diagnose(server: Server, context: str, profile: str = "audit", namespaces: Sequence[str] = ()) -> Diagnosis:
    """Ask a server what a collection with this profile would be refused.

    Parameters
    ----------
    server, context
        The server and the name of the context it stands for.
    profile, namespaces
        As for `collect`.

    Raises
    ------
    CollectError
        The server cannot be read at all.
    """
    check_profile(profile)
    found = discover_kinds(server)
    version = server.get("/version")
    user, groups = who_am_i(server)
    facts = {
        "context": context,
        "server": server.host,
        "server_version": text_at(version.content, "gitVersion") or version.words or "not told",
        "identity": user or "not told",
        "groups": ", ".join(groups),
        "profile": profile,
        "clock": _clock(version),
        "versions": ", ".join(f"{name} {number}" for name, number in _versions().items()),
    }
    rows = [row for kind in declared_kinds() for row in _rows(server, found, kind, profile, namespaces)]
    columns = ["kind", "api_group", "namespace", "answer", "words"]
    kinds = pd.DataFrame(rows, columns=columns, dtype="str")
    return Diagnosis(facts, kinds, _not_assessed(kinds))


def _rows(
    server: Server, found: Discovery, kind: Kind, profile: str, namespaces: Sequence[str]
) -> Iterator[dict[str, str]]:
    """Yield what is to be expected of one kind, in each place that it would be asked in."""
    for namespace in namespaces if kind.namespaced and namespaces else ("",):
        right = _expected(server, found, kind, profile, namespace)
        yield {
            "kind": kind.kind,
            "api_group": kind.group or "core",
            "namespace": namespace,
            "answer": right.status,
            "words": right.words,
        }


def _expected(server: Server, found: Discovery, kind: Kind, profile: str, namespace: str) -> Right:
    served = found.served.get((kind.group, kind.kind))
    if reason := why_left_out(kind, profile):
        return Right(NOT_ASKED, reason)
    if served is None:
        words = found.why_unknown(kind.group)
        return Right(FAILED, words) if words else Right(ABSENT, "the server does not serve it")
    if not served.listable:
        return Right(NOT_ASKED, "the server does not list it")
    return may_list(server, served, namespace)


def _not_assessed(kinds: pd.DataFrame) -> pd.DataFrame:
    """Return a row per check that could not pass, with the kinds that it lacks."""
    catalogue = load_catalogue()
    lacking = kinds[~kinds["answer"].isin([ALLOWED, ABSENT])]
    missing = set(zip(lacking["api_group"], lacking["kind"], strict=True))
    rows = [_row(check, catalogue.control(check.id), missing) for check in registered_checks().values()]
    return pd.DataFrame([row for row in rows if row["lacks"]], columns=["check", "topic", "title", "lacks"])


def _row(check: Check, control: Any, missing: set[Key]) -> dict[str, str]:
    lacks = [kind.kind for kind in check.kinds if (kind.group or "core", kind.kind) in missing]
    return {"check": check.id, "topic": control.topic, "title": control.title, "lacks": ", ".join(lacks)}


def _clock(reply: Reply) -> str:
    """Return in words how far the server's clock is from this machine's."""
    try:
        there = email.utils.parsedate_to_datetime(reply.date)
    except ValueError:
        return "not told"
    seconds = round((there - datetime.now(UTC)).total_seconds())
    if abs(seconds) <= SKEW_SECONDS:
        return "as here"
    where = "ahead of" if seconds > 0 else "behind"
    return f"{abs(seconds)} s {where} this machine: tokens may look expired, and times in the evidence are doubtful"


def _versions() -> dict[str, str]:
    clients = {name: metadata.version(name) for name in ("kubernetes", "urllib3")}
    return {"hipaa-kit": hipaa_kit.__version__, "Python": platform.python_version(), **clients}
