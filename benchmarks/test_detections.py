"""All detections over a million events of a made log: half a minute of processor at most, the planted hits among them.

`HIPAA_KIT_DETECTION_EVENTS` sets how many. The log is written straight into a store by the engine, since reading files
has a benchmark of its own. What is held is time of the processor, all threads together: what else a machine does is not
ours to measure.
"""

from __future__ import annotations

import os
import time
from typing import Any

import duckdb
import pandas as pd
import pytest

from hipaa_kit.graph.detections.hits import Hunt
from hipaa_kit.graph.detections.site import STOCK_LISTS, Site

EVENTS = int(os.environ.get("HIPAA_KIT_DETECTION_EVENTS", "1000000"))
SECONDS = 30.0

MADE = """
    CREATE TABLE audit_events AS SELECT
        i AS event, 'id-' || i AS audit_id, 'ResponseComplete' AS stage, 'Metadata' AS level,
        TIMESTAMP '2026-10-01' + INTERVAL (i * 2592000.0 / $events) SECONDS AS received_at, received_at AS stage_at,
        CASE WHEN r < 60 THEN 'system:node:n' || (i % 200)
            WHEN r < 85 THEN 'system:serviceaccount:shop:worker-' || (i % 300)
            WHEN r < 97 THEN 'system:serviceaccount:kube-system:replicaset-controller'
            ELSE 'person-' || (i % 50) || '@clinic.example' END AS "user",
        ['system:authenticated'] AS user_groups, '' AS user_pod, '' AS impersonated_user,
        []::VARCHAR[] AS impersonated_groups,
        '10.0.' || (i % 7) || '.' || (i % 250) AS source_ip, [source_ip] AS source_ips, 'kubectl/v1.34' AS user_agent,
        CASE WHEN r % 5 = 0 THEN 'apps' ELSE '' END AS api_group,
        CASE WHEN r % 5 = 0 THEN 'deployments' WHEN r % 11 = 0 THEN 'secrets' WHEN r % 7 = 0 THEN 'configmaps'
            ELSE 'pods' END AS resource,
        '' AS subresource, CASE WHEN i % 3 = 0 THEN 'ehr' ELSE 'ns-' || (i % 40) END AS namespace,
        'object-' || (i % 5000) AS name, '/api/v1/' || resource AS path, []::VARCHAR[] AS programs,
        []::VARCHAR[] AS command_marks, CASE WHEN i % 97 = 0 THEN 403 ELSE 200 END AS code, 'allow' AS decision,
        'RBAC: allowed' AS decision_reason, []::VARCHAR[] AS pod_security, '' AS role_ref, []::VARCHAR[] AS bound,
        []::VARCHAR[] AS role_marks, []::VARCHAR[] AS pod_marks, []::VARCHAR[] AS claims, '' AS owner,
        '' AS service_type, NULL::BOOLEAN AS tls, '' AS data_source, NULL::BOOLEAN AS namespace_mapping,
        false AS dry_run, 'none' AS body,
        CASE WHEN i % 20 = 0 THEN 'patch' WHEN i % 4 = 0 THEN 'list' ELSE 'get' END AS verb,
        'cp-' || (i % 3) AS server, 'kube-apiserver' AS log, 'audit.log' AS source, i AS line
    FROM (SELECT range AS i, hash(range) % 100 AS r FROM range($events))"""
PLANTED = """
    UPDATE audit_events SET "user" = 'eve', verb = 'create', api_group = '', resource = 'pods', subresource = 'exec',
        namespace = 'ehr', name = 'db-0', command_marks = ['shell'], code = 101
    WHERE event IN (1000, 500000)"""


class MadeLog:
    """A made log in memory."""

    def __init__(self, events: int) -> None:
        self.digest = f"made of {events} events"
        self.connection = duckdb.connect(config={"memory_limit": "900MB", "threads": 2})
        self.connection.execute(MADE, {"events": events})
        self.connection.execute(PLANTED)

    def query(self, sql: str, parameters: Any = None, **frames: pd.DataFrame) -> pd.DataFrame:
        cursor = self.connection.cursor()
        for name, frame in frames.items():
            cursor.register(name, frame)
        return cursor.execute(sql, parameters or {}).df()


@pytest.mark.benchmark
def test_all_detections_over_a_million_events() -> None:
    log = MadeLog(EVENTS)
    places = pd.DataFrame([("ephi_namespaces", "ehr", ""), ("ephi_secrets", "ehr", "object-11")])
    places.columns = ["list", "first", "second"]
    lists = {name: list(words) for name, words in STOCK_LISTS.items()}
    started, busy = time.perf_counter(), time.process_time()
    rows = list(Hunt(log, Site(lists=lists, places=places.astype("str"))).rows())
    taken, worked = time.perf_counter() - started, time.process_time() - busy
    found = pd.DataFrame(rows)["detection"].value_counts().to_dict()
    print(f"\n{EVENTS} events: {taken:.1f} s, {worked:.1f} s of processor; hits {found}")
    assert found["LOG-03"] == 2
    assert found["LOG-04"] == 2
    assert worked < SECONDS * max(1, EVENTS / 1_000_000)
