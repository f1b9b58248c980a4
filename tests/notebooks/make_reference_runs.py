"""Write the reference runs: each notebook executed on the clinic, in canonical form.

nbval executes them again and compares every output but pictures, of which no pixel is kept; run this after a change
that is meant, and read the difference. `--check` only tells, in seconds, which were made of other inputs, checks or texts.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import nbformat
from nbformat import NotebookNode

import hipaa_kit
from hipaa_kit.batch.run import record_of, run_notebooks
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


def stale() -> list[str]:
    """Return a line for each reference run that rests on something else than an assessment of today does."""
    now = json.loads(json.dumps(hipaa_kit.assessment("").digests()))
    lines = []
    for spec in list_notebooks():
        path = REFERENCE / spec.path.name
        then = record_of(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}
        if differ := sorted(name for name in now if then.get(name) != now[name]):
            lines.append(f"{path.name} was made with another {', '.join(differ)}: run {Path(__file__).name}")
    return lines


def main() -> int:
    if "--check" in sys.argv:
        lines = stale()
        print(*lines, sep="\n", end="\n" if lines else "", file=sys.stderr)
        return int(bool(lines))
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
