"""Every tool's report is recognised by content, read by its own rules, and quotes nothing."""

from __future__ import annotations

import copy
import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipaa_kit.sources.pseudonyms import DEMO_KEY, Pseudonymizer
from hipaa_kit.sources.reports import ReportFindings, findings_of, findings_of_text
from hipaa_kit.sources.reports.reading import READERS
from hipaa_kit.tables.reports import SCANNER_FINDINGS
from hipaa_kit.tables.results import UNREADABLE
from tests.support.scanner_reports import CANARY, DOCUMENTS, TEXTS, kubescape, prowler

DIGEST = Pseudonymizer(DEMO_KEY)


def read(document: Any, position: str = "") -> ReportFindings:
    found = findings_of(document, "report.json", position, DIGEST)
    assert found is not None
    return found


def read_text(content: str) -> ReportFindings:
    found = findings_of_text(content, "report.txt", DIGEST)
    assert found is not None
    return found


def outcomes(found: ReportFindings) -> dict[str, str]:
    return {row["check"]: row["outcome"] for row in found.rows}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_report_is_one_tools_and_fits_the_tables(name: str) -> None:
    document = DOCUMENTS[name]
    before = copy.deepcopy(document)
    items = document["items"][:1] if name == "trivy_operator" else [document]
    assert all(sum(reader.recognise(item) for reader in READERS) == 1 for item in items)
    found = read(document, "/at")
    assert document == before
    assert found.rows
    assert len(SCANNER_FINDINGS.frame(found.rows)) == len(found.rows)
    assert all(row["position"].startswith("/at/") and row["source"] == "report.json" for row in found.rows)
    UNREADABLE.frame(found.unreadable)


@pytest.mark.parametrize("name", [*DOCUMENTS, *TEXTS])
def test_nothing_that_a_report_quotes_passes(name: str) -> None:
    given_text = TEXTS.get(name) or json.dumps(DOCUMENTS[name])
    assert CANARY in given_text
    found = read_text(given_text)
    assert found.rows
    assert CANARY not in json.dumps([found.rows, found.unreadable])


def test_kubescape_statuses_that_are_no_pass() -> None:
    found = read(DOCUMENTS["kubescape"])
    assert outcomes(found) == {
        "C-0018": "failed",
        "C-0056": "passed",
        "C-0004": "muted",
        "C-0073": "not_evaluated",
        "C-0050": "not_evaluated",
        "C-0037": "manual",
        "C-0077": "failed",
    }
    row = found.rows[0]
    assert (row["object"], row["severity"], row["tool_version"]) == ("Deployment/ehr/portal", "low", "v3.0.40")
    assert found.rows[-1]["object"] == "Namespace//default"
    assert found.rows[2]["said"] == "passed w/exceptions"


@pytest.mark.parametrize(
    ("resource", "named"),
    [
        ("apps/v1/ehr/Deployment/portal", "Deployment/ehr/portal"),
        ("/v1/ehr/Pod/web", "Pod/ehr/web"),
        ("/v1//Namespace/default", "Namespace//default"),
        ("rbac.authorization.k8s.io/v1//ClusterRole/system:node/x", "ClusterRole//system:node/x"),
        ("hostdata.kubescape.cloud/v1beta0//KubeletInfo/n1", "KubeletInfo//n1"),
        ("rbac.authorization.k8s.io//Group/admins/rbac.authorization.k8s.io/v1//ClusterRole/x", "Group//admins"),
        ("/ehr/ServiceAccount/bot/rbac.authorization.k8s.io/v1/ehr/Role/x", "ServiceAccount/ehr/bot"),
        ("apps/ehr/Deployment/portal/x", None),
        ("apps/v1/ehr//portal", None),
        ("path=1/deployment.yaml", None),
    ],
)
def test_kubescape_resource_ids(resource: str, named: str | None) -> None:
    document = kubescape()
    document["results"] = [{"resourceID": resource, "controls": document["results"][0]["controls"][:1]}]
    found = read(document)
    assert [row["object"] for row in found.rows] == ([named] if named else [])
    assert len(found.unreadable) == (named is None)


def test_trivy_error_means_not_scanned() -> None:
    found = read(DOCUMENTS["trivy"])
    by_object = {row["object"]: row for row in found.rows}
    assert (by_object["StatefulSet/ehr/db"]["check"], by_object["StatefulSet/ehr/db"]["outcome"]) == (
        "scan",
        "not_evaluated",
    )
    assert outcomes(found) == {
        "KSV016": "failed",
        "KSV-0011": "passed",
        "KSV-0018": "muted",
        "CVE-2024-0727": "failed",
        "aws-access-key-id": "failed",
        "CVE-2023-1": "muted",
        "scan": "not_evaluated",
    }
    vulnerability = next(row for row in found.rows if row["check"] == "CVE-2024-0727")
    assert vulnerability["package"] == "libssl3"
    assert vulnerability["image"] == f"registry.example/portal@sha256:{'cd' * 32}"


def test_trivy_operator_list_holds_reports_among_others() -> None:
    found = read(DOCUMENTS["trivy_operator"])
    assert outcomes(found) == {
        "jwt": "failed",
        "vulnerabilities": "passed",
        "k8s-nsa-1.0/1.1": "not_evaluated",
        "k8s-nsa-1.0/1.2": "passed",
        "k8s-nsa-1.0/1.3": "failed",
        "k8s-nsa-1.0/1.4": "not_evaluated",
    }
    assert [row["object"] for row in found.rows[:3]] == ["Pod/ehr/web", "Pod/ehr/web", ""]
    assert found.unreadable == []


def test_kube_bench_unable_and_scored_is_no_fail() -> None:
    found = read(DOCUMENTS["kube_bench"])
    assert outcomes(found) == {
        "4.1.1": "passed",
        "4.1.2": "failed",
        "4.1.3": "not_evaluated",
        "4.1.4": "manual",
        "4.1.5": "not_evaluated",
    }
    assert {(row["object"], row["part"], row["tool_version"]) for row in found.rows} == {("Node//*", "node", "cis-1.9")}


def test_prowler_muted_is_neither_pass_nor_fail() -> None:
    found = read(DOCUMENTS["prowler"])
    assert [(row["object"], row["said"], row["outcome"]) for row in found.rows] == [
        ("Pod/ehr/web", "PASS", "passed"),
        ("Pod/ehr/web", "FAIL (muted)", "muted"),
        ("Pod/kube-system/kube-apiserver-cp1", "MANUAL", "manual"),
        ("ClusterRole//admin", "FAIL", "failed"),
    ]
    assert found.rows[0]["reported_at"] == "2025-11-20T00:53:20Z"
    assert [row["position"] for row in found.unreadable] == ["/2"]


def test_older_prowler_findings_name_no_provider() -> None:
    document = prowler()[:1]
    del document[0]["unmapped"]["provider"]
    assert len(read(document).rows) == 1
    document[0]["metadata"]["profiles"] = ["cloud"]
    assert findings_of(document, "s", "", DIGEST) is None


def test_prowler_csv() -> None:
    found = read_text(TEXTS["prowler_csv"])
    assert [(row["object"], row["outcome"], row["position"]) for row in found.rows] == [
        ("Pod/ehr/web", "failed", ":3"),
        ("Pod/ehr/db", "muted", ":4"),
    ]
    assert found.rows[0]["reported_at"] == "2026-11-19 14:27:38.533897"
    assert [(row["position"], row["error"]) for row in found.unreadable] == [
        (":5", "has too many or too few cells"),
        (":6", "is no finding about Kubernetes"),
    ]


def test_policy_report_results_are_about_resources_or_the_scope() -> None:
    found = read(DOCUMENTS["policy_report"])
    assert [(row["object"], row["said"], row["outcome"]) for row in found.rows] == [
        ("Pod/ehr/a", "pass", "passed"),
        ("Pod/ehr/b", "pass", "passed"),
        ("Namespace//ehr", "warn", "failed"),
        ("Deployment/ehr/portal", "error", "not_evaluated"),
        ("Deployment/ehr/portal", "skip", "not_evaluated"),
    ]
    assert found.rows[3]["reported_at"] == "2025-11-20T00:53:20Z"


def test_falco_alerts_are_about_a_pod_or_the_node() -> None:
    found = read_text(TEXTS["falco"])
    assert [(row["object"], row["image"], row["severity"], row["position"]) for row in found.rows] == [
        ("Pod/ehr/web", "nginx:1", "low", ":2"),
        ("Node//node-1", "", "low", ":3"),
    ]
    assert [row["position"] for row in found.unreadable] == [":1", ":4"]


def test_what_names_no_resource_is_never_about_the_whole_cluster() -> None:
    report = copy.deepcopy(DOCUMENTS["policy_report"])
    report["results"][0]["resources"] = [{"kind": "Pod"}]
    del report["scope"]
    assert [row["position"] for row in read(report).unreadable] == [
        "/results/0/resources/0",
        "/results/2",
        "/results/3",
    ]
    findings = prowler()[:1]
    del findings[0]["resources"][0]["name"]
    assert [row["position"] for row in read(findings).unreadable] == ["/0/resources/0"]
    alert = {"rule": "r", "priority": "Error", "time": "", "output": "o"}
    assert [row["object"] for row in read(alert).rows] == ["Node//*"]


def test_equal_messages_have_equal_digests_under_one_key_only() -> None:
    def digests(key: bytes) -> list[str]:
        found = findings_of(DOCUMENTS["policy_report"], "s", "", Pseudonymizer(key))
        return [row["message_digest"] for row in found.rows] if found else []

    assert len(set(digests(b"a"))) == 1
    assert digests(b"a") != digests(b"b")


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"controlID": ["C-0018"]}, "/results/0/controls/0"),
        ({"status": 7, "rules": None}, "/results/0/controls/0"),
        ({"status": {"status": ""}}, "/results/0/controls/0"),
    ],
)
def test_an_entry_that_cannot_be_read_is_named(change: dict[str, Any], place: str) -> None:
    document = kubescape()
    document["results"][0]["controls"][0].update(change)
    found = read(document)
    assert [row["position"] for row in found.unreadable] == [place]
    assert len(found.rows) == 6


def test_a_resource_of_another_shape_is_named() -> None:
    document = kubescape()
    document["results"][0]["resourceID"] = "rbac/User/jane"
    document["results"].append("no object")
    document["results"][1]["controls"] = {}
    assert [row["position"] for row in read(document).unreadable] == ["/results/0", "/results/1/controls", "/results/2"]


def test_a_secret_in_the_place_of_a_name_becomes_a_digest() -> None:
    document = kubescape()
    key = "AKIA" + "ABCDEFGHIJKLMNOP"
    document["results"][0]["controls"][0].update({"name": key, "controlID": f"{key}"})
    row = read(document).rows[0]
    assert key not in json.dumps(row)
    assert row["check"].startswith("hk-")
    assert row["title"] == ""


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        1,
        "text",
        {"kind": "List", "items": []},
        {"apiVersion": "v1", "kind": "Pod"},
        {"results": [], "summaryDetails": 1},
    ],
)
def test_what_is_no_report_is_none(document: Any) -> None:
    assert findings_of(document, "s", "", DIGEST) is None


@pytest.mark.parametrize("content", ["", "a,b\n1,2", "{", "[" * 100_000, "null", '{"rule": 1}', "CHECK_ID;STATUS\na;b"])
def test_a_text_that_is_no_report_is_none(content: str) -> None:
    assert findings_of_text(content, "s", DIGEST) is None


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20))
WORDS = """
summaryDetails results controls controlID status rules ClusterName Resources Findings Results Misconfigurations
Vulnerabilities Metadata apiVersion kind metadata labels report checks vulnerabilities success Controls Totals tests
resourceID Kind Name Error items severity resources subjects scope rule priority time output_fields unmapped product
""".split()
JUNK = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(WORDS), st.text(max_size=5)), inner, max_size=5),
    ),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(JUNK, st.text(max_size=60))
def test_any_json_and_any_text_is_read_without_raising(document: Any, content: str) -> None:
    findings_of(document, "s", "", DIGEST)
    findings_of_text(json.dumps(document), "s", DIGEST)
    findings_of_text(content, "s", DIGEST)
    findings_of_text(TEXTS["prowler_csv"].split("\n")[0] + "\n" + content, "s", DIGEST)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in _places(item, (*path, key)))]


@settings(max_examples=400, deadline=None)
@given(st.data(), st.sampled_from(sorted(DOCUMENTS)), JUNK)
def test_a_report_with_anything_in_any_place_is_read_without_raising(data: Any, name: str, junk: Any) -> None:
    document = copy.deepcopy(DOCUMENTS[name])
    place = data.draw(st.sampled_from(_places(document)[1:]))
    holder = document
    for step in place[:-1]:
        holder = holder[step]
    holder[place[-1]] = junk
    found = findings_of(document, "s", "", DIGEST)
    if found is not None:
        frame = SCANNER_FINDINGS.frame(found.rows)
        SCANNER_FINDINGS.to_csv(frame).encode()
        UNREADABLE.frame(found.unreadable)


def test_rows_and_unreadable_places_are_disjoint() -> None:
    found = read(DOCUMENTS["prowler"])
    places = Counter([row["position"] for row in found.rows] + [row["position"] for row in found.unreadable])
    assert max(places.values()) == 1
