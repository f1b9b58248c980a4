"""Twenty refusals, one by one, by the server's own RBAC: each is told in its words, and none makes anything pass."""

from __future__ import annotations

import pandas as pd
import pytest

from hipaa_kit.assess.reader import rules
from tests.live.conftest import Hospital, checks_that_need, newly_open
from tests.support.live.rbac import Question, grant, wait_until

REFUSED = (
    ("", "limitranges"),
    ("", "namespaces"),
    ("", "nodes"),
    ("", "persistentvolumeclaims"),
    ("", "persistentvolumes"),
    ("", "pods"),
    ("", "resourcequotas"),
    ("", "serviceaccounts"),
    ("", "services"),
    ("apps", "daemonsets"),
    ("apps", "deployments"),
    ("apps", "replicasets"),
    ("apps", "statefulsets"),
    ("autoscaling", "horizontalpodautoscalers"),
    ("batch", "cronjobs"),
    ("networking.k8s.io", "networkpolicies"),
    ("policy", "poddisruptionbudgets"),
    ("rbac.authorization.k8s.io", "clusterrolebindings"),
    ("rbac.authorization.k8s.io", "rolebindings"),
    ("storage.k8s.io", "storageclasses"),
)


@pytest.fixture(scope="module")
def readers(fixed_hospital: Hospital) -> None:
    """One user for each refusal, who may list all else that the checks need; and one who is refused nothing."""
    api, answers = fixed_hospital.plane.admin, {}
    for refused in [None, *REFUSED]:
        user = _user(refused)
        kept = [kind for kind in fixed_hospital.needed() if (kind.group, kind.resource) != refused]
        grant(api, user, rules(kept))
        answers |= {Question(user, "list", kind.resource, kind.group): kind in kept for kind in fixed_hospital.needed()}
    wait_until(api, answers)


def _user(refused: tuple[str, str] | None) -> str:
    return f"without-{refused[1]}" if refused else "without-nothing"


@pytest.fixture(scope="module")
def baseline(fixed_hospital: Hospital, readers: None) -> pd.Series[str]:
    """Verdicts of a reader who is refused nothing."""
    return fixed_hospital.findings(fixed_hospital.read_as(_user(None)))


def test_twenty_are_injected() -> None:
    assert len(set(REFUSED)) == 20


@pytest.mark.parametrize(("group", "resource"), REFUSED, ids=lambda part: part or "core")
def test_a_refusal_is_told_in_the_servers_words_and_makes_nothing_pass(
    fixed_hospital: Hospital, baseline: pd.Series[str], group: str, resource: str
) -> None:
    user = _user((group, resource))
    snapshot = fixed_hospital.read_as(user)
    rows = snapshot.coverage.frame
    told = (rows["group"] == group) & (rows["resource"] == resource)
    what = f"{resource}.{group}" if group else resource
    words = f'{what} is forbidden: User "{user}" cannot list resource "{resource}" in API group "{group}" '
    assert set(rows[told]["status"]) == {"refused"}
    assert all(error.startswith(words) for error in rows[told]["error"])
    assert "refused" not in set(rows[~told]["status"])

    found = fixed_hospital.findings(snapshot)
    assert set(found.index[found == "pass"]) <= set(baseline.index[baseline == "pass"])
    assert newly_open(baseline, found) == checks_that_need([(group, resource)], baseline)
