"""Which kinds an API server serves, by its own account.

Source: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from hipaa_kit.kube import kinds
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.sources.transport import CollectError, Reply, Server

AGGREGATED: Final = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
)

ANY: Final = "*"
"""Stands for groups that cannot be named, because the list of groups itself is missing or malformed."""

MALFORMED: Final = "its discovery is malformed: what it serves is not known"

Key = tuple[str, str]


@dataclass(frozen=True)
class Served:
    """One kind as the server offers it: the group and version to ask in, and whether it can be listed.

    `group` differs from the kind's own where the server offers it by an older name alone.
    """

    kind: Kind
    group: str
    version: str
    listable: bool

    @property
    def api_version(self) -> str:
        """The `apiVersion` of its objects."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "") -> str:
        """Return the path of its list, of one namespace or of the cluster."""
        place = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
        return f"{_root(self.group, self.version)}{place}/{self.kind.resource}"


@dataclass
class Discovery:
    """What the server serves, and the groups it could not speak for."""

    served: dict[Key, Served] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def offer(self, kind: Kind, version: str, *, listable: bool) -> None:
        """Take a kind; the first version it comes in is the preferred one, and its own group before an older one."""
        group, name = kinds.canonical_group(kind.group, kind.kind)
        held = self.served.get((group, name))
        if held is None or (held.group != group == kind.group):
            self.served[group, name] = Served(kind._replace(group=group), kind.group, version, listable)

    def fail(self, group: str, words: str) -> None:
        """Record that a group cannot be spoken for; what is missing of it is then not absent."""
        self.failed.setdefault(group, words)

    def why_unknown(self, group: str) -> str:
        """Return why it is not known whether a group serves a kind that was not found; "" where it is known."""
        return self.failed.get(group) or self.failed.get(ANY, "")


def discover_kinds(server: Server) -> Discovery:
    """Return the kinds that a server serves, in its preferred versions.

    Raises
    ------
    CollectError
        The server refuses or fails discovery altogether: nothing could be read from it.
    """
    found, refusals = Discovery(), []
    for root in ("/api", "/apis"):
        reply = server.get(root, accept=AGGREGATED)
        if reply.ok:
            _read_root(server, root, reply.content, found)
        else:
            refusals.append(reply)
            found.fail(ANY if root == "/apis" else "", f"discovery of {root}: {reply.words}")
    if refusals and not found.served:
        raise _unreachable(server, refusals[0])
    return found


def discover_group(server: Server, group: str) -> Discovery:
    """Ask again what one group serves, after a list of it was not found."""
    found, root = Discovery(), "/apis" if group else "/api"
    reply = server.get(root, accept=AGGREGATED)
    if reply.ok:
        _read_root(server, root, reply.content, found, only=group)
    else:
        found.fail(group, f"discovery of {root}: {reply.words}")
    return found


def _root(group: str, version: str) -> str:
    return f"/apis/{group}/{version}" if group else f"/api/{version}"


def _read_root(server: Server, root: str, content: Any, found: Discovery, only: str | None = None) -> None:
    """Read the answer of `/api` or `/apis` in either of its forms."""
    held = content if isinstance(content, Mapping) else {}
    if held.get("kind") == "APIGroupDiscoveryList":
        _aggregated(held, found, ANY if root == "/apis" else "")
    elif root == "/api":
        for version in _texts(held, "versions", "", found):
            _version(server, "", version, found)
    else:
        _groups(server, held, found, only)


def _groups(server: Server, content: Mapping[str, Any], found: Discovery, only: str | None) -> None:
    for group in _maps(content, "groups", ANY, found):
        name, preferred = group.get("name"), group.get("preferredVersion")
        if not isinstance(name, str) or not name:
            found.fail(ANY, MALFORMED)
            continue
        if only is not None and name != only:
            continue
        first = preferred.get("version") if isinstance(preferred, Mapping) else None
        versions = [each.get("version") for each in _maps(group, "versions", name, found)]
        for version in dict.fromkeys([first, *versions] if first in versions else versions):
            if isinstance(version, str) and version:
                _version(server, name, version, found)
            else:
                found.fail(name, MALFORMED)


def _version(server: Server, group: str, version: str, found: Discovery) -> None:
    reply = server.get(_root(group, version))
    if not reply.ok:
        found.fail(group, f"discovery of {group or 'the core group'}/{version}: {reply.words}")
        return
    content = reply.content if isinstance(reply.content, Mapping) else {}
    for resource in _maps(content, "resources", group, found):
        name, kind = resource.get("name"), resource.get("kind")
        if not isinstance(name, str) or not isinstance(kind, str) or not name or not kind:
            found.fail(group, MALFORMED)
        elif "/" not in name:
            described = Kind(group, kind, name, resource.get("namespaced") is True)
            found.offer(described, version, listable="list" in _texts(resource, "verbs", group, found))


def _aggregated(content: Mapping[str, Any], found: Discovery, unnamed: str) -> None:
    for group in _maps(content, "items", unnamed, found):
        metadata = group.get("metadata")
        name = metadata.get("name", "") if isinstance(metadata, Mapping) else None
        if not isinstance(name, str) or bool(name) is not bool(unnamed):
            found.fail(unnamed, MALFORMED)
            continue
        for version in _maps(group, "versions", name, found):
            number = version.get("version")
            if not isinstance(number, str) or not number:
                found.fail(name, MALFORMED)
                continue
            if version.get("freshness") == "Stale":
                found.fail(name, f"discovery of {name}/{number} is stale: its server does not answer")
            for resource in _maps(version, "resources", name, found, needed=False):
                _described(resource, name, number, found)


def _described(resource: Mapping[str, Any], group: str, version: str, found: Discovery) -> None:
    """Take one resource of the aggregated form; one without kind has subresources alone."""
    answer, plural = resource.get("responseKind"), resource.get("resource")
    kind = answer.get("kind", "") if isinstance(answer, Mapping) else answer
    if kind is None or kind == "":
        return
    if not isinstance(kind, str) or not isinstance(plural, str) or not plural:
        found.fail(group, MALFORMED)
        return
    described = Kind(group, kind, plural, resource.get("scope") == "Namespaced")
    found.offer(described, version, listable="list" in _texts(resource, "verbs", group, found))


def _unreachable(server: Server, reply: Reply) -> CollectError:
    if reply.status in (401, 403) and "system:anonymous" in reply.words:
        do = "the kubeconfig gives no credentials, or its plug-in failed: log in again and retry"
        return CollectError(f"no credentials were sent: {reply.words}", server.host, do)
    if reply.status == 401:
        return CollectError(f"the credentials were not accepted: {reply.words}", server.host, "log in again and retry")
    if reply.status == 403:
        do = "bind the role system:discovery to this identity"
        return CollectError(f"discovery is refused: {reply.words}", server.host, do)
    do = "check the address, the network and the certificate"
    return CollectError(f"cannot be read: {reply.words}", server.host, do)


def _maps(
    held: Mapping[str, Any], name: str, group: str, found: Discovery, *, needed: bool = True
) -> Iterator[Mapping[str, Any]]:
    """Yield the mappings of a list; whatever is none makes the group one that cannot be spoken for."""
    for each in _items(held, name, group, found, needed=needed):
        if isinstance(each, Mapping):
            yield each
        else:
            found.fail(group, MALFORMED)


def _texts(held: Mapping[str, Any], name: str, group: str, found: Discovery) -> Iterator[str]:
    """Yield the texts of a list, in the same way."""
    for each in _items(held, name, group, found):
        if isinstance(each, str):
            yield each
        else:
            found.fail(group, MALFORMED)


def _items(held: Mapping[str, Any], name: str, group: str, found: Discovery, *, needed: bool = True) -> list[Any]:
    """Return a list; Go writes an empty one as null."""
    value = held.get(name)
    if isinstance(value, list):
        return value
    if value is not None or (needed and name not in held):
        found.fail(group, MALFORMED)
    return []
