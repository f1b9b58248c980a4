"""The role that `hipaa-kit rbac` prints, on a real server: enough, nothing more, and nothing in it is idle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import pytest
import yaml

from hipaa_kit.cli import main
from tests.live.conftest import Hospital, checks_that_need, newly_open
from tests.support.live import objects
from tests.support.live.rbac import Question, ask, grant, wait_until

READER = "the-reader"
VERBS = "get list watch create update patch delete deletecollection impersonate bind escalate approve use proxy".split()
EVERYONE = ("system:authenticated",)


def printed_role(capsys: pytest.CaptureFixture[str], *options: str) -> list[dict[str, Any]]:
    assert main(["rbac", *options]) == 0
    return list(yaml.safe_load_all(capsys.readouterr().out))


def rules_of(given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    [role] = [obj for obj in given if obj["kind"] == "ClusterRole"]
    return list(role["rules"])


def may_list(user: str, rules: list[dict[str, Any]], allowed: bool = True) -> Iterator[tuple[Question, bool]]:
    for rule in rules:
        for group, resource in product(rule["apiGroups"], rule["resources"]):
            yield Question(user, "list", resource, group), allowed


@pytest.fixture
def rules(fixed_hospital: Hospital, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Rules of the role as printed, given to the reader as printed."""
    api, given = fixed_hospital.plane.admin, printed_role(capsys, "--user", READER)
    for obj in given:
        assert api.request("POST", objects.list_path(obj), obj).status in (201, 409)
    made = rules_of(given)
    wait_until(api, dict(may_list(READER, made)))
    return made


def test_everything_that_is_declared_is_readable(fixed_hospital: Hospital, rules: list[dict[str, Any]]) -> None:
    snapshot = fixed_hospital.read_as(READER)
    answers = [snapshot.coverage.answer(kind) for kind in fixed_hospital.needed()]
    assert [answer.line() for answer in answers if answer.status != "answered"] == []
    assert len(answers) > 25


def test_nothing_else_is_allowed(fixed_hospital: Hospital, rules: list[dict[str, Any]]) -> None:
    granted = {
        (group, resource, verb)
        for rule in rules
        for group, resource, verb in product(rule["apiGroups"], rule["resources"], rule["verbs"])
    }
    served = objects.served(fixed_hospital.plane.admin)
    asked = [
        (group, *resource.partition("/")[::2], verb, namespace)
        for ((group, resource), told), verb in product(served.items(), VERBS)
        for namespace in (("", "ehr") if told["namespaced"] else ("",))
    ]
    answers = {
        user: ask(
            fixed_hospital.plane.admin,
            [Question(user, v, r, g, namespace=n, subresource=s, groups=EVERYONE) for g, r, s, v, n in asked],
        )
        for user in (READER, "nobody")
    }
    reader, everyone = (
        {
            (group, f"{resource}/{sub}" if sub else resource, verb)
            for (group, resource, sub, verb, _), answer in zip(asked, answers[user], strict=True)
            if answer
        }
        for user in (READER, "nobody")
    )
    assert reader == {each for each in granted if each[:2] in served} | everyone
    assert len(asked) > 2000


@pytest.mark.parametrize("path", ["/metrics", "/logs", "/debug/pprof", "/"])
def test_no_other_path_is_allowed(fixed_hospital: Hospital, rules: list[dict[str, Any]], path: str) -> None:
    questions = [Question(user, "get", path=path, groups=EVERYONE) for user in (READER, "nobody")]
    reader, nobody = ask(fixed_hospital.plane.admin, questions)
    assert reader == nobody
    assert not reader


def test_without_any_one_rule_exactly_the_checks_that_need_it_are_not_assessed(
    fixed_hospital: Hospital, rules: list[dict[str, Any]]
) -> None:
    api = fixed_hospital.plane.admin
    answers: dict[Question, bool] = {}
    lacking: Mapping[str, dict[str, Any]] = {f"lacks-{number}": rule for number, rule in enumerate(rules)}
    for user, left_out in lacking.items():
        kept = [rule for rule in rules if rule is not left_out]
        grant(api, user, kept)
        answers |= dict([*may_list(user, kept), *may_list(user, [left_out], allowed=False)])
    wait_until(api, answers)
    before = fixed_hospital.findings(fixed_hospital.read_as(READER))
    served = {(kind.group, kind.resource) for kind in fixed_hospital.needed()}
    for user, left_out in lacking.items():
        refused = served & set(product(left_out["apiGroups"], left_out["resources"]))
        if refused:
            after = fixed_hospital.findings(fixed_hospital.read_as(user))
            assert newly_open(before, after) == checks_that_need(refused, before), left_out
    assert len(lacking) > 10
