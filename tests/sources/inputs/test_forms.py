"""Every form of every input is known by its content and gives the rows it should."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from hipaa_kit.sources.inputs import INPUT_OF, INPUT_TABLES, INPUTS, Inputs
from tests.support import inputs as sample
from tests.support.inputs import given

DAYS = "immutabilityPeriodSinceCreationInDays"


def only(frame: pd.DataFrame) -> dict[str, Any]:
    [row] = frame.to_dict("records")
    return row


OF_NO_FILE = ("audit_log",)
"""Inputs that stand in a store of their own: tests/sources/audit_log reads their forms."""


@pytest.mark.parametrize("name", sorted(set(INPUTS) - set(OF_NO_FILE)))
def test_every_form_is_recognised_whatever_its_file_is_called(name: str, tmp_path: Path) -> None:
    files = sample.EVERY_FORM[name]
    read = given(tmp_path, **files)
    assert read.unreadable.empty, read.unreadable.to_dict("records")
    assert read.status(name) == "given"
    assert set(read.given.loc[read.given["status"] == "given", "input"]) == {name}
    assert len(read.files) == len(files)
    used = set(read.files["form"])
    assert used == {form.name for form in INPUTS[name].forms}


def test_declarations_name_what_gives_an_input_and_no_table_twice() -> None:
    assert all(each.command and each.tables for each in INPUTS.values())
    assert tuple(name for name, each in INPUTS.items() if not each.forms) == OF_NO_FILE
    assert sum(len(each.tables) for each in INPUTS.values()) == len(INPUT_TABLES) == len(INPUT_OF)


def test_encryption_keeps_the_order_of_providers_and_the_names_of_keys(tmp_path: Path) -> None:
    read = given(tmp_path, a=sample.ENCRYPTION)
    providers = read.tables["encryption_providers"]
    for resource in ("secrets", "configmaps"):
        of = providers[providers["resource"] == resource]
        assert list(of["provider"]) == ["aescbc", "kms", "identity"]
        assert list(of["name"]) == ["", "cloud-kms", ""]
    assert list(read.tables["encryption_keys"]["key_name"]) == ["new", "old"]


def test_audit_rules_stay_in_order_with_what_they_match(tmp_path: Path) -> None:
    read = given(tmp_path, a=sample.AUDIT)
    assert list(read.tables["audit_rules"]["level"]) == ["None", "Request", "Metadata"]
    matches = read.tables["audit_rule_matches"]
    found = set(matches[matches["position"] == 2][["field", "entry", "value"]].itertuples(index=False, name=None))
    assert found == {
        ("group", 1, ""),
        ("resources", 1, "pods/exec"),
        ("resource_names", 1, "a"),
        ("group", 2, "apps"),
    }
    assert matches[matches["position"] == 3].empty
    assert only(read.tables["audit_policies"])["omit_stages"] == "RequestReceived"


def test_what_pod_security_does_by_default(tmp_path: Path) -> None:
    read = given(tmp_path, a=sample.ADMISSION)
    levels = read.tables["pod_security_defaults"].set_index("mode")
    assert dict(levels["level"]) == {"audit": "privileged", "enforce": "baseline", "warn": "privileged"}
    assert levels.loc["enforce", "version"] == "v1.34"
    assert set(read.tables["pod_security_exemptions"]["value"]) == {"ci", "kube-system"}


def test_a_kubelet_is_known_by_its_folder_and_says_only_what_is_written(tmp_path: Path) -> None:
    read = given(tmp_path, nodes__n1__k=sample.KUBELET, nodes__n2__k=sample.CONFIGZ, k=sample.CONFIGZ)
    kubelets = read.tables["kubelet_settings"].set_index("node")
    assert kubelets.loc["n1", "streaming_idle_seconds"] == 4 * 3600 + 30
    assert not kubelets.loc["n1", "anonymous_auth"]
    assert pd.isna(kubelets.loc["n1", "rotate_certificates"])
    assert (kubelets.loc["n2", "origin"], kubelets.loc["n2", "read_only_port"]) == ("configz", 10255)
    assert only(read.unreadable)["error"] == "does not say which node it is of (put it into nodes/NODE/)"
    assert read.status("kubelet_configuration") == "unreadable"


def test_managed_clusters_say_what_their_provider_said(tmp_path: Path) -> None:
    read = given(tmp_path, a=sample.EKS, b=sample.GKE, c=sample.AKS, d=sample.AKS_LOGS)
    assert read.conflicts.empty
    of = read.tables["cloud_clusters"].set_index("provider")
    assert list(of["name"]) == ["prod"] * 3
    eks, gke, aks = of.loc["aws"], of.loc["gcp"], of.loc["azure"]
    assert (eks["audit_logs"], eks["secrets_encrypted"], eks["endpoint_public"]) == (True, False, True)
    assert (eks["public_cidrs"], eks["account"], eks["region"]) == ("0.0.0.0/0", "111122223333", "us-east-1")
    assert (gke["secrets_encrypted"], gke["endpoint_public"], gke["public_cidrs"]) == (True, True, "192.0.2.0/24")
    assert (gke["account"], gke["private_nodes"]) == ("p1", True)
    assert pd.isna(gke["audit_logs"])
    assert (aks["secrets_encrypted"], aks["endpoint_public"], aks["local_accounts"]) == (True, True, False)
    assert (aks["audit_logs"], aks["control_plane_logs"], aks["host_encryption"]) == (True, "kube-audit", True)


def test_stores_say_what_their_provider_said(tmp_path: Path) -> None:
    read = given(tmp_path, **sample.EVERY_FORM["cloud_stores"])
    of = read.tables["cloud_stores"].set_index(["provider", "kind"])
    rds, s3 = of.loc[("aws", "database")], of.loc[("aws", "bucket")]
    assert (rds["encrypted"], rds["backup_retention_days"], rds["backups"], rds["public_access"]) == (
        False,
        0,
        False,
        True,
    )
    assert pd.isna(rds["tls_required"])
    assert (s3["name"], s3["encrypted"], s3["key"], s3["versioning"], s3["public_access"]) == (
        "cold",
        True,
        "arn:key/1",
        True,
        False,
    )
    sql, gcs = of.loc[("gcp", "database")], of.loc[("gcp", "bucket")]
    assert (sql["tls_required"], sql["backup_retention_days"], sql["engine"], sql["version"]) == (
        True,
        7,
        "postgres",
        "16",
    )
    assert (gcs["versioning"], gcs["public_access"]) == (True, False)
    assert pd.isna(gcs["backup_retention_days"])
    postgres, account = of.loc[("azure", "database")], of.loc[("azure", "storage_account")]
    assert (postgres["customer_key"], postgres["public_access"], postgres["backup_retention_days"]) == (True, False, 14)
    assert pd.isna(postgres["tls_required"])
    assert (account["tls_required"], account["tls_min_version"], account["replicated"]) == (True, "1.2", True)


@pytest.mark.parametrize(
    ("retention", "locked", "mode", "days"),
    [
        (None, None, "", None),
        ({"retentionPeriod": "2592000", "isLocked": True}, True, "COMPLIANCE", 30),
        ({"retentionPeriod": "2592000"}, True, "GOVERNANCE", 30),
        ({"retentionPeriod": "86399", "isLocked": True}, True, "COMPLIANCE", 0),
        ({"isLocked": True}, None, "", None),
    ],
)
def test_a_retention_policy_locks_a_bucket_as_firmly_as_it_is_locked_itself(
    tmp_path: Path, retention: dict[str, Any] | None, locked: bool | None, mode: str, days: int | None
) -> None:
    bucket = {"name": "cold", "storage_url": "gs://cold/"} | ({"retention_policy": retention} if retention else {})
    assert lock_of(given(tmp_path, a=json.dumps(bucket))) == (locked, mode, days)


@pytest.mark.parametrize(
    ("immutable", "locked", "mode", "days"),
    [
        (None, None, "", None),
        ({"enabled": False}, False, "", None),
        ({"enabled": True}, None, "", None),
        ({"enabled": True, "immutabilityPolicy": {"state": "Disabled", DAYS: 30}}, None, "", None),
        ({"enabled": True, "immutabilityPolicy": {"state": "Unlocked", DAYS: 30}}, True, "GOVERNANCE", 30),
        ({"enabled": True, "immutabilityPolicy": {"state": "Locked", DAYS: 30}}, True, "COMPLIANCE", 30),
    ],
)
def test_a_storage_account_is_locked_by_its_policy_and_not_by_allowing_for_one(
    tmp_path: Path, immutable: dict[str, Any] | None, locked: bool | None, mode: str, days: int | None
) -> None:
    account = {"name": "cold", "type": "Microsoft.Storage/storageAccounts", "immutableStorageWithVersioning": immutable}
    assert lock_of(given(tmp_path, a=json.dumps(account))) == (locked, mode, days)


def lock_of(read: Inputs) -> tuple[bool | None, str, int | None]:
    """Return how the only store is locked: whether, how firmly, for how many days."""
    assert read.unreadable.empty
    row = read.tables["cloud_stores"].iloc[0]
    locked, days = row["object_lock"], row["lock_days"]
    return (None if pd.isna(locked) else bool(locked), row["lock_mode"], None if pd.isna(days) else int(days))


def test_flows_are_added_up_and_answers_are_not_counted(tmp_path: Path) -> None:
    lines = [
        sample.hubble(),
        sample.hubble(time="2026-11-19T09:00:00Z"),
        sample.hubble(is_reply=True),
        sample.hubble("DROPPED"),
        {"node_status": {"state_change": "NODE_CONNECTED"}},
    ]
    read = given(tmp_path, a="\n".join(map(sample.json.dumps, lines)))
    assert read.unreadable.empty
    flows = read.tables["flow_records"].set_index("verdict")
    assert set(flows.index) == {"allowed", "denied"}
    allowed = flows.loc["allowed"]
    assert (allowed["source"], allowed["destination"], allowed["port"]) == ("Pod/portal/web-1", "Pod/ehr/db-0", 5432)
    assert (allowed["count"], allowed["first_seen_at"], allowed["last_seen_at"]) == (
        2,
        "2026-11-19T09:00:00Z",
        "2026-11-19T10:00:00Z",
    )


def test_calico_and_vpc_flows(tmp_path: Path) -> None:
    read = given(tmp_path, a=sample.CALICO, b=sample.VPC)
    flows = read.tables["flow_records"]
    calico = only(flows[flows["observer"] == "calico"])
    assert (calico["source"], calico["verdict"], calico["count"], calico["port"]) == (
        "Pod/portal/web-*",
        "denied",
        3,
        443,
    )
    vpc = flows[flows["observer"] == "vpc"].set_index("verdict")
    assert (vpc.loc["allowed", "source"], vpc.loc["allowed", "port"], vpc.loc["allowed", "count"]) == (
        "10.0.1.5",
        5432,
        1,
    )
    assert vpc.loc["denied", "source"].startswith("outside/hk-")


def test_metrics_keep_the_labels_that_are_listed(tmp_path: Path) -> None:
    read = given(tmp_path, a=sample.METRICS, b=sample.RANGE)
    samples = read.tables["metric_samples"].set_index("metric")
    assert set(samples.index) == {"up", "lag"}
    assert (samples.loc["up", "job"], samples.loc["up", "instance"], samples.loc["up", "last"]) == (
        "db",
        "10.0.2.7:9187",
        1.0,
    )
    lag = samples.loc["lag"]
    assert (lag["samples"], lag["last"], lag["least"], lag["most"]) == (2, 2.5, 2.5, 4.0)


def test_sign_ins_name_the_user_as_the_workforce_does(tmp_path: Path) -> None:
    files = {"a": sample.OKTA, "b": sample.ENTRA, "c": sample.KEYCLOAK, "d": f"user,role\n{sample.EMAIL},nurse\n"}
    read = given(tmp_path, **files)
    sign_ins = read.tables["sign_ins"]
    assert set(sign_ins["user"]) == set(read.tables["workforce"]["pseudonym"])
    found = {
        (provider, outcome, None if pd.isna(mfa) else bool(mfa))
        for provider, outcome, mfa in zip(sign_ins["provider"], sign_ins["outcome"], sign_ins["mfa"], strict=True)
    }
    assert found == {
        ("okta", "failure", None),
        ("okta", "success", True),
        ("entra", "success", False),
        ("keycloak", "failure", None),
    }


def test_records_of_people(tmp_path: Path) -> None:
    read = given(
        tmp_path,
        a=sample.TICKETS,
        b=sample.INCIDENTS,
        c=sample.WORKFORCE,
        d=sample.VENDORS,
        e=sample.ACCESS_MATRIX,
        f=sample.DRILLS,
    )
    assert only(read.tables["tickets"])["opened_at"] == "2026-10-01T06:00:00Z"
    incident = only(read.tables["incidents"])
    assert (incident["detected_at"], incident["ephi_involved"]) == ("2026-10-01", False)
    assert list(read.tables["workforce_groups"]["group"]) == ["auditors", "clinicians"]
    assert only(read.tables["vendors"])["baa_expires_on"] == "2027-01-31"
    assert only(read.tables["access_matrix"])["group"] == ""
    drill = only(read.tables["drills"])
    assert drill["rto_minutes"] == 42
    assert pd.isna(drill["rpo_minutes"])


def test_values_in_etcd_are_counted_by_how_they_begin(tmp_path: Path) -> None:
    values = given(tmp_path, a=sample.ETCD).tables["etcd_values"].set_index("prefix")
    assert dict(values["objects"]) == {"": 3, "k8s:enc:secretbox:v1:key1:": 214}
    assert set(values["taken_at"]) == {"2026-11-18T10:00:00Z"}
    broken = given(tmp_path / "other", a="resource,prefix,objects\nsecrets,x,many\n")
    assert broken.status("etcd_values") == "unreadable"


def test_a_mount_is_encrypted_where_a_crypt_device_lies_below_it(tmp_path: Path) -> None:
    read = given(tmp_path, nodes__n1__a=sample.LSBLK, b=sample.LSBLK)
    mounts = read.tables["node_filesystems"].set_index("mount_path")
    assert dict(mounts["encrypted"]) == {"/": True, "/boot": False, "/var": True}
    assert "does not say which node it is of" in only(read.unreadable)["error"]
    typeless = given(tmp_path / "other", nodes__n1__a={"blockdevices": [{"name": "sda", "mountpoint": "/"}]})
    assert typeless.status("node_filesystems") == "unreadable"


def test_volumes_say_what_their_provider_said(tmp_path: Path) -> None:
    of = given(tmp_path, **sample.EVERY_FORM["cloud_volumes"]).tables["cloud_volumes"].set_index("name")
    assert dict(of["encrypted"]) == {
        "vol-1": True,
        "vol-2": False,
        "fs-1": True,
        "projects/p1/zones/z1/disks/pvc-1": True,
        "/subscriptions/s1/resourcegroups/g/providers/microsoft.compute/disks/pvc-2": True,
    }
    assert (of.loc["vol-1", "key"], of.loc["vol-1", "attached_to"]) == ("arn:key/1", "i-1")


def test_keys_say_where_they_live_and_when_they_were_changed(tmp_path: Path) -> None:
    of = given(tmp_path, **sample.EVERY_FORM["key_register"]).tables["key_register"].set_index("key")
    assert (of.loc["vault-ephi", "kept_in"], of.loc["vault-ephi", "rotated_on"]) == ("external", "2026-05-01")
    assert of.loc["arn:key/1", "rotates"]
    assert of.loc["projects/p1/locations/l/keyRings/r/cryptoKeys/k", "rotated_on"] == "2026-10-01"
    assert pd.isna(of.loc["clinic-2026-10", "rotates"])


def test_an_earlier_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    state = given(tmp_path, a=sample.EARLIER_STATE).tables["earlier_state"]
    assert list(state["weakens"]) == ["added", "removed"]
    assert set(state["taken_at"]) == {"2026-10-31T02:00:00Z"}
    strange = given(tmp_path / "b", a=sample.EARLIER_STATE.replace("binding,", "guess,"))
    assert strange.status("earlier_state") != "given"


def test_a_series_is_read_as_it_was_written_and_two_that_differ_take_back_what_they_tell(tmp_path: Path) -> None:
    [row] = given(tmp_path, a=sample.REPLACEMENTS).tables["replacements"].to_dict("records")
    assert (row["how"], row["restarts"], row["seconds_to_ready"], row["cluster_uid"]) == ("evicted", 0, 40.0, "c1")
    late = sample.REPLACEMENTS.replace("10:00:40Z,40.0", "10:01:40Z,100.0")
    for number, files in enumerate(({"a": sample.REPLACEMENTS, "b": late}, {"a": late, "b": sample.REPLACEMENTS})):
        [row] = given(tmp_path / str(number), **files).tables["replacements"].to_dict("records")
        assert (pd.isna(row["seconds_to_ready"]), row["reason"]) == (True, "two series tell it differently")
    other = sample.REPLACEMENTS.replace(",c1", ",c2")
    [row] = given(tmp_path / "c", a=sample.REPLACEMENTS, b=other).tables["replacements"].to_dict("records")
    assert (row["seconds_to_ready"], row["cluster_uid"]) == (40.0, "")


@pytest.mark.parametrize(
    ("was", "now"), [(",evicted,", ",lost,"), ("2026-11-10T10:00:40Z", "later"), (",40.0,", ",-1,")]
)
def test_a_series_that_no_history_wrote_is_not_read(tmp_path: Path, was: str, now: str) -> None:
    assert given(tmp_path, a=sample.REPLACEMENTS.replace(was, now)).status("replacements") != "given"
