"""Disks and file systems as their provider describes them: what a PersistentVolume does not say of itself.

Sources: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Volume.html,
https://docs.aws.amazon.com/efs/latest/APIReference/API_FileSystemDescription.html,
https://cloud.google.com/compute/docs/reference/rest/v1/disks,
https://learn.microsoft.com/en-us/rest/api/compute/disks/get.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from hipaa_kit.sources.inputs.declaration import Form, Input, Reading, Row, items
from hipaa_kit.sources.inputs.values import get, last_part, text, texts, truth
from hipaa_kit.tables.cloud import CLOUD_VOLUMES


def is_ebs(document: Any) -> bool:
    """Tell whether a document is what `aws ec2 describe-volumes` answers."""
    return isinstance(get(document, "Volumes"), list) and not get(document, "Volumes", 0, "Name")


def read_ebs(document: Any, reading: Reading) -> Iterator[Row]:  # noqa: ARG001 - every form reads alike
    """Yield EBS volumes."""
    for each in items(document["Volumes"]):
        if name := text(each, "VolumeId"):
            values = {
                "provider": "aws",
                "name": name,
                "encrypted": truth(each, "Encrypted"),
                "key": text(each, "KmsKeyId"),
                "attached_to": " ".join(text(at, "InstanceId") for at in items(each.get("Attachments"))),
            }
            yield Row(CLOUD_VOLUMES, values)


def is_file_systems(document: Any) -> bool:
    """Tell whether a document is what `aws efs describe-file-systems` answers."""
    return isinstance(get(document, "FileSystems"), list)


def read_file_systems(document: Any, reading: Reading) -> Iterator[Row]:  # noqa: ARG001 - every form reads alike
    """Yield file systems of EFS; those of FSx do not say whether they are encrypted."""
    for each in items(document["FileSystems"]):
        if name := text(each, "FileSystemId"):
            values = {
                "provider": "aws",
                "name": name,
                "encrypted": truth(each, "Encrypted"),
                "key": text(each, "KmsKeyId"),
            }
            yield Row(CLOUD_VOLUMES, values)


def is_gce_disk(document: Any) -> bool:
    """Tell whether a document is a disk of Compute Engine."""
    return text(document, "kind") == "compute#disk" and "/disks/" in text(document, "selfLink")


def read_gce_disk(document: Any, reading: Reading) -> Iterator[Row]:  # noqa: ARG001 - every form reads alike
    """Yield a disk of Compute Engine, by the path that is the handle of its volume; Google encrypts all of them."""
    link = text(document, "selfLink")
    values = {
        "provider": "gcp",
        "name": link[link.index("projects/") :] if "projects/" in link else last_part(link),
        "encrypted": True,
        "key": text(document, "diskEncryptionKey", "kmsKeyName"),
        "attached_to": " ".join(last_part(user) for user in texts(document, "users")),
    }
    yield Row(CLOUD_VOLUMES, values)


def is_azure_disk(document: Any) -> bool:
    """Tell whether a document is a managed disk of Azure."""
    return text(document, "type").lower() == "microsoft.compute/disks" and bool(text(document, "id"))


def read_azure_disk(document: Any, reading: Reading) -> Iterator[Row]:  # noqa: ARG001 - every form reads alike
    """Yield a managed disk, by its id in lower case, as ids of Azure are compared."""
    kind = text(document, "encryption", "type")
    values = {
        "provider": "azure",
        "name": text(document, "id").lower(),
        "encrypted": True if kind.startswith("EncryptionAtRest") else None,
        "key": text(document, "encryption", "diskEncryptionSetId"),
        "attached_to": last_part(text(document, "managedBy")),
    }
    yield Row(CLOUD_VOLUMES, values)


INPUTS: Final = (
    Input(
        "cloud_volumes",
        "disks and file systems of volumes and nodes as their provider describes them",
        (
            Form("aws ec2 describe-volumes", is_ebs, read_ebs),
            Form("aws efs describe-file-systems", is_file_systems, read_file_systems),
            Form("gcloud compute disks list", is_gce_disk, read_gce_disk),
            Form("az disk list", is_azure_disk, read_azure_disk),
        ),
        (CLOUD_VOLUMES,),
        "those that you use of: aws ec2 describe-volumes > inputs/volumes.json; aws efs describe-file-systems >"
        " inputs/efs.json; gcloud compute disks list --format=json > inputs/disks.json;"
        " az disk list > inputs/disks.json",
    ),
)
