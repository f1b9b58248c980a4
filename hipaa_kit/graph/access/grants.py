"""Who was given which role, by which role binding, and what the role amounts to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any, Final

import pandas as pd

from hipaa_kit.graph.permissions.book import named, shown
from hipaa_kit.graph.permissions.loading import binding_id, policy_of, role_id
from hipaa_kit.graph.permissions.stock import is_stock
from hipaa_kit.inventory.fields import string_map, text
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube import kinds
from hipaa_kit.kube.owners import object_id
from hipaa_kit.kube.rbac import FULL_AUTHORITY, Binding, Policy, Principal, Rule, covers
from hipaa_kit.kube.rbac.bindings import SERVICE_ACCOUNT, USER, USER_GROUP
from hipaa_kit.kube.rbac.rules import ALL
from hipaa_kit.kube.rbac.users import AUTHENTICATED, SERVICE_ACCOUNTS, UNAUTHENTICATED
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.grants import GRANTS, ROLE_GIVES, WILDCARDS

REVIEWED_ON: Final = "hipaa-kit.io/reviewed-on"
APPROVED_BY: Final = "hipaa-kit.io/approved-by"
TICKET: Final = "hipaa-kit.io/ticket"
BREAK_GLASS: Final = "hipaa-kit.io/break-glass"
"""What a site writes on role bindings: the annotations of a review, and the label of emergency access."""

PUBLIC: Final = (
    # Discovery, version and health: system:discovery, system:public-info-viewer.
    Rule(
        ("get",),
        urls=(
            "/api",
            "/api/*",
            "/apis",
            "/apis/*",
            "/healthz",
            "/livez",
            "/readyz",
            "/openapi",
            "/openapi/*",
            "/swagger*",
            "/version",
            "/version/",
            "/.well-known",
            "/.well-known/*",
            "/openid/v1/jwks",
            "/openid/v1/jwks/",
            "/",
        ),
    ),
    # What one may do oneself: system:basic-user.
    Rule(("create",), ("authorization.k8s.io",), ("selfsubjectaccessreviews", "selfsubjectrulesreviews")),
    Rule(("create",), ("authentication.k8s.io",), ("selfsubjectreviews",)),
)
"""What a stock cluster gives to everyone who signs in.

Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#discovery-roles
"""

BUILT_IN_GROUPS: Final = frozenset(kind.group for kind in kinds.BUILT_IN) | {
    "authentication.k8s.io",
    "authorization.k8s.io",
    "metrics.k8s.io",
    "extensions",
}
_LAST: list[tuple[Snapshot, Policy]] = []


def policy(
    snapshot: Snapshot,
    roles: pd.DataFrame,
    role_rules: pd.DataFrame,
    role_bindings: pd.DataFrame,
    binding_subjects: pd.DataFrame,
) -> Policy:
    """Return the roles and role bindings of a snapshot, made once for all tables that are built of them."""
    for held, made in _LAST:
        if held is snapshot:
            return made
    made = policy_of(snapshot, roles, role_rules, role_bindings, binding_subjects)
    _LAST[:] = [(snapshot, made)]
    return made


def subject_object(kind: str, name: str) -> str:
    """Return a subject as `Kind/namespace/name`."""
    if kind == SERVICE_ACCOUNT:
        namespace, _, own = name.partition("/")
        return object_id(kind, namespace, own)
    return object_id(kind, "", name)


def holder(who: Principal) -> dict[str, str]:
    """Return the columns that say who holds something."""
    kind, name = shown(who)
    return {"subject_kind": kind, "subject": name, "object": subject_object(kind, name)}


@builds(GRANTS, reads=[kinds.ROLE, kinds.CLUSTER_ROLE, kinds.ROLE_BINDING, kinds.CLUSTER_ROLE_BINDING])
def grants(
    snapshot: Snapshot,
    roles: pd.DataFrame,
    role_rules: pd.DataFrame,
    role_bindings: pd.DataFrame,
    binding_subjects: pd.DataFrame,
) -> Iterator[dict[str, Any]]:
    """Yield a row per subject of each role binding.

    Notes
    -----
    Subjects that mean nobody (a kind that is none of the three, a service account without a namespace in a role
    binding for the cluster) hold nothing and have no row.
    """
    held = policy(snapshot, roles, role_rules, role_bindings, binding_subjects)
    created = dict(zip(role_bindings["object"], role_bindings["created_at"], strict=True))
    written = dict(_written(snapshot))
    glass = set(_break_glass(snapshot))
    nature = {role: _nature(rules) for role, rules in held.roles.items()}
    nothing = {"administrator": False, "public": False}
    for binding in held.bindings:
        role, name = binding.role, binding_id(binding)
        own = role_id(role) if role else ""
        about = {
            "binding": name,
            "scope": binding.namespace,
            "role": own,
            "role_known": role in held.roles,
            **(nature.get(role, nothing) if role else nothing),
            "created_at": created.get(name, ""),
            **written.get(name, {}),
            "break_glass": name in glass or own in glass,
        }
        for who in named(binding):
            yield {**holder(who), **about, "stock": born(binding, who, held)}


def born(binding: Binding, who: Principal, held: Policy) -> bool:
    """Tell whether every cluster gives a subject this; what everyone has counts only while its role is as it was."""
    everyone = who.kind == USER_GROUP and who.name in (AUTHENTICATED, UNAUTHENTICATED, SERVICE_ACCOUNTS)
    role = binding.role
    changed = everyone and role is not None and not covers(PUBLIC, held.roles.get(role, ()))
    return is_stock(binding, who) and not changed


def _nature(rules: Iterable[Rule]) -> dict[str, bool]:
    given = tuple(rules)
    return {"administrator": covers(given, FULL_AUTHORITY[:1]), "public": covers(PUBLIC, given)}


def _written(snapshot: Snapshot) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield what annotations of role bindings say of their review."""
    for kind in (kinds.ROLE_BINDING, kinds.CLUSTER_ROLE_BINDING):
        for record in snapshot.records(kind):
            notes = string_map(record.content, "metadata", "annotations")
            if any(key in notes for key in (REVIEWED_ON, APPROVED_BY, TICKET)):
                yield (
                    record.object,
                    {
                        "reviewed_on": notes.get(REVIEWED_ON, ""),
                        "approved_by": notes.get(APPROVED_BY, ""),
                        "ticket": notes.get(TICKET, ""),
                    },
                )


def _break_glass(snapshot: Snapshot) -> Iterator[str]:
    """Yield the roles and role bindings that are marked as emergency access."""
    for kind in (kinds.ROLE, kinds.CLUSTER_ROLE, kinds.ROLE_BINDING, kinds.CLUSTER_ROLE_BINDING):
        for record in snapshot.records(kind):
            if text(record.content, "metadata", "labels", BREAK_GLASS) == "true":
                yield record.object


@builds(WILDCARDS)
def wildcards(
    snapshot: Snapshot,
    roles: pd.DataFrame,
    role_rules: pd.DataFrame,
    role_bindings: pd.DataFrame,
    binding_subjects: pd.DataFrame,
) -> Iterator[dict[str, Any]]:
    """Yield a row per field of each rule that holds `*`; of paths it is `/*`, too."""
    held = policy(snapshot, roles, role_rules, role_bindings, binding_subjects)
    for role, rules in held.roles.items():
        for position, rule in enumerate(rules):
            fields = {
                "verbs": ALL in rule.verbs,
                "apiGroups": ALL in rule.groups,
                "resources": ALL in rule.resources,
                "nonResourceURLs": bool({ALL, "/*"} & set(rule.urls)),
            }
            groups = set(rule.groups)
            for field in (name for name, starred in fields.items() if starred):
                yield {
                    "role": role_id(role),
                    "rule": position,
                    "field": field,
                    "api_groups": " ".join(sorted(group or "core" for group in groups)),
                    "resources": " ".join(sorted(set(rule.resources))),
                    "own": bool(groups) and not (groups & (BUILT_IN_GROUPS | {ALL})),
                }


@builds(ROLE_GIVES)
def role_gives(
    snapshot: Snapshot,
    roles: pd.DataFrame,
    role_rules: pd.DataFrame,
    role_bindings: pd.DataFrame,
    binding_subjects: pd.DataFrame,
) -> Iterator[dict[str, Any]]:
    """Yield a row per verb on each resource that each role bound to a user or group gives, for whatever names."""
    held = policy(snapshot, roles, role_rules, role_bindings, binding_subjects)
    bound = {
        binding.role
        for binding in held.bindings
        if any(subject.kind in (USER, USER_GROUP) for subject in binding.subjects)
    }
    for role, rules in held.roles.items():
        if role in bound:
            found = {
                (verb, group, word) for r in rules for verb, group, word in product(r.verbs, r.groups, r.resources)
            }
            for verb, group, resource in sorted(found):
                yield {"role": role_id(role), "verb": verb, "api_group": group, "resource": resource}
