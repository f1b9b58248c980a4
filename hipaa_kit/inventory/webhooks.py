"""What the API server asks when objects are made or changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from hipaa_kit.inventory.fields import items, mapping, reference, text, texts
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube import kinds
from hipaa_kit.kube.admission import hooks_of
from hipaa_kit.kube.admission.targets import guards, target_of
from hipaa_kit.sources.snapshot import Snapshot, canonical_json
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
                    "rules": "; ".join(sorted(_rule(each) for each in items(hook.content, "rules"))),
                    "namespaces": _written(hook.content, "namespaceSelector"),
                    "objects": _written(hook.content, "objectSelector"),
                    "conditions": _digest(hook.content),
                }


def _rule(rule: Mapping[str, Any]) -> str:
    """Return a rule in words; the order of a list says nothing."""
    parts = [",".join(sorted(texts(rule, key))) for key in ("operations", "apiGroups", "apiVersions", "resources")]
    operations, groups, versions, resources = parts
    return f"{operations} {groups or 'core'}/{versions} {resources} {text(rule, 'scope', default='*')}"


def _written(hook: Mapping[str, Any], key: str) -> str:
    """Return a selector as it is written; "" for one that selects everything."""
    selector = {name: value for name, value in mapping(hook, key).items() if value}
    return canonical_json(selector).decode() if selector else ""


def _digest(hook: Mapping[str, Any]) -> str:
    """Return the digest of the conditions and of how versions are matched; "" where nothing is conditional."""
    said = {"conditions": items(hook, "matchConditions"), "policy": text(hook, "matchPolicy", default="Equivalent")}
    plain = not said["conditions"] and said["policy"] == "Equivalent"
    return "" if plain else hashlib.sha256(canonical_json(said)).hexdigest()[:16]
