"""Redaction of pods by the page: what they share goes through `redact` once, words of their own are judged apart.

The law, held by test: what this way gives for a pod is byte for byte what `redact` gives. Whatever it does not
understand exactly it leaves alone, and that object goes through `redact` whole.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw

from hipaa_kit.kube import facts, kinds
from hipaa_kit.sources.molds import TOKEN_NAME, is_whole, owner_of
from hipaa_kit.sources.redaction import shapes
from hipaa_kit.sources.redaction.molded import PodMolds, Trial, Understood
from hipaa_kit.sources.redaction.objects import redact
from hipaa_kit.sources.redaction.pieces import NotUnderstoodError, Piece, load_piece
from hipaa_kit.sources.redaction.texts import CLEAN, is_clean
from hipaa_kit.sources.snapshot import canonical_json

PLAIN: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z|(?:containerd|cri-o|docker)://[0-9a-f]{64}"
    r"|(?!.*mrn)(?!.*\d-\d\d-\d)[a-z0-9.-]{1,253}",
    re.ASCII,
)
"""Words in which nothing can stand that looks like a secret: moments, ids of containers, names, addresses."""

TOKEN: Final = b'"' + TOKEN_NAME
"""How the volume with the token begins, which every pod has under a name of its own, as its containers mount it."""
_TOKEN_BYTES: Final = len(TOKEN) + 6
_TOKEN: Final = re.compile(TOKEN + rb'[a-z0-9]{5}"')
_HOLE: Final = TOKEN + b'00000"'
_OWN_IN_SPEC: Final = ("affinity", "hostname", "nodeName")
_HOLES: Final = {name: f'"{name} of the pod"'.encode() for name in _OWN_IN_SPEC}
"""What stands in a spec that pods share where each has something of its own."""

_AT_ONCE: Final = 50
_MOST_PIECES: Final = 100_000
_MOST_BYTES: Final = 64 * 2**20


class _Draft:
    """What is gathered of one pod until it is known that all its words are clean."""

    __slots__ = ("dropped", "pieces", "pod", "words")

    def __init__(self) -> None:
        self.words: list[Any] = []
        self.pieces: list[Piece] = []
        self.dropped: list[str] = []
        self.pod: Understood | None = None


@dataclass
class PageRedactor:
    """Redacts pods by the page.

    Parameters
    ----------
    pseudonym
        Gives a removed text its keyed pseudonym.
    """

    pseudonym: Callable[[str], str]
    _pieces: dict[tuple[str, bytes], Piece | None] = field(default_factory=dict)
    _bytes: int = 0
    _counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._molds = PodMolds(self._value, self._trial)

    def read(self, page: bytes, *, bare: bool = False) -> list[Understood | bytes]:
        """Return what may pass of each pod of a page, as bytes in the place of one that is for `redact`.

        Parameters
        ----------
        page
            A JSON array of objects, UTF-8, without white space between its tokens.
        bare
            Objects that do not say their kind are pods.
        """
        items = split_items(page)
        if not page.isascii() and not _is_utf8(page):
            return list(items)
        self._make_room()
        many = Counter(map(owner_of, items))
        # Little by little: the first pods of a page make molds for those that follow.
        parts = (self._part(items[start : start + _AT_ONCE], bare, many) for start in range(0, len(items), _AT_ONCE))
        return [each for part in parts for each in part]

    def _part(self, items: Sequence[bytes], bare: bool, many: Mapping[bytes, int]) -> list[Understood | bytes]:
        """Return what may pass of some pods of a page, which has so `many` of each owner."""
        found = self._molds.read(items, bare=bare)
        left = [place for place, pod in enumerate(found) if pod is None]
        # One of each owner first: the others may fit the mold that is made of it.
        first = {owner_of(items[place]): place for place in reversed(left)}.values()
        self._take_apart(first, items, bare, many, found)
        left = sorted(set(left).difference(first))
        for place, pod in zip(left, self._molds.read([items[place] for place in left], bare=bare), strict=True):
            found[place] = pod
        self._take_apart([place for place in left if found[place] is None], items, bare, many, found)
        return [pod or item for pod, item in zip(found, items, strict=True)]

    def _take_apart(
        self,
        places: Collection[int],
        items: Sequence[bytes],
        bare: bool,
        many: Mapping[bytes, int],
        found: list[Understood | None],
    ) -> None:
        """Put what may pass of pods that fit no mold to what was found, and make molds of them."""
        held = [items[place] for place in places]
        for place, item, pod in zip(places, held, self._each(held, bare), strict=True):
            found[place] = pod
            if pod is not None:
                self._molds.learn(item, pod, bare=bare, more=many[owner_of(item)] > 1)

    def counts(self) -> Counter[str]:
        """Return how many values were removed so far, by rule."""
        self._counts += self._molds.counts()
        for piece in self._pieces.values():
            if piece is not None and piece.uses:
                self._counts.update({rule: count * piece.uses for rule, count in piece.counts.items()})
                piece.uses = 0
        return self._counts

    def _make_room(self) -> None:
        if len(self._pieces) > _MOST_PIECES or self._bytes + self._molds.book.held_bytes > _MOST_BYTES:
            self.counts()
            self._molds.book.clear()
            self._pieces.clear()
            self._bytes = 0

    def _each(self, items: Sequence[bytes], bare: bool) -> list[Understood | None]:
        """Return what may pass of each object, decoded together; where the shape of one is not understood, alone."""
        pods = _decoded(items)
        if pods is None:
            return [None] if len(items) == 1 else [pod for item in items for pod in self._each([item], bare)]
        drafts = [self._draft(pod, bare) for pod in pods]
        words = {word for draft in drafts for word in draft.words} - CLEAN - _NO_WORDS
        unclean = {word for word in words if PLAIN.fullmatch(word) is None and not is_clean(word)}
        return [self._settled(draft, unclean) for draft in drafts]

    def _value(self, place: str, value: bytes) -> Piece | None:
        """Return what may pass of bytes that stand where a pod has a value; None where they are none."""
        if (place, value) not in self._pieces and not is_whole(value):
            return None
        try:
            return self._piece(place, value, _Draft())
        except NotUnderstoodError:
            return None

    def _trial(self, item: bytes, bare: bool, marks: Sequence[tuple[str, bytes]]) -> Trial | None:
        """Redact a pod in which marks stand for values: they pass as they are."""
        marked: dict[tuple[str, bytes], Piece | None] = {mark: Piece(mark[1], {}, Counter()) for mark in marks}
        self._pieces.update(marked)
        try:
            [draft] = [self._draft(pod, bare) for pod in _decoded([item]) or [shapes.POD()]]
        finally:
            for mark in marked:
                del self._pieces[mark]
        if draft.pod is None:
            return None
        counts = Counter(draft.dropped)
        for piece in draft.pieces:
            counts.update(piece.counts)
        return Trial(draft.pod, counts)

    def _draft(self, pod: Any, bare: bool) -> _Draft:
        draft = _Draft()
        try:
            if (pod.apiVersion, pod.kind) == ("v1", kinds.POD.kind) or (bare and pod.apiVersion is pod.kind is UNSET):
                draft.pod = self._pod(pod, draft)
        except NotUnderstoodError:
            draft.words.clear()
        return draft

    def _settled(self, draft: _Draft, unclean: set[Any]) -> Understood | None:
        """Return a pod whose words are all clean, and count what was removed from it."""
        if draft.pod is None or (unclean and not unclean.isdisjoint(draft.words)):
            return None
        for piece in draft.pieces:
            piece.uses += 1
        for name in draft.dropped:
            self._counts[name] += 1
        return draft.pod

    def _pod(self, pod: Any, draft: _Draft) -> Understood:
        metadata, spec, status = pod.metadata, pod.spec, pod.status
        if metadata is UNSET or spec is UNSET or status is UNSET:
            raise NotUnderstoodError
        draft.words += _POD_WORDS(pod)
        writers = _writers(metadata, draft)
        for name in _MAPS:
            if (held := getattr(metadata, name)) is not UNSET:
                setattr(metadata, name, Raw(self._piece(name, bytes(held), draft).kept))
        metadata = self._put("metadata", metadata, draft)
        if not (_NAME.fullmatch(metadata.name or "") and _NAME.fullmatch(metadata.namespace or "")):
            raise NotUnderstoodError
        written, known = self._spec(spec, draft)
        content = _CONTENT % (_ENCODE(metadata), written, _ENCODE(self._status(status, draft)))
        if writers:
            known = {**known, facts.FIELD_MANAGERS: writers}
        return Understood(
            metadata.name,
            metadata.namespace,
            metadata.resourceVersion or "",
            metadata.uid or "",
            metadata.creationTimestamp or "",
            content,
            b"{" + b",".join(b'"%b":%b' % (name.encode(), known[name]) for name in sorted(known)) + b"}",
        )

    def _spec(self, spec: Any, draft: _Draft) -> tuple[bytes, dict[str, bytes]]:
        """Return the spec of a pod and its facts.

        Pods of one workload differ in node, host name, token and claims, and those of a DaemonSet in their affinity.
        """
        own: list[tuple[bytes, bytes]] = []
        if spec.affinity is not UNSET:
            own.append((_HOLES["affinity"], self._piece("affinity", bytes(spec.affinity), draft).kept))
            spec.affinity = Raw(_HOLES["affinity"])
        for name in ("hostname", "nodeName"):
            if word := getattr(spec, name):
                own.append((_HOLES[name], _ENCODE(word)))
                setattr(spec, name, Raw(_HOLES[name]))
        volumes, spec.volumes = spec.volumes, UNSET
        key, token = _without_token(_ENCODE(spec))
        if token:
            own.append((_HOLE, token))
        piece = self._piece("spec", key, draft)
        kept: bytes = piece.kept
        for hole, held in own:
            kept = kept.replace(hole, held)
        if volumes is not UNSET:
            listed = b",".join([self._volume(bytes(each), draft) for each in volumes])
            kept = b'%b%b"volumes":[%b]}' % (kept[:-1], b"," if len(kept) > 2 else b"", listed)
        return kept, piece.facts

    def _volume(self, held: bytes, draft: _Draft) -> bytes:
        key, token = _without_token(held)
        kept: bytes = self._piece("volumes", key, draft).kept
        return kept.replace(_HOLE, token) if token else kept

    def _whole_spec(self, key: bytes) -> Piece:
        """Return a spec that is new, made of its containers, which may have been seen, and the rest."""
        draft, spec = _Draft(), _DECODE_SPEC(key)
        for place in _CONTAINERS:
            if (held := getattr(spec, place)) is not UNSET:
                setattr(spec, place, [Raw(self._piece(place, bytes(each), draft).kept) for each in held])
        known: dict[str, dict[str, str]] = {}
        for piece in draft.pieces:
            for fact, found in piece.facts.items():
                if known.setdefault(fact, {}).keys() & found.keys():
                    raise NotUnderstoodError
                known[fact].update(found)
        content = _ENCODE(self._put("rest", spec, draft))
        if any(content.count(hole) != key.count(hole) or key.count(hole) > 1 for hole in _HOLES.values()):
            raise NotUnderstoodError
        counts: Counter[str] = Counter()
        for piece in draft.pieces:
            counts.update(piece.counts)
        return Piece(content, {fact: canonical_json(found) for fact, found in known.items()}, counts)

    def _status(self, status: Any, draft: _Draft) -> Any:
        """Return the status of a pod, in which words stay and messages are left out."""
        words = draft.words
        _drop_message(status, draft)
        for condition in status.conditions or ():
            _drop_message(condition, draft)
            words += _CONDITION_WORDS(condition)
        for address in (*(status.hostIPs or ()), *(status.podIPs or ())):
            words.append(address.ip)
        for name in _STATUSES:
            if held := getattr(status, name):
                setattr(status, name, [self._container_status(each, draft) for each in held])
        return status if _STATUS_PIECES(status) == _NO_PIECES else self._put("status", status, draft)

    def _container_status(self, each: Any, draft: _Draft) -> Any:
        draft.words.append(each.containerID)
        for state in (each.state, each.lastState):
            if state is not UNSET:
                _read_state(state, draft)
        token = b""
        if each.volumeMounts is not UNSET:
            key, token = _without_token(bytes(each.volumeMounts))
            kept: bytes = self._piece("mounted", key, draft).kept
            each.volumeMounts = Raw(kept.replace(_HOLE, token) if token else kept)
        return self._put("statuses", each, draft)

    def _put(self, place: str, held: Any, draft: _Draft) -> Any:
        """Return a part of a pod: fields that were answered for, and what is left of the rest in the place of it."""
        rest, values = _REST[place]
        piece = self._piece(place, _ENCODE(rest(*values(held))), draft)
        if not piece.same:
            for name in rest.__struct_fields__:
                setattr(held, name, getattr(piece.kept, name))
        return held

    def _piece(self, place: str, key: bytes, draft: _Draft) -> Piece:
        """Return what may pass of some bytes at their place in a pod: remembered, or found out now."""
        piece = self._pieces.get((place, key), ...)
        if piece is ...:
            self._bytes += 2 * len(key)
            try:
                piece = self._whole_spec(key) if place == "spec" else self._exact(place, key)
            except NotUnderstoodError:
                piece = None
            self._pieces[place, key] = piece
        if piece is None:
            raise NotUnderstoodError
        draft.pieces.append(piece)
        return piece

    def _exact(self, place: str, key: bytes) -> Piece:
        """Return what `redact` leaves of some bytes at their place in a pod that has nothing else."""
        above, shape = _PLACES[place]
        nested = load_piece(key)
        for step in reversed(above):
            nested = [nested] if step == 0 else {step: nested}
        redacted = redact({"apiVersion": "v1", "kind": kinds.POD.kind, **nested}, self.pseudonym)
        found: Any = redacted.content
        for step in above:
            found = found[step]
        kept = canonical_json(found)
        whole = kept.count(_HOLE) == key.count(_HOLE) and _HOLE + b":" not in kept
        known = canonical_json(redacted.facts) if redacted.facts else b""
        if not whole or "too_deep" in redacted.counts or _HOLE[1:-1] in known:
            raise NotUnderstoodError
        if shape is None:
            return Piece(kept, redacted.facts, redacted.counts)
        try:
            part = msgspec.json.decode(kept, type=shape)
            return Piece(part, redacted.facts, redacted.counts, same=kept == key)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise NotUnderstoodError from None


def split_items(page: bytes) -> list[bytes]:
    """Return the values of a JSON array as they are written."""
    return [bytes(each) for each in _SPLIT(page)]


def _decoded(items: Sequence[bytes]) -> list[Any] | None:
    """Return objects in their shape; None where that of one is not as it should be.

    Written again they are as long as before: no key stood there twice, and nothing in them was passed over.
    """
    page = b"[%b]" % b",".join(items)
    try:
        pods: list[Any] = _DECODE(page)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return pods if len(_ENCODE(pods)) == len(page) else None


def _is_utf8(page: bytes) -> bool:
    try:
        return bool(page.decode())
    except UnicodeDecodeError:
        return False


def _without_token(written: bytes) -> tuple[bytes, bytes]:
    """Return bytes with a hole for the name of the token's volume, and that name, b"" where there is none."""
    at = written.find(TOKEN)
    if at < 0:
        return written, b""
    token = written[at : at + _TOKEN_BYTES]
    if _TOKEN.fullmatch(token) is None or _HOLE in written:
        return written, b""
    return written.replace(token, _HOLE), token


def _writers(metadata: Any, draft: _Draft) -> bytes:
    """Take out who wrote the object, as the typed fact that is kept of it; b"" where nobody is named."""
    writers = metadata.managedFields
    if writers is UNSET:
        return b""
    metadata.managedFields = UNSET
    draft.dropped.append("managedFields")
    for each in writers:
        each.apiVersion = each.fieldsType = each.fieldsV1 = UNSET
        words = _WRITER_WORDS(each)
        if words[0] is UNSET or None in words:
            raise NotUnderstoodError
        draft.words += words
    return _ENCODE(writers) if writers else b""


def _read_state(state: Any, draft: _Draft) -> None:
    if state.running is not UNSET:
        draft.words.append(state.running.startedAt)
    if state.waiting is not UNSET:
        _drop_message(state.waiting, draft)
        draft.words.append(state.waiting.reason)
    if state.terminated is not UNSET:
        _drop_message(state.terminated, draft)
        draft.words += _TERMINATED_WORDS(state.terminated)


def _drop_message(held: Any, draft: _Draft) -> None:
    if held.message is not UNSET:
        if bytes(held.message)[:1] != b'"':
            raise NotUnderstoodError
        held.message = UNSET
        draft.dropped.append("message")


_DECODE: Final = msgspec.json.Decoder(list[shapes.POD]).decode
_SPLIT: Final = msgspec.json.Decoder(list[Raw]).decode
_DECODE_SPEC: Final = msgspec.json.Decoder(shapes.POD_SPEC).decode
_ENCODE: Final = msgspec.json.Encoder().encode
_CONTENT: Final = b'{"apiVersion":"v1","kind":"Pod","metadata":%b,"spec":%b,"status":%b}'
_NO_WORDS: Final = frozenset([None, UNSET])
_NAME: Final = re.compile(r"[a-z0-9.-]{1,253}", re.ASCII)
_CONTAINERS: Final = ("containers", "initContainers", "ephemeralContainers")
_STATUSES: Final = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
_MAPS: Final = ("annotations", "labels", "ownerReferences")

_WORDS_OF_METADATA: Final = ("creationTimestamp", "generateName", "name", "resourceVersion", "uid")
_OWN_METADATA: Final = (*_WORDS_OF_METADATA, *_MAPS)
_OWN_SPEC: Final = (*_OWN_IN_SPEC, *_CONTAINERS)
_OWN_CONTAINER: Final = ("containerID", "lastState", "state", "volumeMounts")
_OWN_STATUS: Final = (
    *("conditions", "hostIP", "hostIPs", "nominatedNodeName", "observedGeneration", "phase", "podIP", "podIPs"),
    *("qosClass", "reason", "startTime", *_STATUSES),
)
"""Fields that are answered for by themselves; what else a part has is redacted as one piece."""

_POD_WORDS: Final = attrgetter(
    *(f"metadata.{name}" for name in _WORDS_OF_METADATA),
    *("spec.hostname", "spec.nodeName"),
    *(f"status.{name}" for name in "hostIP nominatedNodeName phase podIP qosClass reason startTime".split()),
)
_WRITER_WORDS: Final = attrgetter("manager", "operation", "subresource", "time")
_CONDITION_WORDS: Final = attrgetter("lastProbeTime", "lastTransitionTime", "reason", "status", "type")
_TERMINATED_WORDS: Final = attrgetter("containerID", "finishedAt", "reason", "startedAt")
_STATUS_PIECES: Final = attrgetter(*sorted(set(shapes.POD_STATUS.__struct_fields__) - {*_OWN_STATUS, "message"}))
_NO_PIECES: Final = _STATUS_PIECES(shapes.POD_STATUS())

_PLACES: Final[dict[str, tuple[tuple[Any, ...], Any]]] = {
    "metadata": (("metadata",), shapes.METADATA),
    "rest": (("spec",), shapes.POD_SPEC),
    "status": (("status",), shapes.POD_STATUS),
    "statuses": (("status", "containerStatuses", 0), shapes.CONTAINER_STATUS),
    "mounted": (("status", "containerStatuses", 0, "volumeMounts"), None),
    "affinity": (("spec", "affinity"), None),
    **{name: (("metadata", name), None) for name in _MAPS},
    **{name: (("spec", name, 0), None) for name in (*_CONTAINERS, "volumes")},
}
"""Where each kind of piece stands in a pod, and its shape where fields are put into it."""


def _rest(shape: Any, own: tuple[str, ...]) -> tuple[Any, Callable[[Any], Any]]:
    """Return a shape of the fields that are redacted as one piece, and what gets their values."""
    names = [name for name in shape.__struct_fields__ if name not in own]
    fields = [(name, Any, UNSET) for name in names]
    return msgspec.defstruct("Rest", fields, module=__name__, gc=False), attrgetter(*names)


_REST: Final = {
    "metadata": _rest(shapes.METADATA, _OWN_METADATA),
    "rest": _rest(shapes.POD_SPEC, _OWN_SPEC),
    "status": _rest(shapes.POD_STATUS, _OWN_STATUS),
    "statuses": _rest(shapes.CONTAINER_STATUS, _OWN_CONTAINER),
}
