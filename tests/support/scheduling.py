"""Which tests one worker runs together: those that share what is expensive to make."""

from __future__ import annotations

from typing import Final

from xdist.scheduler import LoadScopeScheduling

TOGETHER: Final = (
    "tests/live/",
    "tests/batch/",
    "tests/evidence/test_bundle.py",
    "tests/test_canary.py",
    "tests/test_wheel.py",
)
"""Folders and files whose tests share servers, executed notebooks or a wheel; every other test goes wherever there is room."""


class Together(LoadScopeScheduling):  # type: ignore[misc]
    """Hands tests that belong together to one worker, the largest such set first, and all others one by one.

    The mark `xdist_group` does the same as long as a worker may change the id of a test, which pytest 9.2 ended.
    """

    def _split_scope(self, nodeid: str) -> str:
        return next((place for place in TOGETHER if nodeid.startswith(place)), nodeid)
