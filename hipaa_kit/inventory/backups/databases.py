"""Database operators that make copies of their own: CloudNativePG, Zalando, Crunchy, Percona.

Sources: https://cloudnative-pg.io/documentation/current/backup/,
https://postgres-operator.readthedocs.io/en/latest/reference/cluster_manifest/,
https://access.crunchydata.com/documentation/postgres-operator/latest/tutorials/backups-disaster-recovery,
https://docs.percona.com/percona-operator-for-postgresql/, -for-mongodb/ and -for-mysql/pxc/ with their types under
`pkg/apis`, internal/controller/postgrescluster/pgbackrest.go of CrunchyData/postgres-operator: a database that is
stopped, or only follows another, makes no copies. What was confirmed stands in `docs/sources.md`. A claim belongs to a
database by the label that the operator writes on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from hipaa_kit.inventory.backups.model import (
    ACTIVE,
    COMPLETED,
    FAILED,
    RUNNING,
    UNKNOWN,
    Plan,
    Point,
    Run,
    Target,
    interval,
    outcome_of,
    state_of,
)
from hipaa_kit.inventory.fields import items, mapping, text, truth
from hipaa_kit.kube import kinds
from hipaa_kit.kube.backup.schedules import duration_hours
from hipaa_kit.kube.backup.velero import SNAPSHOT, Reach
from hipaa_kit.kube.custom_kinds import custom
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.kube.owners import object_id
from hipaa_kit.sources.snapshot import Record, Snapshot

DATABASE = "database"
CNPG, ZALANDO, CRUNCHY, PERCONA = "cloudnativepg", "zalando", "crunchy", "percona"


CNPG_PLAN, CNPG_RUN = custom("postgresql.cnpg.io", "ScheduledBackup"), custom("postgresql.cnpg.io", "Backup")
CNPG_CLUSTER, OBJECT_STORE = custom("postgresql.cnpg.io", "Cluster"), custom("barmancloud.cnpg.io", "ObjectStore")
ZALANDO_CLUSTER = custom("acid.zalan.do", "postgresql")
CRUNCHY_CLUSTER = custom("postgres-operator.crunchydata.com", "PostgresCluster")


class Flavour(NamedTuple):
    """One of Percona's operators: its database, its copies, where these name the database, words of their state."""

    cluster: Kind
    backup: Kind
    named: tuple[str, ...]
    done: tuple[str, ...]


PERCONA_FLAVOURS = (
    Flavour(
        custom("pgv2.percona.com", "PerconaPGCluster"),
        custom("pgv2.percona.com", "PerconaPGBackup"),
        ("pgCluster",),
        ("succeeded",),
    ),
    Flavour(
        custom("psmdb.percona.com", "PerconaServerMongoDB"),
        custom("psmdb.percona.com", "PerconaServerMongoDBBackup"),
        ("clusterName", "psmdbCluster"),
        ("ready",),
    ),
    Flavour(
        custom("pxc.percona.com", "PerconaXtraDBCluster"),
        custom("pxc.percona.com", "PerconaXtraDBClusterBackup"),
        ("pxcCluster",),
        ("succeeded",),
    ),
)
PLANS = (CNPG_PLAN, CNPG_CLUSTER, ZALANDO_CLUSTER, CRUNCHY_CLUSTER, *(each.cluster for each in PERCONA_FLAVOURS))
RUNS = (CNPG_RUN, CRUNCHY_CLUSTER, ZALANDO_CLUSTER, kinds.CRON_JOB, *(each.backup for each in PERCONA_FLAVOURS))
STORES = (CNPG_CLUSTER, OBJECT_STORE)
LABELS = {
    CNPG: "cnpg.io/cluster",
    ZALANDO: "cluster-name",
    CRUNCHY: "postgres-operator.crunchydata.com/cluster",
    PERCONA: "app.kubernetes.io/instance",
}
STOPPED = {CRUNCHY: "shutdown", PERCONA: "pause"}
"""Switches that stop a database, and its scheduled copies with it."""
WORDS = {
    "completed": COMPLETED,
    "failed": FAILED,
    "error": FAILED,
    "walarchivingfailing": FAILED,
    **dict.fromkeys("pending started running finalizing new starting waiting requested".split(), RUNNING),
}


def _mine(tool: str, namespace: str, database: str, target: Target) -> bool:
    return target.namespace == namespace and bool(database) and target.labels.get(LABELS[tool]) == database


def _reach(tool: str, namespace: str, database: str, method: str, target: Target) -> Reach | None:
    return Reach("yes", method) if _mine(tool, namespace, database, target) else None


def _point(tool: str, namespace: str, database: str, point: Point, target: Target) -> Point | None:
    return point if _mine(tool, namespace, database, target) else None


def plans(snapshot: Snapshot) -> Iterator[Plan]:
    """Yield what operators are told to copy again and again."""
    yield from _cnpg_plans(snapshot)
    for record in snapshot.records(ZALANDO_CLUSTER):
        spec = mapping(record.content, "spec")
        if truth(spec, "enableLogicalBackup"):
            schedule = text(spec, "logicalBackupSchedule")
            every = interval(schedule) if schedule else None
            state = state_of(paused=False, schedule=schedule, every=every)
            yield _plan(ZALANDO, record, schedule, every, state)
    for record in snapshot.records(CRUNCHY_CLUSTER):
        yield from _repositories(CRUNCHY, record)
    for flavour in PERCONA_FLAVOURS:
        for record in snapshot.records(flavour.cluster):
            yield from _repositories(PERCONA, record)
            yield from _percona_tasks(record)


def _plan(tool: str, record: Record, schedule: str, every: float | None, state: str) -> Plan:
    reach = partial(_reach, tool, record.namespace, record.name, DATABASE)
    return Plan(tool, record, schedule, every, state, reach)


def _cnpg_plans(snapshot: Snapshot) -> Iterator[Plan]:
    clusters = {(each.namespace, each.name): each for each in snapshot.records(CNPG_CLUSTER)}
    for record in snapshot.records(CNPG_PLAN):
        spec = mapping(record.content, "spec")
        database, schedule = text(spec, "cluster", "name"), text(spec, "schedule")
        every = interval(schedule, seconds=True)
        cluster = clusters.get((record.namespace, database))
        kept = text(cluster.content, "spec", "backup", "retentionPolicy") if cluster else ""
        method = SNAPSHOT if text(spec, "method") == "volumeSnapshot" else DATABASE
        yield Plan(
            CNPG,
            record,
            schedule,
            every,
            state_of(paused=truth(spec, "suspend") or False, schedule=schedule, every=every),
            partial(_reach, CNPG, record.namespace, database, method),
            last_run_at=text(record.content, "status", "lastScheduleTime"),
            retention_hours=_policy_hours(kept),
            store=_cnpg_store(record, cluster, spec) if method == DATABASE else "",
        )


def _policy_hours(policy: str) -> float | None:
    """Return the hours of `30d`, `4w` or `6m`: of CloudNativePG's policies `m` is a month, taken with 28 days."""
    if policy.endswith("m") and policy[:-1].isdecimal():
        return int(policy[:-1]) * 28.0 * 24
    return duration_hours(policy) if policy else None


def _cnpg_store(record: Record, cluster: Record | None, spec: Mapping[str, Any]) -> str:
    named = text(spec, "pluginConfiguration", "parameters", "barmanObjectName")
    if named:
        return object_id("ObjectStore", record.namespace, named)
    own = cluster is not None and mapping(cluster.content, "spec", "backup", "barmanObjectStore")
    return cluster.object if own and cluster is not None else ""


def _repositories(tool: str, record: Record) -> Iterator[Plan]:
    """Yield the most frequent full, differential or incremental schedule of a database that uses pgBackRest."""
    schedules = [
        schedule
        for repository in items(record.content, "spec", "backups", "pgbackrest", "repos")
        for kind in ("full", "differential", "incremental")
        if (schedule := text(repository, "schedules", kind))
    ]
    known = [(every, each) for each in schedules if (every := interval(each)) is not None]
    if schedules:
        every, schedule = min(known, default=(None, schedules[0]))
        spec = mapping(record.content, "spec")
        off = truth(spec, "backups", "enabled") is False or bool(truth(spec, STOPPED[tool]))
        state = state_of(paused=off, schedule=schedule, every=every)
        if state == ACTIVE and truth(spec, "standby", "enabled"):
            # Its CronJobs are suspended; whether the database that it follows makes copies is seen elsewhere.
            state = UNKNOWN
        yield _plan(tool, record, schedule, every, state)


def _percona_tasks(record: Record) -> Iterator[Plan]:
    """Yield the most frequent task of a database of MongoDB or MySQL."""
    backup = mapping(record.content, "spec", "backup")
    tasks = [*items(backup, "tasks"), *items(backup, "schedule")]
    # A task of MongoDB is off unless it is switched on; schedules of MySQL have no such switch.
    live = [text(task, "schedule") for task in items(backup, "tasks") if truth(task, "enabled")]
    live += [text(each, "schedule") for each in items(backup, "schedule")]
    known = [(every, each) for each in live if (every := interval(each)) is not None]
    if tasks:
        every, schedule = min(known, default=(None, live[0] if live else ""))
        enabled = truth(backup, "enabled") if items(backup, "tasks") else True
        off = not enabled or not live or bool(truth(record.content, "spec", STOPPED[PERCONA]))
        yield _plan(PERCONA, record, schedule, every, state_of(paused=off, schedule=schedule, every=every))


def runs(snapshot: Snapshot) -> Iterator[Run]:
    """Yield what operators copied."""
    for record in snapshot.records(CNPG_RUN):
        yield _cnpg_run(record)
    databases = {(each.namespace, each.name): each for each in snapshot.records(ZALANDO_CLUSTER)}
    for record in snapshot.records(kinds.CRON_JOB):
        name = record.name.removeprefix("logical-backup-")
        if name != record.name and (record.namespace, name) in databases:
            yield _zalando_run(record, databases[record.namespace, name])
    for record in snapshot.records(CRUNCHY_CLUSTER):
        yield from _crunchy_runs(record)
    for flavour in PERCONA_FLAVOURS:
        for record in snapshot.records(flavour.backup):
            yield _percona_run(record, flavour)


def _cnpg_run(record: Record) -> Run:
    spec, status = mapping(record.content, "spec"), mapping(record.content, "status")
    phase, database = text(status, "phase"), text(spec, "cluster", "name")
    snapshot = (text(spec, "method") or text(status, "method")) == "volumeSnapshot"
    outcome, began = outcome_of(phase, WORDS), text(status, "startedAt")
    point = Point(SNAPSHOT if snapshot else DATABASE, outcome, began, not snapshot)
    owners = items(record.content, "metadata", "ownerReferences")
    plan = next((text(each, "name") for each in owners if text(each, "kind") == "ScheduledBackup"), "")
    return Run(
        CNPG,
        record,
        phase,
        outcome,
        partial(_point, CNPG, record.namespace, database, point),
        plan=object_id("ScheduledBackup", record.namespace, plan) if plan else "",
        started_at=began,
        completed_at=text(status, "stoppedAt"),
    )


def _zalando_run(record: Record, database: Record) -> Run:
    last = text(record.content, "status", "lastSuccessfulTime")
    outcome = COMPLETED if last else RUNNING
    point = Point(DATABASE, outcome, last, True)
    mine = partial(_point, ZALANDO, record.namespace, database.name, point)
    return Run(ZALANDO, record, "", outcome, mine, plan=database.object, started_at=last, completed_at=last)


def _crunchy_runs(record: Record) -> Iterator[Run]:
    """Yield the newest scheduled copy that a database's status holds."""
    held = items(record.content, "status", "pgbackrest", "scheduledBackups")
    ended = [each for each in held if text(each, "completionTime")]
    if ended:
        newest = max(ended, key=lambda each: text(each, "completionTime"))
        when = text(newest, "startTime") or text(newest, "completionTime")
        outcome = COMPLETED if newest.get("succeeded") and not newest.get("failed") else FAILED
        point = Point(DATABASE, outcome, when, True)
        mine = partial(_point, CRUNCHY, record.namespace, record.name, point)
        yield Run(CRUNCHY, record, "", outcome, mine, plan=record.object, started_at=when)


def _percona_run(record: Record, flavour: Flavour) -> Run:
    spec, status = mapping(record.content, "spec"), mapping(record.content, "status")
    database = next((name for field in flavour.named if (name := text(spec, field))), "")
    state = text(status, "state")
    outcome = outcome_of(state, {**WORDS, **dict.fromkeys(flavour.done, COMPLETED)})
    began = text(status, "start") or text(record.content, "metadata", "creationTimestamp")
    point = Point(DATABASE, outcome, began, True)
    return Run(
        PERCONA,
        record,
        state,
        outcome,
        partial(_point, PERCONA, record.namespace, database, point),
        started_at=began,
        completed_at=text(status, "completed"),
    )


def stores(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield the object stores of CloudNativePG, of its clusters and of its plugin."""
    held = [
        (each, mapping(each.content, "spec", "backup", "barmanObjectStore")) for each in snapshot.records(CNPG_CLUSTER)
    ]
    held += [(each, mapping(each.content, "spec", "configuration")) for each in snapshot.records(OBJECT_STORE)]
    for record, kept in held:
        if not kept:
            continue
        path, endpoint = urlsplit(text(kept, "destinationPath")), text(kept, "endpointURL")
        yield {
            "object": record.object,
            "tool": CNPG,
            "namespace": record.namespace,
            "provider": path.scheme,
            "bucket": path.netloc,
            "endpoint": endpoint,
            "key_named": True if text(kept, "data", "encryption") and text(kept, "wal", "encryption") else None,
            "tls_verified": urlsplit(endpoint).scheme != "http",
        }
