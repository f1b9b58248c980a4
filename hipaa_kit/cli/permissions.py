"""The command that asks a snapshot who may do what: `who-can`."""

from __future__ import annotations

import argparse
from typing import Any

from hipaa_kit.cli.terminal import EXIT_DONE, make_verb, print_table, say


def add_permission_verbs(verbs: Any) -> None:
    """Declare the commands."""
    verb = make_verb(verbs, "who-can", _run_who_can, "say who may do something, by which role binding")
    verb.add_argument("verb", metavar="VERB", help="get, list, create, …; for a path the HTTP method in lower case")
    verb.add_argument(
        "resource", metavar="RESOURCE", help="secrets, deployments.apps, pods/exec, or a path such as /metrics"
    )
    verb.add_argument("snapshot", metavar="SNAPSHOT", help="snapshot, dump or manifests")
    verb.add_argument("-n", "--namespace", default="", metavar="NS", help="namespace; by default the whole cluster")
    verb.add_argument("--name", default="", metavar="NAME", help="name of one object; by default any")
    verb.add_argument("-f", "--format", default="text", choices=("text", "json", "csv"), help="text, json or csv")


def _run_who_can(arguments: argparse.Namespace) -> int:
    from hipaa_kit.assess.opening import assessment
    from hipaa_kit.kube.rbac import Request, api_call

    if arguments.resource.startswith("/"):
        asked = Request(arguments.verb, path=arguments.resource)
    else:
        head, _, subresource = arguments.resource.partition("/")
        resource, _, group = head.partition(".")
        place = {"namespace": arguments.namespace, "name": arguments.name}
        asked = api_call(arguments.verb, group, resource, subresource=subresource, **place)
    found = assessment(arguments.snapshot).permissions.who_can(
        asked.verb, asked.group, asked.resource, asked.subresource, asked.namespace, asked.name, asked.path
    )
    print_table(found, arguments.format, ["subject_kind", "subject", "through", "binding", "role", "basis"])
    if (found["subject_kind"] == "*").any():
        say("rows of `*` say what could not be seen: there may be more than these")
    return EXIT_DONE
