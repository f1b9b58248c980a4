"""The part of LogQL that rules for the audit log are written in, carried out over lines: own reading of its manual.

`{…} | json a="x.y" | filter | filter`, where a filter compares labels with anchored patterns, joined by `and` and `or`
with brackets. A label that a line does not have is empty. Source:
https://grafana.com/docs/loki/latest/query/log_queries/.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

TOKENS = re.compile(r"\s*(\(|\)|and\b|or\b|(\w+)(=~|!~)`([^`]*)`)")


def matching(query: str, lines: list[str]) -> list[str]:
    """Return the lines that a query lets through."""
    _, parser, *filters = _stages(query)
    fields = {name: _steps(path.replace('\\"', '"')) for name, path in re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', parser)}
    found = []
    for line in lines:
        event = json.loads(line)
        labels = {name: _label(event, steps) for name, steps in fields.items()}
        if all(_holds(each, labels) for each in filters):
            found.append(line)
    return found


def _stages(query: str) -> list[str]:
    """Return the stages of a pipeline: a bar within a pattern divides nothing."""
    found, quoted = [""], False
    for each in query:
        quoted ^= each == "`"
        if each == "|" and not quoted:
            found.append("")
        else:
            found[-1] += each
    return found


def _steps(path: str) -> list[str]:
    return [quoted or plain for quoted, plain in re.findall(r'\["([^"]+)"\]|(\w+)', path)]


def _label(value: Any, steps: list[str]) -> str:
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _holds(condition: str, labels: dict[str, str]) -> bool:
    tokens = _tokens(condition)
    value, rest = _either(tokens, labels)
    assert not rest, rest
    return value


@cache
def _tokens(condition: str) -> list[Any]:
    tokens = [match.groups() for match in TOKENS.finditer(condition)]
    assert "".join(token[0] for token in tokens) == "".join(re.sub(r"\s+(?=(?:[^`]*`[^`]*`)*[^`]*$)", "", condition))
    return tokens


def _either(tokens: list[Any], labels: dict[str, str]) -> tuple[bool, list[Any]]:
    value, tokens = _both(tokens, labels)
    while tokens and tokens[0][0] == "or":
        other, tokens = _both(tokens[1:], labels)
        value = value or other
    return value, tokens


def _both(tokens: list[Any], labels: dict[str, str]) -> tuple[bool, list[Any]]:
    value, tokens = _one(tokens, labels)
    while tokens and tokens[0][0] == "and":
        other, tokens = _one(tokens[1:], labels)
        value = value and other
    return value, tokens


def _one(tokens: list[Any], labels: dict[str, str]) -> tuple[bool, list[Any]]:
    word, label, operator, pattern = tokens[0]
    if word == "(":
        value, rest = _either(tokens[1:], labels)
        assert rest[0][0] == ")"
        return value, rest[1:]
    assert label in labels, label
    fits = re.fullmatch(pattern, labels[label], re.DOTALL) is not None
    return fits == (operator == "=~"), tokens[1:]
