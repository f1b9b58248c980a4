"""Every row of the rules about records: which stand, what they give, and that a verdict never changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hipaa_kit.assess.facade import Assessment
from hipaa_kit.sources.scope import load_scope
from hipaa_kit.sources.signed import Records
from hipaa_kit.sources.snapshot import Snapshot
from tests.support.signed import ATTESTATION, DECISION, REVIEW, WAIVER, changed, records
from tests.support.snapshots import snapshot_of

SCOPE = Path(__file__).parents[1] / "safeguards" / "scope.yaml"
AS_OF = "2026-11-20T02:00:00Z"
FAILING = ("HK-AVL-01", "Deployment/ehr/web")
STORED = ("HK-ENC-04", "PersistentVolumeClaim/ehr/data")

OBJECTS = """
apiVersion: v1
kind: Namespace
metadata: {name: ehr, uid: u1, labels: {hipaa.io/phi: "true"}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: ehr, uid: u2}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: "x:1"}]}}
status: {readyReplicas: 1}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: ehr, uid: u3}
spec:
  replicas: 1
  selector: {matchLabels: {app: api}}
  template: {metadata: {labels: {app: api}}, spec: {containers: [{name: c, image: "x:1"}]}}
status: {readyReplicas: 1}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny-all, namespace: ehr, uid: u4}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
"""


def snapshot(**overrides: str) -> Snapshot:
    return snapshot_of(OBJECTS, overrides={(kind, ""): status for kind, status in overrides.items()})


def run(signed: Records, given: Snapshot | None = None, as_of: str = AS_OF, **options: Any) -> Assessment:
    return Assessment(given or snapshot(), load_scope(SCOPE), records=signed, as_of=as_of, **options)


def state(assessment: Assessment, record: str) -> tuple[str, bool, set[str]]:
    """Return the state of a record, whether it stands, and what is wrong with it."""
    states = assessment.tables.record_states.set_index("record")
    problems = assessment.tables.record_problems
    found = set(problems.loc[problems["record"] == record, "problem"])
    return str(states.loc[record, "state"]), bool(states.loc[record, "stands"]), found


def finding(assessment: Assessment, key: tuple[str, str]) -> dict[str, Any]:
    findings = assessment.findings()
    [row] = findings[(findings["check"] == key[0]) & (findings["object"] == key[1])].to_dict("records")
    return row


WAIVERS: list[tuple[str, dict[str, Any], str, set[str]]] = [
    ("whole", {}, "valid", set()),
    ("last day", {"expires_on": "2026-11-20"}, "valid", set()),
    ("day after", {"expires_on": "2026-11-19"}, "invalid", {"expired"}),
    ("366 days", {"expires_on": "2027-10-02"}, "valid", set()),
    ("367 days", {"expires_on": "2027-10-03"}, "invalid", {"too_long"}),
    ("no end", {"expires_on": ...}, "invalid", {"incomplete"}),
    ("signed tomorrow", {"approved_on": "2026-11-21"}, "invalid", {"not_yet"}),
    ("signed today", {"approved_on": "2026-11-20"}, "valid", set()),
    ("self-approved", {"approver": " LAB-IT@clinic.example "}, "invalid", {"self_approved"}),
    ("no risk", {"risk_ref": ...}, "invalid", {"incomplete"}),
    ("blank risk", {"risk_ref": "  "}, "invalid", {"incomplete"}),
    ("another object", {"match": {"name": "gone"}}, "unused", {"unused"}),
    ("another namespace", {"match": {"namespace": "lab", "name": "web"}}, "unused", {"unused"}),
    ("another cluster", {"match": {"cluster": "prod-*"}}, "unused", {"unused"}),
    ("glob", {"match": {"cluster": "te*", "name": "w?b"}}, "valid", set()),
    ("as many as before", {"match": {"kind": "Deployment"}, "objects_at_approval": 2}, "valid", set()),
    ("over a fifth more", {"match": {"kind": "Deployment"}, "objects_at_approval": 1}, "widened", {"widened"}),
    ("measure there", {"compensating": ["NetworkPolicy/ehr/deny-all", "VLAN 310"]}, "valid", set()),
    ("measure gone", {"compensating": ["NetworkPolicy/ehr/gone"]}, "invalid", {"measure_missing"}),
    ("measure of no kind", {"compensating": ["Unheard/ehr/gone"]}, "unseen", {"measure_unseen"}),
    ("by citation", {"checks": ..., "citation": "164.306(a)"}, "valid", set()),
]


@pytest.mark.parametrize(("fields", "word", "problems"), [row[1:] for row in WAIVERS], ids=[row[0] for row in WAIVERS])
def test_a_waiver(tmp_path: Path, fields: dict[str, Any], word: str, problems: set[str]) -> None:
    assessment = run(records(tmp_path, ("WaiverList", [changed(WAIVER, **fields)])), topics=["availability"])
    stands = word in ("valid", "widened", "unused")
    assert state(assessment, "Waiver//WVR-1") == (word, stands, problems)
    row = finding(assessment, FAILING)
    speaks = word in ("valid", "widened")
    assert row["verdict"] == "fail"
    assert row["disposition"] == ("accepted_risk" if speaks else "")
    assert row["record_valid"] is speaks
    assert row["record"] == ("" if problems & {"unused"} else "Waiver//WVR-1")


@pytest.mark.parametrize(
    ("as_of", "word"), [("2026-09-30T23:59:59Z", "invalid"), ("2026-10-01T00:00:00Z", "valid"), ("2027-04-01T00:00:00Z", "invalid")]
)  # fmt: skip
def test_the_moment_decides(tmp_path: Path, as_of: str, word: str) -> None:
    assessment = run(records(tmp_path, ("WaiverList", [WAIVER])), as_of=as_of, topics=["availability"])
    assert state(assessment, "Waiver//WVR-1")[0] == word


def test_a_fingerprint_names_one_finding(tmp_path: Path) -> None:
    mark = finding(run(records(tmp_path / "a"), topics=["availability"]), FAILING)["fingerprint"]
    waiver = changed(WAIVER, checks=..., match=..., fingerprint=mark)
    assessment = run(records(tmp_path / "b", ("WaiverList", [waiver])), topics=["availability"])
    findings = assessment.findings()
    assert list(findings.loc[findings["disposition"] != "", "object"]) == [FAILING[1]]


def test_a_measure_that_was_not_seen_gives_nothing(tmp_path: Path) -> None:
    waiver = changed(WAIVER, compensating=["NetworkPolicy/ehr/deny-all"])
    signed = records(tmp_path, ("WaiverList", [waiver]))
    hidden = snapshot_of(
        OBJECTS.rpartition("---")[0], overrides={("networking.k8s.io", "NetworkPolicy", ""): "refused"}
    )
    assessment = run(signed, hidden, topics=["availability"])
    assert state(assessment, "Waiver//WVR-1") == ("unseen", False, {"measure_unseen"})
    assert finding(assessment, FAILING)["disposition"] == ""


def test_what_was_not_seen_is_not_unused(tmp_path: Path) -> None:
    signed = records(tmp_path, ("WaiverList", [changed(WAIVER, match={"name": "gone"})]))
    blind = snapshot_of(OBJECTS, overrides={("apps", "Deployment", ""): "partial"})
    assert state(run(signed, blind, topics=["availability"]), "Waiver//WVR-1") == ("unseen", True, {"unseen"})


def test_what_no_check_of_the_run_asks_for_is_not_unused(tmp_path: Path) -> None:
    signed = records(tmp_path, ("WaiverList", [changed(WAIVER, checks=["HK-NET-03"])]))
    assert state(run(signed, topics=["availability"]), "Waiver//WVR-1")[0] == "valid"


STORED_ON_A_NODE = f"""{OBJECTS}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: data, namespace: ehr, uid: u7}}
spec: {{storageClassName: fast, accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}
status: {{phase: Pending}}
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {{name: fast, uid: u9}}
provisioner: rancher.io/local-path
"""


def stored() -> Snapshot:
    """A claim of the scope on a disk of a node, which nothing encrypts."""
    return snapshot_of(STORED_ON_A_NODE)


DECISIONS: list[tuple[str, dict[str, Any], str, set[str], str]] = [
    ("alternative", {}, "valid", set(), "alternative"),
    ("not reasonable, with a measure", {"decision": "not_reasonable"}, "valid", set(), "alternative"),
    (
        "not reasonable, with none",
        {"decision": "not_reasonable", "alternative": ..., "no_alternative_because": "nothing else is reasonable either"},
        "valid",
        set(),
        "accepted_risk",
    ),
    ("required", {"citation": "164.312(a)(2)(i)"}, "invalid", {"not_addressable"}, ""),
    ("standard", {"citation": "164.312(a)(1)"}, "invalid", {"not_addressable"}, ""),
    ("standalone", {"citation": "164.312(b)"}, "invalid", {"not_addressable"}, ""),
    ("to implement what fails", {"decision": "implement"}, "invalid", {"contradicted"}, ""),
    ("elsewhere", {"match": {"namespace": "lab"}}, "unused", {"unused"}, ""),
    ("no measure named", {"alternative": ""}, "invalid", {"incomplete"}, ""),
    ("blank measure", {"decision": "not_reasonable", "alternative": " "}, "invalid", {"incomplete"}, ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "word", "problems", "disposition"), [row[1:] for row in DECISIONS], ids=[row[0] for row in DECISIONS]
)
def test_a_decision(tmp_path: Path, fields: dict[str, Any], word: str, problems: set[str], disposition: str) -> None:
    signed = records(tmp_path, ("DecisionList", [changed(DECISION, **fields)]))
    assessment = run(signed, stored(), topics=["encryption"])
    row = finding(assessment, STORED)
    assert row["verdict"] == "fail"
    assert state(assessment, "Decision//DEC-1")[::2] == (word, problems)
    assert row["disposition"] == disposition


def test_to_implement_what_does_not_fail_is_never_unused(tmp_path: Path) -> None:
    signed = records(tmp_path, ("DecisionList", [changed(DECISION, decision="implement")]))
    assessment = run(signed, snapshot_of(OBJECTS), topics=["encryption"])
    assert state(assessment, "Decision//DEC-1") == ("valid", True, set())


def test_whether_what_was_to_be_implemented_is_may_be_unseen(tmp_path: Path) -> None:
    signed = records(tmp_path, ("DecisionList", [changed(DECISION, decision="implement")]))
    classless = STORED_ON_A_NODE.rpartition("---")[0]
    blind = snapshot_of(classless, overrides={("storage.k8s.io", "StorageClass", ""): "refused"})
    assert state(run(signed, blind, topics=["encryption"]), "Decision//DEC-1") == ("unseen", True, {"unseen"})


def test_how_much_a_record_speaks_of_may_be_unseen(tmp_path: Path) -> None:
    waiver = changed(WAIVER, match={"namespace": "ehr"}, objects_at_approval=2)
    signed = records(tmp_path, ("WaiverList", [waiver]))
    assert state(run(signed, topics=["availability"]), "Waiver//WVR-1")[0] == "valid"
    blind = snapshot_of(OBJECTS, overrides={("apps", "Deployment", ""): "partial"})
    assert state(run(signed, blind, topics=["availability"]), "Waiver//WVR-1") == ("unseen", True, {"unseen"})


def test_a_decision_holds_for_its_citation_and_for_no_other(tmp_path: Path) -> None:
    signed = records(tmp_path, ("DecisionList", [DECISION]))
    links = run(signed, stored(), topics=["encryption"]).tables.finding_citations
    mine = links[(links["check"] == STORED[0]) & (links["object"] == STORED[1])]
    said = dict(zip(mine["citation"], mine["disposition"], strict=True))
    assert said.pop("164.312(a)(2)(iv)") == "alternative"
    assert set(said.values()) <= {""}


def test_of_several_records_the_one_that_stands_counts(tmp_path: Path) -> None:
    expired = changed(WAIVER, id="WVR-0", expires_on="2026-11-01")
    later = changed(WAIVER, id="WVR-2", expires_on="2027-09-01")
    signed = records(tmp_path, ("WaiverList", [expired, WAIVER, later]))
    row = finding(run(signed, topics=["availability"]), FAILING)
    assert (row["record"], row["record_expires_on"]) == ("Waiver//WVR-2", "2027-09-01")


ATTESTATIONS: list[tuple[str, dict[str, Any], str, set[str], str, str]] = [
    ("whole", {}, "valid", set(), "review", "attested"),
    ("expired", {"expires_on": "2026-11-19"}, "invalid", {"expired"}, "not_assessed", ""),
    ("over a year", {"expires_on": "2027-10-04"}, "invalid", {"too_long"}, "not_assessed", ""),
    ("self-approved", {"reviewer": {"name": "A.  \uff32OSSI", "role": "x"}}, "invalid", {"self_approved"}, "not_assessed", ""),
    ("self-approved", {"reviewer": {"name": "a. rossi", "role": "x"}}, "invalid", {"self_approved"}, "not_assessed", ""),
    (
        "another file",
        {"artifacts": [{"path": "attachments/log.txt", "sha256": "0" * 64}]},
        "invalid",
        {"artifact_differs"},
        "not_assessed",
        "",
    ),
    (
        "no file",
        {"artifacts": [{"path": "attachments/gone.txt", "sha256": "0" * 64}]},
        "invalid",
        {"artifact_missing"},
        "not_assessed",
        "",
    ),
    ("interview without a file", {"method": "interview", "artifacts": ...}, "valid", set(), "review", "attested"),
    (
        "inherited",
        {
            "disposition": "inherited",
            "method": ...,
            "artifacts": ...,
            "provider": {"name": "AWS", "baa": "BAA 2025-03-02", "report": "SOC 2 Type II 2026-H1"},
        },
        "valid",
        set(),
        "review",
        "inherited",
    ),
    ("by citation", {"control": ..., "citation": "164.308(a)(2)"}, "valid", set(), "review", "attested"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "word", "problems", "verdict", "disposition"),
    [row[1:] for row in ATTESTATIONS],
    ids=[row[0] for row in ATTESTATIONS],
)
def test_an_attestation(
    tmp_path: Path, fields: dict[str, Any], word: str, problems: set[str], verdict: str, disposition: str
) -> None:
    signed = records(tmp_path, ("AttestationList", [changed(ATTESTATION, **fields)]))
    assessment = run(signed, topics=["attestations"])
    row = finding(assessment, ("HK-MAN-01", "Control//HK-MAN-01"))
    assert state(assessment, "Attestation//ATT-1")[::2] == (word, problems)
    assert (row["verdict"], row["disposition"]) == (verdict, disposition)
    assert (row["reason_code"] == "no_record") is (verdict == "not_assessed")


def test_an_attestation_says_nothing_of_what_fails(tmp_path: Path) -> None:
    signed = records(tmp_path, ("AttestationList", [changed(ATTESTATION, control="HK-AVL-01")]))
    assessment = run(signed, topics=["availability"])
    row = finding(assessment, FAILING)
    assert (row["verdict"], row["disposition"]) == ("fail", "")
    assert state(assessment, "Attestation//ATT-1")[0] == "unused"


def test_a_review_approved_by_whoever_held_it_is_no_review(tmp_path: Path) -> None:
    signed = records(tmp_path, ("ReviewRegister", [changed(REVIEW, reviewer={"name": "A. Rossi"})]))
    assert state(run(signed, topics=["availability"]), "Review//REV-1") == ("invalid", False, {"self_approved"})


def test_records_change_no_verdict(tmp_path: Path) -> None:
    lists = [("WaiverList", [WAIVER]), ("DecisionList", [DECISION])]
    mine = run(records(tmp_path, *lists), stored(), topics=["availability", "encryption"]).findings()
    bare = Assessment(stored(), load_scope(SCOPE), topics=["availability", "encryption"], as_of=AS_OF).findings()
    assert list(mine["disposition"]).count("") == len(mine) - 2
    columns = ["check", "object", "verdict", "reason", "severity"]
    assert mine[columns].equals(bare[columns])


def test_records_are_evidence_with_the_digest_of_their_file(tmp_path: Path) -> None:
    signed = records(tmp_path, ("AttestationList", [ATTESTATION]))
    evidence = run(signed, topics=["attestations"]).tables.finding_evidence
    [row] = evidence[evidence["evidence"] == "Attestation//ATT-1"].to_dict("records")
    assert row["source"] == "records/records.yaml:4"
    assert (
        row["sha256"] == dict(signed.tables["record_files"][["path", "sha256"]].itertuples(index=False))["records.yaml"]
    )


def test_other_records_give_another_key(tmp_path: Path) -> None:
    first = run(records(tmp_path / "a", ("WaiverList", [WAIVER])))
    second = run(records(tmp_path / "b", ("WaiverList", [changed(WAIVER, owner="somebody.else@clinic.example")])))
    assert first.key != second.key
    assert first.key != Assessment(snapshot(), load_scope(SCOPE), as_of=AS_OF).key
