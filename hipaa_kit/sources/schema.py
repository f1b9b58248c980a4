"""Files that people write, held against a schema: the first mistake is named with its line and what to do."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from hipaa_kit.errors import InputError
from hipaa_kit.sources.documents import LineIndex

SCHEMAS: Final = Path(__file__).parent / "schemas"


@functools.cache
def validator(name: str, part: str = "") -> Any:
    """Return the validator of a schema of the kit, or of one of its `$defs`."""
    with _without_a_grammar():
        from jsonschema import Draft202012Validator

    schema = json.loads((SCHEMAS / name).read_text(encoding="utf-8"))
    if part:
        schema = {"$schema": schema["$schema"], "$defs": schema["$defs"], "$ref": f"#/$defs/{part}"}
    return Draft202012Validator(schema)


@contextmanager
def _without_a_grammar() -> Iterator[None]:
    """Keep jsonschema from building the grammar of one string format, which nothing here validates.

    That takes more than a second of every process that reads a scope; jsonschema does without where it cannot have it.
    Afterwards whoever wants the grammar may import it.
    """
    if "rfc3987_syntax" in sys.modules:
        yield
        return
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["rfc3987_syntax"]


def refuse_invalid(
    content: Any, lines: LineIndex, where: str, checker: Any, examples: Mapping[str, str] | None = None
) -> None:
    """Raise InputError where a document is not as its schema says.

    Parameters
    ----------
    content, lines
        The document and the lines of its parts.
    where
        File, for the message.
    checker
        From `validator`.
    examples
        How a value is written, by the name of its key.
    """
    from jsonschema.exceptions import best_match

    error = best_match(checker.iter_errors(content))
    if error is None:
        return
    path = tuple(error.absolute_path)
    at = f"{where}:{lines.line(path)}"
    part = ".".join(str(step) for step in path) or "the file"
    if error.validator == "additionalProperties":
        known = sorted(error.schema.get("properties", {}))
        unknown = sorted(set(error.instance) - set(known))
        at = f"{where}:{lines.line((*path, unknown[0]))}"
        raise InputError(f"unknown key {unknown[0]!r} in {part}", at, f"keys are {', '.join(known)}")
    if error.validator == "required":
        missing = sorted(set(error.validator_value) - set(error.instance))
        raise InputError(f"{part} lacks {', '.join(missing)}", at, "add it")
    key = str(path[-1]) if path else ""
    wanted = {
        "enum": lambda: f"one of {', '.join(str(word) for word in error.validator_value if word != '')}",
        "const": lambda: f"write {error.validator_value}",
        "pattern": lambda: f"write it like {(examples or {}).get(key, error.validator_value)}",
        "type": lambda: f"give a {error.validator_value}",
    }.get(error.validator, lambda: "give a value")()
    raise InputError(f"{part} is {_shown(error.instance)}", at, wanted)


def _shown(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."
