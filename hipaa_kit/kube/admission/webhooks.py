"""Validating webhooks: which engine stands behind each, and whether it sees the pods of a namespace.

Source: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hipaa_kit.kube.admission.parts import (
    SOME,
    Place,
    all_of,
    any_of,
    as_map,
    as_maps,
    as_text,
    by_labels,
    by_pod_labels,
    covers_pods,
)

ENGINES: Final = {
    "kyverno": ("validate.kyverno.svc", "vpol.validate.kyverno.svc"),
    "gatekeeper": ("validation.gatekeeper.sh",),
}
"""Engines, and how the names of the webhooks begin by which they judge what is made.

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

    def reach(self, place: Place) -> str:
        """Return which new pods of a namespace it sees; conditions on requests leave that open."""
        hook = self.content
        rules = any_of(map(covers_pods, as_maps(hook.get("rules"))))
        reaches = [rules, by_labels(hook.get("namespaceSelector"), place), by_pod_labels(hook.get("objectSelector"))]
        return all_of([*reaches, SOME]) if as_maps(hook.get("matchConditions")) else all_of(reaches)


def hooks_of(configuration: Mapping[str, Any]) -> Iterator[Hook]:
    """Yield the webhooks of a ValidatingWebhookConfiguration; a missing failurePolicy means Fail."""
    seen = set()
    for each in as_maps(configuration.get("webhooks")):
        name = as_text(each.get("name"))
        if name not in seen:
            seen.add(name)
            yield Hook(name, _engine(name, each), as_text(each.get("failurePolicy"), "Fail") == "Ignore", each)


def _engine(name: str, hook: Mapping[str, Any]) -> str:
    service = as_text(as_map(hook, "clientConfig", "service").get("name"))
    for engine, starts in ENGINES.items():
        if name.startswith(starts) or (name == "" and service.startswith(engine)):
            return engine
    return ""
