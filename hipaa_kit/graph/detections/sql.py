"""Conditions of detections as SQL over the view `audit_events`, and the frames that stand for a site's lists.

Nothing is asked of a request more than once: it has an event per stage, of which one is judged.
"""

# Queries are put together of constants of this room; names that a site gives are written as literals by `sql.text`.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import pandas as pd

from hipaa_kit.inventory.audit_log.requests import TELLING, order_of, request_of
from hipaa_kit.kube.audit.conditions import (
    LISTS,
    AllOf,
    Answered,
    AnyOf,
    Code,
    Condition,
    Contains,
    Is,
    Itself,
    Known,
    Listed,
    Matches,
    Mounts,
    Not,
    Some,
    Starts,
    Truth,
)

REFUSED: Final = "coalesce(code BETWEEN 400 AND 599 AND stage <> 'Panic', false)"
"""A server that panics may have done half of what it was asked for."""

DENIED: Final = f"({REFUSED} AND coalesce(code IN (401, 403) OR decision = 'forbid', false))"
"""Refused to whoever asked; what else did not go well was not there, in conflict, or past the server's strength."""

WITHIN: Final = frozenset(["scripting_agents"])
"""Lists of words that a field contains; of the others it is one, or starts with one that ends in `*`."""

WRITTEN_OUT: Final = 100
"""Entries up to which a list stands in the query itself."""

ONCE: Final = f"row_number() OVER (PARTITION BY {request_of()} ORDER BY {order_of()}) = 1"


def text(word: str) -> str:
    """Return a word as a literal of SQL."""
    return "'" + word.replace("'", "''").replace("\0", "") + "'"


class Writer:
    """Writes conditions as SQL.

    Parameters
    ----------
    lists
        Names that each of the site's lists holds; a list that is not there holds none.
    places
        Table of what the snapshot gives: list, first, second.
    """

    def __init__(self, lists: Mapping[str, Iterable[str]], places: pd.DataFrame) -> None:
        self._lists = {name: sorted(set(words)) for name, words in lists.items()}
        self._places = {str(name): each for name, each in places.groupby("list")}

    def where(self, condition: Condition) -> str:
        """Return the expression that is true where the condition holds, and is never null."""
        match condition:
            case AllOf(parts):
                return "(" + " AND ".join(map(self.where, parts)) + ")"
            case AnyOf(parts):
                return "(" + " OR ".join(map(self.where, parts)) + ")"
            case Not(part):
                return f"NOT {self.where(part)}"
            case _:
                return f"coalesce({self._leaf(condition)}, false)"

    def _leaf(self, condition: Condition) -> str:
        match condition:
            case Is(field, words) if field in LISTS:
                return f"list_has_any({field}, [{_joined(words)}])"
            case Is(field, words):
                return f"{field} IN ({_joined(words)})"
            case Starts(field, words):
                return _either(f"starts_with({field}, {text(word)})" for word in words)
            case Contains(field, words):
                return _either(f"contains(lower({field}), {text(word.lower())})" for word in words)
            case Some(field):
                return f"len({field}) > 0"
            case Code(codes):
                return f"code IN ({', '.join(map(str, codes))})"
            case Answered():
                return f"NOT {REFUSED}"
            case Matches(field, pattern):
                return f"regexp_matches({field}, {text('^' + pattern)})"
            case Truth(field, value):
                return field if value else f"NOT {field}"
            case Itself():
                return "user = 'system:serviceaccount:' || namespace || ':' || name"
            case _:
                return self._of_the_site(condition)

    def _of_the_site(self, condition: Condition) -> str:
        match condition:
            case Listed("break_glass"):
                return self._break_glass()
            case Listed(name, field) if name in WITHIN:
                return self.where(Contains(field, tuple(self._lists.get(name, ()))))
            case Listed(name, field):
                held = self._lists.get(name, [])
                exact = tuple(word for word in held if not word.endswith("*"))
                starts = tuple(word[:-1] for word in held if word.endswith("*"))
                return _either(
                    [*([f"{field} IN ({_joined(exact)})"] if exact else []), self._leaf(Starts(field, starts))]
                )
            case Known(name, fields):
                return self._known(name, fields)
            case Mounts(field):
                others = "(SELECT coalesce(list(first || '/' || second), []) FROM site WHERE list = 'other_claims')"
                mounted = f"list_transform({field}, lambda each: namespace || '/' || each)"
                return f"len({field}) > 0 AND NOT list_has_all({others}, {mounted})"
        raise TypeError(f"no SQL is known for {condition}")

    def _known(self, name: str, fields: tuple[str, ...]) -> str:
        """Return whether fields are in a list of places: written out where it is short, joined where it is long."""
        columns = ["first", "second"][: len(fields)]
        if name not in self._places:
            return "false"
        held = self._places[name][columns].drop_duplicates()
        if len(held) > WRITTEN_OUT:
            return f"({', '.join(fields)}) IN (SELECT {', '.join(columns)} FROM site WHERE list = {text(name)})"
        rows = ", ".join("(" + _joined(map(str, row)) + ")" for row in held.itertuples(index=False))
        return f"({', '.join(fields)}) IN ({rows})"

    def _break_glass(self) -> str:
        """Return whether a role binding of emergency access let the request through, or its own user made it.

        Source: `plugin/pkg/auth/authorizer/rbac/rbac.go` of kubernetes/kubernetes: the reason names the role binding
        as `ClusterRoleBinding "NAME" of …`, or `RoleBinding "NAME/NAMESPACE" of …`.
        """
        bindings = self._lists.get("break_glass_bindings", [])
        by_binding = [f"contains(decision_reason, {text(f'allowed by {each} of ')})" for each in bindings]
        return _either([*by_binding, self.where(Listed("break_glass_users"))])


def _joined(words: Iterable[str]) -> str:
    return ", ".join(map(text, words)) or "NULL"


def _either(parts: Iterable[str]) -> str:
    return "(" + (" OR ".join(parts) or "false") + ")"


def requests(where: str, columns: str) -> str:
    """Return the query for every request that meets an expression, once, with some columns of it."""
    return f"SELECT {columns} FROM audit_events WHERE {TELLING} AND {where} QUALIFY {ONCE}"
