"""ValidatingAdmissionPolicy and its bindings: the API server judges by itself, without a webhook.

Source: https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hipaa_kit.kube.admission.parts import AUDIT, DENY, NOTHING, WARN, Part, Place, all_of, by_match_resources
from hipaa_kit.kube.reading import as_map, as_maps, as_text, as_texts


def binding_parts(policy: Mapping[str, Any], bindings: Iterable[Mapping[str, Any]], place: Place) -> Iterator[Part]:
    """Yield what each binding makes of a policy in a namespace; without a binding a policy does nothing.

    Parameters
    ----------
    policy
        A ValidatingAdmissionPolicy.
    bindings
        The ValidatingAdmissionPolicyBindings that name it.
    place
        The namespace.
    """
    spec = as_map(policy, "spec")
    own = by_match_resources(as_map(spec, "matchConstraints"), place)
    bindings = list(bindings)
    if not bindings:
        yield Part("", own, NOTHING, doubt="nothing binds it")
    for binding in bindings:
        bound = as_map(binding, "spec")
        narrower = by_match_resources(as_map(bound, "matchResources"), place, rules=False)
        yield Part(
            name=as_text(as_map(binding, "metadata").get("name")),
            reach=all_of([own, narrower]),
            action=strictest(as_texts(bound.get("validationActions"))),
            ignores_errors=as_text(spec.get("failurePolicy"), "Fail") == "Ignore",
            doubt=_doubt(spec, bound),
        )


def strictest(actions: Iterable[str]) -> str:
    """Return what a list of `Deny`, `Warn` and `Audit` does with a pod that falls short."""
    given = set(actions)
    return next((word for name, word in (("Deny", DENY), ("Warn", WARN), ("Audit", AUDIT)) if name in given), NOTHING)


def _doubt(spec: Mapping[str, Any], bound: Mapping[str, Any]) -> str:
    if as_maps(spec.get("matchConditions")):
        return "its match conditions must be read"
    if as_map(bound, "paramRef"):
        return "what it asks for stands in its parameters"
    return "its expressions must be read"
