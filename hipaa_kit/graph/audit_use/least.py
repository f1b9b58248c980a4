"""The least of a subject's rights: those it used, as roles; with what cannot be told kept and said."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pandas as pd

from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.tables.declaration import rows_of

API: str = "rbac.authorization.k8s.io/v1"


def unused(right_use: pd.DataFrame, subject: str = "") -> pd.DataFrame:
    """Return the rights of table `right_use` that were never used, of one subject or of all.

    Parameters
    ----------
    right_use : table of that name
    subject
        `User//name`, `Group//name` or `ServiceAccount/namespace/name`.

    Returns
    -------
    pandas.DataFrame
        Its rows of state `unused`; those that cannot be told (`unknown`) are none of them.
    """
    chosen = right_use["state"] == "unused"
    return right_use[chosen & (right_use["object"] == subject)] if subject else right_use[chosen]


def users_of(subject: str, identity_use: pd.DataFrame, identity_groups: pd.DataFrame) -> set[str]:
    """Return the user names that a subject stands for: its own, or those that were seen in the group.

    Parameters
    ----------
    subject
        `User//name`, `Group//name` or `ServiceAccount/namespace/name`.
    identity_use, identity_groups : tables of those names
    """
    kind, _, name = parse_object_id(subject)
    if kind == "Group":
        return set(identity_groups.loc[identity_groups["group"] == name, "user"])
    return set(identity_use.loc[identity_use["object"] == subject, "user"])


def least_privilege(right_use: pd.DataFrame, identity_use: pd.DataFrame, users: set[str], subject: str) -> list[Any]:
    """Return roles and role bindings that give a subject what it used and what cannot be told, and nothing else.

    Parameters
    ----------
    right_use, identity_use : tables of those names
    users
        User names that the subject stands for, as `users_of` gives them.
    subject
        `User//name`, `Group//name` or `ServiceAccount/namespace/name`.

    Returns
    -------
    list
        Manifests. A right with `*` that was used is replaced by the requests that were made by it, in the namespaces
        where they were made; one that cannot be told stays as it was written, and the annotation
        `hipaa-kit.io/not-known` of its role says so.

    Notes
    -----
    What was not used in the time of the log may be needed once a year. Source:
    https://kubernetes.io/docs/concepts/security/rbac-good-practices/#least-privilege
    """
    rules: dict[tuple[str, bool], set[tuple[str, str, str, str, str]]] = defaultdict(set)
    made = identity_use[identity_use["user"].isin(users) & (identity_use["allowed"] > 0)]
    for row in rows_of(right_use[right_use["object"] == subject]):
        atom = (row["api_group"], row["resource"], row["verb"], row["resource_name"], row["url"])
        if row["state"] == "unknown":
            rules[row["scope"], True].add(atom)
        elif row["state"] == "used" and "*" not in atom[:3]:
            rules[row["scope"], False].add(atom)
        elif row["state"] == "used":
            for scope, used in _requests(made, row):
                rules[scope, False].add(used)
    return [each for (scope, doubt), atoms in sorted(rules.items()) for each in _role(subject, scope, doubt, atoms)]


def _requests(made: pd.DataFrame, right: dict[str, Any]) -> list[tuple[str, tuple[str, str, str, str, str]]]:
    """Return the requests that were made and that a right with `*` allows, each with its namespace."""
    found = []
    for row in rows_of(made):
        combined = f"{row['resource']}/{row['subresource']}" if row["subresource"] else row["resource"]
        fits = (
            right["verb"] in ("*", row["verb"])
            and (right["scope"] in ("", row["namespace"]))
            and (
                bool(right["url"]) == bool(row["path"])
                if row["path"]
                else right["api_group"] in ("*", row["api_group"]) and right["resource"] in ("*", combined)
            )
        )
        if fits and row["path"]:
            found.append(("", ("", "", row["verb"], "", row["path"])))
        elif fits and not right["url"]:
            found.append((row["namespace"], (row["api_group"], combined, row["verb"], "", "")))
    return found


def _role(subject: str, scope: str, doubt: bool, atoms: set[tuple[str, str, str, str, str]]) -> list[dict[str, Any]]:
    kind, namespace, name = parse_object_id(subject)
    title = "least-" + "-".join(filter(None, (kind.lower(), namespace, name, "not-known" if doubt else "")))
    title = "".join(letter if letter.isalnum() or letter in "-." else "-" for letter in title.lower())
    grouped: dict[tuple[str, str, str, str], set[str]] = defaultdict(set)
    for group, resource, verb, only, url in atoms:
        grouped[group, resource, only, url].add(verb)
    metadata: dict[str, Any] = {"name": title, **({"namespace": scope} if scope else {})}
    if doubt:
        metadata["annotations"] = {"hipaa-kit.io/not-known": "whether these rights are used cannot be told"}
    who = {"kind": kind, "name": name}
    who |= {"namespace": namespace} if kind == "ServiceAccount" else {"apiGroup": API.partition("/")[0]}
    role = "Role" if scope else "ClusterRole"
    return [
        {
            "apiVersion": API,
            "kind": role,
            "metadata": metadata,
            "rules": [_rule(key, verbs) for key, verbs in sorted(grouped.items())],
        },
        {
            "apiVersion": API,
            "kind": f"{role}Binding",
            "metadata": {key: value for key, value in metadata.items() if key != "annotations"},
            "roleRef": {"apiGroup": API.partition("/")[0], "kind": role, "name": title},
            "subjects": [who],
        },
    ]


def _rule(key: tuple[str, str, str, str], verbs: set[str]) -> dict[str, Any]:
    group, resource, only, url = key
    if url:
        return {"nonResourceURLs": [url], "verbs": sorted(verbs)}
    named = {"resourceNames": [only]} if only else {}
    return {"apiGroups": [group], "resources": [resource], "verbs": sorted(verbs), **named}
