"""Images that keep data, and where in the container they keep it unless they are told otherwise.

Source: the documentation of the official images at https://hub.docker.com/_/ (section on storing data)
and of the Bitnami images.
"""

from __future__ import annotations

from typing import Final

from hipaa_kit.kube.images import image_name

DATA_PATHS: Final = {
    "cassandra": ("/var/lib/cassandra", "/bitnami/cassandra"),
    "clickhouse-server": ("/var/lib/clickhouse",),
    "cockroach": ("/cockroach/cockroach-data",),
    "couchdb": ("/opt/couchdb/data", "/bitnami/couchdb"),
    "elasticsearch": ("/usr/share/elasticsearch/data", "/bitnami/elasticsearch/data"),
    "etcd": ("/var/lib/etcd", "/bitnami/etcd"),
    "influxdb": ("/var/lib/influxdb2", "/var/lib/influxdb", "/bitnami/influxdb"),
    "kafka": ("/var/lib/kafka/data", "/bitnami/kafka"),
    "mariadb": ("/var/lib/mysql", "/bitnami/mariadb"),
    "minio": ("/data", "/export", "/bitnami/minio/data"),
    "mongo": ("/data/db",),
    "mongodb": ("/data/db", "/bitnami/mongodb"),
    "mysql": ("/var/lib/mysql", "/bitnami/mysql/data", "/bitnami/mysql"),
    "neo4j": ("/data",),
    "opensearch": ("/usr/share/opensearch/data", "/bitnami/opensearch/data"),
    "orthanc": ("/var/lib/orthanc/db",),
    "orthanc-plugins": ("/var/lib/orthanc/db",),
    "postgis": ("/var/lib/postgresql/data", "/var/lib/postgresql"),
    "postgres": ("/var/lib/postgresql/data", "/var/lib/postgresql"),
    "postgresql": ("/bitnami/postgresql", "/var/lib/postgresql/data", "/var/lib/pgsql/data"),
    "postgresql-repmgr": ("/bitnami/postgresql",),
    "rabbitmq": ("/var/lib/rabbitmq", "/bitnami/rabbitmq/mnesia"),
    "redis": ("/data", "/bitnami/redis/data"),
    "spilo": ("/home/postgres/pgdata",),
    "timescaledb": ("/var/lib/postgresql/data", "/home/postgres/pgdata"),
    "valkey": ("/data", "/bitnami/valkey/data"),
    "zookeeper": ("/data", "/bitnami/zookeeper"),
}
"""Data folders by the name of the image (`image_name`)."""


def data_paths(repository: str) -> tuple[str, ...]:
    """Return where an image keeps its data; nothing for images that are not known to keep any."""
    return DATA_PATHS.get(image_name(repository), ())


def covers(mount_path: str, data_path: str) -> bool:
    """Tell whether a mount holds a data folder: it is mounted there or above."""
    return f"{data_path.rstrip('/')}/".startswith(f"{mount_path.rstrip('/')}/")
