"""Who was at the end of a connection that a flow log names by address alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pandas as pd

from hipaa_kit.inventory.fields import items, mapping, text, truth
from hipaa_kit.inventory.network import cluster_addresses
from hipaa_kit.inventory.pods import pod_addresses
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube import kinds
from hipaa_kit.kube.network.addresses import PRIVATE, Block, parse_address, parse_addresses
from hipaa_kit.sources.inputs.values import moment
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.observed import FLOW_RECORDS
from hipaa_kit.tables.traffic import FLOW_ENDS

SIDES = ("source", "destination")


class Hold(NamedTuple):
    """A pod, and the time for which its status proves that it had its address; both ends count."""

    pod: str
    since: str
    until: str

    def covers(self, first: str, last: str) -> bool:
        """Tell whether it had the address for all of a time."""
        return self.since <= first and last <= self.until

    def meets(self, first: str, last: str) -> bool:
        """Tell whether it had the address for a part of a time."""
        return self.since <= last and first <= self.until


@builds(FLOW_ENDS, reads=(kinds.POD, kinds.NODE, kinds.SERVICE), optional=["flow_records"])
def flow_ends(snapshot: Snapshot, flow_records: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield a row per end that a flow log names by its address alone.

    Notes
    -----
    An address is given to another pod when one is gone. So it counts as a pod's where the pod's own status proves that
    it had it for all of the time of the record. Addresses of nodes are those of all pods on their network as well.
    """
    wanted = set(parse_addresses(name for side in SIDES for name in flow_records[side].unique()))
    if not wanted:
        return
    pods, shared, services = _pods(snapshot, wanted), _nodes(snapshot, wanted), _services(snapshot, wanted)
    for row in rows_of(flow_records):
        for side in SIDES:
            block = parse_address(str(row[side]))
            if block is None:
                continue
            standing, pod = "node" if block in shared else "service" if block in services else "", ""
            if not standing:
                standing, pod = _holder(block, pods.get(block), row)
            yield {**{name: row[name] for name in FLOW_RECORDS.key}, "side": side, "standing": standing, "pod": pod}


def _holder(block: Block, holds: list[Hold] | None, row: Mapping[str, Any]) -> tuple[str, str]:
    """Return how an address stands for the time of a record, and the pod whose it was, where that is sure."""
    if holds is None:
        return ("nobody", "") if any(each.holds(block) for each in PRIVATE.blocks) else ("outside", "")
    first, last = str(row["first_seen_at"]), str(row["last_seen_at"])
    if not first or not last or row["untimed"]:
        return "no_time", ""
    near = [hold for hold in holds if hold.meets(first, last)]
    if len(near) > 1:
        return "several", ""
    return ("pod", near[0].pod) if near and near[0].covers(first, last) else ("other_time", "")


def _pods(snapshot: Snapshot, wanted: set[Block]) -> dict[Block, list[Hold]]:
    """Return by address the pods that have it or had it, each with the time for which that is sure, if any is."""
    found: dict[Block, list[Hold]] = defaultdict(list)
    for record in snapshot.records(kinds.POD):
        blocks = wanted.intersection(pod_addresses(record.content))
        if not blocks or truth(record.content, "spec", "hostNetwork"):
            continue
        hold = _hold(record.object, mapping(record.content, "status"), snapshot.collected_at)
        for block in blocks:
            found[block] += [hold] if hold else []
    return dict(found)


def _hold(pod: str, status: Mapping[str, Any], taken: str) -> Hold | None:
    """Return the time for which a pod surely had the address that its status names; None where nothing proves any.

    A pod keeps its address as long as its sandbox, and a sandbox as long as any container runs in it. After a node
    was started anew a pod has another sandbox and address, and containers that had ended by then keep their old times:
    only those that run now, or else the one that started last, were in the last sandbox.
    Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-conditions
    """
    states = [
        mapping(each, "state")
        for name in ("containerStatuses", "initContainerStatuses")
        for each in items(status, name)
    ]
    running = [began for each in states if (began := moment(text(each, "running", "startedAt")))]
    if running:
        return Hold(pod, min(running), moment(taken))
    ended = [(moment(text(each, "terminated", name)) for name in ("startedAt", "finishedAt")) for each in states]
    times = max(((began, gone) for began, gone in map(tuple, ended) if began and gone), default=None)
    return Hold(pod, *times) if times else None


def _nodes(snapshot: Snapshot, wanted: set[Block]) -> set[Block]:
    """Return the addresses of nodes."""
    given = [
        text(each, "address")
        for record in snapshot.records(kinds.NODE)
        for each in items(record.content, "status", "addresses")
    ]
    return wanted.intersection(parse_addresses(given))


def _services(snapshot: Snapshot, wanted: set[Block]) -> set[Block]:
    """Return the addresses of Services: which pod answered behind one is not told."""
    return {
        block for record in snapshot.records(kinds.SERVICE) for block in wanted.intersection(cluster_addresses(record))
    }


def named_records(flow_records: pd.DataFrame, flow_ends: pd.DataFrame, owner: Mapping[str, str]) -> pd.DataFrame:
    """Return `flow_records` with workloads at their ends where pods are named or known by address.

    Parameters
    ----------
    flow_records, flow_ends
        Tables of those names.
    owner
        Workload of every pod.

    Returns
    -------
    pandas.DataFrame
        `flow_records`, and `source_standing` and `destination_standing` as in `flow_ends`, none where the log says who.
    """
    key = list(FLOW_RECORDS.key)
    made = flow_records.copy()
    for side in SIDES:
        ends = flow_ends[flow_ends["side"] == side].set_index(key)
        at = pd.MultiIndex.from_frame(flow_records[key])
        pod = ends["pod"].reindex(at).fillna("").to_numpy()
        standing = ends["standing"].reindex(at).fillna("").to_numpy()
        name = made[side].where(pod == "", pod)
        made[side] = name.map(lambda each: owner.get(each, each)).astype("str")
        made[f"{side}_standing"] = pd.Series(standing, index=made.index, dtype="str")
    return made
