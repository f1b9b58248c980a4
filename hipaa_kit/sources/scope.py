"""The ePHI scope as people declare it: `scope.yaml`, validated with the line named.

Everything the kit says of ePHI starts here, so that a mistake must not pass unseen: unknown keys,
repeated keys, a selector that cannot be read are errors, never defaults.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

from hipaa_kit.errors import InputError, ScopeError
from hipaa_kit.kube.selectors import Selector, SelectorError, parse_selector
from hipaa_kit.sources.documents import LineIndex, decode, load_strict
from hipaa_kit.sources.schema import refuse_invalid, validator

SELECTORS: Final = {
    "podSelector": "label",
    "namespaceSelector": "namespace",
    "object": "name",
    "claimSelector": "claim",
    "image": "image",
    "serviceSelector": "service",
    "external": "external",
}
"""Key in the file and the kind of selector it is; an entry has exactly one."""

BY_LABELS: Final = frozenset(["label", "namespace", "claim", "service"])


@dataclass(frozen=True)
class ScopeEntry:
    """One entry: what it selects, and who answers for it."""

    position: int
    selector: str
    text: str
    owner: str
    data_class: str
    criticality: str
    namespace: str = ""
    via: str = ""
    line: int = field(default=0, compare=False)
    labels: Selector = field(default_factory=Selector, compare=False)

    @property
    def object(self) -> str:
        """Name of the entry as an object of a finding."""
        return f"ScopeEntry//{self.position}"


@dataclass(frozen=True)
class Exclusion:
    """Objects that an entry selects and that hold no ePHI, with the reason."""

    object: str
    reason: str


@dataclass(frozen=True)
class ExpectedFlow:
    """One flow that belongs to the application; without a port every port of every protocol is meant."""

    source: str
    destination: str
    port: int | None
    protocol: str = ""


@dataclass(frozen=True)
class Scope:
    """What holds ePHI, as declared."""

    name: str
    owner: str
    reviewed_on: str
    entries: tuple[ScopeEntry, ...]
    exclude: tuple[Exclusion, ...] = ()
    expected_flows: tuple[ExpectedFlow, ...] = ()
    system: tuple[str, ...] = ()
    provider: Mapping[str, Any] = field(default_factory=dict)
    thresholds: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""


def load_scope(path: str | Path) -> Scope:
    """Load and validate a scope file.

    Parameters
    ----------
    path
        `scope.yaml`; `data/clinic/scope.yaml` is an example.

    Raises
    ------
    ScopeError
        Something in it is wrong: `file:line: what (what to do)`.
    """
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        raise ScopeError(f"cannot be read: {error.strerror}", str(path), "name the scope file with --scope") from None
    try:
        content, lines = load_strict(decode(raw, str(path)), str(path))
        refuse_invalid(content, lines, str(path), validator("scope.json"), _EXAMPLES)
    except InputError as error:
        raise ScopeError(error.what, error.where, error.do) from None
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return _scope(content, lines, str(path), digest)


_EXAMPLES: Final = {
    "object": "StatefulSet/ehr/db",
    "to": "StatefulSet/ehr/db",
    "via": "Service/ehr/db-external",
    "reviewed_on": "2026-11-01",
}


def _scope(content: Mapping[str, Any], lines: LineIndex, where: str, digest: str) -> Scope:
    metadata = content["metadata"]
    _check_date(metadata.get("reviewed_on"), f"{where}:{lines.line(('metadata', 'reviewed_on'))}")
    return Scope(
        name=metadata["name"],
        owner=metadata["owner"],
        reviewed_on=metadata.get("reviewed_on", ""),
        entries=tuple(
            _entry(entry, position, lines.line(("entries", position)), where)
            for position, entry in enumerate(content["entries"])
        ),
        exclude=tuple(Exclusion(each["object"], each["reason"]) for each in content.get("exclude", [])),
        expected_flows=tuple(
            ExpectedFlow(
                each["from"], each["to"], each.get("port"), each.get("protocol", "TCP" if "port" in each else "")
            )
            for each in content.get("expected_flows", [])
        ),
        system=tuple(content.get("system", {}).get("add", [])),
        provider=content.get("provider", {}),
        thresholds=content.get("thresholds", {}),
        digest=digest,
    )


def _check_date(text: str | None, at: str) -> None:
    try:
        date.fromisoformat(text or "2000-01-01")
    except ValueError:
        raise ScopeError(f"metadata.reviewed_on is {text}, which is no date", at, "write it like 2026-11-01") from None


def _entry(entry: Mapping[str, Any], position: int, line: int, where: str) -> ScopeEntry:
    at = f"{where}:{line}"
    named = [key for key in SELECTORS if key in entry]
    if len(named) != 1:
        what = f"entry {position + 1} has {' and '.join(named) or 'no selector'}"
        raise ScopeError(what, at, f"give exactly one of {', '.join(SELECTORS)}")
    key = named[0]
    selector = SELECTORS[key]
    if "via" in entry and selector != "external":
        raise ScopeError(
            f"entry {position + 1} has via without external", at, "via names how an external store is reached"
        )
    if "namespace" in entry and selector not in ("label", "claim", "service", "image"):
        raise ScopeError(f"entry {position + 1} has namespace beside {key}", at, "leave one of them out")
    try:
        labels = parse_selector(entry[key], where=at) if selector in BY_LABELS else Selector()
    except SelectorError as error:
        raise ScopeError(
            f"{key} {error.what}", error.where, "write it as kubectl's -l does: key=value,other in (a,b)"
        ) from None
    return ScopeEntry(
        position=position + 1,
        selector=selector,
        text=entry[key],
        owner=entry["owner"],
        data_class=entry["data_class"],
        criticality=entry["criticality"],
        namespace=entry.get("namespace", ""),
        via=entry.get("via", ""),
        line=line,
        labels=labels,
    )
