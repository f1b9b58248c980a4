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


AUDIT_WEBHOOK: Final = "audit webhook"


@builds(DETECTORS, facts=[FALCO_SETTINGS])
def detectors(
    snapshot: Snapshot,
    pods: pd.DataFrame,
    containers: pd.DataFrame,
    volumes: pd.DataFrame,
    control_plane_flags: pd.DataFrame,
) -> Iterator[dict[str, Any]]:
    """Yield a row per workload of a sensor, and per API server that sends audit events to something else.

    Falco looks at audit events where its configuration loads a plugin for them and names rules about them; that stands
    in a ConfigMap. What stands behind a webhook of the API server is not visible.
    """
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
            "state": _state(str(sensor), [loaded[name] for name in mounted]),
            "ready": None if held["ready"].isna().all() else bool(held["ready"].fillna(False).any()),
        }
    sending = control_plane_flags[control_plane_flags["name"] == "audit-webhook-config-file"]
    for pod in sorted(set(sending["pod"])):
        yield {"object": pod, "engine": AUDIT_WEBHOOK, "state": "open", "ready": None}


def _state(sensor: str, settings: list[dict[str, Any]]) -> str:
    if sensor in NEVER:
        return "no"
    reading = [each for each in settings if any(plugin.startswith(AUDIT) for plugin in each["plugins"])]
    if any(each["audit_rules"] for each in reading):
        return "reads"
    return "no" if settings and not reading else "open"
