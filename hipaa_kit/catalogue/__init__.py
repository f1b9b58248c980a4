"""Law and controls as data, and the only place for them.

`citations.csv` holds the 70 citations of the Security Rule that the kit speaks of, `controls/` one
file of controls per topic. Both are validated as they are loaded: a wrong entry is an error that
names it, never a finding that cites the wrong law.
"""

from __future__ import annotations

import csv
import functools
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from hipaa_kit.catalogue.law import KIND_OF
from hipaa_kit.errors import InputError
from hipaa_kit.vocabulary import RELATIONS, SEVERITIES, VERDICTS

FOLDER: Final = Path(__file__).parent

TOPICS: Final = {
    "scope_and_inventory": "00",
    "availability": "01",
    "access_control": "02",
    "encryption": "03",
    "audit_trails": "04",
    "network_isolation": "11",
    "backup_recovery": "12",
    "integrity": "13",
    "monitoring": "14",
    "suspicious_activity": "15",
    "vulnerabilities": "16",
    "review": "17",
    "attestations": "20",
}
"""Topics that have controls, in order, with the number of their notebook."""

CITATION_FIELDS: Final = ("citation", "kind", "title", "source", "nprm_note", "confidence")
CONTROL_FIELDS: Final = frozenset(
    "id topic title citations nprm severity sources rule evidence remediation tier how".split()
)
CONFIDENCES: Final = ("seen", "secondary", "verify")
HOWS: Final = ("inspected", "attested", "both")
TIERS: Final = (1, 2, 3)


class CatalogueError(InputError):
    """The catalogue says something that cannot be right."""


@dataclass(frozen=True)
class Citation:
    """One paragraph of 45 CFR 164.306 to 164.316."""

    citation: str
    kind: str
    title: str
    source: str
    nprm_note: str
    confidence: str


@dataclass(frozen=True)
class CitationMapping:
    """One citation that one control serves, and what the control does not prove of it."""

    citation: str
    relation: str
    does_not_prove: str


@dataclass(frozen=True)
class Control:
    """One control: what is asked, of which law, how bad a failure is, and what mends it."""

    id: str
    topic: str
    title: str
    mappings: tuple[CitationMapping, ...]
    nprm: str
    severity: str
    sources: str
    rule: Mapping[str, str]
    evidence: tuple[str, ...]
    remediation: str
    tier: int
    how: str


@dataclass(frozen=True)
class Catalogue:
    """All citations and controls, in the order of the rule and of the topics."""

    citations: tuple[Citation, ...]
    controls: tuple[Control, ...]
    digest: str
    _citations: Mapping[str, Citation] = field(repr=False)
    _controls: Mapping[str, Control] = field(repr=False)
    _serving: Mapping[str, list[Control]] = field(repr=False)

    def citation(self, citation: str) -> Citation:
        """Return a citation by its paragraph, or raise CatalogueError."""
        if citation not in self._citations:
            raise CatalogueError(f"there is no citation {citation!r}")
        return self._citations[citation]

    def control(self, control: str) -> Control:
        """Return a control by its id, or raise CatalogueError."""
        if control not in self._controls:
            raise CatalogueError(f"there is no control {control!r}")
        return self._controls[control]

    def controls_of(self, citation: str) -> list[Control]:
        """Return the controls that serve a citation, in their order."""
        return self._serving.get(citation, [])

    def topics(self) -> list[str]:
        """Return the topics that have controls, in order."""
        return list(TOPICS)

    def notebook(self, topic: str) -> str:
        """Return the file name of a topic's notebook."""
        return f"{TOPICS[topic]}_{topic}.ipynb"


@functools.cache
def load_catalogue(folder: Path = FOLDER) -> Catalogue:
    """Load the catalogue and validate it.

    Parameters
    ----------
    folder
        Folder with `citations.csv` and `controls/`; the kit's own by default.

    Raises
    ------
    CatalogueError
        Something in it cannot be right; names file, entry and what to do.
    """
    citations = _citations(folder / "citations.csv")
    known = {citation.citation: citation for citation in citations}
    controls = [c for topic in TOPICS for c in _controls(folder / "controls" / f"{topic}.json", topic, known)]
    _once((control.id for control in controls), "control", str(folder / "controls"))
    serving: dict[str, list[Control]] = {}
    for control in controls:
        for mapping in control.mappings:
            serving.setdefault(mapping.citation, []).append(control)
    return Catalogue(
        citations=tuple(citations),
        controls=tuple(controls),
        digest=_digest(folder),
        _citations=known,
        _controls={control.id: control for control in controls},
        _serving=serving,
    )


def _citations(path: Path) -> list[Citation]:
    where = path.name
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    citations = []
    for number, row in enumerate(rows, 2):
        line = f"{where}:{number}"
        if set(row) != set(CITATION_FIELDS) or None in row.values():
            raise CatalogueError(f"has not the columns {', '.join(CITATION_FIELDS)}", line)
        citation = Citation(**{name: row[name] for name in CITATION_FIELDS})
        if citation.citation not in KIND_OF:
            raise CatalogueError(
                f"{citation.citation!r} is no paragraph of the Security Rule", line, "see catalogue/law.py"
            )
        if citation.kind != KIND_OF[citation.citation]:
            raise CatalogueError(
                f"{citation.citation} is {KIND_OF[citation.citation]}, not {citation.kind!r}",
                line,
                "see catalogue/law.py",
            )
        if not citation.title or citation.confidence not in CONFIDENCES:
            raise CatalogueError(f"{citation.citation} lacks a title or a known confidence", line)
        citations.append(citation)
    _once((citation.citation for citation in citations), "citation", where)
    if missing := sorted(KIND_OF.keys() - {citation.citation for citation in citations}):
        raise CatalogueError(f"lacks {', '.join(missing)}", where)
    return citations


def _controls(path: Path, topic: str, citations: Mapping[str, Citation]) -> list[Control]:
    where = f"controls/{path.name}"
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CatalogueError(f"cannot be read: {error}", where) from None
    if not isinstance(entries, list):
        raise CatalogueError("is not a list of controls", where)
    return [_control(entry, topic, where, citations) for entry in entries]


def _control(entry: Any, topic: str, where: str, citations: Mapping[str, Citation]) -> Control:
    if not isinstance(entry, dict) or not isinstance(entry.get("id"), str):
        raise CatalogueError("an entry has no id", where)
    at = f"{where} {entry['id']}"
    if entry.keys() != CONTROL_FIELDS:
        odd = sorted(entry.keys() ^ CONTROL_FIELDS)
        raise CatalogueError(f"has missing or unknown fields {', '.join(odd)}", at)
    for name, allowed in (("topic", (topic,)), ("severity", SEVERITIES), ("tier", TIERS), ("how", HOWS)):
        if entry[name] not in allowed:
            raise CatalogueError(f"{name} is {entry[name]!r}", at, f"one of {', '.join(map(str, allowed))}")
    if not entry["rule"] or (strange := sorted(entry["rule"].keys() - {*VERDICTS, "note"})):
        raise CatalogueError(
            f"rule speaks of {', '.join(strange) if entry['rule'] else 'nothing'}", at, "name verdicts"
        )
    if not entry["title"] or not entry["remediation"]:
        raise CatalogueError("has no title or no remediation", at)
    return Control(
        id=entry["id"],
        topic=topic,
        title=entry["title"],
        mappings=_mappings(entry["citations"], at, citations),
        nprm=entry["nprm"] or "",
        severity=entry["severity"],
        sources=entry["sources"],
        rule=dict(entry["rule"]),
        evidence=tuple(entry["evidence"]),
        remediation=entry["remediation"],
        tier=entry["tier"],
        how=entry["how"],
    )


def _mappings(entries: Any, at: str, citations: Mapping[str, Citation]) -> tuple[CitationMapping, ...]:
    if not isinstance(entries, list) or not entries:
        raise CatalogueError("serves no citation", at, "name at least one")
    for entry in entries:
        if entry.get("citation") not in citations:
            raise CatalogueError(
                f"names the unknown citation {entry.get('citation')!r}", at, "citations in force stand in citations.csv"
            )
        if entry.get("relation") not in RELATIONS:
            raise CatalogueError(f"relation is {entry.get('relation')!r}", at, f"one of {', '.join(RELATIONS)}")
    _once((entry["citation"] for entry in entries), "citation", at)
    return tuple(
        CitationMapping(entry["citation"], entry["relation"], entry.get("does_not_prove", "")) for entry in entries
    )


def _once(names: Iterable[str], what: str, where: str) -> None:
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise CatalogueError(f"{what} {twice[0]} stands there twice", where, "remove one")


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in [folder / "citations.csv", *sorted((folder / "controls").glob("*.json"))]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return digest.hexdigest()
