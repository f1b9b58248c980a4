"""What an API server writes into its audit log of a request, as its policy says.

Source: `pkg/apis/audit/v1/types.go`, `pkg/audit/request.go` and `pkg/endpoints/filters/audit.go` of
kubernetes/apiserver.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from model import CONTROL_PLANE
from objects import SEED, Object, digest

from hipaa_kit.kube.audit.policy import Policy, Request, Resources, Rule, at_least
from trail.calls import Call

FAILED = "Authentication failed, attempted: bearer"


def policy_of(document: Object) -> Policy:
    """Return the policy that a document declares."""
    rules = tuple(
        Rule(
            level=rule["level"],
            users=tuple(rule.get("users", ())),
            user_groups=tuple(rule.get("userGroups", ())),
            verbs=tuple(rule.get("verbs", ())),
            namespaces=tuple(rule.get("namespaces", ())),
            resources=tuple(
                Resources(each.get("group", ""), tuple(each.get("resources", ())), tuple(each.get("resourceNames", ())))
                for each in rule.get("resources", ())
            ),
            paths=tuple(rule.get("nonResourceURLs", ())),
            omit_stages=frozenset(rule.get("omitStages", ())),
        )
        for rule in document["rules"]
    )
    return Policy(rules, frozenset(document.get("omitStages", ())))


def server_of(call: Call) -> str:
    """Return the server that answers: a client stays with one for a day, a component with that of its node."""
    held = call.caller.server
    return held or CONTROL_PLANE[digest(call.caller.user, call.at.date().isoformat()) % len(CONTROL_PLANE)]


def request_of(call: Call) -> Request:
    """Return the request as rules of the policy see it: what is created has no name yet."""
    if not call.resource:
        return Request(call.caller.user, call.caller.groups, call.verb, path=call.path)
    kind = call.kind
    namespace = call.name if kind.plural == "namespaces" else call.namespace
    name = call.name if call.verb != "create" or call.subresource else ""
    return Request(
        *(call.caller.user, call.caller.groups, call.verb, kind.group, kind.plural, call.subresource, namespace, name)
    )


def events_of(call: Call, policy: Policy) -> Iterator[Object]:
    """Yield the events that are recorded of a request: none, one, or two of one that stays open."""
    recorded = policy.record(request_of(call))
    if recorded.level == "None":
        return
    # Nobody asks at a full second.
    part = timedelta(microseconds=0 if call.at.microsecond else digest("part", str(call.at), call.uri) % 1_000_000)
    call = replace(call, at=call.at + part)
    event = described(call, recorded.level)
    took = timedelta(microseconds=1200 + digest("took", str(call.at), call.uri) % 9000)
    ends = [("ResponseComplete", took + timedelta(seconds=call.lasts))]
    if call.code == 401:
        ends = [("ResponseStarted", took)]
    elif call.lasts:
        ends.insert(0, ("ResponseStarted", took))
    for stage, after in ends:
        if stage not in recorded.omitted:
            yield event | {"stage": stage, "stageTimestamp": written(call.at + after)}


def described(call: Call, level: str) -> Object:
    """Return an event of a request at a level, without its stage."""
    parts = ("audit", str(call.at), call.caller.user, call.caller.address, call.verb, call.uri)
    event: dict[str, Any] = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": level,
        "auditID": str(uuid.uuid5(SEED, "/".join(parts))),
        "stage": "",
        "requestURI": call.uri,
        "verb": call.verb,
        "user": user(call),
    }
    if call.acts_as:
        event["impersonatedUser"] = {"username": call.acts_as[0], "groups": list(call.acts_as[1:])}
    event |= {"sourceIPs": [call.caller.address], "userAgent": call.caller.agent}
    if call.resource:
        event["objectRef"] = reference(call)
    status: dict[str, Any] = {"metadata": {}, "code": call.code}
    if call.code >= 400:
        status |= {"status": "Failure", "reason": {401: "Unauthorized", 403: "Forbidden"}.get(call.code, "")}
    event["responseStatus"] = status | ({"message": FAILED} if call.code == 401 else {})
    if call.body is not None and at_least(level, "Request"):
        event["requestObject"] = call.body
    if (call.answer or call.body) and at_least(level, "RequestResponse") and call.code < 400:
        event["responseObject"] = call.answer or call.body
    event |= {"requestReceivedTimestamp": written(call.at), "stageTimestamp": ""}
    if call.code != 401:
        refused = call.code == 403
        event["annotations"] = {
            "authorization.k8s.io/decision": "forbid" if refused else "allow",
            "authorization.k8s.io/reason": "" if refused else call.caller.reason,
        } | call.notes
    return event


def user(call: Call) -> Object:
    """Return who was authenticated; nobody where that failed."""
    if call.code == 401:
        return {}
    found: dict[str, Any] = {"username": call.caller.user, "groups": list(call.caller.groups)}
    if call.caller.pod:
        found["extra"] = {"authentication.kubernetes.io/pod-name": [call.caller.pod]}
    return found


def reference(call: Call) -> Object:
    """Return the object that a request is about; a name that the server makes is not in it."""
    kind = call.kind
    named = "" if call.generated or call.verb in ("list", "watch", "deletecollection") else call.name
    parts = {
        "resource": kind.plural,
        "namespace": call.name if kind.plural == "namespaces" else call.namespace,
        "name": named,
        "apiGroup": kind.group,
        "apiVersion": kind.version,
        "subresource": call.subresource,
    }
    return {key: value for key, value in parts.items() if value}


def written(moment: datetime) -> str:
    """Write a moment as the API server does."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
