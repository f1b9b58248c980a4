"""Signatures of images: whether what nobody signed for would start beside ePHI."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.inventory.signatures import EXCEPTIONS, LISTS
from hipaa_kit.kube.admission.parts import NONE
from hipaa_kit.kube.admission.signatures import KYVERNO, KYVERNO_IMAGES
from hipaa_kit.safeguards.check import check, fails, judge, not_assessed, reviews, texts_for
from hipaa_kit.safeguards.integrity.images import in_pods
from hipaa_kit.tables.declaration import rows_by, rows_of
from hipaa_kit.vocabulary import COMPLETE

BEST = ("refuses", "unclear", "open", "none")
"""What several policies for one image come to: that of the strictest."""


@check("HK-INT-02")
def signatures_enforced(
    ephi_workloads: pd.DataFrame,
    pods: pd.DataFrame,
    containers: pd.DataFrame,
    signature_rules: pd.DataFrame,
    image_verification: pd.DataFrame,
    nodes: pd.DataFrame,
    coverage: pd.DataFrame,
) -> pd.DataFrame:
    """Judge every image of an ePHI workload by whether its next pod would start with an image that nobody signed.

    Parameters
    ----------
    ephi_workloads, pods, containers, signature_rules, image_verification, nodes, coverage : tables of those
        names

    Returns
    -------
    table `judgements`, one row per container and image of a workload

    Notes
    -----
    An image passes where one policy names it, takes signatures of somebody it names, refuses, and sees every new pod
    of the namespace through a webhook that does. The server's own image policy, and what a provider or the nodes
    verify, are no objects of the cluster: on GKE a missing policy is not assessed.
    Sources: https://kyverno.io/docs/policy-types/cluster-policy/verify-images/,
    https://docs.sigstore.dev/policy-controller/overview/,
    https://cloud.google.com/binary-authorization/docs/overview
    """
    examined = _by_image(in_pods(ephi_workloads, pods, containers, ended=True), image_verification)
    spoken = signature_rules[signature_rules["reach"] != NONE].groupby("namespace")["policy"].agg(_named)
    others = texts_for(examined["namespace"], spoken)
    shown = examined["image"].mask(examined["image"] == "", "the image")  # a template may leave it out
    beside = others.map(lambda names: f"; {names} names other images" if names else "")
    managed = nodes["provider"].eq("gce") & nodes["kubelet_version"].str.contains("-gke", regex=False)
    unseen = _unseen_exceptions(coverage)
    spares = examined["engine"].isin([KYVERNO, KYVERNO_IMAGES]) & bool(unseen)
    examined = examined.assign(shown=shown, beside=beside, managed=bool(managed.any()), unseen=unseen)
    none = examined["standing"] == "none"
    return judge(
        examined,
        not_assessed(
            none & examined["managed"],
            "no policy asks {image} for a signature, and whether Binary Authorization does is for the provider to say",
            code="managed_plane",
            rests_on=["signature_rules"],
        ),
        fails(
            none & ~examined["managed"],
            "nothing asks {shown} of container {container} for a signature{beside}",
            observed="no policy",
            expected="a policy that refuses unsigned images",
            rests_on=["signature_rules"],
        ),
        fails(
            examined["standing"] == "open",
            "{policy} asks {image} of container {container} for a signature, but {why}",
            observed="{why}",
            expected="a policy that refuses unsigned images",
            rests_on=["signature_rules"],
        ),
        not_assessed(
            (examined["standing"] == "refuses") & spares,
            "{policy} asks {image} for a signature, but there may be exceptions that were not seen: {unseen}",
            code="not_collected",
        ),
        reviews(
            examined["standing"] == "unclear",
            "does {policy} keep out an unsigned image of container {container}? Of {image}: {why}",
            observed="{why}",
        ),
        member="member",
        evidence="policies",
        passes="{policy} refuses {image} of container {container} without a signature that it takes",
    )


def _by_image(found: pd.DataFrame, verification: pd.DataFrame) -> pd.DataFrame:
    """Return a row per container and image of a workload, with the strictest policy that asks it."""
    by_image = rows_by(verification, "namespace", "list", "image")
    rows = []
    examined = found.assign(namespace=found["pod"].str.split("/").str[1])
    columns = ["object", "namespace", "container", "image", "role"]
    for row in rows_of(examined[columns].drop_duplicates().sort_values(columns)):
        asked = by_image.get((row["namespace"], LISTS[row["role"]], row["image"]), [])
        standing, policy, why, engine = "none", "", "", ""
        if asked:
            best = min(asked, key=lambda each: (BEST.index(each["standing"]), each["policy"], each["part"]))
            standing, policy, why, engine = best["standing"], best["policy"], best["why"], best["engine"]
            if row["role"] == "ephemeral" and standing == "refuses":
                standing, why = "unclear", "whether it is asked about what is put into a running pod is not read"
        rows.append(
            {
                **row,
                "member": f"{row['container']}/{row['image']}",
                "standing": standing,
                "policy": policy,
                "why": why,
                "engine": engine,
                "policies": " ".join(sorted({each["policy"] for each in asked})),
            }
        )
    return pd.DataFrame(
        rows, columns=[*columns, "member", "standing", "policy", "why", "engine", "policies"], dtype="str"
    )


def _unseen_exceptions(coverage: pd.DataFrame) -> str:
    """Return which kinds of exceptions were not seen in full, in any namespace."""
    said = []
    for kind in EXCEPTIONS:
        told = coverage[coverage["group"].eq(kind.group) & coverage["kind"].eq(kind.kind)]["status"]
        gaps = sorted(set(told[~told.isin(COMPLETE)])) or ([] if len(told) else ["not_asked"])
        said += [f"{kind.kind} of {kind.group} ({', '.join(gaps).replace('_', ' ')})"] if gaps else []
    return ", ".join(said)


def _named(policies: pd.Series) -> str:
    return ", ".join(sorted(set(policies))[:3])
