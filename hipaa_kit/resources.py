"""What ships with the kit: notebooks and the clinic, in the wheel or beside a checkout; and its own code, by digest."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def shipped(name: str) -> Path:
    """Return the folder `notebooks` or `data` that belongs to this installation.

    A wheel carries them inside the package, as `_notebooks` and `_data`; an editable install uses
    those of the checkout.
    """
    installed = PACKAGE / f"_{name}"
    return installed if installed.is_dir() else PACKAGE.parent / name


@cache
def code_digest(*rooms: str) -> str:
    """Return a digest over the code in some rooms of the package, for what is kept of their work between runs.

    Parameters
    ----------
    rooms
        Folders, or modules by their file, relative to the package.
    """
    digest = hashlib.sha256()
    for room in rooms:
        place = PACKAGE / room
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
