"""Audit events as an API server writes them, and every wrapping that services put around them."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import zstandard

from hipaa_kit.sources.audit_log import AuditLog, ingest

START = datetime(2026, 11, 20, 8, 0, 0, tzinfo=UTC)
STREAM = "kube-apiserver-audit-0a1b2c"


def moment(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def event(number: int = 0, /, **changes: Any) -> dict[str, Any]:
    """Return one event; `changes` replace fields."""
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": f"00000000-0000-0000-0000-{number:012d}",
        "stage": "ResponseComplete",
        "requestURI": f"/api/v1/namespaces/ehr/secrets/s{number}?limit=500",
        "verb": "get",
        "user": {"username": f"user{number % 5}", "groups": ["staff", "system:authenticated"]},
        "sourceIPs": ["203.0.113.9", "10.0.0.7"],
        "userAgent": "kubectl/v1.34.1",
        "objectRef": {"resource": "secrets", "namespace": "ehr", "name": f"s{number}", "apiVersion": "v1"},
        "responseStatus": {"metadata": {}, "code": 200},
        "requestReceivedTimestamp": moment(number),
        "stageTimestamp": moment(number + 0.25),
        "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "RBAC: staff"},
        **changes,
    }


def text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def jsonl(events: list[Any]) -> bytes:
    return "".join(f"{text(each)}\n" for each in events).encode()


def zst(raw: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(raw)


def analytics(found: dict[str, Any], *, nested: bool = True) -> dict[str, Any]:
    def cell(value: Any) -> Any:
        return text(value) if nested and isinstance(value, dict | list) else value

    return {
        "AuditId": found["auditID"],
        "Level": found["level"],
        "Stage": found["stage"],
        "StageReceivedTime": found["stageTimestamp"],
        "RequestReceivedTime": found["requestReceivedTimestamp"],
        "RequestUri": found["requestURI"],
        "Verb": found["verb"],
        "User": cell(found["user"]),
        "SourceIps": cell(found["sourceIPs"]),
        "UserAgent": found["userAgent"],
        "ObjectRef": cell(found["objectRef"]),
        "ResponseStatus": cell(found["responseStatus"]),
        "Annotations": cell(found["annotations"]),
        "PodName": "kube-apiserver-7f",
        "Type": "AKSAudit",
    }


def message(found: dict[str, Any], stream: str = STREAM) -> dict[str, Any]:
    return {"logStreamName": stream, "timestamp": 1, "message": text(found), "eventId": found["auditID"]}


def azure(found: dict[str, Any], category: str = "kube-audit") -> dict[str, Any]:
    properties = {"log": text(found), "pod": "kube-apiserver-7f", "stream": "stdout"}
    return {"category": category, "operationName": "x", "time": moment(0), "properties": properties}


def _s3(events: list[Any]) -> bytes:
    return gzip.compress("".join(f"{moment(0)} {text(each)}\n" for each in events).encode())


def _subscription(events: list[Any]) -> bytes:
    control = {"messageType": "CONTROL_MESSAGE", "logGroup": "g", "logStream": "", "logEvents": [{"message": "ok"}]}
    records = [control] + [
        {
            "messageType": "DATA_MESSAGE",
            "logGroup": "/aws/eks/c/cluster",
            "logStream": STREAM,
            "logEvents": [{"id": "1", "timestamp": 1, "message": text(each)}],
        }
        for each in events
    ]
    return gzip.compress("".join(map(text, records)).encode())


def _csv(events: list[Any]) -> bytes:
    rows = [analytics(each) for each in events]
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]) if rows else ["AuditId", "Verb"])
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def _tables(events: list[Any]) -> bytes:
    rows = [analytics(each) for each in events]
    names = list(rows[0]) if rows else []
    columns = [{"name": name, "type": "string"} for name in names]
    return text({"tables": [{"columns": columns, "rows": [list(row.values()) for row in rows]}]}).encode()


def event_list(events: list[Any]) -> dict[str, Any]:
    return {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": events}


def filtered(events: list[Any], **more: Any) -> dict[str, Any]:
    return {"events": [message(each) for each in events], "searchedLogStreams": [], **more}


FORMS: dict[str, Callable[[list[Any]], bytes]] = {
    "lines": jsonl,
    "lines, gzip": lambda events: gzip.compress(jsonl(events)),
    "lines, zstd": lambda events: zst(jsonl(events)),
    "lines with CR": lambda events: jsonl(events).replace(b"\n", b"\r\n"),
    "lines with a BOM": lambda events: b"\xef\xbb\xbf" + jsonl(events),
    "array": lambda events: json.dumps(events, indent=2).encode(),
    "EventList, one line": lambda events: text(event_list(events)).encode(),
    "EventList, indented": lambda events: json.dumps(event_list(events), indent=2).encode(),
    "webhook batches, one per line": lambda events: jsonl(
        [event_list(events[n : n + 3]) for n in range(0, len(events), 3)]
    ),
    "webhook batches, without line ends": lambda events: b"".join(text(event_list([each])).encode() for each in events),
    "EKS filter-log-events": lambda events: json.dumps(filtered(events), indent=4).encode(),
    "EKS filter-log-events, one line": lambda events: text(filtered(events)).encode(),
    "EKS export to S3": _s3,
    "EKS subscription": _subscription,
    "EKS messages as lines": lambda events: jsonl([message(each) for each in events]),
    "AKS PT1H.json": lambda events: jsonl([azure(each) for each in events]),
    "AKS kube-audit-admin": lambda events: jsonl([azure(each, "kube-audit-admin") for each in events]),
    "AKS Event Hub": lambda events: text({"records": [azure(each) for each in events]}).encode(),
    "AKS Log Analytics, rows": lambda events: json.dumps([analytics(each) for each in events]).encode(),
    "AKS Log Analytics, objects": lambda events: jsonl([analytics(each, nested=False) for each in events]),
    "AKS Log Analytics, query API": _tables,
    "AKS Log Analytics, CSV": _csv,
    "AKS AzureDiagnostics": lambda events: jsonl([{"Category": "kube-audit", "log_s": text(each)} for each in events]),
    "container log": lambda events: "".join(f"{moment(0)} stdout F {text(each)}\n" for each in events).encode(),
    "shipped lines": lambda events: jsonl([{"stream": "stdout", "log": text(each)} for each in events]),
}
"""How the same events come, by what brings them."""


def store(folder: Path, files: dict[str, bytes]) -> AuditLog:
    """Write files and read them into a store beside them."""
    place = folder / "logs"
    for name, raw in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(raw)
    return ingest([place], folder / "store")
