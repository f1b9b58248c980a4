"""One face for the recorded and the real API server, so that the same tests hold against both."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from hipaa_kit.kube.kinds import Kind
from tests.support.certificates import Authority
from tests.support.live import objects
from tests.support.live.api import until
from tests.support.live.control_plane import ControlPlane
from tests.support.live.rbac import READ, grant, wait_until_allowed
from tests.support.recorded_cluster import RecordedCluster

NUMBERS = itertools.count(1)
METHODS = {"get": "GET", "list": "GET"}
"""The method behind a verb of the audit log, for reads; a watch stays one."""


class Subject(Protocol):
    """A server under contract, with one identity that reads it."""

    user: str

    def create(self, *objects: Mapping[str, Any]) -> None:
        """Create objects; a CustomResourceDefinition is served when this returns."""

    def delete(self, obj: Mapping[str, Any]) -> None:
        """Delete an object."""

    def kubeconfig(
        self, *, refused: Mapping[str, Collection[str]] | None = None, identity: str = "certificate"
    ) -> Path:
        """Return a kubeconfig of the reader: everything may be listed, but for refused resources.

        `refused` gives of each resource (plural) the namespaces in which it may be listed all the same.
        `identity` is `certificate`, `token` or `unknown`, a token that nobody issued.
        """

    def expire_lists(self) -> None:
        """Make every list that was begun impossible to continue as it was."""

    def asked(self) -> list[tuple[str, str]]:
        """Return method and path, with query, of every request that the reader sent."""


class Recorded:
    """The recorded cluster under contract."""

    user = "reader"

    def __init__(self, cluster: RecordedCluster, authority: Authority, folder: Path) -> None:
        self.cluster, self.authority, self.folder = cluster, authority, folder

    def create(self, *objects: Mapping[str, Any]) -> None:
        """Take the objects, and serve the kinds that definitions define."""
        for obj in objects:
            self.cluster.create(obj)
            if obj["kind"] == "CustomResourceDefinition":
                self.cluster.serve(_defined(obj), obj["spec"]["versions"][0]["name"])

    def delete(self, obj: Mapping[str, Any]) -> None:
        """Drop the object."""
        self.cluster.delete(obj)

    def kubeconfig(
        self, *, refused: Mapping[str, Collection[str]] | None = None, identity: str = "certificate"
    ) -> Path:
        """Refuse these resources from now on."""
        held = refused or {}
        self.cluster.deny = lambda resource, namespace: resource in held and namespace not in held[resource]
        token = {"unknown": "nobody-issued-this"}.get(identity)
        if identity != "certificate":
            return self.cluster.kubeconfig(self.folder, token)
        certificate, key = self.authority.client(self.user)
        credentials = {"client-certificate": str(certificate), "client-key": str(key)}
        return self.cluster.kubeconfig(self.folder, credentials=credentials)

    def expire_lists(self) -> None:
        """Forget the past."""
        self.cluster.compact()

    def asked(self) -> list[tuple[str, str]]:
        """Return the log of the server."""
        return [(request.method, request.url) for request in self.cluster.log]


class Real:
    """A real API server under contract; every subject is a user of its own."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane, self.user = plane, f"contract-{next(NUMBERS)}"
        self._start = plane.audit_log.stat().st_size

    def create(self, *created: Mapping[str, Any]) -> None:
        """Create the objects by the API."""
        for obj in created:
            self.plane.admin.create(objects.list_path(obj), obj)
            if obj["kind"] == "CustomResourceDefinition":
                self._wait_served(obj)

    def delete(self, obj: Mapping[str, Any]) -> None:
        """Delete the object at once."""
        self.plane.admin.request("DELETE", objects.path(obj), {"gracePeriodSeconds": 0}).expect(200, 202)

    def kubeconfig(
        self, *, refused: Mapping[str, Collection[str]] | None = None, identity: str = "certificate"
    ) -> Path:
        """Grant the reader everything but the refused, by RBAC, and wait until it is so."""
        held = refused or {}
        user = self.user
        if identity == "unknown":
            return self.plane.kubeconfig(user, token="nobody-issued-this")
        token = ""
        if identity == "token":
            user = self.user = "token-reader"
            token = self.plane.tokens[user]
        rules = [
            {"apiGroups": [group], "resources": resources, "verbs": READ}
            for group, resources in _resources(self.plane, set(held)).items()
        ]
        grant(self.plane.admin, user, rules)
        for resource, namespaces in held.items():
            for namespace in namespaces:
                rule = {"apiGroups": ["*"], "resources": [resource], "verbs": READ}
                grant(self.plane.admin, user, [rule], namespace)
        wait_until_allowed(self.plane.admin, user, rules, held)
        return self.plane.kubeconfig(user, token=token)

    def expire_lists(self) -> None:
        """Compact etcd."""
        self.plane.expire_lists()

    def asked(self) -> list[tuple[str, str]]:
        """Return what the audit log says; verbs by the server's own reading."""
        events = self.plane.audit_events(self.user, start=self._start)
        return [(METHODS.get(event["verb"], event["verb"]), event["requestURI"]) for event in events]

    def _wait_served(self, definition: Mapping[str, Any]) -> None:
        kind = _defined(definition)
        path = f"/apis/{kind.group}/{definition['spec']['versions'][0]['name']}/{kind.resource}"
        until(lambda: self.plane.admin.request("GET", path).status == 200, f"{path} is served")


def _defined(definition: Mapping[str, Any]) -> Kind:
    spec = definition["spec"]
    return Kind(spec["group"], spec["names"]["kind"], spec["names"]["plural"], spec["scope"] == "Namespaced")


def _resources(plane: ControlPlane, without: Iterable[str]) -> dict[str, list[str]]:
    left_out = set(without)
    found: dict[str, list[str]] = {}
    for group, resource in objects.served(plane.admin):
        if resource not in left_out and "/" not in resource:
            found.setdefault(group, []).append(resource)
    return found
