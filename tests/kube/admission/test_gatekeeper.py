"""Gatekeeper's constraints: what they match, and what they do at the webhook."""

from __future__ import annotations

from typing import Any

import pytest

from hipaa_kit.kube.admission import AUDIT, DENY, NOTHING, WARN, Place, constraint_part, exempt_by_config
from hipaa_kit.kube.admission.gatekeeper import globs
from hipaa_kit.kube.admission.parts import EVERY, NONE, SOME, UNKNOWN

EHR = Place("ehr", {"team": "records"})
PODS = [{"apiGroups": [""], "kinds": ["Pod"]}]


def constraint(match: Any = None, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "c"}, "spec": {"match": {"kinds": PODS} if match is None else match, **spec}}


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ({"kinds": PODS}, EVERY),
        ({}, EVERY),
        ({"kinds": [{"apiGroups": ["*"], "kinds": ["*"]}]}, EVERY),
        ({"kinds": [{"apiGroups": ["apps"], "kinds": ["Deployment"]}]}, NONE),
        ({"kinds": [{"apiGroups": ["apps"], "kinds": ["Pod"]}]}, NONE),
        ({"kinds": [{"kinds": ["Pod"]}]}, EVERY),
        ({"kinds": PODS, "namespaces": ["ehr"]}, EVERY),
        ({"kinds": PODS, "namespaces": ["lab-*"]}, NONE),
        ({"kinds": PODS, "excludedNamespaces": ["kube-*"]}, EVERY),
        ({"kinds": PODS, "excludedNamespaces": ["*hr"]}, NONE),
        ({"kinds": PODS, "namespaceSelector": {"matchLabels": {"team": "lab"}}}, NONE),
        ({"kinds": PODS, "labelSelector": {"matchLabels": {"app": "x"}}}, SOME),
        ({"kinds": PODS, "scope": "Cluster"}, NONE),
        ({"kinds": PODS, "scope": "Namespaced"}, EVERY),
        ({"kinds": PODS, "name": "app-*"}, SOME),
        ({"kinds": PODS, "source": "Generated"}, NONE),
    ],
)
def test_what_a_constraint_matches(match: Any, expected: str) -> None:
    assert constraint_part(constraint(match), EHR).reach == expected


def test_a_selector_of_namespaces_whose_labels_were_not_seen_is_open() -> None:
    match = {"kinds": PODS, "namespaceSelector": {"matchLabels": {"team": "lab"}}}
    assert constraint_part(constraint(match), Place("ehr")).reach == UNKNOWN


def scoped(*entries: tuple[str, str]) -> dict[str, Any]:
    return {
        "enforcementAction": "scoped",
        "scopedEnforcementActions": [
            {"action": action, "enforcementPoints": [{"name": point}]} for action, point in entries
        ],
    }


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, DENY),
        ({"enforcementAction": "deny"}, DENY),
        ({"enforcementAction": "warn"}, WARN),
        ({"enforcementAction": "dryrun"}, AUDIT),
        ({"enforcementAction": "deney"}, NOTHING),
        (scoped(("deny", "validation.gatekeeper.sh")), DENY),
        (scoped(("deny", "*")), DENY),
        (scoped(("deny", "gator.gatekeeper.sh"), ("warn", "validation.gatekeeper.sh")), WARN),
        (scoped(("deny", "audit.gatekeeper.sh")), NOTHING),
        (scoped(), NOTHING),
        ({"scopedEnforcementActions": [{"action": "warn", "enforcementPoints": [{"name": "*"}]}]}, DENY),
    ],
)
def test_what_a_constraint_does(spec: dict[str, Any], expected: str) -> None:
    assert constraint_part(constraint(None, **spec), EHR).action == expected


def test_a_constraint_never_stands_for_a_level() -> None:
    part = constraint_part(constraint(), EHR)
    assert part.level == ""
    assert part.doubt


@pytest.mark.parametrize(
    ("name", "entry", "expected"),
    [
        ("config", {"excludedNamespaces": ["ehr"], "processes": ["*"]}, True),
        ("config", {"excludedNamespaces": ["e*"], "processes": ["webhook"]}, True),
        ("config", {"excludedNamespaces": ["ehr"], "processes": ["audit", "sync"]}, False),
        ("config", {"excludedNamespaces": ["lab"], "processes": ["*"]}, False),
        ("other", {"excludedNamespaces": ["ehr"], "processes": ["*"]}, False),
    ],
)
def test_namespaces_that_the_configuration_leaves_out(name: str, entry: dict[str, Any], expected: bool) -> None:
    assert exempt_by_config([{"metadata": {"name": name}, "spec": {"match": [entry]}}], EHR) is expected


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("kube-*", "kube-system", True),
        ("*-system", "kube-system", True),
        ("*be-sys*", "kube-system", True),
        ("kube-system", "kube-system", True),
        ("kube", "kube-system", False),
        ("k*m", "kube-system", False),
        ("*", "anything", True),
    ],
)
def test_patterns_have_stars_at_their_ends_alone(pattern: str, name: str, expected: bool) -> None:
    assert globs(pattern, name) is expected
