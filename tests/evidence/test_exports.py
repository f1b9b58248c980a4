"""What leaves the kit runs nowhere: not in a spreadsheet, not in a browser."""

from __future__ import annotations

import csv
import io
import json

import nbformat
import pytest

from hipaa_kit.assess.facade import Assessment
from hipaa_kit.errors import OutputError
from hipaa_kit.evidence.exports import table_csv
from hipaa_kit.evidence.html import assert_self_contained, render_notebook_html
from hipaa_kit.tables.cluster import LABELS
from hipaa_kit.views.page import index_page
from hipaa_kit.views.show import table_html
from tests.support.snapshots import snapshot_of

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>"


@pytest.mark.parametrize(
    "text", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\0=1", "\uff1d1", "'=1"]
)
def test_a_formula_is_text_in_every_csv_and_reads_back(text: str) -> None:
    frame = LABELS.frame([{"object": "Pod/a/b", "kind": "Pod", "key": "k", "value": text}])
    for written in (LABELS.to_csv(frame), table_csv("labels", frame)):
        [row] = list(csv.DictReader(io.StringIO(written, newline="")))
        assert row["value"].startswith(("'", "\\"))
    assert LABELS.read_csv(LABELS.to_csv(frame)).equals(frame)


def test_control_characters_are_written_as_escapes() -> None:
    frame = LABELS.frame([{"object": "Pod/a/b", "kind": "Pod", "key": "k", "value": "a\x1b[31mred\x00"}])
    assert "\x1b" not in table_csv("labels", frame)
    assert "\\x1b[31mred\\x00" in table_csv("labels", frame)


def test_names_with_html_are_text_in_tables_and_pages() -> None:
    labels = {"data-class": "phi"}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": HOSTILE, "namespace": "ehr", "uid": "u", "labels": labels},
    }
    run = Assessment(snapshot_of([pod]))
    assert HOSTILE not in table_html(run.tables.pods)
    page = index_page(run, [], [])
    assert "<script" not in page
    assert_self_contained(page)


def test_outputs_of_notebooks_are_sanitised() -> None:
    notebook = nbformat.v4.new_notebook()
    data = {"text/html": f"<p>fine</p>{HOSTILE}<a href='https://example.com/x'>y</a>", "text/plain": HOSTILE}
    output = nbformat.v4.new_output("display_data", data)
    script = nbformat.v4.new_output("display_data", {"application/javascript": "alert(1)"})
    words = nbformat.v4.new_output("stream", name="stdout", text=HOSTILE)
    notebook.cells = [nbformat.v4.new_code_cell("x = 'the code'", outputs=[output, script, words])]
    page = render_notebook_html(notebook, HOSTILE)
    assert "<script" not in page
    assert "onerror" not in page.replace("&lt;img src=x onerror=alert(1)&gt;", "")
    assert_self_contained(page)
    assert "the code" not in page
    assert "<p>fine</p>" in page


def test_a_picture_carries_its_words() -> None:
    notebook = nbformat.v4.new_notebook()
    output = nbformat.v4.new_output(
        "display_data", {"image/png": "aGk="}, metadata={"image/png": {"alt": 'two "pods"'}}
    )
    notebook.cells = [nbformat.v4.new_code_cell("", outputs=[output])]
    page = render_notebook_html(notebook, "t")
    assert "data:image/png;base64,aGk=" in page
    assert "alt='two \"pods\"'" in page or 'alt="two &quot;pods&quot;"' in page
    assert_self_contained(page)


@pytest.mark.parametrize(
    "part",
    [
        "<script>1</script>", "<script src='x.js'></script>", "<img src='https://a/b.png'>", "<img src='//a/b.png'>",
        "<a href='javascript:alert(1)'>x</a>", "<a href='https://a'>x</a>", "<p onclick='x()'>y</p>", "<iframe></iframe>",
        "<style>@import 'x.css'</style>", "<style>p { background: url(https://a) }</style>", "<p style='background:url(//a)'>",
        "<link rel='stylesheet' href='x.css'>", "<meta http-equiv='refresh' content='0'>", "<form action='x'></form>",
        "<img src='data:text/html,x'>", "<base href='x'>",
    ],
)  # fmt: skip
def test_a_page_that_runs_or_loads_anything_is_refused(part: str) -> None:
    with pytest.raises(OutputError, match="not self-contained"):
        assert_self_contained(f"<html><body>{part}</body></html>")


def test_a_page_may_link_within_the_bundle() -> None:
    assert_self_contained("<a href='tables/pods.csv'>x</a><a href='#y'>y</a><img src='data:image/png;base64,aGk='>")


def test_numbers_stay_numbers() -> None:
    run = Assessment(snapshot_of())
    rows = list(csv.DictReader(io.StringIO(table_csv("coverage", run.coverage))))
    assert {row["count"] for row in rows} == {"0"}
    assert json.loads(run.coverage.to_json())
