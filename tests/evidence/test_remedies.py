"""Remedies as files: one for each object, which Kustomize takes, and a page that names them all."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

import hipaa_kit
from hipaa_kit.errors import LeakError, OutputError
from hipaa_kit.evidence.remedies import MANIFESTS, remedy_files, write_remedies
from hipaa_kit.kube.patches import merge_key
from hipaa_kit.sources.overlay import Delete, Patch, Put, overlay, place_of
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.remedies import REMEDIES
from tests.support.snapshots import TEST_KEY

PROVED = ("yes", "together")


@cache
def clinic() -> Any:
    return hipaa_kit.assessment()


@cache
def files() -> dict[str, str]:
    return remedy_files(clinic().tables["remedies"], "clinic", "2026-11-20T02:00:00Z")


def row(**more: Any) -> dict[str, Any]:
    return {
        "check": "HK-AVL-02",
        "topic": "availability",
        "object": "Deployment/ehr/app",
        "step": 1,
        "title": "let one pod go",
        "kind": "object",
        "target": "PodDisruptionBudget/ehr/app",
        "text": "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata:\n  name: app\n  namespace: ehr\n",
        "verified": "yes",
        **more,
    }


def table(*rows: dict[str, Any]) -> pd.DataFrame:
    return REMEDIES.frame(rows)


def test_every_manifest_has_a_file_and_every_file_is_named_by_the_page() -> None:
    manifests = clinic().tables["remedies"]
    manifests = manifests[manifests["kind"].isin(MANIFESTS)].drop_duplicates(["target", "kind", "text"])
    made = [name for name in files() if name not in ("README.md", "kustomization.yaml")]
    assert len(made) == len(manifests) > 50
    linked = re.findall(r"\]\(([^)]+\.yaml)\)", files()["README.md"])
    assert set(linked) == set(made)


def test_files_hold_what_the_table_says() -> None:
    wanted = {(place_of(content), str(content)) for content in map(yaml.safe_load, clinic_manifests())}
    found = set()
    for name, text in files().items():
        if name.endswith(".yaml") and name != "kustomization.yaml":
            content = yaml.safe_load(text)
            content.pop("$patch", None)
            found.add((place_of(content), str(content)))
    assert found == wanted


def clinic_manifests() -> list[str]:
    manifests = clinic().tables["remedies"]
    return list(manifests[manifests["kind"].isin(MANIFESTS)]["text"])


def test_the_component_holds_what_was_proved_alone() -> None:
    component = yaml.safe_load(files()["kustomization.yaml"])
    held = {*component["resources"], *(each["path"] for each in component["patches"])}
    for name in held:
        assert re.search(r"proved: with it applied|proved together", files()[name])
    not_proved = remedy_files(table(row(verified="no"), row(verified="cannot", step=2)), "c", "m")
    assert set(yaml.safe_load(not_proved["kustomization.yaml"])) == {"apiVersion", "kind"}


def test_the_same_change_for_several_findings_is_one_file() -> None:
    made = remedy_files(table(row(), row(check="HK-NET-02")), "c", "m")
    [name] = [name for name in made if name.startswith("Pod")]
    assert made[name].count("HK-") == 2


def test_two_changes_of_one_object_are_two_files() -> None:
    made = remedy_files(table(row(), row(check="HK-NET-02", kind="patch", text="a: 1\n")), "c", "m")
    assert [name for name in made if name.startswith("Pod")] == [
        "PodDisruptionBudget.ehr.app.2.yaml",
        "PodDisruptionBudget.ehr.app.yaml",
    ]


def test_an_object_that_takes_the_place_of_another_is_left_out_of_the_component() -> None:
    made = remedy_files(table(row(kind="replace")), "c", "m")
    assert "resources" not in yaml.safe_load(made["kustomization.yaml"])


def test_what_is_to_be_deleted_says_so() -> None:
    made = remedy_files(table(row(kind="delete")), "c", "m")
    assert yaml.safe_load(made["PodDisruptionBudget.ehr.app.yaml"])["$patch"] == "delete"


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b\\c", "x\n# y", "\u202etxt", "$(id)", ".", "a" * 300])
def test_names_of_a_hostile_cluster_stay_in_the_folder(name: str, tmp_path: Path) -> None:
    hostile = row(object=f"ClusterRole//{name}", target=f"ClusterRole//{name}", title=f"<b>{name}")
    made = remedy_files(table(hostile, row(step=2, kind="command", target="", text=f"kubectl '{name}'")), name, name)
    write_remedies(made, tmp_path / "out")
    inside = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert len(inside) == len(made) == 3
    for path in inside:
        text = path.read_text(encoding="utf-8")
        assert "\u202e" not in text
        assert "\n# y\n" not in text
    assert "<b>" not in made["README.md"].replace("\\<b\\>", "")


def test_a_folder_that_exists_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="exists already"):
        write_remedies({"a": "b"}, tmp_path)


def test_nothing_is_written_where_something_looks_like_a_secret(tmp_path: Path) -> None:
    with pytest.raises(LeakError):
        write_remedies({"a": "fine", "b": "https://somebody:correct-horse@example.org"}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def in_order(value: Any, field: str = "") -> Any:
    """Return a value with lists that are maps by a key in the order of that key."""
    if isinstance(value, dict):
        return {name: in_order(each, name) for name, each in value.items()}
    if isinstance(value, list):
        key = merge_key(field, value)
        return sorted(map(in_order, value), key=lambda each: str(each[key])) if key else list(map(in_order, value))
    return value


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl to hold it against")
def test_kustomize_makes_of_them_what_the_kit_judged(tmp_path: Path) -> None:
    remedies = clinic().tables["remedies"]
    changed = {target for target in remedies["target"] if target}
    snapshot = clinic().snapshot
    held = [r.content for key in snapshot.kinds() for r in snapshot.parts[key].load() if r.object in changed]
    (tmp_path / "objects.yaml").write_text(yaml.safe_dump_all(map(dict, held)), encoding="utf-8")
    (tmp_path / "kustomization.yaml").write_text(
        "resources: [objects.yaml]\ncomponents: [remedies]\n", encoding="utf-8"
    )
    write_remedies(files(), tmp_path / "remedies")
    done = subprocess.run(["kubectl", "kustomize", str(tmp_path)], capture_output=True, text=True, check=True)
    theirs = {place_of(each): each for each in yaml.safe_load_all(done.stdout)}
    makes = {"patch": Patch, "object": Put, "delete": Delete}
    proved = remedies[remedies["verified"].isin(PROVED) & remedies["kind"].isin(list(makes))]
    once = rows_of(proved.drop_duplicates(["target", "kind", "text"]))
    changes = [makes[each["kind"]](yaml.safe_load(each["text"])) for each in once]
    changes.sort(key=lambda change: isinstance(change, Delete))
    ours = overlay(snapshot, changes, pseudonym=Pseudonymizer(TEST_KEY))
    made = {(r.group, r.kind, r.namespace, r.name): r.content for key in ours.kinds() for r in ours.parts[key].load()}
    assert len(changes) > 50
    for change in changes:
        found = made.get(change.place)
        assert (found is None) == isinstance(change, Delete)
        assert in_order(found) == in_order(theirs.get(change.place)), change.place
