"""The commands that ask a snapshot who may do what: `who-can`, `unused`, and `explain` of a permission."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hipaa_kit.cli.terminal import add_audit_log, make_verb, print_table, say
from hipaa_kit.errors import EXIT_DONE, InputError
from hipaa_kit.kube.rbac import Request, api_call

if TYPE_CHECKING:
    import pandas as pd


def add_permission_verbs(verbs: Any) -> None:
    """Declare the commands."""
    verb = make_verb(verbs, "who-can", _run_who_can, "say who may do something, by which role binding")
    verb.add_argument("verb", metavar="VERB", help="get, list, create, …; for a path the HTTP method in lower case")
    verb.add_argument(
        "resource", metavar="RESOURCE", help="secrets, deployments.apps, pods/exec, or a path such as /metrics"
    )
    verb.add_argument("snapshot", metavar="SNAPSHOT", help="snapshot, dump or manifests")
    add_object(verb)
    verb.add_argument("-f", "--format", default="text", choices=("text", "json", "csv"), help="text, json or csv")

    verb = make_verb(verbs, "unused", _run_unused, "say which rights were never used, or the roles that would do")
    verb.add_argument("snapshot", metavar="SNAPSHOT", help="snapshot, dump or manifests")
    add_audit_log(verb)
    verb.add_argument("--inputs", metavar="DIR", help="what else is known; with the audit policy more can be told")
    verb.add_argument("--subject", default="", metavar="ID", help="User//NAME, Group//NAME or ServiceAccount/NS/NAME")
    verb.add_argument("--role", action="store_true", help="YAML of the roles that give the subject what it used")
    verb.add_argument("-f", "--format", default="text", choices=("text", "json", "csv"), help="text, json or csv")


def add_object(verb: Any) -> None:
    """Declare which object a question is about."""
    verb.add_argument("-n", "--namespace", default="", metavar="NS", help="namespace; by default the whole cluster")
    verb.add_argument("--name", default="", metavar="NAME", help="name of one object; by default any")


def _asked(arguments: argparse.Namespace) -> Request:
    """Return the request that the API server would see."""
    if arguments.resource.startswith("/"):
        return Request(arguments.verb, path=arguments.resource)
    head, _, subresource = arguments.resource.partition("/")
    resource, _, group = head.partition(".")
    place = {"namespace": arguments.namespace, "name": arguments.name}
    return api_call(arguments.verb, group, resource, subresource=subresource, **place)


def _run_who_can(arguments: argparse.Namespace) -> int:
    from hipaa_kit.assess.opening import assessment

    asked = _asked(arguments)
    found = assessment(arguments.snapshot).permissions.who_can(**asdict(asked))
    print_table(found, arguments.format, ["subject_kind", "subject", "through", "binding", "role", "basis"])
    if (found["subject_kind"] == "*").any():
        say("rows of `*` say what could not be seen: there may be more than these")
    return EXIT_DONE


def _run_unused(arguments: argparse.Namespace) -> int:
    import yaml

    from hipaa_kit.assess.opening import assessment
    from hipaa_kit.graph.audit_use.least import least_privilege, unused, users_of

    if arguments.role and not arguments.subject:
        raise InputError("no subject is named", "", "name one with --subject")
    tables = assessment(arguments.snapshot, inputs=arguments.inputs, audit_log=arguments.audit_log).tables
    rights = tables.right_use
    if arguments.role:
        users = users_of(arguments.subject, tables.identity_use, tables.identity_groups)
        roles = least_privilege(rights, tables.identity_use, users, arguments.subject)
        print(yaml.safe_dump_all(roles, sort_keys=False), end="")
    else:
        shown = ["object", "binding", "scope", "verb", "api_group", "resource", "url", "why"]
        print_table(unused(rights, arguments.subject), arguments.format, shown)
    mine = rights[rights["object"] == arguments.subject] if arguments.subject else rights
    say(
        f"of {len(mine)} rights {(mine['state'] == 'unknown').sum()} cannot be told; window of the log in days: "
        f"{mine['window_days'].max() if len(mine) else 0:.1f}"
    )
    return EXIT_DONE


def explain_permission(arguments: argparse.Namespace) -> int:
    """Say by which role binding, rule and group a subject may do something, or what the nearest rules lack."""
    from hipaa_kit.assess.opening import assessment
    from hipaa_kit.resources import shipped

    held = assessment(arguments.snapshot or str(shipped("data") / "clinic")).permissions
    found = held.why(arguments.subject, **asdict(_asked(arguments)), groups=arguments.group)
    if arguments.format == "text":
        print("\n".join(_sentences(found)))
    else:
        print_table(found, arguments.format, ["answer", "binding", "role", "rule", "scope", "through", "missing"])
    return EXIT_DONE


def _sentences(found: pd.DataFrame) -> Iterator[str]:
    """Yield the reasons for an answer, each in a line."""
    from hipaa_kit.tables.declaration import rows_of

    rows = rows_of(found)
    yield f"RBAC says: {rows[0]['answer']}"
    for row in rows:
        where = f"in namespace {row['scope']}" if row["scope"] else "in the whole cluster"
        by = f"{row['binding']} gives {row['role']}, rule {row['rule']}, {where}" if row["binding"] else ""
        group = f"through group {row['through']}" if row["through"] else ""
        lacks = f"lacks: {row['missing']}" if row["binding"] and row["missing"] else row["missing"]
        words = "; ".join(filter(None, (by, group, lacks)))
        yield f"  {words or 'by group system:masters'}"
