"""Programs that watch the cluster: what runs, where, and whether it is ready."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pandas as pd

from hipaa_kit.inventory.containers import each_container
from hipaa_kit.inventory.fields import condition, mapping, reference, text, texts
from hipaa_kit.inventory.pods import POD_KINDS, PodView, selectable
from hipaa_kit.inventory.registry import builds
from hipaa_kit.inventory.repeated import pod_rows
from hipaa_kit.kube import kinds
from hipaa_kit.kube.facts import FLOW_EXPORT
from hipaa_kit.kube.images import parse_image
from hipaa_kit.kube.monitoring.programs import STORES, duties_of, program_of
from hipaa_kit.sources.pseudonyms import is_pseudonym
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.monitoring import API_SERVICES, FLOW_EXPORTS, STORE_FOLDERS, WATCHERS

AGENT: Final = "cilium-agent"
"""Container of the agent in the pods that Cilium's chart makes."""


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


@builds(FLOW_EXPORTS, also=[kinds.CONFIG_MAP], facts=[FLOW_EXPORT])
def flow_exports(snapshot: Snapshot, pods: pd.DataFrame, containers: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield a row per configuration of Cilium's agents that was read: what it says lies in no other kind of object."""
    held = selectable(pods).rename(columns={"object": "pod"})[["pod", "namespace", "live"]]
    agents = containers[containers["container"] == AGENT][["pod", "ready"]].merge(held[held["live"]], on="pod")
    for record in snapshot.records(kinds.CONFIG_MAP):
        if FLOW_EXPORT in record.facts:
            ready = agents[agents["namespace"] == record.namespace]["ready"].fillna(False).astype(bool)
            yield {
                "object": record.object,
                **record.facts[FLOW_EXPORT],
                "running": len(ready) > 0 and bool(ready.all()),
            }


@builds(STORE_FOLDERS, reads=POD_KINDS)
def store_folders(snapshot: Snapshot) -> pd.DataFrame:
    """Return a row per container of a program that keeps what it is told, and folder in which it may keep that."""
    return pod_rows(STORE_FOLDERS, snapshot, _folders)


def _folders(pod: PodView) -> Iterator[dict[str, Any]]:
    for role, container in each_container(pod):
        program = program_of(parse_image(text(container, "image")).repository)
        store = STORES.get(program.name) if program and role != "init" else None
        if program and store:
            told = _given(store.flag, [*texts(container, "command"), *texts(container, "args")])
            for folder in (store.folders or ("",)) if told is None else [told if told.startswith("/") else ""]:
                yield {
                    "pod": pod.object,
                    "container": text(container, "name"),
                    "program": program.name,
                    "folder": folder.rstrip("/"),
                }


def _given(flag: str, words: list[str]) -> str | None:
    """Return the value of a flag, the last one where it is given twice; None where it is not given at all.

    Which other flags stand alone is not known for each program, so that only this one is looked for. A word that did
    not pass the door, and is no value of a flag before it, may be this one.
    """
    found = None
    for before, word, following in zip(["", *words], words, [*words[1:], ""], strict=False):
        name, given, value = word.lstrip("-").partition("=")
        if flag and word.startswith("-") and name == flag:
            found = value if given else following
        elif flag and found is None and is_pseudonym(word) and (before[:1] != "-" or "=" in before):
            found = ""
    return found


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
