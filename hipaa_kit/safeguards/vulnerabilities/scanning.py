"""Scanning beyond images: configuration and nodes, what is refused at the door, tests by people."""

from __future__ import annotations

from typing import Final

import pandas as pd

from hipaa_kit.safeguards.ages import days_since, whole_days
from hipaa_kit.safeguards.check import check, fails, judge, not_assessed, reviews
from hipaa_kit.sources.inputs.values import moment
from hipaa_kit.vocabulary import FAILED_THERE, MANUAL, PASSED

OTHER_WORK: Final = ("falco", "trivy vulnerability")
"""Sources of reports, in small letters, that look at no configuration: at what runs, and at images."""
CONFIGURATION: Final = "Cluster//configuration-scan"
SOME_NODE: Final = "Node//*"
"""A node that a report does not name."""
TESTS: Final = {
    "Cluster//penetration-test": ("penetration test", ("penetration test", "pentest", "penetration-test")),
    "Cluster//application-scan": ("scan of applications", ("application scan", "application-scan", "dast")),
}
"""Tests by people, and under which kinds of exercise they are recorded."""


@check("HK-VUL-07", without_scope=True, optional=["scanner_reports"])
def configuration_scanned(
    scanner_findings: pd.DataFrame,
    scanner_reports: pd.DataFrame,
    nodes: pd.DataFrame,
    ephi_workloads: pd.DataFrame,
    *,
    configuration_scan_days: int = 30,
    as_of: str,
) -> pd.DataFrame:
    """Judge by the reports of other scanners whether the configuration of objects and of every node was scanned.

    Parameters
    ----------
    scanner_findings, scanner_reports, nodes, ephi_workloads : tables of those names
    configuration_scan_days
        Older results fail; site policy.
    as_of
        Moment to judge for.

    Returns
    -------
    table `judgements`, one row for objects and one per node

    Notes
    -----
    A report that was not given may exist: without any, nothing is concluded. kube-bench says neither when it ran nor
    on which node. A namespace of which lately no report names an object was perhaps left out, or nothing was found in
    it by a scanner that tells of nothing else.
    """
    found = pd.concat([scanner_findings, scanner_reports], ignore_index=True)
    judged = found["outcome"].isin([PASSED, FAILED_THERE, MANUAL]) & ~found["tool"].str.lower().isin(OTHER_WORK)
    images = (found["vulnerability"] != "") | found["said"].isin(["found", "none found"])
    found = found[judged & ~images]
    on_nodes = found["object"].str.startswith("Node/")
    named = dict(list(found[on_nodes].groupby("object")))
    unnamed = ", ".join(sorted(found.loc[found["object"] == SOME_NODE, "tool"].unique()))
    objects = {"object": CONFIGURATION, "what": "the configuration of objects", **_newest(found[~on_nodes])}
    each = [
        {"object": node, "what": "the node", **_newest(named.get(node, found.iloc[:0]))} for node in nodes["object"]
    ]
    examined = pd.DataFrame([objects, *each]).assign(unnamed=unnamed)
    age = days_since(examined["newest"], as_of)
    lately = days_since(found["reported_at"], as_of).abs() <= configuration_scan_days
    left_out = sorted(set(ephi_workloads["namespace"]) - set(found.loc[lately, "object"].map(_place)))
    examined = examined.assign(age=whole_days(age), left_out=", ".join(left_out))
    nothing = examined["tools"] == ""
    of_node = examined["object"] != CONFIGURATION
    others = bool(set(named) - {SOME_NODE})
    return judge(
        examined,
        fails(
            nothing & of_node & (others and not unnamed),
            "other nodes were looked at, and no report tells of this one",
            observed="none",
            expected="a scan of this node",
            rests_on=["scanner_findings"],
        ),
        not_assessed(
            nothing & of_node & bool(unnamed),
            "{unnamed} has looked at a node, and tells neither at which nor when",
            code="no_record",
        ),
        not_assessed(
            nothing, "no report of a scan of {what} was given, nor is one in the cluster", code="input_missing"
        ),
        not_assessed(~nothing & age.isna(), "{tools} has looked at {what}, and does not tell when", code="no_record"),
        fails(
            age > configuration_scan_days,
            "{what}: last looked at more than {age:day} ago, by {tools}",
            observed="{newest}",
            expected=f"at most {configuration_scan_days} days",
        ),
        not_assessed(
            (age < -configuration_scan_days).fillna(False),
            f"{{tools}} dates its results of {{what}} at {{newest}}: over {configuration_scan_days} days after the "
            "moment judged for",
            code="no_record",
        ),
        reviews(
            ~nothing & ~of_node & (examined["left_out"] != ""),
            "was everything scanned? No report of {tools} names an object of {left_out} lately",
            observed="{left_out}",
            rests_on=["scanner_findings"],
        ),
        passes="{what}: looked at lately by {tools}; results that passed: {passed}, that failed: {failed}",
    )


def _place(object: str) -> str:  # noqa: A002 - the kit's word for it
    """Return the namespace of an object that a report names, "" where it is none."""
    parts = object.split("/")
    return parts[1] if len(parts) == 3 else ""


def _newest(found: pd.DataFrame) -> dict[str, object]:
    """Return by whom and when something was last looked at, and with what result."""
    told = [each for each in map(moment, found["reported_at"].unique()) if each]
    return {
        "tools": ", ".join(sorted(found["tool"].unique())),
        "newest": max(told, default=""),
        "passed": int((found["outcome"] == PASSED).sum()),
        "failed": int((found["outcome"] == FAILED_THERE).sum()),
    }


@check("HK-VUL-10")
def vulnerable_images_refused(
    vulnerability_gates: pd.DataFrame, admission_webhooks: pd.DataFrame, ephi_workloads: pd.DataFrame
) -> pd.DataFrame:
    """Judge admission by the policies that speak of vulnerabilities of images.

    Parameters
    ----------
    vulnerability_gates, admission_webhooks, ephi_workloads : tables of those names

    Returns
    -------
    table `judgements`, one row

    Notes
    -----
    A policy counts where its engine is asked about every new pod of every namespace with ePHI, and where what it cannot
    be asked about is refused. Exceptions from policies are not looked at. A gate in the pipeline that builds images
    does not show in the cluster: only a person can attest it.
    Sources: https://kyverno.io/docs/policy-types/cluster-policy/verify-images/sigstore/,
    https://docs.sigstore.dev/policy-controller/overview/
    """
    held = set(ephi_workloads["namespace"])
    strong = admission_webhooks[~admission_webhooks["ignores_errors"]]
    asked = {engine for engine, sees in zip(strong["engine"], strong["sees"], strict=True) if held <= set(sees.split())}
    heard = bool({"kyverno", "kyverno_cel"} & asked)
    strict = vulnerability_gates[vulnerability_gates["refuses"] & vulnerability_gates["everywhere"] & heard]
    told = strict if len(strict) else vulnerability_gates
    examined = pd.DataFrame(
        {
            "object": ["Cluster//image-admission"],
            "policies": [", ".join(told["policy"])],
            "evidence": [" ".join(told["policy"])],
            "gates": [len(vulnerability_gates)],
            "strict": [len(strict)],
        }
    )
    return judge(
        examined,
        not_assessed(
            examined["gates"] == 0,
            "no admission policy speaks of vulnerabilities; whether a pipeline does has to be attested",
            code="no_record",
        ),
        reviews(
            (examined["gates"] > 0) & (examined["strict"] == 0),
            "which images does {policies} refuse? Nothing shows that all that fall short are refused wherever ePHI is",
            observed="{policies}",
        ),
        evidence="evidence",
        passes="{policies} refuses images by their vulnerabilities wherever ePHI is",
    )


@check("HK-VUL-11")
def recorded_tests(drills: pd.DataFrame, *, test_age_days: int = 365, as_of: str) -> pd.DataFrame:
    """Ask about the newest penetration test and scan of applications that are recorded as exercises.

    Parameters
    ----------
    drills : table of that name
    test_age_days
        Older records do not count; site policy. The proposed rule of 2025 would ask for one every 12 months.
    as_of
        Moment to judge for.

    Returns
    -------
    table `judgements`, one row per kind of test
    """
    rows = []
    for name, (what, kinds) in TESTS.items():
        mine = drills[drills["kind"].str.lower().isin(kinds)].sort_values("date")
        last = mine.iloc[-1] if len(mine) else {"date": "", "scope": "", "result": ""}
        told = {key: str(last[key]) for key in ("date", "scope", "result")}
        rows.append({"object": name, "what": what, **told})
    examined = pd.DataFrame(rows)
    age = days_since(examined["date"], as_of)
    fresh = (age <= test_age_days).fillna(False)
    return judge(
        examined,
        not_assessed(~fresh, f"no {{what}} within {test_age_days} days is recorded", code="no_record"),
        reviews(
            fresh,
            "was the {what} of {date} ({scope}: {result}) made by a qualified person, and what it found mended?",
            observed="{date}",
        ),
        passes="",
    )
