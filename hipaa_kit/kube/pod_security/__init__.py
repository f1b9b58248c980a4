"""The Pod Security Standards by level and version, and the namespace labels that ask for them.

`violations` judges a pod, `pod_of` finds the pod in a workload, `namespace_policy` reads the labels.
"""

from hipaa_kit.kube.pod_security.checks import BASELINE, CHECKS, NEWEST, RESTRICTED, Check
from hipaa_kit.kube.pod_security.fields import PodSecurityError, pod_of
from hipaa_kit.kube.pod_security.policy import (
    LATEST,
    LEVELS,
    PRIVILEGED,
    UNCONFIGURED,
    LevelVersion,
    Policy,
    namespace_policy,
)
from hipaa_kit.kube.pod_security.standards import Violation, in_force, violations

__all__ = [
    "BASELINE",
    "CHECKS",
    "LATEST",
    "LEVELS",
    "NEWEST",
    "PRIVILEGED",
    "RESTRICTED",
    "UNCONFIGURED",
    "Check",
    "LevelVersion",
    "PodSecurityError",
    "Policy",
    "Violation",
    "in_force",
    "namespace_policy",
    "pod_of",
    "violations",
]
