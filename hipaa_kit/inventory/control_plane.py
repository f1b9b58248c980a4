"""The control plane's own settings, where its components run as pods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hipaa_kit.inventory.cluster import COMPONENTS
from hipaa_kit.inventory.fields import items, texts
from hipaa_kit.inventory.pods import POD_KINDS, pod_views
from hipaa_kit.inventory.registry import builds
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.cluster import CONTROL_PLANE_FLAGS


@builds(CONTROL_PLANE_FLAGS, reads=POD_KINDS)
def control_plane_flags(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per flag of each control-plane component that runs as a pod of `kube-system`.

    Notes
    -----
    A component is known by the program that its container runs, or, where no command is written, by the name of the
    container. Source: static pods as kubeadm writes them,
    https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/.
    """
    for pod in pod_views(snapshot):
        if pod.namespace != "kube-system" or not pod.live:
            continue
        for container in items(pod.spec, "containers"):
            component = component_of(container)
            words = [*texts(container, "command")[1:], *texts(container, "args")]
            for flag, value in flags_of(words).items() if component else ():
                yield {
                    "component": component,
                    "pod": pod.object,
                    "workload": pod.workload,
                    "flag": flag,
                    "value": value,
                }


def component_of(container: Mapping[str, Any]) -> str:
    """Return the control-plane component that a container runs; "" where it is none."""
    command = texts(container, "command")
    name = command[0].rpartition("/")[2] if command else container.get("name")
    return str(name) if name in COMPONENTS else ""


def flags_of(words: Sequence[str]) -> dict[str, str]:
    """Return flags with their values, as the flag library of Kubernetes reads them; the last of a name counts.

    Source: https://pkg.go.dev/github.com/spf13/pflag#hdr-Command_line_flag_syntax
    """
    found: dict[str, str] = {}
    before = ""
    for word in words:
        if word.startswith("--") and len(word) > 2:
            name, given, value = word[2:].partition("=")
            found[name] = value if given else "true"
            before = "" if given else name
        else:
            if before:
                found[before] = word
            before = ""
    return found
