"""What is known of ConfigMaps and Secrets after their values are gone."""

from __future__ import annotations

import base64
import gzip
from typing import Any

import pytest

from hipaa_kit.kube import facts
from hipaa_kit.sources.pseudonyms import DEMO_KEY, Pseudonymizer
from hipaa_kit.sources.redaction import Redacted, redact


def _redact(obj: dict[str, Any]) -> Redacted:
    return redact(obj, Pseudonymizer(DEMO_KEY))


def test_of_a_config_map_it_is_known_where_a_credential_stands_and_never_which() -> None:
    data = {"app.properties": "db.password=hunter2-of-the-clinic", "kms": '{"encryptionKMSType": "vault"}', "a": "b"}
    redacted = _redact({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": data})
    assert redacted.facts == {
        facts.CREDENTIALS: {"data/app.properties": "shape long"},
        facts.KMS_KINDS: {"kms": "vault"},
    }
    assert "hunter2" not in str(redacted)


ROUTES = """
route:
  receiver: chat
  routes: [{receiver: on call, match: {severity: critical, team: hunter2-of-the-clinic}}]
receivers:
- {name: chat, slack_configs: [{api_url: "https://hooks.example/hunter2-of-the-clinic"}]}
- {name: on call, pagerduty_configs: [{routing_key: hunter2-of-the-clinic}]}
"""


@pytest.mark.parametrize(
    ("kind", "field", "entry", "value"),
    [
        ("Secret", "stringData", "alertmanager.yaml", ROUTES),
        ("Secret", "data", "alertmanager.yaml", base64.b64encode(ROUTES.encode()).decode()),
        ("Secret", "data", "alertmanager.yaml.gz", base64.b64encode(gzip.compress(ROUTES.encode())).decode()),
        ("ConfigMap", "data", "alertmanager.yml", ROUTES),
    ],
)
def test_of_routes_of_alerts_it_is_known_which_kind_of_integration_stands_at_the_end(
    kind: str, field: str, entry: str, value: str
) -> None:
    redacted = _redact({"apiVersion": "v1", "kind": kind, "metadata": {"name": "x"}, field: {entry: value}})
    found = redacted.facts[facts.ALERT_ROUTES][entry]
    assert sorted(found["receivers"].values()) == [["pagerduty"], ["slack"]]
    [route] = found["route"]["routes"]
    assert route["matchers"] == [["severity", "=", "critical"], ["team", "=", "*unknown*"]]
    assert found["receivers"][route["receiver"]] == ["pagerduty"]
    assert "hunter2" not in str(redacted)
    assert "on call" not in str(redacted)


@pytest.mark.parametrize(
    "value", ["", "not: [closed", "a: 1\n---\nroute: {}", "route: text", "[]", "!!", "x" * 2**20 + "x"]
)
@pytest.mark.parametrize(("kind", "field"), [("Secret", "data"), ("Secret", "stringData"), ("ConfigMap", "data")])
def test_what_is_no_configuration_of_alertmanager_gives_no_fact(kind: str, field: str, value: str) -> None:
    entries = {"alertmanager.yaml": value, "alertmanager.yaml.gz": value}
    redacted = _redact({"apiVersion": "v1", "kind": kind, "metadata": {"name": "x"}, field: entries})
    assert facts.ALERT_ROUTES not in redacted.facts


def test_a_packed_configuration_that_is_too_large_is_not_unpacked() -> None:
    packed = base64.b64encode(gzip.compress(b"route: {}\n#" + b"x" * 2**24)).decode()
    redacted = _redact(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, "data": {"alertmanager.yaml.gz": packed}}
    )
    assert redacted.facts == {}


def test_of_falco_it_is_known_which_plugins_it_loads_and_whether_it_has_rules_about_audit_events() -> None:
    text = "load_plugins: [k8saudit, json]\nrules_files: [/etc/falco/k8s_audit_rules.yaml]\nhttp_output: {url: hunter2}"
    redacted = _redact(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "f"}, "data": {"falco.yaml": text}}
    )
    assert redacted.facts[facts.FALCO_SETTINGS] == {"plugins": ["json", "k8saudit"], "audit_rules": True}
    assert "hunter2" not in str(redacted)


def test_of_a_log_agent_it_is_known_which_files_it_reads_and_to_what_kind_of_output_it_sends() -> None:
    text = (
        "[INPUT]\n    Name tail\n    Path /var/log/containers/*.log\n"
        "[OUTPUT]\n    Name es\n    Match *\n    Host logs.example.org\n    HTTP_Passwd hunter2\n"
    )
    redacted = _redact(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "f"}, "data": {"fluent-bit.conf": text}}
    )
    found = {"reads": [["/var/log/containers/*.log", "es"]], "excludes": [], "filtered": False}
    assert redacted.facts[facts.LOG_PIPELINE] == found
    assert "hunter2" not in str(redacted)
    assert "example.org" not in str(redacted)


@pytest.mark.parametrize("host", ["10.244.0.15", "[fd00:10::7]"])
def test_of_an_address_by_number_scheme_host_and_port_are_known_and_never_the_rest(host: str) -> None:
    url = f"https://app:hunter2-of-the-clinic@{host}:8080/hunter2-of-the-clinic?key=hunter2-of-the-clinic"
    spec = {"containers": [{"name": "a", "env": [{"name": "URL", "value": url}]}]}
    redacted = _redact({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec})
    assert redacted.facts[facts.SERVICE_ADDRESSES] == {"a/env/URL": f"tls https {host.strip('[]')} 8080"}
    assert "hunter2" not in str(redacted)
    assert "@" not in str(redacted)


@pytest.mark.parametrize("url", ["https://10.0.0.7/hunter2@db:8443", "https://[fd00::7%hunter2]:8443"])
def test_of_a_number_that_may_be_a_part_of_a_password_nothing_is_known(url: str) -> None:
    spec = {"containers": [{"name": "a", "env": [{"name": "URL", "value": url}]}]}
    redacted = _redact({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec})
    assert facts.SERVICE_ADDRESSES not in redacted.facts
    assert "hunter2" not in str(redacted)
