"""The record that a kubectl dump may keep of itself: what was asked, with exit code and error.

Without one, a list that was refused and a list that is empty are the same bytes. Two forms are
read: `collection.json`, and the `.rc` and `.err` files that the loop in `docs/inputs.md` writes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from hipaa_kit.errors import InputError
from hipaa_kit.kube import kinds
from hipaa_kit.kube.custom_kinds import find_custom
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.vocabulary import ABSENT, ANSWERED, FAILED, PARTIAL, REFUSED

RECORD = "collection.json"
SIDE_FILES = (RECORD, "version.json", "api-resources.txt")

_REFUSED = re.compile(r"forbidden|unauthorized|cannot list", re.IGNORECASE)
_ABSENT = re.compile(
    r"^Error from server \(NotFound\)|server could not find the requested resource|"
    r"server doesn't have a resource type|no matches for kind",
    re.IGNORECASE | re.MULTILINE,
)
"""The server's own words. `not found` alone is also what a shell says of kubectl, and kubectl of its plug-ins."""
_LOOP = re.compile(r"(?P<resource>[a-z0-9-]+)\.(?:(?P<group>[a-z0-9.-]+)_)?(?P<version>v\d\w*)")
_API_RESOURCE = re.compile(
    r"^(?P<resource>\S+)\s+(?:\S+\s+)?(?P<version>\S+)\s+(?P<spaced>true|false)\s+(?P<kind>\S+)\s*$"
)


@dataclass(frozen=True)
class ListRecord:
    """What was asked for one kind, and how the request ended."""

    group: str
    kind: str
    namespace: str
    exit_code: int
    error: str
    count: int | None
    source: str

    def judge(self, received: int, *, listed: bool, cut_short: bool) -> tuple[str, str]:
        """Return coverage status and words, by what the record says and what was read."""
        if self.exit_code:
            refused = bool(_REFUSED.search(self.error))
            absent = not received and bool(_ABSENT.search(self.error))
            status = REFUSED if refused else ABSENT if absent else FAILED
            return status, self.error.strip() or f"kubectl ended with exit code {self.exit_code}"
        if not listed and not received:
            return FAILED, "recorded as answered, and its list is not there"
        if cut_short:
            return PARTIAL, "the list says that it goes on"
        if self.count is not None and self.count != received:
            return PARTIAL, f"recorded are {self.count} objects, read were {received}"
        return ANSWERED, ""


@dataclass(frozen=True)
class Collection:
    """Everything a dump records of itself.

    `complete` says that every kind the server serves was asked for, so that a built-in kind without
    a record is not served.
    """

    lists: tuple[ListRecord, ...] = ()
    kinds: tuple[Kind, ...] = ()
    cluster_name: str = ""
    server_version: str = ""
    collected_at: str = ""
    complete: bool = False

    @staticmethod
    def is_side_file(name: str) -> bool:
        """Tell whether a file belongs to the record and not to the objects."""
        base = _base(name)
        return base in SIDE_FILES or base.endswith((".rc", ".err"))


def _base(name: str) -> str:
    """Return the name of a file without its folders and the archive it lies in."""
    return PurePosixPath(name.rpartition("!")[2]).name


def read_collection(files: Mapping[str, str], lists: Mapping[tuple[str, str], str]) -> Collection:
    """Return what the side files of a dump record.

    Parameters
    ----------
    files
        Text of the side files by name.
    lists
        Typed lists that were read, by (API group, kind), with their file.

    Raises
    ------
    InputError
        `collection.json` has not the form that `docs/inputs.md` describes, or there are two.
    """
    records = [(name, text) for name, text in files.items() if _base(name) == RECORD]
    if len(records) > 1:
        names = " and ".join(name for name, _ in records[:2])
        raise InputError(
            f"is there {len(records)} times, so that it is not known which lists each speaks of",
            names,
            "import one dump at a time",
        )
    if records:
        return _recorded(*records[0])
    return _looped(files, lists)


def _recorded(name: str, text: str) -> Collection:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"is not JSON: {error}", name, "docs/inputs.md shows its form") from None
    entries = content.get("lists") if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise InputError("has no list named lists", name, "docs/inputs.md shows its form")
    cluster = content.get("cluster")
    cluster = cluster if isinstance(cluster, dict) else {}
    return Collection(
        lists=tuple(_entry(entry, number, name) for number, entry in enumerate(entries)),
        kinds=tuple(kind for entry in entries if (kind := _named(entry))),
        cluster_name=str(cluster.get("name") or ""),
        server_version=str(cluster.get("version") or content.get("server_version") or ""),
        collected_at=str(content.get("collected_at") or ""),
        complete=content.get("complete") is True,
    )


def _entry(entry: Any, number: int, name: str) -> ListRecord:
    at = f"{name}/lists/{number}"
    if not isinstance(entry, dict) or not isinstance(entry.get("kind"), str):
        raise InputError("names no kind", at, "docs/inputs.md shows its form")
    code, count = entry.get("exit_code"), entry.get("count")
    if not isinstance(code, int) or isinstance(code, bool):
        raise InputError("has no exit_code", at, "a list without one proves nothing")
    if count is not None and not isinstance(count, int):
        raise InputError("count is not a number", at)
    return ListRecord(
        group=str(entry.get("group") or ""),
        kind=entry["kind"],
        namespace=str(entry.get("namespace") or ""),
        exit_code=code,
        error=str(entry.get("error") or ""),
        count=count,
        source=name,
    )


def _named(entry: Mapping[str, Any]) -> Kind | None:
    """Return a kind as far as the record names it, where it is not built in."""
    group, kind, resource = str(entry.get("group") or ""), str(entry["kind"]), entry.get("resource")
    if kinds.find(group, kind) or not isinstance(resource, str):
        return None
    return find_custom(group, kind) or Kind(group, kind, resource, bool(entry.get("namespaced", True)))


def _looped(files: Mapping[str, str], lists: Mapping[tuple[str, str], str]) -> Collection:
    """Read the `.rc` and `.err` files that stand beside lists named `<resource>.<group_version>`."""
    known = _api_resources(files)
    by_file = {PurePosixPath(source).with_suffix("").as_posix(): key for key, source in lists.items()}
    records = []
    for name, text in sorted(files.items()):
        stem, code = name.removesuffix(".rc"), text.strip()
        found = _LOOP.fullmatch(_base(stem))
        if stem == name or found is None or not code.isdecimal():
            continue
        group = found["group"] or ""
        builtin = kinds.find_resource(group, found["resource"]) or known.get((group, found["resource"]))
        key = (builtin.group, builtin.kind) if builtin else by_file.get(stem)
        if key:
            error = files.get(f"{stem}.err", "")
            records.append(ListRecord(*key, "", int(code), error, None, name))
    return Collection(tuple(records), tuple(known.values()), server_version=_server_version(files))


def _api_resources(files: Mapping[str, str]) -> dict[tuple[str, str], Kind]:
    """Return custom kinds from the output of `kubectl api-resources`."""
    found = {}
    for name, text in files.items():
        for line in text.splitlines() if name.endswith("api-resources.txt") else ():
            if row := _API_RESOURCE.match(line):
                group = kinds.group_of(row["version"])
                if not kinds.find(group, row["kind"]):
                    found[group, row["resource"]] = Kind(group, row["kind"], row["resource"], row["spaced"] == "true")
    return found


def _server_version(files: Mapping[str, str]) -> str:
    for name, text in files.items():
        if name.endswith("version.json"):
            try:
                return str(json.loads(text)["serverVersion"]["gitVersion"])
            except (ValueError, KeyError, TypeError, RecursionError):
                return ""
    return ""
