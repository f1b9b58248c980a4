"""TLS of datastores that operators run, as their objects ask for it.

`demanded` only where the documentation says that nothing but TLS is taken in; where clients may do without, TLS is
`offered`. Lines of configuration that are a site's own may say otherwise and are not read: `unknown`. What each reading
rests on, and when it was last held against its source, stands in `docs/sources.md`.
Sources: https://github.com/CrunchyData/postgres-operator/blob/main/internal/postgres/hba.go (its default rules let in
`hostssl` alone, rules of one's own replace them), https://cloudnative-pg.io/documentation/current/certificates/,
https://docs.percona.com/percona-operator-for-mongodb/operator.html#tlsmode,
https://docs.percona.com/percona-operator-for-mysql/pxc/operator.html,
https://github.com/percona/percona-postgresql-operator/blob/main/pkg/apis/pgv2.percona.com/v2/perconapgcluster_types.go,
https://github.com/mongodb/mongodb-kubernetes-operator/blob/master/docs/secure.md,
https://github.com/strimzi/strimzi-kafka-operator/tree/main/documentation/api (GenericKafkaListener),
https://www.rabbitmq.com/kubernetes/operator/using-operator#tls,
https://github.com/elastic/cloud-on-k8s/blob/main/pkg/apis/common/v1/common.go (TLSOptions),
https://github.com/zalando/postgres-operator/blob/master/docs/reference/cluster_manifest.md,
https://github.com/OT-CONTAINER-KIT/redis-operator/blob/main/internal/agent/bootstrap/redis/config.go,
https://github.com/OT-CONTAINER-KIT/redis/blob/master/entrypoint.sh (with TLS the plain port is 0)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from hipaa_kit.inventory.fields import items, mapping, number, string_map, text, truth
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube.custom_kinds import custom
from hipaa_kit.kube.images import parse_image
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


POOLER = ("proxy", "pgBouncer", "config", "global")
POOLER_DEMANDS = ("", "require", "verify-ca", "verify-full")
"""Modes of `client_tls_sslmode` with which the pooler takes nothing but TLS; `require` unless one is written.

Source: internal/pgbouncer/config.go of CrunchyData/postgres-operator and of percona/percona-postgresql-operator.
"""


def _open_pooler(spec: Spec) -> Listener | None:
    """Return what the pooler before a database of PostgreSQL lets in; None where it lets in TLS alone."""
    mode = text(spec, *POOLER, "client_tls_sslmode")
    path = f"$.spec.{'.'.join(POOLER)}.client_tls_sslmode"
    return None if mode in POOLER_DEMANDS else Listener("offered", path, f"{mode}: its pooler takes plain text")


def _crunchy(spec: Spec) -> Iterator[Listener]:
    if pooler := _open_pooler(spec):
        yield pooler
    elif _own_rules(spec):
        yield Listener(
            "offered", "$.spec.patroni.dynamicConfiguration", "rules for clients of its own, which are not read"
        )
    else:
        yield Listener("demanded", "$.spec.patroni", "the default rules let in TLS alone")


def _own_rules(spec: Spec) -> bool:
    """Tell whether rules for clients of one's own stand in place of those that the operator of PostgreSQL makes."""
    patroni = mapping(spec, "patroni", "dynamicConfiguration", "postgresql")
    return "pg_hba" in patroni or bool(mapping(spec, "authentication"))


def _percona_postgres(spec: Spec) -> Iterator[Listener]:
    only = truth(spec, "tlsOnly")
    if only and (pooler := _open_pooler(spec)):
        yield pooler
    elif only and _own_rules(spec):
        path = "$.spec.patroni.dynamicConfiguration"
        yield Listener("unknown", path, "tlsOnly, and rules for clients of its own, which are not read")
    else:
        yield Listener("demanded" if only else "offered", "$.spec.tlsOnly", _written(only))


def _percona_mysql(spec: Spec) -> Iterator[Listener]:
    enabled = truth(spec, "tls", "enabled")
    yield Listener("off" if enabled is False else "offered", "$.spec.tls.enabled", _written(enabled))


def _percona_mongo(spec: Spec) -> Iterator[Listener]:
    mode, version = text(spec, "tls", "mode"), text(spec, "crVersion")
    older = _older(version, MODE_SINCE)
    if mode and older:
        # An operator keeps to what it did at the version that the object names.
        yield Listener("unknown", "$.spec.crVersion", f"{mode}, at version {version}, which knew no mode")
        return
    if older and truth(spec, "allowUnsafeConfigurations"):
        own = any(text(each, "configuration") for each in items(spec, "replsets"))
        words = f"true, by which at version {version} no TLS is set up"
        yield Listener("unknown" if own else "off", "$.spec.allowUnsafeConfigurations", words)
        return
    found = {"requireTLS": "demanded", "preferTLS": "offered", "allowTLS": "offered", "": "offered", "disabled": "off"}
    yield Listener(found.get(mode, "unknown"), "$.spec.tls.mode", mode or "not written: preferTLS")


MODE_SINCE = (1, 16)
"""Version of Percona's objects for MongoDB from which `tls.mode` counts: its release notes."""


def _older(version: str, than: tuple[int, int]) -> bool:
    """Tell whether a version like `1.15.0` is, or may be, older; one that is not written is that of the operator."""
    parts = version.split(".")[:2]
    known = len(parts) == len(than) and all(part.isdecimal() for part in parts)
    return bool(version) and not (known and tuple(int(part) for part in parts) >= than)


def _mongo_community(spec: Spec) -> Iterator[Listener]:
    tls = mapping(spec, "security", "tls")
    names = [name for name, _ in _flat(mapping(spec, "additionalMongodConfig"))]
    if truth(tls, "enabled") and any(f"{name}.".startswith(("net.tls.", "net.ssl.")) for name in names):
        yield Listener("unknown", "$.spec.additionalMongodConfig", "settings of TLS of its own")
        return
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
    own = {"additionalConfig", "advancedConfig"} & set(mapping(spec, "rabbitmq"))
    if own:
        yield Listener(
            "unknown", f"$.spec.rabbitmq.{min(own)}", "lines of configuration of its own, which are not read"
        )
    elif not text(tls, "secretName"):
        yield Listener("off", "$.spec.tls.secretName", "not written")
    elif truth(tls, "disableNonTLSListeners"):
        yield Listener("demanded", "$.spec.tls.disableNonTLSListeners", "true")
    else:
        yield Listener("offered", "$.spec.tls.disableNonTLSListeners", "plain listeners stay open")


def _elastic(spec: Spec) -> Iterator[Listener]:
    tls = mapping(spec, "http", "tls")
    settings = [setting for each in items(spec, "nodeSets") for setting in _flat(mapping(each, "config"))]
    off = [name for name, value in settings if name in ELASTIC_SWITCHES and _no(value)]
    hidden = [name for name, value in settings if name in ELASTIC_SWITCHES and not (_no(value) or value is True)]
    if off:
        yield Listener("off", "$.spec.nodeSets[*].config", f"{min(off)}: false")
    elif truth(tls, "selfSignedCertificate", "disabled") and not text(tls, "certificate", "secretName"):
        yield Listener("off", "$.spec.http.tls.selfSignedCertificate.disabled", "true, and no certificate of its own")
    elif hidden:
        yield Listener("unknown", "$.spec.nodeSets[*].config", f"{min(hidden)} is set to what is not read")
    else:
        yield Listener("demanded", "$.spec.http.tls", "on unless it is turned off")


ELASTIC_SWITCHES = ("xpack.security.http.ssl.enabled", "xpack.security.enabled")
"""Settings of Elasticsearch that turn TLS off, or security and TLS with it."""


def _flat(settings: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield settings by their whole name, however its parts are nested."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def _no(value: Any) -> bool:
    return value is False or (isinstance(value, str) and value.lower() == "false")


def _redis(spec: Spec) -> Iterator[Listener]:
    if not mapping(spec, "TLS"):
        yield Listener("off", "$.spec.TLS", "not written")
    elif own := _own_redis(spec):
        yield Listener("unknown", own, "settings of its own, which may open the plain port again")
    else:
        yield Listener("demanded", "$.spec.TLS", "written: the plain port is closed")


REDIS_IMAGE = "opstree/redis"
"""Image whose beginning closes the plain port where TLS is written; what another does is not known."""


def _own_redis(spec: Spec) -> str:
    """Return the field by which a site's own settings may take the place of those of the operator, or ""."""
    image = parse_image(text(spec, "kubernetesConfig", "image")).repository
    if not f"/{image}".endswith(f"/{REDIS_IMAGE}"):
        return "$.spec.kubernetesConfig.image"
    for part in ("redisConfig", "redisLeader", "redisFollower"):
        held = mapping(spec, part) if part == "redisConfig" else mapping(spec, part, "redisConfig")
        if text(held, "additionalRedisConfig") or held.get("dynamicConfig"):
            return f"$.spec.{part}"
    return "$.spec.env" if spec.get("env") else ""


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


UNMANAGED = {
    "common.k8s.elastic.co/pause": "true",
    "eck.k8s.elastic.co/managed": "false",
    "rabbitmq.com/pauseReconciliation": "true",
    "redis.opstreelabs.in/skip-reconcile": "true",
    "rediscluster.opstreelabs.in/skip-reconcile": "true",
    "strimzi.io/pause-reconciliation": "true",
}
"""Annotations, and one label, by which operators are told to leave an object alone.

Source: https://www.elastic.co/docs/deploy-manage/deploy/cloud-on-k8s/troubleshooting-methods,
https://www.rabbitmq.com/kubernetes/operator/using-operator#pause, https://strimzi.io/docs/operators/latest/deploying,
https://access.crunchydata.com/documentation/postgres-operator/latest/references/crd (`paused`),
internal/controller/common/skip_reconcile.go of OT-CONTAINER-KIT/redis-operator.
"""


def _not_in_effect(content: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the field, and the words, by which what an object asks for need not be in effect; None where none does."""
    for place in ("annotations", "labels"):
        for name, value in string_map(content, "metadata", place).items():
            if UNMANAGED.get(name) == value:
                return f"$.metadata.{place}", f"{name} is {value}: its operator leaves it alone"
    if truth(content, "spec", "paused"):
        return "$.spec.paused", "true: its operator leaves it alone"
    asked, seen = number(content, "metadata", "generation"), number(content, "status", "observedGeneration")
    if asked is not None and seen is not None and seen < asked:
        return "$.status.observedGeneration", "its operator has not taken in yet what it asks for"
    return None


@builds(DATASTORE_TLS, reads=list(OPERATORS))
def datastore_tls(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per listener of each datastore that an operator runs."""
    for kind, (operator, read) in OPERATORS.items():
        for record in snapshot.records(kind):
            rows = {each.name: each for each in read(mapping(record.content, "spec"))}
            waits = _not_in_effect(record.content)
            for each in rows.values():
                if each.tls == "demanded" and waits:
                    each = Listener("unknown", *waits, each.name, each.port)
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
