"""What one pod's own status tells of its end, of its being Ready, and of containers that were started again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from hipaa_kit.inventory.fields import conditions, items, mapping, number, text
from hipaa_kit.kube.facts import FIELD_MANAGERS
from hipaa_kit.sources.inputs.values import moment

EVICTED: Final = "Evicted"
"""Reason in the status of a pod that its kubelet evicted."""


NODE_GONE: Final = "NodeGone"
"""Cause, in our words, of the end of a pod that was last seen on a node which went in the same time."""

NODES_UNSEEN: Final = "NodesUnseen"
"""The same where nodes were not all seen, so that it may be so."""


class Ending(NamedTuple):
    """How a pod ended, why and when, and what tells when; `""` each where it is not known."""

    how: str = ""
    cause: str = ""
    at: str = ""
    basis: str = ""


class Restart(NamedTuple):
    """A container that was started again: how often by then, why it had ended and when."""

    container: str
    restarts: int
    cause: str
    ended_at: str


def ending(content: Mapping[str, Any]) -> Ending:
    """Return what a pod's status says of its end.

    Notes
    -----
    A pod that is to be disrupted has the condition DisruptionTarget; one that ended has phase Failed; for one
    that is being deleted, deletionTimestamp lies its grace period after the request. Of a pod that only stopped
    being Ready the moment is given, and not how it ended. A pod that completed its work has not failed.

    Source: https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions,
    https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/ and
    https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/
    """
    phase, reason = text(content, "status", "phase"), text(content, "status", "reason")
    if phase == "Succeeded":
        return Ending()
    unready = _stopped_being_ready(content)
    target = _condition(content, "DisruptionTarget", "True")
    if target:
        since = moment(text(target, "lastTransitionTime"))
        return Ending("evicted", text(target, "reason") or reason, since, "condition DisruptionTarget" if since else "")
    if phase == "Failed":
        ended = [mapping(each, "state", "terminated") for each in items(content, "status", "containerStatuses")]
        last = max(ended, key=lambda each: moment(text(each, "finishedAt")), default={})
        at = moment(text(last, "finishedAt"))
        told = (at, "end of its last container") if at else unready
        return Ending("evicted" if reason == EVICTED else "failed", reason or text(last, "reason"), *told)
    if deleted := _asked_to_go(content):
        return Ending("deleted", reason, deleted, "deletionTimestamp without the grace period")
    return Ending("", reason, *unready)


def ready_since(content: Mapping[str, Any]) -> str:
    """Return since when a pod is Ready, "" where it is not or does not say."""
    return moment(text(_condition(content, "Ready", "True"), "lastTransitionTime"))


def never_ready(content: Mapping[str, Any]) -> bool:
    """Tell whether a pod that runs or waits to run says that it is not Ready, and nothing says that it has been.

    Notes
    -----
    A pod that was not scheduled has no condition Ready yet. One that says neither is not known.
    """
    if text(content, "status", "phase") not in ("Pending", "Running") or _asked_to_go(content):
        return False
    if _condition(content, "Ready", "False"):
        return not _stopped_being_ready(content)[0]
    unknown = any(text(each, "type") == "Ready" for each in conditions(content))
    return not unknown and bool(_condition(content, "PodScheduled", "False"))


def restarted(content: Mapping[str, Any]) -> Iterator[Restart]:
    """Yield the last restart of each container, sidecars included, where the status tells of it."""
    sidecars = {
        text(each, "name")
        for each in items(content, "spec", "initContainers")
        if text(each, "restartPolicy") == "Always"
    }
    statuses = items(content, "status", "containerStatuses")
    statuses += [each for each in items(content, "status", "initContainerStatuses") if text(each, "name") in sidecars]
    for status in statuses:
        ended = mapping(status, "lastState", "terminated")
        times = number(status, "restartCount") or 0
        if times > 0 and ended:
            yield Restart(text(status, "name"), times, text(ended, "reason"), moment(text(ended, "finishedAt")))


def first_manager(facts: Mapping[str, Any]) -> str:
    """Return who wrote an object first, by its managed fields; "" where they do not tell."""
    managers = [each for each in items(facts, FIELD_MANAGERS) if not text(each, "subresource")]
    return text(min(managers, key=lambda each: moment(text(each, "time")), default={}), "manager")


def seconds_between(start: str, end: str) -> float:
    """Return the seconds from one moment to another, both as `moment` writes them."""
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def _condition(content: Mapping[str, Any], kind: str, status: str) -> Mapping[str, Any]:
    found = (each for each in conditions(content) if text(each, "type") == kind and text(each, "status") == status)
    return next(found, {})


def _stopped_being_ready(content: Mapping[str, Any]) -> tuple[str, str]:
    """Return since when a pod is not Ready any more, and what tells.

    A pod that never was Ready has this condition from its beginning, before any of its containers started.
    """
    since = moment(text(_condition(content, "Ready", "False"), "lastTransitionTime"))
    started = [
        moment(text(status, *path, "startedAt"))
        for status in items(content, "status", "containerStatuses")
        for path in (("state", "running"), ("state", "terminated"), ("lastState", "terminated"))
    ]
    known = [each for each in started if each]
    return (since, "condition Ready") if since and known and since > min(known) else ("", "")


def _asked_to_go(content: Mapping[str, Any]) -> str:
    """Return when the deletion of a pod was asked for, "" where it was not."""
    until = moment(text(content, "metadata", "deletionTimestamp"))
    if not until:
        return ""
    grace = number(content, "metadata", "deletionGracePeriodSeconds") or 0
    at = datetime.fromisoformat(until) - timedelta(seconds=min(max(grace, 0), 10**9))
    return moment(at.astimezone(UTC).isoformat())
