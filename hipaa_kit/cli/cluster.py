"""The commands that talk to a cluster: `doctor`, `rbac` and `snapshot`."""

from __future__ import annotations

import argparse
from typing import Any

from hipaa_kit import __version__
from hipaa_kit.cli.terminal import (
    make_verb,
    output,
    progress,
    refuse_existing,
    say,
    say_what_was_read,
)
from hipaa_kit.errors import EXIT_DONE, EXIT_NOTHING_ASSESSED


def add_cluster_verbs(verbs: Any) -> None:
    """Declare the commands."""
    _doctor(verbs)
    _rbac(verbs)
    _snapshot(verbs)


def _doctor(verbs: Any) -> None:
    summary = "say beforehand what a snapshot would be refused, and what could not be assessed then"
    verb = make_verb(verbs, "doctor", _run_doctor, summary)
    _cluster(verb)
    verb.add_argument("-f", "--format", default="text", choices=("text", "json"), help="text (default) or json")


def _rbac(verbs: Any) -> None:
    verb = make_verb(verbs, "rbac", _run_rbac, "print the least role that may read what the checks need, as YAML")
    _profile(verb)
    verb.add_argument(
        "--service-account", action="append", default=[], metavar="NAMESPACE:NAME", help="bind it to this; repeatable"
    )
    verb.add_argument("--user", action="append", default=[], metavar="NAME", help="bind it to this user; repeatable")
    verb.add_argument("--group", action="append", default=[], metavar="NAME", help="bind it to this group; repeatable")


def _snapshot(verbs: Any) -> None:
    verb = make_verb(verbs, "snapshot", _run_snapshot, "read a live cluster, get and list only, into a snapshot")
    _cluster(verb)
    verb.add_argument("--kinds", default="", metavar="KIND,…", help="ask for these kinds alone")
    verb.add_argument("--page-size", type=int, default=500, help="objects per request (default 500)")
    verb.add_argument(
        "--budget", type=float, default=1800.0, metavar="SECONDS", help="limit of the whole collection (default 1800)"
    )
    output(verb, "snapshot to make", required=True)


def _cluster(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--context", help="kubeconfig context; the current one by default")
    verb.add_argument("--kubeconfig", help="kubeconfig file; $KUBECONFIG or ~/.kube/config by default")
    verb.add_argument("--in-cluster", action="store_true", help="use the token of the pod this runs in")
    _profile(verb)
    verb.add_argument(
        "--timeout", type=float, default=60.0, metavar="SECONDS", help="limit of one request (default 60)"
    )


def _profile(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--profile",
        default="audit",
        choices=("minimal", "audit", "audit-plus", "secrets-metadata"),
        help="what to ask for; audit (default) is everything but Secrets, ConfigMaps and Events",
    )
    verb.add_argument("-n", "--namespace", action="append", default=[], help="in this namespace alone; repeatable")


def _run_doctor(arguments: argparse.Namespace) -> int:
    from hipaa_kit.assess.doctor import diagnose
    from hipaa_kit.sources.connection import connect
    from hipaa_kit.views.reader import diagnosis_json, diagnosis_text

    server, context = connect(
        arguments.context,
        arguments.kubeconfig,
        in_cluster=arguments.in_cluster,
        timeout_seconds=arguments.timeout,
    )
    found = diagnose(server, context, arguments.profile, _namespaces(arguments))
    print(diagnosis_json(found) if arguments.format == "json" else diagnosis_text(found))
    return EXIT_DONE if found.troubled.empty else EXIT_NOTHING_ASSESSED


def _run_rbac(arguments: argparse.Namespace) -> int:
    from hipaa_kit.assess.reader import Subject, reader_role, service_account
    from hipaa_kit.views.reader import manifests_text

    subjects = [
        *(service_account(text) for text in arguments.service_account),
        *(Subject("User", name) for name in arguments.user),
        *(Subject("Group", name) for name in arguments.group),
    ]
    objects = reader_role(arguments.profile, _namespaces(arguments), subjects)
    head = f"Reader for hipaa-kit {__version__}, profile {arguments.profile}: made from what its checks declare to read"
    print(manifests_text(objects, [head]), end="")
    if not subjects:
        say("nobody has the role yet: add --service-account NAMESPACE:NAME, --user NAME or --group NAME")
    return EXIT_DONE


def _run_snapshot(arguments: argparse.Namespace) -> int:
    from hipaa_kit.assess.reader import declared_kinds
    from hipaa_kit.sources.live import collect
    from hipaa_kit.sources.store import save_snapshot

    refuse_existing(arguments.out)
    with progress("kinds") as advance:
        snapshot = collect(
            arguments.context,
            arguments.kubeconfig,
            in_cluster=arguments.in_cluster,
            profile=arguments.profile,
            kinds=[kind for kind in arguments.kinds.split(",") if kind],
            namespaces=_namespaces(arguments),
            page_size=arguments.page_size,
            timeout_seconds=arguments.timeout,
            budget_seconds=arguments.budget,
            expected=declared_kinds(),
            progress=advance,
        )
    path = save_snapshot(snapshot, arguments.out)
    say_what_was_read(snapshot)
    print(path)
    return EXIT_DONE if snapshot.kinds() else EXIT_NOTHING_ASSESSED


def _namespaces(arguments: argparse.Namespace) -> list[str]:
    return [name for given in arguments.namespace for name in given.split(",") if name]
