"""The fields of a pod that Pod Security reads, with the path of each.

What has a shape that the API refuses raises: a pod that cannot be read is never one that is let in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hipaa_kit.errors import InputError
from hipaa_kit.kube.kinds import canonical_group, group_of

CONTAINER_LISTS = ("initContainers", "containers", "ephemeralContainers")

TEMPLATES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("", "Pod"): (),
    ("", "PodTemplate"): ("template",),
    ("", "ReplicationController"): ("spec", "template"),
    ("apps", "DaemonSet"): ("spec", "template"),
    ("apps", "Deployment"): ("spec", "template"),
    ("apps", "ReplicaSet"): ("spec", "template"),
    ("apps", "StatefulSet"): ("spec", "template"),
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template"),
    ("batch", "Job"): ("spec", "template"),
}
"""Kinds that hold a pod, and where. Source: `DefaultPodSpecExtractor` of `k8s.io/pod-security-admission/admission`."""


class PodSecurityError(InputError):
    """A pod, level or version is not one that the API would accept."""


@dataclass(frozen=True, slots=True)
class Node:
    """A mapping somewhere in a pod, and its path; one that is not there has no content."""

    content: Mapping[str, Any]
    path: str = ""

    def at(self, field: str) -> str:
        """Return the path of a field."""
        return f"{self.path}.{field}" if self.path else field

    def has(self, field: str) -> bool:
        """Tell whether a field is there and not null."""
        return self.content.get(field) is not None

    def given(self, field: str) -> bool:
        """Tell whether a mapping is there, be it an empty one."""
        return _expect(self.content.get(field), Mapping, "a mapping", self.at(field)) is not None

    def child(self, field: str) -> Node:
        """Return the mapping in a field; an empty one where there is none."""
        return Node(_expect(self.content.get(field), Mapping, "a mapping", self.at(field)) or {}, self.at(field))

    def down(self, *fields: str) -> Node:
        """Return the mapping below several fields."""
        node = self
        for field in fields:
            node = node.child(field)
        return node

    def children(self, field: str) -> Iterator[Node]:
        """Yield the mappings of a list."""
        for position, value in enumerate(_expect(self.content.get(field), list, "a list", self.at(field)) or []):
            path = f"{self.at(field)}[{position}]"
            yield Node(_expect(value, Mapping, "a mapping", path) or {}, path)

    def text(self, field: str) -> str:
        """Return a text; `""` where there is none."""
        return _expect(self.content.get(field), str, "a text", self.at(field)) or ""

    def texts(self, field: str) -> list[str]:
        """Return a list of texts."""
        values = _expect(self.content.get(field), list, "a list", self.at(field)) or []
        return [_expect(value, str, "a text", self.at(field)) or "" for value in values]

    def flag(self, field: str) -> bool | None:
        """Return a boolean; None where there is none."""
        value: bool | None = _expect(self.content.get(field), bool, "true or false", self.at(field))
        return value

    def number(self, field: str) -> int | None:
        """Return a whole number; None where there is none."""
        value = self.content.get(field)
        if isinstance(value, bool):
            raise PodSecurityError("is not a whole number", self.at(field))
        found: int | None = _expect(value, int, "a whole number", self.at(field))
        return found


def _expect(value: Any, shape: type, words: str, path: str) -> Any:
    if value is not None and not isinstance(value, shape):
        raise PodSecurityError(f"is not {words}", path)
    return value


class Pod:
    """A pod, or a pod template, as the checks read it; paths start at `metadata` or `spec`.

    Parameters
    ----------
    content
        Mapping with `metadata` and `spec`.
    """

    def __init__(self, content: Mapping[str, Any]) -> None:
        whole = Node(content)
        self.spec = whole.child("spec")
        self.annotations = whole.child("metadata").child("annotations")
        self.security = self.spec.child("securityContext")
        self.containers = [each for field in CONTAINER_LISTS for each in self.spec.children(field)]
        self.volumes = list(self.spec.children("volumes"))

    def contexts(self) -> Iterator[Node]:
        """Yield the pod's security context, then those of its containers."""
        yield self.security
        yield from self.container_contexts()

    def container_contexts(self) -> Iterator[Node]:
        """Yield the security context of each container; an empty one where it has none."""
        for container in self.containers:
            yield container.child("securityContext")

    def ports(self) -> Iterator[tuple[Node, int]]:
        """Yield every port of a container with its port on the host, 0 for none.

        On the host's network the API gives each port of a pod's containers the same number there.
        Source: `defaultHostNetworkPorts` of `k8s.io/kubernetes/pkg/apis/core/v1`.
        """
        host_network = self.spec.flag("hostNetwork") is True
        for container in self.containers:
            same = host_network and "ephemeralContainers" not in container.path
            for port in container.children("ports"):
                yield port, port.number("hostPort") or (same and port.number("containerPort")) or 0

    @property
    def windows(self) -> bool:
        """Whether it says that it runs on Windows."""
        return self.spec.child("os").text("name") == "windows"

    @property
    def user_namespace(self) -> bool:
        """Whether it asks for a user namespace of its own: root inside is then no one outside."""
        return self.spec.flag("hostUsers") is False


def pod_of(content: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]] | None:
    """Return the pod, or pod template, that an object holds.

    Parameters
    ----------
    content
        The object, with `apiVersion` and `kind`.

    Returns
    -------
    tuple or None
        Its path in the object (`""` for a Pod, `spec.template` for a Deployment) and the mapping with its
        `metadata` and `spec`. None for a kind that holds no pod, and where the template is left out.
        Custom resources that make pods are not known to the admission of Kubernetes either.
    """
    whole = Node(content)
    fields = TEMPLATES.get(canonical_group(group_of(whole.text("apiVersion")), whole.text("kind")))
    if fields is None:
        return None
    node = whole.down(*fields)
    return (node.path, node.content) if node.content else None
