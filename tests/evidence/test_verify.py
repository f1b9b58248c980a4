"""A bundle that was touched is told from one that was not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hipaa_kit.cli import main
from hipaa_kit.errors import InputError
from hipaa_kit.evidence.bag import MANIFEST, TAG_MANIFEST, seal
from hipaa_kit.evidence.verify import verify
from hipaa_kit.sources.inputs import read_inputs


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    (folder / "data" / "run").mkdir(parents=True)
    (folder / "data" / "findings.csv").write_text("check,object\nHK-INT-12,Bundle//a\n", encoding="utf-8")
    (folder / "data" / "run" / "run.json").write_text("{}", encoding="utf-8")
    seal(folder, {"External-Identifier": "clinic 0123456789abcdef", "Hipaa-Kit-Cluster": "clinic"})
    return folder


def test_a_bundle_as_it_was_written_is_intact(bundle: Path) -> None:
    found = verify(bundle)
    assert found.intact
    assert found.files == 5
    assert found.found_digest == found.recorded_digest != ""


def _alter(bundle: Path) -> None:
    (bundle / "data" / "findings.csv").write_text("check,object\n", encoding="utf-8")


def _remove(bundle: Path) -> None:
    (bundle / "data" / "findings.csv").unlink()


def _add(bundle: Path) -> None:
    (bundle / "data" / "more.csv").write_text("a\n", encoding="utf-8")


def _link(bundle: Path) -> None:
    target = bundle.parent / "elsewhere.csv"
    (bundle / "data" / "findings.csv").rename(target)
    (bundle / "data" / "findings.csv").symlink_to(target)


def _claim_another_digest(bundle: Path) -> None:
    info = bundle / "bag-info.txt"
    info.write_text(info.read_text(encoding="utf-8").replace("Digest: ", "Digest: 0"), encoding="utf-8")


@pytest.mark.parametrize(
    ("touch", "file", "state"),
    [
        (_alter, "data/findings.csv", "altered"),
        (_remove, "data/findings.csv", "missing"),
        (_add, "data/more.csv", "added"),
        (_link, "data/findings.csv", "link"),
        (_claim_another_digest, "bag-info.txt", "altered"),
    ],
)
def test_what_was_touched_is_named(bundle: Path, touch: Callable[[Path], None], file: str, state: str) -> None:
    touch(bundle)
    found = verify(bundle)
    assert not found.intact
    assert found.problems == {file: state}


def test_manifests_that_were_written_anew_give_another_digest(bundle: Path) -> None:
    before = verify(bundle)
    _alter(bundle)
    seal(bundle, {"External-Identifier": "clinic 0123456789abcdef", "Hipaa-Kit-Cluster": "clinic"})
    after = verify(bundle)
    assert after.intact
    assert after.found_digest != before.found_digest


@pytest.mark.parametrize("name", [MANIFEST, TAG_MANIFEST])
@pytest.mark.parametrize("line", [f"{'0' * 64}  ../outside", f"{'0' * 64}  /etc/passwd", "no line"])
def test_a_manifest_that_names_another_place_is_refused(bundle: Path, name: str, line: str) -> None:
    (bundle / name).write_text(f"{line}\n", encoding="utf-8")
    with pytest.raises(InputError):
        verify(bundle)


def test_what_is_no_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        verify(tmp_path)


def test_the_command_ends_with_6_where_something_was_touched(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(bundle)]) == 0
    digest = verify(bundle).found_digest
    assert digest in capsys.readouterr().out
    assert main(["verify", str(bundle), "--digest", digest]) == 0
    assert main(["verify", str(bundle), "--digest", "0" * 64]) == 6
    _alter(bundle)
    assert main(["verify", str(bundle)]) == 6
    assert "altered     data/findings.csv" in capsys.readouterr().out


def test_its_answer_is_read_by_a_later_run(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _alter(bundle)
    main(["verify", str(bundle), "-f", "json"])
    folder = tmp_path / "inputs"
    folder.mkdir()
    answer = capsys.readouterr().out
    (folder / "bundle.json").write_text(answer, encoding="utf-8")
    read = read_inputs(folder).tables
    assert read["verified_bundles"]["bundle"].tolist() == ["0123456789abcdef"]
    assert read["verified_bundles"]["intact"].tolist() == [False]
    assert read["verified_files"]["file"].tolist() == ["data/findings.csv"]
    claimed = json.loads(answer) | {"intact": True}
    (folder / "bundle.json").write_text(json.dumps(claimed), encoding="utf-8")
    assert read_inputs(folder).tables["verified_bundles"]["intact"].tolist() == [False]
