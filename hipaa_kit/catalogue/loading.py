"""Reading and validating the files of the catalogue."""

from __future__ import annotations

import csv
import functools
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from hipaa_kit.catalogue.law import KIND_OF
from hipaa_kit.catalogue.model import Catalogue, CatalogueError, Citation, CitationMapping, Control, Lifecycle, Topic
from hipaa_kit.vocabulary import ERROR, RELATIONS, SEVERITIES, VERDICTS

FOLDER: Final = Path(__file__).parent

TOPIC_FIELDS: Final = ("number", "topic", "title", "article", "centre")
CITATION_FIELDS: Final = ("citation", "kind", "title", "source", "nprm_note", "confidence")
CONTROL_FIELDS: Final = frozenset(
    "id topic title citations nprm severity sources rule evidence remediation tier how".split()
)
LIFECYCLE_FIELDS: Final = ("product", "cycle", "eol_on", "checked_on", "source")
MAPPING_FIELDS: Final = frozenset(["citation", "relation", "does_not_prove"])
CONFIDENCES: Final = ("seen", "secondary", "verify")
HOWS: Final = ("inspected", "attested", "both")
TIERS: Final = (1, 2, 3)
OUTCOMES: Final = frozenset(VERDICTS) - {ERROR} | {"note"}
"""What a rule may speak of; a check that breaks is not foreseen by any rule."""

EXPLAINED: Final = frozenset(
    "attestations availability backup_recovery encryption integrity network_isolation review scope_and_inventory "
    "vulnerabilities".split()
)
"""Topics in which every mapping must say what it does not prove; each later topic joins when it is built."""

_DAY: Final = re.compile(r"20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])", re.ASCII)
_ID: Final = re.compile(r"HK-[A-Z]{3}-[0-9]{2}")
_PROPOSED: Final = re.compile(r"\((?:secondary|verify)\)")


@functools.cache
def load_catalogue(folder: Path = FOLDER) -> Catalogue:
    """Load the catalogue and validate it.

    Parameters
    ----------
    folder
        Folder with `topics.csv`, `citations.csv`, `controls/` and, where it has one, `lifecycles.csv`; the kit's own
        by default.

    Raises
    ------
    CatalogueError
        Something in it cannot be right; names file, entry and what to do.
    """
    topics = _topics(folder / "topics.csv")
    citations = _citations(folder / "citations.csv")
    names = [topic.topic for topic in topics]
    controls = [control for path in _control_files(folder, names) for control in _controls(path)]
    once((control.id for control in controls), "control", "controls")
    lifecycles = _lifecycles(folder / "lifecycles.csv")
    digest = _digest(topics, citations, controls, lifecycles)
    return Catalogue(tuple(topics), tuple(citations), tuple(controls), digest, tuple(lifecycles))


def _lifecycles(path: Path) -> list[Lifecycle]:
    """Return the lines of releases; each has the public page it was looked up on, and the day."""
    if not path.is_file():
        return []
    found = []
    for line, row in enumerate(rows(path, LIFECYCLE_FIELDS), 2):
        at, lifecycle = f"{path.name}:{line} {row['product']} {row['cycle']}", Lifecycle(**row)
        if not lifecycle.product or not lifecycle.cycle:
            raise CatalogueError("names no product or no cycle", at, "write both as endoflife.date does")
        if not _DAY.fullmatch(lifecycle.checked_on) or not _DAY.fullmatch(lifecycle.eol_on or lifecycle.checked_on):
            raise CatalogueError("has a day that is none", at, "write days as 2026-11-20; eol_on may be empty")
        if not lifecycle.source.startswith("https://"):
            raise CatalogueError("has no source", at, "name the public page that says it")
        found.append(lifecycle)
    once((f"{each.product} {each.cycle}" for each in found), "line of releases", path.name)
    return found


def _topics(path: Path) -> list[Topic]:
    topics = [Topic(**row) for row in rows(path, TOPIC_FIELDS)]
    once((topic.topic for topic in topics), "topic", path.name)
    once((topic.number for topic in topics), "number", path.name)
    return topics


def _citations(path: Path) -> list[Citation]:
    citations = []
    for line, row in enumerate(rows(path, CITATION_FIELDS), 2):
        at, citation = f"{path.name}:{line} {row['citation']}", Citation(**row)
        kind = KIND_OF.get(citation.citation)
        if kind is None:
            raise CatalogueError("is no paragraph of the Security Rule", at, "see catalogue/law.py")
        if citation.kind != kind:
            raise CatalogueError(f"kind is {citation.kind!r} but the rule says {kind}", at, "see catalogue/law.py")
        if citation.confidence not in CONFIDENCES:
            raise CatalogueError(f"confidence is {citation.confidence!r}", at, f"one of {', '.join(CONFIDENCES)}")
        if not citation.title or not citation.source:
            raise CatalogueError("has no title or no source", at, "take both from the eCFR")
        citations.append(citation)
    once((citation.citation for citation in citations), "citation", path.name)
    if missing := sorted(KIND_OF.keys() - {citation.citation for citation in citations}):
        raise CatalogueError(f"lacks {', '.join(missing)}", path.name, "see catalogue/law.py")
    return citations


def rows(path: Path, fields: tuple[str, ...]) -> list[dict[str, str]]:
    """Return the rows of a CSV file of the catalogue, or raise CatalogueError where its columns are others."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            columns, found = tuple(reader.fieldnames or ()), list(reader)
    except (OSError, ValueError, csv.Error) as error:
        raise CatalogueError(f"cannot be read: {error}", path.name) from None
    if columns != fields:
        raise CatalogueError("has other columns", path.name, f"they are {','.join(fields)}")
    for line, row in enumerate(found, 2):
        if None in row or None in row.values():
            raise CatalogueError("has too many or too few cells", f"{path.name}:{line}", "quote cells with commas")
    return found


def _control_files(folder: Path, topics: list[str]) -> list[Path]:
    """Return the files of controls in the order of the topics; a topic need not have one."""
    held = {path.stem: path for path in (folder / "controls").glob("*.json")}
    if strange := sorted(held.keys() - set(topics)):
        raise CatalogueError(f"{strange[0]!r} is no topic", f"controls/{strange[0]}.json", "see topics.csv")
    if not held:
        raise CatalogueError("holds no controls", "controls")
    return [held[topic] for topic in topics if topic in held]


def _controls(path: Path) -> list[Control]:
    where = f"controls/{path.name}"
    try:
        entries = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_no_key_twice)
    except (OSError, ValueError) as error:
        raise CatalogueError(f"cannot be read: {error}", where) from None
    if not isinstance(entries, list):
        raise CatalogueError("is not a list of controls", where)
    return [_control(entry, path.stem, where) for entry in entries]


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError(f"a key stands twice in {{{', '.join(key for key, _ in pairs)}}}")
    return found


def _control(entry: Any, topic: str, where: str) -> Control:
    if not isinstance(entry, dict) or not _ID.fullmatch(str(entry.get("id"))):
        raise CatalogueError("an entry has no id", where, "ids are written HK-ABC-01")
    at = f"{where} {entry['id']}"
    if odd := sorted(entry.keys() ^ CONTROL_FIELDS):
        raise CatalogueError(f"has missing or unknown fields {', '.join(odd)}", at, "every field stands in every entry")
    for name, allowed in (("topic", (topic,)), ("severity", SEVERITIES), ("tier", TIERS), ("how", HOWS)):
        if entry[name] not in allowed or isinstance(entry[name], bool):
            raise CatalogueError(f"{name} is {entry[name]!r}", at, f"one of {', '.join(map(str, allowed))}")
    for name in ("title", "sources", "remediation"):
        _text(entry[name], name, at)
    if entry["nprm"] is not None:
        _text(entry["nprm"], "nprm", at)
    return Control(
        id=entry["id"],
        topic=topic,
        title=entry["title"],
        mappings=_mappings(entry["citations"], topic, at),
        nprm=entry["nprm"] or "",
        severity=entry["severity"],
        sources=entry["sources"],
        rule=_rule(entry["rule"], at),
        evidence=_evidence(entry["evidence"], at),
        remediation=entry["remediation"],
        tier=entry["tier"],
        how=entry["how"],
    )


def _rule(rule: Any, at: str) -> dict[str, str]:
    if not isinstance(rule, dict) or not rule:
        raise CatalogueError("rule speaks of no verdict", at, "say what each verdict needs")
    if strange := sorted(rule.keys() - OUTCOMES):
        raise CatalogueError(f"rule speaks of {', '.join(strange)}", at, f"one of {', '.join(sorted(OUTCOMES))}")
    for verdict, condition in rule.items():
        _text(condition, f"rule of {verdict}", at)
    return rule


def _evidence(columns: Any, at: str) -> tuple[str, ...]:
    if not isinstance(columns, list) or not columns:
        raise CatalogueError("evidence names no column", at, "name what a finding shows")
    for column in columns:
        _text(column, "a column of evidence", at)
    once(columns, "column", at)
    return tuple(columns)


def _mappings(entries: Any, topic: str, at: str) -> tuple[CitationMapping, ...]:
    if not isinstance(entries, list) or not entries:
        raise CatalogueError("serves no citation", at, "name at least one")
    mappings = [_mapping(entry, topic, at) for entry in entries]
    once((mapping.citation for mapping in mappings), "citation", at)
    return tuple(mappings)


def _mapping(entry: Any, topic: str, at: str) -> CitationMapping:
    if not isinstance(entry, dict) or entry.keys() - MAPPING_FIELDS or not isinstance(entry.get("citation"), str):
        raise CatalogueError("has a citation of another shape", at, "write citation, relation, does_not_prove")
    citation, relation, gap = entry["citation"], entry.get("relation"), entry.get("does_not_prove", "")
    if _PROPOSED.search(citation):
        raise CatalogueError(f"cites {citation!r}, which is proposed and not in force", at, "write it into nprm")
    if citation not in KIND_OF:
        raise CatalogueError(f"cites the unknown paragraph {citation!r}", at, "see citations.csv")
    if relation not in RELATIONS:
        raise CatalogueError(f"relation to {citation} is {relation!r}", at, f"one of {', '.join(RELATIONS)}")
    if "does_not_prove" in entry or topic in EXPLAINED:
        _text(gap, f"does_not_prove of {citation}", at)
    return CitationMapping(citation, relation, gap)


def _text(value: Any, name: str, at: str) -> None:
    if not isinstance(value, str) or not value.strip():
        raise CatalogueError(f"{name} is empty or no text", at, "write it")


def once(names: Iterable[str], what: str, where: str) -> None:
    """Raise CatalogueError where a name stands twice."""
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise CatalogueError(f"{what} {twice[0]} stands there twice", where, "remove one")


def _digest(*parts: Sequence[Topic | Citation | Control | Lifecycle]) -> str:
    """Return the digest of what the catalogue says, however its files are laid out."""
    content = [[asdict(entry) for entry in part] for part in parts]
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
