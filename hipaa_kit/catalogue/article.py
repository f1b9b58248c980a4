"""The source article sentence by sentence, as data: which check, record or limit answers each."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Final

from hipaa_kit.catalogue.loading import FOLDER, load_catalogue, once, rows
from hipaa_kit.catalogue.model import ArticleSentence, CatalogueError

FIELDS: Final = ("number", "part", "says", "answered_by", "controls", "words")
ANSWERS: Final = ("check", "record", "limit", "background")


@functools.cache
def load_article(folder: Path = FOLDER) -> tuple[ArticleSentence, ...]:
    """Load the sentences and validate them.

    Raises
    ------
    CatalogueError
        A sentence is answered by nothing, or names a control that is not there.
    """
    path = folder / "article.csv"
    sentences = []
    for line, row in enumerate(rows(path, FIELDS), 2):
        at, controls = f"{path.name}:{line}", tuple(row["controls"].split())
        for control in controls:
            load_catalogue().control(control)
        if row["answered_by"] not in ANSWERS:
            raise CatalogueError(f"answered_by is {row['answered_by']!r}", at, f"one of {', '.join(ANSWERS)}")
        if row["answered_by"] in ("check", "record") and not controls:
            raise CatalogueError("names no control", at, "name what answers it, or call it a limit")
        if row["answered_by"] in ("limit", "background") and not row["words"]:
            raise CatalogueError("does not say why nothing answers it", at, "write words")
        told = {name: row[name] for name in FIELDS if name != "controls"}
        sentences.append(ArticleSentence(**told, controls=controls))
    once((sentence.number for sentence in sentences), "number", path.name)
    return tuple(sentences)
