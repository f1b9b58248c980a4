"""The selector language of Calico.

Source: https://docs.tigera.io/calico/latest/reference/resources/networkpolicy#selectors. `!` binds tighter than `&&`,
`&&` tighter than `||`; an absent label satisfies `!=` and `not in` and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from tests.support.network_oracle.logic import Tri, all3, any3, not3
from tests.support.network_oracle.model import InvalidError, Labels

TOKEN = re.compile(
    r"""\s*(?:(?P<text>"[^"]*"|'[^']*')|(?P<sign>&&|\|\||==|!=|[!(){},])|(?P<word>[a-zA-Z0-9_./-]+))""", re.VERBOSE
)


@cache
def tokens(text: str) -> tuple[str, ...]:
    """Return the tokens of a selector; texts keep their opening quote."""
    found, place = [], 0
    text = text.rstrip()
    while place < len(text):
        match = TOKEN.match(text, place)
        if match is None:
            raise InvalidError(f"selector {text!r} at {place}")
        found.append("'" + match["text"][1:-1] if match["text"] else match.group().strip())
        place = match.end()
    return tuple(found)


def matches(selector: str | None, labels: Labels, *, namespaced: bool = True) -> Tri:
    """Tell whether a selector matches; an empty one matches everything in scope.

    `namespaced` is false for what lives outside all namespaces: there `global()` holds.
    """
    reader = Reader(tokens(selector or ""), labels, namespaced)
    if not reader.rest:
        return True
    value = reader.either()
    if reader.rest:
        raise InvalidError(f"selector {selector!r} goes on after its end")
    return value


class Reader:
    """Reads and evaluates at once."""

    def __init__(self, found: tuple[str, ...], labels: Labels, namespaced: bool) -> None:
        self.rest, self.labels, self.namespaced = list(found), labels, namespaced

    def take(self, expected: str = "") -> str:
        """Return the next token."""
        if not self.rest or (expected and self.rest[0] != expected):
            raise InvalidError(f"expected {expected or 'more'}, found {self.rest[:1]}")
        return self.rest.pop(0)

    def accept(self, token: str) -> bool:
        """Take a token if it comes next."""
        return bool(self.rest and self.rest[0] == token and self.rest.pop(0))

    def either(self) -> Tri:
        """Read alternatives."""
        values = [self.both()]
        while self.accept("||"):
            values.append(self.both())
        return any3(values)

    def both(self) -> Tri:
        """Read what must hold together."""
        values = [self.one()]
        while self.accept("&&"):
            values.append(self.one())
        return all3(values)

    def one(self) -> Tri:
        """Read one condition."""
        if self.accept("!"):
            return not3(self.one())
        if self.accept("("):
            value = self.either()
            self.take(")")
            return value
        return self.condition(self.take())

    def condition(self, word: str) -> Tri:
        """Read what follows a word."""
        if word in ("all", "global", "has") and self.accept("("):
            key = self.word() if word == "has" else ""
            self.take(")")
            if word == "has":
                return self.on(key, lambda value: value is not None)
            return word == "all" or not self.namespaced
        if not re.fullmatch(r"[a-zA-Z0-9_./-]+", word):
            raise InvalidError(f"unexpected {word!r}")
        operator = self.take()
        if operator in ("starts", "ends"):
            operator += self.take("with")
        elif operator == "not":
            operator += self.take("in")
        if operator in ("in", "notin"):
            wanted = self.values()
            return self.on(word, lambda value: (value in wanted) == (operator == "in"))
        compare: dict[str, Callable[[str | None, str], bool]] = {
            "==": lambda value, wanted: value == wanted,
            "!=": lambda value, wanted: value != wanted,
            "contains": lambda value, wanted: value is not None and wanted in value,
            "startswith": lambda value, wanted: value is not None and value.startswith(wanted),
            "endswith": lambda value, wanted: value is not None and value.endswith(wanted),
        }
        if operator not in compare:
            raise InvalidError(f"operator {operator!r}")
        text = self.text()
        return self.on(word, lambda value: compare[operator](value, text))

    def values(self) -> set[str | None]:
        """Read a set of texts."""
        self.take("{")
        found: set[str | None] = set()
        while self.rest and self.rest[0].startswith("'"):
            found.add(self.text())
            if not self.accept(","):
                break
        self.take("}")
        return found

    def text(self) -> str:
        """Read a quoted text."""
        token = self.take()
        if not token.startswith("'"):
            raise InvalidError(f"expected a quoted text, found {token!r}")
        return token[1:]

    def word(self) -> str:
        """Read a label key."""
        token = self.take()
        if not re.fullmatch(r"[a-zA-Z0-9_./-]+", token):
            raise InvalidError(f"expected a label, found {token!r}")
        return token

    def on(self, key: str, condition: Callable[[str | None], bool]) -> Tri:
        """Return a condition on the value of a label, which may not be known."""
        if key not in self.labels.values and not self.labels.complete:
            return None
        return bool(condition(self.labels.values.get(key)))
