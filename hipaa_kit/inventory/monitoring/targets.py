"""Which pods are scraped: those that monitors name, and those that ask for it by an annotation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from hipaa_kit.inventory.fields import mapping, string_map, truth
from hipaa_kit.inventory.monitoring.servers import POD_MONITOR, SCRAPING, SERVICE_MONITOR, labels_of
from hipaa_kit.inventory.pods import POD_KINDS, PodView
from hipaa_kit.inventory.registry import builds
from hipaa_kit.inventory.repeated import pod_rows
from hipaa_kit.inventory.selection import PodIndex, pod_index
from hipaa_kit.kube import kinds
from hipaa_kit.kube.monitoring.operator import Endpoint, endpoints, target_namespaces, target_selector
from hipaa_kit.kube.selectors import Selector
from hipaa_kit.sources.snapshot import Record, Snapshot
from hipaa_kit.tables.monitoring import SCRAPE_MARKS, SCRAPE_TARGETS

MARK: Final = "prometheus.io/scrape"
"""A convention of example configurations, which a server follows only where it is configured so."""

STATES: Final = ("target", "uncertain", "no_port", "not_taken")


@dataclass(frozen=True)
class _Ports:
    """Ports by pod and by Service: what a named port of a monitor leads to."""

    services: list[Record]
    labelled: Mapping[tuple[str, str], list[Record]]
    backends: Mapping[str, list[str]]
    of_service: Mapping[tuple[str, str], set[str]]
    named: Mapping[str, set[str]]
    numbers: Mapping[str, set[int]]

    def selected(self, selector: Selector, places: frozenset[str] | None) -> Iterator[Record]:
        """Yield the Services that a selector selects in some namespaces, or in all."""
        near = [self.labelled.get(label, []) for label in selector.required()]
        for service in min(near, key=len, default=self.services):
            if (places is None or service.namespace in places) and selector.matches(labels_of(service)):
                yield service

    def service_reached(self, service: str, endpoint: Endpoint) -> set[str]:
        """Return the pods of a Service that an endpoint of a ServiceMonitor leads to."""
        pods = self.backends.get(service, [])
        if endpoint.port:
            return self.of_service.get((service, endpoint.port), set())
        return {pod for pod in pods if self.has_port(pod, endpoint)}

    def has_port(self, pod: str, endpoint: Endpoint) -> bool:
        """Tell whether containers of a pod declare the port that an endpoint names; any where it names none."""
        name = endpoint.container_port or endpoint.port
        if name:
            return name in self.named.get(pod, set())
        if endpoint.container_number is not None:
            return endpoint.container_number in self.numbers.get(pod, set())
        return True


@builds(SCRAPE_TARGETS, reads=[SERVICE_MONITOR, POD_MONITOR, *SCRAPING, kinds.SERVICE, *POD_KINDS])
def scrape_targets(
    snapshot: Snapshot,
    monitors: pd.DataFrame,
    service_ports: pd.DataFrame,
    service_backends: pd.DataFrame,
    service_targets: pd.DataFrame,
    container_ports: pd.DataFrame,
) -> Iterator[dict[str, Any]]:
    """Yield a row per pod that a monitor names and server that takes the monitor.

    A ServiceMonitor names Services by their labels, and among their ports one by its name; a pod that gives this port
    no number is no target. A PodMonitor names pods and ports of their containers.
    Source: https://prometheus-operator.dev/docs/api-reference/api/
    """
    ignoring = {
        record.object
        for kind in SCRAPING
        for record in snapshot.records(kind)
        if truth(record.content, "spec", "ignoreNamespaceSelectors")
    }
    ports = _ports(snapshot, service_ports, service_backends, service_targets, container_ports)
    index = pod_index(snapshot)
    servers = {str(name): list(held) for name, held in monitors.groupby("object")["server"]}
    for kind in (SERVICE_MONITOR, POD_MONITOR):
        for record in snapshot.records(kind):
            for server in servers.get(record.object, [""]):
                found = _named_by(record, server in ignoring, ports, index)
                for pod, state in sorted(found.items()):
                    yield {
                        "pod": pod,
                        "monitor": record.object,
                        "server": server,
                        "state": state if server else "not_taken",
                    }


def _ports(
    snapshot: Snapshot,
    service_ports: pd.DataFrame,
    service_backends: pd.DataFrame,
    service_targets: pd.DataFrame,
    container_ports: pd.DataFrame,
) -> _Ports:
    services = list(snapshot.records(kinds.SERVICE))
    labelled: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in services:
        for label in labels_of(record).items():
            labelled[label].append(record)
    columns = ["service", "port", "protocol"]
    led = service_targets.merge(service_ports[[*columns, "name"]], on=columns)
    of_service: dict[tuple[str, str], set[str]] = defaultdict(set)
    for service, name, pod in zip(led["service"], led["name"], led["pod"], strict=True):
        of_service[service, name].add(pod)
    named, numbers = defaultdict(set), defaultdict(set)
    for pod, name, port in zip(container_ports["pod"], container_ports["name"], container_ports["port"], strict=True):
        named[pod].add(name)
        numbers[pod].add(int(port))
    backends = {str(service): list(pods) for service, pods in service_backends.groupby("service")["pod"]}
    return _Ports(services, labelled, backends, of_service, named, numbers)


def _named_by(record: Record, ignoring: bool, ports: _Ports, index: PodIndex) -> dict[str, str]:
    """Return the pods that a monitor names, each with its best state."""
    spec = mapping(record.content, "spec")
    selector = target_selector(spec)
    if selector is None:
        return {}
    places = target_namespaces(spec, record.namespace, ignored=ignoring)
    asked = endpoints(spec, record.kind)
    found: dict[str, str] = {}
    if record.kind == SERVICE_MONITOR.kind:
        for service in ports.selected(selector, places):
            for each in asked:
                reached = ports.service_reached(service.object, each)
                _note(found, reached, ports.backends.get(service.object, []), each)
    else:
        for namespace in index.namespaces() if places is None else sorted(places):
            pods = [pod.object for pod in index.selected(namespace, selector)]
            for each in asked:
                _note(found, {pod for pod in pods if ports.has_port(pod, each)}, pods, each)
    return found


def _note(found: dict[str, str], reached: set[str], pods: Iterable[str], endpoint: Endpoint) -> None:
    for pod in pods:
        state = "no_port" if pod not in reached else "target" if endpoint.certain else "uncertain"
        found[pod] = min(found.get(pod, state), state, key=STATES.index)


@builds(SCRAPE_MARKS, reads=[kinds.SERVICE, *POD_KINDS])
def scrape_marks(snapshot: Snapshot, service_backends: pd.DataFrame) -> pd.DataFrame:
    """Return a row per pod that asks to be scraped by an annotation, and one per Service that asks it for its pods."""
    own = pod_rows(SCRAPE_MARKS, snapshot, _marked)
    asking = [record.object for record in snapshot.records(kinds.SERVICE) if _asks(record.content)]
    behind = service_backends[service_backends["service"].isin(asking)]
    others = SCRAPE_MARKS.frame(
        {"pod": pod, "origin": service} for pod, service in zip(behind["pod"], behind["service"], strict=True)
    )
    return pd.concat([own, others], ignore_index=True).sort_values(["pod", "origin"], ignore_index=True)


def _marked(pod: PodView) -> Iterator[dict[str, Any]]:
    if _asks(pod.content):
        yield {"pod": pod.object, "origin": pod.object}


def _asks(content: Mapping[str, Any]) -> bool:
    annotations = mapping(content, "metadata", "annotations")
    return annotations.get(MARK) is True or string_map(content, "metadata", "annotations").get(MARK) == "true"
