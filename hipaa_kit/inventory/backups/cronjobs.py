"""CronJobs that look like backups by their names, images and programs: a guess, and marked as one everywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from hipaa_kit.inventory.backups.model import COMPLETED, RUNNING, Plan, Point, Run, Target, interval, state_of
from hipaa_kit.inventory.fields import items, mapping, text, texts, truth
from hipaa_kit.kube import kinds
from hipaa_kit.kube.backup.velero import UNKNOWN_METHOD, Reach
from hipaa_kit.kube.facts import program
from hipaa_kit.sources.snapshot import Record, Snapshot

TOOL = "cronjob"
PLANS = RUNS = (kinds.CRON_JOB,)
NAME = re.compile(r"(?:^|[-_.])(?:back-?ups?|dumps?|pg-?dump|restic|borg(?:matic)?|kopia)(?=$|[-_.])")
PROGRAM = re.compile(
    r"(?:pg_dump(?:all)?|pg_basebackup|mysqldump|mariadb-dump|mongodump|restic|borg(?:matic)?|kopia|duplicity|pgbackrest"
    r"|wal-g|barman(?:-cloud-backup)?|xtrabackup|mariabackup|redis-dump|influxd?-backup)"
)
ETCD = re.compile(r"(?:^|[-_./])(?:etcd|etcdctl|etcdutl)(?=$|[-_.:@])")
SAVES = re.compile(r"back-?up|snapshot")
GAP = "it looks like a backup; what it copies cannot be seen"


def plans(snapshot: Snapshot) -> Iterator[Plan]:
    """Yield CronJobs that look like backups of data."""
    for record in _looking_like_backups(snapshot):
        schedule, every = when(record)
        yield Plan(
            TOOL,
            record,
            schedule,
            every,
            state_of(paused=truth(record.content, "spec", "suspend") or False, schedule=schedule, every=every),
            partial(_reach, record.namespace),
            last_run_at=text(record.content, "status", "lastSuccessfulTime"),
            guessed=True,
        )


def runs(snapshot: Snapshot) -> Iterator[Run]:
    """Yield for each of them what its status says: when it last came to its end without an error."""
    for record in _looking_like_backups(snapshot):
        last = text(record.content, "status", "lastSuccessfulTime")
        point = partial(_point, record.namespace, last)
        outcome = COMPLETED if last else RUNNING
        yield Run(
            TOOL, record, "", outcome, point, plan=record.object, started_at=last, completed_at=last, guessed=True
        )


def etcd_jobs(snapshot: Snapshot) -> Iterator[Record]:
    """Yield CronJobs that look like snapshots of etcd."""
    for record in snapshot.records(kinds.CRON_JOB):
        words = [record.name, *_words(record)]
        if any(ETCD.search(word) for word in words) and any(SAVES.search(word) for word in words):
            yield record


def when(record: Record) -> tuple[str, float | None]:
    """Return the schedule of a CronJob, and the hours between two runs at most."""
    schedule = text(record.content, "spec", "schedule")
    return schedule, interval(schedule)


def _looking_like_backups(snapshot: Snapshot) -> Iterator[Record]:
    etcd = {record.object for record in etcd_jobs(snapshot)}
    for record in snapshot.records(kinds.CRON_JOB):
        programs = any(PROGRAM.fullmatch(word) for word in _words(record))
        if record.object not in etcd and (programs or NAME.search(record.name)):
            yield record


def _words(record: Record) -> Iterator[str]:
    """Yield the names of images, and of programs, of a CronJob's containers."""
    spec = mapping(record.content, "spec", "jobTemplate", "spec", "template", "spec")
    for container in (*items(spec, "containers"), *items(spec, "initContainers")):
        image = text(container, "image").partition("@")[0].rpartition("/")[2]
        yield image.partition(":")[0]
        yield program(texts(container, "command"))


def _reach(namespace: str, target: Target) -> Reach | None:
    return Reach("unknown", UNKNOWN_METHOD, GAP) if target.namespace == namespace else None


def _point(namespace: str, last: str, target: Target) -> Point | None:
    return Point(UNKNOWN_METHOD, COMPLETED, last, False) if last and target.namespace == namespace else None
