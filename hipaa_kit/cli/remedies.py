"""The command that says what would mend failing findings."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hipaa_kit.cli.terminal import make_verb, now, print_table, refuse_existing, say
from hipaa_kit.counting import Count
from hipaa_kit.errors import EXIT_DONE, InputError

if TYPE_CHECKING:
    import pandas as pd

BUNDLED = Path("data") / "tables" / "remedies.csv"


def add_remedies(verbs: Any) -> None:
    """Add the command `remedies`."""
    verb = make_verb(verbs, "remedies", _run, "show what would mend failing findings, and whether that was proved")
    verb.add_argument(
        "snapshot",
        metavar="SNAPSHOT|BUNDLE",
        help="snapshot, dump, manifests, or a folder with scope.yaml and objects/; or a bundle",
    )
    verb.add_argument("--topic", action="append", default=[], help="of this topic alone; repeatable")
    verb.add_argument("--check", action="append", default=[], help="of this check alone; repeatable")
    verb.add_argument("-n", "--namespace", default="", help="of objects in this namespace alone")
    verb.add_argument("--proved", action="store_true", help="those alone that were proved on the changed objects")
    verb.add_argument("--scope", help="scope.yaml; the one beside the snapshot by default")
    verb.add_argument(
        "--inputs", metavar="DIR", help="what else is known; the folder inputs beside scope.yaml by default"
    )
    verb.add_argument(
        "--as-of", default="", metavar="RFC3339", help="moment to judge for; the snapshot's own by default"
    )
    verb.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="parameter of a check; repeatable"
    )
    verb.add_argument("-o", "--out", default="", metavar="DIR", help="folder to make, with a file for each object")
    verb.add_argument(
        "-f", "--format", default="text", choices=("text", "json", "csv"), help="text (default), json or csv"
    )


def _run(arguments: argparse.Namespace) -> int:
    from hipaa_kit.evidence.remedies import remedy_files, write_remedies
    from hipaa_kit.views.mending import overview, steps_text

    if arguments.out:
        refuse_existing(arguments.out)
    bundled = Path(arguments.snapshot) / BUNDLED
    frame, cluster, moment = _of_bundle(bundled) if bundled.is_file() else _of_snapshot(arguments)
    frame = _chosen(frame, arguments)
    seen = overview(frame)
    counts = ", ".join(f"{number} {word}" for word, number in seen["verified"].value_counts().sort_index().items())
    failing = Count(len(seen))
    words = f"{failing:finding} {failing:fails|fail}; proved: {counts}"
    say(words if len(seen) else "no finding fails of those asked for")
    if arguments.out:
        write_remedies(remedy_files(frame, cluster, moment), Path(arguments.out))
        print(arguments.out)
    elif arguments.format == "text":
        print(steps_text(frame))
    else:
        print_table(frame, arguments.format, [])
    return EXIT_DONE


def _of_bundle(path: Path) -> tuple[pd.DataFrame, str, str]:
    """Return the remedies that a bundle holds, with its cluster and moment."""
    import json

    from hipaa_kit.tables.remedies import REMEDIES

    manifest = path.parent.parent / "snapshot" / "snapshot.json"
    told = json.loads(manifest.read_text(encoding="utf-8")) if manifest.is_file() else {}
    cluster = told.get("cluster", {}).get("name", "")
    return REMEDIES.read_csv(path.read_text(encoding="utf-8")), cluster, told.get("collected_at", "")


def _of_snapshot(arguments: argparse.Namespace) -> tuple[pd.DataFrame, str, str]:
    from hipaa_kit.assess.opening import assessment, find_scope, open_any, parse_settings

    snapshot = open_any(arguments.snapshot)
    run = assessment(
        snapshot,
        arguments.scope or find_scope(arguments.snapshot),
        as_of=arguments.as_of or snapshot.collected_at or now(),
        parameters=parse_settings(arguments.set),
        topics=_topics(arguments),
        inputs=arguments.inputs,
    )
    return run.tables["remedies"], snapshot.identity.name, snapshot.collected_at


def _topics(arguments: argparse.Namespace) -> list[str]:
    """Return the topics to assess: those asked for, else those of the checks asked for."""
    from hipaa_kit.assess.facade import registered_checks
    from hipaa_kit.catalogue import load_catalogue

    if strange := [check for check in arguments.check if check not in registered_checks()]:
        raise InputError(f"there is no check {strange[0]!r}", "--check", "hipaa-kit checks lists them")
    return list(arguments.topic or {load_catalogue().control(check).topic for check in arguments.check})


def _chosen(frame: pd.DataFrame, arguments: argparse.Namespace) -> pd.DataFrame:
    for column, wanted in (("topic", arguments.topic), ("check", arguments.check)):
        frame = frame[frame[column].isin(wanted)] if wanted else frame
    if arguments.namespace:
        place = f"/{arguments.namespace}/"
        named = frame["object"].str.contains(place, regex=False)
        frame = frame[named | frame["object"].eq(f"Namespace//{arguments.namespace}")]
    if arguments.proved:
        frame = frame[frame["verified"].isin(["yes", "together"])]
    return frame.reset_index(drop=True)
