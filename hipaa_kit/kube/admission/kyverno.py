"""Kyverno: policies of both of its API groups, and exceptions from them.

Sources: https://kyverno.io/docs/policy-types/cluster-policy/validate/ (actions, `podSecurity`),
https://kyverno.io/docs/policy-types/cluster-policy/match-exclude/, https://kyverno.io/docs/guides/exceptions/,
https://kyverno.io/docs/policy-types/validating-policy/, and `GetValidationFailureAction` of Kyverno's `pkg/engine/api`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hipaa_kit.kube.admission.parts import (
    AUDIT,
    DENY,
    EVERY,
    NONE,
    SOME,
    UNKNOWN,
    Part,
    Place,
    all_of,
    any_of,
    by_labels,
    by_match_resources,
    by_pod_labels,
    without,
)
from hipaa_kit.kube.admission.validating import strictest
from hipaa_kit.kube.facts import names_pods
from hipaa_kit.kube.pod_security import LEVELS
from hipaa_kit.kube.reading import as_map, as_maps, as_text, as_texts

_PATTERN: Final = re.compile(r"[\w.*?-]*", re.ASCII)
_SUBJECTS: Final = ("subjects", "roles", "clusterRoles")


@dataclass(frozen=True)
class Exceptions:
    """All PolicyExceptions that were seen, of both API groups."""

    named: tuple[tuple[str, tuple[str, ...], Mapping[str, Any]], ...] = ()

    def spares(self, policy: str, rule: str, place: Place) -> bool:
        """Tell whether an exception may let pods of a namespace past a rule.

        Parameters
        ----------
        policy
            Name of the policy, with `namespace/` before it where it has one.
        rule
            Name of the rule.
        place
            The namespace.
        """
        return any(
            fits(name, policy) is not False
            and any(fits(each, rule) is not False for each in rules)
            and _filters(match, place, "match") != NONE
            for name, rules, match in self.named
        )


def read_exceptions(objects: Iterable[Mapping[str, Any]]) -> Exceptions:
    """Return the exceptions that PolicyException objects make."""
    found = []
    for each in objects:
        spec = as_map(each, "spec")
        for entry in as_maps(spec.get("exceptions")):
            rules = tuple(as_texts(entry.get("ruleNames"))) or ("*",)
            found.append((as_text(entry.get("policyName")), rules, as_map(spec, "match")))
        # Those of the newer group say by expressions whom they spare.
        found += [(as_text(entry.get("name")), ("*",), {}) for entry in as_maps(spec.get("policyRefs"))]
    return Exceptions(tuple(found))


def fits(pattern: str, name: str) -> bool | None:
    """Tell whether a name fits a pattern of `*` and `?`; None where the pattern is none."""
    if _PATTERN.fullmatch(pattern) is None:
        return True if pattern == name else None
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), name) is not None


def cluster_policy_parts(policy: Mapping[str, Any], place: Place, exceptions: Exceptions) -> Iterator[Part]:
    """Yield what each validating rule of a ClusterPolicy or Policy of `kyverno.io` does in a namespace.

    Parameters
    ----------
    policy
        The policy; one that has a namespace reaches no other.
    place
        The namespace.
    exceptions
        What is spared.

    Notes
    -----
    The action is one for the whole policy: overrides that name the namespace, then that of the rules, then that of
    the policy, then audit. Where rules of one policy differ, versions of Kyverno do too, and it is not known.
    """
    spec, metadata = as_map(policy, "spec"), as_map(policy, "metadata")
    rules = [rule for rule in as_maps(spec.get("rules")) if as_map(rule, "validate")]
    key = policy_key(metadata)
    action = enforced_action(spec, [as_map(rule, "validate") for rule in rules], place)
    for rule in rules:
        name = as_text(rule.get("name"))
        reach = rule_reach(policy, rule, place)
        level, version, doubt = _content(rule)
        if exceptions.spares(key, name, place):
            doubt = "a PolicyException may let pods past it"
        yield Part(name, reach, action, ignores_errors(spec), level, version, doubt)


def validating_policy_parts(policy: Mapping[str, Any], place: Place, exceptions: Exceptions) -> Iterator[Part]:
    """Yield what a ValidatingPolicy, or a NamespacedValidatingPolicy, of `policies.kyverno.io` does in a namespace."""
    spec, metadata = as_map(policy, "spec"), as_map(policy, "metadata")
    own, name = as_text(metadata.get("namespace")), as_text(metadata.get("name"))
    reach = by_match_resources(as_map(spec, "matchConstraints"), place) if own in ("", place.name) else NONE
    evaluation = as_map(spec, "evaluation")
    if as_map(evaluation, "admission").get("enabled") is False or as_text(evaluation.get("mode")) not in (
        "",
        "Kubernetes",
    ):
        reach = NONE
    if as_maps(spec.get("matchConditions")):
        reach = all_of([reach, SOME])
    spared = exceptions.spares(name, "", place)
    written = as_texts(spec.get("validationActions"))
    yield Part(
        name="",
        reach=reach,
        action=strictest(written) if written else UNKNOWN,
        ignores_errors=as_text(spec.get("failurePolicy"), "Fail") == "Ignore",
        doubt="a PolicyException may let pods past it" if spared else "its expressions must be read",
    )


def policy_key(metadata: Mapping[str, Any]) -> str:
    """Return the name by which exceptions name a policy."""
    own, name = as_text(metadata.get("namespace")), as_text(metadata.get("name"))
    return f"{own}/{name}" if own else name


def ignores_errors(spec: Mapping[str, Any]) -> bool:
    """Tell whether a ClusterPolicy or Policy lets pods in where it cannot be judged."""
    newer = as_text(as_map(spec, "webhookConfiguration").get("failurePolicy"))
    return (newer or as_text(spec.get("failurePolicy"), "Fail")) == "Ignore"


def enforced_action(spec: Mapping[str, Any], checks: list[Mapping[str, Any]], place: Place) -> str:
    """Return what a policy does with pods that fall short, by its own action and those of what it checks."""
    overrides = [each for check in checks for each in as_maps(check.get("failureActionOverrides"))]
    overrides += as_maps(spec.get("validationFailureActionOverrides"))
    for each in overrides:
        here = _override(each, place)
        if here == UNKNOWN:
            return UNKNOWN
        if here == EVERY:
            return _word(as_text(each.get("action")))
    general = as_text(spec.get("validationFailureAction"))
    own = {_word(as_text(check.get("failureAction")) or general) for check in checks}
    return own.pop() if len(own) == 1 else UNKNOWN


def _override(entry: Mapping[str, Any], place: Place) -> str:
    if as_text(entry.get("action")).lower() not in ("enforce", "audit"):
        return NONE
    names, selector = as_texts(entry.get("namespaces")), entry.get("namespaceSelector")
    if not names:
        return by_labels(selector, place) if selector is not None else NONE
    return all_of([_named(names, place.name), by_labels(selector, place)])


def _word(action: str) -> str:
    return DENY if action.lower() == "enforce" else AUDIT


def _content(rule: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return level, version and doubt of what a rule asks for."""
    check = as_map(rule, "validate")
    asked = as_map(check, "podSecurity")
    level = as_text(asked.get("level"))
    if level not in LEVELS:
        return "", "", "its patterns or expressions must be read"
    version = as_text(asked.get("version"), "latest")
    if rule.get("preconditions") or rule.get("celPreconditions"):
        return level, version, "its preconditions must be read"
    left_out = bool(asked.get("exclude"))
    return level, version, f"it leaves out controls of the level {level}" if left_out else ""


def rule_reach(policy: Mapping[str, Any], rule: Mapping[str, Any], place: Place) -> str:
    """Return how far a rule of a ClusterPolicy or Policy reaches over the new pods of a namespace."""
    spec, own = as_map(policy, "spec"), as_text(as_map(policy, "metadata").get("namespace"))
    if own not in ("", place.name) or spec.get("admission") is False:
        return NONE
    matched, left_out = as_map(rule, "match"), as_map(rule, "exclude")
    reach = without(_filters(matched, place, "match"), _filters(left_out, place, "exclude"))
    return all_of([reach, SOME]) if as_maps(as_map(spec, "webhookConfiguration").get("matchConditions")) else reach


def _filters(block: Mapping[str, Any], place: Place, use: str) -> str:
    """Return how far `match` or `exclude` reaches over the pods of a namespace."""
    if not block:
        return NONE if use == "exclude" else SOME
    if several := as_maps(block.get("any")):
        return any_of(_filter(each, place, lone=use == "match") for each in several)
    if several := as_maps(block.get("all")):
        return all_of(_filter(each, place, lone=False) for each in several)
    return _filter(block, place, lone=use == "match")


def _filter(entry: Mapping[str, Any], place: Place, *, lone: bool) -> str:
    """Return how far one filter reaches; `lone`: nothing beside it says which kinds are meant."""
    resources = as_map(entry, "resources")
    kinds, names = as_texts(resources.get("kinds")), as_texts(resources.get("names"))
    names += [name] if (name := as_text(resources.get("name"))) else []
    spaces, operations = as_texts(resources.get("namespaces")), as_texts(resources.get("operations"))
    reaches = [by_labels(resources.get("namespaceSelector"), place), by_pod_labels(resources.get("selector"))]
    if kinds:
        reaches.append(EVERY if any(map(names_pods, kinds)) else NONE)
    elif lone:
        reaches.append(UNKNOWN)
    if spaces:
        reaches.append(_named(spaces, place.name))
    if operations and "CREATE" not in operations:
        reaches.append(NONE)
    if (names and "*" not in names) or as_map(resources, "annotations") or any(entry.get(each) for each in _SUBJECTS):
        reaches.append(SOME)
    return all_of(reaches)


def _named(patterns: list[str], name: str) -> str:
    answers = {fits(each, name) for each in patterns}
    return EVERY if True in answers else UNKNOWN if None in answers else NONE
