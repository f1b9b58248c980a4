"""What only a real server can show of a connection: pods' own tokens, foreign certificates, aggregated servers."""

from __future__ import annotations

from pathlib import Path

import pytest
from kubernetes.config import incluster_config

from hipaa_kit.kube import kinds
from hipaa_kit.sources.live import collect
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.transport import CollectError
from tests.support.certificates import Authority
from tests.support.live import objects
from tests.support.live.api import until
from tests.support.live.control_plane import ControlPlane
from tests.support.live.rbac import Question, grant, wait_until
from tests.support.snapshots import TEST_KEY

KEY = Pseudonymizer(TEST_KEY)


def test_a_pod_reads_with_the_token_of_its_service_account(
    control_plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api, user = control_plane.admin, "system:serviceaccount:kit:reader"
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "reader", "namespace": "kit"}}
    for obj in (objects.namespace("kit"), account):
        api.create(objects.list_path(obj), obj)
    grant(api, user, [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}], name="kit-reader")
    wait_until(api, {Question(user, "list", "pods"): True})
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}
    issued = api.create(f"{objects.path(account)}/token", asked)["status"]["token"]

    (tmp_path / "token").write_text(issued)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", control_plane.url.rsplit(":", 1)[1])
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(control_plane.authority.certificate))
    snapshot = collect(in_cluster=True, kinds=["Pod", "Node"], pseudonymizer=KEY)
    assert snapshot.coverage.answer(kinds.POD).status == "answered"
    answer = snapshot.coverage.answer(kinds.NODE)
    assert (answer.status, f'User "{user}" cannot list' in answer.error) == ("refused", True)


def test_a_server_that_another_authority_signed_is_not_read(control_plane: ControlPlane, tmp_path: Path) -> None:
    trusted = control_plane.kubeconfig("careful").read_text()
    other = Authority(tmp_path / "pki").certificate
    path = tmp_path / "kubeconfig"
    path.write_text(trusted.replace(str(control_plane.authority.certificate), str(other)))
    with pytest.raises(CollectError, match="certificate was not accepted"):
        collect(kubeconfig=path, pseudonymizer=KEY)
    assert not control_plane.audit_events("careful")


def test_a_group_whose_server_does_not_answer_is_failed_and_not_absent(control_plane: ControlPlane) -> None:
    api, group = control_plane.admin, "down.example.com"
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "down", "namespace": "default"},
        "spec": {"ports": [{"port": 443}]},
    }
    registered = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": f"v1.{group}"},
        "spec": {
            "group": group,
            "version": "v1",
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "insecureSkipTLSVerify": True,
            "service": {"name": "down", "namespace": "default"},
        },
    }
    for obj in (service, registered):
        api.create(objects.list_path(obj), obj)
    try:
        until(lambda: group in str(api.get("/apis")), "the group is announced")
        snapshot = collect(
            kubeconfig=control_plane.kubeconfig("watcher", groups=["system:masters"]), kinds=["Pod"], pseudonymizer=KEY
        )
    finally:
        for obj in (registered, service):
            api.delete(objects.path(obj))
    rows = snapshot.coverage.frame
    [row] = rows[rows["group"] == group].to_dict("records")
    assert row["status"] == "failed"
    assert group in row["error"]
    assert snapshot.coverage.answer(kinds.POD).status == "answered"
