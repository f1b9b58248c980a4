"""What was asked of a cluster and what came back: the proof that an absence is an absence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from hipaa_kit.kube.kinds import ENDPOINT_SLICE, Kind
from hipaa_kit.tables.results import COVERAGE
from hipaa_kit.vocabulary import ABSENT, CLUSTER, COMPLETE, COVERAGE_STATUSES, NOT_ASKED, UNKNOWN

KEPT_OTHERWISE: Final = {
    (ENDPOINT_SLICE.group, ENDPOINT_SLICE.kind): "a server without them keeps Endpoints, which are not read"
}
"""Kinds whose facts every server keeps, old ones in another kind: that these are not served proves no absence.

Source: https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/, served since Kubernetes 1.17
"""


@dataclass(frozen=True)
class Answer:
    """What came back for one kind in one namespace (`""` for the whole cluster)."""

    group: str
    kind: str
    namespace: str
    status: str
    error: str = ""
    resource: str = ""

    @property
    def complete(self) -> bool:
        """Tell whether an absence may be concluded from it."""
        return self.status in COMPLETE

    def line(self) -> str:
        """Return the answer as words for a reason."""
        what = self.resource or self.kind
        where = f" in namespace {self.namespace}" if self.namespace else ""
        said = f": {self.error}" if self.error else ""
        return f"{what}{where} {self.status.replace('_', ' ')}{said}"


class Coverage:
    """The table `coverage` and the questions that are asked of it.

    For a kind that lives in namespaces, a row with namespace `""` stands for one list over all of
    them; a row of a namespace's own overrules it there.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = COVERAGE.check(frame)
        self._rows: dict[tuple[str, str], dict[str, Answer]] = defaultdict(dict)
        columns = ["group", "kind", "namespace", "status", "error", "resource"]
        for group, kind, namespace, status, error, resource in frame[columns].itertuples(index=False):
            if status == ABSENT and (group, kind) in KEPT_OTHERWISE:
                status, error = UNKNOWN, KEPT_OTHERWISE[group, kind]
            answer = Answer(group, kind, namespace, status, error, resource)
            self._rows[group, kind][namespace] = answer

    @classmethod
    def of(cls, rows: Iterable[dict[str, Any]]) -> Coverage:
        """Make coverage from rows of table `coverage`."""
        return cls(COVERAGE.frame(rows))

    def to_csv(self) -> str:
        """Return the canonical form of the table."""
        return COVERAGE.to_csv(self.frame)

    def answer(self, kind: Kind, namespace: str = CLUSTER) -> Answer:
        """Return what came back for a kind in one namespace, or in the whole cluster.

        Parameters
        ----------
        kind
            Kind of object.
        namespace
            Namespace asked about. `""` asks about the whole cluster: the answer is then the worst
            over all namespaces.
        """
        rows = self._rows.get((kind.group, kind.kind), {})
        nothing = Answer(kind.group, kind.kind, namespace, NOT_ASKED, "", kind.resource)
        if not kind.namespaced or namespace:
            return rows.get(namespace) or rows.get(CLUSTER) or nothing
        if CLUSTER not in rows and rows:
            # Only single namespaces were asked: the rest of the cluster is unknown.
            return max([nothing, *rows.values()], key=lambda a: COVERAGE_STATUSES.index(a.status))
        return max(rows.values(), key=lambda a: COVERAGE_STATUSES.index(a.status), default=nothing)

    def gaps(self, kind: Kind) -> list[Answer]:
        """Return the answers, one per namespace or for the cluster, that leave the kind incomplete."""
        rows = self._rows.get((kind.group, kind.kind), {})
        gaps = [answer for _, answer in sorted(rows.items()) if not answer.complete]
        if CLUSTER not in rows:
            gaps.insert(0, Answer(kind.group, kind.kind, CLUSTER, NOT_ASKED, "", kind.resource))
        return gaps

    def with_answer(self, kind: Kind, namespace: str, *, status: str, error: str) -> Coverage:
        """Return coverage in which one kind, in one namespace or everywhere, was answered otherwise."""
        same = (self.frame["group"] == kind.group) & (self.frame["kind"] == kind.kind)
        replaced = same & ((self.frame["namespace"] == namespace) if namespace else True)
        row = {
            "group": kind.group,
            "kind": kind.kind,
            "resource": kind.resource,
            "namespaced": kind.namespaced,
            "namespace": namespace,
            "status": status,
            "count": 0,
            "error": error,
        }
        frame = pd.concat([self.frame[~replaced], COVERAGE.frame([row])], ignore_index=True)
        return Coverage(COVERAGE.conform(frame))
