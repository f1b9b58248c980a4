"""Judging single texts and names at the door; every answer is remembered, because objects repeat their words."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from hipaa_kit.sources.leaks import looks_secret
from hipaa_kit.sources.redaction import rules

_USER_INFO: Final = re.compile(
    r"(?<!docker-pullable)(://)(?:[^\s/'\"<>]{0,512}@|[^\s/@:'\"<>]{0,256}:(?!\d{1,5}/)[^\s'\"<>]{0,512}@)"
)
"""User info of a URL; people also leave a `/` in a password unescaped. `docker-pullable://image@sha256:…` has none.

Without bounds a text of many `://` takes hours.
"""

LONGEST: Final = 2**16
"""Characters of a text that is searched: no setting of a cluster is longer, and what is longer does not pass."""

_SEPARATORS: Final = str.maketrans("", "", "-_. ")
_REMEMBERED: Final = 100_000

CLEAN: Final[set[str]] = set()
"""Texts that were searched and hold nothing."""


def is_clean(text: str) -> bool:
    """Tell whether a text holds no user info, no query and nothing that looks like a secret."""
    if text in CLEAN:
        return True
    if len(text) > LONGEST or is_address(text) or ("=" in text and rules.ASSIGNMENT.search(text)) or looks_secret(text):
        return False
    if len(CLEAN) >= _REMEMBERED:
        CLEAN.clear()
    CLEAN.add(text)
    return True


def is_address(text: str) -> bool:
    """Tell whether a text is a URL or path with user info or a query, either of which can hold a secret."""
    if "?" in text and (text[0] == "/" or "://" in text):
        return True
    return "@" in text and "://" in text and _USER_INFO.search(text) is not None


def bare_address(text: str) -> str:
    """Return a URL or path without user info and query."""
    return _USER_INFO.sub(r"\1", text).partition("?")[0]


@lru_cache(maxsize=8192)
def names_secret(key: str) -> bool:
    """Tell whether a value under this name is taken for a secret."""
    plain = key.translate(_SEPARATORS)
    return rules.SECRET_KEY.search(plain) is not None and rules.REFERENCE_KEY.search(plain) is None


@lru_cache(maxsize=8192)
def known_annotation(key: str) -> bool:
    """Tell whether an annotation's values are operational."""
    return rules.ANNOTATIONS.fullmatch(key) is not None and rules.ALWAYS_HIDDEN.search(key) is None


@lru_cache(maxsize=8192)
def is_field_name(key: str) -> bool:
    """Tell whether a key is a name, and not content."""
    return rules.FIELD_NAME.fullmatch(key) is not None and not looks_secret(key)
