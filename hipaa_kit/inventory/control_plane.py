"""Flags of the control plane, as far as its components run as pods; and what operators are told to configure.

Source: kubeadm labels its static pods `component`,
https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/;
https://docs.redhat.com/en/documentation/openshift_container_platform/latest/html/security_and_compliance/tls-security-profiles
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hipaa_kit.inventory.cluster import COMPONENTS
from hipaa_kit.inventory.containers import each_container
from hipaa_kit.inventory.fields import mapping, text, texts
from hipaa_kit.inventory.pods import POD_KINDS, pod_views
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube import kinds
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.transit import CONTROL_PLANE_FLAGS, TLS_PROFILES


@builds(CONTROL_PLANE_FLAGS, reads=POD_KINDS)
def control_plane_flags(snapshot: Snapshot) -> Iterator[dict[str, str]]:
    """Yield a row per flag; of one that is given twice the last counts, as the programs themselves have it."""
    for pod in pod_views(snapshot):
        component = pod.labels.get("component", "")
        if pod.namespace != "kube-system" or component not in COMPONENTS:
            continue
        found: dict[str, str] = {}
        for role, container in each_container(pod):
            if role == "main":
                found.update(_flags(container))
        for flag, value in found.items():
            yield {"component": component, "pod": pod.object, "flag": flag, "value": value}


def _flags(container: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (flag, value) of a command; a value may stand in the next word."""
    words = [*texts(container, "command"), *texts(container, "args")]
    for at, word in enumerate(words):
        if word.startswith("-"):
            flag, given, value = word.lstrip("-").partition("=")
            follows = words[at + 1] if at + 1 < len(words) and not words[at + 1].startswith("-") else ""
            yield flag, value if given else follows


@builds(TLS_PROFILES, reads=[kinds.API_SERVER])
def tls_profiles(snapshot: Snapshot) -> Iterator[dict[str, str]]:
    """Yield a row per APIServer of OpenShift; one that names no profile has the default one, Intermediate."""
    for record in snapshot.records(kinds.API_SERVER):
        profile = mapping(record.content, "spec", "tlsSecurityProfile")
        yield {
            "object": record.object,
            "profile": text(profile, "type", default="Intermediate"),
            "min_version": text(profile, "custom", "minTLSVersion"),
        }
