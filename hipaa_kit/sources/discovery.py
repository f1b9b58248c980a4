"""Which kinds an API server serves, by its own account.

Source: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hipaa_kit.kube.kinds import Kind
from hipaa_kit.sources.transport import CollectError, Server

AGGREGATED: Final = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
)


@dataclass(frozen=True)
class Served:
    """One kind as the server offers it: the version to ask in, and whether it can be listed."""

    kind: Kind
    version: str
    listable: bool

    def path(self, namespace: str = "") -> str:
        """Return the path of its list, of one namespace or of the cluster."""
        root = f"/apis/{self.kind.group}/{self.version}" if self.kind.group else f"/api/{self.version}"
        return f"{root}/namespaces/{namespace}/{self.kind.resource}" if namespace else f"{root}/{self.kind.resource}"


@dataclass
class Discovery:
    """What the server serves, and the groups it could not speak for."""

    served: dict[tuple[str, str], Served] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def offer(self, served: Served) -> None:
        """Take a kind; the first version it comes in is the preferred one."""
        self.served.setdefault((served.kind.group, served.kind.kind), served)


def discover_kinds(server: Server) -> Discovery:
    """Return the kinds that a server serves, in its preferred versions.

    Raises
    ------
    CollectError
        The server refuses or fails discovery altogether: nothing could be read from it.
    """
    found = Discovery()
    for root in ("/api", "/apis"):
        reply = server.get(root, accept=AGGREGATED)
        if not reply.ok:
            raise _unreachable(server, reply.status, reply.words)
        content = reply.content if isinstance(reply.content, Mapping) else {}
        if content.get("kind") == "APIGroupDiscoveryList":
            _aggregated(content, found)
        elif root == "/api":
            for version in _texts(content.get("versions")):
                _version(server, "", version, found)
        else:
            _groups(server, content, found)
    return found


def still_served(server: Server, served: Served) -> bool:
    """Ask again whether a kind is served, after its list was not found."""
    found = Discovery()
    _version(server, served.kind.group, served.version, found)
    return bool(found.failed) or (served.kind.group, served.kind.kind) in found.served


def _groups(server: Server, content: Mapping[str, Any], found: Discovery) -> None:
    for group in _maps(content.get("groups")):
        name = str(group.get("name") or "")
        preferred = group.get("preferredVersion")
        first = str(preferred.get("version") or "") if isinstance(preferred, Mapping) else ""
        others = [str(each.get("version") or "") for each in _maps(group.get("versions"))]
        for version in dict.fromkeys([first, *others]):
            if version:
                _version(server, name, version, found)


def _version(server: Server, group: str, version: str, found: Discovery) -> None:
    reply = server.get(f"/apis/{group}/{version}" if group else f"/api/{version}")
    if not reply.ok:
        found.failed[group] = f"discovery of {group or 'the core group'}/{version}: {reply.words}"
        return
    content = reply.content if isinstance(reply.content, Mapping) else {}
    for resource in _maps(content.get("resources")):
        name, kind = resource.get("name"), resource.get("kind")
        if isinstance(name, str) and isinstance(kind, str) and "/" not in name:
            listable = "list" in _texts(resource.get("verbs"))
            found.offer(Served(Kind(group, kind, name, resource.get("namespaced") is True), version, listable))


def _aggregated(content: Mapping[str, Any], found: Discovery) -> None:
    for group in _maps(content.get("items")):
        metadata = group.get("metadata")
        name = str(metadata.get("name") or "") if isinstance(metadata, Mapping) else ""
        for version in _maps(group.get("versions")):
            number = str(version.get("version") or "")
            if version.get("freshness") == "Stale":
                found.failed[name] = f"discovery of {name}/{number} is stale: its server does not answer"
            for resource in _maps(version.get("resources")):
                answer = resource.get("responseKind")
                kind = answer.get("kind") if isinstance(answer, Mapping) else None
                plural = resource.get("resource")
                if isinstance(kind, str) and kind and isinstance(plural, str):
                    described = Kind(name, kind, plural, resource.get("scope") == "Namespaced")
                    found.offer(Served(described, number, "list" in _texts(resource.get("verbs"))))


def _unreachable(server: Server, status: int, words: str) -> CollectError:
    host = str(server.api_client.configuration.host)
    if status == 401:
        return CollectError(f"the credentials were not accepted: {words}", host, "log in again and retry")
    if status == 403:
        return CollectError(f"discovery is refused: {words}", host, "bind the role system:discovery to this identity")
    return CollectError(f"cannot be read: {words}", host, "check the address, the network and the certificate")


def _maps(value: Any) -> Iterator[Mapping[str, Any]]:
    yield from (each for each in value if isinstance(each, Mapping)) if isinstance(value, list) else ()


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
