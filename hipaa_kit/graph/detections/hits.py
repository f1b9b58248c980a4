"""Hits: requests that meet a detection, a row per principal, object and burst, counted by windows in SQL."""

# Queries are put together of constants of this room; names that a site gives are written as literals by `sql.text`.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pandas as pd

from hipaa_kit.counting import Count
from hipaa_kit.graph.detections.site import Site
from hipaa_kit.graph.detections.sql import DENIED, REFUSED, requests
from hipaa_kit.inventory.audit_log.requests import TELLING
from hipaa_kit.kube.audit.conditions import Listed
from hipaa_kit.kube.audit.detections import DETECTIONS, OWN, RIGHTS_GIVEN, Detection, Rate, person
from hipaa_kit.printable import printable
from hipaa_kit.sources.audit_log.asking import Log, ask
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.vocabulary import SEVERITIES

BURST: Final = 1800
"""Seconds without a request after which the next one begins a burst of its own."""

SHOWN: Final = 20
"""Audit IDs and places that a hit names."""

KINDS: Final = 4
"""Kinds of request that it names; of more it says how many."""

BASELINE_DAYS: Final = 30
"""How far back is looked for what somebody did before."""

LEAST_HISTORY_DAYS: Final = 1
"""Days that the log has to hold before a request, for it to be called somebody's first."""

LEAST_IDLE_DAYS: Final = 7
"""A week is the least that a site may ask for."""

SEQUENCE_SECONDS: Final = 300
AFTER_SECONDS: Final = 300
EARLIER_DAYS: Final = 7
"""Days on which an identity has to have been active before, for a day to be called unusual."""

NO_CAUSE: Final = 99
"""Stands for the default severity where something else might have raised it."""

COLUMNS: Final = (
    "event, audit_id, stage, code, received_at, source, line, user, impersonated_user, source_ip, user_agent,"
    " api_group, resource, subresource, namespace, name, path, verb, owner, decision"
)


ORDER: Final = "first_at NULLS LAST, audit_ids[1], last_at, subject, object"
"""Nothing of it follows from how the log was cut into files or read."""

SUBJECT: Final = {
    "user": "CASE WHEN user = '' THEN 'address ' || source_ip WHEN impersonated_user = '' THEN user"
    " ELSE user || ' as ' || impersonated_user END",
    "source_ip": "'address ' || source_ip",
}

PLACE: Final = "CASE WHEN namespaced IS FALSE THEN '' ELSE namespace END"
KIND: Final = "CASE WHEN resource = '' THEN 'Path' ELSE coalesce(kind, resource) END"
NAME: Final = "CASE WHEN resource = '' THEN path WHEN name = '' THEN '*' ELSE name END"
WHOLE: Final = f"{KIND} || '/' || {PLACE} || '/' || {NAME}"
OBJECT: Final = {
    "object": WHOLE,
    "server": "'Cluster//api-server'",
    "namespace": "'Namespace//' || namespace",
    "all": f"{KIND} || '//*'",
    "impersonated": "'User//' || impersonated_user",
    "owner": f"CASE WHEN owner = '' THEN {WHOLE} ELSE split_part(owner, '/', 1) || '/' || namespace || '/'"
    " || split_part(owner, '/', 2) END",
}

DETAIL: Final = (
    "verb || ' ' || CASE WHEN resource = '' THEN path ELSE resource || CASE WHEN subresource = '' THEN ''"
    " ELSE '/' || subresource END END"
)

NAMED: Final = f"verb || ' ' || {WHOLE} || CASE WHEN subresource = '' THEN '' ELSE ' ' || subresource END"
"""The same with its object, where a hit is of a whole namespace and any kind of object."""

SORT: Final = (
    "concat_ws(chr(0), verb, api_group, resource, subresource, namespace, CASE WHEN resource = '' THEN path END)"
)
"""What was asked for, whatever the name: two requests of one sort need the same right."""


class Hunt:
    """Runs detections over one log of one site.

    Parameters
    ----------
    log
        The log.
    site
        What only this site can say: its namespaces with ePHI, its automation.
    """

    def __init__(self, log: Log, site: Site) -> None:
        self._log, self._site = log, site

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield a row of table `detection_hits` per hit; only what the log has events for is asked in full."""
        for detection, events in zip(DETECTIONS, self._matching(), strict=True):
            if events >= (detection.rate.least if detection.rate else 1):
                yield from self.of(detection)

    def _matching(self) -> list[int]:
        """Return how many events meet each part of each detection, counted in one walk through the log."""
        where = [self._site.writer.where(each.where) for each in DETECTIONS]
        counts = ", ".join(f"count(*) FILTER ({each}) AS n{number}" for number, each in enumerate(where))
        found = ask(self._log, f"SELECT {counts} FROM audit_events WHERE {TELLING}", self._site.frames)
        return [int(number) for number in found.iloc[0]]

    def of(self, detection: Detection) -> Iterator[dict[str, Any]]:
        """Yield the hits of one part of one detection, in the order of time; by audit ID where that is the same."""
        found = ask(self._log, f"SELECT * FROM ({self.sql(detection)}) ORDER BY {ORDER}", self._site.frames)
        for row in rows_of(found):
            yield self._row(detection, row)

    def sql(self, detection: Detection) -> str:
        """Return the query whose rows are the hits of one part of one detection."""
        if detection.id == "LOG-31":
            return self._unusual(detection)
        where = self._site.writer.where(detection.where)
        base = f"""base AS (
            SELECT each.*, {SUBJECT[detection.by]} AS subject, {OBJECT[detection.about]} AS object,
                {WHOLE} AS itself, {NAMED if detection.id == "LOG-26" else DETAIL} AS detail, {SORT} AS sort
            FROM ({requests(where, f"{COLUMNS}, {self._severity(detection)} AS severity")}) each
            LEFT JOIN kinds USING (api_group, resource))"""
        if detection.rate:
            return _counted(base, detection.rate, self._after(detection))
        return _merged(f"{base}, chosen AS ({self._chosen(detection)})", BURST)

    def _severity(self, detection: Detection) -> str:
        """Return how bad an event is, with what made it so; the worst is the least number."""
        cases = " ".join(
            f"WHEN {self._site.writer.where(each.where)} THEN {_weight(each.severity, number)}"
            for number, each in enumerate(detection.raised)
        )
        default = _weight(detection.severity)
        return f"CASE {cases} ELSE {default} END" if cases else str(default)

    def _chosen(self, detection: Detection) -> str:
        """Return which requests of `base` count, with the number that a threshold is held against."""
        plain = "SELECT *, NULL::DOUBLE AS measured FROM base"
        match (detection.id, detection.part):
            case ("LOG-07", _):
                people = self._site.writer.where(person("user"))
                return NOT_PERMITTED.format(people=people) if self._site.matrix else self._new("namespace")
            case ("LOG-15", _):
                return NOT_MADE_OF_A_HIT.format(own=self._site.writer.where(OWN))
            case ("LOG-17", "hours"):
                return OUTSIDE_HOURS if self._site.calendar else f"{plain} WHERE false"
            case ("LOG-17", "address"):
                return self._new("source_ip", "source_ip")
            case ("LOG-17", "agent"):
                return self._new("user_agent", "user_agent")
            case ("LOG-22", _):
                return WITHOUT_TICKET
            case ("LOG-23", "ended"):
                return ENDED
            case ("LOG-23", "idle"):
                return IDLE.format(people=self._site.writer.where(person("who")))
            case ("LOG-23", "first"):
                return FIRST.format(people=self._site.writer.where(person("who")))
            case ("LOG-26", _):
                change = requests(self._site.writer.where(RIGHTS_GIVEN) + f" AND NOT {REFUSED}", COLUMNS)
                proxies = self._site.writer.where(Listed("automation"))
                return AFTER_CHANGE.format(change=change, seconds=SEQUENCE_SECONDS, proxies=proxies)
            case ("LOG-30", _):
                return WITHOUT_CHANGE
        return plain

    def _new(self, what: str, told: str = "") -> str:
        """Return the first request of somebody of a sort, for as far back as is looked; measured is days of history.

        What somebody does through a proxy, which acts for many, is told apart by for whom it acts. A history of
        addresses, or of programs, begins with the first event in which one is told.
        """
        where = f" WHERE {told} <> ''" if told else ""
        start = f"(SELECT min(received_at) FROM audit_events{where})"
        return f"""
            SELECT * EXCLUDE (before), epoch(received_at - {start}) / 86400 AS measured FROM (
                SELECT *, lag(received_at) OVER each AS before
                FROM base WINDOW each AS (PARTITION BY user, impersonated_user, {what} ORDER BY received_at, event))
            WHERE (before IS NULL OR received_at - before > INTERVAL {BASELINE_DAYS} DAYS)
            AND received_at - {start} >= INTERVAL {LEAST_HISTORY_DAYS} DAYS"""

    def _after(self, detection: Detection) -> str:
        """Return the requests that went well by whoever a burst is counted for; none where that says nothing.

        An identity of the control plane always has some, and is refused while a server starts.
        """
        if detection.id != "LOG-01":
            return ""
        return f"""
            SELECT {SUBJECT[detection.by]} AS subject, {SORT} AS sort, received_at AS at FROM audit_events
            WHERE code < 400 AND NOT {self._site.writer.where(OWN)}"""

    def _unusual(self, detection: Detection) -> str:
        """Return the days on which an identity did far more in a namespace than on its earlier days there.

        Held against the median of its earlier active days, and six times their median distance from it: both are
        moved little by single days, and anybody can count them again. Source: Hampel, F. R., The influence curve and
        its role in robust estimation, Journal of the American Statistical Association 69 (1974).
        """
        where = self._site.writer.where(detection.where)
        earlier = "(PARTITION BY subject, namespace ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
        return f"""
            WITH days AS (
                SELECT {SUBJECT[detection.by]} AS subject, namespace, date_trunc('day', received_at) AS day,
                    count(*) AS events, count(*) FILTER ({REFUSED}) AS refused,
                    count(*) FILTER ({DENIED}) AS denied,
                    min(received_at) AS first_at, max(received_at) AS last_at,
                    min(audit_id) AS audit_ids, min(source || ':' || line) AS places
                FROM ({requests(where, COLUMNS)}) GROUP BY ALL),
            held AS (
                SELECT *, median(events) OVER {earlier} AS usual, mad(events) OVER {earlier} AS spread,
                    count(*) OVER {earlier} AS earlier
                FROM days)
            SELECT subject, 'Namespace//' || namespace AS object, first_at, last_at, events, refused, denied,
                {_weight(detection.severity)} AS severity, events / greatest(usual, 1) AS measured,
                'usually ' || usual || ' requests on a day' AS details, [audit_ids] AS audit_ids, [places] AS places,
                false AS after
            FROM held
            WHERE earlier >= {EARLIER_DAYS} AND events >= 20 AND events >= 2 * usual AND events > usual + 6 * spread"""

    def _row(self, detection: Detection, row: Mapping[str, Any]) -> dict[str, Any]:
        events, refused, after = int(row["events"]), int(row["refused"]), bool(row["after"])
        place, cause = divmod(int(row["severity"]), NO_CAUSE + 1)
        severity = SEVERITIES[place]
        raised = None if cause == NO_CAUSE else detection.raised[cause]
        if detection.id == "LOG-01":
            severity = "critical" if after else severity
        elif refused == events:
            severity = SEVERITIES[max(SEVERITIES.index("low"), SEVERITIES.index(severity))]
        done = (raised and raised.what) or detection.what
        if refused == events:
            done = detection.tried or done
        subject, about = printable(str(row["subject"])), printable(str(row["object"]))
        told = f"{Count(events):request} ({printable(str(row['details']))})"
        if detection.id != "LOG-01":
            told += _gone_wrong(events, refused, int(row["denied"]))
        if raised and raised.why and refused < events:
            told += f"; {severity}, since {raised.why}"
        if after:
            told += ", and then such a request was answered"
        return {
            "detection": detection.id,
            "part": detection.part,
            "object": about,
            "subject": subject,
            "first_at": _moment(row["first_at"]),
            "last_at": _moment(row["last_at"]),
            "events": events,
            "refused": refused,
            "measured": None if pd.isna(row["measured"]) else float(row["measured"]),
            "severity": severity,
            "what": f"{subject} {done}{'' if detection.about == 'server' else f' {about}'}: {told}",
            "audit_ids": _joined(row["audit_ids"]),
            "places": _joined(row["places"]),
        }


def _weight(severity: str, cause: int = NO_CAUSE) -> int:
    """Return a number for a severity and for which of a detection's `raised` it comes of, if of any."""
    return SEVERITIES.index(severity) * (NO_CAUSE + 1) + cause


def _gone_wrong(events: int, refused: int, denied: int) -> str:
    """Return how many requests did not go well, in words: what failed was not therefore refused to anybody."""
    found = [(denied, "refused"), (refused - denied, "failed")]
    words = [f"{'all' if number == events else number} of them {word}" for number, word in found if number]
    return f", {' and '.join(words)}" if words else ""


def _moment(value: Any) -> str:
    return "" if value is None or value is pd.NaT else pd.Timestamp(value).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _joined(words: Any) -> str:
    """Return words joined by spaces; a space or control character in one would make two of it."""
    return " ".join("_".join(printable(str(word)).split()) for word in words if word)


def _merged(steps: str, gap: int, also: str = "") -> str:
    """Return a row per subject, object and burst of the requests in `chosen`, with columns of its own where asked."""
    return f"""
        WITH {steps},
        apart AS (
            SELECT *, coalesce(received_at - lag(received_at) OVER each > INTERVAL {gap} SECONDS, false) AS breaks
            FROM chosen WINDOW each AS (PARTITION BY subject, object ORDER BY received_at, event)),
        bursts AS (
            SELECT *, sum(breaks::INTEGER) OVER (PARTITION BY subject, object ORDER BY received_at, event) AS burst
            FROM apart)
        SELECT subject, object, {AGGREGATES}{also}, false AS after FROM bursts GROUP BY subject, object, burst"""


AGGREGATES: Final = f"""
    min(received_at) AS first_at, max(received_at) AS last_at, count(*) AS events,
    count(*) FILTER ({REFUSED}) AS refused, count(*) FILTER ({DENIED}) AS denied,
    coalesce(min(severity) FILTER (NOT {REFUSED}), min(severity)) AS severity, max(measured) AS measured,
    array_to_string(list_slice(list_sort(list_distinct(list(detail))), 1, {KINDS}), ', ')
        || CASE WHEN count(DISTINCT detail) > {KINDS} THEN ' and ' || (count(DISTINCT detail) - {KINDS}) || ' more'
            ELSE '' END AS details,
    list_slice(list(audit_id ORDER BY received_at, audit_id, event), 1, {SHOWN}) AS audit_ids,
    list_slice(list(source || ':' || line ORDER BY received_at, audit_id, event), 1, {SHOWN}) AS places"""


def _counted(base: str, rate: Rate, after: str) -> str:
    """Return a row per subject, object and burst in which enough requests came within the window at some time."""
    window = f"RANGE BETWEEN INTERVAL {rate.seconds} SECONDS PRECEDING AND CURRENT ROW"
    counted = f"count(DISTINCT ({' || chr(0) || '.join(rate.of)}))" if rate.of else "count(*)"
    merged = f"""{base},
        many AS (SELECT subject, object FROM base GROUP BY ALL HAVING {counted} >= {rate.least}),
        chosen AS (
            SELECT base.*, ({counted} OVER (PARTITION BY subject, object ORDER BY received_at {window}))::DOUBLE
                AS measured
            FROM base SEMI JOIN many USING (subject, object))"""
    if not after:
        return f"SELECT * FROM ({_merged(merged, rate.seconds)}) WHERE measured >= {rate.least}"
    sorts = _merged(merged, rate.seconds, ", list(DISTINCT sort) AS sorts")
    return f"""
        WITH hits AS (SELECT * EXCLUDE (after) FROM ({sorts}) WHERE measured >= {rate.least}),
        asked AS (SELECT subject, object, first_at, last_at, unnest(sorts) AS sort FROM hits),
        answered AS (
            SELECT DISTINCT asked.subject, object, first_at, true AS after
            FROM asked ASOF JOIN ({after}) well
                ON asked.subject = well.subject AND asked.sort = well.sort AND asked.last_at < well.at
            WHERE well.at <= asked.last_at + INTERVAL {AFTER_SECONDS} SECONDS)
        SELECT hits.* EXCLUDE (sorts), coalesce(after, false) AS after
        FROM hits LEFT JOIN answered USING (subject, object, first_at)"""


NOT_MADE_OF_A_HIT: Final = f"""
    SELECT base.* REPLACE (CASE WHEN {{own}} THEN object ELSE itself END AS object), NULL::DOUBLE AS measured
    FROM base WHERE NOT {{own}} OR owner = '' OR object NOT IN (SELECT itself FROM base WHERE NOT {REFUSED})"""
"""What a controller makes of a workload is about the workload, and told only where the workload's write is not."""

NOT_PERMITTED: Final = """
    SELECT base.*, NULL::DOUBLE AS measured FROM base WHERE NOT EXISTS (
        SELECT 1 FROM permitted p WHERE p.verb IN ('*', base.verb) AND p.namespace IN ('', base.namespace)
        AND p.user = CASE WHEN base.impersonated_user = '' THEN base.user ELSE base.impersonated_user END)
    OR ({people} AND NOT EXISTS (
        SELECT 1 FROM permitted p WHERE p.verb IN ('*', base.verb) AND p.namespace IN ('', base.namespace)
        AND p.user = base.user))"""
"""Reads that the access matrix gives none of the roles of whoever is acted for, or of the person who acts."""

OUTSIDE_HOURS: Final = """
    SELECT base.*, NULL::DOUBLE AS measured FROM base ASOF LEFT JOIN business ON base.received_at >= business.opens
    WHERE business.closes IS NULL OR base.received_at >= business.closes"""

WITHOUT_TICKET: Final = """
    SELECT base.*, NULL::DOUBLE AS measured FROM base WHERE NOT EXISTS (
        SELECT 1 FROM tickets t WHERE base.received_at >= t.opened
        AND (t.closed IS NULL OR base.received_at <= t.closed) AND t.emergency)"""

WITHOUT_CHANGE: Final = """
    SELECT base.*, NULL::DOUBLE AS measured FROM base WHERE NOT EXISTS (
        SELECT 1 FROM tickets t WHERE base.received_at >= t.opened
        AND (t.closed IS NULL OR base.received_at <= t.closed) AND t.change AND t.object = base.object)"""

ENDED: Final = """
    SELECT base.*, epoch(base.received_at - gone.until) / 86400 AS measured
    FROM base JOIN gone ON gone.user = base.user OR gone.user = base.impersonated_user
    WHERE base.received_at >= gone.until QUALIFY row_number() OVER (PARTITION BY event ORDER BY gone.until) = 1"""

PEOPLE: Final = """(
    SELECT * FROM (SELECT *, unnest(list_distinct([user, impersonated_user])) AS who FROM base) WHERE {people})"""
"""Requests by who asks and for whom, where these are people."""

IDLE: Final = f"""
    SELECT * EXCLUDE (before, who), epoch(received_at - before) / 86400 AS measured FROM (
        SELECT *, lag(received_at) OVER (PARTITION BY who ORDER BY received_at, event) AS before FROM {PEOPLE})
    WHERE received_at - before > INTERVAL {LEAST_IDLE_DAYS} DAYS
    QUALIFY row_number() OVER (PARTITION BY event ORDER BY before) = 1"""

FIRST: Final = f"""
    SELECT * EXCLUDE (began, who), epoch(received_at - began) / 86400 AS measured FROM (
        SELECT *, (SELECT min(received_at) FROM audit_events) AS began FROM {PEOPLE}
        QUALIFY row_number() OVER (PARTITION BY who ORDER BY received_at, event) = 1)
    WHERE received_at - began > INTERVAL {LEAST_IDLE_DAYS} DAYS
    QUALIFY row_number() OVER (PARTITION BY event ORDER BY who) = 1"""
"""First requests: whoever makes one was idle since the log began, or longer, or is new."""

AFTER_CHANGE: Final = """
    SELECT base.* EXCLUDE (who), epoch(base.received_at - change.received_at) AS measured
    FROM (SELECT *, unnest({whose}) AS who FROM base) base
    ASOF JOIN (SELECT *, unnest({whose}) AS who FROM ({{change}})) change
        ON base.who = change.who AND base.received_at >= change.received_at
    WHERE base.who <> '' AND base.received_at - change.received_at <= INTERVAL {{seconds}} SECONDS
    QUALIFY row_number() OVER (PARTITION BY base.event ORDER BY change.received_at DESC, base.who) = 1""".format(
    whose="CASE WHEN impersonated_user = '' THEN [user]"
    " WHEN {proxies} THEN [impersonated_user] ELSE list_distinct([user, impersonated_user]) END"
)
"""Requests that follow a change of rights by the same one; the change itself is a hit of LOG-09.

Who acts as somebody else is both, but for what the site lists as automation: a proxy acts for many.
"""
