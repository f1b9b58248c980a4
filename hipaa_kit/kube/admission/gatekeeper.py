"""Gatekeeper: constraints, what they match and what they do.

Sources: https://open-policy-agent.github.io/gatekeeper/website/docs/howto (match, enforcementAction),
https://open-policy-agent.github.io/gatekeeper/website/docs/enforcement-points (scoped actions),
https://open-policy-agent.github.io/gatekeeper/website/docs/exempt-namespaces (Config), and `pkg/mutation/match` of
Gatekeeper. What a constraint asks for is a program in its template, which does not pass the door.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from hipaa_kit.kube.admission.parts import (
    AUDIT,
    DENY,
    EVERY,
    NONE,
    NOTHING,
    SOME,
    WARN,
    Part,
    Place,
    all_of,
    any_of,
    by_labels,
    by_pod_labels,
)
from hipaa_kit.kube.reading import as_map, as_maps, as_text, as_texts

WEBHOOK: Final = "validation.gatekeeper.sh"
WORDS: Final = {"deny": DENY, "warn": WARN, "dryrun": AUDIT}
POD_SECURITY_KINDS: Final = "K8sPSP"
"""How the kinds of the published constraints of pod security begin.

Source: https://open-policy-agent.github.io/gatekeeper-library/website/pspintro
"""


def constraint_part(constraint: Mapping[str, Any], place: Place) -> Part:
    """Return what a constraint does in a namespace.

    Notes
    -----
    A missing action means deny; a word that Gatekeeper does not know does nothing. Where the action is `scoped`, only
    what is written for its webhook counts.
    """
    spec = as_map(constraint, "spec")
    return Part(
        name="",
        reach=_reach(as_map(spec, "match"), place),
        action=_action(spec),
        doubt="the program of its template, and its parameters, must be read",
    )


def exempt_by_config(configs: Iterable[Mapping[str, Any]], place: Place) -> bool:
    """Tell whether Gatekeeper's own Config, which is read under the name `config` alone, keeps it from a namespace."""
    for config in configs:
        if as_text(as_map(config, "metadata").get("name")) != "config":
            continue
        for entry in as_maps(as_map(config, "spec").get("match")):
            works = {"*", "webhook"}.intersection(as_texts(entry.get("processes")))
            if works and any(globs(each, place.name) for each in as_texts(entry.get("excludedNamespaces"))):
                return True
    return False


def globs(pattern: str, name: str) -> bool:
    """Tell whether a name fits a pattern with a star at its beginning, its end, or both."""
    start, end = pattern.startswith("*"), pattern.endswith("*")
    core = pattern.strip("*") if start and end else pattern[1:] if start else pattern[:-1] if end else pattern
    if start and end:
        return core in name
    if start:
        return name.endswith(core)
    return name.startswith(core) if end else name == core


def _reach(match: Mapping[str, Any], place: Place) -> str:
    only, left_out = as_texts(match.get("namespaces")), as_texts(match.get("excludedNamespaces"))
    reaches = [any_of(map(_kinds, written)) if (written := as_maps(match.get("kinds"))) else EVERY]
    if only and not any(globs(each, place.name) for each in only):
        reaches.append(NONE)
    if any(globs(each, place.name) for each in left_out):
        reaches.append(NONE)
    if as_text(match.get("scope")) == "Cluster" or as_text(match.get("source")) == "Generated":
        reaches.append(NONE)
    if as_text(match.get("name")):
        reaches.append(SOME)
    reaches += [by_labels(match.get("namespaceSelector"), place), by_pod_labels(match.get("labelSelector"))]
    return all_of(reaches)


def _kinds(entry: Mapping[str, Any]) -> str:
    kinds, groups = as_texts(entry.get("kinds")), as_texts(entry.get("apiGroups"))
    pods = not kinds or "*" in kinds or "Pod" in kinds
    return EVERY if pods and (not groups or "*" in groups or "" in groups) else NONE


def _action(spec: Mapping[str, Any]) -> str:
    action = as_text(spec.get("enforcementAction"), "deny") or "deny"
    if action != "scoped":
        return WORDS.get(action, NOTHING)
    here = {
        WORDS.get(as_text(each.get("action")), NOTHING)
        for each in as_maps(spec.get("scopedEnforcementActions"))
        for point in as_maps(each.get("enforcementPoints"))
        if as_text(point.get("name")) in (WEBHOOK, "*")
    }
    return next((word for word in (DENY, WARN, AUDIT) if word in here), NOTHING)
