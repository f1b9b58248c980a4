"""Redaction at the door: what an object may keep, by allow-list.

Everything downstream sees only what this module lets through. Lists with their reasons stand in
`redaction_rules`; what checks need of a removed value is a typed fact of `kube.facts`, taken first.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hipaa_kit.kube import facts, kinds
from hipaa_kit.sources.leaks import is_placeholder, looks_secret
from hipaa_kit.sources.redaction_rules import (
    ANNOTATIONS,
    CONTROL_PLANE,
    DATA_KINDS,
    DROPPED,
    ENVIRONMENT,
    HARMLESS,
    OPAQUE,
    REFERENCE_KEY,
    SECRET_KEY,
    SHELLS,
    STRUCTURAL,
)

REMOVED = "removed"
"""Stands in `data` of a Secret or ConfigMap for every value; the keys stay."""

_USER_INFO = re.compile(r"([a-z][a-z0-9+.-]{1,20}://)[^\s/@'\"<>]{1,512}@")
_FLAG = re.compile(r"(--[A-Za-z][\w.-]*|-[A-Za-z])(?:(=)(.*))?", re.DOTALL)
_GO_FLAG = re.compile(r"(-[A-Za-z][\w.-]*)(?:(=)(.*))?", re.DOTALL)
_PROGRAM = re.compile(r"[\w./+-]{1,200}")


@dataclass(frozen=True)
class Redacted:
    """What is left of an object, what is known of the rest, and how much went by which rule."""

    content: dict[str, Any]
    facts: dict[str, Any]
    counts: Counter[str]


def redact(obj: Mapping[str, Any], pseudonym: Callable[[str], str]) -> Redacted:
    """Return an object without anything that may be a secret.

    Parameters
    ----------
    obj
        A Kubernetes object of any kind and of any shape; it is not changed.
    pseudonym
        Gives a removed text its keyed pseudonym.

    Returns
    -------
    Redacted
        Content in the shape of the original. Values of Secrets and ConfigMaps, words of conditions
        and events, bodies, certificates and managed fields are gone; literals of the environment,
        arguments, annotations that are not known, and texts of kinds that are not built in are
        pseudonyms.

    Notes
    -----
    Fields of a wrong type are treated like those of a kind that is not built in: nothing in them
    passes but structure.
    """
    redactor = _Redactor(pseudonym)
    kind = str(obj.get("kind", ""))
    group, kind = kinds.canonical_group(kinds.group_of(str(obj.get("apiVersion", ""))), kind)
    redactor.strict = kinds.find(group, kind) is None
    content = {}
    payload = DATA_KINDS.get(kind, ()) if group in ("", "apps") else ()
    for key, value in obj.items():
        if key in payload:
            content[key] = redactor.payload(value)
        elif key in ("apiVersion", "kind") and isinstance(value, str):
            content[key] = value
        else:
            redactor.field(content, str(key), value)
    metadata = obj.get("metadata")
    if isinstance(metadata, Mapping) and (managers := facts.field_managers(metadata.get("managedFields"))):
        redactor.facts["field_managers"] = managers
    return Redacted(content, redactor.facts, redactor.counts)


@dataclass
class _Redactor:
    """Walks one object; `strict` while nothing but structure may pass."""

    pseudonym: Callable[[str], str]
    strict: bool = False
    facts: dict[str, Any] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def field(self, into: dict[str, Any], key: str, value: Any) -> None:
        """Put what may stay of a field into a map."""
        if key in DROPPED and not isinstance(value, bool):
            self.counts[key] += 1
            return
        special = _FIELDS.get(key)
        into[key] = special(self, value) if special else self.value(key, value)

    def value(self, key: str, value: Any) -> Any:
        """Return what may stay of any value under a field name."""
        if isinstance(value, str):
            return self.text(key, value)
        if isinstance(value, Mapping):
            if key in OPAQUE:
                return self._strictly(lambda: self.mapping(value))
            return self.mapping(value)
        if isinstance(value, list):
            return [self.value(key, item) for item in value]
        return value

    def mapping(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """Return what may stay of a map."""
        kept: dict[str, Any] = {}
        if "image" in value and isinstance(value.get("env"), list):
            self._literals(value)
        for key, inner in value.items():
            self.field(kept, str(key), inner)
        return kept

    def text(self, key: str, value: str) -> str:
        """Return a text, or the pseudonym that stands for it."""
        if not value or is_placeholder(value):
            return value
        if SECRET_KEY.search(key) and not REFERENCE_KEY.search(key) and not self._label_key(key, value):
            return self._hide("secret_field", value)
        if self.strict and key not in STRUCTURAL:
            return self._hide("custom_resource", value)
        if "@" in value and "://" in value:
            bare = _USER_INFO.sub(r"\1", value)
            if bare != value:
                self.counts["url_user"] += 1
                value = bare
        return self._hide("pattern", value) if looks_secret(value) else value

    def payload(self, value: Any) -> Any:
        """Return the keys of a Secret's or ConfigMap's data, each with the same word."""
        if not isinstance(value, Mapping):
            self.counts["payload"] += value is not None
            return None
        self.counts["payload"] += len(value)
        return {str(key): REMOVED for key in value}

    def metadata(self, value: Any) -> Any:
        """Return `metadata`, whose own texts always pass: they are the object's identity."""
        if not isinstance(value, Mapping):
            return self._strictly(lambda: self.value("metadata", value))
        strict, self.strict = self.strict, False
        kept = self.mapping(value)
        self.strict = strict
        return kept

    def annotations(self, value: Any) -> Any:
        """Return annotations with the values that are known to be operational."""
        if not isinstance(value, Mapping):
            return self._strictly(lambda: self.value("annotations", value))
        kept = {}
        for key, text in value.items():
            passes = isinstance(text, str) and ANNOTATIONS.fullmatch(str(key)) and len(text) <= 1024
            kept[str(key)] = self.text("", text) if passes else self._hide_any("annotation", text)
        return kept

    def labels(self, value: Any) -> Any:
        """Return labels: selectors need their values, but for those that look like secrets."""
        if not isinstance(value, Mapping):
            return self._strictly(lambda: self.value("labels", value))
        strict, self.strict = self.strict, False
        kept = {str(k): self.text("", v) if isinstance(v, str) else v for k, v in value.items()}
        self.strict = strict
        return kept

    def environment(self, value: Any) -> Any:
        """Return environment variables: names and references stay, literals become pseudonyms."""
        if not isinstance(value, list):
            return self._strictly(lambda: self.value("env", value))
        return [self._variable(entry) if isinstance(entry, Mapping) else None for entry in value]

    def command(self, value: Any) -> Any:
        """Return a command or arguments: the program and the names of flags stay."""
        if not isinstance(value, list):
            return self._strictly(lambda: self.value("command", value))
        first = value[0] if value and isinstance(value[0], str) else ""
        name = facts.program(value) if _PROGRAM.fullmatch(first) and not looks_secret(first) else ""
        known = name in CONTROL_PLANE
        kept: list[Any] = []
        for position, token in enumerate(value):
            if not isinstance(token, str):
                kept.append(token if isinstance(token, int | float) else None)
            elif position == 0 and name and not first.startswith("-"):
                kept.append(first)
            elif position == 1 and name in SHELLS and token in ("-c", "-ec", "-lc", "/c"):
                kept.append(token)
            else:
                kept.append(self._token(token, known))
        return kept

    def arguments(self, value: Any) -> Any:
        """Return arguments: here nothing is a program, so that nothing but flags stays."""
        if not isinstance(value, list):
            return self._strictly(lambda: self.value("args", value))
        return [self._token(token, known=False) if isinstance(token, str) else None for token in value]

    def headers(self, value: Any) -> Any:
        """Return HTTP headers of a probe by name."""
        if not isinstance(value, list):
            return self._strictly(lambda: self.value("httpHeaders", value))
        return [
            {k: self._hide_any("header", v) if k == "value" else self.value(str(k), v) for k, v in entry.items()}
            for entry in value
            if isinstance(entry, Mapping)
        ]

    def path(self, value: Any) -> Any:
        """Return a path without its query."""
        if isinstance(value, str) and "?" in value:
            self.counts["query"] += 1
            value = value.partition("?")[0]
        return self.value("path", value)

    def _variable(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        name = entry.get("name")
        kept: dict[str, Any] = {}
        for key, value in entry.items():
            if key != "value":
                self.field(kept, str(key), value)
            elif isinstance(value, str):
                setting = HARMLESS.fullmatch(value) or (isinstance(name, str) and ENVIRONMENT.fullmatch(name))
                passes = setting and not looks_secret(value)
                kept[key] = value if passes or is_placeholder(value) else self._hide("environment", value)
            else:
                kept[key] = self._hide_any("environment", value)
        return kept

    def _literals(self, container: Mapping[str, Any]) -> None:
        """Take the length classes of a container's literals before they go."""
        name = container.get("name")
        for entry in container["env"]:
            if isinstance(entry, Mapping) and isinstance(entry.get("value"), str) and isinstance(name, str):
                classes = self.facts.setdefault("literal_length", {})
                classes[f"{name}/{entry.get('name')}"] = facts.length_class(entry["value"])

    def _token(self, token: str, known: bool) -> str:
        flag = (_GO_FLAG if known else _FLAG).fullmatch(token) or _FLAG.fullmatch(token)
        if flag is None:
            return token if HARMLESS.fullmatch(token) else self._hide("argument", token)
        name, equals, value = flag.groups()
        if not equals:
            return token
        is_path = value.startswith("/")
        passes = HARMLESS.fullmatch(value) or (known and (is_path or not SECRET_KEY.search(name)))
        return token if passes and not looks_secret(value) else f"{name}={self._hide('argument', value)}"

    def _label_key(self, key: str, value: str) -> bool:
        """Tell a selector expression's or key reference's `key` from one that holds a secret."""
        return key == "key" and not self.strict and not looks_secret(value)

    def _hide(self, rule: str, value: str) -> str:
        if not value:
            return value
        hidden = self.pseudonym(value)
        self.counts[rule] += hidden != value
        return hidden

    def _hide_any(self, rule: str, value: Any) -> Any:
        if isinstance(value, str):
            return self._hide(rule, value)
        return value if value is None or isinstance(value, bool | int | float) else self._hide(rule, repr(value))

    def _strictly(self, walk: Callable[[], Any]) -> Any:
        strict, self.strict = self.strict, True
        kept = walk()
        self.strict = strict
        return kept


_FIELDS: dict[str, Callable[[_Redactor, Any], Any]] = {
    "annotations": _Redactor.annotations,
    "args": _Redactor.arguments,
    "command": _Redactor.command,
    "env": _Redactor.environment,
    "httpHeaders": _Redactor.headers,
    "labels": _Redactor.labels,
    "matchLabels": _Redactor.labels,
    "metadata": _Redactor.metadata,
    "path": _Redactor.path,
}
"""Fields that are redacted in a way of their own, wherever they stand."""
