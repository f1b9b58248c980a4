"""What ships with the kit: notebooks and the clinic, in the wheel or beside a checkout."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def shipped(name: str) -> Path:
    """Return the folder `notebooks` or `data` that belongs to this installation.

    A wheel carries them inside the package, as `_notebooks` and `_data`; an editable install uses
    those of the checkout.
    """
    installed = PACKAGE / f"_{name}"
    return installed if installed.is_dir() else PACKAGE.parent / name
