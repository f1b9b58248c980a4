"""Write the reference (`checks.md`, `coverage.md`, `other_inputs.md`, `tables.md`); `--check` only compares."""

import sys
from pathlib import Path

from hipaa_kit.assess.facade import registered_checks
from hipaa_kit.catalogue import load_catalogue
from hipaa_kit.views.reference import checks_markdown, coverage_markdown, inputs_markdown, tables_markdown

DOCS = Path(__file__).parent


def main() -> int:
    """Write or compare them; 1 when one is not what the declarations say."""
    pages = {
        "checks.md": checks_markdown(registered_checks().values(), load_catalogue()),
        "coverage.md": coverage_markdown(registered_checks().values(), load_catalogue()),
        "other_inputs.md": inputs_markdown(),
        "tables.md": tables_markdown(),
    }
    stale = [n for n, t in pages.items() if not (DOCS / n).exists() or (DOCS / n).read_text(encoding="utf-8") != t]
    if "--check" in sys.argv:
        for name in stale:
            print(f"docs/{name} is not what the declarations say: run make docs", file=sys.stderr)
        return int(bool(stale))
    for name in stale:
        (DOCS / name).write_text(pages[name], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
