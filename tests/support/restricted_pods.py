"""Pods that meet the strictest Pod Security Standard, and what is changed about them."""

from __future__ import annotations

from typing import Any

GOOD_CONTEXT = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def pod(
    spec: dict[str, Any] | None = None, annotations: dict[str, Any] | None = None, **context: Any
) -> dict[str, Any]:
    """Return a pod that meets `restricted`, but for what is given for its spec or its container's context."""
    container = {"name": "app", "image": "app", "securityContext": GOOD_CONTEXT | context}
    made = {"containers": [container]} | (spec or {})
    return {"metadata": {"name": "p", "annotations": annotations or {}}, "spec": made}
