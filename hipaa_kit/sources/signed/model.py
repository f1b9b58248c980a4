"""Records as tables, and the files they came in."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import pandas as pd

from hipaa_kit.errors import InputError
from hipaa_kit.sources.leaks import refuse_leaks
from hipaa_kit.sources.snapshot import canonical_json
from hipaa_kit.tables.signed import RECORD_FILES, SIGNED_TABLES


@dataclass(frozen=True)
class Records:
    """What people signed.

    Attributes
    ----------
    tables
        Every table of `tables.signed.SIGNED_TABLES`, empty where nothing fills it.
    folder
        Where their files lie; None where no records were given.
    """

    tables: Mapping[str, pd.DataFrame]
    folder: Path | None = None

    @property
    def given(self) -> bool:
        """Tell whether there are any."""
        return self.folder is not None

    @cached_property
    def digest(self) -> str:
        """Digest of all that is in them, with the state of the files they rest on; "" where none were given."""
        if not self.given:
            return ""
        texts = {name: SIGNED_TABLES[name].to_csv(frame) for name, frame in sorted(self.tables.items())}
        digests = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
        return hashlib.sha256(canonical_json(digests)).hexdigest()

    def copy_to(self, target: Path) -> None:
        """Copy the files of the records and those they rest on, each with the digest it was read with.

        Raises
        ------
        InputError
            A file is another one by now.
        LeakError
            A file looks like it holds a secret.
        """
        if self.folder is None:
            return
        target.mkdir(parents=True, exist_ok=True)
        for path, sha256 in self.tables[RECORD_FILES.name][["path", "sha256"]].itertuples(index=False):
            raw = (self.folder / path).read_bytes()
            if hashlib.sha256(raw).hexdigest() != sha256:
                raise InputError("changed while it was used", str(self.folder / path), "run again")
            refuse_leaks(raw.decode("utf-8", "replace"), f"records/{path}")
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.folder / path, target / path)


@cache
def no_records() -> Records:
    """Return records of which there are none."""
    return Records({name: table.frame() for name, table in SIGNED_TABLES.items()})
