"""Certificates that cert-manager keeps, by what it says of them; Secrets are never read for it.

Source: https://cert-manager.io/docs/reference/api-docs/#cert-manager.io/v1.Certificate
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hipaa_kit.inventory.fields import condition, conditions, mapping, number, reference, text
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube.custom_kinds import custom
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.transit import CERTIFICATES

CERTIFICATE = custom("cert-manager.io", "Certificate")

DEFAULT_BITS = {"RSA": 2048, "ECDSA": 256}
"""Size of a key that a Certificate leaves open."""


def _of_an_older_spec(content: Mapping[str, Any]) -> bool:
    """Tell whether its condition Ready is about what it asked for before it was changed."""
    asked = number(content, "metadata", "generation")
    seen = [number(each, "observedGeneration") for each in conditions(content) if text(each, "type") == "Ready"]
    return asked is not None and any(each is not None and each < asked for each in seen)


@builds(CERTIFICATES, reads=[CERTIFICATE])
def certificates(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per Certificate."""
    for record in snapshot.records(CERTIFICATE):
        spec, status = mapping(record.content, "spec"), mapping(record.content, "status")
        issuer = mapping(spec, "issuerRef")
        kind = text(issuer, "kind", default="Issuer")
        algorithm = text(spec, "privateKey", "algorithm", default="RSA")
        yield {
            "object": record.object,
            "namespace": record.namespace,
            "secret": reference("Secret", record.namespace, text(spec, "secretName")),
            "issuer": reference(kind, record.namespace if kind == "Issuer" else "", text(issuer, "name")),
            "ready": None if _of_an_older_spec(record.content) else condition(record.content, "Ready"),
            "not_before": text(status, "notBefore"),
            "not_after": text(status, "notAfter"),
            "renewal_time": text(status, "renewalTime"),
            "algorithm": algorithm,
            "key_bits": number(spec, "privateKey", "size") or DEFAULT_BITS.get(algorithm),
        }
