"""Label selectors: what the API means by them, and how kubectl writes them.

Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors and
`k8s.io/apimachinery/pkg/labels`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hipaa_kit.errors import InputError

OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


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
        return (self.key in labels) == (self.operator == "Exists")


@dataclass(frozen=True)
class Selector:
    """Conditions that all must hold; none at all match everything."""

    requirements: tuple[Requirement, ...] = ()
    nothing: bool = False

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels meet every condition."""
        return not self.nothing and all(requirement.matches(labels) for requirement in self.requirements)

    @property
    def everything(self) -> bool:
        """Tell whether it matches any labels at all."""
        return not self.nothing and not self.requirements

    def required(self) -> tuple[str, str] | None:
        """Return one (key, value) that every match carries, for an index; None where there is none."""
        for requirement in self.requirements:
            if requirement.operator == "In" and len(requirement.values) == 1:
                return requirement.key, next(iter(requirement.values))
        return None


NOTHING = Selector(nothing=True)
"""Matches no labels: what a selector that is not there means in most APIs."""


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
    expressions = selector.get("matchExpressions") or []
    if not isinstance(expressions, list):
        raise SelectorError("matchExpressions is not a list", where)
    requirements += [_expression(expression, where) for expression in expressions]
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
    return [Requirement(str(key), "In", frozenset({value})) for key, value in sorted(labels.items())]


def _expression(expression: Any, where: str) -> Requirement:
    if not isinstance(expression, Mapping) or not isinstance(expression.get("key"), str):
        raise SelectorError("an expression has no key", where)
    operator, values = expression.get("operator"), expression.get("values") or []
    if operator not in OPERATORS:
        raise SelectorError(f"operator {operator!r} is not one of {', '.join(OPERATORS)}", where)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise SelectorError(f"values of {expression['key']} are not a list of texts", where)
    if (operator in ("In", "NotIn")) != bool(values):
        raise SelectorError(f"operator {operator} and the number of values do not fit", where)
    return Requirement(expression["key"], operator, frozenset(values))


_NAME = r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)"
_KEY = rf"(?P<key>(?:[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?/)?{_NAME})"
_TERM = re.compile(
    rf"\s*(?:!\s*{_KEY.replace('key', 'absent')}"
    rf"|{_KEY}\s*(?:(?P<equal>==?|!=)\s*(?P<value>{_NAME})?"
    rf"|\s(?P<set>in|notin)\s*\((?P<values>[^()]*)\))?)\s*(?:,|$)"
)


def parse_selector(text: str, *, where: str = "") -> Selector:
    """Return a selector as kubectl's `-l` writes it.

    Parameters
    ----------
    text
        `key`, `!key`, `key=value`, `key==value`, `key!=value`, `key in (a,b)`, `key notin (a,b)`,
        joined by commas; all must hold.
    where
        File and line, for the error.

    Raises
    ------
    SelectorError
        It cannot be read; names the position.
    """
    if not text.strip():
        raise SelectorError("is an empty selector, which would match everything", where)
    requirements, position = [], 0
    while position < len(text):
        term = _TERM.match(text, position)
        if term is None or term.end() == position:
            raise SelectorError(f"cannot be read from position {position + 1}: {text[position:]!r}", where)
        requirements.append(_requirement(term, where))
        position = term.end()
    if text.rstrip().endswith(","):
        raise SelectorError("ends with a comma", where)
    return Selector(tuple(requirements))


def _requirement(term: re.Match[str], where: str) -> Requirement:
    if term["absent"]:
        return Requirement(term["absent"], "DoesNotExist")
    if term["set"]:
        values = [value.strip() for value in term["values"].split(",")]
        if not all(re.fullmatch(f"(?:{_NAME})?", value) for value in values):
            raise SelectorError(f"values of {term['key']} cannot be read", where)
        return Requirement(term["key"], "In" if term["set"] == "in" else "NotIn", frozenset(values))
    if term["equal"]:
        return Requirement(term["key"], "NotIn" if term["equal"] == "!=" else "In", frozenset({term["value"] or ""}))
    return Requirement(term["key"], "Exists")
