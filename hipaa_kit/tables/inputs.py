"""What else was given beside the cluster: which inputs, from which files, and what contradicted what."""

from hipaa_kit.tables.declaration import Table, count, text

INPUT_STATUSES = ("given", "unreadable", "missing")

INPUTS = Table(
    "inputs",
    "one input that an assessment may use beside the objects of the cluster",
    ("input",),
    (
        text("input", "name of the input"),
        text("what", "what it is"),
        text("status", "given, not given, or given in part because a file of it could not be read", INPUT_STATUSES),
        count("files", "files read for it"),
        count("rows", "rows they gave"),
        count("conflicts", "values that two of its files give differently"),
        text("tables", "tables it fills, joined by spaces"),
        text("command", "command or file that gives it"),
    ),
)

INPUT_FILES = Table(
    "input_files",
    "one file, or part of one, and the input it was read as",
    ("input", "source"),
    (
        text("input", "name of the input"),
        text("source", "file, from the folder of inputs"),
        text("form", "form it was recognised as"),
        count("rows", "rows it gave"),
    ),
)

INPUT_CONFLICTS = Table(
    "input_conflicts",
    "one value that a later file or part gives differently; the first was kept",
    ("table", "key", "column", "dropped_source"),
    (
        text("table", "table it stands in"),
        text("key", "key of the row, its parts joined by ` | `"),
        text("column", "column"),
        text("kept_source", "where the kept one was read"),
        text("dropped_source", "where the other was read"),
    ),
)
