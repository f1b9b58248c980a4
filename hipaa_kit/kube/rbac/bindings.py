"""Role bindings: whom they name, where they count, and which rules a requester holds by them.

Source: `pkg/registry/rbac/validation/rule.go` and `pkg/apis/rbac/v1/defaults.go` of `k8s.io/kubernetes`,
https://kubernetes.io/docs/reference/access-authn-authz/rbac/#rolebinding-and-clusterrolebinding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

from hipaa_kit.kube.owners import object_id
from hipaa_kit.kube.rbac.rules import GROUP, RbacError, Request, Rule, allows, mappings, parse_rules
from hipaa_kit.kube.rbac.users import MASTERS, service_account_user

ROLE: Final = "Role"
CLUSTER_ROLE: Final = "ClusterRole"
ROLE_BINDING: Final = "RoleBinding"
CLUSTER_ROLE_BINDING: Final = "ClusterRoleBinding"
USER: Final = "User"
USER_GROUP: Final = "Group"
SERVICE_ACCOUNT: Final = "ServiceAccount"


class Requester(NamedTuple):
    """Who asks: a user name and every group it belongs to. See `users.built_in_groups`."""

    user: str
    groups: frozenset[str] = frozenset()


class Principal(NamedTuple):
    """What a subject is to the authorizer: a user or a group. A service account is the user of its name."""

    kind: str
    name: str


class RoleId(NamedTuple):
    """A Role by namespace and name, or a ClusterRole, whose namespace is `""`."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Subject:
    """One subject of a role binding. Its API group is kept, but the authorizer never compares it."""

    kind: str
    name: str
    namespace: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class RoleRef:
    """The role that a role binding refers to. Its API group is kept, but the authorizer never compares it."""

    kind: str
    name: str
    group: str = GROUP

    def role(self, namespace: str) -> RoleId | None:
        """Return the role meant by a role binding in a namespace (`""` for the cluster); None where none can be.

        A Role is looked for in the role binding's own namespace, so one for the cluster can only name a ClusterRole.
        """
        if self.kind == CLUSTER_ROLE:
            return RoleId("", self.name)
        return RoleId(namespace, self.name) if self.kind == ROLE and namespace else None


@dataclass(frozen=True, slots=True)
class Binding:
    """A RoleBinding, or a ClusterRoleBinding, whose namespace is `""`."""

    name: str
    namespace: str
    ref: RoleRef
    subjects: tuple[Subject, ...] = ()

    @property
    def role(self) -> RoleId | None:
        """The role it gives, which may not exist."""
        return self.ref.role(self.namespace)


class Grant(NamedTuple):
    """A rule that a requester holds, and by what: a role binding, its first subject that fits, place in the role."""

    binding: Binding
    subject: int
    role: RoleId
    rule_index: int
    rule: Rule


def principal(subject: Subject, namespace: str) -> Principal | None:
    """Return the user or group that a subject of a role binding stands for; None where it is nobody.

    Parameters
    ----------
    namespace
        That of the role binding; `""` for the cluster.

    Notes
    -----
    A service account without a namespace is taken from the role binding's. Nobody is meant where that is the
    cluster's, or by a kind that is none of the three. `*` as a name is a name.
    """
    if subject.kind in (USER, USER_GROUP):
        return Principal(subject.kind, subject.name)
    where = subject.namespace or namespace
    if subject.kind == SERVICE_ACCOUNT and where:
        return Principal(USER, service_account_user(where, subject.name))
    return None


def applies(subject: Subject, requester: Requester, namespace: str) -> bool:
    """Tell whether a subject of a role binding in a namespace (`""` for the cluster) is a requester."""
    found = principal(subject, namespace)
    if found is None:
        return False
    return found.name == requester.user if found.kind == USER else found.name in requester.groups


@dataclass(frozen=True)
class Policy:
    """All roles and role bindings of a cluster, which together are what RBAC knows.

    Attributes
    ----------
    roles
        Rules of every Role and ClusterRole, as stored. Those of an aggregated ClusterRole are written by a
        controller: from manifests, take them from `aggregated`.
    bindings
        Every role binding, in any order. One whose role is not there gives nothing, and the others count on.
    """

    roles: Mapping[RoleId, tuple[Rule, ...]]
    bindings: tuple[Binding, ...]

    @cached_property
    def _by_principal(self) -> dict[tuple[str, Principal], list[int]]:
        """Positions of role bindings by (namespace, whom they name)."""
        index: dict[tuple[str, Principal], list[int]] = {}
        for position, binding in enumerate(self.bindings):
            named = (principal(subject, binding.namespace) for subject in binding.subjects)
            for each in dict.fromkeys(found for found in named if found):
                index.setdefault((binding.namespace, each), []).append(position)
        return index

    def bindings_for(self, requester: Requester, namespace: str) -> Iterator[Binding]:
        """Yield the role bindings that count for a request in a namespace, those of the cluster first.

        Parameters
        ----------
        namespace
            Of the request. `""` is a request on the cluster, over all namespaces, or for a path: only role
            bindings for the cluster count.
        """
        who = [Principal(USER, requester.user), *(Principal(USER_GROUP, group) for group in requester.groups)]
        for scope in ("", namespace) if namespace else ("",):
            found = {position for each in who for position in self._by_principal.get((scope, each), ())}
            yield from (self.bindings[position] for position in sorted(found))

    def grants(self, requester: Requester, namespace: str) -> Iterator[Grant]:
        """Yield every rule that a requester holds in requests for a namespace, with the proof.

        Roles that do not exist are passed over, as the API server does: what is there still counts.
        """
        for binding in self.bindings_for(requester, namespace):
            role = binding.role
            rules = self.roles.get(role, ()) if role else ()
            if role and rules:
                fits = (applies(subject, requester, binding.namespace) for subject in binding.subjects)
                first = next(index for index, applied in enumerate(fits) if applied)
                for index, rule in enumerate(rules):
                    yield Grant(binding, first, role, index, rule)

    def rules_for(self, requester: Requester, namespace: str) -> list[Rule]:
        """Return every rule that a requester holds in requests for a namespace."""
        return [grant.rule for grant in self.grants(requester, namespace)]

    def can(self, requester: Requester, request: Request) -> bool:
        """Tell whether a request would be allowed in a cluster that authorizes by RBAC.

        Groups are taken as given, as in a SubjectAccessReview. Members of `system:masters` may do everything:
        that is not a rule of RBAC but an authorizer that the API server always asks first, so that no change to
        roles takes it away. Other authorizers (Node, webhooks, those of cloud providers) may allow more.

        Source: `newForConfig` of `k8s.io/kubernetes/pkg/kubeapiserver/authorizer/reload.go`.
        """
        namespace = request.namespace if request.path is None else ""
        if MASTERS in requester.groups:
            return True
        return allows((grant.rule for grant in self.grants(requester, namespace)), request)


def parse_policy(objects: Iterable[Mapping[str, Any]], namespace: str = "default") -> Policy:
    """Return the roles and role bindings among objects as the API holds them; what is neither is passed over.

    Parameters
    ----------
    objects
        With their `kind`, which alone says whether a namespace counts: the API takes it away from a ClusterRole.
    namespace
        Of a Role or RoleBinding that names none, as manifests do.

    Raises
    ------
    RbacError
        One has a shape that the API refuses.
    """
    roles: dict[RoleId, tuple[Rule, ...]] = {}
    bindings: list[Binding] = []
    for each in objects:
        kind, metadata = each.get("kind"), _mapping(each, "metadata", "")
        place, name = "", _text(metadata, "name", "")
        if kind in (ROLE, ROLE_BINDING):
            place = _text(metadata, "namespace", "") or namespace
        where = object_id(str(kind), place, name)
        if kind in (ROLE, CLUSTER_ROLE):
            roles[RoleId(place, name)] = parse_rules(each.get("rules"), where)
        elif kind in (ROLE_BINDING, CLUSTER_ROLE_BINDING):
            bindings.append(parse_binding(each, place, where))
    return Policy(roles, tuple(bindings))


def parse_binding(binding: Mapping[str, Any], namespace: str, where: str = "") -> Binding:
    """Return a RoleBinding or ClusterRoleBinding, with the API's defaults.

    Parameters
    ----------
    binding
        The object.
    namespace
        Of a RoleBinding; `""` for a ClusterRoleBinding, whatever its metadata say.
    where
        Object, for the error.

    Raises
    ------
    RbacError
        It has a shape that the API refuses. Kinds and groups that the API refuses are kept: see `principal`
        and `RoleRef.role` for what the authorizer makes of them.
    """
    metadata = _mapping(binding, "metadata", where)
    ref = _mapping(binding, "roleRef", where)
    return Binding(
        _text(metadata, "name", where),
        namespace,
        RoleRef(_text(ref, "kind", where), _text(ref, "name", where), _text(ref, "apiGroup", where) or GROUP),
        tuple(_subject(subject, at) for at, subject in mappings(binding.get("subjects"), "subjects", where)),
    )


def _subject(subject: Mapping[str, Any], where: str) -> Subject:
    kind, group = _text(subject, "kind", where), _text(subject, "apiGroup", where)
    default = GROUP if kind in (USER, USER_GROUP) else ""
    return Subject(kind, _text(subject, "name", where), _text(subject, "namespace", where), group or default)


def _mapping(content: Mapping[str, Any], field: str, where: str) -> Mapping[str, Any]:
    value = content.get(field)
    if value is not None and not isinstance(value, Mapping):
        raise RbacError(f"{field} is not a mapping", where)
    return value or {}


def _text(content: Mapping[str, Any], field: str, where: str) -> str:
    value = content.get(field)
    if value is not None and not isinstance(value, str):
        raise RbacError(f"{field} is not a text", where)
    return value or ""
