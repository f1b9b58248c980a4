"""Datastores that operators run: whether they take in nothing but TLS."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.safeguards.check import check, fails, judge, reviews


@check("HK-ENC-17")
def datastores_demand_tls(ephi_workloads: pd.DataFrame, datastore_tls: pd.DataFrame) -> pd.DataFrame:
    """Judge every datastore of an operator in a namespace with ePHI by what its object asks for.

    Parameters
    ----------
    ephi_workloads, datastore_tls : tables of those names

    Returns
    -------
    table `judgements`, one row per listener of each datastore

    Notes
    -----
    Where TLS is only offered, it is the clients who decide. A datastore that no operator runs has no object that
    says anything; HK-ENC-12 judges the flows to it.
    """
    examined = datastore_tls[datastore_tls["namespace"].isin(ephi_workloads["namespace"])]
    where = examined["listener"].map(lambda name: f" of listener {name}" if name else "")
    examined = examined.assign(member=examined["listener"], where=where)
    return judge(
        examined,
        fails(
            examined["tls"] == "off",
            "TLS{where} is off: {value}",
            path="{path}",
            observed="{value}",
            expected="TLS",
        ),
        reviews(
            examined["tls"].isin(["offered", "unknown"]),
            "do all clients{where} ask for TLS? {operator} does not demand it: {value}",
            path="{path}",
            observed="{value}",
        ),
        member="member",
        path="{path}",
        observed="{value}",
        passes="TLS{where} is demanded: {value}",
    )
