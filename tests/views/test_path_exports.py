"""Paths in other tools' forms: nothing is lost, and no name of an object becomes a statement."""

from __future__ import annotations

import io
import json

import networkx as nx
import pytest

from hipaa_kit.views.path_exports import cypher, graphml, node_link

ODD = 'Secret/ehr/a"}) DETACH DELETE n //\u2028'


@pytest.fixture
def graph() -> nx.MultiDiGraph:
    made: nx.MultiDiGraph = nx.MultiDiGraph()
    made.add_node("Internet", kind="Internet", ephi=False)
    made.add_node(ODD, kind="Secret", ephi=True)
    made.add_edge("Internet", ODD, key="EXPOSED Ingress/a/b", edge="EXPOSED`x", proof="port 443", confidence="certain")
    return made


def test_graphml_reads_back(graph: nx.MultiDiGraph) -> None:
    again = nx.read_graphml(io.BytesIO(graphml(graph).encode()), force_multigraph=True)
    assert set(again) == set(graph)
    [about] = [data for *_, data in again.edges(data=True)]
    assert about["proof"] == "port 443"


def test_json_reads_back(graph: nx.MultiDiGraph) -> None:
    again = nx.node_link_graph(json.loads(node_link(graph)), edges="links")
    assert nx.utils.graphs_equal(again, graph)


def test_cypher_is_a_statement_a_line_with_every_name_quoted(graph: nx.MultiDiGraph) -> None:
    rows = cypher(graph).splitlines()
    assert len(rows) == 3
    assert all(row.endswith(";") and row.isascii() for row in rows)
    assert rows[1].startswith('MERGE (n:Node {id: "Secret/ehr/a\\"}) DETACH DELETE n //\\u2028"}) SET')
    assert "[r:`EXPOSED``x` {key:" in rows[2]
