"""A canary in every place that can hold a secret, plain and in base64: none of them passes the door."""

from __future__ import annotations

import base64
import copy
import json
from typing import Any

import pytest

from hipaa_kit.sources.pseudonyms import DEMO_KEY, Pseudonymizer
from hipaa_kit.sources.redaction import redact

CANARY = "hummingbird-7f3a9c51e2"
ENCODED = base64.b64encode(CANARY.encode()).decode()
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "ehr-0", "namespace": "ehr"}}


def _pod(**container: Any) -> dict[str, Any]:
    return {**POD, "spec": {"containers": [{"name": "ehr", "image": "example/ehr:1", **container}]}}


def _annotated(key: str, value: str) -> dict[str, Any]:
    return {**POD, "metadata": {**POD["metadata"], "annotations": {key: value}}}


def _custom(api_version: str, kind: str, **fields: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x", "namespace": "ehr"}, **fields}


def _core(kind: str, **fields: Any) -> dict[str, Any]:
    return _custom("v1", kind, **fields)


def _routes(canary: str) -> str:
    return f"""
global: {{smtp_auth_password: {canary}, slack_api_url: "https://hooks.example/{canary}"}}
route:
  receiver: "for {canary}"
  group_by: [{canary}]
  routes:
  - {{receiver: "for {canary}", match: {{team: {canary}, severity: "is {canary}"}}}}
  - {{receiver: pager, match_re: {{service: "{canary}|x"}}, matchers: ["team = {canary}", "what is {canary}"]}}
receivers:
- name: "for {canary}"
  webhook_configs: [{{url: "https://example/{canary}"}}]
- name: pager
  pagerduty_configs: [{{routing_key: {canary}}}]
"""


def _falco(canary: str) -> str:
    return f"load_plugins: [k8saudit, 'is {canary}']\nrules_files: [/etc/audit-{canary}.yaml]\nkey: {canary}\n"


def places(canary: str) -> dict[str, dict[str, Any]]:
    """Return an object for each place, by the name of the place."""
    applied = json.dumps({"kind": "Secret", "data": {"password": canary}})
    status = {"containerStatuses": [{"name": "ehr", "state": {"terminated": {"reason": "Error", "message": canary}}}]}
    waiting = {"initContainerStatuses": [{"name": "i", "state": {"waiting": {"reason": "Wait", "message": canary}}}]}
    webhook = {"name": "a.b.c", "clientConfig": {"caBundle": canary, "url": f"https://hook.example/{0}?token={canary}"}}
    probe = {"httpGet": {"path": f"/health?key={canary}", "httpHeaders": [{"name": "Authorization", "value": canary}]}}
    return {
        "Secret data": _core("Secret", type="Opaque", data={"password": canary}),
        "Secret stringData": _core("Secret", stringData={"password": canary}),
        "Secret data that is a list": _core("Secret", data=[canary]),
        "Secret data that is a text": _core("Secret", data=canary),
        "Secret of Helm": _core("Secret", type="helm.sh/release.v1", data={"release": canary}),
        "Secret in a list": {"apiVersion": "v1", "kind": "List", "items": [_core("Secret", data={"name": canary})]},
        "Secret of another group": _custom("example.com/v1", "Secret", data={"name": canary, "type": canary}),
        "ConfigMap data": _core("ConfigMap", data={"app.conf": canary}, binaryData={"blob": canary}),
        "ControllerRevision": _custom("apps/v1", "ControllerRevision", data={"spec": {"env": [{"value": canary}]}}),
        "managed fields": {**POD, "metadata": {"name": "x", "managedFields": [{"fieldsV1": {f"f:{canary}": {}}}]}},
        "annotation": _annotated("example.com/note", canary),
        "annotation last applied": _annotated("kubectl.kubernetes.io/last-applied-configuration", applied),
        "annotation original template": _annotated("example.com/original-template", applied),
        "annotation that holds an object": _annotated("service.beta.kubernetes.io/tags", applied),
        "annotation change cause": _annotated("kubernetes.io/change-cause", f"kubectl set env PASSWORD={canary}"),
        "annotation last applied of another tool": _annotated("apps.kubernetes.io/last-applied-spec", canary),
        "annotation snippet": _annotated("nginx.ingress.kubernetes.io/configuration-snippet", canary),
        "annotation description": _annotated("kubernetes.io/description", canary),
        "annotation of more than one line": _annotated("prometheus.io/path", f"/metrics\n{canary}"),
        "annotation checksum": _annotated("checksum/secret", canary),
        "annotations that are a list": {**POD, "metadata": {"name": "x", "annotations": [{"value": canary}]}},
        "labels that are a list": {**POD, "metadata": {"name": "x", "labels": [{"value": canary}]}},
        "metadata that is a list": {**POD, "metadata": [{"password": canary}]},
        "unknown metadata": {**POD, "metadata": {"name": "x", "extra": canary, "more": {"value": canary}}},
        "env literal": _pod(env=[{"name": "DB_PASSWORD", "value": canary}]),
        "env literal of a setting": _pod(env=[{"name": "PGSSLMODE", "value": f"{canary} prefer"}]),
        "env address": _pod(
            env=[
                {"name": "A_URL", "value": f"https://app:{canary}@db.ehr:8443/{canary}?token={canary}#{canary}"},
                {"name": "B_URL", "value": f"https://db:8443/{canary}@x"},
                {"name": "C_URL", "value": f"https://{canary}/a@db:8443"},
                {"name": "D_URL", "value": f"https://app:1/{canary}@db:8443"},
                {"name": "E_URL", "value": f"postgres://app:{canary}@db/{canary}?sslmode=require&password={canary}"},
                {"name": "F_URL", "value": f"postgres://db/x?sslmode={canary}"},
                {"name": "G_URL", "value": f"https://hooks.example.com/{canary}"},
                {"name": "H_URL", "value": f"https://a.b.{canary}:8443"},
            ]
        ),
        "args address": _pod(
            command=["serve", f"https://app:{canary}@db:8443/{canary}"],
            args=[f"--url=rediss://:{canary}@redis.ehr.svc/{canary}", "--other", f"amqps://a:{canary}@mq/{canary}"],
        ),
        "env under another field": _pod(env=[{"name": "A", "literal": canary}]),
        "env reference that is a text": _pod(env=[{"name": "A", "valueFrom": canary}]),
        "env that is a map": _pod(env={"DB_PASSWORD": canary}),
        "env that is a list of texts": _pod(env=[f"DB_PASSWORD={canary}"]),
        "env value that is a list": _pod(env=[{"name": "A", "value": [canary]}]),
        "args": _pod(args=[canary]),
        "args after a flag": _pod(args=["--password", canary]),
        "args of a flag": _pod(args=[f"--password={canary}"]),
        "args of a short flag": _pod(args=[f"-p={canary}", f"-p{canary}"]),
        "args of a system property": _pod(args=[f"-Ddb.password={canary}"]),
        "args of the control plane": _pod(command=["etcd"], args=[f"--initial-cluster-token={canary}"]),
        "args of a flag that is none": _pod(args=[f"--header Authorization: {canary}"]),
        "args that are a text": _pod(args=canary),
        "args that are maps": _pod(args=[{"password": canary}]),
        "command": _pod(command=["serve", canary]),
        "command that is one line": _pod(command=[f"serve --password {canary}"]),
        "command with an assignment": _pod(command=[f"PASSWORD={canary}", "serve"]),
        "command script": _pod(command=["/bin/sh", "-c", f"export PASSWORD={canary}; serve"]),
        "command line of a script": _pod(command=["sh", "-c"], args=[f"PASSWORD={canary} serve"]),
        "probe command": _pod(livenessProbe={"exec": {"command": ["mysqladmin", f"-p{canary}", "ping"]}}),
        "probe script": _pod(readinessProbe={"exec": {"command": ["sh", "-c", f"PGPASSWORD={canary} psql"]}}),
        "probe command that is one line": _pod(startupProbe={"exec": {"command": [f"psql {canary}"]}}),
        "lifecycle command": _pod(lifecycle={"preStop": {"exec": {"command": ["curl", canary]}}}),
        "probe header and query": _pod(livenessProbe=probe),
        "unknown field of a container": _pod(comment=canary, settings={"password": canary}),
        "known names under an unknown field": _pod(settings={"value": canary + " x", "host": canary, "url": [canary]}),
        "status messages": {**POD, "status": {"message": canary, **status, **waiting}},
        "condition": {**POD, "status": {"conditions": [{"type": "Ready", "status": "False", "message": canary}]}},
        "condition with a list": {**POD, "status": {"conditions": [{"type": "Ready", "message": [canary]}]}},
        "event": _core("Event", reason="Failed", message=canary),
        "event of the new group": _custom("events.k8s.io/v1", "Event", reason="Failed", note=canary),
        "volume options": {**POD, "spec": {"volumes": [{"flexVolume": {"options": {"secretAccount": canary}}}]}},
        "volume attributes": {**POD, "spec": {"volumes": [{"csi": {"volumeAttributes": {"accountKey": canary}}}]}},
        "mount option": _core("PersistentVolume", spec={"mountOptions": [f"username=x,password={canary}"]}),
        "storage class": _custom("storage.k8s.io/v1", "StorageClass", parameters={"restuserkey": canary}),
        "webhook": _custom("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", webhooks=[webhook]),
        "API service": _custom("apiregistration.k8s.io/v1", "APIService", spec={"caBundle": canary}),
        "certificate request": _custom(
            "certificates.k8s.io/v1",
            "CertificateSigningRequest",
            spec={"request": canary, "extra": {"token": [canary]}},
            status={"certificate": canary},
        ),
        "trust bundle": _custom("certificates.k8s.io/v1beta1", "ClusterTrustBundle", spec={"trustBundle": canary}),
        "schema": _custom(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            spec={"versions": [{"name": "v1", "schema": {"openAPIV3Schema": {"description": canary}}}]},
        ),
        "route": _custom("route.openshift.io/v1", "Route", spec={"tls": {"key": canary, "certificate": canary}}),
        "OAuth": _custom("oauth.openshift.io/v1", "OAuthClient", secret=canary, additionalSecrets=[canary]),
        "machine": _custom("machine.openshift.io/v1beta1", "Machine", spec={"userData": canary}),
        "database operator": _custom("example.com/v1", "Postgres", spec={"users": [{"name": "a", "password": canary}]}),
        "sealed secret": _custom("bitnami.com/v1alpha1", "SealedSecret", spec={"encryptedData": {"a": canary}}),
        "custom resource texts": _custom("example.com/v1", "Thing", spec={"a": canary, "b": [canary, [canary]]}),
        "custom resource labels": _custom("example.com/v1", "Thing", spec={"nodeSelector": {"password": canary}}),
        "custom resource prose": _custom("example.com/v1", "Thing", spec={"type": f"is {canary}"}),
        "custom resource metadata": _custom("example.com/v1", "Thing", spec={"metadata": {"name": f"a {canary}"}}),
        "custom resource key": _custom("example.com/v1", "Thing", spec={"tls": {"name": "x", "key": canary}}),
        "custom resource keys": _custom("example.com/v1", "Thing", spec={f"password is {canary}": 1}),
        "custom resource status": _custom("example.com/v1", "Thing", status={"conditions": [{"message": canary}]}),
        "custom resource command": _custom("example.com/v1", "Thing", spec={"command": [canary], "args": [canary]}),
        "policy header": _custom("cilium.io/v2", "CiliumNetworkPolicy", spec={"headers": [canary], "value": canary}),
        "issuer": _custom("cert-manager.io/v1", "Issuer", spec={"acme": {"email": canary, "apiToken": canary}}),
        "routes of alerts in a Secret": _core("Secret", stringData={"alertmanager.yaml": _routes(canary)}),
        "routes of alerts in a Secret, encoded": _core(
            "Secret", data={"alertmanager.yaml": base64.b64encode(_routes(canary).encode()).decode()}
        ),
        "routes of alerts in a ConfigMap": _core("ConfigMap", data={"alertmanager.yml": _routes(canary)}),
        "routes of alerts in an object": _custom(
            "monitoring.coreos.com/v1alpha1",
            "AlertmanagerConfig",
            spec={
                "receivers": [{"name": f"mail to {canary}", "emailConfigs": [{"to": canary}]}],
                "route": {
                    "receiver": f"mail to {canary}",
                    "matchers": [
                        {"name": "team", "value": canary},
                        {"name": f"team {canary}", "value": "x"},
                        {"name": "severity", "value": f"is {canary}"},
                        {"name": "alertname", "value": f"{canary}|is {canary}", "matchType": "=~"},
                    ],
                },
            },
        ),
        "settings of Falco": _core("ConfigMap", data={"falco.yaml": _falco(canary)}),
        "alert receiver": _custom(
            "monitoring.coreos.com/v1alpha1", "AlertmanagerConfig", spec={"receivers": [{"url": canary, "to": canary}]}
        ),
        "URL user info": _core("PersistentVolume", spec={"nfs": {"server": f"nfs://user:{canary}@host", "path": "/"}}),
        "URL user info without a user": _pod(image=f"https://:{canary}@registry.example/ehr:1"),
        "URL user info with a slash": _pod(image=f"https://user:a/{canary}@registry.example/ehr:1"),
    }


PLACES = sorted(places(CANARY))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("canary", [CANARY, ENCODED], ids=["plain", "base64"])
def test_no_canary_passes_the_door(place: str, canary: str) -> None:
    obj = places(canary)[place]
    before = copy.deepcopy(obj)
    redacted = redact(obj, Pseudonymizer(DEMO_KEY))
    for text in (json.dumps(redacted.content), json.dumps(redacted.facts)):
        assert CANARY not in text
        assert ENCODED not in text
        assert ENCODED.rstrip("=") not in text
    assert obj == before
    assert redacted.counts.total() > 0


@pytest.mark.parametrize("place", PLACES)
def test_redacting_again_changes_nothing(place: str) -> None:
    pseudonym = Pseudonymizer(DEMO_KEY)
    once = redact(places(CANARY)[place], pseudonym).content
    assert redact(once, pseudonym).content == once


@pytest.mark.parametrize(
    "secret",
    [
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
        "-----BEGIN RSA PRIVATE KEY-----",
        "AKIAIOSFODNN7EXAMPLE",
        "Bearer abcdefghijklmnopqrstuvwxyz",
        "078-05-1120",
        "MRN0012345",
        base64.b64encode(b'{"password": "hunter2hunter2"}').decode(),
    ],
)
@pytest.mark.parametrize("place", ["label", "name", "finalizer", "image", "host", "flag", "label key", "annotation"])
def test_what_looks_like_a_secret_passes_nowhere(secret: str, place: str) -> None:
    metadata: dict[str, Any] = {"name": "x", "namespace": "ehr"}
    pod: dict[str, Any] = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {}}
    match place:
        case "label":
            metadata["labels"] = {"app": secret}
        case "name":
            metadata["name"] = secret
        case "finalizer":
            metadata["finalizers"] = [secret]
        case "image":
            pod["spec"]["containers"] = [{"name": secret, "image": secret}]
        case "host":
            pod["spec"]["hostAliases"] = [{"ip": secret, "hostnames": [secret]}]
        case "flag":
            pod["spec"]["containers"] = [{"name": "x", "image": "x", "args": [f"--{secret}"]}]
        case "label key":
            metadata["labels"] = {secret: "x"}
        case "annotation":
            metadata["annotations"] = {"prometheus.io/path": secret}
    assert secret not in json.dumps(redact(pod, Pseudonymizer(DEMO_KEY)).content)
