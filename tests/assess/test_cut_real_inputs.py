"""The smallest cut of clusters that other projects published, with one of their workloads taken for what holds ePHI.

They are no part of the project: HIPAA_KIT_REAL_INPUTS names a folder that holds one folder per set.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hipaa_kit.assess.facade import Assessment
from hipaa_kit.errors import InputError
from hipaa_kit.sources.dump import import_dump
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.scope import load_scope
from tests.assess.test_cut import holds
from tests.support.snapshots import TEST_KEY

ROOT = Path(os.environ.get("HIPAA_KIT_REAL_INPUTS") or "none given")
SETS = sorted(path for path in ROOT.iterdir() if path.is_dir()) if ROOT.is_dir() else []
SCOPE = """apiVersion: hipaa-kit/v1
kind: Scope
metadata: {{name: real, owner: privacy@clinic.example, reviewed_on: 2026-11-01}}
entries:
- {{object: "{}", owner: dba@clinic.example, data_class: ephi, criticality: critical}}
"""

pytestmark = pytest.mark.skipif(not SETS, reason="HIPAA_KIT_REAL_INPUTS names no folder of inputs")


@pytest.mark.parametrize("place", SETS, ids=lambda path: path.name)
def test_the_cut_of_a_real_input_removes_what_it_promises(place: Path, tmp_path: Path) -> None:
    try:
        snapshot = import_dump(place, pseudonymizer=Pseudonymizer(TEST_KEY))
    except InputError:
        pytest.skip("it is refused")
    held = [
        snapshot.parts["apps", kind].load()
        for kind in ("StatefulSet", "Deployment")
        if ("apps", kind) in snapshot.parts
    ]
    workloads = [record.object for records in held for record in records]
    if not workloads:
        pytest.skip("it has no workloads")
    path = tmp_path / "scope.yaml"
    path.write_text(SCOPE.format(workloads[0]))
    run = Assessment(snapshot, load_scope(path), topics=["network_isolation"])
    if not run.paths.targets:
        pytest.skip("its first workload would run no pod")
    for source in ("internet", "pod", "subject"):
        cut = run.smallest_cut(source, k=2)
        assert cut.complete
        holds(cut, source, 2)
