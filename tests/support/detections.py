"""Events in a log of their own, and what detections find in them."""

# The log tells moments in UTC without saying so, and so does what it is compared with here.
# ruff: noqa: DTZ001

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from hipaa_kit.graph.detections.hits import Hunt
from hipaa_kit.graph.detections.site import Site
from hipaa_kit.kube.audit.detections import parts
from hipaa_kit.kube.audit.identities import OWN
from tests.support.audit_table import TableLog

START = datetime(2026, 11, 17, 10)
PLACES = (
    ("ephi_namespaces", "ehr", ""),
    ("ephi_secrets", "ehr", "login"),
    ("other_pods", "ehr", "toolbox"),
    ("other_claims", "ehr", "scratch"),
    ("logging_namespaces", "logging", ""),
)
EXEC = {"resource": "pods", "subresource": "exec", "namespace": "ehr", "name": "db-0", "user": "eve", "verb": "create"}


def site(**more: Any) -> Site:
    places = pd.DataFrame(PLACES, columns=["list", "first", "second"], dtype="str")
    return Site(**{"lists": {"own": list(OWN), "scripting_agents": ["curl"]}, "places": places, **more})


def at(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat(sep=" ")


def hits(detection: str, events: Iterable[Mapping[str, Any]], part: str | None = None, **more: Any) -> list[dict]:
    hunt = Hunt(TableLog(events), site(**more))
    asked = [each for each in parts(detection) if part in (None, each.part)]
    return [row for each in asked for row in hunt.of(each)]
