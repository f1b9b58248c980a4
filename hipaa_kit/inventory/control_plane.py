"""The control plane where it runs as pods: its members, and the flags they run with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from hipaa_kit.inventory.fields import condition, items, text
from hipaa_kit.inventory.pods import POD_KINDS, PodView, pod_views
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube.command_flags import Flag, command_flags
from hipaa_kit.kube.facts import program
from hipaa_kit.kube.images import parse_image
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.control_plane import CONTROL_PLANE_FLAGS, CONTROL_PLANE_MEMBERS

COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")


def members(snapshot: Snapshot) -> Iterator[tuple[str, PodView]]:
    """Yield (component, pod) of the control-plane components that run as pods of kube-system.

    Source: kubeadm labels its static pods `component` and `tier: control-plane`,
    https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
    """
    for pod in pod_views(snapshot, "kube-system"):
        component = pod.labels.get("component", "")
        if pod.live and component in COMPONENTS:
            yield component, pod


@builds(CONTROL_PLANE_MEMBERS, reads=POD_KINDS)
def control_plane_members(snapshot: Snapshot, nodes: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield a row per member of the control plane."""
    zones = dict(zip(nodes["name"], nodes["zone"], strict=True))
    for component, pod in members(snapshot):
        node = text(pod.spec, "nodeName")
        yield {
            "component": component,
            "pod": pod.object,
            "node": node,
            "zone": zones.get(node, ""),
            "ready": condition(pod.content, "Ready"),
            "flags_read": flags_of(component, pod) is not None,
            "version": next((parse_image(text(each, "image")).tag for each in items(pod.spec, "containers")), ""),
        }


@builds(CONTROL_PLANE_FLAGS, reads=POD_KINDS)
def control_plane_flags(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per flag of each member of the control plane."""
    for component, pod in members(snapshot):
        for number, flag in enumerate(flags_of(component, pod) or []):
            yield {"component": component, "pod": pod.object, "number": number, **flag._asdict()}


def flags_of(component: str, pod: PodView) -> list[Flag] | None:
    """Return the flags of a member; None where its container starts something else, whose words say nothing."""
    for container in items(pod.spec, "containers"):
        words = [*_words(container, "command"), *_words(container, "args")]
        image = parse_image(text(container, "image")).repository.rpartition("/")[2]
        if program(words) == component:
            return list(command_flags(words[1:]))
        if image == component and not _words(container, "command"):
            return list(command_flags(words))
    return None


def _words(container: Mapping[str, Any], key: str) -> list[str]:
    words = container.get(key)
    return [str(word) for word in words] if isinstance(words, list) else []
