"""Controllers and what they own: ReplicaSets, ControllerRevisions, Jobs and pods."""

from __future__ import annotations

import json

from hospital import BLOCK
from model import Hospital, Workload, object_id
from objects import KINDS, Cluster, Object, moment, owner, suffix, uid
from pods import (
    Replica,
    bound_spec,
    claim_labels,
    job_name,
    pod_annotations,
    pod_labels,
    pod_status,
    replicas,
    rollout_day,
    selector,
    suffix_number,
    template,
    template_hash,
)

HASH = "pod-template-hash"
REVISION_HASH = "controller-revision-hash"


def created_at(workload: Workload) -> str:
    """Return when a workload was first rolled out."""
    number = suffix_number(workload)
    return moment(f"2026-{3 + number % 6:02}-{1 + number % 28:02}", "workload", object_id(workload))


def add_workloads(cluster: Cluster, hospital: Hospital) -> None:
    """Add every workload with all it owns."""
    for workload in hospital.all(Workload):
        found = replicas(hospital, workload)
        add = {
            "Deployment": add_deployment,
            "StatefulSet": add_stateful_set,
            "DaemonSet": add_daemon_set,
            "CronJob": add_cron_job,
            "StaticPod": add_static_pods,
        }[workload.kind]
        add(cluster, workload, found)


def add_pods(
    cluster: Cluster, workload: Workload, found: list[Replica], owned_by: Object, labels: dict[str, str]
) -> None:
    """Add the pods of one workload."""
    for replica in found:
        own = {}
        if workload.kind == "StatefulSet":
            own = {
                "apps.kubernetes.io/pod-index": str(replica.number),
                "statefulset.kubernetes.io/pod-name": replica.name,
            }
        prefix = replica.name.rpartition("-")[0] + "-"
        cluster.add(
            "Pod",
            workload.namespace,
            replica.name,
            {"spec": bound_spec(workload, replica), "status": pod_status(workload, replica)},
            created=replica.created,
            labels=pod_labels(workload) | labels | own,
            annotations=pod_annotations(workload) or None,
            owned_by=owned_by,
            generateName=prefix,
        )


def ready_counts(found: list[Replica]) -> Object:
    """Return the counts of a status; the API server leaves out those that are zero."""
    ready = sum(replica.ready for replica in found)
    counts = {"replicas": len(found), "updatedReplicas": len(found)}
    return counts | ({"readyReplicas": ready, "availableReplicas": ready} if ready else {})


def add_deployment(cluster: Cluster, workload: Workload, found: list[Replica]) -> None:
    """Add a Deployment with its ReplicaSets: the current one and, empty, the earlier ones."""
    key, created, rolled = object_id(workload), created_at(workload), rollout_day(workload)
    ready = sum(replica.ready for replica in found)
    surplus = workload.max_unavailable
    allowed = surplus if isinstance(surplus, int) else len(found) // 4
    available = ready >= len(found) - allowed
    since = max([replica.trouble.at for replica in found if replica.trouble], default=moment(rolled, key))
    spec: Object = {
        "progressDeadlineSeconds": 600,
        "replicas": workload.replicas,
        "revisionHistoryLimit": 10,
        "selector": {"matchLabels": selector(workload)},
        "strategy": {
            "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": surplus},
            "type": "RollingUpdate",
        },
        "template": template(workload),
    }
    annotations = {"deployment.kubernetes.io/revision": str(workload.revisions)}
    if workload.applied:
        annotations["kubectl.kubernetes.io/last-applied-configuration"] = applied(workload)
    status = {
        **ready_counts(found),
        "observedGeneration": workload.revisions,
        "conditions": [
            {
                "type": "Progressing",
                "status": "True",
                "reason": "NewReplicaSetAvailable",
                "lastUpdateTime": moment(rolled, key, after=60),
                "lastTransitionTime": created,
            },
            {
                "type": "Available",
                "status": "True" if available else "False",
                "reason": "MinimumReplicasAvailable" if available else "MinimumReplicasUnavailable",
                "lastUpdateTime": since if not available else moment(rolled, key, after=40),
                "lastTransitionTime": since if not available else created,
            },
        ],
    }
    if ready < len(found):
        status["unavailableReplicas"] = len(found) - ready
    cluster.add(
        "Deployment",
        workload.namespace,
        workload.name,
        {"spec": spec, "status": status},
        created=created,
        labels=pod_labels(workload),
        annotations=annotations,
        generation=workload.revisions,
        managedFields=managed_fields(workload),
    )
    for revision in range(workload.revisions):
        add_replica_set(cluster, workload, found if revision == 0 else [], revision)
    current = owner("ReplicaSet", workload.namespace, f"{workload.name}-{template_hash(workload)}")
    add_pods(cluster, workload, found, current, {HASH: template_hash(workload)})


def add_replica_set(cluster: Cluster, workload: Workload, found: list[Replica], revision: int) -> None:
    """Add one ReplicaSet of a Deployment; revisions are counted backwards from the current one."""
    name = template_hash(workload, revision)
    made = template(workload)
    made["metadata"]["labels"] = pod_labels(workload) | {HASH: name}
    if revision:
        made["spec"]["containers"][0]["image"] += f"-previous{revision}"
    counts = ready_counts(found)
    counts.pop("updatedReplicas")
    day = rollout_day(workload) if not revision else f"2026-{11 - revision:02}-14"
    cluster.add(
        "ReplicaSet",
        workload.namespace,
        f"{workload.name}-{name}",
        {
            "spec": {
                "replicas": len(found),
                "selector": {"matchLabels": selector(workload) | {HASH: name}},
                "template": made,
            },
            "status": {
                **counts,
                "observedGeneration": 1,
                **({"fullyLabeledReplicas": len(found)} if found else {}),
            },
        },
        created=moment(day, object_id(workload)),
        labels=made["metadata"]["labels"],
        annotations={
            "deployment.kubernetes.io/desired-replicas": str(workload.replicas),
            "deployment.kubernetes.io/revision": str(workload.revisions - revision),
        },
        owned_by=owner("Deployment", workload.namespace, workload.name),
        generation=1 if found else 2,
    )


def add_revision(cluster: Cluster, workload: Workload) -> Object:
    """Add the ControllerRevision that keeps the template of a StatefulSet or DaemonSet."""
    name = template_hash(workload)
    cluster.add(
        "ControllerRevision",
        workload.namespace,
        f"{workload.name}-{name}",
        {"data": {"spec": {"template": template(workload) | {"$patch": "replace"}}}, "revision": 1},
        created=created_at(workload),
        labels=pod_labels(workload) | {REVISION_HASH: name},
        owned_by=owner(workload.kind, workload.namespace, workload.name),
    )
    return {REVISION_HASH: name}


def add_stateful_set(cluster: Cluster, workload: Workload, found: list[Replica]) -> None:
    """Add a StatefulSet; its claims are added with the storage."""
    revision = add_revision(cluster, workload)
    spec: Object = {
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
        "podManagementPolicy": "OrderedReady",
        "replicas": workload.replicas,
        "revisionHistoryLimit": 10,
        "selector": {"matchLabels": selector(workload)},
        "serviceName": workload.name,
        "template": template(workload),
        "updateStrategy": {"rollingUpdate": {"partition": 0}, "type": "RollingUpdate"},
    }
    if workload.claims:
        spec["volumeClaimTemplates"] = [
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": name, "labels": claim_labels(workload.namespace)},
                "spec": {
                    "accessModes": ["ReadWriteOnce"],
                    "resources": {"requests": {"storage": f"{size}Gi"}},
                    "storageClassName": BLOCK,
                    "volumeMode": "Filesystem",
                },
                "status": {"phase": "Pending"},
            }
            for name, size in workload.claims.items()
        ]
    current = f"{workload.name}-{revision[REVISION_HASH]}"
    maker, _, name = workload.made_by.partition("/")
    status = {
        **ready_counts(found),
        "collisionCount": 0,
        "currentReplicas": len(found),
        "currentRevision": current,
        "observedGeneration": 1,
        "updateRevision": current,
    }
    cluster.add(
        "StatefulSet",
        workload.namespace,
        workload.name,
        {"spec": spec, "status": status},
        created=created_at(workload),
        labels=pod_labels(workload),
        owned_by=owner(maker, workload.namespace, name) if workload.made_by else None,
        generation=1,
        managedFields=managed_fields(workload),
    )
    named = owner("StatefulSet", workload.namespace, workload.name)
    add_pods(cluster, workload, found, named, {REVISION_HASH: current})


def add_daemon_set(cluster: Cluster, workload: Workload, found: list[Replica]) -> None:
    """Add a DaemonSet."""
    revision = add_revision(cluster, workload)
    count = len(found)
    cluster.add(
        "DaemonSet",
        workload.namespace,
        workload.name,
        {
            "spec": {
                "revisionHistoryLimit": 10,
                "selector": {"matchLabels": selector(workload)},
                "template": template(workload),
                "updateStrategy": {
                    "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1},
                    "type": "RollingUpdate",
                },
            },
            "status": {
                "currentNumberScheduled": count,
                "desiredNumberScheduled": count,
                "numberAvailable": count,
                "numberMisscheduled": 0,
                "numberReady": count,
                "observedGeneration": 1,
                "updatedNumberScheduled": count,
            },
        },
        created=created_at(workload),
        labels=pod_labels(workload),
        annotations={"deprecated.daemonset.template.generation": "1"},
        generation=1,
    )
    named = owner("DaemonSet", workload.namespace, workload.name)
    add_pods(cluster, workload, found, named, {**revision, "pod-template-generation": "1"})


def add_cron_job(cluster: Cluster, workload: Workload, found: list[Replica]) -> None:
    """Add a CronJob with its newest Job, if it ever ran."""
    made = template(workload)
    spec: Object = {
        "backoffLimit": 2,
        "completionMode": "NonIndexed",
        "completions": 1,
        "parallelism": 1,
        "podReplacementPolicy": "TerminatingOrFailed",
    }
    status = {}
    if found:
        status = {
            "lastScheduleTime": found[0].created,
            "lastSuccessfulTime": found[0].created.replace("00:30:00", "00:41:29"),
        }
    cluster.add(
        "CronJob",
        workload.namespace,
        workload.name,
        {
            "spec": {
                "concurrencyPolicy": "Forbid",
                "failedJobsHistoryLimit": 1,
                "jobTemplate": {"spec": {"backoffLimit": 2, "template": made}},
                "schedule": workload.schedule,
                "successfulJobsHistoryLimit": 1,
                "suspend": workload.suspended,
            },
            "status": status,
        },
        created=created_at(workload),
        labels=pod_labels(workload),
        generation=1,
        managedFields=managed_fields(workload),
    )
    if not found:
        return
    name = job_name(workload)
    identity = uid("Job", workload.namespace, name)
    labels = {"controller-uid": identity, "job-name": name}
    labels |= {f"batch.kubernetes.io/{key}": value for key, value in labels.items()}
    times = {"lastProbeTime": status["lastSuccessfulTime"], "lastTransitionTime": status["lastSuccessfulTime"]}
    made = made | {"metadata": made["metadata"] | {"labels": pod_labels(workload) | labels}}
    cluster.add(
        "Job",
        workload.namespace,
        name,
        {
            "spec": {
                **spec,
                "manualSelector": False,
                "selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": identity}},
                "suspend": False,
                "template": made,
            },
            "status": {
                "completionTime": status["lastSuccessfulTime"],
                "conditions": [
                    {"type": "SuccessCriteriaMet", "status": "True", "reason": "CompletionsReached", **times},
                    {"type": "Complete", "status": "True", "reason": "CompletionsReached", **times},
                ],
                "ready": 0,
                "startTime": found[0].created,
                "succeeded": 1,
                "terminating": 0,
                "uncountedTerminatedPods": {},
            },
        },
        created=found[0].created,
        labels=pod_labels(workload),
        annotations={"batch.kubernetes.io/cronjob-scheduled-timestamp": found[0].created},
        owned_by=owner("CronJob", workload.namespace, workload.name),
        generation=1,
    )
    add_pods(cluster, workload, found, owner("Job", workload.namespace, name), labels)


def add_static_pods(cluster: Cluster, workload: Workload, found: list[Replica]) -> None:
    """Add the mirrors of pods that kubelets run from files.

    Source: https://kubernetes.io/docs/tasks/configure-pod-container/static-pod/
    """
    for replica in found:
        mark = suffix(32, workload.name, replica.node)
        cluster.add(
            "Pod",
            workload.namespace,
            replica.name,
            {"spec": bound_spec(workload, replica), "status": pod_status(workload, replica)},
            created=replica.created,
            labels=pod_labels(workload),
            annotations={
                "kubernetes.io/config.hash": mark,
                "kubernetes.io/config.mirror": mark,
                "kubernetes.io/config.seen": replica.created,
                "kubernetes.io/config.source": "file",
            },
            owned_by=owner("Node", "", replica.node, block=False),
        )


def applied(workload: Workload) -> str:
    """Return the manifest as kubectl apply repeats it in an annotation."""
    container = workload.containers[0]
    manifest = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"annotations": {}, "name": workload.name, "namespace": workload.namespace},
        "spec": {
            "replicas": workload.replicas,
            "template": {
                "spec": {
                    "containers": [
                        {
                            "name": container.name,
                            "image": container.image,
                            "env": [{"name": name, "value": value} for name, value in container.env.items()],
                        }
                    ]
                }
            },
        },
    }
    return json.dumps(manifest, separators=(",", ":")) + "\n"


def managed_fields(workload: Workload) -> list[Object]:
    """Return who wrote which fields, as the server keeps it."""
    created = created_at(workload)
    apply = "kubectl-client-side-apply" if workload.applied else "helm"
    written: Object = {"f:metadata": {"f:annotations": {}}, "f:spec": {"f:replicas": {}, "f:template": {}}}
    observed: Object = {"f:status": {"f:availableReplicas": {}, "f:conditions": {}}}
    version = KINDS[workload.kind].api_version
    common = {"apiVersion": version, "fieldsType": "FieldsV1", "operation": "Update"}
    return [
        {**common, "fieldsV1": written, "manager": apply, "time": created},
        {
            **common,
            "fieldsV1": observed,
            "manager": "kube-controller-manager",
            "subresource": "status",
            "time": created,
        },
        *({**common, "fieldsV1": written, "manager": who, "time": at} for who, at in [workload.edited] if who),
    ]
