"""What machines ask for every day: nodes, controllers, the backup tool, monitoring, the release pipeline."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from model import CONTROL_PLANE, NODES, Hospital, Workload
from objects import Object, digest, owner, suffix
from pods import template

from trail.callers import component, controller, job_pod, node, pod
from trail.calls import SINCE, UNTIL, Call, Caller, later

BEAT, WAVER = 560, 35
"""Seconds between two heartbeats that are kept of each server, and how much they waver: never ten minutes."""

LEADS = {"kube-scheduler": "cp-2", "kube-controller-manager": "cp-1"}
COPIED = (("integration", "00:30:07"), ("nightly", "01:00:09"), ("cluster", "03:00:05"))


def routine(hospital: Hospital) -> Iterator[Call]:
    """Yield everything that machines ask for in thirty days."""
    for server in CONTROL_PLANE:
        yield from heartbeats(server)
    day = SINCE.replace(hour=0, minute=0, second=0)
    while day < UNTIL:
        for each in (dump, copies, watching, scaling, tokens, housekeeping):
            yield from (call for call in each(hospital, day) if SINCE <= call.at < UNTIL)
        yield from (call for call in release(hospital, day) if SINCE <= call.at < UNTIL)
        day += timedelta(days=1)


def heartbeats(server: str) -> Iterator[Call]:
    """Yield how the nodes of one server tell that they are there, and how the leaders on it do."""
    near = [name for number, name in enumerate(NODES) if CONTROL_PLANE[number % 3] == server]
    leads = [component(name, on) for name, on in LEADS.items() if on == server]
    now, number = later(SINCE, digest("beat", server) % BEAT), 0
    while now < UNTIL:
        moment = later(now, (digest("beat", server, str(number)) % (WAVER * 1_000_000)) / 1_000_000)
        if leads and number % 12 == 0:
            caller, namespace = leads[0], "kube-system"
            name = caller.user.removeprefix("system:")
        else:
            name = near[number % len(near)]
            caller, namespace = node(name)._replace(server=server), "kube-node-lease"
        yield Call(moment, caller, "update", "leases", namespace, name)
        now, number = later(now, BEAT), number + 1


def at_time(day: datetime, time: str, *parts: str, spread: int = 40) -> datetime:
    """Return a moment of a day, with a part of a minute that follows from what is done."""
    hours, minutes, *seconds = (int(each) for each in time.split(":"))
    start = day + timedelta(hours=hours, minutes=minutes, seconds=seconds[0] if seconds else 0)
    return later(start, (digest(str(day), time, *parts) % (spread * 1_000_000)) / 1_000_000)


def pod_of(workload: Workload, kind: str, owner_name: str) -> Object:
    """Return the pod that a controller asks for."""
    made = template(workload)
    owned = owner(kind, workload.namespace, owner_name)
    about = made["metadata"] | {"generateName": f"{owner_name}-", "ownerReferences": [owned]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": about | {"namespace": workload.namespace}} | {
        "spec": made["spec"]
    }


def started(workload: Workload, kind: str, owner_name: str, moment: datetime) -> Iterator[Call]:
    """Yield how a pod comes to be: its controller asks for it, the scheduler places it, its kubelet reports it."""
    where, mark = workload.namespace, suffix(5, owner_name, str(moment))
    by = controller({"Job": "job-controller", "ReplicaSet": "replicaset-controller"}[kind])
    on = node(workload.nodes[0] if workload.nodes else "worker-a1")
    name = f"{owner_name}-{mark}"
    body = pod_of(workload, kind, owner_name)
    noted = {"pod-security.kubernetes.io/enforce-policy": "restricted:latest"}
    yield Call(moment, by, "create", "pods", where, code=201, body=body, generated=True, notes=noted)
    yield Call(
        *(later(moment, 0.04), component("kube-scheduler", "cp-2"), "create", "pods/binding", where, name), code=201
    )
    yield Call(later(moment, 2.1), on, "patch", "pods/status", where, name)


def job_of(workload: Workload, name: str) -> Object:
    """Return the Job that the controller of a CronJob asks for."""
    owned = owner("CronJob", workload.namespace, workload.name)
    about = {"name": name, "namespace": workload.namespace, "ownerReferences": [owned]}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": about, "spec": {"template": template(workload)}}


def dump(hospital: Hospital, day: datetime) -> Iterator[Call]:
    """Yield the nightly dump of the record: its Job, its pod, and how the one of a week ago is taken away."""
    workload = hospital.declared["CronJob/ehr/ehr-db-dump"]
    assert isinstance(workload, Workload)  # noqa: S101 - the key names a workload
    due = at_time(day, "00:30", "dump", spread=2)
    minute = int((day + timedelta(minutes=30)).timestamp() // 60)
    name = f"{workload.name}-{minute}"
    body = job_of(workload, name)
    yield Call(due, controller("cronjob-controller"), "create", "jobs", "ehr", name, code=201, body=body)
    yield from started(workload, "Job", name, later(due, 0.2))
    yield Call(later(due, 1.4), node("worker-b2"), "get", "secrets", "ehr", "ehr-db")
    yield Call(later(due, 1500), controller("job-controller"), "update", "jobs/status", "ehr", name)
    old = f"{workload.name}-{minute - 7 * 1440}"
    yield Call(later(due, 1501), controller("cronjob-controller"), "delete", "jobs", "ehr", old)
    yield Call(
        *(later(due, 1502), controller("generic-garbage-collector"), "delete", "pods", "ehr"),
        f"{old}-{suffix(5, old)}",
    )


def copies(hospital: Hospital, day: datetime) -> Iterator[Call]:
    """Yield what the backup tool does by itself: new copies, and old ones that have come to their end."""
    tool = pod(hospital, "Deployment/velero/velero", "velero-server/v1.17.0 (linux/amd64)")
    for plan, time in COPIED:
        began = at_time(day, time, spread=1)
        name = f"{plan}-{began:%Y%m%d%H%M%S}"
        yield Call(began, tool, "create", "backups", "velero", name, code=201)
        yield Call(later(began, 60), tool, "patch", "backups", "velero", name)
        if plan != "cluster":
            yield Call(
                *(later(began, 66), tool, "create", "podvolumebackups", "velero"),
                code=201,
                generated=True,
            )
        yield Call(later(began, 700), tool, "patch", "backups", "velero", name)
        ended = later(began, -30 * 86_400)
        request = f"{plan}-{ended:%Y%m%d%H%M%S}"
        yield Call(
            *(later(began, 1900), tool, "create", "deletebackuprequests", "velero"),
            code=201,
            generated=True,
        )
        yield Call(later(began, 1960), tool, "delete", "backups", "velero", request)


def watching(hospital: Hospital, day: datetime) -> Iterator[Call]:
    """Yield what reads all day long: controllers that watch, monitoring, the entry to the cluster."""
    entry = pod(hospital, "Deployment/ingress-nginx/ingress-nginx", "nginx-ingress-controller/v1.13.3 (linux/amd64)")
    names = pod(hospital, "Deployment/kube-system/coredns", "coredns/1.12.1")
    measures = pod(hospital, "Deployment/kube-system/metrics-server", "metrics-server/v0.8.0")
    for hour in (2, 8, 14, 20):
        time = f"{hour:02}:17"
        yield Call(at_time(day, time, "secrets"), entry, "watch", "secrets", lasts=412)
        yield Call(at_time(day, time, "ingresses"), entry, "watch", "ingresses", lasts=388)
        yield Call(at_time(day, time, "slices"), names, "watch", "endpointslices", lasts=455)
        yield Call(at_time(day, time, "lease"), entry, "update", "leases", "ingress-nginx", "ingress-nginx-leader")
        asks = at_time(day, time, "access")
        yield Call(asks, measures, "create", "subjectaccessreviews", code=201)
        yield Call(later(asks, 1), measures, "get", "nodes/metrics", name=NODES[hour % len(NODES)])
        yield Call(at_time(day, time, "discovery"), names, "get", path="/api")
    yield Call(at_time(day, "02:16", "list"), entry, "list", "secrets")
    proxy = Caller("system:kube-proxy", ("system:node-proxier",), "10.40.0.14", "kube-proxy/v1.35.8")
    yield Call(at_time(day, "05:02", "proxy"), proxy, "watch", "services", lasts=301)
    unknown = Caller("system:anonymous", ("system:unauthenticated",), "10.40.1.9", "keepalived-check/2.3")
    yield Call(at_time(day, "05:00", "version"), unknown, "get", path="/version")
    yield Call(at_time(day, "05:00", "livez"), unknown, "get", path="/livez")


def scaling(hospital: Hospital, day: datetime) -> Iterator[Call]:
    """Yield how the application grows in the morning and shrinks in the evening of a working day."""
    if day.weekday() > 4:
        return
    workload = hospital.declared["Deployment/ehr/ehr-app"]
    assert isinstance(workload, Workload)  # noqa: S101 - the key names a workload
    by, sets = controller("horizontal-pod-autoscaler"), controller("replicaset-controller")
    made = f"ehr-app-{suffix(10, 'Deployment', 'ehr', 'ehr-app', '0')}"
    up, down = at_time(day, "12:40", "up"), at_time(day, "22:20", "down")
    yield Call(up, by, "update", "deployments/scale", "ehr", "ehr-app")
    yield from started(workload, "ReplicaSet", made, later(up, 0.3))
    yield Call(down, by, "update", "deployments/scale", "ehr", "ehr-app")
    yield Call(later(down, 0.3), sets, "delete", "pods", "ehr", f"{made}-{suffix(5, made, str(later(up, 0.3)))}")


def tokens(_hospital: Hospital, day: datetime) -> Iterator[Call]:
    """Yield the tokens that kubelets ask for on behalf of their pods, and the secrets that these mount."""
    wanted = (
        ("worker-a1", "velero", "velero", ""),
        ("worker-b1", "ingress-nginx", "ingress-nginx", ""),
        ("worker-c1", "ehr", "ehr-api", "ehr-api"),
        ("worker-a2", "portal", "portal-api", "portal-api"),
    )
    for number, (where, namespace, account, secret) in enumerate(wanted):
        asked = at_time(day, f"{6 + 3 * number:02}:31", account)
        yield Call(asked, node(where), "create", "serviceaccounts/token", namespace, account, code=201)
        if secret:
            yield Call(later(asked, 0.4), node(where), "get", "secrets", namespace, secret)


def housekeeping(hospital: Hospital, day: datetime) -> Iterator[Call]:
    """Yield what controllers change by themselves: certificates, roles that are made of others, what is declared."""
    issuer = pod(hospital, "Deployment/cert-manager/cert-manager", "cert-manager-controller/v1.21.0 (linux/amd64)")
    yield Call(at_time(day, "04:10", "issuer"), issuer, "update", "leases", "cert-manager", "cert-manager-controller")
    keeps = Caller(
        "system:apiserver", ("system:masters",), "127.0.0.1", "kube-apiserver/v1.35.8 (linux/amd64)", server="cp-3"
    )
    yield Call(at_time(day, "04:20", "self"), keeps, "update", "leases", "kube-system", "apiserver-cp-3")
    by = declares()
    for hour in (3, 9, 15, 21):
        yield Call(at_time(day, f"{hour:02}:44", "sync"), by, "patch", "applications", "argocd", "ehr")
    # Some days bring more than others: none of them as many as would stand out.
    for number in range(14 if day.day == 11 else 3 + day.day % 2):
        yield brought(hospital, later(at_time(day, "09:45", "brought"), 40 * number), by)
    if day.weekday() == 2:
        yield Call(at_time(day, "09:12", "renew"), issuer, "update", "secrets", "cert-manager", "clinic-ca")
        yield Call(at_time(day, "09:13", "renew"), issuer, "update", "certificates", "portal", "portal-web-tls")


def declares() -> Caller:
    """Return what brings the cluster to what is declared in git."""
    return Caller(
        "system:serviceaccount:argocd:argocd-application-controller",
        ("system:serviceaccounts", "system:serviceaccounts:argocd", "system:authenticated"),
        *("10.244.11.90", "argocd-application-controller/v3.1.8", "", "argocd-application-controller-0"),
    )


def brought(hospital: Hospital, moment: datetime, by: Caller) -> Call:
    """Return how the application of the record is written as it is declared."""
    workload = hospital.declared["Deployment/ehr/ehr-app"]
    assert isinstance(workload, Workload)  # noqa: S101 - the key names a workload
    note = {"metadata": {"annotations": {"argocd.argoproj.io/tracking-id": "ehr:apps/Deployment:ehr/ehr-app"}}}
    named = ("deployments", "ehr", "ehr-app")
    return Call(moment, by, "patch", *named, body=note, answer=workload_of(workload))


RELEASES = {1: ("ehr", "ehr-app"), 3: ("portal", "portal-web")}
"""Weekday: what the pipeline may bring to production then."""


def workload_of(workload: Workload) -> Object:
    """Return a workload as the server answers it after a change."""
    about = {"name": workload.name, "namespace": workload.namespace}
    return {"apiVersion": "apps/v1", "kind": workload.kind, "metadata": about, "spec": {"template": template(workload)}}


def release(hospital: Hospital, day: datetime) -> Iterator[Call]:
    """Yield the weekly releases of the pipeline, and what the controllers make of them."""
    if day.weekday() not in RELEASES:
        return
    namespace, name = RELEASES[day.weekday()]
    workload = hospital.declared[f"Deployment/{namespace}/{name}"]
    assert isinstance(workload, Workload)  # noqa: S101 - the key names a workload
    start = at_time(day, "14:05", name)
    by = job_pod("cicd", "deployer", str(day.date()), "kubectl/v1.35.2 (linux/amd64) kubernetes/6f3d1c8")
    image = workload.containers[0]
    change = {"spec": {"template": {"spec": {"containers": [{"name": image.name, "image": image.image}]}}}}
    yield Call(start, by, "get", "deployments", namespace, name)
    yield Call(
        *(later(start, 2), by, "patch", "deployments", namespace, name),
        query=(("fieldManager", "release"),),
        body=change,
        answer=workload_of(workload),
    )
    made = f"{name}-{suffix(10, name, str(day.date()))}"
    sets = controller("deployment-controller")
    yield Call(later(start, 2.4), sets, "create", "replicasets", namespace, made, code=201)
    yield from started(workload, "ReplicaSet", made, later(start, 2.9))
    yield Call(later(start, 31), sets, "update", "replicasets", namespace, f"{name}-{suffix(10, made)}")
