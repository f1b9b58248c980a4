"""Alerts that PrometheusRules define, what they are about, and where each Alertmanager sends them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from hipaa_kit.inventory.fields import condition, items, mapping, number, reference, string_map, text
from hipaa_kit.inventory.monitoring.servers import (
    ALERTMANAGER,
    GROUP,
    PROMETHEUS,
    RULER,
    choices,
    namespace_labels,
    taken_by,
)
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube import kinds
from hipaa_kit.kube.custom_kinds import custom
from hipaa_kit.kube.facts import ALERT_ROUTES
from hipaa_kit.kube.monitoring.alerts import NARROWED_BY_NAMESPACE, is_narrowed, topics_of, unfolded
from hipaa_kit.kube.monitoring.operator import is_unmanaged, replicas
from hipaa_kit.kube.monitoring.promql import Series, duration_seconds, is_constant, series_of
from hipaa_kit.kube.monitoring.routes import Form, hangs_on_unread, joined, way
from hipaa_kit.kube.owners import object_id, parse_object_id
from hipaa_kit.sources.pseudonyms import is_pseudonym
from hipaa_kit.sources.snapshot import Record, Snapshot
from hipaa_kit.tables.alerting import (
    ALERT_RULES,
    ALERT_TOPICS,
    ALERT_WAYS,
    ALERTMANAGER_CONFIGS,
    ALERTMANAGER_SERVICES,
)
from hipaa_kit.tables.declaration import rows_of

CONFIG: Final = custom(GROUP, "AlertmanagerConfig")
RULES: Final = custom(GROUP, "PrometheusRule")
ANY_CRITICAL: Final = {"alertname": "AnyCriticalAlert", "severity": "critical"}
"""Labels that stand for an alert of which nothing but its severity is known."""

GENERATED: Final = "alertmanager.yaml.gz"


@dataclass(frozen=True)
class _Alert:
    """One alert as it is defined."""

    rule: Record
    group: str
    position: int
    content: Mapping[str, Any]
    series: tuple[Series, ...]
    labels: Mapping[str, Any]

    @property
    def key(self) -> dict[str, Any]:
        return {"object": self.rule.object, "group": self.group, "position": self.position}


def _alerts(snapshot: Snapshot) -> list[_Alert]:
    found: dict[tuple[str, str, int], _Alert] = {}
    for record in snapshot.records(RULES):
        for group in items(record.content, "spec", "groups"):
            for position, rule in enumerate(items(group, "rules"), 1):
                if text(rule, "alert"):
                    name = text(group, "name")
                    # Labels of the group hold for its rules, which may overwrite them.
                    labels = {**mapping(group, "labels"), **mapping(rule, "labels")}
                    alert = _Alert(record, name, position, rule, series_of(_expression(rule)), labels)
                    found.setdefault((record.object, name, position), alert)
    return list(found.values())


def _expression(rule: Mapping[str, Any]) -> str:
    """Return an expression; a plain number may stand as one."""
    return str(rule.get("expr", ""))


def _recorded(snapshot: Snapshot) -> dict[str, list[Series]]:
    """Return what stands behind the names that recording rules make."""
    found: dict[str, list[Series]] = {}
    for record in snapshot.records(RULES):
        for group in items(record.content, "spec", "groups"):
            for rule in items(group, "rules"):
                if name := text(rule, "record"):
                    found.setdefault(name, []).extend(series_of(_expression(rule)))
    return found


@builds(ALERT_RULES, reads=[RULES, PROMETHEUS, RULER, kinds.NAMESPACE])
def alert_rules(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per alert, with the servers that load it.

    An agent evaluates no rules, and a server whose configuration comes from elsewhere need not load those it selects.
    One may narrow rules to their namespaces (`enforcedNamespaceLabel`); exceptions to that are not read.
    """
    enforcing = {
        record.object
        for kind in (PROMETHEUS, RULER)
        for record in snapshot.records(kind)
        if text(record.content, "spec", "enforcedNamespaceLabel")
    }
    unmanaged = {
        record.object for record in snapshot.records(PROMETHEUS) if is_unmanaged(mapping(record.content, "spec"))
    }
    held = {name: each for name, each in choices(snapshot, RULES, (PROMETHEUS, RULER)).items() if name not in unmanaged}
    places = namespace_labels(snapshot)
    taken = {record.object: taken_by(record, held, places) for record in snapshot.records(RULES)}
    recorded = _recorded(snapshot)
    for alert in _alerts(snapshot):
        annotations = mapping(alert.content, "annotations")
        metrics = {each.metric for each in unfolded(alert.series, recorded) if each.metric}
        yield {
            **alert.key,
            "alert": text(alert.content, "alert"),
            "severity": text(alert.labels, "severity"),
            "for_seconds": duration_seconds(text(alert.content, "for", default="0")),
            "metrics": " ".join(sorted(metrics)),
            "always": is_constant(_expression(alert.content)),
            "runbook": any(annotations.get(name) for name in ("runbook_url", "runbook")),
            "owner": any(alert.labels.get(name) for name in ("owner", "team")),
            "servers": " ".join(taken[alert.rule.object]),
            "own_namespace": bool(taken[alert.rule.object]) and enforcing.issuperset(taken[alert.rule.object]),
        }


@builds(ALERT_TOPICS, reads=[RULES])
def alert_topics(snapshot: Snapshot, workloads: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield a row per alert and thing that it is about."""
    places = sorted(set(workloads["namespace"]))
    recorded = _recorded(snapshot)
    for alert in _alerts(snapshot):
        for topic, series in topics_of(alert.series, recorded).items():
            missed = _missed(series, places) if topic in NARROWED_BY_NAMESPACE else []
            one = is_narrowed(topic, series)
            yield {**alert.key, "topic": topic, "missed_namespaces": " ".join(missed), "one_object": one}


def _missed(series: list[Series], places: list[str]) -> list[str]:
    """Return the namespaces that none of the series is sure to speak of."""
    return [place for place in places if not any(each.admits("namespace", place) for each in series)]


@dataclass(frozen=True)
class _Configured:
    """One Alertmanager and its configuration, as far as it was read."""

    object: str
    form: Form | None
    origin: str


@builds(ALERTMANAGER_CONFIGS, reads=[ALERTMANAGER, CONFIG, kinds.NAMESPACE])
def alertmanager_configs(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per AlertmanagerConfig and Alertmanager that takes it, and one for what none takes.

    Its routes are for alerts of its own namespace alone, unless the Alertmanager says otherwise; one that an
    Alertmanager names as its whole configuration stands for all. Source:
    https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.AlertmanagerConfigMatcherStrategy
    """
    held, places = choices(snapshot, CONFIG, (ALERTMANAGER,)), namespace_labels(snapshot)
    servers = {record.object: record for record in snapshot.records(ALERTMANAGER)}
    for config in snapshot.records(CONFIG):
        whole = {name for name, record in servers.items() if _whole(record) == config.object}
        takers = whole | set(taken_by(config, held, places))
        for name in sorted(takers) or [""]:
            yield {
                "object": config.object,
                "alertmanager": name,
                "whole": name in whole,
                "narrowed": name not in whole and name != "" and _is_narrowed(servers[name], config),
            }


def _whole(alertmanager: Record) -> str:
    """Return the AlertmanagerConfig that an Alertmanager names as its whole configuration, "" where it names none."""
    name = text(alertmanager.content, "spec", "alertmanagerConfiguration", "name")
    return reference("AlertmanagerConfig", alertmanager.namespace, name)


@builds(
    ALERT_WAYS,
    reads=[ALERTMANAGER, CONFIG, RULES, PROMETHEUS],
    also=[kinds.CONFIG_MAP, kinds.SECRET],
    facts=[ALERT_ROUTES],
)
def alert_ways(
    snapshot: Snapshot,
    alertmanager_configs: pd.DataFrame,
    watchers: pd.DataFrame,
    volumes: pd.DataFrame,
    alert_rules: pd.DataFrame,
) -> Iterator[dict[str, Any]]:
    """Yield a row per Alertmanager and alert that a server loads, and one for any critical alert.

    Labels of an alert that its rule does not write are not known: they come from what is measured. Where a server may
    change labels before it sends an alert, none is.
    """
    loaded = alert_rules[alert_rules["servers"] != ""]
    labels = {(alert.rule.object, alert.group, alert.position): _labels(alert) for alert in _alerts(snapshot)}
    changing = {record.object for record in snapshot.records(PROMETHEUS) if _changes_labels(record)}
    for each in [*_of_operator(snapshot, alertmanager_configs), *_of_workloads(snapshot, watchers, volumes)]:
        ready = _ready(each.object, snapshot, watchers)
        yield {**_way(each, {"object": "", "group": "", "position": 0, "alert": ""}, ANY_CRITICAL), "ready": ready}
        for row in rows_of(loaded):
            key = {name: row[name] for name in ("object", "group", "position", "alert")}
            known = labels[row["object"], row["group"], row["position"]]
            way_of = _way(each, key, {} if changing & set(row["servers"].split()) else known)
            yield {**way_of, "ready": ready}


def _labels(alert: _Alert) -> dict[str, str]:
    """Return the labels that a rule writes; one made from what is measured did not pass the door, and is not known."""
    written = {key: value for key, value in string_map(alert.labels).items() if not is_pseudonym(value)}
    return {**written, "alertname": text(alert.content, "alert")}


def _changes_labels(server: Record) -> bool:
    """Tell whether a server may change the labels of an alert before it sends it."""
    spec = mapping(server.content, "spec")
    told = items(spec, "alerting", "alertmanagers")
    return bool(mapping(spec, "additionalAlertRelabelConfigs")) or any(items(each, "alertRelabelings") for each in told)


def _way(each: _Configured, key: Mapping[str, Any], labels: Mapping[str, str]) -> dict[str, Any]:
    row = {"alertmanager": each.object, **key, "configuration": each.origin}
    if each.form is None:
        return {**row, "state": "unknown", "receivers": "", "integrations": ""}
    found = way(each.form, labels)
    state = "open" if found.heard and found.deaf else "heard" if found.heard else "deaf"
    if state == "heard" and hangs_on_unread(each.form, labels):
        state = "unread"
    return {**row, "state": state, "receivers": " ".join(found.receivers), "integrations": " ".join(found.kinds)}


def _ready(alertmanager: str, snapshot: Snapshot, watchers: pd.DataFrame) -> bool | None:
    """Tell whether an Alertmanager is ready: by its pods, or else by its status; None where neither says so."""
    pods = watchers[(watchers["duty"] == "alerting") & (watchers["workload"] == alertmanager) & watchers["live"]]
    if len(pods) and (pods["ready"].fillna(False).any() or pods["ready"].notna().all()):
        return bool(pods["ready"].any())
    for record in snapshot.records(ALERTMANAGER):
        if record.object == alertmanager:
            running = number(record.content, "status", "availableReplicas")
            return condition(record.content, "Available") if running is None else running > 0
    return None


def _of_operator(snapshot: Snapshot, taken: pd.DataFrame) -> Iterator[_Configured]:
    """Yield the Alertmanagers that the operator runs, those that are asked for no replica left out.

    What it starts from is an AlertmanagerConfig that it names, or else a Secret. Where this was not read, the Secret
    that the operator writes may have been, which holds everything already.
    Source: https://prometheus-operator.dev/docs/developer/alerting/
    """
    forms = {record.object: record.facts.get(ALERT_ROUTES, {}).get("") for record in snapshot.records(CONFIG)}
    running = [record for record in snapshot.records(ALERTMANAGER) if replicas(mapping(record.content, "spec"))]
    for record in running:
        whole = _whole(record)
        secret = text(record.content, "spec", "configSecret") or f"alertmanager-{record.name}"
        origin = whole or object_id("Secret", record.namespace, secret)
        root = forms.get(whole) if whole else _held(snapshot, kinds.SECRET, record.namespace, secret)
        mine = taken[(taken["alertmanager"] == record.object) & ~taken["whole"]]
        rest = [
            (*parse_object_id(row["object"])[1:], forms[row["object"]], bool(row["narrowed"]))
            for row in rows_of(mine)
            if forms[row["object"]]
        ]
        made = f"alertmanager-{record.name}-generated"
        if not root and (written := _held(snapshot, kinds.SECRET, record.namespace, made)):
            yield _Configured(record.object, written, object_id("Secret", record.namespace, made))
        else:
            yield _Configured(record.object, joined(root, rest) if root else None, origin)


@builds(ALERTMANAGER_SERVICES, reads=[ALERTMANAGER, kinds.SERVICE])
def alertmanager_services(
    snapshot: Snapshot, watchers: pd.DataFrame, service_backends: pd.DataFrame
) -> Iterator[dict[str, Any]]:
    """Yield a row per Service and Alertmanager that it leads to: by its pods, or by the labels these are to have.

    Source: https://github.com/prometheus-operator/prometheus-operator/blob/main/pkg/alertmanager/operator.go
    """
    alerting = watchers[watchers["duty"] == "alerting"]
    led = service_backends.merge(alerting[["pod", "workload"]], on="pod")
    found = set(zip(led["service"], led["workload"], strict=True))
    running = [record for record in snapshot.records(ALERTMANAGER) if replicas(mapping(record.content, "spec"))]
    for record in running:
        labels = {**string_map(record.content, "spec", "podMetadata", "labels"), **_given_labels(record.name)}
        for service in snapshot.records(kinds.SERVICE):
            chosen = string_map(service.content, "spec", "selector").items()
            if service.namespace == record.namespace and chosen and chosen <= labels.items():
                found.add((service.object, record.object))
    for service_name, alertmanager in sorted(found):
        yield {"service": service_name, "alertmanager": alertmanager}


def _given_labels(name: str) -> dict[str, str]:
    """Return the labels that the operator gives the pods of an Alertmanager."""
    standard = {"name": "alertmanager", "instance": name, "managed-by": "prometheus-operator"}
    return {"alertmanager": name, **{f"app.kubernetes.io/{key}": value for key, value in standard.items()}}


def _is_narrowed(alertmanager: Record, config: Record) -> bool:
    """Tell whether routes of an AlertmanagerConfig are for alerts of its own namespace alone."""
    path = ("spec", "alertmanagerConfigMatcherStrategy", "type")
    strategy = text(alertmanager.content, *path, default="OnNamespace")
    if strategy == "OnNamespaceExceptForAlertmanagerNamespace":
        return config.namespace != alertmanager.namespace
    return strategy != "None"


def _held(snapshot: Snapshot, kind: kinds.Kind, namespace: str, name: str) -> Form | None:
    """Return the configuration in a Secret or ConfigMap, None where it was not read."""
    for record in snapshot.records(kind):
        if (record.namespace, record.name) == (namespace, name):
            held = record.facts.get(ALERT_ROUTES, {})
            found: Form | None = held.get(GENERATED) or next(iter(held.values()), None)
            return found
    return None


def _of_workloads(snapshot: Snapshot, watchers: pd.DataFrame, volumes: pd.DataFrame) -> Iterator[_Configured]:
    """Yield the Alertmanagers that run without the operator: their configuration stands in what they mount."""
    running = watchers[(watchers["duty"] == "alerting") & ~watchers["workload"].str.startswith("Alertmanager/")]
    mounted = volumes[volumes["type"].isin(["configMap", "secret"]) & (volumes["reference"] != "")]
    for workload, pods in running.groupby("workload", sort=True)["pod"]:
        sources = sorted(set(mounted[mounted["pod"].isin(pods)]["reference"]))
        found = None
        for source in sources:
            kind, namespace, name = source.split("/", 2)
            held = _held(snapshot, kinds.SECRET if kind == "Secret" else kinds.CONFIG_MAP, namespace, name)
            if held:
                found = _Configured(str(workload), held, source)
                break
        yield found or _Configured(str(workload), None, " ".join(sources))
