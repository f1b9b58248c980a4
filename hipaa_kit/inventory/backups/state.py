"""By what the state of the cluster itself could be made again.

Sources: https://docs.k3s.io/cli/etcd-snapshot (ETCDSnapshotFile), https://argo-cd.readthedocs.io/en/stable/ and
https://fluxcd.io/flux/components/kustomize/kustomizations/. Git holds what was declared: neither Secrets that were
made in the cluster, nor data.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from hipaa_kit.inventory.backups import cronjobs
from hipaa_kit.inventory.backups.model import ACTIVE, FAILED, PAUSED, UNKNOWN
from hipaa_kit.inventory.fields import condition, mapping, text, truth
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube import kinds
from hipaa_kit.kube.custom_kinds import custom
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.backups import CLUSTER_STATE

FILE = custom("k3s.cattle.io", "ETCDSnapshotFile")
APPLICATION = custom("argoproj.io", "Application")
KUSTOMIZATION = custom("kustomize.toolkit.fluxcd.io", "Kustomization")


@builds(CLUSTER_STATE, reads=[FILE, APPLICATION, KUSTOMIZATION, kinds.CRON_JOB])
def cluster_state(
    snapshot: Snapshot, backup_plans: pd.DataFrame, backup_runs: pd.DataFrame
) -> Iterator[dict[str, Any]]:
    """Yield a row per thing from which the cluster's own state could come back."""
    for record in snapshot.records(FILE):
        ready = truth(record.content, "status", "readyToUse")
        yield {
            "mechanism": "etcd_snapshot",
            "object": record.object,
            "state": FAILED if ready is False else ACTIVE if ready else UNKNOWN,
            "last_run_at": text(record.content, "status", "creationTime"),
            "place": "" if mapping(record.content, "spec", "s3") else "node",
        }
    for record in cronjobs.etcd_jobs(snapshot):
        yield {
            "mechanism": "etcd_job",
            "object": record.object,
            "state": PAUSED if truth(record.content, "spec", "suspend") else ACTIVE,
            "last_run_at": text(record.content, "status", "lastSuccessfulTime"),
            "interval_hours": cronjobs.when(record)[1],
            "guessed": True,
        }
    yield from _whole_backups(backup_plans, backup_runs)
    for record in snapshot.records(APPLICATION):
        healthy = text(mapping(record.content, "status"), "sync", "status")
        yield {"mechanism": "gitops", "object": record.object, "state": ACTIVE if healthy == "Synced" else UNKNOWN}
    for record in snapshot.records(KUSTOMIZATION):
        off = truth(record.content, "spec", "suspend")
        ready = condition(record.content, "Ready")
        state = PAUSED if off else FAILED if ready is False else ACTIVE if ready else UNKNOWN
        yield {"mechanism": "gitops", "object": record.object, "state": state}


def _whole_backups(plans: pd.DataFrame, runs: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield the plans that take the whole cluster, with when they last succeeded."""
    whole = runs[runs["whole_cluster"] & (runs["outcome"] == "completed")]
    last = whole.groupby("plan")["started_at"].max()
    for plan in plans[plans["whole_cluster"]].itertuples(index=False):
        yield {
            "mechanism": "velero",
            "object": plan.object,
            "state": {"active": ACTIVE, "paused": PAUSED, "invalid": FAILED}.get(str(plan.state), UNKNOWN),
            "last_run_at": str(last.get(plan.object, "")),
            "interval_hours": plan.interval_hours,
        }
