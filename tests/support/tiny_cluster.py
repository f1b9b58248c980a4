"""One tiny cluster, written in every layout that the kit reads.

Two namespaces of which one holds ePHI, a pod each, a policy, a role bound across namespaces, an administrator,
a storage class, a Secret with a canary, and a custom resource with its definition.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

CANARY = "CANARY-9f3b-tiny-cluster"
NAMESPACES = ("ehr", "kube-system", "web")

PLURALS = {
    "Namespace": "namespaces",
    "Node": "nodes",
    "Pod": "pods",
    "Service": "services",
    "ServiceAccount": "serviceaccounts",
    "Secret": "secrets",
    "Event": "events",
    "ReplicationController": "replicationcontrollers",
    "DaemonSet": "daemonsets",
    "Deployment": "deployments",
    "ReplicaSet": "replicasets",
    "NetworkPolicy": "networkpolicies",
    "Role": "roles",
    "RoleBinding": "rolebindings",
    "ClusterRole": "clusterroles",
    "ClusterRoleBinding": "clusterrolebindings",
    "StorageClass": "storageclasses",
    "CustomResourceDefinition": "customresourcedefinitions",
    "Schedule": "schedules",
}
VERSIONS = {
    "DaemonSet": "apps/v1",
    "Deployment": "apps/v1",
    "ReplicaSet": "apps/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "Role": "rbac.authorization.k8s.io/v1",
    "RoleBinding": "rbac.authorization.k8s.io/v1",
    "ClusterRole": "rbac.authorization.k8s.io/v1",
    "ClusterRoleBinding": "rbac.authorization.k8s.io/v1",
    "StorageClass": "storage.k8s.io/v1",
    "CustomResourceDefinition": "apiextensions.k8s.io/v1",
    "Schedule": "velero.io/v1",
}


def version(kind: str) -> str:
    """Return the apiVersion of a kind."""
    return VERSIONS.get(kind, "v1")


def group(kind: str) -> str:
    """Return the API group of a kind."""
    return version(kind).rpartition("/")[0]


def _object(kind: str, name: str, namespace: str = "", *, labels: dict[str, str] | None = None, **rest: Any) -> dict:
    metadata: dict[str, Any] = {"name": name, "uid": f"uid-{kind}-{namespace}-{name}".lower(), "resourceVersion": "7"}
    metadata |= {"namespace": namespace} if namespace else {}
    metadata |= {"labels": labels} if labels else {}
    return {"apiVersion": version(kind), "kind": kind, "metadata": metadata, **rest}


def _pod(name: str, namespace: str, account: str, address: str) -> dict:
    container = {"name": "c", "image": "registry.example/app:1", "env": [{"name": "PASSWORD", "value": CANARY}]}
    spec = {"serviceAccountName": account, "nodeName": "n1", "containers": [container]}
    return _object(
        "Pod", name, namespace, labels={"app": name}, spec=spec, status={"podIP": address, "phase": "Running"}
    )


RBAC = "rbac.authorization.k8s.io"
OBJECTS = [
    _object("Namespace", "ehr", labels={"hipaa.io/phi": "true"}),
    _object("Namespace", "kube-system"),
    _object("Namespace", "web"),
    _object("Node", "n1", status={"nodeInfo": {"kubeletVersion": "v1.33.1"}}),
    _pod("db-0", "ehr", "db", "10.0.0.5"),
    _pod("front-0", "web", "default", "10.0.0.6"),
    _object("Service", "db", "ehr", spec={"selector": {"app": "db-0"}, "ports": [{"port": 5432}]}),
    _object("ServiceAccount", "db", "ehr"),
    _object("NetworkPolicy", "deny", "ehr", spec={"podSelector": {}, "policyTypes": ["Ingress"]}),
    _object("Role", "reader", "ehr", rules=[{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]),
    _object(
        "RoleBinding", "readers", "ehr",
        roleRef={"apiGroup": RBAC, "kind": "Role", "name": "reader"},
        subjects=[{"kind": "ServiceAccount", "name": "default", "namespace": "web"}],
    ),
    _object("ClusterRole", "cluster-admin", rules=[{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]),
    _object(
        "ClusterRoleBinding", "admins",
        roleRef={"apiGroup": RBAC, "kind": "ClusterRole", "name": "cluster-admin"},
        subjects=[{"kind": "Group", "name": "system:masters", "apiGroup": RBAC}],
    ),
    _object("StorageClass", "enc", provisioner="ebs.csi.aws.com", parameters={"encrypted": "true"}),
    _object(
        "CustomResourceDefinition", "schedules.velero.io",
        spec={"group": "velero.io", "scope": "Namespaced", "names": {"kind": "Schedule", "plural": "schedules"}},
    ),
    _object("Schedule", "daily", "ehr", spec={"schedule": "0 1 * * *"}),
    _object("Secret", "pw", "ehr", type="Opaque", data={"p": base64.b64encode(CANARY.encode()).decode()}),
]  # fmt: skip
"""The cluster."""


def of(kind: str, namespace: str | None = None) -> list[dict]:
    """Return the objects of a kind, of one namespace or of all."""
    found = [each for each in OBJECTS if each["kind"] == kind]
    return [each for each in found if namespace is None or each["metadata"].get("namespace") == namespace]


def bare(items: Iterable[dict]) -> list[dict]:
    """Return objects as items of a typed list: without what they are."""
    return [{key: value for key, value in item.items() if key not in ("apiVersion", "kind")} for item in items]


def typed(kind: str, items: list[dict], *, named: bool = False) -> dict:
    """Return a typed list as an API server writes it."""
    held = items if named else bare(items)
    return {"kind": f"{kind}List", "apiVersion": version(kind), "metadata": {"resourceVersion": "9"}, "items": held}


def as_list(items: list[dict]) -> dict:
    """Return the list that kubectl writes."""
    return {"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}}


class Writer:
    """Writes files below a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, path: str, content: Any) -> None:
        """Write text as it is, bytes as they are, and anything else as JSON or YAML by the file's name."""
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            place.write_bytes(content)
        elif isinstance(content, str):
            place.write_text(content)
        else:
            text = json.dumps(content, indent=1) if path.endswith(".json") else yaml.safe_dump(content, sort_keys=True)
            place.write_text(text)


def kubectl(write: Writer) -> None:
    """Typed lists with a record of every request."""
    lists = []
    for kind, plural in PLURALS.items():
        if kind in ("Secret", "Event"):
            continue
        name = f"{plural}.{version(kind).replace('/', '_')}"
        write(f"{name}.json", typed(kind, of(kind)))
        write(f"{name}.rc", "0\n")
        spaced = "true" if any("namespace" in each["metadata"] for each in of(kind)) else "false"
        lists.append(f"{plural} {version(kind)} {spaced} {kind}")
    write("api-resources.txt", "\n".join(lists))


def cluster_info(write: Writer) -> None:
    """`kubectl cluster-info dump --all-namespaces --output-directory`."""
    write("nodes.json", typed("Node", of("Node")))
    names = {"events": "Event", "replication-controllers": "ReplicationController"}
    names |= {PLURALS[kind]: kind for kind in ("Service", "DaemonSet", "Deployment", "ReplicaSet", "Pod")}
    for namespace in NAMESPACES:
        for name, kind in names.items():
            write(f"{namespace}/{name}.json", typed(kind, of(kind, namespace)))
        for pod in of("Pod", namespace):
            write(
                f"{namespace}/{pod['metadata']['name']}/logs.txt", f"==== START logs ====\n{json.dumps(OBJECTS[0])}\n"
            )


def cluster_info_stream() -> str:
    """Return the same without a folder: logs between documents, one of which looks like an object."""
    parts = [json.dumps(typed("Node", of("Node")), indent=1)]
    for namespace in NAMESPACES:
        parts += [json.dumps(typed(kind, of(kind, namespace)), indent=1) for kind in ("Event", "Service", "Pod")]
        for pod in of("Pod", namespace):
            name = f"c of pod {namespace}/{pod['metadata']['name']}"
            fake = json.dumps({**pod, "metadata": {"name": "from-a-log", "namespace": namespace}})
            parts.append(
                f"==== START logs for container {name} ====\n{fake}\nno newline==== END logs for container {name} ===="
            )
    return "\n".join(parts) + "\n"


def must_gather(write: Writer) -> None:
    """`oc adm must-gather`, with every pod twice."""
    image = "registry-example-sha256-abc"
    write(f"{image}/version", "openshift/must-gather\n4.18.0\n")
    write(f"{image}/timestamp", "2026-08-03 12:11:56.915 +0200 CEST m=+1.65\n2026-08-03 12:15:00 +0200 CEST\n")
    for kind in ("Node", "ClusterRole", "StorageClass", "CustomResourceDefinition"):
        for each in of(kind):
            folder = f"{image}/cluster-scoped-resources/{group(kind) or 'core'}/{PLURALS[kind]}"
            write(f"{folder}/{each['metadata']['name']}.yaml", "---\n" + yaml.safe_dump(each))
    for namespace in NAMESPACES:
        base = f"{image}/namespaces/{namespace}"
        (own,) = [each for each in of("Namespace") if each["metadata"]["name"] == namespace]
        write(f"{base}/{namespace}.yaml", "---\n" + yaml.safe_dump(own))
        for kind in ("Pod", "Service", "Secret", "Event", "Deployment"):
            write(f"{base}/{group(kind) or 'core'}/{PLURALS[kind]}.yaml", typed(kind, of(kind, namespace), named=True))
        for each in of("Schedule", namespace):
            write(f"{base}/velero.io/schedules/{each['metadata']['name']}.yaml", each)
        for pod in of("Pod", namespace):
            name = pod["metadata"]["name"]
            write(f"{base}/pods/{name}/{name}.yaml", pod)
            write(f"{base}/pods/{name}/c/c/logs/current.log", "")
    write(f"{image}/network_logs/cluster_scale", "network policies amount: 3\n")
    write(f"{image}/audit_logs/kube-apiserver/n1-audit.log.gz", gzip.compress(b'{"kind":"Event"}\n'))
    write(f"{image}/audit_logs/kube-apiserver.audit_logs_listing", "n1 audit.log\n")


def insights(write: Writer) -> None:
    """An archive of the Insights operator: one file per object, which its folder alone gives a kind."""
    folders = {
        "Node": "config/node",
        "Pod": "config/pod",
        "StorageClass": "config/storage/storageclasses",
        "CustomResourceDefinition": "config/crd",
    }
    for kind, folder in folders.items():
        for each in bare(of(kind)):
            parts = [folder, each["metadata"].get("namespace", ""), f"{each['metadata']['name']}.json"]
            write("/".join(part for part in parts if part), each)
    write("config/infrastructure.json", {"metadata": {"name": "cluster"}, "spec": {}})
    write("config/pod/ehr/logs/db-0/errors.log", "no answer\n")
    write("insights-operator/gathers.json", {"status_reports": []})


def troubleshoot(write: Writer, *, old: bool = False) -> None:
    """A support bundle, in the names of today or of old."""
    root = "support-bundle-2026-11-23T09_00_00"
    write(f"{root}/version.yaml", {"apiVersion": "troubleshoot.sh/v1beta2", "kind": "SupportBundle"})
    write(f"{root}/cluster-info/cluster_version.json", {"info": {"gitVersion": "v1.33.1"}, "string": "v1.33.1"})
    base = f"{root}/cluster-resources"
    whole = {
        "namespaces": "Namespace",
        "nodes": "Node",
        "storage-classes": "StorageClass",
        "clusterroles": "ClusterRole",
    }
    whole |= {"clusterRoleBindings" if old else "clusterrolebindings": "ClusterRoleBinding"}
    whole |= {"custom-resource-definitions": "CustomResourceDefinition"}
    for name, kind in whole.items():
        write(f"{base}/{name}.json", typed(kind, of(kind), named=True))
    folders = {"pods": "Pod", "services": "Service", "network-policy": "NetworkPolicy", "roles": "Role"}
    folders |= {"rolebindings": "RoleBinding", "deployments": "Deployment"} | (
        {} if old else {"serviceaccounts": "ServiceAccount"}
    )
    for name, kind in folders.items():
        for namespace in NAMESPACES:
            if (name, namespace) != ("network-policy", "web"):
                write(f"{base}/{name}/{namespace}.json", typed(kind, of(kind, namespace), named=True))
    write(f"{base}/network-policy-errors.json", {"web": 'networkpolicies is forbidden: User "x" cannot list'})
    write(f"{base}/namespaces-errors.json", "null")
    suffix = "yaml" if old else "json"
    write(f"{base}/custom-resources/schedules.velero.io/ehr.{suffix}", of("Schedule"))
    if not old:
        (write.folder / f"{base}/custom-resources/schedules.velero.io/ehr.yaml").symlink_to("ehr.json")
    write(f"{base}/auth-cani-list/ehr.json", [{"verbs": ["list"], "apiGroups": [""], "resources": ["pods"]}])
    write(f"{base}/pods/logs/ehr/db-0/c.log", json.dumps(of("Pod")[0]))
    write(f"{root}/secrets/ehr/pw/p.json", {"value": CANARY})


def damaged(value: Any) -> Any:
    """Return what Rancher's collector makes of an object: empty texts become the word null."""
    if isinstance(value, dict):
        return {key: damaged(each) for key, each in value.items()}
    if isinstance(value, list):
        return [damaged(each) for each in value]
    return "null" if value == "" else value


def rancher(write: Writer, *, old: bool = False) -> None:
    """A bundle of support-bundle-kit."""
    root = "supportbundle_1234_2026-11-23T09-00-00Z"
    write(f"{root}/metadata.yaml", {"projectName": "harvester"})
    for kind in ("Namespace", "Node", "ClusterRole", "ClusterRoleBinding", "StorageClass"):
        folder = "kubernetes" if old else version(kind)
        write(f"{root}/yamls/cluster/{folder}/{PLURALS[kind]}.yaml", damaged(as_list(of(kind))))
    for kind in ("Pod", "Service", "ServiceAccount", "NetworkPolicy", "Role", "RoleBinding", "Deployment"):
        folder = "kubernetes" if old else version(kind)
        for namespace in ("ehr", "kube-system"):
            write(
                f"{root}/yamls/namespaced/{namespace}/{folder}/{PLURALS[kind]}.yaml",
                damaged(as_list(of(kind, namespace))),
            )
    failed = "Failed to get https://10.0.0.1/apis/policy/v1/namespaces/ehr/poddisruptionbudgets: poddisruptionbudgets is forbidden"
    write(f"{root}/bundleGenerationError.log", f"{failed}\n")


def tarball(write: Writer, path: str, files: dict[str, bytes]) -> None:
    """Write a tar.gz."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as archive:
        for name, raw in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(raw)
            archive.addfile(info, io.BytesIO(raw))
    write(path, held.getvalue())


def velero(
    write: Writer, *, old: bool = False, phase: str = "Completed", name: str = "daily-1", beside: bool = True
) -> None:
    """A backup as it lies in a bucket: every object twice, unless the format is old."""
    files = {"metadata/version": b"1.1.0\n" if not old else b"1\n"}
    listed: dict[str, list[str]] = {}
    for each in OBJECTS:
        kind, metadata = each["kind"], each["metadata"]
        resource = PLURALS[kind] + (f".{group(kind)}" if group(kind) else "")
        place = f"namespaces/{metadata['namespace']}" if "namespace" in metadata else "cluster"
        raw = json.dumps(each).encode()
        files[f"resources/{resource}/{place}/{metadata['name']}.json"] = raw
        if not old:
            preferred = f"{version(kind).rpartition('/')[2]}-preferredversion"
            files[f"resources/{resource}/{preferred}/{place}/{metadata['name']}.json"] = raw
        listed.setdefault(f"{version(kind)}/{kind}", []).append(
            "/".join(filter(None, [metadata.get("namespace"), metadata["name"]]))
        )
    tarball(write, f"{name}/{name}.tar.gz", files)
    if beside:
        spec = {"includedNamespaces": ["*"], "excludedResources": ["events"]}
        status = {"phase": phase, "startTimestamp": "2026-11-23T01:00:00Z", "formatVersion": "1.1.0"}
        backup = {
            "apiVersion": "velero.io/v1",
            "kind": "Backup",
            "metadata": {"name": name},
            "spec": spec,
            "status": status,
        }
        write(f"{name}/velero-backup.json", backup)
        write(f"{name}/{name}-resource-list.json.gz", gzip.compress(json.dumps(listed).encode()))


def kubehound(write: Writer) -> None:
    """A dump of KubeHound: files that name the kind, lists that do not."""
    run = {
        "run_id": "01htdgjj34mcmrrksw4bjy2e94",
        "cluster": {"name": "prod", "version_major": "1", "version_minor": "33"},
    }
    write("metadata.json", {**run, "metrics": {"dump_time": "2026-11-23T09:00:00Z"}})
    for kind in ("Node", "ClusterRole", "ClusterRoleBinding"):
        name = PLURALS[kind] + (f".{group(kind)}" if group(kind) else "")
        write(f"{name}.json", {"metadata": {}, "items": bare(of(kind))})
    for namespace in ("ehr", "web"):
        for kind in ("Pod", "Role", "RoleBinding"):
            name = PLURALS[kind] + (f".{group(kind)}" if group(kind) else "")
            if of(kind, namespace):
                write(f"{namespace}/{name}.json", {"metadata": {}, "items": bare(of(kind, namespace))})


def icekube(write: Writer) -> None:
    """A download of IceKube: bare arrays."""
    write(
        "_metadata.json", {"kube_version": "v1.33.1", "context_name": "prod", "api_resources": [], "api_versions": []}
    )
    for kind in PLURALS:
        name = PLURALS[kind] + (f".{group(kind)}" if group(kind) else "")
        if of(kind):
            write(f"{name}.json", of(kind))


def sonobuoy(write: Writer, *, old: bool = False) -> None:
    """Sonobuoy results; old ones name the kind in the file alone."""
    asked = ["Node", "ClusterRole", "ClusterRoleBinding", "StorageClass", "CustomResourceDefinition"]
    spaced = ["Pod", "Service", "ServiceAccount", "Role", "RoleBinding", "Deployment", "Secret"] + (
        [] if old else ["NetworkPolicy"]
    )
    asked += [] if old else ["Namespace"]
    queries: list[dict[str, Any]] = [{"queryobj": PLURALS[kind], "time": "1ms"} for kind in asked]
    for kind in asked:
        if of(kind):
            write(f"resources/cluster/{_sonobuoy_name(kind, old)}.json", bare(of(kind)) if old else of(kind))
    for namespace in NAMESPACES:
        for kind in spaced:
            query: dict[str, Any] = {"queryobj": PLURALS[kind], "namespace": namespace, "time": "1ms"}
            if (kind, namespace) == ("ServiceAccount", "web"):
                query["error"] = {"ErrStatus": {"message": "serviceaccounts is forbidden", "code": 403}}
            queries.append(query)
            if items := of(kind, namespace):
                write(f"resources/ns/{namespace}/{_sonobuoy_name(kind, old)}.json", bare(items) if old else items)
    write("meta/query-time.json", queries)
    write("meta/config.json", {"Resources": [], "Filters": {"Namespaces": ".*", "LabelSelector": ""}})
    write("serverversion.json", {"gitVersion": "v1.33.1"})


def _sonobuoy_name(kind: str, old: bool) -> str:
    if old:
        return {"NetworkPolicy": "NetworkPolicies", "StorageClass": "StorageClasses"}.get(kind, f"{kind}s")
    return f"{group(kind) or 'core'}_v1_{PLURALS[kind]}"


def zipped(folder: Path, archive: Path) -> Path:
    """Pack a folder as a zip archive."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                packed.write(path, path.relative_to(folder).as_posix())
    return archive
