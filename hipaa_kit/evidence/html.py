"""Executed notebooks as pages: no script, nothing from outside, readable in print for years.

nbconvert's own templates load scripts from the network; the kit's template starts from the empty
one. Outputs are cleaned, because names in a cluster may hold HTML.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from hipaa_kit.errors import OutputError

TEMPLATES = Path(__file__).parent / "templates"

TAGS = frozenset(
    "b br caption code col colgroup details div em h3 h4 h5 h6 i li ol p pre small span strong sub summary sup "
    "table tbody td tfoot th thead tr ul".split()
)
ATTRIBUTES = {"td": ["colspan", "rowspan"], "th": ["colspan", "rowspan", "scope"]}
"""What an output may hold: no links, no pictures of its own, no styles."""

REFERENCES = ("src", "href", "action", "formaction", "data", "poster", "srcset", "background", "xlink:href", "ping")
FORBIDDEN_TAGS = ("script", "iframe", "object", "embed", "base", "form", "link")
_CSS_REFERENCE = re.compile(r"url\s*\(\s*['\"]?\s*(?!data:)([^)'\"]*)|@import", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def render_notebook_html(notebook: Any, title: str) -> str:
    """Return an executed notebook as one page, without its code.

    Parameters
    ----------
    notebook
        Notebook node in canonical form.
    title
        Title of the page.
    """
    from nbconvert.exporters import HTMLExporter

    exporter = HTMLExporter(
        template_name="hipaa",
        extra_template_basedirs=[str(TEMPLATES)],
        exclude_input=True,
        filters={"cleaned": cleaned},
    )
    page, _ = exporter.from_notebook_node(notebook, resources={"metadata": {"name": title}})
    return str(page)


def cleaned(html: str) -> str:
    """Return the HTML of an output with nothing in it but tables and words.

    Tables are escaped where they are made; this holds for outputs of any origin.
    """
    import bleach

    return str(bleach.clean(html, tags=TAGS, attributes=ATTRIBUTES, strip=True))


def assert_self_contained(page: str) -> None:
    """Refuse a page that would run something or ask for anything outside the bundle.

    Raises
    ------
    OutputError
        Names the first element that does.
    """
    reader = _References()
    reader.feed(page)
    reader.close()
    if reader.problems:
        raise OutputError(f"is not self-contained: {reader.problems[0]}", "page", "this is a defect of the kit")


class _References(HTMLParser):
    """Collects what a page runs or refers to outside of itself."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.problems: list[str] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at one element."""
        self._in_style = tag == "style"
        if tag in FORBIDDEN_TAGS:
            self.problems.append(f"<{tag}>")
        for name, value in attrs:
            self._attribute(tag, name.lower(), value or "")

    def handle_data(self, data: str) -> None:
        """Look at the text of a style element."""
        if self._in_style and _CSS_REFERENCE.search(data):
            self.problems.append("a style that loads something")

    def handle_endtag(self, tag: str) -> None:
        """Leave a style element."""
        self._in_style = self._in_style and tag != "style"

    def _attribute(self, tag: str, name: str, value: str) -> None:
        if name.startswith("on"):
            self.problems.append(f"<{tag} {name}>")
        if name == "style" and _CSS_REFERENCE.search(value):
            self.problems.append(f"<{tag} style> that loads something")
        if name == "http-equiv" and value.lower() == "refresh":
            self.problems.append(f"<{tag} http-equiv=refresh>")
        if name in REFERENCES and self._outside(tag, name, value.strip()):
            self.problems.append(f"<{tag} {name}={value[:60]!r}>")

    @staticmethod
    def _outside(tag: str, name: str, value: str) -> bool:
        if value.startswith("//"):
            return True
        scheme = _SCHEME.match(value)
        return scheme is not None and not (tag == "img" and name == "src" and value.startswith("data:image/"))
