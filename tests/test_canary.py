"""A secret that stands anywhere in a cluster stands nowhere in what the kit writes or says."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.recorded_cluster import RecordedCluster

PLACES = [
    "secretdata", "secretstringdata", "configmapdata", "configmapbinary", "envliteral", "argflag", "argplain",
    "commandscript", "annotation", "podannotation", "lastapplied", "urlpassword", "probeheader", "probequery",
    "customspec", "customlist", "conditionmessage", "terminationmessage", "eventmessage", "managedfields",
    "secretannotation", "cabundle", "hookcommand", "volumeattribute",
]  # fmt: skip


def canary(place: str) -> str:
    return f"Canary7{place}Zq9"


def packed(place: str) -> str:
    return base64.b64encode(canary(place).encode()).decode()


def applied(place: str) -> str:
    return json.dumps({"kind": "Secret", "stringData": {"password": canary(place)}})


def cluster() -> list[dict]:
    container = {
        "name": "app",
        "image": "example/app:1",
        "command": ["sh", "-c", f"exec app --password {canary('commandscript')}"],
        "args": [f"--db-password={canary('argflag')}", canary("argplain")],
        "env": [
            {"name": "PASSWORD", "value": canary("envliteral")},
            {"name": "URL", "value": f"postgres://u:{canary('urlpassword')}@db/ehr"},
        ],
        "lifecycle": {"preStop": {"exec": {"command": ["curl", "-u", canary("hookcommand")]}}},
        "ports": [{"containerPort": 8080}],
        "readinessProbe": {
            "httpGet": {
                "path": f"/ready?token={canary('probequery')}",
                "port": 8080,
                "httpHeaders": [{"name": "Authorization", "value": canary("probeheader")}],
            }
        },
    }
    pod = {
        "metadata": {"labels": {"app": "app"}, "annotations": {"example.com/note": canary("podannotation")}},
        "spec": {"containers": [container], "nodeName": "n1"},
    }
    state = {"terminated": {"reason": "Error", "exitCode": 1, "message": canary("terminationmessage")}}
    condition = {"type": "Ready", "status": "False", "message": canary("conditionmessage")}
    about = {"namespace": "ehr", "uid": "u"}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ehr", "labels": {"hipaa.io/phi": "true"}}},
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {**about, "name": "s", "annotations": {"example.com/copy": canary("secretannotation")}},
            "data": {"password": packed("secretdata")},
            "stringData": {"token": canary("secretstringdata")},
        },
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {**about, "name": "c"},
            "data": {"app.ini": f"password = {canary('configmapdata')}"},
            "binaryData": {"blob": packed("configmapbinary")},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {
                **about,
                "name": "app",
                "annotations": {
                    "example.com/owner": canary("annotation"),
                    "kubectl.kubernetes.io/last-applied-configuration": applied("lastapplied"),
                },
                "managedFields": [{"manager": "kubectl", "fieldsV1": {"f:x": {canary("managedfields"): {}}}}],
            },
            "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "app"}}, "template": pod},
            "status": {"observedGeneration": 1},
        },
        {
            "apiVersion": "v1",
            "kind": "Pod",
            **pod,
            "metadata": {**pod["metadata"], **about, "name": "app-1"},
            "status": {
                "phase": "Running",
                "conditions": [condition],
                "containerStatuses": [{"name": "app", "restartCount": 1, "state": {}, "lastState": state}],
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {**about, "name": "e"},
            "involvedObject": {"kind": "Pod", "namespace": "ehr", "name": "app-1"},
            "reason": "Failed",
            "message": canary("eventmessage"),
        },
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": "pv", "uid": "u"},
            "spec": {"csi": {"driver": "x", "volumeAttributes": {"share": canary("volumeattribute")}}},
        },
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "w", "uid": "u"},
            "webhooks": [{"name": "w", "clientConfig": {"caBundle": packed("cabundle")}}],
        },
        {
            "apiVersion": "databases.example.com/v1",
            "kind": "Database",
            "metadata": {**about, "name": "db"},
            "spec": {"adminPassword": canary("customspec"), "users": [{"login": canary("customlist")}]},
        },
    ]


SCOPE = """
apiVersion: hipaa-kit/v1
kind: Scope
metadata: {name: canary, owner: tests@clinic.example}
entries:
- {namespaceSelector: "hipaa.io/phi=true", owner: a@clinic.example, data_class: ephi, criticality: critical}
"""


def kit(place: Path, *arguments: str) -> str:
    """Run the command line and return everything it said."""
    env = {"HOME": str(place), "PATH": "/usr/bin:/bin", "HIPAA_KIT_KEY_FILE": str(place / "key")}
    done = subprocess.run(
        [sys.executable, "-m", "hipaa_kit", *arguments], cwd=place, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def texts(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield every file below a folder, unpacked, and its name."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        yield name, name.encode()
        if path.is_file():
            raw = path.read_bytes()
            yield name, gzip.decompress(raw) if path.suffix == ".gz" else raw


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[tuple[str, bytes]], str]:
    """Import, collect, inspect and assess the cluster; return every file with its name, and all that was said."""
    place = tmp_path_factory.mktemp("canary")
    (place / "in").mkdir()
    (place / "in" / "objects.yaml").write_text("\n---\n".join(json.dumps(obj) for obj in cluster()))
    (place / "scope.yaml").write_text(SCOPE)
    with RecordedCluster(cluster()) as server:
        config = str(server.kubeconfig(place))
        said = kit(place, "snapshot", "--kubeconfig", config, "--profile", "audit-plus", "-o", "out/live.snap")
        said += kit(place, "snapshot", "--kubeconfig", config, "--profile", "secrets-metadata", "-o", "out/meta.snap")
        assert server.token not in said
    said += kit(place, "import", "in", "-o", "out/dump.snap")
    said += kit(place, "inspect", "out/dump.snap") + kit(place, "inspect", "out/dump.snap", "-f", "json")
    said += kit(place, "assess", "out/dump.snap", "--scope", "scope.yaml", "-o", "out/bundle")
    return list(texts(place / "out")), said


def test_the_canaries_are_in_what_goes_in() -> None:
    planted = json.dumps(cluster())
    assert all(canary(place) in planted or packed(place) in planted for place in PLACES)


@pytest.mark.parametrize("place", PLACES)
def test_a_canary_is_nowhere_in_what_comes_out(written: tuple[list[tuple[str, bytes]], str], place: str) -> None:
    files, said = written
    for form in (canary(place), packed(place), canary(place).lower()):
        assert form not in said
        for name, content in files:
            assert form.encode() not in content, f"{place} stands in {name}"


def test_what_is_looked_through_is_everything(written: tuple[list[tuple[str, bytes]], str]) -> None:
    names = {name for name, _ in written[0]}
    kinds = {name.rsplit(".", 1)[-1] for name in names if "." in name}
    assert {"ipynb", "html", "csv", "json", "gz", "yaml", "txt"} <= kinds
    assert len(names) > 60
