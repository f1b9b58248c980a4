"""What workloads of the hospital have in common: databases, programs that answer HTTP, and where images come from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from model import Container, Service, Workload

MIRROR = "registry.clinic.example"
POSTGRES = f"{MIRROR}/library/postgres:17.6"
TEMPORARY: dict[str, dict[str, Any]] = {"tmp": {"emptyDir": {}}}


def exporter_of(image: str, port: int, path: str, **more: Any) -> Container:
    """Declare the container that tells of a program beside it what Prometheus asks for."""
    return Container(
        "metrics",
        f"{MIRROR}/{image}",
        cpu=50,
        memory=64,
        ports={"metrics": port},
        readiness=f"http {path} metrics",
        **more,
    )


def database(namespace: str, name: str, size: int, *, exporter: bool = False, replicas: int = 2) -> Workload:
    """Declare a PostgreSQL primary with its standby."""
    server = Container(
        "postgres",
        POSTGRES,
        cpu=500,
        memory=2048,
        ports={"postgresql": 5432},
        env={
            "PGDATA": "/var/lib/postgresql/data/pgdata",
            "POSTGRES_PASSWORD": f"secret:{name}/password",
            "POD_NAME": "field:metadata.name",
        },
        mounts={"/var/lib/postgresql/data": "data", "/tmp": "tmp"},  # noqa: S108 - a path in a container
        readiness="exec pg_isready -q -h 127.0.0.1",
        liveness="tcp postgresql",
    )
    metrics = exporter_of(
        "prometheuscommunity/postgres-exporter:v0.18.1",
        9187,
        "/healthz",
        env={"DATA_SOURCE_URI": "127.0.0.1:5432/postgres", "DATA_SOURCE_PASS": f"secret:{name}/exporter"},
    )
    containers = (server, metrics) if exporter else (server,)
    return Workload(
        "StatefulSet",
        namespace,
        name,
        containers,
        replicas=replicas,
        volumes=TEMPORARY,
        claims={"data": size},
        labels={"app.kubernetes.io/component": "database"},
    )


def database_service(namespace: str, name: str, *, exporter: bool = False) -> Service:
    """Declare the headless Service of a database."""
    ports: dict[str, tuple[int, int | str]] = {"postgresql": (5432, "postgresql")}
    if exporter:
        ports["metrics"] = (9187, "metrics")
    return Service(namespace, name, ports, app=name, headless=True)


def web(
    name: str, image: str, path: str, *, cpu: int = 250, memory: int = 512, env: dict[str, str] | None = None
) -> Container:
    """Declare a container that answers HTTP on 8080."""
    return Container(
        name,
        image,
        cpu=cpu,
        memory=memory,
        ports={"http": 8080},
        env=env or {},
        mounts={"/tmp": "tmp"},  # noqa: S108 - a path in a container
        readiness=f"http {path} http",
        liveness=f"http {path} http",
    )


def deployment(namespace: str, container: Container, **fields: Any) -> Workload:
    """Declare a Deployment of one container of the same name."""
    workload = Workload("Deployment", namespace, container.name, (container,), volumes=TEMPORARY)
    return replace(workload, **fields)
