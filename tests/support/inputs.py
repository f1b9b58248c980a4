"""Folders of inputs for tests, and one fixture per form in the words of the system that writes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hipaa_kit.sources.inputs import Inputs, read_inputs
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from tests.support import scanner_reports
from tests.support.snapshots import TEST_KEY


def given(folder: Path, **files: Any) -> Inputs:
    """Write files, `__` in a name standing for `/`, and read the folder; anything but text is written as JSON."""
    write(folder, files)
    return read_inputs(folder, pseudonymizer=Pseudonymizer(TEST_KEY))


def write(folder: Path, files: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


ENCRYPTION = """
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets, configmaps]
  providers:
  - aescbc: {keys: [{name: new, secret: Q2FuYXJ5N2VuY3J5cHRpb25acTk=}, {name: old, secret: b2xkZXI=}]}
  - kms: {apiVersion: v2, name: cloud-kms, endpoint: unix:///run/kms.sock}
  - identity: {}
"""
AUDIT = """
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: None, users: ["system:kube-proxy"], verbs: [watch]}
- level: Request
  resources: [{group: "", resources: [pods/exec], resourceNames: [a]}, {group: apps}]
- {level: Metadata, omitManagedFields: true}
"""
ADMISSION = """
apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
- name: PodSecurity
  configuration:
    apiVersion: pod-security.admission.config.k8s.io/v1
    kind: PodSecurityConfiguration
    defaults: {enforce: baseline, enforce-version: v1.34}
    exemptions: {usernames: [ci], namespaces: [kube-system]}
- {name: EventRateLimit, path: /etc/kubernetes/rate.yaml}
"""
KUBELET = """
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}}
authorization: {mode: Webhook}
readOnlyPort: 0
streamingConnectionIdleTimeout: 4h0m30s
staticPodURLHeader: {Authorization: [Bearer Canary7kubeletheaderZq9]}
"""
CONFIGZ = {"kubeletconfig": {"readOnlyPort": 10255, "tlsMinVersion": "VersionTLS13", "maxPods": 110}}
EKS = {
    "cluster": {
        "name": "prod",
        "arn": "arn:aws:eks:us-east-1:111122223333:cluster/prod",
        "version": "1.34",
        "resourcesVpcConfig": {
            "endpointPublicAccess": True,
            "endpointPrivateAccess": False,
            "publicAccessCidrs": ["0.0.0.0/0"],
        },
        "logging": {
            "clusterLogging": [{"types": ["api", "audit"], "enabled": True}, {"types": ["scheduler"], "enabled": False}]
        },
        "userData": "Canary7userdataZq9",
    }
}
GKE = {
    "name": "prod",
    "selfLink": "https://container.googleapis.com/v1/projects/p1/locations/us-east1/clusters/prod",
    "location": "us-east1",
    "databaseEncryption": {
        "state": "ENCRYPTED",
        "currentState": "CURRENT_STATE_ENCRYPTED",
        "keyName": "projects/p1/k",
    },
    "privateClusterConfig": {"enablePrivateEndpoint": False, "enablePrivateNodes": True, "privateEndpoint": "10.0.0.2"},
    "masterAuthorizedNetworksConfig": {"enabled": True, "cidrBlocks": [{"cidrBlock": "192.0.2.0/24"}]},
    "loggingConfig": {"componentConfig": {"enableComponents": ["SYSTEM_COMPONENTS", "APISERVER"]}},
    "masterAuth": {"username": "admin", "password": "Canary7masterauthZq9", "clientKey": "Canary7clientkeyZq9"},
}
AKS_ID = "/subscriptions/sub1/resourcegroups/g/providers/Microsoft.ContainerService/managedClusters/prod"
AKS = {
    "id": AKS_ID,
    "name": "prod",
    "type": "Microsoft.ContainerService/ManagedClusters",
    "apiServerAccessProfile": None,
    "disableLocalAccounts": True,
    "securityProfile": {"azureKeyVaultKms": {"enabled": True, "keyId": "https://v.vault.azure.net/keys/k/1"}},
    "agentPoolProfiles": [{"enableEncryptionAtHost": True}],
    "windowsProfile": {"adminPassword": "Canary7adminpasswordZq9"},
}
AKS_LOGS = {
    "value": [
        {
            "id": f"{AKS_ID}/providers/microsoft.insights/diagnosticSettings/a",
            "logs": [{"category": "kube-audit", "enabled": True}, {"category": "guard", "enabled": False}],
        }
    ]
}
RDS = {
    "DBInstances": [
        {
            "DBInstanceIdentifier": "ehr",
            "Engine": "postgres",
            "StorageEncrypted": False,
            "BackupRetentionPeriod": 0,
            "PubliclyAccessible": True,
            "PendingModifiedValues": {"MasterUserPassword": "Canary7rdspasswordZq9"},
        }
    ]
}
S3_ENCRYPTION = {
    "ServerSideEncryptionConfiguration": {
        "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "arn:key/1"}}]
    }
}
S3_VERSIONING = {"Status": "Enabled"}
S3_PUBLIC = {
    "PublicAccessBlockConfiguration": {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": True,
        "RestrictPublicBuckets": True,
    }
}
CLOUD_SQL = {
    "kind": "sql#instance",
    "name": "ehr",
    "databaseVersion": "POSTGRES_16",
    "settings": {
        "ipConfiguration": {"ipv4Enabled": False, "sslMode": "ENCRYPTED_ONLY"},
        "backupConfiguration": {"enabled": True, "backupRetentionSettings": {"retainedBackups": 7}},
        "deletionProtectionEnabled": True,
    },
    "rootPassword": "Canary7rootpasswordZq9",
}
GCS = {"name": "cold", "storage_url": "gs://cold/", "public_access_prevention": "enforced", "versioning_enabled": True}
AZURE_POSTGRES = {
    "name": "ehr",
    "type": "Microsoft.DBforPostgreSQL/flexibleServers",
    "version": "16",
    "backup": {"backupRetentionDays": 14},
    "network": {"publicNetworkAccess": "Disabled"},
    "dataEncryption": {"type": "AzureKeyVault", "primaryKeyUri": "https://v.vault.azure.net/keys/pg/2"},
}
STORAGE_ACCOUNT = {
    "name": "archive",
    "type": "Microsoft.Storage/storageAccounts",
    "encryption": {"keySource": "Microsoft.Storage"},
    "enableHttpsTrafficOnly": True,
    "allowBlobPublicAccess": False,
    "minimumTlsVersion": "TLS1_2",
    "sku": {"name": "Standard_GRS"},
}


def hubble(verdict: str = "FORWARDED", time: str = "2026-11-19T10:00:00.123456789Z", **more: Any) -> dict[str, Any]:
    flow = {
        "time": time,
        "verdict": verdict,
        "IP": {"source": "10.0.1.5", "destination": "10.0.2.7"},
        "l4": {"TCP": {"source_port": 40000, "destination_port": 5432}},
        "source": {"namespace": "portal", "pod_name": "web-1"},
        "destination": {"namespace": "ehr", "pod_name": "db-0"},
        **more,
    }
    return {"flow": flow, "node_name": "n1", "time": time}


CALICO = {
    "start_time": 1795082400,
    "end_time": 1795082700,
    "source_type": "wep",
    "source_name": "-",
    "source_name_aggr": "web-*",
    "source_namespace": "portal",
    "dest_type": "net",
    "dest_name": "-",
    "dest_name_aggr": "pub",
    "dest_namespace": "-",
    "dest_ip": "198.51.100.7",
    "source_ip": None,
    "dest_port": 443,
    "proto": "tcp",
    "action": "deny",
    "reporter": "src",
    "num_flows": 3,
}
VPC = """\
version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status
2 111122223333 eni-1 10.0.1.5 10.0.2.7 49152 5432 6 10 840 1795082400 1795082460 ACCEPT OK
2 111122223333 eni-1 10.0.2.7 10.0.1.5 5432 49152 6 10 840 1795082400 1795082460 ACCEPT OK
2 111122223333 eni-1 198.51.100.23 10.0.2.7 50000 22 6 1 40 1795082400 1795082460 REJECT OK
2 111122223333 eni-2 - - - - - - - 1795082400 1795082460 - NODATA
"""
METRICS = {
    "status": "success",
    "data": {
        "resultType": "vector",
        "result": [
            {
                "metric": {"__name__": "up", "job": "db", "instance": "10.0.2.7:9187", "user": "Canary7labelZq9"},
                "value": [1795082400.5, "1"],
            },
            {"metric": {"__name__": "up", "job": "db", "instance": "10.0.2.8:9187"}, "value": [1795082400.5, "NaN"]},
        ],
    },
}
RANGE = {
    "status": "success",
    "data": {
        "resultType": "matrix",
        "result": [
            {"metric": {"__name__": "lag", "namespace": "ehr"}, "values": [[1795082400, "4"], [1795082460, "2.5"]]}
        ],
    },
}
EMAIL = "Canary7emailZq9@clinic.example"
OKTA = [
    {
        "uuid": "u-1",
        "published": "2026-11-19T08:00:00.000Z",
        "eventType": "user.session.start",
        "actor": {"alternateId": EMAIL, "displayName": "Canary7displaynameZq9"},
        "client": {"ipAddress": "198.51.100.9"},
        "outcome": {"result": "FAILURE"},
    },
    {
        "uuid": "u-2",
        "published": "2026-11-19T08:00:10.000Z",
        "eventType": "user.authentication.auth_via_mfa",
        "actor": {"alternateId": EMAIL.upper()},
        "outcome": {"result": "SUCCESS"},
        "target": [{"type": "AppInstance", "displayName": "EHR"}],
    },
    {
        "uuid": "u-3",
        "published": "2026-11-19T08:00:11.000Z",
        "eventType": "group.user_membership.add",
        "outcome": {"result": "SUCCESS"},
    },
]
ENTRA = {
    "value": [
        {
            "id": "e-1",
            "createdDateTime": "2026-11-19T08:00:00Z",
            "userPrincipalName": EMAIL,
            "userDisplayName": "Canary7displaynameZq9",
            "ipAddress": "198.51.100.9",
            "appDisplayName": "EHR",
            "authenticationRequirement": "singleFactorAuthentication",
            "status": {"errorCode": 0},
        }
    ]
}
KEYCLOAK = [
    {
        "time": 1795082400000,
        "type": "LOGIN_ERROR",
        "realmId": "clinic",
        "clientId": "portal",
        "ipAddress": "198.51.100.9",
        "details": {"username": EMAIL},
    }
]
TICKETS = "id,opened_at,closed_at,kind,severity,object,status\nT-1,2026-10-01T08:00:00+02:00,,change,high,Deployment/ehr/api,open\n"
INCIDENTS = "id,detected_at,kind,severity,ephi_involved,status\nI-1,2026-10-01,phishing,low,no,closed\n"
EXPLOITED = {
    "catalogVersion": "2026.11.18",
    "dateReleased": "2026-11-18T15:00:00.000Z",
    "vulnerabilities": [{"cveID": "CVE-2021-44228", "dateAdded": "2021-12-10", "dueDate": "2021-12-24", "notes": ""}],
}
LIFECYCLES = "product,cycle,eol_on,checked_on,source\nubuntu,24.04,2029-05-31,2026-11-02,https://ubuntu.com/about/release-cycle\n"
LOG_STORES = "provider,name,holds,retention_days,forever,locked,required_days\nhall,siem,both,2555,,true,2192\nhall,loki,containers,30,,,\n"
LOG_GROUPS = {"logGroups": [{"logGroupName": "/aws/eks/prod/cluster", "retentionInDays": 90, "storedBytes": 7}]}
LOG_BUCKETS = [
    {"name": "projects/p/locations/global/buckets/_Default", "retentionDays": 30, "lifecycleState": "ACTIVE"}
]
WORKSPACE = {"type": "Microsoft.OperationalInsights/workspaces", "name": "logs", "retentionInDays": 90}
WORKFORCE = """
apiVersion: hipaa-kit/v1
kind: Workforce
entries:
- {user: dr.who, role: physician, since: 2024-01-01, groups: [clinicians, auditors]}
"""
VENDORS = "name;service;baa_signed_on;baa_expires_on;contact_role\nCloud;hosting;2024-02-01;2027-01-31;lead\n"
ACCESS_MATRIX = "role,verb,group,resource,namespace\ndeveloper,get,,pods,staging\n"
DRILLS = "kind,date,scope,result,rto_minutes,rpo_minutes\nrestore,2026-09-01,StatefulSet/ehr/db,passed,42,\n"

ETCD = (
    "resource,prefix,objects,complete,taken_at\n"
    "secrets,k8s:enc:secretbox:v1:key1:,214,true,2026-11-18T10:00:00Z\n"
    "secrets,Canary7etcdZq9,3,true,2026-11-18T10:00:00Z\n"
)
LSBLK = {
    "blockdevices": [
        {
            "name": "sda",
            "type": "disk",
            "mountpoints": [None],
            "children": [
                {"name": "sda1", "type": "part", "mountpoints": ["/boot"]},
                {
                    "name": "sda2",
                    "type": "part",
                    "fstype": "crypto_LUKS",
                    "mountpoints": [None],
                    "children": [{"name": "root", "type": "crypt", "fstype": "ext4", "mountpoints": ["/", "/var"]}],
                },
            ],
        }
    ]
}
EBS = {
    "Volumes": [
        {
            "VolumeId": "vol-1",
            "Encrypted": True,
            "KmsKeyId": "arn:key/1",
            "Attachments": [{"InstanceId": "i-1", "Device": "/dev/xvda"}],
            "Tags": [{"Key": "owner", "Value": "canary7tagzq9"}],
        },
        {"VolumeId": "vol-2", "Encrypted": False, "Attachments": []},
    ]
}
EFS = {"FileSystems": [{"FileSystemId": "fs-1", "Encrypted": True, "KmsKeyId": "arn:key/2"}]}
GCE_DISK = {
    "kind": "compute#disk",
    "selfLink": "https://www.googleapis.com/compute/v1/projects/p1/zones/z1/disks/pvc-1",
    "diskEncryptionKey": {"kmsKeyName": "projects/p1/k"},
    "users": ["https://www.googleapis.com/compute/v1/projects/p1/zones/z1/instances/n1"],
}
AZURE_DISK = {
    "id": "/subscriptions/S1/resourceGroups/G/providers/Microsoft.Compute/disks/pvc-2",
    "type": "Microsoft.Compute/disks",
    "encryption": {"type": "EncryptionAtRestWithPlatformKey"},
    "managedBy": "/subscriptions/S1/resourceGroups/G/providers/Microsoft.Compute/virtualMachines/n2",
}
POLICIES = "citation,document,version,reviewed_on,location\n164.316(a),Security policy,3,2026-05-01,wiki\n"
ARCHIVE = "run,run_on,verified_on,location,locked\nr1,2026-10-01,2026-10-02,bucket,true\n"
KEYS = "key,kept_in,rotated_on,rotates\nvault-ephi,external,2026-05-01,false\nclinic-2026-10,node,2026-10-01,\n"
AWS_ROTATION = {"KeyRotationEnabled": True, "KeyId": "arn:key/1", "RotationPeriodInDays": 365}
GOOGLE_KEY = {
    "name": "projects/p1/locations/l/keyRings/r/cryptoKeys/k",
    "purpose": "ENCRYPT_DECRYPT",
    "rotationPeriod": "7776000s",
    "primary": {"createTime": "2026-10-01T08:00:00Z"},
}
EARLIER_STATE = """\
aspect,object,fact,weakens,cluster,taken_at
binding,RoleBinding/ehr/viewers,User//ana holds Role/ehr/viewer,added,clinic,2026-10-31T02:00:00Z
pod_security,Namespace//ehr,enforces baseline,removed,clinic,2026-10-31T02:00:00Z
"""
REPLACEMENTS = """\
pod,uid,container,restarts,namespace,workload,how,cause,failed_at,failed_basis,seen_last,gone_by,replacement,\
replacement_uid,matched_by,replaced_by,field_manager,created_at,ready_at,seconds_to_ready,reason,unready_at,cluster_uid
Pod/ehr/app-a,u1,,0,ehr,Deployment/ehr/app,evicted,EvictionByEvictionAPI,2026-11-10T10:00:00Z,\
condition DisruptionTarget,2026-11-10T02:00:00Z,2026-11-11T02:00:00Z,Pod/ehr/app-b,u2,order,ReplicaSet/ehr/app,\
kube-controller-manager,2026-11-10T10:00:02Z,2026-11-10T10:00:40Z,40.0,,,c1
"""
VERIFICATION = {
    "verification": "hipaa-kit bundle 1",
    "bundle": "0123456789abcdef",
    "cluster": "clinic",
    "intact": False,
    "files": 120,
    "recorded_digest": "a1" * 32,
    "found_digest": "b2" * 32,
    "verified_at": "2026-11-19T08:00:00Z",
    "problems": [{"file": "data/findings.csv", "state": "altered"}],
}
EVIDENCE = f"""\
digest,bundle,recorded_on,kept_in
{"a1" * 32},0123456789abcdef,2026-10-31,the ticket system
"""

EVERY_FORM: dict[str, Any] = {
    "detection_settings": {"a.txt": "list,value\ntime_zone,America/New_York\nadministrators,ada@example.org\n"},
    "encryption_configuration": {"a.txt": ENCRYPTION},
    "etcd_values": {"a.txt": ETCD},
    "node_filesystems": {"nodes__n1__a.txt": LSBLK},
    "audit_policy": {"a.txt": AUDIT},
    "admission_configuration": {"a.txt": ADMISSION},
    "kubelet_configuration": {"nodes__n1__a.txt": KUBELET, "nodes__n2__a.txt": CONFIGZ},
    "cloud_cluster": {"a.txt": EKS, "b.txt": GKE, "c.txt": AKS, "d.txt": AKS_LOGS},
    "cloud_stores": {
        "a.txt": RDS,
        "buckets__cold__a.txt": S3_ENCRYPTION,
        "buckets__cold__b.txt": S3_VERSIONING,
        "buckets__cold__c.txt": S3_PUBLIC,
        "b.txt": CLOUD_SQL,
        "c.txt": GCS,
        "d.txt": [AZURE_POSTGRES],
        "e.txt": STORAGE_ACCOUNT,
    },
    "cloud_volumes": {"a.txt": EBS, "b.txt": EFS, "c.txt": [GCE_DISK], "d.txt": [AZURE_DISK]},
    "flow_logs": {"a.txt": json.dumps(hubble()), "b.txt": CALICO, "c.txt": VPC},
    "metric_results": {"a.txt": METRICS, "b.txt": RANGE},
    "scanner_reports": {
        "a.txt": scanner_reports.kubescape(),
        "b.txt": scanner_reports.trivy(),
        "c.txt": scanner_reports.kube_bench(),
        "d.txt": scanner_reports.prowler()[:2],
        "e.txt": scanner_reports.prowler_csv().removesuffix(
            "too;few\nx;t;u;aws;c;t;PASS;;False;low;Bucket;1;b;eu-west-1;5\n"
        ),
        "f.txt": scanner_reports.policy_report(),
        "g.txt": scanner_reports.trivy_image(),
        "h.txt": scanner_reports.grype(),
        "i.txt": scanner_reports.cyclonedx(),
    },
    "known_exploited": {"a.txt": EXPLOITED},
    "lifecycles": {"a.txt": LIFECYCLES},
    "log_stores": {"a.txt": LOG_STORES, "b.txt": LOG_GROUPS, "c.txt": LOG_BUCKETS, "d.txt": WORKSPACE},
    "sign_ins": {"a.txt": OKTA, "b.txt": ENTRA, "c.txt": KEYCLOAK},
    "tickets": {"a.txt": TICKETS},
    "incidents": {"a.txt": INCIDENTS},
    "workforce": {"a.txt": WORKFORCE},
    "vendors": {"a.txt": VENDORS},
    "policies": {"a.txt": POLICIES},
    "evidence_archive": {"a.txt": ARCHIVE},
    "access_matrix": {"a.txt": ACCESS_MATRIX},
    "drills": {"a.txt": DRILLS},
    "earlier_state": {"a.txt": EARLIER_STATE},
    "replacements": {"a.txt": REPLACEMENTS},
    "verified_bundles": {"a.txt": VERIFICATION},
    "evidence_register": {"a.txt": EVIDENCE},
    "key_register": {"a.txt": KEYS, "b.txt": AWS_ROTATION, "c.txt": GOOGLE_KEY},
}
"""Files by name, per input; the names say nothing about what is in them."""
