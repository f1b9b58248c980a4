"""Whether a pod meets a level of the Pod Security Standards, and what is wrong where it does not.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/ and `EvaluatePod` of
`k8s.io/pod-security-admission/policy`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hipaa_kit.kube.pod_security.checks import BASELINE, CHECKS, NEWEST, RESTRICTED, Check, Judge
from hipaa_kit.kube.pod_security.fields import Pod, PodSecurityError
from hipaa_kit.kube.pod_security.policy import LATEST, LEVELS, minor_of


@dataclass(frozen=True, slots=True)
class Violation:
    """A control that a pod does not meet.

    Attributes
    ----------
    check
        Id of the control, as Kubernetes names it.
    level
        The level it belongs to; `restricted` asks for all of `baseline` too.
    reason
        What is wrong, field by field, without values that are not words of Kubernetes or the kernel.
    paths
        The fields, each once, from `metadata` or `spec` on; also of those that are missing.
    """

    check: str
    level: str
    reason: str
    paths: tuple[str, ...]


def violations(
    pod: Mapping[str, Any], level: str, version: str = LATEST, *, server_minor: int | None = None
) -> tuple[Violation, ...]:
    """Return the controls of a level that a pod does not meet; empty where it meets all.

    Parameters
    ----------
    pod
        Mapping with `metadata` and `spec`: a Pod, or a pod template (see `pod_of`), judged as the pod it makes.
    level
        `privileged`, `baseline` or `restricted`.
    version
        Version of the standard: `latest` or `v1.N`.
    server_minor
        N of the API server's version 1.N, where known: it takes `latest`, and every version after its
        own, for its own. Without it, `latest` is the last version that this module knows.

    Returns
    -------
    tuple of Violation
        One per control, those of `baseline` first.

    Raises
    ------
    PodSecurityError
        The pod, level or version has a shape that the API refuses.

    Notes
    -----
    A version is judged as Kubernetes 1.37 judges it, which differs from older servers in two ways. At `restricted`
    those before 1.33 refuse `image` volumes in every version. Those from 1.30 to 1.34 let pods with
    `hostUsers: false` be root in every version, if a gate was turned on that was off by default.
    """
    return tuple(_judged(Pod(pod), in_force(level, version, server_minor=server_minor)))


def in_force(level: str, version: str = LATEST, *, server_minor: int | None = None) -> dict[Check, Judge]:
    """Return the controls that a level asks for in a version, and how each judges.

    Parameters and errors are those of `violations`. From the version on in which `restricted` has a control of
    its own on a matter, it stands in the place of the one of `baseline`.
    """
    if level not in LEVELS:
        raise PodSecurityError("is not a level of the Pod Security Standards", do=f"give one of {', '.join(LEVELS)}")
    asked = minor_of(version)
    newest = NEWEST if server_minor is None else min(NEWEST, server_minor)
    minor = newest if asked is None else min(asked, newest)
    levels = {BASELINE: {BASELINE}, RESTRICTED: {BASELINE, RESTRICTED}}.get(level, set())
    found = {check: judge for check in CHECKS if check.level in levels and (judge := check.judge(minor))}
    replaced = {check.instead_of for check in found}
    return {check: judge for check, judge in found.items() if check.id not in replaced}


def _judged(pod: Pod, checks: Mapping[Check, Judge]) -> Iterator[Violation]:
    for check, judge in checks.items():
        found = dict.fromkeys(judge(pod))
        if found:
            reason = "; ".join(f"{each.path} {each.words}" for each in found)
            yield Violation(check.id, check.level, reason, tuple(dict.fromkeys(each.path for each in found)))
