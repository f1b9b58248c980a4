"""Section 5.1 of the CIS Kubernetes Benchmark, "RBAC and Service Accounts": what each item asks to look at.

Source: https://www.cisecurity.org/benchmark/kubernetes. Every item is manual there: whether an access is needed,
only people can say. Here is what they have to look at; what every cluster is born with is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pandas as pd

from hipaa_kit.graph.permissions.book import named, shown
from hipaa_kit.graph.permissions.harm import Harm
from hipaa_kit.graph.permissions.loading import binding_id, role_id
from hipaa_kit.graph.permissions.stock import is_stock
from hipaa_kit.kube import kinds
from hipaa_kit.kube.rbac import Binding, Principal, Request, RoleId, Rule, allows
from hipaa_kit.kube.rbac.bindings import USER_GROUP
from hipaa_kit.kube.rbac.rules import GROUP
from hipaa_kit.kube.rbac.users import MASTERS
from hipaa_kit.tables.permissions import CIS_5_1

ADMIN: Final = RoleId("", "cluster-admin")
ADMISSION: Final = "admissionregistration.k8s.io"
CERTIFICATES: Final = "certificates.k8s.io"
WRITES: Final = ("create", "update", "patch", "delete")

TITLES: Final = {
    "5.1.1": "The cluster-admin role is only used where required",
    "5.1.2": "Access to Secrets is minimal",
    "5.1.3": "Wildcards in Roles and ClusterRoles are few",
    "5.1.4": "Access to create pods is minimal",
    "5.1.5": "Default service accounts are not used",
    "5.1.6": "Service account tokens are mounted only where necessary",
    "5.1.7": "The system:masters group is not used",
    "5.1.8": "Bind, impersonate and escalate are limited",
    "5.1.9": "Access to create persistent volumes is minimal",
    "5.1.10": "Access to the proxy subresource of nodes is minimal",
    "5.1.11": "Access to the approval subresource of certificate requests is minimal",
    "5.1.12": "Access to webhook configurations is minimal",
    "5.1.13": "Access to create service account tokens is minimal",
}
REQUESTS: Final = {
    "5.1.2": [Request(verb, "", "secrets") for verb in ("get", "list", "watch")],
    "5.1.4": [Request("create", "", "pods")],
    "5.1.8": [
        *(Request(verb, GROUP, resource) for verb in ("bind", "escalate") for resource in ("roles", "clusterroles")),
        *(Request("impersonate", "", resource) for resource in ("users", "groups", "serviceaccounts")),
    ],
    "5.1.9": [Request("create", "", "persistentvolumes")],
    "5.1.10": [Request(verb, "", "nodes", "proxy") for verb in ("get", "create", "update", "patch", "delete")],
    "5.1.11": [Request(verb, CERTIFICATES, "certificatesigningrequests", "approval") for verb in ("update", "patch")],
    "5.1.12": [
        Request(verb, ADMISSION, resource)
        for verb in WRITES
        for resource in ("validatingwebhookconfigurations", "mutatingwebhookconfigurations")
    ],
    "5.1.13": [Request("create", "", "serviceaccounts", "token")],
}
CLUSTER_ONLY: Final = frozenset({"5.1.9", "5.1.10", "5.1.11", "5.1.12"})
"""Items on cluster-scoped resources, which a role binding in a namespace never gives."""

Row = dict[str, Any]


class Benchmark(Harm):
    """The items of the benchmark."""

    def cis_5_1(self) -> pd.DataFrame:
        """Return table `cis_5_1`: for each of the 13 items what there is to look at.

        An item is answered `none` only where everything behind it was read.
        """
        rows: list[Row] = []
        for item in TITLES:
            found = list(self._item(item))
            gaps = self._behind(item)
            if not found:
                found = [{"answer": "unknown" if gaps else "none", "words": "; ".join(gaps)}]
            elif gaps:
                found.append({"answer": "unknown", "words": "; ".join(gaps)})
            rows += [{"item": item, "title": TITLES[item], **row} for row in found]
        return CIS_5_1.frame(rows)

    def _behind(self, item: str) -> list[str]:
        """Return what could not be seen of what an item looks at, in words."""
        if item not in ("5.1.5", "5.1.6"):
            return self.gaps()
        asked = (kinds.POD, kinds.SERVICE_ACCOUNT)
        seen = [gap.line() for kind in asked for gap in self.known.coverage.gaps(kind)]
        return [f"not seen: {line}" for line in seen] + (self.gaps() if item == "5.1.5" else [])

    def _item(self, item: str) -> Iterator[Row]:
        if item in REQUESTS:
            yield from self._holding(item)
        elif item == "5.1.3":
            yield from self._wildcards()
        elif item == "5.1.5":
            yield from self._default_accounts()
        elif item == "5.1.6":
            yield from self._tokens()
        else:
            for binding in self.policy.bindings:
                for who in named(binding):
                    wanted = binding.role == ADMIN if item == "5.1.1" else who == Principal(USER_GROUP, MASTERS)
                    if wanted and not is_stock(binding, who):
                        yield _held(binding, who)

    def _holding(self, item: str) -> Iterator[Row]:
        asked = REQUESTS[item]
        giving: dict[tuple[RoleId, bool], bool] = {}
        for binding in self.policy.bindings:
            role, local = binding.role, bool(binding.namespace)
            if role is None or (local and item in CLUSTER_ONLY):
                continue
            if (role, local) not in giving:
                rules = [_for_every_name(rule) for rule in self.policy.roles.get(role, ())]
                counting = [each for each in asked if not (local and each.resource in ("users", "groups"))]
                giving[role, local] = any(allows(rules, each) for each in counting)
            if giving[role, local]:
                yield from (_held(binding, who) for who in named(binding) if not is_stock(binding, who))

    def _wildcards(self) -> Iterator[Row]:
        for role, rules in self.policy.roles.items():
            if role.name.startswith("system:") or role == ADMIN:
                continue
            fields = {
                field
                for rule in rules
                for field, words in (("verbs", rule.verbs), ("API groups", rule.groups), ("resources", rule.resources))
                if "*" in words
            }
            if fields:
                yield {"answer": "look", "object": role_id(role), "words": f"`*` in {', '.join(sorted(fields))}"}

    def _default_accounts(self) -> Iterator[Row]:
        pods = self.tables["pods"]
        for pod, account in zip(pods["object"], pods["service_account"], strict=True):
            if account.endswith("/default"):
                yield {"answer": "look", "object": pod, "words": "runs as the default service account"}
        for binding in self.policy.bindings:
            for who in named(binding):
                kind, name = shown(who)
                if kind == "ServiceAccount" and name.endswith("/default"):
                    yield _held(binding, who)

    def _tokens(self) -> Iterator[Row]:
        accounts, pods = self.tables["service_accounts"], self.tables["pods"]
        wished = dict(zip(accounts["object"], accounts["automount_token"], strict=True))
        columns = ("object", "service_account", "automount_token")
        for pod, account, own in zip(*(pods[name] for name in columns), strict=True):
            wish = wished.get(account) if pd.isna(own) else own
            if wish is None or pd.isna(wish) or wish:
                yield {"answer": "look", "object": pod, "words": "its token is mounted, by default or by wish"}


def _held(binding: Binding, who: Principal) -> Row:
    kind, name = shown(who)
    role = binding.role
    return {
        "answer": "look",
        "subject_kind": kind,
        "subject": name,
        "binding": binding_id(binding),
        "object": role_id(role) if role else "",
    }


def _for_every_name(rule: Rule) -> Rule:
    return Rule(rule.verbs, rule.groups, rule.resources)
