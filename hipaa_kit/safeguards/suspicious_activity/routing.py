"""Routing: alerts reach people, and somebody finds out when they no longer do."""

from __future__ import annotations

from typing import Any

import pandas as pd

from hipaa_kit.safeguards.check import check, fails, judge, not_assessed, reviews
from hipaa_kit.safeguards.suspicious_activity.rules import KEY, alerts_that_matter
from hipaa_kit.tables.declaration import rows_of

EVALUATING = ("Prometheus", "ThanosRuler")
COLUMNS = ["object", "member", "alert", "state", "receivers", "integrations", "configuration"]


@check("HK-ALR-02", without_scope=True, everywhere=True)
def alerts_reach_people(
    alert_rules: pd.DataFrame,
    alert_topics: pd.DataFrame,
    alert_ways: pd.DataFrame,
    metric_servers: pd.DataFrame,
    alertmanager_services: pd.DataFrame,
    services: pd.DataFrame,
) -> pd.DataFrame:
    """Judge every Alertmanager by where it sends the alerts that matter, and every server by whether it sends any.

    Parameters
    ----------
    alert_rules, alert_topics, alert_ways, metric_servers, alertmanager_services, services : tables of those names

    Returns
    -------
    table `judgements`, one row per Alertmanager and alert that is critical or about what must be alerted on, and one
    per server that evaluates alerts

    Notes
    -----
    An integration is where an alert leaves the cluster; whether a person reads it there is for a test to show.
    Silences and inhibitions come and go, and are not read.
    Source: https://prometheus.io/docs/alerting/latest/configuration/#route
    """
    matter = {tuple(row[name] for name in KEY) for row in rows_of(alerts_that_matter(alert_rules, alert_topics))}
    rows = []
    for row in rows_of(alert_ways):
        general = row["object"] == ""
        if general or tuple(row[name] for name in KEY) in matter:
            name = "any critical alert" if general else row["alert"]
            member = name if general else f"{row['object']}/{row['group']}/{row['position']}/{row['alert']}"
            rows.append({**row, "object": row["alertmanager"], "member": member, "alert": name, "state": _state(row)})
    rows += _servers(alert_rules, metric_servers, set(services["object"]), set(alertmanager_services["service"]))
    if not rows:
        rows = [{"object": "Cluster//alert-routing", "member": "", "alert": "", "state": "none"}]
    return _judged(_filled(rows, COLUMNS))


def _state(way: dict[str, Any]) -> str:
    """Return the state of a way; one that leads through an Alertmanager that is not ready leads nowhere now.

    Where nothing says whether it is, nothing says that an alert that is heard is.
    """
    if way["ready"] is None and way["state"] == "heard":
        return "unsaid"
    return "down" if way["ready"] is False and way["state"] != "deaf" else str(way["state"])


def _filled(rows: list[dict[str, str]], columns: list[str]) -> pd.DataFrame:
    """Return rows as a frame in which what a row does not say is none."""
    return pd.DataFrame([{name: row.get(name, "") for name in columns} for row in rows], columns=columns, dtype="str")


def _servers(
    alert_rules: pd.DataFrame, metric_servers: pd.DataFrame, services: set[str], leading: set[str]
) -> list[dict[str, str]]:
    """Return a row per server that evaluates alerts, by the Services that it is told of and those that lead there."""
    loading = {name for names in alert_rules["servers"] for name in names.split()}
    rows = []
    for row in rows_of(metric_servers[metric_servers["kind"].isin(EVALUATING)]):
        if row["object"] in loading:
            told = set(row["alertmanagers"].split())
            state = "unseen" if services & told else "nowhere" if told else "silent"
            state = "sends" if leading & told else "elsewhere" if row["extra_alertmanagers"] else state
            about = {"object": row["object"], "member": "alerts sent", "alert": ""}
            rows.append({**about, "state": state, "receivers": row["alertmanagers"]})
    return rows


def _judged(examined: pd.DataFrame) -> pd.DataFrame:
    state = examined["state"]
    words = (examined["alert"] + " comes to " + examined["integrations"]).where(
        state != "sends", "it sends its alerts to an Alertmanager"
    )
    return judge(
        examined.assign(words=words),
        fails(
            state == "deaf",
            "{alert} comes to {receivers}, which tells nobody",
            observed="no integration",
            expected="a receiver that reaches a person",
            rests_on=["alertmanager_configs"],
        ),
        fails(
            state == "silent",
            "it evaluates alerts, and is told of no Alertmanager to send them to",
            path="$.spec.alerting.alertmanagers",
            observed="none",
            expected="an Alertmanager",
        ),
        fails(
            state == "nowhere",
            "it sends its alerts to {receivers}, which is not there",
            path="$.spec.alerting.alertmanagers",
            observed="no such Service",
            expected="a Service of an Alertmanager",
            rests_on=["services"],
        ),
        fails(
            state == "none",
            "no Alertmanager that the kit knows runs in the cluster, and no server sends alerts",
            observed="none",
            expected="an Alertmanager with a receiver",
            rests_on=["alert_ways", "metric_servers"],
        ),
        fails(
            state == "down",
            "it is not ready, so nobody is told of {alert}",
            path="$.status",
            observed="not ready",
            expected="a ready replica",
        ),
        reviews(
            state == "unread",
            "to which of {receivers} {alert} comes hangs on a value that is not kept: does each reach a person?",
        ),
        reviews(
            state == "open",
            "whether {alert} reaches anybody depends on its labels or on the time: it comes to one of {receivers}",
        ),
        reviews(
            state == "unseen",
            "it sends its alerts to {receivers}: does an Alertmanager run behind that? None is known",
            rests_on=["alertmanager_services"],
        ),
        reviews(state == "elsewhere", "does anybody stand behind the Alertmanagers that a Secret names?"),
        not_assessed(
            state == "unknown",
            "where it sends alerts was not read: {configuration} holds its configuration",
            code="input_missing",
        ),
        not_assessed(
            state == "unsaid",
            "{alert} comes to {integrations}, and nothing says whether the Alertmanager is ready",
            code="input_missing",
        ),
        member="member",
        evidence="configuration",
        passes="{words}",
    )


@check("HK-ALR-04", without_scope=True, everywhere=True)
def pipeline_proven_alive(alert_rules: pd.DataFrame, alert_ways: pd.DataFrame) -> pd.DataFrame:
    """Judge the cluster by an alert that always fires and comes to somebody who notices when it stops.

    Parameters
    ----------
    alert_rules, alert_ways : tables of those names

    Returns
    -------
    table `judgements`, one row per Alertmanager, or one for the cluster where no such alert is loaded

    Notes
    -----
    That what receives it sits outside of the cluster, and raises an alarm when it falls silent, is not visible. Of the
    integrations only a webhook can lead to what waits for it: all others tell people of an alert that is there.
    Source: https://prometheus.io/docs/alerting/latest/configuration/#receiver
    """
    always = alert_rules[alert_rules["always"] & (alert_rules["servers"] != "")]
    ways = alert_ways.merge(always[KEY], on=KEY)
    rows = [
        {**row, "object": row["alertmanager"], "rule": row["object"], "state": _state(row)} for row in rows_of(ways)
    ]
    if not rows:
        rule = " ".join(sorted(set(always["object"])))
        alert = ", ".join(sorted(set(always["alert"])))
        how = "unrouted" if len(always) else "none"
        rows = [{"object": "Cluster//heartbeat", "state": how, "rule": rule, "alert": alert}]
    columns = ["object", "rule", "alert", "state", "receivers", "integrations", "configuration"]
    examined = _filled(rows, columns)
    state = examined["state"]
    return judge(
        examined,
        fails(
            state == "none",
            "no alert that always fires is loaded: nobody would notice that alerts no longer come",
            observed="none",
            expected="an alert on vector(1), such as Watchdog",
            rests_on=["alert_rules"],
        ),
        fails(
            state == "unrouted",
            "{alert} always fires, and no Alertmanager takes it",
            observed="none",
            expected="an Alertmanager",
            rests_on=["alert_ways"],
        ),
        fails(
            state == "deaf",
            "{alert} always fires, and comes to {receivers}, which tells nobody",
            observed="no integration",
            expected="a receiver that notices when it stops",
            rests_on=["alertmanager_configs"],
        ),
        fails(
            state == "down",
            "{alert} always fires, and the Alertmanager that takes it is not ready",
            path="$.status",
            observed="not ready",
            expected="a ready replica",
        ),
        reviews(
            state == "unread",
            "to which of {receivers} {alert} comes hangs on a value that is not kept: does each notice when it stops?",
        ),
        reviews(
            (state == "heard")
            & ~examined["integrations"].str.split().map(lambda kinds: "webhook" in kinds).astype(bool),
            "who notices when {alert} stops? It comes to {integrations}, which tells of alerts that are there",
        ),
        reviews(state == "open", "whether {alert} comes to anybody depends on labels or on the time: {receivers}"),
        not_assessed(
            state == "unknown",
            "where {alert} goes was not read: {configuration} holds the configuration",
            code="input_missing",
        ),
        not_assessed(
            state == "unsaid",
            "{alert} always fires and comes to {integrations}, and nothing says whether the Alertmanager is ready",
            code="input_missing",
        ),
        member="alert",
        evidence="rule",
        passes="{alert} always fires, and comes to {integrations}",
    )
