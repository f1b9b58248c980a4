"""What was asked, what was answered, and what follows from it."""

from hipaa_kit.tables.declaration import Table, amount, count, flag, text
from hipaa_kit.vocabulary import (
    CITATION_STATUSES,
    COVERAGE_STATUSES,
    DISPOSITIONS,
    REASONS,
    RELATIONS,
    RELEVANCES,
    SEVERITIES,
    VERDICTS,
)

COUNTS = (
    count("passed", "findings that pass"),
    count("failed", "findings that fail"),
    count("to_review", "findings a person must judge"),
    count("not_assessed", "findings without enough input"),
    count("errors", "checks that broke"),
    count("alternative", "of these, the ones that an equivalent measure answers"),
    count("accepted_risk", "of these, the ones whose risk was accepted for a time"),
    count("attested", "of these, the ones that a named person has answered"),
    count("inherited", "of these, the ones that a provider answers for"),
)
"""Columns in which findings are counted, by verdict and by disposition."""

COVERAGE = Table(
    "coverage",
    "one kind in one namespace that was, or was not, asked of the cluster",
    ("group", "kind", "namespace"),
    (
        text("group", "API group; none is the core group"),
        text("kind", "kind of object"),
        text("resource", "its name in the API"),
        flag("namespaced", "objects of the kind live in namespaces"),
        text("namespace", "namespace asked; none is the whole cluster"),
        text("status", "what came back", COVERAGE_STATUSES),
        count("count", "objects received"),
        text("resource_version", "version of the list, or none"),
        text("started_at", "when it was asked, UTC"),
        text("ended_at", "when the last page came, UTC"),
        text("source", "request or file"),
        text("error", "the refusal or failure in the server's own words, or none"),
    ),
)

PROVENANCE = Table(
    "provenance",
    "one object of the snapshot and the place it was read from",
    ("group", "kind", "namespace", "name"),
    (
        text("group", "API group"),
        text("kind", "kind of object"),
        text("namespace", "its namespace, or none"),
        text("name", "its name"),
        text("source", "request or file"),
        text("position", "JSON pointer or line in it"),
        text("sha256", "digest of the redacted object in canonical form"),
    ),
)

CONFLICTS = Table(
    "conflicts",
    "one object that was read twice with different content; the first named was kept",
    ("group", "kind", "namespace", "name", "dropped_source", "dropped_position"),
    (
        text("group", "API group"),
        text("kind", "kind of object"),
        text("namespace", "its namespace, or none"),
        text("name", "its name"),
        text("kept_source", "where the kept one was read"),
        text("kept_position", "position there"),
        text("dropped_source", "where the other was read"),
        text("dropped_position", "position there"),
    ),
)

UNREADABLE = Table(
    "unreadable",
    "one file, or part of one, that could not be read",
    ("source", "position"),
    (
        text("source", "file"),
        text("position", "line in it"),
        text("error", "why"),
    ),
)

SET_ASIDE = Table(
    "set_aside",
    "one thing in the input that is no object of a cluster, recognised and left for its own reader",
    ("source", "what"),
    (
        text("source", "file, or folder in the input"),
        text("what", "what it is"),
        count("records", "records in it, as far as they were counted"),
    ),
)

JUDGEMENTS = Table(
    "judgements",
    "what one check says of one object, before the runner has looked at coverage",
    ("object", "member"),
    (
        text("object", "object judged, `Kind/namespace/name`"),
        text("member", "part of it that the row speaks of (pod, container), or none"),
        text("verdict", "verdict", VERDICTS),
        text("reason", "one sentence with what was observed"),
        text("reason_code", "code where not assessed", ("", *REASONS)),
        text("path", "JSON path in the object, or none"),
        text("observed", "value found, or none"),
        text("expected", "value wanted, or none"),
        text("severity", "severity of this case where it is not the control's, or none", ("", *SEVERITIES)),
        text("rests_on", "tables whose completeness this verdict needs, joined by spaces"),
        text("evidence", "objects it rests on, joined by spaces"),
    ),
)

FINDINGS = Table(
    "findings",
    "one check's verdict on one object; objects that pass are rows too",
    ("check", "object"),
    (
        text("finding_id", "stable id: digest of check, cluster and object"),
        text("fingerprint", "the same without the cluster"),
        text("check", "control id"),
        text("topic", "topic of the control"),
        text("object", "object judged, `Kind/namespace/name`; a name `*` stands for what could not be seen"),
        text("kind", "kind of the object"),
        text("namespace", "its namespace, or none"),
        text("name", "its name"),
        count("members", "parts examined in it"),
        count("members_failing", "parts that fail"),
        text("verdict", "verdict", VERDICTS),
        text("reason_code", "code where not assessed", ("", *REASONS)),
        text("reason", "one sentence with what was observed"),
        text("reason_detail", "every input that was missing, or none"),
        text("severity", "severity after relevance to ePHI", SEVERITIES),
        text("base_severity", "severity the control declares", SEVERITIES),
        text("ephi_relevance", "how near the object is to ePHI", RELEVANCES),
        text("path", "JSON path in the object, or none"),
        text("observed", "value found, or none"),
        text("expected", "value wanted, or none"),
        text("evidence_sha256", "digest of the redacted object, or none"),
        text("evidence_source", "file or request and position, or none"),
        text("disposition", "what a named person recorded and what stands, beside the verdict, or none", DISPOSITIONS),
        text("record", "`Kind//id` of the record that gives it, or of one that does not stand, or none"),
        flag("record_valid", "that record stands"),
        text("record_expires_on", "last day on which it stands, or none"),
        text("hidden_by", "preset that leaves the finding out of what is shown, or none"),
    ),
)

FINDING_MEMBERS = Table(
    "finding_members",
    "one part of an object that a finding speaks of",
    ("check", "object", "member"),
    (
        text("check", "control id"),
        text("object", "object judged"),
        text("member", "pod or container, `Pod/namespace/name` or `Pod/namespace/name/container`"),
        text("verdict", "verdict of this part", VERDICTS),
        text("reason", "one sentence with what was observed"),
    ),
)

FINDING_EVIDENCE = Table(
    "finding_evidence",
    "one object on which a finding rests",
    ("check", "object", "evidence"),
    (
        text("check", "control id"),
        text("object", "object judged"),
        text("evidence", "object it rests on, or the coverage row `Coverage/namespace/Kind`"),
        text("sha256", "digest of that object in canonical form, or none"),
        text("source", "file or request and position, or none"),
    ),
)

CHECK_INPUTS = Table(
    "check_inputs",
    "one kind in one namespace, or one other input, that one check reads, and what came back for it",
    ("check", "table", "group", "kind", "namespace"),
    (
        text("check", "control id"),
        text("table", "table it reads"),
        text("group", "API group; `input` for what is not an object of the cluster"),
        text("kind", "kind of object behind the table, or name of the input"),
        text("namespace", "namespace; none is the whole cluster"),
        text("status", "what came back", COVERAGE_STATUSES),
        text("error", "the refusal in the server's own words, or the command that gives the input, or none"),
    ),
)

CITATIONS = Table(
    "citations",
    "one citation of the Security Rule and what the findings say of it",
    ("citation",),
    (
        text("citation", "paragraph of 45 CFR"),
        text("title", "its title"),
        text("kind", "general, standard, standalone, required or addressable"),
        text("status", "what the evidence shows", CITATION_STATUSES),
        text("standing", "the same with what people recorded of it, such as `gap, accepted until 2027-03-31`"),
        text("reason", "why it is not better"),
        count("checks", "controls of the catalogue that serve it"),
        count("checks_run", "of these, the ones that this run carried out"),
        *COUNTS,
        amount("assessed", "fraction of applicable findings, without those of a provider, that were judged"),
    ),
)

FINDING_CITATIONS = Table(
    "finding_citations",
    "one citation that one finding serves",
    ("check", "object", "citation"),
    (
        text("check", "control id"),
        text("object", "object judged"),
        text("citation", "paragraph of 45 CFR"),
        text("kind", "general, standard, standalone, required or addressable"),
        text("relation", "direct or supporting", RELATIONS),
        text("disposition", "what a named person recorded of the finding as far as this citation goes", DISPOSITIONS),
        text("record", "`Kind//id` of the record that gives it, or none"),
        text("record_expires_on", "last day on which it stands, or none"),
    ),
)

TOPIC_SUMMARY = Table(
    "topic_summary",
    "one topic and the findings in it",
    ("topic",),
    (
        text("topic", "topic"),
        text("article", "part of the source article that it belongs to, or none"),
        text("status", "what the evidence shows", CITATION_STATUSES),
        text("standing", "the same with what people recorded of it"),
        text("reason", "why it is not better"),
        count("checks", "controls of the catalogue"),
        count("checks_run", "of these, the ones that this run carried out"),
        *COUNTS,
        count("not_applicable", "findings with nothing to examine"),
        amount("assessed", "fraction of applicable findings, without those of a provider, that were judged"),
    ),
)

OWNER_SUMMARY = Table(
    "owner_summary",
    "one person or team, and the findings of what it answers for",
    ("owner",),
    (
        text("owner", "owner by the register of findings, else by the scope; `nobody named` where neither tells"),
        *COUNTS,
        count("overdue", "findings that fail and whose day in the register has passed"),
        text("worst", "highest severity of those that fail, or none", ("", *SEVERITIES)),
        amount("assessed", "fraction of applicable findings, without those of a provider, that were judged"),
    ),
)

PROPOSED_CONTROLS = Table(
    "proposed_controls",
    "one control that meets a paragraph of the rule proposed in 2025, which is not in force; none unless asked for",
    ("control",),
    (
        text("control", "control id"),
        text("title", "its title"),
        text("paragraph", "paragraph of the proposal, as text: its numbers mean other things in the rule in force"),
        text("basis", "how the paragraph is known", ("quoted", "secondary", "verify")),
        text("label", "proposed, not in force"),
        text("standing", "what the findings show, with that label"),
        count("passed", "findings that pass"),
        count("failed", "findings that fail"),
        count("to_review", "findings a person must judge"),
        count("not_assessed", "findings without enough input"),
        amount("assessed", "fraction of applicable findings that were judged"),
    ),
)

CHECKS = Table(
    "checks",
    "one check that the kit can run",
    ("check",),
    (
        text("check", "control id"),
        text("topic", "topic"),
        text("title", "title of the control"),
        text("severity", "severity the control declares", SEVERITIES),
        text("citations", "citations served, joined by `; `"),
        text("tables", "tables read, joined by spaces"),
        text("kinds", "kinds behind them, joined by spaces"),
        text("inputs", "inputs beside the cluster that it cannot judge without, joined by spaces"),
        text("parameters", "parameters with defaults, joined by spaces"),
        flag("needs_scope", "cannot judge without a declared scope"),
    ),
)
