"""A hospital on a real server: one control plane with the clinic's objects, for all tests that read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import hipaa_kit
from hipaa_kit.assess.facade import registered_checks
from hipaa_kit.assess.reader import declared_kinds, needed_kinds
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.sources.live import collect
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.scope import load_scope
from hipaa_kit.sources.snapshot import Snapshot
from tests.support.live import clinic
from tests.support.live.assets import Assets
from tests.support.live.control_plane import ControlPlane
from tests.support.snapshots import COLLECTED_AT, TEST_KEY

DATA = Path(__file__).parent.parent.parent / "data"

ACCESS = "HK-PHI-05"
"""The check that weighs what could be read."""


@dataclass(frozen=True)
class Hospital:
    """A clinic on a real server.

    `before` was collected before the objects of `folder` were created, `after` when they were; `refused`
    are the server's words about those that it did not take.
    """

    plane: ControlPlane
    folder: Path
    before: Snapshot
    after: Snapshot
    refused: tuple[str, ...]

    def needed(self) -> list[Kind]:
        """Return the kinds that the checks need and this server serves."""
        served = {(row.group, row.kind) for row in self.after.coverage.frame.itertuples() if row.status != "absent"}
        return [kind for kind in needed_kinds("audit") if (kind.group, kind.kind) in served]

    def read_as(self, user: str) -> Snapshot:
        """Collect as a user what the checks need."""
        wanted = [kind.kind for kind in self.needed()]
        return _collect(self.plane.kubeconfig(user), kinds=wanted, expected=declared_kinds())

    def findings(self, snapshot: Snapshot) -> pd.Series[str]:
        """Return the verdicts of all checks on a snapshot, by check and object."""
        scope = load_scope(self.folder / "scope.yaml")
        run = hipaa_kit.assessment(snapshot, scope=scope, as_of=COLLECTED_AT)
        return run.findings().set_index(["check", "object"])["verdict"]


def newly_open(before: pd.Series[str], after: pd.Series[str]) -> set[str]:
    """Return the checks that judged something, and have findings which are not assessed any more."""
    left = after.index[after == "not_assessed"].difference(before.index[before == "not_assessed"])
    return {check for check, _ in left} & _judging(before)


def checks_that_need(resources: Iterable[tuple[str, str]], before: pd.Series[str]) -> set[str]:
    """Return the checks whose tables are made from any of these (API group, resource), and which judged something."""
    asked = set(resources)
    every = registered_checks().values()
    need = {check.id for check in every if any((kind.group, kind.resource) in asked for kind in check.kinds)}
    return need & _judging(before)


def _judging(verdicts: pd.Series[str]) -> set[str]:
    """Return the checks of objects with a verdict on anything: those without what an input would say are not among them.

    What weighs the reading itself, or what all others found, opens with whatever is refused.
    """
    of_the_rest = {check.id for check in registered_checks().values() if check.needs_all_findings} | {ACCESS}
    return {check for check, _ in verdicts.index[verdicts != "not_assessed"]} - of_the_rest


def admit(plane: ControlPlane, name: str) -> Hospital:
    """Create the objects of `data/<name>` on a server."""
    admin = plane.kubeconfig("collector", groups=["system:masters"])
    before = read_all(admin)
    refused = clinic.apply(plane.admin, clinic.load(DATA / name / "objects"))
    return Hospital(plane, DATA / name, before, read_all(admin), tuple(refused))


def read_all(kubeconfig: Path) -> Snapshot:
    """Collect everything but Secrets."""
    return _collect(kubeconfig, profile="audit-plus")


def _collect(kubeconfig: Path, **options: Any) -> Snapshot:
    return collect(kubeconfig=kubeconfig, cluster_name="clinic", pseudonymizer=Pseudonymizer(TEST_KEY), **options)


NO_WEBHOOKS = ("--disable-admission-plugins=MutatingAdmissionWebhook,ValidatingAdmissionWebhook",)
"""The clinic has webhooks, and nothing runs here that would answer them: the server keeps them and asks none."""


@pytest.fixture(scope="session")
def hospital(live_assets: Assets) -> Iterator[Hospital]:
    """The clinic, with all its faults; tests add users and roles, and leave its objects alone."""
    with ControlPlane(live_assets, flags=NO_WEBHOOKS) as plane:
        yield admit(plane, "clinic")


@pytest.fixture(scope="session")
def fixed_hospital(live_assets: Assets) -> Iterator[Hospital]:
    """The repaired clinic."""
    with ControlPlane(live_assets, flags=NO_WEBHOOKS) as plane:
        yield admit(plane, "clinic_fixed")
