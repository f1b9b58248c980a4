"""Alerts of Falco, one JSON object a line (`json_output: true`).

Source: https://falco.org/docs/concepts/outputs/formatting/ and https://falco.org/docs/reference/rules/supported-fields/.
An alert says what a rule saw happen at one moment; that there is none says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from hipaa_kit.sources.reports.rows import SOME_NODE, Reading, Row, at, mapping, moment, severity, text
from hipaa_kit.vocabulary import FAILED_THERE

TOOL: Final = "falco"
OUTCOMES: Final = {"alert": FAILED_THERE}


def recognise(document: Any) -> bool:
    """Tell whether a document is one alert of Falco."""
    return (
        isinstance(document, Mapping)
        and all(isinstance(document.get(key), str) for key in ("rule", "priority", "time"))
        and ("output" in document or "output_fields" in document)
    )


def read(document: Any, reading: Reading) -> Iterator[Row]:
    """Yield the row of an alert. `output` and most of `output_fields` hold command lines: a digest alone passes."""
    fields = mapping(document, "output_fields")
    pod = reading.object("Pod", text(fields, "k8s.ns.name"), text(fields, "k8s.pod.name"))
    yield from reading.row(
        "",
        check=at(document, "rule"),
        said="alert",
        outcomes=OUTCOMES,
        tool=TOOL,
        reported_at=moment(at(document, "time")),
        object=pod or reading.object("Node", "", text(document, "hostname")) or SOME_NODE,
        part=text(fields, "container.name"),
        severity=severity(text(document, "priority")),
        message_digest=reading.digests(at(document, "output")),
        image=_image(fields),
    )


def _image(fields: Mapping[str, Any]) -> str:
    repository, tag, digest = (text(fields, f"container.image.{key}") for key in ("repository", "tag", "digest"))
    if not repository:
        return ""
    return repository + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
