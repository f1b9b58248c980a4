"""Tables of backups: what passes the door of each tool's objects, and what is made of it."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from hipaa_kit.assess.facade import Assessment
from hipaa_kit.assess.opening import open_any
from hipaa_kit.sources.scope import load_scope
from hipaa_kit.tables.backups import BACKUP_POINTS
from hipaa_kit.tables.lookup import TableSet
from hipaa_kit.views import newest_points, recovery_ages
from tests.data.conftest import DATA
from tests.support.snapshots import snapshot_of

SCOPE = Path(__file__).parent.parent / "safeguards" / "scope.yaml"
SECRET = "s3cr3t-canary-value"


def tables(text: str) -> TableSet:
    return Assessment(snapshot_of(text)).tables


def store(config: str, more: str = "") -> pd.Series:
    text = f"""
apiVersion: velero.io/v1
kind: BackupStorageLocation
metadata: {{name: offsite, namespace: velero}}
spec: {{provider: aws, objectStorage: {{bucket: copies}}, config: {{{config}}}}}
{more}
"""
    return tables(text).backup_stores.iloc[0]


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("https://s3.us-west-2.amazonaws.com", "no"),
        ("http://minio.velero.svc:9000", "yes"),
        ("http://minio.velero.svc.cluster.local:9000", "yes"),
        ("https://minio.storage:9000", "yes"),
        ("https://minio.other:9000", "no"),
        ("https://minio:9000", "yes"),
        ("https://nobody:9000", "unknown"),
        ("https://10.0.0.9:9000", "yes"),
        ("https://10.9.9.9:9000", "no"),
        ("https://127.0.0.1:9000", "yes"),
        ("minio.velero.svc:9000", "yes"),
        ("", "no"),
    ],
)
def test_whether_an_address_leads_back_into_the_cluster(address: str, inside: str) -> None:
    service = """---
apiVersion: v1
kind: Service
metadata: {name: minio, namespace: storage}
spec: {clusterIP: 10.0.0.9}
"""
    assert store(f's3Url: "{address}"', service)["in_cluster"] == inside


@pytest.mark.parametrize(
    ("config", "verified"),
    [
        ("region: us-west-2", True),
        ('insecureSkipTLSVerify: "true"', False),
        ('insecureSkipTLSVerify: "false"', True),
        ('s3Url: "http://objects.example"', False),
        ('s3Url: "https://objects.example"', True),
    ],
)
def test_whether_a_store_is_reached_over_tls(config: str, verified: bool) -> None:
    assert bool(store(config)["tls_verified"]) is verified


def test_user_and_password_of_an_address_do_not_pass() -> None:
    found = store(f's3Url: "https://user:{SECRET}@objects.example"')
    assert found["endpoint"] == "https://objects.example"


@pytest.mark.parametrize(
    "text",
    [
        f"""
apiVersion: velero.io/v1
kind: BackupStorageLocation
metadata: {{name: a, namespace: velero}}
spec: {{provider: aws, config: {{secretAccessKey: {SECRET}, accessKey: {SECRET}, note: "word {SECRET}"}}}}
""",
        f"""
apiVersion: volsync.backube/v1alpha1
kind: ReplicationSource
metadata: {{name: a, namespace: ehr}}
spec: {{sourcePVC: data, external: {{parameters: {{password: {SECRET}}}}}}}
status: {{latestMoverStatus: {{result: Failed, logs: "line {SECRET}"}}}}
""",
        f"""
apiVersion: k8up.io/v1
kind: Schedule
metadata: {{name: a, namespace: ehr}}
spec: {{backend: {{s3: {{bucket: b, accessKeyID: {SECRET}, secretAccessKey: {SECRET}}}}}}}
""",
        f"""
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {{name: a, namespace: ehr}}
spec: {{bootstrap: {{initdb: {{postInitSQL: ["create role x password {SECRET}"]}}}}}}
""",
        f"""
apiVersion: longhorn.io/v1beta2
kind: BackupTarget
metadata: {{name: default, namespace: longhorn-system}}
spec: {{backupTargetURL: "s3://copies@us-west-2/?token={SECRET}", credentialSecret: store}}
""",
        f"""
apiVersion: pxc.percona.com/v1
kind: PerconaXtraDBCluster
metadata: {{name: a, namespace: ehr}}
spec: {{backup: {{storages: {{s3: {{s3: {{bucket: b, credentials: {SECRET}}}}}}}}}}}
""",
    ],
)
def test_secrets_in_objects_of_backup_tools_do_not_pass(text: str) -> None:
    snapshot = snapshot_of(text)
    held = [record.content for part in snapshot.parts.values() for record in part.load()]
    assert held
    assert SECRET not in json.dumps([dict(each) for each in held])


def test_a_target_of_longhorn_names_its_region_and_its_secret() -> None:
    text = """
apiVersion: longhorn.io/v1beta2
kind: BackupTarget
metadata: {name: default, namespace: longhorn-system}
spec: {backupTargetURL: "s3://copies@us-west-2/", credentialSecret: store}
status: {available: true, lastSyncedAt: "2026-11-20T01:59:00Z"}
"""
    row = tables(text).backup_stores.iloc[0]
    assert (row["bucket"], row["region"], row["in_cluster"]) == ("", "us-west-2", "no")
    assert row["credential"] == "Secret/longhorn-system/store"


@pytest.mark.parametrize(
    ("name", "image", "program", "guessed"),
    [
        ("db-backup", "postgres", "sh", True),
        ("nightly-dump", "postgres", "sh", True),
        ("report", "restic/restic:0.17", "sh", True),
        ("report", "postgres", "pg_dump", True),
        ("report", "postgres", "psql", False),
        ("dumpling-orders", "shop", "run", False),
        ("etcd-backup", "etcd", "etcdctl", False),
    ],
)
def test_which_cron_jobs_look_like_backups(name: str, image: str, program: str, guessed: bool) -> None:
    text = f"""
apiVersion: batch/v1
kind: CronJob
metadata: {{name: {name}, namespace: ehr}}
spec:
  schedule: "0 1 * * *"
  jobTemplate:
    spec: {{template: {{spec: {{containers: [{{name: job, image: "{image}", command: [{program}]}}]}}}}}}
"""
    found = tables(text).backup_plans
    assert list(found["guessed"]) == ([True] if guessed else [])


def test_the_figure_of_ages_names_every_claim_that_it_draws() -> None:
    clinic = DATA / "clinic"
    held = Assessment(open_any(clinic), load_scope(clinic / "scope.yaml")).tables
    newest = newest_points(held.backup_points, held.ephi_objects, "2026-11-20T02:00:00Z")
    assert len(newest) == (held.ephi_objects["kind"] == "PersistentVolumeClaim").sum()
    assert (newest["outcome"] == "failed").sum() == 2
    picture = recovery_ages(newest, 48, "Ages")
    assert all(name.removeprefix("PersistentVolumeClaim/") in picture.alt for name in newest["claim"])


def test_a_claim_without_a_copy_stands_first() -> None:
    scope = pd.DataFrame(
        {
            "object": ["PersistentVolumeClaim/a/x", "PersistentVolumeClaim/a/y"],
            "kind": ["PersistentVolumeClaim"] * 2,
            "namespace": ["a", "a"],
            "name": ["x", "y"],
            "criticality": ["critical", "high"],
        }
    )
    point = {
        "target": "PersistentVolumeClaim/a/x",
        "namespace": "a",
        "tool": "velero",
        "run": "Backup/v/1",
        "method": "file_system",
        "outcome": "completed",
        "taken_at": "2026-11-20T01:00:00Z",
    }
    newest = newest_points(BACKUP_POINTS.frame([point]), scope, "2026-11-20T02:00:00Z")
    assert list(newest["claim"]) == ["PersistentVolumeClaim/a/y", "PersistentVolumeClaim/a/x"]
    assert newest["age_hours"].isna().tolist() == [True, False]


def test_how_long_restores_live_is_said_by_schedules_and_copies_that_may_hold_claims() -> None:
    of = """
apiVersion: v1
kind: Namespace
metadata: {name: ehr, labels: {hipaa.io/phi: "true"}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: ehr, uid: uid-data}
spec: {accessModes: [ReadWriteOnce]}
"""
    for kind, name, ttl, more in (
        ("Schedule", "said", "ttl: 2400h0m0s", ""),
        ("Schedule", "silent", "", ""),
        ("Schedule", "none", "ttl: 0s", ""),
        ("Schedule", "other", "ttl: 24h0m0s, excludedNamespaces: [ehr]", ""),
        ("Schedule", "objects", "ttl: 24h0m0s, excludedResources: [pvc]", ""),
        ("Backup", "said-1", "ttl: 1000h0m0s", ", labels: {velero.io/schedule-name: said}"),
        ("Backup", "silent-1", "ttl: 1000h0m0s", ", labels: {velero.io/schedule-name: silent}"),
        ("Backup", "once", "ttl: 48h0m0s", ""),
    ):
        spec = f"{{schedule: '0 1 * * *', template: {{{ttl}}}}}" if kind == "Schedule" else f"{{{ttl}}}"
        of += f"""---
apiVersion: velero.io/v1
kind: {kind}
metadata: {{name: {name}, namespace: velero{more}}}
spec: {spec}
"""
    found = Assessment(snapshot_of(of), load_scope(SCOPE)).tables.restore_terms
    assert dict(found[["object", "hours"]].itertuples(index=False)) == {
        "Backup/velero/once": 48.0,
        "Schedule/velero/none": 720.0,
        "Schedule/velero/said": 1000.0,
        "Schedule/velero/silent": 1000.0,
    }


@pytest.mark.parametrize(
    ("made", "last", "copies", "gone"),
    [
        ("2026-01-10T09:00:00Z", "", [], ""),
        ("2026-01-10T09:00:00Z", "2026-03-01T01:00:00Z", [], "2026-03-01T01:00:00Z"),
        ("2026-01-10T09:00:00Z", "2026-03-01T01:00:00Z", ["2026-03-01T01:00:00Z"], "2026-02-27T01:00:00+00:00"),
        ("2026-02-27T01:00:00Z", "", ["2026-03-02T01:00:00Z", "2026-03-01T01:00:00Z"], "2026-02-27T01:00:00+00:00"),
        ("2026-02-27T01:00:01Z", "", ["2026-03-01T01:00:00Z"], ""),
        ("", "", ["2026-03-01T01:00:00Z"], ""),
        ("2026-01-10T09:00:00Z", "", ["soon"], ""),
    ],
)
def test_which_copies_of_a_schedule_are_gone_shows_by_its_age(
    made: str, last: str, copies: list[str], gone: str
) -> None:
    of = f"""
apiVersion: v1
kind: Namespace
metadata: {{name: ehr, labels: {{hipaa.io/phi: "true"}}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: data, namespace: ehr, uid: uid-data}}
spec: {{accessModes: [ReadWriteOnce]}}
---
apiVersion: velero.io/v1
kind: Schedule
metadata: {{name: nightly, namespace: velero, creationTimestamp: "{made}"}}
spec: {{schedule: "0 1 * * *", template: {{ttl: 2400h0m0s}}}}
status: {{lastBackup: "{last}"}}
"""
    for number, began in enumerate(copies):
        of += f"""---
apiVersion: velero.io/v1
kind: Backup
metadata: {{name: nightly-{number}, namespace: velero, labels: {{velero.io/schedule-name: nightly}}}}
spec: {{ttl: 2400h0m0s}}
status: {{startTimestamp: "{began}"}}
"""
    found = Assessment(snapshot_of(of), load_scope(SCOPE)).tables.restore_terms
    assert found[["object", "gone_at"]].values.tolist() == [["Schedule/velero/nightly", gone]]
