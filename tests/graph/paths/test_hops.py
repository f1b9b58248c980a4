"""Every hop of every path that is printed for the clinic, held against the raw objects by independent code."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import yaml

import hipaa_kit
from hipaa_kit.graph.paths.answers import SOURCES
from hipaa_kit.sources.documents.yaml_documents import LenientLoader
from hipaa_kit.tables.declaration import rows_of
from tests.data.conftest import DATA
from tests.support.hop_verifier import Verifier
from tests.support.network_oracle import Options

Object = dict[str, Any]


def raw(twin: str) -> Iterator[Object]:
    """Yield the objects of a twin of the clinic as they are written in its files."""
    for path in sorted((DATA / twin / "objects").glob("*.yaml")):
        for document in yaml.load_all(path.read_text(encoding="utf-8"), Loader=LenientLoader):
            held = document or {}
            listed = held.get("kind", "").removesuffix("List")
            for each in held.get("items", [held] if held.get("metadata") else []):
                yield {"kind": listed, "apiVersion": held.get("apiVersion"), **each}


@cache
def rows(twin: str) -> list[Object]:
    paths = hipaa_kit.assessment(DATA / twin, scope=DATA / twin / "scope.yaml").paths
    return [
        row
        for source in SOURCES
        for unknown in (False, True)
        for row in rows_of(paths.to_ephi(source, k=3, unknown=unknown))
    ]


def verifier(twin: str) -> Verifier:
    options = hipaa_kit.assessment(DATA / twin).reachability.options_in_force
    return Verifier(raw(twin), Options(options.cidr_matches_pods, options.host_network, options.node_local))


@pytest.mark.parametrize("twin", ["clinic", "clinic_fixed"])
def test_every_hop_that_is_printed_holds_by_the_raw_objects(twin: str) -> None:
    judge = verifier(twin)
    problems = {
        f"{row['source']} → {row['edge']} → {row['target']}: {problem}"
        for row in rows(twin)
        if (problem := judge.problem(row))
    }
    assert not problems
    assert sum(judge.seen.values()) > 100


@pytest.mark.parametrize(
    ("edge", "gone"),
    [
        ("SECRET_READ", "ClusterRoleBinding"),
        ("POD_EXEC", "RoleBinding"),
        ("HOSTS", "Pod"),
        ("BACKS", "PersistentVolumeClaim"),
    ],
)
def test_a_hop_whose_objects_are_otherwise_does_not_hold(edge: str, gone: str) -> None:
    objects = copy.deepcopy(list(raw("clinic")))
    for each in objects:
        if each["kind"] == gone and gone.endswith("Binding"):
            each["subjects"] = []
        elif each["kind"] == gone:
            each["spec"] = {"containers": []} if gone == "Pod" else {}
    judge = Verifier(objects)
    held = [row for row in rows("clinic") if row["edge"] == edge and row["source"] != "Node//*"]
    if gone.endswith("Binding"):
        held = [row for row in held if all(name.startswith(f"{gone}/") for name in row["objects"].split())]
    assert held
    assert all(judge.problem(row) for row in held)
