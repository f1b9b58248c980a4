"""Executing notebooks: papermill in processes of their own, and a status that does not trust it.

A kernel that dies leaves a notebook in which papermill's metadata say that every cell completed, so
that the status here rests on one thing: the output of the last cell, the record, which says which
inputs the notebook has shown. Each notebook runs in a process of its own (`worker`), started as a
module, so that nobody's `__main__` is run again.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hipaa_kit.batch.specs import NotebookSpec, check_parameters

RECORD_TYPE: Final = "application/vnd.hipaa-kit+json"
RECORD_TAG: Final = "record"
TIMEOUT_SECONDS: Final = 1800.0
GRACE_SECONDS: Final = 10.0

ENVIRONMENT: Final = {
    "PYTHONHASHSEED": "0",
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
    "MPLBACKEND": "agg",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "PYTHONWARNINGS": "error::FutureWarning",
}
"""What makes two runs equal, and one notebook take one core."""


@dataclass(frozen=True)
class NotebookRun:
    """How the execution of one notebook ended.

    `status` is `completed`, `failed` (a cell raised), `died` (its kernel did), or `timed_out`;
    `problem` says what happened and in which cell. `path` is what was written.
    """

    id: str
    status: str
    seconds: float
    problem: str
    path: Path


def run_notebooks(
    specs: Sequence[NotebookSpec],
    parameters: Mapping[str, Any],
    folder: Path,
    *,
    jobs: int = 1,
    timeout_seconds: float = TIMEOUT_SECONDS,
    environment: Mapping[str, str] | None = None,
    on_event: Callable[[NotebookRun], None] = lambda _: None,
) -> list[NotebookRun]:
    """Execute notebooks, each with the same parameters, and keep every one that finished.

    Parameters
    ----------
    specs
        Notebooks to execute.
    parameters
        Values by name; a notebook is given those it has.
    folder
        Where executed notebooks are written and where their kernels stand; it exists.
    jobs
        Notebooks executed at the same time.
    timeout_seconds
        Limit for each of them.
    environment
        Further environment variables of the kernels.
    on_event
        Called with each notebook that has ended, in the order in which they end.

    Returns
    -------
    list of NotebookRun
        One per notebook, in the order given. A notebook that did not complete is written as
        `<name>.failed.ipynb`, as far as it came.
    """
    folder = folder.resolve()
    given = [check_parameters(spec, _known_to(spec, parameters)) for spec in specs]
    ended: dict[str, NotebookRun] = {}
    # A short name: the path of a socket may have 104 characters on some systems.
    with tempfile.TemporaryDirectory(prefix="hk-") as private:
        env = {**os.environ, **ENVIRONMENT, **(environment or {}), **_kernel_paths(Path(private))}
        with ThreadPoolExecutor(max_workers=jobs) as pool:
            waiting = [
                pool.submit(_run_one, spec, values, folder, Path(private), timeout_seconds, env)
                for spec, values in zip(specs, given, strict=True)
            ]
            for each in as_completed(waiting):
                run = each.result()
                ended[run.id] = run
                on_event(run)
    return [ended[spec.id] for spec in specs]


def _known_to(spec: NotebookSpec, parameters: Mapping[str, Any]) -> dict[str, Any]:
    names = {parameter.name for parameter in spec.parameters}
    return {name: value for name, value in parameters.items() if name in names}


def _kernel_paths(private: Path) -> dict[str, str]:
    """Return variables that give every kernel this interpreter and folders of its own.

    A machine's own kernel named `python3` may be another Python without the kit.
    """
    spec = private / "data" / "kernels" / "python3"
    spec.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(
        json.dumps({"argv": command, "display_name": "Python 3", "language": "python"}), encoding="utf-8"
    )
    folders = {"JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "run", "JUPYTER_CONFIG_DIR": "config"}
    folders |= {"IPYTHONDIR": "ipython", "JUPYTER_PATH": "data"}
    for name in set(folders.values()):
        (private / name).mkdir(mode=0o700, exist_ok=True)
    return {variable: str(private / name) for variable, name in folders.items()}


def _run_one(
    spec: NotebookSpec,
    parameters: dict[str, Any],
    folder: Path,
    private: Path,
    timeout_seconds: float,
    env: Mapping[str, str],
) -> NotebookRun:
    target = folder / f"{spec.name}.ipynb"
    job = {"source": str(spec.path), "target": str(target), "parameters": parameters, "socket": str(private / spec.id)}
    started = time.monotonic()
    status, problem = _execute(job, folder, timeout_seconds, env)
    if status == "completed" and (missing := record_missing(target)):
        status, problem = "died", missing
    seconds = time.monotonic() - started
    if status == "completed":
        return NotebookRun(spec.id, status, seconds, "", target)
    kept = folder / f"{spec.name}.failed.ipynb"
    if target.exists():
        target.rename(kept)
    else:
        # Nothing was executed: the source shows what would have been.
        kept.write_bytes(spec.path.read_bytes())
    return NotebookRun(spec.id, status, seconds, problem, kept)


def _execute(job: dict[str, Any], folder: Path, timeout_seconds: float, env: Mapping[str, str]) -> tuple[str, str]:
    """Run one worker process and return status and problem."""
    worker = subprocess.Popen(
        [sys.executable, "-m", "hipaa_kit.batch.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env=dict(env),
        text=True,
        start_new_session=True,
    )
    try:
        out, err = worker.communicate(json.dumps(job), timeout=timeout_seconds)
    except subprocess.TimeoutExpired:
        return "timed_out", f"took more than {timeout_seconds:g} seconds"
    finally:
        if worker.poll() is None:
            _end(worker)
    try:
        answer = json.loads(out.splitlines()[-1])
        return str(answer["status"]), str(answer["problem"])
    except (IndexError, ValueError, KeyError, TypeError):
        last = err.strip().splitlines()[-1:] or [f"exit code {worker.returncode}"]
        return "died", f"its process ended: {last[0]}"


def _end(worker: subprocess.Popen[str]) -> None:
    """End a worker and the kernel below it: they share a process group of their own."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(worker.pid, sign)
        except ProcessLookupError:
            break
        try:
            worker.communicate(timeout=GRACE_SECONDS)
            break
        except subprocess.TimeoutExpired:
            continue


def record_of(notebook: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts that an executed notebook shows in its record; none where it shows none."""
    for output in notebook["cells"][-1].get("outputs", []):
        if RECORD_TYPE in output.get("data", {}):
            return dict(output["data"][RECORD_TYPE])
    return {}


def record_missing(path: Path) -> str:
    """Return why an executed notebook did not come to its end; "" where its record is there."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        cells = notebook["cells"]
    except (OSError, ValueError, KeyError):
        return "nothing was written"
    records = [cell for cell in cells if RECORD_TAG in cell["metadata"].get("tags", [])]
    if len(records) != 1 or records[0] is not cells[-1]:
        return "its last cell is not the one tagged record"
    return "" if record_of(notebook) else "its last cell showed no record: the kernel ended before it"
