"""Labels of a namespace say what the API server makes of them."""

import pytest

from hipaa_kit.kube.pod_security import UNCONFIGURED, LevelVersion, Policy, namespace_policy

PREFIX = "pod-security.kubernetes.io/"
OPEN = LevelVersion("privileged")
BASELINE, RESTRICTED = LevelVersion("baseline"), LevelVersion("restricted")
FIRM = Policy(BASELINE, RESTRICTED, LevelVersion("baseline", "v1.30"))


def labels(**given: str) -> dict[str, str]:
    return {PREFIX + key.replace("_", "-"): value for key, value in given.items()} | {"other": "x"}


@pytest.mark.parametrize(
    ("given", "defaults", "expected"),
    [
        ({}, UNCONFIGURED, Policy(OPEN, OPEN, OPEN)),
        ({}, FIRM, FIRM),
        (labels(), FIRM, FIRM),
        (labels(enforce="baseline"), UNCONFIGURED, Policy(BASELINE, OPEN, BASELINE)),
        (
            labels(enforce="baseline", enforce_version="v1.24"),
            UNCONFIGURED,
            Policy(LevelVersion("baseline", "v1.24"), OPEN, LevelVersion("baseline", "v1.24")),
        ),
        # clients are warned by what is enforced, unless told otherwise or by something as strict
        (
            labels(enforce="restricted", enforce_version="v1.24", warn_version="v1.30"),
            UNCONFIGURED,
            Policy(LevelVersion("restricted", "v1.24"), OPEN, LevelVersion("restricted", "v1.30")),
        ),
        (labels(enforce="baseline", warn="privileged"), UNCONFIGURED, Policy(BASELINE, OPEN, OPEN)),
        (labels(enforce="baseline"), FIRM, Policy(BASELINE, RESTRICTED, LevelVersion("baseline", "v1.30"))),
        (labels(enforce="restricted"), FIRM, Policy(RESTRICTED, RESTRICTED, RESTRICTED)),
        (labels(enforce="privileged"), FIRM, Policy(OPEN, RESTRICTED, LevelVersion("baseline", "v1.30"))),
        (labels(enforce_version="v1.20"), FIRM, Policy(LevelVersion("baseline", "v1.20"), FIRM.audit, FIRM.warn)),
        (labels(audit="baseline", warn="restricted"), UNCONFIGURED, Policy(OPEN, BASELINE, RESTRICTED)),
        (
            labels(audit="baseline", audit_version="v1.1", warn="baseline", warn_version="v1.2"),
            UNCONFIGURED,
            Policy(OPEN, LevelVersion("baseline", "v1.1"), LevelVersion("baseline", "v1.2")),
        ),
        # values that mean nothing: enforced strictly, audited and warned about not at all
        (labels(enforce="Baseline"), UNCONFIGURED, Policy(RESTRICTED, OPEN, OPEN, (PREFIX + "enforce",))),
        (labels(enforce=""), UNCONFIGURED, Policy(RESTRICTED, OPEN, OPEN, (PREFIX + "enforce",))),
        (labels(audit="none"), FIRM, Policy(FIRM.enforce, OPEN, FIRM.warn, (PREFIX + "audit",))),
        (
            labels(warn="none"),
            FIRM,
            Policy(FIRM.enforce, FIRM.audit, LevelVersion("privileged", "v1.30"), (PREFIX + "warn",)),
        ),
        (
            labels(enforce="baseline", enforce_version="1.24"),
            UNCONFIGURED,
            Policy(BASELINE, OPEN, BASELINE, (PREFIX + "enforce-version",)),
        ),
        (
            labels(enforce="x", enforce_version="x", audit="x", audit_version="x", warn="x", warn_version="x"),
            FIRM,
            Policy(
                RESTRICTED,
                OPEN,
                OPEN,
                tuple(PREFIX + mode + end for mode in ("enforce", "audit", "warn") for end in ("", "-version")),
            ),
        ),
    ],
)
def test_labels_ask_for(given: dict[str, str], defaults: Policy, expected: Policy) -> None:
    assert namespace_policy(given, defaults) == expected
