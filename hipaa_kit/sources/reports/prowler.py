"""Prowler for Kubernetes: OCSF detection findings (JSON) and CSV.

Source: https://docs.prowler.com/projects/prowler-open-source/en/latest/tutorials/reporting/ and
https://github.com/prowler-cloud/prowler, `prowler/lib/outputs/ocsf/ocsf.py` and `prowler/lib/outputs/csv/csv.py`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any, Final

from hipaa_kit.sources.reports.rows import Reading, Row, at, mapping, moment, severity, text
from hipaa_kit.vocabulary import FAILED_THERE, MANUAL, MUTED, PASSED

TOOL: Final = "prowler"
OUTCOMES: Final = {
    "pass": PASSED,
    "fail": FAILED_THERE,
    "manual": MANUAL,
    **dict.fromkeys(("pass (muted)", "fail (muted)", "manual (muted)"), MUTED),
}
HEADER: Final = frozenset("CHECK_ID STATUS PROVIDER RESOURCE_NAME REGION".split())

_PODS: Final = frozenset("KubernetesAPIServer KubernetesControllerManager KubernetesScheduler KubernetesEtcd".split())
"""Types of resources that are pods of the control plane."""

_CLUSTER_WIDE: Final = "cluster-wide"


def recognise(document: Any) -> bool:
    """Tell whether a document is a list of findings of Prowler about Kubernetes."""
    return isinstance(document, list) and any(_ours(item) for item in document)


def _ours(finding: Any) -> bool:
    """Tell whether a finding is Prowler's and about Kubernetes; older ones name no provider, but the profile."""
    if text(finding, "metadata", "product", "name") != "Prowler":
        return False
    if provider := text(finding, "unmapped", "provider"):
        return provider == "kubernetes"
    profiles = at(finding, "metadata", "profiles")
    return isinstance(profiles, list) and "container" in profiles


def read(document: Any, reading: Reading) -> Iterator[Row]:
    """Yield a row per finding and resource. `resources[].data` may hold the whole object: it is not looked at."""
    for place, finding in reading.maps(document, ""):
        if not _ours(finding):
            reading.problem(place, "is no finding of Prowler about Kubernetes")
            continue
        general = {
            "tool": TOOL,
            "tool_version": text(finding, "metadata", "product", "version"),
            "reported_at": moment(at(finding, "time")) or moment(at(finding, "time_dt")),
            "title": text(finding, "finding_info", "title"),
            "severity": severity(text(finding, "severity")),
            "message_digest": reading.digests(at(finding, "status_detail") or at(finding, "message")),
        }
        muted = text(finding, "status") == "Suppressed"
        resources = list(reading.entries(finding, "resources", place))
        if not resources:
            reading.problem(place, "names no resource")
        for where, resource in resources:
            given = (text(resource, key) for key in ("type", "namespace", "name"))
            yield from reading.row(
                where,
                check=at(mapping(finding, "metadata"), "event_code"),
                said=_said(at(finding, "status_code"), muted),
                outcomes=OUTCOMES,
                object=_object(reading, *given),
                **general,
            )


def _said(status: Any, muted: bool) -> Any:
    return f"{status} (muted)" if muted and isinstance(status, str) and status else status


def _object(reading: Reading, kind: str, namespace: str, name: str) -> str | None:
    kind = "Pod" if kind in _PODS else kind.removeprefix("Kubernetes")
    namespace = namespace.removeprefix("namespace: ").strip()
    return reading.object(kind, "" if namespace == _CLUSTER_WIDE else namespace, name)


def recognise_csv(content: str) -> bool:
    """Tell whether a text is a CSV of Prowler: by its header, whose cells are parted by `;`."""
    header = content.lstrip("\ufeff").split("\n", 1)[0]
    return set(header.strip().replace('"', "").split(";")) >= HEADER


def read_csv(content: str, reading: Reading) -> Iterator[Row]:
    """Yield a row per line."""
    reader = csv.DictReader(io.StringIO(content.lstrip("\ufeff"), newline=""), delimiter=";")
    try:
        for cells in reader:
            yield from _line(cells, f":{reader.line_num}", reading)
    except csv.Error as error:
        reading.problem(f":{reader.line_num}", f"the rest cannot be read as CSV: {error}")


def _line(cells: Mapping[Any, Any], where: str, reading: Reading) -> Iterator[Row]:
    if None in cells or None in cells.values():
        reading.problem(where, "has too many or too few cells")
    elif cells["PROVIDER"] != "kubernetes":
        reading.problem(where, "is no finding about Kubernetes")
    else:
        yield from reading.row(
            where,
            check=cells["CHECK_ID"],
            said=_said(cells["STATUS"], text(cells, "MUTED") == "True"),
            outcomes=OUTCOMES,
            tool=TOOL,
            tool_version=text(cells, "PROWLER_VERSION"),
            reported_at=moment(text(cells, "TIMESTAMP")),
            title=text(cells, "CHECK_TITLE"),
            severity=severity(text(cells, "SEVERITY")),
            object=_object(reading, text(cells, "RESOURCE_TYPE"), cells["REGION"], cells["RESOURCE_NAME"]),
            message_digest=reading.digests(text(cells, "STATUS_EXTENDED")),
        )
