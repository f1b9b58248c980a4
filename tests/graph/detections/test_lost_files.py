"""Files of a log that are not there, and levels that are lower: neither makes a pass of what was found before."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipaa_kit.graph.detections.hits import Hunt
from hipaa_kit.inventory.audit_log.completeness import _gaps, _levels, _windows
from hipaa_kit.kube.audit.detections import parts
from hipaa_kit.kube.audit.policy import Policy, Rule
from hipaa_kit.safeguards.suspicious_activity.hits import LOG, judged
from hipaa_kit.tables.audit_log import AUDIT_GAPS, AUDIT_LEVELS, AUDIT_SOURCES, AUDIT_WINDOWS
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.detections import DETECTION_HITS, DETECTION_SIGHT
from tests.support.audit_table import TableLog
from tests.support.detections import EXEC, at, site
from tests.support.sight import member, seen, tables_of

SERVERS, HOURS = ("cp-1", "cp-2"), 4
FILES = tuple((server, hour) for server in SERVERS for hour in range(HOURS))
STEP = 514
"""Seconds between two events of a server: less than a gap."""
MARKED = {"resource": "pods", "verb": "create", "namespace": "ehr", "user": "eve", "pod_marks": ["privileged"]}
Files = Iterable[tuple[str, int]]


def log_of(files: Files, found: Files, **act: Any) -> list[dict[str, Any]]:
    """Return the events of some files: routine, and the act in those in which something is found."""
    events = []
    for server, hour in files:
        place = {"server": server, "source": f"{server}/{hour}.log", "level": "Request"}
        seconds = range(3600 * hour, 3600 * (hour + 1), STEP)
        events += [
            {"resource": "nodes", "user": "ann", "received_at": at(each), "verb": "get", **place} for each in seconds
        ]
        if (server, hour) in found:
            events.append({**place, "received_at": at(3600 * hour + 1790), "name": "db-0", **act})
    return sorted(events, key=lambda each: each["received_at"])


def sources_of(files: Files) -> pd.DataFrame:
    counts = dict.fromkeys("lines events unread duplicates reused undated skipped".split(), 0)
    about = {"log": "kube-apiserver", "delivery": "file", "truncated": False, "format": "lines", **counts}
    rows = [{"source": f"{server}/{hour}.log", "server": server, **about} for server, hour in files]
    return AUDIT_SOURCES.frame([{key: row[key] for key in row if key in AUDIT_SOURCES.names} for row in rows])


def told(detection: str, events: list[dict[str, Any]], files: Files) -> tuple[str, str, list[tuple[str, str]]]:
    """Return the verdict on the log, its reason, and from when to when each hit is."""
    log, here = TableLog(events), site()
    tables = {
        "audit_windows": AUDIT_WINDOWS.conform(_windows(log, sources_of(files))),
        "audit_gaps": AUDIT_GAPS.conform(_gaps(log)),
        "audit_levels": AUDIT_LEVELS.frame(_levels(log)),
    }
    rows = {name: [*rows_of(frame)] for name, frame in tables.items()}
    members = [member(server) for server in SERVERS]
    every = tables_of(Policy((Rule("RequestResponse"),)))
    sight = seen(events=tuple(events), control_plane_members=members, **every, **rows)
    hits = DETECTION_HITS.frame(row for part in parts(detection) for row in Hunt(log, here).of(part))
    found = judged(detection, hits, DETECTION_SIGHT.frame(sight.values())).set_index("object")
    mine = hits[hits["detection"] == detection]
    whole = found.loc[LOG]
    return whole["verdict"], whole["reason"], [*zip(mine["first_at"], mine["last_at"], strict=True)]


def test_a_whole_log_passes_and_one_with_an_act_does_not() -> None:
    assert told("LOG-03", log_of(FILES, ()), FILES)[0] == "pass"
    verdict, _, hits = told("LOG-03", log_of(FILES, [FILES[5]], **EXEC), FILES)
    assert (verdict, len(hits)) == ("review", 1)


@settings(max_examples=5, deadline=None)
@given(
    kept=st.sets(st.sampled_from(FILES), min_size=1),
    found=st.sets(st.sampled_from(FILES), min_size=1),
)
def test_without_some_files_a_pass_is_of_a_time_in_which_nothing_was(
    kept: set[tuple[str, int]], found: set[tuple[str, int]]
) -> None:
    """What was lost at the beginning or end of all servers shortens the window that a pass names; all else is told."""
    whole = told("LOG-03", log_of(FILES, found, **EXEC), FILES)
    files = [each for each in FILES if each in kept]
    verdict, reason, _ = told("LOG-03", log_of(files, found, **EXEC), files)
    assert whole[0] != "pass"
    if verdict == "pass":
        first, last = reason.partition("from ")[2].partition(";")[0].split(",")[0].split(" to ")
        assert not [hit for hit in whole[2] if hit[1][:19] >= first[:19] and hit[0][:19] <= last[:19]], reason


@pytest.mark.parametrize("lower", ["Metadata", ""])
@pytest.mark.parametrize("number", [0, 2])
def test_a_lower_level_makes_no_pass_of_what_was_found(lower: str, number: int) -> None:
    """At Metadata nothing says what was written; the log itself shows that it was."""
    acts = FILES[1:4]
    events = log_of(FILES, acts, **MARKED)
    assert told("LOG-15", events, FILES)[0] == "review"
    written = [each for each in events if each.get("pod_marks")]
    for each in [*written[:number], *written[number + 1 :], *written[number : number + 1]]:
        each |= {"level": lower, "pod_marks": []}
        assert told("LOG-15", events, FILES)[0] != "pass"
