"""Documentation is made from the declarations, and its examples work."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")


def test_the_reference_is_what_the_declarations_say() -> None:
    subprocess.run([sys.executable, ROOT / "docs" / "make_reference.py", "--check"], check=True)


def sections() -> list[str]:
    return re.split(r"^## ", GUIDE, flags=re.MULTILINE)[1:]


@pytest.mark.parametrize("section", sections(), ids=lambda text: text.splitlines()[0])
def test_the_guide_shows_each_thing_in_under_30_lines_of_code(section: str) -> None:
    blocks = re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)
    assert blocks
    assert sum(len(block.splitlines()) for block in blocks) < 35
    for block in blocks:
        assert len(block.splitlines()) < 30
        ast.parse(block)


@pytest.mark.parametrize("path", [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))], ids=lambda p: p.name)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), target


def test_the_readme_names_commands_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for name in re.findall(r"^make (\w+)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE):
        assert f"\n{name}:" in makefile
