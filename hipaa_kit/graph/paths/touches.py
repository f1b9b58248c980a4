"""Who and what can read, change, destroy or copy ePHI without breaking into anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hipaa_kit.graph.access.grants import subject_object
from hipaa_kit.graph.paths.model import Graph, View
from hipaa_kit.graph.paths.objects import backup_id
from hipaa_kit.graph.paths.search import Tree
from hipaa_kit.graph.paths.words import is_hub, worst
from hipaa_kit.graph.permissions.harm import ALTER_EPHI, DELETE_EPHI
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.tables.declaration import rows_of

if TYPE_CHECKING:
    from hipaa_kit.graph.paths.answers import Paths

BROKEN: Final = frozenset({"EXPOSED", "SIGN_IN", "EXPLOIT", "QUERIES"})
"""Hops that are no use of a right, or of what a pod was given."""
COPIED: Final = frozenset({"Backup", "VolumeSnapshot"})
HARMS: Final = {DELETE_EPHI: "destroy", ALTER_EPHI: "change"}
POWERS: Final = {"delete copies": "destroy", "change where copies go, or stop them": "change"}
ACTORS: Final = frozenset({"User", "Group", "ServiceAccount", "Pod"})


def touches(paths: Paths, steps: int) -> Iterator[dict[str, Any]]:
    """Yield a row per thing with ePHI, and who can do what to it.

    Parameters
    ----------
    paths
        Paths of a snapshot.
    steps
        Hops at most by which somebody reads or copies.
    """
    held = paths.objects.ephi | paths.targets
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for row in (*_reads(paths, steps), *_harms(paths), *_harms_to_copies(paths)):
        key = row["object"], row["touch"], row["who"]
        rows.setdefault(key, {**row, "criticality": held.get(row["object"], "")})
    yield from rows.values()


def _reads(paths: Paths, steps: int) -> Iterator[dict[str, Any]]:
    graph = paths.graph
    view = View(graph, graph.known.forward[~_of(graph, BROKEN)[graph.known.forward]])
    for end in paths.targets:
        tree = Tree(view, np.array([graph.number[end]]), back=True)
        for node in np.flatnonzero(tree.by >= 0).tolist():
            who = graph.names[node]
            if parse_object_id(who)[0] not in ACTORS or is_hub(who):
                continue
            hops = paths.teller.hops(tree.path(node))
            if hops[0].expected or sum(hop.edge != "MEMBER_OF" for hop in hops) > steps:
                continue
            yield {
                "object": end,
                "touch": "copy" if parse_object_id(end)[0] in COPIED else "read",
                "who": who,
                "how": paths.teller.line(hops),
                "objects": " ".join(dict.fromkeys(each for hop in hops for each in hop.objects)),
                "confidence": worst(hop.confidence for hop in hops),
            }


def _of(graph: Graph, edges: frozenset[str]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    found: np.ndarray[Any, np.dtype[np.bool_]]
    found = np.array([why.edge in edges for why in graph.whys], dtype=bool)[graph.why]
    return found


def _harms(paths: Paths) -> Iterator[dict[str, Any]]:
    harm = paths.permissions.harm()
    for row in rows_of(harm[harm["technique"].isin(HARMS) & harm["expected_because"].eq("")]):
        yield {
            "object": row["object"],
            "touch": HARMS[row["technique"]],
            "who": subject_object(row["subject_kind"], row["subject"]),
            "how": f"{row['verb']} by rule {row['role']}#{row['rule']}",
            "objects": row["binding"],
            "confidence": "certain",
        }


def _harms_to_copies(paths: Paths) -> Iterator[dict[str, Any]]:
    stores = paths.objects.ephi_stores
    held = paths.tables["backup_access"]
    for row in rows_of(held[held["power"].isin(POWERS) & held["subject_kind"].ne("*")]):
        for store in stores[stores["namespace"].eq(row["namespace"])]["object"]:
            yield {
                "object": backup_id(store),
                "touch": POWERS[row["power"]],
                "who": subject_object(row["subject_kind"], row["subject"]),
                "how": f"may {row['power']}",
                "objects": row["binding"],
                "confidence": "certain",
            }
