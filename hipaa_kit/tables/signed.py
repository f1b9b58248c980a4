"""What people sign: waivers, decisions, attestations, assessments by others, registers, and how each record stands."""

from hipaa_kit.tables.declaration import Table, count, flag, maybe, text
from hipaa_kit.vocabulary import DISPOSITIONS, SEVERITIES

RECORD_KINDS = ("Waiver", "Decision", "Attestation", "IndependentAssessment", "RegisterEntry", "Review")
DECISIONS = ("", "implement", "alternative", "not_reasonable")
METHODS = ("", "examine", "interview", "test")
ARTIFACT_STATES = ("verified", "missing", "differs")
RECORD_STATES_WORDS = ("valid", "widened", "unused", "unseen", "invalid")

SIGNED_RECORDS = Table(
    "signed_records",
    "one record that somebody signed",
    ("record",),
    (
        text("record", "`Kind//id` of it"),
        text("kind", "kind of record", RECORD_KINDS),
        text("id", "its id, as written"),
        text("disposition", "what it gives a finding if it stands, or none", DISPOSITIONS),
        text("citation", "paragraph of the rule it speaks of, or none"),
        text("fingerprint", "the one finding it speaks of, by `fingerprint` or `finding_id`, or none"),
        text("decision", "what was decided, or none", DECISIONS),
        text("method", "how it was found out, or none", METHODS),
        maybe("applies", "false where it states that a control does not speak of this organisation"),
        text("statement", "reason, rationale, statement or result, as written"),
        text("alternative", "measure in its place, or none"),
        text("risk", "entry of the risk analysis, or none"),
        text("provider", "provider that does it instead, with agreement and report, or none"),
        text("owner", "who answers for it"),
        text("approver", "who approved or reviewed it"),
        text("signed_on", "day on which it was approved, performed or held"),
        text("expires_on", "last day on which it stands, or none"),
        count("objects_at_approval", "findings it met when it was approved, if that was written down"),
        text("lacking", "required fields that are empty, joined by spaces"),
        text("source", "file in the folder of records"),
        count("line", "line in it"),
    ),
)

RECORD_CONTROLS = Table(
    "record_controls",
    "one control that one record speaks of",
    ("record", "control"),
    (text("record", "`Kind//id` of the record"), text("control", "id of the control")),
)

RECORD_MATCHES = Table(
    "record_matches",
    "one condition that an object has to meet for a record to speak of it; all of a record's hold together",
    ("record", "field"),
    (
        text("record", "`Kind//id` of the record"),
        text("field", "what is compared", ("cluster", "namespace", "kind", "name")),
        text("pattern", "glob, or a regular expression after `re:`"),
    ),
)

RECORD_MEASURES = Table(
    "record_measures",
    "one measure that one record names as compensating",
    ("record", "measure"),
    (text("record", "`Kind//id` of the record"), text("measure", "`Kind/namespace/name`, or words")),
)

RECORD_ARTIFACTS = Table(
    "record_artifacts",
    "one file that one record rests on",
    ("record", "path"),
    (
        text("record", "`Kind//id` of the record"),
        text("path", "file in the folder of records"),
        text("sha256", "digest that the record names"),
        text("state", "whether the file is there and has that digest", ARTIFACT_STATES),
    ),
)

INDEPENDENT_FINDINGS = Table(
    "independent_findings",
    "one finding of one assessment by somebody else",
    ("record", "finding"),
    (
        text("record", "`IndependentAssessment//id`"),
        text("finding", "id of the finding in its report"),
        text("title", "what was found"),
        text("severity", "severity given there, or none", ("", *SEVERITIES)),
        text("citation", "paragraph of the rule it is about, or none"),
        text("object", "`Kind/namespace/name` it is about, or none"),
        text("owner", "who answers for mending it, or none"),
        text("due_on", "day by which it is to be mended, or none"),
        text("closed_on", "day on which it was closed, or none"),
        text("evidence", "what shows that it is closed, or none"),
    ),
)

FINDING_REGISTER = Table(
    "finding_register",
    "one finding that is kept in the register from run to run",
    ("record",),
    (
        text("record", "`RegisterEntry//id`"),
        text("fingerprint", "`fingerprint` or `finding_id` of the finding"),
        text("owner", "who answers for mending it, or none"),
        text("opened_on", "day on which it was entered, or none"),
        text("due_on", "day by which it is to be mended, or none"),
        text("closed_on", "day on which it was closed, or none"),
        text("evidence", "what shows that it is closed, or none"),
    ),
)

REVIEWS = Table(
    "reviews",
    "one review or evaluation that was held",
    ("record",),
    (
        text("record", "`Review//id`"),
        text("kind", "what was reviewed: evaluation, or another word"),
        text("held_on", "day on which it was held, or none"),
        text("about", "what it was about, or none"),
        text("result", "what came of it, or none"),
    ),
)

RECORD_FILES = Table(
    "record_files",
    "one file of the folder of records",
    ("path",),
    (
        text("path", "file in that folder"),
        text("role", "list of records, or an artefact that one rests on", ("records", "artifact")),
        text("sha256", "digest of its bytes"),
    ),
)

RECORD_STATES = Table(
    "record_states",
    "one signed record and how it stands at the moment judged for",
    ("record",),
    (
        text("record", "`Kind//id` of it"),
        text(
            "state",
            "valid; valid, but over more objects than when it was approved; without anything left to speak of; not to"
            " be told because something was not seen; or invalid",
            RECORD_STATES_WORDS,
        ),
        flag("stands", "it gives its disposition to findings"),
        count("matched", "findings it speaks of"),
        text("problem", "what is wrong with it, in words, or none"),
    ),
)

RECORD_PROBLEMS = Table(
    "record_problems",
    "one thing that is wrong with one signed record",
    ("record", "problem"),
    (
        text("record", "`Kind//id` of it"),
        text(
            "problem",
            "what is wrong",
            (
                "incomplete",
                "self_approved",
                "expired",
                "not_yet",
                "too_long",
                "not_addressable",
                "contradicted",
                "measure_missing",
                "measure_unseen",
                "artifact_missing",
                "artifact_differs",
                "unused",
                "unseen",
                "widened",
            ),
        ),
        flag("invalidates", "the record gives no disposition because of it"),
        text("words", "the same in a sentence"),
    ),
)

EXEMPTION_CLAIMS = Table(
    "exemption_claims",
    "one claim in the cluster itself that a tool is to pass over an object; listed, and never honoured",
    ("object", "claim"),
    (
        text("object", "`Kind/namespace/name` that carries it"),
        text("claim", "annotation, label or exception"),
        text("tool", "tool that it speaks to"),
    ),
)

SIGNED_TABLES = {
    table.name: table
    for table in (
        SIGNED_RECORDS,
        RECORD_CONTROLS,
        RECORD_MATCHES,
        RECORD_MEASURES,
        RECORD_ARTIFACTS,
        INDEPENDENT_FINDINGS,
        FINDING_REGISTER,
        REVIEWS,
        RECORD_FILES,
    )
}
"""Tables that the folder of records fills, by name."""
