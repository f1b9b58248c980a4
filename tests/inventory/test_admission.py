"""Tables of what is refused when pods are made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hipaa_kit.assess.facade import Assessment
from hipaa_kit.inventory.admission import mitigations
from hipaa_kit.inventory.token_secrets import is_generated_token
from hipaa_kit.sources.inputs import Inputs
from hipaa_kit.tables.lookup import TableSet
from tests.support.inputs import given
from tests.support.snapshots import snapshot_of

NAMESPACE = """
apiVersion: v1
kind: Namespace
metadata: {name: ehr, labels: {pod-security.kubernetes.io/enforce: %s}}
"""
CONFIGURATION = """
apiVersion: pod-security.admission.config.k8s.io/v1
kind: PodSecurityConfiguration
defaults: {enforce: %s, enforce-version: latest}
exemptions: {namespaces: [%s], usernames: [ci]}
"""
HOOK = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: kyverno}
webhooks:
- name: validate.kyverno.svc-fail
  rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [lab]}]}
"""
POLICY = """
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: pss}
spec:
  validationFailureAction: Enforce
  rules:
  - name: level
    match: {any: [{resources: {kinds: [Pod]}}]}
    validate: {message: no, podSecurity: {level: baseline}}
"""
FILTERS = """
apiVersion: v1
kind: ConfigMap
metadata: {name: kyverno, namespace: kyverno}
data: {resourceFilters: "[*/*,kyverno,*]"}
"""


def server(*flags: str) -> str:
    words = ", ".join(f'"{each}"' for each in ("kube-apiserver", *flags))
    return f"""
apiVersion: v1
kind: Pod
metadata: {{name: kube-apiserver-a, namespace: kube-system, uid: a, labels: {{component: kube-apiserver}}}}
spec: {{containers: [{{name: kube-apiserver, image: kube-apiserver, command: [{words}]}}]}}
"""


def tables(*documents: str, inputs: Inputs | None = None, version: str = "v1.34.2") -> TableSet:
    return Assessment(snapshot_of("\n---\n".join(documents), version=version), inputs=inputs).tables


def row(inventory: TableSet, name: str = "ehr") -> dict[str, Any]:
    found = inventory["pod_admission"]
    (only,) = found[found["name"] == name].to_dict("records")
    return {str(key): value for key, value in only.items()}


@pytest.mark.parametrize(
    ("flags", "version", "state", "enforce", "basis"),
    [
        ((), "v1.34.2", "none", "baseline", "label"),
        (("--admission-control-config-file=/etc/a.yaml",), "v1.34.2", "unknown", "baseline", "label"),
        (("--disable-admission-plugins=X,PodSecurity",), "v1.34.2", "none", "privileged", "off"),
        (("--disable-admission-plugins=PodSecurityPolicy",), "v1.24.2", "none", "baseline", "label"),
        (("--feature-gates=PodSecurity=false",), "v1.24.2", "none", "privileged", "off"),
        ((), "v1.22.9", "none", "privileged", "off"),
        ((), "v1.23.0", "none", "baseline", "label"),
    ],
)
def test_flags_of_the_server_say_whether_pod_security_is_on(
    flags: tuple[str, ...], version: str, state: str, enforce: str, basis: str
) -> None:
    found = row(tables(NAMESPACE % "baseline", server(*flags), version=version))
    assert (found["configuration"], found["enforce"], found["basis"]) == (state, enforce, basis)


@pytest.mark.parametrize(
    ("version", "state"),
    [
        ("v1.34.1-eks-1a2b3c4", "none"),
        ("v1.33.5-gke.1080000", "none"),
        ("v1.34.2", "unknown"),
        ("", "unknown"),
    ],
)
def test_providers_run_servers_without_settings_of_pod_security(version: str, state: str) -> None:
    assert row(tables(NAMESPACE % "baseline", version=version))["configuration"] == state


def test_settings_count_where_the_server_may_have_them(tmp_path: Path) -> None:
    inputs = given(tmp_path, admission__yaml=CONFIGURATION % ("restricted", "ehr"))
    file = "--admission-control-config-file=/etc/a.yaml"
    exempt = row(tables(NAMESPACE % "restricted", server(file), inputs=inputs))
    assert (exempt["enforce"], exempt["basis"], exempt["exempt"]) == ("privileged", "exempt", "ci")
    without = row(tables(NAMESPACE % "restricted", server(), inputs=inputs))
    assert (without["enforce"], without["basis"], without["configuration"]) == ("restricted", "label", "none")


def test_the_weakest_of_several_servers_counts(tmp_path: Path) -> None:
    inputs = given(
        tmp_path,
        nodes__cp1__admission__yaml=CONFIGURATION % ("restricted", ""),
        nodes__cp2__admission__yaml=CONFIGURATION % ("baseline", "lab"),
    )
    plain = "apiVersion: v1\nkind: Namespace\nmetadata: {name: %s}\n"
    found = tables(plain % "ehr", plain % "lab", inputs=inputs)
    assert (row(found)["enforce"], row(found)["basis"]) == ("baseline", "default")
    assert row(found, "lab")["basis"] == "exempt"


def test_a_pinned_version_is_held_against_the_newest() -> None:
    old = NAMESPACE.replace("%s", "restricted, pod-security.kubernetes.io/enforce-version: v1.21")
    assert row(tables(old, server()))["lacks"].split()[0] == "capabilities_restricted"
    assert row(tables(NAMESPACE % "restricted", server()))["lacks"] == ""


def test_a_level_of_an_engine_holds_where_its_webhook_sees_every_pod() -> None:
    lab = (NAMESPACE % "privileged").replace("name: ehr", "name: lab")
    found = tables(NAMESPACE % "privileged", lab, HOOK, POLICY, FILTERS)
    assert (row(found)["engine_level"], row(found)["engine_policies"]) == ("baseline", "ClusterPolicy//pss")
    assert row(found, "lab")["engine_level"] == ""
    rules = found["admission_rules"].set_index("namespace")
    assert rules["way"].to_dict() == {"ehr": "refuses", "lab": "not sent"}
    hooks = found["admission_webhooks"].to_dict("records")
    assert [(each["sees"], each["misses"]) for each in hooks] == [("ehr", "lab")]


def test_without_the_filters_of_kyverno_its_level_must_be_read() -> None:
    found = row(tables(NAMESPACE % "privileged", HOOK, POLICY))
    assert (found["engine_level"], found["read"]) == ("", "ClusterPolicy//pss")


def test_policies_about_other_things_are_left_out() -> None:
    other = POLICY.replace("podSecurity: {level: baseline}", "pattern: {metadata: {labels: {team: '?*'}}}")
    assert tables(NAMESPACE % "privileged", HOOK, other, FILTERS)["admission_rules"].empty


def test_mitigations_say_what_is_certain_first() -> None:
    found = tables(NAMESPACE % "baseline", server(), HOOK, POLICY, FILTERS)["pod_admission"]
    assert mitigations(found, "ehr") == (
        "Pod Security enforces baseline, by label",
        "ClusterPolicy//pss enforces baseline",
    )
    assert mitigations(found, "elsewhere") == ()


def test_nothing_mitigates_where_nothing_is_enforced() -> None:
    found = tables(NAMESPACE % "privileged", server())["pod_admission"]
    assert mitigations(found, "ehr") == ()


@pytest.mark.parametrize(
    ("secret", "expected"),
    [
        ("app-token-x7k2p", True),
        ("app-token-x7k2", False),
        ("app-dockercfg-x7k2p", False),
        ("other-token-x7k2p", False),
        ("app-token-x7k2p-old", False),
    ],
)
def test_tokens_without_end_are_known_by_their_names(secret: str, expected: bool) -> None:
    assert is_generated_token(secret, "app") is expected


@pytest.mark.parametrize(
    ("kind_of_secret", "kept"),
    [("type: kubernetes.io/service-account-token", True), ("type: Opaque", False), ("data: {}", True)],
)
def test_a_secret_says_itself_whose_token_it_keeps(kind_of_secret: str, kept: bool) -> None:
    secret = f"""
apiVersion: v1
kind: Secret
metadata: {{name: key, namespace: ehr, annotations: {{kubernetes.io/service-account.name: app}}}}
{kind_of_secret}
"""
    found = tables(secret)["account_secrets"]
    told = [("ServiceAccount/ehr/app", "Secret/ehr/key", True)] if kept else []
    assert list(found.itertuples(index=False, name=None)) == told
