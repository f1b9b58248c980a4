"""Inputs on disk, frozen: canonical tables and a manifest with their digests, written whole or not at all.

```
<folder>/
  inputs.json                                     digests of the tables, and the digest of all
  inputs.csv  input_files.csv  input_conflicts.csv  unreadable.csv
  vendors.csv  …                                  every table that has rows
```
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

import pandas as pd

from hipaa_kit.errors import InputError, OutputError
from hipaa_kit.sources.inputs.given import INPUT_TABLES, Inputs, digest_of, no_inputs
from hipaa_kit.sources.leaks import refuse_leaks
from hipaa_kit.tables.declaration import Table
from hipaa_kit.tables.inputs import INPUT_CONFLICTS, INPUT_FILES, INPUTS
from hipaa_kit.tables.results import UNREADABLE

MANIFEST: Final = "inputs.json"
FORMAT: Final = "hipaa-kit/inputs/v1"
ABOUT: Final = {table.name: table for table in (INPUTS, INPUT_FILES, INPUT_CONFLICTS, UNREADABLE)}
AGAIN: Final = "read the inputs again"


def save_inputs(inputs: Inputs, path: str | Path) -> Path:
    """Write inputs to a folder that does not exist yet, all of them or nothing.

    Parameters
    ----------
    inputs
        What to write.
    path
        Folder to make.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    OutputError
        The folder exists, or cannot be written.
    LeakError
        Something in it looks like a secret; nothing was written.
    """
    target = Path(path)
    if target.exists():
        raise OutputError("exists already", str(target), "name another place or remove it")
    texts = inputs.texts()
    digests = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
    manifest = {"digest": digest_of(digests), "format": FORMAT, "tables": digests}
    files = {f"{name}.csv": text for name, text in texts.items()}
    files[MANIFEST] = json.dumps(manifest, indent=1, sort_keys=True) + "\n"
    for name, text in files.items():
        refuse_leaks(text, f"inputs {name}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        workdir = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        try:
            for name, text in files.items():
                (workdir / name).write_text(text, encoding="utf-8", newline="")
            workdir.chmod(0o755)
            workdir.rename(target)
        finally:
            shutil.rmtree(workdir, ignore_errors=True)
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}", str(target)) from error
    return target


def open_inputs(path: str | Path) -> Inputs:
    """Open a folder that `save_inputs` wrote.

    Raises
    ------
    InputError
        It is none, or a file of it is missing or altered; names the file.
    """
    folder = Path(path)
    manifest = _manifest(folder)
    known = INPUT_TABLES | ABOUT
    if strange := sorted(set(manifest["tables"]) - set(known)):
        raise InputError(f"has a table {strange[0]!r} that this version does not know", str(folder), AGAIN)
    if lacking := sorted(set(ABOUT) - set(manifest["tables"])):
        raise InputError(f"lacks {lacking[0]}", str(folder / MANIFEST), AGAIN)
    if digest_of(manifest["tables"]) != manifest["digest"]:
        raise InputError("does not match its digest", str(folder / MANIFEST), AGAIN)
    frames = {name: _frame(folder, known[name], sha256) for name, sha256 in manifest["tables"].items()}
    tables = {**no_inputs().tables, **{name: frame for name, frame in frames.items() if name in INPUT_TABLES}}
    return Inputs(
        tables=tables,
        given=frames[INPUTS.name],
        files=frames[INPUT_FILES.name],
        conflicts=frames[INPUT_CONFLICTS.name],
        unreadable=frames[UNREADABLE.name],
    )


def is_frozen(path: str | Path) -> bool:
    """Tell whether a folder is one that `save_inputs` wrote."""
    return (Path(path) / MANIFEST).is_file()


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise InputError("holds no frozen inputs", str(folder), f"such a folder has {MANIFEST}") from None
    except (OSError, ValueError):
        raise InputError("cannot be read", str(folder / MANIFEST), AGAIN) from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise InputError("has a format that this version does not read", str(folder / MANIFEST), f"expected {FORMAT}")
    digests = manifest.get("tables")
    if not isinstance(digests, dict) or not isinstance(manifest.get("digest"), str):
        raise InputError("lacks its digests", str(folder / MANIFEST), AGAIN)
    return manifest


def _frame(folder: Path, table: Table, sha256: str) -> pd.DataFrame:
    path = folder / f"{table.name}.csv"
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", str(path), AGAIN) from None
    if hashlib.sha256(raw).hexdigest() != sha256:
        raise InputError("was altered or damaged", str(path), AGAIN)
    frame = table.read_csv(raw.decode("utf-8"))
    for column in table.columns:
        if column.type == "Float64":
            # The parser of pandas may miss the last digit; rounding gives the number back that was written.
            frame[column.name] = pd.Series(
                [None if pd.isna(value) else rounded(float(value)) for value in frame[column.name]], dtype="Float64"
            )
    return frame


def rounded(value: float) -> float:
    """Return a number with twelve significant digits, which every text form keeps."""
    return float(f"{value:.12g}")
