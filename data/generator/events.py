"""Events: what the controllers and kubelets said in the last hour before the collection."""

from __future__ import annotations

from dataclasses import dataclass

from model import Autoscaler, Claim, Hospital, Workload
from objects import KINDS, Cluster, Object, digest, uid
from pods import job_name, replicas

TROUBLES = {
    "CrashLoopBackOff": ("BackOff", "Back-off restarting failed container"),
    "ImagePullBackOff": ("Failed", "Error: ImagePullBackOff"),
    "NotReady": ("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503"),
}


@dataclass(frozen=True)
class Remark:
    """One Event, in short."""

    kind: str
    namespace: str
    name: str
    reason: str
    message: str
    component: str
    warning: bool = True
    count: int = 1
    node: str = ""


def add_events(cluster: Cluster, hospital: Hospital) -> None:
    """Add what happened lately: nightly routine, and the signs of what is wrong."""
    for workload in hospital.all(Workload):
        for remark in remarks_of(hospital, workload):
            add_event(cluster, remark)
    for autoscaler in hospital.all(Autoscaler):
        if not autoscaler.active:
            add_event(
                cluster,
                Remark(
                    "HorizontalPodAutoscaler",
                    autoscaler.namespace,
                    autoscaler.name,
                    "FailedGetResourceMetric",
                    "failed to get cpu utilization: unable to fetch metrics from resource metrics API",
                    "horizontal-pod-autoscaler",
                    count=2837,
                ),
            )
    for claim in hospital.all(Claim):
        if not claim.bound:
            message = f'storageclass.storage.k8s.io "{claim.storage_class}" not found'
            component = "persistentvolume-controller"
            add_event(
                cluster,
                Remark(
                    "PersistentVolumeClaim",
                    claim.namespace,
                    claim.name,
                    "ProvisioningFailed",
                    message,
                    component,
                    count=240,
                ),
            )
    for kind, name, reason, message in (
        ("Certificate", "portal-web-tls", "Issuing", "The certificate has been successfully issued"),
        ("Ingress", "portal-web", "Sync", "Scheduled for sync"),
    ):
        remark = Remark(kind, "portal", name, reason, message, "cert-manager", warning=False)
        add_event(cluster, remark)


def remarks_of(hospital: Hospital, workload: Workload) -> list[Remark]:
    """Return what was said of one workload."""
    if workload.kind == "CronJob" and not workload.suspended:
        job = job_name(workload)
        said = [
            ("CronJob", workload.name, "SawCompletedJob", f"Saw completed job: {job}", "cronjob-controller"),
            ("Job", job, "Completed", "Job completed", "job-controller"),
        ]
        return [
            Remark(kind, workload.namespace, name, reason, message, component, warning=False)
            for kind, name, reason, message, component in said
        ]
    return [
        Remark(
            "Pod",
            workload.namespace,
            replica.name,
            *TROUBLES[replica.trouble.reason],
            "kubelet",
            count=40 + digest(replica.name) % 300,
            node=replica.node,
        )
        for replica in replicas(hospital, workload)
        if replica.trouble and replica.trouble.reason in TROUBLES
    ]


def add_event(cluster: Cluster, remark: Remark) -> None:
    """Add one Event."""
    first = "2026-11-20T01:05:12Z" if remark.count > 1 else "2026-11-20T01:41:30Z"
    last = "2026-11-20T01:58:44Z" if remark.count > 1 else first
    involved: Object = {
        "apiVersion": KINDS[remark.kind].api_version,
        "kind": remark.kind,
        "name": remark.name,
        "namespace": remark.namespace,
        "uid": uid(remark.kind, remark.namespace, remark.name),
    }
    mark = f"{digest('event', remark.kind, remark.namespace, remark.name, remark.reason):016x}"
    host = {"host": remark.node} if remark.node else {}
    cluster.add(
        "Event",
        remark.namespace,
        f"{remark.name}.{mark}",
        {
            "count": remark.count,
            "eventTime": None,
            "firstTimestamp": first,
            "involvedObject": involved,
            "lastTimestamp": last,
            "message": remark.message,
            "reason": remark.reason,
            "reportingComponent": remark.component,
            "reportingInstance": remark.node,
            "source": {"component": remark.component, **host},
            "type": "Warning" if remark.warning else "Normal",
        },
        created=first,
    )
