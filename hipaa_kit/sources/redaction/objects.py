"""Redaction at the door: what an object may keep, by allow-list.

Everything downstream sees only what this module lets through. Lists with their reasons stand in
`rules` and `fields`; what checks need of a removed value is a typed fact of
`kube.facts`, taken first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, Final, NamedTuple

from hipaa_kit.kube import facts, kinds
from hipaa_kit.kube.admission.signers import image_signers
from hipaa_kit.kube.monitoring.routes import object_form
from hipaa_kit.kube.service_addresses import service_addresses
from hipaa_kit.sources.leaks import is_placeholder, looks_secret
from hipaa_kit.sources.redaction import rules
from hipaa_kit.sources.redaction.commands import redact_arguments, redact_command, runs_control_plane
from hipaa_kit.sources.redaction.configurations import alert_routes, settings_of_falco, settings_of_log_agent
from hipaa_kit.sources.redaction.fields import LABEL_MAPS, METADATA, NODES, QUANTITY_MAPS, TEXTS
from hipaa_kit.sources.redaction.texts import (
    CLEAN,
    LONGEST,
    bare_address,
    is_address,
    is_clean,
    is_field_name,
    known_annotation,
    names_secret,
)

REMOVED: Final = "removed"
"""Stands in `data` of a Secret or ConfigMap for every value; the keys stay."""

_LONGEST_ANNOTATION: Final = 1024


@dataclass(frozen=True)
class Redacted:
    """What is left of an object, what is known of the rest, and how much went by which rule."""

    content: dict[str, Any]
    facts: dict[str, Any]
    counts: Counter[str]


class _Mode(NamedTuple):
    """How the fields of a map are judged.

    `texts` are the fields whose texts pass in any shape, `words` those whose texts pass where they are one
    word; `nodes` are the fields that are walked in the same mode, None where all are. Any other field is
    walked as one of an unknown kind.
    """

    rule: str
    texts: frozenset[str]
    words: frozenset[str]
    nodes: frozenset[str] | None

    @property
    def strict(self) -> bool:
        """Tell whether the kit does not know the schema."""
        return self.nodes is None


_BUILT_IN: Final = _Mode("unknown_field", TEXTS, frozenset(), NODES)
_METADATA: Final = _Mode("unknown_field", METADATA, frozenset(), frozenset(["ownerReferences"]))
_INNER_METADATA: Final = _Mode("custom_resource", frozenset(), METADATA, None)
_UNKNOWN: Final = _Mode("unknown_field", frozenset(), rules.STRUCTURAL, None)
_CUSTOM: Final = _Mode("custom_resource", frozenset(), rules.STRUCTURAL, None)


def redact(obj: Mapping[str, Any], pseudonym: Callable[[str], str]) -> Redacted:
    """Return an object without anything that may be a secret.

    Parameters
    ----------
    obj
        A Kubernetes object of any kind and of any shape; it is not changed.
    pseudonym
        Gives a removed text its keyed pseudonym; see `pseudonyms.Pseudonymizer`.

    Returns
    -------
    Redacted
        Content in the shape of the original. Every value under `data` of a Secret or ConfigMap is the
        word `removed`; words of conditions and events, bodies, certificates and managed fields are
        gone; literals of the environment, arguments, annotations that are not known, and texts under
        names that the API does not have are pseudonyms. Facts stand under the names of `kube.facts`.
        Counts are by rule: `payload`, `annotation`, `label`, `environment`, `argument`, `header`,
        `url`, `parameter`, `pattern`, `key`, `number`, `unknown_field`, `custom_resource`,
        `too_deep`, and the name of a dropped field.

    Notes
    -----
    Redacting again changes nothing. Fields of a wrong type are treated like those of a kind that is not
    built in: nothing in them passes but structure. What nests deeper than Python can follow is dropped
    by top-level field.
    """
    redactor = _Redactor(pseudonym)
    redactor.facts |= _policy_facts(obj)
    if obj.get("kind") == "AlertmanagerConfig" and (form := object_form(obj.get("spec"), redactor.name)):
        redactor.facts[facts.ALERT_ROUTES] = {"": form}
    mode = _mode_of(str(obj.get("apiVersion", "")), str(obj.get("kind", "")))
    try:
        content = redactor.fields(obj, mode)
    except RecursionError:
        content = redactor.shallow(obj, mode)
    return Redacted(content, redactor.facts, redactor.counts)


@lru_cache(maxsize=1024)
def _mode_of(api_version: str, kind: str) -> _Mode:
    group, kind = kinds.canonical_group(kinds.group_of(api_version), kind)
    kept = rules.KEPT.get(group)
    if kept is not None:
        return _Mode("custom_resource", kept, rules.STRUCTURAL, None)
    return _CUSTOM if kinds.find(group, kind) is None else _BUILT_IN


def _policy_facts(obj: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is known of an admission policy whose expressions, patterns and programs do not pass."""
    group, kind = kinds.group_of(str(obj.get("apiVersion", ""))), str(obj.get("kind", ""))
    found: dict[str, Any] = {}
    if signers := image_signers(group, kind, obj.get("spec")):
        found[facts.IMAGE_SIGNERS] = signers
    if group in rules.POLICY_GROUPS and (fields := facts.security_fields(obj.get("spec"))):
        found[facts.POD_SECURITY_FIELDS] = fields
    asks_scanners = group in rules.POLICY_GROUPS or group == "policy.sigstore.dev"
    if asks_scanners and (gate := facts.vulnerability_gate(obj.get("spec"))):
        found[facts.VULNERABILITY_GATE] = gate
    if not group and kind == "ConfigMap" and (filters := facts.namespace_filters(obj.get("data"))) is not None:
        found[facts.NAMESPACE_FILTERS] = filters
    return found


class _Place(NamedTuple):
    """Where a field stands: its name, how its map is judged, that map, and the field that holds the map."""

    key: str
    mode: _Mode
    parent: Mapping[Any, Any]
    within: str


@dataclass
class _Redactor:
    """Walks one object, and counts what it takes out."""

    pseudonym: Callable[[str], str]
    facts: dict[str, Any] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def fields(self, value: Mapping[Any, Any], mode: _Mode, within: str = "") -> dict[str, Any]:
        """Return what may stay of a map; the first two branches are the way of nearly every field."""
        kept: dict[str, Any] = {}
        texts, nodes = mode.texts, mode.nodes
        for key, inner in value.items():
            kind = type(inner)
            if kind is str and key in texts and inner in CLEAN:
                kept[key] = inner
            elif kind is dict and nodes is not None and key in nodes and key not in _HANDLERS:
                kept[key] = self.fields(inner, mode, key)
            else:
                self.field(kept, inner, _Place(key, mode, value, within))
        return kept

    def field(self, kept: dict[str, Any], inner: Any, place: _Place) -> None:
        """Put what may stay of one field into a map."""
        key, mode = place.key, place.mode
        if key in rules.DROPPED_WHOLE or (key in rules.DROPPED and isinstance(inner, str)):
            self.counts[key] += 1
            if key == "managedFields" and (managers := facts.field_managers(inner)):
                self.facts[facts.FIELD_MANAGERS] = [{k: self.clean(v) for k, v in each.items()} for each in managers]
        elif (handler := _HANDLERS.get(key)) is not None:
            kept[key] = handler(self, inner, place)
        else:
            known = key in mode.texts or (mode.nodes is not None and key in mode.nodes)
            kept[key if known else self.key(key)] = self.value(str(key), inner, mode)

    def value(self, key: str, inner: Any, mode: _Mode) -> Any:
        """Return what may stay of a value of any type under a name."""
        if isinstance(inner, str):
            return self.text(key, inner, mode)
        if inner is None or isinstance(inner, bool):
            return inner
        if isinstance(inner, int | float):
            return self.number(key, inner)
        walked = mode if mode.nodes is None or key in mode.nodes else _UNKNOWN
        if isinstance(inner, Mapping):
            return self.fields(inner, walked, key)
        if isinstance(inner, list | tuple):
            return [
                self.fields(item, walked, key) if isinstance(item, Mapping) else self.value(key, item, mode)
                for item in inner
            ]
        return self.text(key, str(inner), mode)

    def text(self, key: str, value: str, mode: _Mode) -> str:
        """Return a text, or the pseudonym that stands for it."""
        if not value:
            return value
        if key in mode.texts or (key in mode.words and rules.IDENTIFIER.fullmatch(value)):
            return self.clean(value)
        if rules.TRUTH.fullmatch(value):
            return value
        if names_secret(key):
            return self.hide("secret_field", value)
        if rules.MEASURE.fullmatch(value) or (rules.MOMENT_KEY.search(key) and rules.MOMENT.fullmatch(value)):
            return value
        return self.hide(mode.rule, value)

    def clean(self, value: str) -> str:
        """Return a text that may pass, without user info and query; the pseudonym of one that holds a secret."""
        if not value or is_clean(value):
            return value
        if len(value) <= LONGEST and is_address(value):
            self.counts["url"] += 1
            value = bare_address(value)
        return value if not value or is_clean(value) else self.hide("pattern", value)

    def number(self, key: str, value: float) -> Any:
        """Return a number, or the pseudonym of a long one under the name of a secret."""
        if -100_000 < value < 100_000 or not names_secret(key):
            return value
        return self.hide("number", str(value))

    def key(self, key: Any) -> str:
        """Return the name of a field, or the pseudonym of what is no name."""
        name = str(key)
        return name if is_field_name(name) else self.hide("key", name)

    def hide(self, rule: str, value: str) -> str:
        """Return the pseudonym of a text; placeholders of other tools stand for themselves."""
        if not value or is_placeholder(value):
            return value
        hidden = self.pseudonym(value)
        if hidden != value:
            self.counts[rule] += 1
        return hidden

    def name(self, value: str) -> str:
        """Return a name where it is one word, else the pseudonym that stands for it."""
        return self.clean(value) if rules.IDENTIFIER.fullmatch(value) else self.hide("custom_resource", value)

    def shallow(self, value: Mapping[Any, Any], mode: _Mode) -> dict[str, Any]:
        """Return those fields of an object that can be followed to their end."""
        kept: dict[str, Any] = {}
        for key, inner in value.items():
            try:
                self.field(kept, inner, _Place(key, mode, value, ""))
            except RecursionError:
                self.counts["too_deep"] += 1
        return kept

    def learn(self, fact: str, container: str, found: Iterator[tuple[str, str]]) -> None:
        """Keep what is known of removed values, of a container where one is named."""
        for name, known in found:
            place = f"{container}/{self.clean(name)}" if container else self.clean(name)
            self.facts.setdefault(fact, {})[place] = self.clean(known)


def _metadata(redactor: _Redactor, value: Any, place: _Place) -> Any:
    """Return metadata: an object's own identity passes as it is, one within a custom resource as words."""
    if not isinstance(value, Mapping):
        return redactor.value("metadata", value, _UNKNOWN)
    own = not place.mode.strict or "apiVersion" in place.parent
    return redactor.fields(value, _METADATA if own else _INNER_METADATA)


def _annotations(redactor: _Redactor, value: Any, place: _Place) -> Any:
    """Return annotations with the values that are known to be operational."""
    if not isinstance(value, Mapping):
        return redactor.value(place.key, value, _UNKNOWN)
    if flags := facts.server_flags(value):
        redactor.facts[facts.SERVER_FLAGS] = flags
    return {redactor.key(key): _annotation(redactor, str(key), inner) for key, inner in value.items()}


def _annotation(redactor: _Redactor, key: str, value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return value
    text = value if isinstance(value, str) else repr(value)
    if rules.TRUTH.fullmatch(text):
        return value
    plain = "\n" not in text and (text[0] not in "{[" or rules.PORT_LIST.fullmatch(text))
    if known_annotation(key) and len(text) <= _LONGEST_ANNOTATION and plain:
        kept = redactor.clean(text)
        return value if kept == text else kept
    return redactor.hide("annotation", text)


def _labels(redactor: _Redactor, value: Any, place: _Place) -> Any:
    """Return labels, or what selects by them: those of an unknown kind only where they can be labels."""
    mode = place.mode
    if not isinstance(value, Mapping):
        return redactor.value(place.key, value, mode)
    kept: dict[str, Any] = {}
    for key, inner in value.items():
        if not isinstance(inner, str):
            redactor.field(kept, inner, _Place(key, mode, value, place.key))
        elif mode.strict and (names_secret(str(key)) or not rules.LABEL_VALUE.fullmatch(inner)):
            kept[redactor.key(key)] = redactor.hide("label", inner)
        else:
            kept[redactor.key(key)] = redactor.clean(inner)
    return kept


def _quantities(redactor: _Redactor, value: Any, place: _Place) -> Any:
    """Return a map of quantities."""
    if not isinstance(value, Mapping):
        return redactor.value(place.key, value, place.mode)
    kept: dict[str, Any] = {}
    for key, inner in value.items():
        if isinstance(inner, str) and rules.QUANTITY.fullmatch(inner):
            kept[redactor.key(key)] = inner
        else:
            redactor.field(kept, inner, _Place(key, place.mode, value, place.key))
    return kept


def _payload(redactor: _Redactor, value: Any, place: _Place) -> Any:
    """Return the keys of data, each with the same word."""
    if not isinstance(value, Mapping):
        return redactor.value(place.key, value, place.mode if place.mode.strict else _UNKNOWN)
    metadata = place.parent.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) and place.parent.get("kind") == "ConfigMap" else None
    if (settings := facts.network_encryption(name, value)) and REMOVED not in value.values():
        redactor.facts[facts.NETWORK_ENCRYPTION] = settings
    if (export := facts.flow_export(name, value)) and REMOVED not in value.values():
        redactor.facts[facts.FLOW_EXPORT] = export
    if place.parent.get("kind") == "ConfigMap" and REMOVED not in value.values():
        redactor.learn(facts.CREDENTIALS, "", facts.data_credentials(value, names_secret, looks_secret))
        redactor.learn(facts.KMS_KINDS, "", facts.kms_kinds(value))
        if (falco := settings_of_falco(value)) is not None:
            redactor.facts[facts.FALCO_SETTINGS] = falco
        if (pipeline := settings_of_log_agent(value)) is not None:
            redactor.facts[facts.LOG_PIPELINE] = pipeline
    if (kind := place.parent.get("kind")) in ("ConfigMap", "Secret") and REMOVED not in value.values():
        written = "text" if place.key == "stringData" else kind
        if found := dict(alert_routes(written, value, redactor.name)):
            redactor.facts.setdefault(facts.ALERT_ROUTES, {}).update(found)
    if removed := sum(inner != REMOVED for inner in value.values()):
        redactor.counts["payload"] += removed
    return {redactor.key(key): REMOVED for key in value}


def _parameters(redactor: _Redactor, value: Any, place: _Place) -> Any:
    """Return parameters of a storage or snapshot class: settings of a driver, and secrets by name only."""
    mode = place.mode
    if not isinstance(value, Mapping) or (mode.strict and "parameters" not in mode.texts):
        return redactor.value(place.key, value, mode if mode.strict else _UNKNOWN)
    kept: dict[str, Any] = {}
    for key, inner in value.items():
        if isinstance(inner, str) and rules.SETTING.fullmatch(inner) and not names_secret(str(key)):
            kept[redactor.key(key)] = redactor.clean(inner)
        else:
            redactor.field(kept, inner, _Place(key, _UNKNOWN, value, place.key))
    return kept


def _attributes(redactor: _Redactor, value: Any, place: _Place) -> Any:
    """Return attributes of a volume: those that say how it is encrypted, of all others the names."""
    if not isinstance(value, Mapping) or place.mode.strict:
        return redactor.value(place.key, value, _UNKNOWN)
    kept: dict[str, Any] = {}
    for key, inner in value.items():
        if key in rules.VOLUME_ATTRIBUTES and isinstance(inner, str) and rules.SETTING.fullmatch(inner):
            kept[key] = redactor.clean(inner)
        else:
            redactor.field(kept, inner, _Place(key, _UNKNOWN, value, place.key))
    return kept


def _selection(redactor: _Redactor, value: Any, place: _Place) -> Any:
    """Return `key` or `values`: in an unknown kind they pass as parts of a selector or a reference only."""
    if not place.mode.strict:
        return redactor.value(place.key, value, place.mode)
    selects = "operator" in place.parent or "effect" in place.parent
    refers = place.key == "key" and rules.REFERENCE_FIELD.search(place.within) is not None
    return redactor.value(place.key, value, _SELECTION if selects or refers else place.mode)


def _containers(redactor: _Redactor, value: Any, place: _Place) -> Any:
    """Return containers, after their facts are taken."""
    for container in value if isinstance(value, list) and not place.mode.strict else ():
        if isinstance(container, Mapping) and isinstance(container.get("name"), str):
            name = redactor.clean(container["name"])
            redactor.learn(facts.EXEC_PROGRAM, name, facts.exec_programs(container))
            redactor.learn(facts.CREDENTIALS, name, facts.credentials(container, names_secret, looks_secret))
            redactor.learn(facts.SERVICE_ADDRESSES, name, service_addresses(container, looks_secret))
    return redactor.value(place.key, value, place.mode)


def _environment(redactor: _Redactor, value: Any, place: _Place) -> Any:
    """Return environment variables: names and references stay, literals become pseudonyms."""
    if not isinstance(value, list):
        return redactor.value("env", value, _UNKNOWN)
    return [
        _variable(redactor, entry, place.mode) if isinstance(entry, Mapping) else redactor.value("", entry, _UNKNOWN)
        for entry in value
    ]


def _variable(redactor: _Redactor, entry: Mapping[Any, Any], mode: _Mode) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, inner in entry.items():
        if key == "value":
            kept[key] = _literal(redactor, entry.get("name"), inner)
        elif key == "name" and isinstance(inner, str):
            kept[key] = redactor.clean(inner)
        else:
            redactor.field(kept, inner, _Place(key, mode if key == "valueFrom" else _UNKNOWN, entry, "env"))
    return kept


def _literal(redactor: _Redactor, name: Any, value: Any) -> Any:
    """Return a literal where it says nothing of anyone or is a known setting, else its pseudonym."""
    if value is None or isinstance(value, bool):
        return value
    text = value if isinstance(value, str) else repr(value)
    name = name if isinstance(name, str) else ""
    small = rules.SMALL.fullmatch(text) and not names_secret(name)
    setting = rules.ENVIRONMENT.fullmatch(name) and rules.SETTING.fullmatch(text) and is_clean(text)
    return value if rules.TRUTH.fullmatch(text) or small or setting else redactor.hide("environment", text)


def _command(redactor: _Redactor, value: Any, place: _Place) -> Any:
    """Return a command or arguments; those of an unknown kind keep the names of flags only."""
    if not isinstance(value, list):
        return redactor.value(place.key, value, _UNKNOWN)
    hide = partial(redactor.hide, "argument")
    if place.mode.strict:
        return redact_arguments(value, hide, known=False)
    redact_words = redact_command if place.key == "command" else redact_arguments
    return redact_words(value, hide, known=runs_control_plane(place.parent))


def _headers(redactor: _Redactor, value: Any, place: _Place) -> Any:
    """Return HTTP headers of a probe by name."""
    if not isinstance(value, list):
        return redactor.value(place.key, value, _UNKNOWN)
    return [
        _header(redactor, entry) if isinstance(entry, Mapping) else redactor.value("", entry, _UNKNOWN)
        for entry in value
    ]


def _header(redactor: _Redactor, entry: Mapping[Any, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, inner in entry.items():
        if key == "value" and inner is not None:
            kept[key] = redactor.hide("header", inner if isinstance(inner, str) else repr(inner))
        else:
            redactor.field(kept, inner, _Place(key, _UNKNOWN, entry, "httpHeaders"))
    return kept


_SELECTION: Final = _Mode("custom_resource", frozenset(), frozenset(["key", "values"]), None)

_HANDLERS: Final[Mapping[Any, Callable[[_Redactor, Any, _Place], Any]]] = {
    **dict.fromkeys(("annotations", "userAnnotations", "unverifiedUserAnnotations"), _annotations),
    **dict.fromkeys(("args", "command"), _command),
    **dict.fromkeys(("binaryData", "data", "stringData"), _payload),
    **dict.fromkeys(("containers", "ephemeralContainers", "initContainers"), _containers),
    **dict.fromkeys(("key", "values"), _selection),
    **dict.fromkeys(LABEL_MAPS, _labels),
    **dict.fromkeys(QUANTITY_MAPS, _quantities),
    "env": _environment,
    "httpHeaders": _headers,
    "metadata": _metadata,
    "parameters": _parameters,
    "volumeAttributes": _attributes,
}
"""Fields that are redacted in a way of their own, wherever they stand."""
