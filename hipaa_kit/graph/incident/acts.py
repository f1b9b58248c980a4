"""What those in question did, by the audit log: in groups of like requests, and hour by hour."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import pandas as pd

from hipaa_kit.graph.incident.asking import MOMENT, REQUESTS, SHOWN, ends_at
from hipaa_kit.graph.incident.identities import Suspect, frame_of
from hipaa_kit.inventory.ephi import ephi_namespaces
from hipaa_kit.sources.audit_log import AuditLog
from hipaa_kit.tables.incident import INCIDENT_ACTS, INCIDENT_HOURS

NAMES: Final = 25
"""Objects of one kind in one namespace that are named one by one; where there are more, the name is `*`."""

WRITES: Final = """
((verb IN ('create', 'update', 'patch', 'delete', 'deletecollection', 'post', 'put') AND NOT dry_run
  AND resource NOT IN ('selfsubjectreviews', 'selfsubjectaccessreviews', 'selfsubjectrulesreviews',
                       'subjectaccessreviews', 'localsubjectaccessreviews', 'tokenreviews'))
 OR (api_group = '' AND resource = 'pods' AND subresource IN ('exec', 'attach', 'portforward')))"""
"""Reviews are created, and leave nothing behind; dry runs change nothing."""

EPHI: Final = """
(namespace IN (SELECT namespace FROM ephi_places)
 OR (api_group = '' AND resource = 'namespaces' AND name IN (SELECT namespace FROM ephi_places))
 OR (api_group = '' AND resource = 'persistentvolumes' AND name IN (SELECT name FROM ephi_volumes))
 OR (api_group = '' AND namespace = '' AND resource IN ('secrets', 'configmaps', 'pods', 'persistentvolumeclaims')
     AND EXISTS (SELECT 1 FROM ephi_places)))"""
"""What is asked for in all namespaces at once is asked for in those with ePHI, too."""

OUTCOME: Final = """
CASE WHEN code IS NULL OR stage = 'Panic' THEN 'unknown' WHEN code < 400 THEN 'done'
     WHEN code IN (401, 403) THEN 'refused' ELSE 'failed' END"""
"""Of a server that panicked nobody knows how much it had done."""

TOLD: Final = f"""
told AS (
    SELECT *, {WRITES} AS writes, {EPHI} AS ephi, {OUTCOME} AS outcome,
           asked_pod = '' OR user_pod = asked_pod AS sure,
           CASE WHEN resource = '' THEN path
                ELSE resource || CASE WHEN api_group = '' THEN '' ELSE '.' || api_group END
                     || CASE WHEN subresource = '' THEN '' ELSE '/' || subresource END END AS what
    FROM requests
)"""

ACTS_SQL: Final = f"""
WITH {REQUESTS}, {TOLD},
many AS (
    SELECT identity, verb, what, namespace FROM told GROUP BY ALL HAVING count(DISTINCT name) > {NAMES}
),
named AS (
    SELECT t.* EXCLUDE (name), CASE WHEN m.identity IS NULL THEN t.name ELSE '*' END AS name
    FROM told t LEFT JOIN many m USING (identity, verb, what, namespace)
)
SELECT identity, verb, what AS resource, namespace, name, outcome, count(*) AS requests,
       strftime(min(received_at), {MOMENT}) AS first_at, strftime(max(received_at), {MOMENT}) AS last_at,
       bool_or(writes) AS writes, bool_or(ephi) AS ephi, bool_and(sure) AS sure,
       array_to_string(list_sort(arg_min(DISTINCT source_ip, source_ip, 20)), ' ') AS addresses,
       array_to_string(list_sort(arg_min(DISTINCT user_agent, user_agent, 3)), '; ') AS agents, {SHOWN}
FROM named
GROUP BY identity, verb, what, namespace, name, outcome
"""

HOURS_SQL: Final = f"""
WITH {REQUESTS}, {TOLD}
SELECT identity, strftime(date_trunc('hour', received_at), {MOMENT}) AS hour, count(*) AS requests,
       count(*) FILTER (writes) AS writes, count(*) FILTER (outcome = 'refused') AS refused,
       count(*) FILTER (ephi) AS ephi
FROM told
GROUP BY identity, hour
"""


def acts_and_hours(
    log: AuditLog | None, suspects: Iterable[Suspect], ephi_objects: pd.DataFrame, until: pd.Timestamp
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return tables `incident_acts` and `incident_hours`.

    Parameters
    ----------
    log
        The audit log; without one both are empty.
    suspects
        Those in question, each from its own moment on.
    ephi_objects
        Table of that name.
    until
        End of the time in question.
    """
    asked = frame_of(suspects)
    if log is None or asked.empty:
        return INCIDENT_ACTS.frame(), INCIDENT_HOURS.frame()
    volumes = ephi_objects.loc[ephi_objects["kind"] == "PersistentVolume", ["name"]]
    frames = {
        "suspects": asked,
        "ephi_places": pd.DataFrame({"namespace": sorted(ephi_namespaces(ephi_objects))}, dtype="str"),
        "ephi_volumes": volumes.reset_index(drop=True),
    }
    before = ends_at(until)
    acts = INCIDENT_ACTS.conform(log.query(ACTS_SQL, before, **frames))
    return acts, INCIDENT_HOURS.conform(log.query(HOURS_SQL, before, **frames))
