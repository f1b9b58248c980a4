"""Which tests one worker runs together: those that share what is expensive to make."""

from __future__ import annotations

from typing import Final

from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

TOGETHER: Final = (
    "tests/live/",
    "tests/batch/",
    "tests/assess/test_facade.py",
    "tests/data/test_clinic_faults.py",
    "tests/assess/test_remedies.py",
    "tests/evidence/test_bundle.py",
    "tests/evidence/test_remedies.py",
    "tests/safeguards/test_clinic.py",
    "tests/test_canary.py",
    "tests/test_cli.py::test_gates",
    "tests/test_wheel.py",
)
"""Tests that share servers, executed notebooks, a wheel, clinics or whole assessments; any other goes wherever there is room."""


class Together(LoadScopeScheduling):  # type: ignore[misc]
    """Hands tests that belong together to one worker, the largest such set first, and all others one by one.

    The mark `xdist_group` does the same as long as a worker may change the id of a test, which pytest 9.2 ended.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if file.endswith(".ipynb"):
            return file  # its cells run one after the other in one kernel
        return next((place for place in TOGETHER if nodeid.startswith(place)), nodeid)

    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:
        """Mark a test as completed, and forget what is done: all of it would be counted again after every test."""
        super().mark_test_complete(node, item_index, duration)
        held, place = self.assigned_work[node], self._split_scope(self.registered_collections[node][item_index])
        if all(held[place].values()):
            del held[place]
