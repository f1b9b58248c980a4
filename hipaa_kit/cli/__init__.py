"""The command line: arguments in, exit codes out; everything else is done by the library.

stdout is data, stderr is talk. Imports stand inside the commands, so that `--help` needs argparse
alone.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hipaa_kit import __version__
from hipaa_kit.cli.cluster import add_cluster_verbs
from hipaa_kit.cli.detections import add_detections
from hipaa_kit.cli.evidence import add_evidence_verbs
from hipaa_kit.cli.explain import add_explain
from hipaa_kit.cli.incident import add_incident
from hipaa_kit.cli.network import add_network_verbs
from hipaa_kit.cli.paths import add_paths
from hipaa_kit.cli.permissions import add_permission_verbs
from hipaa_kit.cli.records import add_record_verbs
from hipaa_kit.cli.remedies import add_remedies
from hipaa_kit.cli.terminal import Parser, add_audit_log, now
from hipaa_kit.cli.terminal import make_verb as _verb
from hipaa_kit.cli.terminal import output as _output
from hipaa_kit.cli.terminal import print_table as _print_table
from hipaa_kit.cli.terminal import progress as _progress
from hipaa_kit.cli.terminal import refuse_existing as _refuse_existing
from hipaa_kit.cli.terminal import say as _say
from hipaa_kit.cli.terminal import say_what_was_read as _say_what_was_read
from hipaa_kit.cli.what_if import add_what_if
from hipaa_kit.errors import (
    EXIT_DONE,
    EXIT_INTERNAL,
    EXIT_INTERRUPTED,
    EXIT_NOTHING_ASSESSED,
    InputError,
    KitError,
)

if TYPE_CHECKING:
    from hipaa_kit.assess.facade import Assessment
    from hipaa_kit.batch.run import NotebookRun
    from hipaa_kit.batch.specs import NotebookSpec

# Building this grammar costs more than a second of every start and serves one string format that
# nothing here validates; jsonschema does without it when the import fails.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

EXIT_CODES = """\
exit codes:
  0 done   1 internal error, or a notebook did not finish   2 usage, configuration or unreadable input
  3 findings that fail at or above --fail-on   4 nothing was assessed, or less than --min-coverage
  6 evidence is not as it was written   7 a signed record does not stand, with --require-records
  of several the first of 1, 2, 6, 3, 4, 7   130 interrupted"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except KitError as error:
        print(f"hipaa-kit: {error.line()}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("hipaa-kit: interrupted; nothing was written", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone; Python would complain again when it flushes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hipaa-kit",
        description="Evidence for a HIPAA Security Rule assessment of Kubernetes.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"hipaa-kit {__version__}")
    verbs = parser.add_subparsers(title="commands", required=True, metavar="COMMAND", parser_class=Parser)
    _demo(verbs)
    add_cluster_verbs(verbs)
    _import(verbs)
    _inspect(verbs)
    _assess(verbs)
    add_remedies(verbs)
    add_what_if(verbs)
    add_paths(verbs)
    _history(verbs)
    add_explain(verbs)
    add_incident(verbs)
    add_evidence_verbs(verbs)
    add_network_verbs(verbs)
    add_permission_verbs(verbs)
    add_record_verbs(verbs)
    _checks(verbs)
    add_detections(verbs)
    _notebooks(verbs)
    return parser


def _demo(verbs: Any) -> None:
    verb = _verb(verbs, "demo", _run_demo, "assess the clinic that ships with the kit: no cluster, no network")
    _output(verb, "bundle to make; evidence/<cluster>/<time> by default")
    _execution(verb)


def _import(verbs: Any) -> None:
    verb = _verb(verbs, "import", _run_import, "make a snapshot of a dump, a support bundle, a backup or manifests")
    verb.add_argument("paths", nargs="+", metavar="PATH", help="file, folder or archive; - reads standard input")
    verb.add_argument("--layout", default="", metavar="NAME", help="how it is laid out, where that is not recognised")
    verb.add_argument(
        "--limit", action="append", default=[], metavar="NAME=N", help="what is too much, as docs/inputs.md lists"
    )
    verb.add_argument(
        "--release-namespace",
        default="default",
        metavar="NS",
        help="namespace of objects that name none (default: default)",
    )
    verb.add_argument("--cluster-name", default="", help="name of the cluster, where the input does not tell")
    _output(verb, "snapshot to make", required=True)


def _inspect(verbs: Any) -> None:
    verb = _verb(verbs, "inspect", _run_inspect, "show what a snapshot holds and what it could not see")
    verb.add_argument("snapshot", metavar="SNAPSHOT", help="snapshot, dump or manifests")
    verb.add_argument("-f", "--format", default="text", choices=("text", "json"), help="text (default) or json")


def _assess(verbs: Any) -> None:
    verb = _verb(verbs, "assess", _run_assess, "judge a snapshot and write an evidence bundle")
    verb.add_argument(
        "snapshot",
        metavar="SNAPSHOT",
        help="snapshot, dump, manifests, or a folder with scope.yaml and objects/",
    )
    verb.add_argument("--scope", help="scope.yaml; the one beside the snapshot by default")
    verb.add_argument(
        "--inputs",
        metavar="DIR",
        help="what else is known beside the cluster; the folder inputs beside scope.yaml by default",
    )
    verb.add_argument(
        "--records",
        metavar="PATH",
        help="what people signed; the folder records beside scope.yaml by default",
    )
    add_audit_log(verb)
    verb.add_argument(
        "--as-of",
        "--now",
        dest="as_of",
        default="",
        metavar="RFC3339",
        help="moment to judge for; the snapshot's own by default",
    )
    verb.add_argument(
        "--topic",
        action="append",
        default=[],
        help="run the checks and notebook of this topic alone; repeatable",
    )
    verb.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="parameter of a check; repeatable"
    )
    verb.add_argument(
        "--fail-on",
        choices=("critical", "high", "medium", "low"),
        help="exit 3 when a finding this severe fails",
    )
    verb.add_argument(
        "--min-coverage",
        type=float,
        metavar="PERCENT",
        help="exit 4 when less of the findings could be judged",
    )
    verb.add_argument("--no-preset", action="store_true", help="hide nothing of system namespaces")
    verb.add_argument(
        "--profile",
        default="current",
        choices=("current", "nprm-preview"),
        help="nprm-preview adds the rule proposed in 2025, which is not in force",
    )
    verb.add_argument("--require-records", action="store_true", help="exit 7 when a signed record does not stand")
    verb.add_argument("--exit-zero", action="store_true", help="exit 0 also where 3, 4 by --min-coverage, or 7 apply")
    _output(verb, "bundle to make; evidence/<cluster>/<time> by default")
    _execution(verb)


def _history(verbs: Any) -> None:
    verb = _verb(verbs, "history", _run_history, "show since when things have been there, from several snapshots")
    verb.add_argument(
        "paths", nargs="+", metavar="PATH", help="snapshots, dumps or backups of one cluster, or a folder of several"
    )
    verb.add_argument(
        "--table",
        default="moments",
        metavar="NAME",
        help="moments (default), gaps, objects, images, bindings, isolation, isolation-trend, replacements, or a table "
        "of docs/tables.md",
    )
    verb.add_argument(
        "--keys", default="", metavar="COLUMN,…", help="columns of that table that make one fact; its key by default"
    )
    verb.add_argument("-n", "--namespace", default="", help="rows that name an object of this namespace, alone")
    verb.add_argument(
        "--at", action="append", default=[], metavar="PATH=RFC3339", help="moment of one that records none; repeatable"
    )
    verb.add_argument("--scope", help="scope.yaml, for tables that rest on what holds ePHI")
    verb.add_argument(
        "-f", "--format", default="text", choices=("text", "json", "csv"), help="text (default), json or csv"
    )


def _checks(verbs: Any) -> None:
    verb = _verb(verbs, "checks", _run_checks, "list the checks with their citations and inputs")
    verb.add_argument("check", nargs="?", help="show this one in full")
    verb.add_argument(
        "-f", "--format", default="text", choices=("text", "json", "csv"), help="text (default), json or csv"
    )


def _notebooks(verbs: Any) -> None:
    verb = _verb(verbs, "notebooks", _run_notebooks, "list the notebooks with their parameters, or copy them")
    verb.add_argument("--copy", metavar="DIR", help="make a working copy in this folder")


def _execution(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--notebooks",
        default="all",
        choices=("all", "summary", "none"),
        help="which notebooks to execute (default all)",
    )
    verb.add_argument("-j", "--jobs", type=int, default=min(os.cpu_count() or 1, 4), help="notebooks at the same time")


def _run_demo(arguments: argparse.Namespace) -> int:
    from hipaa_kit.assess.opening import assessment, find_scope
    from hipaa_kit.resources import shipped

    _say("assessing the clinic that ships with the kit; no cluster and no network is used")
    clinic = shipped("data") / "clinic"
    run = assessment(clinic)
    return _bundle(run, arguments, find_scope(clinic), topics=[])


def _run_import(arguments: argparse.Namespace) -> int:
    from hipaa_kit.assess.opening import AUDIT_LOG, logs_set_aside
    from hipaa_kit.sources.audit_log import NoEventsError, ingest
    from hipaa_kit.sources.dump import import_dump
    from hipaa_kit.sources.limits import DEFAULT_LIMITS
    from hipaa_kit.sources.store import save_snapshot

    _refuse_existing(arguments.out)
    snapshot = import_dump(
        arguments.paths,
        namespace=arguments.release_namespace,
        cluster_name=arguments.cluster_name,
        layout=arguments.layout,
        limits=DEFAULT_LIMITS.with_settings(arguments.limit),
    )
    path = save_snapshot(snapshot, arguments.out)
    if names := logs_set_aside(snapshot):
        with contextlib.suppress(NoEventsError):
            log = ingest(arguments.paths, path / AUDIT_LOG, only=names)
            _say(f"{log.events} events of the audit log")
    _say_what_was_read(snapshot)
    print(path)
    return EXIT_DONE


def _run_inspect(arguments: argparse.Namespace) -> int:
    from hipaa_kit.assess.opening import open_any
    from hipaa_kit.views.inspection import inspection_json, inspection_text

    snapshot = open_any(arguments.snapshot)
    print(inspection_json(snapshot) if arguments.format == "json" else inspection_text(snapshot))
    return EXIT_DONE if snapshot.kinds() else EXIT_NOTHING_ASSESSED


def _run_assess(arguments: argparse.Namespace) -> int:
    from hipaa_kit.assess.opening import assessment, find_scope, log_of, open_any, parse_settings

    snapshot = open_any(arguments.snapshot)
    scope = Path(arguments.scope) if arguments.scope else find_scope(arguments.snapshot)
    run = assessment(
        snapshot,
        scope,
        as_of=arguments.as_of or snapshot.collected_at or now(),
        parameters={
            **parse_settings(arguments.set),
            "preset": not arguments.no_preset,
            "profile": arguments.profile,
        },
        topics=arguments.topic,
        inputs=arguments.inputs,
        records=arguments.records,
        audit_log=arguments.audit_log or log_of(arguments.snapshot, snapshot, scope),
    )
    return _bundle(run, arguments, scope, topics=arguments.topic)


def _run_history(arguments: argparse.Namespace) -> int:
    from hipaa_kit.assess.history import HISTORY_NAMES, open_history
    from hipaa_kit.views.history import history_text, in_namespace

    at = dict(_path_and_moment(each) for each in arguments.at)
    history = open_history(arguments.paths, at=at, scope=arguments.scope)
    keys = [key for key in arguments.keys.split(",") if key]
    name = HISTORY_NAMES.get(arguments.table, arguments.table)
    frame = history.lives(name, keys) if keys or name not in history else history[name]
    if arguments.namespace:
        frame = in_namespace(frame, arguments.namespace)
    _say(f"{len(history)} moments of one cluster, {len(frame)} rows")
    if arguments.format == "text":
        print(history_text(frame))
    else:
        _print_table(frame, arguments.format, [])
    return EXIT_DONE


def _path_and_moment(given: str) -> tuple[str, str]:
    path, equals, moment = given.rpartition("=")
    if not equals or not path:
        raise InputError(f"{given!r} is not PATH=RFC3339", "--at", "such as --at monday.tar.gz=2026-11-20T02:00:00Z")
    return path, moment


def _run_checks(arguments: argparse.Namespace) -> int:
    from hipaa_kit.assess.facade import registered_checks
    from hipaa_kit.assess.findings import list_checks
    from hipaa_kit.catalogue import load_catalogue
    from hipaa_kit.views.reference import check_text

    catalogue, checks = load_catalogue(), registered_checks()
    if arguments.check:
        if arguments.check not in checks:
            raise InputError(f"there is no check {arguments.check!r}", "", f"checks are {', '.join(checks)}")
        print(check_text(checks[arguments.check], catalogue))
        return EXIT_DONE
    _print_table(list_checks(checks.values(), catalogue), arguments.format, ["check", "severity", "title", "citations"])
    return EXIT_DONE


def _run_notebooks(arguments: argparse.Namespace) -> int:
    from hipaa_kit.batch.specs import copy_notebooks, list_notebooks

    if arguments.copy:
        for path in copy_notebooks(Path(arguments.copy)):
            print(path)
        return EXIT_DONE
    for spec in list_notebooks():
        print(f"{spec.id}  {spec.title}\n    {spec.question}")
        for parameter in spec.parameters:
            print(f"    {parameter.name}: {parameter.type} = {parameter.default!r}  {parameter.help}")
    return EXIT_DONE


def _bundle(run: Assessment, arguments: argparse.Namespace, scope: Path | None, topics: list[str]) -> int:
    from hipaa_kit.evidence.bundle import write_bundle

    specs = _chosen(arguments.notebooks, topics)
    out = Path(arguments.out) if arguments.out else _default_bundle(run)
    code, why = _gate(run, arguments)
    with _progress("notebooks", len(specs)) as advance:

        def ended(each: NotebookRun) -> None:
            advance(f"{each.id}: {each.status} in {each.seconds:.1f} s")

        bundle = write_bundle(
            run,
            specs,
            out,
            scope_file=scope,
            jobs=max(arguments.jobs, 1),
            on_event=ended,
            facts={"command": ["hipaa-kit", *sys.argv[1:]], "gate": {"exit_code": code, "reasons": why}},
        )
    _say_verdicts(run)
    for each in bundle.unfinished:
        _say(f"notebook {each.id} {each.status}: {each.problem}")
    for words in why:
        _say(words)
    print(bundle.index)
    return EXIT_INTERNAL if bundle.unfinished else code


def _gate(run: Assessment, arguments: argparse.Namespace) -> tuple[int, list[str]]:
    """Return the exit code that the findings and records give, and every reason for it."""
    from hipaa_kit.assess.gate import exit_code, reasons

    if arguments.run is _run_demo:
        return EXIT_DONE, []
    found = reasons(
        run,
        fail_on=arguments.fail_on or "",
        min_coverage=arguments.min_coverage,
        require_records=arguments.require_records,
    )
    return exit_code(found, exit_zero=arguments.exit_zero), [reason.words for reason in found]


def _chosen(which: str, topics: list[str]) -> list[NotebookSpec]:
    from hipaa_kit.batch.specs import list_notebooks

    if which == "none":
        return []
    specs = list_notebooks()
    if which == "summary":
        specs = [spec for spec in specs if spec.topic == "summary"]
    return [spec for spec in specs if not topics or spec.topic in topics]


def _default_bundle(run: Assessment) -> Path:
    cluster = "".join(c if c.isalnum() or c in "._-" else "-" for c in run.snapshot.identity.name) or "cluster"
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    return Path("evidence") / cluster / f"{stamp}-{run.key[:8]}"


def _say_verdicts(run: Assessment) -> None:
    from hipaa_kit.views.page import verdict_counts

    counts = verdict_counts(run.findings())
    _say("findings: " + ", ".join(f"{count} {verdict.replace('_', ' ')}" for verdict, count in counts.items()))
