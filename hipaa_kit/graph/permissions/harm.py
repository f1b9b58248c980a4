"""Who may destroy what ePHI depends on, or blind the watch over it: object by object, by the matcher itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import pandas as pd

from hipaa_kit.graph.permissions.answers import RBAC
from hipaa_kit.graph.permissions.book import Holding, shown
from hipaa_kit.graph.permissions.closure import Closure
from hipaa_kit.graph.permissions.loading import binding_id, role_id
from hipaa_kit.graph.permissions.stock import EVERY_CLUSTER, is_stock, stock_rules
from hipaa_kit.kube import kinds
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.kube.rbac import Request, allows, api_call
from hipaa_kit.kube.rbac.bindings import USER_GROUP
from hipaa_kit.tables.permissions import HARM

DELETE_EPHI: Final = "DELETE_EPHI"
ALTER_EPHI: Final = "ALTER_EPHI"
TAMPER_AUDIT: Final = "TAMPER_AUDIT"
DISABLE_ALERT: Final = "DISABLE_ALERT"
HELD_IN: Final = frozenset({"PersistentVolumeClaim", "PersistentVolume", "Secret", "StatefulSet"})
"""Kinds whose objects are, or keep, the data: without one of these it is lost or out of reach."""
WRITES: Final = frozenset({"CronJob", "DaemonSet", "Deployment", "Job", "ReplicaSet", "StatefulSet"})
"""Kinds whose pods write the data: who changes one of these writes what he likes, as it."""
DESTROY: Final = ("delete", "deletecollection")
REWRITE: Final = ("update", "patch")
CHANGE: Final = (*REWRITE, *DESTROY)
WATCHERS: Final = {
    TAMPER_AUDIT: frozenset("fluentd fluentbit fluent filebeat promtail vector logstash otelcol alloy".split()),
    DISABLE_ALERT: frozenset("alertmanager prometheus vmalert vmalertmanager".split()),
}
"""Words in the names of images that ship logs, or that raise and route alerts."""
BESIDE: Final = frozenset("exporter operator adapter pushgateway reloader".split())
"""Words of images that only stand beside them."""
RESOURCES: Final = {kind.kind: kind for kind in kinds.BUILT_IN}


class Target(NamedTuple):
    """An object, and what may be done to it that harms."""

    object: str
    technique: str
    verbs: tuple[str, ...]


class Harm(Closure):
    """What subjects could destroy or silence."""

    def harm(self) -> pd.DataFrame:
        """Return table `harm`: every subject that may destroy or alter ePHI, or blind the watch over it.

        ePHI by the scope: claims, their volumes, Secrets, StatefulSets and their namespaces may be destroyed, and
        workloads that write it be changed. Logs and alerts: the workloads whose images are known to ship or to raise
        them, and the ConfigMaps and Secrets that they mount. Members of `system:masters` may do all of it and are not
        listed. See `gaps()` for who may not have been seen.
        """
        targets = [*self._ephi(), *self._watchers()]
        return HARM.frame(row for target in dict.fromkeys(targets) for row in self._rows(target))

    def _ephi(self) -> Iterator[Target]:
        ephi = self.tables["ephi_objects"]
        held = set(ephi[ephi["kind"].isin(HELD_IN)]["object"])
        claims = self.tables["claims"]
        held |= {volume for volume in claims[claims["object"].isin(held)]["persistent_volume"] if volume}
        places = {parse_object_id(each)[1] for each in held} - {""}
        yield from (Target(each, DELETE_EPHI, DESTROY) for each in sorted(held))
        yield from (Target(each, ALTER_EPHI, REWRITE) for each in sorted(ephi[ephi["kind"].isin(WRITES)]["object"]))
        yield from (Target(f"Namespace//{place}", DELETE_EPHI, ("delete",)) for place in sorted(places))

    def _watchers(self) -> Iterator[Target]:
        containers, pods, volumes = (self.tables[name] for name in ("containers", "pods", "volumes"))
        for technique, wanted in WATCHERS.items():
            does = [bool(wanted & words) and not words & BESIDE for words in map(_words, containers["repository"])]
            mine = set(containers["pod"][pd.Series(does, index=containers.index, dtype=bool)])
            objects = {*pods[pods["object"].isin(mine)]["workload"], *volumes[volumes["pod"].isin(mine)]["reference"]}
            for each in sorted(objects):
                if parse_object_id(each)[0] in RESOURCES and parse_object_id(each)[0] != "PersistentVolumeClaim":
                    yield Target(each, technique, CHANGE)

    def _rows(self, target: Target) -> Iterator[dict[str, Any]]:
        kind, namespace, name = parse_object_id(target.object)
        found = RESOURCES[kind]
        for verb in target.verbs:
            request = api_call(verb, found.group, found.resource, namespace=namespace, name=name)
            for held in self.book.holders(request):
                who, subject = shown(held.principal)
                proof = {
                    "object": target.object,
                    "technique": target.technique,
                    "verb": verb,
                    "binding": binding_id(held.binding),
                    "role": role_id(held.role),
                    "rule": held.position,
                    "scope": held.binding.namespace,
                    "basis": RBAC,
                    "expected_because": _expected(held, request),
                }
                yield {"subject_kind": who, "subject": subject, **proof}
                if held.principal.kind == USER_GROUP:
                    yield from self._members(held.principal.name, proof)


def _expected(held: Holding, request: Request) -> str:
    stock = is_stock(held.binding, held.principal) and allows(stock_rules(held.role.name), request)
    return EVERY_CLUSTER if stock else ""


def _words(repository: str) -> frozenset[str]:
    """Return the words of an image's name, without registry and folders."""
    return frozenset(re.split(r"[^a-z0-9]+", repository.rpartition("/")[2].lower()))
