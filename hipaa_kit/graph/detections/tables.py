"""Tables of detections: hits, and sight."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pandas as pd

from hipaa_kit.graph.detections.hits import Hunt
from hipaa_kit.graph.detections.sight import Held, levels_told, sights
from hipaa_kit.graph.detections.site import SITE_TABLES, Site, site_of
from hipaa_kit.inventory.audit import POLICIES, log_readers
from hipaa_kit.inventory.audit_log.remembered import of_log
from hipaa_kit.inventory.monitoring.detectors import AUDIT_WEBHOOK
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.sources.audit_log.asking import Log
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.detections import DETECTION_HITS, DETECTION_SIGHT
from hipaa_kit.tables.lookup import TableSet

ALSO: Final = ("volumes", "detectors")
HELD: Final = ("audit_levels", "audit_windows", "audit_gaps")
OPTIONAL: Final = ("detection_settings", "access_matrix", "workforce", "tickets")
SIGHT: Final = (
    "audit_sources",
    "audit_probes",
    "audit_policy_states",
    "audit_silences",
    "audit_backends",
    "control_plane_members",
    "pod_admission",
    *POLICIES,
)


def site_from(tables: TableSet, held: Held | None = None) -> Site:
    """Return what the tables say of a site, and of its hours over the time of a log."""
    logging = {*log_readers(tables["pods"], tables["volumes"])}
    # An API server that sends its events elsewhere stands in no namespace of what reads them.
    detectors = tables["detectors"]
    watching = detectors.loc[(detectors["state"] != "no") & (detectors["engine"] != AUDIT_WEBHOOK), "object"]
    logging |= {parse_object_id(each)[1] for each in watching} - {""}
    span = held.span if held else None
    return site_of(tables, sorted(logging), (span[0].to_pydatetime(), span[1].to_pydatetime()) if span else None)


@builds(DETECTION_HITS, optional=OPTIONAL, uses=(*SITE_TABLES, *ALSO, *HELD))
def detection_hits(snapshot: Snapshot, tables: TableSet) -> pd.DataFrame:
    """Return a row per hit; without a log there is none, and no check takes that for nothing found."""
    log = snapshot.audit_log
    if log is None:
        return DETECTION_HITS.frame()
    held = Held.of(tables)
    site = site_from(tables, held)
    made_from = [held.windows, held.gaps, *site.parts()]
    return of_log(DETECTION_HITS, log, made_from, lambda log: _hits(log, site, held))


def _hits(log: Log, site: Site, held: Held) -> Iterator[dict[str, Any]]:
    windows = held.windows
    best_effort = set(windows.loc[windows["delivery"] == "best_effort", "object"])
    gaps = (_gap(row, row["object"] in best_effort) for row in rows_of(held.gaps))
    # Names that cannot be seen are escaped, and two may come to look alike: a sender must not stop us by that.
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in (*Hunt(log, site).rows(), *gaps):
        same = found.setdefault(tuple(row[name] for name in DETECTION_HITS.key), row)
        if same is not row:
            same["events"] += row["events"]
            same["refused"] += row["refused"]
    yield from found.values()


def _gap(row: dict[str, Any], best_effort: bool) -> dict[str, Any]:
    """Return a time in which one server wrote nothing as a hit; deliveries that may lose events tell less by it."""
    name, first, last = (row[each] for each in ("object", "first_at", "last_at"))
    return {
        "detection": "LOG-16",
        "part": "gap",
        "object": name,
        "subject": "",
        "first_at": first,
        "last_at": last,
        "events": 0,
        "refused": 0,
        "measured": float(row["minutes"]),
        "severity": "low" if best_effort else "medium",
        "what": f"{name} holds nothing for {row['minutes']:.0f} minutes, from {first} to {last}",
        "audit_ids": "",
        "places": "",
    }


@builds(DETECTION_SIGHT, optional=(*OPTIONAL, *SIGHT[1:]), uses=(*SITE_TABLES, *ALSO, *HELD, *SIGHT))
def detection_sight(snapshot: Snapshot, tables: TableSet) -> Iterator[dict[str, Any]]:
    """Yield a row per detection that reads the log; without a log there is none."""
    if snapshot.audit_log is None:
        return
    held = Held.of(tables)
    site = site_from(tables, held)
    told = levels_told(snapshot.audit_log, site)
    yield from sights({name: tables[name] for name in SIGHT}, held, site, len(tables["workforce"]) > 0, told)
