"""What only a site can say, for detections: its namespaces with ePHI, its automation, its hours, its people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd

from hipaa_kit.errors import InputError
from hipaa_kit.graph.detections.sql import Writer
from hipaa_kit.inventory.ephi import ephi_namespaces
from hipaa_kit.kube import kinds
from hipaa_kit.kube.audit.identities import OWN
from hipaa_kit.kube.custom_kinds import CUSTOM
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.lookup import TableSet
from hipaa_kit.vocabulary import CHANGE_TICKETS, EMERGENCY_TICKETS, ticket_kind

SCRIPTING_AGENTS: Final = ("curl", "python-requests", "kali")
STOCK_LISTS: Final = {"own": OWN, "scripting_agents": SCRIPTING_AGENTS}
"""What is known of every cluster."""

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WORKING_DAYS: Final = DAYS[:5]
WORKING_HOURS: Final = "07:00-19:00"


@dataclass(frozen=True)
class Site:
    """What one site says.

    Attributes
    ----------
    lists
        Names, by the list that detections ask for.
    places
        Table of what the snapshot gives: list, first, second.
    permitted
        Reads of Secrets that the access matrix gives users: user, verb, namespace.
    matrix
        The access matrix and the roles of users were given.
    calendar
        The site has said in which time zone its business hours are.
    tickets, gone, business
        When tickets were open; after which moment users have left; when business hours began and ended.
    """

    lists: dict[str, list[str]] = field(default_factory=dict)
    places: pd.DataFrame = field(default_factory=lambda: _frame("list first second"))
    permitted: pd.DataFrame = field(default_factory=lambda: _frame("user verb namespace"))
    matrix: bool = False
    calendar: bool = False
    tickets: pd.DataFrame = field(default_factory=lambda: _tickets([]))
    gone: pd.DataFrame = field(default_factory=lambda: _moments([], "user", "until"))
    business: pd.DataFrame = field(default_factory=lambda: _moments([], "", "opens", "closes"))

    @cached_property
    def writer(self) -> Writer:
        """Writes conditions as SQL with the lists of this site."""
        return Writer(self.lists, self.places)

    def words(self) -> dict[str, list[str]]:
        """Return the names in each list, for rules of other engines; lists of namespaces with names are left out."""
        single = self.places[self.places["second"] == ""]
        found = {**self.lists, **{str(name): sorted(each["first"]) for name, each in single.groupby("list")}}
        return {name: words for name, words in found.items() if words} | (
            {"break_glass": glass} if (glass := self.lists.get("break_glass_bindings")) else {}
        )

    def parts(self) -> list[pd.DataFrame | str]:
        """Return everything on which an answer depends, in an order that is always the same."""
        lists = {name: sorted(set(words)) for name, words in sorted(self.lists.items())}
        return [repr(lists), f"{self.matrix} {self.calendar}", *(self.frames[name] for name in sorted(self.frames))]

    @cached_property
    def frames(self) -> dict[str, pd.DataFrame]:
        """Frames that the queries name."""
        every = (*kinds.BUILT_IN, *CUSTOM, *kinds.moved())
        known = [(each.group, each.resource, each.kind, each.namespaced) for each in every]
        table = pd.DataFrame(known, columns=["api_group", "resource", "kind", "namespaced"])
        return {
            "kinds": table.drop_duplicates(["api_group", "resource"]),
            "site": self.places,
            "permitted": self.permitted,
            "tickets": self.tickets,
            "gone": self.gone,
            "business": self.business,
        }


def site_of(tables: TableSet, logging_namespaces: Iterable[str], window: tuple[datetime, datetime] | None) -> Site:
    """Return what tables say of the site.

    Parameters
    ----------
    tables
        Tables of `SITE_TABLES`.
    logging_namespaces
        Namespaces in which something keeps or watches logs, as far as objects show it.
    window
        First and last moment of the log, UTC.

    Raises
    ------
    InputError
        A setting is none: an unknown time zone, hours that are none.
    """
    settings: dict[str, list[str]] = defaultdict(list)
    for row in rows_of(tables["detection_settings"]):
        settings[row["list"]].append(row["value"])
    logging = [*logging_namespaces, *settings["logging_namespaces"]]
    bindings, users = _break_glass(tables["grants"])
    lists = {
        **settings,
        "own": [*OWN],
        "scripting_agents": settings["scripting_agents"] or [*SCRIPTING_AGENTS],
        "break_glass_bindings": bindings,
        "break_glass_users": users,
    }
    return Site(
        lists=lists,
        places=_frame("list first second", [*_places(tables), *(("logging_namespaces", each, "") for each in logging)]),
        permitted=_frame("user verb namespace", _permitted(tables)),
        matrix=len(tables["access_matrix"]) > 0 and len(tables["workforce"]) > 0,
        calendar=bool(settings["time_zone"]),
        tickets=_tickets(rows_of(tables["tickets"])),
        gone=_moments(_gone(tables["workforce"]), "user", "until"),
        business=_moments(business_hours(settings, window) if window else [], "", "opens", "closes"),
    )


SITE_TABLES: Final = (
    "detection_settings",
    "ephi_objects",
    "pods",
    "claims",
    "secret_uses",
    "grants",
    "access_matrix",
    "workforce",
    "tickets",
)


def _frame(columns: str, rows: Iterable[tuple[str, ...]] = ()) -> pd.DataFrame:
    return pd.DataFrame(sorted(set(rows)), columns=columns.split(), dtype="str")


def _places(tables: TableSet) -> Iterator[tuple[str, str, str]]:
    """Yield what holds ePHI, and what stands beside it in the same namespaces and is known not to.

    A log names pods and claims that are gone, of which nobody can say what they held: so what is known to be
    without ePHI is left out, and not what is known to have some left in.
    """
    ephi = tables["ephi_objects"]
    inside, declared = set(ephi["object"]), ephi.loc[ephi["kind"] == "Namespace", "name"]
    for namespace in ephi_namespaces(ephi):
        yield "ephi_namespaces", namespace, ""
    for namespace in declared:
        yield "ephi_secrets_declared", namespace, ""
    pods = tables["pods"]
    for name, frame in (("other_pods", pods[pods["live"]]), ("other_claims", tables["claims"])):
        for row in rows_of(frame[~frame["object"].isin(inside)]):
            yield name, row["namespace"], row["name"]
    for secret in tables["secret_uses"]["object"]:
        _, namespace, own = parse_object_id(secret)
        yield "ephi_secrets", namespace, own
    for volume in ephi.loc[ephi["kind"] == "PersistentVolume", "name"]:
        yield "ephi_volumes", volume, ""


def _break_glass(grants: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Return role bindings of emergency access as the server's reasons name them, and users who hold nothing else."""
    glass = grants[grants["break_glass"]]
    bindings = []
    for binding in sorted(set(glass["binding"])):
        kind, namespace, name = parse_object_id(binding)
        bindings.append(f'{kind} "{name}/{namespace}"' if namespace else f'{kind} "{name}"')
    people = set(glass.loc[glass["subject_kind"] == "User", "subject"])
    others = set(grants.loc[~grants["break_glass"] & (grants["subject_kind"] == "User"), "subject"])
    return bindings, sorted(people - others)


def _permitted(tables: TableSet) -> Iterator[tuple[str, str, str]]:
    matrix = tables["access_matrix"]
    meant = matrix[matrix["group"].isin(["", "*"]) & matrix["resource"].isin(["secrets", "*"])]
    for row in rows_of(tables["workforce"].merge(meant, on="role")):
        yield row["user"], row["verb"], row["namespace"]


def _gone(workforce: pd.DataFrame) -> Iterator[tuple[str, datetime]]:
    """Yield users all of whose roles have ended, with the moment from which they have none; the last day counts."""
    for user, roles in workforce.groupby("user"):
        if (roles["until"] != "").all():
            yield str(user), _day(max(roles["until"])) + timedelta(days=1)


def _day(word: str) -> datetime:
    return datetime.combine(date.fromisoformat(word[:10]), time())


def _tickets(rows: Iterable[dict[str, str]]) -> pd.DataFrame:
    """Return when tickets were open, and for what; a closing day counts as a whole."""
    found = []
    for row in rows:
        kind, opened, closed = ticket_kind(row["kind"]), row["opened_at"], row["closed_at"]
        if row["status"] == "rejected" or not opened:
            continue
        end = _utc(closed) + timedelta(days=1 if len(closed) == len("2026-11-01") else 0) if closed else None
        emergency, change = kind in EMERGENCY_TICKETS, kind in CHANGE_TICKETS
        found.append((row["object"], emergency, change, _utc(opened), end))
    frame = pd.DataFrame(found, columns=["object", "emergency", "change", "opened", "closed"])
    types = {"object": "str", "emergency": "bool", "change": "bool"}
    return frame.astype({**types, "opened": "datetime64[us]", "closed": "datetime64[us]"})


def _utc(word: str) -> datetime:
    moment = datetime.fromisoformat(word)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _moments(rows: Iterable[tuple[object, ...]], words: str, *moments: str) -> pd.DataFrame:
    columns = [*words.split(), *moments]
    types = {**dict.fromkeys(words.split(), "str"), **dict.fromkeys(moments, "datetime64[us]")}
    return pd.DataFrame([*rows], columns=columns).astype(types)


def business_hours(
    settings: dict[str, list[str]], window: tuple[datetime, datetime]
) -> Iterator[tuple[datetime, datetime]]:
    """Yield when business hours open and close, in UTC, over a window; none where no time zone is set."""
    if not settings.get("time_zone"):
        return
    where = "detection_settings"
    try:
        zone = ZoneInfo(settings["time_zone"][0])
    except (ZoneInfoNotFoundError, ValueError):
        raise InputError("time_zone is none that is known", where, "write one like America/New_York") from None
    days = settings.get("business_days") or [*WORKING_DAYS]
    if strange := sorted(set(days) - set(DAYS)):
        raise InputError(f"business_days holds {strange[0]!r}", where, f"one of {', '.join(DAYS)}")
    try:
        opens, closes = map(time.fromisoformat, (settings.get("business_hours") or [WORKING_HOURS])[0].split("-"))
        free = {date.fromisoformat(each) for each in settings.get("holidays") or ()}
    except ValueError:
        raise InputError("business_hours or holidays are none", where, "write 07:00-19:00 and 2026-12-25") from None
    first, last = window[0].date() - timedelta(days=2), window[1].date() + timedelta(days=2)
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        if DAYS[day.weekday()] in days and day not in free:
            start, end = (datetime.combine(day, each, zone) for each in (opens, closes))
            yield tuple(each.astimezone(UTC).replace(tzinfo=None) for each in (start, end))  # type: ignore[misc]
