"""Since when something has been there: what several moments prove, and nothing more."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipaa_kit.inventory.lives import Life, Sightings
from tests.support.courses import ABSENT, NAMELESS, UNKNOWN, courses_of, stretch

FACT = "Pod/a/x"


def lives_of(said: str, *, decisive: bool) -> list[Life]:
    sightings = Sightings(decisive)
    for moment, word in enumerate(said):
        if word not in (ABSENT, UNKNOWN):
            sightings.see(moment, FACT, "" if word == NAMELESS else word)
    found = list(sightings.lives(len(said), lambda moment, _: said[moment] == ABSENT))
    return found[0][1] if found else []


def shown(life: Life) -> tuple:
    return (
        life.identity, life.not_before, life.seen_first, life.unbroken_since, life.seen_last, life.gone_by,
        life.unknown, life.recreated,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("said", "lives"),
    [
        ("uuu", [("u", None, 0, 0, 2, None, (), False)]),
        (".u.", [("u", 0, 1, 1, 1, 2, (), False)]),
        (".?u?.", [("u", 0, 2, 2, 2, 4, (1, 3), False)]),
        ("??u", [("u", None, 2, 2, 2, None, (0, 1), False)]),
        ("u?u", [("u", None, 0, 0, 2, None, (1,), False)]),
        ("uv", [("u", None, 0, 0, 0, 1, (), False), ("v", 0, 1, 1, 1, None, (), True)]),
        ("u?v", [("u", None, 0, 0, 0, 2, (1,), False), ("v", 0, 2, 2, 2, None, (1,), True)]),
        ("u.?v", [("u", None, 0, 0, 0, 1, (), False), ("v", 1, 3, 3, 3, None, (2,), True)]),
        ("u?.v", [("u", None, 0, 0, 0, 2, (1,), False), ("v", 2, 3, 3, 3, None, (), True)]),
        ("u#v", [("", None, 0, 0, 2, None, (), False), ("u", None, 0, 0, 0, 2, (1,), False),
                 ("v", 0, 2, 2, 2, None, (1,), True)]),
        (".#u", [("", 0, 1, 1, 2, None, (), False), ("u", 0, 2, 2, 2, None, (1,), False)]),
        ("#.u", [("", None, 0, 0, 0, 1, (), False), ("u", 1, 2, 2, 2, None, (), False)]),
        ("##.#", [("", None, 0, 0, 1, 2, (), False), ("", 2, 3, 3, 3, None, (), False)]),
        ("#?#", [("", None, 0, 2, 2, None, (1,), False)]),
        ("...", []),
        ("???", []),
    ],
)  # fmt: skip
def test_an_object_lives_from_what_the_moments_prove(said: str, lives: list[tuple]) -> None:
    assert [shown(life) for life in lives_of(said, decisive=True)] == lives


def test_a_list_that_leaves_an_object_out_by_its_label_does_not_make_it_anew() -> None:
    assert [shown(life) for life in lives_of("u.u", decisive=True)] == [("u", None, 0, 0, 2, None, (1,), False)]


@pytest.mark.parametrize(
    ("said", "lives"),
    [
        ("u.u", [("u", None, 0, 0, 0, 1, (), False), ("u", 1, 2, 2, 2, None, (), False)]),
        ("u?u", [("u", None, 0, 2, 2, None, (1,), False)]),
        ("uv", [("u", None, 0, 0, 0, 1, (), False), ("v", 0, 1, 1, 1, None, (), True)]),
    ],
)
def test_a_fact_may_come_back_while_what_it_stands_on_stays(said: str, lives: list[tuple]) -> None:
    assert [shown(life) for life in lives_of(said, decisive=False)] == lives


def name_alone(course: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word if word == ABSENT else NAMELESS for word in course)


@settings(deadline=None)
@given(st.text("uvw#.?", min_size=1, max_size=6), st.booleans())
def test_the_interval_of_a_beginning_and_an_end_is_that_of_all_courses_of_things(said: str, decisive: bool) -> None:
    courses = list(courses_of(said, decisive=decisive))
    if not courses:  # a uid that is there, proved absent, and there again: no course of things
        return
    for life in lives_of(said, decisive=decisive):
        # A life without identity is that of the name, whoever bore it; it may be told wider than it must be.
        borne = courses if life.identity else [name_alone(course) for course in courses]
        bounds = [stretch(course, life.seen_last) for course in borne]
        starts, ends = [first for first, _ in bounds], [last for _, last in bounds]
        earliest = 0 if life.not_before is None else life.not_before + 1
        latest = len(said) - 1 if life.gone_by is None else life.gone_by - 1
        assert earliest <= min(starts) <= max(starts) <= life.unbroken_since
        assert life.seen_last <= min(ends) <= max(ends) <= latest
        if life.identity or NAMELESS not in said or said.strip(NAMELESS + ABSENT + UNKNOWN) == "":
            assert (min(starts), max(starts)) == (earliest, life.unbroken_since)
            assert (min(ends), max(ends)) == (life.seen_last, latest)


@settings(deadline=None)
@given(st.text("uvw#.?", min_size=1, max_size=7), st.booleans())
def test_every_sighting_of_a_uid_is_in_one_life(said: str, decisive: bool) -> None:
    found = lives_of(said, decisive=decisive)
    for moment, word in enumerate(said):
        holding = [life for life in found if life.identity == word and life.seen_first <= moment <= life.seen_last]
        if word.isalpha():
            assert holding


@settings(deadline=None)
@given(st.text("uvw#.?", min_size=2, max_size=7), st.data(), st.booleans())
def test_forgetting_a_moment_only_widens(said: str, data: st.DataObject, decisive: bool) -> None:
    forgotten = data.draw(st.integers(0, len(said) - 1))
    less = said[:forgotten] + UNKNOWN + said[forgotten + 1 :]
    if next(courses_of(said, decisive=decisive), None) is None:
        return
    before = lives_of(said, decisive=decisive)
    by_name = lives_of("".join(NAMELESS if word.isalpha() else word for word in said), decisive=decisive)
    for life in lives_of(less, decisive=decisive):
        (known,) = [
            each
            for each in (before if life.identity else by_name)
            if each.identity == life.identity and each.seen_first <= life.seen_last <= each.seen_last
        ]
        assert life.not_before is None or (known.not_before is not None and life.not_before <= known.not_before)
        assert life.unbroken_since >= known.unbroken_since or known.seen_last > life.seen_last
        assert life.gone_by is None or (known.gone_by is not None and life.gone_by >= known.gone_by)
        assert set(known.unknown) & set(range(life.seen_first, life.seen_last)) <= set(life.unknown)
