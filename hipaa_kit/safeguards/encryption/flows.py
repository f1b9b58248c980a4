"""Flows of ePHI: whether anything encrypts each of them."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.counting import Count
from hipaa_kit.safeguards.check import check, fails, judge, not_applicable, not_assessed, reviews

OWN = ("clinical", "backup")
"""Traffic that carries ePHI as far as names tell."""

NAMES = "dns"
"""Traffic that asks for the addresses of names: it carries the names of services, and nothing of patients."""

PROTOCOLS = ("TCP", "UDP", "SCTP")
"""In the order in which they are named: most of what carries ePHI is spoken over the first."""

SHUT = "shut"
"""Stands for connections that policies deny, and that perhaps nothing cuts."""


@check("HK-ENC-12", everywhere=True, narrow={"isolation": ("workload", "isolated", "policies", "enforcement")})
def flows_are_encrypted(
    ephi_workloads: pd.DataFrame, flow_encryption: pd.DataFrame, expected_flows: pd.DataFrame, isolation: pd.DataFrame
) -> pd.DataFrame:
    """Judge every flow of an ePHI workload by what encrypts it.

    Parameters
    ----------
    ephi_workloads, flow_encryption, expected_flows, isolation : tables of those names

    Returns
    -------
    table `judgements`, one row per port of each flow; between two ePHI workloads it counts for the one that answers.
    A workload without any flow has a row, too, and so has one about which nothing else is asked while policies
    deny connections that nothing is known to cut.

    Notes
    -----
    WireGuard and IPsec encrypt between nodes. Between two pods of one node the bytes leave its memory for no wire;
    how many pairs that may be is said with the verdict. A flow that policies allow and nobody declares is a
    question: that ePHI goes there is not known. Where no flows are declared at all, those between workloads of the
    application count as meant.
    Source: https://docs.cilium.io/en/stable/security/network/encryption-wireguard/
    """
    flows = flow_encryption.assign(
        object=flow_encryption["destination"].where(flow_encryption["destination_ephi"], flow_encryption["source"]),
        near=flow_encryption["same_node_pairs"].fillna(0).astype("int64"),
    )
    flows = _protocols_together(flows)
    flows = flows.assign(member=flows["source"] + " to " + flows["destination"] + " " + flows["where"])
    between = flows["encrypted_by"].isin(["wireguard", "ipsec"])
    local = flows["near"].map(
        lambda near: (
            f"; {Count(near):pair} of pods {Count(near):shares|share} a node, which nothing of theirs leaves"
            if near
            else ""
        )
    )
    flows = flows.assign(
        words=flows["member"]
        + " is encrypted by "
        + flows["encrypted_by"]
        + ": "
        + flows["basis"]
        + local.where(between, "")
    )
    quiet = ephi_workloads[~ephi_workloads["object"].isin(flows["object"])]
    none = pd.DataFrame({"object": quiet["object"]}).assign(
        member="any flow", encrypted_by="quiet", category="", verdict="allowed", words="no connection counts for it"
    )
    examined = pd.concat([flows, none, _perhaps_open(flows, ephi_workloads, isolation)], ignore_index=True)
    bare, allowed = examined["encrypted_by"] == "none", examined["verdict"] == "allowed"
    own = examined["category"].isin(OWN) & examined["port"].gt(0) & examined["pod_pairs"].notna()
    meant = examined["declared"].eq(True) | (own & expected_flows.empty)
    return judge(
        examined,
        not_applicable(examined["category"] == NAMES, "it asks for names and carries no ePHI"),
        fails(
            bare & allowed & meant,
            "nothing encrypts {source} to {destination} on {where}: {basis}",
            observed="none",
            expected="a mesh, encryption between nodes, or TLS of the application",
            rests_on=["mesh_pods", "node_encryption", "port_tls", "told_addresses"],
        ),
        reviews(
            bare & ~meant,
            "does {source} send anything to {destination} on {where}, which nothing encrypts? {basis}",
            observed="none",
        ),
        not_assessed(
            bare & ~allowed & meant,
            "{source} may perhaps connect to {destination} on {where}, which nothing encrypts",
            code="unsupported_dialect",
        ),
        not_assessed(
            examined["encrypted_by"] == SHUT,
            "no other connection counts for it as far as policies say, but that anything enforces them is not known",
            code="input_missing",
        ),
        reviews(
            examined["encrypted_by"] == "unknown",
            "is {source} to {destination} on {where} encrypted? {basis}",
            observed="{basis}",
        ),
        member="member",
        observed="{encrypted_by}",
        passes="{words}",
    )


def _protocols_together(flows: pd.DataFrame) -> pd.DataFrame:
    """Return flows with words for where they lead; those to any port that differ in their protocol alone are one."""
    ordered = flows.sort_values("protocol", key=lambda names: names.map(PROTOCOLS.index), kind="stable")
    any_port = ordered["port"] == 0
    alike = ["object", "source", "destination", "category", "declared", "verdict", "encrypted_by"]
    spread = ordered[any_port].groupby(alike, sort=False, dropna=False)["protocol"].transform(", ".join)
    one = ordered["protocol"] + " port " + ordered["port"].astype("str")
    words = one.mask(any_port, "any port of " + spread.reindex(ordered.index).astype("str"))
    named = ordered.assign(where=words)
    return named[~(any_port & named.duplicated([*alike, "where"]))]


def _perhaps_open(flows: pd.DataFrame, ephi_workloads: pd.DataFrame, isolation: pd.DataFrame) -> pd.DataFrame:
    """Return a row per running workload that would pass, where nothing is known to enforce policies that are there.

    A connection that they deny is in no flow, whichever of its ends they select.
    """
    selected = (isolation["policies"] != "") | ~isolation["isolated"].eq(False)
    asked = flows[(flows["category"] != NAMES) & flows["encrypted_by"].isin(["none", "unknown"])]["object"]
    running = ephi_workloads["object"].isin(isolation["workload"]) & ~ephi_workloads["object"].isin(asked)
    if not (selected & (isolation["enforcement"] == "unknown")).any():
        running &= False
    return pd.DataFrame({"object": ephi_workloads.loc[running, "object"]}).assign(
        member="other flows", encrypted_by=SHUT, category="", verdict="denied", words=""
    )
