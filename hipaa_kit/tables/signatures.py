"""Signatures of images: which policies ask for them, and what they come to for the images that run."""

from hipaa_kit.kube.admission import ACTIONS, REACHES
from hipaa_kit.kube.admission.signatures import ENGINES
from hipaa_kit.kube.admission.signers import SIGNERS
from hipaa_kit.tables.declaration import Table, flag, maybe, text

WAYS = ("refuses", "ignores errors", "not sent", "unknown")
STANDINGS = ("refuses", "unclear", "open")

SIGNATURE_RULES = Table(
    "signature_rules",
    "one part of a policy that asks images for signatures, as it meets one namespace",
    ("policy", "part", "namespace", "engine"),
    (
        text("policy", "`Kind/namespace/name` of the policy, or of the webhook whose policy is not read"),
        text("part", "rule, list of containers or webhook within it, or none"),
        text("namespace", "namespace"),
        text("engine", "who verifies", ENGINES),
        text("reach", "which new pods of the namespace it looks at", REACHES),
        text("action", "what becomes of pods with an image that falls short", ACTIONS),
        text("way", "how pods of the namespace come to the engine", WAYS),
        flag("ignores_errors", "by the policy itself pods are let in where it cannot be judged"),
        text("signer", "whose signatures it takes", SIGNERS),
        text("images", "patterns of the images that it asks, joined by spaces"),
        text("skipped", "patterns of the images that it leaves out, joined by spaces"),
        text("lists", "lists of a pod's containers that it looks at, joined by spaces"),
        flag("moves", "the tag of an image may be moved between its verification and its start"),
        text("doubt", "why it may let pass more than it seems, or none"),
    ),
)

IMAGE_VERIFICATION = Table(
    "image_verification",
    "one image in one list of containers of one namespace, and one part of a policy that asks it for its signature",
    ("namespace", "list", "image", "policy", "part", "engine"),
    (
        text("namespace", "namespace"),
        text("list", "containers, initContainers or ephemeralContainers"),
        text("image", "image as pods name it"),
        text("policy", "policy of `signature_rules`"),
        text("part", "part of it"),
        text("engine", "who verifies", ENGINES),
        maybe("matched", "its patterns name the image; null where that is not known"),
        text("standing", "an unsigned image is refused, is let in, or neither is known", STANDINGS),
        text("why", "why it is not refused for certain, or none"),
    ),
)
