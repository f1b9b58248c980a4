"""Files as documents: YAML and JSON of every spelling, each document with the place it starts at.

The C loader alone reads YAML: faster parsers read some scalars otherwise. Files are decoded by
their byte order mark; a document that cannot be read does not lose the others.
"""

from __future__ import annotations

import codecs
import gc
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import yaml

from hipaa_kit.errors import InputError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HELM_SOURCE = re.compile(r"^# Source: (\S+)\s*$", re.MULTILINE)
_TEMPLATE = re.compile(r"\{\{[^}]*\}\}")
_ALIAS = re.compile(r"\*(?<=[\s\[{,:]\*)[^\s*,\]}]")
_COMPACT = re.compile(r"[-?:](?:[ \t]+[-?:]){100}")

MAX_DEPTH = 200
"""Levels of a document."""
SAFE_BRACKETS = 5_000
"""Brackets that the C composer survives, were they all nested: it recurses, and 30,000 end the process."""
MAX_NODES = 1_000_000
"""Values that the aliases of a document may unfold to; ten lines of YAML can say a thousand million."""


class Document(NamedTuple):
    """One document of a file: its content, and where it starts."""

    content: Any
    position: str
    origin: str


@dataclass(frozen=True)
class Unreadable:
    """A file, or the rest of one, that could not be read."""

    position: str
    error: str


class Loader(yaml.CSafeLoader):
    """The C safe loader, which keeps `=` as text, timestamps as they are written, and refuses repeated keys."""


def _mapping(loader: Loader, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
    loader.flatten_mapping(node)
    keys: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            raise _problem(f"key {_one_line(key_node)} is not text", key_node)
        if key in keys:
            raise _problem(f"key {key!r} stands there twice", key_node)
        keys.add(key)
    return yaml.constructor.SafeConstructor.construct_mapping(loader, node, deep=deep)


def _map(loader: Loader, node: yaml.MappingNode) -> Iterator[dict[Any, Any]]:
    data: dict[Any, Any] = {}
    yield data
    data.update(_mapping(loader, node))


def _problem(words: str, at: Any) -> yaml.MarkedYAMLError:
    """Return an error of the loader's own family, at the place of a node or an event."""
    return yaml.MarkedYAMLError(problem=words, problem_mark=at.start_mark)


def _one_line(node: yaml.Node) -> str:
    return str(node.value) if isinstance(node, yaml.ScalarNode) else "that is a list or a mapping"


def _text(loader: Loader, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


Loader.add_constructor("tag:yaml.org,2002:map", _map)
for _tag in ("value", "timestamp", "binary"):
    Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _text)


def _lenient_map(loader: Loader, node: yaml.MappingNode) -> Iterator[dict[Any, Any]]:
    data: dict[Any, Any] = {}
    yield data
    loader.flatten_mapping(node)
    data.update(yaml.constructor.BaseConstructor.construct_mapping(loader, node))


class LenientLoader(Loader):
    """The same for objects of a cluster: of a repeated key the last one counts, as in the API server."""


LenientLoader.add_constructor("tag:yaml.org,2002:map", _lenient_map)


def decode(raw: bytes, where: str) -> str:
    """Return the text of a file by its byte order mark, UTF-8 without one.

    Raises
    ------
    InputError
        It is not text in that encoding.
    """
    encoding = next((name for mark, name in _MARKS if raw.startswith(mark)), "utf-8")
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(f"is not {encoding} text at byte {error.start}", where) from None


def read_documents(text: str) -> Iterator[Document | Unreadable]:
    """Yield the documents of a file, JSON or YAML, each with its position.

    Parameters
    ----------
    text
        JSON (one document, several after one another, or one per line) or YAML (with or without
        `---`).

    Yields
    ------
    Document or Unreadable
        What cannot be read is yielded in its place; documents before it are kept, and those after
        it where the file shows where the next one starts.
    """
    stripped = text.lstrip("\ufeff \t\r\n")
    if not stripped:
        return
    if stripped[0] in "{[" and not stripped.startswith("{{"):
        first = _try_json(text)
        if first is not None:
            yield from first
            return
    yield from _yaml(text)


@contextmanager
def no_cyclic_collection() -> Iterator[None]:
    """Pause the cyclic garbage collector: decoding makes many containers and no cycles."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _try_json(text: str) -> list[Document | Unreadable] | None:
    """Return the JSON documents of a text, or None where it is YAML that only begins like JSON."""
    decoder = json.JSONDecoder()
    found: list[Document | Unreadable] = []
    position, end = 0, len(text)
    line, counted = 1, 0
    with no_cyclic_collection():
        while position < end:
            if text[position] in " \t\r\n\ufeff":
                position += 1
                continue
            line, counted = line + text.count("\n", counted, position), position
            try:
                content, after = decoder.raw_decode(text, position)
            except (json.JSONDecodeError, RecursionError) as error:
                if not found or text.startswith("---", position):
                    return None
                words = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply"
                found.append(Unreadable(f":{line}", f"not JSON: {words}"))
                return found
            place = f":{line}" if found else ""
            found.append(Document(content, place, ""))
            position = after
    return found


def _yaml(text: str) -> Iterator[Document | Unreadable]:
    for line, chunk in _chunks(text):
        if not chunk.strip() or _directives_alone(chunk):
            continue
        origin = _HELM_SOURCE.search(chunk)
        try:
            content = _load(chunk, LenientLoader)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            yield Unreadable(f":{line}", _why(error, chunk, line))
            continue
        if content is not None:
            yield Document(content, f":{_first_line(chunk, line)}", origin[1] if origin else "")


def _chunks(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line it starts at, text) of the documents of a YAML file, split where `---` stands alone.

    A `---` inside a block scalar is always indented, so that a line which starts with it ends a document.
    """
    start = 1
    lines: list[str] = []
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        if line.startswith("---") and (len(line) == 3 or line[3] in " \t\r\n"):
            yield start, "".join(lines)
            start, lines = number, [line[3:].lstrip(" \t")]
        elif line.startswith("...") and not line[3:].strip():
            yield start, "".join(lines)
            start, lines = number + 1, []
        else:
            lines.append(line)
    yield start, "".join(lines)


def _directives_alone(chunk: str) -> bool:
    """Tell whether a text is only what may stand before the first `---`: `%YAML 1.2` and comments."""
    lines = [line for line in chunk.splitlines() if line.strip() and not line.startswith("#")]
    return bool(lines) and all(line.startswith("%") for line in lines)


def _refuse_what_unfolds(chunk: str) -> None:
    """Refuse a document that is nested too deeply, or whose aliases unfold to too much or to themselves.

    Most documents have neither brackets by the thousand nor aliases and are not looked at.

    Raises
    ------
    yaml.YAMLError
        It is one of those, or it is no YAML.
    """
    steep = _brackets(chunk) > SAFE_BRACKETS or " " * (MAX_DEPTH // 2) in chunk or _COMPACT.search(chunk)
    if not steep and not _ALIAS.search(chunk):
        return
    sizes: dict[str, int] = {}
    open_nodes: list[tuple[str | None, int]] = []
    total = unfolded = 0
    for event in yaml.parse(chunk, Loader=Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append((event.anchor, total))
            total += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_nodes.pop()
            sizes.update({anchor: total - before} if anchor else {})
        elif isinstance(event, yaml.AliasEvent):
            if any(anchor == event.anchor for anchor, _ in open_nodes):
                raise _problem("an alias stands in itself", event)
            size = sizes.get(str(event.anchor), 1)
            total, unfolded = total + size, unfolded + size
        elif isinstance(event, yaml.ScalarEvent):
            size = 1 + len(event.value) // 100
            total += size
            sizes.update({event.anchor: size} if event.anchor else {})
        if len(open_nodes) > MAX_DEPTH:
            raise _problem(f"nested more than {MAX_DEPTH} levels deep", event)
        if unfolded > MAX_NODES:
            raise _problem(f"its aliases unfold to more than {MAX_NODES} values", event)


def _brackets(chunk: str) -> int:
    return chunk.count("[") + chunk.count("{")


def _load(chunk: str, loader: type[Loader]) -> Any:
    """Return the content of one document that is safe to walk through.

    Raises
    ------
    yaml.YAMLError or ValueError
        It is no YAML, nested too deeply, or unfolds to too much.
    """
    _refuse_what_unfolds(chunk)
    content = yaml.load(chunk, Loader=loader)  # noqa: S506 - a safe loader
    if _brackets(chunk) > MAX_DEPTH and not _is_shallow(content):
        raise yaml.YAMLError(f"nested more than {MAX_DEPTH} levels deep")
    return content


def _is_shallow(content: Any) -> bool:
    layer = [content]
    for _ in range(MAX_DEPTH):
        inner = [each.values() if isinstance(each, dict) else each for each in layer if isinstance(each, dict | list)]
        layer = [value for values in inner for value in values]
        if not layer:
            return True
    return False


def _first_line(chunk: str, line: int) -> int:
    """Return the line of the first thing in a document that is neither blank nor a comment."""
    for offset, content in enumerate(chunk.splitlines()):
        if content.strip() and not content.lstrip().startswith("#"):
            return line + offset
    return line


def _why(error: Exception, chunk: str, line: int) -> str:
    if _TEMPLATE.search(chunk):
        return "is a template that was not rendered"
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"not YAML at line {error.problem_mark.line + line}: {error.problem or error.context}"
    return f"not YAML: {error}" if type(error) is yaml.YAMLError else f"not YAML: {type(error).__name__}"


def load_strict(text: str, where: str) -> tuple[Any, LineIndex]:
    """Return the one document of a YAML file that a person wrote, and the line of every part of it.

    Raises
    ------
    InputError
        It cannot be read, holds several documents, or repeats a key; names the line.
    """
    try:
        content = _load(text, Loader)
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


def is_object(content: Any) -> bool:
    """Tell whether a document is a Kubernetes object or list: `apiVersion` and `kind` are texts."""
    return (
        isinstance(content, Mapping)
        and isinstance(content.get("kind"), str)
        and isinstance(content.get("apiVersion"), str)
        and bool(content["kind"])
    )
