"""Rules: alerts on what matters are loaded, name what to do, and something looks at audit events."""

from __future__ import annotations

from typing import Any

import pandas as pd

from hipaa_kit.kube.monitoring.alerts import BACKUPS, JOBS, NARROWED_BY_NAMESPACE, TOPICS
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.safeguards.check import check, fails, judge, reviews
from hipaa_kit.safeguards.monitoring.common import other_engines, without_operator
from hipaa_kit.tables.declaration import rows_of

KEY = ["object", "group", "position"]


@check("HK-ALR-01", everywhere=True)
def alerts_on_what_matters(
    ephi_workloads: pd.DataFrame,
    alert_rules: pd.DataFrame,
    alert_topics: pd.DataFrame,
    metric_servers: pd.DataFrame,
    watchers: pd.DataFrame,
    other_monitoring: pd.DataFrame,
    *,
    longest_wait_minutes: int = 60,
) -> pd.DataFrame:
    """Judge each thing that must be alerted on by the alerts that a server loads for it.

    Parameters
    ----------
    ephi_workloads, alert_rules, alert_topics, metric_servers, watchers, other_monitoring : tables of those names

    Returns
    -------
    table `judgements`, one row per thing

    Notes
    -----
    An alert is told by the metrics that it reads, not by its name. That it fires in time, and that its metrics are
    there at all, only a test shows (HK-ALR-06).
    Source: https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/
    """
    inside = set(ephi_workloads["namespace"])
    about = alert_topics.merge(alert_rules, on=KEY)
    others = _others(metric_servers, watchers, other_monitoring)
    rows = []
    for topic, words in TOPICS.items():
        held = about[about["topic"] == topic]
        jobs = about[about["topic"] == JOBS] if topic == BACKUPS else about.head(0)
        found = _standing(held, jobs, inside, longest_wait_minutes)
        rows.append({"object": f"Cluster//alerts-on-{topic}", "words": words, "others": others, **found})
    return _judged(pd.DataFrame(rows))


def _judged(examined: pd.DataFrame) -> pd.DataFrame:
    how, others = examined["how"], examined["others"] != ""
    return judge(
        examined,
        fails(
            (how == "none") & ~others,
            "no alert that a server loads is about {words}",
            observed="none",
            expected="an alert on it",
            rests_on=["alert_rules", "watchers", "other_monitoring"],
        ),
        fails(
            (how == "unloaded") & ~others,
            "alerts are about {words} ({alerts}), and no server loads them",
            observed="no server",
            expected="a server whose ruleSelector takes them",
            rests_on=["alert_rules", "metric_servers", "watchers", "other_monitoring"],
        ),
        fails(
            how == "missed",
            "what is about {words} ({alerts}) leaves out {missed}",
            observed="{missed} left out",
            expected="every namespace with ePHI",
            rests_on=["alert_rules"],
        ),
        reviews(
            how.isin(["none", "unloaded"]) & others,
            "is there an alert about {words}? Rules of {others} were not read",
        ),
        reviews(how == "jobs", "alerts are about Jobs that fail ({alerts}): are all backups Jobs of this cluster?"),
        reviews(
            how == "narrow", "what is about {words} ({alerts}) names one object: is there nothing else to alert on?"
        ),
        reviews(how == "slow", "what is about {words} ({alerts}) waits longer than the site allows: {minutes:minute}"),
        reviews(how == "bare", "what is about {words} ({alerts}) has no severity, by which it could be routed"),
        evidence="evidence",
        passes="about {words}, by the metrics that they read: {alerts}",
    )


def _standing(held: pd.DataFrame, jobs: pd.DataFrame, inside: set[str], longest_wait_minutes: int) -> dict[str, Any]:
    """Return how a thing stands: with the best of the alerts about it, or why none of them counts."""
    loaded = held[held["servers"] != ""]
    if loaded.empty:
        on_jobs = jobs[jobs["servers"] != ""]
        how = "jobs" if len(on_jobs) else "unloaded" if len(held) else "none"
        return _row(how, on_jobs if len(on_jobs) else held)
    missed = [_left_out(row, inside) for row in rows_of(loaded)]
    left_out = sorted(set.intersection(*missed))
    if left_out:
        return {**_row("missed", loaded), "missed": ", ".join(left_out)}
    wide = [namespaces for namespaces, row in zip(missed, rows_of(loaded), strict=True) if not row["one_object"]]
    if not wide or set.intersection(*wide):
        return _row("narrow", loaded)
    loaded = loaded[~loaded["one_object"]]
    known = loaded[loaded["severity"] != ""]
    if known.empty:
        return _row("bare", loaded)
    quick = known[known["for_seconds"] <= 60 * longest_wait_minutes]
    if quick.empty:
        shortest = known["for_seconds"].min()
        return {**_row("slow", known), "minutes": shortest / 60 if pd.notna(shortest) else None}
    return _row("pass", quick)


def _left_out(alert: dict[str, Any], inside: set[str]) -> set[str]:
    """Return the namespaces with ePHI that an alert does not speak of, or may not.

    One that is narrowed to its own namespace speaks of no other, and of nodes, backups and the like not at all.
    """
    if alert["own_namespace"]:
        own = {parse_object_id(alert["object"])[1]} if alert["topic"] in NARROWED_BY_NAMESPACE else set()
        return inside - own
    return set(alert["missed_namespaces"].split()) & inside


def _row(how: str, alerts: pd.DataFrame) -> dict[str, Any]:
    names = sorted(set(alerts["alert"]))
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    evidence = " ".join(sorted(set(alerts["object"])))
    return {"how": how, "alerts": shown, "evidence": evidence, "missed": "", "minutes": None}


def _others(metric_servers: pd.DataFrame, watchers: pd.DataFrame, other_monitoring: pd.DataFrame) -> str:
    """Name what may have rules that are not visible; "" where there is no such thing."""
    found = other_engines(other_monitoring, "alerts")
    unmanaged = metric_servers[metric_servers["unmanaged"] & (metric_servers["kind"] == "Prometheus")]
    free = without_operator(watchers, metric_servers)
    return ", ".join(sorted(found.union(unmanaged["object"], free["program"])))


@check("HK-ALR-03", without_scope=True, everywhere=True)
def audit_events_looked_at(detectors: pd.DataFrame) -> pd.DataFrame:
    """Judge the cluster by whether anything looks for suspicious requests among audit events.

    Parameters
    ----------
    detectors : table of that name

    Returns
    -------
    table `judgements`, one row for the cluster

    Notes
    -----
    Detections in a system outside of the cluster are not visible: a person attests them. Of the rules themselves no
    more is read than that there is a file of them. Source: https://github.com/falcosecurity/plugins
    """
    reading = detectors[(detectors["state"] == "reads") & detectors["ready"]]
    idle = detectors[(detectors["state"] == "reads") & ~detectors["object"].isin(reading["object"])]
    waiting = detectors[(detectors["state"] == "waits") & detectors["ready"]]
    open_ones = pd.concat([idle, detectors[detectors["state"].isin(["open", "waits"])]])
    state, best = next(
        (each for each in (("reads", reading), ("waits", waiting), ("open", open_ones)) if len(each[1])),
        ("none", open_ones),
    )
    row = {
        "object": "Cluster//audit-detection",
        "state": state,
        "engines": ", ".join(sorted(set(best["engine"]))),
        "evidence": " ".join(sorted(best["object"])),
    }
    examined = pd.DataFrame([row])
    return judge(
        examined,
        fails(
            examined["state"] == "none",
            "nothing in the cluster looks at audit events of the API server, and it sends them nowhere",
            observed="none",
            expected="Falco with k8saudit, or events sent to a system that has detections",
            rests_on=["detectors"],
        ),
        reviews(
            examined["state"] == "waits",
            "do audit events come to {engines}? It has rules about them, and no API server is seen to send any",
        ),
        reviews(
            examined["state"] == "open",
            "does {engines} look for suspicious requests among audit events? No rules of it were read",
        ),
        evidence="evidence",
        passes="{engines} reads the audit events of the API server, and has rules about them",
    )


@check("HK-ALR-05", without_scope=True)
def critical_alerts_say_what_to_do(alert_rules: pd.DataFrame, *, critical_severities: str = "critical") -> pd.DataFrame:
    """Judge every critical alert that a server loads by whether it names a runbook.

    Parameters
    ----------
    alert_rules : table of that name

    Returns
    -------
    table `judgements`, one row per alert of these severities

    Notes
    -----
    That an annotation names a runbook is all that is read: not where it leads. An owner is recorded, and not judged.
    """
    mine = alert_rules[alert_rules["severity"].isin(critical_severities.split()) & (alert_rules["servers"] != "")]
    examined = mine.assign(
        member=mine["group"] + "/" + mine["position"].astype("str") + "/" + mine["alert"],
        owned=mine["owner"].map({True: "an owner", False: "no owner"}),
    )
    return judge(
        examined,
        fails(
            ~examined["runbook"].astype(bool),
            "{alert} names no runbook, and {owned}",
            path="$.spec.groups[?(@.name=='{group}')].rules[*].annotations.runbook_url",
            observed="none",
            expected="an annotation runbook_url",
        ),
        member="member",
        passes="{alert} names a runbook, and {owned}",
    )


def alerts_that_matter(alert_rules: pd.DataFrame, alert_topics: pd.DataFrame) -> pd.DataFrame:
    """Return the keys of loaded alerts that are critical, or about one of the things that must be alerted on."""
    loaded = alert_rules[alert_rules["servers"] != ""]
    about = {tuple(row[name] for name in KEY) for row in rows_of(alert_topics) if row["topic"] in TOPICS}
    keys = [tuple(row[name] for name in KEY) for row in rows_of(loaded)]
    chosen = [key in about or severity == "critical" for key, severity in zip(keys, loaded["severity"], strict=True)]
    return loaded[pd.Series(chosen, index=loaded.index, dtype="bool")]
