"""A role rule allows what the API server's authorizer says it does, and covers what its comparison says."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.kube.rbac import (
    FULL_AUTHORITY,
    RbacError,
    Request,
    Rule,
    allows,
    api_call,
    broken_down,
    covers,
    parse_rules,
    rule_allows,
    uncovered,
)

VERBS = st.sampled_from(["get", "list", "create", "*"])
GROUPS = st.sampled_from(["", "apps", "*"])
RESOURCES = st.sampled_from(["pods", "secrets", "pods/log", "deployments/scale", "*/log", "*/scale", "*", "pods/*"])
NAMES = st.sampled_from(["one", "two", "*"])
URLS = st.sampled_from(["/healthz", "/healthz/x", "/api", "/api/*", "/api*", "*", "/*"])


def some(words: st.SearchStrategy[str], least: int = 0) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(words, min_size=least, max_size=3).map(tuple)


RULES = st.one_of(
    st.builds(Rule, some(VERBS), some(GROUPS), some(RESOURCES), some(NAMES)),
    st.builds(lambda verbs, urls: Rule(verbs, urls=urls), some(VERBS), some(URLS)),
)
RULE_LISTS = st.lists(RULES, max_size=4)
REQUESTS = st.one_of(
    st.builds(
        Request,
        st.sampled_from(["get", "list", "create", "watch"]),
        st.sampled_from(["", "apps", "batch"]),
        st.sampled_from(["pods", "secrets", "deployments", "nodes"]),
        st.sampled_from(["", "log", "scale", "*", "status"]),
        st.just(""),
        st.sampled_from(["", "one", "two", "*", "three"]),
    ),
    st.builds(
        lambda verb, path: Request(verb, path=path),
        st.sampled_from(["get", "create", "post"]),
        st.sampled_from(["/healthz", "/healthz/x", "/api", "/api/v1", "/apix", "/"]),
    ),
)


def rule(verbs: str = "get", groups: str = "''", resources: str = "pods", names: str = "", urls: str = "") -> Rule:
    """Return a rule of words; '' is the core group or the empty name."""
    lists = [tuple("" if word == "''" else word for word in each.split()) for each in (verbs, groups, resources, names)]
    return Rule(*lists, tuple(urls.split()))


def on(resource: str, verb: str = "get", group: str = "", name: str = "") -> Request:
    resource, _, subresource = resource.partition("/")
    return Request(verb, group, resource, subresource, "ns", name)


@pytest.mark.parametrize(
    ("held", "request_", "allowed"),
    [
        # verbs
        (rule("get"), on("pods", "get"), True),
        (rule("get"), on("pods", "list"), False),
        (rule("get list"), on("pods", "list"), True),
        (rule("*"), on("pods", "anything"), True),
        (rule("GET"), on("pods", "get"), False),
        (rule("get*"), on("pods", "get"), False),
        (rule(""), on("pods", "get"), False),
        # API groups
        (rule(groups="''"), on("pods"), True),
        (rule(groups="''"), on("pods", group="apps"), False),
        (rule(groups="apps"), on("pods"), False),
        (rule(groups="*"), on("pods"), True),
        (rule(groups="*"), on("pods", group="apps"), True),
        (rule(groups="Apps"), on("pods", group="apps"), False),
        (rule(groups="apps*"), on("pods", group="apps"), False),
        (rule(groups=""), on("pods"), False),
        # resources
        (rule(resources="pods"), on("pods"), True),
        (rule(resources="pods"), on("secrets"), False),
        (rule(resources="pods secrets"), on("secrets"), True),
        (rule(resources="Pods"), on("pods"), False),
        (rule(resources="pod"), on("pods"), False),
        (rule(resources="po*"), on("pods"), False),
        (rule(resources="*"), on("pods"), True),
        (rule(resources="*"), on("pods/log"), True),
        (rule(resources=""), on("pods"), False),
        # subresources
        (rule(resources="pods"), on("pods/log"), False),
        (rule(resources="pods/log"), on("pods/log"), True),
        (rule(resources="pods/log"), on("pods"), False),
        (rule(resources="pods/log"), on("pods/exec"), False),
        (rule(resources="*/log"), on("pods/log"), True),
        (rule(resources="*/scale"), on("deployments/scale"), True),
        (rule(resources="*/log"), on("pods"), False),
        (rule(resources="*/log"), on("pods/exec"), False),
        (rule(resources="*/log"), on("pods/weblog"), False),
        (rule(resources="*/weblog"), on("pods/log"), False),
        # look-alikes are no wildcards
        (rule(resources="pods/*"), on("pods"), False),
        (rule(resources="pods/*"), on("pods/log"), False),
        (rule(resources="*/*"), on("pods"), False),
        (rule(resources="*/*"), on("pods/log"), False),
        (rule(resources="*/"), on("pods"), False),
        # names
        (rule(names="one"), on("pods", name="one"), True),
        (rule(names="one"), on("pods", name="two"), False),
        (rule(names="one two"), on("pods", name="two"), True),
        (rule(names=""), on("pods", name="one"), True),
        (rule(names="*"), on("pods", name="one"), False),
        (rule(names="*"), on("pods", name="*"), True),
        (rule(names="on*"), on("pods", name="one"), False),
        # requests without a name
        (rule("create", names="one"), on("pods", "create"), False),
        (rule("list", names="one"), on("pods", "list"), False),
        (rule("watch", names="one"), on("pods", "watch"), False),
        (rule("deletecollection", names="one"), on("pods", "deletecollection"), False),
        (rule("list", names="''"), on("pods", "list"), True),
        (rule("list", names="one"), on("pods", "list", name="one"), True),
        (rule("watch", names="one"), on("pods", "watch", name="one"), True),
        (rule("create"), on("pods", "create"), True),
        # names of what a subresource belongs to
        (rule("create", resources="pods/exec", names="one"), on("pods/exec", "create", name="one"), True),
        (rule("create", resources="pods/exec", names="one"), on("pods/exec", "create", name="two"), False),
        (
            rule("create", resources="serviceaccounts/token", names="one"),
            on("serviceaccounts/token", "create", name="one"),
            True,
        ),
        (rule("update", resources="*", names="one"), on("pods/status", "update", name="one"), True),
        # paths
        (rule(urls="/healthz"), Request("get", path="/healthz"), True),
        (rule(urls="/healthz"), Request("get", path="/healthz/etcd"), False),
        (rule(urls="/healthz/*"), Request("get", path="/healthz/etcd"), True),
        (rule(urls="/healthz/*"), Request("get", path="/healthz"), False),
        (rule(urls="/healthz*"), Request("get", path="/healthz"), True),
        (rule(urls="/healthz*"), Request("get", path="/healthzzz"), True),
        (rule(urls="/api**"), Request("get", path="/api/v1"), True),
        (rule(urls="*"), Request("get", path="/anything"), True),
        (rule(urls="/*/x"), Request("get", path="/a/x"), False),
        (rule(urls="/*/x"), Request("get", path="/*/x"), True),
        (rule("post", urls="/healthz"), Request("get", path="/healthz"), False),
        (rule("*", urls="/healthz"), Request("post", path="/healthz"), True),
        # a rule for resources says nothing of paths, nor the other way round
        (rule("*", "*", "*"), Request("get", path="/healthz"), False),
        (rule("*", "", "", urls="*"), on("pods"), False),
        # names count for nothing on paths
        (rule(names="one", urls="/healthz"), Request("get", path="/healthz"), True),
    ],
)
def test_rule_allows(held: Rule, request_: Request, allowed: bool) -> None:
    assert rule_allows(held, request_) is allowed
    assert allows([held], request_) is allowed
    assert allows([rule("x", "x", "x"), held], request_) is allowed


def test_no_rules_allow_nothing() -> None:
    assert not allows([], on("pods"))


@pytest.mark.parametrize(
    ("owner", "servant", "covered"),
    [
        ([rule()], [rule()], True),
        ([], [rule()], False),
        ([], [], True),
        ([rule()], [], True),
        # verbs: every verb by name is not enough for `*`
        ([rule("*")], [rule("get list anything")], True),
        ([rule("get list watch create update patch delete deletecollection")], [rule("*")], False),
        ([rule("get list")], [rule("get")], True),
        ([rule("get")], [rule("get list")], False),
        # one owner rule must cover an atom, different ones may cover different atoms
        ([rule("get"), rule("list")], [rule("get list")], True),
        ([rule("get", resources="pods"), rule("list", resources="secrets")], [rule("get", resources="secrets")], False),
        # groups
        ([rule(groups="*")], [rule(groups="'' apps")], True),
        ([rule(groups="'' apps")], [rule(groups="*")], False),
        ([rule(groups="''")], [rule(groups="apps")], False),
        # resources
        ([rule(resources="*")], [rule(resources="pods pods/log */scale pods/* *")], True),
        ([rule(resources="pods secrets")], [rule(resources="*")], False),
        ([rule(resources="*/log")], [rule(resources="pods/log")], True),
        ([rule(resources="*/log")], [rule(resources="*/log")], True),
        ([rule(resources="*/log")], [rule(resources="pods/exec")], False),
        ([rule(resources="*/log")], [rule(resources="pods")], False),
        ([rule(resources="pods/log")], [rule(resources="*/log")], False),
        ([rule(resources="pods")], [rule(resources="pods/log")], False),
        ([rule(resources="pods/*")], [rule(resources="pods/log")], False),
        ([rule(resources="*/*")], [rule(resources="pods/*")], True),
        ([rule(resources="*/b/c")], [rule(resources="a/b/c")], True),
        ([rule(resources="*/c")], [rule(resources="a/b/c")], False),
        # names
        ([rule()], [rule(names="one")], True),
        ([rule(names="one")], [rule()], False),
        ([rule(names="one two")], [rule(names="one")], True),
        ([rule(names="one")], [rule(names="one two")], False),
        ([rule(names="one"), rule(names="two")], [rule(names="one two")], True),
        ([rule(names="*")], [rule(names="one")], False),
        ([rule(names="''")], [rule()], False),
        # URLs
        ([rule(urls="/healthz")], [Rule(("get",), urls=("/healthz",))], True),
        ([rule(urls="/healthz*")], [Rule(("get",), urls=("/healthz/x",))], True),
        ([rule(urls="/api/*")], [Rule(("get",), urls=("/api",))], False),
        ([rule(urls="/api*")], [Rule(("get",), urls=("/api/*",))], True),
        ([rule(urls="/api/*")], [Rule(("get",), urls=("/api*",))], False),
        ([rule(urls="*")], [Rule(("get",), urls=("/a", "/b*", "*"))], True),
        ([rule(urls="/a /b")], [Rule(("get",), urls=("*",))], False),
        ([rule("get", urls="*")], [Rule(("post",), urls=("/a",))], False),
        # an owner rule with names covers no URL, although it allows the request
        ([rule(names="one", urls="/a")], [Rule(("get",), urls=("/a",))], False),
        # what is empty gives nothing, and so is covered
        ([], [rule("")], True),
        ([], [rule(groups="")], True),
        ([], [rule(resources="")], True),
        ([], [rule("", "", "", urls="/a")], True),
        (list(FULL_AUTHORITY), [rule("*", "*", "*"), Rule(("*",), urls=("*",))], True),
        ([FULL_AUTHORITY[0]], list(FULL_AUTHORITY), False),
        ([FULL_AUTHORITY[1]], list(FULL_AUTHORITY), False),
    ],
)
def test_covers(owner: list[Rule], servant: list[Rule], covered: bool) -> None:
    assert covers(owner, servant) is covered


def test_what_is_not_covered_is_named_atom_by_atom_and_once() -> None:
    servant = [rule("get list", resources="pods secrets"), rule("list", resources="secrets", names="one")]
    assert uncovered([rule("get", resources="pods")], [*servant, *servant]) == [
        rule("list", resources="pods"),
        rule("get", resources="secrets"),
        rule("list", resources="secrets"),
        rule("list", resources="secrets", names="one"),
    ]


def test_a_rule_breaks_down_into_its_parts() -> None:
    whole = Rule(("get", "list"), ("", "apps"), ("pods",), ("a", "b"), ("/x",))
    atoms = list(broken_down(whole))
    assert len(atoms) == 2 * 2 * 1 * 2 + 2
    assert Rule(("list",), ("apps",), ("pods",), ("b",)) in atoms
    assert Rule(("get",), urls=("/x",)) in atoms


@given(RULE_LISTS, REQUESTS)
def test_breaking_down_changes_nothing(rules: list[Rule], request_: Request) -> None:
    assert allows((atom for each in rules for atom in broken_down(each)), request_) == allows(rules, request_)


@given(RULE_LISTS, REQUESTS, st.data())
def test_a_rule_less_never_allows_more(rules: list[Rule], request_: Request, data: st.DataObject) -> None:
    fewer = data.draw(st.lists(st.sampled_from(rules))) if rules else []
    assert allows(rules, request_) or not allows(fewer, request_)


@given(RULE_LISTS)
def test_covers_is_reflexive(rules: list[Rule]) -> None:
    assert covers(rules, rules)


@given(RULE_LISTS, RULE_LISTS, RULE_LISTS)
def test_covers_is_transitive(first: list[Rule], second: list[Rule], third: list[Rule]) -> None:
    second = [*second, *uncovered(second, third)]
    first = [*first, *uncovered(first, second)]
    assert covers(second, third)
    assert covers(first, second)
    assert covers(first, third)


@given(RULE_LISTS, RULE_LISTS)
def test_more_rules_cover_no_less(first: list[Rule], more: list[Rule]) -> None:
    assert covers([*more, *first], first)
    assert covers(FULL_AUTHORITY, first)


@given(RULE_LISTS, RULE_LISTS, st.lists(REQUESTS, max_size=20))
def test_who_covers_can_do_all_of_it(owner: list[Rule], servant: list[Rule], requests: list[Request]) -> None:
    missing = uncovered(owner, servant)
    for request_ in requests:
        if allows(servant, request_):
            assert allows([*owner, *missing], request_)
            assert missing or allows(owner, request_)


@given(RULE_LISTS, RULE_LISTS)
def test_what_is_missing_is_all_that_is_missing(owner: list[Rule], servant: list[Rule]) -> None:
    missing = uncovered(owner, servant)
    assert covers([*owner, *missing], servant)
    assert covers(servant, missing)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (api_call("get", "", "pods", namespace="ns", name="a"), Request("get", "", "pods", "", "ns", "a")),
        (api_call("create", "", "pods", namespace="ns", name="a"), Request("create", "", "pods", "", "ns", "")),
        (
            api_call("create", "", "pods", subresource="exec", namespace="ns", name="a"),
            Request("create", "", "pods", "exec", "ns", "a"),
        ),
        (
            api_call("deletecollection", "", "pods", namespace="ns", name="a"),
            Request("deletecollection", "", "pods", "", "ns", ""),
        ),
        (api_call("list", "", "pods", namespace="ns", name="a"), Request("list", "", "pods", "", "ns", "a")),
        (api_call("list", "", "pods"), Request("list", "", "pods")),
        (api_call("get", "", "namespaces", name="ns"), Request("get", "", "namespaces", "", "ns", "ns")),
        (api_call("patch", "", "namespaces", name="ns"), Request("patch", "", "namespaces", "", "ns", "ns")),
        (
            api_call("update", "", "namespaces", subresource="finalize", name="ns"),
            Request("update", "", "namespaces", "finalize", "ns", "ns"),
        ),
        (api_call("create", "", "namespaces", name="ns"), Request("create", "", "namespaces")),
        (api_call("list", "", "namespaces"), Request("list", "", "namespaces")),
        (api_call("watch", "", "namespaces", name="ns"), Request("watch", "", "namespaces", "", "", "ns")),
        (api_call("get", "", "nodes", name="n"), Request("get", "", "nodes", "", "", "n")),
        (api_call("get", "x.io", "namespaces", name="n"), Request("get", "x.io", "namespaces", "", "", "n")),
    ],
)
def test_a_call_is_the_request_the_server_makes_of_it(call: Request, expected: Request) -> None:
    assert call == expected


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (None, ()),
        ([], ()),
        ([{}], (Rule(),)),
        ([None], (Rule(),)),
        ([{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}], (rule(),)),
        ([{"verbs": ["get"], "apiGroups": [None], "resources": ["pods"], "resourceNames": None}], (rule(),)),
        ([{"verbs": ["get"], "nonResourceURLs": ["/x"]}], (Rule(("get",), urls=("/x",)),)),
        (
            [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["a"], "other": 1}],
            (rule(names="a"),),
        ),
    ],
)
def test_rules_are_read_as_the_api_holds_them(rules: Any, expected: tuple[Rule, ...]) -> None:
    assert parse_rules(rules) == expected


@pytest.mark.parametrize(
    ("rules", "line"),
    [
        ({}, "Role/ns/r: rules is not a list"),
        ("*", "Role/ns/r: rules is not a list"),
        (["*"], "Role/ns/r rules[0]: is not a mapping"),
        ([{}, {"verbs": "*"}], "Role/ns/r rules[1]: verbs is not a list of texts"),
        ([{"resourceNames": [1]}], "Role/ns/r rules[0]: resourceNames is not a list of texts"),
    ],
)
def test_rules_that_the_api_refuses_are_refused(rules: Any, line: str) -> None:
    with pytest.raises(RbacError) as refused:
        parse_rules(rules, "Role/ns/r")
    assert str(refused.value) == line
