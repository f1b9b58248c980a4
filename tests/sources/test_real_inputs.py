"""Inputs that other projects published: each is read or refused with one line, and nothing in it is lost.

They are no part of the project: HIPAA_KIT_REAL_INPUTS names a folder that holds one folder per set.
"""

from __future__ import annotations

import json
import os
import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hipaa_kit.errors import InputError
from hipaa_kit.sources.dump import import_dump
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.views.inspection import kinds_held
from tests.support.snapshots import TEST_KEY

ROOT = Path(os.environ.get("HIPAA_KIT_REAL_INPUTS") or "none given")
SETS = sorted(path for path in ROOT.iterdir() if path.is_dir()) if ROOT.is_dir() else []
BY_PLACE = ("must-gather", "insights", "sonobuoy", "troubleshoot", "support-bundle")
"""Layouts in which objects stand twice, or have their kind from their place: their counts are compared by hand."""

pytestmark = pytest.mark.skipif(not SETS, reason="HIPAA_KIT_REAL_INPUTS names no folder of inputs")


class Loader(yaml.CSafeLoader):
    """PyYAML as it is, but for the bare `=` that it cannot construct."""


Loader.add_constructor("tag:yaml.org,2002:value", lambda loader, node: node.value)


def files(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a set, those in its archives too."""
    if path.is_dir():
        for each in sorted(path.iterdir()):
            yield from files(each)
    elif tarfile.is_tarfile(path):
        with tarfile.open(path) as archive:
            yield from ((m.name, archive.extractfile(m).read()) for m in archive if m.isfile())  # type: ignore[union-attr]
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield from ((name, archive.read(name)) for name in archive.namelist())
    else:
        yield path.name, path.read_bytes()


def kinds(value: Any) -> Iterator[str]:
    """Yield the kind of every object in a document, as far as it says so itself."""
    if isinstance(value, list):
        for each in value:
            yield from kinds(each)
        return
    if not isinstance(value, dict):
        return
    kind, version = value.get("kind"), value.get("apiVersion")
    if isinstance(kind, str) and isinstance(version, str):
        if not kind.endswith("List"):
            yield from [] if version.startswith("audit.k8s.io/") else [kind]
        for each in value.get("items") or [] if kind.endswith("List") else []:
            yield from kinds({"kind": kind.removesuffix("List"), "apiVersion": version, **each})
    elif all(isinstance(each, dict) for each in value.values()):
        yield from kinds([each for each in value.values() if "apiVersion" in each])


def counted(path: Path) -> Counter[str]:
    """Return how many objects of each kind stand in a set, without the kit."""
    found: Counter[str] = Counter()
    for name, raw in files(path):
        if name.endswith((".yaml", ".yml", ".json")):
            try:
                found.update(kinds([json.loads(raw)] if name.endswith(".json") else list(yaml.load_all(raw, Loader))))
            except (ValueError, yaml.YAMLError):
                continue
    return found


@pytest.mark.parametrize("place", SETS, ids=lambda path: path.name)
def test_a_real_input_is_read_whole_or_refused_with_one_line(place: Path) -> None:
    refusal = ""
    try:
        snapshot = import_dump(place, pseudonymizer=Pseudonymizer(TEST_KEY))
    except InputError as error:
        refusal = error.line()
    if refusal:
        assert refusal.isprintable()
        return
    if any(layout in f"{place.name} {snapshot.layout}" for layout in BY_PLACE):
        return
    held = kinds_held(snapshot)
    received: Counter[str] = Counter()
    for kind, count in zip(held["kind"], held["received"], strict=True):
        received[kind] += count
    assert +received == counted(place)
