"""Data moves one way: each floor imports only from floors below it (docs/structure.md)."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import hipaa_kit

PACKAGE = Path(hipaa_kit.__file__).parent

FLOORS = (
    {"errors", "vocabulary", "tables", "catalogue", "counting", "kube", "printable", "resources"},
    {"sources"},
    {"inventory"},
    {"graph"},
    {"safeguards"},
    {"assess"},
    {"views"},
    {"batch"},
    {"evidence"},
    {"cli", "__main__"},
)
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}


def imports(source: str, typing_too: bool = False) -> Iterator[str]:
    """Yield the rooms of the package that a module imports, wherever the import stands."""
    tree = ast.parse(source)
    hidden = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" and not typing_too
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names = [node.module or ""]
            if node.module == "hipaa_kit":
                names = [f"hipaa_kit.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        yield from (name.split(".")[1] for name in names if name.startswith("hipaa_kit."))


def modules() -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob("*.py")) if path.parent != PACKAGE or path.name != "__init__.py"]


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_module_imports_only_from_its_floor_and_below(path: Path) -> None:
    room = path.relative_to(PACKAGE).with_suffix("").parts[0]
    higher = [name for name in imports(path.read_text(encoding="utf-8")) if FLOOR_OF.get(name, -1) > FLOOR_OF[room]]
    assert not higher, f"{room} imports {higher} from a floor above"


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_module_fits_a_readers_head(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 520


def test_every_room_has_a_floor() -> None:
    rooms = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert rooms - {"__init__"} == set(FLOOR_OF)


@pytest.mark.parametrize("path", sorted((PACKAGE / "kube").rglob("*.py")), ids=lambda path: path.name)
def test_kubernetes_rules_are_pure(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {
        alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    names |= {(node.module or "").split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not names & {"pandas", "numpy", "os", "io", "pathlib", "requests", "urllib", "subprocess", "socket"}


def test_the_floors_test_sees_a_climb() -> None:
    assert list(imports("from hipaa_kit.cli import main\nimport hipaa_kit.views.show")) == ["cli", "views"]
    assert list(imports("def f():\n    from hipaa_kit import evidence")) == ["evidence"]
