"""What the audit log cannot show of the time in question: where it is silent, and what it never holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import pandas as pd

from hipaa_kit.graph.incident.asking import MOMENT, REQUESTS, ends_at
from hipaa_kit.graph.incident.identities import Suspect, frame_of
from hipaa_kit.graph.permissions.engine import Permissions
from hipaa_kit.inventory.audit_log.completeness import WINDOWS
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.sources.audit_log import AuditLog
from hipaa_kit.sources.audit_log.asking import ask
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.incident import INCIDENT_BLIND
from hipaa_kit.tables.lookup import TableSet

NEVER: Final = (
    ("single patient records that an application or a database handed out", "logs of applications and databases"),
    ("reads and writes through a volume that was mounted already", "nothing of Kubernetes; sensors on the node"),
    ("connections between pods, and out of the cluster", "flow logs of the network plugin or the provider"),
    ("what ran on a node without the API server", "sensors and logs of the node"),
    ("requests straight to the kubelet's own port", "the kubelet's log, and flow logs"),
)
"""What never reaches the API server, and where else it could be seen."""


def blind_spots(
    log: AuditLog | None,
    tables: TableSet,
    permissions: Permissions,
    suspects: Iterable[Suspect],
    since: pd.Timestamp,
    until: pd.Timestamp,
) -> pd.DataFrame:
    """Return table `incident_blind`: what could have been done and would not show.

    Parameters
    ----------
    log
        The audit log, or None.
    tables, permissions
        Of the snapshot.
    suspects
        Those in question.
    since, until
        Time in question.
    """
    held = list(suspects)
    rows = [*_never(), *_of_identities(held, tables), *_of_reach(permissions, held)]
    if log is None:
        rows.append(_row("no log", "everything that was asked of the API server: no audit log was given"))
    else:
        rows += [*_outside(log, since, until), *_gaps(tables, since, until), *lost(tables["common_window"])]
        rows += _not_followed(log, held, until)
    rows += _of_policy(tables)
    distinct = {tuple(row[name] for name in INCIDENT_BLIND.key): row for row in rows}
    return INCIDENT_BLIND.frame(distinct.values())


def _row(matter: str, what: str, since: str = "", until: str = "", instead: str = "") -> dict[str, Any]:
    return {"matter": matter, "what": what, "since": since, "until": until, "instead": instead}


def _never() -> Iterator[dict[str, Any]]:
    yield from (_row("never logged", what, instead=where) for what, where in NEVER)


def _outside(log: AuditLog, since: pd.Timestamp, until: pd.Timestamp) -> Iterator[dict[str, Any]]:
    """Yield the parts of the time in question before each server's log begins and after it ends."""
    dated = ask(log, WINDOWS).dropna(subset=["first_at"]).sort_values(["server", "log"])
    if dated.empty:
        yield _row("window", "everything: the audit log holds no event", written(since), written(until))
    for server, name, first, last in dated[["server", "log", "first_at", "last_at"]].itertuples(index=False):
        what = f"what {server or 'a server that is not named'} was asked ({name})"
        first_at, last_at = pd.Timestamp(first), pd.Timestamp(last)
        if first_at > since:
            yield _row("window", f"{what}: its log begins later", written(since), written(min(first_at, until)))
        if last_at < until:
            yield _row("window", f"{what}: its log ends earlier", written(max(last_at, since)), written(until))


def _gaps(tables: TableSet, since: pd.Timestamp, until: pd.Timestamp) -> Iterator[dict[str, Any]]:
    """Yield the times within its window in which the log of a server holds nothing."""
    for gap in rows_of(tables["audit_gaps"]):
        began, ended = pd.Timestamp(gap["first_at"]), pd.Timestamp(gap["last_at"])
        if began < until and ended > since:
            yield _row(
                "gap", f"what was asked of one API server: {gap['object']} is silent", written(began), written(ended)
            )


def lost(common_window: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield what the log of the API servers may have lost, by table `common_window`."""
    for doubt in common_window["doubt"]:
        yield from (_row("gap", f"what the log may have lost: {each}") for each in doubt.split("; ") if each)


NOT_FOLLOWED: Final = f"""
WITH {REQUESTS}
SELECT identity, resource, namespace, name, strftime(min(received_at), {MOMENT}) AS first_at
FROM requests
WHERE (code IS NULL OR code < 400) AND subresource = '' AND (
    (api_group = 'rbac.authorization.k8s.io' AND resource IN ('rolebindings', 'clusterrolebindings')
        AND verb IN ('create', 'update', 'patch') AND len(bound) = 0
        AND (body = 'none' OR (verb = 'patch' AND body = 'request')))
    OR (api_group = '' AND resource = 'pods' AND verb = 'create' AND name = ''))
GROUP BY ALL
ORDER BY first_at, identity
"""
"""Role bindings that were written where the log does not hold to whom, and pods that were made of unknown name."""


def _not_followed(log: AuditLog, suspects: list[Suspect], until: pd.Timestamp) -> Iterator[dict[str, Any]]:
    asked = frame_of(suspects)
    if asked.empty:
        return
    for row in rows_of(log.query(NOT_FOLLOWED, ends_at(until), suspects=asked)):
        place = f" in {row['namespace']}" if row["namespace"] else ""
        if row["resource"] == "pods":
            what = f"what a pod did that {row['identity']} made{place}: the log does not hold its name"
        else:
            named = f"{row['resource']} {row['name']}".rstrip()
            what = f"to whom {row['identity']} gave rights by {named}{place}: the log does not hold its subjects"
        yield _row("identity", what, row["first_at"])


def _of_policy(tables: TableSet) -> Iterator[dict[str, Any]]:
    """Yield the requests that the audit policy keeps out of the log."""
    probes = tables["audit_probes"]
    if probes.empty:
        yield _row("policy", "what the audit policy leaves out: none was given, so that it is not known")
        return
    silent = probes[(probes["level"] == "None") & (probes["standing"] != "cap")]
    for request, places in silent.groupby("request")["namespace"]:
        where = ", ".join(sorted(set(places) - {""}))
        yield _row("policy", f"{request}{f' in {where}' if where else ''}: the policy records nothing of it")


def _of_identities(suspects: list[Suspect], tables: TableSet) -> Iterator[dict[str, Any]]:
    """Yield under which other names those in question could have acted."""
    pods = set(tables["pods"]["object"])
    for each in suspects:
        kind, _, _ = parse_object_id(each.identity)
        if kind == "Pod" and each.sure and not each.user:
            yield _row("identity", f"what {each.identity} asked for: as which account it ran is not known")
        if kind == "Pod" and each.identity not in pods:
            yield _row("reach", f"what {each.identity} could reach: it is not in the snapshot any more")
    words = "what was done with credentials that were read from Secrets, volumes or a node: it stands under other names"
    yield _row("identity", words)
    words = "what pods did that controllers made of workloads in question: it stands under their own names"
    yield _row("identity", words)


def _of_reach(permissions: Permissions, suspects: list[Suspect]) -> Iterator[dict[str, Any]]:
    if suspects:
        yield from (
            _row("reach", f"rights that do not show in RBAC as it was read: {gap}") for gap in permissions.gaps()
        )


def written(moment: pd.Timestamp) -> str:
    """Write a moment as tables hold it."""
    return moment.tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%SZ")
