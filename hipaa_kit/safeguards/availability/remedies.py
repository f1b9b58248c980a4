"""What would mend findings of availability."""

from __future__ import annotations

from typing import Any

from hipaa_kit.inventory.storage import class_of
from hipaa_kit.inventory.workloads import Workload
from hipaa_kit.kube.owners import object_id, parse_object_id
from hipaa_kit.kube.reading import as_map, as_text
from hipaa_kit.safeguards.remedy import (
    Cluster,
    Command,
    Failing,
    Remedy,
    advise,
    by_hand,
    containers_patch,
    mend,
    patch,
    pod_selector,
    remedy,
    run,
    selector_of,
    template_patch,
)
from hipaa_kit.sources.overlay import Patch, Put

MEMORY_TO_START_WITH = "256Mi"
"""A request for a container of which nothing shows how much it needs: low, so that it is placed nearly everywhere."""

SHARED_MODES = ("ReadWriteMany", "ReadOnlyMany")


@remedy("HK-AVL-01")
def more_replicas(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Ask for two replicas, and keep its autoscaler from going lower."""
    workload = cluster.workload(finding.object)
    if workload is None or workload.kind not in ("Deployment", "StatefulSet"):
        return None
    scalers = cluster.rows("autoscalers", workload=finding.object)
    low = [row["object"] for row in scalers if row["min_replicas"] is not None and row["min_replicas"] < 2]
    asked = as_map(workload.record.content if workload.record else {}, "spec").get("replicas", 1)
    few = isinstance(asked, int) and asked < 2
    if not low and not few:
        return advise(
            "find out why replicas are not ready",
            run("kubectl -n {} describe {} {}", *_where(finding)),
            run("kubectl -n {} get events --field-selector type=Warning", finding.namespace),
            unproved="why a pod is not ready stands in its events and logs, which are not read",
        )
    if few and workload.kind == "Deployment" and (alone := _single_writer_claims(finding.object, cluster)):
        return advise(
            "move it to storage that several pods can mount, then ask for two replicas",
            f"Deployment {finding.namespace}/{finding.name} mounts {', '.join(alone)} with access mode ReadWriteOnce: "
            "a second pod on another node could not start",
        )
    steps = [patch(record, spec={"minReplicas": 2}) for name in low if (record := cluster.record(name))]
    steps += [patch(workload.record, spec={"replicas": 2})] if few and workload.record else []
    caution = "the pods of a second replica need room on a node, and a second place"
    if workload.kind == "StatefulSet":
        caution = "a database that does not replicate by itself keeps different data in each replica: set that up first"
    return mend("keep two replicas", steps, caution)


def _single_writer_claims(name: str, cluster: Cluster) -> list[str]:
    """Return the claims of a workload's pods that only one node can mount."""
    mounted = {row["reference"] for pod in cluster.pods(name) for row in cluster.rows("volumes", pod=pod["object"])}
    claims = [row for each in sorted(mounted) for row in cluster.rows("claims", object=each)]
    return sorted(row["object"] for row in claims if not any(mode in row["access_modes"] for mode in SHARED_MODES))


@remedy("HK-AVL-02")
def one_at_a_time(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Let one pod of a workload at a time be taken away: by a new budget, or by the one that is there."""
    caution = "while a pod of it is not ready, no node that runs one can be drained"
    if finding.kind == "PodDisruptionBudget":
        owner = _same_name(finding.namespace, finding.name, cluster)
        return mend("let it select the pods of its workload", [_selecting(finding.object, owner, cluster)], caution)
    workload = cluster.workload(finding.object)
    if "several budgets" in finding.reason:
        names = " ".join(parse_object_id(name)[2] for name in finding.evidence if name.startswith("PodDisruption"))
        return advise("keep one budget", f"of the budgets {names} in namespace {finding.namespace}, delete all but one")
    if "never allows" in finding.reason:
        budgets = [name for name in finding.evidence if name.startswith("PodDisruptionBudget/")]
        steps = [
            patch(record, spec={"minAvailable": None, "maxUnavailable": 1})
            for name in budgets
            if (record := cluster.record(name))
        ]
        return mend("let one pod at a time be taken away", steps, caution)
    idle = object_id("PodDisruptionBudget", finding.namespace, finding.name)
    if cluster.record(idle) and not cluster.rows("budget_pods", budget=idle):
        return mend("let its budget select its pods", [_selecting(idle, workload, cluster)], caution)
    return mend("let one pod at a time be taken away", [_budget(finding, cluster)], caution)


def _budget(finding: Failing, cluster: Cluster) -> Put | None:
    selector = pod_selector(finding.object, cluster)
    if not selector:
        return None
    name = cluster.free_name("PodDisruptionBudget", finding.namespace, finding.name)
    return Put(
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": name, "namespace": finding.namespace},
            "spec": {"maxUnavailable": 1, "selector": selector},
        }
    )


def _same_name(namespace: str, name: str, cluster: Cluster) -> Workload | None:
    """Return the one workload that has a name, None where there is none or several."""
    found = [cluster.workload(object_id(kind, namespace, name)) for kind in ("Deployment", "StatefulSet")]
    held = [each for each in found if each is not None]
    return held[0] if len(held) == 1 else None


def _selecting(budget: str, workload: Workload | None, cluster: Cluster) -> Patch | None:
    record = cluster.record(budget)
    wanted = selector_of(workload) if workload else {}
    if record is None or not wanted:
        return None
    old = as_map(record.content, "spec", "selector", "matchLabels")
    labels = {**dict.fromkeys(old, None), **as_map(wanted.get("matchLabels"))}
    selector: dict[str, Any] = {"matchLabels": labels}
    if as_map(record.content, "spec", "selector").get("matchExpressions") or wanted.get("matchExpressions"):
        selector["matchExpressions"] = wanted.get("matchExpressions")
    return patch(record, spec={"selector": selector})


@remedy("HK-AVL-03")
def spread(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Oblige the scheduler to spread the pods over nodes, or over zones."""
    workload = cluster.workload(finding.object)
    if workload is None or not (selector := selector_of(workload)):
        return None
    by_zone = "zone" in finding.observed
    claims = workload.record is not None and bool(as_map(workload.record.content, "spec").get("volumeClaimTemplates"))
    if by_zone and claims:
        return advise(
            "bring one replica's data into another zone",
            f"add a topology spread constraint on topology.kubernetes.io/zone to the template of {finding.object}",
            "with a fresh copy of its data at hand, delete the claim and the pod of one replica, so that both are made "
            "again in another zone and the database fills it",
            caution="volumes stay in the zone in which they were made: with the constraint alone no pod would start",
            unproved="the database has to copy its data to a volume in another zone",
        )
    rule = {
        "topologyKey": "topology.kubernetes.io/zone" if by_zone else "kubernetes.io/hostname",
        "maxSkew": 1,
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": selector,
    }
    return mend(
        "oblige the scheduler to spread its pods",
        [template_patch(workload, topologySpreadConstraints=[rule])],
        "a pod for which no place is left stays pending; where pods then run is seen in the next snapshot",
        seen_later=True,
        unproved="where pods run is for the scheduler to say, by room and much else that no object holds",
    )


@remedy("HK-AVL-04")
def readiness(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Probe the port to which the Service leads."""
    workload = cluster.workload(finding.object)
    if workload is None:
        return None
    ports: dict[str, int] = {}
    for row in (
        row for pod in cluster.pods(finding.object) for row in cluster.rows("service_targets", pod=pod["object"])
    ):
        mine = any(member.endswith(f"/{row['container']}") for member in finding.members)
        if mine and row["container"] and row["protocol"] == "TCP" and row["target_port"]:
            ports.setdefault(str(row["container"]), int(row["target_port"]))
    probed = {
        name: {"readinessProbe": {"tcpSocket": {"port": port}, "periodSeconds": 10}} for name, port in ports.items()
    }
    return mend(
        "probe the port that it serves",
        [containers_patch(workload, probed)],
        "that a port is open does not show that the application answers: put its own health request in the place of it",
    )


@remedy("HK-AVL-05")
def requests(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Ask for some memory for every container that asks for none."""
    workload = cluster.workload(finding.object)
    if workload is None:
        return None
    asked = {"resources": {"requests": {"memory": MEMORY_TO_START_WITH}}}
    names = {member.rpartition("/")[2] for member in finding.members}
    return mend(
        "ask for memory",
        [containers_patch(workload, dict.fromkeys(names, asked))],
        f"{MEMORY_TO_START_WITH} is where to start: ask for what it uses (kubectl top pod --containers)",
    )


@remedy("HK-AVL-06")
def keep_data(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Say how the data come to a claim: a StatefulSet takes no new claim template, and data have to be moved."""
    if cluster.workload(finding.object) is None:
        return advise("let a controller keep it", f"replace {finding.object} by a Deployment or StatefulSet")
    steps: list[Command | str] = [
        f"save the data of {finding.object} (dump them, or copy the folder named in the finding)",
        "declare a claim for that folder: volumeClaimTemplates of a StatefulSet, else a claim and a volume",
    ]
    if finding.kind == "StatefulSet":
        steps.append(run("kubectl -n {} delete {} {} --cascade=orphan", *_where(finding)))
        steps.append("apply it anew: claim templates cannot be changed in place")
    return advise(
        "move its data to a claim",
        *steps,
        "bring the data back",
        caution="a new claim is empty until data are restored",
        unproved="how much room the data need, and of which class, no object says; and people have to move them",
    )


@remedy("HK-AVL-07")
def control_plane_nodes(finding: Failing, cluster: Cluster) -> Remedy:
    """Add control-plane nodes until etcd has three members."""
    del finding, cluster
    return advise(
        "let etcd have three members on three nodes",
        run(
            "kubeadm token create --print-join-command --certificate-key "
            "$(kubeadm init phase upload-certs --upload-certs | tail -1)"
        ),
        "run what it prints on two more nodes, with --control-plane",
        caution="with two members the loss of either stops writes: add both",
        unproved="nodes are machines, which no manifest makes",
    )


@remedy("HK-AVL-08")
def scaling_and_claims(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Say where the cause shows; make a claim anew that waits for a class which is not there."""
    if finding.kind == "PersistentVolumeClaim":
        if anew := _of_a_class_that_is_there(finding, cluster):
            return anew
        return advise(
            "let the claim be bound",
            run("kubectl -n {} describe {} {}", *_where(finding)),
            "make the storage class that it names, or make the claim anew with one that exists: a claim's class cannot "
            "be changed",
            unproved="whether a claim is bound its driver writes into its status",
        )
    return advise(
        "let the autoscaler read its metric",
        run("kubectl -n {} describe {} {}", *_where(finding)),
        run("kubectl get apiservices v1beta1.metrics.k8s.io"),
        unproved="whether the metric can be read its controller writes into the status of the autoscaler",
    )


def _of_a_class_that_is_there(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Return a claim of the default class in the place of one whose class is not there; None where that is no help."""
    record = cluster.record(finding.object)
    spec = as_map(record.content, "spec") if record else {}
    asked = class_of(record.content) if record else None
    defaults = cluster.rows("storage_classes", default=True)
    if len(defaults) != 1 or not asked or spec.get("volumeName") or cluster.rows("storage_classes", name=asked):
        return None
    default = str(defaults[0]["name"])
    kept = {name: spec[name] for name in ("accessModes", "resources", "selector", "volumeMode") if name in spec}
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": finding.name, "namespace": finding.namespace},
        "spec": {**kept, "storageClassName": default},
    }
    return mend(
        "make the claim anew, of a class that is there",
        [run("kubectl -n {} delete persistentvolumeclaim {}", finding.namespace, finding.name), Put(claim)],
        f"nothing was stored in it; whether {default} is as fast, and as well kept, as {asked} was meant to be "
        "is yours to say",
        seen_later=True,
        unproved=f"whether the driver of {default} makes the volume shows in the status of the claim",
    )


@remedy("HK-AVL-09")
def bounds(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Bound how many pods the namespace may have, and give containers that ask for nothing a request."""
    namespace = finding.name
    running = len([row for row in cluster.rows("pods", namespace=namespace) if row["live"]])
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "pods", "namespace": namespace},
        "spec": {"hard": {"pods": str(max(20, 2 * running))}},
    }
    limits = [{"type": "Container", "defaultRequest": {"cpu": "50m", "memory": MEMORY_TO_START_WITH}}]
    ranges = {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": {"name": "requests", "namespace": namespace},
        "spec": {"limits": limits},
    }
    return mend(
        "bound what runs in the namespace",
        [Put(quota), Put(ranges)],
        f"twice the {running} pods of today are allowed: more are refused; requests by default need room on nodes",
    )


@remedy("HK-AVL-10")
def look(finding: Failing, cluster: Cluster) -> Remedy:
    """Say where the cause shows: nothing in the objects tells how to repair it."""
    if finding.kind == "Service":
        record = cluster.record(finding.object)
        labels = as_map(record.content, "spec", "selector") if record else {}
        told = ",".join(f"{key}={as_text(value)}" for key, value in labels.items())
        return advise(
            "let ready pods stand behind it",
            run("kubectl -n {} get pods -l {}", finding.namespace, told),
            "correct its selector, or delete it if nothing is meant to stand behind it",
            unproved="which pods it is meant to lead to, or whether to any, no object says",
        )
    memory = [run("kubectl -n {} top pod --containers", finding.namespace)] if "OOMKilled" in finding.observed else []
    return advise(
        "find the cause, and repair it",
        run("kubectl -n {} describe {} {}", *_where(finding)),
        run("kubectl -n {} logs {}/{} --all-containers --previous", *_where(finding)),
        *memory,
        unproved="why a program ends or does not start stands in its events and logs, which are not read",
    )


def _where(finding: Failing) -> tuple[str, str, str]:
    return finding.namespace, finding.kind.lower(), finding.name


by_hand(
    {
        "HK-AVL-11": "that failover was tried is for people to attest",
        "HK-AVL-12": "data move to another zone by the database itself, or by hand",
        "HK-AVL-13": "room is made by a node more, or by asking for less",
        "HK-AVL-14": "why a replacement did not start stands in its events, and what happened is not undone",
    }
)
