"""Pod templates as the API server would default them, and pods with the status their kubelets report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from model import APP, WORKERS, Container, Hospital, Trouble, Workload, node_address, object_id
from objects import Object, image_digest, moment, suffix, uid

TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
PRIORITIES = {
    "system-node-critical": 2_000_001_000,
    "system-cluster-critical": 2_000_000_000,
    "clinical-critical": 1_000_000,
    "clinical-standard": 100_000,
    "batch": 1_000,
    "": 0,
}
WAITING = {
    "CrashLoopBackOff": "back-off 5m0s restarting failed container",
    "ImagePullBackOff": "Back-off pulling image: ErrImagePull: not found",
}


@dataclass(frozen=True)
class Replica:
    """One pod of a workload: its name, where it runs, since when, and what is wrong with it."""

    number: int
    name: str
    node: str
    created: str
    address: str
    trouble: Trouble | None

    @property
    def ready(self) -> bool:
        """Whether its containers answer."""
        return self.trouble is None or self.trouble.reason == "OOMKilled"


def rollout_day(workload: Workload) -> str:
    """Return the day of the last rollout."""
    if workload.kind == "StaticPod":
        return "2026-10-03"
    return f"2026-11-{2 + int(suffix_number(workload)) % 14:02}"


def suffix_number(workload: Workload) -> int:
    """Return a number that follows from the name of the workload."""
    return int(uid(workload.kind, workload.namespace, workload.name)[:8], 16)


def template_hash(workload: Workload, revision: int = 0) -> str:
    """Return the hash that names a ReplicaSet or a ControllerRevision; `revision` counts backwards."""
    return suffix(10, workload.kind, workload.namespace, workload.name, str(revision))


def replicas(hospital: Hospital, workload: Workload) -> list[Replica]:
    """Return the pods of a workload and where the scheduler put them."""
    key = object_id(workload)
    if workload.suspended:
        return []
    start = hospital.order[key]
    found = []
    for number in range(len(workload.nodes) or workload.replicas):
        node = workload.nodes[number] if workload.nodes else WORKERS[(start + number) % len(WORKERS)]
        place = (WORKERS.index(node) + 10) if node in WORKERS else int(node[-1])
        address = f"10.244.{place}.{hospital.first_pod[key] + number}"
        created = moment(rollout_day(workload), key, after=3 * number)
        if workload.kind == "CronJob":
            created = "2026-11-20T00:30:00Z"
        found.append(
            Replica(
                number,
                pod_name(workload, number, node),
                node,
                created,
                node_address(node) if workload.host_network else address,
                workload.trouble.get(number),
            )
        )
    return found


def pod_name(workload: Workload, number: int, node: str) -> str:
    """Return the name of one pod, in the style of its controller."""
    key = object_id(workload)
    match workload.kind:
        case "StatefulSet":
            return f"{workload.name}-{number}"
        case "StaticPod":
            return f"{workload.name}-{node}"
        case "DaemonSet":
            return f"{workload.name}-{suffix(5, 'pod', key, node)}"
        case "CronJob":
            return f"{job_name(workload)}-{suffix(5, 'pod', key)}"
        case _:
            return f"{workload.name}-{template_hash(workload)}-{suffix(5, 'pod', key, str(number))}"


def job_name(workload: Workload) -> str:
    """Return the name of the newest Job: it ends in the minute for which it was scheduled."""
    return f"{workload.name}-29918910"


def selector(workload: Workload) -> dict[str, str]:
    """Return the labels by which a workload finds its pods."""
    return {APP: workload.name}


def claim_labels(namespace: str) -> dict[str, str]:
    """Return the labels of claims: the storage team marks those that hold patient data."""
    holds = namespace in ("ehr", "imaging", "integration")
    return {"clinic.example/backup": "nightly"} | ({"hipaa.io/phi": "true"} if holds else {})


def pod_labels(workload: Workload) -> dict[str, str]:
    """Return the labels of the pod template."""
    if workload.kind == "StaticPod":
        return {"component": workload.name, "tier": "control-plane"}
    return selector(workload) | {"app.kubernetes.io/part-of": workload.namespace} | workload.labels


def cpu(millicores: int) -> str:
    """Write a number of millicores as Kubernetes does."""
    return f"{millicores}m" if millicores % 1000 else str(millicores // 1000)


def mebibytes(count: int) -> str:
    """Write a number of MiB as Kubernetes does."""
    return f"{count}Mi" if count % 1024 else f"{count // 1024}Gi"


def resources(container: Container) -> Object:
    """Return requests, and the memory limit that goes with them."""
    requests = {"cpu": cpu(container.cpu)} if container.cpu else {}
    if not container.memory:
        return {"requests": requests} if requests else {}
    memory = mebibytes(container.memory)
    return {"limits": {"memory": memory}, "requests": {**requests, "memory": memory}}


def qos_class(workload: Workload) -> str:
    """Return the quality of service class; no container here limits its CPU, so none is guaranteed."""
    asks = any(container.cpu or container.memory for container in workload.containers)
    return "Burstable" if asks else "BestEffort"


def probe(text: str) -> Object:
    """Write `http /path port`, `tcp port` or `exec command` as a probe with its defaults."""
    kind, _, rest = text.partition(" ")
    handler: Object
    if kind == "exec":
        handler = {"exec": {"command": rest.split()}}
    elif kind == "tcp":
        handler = {"tcpSocket": {"port": _port(rest)}}
    else:
        path, _, port = rest.partition(" ")
        handler = {"httpGet": {"path": path, "port": _port(port), "scheme": "HTTP"}}
    return handler | {"failureThreshold": 3, "periodSeconds": 10, "successThreshold": 1, "timeoutSeconds": 5}


def _port(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def protocol(port_name: str) -> str:
    """Return the protocol of a port; only names are asked for over UDP."""
    return "UDP" if port_name == "dns" else "TCP"


def variable(name: str, value: str) -> Object:
    """Write one environment variable."""
    source, separator, rest = value.partition(":")
    if separator and source == "secret":
        secret, _, key = rest.partition("/")
        return {"name": name, "valueFrom": {"secretKeyRef": {"key": key, "name": secret}}}
    if separator and source == "field":
        return {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": rest}}}
    return {"name": name, "value": value}


def security(container: Container) -> Object:
    """Return the security context of one container."""
    if container.privileged:
        return {"privileged": True}
    context: Object = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    if not container.confined:
        return context
    return context | {"readOnlyRootFilesystem": container.read_only, "runAsNonRoot": True}


def image_of(container: Container) -> str:
    """Return the image as the workload names it."""
    return f"{container.image}@{image_digest(container.image)}" if container.pinned else container.image


def container_object(container: Container, values: dict[str, str]) -> Object:
    """Write one container; `values` fill the places in the flags of a static pod."""
    written: Object = {
        "name": container.name,
        "image": image_of(container),
        "command": [part.format(**values) for part in container.command],
        "args": list(container.args),
        "ports": [
            {"containerPort": number, "name": name, "protocol": protocol(name)}
            for name, number in container.ports.items()
        ],
        "env": [variable(name, value) for name, value in container.env.items()],
        "volumeMounts": [{"mountPath": path, "name": name} for path, name in container.mounts.items()],
        **{
            f"{name}Probe": probe(text)
            for name in ("readiness", "liveness", "startup")
            if (text := getattr(container, name))
        },
        "restartPolicy": "Always" if container.role == "sidecar" else "",
    }
    return {key: value for key, value in written.items() if value} | {
        "resources": resources(container),
        "securityContext": security(container),
        "imagePullPolicy": "IfNotPresent",
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    }


def pod_spec(workload: Workload, values: dict[str, str] | None = None) -> Object:
    """Return the pod spec of the template, with the defaults of the API server."""
    main = [container_object(one, values or {}) for one in workload.containers if one.role == "main"]
    init = [container_object(one, values or {}) for one in workload.containers if one.role != "main"]
    confined = all(one.confined for one in workload.containers)
    spec: Object = {
        "containers": main,
        "dnsPolicy": "ClusterFirstWithHostNet" if workload.host_network else "ClusterFirst",
        "restartPolicy": "OnFailure" if workload.kind == "CronJob" else "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}} if confined else {},
        "terminationGracePeriodSeconds": 30,
    }
    optional: Object = {
        "initContainers": init,
        "hostNetwork": workload.host_network,
        "priorityClassName": workload.priority,
        "volumes": [{"name": name, **source} for name, source in sorted(workload.volumes.items())],
    }
    if workload.kind != "StaticPod":
        account = workload.account or workload.name
        spec |= {"serviceAccountName": account, "serviceAccount": account}
        spec["automountServiceAccountToken"] = workload.token
    if workload.spread and workload.kind in ("Deployment", "StatefulSet"):
        optional["topologySpreadConstraints"] = [
            spread_constraint(workload, key) for key in ("kubernetes.io/hostname", "topology.kubernetes.io/zone")
        ]
    if workload.tolerates:
        optional["tolerations"] = tolerations(workload)
    return spec | {key: value for key, value in optional.items() if value}


def spread_constraint(workload: Workload, key: str) -> Object:
    """Oblige the scheduler to spread replicas over the values of one node label."""
    return {
        "labelSelector": {"matchLabels": selector(workload)},
        "maxSkew": 1,
        "topologyKey": key,
        "whenUnsatisfiable": "DoNotSchedule",
    }


def tolerations(workload: Workload) -> list[Object]:
    """Return what the template tolerates of its own."""
    if workload.tolerates == "all":
        return [{"operator": "Exists"}]
    return [{"effect": "NoSchedule", "key": "node-role.kubernetes.io/control-plane", "operator": "Exists"}]


def template(workload: Workload) -> Object:
    """Return the pod template."""
    noted = {"annotations": pod_annotations(workload)} if pod_annotations(workload) else {}
    return {"metadata": {"labels": pod_labels(workload), **noted}, "spec": pod_spec(workload)}


def pod_annotations(workload: Workload) -> dict[str, str]:
    """Return the annotations of the pod template."""
    return {"k8s.v1.cni.cncf.io/networks": workload.networks} if workload.networks else {}


def bound_spec(workload: Workload, replica: Replica) -> Object:
    """Return the spec of one pod: the template, and what admission, controller and scheduler add."""
    values = {"node": replica.node, "address": node_address(replica.node)}
    spec = pod_spec(workload, values)
    for port in [port for container in spec["containers"] for port in container.get("ports", [])]:
        if workload.host_network:
            # The API server does this to pods, and leaves the ports of templates alone.
            port["hostPort"] = port["containerPort"]
    spec |= {
        "nodeName": replica.node,
        "enableServiceLinks": True,
        "preemptionPolicy": "PreemptLowerPriority",
        "priority": PRIORITIES[workload.priority],
    }
    volumes = spec.setdefault("volumes", [])
    if workload.kind == "StaticPod":
        spec["tolerations"] = [{"effect": "NoExecute", "operator": "Exists"}]
        return spec
    spec["tolerations"] = spec.get("tolerations", []) + default_tolerations(workload)
    if workload.kind == "StatefulSet":
        spec |= {"hostname": replica.name, "subdomain": workload.name}
        volumes += [
            {"name": claim, "persistentVolumeClaim": {"claimName": f"{claim}-{replica.name}"}}
            for claim in workload.claims
        ]
    if workload.kind == "DaemonSet":
        spec["affinity"] = node_affinity(replica.node)
    if workload.token:
        mount_token(spec, f"kube-api-access-{suffix(5, workload.namespace, replica.name)}")
    if not volumes:
        del spec["volumes"]
    return spec


def default_tolerations(workload: Workload) -> list[Object]:
    """Return the tolerations that admission, or the DaemonSet controller, adds.

    Source: https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/#taints-and-tolerations
    """
    keys = ("not-ready", "unreachable")
    if workload.kind != "DaemonSet":
        common = {"effect": "NoExecute", "operator": "Exists", "tolerationSeconds": 300}
        return [{**common, "key": f"node.kubernetes.io/{key}"} for key in keys]
    added = [("NoExecute", key) for key in keys]
    added += [("NoSchedule", key) for key in ("disk-pressure", "memory-pressure", "pid-pressure")]
    added += [("NoSchedule", "unschedulable")]
    added += [("NoSchedule", "network-unavailable")] if workload.host_network else []
    return [{"effect": effect, "key": f"node.kubernetes.io/{key}", "operator": "Exists"} for effect, key in added]


def node_affinity(node: str) -> Object:
    """Return the affinity by which the DaemonSet controller ties a pod to its node."""
    term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}


def mount_token(spec: Object, name: str) -> None:
    """Mount the token of the service account, as admission does."""
    for container in spec["containers"] + spec.get("initContainers", []):
        container["volumeMounts"] = [
            *container.get("volumeMounts", []),
            {"mountPath": TOKEN_PATH, "name": name, "readOnly": True},
        ]
    sources: list[Any] = [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"items": [{"key": "ca.crt", "path": "ca.crt"}], "name": "kube-root-ca.crt"}},
        {
            "downwardAPI": {
                "items": [
                    {
                        "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"},
                        "path": "namespace",
                    }
                ]
            }
        },
    ]
    spec["volumes"].append({"name": name, "projected": {"defaultMode": 420, "sources": sources}})


def pod_status(workload: Workload, replica: Replica) -> Object:
    """Return the status of one pod."""
    done = workload.kind == "CronJob"
    started = replica.created
    reason = replica.trouble.reason if replica.trouble else ""
    ready = "True" if replica.ready and not done else "False"
    why = {"reason": "PodCompleted"} if done else {"reason": "ContainersNotReady"} if ready == "False" else {}
    since = replica.trouble.at if replica.trouble and not replica.ready else started
    conditions: list[Object] = [
        {"type": "PodReadyToStartContainers", "status": "False" if done else "True"},
        {"type": "Initialized", "status": "True", **({"reason": "PodCompleted"} if done else {})},
        {"type": "Ready", "status": ready, "lastTransitionTime": since, **why},
        {"type": "ContainersReady", "status": ready, "lastTransitionTime": since, **why},
        {"type": "PodScheduled", "status": "True"},
    ]
    main = [one for one in workload.containers if one.role == "main"]
    init = [one for one in workload.containers if one.role != "main"]
    address = node_address(replica.node)
    status: Object = {
        "conditions": [{"lastTransitionTime": started, **condition} for condition in conditions],
        "containerStatuses": [
            container_status(workload, replica, one, replica.trouble if number == 0 else None)
            for number, one in enumerate(main)
        ],
        "hostIP": address,
        "hostIPs": [{"ip": address}],
        "phase": "Succeeded" if done else "Pending" if reason == "ImagePullBackOff" else "Running",
        "podIP": replica.address,
        "podIPs": [{"ip": replica.address}],
        "qosClass": qos_class(workload),
        "startTime": started,
    }
    if init:
        status["initContainerStatuses"] = [container_status(workload, replica, one, None) for one in init]
    return status


def container_status(workload: Workload, replica: Replica, container: Container, trouble: Trouble | None) -> Object:
    """Return what the kubelet says of one container."""
    began = replica.created
    identity = "containerd://" + image_digest(f"{workload.namespace}/{replica.name}/{container.name}")[7:]
    repository = container.image.rpartition(":")[0]
    running = image_digest(
        f"{container.image}, earlier" if container.drifts and not replica.number else container.image
    )
    status: Object = {
        "containerID": identity,
        "image": container.image,
        "imageID": f"{repository}@{running}",
        "lastState": {},
        "name": container.name,
        "ready": True,
        "restartCount": trouble.restarts if trouble else 0,
        "started": True,
        "state": {"running": {"startedAt": began}},
    }
    if workload.kind == "CronJob":
        ended = {"containerID": identity, "exitCode": 0, "reason": "Completed"}
        times = {"startedAt": "2026-11-20T00:30:03Z", "finishedAt": "2026-11-20T00:41:27Z"}
        return status | {"ready": False, "started": False, "state": {"terminated": {**ended, **times}}}
    if not trouble:
        return status
    ended = {"containerID": identity, "startedAt": began, "finishedAt": trouble.at}
    match trouble.reason:
        case "NotReady":
            return status | {"ready": False}
        case "OOMKilled":
            last = {"terminated": {**ended, "exitCode": 137, "reason": "OOMKilled"}}
            return status | {"lastState": last, "state": {"running": {"startedAt": trouble.at}}}
    waiting = {"waiting": {"reason": trouble.reason, "message": WAITING[trouble.reason]}}
    status |= {"ready": False, "started": False, "state": waiting}
    if trouble.reason == "ImagePullBackOff":
        del status["containerID"]
        return status | {"imageID": ""}
    return status | {"lastState": {"terminated": {**ended, "exitCode": 1, "reason": "Error"}}}
