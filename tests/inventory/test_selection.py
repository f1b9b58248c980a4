"""Which pods a selector selects, by an index: the same as when it is held against every pod."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.inventory.pods import PodView
from hipaa_kit.inventory.selection import PodIndex
from hipaa_kit.kube.selectors import label_selector

WORDS = st.sampled_from(["web", "db", "x"])
LABELS = st.dictionaries(WORDS, WORDS, max_size=3)
EXPRESSIONS = st.one_of(
    st.builds(
        lambda key, operator, values: {"key": key, "operator": operator, "values": sorted(values)},
        WORDS,
        st.sampled_from(["In", "NotIn"]),
        st.sets(WORDS, min_size=1),
    ),
    st.builds(
        lambda key, operator: {"key": key, "operator": operator}, WORDS, st.sampled_from(["Exists", "DoesNotExist"])
    ),
)
SELECTORS = st.builds(
    lambda labels, expressions: {"matchLabels": labels, "matchExpressions": expressions},
    LABELS,
    st.lists(EXPRESSIONS, max_size=2),
)
PODS = st.lists(
    st.tuples(st.sampled_from(["ehr", "portal"]), LABELS, st.sampled_from(["Running", "Succeeded", "Failed"]))
)


@given(PODS, SELECTORS)
def test_the_index_finds_the_running_pods_that_a_selector_matches(pods, selector) -> None:
    views = [
        PodView(
            namespace,
            f"pod-{number}",
            "",
            True,
            {"metadata": {"labels": labels}, "status": {"phase": phase}},
            {},
        )
        for number, (namespace, labels, phase) in enumerate(pods)
    ]
    meant = label_selector(selector)
    expected = {
        view.object
        for view, (namespace, labels, phase) in zip(views, pods, strict=True)
        if namespace == "ehr" and phase == "Running" and meant.matches(labels)
    }
    found = [pod.object for pod in PodIndex(iter(views)).selected("ehr", meant)]
    assert len(found) == len(set(found))
    assert set(found) == expected
