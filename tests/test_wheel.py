"""What is installed from a wheel finds its notebooks and the clinic, away from the checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [path] = folder.glob("*.whl")
    return path


def test_it_holds_notebooks_clinic_and_catalogue_and_no_tests(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "hipaa_kit/_notebooks/01_availability.ipynb",
        "hipaa_kit/_data/clinic/scope.yaml",
        "hipaa_kit/_data/clinic_fixed/objects/collection.json",
        "hipaa_kit/catalogue/citations.csv",
        "hipaa_kit/catalogue/controls/availability.json",
        "hipaa_kit/evidence/templates/hipaa/index.html.j2",
        "hipaa_kit/views/templates/index.html.j2",
        "hipaa_kit/sources/schemas/scope.json",
        "hipaa_kit/py.typed",
    } <= names
    assert not [name for name in names if name.startswith(("tests/", "data/", "notebooks/", "benchmarks/"))]


def test_installed_it_runs_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    code = (
        "import hipaa_kit; from hipaa_kit.batch.specs import list_notebooks\n"
        "from hipaa_kit.resources import shipped\n"
        "print(hipaa_kit.__file__); print([s.id for s in list_notebooks()]); print(shipped('data'))\n"
        "run = hipaa_kit.assessment(); print(run.snapshot.identity.name, len(run.findings()))"
    )
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    place, ids, data, found = done.stdout.splitlines()
    assert place.startswith(str(tmp_path))
    assert ids == str(sorted(path.name[:2] for path in (ROOT / "notebooks").glob("*.ipynb")))
    assert data == str(tmp_path / "site" / "hipaa_kit" / "_data")
    assert found.startswith("clinic ")
