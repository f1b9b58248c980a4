"""What other scanners report, beside our findings and never among them."""

from dataclasses import replace

from hipaa_kit.tables.declaration import Table, amount, maybe, text
from hipaa_kit.vocabulary import DIFFERENCES, MAPPING_RELATIONS, REPORT_OUTCOMES, SEVERITIES, VERDICTS

SCANNER_FINDINGS = Table(
    "scanner_findings",
    "what one other scanner says of one object at one place of its report",
    ("tool", "check", "object", "source", "position"),
    (
        text("tool", "scanner; in policy reports the engine that they name as source"),
        text("tool_version", "its version, or that of its benchmark, or none"),
        text("reported_at", "when it looked, as the report says; its own clock where it names no zone; or none"),
        text("check", "check, control, policy, rule or vulnerability, by the id that the tool gives it"),
        text("title", "title that the tool gives it, or none"),
        text("object", "object spoken of, `Kind/namespace/name`; a name `*` is not named; none is the whole cluster"),
        text("part", "container, file or role of a node that the row speaks of, or none"),
        text("said", "status in the tool's own word"),
        text("outcome", "what that comes to", REPORT_OUTCOMES),
        text("severity", "severity that the tool gives, in our words, or none", ("", "unknown", *SEVERITIES)),
        text("message_digest", "keyed digests of its messages, joined by spaces; never the text"),
        text("vulnerability", "CVE or advisory where the row is about one, or none"),
        text("package", "package that has it, or none"),
        text("installed_version", "version found, or none"),
        text("fixed_version", "versions without it, or none"),
        text("image", "image scanned, with digest where the report has it, or none"),
        amount("score", "CVSS score of the vulnerability"),
        amount("epss", "likelihood of its exploitation within 30 days"),
        maybe("exploited", "the scanner says whether it is known to be exploited"),
        text("published_at", "when the vulnerability was published, or none"),
        text("source", "report: request or file"),
        text("position", "JSON pointer or line in it"),
    ),
)

SCANNER_REPORTS = replace(
    SCANNER_FINDINGS,
    name="scanner_reports",
    row="what one other scanner says of one object at one place of a report that was given as a file",
)

DISAGREEMENTS = Table(
    "disagreements",
    "one check of another scanner that says of one object what our control does not",
    ("object", "control", "tool", "check"),
    (
        text("object", "object judged, `Kind/namespace/name`"),
        text("control", "our control id"),
        text("tool", "other scanner"),
        text("check", "its check"),
        text("difference", "kind of difference", DIFFERENCES),
        text("verdict", "our verdict, or none", ("", *VERDICTS)),
        text("outcome", "what its report comes to, or none", ("", *REPORT_OUTCOMES)),
        text("relation", "whether its check asks what our control asks", MAPPING_RELATIONS),
        text("differs", "what it asks otherwise, or none"),
        text("source", "its report, or none"),
        text("position", "place in it, or none"),
    ),
)
