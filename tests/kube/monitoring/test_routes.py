"""Where Alertmanager sends an alert: cases from its documentation, and laws."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.kube.monitoring.routes import UNKNOWN, joined, object_form, own_form, way

RECEIVERS = """
receivers:
- {name: pager, pagerduty_configs: [{routing_key: x}]}
- {name: chat, slack_configs: [{}], email_configs: [{to: a}]}
- {name: nobody}
- {name: empty, webhook_configs: []}
"""
CRITICAL = {"alertname": "PodDown", "severity": "critical"}


def form(route: str) -> dict[str, Any]:
    found = own_form(yaml.safe_load(f"route: {route}\n{RECEIVERS}"), str)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("route", "heard", "deaf", "receivers"),
    [
        ("{receiver: pager}", True, False, "pager"),
        ("{receiver: nobody}", False, True, "nobody"),
        ("{receiver: empty}", False, True, "empty"),
        ("{receiver: not-there}", False, True, "not-there"),
        ("{receiver: chat, routes: [{receiver: pager, match: {severity: critical}}]}", True, False, "pager"),
        ("{receiver: chat, routes: [{receiver: nobody, match: {severity: critical}}]}", False, True, "nobody"),
        (
            "{receiver: chat, routes: [{receiver: nobody, match_re: {severity: 'warn.*|critical'}}]}",
            False,
            True,
            "nobody",
        ),
        ("{receiver: chat, routes: [{receiver: nobody, match: {severity: warning}}]}", True, False, "chat"),
        ("{receiver: chat, routes: [{receiver: nobody, matchers: ['severity!=warning']}]}", False, True, "nobody"),
        ("{receiver: chat, routes: [{receiver: nobody, matchers: 'severity=\"critical\"'}]}", False, True, "nobody"),
        (
            '{receiver: chat, routes: [{receiver: nobody, matchers: \'{severity="critical",alertname="Other"}\'}]}',
            True,
            False,
            "chat",
        ),
        ("{receiver: chat, routes: [{receiver: nobody, match: {team: x}}]}", True, True, "chat nobody"),
        ("{receiver: chat, routes: [{receiver: pager, match: {team: x}}]}", True, False, "chat pager"),
        ("{receiver: nobody, routes: [{receiver: nobody}, {receiver: pager}]}", False, True, "nobody"),
        (
            "{receiver: nobody, routes: [{receiver: nobody, continue: true}, {receiver: pager}]}",
            True,
            False,
            "nobody pager",
        ),
        ("{receiver: pager, routes: [{match: {severity: critical}}]}", True, False, "pager"),
        (
            "{receiver: nobody, routes: [{receiver: chat, routes: [{receiver: nobody, match: {team: x}}]}]}",
            True,
            True,
            "chat nobody",
        ),
        ("{receiver: pager, mute_time_intervals: [night]}", True, True, "pager"),
        ("{receiver: pager, active_time_intervals: [day]}", True, True, "pager"),
    ],
)
def test_first_match_continue_and_default(route: str, heard: bool, deaf: bool, receivers: str) -> None:
    found = way(form(route), CRITICAL)
    assert (found.heard, found.deaf, " ".join(found.receivers)) == (heard, deaf, receivers)


def test_what_is_no_configuration_has_no_form() -> None:
    assert own_form(None, str) is None
    assert own_form({"receivers": []}, str) is None
    assert object_form({"receivers": []}, str) is None


def test_values_stay_only_where_they_name_a_severity_an_alert_or_a_namespace() -> None:
    written = form(
        "{receiver: pager, routes: [{match: {team: jane, severity: critical, namespace: ehr, alertname: 'a b'}}]}"
    )
    assert written["route"]["routes"][0]["matchers"] == [
        ["team", "=", UNKNOWN],
        ["severity", "=", "critical"],
        ["namespace", "=", "ehr"],
        ["alertname", "=", UNKNOWN],
    ]
    assert "routing_key" not in str(written)
    assert "slack" in str(written)


def test_a_config_of_the_operator_speaks_for_its_namespace_and_goes_on() -> None:
    spec = {
        "receivers": [{"name": "mail", "emailConfigs": [{"to": "x"}]}],
        "route": {"receiver": "mail", "matchers": [{"name": "severity", "value": "critical"}]},
    }
    own = object_form(spec, str)
    assert own is not None
    both = joined(form("{receiver: nobody}"), [("ehr", "team", own, True)])
    assert way(both, {**CRITICAL, "namespace": "ehr"}).kinds == ("email",)
    assert not way(both, {**CRITICAL, "namespace": "ehr"}).deaf
    assert way(both, {**CRITICAL, "namespace": "imaging"}).deaf
    assert way(both, {"severity": "warning", "namespace": "ehr"}).deaf
    assert not way(joined(form("{receiver: nobody}"), [("ehr", "team", own, False)]), CRITICAL).deaf


ROUTES = st.recursive(
    st.builds(
        lambda receiver, label, goes_on: {
            "receiver": receiver,
            "continue": goes_on,
            "timed": False,
            "matchers": [[label, "=", "x"]] if label else [],
            "routes": [],
        },
        st.sampled_from(["pager", "nobody"]),
        st.sampled_from(["", "a", "b", "c"]),
        st.booleans(),
    ),
    lambda inner: st.builds(
        lambda route, routes: {**route[0], "routes": routes},
        st.lists(inner, min_size=1, max_size=1),
        st.lists(inner, max_size=3),
    ),
    max_leaves=8,
)
HELD = {"pager": ["pagerduty"], "nobody": []}


def exactly(route: dict[str, Any], labels: dict[str, str]) -> list[str] | None:
    """Return the receivers of an alert of which all labels are known, as dispatch/route.go has it."""
    if not all(labels.get(label) == value for label, _, value in route["matchers"]):
        return None
    found: list[str] = []
    for child in route["routes"]:
        inner = exactly(child, labels)
        if inner is not None:
            found += inner
            if not child["continue"]:
                break
    return found or [route["receiver"]]


@given(ROUTES, st.lists(st.sampled_from(["x", "y"]), min_size=3, max_size=3))
def test_what_is_said_of_known_labels_is_what_alertmanager_does(route: dict[str, Any], values: list[str]) -> None:
    root = {**route, "matchers": []}
    labels = dict(zip("abc", values, strict=True))
    receivers = exactly(root, labels)
    assert receivers is not None
    found = way({"receivers": HELD, "route": root}, labels)
    heard = "pager" in receivers
    assert (found.heard, found.deaf) == (heard, not heard)
    assert set(found.receivers) == set(receivers)


@given(ROUTES, st.lists(st.sampled_from(["x", "y"]), min_size=3, max_size=3), st.sets(st.sampled_from("abc")))
def test_what_is_certain_without_a_label_is_so_with_it(
    route: dict[str, Any], values: list[str], hidden: set[str]
) -> None:
    root = {**route, "matchers": []}
    labels = dict(zip("abc", values, strict=True))
    known = {label: value for label, value in labels.items() if label not in hidden}
    some, all_known = (way({"receivers": HELD, "route": root}, each) for each in (known, labels))
    assert some.heard >= all_known.heard
    assert some.deaf >= all_known.deaf
    assert set(some.receivers) >= set(all_known.receivers)
