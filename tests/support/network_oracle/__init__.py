"""A second opinion on network reachability: every pair, every policy, one at a time, from the specifications alone.

Nothing here imports the kit. See `README.md` for every rule and its source.
"""

from tests.support.network_oracle.combine import evaluate
from tests.support.network_oracle.model import Options

__all__ = ["Options", "evaluate"]
