"""Tables and figures as outputs of a notebook: plain, escaped, the same every time.

JupyterLab drops styles and scripts of notebooks it does not trust, so evidence is plain tables, which lose nothing
but their alignment, and PNG pictures. A picture carries its alternative text as metadata and as its text form.
"""

from __future__ import annotations

import base64
import io
import itertools
import re
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from hipaa_kit.printable import printable
from hipaa_kit.views.palette import MARKS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROWS_SHOWN = 50
_CELL = re.compile("<(th|td)>")


def show(frame: pd.DataFrame, name: str = "", columns: Sequence[str] = (), rows: int = ROWS_SHOWN) -> None:
    """Show a table below the cell.

    Parameters
    ----------
    frame
        What to show.
    name
        Name of the declared table, to say where the whole of it stands.
    columns
        Columns to show, in order; all by default.
    rows
        Rows to show at most.
    """
    from IPython.display import display

    html, plain = table_html(frame, name, columns, rows), table_text(frame, name, columns, rows)
    display({"text/html": html, "text/plain": plain}, raw=True)


def table_html(frame: pd.DataFrame, name: str = "", columns: Sequence[str] = (), rows: int = ROWS_SHOWN) -> str:
    """Return a table as HTML: escaped, with a header row and a line that counts its rows."""
    shown = _readable(frame.head(rows), columns)
    table = _words_at_the_left(shown.to_html(index=False, escape=True, border=0, na_rep=""), frame, columns)
    return f"{table}\n<p><small>{_counted(len(shown), len(frame), name)}</small></p>"


def table_text(frame: pd.DataFrame, name: str = "", columns: Sequence[str] = (), rows: int = ROWS_SHOWN) -> str:
    """Return a table as text, for terminals and for those who read the notebook's source."""
    shown = _readable(frame.head(rows), columns)
    table = "" if shown.empty else shown.to_string(index=False, na_rep="") + "\n"
    return f"{table}{_counted(len(shown), len(frame), name)}"


def show_text(text: str) -> None:
    """Show a text below the cell as it is written, such as YAML to copy."""
    from IPython.display import display

    seen = printable(text, keep="\n")
    display({"text/html": f"<pre>{escape(seen)}</pre>", "text/plain": seen}, raw=True)


def draw(figure: Figure, alt: str) -> None:
    """Show a figure below the cell, as a PNG without dates, with its content in words.

    Parameters
    ----------
    figure
        What to show; it is closed.
    alt
        What the figure says, for those who cannot see it.
    """
    from IPython.display import display
    from matplotlib import pyplot as plt

    png = figure_png(figure, alt)
    plt.close(figure)
    display(
        {"image/png": base64.b64encode(png).decode("ascii"), "text/plain": alt},
        raw=True,
        metadata={"image/png": {"alt": alt}},
    )


def figure_png(figure: Figure, alt: str) -> bytes:
    """Return the PNG of a figure; equal figures give equal bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None, "Description": alt})
    return buffer.getvalue()


def record(run: Any) -> None:
    """Close a notebook: show the facts it rests on; its absence means that the notebook did not end.

    Parameters
    ----------
    run
        The `Assessment` shown in the notebook.
    """
    from IPython.display import display

    facts = {**run.digests(), "complete": True, "key": run.key}
    words = f"complete; results rest on inputs with digest {run.key}"
    display({"application/vnd.hipaa-kit+json": facts, "text/plain": words}, raw=True)


def _readable(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    shown = frame[list(columns)] if columns else frame
    marked = shown.copy()
    for column in marked.columns.intersection(["verdict", "status", "citation_status"]):
        marked[column] = marked[column].map(lambda word: MARKS.get(word, str(word).replace("_", " ")))
    for column in marked.columns.intersection(["assessed"]):
        marked[column] = marked[column].map(lambda part: "" if pd.isna(part) else f"{part:.0%}").astype("str")
    for column in marked.columns[[str(dtype) in ("Int64", "Float64", "boolean") for dtype in marked.dtypes]]:
        marked[column] = marked[column].map(lambda value: "" if pd.isna(value) else str(value)).astype("str")
    for column in marked.columns[marked.dtypes == "str"]:
        marked[column] = marked[column].map(printable).astype("str")
    marked.columns = [str(column).replace("_", " ") for column in marked.columns]
    return marked


def _words_at_the_left(table: str, frame: pd.DataFrame, columns: Sequence[str]) -> str:
    """Return a table whose words begin at the left; JupyterLab puts every cell to the right, where numbers belong."""
    dtypes = frame[list(columns)].dtypes if columns else frame.dtypes
    words = itertools.cycle(str(dtype) in ("str", "object") for dtype in dtypes)
    return _CELL.sub(lambda cell: f'<{cell[1]} style="text-align:left">' if next(words) else cell[0], table)


def _counted(shown: int, total: int, name: str) -> str:
    place = f"; the whole table is tables/{name}.csv" if name else ""
    if not total:
        return f"no rows{place}"
    return f"{total} rows{place}" if shown == total else f"{shown} of {total} rows{place}"
