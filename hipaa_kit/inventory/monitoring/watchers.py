"""Programs that watch the cluster: what runs, where, and whether it is ready."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from hipaa_kit.inventory.fields import condition, mapping, reference, text
from hipaa_kit.inventory.pods import selectable
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube import kinds
from hipaa_kit.kube.monitoring.programs import duties_of, program_of
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.monitoring import API_SERVICES, WATCHERS


@builds(WATCHERS)
def watchers(pods: pd.DataFrame, containers: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield a row per pod of a program that watches, and thing it does; of two that do the same the surer one."""
    images = {image: program_of(image) for image in containers["repository"].unique()}
    known = containers[containers["repository"].map(lambda image: images[image] is not None).astype(bool)]
    known = known[known["role"] != "init"][["pod", "container", "repository"]]
    running = selectable(pods).rename(columns={"object": "pod"})
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows_of(known.merge(running, on="pod")):
        program = images[row["repository"]]
        for duty, by_itself in duties_of(program) if program else ():
            if by_itself or (row["pod"], duty) not in rows:
                rows[row["pod"], duty] = {
                    "pod": row["pod"],
                    "duty": duty,
                    "program": program.name if program else "",
                    "workload": row["workload"],
                    "namespace": row["namespace"],
                    "node": row["node"],
                    "live": row["live"],
                    "ready": row["ready"],
                    "by_itself": by_itself,
                    "outside": program is not None and program.outside,
                }
    yield from rows.values()


@builds(API_SERVICES, reads=[kinds.API_SERVICE])
def api_services(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per APIService that another server answers, such as that of the metrics of pods.

    Source: https://kubernetes.io/docs/tasks/extend-kubernetes/setup-extension-api-server/
    """
    for record in snapshot.records(kinds.API_SERVICE):
        service = mapping(record.content, "spec", "service")
        if service:
            yield {
                "object": record.object,
                "service": reference("Service", text(service, "namespace"), text(service, "name")),
                "available": condition(record.content, "Available"),
            }
