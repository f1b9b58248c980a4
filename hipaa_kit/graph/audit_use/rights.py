"""Rights that role bindings give, held against what was used of them: used, unused, or not to be told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

import pandas as pd

from hipaa_kit.graph.audit_use.uses import identity_of
from hipaa_kit.graph.permissions import RBAC_BESIDE, RBAC_INPUTS, RBAC_TABLES, Permissions, permissions
from hipaa_kit.graph.permissions.loading import binding_id
from hipaa_kit.graph.powers import RBAC_KINDS
from hipaa_kit.inventory.audit import POLICIES, policies
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube.audit.policy import Policy
from hipaa_kit.kube.audit.policy import Request as Recordable
from hipaa_kit.kube.audit.policy import Rule as AuditRule
from hipaa_kit.kube.rbac import Principal, Request, Rule, broken_down, built_in_groups, rule_allows
from hipaa_kit.kube.rbac.bindings import USER_GROUP
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.audit_use import RIGHT_USE
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.lookup import GivenTables

READS: Final = frozenset({"get", "list", "watch"})
ENTERS: Final = frozenset(
    {"pods/exec", "pods/attach", "pods/portforward", "pods/proxy", "services/proxy", "nodes/proxy"}
)
"""Subresources by which somebody enters a pod or node, also by `get`."""

PROBED_VERBS: Final = ("get", "list", "create", "patch", "delete")
PROBED: Final = (("", "pods"), ("", "secrets"), ("apps", "deployments"))
"""Requests that stand for those of a rule with `*`: where one of them leaves no trace, the rule is not to be told."""

REQUESTED: Final = frozenset({"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "*"})
"""Verbs of requests for resources. Others, such as impersonate, bind, escalate, approve, sign, use and attest, are what
the authorizer is asked on the way of another request.

Source: https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb
"""

ASKED_ON_THE_WAY: Final = frozenset(
    {
        *(("", name) for name in ("users", "groups", "serviceaccounts")),
        *(("authentication.k8s.io", name) for name in ("uids", "userextras", "nodes")),
        *(("rbac.authorization.k8s.io", name) for name in ("roles", "clusterroles")),
        ("certificates.k8s.io", "signers"),
        ("policy", "podsecuritypolicies"),
        ("security.openshift.io", "securitycontextconstraints"),
    }
)
"""API groups and resources that such verbs are asked of: `*` on one of them may be used without a request for it."""

OTHER: Final = "-"
"""Stands for a namespace that no rule of a policy names, and for the rest of a path."""


class Use(NamedTuple):
    """One kind of request that somebody made and that was not refused."""

    user: str
    request: Request
    events: int
    last_at: str


@dataclass(frozen=True)
class Log:
    """What the log shows, as rights are held against it.

    A right is unused only where the log would show its use: by the audit policy where that was given, for who holds
    it; otherwise where the log holds requests of the same kind by anybody, and any request by who holds it. Requests
    of which it does not say how they were answered, `open`, are no use, and leave a right open.
    """

    uses: dict[str, list[Use]]
    open: dict[str, list[Request]]
    members: dict[str, frozenset[str]]
    kinds: frozenset[tuple[str, str, str]]
    policies: tuple[Policy, ...]
    doubt: str

    def users(self, who: Principal) -> frozenset[str]:
        """Return the users that a subject of a role binding stands for, as far as the log shows them."""
        return self.members.get(who.name, frozenset()) if who.kind == USER_GROUP else frozenset({who.name})

    def of(self, who: Principal, atom: Rule, scope: str) -> tuple[str, str, int, str]:
        """Return state, why, events and the last moment of one right of a subject."""
        found = [
            use
            for user in self.users(who)
            for use in self.uses.get(user, ())
            if _in_scope(use.request, scope) and rule_allows(_unnamed(atom), use.request)
        ]
        events, last = sum(use.events for use in found), max((use.last_at for use in found), default="")
        if found and not atom.names:
            return "used", "the log holds requests that it allows", events, last
        if found:
            return "unknown", "the log holds such requests, and not of which names", events, last
        if self._answered_in_no_event(who, atom, scope):
            return "unknown", "the log holds such requests, and not how they were answered", 0, ""
        if self.doubt:
            return "unknown", self.doubt, 0, ""
        if not atom.urls and (not REQUESTED.issuperset(atom.verbs) or _on_the_way(atom)):
            return "unknown", "it is no verb of a request: the log does not show its use", 0, ""
        if who.kind == USER_GROUP and not self.members.get(who.name):
            return "unknown", "nobody of the group is in the log", 0, ""
        unseen = self._unseen(who, atom, scope)
        return ("unknown", unseen, 0, "") if unseen else ("unused", self._sure(), 0, "")

    def _answered_in_no_event(self, who: Principal, atom: Rule, scope: str) -> bool:
        return any(
            _in_scope(request, scope) and rule_allows(_unnamed(atom), request)
            for user in self.users(who)
            for request in self.open.get(user, ())
        )

    def _sure(self) -> str:
        return "the audit policy records it" if self.policies else "others' requests of the kind are in the log"

    def _unseen(self, who: Principal, atom: Rule, scope: str) -> str:
        """Return why the log may not show the use of a right; "" where it would."""
        wanted = list(_stand_ins(atom, scope))
        if self.policies:
            told_apart = [more for one in wanted for more in self._placed(one, atom, scope)]
            for user, groups in self._requesters(who):
                for each in told_apart:
                    request = each._replace(user=user, groups=groups)
                    if any(policy.record(request).told == "None" for policy in self.policies):
                        return "the audit policy does not record it"
            return ""
        if not any(self.uses.get(user) for user in self.users(who)):
            return "nothing of who holds it is in the log, and the audit policy was not given"
        kinds = {(one.verb, one.group, _combined(one)) for one in wanted if one.path is None}
        return "" if kinds and kinds <= self.kinds else "no request of the kind is in the log by anybody"

    def _placed(self, one: Request, atom: Rule, scope: str) -> Iterator[Recordable]:
        """Yield what stands for a request wherever the policies may tell it apart: by namespace, name or path."""
        if one.path is not None:
            yield from (Recordable("", (), one.verb, path=path) for path in self._paths(atom.urls[0]))
            return
        places = (
            (scope,) if scope else ("", OTHER, *sorted({name for rule in self._rules() for name in rule.namespaces}))
        )
        for place in places:
            for name in atom.names or ("",):
                yield Recordable("", (), one.verb, one.group, one.resource, one.subresource, place, name)

    def _paths(self, url: str) -> set[str]:
        """Return paths that stand for a URL of a right: its own, and those under it that a rule names."""
        if not url.endswith("*"):
            return {url}
        stem = url.rstrip("*")
        named = {path.rstrip("*") for rule in self._rules() for path in rule.paths}
        under = {path for path in named if path.startswith(stem)}
        return {path or "/" for path in (stem, *under)} | {f"{stem or '/'}{OTHER}"}

    def _rules(self) -> Iterator[AuditRule]:
        return (rule for policy in self.policies for rule in policy.rules)

    @cached_property
    def _groups(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for group, members in self.members.items():
            for user in members:
                found[user].add(group)
        return dict(found)

    def _requesters(self, who: Principal) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield users that a right may be used by, each with the least and with the most of groups it was seen in."""
        for user in sorted(self.users(who)):
            least = {who.name, "system:authenticated"} if who.kind == USER_GROUP else set(built_in_groups(user))
            for groups in {tuple(sorted(least)), tuple(sorted(least | self._groups.get(user, set())))}:
                yield user, groups


def _combined(request: Request) -> str:
    return f"{request.resource}/{request.subresource}" if request.subresource else request.resource


def _in_scope(request: Request, scope: str) -> bool:
    return not scope or (request.path is None and request.namespace == scope)


def _unnamed(atom: Rule) -> Rule:
    return Rule(atom.verbs, atom.groups, atom.resources, (), atom.urls) if atom.names else atom


def _on_the_way(atom: Rule) -> bool:
    """Tell whether a right with `*` may be used by a verb that no request for its resource has.

    One to everything is used by the request on whose way it is asked.
    """
    (group,), resource = atom.groups, atom.resources[0].partition("/")[0]
    if atom.verbs != ("*",) or (group, resource) == ("*", "*"):
        return False
    return any(group in ("*", one) and resource in ("*", other) for one, other in ASKED_ON_THE_WAY)


def _stand_ins(atom: Rule, scope: str) -> Iterator[Request]:
    """Yield requests that stand for all that a right allows."""
    verbs = PROBED_VERBS if atom.verbs == ("*",) else atom.verbs
    if atom.urls:
        yield from (Request(verb, path=atom.urls[0].rstrip("*") or "/") for verb in verbs)
        return
    resource, _, subresource = atom.resources[0].partition("/")
    pairs = PROBED if "*" in (resource, atom.groups[0]) else ((atom.groups[0], resource),)
    for verb in verbs:
        for group, name in pairs:
            yield Request(verb, group, name, "" if name != resource else subresource, scope)


def changes(verb: str, resource: str) -> bool:
    """Tell whether a right changes something or enters a pod."""
    return verb not in READS or resource in ENTERS


@builds(RIGHT_USE, reads=RBAC_KINDS, also=RBAC_BESIDE, optional=[*RBAC_INPUTS, *POLICIES], uses=RBAC_TABLES)
def right_use(
    snapshot: Snapshot,
    grants: pd.DataFrame,
    identity_use: pd.DataFrame,
    identity_groups: pd.DataFrame,
    common_window: pd.DataFrame,
    audit_policies: pd.DataFrame,
    audit_rules: pd.DataFrame,
    audit_rule_matches: pd.DataFrame,
    tables: GivenTables,
) -> Iterator[dict[str, Any]]:
    """Yield a row per right of a role binding that no cluster is born with."""
    given = tuple(policy for _, policy in policies(audit_policies, audit_rules, audit_rule_matches))
    windows = rows_of(common_window)
    doubt = windows[0]["doubt"] if windows else "the log says of no moment"
    log = log_of(identity_use, identity_groups, given, doubt)
    days = windows[0]["days"] if windows else 0.0
    mine = grants[~grants["stock"] & grants["role_known"] & ~grants["public"]]
    yield from _rows(permissions(tables, snapshot), set(mine["binding"]), log, days)


def log_of(uses: pd.DataFrame, groups: pd.DataFrame, given: Iterable[Policy], doubt: str) -> Log:
    """Return what rights are held against, of tables `identity_use` and `identity_groups`."""
    by_user: dict[str, list[Use]] = defaultdict(list)
    open_by_user: dict[str, list[Request]] = defaultdict(list)
    for row in rows_of(uses[(uses["allowed"] > 0) | (uses["open"] > 0)]):
        place = (row["api_group"], row["resource"], row["subresource"], row["namespace"])
        request = Request(row["verb"], *place) if row["resource"] else Request(row["verb"], path=row["path"])
        if row["allowed"]:
            by_user[row["user"]].append(Use(row["user"], request, int(row["allowed"]), row["last_at"]))
        else:
            open_by_user[row["user"]].append(request)
    members: dict[str, set[str]] = defaultdict(set)
    for user, group in groups[["user", "group"]].itertuples(index=False):
        members[group].add(user)
    seen = {
        (use.request.verb, use.request.group, _combined(use.request))
        for held in by_user.values()
        for use in held
        if use.request.path is None
    }
    known = {group: frozenset(held) for group, held in members.items()}
    return Log(dict(by_user), dict(open_by_user), known, frozenset(seen), tuple(given), doubt)


def _rows(asked: Permissions, bindings: set[str], log: Log, days: float) -> Iterator[dict[str, Any]]:
    done = set()
    for who in asked.book.principals:
        for held in asked.book.holdings([who]):
            if binding_id(held.binding) not in bindings:
                continue
            for atom in broken_down(held.rule):
                if (who, held.binding, atom) in done or (atom.urls and held.binding.namespace):
                    continue
                done.add((who, held.binding, atom))
                yield _row(who, binding_id(held.binding), held.binding.namespace, atom, log, days)


def _row(who: Principal, binding: str, scope: str, atom: Rule, log: Log, days: float) -> dict[str, Any]:
    state, why, events, last = log.of(who, atom, scope)
    resource = "" if atom.urls else atom.resources[0]
    return {
        "binding": binding,
        "object": f"Group//{who.name}" if who.kind == USER_GROUP else identity_of(who.name),
        "scope": scope,
        "verb": atom.verbs[0],
        "api_group": "" if atom.urls else atom.groups[0],
        "resource": resource,
        "resource_name": atom.names[0] if atom.names else "",
        "url": atom.urls[0] if atom.urls else "",
        "writes": changes(atom.verbs[0], resource),
        "state": state,
        "why": why,
        "events": events,
        "last_at": last,
        "window_days": days,
    }
