"""What takes long to make of tables, made once for as long as these are the same frames."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

Made = TypeVar("Made")


class Latest(Generic[Made]):
    """Keeps what was made last, and gives it again to whoever would make it of the same things.

    A what-if has the frames of the state before wherever nothing reaches them: what was made of those stands.
    What is kept must not be changed by anybody.
    """

    def __init__(self) -> None:
        self._held: tuple[tuple[object, ...], Made] | None = None

    def of(self, things: tuple[object, ...], make: Callable[[], Made]) -> Made:
        """Return what is made of some things, each of which is the same if it is the same object.

        Parameters
        ----------
        things
            All that it is made of.
        make
            Makes it.
        """
        held = self._held
        if held is not None and len(held[0]) == len(things) and all(map(_same, held[0], things)):
            return held[1]
        made = make()
        self._held = things, made
        return made


def _same(one: object, other: object) -> bool:
    return one is other
