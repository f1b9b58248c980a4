"""What a collection asks for: profiles, and the order in which kinds are listed."""

from __future__ import annotations

from typing import Final

from hipaa_kit.errors import InputError
from hipaa_kit.kube.kinds import Kind

PROFILES: Final = ("minimal", "audit", "audit-plus", "secrets-metadata")

MINIMAL: Final = frozenset(
    ["", "apps", "batch", "networking.k8s.io", "policy", "rbac.authorization.k8s.io", "storage.k8s.io"]
)
"""API groups of the profile `minimal`."""

VALUES: Final = {("", "Secret"): "secrets-metadata", ("", "ConfigMap"): "audit-plus", ("", "Event"): "audit-plus"}
"""Kinds that hold values or messages, and the profile that asks for them."""

FIRST: Final = ("Namespace", "Node", "Pod", "NetworkPolicy", "RoleBinding", "ClusterRoleBinding", "Role", "ClusterRole")
"""Kinds that are judged together and so are listed close together in time."""


def check_profile(profile: str) -> str:
    """Return the profile; refuse one that there is not."""
    if profile not in PROFILES:
        raise InputError(f"there is no profile {profile!r}", "", f"profiles are {', '.join(PROFILES)}")
    return profile


def why_left_out(kind: Kind, profile: str) -> str:
    """Return why a profile does not ask for a kind, and which one would; "" where it asks."""
    if kind.group == "metrics.k8s.io":
        return "measurements are not objects"
    needed = VALUES.get((kind.group, kind.kind))
    if needed and profile != needed:
        return f"--profile {needed} would ask for it"
    if profile == "minimal" and kind.group not in MINIMAL:
        return "--profile audit would ask for it"
    return ""


def listing_order(kind: Kind) -> tuple[int, str, str]:
    """Return what kinds are sorted by before they are listed."""
    return (FIRST.index(kind.kind) if kind.kind in FIRST else len(FIRST), kind.group, kind.kind)
