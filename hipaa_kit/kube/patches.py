"""Patches: how the API server changes an object by one, and how a controller's change reaches what it made.

Sources: https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/ for strategic
merge patches, https://datatracker.ietf.org/doc/html/rfc7386 for those of custom resources, and
https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy for lists that are maps by a key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

MERGE_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "conditions": ("type",),
    "containers": ("name",),
    "env": ("name",),
    "ephemeralContainers": ("name",),
    "hostAliases": ("ip",),
    "imagePullSecrets": ("name",),
    "initContainers": ("name",),
    "ports": ("containerPort", "port"),
    "secrets": ("name",),
    "topologySpreadConstraints": ("topologyKey",),
    "volumeDevices": ("devicePath",),
    "volumeMounts": ("mountPath",),
    "volumes": ("name",),
    "webhooks": ("name",),
}
"""Lists of the built-in API that are merged entry by entry, and the key of an entry: the first that all have.

Source: `patchMergeKey` in the types of k8s.io/api. Every other list is replaced as a whole.
"""

DIRECTIVE: Final = "$patch"


def strategic_merge(target: Any, patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object of a built-in kind with a strategic merge patch applied; the object is not changed.

    Parameters
    ----------
    target
        The object, or a part of it; what is no map is replaced.
    patch
        What is to stand in it: null removes a field; of a list that is merged, an entry with `$patch: delete` goes.
    """
    return _merged(target, patch, by_key=True)


def json_merge(target: Any, patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with a JSON merge patch applied: null removes a field, every list is replaced."""
    return _merged(target, patch, by_key=False)


def _merged(target: Any, patch: Mapping[str, Any], *, by_key: bool) -> dict[str, Any]:
    held = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            held.pop(name, None)
        elif isinstance(value, Mapping):
            held[name] = _merged(held.get(name), value, by_key=by_key)
        elif by_key and isinstance(value, list) and (key := merge_key(name, value, held.get(name, []))):
            held[name] = _merged_lists(held.get(name, []), value, key)
        else:
            held[name] = value
    return held


def _merged_lists(target: list[Any], patch: list[Any], key: str) -> list[Any]:
    changes = {each[key]: each for each in patch}
    gone = {name for name, each in changes.items() if each.get(DIRECTIVE) == "delete"}
    found = [
        strategic_merge(each, changes[each[key]]) if each[key] in changes else each
        for each in target
        if each[key] not in gone
    ]
    there = {each[key] for each in target}
    return found + [strategic_merge({}, each) for name, each in changes.items() if name not in there | gone]


def merge_key(field: str, *lists: Any) -> str:
    """Return the key by which lists of a field are merged entry by entry; "" where they are replaced as a whole.

    A list in which an entry lacks the key, or two have the same, is replaced as well.
    """
    for key in MERGE_KEYS.get(field, ()):
        if all(_is_keyed(each, key) for each in lists):
            return key
    return ""


def _is_keyed(entries: Any, key: str) -> bool:
    if not isinstance(entries, list) or not all(isinstance(each, Mapping) for each in entries):
        return False
    keys = [each.get(key) for each in entries]
    return all(isinstance(each, str | int) for each in keys) and len(set(keys)) == len(keys)


def carried_over(before: Any, after: Any, made: Any, field: str = "") -> Any:
    """Return what was made of a template, as it is made of the changed template.

    Parameters
    ----------
    before, after
        The template, or one value of it, before and after its change; None where it is not there.
    made
        What was made of the former, with what others added to it.
    field
        Name of the field in which the values stand.

    Returns
    -------
    Any
        `made` with the changes alone: what others added, and defaults, stay. None where it is gone.
    """
    if before == after:
        return made
    if isinstance(after, Mapping) and isinstance(made, Mapping):
        fields = before if isinstance(before, Mapping) else {}
        names = dict.fromkeys([*made, *after])
        found = {name: carried_over(fields.get(name), after.get(name), made.get(name), name) for name in names}
        return {name: value for name, value in found.items() if value is not None}
    if isinstance(after, list) and isinstance(made, list):
        entries = before if isinstance(before, list) else []
        if key := merge_key(field, entries, after, made):
            return _carried_lists(entries, after, made, key)
    return after


def _carried_lists(before: list[Any], after: list[Any], made: list[Any], key: str) -> list[Any]:
    was, now = ({each[key]: each for each in entries} for entries in (before, after))
    kept = [each for each in made if each[key] in now or each[key] not in was]
    found = [carried_over(was.get(each[key]), now.get(each[key], was.get(each[key])), each) for each in kept]
    there = {each[key] for each in made}
    return found + [each for each in after if each[key] not in there]
