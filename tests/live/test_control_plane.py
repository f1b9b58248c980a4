"""The real API server of the tests is what it should be, and leaves nothing behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.live import objects
from tests.support.live.assets import Assets, AssetsError, find_assets, version
from tests.support.live.control_plane import ControlPlane, StartError


def test_it_is_the_version_that_is_built(control_plane: ControlPlane) -> None:
    if "KUBEBUILDER_ASSETS" in os.environ:
        pytest.skip("the binaries are given")
    assert control_plane.admin.get("/version")["gitVersion"] == version()


def test_secrets_are_encrypted_at_rest_and_other_objects_are_not(control_plane: ControlPlane) -> None:
    control_plane.admin.create("/api/v1/namespaces", objects.namespace("at-rest"))
    place = {"name": "s", "namespace": "at-rest"}
    for kind in ("secrets", "configmaps"):
        obj = {"apiVersion": "v1", "kind": {"secrets": "Secret"}.get(kind, "ConfigMap"), "metadata": place}
        control_plane.admin.create(f"/api/v1/namespaces/at-rest/{kind}", obj)
    assert control_plane.stored("/registry/secrets/at-rest/s").startswith(b"k8s:enc:secretbox:v1:")
    assert control_plane.stored("/registry/configmaps/at-rest/s").startswith(b"k8s\0")


def test_a_certificate_names_user_and_groups(control_plane: ControlPlane) -> None:
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    said = control_plane.api("grace", ["auditors", "night-shift"]).create(
        "/apis/authentication.k8s.io/v1/selfsubjectreviews", review
    )
    user = said["status"]["userInfo"]
    assert user["username"] == "grace"
    assert {"auditors", "night-shift", "system:authenticated"} == set(user["groups"])


def test_nobody_is_allowed_anything_without_a_role(control_plane: ControlPlane) -> None:
    assert control_plane.api("nobody").request("GET", "/api/v1/nodes").status == 403


def test_every_request_is_in_the_audit_log_when_it_is_answered(control_plane: ControlPlane) -> None:
    someone = control_plane.api("audited")
    for _ in range(50):
        someone.request("GET", "/api/v1/pods?limit=1")
    events = control_plane.audit_events("audited")
    assert [(event["verb"], event["requestURI"]) for event in events] == [("list", "/api/v1/pods?limit=1")] * 50


def test_both_processes_end_with_the_test_even_when_it_fails(live_assets: Assets) -> None:
    plane = ControlPlane(live_assets)
    with pytest.raises(ZeroDivisionError), plane:
        raise ZeroDivisionError
    assert [process.poll() is not None for process in plane.processes] == [True, True]
    assert not plane.folder.exists()


def test_a_server_that_dies_is_a_failure_with_its_last_words(live_assets: Assets) -> None:
    plane = ControlPlane(live_assets, flags=["--no-such-flag"])
    with pytest.raises(StartError, match="unknown flag: --no-such-flag"), plane:
        pass
    assert [process.poll() is not None for process in plane.processes] == [True, True]


def test_named_binaries_that_are_not_there_are_a_failure_and_no_skip(tmp_path: Path) -> None:
    with pytest.raises(AssetsError, match="kube-apiserver"):
        find_assets({"KUBEBUILDER_ASSETS": str(tmp_path)})
    with pytest.raises(AssetsError, match="etcd"):
        find_assets({"TEST_ASSET_ETCD": str(tmp_path / "etcd")})


def test_binaries_that_cannot_be_run_are_a_failure(tmp_path: Path) -> None:
    for name in ("etcd", "kube-apiserver", "kubectl"):
        (tmp_path / name).write_text("#!/bin/sh\necho broken binary >&2\nexit 3\n")
        (tmp_path / name).chmod(0o755)
    assets = find_assets({"KUBEBUILDER_ASSETS": str(tmp_path)})
    assert assets
    with pytest.raises(StartError, match="broken binary"), ControlPlane(assets):
        pass


def test_without_names_the_cache_counts_and_an_unfinished_build_does_not(tmp_path: Path) -> None:
    built = tmp_path / "hipaa-kit" / "envtest" / version()
    built.mkdir(parents=True)
    assert find_assets({"XDG_CACHE_HOME": str(tmp_path)}) is None
    (built / ".built-from").touch()
    found = find_assets({"XDG_CACHE_HOME": str(tmp_path)})
    assert found
    assert found.apiserver == built / "kube-apiserver"


def test_single_binaries_overrule_the_folder(tmp_path: Path) -> None:
    for name in ("etcd", "kube-apiserver", "kubectl", "other"):
        (tmp_path / name).touch(mode=0o755)
    found = find_assets({"KUBEBUILDER_ASSETS": str(tmp_path), "TEST_ASSET_KUBE_APISERVER": str(tmp_path / "other")})
    assert found
    assert (found.apiserver.name, found.etcd.name) == ("other", "etcd")
