"""What holds for all tests, and the real API server of the live ones, started when the first one asks."""

from __future__ import annotations

import gc
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.support.live.assets import ABSENT, Assets, existing_context, find_assets
from tests.support.live.control_plane import ANSWERED, ControlPlane

# How long an example takes says how busy the machine is, and nothing of the kit.
settings.register_profile("hipaa_kit", deadline=None, print_blob=True)
settings.load_profile("hipaa_kit")

LIVE_FIXTURES = {"live_assets", "readable_cluster"}
"""A test that asks for one of these, directly or through another fixture, is marked `live`."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the live tests."""
    for item in items:
        if LIVE_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.live)


def pytest_collection_finish() -> None:
    """Look for cycles of garbage seldom, and not among all that was imported and collected: it stays to the end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep on one worker what shares a server or a run, so that each is made once."""
    from tests.support.scheduling import Together

    return Together(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Report all live tests that are skipped for one reason in one line."""
    report = yield
    if report.skipped and isinstance(report.longrepr, tuple) and "live: " in report.longrepr[2]:
        report.longrepr = (__file__, 0, report.longrepr[2])
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how much the real servers were asked (where the tests ran in this process)."""
    if ANSWERED:
        terminalreporter.write_line(f"live: {len(ANSWERED)} API servers answered {sum(ANSWERED)} requests")


@pytest.fixture(scope="session")
def live_assets() -> Assets:
    """Binaries of an API server; without them the test is skipped, and with broken ones it fails."""
    if existing_context():
        pytest.skip("live: this test writes, and USE_EXISTING_CLUSTER is only read")
    assets = find_assets()
    if assets is None:
        pytest.skip(ABSENT)
    return assets


@pytest.fixture(scope="session")
def control_plane(live_assets: Assets) -> Iterator[ControlPlane]:
    """A real API server that tests may write to: each in namespaces and under names of its own."""
    with ControlPlane(live_assets) as running:
        yield running


@pytest.fixture(scope="session")
def readable_cluster(request: pytest.FixtureRequest) -> tuple[Path | None, str]:
    """Kubeconfig and context of a cluster that is only read: the one that `USE_EXISTING_CLUSTER` names, else ours."""
    if context := existing_context():
        return None, context
    plane: ControlPlane = request.getfixturevalue("control_plane")
    return plane.kubeconfig("cluster-reader", groups=["system:masters"]), "live"
