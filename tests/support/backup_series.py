"""A series of Velero backups of the tiny cluster, edited from day to day."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import hipaa_kit
from hipaa_kit.assess.history import History
from tests.support import tiny_cluster
from tests.support.tiny_cluster import RBAC, Writer

DAYS = [f"2026-11-2{day}T01:00:00Z" for day in range(1, 6)]


def backups(folder: Path, *edits: Callable[[list[dict]], Any], phases: Sequence[str] = ()) -> History:
    """Write one backup a day, each of the tiny cluster after the edits so far, and open them."""
    objects = json.loads(json.dumps(tiny_cluster.OBJECTS))
    for number, edit in enumerate(edits):
        edit(objects)
        phase = phases[number] if phases else "Completed"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tiny_cluster, "OBJECTS", objects)
            tiny_cluster.velero(Writer(folder), name=f"daily-{number}", phase=phase)
        record = folder / f"daily-{number}" / "velero-backup.json"
        record.write_text(record.read_text().replace("2026-11-23T01:00:00Z", DAYS[number]))
    return hipaa_kit.open_history(folder)


def nothing(_: list[dict]) -> None:
    return None


def take(objects: list[dict], kind: str, name: str) -> None:
    objects[:] = [each for each in objects if (each["kind"], each["metadata"]["name"]) != (kind, name)]


def one(objects: list[dict], kind: str, name: str) -> dict:
    return next(each for each in objects if (each["kind"], each["metadata"]["name"]) == (kind, name))


def bind_also(objects: list[dict]) -> None:
    subject = {"kind": "User", "name": "mallory", "apiGroup": RBAC}
    one(objects, "RoleBinding", "readers")["subjects"].append(subject)
