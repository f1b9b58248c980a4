"""Calico's language of selectors: `role == 'db' && has(team) || !(tier in {'a', 'b'})`.

Source: https://docs.tigera.io/calico/latest/reference/resources/networkpolicy#selectors, and the parser of
`libcalico-go/lib/selector`: `!=` and `not in` hold where the label is absent, every other comparison does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from hipaa_kit.kube.network.reading import PolicyError

Answer = bool | None
"""Whether labels meet an expression; None where only a label that is not known would tell."""


@dataclass(frozen=True)
class Compared:
    """A comparison of one label with texts: `has`, `==`, `in`, `contains`, `starts with`, `ends with`."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def judge(self, known: Mapping[str, str]) -> Answer:
        """Tell whether labels of which only some are known meet it."""
        return self.matches(known) if self.key in known or self.key == GLOBAL_KEY else None

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels meet it."""
        value = labels.get(self.key)
        return value is not None and _COMPARE[self.operator](value, self.values)

    def mentions(self) -> Iterator[tuple[str, frozenset[str] | None]]:
        """Yield the key with the values it tells apart."""
        yield self.key, self.values if self.operator in ("has", "in") else None

    def __str__(self) -> str:
        """Return it as it is written."""
        if self == GLOBAL:
            return "global()"
        if self.operator == "has":
            return f"has({self.key})"
        values = ", ".join(f"'{value}'" for value in sorted(self.values))
        return f"{self.key} {self.operator} " + (f"{{{values}}}" if self.operator == "in" else values)


_COMPARE: Final[Mapping[str, Callable[[str, frozenset[str]], bool]]] = {
    "has": lambda _, __: True,
    "in": lambda value, values: value in values,
    "contains": lambda value, values: all(each in value for each in values),
    "starts with": lambda value, values: all(value.startswith(each) for each in values),
    "ends with": lambda value, values: all(value.endswith(each) for each in values),
}


@dataclass(frozen=True)
class Not:
    """What an expression does not match."""

    inner: Expression

    def judge(self, known: Mapping[str, str]) -> Answer:
        """Tell whether labels of which only some are known meet it."""
        found = self.inner.judge(known)
        return None if found is None else not found

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels meet it."""
        return not self.inner.matches(labels)

    def mentions(self) -> Iterator[tuple[str, frozenset[str] | None]]:
        """Yield the keys with the values it tells apart."""
        return self.inner.mentions()

    def __str__(self) -> str:
        """Return it as it is written."""
        return f"!({self.inner})"


@dataclass(frozen=True)
class Joined:
    """Expressions of which all, or any, must hold."""

    every: bool
    parts: tuple[Expression, ...] = ()

    def judge(self, known: Mapping[str, str]) -> Answer:
        """Tell whether labels of which only some are known meet it."""
        found = [part.judge(known) for part in self.parts]
        decisive = not self.every
        return decisive if decisive in found else None if None in found else self.every

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels meet it."""
        found = (part.matches(labels) for part in self.parts)
        return all(found) if self.every else any(found)

    def mentions(self) -> Iterator[tuple[str, frozenset[str] | None]]:
        """Yield the keys with the values it tells apart."""
        for part in self.parts:
            yield from part.mentions()

    def __str__(self) -> str:
        """Return it as it is written."""
        if not self.parts:
            return "all()"
        return (" && " if self.every else " || ").join(f"({part})" for part in self.parts)


Expression = Compared | Not | Joined
ALL: Final = Joined(every=True)
"""Matches everything."""

GLOBAL_KEY: Final = "projectcalico.org/global()"
"""No label can be called so: it tells apart what lies in no namespace."""

GLOBAL: Final = Compared(GLOBAL_KEY, "in", frozenset(["yes"]))
"""`global()` matches only what lies in no namespace."""


class _Token(NamedTuple):
    kind: str
    text: str
    position: int


_TOKENS: Final = re.compile(
    r"""\s*(?:
      (?P<text>"[^"]*"|'[^']*')
    | (?P<call>(?:all|global)\(\s*\))
    | has\(\s*(?P<has>[\w./-]+)\s*\)
    | (?P<sign>==|!=|&&|\|\||[!(){},])
    | (?P<word>[A-Za-z0-9_./-]{1,512})
    )""",
    re.VERBOSE | re.ASCII,
)
_WORDS: Final = ("contains", "starts with", "ends with", "not in", "in")


@lru_cache(maxsize=65536)
def parse_expression(text: str) -> Expression:
    """Return a selector of Calico; an empty one matches everything.

    Raises
    ------
    PolicyError
        It is not one; names the position.
    """
    tokens = list(_tokens(text))
    if len(tokens) == 1:
        return ALL
    reader = _Reader(tokens, text)
    found = reader.any_of()
    if reader.next().kind != "end":
        raise reader.error("an operator or the end is expected")
    return found


def _tokens(text: str) -> Iterator[_Token]:
    at, after_label = 0, False
    while at < len(text.rstrip()):
        operator = re.match(r"\s*(contains|starts\s*with|ends\s*with|not\s*in|in)", text[at:]) if after_label else None
        if operator:
            words = re.sub(r"\s+", "", operator[1])
            yield _Token("operator", next(each for each in _WORDS if each.replace(" ", "") == words), at)
            at, after_label = at + operator.end(), False
            continue
        found = _TOKENS.match(text, at)
        if found is None:
            raise PolicyError(f"cannot be read from position {at + 1}: {text[at:]!r}", f"selector {text!r}")
        kind = found.lastgroup or ""
        yield _Token(kind, found[kind], found.start(kind))
        at, after_label = found.end(), kind == "word"
    yield _Token("end", "", len(text))


class _Reader:
    """Reads `||` of `&&` of comparisons, as deep as brackets go."""

    DEEPEST: Final = 64

    def __init__(self, tokens: list[_Token], text: str) -> None:
        self.tokens, self.text, self.at, self.depth = tokens, text, 0, 0

    def next(self) -> _Token:
        return self.tokens[self.at]

    def take(self) -> _Token:
        self.at += 1
        return self.tokens[self.at - 1]

    def error(self, what: str) -> PolicyError:
        return PolicyError(
            f"cannot be read from position {self.next().position + 1}, {what}", f"selector {self.text!r}"
        )

    def any_of(self) -> Expression:
        return self._joined("||", False, self.all_of)

    def all_of(self) -> Expression:
        return self._joined("&&", True, self.one)

    def _joined(self, sign: str, every: bool, part: Callable[[], Expression]) -> Expression:
        parts = [part()]
        while self.next() == ("sign", sign, self.next().position):
            self.take()
            parts.append(part())
        return parts[0] if len(parts) == 1 else Joined(every, tuple(parts))

    def one(self) -> Expression:
        negated = False
        while self.next()[:2] == ("sign", "!"):
            self.take()
            negated = not negated
        found = self._plain()
        return Not(found) if negated else found

    def _plain(self) -> Expression:
        token = self.take()
        if token.kind == "call":
            return ALL if token.text.startswith("all") else GLOBAL
        if token.kind == "has":
            return Compared(token.text, "has")
        if token[:2] == ("sign", "("):
            return self._bracket()
        if token.kind != "word":
            self.at -= 1
            raise self.error("a label, has(), all() or a bracket is expected")
        return self._compared(token.text)

    def _bracket(self) -> Expression:
        self.depth += 1
        if self.depth > self.DEEPEST:
            raise self.error("brackets stand too deep")
        found = self.any_of()
        if self.take()[:2] != ("sign", ")"):
            self.at -= 1
            raise self.error("a closing bracket is expected")
        self.depth -= 1
        return found

    def _compared(self, key: str) -> Expression:
        operator = self.take()
        if operator[:2] in (("sign", "=="), ("sign", "!=")):
            found = Compared(key, "in", frozenset([self._text()]))
            return Not(found) if operator.text == "!=" else found
        if operator.kind != "operator":
            self.at -= 1
            raise self.error("an operator is expected")
        if operator.text in ("in", "not in"):
            found = Compared(key, "in", self._set())
            return Not(found) if operator.text == "not in" else found
        return Compared(key, operator.text, frozenset([self._text()]))

    def _text(self) -> str:
        token = self.take()
        if token.kind != "text":
            self.at -= 1
            raise self.error("a text in quotes is expected")
        return token.text[1:-1]

    def _set(self) -> frozenset[str]:
        if self.take()[:2] != ("sign", "{"):
            self.at -= 1
            raise self.error("{ is expected")
        found = set()
        while self.next().kind == "text":
            found.add(self._text())
            if self.next()[:2] != ("sign", ","):
                break
            self.take()
        if self.take()[:2] != ("sign", "}"):
            self.at -= 1
            raise self.error("} is expected")
        return frozenset(found)
