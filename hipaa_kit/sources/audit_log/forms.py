"""Forms in which events come: what services wrap around an event is taken off, told by its shape and by no name.

Sources: `pkg/apis/audit/v1/types.go` of kubernetes/apiserver (Event, EventList);
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html;
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/ValidateLogEventFlow.html;
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateExportTask.html;
https://learn.microsoft.com/azure/aks/monitor-aks-reference; https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from hipaa_kit.sources.audit_log.providers import of_analytics, of_log_entry
from hipaa_kit.tables.audit_log import DELIVERIES

STREAM: Final = "kube-apiserver-audit"
"""How the streams begin that hold audit events, among those of one log group of EKS."""

AKS: Final = frozenset({"kube-audit", "kube-audit-admin"})
WITHIN: Final = ("log", "message", "_source", "log_s", "event", "@message")
"""Fields in which shippers of logs carry a line."""
LISTS: Final = ("items", "events", "records", "logEvents", "value", "hits")
DEEPEST: Final = 6
"""Wrappings within wrappings."""

FILE, WEBHOOK, PROVIDER, BEST_EFFORT = DELIVERIES

_BEFORE: Final = re.compile(
    r"\d{4}-\d\d-\d\d[T ][\d:.]{8,18}(?:Z|[+-]\d\d:?\d\d)?(?P<container> std(?:out|err) [FP])? (?=\{)"
)
"""What stands before an event in an export of CloudWatch to S3, or in the log of a container."""

_decode: Final = msgspec.json.decode
_encode: Final = msgspec.json.encode


@dataclass
class Taken:
    """What was found in a wrapping: events as text with the server that each names, and what was left.

    `cut` is an export that says that there is more, `broken` a text that is no JSON.
    """

    events: list[tuple[str, str]] = field(default_factory=list)
    skipped: int = 0
    unread: int = 0
    cut: bool = False
    broken: bool = False
    form: str = ""
    delivery: str = FILE

    def say(self, form: str, delivery: str) -> None:
        """Remember what it was, of several the outermost, and the weakest promise."""
        self.form = self.form or form
        self.delivery = max(self.delivery, delivery, key=DELIVERIES.index)


def unwrap(text: str) -> Taken:
    """Return the events in a text that is no event itself.

    Parameters
    ----------
    text
        One line, or one value of a document.

    Returns
    -------
    Taken
        Nothing of a text is lost: what is neither an event nor known to be something else is counted as unread.
    """
    taken = Taken()
    _text(text, "", taken, 0)
    return taken


def take(content: Any, taken: Taken) -> None:
    """Add the events in a value that was decoded already."""
    _value(content, "", taken, 0)


def _text(text: str, server: str, taken: Taken, depth: int) -> None:
    if before := _BEFORE.match(text):
        taken.say(*(("container log", FILE) if before["container"] else ("CloudWatch export to S3", BEST_EFFORT)))
        text = text[before.end() :]
    try:
        content = _decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        taken.unread += 1
        taken.broken = True
        return
    _value(content, server, taken, depth)


def _value(content: Any, server: str, taken: Taken, depth: int) -> None:
    if depth > DEEPEST:
        taken.unread += 1
    elif isinstance(content, list):
        for each in content:
            _value(each, server, taken, depth + 1)
    elif isinstance(content, str) and content.lstrip()[:1] in ("{", "["):
        _text(content, server, taken, depth + 1)
    elif isinstance(content, dict):
        _map(content, server, taken, depth)
    else:
        taken.unread += 1


def _map(content: dict[str, Any], server: str, taken: Taken, depth: int) -> None:
    if is_event(content):
        taken.events.append((_encode(content).decode(), server))
        return
    for recognised, take in _FORMS:
        if recognised(content):
            take(content, server, taken, depth)
            return
    taken.unread += 1


def is_event(content: Mapping[str, Any]) -> bool:
    """Tell whether a value is an event as the API server writes it."""
    named = isinstance(content.get("auditID"), str) and isinstance(content.get("verb"), str)
    return named and ("stage" in content or "requestURI" in content)


def _event_list(content: dict[str, Any], server: str, taken: Taken, depth: int) -> None:
    taken.say("EventList", WEBHOOK)
    _value(content.get("items") or [], server, taken, depth + 1)


def _filtered(content: dict[str, Any], server: str, taken: Taken, depth: int) -> None:
    """Take the answer of `aws logs filter-log-events` or `get-log-events`; a token at its end says that it was cut."""
    taken.say("CloudWatch filter-log-events", BEST_EFFORT)
    taken.cut |= bool(content.get("nextToken"))
    _messages(content["events"], server, taken, depth)


def _subscribed(content: dict[str, Any], _server: str, taken: Taken, depth: int) -> None:
    taken.say("CloudWatch subscription", BEST_EFFORT)
    if content["messageType"] == "CONTROL_MESSAGE":
        taken.skipped += 1
        return
    _messages(content.get("logEvents") or [], str(content.get("logStream") or ""), taken, depth)


def _messages(events: Any, server: str, taken: Taken, depth: int) -> None:
    for each in events if isinstance(events, list) else [events]:
        if isinstance(each, dict) and "message" in each:
            _message(each, server, taken, depth)
        else:
            taken.unread += 1


def _message(content: dict[str, Any], server: str, taken: Taken, depth: int) -> None:
    """Take one event of CloudWatch, where its stream is one of the audit log."""
    taken.say("CloudWatch events", BEST_EFFORT)
    stream = str(content.get("logStreamName") or server)
    if stream and not stream.startswith(STREAM):
        taken.skipped += 1
    else:
        _value(content["message"], stream, taken, depth + 1)


def _azure(content: dict[str, Any], server: str, taken: Taken, depth: int) -> None:
    """Take one record of a diagnostic setting; `guard` is the log of the sign-in webhook and no audit log."""
    taken.say("Azure diagnostic records", PROVIDER)
    properties = content.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    if content["category"] not in AKS:
        taken.skipped += 1
    else:
        _value(properties.get("log"), str(properties.get("pod") or server), taken, depth + 1)


def _analytics(content: dict[str, Any], server: str, taken: Taken, _depth: int) -> None:
    taken.say("Azure Log Analytics", PROVIDER)
    taken.events.append((_encode(of_analytics(content)).decode(), str(content.get("PodName") or server)))


def _analytics_tables(content: dict[str, Any], server: str, taken: Taken, depth: int) -> None:
    """Take the answer of the query API: columns by name, rows as lists."""
    for table in content["tables"] if isinstance(content["tables"], list) else []:
        columns = table.get("columns") if isinstance(table, dict) else None
        names = [each.get("name") for each in columns or [] if isinstance(each, dict)]
        for row in (table.get("rows") if isinstance(table, dict) else None) or []:
            _value(dict(zip(names, row, strict=False)) if isinstance(row, list) else None, server, taken, depth + 1)


def _google(content: dict[str, Any], server: str, taken: Taken, _depth: int) -> None:
    taken.say("Google Cloud LogEntry", PROVIDER)
    found = of_log_entry(content)
    if found is None:
        taken.skipped += 1
    else:
        taken.events.append((_encode(found[0]).decode(), found[1] or server))


def _shipped(content: dict[str, Any], server: str, taken: Taken, depth: int) -> None:
    taken.say("shipped lines", FILE)
    field_ = next(name for name in WITHIN if _carries(content.get(name)))
    _value(content[field_], server, taken, depth + 1)


def _carries(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, str) and value.lstrip()[:1] == "{")


def _listed(content: dict[str, Any], server: str, taken: Taken, depth: int) -> None:
    name = next(name for name in LISTS if isinstance(content.get(name), list))
    taken.cut |= bool(content.get("nextToken") or content.get("nextLink"))
    _value(content[name], server, taken, depth + 1)


_Form = tuple[Callable[[dict[str, Any]], bool], Callable[[dict[str, Any], str, Taken, int], None]]

_FORMS: Final[tuple[_Form, ...]] = (
    (lambda c: c.get("kind") == "EventList", _event_list),
    (lambda c: isinstance(c.get("messageType"), str) and ("logEvents" in c or "logGroup" in c), _subscribed),
    (lambda c: "events" in c and ("searchedLogStreams" in c or "nextToken" in c or "nextForwardToken" in c), _filtered),
    (lambda c: "message" in c and ("logStreamName" in c or "ingestionTime" in c or "eventId" in c), _message),
    (lambda c: isinstance(c.get("category"), str) and "properties" in c, _azure),
    (lambda c: "AuditId" in c and "Verb" in c, _analytics),
    (lambda c: "tables" in c, _analytics_tables),
    (lambda c: isinstance(c.get("protoPayload"), dict), _google),
    (lambda c: any(_carries(c.get(name)) for name in WITHIN), _shipped),
    (lambda c: any(isinstance(c.get(name), list) for name in LISTS), _listed),
)
"""Every wrapping: how it is told, and what takes it off; the first that fits."""
