"""Who may open a connection to whom: exact, explained, at any size."""

from hipaa_kit.graph.reachability.answers import Reachability, reachability_of
from hipaa_kit.graph.reachability.facts import Facts, NodeFact, Options, PodFact

__all__ = ["Facts", "NodeFact", "Options", "PodFact", "Reachability", "reachability_of"]
