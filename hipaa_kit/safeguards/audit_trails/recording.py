"""The API server's audit log: kept at all, enough of it on the node, and of what a review needs."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.inventory.audit import lacking_policies
from hipaa_kit.safeguards.check import check, fails, judge, not_assessed, reviews, to_give

READS_OF_GOOGLE = (
    "gcloud projects get-iam-policy PROJECT --format=json, and look for auditConfigs of container.googleapis.com"
)


@check("HK-AUD-01", without_scope=True)
def audit_log_kept(audit_backends: pd.DataFrame) -> pd.DataFrame:
    """Judge every source by whether it says that requests to the API server are recorded.

    Parameters
    ----------
    audit_backends : table of that name

    Returns
    -------
    table `judgements`, one row per API server, OpenShift configuration, server of k3s, or managed cluster

    Notes
    -----
    That a policy is named says nothing of what it records: HK-AUD-03 does.
    Source: https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
    """
    state, unseen = audit_backends["state"], audit_backends["source"] == "none"
    return judge(
        audit_backends,
        fails(state == "off", "{basis}", observed="no audit log", expected="a policy, and a log or a webhook"),
        fails(state == "no_reads", "reads of Secrets leave no trace: {basis}", expected="reads recorded"),
        reviews(state == "partly", "is nothing of ePHI in them? {basis}"),
        not_assessed(state == "reads_unknown", f"{{basis}}; to see it: {READS_OF_GOOGLE}", code="input_missing"),
        not_assessed((state == "unknown") & ~unseen, "{basis}", code="managed_plane"),
        not_assessed((state == "unknown") & unseen, f"{{basis}}; {to_give('cloud_cluster')}", code="input_missing"),
        passes="{basis}",
        path="spec.containers[].command",
        observed="{backend} {path}",
    )


@check("HK-AUD-02", without_scope=True)
def buffer_sized(
    audit_backends: pd.DataFrame,
    *,
    audit_buffer_days: int = 30,
    audit_buffer_files: int = 10,
    audit_buffer_megabytes: int = 100,
) -> pd.DataFrame:
    """Judge every API server that writes to a file by how much of the log it keeps on its node.

    Parameters
    ----------
    audit_backends : table of that name
    audit_buffer_days
        Days that rotated files are kept at least.
    audit_buffer_files
        Rotated files that are kept at least.
    audit_buffer_megabytes
        Size at which a file is rotated at the least.

    Returns
    -------
    table `judgements`, one row per API server and flag

    Notes
    -----
    0 keeps files for ever, and all of them, until the disk is full: a person has to say who watches it. A flag that
    is not set means 0 in older versions and 366 days, 100 files in 1.37; 100 megabytes in both.
    Source: CIS Kubernetes Benchmark, section 1.2; pkg/server/options/audit.go of kubernetes/apiserver.
    """
    asked = (
        ("max_age", "audit-log-maxage", audit_buffer_days),
        ("max_backup", "audit-log-maxbackup", audit_buffer_files),
        ("max_size", "audit-log-maxsize", audit_buffer_megabytes),
    )
    files = audit_backends[(audit_backends["source"] == "flags") & audit_backends["backend"].isin(["log", "both"])]
    files = files[files["path"] != "-"]
    examined = pd.concat(
        [
            files[["object", "sizes_read"]].assign(flag=flag, value=files[column], minimum=minimum)
            for column, flag, minimum in asked
        ]
    ).reset_index(drop=True)
    value, size = examined["value"].astype("Int64"), examined["flag"] == "audit-log-maxsize"
    return judge(
        examined.assign(told=value.astype("str").where(value.notna(), "not set")),
        fails(
            (value > 0) & (value < examined["minimum"]),
            "--{flag}={told}, less than {minimum}",
            observed="{told}",
            expected="at least {minimum}",
        ),
        not_assessed(~examined["sizes_read"], "its flags of size hold no numbers", code="parse_error"),
        reviews(value.eq(0) & size, "does something else rotate it? --audit-log-maxsize=0 never does"),
        reviews(
            (value.isna() | value.eq(0)) & ~size,
            "who watches the disk? --{flag} is {told}: before 1.37 nothing limits what is kept",
        ),
        passes="--{flag} is {told}",
        member="flag",
    )


@check("HK-AUD-03", optional=["audit_silences"])
def policy_sees(
    audit_probes: pd.DataFrame,
    audit_policy_states: pd.DataFrame,
    audit_silences: pd.DataFrame,
    audit_backends: pd.DataFrame,
    control_plane_members: pd.DataFrame,
) -> pd.DataFrame:
    """Judge every audit policy by what it records of the requests that a review needs to find.

    Parameters
    ----------
    audit_probes, audit_policy_states, audit_silences, audit_backends, control_plane_members : tables of those names

    Returns
    -------
    table `judgements`, one row per policy and probe, per rule that leaves somebody out, and per API server whose policy
    was not given where those of others were

    Notes
    -----
    The first rule that matches decides. What is recorded counts by the events that say how a request was answered. A
    body that holds a Secret, or the data of a ConfigMap, must not get into the log.
    Source: https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/#audit-policy
    """
    refused = audit_policy_states[audit_policy_states["refused"] != ""].set_index("object")["refused"]
    unused = bool(audit_backends["state"].eq("off").any())
    where = audit_probes["namespace"].map(lambda name: f" in {name}" if name else "")
    probes = audit_probes.assign(
        part=audit_probes["probe"] + where,
        where=where,
        rule_told=audit_probes["rule"].map(lambda rule: f"rule {rule}" if rule else "no rule"),
        blind_told=audit_probes["blind"].map(lambda names: f"; blind: {names}" if names else ""),
        kind="probe",
    )
    left_out = audit_silences.assign(
        kind="silence", part="rule " + audit_silences["rule"].astype("str"), outcome="", standing=""
    )
    lacking = pd.DataFrame(
        {"object": lacking_policies(audit_policy_states["object"], control_plane_members)}, dtype="str"
    )
    lacking = lacking.assign(kind="lacking")
    columns = ["object", "part", "kind", "outcome", "standing", "where", "rule_told", "blind_told", "requester"]
    columns += ["request", "level", "minimum", "maximum", "identities", "what"]
    examined = pd.concat([probes, left_out, lacking]).reindex(columns=columns).fillna("").reset_index(drop=True)
    examined["refused"] = (
        examined["object"].map(refused.to_dict()).astype("str").where(examined["object"].isin(refused.index), "")
    )
    below, probed = examined["outcome"] == "below", examined["kind"] == "probe"
    told = "{request}{where} by a {requester} is recorded at {level} by {rule_told}"
    return judge(
        examined,
        fails(
            examined["outcome"] == "above",
            f"{told}: values get into the log; {{maximum}} is enough",
            observed="{level}",
            expected="{maximum}",
        ),
        fails(
            below & (examined["standing"] == "mandatory"),
            f"{told}, not {{minimum}}{{blind_told}}",
            observed="{level}",
            expected="{minimum}",
        ),
        fails(
            probed & unused,
            "an API server runs without a policy or a place to write to: this one is not in use",
            expected="a policy in use",
        ),
        reviews(examined["refused"] != "", "is this the file in use? The API server would refuse it: {refused}"),
        reviews(
            below & (examined["standing"] != "mandatory"),
            f"is that enough? {told}, not {{minimum}}{{blind_told}}",
            observed="{level}",
        ),
        not_assessed(
            examined["kind"] == "lacking", "the audit policy of this API server was not given", code="input_missing"
        ),
        reviews(
            examined["kind"] == "silence",
            "should {identities} leave no trace? {part} records nothing of what they do to {what}",
        ),
        passes=told,
        member="part",
    )
