"""Detections as Sigma rules: a rule per part, and a correlation where several requests make a hit.

What only a site can say stands as a placeholder (`%ephi_namespaces%`), as the specification has it. Texts are the kit's
own. Source: https://sigmahq.io/sigma-specification/ (rules, modifiers, correlations), version 2.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Any, Final

import yaml

from hipaa_kit.evidence.rules.fields import COMMANDS, PATHS, UnsaidError, contained, said
from hipaa_kit.kube.audit.conditions import (
    AllOf,
    Answered,
    AnyOf,
    Code,
    Condition,
    Contains,
    Is,
    Known,
    Listed,
    Matches,
    Not,
    Some,
    Starts,
    Truth,
)
from hipaa_kit.kube.audit.detections import DETECTIONS, RIGHTS_GIVEN, Detection
from hipaa_kit.kube.audit.identities import OWN

NAMES: Final = uuid.UUID("6f2c8a34-2a2f-5f0e-9a53-0d7b7a3a3c11")
"""Under which rules have their ids: the same detection has the same id in every export."""

LEVELS: Final = {"critical": "critical", "high": "high", "medium": "medium", "low": "low", "info": "informational"}
SOURCE: Final = {"product": "kubernetes", "category": "application", "service": "audit"}
Selection = dict[str, Any] | list[dict[str, Any]]


def sigma_rules() -> Iterator[dict[str, Any]]:
    """Yield every rule and correlation, as documents of YAML."""
    for detection in DETECTIONS:
        try:
            where = said(detection)
        except UnsaidError:
            continue
        yield from _documents(detection, where)


def sigma_text() -> str:
    """Return all rules as one stream of YAML documents."""
    return yaml.safe_dump_all(sigma_rules(), sort_keys=False, allow_unicode=True, width=110)


def _documents(detection: Detection, where: Condition) -> Iterator[dict[str, Any]]:
    name = _name(detection)
    yield _rule(name, detection, where)
    if detection.rate:
        more = {"field": _field(detection.rate.of[-1])} if detection.rate.of else {}
        yield _correlation(
            detection,
            [name],
            "value_count" if detection.rate.of else "event_count",
            detection.rate.seconds,
            {**more, "gte": detection.rate.default},
        )
    elif detection.id == "LOG-26":
        first = f"{name}_change"
        yield _rule(first, detection, said(Detection("LOG-26", "changed rights", "Metadata", RIGHTS_GIVEN)))
        yield _correlation(detection, [first, name], "temporal_ordered", 300, {})


def _name(detection: Detection) -> str:
    return "_".join(["hipaa_kit", detection.id.replace("-", "_"), *detection.part.split()]).lower()


def _rule(name: str, detection: Detection, where: Condition) -> dict[str, Any]:
    writer = _Selections()
    condition = writer.add(where)
    selections = {**writer.selections, "answered": {"stage": ["ResponseStarted", "ResponseComplete", "Panic"]}}
    return {
        "title": f"{detection.name}: somebody {detection.act}",
        "id": str(uuid.uuid5(NAMES, name)),
        "name": name,
        "status": "experimental",
        "description": f"Needs the audit level {detection.level}. A hit is a question to a person.",
        "logsource": SOURCE,
        "detection": {**selections, "condition": f"answered and {condition}"},
        "falsepositives": ["what is meant to be: name who does it in the placeholders"],
        "level": LEVELS[detection.severity],
    }


def _correlation(
    detection: Detection, rules: list[str], kind: str, seconds: int, condition: Mapping[str, Any]
) -> dict[str, Any]:
    name = f"{_name(detection)}_together"
    correlation = {
        "type": kind,
        "rules": rules,
        "group-by": ["user.username"],
        "timespan": f"{seconds // 60}m",
        **({"condition": dict(condition)} if condition else {}),
    }
    return {
        "title": f"{detection.name}: together",
        "id": str(uuid.uuid5(NAMES, name)),
        "name": name,
        "status": "experimental",
        "correlation": correlation,
        "level": LEVELS[detection.severity],
    }


class _Selections:
    """Collects a selection per leaf, and writes how they are joined."""

    def __init__(self) -> None:
        self.selections: dict[str, Selection] = {}

    def add(self, condition: Condition) -> str:
        match condition:
            case AllOf(parts):
                return "(" + " and ".join(self.add(part) for part in parts) + ")"
            case AnyOf(parts):
                return "(" + " or ".join(self.add(part) for part in parts) + ")"
            case Not(part):
                return f"not {self.add(part)}"
        selection = _selection(condition)
        for name, known in self.selections.items():
            if known == selection:
                return name
        name = f"s{len(self.selections) + 1}"
        self.selections[name] = selection
        return name


def _field(field: str) -> str:
    return ".".join(PATHS[field])


def _plain(word: str) -> str:
    """Return a word in which nothing is a wildcard."""
    return "".join("\\" + each if each in "\\*?" else each for each in word)


def _selection(condition: Condition) -> Selection:
    match condition:
        case Is("pod_security", words):
            return [{f"{_field('exempt' if word == 'exempt' else 'violations')}|exists": True} for word in words]
        case Is(field, words):
            filled = [_plain(word) for word in words if word]
            found = [{_field(field): filled}] if filled else []
            return [*found, {_field(field): None}] if "" in words else found[0]
        case Starts(field, words):
            return {f"{_field(field)}|startswith": [_plain(word) for word in words]}
        case Contains(field, words):
            return {f"{_field(field)}|contains": [_plain(word) for word in contained(field, words)]}
        case Some("command_marks"):
            return {f"{_field('path')}|contains": [_plain(word) for word in COMMANDS]}
        case Some("data_source"):
            return [{f"{_field(each)}|exists": True} for each in ("data_source", "data_source_ref")]
        case Some(field):
            return {f"{_field(field)}|exists": True}
        case Code(codes):
            return {_field("code"): list(codes)}
        case Answered():
            return [{f"{_field('code')}|lt": 400}, {_field("stage"): "Panic"}]
        case Matches(field, pattern):
            return {f"{_field(field)}|re": f"^{pattern}"}
        case Truth(field, value):
            return {f"{_field(field)}|exists": True} if value else {_field(field): None}
        case Listed("own", field):
            return {_field(field): list(OWN)}
        case Listed("break_glass"):
            return {f"{_field('decision_reason')}|contains|expand": "%break_glass_bindings%"}
        case Listed(name, field):
            within = "|contains" if name == "scripting_agents" else ""
            return {f"{_field(field)}{within}|expand": f"%{name}%"}
        case Known(name, (field,)):
            return {f"{_field(field)}|expand": f"%{name}%"}
    raise UnsaidError(f"Sigma has no words for {type(condition).__name__}", "detection", "run it with the kit")
