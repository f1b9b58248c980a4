"""Tables as they are shown in a notebook."""

import pandas as pd

from hipaa_kit.views.show import table_html

LEFT = ' style="text-align:left"'


def test_words_begin_at_the_left_and_numbers_end_at_the_right() -> None:
    frame = pd.DataFrame(
        {
            "object": pd.Series(["Pod/a/b", "<td>"], dtype="str"),
            "count": pd.Series([1, None], dtype="Int64"),
            "share": [0.5, 1.0],
        }
    )
    html = table_html(frame)
    assert html.count(f"<th{LEFT}>object</th>") == 1
    assert html.count("<th>count</th>") == html.count("<th>share</th>") == 1
    assert f"<td{LEFT}>Pod/a/b</td>" in html
    assert f"<td{LEFT}>&lt;td&gt;</td>" in html
    assert html.count(f"<td{LEFT}>") == 2
    assert html.count("<td>") == 4


def test_the_columns_that_are_shown_count() -> None:
    frame = pd.DataFrame({"rows": [1], "name": pd.Series(["x"], dtype="str")})
    html = table_html(frame, columns=["name", "rows"])
    assert f"<td{LEFT}>x</td>" in html
    assert "<td>1</td>" in html


def test_no_rows_have_a_header_alone() -> None:
    html = table_html(pd.DataFrame({"name": pd.Series([], dtype="str")}))
    assert html.count(f"<th{LEFT}>") == 1
    assert "<td" not in html
