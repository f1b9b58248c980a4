"""What would mend findings of backup and recovery."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.kube.reading import as_map, as_text
from hipaa_kit.safeguards.access_control.remedies import without_subjects
from hipaa_kit.safeguards.remedy import Cluster, Command, Failing, Remedy, advise, by_hand, mend, patch, remedy, run
from hipaa_kit.sources.overlay import Change, Put

DAYS_TO_KEEP: Final = 14
SECRET_OF_CLASS: Final = "csi.storage.k8s.io/{}-secret-{}"


@remedy("HK-BAK-01", "HK-BAK-02", also=["HK-BAK-01", "HK-BAK-04"])
def scheduled(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Let a paused schedule of Velero run, or make one for a namespace that none takes."""
    space = finding.name if finding.kind == "Namespace" else finding.namespace
    paused = [
        row["object"]
        for row in cluster.rows("backup_plans", tool="velero", state="paused")
        if row["object"] == finding.object or _takes(row["object"], space, cluster)
    ]
    steps: list[Change] = [patch(record, spec={"paused": False}) for name in paused if (record := cluster.record(name))]
    if steps:
        return mend("let the schedule run", steps, "find out why it was paused")
    if finding.kind == "Schedule" or "no plan" in finding.reason:
        return None
    made = _schedule(space, cluster)
    return mend(
        "copy the namespace every night",
        [made] if made else [],
        "copies of files of a running database may not fit together: let it dump its data before, by a hook",
        seen_later=True,
    )


def _takes(plan: str, namespace: str, cluster: Cluster) -> bool:
    return any(row["taken"] == "yes" for row in cluster.rows("backup_coverage", plan=plan, namespace=namespace))


def _schedule(namespace: str, cluster: Cluster) -> Put | None:
    """Return a nightly schedule of Velero for a namespace, into a store that can be used; None without one."""
    stores = [row for row in cluster.rows("backup_stores", tool="velero") if row["available"] is True]
    if not stores:
        return None
    store = min(stores, key=lambda row: (not row["default"], row["object"]))
    days = cluster.parameters.get("backup_retention_days", DAYS_TO_KEEP)
    _, home, name = parse_object_id(str(store["object"]))
    template = {
        "includedNamespaces": [namespace],
        "defaultVolumesToFsBackup": True,
        "storageLocation": name,
        "ttl": f"{24 * max(int(days), DAYS_TO_KEEP)}h0m0s",
    }
    return Put(
        {
            "apiVersion": "velero.io/v1",
            "kind": "Schedule",
            "metadata": {"name": cluster.free_name("Schedule", home, namespace), "namespace": home},
            "spec": {"schedule": "0 1 * * *", "template": template},
        }
    )


@remedy("HK-BAK-04")
def kept_longer(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Keep copies of a schedule of Velero for as long as the site asks."""
    record = cluster.record(finding.object)
    if record is None or record.group != "velero.io":
        return None
    days = int(cluster.parameters.get("backup_retention_days", DAYS_TO_KEEP))
    return mend(
        "keep copies longer",
        [patch(record, spec={"template": {"ttl": f"{24 * days}h0m0s"}})],
        "copies that are there already keep their end; the store needs room for more",
    )


@remedy("HK-BAK-07")
def locked_store(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Verify the certificate of a store; a lock and encryption are its provider's to set."""
    record = cluster.record(finding.object)
    rows = cluster.rows("backup_stores", object=finding.object)
    if record is None or not rows:
        return None
    store = rows[0]
    if "certificate of the store" in finding.reason:
        endpoint = str(store["endpoint"])
        if endpoint.startswith("http://"):
            return advise(
                "let the store be asked by TLS",
                f"give {endpoint} a certificate, then set spec.config.s3Url of {finding.object} to https and "
                "spec.objectStorage.caCert to its authority",
                unproved="whether the store answers by TLS is for its own server to say",
            )
        return mend(
            "verify the certificate of the store",
            [patch(record, spec={"config": {"insecureSkipTLSVerify": None}})],
            "with a certificate of an own authority backups fail until spec.objectStorage.caCert names it",
        )
    if str(store["provider"]) != "aws":
        return None
    bucket = store["bucket"]
    if "not encrypted" in finding.reason:
        rule = '{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"aws:kms"}}]}'
        return advise(
            "encrypt the bucket",
            run("aws s3api put-bucket-encryption --bucket {} --server-side-encryption-configuration {}", bucket, rule),
            caution="objects that are there already stay as they are",
            unproved="the bucket stands with its provider, outside the cluster",
        )
    days = cluster.parameters.get("backup_retention_days", DAYS_TO_KEEP)
    lock = f'{{"ObjectLockEnabled":"Enabled","Rule":{{"DefaultRetention":{{"Mode":"COMPLIANCE","Days":{days}}}}}}}'
    return advise(
        "lock copies for a time",
        run("aws s3api put-object-lock-configuration --bucket {} --object-lock-configuration {}", bucket, lock),
        caution="nobody can remove a locked copy before its time, and it is paid for; try mode GOVERNANCE first",
        unproved="the bucket stands with its provider, outside the cluster",
    )


@remedy("HK-BAK-10")
def snapshot_class(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Make a VolumeSnapshotClass for the driver of a volume, with what the driver's storage class names."""
    claims = cluster.rows("claims", object=finding.object)
    volumes = cluster.rows("persistent_volumes", object=claims[0]["persistent_volume"]) if claims else []
    driver = str(volumes[0]["driver"]) if volumes else ""
    if not driver:
        return None
    classes = cluster.rows("storage_classes", provisioner=driver)
    record = cluster.record(classes[0]["object"]) if classes else None
    given = as_map(record.content if record else {}, "parameters")
    parameters = {name: given[name] for name in ("clusterID",) if name in given}
    for part in ("name", "namespace"):
        if held := given.get(SECRET_OF_CLASS.format("provisioner", part)):
            parameters[SECRET_OF_CLASS.format("snapshotter", part)] = held
    name = cluster.free_name("VolumeSnapshotClass", "", driver.replace(".", "-"))
    content: dict[str, Any] = {
        "apiVersion": "snapshot.storage.k8s.io/v1",
        "kind": "VolumeSnapshotClass",
        "metadata": {"name": name, "labels": {"velero.io/csi-volumesnapshot-class": "true"}},
        "driver": driver,
        "deletionPolicy": "Retain",
    }
    if parameters:
        content["parameters"] = parameters
    caution = (
        f"{driver} may ask for parameters of its own: try one snapshot; Velero takes one labelled class per driver"
    )
    return mend("let snapshots be taken of its volume", [Put(content)], caution)


@remedy("HK-BAK-12")
def apart(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Take people who are no operators of backups out of role bindings in the namespace of the tool."""
    operators = set(str(cluster.parameters.get("backup_operators", "")).split())
    unwanted: dict[str, set[str]] = {}
    for row in cluster.rows("backup_access", namespace=finding.name):
        told = f"{row['subject_kind']} {row['subject']} may {row['power']}" in finding.members
        within = str(row["binding"]).startswith(f"RoleBinding/{finding.name}/")
        if told and row["subject"] not in operators:
            if not within or row["subject_kind"] not in ("User", "Group"):
                return None
            unwanted.setdefault(str(row["binding"]), set()).add(str(row["subject"]))
    steps = []
    for binding, names in sorted(unwanted.items()):
        record = cluster.record(binding)
        if record is not None:
            steps.append(without_subjects(record, lambda each, names=names: _named(each) in names))  # type: ignore[misc]
    return mend(
        "take out of it who does not run backups",
        steps,
        "they lose everything that the role binding gives them in this namespace; name operators by backup_operators",
    )


def _named(subject: Mapping[str, Any]) -> str:
    return as_text(subject.get("name"))


@remedy("HK-BAK-13")
def retained(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Keep the data of a volume when its claim goes."""
    record = cluster.record(finding.object)
    if record is None:
        return None
    caution = "what is kept has to be disposed of by hand one day: 164.310(d)(2)(i)"
    if finding.kind == "PersistentVolume":
        return mend("keep the data", [patch(record, spec={"persistentVolumeReclaimPolicy": "Retain"})], caution)
    keep = {"whenDeleted": "Retain", "whenScaled": "Retain"}
    return mend("keep its claims", [patch(record, spec={"persistentVolumeClaimRetentionPolicy": keep})], caution)


@remedy("HK-BAK-03", "HK-BAK-06")
def repaired(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Say where Velero tells why it failed."""
    if finding.kind == "BackupStorageLocation":
        return advise(
            "let the store be used again",
            run("velero backup-location get {} -n {}", finding.name, finding.namespace),
            run("kubectl -n {} logs deployment/velero | grep {}", finding.namespace, finding.name),
            "repair the credential, the bucket, or the way to it",
            unproved="whether the store can be used Velero writes into its status when it tries",
        )
    copies = [name for name in finding.evidence if name.startswith("Backup/") and cluster.record(name)]
    if not copies:
        return None
    _, home, _ = parse_object_id(copies[0])
    newest, space = parse_object_id(copies[-1])[2], finding.namespace
    return advise(
        "repair the backup, and take one now",
        run("velero backup describe {} -n {} --details", newest, home),
        run("velero backup logs {} -n {}", newest, home),
        run("velero backup create {} -n {} --include-namespaces {}", f"repair-{space}", home, space),
        unproved="that a copy succeeds shows only when it was made",
    )


@remedy("HK-BAK-05")
def elsewhere(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Say how copies come to another place."""
    if cluster.record(finding.object) is None:
        return None
    return advise(
        "keep a copy outside the cluster",
        run(
            "velero backup-location create offsite -n {} --provider PROVIDER --bucket BUCKET --credential SECRET=KEY",
            finding.namespace,
        ),
        f"let the schedules that use {finding.name} name it, or add one that does",
        unproved="a store outside has to be made first; which, and by whose account, no object says",
    )


@remedy("HK-BAK-08", "HK-BAK-09", "HK-BAK-14")
def exercised(finding: Failing, cluster: Cluster) -> Remedy:
    """Say how a restore is exercised, and where it is recorded."""
    stores = cluster.rows("backup_stores", tool="velero")
    home = parse_object_id(str(stores[0]["object"]))[1] if stores else "velero"
    space = finding.name if finding.kind == "Namespace" else "NAMESPACE"
    commands: list[Command | str] = [
        run(
            "velero restore create {} -n {} --from-backup BACKUP --include-namespaces {} --namespace-mappings {}",
            *(f"drill-{space}", home, space, f"{space}:{space}-drill"),
        ),
        "measure how long it took until the application worked, and how old the newest record in it was",
        "record it as a drill in records/, with what is to be done better",
    ]
    return advise(
        "exercise it, and record it",
        *commands,
        caution="keep the restored copy as safe as the original",
        unproved="an exercise has to be held: its record shows it",
    )


by_hand(
    {
        "HK-BAK-11": "a copy of etcd is made on control-plane nodes",
    }
)
