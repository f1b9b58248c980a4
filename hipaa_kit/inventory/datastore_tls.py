"""TLS of datastores that operators run, as their objects ask for it.

`demanded` only where the documentation says that nothing but TLS is taken in; where clients may do without, TLS is
`offered`. Sources: https://access.crunchydata.com/documentation/postgres-operator/latest/tutorials/cluster-management/administrative-tasks
(its default rules let in `hostssl` alone), https://cloudnative-pg.io/documentation/current/certificates/,
https://docs.percona.com/percona-operator-for-mongodb/operator.html#tlsmode,
https://docs.percona.com/percona-operator-for-mysql/pxc/operator.html, https://docs.percona.com/percona-operator-for-postgresql/,
https://github.com/mongodb/mongodb-kubernetes-operator/blob/master/docs/secure.md,
https://strimzi.io/docs/operators/latest/configuring.html#type-GenericKafkaListener-reference,
https://www.rabbitmq.com/kubernetes/operator/using-operator#tls,
https://www.elastic.co/docs/deploy-manage/security/k8s-https-settings,
https://github.com/zalando/spilo/blob/master/ENVIRONMENT.rst, https://redis-operator.opstree.dev/docs/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from hipaa_kit.inventory.fields import items, mapping, number, text, truth
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube.custom_kinds import custom
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.transit import DATASTORE_TLS

Spec = Mapping[str, Any]


class Listener(NamedTuple):
    """One listener: its TLS, the field that says so, its value, and where there are several its name and port."""

    tls: str
    path: str
    value: str
    name: str = ""
    port: int | None = None


def _cloud_native_pg(_: Spec) -> Iterator[Listener]:
    yield Listener("offered", "$.spec.certificates", "the server always has a certificate, clients may do without")


def _zalando(_: Spec) -> Iterator[Listener]:
    yield Listener("offered", "$.spec.tls", "the server has a certificate; its rules for clients are not read")


def _crunchy(spec: Spec) -> Iterator[Listener]:
    own = "pg_hba" in mapping(spec, "patroni", "dynamicConfiguration", "postgresql") or mapping(spec, "authentication")
    if own:
        yield Listener(
            "offered", "$.spec.patroni.dynamicConfiguration", "rules for clients of its own, which are not read"
        )
    else:
        yield Listener("demanded", "$.spec.patroni", "the default rules let in TLS alone")


def _percona_postgres(spec: Spec) -> Iterator[Listener]:
    only = truth(spec, "tlsOnly")
    yield Listener("demanded" if only else "offered", "$.spec.tlsOnly", _written(only))


def _percona_mysql(spec: Spec) -> Iterator[Listener]:
    enabled = truth(spec, "tls", "enabled")
    yield Listener("off" if enabled is False else "offered", "$.spec.tls.enabled", _written(enabled))


def _percona_mongo(spec: Spec) -> Iterator[Listener]:
    mode = text(spec, "tls", "mode")
    found = {"requireTLS": "demanded", "preferTLS": "offered", "allowTLS": "offered", "": "offered", "disabled": "off"}
    yield Listener(found.get(mode, "unknown"), "$.spec.tls.mode", mode or "not written: preferTLS")


def _mongo_community(spec: Spec) -> Iterator[Listener]:
    tls = mapping(spec, "security", "tls")
    if not truth(tls, "enabled"):
        yield Listener("off", "$.spec.security.tls.enabled", _written(truth(tls, "enabled")))
    elif truth(tls, "optional"):
        yield Listener("offered", "$.spec.security.tls.optional", "true")
    else:
        yield Listener("demanded", "$.spec.security.tls.enabled", "true")


def _strimzi(spec: Spec) -> Iterator[Listener]:
    for each in items(spec, "kafka", "listeners"):
        tls, name = truth(each, "tls"), text(each, "name")
        found = {True: "demanded", False: "off"}.get(tls, "unknown") if tls is not None else "unknown"
        yield Listener(
            found, f"$.spec.kafka.listeners[?(@.name=='{name}')].tls", _written(tls), name, number(each, "port")
        )


def _rabbit(spec: Spec) -> Iterator[Listener]:
    tls = mapping(spec, "tls")
    if not text(tls, "secretName"):
        yield Listener("off", "$.spec.tls.secretName", "not written")
    elif truth(tls, "disableNonTLSListeners"):
        yield Listener("demanded", "$.spec.tls.disableNonTLSListeners", "true")
    else:
        yield Listener("offered", "$.spec.tls.disableNonTLSListeners", "plain listeners stay open")


def _elastic(spec: Spec) -> Iterator[Listener]:
    tls = mapping(spec, "http", "tls")
    configured = [truth(each, "config", "xpack.security.http.ssl.enabled") for each in items(spec, "nodeSets")]
    if False in configured:
        yield Listener("off", "$.spec.nodeSets[*].config", "xpack.security.http.ssl.enabled: false")
    elif truth(tls, "selfSignedCertificate", "disabled") and not text(tls, "certificate", "secretName"):
        yield Listener("off", "$.spec.http.tls.selfSignedCertificate.disabled", "true, and no certificate of its own")
    else:
        yield Listener("demanded", "$.spec.http.tls", "on unless it is turned off")


def _redis(spec: Spec) -> Iterator[Listener]:
    given = bool(mapping(spec, "TLS"))
    yield Listener("offered" if given else "off", "$.spec.TLS", "written" if given else "not written")


def _written(value: bool | None) -> str:
    return {True: "true", False: "false"}.get(value, "not written") if value is not None else "not written"


OPERATORS: Mapping[Kind, tuple[str, Callable[[Spec], Iterator[Listener]]]] = {
    custom("postgresql.cnpg.io", "Cluster"): ("CloudNativePG", _cloud_native_pg),
    custom("acid.zalan.do", "postgresql"): ("Zalando", _zalando),
    custom("postgres-operator.crunchydata.com", "PostgresCluster"): ("Crunchy", _crunchy),
    custom("pgv2.percona.com", "PerconaPGCluster"): ("Percona", _percona_postgres),
    custom("pxc.percona.com", "PerconaXtraDBCluster"): ("Percona", _percona_mysql),
    custom("psmdb.percona.com", "PerconaServerMongoDB"): ("Percona", _percona_mongo),
    custom("mongodbcommunity.mongodb.com", "MongoDBCommunity"): ("MongoDB", _mongo_community),
    custom("kafka.strimzi.io", "Kafka"): ("Strimzi", _strimzi),
    custom("rabbitmq.com", "RabbitmqCluster"): ("RabbitMQ", _rabbit),
    custom("elasticsearch.k8s.elastic.co", "Elasticsearch"): ("Elastic", _elastic),
    custom("redis.redis.opstreelabs.in", "Redis"): ("Opstree", _redis),
    custom("redis.redis.opstreelabs.in", "RedisCluster"): ("Opstree", _redis),
}
"""How the object of each operator is read."""


@builds(DATASTORE_TLS, reads=list(OPERATORS))
def datastore_tls(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per listener of each datastore that an operator runs."""
    for kind, (operator, read) in OPERATORS.items():
        for record in snapshot.records(kind):
            rows = {each.name: each for each in read(mapping(record.content, "spec"))}
            for each in rows.values():
                yield {
                    "object": record.object,
                    "namespace": record.namespace,
                    "operator": operator,
                    "listener": each.name,
                    "port": each.port,
                    "tls": each.tls,
                    "path": each.path,
                    "value": each.value,
                }
