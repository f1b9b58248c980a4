"""The reader's role is what the checks declare: no more, no less."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from kubernetes import client

from hipaa_kit.assess.facade import Assessment, registered_checks
from hipaa_kit.assess.opening import open_any
from hipaa_kit.assess.reader import (
    Subject,
    declared_kinds,
    kinds_beside,
    needed_kinds,
    reader_role,
    rules,
    service_account,
)
from hipaa_kit.errors import InputError
from hipaa_kit.inventory.registry import BUILDERS, kinds_behind
from hipaa_kit.kube import custom_kinds, kinds
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.resources import shipped
from hipaa_kit.sources.live import collect
from hipaa_kit.sources.profiles import PROFILES
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.scope import load_scope
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.views.reader import manifests_text
from tests.support.recorded_cluster import RecordedCluster
from tests.support.snapshots import TEST_KEY

CLINIC = shipped("data") / "clinic"
CUSTOM = {
    "aquasecurity.github.io": "https://aquasecurity.github.io/trivy-operator/latest/docs/crds/",
    "openreports.io": "https://openreports.io",
    "policy.networking.k8s.io": "https://network-policy-api.sigs.k8s.io",
    "snapshot.storage.k8s.io": "https://kubernetes.io/docs/concepts/storage/volume-snapshots/",
    "wgpolicyk8s.io": "https://github.com/kubernetes-sigs/wg-policy-prototypes",
}
"""API groups that come as custom resources, beside those of `kube.custom_kinds`, and where they are defined."""


def granted(objects: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {
        (group, resource)
        for obj in objects
        for rule in obj.get("rules", [])
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }


def test_the_role_is_the_union_of_what_tables_and_checks_declare() -> None:
    built = {kind for name in BUILDERS for kind in kinds_behind(name)}
    checked = {kind for check in registered_checks().values() for kind in check.kinds}
    assert checked <= built == set(declared_kinds())
    left_out = {(kind.group, kind.resource) for kind in (kinds.SECRET, kinds.CONFIG_MAP, kinds.EVENT)}
    wanted = {(kind.group, kind.resource) for kind in (*built, *kinds_beside("audit"))} - left_out
    assert granted(reader_role("audit")) == wanted


def test_the_role_lets_what_makes_secrets_be_read_and_no_secret() -> None:
    beside = set(kinds_beside("audit"))
    names = {kind.resource for kind in beside}
    assert {"externalsecrets", "secretstores", "sealedsecrets", "secretproviderclasses", "vaultstaticsecrets"} <= names
    assert beside <= set(custom_kinds.CUSTOM) - set(declared_kinds())
    assert kinds_beside("minimal") == ()
    assert ("external-secrets.io", "secretstores") in granted(reader_role("audit", ["ehr"]))
    assert ("operator.openshift.io", "kubeapiservers") not in granted(reader_role("audit", ["ehr"]))


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("namespaces", [[], ["ehr", "lab"]])
def test_no_role_writes_or_reaches_further_than_it_says(profile: str, namespaces: list[str]) -> None:
    objects = reader_role(profile, namespaces, [Subject("User", "ann")])
    told = [rule for obj in objects for rule in obj.get("rules", [])]
    assert told
    assert {verb for rule in told for verb in rule["verbs"]} <= {"get", "list"}
    assert all(set(rule) == {"apiGroups", "resources", "verbs"} for rule in told)
    names = {name for rule in told for name in [*rule["apiGroups"], *rule["resources"]]}
    assert not [name for name in names if "*" in name or "/" in name]
    if profile != "secrets-metadata":
        assert "secrets" not in names
    if namespaces:
        assert {obj["kind"] for obj in objects} == {"Role", "RoleBinding"}
        assert {obj["metadata"]["namespace"] for obj in objects} == set(namespaces)
        assert not names & {kind.resource for kind in declared_kinds() if not kind.namespaced}


def test_secrets_are_listed_at_most() -> None:
    assert rules([kinds.SECRET, kinds.POD]) == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]},
    ]


def test_profiles_ask_for_more_and_more() -> None:
    minimal, audit, plus = (set(needed_kinds(name)) for name in ("minimal", "audit", "audit-plus"))
    assert minimal < audit <= plus
    assert kinds.EVENT in plus - audit


def test_every_group_and_resource_exists() -> None:
    """The official client knows every path that Kubernetes itself serves."""
    paths = {
        path
        for module in Path(client.__file__).parent.glob("api/*_api.py")
        for path in re.findall(r"['\"](/apis?/[^'\"{}]*)['\"]", module.read_text(encoding="utf-8"))
    }
    known = set()
    for path in paths:
        if found := re.fullmatch(r"/(?:api/v1|apis/([^/]+)/[^/]+)/([a-z]+)", path):
            known.add((found[1] or "", found[2]))
    known |= {(kind.group, kind.resource) for kind in custom_kinds.CUSTOM}
    strange = {each for each in granted(reader_role("audit-plus")) if each not in known and each[0] not in CUSTOM}
    assert len(known) > 50
    assert not strange


def test_the_role_is_bound_to_whom_it_is_for() -> None:
    subjects = [service_account("kit:reader"), Subject("User", "ann"), Subject("Group", "auditors")]
    objects = list(yaml.safe_load_all(manifests_text(reader_role("audit", (), subjects), ["made"])))
    assert [obj["kind"] for obj in objects] == ["ServiceAccount", "ClusterRole", "ClusterRoleBinding"]
    account, role, binding = objects
    assert account["automountServiceAccountToken"] is False
    assert binding["roleRef"] == {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "ClusterRole",
        "name": role["metadata"]["name"],
    }
    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "name": "reader", "namespace": "kit"},
        {"kind": "User", "name": "ann", "apiGroup": "rbac.authorization.k8s.io"},
        {"kind": "Group", "name": "auditors", "apiGroup": "rbac.authorization.k8s.io"},
    ]


@pytest.mark.parametrize("text", ["reader", ":reader", "kit:", "a:b:c", ""])
def test_a_service_account_is_named_with_its_namespace(text: str) -> None:
    with pytest.raises(InputError, match="NAMESPACE:NAME"):
        service_account(text)


# With the role, on a server that lets it read this and nothing else ---------------------------------


@cache
def clinic_objects() -> list[dict[str, Any]]:
    held = open_any(CLINIC)
    whole = []
    for group, name in held.kinds():
        kind = kinds.find(group, name)
        version = f"{group}/v1" if group else "v1"
        place = [{"apiVersion": version, "kind": name, **obj} for obj in held.objects(name, group)]
        whole += place if kind else []
    return whole


def collected(folder: Path, allowed: set[tuple[str, str]], beside: Collection[Kind] = ()) -> Snapshot:
    """Collect the clinic from a server that allows these (group, resource) and refuses the rest."""
    serve = {*kinds.BUILT_IN, *declared_kinds(), *beside}
    cluster = RecordedCluster(
        clinic_objects(),
        serve=serve,
        granted=allowed,
        aggregated=True,
    )
    with cluster:
        made = collect(
            kubeconfig=cluster.kubeconfig(folder), expected=declared_kinds(), pseudonymizer=Pseudonymizer(TEST_KEY)
        )
    assert {request.method for request in cluster.log} == {"GET"}
    return made


def verdicts(snapshot: Snapshot, checks: Collection[str] = ()) -> dict[tuple[str, str], str]:
    """The verdicts of all checks, or of some."""
    run = Assessment(snapshot, load_scope(CLINIC / "scope.yaml"), as_of="2026-11-20T02:00:00Z")
    run.checks = [check for check in run.checks if not checks or check.id in checks]
    findings = run.findings()
    return {(check, name): verdict for check, name, verdict in findings[["check", "object", "verdict"]].to_numpy()}


@pytest.fixture(scope="module")
def with_role(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return collected(tmp_path_factory.mktemp("role"), granted(reader_role("audit")))


def test_with_the_role_all_that_the_checks_declare_is_answered(with_role: Snapshot) -> None:
    needed = set(needed_kinds("audit"))
    for kind in needed:
        answer = with_role.coverage.answer(kind)
        assert answer.status == "answered", answer.line()
    asked = with_role.coverage.frame
    answered = asked[asked["status"] == "answered"]
    assert set(zip(answered["group"], answered["kind"], strict=True)) == {kind[:2] for kind in needed}
    assert "refused" in set(asked["status"])


def test_with_the_role_what_is_taken_besides_is_answered_where_it_is_served(
    tmp_path: Path, with_role: Snapshot
) -> None:
    beside = kinds_beside("audit")
    served = collected(tmp_path, granted(reader_role("audit")), beside)
    assert {served.coverage.answer(kind).status for kind in beside} == {"answered"}
    # The clinic holds the definitions of some, which the server here does not serve.
    assert {with_role.coverage.answer(kind).status for kind in beside} == {"absent", "not_asked"}


@pytest.fixture(scope="module")
def with_all(with_role: Snapshot) -> dict[tuple[str, str], str]:
    """The verdicts of all checks with every right of the role."""
    return verdicts(with_role)


def behind_checks() -> list[Kind]:
    """Kinds that checks read: those of Kubernetes, and a dozen of the others unless all are asked for."""
    read = {kind for check in registered_checks().values() for kind in check.kinds}
    kept = sorted(read.intersection(needed_kinds("audit")))
    own = [kind for kind in kept if kinds.find(kind.group, kind.kind)]
    custom = [kind for kind in kept if kind not in own]
    return kept if os.environ.get("HIPAA_KIT_EVERY_RIGHT") else own + Random(7).sample(custom, 12)


@pytest.mark.parametrize("kind", behind_checks(), ids=lambda kind: kind.kind)
def test_without_one_right_only_the_checks_that_need_it_change(
    kind: Kind, tmp_path: Path, with_role: Snapshot, with_all: dict[tuple[str, str], str]
) -> None:
    lost = collected(tmp_path, granted(reader_role("audit")) - {(kind.group, kind.resource)})
    answer = lost.coverage.answer(kind)
    assert answer.status == "refused"
    assert f'cannot list resource "{kind.resource}"' in answer.error
    every = registered_checks()
    need = [check.id for check in every.values() if kind in check.kinds]
    known = [check for check in every.values() if "coverage" not in check.tables and not check.judges_findings]
    others = [check.id for check in known if check.id not in need]
    asked = {*need, *Random(kind.resource).sample(others, min(12, len(others)))}
    after = verdicts(lost, asked)
    for check in asked:
        mine = {key: verdict for key, verdict in after.items() if key[0] == check}
        if check in others:
            assert mine == {key: verdict for key, verdict in with_all.items() if key[0] == check}, check
            continue
        assert "not_assessed" in mine.values(), check
        # Pods whose owner cannot be read are judged under the name of what owns them directly, which was not judged
        # before; what stood at the threshold of a share of all pods may go beyond it then.
        was = {key: with_all.get(key, "fail") for key, verdict in mine.items() if verdict == "fail"}
        assert set(was.values()) <= {"fail", "not_assessed"}, check
        assert not [key for key, verdict in mine.items() if verdict == "pass" and with_all.get(key) != "pass"], check
