"""YAML as documents, each with the line it starts at; a broken one does not lose the others.

The C loader alone reads YAML: faster parsers read some scalars otherwise (`hostNetwork: yes` as text).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from hipaa_kit.sources.documents.model import Document, ListEnd, Logs, Piece, Unreadable

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
LARGE: Final = 2**22
"""Characters of a document from which on a list is read item by item."""

_ITEMS = re.compile(r"^items:[ \t]*\r?\n(?=- )", re.MULTILINE)
_ITEM = re.compile(r"^- ", re.MULTILINE)
_MARGIN = re.compile(r"^[^\s#-]", re.MULTILINE)
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_LOGS = re.compile(
    r"==== START logs for container (?P<of>[^\n]*?) ====\n.*?==== END logs for container (?P=of) ====\n?", re.DOTALL
)


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


def yaml_documents(text: str, first_line: int = 1) -> Iterator[Piece]:
    """Yield what stands in a YAML text: documents, the items of lists one by one, and the ends of lists.

    Parameters
    ----------
    text
        YAML, with or without `---`.
    first_line
        Line of the file on which the text starts.
    """
    text, logs = _LOGS.subn(lambda found: "\n" * found[0].count("\n") + "---\n", text)
    if logs:
        yield Logs("")
    for line, chunk in _chunks(text, first_line):
        if not chunk.strip() or _directives_alone(chunk):
            continue
        if len(chunk) > LARGE and (parts := _split(chunk)):
            yield from _items(*parts, line)
            continue
        origin = _HELM_SOURCE.search(chunk)
        try:
            content = load_document(chunk, LenientLoader)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            yield Unreadable(f":{line}", _why(error, chunk, line))
            continue
        if content is not None:
            whole = Document(content, f":{_first_line(chunk, line)}", origin[1] if origin else "")
            yield from opened(whole)


def opened(document: Document) -> Iterator[Document | ListEnd]:
    """Yield the items and the end of a list; any other document as it is."""
    content, place, origin, _ = document
    head = content if isinstance(content, dict) else {}
    items = content if isinstance(content, list) else head.get("items")
    of_a_list = isinstance(content, list) or ("items" in head and str(head.get("kind", "List")).endswith("List"))
    if not of_a_list or not isinstance(items, list | None):
        yield document
        return
    head = {key: value for key, value in head.items() if key != "items"}
    below = place if isinstance(content, list) else f"{place}/items"
    for number, item in enumerate(items or []):
        yield Document(item, f"{below}/{number}", origin, head)
    yield ListEnd(None if isinstance(content, list) else head, len(items or []), place)


def _split(chunk: str) -> tuple[str, list[tuple[int, str]]] | None:
    """Return a large list without its items, and the items as texts with their lines; None where it cannot be split.

    kubectl writes `items:` and its `- ` at the margin, where nothing else of a list can stand. Items that
    share anchors are not taken apart.
    """
    found = _ITEMS.search(chunk)
    if found is None or _ALIAS.search(chunk):
        return None
    end = _MARGIN.search(chunk, found.end())
    body = chunk[found.end() : end.start() if end else len(chunk)]
    starts = [match.start() for match in _ITEM.finditer(body)]
    line = chunk.count("\n", 0, found.end())
    items = []
    for start, stop in zip(starts, [*starts[1:], len(body)], strict=True):
        items.append((line, body[start:stop]))
        line += body.count("\n", start, stop)
    return chunk[: found.start()] + (chunk[end.start() :] if end else ""), items


def _items(without: str, items: list[tuple[int, str]], line: int) -> Iterator[Document | ListEnd | Unreadable]:
    """Yield the items of a list that was taken apart, and its end."""
    head: dict[str, Any] = {}
    try:
        loaded = load_document(without, LenientLoader)
        head = loaded if isinstance(loaded, dict) else {}
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        yield Unreadable(f":{line}", _why(error, without, line))
    for number, (offset, text) in enumerate(items):
        try:
            content = load_document(text, LenientLoader)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            yield Unreadable(f":{line + offset}/items/{number}", _why(error, text, line + offset))
            continue
        yield Document(content[0] if content else None, f":{line}/items/{number}", head=head)
    yield ListEnd(head, len(items), f":{line}")


def _chunks(text: str, first: int) -> Iterator[tuple[int, str]]:
    """Yield (line it starts at, text) of the documents of a YAML file, split where `---` stands alone.

    A `---` inside a block scalar is always indented, so that a line which starts with it ends a document.
    """
    start = first
    lines: list[str] = []
    for number, line in enumerate(_lines(text), first):
        if line.startswith("---") and (len(line) == 3 or line[3] in " \t\r\n"):
            yield start, "".join(lines)
            start, lines = number, [line[3:].lstrip(" \t")]
        elif line.startswith("...") and not line[3:].strip():
            yield start, "".join(lines)
            start, lines = number + 1, []
        else:
            lines.append(line)
    yield start, "".join(lines)


def _lines(text: str) -> list[str]:
    """Return the lines of a text as YAML counts them: `splitlines` would also break at form feeds."""
    return _LINE.findall(text)


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


def load_document(chunk: str, loader: type[Loader]) -> Any:
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
