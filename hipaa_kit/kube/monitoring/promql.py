"""Which series an expression of PromQL reads: names of metrics and the labels asked for, nothing of what it computes.

It reads words, not grammar: functions, aggregations, grouping labels, ranges, numbers and texts are told from names of
metrics by what stands around them. What stands after `unless`, or is joined with `group_left` or `group_right`, only
leaves something out or adds labels: it is not among what an expression is about. Source: https://prometheus.io/docs/prometheus/latest/querying/basics/,
https://prometheus.io/docs/prometheus/latest/querying/operators/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

LONGEST: Final = 20_000
"""Expressions beyond this are not read."""

_TOKEN: Final = re.compile(
    r"""(?P<space>[\s]+|\#[^\n]*)|(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)|(?P<number>\d[\w.]*)
    |(?P<name>[A-Za-z_:][\w:]*)|(?P<operator>=~|!~|!=|==|<=|>=|.)""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_GROUPING: Final = frozenset(["by", "without", "on", "ignoring", "group_left", "group_right"])
_JOINING: Final = frozenset(["group_left", "group_right"])
_WORDS: Final = frozenset(["and", "or", "bool", "offset", "atan2", "inf", "nan"])
_AGGREGATIONS: Final = frozenset(
    """
    avg bottomk count count_values group limit_ratio limitk max min quantile stddev stdvar sum topk
    """.split()
)
_MATCHES: Final = frozenset(["=", "!=", "=~", "!~"])
_CONSTANT: Final = re.compile(r"\s*vector\s*\(\s*\d{1,9}(?:\.\d{1,9})?\s*\)\s*", re.ASCII)
_PIECE: Final = re.compile(r"(?:[\w-]|\\\.|\.[*+]?|\[[\w-]{1,40}\])*", re.ASCII)
_OPEN_ENDS: Final = 4
"""Parts of a pattern that may be of any length, at most: more could take long to compare."""


class Matcher(NamedTuple):
    """One condition on one label."""

    label: str
    operator: str
    value: str


class Series(NamedTuple):
    """What one selector of an expression asks for; no metric where it names none."""

    metric: str
    matchers: tuple[Matcher, ...] = ()

    def admits(self, label: str, value: str) -> bool | None:
        """Tell whether series with this label are asked for; None where a pattern is not understood."""
        answers = [matches(each.operator, each.value, value) for each in self.matchers if each.label == label]
        if False in answers:
            return False
        return None if None in answers else True


def matches(operator: str, wanted: str, value: str) -> bool | None:
    """Tell whether a label's value meets a condition; None where the pattern is not one of the plain kind.

    Plain are alternatives of names, in which `.` stands for a character, `.*` and `.+` for many, `[45]` for either.
    """
    if operator in ("=", "!="):
        return (wanted == value) == (operator == "=")
    found = _fits(wanted, value)
    return None if found is None else found == (operator == "=~")


def _fits(pattern: str, value: str) -> bool | None:
    inner = pattern.removeprefix("^").removesuffix("$")
    if inner.startswith("(") and inner.endswith(")"):
        inner = inner[1:-1].removeprefix("?:")
    pieces = inner.split("|")
    if len(pattern) > 512 or not all(_PIECE.fullmatch(piece) for piece in pieces):
        return None
    if any(piece.count("*") + piece.count("+") > _OPEN_ENDS for piece in pieces):
        return None
    try:
        return any(re.fullmatch(piece, value, re.ASCII) for piece in pieces)
    except re.error:
        return None


def is_constant(expression: str) -> bool:
    """Tell whether an expression always has a value whatever is measured: `vector(1)`."""
    return _CONSTANT.fullmatch(expression) is not None


def series_of(expression: str) -> tuple[Series, ...]:
    """Return what the selectors of an expression ask for, in order; nothing of one that is too long to be read.

    Parameters
    ----------
    expression
        PromQL, well formed or not: nothing raises.
    """
    if len(expression) > LONGEST:
        return ()
    found = _TOKEN.finditer(expression)
    tokens = [(each.lastgroup or "", each.group()) for each in found if each.lastgroup != "space"]
    return tuple(dict.fromkeys(_read(tokens)))


def _read(tokens: Sequence[tuple[str, str]]) -> Iterator[Series]:
    place = 0
    while place < len(tokens):
        kind, word = tokens[place]
        after = tokens[place + 1][1] if place + 1 < len(tokens) else ""
        place += 1
        if word == "[":
            place = _past(tokens, place, "]")
        elif word == "{":
            matchers, place = _matchers(tokens, place)
            yield _named("", matchers)
        elif word.lower() == "unless" and kind == "name":
            place = _past_operand(tokens, place)
        elif kind != "name" or word.lower() in _WORDS:
            continue
        elif word.lower() in _GROUPING:
            place = _past(tokens, place + 1, ")") if after == "(" else place
            place = _past_operand(tokens, place) if word.lower() in _JOINING else place
        elif after == "(" or (word.lower() in _AGGREGATIONS and after.lower() in ("by", "without")):
            continue
        elif after == "{":
            matchers, place = _matchers(tokens, place + 1)
            yield _named(word, matchers)
        else:
            yield Series(word)


def _past(tokens: Sequence[tuple[str, str]], place: int, end: str) -> int:
    """Return the place after the next word of that kind."""
    while place < len(tokens) and tokens[place][1] != end:
        place += 1
    return place + 1


def _past_operand(tokens: Sequence[tuple[str, str]], place: int) -> int:
    """Return the place after the next operand: a selector, a call, or what stands in parentheses."""
    closing = {"(": ")", "{": "}", "[": "]"}
    named = False
    while place < len(tokens):
        kind, word = tokens[place]
        if word in closing:
            place = _past_pair(tokens, place, word, closing[word])
            if word == "(" and not named:
                return place
        elif kind == "name" and word.lower() in _GROUPING:
            place += 1
            if place < len(tokens) and tokens[place][1] == "(":
                place = _past_pair(tokens, place, "(", ")")
        elif kind == "name" and not named and word.lower() not in _WORDS:
            named = True
            place += 1
        else:
            return place if named or kind != "number" else place + 1
    return place


def _past_pair(tokens: Sequence[tuple[str, str]], place: int, opening: str, closing: str) -> int:
    """Return the place after the pair of brackets that opens here."""
    depth = 0
    while place < len(tokens):
        depth += (tokens[place][1] == opening) - (tokens[place][1] == closing)
        place += 1
        if depth == 0:
            break
    return place


def _matchers(tokens: Sequence[tuple[str, str]], place: int) -> tuple[list[Matcher], int]:
    """Return the conditions within braces, and the place after them; a name in quotes alone is that of the metric."""
    found: list[Matcher] = []
    while place < len(tokens) and tokens[place][1] != "}":
        kind, word = tokens[place]
        label = _unquoted(word) if kind == "text" else word
        if kind in ("name", "text") and place + 2 < len(tokens) and tokens[place + 1][1] in _MATCHES:
            found.append(Matcher(label, tokens[place + 1][1], _unquoted(tokens[place + 2][1])))
            place += 3
        else:
            if kind == "text":
                found.append(Matcher("__name__", "=", label))
            place += 1
    return found, place + 1


def _named(metric: str, matchers: Sequence[Matcher]) -> Series:
    names = [each.value for each in matchers if each.label == "__name__" and each.operator == "="]
    rest = tuple(each for each in matchers if each.label != "__name__" or each.operator != "=")
    return Series(metric or next(iter(names), ""), rest)


def _unquoted(word: str) -> str:
    if word[:1] == "`":
        return word[1:-1]
    return re.sub(r"\\(.)", r"\1", word[1:-1], flags=re.DOTALL) if word[:1] in ('"', "'") else word


_UNITS: Final = {"y": 31_536_000, "w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION: Final = re.compile(
    r"(?:(\d{1,9})y)?(?:(\d{1,9})w)?(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?(?:\d{1,9}ms)?",
    re.ASCII,
)


def duration_seconds(written: str) -> int | None:
    """Return a duration of Prometheus in whole seconds; None for what is none.

    Source: https://prometheus.io/docs/prometheus/latest/querying/basics/#float-literals-and-time-durations
    """
    if written == "0":
        return 0
    found = _DURATION.fullmatch(written) if written else None
    if found is None:
        return None
    return sum(int(amount) * unit for amount, unit in zip(found.groups(), _UNITS.values(), strict=True) if amount)
