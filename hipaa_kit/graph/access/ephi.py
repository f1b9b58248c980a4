"""Who reads Secrets and ConfigMaps of namespaces with ePHI, and who enters pods there, by which role binding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import pandas as pd

from hipaa_kit.graph.access.grants import born, holder, policy
from hipaa_kit.graph.permissions.book import named
from hipaa_kit.graph.permissions.loading import binding_id, role_id
from hipaa_kit.graph.permissions.stock import stock_rules
from hipaa_kit.inventory.ephi import ephi_namespaces
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube.rbac import FULL_AUTHORITY, Request, RoleId, Rule, covers, rule_allows
from hipaa_kit.kube.versions import kubernetes_minor
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.grants import EPHI_ACCESS

READ: Final = ("get", "list", "watch")
WRITE: Final = ("update", "patch")
HTTP: Final = ("get", "create", "update", "patch", "delete")
STREAMS: Final = ("pods/exec", "pods/attach", "pods/portforward")

PUBLIC_CONFIG: Final = frozenset(
    {"extension-apiserver-authentication", "istio-ca-root-cert", "kube-root-ca.crt", "openshift-service-ca.crt"}
)
"""ConfigMaps that hold nothing but certificates of authorities, and the names of headers."""


def routes(minor: int | None) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return what gets at ePHI: resource of the core group, what it amounts to, and the verbs that suffice.

    Parameters
    ----------
    minor
        N of the server's version 1.N; None where it is not known.

    Notes
    -----
    A stream over a WebSocket begins with a GET: `get` suffices before 1.35, and where the version is not known. Proxies
    take the HTTP method for the verb. `nodes/proxy` enters every pod of a node.
    Source: https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/,
    https://kubernetes.io/docs/concepts/security/rbac-good-practices/#access-to-proxy-subresource-of-nodes
    """
    streams = ("create",) if minor is not None and minor >= 35 else ("create", "get")
    return {
        "secrets": ("read", READ),
        "configmaps": ("read", READ),
        **dict.fromkeys(STREAMS, ("enter", streams)),
        "pods/ephemeralcontainers": ("enter", WRITE),
        "pods/proxy": ("enter", HTTP),
        "services/proxy": ("enter", HTTP),
        "nodes/proxy": ("enter", HTTP),
    }


@builds(EPHI_ACCESS)
def ephi_access(
    snapshot: Snapshot,
    roles: pd.DataFrame,
    role_rules: pd.DataFrame,
    role_bindings: pd.DataFrame,
    binding_subjects: pd.DataFrame,
    ephi_objects: pd.DataFrame,
) -> Iterator[dict[str, Any]]:
    """Yield a row per resource through which each subject gets at ePHI by each role binding.

    Role bindings of namespaces with ePHI count, and those for the cluster. Members of groups have no rows of their own.
    """
    held = policy(snapshot, roles, role_rules, role_bindings, binding_subjects)
    places = ephi_namespaces(ephi_objects)
    routes_here = routes(kubernetes_minor(snapshot.identity.version))
    known: dict[Any, list[tuple[str, str, str]]] = {}
    everything: dict[Any, bool] = {}
    for binding in held.bindings:
        role, scope = binding.role, binding.namespace
        if role not in held.roles or role is None or not places or (scope and scope not in places):
            continue
        if role not in known:
            known[role] = list(_gives(held.roles[role], routes_here))
            everything[role] = covers(held.roles[role], FULL_AUTHORITY[:1])
        for resource, verbs, names in known[role]:
            if scope and resource == "nodes/proxy":
                continue
            for who in named(binding):
                yield {
                    **holder(who),
                    "access": routes_here[resource][0],
                    "scope": scope,
                    "resource": resource,
                    "verbs": verbs,
                    "resource_names": names,
                    "binding": binding_id(binding),
                    "role": role_id(role),
                    "stock": born(binding, who, held) and _given_by_all(role, resource, verbs),
                    "administrator": everything[role],
                }


def _given_by_all(role: RoleId, resource: str, verbs: str) -> bool:
    """Tell whether a stock role gives some verbs on a resource in a known version; what was added to it is no one's."""
    return covers(stock_rules(role.name), [Rule(tuple(verbs.split()), ("",), (resource,))])


def _gives(
    rules: Iterable[Rule], routes_here: dict[str, tuple[str, tuple[str, ...]]]
) -> Iterator[tuple[str, str, str]]:
    """Yield (resource, verbs, names) that rules give: without names, and what names give beyond it."""
    given = tuple(rules)
    for resource, (_, verbs) in routes_here.items():
        kind, _, subresource = resource.partition("/")
        every = [verb for verb in verbs if _any_name(given, Request(verb, "", kind, subresource))]
        if every:
            yield resource, " ".join(every), ""
        names: dict[str, list[str]] = {}
        for rule in given:
            for verb in verbs if rule.names else ():
                if verb not in every and _for_names(rule, Request(verb, "", kind, subresource)):
                    for name in set(rule.names) - {""}:
                        names.setdefault(name, []).append(verb)
        if names and not (resource == "configmaps" and set(names) <= PUBLIC_CONFIG):
            said = sorted({verb for each in names.values() for verb in each}, key=verbs.index)
            yield resource, " ".join(said), " ".join(sorted(names))


def _any_name(rules: tuple[Rule, ...], request: Request) -> bool:
    # An empty text among the names is the name of a list or watch that names nothing.
    return any(rule_allows(rule, request) and (not rule.names or request.verb in ("list", "watch")) for rule in rules)


def _for_names(rule: Rule, request: Request) -> bool:
    return rule_allows(Rule(rule.verbs, rule.groups, rule.resources), request)
