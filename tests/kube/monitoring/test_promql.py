"""What expressions of PromQL read: table of cases, and laws."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.kube.monitoring.promql import Matcher, Series, duration_seconds, is_constant, matches, series_of


@pytest.mark.parametrize(
    ("expression", "metrics"),
    [
        ("up == 0", ["up"]),
        ("up{job='api'} == 0", ["up"]),
        ("sum by (namespace) (rate(a_total[5m])) / on(namespace) group_left(team) b > bool 0.5", ["a_total"]),
        ("a * on(x) group_left() (b + c{d='e'}) > 0 and e", ["a", "e"]),
        ("a * on(x) group_right sum by (y) (rate(b[5m])) > 0 and e", ["a", "e"]),
        ("a unless on(x) b{c='d'}[5m:1m] offset 5m or e", ["a", "e"]),
        ("a unless (b or c) and d", ["a", "d"]),
        ("a unless sum(b) without (c) > 0 or d", ["a", "d"]),
        ("a unless", ["a"]),
        ("a * on() group_left", ["a"]),
        ("sum(rate(a[5m])) by (b, c)", ["a"]),
        ("max without(instance) (a offset 5m) and ignoring(b) c unless d or e", ["a", "c", "e"]),
        ("histogram_quantile(0.99, sum by (le) (rate(h_bucket[5m:30s]))) > 1e-3", ["h_bucket"]),
        ('label_replace(a, "b", "$1", "c", "(.*)") # d', ["a"]),
        ('{__name__="a", code="5"}', ["a"]),
        ('{"a.b", code="5"}', ["a.b"]),
        ('{__name__=~"a|b"}', [""]),
        ("job:a:rate5m > 0", ["job:a:rate5m"]),
        ("absent(a{b='c'}) == 1", ["a"]),
        ("vector(1)", []),
        ("time() - a @ end() > 3600", ["a"]),
        ("count_values by (x) ('v', a)", ["a"]),
        ("count", ["count"]),
        ("a[5m", ["a"]),
        ("a{b=", ["a"]),
        ("'never closed", ["never", "closed"]),
        ("", []),
    ],
)
def test_names_of_metrics_are_told_from_other_words(expression: str, metrics: list[str]) -> None:
    assert [each.metric for each in series_of(expression)] == metrics


def test_conditions_on_labels_are_read_with_their_texts() -> None:
    [series] = series_of('a{code=~"4..|5..", path!="/x\\"y", job=`z`,}')
    assert series == Series(
        "a", (Matcher("code", "=~", "4..|5.."), Matcher("path", "!=", '/x"y'), Matcher("job", "=", "z"))
    )


@pytest.mark.parametrize(
    ("operator", "wanted", "value", "answer"),
    [
        ("=", "a", "a", True),
        ("=", "a", "ab", False),
        ("!=", "a", "b", True),
        ("=~", "a|b", "b", True),
        ("=~", "a", "ab", False),
        ("=~", "a.*", "ab", True),
        ("=~", "a.+", "a", False),
        ("=~", "^(?:a|b)$", "a", True),
        ("=~", "4..", "404", True),
        ("=~", "[45]..", "503", True),
        ("=~", "", "", True),
        ("!~", "kube-.*", "ehr", True),
        ("!~", "kube-.*", "kube-system", False),
        ("=~", "(a+)+", "aaaa", None),
        ("!~", "(?i)a", "a", None),
        ("=~", ".*.*.*.*.*x", "aaaa", None),
        ("=~", "a" * 600, "a", None),
    ],
)
def test_patterns_hold_for_the_whole_value_and_are_left_open_where_not_plain(
    operator: str, wanted: str, value: str, answer: bool | None
) -> None:
    assert matches(operator, wanted, value) is answer


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("5m", 300),
        ("1h30m", 5400),
        ("1d", 86400),
        ("0", 0),
        ("0s", 0),
        ("1w", 604800),
        ("90", None),
        ("5 m", None),
        ("", None),
    ],
)
def test_durations(written: str, seconds: int | None) -> None:
    assert duration_seconds(written) == seconds


@pytest.mark.parametrize(
    ("expression", "constant"), [("vector(1)", True), (" vector( 1 ) ", True), ("vector(up)", False)]
)
def test_what_always_has_a_value(expression: str, constant: bool) -> None:
    assert is_constant(expression) is constant


NAMES = st.from_regex(r"[a-z]{3,8}_total", fullmatch=True)


@given(st.text(max_size=300))
def test_no_text_breaks_it(text: str) -> None:
    assert isinstance(series_of(text), tuple)


@given(NAMES, NAMES)
def test_a_name_within_quotes_is_never_a_metric(metric: str, hidden: str) -> None:
    found = {each.metric for each in series_of(f'{metric}{{label="{hidden}"}} > 0 # {hidden}')}
    assert found == {metric}


@given(st.lists(NAMES, min_size=1, max_size=5, unique=True), st.sampled_from([" + ", " and ", " / on(x) ", " or "]))
def test_every_operand_is_found(metrics: list[str], between: str) -> None:
    assert [each.metric for each in series_of(between.join(metrics))] == metrics
