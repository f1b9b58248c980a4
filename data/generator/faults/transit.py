"""Faults of encryption in transit: plain text at an entry, between pods, to a database; certificates that end."""

from __future__ import annotations

from model import Hospital, Workload
from shapes import MIRROR

from faults.network_isolation import EXPORT_ON_NODE, PORTAL_ASKS_NODE, PORTAL_PLAIN, RECORD_UNSHUT
from faults.patches import Fault, change, change_container, together

API_SERVER = "StaticPod/kube-system/kube-apiserver"
PLAIN_HL7 = {"hl7": 2575, "mllp": 6661}
HL7_PLAIN = together(
    change_container(
        "Deployment/integration/mirth",
        "hl7-tls",
        image=f"{MIRROR}/platform/socat:1.8.0",
        ports=PLAIN_HL7,
        readiness="tcp mllp",
    ),
    change("Service/integration/mirth", ports={name: (port, name) for name, port in PLAIN_HL7.items()}),
    change("Service/integration/lab-results", ports={"mllp": (6661, "mllp")}),
)
LOGIN_UNSURE = change_container(
    "Deployment/identity/keycloak",
    "keycloak",
    env={
        "KC_DB_URL": "jdbc:postgresql://keycloak-db.identity.svc:5432/keycloak",
        "KC_DB_PASSWORD": "secret:keycloak/db-password",
    },
)


def old_tls(hospital: Hospital) -> None:
    """Let the API servers speak TLS 1.0 again, as some old client needed it."""
    server = hospital.declared[API_SERVER]
    assert isinstance(server, Workload), API_SERVER  # noqa: S101 - the key names a workload
    flags = tuple(flag.replace("VersionTLS12", "VersionTLS10") for flag in server.containers[0].command)
    hospital.change_container(API_SERVER, server.name, command=flags)


FAULTS = (
    Fault("Ingress/portal/portal-web", "HK-ENC-08", "it has no TLS", PORTAL_PLAIN),
    Fault(
        "Ingress/ehr/ehr-app",
        "HK-ENC-08",
        "the redirect is turned off: what comes without TLS is served",
        change("Ingress/ehr/ehr-app", redirect=False),
    ),
    Fault(
        "Deployment/integration/mirth",
        "HK-ENC-10",
        "its load balancer opens HL7, and what listens there passes plain text on",
        HL7_PLAIN,
    ),
    Fault("Deployment/integration/mirth", "HK-ENC-12", "HL7 from the branches comes in as plain text", HL7_PLAIN),
    Fault(
        "Deployment/identity/keycloak",
        "HK-ENC-12",
        "nothing makes it speak TLS to its database outside the cluster",
        LOGIN_UNSURE,
    ),
    Fault(
        "CronJob/imaging/teaching-export",
        "HK-ENC-12",
        "on the network of its node, where WireGuard covers nothing",
        EXPORT_ON_NODE,
    ),
    Fault(
        "StatefulSet/ehr/ehr-redis",
        "HK-ENC-12",
        "what may come to it from the networks of nodes, as nothing isolates it, is not encrypted",
        RECORD_UNSHUT,
    ),
    Fault(
        "Deployment/portal/portal-api",
        "HK-ENC-12",
        "what it asks the instance metadata service is not encrypted",
        PORTAL_ASKS_NODE,
    ),
    Fault(
        "Certificate/imaging/image-viewer-tls",
        "HK-ENC-13",
        "cert-manager cannot issue it: it is not ready",
        change("Ingress/imaging/image-viewer", issued=False),
    ),
    Fault(
        "Certificate/ehr/fhir-server-tls",
        "HK-ENC-13",
        "it ends in a week, and no renewal is planned",
        change("Ingress/ehr/fhir-server", ends="2026-11-27T06:00:00Z", renewal=""),
    ),
    Fault(
        "Certificate/portal/status-page-tls",
        "HK-ENC-13",
        "it ended two days before the collection: its renewal has failed",
        change("Ingress/portal/status-page", ends="2026-11-18T06:00:00Z", renewal="2026-10-19T06:00:00Z"),
    ),
    Fault("Cluster//control-plane", "HK-ENC-14", "the API servers speak TLS 1.0", old_tls),
)
