"""Validating webhooks: which engine stands behind each, and whether it sees the pods of a namespace.

Source: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hipaa_kit.kube.admission.parts import (
    EVERY,
    NONE,
    SOME,
    UNKNOWN,
    Place,
    all_of,
    any_of,
    by_labels,
    by_pod_labels,
    covers_pods,
)
from hipaa_kit.kube.reading import as_maps, as_text

PREFIXES: Final = {
    "kyverno": "validate.kyverno.svc",
    "kyverno_cel": "vpol.validate.kyverno.svc",
    "gatekeeper": "validation.gatekeeper.sh",
}
"""Engines, and how the names of the webhooks begin that ask them about what is made; `kyverno_cel` takes policies of
`policies.kyverno.io`.

Sources: https://kyverno.io/docs/installation/customization/#webhooks,
https://open-policy-agent.github.io/gatekeeper/website/docs/customize-admission
"""


@dataclass(frozen=True, slots=True)
class Hook:
    """One webhook of a ValidatingWebhookConfiguration."""

    name: str
    engine: str
    ignores_errors: bool
    content: Mapping[str, Any]

    @property
    def about_pods(self) -> bool:
        """Tell whether its rules speak of pods at all."""
        return any_of(map(covers_pods, as_maps(self.content.get("rules")))) != NONE

    def reach(self, place: Place, policy: str = "") -> str:
        """Return which new pods of a namespace it sees, for one policy; conditions on requests leave that open."""
        hook = self.content
        rules = any_of(map(covers_pods, as_maps(hook.get("rules"))))
        reaches = [rules, by_labels(hook.get("namespaceSelector"), place), by_pod_labels(hook.get("objectSelector"))]
        # A webhook of Kyverno's for one policy says nothing of the others.
        another = "-finegrained-" in self.name and not (policy and self.name.endswith(f"-finegrained-{policy}"))
        narrow = bool(as_maps(hook.get("matchConditions"))) or another
        return all_of([*reaches, SOME]) if narrow else all_of(reaches)


def hooks_of(configuration: Mapping[str, Any]) -> Iterator[Hook]:
    """Yield the webhooks of a ValidatingWebhookConfiguration; a missing failurePolicy means Fail."""
    seen = set()
    for each in as_maps(configuration.get("webhooks")):
        name = as_text(each.get("name"))
        if name not in seen:
            seen.add(name)
            engine = next((engine for engine, prefix in PREFIXES.items() if name.startswith(prefix)), "")
            yield Hook(name, engine, as_text(each.get("failurePolicy"), "Fail") == "Ignore", each)


def way_to(hooks: Iterable[Hook], place: Place, *, complete: bool, policy: str = "") -> str:
    """Return how new pods of a namespace come to an engine: `refuses`, `ignores errors`, `not sent` or `unknown`.

    Parameters
    ----------
    hooks
        Webhooks of the engine.
    place
        The namespace.
    complete
        All configurations of webhooks were seen.
    policy
        The policy that is asked about, where the engine has a webhook for one alone.
    """
    reaches = {(hook.reach(place, policy), hook.ignores_errors) for hook in hooks}
    if (EVERY, False) in reaches:
        return "refuses"
    if (EVERY, True) in reaches:
        return "ignores errors"
    return UNKNOWN if not complete or any(reach != NONE for reach, _ in reaches) else "not sent"
