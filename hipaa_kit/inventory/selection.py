"""Which pods a selector selects, for many selectors and many pods at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from hipaa_kit.inventory.fields import text
from hipaa_kit.inventory.pods import PodView, pod_views
from hipaa_kit.inventory.workloads import ENDED
from hipaa_kit.kube.selectors import Selector
from hipaa_kit.sources.snapshot import Snapshot

Labels = frozenset[tuple[str, str]]


def pod_index(snapshot: Snapshot) -> PodIndex:
    """Return the index of the pods of a snapshot; it is made once."""
    found: PodIndex | None = snapshot.derived.get(__name__)
    if found is None:
        found = snapshot.derived[__name__] = PodIndex(pod_views(snapshot))
    return found


class PodIndex:
    """Pods that have not ended, by namespace and label, so that a selector looks at few of them.

    Pods of a workload mostly have the same labels: a selector is held against each set of labels once.
    """

    def __init__(self, views: Iterator[PodView]) -> None:
        self._alike: dict[tuple[str, Labels], list[PodView]] = defaultdict(list)
        for pod in views:
            if text(pod.content, "status", "phase") not in ENDED:
                self._alike[pod.namespace, frozenset(pod.labels.items())].append(pod)
        self._by_label: dict[tuple[str, str, str], list[Labels]] = defaultdict(list)
        self._by_namespace: dict[str, list[Labels]] = defaultdict(list)
        for namespace, labels in self._alike:
            self._by_namespace[namespace].append(labels)
            for key, value in labels:
                self._by_label[namespace, key, value].append(labels)

    def namespaces(self) -> list[str]:
        """Return the namespaces that have pods, sorted."""
        return sorted(self._by_namespace)

    def selected(self, namespace: str, selector: Selector) -> list[PodView]:
        """Return the pods of a namespace that a selector selects."""
        lists = [self._by_label.get((namespace, *label), []) for label in selector.required()]
        near = min(lists, key=len) if lists else self._by_namespace.get(namespace, [])
        met = (labels for labels in near if selector.matches(dict(labels)))
        return [pod for labels in met for pod in self._alike[namespace, labels]]
