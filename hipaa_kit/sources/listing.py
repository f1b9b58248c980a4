"""One list, read in pages: whole, or with words for what is missing of it.

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from hipaa_kit.kube import kinds
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.sources.builder import SnapshotBuilder
from hipaa_kit.sources.discovery import Served
from hipaa_kit.sources.transport import JSON, Reply, Server
from hipaa_kit.vocabulary import ANSWERED, FAILED, PARTIAL, REFUSED

METADATA_ONLY: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
PARTIAL_METADATA: Final = "PartialObjectMetadata"

TOLD: Final = 100
"""Items of one list that are named one by one when they cannot be read; the rest is counted."""


@dataclass
class Listing:
    """What was received of one list, and how it ended: `code` is the HTTP status that ended it early."""

    objects: SnapshotBuilder
    status: str = ANSWERED
    count: int = 0
    unreadable: list[str] = field(default_factory=list)
    version: str = ""
    error: str = ""
    code: int = 0


class _Page(NamedTuple):
    items: list[Any]
    version: str
    token: str


def read_list(server: Server, builder: SnapshotBuilder, served: Served, namespace: str, page_size: int) -> Listing:
    """Read all pages of one list, each redacted before the next is asked for.

    Parameters
    ----------
    server, builder
        Where to ask, and the snapshot that is built; it takes over `Listing.objects` when it wants them.
    served, namespace
        What to ask for; "" for all namespaces.
    page_size
        Objects per request.

    Notes
    -----
    An expired token is not worked around: the list starts again from its beginning, once. When it
    expires again, the token that the server offers is taken, and the list is `partial`, because it no
    longer shows one moment. So it is for a server that changes the version of a list between pages.
    """
    listing = Listing(builder.apart())
    accept = accepted_form(served.kind)
    token, seen, restarted, mixed = "", {""}, False, False
    while True:
        query: dict[str, Any] = {"limit": page_size, **({"continue": token} if token else {})}
        reply = server.get(served.path(namespace), query, accept)
        page = _page(reply.content) if reply.ok else None
        expired = reply.status == 410 and bool(token)
        moved = page is not None and bool(token) and not mixed and page.version != listing.version
        if (expired or moved) and not restarted:
            listing, token, seen, restarted = Listing(builder.apart()), "", {""}, True
            continue
        if expired and reply.token and not mixed:
            token, mixed = reply.token, True
            continue
        if page is None:
            return _ended(listing, reply)
        mixed |= moved
        _take(page, listing, served, namespace)
        token = page.token
        if not token:
            return _whole(listing, mixed=mixed)
        if token in seen:
            return _ended(listing, Reply(0, words="the list does not end: its token came back"))
        seen.add(token)


def accepted_form(kind: Kind) -> str:
    """Return the form that a list of a kind is asked for in: Secrets without their values."""
    return METADATA_ONLY if (kind.group, kind.kind) == kinds.SECRET[:2] else JSON


def _page(content: Any) -> _Page | None:
    """Return a page, or None where the answer is no list: a token of a wrong type may hide the rest of it."""
    metadata = content.get("metadata") if isinstance(content, Mapping) else None
    if not isinstance(metadata, Mapping) or "items" not in content:
        return None
    items, version, token = content["items"], metadata.get("resourceVersion"), metadata.get("continue")
    if not isinstance(items, list | None) or not isinstance(version, str | None) or not isinstance(token, str | None):
        return None
    return _Page(items or [], version or "", token or "")


def _take(page: _Page, listing: Listing, served: Served, namespace: str) -> None:
    """Add the objects of a page; what is none becomes a gap that is told."""
    path = served.path(namespace)
    listing.version = page.version
    first = listing.count + len(listing.unreadable)
    for position, item in enumerate(page.items, start=first):
        place = f"/items/{position}"
        problem = _problem(item, served, namespace)
        if not problem:
            listing.objects.add({**item, "apiVersion": served.api_version, "kind": served.kind.kind}, path, place)
            listing.count += 1
            continue
        listing.unreadable.append(f"{place} {problem}")
        if len(listing.unreadable) <= TOLD:
            listing.objects.fail(path, place, f"the item {problem}")


def _problem(item: Any, served: Served, namespace: str) -> str:
    """Return why an item of a list is no object of its kind; "" where it is one.

    Items of built-in kinds carry no kind, those of custom kinds their own, and those of a list of
    metadata alone `PartialObjectMetadata`.
    """
    metadata = item.get("metadata") if isinstance(item, dict) else None
    if not isinstance(metadata, dict):
        return "is no object"
    name, place = metadata.get("name"), metadata.get("namespace")
    if not isinstance(name, str) or not name:
        return "has no name"
    own = PARTIAL_METADATA if accepted_form(served.kind) == METADATA_ONLY else served.kind.kind
    if item.get("kind") not in (None, "", served.kind.kind, own):
        return "is of another kind"
    if served.kind.namespaced and (not isinstance(place, str) or not place):
        return "names no namespace"
    if served.kind.namespaced and namespace not in ("", place):
        return "is of another namespace"
    return ""


def _whole(listing: Listing, *, mixed: bool) -> Listing:
    """Return a list that came to its end: answered, unless it shows several moments or lacks an object."""
    problems = ["it expired or changed twice while it was read, and does not show one moment"] if mixed else []
    if listing.unreadable:
        problems.append(f"{len(listing.unreadable)} items could not be read: {listing.unreadable[0]}")
    if problems:
        listing.status, listing.error = PARTIAL, "; ".join(problems)
    return listing


def _ended(listing: Listing, reply: Reply) -> Listing:
    """Return a list that was not answered to its end."""
    words = "the answer is no list" if reply.ok else reply.words
    if listing.count or listing.unreadable:
        listing.status, listing.error = PARTIAL, f"a later page was not answered: {words}"
    else:
        listing.status, listing.error = (REFUSED if reply.status in (401, 403) else FAILED), words
    listing.code = reply.status
    return listing
