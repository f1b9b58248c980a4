"""Command lines at the door: programs and the names of flags stay, values of flags only where they are known settings.

Source of the flags that checks read:
https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/ and the pages beside it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from hipaa_kit.kube.facts import SHELL_FLAGS, SHELLS, program
from hipaa_kit.kube.monitoring.programs import STORE_FLAGS
from hipaa_kit.sources.leaks import looks_secret
from hipaa_kit.sources.redaction.rules import CONTROL_PLANE, FILE_PATH, FOLDER, MEASURE, SETTING, SMALL, TRUTH

Hide = Callable[[str], str]

_FLAG: Final = re.compile(r"(--[A-Za-z][\w.-]{0,79}|-[A-Za-z])(?:(=)(.*))?", re.DOTALL | re.ASCII)
_GO_FLAG: Final = re.compile(r"(--?[A-Za-z][\w.-]{0,79})(?:(=)(.*))?", re.DOTALL | re.ASCII)
_PROGRAM: Final = re.compile(r"[\w./+][\w./+-]{0,199}", re.ASCII)
_SECRET_FLAG: Final = re.compile(r"passw|passphrase|token|secret|credential|key|auth$|dsn|conn", re.IGNORECASE)
_ASSIGNED: Final = re.compile(r"(?i)(?:passw\w*|secret|token|key)=(?!true|false)")
_USER_INFO: Final = re.compile(r"(://)[^/@]*@")


def runs_control_plane(container: Mapping[str, Any]) -> bool:
    """Tell whether a container runs a program whose settings checks read, by its command, else by its image."""
    command, image = container.get("command"), container.get("image")
    if isinstance(command, list) and command:
        return program(command) in CONTROL_PLANE
    if not isinstance(image, str):
        return False
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0] in CONTROL_PLANE


def redact_command(command: Sequence[Any], hide: Hide, *, known: bool) -> list[Any]:
    """Return a command: its program and the flag that gives a shell its script stay, the rest is arguments."""
    first = command[0] if command else None
    if not isinstance(first, str) or _PROGRAM.fullmatch(first) is None or looks_secret(first):
        return redact_arguments(command, hide, known=False)
    flag = command[1] if len(command) > 1 else None
    script = program(command) in SHELLS and isinstance(flag, str) and flag in SHELL_FLAGS
    plain = 2 if script else 1
    return [*command[:plain], *redact_arguments(command[plain:], hide, known=known)]


def redact_arguments(arguments: Sequence[Any], hide: Hide, *, known: bool) -> list[Any]:
    """Return arguments, word by word; a word after a flag may be its value.

    Parameters
    ----------
    arguments
        Words, of any type.
    hide
        Gives a word its pseudonym.
    known
        Whether they belong to a program whose settings stay (`CONTROL_PLANE`).
    """
    return list(_words(arguments, hide, known))


def _words(arguments: Sequence[Any], hide: Hide, known: bool) -> Iterator[Any]:
    before = ""
    for word in arguments:
        if isinstance(word, bool) or word is None:
            yield word
        elif isinstance(word, int | float):
            yield word if _is_setting(before, str(word), False) else hide(str(word))
        elif isinstance(word, str):
            yield _word(word, before, hide, known)
        else:
            yield hide(repr(word))
        before = word if isinstance(word, str) else ""


def _word(word: str, before: str, hide: Hide, known: bool) -> str:
    flag = (_GO_FLAG if known else _FLAG).fullmatch(word)
    if flag is None:
        follows_flag = known and before.startswith("-")
        return word if _is_setting(before, word, follows_flag) else hide(word)
    name, given, value = flag.groups()
    if not given:
        return hide(word) if looks_secret(word) else word
    if known and "://" in value:
        value = _USER_INFO.sub(r"\1", value)
    return f"{name}={value if _is_setting(name, value, known) else hide(value)}"


def _is_setting(name: str, value: str, known: bool) -> bool:
    """Tell whether the value of a flag may stay: never a number where a flag may name a password."""
    if TRUTH.fullmatch(value):
        return True
    if name.lstrip("-") in STORE_FLAGS and FOLDER.fullmatch(value):
        return True
    secret = _SECRET_FLAG.search(name) is not None or re.fullmatch("-[A-Za-z]", name) is not None
    if not known:
        return not secret and SMALL.fullmatch(value) is not None
    if FILE_PATH.fullmatch(value) or (MEASURE.fullmatch(value) and not value.isdecimal()):
        return True
    return (
        not secret and not _ASSIGNED.search(value) and SETTING.fullmatch(value) is not None and not looks_secret(value)
    )
