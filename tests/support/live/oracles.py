"""The API server as an oracle: what it decides when it is asked to do something, without doing it.

Three questions are answered here. For permissions see `tests.support.live.rbac.ask`.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.live import objects
from tests.support.live.api import Answer, Api
from tests.support.live.control_plane import ControlPlane

PROBES = itertools.count(1)


@dataclass(frozen=True)
class Decision:
    """Whether the server would take an object, and its words where it would not."""

    allowed: bool
    words: str = ""

    @property
    def escalates(self) -> bool:
        """Tell whether it was refused because it grants more than the asker holds, and not for want of the verb."""
        return "attempting to grant RBAC permissions not currently held" in self.words


def would_create(api: Api, obj: Mapping[str, Any]) -> Decision:
    """Ask the server to create an object without storing it: authorization, admission and validation run.

    Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#dry-run
    """
    return _decision(api.request("POST", f"{objects.list_path(obj)}?dryRun=All", obj))


def would_replace(api: Api, obj: Mapping[str, Any]) -> Decision:
    """Ask the server to put an object in the place of the one of its name, without storing it."""
    return _decision(api.request("PUT", f"{objects.path(obj)}?dryRun=All", obj))


def _decision(answer: Answer) -> Decision:
    if answer.status in (200, 201, 409):  # what is there already was let through before that was seen
        return Decision(True)
    assert answer.status in (403, 404, 422), answer
    return Decision(False, str(answer.content["message"]))


def audited_at(plane: ControlPlane, api: Api, method: str, path: str, body: Any = None) -> str:
    """Send a request; return the level at which the server logged it, `None` where it left no line."""
    probe = f"probe={next(PROBES)}"
    uri = f"{path}{'&' if '?' in path else '?'}{probe}"
    start = plane.audit_log.stat().st_size
    api.request(method, uri, body)
    levels = {
        event["level"]
        for event in plane.audit_events(stage="ResponseComplete", start=start)
        if event["requestURI"] == uri
    }
    assert len(levels) <= 1
    return levels.pop() if levels else "None"
