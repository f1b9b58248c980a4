"""Typed facts: what may be known of values that are removed at the door."""

from __future__ import annotations

from typing import Any

import pytest

from hipaa_kit.kube.facts import (
    credentials,
    data_credentials,
    exec_program,
    exec_programs,
    field_managers,
    flow_export,
    kms_kinds,
    length_class,
    names_pods,
    namespace_filters,
    network_encryption,
    program,
    security_fields,
    server_flags,
    vulnerability_gate,
)
from hipaa_kit.sources.leaks import looks_secret
from hipaa_kit.sources.redaction.texts import names_secret

ON = {"enable-hubble": "true"}


@pytest.mark.parametrize(
    ("length", "expected"),
    [(0, "empty"), (1, "short"), (8, "short"), (9, "medium"), (32, "medium"), (33, "long"), (10_000, "long")],
)
def test_literals_are_empty_short_medium_or_long(length: int, expected: str) -> None:
    assert length_class("x" * length) == expected


def test_field_managers_are_known_without_their_fields() -> None:
    managed = [
        {"manager": "helm", "operation": "Apply", "time": "2026-11-01T08:00:00Z", "fieldsV1": {"f:spec": {}}},
        {"manager": "kubelet", "operation": "Update", "subresource": "status", "time": None},
        {"operation": "Update"},
        "text",
    ]
    assert field_managers(managed) == [
        {"manager": "helm", "operation": "Apply", "time": "2026-11-01T08:00:00Z"},
        {"manager": "kubelet", "operation": "Update", "subresource": "status"},
    ]


@pytest.mark.parametrize("wrong", [None, "text", {}, {"manager": "x"}, 3])
def test_field_managers_of_a_wrong_type_are_none(wrong: Any) -> None:
    assert field_managers(wrong) == []


@pytest.mark.parametrize(
    ("command", "expected"), [([], ""), (["/usr/bin/psql", "-c"], "psql"), (["psql"], "psql"), ([3], "")]
)
def test_a_program_is_named_without_its_path(command: list[Any], expected: str) -> None:
    assert program(command) == expected


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["/usr/bin/pg_isready", "-U", "ehr"], "pg_isready"),
        (["sh", "-c", "pg_isready -U ehr"], "pg_isready"),
        (["/bin/bash", "-ec", "  exec /opt/bin/check.sh; true"], "check.sh"),
        (["sh", "-c", "true"], "true"),
        (["sh", "-c", "PGPASSWORD=hunter2 psql"], "sh"),
        (["sh", "-c", "[ -f /tmp/ready ]"], "sh"),
        (["sh", "/probe.sh"], "sh"),
        (["sh"], "sh"),
        (["psql --password hunter2"], ""),
        (["PGPASSWORD=hunter2"], ""),
        ([], ""),
        ([None], ""),
        ("psql", ""),
        (None, ""),
    ],
)
def test_the_program_of_a_probe_is_the_one_that_runs_in_the_end(command: Any, expected: str) -> None:
    assert exec_program(command) == expected


def test_exec_programs_are_by_probe_and_hook() -> None:
    container = {
        "livenessProbe": {"exec": {"command": ["redis-cli", "ping"]}},
        "readinessProbe": {"httpGet": {"path": "/"}},
        "startupProbe": "text",
        "lifecycle": {"postStart": {"exec": []}, "preStop": {"exec": {"command": ["sleep", "5"]}}},
    }
    assert dict(exec_programs(container)) == {"livenessProbe": "redis-cli", "preStop": "sleep"}
    assert dict(exec_programs({"lifecycle": []})) == {}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("DB_PASSWORD", "hunter2", "name short"),
        ("db.password", "correct horse battery", "name medium"),
        ("POSTGRES_PASSWORD", 1234, "name short"),
        ("CLIENT_SECRET", "a-demo-secret-of-no-one", "name medium"),
        ("API_TOKEN", "abcdef", "name short"),
        ("DATABASE_URL", "postgres://ehr:hunter2@db/ehr", "url medium"),
        ("SETTING", "AKIAIOSFODNN7EXAMPLE", "shape medium"),
        ("JAVA_OPTS", "-Xmx1g -Dspring.datasource.password=hunter2", "shape long"),
        # What only names a secret, says how it is kept, or stands for one that is given elsewhere.
        ("DB_PASSWORD", "", ""),
        ("DB_PASSWORD", "$(OTHER)", ""),
        ("DB_PASSWORD_FILE", "/run/secrets/db", ""),
        ("DB_PASSWORD", "/run/secrets/db/password", ""),
        ("SECRET_NAME", "ehr-db", ""),
        ("TOKEN_EXPIRY", "3600", ""),
        ("API_TOKEN_SECONDS_LEFT_TOKEN", "3600", ""),
        ("WEBHOOK_TLS_SECRET", "pod-identity-webhook", ""),
        ("WEBHOOK_TLS_SECRET", "Not A Name", "name medium"),
        ("USE_TOKEN", "true", ""),
        ("TOKEN_AUDIENCE", "sts.clinic.example", ""),
        ("SECRET_KEY_LIFETIME", "12h", ""),
        ("--secrets-format", "compact", ""),
        ("PRIVATE_REGISTRY_SCAN_SECRETS_NAMES", "{}", ""),
        ("AUDIENCE_TOKEN", "sts.clinic.example", "name medium"),
        ("DB_PASSWORD_SECRET_FILENAME", "vflow", ""),
        ("TOKEN_FILE", "token", ""),
        ("FILE_TOKEN", "token-of-no-one", "name medium"),
        ("UAA_TOKEN_INTROSPECTION_CLIENT_ID", "introspection-client", ""),
        ("UAA_TOKEN_INTROSPECTION_CLIENT_SECRET", "introspection-client", "name medium"),
        ("VAULT_SECRET_ID", "b7a0e2f4", "name short"),
        ("API_KEY", "ca-bundle.pem", ""),
        ("API_KEY", "Ca-Bundle.pem", "name medium"),
        ("API_KEY", "ca-bundle.pem2", "name medium"),
        ("TOKEN_URL", "https://login.clinic.example/token", ""),
        ("DATABASE_URL", "postgres://ehr:$(DB_PASSWORD)@db/ehr", ""),
        ("DATABASE_URL", "postgres://db:5432/ehr", ""),
        ("JAVA_OPTS", "-Dspring.datasource.password=${DB_PASSWORD}", ""),
        ("PGHOST", "ehr-db.ehr.svc", ""),
        ("KEEP_DAYS", "14", ""),
    ],
)
def test_a_literal_is_a_credential_by_its_name_or_its_shape(name: str, value: Any, expected: str) -> None:
    found = dict(credentials({"env": [{"name": name, "value": value}]}, names_secret, looks_secret))
    assert found == ({f"env/{name}": expected} if expected else {})


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["server", "--password=hunter2"], {"args/--password": "name short"}),
        (["server", "--password", "hunter2"], {"args/--password": "name short"}),
        (["server", "--password=$(DB_PASSWORD)", "--port", "5432"], {}),
        (["server", "--password-file", "/run/secrets/db"], {}),
        (["installer", "--cert-secrets=aggregator-client", "--tls-secret", "webhook-tls"], {}),
        (["system", "--root-ca-dir-secret=ca-bundle.pem", "--root-ca-key-secret=clinic.inter-ca-keystore"], {}),
        (["system", "--api-key-secret=clinic.inter-keystore"], {"args/--api-key-secret": "name medium"}),
        (["-c", "PGPASSWORD=hunter2 psql -h db"], {"args/-c": "shape medium"}),
        (["PGPASSWORD=hunter2 psql"], {"args/0": "shape medium"}),
        (["-c", "PGPASSWORD=$DB_PASSWORD psql"], {}),
        (["postgres://ehr:hunter2@db/ehr"], {"args/0": "url medium"}),
        (["server", 3, None], {}),
    ],
)
def test_a_word_of_a_command_is_a_credential_alike(words: list[Any], expected: dict[str, str]) -> None:
    assert dict(credentials({"args": words}, names_secret, looks_secret)) == expected


def test_values_of_a_config_map_are_credentials_alike() -> None:
    data = {
        "application.properties": "db.user=ehr\ndb.password=hunter2\n",
        "api-token": "abcdef",
        "settings": "db.password=${DB_PASSWORD}",
        "credential-alerts.yaml": "groups: []",
        "token-rules": "groups:\n- name: a",
        "serving-cert.secret": "72",
        "nested": {"password": "x"},
    }
    assert dict(data_credentials(data, names_secret, looks_secret)) == {
        "data/application.properties": "shape medium",
        "data/api-token": "name short",
    }
    assert dict(data_credentials(None, names_secret, looks_secret)) == {}


def test_key_services_of_ceph_are_known_by_name_and_kind_in_both_forms() -> None:
    one = {"vault": '{"encryptionKMSType": "vault", "vaultAddress": "https://vault:8200"}', "bad": "encryptionKMSType"}
    many = {"config.json": '{"user": {"encryptionKMSType": "metadata"}, "azure": {"KMS_PROVIDER": "azure-kv"}, "x": 1}'}
    assert dict(kms_kinds(one)) == {"vault": "vault"}
    assert dict(kms_kinds(many)) == {"user": "metadata", "azure": "azure-kv"}
    assert dict(kms_kinds("text")) == {}


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ({"k3s.io/node-args": '["server","--tls-san","a"]'}, {"distribution": "k3s", "role": "server"}),
        (
            {"k3s.io/node-args": '["server","--secrets-encryption"]'},
            {"distribution": "k3s", "role": "server", "encrypts": "true"},
        ),
        (
            {"k3s.io/node-args": '["server","--secrets-encryption","false","--token","********"]'},
            {"distribution": "k3s", "role": "server", "encrypts": "false"},
        ),
        (
            {"k3s.io/node-args": '["server","--secrets-encryption","False"]'},
            {"distribution": "k3s", "role": "server", "encrypts": "false"},
        ),
        (
            {"rke2.io/node-args": '["server","--secrets-encryption-provider","secretbox"]'},
            {"distribution": "rke2", "role": "server", "provider": "secretbox"},
        ),
        (
            {"k3s.io/node-args": '["server","--kube-apiserver-arg","encryption-provider-config=/etc/enc.yaml"]'},
            {"distribution": "k3s", "role": "server", "own_file": "true"},
        ),
        ({"k3s.io/node-args": '["agent"]'}, {"distribution": "k3s", "role": "agent"}),
        ({"k3s.io/node-args": "[]"}, {"distribution": "k3s", "role": "unknown"}),
        ({"k3s.io/node-args": "not json"}, {}),
        ({"other": '["server"]'}, {}),
        (None, {}),
    ],
)
def test_a_node_of_k3s_says_what_it_was_started_with(annotations: Any, expected: dict[str, str]) -> None:
    assert server_flags(annotations) == expected


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ({"rules": [{"validate": {"pattern": {"spec": {"=(hostPID)": "false"}}}}]}, ["hostPID"]),
        (
            {"validations": [{"expression": "!has(object.spec.hostNetwork) || !object.spec.hostIPC"}]},
            ["hostIPC", "hostNetwork"],
        ),
        ({"targets": [{"rego": "c.securityContext.privileged\nv.hostPath"}]}, ["hostPath", "privileged"]),
        ({"message": "unprivileged pods alone"}, []),
        ({"rules": [{"validate": {"pattern": {"metadata": {"labels": {"team": "?*"}}}}}]}, []),
        (None, []),
    ],
)
def test_a_policy_is_known_by_the_fields_it_speaks_of(policy: Any, expected: list[str]) -> None:
    assert security_fields(policy) == expected


@pytest.mark.parametrize(
    ("kind", "pods"),
    [
        ("Pod", True),
        ("*", True),
        ("*/*", True),
        ("v1/Pod", True),
        ("*/v1/Pod", True),
        ("P?d", True),
        ("Pod/status", False),
        ("Node/?*", False),
        ("Deployment", False),
        ("apps/v1/Deployment", False),
    ],
)
def test_kinds_in_the_form_of_kyverno_name_pods(kind: str, pods: bool) -> None:
    assert names_pods(kind) is pods


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"resourceFilters": "[*/*,kube-system,*] [Node/?*,*,*] [Pod,ehr-?,*]"}, ["ehr-?", "kube-system"]),
        ({"resourceFilters": "[Event,*,*]\n[*/*, kyverno ,*]"}, ["kyverno"]),
        ({"resourceFilters": ""}, []),
        ({"resourceFilters": "[*/*,kube-system"}, None),
        ({"resourceFilters": "[broken][*/*,kube-system,*]"}, None),
        ({"other": "[*/*,kube-system,*]"}, None),
        (None, None),
    ],
)
def test_filters_of_kyverno_name_namespaces_or_are_not_known(data: Any, expected: list[str] | None) -> None:
    assert namespace_filters(data) == expected


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        (
            "cilium-config",
            {"enable-wireguard": "true", "encrypt-node": "false", "cluster-name": "secret"},
            {"enable-ipsec": False, "enable-wireguard": True, "encrypt-node": False},
        ),
        (
            "cilium-config",
            {"enable-ipsec": "True"},
            {"enable-ipsec": True, "enable-wireguard": False, "encrypt-node": False},
        ),
        ("cilium-config", {}, {}),
        ("cilium-config", None, {}),
        ("other", {"enable-wireguard": "true"}, {}),
        (None, {"enable-wireguard": "true"}, {}),
    ],
)
def test_of_a_plugins_configuration_only_encryption_is_known(name: Any, data: Any, expected: dict[str, bool]) -> None:
    assert network_encryption(name, data) == expected


@pytest.mark.parametrize(
    ("name", "data", "to", "filtered", "dynamic"),
    [
        ("cilium-config", {}, "", False, False),
        ("cilium-config", {"hubble-export-file-path": "stdout"}, "", False, False),
        ("cilium-config", {**ON, "hubble-export-file-path": "stdout"}, "log", False, False),
        ("cilium-config", {**ON, "hubble-export-file-path": "/e.log"}, "file", False, False),
        ("cilium-config", {**ON, "hubble-export-denylist": "{}"}, "", True, False),
        ("cilium-config", {**ON, "hubble-export-allowlist": "[]"}, "", False, False),
        ("cilium-config", {**ON, "hubble-flowlogs-config-path": "/f"}, "", False, True),
        ("cilium-config", {"hubble-flowlogs-config-path": "/f"}, "", False, False),
    ],
)
def test_of_cilium_it_is_known_where_it_exports_connections_to(
    name: str, data: dict[str, str], to: str, filtered: bool, dynamic: bool
) -> None:
    assert flow_export(name, data) == {"to": to, "filtered": filtered, "dynamic": dynamic}


def test_no_other_configuration_says_where_connections_go() -> None:
    assert flow_export("other", {**ON, "hubble-export-file-path": "stdout"}) is None
    assert flow_export("cilium-config", None) is None


VULN = "https://cosign.sigstore.dev/attestation/vuln/v1"


@pytest.mark.parametrize(
    ("spec", "images"),
    [
        ({"rules": [{"verifyImages": [{"imageReferences": ["*"], "attestations": [{"type": VULN}]}]}]}, "all"),
        ({"rules": [{"verifyImages": [{"imageReferences": ["a/*"], "attestations": [{"type": VULN}]}]}]}, "some"),
        ({"imageReferences": ["*"], "skipImageReferences": ["a"], "type": VULN}, "some"),
        ({"matchImageReferences": [{"glob": "**"}], "attestations": [{"intoto": {"type": VULN}}]}, "all"),
        ({"validate": {"message": "no vulnerability report"}}, "some"),
        ({"imageReferences": ["*"], "attestations": [{"type": "https://slsa.dev/provenance/v1"}]}, ""),
        ("text", ""),
        (None, ""),
    ],
)
def test_a_gate_tells_for_which_images_it_speaks_of_vulnerabilities(spec: Any, images: str) -> None:
    assert vulnerability_gate(spec) == images
