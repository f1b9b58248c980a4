"""Applications: who read which record stands in no log of Kubernetes, but in theirs."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.safeguards.check import check, fails, judge, reviews
from hipaa_kit.tables.declaration import rows_by


@check("HK-AUD-09", optional=["cloud_stores"])
def access_is_logged(
    ephi_workloads: pd.DataFrame, ephi_objects: pd.DataFrame, access_logs: pd.DataFrame
) -> pd.DataFrame:
    """Judge every ePHI workload and store outside by a sign that access to its data is logged.

    Parameters
    ----------
    ephi_workloads, ephi_objects, access_logs : tables of those names

    Returns
    -------
    table `judgements`, one row per workload and store, and sign

    Notes
    -----
    Few ways of logging show in objects: pgaudit where an operator is told of it, and what a provider keeps. An
    application's own log, such as AuditEvents of a FHIR server, is for a person to attest.
    Source: https://hl7.org/fhir/auditevent.html, https://github.com/pgaudit/pgaudit
    """
    outside = ephi_objects[ephi_objects["kind"] == "External"]
    signs = rows_by(access_logs, "object")
    bare = {"mechanism": "", "state": "none", "source": "", "path": "", "value": ""}
    names = [*ephi_workloads["object"], *outside["object"]]
    rows = [{**each, "object": name} for name in names for each in signs.get(name, [bare])]
    columns = ["object", "mechanism", "state", "source", "path", "value"]
    examined = pd.DataFrame(rows, columns=columns, dtype="str")
    state = examined["state"]
    return judge(
        examined,
        fails(
            state == "off",
            "{mechanism} is there and told to log nothing: {value}",
            path="{path}",
            observed="{value}",
            expected="read and write",
        ),
        reviews(state == "open", "does it log who read and wrote what? {mechanism}: {value}"),
        reviews(
            state == "none",
            "how is access to its data logged? No sign of that shows in objects",
            rests_on=["access_logs"],
        ),
        member="mechanism",
        evidence="source",
        path="{path}",
        passes="{mechanism} logs reads and writes: {value}",
    )
