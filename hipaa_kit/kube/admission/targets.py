"""Whom a webhook asks, and which webhooks are known to guard what runs.

Source: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#contacting-the-webhook
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from hipaa_kit.kube.reading import as_map, as_text

GUARDS: Final = {
    "validate.kyverno.svc": "policies of Kyverno",
    "mutate.kyverno.svc": "policies of Kyverno",
    "vpol.validate.kyverno.svc": "policies of Kyverno",
    "ivpol.": "signatures, by Kyverno",
    "validation.gatekeeper.sh": "policies of Gatekeeper",
    "policy.sigstore.dev": "signatures, by policy-controller",
    "connaisseur": "signatures, by Connaisseur",
    "imagepolicy": "images",
    "istio-validation": "configuration of the mesh",
    "validation.istio.io": "configuration of the mesh",
    "sidecar-injector.istio.io": "sidecars of the mesh",
    "linkerd-proxy-injector": "sidecars of the mesh",
    "validate.nginx.ingress.kubernetes.io": "routes into the cluster",
}
"""Security webhooks by how their names begin, and what goes unguarded where they are not asked."""


class Target(NamedTuple):
    """Whom a webhook asks: a Service, or the host of a URL."""

    namespace: str = ""
    name: str = ""
    host: str = ""

    @property
    def outside(self) -> bool:
        """Tell whether a host is neither the machine of the API server nor a Service of the cluster."""
        host = self.host.lower().rstrip(".")
        if not host or host == "localhost" or host.endswith((".svc", ".svc.cluster.local", ".localhost")):
            return False
        try:
            return not ipaddress.ip_address(host).is_loopback
        except ValueError:
            return True


def target_of(webhook: Mapping[str, Any]) -> Target:
    """Return whom a webhook asks; a URL that cannot be read counts as a host of that text."""
    client = as_map(webhook, "clientConfig")
    service = as_map(client, "service")
    if service:
        return Target(as_text(service.get("namespace")), as_text(service.get("name")))
    url = as_text(client.get("url"))
    return Target(host=host_of(url) or url)


def host_of(url: str) -> str:
    """Return the host of a URL, without user, port and brackets; "" where it has none.

    Source: https://www.rfc-editor.org/rfc/rfc3986#section-3.2
    """
    authority = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)", url)
    place = authority[1].rpartition("@")[2] if authority else ""
    bracketed = re.match(r"\[([^\]]*)\]", place)
    return (bracketed[1] if bracketed else place.partition(":")[0]).lower()


def guards(webhook: str) -> str:
    """Return what a webhook is known to enforce, by its name; "" where it is not known."""
    return next((what for start, what in GUARDS.items() if webhook.startswith(start)), "")
