"""Faults of integrity: what runs is not what was meant to run, or nobody would find out."""

from __future__ import annotations

from model import WORKERS, Hospital, Workload, all_but

from faults.patches import Fault, change, change_container, together, write


def unchecked_etcd(hospital: Hospital) -> None:
    """Run etcd without the checks of its data."""
    key = "StaticPod/kube-system/etcd"
    member = hospital.declared[key]
    assert isinstance(member, Workload), key  # noqa: S101 - the key names a workload
    flags = tuple(flag for flag in member.containers[0].command if not flag.startswith("--feature-gates"))
    hospital.change_container(key, "etcd", command=flags)


LAST_BUNDLE = "Input//bundles/c27e94d10ab8635f.json"
REWRITTEN = together(
    write(LAST_BUNDLE, "problems", value=[{"file": "data/findings.csv", "state": "altered"}]),
    write(LAST_BUNDLE, "intact", value=False),
)

NO_SENSOR = change("DaemonSet/kube-system/tetragon", nodes=all_but("worker-b2", of=WORKERS))
RECORD_DRIFTED = together(
    write("Application/argocd/ehr", "status", "sync", "status", value="OutOfSync"),
    write("Application/argocd/ehr", "status", "resources", 0, "status", value="OutOfSync"),
)

UNPINNED = change_container("Deployment/ehr/ehr-api", "*", pinned=False)
FLOATING = change_container("Deployment/imaging/image-viewer", "*", image="docker.io/ohif/app:latest", pinned=False)
DRIFTING = change_container("Deployment/identity/keycloak", "*", pinned=False, drifts=True)

FAULTS = (
    Fault(
        "Deployment/ehr/ehr-api",
        "HK-INT-01",
        "the image is named by its tag alone",
        UNPINNED,
    ),
    Fault(
        "Deployment/imaging/image-viewer",
        "HK-INT-01",
        "the image is whatever stands under latest",
        FLOATING,
    ),
    Fault(
        "Deployment/identity/keycloak",
        "HK-INT-01",
        "replicas run two different images under one tag",
        DRIFTING,
    ),
    Fault(
        "Pod/kube-system/etcd-cp-1",
        "HK-INT-04",
        "etcd does not compare its data with the other members",
        unchecked_etcd,
    ),
    Fault(
        "CronJob/ehr/ehr-db-dump",
        "HK-INT-02",
        "its image is a colleague's own build, which no policy asks for a signature",
        change_container("CronJob/ehr/ehr-db-dump", "*", image="ghcr.io/clinic-dba/pg-dump:17.6-2"),
    ),
    Fault(
        "Deployment/imaging/image-viewer",
        "HK-INT-02",
        "its image comes straight from Docker Hub, past the registry whose images are signed",
        FLOATING,
    ),
    Fault(
        "Deployment/integration/mirth",
        "HK-INT-07",
        "programs may write to the root file system",
        change_container("Deployment/integration/mirth", "*", read_only=False),
    ),
    Fault("Application/argocd/ehr", "HK-INT-08", "a Service of the record is not as it is declared", RECORD_DRIFTED),
    Fault(
        "Deployment/portal/portal-web",
        "HK-INT-08",
        "it was changed by hand after it was last brought to what is declared",
        change("Deployment/portal/portal-web", edited=("kubectl-edit", "2026-11-19T21:37:50Z")),
    ),
    Fault(
        "Node//worker-b2",
        "HK-INT-10",
        "the sensor does not run on this worker",
        NO_SENSOR,
    ),
    Fault(
        "Bundle//c27e94d10ab8635f",
        "HK-INT-12",
        "the findings of last month are not as they were written",
        REWRITTEN,
    ),
    Fault(
        "ValidatingWebhookConfiguration//ingress-nginx-admission",
        "HK-INT-11",
        "routes are let in where the controller cannot be asked",
        write(
            "ValidatingWebhookConfiguration//ingress-nginx-admission", "webhooks", 0, "failurePolicy", value="Ignore"
        ),
    ),
)
