"""Molds: what many objects share byte for byte, with holes for what is each one's own.

The pods of a workload differ in some forty words: name, uid, addresses, moments, ids of containers. An object fits
a mold where the bytes between the holes are the mold's own, and each hole holds a text without escapes or one whole
JSON value. It then says what the mold's object says, but for what stands in the holes; so what is made of one by
rules that pass these words on unread is made of the other by putting its words in.
"""

from __future__ import annotations

import re
import struct
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Raw

NAME: Final = "name"
"""A text of small letters, digits, dots and hyphens."""

ADDRESS: Final = "address"
MOMENT: Final = "moment"
"""A text `2026-11-20T02:00:05Z`."""

ID: Final = "id"
"""The 64 digits of a container's id, after its scheme."""

TOKEN: Final = "token"
"""The five letters that end the name of the volume with the token, the same everywhere in a pod.

Source: https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-token-volume
"""

FIELDS: Final = "fields"
"""What managed fields say of who owns what: no hole, but addresses in it are."""

VALUE: Final = "value"
"""One whole value, whatever it is."""

TOKEN_NAME: Final = b"kube-api-access-"

TEXT: Final = "text"
"""Any text without escapes."""

KINDS: Final = (NAME, ADDRESS, MOMENT, ID, TOKEN, TEXT, VALUE)
WORDS: Final = KINDS[:5]
"""Kinds of holes for words: a text, or a part of one, without escapes."""

_OWNER: Final = b'"ownerReferences":['
_MOST_OF_ONE_OWNER: Final = 6
_MOST_LAYOUTS: Final = 16
_ENDER_BYTES: Final = 16
_WIDTHS: Final = {MOMENT: 20, ID: 64, TOKEN: 5}
_FIT: Final = {
    NAME: re.compile(rb'"([a-z0-9.-]{1,253})"'),
    ADDRESS: re.compile(rb'"([0-9a-f.:]{1,45})"'),
    MOMENT: re.compile(rb'"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"'),
    ID: re.compile(rb'"(?:containerd|cri-o|docker)://([0-9a-f]{64})"'),
    TEXT: re.compile(rb'"([^"\\]{1,1000})"'),
    VALUE: re.compile(rb"(.+)", re.DOTALL),
}
_ADDRESSES: Final = re.compile(rb'\{\\"[a-z]{1,20}\\":\\"([0-9a-f]{0,4}[.:][0-9a-f.:]{1,40})\\"\}')
_TOKENS: Final = re.compile(TOKEN_NAME + rb'([a-z0-9]{5})(?=\\?")')


class Hole(NamedTuple):
    """What is an object's own: from where to where it stands in the bytes, what it is, and the path to it."""

    start: int
    end: int
    kind: str
    path: str


def find_holes(raw: bytes, own: Mapping[str, Any]) -> list[Hole] | None:
    """Return the holes of an object in the order of its bytes.

    Parameters
    ----------
    raw
        A JSON object, UTF-8, without white space between its tokens.
    own
        What is each object's own: by field the kind of hole, or a map of what is in it; a list of one for lists.

    Returns
    -------
    list of Hole, or None
        None where the bytes are not such an object.
    """
    found: list[Hole] = []
    try:
        _find(raw, 0, own, "", raw, found)
    except (ValueError, RecursionError):
        return None
    tokens = [Hole(*each.span(1), TOKEN, TOKEN) for each in _TOKENS.finditer(raw)]
    if len(tokens) != raw.count(TOKEN_NAME) or len({raw[each.start : each.end] for each in tokens}) > 1:
        return None
    # A token within a value is the value's own matter.
    values = [(each.start, each.end) for each in found if each.kind == VALUE]
    outside = [each for each in tokens if not any(start <= each.start < end for start, end in values)]
    return sorted(found + outside) if len(outside) == len(tokens) else None


def _find(raw: bytes, start: int, own: Any, path: str, value: bytes, found: list[Hole]) -> None:
    """Put the holes of a value, which begins at `start` of an object, to those found."""
    if isinstance(own, str):
        _find_words(raw, start, start + len(value), own, path, found)
    elif isinstance(own, Mapping) and value[:1] == b"{":
        at = start + 1
        for key, inner in _MAP(value).items():
            held = bytes(inner)
            at += len(key.encode()) + 3
            if key in own:
                _find(raw, at, own[key], f"{path}.{key}" if path else key, held, found)
            at += len(held) + 1
        _ended(at, start, value)
    elif isinstance(own, list) and value[:1] == b"[":
        at = start + 1
        for number, inner in enumerate(_LIST(value)):
            held = bytes(inner)
            _find(raw, at, own[0], f"{path}.{number}", held, found)
            at += len(held) + 1
        _ended(at, start, value)


def _find_words(raw: bytes, start: int, end: int, kind: str, path: str, found: list[Hole]) -> None:
    if kind == FIELDS:
        found += [Hole(*each.span(1), ADDRESS, path) for each in _ADDRESSES.finditer(raw, start, end)]
    elif word := _FIT[kind].fullmatch(raw, start, end):
        found.append(Hole(*word.span(1), kind, path))


def _ended(at: int, start: int, value: bytes) -> None:
    """Refuse what is written in any other way: with white space, escapes in names, or a name twice."""
    if at != start + len(value) and len(value) != 2:
        raise ValueError("not written plainly")


class Mold:
    """What objects share, as the bytes of one of them with holes.

    Parameters
    ----------
    raw, holes
        The object, and what `find_holes` says of it.
    """

    __slots__ = ("_layouts", "_rest", "_steps", "kinds", "paths", "picked", "shared", "words")

    def __init__(self, raw: bytes, holes: Sequence[Hole]) -> None:
        ends = [0, *(hole.end for hole in holes)]
        starts = [*(hole.start for hole in holes), len(raw)]
        self.shared = tuple([raw[end:start] for end, start in zip(ends, starts, strict=True)])
        self.words = [raw[hole.start : hole.end] for hole in holes]
        self.kinds = [hole.kind for hole in holes]
        self.paths = [hole.path for hole in holes]
        self.picked = {kind: picker([n for n, each in enumerate(self.kinds) if each == kind]) for kind in KINDS}
        self._layouts: dict[tuple[int, ...], Callable[[bytes], tuple[bytes, ...]]] = {}
        self._steps: list[tuple[int, bytes]] = []
        skipped = 0
        for before, kind, after in zip(self.shared, self.kinds, self.shared[1:], strict=False):
            skipped += len(before) + _WIDTHS.get(kind, 0)
            if kind not in _WIDTHS:
                self._steps.append((skipped, _ender(kind, after)))
                skipped = 0
        self._rest = skipped + len(self.shared[-1])

    def words_of(self, raw: bytes) -> list[bytes] | None:
        """Return what stands in the holes of an object, None where it does not fit.

        Whether the words are such as they should be is for `are_plain` to tell: here each only ends where it should.
        """
        at, widths, find = 0, [], raw.find
        for skipped, ender in self._steps:
            at += skipped
            end = find(ender, at)
            if end <= at:
                return None
            widths.append(end - at)
            at = end
        if at + self._rest != len(raw):
            return None
        # All of it is cut and compared at once: objects of a workload are laid out in a few ways.
        parts = (self._layouts.get(key := tuple(widths)) or self._laid_out(key))(raw)
        return list(parts[1::2]) if parts[::2] == self.shared else None

    def _laid_out(self, widths: tuple[int, ...]) -> Callable[[bytes], tuple[bytes, ...]]:
        """Return what cuts an object in which words of no certain width are so long."""
        left = iter(widths)
        words = [_WIDTHS[kind] if kind in _WIDTHS else next(left) for kind in self.kinds]
        layout = "".join(f"{len(before)}s{word}s" for before, word in zip(self.shared, words, strict=False))
        if len(self._layouts) >= _MOST_LAYOUTS:
            self._layouts.clear()
        self._layouts[widths] = unpack = struct.Struct(f"={layout}{len(self.shared[-1])}s").unpack
        return unpack

    def filled(self, words: Sequence[bytes]) -> bytes:
        """Return the object with other words in its holes."""
        parts = [b""] * (2 * len(words) + 1)
        parts[::2], parts[1::2] = self.shared, words
        return b"".join(parts)

    def marks(self) -> list[bytes] | None:
        """Return words for the holes that stand nowhere else in the object; None where one does."""
        marks = [_mark(kind, number) for number, kind in enumerate(self.kinds)]
        shared = b"\n".join(self.shared)
        return None if any(each.strip(b'"') in shared for each in marks) else marks


class Fill:
    """Bytes that are made of an object's words.

    Parameters
    ----------
    made, marks
        What was made of an object with marks for words, and those marks.
    """

    __slots__ = ("_order", "_parts")

    def __init__(self, made: bytes, marks: Sequence[bytes]) -> None:
        number = {each: place for place, each in reversed(list(enumerate(marks)))}
        found = sorted((at, at + len(each), each) for each in number for at in _places(made, each))
        starts, ends = [start for start, _, _ in found], [end for _, end, _ in found]
        self._parts = [b""] * (2 * len(found) + 1)
        self._parts[::2] = [made[end:start] for end, start in zip([0, *ends], [*starts, len(made)], strict=True)]
        self._order = picker([number[each] for _, _, each in found])

    def filled(self, words: Sequence[bytes]) -> bytes:
        """Return what is made of an object with these words."""
        parts = self._parts.copy()
        parts[1::2] = self._order(words)
        return b"".join(parts)


def _places(text: bytes, part: bytes) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + len(part))


def picker(places: Sequence[int]) -> Callable[[Sequence[Any]], Sequence[Any]]:
    """Return what gets the values at some places of a sequence."""
    if len(places) > 1:
        return itemgetter(*places)
    return (lambda values: [values[places[0]]]) if places else (lambda values: ())  # noqa: ARG005 - of none, nothing


def are_plain(words: Mapping[str, Sequence[bytes]]) -> bool:
    """Tell whether words by kind of hole are such as their kind says, and such that no secret can be in them.

    All words of a page are judged at once. Names in which a number of a patient may stand are not plain.
    """
    names, addresses, tokens = (b"\n".join(words.get(kind, ())) for kind in (NAME, ADDRESS, TOKEN))
    ids, moments = (b"".join(words.get(kind, ())) for kind in (ID, MOMENT))
    return not (
        names.translate(None, _NAME_BYTES)
        or addresses.translate(None, _ADDRESS_BYTES)
        or tokens.translate(None, _NAME_BYTES)
        or ids.translate(None, _ID_BYTES)
        or moments.translate(_DIGITS) != b"0000-00-00T00:00:00Z" * len(words.get(MOMENT, ()))
        or b"mrn" in names
        or b"000-00-0000" in names.translate(_DIGITS)
    )


def is_whole(value: bytes) -> bool:
    """Tell whether bytes are one JSON value."""
    try:
        _VALUE(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _ender(kind: str, after: bytes) -> bytes:
    """Return what ends a hole before these bytes."""
    return after[: _ENDER_BYTES if kind == VALUE else 1]


def _mark(kind: str, number: int) -> bytes:
    """Return a word for a hole of some kind that is unlikely to be the word of any object."""
    if kind == TOKEN:
        return b"zqxjk"
    if kind == MOMENT:
        return b"%04d-07-06T05:04:03Z" % number
    if kind == ID:
        return (b"%04d" % number) * 16
    return b'"value-%d-of-mold"' % number if kind == VALUE else b"hole-%d-of-mold" % number


class MoldBook:
    """Molds, each with what is made of the words of an object that fits it.

    They are looked up by what an object says of its owners: one without an owner has no mold.
    """

    def __init__(self) -> None:
        self._molds: dict[bytes, list[tuple[Mold, Any]]] = {}
        self._seen: Counter[bytes] = Counter()
        self.held_bytes = 0

    def __iter__(self) -> Iterator[Any]:
        """Go through what is made with each mold."""
        return (made for molds in self._molds.values() for _, made in molds)

    def fit(self, raw: bytes) -> tuple[Any, list[bytes]] | None:
        """Return what is made with the mold that an object fits, and its words; None where it fits none."""
        molds = self._molds.get(owner_of(raw))
        for number, (mold, made) in enumerate(molds or ()):
            if (words := mold.words_of(raw)) is not None:
                if number and molds:
                    molds.insert(0, molds.pop(number))
                return made, words
        return None

    def is_due(self, raw: bytes, *, more: bool) -> bool:
        """Tell whether a mold should be made of an object that fits none: the second, fourth, eighth … of its owner.

        Where it is known that more of its owner will come, the first serves.
        """
        owner = owner_of(raw)
        if not owner:
            return False
        self.held_bytes += 0 if owner in self._seen else len(owner) + 100
        self._seen[owner] += 1
        seen = self._seen[owner]
        return (more or seen > 1) and seen & (seen - 1) == 0 and len(self._molds.get(owner, ())) < _MOST_OF_ONE_OWNER

    def add(self, raw: bytes, mold: Mold, made: Any) -> None:
        """Take a mold that was made of an object."""
        self._molds.setdefault(owner_of(raw), []).insert(0, (mold, made))
        self.held_bytes += 3 * len(raw)

    def clear(self) -> None:
        """Forget all of them."""
        self._molds.clear()
        self._seen.clear()
        self.held_bytes = 0


def owner_of(raw: bytes) -> bytes:
    """Return what an object says of its owners, b"" where it names none."""
    at = raw.find(_OWNER)
    return raw[at : raw.find(b"]", at)] if at >= 0 else b""


_MAP: Final = msgspec.json.Decoder(dict[str, Raw]).decode
_LIST: Final = msgspec.json.Decoder(list[Raw]).decode
_VALUE: Final = msgspec.json.Decoder(Raw).decode
_ID_BYTES: Final = b"0123456789abcdef"
_ADDRESS_BYTES: Final = _ID_BYTES + b".:\n"
_NAME_BYTES: Final = b"abcdefghijklmnopqrstuvwxyz0123456789.-\n"
_DIGITS: Final = bytes.maketrans(b"0123456789", b"0000000000")
