"""Paths on their way into other tools: GraphML, JSON and Cypher."""

from __future__ import annotations

import io
import json
from typing import Any

import networkx as nx


def graphml(graph: nx.MultiDiGraph[str]) -> str:
    """Return a graph as GraphML. Source: http://graphml.graphdrawing.org/specification.html."""
    written = io.BytesIO()
    nx.write_graphml(graph, written)
    return written.getvalue().decode()


def node_link(graph: nx.MultiDiGraph[str]) -> str:
    """Return a graph as JSON, nodes and links, as networkx reads it back."""
    return json.dumps(nx.node_link_data(graph, edges="links"), indent=1, sort_keys=True) + "\n"


def cypher(graph: nx.MultiDiGraph[str]) -> str:
    """Return a graph as statements of Cypher, a line each, which make it in a graph database.

    Every node has label `Node` and property `id`; the technique of a hop is the type of its relation. Texts are quoted
    and escaped, so that no name of an object becomes a statement.
    Source: https://neo4j.com/docs/cypher-manual/current/syntax/
    """
    lines = [
        f"MERGE (n:Node {{id: {_text(node)}}}) SET n += {_properties(graph.nodes[node])};" for node in sorted(graph)
    ]
    for source, target, key in sorted(graph.edges(keys=True)):
        about = graph.edges[source, target, key]
        ends = f"MATCH (a:Node {{id: {_text(source)}}}), (b:Node {{id: {_text(target)}}})"
        made = f"MERGE (a)-[r:{_name(about.get('edge', 'LEADS_TO'))} {{key: {_text(str(key))}}}]->(b)"
        lines.append(f"{ends} {made} SET r += {_properties(about)};")
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    """Return a text as a literal. JSON's escapes are those of Cypher; `ensure_ascii` leaves no odd line ends."""
    return json.dumps(value, ensure_ascii=True)


def _name(value: str) -> str:
    """Return a name in backquotes, in which one is doubled."""
    return "`" + value.replace("`", "``") + "`"


def _properties(about: dict[str, Any]) -> str:
    told = (f"{_name(name)}: {_literal(value)}" for name, value in sorted(about.items()))
    return "{" + ", ".join(told) + "}"


def _literal(value: Any) -> str:
    return _text(value) if isinstance(value, str) else json.dumps(value)
