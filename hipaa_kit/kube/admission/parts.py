"""What one part of an admission policy means for the pods of one namespace: the form that all engines share.

How far a part reaches is one of four answers: every new pod of the namespace, some of them, none, or not known.
Conditions on labels, names and users make "every" to "some": who makes a pod chooses them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hipaa_kit.kube.reading import as_maps, as_text, as_texts
from hipaa_kit.kube.selectors import SelectorError, label_selector

EVERY: Final = "every"
SOME: Final = "some"
NONE: Final = "none"
UNKNOWN: Final = "unknown"
REACHES: Final = (EVERY, SOME, NONE, UNKNOWN)

DENY: Final = "deny"
WARN: Final = "warn"
AUDIT: Final = "audit"
NOTHING: Final = "none"
ACTIONS: Final = (DENY, WARN, AUDIT, NOTHING, UNKNOWN)
"""What an engine does with a pod that falls short."""


@dataclass(frozen=True, slots=True)
class Place:
    """A namespace as policies see it: its name, and its labels where they were seen."""

    name: str
    labels: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One rule or binding of a policy, as it meets one namespace.

    Attributes
    ----------
    name
        Rule or binding within the policy; "" where the policy is one rule.
    reach
        Which new pods of the namespace it looks at.
    action
        What becomes of those that fall short.
    ignores_errors
        Where the engine cannot judge, the pod is let in.
    level, version
        Level of the Pod Security Standards that it asks for exactly; "" where its content must be read.
    doubt
        Why it may let pass more than that; "" where nothing shows.
    """

    name: str
    reach: str
    action: str
    ignores_errors: bool = False
    level: str = ""
    version: str = ""
    doubt: str = ""


def any_of(reaches: Iterable[str]) -> str:
    """Return how far several alternatives reach together."""
    return _first(reaches, (EVERY, UNKNOWN, SOME), NONE)


def all_of(reaches: Iterable[str]) -> str:
    """Return how far several conditions reach that must all hold."""
    return _first(reaches, (NONE, UNKNOWN, SOME), EVERY)


def without(reach: str, left_out: str) -> str:
    """Return how far something reaches that leaves out what another condition reaches."""
    if NONE in (reach, *([left_out] if left_out == EVERY else [])) or left_out == EVERY:
        return NONE
    if left_out == NONE:
        return reach
    return UNKNOWN if UNKNOWN in (reach, left_out) else SOME


def _first(reaches: Iterable[str], order: tuple[str, ...], otherwise: str) -> str:
    found = set(reaches)
    return next((each for each in order if each in found), otherwise)


def by_labels(selector: Any, place: Place) -> str:
    """Return whether a selector of namespaces selects one; a missing one selects all.

    Sources: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
    #matching-requests-namespaceselector. Every namespace has the label `kubernetes.io/metadata.name`.
    """
    if selector is None:
        return EVERY
    try:
        wanted = label_selector(selector)
    except SelectorError:
        return UNKNOWN
    name = {"kubernetes.io/metadata.name": place.name}
    if place.labels is not None:
        return EVERY if wanted.matches({**place.labels, **name}) else NONE
    answer = wanted.judge(name)
    return UNKNOWN if answer is None else EVERY if answer else NONE


def by_pod_labels(selector: Any) -> str:
    """Return how far a selector of pods reaches: every pod where it is missing or empty, else some."""
    if selector is None or selector == {}:
        return EVERY
    try:
        wanted = label_selector(selector)
    except SelectorError:
        return UNKNOWN
    return EVERY if wanted.everything else SOME


def covers_pods(rule: Mapping[str, Any]) -> str:
    """Return how far a rule of a webhook or policy reaches over pods that are made.

    Notes
    -----
    `*` is every resource without subresources, `pods/*` pods with theirs. Names of resources, and any other
    operation than CREATE, leave pods out.
    Source: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
    #matching-requests-rules
    """
    groups, versions = as_texts(rule.get("apiGroups")), as_texts(rule.get("apiVersions"))
    resources, operations = as_texts(rule.get("resources")), as_texts(rule.get("operations"))
    here = (
        ("" in groups or "*" in groups)
        and ("v1" in versions or "*" in versions)
        and bool({"pods", "*", "*/*", "pods/*"}.intersection(resources))
        and ("CREATE" in operations or "*" in operations)
        and as_text(rule.get("scope"), "*") in ("*", "Namespaced")
    )
    if not here:
        return NONE
    return SOME if as_texts(rule.get("resourceNames")) else EVERY


def by_match_resources(match: Mapping[str, Any], place: Place, *, rules: bool = True) -> str:
    """Return how far `matchConstraints` or `matchResources` of a policy of Kubernetes' own form reach.

    Parameters
    ----------
    match
        The field.
    place
        The namespace.
    rules
        Without resource rules it reaches no pod; a binding may leave them out.

    Notes
    -----
    Source: https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/validating-admission-policy-v1/
    """
    written = as_maps(match.get("resourceRules"))
    reach = any_of(map(covers_pods, written)) if written or rules else EVERY
    left_out = any_of(map(covers_pods, as_maps(match.get("excludeResourceRules"))))
    selected = [by_labels(match.get("namespaceSelector"), place), by_pod_labels(match.get("objectSelector"))]
    return without(all_of([reach, *selected]), left_out)
