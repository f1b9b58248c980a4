"""What the proxies of Istio that stand before clients speak to the ports of a workload, by DestinationRules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from hipaa_kit.inventory.fields import items, mapping, number, string_map, text, texts
from hipaa_kit.inventory.mesh import root_namespace
from hipaa_kit.inventory.pods import pod_views
from hipaa_kit.kube.custom_kinds import custom
from hipaa_kit.kube.destination_rules import (
    BY_ITSELF,
    UNSURE,
    Client,
    DestinationRule,
    Policy,
    Spoken,
    in_doubt,
    spoken,
)
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.sources.snapshot import Record, Snapshot
from hipaa_kit.tables.declaration import rows_of

DESTINATION_RULE = custom("networking.istio.io", "DestinationRule")


class ClientTls:
    """Answers what a client's proxies speak to one port of a workload's pods, and to the outside."""

    def __init__(self, snapshot: Snapshot, pods: pd.DataFrame, service_targets: pd.DataFrame) -> None:
        self._rules = [_rule(record) for record in snapshot.records(DESTINATION_RULE)]
        self._clients: dict[str, Client] = {}
        self._services: dict[tuple[str, int], set[tuple[str, str, int]]] = defaultdict(set)
        if not self._rules:
            return
        self._root = root_namespace(snapshot)
        labels: dict[tuple[str, str], list[Mapping[str, str]]] = defaultdict(list)
        for view in pod_views(snapshot):
            labels[view.workload, view.namespace].append(view.labels)
        self._clients = {workload: Client(namespace, tuple(held)) for (workload, namespace), held in labels.items()}
        owner = dict(zip(pods["object"], pods["workload"], strict=True))
        for row in rows_of(service_targets[service_targets["protocol"] == "TCP"]):
            _, namespace, name = parse_object_id(row["service"])
            self._services[owner[row["pod"]], int(row["target_port"])].add((namespace, name, int(row["port"])))

    def inside(self, source: str, destination: str, port: int) -> Spoken:
        """Return what a workload's proxies speak to a port of another's pods; "" as source is any that may be.

        Where several Services lead there, sure is what holds by all of them.
        """
        if not self._rules:
            return Spoken(BY_ITSELF)
        client = self._clients.get(source)
        if source and client is None:
            return Spoken(BY_ITSELF)
        found = [
            spoken(self._rules, client, (namespace, name), opened, self._root)
            for namespace, name, opened in sorted(self._services[destination, port])
        ]
        if len({each.by for each in found}) == 1:
            return found[0]
        by = in_doubt({each.by for each in found})
        telling = ("plain", UNSURE) if by == UNSURE else ("begun",)
        return Spoken(by, next((each.source for each in found if each.by in telling), "")) if by else Spoken(BY_ITSELF)

    def outside(self, source: str) -> str:
        """Return a rule by which a workload's proxies may begin TLS to names of the outside, or ""."""
        client = self._clients.get(source)
        found = (
            rule.object
            for rule in self._rules
            if client and rule.outside() and rule.exported(client.namespace) and rule.begins_tls()
        )
        return next(found, "")


def _rule(record: Record) -> DestinationRule:
    spec = mapping(record.content, "spec")
    return DestinationRule(
        record.object,
        record.namespace,
        text(spec, "host"),
        _policy(mapping(spec, "trafficPolicy")),
        tuple(_policy(mapping(each, "trafficPolicy")) for each in items(spec, "subsets")),
        tuple(texts(spec, "exportTo")),
        string_map(spec, "workloadSelector", "matchLabels"),
    )


def _policy(written: Mapping[str, Any]) -> Policy:
    own = _mode(mapping(written, "tls")) if "tls" in written else None
    return Policy(own, dict(_ports(written)))


def _ports(written: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    for each in items(written, "portLevelSettings"):
        if (port := number(each, "port", "number")) is not None:
            yield port, _mode(mapping(each, "tls")) if "tls" in each else ""


def _mode(tls: Mapping[str, Any]) -> str:
    """Return the mode of TLS; one that is not written is DISABLE, the first of its kind."""
    return text(tls, "mode", default="DISABLE")
