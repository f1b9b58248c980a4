"""The commands that ask about the network: `diff`, and `explain` of a connection."""

from __future__ import annotations

import argparse
import json
from typing import Any

from hipaa_kit.cli.terminal import make_verb, print_table
from hipaa_kit.errors import EXIT_DONE

CHANGES = ["source", "destination", "protocol", "port_from", "port_to", "before", "after", "policies"]


def add_network_verbs(verbs: Any) -> None:
    """Declare the commands."""
    _diff(verbs)


def _diff(verbs: Any) -> None:
    summary = "show which connections between workloads have appeared, gone or changed between two snapshots"
    verb = make_verb(verbs, "diff", _run_diff, summary)
    verb.add_argument("before", metavar="BEFORE", help="snapshot, dump or manifests of the earlier state")
    verb.add_argument("after", metavar="AFTER", help="the same of the later state")
    verb.add_argument("-f", "--format", default="table", choices=("table", "json", "csv"), help="table (default)")


def explain_connection(arguments: argparse.Namespace) -> int:
    """Say why a connection is allowed, denied or not known."""
    from hipaa_kit.assess.opening import open_any
    from hipaa_kit.graph.reachability import Reachability
    from hipaa_kit.resources import shipped

    snapshot = open_any(arguments.snapshot or str(shipped("data") / "clinic"))
    found = Reachability.of(snapshot).explain(
        arguments.source, arguments.destination, arguments.protocol, arguments.port
    )
    if arguments.format == "json":
        print(json.dumps(found.to_dict(), indent=1))
    elif arguments.format == "table":
        print_table(
            found.table(), "table", ["direction", "step", "stage", "policy", "rule", "action", "matches", "detail"]
        )
    else:
        print(found)
    return EXIT_DONE


def _run_diff(arguments: argparse.Namespace) -> int:
    from hipaa_kit.assess.opening import open_any
    from hipaa_kit.graph.reachability import Reachability

    before, after = (Reachability.of(open_any(name)) for name in (arguments.before, arguments.after))
    changes = before.diff(after)
    if changes.empty and arguments.format == "table":
        print("no connection between workloads has changed")
    else:
        print_table(changes, arguments.format, CHANGES)
    return EXIT_DONE
