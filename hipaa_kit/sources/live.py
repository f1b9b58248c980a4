"""Collecting a live cluster: lists in pages, and for every kind what came back.

Only `get` and `list` are ever used. A refusal is an answer: it becomes a row of coverage in the
server's own words, and never an empty list.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from hipaa_kit.errors import InputError
from hipaa_kit.kube import kinds
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.sources.builder import SnapshotBuilder
from hipaa_kit.sources.discovery import Discovery, Served, discover_kinds, still_served
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.sources.transport import JSON, CollectError, Server
from hipaa_kit.vocabulary import ABSENT, ANSWERED, FAILED, NOT_ASKED, PARTIAL, REFUSED

METADATA_ONLY: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

MINIMAL: Final = frozenset(
    ["", "apps", "batch", "networking.k8s.io", "policy", "rbac.authorization.k8s.io", "storage.k8s.io"]
)
"""API groups of the profile `minimal`."""

VALUES: Final = {("", "Secret"): "secrets-metadata", ("", "ConfigMap"): "audit-plus", ("", "Event"): "audit-plus"}
"""Kinds that hold values or messages, and the profile that asks for them."""

FIRST: Final = ("Namespace", "Node", "Pod", "NetworkPolicy", "RoleBinding", "ClusterRoleBinding", "Role", "ClusterRole")
"""Kinds that are judged together and so are listed close together in time."""

PROFILES: Final = ("minimal", "audit", "audit-plus", "secrets-metadata")


@dataclass
class _Listing:
    """What was received for one list, and how it ended."""

    status: str
    items: list[dict[str, Any]] = field(default_factory=list)
    api_version: str = ""
    version: str = ""
    error: str = ""


def collect(
    context: str | None = None,
    kubeconfig: str | Path | None = None,
    *,
    in_cluster: bool = False,
    profile: str = "audit",
    kinds: Collection[str] = (),
    namespaces: Collection[str] = (),
    page_size: int = 500,
    timeout_seconds: float = 60.0,
    cluster_name: str = "",
    pseudonymizer: Pseudonymizer | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Snapshot:
    """Read a live cluster into a snapshot.

    Parameters
    ----------
    context, kubeconfig
        As for kubectl: the current context of `$KUBECONFIG` or `~/.kube/config` by default.
    in_cluster
        Use the token of the pod this runs in.
    profile
        `minimal`; `audit`: everything but Secrets, ConfigMaps and Events; `audit-plus`: also
        ConfigMaps (names of keys alone) and Events (without messages); `secrets-metadata`: `audit` and
        the metadata of Secrets.
    kinds
        Ask for these kinds alone.
    namespaces
        Ask in these namespaces alone; kinds without namespace are asked for all the same.
    page_size
        Objects per request.
    timeout_seconds
        Limit of one request.
    cluster_name
        Name of the cluster in reports; the context's by default.
    pseudonymizer
        Makes the pseudonyms of removed values; the installation's by default.
    progress
        Called with a line for every kind that was asked for.

    Returns
    -------
    Snapshot
        Redacted. What was refused, failed or not asked stands in its coverage.

    Raises
    ------
    CollectError
        The configuration cannot be used, or the server cannot be read at all.
    """
    if profile not in PROFILES:
        raise InputError(f"there is no profile {profile!r}", "", f"profiles are {', '.join(PROFILES)}")
    client, name = _client(context, kubeconfig, in_cluster)
    collector = _Collector(
        Server(client, timeout_seconds),
        SnapshotBuilder("live", pseudonymizer or Pseudonymizer.of_installation()),
        profile,
        frozenset(kinds),
        tuple(namespaces),
        page_size,
        progress,
    )
    return collector.run(cluster_name or name)


def _client(context: str | None, kubeconfig: str | Path | None, in_cluster: bool) -> tuple[Any, str]:
    """Return the official client's `ApiClient` and the name of the context it stands for."""
    import yaml
    from kubernetes import client, config

    try:
        if in_cluster:
            settings = client.Configuration()
            config.load_incluster_config(client_configuration=settings)
            return client.ApiClient(settings), "in-cluster"
        place = str(kubeconfig) if kubeconfig else None
        contexts, active = config.list_kube_config_contexts(config_file=place)
        names = [each["name"] for each in contexts]
        if context is not None and context not in names:
            known = f"contexts are {', '.join(names)}"
            raise CollectError(f"there is no context {context!r}", place or "kubeconfig", known)
        made = config.new_client_from_config(config_file=place, context=context, persist_config=False)
        return made, context or str(active["name"])
    except (config.ConfigException, OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        # Messages of these errors may repeat what stands in the file: its kind is enough.
        what = str(error) if isinstance(error, config.ConfigException) else type(error).__name__
        where = "service account of this pod" if in_cluster else str(kubeconfig or "kubeconfig")
        raise CollectError(
            f"the configuration cannot be used: {what}", where, "name a kubeconfig with --kubeconfig"
        ) from None


@dataclass
class _Collector:
    """Reads one cluster, kind by kind."""

    server: Server
    builder: SnapshotBuilder
    profile: str
    wanted: frozenset[str]
    namespaces: tuple[str, ...]
    page_size: int
    progress: Callable[[str], None]
    known_namespaces: tuple[str, ...] = ()

    def run(self, name: str) -> Snapshot:
        """Discover, list, and say of every kind what came back."""
        self.builder.collected_at, self.builder.collected_basis = _now(), "recorded"
        discovery = discover_kinds(self.server)
        listable = [each for each in discovery.served.values() if each.listable]
        self._refuse_unknown(discovery)
        for served in sorted(listable, key=_in_order):
            self.builder.learn(served.kind)
            if reason := self._not_asked(served.kind):
                self._cover(served, "", _Listing(NOT_ASKED, error=reason), "", "")
            else:
                self._kind(served)
        self._not_served(discovery)
        self._identify(name)
        return self.builder.build()

    def _refuse_unknown(self, discovery: Discovery) -> None:
        known = {each.kind.kind for each in discovery.served.values()}
        if strange := sorted(self.wanted - known):
            raise InputError(f"the server serves no kind {strange[0]!r}", "--kinds", "write kinds as in `kind:`")

    def _not_asked(self, kind: Kind) -> str:
        """Return why a kind is not asked for, and what would; "" where it is."""
        if self.wanted:
            return "" if kind.kind in self.wanted else f"--kinds leaves it out: add {kind.kind}"
        if kind.group == "metrics.k8s.io":
            return "measurements are not objects"
        needed = VALUES.get((kind.group, kind.kind))
        if needed and self.profile != needed:
            return f"--profile {needed} would ask for it"
        if self.profile == "minimal" and kind.group not in MINIMAL:
            return "--profile audit would ask for it"
        return ""

    def _kind(self, served: Served) -> None:
        """List one kind: everywhere at once, or where that is refused, namespace by namespace."""
        kind = served.kind
        if kind.namespaced and self.namespaces:
            for namespace in self.namespaces:
                self._list(served, namespace)
            return
        status = self._list(served, "", keep_refusal=not (kind.namespaced and self.known_namespaces))
        if status == REFUSED and kind.namespaced and self.known_namespaces:
            for namespace in self.known_namespaces:
                self._list(served, namespace)
        if kind == kinds.NAMESPACE:
            self.known_namespaces = self._names_of_namespaces()

    def _names_of_namespaces(self) -> tuple[str, ...]:
        return tuple(sorted(name for _, kind, _, name in self.builder.identities() if kind == "Namespace"))

    def _list(self, served: Served, namespace: str, *, keep_refusal: bool = True) -> str:
        started = _now()
        listing = self._pages(served, namespace)
        if listing.status == REFUSED and not keep_refusal:
            return REFUSED
        path = served.path(namespace)
        for position, item in enumerate(listing.items):
            whole = {"apiVersion": listing.api_version, "kind": served.kind.kind, **item}
            self.builder.add(whole, path, f"/items/{position}")
        self._cover(served, namespace, listing, started, _now())
        where = f" in {namespace}" if namespace else ""
        self.progress(f"{served.kind.resource}{where}: {len(listing.items)} {listing.status}")
        return listing.status

    def _cover(self, served: Served, namespace: str, listing: _Listing, started: str, ended: str) -> None:
        self.builder.cover(
            group=served.kind.group,
            kind=served.kind.kind,
            namespace=namespace,
            status=listing.status,
            count=len(listing.items),
            resource_version=listing.version,
            started_at=started,
            ended_at=ended,
            source=served.path(namespace),
            error=listing.error,
        )

    def _pages(self, served: Served, namespace: str) -> _Listing:
        """Read all pages of one list.

        An expired token is not worked around: the list starts again from its beginning. When it
        expires a second time the token that the server offers is taken, and the list is `partial`,
        because it no longer shows one moment.
        Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
        """
        listing, token, expired, inconsistent = _Listing(ANSWERED), "", 0, False
        accept = METADATA_ONLY if served.kind == kinds.SECRET else JSON
        while True:
            query: dict[str, Any] = {"limit": self.page_size, **({"continue": token} if token else {})}
            reply = self.server.get(served.path(namespace), query, accept)
            if reply.status == 410 and token:
                expired += 1
                if expired == 1:
                    listing, token = _Listing(ANSWERED), ""
                    continue
                if reply.token and not inconsistent:
                    token, inconsistent = reply.token, True
                    continue
            if not reply.ok:
                return self._ended(served, listing, reply.status, reply.words)
            if not _take_page(reply.content, listing):
                return self._ended(served, listing, 0, "the answer is no list")
            token = _token(reply.content)
            if not token:
                break
        if inconsistent:
            listing.status, listing.error = PARTIAL, "the list expired twice and was continued at a later version"
        return listing

    def _ended(self, served: Served, listing: _Listing, status: int, words: str) -> _Listing:
        """Return how a list ended that was not answered to its end."""
        if listing.items:
            listing.status, listing.error = PARTIAL, f"a later page was not answered: {words}"
            return listing
        if status in (401, 403):
            return _Listing(REFUSED, error=words)
        if status == 404 and not still_served(self.server, served):
            return _Listing(ABSENT, error=words)
        return _Listing(FAILED, error=words)

    def _not_served(self, discovery: Discovery) -> None:
        """Say of kinds that are not served that they are absent, or that their group did not answer."""
        for group, words in discovery.failed.items():
            self.builder.cover(group=group, kind="*", status=FAILED, error=words, namespaced=False, resource="*")
        for kind in kinds.BUILT_IN:
            if (kind.group, kind.kind) in discovery.served:
                served = discovery.served[kind.group, kind.kind]
                if not served.listable:
                    self._cover(served, "", _Listing(NOT_ASKED, error="the server does not list it"), "", "")
                continue
            words = discovery.failed.get(kind.group, "")
            status = FAILED if words else ABSENT
            self.builder.cover(group=kind.group, kind=kind.kind, status=status, count=0, error=words)

    def _identify(self, name: str) -> None:
        version = self.server.get("/version")
        system = self.server.get("/api/v1/namespaces/kube-system")
        uid = _deep(system.content, "metadata", "uid") if system.ok else ""
        basis = "uid of namespace kube-system" if uid else "name of the context"
        self.builder.identify(name, uid, basis, _deep(version.content, "gitVersion") if version.ok else "")


def _take_page(content: Any, listing: _Listing) -> bool:
    """Add a page to a list; tell whether it was one."""
    items = content.get("items") if isinstance(content, Mapping) else None
    if not isinstance(content, Mapping) or not isinstance(items, list | None) or "items" not in content:
        return False
    listing.api_version = str(content.get("apiVersion") or "v1")
    listing.version = _deep(content, "metadata", "resourceVersion") or listing.version
    listing.items += [item for item in items or [] if isinstance(item, dict)]
    return True


def _token(content: Any) -> str:
    return _deep(content, "metadata", "continue")


def _deep(content: Any, *path: str) -> str:
    for step in path:
        content = content.get(step) if isinstance(content, Mapping) else None
    return content if isinstance(content, str) else ""


def _in_order(served: Served) -> tuple[int, str, str]:
    kind = served.kind
    return (FIRST.index(kind.kind) if kind.kind in FIRST else len(FIRST), kind.group, kind.kind)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
