"""RBAC evaluated the slow way, by writing out everything a rule allows in a finite universe.

It shares no code with the kit. A rule becomes the set of all requests it allows; whether rules cover others is
whether the one set holds the other. The universe has every word that anyone uses and words that no one uses:
what a rule gives by `*` beyond what can be listed shows in these.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Any

from tests.support.rbac_worlds import (
    API_GROUPS,
    GROUP,
    NAMES,
    RESOURCES,
    ROLE_NAMES,
    RULE_PATHS,
    SUBRESOURCES,
    VERBS,
    Asked,
    Objects,
    Rules,
)

UNHEARD = "unheard-of"
VERB_WORDS = (*VERBS, UNHEARD)
GROUP_WORDS = (*API_GROUPS, UNHEARD)
RESOURCE_WORDS = (*RESOURCES, "po*", UNHEARD)
SUBRESOURCE_WORDS = ("", *SUBRESOURCES, UNHEARD)
NAME_WORDS = tuple(dict.fromkeys(("", *NAMES, *ROLE_NAMES, "missing", UNHEARD)))
PATH_WORDS = tuple(
    dict.fromkeys(path.rstrip("*") + end for path in RULE_PATHS for end in ("", "x", "/x", UNHEARD, f"/{UNHEARD}"))
)


def everything_allowed(rules: Rules) -> set[tuple[str, ...]]:
    """Return every request of the universe that some rule allows."""
    found: set[tuple[str, ...]] = set()
    for rule in rules:
        verbs = VERB_WORDS if "*" in rule["verbs"] else rule["verbs"]
        found.update(product(verbs, _paths(rule.get("nonResourceURLs") or [])))
        groups = rule.get("apiGroups") or []
        groups = GROUP_WORDS if "*" in groups else groups
        names = rule.get("resourceNames") or NAME_WORDS
        for resource, subresource in _resources(rule.get("resources") or []):
            found.update(product(verbs, groups, [resource], [subresource], names))
    return found


def _resources(listed: list[str]) -> Iterable[tuple[str, str]]:
    for word in listed:
        if word == "*":
            yield from product(RESOURCE_WORDS, SUBRESOURCE_WORDS)
        elif word.startswith("*/"):
            yield from product(RESOURCE_WORDS, [word[2:]])
        else:
            resource, _, subresource = word.partition("/")
            yield resource, subresource


def _paths(listed: list[str]) -> Iterable[str]:
    for word in listed:
        if word.endswith("*"):
            beginning = word
            while beginning.endswith("*"):
                beginning = beginning[:-1]
            yield from (path for path in PATH_WORDS if path[: len(beginning)] == beginning)
        else:
            yield word


def rules_of(objects: Objects, kind: str, namespace: str, name: str) -> Rules | None:
    """Return the rules of one role; None where there is none."""
    for each in objects:
        place = each["metadata"].get("namespace", "")
        if (each["kind"], place, each["metadata"]["name"]) == (kind, namespace, name):
            return list(each["rules"])
    return None


def held(objects: Objects, user: str, groups: list[str], namespace: str) -> Rules:
    """Return every rule that counts for someone in a namespace, by going through all role bindings."""
    found: Rules = []
    for each in objects:
        place = each["metadata"].get("namespace", "")
        if not each["kind"].endswith("Binding") or place not in ("", namespace):
            continue
        if any(_is(subject, user, groups, place) for subject in each.get("subjects", [])):
            ref = each["roleRef"]
            if ref["kind"] == "ClusterRole":
                found += rules_of(objects, "ClusterRole", "", ref["name"]) or []
            elif ref["kind"] == "Role" and place:
                found += rules_of(objects, "Role", place, ref["name"]) or []
    return found


def _is(subject: dict[str, Any], user: str, groups: list[str], place: str) -> bool:
    if subject["kind"] == "User":
        return bool(subject["name"] == user)
    if subject["kind"] == "Group":
        return subject["name"] in groups
    if subject["kind"] == "ServiceAccount":
        parts = user.split(":")
        wanted = subject.get("namespace") or place
        return parts == ["system", "serviceaccount", wanted, subject["name"]] and wanted != ""
    return False


def allowed(objects: Objects, asked: Asked) -> bool:
    """Tell whether a request is allowed."""
    if "system:masters" in asked["groups"]:
        return True
    if "path" in asked:
        return (asked["verb"], asked["path"]) in everything_allowed(held(objects, asked["user"], asked["groups"], ""))
    request = tuple(asked[word] for word in ("verb", "group", "resource", "subresource", "name"))
    return request in everything_allowed(held(objects, asked["user"], asked["groups"], asked["namespace"]))


def covers(owner: Rules, servant: Rules) -> bool:
    """Tell whether everything that one set of rules allows, another does."""
    return everything_allowed(servant) <= everything_allowed(owner)


def may_write(objects: Objects, asked: Asked) -> bool:
    """Tell whether a role or role binding passes the escalation test."""
    user, groups, namespace = asked["user"], asked["groups"], asked["namespace"]
    if "system:masters" in groups:
        return True
    mine = held(objects, user, groups, namespace)
    if asked["kind"].endswith("Binding"):
        ref = asked["roleRef"]
        if _has(mine, "bind", ref["kind"], ref["name"]):
            return True
        rules = rules_of(objects, ref["kind"], namespace if ref["kind"] == "Role" else "", ref["name"])
        return rules is not None and covers(mine, rules)
    name = "" if asked["verb"] == "create" else asked["name"]
    if _has(mine, "escalate", asked["kind"], name):
        return True
    everything = [
        {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
        {"verbs": ["*"], "nonResourceURLs": ["*"]},
    ]
    return covers(mine, asked["rules"]) and (not asked["aggregates"] or covers(mine, everything))


def _has(rules: Rules, verb: str, kind: str, name: str) -> bool:
    return (verb, GROUP, f"{kind.lower()}s", "", name) in everything_allowed(rules)
