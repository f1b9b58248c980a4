"""Columns of the audit store: how each is taken from an event, in the engine's own language.

Everything that is not named here is dropped: bodies, query strings, and what clients put into fields of their own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from hipaa_kit.kube.audit import dry_runs
from hipaa_kit.kube.audit.bodies import WRITES

WITHOUT_VALUES: Final = ("DeleteOptions", "Status", "PartialObjectMetadata", "PartialObjectMetadataList", "Table")
"""Kinds of bodies that hold no data of a Secret or ConfigMap."""

HOLDERS: Final = ("secrets", "configmaps", "tokenreviews")
"""Resources whose bodies hold secrets, or data that nobody knows; tokens of service accounts are a subresource."""

_BODY: Final = {"kind": "VARCHAR"}

STRUCTURE: Final[dict[str, Any]] = {
    "level": "VARCHAR",
    "auditID": "VARCHAR",
    "stage": "VARCHAR",
    "requestURI": "VARCHAR",
    "verb": "VARCHAR",
    "user": {
        "username": "VARCHAR",
        "groups": ["VARCHAR"],
        "extra": {"authentication.kubernetes.io/pod-name": ["VARCHAR"]},
    },
    "impersonatedUser": {"username": "VARCHAR", "groups": ["VARCHAR"]},
    "sourceIPs": ["VARCHAR"],
    "userAgent": "VARCHAR",
    "objectRef": {
        "resource": "VARCHAR",
        "namespace": "VARCHAR",
        "name": "VARCHAR",
        "apiGroup": "VARCHAR",
        "subresource": "VARCHAR",
    },
    "responseStatus": {"code": "INTEGER"},
    "requestObject": {**_BODY, "dryRun": ["VARCHAR"]},
    "responseObject": _BODY,
    "requestReceivedTimestamp": "VARCHAR",
    "stageTimestamp": "VARCHAR",
    "annotations": {
        "authorization.k8s.io/decision": "VARCHAR",
        "authorization.k8s.io/reason": "VARCHAR",
        "pod-security.kubernetes.io/exempt": "VARCHAR",
        "pod-security.kubernetes.io/audit-violations": "VARCHAR",
        "pod-security.kubernetes.io/enforce-policy": "VARCHAR",
    },
}
"""What is read of an event (`audit.k8s.io/v1`, `pkg/apis/audit/v1/types.go`)."""

FACTS: Final[dict[str, Any]] = {
    "name": "VARCHAR",
    "programs": ["VARCHAR"],
    "command_marks": ["VARCHAR"],
    "role_ref": "VARCHAR",
    "bound": ["VARCHAR"],
    "role_marks": ["VARCHAR"],
    "pod_marks": ["VARCHAR"],
    "claims": ["VARCHAR"],
    "owner": "VARCHAR",
    "service_type": "VARCHAR",
    "tls": "BOOLEAN",
    "data_source": "VARCHAR",
    "namespace_mapping": "BOOLEAN",
}
"""Facts of `kube.audit.bodies` and `kube.audit.commands`, as they come beside a line."""


def _text(path: str) -> str:
    return f"coalesce({path}, '')"


def _texts(path: str) -> str:
    whole = f"{path} IS NULL OR list_count({path}) = len({path})"  # nearly all are: only the others are gone through
    return f"coalesce(CASE WHEN {whole} THEN {path} ELSE list_filter({path}, lambda x: x IS NOT NULL) END, [])"


def _moment(path: str) -> str:
    return f"make_timestamp(epoch_us(try_cast(e.{path} AS TIMESTAMPTZ)))"


def _pod_security(word: str) -> str:
    name = f"pod-security.kubernetes.io/{word}"
    return f"""CASE WHEN e.annotations."{name}" IS NOT NULL THEN '{word.replace("-", "_")}' END"""


def _among(field: str, words: Iterable[str]) -> str:
    return f"{_text(field)} IN ({', '.join(map(repr, words))})"


def _dry_run() -> str:
    """Return whether a request is a dry run that the server heeds; few are, and of the others no query is read."""
    elsewhere = _among("e.objectRef.apiGroup", dry_runs.ELSEWHERE)
    heeded = f"{_among('e.objectRef.subresource', dry_runs.SUBRESOURCES)} AND NOT {elsewhere}"
    uri = _text("e.requestURI")
    by_query = f"{_among('e.verb', dry_runs.BY_QUERY)} AND regexp_matches({uri}, '{dry_runs.QUERY}')"
    by_body = f"{_among('e.verb', dry_runs.BY_BODY)} AND list_contains(e.requestObject.dryRun, '{dry_runs.ALL}')"
    spoken_of = f"(contains({uri}, 'dryRun') OR e.requestObject.dryRun IS NOT NULL)"
    return (
        f"CASE WHEN {spoken_of} AND e.objectRef.resource IS NOT NULL AND {heeded}"
        f" THEN coalesce(({by_query}) OR ({by_body}), false) ELSE false END"
    )


def _is_there(body: str) -> str:
    """Tell whether there is a body; a provider may put a word in the place of one that is too large."""
    return f"""(e.{body} IS NOT NULL
        AND NOT (e.{body}.kind IS NULL AND regexp_matches(line, '"{body}"\\s*:\\s*"')))"""


def _has_values(body: str) -> str:
    kinds = ", ".join(f"'{kind}'" for kind in WITHOUT_VALUES)
    return f"({_is_there(body)} AND {_text(f'e.{body}.kind')} NOT IN ({kinds}))"


_PATH: Final = _text("split_part(e.requestURI, '?', 1)")
_DECODED: Final = (  # what is decoded may be a query
    f"CASE WHEN contains({_PATH}, '%')"
    f" THEN split_part(coalesce(try(url_decode({_PATH})), {_PATH}), '?', 1) ELSE {_PATH} END"
)
_HOLDS: Final = (
    f"({_text('e.objectRef.resource')} IN ({', '.join(repr(each) for each in HOLDERS)})"
    f" OR {_text('e.objectRef.subresource')} = 'token')"
)

SELECTED: Final = {
    "audit_id": _text("e.auditID"),
    "stage": _text("e.stage"),
    "level": _text("e.level"),
    "verb": _text("e.verb"),
    "received_at": _moment("requestReceivedTimestamp"),
    "stage_at": _moment("stageTimestamp"),
    "user": _text('e."user".username'),
    "user_groups": _texts('e."user"."groups"'),
    "user_pod": _text('e."user".extra."authentication.kubernetes.io/pod-name"[1]'),
    "impersonated_user": _text("e.impersonatedUser.username"),
    "impersonated_groups": _texts('e.impersonatedUser."groups"'),
    "source_ip": _text("e.sourceIPs[-1]"),
    "source_ips": _texts("e.sourceIPs"),
    "user_agent": _text("e.userAgent"),
    "api_group": _text("e.objectRef.apiGroup"),
    "resource": _text("e.objectRef.resource"),
    "subresource": _text("e.objectRef.subresource"),
    "namespace": _text("e.objectRef.namespace"),
    "name": "coalesce(nullif(e.objectRef.name, ''), f.name, '')",
    "path": _DECODED,
    "programs": _texts("f.programs"),
    "command_marks": _texts("f.command_marks"),
    "code": "e.responseStatus.code",
    "decision": _text('e.annotations."authorization.k8s.io/decision"'),
    "decision_reason": _text('e.annotations."authorization.k8s.io/reason"'),
    "pod_security": "list_filter([{}], lambda x: x IS NOT NULL)".format(
        ", ".join(_pod_security(word) for word in ("exempt", "audit-violations", "enforce-policy"))
    ),
    "role_ref": _text("f.role_ref"),
    **{name: _texts(f"f.{name}") for name in ("bound", "role_marks", "pod_marks", "claims")},
    "owner": _text("f.owner"),
    "service_type": _text("f.service_type"),
    "tls": "f.tls",
    "data_source": _text("f.data_source"),
    "namespace_mapping": "f.namespace_mapping",
    "dry_run": _dry_run(),
    "body": (
        f"CASE WHEN {_is_there('requestObject')} AND {_is_there('responseObject')} THEN 'both'"
        f" WHEN {_is_there('requestObject')} THEN 'request'"
        f" WHEN {_is_there('responseObject')} THEN 'response' ELSE 'none' END"
    ),
    "holds_values": (  # few are: of the others the bodies are not looked at
        f"CASE WHEN (e.requestObject IS NOT NULL OR e.responseObject IS NOT NULL) AND {_HOLDS}"
        f" THEN coalesce({_has_values('requestObject')} OR {_has_values('responseObject')}, false) ELSE false END"
    ),
    "leaks": "[]::VARCHAR[]",
}
"""Columns of `audit_events` by what they are of event `e` and facts `f`.

`dry_run`: the request changed nothing, since it asked for that in a way that the server heeds (`kube.audit.dry_runs`).
`holds_values`: the event was written with the values of a Secret, ConfigMap or token in it. `leaks`: patterns of
`sources.leaks` that were found in its texts, and taken out.
"""

PLACES: Final = ("server", "log", "source", "line")
"""Columns that say where an event stood."""

VIEW: Final = ("event", *SELECTED, *PLACES)
"""Columns of the view `audit_events`, in order."""

IDENTITY: Final = ("audit_id", "stage", "verb", '"user"', "path", "received_at", "stage_at", "code")
"""What two copies of one event have in common.

The id alone is not enough: a client may choose it (header `Audit-ID`), and so hide a request behind another one.
Source: `pkg/endpoints/filters/audit_init.go` of kubernetes/apiserver.
"""


def selection() -> str:
    """Return the statement that makes rows of frame `lines`: `line` as it was read, `event`, and the places.

    Notes
    -----
    It calls `facts_of` for events of which there may be facts. A line that is no JSON has a row without values.
    """
    events = f"SELECT *, try(json_transform(line, '{json.dumps(STRUCTURE)}')) AS e FROM lines"
    written = f"""{_among("e.verb", sorted(WRITES))} AND contains(line, 'Object"')"""
    facts = f"CASE WHEN ({written}) OR {_among('e.objectRef.subresource', ['exec'])} THEN facts_of(line) END"
    inner = f"SELECT *, json_transform({facts}, '{json.dumps(FACTS)}') AS f FROM ({events})"
    columns = ", ".join(f'{taken} AS "{name}"' for name, taken in SELECTED.items())
    return f'SELECT event, {columns}, server, log, source, number AS "line" FROM ({inner})'
