"""What Istio makes of connections to a pod, by the order of its PeerAuthentications."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.kube.mesh import BY_DEFAULT, ROOT, PeerAuthentication, taken_in

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
