"""What Prometheus answered shortly before the collection: which targets answer, and what containers and volumes use.

About targets only the namespaces of imaging were asked: whoever gives results need not give all of them.
"""

from __future__ import annotations

from typing import Any

from hospital import SCRAPED
from model import Claim, Hospital, Input, Workload
from pods import replicas
from policies import SHUT

ASKED_AT = 1_795_139_970  # 2026-11-20T01:59:30Z
NAMESPACES = ("imaging", "research")
USED = 0.62
"""Part of its memory limit that a container uses, and of its size that a volume holds."""


def measurements(hospital: Hospital) -> list[Input]:
    """Declare the answers to three questions."""
    return [
        Input("metrics/memory.json", answer(memory(hospital))),
        Input("metrics/up.json", answer(targets(hospital))),
        Input("metrics/volumes.json", answer(volumes(hospital))),
    ]


def answer(series: list[tuple[dict[str, str], float]]) -> dict[str, Any]:
    """Return an answer of the API of Prometheus to an instant query."""
    result = [{"metric": labels, "value": [ASKED_AT, f"{value:g}"]} for labels, value in series]
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


def running(hospital: Hospital) -> list[Workload]:
    """Return the workloads of the hospital's own software that run all the time."""
    every = hospital.all(Workload)
    return [one for one in every if one.namespace in SHUT and one.kind in ("Deployment", "StatefulSet")]


def targets(hospital: Hospital) -> list[tuple[dict[str, str], float]]:
    """Return a series `up` of each pod that is scraped."""
    ports = {name: port for name, port, _, _ in SCRAPED}
    return [
        (
            {
                "__name__": "up",
                "endpoint": ports[f"{one.kind}/{one.namespace}/{one.name}"],
                "job": one.name,
                "namespace": one.namespace,
                "pod": replica.name,
            },
            1,
        )
        for one in running(hospital)
        if one.namespace in NAMESPACES
        for replica in replicas(hospital, one)
    ]


def memory(hospital: Hospital) -> list[tuple[dict[str, str], float]]:
    """Return what each container holds in memory."""
    return [
        (
            {
                "__name__": "container_memory_working_set_bytes",
                "container": container.name,
                "namespace": one.namespace,
                "pod": replica.name,
            },
            round(USED * container.memory * 2**20),
        )
        for one in running(hospital)
        for replica in replicas(hospital, one)
        for container in one.containers
    ]


def volumes(hospital: Hospital) -> list[tuple[dict[str, str], float]]:
    """Return size and use of each volume: those of StatefulSets, and those that were claimed one by one."""
    claims = [
        (one.namespace, f"{name}-{replica.name}", size)
        for one in running(hospital)
        for replica in replicas(hospital, one)
        for name, size in one.claims.items()
    ]
    claims += [(one.namespace, one.name, one.size) for one in hospital.all(Claim)]
    return [
        (
            {
                "__name__": f"kubelet_volume_stats_{metric}_bytes",
                "namespace": namespace,
                "persistentvolumeclaim": name,
            },
            round(part * size * 2**30),
        )
        for namespace, name, size in claims
        for metric, part in (("capacity", 1.0), ("used", USED))
    ]
