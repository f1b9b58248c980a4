"""The command that says why: why a connection is allowed or denied, or why a subject may do something or may not."""

from __future__ import annotations

import argparse
from typing import Any

from hipaa_kit.cli.network import explain_connection
from hipaa_kit.cli.permissions import add_object, explain_permission
from hipaa_kit.cli.terminal import make_verb
from hipaa_kit.errors import InputError


def add_explain(verbs: Any) -> None:
    """Declare the command."""
    summary = "say why a connection or a permission is allowed, denied or not known, and what would change that"
    verb = make_verb(verbs, "explain", _run, summary)
    verb.intermixed = True
    verb.usage = (
        "%(prog)s SOURCE DESTINATION -p PORT [options]\n"
        "       %(prog)s --subject SUBJECT --verb VERB --resource RESOURCE [options]"
    )
    verb.add_argument(
        "-s",
        "--snapshot",
        default="",
        help="snapshot, dump or manifests; none takes the clinic that ships with the kit",
    )
    verb.add_argument(
        "-f", "--format", default="text", choices=("text", "table", "json"), help="sentences (default), rules, or json"
    )
    network = verb.add_argument_group("a connection")
    ends = "Kind/namespace/name, Node//name, Namespace//name, an address, a CIDR, or internet"
    network.add_argument("source", nargs="?", metavar="SOURCE", help=ends)
    network.add_argument(
        "destination", nargs="?", metavar="DESTINATION", help="the same; the port is the pod's, not a Service's"
    )
    network.add_argument("-p", "--port", type=int, help="port of the destination, 1 to 65535")
    network.add_argument("--protocol", default="TCP", choices=("TCP", "UDP", "SCTP"), help="protocol (default TCP)")
    rights = verb.add_argument_group("a permission")
    rights.add_argument(
        "--subject", metavar="SUBJECT", help="ServiceAccount/namespace/name, User//name, Group//name or a user name"
    )
    rights.add_argument(
        "--group",
        action="append",
        metavar="GROUP",
        help="group of the subject, again for more; by default those that the API server and the workforce file give",
    )
    rights.add_argument("--verb", metavar="VERB", help="get, list, create, …; for a path the HTTP method in lower case")
    rights.add_argument("--resource", metavar="RESOURCE", help="secrets, deployments.apps, pods/exec, or a path")
    add_object(rights)


def _run(arguments: argparse.Namespace) -> int:
    network = (arguments.source, arguments.destination, arguments.port)
    rights = (arguments.subject, arguments.verb, arguments.resource)
    if all(each is not None for each in network) and not any(rights):
        return explain_connection(arguments)
    if all(rights) and all(each is None for each in network):
        return explain_permission(arguments)
    raise InputError(
        "neither a whole connection nor a whole permission is asked about",
        "explain",
        "give SOURCE DESTINATION --port, or --subject --verb --resource",
    )
