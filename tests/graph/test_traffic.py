"""Traffic of ePHI: what is declared, allowed, seen, and what it is for; and from how far ePHI can be reached."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from hipaa_kit.assess.facade import Assessment
from hipaa_kit.graph.traffic import End, category
from hipaa_kit.sources.scope import load_scope
from hipaa_kit.tables.declaration import rows_of
from tests.support.inputs import given
from tests.support.network import namespace, pod
from tests.support.snapshots import snapshot_of

SCOPE = """
apiVersion: hipaa-kit/v1
kind: Scope
metadata: {name: cases, owner: tests@clinic.example}
entries:
- {podSelector: "app=db", owner: tests@clinic.example, data_class: ephi, criticality: critical}
"""


def policy(name: str, space: str, spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": space}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}


def only(*apps: str, port: int) -> dict[str, Any]:
    peers = [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": app}}} for app in apps]
    return {
        "podSelector": {"matchLabels": {"app": "db"}},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": peers, "ports": [{"port": port}]}],
    }


WORLD = [
    namespace("ehr"),
    namespace("web"),
    pod("ehr/db", ip="10.0.0.1", app="db"),
    pod("web/app", ip="10.0.0.2", app="app"),
    pod("web/other", ip="10.0.0.3", app="other"),
]


def run(tmp_path: Path, objects: list[dict[str, Any]], flows: str = "", **files: str) -> Assessment:
    path = tmp_path / "scope.yaml"
    path.write_text(SCOPE + (f"expected_flows:\n{flows}\n" if flows else ""), encoding="utf-8")
    inputs = given(tmp_path / "inputs", **files) if files else None
    return Assessment(snapshot_of(objects), load_scope(path), inputs=inputs)


def traffic(made: Assessment, protocol: str = "TCP") -> dict[tuple[str, str], dict[str, Any]]:
    rows = rows_of(made.tables.ephi_traffic)
    return {(row["source"], row["destination"]): row for row in rows if row["protocol"] == protocol}


@pytest.mark.parametrize(
    ("declared", "undeclared", "blocked"),
    [
        ("- {from: Pod/web/app, to: Pod/ehr/db, port: 5432}", "", ""),
        ("- {from: Pod/web/app, to: Pod/ehr/db, port: 5432, protocol: UDP}", "5432", ""),
        ("- {from: Pod/web/app, to: Pod/ehr/db}", "", ""),
        ("- {from: Namespace//web, to: Pod/ehr/db, port: 5432}", "", ""),
        ("- {from: Namespace//ehr, to: Pod/ehr/db, port: 5432}", "5432", ""),
        ("- {from: Pod/web/app, to: Namespace//ehr, port: 5432}", "", ""),
        ("- {from: Pod/web/app, to: Pod/ehr/db, port: 9187}", "5432", "9187"),
    ],
)
def test_what_is_declared_counts_by_ends_port_and_protocol(
    tmp_path: Path, declared: str, undeclared: str, blocked: str
) -> None:
    found = traffic(run(tmp_path, [*WORLD, policy("db", "ehr", only("app", port=5432))], declared))
    row = found["Pod/web/app", "Pod/ehr/db"]
    assert (row["allowed"], row["undeclared"], row["blocked"]) == ("5432", undeclared, blocked)


def test_a_declared_connection_that_no_policy_allows_has_a_row(tmp_path: Path) -> None:
    flows = "- {from: Pod/web/other, to: Pod/ehr/db, port: 5432}"
    row = traffic(run(tmp_path, [*WORLD, policy("db", "ehr", only("app", port=5432))], flows))[
        "Pod/web/other", "Pod/ehr/db"
    ]
    assert (row["verdict"], row["allowed"], row["blocked"]) == ("denied", "", "5432")


def test_connections_within_one_workload_need_no_declaration(tmp_path: Path) -> None:
    made = run(tmp_path, WORLD)
    assert traffic(made)["Pod/web/app", "Pod/ehr/db"]["undeclared"] == "every"
    rows = rows_of(made.tables.ephi_traffic)
    assert not [row for row in rows if row["source"] == row["destination"] and row["undeclared"]]


@pytest.mark.parametrize(
    ("to", "undeclared"),
    [("192.0.2.0/24", ""), ("192.0.2.0/28", "443"), ("internet", ""), ("198.51.100.0/24", "443")],
)
def test_addresses_are_declared_by_a_block_that_holds_them(tmp_path: Path, to: str, undeclared: str) -> None:
    out = {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "egress": [
            {
                "to": [{"ipBlock": {"cidr": "8.8.8.0/24" if to == "internet" else "192.0.2.0/24"}}],
                "ports": [{"port": 443}],
            }
        ],
    }
    found = traffic(run(tmp_path, [*WORLD, policy("out", "ehr", out)], f"- {{from: Pod/ehr/db, to: {to}, port: 443}}"))
    [row] = [row for (source, _), row in found.items() if source == "Pod/ehr/db" and row["outside"]]
    assert (row["allowed"], row["undeclared"], row["category"]) == ("443", undeclared, "external")


@pytest.mark.parametrize(("seen", "unexpected"), [(5432, ""), (22, "22")])
def test_a_flow_log_tells_what_is_used_and_what_nobody_declared(tmp_path: Path, seen: int, unexpected: str) -> None:
    flow = {
        "time": "2026-11-19T12:00:00Z",
        "verdict": "FORWARDED",
        "source": {"namespace": "web", "pod_name": "app"},
        "destination": {"namespace": "ehr", "pod_name": "db"},
        "l4": {"TCP": {"source_port": 50000, "destination_port": seen, "flags": {"SYN": True}}},
        "is_reply": False,
    }
    flows = "- {from: Pod/web/app, to: Pod/ehr/db, port: 5432}"
    found = traffic(run(tmp_path, WORLD, flows, flows__hubble_json=json.dumps({"flow": flow}) + "\n"))
    row = found["Pod/web/app", "Pod/ehr/db"]
    assert (row["seen"], row["unexpected"]) == ("yes", unexpected)
    assert found["Pod/web/other", "Pod/ehr/db"]["seen"] == "no"


def since(object_: dict[str, Any], moment: str) -> dict[str, Any]:
    """Return a pod with a container that has run since a moment."""
    status = {"containerStatuses": [{"name": "main", "state": {"running": {"startedAt": moment}}}]}
    return {**object_, "status": {**object_["status"], **status}}


VPC = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
)


def record(source: str, destination: str, port: int, start: str) -> str:
    first = int(datetime.fromisoformat(start).timestamp())
    return f"2 1 eni-1 {source} {destination} 50000 {port} 6 10 840 {first} {first + 60} ACCEPT OK"


@pytest.mark.parametrize(
    ("source", "start", "seen", "unexpected"),
    [
        ("10.0.0.2", "2026-11-19T12:00:00Z", "yes", ""),
        ("10.0.0.3", "2026-11-19T12:00:00Z", "no", ""),
        ("10.0.0.2", "2026-11-17T12:00:00Z", "unknown", ""),
        ("10.0.0.77", "2026-11-19T12:00:00Z", "unknown", ""),
    ],
)
def test_a_log_of_addresses_counts_for_the_pods_that_had_them(
    tmp_path: Path, source: str, start: str, seen: str, unexpected: str
) -> None:
    world = [since(each, "2026-11-18T00:00:00Z") if each["kind"] == "Pod" else each for each in WORLD]
    log = f"{VPC}\n{record(source, '10.0.0.1', 5432, start)}\n"
    made = run(tmp_path, world, "- {from: Pod/web/app, to: Pod/ehr/db, port: 5432}", flows__log=log)
    row = traffic(made)["Pod/web/app", "Pod/ehr/db"]
    assert (row["seen"], row["unexpected"]) == (seen, unexpected)
    known = made.tables.flow_ends.set_index("side")["standing"].to_dict()
    assert known["source"] == {"yes": "pod", "no": "pod"}.get(seen, "nobody" if "77" in source else "other_time")


@pytest.mark.parametrize(
    ("source", "port", "contradicted"), [("other", 5432, "5432"), ("app", 22, "22"), ("app", 5432, "")]
)
def test_what_was_seen_and_no_policy_allows_is_told_beside_the_map(
    tmp_path: Path, source: str, port: int, contradicted: str
) -> None:
    flow = {
        "time": "2026-11-19T12:00:00Z",
        "verdict": "FORWARDED",
        "source": {"namespace": "web", "pod_name": source},
        "destination": {"namespace": "ehr", "pod_name": "db"},
        "l4": {"TCP": {"source_port": 50000, "destination_port": port, "flags": {"SYN": True}}},
        "is_reply": False,
    }
    made = run(
        tmp_path,
        [*WORLD, policy("db", "ehr", only("app", port=5432))],
        flows__hubble_json=json.dumps({"flow": flow}) + "\n",
    )
    assert traffic(made)[f"Pod/web/{source}", "Pod/ehr/db"]["contradicted"] == contradicted
    [row] = rows_of(made.tables.ephi_map)
    told = f"Pod/web/{source} to Pod/ehr/db on TCP {contradicted}" if contradicted else ""
    assert row["contradicted"] == told
    findings = made.findings()
    assert set(findings[findings["check"] == "HK-PHI-04"]["verdict"]) == {"not_assessed"}


def test_without_a_flow_log_nothing_is_known_of_use(tmp_path: Path) -> None:
    assert {row["seen"] for row in traffic(run(tmp_path, WORLD)).values()} == {"unknown"}


@pytest.mark.parametrize(
    ("source", "destination", "said"),
    [
        (("Pod/ehr/app", "ehr"), ("Pod/ehr/db", "ehr"), "clinical"),
        (("Pod/ehr/app", "ehr"), ("Deployment/kube-system/coredns", "kube-system"), "dns"),
        (("Deployment/monitoring/x", "monitoring"), ("Pod/ehr/db", "ehr"), "monitoring"),
        (("Deployment/velero/velero", "velero"), ("Pod/ehr/db", "ehr"), "backup"),
        (("Deployment/cicd/argocd", "cicd"), ("Pod/ehr/db", "ehr"), "administration"),
        (("0.0.0.0/0", ""), ("Pod/ehr/db", "ehr"), "external"),
    ],
)
def test_categories(source: tuple[str, str], destination: tuple[str, str], said: str) -> None:
    servers = frozenset(["Deployment/kube-system/coredns"])
    assert category(End.of(*source), End.of(*destination), servers) == said


@pytest.mark.parametrize(
    ("cell", "public", "metadata"),
    [
        ("0.0.0.0/0", True, True),
        ("0.0.0.0/0 except 169.254.0.0/16", True, False),
        ("169.254.169.254/32", False, True),
        ("10.0.0.0/8", False, False),
        ("fd00:ec2::/64", False, True),
    ],
)
def test_an_end_outside_knows_what_lies_in_it(cell: str, public: bool, metadata: bool) -> None:
    end = End.of(cell, "")
    assert end.cell is not None
    assert (end.cell.public, end.metadata) == (public, metadata)


def test_blast_radius_counts_pods_hop_by_hop(tmp_path: Path) -> None:
    chain = [
        policy("db", "ehr", only("app", port=5432)),
        policy(
            "app",
            "web",
            {**only("other", port=80), "podSelector": {"matchLabels": {"app": "app"}}, "policyTypes": ["Ingress"]},
        ),
        policy("other", "web", {"podSelector": {"matchLabels": {"app": "other"}}, "policyTypes": ["Ingress"]}),
    ]
    far = pod("web/far", ip="10.0.0.4", app="far")
    rows = rows_of(run(tmp_path, [*WORLD, far, *chain]).tables.blast_radius)
    assert [(row["hops"], row["pods"], row["of"]) for row in rows] == [(1, 1, 3), (2, 2, 3), (3, 2, 3)]


def test_blast_radius_counts_workloads_that_scaling_leaves_alone(tmp_path: Path) -> None:
    def owned(name: str, ip: str) -> dict[str, Any]:
        made = pod(f"web/{name}", ip=ip, app="many")
        owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "many-1", "uid": "u1", "controller": True}
        return {**made, "metadata": {**made["metadata"], "ownerReferences": [owner]}}

    few, more = [owned("many-a", "10.0.0.5")], [owned("many-b", "10.0.0.6"), owned("many-c", "10.0.0.7")]
    found = []
    for name, pods in (("few", few), ("more", [*few, *more])):
        (tmp_path / name).mkdir()
        rows = rows_of(run(tmp_path / name, [*WORLD, *pods]).tables.blast_radius)
        found.append([(row["pods"], row["workloads"]) for row in rows if row["hops"] == 1])
    (before,), (after,) = found
    assert after[0] == before[0] + 2
    assert after[1] == before[1]


def test_namespace_flows_count_pairs_of_pods(tmp_path: Path) -> None:
    made = run(tmp_path, [*WORLD, policy("db", "ehr", only("app", port=5432))])
    rows = {(row["source"], row["destination"]): row for row in rows_of(made.tables.namespace_flows)}
    assert [rows["web", "ehr"][name] for name in ("verdict", "allowed", "pairs")] == ["allowed", 1, 2]
    assert [rows["ehr", "web"][name] for name in ("verdict", "allowed", "pairs")] == ["denied", 0, 2]
    assert [rows["web", "web"][name] for name in ("verdict", "allowed", "pairs")] == ["allowed", 2, 2]
    assert [rows["ehr", "ehr"][name] for name in ("verdict", "allowed", "pairs")] == ["denied", 0, 0]
