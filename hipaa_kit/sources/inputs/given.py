"""All inputs that are declared, and those that were given, as frames."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Final

import pandas as pd

from hipaa_kit.sources.inputs import (
    audit_log,
    cloud_clusters,
    cloud_stores,
    cloud_volumes,
    earlier,
    flow_logs,
    metric_results,
    node_bundle,
    records,
    scanner_reports,
    sign_ins,
)
from hipaa_kit.sources.inputs.declaration import Input
from hipaa_kit.sources.snapshot import canonical_json
from hipaa_kit.tables.declaration import Table
from hipaa_kit.tables.inputs import INPUT_CONFLICTS, INPUT_FILES
from hipaa_kit.tables.inputs import INPUTS as INPUTS_TABLE
from hipaa_kit.tables.results import UNREADABLE

FAMILIES: Final = (
    audit_log,
    node_bundle,
    cloud_clusters,
    cloud_stores,
    cloud_volumes,
    flow_logs,
    metric_results,
    sign_ins,
    scanner_reports,
    records,
    earlier,
)

INPUTS: Final[dict[str, Input]] = {each.name: each for family in FAMILIES for each in family.INPUTS}
"""Every declared input by name."""

INPUT_TABLES: Final[dict[str, Table]] = {table.name: table for each in INPUTS.values() for table in each.tables}
"""Every table that an input fills, by name."""

INPUT_OF: Final[dict[str, Input]] = {table.name: each for each in INPUTS.values() for table in each.tables}
"""The input that fills a table, by the name of the table."""


@dataclass(frozen=True)
class Inputs:
    """What was given beside the cluster.

    Attributes
    ----------
    tables
        Every table that an input may fill, empty where it is missing.
    given
        Table `inputs`: one row per declared input.
    files, conflicts, unreadable
        Which files were read as what, which values contradict each other, what could not be read.
    """

    tables: Mapping[str, pd.DataFrame]
    given: pd.DataFrame
    files: pd.DataFrame
    conflicts: pd.DataFrame
    unreadable: pd.DataFrame

    @cached_property
    def digest(self) -> str:
        """Digest of everything that was given, over the canonical text of every table."""
        return digest_of({name: hashlib.sha256(text.encode()).hexdigest() for name, text in self.texts().items()})

    def texts(self) -> dict[str, str]:
        """Return what is not empty as canonical CSV, by name of the table."""
        texts = {name: INPUT_TABLES[name].to_csv(frame) for name, frame in self.tables.items() if len(frame)}
        about = {
            INPUTS_TABLE: self.given,
            INPUT_FILES: self.files,
            INPUT_CONFLICTS: self.conflicts,
            UNREADABLE: self.unreadable,
        }
        return dict(sorted((texts | {table.name: table.to_csv(frame) for table, frame in about.items()}).items()))

    def status(self, name: str) -> str:
        """Return the status of an input: given, unreadable or missing."""
        found = self.given.loc[self.given["input"] == name, "status"]
        return str(found.iloc[0]) if len(found) else "missing"

    def problem(self, name: str) -> str:
        """Return the first problem with the files of an input, "" where there is none."""
        sources = set(self.files.loc[self.files["input"] == name, "source"])
        found = self.unreadable[self.unreadable["source"].isin(sources)]
        return f"{found['source'].iloc[0]}{found['position'].iloc[0]}: {found['error'].iloc[0]}" if len(found) else ""


def digest_of(digests: Mapping[str, str]) -> str:
    """Return the digest of inputs from those of their tables."""
    return hashlib.sha256(canonical_json(dict(sorted(digests.items())))).hexdigest()


@cache
def no_inputs() -> Inputs:
    """Return inputs of which none was given."""
    rows = [
        {
            "input": each.name,
            "what": each.what,
            "status": "missing",
            "files": 0,
            "rows": 0,
            "conflicts": 0,
            "tables": " ".join(table.name for table in each.tables),
            "command": each.command,
        }
        for each in INPUTS.values()
    ]
    return Inputs(
        tables={name: table.frame() for name, table in sorted(INPUT_TABLES.items())},
        given=INPUTS_TABLE.frame(rows),
        files=INPUT_FILES.frame(),
        conflicts=INPUT_CONFLICTS.frame(),
        unreadable=UNREADABLE.frame(),
    )
