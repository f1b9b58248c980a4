"""YAML that is short and still readable: what fits on a line stands on one."""

from __future__ import annotations

from typing import Any

import yaml

LINE = 165


class Dumper(yaml.CSafeDumper):
    """Writes mappings and lists in flow style where they are short, and every object in full."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the signature is PyYAML's
        """Never write an alias: typed lists have none."""
        return True

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = True) -> yaml.MappingNode:
        """Represent a mapping, on one line where it is short."""
        node = super().represent_mapping(tag, mapping, flow_style)
        node.flow_style = length(node) <= LINE
        return node

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = True) -> yaml.SequenceNode:
        """Represent a list, on one line where it is short."""
        node = super().represent_sequence(tag, sequence, flow_style)
        node.flow_style = length(node) <= LINE
        return node


def length(node: yaml.Node) -> int:
    """Return about how long a node is on one line; a block below it is longer than any line."""
    if not isinstance(node, yaml.CollectionNode):
        return len(node.value) + 2
    if not node.value:
        return 2
    if node.flow_style is False:
        return LINE + 1
    parts = [part for pair in node.value for part in (pair if isinstance(pair, tuple) else (pair,))]
    return sum(length(part) for part in parts) + 2


def readable(content: dict[str, Any]) -> str:
    """Return the content as YAML, keys in alphabetical order as the API's own tools write them."""
    return yaml.dump(content, Dumper=Dumper, width=240, allow_unicode=True)
