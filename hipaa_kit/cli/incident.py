"""The command that asks what somebody who was taken over could reach, and what they did."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any, Final

from hipaa_kit.cli.terminal import add_audit_log, make_verb, refuse_existing, say, write_folder
from hipaa_kit.errors import EXIT_DONE

if TYPE_CHECKING:
    import pandas as pd

    from hipaa_kit.graph.incident import Incident

PARTS: Final = ("identities", "acts", "hours", "reach", "blind")
LINES: Final = 40


def add_incident(verbs: Any) -> None:
    """Declare the command."""
    summary = "an identity or pod was taken over: what could it reach, what did it do, what would not show"
    verb = make_verb(verbs, "incident", _run, summary)
    verb.add_argument("snapshot", metavar="SNAPSHOT", help="snapshot, dump, or a folder with scope.yaml and objects/")
    who = "ServiceAccount/namespace/name, Pod/namespace/name, a workload, Node//name, User//name, or a user name"
    verb.add_argument("who", metavar="WHO", help=who)
    verb.add_argument("--since", required=True, metavar="RFC3339", help="moment from which it was in other hands")
    verb.add_argument("--until", default="", metavar="RFC3339", help="end of the time in question; the snapshot's own")
    verb.add_argument("--scope", default="", help="scope.yaml; the one beside the snapshot by default")
    verb.add_argument(
        "--inputs", default="", metavar="DIR", help="what else is known; the folder inputs beside scope.yaml by default"
    )
    add_audit_log(verb)
    verb.add_argument("-f", "--format", default="text", choices=("text", "json"), help="text (default) or json")
    verb.add_argument("-o", "--out", default="", metavar="DIR", help="folder to make, with a CSV file for each table")


def _run(arguments: argparse.Namespace) -> int:
    from hipaa_kit.assess.opening import assessment

    if arguments.out:
        refuse_existing(arguments.out)
    run = assessment(arguments.snapshot, scope=arguments.scope, inputs=arguments.inputs, audit_log=arguments.audit_log)
    found = run.incident(arguments.who, arguments.since, arguments.until)
    if arguments.out:
        write_folder(arguments.out, _files(found))
    elif arguments.format == "json":
        held = {name: json.loads(getattr(found, name).to_json(orient="records")) for name in PARTS}
        print(json.dumps({"who": found.who, "since": found.since, "until": found.until, **held}, indent=1))
    else:
        print("\n".join(_sentences(found)))
    if (found.blind["matter"] == "no log").any():
        say("no audit log was given: what was done is not known")
    return EXIT_DONE


def _files(found: Incident) -> dict[str, bytes]:
    from hipaa_kit.tables import TABLES

    return {f"{name}.csv": TABLES[f"incident_{name}"].to_csv(getattr(found, name)).encode() for name in PARTS}


def _sentences(found: Incident) -> list[str]:
    """Return the answer in lines, the gravest first."""
    from hipaa_kit.printable import printable
    from hipaa_kit.views.incident import gravest, in_words, reached

    parts: tuple[tuple[str, pd.DataFrame], ...] = (
        ("in question", in_words(found.identities)),
        ("what it did, by the audit log", gravest(found.acts)),
        ("what it could reach", reached(found.reach)),
        ("what would not show", found.blind[["matter", "what", "since", "until", "instead"]]),
    )
    lines = [f"{found.who}, from {found.since} to {found.until}"]
    for title, frame in parts:
        lines += ["", f"{title}: {len(frame)}"]
        if len(frame):
            lines += frame.head(LINES).to_string(index=False, justify="left").splitlines()
        if len(frame) > LINES:
            lines.append(f"… and {len(frame) - LINES} more: --format json, or --out DIR")
    return [printable(line) for line in lines]
