"""What is looked through from time to time: loose ends, the sign-off sheet, what changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pandas as pd

from hipaa_kit.graph.permissions.answers import Answers
from hipaa_kit.graph.permissions.asking import principal_of
from hipaa_kit.graph.permissions.book import named, shown
from hipaa_kit.graph.permissions.loading import binding_id, role_id
from hipaa_kit.graph.permissions.stock import is_stock
from hipaa_kit.inventory.fields import reference
from hipaa_kit.kube import kinds
from hipaa_kit.kube.rbac import Binding, Principal, Request, RoleId, Rule, allows, broken_down, service_account_of
from hipaa_kit.kube.rbac.bindings import SERVICE_ACCOUNT, USER, USER_GROUP
from hipaa_kit.kube.rbac.rules import GROUP
from hipaa_kit.kube.rbac.users import MASTERS
from hipaa_kit.tables.permissions import ACCESS_REVIEW, AGGREGATION_DRIFT, ORPHANS, PERMISSION_CHANGES

if TYPE_CHECKING:
    from collections.abc import Iterable

Row = dict[str, Any]

MEANINGS: Final = {
    "role missing": "gives nothing now; whoever makes the role decides what its subjects get",
    "service account missing": "gives nothing now; whoever makes the service account, or a pod of it, gets the role",
    "nobody meant": "the subject's kind or namespace means nobody: it gives nothing",
    "no subjects": "gives nothing to anyone",
    "role unused": "nothing binds it: whoever may bind it needs no other right to give its rules",
}
DRIFT: Final = {
    "missing": "its controller has not written it: nobody has it by this role",
    "extra": "whoever is bound has it now; its controller takes it away, unless it does not run or is refused",
    "unreadable": "nothing is gathered: whoever is bound has the rules that are stored",
}
READS_SECRETS: Final = [Request(verb, "", "secrets") for verb in ("get", "list", "watch")]
WORKLOADS: Final = (
    ("", "pods"),
    ("", "replicationcontrollers"),
    ("apps", "deployments"),
    ("apps", "statefulsets"),
    ("apps", "daemonsets"),
    ("apps", "replicasets"),
    ("batch", "jobs"),
    ("batch", "cronjobs"),
)
RUNS_CODE: Final = [
    *(
        Request(verb, group, resource)
        for verb in ("create", "update", "patch")
        for group, resource in WORKLOADS
        if resource != "jobs" or verb == "create"  # the template of a Job cannot be changed
    ),
    *(Request(verb, "", "pods", sub) for verb in ("create", "get") for sub in ("exec", "attach")),
    *(Request(verb, "", "pods", "ephemeralcontainers") for verb in ("update", "patch")),
]
GIVES_RIGHTS: Final = [
    *(
        Request(verb, GROUP, resource)
        for verb in ("create", "update", "patch")
        for resource in ("rolebindings", "clusterrolebindings")
    ),
    *(Request(verb, GROUP, resource) for verb in ("bind", "escalate") for resource in ("roles", "clusterroles")),
    *(Request("impersonate", "", resource) for resource in ("users", "groups", "serviceaccounts")),
    Request("create", "", "serviceaccounts", "token"),
]


class Permission(NamedTuple):
    """One permission of one subject, as a rule has it."""

    principal: Principal
    scope: str
    atom: Rule


class Reviews(Answers):
    """Loose ends, reviews and changes."""

    def orphans(self) -> pd.DataFrame:
        """Return table `orphans`: role bindings to what does not exist, and roles that nothing binds.

        Roles that every cluster is born with (`system:…`, `admin`, `edit`, `view`, `cluster-admin`), and ClusterRoles
        that are part of an aggregated one, are not called unused.
        """
        return ORPHANS.frame([*self._loose_bindings(), *self._unused_roles()])

    def _loose_bindings(self) -> Iterator[Row]:
        for binding in self.policy.bindings:
            row = {"object": binding_id(binding), "proved": True}
            if not binding.subjects:
                yield row | _problem("no subjects")
            role, place = binding.role, binding.namespace
            if role is None or role not in self.policy.roles:
                missing = role_id(role) if role else reference(binding.ref.kind, place, binding.ref.name)
                kind = kinds.ROLE if role and role.namespace else kinds.CLUSTER_ROLE
                seen = role is None or self.known.coverage.answer(kind, role.namespace).complete
                yield row | _problem("role missing") | {"reference": missing, "proved": seen}
            if len(named(binding)) < len(set(binding.subjects)):
                yield from self._nobody(binding, row)
            for who in named(binding):
                account = service_account_of(who.name) if who.kind == USER else None
                if account and account not in self.known.accounts:
                    seen = self.known.coverage.answer(kinds.SERVICE_ACCOUNT, account[0]).complete
                    missing = f"{SERVICE_ACCOUNT}/{account[0]}/{account[1]}"
                    if not (is_stock(binding, who) and account[0] == "kube-system"):
                        yield row | _problem("service account missing") | {"reference": missing, "proved": seen}

    def _nobody(self, binding: Binding, row: Row) -> Iterator[Row]:
        from_kinds = (USER, USER_GROUP, SERVICE_ACCOUNT)
        for subject in dict.fromkeys(binding.subjects):
            lost = subject.kind == SERVICE_ACCOUNT and not (subject.namespace or binding.namespace)
            if lost or subject.kind not in from_kinds:
                wrong = f"{subject.kind}/{subject.namespace}/{subject.name}"
                yield row | _problem("nobody meant") | {"reference": wrong}

    def _unused_roles(self) -> Iterator[Row]:
        bound = {role for role, _ in self.book.by_role}
        roles = self.tables["roles"]
        parts = set() if not roles["aggregated"].any() else self._aggregating()
        for role in self.policy.roles:
            stock = role.name.startswith("system:") or role.name in ("admin", "edit", "view", "cluster-admin")
            if role in bound or (stock and not role.namespace) or role.name.startswith("system:"):
                continue
            if not role.namespace and role.name in parts:
                continue
            kind = kinds.ROLE_BINDING
            seen = self.known.coverage.answer(kind, role.namespace).complete
            if not role.namespace:
                seen = seen and self.known.coverage.answer(kinds.CLUSTER_ROLE_BINDING).complete
            yield _problem("role unused") | {"object": role_id(role), "proved": seen}

    def _aggregating(self) -> set[str]:
        """Return the ClusterRoles that are aggregated, or whose rules all stand in an aggregated one too."""
        roles = self.tables["roles"]
        whole = set(roles[roles["aggregated"]]["name"])
        given = {rule for role, rules in self.policy.roles.items() if role.name in whole for rule in rules}
        parts = {role.name for role, rules in self.policy.roles.items() if rules and set(rules) <= given}
        return whole | parts

    def aggregation_drift(self) -> pd.DataFrame:
        """Return table `aggregation_drift`: rules that aggregated ClusterRoles have and do not gather, or lack.

        A controller writes what their selectors gather. What stays different was written by someone else, or the
        controller does not run, or is refused. Manifests are answered as if it had run, and differ in nothing.

        Notes
        -----
        Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles.
        """
        seen = self.known.coverage.answer(kinds.CLUSTER_ROLE).complete
        rows: list[Row] = []
        for name, drift in self.known.drift.items():
            role = role_id(RoleId("", name))
            if drift is None:
                rows.append({"role": role, "difference": "unreadable", "proved": True, "meaning": DRIFT["unreadable"]})
                continue
            for difference, rules in (("missing", drift.missing), ("extra", drift.extra)):
                about: Row = {"role": role, "difference": difference, "meaning": DRIFT[difference]}
                about |= {"proved": seen or difference == "missing"}
                rows += [about | _words(rule) | {"sources": self._sources(rule)} for rule in rules]
        return AGGREGATION_DRIFT.frame(rows)

    def _sources(self, rule: Rule) -> str:
        """Return the ClusterRoles that hold a rule and are not aggregated themselves."""
        frame = self.tables["roles"]
        aggregated = set(frame[frame["aggregated"]]["object"])
        holding = (role_id(role) for role, rules in self.policy.roles.items() if not role.namespace and rule in rules)
        return " ".join(sorted(set(holding) - aggregated))

    def access_review(self, namespace: str) -> pd.DataFrame:
        """Return table `access_review`: who holds which role in a namespace, as a sheet to be signed off.

        Parameters
        ----------
        namespace
            Role bindings of this namespace, and those for the cluster, which count in it too. `""` lists those for
            the cluster alone.
        """
        bindings = self.tables["role_bindings"]
        created = dict(zip(bindings["object"], bindings["created_at"], strict=True))
        rows: list[Row] = []
        for binding in self.policy.bindings:
            if binding.namespace in ("", namespace):
                row = self._reviewed(binding) | {"created_at": created.get(binding_id(binding), "")}
                for who in named(binding):
                    kind, name = shown(who)
                    note = {"note": _note(binding, who, binding.role not in self.policy.roles)}
                    rows.append({"subject_kind": kind, "subject": name, **row, **note})
                    for user in sorted(self.known.members.get(who.name, ())) if who.kind == USER_GROUP else ():
                        kind, name = shown(Principal(USER, user))
                        rows.append({"subject_kind": kind, "subject": name, "through": who.name, **row, **note})
        rows += [{"subject_kind": "*", "subject": "*", "binding": gap, "note": gap} for gap in self.gaps(namespace)]
        return ACCESS_REVIEW.frame(rows)

    def _reviewed(self, binding: Binding) -> Row:
        role = binding.role
        rules = self.policy.roles.get(role, ()) if role else ()

        def gives(requests: Iterable[Request]) -> bool:
            counting = (each for each in requests if not (binding.namespace and _for_the_cluster(each)))
            return any(allows([_unnamed(rule) for rule in rules], request) for request in counting)

        return {
            "binding": binding_id(binding),
            "role": role_id(role) if role else "",
            "scope": binding.namespace,
            "verbs": " ".join(sorted({verb for rule in rules for verb in rule.verbs})),
            "reads_secrets": gives(READS_SECRETS),
            "runs_code": gives(RUNS_CODE),
            "gives_rights": gives(GIVES_RIGHTS),
        }

    def permissions_of_all(self) -> dict[Permission, tuple[str, str]]:
        """Return every permission of every subject named, with the first role binding and role that give it."""
        found: dict[Permission, tuple[str, str]] = {}
        for binding in sorted(self.policy.bindings, key=binding_id):
            role = binding.role
            rules = self.policy.roles.get(role, ()) if role else ()
            atoms = dict.fromkeys(atom for rule in rules for atom in broken_down(rule))
            for who in named(binding):
                for atom in atoms:
                    if role and not (atom.urls and binding.namespace):
                        permission = Permission(who, binding.namespace, atom)
                        found.setdefault(permission, (binding_id(binding), role_id(role)))
        return found

    def diff(self, other: Reviews) -> pd.DataFrame:
        """Return table `permission_changes`: what subjects gained and lost from this snapshot to another, later one.

        Parameters
        ----------
        other
            Permissions of the later snapshot.

        Notes
        -----
        A permission that is not shown is lost only where that snapshot saw all of RBAC in its namespace, and gained
        only where the earlier one did. By groups: a user that joins one gains nothing here.
        """
        before, after = self.permissions_of_all(), other.permissions_of_all()
        return PERMISSION_CHANGES.frame(
            [*_changes(before, after, other, "lost"), *_changes(after, before, self, "gained")]
        )


def _changes(
    shown_in: dict[Permission, tuple[str, str]],
    against: dict[Permission, tuple[str, str]],
    seen_by: Reviews,
    change: str,
) -> Iterator[Row]:
    for permission, (binding, role) in shown_in.items():
        if permission in against:
            continue
        kind, name = shown(permission.principal)
        atom = permission.atom
        yield {
            "change": change if not seen_by.known.gaps(permission.scope) else f"{change}, unproved",
            "subject_kind": kind,
            "subject": name,
            "scope": permission.scope,
            "verb": atom.verbs[0],
            "api_group": "".join(atom.groups),
            "resource": "".join(atom.resources),
            "resource_name": "".join(atom.names),
            "url": "".join(atom.urls),
            "binding": binding,
            "role": role,
        }


def _for_the_cluster(request: Request) -> bool:
    """Tell whether a role binding in a namespace never gives what is asked."""
    if request.resource == "clusterroles":
        return request.verb == "escalate"  # `bind` on a ClusterRole counts for role bindings of the namespace
    return request.resource in ("users", "groups", "clusterrolebindings")


def _unnamed(rule: Rule) -> Rule:
    """Return a rule as if for every name: a right to one Secret is a right to read Secrets."""
    return Rule(rule.verbs, rule.groups, rule.resources, (), rule.urls)


def _words(rule: Rule) -> Row:
    """Return a rule with its words joined by spaces."""
    return {
        "verbs": " ".join(rule.verbs),
        "api_groups": " ".join(group or "core" for group in rule.groups),
        "resources": " ".join(rule.resources),
        "resource_names": " ".join(rule.names),
        "urls": " ".join(rule.urls),
    }


def _problem(problem: str) -> Row:
    return {"problem": problem, "meaning": MEANINGS[problem]}


def _note(binding: Binding, who: Principal, dangling: bool) -> str:
    if dangling:
        return MEANINGS["role missing"]
    if who == Principal(USER_GROUP, MASTERS):
        return "unrestricted, whatever the role binding says; only the credentials can be withdrawn"
    if is_stock(binding, who):
        return "every cluster has it"
    if who.kind == USER_GROUP and who.name in ("system:authenticated", "system:serviceaccounts"):
        return "holds for every pod with a token"
    if who.kind == USER_GROUP and who.name == "system:unauthenticated":
        return "holds for everyone, without credentials"
    if who.kind == USER and (account := service_account_of(who.name)) and account[1] == "default":
        return "holds for every pod of the namespace that names no service account"
    return ""


def subject_text(who: Principal) -> str:
    """Return a principal as `Kind/namespace/name`, which `principal_of` reads back."""
    kind, name = shown(who)
    text = f"{kind}/{name}" if kind == SERVICE_ACCOUNT else f"{kind}//{name}"
    return text if principal_of(text) == who else who.name
