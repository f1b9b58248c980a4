"""The clinic as it stands in the repository, and the modules that made it."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import yaml

DATA = Path(__file__).parents[2] / "data"
GENERATOR = DATA / "generator"
TWINS = ("clinic", "clinic_fixed")


class UniqueKeys(yaml.CSafeLoader):
    """Refuses a mapping that has a key twice, which PyYAML would silently accept."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"a key stands twice near line {node.start_mark.line + 1}"
        return super().construct_mapping(node, deep)


class Objects:
    """All objects of one clinic by kind, each with the id under which findings name it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.lists: dict[str, dict[str, Any]] = {}
        self.by_id: dict[str, dict[str, Any]] = {}
        for path in sorted((directory / "objects").glob("*.yaml")):
            answer = yaml.load(path.read_text(encoding="utf-8"), Loader=UniqueKeys)
            self.lists[path.stem] = answer
            kind = answer["kind"].removesuffix("List")
            for item in answer["items"]:
                about = item["metadata"]
                self.by_id[f"{kind}/{about.get('namespace', '')}/{about['name']}"] = item

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [item for key, item in self.by_id.items() if key.partition("/")[0] == kind]


@pytest.fixture(scope="session")
def clinics() -> dict[str, Objects]:
    return {name: Objects(DATA / name) for name in TWINS}


@pytest.fixture(params=TWINS)
def clinic(request: pytest.FixtureRequest, clinics: dict[str, Objects]) -> Objects:
    return clinics[request.param]


@pytest.fixture(scope="module")
def generator() -> Iterator[SimpleNamespace]:
    """The generator's modules; its folder is on the path only as long as the fixture lives."""
    before = set(sys.modules)
    sys.path.insert(0, str(GENERATOR))
    try:
        modules: dict[str, ModuleType] = {
            name: importlib.import_module(name) for name in ("clinic", "faults", "model", "scope")
        }
        yield SimpleNamespace(**modules)
    finally:
        sys.path.remove(str(GENERATOR))
        for name in set(sys.modules) - before:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(GENERATOR)):
                del sys.modules[name]
