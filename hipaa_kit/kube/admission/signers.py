"""Whose signatures a policy about images takes: read at the door, since keys and names of people do not pass it.

Four words say it: somebody who is named (by a key, a certificate, or an identity and who vouches for it), what a person
must read, anyone at all, or nobody: no signature is asked for.

Sources: https://kyverno.io/docs/policy-types/cluster-policy/verify-images/sigstore/,
https://kyverno.io/docs/policy-types/image-validating-policy/, https://docs.sigstore.dev/policy-controller/overview/,
https://docs.redhat.com/en/documentation/openshift_container_platform/latest/html/nodes/nodes-sigstore-using,
https://ratify.dev/docs/plugins/verifier/notation/, and `verifyAttestorSet` of Kyverno's `pkg/engine/internal`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from hipaa_kit.kube.reading import as_map, as_maps, as_text

NAMED: Final = "named"
UNCLEAR: Final = "unclear"
ANYONE: Final = "anyone"
NOBODY: Final = "nobody"
SIGNERS: Final = (NAMED, UNCLEAR, ANYONE, NOBODY)
"""From the strongest to the weakest."""

CONTAINER_LISTS: Final = ("containers", "initContainers", "ephemeralContainers")
"""Lists of a pod's containers, as expressions of Kyverno name them."""

RATIFY: Final = "ratify"
POLICY: Final = "policy"
"""Names under which the word of a whole object stands among the facts."""

_DEEPEST: Final = 16
_PUBLIC_ISSUERS: Final = frozenset(
    [
        "https://accounts.google.com",
        "https://github.com/login/oauth",
        "https://gitlab.com",
        "https://login.microsoftonline.com",
        "https://oauth2.sigstore.dev/auth",
        "https://token.actions.githubusercontent.com",
    ]
)
"""Issuers of identities at which anyone may have an account.

Source: https://docs.sigstore.dev/certificate_authority/oidc-in-fulcio/
"""

_OWNED: Final = re.compile(r"(?:https|spiffe)://[^/*?\s]+/[^/*?\s]+/", re.ASCII)
_EVERYTHING: Final = re.compile(r"\^?(?:\.[*+])+\$?|\*+", re.ASCII)
_META: Final = re.compile(r"\.[*+?{]|(?<!\\)[*+?()\[\]{}$|]|\\[A-Za-z]")
_LIST: Final = r"images\.(?:\w{1,40}|\?\w{1,40}\.orValue\(\[\]\))"
_VERIFIED: Final = re.compile(
    rf"(?P<lists>{_LIST}|\({_LIST}(?:\+{_LIST}){{0,3}}\))\.map\((?P<each>\w{{1,40}}),verifyImageSignatures\((?P=each),"
    r"\[(?P<attestors>attestors\.\w{1,63}(?:,attestors\.\w{1,63}){0,15})\]\)\)\.all\((?P<count>\w{1,40}),(?P=count)>0\)",
    re.ASCII,
)
"""The form in which the documentation of Kyverno writes an expression that verifies lists of containers."""

_PROVIDER: Final = re.compile(r"external_data\([^)]{0,400}ratify", re.ASCII | re.IGNORECASE)


def image_signers(group: str, kind: str, spec: Any) -> dict[str, str]:
    """Return whose signatures a policy takes, by the part of it that asks; {} for what is no policy about images.

    Parameters
    ----------
    group, kind
        API group and kind of the policy.
    spec
        Its spec, as it was written.

    Returns
    -------
    dict
        Of a ClusterPolicy or Policy of Kyverno: number of the rule and of its entry (`0/1`); of an
        ImageValidatingPolicy: list of containers; of any other: `policy`, or `ratify` for the template of a constraint
        that asks Ratify. Each with one of `SIGNERS`.
    """
    written = as_map(spec)
    if group == "kyverno.io" and kind in ("ClusterPolicy", "Policy"):
        return {
            f"{number}/{entry}": _verification(each)
            for number, rule in enumerate(as_maps(written.get("rules")))
            for entry, each in enumerate(as_maps(rule.get("verifyImages")))
        }
    if group == "policies.kyverno.io" and kind.endswith("ImageValidatingPolicy"):
        return _expressions(written)
    if group == "policy.sigstore.dev" and kind == "ClusterImagePolicy":
        return {POLICY: weakest(map(_authority, as_maps(written.get("authorities"))), otherwise=UNCLEAR)}
    if group == "config.openshift.io" and kind in ("ClusterImagePolicy", "ImagePolicy"):
        return {POLICY: _root_of_trust(as_map(written, "policy", "rootOfTrust"))}
    if group == "templates.gatekeeper.sh" and any(map(_PROVIDER.search, _programs(written))):
        return {RATIFY: UNCLEAR}
    return {}


def weakest(words: Iterable[str], *, otherwise: str = NOBODY) -> str:
    """Return what alternatives come to: whoever may choose takes the weakest."""
    return max(words, key=SIGNERS.index, default=otherwise)


def strongest(words: Iterable[str]) -> str:
    """Return what several demands come to that must all be met."""
    return min(words, key=SIGNERS.index, default=NOBODY)


def _verification(entry: Mapping[str, Any]) -> str:
    """Return whose signature one entry of `verifyImages` takes."""
    sets = as_maps(entry.get("attestors"))
    if as_text(entry.get("key")):
        return _given(entry["key"])
    if not sets and (as_text(entry.get("subject")) or as_text(entry.get("issuer"))):
        return _keyless(entry)
    if sets:
        return strongest(_attestor_set(each, _DEEPEST) for each in sets)
    # A signed statement about an image may be a scanner's: who signed it, and what it says, must be read.
    return UNCLEAR if as_maps(entry.get("attestations")) else NOBODY


def _attestor_set(attestors: Mapping[str, Any], depth: int) -> str:
    """Return what a set of attestors comes to: of those that may be chosen, the strongest that must be met.

    Without a count, or with 0, all must be met.
    """
    words = sorted((_attestor(each, depth) for each in as_maps(attestors.get("entries"))), key=SIGNERS.index)
    if not words:
        return UNCLEAR
    count = attestors.get("count")
    needed = count if isinstance(count, int) and not isinstance(count, bool) and count > 0 else len(words)
    return words[-min(needed, len(words))]


def _attestor(entry: Mapping[str, Any], depth: int) -> str:
    if nested := as_map(entry, "attestor"):
        return _attestor_set(nested, depth - 1) if depth else UNCLEAR
    if keys := as_map(entry, "keys"):
        return NAMED if as_map(keys, "secret") else _given(as_text(keys.get("publicKeys")) or keys.get("kms"))
    if certificates := as_map(entry, "certificates"):
        return _given(certificates.get("cert"))
    if isinstance(entry.get("keyless"), Mapping):
        return _keyless(as_map(entry, "keyless"))
    return UNCLEAR


def _given(text: Any) -> str:
    """Return the word for a key or certificate: what is filled in later must be read."""
    written = as_text(text)
    return UNCLEAR if not written or "{{" in written else NAMED


def _keyless(written: Mapping[str, Any], *, own_roots: bool = False) -> str:
    """Return the word for one identity of keyless signing.

    Parameters
    ----------
    written
        The map with `issuer`, `subject`, `issuerRegExp` and `subjectRegExp`.
    own_roots
        Certificates come from an authority of the site's own.
    """
    subject = _identity(as_text(written.get("subject")), as_text(written.get("subjectRegExp")))
    issuer = _identity(as_text(written.get("issuer")), as_text(written.get("issuerRegExp")))
    without_log = (
        as_map(written, "rekor").get("ignoreTlog") is True or as_map(written, "ctlog").get("ignoreSCT") is True
    )
    if subject == ANYONE:
        public = as_text(written.get("issuer")).rstrip("/") in _PUBLIC_ISSUERS or issuer == ANYONE
        narrowed = own_roots or as_text(written.get("roots")) or as_map(written, "additionalExtensions")
        return ANYONE if public and not narrowed else UNCLEAR
    return NAMED if subject == issuer == NAMED and not without_log else UNCLEAR


def _identities(keyless: Mapping[str, Any], *, own_roots: bool, careless: bool) -> str:
    """Return the word for the identities of which any may sign: `careless` is to take signatures that no log shows."""
    found = weakest(
        (_keyless(each, own_roots=own_roots) for each in as_maps(keyless.get("identities"))), otherwise=ANYONE
    )
    return UNCLEAR if (found == ANYONE and own_roots) or (found == NAMED and careless) else found


def _identity(text: str, pattern: str) -> str:
    """Return whether a name, or a pattern of names, stands for somebody, for what must be read, or for anyone.

    A pattern that goes on behind a host and an owner on it is that owner's; an expression that does not begin with `^`
    may match in the middle of a name that somebody chose, and one that does not end with `$` at its beginning. Of a
    name and a pattern, either may be the one that counts.
    """
    if not text and not pattern:
        return ANYONE
    if text and pattern:
        return weakest([_identity(text, ""), _identity("", pattern)])
    if text:
        if _EVERYTHING.fullmatch(text):
            return ANYONE
        if "{{" in text:
            return UNCLEAR
        return NAMED if not set("*?") & set(text) or _OWNED.match(re.split(r"[*?]", text)[0]) else UNCLEAR
    if _EVERYTHING.fullmatch(pattern):
        return ANYONE
    if not pattern.startswith("^") or "|" in pattern:
        return UNCLEAR
    body = pattern.removeprefix("^")
    start = _META.search(body)
    literal = body[: start.start()] if start else body
    if start and start[0] in "*?{":
        literal = literal[:-1]  # what may be left out says nothing
    literal = literal.replace("\\", "")
    whole = start is not None and body[start.start() :] == "$"  # without it a name may go on
    return NAMED if whole or _OWNED.match(literal) else UNCLEAR


def _authority(authority: Mapping[str, Any]) -> str:
    """Return the word for one authority of a ClusterImagePolicy of policy-controller."""
    if static := as_map(authority, "static"):
        return NAMED if static.get("action") == "fail" else NOBODY
    if as_maps(authority.get("attestations")):
        return UNCLEAR
    if key := as_map(authority, "key"):
        return NAMED if any(key.get(name) for name in ("data", "kms", "secretRef")) else UNCLEAR
    if not isinstance(authority.get("keyless"), Mapping):
        return UNCLEAR
    keyless = as_map(authority, "keyless")
    log = authority.get("ctlog")
    unlogged = isinstance(log, Mapping) and not (log.get("url") or log.get("trustRootRef"))
    return _identities(
        keyless,
        own_roots=bool(keyless.get("ca-cert") or keyless.get("trustRootRef")),
        careless=unlogged or keyless.get("insecureIgnoreSCT") is True,
    )


def _root_of_trust(root: Mapping[str, Any]) -> str:
    """Return the word for the root of trust of OpenShift's policies, all of which name somebody."""
    if as_text(as_map(root, "publicKey").get("keyData")):
        return NAMED
    subject = as_map(root, "fulcioCAWithRekor", "fulcioSubject")
    if as_text(subject.get("oidcIssuer")) and as_text(subject.get("signedEmail")):
        return NAMED
    return UNCLEAR


def _expressions(spec: Mapping[str, Any]) -> dict[str, str]:
    """Return whose signatures an ImageValidatingPolicy takes, for each list of containers that it verifies."""
    attestors = {as_text(each.get("name")): _verifier(each) for each in as_maps(spec.get("attestors"))}
    found: dict[str, str] = {}
    for each in as_maps(spec.get("validations")):
        form = _VERIFIED.fullmatch(re.sub(r"\s+", "", as_text(each.get("expression"))))
        if form is None:
            continue
        names = [name.removeprefix("attestors.") for name in form["attestors"].split(",")]
        word = weakest(attestors.get(name, UNCLEAR) for name in names)
        for name in re.findall(r"images\.\??(\w+)", form["lists"]):
            found[name] = strongest([word, found.get(name, NOBODY)])
    return {name: found.get(name, UNCLEAR) for name in CONTAINER_LISTS}


def _verifier(attestor: Mapping[str, Any]) -> str:
    """Return the word for one attestor of an ImageValidatingPolicy."""
    if notary := as_map(attestor, "notary"):
        return _given(as_map(notary, "certs").get("value"))
    cosign = as_map(attestor, "cosign")
    if key := as_map(cosign, "key"):
        return _given(key.get("data") or key.get("kms"))
    if certificate := as_map(cosign, "certificate"):
        return _given(as_map(certificate, "cert").get("value"))
    if not isinstance(cosign.get("keyless"), Mapping):
        return UNCLEAR
    keyless = as_map(cosign, "keyless")
    log = as_map(cosign, "ctlog")
    return _identities(
        keyless,
        own_roots=bool(as_text(keyless.get("roots")) or as_map(cosign, "tuf")),
        careless=log.get("insecureIgnoreTlog") is True or log.get("insecureIgnoreSCT") is True,
    )


def _programs(spec: Mapping[str, Any]) -> Iterable[str]:
    """Yield the programs of a ConstraintTemplate."""
    for target in as_maps(spec.get("targets")):
        yield as_text(target.get("rego"))
        for code in as_maps(target.get("code")):
            yield as_text(as_map(code, "source").get("rego"))
