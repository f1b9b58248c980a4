"""The audit log: reading it into the store, in which memory, and how fast questions are answered.

`HIPAA_KIT_BENCH_AUDIT_MB` is the size of the log, 200 by default and 10,000 with `HIPAA_KIT_BENCH=full`.
"""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import duckdb
import pandas as pd
import pytest
import simdjson
from measuring import cpu, in_a_process, size
from synthetic_audit import write_logs

import hipaa_kit.inventory
from hipaa_kit.graph.detections.hits import Hunt
from hipaa_kit.graph.detections.site import STOCK_LISTS, Site
from hipaa_kit.inventory.registry import Inventory, discover
from hipaa_kit.kube.audit.detections import DETECTIONS
from hipaa_kit.sources.audit_log import AuditLog
from hipaa_kit.sources.inputs import no_inputs, with_audit_log
from hipaa_kit.sources.snapshot import Snapshot
from tests.support.snapshots import snapshot_of

MEGABYTES = size("AUDIT_MB", 200, 10_000)
MEMORY_MB = 1_000

INGEST = """
import json, sys, time
from hipaa_kit.sources.audit_log import ingest
start = time.process_time()
print(json.dumps({"events": ingest([sys.argv[1]], sys.argv[2]).events, "reading": time.process_time() - start}))
"""
QUERY = """
import json, sys, time
from hipaa_kit.sources.audit_log import AuditLog
start = time.process_time()
found = AuditLog.open(sys.argv[1]).query(
    'SELECT "user", resource, verb, count(*) AS n, min(received_at) AS first, count(DISTINCT name) AS names'
    " FROM audit_events GROUP BY ALL ORDER BY n DESC LIMIT 1000"
)
print(json.dumps({"rows": len(found), "asking": time.process_time() - start}))
"""
KEPT = 'SELECT "user", resource, verb, count(*) AS n FROM audit_events GROUP BY ALL ORDER BY ALL'
RAW = """
    SELECT "user".username AS "user", objectRef.resource AS resource, verb, count(*) AS n
    FROM read_ndjson($files, ignore_errors = true, columns = {
        verb: 'VARCHAR', "user": 'STRUCT(username VARCHAR)', objectRef: 'STRUCT(resource VARCHAR)'})
    GROUP BY ALL ORDER BY ALL"""
"""One question, of the kept copy and of the raw lines; of these the engine reads nothing but what the answer needs."""


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    folder = tmp_path_factory.mktemp("audit") / "logs"
    return folder, write_logs(folder, MEGABYTES * 1_000_000)


@pytest.fixture(scope="module")
def store(logs: tuple[Path, int]) -> dict:
    start = time.monotonic()
    said = in_a_process(INGEST, logs[0], logs[0].parent / "store")
    return {**said, "seconds": time.monotonic() - start, "folder": logs[0].parent / "store"}


@pytest.fixture(scope="module")
def simdjson_seconds(logs: tuple[Path, int]) -> float:
    """CPU seconds in which simdjson parses a megabyte of the log, and takes nothing from it."""
    first = next(iter(sorted(logs[0].rglob("*.log")))).read_bytes().splitlines()[:50_000]
    parser = simdjson.Parser()

    def parse() -> None:
        for line in first:
            found = parser.parse(line)
            del found  # a parser cannot be used again while something of it is held

    return cpu(parse) / sum(map(len, first)) * 1e6


def test_reading_a_log(benchmark, logs: tuple[Path, int], store: dict, simdjson_seconds: float) -> None:
    benchmark.pedantic(lambda: None)
    held = sum(path.stat().st_size for path in store["folder"].rglob("*") if path.is_file())
    benchmark.extra_info.update(
        megabytes=MEGABYTES,
        events=store["events"],
        peak_mb=round(store["peak_mb"]),
        megabytes_per_cpu_second=round(MEGABYTES / store["reading"], 1),
        simdjson_megabytes_per_cpu_second=round(1 / simdjson_seconds),
        ratio_to_simdjson=round(store["reading"] / MEGABYTES / simdjson_seconds, 1),
        store_mb=round(held / 1e6),
        seconds=round(store["seconds"], 1),
    )
    assert store["events"] == logs[1]
    assert store["peak_mb"] < MEMORY_MB


def test_a_question_to_the_store(benchmark, store: dict) -> None:
    said = in_a_process(QUERY, store["folder"])
    benchmark.pedantic(lambda: None)
    benchmark.extra_info.update(
        peak_mb=round(said["peak_mb"]), megabytes_of_log_per_cpu_second=round(MEGABYTES / said["asking"])
    )
    assert said["peak_mb"] < MEMORY_MB


def test_a_question_to_the_raw_lines(benchmark, logs: tuple[Path, int], store: dict, simdjson_seconds: float) -> None:
    """What a scan costs that keeps nothing; where no line is damaged or repeated it gives the answer of the store."""
    connection = duckdb.connect(config={"memory_limit": f"{MEMORY_MB}MB"})
    asked = {"files": sorted(map(str, logs[0].rglob("*.log")))}
    seconds = cpu(lambda: connection.execute(RAW, asked).fetchall()) / MEGABYTES
    benchmark.pedantic(lambda: None)
    benchmark.extra_info.update(
        megabytes_per_cpu_second=round(1 / seconds), ratio_to_simdjson=round(seconds / simdjson_seconds, 1)
    )
    raw = connection.execute(RAW, asked).df()
    pd.testing.assert_frame_equal(raw, AuditLog.open(store["folder"]).query(KEPT))


KEYS = ["log", "api_group", "resource", "subresource", "kind"]


def levels_of(snapshot: Snapshot, log: AuditLog) -> pd.DataFrame:
    """Return table `audit_levels` of a log, by the kit's own function."""
    discover(hipaa_kit.inventory)
    return Inventory(replace(snapshot, audit_log=log), inputs=with_audit_log(no_inputs(), log))["audit_levels"]


def test_parts_on_a_cluster(store: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the kit's own functions say of each part on its own worker, added up, is what they say of the whole."""
    distributed = pytest.importorskip("distributed", reason="install dask[distributed] to run it on a cluster")
    monkeypatch.setenv("HIPAA_KIT_TABLE_CACHE", "off")
    statement = 'SELECT "user", verb, count(*) AS n FROM audit_events GROUP BY ALL'
    log, snapshot = AuditLog.open(store["folder"]), snapshot_of()
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1) as cluster, distributed.Client(cluster) as client:
        places = cycle(client.scheduler_info()["workers"])
        counted = [client.submit(part.query, statement, workers=next(places)) for part in log.partitions()]
        levels = [client.submit(levels_of, snapshot, part, workers=next(places)) for part in log.partitions()]
        distributed.wait([*counted, *levels])
        workers = {each for told in client.who_has(levels).values() for each in told}
        partial, told = client.gather(counted), client.gather(levels)
    added = pd.concat(partial).groupby(["user", "verb"])["n"].sum()
    assert added.to_dict() == log.query(statement).set_index(["user", "verb"])["n"].to_dict()
    whole = levels_of(snapshot, log)
    assert pd.concat(told).groupby(KEYS)["events"].sum().to_dict() == whole.set_index(KEYS)["events"].to_dict()
    assert len(told) > 1
    assert len(workers) > 1


def hits_of(log: AuditLog, site: Site, number: int) -> list[dict]:
    """Return the hits of one part of one detection in a log."""
    return list(Hunt(log, site).of(DETECTIONS[number]))


def test_detections_on_a_cluster(store: dict) -> None:
    """A detection needs the whole log, for what came before and after; which worker asks it makes no difference."""
    distributed = pytest.importorskip("distributed", reason="install dask[distributed] to run it on a cluster")
    log = AuditLog.open(store["folder"])
    places = pd.DataFrame([("ephi_namespaces", "ns-3", "")], columns=["list", "first", "second"], dtype="str")
    site = Site(lists={name: list(words) for name, words in STOCK_LISTS.items()}, places=places)
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1) as cluster, distributed.Client(cluster) as client:
        workers = cycle(client.scheduler_info()["workers"])
        asked = [client.submit(hits_of, log, site, at, workers=next(workers)) for at in range(len(DETECTIONS))]
        distributed.wait(asked)
        used = {each for told in client.who_has(asked).values() for each in told}
        found = [hit for hits in client.gather(asked) for hit in hits]
    assert found
    assert len(used) > 1
    assert sorted(map(str, found)) == sorted(map(str, Hunt(log, site).rows()))  # tables sort them
