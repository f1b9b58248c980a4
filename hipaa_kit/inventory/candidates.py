"""What looks like ePHI and is not declared: signs, never proof."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator
from typing import Any

import pandas as pd

from hipaa_kit.inventory.registry import builds
from hipaa_kit.inventory.storage import same_disk
from hipaa_kit.kube.owners import object_id
from hipaa_kit.sources.scope import Scope
from hipaa_kit.tables.scope import EPHI_CANDIDATES

SOFTWARE = {
    "hapi-fhir": "HAPI FHIR server",
    "fhir": "FHIR software",
    "orthanc": "Orthanc DICOM server",
    "dcm4che": "dcm4chee archive",
    "openmrs": "OpenMRS record system",
    "openemr": "OpenEMR record system",
    "openhim": "OpenHIM health information mediator",
    "opencr": "OpenCR client registry",
    "openempi": "OpenEMPI patient index",
    "mirth": "Mirth Connect interface engine",
    "nextgen-connect": "Mirth Connect interface engine",
    "nextgenconnect": "Mirth Connect interface engine",
    "bahmni": "Bahmni hospital system",
    "gnuhealth": "GNU Health hospital system",
    "openelis": "OpenELIS laboratory system",
    "ohif": "OHIF image viewer",
    "santempi": "SanteMPI patient index",
    "sante-mpi": "SanteMPI patient index",
    "medplum": "Medplum FHIR platform",
    "ehrbase": "EHRbase openEHR server",
}
"""Words in the name of an image, and the software they stand for."""

PORTS = {
    104: ("DICOM", "medium"),
    2575: ("HL7 MLLP", "high"),
    4242: ("DICOM (Orthanc)", "medium"),
    11112: ("DICOM", "high"),
}
"""Ports that clinical protocols are registered or known for."""

WORDS = re.compile(
    r"(?:^|[-_.])(ehr|emr|fhir|hl7|mllp|dicom|pacs|patients?|phi|ephi|mrn|openmrs|orthanc)(?=$|[-_.\d])",
    re.IGNORECASE,
)
"""Words of the clinic in names of Services and environment variables."""

LABELS = {
    "hipaa.io/phi": {"true"},
    "hipaa-phi": {"true"},
    "phi": {"true"},
    "data-class": {"phi", "ephi"},
    "data-classification": {"phi", "ephi", "restricted"},
}
"""Labels by which others mark ePHI: taken as a sign, not believed."""


@builds(EPHI_CANDIDATES)
def ephi_candidates(
    scope: Scope | None,
    workloads: pd.DataFrame,
    pods: pd.DataFrame,
    containers: pd.DataFrame,
    container_ports: pd.DataFrame,
    environment: pd.DataFrame,
    volumes: pd.DataFrame,
    service_backends: pd.DataFrame,
    labels: pd.DataFrame,
    ephi_objects: pd.DataFrame,
    claims: pd.DataFrame,
    persistent_volumes: pd.DataFrame,
) -> Iterator[dict[str, Any]]:
    """Yield a row per sign that a workload outside the scope may hold ePHI.

    Names alone are looked at: images, ports, Services, variables, labels; and whether a claim is bound to a disk of
    ePHI, which is certain. What the scope excludes is a candidate with
    the reason that is written there: whether that is so is for a person to say.
    """
    owner = dict(zip(pods["object"], pods["workload"], strict=True))
    inside = set(ephi_objects["object"])
    exclude = scope.exclude if scope else ()
    bearers, of_namespaces = _bearers(workloads, owner, volumes), labels["kind"] == "Namespace"
    signs = {
        *_images(containers, owner),
        *_ports(container_ports, owner),
        *_variables(environment, owner),
        *_services(service_backends, owner),
        *_labels(labels[~of_namespaces], bearers),
        *_disks(same_disk(claims, persistent_volumes), volumes, owner, inside),
    }
    shared = {*_labels(labels[of_namespaces], bearers)} - signs
    for sign in sorted(signs | shared):
        workload, signal, matched, confidence = sign
        reasons = {each.reason for each in exclude if fnmatch.fnmatchcase(workload, each.object)}
        # An exclusion is what sets a workload apart from its namespace: the label of that is answered.
        if workload not in inside and not (reasons and sign in shared):
            yield {
                "object": workload,
                "namespace": workload.split("/")[1],
                "signal": signal,
                "matched": matched,
                "confidence": confidence,
                "excluded": "; ".join(sorted(reasons)),
            }


Sign = tuple[str, str, str, str]


def _images(containers: pd.DataFrame, owner: dict[str, str]) -> Iterator[Sign]:
    for pod, repository in containers[["pod", "repository"]].itertuples(index=False):
        base = repository.rpartition("/")[2].lower()
        known = next((software for word, software in SOFTWARE.items() if word in base), "")
        if known:
            yield owner[pod], "image", known, "high"


def _ports(ports: pd.DataFrame, owner: dict[str, str]) -> Iterator[Sign]:
    for pod, port in ports[["pod", "port"]].itertuples(index=False):
        if port in PORTS:
            protocol, confidence = PORTS[port]
            yield owner[pod], "port", f"{protocol} on {port}", confidence


def _variables(environment: pd.DataFrame, owner: dict[str, str]) -> Iterator[Sign]:
    for pod, name in environment[["pod", "name"]].itertuples(index=False):
        if word := WORDS.search(name):
            yield owner[pod], "environment", word[1].lower(), "low"


def _services(backends: pd.DataFrame, owner: dict[str, str]) -> Iterator[Sign]:
    for service, pod in backends[["service", "pod"]].itertuples(index=False):
        if word := WORDS.search(service.rpartition("/")[2]):
            yield owner[pod], "service", word[1].lower(), "medium"


def _disks(shared: pd.DataFrame, volumes: pd.DataFrame, owner: dict[str, str], inside: set[str]) -> Iterator[Sign]:
    mounted = volumes.merge(shared[shared["other"].isin(inside)], left_on="reference", right_on="claim")
    for pod, other in mounted[["pod", "other"]].itertuples(index=False):
        yield owner[pod], "disk", f"that of {other}", "high"


def _bearers(workloads: pd.DataFrame, owner: dict[str, str], volumes: pd.DataFrame) -> dict[str, set[str]]:
    """Return the workloads that a label speaks of, by the object it is on: itself, pod, claim or namespace."""
    found: dict[str, set[str]] = {name: {name} for name in workloads["object"]}
    for namespace, name in workloads[["namespace", "object"]].itertuples(index=False):
        found.setdefault(object_id("Namespace", "", namespace), set()).add(name)
    for pod, workload in owner.items():
        found.setdefault(pod, set()).add(workload)
    for pod, claim in volumes[["pod", "reference"]].itertuples(index=False):
        found.setdefault(claim, set()).add(owner[pod])
    return found


def _labels(labels: pd.DataFrame, bearers: dict[str, set[str]]) -> Iterator[Sign]:
    known = labels[labels["key"].isin(LABELS)]
    for name, key, value in known[["object", "key", "value"]].itertuples(index=False):
        if value.lower() in LABELS[key]:
            for workload in sorted(bearers.get(name, ())):
                yield workload, "label", f"{key}={value}", "high"
