"""Against a cluster that exists already nothing is sent but reads, and its answers are all accounted for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import kubernetes

from hipaa_kit.kube import kinds
from hipaa_kit.sources.discovery import discover_kinds
from hipaa_kit.sources.live import collect
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.transport import Server
from tests.support.live.control_plane import ControlPlane
from tests.support.snapshots import TEST_KEY

ROOT = Path(__file__).parent.parent.parent


def run_live(context: str, kubeconfig: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the live tests against a cluster that exists."""
    environment = {**os.environ, "USE_EXISTING_CLUSTER": context, "KUBECONFIG": str(kubeconfig)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "live"]
    command += options
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_a_cluster_is_collected_and_every_kind_has_an_answer(readable_cluster: tuple[Path | None, str]) -> None:
    kubeconfig, context = readable_cluster
    snapshot = collect(context, kubeconfig, profile="minimal", pseudonymizer=Pseudonymizer(TEST_KEY))
    rows = snapshot.coverage.frame
    assert set(rows["status"]) <= {"answered", "refused", "absent", "not_asked"}
    assert all(rows.loc[rows["status"] == "refused", "error"].str.contains("forbidden"))
    assert snapshot.coverage.answer(kinds.SECRET).status == "not_asked"
    assert re.match(r"v1\.\d+", snapshot.identity.version)


def test_discovery_knows_the_kinds_every_cluster_has(readable_cluster: tuple[Path | None, str]) -> None:
    kubeconfig, context = readable_cluster
    place = str(kubeconfig) if kubeconfig else None
    client = kubernetes.config.new_client_from_config(config_file=place, context=context, persist_config=False)
    found = discover_kinds(Server(client))
    for kind in (kinds.POD, kinds.NODE, kinds.NAMESPACE, kinds.DEPLOYMENT, kinds.NETWORK_POLICY):
        assert found.served[kind.group, kind.kind].kind == kind


def test_the_existing_cluster_mode_reads_and_skips_what_writes(control_plane: ControlPlane) -> None:
    kubeconfig = control_plane.kubeconfig("existing", groups=["system:masters"])
    start = control_plane.audit_log.stat().st_size
    done = run_live("live", kubeconfig, "tests/live")
    assert done.returncode == 0, done.stdout
    assert re.search(r"^2 passed, \d+ skipped", done.stdout, re.MULTILINE), done.stdout
    assert len(re.findall("USE_EXISTING_CLUSTER is only read", done.stdout)) == 1
    verbs = {event["verb"] for event in control_plane.audit_events("existing", start=start)}
    assert verbs == {"get", "list"}


def test_a_context_that_is_not_there_is_a_failure(control_plane: ControlPlane) -> None:
    done = run_live("no-such-context", control_plane.kubeconfig("nobody-here"), __file__, "-k", "every_kind")
    assert done.returncode == 1
    assert "there is no context 'no-such-context'" in done.stdout
