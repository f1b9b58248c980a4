"""What passes the door, what becomes of the rest, and what is known of it afterwards."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest
from kubernetes.client import models

from hipaa_kit.kube import facts
from hipaa_kit.sources.pseudonyms import DEMO_KEY, Pseudonymizer, is_pseudonym
from hipaa_kit.sources.redaction import REMOVED, Redacted, redact
from hipaa_kit.sources.redaction.fields import NODES, TEXTS, WITHHELD
from hipaa_kit.sources.redaction.objects import _HANDLERS
from hipaa_kit.sources.redaction.rules import DROPPED, DROPPED_WHOLE

HIDDEN = object()
"""Stands for any pseudonym."""


def _redact(obj: dict[str, Any]) -> Redacted:
    return redact(obj, Pseudonymizer(DEMO_KEY))


def _pod(**fields: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "ehr-0", "namespace": "ehr"}, **fields}


def _container(**fields: Any) -> dict[str, Any]:
    container = {"name": "ehr", "image": "example/ehr:1", **fields}
    kept: dict[str, Any] = _redact(_pod(spec={"containers": [container]})).content["spec"]["containers"][0]
    return kept


def _custom(api_version: str, **spec: Any) -> Any:
    return _redact({"apiVersion": api_version, "kind": "Thing", "spec": spec}).content["spec"]


def _same(found: Any, expected: Any) -> bool:
    """Compare, where `HIDDEN` stands for any pseudonym, also after the `=` of a flag."""
    if expected is HIDDEN:
        return isinstance(found, str) and is_pseudonym(found)
    if isinstance(expected, str) and expected.endswith("=…"):
        return isinstance(found, str) and found.startswith(expected[:-1]) and is_pseudonym(found[len(expected) - 1 :])
    if isinstance(expected, list):
        return isinstance(found, list) and len(found) == len(expected) and all(map(_same, found, expected))
    return bool(found == expected)


def test_a_pod_keeps_all_that_the_api_defines() -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "ehr-0",
            "namespace": "ehr",
            "uid": "3f0c1b52-2f0e-4f8e-9a55-f3a4e2a5b1c0",
            "creationTimestamp": "2026-11-01T08:00:00Z",
            "labels": {"app": "ehr", "key": "password", "request": "x"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "ehr", "uid": "u", "x": 1}],
        },
        "spec": {
            "nodeSelector": {"message": "x", "topology.kubernetes.io/zone": "a"},
            "tolerations": [{"key": "phi", "operator": "Equal", "value": "true", "effect": "NoSchedule"}],
            "volumes": [
                {"name": "s", "secret": {"secretName": "db", "items": [{"key": "password", "path": "pw"}]}},
                {"name": "t", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}},
                {"name": "c", "persistentVolumeClaim": {"claimName": "data"}},
            ],
            "containers": [
                {
                    "name": "ehr",
                    "image": "registry.example:5000/ehr@sha256:" + "0" * 64,
                    "ports": [{"name": "https", "containerPort": 8443, "protocol": "TCP"}],
                    "envFrom": [{"prefix": "A_", "secretRef": {"name": "db"}}],
                    "env": [{"name": "P", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}],
                    "resources": {"requests": {"cpu": "250m", "memory": "512Ki"}, "limits": {"memory": "1Gi"}},
                    "readinessProbe": {"httpGet": {"path": "/ready", "port": "https", "scheme": "HTTPS"}},
                    "securityContext": {"capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "Localhost"}},
                }
            ],
            "affinity": {
                "podAntiAffinity": {
                    "requiredDuringSchedulingIgnoredDuringExecution": [
                        {
                            "topologyKey": "kubernetes.io/hostname",
                            "labelSelector": {
                                "matchLabels": {"app": "ehr"},
                                "matchExpressions": [{"key": "tier", "operator": "In", "values": ["a", "b"]}],
                            },
                        }
                    ]
                }
            },
        },
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-01T08:00:10Z"}],
            "containerStatuses": [
                {
                    "name": "ehr",
                    "imageID": "docker-pullable://ehr@sha256:" + "0" * 64,
                    "state": {"waiting": {"reason": "X"}},
                }
            ],
        },
    }
    redacted = _redact(pod)
    assert redacted.content == pod
    assert redacted.counts == {}


def test_data_of_secrets_and_config_maps_keeps_its_keys() -> None:
    secret = _redact({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": {"b": "x", "a": "y"}})
    assert secret.content["data"] == {"b": REMOVED, "a": REMOVED}
    assert secret.content["type"] == "Opaque"
    assert secret.counts == {"payload": 2}
    assert _redact(secret.content).counts == {}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("FEATURE", "true", "true"),
        ("FEATURE", "", ""),
        ("PORT", "8080", "8080"),
        ("PORT", 8080, 8080),
        ("PORT", "123456", HIDDEN),
        ("NUMBER", 123456, HIDDEN),
        ("DB_PIN", "12345", HIDDEN),
        ("DB_PASSWORD", "12345", HIDDEN),
        ("TOKEN_TTL_SECONDS", "3600", "3600"),
        ("PGSSLMODE", "verify-full", "verify-full"),
        ("SPRING_DATASOURCE_SSL_MODE", "require", "require"),
        ("TLS_MIN_VERSION", "1.2", "1.2"),
        ("ENABLE_NETWORK_POLICY", "strict", "strict"),
        ("DB_HOST", "db.ehr.svc", HIDDEN),
        ("DB_URL", "postgres://u:p@db/ehr", HIDDEN),
        ("DUMPED", "***HIDDEN***", "***HIDDEN***"),
    ],
)
def test_literals_of_the_environment(name: str, value: Any, expected: Any) -> None:
    kept = _container(env=[{"name": name, "value": value}])["env"]
    assert kept[0]["name"] == name
    assert _same(kept[0]["value"], expected)


def test_equal_literals_have_equal_pseudonyms() -> None:
    kept = _container(env=[{"name": "A", "value": "the same"}, {"name": "B", "value": "the same"}])["env"]
    assert kept[0]["value"] == kept[1]["value"]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["/usr/bin/serve", "--port=8080", "--debug"], ["/usr/bin/serve", "--port=8080", "--debug"]),
        (["serve", "--password", "12345", "--token=12345"], ["serve", "--password", HIDDEN, "--token=…"]),
        (["serve", "-p", "12345", "-p=12345"], ["serve", "-p", HIDDEN, "-p=…"]),
        (["serve", "--config=/etc/serve.yaml"], ["serve", "--config=…"]),
        (["/bin/sh", "-c", "serve"], ["/bin/sh", "-c", HIDDEN]),
        (["sleep", "15"], ["sleep", "15"]),
        (["serve --password=x"], [HIDDEN]),
        (["kube-apiserver", "--anonymous-auth=false"], ["kube-apiserver", "--anonymous-auth=false"]),
        (
            ["kube-apiserver", "--authorization-mode=Node,RBAC", "--etcd-servers=https://u:p@10.0.0.1:2379"],
            ["kube-apiserver", "--authorization-mode=Node,RBAC", "--etcd-servers=https://10.0.0.1:2379"],
        ),
        (
            ["kube-apiserver", "--token-auth-file=/etc/tokens.csv", "--audit-log-maxage=30"],
            ["kube-apiserver", "--token-auth-file=/etc/tokens.csv", "--audit-log-maxage=30"],
        ),
        (["kube-apiserver", "--oidc-client-secret=abcdef"], ["kube-apiserver", "--oidc-client-secret=…"]),
        (["kubelet", "--feature-gates=A=true,B=false"], ["kubelet", "--feature-gates=A=true,B=false"]),
        (["coredns", "-conf", "/etc/coredns/Corefile"], ["coredns", "-conf", "/etc/coredns/Corefile"]),
    ],
)
def test_commands_keep_their_program_and_the_names_of_flags(command: list[str], expected: list[Any]) -> None:
    assert _same(_container(command=command)["command"], expected)


def test_arguments_are_known_by_the_program_that_takes_them() -> None:
    flags = ["--tls-min-version=VersionTLS12"]
    assert _container(command=["kube-apiserver"], args=flags)["args"] == flags
    assert _container(image="registry.k8s.io/kube-proxy:v1.34.2", args=flags)["args"] == flags
    assert _same(_container(command=["serve"], args=flags)["args"], ["--tls-min-version=…"])


def test_the_folder_in_which_a_store_keeps_its_data_is_known() -> None:
    folders = ["--storage.tsdb.path=/data", "--storage.path", "/alertmanager/data", "--storageDataPath=/storage/"]
    assert _container(args=folders)["args"] == folders
    others = ["--storage.tsdb.path=hunter2", "--storage.path", "a b", "--storageDataPath=/a?token=x", "--data=/data"]
    hidden = ["--storage.tsdb.path=…", "--storage.path", HIDDEN, "--storageDataPath=…", "--data=…"]
    assert _same(_container(args=others)["args"], hidden)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("deployment.kubernetes.io/revision", "3", "3"),
        ("storageclass.kubernetes.io/is-default-class", "true", "true"),
        ("kubernetes.io/config.mirror", "0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef"),
        ("kubernetes.io/ingress.class", "nginx", "nginx"),
        ("nginx.ingress.kubernetes.io/force-ssl-redirect", "true", "true"),
        ("alb.ingress.kubernetes.io/listen-ports", '[{"HTTP": 80}, {"HTTPS": 443}]', '[{"HTTP": 80}, {"HTTPS": 443}]'),
        ("alb.ingress.kubernetes.io/listen-ports", '[{"password": "x"}]', HIDDEN),
        ("service.beta.kubernetes.io/aws-load-balancer-scheme", "internal", "internal"),
        ("container.apparmor.security.beta.kubernetes.io/ehr", "runtime/default", "runtime/default"),
        ("backup.velero.io/backup-volumes", "data,wal", "data,wal"),
        ("prometheus.io/path", "/metrics?token=x", "/metrics"),
        ("prometheus.io/port", 9102, 9102),
        ("eks.amazonaws.com/role-arn", "arn:aws:iam::123456789012:role/ehr", "arn:aws:iam::123456789012:role/ehr"),
        ("deployment.kubernetes.io/revision", "x" * 1025, HIDDEN),
        ("kubectl.kubernetes.io/last-applied-configuration", "{}", HIDDEN),
        ("kubernetes.io/change-cause", "kubectl apply", HIDDEN),
        ("example.com/owner", "a", HIDDEN),
        ("example.com/owner", "true", "true"),
    ],
)
def test_annotations_keep_values_that_are_known_to_be_operational(key: str, value: Any, expected: Any) -> None:
    kept = _redact(_pod(metadata={"name": "x", "annotations": {key: value}})).content["metadata"]["annotations"]
    assert list(kept) == [key]
    assert _same(kept[key], expected)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://user:pass@hook.example/x", "https://hook.example/x"),
        ("https://token@hook.example/x", "https://hook.example/x"),
        ("https://:pa@ss@hook.example/x", "https://hook.example/x"),
        ("https://user:pa/ss@hook.example", "https://hook.example"),
        ("https://hook.example:8443/a@b", "https://hook.example:8443/a@b"),
        ("https://hook.example/x?token=abc", "https://hook.example/x"),
        ("https://hook.example/x", "https://hook.example/x"),
    ],
)
def test_urls_lose_user_info_and_query(url: str, expected: str) -> None:
    webhook = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "webhooks": [{"name": "a.b.c", "clientConfig": {"url": url}}],
    }
    assert _redact(webhook).content["webhooks"][0]["clientConfig"]["url"] == expected


def test_a_custom_resource_keeps_structure_and_hides_content() -> None:
    kept = _custom(
        "example.com/v1",
        schedule="0 3 * * 1-5",
        storageClassName="fast",
        secretName="db-tls",
        replicas=3,
        enabled=True,
        retention="30d",
        size="10Gi",
        notAfter="2027-01-01T00:00:00Z",
        birthDate="1970-01-01T00:00:00Z",
        note="a note",
        title="a title",
        passwordSecretRef={"name": "db", "key": "password"},
        tls={"name": "db", "key": "hunter2"},
        matchExpressions=[{"key": "app", "operator": "In", "values": ["ehr"]}],
        items=[{"key": "k", "values": ["v"]}],
        password=12345678,
        tokenExpirationSeconds=1209600,
    )
    assert is_pseudonym(kept.pop("title"))
    assert is_pseudonym(kept.pop("birthDate"))
    assert is_pseudonym(kept.pop("password"))
    assert is_pseudonym(kept["tls"].pop("key"))
    assert is_pseudonym(kept["items"][0].pop("key"))
    assert is_pseudonym(kept["items"][0]["values"].pop())
    assert kept == {
        "schedule": "0 3 * * 1-5",
        "storageClassName": "fast",
        "secretName": "db-tls",
        "replicas": 3,
        "enabled": True,
        "retention": "30d",
        "size": "10Gi",
        "notAfter": "2027-01-01T00:00:00Z",
        "passwordSecretRef": {"name": "db", "key": "password"},
        "tls": {"name": "db"},
        "matchExpressions": [{"key": "app", "operator": "In", "values": ["ehr"]}],
        "items": [{"values": []}],
        "tokenExpirationSeconds": 1209600,
    }


@pytest.mark.parametrize(
    ("api_version", "spec"),
    [
        (
            "cilium.io/v2",
            {"endpointSelector": {"matchLabels": {"app": "ehr"}}, "ingress": [{"fromEntities": ["world"]}]},
        ),
        ("cilium.io/v2", {"egress": [{"toFQDNs": [{"matchPattern": "*.example.com"}]}]}),
        ("crd.projectcalico.org/v1", {"selector": "app == 'ehr'", "ingress": [{"source": {"nets": ["10.0.0.0/8"]}}]}),
        ("policy.networking.k8s.io/v1alpha2", {"ingress": [{"action": "Deny", "from": [{"networks": ["::/0"]}]}]}),
        ("gateway.networking.k8s.io/v1", {"listeners": [{"hostname": "ehr.example", "tls": {"mode": "Terminate"}}]}),
        ("security.istio.io/v1", {"rules": [{"from": [{"source": {"principals": ["cluster.local/ns/a/sa/b"]}}]}]}),
        ("networking.istio.io/v1", {"tls": {"credentialName": "ehr-tls", "minProtocolVersion": "TLSV1_2"}}),
        ("cert-manager.io/v1", {"dnsNames": ["ehr.example"], "duration": "2160h", "secretName": "ehr-tls"}),
        (
            "ceph.rook.io/v1",
            {
                "storage": {"useAllNodes": True, "config": {"encryptedDevice": "true"}},
                "security": {"kms": {"connectionDetails": {"KMS_PROVIDER": "vault"}}},
            },
        ),
        ("velero.io/v1", {"schedule": "@daily", "template": {"includedNamespaces": ["ehr"], "ttl": "720h0m0s"}}),
        ("snapshot.storage.k8s.io/v1", {"source": {"persistentVolumeClaimName": "data"}}),
        ("monitoring.coreos.com/v1", {"groups": [{"rules": [{"alert": "EhrDown", "expr": 'up{job="ehr"} == 0'}]}]}),
    ],
)
def test_custom_resources_that_checks_read_keep_what_they_read(api_version: str, spec: dict[str, Any]) -> None:
    assert _custom(api_version, **spec) == spec


def test_parameters_of_a_storage_class_keep_settings_and_names_of_secrets() -> None:
    kept = _redact(
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "parameters": {
                "encrypted": "true",
                "kmsKeyId": "arn:aws:kms:eu-west-1:1:key/2",
                "csi.storage.k8s.io/provisioner-secret-name": "ceph",
                "restuserkey": "x",
            },
        }
    ).content["parameters"]
    assert is_pseudonym(kept.pop("restuserkey"))
    assert kept == {
        "encrypted": "true",
        "kmsKeyId": "arn:aws:kms:eu-west-1:1:key/2",
        "csi.storage.k8s.io/provisioner-secret-name": "ceph",
    }


def test_messages_descriptions_bodies_and_certificates_are_dropped_and_reasons_stay() -> None:
    redacted = _redact(_pod(status={"reason": "Evicted", "message": "the node was low on memory"}))
    assert redacted.content["status"] == {"reason": "Evicted"}
    assert redacted.counts == {"message": 1}


def test_facts_are_taken_before_values_go() -> None:
    container = {
        "name": "ehr",
        "image": "example/ehr:1",
        "env": [{"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "A", "valueFrom": {}}],
        "livenessProbe": {"exec": {"command": ["/bin/sh", "-c", "exec /usr/bin/pg_isready -U ehr"]}},
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", "15"]}}},
    }
    managed = [
        {"manager": "kubectl-edit", "operation": "Update", "time": "2026-11-01T08:00:00Z", "fieldsV1": {"f": {}}}
    ]
    pod = _pod(metadata={"name": "x", "managedFields": managed}, spec={"containers": [container]})
    assert _redact(pod).facts == {
        facts.FIELD_MANAGERS: [{"manager": "kubectl-edit", "operation": "Update", "time": "2026-11-01T08:00:00Z"}],
        facts.EXEC_PROGRAM: {"ehr/livenessProbe": "pg_isready", "ehr/preStop": "sleep"},
        facts.CREDENTIALS: {"ehr/env/DB_PASSWORD": "name short"},
    }


@pytest.mark.parametrize("wrong", [None, True, 7, 1.5, "text", [], ["text"], [[]], {}, {"a": "text"}, [{"a": None}]])
@pytest.mark.parametrize("field", ["metadata", "spec", "status", "data", "items", "rules"])
def test_fields_of_a_wrong_type_do_not_raise(field: str, wrong: Any) -> None:
    for kind in ("Pod", "Secret", "Thing"):
        _redact({"apiVersion": "v1", "kind": kind, field: wrong, "spec": {field: wrong, "containers": wrong}})


def test_objects_without_identity_do_not_raise() -> None:
    assert _redact({}).content == {}
    assert _redact({"apiVersion": None, "kind": ["Pod"], 3: "x"}).counts.total() > 0


_ANSWERS = re.compile(
    r"JSONSchema|TokenReview|^V1TokenRequest|SubjectAccess|SelfSubject|UserInfo|VersionInfo|APIResource|APIGroup"
    r"|APIVersions|APISubresource|V1Status|DeleteOptions|ManagedFields|^V1Scale|WatchEvent|List$|ServerAddress"
    r"|ResourceRule$|NonResourceRule$|ShardInfo|^V1ResourceAttributes|ResourcePolicyRule$"
)
"""Models of questions and answers, and of what is dropped whole; they hold no objects."""


def test_every_field_of_the_api_is_decided() -> None:
    decided = TEXTS | NODES | WITHHELD | DROPPED_WHOLE | _HANDLERS.keys()
    strict_maps = {"attachmentMetadata", "attributes", "counters", "disruptedPods", "extra", "nodeAllocatableResources"}
    strict_maps |= {"opaque", "options", "overhead", "shardInfo", "volumeAttributes"}
    undecided = {
        f"{name}.{model.attribute_map[field]}"
        for name, model in inspect.getmembers(models, inspect.isclass)
        if hasattr(model, "openapi_types") and not _ANSWERS.search(name)
        for field, kind in model.openapi_types.items()
        if not re.fullmatch(r"(?:List\[)?(?:int|bool|float)\]?", kind)
        and model.attribute_map[field] not in decided | strict_maps
    }
    assert undecided == set()


def test_no_field_is_both_let_through_and_withheld() -> None:
    assert not WITHHELD & TEXTS
    assert not DROPPED & TEXTS


def test_attributes_of_a_volume_stay_where_they_say_how_it_is_encrypted() -> None:
    attributes = {
        "encrypted": "true",
        "encryptionKMSID": "vault-ehr",
        "clusterID": "ceph-of-the-clinic",
        "pool": "pool of the clinic",
        "secure": "hunter2 and more",
        "kmsKeyId": "arn:aws:kms:eu-west-1:1:key/2",
    }
    spec = {"csi": {"driver": "rbd.csi.ceph.com", "volumeHandle": "h", "volumeAttributes": attributes}}
    volume = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "v"}, "spec": spec}
    kept = _redact(volume).content["spec"]["csi"]["volumeAttributes"]
    assert is_pseudonym(kept.pop("pool"))
    assert is_pseudonym(kept.pop("secure"))
    assert kept == {
        "clusterID": "ceph-of-the-clinic",
        "encrypted": "true",
        "encryptionKMSID": "vault-ehr",
        "kmsKeyId": "arn:aws:kms:eu-west-1:1:key/2",
    }


def test_of_the_arguments_of_k3s_only_the_flags_of_encryption_are_known() -> None:
    given = '["server","--token","hunter2-of-the-cluster","--secrets-encryption","--tls-san","clinic.example"]'
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n", "annotations": {"k3s.io/node-args": given}}}
    redacted = _redact(node)
    assert redacted.facts == {facts.SERVER_FLAGS: {"distribution": "k3s", "role": "server", "encrypts": "true"}}
    assert "hunter2" not in str(redacted)
