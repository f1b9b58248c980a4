"""What a command run in a container is known by: words of closed lists, and never the command itself.

The command of `pods/exec` stands in the query of `requestURI`, one parameter for each word. It may hold passwords and
patients' data, so that what is kept of it are programs that are on a list, and marks.
"""

from __future__ import annotations

import re
from typing import Final

SHELLS: Final = frozenset("sh bash ash dash zsh ksh csh tcsh fish busybox pwsh powershell".split())
PROGRAMS: Final = SHELLS | frozenset(
    "curl wget nc ncat netcat socat ssh scp sftp rsync telnet nmap tcpdump dig nslookup ping"
    " python python2 python3 perl ruby node php java awk"
    " cat less more head tail ls find grep env printenv id whoami ps mount df cp mv rm chmod chown dd"
    " tar gzip zip base64"
    " openssl psql pg_dump pg_dumpall pg_restore mysql mysqldump mariadb mongo mongosh mongodump mongoexport redis-cli"
    " sqlite3 sqlcmd kubectl crictl docker nsenter chroot unshare capsh apt apt-get apk yum dnf pip pip3 npm top"
    " vi vim nano test true sleep date hostname".split()
)
OTHER: Final = "other"
"""Stands for a program that is on no list."""

MARKS: Final = ("shell", "curl", "wget", "service_account_token", "metadata_address", "reverse_shell")

_ENCODED: Final = re.compile(rb"%([0-9A-Fa-f]{2})")
_WORDS: Final = re.compile(r"[^\s;|&()<>`$\"'={},]+")
_TOKEN: Final = re.compile(r"/run/secrets(?:/|\b)|serviceaccount/token")
_METADATA: Final = re.compile(r"169\.254\.169\.254|169\.254\.170\.2|fd00:ec2::254|metadata\.google\.internal")
_REVERSE: Final = re.compile(
    r"/dev/(?:tcp|udp)/|\b(?:nc|ncat|netcat)\b.{0,200}?\s-\w*[ec]\b|\bsocat\b.{0,200}?exec:|\bmkfifo\b"
    r"|\b(?:ba|z|k|da|a)?sh\s+-i\b.{0,200}?>&|\bpty\.spawn\b|\bsocket\.socket\b|\bfsockopen\b",
    re.IGNORECASE | re.DOTALL,
)


def command_facts(query: str) -> tuple[list[str], list[str]]:
    """Return the programs and the marks of the command in the query of a request.

    Parameters
    ----------
    query
        What stands after `?` in `requestURI`, not decoded. Names of parameters may be encoded too: the server decodes
        them.

    Returns
    -------
    tuple of two lists
        Base names of programs that are on the list, sorted, with `other` where the first word is on none; marks in the
        order of `MARKS`.
    """
    words = _command(query)
    if not words:
        return [], []
    told = [word.rpartition("/")[2].lower() for value in words for word in _WORDS.findall(value)]
    programs = {word for word in told if word in PROGRAMS}
    first = words[0].strip().rpartition("/")[2].lower()
    if not first or first.split()[0] not in PROGRAMS:
        programs.add(OTHER)
    text = " ".join(words)
    marks = {name for name in ("curl", "wget") if name in programs}
    marks |= {"shell"} if programs & SHELLS else set()
    marks |= {"service_account_token"} if _TOKEN.search(text) else set()
    marks |= {"metadata_address"} if _METADATA.search(text) else set()
    marks |= {"reverse_shell"} if _REVERSE.search(text) else set()
    return sorted(programs), [mark for mark in MARKS if mark in marks]


def _command(query: str) -> list[str]:
    pairs = (each.partition("=") for each in query.split("&"))
    return [decoded(value, plus=True) for name, _, value in pairs if decoded(name, plus=True) == "command"]


def decoded(text: str, *, plus: bool = False) -> str:
    """Return a text of a URL as it was before it was percent-encoded.

    Parameters
    ----------
    text
        As it stands in the URL.
    plus
        It is of a query, where a plus sign stands for a space.
    """
    text = text.replace("+", " ") if plus else text
    if "%" not in text:
        return text
    raw = _ENCODED.sub(lambda found: bytes([int(found[1], 16)]), text.encode("utf-8", "surrogatepass"))
    return raw.decode("utf-8", "replace")
