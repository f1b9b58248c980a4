"""Which images reports show to have been looked at, for what, and when."""

from __future__ import annotations

from typing import Any

import pytest

from hipaa_kit.sources.pseudonyms import DEMO_KEY, Pseudonymizer
from hipaa_kit.sources.reports import findings_of, unit_of
from tests.support import scanner_reports

DIGEST = Pseudonymizer(DEMO_KEY)
PORTAL, API = f"sha256:{'cd' * 32}", f"sha256:{'bb' * 32}"


def scans(document: Any) -> list[dict[str, Any]]:
    found = findings_of(document, "report.json", "", DIGEST)
    assert found is not None
    return found.scans


def operator(kind: str, report: dict[str, Any]) -> dict[str, Any]:
    labels = {"trivy-operator.resource.kind": "Pod", "trivy-operator.resource.name": "web"}
    metadata = {"name": "pod-web", "namespace": "ehr", "labels": labels}
    return {"apiVersion": "aquasecurity.github.io/v1alpha1", "kind": kind, "metadata": metadata, "report": report}


def test_an_image_of_trivy_is_one_look_for_each_thing_it_was_looked_at_for() -> None:
    first, second = scans(scanner_reports.trivy_image())
    assert (first["purpose"], first["found"], second["purpose"], second["found"]) == (
        "vulnerabilities",
        1,
        "secrets",
        1,
    )
    assert (first["repository"], first["tag"], first["digest"]) == ("registry.example/portal", "1.4", PORTAL)
    assert (first["os_family"], first["os_version"], first["os_ended"]) == ("debian", "10.13", True)
    assert first["scanned_at"] == "2026-11-19T23:10:04.123456789+01:00"


def test_without_results_of_packages_nothing_shows_that_it_looked_for_vulnerabilities() -> None:
    report = scanner_reports.trivy_image()
    report["Results"] = report["Results"][1:]
    assert [scan["purpose"] for scan in scans(report)] == ["secrets"]
    report["Results"] = []
    assert scans(report) == []


def test_a_clean_image_of_trivy_is_a_look_that_found_nothing() -> None:
    report = scanner_reports.trivy_image()
    report["Results"] = [{"Target": "portal", "Class": "os-pkgs"}]
    assert [(scan["purpose"], scan["found"]) for scan in scans(report)] == [("vulnerabilities", 0)]


def test_a_resource_with_an_error_was_not_looked_at() -> None:
    resource = {"Kind": "Deployment", "Namespace": "ehr", "Name": "web", "Results": [{"Class": "os-pkgs"}]}
    broken = {**resource, "Error": "unauthorized"}
    report = {"ClusterName": "c", "Resources": [resource]}
    assert len(scans(report)) == 1
    assert scans({**report, "Resources": [broken]}) == []


def test_grype_tells_the_digest_the_fix_the_score_and_what_is_exploited() -> None:
    [scan] = scans(scanner_reports.grype())
    assert (scan["digest"], scan["image_id"], scan["found"]) == (API, f"sha256:{'aa' * 32}", 2)
    found = findings_of(scanner_reports.grype(), "report.json", "", DIGEST)
    assert found is not None
    first, second = found.rows
    assert (first["fixed_version"], first["score"], first["epss"], first["exploited"]) == (
        "2.15.0",
        10.0,
        0.94358,
        True,
    )
    # That it stands on no list in the report says nothing: older reports have no list.
    assert (second["severity"], second["exploited"], second["fixed_version"]) == ("info", None, "")


@pytest.mark.parametrize("name", ["cyclonedx", "spdx"])
def test_a_bill_of_materials_names_its_image_by_digest(name: str) -> None:
    [scan] = scans(getattr(scanner_reports, name)())
    assert (scan["purpose"], scan["repository"], scan["digest"]) == ("packages", "registry.example/api", API)
    assert scan["scanned_at"] == "2026-11-19T22:10:04Z"


def test_a_bill_of_what_is_no_image_is_none() -> None:
    bill = scanner_reports.cyclonedx()
    bill["metadata"]["component"]["type"] = "application"
    assert scans(bill) == []


def test_the_operator_gives_an_image_named_by_tag_the_digest_of_its_configuration() -> None:
    artifact = {"repository": "library/nginx", "tag": "1.29", "digest": API}
    report = {"registry": {"server": "index.docker.io"}, "artifact": artifact, "vulnerabilities": []}
    [scan] = scans(operator("VulnerabilityReport", report))
    assert (scan["repository"], scan["tag"]) == ("docker.io/library/nginx", "1.29")
    assert (scan["digest"], scan["image_id"], scan["found"]) == ("", API, 0)
    del artifact["tag"]
    [scan] = scans(operator("VulnerabilityReport", report))
    assert (scan["digest"], scan["image_id"]) == (API, "")


@pytest.mark.parametrize("kind", ["VulnerabilityReport", "ExposedSecretReport"])
def test_a_report_without_its_list_is_no_look(kind: str) -> None:
    assert scans(operator(kind, {"artifact": {"repository": "r", "digest": API}})) == []


@pytest.mark.parametrize(
    ("position", "unit"),
    [
        ("/items/3/report/vulnerabilities/0", "/items/3"),
        ("/items/3/report", "/items/3"),
        ("/Resources/12/Results/0/Vulnerabilities/7", "/Resources/12"),
        ("/Resources/12/Results/vulnerabilities", "/Resources/12"),
        ("/matches/4", ""),
        ("/matches", ""),
        ("", ""),
    ],
)
def test_what_is_said_of_an_image_has_its_place(position: str, unit: str) -> None:
    assert unit_of(position) == unit
