"""What the catalogue holds: topics, citations of the rule, and controls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hipaa_kit.errors import InputError


class CatalogueError(InputError):
    """The catalogue says something that cannot be right."""


@dataclass(frozen=True)
class Topic:
    """One topic: its number and name are those of its notebook, and its checks' module."""

    number: str
    topic: str
    title: str
    article: str
    centre: str

    @property
    def notebook(self) -> str:
        """File name of its notebook."""
        return f"{self.number}_{self.topic}.ipynb"


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
    """One control: what is asked, of which law, how bad a failure is, and what mends it.

    `nprm` names a paragraph of the proposed rule of 2025, whose numbers mean other things than the same
    numbers in force: it is text to print, never a citation to look up.
    """

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
class ScannerCheck:
    """One check of another scanner, and the control of ours that it stands beside.

    `relation` is one of `vocabulary.MAPPING_RELATIONS`; `differs` says what the check asks otherwise, and `source`
    is the public page that says what it asks.
    """

    tool: str
    check: str
    control: str
    relation: str
    differs: str
    source: str


@dataclass(frozen=True)
class Lifecycle:
    """Until when one line of releases of a product gets fixes, and when that was looked up.

    `eol_on` is the last day of fixes; none means that no end was announced by `checked_on`.
    """

    product: str
    cycle: str
    eol_on: str
    checked_on: str
    source: str


@dataclass(frozen=True)
class ArticleSentence:
    """One sentence of the source article, in words of our own, and what of the kit answers it.

    `answered_by` is `check`, `record` (people alone can say it), `limit` (the kit does not), or `background` (it asks
    for nothing).
    """

    number: str
    part: str
    says: str
    answered_by: str
    controls: tuple[str, ...]
    words: str


@dataclass(frozen=True)
class Catalogue:
    """All topics, citations, controls and lines of releases, in the order of the notebooks and of the rule."""

    all_topics: tuple[Topic, ...]
    citations: tuple[Citation, ...]
    controls: tuple[Control, ...]
    digest: str
    lifecycles: tuple[Lifecycle, ...] = ()
    _topics: Mapping[str, Topic] = field(init=False, repr=False, compare=False)
    _citations: Mapping[str, Citation] = field(init=False, repr=False, compare=False)
    _controls: Mapping[str, Control] = field(init=False, repr=False, compare=False)
    _serving: Mapping[str, list[Control]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        serving: dict[str, list[Control]] = {}
        for control in self.controls:
            for mapping in control.mappings:
                serving.setdefault(mapping.citation, []).append(control)
        object.__setattr__(self, "_topics", {topic.topic: topic for topic in self.all_topics})
        object.__setattr__(self, "_citations", {citation.citation: citation for citation in self.citations})
        object.__setattr__(self, "_controls", {control.id: control for control in self.controls})
        object.__setattr__(self, "_serving", serving)

    def citation(self, citation: str) -> Citation:
        """Return a citation by its paragraph, or raise CatalogueError."""
        if citation not in self._citations:
            raise CatalogueError(f"there is no citation {citation!r}")
        return self._citations[citation]

    def control(self, control: str) -> Control:
        """Return a control by its id, or raise CatalogueError."""
        if control not in self._controls:
            raise CatalogueError(f"there is no control {control!r}", do="hipaa-kit checks lists them")
        return self._controls[control]

    def controls_of(self, citation: str) -> list[Control]:
        """Return the controls that serve a citation, in their order."""
        return list(self._serving.get(citation, ()))

    def topic(self, topic: str) -> Topic:
        """Return a topic by its name, or raise CatalogueError."""
        if topic not in self._topics:
            raise CatalogueError(f"there is no topic {topic!r}", do=f"one of {', '.join(self._topics)}")
        return self._topics[topic]

    def topics(self) -> list[str]:
        """Return the names of the topics that have controls, in order."""
        held = {control.topic for control in self.controls}
        return [topic.topic for topic in self.all_topics if topic.topic in held]

    def notebook(self, topic: str) -> str:
        """Return the file name of a topic's notebook."""
        return self.topic(topic).notebook
