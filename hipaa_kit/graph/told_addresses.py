"""By what addresses of Services workloads are told to speak to the ports of others, and whether those ask for TLS.

An address is what a client asks for: it shows neither that it is used nor what answers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pandas as pd

from hipaa_kit.inventory.fields import reference
from hipaa_kit.inventory.network import followed
from hipaa_kit.inventory.pods import POD_KINDS, pod_views
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube.facts import SERVICE_ADDRESSES
from hipaa_kit.kube.service_addresses import known_address
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.transit import TOLD_ADDRESSES


@builds(TOLD_ADDRESSES, reads=POD_KINDS, facts=[SERVICE_ADDRESSES])
def told_addresses(
    snapshot: Snapshot, pods: pd.DataFrame, services: pd.DataFrame, service_targets: pd.DataFrame
) -> Iterator[dict[str, Any]]:
    """Yield a row per address that containers of a workload are told, and per port of a workload that it leads to."""
    leads = _Leads(pods, services, service_targets)
    told = {
        (view.workload, view.namespace, place, fact)
        for view in pod_views(snapshot)
        for place, fact in view.facts.get(SERVICE_ADDRESSES, {}).items()
    }
    for workload, namespace, place, fact in told:
        address = known_address(fact)
        for destination, port in leads.to(reference("Service", *address.service(namespace)), address.port):
            yield {
                "workload": workload,
                "place": place,
                "address": address.words,
                "tls": address.tls,
                "destination": destination,
                "port": port,
            }


class _Leads:
    """Where Services lead: the port of a headless one is the pod's own, as its name stands for the pods themselves.

    Source: https://kubernetes.io/docs/concepts/services-networking/service/#headless-services
    """

    def __init__(self, pods: pd.DataFrame, services: pd.DataFrame, service_targets: pd.DataFrame) -> None:
        owner = dict(zip(pods["object"], pods["workload"], strict=True))
        self._followed = followed(services)
        self._headless = set(services.loc[services["headless"], "object"])
        self._ports: dict[tuple[str, int], set[tuple[str, int]]] = defaultdict(set)
        self._workloads: dict[str, set[str]] = defaultdict(set)
        for row in rows_of(service_targets[service_targets["protocol"] == "TCP"]):
            workload = owner[row["pod"]]
            self._workloads[row["service"]].add(workload)
            self._ports[row["service"], int(row["port"])].add((workload, int(row["target_port"])))

    def to(self, service: str, port: int) -> set[tuple[str, int]]:
        """Return the workloads and their ports that a port of a Service leads to."""
        service = self._followed.get(service, service)
        if service in self._headless:
            return {(workload, port) for workload in self._workloads.get(service, ())}
        return self._ports.get((service, port), set())
