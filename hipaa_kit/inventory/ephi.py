"""The ePHI scope met with the objects: what is in it, and what comes with it."""

from __future__ import annotations

import fnmatch
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from hipaa_kit.inventory.network import followed
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube.owners import object_id, parse_object_id
from hipaa_kit.sources.scope import Scope, ScopeEntry
from hipaa_kit.tables.scope import (
    EPHI_OBJECTS,
    EPHI_WORKLOADS,
    EXPECTED_FLOWS,
    SCOPE_DECLARATION,
    SCOPE_ENTRIES,
    SCOPE_MATCHES,
)
from hipaa_kit.vocabulary import CRITICALITIES

LABELLED_KIND = {"label": "Pod", "namespace": "Namespace", "claim": "PersistentVolumeClaim", "service": "Service"}
DECLARED = "declared"


@builds(SCOPE_DECLARATION)
def scope_declaration(scope: Scope | None) -> Iterator[dict[str, Any]]:
    """Yield the one row that says whether a scope is declared."""
    if scope is None:
        yield {"object": "Scope//none", "declared": False, "entries": 0}
    else:
        yield {
            "object": object_id("Scope", "", scope.name),
            "declared": True,
            "owner": scope.owner,
            "reviewed_on": scope.reviewed_on,
            "entries": len(scope.entries),
        }


@builds(SCOPE_MATCHES)
def scope_matches(
    scope: Scope | None,
    labels: pd.DataFrame,
    namespaces: pd.DataFrame,
    workloads: pd.DataFrame,
    pods: pd.DataFrame,
    containers: pd.DataFrame,
    claims: pd.DataFrame,
    services: pd.DataFrame,
    ingress_routes: pd.DataFrame,
) -> Iterator[dict[str, str]]:
    """Yield a row per object that an entry selects, as written, without what comes with it."""
    if scope is None:
        return
    bare = {"Namespace": namespaces, "Pod": pods, "PersistentVolumeClaim": claims, "Service": services}
    everything = [*workloads["object"], *ingress_routes["object"].unique()]
    everything += [name for frame in bare.values() for name in frame["object"]]
    found = _Matcher(labels, bare, sorted(set(everything)), _images(pods, containers))
    for entry in scope.entries:
        for name in found.matches(entry):
            yield {"entry": entry.object, "object": name}


def _images(pods: pd.DataFrame, containers: pd.DataFrame) -> list[tuple[str, str]]:
    """Return (image, workload) of every container."""
    owner = dict(zip(pods["object"], pods["workload"], strict=True))
    return sorted({(image, owner[pod]) for image, pod in zip(containers["image"], containers["pod"], strict=True)})


class _Matcher:
    """Finds what an entry selects."""

    def __init__(
        self,
        labels: pd.DataFrame,
        bare: dict[str, pd.DataFrame],
        everything: list[str],
        images: list[tuple[str, str]],
    ) -> None:
        self._everything = everything
        self._images = images
        self._labels: dict[str, dict[str, dict[str, str]]] = {
            kind: {name: {} for name in frame["object"]} for kind, frame in bare.items()
        }
        columns = ["object", "kind", "key", "value"]
        for name, kind, key, value in labels[columns].itertuples(index=False):
            if kind in self._labels and name in self._labels[kind]:
                self._labels[kind][name][key] = value

    def matches(self, entry: ScopeEntry) -> list[str]:
        """Return the objects that an entry selects."""
        if entry.selector == "external":
            return []
        if entry.selector == "name":
            return [name for name in self._everything if fnmatch.fnmatchcase(name, entry.text)]
        if entry.selector == "image":
            found = {workload for image, workload in self._images if fnmatch.fnmatchcase(image, entry.text)}
        else:
            labelled = self._labels[LABELLED_KIND[entry.selector]]
            found = {name for name, held in labelled.items() if entry.labels.matches(held)}
        here = [name for name in found if not entry.namespace or parse_object_id(name)[1] == entry.namespace]
        return sorted(here)


@builds(SCOPE_ENTRIES)
def scope_entries(scope: Scope | None, scope_matches: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield a row per entry of the scope file, with how many objects it selects."""
    counts = scope_matches["entry"].value_counts()
    for entry in scope.entries if scope else ():
        yield {
            "object": entry.object,
            "selector": entry.selector,
            "text": entry.text,
            "namespace": entry.namespace,
            "owner": entry.owner,
            "data_class": entry.data_class,
            "criticality": entry.criticality,
            "via": entry.via,
            "line": entry.line,
            "matches": None if entry.selector == "external" else int(counts.get(entry.object, 0)),
        }


@dataclass(frozen=True)
class _Reason:
    """Why an object is in scope: through which entry, and what led to it."""

    entry: ScopeEntry
    via: str


@builds(EPHI_OBJECTS)
def ephi_objects(
    scope: Scope | None,
    scope_matches: pd.DataFrame,
    pods: pd.DataFrame,
    workloads: pd.DataFrame,
    volumes: pd.DataFrame,
    claims: pd.DataFrame,
    services: pd.DataFrame,
    service_backends: pd.DataFrame,
    ingress_routes: pd.DataFrame,
) -> Iterator[dict[str, Any]]:
    """Yield a row per object in the ePHI scope: what is declared, and what comes with it.

    A namespace brings everything in it that is looked at here. A pod or claim brings its workload, a
    workload its pods, the claims they mount, the Services that select them, those that stand for these by an external
    name, and the routes to them. A Service that an entry itself selects brings the pods behind it; one that came with
    a pod does not, since it may stand before others too.
    What an exclusion names stays out, and brings nothing. The highest criticality counts.
    """
    if scope is None:
        return
    links = _Links(pods, workloads, volumes, claims, services, service_backends, ingress_routes)
    matched: dict[str, list[str]] = defaultdict(list)
    for entry, name in scope_matches[["entry", "object"]].itertuples(index=False):
        matched[entry].append(name)
    reasons: dict[str, _Reason] = {}
    for entry in sorted(scope.entries, key=lambda e: (CRITICALITIES.index(e.criticality), e.position)):
        if entry.selector == "external":
            reasons.setdefault(object_id("External", "", entry.text), _Reason(entry, DECLARED))
            matched[entry.object] += [entry.via] if entry.via in links.known else []
        _spread(entry, matched[entry.object], links, scope, reasons)
    for name, reason in reasons.items():
        kind, namespace, own = parse_object_id(name)
        yield {
            "object": name,
            "kind": kind,
            "namespace": namespace,
            "name": own,
            "criticality": reason.entry.criticality,
            "data_class": reason.entry.data_class,
            "owner": reason.entry.owner,
            "entry": reason.entry.object,
            "via": reason.via,
        }


def _spread(entry: ScopeEntry, names: Iterable[str], links: _Links, scope: Scope, reasons: dict[str, _Reason]) -> None:
    """Take what an entry selects and all that comes with it."""
    seen: set[str] = set()
    selected = [name for name in names if not _excluded(name, scope)]
    waiting = [(name, DECLARED) for name in selected]
    waiting += [(pod, name) for name in selected for pod in links.behind(name)]
    while waiting:
        name, via = waiting.pop(0)
        if name in seen or _excluded(name, scope):
            continue
        seen.add(name)
        reasons.setdefault(name, _Reason(entry, via))
        waiting += [(other, name) for other in links.brings(name)]


def _excluded(name: str, scope: Scope) -> bool:
    return any(fnmatch.fnmatchcase(name, each.object) for each in scope.exclude)


class _Links:
    """What comes with an object that is in scope."""

    def __init__(
        self,
        pods: pd.DataFrame,
        workloads: pd.DataFrame,
        volumes: pd.DataFrame,
        claims: pd.DataFrame,
        services: pd.DataFrame,
        service_backends: pd.DataFrame,
        ingress_routes: pd.DataFrame,
    ) -> None:
        self._next: dict[str, list[str]] = defaultdict(list)
        self._behind: dict[str, list[str]] = defaultdict(list)
        self.known = {*pods["object"], *workloads["object"], *claims["object"], *services["object"]}
        mounts = volumes[volumes["reference"].isin(claims["object"])]
        owner = dict(zip(pods["object"], pods["workload"], strict=True))
        for frame in (workloads, pods, claims, services):
            for namespace, name in frame[["namespace", "object"]].itertuples(index=False):
                self._next[object_id("Namespace", "", namespace)].append(name)
        for pod, workload in owner.items():
            self._join(pod, workload, both=True)
        for pod, claim in mounts[["pod", "reference"]].itertuples(index=False):
            self._join(pod, claim)
            self._next[claim].append(owner[pod])
        for service, pod in service_backends[["service", "pod"]].itertuples(index=False):
            self._join(pod, service)
            self._behind[service].append(pod)
        for route, service in ingress_routes[["object", "service"]].drop_duplicates().itertuples(index=False):
            self._join(service, route)
        for alias, service in followed(services).items():
            self._join(service, alias)
        bound = claims[claims["persistent_volume"] != ""]
        for claim, volume in bound[["object", "persistent_volume"]].itertuples(index=False):
            self._join(claim, volume)

    def brings(self, name: str) -> list[str]:
        """Return what comes directly with an object."""
        return self._next.get(name, [])

    def behind(self, service: str) -> list[str]:
        """Return the pods that a Service selects; none for any other object."""
        return self._behind.get(service, [])

    def _join(self, first: str, second: str, *, both: bool = False) -> None:
        self._next[first].append(second)
        if both:
            self._next[second].append(first)


def ephi_namespaces(ephi_objects: pd.DataFrame) -> frozenset[str]:
    """Return the namespaces that are in the ePHI scope themselves, or hold an object that is.

    What is declared counts without an object in sight: it may be gone by now, or stand where nobody was let in.
    """
    whole = ephi_objects.loc[ephi_objects["kind"] == "Namespace", "name"]
    return frozenset([*ephi_objects["namespace"], *whole]) - {""}


@builds(EPHI_WORKLOADS)
def ephi_workloads(workloads: pd.DataFrame, ephi_objects: pd.DataFrame) -> pd.DataFrame:
    """Return the workloads in the ePHI scope, with criticality, data class and owner."""
    about = ephi_objects[["object", "criticality", "data_class", "owner"]]
    return workloads.merge(about, on="object", how="inner")


@builds(EXPECTED_FLOWS)
def expected_flows(scope: Scope | None) -> Iterator[dict[str, Any]]:
    """Yield a row per flow that the scope declares as belonging to the application."""
    rows = {}
    for flow in scope.expected_flows if scope else ():
        key = (flow.source, flow.destination, -1 if flow.port is None else flow.port, flow.protocol)
        rows[key] = {
            "source": flow.source,
            "destination": flow.destination,
            "port": flow.port,
            "protocol": flow.protocol,
        }
    yield from rows.values()
