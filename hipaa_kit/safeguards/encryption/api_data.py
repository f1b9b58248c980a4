"""API data: whether Secrets are encrypted before they are stored in etcd, with what, and since when all of them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from hipaa_kit.inventory.api_encryption import CLOUDS, FLAG
from hipaa_kit.safeguards.check import check, fails, judge, not_assessed, reviews, to_give
from hipaa_kit.sources.inputs.cloud_clusters import COMMANDS

CONFIGURATION = "EncryptionConfiguration//"
ETCD = "Etcd//"


@check("HK-ENC-01", without_scope=True)
def api_data_encrypted(api_data_sources: pd.DataFrame, nodes: pd.DataFrame) -> pd.DataFrame:
    """Judge every source by whether it says that API data are encrypted before they are stored.

    Parameters
    ----------
    api_data_sources, nodes : tables of those names

    Returns
    -------
    table `judgements`, one row per API server, OpenShift configuration, server of k3s or rke2, or managed cluster

    Notes
    -----
    That a file of encryption is named says nothing of what is in it: HK-ENC-02 does.
    Source: https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/
    """
    state = api_data_sources["state"]
    return judge(
        api_data_sources,
        fails(
            state == "plain",
            "{basis}",
            observed="not encrypted",
            expected="encryption of Secrets before they are stored",
        ),
        reviews(state == "progress", "is it done? {basis}"),
        reviews(state == "disks", "are encrypted disks enough? {basis}"),
        not_assessed(
            (state == "unknown") & (api_data_sources["source"] != "none"), "{basis}", code="unsupported_dialect"
        ),
        not_assessed(
            (state == "unknown") & (api_data_sources["source"] == "none"),
            f"{{basis}}; {_who_could_say(nodes)}",
            code="input_missing",
        ),
        passes="{basis}",
    )


def _who_could_say(nodes: pd.DataFrame) -> str:
    """Return how to give what the provider of the nodes says, or that none of them names one that is asked so."""
    clouds = sorted({CLOUDS[scheme] for scheme in nodes["provider"] if scheme in CLOUDS})
    if clouds:
        return f"to give it: {'; or '.join(COMMANDS[cloud] for cloud in clouds)}"
    others = ", ".join(sorted(set(nodes["provider"]) - {""}))
    unnamed = " or name no provider" if (nodes["provider"] == "").any() else ""
    who = f"its nodes are of {others}{unnamed}" if others else "its nodes name no provider"
    return f"{who}, and only AWS, Azure and Google can be asked how they keep it"


@check("HK-ENC-02", without_scope=True, optional=["stored_resources"])
def encryption_effective(
    stored_resources: pd.DataFrame, api_data_sources: pd.DataFrame, control_plane_members: pd.DataFrame
) -> pd.DataFrame:
    """Judge every encryption configuration by the provider that writes Secrets.

    Parameters
    ----------
    stored_resources, api_data_sources, control_plane_members : tables of those names

    Returns
    -------
    table `judgements`, one row per file, and per server whose file was not given where those of others were; or per
    source that names its provider, or one that none was given

    Notes
    -----
    The first entry that names a resource counts, and in it the first provider writes.
    Source: https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/#providers
    """
    servers = control_plane_members[control_plane_members["component"] == "kube-apiserver"]["node"]
    examined = _configurations(stored_resources, api_data_sources, {*servers, *api_data_sources["node"]})
    unused = bool(api_data_sources["state"].eq("plain").any())
    strength, other = examined["strength"], examined["object"] != f"{CONFIGURATION}control-plane"
    return judge(
        examined,
        fails(
            (strength == "none") | (examined["given"] & unused),
            "Secrets are stored as plain text: {basis}" if not unused else f"an API server runs without --{FLAG}",
            observed="{provider_order}",
            expected="kms version 2 or secretbox first",
        ),
        reviews(examined["refused"] != "", "is this the file in use? The API server would refuse it: {refused}"),
        reviews(strength.isin(["weak", "rotate"]), "is it strong enough? {basis}"),
        not_assessed((strength == "") & other, "{basis}", code="input_missing"),
        not_assessed(
            (strength == "") & ~other, f"{{basis}}; {to_give('encryption_configuration')}", code="input_missing"
        ),
        passes="Secrets are written by {basis}",
        observed="{provider_order}",
    )


def _configurations(stored_resources: pd.DataFrame, sources: pd.DataFrame, servers: set[str]) -> pd.DataFrame:
    """Return the files and API servers without one; without any, what names its provider, or that none was given."""
    unknown: dict[str, Any] = {"strength": "", "provider_order": "", "refused": "", "given": False}
    columns = ["object", "basis", *unknown]
    files = stored_resources[stored_resources["resource"] == "secrets"]
    if len(files):
        named = CONFIGURATION + files["node"].replace("", "control-plane")
        given = set(files["node"])
        lacking = pd.DataFrame({"node": [] if "" in given else sorted(servers - given - {""})}, dtype="str")
        lacking = lacking.assign(
            **unknown,
            object=CONFIGURATION + lacking["node"],
            basis="the file of encryption of this API server was not given",
        )
        return pd.concat([files.assign(object=named, given=True)[columns], lacking[columns]], ignore_index=True)
    told = sources[(sources["provider"] != "") & (sources["state"] != "plain")]
    if len(told):
        # A managed key service is version 2 or the provider's own; what k3s, rke2 and OpenShift write is named.
        strong = told["provider"].isin(["kms", "secretbox"]) & (told["state"] == "encrypted")
        grade = strong.map({True: "strong", False: "weak"})
        words = told["provider"] + ": " + told["basis"]
        return told.assign(strength=grade, basis=words, provider_order=told["provider"], refused="", given=False)[
            columns
        ]
    nothing = {"object": f"{CONFIGURATION}control-plane", "basis": "what the file of encryption says is not known"}
    return sources.head(1).assign(**unknown, **nothing)[columns]


@check("HK-ENC-03", without_scope=True, optional=["etcd_values", "stored_resources"])
def stored_values_encrypted(
    etcd_values: pd.DataFrame, stored_resources: pd.DataFrame, api_data_sources: pd.DataFrame
) -> pd.DataFrame:
    """Judge the Secrets in etcd by how their values begin.

    Parameters
    ----------
    etcd_values, stored_resources, api_data_sources : tables of those names

    Returns
    -------
    table `judgements`, one row per count of values, by how they begin; or one for OpenShift; or one that none was given

    Notes
    -----
    An object keeps its old form until it is written again: that encryption is on proves nothing of older ones. The
    operator of OpenShift says that all are encrypted when it has written them again.
    Source: https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/#ensure-all-secrets-are-encrypted
    """
    values = etcd_values[etcd_values["resource"] == "secrets"]
    current = stored_resources[(stored_resources["resource"] == "secrets") & (stored_resources["prefix"] != "")]
    if values.empty:
        return _without_values(api_data_sources)
    known = set(current["prefix"])
    examined = values.assign(
        object=ETCD + values["node"].replace("", "secrets"), member=values["prefix"].replace("", "plain text")
    )
    return judge(
        examined,
        fails(
            (examined["prefix"] == "") & (examined["objects"] > 0),
            "{objects:Secret} {objects:is|are} stored as plain text",
            observed="{objects} as plain text",
            expected="none",
        ),
        reviews(
            (examined["prefix"] != "") & ~examined["prefix"].isin(known) & bool(known),
            "{objects:Secret} {objects:begins|begin} with {prefix}, which is not what is written now: is the old key "
            "still safe?",
        ),
        reviews(
            ~examined["complete"].eq(True).fillna(False),
            "does the sample stand for all? {objects:Secret} {objects:begins|begin} with {member}",
        ),
        reviews(
            examined["taken_at"] == "", "when was it counted? {objects:Secret} {objects:begins|begin} with {member}"
        ),
        member="member",
        passes="all Secrets were counted: {objects} begin with {member}",
    )


def _without_values(sources: pd.DataFrame) -> pd.DataFrame:
    """Judge by what OpenShift's operator says; elsewhere nothing says it."""
    done = (sources["source"] == "openshift") & (sources["state"] == "encrypted")
    mine = sources[done] if done.any() else sources.head(1).assign(object=f"{ETCD}secrets")
    return judge(
        mine,
        not_assessed(
            ~done.reindex(mine.index),
            f"whether older Secrets were written again is not known; {to_give('etcd_values')}",
            code="input_missing",
        ),
        passes="{basis}",
    )
