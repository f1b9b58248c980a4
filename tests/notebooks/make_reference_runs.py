"""Write the reference runs: each notebook executed on the clinic, in canonical form.

nbval executes them again and compares every output but pictures, of which no pixel is kept; run this after a change
that is meant, and read the difference.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from hipaa_kit.batch.run import run_notebooks
from hipaa_kit.batch.specs import list_notebooks
from hipaa_kit.evidence.notebooks import canonical_notebook

REFERENCE = Path(__file__).parent / "reference"

ONE_PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
"""A picture that stands for each: they would be most of what is stored, and no test reads them."""


def without_pixels(notebook: NotebookNode) -> NotebookNode:
    """Return a notebook whose pictures are one pixel; what they show stands beside each in words."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                output["data"]["image/png"] = ONE_PIXEL
    return notebook


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
            text = canonical_notebook(without_pixels(nbformat.read(run.path, as_version=4)))
            (REFERENCE / run.path.name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
