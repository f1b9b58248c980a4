"""Requests to the API server, before an audit policy says what is recorded of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlencode

from objects import COLLECTED_AT, KINDS, Kind, Object

UNTIL = datetime.fromisoformat(COLLECTED_AT)
SINCE = UNTIL - timedelta(days=31)

SERVED = {kind.plural: kind for kind in KINDS.values()} | {
    kind.plural: kind
    for kind in (
        Kind("", "v1", "secrets", "Secret"),
        Kind("", "v1", "configmaps", "ConfigMap"),
        Kind("authentication.k8s.io", "v1", "tokenreviews", "TokenReview"),
        Kind("authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview"),
        Kind("authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview"),
        Kind("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview"),
        Kind("authorization.k8s.io", "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview"),
        Kind("velero.io", "v1", "downloadrequests", "DownloadRequest"),
        Kind("velero.io", "v1", "deletebackuprequests", "DeleteBackupRequest"),
    )
}
"""What is asked for, by plural: what the clinic lists, and what it never lists."""


class Caller(NamedTuple):
    """Who asks: the user that the server takes it for, and where it asks from."""

    user: str
    groups: tuple[str, ...]
    address: str
    agent: str
    reason: str = ""  # by which role binding the authorizer allows it; the one for nodes says nothing
    pod: str = ""
    server: str = ""  # a component of the control plane asks the server of its own node


@dataclass(frozen=True)
class Call:
    """One request; one without a resource is for `path`."""

    at: datetime
    caller: Caller
    verb: str
    resource: str = ""  # with its subresource
    namespace: str = ""
    name: str = ""
    path: str = ""
    query: tuple[tuple[str, str], ...] = ()
    code: int = 200
    body: Object | None = None
    answer: Object | None = None
    lasts: int = 0  # seconds that it stays open: watches and what is streamed
    acts_as: tuple[str, ...] = ()  # user and groups that it acts for
    generated: bool = False  # the server makes the name
    notes: dict[str, str] = field(default_factory=dict)  # annotations of admission

    @property
    def kind(self) -> Kind:
        """What it asks for."""
        return SERVED[self.resource.partition("/")[0]]

    @property
    def subresource(self) -> str:
        """What of the object it asks for."""
        return self.resource.partition("/")[2]

    @property
    def uri(self) -> str:
        """Path and query as the client sends them."""
        path = self.path
        if self.resource:
            kind = self.kind
            steps = ["", *(("apis", kind.group) if kind.group else ("api",)), kind.version]
            steps += ["namespaces", self.namespace] if self.namespace and kind.plural != "namespaces" else []
            named = self.name if self.verb != "create" or self.subresource else ""
            steps += [step for step in (kind.plural, named, self.subresource) if step]
            path = "/".join(steps) + self.path
        query = (*self.query, *((("watch", "true"),) if self.verb == "watch" else ()))
        return f"{path}?{urlencode(query)}" if query else path


@dataclass(frozen=True)
class Act:
    """What somebody did at one time."""

    name: str
    calls: tuple[Call, ...]


@dataclass(frozen=True)
class Silence:
    """A time of which the log of one server holds nothing."""

    server: str
    since: datetime
    until: datetime


def at(text: str) -> datetime:
    """Return a moment, UTC: `2026-11-12 14:03:22`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def later(moment: datetime, seconds: float) -> datetime:
    """Return a moment some seconds later."""
    return moment + timedelta(seconds=seconds)
