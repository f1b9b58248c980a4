"""Words that rows of pods may pass on, and must not read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from hipaa_kit.sources.alike import MARK


class ReadError(Exception):
    """A word was read that is only to be passed on."""


class Word(str):
    """A text that can be put into a row or into a longer text, and refuses every question about what it says.

    It stands for the words of many objects: what is found out about it would be said of all of them. A regular
    expression, or a parser of moments, reads a text without asking it; so builders give words to none.
    """

    __slots__ = ()

    def _read(self, *_: Any, **__: Any) -> NoReturn:
        raise ReadError(str(self))

    def __bool__(self) -> bool:
        """Tell that there is a word: every object has one there."""
        return True


_PASSING_ON: Final = frozenset(
    "__add__ __class__ __format__ __getattribute__ __init__ __new__ __repr__ __str__ __bool__ __doc__".split()
)
_NEVER_ASKED: Final = frozenset("__init_subclass__ __subclasshook__ __setattr__ __delattr__ __dir__".split())
for _name in sorted(set(dir(str)) - _PASSING_ON - _NEVER_ASKED):
    if callable(getattr(str, _name)):
        setattr(Word, _name, Word._read)


def with_words(value: Any, mark: re.Pattern[str]) -> Any:
    """Return a value of JSON with words in the place of texts that are a mark."""
    if isinstance(value, str):
        return Word(value) if value.startswith(MARK) and mark.fullmatch(value) else value
    if isinstance(value, dict) or isinstance(value, Mapping):  # noqa: SIM101 - what is plain is quickly known
        return {key: with_words(inner, mark) for key, inner in value.items()}
    return [with_words(inner, mark) for inner in value] if isinstance(value, list) else value
