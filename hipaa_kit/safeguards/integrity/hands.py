"""Hands: who may destroy ePHI, or change what writes it, and whether that is approved."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from hipaa_kit.graph.access.approval import Approvals, Permitted
from hipaa_kit.graph.permissions.harm import RESOURCES
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.safeguards.check import check, fails, judge, not_applicable, reviews
from hipaa_kit.tables.declaration import rows_of

INPUTS = ("workforce", "workforce_groups", "access_matrix")
WORDS: Final = {"DELETE_EPHI": "destroy", "ALTER_EPHI": "change what writes"}


@check("HK-INT-13", optional=INPUTS, everywhere=True)
def hands_on_ephi(
    harm: pd.DataFrame,
    workforce: pd.DataFrame,
    workforce_groups: pd.DataFrame,
    access_matrix: pd.DataFrame,
    *,
    as_of: str,
) -> pd.DataFrame:
    """Judge everyone whom a role binding lets destroy ePHI, or change the workloads that write it.

    Parameters
    ----------
    harm, workforce, workforce_groups, access_matrix : tables of those names
    as_of
        Moment to judge for.

    Returns
    -------
    table `judgements`, one row per subject, role binding and kind of object

    Notes
    -----
    Claims, their volumes, Secrets, StatefulSets and namespaces hold ePHI; whoever changes a workload runs what he likes
    with its volumes mounted. Who enters its pods is HK-ACC-07's question.
    """
    approvals = Approvals.of(as_of, workforce, workforce_groups, access_matrix)
    held = harm[harm["technique"].isin(list(WORDS)) & (harm["through"] == "")]
    grouped = held.groupby(["subject_kind", "subject", "binding", "technique"])
    rows = [_row(tuple(map(str, key)), of, approvals) for key, of in grouped]
    columns = ["object", "member", "binding", "what", "objects", "verbs", "stock", "permitted"]
    examined = pd.DataFrame(rows, columns=columns).astype({"stock": bool, "permitted": bool})
    good, given = examined["permitted"], approvals.given
    return judge(
        examined,
        not_applicable(examined["stock"], "may {verbs} {objects}: every cluster is born with it"),
        fails(
            ~good & given,
            "may {what} ePHI by {binding}, which the access matrix does not permit: {verbs} {objects}",
            observed="{verbs}",
            expected="a role whose row of the access matrix permits it, or no grant",
        ),
        reviews(
            ~good & (not given),
            "access matrix or workforce file is missing: is it meant to {what} ePHI by {binding}: {verbs} {objects}?",
            observed="{verbs}",
        ),
        member="member",
        evidence="binding",
        passes="may {verbs} {objects}, as the access matrix permits",
    )


def _row(key: tuple[str, ...], held: pd.DataFrame, approvals: Approvals) -> dict[str, Any]:
    """Return what one subject may do to ePHI by one role binding."""
    kind, subject, binding, technique = key
    asked = [_permitted(row["verb"], row["object"]) for row in rows_of(held)]
    objects = sorted(set(held["object"]))
    namespace, _, name = subject.rpartition("/") if kind == "ServiceAccount" else ("", "", subject)
    return {
        "object": f"{kind}/{namespace}/{name}",
        "member": f"{WORDS[technique]} by {binding}",
        "binding": binding,
        "what": WORDS[technique],
        "objects": objects[0] if len(objects) == 1 else f"{objects[0]} and {len(objects) - 1} more",
        "verbs": ", ".join(sorted(set(held["verb"]))),
        "stock": bool((held["expected_because"] != "").all()),
        "permitted": approvals.covers(kind, subject, asked),
    }


def _permitted(verb: str, target: str) -> Permitted:
    kind, namespace, _ = parse_object_id(target)
    return Permitted(verb, RESOURCES[kind].group, RESOURCES[kind].resource, namespace)
