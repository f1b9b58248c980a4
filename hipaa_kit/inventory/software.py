"""Software that the cluster stands on, and until when each line of it gets fixes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

import pandas as pd

from hipaa_kit.catalogue import load_catalogue
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube.software import (
    KUBERNETES,
    Version,
    add_on,
    container_runtime,
    is_of_cycle,
    operating_system,
    plain,
    provider_of,
    skew,
)
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.vulnerabilities import CLUSTER_SOFTWARE, NODE_SOFTWARE, SOFTWARE_LIFECYCLES

VERSION_OBJECT: Final = "Cluster//version"


@builds(SOFTWARE_LIFECYCLES, optional=["lifecycles"])
def software_lifecycles(lifecycles: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield a row per line of releases: of the kit's own and the site's, what was looked up last."""
    shipped = map(asdict, load_catalogue().lifecycles)
    newest: dict[tuple[str, str], dict[str, Any]] = {}
    for row in [*shipped, *rows_of(lifecycles)]:
        key = row["product"], row["cycle"]
        if key not in newest or row["checked_on"] >= newest[key]["checked_on"]:
            newest[key] = row
    yield from newest.values()


@builds(NODE_SOFTWARE)
def node_software(
    snapshot: Snapshot, nodes: pd.DataFrame, software_lifecycles: pd.DataFrame
) -> Iterator[dict[str, Any]]:
    """Yield a row per system of each node."""
    lines = _lines(software_lifecycles)
    server = snapshot.identity.version
    for node in rows_of(nodes):
        kubelet = str(node["kubelet_version"])
        parts = (
            ("kubelet", Version(KUBERNETES, plain(kubelet)), kubelet),
            ("operating system", operating_system(str(node["os_image"])), str(node["os_image"])),
            ("container runtime", container_runtime(str(node["container_runtime"])), str(node["container_runtime"])),
        )
        for part, found, reported in parts:
            mine = part == "kubelet"
            apart = skew(kubelet, server) if mine else ""
            about = {"skew": apart or "", "skew_known": apart is not None}
            about |= {"provider": provider_of(kubelet)} if mine else {}
            yield {"object": node["object"], "part": part, "reported": reported, **about, **_line(found, lines)}


@builds(CLUSTER_SOFTWARE)
def cluster_software(
    snapshot: Snapshot, pods: pd.DataFrame, containers: pd.DataFrame, software_lifecycles: pd.DataFrame
) -> Iterator[dict[str, Any]]:
    """Yield the row of the API server, and one per container and image of a workload that holds an add-on."""
    lines = _lines(software_lifecycles)
    version = snapshot.identity.version
    server = Version(KUBERNETES, plain(version))
    about = {"part": "API server", "reported": version, "provider": provider_of(version)}
    yield {"object": VERSION_OBJECT, **about, **_line(server, lines)}
    images = containers[["repository", "tag", "image"]].drop_duplicates()
    known = {
        row["image"]: found for row in rows_of(images) if (found := add_on(str(row["repository"]), str(row["tag"])))
    }
    mine = containers[containers["image"].isin(known)].merge(
        pods[["object", "workload"]], left_on="pod", right_on="object"
    )
    for row in rows_of(mine[["workload", "container", "image"]].drop_duplicates()):
        part = f"{row['container']}/{row['image']}"
        yield {
            "object": row["workload"],
            "part": part,
            "reported": row["image"],
            **_line(known[row["image"]], lines),
        }


Lines = dict[str, list[dict[str, Any]]]


def _lines(lifecycles: pd.DataFrame) -> Lines:
    """Return lines of releases by product, the longest names first: 1.35 before 1."""
    found: Lines = {}
    for row in rows_of(lifecycles):
        found.setdefault(str(row["product"]), []).append(row)
    return {product: sorted(rows, key=lambda row: -len(row["cycle"])) for product, rows in found.items()}


def _line(found: Version, lines: Lines) -> dict[str, Any]:
    """Return a product, its version, and the line of releases that it belongs to."""
    told = {"product": found.product, "version": found.version}
    for row in lines.get(found.product, ()):
        if row["cycle"] == "*" or (found.version and is_of_cycle(found.version, str(row["cycle"]))):
            dated = {name: row[name] for name in ("cycle", "eol_on", "checked_on")}
            return {**told, **dated, "lifecycle_source": row["source"]}
    return told
