"""What a pod asks of its node, as the scheduler counts it.

Source: https://kubernetes.io/docs/concepts/resource-management/effective-pod-requests-limits/,
https://kubernetes.io/docs/concepts/scheduling-eviction/pod-overhead/, KEP 2837 (resources of a pod as a whole), and
`PodRequests` of `k8s.io/component-helpers/resource`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

Read = Callable[[Any], float | None]


def asked_as_a_whole(spec: Mapping[str, Any], name: str, read: Read) -> float | None:
    """Return what a pod asks for as a whole (`spec.resources`); None where it says nothing of it.

    Parameters
    ----------
    spec
        Spec of the pod.
    name
        `cpu` or `memory`.
    read
        Gives the number that a quantity stands for, None for what is none.

    Notes
    -----
    Where only a limit is written, the API makes the request what the containers ask for, or the limit where they ask
    for nothing.
    """
    resources = _map(spec, "resources")
    asked = read(_map(resources, "requests").get(name))
    if asked is not None:
        return asked
    limit = read(_map(resources, "limits").get(name))
    if limit is None:
        return None
    every = [*_list(spec, "containers"), *_list(spec, "initContainers")]
    known = any(_map(_map(each, "resources"), "requests").get(name) is not None for each in every)
    return _of_containers(spec, name, read) if known else limit


def effective_request(spec: Mapping[str, Any], name: str, read: Read) -> float:
    """Return what a pod asks of its node: as a whole, else by its containers, and its overhead.

    Parameters
    ----------
    spec, name, read
        As of `asked_as_a_whole`.

    Notes
    -----
    Of its containers it is the more of what runs at once, and of what any init container asks for beside the sidecars
    that were started before it. A request that is not written is the limit, as the API makes it.
    """
    whole = asked_as_a_whole(spec, name, read)
    overhead = read(_map(spec, "overhead").get(name)) or 0.0
    return (_of_containers(spec, name, read) if whole is None else whole) + overhead


def _of_containers(spec: Mapping[str, Any], name: str, read: Read) -> float:
    running = sum(_request(each, name, read) for each in _list(spec, "containers"))
    beside = starting = 0.0
    for each in _list(spec, "initContainers"):
        asked = _request(each, name, read)
        if each.get("restartPolicy") == "Always":
            beside += asked
            starting = max(starting, beside)
        else:
            starting = max(starting, beside + asked)
    return max(running + beside, starting)


def _request(container: Mapping[str, Any], name: str, read: Read) -> float:
    resources = _map(container, "resources")
    asked = read(_map(resources, "requests").get(name))
    return (read(_map(resources, "limits").get(name)) if asked is None else asked) or 0.0


def _map(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = value.get(key)
    return found if isinstance(found, Mapping) else {}


def _list(value: Mapping[str, Any], key: str) -> Iterable[Mapping[str, Any]]:
    found = value.get(key)
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []
