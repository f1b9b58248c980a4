"""Mistakes of published mappings, told as data: none of them is made here.

A scanner that tests a citation with something else makes it look supported. Each row below is a citation, the predicate
that was used for it somewhere, and how that kind of test may serve the citation here: not at all, or in support.
"""

from __future__ import annotations

import pytest

from hipaa_kit.catalogue import Control, load_catalogue
from hipaa_kit.catalogue.article import load_article

CATALOGUE = load_catalogue()
PROVES_LITTLE = [
    # citation, topics of the predicate that was used, relation it may have here at most
    ("164.310(a)(1)", {"vulnerabilities", "network_isolation", "monitoring"}, ""),
    ("164.310(d)(1)", {"vulnerabilities", "network_isolation", "monitoring"}, ""),
    ("164.308(a)(7)(ii)(E)", {"vulnerabilities"}, ""),
    ("164.316(b)(2)(iii)", {"vulnerabilities"}, ""),
    ("164.308(a)(3)(ii)(A)", {"monitoring", "network_isolation"}, ""),
    ("164.308(a)(3)(ii)(B)", {"monitoring", "network_isolation", "access_control"}, ""),
    ("164.308(a)(4)(ii)(B)", {"network_isolation"}, "supporting"),
    ("164.312(c)(1)", {"network_isolation"}, ""),
    ("164.312(a)(2)(ii)", {"backup_recovery"}, ""),
    ("164.308(b)(1)", {"availability", "integrity", "access_control"}, "supporting"),
    ("164.308(a)(7)(ii)(A)", {"access_control", "network_isolation"}, ""),
]


def relations(citation: str, topics: set[str]) -> set[str]:
    return {
        mapping.relation
        for control in CATALOGUE.controls_of(citation)
        for mapping in control.mappings
        if mapping.citation == citation and control.topic in topics
    }


def direct(citation: str) -> list[Control]:
    return [
        control
        for control in CATALOGUE.controls_of(citation)
        if any(m.citation == citation and m.relation == "direct" for m in control.mappings)
    ]


@pytest.mark.parametrize(("citation", "topics", "most"), PROVES_LITTLE)
def test_a_citation_is_not_tested_by_something_else(citation: str, topics: set[str], most: str) -> None:
    assert relations(citation, topics) <= {most} - {""}


def test_transmission_security_looks_at_transmission_and_not_at_segments_alone() -> None:
    assert "encryption" in {control.topic for control in direct("164.312(e)(1)")}


def test_encryption_at_rest_and_in_transit_are_never_merged() -> None:
    at_rest, in_transit = ({c.id for c in direct(each)} for each in ("164.312(a)(2)(iv)", "164.312(e)(2)(ii)"))
    assert at_rest - in_transit
    assert in_transit - at_rest
    # A filer keeps data and is reached over the network: one question, and both citations.
    assert at_rest & in_transit == {"HK-ENC-05"}


@pytest.mark.parametrize("citation", [c.citation for c in CATALOGUE.citations if c.citation.startswith("164.310")])
def test_physical_safeguards_are_not_decided_by_a_scan(citation: str) -> None:
    scanned = [control.id for control in direct(citation) if control.how == "inspected"]
    # Copies and volumes are media that a cluster does show.
    assert citation in ("164.310(d)(2)(i)", "164.310(d)(2)(iv)") or not scanned


def test_ids_titles_and_citations_come_from_one_row() -> None:
    titles = [citation.title for citation in CATALOGUE.citations]
    assert all(titles)
    assert CATALOGUE.citation("164.308(a)(4)(ii)(C)").title == "Access establishment and modification"
    assert CATALOGUE.citation("164.308(a)(4)(ii)(B)").title == "Access authorization"


def test_an_independent_assessment_informs_and_is_no_evaluation_of_the_entitys_own() -> None:
    assert {m.relation for m in CATALOGUE.control("HK-EVL-10").mappings} == {"supporting"}


def test_every_sentence_of_the_article_has_an_answer() -> None:
    sentences = load_article()
    assert [each.number for each in sentences] == [str(number) for number in range(1, len(sentences) + 1)]
    assert len({each.part for each in sentences}) == 15
    for each in sentences:
        assert each.controls or each.words, each.says
        attested = {CATALOGUE.control(name).how for name in each.controls}
        assert each.answered_by != "record" or attested & {"attested", "both"}, each.says
