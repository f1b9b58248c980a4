"""Business associates: whoever outside the organisation receives what may carry ePHI."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

import pandas as pd

from hipaa_kit.safeguards.check import check, fails, judge, reviews
from hipaa_kit.tables.declaration import rows_of

CLOUDS = {
    "aws": "Amazon Web Services",
    "gce": "Google Cloud",
    "azure": "Microsoft Azure",
    "digitalocean": "DigitalOcean",
    "equinixmetal": "Equinix Metal",
    "hcloud": "Hetzner Cloud",
    "linode": "Akamai (Linode)",
    "scaleway": "Scaleway",
    "vultr": "Vultr",
}
"""Providers of nodes by the scheme of their id that are somebody else's, whatever the site."""

OF_THE_SITE = frozenset("baremetal baremetalhost harvester k3s kind metal3 minikube proxmox rke2 vsphere".split())
"""Schemes of ids of nodes that a site gives itself; who runs nodes of any other is asked."""

WITHOUT_SCHEME = ((re.compile(r"ocid1\."), "oci"), (re.compile(r"[a-z]+-[a-z0-9-]+\.i-"), "alicloud"))
"""How ids begin that have no scheme, of Oracle Cloud and of Alibaba Cloud."""

BUCKETS_OF_CLOUDS = ("aws", "gcp", "azure", "velero.io/aws", "velero.io/gcp", "velero.io/azure")
"""Kinds of store that are a cloud's own where no address says otherwise.

Source: https://velero.io/docs/main/supported-providers/.
"""


@check("HK-EVL-05", optional=["vendors", "vendor_endpoints"], everywhere=True)
def associates_are_known(
    ephi_objects: pd.DataFrame,
    ephi_traffic: pd.DataFrame,
    backup_plans: pd.DataFrame,
    backup_coverage: pd.DataFrame,
    backup_stores: pd.DataFrame,
    nodes: pd.DataFrame,
    vendors: pd.DataFrame,
    vendor_endpoints: pd.DataFrame,
    *,
    as_of: str,
) -> pd.DataFrame:
    """Judge every place outside the cluster that may receive ePHI by the agreement with whoever runs it.

    Parameters
    ----------
    ephi_objects, ephi_traffic, backup_plans, backup_coverage, backup_stores, nodes : tables of those names
    vendors, vendor_endpoints : tables of those names, without which everything is a question
    as_of
        Moment to judge for, RFC 3339.

    Returns
    -------
    table `judgements`, one row per place

    Notes
    -----
    A place is a vendor's where one of its `endpoints` names it. Who runs a place that no vendor names is a question,
    but for what a public cloud runs for everyone. A registry gives images and receives no ePHI, so it is none.
    Source: 164.308(b)(1), 160.103 (business associate).
    """
    places = [
        *_stores(ephi_objects, backup_plans, backup_coverage, backup_stores),
        *_clouds(nodes),
        *_far(ephi_traffic),
    ]
    agreed = _agreements(vendors, vendor_endpoints, as_of[:10])
    examined = pd.DataFrame(
        [place | _vendor(str(place["endpoint"]), agreed) for place in places],
        columns=["object", "endpoint", "third", "what", "vendor", "signed", "over"],
    )
    known = pd.Series(not vendors.empty, index=examined.index)
    named = examined["vendor"].fillna("") != ""
    unsigned = examined["signed"].fillna("") == ""
    over = examined["over"].eq(True).fillna(False)
    third = examined["third"].eq(True).fillna(False)
    return judge(
        examined,
        fails(
            known & named & unsigned,
            "{what} belongs to {vendor}, and no agreement with it is on record",
            observed="none",
            expected="a business associate agreement",
        ),
        fails(
            named & over,
            "{what} belongs to {vendor}, and the agreement with it has ended",
            observed="ended",
            expected="a business associate agreement in force",
        ),
        fails(
            known & ~named & third,
            "{what} is run by others, and no vendor on record names {endpoint}",
            observed="none",
            expected="a business associate agreement",
        ),
        reviews(~known, "who runs it, and is there an agreement? {what}; no file of vendors is given"),
        reviews(~named, "who runs it? {what}, and no vendor on record names {endpoint}"),
        passes="{what} belongs to {vendor}: agreement of {signed}",
    )


def _stores(
    ephi: pd.DataFrame, plans: pd.DataFrame, coverage: pd.DataFrame, stores: pd.DataFrame
) -> list[dict[str, object]]:
    outside = ephi[ephi["kind"] == "External"]
    found = [
        {"object": row["object"], "endpoint": row["name"], "third": False, "what": "a store outside that holds ePHI"}
        for row in rows_of(outside)
    ]
    near = coverage.loc[coverage["taken"] != "no", "plan"]
    used = set(plans.loc[plans["object"].isin(near), "store"])
    mine = stores[stores["object"].isin(used) & (stores["in_cluster"] != "yes")].drop_duplicates("object")
    return found + [
        {
            "object": row["object"],
            "endpoint": f"{row['provider']}:{row['bucket']}",
            "third": row["provider"] in BUCKETS_OF_CLOUDS and not row["endpoint"],
            "what": "a store of copies of ePHI",
        }
        for row in rows_of(mine)
    ]


def _clouds(nodes: pd.DataFrame) -> list[dict[str, object]]:
    named = {next((name for begins, name in WITHOUT_SCHEME if begins.match(each)), each) for each in nodes["provider"]}
    return [
        {
            "object": f"Cloud//{scheme}",
            "endpoint": scheme,
            "third": scheme in CLOUDS,
            "what": f"the cloud {CLOUDS[scheme]}" if scheme in CLOUDS else f"what gives nodes as {scheme}",
        }
        for scheme in sorted(named - OF_THE_SITE - {""})
    ]


def _far(traffic: pd.DataFrame) -> list[dict[str, object]]:
    """Return addresses of the internet that the scope file declares as where ePHI workloads connect to."""
    out = traffic[traffic["source_ephi"] & traffic["internet"] & (traffic["declared"] != "")]
    return [
        {
            "object": f"Address//{end}",
            "endpoint": end,
            "third": False,
            "what": "an address of the internet that ePHI goes to",
        }
        for end in sorted(set(out["destination"]))
    ]


def _agreements(vendors: pd.DataFrame, endpoints: pd.DataFrame, day: str) -> list[dict[str, object]]:
    known = endpoints.merge(vendors, on=["name", "service"])
    ended = (known["baa_expires_on"] != "") & (known["baa_expires_on"] < day)
    # What is signed on a day to come is not signed.
    signed = known["baa_signed_on"].where(known["baa_signed_on"] <= day, "")
    return rows_of(known.assign(over=ended, baa_signed_on=signed))


def _vendor(endpoint: str, agreed: list[dict[str, object]]) -> dict[str, object]:
    """Return the vendor of a place; of several the one whose agreement is worst.

    A pattern that fits whatever there is names no place.
    """
    mine = [row for row in agreed if any(map(str.isalnum, str(row["endpoint"])))]
    mine = [row for row in mine if fnmatchcase(endpoint, str(row["endpoint"]))]
    mine.sort(key=lambda row: (row["baa_signed_on"] != "", not row["over"], str(row["name"])))
    if not mine:
        return {"vendor": "", "signed": "", "over": False}
    return {"vendor": mine[0]["name"], "signed": mine[0]["baa_signed_on"], "over": mine[0]["over"]}
