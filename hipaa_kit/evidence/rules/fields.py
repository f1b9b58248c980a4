"""Fields of an audit event as other engines find them in its JSON, and what of a detection they cannot say."""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from hipaa_kit.errors import KitError
from hipaa_kit.kube.audit.conditions import AllOf, AnyOf, Condition, Known, Listed, Not, Truth, normal
from hipaa_kit.kube.audit.detections import Detection

PATHS: Final = {
    "user": ("user", "username"),
    "user_groups": ("user", "groups"),
    "impersonated_user": ("impersonatedUser", "username"),
    "user_agent": ("userAgent",),
    "verb": ("verb",),
    "stage": ("stage",),
    "api_group": ("objectRef", "apiGroup"),
    "resource": ("objectRef", "resource"),
    "subresource": ("objectRef", "subresource"),
    "namespace": ("objectRef", "namespace"),
    "name": ("objectRef", "name"),
    "path": ("requestURI",),
    "code": ("responseStatus", "code"),
    "decision": ("annotations", "authorization.k8s.io/decision"),
    "decision_reason": ("annotations", "authorization.k8s.io/reason"),
    "exempt": ("annotations", "pod-security.kubernetes.io/exempt"),
    "violations": ("annotations", "pod-security.kubernetes.io/audit-violations"),
    "service_type": ("requestObject", "spec", "type"),
    "data_source": ("requestObject", "spec", "dataSource"),
    "data_source_ref": ("requestObject", "spec", "dataSourceRef"),
    "namespace_mapping": ("requestObject", "spec", "namespaceMapping"),
    "tls": ("requestObject", "spec", "tls"),
}
"""Where a field stands in `audit.k8s.io/v1`."""

COMMANDS: Final = (
    *(f"command={program}" for program in ("sh", "bash", "ash", "zsh", "curl", "wget")),
    *(f"command=%2Fbin%2F{program}" for program in ("sh", "bash", "ash", "zsh")),
    *(f"command=/bin/{program}" for program in ("sh", "bash", "ash", "zsh")),
    "169.254.169.254",
    "%2Fvar%2Frun%2Fsecrets",
    "/var/run/secrets",
    "%2Fdev%2Ftcp%2F",
    "/dev/tcp/",
)
"""What stands in a request for exec as clients commonly write it: other engines do not undo every way to escape it."""

UNSAID: Final = {
    ("LOG-01", "by address"): "the address that the server saw is the last of a list, which these rules cannot take",
    ("LOG-07", ""): "it rests on the access matrix, or on what was seen before",
    ("LOG-12", ""): "it compares the user with the service account that the token is for",
    ("LOG-15", ""): "it looks into lists of containers and volumes",
    ("LOG-17", "hours"): "it rests on the site's calendar",
    ("LOG-17", "address"): "it rests on what was seen before",
    ("LOG-17", "agent"): "it rests on what was seen before",
    ("LOG-18", "mount"): "it looks into lists of volumes",
    ("LOG-23", "ended"): "it rests on the list of people",
    ("LOG-23", "idle"): "it rests on what was seen before",
    ("LOG-23", "first"): "it rests on what was seen before",
    ("LOG-31", ""): "it rests on what was seen before",
}
"""Parts of detections that are not written as rules, and why."""


class UnsaidError(KitError):
    """A detection cannot be said in the words of another engine."""


def said(detection: Detection) -> Condition:
    """Return what a rule asks of an event: the condition, with what only pairs of names can leave out left in.

    So are dry runs: what the server heeds of them is more than these rules can tell, and nothing may hide behind one.

    Raises
    ------
    UnsaidError
        The detection is none that other engines can say.
    """
    if why := UNSAID.get((detection.id, detection.part)):
        raise UnsaidError(why, detection.id, "run it with the kit")
    return _without_pairs(normal(detection.where))


def _without_pairs(condition: Condition) -> Condition:
    """Return a condition without exceptions that other engines cannot make, and without those of empty parts."""
    match condition:
        case AllOf(parts):
            return AllOf(tuple(_without_pairs(part) for part in parts if not _beyond_words(part)))
        case AnyOf(parts):
            return AnyOf(tuple(_without_pairs(part) for part in parts))
    return condition


def _beyond_words(condition: Condition) -> bool:
    """Tell whether a condition makes an exception that other engines cannot: by namespace and name, of dry runs."""
    match condition:
        case Not(Known(_, fields)):
            return len(fields) > 1
        case Not(Truth("dry_run")):
            return True
    return False


def possible(condition: Condition, lists: Container[str]) -> bool:
    """Tell whether a condition can hold of any event, where the lists that are not there hold nobody."""
    match condition:
        case AllOf(parts):
            return all(possible(part, lists) for part in parts)
        case AnyOf(parts):
            return any(possible(part, lists) for part in parts)
        case Known(name) | Listed(name):
            return name in lists
    return True


def contained(field: str, words: tuple[str, ...]) -> tuple[str, ...]:
    """Return words to look for in a field of the event's JSON, whose path may be escaped where ours is not."""
    return (*words, "%2e") if field == "path" else words
