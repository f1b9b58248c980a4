"""What a detection asks of one audit event, said once: SQL, Sigma and LogQL are all written from it.

Fields are columns of the view `audit_events`. `Known` and `Listed` ask about what only a site can say: its
namespaces with ePHI, its automation, its administrators.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

LISTS: Final = frozenset(
    ["user_groups", "impersonated_groups", "programs", "command_marks", "role_marks", "pod_marks", "pod_security"]
)
"""Fields that hold several words."""


class Condition:
    """Something that holds of an event or does not."""

    def __and__(self, other: Condition) -> AllOf:
        """Return that both hold."""
        return AllOf((self, other))

    def __or__(self, other: Condition) -> AnyOf:
        """Return that at least one holds."""
        return AnyOf((self, other))

    def __invert__(self) -> Not:
        """Return that this does not hold."""
        return Not(self)


@dataclass(frozen=True)
class Is(Condition):
    """The field is one of the words; a list holds one of them."""

    field: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Starts(Condition):
    """The field starts with one of the words."""

    field: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Contains(Condition):
    """The field contains one of the words, in letters of any case."""

    field: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Some(Condition):
    """The field is not empty."""

    field: str


@dataclass(frozen=True)
class Code(Condition):
    """The status of the answer is one of these numbers."""

    codes: tuple[int, ...]


@dataclass(frozen=True)
class Answered(Condition):
    """The request was not turned away: its status is under 400, or the server panicked, perhaps half-way."""


@dataclass(frozen=True)
class Listed(Condition):
    """The field is a name in a list of the site, or starts with an entry of it that ends in `*`."""

    name: str
    field: str = "user"


@dataclass(frozen=True)
class Known(Condition):
    """The namespace, or namespace and name, of the object is in a list that the snapshot gives."""

    name: str
    fields: tuple[str, ...] = ("namespace",)


@dataclass(frozen=True)
class Matches(Condition):
    """The field matches a regular expression from its start; only what RE2 and Python read alike."""

    field: str
    pattern: str


@dataclass(frozen=True)
class Truth(Condition):
    """The truth value in a field is this one, and is known."""

    field: str
    value: bool


@dataclass(frozen=True)
class Itself(Condition):
    """The user is the service account that the request is about."""


@dataclass(frozen=True)
class Mounts(Condition):
    """A claim that the written pod mounts, or that the written claim is made from, is not known to be without ePHI."""

    field: str


@dataclass(frozen=True)
class AllOf(Condition):
    """Every part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class AnyOf(Condition):
    """At least one part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Not(Condition):
    """The part does not hold."""

    part: Condition


def leaves(condition: Condition) -> Iterator[Condition]:
    """Yield everything that a condition asks which has no parts."""
    if isinstance(condition, AllOf | AnyOf):
        for part in condition.parts:
            yield from leaves(part)
    elif isinstance(condition, Not):
        yield from leaves(condition.part)
    else:
        yield condition


def one(field: str, words: str) -> Is:
    """Return that a field is one of some words, which are joined by spaces."""
    return Is(field, tuple(words.split()))


def normal(condition: Condition, *, holds: bool = True) -> Condition:
    """Return the same condition with `Not` nowhere but before what has no parts; by the laws of De Morgan."""
    match condition:
        case Not(part):
            return normal(part, holds=not holds)
        case AllOf(parts) | AnyOf(parts):
            every = isinstance(condition, AllOf) == holds
            inner = tuple(normal(part, holds=holds) for part in parts)
            return AllOf(inner) if every else AnyOf(inner)
    return condition if holds else Not(condition)
