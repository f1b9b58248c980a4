"""Which images policies about signatures name, and what that comes to, case by case."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.kube.admission import Exceptions, Place
from hipaa_kit.kube.admission.parts import AUDIT, DENY, EVERY, NONE, REACHES, SOME, UNKNOWN, WARN
from hipaa_kit.kube.admission.signatures import (
    KYVERNO,
    OPENSHIFT,
    POLICY_CONTROLLER,
    SignaturePart,
    image_policy_part,
    image_validating_parts,
    matches,
    scoped_policy_part,
    standing,
    verify_image_parts,
)
from hipaa_kit.kube.admission.signers import NAMED, SIGNERS

EHR = Place("ehr", {"team": "records"})
NO_EXCEPTIONS = Exceptions()
DIGEST = f"sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("pattern", "image", "expected"),
    [
        ("*", "nginx", True),
        ("docker.io/nginx*", "nginx", True),
        ("docker.io/library/*", "nginx", False),
        ("docker.io/library/*", "library/nginx", True),
        ("docker.io/*", "clinic/app:1", True),
        ("ghcr.io/clinic/*", "ghcr.io/clinic/deep/app:1", True),
        ("ghcr.io/clinic/*", "ghcr.io/clinic/app@" + DIGEST, True),
        ("ghcr.io/clinic/app:latest", "ghcr.io/clinic/app", True),
        ("ghcr.io/clinic/app:*", f"ghcr.io/clinic/app:1@{DIGEST}", None),
        ("ghcr.io/clinic/app:*", f"ghcr.io/clinic/app@{DIGEST}", False),
        ("registry:5000/clinic/*", "registry:5000/clinic/app:1", True),
        ("ghcr.io/clini?/*", "ghcr.io/clinic/app:1", True),
        ("ghcr.io/clinic?/*", "ghcr.io/clinic/app:1", None),
        ("ghcr.io/{{ team }}/*", "ghcr.io/clinic/app:1", None),
        ("ghcr.io/clinic/*", "ghcr.io/clinical/app:1", False),
    ],
)
def test_patterns_of_kyverno(pattern: str, image: str, expected: bool | None) -> None:
    assert matches(KYVERNO, [pattern], [], image) is expected


@pytest.mark.parametrize(
    ("glob", "image", "expected"),
    [
        ("**", "foo", True),
        ("*", "foo", True),
        ("*", "clinic/app", False),
        ("*/*", "clinic/app", True),
        ("index.docker.io/library/*", "foo", True),
        ("index.docker.io/**", "clinic/app", True),
        ("ghcr.io/*/*", "ghcr.io/foo/bar", True),
        ("ghcr.io/*/*", "ghcr.io/foo", False),
        ("ghcr.io/**", "ghcr.io/foo/bar/baz:1", True),
        ("ghcr.io/foo*", "ghcr.io/foo", True),
        ("ghcr.io/foo", "ghcr.io/foo-suffix", False),
        ("ghcr.io/foo:*", "ghcr.io/foo:1", None),
        ("ghcr.io/foo:*", f"ghcr.io/foo@{DIGEST}", False),
        ("ghcr.io/foo@*", "ghcr.io/foo:1", None),
        ("[a-z]*", "foo", None),
    ],
)
def test_globs_of_policy_controller(glob: str, image: str, expected: bool | None) -> None:
    assert matches(POLICY_CONTROLLER, [glob], [], image) is expected


@pytest.mark.parametrize(
    ("scope", "image", "expected"),
    [
        ("docker.io", "nginx", True),
        ("docker.io/library/nginx:latest", "nginx", True),
        ("docker.io/library/nginx:1", "nginx", False),
        ("registry.example/clinic", "registry.example/clinic/app:1", True),
        ("registry.example/clinic", "registry.example/clinical/app:1", False),
        ("registry.example/clinic/app", f"registry.example/clinic/app@{DIGEST}", True),
        ("*.example", "registry.example/clinic/app:1", True),
        ("*.example", "example/app:1", False),
    ],
)
def test_scopes_of_openshift(scope: str, image: str, expected: bool) -> None:
    assert matches(OPENSHIFT, [scope], [], image) is expected


def test_what_is_skipped_is_not_asked() -> None:
    assert matches(KYVERNO, ["*"], ["ghcr.io/clinic/old*"], "ghcr.io/clinic/old:1") is False
    assert matches(KYVERNO, ["*"], ["ghcr.io/{{ team }}/*"], "ghcr.io/clinic/old:1") is None
    assert matches(KYVERNO, [], [], "ghcr.io/clinic/old:1") is False


PODS = {"any": [{"resources": {"kinds": ["Pod"]}}]}


def policy(entry: dict[str, Any] | None = None, *, rule: Any = None, **spec: Any) -> dict[str, Any]:
    held = {"name": "r", "match": PODS, "verifyImages": [{"imageReferences": ["*"], **(entry or {})}], **(rule or {})}
    return {"metadata": {"name": "signed"}, "spec": {"validationFailureAction": "Enforce", "rules": [held], **spec}}


def part(of: dict[str, Any], word: str = NAMED) -> SignaturePart:
    return next(verify_image_parts(of, {"0/0": word}, EHR, NO_EXCEPTIONS))


@pytest.mark.parametrize(
    ("of", "field", "expected"),
    [
        (policy(), "action", DENY),
        (policy(validationFailureAction="Audit"), "action", AUDIT),
        (policy({"failureAction": "Audit"}), "action", AUDIT),
        (policy({"failureAction": "Enforce"}, validationFailureAction="Audit"), "action", DENY),
        (policy(validationFailureActionOverrides=[{"action": "Audit", "namespaces": ["ehr"]}]), "action", AUDIT),
        (policy(validationFailureActionOverrides=[{"action": "Audit", "namespaces": ["lab"]}]), "action", DENY),
        (policy(), "reach", EVERY),
        (policy(admission=False), "reach", NONE),
        (policy(rule={"preconditions": {"all": [{"key": "x"}]}}), "reach", SOME),
        (policy(webhookConfiguration={"matchConditions": [{"name": "x"}]}), "reach", SOME),
        (policy({"mutateDigest": False, "verifyDigest": False}), "moves", True),
        (policy({"mutateDigest": False}), "moves", False),
        (policy(failurePolicy="Ignore"), "ignores_errors", True),
        (policy(webhookConfiguration={"failurePolicy": "Ignore"}), "ignores_errors", True),
        (policy({"image": "ghcr.io/x"}), "images", ("*", "ghcr.io/x")),
    ],
)
def test_a_rule_of_kyverno(of: dict[str, Any], field: str, expected: Any) -> None:
    assert getattr(part(of), field) == expected


def test_rules_that_differ_leave_the_action_open() -> None:
    checked = {"name": "v", "match": PODS, "validate": {"failureAction": "Audit"}}
    of = policy({"failureAction": "Enforce"})
    of["spec"]["rules"].append(checked)
    assert part(of).action == UNKNOWN


def test_a_policy_that_is_not_ready_is_doubted() -> None:
    of = policy() | {"status": {"conditions": [{"type": "Ready", "status": "False"}]}}
    assert part(of).doubt


@pytest.mark.parametrize(
    ("spec", "field", "expected"),
    [
        ({}, "action", DENY),
        ({"mode": "warn"}, "action", WARN),
        ({"mode": "enforce"}, "action", DENY),
        ({"match": [{"resource": "pods", "version": "v1"}]}, "reach", EVERY),
        ({"match": [{"resource": "pods", "version": "v1", "selector": {"matchLabels": {"a": "b"}}}]}, "reach", SOME),
        ({"match": [{"group": "apps", "resource": "deployments", "version": "v1"}]}, "reach", NONE),
        ({"images": [{"glob": "ghcr.io/**"}]}, "images", ("ghcr.io/**",)),
    ],
)
def test_a_cluster_image_policy(spec: dict[str, Any], field: str, expected: Any) -> None:
    assert getattr(image_policy_part({"spec": spec}, {"policy": NAMED}), field) == expected


@pytest.mark.parametrize(
    ("spec", "field", "expected"),
    [
        ({}, "action", DENY),
        ({"validationActions": ["Audit"]}, "action", AUDIT),
        ({"validationActions": ["Deny", "Audit"]}, "action", DENY),
        ({"evaluation": {"admission": {"enabled": False}}}, "reach", NONE),
        ({"evaluation": {"mode": "JSON"}}, "reach", NONE),
        ({"matchConditions": [{"name": "x"}]}, "reach", SOME),
        ({"matchConstraints": {}}, "reach", UNKNOWN),
        ({"failurePolicy": "Ignore"}, "ignores_errors", True),
        ({"matchImageReferences": []}, "doubt", "which images it asks must be read"),
        ({"matchImageReferences": [{"expression": "x"}]}, "doubt", "which images it asks must be read"),
    ],
)
def test_an_image_validating_policy(spec: dict[str, Any], field: str, expected: Any) -> None:
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    written = {
        "matchConstraints": {"resourceRules": [rule]},
        "matchImageReferences": [{"glob": "*"}],
        **spec,
    }
    found = list(
        image_validating_parts({"metadata": {"name": "x"}, "spec": written}, {"containers": NAMED}, EHR, NO_EXCEPTIONS)
    )
    assert [each.name for each in found] == ["containers", "initContainers", "ephemeralContainers"]
    assert getattr(found[0], field) == expected


def test_a_policy_of_another_namespace_reaches_nothing() -> None:
    elsewhere = {"metadata": {"name": "x", "namespace": "lab"}, "spec": {"scopes": ["docker.io"]}}
    assert scoped_policy_part(elsewhere, {"policy": NAMED}, EHR).reach == NONE


CLOSED = SignaturePart("", EVERY, DENY, NAMED, ("*",))


@pytest.mark.parametrize(
    ("changed", "way", "matched", "pinned", "expected"),
    [
        ({}, "refuses", True, False, "refuses"),
        ({"action": AUDIT}, "refuses", True, False, "open"),
        ({"action": WARN}, "unknown", True, False, "open"),
        ({"signer": "anyone"}, "refuses", True, False, "open"),
        ({"signer": "nobody"}, "refuses", True, False, "open"),
        ({"signer": "unclear"}, "refuses", True, False, "unclear"),
        ({}, "not sent", True, False, "open"),
        ({}, "ignores errors", True, False, "open"),
        ({}, "unknown", True, False, "unclear"),
        ({"ignores_errors": True}, "refuses", True, False, "open"),
        ({"reach": SOME}, "refuses", True, False, "unclear"),
        ({"action": UNKNOWN}, "refuses", True, False, "unclear"),
        ({"doubt": "x"}, "refuses", True, False, "unclear"),
        ({}, "refuses", None, False, "unclear"),
        ({"moves": True}, "refuses", True, False, "unclear"),
        ({"moves": True}, "refuses", True, True, "refuses"),
    ],
)
def test_what_a_part_comes_to(
    changed: dict[str, Any], way: str, matched: bool | None, pinned: bool, expected: str
) -> None:
    found, why = standing(replace(CLOSED, **changed), way, matched, pinned=pinned)
    assert found == expected
    assert bool(why) == (expected != "refuses")


parts = st.builds(
    SignaturePart,
    name=st.just(""),
    reach=st.sampled_from(REACHES),
    action=st.sampled_from([DENY, WARN, AUDIT, UNKNOWN]),
    signer=st.sampled_from(SIGNERS),
    ignores_errors=st.booleans(),
    moves=st.booleans(),
    doubt=st.sampled_from(["", "x"]),
)


@given(parts, st.sampled_from(["refuses", "ignores errors", "not sent", "unknown"]), st.sampled_from([True, None]))
def test_only_what_is_closed_in_every_respect_refuses(of: SignaturePart, way: str, matched: bool | None) -> None:
    closed = replace(of, name=CLOSED.name, images=CLOSED.images) == CLOSED and way == "refuses" and matched
    assert (standing(of, way, matched, pinned=False)[0] == "refuses") == bool(closed)
