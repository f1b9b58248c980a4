"""What the objects of the Prometheus operator mean: which monitors and rules a server takes, and which pods they name.

Source: https://prometheus-operator.dev/docs/api-reference/api/ and pkg/prometheus/promcfg.go of
prometheus-operator/prometheus-operator. A null label selector takes nothing, an empty one everything; a null namespace
selector means the server's own namespace alone, an empty one all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hipaa_kit.kube.reading import as_map, as_maps, as_text, as_texts
from hipaa_kit.kube.selectors import Selector, SelectorError, label_selector

SELECTORS: Final = {
    "ServiceMonitor": ("serviceMonitorSelector", "serviceMonitorNamespaceSelector"),
    "PodMonitor": ("podMonitorSelector", "podMonitorNamespaceSelector"),
    "Probe": ("probeSelector", "probeNamespaceSelector"),
    "ScrapeConfig": ("scrapeConfigSelector", "scrapeConfigNamespaceSelector"),
    "PrometheusRule": ("ruleSelector", "ruleNamespaceSelector"),
    "AlertmanagerConfig": ("alertmanagerConfigSelector", "alertmanagerConfigNamespaceSelector"),
}
"""Kinds, and the fields of a server by which it takes them: by their labels, and by the labels of their namespaces."""

DROPPING: Final = frozenset(["drop", "dropequal", "keep", "keepequal"])
"""Actions of relabelling after which a target may be gone."""


@dataclass(frozen=True)
class Choice:
    """Which objects of one kind a server takes."""

    labels: Selector | None
    namespaces: Selector | None
    own: str
    broken: bool = False

    def takes(self, namespace: str, labels: Mapping[str, str], namespace_labels: Mapping[str, str]) -> bool:
        """Tell whether it takes an object with these labels in a namespace with those."""
        if self.labels is None or not self.labels.matches(labels):
            return False
        if self.namespaces is None:
            return namespace == self.own
        return self.namespaces.matches(namespace_labels)


def choice(spec: Mapping[str, Any], kind: str, own: str) -> Choice:
    """Return which objects of a kind a server in namespace `own` takes; a selector of a wrong form takes nothing."""
    labels, namespaces = SELECTORS[kind]
    try:
        return Choice(_selector(spec.get(labels)), _selector(spec.get(namespaces)), own)
    except SelectorError:
        return Choice(None, None, own, broken=True)


def _selector(written: Any) -> Selector | None:
    return None if written is None else label_selector(written)


def is_unmanaged(spec: Mapping[str, Any]) -> bool:
    """Tell whether a server takes its configuration from somewhere else: none of its selectors of targets is there."""
    kinds = ("ServiceMonitor", "PodMonitor", "Probe", "ScrapeConfig")
    return all(spec.get(SELECTORS[kind][0]) is None for kind in kinds)


def target_namespaces(spec: Mapping[str, Any], own: str, *, ignored: bool = False) -> frozenset[str] | None:
    """Return the namespaces that a monitor looks into; None stands for all.

    Parameters
    ----------
    spec
        Of the monitor.
    own
        Namespace it stands in.
    ignored
        The server ignores what monitors say of namespaces (`ignoreNamespaceSelectors`).
    """
    selector = as_map(spec, "namespaceSelector")
    if ignored:
        return frozenset([own])
    if selector.get("any") is True:
        return None
    return frozenset(as_texts(selector.get("matchNames")) or [own])


def target_selector(spec: Mapping[str, Any]) -> Selector | None:
    """Return which Services or pods a monitor selects by labels; None where what is written is no selector."""
    try:
        return label_selector(spec.get("selector"))
    except SelectorError:
        return None


@dataclass(frozen=True)
class Endpoint:
    """One way a monitor asks what it selects; one that names no port at all asks at every port.

    `port` names a port of the Service or pod, `container_port` and `container_number` one of the container.
    """

    port: str = ""
    container_port: str = ""
    container_number: int | None = None
    certain: bool = True


def endpoints(spec: Mapping[str, Any], kind: str) -> list[Endpoint]:
    """Return the endpoints of a ServiceMonitor or PodMonitor; the name of a port goes before its number."""
    field = "endpoints" if kind == "ServiceMonitor" else "podMetricsEndpoints"
    return [_endpoint(each) for each in as_maps(spec.get(field))]


def _endpoint(written: Mapping[str, Any]) -> Endpoint:
    actions = {as_text(each.get("action"), "replace").lower() for each in as_maps(written.get("relabelings"))}
    certain = not actions & DROPPING
    if port := as_text(written.get("port")):
        return Endpoint(port=port, certain=certain)
    number, target = written.get("portNumber"), written.get("targetPort")
    if isinstance(number, int) and not isinstance(number, bool) and number:
        return Endpoint(container_number=number, certain=certain)
    if isinstance(target, str) and target:
        return Endpoint(container_port=target, certain=certain)
    if isinstance(target, int) and not isinstance(target, bool) and target:
        return Endpoint(container_number=target, certain=certain)
    return Endpoint(certain=certain)


def replicas(spec: Mapping[str, Any]) -> int:
    """Return how many replicas of each shard a server asks for; one where nothing is written."""
    asked = spec.get("replicas")
    return asked if isinstance(asked, int) and not isinstance(asked, bool) else 1


def storage(spec: Mapping[str, Any]) -> str:
    """Return what a server keeps its data on: `claim`, or `none` where they are gone with the pod.

    Source: https://prometheus-operator.dev/docs/platform/storage/: without `storage` it is an emptyDir;
    `emptyDir` and `ephemeral` go before `volumeClaimTemplate`.
    """
    written = as_map(spec, "storage")
    passing = any(written.get(name) is not None for name in ("emptyDir", "ephemeral"))
    return "claim" if as_map(written, "volumeClaimTemplate") and not passing else "none"
