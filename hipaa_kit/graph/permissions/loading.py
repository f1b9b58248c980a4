"""From tables and snapshot to what RBAC knows: roles, role bindings, who belongs to which group, what was not seen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from operator import itemgetter

import pandas as pd

from hipaa_kit.errors import InputError
from hipaa_kit.graph.permissions.authorizers import other_authorizers
from hipaa_kit.graph.permissions.escape import WayOut, expected_because, ways_out
from hipaa_kit.graph.permissions.techniques import MADE_BY_THE_SERVER, TRUSTED_CONFIG
from hipaa_kit.inventory.fields import mapping, string_map, text
from hipaa_kit.inventory.workloads import ENDED
from hipaa_kit.kube import kinds
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.kube.pod_security import namespace_policy
from hipaa_kit.kube.rbac import (
    Binding,
    ClusterRole,
    Drift,
    Policy,
    RoleId,
    RoleRef,
    Rule,
    Subject,
    aggregated,
    drift,
    parse_selectors,
)
from hipaa_kit.kube.rbac.bindings import CLUSTER_ROLE, CLUSTER_ROLE_BINDING, ROLE_BINDING
from hipaa_kit.kube.versions import kubernetes_minor
from hipaa_kit.sources.coverage import Coverage
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.lookup import TableSet

FIELDS = ("verb", "api_group", "resource", "resource_name", "non_resource_url")
ADMISSION = tuple(
    kind
    for kind in kinds.BUILT_IN
    if kind.kind in ("ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration")
)

Escape = tuple[str, tuple[str, list[WayOut]], str]
"""A pod, its node and how it can be taken, and why that pod is meant to hold it."""


def binding_id(binding: Binding) -> str:
    """Return a role binding as `Kind/namespace/name`."""
    return f"{ROLE_BINDING if binding.namespace else CLUSTER_ROLE_BINDING}/{binding.namespace}/{binding.name}"


def role_id(role: RoleId) -> str:
    """Return a role as `Kind/namespace/name`."""
    return f"{'Role' if role.namespace else CLUSTER_ROLE}/{role.namespace}/{role.name}"


@dataclass(frozen=True)
class Surroundings:
    """What of the cluster narrows the ways: Pod Security by namespace, and other admission.

    Attributes
    ----------
    levels
        Level that each Namespace of the snapshot enforces by its labels.
    all_namespaces
        Every Namespace was read.
    admission
        Admission beside Pod Security shows, or could not be looked for.
    """

    levels: Mapping[str, str] = field(default_factory=dict)
    all_namespaces: bool = False
    admission: str = ""


@dataclass(frozen=True)
class Known:
    """What the answers rest on.

    Attributes
    ----------
    policy
        Roles and role bindings.
    coverage
        What came back for each kind: whether a no is proved.
    accounts
        ServiceAccounts that exist, as (namespace, name).
    members
        Users that a group has by the workforce file.
    others
        Authorizers beside RBAC that show, in words.
    minor
        N of the server's version 1.N; None where it is not known.
    around
        What narrows the ways to become more.
    trusted
        ConfigMaps that components take their trust from; those that could be there where not all were read.
    escapes
        Pods that run, by whose settings the node can be taken: their node, and how.
    expected_escapes
        Why some of these are meant to hold their node.
    drift
        How aggregated ClusterRoles differ from what their selectors gather; None where those cannot be read.
    """

    policy: Policy
    coverage: Coverage
    accounts: frozenset[tuple[str, str]] = frozenset()
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    minor: int | None = None
    around: Surroundings = field(default_factory=Surroundings)
    trusted: frozenset[str] = TRUSTED_CONFIG
    escapes: Mapping[str, tuple[str, list[WayOut]]] = field(default_factory=dict)
    expected_escapes: Mapping[str, str] = field(default_factory=dict)
    drift: Mapping[str, Drift | None] = field(default_factory=dict)

    @cached_property
    def groups(self) -> dict[str, frozenset[str]]:
        """Groups that each user has by the workforce file."""
        found: dict[str, set[str]] = defaultdict(set)
        for group, users in self.members.items():
            for user in users:
                found[user].add(group)
        return {user: frozenset(groups) for user, groups in found.items()}

    def gaps(self, namespace: str) -> list[str]:
        """Return what could not be seen of RBAC for a namespace (`""` for the cluster), in words."""
        asked = [(kinds.CLUSTER_ROLE, ""), (kinds.CLUSTER_ROLE_BINDING, "")]
        if namespace:
            asked += [(kinds.ROLE, namespace), (kinds.ROLE_BINDING, namespace)]
        answers = (self.coverage.answer(kind, place) for kind, place in asked)
        return [f"not seen: {answer.line()}" for answer in answers if not answer.complete]

    def all_gaps(self) -> list[str]:
        """Return what could not be seen of RBAC anywhere, in words."""
        asked = (kinds.CLUSTER_ROLE, kinds.CLUSTER_ROLE_BINDING, kinds.ROLE, kinds.ROLE_BINDING)
        return [f"not seen: {gap.line()}" for kind in asked for gap in self.coverage.gaps(kind)]


def policy_of(
    snapshot: Snapshot,
    roles: pd.DataFrame,
    role_rules: pd.DataFrame,
    role_bindings: pd.DataFrame,
    binding_subjects: pd.DataFrame,
) -> Policy:
    """Return the roles and role bindings of a snapshot.

    Parameters
    ----------
    snapshot
        Where they come from: manifests hold aggregated ClusterRoles without the rules that they will have.
    roles, role_rules, role_bindings, binding_subjects
        Tables of the same snapshot.
    """
    held = _roles(roles, role_rules)
    if "manifests" in snapshot.layout.split("+"):
        held |= _composed(snapshot, held)
    return Policy(held, tuple(_bindings(role_bindings, binding_subjects)))


def known(tables: TableSet, snapshot: Snapshot) -> Known:
    """Return what the tables of a snapshot and the inputs beside it say of RBAC."""
    policy = policy_of(
        snapshot, tables["roles"], tables["role_rules"], tables["role_bindings"], tables["binding_subjects"]
    )
    accounts = tables["service_accounts"]
    members: dict[str, set[str]] = defaultdict(set)
    for user, group in tables["workforce_groups"][["user", "group"]].itertuples(index=False):
        members[group].add(user)
    escapes = _escapes(snapshot)
    return Known(
        policy,
        snapshot.coverage,
        frozenset(zip(accounts["namespace"], accounts["name"], strict=True)),
        {group: frozenset(users) for group, users in members.items()},
        tuple(dict.fromkeys(other_authorizers(tables, snapshot))),
        kubernetes_minor(snapshot.identity.version),
        _surroundings(tables, snapshot),
        _trusted(snapshot),
        {pod: escape for pod, escape, _ in escapes},
        {pod: words for pod, _, words in escapes if words},
        _drift(snapshot, policy),
    )


def _surroundings(tables: TableSet, snapshot: Snapshot) -> Surroundings:
    labels: dict[str, dict[str, str]] = {name: {} for name in tables["namespaces"]["name"]}
    frame = tables["labels"]
    for namespace, key, value in frame[frame["kind"] == "Namespace"][["object", "key", "value"]].itertuples(
        index=False
    ):
        labels.setdefault(parse_object_id(namespace)[2], {})[key] = value
    return Surroundings(
        {name: namespace_policy(held).enforce.level for name, held in labels.items()},
        snapshot.coverage.answer(kinds.NAMESPACE).complete,
        _admission(snapshot),
    )


def _trusted(snapshot: Snapshot) -> frozenset[str]:
    if not snapshot.coverage.answer(kinds.CONFIG_MAP, "kube-system").complete:
        return TRUSTED_CONFIG
    held = {record.name for record in snapshot.records(kinds.CONFIG_MAP) if record.namespace == "kube-system"}
    return TRUSTED_CONFIG & (held | MADE_BY_THE_SERVER)


def _escapes(snapshot: Snapshot) -> list[Escape]:
    """Return the pods from which a node can be taken; those that have ended run nothing. It is found out once."""
    found: list[Escape] | None = snapshot.derived.get("pods that take their node")
    if found is None:
        found = snapshot.derived["pods that take their node"] = list(_escaping(snapshot))
    return found


def _escaping(snapshot: Snapshot) -> Iterator[Escape]:
    for record in snapshot.records(kinds.POD):
        ended = text(record.content, "status", "phase") in ENDED
        if not ended and (ways := ways_out(record.content)):
            node = text(record.content, "spec", "nodeName")
            yield record.object, (node, ways), expected_because(record.content)


def _admission(snapshot: Snapshot) -> str:
    """Return, in words, what of other admission shows or could not be looked for."""
    for kind in ADMISSION:
        if len(snapshot.records(kind)):
            return f"other admission ({kind.kind}) may refuse it"
        if not snapshot.coverage.answer(kind).complete:
            return f"other admission may refuse it: {kind.resource} were not seen"
    return ""


def _roles(roles: pd.DataFrame, rules: pd.DataFrame) -> dict[RoleId, tuple[Rule, ...]]:
    """Return the rules of every role; equal rules are one object, so that what is found of one holds for all."""
    canonical: dict[Rule, Rule] = {}
    held: dict[str, dict[int, Rule]] = {}
    columns = [rules[name].tolist() for name in ("role", "rule", "field", "value")]
    for (role, position), cells in groupby(zip(*columns, strict=True), key=itemgetter(0, 1)):
        values: dict[str, list[str]] = defaultdict(list)
        for _, _, name, value in cells:
            values[name].append(value)
        rule = Rule(*(tuple(values.get(name, ())) for name in FIELDS))
        held.setdefault(role, {})[int(position)] = canonical.setdefault(rule, rule)
    found = {}
    for role, namespace, name, size in roles[["object", "namespace", "name", "rules"]].itertuples(index=False):
        # A rule without any value has no row, and gives nothing; the others keep their places.
        mine = held.get(role, {})
        found[RoleId(namespace, name)] = tuple(mine.get(place, Rule()) for place in range(size))
    return found


def _composed(snapshot: Snapshot, roles: Mapping[RoleId, tuple[Rule, ...]]) -> dict[RoleId, tuple[Rule, ...]]:
    """Return the rules that aggregated ClusterRoles of manifests will have once a controller has written them."""
    made = [
        ClusterRole(
            record.name,
            string_map(record.content, "metadata", "labels"),
            roles[RoleId("", record.name)],
            parse_selectors(mapping(record.content, "aggregationRule") or None, record.object),
        )
        for record in snapshot.records(kinds.CLUSTER_ROLE)
    ]
    return {RoleId("", name): rules for name, rules in aggregated(made).items()}


def _drift(snapshot: Snapshot, policy: Policy) -> dict[str, Drift | None]:
    """Return how stored rules of aggregated ClusterRoles differ from what they gather; of manifests none are stored."""
    found: dict[str, Drift | None] = {}
    if "manifests" in snapshot.layout.split("+"):
        return found
    made = []
    for record in snapshot.records(kinds.CLUSTER_ROLE):
        try:
            selectors = parse_selectors(mapping(record.content, "aggregationRule") or None, record.object)
        except InputError:  # the API refuses such selectors: the rules are those that are stored
            found[record.name], selectors = None, None
        labels = string_map(record.content, "metadata", "labels")
        made.append(ClusterRole(record.name, labels, policy.roles[RoleId("", record.name)], selectors))
    for role in made:
        if differs := drift(role, made):
            found[role.name] = differs
    return found


def _bindings(bindings: pd.DataFrame, subjects: pd.DataFrame) -> Iterator[Binding]:
    named: dict[str, list[Subject]] = defaultdict(list)
    columns = [subjects[name].tolist() for name in ("binding", "subject_kind", "subject", "subject_namespace")]
    made: dict[tuple[str, str, str], Subject] = {}
    for binding, *subject in zip(*columns, strict=True):
        key = (subject[0], subject[1], subject[2])
        named[binding].append(made.setdefault(key, Subject(*key)))
    columns = [bindings[name].tolist() for name in ("object", "namespace", "name", "role")]
    refs: dict[tuple[str, str], RoleRef] = {}
    for binding, namespace, name, role in zip(*columns, strict=True):
        kind, _, role_name = parse_object_id(role)
        ref = refs.setdefault((kind, role_name), RoleRef(kind, role_name))
        yield Binding(name, namespace, ref, tuple(named.get(binding, ())))
