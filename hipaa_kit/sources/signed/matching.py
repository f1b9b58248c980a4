"""Which objects a record speaks of: globs, and regular expressions of a kind that is always quickly answered.

A record is written by hand and may come from anywhere, so a pattern is refused where its search could take
long: Python's engine tries alternatives one after the other, and nested repetition makes that exponential.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final

from hipaa_kit.errors import InputError

REGEX: Final = "re:"
LONGEST_GLOB: Final = 253
LONGEST_REGEX: Final = 120
MOST_REPEATS: Final = 2
MOST_CHOICES: Final = 8

_PROBES: Final = ("q", "zz9-plural-z", "Kube_System.1")
"""Names that nothing has in common but being names."""

_ESCAPED: Final = re.compile(r"\\.|\[[^\]]*\]")
_ANYTHING: Final = re.compile(r"\^?\(?\.[*+]\??\)?\$?")


@dataclass(frozen=True)
class Matcher:
    """The conditions of one record: all have to hold."""

    patterns: tuple[tuple[str, str], ...]

    def meets(self, facts: Mapping[str, str]) -> bool:
        """Tell whether an object, by cluster, namespace, kind and name, meets every condition."""
        return all(matches(pattern, facts[field]) for field, pattern in self.patterns)


def matches(pattern: str, text: str) -> bool:
    """Tell whether a whole text matches a pattern."""
    if pattern.startswith(REGEX):
        return _compiled(pattern.removeprefix(REGEX)).fullmatch(text) is not None
    return fnmatchcase(text, pattern)


def refuse_pattern(pattern: str) -> None:
    """Raise InputError for a pattern that says nothing, cannot be read, or could take long.

    Parameters
    ----------
    pattern
        Glob, or `re:` and a regular expression.
    """
    if not pattern.startswith(REGEX):
        if not pattern.strip("*?"):
            raise InputError(f"the pattern {pattern!r} matches everything", "", "leave it out or name something")
        if len(pattern) > LONGEST_GLOB:
            raise InputError("a pattern is longer than any name", "", f"at most {LONGEST_GLOB} characters")
        return
    regex = pattern.removeprefix(REGEX)
    if not regex or _ANYTHING.fullmatch(regex):
        raise InputError(f"the pattern {pattern!r} matches everything", "", "leave it out or name something")
    if len(regex) > LONGEST_REGEX:
        raise InputError("a regular expression is too long", "", f"at most {LONGEST_REGEX} characters")
    for problem in _slow(regex):
        raise InputError(f"the regular expression {problem}", "", "use a glob, or several records")
    try:
        compiled = _compiled(regex)
    except re.error as error:
        raise InputError(f"the regular expression cannot be read: {error.msg}", "", "see Python's re") from None
    if compiled.fullmatch("") is not None or all(compiled.fullmatch(probe) for probe in _PROBES):
        raise InputError(f"the pattern {pattern!r} matches everything", "", "leave it out or name something")


def _slow(regex: str) -> Iterable[str]:
    """Yield why a regular expression could take long; escapes and classes are plain characters here."""
    plain = _ESCAPED.sub("x", regex)
    if re.search(r"\\[1-9]", regex):
        yield "refers back to a group"
    if "(?" in plain.replace("(?:", "("):
        yield "looks ahead or behind, or sets flags"
    if re.search(r"\)[*+{]", plain):
        yield "repeats a group"
    if len(re.findall(r"[*+{]", plain)) > MOST_REPEATS:
        yield f"repeats more than {MOST_REPEATS} times"
    if plain.count("|") + plain.count("?") > MOST_CHOICES:
        yield f"has more than {MOST_CHOICES} choices"


@lru_cache(maxsize=1024)
def _compiled(regex: str) -> re.Pattern[str]:
    return re.compile(regex, re.DOTALL)
