"""What a fault is, and the changes of the hospital that faults are made of."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any, NamedTuple

from model import Claim, Hospital, Input, Policy, ScopeEntry, Workload, object_id
from trail.calls import Silence, at

Patch = Callable[[Hospital], None]


class Fault(NamedTuple):
    """A fault: the object at which it is found, the control that finds it, what is wrong, how it came about."""

    object: str
    control: str
    sentence: str
    patch: Patch


def change(key: str, **fields: Any) -> Patch:
    """Change fields of one declaration."""
    return lambda hospital: hospital.change(key, **fields)


def change_container(key: str, container: str, **fields: Any) -> Patch:
    """Change fields of one container, or with `*` of each."""
    return lambda hospital: hospital.change_container(key, container, **fields)


def environment(key: str, container: str, **literals: str) -> Patch:
    """Write literals into the environment of one container."""

    def patch(hospital: Hospital) -> None:
        workload = hospital.declared[key]
        assert isinstance(workload, Workload), key  # noqa: S101 - the key names a workload
        [held] = [one.env for one in workload.containers if one.name == container]
        hospital.change_container(key, container, env=held | literals)

    return patch


def drop(key: str) -> Patch:
    """Take a declaration away."""
    return lambda hospital: hospital.drop(key)


def select(key: str, text: str) -> Patch:
    """Write another text for the selector of a scope entry."""

    def patch(hospital: Hospital) -> None:
        entry = hospital.declared[key]
        assert isinstance(entry, ScopeEntry), key  # noqa: S101 - the key names a scope entry
        kind = next(iter(entry.content))
        hospital.change(key, content=entry.content | {kind: text})

    return patch


def write(key: str, *path: Any, value: Any) -> Patch:
    """Write another value at a place in a policy, a custom object or a document; `None` takes the place away."""

    def patch(hospital: Hospital) -> None:
        declared = hospital.declared[key]
        field = "spec" if isinstance(declared, Policy) else "content"
        content = deepcopy(getattr(declared, field))
        at: Any = content
        for step in path[:-1]:
            at = at[step]
        if value is None:
            del at[path[-1]]
        else:
            at[path[-1]] = value
        hospital.change(key, **{field: content})

    return patch


def silence(server: str, since: str, until: str) -> Patch:
    """Take a time out of the log of one server."""

    def patch(hospital: Hospital) -> None:
        added = Silence(server, at(since), at(until))
        hospital.declared[object_id(added)] = added

    return patch


def enter(key: str, **row: Any) -> Patch:
    """Add a row to an input that is a table; columns that are not named are empty."""

    def patch(hospital: Hospital) -> None:
        content = input_rows(hospital, key)
        hospital.change(key, content=[*content, dict.fromkeys(content[0], "") | row])

    return patch


def strike(key: str, **where: Any) -> Patch:
    """Take the rows with these values out of an input that is a table."""

    def patch(hospital: Hospital) -> None:
        content = input_rows(hospital, key)
        left = [row for row in content if any(row[column] != value for column, value in where.items())]
        hospital.change(key, content=left)

    return patch


def input_rows(hospital: Hospital, key: str) -> list[dict[str, Any]]:
    """Return the rows of an input."""
    declared = hospital.declared[key]
    assert isinstance(declared, Input), key  # noqa: S101 - the key names an input
    rows: list[dict[str, Any]] = declared.content
    return rows


def add_rule(key: str, direction: str, rule: dict[str, Any]) -> Patch:
    """Add a rule to a policy."""

    def patch(hospital: Hospital) -> None:
        policy = hospital.declared[key]
        assert isinstance(policy, Policy), key  # noqa: S101 - the key names a policy
        types = sorted({*policy.spec["policyTypes"], direction.capitalize()}, reverse=True)
        rules = [*policy.spec.get(direction, []), rule]
        hospital.change(key, spec=policy.spec | {"policyTypes": types, direction: rules})

    return patch


def together(*patches: Patch) -> Patch:
    """Apply several changes that are one fault."""

    def patch(hospital: Hospital) -> None:
        for each in patches:
            each(hospital)

    return patch


def data_on(key: str, source: dict[str, Any] | None) -> Patch:
    """Keep the data of a StatefulSet on another volume than a claim; with `None` on no volume at all."""

    def patch(hospital: Hospital) -> None:
        workload = hospital.declared[key]
        assert isinstance(workload, Workload), key  # noqa: S101 - the key names a workload
        server = workload.containers[0]
        if source is None:
            kept = {path: name for path, name in server.mounts.items() if name != "data"}
            hospital.change_container(key, server.name, mounts=kept)
            hospital.change(key, claims={})
        else:
            hospital.change(key, claims={}, volumes=workload.volumes | {"data": source})

    return patch


def unbound(key: str, storage_class: str) -> Patch:
    """Ask for a storage class that does not exist."""

    def patch(hospital: Hospital) -> None:
        claim = hospital.declared[key]
        assert isinstance(claim, Claim), key  # noqa: S101 - the key names a claim
        hospital.change(key, storage_class=storage_class, bound=False)

    return patch


def lonely_etcd(hospital: Hospital) -> None:
    """Run one etcd; the other API servers of the control plane use it over the network."""
    key = "StaticPod/kube-system/kube-apiserver"
    server = hospital.declared[key]
    assert isinstance(server, Workload), key  # noqa: S101 - the key names a workload
    flags = tuple(
        "--etcd-servers=https://10.40.0.11:2379" if flag.startswith("--etcd-servers") else flag
        for flag in server.containers[0].command
    )
    hospital.change("StaticPod/kube-system/etcd", nodes=("cp-1",))
    hospital.change_container(key, server.name, command=flags)


def unplanned(key: str, *nodes: str) -> Patch:
    """Let the scheduler put the replicas where it likes, which was here."""
    return change(key, nodes=nodes, spread=False)


def hard_limit(key: str, limit: int | str, *, available: bool = False) -> Patch:
    """Give a budget another limit."""
    if available:
        return change(key, max_unavailable=None, min_available=limit)
    return change(key, max_unavailable=limit)
