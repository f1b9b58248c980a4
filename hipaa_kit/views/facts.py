"""The small tables that every notebook opens and closes with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd

from hipaa_kit.vocabulary import COMPLETE, SEVERITIES

if TYPE_CHECKING:
    from hipaa_kit.assess.facade import Assessment

LAYOUT_WORDS = {
    "live": "read from the API server",
    "kubectl": "objects written by kubectl",
    "cluster-info": "kubectl cluster-info dump",
    "must-gather": "must-gather of OpenShift",
    "insights": "Insights archive of OpenShift",
    "troubleshoot": "troubleshoot.sh support bundle",
    "rancher": "Rancher support bundle",
    "velero": "Velero backup",
    "kubehound": "dump of KubeHound",
    "icekube": "download of IceKube",
    "sonobuoy": "Sonobuoy results",
    "manifests": "manifests: what is declared, not what runs",
}


def layout_words(layout: str) -> str:
    """Return how objects reached the kit, in words; several inputs are joined."""
    return "; ".join(LAYOUT_WORDS[each] for each in layout.split("+"))


def run_facts(run: Assessment) -> pd.DataFrame:
    """Return what a run rests on: cluster, moment, and the digests of its inputs, a row per fact.

    Of the parameters those are named that the site set: seventy others would hide them.
    """
    snapshot = run.snapshot
    own = run.set_by_site()
    parameters = ", ".join(f"{name} = {value}" for name, value in own.items())
    others = f"{len(run.parameters) - len(own)} stand as declared; run.parameters, and run.json of a bundle, list all"
    facts = {
        "cluster": snapshot.identity.name or "not known",
        "cluster uid": snapshot.identity.uid or "not known",
        "source": layout_words(snapshot.layout),
        "read at": snapshot.collected_at or "not known",
        "judged as of": run.as_of or "not known",
        "ePHI scope": f"{run.scope.name}, {len(run.scope.entries)} entries" if run.scope else "none declared",
        "other inputs": f"{int((run.inputs['status'] == 'given').sum())} of {len(run.inputs)} given",
        "signed records": f"{len(run.tables['signed_records'])} given" if run.records.given else "none given",
        "parameters set": f"{parameters or 'none'}; {others}",
        "snapshot digest": snapshot.digest,
        "scope digest": run.scope.digest if run.scope else "",
        "inputs digest": run.given.digest,
        "records digest": run.records.digest,
        "catalogue digest": run.catalogue.digest,
        "kit version": run.digests()["kit_version"],
    }
    return pd.DataFrame({"fact": list(facts), "value": list(facts.values())})


def population(run: Assessment, topic: str) -> pd.DataFrame:
    """Return what was examined for a topic, a row per kind of object behind its checks.

    Each row says how many objects were received and kept, what came back for the kind where it is
    worst, and how many checks of the topic read it.
    """
    checks = [check for check in run.checks if run.catalogue.control(check.id).topic == topic]
    rows = []
    for kind in sorted({kind for check in checks for kind in check.kinds}):
        answer = run.snapshot.coverage.answer(kind)
        received = run.coverage[(run.coverage["group"] == kind.group) & (run.coverage["kind"] == kind.kind)]
        rows.append(
            {
                "kind": kind.kind,
                "api_group": kind.group or "core",
                "status": answer.status,
                "received": int(received["count"].fillna(0).sum()),
                "objects": len(run.snapshot.records(kind)),
                "list_version": " ".join(sorted(set(received["resource_version"]) - {""})),
                "read_by": sum(kind in check.kinds for check in checks),
                "error": answer.error,
            }
        )
    columns = ["kind", "api_group", "status", "received", "objects", "list_version", "read_by", "error"]
    return pd.DataFrame(rows, columns=columns)


def unseen(run: Assessment, topic: str = "") -> pd.DataFrame:
    """Return what could not be judged, a row per reason: how many findings, and what is missing."""
    findings = run.findings(topic)
    gone = findings[findings["verdict"] == "not_assessed"]
    grouped = gone.groupby(["reason_code", "reason"], as_index=False).agg(
        findings=("object", "size"), checks=("check", lambda ids: " ".join(sorted(set(ids))))
    )
    return grouped.sort_values(["findings", "reason"], ascending=[False, True]).reset_index(drop=True)


def remedies(run: Assessment, checks: Iterable[str]) -> pd.DataFrame:
    """Return what mends the failures of checks, a row per check, from the catalogue."""
    controls = [run.catalogue.control(check) for check in sorted(checks)]
    rows = [{"check": c.id, "control": c.title, "remedy": c.remediation} for c in controls]
    return pd.DataFrame(rows, columns=["check", "control", "remedy"])


def worst_first(findings: pd.DataFrame) -> pd.DataFrame:
    """Return findings by severity, then check, then object."""
    rank = findings["severity"].map(SEVERITIES.index)
    order = findings.assign(rank=rank).sort_values(["rank", "check", "object"])
    return order.drop(columns="rank").reset_index(drop=True)


def incomplete(coverage: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of table `coverage` from which no absence may be concluded."""
    return coverage[~coverage["status"].isin(COMPLETE)].reset_index(drop=True)
