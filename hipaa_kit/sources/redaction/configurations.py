"""Configuration of other programs in Secrets and ConfigMaps: read at the door for a typed fact, then gone."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from hipaa_kit.kube.facts import ALERTMANAGER_FILES, falco_settings
from hipaa_kit.kube.log_pipelines import log_pipeline
from hipaa_kit.kube.monitoring.routes import Form, own_form
from hipaa_kit.sources.documents import Document, whole_documents

LARGEST: Final = 2**20
"""Texts beyond this are not read: no Secret or ConfigMap is larger, and one that is packed may be much larger."""

FALCO_FILE: Final = "falco.yaml"
PIPELINE_MARKS: Final = ("[INPUT]", "pipeline:", "sources:", "scrape_configs:")
"""What stands in a configuration of a log agent: without it a text is not read as one."""

DOCUMENTS: Final = (".yaml", ".yml", ".json")


def alert_routes(kind: Any, data: Any, name: Callable[[str], str]) -> Iterator[tuple[str, Form]]:
    """Yield (entry, form) of the configurations of Alertmanager in the data of a Secret or ConfigMap.

    Parameters
    ----------
    kind
        `Secret`, whose `data` are in base64, or `ConfigMap`; of `stringData` the word `text`.
    data
        As written.
    name
        Gives the name of a receiver, or what stands for it.
    """
    for entry, value in data.items() if isinstance(data, Mapping) else ():
        if entry in ALERTMANAGER_FILES and isinstance(value, str):
            text = _text(value, kind == "Secret", entry.endswith(".gz"))
            if (form := own_form(_document(text), name)) is not None:
                yield entry, form


def settings_of_falco(data: Any) -> dict[str, Any] | None:
    """Return what the configuration of Falco in a ConfigMap loads; None where it holds none."""
    written = data.get(FALCO_FILE) if isinstance(data, Mapping) else None
    return falco_settings(_document(written)) if isinstance(written, str) else None


def settings_of_log_agent(data: Any) -> dict[str, Any] | None:
    """Return what the configuration of a log agent in a ConfigMap reads and sends; None where it holds none."""
    held = data if isinstance(data, Mapping) else {}
    texts = {str(entry): value for entry, value in held.items() if isinstance(value, str) and len(value) <= LARGEST}
    if not any(mark in value for value in texts.values() for mark in PIPELINE_MARKS):
        return None
    written = {entry: value for entry, value in texts.items() if entry.endswith(DOCUMENTS)}
    return log_pipeline(texts, {entry: _document(value) for entry, value in written.items()})


def _text(value: str, encoded: bool, packed: bool) -> str:
    """Return the text of an entry, "" where it is none."""
    if not encoded:
        return "" if packed else value
    try:
        raw = base64.b64decode(value, validate=False)
        if packed:
            raw = zlib.decompressobj(wbits=31).decompress(raw, LARGEST + 1)
        return raw.decode("utf-8")
    except (binascii.Error, zlib.error, UnicodeDecodeError):
        return ""


def _document(text: str) -> Any:
    """Return the one document of a text; None where there are none or several, or where it cannot be read."""
    if not text.strip() or len(text) > LARGEST:
        return None
    pieces = list(whole_documents(text))
    return pieces[0].content if len(pieces) == 1 and isinstance(pieces[0], Document) else None
