"""Network, permissions, identities, volumes and copies in one graph, and the paths in it to ePHI."""

from hipaa_kit.graph.paths.answers import Paths, paths_of

__all__ = ["Paths", "paths_of"]
