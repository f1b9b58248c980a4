"""How nbval starts the kernels of the reference runs."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import KernelManager


class OverSockets(KernelManager):
    """Starts a kernel that talks over sockets in a folder of its own.

    Ports are chosen before the kernel binds them: of kernels that start together, one may find its port taken.
    """

    def __init__(self, **given: Any) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="hk-", ignore_cleanup_errors=True)
        super().__init__(transport="ipc", ip=str(Path(self._folder.name) / "kernel"), **given)


def pytest_configure(config: pytest.Config) -> None:
    """Give nbval these kernels, and let one take minutes to start on a machine with much else to do."""
    if config.getoption("nbval", default=False):
        import nbval.kernel

        nbval.kernel.KernelManager = OverSockets
        config.option.nbval_kernel_startup_timeout = 300
