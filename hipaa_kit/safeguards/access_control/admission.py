"""Admission: what is refused when pods are made in namespaces with ePHI."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.inventory.admission import CONSTRAINTS, ENGINE_KINDS, SECURITY_OF_LEVELS, TEMPLATES
from hipaa_kit.safeguards.check import check, fails, judge, not_applicable, not_assessed, reviews
from hipaa_kit.vocabulary import COMPLETE


@check("HK-ACC-15")
def pod_security_enforced(
    ephi_workloads: pd.DataFrame, pod_admission: pd.DataFrame, coverage: pd.DataFrame
) -> pd.DataFrame:
    """Judge every namespace with ePHI workloads by the level of Pod Security that is enforced in it.

    Parameters
    ----------
    ephi_workloads, pod_admission, coverage : tables of those names

    Returns
    -------
    table `judgements`, one row per namespace

    Notes
    -----
    Only what is enforced counts: warnings and notes in the audit log keep no pod out. A policy of an engine counts as a
    level where it asks for that level by name and nothing shows a way past it; every other policy that refuses pods
    for their security settings must be read. The server's own defaults and exemptions stand in its admission
    configuration: where it may have one that was not given, a namespace without label is not assessed, nor does one
    with a label pass, as it may be exempt.
    Source: https://kubernetes.io/docs/concepts/security/pod-security-admission/
    """
    examined = pod_admission[pod_admission["name"].isin(ephi_workloads["namespace"])]
    spoken = examined["read_fields"].str.split().map(set)
    examined = examined.assign(
        unseen=unseen_engines(coverage),
        lacking=spoken.map(lambda fields: " ".join(sorted(set(SECURITY_OF_LEVELS) - fields))),
    )
    level, engine = examined["enforce"], examined["engine_level"]
    by_engine = engine.eq("restricted")
    restricted = level.eq("restricted") | by_engine
    baseline = ~restricted & (level.eq("baseline") | engine.eq("baseline"))
    open_ = ~restricted & ~baseline
    unknown = level.eq("")
    readable = examined["read"].ne("") & examined["lacking"].eq("")
    doubtful = examined["configuration"].eq("unknown") & examined["basis"].eq("label")
    unread = open_ & ~readable & ~unknown
    engines = examined["unseen"].ne("")
    beside = examined["read"].map(lambda names: f", unless {names} refuses them" if names else "")
    examined = examined.assign(words=_words(examined), beside=beside)
    return judge(
        examined,
        fails(
            unread & ~engines,
            "{words}, and no policy of an engine does as much",
            path="$.metadata.labels['pod-security.kubernetes.io/enforce']",
            observed="{enforce}",
            expected="restricted",
        ),
        not_assessed(
            unread & engines,
            "{words}; whether an admission engine does is not known: {unseen}",
            code="not_collected",
        ),
        not_assessed(
            open_ & ~readable & unknown,
            "{words}, and what the server does then is not known: its admission configuration was not given",
            code="input_missing",
        ),
        not_assessed(
            engine.isin(["baseline", "restricted"]) & level.ne("restricted") & engines,
            "{words}, but there may be exceptions that were not seen: {unseen}",
            code="not_collected",
        ),
        reviews(
            open_ & readable,
            "do these policies refuse what the baseline level would? {read}",
            observed="{words}",
        ),
        reviews(
            baseline,
            "is the baseline level enough for ePHI? {words}; pods may run as root{beside}",
            observed="baseline",
        ),
        not_assessed(
            doubtful & ~by_engine,
            "{words}; whether the server leaves the namespace out is not known: its admission configuration was not "
            "given",
            code="input_missing",
        ),
        reviews(
            examined["exempt"].ne("") & ~by_engine & ~open_,
            "is it meant that Pod Security does not look at pods of {exempt}?",
            observed="{exempt}",
        ),
        reviews(
            examined["lacks"].ne("") & level.eq("restricted") & ~by_engine,
            "is it meant that an old version of the standard is enforced? {enforce_version} lacks {lacks}",
            observed="{enforce_version}",
        ),
        evidence="engine_policies",
        passes="{words}",
    )


def _words(rows: pd.DataFrame) -> pd.Series:
    """Return what is enforced in each namespace, in words."""
    return pd.Series([_said(*each) for each in rows[_SAID].itertuples(index=False)], index=rows.index, dtype="str")


_SAID = ["enforce", "enforce_version", "basis", "engine_level", "engine_policies", "warn", "audit"]


def _said(enforce: str, version: str, basis: str, engine: str, policies: str, warn: str, audit: str) -> str:
    if engine in ("baseline", "restricted") and enforce != "restricted":
        return f"{policies} enforces {engine}"
    if basis == "unknown":
        return "no label says which level is enforced"
    reason = {
        "label": "by label",
        "default": "by default",
        "exempt": "as the server leaves the namespace out",
        "off": "as the server has Pod Security off",
    }[basis]
    noted = [
        f"{mode} {level}" for mode, level in (("warn", warn), ("audit", audit)) if level in ("baseline", "restricted")
    ]
    also = f" ({', '.join(noted)} refuses nothing)" if noted and enforce == "privileged" else ""
    at = f" of {version}" if version not in ("", "latest") else ""
    return f"Pod Security enforces {enforce}{at} {reason}{also}"


@check("HK-ACC-17")
def engines_enforce(
    ephi_workloads: pd.DataFrame,
    admission_rules: pd.DataFrame,
    admission_webhooks: pd.DataFrame,
    pod_admission: pd.DataFrame,
    coverage: pd.DataFrame,
) -> pd.DataFrame:
    """Judge every policy and webhook of an admission engine by whether it refuses pods in namespaces with ePHI.

    Parameters
    ----------
    ephi_workloads, admission_rules, admission_webhooks, pod_admission, coverage : tables of those names

    Returns
    -------
    table `judgements`, one row per rule about the security of pods and namespace with ePHI that it reaches, and per
    webhook of an engine; one for the cluster where there is neither

    Notes
    -----
    Where Pod Security enforces the restricted level in every such namespace, an engine adds nothing that this control
    asks for. Sources: https://kyverno.io/docs/policy-types/cluster-policy/validate/,
    https://open-policy-agent.github.io/gatekeeper/website/docs/violations,
    https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
    """
    spaces = sorted(set(ephi_workloads["namespace"]))
    here = pod_admission[pod_admission["name"].isin(spaces)]
    settled = here["enforce"].eq("restricted") & here["configuration"].ne("unknown")
    restricted = bool(len(here)) and bool(settled.all())
    examined = pd.concat([_rules(admission_rules, spaces), _hooks(admission_webhooks, spaces)], ignore_index=True)
    if examined.empty and spaces:
        nothing = dict.fromkeys(_EXAMINED, "") | {"object": "Cluster//admission", "kind": "nothing"}
        examined = pd.DataFrame([nothing], dtype="str")
    examined = examined.assign(unseen=unseen_engines(coverage), restricted=restricted)
    rule, hook, none = (examined["kind"].eq(kind) for kind in ("rule", "webhook", "nothing"))
    denies, unsure = examined["action"].eq("deny"), examined["way"].eq("unknown") | examined["action"].eq("unknown")
    judged = ~examined["restricted"].astype(bool)
    return judge(
        examined,
        not_applicable(~judged, "Pod Security enforces restricted in every namespace with ePHI"),
        not_applicable(
            judged & none & examined["unseen"].eq(""), "no admission engine speaks of the security of pods here"
        ),
        not_assessed(
            judged & none & examined["unseen"].ne(""),
            "whether there is an admission engine is not known: {unseen}",
            code="not_collected",
        ),
        fails(
            judged & rule & ~denies & examined["action"].ne("unknown"),
            "in {space} {subject} lets pods in that fall short (action: {action})",
            observed="{action}",
            expected="deny",
        ),
        fails(
            judged & rule & denies & examined["way"].eq("not sent"),
            "in {space} {subject} is not asked about pods, by the settings of {engine} or of its webhook",
            observed="{way}",
            rests_on=["admission_webhooks"],
        ),
        fails(
            judged & rule & denies & examined["ignores"].eq("yes"),
            "in {space} {subject} lets pods in where it cannot judge them",
            observed="failurePolicy Ignore",
            expected="Fail",
        ),
        fails(
            judged & hook & examined["ignores"].eq("yes"),
            "{subject} lets pods in where {engine} cannot be asked",
            path="$.webhooks[*].failurePolicy",
            observed="Ignore",
            expected="Fail",
        ),
        fails(
            judged & hook & examined["missed"].ne(""),
            "{subject} leaves out pods of {missed}",
            path="$.webhooks[*].namespaceSelector",
            observed="{missed}",
        ),
        not_assessed(
            judged & rule & unsure, "what {subject} does with pods of {space} is not known", code="input_missing"
        ),
        not_assessed(
            judged & examined["unseen"].ne(""),
            "there may be exceptions and policies that were not seen: {unseen}",
            code="not_collected",
        ),
        member="member",
        passes="{subject} refuses pods that fall short{within}",
    )


_EXAMINED = ["object", "member", "kind", "engine", "action", "way", "ignores", "missed", "space", "subject", "within"]


def _rules(rules: pd.DataFrame, spaces: list[str]) -> pd.DataFrame:
    here = rules[rules["namespace"].isin(spaces)]
    ignores = here["ignores_errors"] | here["way"].eq("ignores errors")
    return here.assign(
        object=here["policy"],
        member=(here["part"] + " in " + here["namespace"]).str.strip(),
        kind="rule",
        space=here["namespace"],
        subject=here["part"].map(lambda part: f"its part {part}" if part else "it"),
        within=" in " + here["namespace"],
        ignores=ignores.map({True: "yes", False: ""}),
        missed="",
    )[_EXAMINED]


def _hooks(hooks: pd.DataFrame, spaces: list[str]) -> pd.DataFrame:
    """Return the webhooks, with the namespaces of which no webhook of their engine sees every pod."""
    seen = hooks.groupby("engine")["sees"].agg(lambda names: " ".join(names).split())
    missed = [" ".join(sorted(set(spaces) - set(seen[engine]))) for engine in hooks["engine"]]
    return hooks.assign(
        member=hooks["webhook"],
        kind="webhook",
        space="",
        subject="webhook " + hooks["webhook"],
        within="",
        action="",
        way="",
        ignores=hooks["ignores_errors"].map({True: "yes", False: ""}),
        missed=pd.Series(missed, index=hooks.index, dtype="str"),
    )[_EXAMINED]


def unseen_engines(coverage: pd.DataFrame) -> str:
    """Return which kinds of admission engines were not seen in full; a cluster that does not define them has none."""
    complete = coverage["status"].isin(COMPLETE)
    said = {f"{kind.kind} (not asked)" for kind in ENGINE_KINDS if not len(_of(coverage, kind.group, kind.kind))}
    mine = coverage["group"].eq(CONSTRAINTS)
    for kind in ENGINE_KINDS:
        mine |= coverage["group"].eq(kind.group) & coverage["kind"].eq(kind.kind)
    gaps = coverage[mine & ~complete]
    said |= set(gaps["kind"] + " (" + gaps["status"].str.replace("_", " ") + ")")
    if (
        _of(coverage, TEMPLATES, "ConstraintTemplate")["count"].gt(0).any()
        and not coverage["group"].eq(CONSTRAINTS).any()
    ):
        said.add("constraints (not asked)")
    return ", ".join(sorted(said))


def _of(coverage: pd.DataFrame, group: str, kind: str) -> pd.DataFrame:
    return coverage[coverage["group"].eq(group) & coverage["kind"].eq(kind)]
