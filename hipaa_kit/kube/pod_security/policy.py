"""Levels, versions and the labels of a namespace that say which of them is enforced.

Source: https://kubernetes.io/docs/concepts/security/pod-security-admission/ and `PolicyToEvaluate` of
`k8s.io/pod-security-admission/api`.

What the labels say is not all: the configuration of the API server's PodSecurity plugin sets what holds where
there is no label, and exempts user names, runtime classes and namespaces. No object of the cluster shows it; give
the defaults where they are known, and read every answer as "unless exempt". Static pods run whatever the API
server answers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from hipaa_kit.kube.pod_security.checks import BASELINE, RESTRICTED
from hipaa_kit.kube.pod_security.fields import PodSecurityError

PRIVILEGED: Final = "privileged"
LEVELS: Final = (PRIVILEGED, BASELINE, RESTRICTED)
"""From the most open to the strictest."""
LATEST: Final = "latest"
PREFIX: Final = "pod-security.kubernetes.io/"

_VERSION = re.compile(r"v1\.(0|[1-9][0-9]*)")


class LevelVersion(NamedTuple):
    """A level of the standards and the version it is taken from: `latest` or `v1.N`."""

    level: str
    version: str = LATEST


@dataclass(frozen=True, slots=True)
class Policy:
    """What a namespace asks of its pods.

    Attributes
    ----------
    enforce
        Pods that do not meet it are refused. Workloads whose templates do not are let in; their pods are refused.
    audit, warn
        Pods and templates that do not meet it are noted in the audit log, or in the answer to the client.
    errors
        Labels whose values mean nothing, in order. For them the API server enforces `restricted`, and neither
        audits nor warns; for a version it takes the latest.
    """

    enforce: LevelVersion
    audit: LevelVersion
    warn: LevelVersion
    errors: tuple[str, ...] = ()


_NOTHING: Final = LevelVersion(PRIVILEGED)
UNCONFIGURED: Final = Policy(enforce=_NOTHING, audit=_NOTHING, warn=_NOTHING)
"""What an API server asks of namespaces without labels, unless it is configured to ask for more."""


def minor_of(version: str) -> int | None:
    """Return N of a version `v1.N`; None for `latest`.

    Raises
    ------
    PodSecurityError
        It is neither.
    """
    if version == LATEST:
        return None
    found = _VERSION.fullmatch(version)
    # More digits than this are no version of anything, and Go does not read them.
    if found is None or len(found[1]) > 18:
        raise PodSecurityError("is not a version of the Pod Security Standards", do="give latest or v1.N")
    return int(found[1])


def namespace_policy(labels: Mapping[str, str], defaults: Policy = UNCONFIGURED) -> Policy:
    """Return what the labels of a namespace ask of its pods.

    Parameters
    ----------
    labels
        Labels of the Namespace.
    defaults
        What holds where a label is missing.

    Notes
    -----
    Where only `enforce` is given and stricter than the default of `warn`, clients are warned by it too.
    """
    errors: list[str] = []
    enforce = _mode(labels, "enforce", defaults.enforce, RESTRICTED, errors)
    audit = _mode(labels, "audit", defaults.audit, PRIVILEGED, errors)
    warn = _mode(labels, "warn", defaults.warn, PRIVILEGED, errors)
    enforced = labels.get(PREFIX + "enforce") in LEVELS
    stricter = LEVELS.index(enforce.level) > LEVELS.index(warn.level)
    if PREFIX + "warn" not in labels and enforced and stricter:
        own_version = PREFIX + "warn-version" in labels
        warn = LevelVersion(enforce.level, warn.version if own_version else enforce.version)
    return Policy(enforce, audit, warn, tuple(errors))


def _mode(labels: Mapping[str, str], mode: str, default: LevelVersion, instead: str, errors: list[str]) -> LevelVersion:
    level = labels.get(PREFIX + mode, default.level)
    if level not in LEVELS:
        errors.append(PREFIX + mode)
        level = instead
    version = labels.get(PREFIX + mode + "-version", default.version)
    try:
        minor_of(version)
    except PodSecurityError:
        errors.append(f"{PREFIX}{mode}-version")
        version = LATEST
    return LevelVersion(level, version)
