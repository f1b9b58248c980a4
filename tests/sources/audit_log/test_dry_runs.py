"""What is kept of a dry run: that it was one, where the server heeds what was asked, and nothing else of the query.

What a real server heeds is in `tests/live/test_dry_runs.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hipaa_kit.sources.audit_log import ingest
from tests.support.audit_log import event, jsonl

POD = {"resource": "pods", "namespace": "ehr", "name": "db-0", "apiVersion": "v1"}
BODY = {"kind": "DeleteOptions", "dryRun": ["All"]}
CASES: tuple[tuple[dict[str, Any], str, dict[str, Any], bool], ...] = (
    *(({"verb": verb}, "dryRun=All", {}, True) for verb in ("create", "update", "patch")),
    *(({"verb": verb}, "dryRun=All", {}, False) for verb in ("get", "list", "delete", "deletecollection")),
    *(({"verb": verb, "requestObject": BODY, "level": "Request"}, "", {}, True) for verb in ("delete", "deletecollection")),
    *(({"verb": "delete", "requestObject": {**BODY, "dryRun": each}}, "dryRun=All", {}, False) for each in ([], "All", None)),
    ({"verb": "create", "requestObject": BODY}, "", {}, False),
    *(({"verb": "patch"}, "dryRun=All", {"subresource": each}, True) for each in ("scale", "status", "ephemeralcontainers")),
    *(({"verb": "create"}, "dryRun=All", {"subresource": each}, False) for each in ("exec", "attach", "token", "proxy")),
    *(({"verb": "create"}, "dryRun=All", {"apiGroup": each}, heeded) for each, heeded in (("apps", True), ("velero.io", True), ("authorization.openshift.io", False))),
    *(({"verb": "create"}, each, {}, True) for each in ("fieldManager=x&dryRun=All", "dryRun=All&pretty=true", "a?b&dryRun=All")),
    *(({"verb": "create"}, each, {}, False) for each in (
        "dryrun=All", "dryRun=all", "dryRun=", "dryRun=All;x", "a=1;dryRun=All", "xdryRun=All", "dryRun=All#x", "%64ryRun=All",
    )),
)  # fmt: skip


def test_only_what_the_server_heeds_is_a_dry_run(tmp_path: Path) -> None:
    path = "/api/v1/namespaces/ehr/pods/db-0"
    events = [
        event(number, requestURI=f"{path}?{query}", objectRef={**POD, **about}, **asked)
        for number, (asked, query, about, _) in enumerate(CASES)
    ]
    # A query that is a part of the path is none; a path of no resource is not stored anywhere.
    events.append(event(900, verb="create", requestURI=f"{path}%3FdryRun=All", objectRef=POD))
    events.append(event(901, verb="create", requestURI="/apis/x?dryRun=All", objectRef=None))
    (tmp_path / "log").write_bytes(jsonl(events))
    log = ingest([tmp_path / "log"], tmp_path / "store")
    found = log.query("SELECT dry_run, path FROM audit_events ORDER BY event")
    assert found["dry_run"].tolist() == [*(expected for *_, expected in CASES), False, False]
    assert not found["path"].str.contains("dryRun").any()


@pytest.mark.parametrize("form", [b"", b"broken line {\n"])
def test_no_event_leaves_it_unknown(tmp_path: Path, form: bytes) -> None:
    (tmp_path / "log").write_bytes(jsonl([event(1), {"auditID": "x", "verb": "create", "stage": "Panic"}]) + form)
    log = ingest([tmp_path / "log"], tmp_path / "store")
    assert log.query("SELECT DISTINCT dry_run FROM audit_events")["dry_run"].tolist() == [False]
