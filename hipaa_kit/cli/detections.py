"""The command that lists detections, and writes them as rules of other engines."""

from __future__ import annotations

import argparse
from typing import Any

from hipaa_kit.cli.terminal import make_verb, print_table, say
from hipaa_kit.errors import EXIT_DONE, InputError

COLUMNS = ["detection", "part", "level", "severity", "what", "sigma", "loki"]


def add_detections(verbs: Any) -> None:
    """Declare `detections`."""
    verb = make_verb(verbs, "detections", _run, "list detections on the audit log, or write them as rules")
    verb.add_argument(
        "snapshot", nargs="?", help="snapshot, dump or manifests whose names rules for Loki are made with"
    )
    verb.add_argument("--scope", help="scope.yaml; the one beside the snapshot by default")
    verb.add_argument("--inputs", help="folder of what else is known; inputs/ beside scope.yaml by default")
    verb.add_argument(
        "-f",
        "--format",
        default="text",
        choices=("text", "json", "csv", "sigma", "loki"),
        help="text (default), json or csv list them; sigma and loki write rules",
    )


def _run(arguments: argparse.Namespace) -> int:
    from hipaa_kit.evidence.rules.loki import left_out, loki_text
    from hipaa_kit.evidence.rules.sigma import sigma_text

    lists = _lists(arguments)
    if arguments.format == "sigma":
        print(sigma_text(), end="")
    elif arguments.format == "loki":
        print(loki_text(lists), end="")
        for name, why in left_out(lists):
            say(f"{name} is not written: {why}")
    else:
        print_table(_listed(lists), arguments.format, COLUMNS)
    return EXIT_DONE


def _lists(arguments: argparse.Namespace) -> dict[str, list[str]]:
    """Return what is known of the site; without a snapshot only what every cluster has."""
    from hipaa_kit.graph.detections.site import STOCK_LISTS
    from hipaa_kit.graph.detections.tables import site_from

    if not arguments.snapshot:
        if arguments.scope or arguments.inputs:
            raise InputError("a scope or inputs come with a snapshot", "detections", "name the snapshot first")
        return {name: list(words) for name, words in STOCK_LISTS.items()}
    from hipaa_kit.assess.opening import assessment

    run = assessment(arguments.snapshot, scope=arguments.scope, inputs=arguments.inputs)
    return site_from(run.tables).words()


def _listed(lists: dict[str, list[str]]) -> Any:
    import pandas as pd

    from hipaa_kit.evidence.rules.fields import UNSAID
    from hipaa_kit.evidence.rules.loki import left_out
    from hipaa_kit.kube.audit.detections import DETECTIONS

    unwritten = dict(left_out(lists))
    rows = [
        {
            "detection": each.id,
            "part": each.part,
            "level": each.level,
            "severity": each.severity,
            "what": each.act,
            "sigma": "no" if (each.id, each.part) in UNSAID else "yes",
            "loki": "no" if each.name in unwritten else "yes",
        }
        for each in DETECTIONS
    ]
    return pd.DataFrame(rows, columns=COLUMNS)
