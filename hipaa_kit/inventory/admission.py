"""What is refused when pods are made, namespace by namespace: Pod Security admission and the admission engines.

`pod_admission` stands on the labels of namespaces: what it says of engines is what was read of them, and whether all
was read is for those to ask who conclude from an absence (`ENGINE_KINDS`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from hipaa_kit.inventory.fields import string_map, text
from hipaa_kit.inventory.pods import POD_KINDS
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube import kinds
from hipaa_kit.kube.admission import (
    DENY,
    Exceptions,
    Hook,
    Part,
    Place,
    binding_parts,
    cluster_policy_parts,
    constraint_part,
    exempt_by_config,
    hooks_of,
    read_exceptions,
    validating_policy_parts,
    way_to,
)
from hipaa_kit.kube.admission.gatekeeper import POD_SECURITY_KINDS
from hipaa_kit.kube.admission.parts import EVERY, NONE, UNKNOWN
from hipaa_kit.kube.custom_kinds import custom
from hipaa_kit.kube.facts import NAMESPACE_FILTERS, POD_SECURITY_FIELDS
from hipaa_kit.kube.owners import object_id
from hipaa_kit.kube.pod_security import LEVELS, UNCONFIGURED, LevelVersion, Policy, in_force, namespace_policy
from hipaa_kit.kube.versions import kubernetes_minor
from hipaa_kit.sources.snapshot import Record, Snapshot
from hipaa_kit.tables.admission import ADMISSION_RULES, ADMISSION_WEBHOOKS, POD_ADMISSION

KYVERNO = "kyverno.io"
KYVERNO_POLICIES = "policies.kyverno.io"
CONSTRAINTS = "constraints.gatekeeper.sh"
TEMPLATES = "templates.gatekeeper.sh"
CONFIG = "config.gatekeeper.sh"
BUILT_IN = tuple(
    kind
    for kind in kinds.BUILT_IN
    if kind.kind in ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration")
)
POLICY, BINDING, WEBHOOKS = BUILT_IN
ENGINE_KINDS = (
    *BUILT_IN,
    custom(KYVERNO, "ClusterPolicy"),
    custom(KYVERNO, "Policy"),
    custom(KYVERNO, "PolicyException"),
    custom(KYVERNO_POLICIES, "ValidatingPolicy"),
    custom(KYVERNO_POLICIES, "NamespacedValidatingPolicy"),
    custom(KYVERNO_POLICIES, "PolicyException"),
    custom(TEMPLATES, "ConstraintTemplate"),
    custom(CONFIG, "Config"),
)
"""Kinds that say what engines refuse; those of constraints are made by templates, in the group `CONSTRAINTS`."""

MANAGED = re.compile(r"-(?:eks|gke)[-.]")
"""Versions of servers that nobody but the provider configures, and that enforce nothing of their own.

Sources: https://docs.aws.amazon.com/eks/latest/best-practices/pod-security.html,
https://cloud.google.com/kubernetes-engine/docs/how-to/podsecurityadmission
"""

FIRST_MINOR = 23
"""Minor version of the first server that has Pod Security admission on by default.

Source: https://kubernetes.io/docs/concepts/security/pod-security-admission/
"""


@dataclass
class Engines:
    """Policies, exceptions and webhooks of every admission engine in a snapshot."""

    snapshot: Snapshot
    hooks: list[tuple[str, Hook]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Read what all policies share."""
        self.exceptions: Exceptions = read_exceptions(
            record.content for group in (KYVERNO, KYVERNO_POLICIES) for record in self.of(group, "PolicyException")
        )
        self.configs = [record.content for record in self.of(CONFIG, "Config")]
        self.templates = {
            text(record.content, "spec", "crd", "spec", "names", "kind"): _fields(record)
            for record in self.of(TEMPLATES, "ConstraintTemplate")
        }
        self.hooks = [
            (record.object, hook)
            for record in self.snapshot.records(WEBHOOKS)
            for hook in hooks_of(record.content)
            if hook.engine
        ]
        self.bindings: dict[str, list[Mapping[str, Any]]] = {}
        for record in self.snapshot.records(BINDING):
            self.bindings.setdefault(text(record.content, "spec", "policyName"), []).append(record.content)
        self.filters = self._filters()

    def rules(self, place: Place) -> Iterator[dict[str, Any]]:
        """Yield rows of `admission_rules` for one namespace."""
        for kind in ("ClusterPolicy", "Policy"):
            for record in self.of(KYVERNO, kind):
                parts = cluster_policy_parts(record.content, place, self.exceptions)
                yield from self._rows("kyverno", record, _fields(record), parts, place)
        for kind in ("ValidatingPolicy", "NamespacedValidatingPolicy"):
            for record in self.of(KYVERNO_POLICIES, kind):
                parts = validating_policy_parts(record.content, place, self.exceptions)
                yield from self._rows("kyverno_cel", record, _fields(record), parts, place)
        for group, kind in self.snapshot.kinds():
            for record in self.of(group, kind) if group == CONSTRAINTS else ():
                published = ["privileged"] if kind.startswith(POD_SECURITY_KINDS) else []
                fields = self.templates.get(kind) or published
                yield from self._rows("gatekeeper", record, fields, [constraint_part(record.content, place)], place)
        for record in self.snapshot.records(POLICY):
            parts = binding_parts(record.content, self.bindings.get(record.name, ()), place)
            yield from self._rows("validating_admission_policy", record, _fields(record), parts, place)

    def _rows(
        self, engine: str, record: Record, fields: list[str], parts: Iterable[Part], place: Place
    ) -> Iterator[dict[str, Any]]:
        rows = {}
        for part in parts:
            if part.reach == NONE or not (fields or part.level):
                continue
            way, doubt = self._way(engine, place)
            doubt = part.doubt or doubt
            closed = way in ("refuses", "in the server") and not part.ignores_errors
            rows[part.name] = {
                "policy": record.object,
                "part": part.name,
                "namespace": place.name,
                "engine": engine,
                "reach": part.reach,
                "action": part.action,
                "ignores_errors": part.ignores_errors,
                "way": way,
                "level": part.level,
                "version": part.version,
                "fields": " ".join(fields),
                "doubt": doubt,
                "refuses": bool(part.level and closed and not doubt) and (part.reach, part.action) == (EVERY, DENY),
            }
        yield from rows.values()

    def _way(self, engine: str, place: Place) -> tuple[str, str]:
        """Return how pods of a namespace come to an engine, and what of that was not seen."""
        if engine == "validating_admission_policy":
            return "in the server", ""
        if engine == "gatekeeper" and exempt_by_config(self.configs, place):
            return "not sent", ""
        mine = (hook for _, hook in self.hooks if hook.engine == engine)
        sent = way_to(mine, place, complete=self.snapshot.coverage.answer(WEBHOOKS).complete)
        if engine == "gatekeeper" or sent == "not sent":
            return sent, ""
        filtered = self.keeps_away(place)
        if filtered is None:
            return sent, "the filters in Kyverno's ConfigMap were not seen"
        return ("not sent", "") if filtered else (sent, "")

    def keeps_away(self, place: Place) -> bool | None:
        """Tell whether Kyverno's own filters keep it from a namespace; None where they were not seen."""
        return None if self.filters is None else any(_globs(each, place.name) for each in self.filters)

    def of(self, group: str, kind: str) -> Iterable[Record]:
        """Return the objects of a kind that may not be there at all."""
        part = self.snapshot.parts.get((group, kind))
        return part.load() if part else ()

    def _filters(self) -> list[str] | None:
        """Return the namespaces that Kyverno's ConfigMap keeps it away from; None where no such map was read."""
        found = [
            record.facts[NAMESPACE_FILTERS]
            for record in self.snapshot.records(kinds.CONFIG_MAP)
            if NAMESPACE_FILTERS in record.facts
        ]
        return sorted({name for names in found for name in names}) if found else None


def _fields(record: Record) -> list[str]:
    return list(record.facts.get(POD_SECURITY_FIELDS, ()))


def _globs(pattern: str, name: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), name) is not None


def _places(snapshot: Snapshot, pods: pd.DataFrame) -> list[Place]:
    """Return every namespace that was seen, or has pods."""
    labels = {
        record.name: string_map(record.content, "metadata", "labels") for record in snapshot.records(kinds.NAMESPACE)
    }
    return [Place(name, labels.get(name)) for name in sorted({*labels, *pods["namespace"]})]


@builds(
    ADMISSION_RULES,
    reads=[*ENGINE_KINDS, kinds.NAMESPACE],
    also=[kinds.CONFIG_MAP],
    facts=[NAMESPACE_FILTERS, POD_SECURITY_FIELDS],
)
def admission_rules(snapshot: Snapshot, pods: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield a row per rule about the security of pods and namespace that it reaches."""
    engines = Engines(snapshot)
    for place in _places(snapshot, pods):
        yield from engines.rules(place)


@builds(ADMISSION_WEBHOOKS, reads=[WEBHOOKS, kinds.NAMESPACE], also=[*ENGINE_KINDS, kinds.CONFIG_MAP])
def admission_webhooks(snapshot: Snapshot, pods: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield a row per webhook of a known engine that is asked about pods of any namespace."""
    places = _places(snapshot, pods)
    for name, hook in Engines(snapshot).hooks:
        sees = [place.name for place in places if hook.reach(place) == EVERY]
        if hook.about_pods:
            yield {
                "object": name,
                "webhook": hook.name,
                "engine": hook.engine,
                "ignores_errors": hook.ignores_errors,
                "sees": " ".join(sees),
                "misses": " ".join(place.name for place in places if place.name not in sees),
            }


@dataclass(frozen=True)
class Configuration:
    """What the API servers do where a namespace says nothing, and whom they leave out."""

    state: str
    off: bool = False
    defaults: Policy = UNCONFIGURED
    namespaces: frozenset[str] = frozenset()
    others: tuple[str, ...] = ()


@builds(
    POD_ADMISSION,
    reads=[kinds.NAMESPACE, *POD_KINDS],
    also=[*ENGINE_KINDS, kinds.CONFIG_MAP],
    optional=["admission_plugins", "pod_security_defaults", "pod_security_exemptions"],
    facts=[NAMESPACE_FILTERS, POD_SECURITY_FIELDS],
)
def pod_admission(
    snapshot: Snapshot,
    pods: pd.DataFrame,
    control_plane_members: pd.DataFrame,
    control_plane_flags: pd.DataFrame,
    admission_plugins: pd.DataFrame,
    pod_security_defaults: pd.DataFrame,
    pod_security_exemptions: pd.DataFrame,
) -> Iterator[dict[str, Any]]:
    """Yield a row per namespace; of the engines, what was read of them says nothing of what was not."""
    version = snapshot.identity.version
    minor = kubernetes_minor(version)
    state, off = _servers(control_plane_members, control_plane_flags, version, minor)
    given = len(admission_plugins) + len(pod_security_defaults) > 0
    configuration = _configuration(state, off, given, admission_plugins, pod_security_defaults, pod_security_exemptions)
    engines = Engines(snapshot)
    for place in _places(snapshot, pods):
        yield _namespace(place, configuration, minor) | _engines(list(engines.rules(place)))


def _servers(members: pd.DataFrame, flags: pd.DataFrame, version: str, minor: int | None) -> tuple[str, bool]:
    """Return whether API servers can have settings of Pod Security, and whether one has it off.

    Source: https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/
    """
    servers = members[members["component"] == "kube-apiserver"]
    mine = flags[flags["component"] == "kube-apiserver"]
    off = minor is not None and minor < FIRST_MINOR
    off |= bool(mine[mine["name"] == "disable-admission-plugins"]["value"].str.contains(r"\bPodSecurity\b").any())
    off |= bool(mine[mine["name"] == "feature-gates"]["value"].str.contains(r"\bPodSecurity=false\b").any())
    if (mine["name"] == "admission-control-config-file").any():
        return "given", off
    if (len(servers) and servers["flags_read"].all()) or MANAGED.search(version):
        return "none", off
    return "unknown", off


def _configuration(
    state: str, off: bool, given: bool, plugins: pd.DataFrame, defaults: pd.DataFrame, exemptions: pd.DataFrame
) -> Configuration:
    if state == "none":
        return Configuration("none", off)
    elsewhere = (plugins["name"].eq("PodSecurity") & plugins["path"].ne("")).any() and defaults.empty
    if not given or elsewhere:
        return Configuration("unknown", off)
    spared = exemptions[exemptions["field"] == "namespaces"]["value"]
    others = exemptions[exemptions["field"] != "namespaces"]["value"]
    weakest = {mode: _weakest(defaults[defaults["mode"] == mode]) for mode in ("enforce", "audit", "warn")}
    return Configuration("given", off, Policy(**weakest), frozenset(spared), tuple(sorted(set(others))))


def _weakest(rows: pd.DataFrame) -> LevelVersion:
    """Return the default of the server that asks for least: requests go to any of them."""
    found = zip(rows["level"], rows["version"], strict=True)
    return min((LevelVersion(*each) for each in found), key=lambda each: LEVELS.index(each.level), default=_NOTHING)


_NOTHING = UNCONFIGURED.enforce


def _namespace(place: Place, configuration: Configuration, minor: int | None) -> dict[str, Any]:
    """Return what Pod Security does in one namespace."""
    row: dict[str, Any] = {
        "object": object_id("Namespace", "", place.name),
        "name": place.name,
        "seen": place.labels is not None,
        "configuration": configuration.state,
        "exempt": " ".join(configuration.others),
        "basis": "unknown",
    }
    if configuration.off:
        return row | {"enforce": "privileged", "basis": "off"}
    if place.name in configuration.namespaces:
        return row | {"enforce": "privileged", "basis": "exempt"}
    if place.labels is None:
        return row
    policy = namespace_policy(place.labels, configuration.defaults)
    labelled = "pod-security.kubernetes.io/enforce" in place.labels
    row |= {"warn": policy.warn.level, "audit": policy.audit.level, "errors": " ".join(policy.errors)}
    if not labelled and configuration.state == "unknown":
        return row
    level, version = policy.enforce.level, policy.enforce.version
    newest = {each.id for each in in_force(level, server_minor=minor)}
    held = {each.id for each in in_force(level, version, server_minor=minor)}
    return row | {
        "enforce": level,
        "enforce_version": version,
        "basis": "label" if labelled else "default",
        "lacks": " ".join(sorted(newest - held)),
    }


def _engines(rules: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the engines refuse in one namespace: exactly, and what must be read."""
    exact = [rule for rule in rules if rule["refuses"]]
    level = max((rule["level"] for rule in exact), key=LEVELS.index, default="")
    read = [
        rule
        for rule in rules
        if rule["action"] in (DENY, UNKNOWN) and rule["way"] != "not sent" and not (rule["refuses"])
    ]
    return {
        "engine_level": level,
        "engine_policies": " ".join(sorted({rule["policy"] for rule in exact if rule["level"] == level})),
        "read": " ".join(sorted({rule["policy"] for rule in read})),
        "read_fields": " ".join(sorted({name for rule in read for name in _spoken(rule)})),
    }


def _spoken(rule: Mapping[str, Any]) -> list[str]:
    """Return the fields a rule may ask about: all of them where it asks for a level of the standards."""
    return list(SECURITY_OF_LEVELS) if rule["level"] not in ("", "privileged") else str(rule["fields"]).split()


SECURITY_OF_LEVELS = ("hostIPC", "hostNetwork", "hostPID", "hostPath", "privileged")
"""Fields that a policy must speak of to be worth `baseline`: each of them alone gives a pod its node."""


def mitigations(pod_admission: pd.DataFrame, namespace: str) -> tuple[str, ...]:
    """Return, in words, what stands in the way of a pod that would take its node.

    Parameters
    ----------
    pod_admission
        Table of that name.
    namespace
        Namespace in which the pod would be made.

    Returns
    -------
    tuple of str
        Certain ones first: the level of Pod Security, then levels that engines enforce, then policies that must be
        read. None at all means that nothing was seen, not that nothing is there.
    """
    rows = pod_admission[pod_admission["name"] == namespace]
    said: list[str] = []
    for enforce, basis, level, policies, read in rows[
        ["enforce", "basis", "engine_level", "engine_policies", "read"]
    ].itertuples(index=False):
        if enforce in ("baseline", "restricted"):
            said.append(f"Pod Security enforces {enforce}, by {basis}")
        if level in ("baseline", "restricted"):
            said.append(f"{policies} enforces {level}")
        said += [f"{policy} may refuse it: it must be read" for policy in read.split()]
    return tuple(said)
