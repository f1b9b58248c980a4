"""What would be otherwise after changes of objects that nobody has made yet."""

from hipaa_kit.tables.declaration import Table, flag, text
from hipaa_kit.vocabulary import SEVERITIES, VERDICTS

OBJECT_CHANGES = Table(
    "object_changes",
    "one object that a what-if makes, changes or deletes",
    ("object", "group"),
    (
        text("object", "`Kind/namespace/name`"),
        text("group", "its API group; the core group is none"),
        text("change", "what happens to it", ("created", "changed", "deleted")),
        flag("asked", "it was named; false where it follows, as a pod does from its template"),
        text("fields_removed", "fields that it had and has no more, as paths joined by spaces"),
    ),
)

FINDING_CHANGES = Table(
    "finding_changes",
    "one finding that is otherwise in a what-if",
    ("check", "object"),
    (
        text(
            "change",
            "`appears`: it fails now; `vanishes`: it failed, and passes or is nothing to judge now; `verdict`: its "
            "verdict is another; `reason`: its severity or reason is another",
            ("appears", "vanishes", "verdict", "reason"),
        ),
        text("check", "control id"),
        text("topic", "topic of the control"),
        text("object", "object judged, `Kind/namespace/name`; a name `*` stands for what could not be seen"),
        text("severity", "severity after, else before", SEVERITIES),
        text("before", "verdict before, or none", ("", *VERDICTS)),
        text("after", "verdict after, or none", ("", *VERDICTS)),
        text("reason_before", "reason before, or none"),
        text("reason_after", "reason after, or none"),
    ),
)
