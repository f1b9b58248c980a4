"""Events of managed services that are not written as the API server writes them, put into its form."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

HTTP_OF_GRPC: Final = {
    0: 200, 1: 499, 2: 500, 3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400, 10: 409, 11: 400, 12: 501,
    13: 500, 14: 503, 15: 500, 16: 401,
}  # fmt: skip
"""Source: `google/rpc/code.proto` of googleapis/googleapis, which names the HTTP status of each."""

MADE: Final = 201
NEAR: Final = timedelta(seconds=5)
"""An object's moment of creation has whole seconds, and servers have their own clocks."""

ANALYTICS: Final = {
    "AuditId": "auditID",
    "Level": "level",
    "Stage": "stage",
    "StageReceivedTime": "stageTimestamp",
    "RequestReceivedTime": "requestReceivedTimestamp",
    "RequestUri": "requestURI",
    "Verb": "verb",
    "User": "user",
    "ImpersonatedUser": "impersonatedUser",
    "SourceIps": "sourceIPs",
    "UserAgent": "userAgent",
    "ObjectRef": "objectRef",
    "ResponseStatus": "responseStatus",
    "Annotations": "annotations",
    "RequestObject": "requestObject",
    "ResponseObject": "responseObject",
}
"""Columns of `AKSAudit` and `AKSAuditAdmin`: https://learn.microsoft.com/azure/azure-monitor/reference/tables/aksaudit."""
NESTED: Final = frozenset(
    "user impersonatedUser sourceIPs objectRef responseStatus annotations requestObject responseObject".split()
)
OF_NAMESPACE: Final = ("status", "finalize")


def of_analytics(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of Azure Log Analytics as an event; nested columns may be texts."""
    event: dict[str, Any] = {}
    for column, name in ANALYTICS.items():
        value = row.get(column)
        if name in NESTED and isinstance(value, str):
            with contextlib.suppress(msgspec.DecodeError, RecursionError, UnicodeEncodeError):
                value = msgspec.json.decode(value)
        if value not in (None, ""):
            event[name] = value
    return event


def of_log_entry(entry: Mapping[str, Any]) -> tuple[dict[str, Any], str] | None:
    """Return a LogEntry of Google Cloud as an event, and its cluster; None where it is not of the API server.

    Notes
    -----
    The group in `methodName` is not the API group, so that only the verb is taken of it. `status.code` is one of gRPC.
    There are neither stages, nor levels, nor groups of the user, nor the query: a dry run cannot be told by it. Nor is
    there a status of HTTP, by which alone a patch that made its object is told from one that changed it: it is taken
    for one that made it where nothing in the entry shows otherwise.
    Source: https://cloud.google.com/kubernetes-engine/docs/how-to/audit-logging
    """
    payload = entry["protoPayload"]
    if payload.get("serviceName") != "k8s.io":
        return None
    about = reference_of(_text(payload.get("resourceName")))
    method, request = _map(payload.get("requestMetadata")), payload.get("request")
    event = {
        "auditID": _text(entry.get("insertId")),
        "verb": _text(payload.get("methodName")).rpartition(".")[2],
        "user": {"username": _text(_map(payload.get("authenticationInfo")).get("principalEmail"))},
        "sourceIPs": [_text(method.get("callerIp"))] if method.get("callerIp") else [],
        "userAgent": _text(method.get("callerSuppliedUserAgent")),
        "objectRef": about,
        "requestURI": _path_of(_text(payload.get("resourceName"))),
        "responseStatus": {"code": MADE if _may_have_made(entry, payload) else _http(payload.get("status"))},
        "requestReceivedTimestamp": _text(entry.get("timestamp")),
        "annotations": _decision(entry, payload),
    }
    bodies = {"requestObject": request, "responseObject": payload.get("response")}
    event |= {name: body for name, body in bodies.items() if isinstance(body, dict)}
    labels = _map(_map(entry.get("resource")).get("labels"))
    return event, "/".join(_text(labels.get(name)) for name in ("location", "cluster_name") if labels.get(name))


def _may_have_made(entry: Mapping[str, Any], payload: Mapping[str, Any]) -> bool:
    """Tell whether a patch that went well may have made its object, as server-side apply does.

    By the answer, that is what began to be no earlier than a little before; without one, by the patch: one that applies
    an object says of which kind it is.
    Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/
    """
    if _text(payload.get("methodName")).rpartition(".")[2] != "patch" or _map(payload.get("status")).get("code", 0):
        return False
    made = _moment(_map(_map(payload.get("response")).get("metadata")).get("creationTimestamp"))
    asked = _moment(entry.get("timestamp"))
    if made and asked:
        return made >= asked - NEAR
    patch = payload.get("request")
    return patch in (None, {}) or (isinstance(patch, dict) and {"apiVersion", "kind"} <= set(patch))


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(_text(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _http(status: Any) -> int | None:
    code = _map(status).get("code", 0)
    return HTTP_OF_GRPC.get(code) if isinstance(code, int) else None


def _decision(entry: Mapping[str, Any], payload: Mapping[str, Any]) -> dict[str, str]:
    labels = _map(entry.get("labels"))
    told = {name: labels[name] for name in labels if name.startswith(("authorization.k8s.io/", "pod-security."))}
    asked = payload.get("authorizationInfo")
    if "authorization.k8s.io/decision" not in told and isinstance(asked, list) and asked:
        granted = all(_map(each).get("granted") is True for each in asked)
        told["authorization.k8s.io/decision"] = "allow" if granted else "forbid"
    return told


def reference_of(name: str) -> dict[str, str]:
    """Return the `objectRef` of a resource name such as `core/v1/namespaces/ehr/pods/db-0/exec`."""
    parts = name.split("/")
    if len(parts) < 3:
        return {}
    return reference("" if parts[0] == "core" else parts[0], parts[2:])


def reference(group: str, rest: list[str]) -> dict[str, str]:
    """Return the `objectRef` of an API group and of what stands in a path after its version."""
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        rest = rest[2:] if len(rest) > 2 and rest[2] not in OF_NAMESPACE else rest
    resource, name, subresource = (*rest, "", "", "")[:3]
    return {
        "apiGroup": group, "namespace": namespace, "resource": resource, "name": name, "subresource": subresource,
    }  # fmt: skip


def _path_of(name: str) -> str:
    group, _, rest = name.partition("/")
    return f"/api/{rest}" if group == "core" else f"/apis/{name}" if rest else f"/{name.lstrip('/')}"


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
