"""Reading one report: fields of any shape, rows of table `scanner_findings`, and what could not be read.

A report is written by a program we do not control, about objects that may hold secrets. So a wrong type
never raises, free text never passes but as a keyed digest, and an entry without check or status is named
in `unreadable` instead of being left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from hipaa_kit.kube.images import Image, full_repository, parse_image
from hipaa_kit.kube.owners import object_id
from hipaa_kit.sources.pseudonyms import is_pseudonym
from hipaa_kit.sources.redaction.texts import is_clean
from hipaa_kit.vocabulary import NOT_EVALUATED

Row = dict[str, Any]

NOTHING: Final[Mapping[str, Any]] = {}
WHOLE_CLUSTER: Final = ""
"""Stands for the object of a row that is about no single one; a tool's module says so, a missing name never does."""

SOME_NODE: Final = object_id("Node", "", "*")
"""A node that the report does not name."""

LONGEST: Final = 300
"""Ids, names and titles are shorter; what is longer is content."""

_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)?", re.ASCII)
_WITHIN: Final = re.compile(r"/(?:report|Results|matches)(?=/|\Z)")
_SEVERITIES: Final = {
    **{word: word for word in ("critical", "high", "medium", "low", "info")},
    # Prowler and PolicyReport write informational and info; Falco's are the levels of syslog.
    "informational": "info",
    "emergency": "critical",
    "alert": "critical",
    "error": "high",
    "warning": "medium",
    "notice": "low",
    "debug": "info",
    "": "",
}


def at(value: Any, *path: str) -> Any:
    """Return what stands at a path, or None."""
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def mapping(value: Any, *path: str) -> Mapping[str, Any]:
    """Return the map at a path, or an empty one."""
    found = at(value, *path)
    return found if isinstance(found, Mapping) else NOTHING


def text(value: Any, *path: str) -> str:
    """Return the text at a path, or none."""
    found = at(value, *path)
    return found if isinstance(found, str) else ""


def number(value: Any, *path: str) -> float | None:
    """Return the number at a path, or None."""
    found = at(value, *path)
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def texts(value: Any, *path: str) -> list[str]:
    """Return the texts of the list at a path."""
    found = at(value, *path)
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def severity(word: str) -> str:
    """Return a severity in our words; `unknown` for one that is not among them."""
    return _SEVERITIES.get(word.strip().lower(), "unknown")


def moment(value: Any) -> str:
    """Return a moment as text: as it is written, or of seconds since 1970; none where it is neither."""
    if isinstance(value, str):
        return value if _MOMENT.fullmatch(value) else ""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        try:
            return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        except (OverflowError, ValueError, OSError):
            return ""
    return ""


def unit_of(position: str) -> str:
    """Return the place of an image in a report from that of anything said of it."""
    return _WITHIN.split(position, maxsplit=1)[0]


class ScannedImage(NamedTuple):
    """An image as a report names it, with its registry; `image_id` is the digest of its configuration."""

    repository: str = ""
    tag: str = ""
    digest: str = ""
    image_id: str = ""

    @classmethod
    def of(cls, *references: str, image_id: str = "") -> ScannedImage:
        """Put together what references to one image say of it."""
        parts = [parse_image(each) for each in references if each]
        first = {name: next((value for part in parts if (value := getattr(part, name))), "") for name in Image._fields}
        repository = full_repository(first["repository"]) if first["repository"] else ""
        return cls(repository, first["tag"], first["digest"], image_id)


class Problem(NamedTuple):
    """One place of a report that could not be read, and why; never the value."""

    position: str
    error: str


@dataclass
class Reading:
    """One report being read.

    Parameters
    ----------
    source, position
        Where the report lies: file or request, and the place in it.
    digest
        Gives a text its keyed digest; see `pseudonyms.Pseudonymizer`.
    problems
        What could not be read so far.
    """

    source: str
    position: str
    digest: Callable[[str], str]
    problems: list[Problem] = field(default_factory=list)

    def problem(self, where: str, error: str) -> None:
        """Take note of a place that cannot be read."""
        self.problems.append(Problem(self.position + where, error))

    def entries(self, holder: Any, key: str, where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield (place, map) of a list of maps under a key; none where the key is absent or null."""
        found = at(holder, key)
        if found is not None:
            yield from self.maps(found, f"{where}/{key}")

    def maps(self, found: Any, where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield (place, map) of a list of maps; take note of whatever is none."""
        if not isinstance(found, list):
            self.problem(where, "is not a list")
            return
        for number, item in enumerate(found):
            if isinstance(item, Mapping):
                yield f"{where}/{number}", item
            else:
                self.problem(f"{where}/{number}", "is not an object")

    def row(
        self,
        where: str,
        *,
        check: Any,
        said: Any,
        outcomes: Mapping[str, str],
        object: str | None,  # noqa: A002 - the kit's word for it
        **columns: Any,
    ) -> Iterator[Row]:
        """Yield the row of one entry, or take note that it has no check, no status or no object.

        Parameters
        ----------
        where
            Place of the entry in the report.
        check, said
            Id of the check and status, as they stand there.
        outcomes
            What a status in small letters comes to; any other is `not_evaluated`, never a pass.
        object
            As `object` below gives it, None where it names nothing.
        columns
            Other columns of the table.
        """
        if not isinstance(check, str) or not check:
            self.problem(where, "names no check")
        elif not isinstance(said, str) or not said:
            self.problem(where, "has no status")
        elif object is None:
            self.problem(where, "names no resource")
        else:
            outcome = outcomes.get(said.strip().lower(), NOT_EVALUATED)
            plain = {name: self.plain(value) if isinstance(value, str) else value for name, value in columns.items()}
            if is_pseudonym(plain.get("title", "")):
                plain["title"] = ""
            yield {
                **plain,
                "check": self.plain(check),
                "object": object,
                "said": self.plain(said),
                "outcome": outcome,
                "source": self.source,
                "position": self.position + where,
            }

    def scan(self, where: str, purpose: str, found: int | None, image: ScannedImage, **columns: Any) -> Row:
        """Return the row of one look at an image, of table `vulnerability_scans` and its like.

        Parameters
        ----------
        where
            Place in the report.
        purpose, found
            What was looked for, and how much of it was found; None where that is not told.
        image
            Image looked at.
        columns
            Other columns of the table.
        """
        values = {**image._asdict(), **columns}
        plain = {name: self.plain(value) if isinstance(value, str) else value for name, value in values.items()}
        place = {"source": self.source, "position": self.position + where}
        return {**plain, "purpose": purpose, "found": found, **place}

    def object(self, kind: str, namespace: str, name: str) -> str | None:
        """Return `Kind/namespace/name` of what a report names; None where it lacks kind or name."""
        return object_id(self.plain(kind), self.plain(namespace), self.plain(name)) if kind and name else None

    def digests(self, *messages: Any) -> str:
        """Return the keyed digests of the texts among messages, joined by spaces."""
        given = [self.digest(message) for message in messages if isinstance(message, str) and message]
        return " ".join(filter(None, given))

    def plain(self, value: str) -> str:
        """Return an id, name or title as it is; the digest of one that is long, spans lines or looks secret."""
        if len(value) <= LONGEST and value.isprintable() and is_clean(value):
            return value
        return self.digest(value)
