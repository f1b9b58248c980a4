"""`doctor` and `rbac`: what they print, and the codes they end with."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from hipaa_kit.assess import doctor
from hipaa_kit.assess.facade import registered_checks
from hipaa_kit.assess.reader import declared_kinds
from hipaa_kit.cli import main
from hipaa_kit.kube import kinds
from hipaa_kit.sources.transport import Reply
from tests.support.recorded_cluster import Fault, RecordedCluster

Run = tuple[int, str, str]


@pytest.fixture(autouse=True)
def _own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIPAA_KIT_KEY_FILE", str(tmp_path / "config" / "key"))
    monkeypatch.chdir(tmp_path)


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> Run:
    try:
        code = main([str(argument) for argument in arguments])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    said = capsys.readouterr()
    return code, said.out, said.err


def diagnosed(capsys: pytest.CaptureFixture[str], cluster: RecordedCluster, folder: Path, *flags: str) -> Run:
    with cluster:
        return run(capsys, "doctor", "--kubeconfig", cluster.kubeconfig(folder), *flags)


def denying(*resources: str, **options: object) -> RecordedCluster:
    serve = {*kinds.BUILT_IN, *declared_kinds()}
    return RecordedCluster([], serve=serve, deny=lambda resource, _: resource in resources, **options)


@pytest.mark.parametrize("verb", ["doctor", "rbac"])
def test_the_verb_explains_itself(capsys: pytest.CaptureFixture[str], verb: str) -> None:
    code, out, _ = run(capsys, verb, "--help")
    assert (code, f"usage: hipaa-kit {verb}" in out) == (0, True)


def test_a_cluster_that_can_be_read_ends_with_0(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, _ = diagnosed(capsys, denying(), tmp_path, "-f", "json")
    told = json.loads(out)
    assert (code, told["ready"], told["identity"], told["server_version"]) == (0, True, "reader", "v1.34.2")
    assert (told["context"], told["profile"], told["clock"]) == ("recorded", "audit", "as here")
    assert {"kubernetes", "urllib3"} <= {name.split()[0] for name in told["versions"].split(", ")}
    answers = {row["kind"]: row["answer"] for row in told["kinds"]}
    assert set(answers) == {kind.kind for kind in declared_kinds()}
    assert answers.pop("Event") == "not_asked"
    assert set(answers.values()) == {"allowed"}


def test_nothing_is_read_and_nothing_is_stored(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    cluster = denying()
    diagnosed(capsys, cluster, tmp_path)
    posted = {request.path for request in cluster.log if request.method == "POST"}
    assert {path.rpartition("/")[2] for path in posted} == {"selfsubjectreviews", "selfsubjectaccessreviews"}
    assert {request.method for request in cluster.log} == {"GET", "POST"}
    assert not [request for request in cluster.log if request.path.endswith("/pods")]


@pytest.mark.parametrize("reviews", [True, False], ids=["by review", "by a list of one"])
def test_what_would_be_refused_is_named_with_what_follows(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, reviews: bool
) -> None:
    cluster = denying("nodes", "roles", reviews=reviews)
    code, out, _ = diagnosed(capsys, cluster, tmp_path)
    assert code == 4
    assert "would be refused: Node: " in out
    assert "would be refused: Role: " in out
    needing = [check.id for check in registered_checks().values() if {kinds.NODE, kinds.ROLE} & {*check.kinds}]
    assert needing
    assert [line.split()[4] for line in out.splitlines() if line.startswith("would not be assessed")] == needing
    if not reviews:
        assert "identity        not told" in out
        assert (
            'nodes is forbidden: User "reader" cannot list resource "nodes" in API group "" at the cluster scope' in out
        )
        assert {request.query.get("limit") for request in cluster.log if request.path.endswith("/pods")} == {"1"}


def test_what_the_doctor_says_is_what_a_snapshot_comes_to(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    cluster = denying("nodes", "persistentvolumes")
    with cluster:
        kubeconfig = cluster.kubeconfig(tmp_path)
        _, out, _ = run(capsys, "doctor", "--kubeconfig", kubeconfig, "-f", "json")
        run(capsys, "snapshot", "--kubeconfig", kubeconfig, "-o", "x.snap")
    told = {row["kind"] for row in json.loads(out)["kinds"] if row["answer"] == "refused"}
    gaps = json.loads(run(capsys, "inspect", "x.snap", "-f", "json")[1])["gaps"]
    assert told == {gap["kind"] for gap in gaps} == {"Node", "PersistentVolume"}


def test_kinds_that_are_not_served_are_no_trouble(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, _ = diagnosed(capsys, RecordedCluster([], serve=[kinds.NAMESPACE, kinds.POD]), tmp_path, "-f", "json")
    answers = {row["kind"]: row["answer"] for row in json.loads(out)["kinds"]}
    assert (code, answers["Node"], answers["Pod"]) == (0, "absent", "allowed")


def test_a_group_whose_discovery_fails_is_trouble(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hipaa_kit.sources.transport.Server._pause", lambda *_: 0.0)
    fault = Fault("^/apis/policy/v1$", status=503, times=99, message="it is down")
    code, out, _ = diagnosed(capsys, denying(faults=[fault]), tmp_path)
    assert code == 4
    assert "would be failed: PodDisruptionBudget: discovery of policy/v1: it is down" in out


def test_namespaces_are_asked_one_by_one(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    cluster = RecordedCluster([], deny=lambda resource, namespace: namespace == "lab" and resource == "pods")
    code, out, _ = diagnosed(capsys, cluster, tmp_path, "-n", "ehr,lab", "--profile", "minimal")
    assert code == 4
    assert [line for line in out.splitlines() if line.startswith("would be")] == [
        "would be refused: Pod in namespace lab: no rule allows it"
    ]


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "as here"), (30, "as here"), (7200, "ahead of this machine"), (-7200, "behind this")]
)
def test_clocks_that_differ_are_told(seconds: int, words: str) -> None:
    there = datetime.now(UTC) + timedelta(seconds=seconds)
    assert words in doctor._clock(Reply(200, date=there.strftime("%a, %d %b %Y %H:%M:%S GMT")))


@pytest.mark.parametrize("date", ["", "soon"])
def test_a_clock_that_is_not_told_is_not_known(date: str) -> None:
    assert doctor._clock(Reply(200, date=date)) == "not told"


def test_a_configuration_that_cannot_be_used_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "doctor", "--kubeconfig", "nowhere")
    assert (code, out, len(err.splitlines())) == (2, "", 1)


@pytest.mark.parametrize(
    ("flag", "value"),
    [("--timeout", "0"), ("--timeout", "nan"), ("--timeout", "inf"), ("--budget", "-1"), ("--page-size", "0")],
)
def test_a_limit_that_is_none_ends_with_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, flag: str, value: str
) -> None:
    with RecordedCluster([]) as cluster:
        arguments = ("snapshot", "--kubeconfig", cluster.kubeconfig(tmp_path), "-o", "x", flag, value)
        code, _, err = run(capsys, *arguments)
    assert (code, len(err.splitlines()), cluster.log) == (2, 1, [])
    assert flag in err


def test_the_role_is_yaml_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "rbac", "--service-account", "kit:reader")
    assert (code, err) == (0, "")
    assert [obj["kind"] for obj in yaml.safe_load_all(out)] == ["ServiceAccount", "ClusterRole", "ClusterRoleBinding"]
    assert run(capsys, "rbac", "--service-account", "kit:reader")[1] == out


def test_a_role_that_nobody_has_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "rbac", "-n", "ehr", "-n", "lab", "--profile", "minimal")
    assert code == 0
    assert [obj["metadata"]["namespace"] for obj in yaml.safe_load_all(out)] == ["ehr", "lab"]
    assert "nobody has the role yet" in err


def test_an_account_without_namespace_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "rbac", "--service-account", "reader")
    assert (code, out) == (2, "")
    assert "NAMESPACE:NAME" in err
