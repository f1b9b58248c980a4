"""Side by side with np-guard's Python analyser, network-config-analyzer: the same pod-to-pod connections, and the time.

The analyser is no dependency of the kit. Give it an environment of its own and name that environment's interpreter:

    python -m venv .nca && .nca/bin/pip install network-config-analyzer
    HIPAA_KIT_NCA=.nca/bin/python pytest benchmarks/test_side_by_side.py -s

By default 200 pods and 60 policies; `HIPAA_KIT_BENCH=full` compares 1,000 pods and 200 policies, for which it
takes some minutes. Times are CPU seconds after load on both sides: of the analyser those of its connectivity query.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from measuring import FULL
from synthetic_network import SHAPES, facts, network_policies, pods
from test_reachability import cpu, everything

from hipaa_kit.graph.reachability import Reachability
from hipaa_kit.graph.reachability.facts import PodFact

NCA = os.environ.get("HIPAA_KIT_NCA", "")
PODS, POLICIES, SHAPE = (1_000, 200, SHAPES[1_000]) if FULL else (200, 60, (10, 10))
FASTER = 300 if FULL else 30

pytestmark = pytest.mark.skipif(
    not NCA, reason="HIPAA_KIT_NCA names no interpreter with network-config-analyzer: see the top of the file"
)

DRIVER = """
import json, sys, time
from nca import nca_cli
from nca.CoreDS.Peer import Pod
from nca.NetworkConfig.NetworkConfigQuery import ConnectivityMapQuery

original = ConnectivityMapQuery.exec

def measured(self, *given):
    peers = [str(each) for each in self.config.peer_container.get_all_peers_group() if isinstance(each, Pod)]
    start = time.process_time()
    made = original(self, *given)
    json.dump({"seconds": time.process_time() - start, "pods": peers}, open(sys.argv[2], "w"))
    return made

ConnectivityMapQuery.exec = measured
nca_cli.nca_main(["--connectivity", "-r", sys.argv[1], "--output_endpoints", "pods", "--return_0",
                  "--output_format", "txt_no_fw_rules", "-f", sys.argv[3]])
"""
"""Runs the analyser's own command, and notes how long its query takes and which pods it keeps."""

Connections = dict[tuple[str, str], frozenset[tuple[str, int]]]


def manifests(made: list[PodFact]) -> str:
    """Return the synthetic cluster as YAML. Pods of one owner have one hash: the analyser keeps two of a kind."""
    held: list[object] = [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": f"ns-{at}",
                "labels": {"team": f"team-{at % 12}", "kubernetes.io/metadata.name": f"ns-{at}"},
            },
        }
        for at in range(SHAPE[0])
    ]
    for each in made:
        owner = each.workload.rpartition("/")[2]
        address = str(each.addresses[0]).partition("/")[0]
        ports = [{"name": p.name, "containerPort": p.number, "protocol": p.protocol} for p in each.ports]
        metadata = {
            "name": each.object.rpartition("/")[2],
            "namespace": each.namespace,
            "labels": {**each.labels, "pod-template-hash": owner},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner, "uid": owner}],
        }
        spec = {"nodeName": each.node, "containers": [{"name": "c", "image": "i", "ports": ports}]}
        status = {"phase": "Running", "hostIP": "172.16.0.1", "podIP": address, "podIPs": [{"ip": address}]}
        held.append({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status})
    policies = network_policies(POLICIES, SHAPE)
    held += [{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", **each} for each in policies]
    return yaml.safe_dump_all(held)


def analysed(folder: Path) -> tuple[Connections, list[str], float]:
    """Return what the analyser says of a folder's cluster: connections, the pods it keeps, and its CPU seconds."""
    driver, told, out = folder / "driver.py", folder / "told.json", folder / "connections.txt"
    driver.write_text(DRIVER, encoding="utf-8")
    command = [NCA, str(driver), str(folder / "cluster"), str(told), str(out)]
    subprocess.run(command, check=True, capture_output=True)
    held = json.loads(told.read_text(encoding="utf-8"))
    found: Connections = {}
    for line in out.read_text(encoding="utf-8").splitlines():
        source, arrow, rest = line.partition(" => ")
        destination, _, words = rest.partition(" : ")
        if arrow and "/" in source and "/" in destination and source != destination:
            found[source.strip(), destination.strip()] = _atoms(words)
    return found, held["pods"], held["seconds"]


def _atoms(words: str) -> frozenset[tuple[str, int]]:
    """Return connections in the analyser's words as protocols with the ports where a range begins or has ended."""
    if words.strip() == "All connections":
        return frozenset((protocol, edge) for protocol in ("TCP", "UDP", "SCTP") for edge in (1, 65_536))
    edges: set[tuple[str, int]] = set()
    for protocols, ports in re.findall(r"{protocols:([^{}]*?)(?:,dst_ports:([^{}]*))?}", words):
        for protocol in protocols.split(","):
            for span in ports.split(",") if ports else ["1-65535"]:
                first, _, last = span.partition("-")
                edges ^= {(protocol, int(first)), (protocol, int(last or first) + 1)}
    return frozenset(edges)


def ours(reach: Reachability, kept: set[str]) -> Connections:
    """Return the same of the engine, between the pods that the analyser keeps."""
    found: dict[tuple[str, str], set[tuple[str, int]]] = {}
    columns = ["source", "destination", "protocol", "port_from", "port_to", "verdict"]
    rows = reach.edges("pod", limit=10_000_000)[columns]
    for source, destination, protocol, first, last, verdict in rows.itertuples(index=False):
        ends = source.removeprefix("Pod/"), destination.removeprefix("Pod/")
        if ends[0] in kept and ends[1] in kept:
            assert verdict == "allowed"
            edges = found.setdefault(ends, set())
            edges ^= {(protocol, first), (protocol, last + 1)}
    return {ends: frozenset(edges) for ends, edges in found.items()}


def test_the_same_connections_in_a_fraction_of_the_time(tmp_path: Path) -> None:
    cluster = tmp_path / "cluster"
    cluster.mkdir()
    (cluster / "all.yaml").write_text(manifests(pods(PODS, SHAPE)), encoding="utf-8")
    theirs, kept, taken = analysed(tmp_path)
    held = facts(PODS, POLICIES, shape=SHAPE)
    everything(held)
    seconds = min(cpu(lambda: everything(held))[0] for _ in range(3))
    expanded, rows = cpu(lambda: len(Reachability(held).edges("pod", limit=10_000_000)))
    mine = ours(Reachability(held), set(kept))
    print(
        f"\n{PODS} pods, {POLICIES} policies: {len(theirs)} of {len(kept)}² pairs of pods may connect, alike in both; "
        f"analyser {taken:.1f} CPU s, engine {seconds:.3f} CPU s ({taken / seconds:.0f} times faster), "
        f"{expanded:.2f} CPU s with all {rows} rows between pods ({taken / expanded:.0f} times)"
    )
    assert len(kept) > 100
    assert theirs
    assert mine == theirs
    assert taken > FASTER * seconds
