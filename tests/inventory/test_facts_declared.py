"""Tables that read typed facts say so: what nobody took is then never mistaken for what is not there."""

import ast
from pathlib import Path

import pytest

import hipaa_kit
import hipaa_kit.graph
import hipaa_kit.inventory
from hipaa_kit.inventory.registry import BUILDERS, discover
from hipaa_kit.kube import facts
from hipaa_kit.kube.facts import FACTS

discover(hipaa_kit.inventory)
discover(hipaa_kit.graph)

CONSTANTS = {name: value for name, value in vars(facts).items() if isinstance(value, str) and value in FACTS}
IN_NO_TABLE = {
    "hipaa_kit.inventory.pod_ends": {"field_managers"},  # for the history: shown beside a replacement
    "hipaa_kit.inventory.workloads": {"field_managers"},  # what lines of like pods differ in
}


def _read_in(module: str) -> set[str]:
    """Return the facts whose names a module imports, or writes out."""
    path = Path(hipaa_kit.__file__).parent.parent / (module.replace(".", "/") + ".py")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {
        CONSTANTS[alias.name]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "hipaa_kit.kube.facts"
        for alias in node.names
        if alias.name in CONSTANTS
    }
    written = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return imported | ({fact for fact in FACTS if fact in written and fact != "credentials"})


def _modules() -> list[str]:
    root = Path(hipaa_kit.__file__).parent
    found = [*(root / "inventory").rglob("*.py"), *(root / "graph").rglob("*.py"), *(root / "safeguards").rglob("*.py")]
    return sorted(".".join(path.relative_to(root.parent).with_suffix("").parts) for path in found)


def test_every_name_of_a_fact_is_counted() -> None:
    assert set(CONSTANTS.values()) == set(FACTS)


@pytest.mark.parametrize("module", [each for each in _modules() if _read_in(each)])
def test_a_module_that_reads_a_fact_has_a_table_that_declares_it(module: str) -> None:
    declared = {fact for each in BUILDERS.values() if each.function.__module__ == module for fact in each.facts}
    assert _read_in(module) == declared | IN_NO_TABLE.get(module, set())


def test_what_tables_declare_is_taken() -> None:
    assert {fact for each in BUILDERS.values() for fact in each.facts} <= set(FACTS)
