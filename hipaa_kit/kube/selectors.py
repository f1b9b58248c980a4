"""Label selectors: what the API means by them, how kubectl writes them, and how pods choose nodes.

Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors,
https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#node-affinity,
`k8s.io/apimachinery/pkg/labels` and `k8s.io/component-helpers/scheduling/corev1/nodeaffinity`.

What an absent selector means is for each API to say. Absent matches nothing for a PodDisruptionBudget, a
topology spread constraint and a pod affinity term, and `label_selector(None)` says so; it matches everything
for the `podSelector` of a NetworkPolicy, whose callers give an empty one instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from hipaa_kit.errors import InputError

OPERATORS: Final = ("In", "NotIn", "Exists", "DoesNotExist")
NODE_OPERATORS: Final = (*OPERATORS, "Gt", "Lt")
_TERM_FIELDS: Final = ("matchExpressions", "matchFields")

_NAME = re.compile(r"(?=.{1,63}\Z)[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?")
_LABEL = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_PREFIX = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_INTEGER = re.compile(r"[+-]?[0-9]{1,63}")


class SelectorError(InputError):
    """A label selector is not one that the API would accept."""


@dataclass(frozen=True)
class Requirement:
    """One condition on one label."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels meet the condition; `NotIn` and `DoesNotExist` hold where the key is absent."""
        if self.operator == "In":
            return self.key in labels and labels[self.key] in self.values
        if self.operator == "NotIn":
            return self.key not in labels or labels[self.key] not in self.values
        if self.operator in ("Gt", "Lt"):
            return self._compares(labels.get(self.key, ""))
        return (self.key in labels) == (self.operator == "Exists")

    def _compares(self, value: str) -> bool:
        """Tell whether a label is greater or less, as integers; one that is no integer never is."""
        limit = next(iter(self.values))
        if not is_integer(value) or not is_integer(limit):
            return False
        return int(value) > int(limit) if self.operator == "Gt" else int(value) < int(limit)

    def __str__(self) -> str:
        """Return the condition as kubectl writes it."""
        if self.operator in ("In", "NotIn"):
            return f"{self.key} {self.operator.lower()} ({','.join(sorted(self.values))})"
        if self.operator in ("Gt", "Lt"):
            return f"{self.key}{'>' if self.operator == 'Gt' else '<'}{next(iter(self.values))}"
        return self.key if self.operator == "Exists" else f"!{self.key}"


@dataclass(frozen=True)
class Selector:
    """Conditions that all must hold; none at all match everything."""

    requirements: tuple[Requirement, ...] = ()
    nothing: bool = False

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels meet every condition."""
        return not self.nothing and all(requirement.matches(labels) for requirement in self.requirements)

    def judge(self, known: Mapping[str, str]) -> bool | None:
        """Tell whether labels of which only some are known meet every condition; None where that is open."""
        decided = [requirement.matches(known) for requirement in self.requirements if requirement.key in known]
        if self.nothing or not all(decided):
            return False
        return True if len(decided) == len(self.requirements) else None

    def mentions(self) -> Iterator[tuple[str, frozenset[str] | None]]:
        """Yield every key with the values it tells apart; None where it looks at the value as a whole."""
        for each in self.requirements:
            yield each.key, None if each.operator in ("Gt", "Lt") else each.values

    @property
    def everything(self) -> bool:
        """Tell whether it matches any labels at all."""
        return not self.nothing and not self.requirements

    def required(self) -> list[tuple[str, str]]:
        """Return each (key, value) that every match carries, for an index; other conditions name none."""
        single = (each for each in self.requirements if each.operator == "In" and len(each.values) == 1)
        return [(each.key, next(iter(each.values))) for each in single]

    def __str__(self) -> str:
        """Return the selector as kubectl writes it; "" for both everything and nothing, as kubectl does."""
        return ",".join(map(str, self.requirements))


NOTHING: Final = Selector(nothing=True)
"""Matches no labels: what a selector that is not there means in most APIs."""


def is_integer(text: str) -> bool:
    """Tell whether a text is an integer that fits 64 bits, as `strconv.ParseInt` reads it."""
    return _INTEGER.fullmatch(text) is not None and -(2**63) <= int(text) < 2**63


def is_label_key(text: str) -> bool:
    """Tell whether a text can be the key of a label: a name of up to 63 characters, after an optional prefix.

    Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
    """
    prefix, slash, name = text.rpartition("/")
    return _NAME.fullmatch(name) is not None and (not slash or _PREFIX.fullmatch(prefix) is not None)


def is_label_value(text: str) -> bool:
    """Tell whether a text can be the value of a label: empty, or a name of up to 63 characters."""
    return not text or _NAME.fullmatch(text) is not None


def label_selector(selector: Any, *, where: str = "") -> Selector:
    """Return a `metav1.LabelSelector` as conditions.

    Parameters
    ----------
    selector
        `{matchLabels, matchExpressions}`; None matches nothing, an empty one everything.
    where
        Object and path, for the error.

    Raises
    ------
    SelectorError
        It has a shape or operator that the API refuses.
    """
    if selector is None:
        return NOTHING
    if not isinstance(selector, Mapping):
        raise SelectorError("is not a selector", where)
    requirements = list(_equalities(selector.get("matchLabels"), where))
    requirements += _expressions(selector.get("matchExpressions"), OPERATORS, where)
    return Selector(tuple(requirements))


def map_selector(selector: Any, *, where: str = "") -> Selector:
    """Return the plain map that Services and ReplicationControllers select by.

    A Service without a selector, or with an empty one, selects nothing: its endpoints are written
    by hand. Source: https://kubernetes.io/docs/concepts/services-networking/service/#services-without-selectors
    """
    return Selector(tuple(_equalities(selector, where))) if selector else NOTHING


def _equalities(labels: Any, where: str) -> list[Requirement]:
    if labels is None:
        return []
    if not isinstance(labels, Mapping) or not all(isinstance(v, str) for v in labels.values()):
        raise SelectorError("matchLabels is not a map of texts", where)
    return [_requirement(str(key), "In", [value], where) for key, value in sorted(labels.items())]


def _expressions(expressions: Any, operators: tuple[str, ...], where: str) -> list[Requirement]:
    if expressions is None:
        return []
    if not isinstance(expressions, list):
        raise SelectorError("matchExpressions is not a list", where)
    return [_expression(expression, operators, where) for expression in expressions]


def _expression(expression: Any, operators: tuple[str, ...], where: str) -> Requirement:
    if not isinstance(expression, Mapping) or not isinstance(expression.get("key"), str):
        raise SelectorError("an expression has no key", where)
    operator, values = expression.get("operator"), expression.get("values") or []
    if operator not in operators:
        raise SelectorError(f"operator {operator!r} is not one of {', '.join(operators)}", where)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise SelectorError(f"values of {expression['key']} are not a list of texts", where)
    return _requirement(expression["key"], operator, values, where)


def _requirement(key: str, operator: str, values: list[str], where: str) -> Requirement:
    """Return a condition; what a label may be made of is not asked here, as values may be pseudonyms."""
    counts = {"In": bool(values), "NotIn": bool(values), "Gt": len(values) == 1, "Lt": len(values) == 1}
    if not counts.get(operator, not values):
        raise SelectorError(f"operator {operator} and the number of values of {key} do not fit", where)
    return Requirement(key, operator, frozenset(values))


class NodeTerm(NamedTuple):
    """One term of a node selector: conditions on a node's labels, and on its name."""

    labels: Selector
    names: Selector

    def matches(self, labels: Mapping[str, str], name: str) -> bool:
        """Tell whether a node meets every condition."""
        return self.labels.matches(labels) and self.names.matches({"metadata.name": name})


@dataclass(frozen=True)
class NodeSelector:
    """Terms of which one must hold; none at all match no node."""

    terms: tuple[NodeTerm, ...] = ()

    def matches(self, labels: Mapping[str, str], name: str) -> bool:
        """Tell whether a node meets a term."""
        return any(term.matches(labels, name) for term in self.terms)


def node_selector(selector: Any, *, where: str = "") -> NodeSelector:
    """Return a `core/v1 NodeSelector`, as node affinity and persistent volumes have it.

    Parameters
    ----------
    selector
        `{nodeSelectorTerms: [{matchExpressions, matchFields}]}`.
    where
        Object and path, for the error.

    Raises
    ------
    SelectorError
        It has a shape or operator that the API refuses.

    Notes
    -----
    An empty term matches no node, and so does an empty list of terms. `Gt` and `Lt` against what is no
    integer match no node: the API accepts such a value, and the scheduler passes over its term.
    """
    terms = selector.get("nodeSelectorTerms") if isinstance(selector, Mapping) else None
    if not isinstance(terms, list) or not all(isinstance(term, Mapping) for term in terms):
        raise SelectorError("is not a node selector", where)
    return NodeSelector(tuple(_node_term(term, where) for term in terms if any(map(term.get, _TERM_FIELDS))))


def _node_term(term: Mapping[str, Any], where: str) -> NodeTerm:
    names = _expressions(term.get("matchFields"), ("In", "NotIn"), where)
    if any(each.key != "metadata.name" or len(each.values) != 1 for each in names):
        raise SelectorError("matchFields can only name one metadata.name", where)
    labels = _expressions(term.get("matchExpressions"), NODE_OPERATORS, where)
    return NodeTerm(Selector(tuple(labels)), Selector(tuple(names)))


def parse_selector(text: str, *, where: str = "") -> Selector:
    """Return a selector as kubectl's `-l` writes it.

    Parameters
    ----------
    text
        `key`, `!key`, `key=value`, `key==value`, `key!=value`, `key in (a,b)`, `key notin (a,b)`, `key>1`,
        `key<1`, joined by commas; all must hold.
    where
        File and line, for the error.

    Raises
    ------
    SelectorError
        It cannot be read; names the position.

    Notes
    -----
    Source: `labels.Parse`. It reads an empty text as everything; here that is an error, because nobody who
    leaves a selector empty in a file means every object.
    """
    tokens = list(_tokens(text))
    if tokens[0].text == "":
        raise SelectorError("is an empty selector, which would match everything", where)
    reader = _Reader(tokens, text, where)
    requirements = [reader.requirement()]
    while reader.next().text == ",":
        reader.take()
        requirements.append(reader.requirement())
    if reader.next().text:
        raise reader.error("a comma or the end is expected")
    return Selector(tuple(requirements))


class _Token(NamedTuple):
    text: str
    position: int
    special: bool


def _tokens(text: str) -> Iterator[_Token]:
    """Yield operators and words, and an empty token at the end."""
    for found in re.finditer(r"==|!=|[=!(),<>]|[^=!(),<> \t\r\n]+", text):
        yield _Token(found[0], found.start(), found[0][0] in "=!(),<>")
    yield _Token("", len(text), special=True)


_BY_SYMBOL: Final = {"=": "In", "==": "In", "!=": "NotIn", "in": "In", "notin": "NotIn", ">": "Gt", "<": "Lt"}


class _Reader:
    """Reads one requirement after the other; `in` and `notin` are words where no operator can stand."""

    def __init__(self, tokens: list[_Token], text: str, where: str) -> None:
        self.tokens, self.text, self.where = tokens, text, where
        self.at = 0

    def next(self) -> _Token:
        return self.tokens[self.at]

    def take(self) -> _Token:
        self.at += 1
        return self.tokens[self.at - 1]

    def error(self, what: str) -> SelectorError:
        position = self.next().position
        return SelectorError(
            f"cannot be read from position {position + 1}: {self.text[position:]!r}, {what}", self.where
        )

    def requirement(self) -> Requirement:
        absent = self.next().text == "!"
        if absent:
            self.take()
        if self.next().special or not is_label_key(self.next().text):
            raise self.error("the key of a label is expected")
        key = self.take().text
        if absent or self.next().text in ("", ","):
            return Requirement(key, "DoesNotExist" if absent else "Exists")
        if self.next().text not in _BY_SYMBOL:
            raise self.error(f"one of {' '.join(_BY_SYMBOL)} is expected")
        symbol = self.take()
        operator = _BY_SYMBOL[symbol.text]
        values = [self.value()] if symbol.special else self.values()
        if operator in ("Gt", "Lt") and not is_integer(values[0]):
            self.at -= bool(values[0])
            raise self.error("an integer is expected")
        return Requirement(key, operator, frozenset(values))

    def value(self) -> str:
        """Return a value; nothing where one could stand is the empty value."""
        if self.next().text in ("", ",", ")"):
            return ""
        if self.next().special or not is_label_value(self.next().text):
            raise self.error("the value of a label is expected")
        return self.take().text

    def values(self) -> list[str]:
        if self.next().text != "(":
            raise self.error("( is expected")
        self.take()
        values = [self.value()]
        while self.next().text == ",":
            self.take()
            values.append(self.value())
        if self.next().text != ")":
            raise self.error("a comma or ) is expected")
        self.take()
        return values
