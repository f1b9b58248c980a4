"""From a line to the facts of what will be dropped of it."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from hipaa_kit.kube.audit.bodies import TELLING, WRITES, body_facts
from hipaa_kit.kube.audit.commands import command_facts
from hipaa_kit.sources.leaks import looks_secret


class _Object(msgspec.Struct):
    resource: str = ""
    subresource: str = ""
    apiGroup: str = ""  # noqa: N815 - as in the event


class _Event(msgspec.Struct):
    verb: str = ""
    requestURI: str = ""  # noqa: N815 - as in the event
    objectRef: _Object | None = None  # noqa: N815 - as in the event
    requestObject: msgspec.Raw = msgspec.Raw()  # noqa: N815 - as in the event
    responseObject: msgspec.Raw = msgspec.Raw()  # noqa: N815 - as in the event


_EVENT: Final = msgspec.json.Decoder(_Event)
_encode: Final = msgspec.json.Encoder().encode


def line_facts(line: str) -> str | None:
    """Return the facts of an event as JSON; None where it has none.

    Parameters
    ----------
    line
        An event as text; what is no event has no facts.
    """
    if '"exec"' not in line and 'Object"' not in line:
        return None
    try:
        event = _EVENT.decode(line)
        facts = _facts(event)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return None
    return _encode(facts).decode() if facts else None


def _facts(event: _Event) -> dict[str, Any]:
    about = event.objectRef or _Object()
    facts: dict[str, Any] = {}
    if about.subresource == "exec":
        programs, marks = command_facts(event.requestURI.partition("?")[2])
        facts = {"programs": programs, "command_marks": marks} if programs else {}
    if event.verb in WRITES and ((about.apiGroup, about.resource) in TELLING or event.verb == "create"):
        given = (_body(event.requestObject), _body(event.responseObject))
        facts |= body_facts(about.apiGroup, about.resource, about.subresource, event.verb, *given)
    return {name: _clean(value) for name, value in facts.items()}


def _body(raw: msgspec.Raw) -> Any:
    return msgspec.json.decode(raw) if bytes(raw) else None


def _clean(value: Any) -> Any:
    """Return a fact without what looks like a secret: a refused request may write anything for a name."""
    if isinstance(value, list):
        return [each for each in value if not looks_secret(each)]
    return "" if isinstance(value, str) and looks_secret(value) else value
