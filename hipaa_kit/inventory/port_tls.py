"""Ports that workloads answer on, and what shows whether TLS is spoken there.

Shown is what cannot be otherwise: a probe by HTTPS that succeeds, an operator's object that takes in nothing else, a
proxy that does nothing but TLS. A name or a number only claims it; a probe by plain HTTP shows the contrary.
Source: https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/#http-probes
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

import pandas as pd

from hipaa_kit.inventory.pods import POD_KINDS, selectable
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube.tls import PLAIN_PORTS, TLS_PORTS, is_proxy, names_tls
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.transit import PORT_TLS

Key = tuple[str, str, int]

SERVED_BY = {
    "CloudNativePG": 5432,
    "Zalando": 5432,
    "Crunchy": 5432,
    "MongoDB": 27017,
    "Elastic": 9200,
    "Opstree": 6379,
}
"""Port of a datastore whose object does not name it."""

PERCONA = {"PerconaPGCluster": 5432, "PerconaXtraDBCluster": 3306, "PerconaServerMongoDB": 27017}

BELONGS_TO = {
    "CloudNativePG": "cnpg.io/cluster",
    "Crunchy": "postgres-operator.crunchydata.com/cluster",
    "Elastic": "elasticsearch.k8s.elastic.co/cluster-name",
    "Strimzi": "strimzi.io/cluster",
    "Zalando": "cluster-name",
}
"""Label by which an operator marks the pods of a datastore with its name; others own them by reference."""


class Sign(NamedTuple):
    """One thing that speaks of TLS on a port."""

    spoken: str
    basis: str


ORDER = ("no", "yes", "claimed", "unknown")
"""Which sign counts where several speak: plain text that is shown wins over TLS that is."""


@builds(PORT_TLS, reads=POD_KINDS)
def port_tls(
    pods: pd.DataFrame,
    containers: pd.DataFrame,
    container_ports: pd.DataFrame,
    probes: pd.DataFrame,
    service_ports: pd.DataFrame,
    service_targets: pd.DataFrame,
    datastore_tls: pd.DataFrame,
    labels: pd.DataFrame,
) -> Iterator[dict[str, Any]]:
    """Yield a row per port of each workload, by what all of its pods have in common."""
    running = selectable(pods)
    owner = dict(zip(running["object"], running["workload"], strict=True))
    signs: dict[Key, dict[str, list[Sign]]] = defaultdict(lambda: defaultdict(list))
    for pod, protocol, port in _ports(container_ports, service_targets):
        if pod in owner:
            signs[owner[pod], protocol, port][pod].append(_by_number(protocol, port))
    for pod, protocol, port, sign in (
        *_by_names(container_ports, containers, service_ports, service_targets),
        *_by_probes(probes, container_ports, running),
        *_by_operators(datastore_tls, running, labels),
    ):
        if pod in owner and (owner[pod], protocol, port) in signs:
            signs[owner[pod], protocol, port][pod].append(sign)
    for (workload, protocol, port), by_pod in signs.items():
        each = [min(found, key=lambda sign: ORDER.index(sign.spoken)) for found in by_pod.values()]
        whole = max(each, key=lambda sign: ("yes", "claimed", "unknown", "no").index(sign.spoken))
        yield {
            "workload": workload,
            "protocol": protocol,
            "port": port,
            "spoken": whole.spoken,
            "basis": whole.basis,
        }


def _ports(container_ports: pd.DataFrame, service_targets: pd.DataFrame) -> Iterator[Key]:
    yield from container_ports[["pod", "protocol", "port"]].itertuples(index=False, name=None)
    yield from service_targets[["pod", "protocol", "target_port"]].itertuples(index=False, name=None)


def _by_number(protocol: str, port: int) -> Sign:
    if protocol == "TCP" and port in TLS_PORTS:
        return Sign("claimed", f"port {port} is one of protocols inside TLS")
    if protocol == "TCP" and port in PLAIN_PORTS:
        return Sign("unknown", f"port {port} is that of {PLAIN_PORTS[port]}; nothing speaks of TLS")
    return Sign("unknown", "nothing speaks of TLS")


def _by_names(
    container_ports: pd.DataFrame,
    containers: pd.DataFrame,
    service_ports: pd.DataFrame,
    service_targets: pd.DataFrame,
) -> Iterator[tuple[str, str, int, Sign]]:
    """Yield what names of ports claim; a proxy that does nothing but TLS makes good what its port's name says."""
    images = {(row["pod"], row["container"]): row["repository"] for row in rows_of(containers)}
    for row in rows_of(container_ports):
        if names_tls(row["name"]):
            proxy = is_proxy(images.get((row["pod"], row["container"]), ""))
            sign = (
                Sign("yes", f"container {row['container']} ends TLS on port {row['name']}")
                if proxy
                else Sign("claimed", f"the port is called {row['name']}")
            )
            yield row["pod"], row["protocol"], int(row["port"]), sign
    named = {
        (row["service"], row["port"], row["protocol"]): (row["app_protocol"], row["name"])
        for row in rows_of(service_ports)
        if names_tls(row["app_protocol"]) or names_tls(row["name"])
    }
    for row in rows_of(service_targets):
        if found := named.get((row["service"], row["port"], row["protocol"])):
            words = " ".join(filter(None, found))
            yield (
                row["pod"],
                row["protocol"],
                int(row["target_port"]),
                Sign("claimed", f"{row['service']} says {words}"),
            )


def _by_probes(
    probes: pd.DataFrame, container_ports: pd.DataFrame, running: pd.DataFrame
) -> Iterator[tuple[str, str, int, Sign]]:
    """Yield what probes show: one by HTTPS only where the pod is ready, so that it has succeeded.

    One that names a host asks that, and not the pod.
    """
    names = {
        (row["pod"], row["container"], row["name"]): int(row["port"]) for row in rows_of(container_ports) if row["name"]
    }
    ready = set(running.loc[running["live"] & running["ready"].eq(True), "object"])
    for row in rows_of(probes[(probes["handler"] == "http") & (probes["host"] == "")]):
        port = int(row["port"]) if row["port"].isdecimal() else names.get((row["pod"], row["container"], row["port"]))
        if port is None:
            continue
        said = f"{row['probe']} probe of container {row['container']} asks by {row['scheme']}"
        if row["scheme"] == "HTTP":
            yield row["pod"], "TCP", port, Sign("no", said)
        elif row["probe"] == "readiness" and row["pod"] in ready:
            yield row["pod"], "TCP", port, Sign("yes", f"{said} and is answered")
        else:
            yield row["pod"], "TCP", port, Sign("claimed", said)


def _by_operators(
    datastore_tls: pd.DataFrame, running: pd.DataFrame, labels: pd.DataFrame
) -> Iterator[tuple[str, str, int, Sign]]:
    """Yield what the objects of datastores ask for, for the pods that are theirs by owner or by label."""
    spoken = {"demanded": "yes", "offered": "unknown", "off": "no", "unknown": "unknown"}
    marks = labels[(labels["kind"] == "Pod") & labels["key"].isin(BELONGS_TO.values())]
    named = set(marks[["object", "key", "value"]].itertuples(index=False, name=None))
    for row in rows_of(datastore_tls):
        kind, _, name = row["object"].split("/")
        port = row["port"] if not pd.isna(row["port"]) else PERCONA.get(kind, SERVED_BY.get(row["operator"]))
        if port is None:
            continue
        sign = Sign(spoken[row["tls"]], f"{row['object']} {row['path']}: {row['value']}")
        inside = running[running["namespace"] == row["namespace"]]
        for pod, workload in inside[["object", "workload"]].itertuples(index=False):
            if workload == row["object"] or (pod, BELONGS_TO.get(row["operator"]), name) in named:
                yield pod, "TCP", int(port), sign
