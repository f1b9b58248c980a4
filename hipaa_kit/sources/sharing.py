"""JSON in which equal parts are one object: a thousand pods of a workload hold its template once."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec

_MOST_BYTES: Final = 64 * 2**20
_LONGEST: Final = 2**12
_MISSING: Final = object()


class SharedJson:
    """Reads JSON like `json.loads`; what it returns may be shared and must not be changed."""

    def __init__(self) -> None:
        self._known: dict[bytes, Any] = {}
        self._bytes = 0

    def loads(self, raw: bytes) -> Any:
        """Return the value that JSON stands for.

        Parameters
        ----------
        raw
            One value in canonical JSON.
        """
        try:
            return self._value(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            # Infinity and halves of surrogate pairs are no JSON, but a line may hold what Python wrote for them.
            return json.loads(raw)

    def _value(self, raw: bytes) -> Any:
        value = self._known.get(raw, _MISSING)
        return self._new(raw) if value is _MISSING else value

    def _new(self, raw: bytes) -> Any:
        first, known, new = raw[:1], self._known, self._new
        value: Any
        if first == b"{":
            value = {}
            for key, inner in _MAP(raw).items():
                held = bytes(inner)
                found = known.get(held, _MISSING)
                value[key] = new(held) if found is _MISSING else found
        elif first == b"[":
            value = [self._value(bytes(inner)) for inner in _LIST(raw)]
        else:
            value = _TEXT(raw) if first == b'"' else json.loads(raw)
        if len(raw) <= _LONGEST:
            self._remember(raw, value)
        return value

    def _remember(self, raw: bytes, value: Any) -> None:
        self._bytes += 2 * len(raw) + 100
        if self._bytes > _MOST_BYTES:
            self._known.clear()
            self._bytes = 2 * len(raw) + 100
        self._known[raw] = value


_MAP: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
_TEXT: Final = msgspec.json.Decoder(str).decode
