"""YAML as documents, each with the line it starts at; a broken one does not lose the others.

The C loader alone reads YAML: faster parsers read some scalars otherwise (`hostNetwork: yes` as text).
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator
from typing import Any, Final

import yaml

from hipaa_kit.sources.documents.fitness import UnfitError, finite, is_shallow, refuse_long_texts, whole
from hipaa_kit.sources.documents.model import Document, ListEnd, Logs, Piece, Unreadable
from hipaa_kit.sources.documents.texts import REPLACED
from hipaa_kit.sources.limits import DEFAULT_LIMITS, Limits

_HELM_SOURCE = re.compile(r"^# Source: (\S{1,500})\s*$", re.MULTILINE)
_ALIAS = re.compile(r"\*(?<=[\s\[{,:]\*)[^\s*,\]}]")
_COMPACT = re.compile(r"[-?:](?:[ \t]+[-?:]){50}")
_NOT_TEXT = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What YAML does not take: https://yaml.org/spec/1.2.2/#51-character-set."""

SAFE_BRACKETS = 5_000
"""Brackets that the C composer survives, were they all nested: it recurses, and 30,000 end the process."""
LARGE: Final = 2**22
"""Characters of a document from which on a list is read item by item, and values are counted before they are made."""
UNREADABLE: Final = (yaml.YAMLError, ValueError, RecursionError)
"""What the loader raises on what it cannot read."""

_ITEMS = re.compile(r"^items:[ \t]*\r?\n(?=- )", re.MULTILINE)
_ITEM = re.compile(r"^- ", re.MULTILINE)
_MARGIN = re.compile(r"^[^\s#-]", re.MULTILINE)
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_LONGEST_NUMBER: Final = 100
_UNINDENTED: Final = 50
"""Levels below which neither spaces nor brackets show how deep a document is."""
_LOG_START: Final = "==== START logs for container "
_LOG_MARK: Final = " ===="


class Loader(yaml.CSafeLoader):
    """The C safe loader, which keeps `=` as text, timestamps as they are written, and refuses repeated keys.

    Scalars that are not what their tag says, and numbers that no API server takes, are their text.
    """

    repeated = ""


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


def _bool(loader: Loader, node: yaml.ScalarNode) -> bool | str:
    text = _text(loader, node)
    return loader.bool_values.get(text.lower(), text)


def _int(loader: Loader, node: yaml.ScalarNode) -> int | str:
    text = _text(loader, node)
    if len(text) > _LONGEST_NUMBER:
        return text
    try:
        number: int = yaml.constructor.SafeConstructor.construct_yaml_int(loader, node)
    except (ValueError, IndexError):
        return text
    return whole(str(number))


def _float(loader: Loader, node: yaml.ScalarNode) -> float | str:
    text = _text(loader, node)
    if len(text) > _LONGEST_NUMBER:
        return text
    try:
        number: float = yaml.constructor.SafeConstructor.construct_yaml_float(loader, node)
    except (ValueError, IndexError, OverflowError):
        return text
    return number if isinstance(finite(repr(number)), float) else text


Loader.add_constructor("tag:yaml.org,2002:map", _map)
for _tag, _constructor in {"bool": _bool, "int": _int, "float": _float}.items():
    Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _constructor)
for _tag in ("value", "timestamp", "binary"):
    Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _text)


def _lenient_map(loader: Loader, node: yaml.MappingNode) -> Iterator[dict[Any, Any]]:
    data: dict[Any, Any] = {}
    yield data
    written: set[str] = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode) and key.value != "<<":
            loader.repeated = key.value if key.value in written else loader.repeated
            written.add(key.value)
    loader.flatten_mapping(node)
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _problem("a key is no text", key)
        data[key.value] = loader.construct_object(value)


class LenientLoader(Loader):
    """The same for objects of a cluster: of a repeated key the last one counts, as in the API server.

    Keys are texts as they are written, also where they look like numbers: an object has no other keys.
    """


LenientLoader.add_constructor("tag:yaml.org,2002:map", _lenient_map)


def yaml_documents(text: str | Iterable[str], first_line: int = 1, limits: Limits = DEFAULT_LIMITS) -> Iterator[Piece]:
    """Yield what stands in a YAML text: documents, the items of lists one by one, and the ends of lists.

    Parameters
    ----------
    text
        YAML, with or without `---`, whole or in pieces of any length; one document at a time is held.
    first_line
        Line of the file on which the text starts.
    limits
        What is too much.
    """
    pieces = [text] if isinstance(text, str) else text
    for line, chunk in _chunks(_without_logs(_lines(pieces), first_line), limits):
        if not isinstance(chunk, str):
            yield chunk
        elif len(chunk) > limits.document_bytes:
            words = f"is larger than {limits.document_bytes} characters: raise it with --limit document_bytes="
            yield Unreadable(f":{line}", words)
        elif chunk.strip() and not _directives_alone(chunk):
            yield from _document(chunk, line, limits)


def _document(chunk: str, line: int, limits: Limits) -> Iterator[Document | ListEnd | Unreadable]:
    """Yield what stands in the text of one document."""
    if len(chunk) > LARGE and (parts := _split(chunk)):
        yield from _items(*parts, line, limits)
        return
    origin = _HELM_SOURCE.search(chunk)
    content = yield from _loaded(chunk, line, f":{_first_line(chunk, line)}", limits)
    if content is not None:
        yield from opened(Document(content, f":{_first_line(chunk, line)}", origin[1] if origin else ""))


def _loaded(chunk: str, line: int, place: str, limits: Limits) -> Generator[Unreadable, None, Any]:
    """Return the content of one document; yield what is told of it, and nothing else where it cannot be read."""
    if (cleaned := _NOT_TEXT.sub("\ufffd", chunk)) != chunk:
        yield Unreadable(place, REPLACED)
    try:
        if len(chunk) > limits.object_bytes:
            raise yaml.YAMLError(f"is larger than {limits.object_bytes} characters")
        content, repeated = _load(cleaned, LenientLoader, limits)
    except UNREADABLE as error:
        yield Unreadable(f":{line}" if place.startswith(":") and "/" not in place else place, _why(error, chunk, line))
        return None
    if repeated:
        yield Unreadable(place, f"key {repeated[:80]!r} stands there twice: the last one counts")
    return content


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


def _items(
    without: str, items: list[tuple[int, str]], line: int, limits: Limits
) -> Iterator[Document | ListEnd | Unreadable]:
    """Yield the items of a list that was taken apart, and its end."""
    loaded = yield from _loaded(without, line, f":{line}", limits)
    head = loaded if isinstance(loaded, dict) else {}
    for number, (offset, text) in enumerate(items):
        place = f":{line}/items/{number}"
        content = yield from _loaded(text, line + offset, place, limits)
        if content:
            yield Document(content[0] if isinstance(content, list) else content, place, head=head)
    yield ListEnd(head, len(items), f":{line}")


def _chunks(
    lines: Iterator[tuple[int, str] | Logs | Unreadable], limits: Limits
) -> Iterator[tuple[int, str | Logs | Unreadable]]:
    """Yield (line it starts at, text) of the documents of a YAML file, split where `---` stands alone.

    A `---` inside a block scalar is always indented, so that a line which starts with it ends a document. Of a
    document that is too large one part too much is given, and the rest of it is left out.
    """
    start, size = 1, 0
    held: list[str] = []
    for each in lines:
        if isinstance(each, Logs | Unreadable):
            yield 0, each
            continue
        number, line = each
        if not held:
            start = number
        if line.startswith("---") and (len(line) == 3 or line[3] in " \t\r\n"):
            yield start, "".join(held)
            start, held = number, [line[3:].lstrip(" \t") or "\n"]
            size = len(line)
        elif line.startswith("...") and not line[3:].strip():
            yield start, "".join(held)
            held, size = [], 0
        elif size <= limits.document_bytes:
            held.append(line)
            size += len(line)
    yield start, "".join(held)


def _without_logs(lines: Iterator[str], number: int) -> Iterator[tuple[int, str] | Logs | Unreadable]:
    """Yield (number, line) of a text without containers' logs, whose lines may look like objects."""
    end = ""
    for line in lines:
        rest = line
        if not end and line.startswith(_LOG_START) and line.rstrip("\r\n").endswith(_LOG_MARK):
            end, rest = line.rstrip("\r\n").replace(" START ", " END ", 1), ""
            yield number, "---\n"
            yield Logs("")
        elif end:
            _, found, rest = line.partition(end)
            end = "" if found else end
        if not end and rest:
            yield number, rest
        number += line.count("\n")
    if end:
        yield Unreadable(f":{number}", "a container's log has no end")


def _lines(pieces: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a text as YAML counts them: `splitlines` would also break at form feeds."""
    rest = ""
    for piece in pieces:
        text = rest + piece
        whole_lines = text.rfind("\n") + 1
        yield from _LINE.findall(text[:whole_lines])
        rest = text[whole_lines:]
        if len(rest) > LARGE:
            yield rest
            rest = ""
    if rest:
        yield rest


def _directives_alone(chunk: str) -> bool:
    """Tell whether a text is only what may stand before the first `---`: `%YAML 1.2` and comments."""
    lines = [line for line in chunk.splitlines() if line.strip() and not line.startswith("#")]
    return bool(lines) and all(line.startswith("%") for line in lines)


def _refuse_what_unfolds(chunk: str, limits: Limits) -> None:
    """Refuse a document that is nested too deeply, or whose aliases unfold to too much or to themselves.

    Most documents have neither brackets by the thousand nor aliases and are not looked at.

    Raises
    ------
    yaml.YAMLError
        It is one of those, or it is no YAML.
    """
    indented = " " * min(limits.depth // 2, 100)
    steep = _brackets(chunk) > SAFE_BRACKETS or indented in chunk or _COMPACT.search(chunk)
    if not steep and len(chunk) <= LARGE and not _ALIAS.search(chunk):
        return
    sizes: dict[str, int] = {}
    open_nodes: list[tuple[str | None, int]] = []
    total = aliases = 0
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
            total, aliases = total + sizes.get(str(event.anchor), 1), aliases + 1
        elif isinstance(event, yaml.ScalarEvent):
            size = 1 + len(event.value) // 100
            total += size
            sizes.update({event.anchor: size} if event.anchor else {})
        if len(open_nodes) > limits.depth:
            raise _problem(f"nested more than {limits.depth} levels deep", event)
        if total > limits.values:
            raise _problem(f"holds or unfolds to more than {limits.values} values", event)
        if aliases > limits.aliases:
            raise _problem(f"has more than {limits.aliases} aliases", event)


def _brackets(chunk: str) -> int:
    return chunk.count("[") + chunk.count("{")


def load_document(chunk: str, loader: type[Loader], limits: Limits = DEFAULT_LIMITS) -> Any:
    """Return the content of one document that is safe to walk through.

    Raises
    ------
    yaml.YAMLError or ValueError
        It is no YAML, or beyond a limit.
    """
    return _load(chunk, loader, limits)[0]


def _load(chunk: str, loader: type[Loader], limits: Limits) -> tuple[Any, str]:
    """Return the content of one document, and a key that stands twice in one of its maps."""
    _refuse_what_unfolds(chunk, limits)
    reader = loader(chunk)
    try:
        content = reader.get_single_data()
    finally:
        reader.dispose()
    if (_brackets(chunk) > limits.depth or limits.depth < _UNINDENTED) and not is_shallow(content, limits.depth):
        raise yaml.YAMLError(f"nested more than {limits.depth} levels deep")
    refuse_long_texts(content, len(chunk), limits)
    return content, reader.repeated


def _first_line(chunk: str, line: int) -> int:
    """Return the line of the first thing in a document that is neither blank nor a comment."""
    for offset, content in enumerate(chunk.splitlines()):
        if content.strip() and not content.lstrip().startswith("#"):
            return line + offset
    return line


def _why(error: Exception, chunk: str, line: int) -> str:
    if "{{" in chunk and "}}" in chunk[chunk.index("{{") :]:
        return "is a template that was not rendered"
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        words = " ".join(str(error.problem or error.context).split())[:200]
        return f"not YAML at line {error.problem_mark.line + line}: {words}"
    plain = type(error) is yaml.YAMLError or isinstance(error, UnfitError)
    return f"not YAML: {error}" if plain else f"not YAML: {type(error).__name__}"
