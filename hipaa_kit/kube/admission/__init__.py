"""Admission engines: what their policies ask of the pods of a namespace, and whether they refuse what falls short."""

from hipaa_kit.kube.admission.gatekeeper import constraint_part, exempt_by_config
from hipaa_kit.kube.admission.kyverno import Exceptions, cluster_policy_parts, read_exceptions, validating_policy_parts
from hipaa_kit.kube.admission.parts import ACTIONS, AUDIT, DENY, NOTHING, REACHES, WARN, Part, Place
from hipaa_kit.kube.admission.validating import binding_parts
from hipaa_kit.kube.admission.webhooks import Hook, hooks_of, way_to

__all__ = [
    "ACTIONS",
    "AUDIT",
    "DENY",
    "NOTHING",
    "REACHES",
    "WARN",
    "Exceptions",
    "Hook",
    "Part",
    "Place",
    "binding_parts",
    "cluster_policy_parts",
    "constraint_part",
    "exempt_by_config",
    "hooks_of",
    "read_exceptions",
    "validating_policy_parts",
    "way_to",
]
