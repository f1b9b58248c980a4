"""Flows of some workloads with all others: pair by pair as `edges` has them, and together where ends are alike."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from hipaa_kit.assess.facade import Assessment
from hipaa_kit.graph.reachability import Reachability
from hipaa_kit.graph.reachability.alike import Alike
from hipaa_kit.sources.scope import load_scope
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.reachability import FLOWS
from tests.support.network import namespace, pod
from tests.support.network_oracle.generate import MIXES, random_cluster
from tests.support.network_oracle.model import LISTS
from tests.support.snapshots import snapshot_of

KEY = list(FLOWS.key)


def built(seed: int) -> Reachability:
    cluster = random_cluster(seed, MIXES[seed % len(MIXES)])
    held = [each for key in LISTS for each in cluster[key]]
    kinds = {(each["apiVersion"].rpartition("/")[0], each["kind"], ""): "answered" for each in held}
    return Reachability.of(snapshot_of(held, overrides=kinds), enforcement="enforced", node_local="allowed")


def asked(found: Reachability) -> list[str]:
    return sorted({each.workload or each.object for each in found.facts.pods})[:3]


def rows(found: Reachability, detail: int) -> list[dict[str, Any]]:
    return rows_of(Alike(found, asked(found), lambda name: None, detail).frame())


@pytest.mark.parametrize("seed", range(44))
def test_pair_by_pair_it_says_what_edges_say(seed: int) -> None:
    found = built(seed)
    wanted = asked(found)
    out, into = found.edges(source=wanted), found.edges(destination=wanted)
    expected = pd.concat([out, into[~into["source"].isin(wanted)]], ignore_index=True)
    ours = FLOWS.frame({name: row[name] for name in FLOWS.frame([]).columns} for row in rows(found, 1_000_000))
    pd.testing.assert_frame_equal(
        ours.sort_values(KEY, ignore_index=True), expected.sort_values(KEY, ignore_index=True)
    )


def told(found: Reachability, detail: int) -> Counter[tuple[Any, ...]]:
    """Count the pairs of pods by the workload asked for, and by all that a row says but its other end."""
    count: Counter[tuple[Any, ...]] = Counter()
    wanted = set(asked(found))
    for row in rows(found, detail):
        leaves = row["destination"] not in wanted
        own = row["source"] if leaves else row["destination"]
        said = (row["protocol"], row["port_from"], row["port_to"], row["family"], row["verdict"])
        count[own, leaves, row["source"] == row["destination"], *said] += row["pod_pairs"]
    return count


@pytest.mark.parametrize("seed", range(44))
def test_together_they_stand_for_the_same_pairs_of_pods(seed: int) -> None:
    found = built(seed)
    assert told(found, 0) == told(found, 1_000_000)


# --- a large open cluster --------------------------------------------------------------------------------------------

SCOPE = """
apiVersion: hipaa-kit/v1
kind: Scope
metadata: {name: cases, owner: tests@clinic.example}
entries:
- {podSelector: "data=ephi", owner: tests@clinic.example, data_class: ephi, criticality: critical}
expected_flows:
- {from: Pod/space-1/pod-31, to: Pod/space-0/pod-0, port: 5432}
"""
SPACES, EPHI, PODS = 30, 60, 3_000


def open_cluster() -> list[dict[str, Any]]:
    """Return 3,000 workloads in 30 namespaces without any policy, 60 of them with ePHI: 350,000 pairs."""
    spaces = [namespace(f"space-{at}", env="prod" if at % 2 else "test") for at in range(SPACES)]
    made = [
        pod(
            f"space-{at % SPACES}/pod-{at}",
            ip=f"10.0.{at // 250}.{at % 250 + 1}",
            app=f"app-{at}",
            data="ephi" if at < EPHI else "no",
        )
        for at in range(PODS)
    ]
    return [*spaces, *made]


@pytest.fixture(scope="module")
def assessed(tmp_path_factory: pytest.TempPathFactory) -> Assessment:
    path: Path = tmp_path_factory.mktemp("scope") / "scope.yaml"
    path.write_text(SCOPE, encoding="utf-8")
    return Assessment(snapshot_of(open_cluster()), load_scope(path))


def test_every_pair_of_a_large_open_cluster_is_in_one_row(assessed: Assessment) -> None:
    flows = assessed.tables.ephi_flows
    inside = flows[(flows["source_namespace"] != "") & (flows["destination_namespace"] != "")]
    assert len(flows) < 10_000
    assert inside.groupby("protocol")["pod_pairs"].sum().to_dict() == dict.fromkeys(
        ("SCTP", "TCP", "UDP"), 2 * EPHI * PODS - EPHI * EPHI - EPHI
    )


def test_what_is_declared_has_a_row_of_its_own(assessed: Assessment) -> None:
    traffic = assessed.tables.ephi_traffic
    found = traffic[(traffic["source"] == "Pod/space-1/pod-31") & (traffic["destination"] == "Pod/space-0/pod-0")]
    (row,) = rows_of(found[found["protocol"] == "TCP"])
    assert (row["declared"], row["undeclared"], row["source_others"]) == ("5432", "1-5431 5433-65535", 0)
    blocked = traffic[traffic["blocked"] != ""]
    assert blocked.empty, blocked.head()


@pytest.mark.parametrize("control", ["HK-NET-04", "HK-NET-06", "HK-NET-13"])
def test_no_check_of_flows_breaks_on_a_large_open_cluster(assessed: Assessment, control: str) -> None:
    findings = assessed.findings("network_isolation")
    mine = findings[(findings["check"] == control) & findings["object"].str.startswith("Pod/")]
    assert set(mine["object"]) == {f"Pod/space-{at % SPACES}/pod-{at}" for at in range(EPHI)}
    production = {f"Pod/space-{at % SPACES}/pod-{at}" for at in range(EPHI) if at % SPACES % 2}
    failing = set(mine[mine["verdict"] == "fail"]["object"])
    assert failing == (production if control == "HK-NET-13" else set(mine["object"]))
    assert "error" not in set(findings["verdict"])
