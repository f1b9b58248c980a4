"""What the organisation meant: the workforce file says who has which role, the access matrix what a role may do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import pandas as pd

from hipaa_kit.kube.rbac import service_account_user
from hipaa_kit.kube.rbac.bindings import SERVICE_ACCOUNT, USER_GROUP
from hipaa_kit.kube.rbac.rules import ALL


class Permitted(NamedTuple):
    """One row of the access matrix, without its role."""

    verb: str
    group: str
    resource: str
    namespace: str

    def covers(self, asked: Permitted) -> bool:
        """Tell whether it includes what is asked.

        `*` is any verb, API group or resource, and no namespace is the whole cluster. A subresource has to be named,
        or everything be permitted: who may `get` every resource is not meant to enter pods.
        """
        named = self.resource == asked.resource
        wide = self.resource == ALL and ("/" not in asked.resource or self.verb == ALL)
        return (
            self.verb in (ALL, asked.verb)
            and self.group in (ALL, asked.group)
            and (named or wide)
            and self.namespace in ("", asked.namespace)
        )


class Standing(NamedTuple):
    """One role of one person or account, from the first to the last day; none is open."""

    user: str
    role: str
    since: str
    until: str

    def holds(self, day: str) -> bool:
        """Tell whether the role is held on a day."""
        return self.since <= day and (not self.until or day <= self.until)


@dataclass(frozen=True)
class Approvals:
    """Who may do what by the workforce file and the access matrix, on one day.

    Parameters
    ----------
    day
        The day, as `YYYY-MM-DD`.
    standings
        Roles by user.
    groups
        (user, role) pairs by group.
    matrix
        What roles are meant to be able to do.
    """

    day: str
    standings: dict[str, list[Standing]] = field(default_factory=dict)
    groups: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    matrix: dict[str, list[Permitted]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        as_of: str,
        workforce: pd.DataFrame,
        workforce_groups: pd.DataFrame,
        access_matrix: pd.DataFrame | None = None,
    ) -> Approvals:
        """Return what tables of those names say on the day of a moment."""
        standings: dict[str, list[Standing]] = defaultdict(list)
        for row in workforce[["user", "role", "since", "until"]].itertuples(index=False):
            standings[row[0]].append(Standing(*row))
        groups: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for user, role, group in workforce_groups[["user", "role", "group"]].itertuples(index=False):
            groups[group].append((user, role))
        matrix: dict[str, list[Permitted]] = defaultdict(list)
        columns = ["role", "verb", "group", "resource", "namespace"]
        rows = () if access_matrix is None else access_matrix[columns].itertuples(index=False)
        for role, *permitted in rows:
            matrix[role].append(Permitted(*permitted))
        return cls(as_of[:10], dict(standings), dict(groups), dict(matrix))

    @property
    def given(self) -> bool:
        """Whether both files were given: without one of them nothing can be called approved, or not approved."""
        return bool(self.standings) and bool(self.matrix)

    def roles(self, user: str) -> frozenset[str]:
        """Return the roles that a user has on the day."""
        return frozenset(each.role for each in self.standings.get(user, ()) if each.holds(self.day))

    def members(self, group: str) -> frozenset[str]:
        """Return the users who are in a group by a role that they have on the day."""
        return frozenset(user for user, role in self.groups.get(group, ()) if role in self.roles(user))

    def covers(self, kind: str, subject: str, asked: Iterable[Permitted]) -> bool:
        """Tell whether a subject's roles permit everything that is asked.

        Parameters
        ----------
        kind, subject
            User, Group or ServiceAccount, which is written `namespace/name`. A group is permitted what the role of
            each of its members is, by which they are in it; where the workforce file names nobody in it, nothing.
        """
        wanted = list(asked)
        if kind == USER_GROUP:
            held = [(user, role) for user, role in self.groups.get(subject, ()) if role in self.roles(user)]
            return bool(held) and not any(self.beyond([role], wanted) for role in sorted({role for _, role in held}))
        return not self.beyond(self.roles(user_of(kind, subject)), wanted)

    def beyond(self, roles: Iterable[str], asked: Iterable[Permitted]) -> list[Permitted]:
        """Return what is asked and none of some roles is meant to be able to do."""
        held = list(roles)
        return [one for one in asked if not any(self._permits(role, one) for role in held)]

    def _permits(self, role: str, asked: Permitted) -> bool:
        places = {(resource, place) for resource in (asked.resource, ALL) for place in (asked.namespace, "")}
        rows = (row for place in places for row in self._by_place.get((role, *place), ()))
        return any(row.covers(asked) for row in rows)

    @cached_property
    def _by_place(self) -> dict[tuple[str, str, str], list[Permitted]]:
        """Rows of the matrix by role, resource and namespace: a large one has thousands, of which few can speak."""
        found: dict[tuple[str, str, str], list[Permitted]] = defaultdict(list)
        for role, rows in self.matrix.items():
            for row in rows:
                found[role, row.resource, row.namespace].append(row)
        return dict(found)


def user_of(kind: str, subject: str) -> str:
    """Return the user name of a subject, as the workforce file has it."""
    if kind != SERVICE_ACCOUNT:
        return subject
    namespace, _, name = subject.partition("/")
    return service_account_user(namespace, name)
