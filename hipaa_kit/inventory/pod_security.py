"""What pods are allowed to do on their node, the tokens they carry, and who guards the ways in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import pandas as pd

from hipaa_kit.inventory.fields import items, number, string_map, text
from hipaa_kit.inventory.pods import POD_KINDS, PodView, pod_views
from hipaa_kit.inventory.registry import builds
from hipaa_kit.inventory.repeated import pod_rows
from hipaa_kit.kube import kinds
from hipaa_kit.kube.pod_security import RESTRICTED, PodSecurityError, violations
from hipaa_kit.kube.versions import kubernetes_minor
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.admission import ENTRY_GUARDS, POD_SECURITY, TOKEN_VOLUMES

AUTOMATIC = re.compile(r"kube-api-access-[a-z0-9]{5}")

GUARDS = {
    "nginx.ingress.kubernetes.io/auth-url": True,
    "nginx.ingress.kubernetes.io/auth-type": True,
    "nginx.ingress.kubernetes.io/auth-tls-secret": True,
    "alb.ingress.kubernetes.io/auth-type": True,
    "traefik.ingress.kubernetes.io/router.middlewares": False,
    "haproxy.org/auth-type": True,
    "haproxy-ingress.github.io/auth-type": True,
    "haproxy-ingress.github.io/auth-url": True,
}
"""Annotations by which a controller asks for credentials, and whether they do so by themselves.

Sources: https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#authentication,
https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/#authentication,
https://doc.traefik.io/traefik/reference/routing-configuration/kubernetes/ingress/,
https://www.haproxy.com/documentation/kubernetes-ingress/community/configuration-reference/ingress/
"""


@builds(POD_SECURITY, reads=POD_KINDS)
def pod_security(snapshot: Snapshot) -> pd.DataFrame:
    """Return a row per control of the restricted level that a pod does not meet."""
    return pod_rows(POD_SECURITY, snapshot, partial(_missed, minor=kubernetes_minor(snapshot.identity.version)))


def _missed(pod: PodView, minor: int | None) -> Iterator[dict[str, Any]]:
    try:
        missed = violations(pod.content, RESTRICTED, server_minor=minor)
    except PodSecurityError as error:
        yield {"pod": pod.object, "control": "unreadable", "reason": f"{error.what}"}
        return
    for each in missed:
        yield {
            "pod": pod.object,
            "control": each.check,
            "level": each.level,
            "reason": each.reason,
            "paths": " ".join(each.paths),
        }


@builds(TOKEN_VOLUMES, reads=POD_KINDS)
def token_volumes(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per projected volume with a token, pod by pod: names of volumes are read, and differ by pod.

    Source: https://kubernetes.io/docs/concepts/storage/projected-volumes/#serviceaccounttoken
    """
    for pod in pod_views(snapshot):
        rows = {}
        for volume in items(pod.spec, "volumes"):
            tokens = [each["serviceAccountToken"] for each in items(volume, "projected", "sources") if _token(each)]
            name = text(volume, "name")
            # Of several tokens in a volume the one for the API server is the one that counts.
            for token in sorted(tokens, key=lambda each: text(each, "audience"))[:1]:
                rows[name] = {
                    "pod": pod.object,
                    "volume": name,
                    "audience": text(token, "audience"),
                    "expiration_seconds": number(token, "expirationSeconds") or 3600,
                    "automatic": AUTOMATIC.fullmatch(name) is not None,
                }
        yield from rows.values()


def _token(source: Any) -> bool:
    return isinstance(source.get("serviceAccountToken"), Mapping)


@builds(ENTRY_GUARDS, reads=[kinds.INGRESS])
def entry_guards(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per annotation of an Ingress by which it asks for credentials."""
    for record in snapshot.records(kinds.INGRESS):
        notes = string_map(record.content, "metadata", "annotations")
        for key, certain in GUARDS.items():
            if notes.get(key, "").strip() not in ("", "none"):
                yield {"entry": record.object, "signal": key, "certain": certain}
