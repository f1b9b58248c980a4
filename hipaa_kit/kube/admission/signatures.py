"""Policies that ask images for signatures: which images, whose signatures, and what becomes of those without.

Sources: https://kyverno.io/docs/policy-types/cluster-policy/verify-images/,
https://kyverno.io/docs/policy-types/image-validating-policy/, https://docs.sigstore.dev/policy-controller/overview/,
https://docs.redhat.com/en/documentation/openshift_container_platform/latest/html/nodes/nodes-sigstore-using, and
`pkg/apis/glob` of policy-controller. Whose signatures count is read at the door (`signers`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hipaa_kit.kube.admission.kyverno import Exceptions, enforced_action, ignores_errors, policy_key, rule_reach
from hipaa_kit.kube.admission.parts import (
    AUDIT,
    DENY,
    EVERY,
    NONE,
    SOME,
    UNKNOWN,
    WARN,
    Place,
    all_of,
    any_of,
    by_match_resources,
)
from hipaa_kit.kube.admission.signers import CONTAINER_LISTS, NOBODY, POLICY, UNCLEAR
from hipaa_kit.kube.admission.validating import strictest
from hipaa_kit.kube.images import full_repository, parse_image
from hipaa_kit.kube.reading import as_map, as_maps, as_text, as_texts

KYVERNO: Final = "kyverno"
KYVERNO_IMAGES: Final = "kyverno_images"
POLICY_CONTROLLER: Final = "policy_controller"
OPENSHIFT: Final = "openshift"
RATIFY_ENGINE: Final = "ratify"
OTHER: Final = "other"
ENGINES: Final = (KYVERNO, KYVERNO_IMAGES, POLICY_CONTROLLER, OPENSHIFT, RATIFY_ENGINE, OTHER)
"""Who verifies: rules `verifyImages`, ImageValidatingPolicies, policy-controller, the nodes of OpenShift, Ratify behind
Gatekeeper, or an engine whose configuration is no object that is read."""

MUTATING: Final = "MutatingWebhookConfiguration"
VALIDATING: Final = "ValidatingWebhookConfiguration"
HOOKS: Final = {
    KYVERNO: (MUTATING, "mutate.kyverno.svc"),
    KYVERNO_IMAGES: (VALIDATING, "ivpol.validate.kyverno.svc"),
    POLICY_CONTROLLER: (VALIDATING, "policy.sigstore.dev"),
}
"""Engines, and the configuration and the start of the names of the webhooks that refuse.

Kyverno verifies where it pins the digest, when it changes the object. Policy-controller has two webhooks of one name:
the one that mutates writes digests for tags and refuses nothing for want of a signature.
Source: `cmd/webhook/main.go` of sigstore/policy-controller
"""

UNREAD: Final = re.compile(
    r"connaisseur|portieris|kubewarden|cosign|notary|notation|ratify|binauthz|image-?(?:policy|integrity|signature|verif)",
    re.IGNORECASE,
)
"""Names of webhooks that may verify signatures by a configuration that is not read."""

EVERYTHING: Final = "*"
"""Stands for every image, where a policy names none."""

_GLOB: Final = re.compile(r"[\w.*?:/@+-]+", re.ASCII)
_CONTROLLER_GLOB: Final = re.compile(r"[\w.*:/-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class SignaturePart:
    """One part of a policy that asks images for signatures, as it meets one namespace.

    Attributes
    ----------
    name
        Part within the policy; "" where the policy is one.
    reach
        Which new pods of the namespace it looks at.
    action
        What becomes of those with an image that falls short.
    signer
        Whose signatures it takes.
    images, skipped
        Patterns of the images that it asks, and of those that it leaves out.
    lists
        Lists of a pod's containers that it looks at.
    ignores_errors
        Where the engine cannot judge, the pod is let in.
    moves
        The tag of an image may be moved between its verification and its start.
    doubt
        Why it may let pass more than that; "" where nothing shows.
    """

    name: str
    reach: str
    action: str
    signer: str
    images: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    lists: tuple[str, ...] = CONTAINER_LISTS
    ignores_errors: bool = False
    moves: bool = False
    doubt: str = ""


def verify_image_parts(
    policy: Mapping[str, Any], signers: Mapping[str, str], place: Place, exceptions: Exceptions
) -> Iterator[SignaturePart]:
    """Yield what each entry of `verifyImages` of a ClusterPolicy or Policy of `kyverno.io` does in a namespace.

    Parameters
    ----------
    policy
        The policy.
    signers
        Fact `image_signers` of it.
    place
        The namespace.
    exceptions
        What is spared.

    Notes
    -----
    An entry without attestors only replaces tags by digests. `required: false` leaves out the second look, by which an
    image is refused that was never verified.
    """
    spec = as_map(policy, "spec")
    rules = as_maps(spec.get("rules"))
    checks = [as_map(rule, "validate") for rule in rules if as_map(rule, "validate")]
    checks += [entry for rule in rules for entry in as_maps(rule.get("verifyImages"))]
    action = enforced_action(spec, checks, place)
    for number, rule in enumerate(rules):
        name, reach = as_text(rule.get("name")), rule_reach(policy, rule, place)
        entries = as_maps(rule.get("verifyImages"))
        if entries and (rule.get("preconditions") or rule.get("celPreconditions")):
            reach = all_of([reach, SOME])
        for place_in_rule, entry in enumerate(entries):
            yield SignaturePart(
                name=f"{name}/{place_in_rule}" if len(entries) > 1 else name,
                reach=reach,
                action=action,
                signer=signers.get(f"{number}/{place_in_rule}", UNCLEAR),
                images=_written(entry.get("imageReferences"), entry.get("image")),
                skipped=_written(entry.get("skipImageReferences")),
                ignores_errors=ignores_errors(spec),
                moves=entry.get("mutateDigest") is False and entry.get("verifyDigest") is False,
                doubt=_doubt(policy, spared=exceptions.spares(policy_key(as_map(policy, "metadata")), name, place))
                or ("it does not require that images were verified" if entry.get("required") is False else ""),
            )


def image_validating_parts(
    policy: Mapping[str, Any], signers: Mapping[str, str], place: Place, exceptions: Exceptions
) -> Iterator[SignaturePart]:
    """Yield what an ImageValidatingPolicy does in a namespace, for each list of containers.

    Parameters
    ----------
    policy
        An ImageValidatingPolicy, or a NamespacedImageValidatingPolicy.
    signers
        Fact `image_signers` of it.
    place
        The namespace.
    exceptions
        What is spared.

    Notes
    -----
    Images that it does not name are left out, and so are lists of containers that none of its expressions verifies.
    """
    spec, metadata = as_map(policy, "spec"), as_map(policy, "metadata")
    own, name = as_text(metadata.get("namespace")), as_text(metadata.get("name"))
    constraints = as_map(spec, "matchConstraints")
    reach = by_match_resources(constraints, place) if constraints else UNKNOWN
    if own not in ("", place.name):
        reach = NONE
    evaluation, settings = as_map(spec, "evaluation"), as_map(spec, "validationConfigurations")
    elsewhere = as_text(evaluation.get("mode")) not in ("", "Kubernetes")
    if as_map(evaluation, "admission").get("enabled") is False or elsewhere:
        reach = NONE
    if as_maps(spec.get("matchConditions")):
        reach = all_of([reach, SOME])
    references = as_maps(spec.get("matchImageReferences"))
    doubt = _doubt(policy, spared=exceptions.spares(name, "", place))
    if not references or not all(as_text(each.get("glob")) for each in references):
        doubt = doubt or "which images it asks must be read"
    for each in CONTAINER_LISTS:
        yield SignaturePart(
            name=each,
            reach=reach,
            action=strictest(as_texts(spec.get("validationActions")) or ["Deny"]),
            signer=signers.get(each, UNCLEAR),
            images=tuple(as_text(reference.get("glob"), EVERYTHING) for reference in references) or (EVERYTHING,),
            lists=(each,),
            ignores_errors=as_text(spec.get("failurePolicy"), "Fail") == "Ignore",
            moves=settings.get("mutateDigest") is False and settings.get("verifyDigest") is False,
            doubt=doubt or ("" if signers.get(each, UNCLEAR) != UNCLEAR else "its expressions must be read"),
        )


def image_policy_part(policy: Mapping[str, Any], signers: Mapping[str, str]) -> SignaturePart:
    """Return what a ClusterImagePolicy of `policy.sigstore.dev` does in a namespace whose pods reach its webhook.

    Notes
    -----
    Of several policies for one image each must be met, of the authorities of one policy any. Without a mode it
    refuses.
    """
    spec = as_map(policy, "spec")
    selected = as_maps(spec.get("match"))
    return SignaturePart(
        name="",
        reach=any_of(map(_matched, selected)) if selected else EVERY,
        action={"warn": WARN, "enforce": DENY}.get(as_text(spec.get("mode"), "enforce") or "enforce", AUDIT),
        signer=signers.get(POLICY, UNCLEAR),
        images=tuple(as_text(each.get("glob")) for each in as_maps(spec.get("images"))),
        doubt=_doubt(policy),
    )


def scoped_policy_part(policy: Mapping[str, Any], signers: Mapping[str, str], place: Place) -> SignaturePart:
    """Return what a ClusterImagePolicy or ImagePolicy of `config.openshift.io` does in a namespace.

    Notes
    -----
    Nodes verify, when they pull. Whether each of them has taken the policy up is not among its objects; a policy of a
    namespace does nothing for a scope within one that a policy of the cluster has.
    """
    own = as_text(as_map(policy, "metadata").get("namespace"))
    return SignaturePart(
        name="",
        reach=EVERY if own in ("", place.name) else NONE,
        action=DENY,
        signer=signers.get(POLICY, UNCLEAR),
        images=tuple(as_texts(as_map(policy, "spec").get("scopes"))),
        doubt="whether every node has taken it up is not visible here",
    )


def matches(engine: str, part_images: Iterable[str], skipped: Iterable[str], image: str) -> bool | None:
    """Tell whether a part asks an image for its signature; None where that depends on what is not known.

    Parameters
    ----------
    engine
        One of `ENGINES`.
    part_images, skipped
        Patterns as the policy has them.
    image
        Image as a pod names it.
    """
    asked = _any(_matcher(engine)(pattern, image) for pattern in part_images)
    left_out = _any(_matcher(engine)(pattern, image) for pattern in skipped)
    if asked is False or left_out is True:
        return False
    return None if None in (asked, left_out) else True


def _any(answers: Iterable[bool | None]) -> bool | None:
    found = set(answers)
    return True if True in found else None if None in found else False


def _matcher(engine: str) -> Callable[[str, str], bool | None]:
    return {POLICY_CONTROLLER: _controller_glob, OPENSHIFT: _scope}.get(engine, _wildcard)


def _wildcard(pattern: str, image: str) -> bool | None:
    """Match a pattern of Kyverno's against an image with its registry; `*` stands for any text, also with slashes.

    An image that is named by tag and digest is matched by one of the two only, which differs by version.
    """
    if pattern == EVERYTHING:
        return True
    if _GLOB.fullmatch(pattern) is None:
        return None
    # An image of Docker Hub itself has no `library/` here, unless it was written.
    forms = [form if "library/" in image else form.replace("/library/", "/", 1) for form in _forms(image)]
    answers = {_fullmatch(pattern, form, star=".*") for form in forms}
    found = answers.pop() if len(answers) == 1 else None
    return None if found is False and "?" in pattern else found


def _controller_glob(pattern: str, image: str) -> bool | None:
    """Match a glob of policy-controller's; `**` crosses slashes, `*` does not.

    Tags become digests before images are verified, and a glob is also held against the image as it was written: only
    what matches in every form is asked for certain.
    """
    if _CONTROLLER_GLOB.fullmatch(pattern) is None:
        return None
    glob = {"*/*": "index.docker.io/*/*", "*": "index.docker.io/library/*"}.get(pattern, pattern)
    images = [image] if "@" in image else [image, f"{parse_image(image).repository}@sha256:{'0' * 64}"]
    answers = set()
    for each in images:
        forms = [f"index.{form}" if form.startswith("docker.io/") else form for form in _forms(each)]
        answers |= {any(_fullmatch(glob, text, star="[^/]*") for text in (form, each)) for form in forms}
    return answers.pop() if len(answers) == 1 else None


def _fullmatch(pattern: str, text: str, *, star: str) -> bool:
    steps = re.split(r"(\*+|\?)", pattern)
    word = {"?": ".", "*": star}
    written = "".join(word.get(step, ".*") if step[:1] in ("*", "?") else re.escape(step) for step in steps if step)
    return re.fullmatch(written, text) is not None


def _forms(image: str) -> Iterator[str]:
    """Yield an image in full: with its tag, and with its digest where it has one."""
    repository, tag, digest = parse_image(image)
    full = full_repository(repository)
    if tag or not digest:
        yield f"{full}:{tag or 'latest'}"
    if digest:
        yield f"{full}@{digest}"


def _scope(scope: str, image: str) -> bool:
    """Tell whether an image lies in a scope: a registry, a part of one, an image, or all hosts of a domain.

    Source: https://github.com/containers/image/blob/main/docs/containers-policy.json.5.md#docker
    """
    forms = list(_forms(image))
    if scope.startswith("*."):
        return forms[0].partition("/")[0].partition(":")[0].endswith(scope[1:])
    return scope in forms or any(form.startswith((f"{scope}/", f"{scope}:", f"{scope}@")) for form in forms)


def _matched(match: Mapping[str, Any]) -> str:
    """Return how far one entry of `match` of a ClusterImagePolicy reaches over pods that are made."""
    if as_text(match.get("resource")) not in ("", "pods") or as_text(match.get("group")):
        return NONE
    return SOME if as_map(match, "selector") else EVERY


def _written(*values: Any) -> tuple[str, ...]:
    """Return the patterns of images, of a list or a text."""
    return tuple(each for value in values for each in ([value] if isinstance(value, str) else as_texts(value)) if each)


def _doubt(policy: Mapping[str, Any], *, spared: bool = False) -> str:
    status = as_map(policy, "status")
    told = [*as_maps(status.get("conditions")), *as_maps(as_map(status, "conditionStatus").get("conditions"))]
    if any(each.get("type") == "Ready" and each.get("status") == "False" for each in told):
        return "by its own status it is not ready"
    return "a PolicyException may let pods past it" if spared else ""


def standing(part: SignaturePart, way: str, matched: bool | None, *, pinned: bool) -> tuple[str, str]:
    """Return what a part comes to for one image that it asks: `refuses`, `unclear` or `open`, and why.

    Parameters
    ----------
    part
        The part.
    way
        How pods come to the engine: `refuses`, `ignores errors`, `not sent` or `unknown`.
    matched
        What `matches` says of the image.
    pinned
        The image is named by digest.
    """
    proved = [
        (part.action in (WARN, AUDIT), f"it lets unsigned images in (action: {part.action})"),
        (part.signer == NOBODY, "it asks for no signature"),
        (part.signer == "anyone", "it takes the signature of anyone"),
        (way == "not sent", "pods of the namespace are not sent to it"),
        (part.ignores_errors or way == "ignores errors", "it lets images in where it cannot judge them"),
    ]
    for holds, why in proved:
        if holds:
            return "open", why
    asked = [
        (matched is None, "whether it asks this image depends on how the engine writes it"),
        (bool(part.doubt), part.doubt),
        (part.signer == UNCLEAR, "whose signatures it takes must be read"),
        (part.reach != EVERY, "it looks at some pods of the namespace only"),
        (way != "refuses", "whether pods of the namespace are sent to it is not known"),
        (part.action != DENY, "what it does with unsigned images is not known"),
        (part.moves and not pinned, "the tag may be moved between verification and start"),
    ]
    for holds, why in asked:
        if holds:
            return "unclear", why
    return "refuses", ""
