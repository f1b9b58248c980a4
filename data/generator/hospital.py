"""What the hospital runs on behalf of its patients, declared in its repaired state."""

from __future__ import annotations

from dataclasses import replace

from model import (
    Autoscaler,
    Budget,
    Claim,
    Container,
    Declaration,
    Namespace,
    Route,
    ScopeEntry,
    Service,
    Trouble,
    Workload,
)
from shapes import MIRROR, database, database_service, deployment, exporter_of, web

BRANCHES = "10.50.0.0/16"
NAME_SERVER = "Deployment/kube-system/coredns"
BLOCK = "ceph-block"
PLAIN = "ceph-block-plain"
SHARED = "ceph-files"
FILER = "nas-files"


def namespaces() -> list[Declaration]:
    """Declare the namespaces of the hospital's own software."""
    return [
        Namespace("ehr", True, "production", "restricted", "compute", True, signed=True),
        Namespace("imaging", True, "production", "restricted", "count", signed=True),
        Namespace("integration", True, "production", "restricted", "count", signed=True),
        Namespace("portal", True, "production", "restricted", "compute", True, signed=True),
        Namespace("identity", False, "production", "restricted", "compute", signed=True),
        Namespace("research", False, "research", "restricted", "count", signed=True),
        Namespace("ehr-staging", False, "staging", "restricted", "", True, signed=True),
        Namespace("cicd", False, "", "restricted", "count"),
    ]


def ehr() -> list[Declaration]:
    """Declare the electronic health record: application, API, FHIR server, database, cache, dumps."""
    app = web(
        "ehr-app",
        f"{MIRROR}/ehr/ehr-app:8.4.2",
        "/healthz",
        env={
            "EHR_API_URL": "http://ehr-api.ehr.svc:8080",
            "SESSION_STORE": "redis://ehr-redis.ehr.svc:6379/0",
            "SESSION_SECRET": "secret:ehr-app/session-secret",
            "DEMO_PATIENT": "fake-patient-of-the-demo",
            "LOG_LEVEL": "info",
        },
    )
    api = web(
        "ehr-api",
        f"{MIRROR}/ehr/ehr-api:8.4.2",
        "/actuator/health/readiness",
        memory=1024,
        env={
            "SPRING_DATASOURCE_URL": "jdbc:postgresql://ehr-db.ehr.svc:5432/ehr",
            "SPRING_DATASOURCE_PASSWORD": "secret:ehr-api/datasource-password",
            "AMQP_ADDRESSES": "rabbitmq.integration.svc:5672",
        },
    )
    fhir = web(
        "fhir-server",
        f"{MIRROR}/ehr/hapi-fhir:8.2.0-2",
        "/fhir/metadata",
        cpu=500,
        memory=2048,
        env={
            "SPRING_DATASOURCE_URL": "jdbc:postgresql://ehr-db.ehr.svc:5432/fhir",
            "SPRING_DATASOURCE_PASSWORD": "secret:fhir-server/datasource-password",
        },
    )
    redis = Container(
        "redis",
        f"{MIRROR}/library/redis:8.2.1",
        memory=512,
        ports={"redis": 6379},
        mounts={"/data": "data"},
        args=("redis-server", "--appendonly", "yes", "--aclfile", "/etc/redis/users.acl"),
        readiness="exec redis-cli ping",
        liveness="tcp redis",
    )
    redis_metrics = exporter_of("oliver006/redis_exporter:v1.78.0", 9121, "/health")
    dump = Container(
        "pg-dump",
        f"{MIRROR}/platform/pg-dump:17.6-2",
        cpu=200,
        memory=512,
        env={"PGHOST": "ehr-db.ehr.svc", "PGPASSWORD": "secret:ehr-db/dump-password", "KEEP_DAYS": "14"},
        mounts={"/dumps": "dumps"},
    )
    return [
        deployment("ehr", app, applied=True, revisions=2),
        deployment("ehr", api, revisions=2),
        deployment("ehr", fhir),
        database("ehr", "ehr-db", 200, exporter=True),
        Workload("StatefulSet", "ehr", "ehr-redis", (redis, redis_metrics), claims={"data": 8}),
        Workload(
            "CronJob",
            "ehr",
            "ehr-db-dump",
            (dump,),
            replicas=1,
            nodes=("worker-b2",),
            volumes={"dumps": {"persistentVolumeClaim": {"claimName": "ehr-db-dumps"}}},
            priority="batch",
            schedule="30 0 * * *",
        ),
        Claim("ehr", "ehr-db-dumps", 500, BLOCK, "east-b"),
        Service("ehr", "ehr-app", {"http": (8080, "http")}, app="ehr-app"),
        Service("ehr", "ehr-api", {"http": (8080, "http")}, app="ehr-api"),
        Service("ehr", "fhir-server", {"http": (8080, "http")}, app="fhir-server"),
        Service("ehr", "ehr-redis", {"redis": (6379, "redis")}, app="ehr-redis", headless=True),
        database_service("ehr", "ehr-db", exporter=True),
        *(Budget("ehr", name, name) for name in ("ehr-app", "ehr-api", "fhir-server", "ehr-db", "ehr-redis")),
        Autoscaler("ehr", "ehr-app"),
        Autoscaler("ehr", "ehr-api", most=8),
    ]


def imaging() -> list[Declaration]:
    """Declare imaging: the PACS archive, the DICOM router, their database, the viewer."""
    archive = Container(
        "archive",
        f"{MIRROR}/dcm4che/dcm4chee-arc-psql:5.34.1",
        cpu=500,
        memory=3072,
        ports={"dicom": 11112, "http": 8080},
        env={"POSTGRES_HOST": "pacs-db.imaging.svc", "POSTGRES_PASSWORD": "secret:dcm4chee-arc/db-password"},
        mounts={"/storage": "storage"},
        readiness="tcp dicom",
        liveness="http /dcm4chee-arc/monitor http",
        startup="tcp http",
    )
    tunnel = Container(
        "dicom-tls",
        f"{MIRROR}/platform/stunnel:5.75",
        cpu=50,
        memory=64,
        ports={"dicom-tls": 2762},
        readiness="tcp dicom-tls",
        role="sidecar",
    )
    viewer = web("image-viewer", f"{MIRROR}/ohif/app:v3.11.0", "/healthz", cpu=100, memory=128)
    pacs = {"dicom": (11112, "dicom"), "dicom-tls": (2762, "dicom-tls"), "http": (8080, "http")}
    return [
        Workload(
            "Deployment",
            "imaging",
            "dcm4chee-arc",
            (tunnel, archive),
            volumes={"storage": {"persistentVolumeClaim": {"claimName": "pacs-archive"}}},
            # Long over at the time of collection: recorded, and no fault.
            trouble={1: Trouble("OOMKilled", "2026-11-16T03:12:44Z", 1)},
        ),
        orthanc("imaging", "critical"),
        database("imaging", "pacs-db", 100, exporter=True),
        deployment("imaging", viewer, replicas=3),
        Workload(
            "CronJob",
            "imaging",
            "teaching-export",
            (Container("export", f"{MIRROR}/imaging/deidentify:2.1.0", mounts={"/export": "export"}),),
            volumes={"export": {"persistentVolumeClaim": {"claimName": "teaching-archive"}}},
            priority="batch",
            schedule="0 3 * * 6",
            suspended=True,
        ),
        Claim("imaging", "pacs-archive", 4096, SHARED),
        Claim("imaging", "teaching-archive", 512, SHARED),
        Service("imaging", "dcm4chee-arc", dict(pacs), app="dcm4chee-arc"),
        orthanc_service("imaging"),
        database_service("imaging", "pacs-db", exporter=True),
        Service("imaging", "image-viewer", {"http": (80, "http")}, app="image-viewer"),
        Service("imaging", "cold-archive", {"https": (443, 443)}, external_name="s3.dr-site.clinic.example"),
        *(Budget("imaging", name, name) for name in ("dcm4chee-arc", "orthanc", "pacs-db", "image-viewer")),
    ]


def orthanc(namespace: str, priority: str, replicas: int = 2) -> Workload:
    """Declare an Orthanc, which keeps images on volumes of its own."""
    server = Container(
        "orthanc",
        f"{MIRROR}/orthancteam/orthanc:25.8.1",
        memory=1024,
        ports={"dicom": 4242, "http": 8042},
        env={"ORTHANC__NAME": f"CLINIC-{namespace.upper()}", "VERBOSE_STARTUP": "false"},
        mounts={"/var/lib/orthanc/db": "data"},
        readiness="tcp http",
        liveness="tcp dicom",
    )
    return Workload(
        "StatefulSet",
        namespace,
        "orthanc",
        (server,),
        replicas=replicas,
        claims={"data": 250},
        priority=f"clinical-{priority}",
    )


def orthanc_service(namespace: str) -> Service:
    """Declare the headless Service of an Orthanc."""
    ports: dict[str, tuple[int, int | str]] = {"dicom": (4242, "dicom"), "http": (8042, "http")}
    return Service(namespace, "orthanc", ports, app="orthanc", headless=True)


def integration() -> list[Declaration]:
    """Declare integration: the HL7 interface engine with its database, and the message broker."""
    engine = Container(
        "mirth",
        f"{MIRROR}/nextgenhealthcare/connect:4.5.2",
        cpu=500,
        memory=1536,
        ports={"https": 8443, "metrics": 9404},
        env={
            "DATABASE": "postgres",
            "DATABASE_URL": "jdbc:postgresql://mirth-db.integration.svc:5432/mirthdb",
            "DATABASE_PASSWORD": "secret:mirth/database-password",
        },
        readiness="tcp https",
        liveness="tcp https",
    )
    # Outside the cluster HL7 is spoken inside TLS alone; within the pod the engine listens on the loopback.
    tunnel = Container(
        "hl7-tls",
        f"{MIRROR}/platform/stunnel:5.75",
        cpu=50,
        memory=64,
        ports={"hl7-tls": 2575, "mllp-tls": 6661},
        readiness="tcp mllp-tls",
        role="sidecar",
    )
    broker = Container(
        "rabbitmq",
        f"{MIRROR}/library/rabbitmq:4.1.4",
        memory=1024,
        ports={"amqp": 5672, "prometheus": 15692},
        env={"RABBITMQ_ERLANG_COOKIE": "secret:rabbitmq/erlang-cookie"},
        mounts={"/var/lib/rabbitmq": "data"},
        readiness="exec rabbitmq-diagnostics -q ping",
        liveness="tcp amqp",
    )
    return [
        deployment("integration", engine, containers=(tunnel, engine), volumes={}),
        database("integration", "mirth-db", 50, exporter=True),
        Workload("StatefulSet", "integration", "rabbitmq", (broker,), claims={"data": 20}),
        Service(
            "integration",
            "mirth",
            {"hl7-tls": (2575, "hl7-tls"), "mllp-tls": (6661, "mllp-tls")},
            app="mirth",
            balancer="10.40.1.11",
            ranges=(BRANCHES,),
        ),
        Service("integration", "lab-results", {"mllp-tls": (6661, "mllp-tls")}, app="mirth"),
        database_service("integration", "mirth-db", exporter=True),
        Service("integration", "rabbitmq", {"amqp": (5672, "amqp")}, app="rabbitmq", headless=True),
        *(Budget("integration", name, name) for name in ("mirth", "mirth-db", "rabbitmq")),
    ]


def portal() -> list[Declaration]:
    """Declare the patient portal, with a public status page that knows no patient."""
    site = web("portal-web", f"{MIRROR}/portal/portal-web:5.1.0", "/", cpu=100, memory=256)
    api = web(
        "portal-api",
        f"{MIRROR}/portal/portal-api:5.1.0",
        "/ready",
        env={
            "FHIR_BASE_URL": "http://fhir-server.ehr.svc:8080/fhir",
            "OIDC_ISSUER": "https://login.clinic.example/realms/patients",
            "OIDC_CLIENT_SECRET": "secret:portal-api/oidc-client-secret",
        },
    )
    status = web("status-page", f"{MIRROR}/portal/status-page:1.3.0", "/", cpu=50, memory=64)
    return [
        deployment("portal", site, applied=True, revisions=2),
        deployment("portal", api, replicas=3, max_unavailable=1),
        deployment("portal", status, replicas=1, spread=False, priority=""),
        Service("portal", "portal-web", {"http": (80, "http")}, app="portal-web"),
        Service("portal", "portal-api", {"http": (8080, "http")}, app="portal-api"),
        Service("portal", "status-page", {"http": (80, "http")}, app="status-page"),
        *(Budget("portal", name, name) for name in ("portal-web", "portal-api")),
    ]


def identity_research_staging() -> list[Declaration]:
    """Declare the identity provider, the research archive, and the masked copy of the record."""
    keycloak = Container(
        "keycloak",
        "registry.clinic.example/keycloak/keycloak:26.6.1",
        cpu=500,
        memory=1536,
        ports={"http": 8080, "management": 9000},
        args=("start", "--optimized"),
        env={
            "KC_DB_URL": "jdbc:postgresql://keycloak-db.identity.svc:5432/keycloak",
            "KC_DB_PASSWORD": "secret:keycloak/db-password",
            "KC_DB_TLS_MODE": "verify-server",
        },
        readiness="http /health/ready management",
        liveness="http /health/live management",
    )
    staging = web(
        "ehr-app",
        f"{MIRROR}/ehr/ehr-app:8.5.0-rc1",
        "/healthz",
        env={
            "EHR_API_URL": "http://ehr-app.ehr-staging.svc:8080",
            "FEATURE_FLAGS": "new-orders,fast-search",
        },
    )
    return [
        deployment("identity", keycloak, volumes={}, max_unavailable=1),
        Service("identity", "keycloak", {"http": (8080, "http")}, app="keycloak"),
        Service("identity", "keycloak-db", {"postgresql": (5432, 5432)}, addresses=("10.60.4.20", "10.60.5.20")),
        Budget("identity", "keycloak", "keycloak"),
        orthanc("research", "standard", replicas=1),
        orthanc_service("research"),
        Budget("research", "orthanc", "orthanc"),
        deployment("ehr-staging", staging, replicas=1, priority="clinical-standard"),
        replace(database("ehr-staging", "ehr-db", 50, exporter=True, replicas=1), priority="clinical-standard"),
        Service("ehr-staging", "ehr-app", {"http": (8080, "http")}, app="ehr-app"),
        database_service("ehr-staging", "ehr-db", exporter=True),
        *(Budget("ehr-staging", name, name) for name in ("ehr-app", "ehr-db")),
    ]


def scope() -> list[Declaration]:
    """Declare the ePHI scope. Fields stand in the order in which the file shows them."""
    entries = (
        ("namespaceSelector", "hipaa.io/phi=true", "", "ehr-platform", "ephi", "critical"),
        ("podSelector", "app.kubernetes.io/name=keycloak", "identity", "iam", "credentials", "high"),
        ("podSelector", "app.kubernetes.io/component=database", "integration", "dba", "ephi", "critical"),
        ("claimSelector", "hipaa.io/phi=true", "", "storage", "ephi", "critical"),
        ("image", "*/hapi-fhir*", "", "ehr-platform", "ephi", "critical"),
        ("object", "StatefulSet/imaging/orthanc", "", "radiology-it", "ephi", "critical"),
        ("namespaceSelector", "environment=staging", "", "ehr-platform", "masked-ephi", "standard"),
        ("external", "s3:clinic-cold-archive", "Service/imaging/cold-archive", "storage", "ephi", "high"),
        ("external", "postgres:keycloak", "Service/identity/keycloak-db", "dba", "credentials", "high"),
        ("external", "saas:e-prescribing", "", "pharmacy", "ephi", "high"),
        ("object", "StatefulSet/research/orthanc", "", "research-it", "limited-data-set", "standard"),
    )
    return [ScopeEntry(number, _entry(*fields)) for number, fields in enumerate(entries, 1)]


def _entry(selector: str, text: str, where: str, team: str, data_class: str, criticality: str) -> dict[str, str]:
    """Return one scope entry; `where` is the namespace of a pod selector, the Service of an external store."""
    named = {"podSelector": "namespace", "external": "via"}.get(selector, "")
    return {
        selector: text,
        **({named: where} if where else {}),
        "owner": f"{team}@clinic.example",
        "data_class": data_class,
        "criticality": criticality,
    }


def routes() -> list[Declaration]:
    """Declare the names under which the hospital can be reached."""
    return [
        Route("ehr", "ehr-app", "ehr.clinic.example", 8080),
        Route("ehr", "fhir-server", "fhir.clinic.example", 8080),
        Route("portal", "portal-web", "portal.clinic.example", 80),
        Route("imaging", "image-viewer", "viewer.clinic.example", 80),
        Route("identity", "keycloak", "login.clinic.example", 8080),
        Route("portal", "status-page", "status.clinic.example", 80),
    ]


PROMETHEUS = "Prometheus/monitoring/clinic"
# What gives metrics: the workload, the name and number of its port, and whether its Service has that port.
SCRAPED = (
    ("Deployment/ehr/ehr-app", "http", 8080, True),
    ("Deployment/ehr/ehr-api", "http", 8080, True),
    ("Deployment/ehr/fhir-server", "http", 8080, True),
    ("StatefulSet/ehr/ehr-db", "metrics", 9187, True),
    ("StatefulSet/ehr/ehr-redis", "metrics", 9121, False),
    ("Deployment/imaging/dcm4chee-arc", "http", 8080, True),
    ("Deployment/imaging/image-viewer", "http", 8080, True),
    ("StatefulSet/imaging/orthanc", "http", 8042, True),
    ("StatefulSet/imaging/pacs-db", "metrics", 9187, True),
    ("Deployment/integration/mirth", "metrics", 9404, False),
    ("StatefulSet/integration/mirth-db", "metrics", 9187, True),
    ("StatefulSet/integration/rabbitmq", "prometheus", 15692, False),
    ("Deployment/portal/portal-web", "http", 8080, True),
    ("Deployment/portal/portal-api", "http", 8080, True),
    ("Deployment/identity/keycloak", "management", 9000, False),
    ("StatefulSet/research/orthanc", "http", 8042, True),
    ("Deployment/ehr-staging/ehr-app", "http", 8080, True),
    ("StatefulSet/ehr-staging/ehr-db", "metrics", 9187, True),
)
# Who opens a connection to whom, and on which port; what lies outside the cluster is named by its addresses.
EXPECTED_FLOWS = (
    ("Deployment/ingress-nginx/ingress-nginx", "Deployment/ehr/ehr-app", 8080),
    ("Deployment/ingress-nginx/ingress-nginx", "Deployment/ehr/fhir-server", 8080),
    ("Deployment/ingress-nginx/ingress-nginx", "Deployment/portal/portal-web", 8080),
    ("Deployment/ingress-nginx/ingress-nginx", "Deployment/portal/portal-api", 8080),
    ("Deployment/ingress-nginx/ingress-nginx", "Deployment/portal/status-page", 8080),
    ("Deployment/ingress-nginx/ingress-nginx", "Deployment/imaging/image-viewer", 8080),
    ("Deployment/ingress-nginx/ingress-nginx", "Deployment/identity/keycloak", 8080),
    ("Deployment/ehr/ehr-app", "Deployment/ehr/ehr-api", 8080),
    ("Deployment/ehr/ehr-app", "StatefulSet/ehr/ehr-redis", 6379),
    ("Deployment/ehr/ehr-api", "StatefulSet/ehr/ehr-db", 5432),
    ("Deployment/ehr/ehr-api", "StatefulSet/integration/rabbitmq", 5672),
    ("Deployment/ehr/fhir-server", "StatefulSet/ehr/ehr-db", 5432),
    ("CronJob/ehr/ehr-db-dump", "StatefulSet/ehr/ehr-db", 5432),
    ("Deployment/portal/portal-api", "Deployment/ehr/fhir-server", 8080),
    ("Deployment/integration/mirth", "StatefulSet/integration/mirth-db", 5432),
    ("Deployment/integration/mirth", "StatefulSet/integration/rabbitmq", 5672),
    ("Deployment/integration/mirth", "Deployment/ehr/fhir-server", 8080),
    ("Deployment/imaging/image-viewer", "Deployment/imaging/dcm4chee-arc", 8080),
    ("StatefulSet/imaging/orthanc", "Deployment/imaging/dcm4chee-arc", 11112),
    ("Deployment/imaging/dcm4chee-arc", "StatefulSet/imaging/pacs-db", 5432),
    ("Deployment/ehr-staging/ehr-app", "StatefulSet/ehr-staging/ehr-db", 5432),
    *((PROMETHEUS, workload, port) for workload, _, port, _ in SCRAPED),
    ("Deployment/identity/keycloak", "10.60.4.20/32", 5432),
    ("Deployment/identity/keycloak", "10.60.5.20/32", 5432),
    (BRANCHES, "Deployment/integration/mirth", 2575),
    (BRANCHES, "Deployment/integration/mirth", 6661),
)
