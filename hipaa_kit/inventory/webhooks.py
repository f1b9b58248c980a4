"""What the API server asks when objects are made or changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hipaa_kit.inventory.fields import reference
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube import kinds
from hipaa_kit.kube.admission import hooks_of
from hipaa_kit.kube.admission.targets import guards, target_of
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.admission import WEBHOOKS

CONFIGURATIONS = tuple(
    kind for kind in kinds.BUILT_IN if kind.kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
)


@builds(WEBHOOKS, reads=CONFIGURATIONS)
def webhooks(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per webhook; the API gives both kinds of configuration the same shape."""
    for kind in CONFIGURATIONS:
        for record in snapshot.records(kind):
            for hook in hooks_of(record.content):
                target = target_of(hook.content)
                yield {
                    "object": record.object,
                    "webhook": hook.name,
                    "mutates": kind.kind == "MutatingWebhookConfiguration",
                    "ignores_errors": hook.ignores_errors,
                    "service": reference("Service", target.namespace, target.name),
                    "host": target.host,
                    "outside": target.outside,
                    "guards": guards(hook.name),
                }
