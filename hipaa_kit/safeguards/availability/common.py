"""What several checks of availability share."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.inventory.pods import selectable

NOT_REPLICATED = ("CronJob", "DaemonSet", "Job")
"""Kinds whose pods are not replicas of one another."""


def ephi_pods(ephi_workloads: pd.DataFrame, pods: pd.DataFrame) -> pd.DataFrame:
    """Return the pods of ePHI workloads: columns `pod`, `object` (the workload), `live`, `namespace`."""
    inside = selectable(pods[pods["workload"].isin(ephi_workloads["object"])])
    return pd.DataFrame(
        {
            "pod": inside["object"],
            "object": inside["workload"],
            "live": inside["live"],
            "namespace": inside["namespace"],
            "qos_class": inside["qos_class"],
            "node": inside["node"],
        }
    )
