"""Detections as rules of the Loki ruler: LogQL over the log as the API server writes it, a JSON object per line.

What only a site can say is written out, from its snapshot and settings; a detection that needs a list which is empty is
left out. A label that a line does not have is empty. Sources: https://grafana.com/docs/loki/latest/query/log_queries/,
https://grafana.com/docs/loki/latest/alert/.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

import yaml

from hipaa_kit.evidence.rules.fields import COMMANDS, PATHS, UnsaidError, contained, possible, said
from hipaa_kit.kube.audit.conditions import (
    LISTS,
    AllOf,
    Answered,
    AnyOf,
    Code,
    Condition,
    Contains,
    Is,
    Known,
    Listed,
    Matches,
    Not,
    Some,
    Starts,
    Truth,
)
from hipaa_kit.kube.audit.detections import DETECTIONS, Detection

STREAM: Final = '{job="kubernetes-audit"}'
ONE_REQUEST_SECONDS: Final = 300
GAP: Final = "10m"
UNWRITTEN: Final = {"LOG-26": "LogQL compares no two lines by the order in which they came"}
"""Detections that Sigma can say and Loki cannot, and why."""

Lists = Mapping[str, Collection[str]]


def loki_rules(lists: Lists) -> dict[str, Any]:
    """Return a file of rules.

    Parameters
    ----------
    lists
        What the site says: the names in each of its lists; a list that is empty is not there.
    """
    rules = [rule for detection in DETECTIONS if (rule := _rule(detection, lists))]
    rules.append(
        {
            "alert": "LOG-16 gap",
            "expr": f"absent_over_time({STREAM}[{GAP}])",
            "labels": {"severity": "medium", "detection": "LOG-16"},
            "annotations": {"summary": "The audit log holds nothing for ten minutes."},
        }
    )
    return {"groups": [{"name": "hipaa-kit-audit", "interval": "1m", "rules": rules}]}


def loki_text(lists: Lists) -> str:
    """Return the file of rules as YAML."""
    return yaml.safe_dump(loki_rules(lists), sort_keys=False, allow_unicode=True, width=10_000)


def left_out(lists: Lists) -> Iterator[tuple[str, str]]:
    """Yield each detection that is not written, with why."""
    for detection in DETECTIONS:
        try:
            _asked(detection, lists)
        except UnsaidError as error:
            yield detection.name, error.what


def _asked(detection: Detection, lists: Lists) -> Condition:
    """Return what a rule for Loki asks of a line.

    Raises
    ------
    UnsaidError
        LogQL cannot say it, or not without a list that is not there.
    """
    if why := UNWRITTEN.get(detection.id):
        raise UnsaidError(why, detection.id, "run it with the kit")
    where = said(detection)
    if not possible(where, lists):
        what = "it rests on what only the site can say: give a snapshot, its scope and inputs"
        raise UnsaidError(what, detection.id, "run it with the kit")
    return where


def _rule(detection: Detection, lists: Lists) -> dict[str, Any] | None:
    query = query_of(detection, lists)
    if query is None:
        return None
    seconds = detection.rate.seconds if detection.rate else ONE_REQUEST_SECONDS
    counted = f"count_over_time({query} [{seconds}s])"
    if detection.rate is None:
        expression = f"sum by (user, namespace) ({counted}) > 0"
    elif detection.rate.of:
        each = ", ".join(("user", *detection.rate.of))
        expression = f"count by (user) (sum by ({each}) ({counted})) >= {detection.rate.default}"
    else:
        expression = f"sum by (user) ({counted}) >= {detection.rate.default}"
    return {
        "alert": detection.name,
        "expr": expression,
        "labels": {"severity": detection.severity, "detection": detection.id},
        "annotations": {"summary": f"{{{{ $labels.user }}}} {detection.act}."},
    }


def query_of(detection: Detection, lists: Lists) -> str | None:
    """Return the query whose lines are those that a detection counts; None where it cannot be said here."""
    try:
        where = _asked(detection, lists)
    except UnsaidError:
        return None
    writer = _Writer(lists)
    asked = writer.where(where)
    # A long request has an event when its answer starts and one when it ends; a rate counts each request once.
    stages = "ResponseComplete|Panic" if detection.rate else "ResponseStarted|ResponseComplete|Panic"
    fields = sorted({*writer.fields, "stage", "user", "namespace", *(detection.rate.of if detection.rate else ())})
    parsed = ", ".join(f'{field}="{_expression(PATHS[field])}"' for field in fields)
    return f"{STREAM} | json {parsed} | stage=~`{stages}` | {asked}"


def _expression(path: tuple[str, ...]) -> str:
    """Return where a field stands, as the parser for JSON has it: keys that are no plain words in brackets."""
    found = path[0]
    for step in path[1:]:
        found += f".{step}" if re.fullmatch(r"\w+", step) else f'[\\"{step}\\"]'
    return found


class _Writer:
    """Writes conditions as filters of labels, and notes which labels they need."""

    def __init__(self, lists: Lists) -> None:
        self._lists = lists
        self.fields: set[str] = set()

    def where(self, condition: Condition) -> str:
        match condition:
            case AllOf(parts):
                return "(" + " and ".join(self.where(part) for part in parts) + ")"
            case AnyOf(parts):
                return "(" + " or ".join(self.where(part) for part in parts) + ")"
            case Not(part):
                return self._leaf(part, holds=False)
        return self._leaf(condition, holds=True)

    def _leaf(self, condition: Condition, *, holds: bool) -> str:
        patterns = list(self._patterns(condition))
        if not patterns:
            # An empty list of the site: nobody is on it.
            return self._filter("verb", "", holds=holds)
        joined = (" or " if holds else " and ").join(self._filter(*each, holds=holds) for each in patterns)
        return f"({joined})" if len(patterns) > 1 else joined

    def _filter(self, field: str, pattern: str, *, holds: bool) -> str:
        self.fields.add(field)
        return f"{field}{'=~' if holds else '!~'}`{pattern}`"

    def _patterns(self, condition: Condition) -> Iterator[tuple[str, str]]:
        """Yield (field, pattern of its whole value): the condition holds where one of them does."""
        match condition:
            case Is("pod_security", words):
                for word in words:
                    yield ("exempt" if word == "exempt" else "violations"), ".+"
            case Is(field, words) if field in LISTS:
                yield field, f'.*"({_any(words)})".*'
            case Is(field, words):
                yield field, _any(words)
            case Starts(field, words):
                yield field, f"({_any(words)}).*"
            case Contains(field, words):
                yield field, f"(?i).*({_any(contained(field, words))}).*"
            case Some("command_marks"):
                yield "path", f".*({_any(COMMANDS)}).*"
            case Some("data_source"):
                yield "data_source", ".+"
                yield "data_source_ref", ".+"
            case Some(field):
                yield field, ".+"
            case Code(codes):
                yield "code", _any(map(str, codes))
            case Answered():
                yield "code", "[123].*|"
                yield "stage", "Panic"
            case Matches(field, pattern):
                yield field, f"{pattern}.*"
            case Truth(field, value):
                yield field, ".+" if value else ""
            case Listed("break_glass"):
                yield "decision_reason", f".*allowed by ({_any(_entries(self._lists, 'break_glass'))}) of .*"
            case Listed(name, field):
                if entries := _entries(self._lists, name):
                    within = name == "scripting_agents"
                    yield field, f"(?i).*({_any(entries)}).*" if within else "|".join(map(_starred, entries))
            case Known(name, (field,)):
                if rows := _entries(self._lists, name):
                    yield field, _any(rows)
            case _:
                raise UnsaidError(
                    f"LogQL has no words for {type(condition).__name__}", "detection", "run it with the kit"
                )


def _entries(lists: Lists, name: str) -> list[str]:
    return sorted(lists.get(name, ()))


def _any(words: Any) -> str:
    return "|".join(_escaped(word) for word in words)


def _starred(word: str) -> str:
    return _escaped(word[:-1]) + ".*" if word.endswith("*") else _escaped(word)


def _escaped(word: str) -> str:
    """Return a word as a pattern of RE2; a backtick would end the text that holds it."""
    return re.sub(r"([.+*?()|\[\]{}^$\\])", r"\\\1", word).replace("`", r"\x60")
