"""One declaration builds, checks, documents and reads back a table."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.errors import TableError
from hipaa_kit.tables import TABLES
from hipaa_kit.tables.declaration import Table, amount, count, flag, maybe, rows_by, rows_of, text

THING = Table(
    "things",
    "one thing",
    ("object",),
    (
        text("object", "its name"),
        text("color", "its colour", ("red", "blue")),
        flag("big", "it is big"),
        maybe("alive", "it lives"),
        count("size_bytes", "its size"),
        amount("cpu_cores", "its cores"),
    ),
)

values = st.fixed_dictionaries(
    {"color": st.sampled_from(["red", "blue"])},
    optional={
        "big": st.booleans(),
        "alive": st.none() | st.booleans(),
        "size_bytes": st.none() | st.integers(-(2**62), 2**62),
        "cpu_cores": st.none() | st.floats(allow_nan=False, allow_infinity=False),
    },
)
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), max_size=12)


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_a_table_without_rows_has_its_columns_and_types(table: Table) -> None:
    frame = table.frame()
    assert list(frame.columns) == table.names
    assert [str(dtype) for dtype in frame.dtypes] == [column.type for column in table.columns]
    pd.testing.assert_frame_equal(table.read_csv(table.to_csv(frame)), frame)


def test_a_table_without_rows_is_its_own() -> None:
    changed = THING.frame()
    changed.loc[0] = ["a", "red", True, None, 1, 0.5]
    changed["extra"] = 1
    assert len(changed) == 1
    pd.testing.assert_frame_equal(THING.frame(), THING.conform(THING.frame([{"object": "a", "color": "red"}])[:0]))


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_every_declared_table_says_what_it_means(table: Table) -> None:
    assert table.row
    assert table.key
    assert set(table.key) <= set(table.names)
    assert len(set(table.names)) == len(table.names)
    assert all(column.meaning and not column.meaning.endswith(".") for column in table.columns)
    assert all(not column.nullable for column in table.columns if column.name in table.key and column.type == "str")


@given(st.dictionaries(names, values, max_size=6))
def test_what_is_written_is_read_back(rows: dict[str, dict[str, object]]) -> None:
    frame = THING.frame({"object": name, **row} for name, row in rows.items())
    pd.testing.assert_frame_equal(THING.read_csv(THING.to_csv(frame)), frame)


@given(st.dictionaries(names, values, max_size=6), st.randoms())
def test_the_order_of_rows_given_does_not_matter(rows, random) -> None:
    given_rows = [{"object": name, **row} for name, row in rows.items()]
    shuffled = list(given_rows)
    random.shuffle(shuffled)
    pd.testing.assert_frame_equal(THING.frame(given_rows), THING.frame(shuffled))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"object": "a", "weight": 1}], "undeclared columns"),
        ([{"object": "a"}, {"object": "a"}], "repeat the key"),
        ([{"object": "a", "color": "green"}], "outside"),
        ([{"object": "a", "size_bytes": "large"}], "is not Int64"),
        ([{"object": None}], "is null"),
    ],
)
def test_a_departure_from_the_declaration_is_named(rows, words) -> None:
    with pytest.raises(TableError, match=words):
        THING.frame([{"color": "red", **row} for row in rows])


def test_all_departures_are_named_at_once() -> None:
    frame = THING.frame([{"object": "a", "color": "red"}]).drop(columns="big").assign(extra=1)
    with pytest.raises(TableError, match=r"missing column 'big'.*undeclared column 'extra'"):
        THING.check(frame)


def test_conform_takes_a_join_and_drops_what_is_not_declared() -> None:
    frame = THING.frame([{"object": "b", "color": "red"}, {"object": "a", "color": "blue"}])
    mixed = frame.iloc[::-1].assign(extra=1)[["extra", *reversed(THING.names)]]
    pd.testing.assert_frame_equal(THING.conform(mixed), frame)


def test_a_table_documents_itself() -> None:
    words = THING.markdown()
    assert "One row is one thing. Key: `object`." in words
    assert "| `color` | str | its colour. One of `red`, `blue`. |" in words


@given(st.dictionaries(names, values, max_size=6), st.sets(st.sampled_from(THING.names)))
def test_rows_hold_what_pandas_makes_of_them(rows, columns) -> None:
    frame = THING.frame({"object": name, **row} for name, row in rows.items())
    frame = frame.assign(place=[0.5 * number for number in range(len(frame))])[[*sorted(columns), "place"]]
    made, expected = rows_of(frame), frame.to_dict("records")
    # As text: what is not known does not equal itself.
    assert [repr(row) for row in made] == [repr(row) for row in expected]
    assert [list(map(type, row.values())) for row in made] == [list(map(type, row.values())) for row in expected]


def test_a_text_that_a_join_leaves_out_is_no_text() -> None:
    frame = pd.DataFrame({"object": ["a", "b"]}).merge(pd.DataFrame({"object": ["a"], "color": ["red"]}), how="left")
    assert frame["color"].dtype == "str"
    assert [row["color"] == row["color"] for row in rows_of(frame)] == [True, False]


@given(st.dictionaries(names, values, min_size=1, max_size=6))
def test_rows_by_a_column_are_those_of_its_groups(rows) -> None:
    frame = THING.frame({"object": name, **row} for name, row in rows.items())
    for columns in (["color"], ["color", "big"]):
        keys = columns[0] if len(columns) == 1 else columns
        groups = {key: [repr(row) for row in group.to_dict("records")] for key, group in frame.groupby(keys)}
        assert {key: [repr(row) for row in held] for key, held in rows_by(frame, *columns).items()} == groups
