"""What Istio's proxies speak to a Service, by the DestinationRules that are for it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.kube.destination_rules import BY_ITSELF, UNSURE, Client, DestinationRule, Policy, Spoken, spoken

OFF, MUTUAL, SIMPLE = Policy("DISABLE"), Policy("ISTIO_MUTUAL"), Policy("SIMPLE")
APP = Client("ehr", ({"app": "app"},))


def rule(name: str, host: str, policy: Policy = OFF, namespace: str = "ehr", **others: Any) -> DestinationRule:
    return DestinationRule(name, namespace, host, policy, **others)


def asked(*rules: DestinationRule, client: Client | None = APP, port: int = 5432) -> Spoken:
    return spoken(rules, client, ("ehr", "db"), port, "istio-system")


@pytest.mark.parametrize(
    ("host", "named"),
    [
        ("db", True),
        ("db.ehr.svc.cluster.local", True),
        ("db.ehr.svc.clinic.example", True),
        ("*.ehr.svc.cluster.local", True),
        ("*.svc.cluster.local", True),
        ("*.cluster.local", True),
        ("*.local", True),
        ("*", True),
        ("web", False),
        ("db.ehr", False),
        ("db.lab.svc.cluster.local", False),
        ("*.lab.svc.cluster.local", False),
        ("*.example.com", False),
        ("xdb.ehr.svc.cluster.local", False),
    ],
)
def test_a_host_names_a_service(host: str, named: bool) -> None:
    assert asked(rule("r", host)).by == ("plain" if named else BY_ITSELF)


def test_a_short_host_is_of_the_rules_own_namespace() -> None:
    assert asked(rule("r", "db", namespace="istio-system")).by == BY_ITSELF


@pytest.mark.parametrize(
    ("policy", "by"),
    [
        (Policy(), BY_ITSELF),
        (OFF, "plain"),
        (SIMPLE, "begun"),
        (Policy("MUTUAL"), "begun"),
        (MUTUAL, "mutual"),
        (Policy("NEW"), UNSURE),
        (Policy("DISABLE", {5432: "ISTIO_MUTUAL"}), "mutual"),
        (Policy("DISABLE", {5432: ""}), BY_ITSELF),
        (Policy("ISTIO_MUTUAL", {5432: "DISABLE"}), "plain"),
        (Policy("ISTIO_MUTUAL", {9090: "DISABLE"}), "mutual"),
    ],
)
def test_settings_of_a_port_stand_in_place_of_the_others(policy: Policy, by: str) -> None:
    assert asked(rule("r", "db", policy)).by == by


@pytest.mark.parametrize(
    ("whole", "subset", "by"),
    [
        (MUTUAL, OFF, UNSURE),
        (OFF, Policy(), "plain"),
        (OFF, MUTUAL, UNSURE),
        (MUTUAL, Policy(None, {9090: "DISABLE"}), "mutual"),
        (MUTUAL, Policy(None, {5432: "DISABLE"}), UNSURE),
        (Policy(), MUTUAL, BY_ITSELF),
        (SIMPLE, MUTUAL, "begun"),
        (SIMPLE, OFF, UNSURE),
    ],
)
def test_a_subset_holds_only_where_something_leads_to_it(whole: Policy, subset: Policy, by: str) -> None:
    assert asked(rule("r", "db", whole, subsets=(subset,))).by == by


FULL = "db.ehr.svc.cluster.local"


@pytest.mark.parametrize(
    ("rules", "client", "by"),
    [
        ([rule("a", FULL, MUTUAL, "lab"), rule("b", FULL)], Client("lab", ({},)), "mutual"),
        ([rule("a", FULL, OFF, "lab"), rule("b", FULL, MUTUAL)], Client("lab", ({},)), "plain"),
        ([rule("a", FULL, MUTUAL, "istio-system"), rule("b", FULL)], Client("lab", ({},)), "plain"),
        ([rule("a", FULL, OFF, "istio-system")], Client("lab", ({},)), "plain"),
        ([rule("a", FULL, OFF, "other")], Client("lab", ({},)), BY_ITSELF),
        ([rule("a", "*", OFF), rule("b", FULL, MUTUAL)], APP, "mutual"),
        ([rule("a", "*.ehr.svc.cluster.local", OFF), rule("b", "*.local", MUTUAL)], APP, "plain"),
        ([rule("a", FULL, OFF), rule("b", "db", MUTUAL)], APP, UNSURE),
        # Proxies of the root namespace begin with the rules of the Service's.
        ([rule("a", "*", OFF, "istio-system"), rule("b", "*", MUTUAL)], Client("istio-system", ({},)), "mutual"),
        (
            [rule("a", "*", OFF, "istio-system", exported_to=(".",)), rule("b", "*", MUTUAL)],
            Client("istio-system", ({},)),
            "plain",
        ),
    ],
)
def test_the_clients_namespace_comes_before_the_services_and_the_root(
    rules: list[DestinationRule], client: Client, by: str
) -> None:
    assert asked(*rules, client=client).by == by
    assert asked(*reversed(rules), client=client).by == by


@pytest.mark.parametrize(
    ("exported", "by"),
    [((), "plain"), (("*",), "plain"), (("lab",), "plain"), ((".",), BY_ITSELF), (("other",), BY_ITSELF)],
)
def test_a_rule_counts_where_it_is_exported(exported: tuple[str, ...], by: str) -> None:
    assert asked(rule("r", "db", exported_to=exported), client=Client("lab", ({},))).by == by


@pytest.mark.parametrize(
    ("labels", "by"),
    [
        (({"app": "app"},), "plain"),
        (({"app": "web"},), BY_ITSELF),
        (({"app": "app"}, {"app": "app", "track": "canary"}), "plain"),
        (({"app": "app"}, {"app": "web"}), UNSURE),
    ],
)
def test_a_selector_is_of_clients_of_the_same_namespace(labels: tuple[dict[str, str], ...], by: str) -> None:
    chosen = rule("r", FULL, selector={"app": "app"})
    assert asked(chosen, client=Client("ehr", labels)).by == by
    assert asked(chosen, client=Client("lab", labels)).by == BY_ITSELF


def test_of_a_client_that_is_not_known_nothing_is_sure() -> None:
    assert asked(rule("r", FULL, OFF, "other", exported_to=(".",)), client=None) == Spoken(UNSURE, "r")
    assert asked(rule("r", FULL, MUTUAL), client=None).by == BY_ITSELF


POLICIES = st.sampled_from([Policy(), OFF, MUTUAL, SIMPLE, Policy("ISTIO_MUTUAL", {5432: "DISABLE"})])
RULES = st.lists(
    st.builds(
        DestinationRule,
        object=st.sampled_from("abc"),
        namespace=st.sampled_from(["ehr", "lab", "istio-system"]),
        host=st.sampled_from(["db", FULL, "*", "*.local", "web"]),
        policy=POLICIES,
        subsets=st.lists(POLICIES, max_size=2).map(tuple),
        exported_to=st.sampled_from([(), (".",), ("*",), ("lab",)]),
        selector=st.sampled_from([{}, {"app": "app"}]),
    ),
    max_size=5,
)


@given(RULES, st.sampled_from(["ehr", "lab", "istio-system"]))
def test_where_no_rule_turns_tls_off_nothing_is_plain(rules: list[DestinationRule], namespace: str) -> None:
    client = Client(namespace, ({"app": "app"}, {"app": "web"}))
    off = [each for each in rules if "DISABLE" in each.modes(5432)]
    said = asked(*rules, client=client)
    assert said.by != "plain" or said.source in {each.object for each in off}
    assert asked(*(each for each in rules if each not in off), client=client).by != "plain"
    # A client that is not known may be any: what one of them speaks in plain text is never left out.
    assert asked(*rules, client=None).by == UNSURE or said.by != "plain"
