"""YAML that a person wrote for the kit: one document, no repeated keys, and the line of every part of it."""

from __future__ import annotations

from typing import Any

import yaml

from hipaa_kit.errors import InputError
from hipaa_kit.sources.documents.yaml_documents import Loader, load_document


def load_strict(text: str, where: str) -> tuple[Any, LineIndex]:
    """Return the one document of a YAML file that a person wrote, and the line of every part of it.

    Raises
    ------
    InputError
        It cannot be read, holds several documents, or repeats a key; names the line.
    """
    try:
        content = load_document(text, Loader)
        node = yaml.compose(text, Loader=Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InputError(f"cannot be read: {error.problem or error.context}", f"{where}:{line}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        words = str(error) if type(error) is yaml.YAMLError else type(error).__name__
        raise InputError(f"cannot be read: {words}", where) from None
    return content, LineIndex(node)


class LineIndex:
    """The line of every key and item of a YAML document."""

    def __init__(self, node: yaml.Node | None) -> None:
        self._lines: dict[tuple[Any, ...], int] = {(): 1}
        if node is not None:
            self._walk(node, ())

    def line(self, path: tuple[Any, ...]) -> int:
        """Return the line of a part by its path, or of the nearest part above it."""
        while path not in self._lines:
            path = path[:-1]
        return self._lines[path]

    def _walk(self, node: yaml.Node, path: tuple[Any, ...]) -> None:
        self._lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                self._lines[(*path, key.value)] = key.start_mark.line + 1
                self._walk(value, (*path, key.value))
        elif isinstance(node, yaml.SequenceNode):
            for position, item in enumerate(node.value):
                self._walk(item, (*path, position))
