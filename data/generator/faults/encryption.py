"""Faults of encryption at rest: volumes, keys and etcd that are open, and credentials that stand in the open."""

from __future__ import annotations

from hospital import FILER, PLAIN
from model import CONTROL_PLANE, Hospital, Workload

from faults.availability import DATA_ON_NODE
from faults.patches import Fault, change, change_container, enter, environment, together, write

API_SERVER = "StaticPod/kube-system/kube-apiserver"
PROVIDERS = ("resources", 0, "providers")


def without_encryption(hospital: Hospital) -> None:
    """Start the API servers without a file of encryption."""
    server = hospital.declared[API_SERVER]
    assert isinstance(server, Workload)  # noqa: S101 - the key names a workload
    flags = tuple(flag for flag in server.containers[0].command if not flag.startswith("--encryption-provider-config"))
    hospital.change_container(API_SERVER, server.containers[0].name, command=flags)


SESSION = {"SESSION_SECRET": "fake-demo-session-secret"}
IDENTITY_FIRST = write("Input//encryption-config.yaml", *PROVIDERS, 0, value={"identity": {}})
ON_THE_FILER = change("PersistentVolumeClaim/imaging/pacs-archive", storage_class=FILER)

FAULTS = (
    *(
        Fault(
            f"Pod/kube-system/kube-apiserver-{node}",
            "HK-ENC-01",
            "it runs without a file of encryption: Secrets go to etcd as plain text",
            without_encryption,
        )
        for node in CONTROL_PLANE
    ),
    Fault(
        "EncryptionConfiguration//control-plane",
        "HK-ENC-02",
        "identity is the first provider: what it writes is plain text",
        IDENTITY_FIRST,
    ),
    Fault(
        "Etcd//secrets",
        "HK-ENC-03",
        "Secrets from before encryption were never written again",
        enter(
            "Input//etcd.csv",
            resource="secrets",
            prefix="plain",
            objects=41,
            complete="true",
            taken_at="2026-11-18T09:40:00Z",
        ),
    ),
    Fault(
        "PersistentVolumeClaim/ehr/ehr-db-dumps",
        "HK-ENC-04",
        "dumps of the record lie on a volume of a class without encryption",
        change("PersistentVolumeClaim/ehr/ehr-db-dumps", storage_class=PLAIN),
    ),
    Fault(
        "PersistentVolumeClaim/imaging/pacs-archive",
        "HK-ENC-04",
        "images lie on a filer of which the cluster does not show whether it encrypts",
        ON_THE_FILER,
    ),
    Fault(
        "PersistentVolumeClaim/imaging/pacs-archive", "HK-ENC-05", "images go to the filer in the clear", ON_THE_FILER
    ),
    Fault(
        "StatefulSet/integration/mirth-db",
        "HK-ENC-05",
        "its data lie in a folder of the node",
        DATA_ON_NODE,
    ),
    Fault(
        "Key//vault-clinic",
        "HK-ENC-06",
        "the key of all volumes was not changed for more than a year",
        together(
            write("Input//keys.csv", 0, "rotated_on", value="2025-01-10"),
            write("Input//keys.csv", 0, "rotates", value="false"),
        ),
    ),
    Fault(
        "Node//worker-b2",
        "HK-ENC-07",
        "a node that runs pods with ePHI does not encrypt its disk",
        write(
            "Input//nodes/worker-b2/lsblk.json",
            "blockdevices",
            0,
            "children",
            1,
            value={
                "name": "sda2",
                "type": "part",
                "fstype": "xfs",
                "mountpoints": ["/"],
            },
        ),
    ),
    Fault(
        "Deployment/ehr/ehr-app",
        "HK-ENC-15",
        "the secret that signs sessions is a literal of its environment",
        environment("Deployment/ehr/ehr-app", "ehr-app", **SESSION),
    ),
    Fault(
        "CronJob/ehr/ehr-db-dump",
        "HK-ENC-15",
        "the password of the database stands among its arguments",
        change_container("CronJob/ehr/ehr-db-dump", "pg-dump", args=("--password=fake-demo-password", "--jobs=2")),
    ),
    Fault(
        "Secret/imaging/dcm4chee-arc",
        "HK-ENC-16",
        "what makes it says that it is not in step with the store",
        write("ExternalSecret/imaging/dcm4chee-arc", "status", "conditions", 0, "status", value="False"),
    ),
    Fault(
        "Secret/integration/mirth",
        "HK-ENC-16",
        "it was last brought into step weeks ago",
        write("ExternalSecret/integration/mirth", "status", "refreshTime", value="2026-10-21T06:00:00Z"),
    ),
)
