"""What the kit proposes a real server takes: every change that was proved, on the clinic as it stands there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
import yaml

import hipaa_kit
from hipaa_kit.kube import kinds
from hipaa_kit.tables.declaration import rows_of
from tests.live.conftest import Hospital
from tests.support.live import objects
from tests.support.live.api import Answer

pytestmark = pytest.mark.live

TRIED: str = "?dryRun=All&fieldValidation=Strict"
"""The server judges and stores nothing; a field that it does not know is refused.

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#dry-run
"""


def manifests() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (kind of step, manifest) of every remedy of the clinic that is one, each once."""
    table = hipaa_kit.assessment().tables["remedies"]
    steps = table[table["kind"].isin(["patch", "object", "delete"])].drop_duplicates(["kind", "text"])
    yield from ((row["kind"], yaml.safe_load(row["text"])) for row in rows_of(steps))


def tried(hospital: Hospital, kind: str, content: dict[str, Any]) -> Answer:
    """Ask the server what it would make of a step."""
    api, place = hospital.plane.admin, objects.path(content)
    if kind == "object":
        return api.request("POST", f"{objects.list_path(content)}{TRIED}", content)
    if kind == "delete":
        return api.request("DELETE", f"{place}?dryRun=All")
    known = kinds.find(kinds.group_of(content["apiVersion"]), content["kind"])
    form = "strategic-merge-patch" if known else "merge-patch"
    return api.request("PATCH", f"{place}{TRIED}", content, kind=f"application/{form}+json")


def refused(hospital: Hospital, steps: Iterable[tuple[str, dict[str, Any]]]) -> tuple[list[str], int]:
    """Return what the server says of each step that it would not take, and how many it would."""
    said, taken = [], 0
    for kind, content in steps:
        answer = tried(hospital, kind, content)
        if answer.status in (200, 201, 202):
            taken += 1
        else:
            words = answer.content["message"] if isinstance(answer.content, dict) else answer.content
            said.append(f"{kind} {objects.path(content)}: {answer.status} {words}")
    return said, taken


def test_the_server_takes_every_change(hospital: Hospital) -> None:
    said, taken = refused(hospital, manifests())
    assert said == []
    assert taken > 50


def test_the_server_makes_of_a_patch_what_the_kit_does(hospital: Hospital) -> None:
    """A patched template has the containers that it had, and no other."""
    seen = 0
    for kind, content in manifests():
        spec = content.get("spec", {})
        if kind != "patch" or "template" not in spec or content["kind"] not in ("Deployment", "StatefulSet"):
            continue
        made = tried(hospital, kind, content).expect(200)
        before = hospital.plane.admin.get(objects.path(content))
        for field in ("containers", "initContainers"):
            names = [
                sorted(each["name"] for each in held["spec"]["template"]["spec"].get(field, []))
                for held in (before, made)
            ]
            assert names[0] == names[1]
        seen += 1
    assert seen > 5
