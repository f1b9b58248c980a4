"""Images that were scanned: by reports in the cluster and by those given as files, and what they found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pandas as pd

from hipaa_kit.inventory.registry import builds
from hipaa_kit.inventory.reports import BILL_KINDS, SECRET_REPORT, VULNERABILITY_REPORT, read_report
from hipaa_kit.inventory.workloads import ENDED
from hipaa_kit.kube.images import full_repository
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.kube.scanners import scanner_of, scanning_registry
from hipaa_kit.sources.inputs.values import moment
from hipaa_kit.sources.reports import unit_of
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.vulnerabilities import (
    BILLS_OF_MATERIALS,
    EPHI_BILLS_OF_MATERIALS,
    EPHI_IMAGE_SCANS,
    EPHI_IMAGES,
    EPHI_SECRET_SCANS,
    FOUND_VULNERABILITIES,
    SCANNING_TOOLS,
    SECRET_SCANS,
    TOLD,
    VULNERABILITY_SCANS,
)
from hipaa_kit.vocabulary import FAILED_THERE, MUTED

IN_TEMPLATE: Final = ("main", "init", "sidecar")
"""Roles of containers that a workload itself asks for; a debugging container is put into a pod later."""


def with_images_that_count(containers: pd.DataFrame) -> pd.DataFrame:
    """Return the containers whose images run beside ePHI, or will: one put into a pod later only until it has ended.

    Such a container is never started again, and stays in the pod's specification.
    Source: https://kubernetes.io/docs/concepts/workloads/pods/ephemeral-containers/
    """
    runs = (containers["role"] == "ephemeral") & (containers["terminated_at"] == "")
    return containers[containers["role"].isin(IN_TEMPLATE) | runs]


KEY: Final = ["workload", "container", "image", "digest"]
FOUND: Final = [name for name in FOUND_VULNERABILITIES.names if name not in ("unit", "source", "position")]


@builds(VULNERABILITY_SCANS, reads=[VULNERABILITY_REPORT], optional=["reported_scans"])
def vulnerability_scans(snapshot: Snapshot, reported_scans: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield a row per scan for vulnerabilities."""
    yield from _scans(snapshot, (VULNERABILITY_REPORT,), reported_scans, "vulnerabilities")


@builds(SECRET_SCANS, reads=[SECRET_REPORT], optional=["reported_scans"])
def secret_scans(snapshot: Snapshot, reported_scans: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield a row per scan for secrets."""
    yield from _scans(snapshot, (SECRET_REPORT,), reported_scans, "secrets")


@builds(BILLS_OF_MATERIALS, reads=BILL_KINDS, optional=["reported_scans"])
def bills_of_materials(snapshot: Snapshot, reported_scans: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield a row per bill of materials."""
    yield from _scans(snapshot, BILL_KINDS, reported_scans, "packages")


def _scans(
    snapshot: Snapshot, kinds: tuple[Kind, ...], reported: pd.DataFrame, purpose: str
) -> Iterator[dict[str, Any]]:
    for kind in kinds:
        for record in snapshot.records(kind):
            found = read_report(record)
            for scan in found.scans if found else ():
                yield {**scan, "report": record.object, "scanned_at": moment(scan["scanned_at"])}
    yield from rows_of(reported[reported["purpose"] == purpose])


@builds(FOUND_VULNERABILITIES, reads=[VULNERABILITY_REPORT], optional=["scanner_reports"])
def found_vulnerabilities(snapshot: Snapshot, scanner_reports: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield a row per vulnerability of a report."""
    for record in snapshot.records(VULNERABILITY_REPORT):
        found = read_report(record)
        yield from (_found(row) for row in (found.rows if found else ()) if row.get("vulnerability"))
    # That somebody asked a scanner to be silent about one does not mend it.
    given = scanner_reports[
        (scanner_reports["vulnerability"] != "") & scanner_reports["outcome"].isin([FAILED_THERE, MUTED])
    ]
    yield from (_found(row) for row in rows_of(given))


def _found(row: dict[str, Any]) -> dict[str, Any]:
    place = {"source": row["source"], "position": row["position"], "unit": unit_of(row["position"])}
    told = {name: row[name] for name in FOUND if name in row}
    return {**told, "published_at": moment(row.get("published_at", "")), **place}


@builds(EPHI_IMAGES)
def ephi_images(ephi_workloads: pd.DataFrame, pods: pd.DataFrame, containers: pd.DataFrame) -> pd.DataFrame:
    """Return a row per image of a container of an ePHI workload.

    Pods that have ended count only where a workload has no others: they show what the next one will run. A digest
    is what runs; where a pod does not tell it, and another of the same image does, it is the other's.
    """
    inside = pods[pods["workload"].isin(ephi_workloads["object"])]
    over = inside["phase"].isin(ENDED)
    inside = inside[~over | ~inside["workload"].isin(inside.loc[~over, "workload"])]
    inside = inside[["object", "workload", "namespace"]].rename(columns={"object": "pod"})
    found = with_images_that_count(containers).merge(inside, on="pod")
    counted = found.groupby([*KEY, "namespace", "repository", "tag"], as_index=False).size()
    known = pd.MultiIndex.from_frame(counted.loc[counted["digest"] != "", KEY[:3]])
    counted = counted[(counted["digest"] != "") | ~pd.MultiIndex.from_frame(counted[KEY[:3]]).isin(known)]
    bare = (counted["tag"] == "") & ~counted["image"].str.contains("@", regex=False).astype(bool)
    return EPHI_IMAGES.conform(
        counted.assign(
            pods=counted["size"],
            tag=counted["tag"].mask(bare, "latest"),
            registry_scanner=counted["repository"].map(scanning_registry).astype("str"),
            repository=counted["repository"].map(full_repository).astype("str"),
        )
    )


@builds(EPHI_IMAGE_SCANS)
def ephi_image_scans(ephi_images: pd.DataFrame, vulnerability_scans: pd.DataFrame) -> pd.DataFrame:
    """Return a row per scan for vulnerabilities of an image of an ePHI workload."""
    return EPHI_IMAGE_SCANS.conform(matched(ephi_images, vulnerability_scans))


@builds(EPHI_SECRET_SCANS)
def ephi_secret_scans(ephi_images: pd.DataFrame, secret_scans: pd.DataFrame) -> pd.DataFrame:
    """Return a row per scan for secrets of an image of an ePHI workload."""
    return EPHI_SECRET_SCANS.conform(matched(ephi_images, secret_scans))


@builds(EPHI_BILLS_OF_MATERIALS)
def ephi_bills_of_materials(ephi_images: pd.DataFrame, bills_of_materials: pd.DataFrame) -> pd.DataFrame:
    """Return a row per bill of materials of an image of an ePHI workload."""
    return EPHI_BILLS_OF_MATERIALS.conform(matched(ephi_images, bills_of_materials))


def matched(images: pd.DataFrame, scans: pd.DataFrame) -> pd.DataFrame:
    """Return every scan beside the images that it is of.

    Parameters
    ----------
    images, scans
        Tables `ephi_images`, and `vulnerability_scans` or its like.

    Returns
    -------
    pandas.DataFrame
        Columns of both; `matched_by` says whether the digest shows it, or the name and tag alone. Two digests that
        differ are two images, whatever their names. `newest` marks the last scan per image and scanner, and
        every other of the same moment: an operator that scans one image for several workloads may find more for one.

    Notes
    -----
    A container runtime reports the digest of the registry, or of the configuration, as `imageID`.
    Source: https://github.com/kubernetes/cri-api, `ImageSpec` and `ContainerStatus.image_ref`
    """
    told = scans[["repository", "tag", "digest", "image_id", "tool", "scanned_at", *TOLD]]
    running = images[[*KEY, "namespace", "repository", "tag"]]
    digests = pd.concat(
        [told.assign(same=told["digest"]), told[told["image_id"] != told["digest"]].assign(same=told["image_id"])]
    )
    digests = digests[digests["same"] != ""].drop(columns=["repository", "tag", "digest", "image_id"])
    by_digest = running.merge(digests, left_on="digest", right_on="same").assign(matched_by="digest")
    names = told[(told["tag"] != "") & (told["repository"] != "")].rename(columns={"digest": "theirs"})
    by_name = running.merge(names, on=["repository", "tag"])
    by_name = by_name[(by_name["theirs"] == "") | (by_name["digest"] == "")].assign(matched_by="name")
    both = pd.concat([by_digest, by_name], ignore_index=True)
    both = both.drop_duplicates([*KEY, "source", "position"])
    near = both.sort_values("scanned_at", ascending=False, kind="stable").sort_values("matched_by", kind="stable")
    first = near.drop_duplicates([*KEY, "tool"])
    last = [*KEY, "tool", "matched_by", "scanned_at"]
    return both.assign(newest=pd.MultiIndex.from_frame(both[last]).isin(pd.MultiIndex.from_frame(first[last])))


@builds(SCANNING_TOOLS)
def scanning_tools(pods: pd.DataFrame, containers: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield a row per workload that runs a known scanner."""
    known = {name: scanner for name in containers["repository"].unique() if (scanner := scanner_of(name))}
    mine = containers[containers["repository"].isin(known)].merge(
        pods[["object", "workload"]], left_on="pod", right_on="object"
    )
    scanners = mine["repository"].map(known)
    mine = mine.assign(tool=[each.name for each in scanners], looks_at=[each.looks_at for each in scanners])
    for (workload, tool, looks_at), group in mine.groupby(["workload", "tool", "looks_at"]):
        yield {"workload": workload, "tool": tool, "looks_at": looks_at, "pods": group["pod"].nunique()}
