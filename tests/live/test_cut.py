"""The smallest cut as YAML is taken by a real server: on the clinic as it stands there."""

from __future__ import annotations

import re

import pytest
import yaml

import hipaa_kit
from tests.live.conftest import Hospital
from tests.live.test_remedies import tried
from tests.support.live import objects

pytestmark = pytest.mark.live
DELETED = "# kubectl delete, by name:"


@pytest.mark.parametrize("source", ["internet", "pod", "subject"])
def test_the_server_takes_the_cut(source: str, hospital: Hospital) -> None:
    """Every document of it, patches by the merge of their kind, and every deletion that its comments name."""
    cut = hipaa_kit.assessment().smallest_cut(source, keep_declared=True)
    refused, taken = [], 0
    for part in re.split("^---\n", cut.to_yaml(), flags=re.MULTILINE):
        kind, content = "patch", yaml.safe_load(part)
        if DELETED in part:
            named = part.partition(f"{DELETED}\n")[2].splitlines()
            kind, content = "delete", yaml.safe_load("\n".join(row.removeprefix("# ") for row in named))
        elif hospital.plane.admin.request("GET", objects.path(content)).status == 404:
            kind = "object"
        answer = tried(hospital, kind, content)
        taken += answer.status in (200, 201, 202)
        if answer.status not in (200, 201, 202):
            said = answer.content["message"] if isinstance(answer.content, dict) else answer.content
            refused.append(f"{kind} {objects.path(content)}: {answer.status} {said}")
    assert refused == []
    assert taken >= len(set(cut.things["object"]))
