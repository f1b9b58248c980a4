"""The least that an audit policy lacks: rules to put before its own, so that requests are recorded as they must be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Literal, NamedTuple

from hipaa_kit.kube.audit.policy import LEVELS, Policy, Recorded, Request, Resources, Rule, at_least


class Wanted(NamedTuple):
    """A request, the level that it must be recorded at, and the one that it must not exceed ("" for none)."""

    request: Request
    minimum: str
    maximum: str = ""

    def outcome(self, recorded: Recorded) -> Literal["met", "below", "above"]:
        """Return where what is recorded of the request lies: too much comes before too little."""
        if self.maximum and not at_least(self.maximum, recorded.level):
            return "above"
        return "met" if at_least(recorded.told, self.minimum) else "below"

    def met_by(self, policy: Policy) -> bool:
        """Tell whether a policy records the request as it must."""
        return self.outcome(policy.record(self.request)) == "met"


def amendment(policy: Policy, wanted: Iterable[Wanted]) -> list[Rule]:
    """Return rules that, put before a policy's own, have every wanted request recorded as it must be.

    Notes
    -----
    A rule names verbs and resources, never who asks: whoever is left out is who an intruder will be. What must not
    exceed a level comes first, so that a body is never recorded because of another rule. Rules of one level and the
    same verbs are one. No stage is left out by them: those that the policy itself leaves out stay so, and where they
    leave nothing no rule can mend it.
    """
    every = tuple(wanted)
    asked = [each for each in every if not each.met_by(policy)]
    while True:
        rules = [*_rules(policy, asked, capped=True), *_rules(policy, asked, capped=False)]
        amended = replace(policy, rules=(*rules, *policy.rules))
        # A new rule decides on all requests of its verb and resource, of whoever: also on some that were recorded well.
        lost = [each for each in every if each not in asked and not each.met_by(amended)]
        if not lost:
            return rules
        asked += lost


def _rules(policy: Policy, asked: Iterable[Wanted], capped: bool) -> list[Rule]:
    levels: dict[tuple[str, str, str, str], str] = {}
    for each in asked:
        if bool(each.maximum) == capped:
            key = (each.request.verb, each.request.group, each.request.combined, each.request.path)
            levels[key] = max(levels.get(key, "None"), _level(policy, each), key=LEVELS.index)
    kept: dict[tuple[str, str], dict[str, list[str]]] = {}
    paths: dict[tuple[str, str], list[str]] = {}
    for (verb, group, resource, path), level in levels.items():
        if resource:
            kept.setdefault((level, verb), {}).setdefault(group, []).append(resource)
        else:
            paths.setdefault((level, verb), []).append(path)
    by_path = [Rule(level, verbs=(verb,), paths=tuple(each)) for (level, verb), each in paths.items()]
    return [*_joined(kept), *by_path]


def as_yaml(rules: Iterable[Rule]) -> list[dict[str, Any]]:
    """Return rules as they stand in a policy, without the fields that are empty."""
    found = []
    for rule in rules:
        entry: dict[str, Any] = {"level": rule.level}
        fields = {
            "users": rule.users,
            "userGroups": rule.user_groups,
            "verbs": rule.verbs,
            "namespaces": rule.namespaces,
        }
        entry |= {name: list(values) for name, values in fields.items() if values}
        if rule.resources:
            entry["resources"] = [_as_entry(each) for each in rule.resources]
        if rule.paths:
            entry["nonResourceURLs"] = list(rule.paths)
        if rule.omit_stages:
            entry["omitStages"] = sorted(rule.omit_stages)
        found.append(entry)
    return found


def _as_entry(named: Resources) -> dict[str, Any]:
    entry: dict[str, Any] = {"group": named.group}
    if named.resources:
        entry["resources"] = list(named.resources)
    if named.names:
        entry["resourceNames"] = list(named.names)
    return entry


def _level(policy: Policy, wanted: Wanted) -> str:
    """Return the least level between the bounds, and no less than is recorded already where that is allowed."""
    now = policy.record(wanted.request).level
    level = max(wanted.minimum, now, key=LEVELS.index)
    return min(level, wanted.maximum, key=LEVELS.index) if wanted.maximum else level


def _joined(kept: dict[tuple[str, str], dict[str, list[str]]]) -> list[Rule]:
    """Return one rule for the verbs that are wanted at one level for the same resources, the highest level first."""
    verbs: dict[tuple[str, tuple[Resources, ...]], list[str]] = {}
    for (level, verb), groups in kept.items():
        resources = tuple(Resources(group, tuple(names)) for group, names in sorted(groups.items()))
        verbs.setdefault((level, resources), []).append(verb)
    rules = [Rule(level, verbs=tuple(each), resources=resources) for (level, resources), each in verbs.items()]
    return sorted(rules, key=lambda rule: -LEVELS.index(rule.level))
