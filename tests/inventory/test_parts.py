"""What is made again in parts is what is made as a whole."""

from __future__ import annotations

import random
from pathlib import Path

import pandas as pd
import pytest

from hipaa_kit.assess.facade import Assessment, registered_checks
from hipaa_kit.errors import TableError
from hipaa_kit.inventory.parts import BETWEEN, Parts, difference, in_parts, narrowed, part_names, replaced
from hipaa_kit.inventory.registry import BUILDERS
from hipaa_kit.sources.scope import load_scope
from hipaa_kit.tables.declaration import Table, maybe, text
from tests.support.random_changes import SCOPE, random_cluster
from tests.support.snapshots import snapshot_of

TABLE = Table("letters", "a letter", ("name", "of"), (text("name", ""), text("of", ""), maybe("known", "")))
PARTS = Parts(("name",), {"letters": (("name",), ("of",))})


def letters(*rows: tuple[str, str, bool | None]) -> pd.DataFrame:
    return TABLE.frame({"name": name, "of": of, "known": known} for name, of, known in rows)


def some(rng: random.Random) -> pd.DataFrame:
    rows = {(rng.choice("abcd"), rng.choice("abcd")): rng.choice((True, False, None)) for _ in range(rng.randint(0, 9))}
    return letters(*((*key, known) for key, known in rows.items()))


def tuples(frame: pd.DataFrame) -> set[tuple[object, ...]]:
    return set(frame.astype(object).where(frame.notna(), None).itertuples(index=False, name=None))


@pytest.mark.parametrize("seed", range(40))
def test_a_difference_has_every_row_that_is_in_one_frame_alone(seed: int) -> None:
    rng = random.Random(seed)
    was, now = some(rng), some(rng)
    found = difference(was, now)
    assert tuples(was) - tuples(now) <= tuples(found.gone) <= tuples(was)
    assert tuples(now) - tuples(was) <= tuples(found.new) <= tuples(now)
    assert not any(map(len, difference(was, was.copy())))


@pytest.mark.parametrize("seed", range(40))
def test_parts_that_are_made_again_take_the_place_of_what_they_were(seed: int) -> None:
    rng = random.Random(seed)
    was, now = some(rng), some(rng)
    changed = frozenset(name for frame in difference(was, now) for name in frame["name"])
    found, differs = replaced(TABLE, PARTS, was, now, changed)
    pd.testing.assert_frame_equal(found, now)
    assert tuples(differs.new) >= tuples(now) - tuples(was)
    assert (found is was) == (not any(map(len, differs)))


def test_names_of_parts_are_joined_as_texts_of_python_are() -> None:
    assert list(part_names(letters(("a", "b", True)), ("name", "of"))) == [BETWEEN.join(("a", "b"))]


def test_a_row_bears_on_each_part_that_it_names() -> None:
    assert PARTS.changed(lambda _: difference(letters(("a", "b", True)), letters(("a", "b", None)))) == {"a", "b"}
    held = letters(("a", "b", True), ("c", "b", True), ("c", "d", True))
    assert len(PARTS.bearing("letters", held, frozenset("b"))) == 2
    assert PARTS.bearing("others", held, frozenset("b")) is held


def test_a_row_with_the_key_of_a_row_in_another_part_is_an_error() -> None:
    one = Table("letters", "a letter", ("of",), TABLE.columns)
    with pytest.raises(TableError, match="one key"):
        replaced(one, PARTS, letters(("a", "b", True)), letters(("c", "b", True)), frozenset("c"))


@pytest.fixture(scope="module", params=(0, 1, 3))
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Assessment:
    path: Path = tmp_path_factory.mktemp("scope") / "scope.yaml"
    path.write_text(SCOPE)
    return Assessment(snapshot_of(random_cluster(random.Random(request.param))), load_scope(path))


def test_a_table_says_of_a_part_by_its_own_rows_what_it_says_by_all(run: Assessment) -> None:
    tables = run.tables._inventory
    told = 0
    for name, builder in BUILDERS.items():
        if (parts := builder.parts) is None:
            continue
        names = part_names(tables[name], parts.own)
        for part in names.unique():
            held = frozenset([part])
            made = builder.build(lambda need, p=parts, h=held: p.bearing(need, tables._need(need), h))
            made = made[part_names(made, parts.own) == part].reset_index(drop=True)
            pd.testing.assert_frame_equal(made, tables[name][names == part].reset_index(drop=True), obj=name)
            told += 1
    assert told


def test_a_check_says_of_an_object_by_its_own_rows_what_it_says_by_all(run: Assessment) -> None:
    tables, told = run.tables, 0
    for check in registered_checks().values():
        if (parts := check.parts) is None:
            continue
        whole = {each.object: each for each in tables.verdicts(check)}
        for name, verdict in whole.items():
            bearing = {table: parts.bearing(table, tables[table], frozenset([name])) for table in parts.of}
            alone = tables._run(check, tables._inventory.beside(bearing))
            assert [each for each in alone if each.object == name] == [verdict]
            told += 1
    assert told


def test_who_reads_some_columns_is_given_no_others(run: Assessment) -> None:
    declared = [*BUILDERS.values(), *registered_checks().values()]
    narrow = {(table, columns) for each in declared for table, columns in each.narrow.items()}
    assert narrow
    for table, columns in narrow:
        assert list(narrowed({table: columns}, table, run.tables[table]).columns) == list(columns)


@pytest.mark.parametrize("seed", range(40))
def test_rows_are_found_by_their_columns_as_by_the_names_of_their_parts(seed: int) -> None:
    rng = random.Random(seed)
    held = letters(*(("".join(rng.choices("ab" + BETWEEN, k=2)), rng.choice("abc"), True) for _ in range(1)))
    held = pd.concat([held, some(rng), some(rng)], ignore_index=True)
    names = part_names(held, ("name", "of"))
    for parts in (
        frozenset(rng.sample(names.tolist(), rng.randint(0, len(names)))),
        frozenset(["a"]),
        frozenset[str](),
    ):
        assert in_parts(held, ("name", "of"), parts).tolist() == names.isin(parts).tolist()
        assert in_parts(held, ("of",), parts).tolist() == held["of"].isin(parts).tolist()
