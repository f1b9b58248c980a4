"""What Istio makes of connections to a pod, by the order of its PeerAuthentications."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.kube.mesh import BY_DEFAULT, ROOT, PeerAuthentication, ProxyChange, changed_by, taken_in

LABELS = {"app": "web", "tier": "front"}
WIDE = PeerAuthentication("mesh", ROOT, mode="STRICT")
SPACE = PeerAuthentication("space", "ehr", mode="PERMISSIVE")
NARROW = PeerAuthentication("narrow", "ehr", {"app": "web"}, "DISABLE")


@pytest.mark.parametrize(
    ("policies", "mode", "source"),
    [
        ([], "permissive", BY_DEFAULT),
        ([WIDE], "strict", "mesh"),
        ([WIDE, SPACE], "permissive", "space"),
        ([WIDE, SPACE, NARROW], "disabled", "narrow"),
        ([WIDE, PeerAuthentication("unset", "ehr")], "strict", "mesh"),
        ([PeerAuthentication("unset", "ehr", {"app": "web"}), SPACE], "permissive", "space"),
        ([PeerAuthentication("other", "shop", mode="STRICT")], "permissive", BY_DEFAULT),
        ([PeerAuthentication("other", "ehr", {"app": "db"}, "STRICT")], "permissive", BY_DEFAULT),
        ([PeerAuthentication("both", "ehr", {"app": "web", "tier": "back"}, "STRICT")], "permissive", BY_DEFAULT),
        ([PeerAuthentication("root", ROOT, {"app": "web"}, "STRICT")], "permissive", BY_DEFAULT),
        ([PeerAuthentication("odd", "ehr", mode="SOMETIMES")], "unknown", "odd"),
        (
            [
                PeerAuthentication("new", "ehr", mode="STRICT", created_at="2026-02-01T00:00:00Z"),
                PeerAuthentication("old", "ehr", mode="DISABLE", created_at="2026-01-01T00:00:00Z"),
            ],
            "disabled",
            "old",
        ),
    ],
)
def test_the_narrowest_policy_that_is_set_holds(policies: list[PeerAuthentication], mode: str, source: str) -> None:
    taken = taken_in(policies, "ehr", LABELS)
    assert (taken.mode, taken.source) == (mode, source)


def test_ports_differ_only_where_a_selector_says_so() -> None:
    wide = PeerAuthentication("mesh", ROOT, mode="STRICT", ports={80: "DISABLE"})
    own = PeerAuthentication("own", "ehr", {"app": "web"}, "UNSET", {80: "DISABLE", 81: "STRICT", 82: "UNSET"})
    assert taken_in([wide], "ehr", LABELS).ports == {}
    assert taken_in([wide, own], "ehr", LABELS).ports == {80: ("disabled", "own")}


def test_another_root_namespace_holds_in_the_whole_mesh() -> None:
    policy = PeerAuthentication("mesh", "mesh-root", mode="STRICT")
    assert taken_in([policy], "ehr", LABELS).mode == "permissive"
    assert taken_in([policy], "ehr", LABELS, "mesh-root").mode == "strict"


MODES = st.sampled_from(["UNSET", "STRICT", "PERMISSIVE", "DISABLE"])
POLICIES = st.lists(
    st.builds(
        PeerAuthentication,
        st.sampled_from("abcdef"),
        st.sampled_from([ROOT, "ehr", "shop"]),
        st.sampled_from([{}, {"app": "web"}, {"app": "db"}]),
        MODES,
    ),
    max_size=6,
    unique_by=lambda each: each.object,
)


@given(POLICIES)
def test_without_a_policy_that_says_strict_nothing_is(policies: list[PeerAuthentication]) -> None:
    if taken_in(policies, "ehr", LABELS).mode == "strict":
        assert any(each.mode == "STRICT" and each.selects("ehr", LABELS, ROOT) for each in policies)


@given(POLICIES, st.randoms())
def test_the_order_in_which_policies_are_read_changes_nothing(
    policies: list[PeerAuthentication], random: object
) -> None:
    shuffled = list(policies)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert taken_in(shuffled, "ehr", LABELS) == taken_in(policies, "ehr", LABELS)


@pytest.mark.parametrize(
    ("patches", "ways"),
    [
        ([], {"in", "out"}),
        ([("HTTP_FILTER", "")], {"in", "out"}),
        ([("HTTP_FILTER", "ANY")], {"in", "out"}),
        ([("LISTENER", "SIDECAR_INBOUND")], {"in"}),
        ([("CLUSTER", "SIDECAR_OUTBOUND")], {"out"}),
        ([("CLUSTER", "SIDECAR_OUTBOUND"), ("FILTER_CHAIN", "SIDECAR_INBOUND")], {"in", "out"}),
        ([("HTTP_FILTER", "GATEWAY")], set()),
        ([("BOOTSTRAP", "GATEWAY")], {"in", "out"}),
        ([("LISTENER", "WAYPOINT")], {"in", "out"}),
    ],
)
def test_a_patch_changes_what_its_context_names(patches: list[tuple[str, str]], ways: set[str]) -> None:
    assert changed_by(patches) == ways


@pytest.mark.parametrize(
    ("change", "sidecar", "ambient"),
    [
        (ProxyChange("all of it", "ehr"), True, False),
        (ProxyChange("elsewhere", "shop"), False, False),
        (ProxyChange("root", ROOT), True, False),
        (ProxyChange("selects", "ehr", {"app": "web"}), True, False),
        (ProxyChange("selects from the root", ROOT, {"app": "web"}), True, False),
        (ProxyChange("selects another", "ehr", {"app": "db"}), False, False),
        (ProxyChange("selects half", "ehr", {"app": "web", "tier": "back"}), False, False),
        (ProxyChange("service", "ehr", targets=frozenset(["Service"])), False, True),
        (ProxyChange("service elsewhere", "shop", targets=frozenset(["Service"])), False, False),
        (ProxyChange("waypoint elsewhere", "shop", targets=frozenset(["Gateway"])), False, True),
        (ProxyChange("class", ROOT, targets=frozenset(["GatewayClass"])), False, True),
        (ProxyChange("class elsewhere", "shop", targets=frozenset(["GatewayClass"])), False, False),
    ],
    ids=lambda each: each.object if isinstance(each, ProxyChange) else "",
)
def test_whom_a_filter_is_for(change: ProxyChange, sidecar: bool, ambient: bool) -> None:
    assert change.reaches("ehr", LABELS, ROOT, ambient=False) is sidecar
    assert change.reaches("ehr", LABELS, ROOT, ambient=True) is ambient


@given(st.dictionaries(st.sampled_from(["app", "tier", "x"]), st.sampled_from(["web", "front", "db"])))
def test_a_wider_selector_reaches_no_fewer_pods(selector: dict[str, str]) -> None:
    narrow = ProxyChange("narrow", "ehr", selector)
    wider = ProxyChange("wider", "ehr", dict(list(selector.items())[1:]))
    if narrow.reaches("ehr", LABELS, ROOT, ambient=False):
        assert wider.reaches("ehr", LABELS, ROOT, ambient=False)
