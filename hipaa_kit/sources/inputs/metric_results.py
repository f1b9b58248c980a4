"""Results of Prometheus queries: names, an allow-list of labels, values.

Source: https://prometheus.io/docs/prometheus/latest/querying/api/ (instant and range queries).
Labels may hold anything (paths, user names, queries), so those that no check needs are dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from hipaa_kit.sources.inputs.declaration import Form, Input, Reading, Row, items
from hipaa_kit.sources.inputs.values import get, moment, number, text
from hipaa_kit.tables.observed import METRIC_LABELS, METRIC_SAMPLES


def is_result(document: Any) -> bool:
    """Tell whether a document is the answer to a query."""
    kind = text(document, "data", "resultType")
    return text(document, "status") == "success" and kind in ("vector", "matrix", "scalar")


def read_result(document: Any, reading: Reading) -> Iterator[Row]:
    """Yield the series of a result, each with its first and last sample."""
    result = get(document, "data", "result")
    if text(document, "data", "resultType") == "scalar":
        result = [{"metric": {}, "value": result}]
    for series in items(result):
        samples = series.get("values") if isinstance(series.get("values"), list) else [series.get("value")]
        known = [(moment(get(each, 0)), number(get(each, 1))) for each in samples or []]
        known = sorted((at, value) for at, value in known if at and value is not None)
        if not known:
            continue
        values = [value for _, value in known if value is not None]
        row = {
            "source": reading.source,
            "metric": text(series, "metric", "__name__"),
            **{name: text(series, "metric", name) for name in METRIC_LABELS},
            "samples": len(known),
            "first_at": known[0][0],
            "last_at": known[-1][0],
            "last": known[-1][1],
            "least": min(values),
            "most": max(values),
        }
        yield Row(METRIC_SAMPLES, row)


INPUTS: Final = (
    Input(
        "metric_results",
        "results of queries to Prometheus",
        (Form("answer of the Prometheus API", is_result, read_result),),
        (METRIC_SAMPLES,),
        "for q in up container_memory_working_set_bytes kubelet_volume_stats_used_bytes "
        "kubelet_volume_stats_capacity_bytes; do curl -sG http://PROMETHEUS:9090/api/v1/query "
        '--data-urlencode "query=$q" > inputs/$q.json; done',
    ),
)
