"""Selectors select what the API server, kubectl and the scheduler would."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.kube.selectors import (
    NOTHING,
    Requirement,
    Selector,
    SelectorError,
    is_integer,
    is_label_key,
    is_label_value,
    label_selector,
    map_selector,
    node_selector,
    parse_selector,
)

KEYS = st.sampled_from(["app", "tier", "example.com/app", "in", "notin"])
VALUES = st.sampled_from(["", "web", "db", "1", "20", "a.b_c-d", "in"])
LABELS = st.dictionaries(KEYS, VALUES, max_size=4)
EXPRESSIONS = st.one_of(
    st.builds(
        lambda key, operator, values: {"key": key, "operator": operator, "values": sorted(values)},
        KEYS,
        st.sampled_from(["In", "NotIn"]),
        st.sets(VALUES, min_size=1, max_size=3),
    ),
    st.builds(
        lambda key, operator: {"key": key, "operator": operator}, KEYS, st.sampled_from(["Exists", "DoesNotExist"])
    ),
)
SELECTORS = st.lists(EXPRESSIONS, min_size=1, max_size=3).map(lambda each: {"matchExpressions": each})


def expression(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


@pytest.mark.parametrize(
    ("selector", "labels", "selected"),
    [
        ({"matchLabels": {"app": "web"}}, {"app": "web", "tier": "1"}, True),
        ({"matchLabels": {"app": "web"}}, {"app": "db"}, False),
        ({"matchLabels": {"app": "web"}}, {}, False),
        ({"matchLabels": {"app": ""}}, {"app": ""}, True),
        ({"matchLabels": {"app": ""}}, {}, False),
        ({"matchLabels": {"app": "web", "tier": "1"}}, {"app": "web"}, False),
        (expression("app", "In", "web", "db"), {"app": "db"}, True),
        (expression("app", "In", "web", "db"), {"app": "cache"}, False),
        (expression("app", "In", "web"), {}, False),
        (expression("app", "NotIn", "web"), {"app": "db"}, True),
        (expression("app", "NotIn", "web"), {"app": "web"}, False),
        (expression("app", "NotIn", "web"), {}, True),
        (expression("app", "NotIn", "web"), {"tier": "web"}, True),
        (expression("app", "Exists"), {"app": ""}, True),
        (expression("app", "Exists"), {}, False),
        (expression("app", "DoesNotExist"), {}, True),
        (expression("app", "DoesNotExist"), {"app": ""}, False),
        ({"matchLabels": {"app": "web"}, **expression("tier", "Exists")}, {"app": "web"}, False),
        ({"matchLabels": {"app": "web"}, **expression("tier", "Exists")}, {"app": "web", "tier": "1"}, True),
        ({}, {}, True),
        ({}, {"app": "web"}, True),
        ({"matchLabels": {}, "matchExpressions": []}, {"app": "web"}, True),
        ({"matchLabels": None, "matchExpressions": None}, {"app": "web"}, True),
        (None, {}, False),
        (None, {"app": "web"}, False),
    ],
)
def test_label_selector_selects(selector: Any, labels: dict[str, str], selected: bool) -> None:
    assert label_selector(selector).matches(labels) is selected


@pytest.mark.parametrize(
    "selector",
    [
        "app=web",
        ["app"],
        {"matchLabels": "app=web"},
        {"matchLabels": {"app": 1}},
        {"matchExpressions": {"key": "app"}},
        {"matchExpressions": ["app"]},
        {"matchExpressions": [{"operator": "Exists"}]},
        {"matchExpressions": [{"key": "app", "operator": "In", "values": "web"}]},
        {"matchExpressions": [{"key": "app", "operator": "In", "values": [1]}]},
        expression("app", "In"),
        expression("app", "NotIn"),
        expression("app", "Exists", "web"),
        expression("app", "DoesNotExist", "web"),
        expression("app", "Gt", "1"),
        expression("app", "Equals", "web"),
    ],
)
def test_what_the_api_refuses_is_an_error_that_says_where(selector: Any) -> None:
    with pytest.raises(SelectorError, match="Deployment/ehr/web"):
        label_selector(selector, where="Deployment/ehr/web")


@pytest.mark.parametrize(
    ("selector", "labels", "selected"),
    [
        ({"app": "web"}, {"app": "web", "tier": "1"}, True),
        ({"app": "web"}, {"app": "db"}, False),
        ({}, {"app": "web"}, False),
        (None, {"app": "web"}, False),
    ],
)
def test_a_service_without_selector_selects_nothing(selector: Any, labels: dict[str, str], selected: bool) -> None:
    assert map_selector(selector).matches(labels) is selected


def test_everything_and_nothing_are_told_apart() -> None:
    assert label_selector({}).everything
    assert not label_selector(None).everything
    assert not label_selector({"matchLabels": {"app": "web"}}).everything
    assert label_selector(None) == NOTHING == map_selector(None)


def test_required_labels_are_those_that_every_match_carries() -> None:
    assert parse_selector("tier,app in (web,db),app=web,run=db").required() == [("app", "web"), ("run", "db")]
    assert parse_selector("app in (web,db)").required() == []
    assert parse_selector("app!=web").required() == []


@given(SELECTORS, LABELS)
def test_conditions_are_joined_by_and(selector: dict[str, Any], labels: dict[str, str]) -> None:
    parts = [label_selector({"matchExpressions": [each]}) for each in selector["matchExpressions"]]
    assert label_selector(selector).matches(labels) == all(part.matches(labels) for part in parts)


@given(SELECTORS, EXPRESSIONS, LABELS)
def test_a_further_condition_never_selects_more(
    selector: dict[str, Any], further: dict[str, Any], labels: dict[str, str]
) -> None:
    narrower = {"matchExpressions": [*selector["matchExpressions"], further]}
    assert label_selector(selector).matches(labels) >= label_selector(narrower).matches(labels)


@given(KEYS, st.sets(VALUES, min_size=1), LABELS)
def test_not_in_is_the_opposite_of_in(key: str, values: set[str], labels: dict[str, str]) -> None:
    assert Requirement(key, "In", frozenset(values)).matches(labels) != Requirement(
        key, "NotIn", frozenset(values)
    ).matches(labels)


@given(KEYS, LABELS)
def test_does_not_exist_is_the_opposite_of_exists(key: str, labels: dict[str, str]) -> None:
    assert Requirement(key, "Exists").matches(labels) != Requirement(key, "DoesNotExist").matches(labels)


@given(SELECTORS)
def test_a_selector_written_as_kubectl_does_reads_back(selector: dict[str, Any]) -> None:
    meant = label_selector(selector)
    assert parse_selector(str(meant)) == meant


@given(SELECTORS, LABELS)
def test_required_labels_are_on_every_match(selector: dict[str, Any], labels: dict[str, str]) -> None:
    meant = label_selector(selector)
    if meant.matches(labels):
        assert set(meant.required()) <= labels.items()


# The cases of k8s.io/apimachinery/pkg/labels/selector_test.go and of its documentation.
@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("app=web", [("app", "In", {"web"})]),
        ("app==web", [("app", "In", {"web"})]),
        ("app!=web", [("app", "NotIn", {"web"})]),
        ("app = web , tier != 1", [("app", "In", {"web"}), ("tier", "NotIn", {"1"})]),
        ("app", [("app", "Exists", set())]),
        ("!app", [("app", "DoesNotExist", set())]),
        ("! app", [("app", "DoesNotExist", set())]),
        ("app in (web)", [("app", "In", {"web"})]),
        ("app in (web,db)", [("app", "In", {"web", "db"})]),
        ("app in( web , db )", [("app", "In", {"web", "db"})]),
        ("app notin (web,db),tier", [("app", "NotIn", {"web", "db"}), ("tier", "Exists", set())]),
        (
            "x in (foo,,baz),y,z notin ()",
            [("x", "In", {"foo", "", "baz"}), ("y", "Exists", set()), ("z", "NotIn", {""})],
        ),
        ("x in (,)", [("x", "In", {""})]),
        ("app=", [("app", "In", {""})]),
        ("app=,tier=1", [("app", "In", {""}), ("tier", "In", {"1"})]),
        ("app!=", [("app", "NotIn", {""})]),
        ("in in (in,notin)", [("in", "In", {"in", "notin"})]),
        ("notin=in", [("notin", "In", {"in"})]),
        ("in", [("in", "Exists", set())]),
        ("size>1", [("size", "Gt", {"1"})]),
        ("size<10,size>1", [("size", "Lt", {"10"}), ("size", "Gt", {"1"})]),
        ("example.com/app=web", [("example.com/app", "In", {"web"})]),
        ("app\t=\tweb\n", [("app", "In", {"web"})]),
    ],
)
def test_kubectl_syntax_is_read(text: str, meant: list[tuple[str, str, set[str]]]) -> None:
    requirements = tuple(Requirement(key, operator, frozenset(values)) for key, operator, values in meant)
    assert parse_selector(text) == Selector(requirements)


@pytest.mark.parametrize(
    ("text", "position"),
    [
        (",app", 1),
        ("app,", 5),
        ("app,,tier", 5),
        ("app web", 5),
        ("app=web tier=1", 9),
        ("app=web=db", 8),
        ("!app=web", 5),
        ("!", 2),
        ("!!app", 2),
        ("=web", 1),
        ("app in web", 8),
        ("app in (web", 12),
        ("app in (web db)", 13),
        ("app in ((web))", 9),
        ("app in (web))", 13),
        ("app=(web)", 5),
        ("app=!web", 5),
        ("size>", 6),
        ("size>big", 6),
        ("size>1.5", 6),
        ("-app=web", 1),
        ("App.Example/app=web", 1),
        ("app=-web", 5),
        ("app=web/1", 5),
        (f"{'a' * 64}=web", 1),
        (f"app={'a' * 64}", 5),
        ("app=wéb", 5),
        ("app\u00a0=web", 1),
    ],
)
def test_what_kubectl_refuses_is_an_error_that_names_the_position(text: str, position: int) -> None:
    with pytest.raises(SelectorError, match=f"scope.yaml:7: cannot be read from position {position}:"):
        parse_selector(text, where="scope.yaml:7")


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
def test_an_empty_text_is_an_error_because_it_would_match_everything(text: str) -> None:
    with pytest.raises(SelectorError, match="match everything"):
        parse_selector(text)


@given(st.text(alphabet="ab1=!(),<> -./in", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        selector = parse_selector(text)
    except SelectorError:
        return
    assert parse_selector(str(selector)) == selector


@pytest.mark.parametrize(
    ("key", "valid"),
    [
        ("app", True),
        ("a" * 63, True),
        ("a" * 64, False),
        ("App_1.x", True),
        ("example.com/app", True),
        ("a.b-c.d/app", True),
        (f"{'a.' * 126}a/app", True),
        (f"{'a.' * 127}a/app", False),
        ("Example.com/app", False),
        ("example..com/app", False),
        ("/app", False),
        ("example.com/", False),
        ("a/b/app", False),
        ("-app", False),
        ("app-", False),
        ("", False),
        ("app\n", False),
    ],
)
def test_keys_of_labels(key: str, valid: bool) -> None:
    assert is_label_key(key) is valid


@pytest.mark.parametrize(
    ("value", "valid"), [("", True), ("web", True), ("a" * 63, True), ("a" * 64, False), ("a b", False), ("-1", False)]
)
def test_values_of_labels(value: str, valid: bool) -> None:
    assert is_label_value(value) is valid


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        *[(str(2**63 - 1), True), (str(2**63), False), (str(-(2**63)), True), ("+1", True)],
        *[("0" * 40, True), ("1.0", False), ("", False), ("\u0661", False)],
    ],
)
def test_integers_of_64_bits(text: str, valid: bool) -> None:
    assert is_integer(text) is valid


def term(*expressions: dict[str, Any], fields: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"matchExpressions": list(expressions), "matchFields": fields or []}


def of(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"key": key, "operator": operator, "values": list(values)}


@pytest.mark.parametrize(
    ("terms", "chosen"),
    [
        ([], False),
        ([term()], False),
        ([{}], False),
        ([term(of("zone", "In", "a", "b"))], True),
        ([term(of("zone", "NotIn", "a"))], False),
        ([term(of("gpu", "NotIn", "yes"))], True),
        ([term(of("zone", "Exists"))], True),
        ([term(of("gpu", "DoesNotExist"))], True),
        ([term(of("cpus", "Gt", "15"))], True),
        ([term(of("cpus", "Gt", "16"))], False),
        ([term(of("cpus", "Lt", "17"))], True),
        ([term(of("cpus", "Lt", "16"))], False),
        ([term(of("gpu", "Gt", "0"))], False),
        ([term(of("gpu", "Lt", "1"))], False),
        ([term(of("zone", "Gt", "0"))], False),
        ([term(of("cpus", "Gt", "many"))], False),
        ([term(of("zone", "In", "a"), of("gpu", "Exists"))], False),
        ([term(of("gpu", "Exists")), term(of("zone", "In", "a"))], True),
        ([term(), term(of("zone", "In", "a"))], True),
        ([term(fields=[of("metadata.name", "In", "worker-1")])], True),
        ([term(fields=[of("metadata.name", "NotIn", "worker-1")])], False),
        ([term(of("zone", "In", "a"), fields=[of("metadata.name", "In", "worker-2")])], False),
    ],
)
def test_node_selector_chooses_as_the_scheduler_does(terms: list[dict[str, Any]], chosen: bool) -> None:
    node = {"zone": "a", "cpus": "16"}
    assert node_selector({"nodeSelectorTerms": terms}).matches(node, "worker-1") is chosen


@pytest.mark.parametrize(
    "selector",
    [
        None,
        {},
        {"nodeSelectorTerms": {}},
        {"nodeSelectorTerms": ["zone"]},
        {"nodeSelectorTerms": [term(of("cpus", "Gt", "1", "2"))]},
        {"nodeSelectorTerms": [term(of("cpus", "Lt"))]},
        {"nodeSelectorTerms": [term(of("zone", "Near", "a"))]},
        {"nodeSelectorTerms": [term(fields=[of("metadata.name", "Exists")])]},
        {"nodeSelectorTerms": [term(fields=[of("metadata.name", "In", "a", "b")])]},
        {"nodeSelectorTerms": [term(fields=[of("spec.unschedulable", "In", "true")])]},
    ],
)
def test_a_node_selector_that_the_api_refuses_is_an_error(selector: Any) -> None:
    with pytest.raises(SelectorError, match="PersistentVolume//pv-1"):
        node_selector(selector, where="PersistentVolume//pv-1")
