"""The second net: everything about to be written is searched for what looks like a secret.

The first net is redaction at the door, by allow-list. What this one finds is a bug of the first, so
the write stops; the value itself is never shown.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final, NamedTuple

from hipaa_kit.errors import LeakError

PATTERNS: Final = {
    "json_web_token": r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
    "private_key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----",
    "aws_key_id": r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    "bearer_token": r"(?i:\bbearer)\s+[A-Za-z0-9._~+/-]{16,}=*",
    "registry_auth": r"\"auth\"\s*:\s*\"[A-Za-z0-9+/]{8,}=*\"",
    "url_password": r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@'\"<>]{1,256}:[^\s/@'\"<>]{1,256}@",
    "social_security_number": r"(?<![\w-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])",
    "medical_record_number": r"(?i:\bMRN)[\s:#=-]{0,3}\d{5,}\b",
}
_JOINED: Final = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in PATTERNS.items()))
_HINT: Final = re.compile(r"eyJ|-----BEGIN|AKIA|ASIA|[Bb][Ee][Aa][Rr]|\"auth\"|://|\d-\d|[Mm][Rr][Nn]")
_BASE64: Final = re.compile(r"(?<![A-Za-z0-9+/=])[A-Za-z0-9+/]{24,}={0,2}(?![A-Za-z0-9+/=])")
_TELLING: Final = re.compile(r"(?i)passw(?:or)?d|private key|secret[_-]?key")

PLACEHOLDERS: Final = re.compile(r"\d+ bytes long|\*\*\*HIDDEN\*\*\*|<redacted>|REDACTED")


class Leak(NamedTuple):
    """What was found and where; never the value."""

    pattern: str
    position: int


def find_leaks(text: str) -> list[Leak]:
    """Return what in a text looks like a secret, by pattern and position."""
    leaks = []
    if _HINT.search(text):
        leaks = [Leak(str(found.lastgroup), found.start()) for found in _JOINED.finditer(text)]
    leaks += [Leak("base64_password", found.start()) for found in _BASE64.finditer(text) if _tells(found[0])]
    return leaks


def looks_secret(value: str) -> bool:
    """Tell whether a single value looks like a secret."""
    return len(value) > 8 and bool(find_leaks(value))


def is_placeholder(value: str) -> bool:
    """Tell whether another tool has already put something in the value's place."""
    return bool(PLACEHOLDERS.fullmatch(value))


def refuse_leaks(text: str, where: str) -> None:
    """Raise LeakError when a text about to be written looks like it holds a secret.

    Parameters
    ----------
    text
        What is to be written.
    where
        File or object it stands for, for the message.
    """
    if leaks := find_leaks(text):
        kinds = ", ".join(sorted({leak.pattern.replace("_", " ") for leak in leaks}))
        raise LeakError(
            f"looks like it holds a {kinds} at position {leaks[0].position}; nothing was written",
            where,
            "this is a defect of the kit: report the kind and the object, not the value",
        )


def _tells(candidate: str) -> bool:
    """Tell whether base64 decodes to text that speaks of a password."""
    try:
        decoded = base64.b64decode(candidate + "=" * (-len(candidate) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False
    return bool(_TELLING.search(decoded.decode("latin-1")))
