"""The state that a run of the repaired clinic leaves is what a run of the faulty one is compared with."""

from __future__ import annotations

from pathlib import Path

from hipaa_kit.assess.facade import Assessment
from hipaa_kit.assess.opening import open_any
from hipaa_kit.evidence.exports import table_csv
from hipaa_kit.resources import shipped
from hipaa_kit.sources.inputs import read_inputs
from hipaa_kit.sources.scope import load_scope


def test_what_was_planted_since_is_found_by_the_state_of_an_earlier_bundle(tmp_path: Path) -> None:
    earlier = Assessment(open_any(shipped("data") / "clinic_fixed")).tables["security_state"]
    moment = "2026-11-01T02:00:00Z"
    text = table_csv("security_state", earlier.assign(taken_at=moment))
    (tmp_path / "earlier_state.csv").write_text(text, encoding="utf-8")
    clinic = shipped("data") / "clinic"
    run = Assessment(open_any(clinic), load_scope(clinic / "scope.yaml"), inputs=read_inputs(tmp_path))
    run.checks = [check for check in run.checks if check.id == "HK-INT-09"]
    found = run.findings().set_index("object")["verdict"].to_dict()
    planted = {
        "ClusterRole//clinic-auditor": "fail",
        "ClusterRoleBinding//system:public-info-viewer": "fail",
        "Namespace//imaging": "fail",
        "ValidatingWebhookConfiguration//ingress-nginx-admission": "fail",
        "Deployment/ehr/ehr-api": "fail",
        "StatefulSet/ehr/ehr-redis": "fail",
        "NetworkPolicy/ehr/ehr-db": "review",
    }
    assert {name: found.get(name) for name in planted} == planted
    assert found["Cluster//role"] == "pass"
    assert "StatefulSet/integration/rabbitmq" not in found
