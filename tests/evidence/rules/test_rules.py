"""Detections as rules of other engines: well formed, and for Loki the same events as the kit finds."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
import yaml

from hipaa_kit.evidence.rules.fields import UNSAID
from hipaa_kit.evidence.rules.loki import left_out, loki_rules, loki_text, query_of
from hipaa_kit.evidence.rules.sigma import sigma_text
from hipaa_kit.graph.detections.site import STOCK_LISTS, Site
from hipaa_kit.graph.detections.sql import requests
from hipaa_kit.kube.audit.conditions import Truth
from hipaa_kit.kube.audit.detections import DETECTIONS, Detection
from hipaa_kit.sources.audit_log import ingest
from tests.support.logql import matching

CASES = Path(__file__).parents[2] / "safeguards" / "suspicious_activity"
LISTS = {
    **STOCK_LISTS,
    "ephi_namespaces": ["ehr"],
    "ephi_volumes": ["pv-1"],
    "logging_namespaces": ["logging"],
    "break_glass_bindings": ['ClusterRoleBinding "emergency"'],
    "break_glass": ['ClusterRoleBinding "emergency"'],
    "gitops": ["system:serviceaccount:argocd:controller"],
}
PLACES = [("ephi_namespaces", "ehr", ""), ("ephi_volumes", "pv-1", ""), ("logging_namespaces", "logging", "")]
FIRST = "634ef320-116a-554a-96df-3af3ab25530f"
WRITTEN = [each for each in DETECTIONS if query_of(each, LISTS)]


@cache
def lines() -> list[str]:
    """Every event of the cases that is one, and nothing twice."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(CASES.glob("HK-LOG-*/*/audit_log/*.log"))]
    found = dict.fromkeys(line for text in texts for line in text.splitlines() if line.startswith("{"))
    return [json.dumps({**json.loads(line), "auditID": f"n-{number}"}) for number, line in enumerate(found)]


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    folder = tmp_path_factory.mktemp("log")
    (folder / "audit.log").write_text("\n".join(lines()) + "\n", encoding="utf-8")
    return ingest([folder / "audit.log"], folder / "store")


def name(detection: Detection) -> str:
    return f"{detection.id} {detection.part}".strip()


@pytest.mark.parametrize("detection", WRITTEN, ids=name)
def test_loki_finds_the_requests_that_the_kit_finds(detection: Detection, log) -> None:
    site = Site(lists=LISTS, places=pd.DataFrame(PLACES, columns=["list", "first", "second"], dtype="str"))
    told = log.query(requests(site.writer.where(detection.where), "audit_id"), **site.frames)
    ours = set(told["audit_id"])
    theirs = {json.loads(line)["auditID"] for line in matching(query_of(detection, LISTS) or "", lines())}
    assert ours, "no event of the cases meets it: this test would show nothing"
    if detection.id == "LOG-20":
        # A path that is escaped where the kit knows it to be metrics is found by Loki: more, never less.
        assert ours <= theirs
    elif detection.id == "LOG-04":
        # Programs that are escaped letter by letter are found by the kit alone.
        assert theirs <= ours
        assert len(theirs) > len(ours) / 2
    else:
        # Rules of other engines make no exception of dry runs: more than the server heeds could hide behind one.
        dry = set(log.query(requests(site.writer.where(Truth("dry_run", True)), "audit_id"), **site.frames)["audit_id"])
        assert ours <= theirs
        assert theirs - ours <= dry


def test_a_rule_for_loki_finds_dry_runs_that_the_kit_leaves_out(log) -> None:
    site = Site(lists=LISTS, places=pd.DataFrame(PLACES, columns=["list", "first", "second"], dtype="str"))
    (detection,) = (each for each in WRITTEN if name(each) == "LOG-30")
    ours = set(log.query(requests(site.writer.where(detection.where), "audit_id"), **site.frames)["audit_id"])
    theirs = {json.loads(line)["auditID"] for line in matching(query_of(detection, LISTS) or "", lines())}
    assert theirs > ours


def test_every_detection_is_written_or_said_why_not() -> None:
    unwritten = dict(left_out(LISTS))
    assert {name(each) for each in DETECTIONS} == {name(each) for each in WRITTEN} | set(unwritten)
    assert {" ".join(key).strip() for key in UNSAID} <= set(unwritten)
    assert all(unwritten.values())
    # Without a snapshot nothing that is about ePHI can be written for Loki.
    assert "LOG-03" in dict(left_out(STOCK_LISTS))
    assert "LOG-09" not in dict(left_out(STOCK_LISTS))


def test_rules_for_loki_are_a_file_that_its_ruler_takes() -> None:
    held = yaml.safe_load(loki_text(LISTS))
    assert held == loki_rules(LISTS)
    (group,) = held["groups"]
    assert len(group["rules"]) == len(WRITTEN) + 1
    for rule in group["rules"]:
        assert set(rule) == {"alert", "expr", "labels", "annotations"}
        assert rule["expr"].count("(") - rule["expr"].count("\\(") == rule["expr"].count(")") - rule["expr"].count(
            "\\)"
        )


def test_sigma_rules_have_what_the_specification_asks_for() -> None:
    documents = list(yaml.safe_load_all(sigma_text()))
    rules = {each["name"]: each for each in documents if "detection" in each}
    assert len({each["id"] for each in documents}) == len(documents)
    for rule in rules.values():
        assert {"title", "id", "logsource", "detection", "level", "status"} <= set(rule)
        words = rule["detection"]["condition"].replace("(", " ").replace(")", " ").split()
        named = {word for word in words if word not in ("and", "or", "not")}
        assert named == set(rule["detection"]) - {"condition"}, rule["name"]
    for each in documents:
        if "correlation" in each:
            assert set(each["correlation"]["rules"]) <= set(rules)
    wanted = {each.id for each in DETECTIONS if (each.id, each.part) not in UNSAID}
    assert {rule["title"].split(":")[0].split()[0] for rule in rules.values()} == wanted


def test_ids_of_sigma_rules_stay_the_same() -> None:
    first = next(yaml.safe_load_all(sigma_text()))
    assert (first["name"], first["id"]) == ("hipaa_kit_log_01_by_user", FIRST)
