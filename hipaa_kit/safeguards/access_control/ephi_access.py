"""Who gets at ePHI: reads its Secrets and ConfigMaps, enters its pods, and whether that is approved."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.graph.access.approval import Approvals
from hipaa_kit.inventory.ephi import ephi_namespaces
from hipaa_kit.kube.owners import object_id
from hipaa_kit.kube.rbac.bindings import SERVICE_ACCOUNT
from hipaa_kit.safeguards.access_control.common import permits, place_words
from hipaa_kit.safeguards.check import check, fails, judge, not_applicable, reviews, texts_for
from hipaa_kit.tables.declaration import rows_of

INPUTS = ("workforce", "workforce_groups", "access_matrix")


@check("HK-ACC-06", optional=INPUTS, everywhere=True)
def readers_approved(
    ephi_access: pd.DataFrame,
    ephi_objects: pd.DataFrame,
    workforce: pd.DataFrame,
    workforce_groups: pd.DataFrame,
    access_matrix: pd.DataFrame,
    *,
    as_of: str,
) -> pd.DataFrame:
    """Judge everyone who may read Secrets or ConfigMaps of a namespace with ePHI.

    Parameters
    ----------
    ephi_access, ephi_objects, workforce, workforce_groups, access_matrix : tables of those names
    as_of
        Moment to judge for.

    Returns
    -------
    table `judgements`, one row per subject, role binding and resource

    Notes
    -----
    `list` and `watch` give the content of every Secret as `get` does.
    Source: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#listing-secrets
    """
    approvals = Approvals.of(as_of, workforce, workforce_groups, access_matrix)
    return _approved(ephi_access[ephi_access["access"] == "read"], ephi_objects, approvals)


@check("HK-ACC-07", optional=INPUTS, everywhere=True)
def entrants_approved(
    ephi_access: pd.DataFrame,
    ephi_objects: pd.DataFrame,
    workforce: pd.DataFrame,
    workforce_groups: pd.DataFrame,
    access_matrix: pd.DataFrame,
    *,
    as_of: str,
) -> pd.DataFrame:
    """Judge everyone who may enter a pod of a namespace with ePHI, or open a connection to it through the API server.

    Parameters
    ----------
    ephi_access, ephi_objects, workforce, workforce_groups, access_matrix : tables of those names
    as_of
        Moment to judge for.

    Returns
    -------
    table `judgements`, one row per subject, role binding and resource

    Notes
    -----
    Over a WebSocket `get` begins a stream as `create` does, before 1.35 and where the version is not known.
    Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/
    """
    approvals = Approvals.of(as_of, workforce, workforce_groups, access_matrix)
    return _approved(ephi_access[ephi_access["access"] == "enter"], ephi_objects, approvals)


def _approved(held: pd.DataFrame, ephi_objects: pd.DataFrame, approvals: Approvals) -> pd.DataFrame:
    """Judge rows of `ephi_access` by the access matrix."""
    places = ephi_namespaces(ephi_objects)
    known: dict[tuple[str, ...], bool] = {}
    permitted = []
    for row in rows_of(held):
        key = tuple(str(row[name]) for name in ("subject_kind", "subject", "scope", "resource", "verbs"))
        if key not in known:
            known[key] = permits(approvals, row, places)
        permitted.append(known[key])
    named = _named(held)
    examined = held.assign(
        member=held["resource"] + named + " by " + held["binding"],
        words=held["verbs"].str.replace(" ", ", ") + " " + held["resource"] + named,
        place=held["scope"].map(place_words).astype("str"),
    )
    good = pd.Series(permitted, index=held.index, dtype="bool")
    return judge(
        examined,
        not_applicable(held["stock"], "{words} in {place}: every cluster is born with it"),
        fails(
            ~good & approvals.given,
            "may {words} in {place} by {binding}, which the access matrix does not permit",
            observed="{words}",
            expected="a role whose row of the access matrix permits it, or no grant",
        ),
        reviews(
            ~good & (not approvals.given),
            "access matrix or workforce file is missing: is it meant to {words} in {place}, by {binding}?",
            observed="{words}",
        ),
        member="member",
        evidence="binding",
        passes="may {words} in {place}, as the access matrix permits",
    )


@check("HK-ACC-23", everywhere=True)
def controllers_approved(
    ephi_access: pd.DataFrame,
    ephi_objects: pd.DataFrame,
    pods: pd.DataFrame,
    containers: pd.DataFrame,
    workforce: pd.DataFrame,
    workforce_groups: pd.DataFrame,
    access_matrix: pd.DataFrame,
    *,
    as_of: str,
) -> pd.DataFrame:
    """Judge every service account from elsewhere that reads the Secrets of every namespace, or enters pods with ePHI.

    Parameters
    ----------
    ephi_access, ephi_objects, pods, containers, workforce, workforce_groups, access_matrix : tables of those names
    as_of
        Moment to judge for.

    Returns
    -------
    table `judgements`, one row per service account, role binding and resource

    Notes
    -----
    A controller is approved where the workforce file names its account and the access matrix permits its role what the
    grant gives.
    """
    approvals = Approvals.of(as_of, workforce, workforce_groups, access_matrix)
    places = ephi_namespaces(ephi_objects)
    reads = (
        (ephi_access["resource"] == "secrets") & (ephi_access["scope"] == "") & (ephi_access["resource_names"] == "")
    )
    held = ephi_access[
        (ephi_access["subject_kind"] == SERVICE_ACCOUNT)
        & ~ephi_access["subject"].str.split("/", n=1).str[0].isin(places)
        & (reads | (ephi_access["resource"] == "pods/exec"))
    ]
    good = pd.Series([permits(approvals, row, places) for row in rows_of(held)], index=held.index, dtype="bool")
    run = pods[["object", "service_account"]].merge(
        containers.loc[containers["role"] == "main", ["pod", "repository"]], left_on="object", right_on="pod"
    )
    images = run.groupby("service_account")["repository"].agg(lambda names: ", ".join(sorted(set(names))[:2]))
    image = texts_for(held["object"], images)
    named = _named(held)
    examined = held.assign(
        member=held["resource"] + named + " by " + held["binding"],
        image=image.where(image != "", "nothing now"),
        words=held["verbs"].str.replace(" ", ", ") + " " + held["resource"] + named,
        place=held["scope"].map(place_words).astype("str"),
    )
    return judge(
        examined,
        not_applicable(held["stock"], "{words} in {place}: every cluster is born with it"),
        fails(
            ~good,
            "runs {image} and may {words} in {place}, and is no approved controller",
            observed="{words}",
            expected="its account in the workforce file, with a role whose row of the access matrix permits it",
        ),
        member="member",
        evidence="binding",
        passes="runs {image} and may {words} in {place}, as approved",
    )


def _named(held: pd.DataFrame) -> pd.Series:
    """Return the names for which rows are held, to stand behind the resource."""
    return (" " + held["resource_names"]).where(held["resource_names"] != "", "")


def exposed_accounts(exposures: pd.DataFrame, pods: pd.DataFrame) -> frozenset[str]:
    """Return the service accounts of pods that the internet may connect to, and those pods."""
    open_ = exposures[(exposures["level"] == "internet") & (exposures["verdict"] != "denied")]["pod"]
    there = pods[pods["object"].isin(open_)]
    return frozenset([*there["service_account"], *there["object"]]) - {object_id("ServiceAccount", "", "")}
