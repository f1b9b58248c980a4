"""One list, read in pages: whole, or with words for what is missing of it.

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Raw

from hipaa_kit.kube import kinds
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.sources.builder import SnapshotBuilder
from hipaa_kit.sources.discovery import Served
from hipaa_kit.sources.redaction.molded import Understood
from hipaa_kit.sources.redaction.pages import split_items
from hipaa_kit.sources.transport import JSON, Reply, Server, json_content
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
    items: list[Any] | bytes
    version: str
    token: str


def read_list(server: Server, builder: SnapshotBuilder, served: Served, namespace: str, page_size: int) -> Listing:
    """Read all pages of one list; while one is redacted, the next one is on its way.

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
    accept, read = accepted_form(served.kind), list_content if _by_page(served) else json_content
    token, seen, restarted, mixed = "", {""}, False, False

    def ask(token: str) -> Callable[[], Reply]:
        query = {"limit": page_size, **({"continue": token} if token else {})}
        return server.ahead(served.path(namespace), query, accept, read)

    coming = ask("")
    while True:
        reply = coming()
        page = _page(reply.content) if reply.ok else None
        expired = reply.status == 410 and bool(token)
        moved = page is not None and bool(token) and not mixed and page.version != listing.version
        if (expired or moved) and not restarted:
            listing, token, seen, restarted = Listing(builder.apart()), "", {""}, True
            coming = ask("")
            continue
        if expired and reply.token and not mixed:
            token, mixed = reply.token, True
            coming = ask(token)
            continue
        if page is None:
            return _ended(listing, reply)
        mixed |= moved
        token = page.token
        again = token in seen
        if not again:  # nothing that is found in the page changes what is asked for next
            seen.add(token)
            coming = ask(token)
        try:
            _take(page, listing, served, namespace)
        except RecursionError:
            return _ended(listing, Reply(0, words="an object is nested too deeply"))
        if not token:
            return _whole(listing, mixed=mixed)
        if again:
            return _ended(listing, Reply(0, words="the list does not end: its token came back"))


def accepted_form(kind: Kind) -> str:
    """Return the form that a list of a kind is asked for in: Secrets without their values."""
    return METADATA_ONLY if (kind.group, kind.kind) == kinds.SECRET[:2] else JSON


def list_content(body: bytes) -> Any:
    """Return what a list says as `json_content` does, but its items as bytes where they are such.

    What passes over a value checks it as strictly as decoding does, but for UTF-8; of a key that stands
    twice both take the last.
    """
    try:
        held = _MEMBERS(body)
        if not body.isascii():
            body.decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return json_content(body)
    items = bytes(held.pop("items", b""))
    if not items.startswith(b"["):
        return json_content(body)
    return {**{name: json_content(bytes(value)) for name, value in held.items()}, "items": items}


def _by_page(served: Served) -> bool:
    return served.kind == kinds.POD and served.api_version == "v1"


def _page(content: Any) -> _Page | None:
    """Return a page, or None where the answer is no list: a token of a wrong type may hide the rest of it."""
    metadata = content.get("metadata") if isinstance(content, Mapping) else None
    if not isinstance(metadata, Mapping) or "items" not in content:
        return None
    items, version, token = content["items"], metadata.get("resourceVersion"), metadata.get("continue")
    if (
        not isinstance(items, list | bytes | None)
        or not isinstance(version, str | None)
        or not isinstance(token, str | None)
    ):
        return None
    return _Page(items or [], version or "", token or "")


def _take(page: _Page, listing: Listing, served: Served, namespace: str) -> None:
    """Add the objects of a page; what is none becomes a gap that is told."""
    path = served.path(namespace)
    listing.version = page.version
    first = listing.count + len(listing.unreadable)
    for position, item in enumerate(_items(page.items, listing.objects, path, first, namespace), start=first):
        if isinstance(item, Understood):
            listing.count += 1
            continue
        place = f"/items/{position}"
        problem = _problem(item, served, namespace)
        if not problem:
            listing.objects.add({**item, "apiVersion": served.api_version, "kind": served.kind.kind}, path, place)
            listing.count += 1
            continue
        listing.unreadable.append(f"{place} {problem}")
        if len(listing.unreadable) <= TOLD:
            listing.objects.fail(path, place, f"the item {problem}")


def _items(items: list[Any] | bytes, builder: SnapshotBuilder, path: str, first: int, namespace: str) -> Iterator[Any]:
    """Yield the items of a page, those that the builder takes by the page as it understood them."""
    if isinstance(items, list):
        yield from items
        return
    taken = (
        builder.add_page(items, path, first, kind=("v1", "Pod")) if _all_in(namespace, items) else split_items(items)
    )
    for each in taken:
        yield json_content(each) if isinstance(each, bytes) else each


def _all_in(namespace: str, items: bytes) -> bool:
    """Tell whether all objects of a page are of the namespace that was asked for, "" for any."""
    try:
        return not namespace or all(each.metadata.namespace == namespace for each in _PLACES(items))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


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


class _Placed(msgspec.Struct):
    namespace: str


class _Object(msgspec.Struct):
    metadata: _Placed


_MEMBERS: Final = msgspec.json.Decoder(dict[str, Raw]).decode
_PLACES: Final = msgspec.json.Decoder(list[_Object]).decode
