"""Collecting a live cluster: lists in pages, and for every kind what came back.

Only `get` and `list` are ever used. A refusal is an answer: it becomes a row of coverage in the
server's own words, and never an empty list.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hipaa_kit.errors import InputError
from hipaa_kit.kube import kinds
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.sources.builder import SnapshotBuilder
from hipaa_kit.sources.connection import connect
from hipaa_kit.sources.discovery import Discovery, Served, discover_group, discover_kinds
from hipaa_kit.sources.listing import Listing, read_list
from hipaa_kit.sources.profiles import check_profile, listing_order, why_left_out
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.sources.transport import Server
from hipaa_kit.vocabulary import ABSENT, FAILED, NOT_ASKED, REFUSED


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
    budget_seconds: float = 1800.0,
    expected: Iterable[Kind] = (),
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
        Limit of one request, its whole answer included.
    budget_seconds
        Limit of the whole collection: what was not read by then has failed.
    expected
        Kinds that are not built in and that somebody counts on: where the server does not serve them,
        coverage says that they are absent.
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
    InputError
        There is no such profile, or no server serves such a kind, or a limit is none.
    """
    check_profile(profile)
    if page_size < 1:
        raise InputError(f"pages of {page_size} objects cannot be read", "--page-size", "give 1 or more")
    server, name = connect(
        context, kubeconfig, in_cluster=in_cluster, timeout_seconds=timeout_seconds, budget_seconds=budget_seconds
    )
    collector = Collector(
        server,
        SnapshotBuilder("live", pseudonymizer or Pseudonymizer.of_installation()),
        profile,
        frozenset(kinds),
        tuple(namespaces),
        page_size,
        tuple(expected),
        progress,
    )
    return collector.run(cluster_name or name)


@dataclass
class Collector:
    """Reads one cluster, kind by kind; the parameters are those of `collect`."""

    server: Server
    builder: SnapshotBuilder
    profile: str = "audit"
    wanted: frozenset[str] = frozenset()
    namespaces: tuple[str, ...] = ()
    page_size: int = 500
    expected: tuple[Kind, ...] = ()
    progress: Callable[[str], None] = lambda _: None
    known_namespaces: tuple[str, ...] = ()
    _again: dict[str, Discovery] = field(default_factory=dict)

    def run(self, name: str) -> Snapshot:
        """Discover, list, and say of every kind what came back."""
        self.builder.collected_at, self.builder.collected_basis = _now(), "recorded"
        discovery = discover_kinds(self.server)
        self._refuse_unknown(discovery)
        self._identify(name)
        for served in sorted(discovery.served.values(), key=lambda each: listing_order(each.kind)):
            self.builder.learn(served.kind)
            if reason := self._not_asked(served):
                self._cover(served, "", NOT_ASKED, error=reason)
            else:
                self._kind(served)
        self._not_served(discovery)
        return self.builder.build()

    def _refuse_unknown(self, discovery: Discovery) -> None:
        known = {each.kind.kind for each in discovery.served.values()}
        strange = sorted(self.wanted - known)
        if strange and not discovery.failed:
            raise InputError(f"the server serves no kind {strange[0]!r}", "--kinds", "write kinds as in `kind:`")

    def _not_asked(self, served: Served) -> str:
        """Return why a kind is not asked for, and what would; "" where it is."""
        if not served.listable:
            return "the server does not list it"
        if self.wanted:
            return "" if served.kind.kind in self.wanted else f"--kinds leaves it out: add {served.kind.kind}"
        return why_left_out(served.kind, self.profile)

    def _kind(self, served: Served) -> None:
        """List one kind: everywhere at once, or where that is refused, namespace by namespace."""
        if served.kind.namespaced and self.namespaces:
            for namespace in self.namespaces:
                self._list(served, namespace)
            return
        status = self._list(served, "")
        if status == REFUSED and served.kind.namespaced:
            for namespace in self.known_namespaces:
                self._list(served, namespace)
        if served.kind == kinds.NAMESPACE:
            self.known_namespaces = tuple(
                sorted(name for _, kind, _, name in self.builder.identities() if kind == "Namespace")
            )

    def _list(self, served: Served, namespace: str) -> str:
        started = _now()
        listing = read_list(self.server, self.builder, served, namespace, self.page_size)
        if listing.code == 404 and listing.status == FAILED:
            listing = self._ask_again(listing, served, namespace)
        self.builder.absorb(listing.objects)
        self._cover(
            served,
            namespace,
            listing.status,
            error=listing.error,
            count=listing.count,
            resource_version=listing.version,
            started_at=started,
            ended_at=_now(),
        )
        where = f" in {namespace}" if namespace else ""
        self.progress(f"{served.kind.resource}{where}: {listing.count} {listing.status}")
        return listing.status

    def _ask_again(self, listing: Listing, served: Served, namespace: str) -> Listing:
        """Settle a list that was not found: is the kind still served, and in which version.

        Only discovery that answers can say that a kind is gone; one more "not found" says nothing.
        """
        if served.group not in self._again:
            self._again[served.group] = discover_group(self.server, served.group)
        found = self._again[served.group]
        offered = found.served.get((served.kind.group, served.kind.kind))
        if offered is not None:
            return read_list(self.server, self.builder, offered, namespace, self.page_size)
        if not found.why_unknown(served.group):
            listing.status = ABSENT
        return listing

    def _cover(self, served: Served, namespace: str, status: str, **answer: Any) -> None:
        self.builder.cover(
            group=served.kind.group,
            kind=served.kind.kind,
            namespace=namespace,
            status=status,
            source=served.path(namespace),
            **{"count": 0, **answer},
        )

    def _not_served(self, discovery: Discovery) -> None:
        """Say of kinds that are not served that they are absent, or that their group did not answer."""
        for group, words in discovery.failed.items():
            self.builder.cover(group=group, kind="*", status=FAILED, error=words, namespaced=False, resource="*")
        for kind in (*kinds.BUILT_IN, *self.expected):
            if (kind.group, kind.kind) in discovery.served:
                continue
            words = discovery.why_unknown(kind.group)
            self.builder.cover(
                group=kind.group,
                kind=kind.kind,
                resource=kind.resource,
                namespaced=kind.namespaced,
                status=FAILED if words else ABSENT,
                count=0,
                error=words,
            )

    def _identify(self, name: str) -> None:
        version = self.server.get("/version")
        system = self.server.get("/api/v1/namespaces/kube-system")
        uid = text_at(system.content, "metadata", "uid") if system.ok else ""
        basis = "uid of namespace kube-system" if uid else "name of the context"
        self.builder.identify(name, uid, basis, text_at(version.content, "gitVersion") if version.ok else "")


def text_at(content: Any, *path: str) -> str:
    """Return the text at a path in a decoded answer, "" where there is none."""
    for step in path:
        content = content.get(step) if isinstance(content, Mapping) else None
    return content if isinstance(content, str) else ""


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
