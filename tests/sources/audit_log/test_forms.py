"""Every wrapping gives the same events."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.support.audit_log import FORMS, STREAM, azure, event, event_list, filtered, jsonl, message, store, text

COLUMNS = (
    "audit_id, stage, level, verb, received_at, stage_at, user, user_groups, source_ip, user_agent, api_group, resource,"
    " subresource, namespace, name, path, code, decision, decision_reason, programs, command_marks"
)
EXEC = {
    "verb": "create",
    "requestURI": "/api/v1/namespaces/ehr/pods/db-0/exec?command=sh&command=-c&command=echo%20hunter2",
    "objectRef": {"resource": "pods", "namespace": "ehr", "name": "db-0", "subresource": "exec", "apiVersion": "v1"},
    "responseStatus": {"code": 101},
}
EVENTS = [*(event(number) for number in range(7)), event(7, **EXEC)]


def rows(log) -> pd.DataFrame:
    return log.query(f"SELECT {COLUMNS} FROM audit_events ORDER BY audit_id")


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return rows(store(tmp_path_factory.mktemp("native"), {"audit.log": jsonl(EVENTS)}))


@pytest.mark.parametrize("form", FORMS)
def test_a_form_gives_the_events_that_it_wraps(form: str, tmp_path: Path, native: pd.DataFrame) -> None:
    log = store(tmp_path, {"exported": FORMS[form](EVENTS)})
    pd.testing.assert_frame_equal(rows(log), native)
    about = log.sources().iloc[0]
    assert (about["events"], about["unread"], about["truncated"]) == (8, 0, False)


def test_what_is_read_of_an_event(native: pd.DataFrame) -> None:
    last = native.iloc[-1]
    assert last["received_at"] == pd.Timestamp("2026-11-20 08:00:07")
    assert (last["source_ip"], last["code"], last["path"]) == ("10.0.0.7", 101, "/api/v1/namespaces/ehr/pods/db-0/exec")
    assert (list(last["programs"]), list(last["command_marks"])) == (["sh"], ["shell"])


@pytest.mark.parametrize("form", [name for name in FORMS if "EKS" in name])
def test_delivery_by_cloudwatch_is_best_effort(form: str, tmp_path: Path) -> None:
    assert store(tmp_path, {"x": FORMS[form](EVENTS)}).sources()["delivery"].tolist() == ["best_effort"]


def test_other_streams_and_categories_are_skipped_and_counted(tmp_path: Path) -> None:
    other = message(event(1), "authenticator-0a1b")
    files = {
        "eks.json": text({"events": [other, message(event(2))], "searchedLogStreams": []}).encode(),
        "aks.json": jsonl([azure(event(3), "guard"), azure(event(4), "kube-scheduler"), azure(event(5))]),
    }
    about = store(tmp_path, files).sources().set_index("source")
    assert about["events"].to_dict() == {"aks.json": 1, "eks.json": 1}
    assert about["skipped"].to_dict() == {"aks.json": 2, "eks.json": 1}
    assert about["unread"].sum() == 0


def test_an_export_that_says_there_is_more_is_truncated(tmp_path: Path) -> None:
    files = {"cut.json": json.dumps(filtered(EVENTS, nextToken="t"), indent=1).encode()}
    assert store(tmp_path, files).sources()["truncated"].tolist() == [True]


def test_the_stream_is_the_server(tmp_path: Path) -> None:
    log = store(tmp_path, {"x.json": text(filtered([event(1)])).encode()})
    assert log.query("SELECT server FROM audit_events")["server"].tolist() == [STREAM]


def test_placeholders_of_large_objects_are_no_bodies(tmp_path: Path) -> None:
    big = event(1, requestObject="skipped-too-big-size-object", responseObject="skipped-too-big-size-object")
    log = store(tmp_path, {"PT1H.json": jsonl([azure(big)])})
    assert log.query("SELECT body, holds_values FROM audit_events").iloc[0].tolist() == ["none", False]


def entry(method: str, resource: str, **payload: object) -> dict[str, object]:
    return {
        "insertId": method,
        "logName": "projects/p/logs/cloudaudit.googleapis.com%2Fdata_access",
        "resource": {"type": "k8s_cluster", "labels": {"cluster_name": "c", "location": "eu"}},
        "timestamp": "2026-11-20T08:00:00.123456789Z",
        "protoPayload": {
            "serviceName": "k8s.io",
            "methodName": method,
            "resourceName": resource,
            "authenticationInfo": {"principalEmail": "ada@clinic.example"},
            "authorizationInfo": [{"granted": True, "permission": method, "resource": resource}],
            "requestMetadata": {"callerIp": "198.51.100.7", "callerSuppliedUserAgent": "kubectl"},
            **payload,
        },
    }


@pytest.mark.parametrize(
    ("method", "resource", "expected"),
    [
        (
            "io.k8s.core.v1.pods.exec.create",
            "core/v1/namespaces/ehr/pods/db-0/exec",
            ("create", "", "pods", "exec", "ehr", "db-0"),
        ),
        ("io.k8s.core.v1.secrets.list", "core/v1/secrets", ("list", "", "secrets", "", "", "")),
        ("io.k8s.core.v1.secrets.list", "core/v1/namespaces/ehr/secrets", ("list", "", "secrets", "", "ehr", "")),
        ("io.k8s.core.v1.namespaces.delete", "core/v1/namespaces/ehr", ("delete", "", "namespaces", "", "ehr", "ehr")),
        (
            "io.k8s.authorization.rbac.v1.clusterrolebindings.create",
            "rbac.authorization.k8s.io/v1/clusterrolebindings/x",
            ("create", "rbac.authorization.k8s.io", "clusterrolebindings", "", "", "x"),
        ),
    ],
)
def test_log_entries_of_google(method: str, resource: str, expected: tuple[str, ...], tmp_path: Path) -> None:
    log = store(tmp_path, {"gke.json": json.dumps([entry(method, resource)], indent=2).encode()})
    found = (
        log.query(
            "SELECT verb, api_group, resource, subresource, namespace, name, code, decision, level, stage, server, source_ip"
            " FROM audit_events"
        )
        .iloc[0]
        .tolist()
    )
    assert tuple(found) == (*expected, 200, "allow", "", "", "eu/c", "198.51.100.7")


@pytest.mark.parametrize(("grpc", "http"), [(5, 404), (6, 409), (7, 403), (16, 401)])
def test_codes_of_grpc_become_those_of_http(grpc: int, http: int, tmp_path: Path) -> None:
    found = entry("io.k8s.core.v1.pods.get", "core/v1/namespaces/ehr/pods/x", status={"code": grpc})
    assert store(tmp_path, {"x": jsonl([found])}).query("SELECT code FROM audit_events")["code"].tolist() == [http]


APPLIED = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "db-0"}}


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({}, 201),
        ({"request": APPLIED}, 201),
        ({"request": {"@type": "k8s.io/Patch", "spec": {}}}, 200),
        ({"request": [{"op": "add"}]}, 200),
        *(
            ({"request": APPLIED, "response": {"metadata": {"creationTimestamp": f"2026-11-20T{time}Z"}}}, code)
            for time, code in (("08:00:00", 201), ("07:59:56", 201), ("07:59:54", 200))
        ),
        ({"request": APPLIED, "response": {"metadata": {"creationTimestamp": "none"}}}, 201),
        ({"status": {"code": 7}}, 403),
    ],
)
def test_a_patch_of_google_may_have_made_its_object_where_nothing_shows_otherwise(
    payload: dict[str, object], code: int, tmp_path: Path
) -> None:
    patched = entry("io.k8s.core.v1.pods.patch", "core/v1/namespaces/ehr/pods/db-0", **payload)
    log = store(tmp_path, {"entries.json": jsonl([patched])})
    assert log.query("SELECT code FROM audit_events")["code"].tolist() == [code]


def test_the_cloud_api_of_google_is_no_api_server(tmp_path: Path) -> None:
    other = entry("google.container.v1.ClusterManager.GetCluster", "projects/p", serviceName="container.googleapis.com")
    about = store(tmp_path, {"x": jsonl([other, entry("io.k8s.core.v1.pods.get", "core/v1/pods/x")])}).sources()
    assert (about["events"].sum(), about["skipped"].sum(), about["unread"].sum()) == (1, 1, 0)


@pytest.mark.parametrize(
    ("path", "server", "log"),
    [
        ("audit.log", "", "kube-apiserver"),
        ("cp1/audit-2026-11-20T08-00-00.123.log", "cp1", "kube-apiserver"),
        ("cp1/audit.log.1", "cp1", "kube-apiserver"),
        ("mg/audit_logs/openshift-apiserver/n1-audit-2026-11-20T08-00-00.123.log", "mg/n1", "openshift-apiserver"),
        ("mg/audit_logs/oauth-server/n1-audit.log", "mg/n1", "oauth-server"),
        ("export/kube-apiserver-audit-0a1b/000000", "export/kube-apiserver-audit-0a1b", "kube-apiserver"),
    ],
)
def test_rotations_are_of_the_server_whose_file_they_were(path: str, server: str, log: str, tmp_path: Path) -> None:
    found = store(tmp_path, {path: jsonl([event(1)])}).query("SELECT server, log FROM audit_events")
    assert found.iloc[0].tolist() == [server, log]


def test_a_table_without_a_header_is_told_by_its_columns(tmp_path: Path) -> None:
    rows = [
        f'"{{""name"":""cp1""}}",{each["stageTimestamp"]},ada,get,secrets,,x,,{each["requestURI"]},{each["auditID"]},{each["stage"]},403,,'
        for each in EVENTS[:3]
    ]
    raw = "\n".join([*rows, rows[0][:60]]).encode()
    log = store(tmp_path, {"audit.csv": raw})
    about = log.sources().iloc[0]
    assert (about["lines"], about["events"], about["unread"], about["truncated"]) == (4, 3, 1, True)
    assert log.query("SELECT DISTINCT user, code, resource, namespace FROM audit_events").iloc[0].tolist() == [
        "ada",
        403,
        "secrets",
        "ehr",
    ]


def test_a_table_names_what_is_made_beside_its_verb(tmp_path: Path) -> None:
    made = event(1)
    path, tail = "/apis/rbac.authorization.k8s.io/v1/clusterroles", f"{made['auditID']},{made['stage']},201"
    rows = [
        f"{made['stageTimestamp']},ada,create,clusterroles,,reader,,{path},{tail}",
        f"{made['stageTimestamp']},ada,create,pods,exec,reader,,{path}s,{tail}",
        f"{made['stageTimestamp']},ada,get,clusterroles,,other,,{path}/reader,{tail}",
    ]
    log = store(tmp_path, {"audit.csv": "\n".join([*rows, ""]).encode()})
    found = log.query("SELECT verb, resource, name, path FROM audit_events ORDER BY event")
    assert found["name"].tolist() == ["reader", "", "reader"]


def test_forms_may_stand_in_one_file(tmp_path: Path) -> None:
    mixed = jsonl([event(1), event_list([event(2), event(3)]), azure(event(4)), message(event(5)), {"kind": 0}])
    about = store(tmp_path, {"x": mixed}).sources().iloc[0]
    assert (about["events"], about["unread"]) == (5, 1)
