"""What would mend findings, and whether that was proved."""

from hipaa_kit.tables.declaration import Table, count, text

REMEDY_KINDS = ("patch", "object", "replace", "delete", "command", "instruction")
VERIFIED = ("yes", "together", "no", "cannot")

REMEDIES = Table(
    "remedies",
    "one step of what would mend one failing finding",
    ("check", "object", "step"),
    (
        text("finding_id", "finding that it mends"),
        text("check", "control id"),
        text("topic", "topic of the control"),
        text("object", "object that fails, `Kind/namespace/name`"),
        count("step", "position among the steps, which are applied in this order"),
        text("title", "what the remedy does, in words"),
        text(
            "kind",
            "a change of an object as it stands in Git or the cluster, a new object, one that takes the place of "
            "another, one to delete, a command, or what a person does",
            REMEDY_KINDS,
        ),
        text("target", "object that the step changes, makes or deletes, or none"),
        text("text", "manifest or patch as YAML, the command line, or what to do in words"),
        text(
            "verified",
            "the remedy with all its steps mends the finding: proved by judging the changed objects again, "
            "proved where all other remedies are applied as well, disproved, or not to be seen from objects",
            VERIFIED,
        ),
        text("outcome", "what the check says of the object once the changes are made, or none"),
        text("unproved", "why objects cannot show it, where that is so, or none"),
        text("caution", "what it could break, and what to look at before"),
    ),
)
