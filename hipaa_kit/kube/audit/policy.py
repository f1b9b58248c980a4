"""What an audit policy records of a request: the first rule that matches decides.

Source: `pkg/audit/policy/checker.go`, `pkg/apis/audit/v1/types.go`, `pkg/apis/audit/validation/validation.go`,
`pkg/endpoints/request/requestinfo.go`, `pkg/endpoints/filters/audit.go` and `authn_audit.go` of kubernetes/apiserver,
and `BasicLongRunningRequestCheck` in its `pkg/server/filters/longrunning.go`, read at v0.37.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

LEVELS: Final = ("None", "Metadata", "Request", "RequestResponse")
"""From the least that is recorded to the most."""

STAGES: Final = ("RequestReceived", "ResponseStarted", "ResponseComplete", "Panic")
STARTED: Final = frozenset(["ResponseStarted"])
COMPLETE: Final = frozenset(["ResponseComplete"])
TELLING: Final = STARTED | COMPLETE
"""Stages whose events say how a request was answered; a long-running request has both."""

LONG_VERBS: Final = frozenset(["watch", "proxy"])
LONG_SUBRESOURCES: Final = frozenset(["attach", "exec", "proxy", "log", "portforward"])
"""What makes a request a long-running one; so do paths under `/debug/pprof/`."""

EVERY_GROUP_SINCE: Final = (1, 36)
"""First version that takes `group: "*"`; an older one refuses the policy and does not start.

Source: https://github.com/kubernetes/kubernetes/pull/135262.
"""

_GROUP: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


class Request(NamedTuple):
    """A request as rules see it; one without a resource is for `path`.

    `namespace` of a request for one Namespace object is its name. `name` is none for lists, and for what is
    created: the name then stands in the body, which rules do not see.
    """

    user: str
    groups: tuple[str, ...]
    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def combined(self) -> str:
        """The resource, with its subresource where there is one."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource

    @property
    def telling(self) -> frozenset[str]:
        """The stages whose events say how it was answered.

        A request that is not long-running has no event of stage ResponseStarted. One that could not be authenticated,
        of no user, has no other.
        """
        if not self.user:
            return STARTED
        long_running = (
            self.verb in LONG_VERBS
            or (bool(self.resource) and self.subresource in LONG_SUBRESOURCES)
            or self.path.startswith("/debug/pprof/")
        )
        return TELLING if long_running else COMPLETE


class Resources(NamedTuple):
    """Resources of one API group that a rule names, and names of objects of them."""

    group: str = ""
    resources: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rule:
    """One rule; a field that is empty asks for nothing."""

    level: str
    users: tuple[str, ...] = ()
    user_groups: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    resources: tuple[Resources, ...] = ()
    paths: tuple[str, ...] = ()
    omit_stages: frozenset[str] = frozenset()

    def matches(self, request: Request) -> bool:
        """Tell whether a request meets everything that the rule asks for."""
        if self.users and request.user not in self.users:
            return False
        if self.user_groups and not set(self.user_groups).intersection(request.groups):
            return False
        if self.verbs and request.verb not in self.verbs:
            return False
        if self.namespaces or self.resources:
            return self._names(request)
        if self.paths:
            return not request.resource and any(_path_fits(each, request.path) for each in self.paths)
        return True

    def _names(self, request: Request) -> bool:
        if not request.resource or (self.namespaces and request.namespace not in self.namespaces):
            return False
        return not self.resources or any(_among(each, request) for each in self.resources)


class Recorded(NamedTuple):
    """What is recorded of a request: by which rule (from 1; 0 for none), at which level, without which stages.

    `telling` are the stages that could say how it was answered.
    """

    rule: int
    level: str
    omitted: frozenset[str]
    telling: frozenset[str] = TELLING

    @property
    def told(self) -> str:
        """The level at which the log says how the request was answered: None where it holds no telling stage."""
        return "None" if self.omitted >= self.telling else self.level


@dataclass(frozen=True)
class Policy:
    """An audit policy."""

    rules: tuple[Rule, ...]
    omit_stages: frozenset[str] = frozenset()

    def record(self, request: Request) -> Recorded:
        """Return what is recorded of a request; nothing where no rule matches."""
        for number, rule in enumerate(self.rules, 1):
            if rule.matches(request):
                return self.recorded_by(number)._replace(telling=request.telling)
        return Recorded(0, "None", self.omit_stages, request.telling)

    def recorded_by(self, number: int) -> Recorded:
        """Return what one of the rules, counted from 1, records of every request that it decides on.

        It tells of all of them where that stage is kept which each of them has.
        """
        rule = self.rules[number - 1]
        long_running = bool(rule.verbs) and LONG_VERBS.issuperset(rule.verbs)
        telling = TELLING if long_running else COMPLETE
        return Recorded(number, rule.level, self.omit_stages | rule.omit_stages, telling)

    def refused(self, version: tuple[int, int] | None = None) -> Iterator[str]:
        """Yield why an API server would refuse the policy and not start.

        Parameters
        ----------
        version
            Major and minor version of the API server; None where it is not known.
        """
        if not self.rules:
            yield "it has no rules"
        if unknown := sorted(self.omit_stages - set(STAGES)):
            yield f"there is no stage {', '.join(unknown)}"
        for number, rule in enumerate(self.rules, 1):
            for problem in _problems(rule, version):
                yield f"rule {number}: {problem}"


def at_least(level: str, other: str) -> bool:
    """Tell whether a level records all that another does."""
    return LEVELS.index(level) >= LEVELS.index(other)


def _among(named: Resources, request: Request) -> bool:
    if named.group not in ("*", request.group):
        return False
    if not named.resources:
        return True
    if named.names and request.name not in named.names:
        return False
    return any(_resource_fits(each, request) for each in named.resources)


def _resource_fits(named: str, request: Request) -> bool:
    """Tell whether an entry names the resource; `pods/*` names pods themselves too, whatever its comment says."""
    if named in ("*", request.combined):
        return True
    if request.subresource and named == f"*/{request.subresource}":
        return True
    return named == f"{request.resource}/*"


def _path_fits(named: str, path: str) -> bool:
    return named in ("*", path) or (named.endswith("*") and path.startswith(named.rstrip("*")))


def _problems(rule: Rule, version: tuple[int, int] | None) -> Iterator[str]:
    if rule.level not in LEVELS:
        yield f"there is no level {rule.level!r}"
    if unknown := sorted(rule.omit_stages - set(STAGES)):
        yield f"there is no stage {', '.join(unknown)}"
    for path in rule.paths:
        if path != "*" and (not path.startswith("/") or "*" in path[:-1]):
            yield f"{path} is no path, or has a wildcard before its end"
    if rule.paths and (rule.resources or rule.namespaces):
        yield "it names both resources and paths"
    for each in rule.resources:
        if each.group == "*" and version is not None and version < EVERY_GROUP_SINCE:
            yield 'it names the group "*", which is taken from Kubernetes 1.36 on'
        elif each.group not in ("", "*") and (len(each.group) > 253 or _GROUP.fullmatch(each.group) is None):
            yield f"{each.group} is no API group"
        if each.names and not each.resources:
            yield "it names objects without their resource"
