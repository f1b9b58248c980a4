"""The second net: everything about to be written is searched for what looks like a secret.

The first net is redaction at the door, by allow-list. What this one finds is a bug of the first, so
the write stops; the value itself is never shown.
"""

from __future__ import annotations

import base64
import binascii
import re
from functools import cache, lru_cache
from typing import Final, NamedTuple

from hipaa_kit.errors import LeakError

_QUOTE: Final = r"(?:\\{0,16}\"|&quot;|&\#34;)"
"""A quote as it stands in JSON, in JSON within JSON, and in HTML; without a bound, a run of backslashes takes hours."""

_START: Final = r"(?:(?<![A-Za-z0-9_-])|(?<=\\[nrt]))"
"""A place where a word can start; the letter of an escaped line end belongs to no word."""

PATTERNS: Final = {
    "json_web_token": r"eyJ[A-Za-z0-9_-]{8,1024}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
    "private_key": r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|AGE-SECRET-KEY-1[A-Z0-9]{20,}",
    "aws_key_id": r"(?<![A-Z0-9])A[KS]IA[A-Z0-9]{16}(?![A-Za-z0-9])",
    "bearer_token": r"(?i:bearer)\s+[A-Za-z0-9._~+/-]{16,}=*",
    "registry_auth": rf"{_QUOTE}auth{_QUOTE}\s*:\s*{_QUOTE}[A-Za-z0-9+/]{{8,}}=*{_QUOTE}",
    "url_password": r"(?i:[a-z][a-z0-9+.-]{1,20})://[^\s/:@'\"<>&]{0,256}:(?!\d{1,5}/)[^\s@'\"<>&]{1,256}@",
    "social_security_number": rf"{_START}(?!000|666|9\d\d)\d{{3}}-(?!00)\d{{2}}-(?!0000)\d{{4}}(?![\w-])",
    "medical_record_number": r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))(?i:MRN)[\s:#=_-]{0,3}\d{5,}",
}
"""What a secret, or a patient's number, looks like by itself, by name of the pattern.

Sources: RFC 7519 (JSON web token), RFC 7468 (PEM), RFC 6750 (bearer token),
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids,
https://kubernetes.io/docs/tasks/configure-pod-container/pull-image-private-registry/ (`auth`), RFC 3986
section 3.2.1 (user info), https://www.ssa.gov/employer/randomization.html (numbers that were never given).
"""

_CASED: Final = {
    "json_web_token": ("eyJ",),
    "private_key": ("PRIVATE KEY", "AGE-SECRET"),
    "aws_key_id": ("AKIA", "ASIA"),
    "registry_auth": ('auth"', "auth\\", "auth&"),
}
_UNCASED: Final = {"bearer_token": "bearer", "medical_record_number": "mrn"}
"""Words of which one stands in whatever a pattern finds; the second are found in letters of either size."""
_NUMBER: Final = re.compile(r"-\d\d-\d{4}(?![\w-])")
_ADDRESS: Final = re.compile(r"://[^\s/:@'\"<>&]{0,256}:(?!\d{1,5}/)[^\s@'\"<>&]{1,256}@")
"""The end of a social security number and of a URL with a password: each begins with a character that is searched for
without trying the pattern at every place, and a moment, a port or the id of a container is neither."""
_BASE64: Final = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{24,}={0,2}")
_TELLING: Final = re.compile(rb"passw(?:or)?d|private[ _-]?key|secret[ _-]?(?:access[ _-]?)?key", re.IGNORECASE)

PLACEHOLDERS: Final = re.compile(r"<?\d+ bytes(?: long)?>?|\*\*\*HIDDEN\*\*\*|<?(?:redacted|removed)>?", re.IGNORECASE)
"""What other tools, and this kit, put in the place of a value.

Sources: `kubectl describe secret` (`7 bytes`), must-gather (`7 bytes long`), troubleshoot.sh (`***HIDDEN***`).
"""


class Leak(NamedTuple):
    """What was found and where; never the value."""

    pattern: str
    position: int


def find_leaks(text: str) -> list[Leak]:
    """Return what in a text looks like a secret, by pattern and position.

    Parameters
    ----------
    text
        Text of any length; images and fonts in base64 are for the caller to leave out, by their type.

    Returns
    -------
    list of Leak
        In the order of the patterns found by themselves, then those found inside base64
        (`base64_password`). A pseudonym of this kit is never among them.
    """
    leaks = []
    if possible := _possible(text):
        leaks = [Leak(str(found.lastgroup), found.start()) for found in _joined(possible).finditer(text)]
    if len(text) >= 24:
        leaks += [Leak("base64_password", found.start()) for found in _BASE64.finditer(text) if _tells(found[0])]
    return leaks


def looks_secret(value: str) -> bool:
    """Tell whether a single value looks like a secret."""
    return len(value) > 7 and bool(find_leaks(value))


def is_placeholder(value: str) -> bool:
    """Tell whether another tool has already put something in the value's place.

    A placeholder is not a value: what it stands for is unknown.
    """
    return len(value) <= 32 and PLACEHOLDERS.fullmatch(value) is not None


def refuse_leaks(text: str, where: str) -> None:
    """Raise LeakError when a text about to be written looks like it holds a secret.

    Parameters
    ----------
    text
        What is to be written.
    where
        File or object it stands for, for the message.

    Raises
    ------
    LeakError
        Names the patterns and the first position, and never the value.
    """
    if leaks := find_leaks(text):
        kinds = ", ".join(sorted({leak.pattern.replace("_", " ") for leak in leaks}))
        raise LeakError(
            f"looks like it holds a {kinds} at position {leaks[0].position}; nothing was written",
            where,
            "this is a defect of the kit: report the kind and the object, not the value",
        )


def _possible(text: str) -> frozenset[str]:
    """Return the patterns that can match: plain searches cost a small part of any pattern tried at every place."""
    found = {name for name, words in _CASED.items() if any(word in text for word in words)}
    folded = text.lower()
    found |= {name for name, word in _UNCASED.items() if word in folded}
    if _NUMBER.search(text):
        found.add("social_security_number")
    if "://" in text and _ADDRESS.search(text):
        found.add("url_password")
    return frozenset(found)


@cache
def _joined(names: frozenset[str]) -> re.Pattern[str]:
    """Return some patterns as one; where none of the others can match it finds what all of them would."""
    return re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in PATTERNS.items() if name in names))


@lru_cache(maxsize=8192)
def _tells(candidate: str) -> bool:
    """Tell whether base64, of either alphabet, decodes to text that speaks of a password or holds a secret.

    A word that stands right before it shifts the groups of four, so each of the four starts is read.
    Digests and names in small letters are passed over: the base64 of those words has capitals in it.
    """
    if candidate.lower() == candidate:
        return False
    encoded = candidate.rstrip("=").replace("-", "+").replace("_", "/")
    return any(_speaks(_decoded(encoded[start:])) for start in range(4))


def _decoded(encoded: str) -> bytes:
    """Return base64 without padding as bytes; a last character that completes no byte is left out."""
    whole = encoded[: len(encoded) - (len(encoded) % 4 == 1)]
    try:
        return base64.b64decode(whole + "=" * (-len(whole) % 4))
    except binascii.Error:
        return b""


def _speaks(decoded: bytes) -> bool:
    every = _joined(frozenset(PATTERNS))
    return _TELLING.search(decoded) is not None or (decoded.isascii() and every.search(decoded.decode()) is not None)
