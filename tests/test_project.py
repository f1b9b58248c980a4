"""The project's own files say the same thing."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

from tests.support.scheduling import TOGETHER

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONDA_NAMES = {"matplotlib-base": "matplotlib", "python-duckdb": "duckdb", "python-kubernetes": "kubernetes"}


def requirements() -> set[str]:
    stated = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["test"]]
    return {re.sub(r"\s", "", line) for line in stated}


def test_environment_yml_equals_pyproject() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    entries = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    conda = dict(re.match(r"([a-z0-9-]+)\s*(.*)", entry).groups() for entry in entries)
    assert conda.pop("python") == PROJECT["project"]["requires-python"]
    conda.pop("pip")
    assert {CONDA_NAMES.get(name, name) + spec for name, spec in conda.items()} == requirements()
    assert {"pip": ["-e ."]} in environment["dependencies"]


def test_every_requirement_is_locked_with_hashes() -> None:
    for lock, needed in (
        ("requirements.lock", PROJECT["project"]["dependencies"]),
        ("requirements-dev.lock", requirements()),
    ):
        text = (ROOT / lock).read_text(encoding="utf-8")
        locked = set(re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE))
        assert {re.match(r"[a-z0-9-]+", line)[0] for line in needed} <= locked
        assert text.count("--hash=sha256:") > len(locked)
        assert "://" not in text


def test_both_locks_agree() -> None:
    pins = {}
    for lock in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / lock).read_text(encoding="utf-8")
        # For which systems may differ: a tool of developers needs on all what the kit needs on some.
        pins[lock] = set(re.findall(r"^[a-z0-9-]+==\S+", text, re.MULTILINE))
    assert pins["requirements.lock"] <= pins["requirements-dev.lock"]


def test_help_answers_without_heavy_imports() -> None:
    # Imports are counted here and seconds in benchmarks/: a busy machine must not fail a test.
    code = (
        "import sys; from hipaa_kit.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print(sorted(m for m in sys.modules if m.split('.')[0] in "
        "('pandas','numpy','yaml','msgspec','kubernetes','networkx','matplotlib','papermill','nbformat','jsonschema')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "assess" in done.stdout


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys; import hipaa_kit; print('pandas' in sys.modules, hipaa_kit.__version__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[0] == "False"


def test_reading_a_scope_builds_no_grammar_that_nothing_needs() -> None:
    code = (
        "import sys; from hipaa_kit.sources.schema import validator; validator('scope.json')\n"
        "print('jsonschema' in sys.modules, 'rfc3987_syntax' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]


def test_the_changelog_speaks_of_this_version() -> None:
    from hipaa_kit import __version__

    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_nothing_is_called_by_the_word_the_kit_does_not_use() -> None:
    tracked = [
        *ROOT.glob("hipaa_kit/**/*"),
        *ROOT.glob("notebooks/*"),
        *ROOT.glob("data/**/*"),
        *ROOT.glob("docs/**/*.md"),
    ]
    word = "comp" + "liant"
    found = [
        path.relative_to(ROOT).as_posix()
        for path in [*tracked, ROOT / "README.md"]
        if path.is_file()
        and "__pycache__" not in path.parts
        and word in path.read_bytes().decode("utf-8", "ignore").lower()
    ]
    assert not found


def test_library_modules_have_no_blind_except() -> None:
    blind = [
        f"{path.name}:{node.lineno}"
        for path in (ROOT / "hipaa_kit").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler) and (node.type is None or ast.unparse(node.type) == "BaseException")
    ]
    assert not blind


def test_places_whose_tests_stay_together_exist() -> None:
    assert [place for place in TOGETHER if not (ROOT / place.partition("::")[0]).exists()] == []
