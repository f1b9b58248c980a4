"""Which pods a selector selects, for many selectors and many pods at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from hipaa_kit.inventory.fields import text
from hipaa_kit.inventory.pods import PodView
from hipaa_kit.inventory.workloads import ENDED
from hipaa_kit.kube.selectors import Selector


class PodIndex:
    """Pods that have not ended, by namespace and label, so that a selector looks at few of them."""

    def __init__(self, views: Iterator[PodView]) -> None:
        self._by_label: dict[tuple[str, str, str], list[PodView]] = defaultdict(list)
        self._by_namespace: dict[str, list[PodView]] = defaultdict(list)
        for pod in views:
            if text(pod.content, "status", "phase") in ENDED:
                continue
            self._by_namespace[pod.namespace].append(pod)
            for key, value in pod.labels.items():
                self._by_label[pod.namespace, key, value].append(pod)

    def namespaces(self) -> list[str]:
        """Return the namespaces that have pods, sorted."""
        return sorted(self._by_namespace)

    def selected(self, namespace: str, selector: Selector) -> list[PodView]:
        """Return the pods of a namespace that a selector selects."""
        required = selector.required()
        near = self._by_label.get((namespace, *required), []) if required else self._by_namespace.get(namespace, [])
        return [pod for pod in near if selector.matches(pod.labels)]
