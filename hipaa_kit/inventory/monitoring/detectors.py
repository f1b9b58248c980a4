"""What may look for suspicious requests among the audit events of the API server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pandas as pd

from hipaa_kit.inventory.integrity import sensors_in
from hipaa_kit.inventory.pods import selectable
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube import kinds
from hipaa_kit.kube.facts import FALCO_SETTINGS
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.alerting import DETECTORS

NEVER: Final = frozenset(["KubeArmor", "Tetragon", "Tracee"])
"""Sensors of what happens on nodes, which read no audit events."""

AUDIT: Final = "k8saudit"
"""How plugins of Falco that read audit events begin: `k8saudit`, `k8saudit-eks`, `k8saudit-gke`, …

Source: https://github.com/falcosecurity/plugins
"""


WAITING: Final = "k8saudit"
"""The plugin that waits for events, or reads them from a file; those of providers fetch them where they are kept.

Source: https://github.com/falcosecurity/plugins/tree/main/plugins/k8saudit
"""

AUDIT_WEBHOOK: Final = "audit webhook"
POLICY, SENDS, WRITES = "audit-policy-file", "audit-webhook-config-file", "audit-log-path"
API_SERVER: Final = "kube-apiserver"


@builds(DETECTORS, also=[kinds.CONFIG_MAP], facts=[FALCO_SETTINGS])
def detectors(
    snapshot: Snapshot,
    pods: pd.DataFrame,
    containers: pd.DataFrame,
    volumes: pd.DataFrame,
    control_plane_members: pd.DataFrame,
    control_plane_flags: pd.DataFrame,
) -> Iterator[dict[str, Any]]:
    """Yield a row per workload of a sensor, and per API server that sends audit events to something else.

    Falco looks at audit events where its configuration loads a plugin for them and names rules about them; that stands
    in a ConfigMap. Events come to it where an API server sends them, or where a provider keeps them. What stands behind
    a webhook of the API server is not visible.
    """
    sent = _sent(control_plane_members, control_plane_flags)
    loaded = {
        record.object: record.facts[FALCO_SETTINGS]
        for record in snapshot.records(kinds.CONFIG_MAP)
        if FALCO_SETTINGS in record.facts
    }
    running = sensors_in(containers).merge(selectable(pods).rename(columns={"object": "pod"}), on="pod")
    for (workload, sensor), held in running.groupby(["workload", "sensor"], sort=True):
        mounted = sorted(set(volumes[volumes["pod"].isin(held["pod"])]["reference"]) & set(loaded))
        yield {
            "object": workload,
            "engine": sensor,
            "state": _state(str(sensor), [loaded[name] for name in mounted], sent),
            "ready": None if held["ready"].isna().all() else bool(held["ready"].fillna(False).any()),
        }
    flags = control_plane_flags
    for pod in sorted(set(flags[flags["name"] == SENDS]["pod"]) & set(flags[flags["name"] == POLICY]["pod"])):
        yield {"object": pod, "engine": AUDIT_WEBHOOK, "state": "open", "ready": None}


def _sent(members: pd.DataFrame, flags: pd.DataFrame) -> str:
    """Return how events leave the API servers: `sent` by each of them, `never` by any, or `unseen`.

    Without a policy an API server records nothing, whatever else it is told.
    Source: https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/#audit-policy
    """
    servers = members[members["component"] == API_SERVER]
    given = {pod: set(flags.loc[flags["pod"] == pod, "name"]) for pod in servers["pod"]}
    if not given or not servers["flags_read"].all():
        return "unseen"
    if all({POLICY, SENDS} <= held for held in given.values()):
        return "sent"
    recorded = any(POLICY in held and held & {SENDS, WRITES} for held in given.values())
    return "unseen" if recorded else "never"


def _state(sensor: str, settings: list[dict[str, Any]], sent: str) -> str:
    if sensor in NEVER:
        return "no"
    reading = [each for each in settings if any(plugin.startswith(AUDIT) for plugin in each["plugins"])]
    ruled = [each for each in reading if each["audit_rules"]]
    if not ruled:
        return "no" if settings and not reading else "open"
    if sent == "sent" or any(plugin.startswith(f"{WAITING}-") for each in ruled for plugin in each["plugins"]):
        return "reads"
    return "starved" if sent == "never" else "waits"
