"""Taking anything away never makes anything look better (result model, rule 3)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hipaa_kit.assess.facade import Assessment
from hipaa_kit.assess.opening import assessment, open_any
from hipaa_kit.kube import kinds
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.sources.scope import Scope, load_scope
from hipaa_kit.sources.snapshot import Snapshot
from tests.support.snapshots import snapshot_of

DATA = Path(__file__).parent.parent.parent / "data"
CLINIC = DATA / "clinic"
STATUSES = ("refused", "failed", "not_asked", "partial", "unknown")
BETTER = ("pass", "not_applicable")

Key = tuple[str, str]


@cache
def clinic() -> tuple[Snapshot, Scope]:
    return open_any(CLINIC), load_scope(CLINIC / "scope.yaml")


def assessed(snapshot: Snapshot, reads: Kind | None = None) -> tuple[Assessment, dict[Key, tuple[str, str]]]:
    """Return the findings of all checks, or of those alone that read a kind."""
    run = Assessment(snapshot, clinic()[1])
    if reads:
        run.checks = [check for check in run.checks if reads in check.kinds and not check.needs_all_findings]
    findings = run.findings()
    rows = findings[["check", "object", "verdict", "reason"]].itertuples(index=False)
    return run, {(check, name): (verdict, reason) for check, name, verdict, reason in rows}


@cache
def before() -> dict[Key, tuple[str, str]]:
    return assessed(clinic()[0])[1]


def kinds_read() -> list[Kind]:
    run = Assessment(*clinic())
    return sorted({kind for check in run.checks for kind in check.kinds})


def namespaces() -> list[str]:
    return [record.name for record in clinic()[0].records(kinds.NAMESPACE)]


def hold(lost: list[tuple[Kind, str]], status: str, reads: Kind | None = None) -> None:
    """Take kinds out of namespaces and compare findings with what they were."""
    snapshot = clinic()[0]
    for kind, namespace in lost:
        snapshot = snapshot.without(kind, namespace, status=status, error="taken away for the test")
    run, after = assessed(snapshot, reads)
    for (check, name), (verdict, reason) in after.items():
        was = before().get((check, name), ("absent", ""))[0]
        improved = verdict in BETTER and was != verdict
        assert not improved, f"{check} {name}: {was} became {verdict} ({reason}) without {lost}"
        assert verdict != "error", f"{check}: {reason} without {lost}"
    touched = {kind for kind, _ in lost}
    if kinds.CUSTOM_RESOURCE_DEFINITION in touched:
        # Of dumps it says which kinds of policy there may be: without it whatever rests on policies is doubted by the
        # tables themselves. A live server tells its kinds otherwise, so that it does not stand behind these tables.
        touched |= {kinds.NETWORK_POLICY}
    for check in run.checks:
        if not touched.intersection(check.kinds) and "coverage" not in check.tables and not check.judges_findings:
            mine = {key: value for key, value in before().items() if key[0] == check.id}
            assert mine == {key: value for key, value in after.items() if key[0] == check.id}, check.id


@cache
def supported(kind: Kind | None) -> frozenset[str]:
    """Return the citations that the repaired twin supports with all its records, without one kind of object."""
    twin = DATA / "clinic_fixed"
    snapshot = open_any(twin)
    if kind:
        snapshot = snapshot.without(kind, "", status="refused", error="taken away for the test")
    citations = assessment(snapshot, twin / "scope.yaml").tables.citations
    return frozenset(citations.loc[citations["status"] == "supported", "citation"])


@pytest.mark.parametrize("kind", [kinds.NETWORK_POLICY, kinds.DEPLOYMENT, kinds.NAMESPACE], ids=lambda kind: kind.kind)
def test_with_records_a_kind_less_supports_no_citation_more(kind: Kind) -> None:
    assert supported(None)
    assert supported(kind) <= supported(None)


@pytest.mark.parametrize("kind", kinds_read(), ids=lambda kind: kind.kind)
def test_without_a_kind_nothing_gets_better(kind: Kind) -> None:
    """Those that read the kind are held; that no others change is held for whole namespaces and for parts, below."""
    hold([(kind, "")], "refused", kind)


@pytest.mark.parametrize("namespace", namespaces())
def test_without_a_namespace_nothing_gets_better(namespace: str) -> None:
    hold([(kind, namespace) for kind in kinds_read() if kind.namespaced], "refused")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_without_any_part_nothing_gets_better(data: st.DataObject) -> None:
    read = kinds_read()
    places = st.sampled_from(["", *namespaces()])
    lost = data.draw(st.lists(st.tuples(st.sampled_from(read), places), min_size=1, max_size=5, unique=True))
    chosen = [(kind, namespace if kind.namespaced else "") for kind, namespace in lost]
    hold(chosen, data.draw(st.sampled_from(STATUSES)))


def test_a_finding_of_another_namespace_stays_as_it_was() -> None:
    lost = "research"
    snapshot = clinic()[0]
    for kind in kinds_read():
        if kind.namespaced:
            snapshot = snapshot.without(kind, lost, status="refused", error="taken away for the test")
    _, after = assessed(snapshot)
    elsewhere = {c.id for c in Assessment(*clinic()).checks if not c.everywhere and not c.judges_findings}
    kept = {key for key in before() if key[0] in elsewhere and f"/{lost}/" not in key[1] and key[1].split("/")[1]}
    assert len(kept) > 100
    for key in kept:
        assert after[key] == before()[key]


@pytest.mark.parametrize("status", STATUSES)
def test_a_snapshot_that_saw_nothing_passes_nothing(status: str) -> None:
    snapshot = clinic()[0]
    for kind in kinds_read():
        snapshot = snapshot.without(kind, "", status=status, error="taken away for the test")
    _, after = assessed(snapshot)
    # These speak of what no object shows: the scope, stores that it names outside, and citations that only people answer.
    beside = {"HK-PHI-01": {"pass"}, "HK-PHI-06": {"pass"}, "HK-EVL-02": {"not_applicable"}, "HK-EVL-05": {"review"}}
    for (check, name), (verdict, reason) in after.items():
        assert verdict in {"not_assessed"} | beside.get(check, set()), (check, name, verdict, reason)


@pytest.mark.parametrize("layout", ["live", "manifests"])
def test_every_check_takes_tables_without_rows(layout: str) -> None:
    run = Assessment(snapshot_of(layout=layout), clinic()[1])
    findings = run.findings()
    assert set(findings["check"]) == {check.id for check in run.checks}
    assert not (findings["verdict"] == "error").any()
    # These judge what is not an object of the cluster: the scope, coverage, stores outside, records, the files of
    # nodes, the provider's answers, how the API server signs people in, the flags of the control plane.
    beside = {"HK-PHI-01", "HK-PHI-03", "HK-PHI-04", "HK-AVL-07", "HK-NET-01", "HK-BAK-02", "HK-BAK-03", "HK-BAK-14"}
    beside |= {"HK-ACC-18", "HK-ACC-19", "HK-ACC-21", "HK-ACC-22", "HK-ENC-14", "HK-INT-04"}
    beside |= {"HK-PHI-05", "HK-PHI-06", "HK-VUL-06", "HK-VUL-07", "HK-VUL-10"}
    # These ask whether the cluster has anything that watches it at all.
    beside |= {"HK-MON-01", "HK-MON-03", "HK-MON-05", "HK-MON-06", "HK-ALR-01", "HK-ALR-02", "HK-ALR-03", "HK-ALR-04"}
    beside |= {"HK-ALR-07", "HK-AUD-09"}
    # Those that judge findings and signed records: without any there is nothing, or nothing on record.
    beside |= {check.id for check in run.checks if check.judges_findings} | {"HK-EVL-05"}
    needing_inputs = {check.id for check in run.checks if check.inputs} - beside
    assert set(findings.loc[~findings["check"].isin(beside | needing_inputs), "verdict"]) == {"not_applicable"}
    assert set(findings.loc[findings["check"].isin(needing_inputs), "verdict"]) <= {"not_assessed"}
