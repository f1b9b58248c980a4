"""The questions that everybody asks: can, who can, what can, why, and why not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

import pandas as pd

from hipaa_kit.graph.permissions.asking import (
    groups_of,
    principal_of,
    principals_of,
    request_of,
    role_ref,
    rules_of,
)
from hipaa_kit.graph.permissions.book import Book, Holding, shown
from hipaa_kit.graph.permissions.loading import Known, binding_id, role_id
from hipaa_kit.graph.permissions.nearest import nearest
from hipaa_kit.kube.rbac import (
    FULL_AUTHORITY,
    Policy,
    Principal,
    Request,
    Requester,
    RoleId,
    RoleRef,
    Rule,
    broken_down,
    may_bind,
    may_write_role,
    rule_allows,
)
from hipaa_kit.kube.rbac.bindings import USER, USER_GROUP
from hipaa_kit.kube.rbac.users import MASTERS
from hipaa_kit.tables.lookup import TableSet
from hipaa_kit.tables.permissions import WHAT_CAN, WHO_CAN, WHY

RBAC = "RBAC"
BUILT_IN = "built-in"
Row = dict[str, Any]


class Answers:
    """What RBAC says of one cluster, by the role bindings that were read.

    An allow is proved by its role binding. A no is proved only where `complete` is true; elsewhere the tables have
    a row for every gap. Other authorizers of a cluster may allow more: those that show are gaps, too.

    Parameters
    ----------
    known
        What the snapshot and the inputs say of RBAC.
    tables
        Tables of the same snapshot, for what the reviews show beside it.
    """

    def __init__(self, known: Known, tables: TableSet) -> None:
        self.known = known
        self.tables = tables
        self.policy: Policy = known.policy
        self.book = Book(known.policy)

    @property
    def complete(self) -> bool:
        """Tell whether all roles and role bindings were read and no other authorizer shows."""
        return not self.gaps()

    def gaps(self, namespace: str | None = None) -> list[str]:
        """Return, in words, what could make a no wrong.

        Parameters
        ----------
        namespace
            Namespace that the question is about, `""` for the cluster; None asks about everything.
        """
        seen = self.known.all_gaps() if namespace is None else self.known.gaps(namespace)
        return [*seen, *self.known.others]

    def can(
        self,
        user: str,
        groups: Iterable[str],
        verb: str,
        group: str = "",
        resource: str = "",
        subresource: str = "",
        namespace: str = "",
        name: str = "",
        path: str | None = None,
    ) -> bool:
        """Tell whether RBAC allows a request, by the role bindings that were read.

        Parameters
        ----------
        user, groups
            Who asks, with the groups as given: none is added, as in a SubjectAccessReview.
        verb, group, resource, subresource, namespace, name
            The request as the API server's authorizer sees it; see `kube.rbac.api_call` for what it makes of a call.
        path
            Path of a request for no resource.

        Returns
        -------
        bool
            False is proved only where `gaps(namespace)` is empty.

        Notes
        -----
        Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/.
        """
        request = request_of(verb, group, resource, subresource, namespace, name, path)
        return self.policy.can(Requester(user, frozenset(groups)), request)

    def may_bind(self, user: str, groups: Iterable[str], role: str | RoleRef | RoleId, namespace: str = "") -> bool:
        """Tell whether a role binding to a role passes the API server's escalation test.

        Parameters
        ----------
        role
            `Role/namespace/name` or `ClusterRole//name`.
        namespace
            Of the role binding; `""` for a ClusterRoleBinding.

        Notes
        -----
        The right to write the role binding itself is another question, for `can`. `kube.rbac.may_bind` with
        `policy` says what decides. Source:
        https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping.
        """
        who = Requester(user, frozenset(groups))
        return may_bind(self.policy, who, role_ref(role, namespace), namespace).allowed

    def may_write_role(
        self,
        user: str,
        groups: Iterable[str],
        role: str | RoleRef | RoleId,
        rules: Iterable[Rule] | Iterable[Mapping[str, Any]],
        namespace: str = "",
        *,
        verb: str = "update",
        aggregates: bool = False,
    ) -> bool:
        """Tell whether a role with these rules passes the API server's escalation test.

        Parameters
        ----------
        role
            `Role/namespace/name` or `ClusterRole//name`.
        rules
            All that it would have, as `kube.rbac.Rule` or as in a manifest.
        namespace
            Of the role; `""` for a ClusterRole.
        verb
            `create` for a new role, `update` or `patch` for one that is there.
        aggregates
            The ClusterRole has an `aggregationRule`, before the write or after.
        """
        who, ref = Requester(user, frozenset(groups)), role_ref(role, namespace)
        written = rules_of(rules)
        return may_write_role(self.policy, who, ref, namespace, written, verb=verb, aggregates=aggregates).allowed

    def who_can(
        self,
        verb: str,
        group: str = "",
        resource: str = "",
        subresource: str = "",
        namespace: str = "",
        name: str = "",
        path: str | None = None,
    ) -> pd.DataFrame:
        """Return table `who_can`: every subject that RBAC allows a request, with role binding, rule and group.

        Service accounts are members of the groups `system:serviceaccounts`, that of their namespace and
        `system:authenticated`; a grant to these is one row, not one for each. Users of the workforce file are
        listed under their groups. A row of kind `*` says what could not be seen: then these are not all.
        """
        request = request_of(verb, group, resource, subresource, namespace, name, path)
        return WHO_CAN.frame([*self._who(request), *self._unknown(request.namespace)])

    def _who(self, request: Request) -> Iterator[Row]:
        yield {"subject_kind": USER_GROUP, "subject": MASTERS, "basis": BUILT_IN}
        yield from self._members(MASTERS, {"basis": BUILT_IN})
        for held in self.book.holders(request):
            proof = _proof(held) | {"basis": RBAC}
            kind, name = shown(held.principal)
            yield {"subject_kind": kind, "subject": name, **proof}
            if held.principal.kind == USER_GROUP:
                yield from self._members(held.principal.name, proof)

    def _members(self, group: str, proof: Mapping[str, Any]) -> Iterator[Row]:
        for user in sorted(self.known.members.get(group, ())):
            kind, name = shown(Principal(USER, user))
            yield {"subject_kind": kind, "subject": name, "through": group, **proof}

    def _unknown(self, namespace: str) -> Iterator[Row]:
        yield from ({"subject_kind": "*", "subject": "*", "basis": gap} for gap in self.gaps(namespace))

    def requester(self, subject: str, groups: Iterable[str] | None = None) -> list[Principal]:
        """Return a subject and its groups, as role bindings name them.

        Parameters
        ----------
        subject
            `User//name`, `Group//name` or `ServiceAccount/namespace/name`; any other text is a user name.
        groups
            Its groups; by default those that the API server and the workforce file give.
        """
        who = principal_of(subject)
        return self.circle(who) if groups is None else self._with(who, frozenset(groups))

    def circle(self, who: Principal) -> list[Principal]:
        """Return a user or group, and the groups that the API server and the workforce file give it."""
        return self._with(who, groups_of(who, self.known.groups))

    @staticmethod
    def _with(who: Principal, groups: frozenset[str]) -> list[Principal]:
        return [who] if who.kind == USER_GROUP else principals_of(Requester(who.name, groups))

    def what_can(self, subject: str, groups: Iterable[str] | None = None) -> pd.DataFrame:
        """Return table `what_can`: everything that RBAC allows a subject, broken down, with its proof.

        Parameters
        ----------
        subject, groups
            As for `requester`.
        """
        who = self.requester(subject, groups)
        rows: list[Row] = []
        if Principal(USER_GROUP, MASTERS) in who:
            through = MASTERS if who[0].kind == USER else ""
            rows += [
                _atom(atom) | {"through": through, "basis": BUILT_IN}
                for rule in FULL_AUTHORITY
                for atom in broken_down(rule)
            ]
        for held in self.book.holdings(who):
            # By a role binding in a namespace, paths and cluster-scoped objects are out of reach.
            proof = _proof(held) | {"through": _through(held, who[0]), "basis": RBAC}
            rows += [
                _atom(atom) | proof
                for atom in dict.fromkeys(broken_down(held.rule))
                if not (atom.urls and held.binding.namespace)
            ]
        rows += [{"basis": gap} for gap in self.gaps()]
        return WHAT_CAN.frame(rows)

    def why(
        self,
        subject: str,
        verb: str,
        group: str = "",
        resource: str = "",
        subresource: str = "",
        namespace: str = "",
        name: str = "",
        path: str | None = None,
        *,
        groups: Iterable[str] | None = None,
    ) -> pd.DataFrame:
        """Return table `why`: the rules that allow a subject a request, or those that come nearest.

        Parameters
        ----------
        subject, groups
            As for `requester`.
        verb, group, resource, subresource, namespace, name, path
            As for `can`.
        """
        request = request_of(verb, group, resource, subresource, namespace, name, path)
        who = self.requester(subject, groups)
        rows = list(self._allowing(who, request))
        if not rows:
            gaps = self.gaps(request.namespace)
            answer = "unknown" if gaps else "not allowed"
            found = [
                _proof(held) | {"through": _through(held, who[0]), "missing": missing, "answer": answer}
                for held, missing in nearest(self.book, who, request)
            ]
            rows = found or ([] if gaps else [{"answer": answer, "missing": "no role binding names the subject"}])
            rows += [{"answer": answer, "missing": gap} for gap in gaps]
        return WHY.frame(rows)

    def _allowing(self, who: list[Principal], request: Request) -> Iterator[Row]:
        if Principal(USER_GROUP, MASTERS) in who:
            yield {"answer": "allowed", "through": MASTERS if who[0].kind == USER else ""}
        scopes = {"", request.namespace if request.path is None else ""}
        for held in self.book.holdings(who, scopes):
            if rule_allows(held.rule, request):
                yield _proof(held) | {"answer": "allowed", "through": _through(held, who[0])}

    @cached_property
    def subjects(self) -> frozenset[Principal]:
        """Everyone that a role binding names, every service account, and every user of the workforce file."""
        accounts = (principal_of(f"ServiceAccount/{namespace}/{name}") for namespace, name in self.known.accounts)
        users = (Principal(USER, user) for members in self.known.members.values() for user in members)
        return frozenset([*self.book.principals, *accounts, *users])


def _proof(held: Holding) -> Row:
    return {
        "binding": binding_id(held.binding),
        "role": role_id(held.role),
        "rule": held.position,
        "scope": held.binding.namespace,
    }


def _through(held: Holding, asked: Principal) -> str:
    return "" if held.principal == asked else held.principal.name


def _atom(atom: Rule) -> Row:
    if atom.urls:
        return {"verb": atom.verbs[0], "url": atom.urls[0]}
    named = {"resource_name": atom.names[0]} if atom.names else {}
    return {"verb": atom.verbs[0], "api_group": atom.groups[0], "resource": atom.resources[0], **named}
