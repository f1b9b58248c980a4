"""No secret of a body, a command or a query gets into a store, a table or a message."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from hipaa_kit.errors import KitError
from hipaa_kit.sources.audit_log import ingest
from tests.support.audit_log import FORMS, event, jsonl

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLW9mLWNhbmFyeQ"
ENCODED = base64.b64encode(b"password=canary-in-base64").decode()
CANARIES = (
    "canary-request",
    "canary-response",
    "canary-query",
    "canary-command",
    "canary-annotation",
    "canary-extra",
    "canary-patch",
    "canary-late-query",
    TOKEN,
    ENCODED,
)
SECRET = {
    "kind": "Secret",
    "metadata": {"name": "db", "annotations": {"x": "canary-annotation"}},
    "data": {"password": "canary-request"},
}
EVENTS = [
    event(
        1,
        level="RequestResponse",
        verb="create",
        requestObject=SECRET,
        responseObject={**SECRET, "data": {"p": "canary-response"}},
    ),
    event(
        2,
        verb="patch",
        level="RequestResponse",
        requestObject=[{"op": "add", "value": "canary-patch"}],
        responseObject="canary-response",
    ),
    event(3, requestURI="/api/v1/namespaces/ehr/services/web/proxy/login?password=canary-query#canary-query"),
    event(
        4,
        requestURI="/api/v1/namespaces/ehr/pods/db-0/exec?command=mysql&command=-pcanary-command",
        objectRef={"resource": "pods", "subresource": "exec", "namespace": "ehr", "name": "db-0"},
    ),
    event(
        5,
        annotations={
            "authorization.k8s.io/decision": "allow",
            "pod-security.kubernetes.io/audit-violations": "canary-annotation",
            "mutation.webhook/x": "canary-annotation",
        },
    ),
    event(6, user={"username": "ada", "groups": [], "extra": {"token": ["canary-extra"]}}),
    event(7, requestURI=f"/api/v1/namespaces/ehr/services/web/proxy/t/{TOKEN}"),
    event(8, userAgent=f"curl/8 {TOKEN}"),
    event(
        9,
        verb="create",
        requestObject={
            "kind": "Pod",
            "spec": {
                "containers": [{"env": [{"value": "canary-request"}], "args": ["canary-request"]}],
                "volumes": [{"persistentVolumeClaim": {"claimName": TOKEN}}],
            },
        },
        level="Request",
        objectRef={"resource": "pods", "namespace": "ehr"},
    ),
    event(10, objectRef={"resource": "secrets", "namespace": "ehr", "name": TOKEN}),
    event(11, impersonatedUser={"username": "ada", "groups": ["staff", TOKEN]}),
    event(12, user={"username": "ada", "groups": [TOKEN]}, sourceIPs=[TOKEN]),
    event(13, requestURI=f"/apis/{TOKEN}/v1/x", objectRef={"resource": "x", "apiGroup": TOKEN, "apiVersion": "v1"}),
    event(14, userAgent=f"curl/8 {ENCODED}"),
    event(15, requestURI="/api/v1/namespaces/ehr/services/web/proxy/x%3Ftoken=canary-late-query"),
    event(16, level=TOKEN),
    event(17, user={"username": f"ada {TOKEN}", "groups": ["staff"]}),
]
DAMAGED = json.dumps(EVENTS[0]).encode()[:-30] + b"canary-request\n"


def everything(folder: Path) -> bytes:
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


@pytest.mark.parametrize("form", [name for name in FORMS if "Log Analytics" not in name])
def test_no_canary_gets_into_the_store(form: str, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(FORMS[form](EVENTS) + (DAMAGED if form == "lines" else b""))
    log = ingest([tmp_path / "log"], tmp_path / "store")
    assert log.events == len(EVENTS)
    shown = log.query("SELECT * FROM audit_events").to_csv() + log.sources().to_csv() + json.dumps(log.manifest)
    for part in sorted((log.folder / "parts").iterdir()):
        shown += log.query(f"SELECT * FROM read_parquet('{part}')").to_csv()
    for canary in CANARIES:
        assert canary not in shown
        assert canary.encode() not in everything(log.folder)


def test_what_was_taken_out_is_counted(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(jsonl(EVENTS))
    log = ingest([tmp_path / "log"], tmp_path / "store")
    found = log.query("SELECT audit_id, leaks FROM audit_events WHERE len(leaks) > 0 ORDER BY audit_id")
    words = [["json_web_token"]] * 6 + [["base64_password"], ["json_web_token"], ["json_web_token"]]
    assert [list(each) for each in found["leaks"]] == words
    assert log.sources()["leaks"].tolist() == [9]
    held = log.query("SELECT audit_id FROM audit_events WHERE holds_values ORDER BY 1")["audit_id"].tolist()
    assert held == [event(1)["auditID"], event(2)["auditID"]]


def test_no_message_shows_what_a_line_holds(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(DAMAGED)
    with pytest.raises(KitError) as error:
        ingest([tmp_path / "log"], tmp_path / "store")
    assert "canary" not in str(error.value)
    assert b"canary" not in everything(tmp_path / "store")


def test_nothing_of_a_body_is_spilled_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "log").write_bytes(jsonl(EVENTS))
    ingest([tmp_path / "log"], tmp_path / "store")
    assert not any(path.is_file() for path in (tmp_path / "tmp").rglob("*"))


PATH = "/api/v1/namespaces/ehr/services/web/proxy/mrn/{}"


def test_the_key_of_an_event_tells_nothing_of_what_was_removed(tmp_path: Path) -> None:
    """Whoever holds a store cannot try out numbers of patients until one gives the key that is there."""
    keys = set()
    for number, secret in enumerate((TOKEN, TOKEN[:-4] + "aaaa")):
        (tmp_path / f"log{number}").write_bytes(jsonl([event(1, requestURI=PATH.format(secret))]))
        log = ingest([tmp_path / f"log{number}"], tmp_path / f"store{number}")
        (part,) = (log.folder / "parts").iterdir()
        keys.add(log.query(f"SELECT key, path FROM read_parquet('{part}')").to_csv())
    assert len(keys) == 1
    assert "<removed>" in keys.pop()


@pytest.mark.parametrize(
    ("other", "left"),
    [
        ({}, 1),
        ({"userAgent": "curl/8"}, 2),
        ({"objectRef": {"resource": "services", "subresource": "proxy", "namespace": "lab", "name": "web"}}, 2),
        ({"stageTimestamp": "2026-11-17T10:00:09.000001Z"}, 2),
    ],
)
def test_events_of_which_something_was_removed_are_copies_where_all_else_is_equal(
    tmp_path: Path, other: dict[str, object], left: int
) -> None:
    about = {"resource": "services", "subresource": "proxy", "namespace": "ehr", "name": "web"}
    first = event(1, requestURI=PATH.format(TOKEN), objectRef=about)
    (tmp_path / "log").write_bytes(jsonl([first, {**first, **other}]))
    assert ingest([tmp_path / "log"], tmp_path / "store").events == left
