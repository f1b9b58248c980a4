"""Whose signatures policies about images take, case by case."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.kube.admission.signers import (
    ANYONE,
    NAMED,
    NOBODY,
    SIGNERS,
    UNCLEAR,
    image_signers,
    strongest,
    weakest,
)
from hipaa_kit.kube.facts import IMAGE_SIGNERS
from hipaa_kit.sources.pseudonyms import DEMO_KEY, Pseudonymizer
from hipaa_kit.sources.redaction import redact

PEM = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----"
ACTIONS = "https://token.actions.githubusercontent.com"
REPOSITORY = "https://github.com/clinic/app/.github/workflows/release.yaml@refs/heads/main"
KEYS = {"keys": {"publicKeys": PEM}}
OPEN = {"keyless": {"subject": "*", "issuer": "*"}}


def kyverno(*entries: dict[str, Any], count: Any = None) -> str:
    attestors: dict[str, Any] = {"entries": list(entries)}
    if count is not None:
        attestors["count"] = count
    rule = {"name": "r", "verifyImages": [{"imageReferences": ["*"], "attestors": [attestors]}]}
    return image_signers("kyverno.io", "ClusterPolicy", {"rules": [rule]})["0/0"]


def identity(**fields: str) -> str:
    return kyverno({"keyless": {"rekor": {"url": "https://rekor.sigstore.dev"}, **fields}})


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (KEYS, NAMED),
        ({"keys": {"kms": "awskms:///alias/release"}}, NAMED),
        ({"keys": {"secret": {"name": "cosign", "namespace": "kyverno"}}}, NAMED),
        ({"keys": {"publicKeys": "{{ keys.data.release }}"}}, UNCLEAR),
        ({"keys": {}}, UNCLEAR),
        ({"certificates": {"cert": "-----BEGIN CERTIFICATE-----"}}, NAMED),
        ({"certificates": {"certChain": "-----BEGIN CERTIFICATE-----"}}, UNCLEAR),
        ({"keyless": {}}, ANYONE),
        ({"attestor": {"entries": [KEYS]}}, NAMED),
        ({"attestor": {"count": 1, "entries": [KEYS, OPEN]}}, ANYONE),
        ({}, UNCLEAR),
    ],
)
def test_an_attestor_of_kyverno(entry: dict[str, Any], expected: str) -> None:
    assert kyverno(entry) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"subject": REPOSITORY, "issuer": ACTIONS}, NAMED),
        ({"subject": "https://github.com/clinic/*", "issuer": ACTIONS}, NAMED),
        ({"subject": "https://github.com/clin*", "issuer": ACTIONS}, UNCLEAR),
        ({"subject": "https://github.com/*", "issuer": ACTIONS}, UNCLEAR),
        ({"subject": "*@clinic.example", "issuer": "https://accounts.google.com"}, UNCLEAR),
        ({"subject": "release@clinic.example", "issuer": "https://accounts.google.com"}, NAMED),
        ({"subject": "release@clinic.example"}, UNCLEAR),
        ({"subject": "release@clinic.example", "issuer": "*"}, UNCLEAR),
        ({"subject": "*", "issuer": "*"}, ANYONE),
        ({"subject": "**", "issuer": ACTIONS}, ANYONE),
        ({"issuer": "https://accounts.google.com/"}, ANYONE),
        ({"issuer": "https://sso.clinic.example"}, UNCLEAR),
        ({"subject": "*", "issuer": "*", "roots": "-----BEGIN CERTIFICATE-----"}, UNCLEAR),
        ({"subjectRegExp": ".*", "issuerRegExp": "^.*$"}, ANYONE),
        ({"subjectRegExp": r"^https://github\.com/clinic/.*", "issuer": ACTIONS}, NAMED),
        ({"subjectRegExp": r"^https://github.com/clinic/app/.+$", "issuer": ACTIONS}, NAMED),
        ({"subjectRegExp": r"https://github\.com/clinic/.*", "issuer": ACTIONS}, UNCLEAR),
        ({"subjectRegExp": r"^https://github\.com/clinic/?.*", "issuer": ACTIONS}, UNCLEAR),
        ({"subjectRegExp": r"^https://github\.com/clinic/.*|.*", "issuer": ACTIONS}, UNCLEAR),
        ({"subjectRegExp": r"^https://github\.com/[^/]+/app/", "issuer": ACTIONS}, UNCLEAR),
        ({"subjectRegExp": r"^https://github\.com/clinic", "issuer": ACTIONS}, UNCLEAR),
        ({"subjectRegExp": r"^https://github\.com/clinic/", "issuer": ACTIONS}, NAMED),
        ({"subjectRegExp": r"^ci@clinic\.example$", "issuer": ACTIONS}, NAMED),
        ({"subjectRegExp": r"^ci@clinic\.example", "issuer": ACTIONS}, UNCLEAR),
        ({"subject": "ci@clinic.example", "subjectRegExp": ".*", "issuer": ACTIONS}, ANYONE),
        ({"subject": "{{ subject }}", "issuer": ACTIONS}, UNCLEAR),
    ],
)
def test_an_identity_of_keyless_signing(fields: dict[str, str], expected: str) -> None:
    assert identity(**fields) == expected


def test_keyless_signing_without_the_log_must_be_read() -> None:
    entry = {"subject": REPOSITORY, "issuer": ACTIONS, "rekor": {"ignoreTlog": True}}
    assert kyverno({"keyless": entry}) == UNCLEAR


@pytest.mark.parametrize(
    ("count", "expected"),
    [(None, NAMED), (0, NAMED), (1, ANYONE), (2, NAMED), (3, NAMED), (True, NAMED), ("1", NAMED)],
)
def test_of_a_set_so_many_must_be_met(count: Any, expected: str) -> None:
    assert kyverno(KEYS, OPEN, count=count) == expected


def test_an_empty_set_must_be_read() -> None:
    assert kyverno() == UNCLEAR


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({}, NOBODY),
        ({"attestations": [{"type": "https://slsa.dev/provenance/v1"}]}, UNCLEAR),
        ({"key": PEM}, NAMED),
        ({"subject": "*", "issuer": "*"}, ANYONE),
        ({"attestors": [{"entries": [OPEN]}, {"entries": [KEYS]}]}, NAMED),
    ],
)
def test_an_entry_of_verify_images(entry: dict[str, Any], expected: str) -> None:
    spec = {"rules": [{"name": "other", "validate": {}}, {"name": "r", "verifyImages": [{}, entry]}]}
    assert image_signers("kyverno.io", "Policy", spec)["1/1"] == expected


@pytest.mark.parametrize(
    ("authority", "expected"),
    [
        ({"key": {"data": PEM}}, NAMED),
        ({"key": {"kms": "gcpkms://x"}}, NAMED),
        ({"key": {}}, UNCLEAR),
        ({"static": {"action": "pass"}}, NOBODY),
        ({"static": {"action": "fail"}}, NAMED),
        ({"keyless": {"url": "https://fulcio.sigstore.dev"}}, ANYONE),
        ({"keyless": {"trustRootRef": "own"}}, UNCLEAR),
        ({"keyless": {"identities": [{"subject": REPOSITORY, "issuer": ACTIONS}]}}, NAMED),
        ({"keyless": {"identities": [{"subject": REPOSITORY, "issuer": ACTIONS}, {"issuer": ACTIONS}]}}, ANYONE),
        ({"keyless": {"identities": [{"subject": REPOSITORY, "issuer": ACTIONS}]}, "ctlog": {}}, UNCLEAR),
        (
            {"keyless": {"identities": [{"subject": REPOSITORY, "issuer": ACTIONS}], "insecureIgnoreSCT": True}},
            UNCLEAR,
        ),
        ({"key": {"data": PEM}, "attestations": [{"name": "sbom", "predicateType": "spdx"}]}, UNCLEAR),
        ({}, UNCLEAR),
    ],
)
def test_an_authority_of_policy_controller(authority: dict[str, Any], expected: str) -> None:
    spec = {"images": [{"glob": "**"}], "authorities": [authority]}
    assert image_signers("policy.sigstore.dev", "ClusterImagePolicy", spec) == {"policy": expected}


def test_of_authorities_any_may_be_met() -> None:
    spec = {"authorities": [{"key": {"data": PEM}}, {"static": {"action": "pass"}}]}
    assert image_signers("policy.sigstore.dev", "ClusterImagePolicy", spec) == {"policy": NOBODY}
    assert image_signers("policy.sigstore.dev", "ClusterImagePolicy", {}) == {"policy": UNCLEAR}


RELEASE = {"name": "release", "cosign": {"key": {"data": PEM}}}
VERIFIED = "images.containers.map(image, verifyImageSignatures(image, [attestors.release])).all(e, e > 0)"


@pytest.mark.parametrize(
    ("attestors", "expressions", "expected"),
    [
        ([RELEASE], [VERIFIED], (NAMED, UNCLEAR, UNCLEAR)),
        ([RELEASE], [VERIFIED, VERIFIED.replace("containers", "initContainers")], (NAMED, NAMED, UNCLEAR)),
        (
            [RELEASE],
            [VERIFIED.replace("images.containers", "(images.containers + images.?initContainers.orValue([]))")],
            (NAMED, NAMED, UNCLEAR),
        ),
        ([RELEASE], [VERIFIED.replace("> 0", ">= 0")], (UNCLEAR, UNCLEAR, UNCLEAR)),
        ([RELEASE], [VERIFIED.replace(".all(", ".exists(")], (UNCLEAR, UNCLEAR, UNCLEAR)),
        ([RELEASE], [f"{VERIFIED} || true"], (UNCLEAR, UNCLEAR, UNCLEAR)),
        ([RELEASE], [VERIFIED.replace("release", "other")], (UNCLEAR, UNCLEAR, UNCLEAR)),
        ([{"name": "release", "cosign": {"keyless": {"identities": []}}}], [VERIFIED], (ANYONE, UNCLEAR, UNCLEAR)),
        ([{"name": "release", "notary": {"certs": {"value": "pem"}}}], [VERIFIED], (NAMED, UNCLEAR, UNCLEAR)),
        ([{"name": "release", "notary": {"certs": {"expression": "x"}}}], [VERIFIED], (UNCLEAR, UNCLEAR, UNCLEAR)),
        (
            [
                {
                    "name": "release",
                    "cosign": {
                        "keyless": {"identities": [{"subject": REPOSITORY, "issuer": ACTIONS}]},
                        "ctlog": {"insecureIgnoreTlog": True},
                    },
                }
            ],
            [VERIFIED],
            (UNCLEAR, UNCLEAR, UNCLEAR),
        ),
    ],
)
def test_an_image_validating_policy(attestors: list[Any], expressions: list[str], expected: tuple[str, ...]) -> None:
    spec = {"attestors": attestors, "validations": [{"expression": each} for each in expressions]}
    found = image_signers("policies.kyverno.io", "ImageValidatingPolicy", spec)
    assert (found["containers"], found["initContainers"], found["ephemeralContainers"]) == expected


@pytest.mark.parametrize(
    ("root", "expected"),
    [
        ({"policyType": "PublicKey", "publicKey": {"keyData": "LS0t"}}, NAMED),
        (
            {
                "fulcioCAWithRekor": {
                    "fulcioSubject": {"oidcIssuer": "https://sso.clinic.example", "signedEmail": "a@b"}
                }
            },
            NAMED,
        ),
        ({"fulcioCAWithRekor": {"fulcioSubject": {"oidcIssuer": "https://sso.clinic.example"}}}, UNCLEAR),
        ({"policyType": "PKI", "pki": {"caRootsData": "LS0t"}}, UNCLEAR),
    ],
)
def test_a_root_of_trust_of_openshift(root: dict[str, Any], expected: str) -> None:
    for kind in ("ClusterImagePolicy", "ImagePolicy"):
        assert image_signers("config.openshift.io", kind, {"policy": {"rootOfTrust": root}}) == {"policy": expected}


def test_a_template_that_asks_ratify_is_known() -> None:
    asks = 'external_data({"provider": "ratify-provider", "keys": images})'
    for target in ({"rego": asks}, {"code": [{"engine": "Rego", "source": {"rego": asks}}]}):
        assert image_signers("templates.gatekeeper.sh", "ConstraintTemplate", {"targets": [target]}) == {
            "ratify": UNCLEAR
        }
    other = {"targets": [{"rego": 'external_data({"provider": "prices"})'}]}
    assert image_signers("templates.gatekeeper.sh", "ConstraintTemplate", other) == {}


def test_neither_keys_nor_names_of_signers_pass_the_door() -> None:
    policy = {
        "apiVersion": "kyverno.io/v1",
        "kind": "ClusterPolicy",
        "metadata": {"name": "signed"},
        "spec": {
            "rules": [
                {
                    "name": "r",
                    "verifyImages": [
                        {
                            "imageReferences": ["registry.example/clinic/*"],
                            "attestors": [
                                {"entries": [{"keyless": {"subject": "mara.silva@clinic.example", "issuer": ACTIONS}}]}
                            ],
                        }
                    ],
                }
            ]
        },
    }
    redacted = redact(policy, Pseudonymizer(DEMO_KEY))
    assert redacted.facts[IMAGE_SIGNERS] == {"0/0": NAMED}
    assert "mara" not in str(redacted.content)
    assert redacted.content["spec"]["rules"][0]["verifyImages"][0]["imageReferences"] == ["registry.example/clinic/*"]


words = st.lists(st.sampled_from(SIGNERS), max_size=6)


@given(words, st.sampled_from(SIGNERS))
def test_one_more_alternative_never_makes_stronger_and_one_more_demand_never_weaker(held: list[str], word: str) -> None:
    rank = SIGNERS.index
    assert rank(weakest([*held, word])) >= rank(weakest(held)) or not held
    assert rank(strongest([*held, word])) <= rank(strongest(held))


@given(st.lists(st.sampled_from([KEYS, OPEN, {}]), min_size=1, max_size=6), st.integers(1, 6))
def test_a_higher_count_never_makes_weaker(entries: list[dict[str, Any]], count: int) -> None:
    assert SIGNERS.index(kyverno(*entries, count=count + 1)) <= SIGNERS.index(kyverno(*entries, count=count))


junk = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                "rules verifyImages attestors entries keys keyless count attestor authorities static policy rootOfTrust "
                "validations expression targets code source rego cosign key ctlog identities subjectRegExp".split()
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=20,
)


@given(junk)
def test_policies_of_any_shape_have_a_word_or_none(spec: Any) -> None:
    for group, kind in [
        ("kyverno.io", "ClusterPolicy"),
        ("policies.kyverno.io", "ImageValidatingPolicy"),
        ("policy.sigstore.dev", "ClusterImagePolicy"),
        ("config.openshift.io", "ImagePolicy"),
        ("templates.gatekeeper.sh", "ConstraintTemplate"),
    ]:
        assert set(image_signers(group, kind, spec).values()) <= set(SIGNERS)
