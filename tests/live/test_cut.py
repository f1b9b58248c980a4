"""The smallest cut as YAML is taken by a real server: on the clinic as it stands there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

import hipaa_kit
from tests.live.conftest import Hospital
from tests.live.test_remedies import refused
from tests.support.live import objects

pytestmark = pytest.mark.live
DELETED = "# kubectl delete, by name:"


def steps(text: str, hospital: Hospital) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (kind of step, manifest) of every document of a cut, the deletions that its comments name among them."""
    for part in re.split("^---\n", text, flags=re.MULTILINE):
        kind, content = "patch", yaml.safe_load(part)
        if DELETED in part:
            named = part.partition(f"{DELETED}\n")[2].splitlines()
            kind, content = "delete", yaml.safe_load("\n".join(row.removeprefix("# ") for row in named))
        elif hospital.plane.admin.request("GET", objects.path(content)).status == 404:
            kind = "object"
        yield kind, content


@pytest.mark.parametrize("source", ["internet", "pod", "subject"])
def test_the_server_takes_the_cut(source: str, hospital: Hospital) -> None:
    """Every document of it, patches by the merge of their kind, and every deletion that its comments name."""
    cut = hipaa_kit.assessment().smallest_cut(source, keep_declared=True)
    said, taken = refused(hospital, steps(cut.to_yaml(), hospital))
    assert said == []
    assert taken >= len(set(cut.things["object"]))
