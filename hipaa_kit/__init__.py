"""Evidence for a HIPAA Security Rule assessment of Kubernetes.

    import hipaa_kit

    run = hipaa_kit.assessment("clinic.snap", scope="scope.yaml")
    run.tables.pods          # every declared table
    run.findings()           # every object examined, with its verdict
    run.coverage             # what was asked of the cluster and what came back

What stands here is loaded when it is first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from hipaa_kit.assess.facade import Assessment
    from hipaa_kit.assess.history import History, open_history
    from hipaa_kit.assess.opening import assessment
    from hipaa_kit.errors import KitError
    from hipaa_kit.sources.dump import import_dump
    from hipaa_kit.sources.inputs import Inputs, open_inputs, read_inputs, save_inputs
    from hipaa_kit.sources.live import collect
    from hipaa_kit.sources.scope import load_scope
    from hipaa_kit.sources.snapshot import Snapshot
    from hipaa_kit.sources.store import open_snapshot, save_snapshot

_PLACES = {
    "Inputs": "hipaa_kit.sources.inputs",
    "open_inputs": "hipaa_kit.sources.inputs",
    "read_inputs": "hipaa_kit.sources.inputs",
    "save_inputs": "hipaa_kit.sources.inputs",
    "Assessment": "hipaa_kit.assess.facade",
    "History": "hipaa_kit.assess.history",
    "KitError": "hipaa_kit.errors",
    "Snapshot": "hipaa_kit.sources.snapshot",
    "assessment": "hipaa_kit.assess.opening",
    "collect": "hipaa_kit.sources.live",
    "import_dump": "hipaa_kit.sources.dump",
    "load_scope": "hipaa_kit.sources.scope",
    "open_history": "hipaa_kit.assess.history",
    "open_snapshot": "hipaa_kit.sources.store",
    "save_snapshot": "hipaa_kit.sources.store",
}

__all__ = [
    "Assessment",
    "History",
    "Inputs",
    "KitError",
    "Snapshot",
    "__version__",
    "assessment",
    "collect",
    "import_dump",
    "load_scope",
    "open_history",
    "open_inputs",
    "open_snapshot",
    "read_inputs",
    "save_inputs",
    "save_snapshot",
]


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(import_module(_PLACES[name]), name)
    raise AttributeError(f"module 'hipaa_kit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
