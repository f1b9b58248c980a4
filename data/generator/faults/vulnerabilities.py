"""Faults of vulnerabilities: images nobody looked at, what was not mended, systems that get no fixes any more."""

from __future__ import annotations

from faults.integrity import DRIFTING, FLOATING, UNPINNED
from faults.patches import Fault, change, change_container, drop, enter, together, write

FHIR = "Scan//Deployment/ehr/fhir-server/fhir-server"
ARCHIVE = "Scan//Deployment/imaging/dcm4chee-arc/archive"
REDIS = "Scan//StatefulSet/ehr/ehr-redis/redis"
BROKER = "Scan//StatefulSet/integration/rabbitmq/rabbitmq"
WEB = "Scan//Deployment/portal/portal-web/portal-web"
API = "Scan//Deployment/portal/portal-api/portal-api"
EXPORT = "Scan//CronJob/imaging/teaching-export/export"
ENGINE = "Scan//Deployment/integration/mirth/mirth"

LOG4J = ("CVE-2021-44228", "log4j-core", "2.14.1", "2.15.0", "CRITICAL", "2021-12-10T10:15:09Z", 10.0)
CURL = ("CVE-2023-38545", "libcurl4", "7.88.1-10+deb12u3", "7.88.1-10+deb12u4", "CRITICAL", "2023-10-18T04:15:11Z", 9.8)
OPENSSL = ("CVE-2024-6119", "libssl3", "3.0.13-1~deb12u1", "3.0.14-1~deb12u2", "HIGH", "2024-09-03T16:15:07Z", 7.5)

NOT_SCANNED = change(FHIR, looked_for=("secrets", "packages"))
LONG_AGO = change(REDIS, scanned_at="2026-10-21T22:10:04Z")
NOT_MENDED = change(WEB, found=(OPENSSL,))
NOT_MENDED_EITHER = together(
    change(BROKER, found=(CURL,)),
    enter(
        "Input//tickets.csv",
        id="CLIN-1099",
        opened_at="2026-10-28T11:20:00Z",
        kind="vulnerability",
        severity="critical",
        object="StatefulSet/integration/rabbitmq",
        status="open",
        vulnerability="CVE-2023-38545",
    ),
)
NODE_LONG_AGO = write(
    "ClusterInfraAssessmentReport//node-worker-a2",
    *("report", "updateTimestamp"),
    value="2026-09-30T04:00:00Z",
)
NODE_MISSED = drop("ClusterInfraAssessmentReport//node-worker-b1")
BACKLOG = together(
    *(
        enter("Input//tickets.csv", id=name, opened_at=opened, kind="vulnerability", severity="critical", status="open")
        for name, opened in (("CLIN-1071", "2026-09-20T08:00:00Z"), ("CLIN-1072", "2026-10-21T08:00:00Z"))
    )
)
TAGGED = {
    "Deployment/ehr/ehr-api": UNPINNED,
    "Deployment/imaging/image-viewer": FLOATING,
    "Deployment/identity/keycloak": DRIFTING,
}
BY_NAME = ("HK-VUL-01", "HK-VUL-02", "HK-VUL-03", "HK-VUL-04", "HK-VUL-08", "HK-VUL-09")

FAULTS = (
    Fault("Deployment/ehr/fhir-server", "HK-VUL-01", "its image was never scanned", NOT_SCANNED),
    Fault("StatefulSet/ehr/ehr-redis", "HK-VUL-02", "its image was last scanned a month ago", LONG_AGO),
    Fault(
        "Deployment/portal/portal-api",
        "HK-VUL-03",
        "a library in it has a vulnerability that is known to be exploited",
        change(API, found=(LOG4J,)),
    ),
    Fault(
        "StatefulSet/integration/rabbitmq",
        "HK-VUL-03",
        "a critical vulnerability with a fix is known for more than three weeks",
        NOT_MENDED_EITHER,
    ),
    Fault(
        "Deployment/portal/portal-web",
        "HK-VUL-03",
        "a high vulnerability with a fix is known for more than a month",
        NOT_MENDED,
    ),
    Fault(
        "Deployment/imaging/dcm4chee-arc",
        "HK-VUL-04",
        "its image stands on a Debian that gets no fixes any more",
        change(ARCHIVE, system=("debian", "10.13"), ended=True),
    ),
    Fault(
        "Node//worker-b2",
        "HK-VUL-05",
        "its kubelet is four minor versions behind the API server",
        change("Node//worker-b2", kubelet="v1.31.4"),
    ),
    Fault(
        "Node//worker-c1",
        "HK-VUL-05",
        "its container runtime gets no fixes any more",
        change("Node//worker-c1", runtime="containerd://1.6.36"),
    ),
    Fault(
        "Deployment/cert-manager/cert-manager",
        "HK-VUL-06",
        "its version gets no fixes any more",
        change_container(
            "Deployment/cert-manager/cert-manager", "*", image="quay.io/jetstack/cert-manager-controller:v1.19.0"
        ),
    ),
    Fault("Node//worker-a2", "HK-VUL-07", "it was last scanned in September", NODE_LONG_AGO),
    Fault("Node//worker-b1", "HK-VUL-07", "it was never scanned, as other nodes were", NODE_MISSED),
    Fault(
        "CronJob/imaging/teaching-export",
        "HK-VUL-08",
        "its image holds a token",
        change(EXPORT, secrets=("npm-access-token",)),
    ),
    Fault(
        "Deployment/integration/mirth",
        "HK-VUL-09",
        "there is no bill of materials of its engine",
        change(ENGINE, looked_for=("vulnerabilities", "secrets")),
    ),
    Fault("Cluster//remediation", "HK-VUL-12", "more and more vulnerabilities are open for too long", BACKLOG),
    *(
        Fault(name, control, "its image is named by tag, so that no scan is known to be of what runs", patch)
        for name, patch in TAGGED.items()
        for control in BY_NAME
    ),
)
