"""What goes with objects that are deleted: what lay in their namespace, what they owned, what stood for them.

Sources: https://kubernetes.io/docs/concepts/architecture/garbage-collection/ (an object goes when all its owners are
gone), https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/,
https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#delete-a-customresourcedefinition,
https://kubernetes.io/docs/concepts/storage/persistent-volumes/#reclaiming and
https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#token-controller.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from hipaa_kit.inventory.fields import items, mapping, text
from hipaa_kit.inventory.token_secrets import account_of
from hipaa_kit.kube import kinds
from hipaa_kit.kube.kinds import canonical_group, group_of
from hipaa_kit.sources.overlay import with_parts
from hipaa_kit.sources.snapshot import Record, Snapshot
from hipaa_kit.vocabulary import CLUSTER

Key = tuple[str, str]


class _Name(NamedTuple):
    """An object as an owner reference of its namespace names it; the namespace of a cluster-scoped one is empty."""

    group: str
    kind: str
    namespace: str
    name: str


def without_dependants(before: Snapshot, after: Snapshot) -> Snapshot:
    """Return the later of two snapshots without what goes with the objects that it lacks.

    Parameters
    ----------
    before
        With what was deleted.
    after
        Without it.

    Notes
    -----
    As a deletion in the background does: nothing is orphaned, and finalizers hold nothing up. A claim that a pod
    still mounts goes as well, and so does its volume where the reclaim policy says so.
    """
    waiting = list(_gone(before, after))
    if not waiting:
        return after
    left = {key: {(each.namespace, each.name): each for each in part.load()} for key, part in after.parts.items()}
    lost: dict[_Name, Record] = {}
    dependants = _dependants(left)
    while waiting:
        record = waiting.pop()
        lost[_name(record)] = record
        following = (*_with(record, left), *_owned_by(record, dependants, lost))
        waiting += [each for each in following if left[each.group, each.kind].pop((each.namespace, each.name), None)]
    changed = {key: list(held.values()) for key, held in left.items() if len(held) != after.parts[key].size}
    return with_parts(after, changed)


def _gone(before: Snapshot, after: Snapshot) -> Iterator[Record]:
    for key, part in before.parts.items():
        held = after.parts.get(key)
        if held is part:
            continue
        there = {(each.namespace, each.name) for each in held.load()} if held else set()
        yield from (each for each in part.load() if (each.namespace, each.name) not in there)


def _name(record: Record) -> _Name:
    return _Name(record.group, record.kind, record.namespace, record.name)


def _owners(record: Record) -> list[tuple[_Name, str]]:
    """Return the owners of an object, each as one of its namespace, with its uid."""
    found = []
    for each in items(mapping(record.content, "metadata"), "ownerReferences"):
        group, kind = canonical_group(group_of(text(each, "apiVersion")), text(each, "kind"))
        known = kinds.find(group, kind)
        namespace = CLUSTER if known is not None and not known.namespaced else record.namespace
        found.append((_Name(group, kind, namespace, text(each, "name")), text(each, "uid")))
    return found


def _dependants(left: dict[Key, dict[tuple[str, str], Record]]) -> dict[_Name, list[Record]]:
    found: dict[_Name, list[Record]] = defaultdict(list)
    for held in left.values():
        for record in held.values():
            for owner, _ in _owners(record):
                found[owner].append(record)
    return found


def _owned_by(record: Record, dependants: dict[_Name, list[Record]], lost: dict[_Name, Record]) -> Iterable[Record]:
    """Yield the objects whose last owner has gone with this one."""
    for each in dependants.get(_name(record), ()):
        if all(name in lost and _is(lost[name], uid) for name, uid in _owners(each)):
            yield each


def _is(record: Record, uid: str) -> bool:
    """Tell whether an object is the one of a uid, where both are known."""
    own = text(record.content, "metadata", "uid")
    return not own or not uid or own == uid


def _with(record: Record, left: dict[Key, dict[tuple[str, str], Record]]) -> list[Record]:
    """Return what goes with an object without being owned by it."""
    if (record.group, record.kind) == kinds.NAMESPACE[:2]:
        return [each for held in left.values() for each in held.values() if each.namespace == record.name]
    if (record.group, record.kind) == kinds.CUSTOM_RESOURCE_DEFINITION[:2]:
        group, kind = text(record.content, "spec", "group"), text(record.content, "spec", "names", "kind")
        return list(left.get((group, kind), {}).values())
    if (record.group, record.kind) == ("", "ServiceAccount"):
        held = [each for each in left.get(("", "Secret"), {}).values() if each.namespace == record.namespace]
        return [each for each in held if account_of(each.content) == record.name]
    if (record.group, record.kind) == ("", "Service"):
        found = left.get(("", "Endpoints"), {}).get((record.namespace, record.name))
        return [found] if found else []
    if (record.group, record.kind) == ("", "PersistentVolumeClaim"):
        volume = left.get(("", "PersistentVolume"), {}).get((CLUSTER, text(record.content, "spec", "volumeName")))
        deletes = volume and text(volume.content, "spec", "persistentVolumeReclaimPolicy") == "Delete"
        return [volume] if volume and deletes else []
    return []
