"""One process that executes one notebook: a job as JSON on stdin, its ending as JSON on stdout."""

from __future__ import annotations

import json
import sys
from typing import Any, Final

# Building this grammar costs more than a second of every start; nothing here needs it.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

START_SECONDS: Final = 300
"""A kernel on a machine with much else to do may take minutes to start."""


def main() -> None:
    """Execute the notebook that the job names and say how it ended."""
    job = json.load(sys.stdin)
    print(json.dumps(execute(job)), flush=True)


def execute(job: dict[str, Any]) -> dict[str, str]:
    """Execute one notebook with papermill.

    Parameters
    ----------
    job
        `source`, `target`, `parameters`, and `socket`: where the sockets of the kernel begin.

    Returns
    -------
    dict
        `status` and `problem`. That papermill ended well does not mean that the kernel lived: the
        caller looks for the record in what was written.
    """
    import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillException, PapermillExecutionError
    from traitlets.config import Config

    # Ports are chosen before the kernel binds them: of kernels that start together, one may find its port taken.
    sockets = Config(KernelManager={"transport": "ipc", "ip": job["socket"]})
    try:
        papermill.execute_notebook(
            job["source"],
            job["target"],
            parameters=job["parameters"],
            kernel_name="python3",
            config=sockets,
            start_timeout=START_SECONDS,
            progress_bar=False,
            request_save_on_cell_execute=False,
            autosave_cell_every=0,
            log_output=False,
        )
    except PapermillExecutionError as error:
        return {"status": "failed", "problem": f"cell {error.cell_index}: {error.ename}: {_first_line(error.evalue)}"}
    except DeadKernelError as error:
        return {"status": "died", "problem": f"its kernel died: {_first_line(str(error))}"}
    except (PapermillException, RuntimeError, OSError) as error:
        return {"status": "failed", "problem": f"{type(error).__name__}: {_first_line(str(error))}"}
    return {"status": "completed", "problem": ""}


def _first_line(text: str) -> str:
    return next(iter(text.strip().splitlines()), "")[:300]


if __name__ == "__main__":
    main()
