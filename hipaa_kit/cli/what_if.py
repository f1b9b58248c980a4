"""The command that says what would be otherwise if objects were applied or deleted: for a pull request, say."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from hipaa_kit.cli.terminal import make_verb, print_table, say
from hipaa_kit.errors import EXIT_DONE, InputError
from hipaa_kit.vocabulary import SEVERITIES

if TYPE_CHECKING:
    import pandas as pd

    from hipaa_kit.assess.what_if import WhatIf

SHOWN = {
    "objects": ["change", "object", "asked", "fields_removed"],
    "paths": ["change", "criticality", "confidence", "cost", "path"],
    "findings": ["change", "severity", "check", "object", "before", "after", "reason_after"],
    "flows": ["source", "destination", "protocol", "port_from", "port_to", "before", "after"],
    "permissions": ["change", "subject_kind", "subject", "verb", "resource", "scope", "binding"],
}
"""Columns of each table that are shown."""

SAID = 5
"""Gaps that are named at most."""


def add_what_if(verbs: Any) -> None:
    """Add the command `what-if`."""
    summary = "show what would appear and vanish if manifests were applied, or objects deleted; no cluster is touched"
    for name in ("what-if", "whatif"):
        verb = make_verb(verbs, name, _run, summary)
        verb.add_argument(
            "snapshot",
            metavar="SNAPSHOT",
            nargs="?",
            default="",
            help="snapshot, dump or manifests, or a folder with scope.yaml and objects/; none takes the clinic",
        )
        verb.add_argument(
            "--apply", action="append", nargs="+", default=[], metavar="FILE", help="manifests; - reads standard input"
        )
        verb.add_argument(
            "--delete", action="append", default=[], metavar="OBJECT", help="Kind/namespace/name; repeatable"
        )
        verb.add_argument(
            "--label",
            action="append",
            nargs="+",
            default=[],
            metavar=("OBJECT", "K=V"),
            help="labels to set, K- takes one away; repeatable",
        )
        verb.add_argument("-n", "--namespace", default="default", help="namespace of manifests that name none")
        verb.add_argument("--with-scope", metavar="FILE", help="another scope.yaml to judge by")
        verb.add_argument("--scope", help="scope.yaml of the snapshot; the one beside it by default")
        verb.add_argument("--inputs", metavar="DIR", help="what else is known; the folder inputs beside scope.yaml")
        verb.add_argument("--as-of", default="", metavar="RFC3339", help="moment to judge for; the snapshot's own")
        verb.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="parameter of a check")
        verb.add_argument(
            "--fail-on",
            action="append",
            default=[],
            choices=("new-path", "new-flow", *SEVERITIES),
            help="exit 3 where a path to ePHI or a flow appears, or a finding this severe; repeatable",
        )
        verb.add_argument(
            "-f",
            "--format",
            default="table",
            choices=("table", "json", "md", "sarif"),
            help="md fits a comment, sarif a code host; table by default",
        )


def _run(arguments: argparse.Namespace) -> int:
    from hipaa_kit.assess.gate import exit_code
    from hipaa_kit.assess.opening import assessment, parse_settings

    labels = _labels(arguments.label)
    if not (arguments.apply or arguments.delete or labels or arguments.with_scope):
        raise InputError("nothing is to be changed", "what-if", "give --apply, --delete, --label or --with-scope")
    run = assessment(
        arguments.snapshot,
        arguments.scope,
        as_of=arguments.as_of,
        parameters=parse_settings(arguments.set),
        inputs=arguments.inputs,
    )
    found = run.what_if(
        [file for files in arguments.apply for file in files],
        arguments.delete,
        labels,
        arguments.with_scope,
        namespace=arguments.namespace,
    )
    for gap in found.after.paths.gaps()[:SAID]:
        say(f"more paths may appear than are told: {gap}")
    _show(found, arguments.format)
    reasons = found.reasons(arguments.fail_on)
    for reason in reasons:
        say(reason.words)
    return exit_code(reasons) if reasons else EXIT_DONE


def _labels(given: list[list[str]]) -> dict[str, dict[str, str | None]]:
    found: dict[str, dict[str, str | None]] = {}
    for name, *words in given:
        if not words:
            raise InputError("has no K=V or K-", f"--label {name}", "name the label to set or to take away")
        for word in words:
            key, equals, value = word.partition("=")
            if not equals and not word.endswith("-"):
                raise InputError(f"{word!r} is neither K=V nor K-", f"--label {name}")
            found.setdefault(name, {})[key if equals else word[:-1]] = value if equals else None
    return found


def _show(found: WhatIf, form: str) -> None:
    if form == "sarif":
        from hipaa_kit.views.sarif import sarif

        print(json.dumps(sarif(found), indent=1))
    elif form == "json":
        told = {name: json.loads(frame.to_json(orient="records")) for name, frame in found.tables().items()}
        print(json.dumps(told, indent=1))
    else:
        for name, frame in found.tables().items():
            heading = f"{name}: {len(frame)}" if len(frame) else f"{name}: no change"
            print(f"## {heading}\n" if form == "md" else heading)
            if len(frame) and form == "md":
                print(_markdown(frame[SHOWN[name]]), end="\n\n")
            elif len(frame):
                print_table(frame, "table", SHOWN[name])


def _markdown(frame: pd.DataFrame) -> str:
    rows = [list(frame.columns), ["---"] * len(frame.columns), *frame.astype(str).to_numpy().tolist()]
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)
