"""Drift: the cluster is as it is declared, and nobody changed it by hand."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.inventory.ephi import ephi_namespaces
from hipaa_kit.safeguards.check import check, fails, judge, not_applicable, not_assessed, reviews
from hipaa_kit.tables.declaration import rows_of


@check("HK-INT-08", everywhere=True)
def as_declared(
    ephi_objects: pd.DataFrame,
    ephi_workloads: pd.DataFrame,
    declared_sources: pd.DataFrame,
    managed_objects: pd.DataFrame,
    field_writers: pd.DataFrame,
) -> pd.DataFrame:
    """Judge what keeps ePHI as declared by its status, and every ePHI workload by edits made by hand.

    Parameters
    ----------
    ephi_objects, ephi_workloads, declared_sources, managed_objects, field_writers : tables of those names

    Returns
    -------
    table `judgements`, one row per source that manages something in a namespace with ePHI, and one per ePHI workload

    Notes
    -----
    An edit by hand is known by the manager of the fields it wrote, until somebody else writes the same fields.
    `kubectl get` leaves managers out unless it is told `--show-managed-fields`.
    Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
    """
    examined = pd.concat(
        [
            _of_sources(ephi_namespaces(ephi_objects), declared_sources),
            _of_workloads(ephi_workloads, declared_sources, managed_objects, field_writers),
        ],
        ignore_index=True,
    ).fillna("")
    state = examined["standing"]
    return judge(
        examined,
        fails(state == "drifted", "it is not as declared: {words}", observed="{words}", expected="as declared"),
        reviews(state == "suspended", "is it meant that it is suspended? Nothing keeps what it manages as declared"),
        reviews((state == "unknown") & (examined["words"] == ""), "is it as declared? Its status says nothing of it"),
        reviews(state == "unknown", "is it as declared? That is not said: {words}"),
        fails(
            state == "edited",
            "{manager} changed it by hand at {at}, after {source} last brought it to what is declared ({synced_at})",
            observed="{manager} {at}",
            expected="no edit by hand",
        ),
        reviews(
            state == "perhaps edited",
            "was it an approved change that {manager} made by hand at {at}? {source} does not say when it last wrote",
        ),
        reviews(
            state == "edited, undeclared",
            "was it an approved change that {manager} made by hand at {at}? Nothing that was read declares this object",
            rests_on=["managed_objects"],
        ),
        not_assessed(
            state == "unwritten",
            "who wrote it is not in the input: it was collected without managed fields",
            code="input_missing",
        ),
        not_applicable(
            state == "undeclared", "nothing that was read declares it, and no edit by hand is left in its fields"
        ),
        evidence="source",
        passes="as declared: {words}",
    )


def _of_sources(namespaces: frozenset[str], sources: pd.DataFrame) -> pd.DataFrame:
    found = sources[sources["namespaces"].map(lambda names: bool(namespaces & set(names.split()))).astype(bool)]
    standing = found["state"].mask(found["suspended"], "suspended")
    return found[["object", "words"]].assign(standing=standing, source=found["object"])


def _of_workloads(
    workloads: pd.DataFrame, sources: pd.DataFrame, managed: pd.DataFrame, writers: pd.DataFrame
) -> pd.DataFrame:
    """Return a row per workload that was seen itself: how it stands, and the last edit by hand."""
    about = sources.set_index("object").to_dict("index")
    sources_of = managed.drop_duplicates("object").set_index("object").to_dict("index")
    written = set(writers["object"])
    edits = writers[writers["by_hand"]].sort_values("written_at").drop_duplicates("object", keep="last")
    last = {row["object"]: row for row in rows_of(edits)}
    rows = []
    for name in workloads[workloads["known"]]["object"]:
        source, state = (sources_of.get(name, {}).get(column, "") for column in ("source", "state"))
        said, edit = about.get(source, {}), last.get(name, {})
        if said and (said["suspended"] or said["state"] == "unknown"):
            state = "unknown"
        elif state == "unknown":
            state = said["state"]
        row = {
            "object": name,
            "source": source,
            "synced_at": said.get("synced_at", ""),
            "manager": edit.get("manager", ""),
            "at": edit.get("written_at", ""),
            "words": f"{source} says {said['words'] or 'nothing of it'}" if said else "",
        }
        rows.append({**row, "standing": _standing(row, state, name in written)})
    columns = ["object", "source", "synced_at", "manager", "at", "words", "standing"]
    return pd.DataFrame(rows, columns=columns)


def _standing(row: dict[str, str], state: str, written: bool) -> str:
    """Return how a workload stands: `state` is what its source says of it, "" where it has none."""
    if row["manager"] and not row["source"]:
        return "edited, undeclared"
    if row["manager"] and not (row["synced_at"] and row["at"]):
        return "perhaps edited"
    if row["manager"] and row["at"] > row["synced_at"]:
        return "edited"
    if state in ("drifted", "unknown"):
        return state
    if not written:
        return "unwritten"
    return "as declared" if row["source"] else "undeclared"
