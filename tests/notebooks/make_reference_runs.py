"""Write the reference runs: each notebook executed on the clinic, in canonical form.

nbval executes them again and compares every output; run this after a change that is meant, and read
the difference.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import nbformat

from hipaa_kit.batch.run import run_notebooks
from hipaa_kit.batch.specs import list_notebooks
from hipaa_kit.evidence.notebooks import canonical_notebook

REFERENCE = Path(__file__).parent / "reference"


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        runs = run_notebooks(list_notebooks(), {}, Path(folder), jobs=2)
        for run in runs:
            if run.status != "completed":
                print(f"{run.id} {run.status}: {run.problem}", file=sys.stderr)
                return 1
        shutil.rmtree(REFERENCE, ignore_errors=True)
        REFERENCE.mkdir()
        for run in runs:
            text = canonical_notebook(nbformat.read(run.path, as_version=4))
            (REFERENCE / run.path.name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
