"""The catalogue says what the rule says, and repeats no mistake of published mappings."""

import csv
import re

import pytest

from hipaa_kit.catalogue import Catalogue, CatalogueError, load_catalogue
from hipaa_kit.catalogue.law import ADDRESSABLE, GENERAL, KIND_OF, REQUIRED, STANDALONE, STANDARDS
from hipaa_kit.catalogue.loading import EXPLAINED, FOLDER

CATALOGUE = load_catalogue()
MAPPINGS = [(control, mapping) for control in CATALOGUE.controls for mapping in control.mappings]


def relation(control: str, citation: str) -> str:
    found = [m.relation for m in CATALOGUE.control(control).mappings if m.citation == citation]
    return found[0] if found else ""


def direct(citation: str) -> set[str]:
    return {control.id for control in CATALOGUE.controls_of(citation) if relation(control.id, citation) == "direct"}


def test_there_are_70_citations_and_no_control_was_lost() -> None:
    assert len(CATALOGUE.citations) == 70
    assert len(CATALOGUE.controls) >= 154


def test_the_rule_has_22_addressable_and_21_required_specifications() -> None:
    kinds = [len(kind) for kind in (ADDRESSABLE, REQUIRED, STANDALONE, STANDARDS, GENERAL)]
    assert kinds == [22, 21, 7, 16, 4]
    assert len(KIND_OF) == sum(kinds) == 70


def test_a_standard_without_specifications_is_mandatory_itself() -> None:
    specifications = ADDRESSABLE | REQUIRED
    for standard in STANDALONE - {"164.316(a)"}:
        # 164.316(a) stands beside (b), which has specifications of its own.
        assert not any(each.startswith(standard) for each in specifications)


@pytest.mark.parametrize(
    ("citation", "kind", "title"),
    [
        # StackRox describes these as training and as the security management process
        ("164.308(a)(1)(ii)(A)", "required", "Risk analysis"),
        ("164.308(a)(1)(ii)(B)", "required", "Risk management"),
        ("164.308(a)(1)(i)", "standard", "Security management process"),
        ("164.308(a)(5)(i)", "standard", "Security awareness and training"),
        # Prowler gives (ii)(C) the title of (ii)(B)
        ("164.308(a)(4)(ii)(B)", "addressable", "Access authorization"),
        ("164.308(a)(4)(ii)(C)", "addressable", "Access establishment and modification"),
        # ComplianceAsCode exchanges these, and calls device and media controls authentication
        ("164.310(a)(2)(i)", "addressable", "Contingency operations"),
        ("164.310(a)(2)(ii)", "addressable", "Facility security plan"),
        ("164.310(d)(1)", "standard", "Device and media controls"),
        ("164.312(d)", "standalone", "Person or entity authentication"),
        # ComplianceAsCode has the first as required and the second as addressable
        ("164.308(a)(3)(ii)(A)", "addressable", "Authorization and/or supervision"),
        ("164.310(b)", "standalone", "Workstation use"),
        # called addressable in the press
        ("164.312(b)", "standalone", "Audit controls"),
        # one word, two citations
        ("164.312(a)(2)(iv)", "addressable", "Encryption and decryption"),
        ("164.312(e)(2)(ii)", "addressable", "Encryption"),
        # one word, three meanings
        ("164.312(a)(2)(ii)", "required", "Emergency access procedure"),
        ("164.308(a)(7)(ii)(C)", "required", "Emergency mode operation plan"),
    ],
)
def test_citations_have_their_own_title_and_kind(citation: str, kind: str, title: str) -> None:
    found = CATALOGUE.citation(citation)
    assert (found.kind, found.title) == (kind, title)


def test_no_citation_lists_a_control_twice() -> None:
    for citation in CATALOGUE.citations:
        ids = [control.id for control in CATALOGUE.controls_of(citation.citation)]
        assert len(ids) == len(set(ids))


def test_emergency_access_is_break_glass_and_not_backups() -> None:
    controls = CATALOGUE.controls_of("164.312(a)(2)(ii)")
    assert [control.id for control in controls] == ["HK-ACC-14", "HK-ACC-26", "HK-LOG-22"]
    served = {mapping.citation for control, mapping in MAPPINGS if control.topic == "backup_recovery"}
    assert "164.308(a)(7)(ii)(A)" in served


@pytest.mark.parametrize(
    "citation",
    [
        *("164.308(b)(1)", "164.308(b)(2)", "164.308(b)(3)", "164.314(a)(1)", "164.314(a)(2)(i)", "164.314(b)(2)"),
        *("164.308(a)(5)(i)", "164.308(a)(5)(ii)(A)", "164.308(a)(2)", "164.308(a)(1)(ii)(C)"),
        *("164.310(a)(1)", "164.310(a)(2)(i)", "164.310(a)(2)(ii)", "164.310(a)(2)(iii)", "164.310(b)", "164.310(c)"),
        *("164.308(a)(3)(i)", "164.308(a)(3)(ii)(A)", "164.308(a)(3)(ii)(B)"),
        *("164.308(a)(7)(i)", "164.308(a)(7)(ii)(C)", "164.316(b)(2)(iii)"),
    ],
)
def test_contracts_training_facilities_and_plans_are_never_decided_by_a_scan(citation: str) -> None:
    assert direct(citation)
    assert all(CATALOGUE.control(control).how != "inspected" for control in direct(citation))


@pytest.mark.parametrize(
    ("controls", "citation", "settled"),
    [
        ("HK-NET-02 HK-NET-04 HK-NET-13", "164.308(a)(4)(ii)(B)", "supporting"),
        ("HK-VUL-01 HK-VUL-02 HK-PHI-03 HK-NET-08 HK-NET-12", "164.308(a)(1)(ii)(A)", "supporting"),
        ("HK-EVL-06", "164.308(a)(1)(ii)(A)", "direct"),
        ("HK-AVL-01 HK-AVL-02 HK-AVL-03 HK-AVL-07", "164.308(a)(7)(ii)(C)", "supporting"),
        ("HK-AVL-01 HK-AVL-02 HK-AVL-03 HK-AVL-07", "164.306(a)", "direct"),
        ("HK-BAK-14", "164.308(a)(7)(ii)(C)", "direct"),
        ("HK-INT-12", "164.316(b)(1)", "direct"),
        ("HK-INT-12", "164.312(c)(1)", ""),
        ("HK-AUD-06", "164.312(b)", "direct"),
        ("HK-AUD-06", "164.312(c)(1)", "supporting"),
        ("HK-INT-02", "164.312(c)(2)", "supporting"),
        ("HK-INT-05 HK-INT-06", "164.312(c)(2)", "direct"),
        ("HK-INT-01 HK-INT-04 HK-INT-08 HK-INT-09", "164.312(c)(1)", "supporting"),
        ("HK-EVL-08", "164.314(a)(2)(i)", ""),
        ("HK-MAN-06", "164.314(a)(2)(i)", "direct"),
        ("HK-BAK-04", "164.316(b)(2)(i)", ""),
        ("HK-BAK-04", "164.308(a)(7)(ii)(A)", "supporting"),
    ],
)
def test_no_control_claims_more_than_it_tests(controls: str, citation: str, settled: str) -> None:
    """The mappings that were settled: docs/decisions/0003-control-mappings.md."""
    assert {relation(control, citation) for control in controls.split()} == {settled}


def test_only_what_is_named_has_no_direct_control() -> None:
    without = {citation.citation for citation in CATALOGUE.citations if not direct(citation.citation)}
    # How to weigh, keeping measures up, policies of authorizing access, and integrity of ePHI, whose direct control is
    # still to come; so are detections of failed log-ins in the audit log, without which a loaded engine shows little.
    assert without == {"164.306(b)", "164.306(e)", "164.308(a)(4)(i)", "164.308(a)(5)(ii)(C)"}


def test_proposed_paragraphs_are_text_and_never_looked_up() -> None:
    cited = {mapping.citation for _, mapping in MAPPINGS}
    assert not any("secondary" in citation or "verify" in citation for citation in cited)
    for control in CATALOGUE.controls:
        assert not control.nprm or control.nprm.startswith("164.3")
    # The proposal reuses numbers: a lookup by one of them would name another paragraph of the rule in force.
    reused = {control.nprm for control in CATALOGUE.controls} & set(KIND_OF)
    assert reused
    assert CATALOGUE.citation("164.312(a)(2)(ii)").title != "separate administrator identities"


def test_six_years_are_documentation_retention_and_not_log_retention() -> None:
    for citation in CATALOGUE.citations:
        assert ("6 years" in citation.title) == (citation.citation == "164.316(b)(2)(i)")
    log_retention = CATALOGUE.control("HK-AUD-05")
    assert "not an explicit rule for logs" in log_retention.rule["note"]
    # calendar years: 2190 days are one or two leap days short
    assert "2190 days fall short" in log_retention.rule["fail"]


def test_tiers_follow_from_severity_and_how() -> None:
    for control in CATALOGUE.controls:
        assert (control.tier == 3) == (control.how == "attested"), control.id
        assert control.tier != 1 or control.severity in ("critical", "high"), control.id


def test_tier_is_the_word_for_controls_only() -> None:
    texts = [f"{control.sources} {' '.join(control.rule.values())}" for control in CATALOGUE.controls]
    assert not [text for text in texts if re.search(r"criticality tier|\btier \d", text)]


def test_every_mapping_of_a_finished_topic_says_what_it_does_not_prove() -> None:
    explained = [(control, mapping) for control, mapping in MAPPINGS if control.topic in EXPLAINED]
    assert len({control.id for control, _ in explained}) == 111
    for control, mapping in explained:
        assert mapping.does_not_prove.startswith("that "), control.id
        assert not mapping.does_not_prove.endswith("."), control.id


def test_each_topic_is_a_notebook_of_its_number() -> None:
    assert CATALOGUE.notebook("scope_and_inventory") == "00_scope_and_inventory.ipynb"
    assert CATALOGUE.notebook("summary") == "91_summary.ipynb"
    assert [topic.number for topic in CATALOGUE.all_topics] == sorted(topic.number for topic in CATALOGUE.all_topics)
    assert len(CATALOGUE.all_topics) == 18
    assert CATALOGUE.topic("paths_to_ephi").title == "Paths to ePHI"


def test_topics_with_controls_come_in_the_order_of_the_notebooks() -> None:
    assert CATALOGUE.topics()[:2] == ["scope_and_inventory", "availability"]
    assert len(CATALOGUE.topics()) == 13
    assert [control.topic for control in CATALOGUE.controls] == sorted(
        (control.topic for control in CATALOGUE.controls), key=CATALOGUE.topics().index
    )


@pytest.mark.parametrize("lookup", [Catalogue.citation, Catalogue.control, Catalogue.topic, Catalogue.notebook])
def test_what_is_not_there_is_an_error_that_names_it(lookup: object) -> None:
    with pytest.raises(CatalogueError, match=r"HK-NON-01"):
        lookup(CATALOGUE, "HK-NON-01")  # type: ignore[operator]


def test_a_citation_that_no_control_serves_has_none() -> None:
    assert CATALOGUE.controls_of("164.306(b)") == []


def test_the_order_of_the_file_is_the_order_of_the_rule() -> None:
    with (FOLDER / "citations.csv").open(encoding="utf-8", newline="") as file:
        assert [row["citation"] for row in csv.DictReader(file)] == [c.citation for c in CATALOGUE.citations]
