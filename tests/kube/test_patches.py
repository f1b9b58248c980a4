"""Patches change what they name and nothing else, as the API server and Kustomize apply them."""

from __future__ import annotations

import json
import shutil
import subprocess
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.kube.patches import carried_over, json_merge, merge_key, strategic_merge

APP = {"name": "app", "image": "app:1", "env": [{"name": "A", "value": "1"}], "ports": [{"containerPort": 80}]}
LOG = {"name": "log", "image": "log:1"}


def pod(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"containers": list(containers), **spec}


STRATEGIC = {
    "a field is set": ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
    "null removes a field": ({"a": 1, "b": 2}, {"b": None}, {"a": 1}),
    "null of what is not there changes nothing": ({"a": 1}, {"b": None}, {"a": 1}),
    "maps are merged": ({"m": {"a": 1}}, {"m": {"b": 2}}, {"m": {"a": 1, "b": 2}}),
    "nulls of a new map are left out": ({}, {"m": {"a": None, "b": 1}}, {"m": {"b": 1}}),
    "a text in the place of a map is replaced": ({"m": "x"}, {"m": {"a": 1}}, {"m": {"a": 1}}),
    "containers are merged by name": (
        pod(APP, LOG),
        pod({"name": "log", "image": "log:2"}),
        pod(APP, {"name": "log", "image": "log:2"}),
    ),
    "a new container is added": (pod(APP), pod(LOG), pod(APP, LOG)),
    "variables are merged by name": (
        pod(APP),
        pod({"name": "app", "env": [{"name": "A", "value": None, "valueFrom": {"secretKeyRef": {"name": "s"}}}]}),
        pod({**APP, "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s"}}}]}),
    ),
    "container ports are merged by number": (
        pod({"name": "app", "ports": [{"containerPort": 80, "hostPort": 80}, {"containerPort": 81}]}),
        pod({"name": "app", "ports": [{"containerPort": 80, "hostPort": None}]}),
        pod({"name": "app", "ports": [{"containerPort": 80}, {"containerPort": 81}]}),
    ),
    "ports of a Service are merged by number": (
        {"ports": [{"port": 80, "nodePort": 30080}, {"port": 81}]},
        {"ports": [{"port": 80, "nodePort": None}]},
        {"ports": [{"port": 80}, {"port": 81}]},
    ),
    "an entry is deleted by its key": (
        {"volumes": [{"name": "a"}, {"name": "b"}]},
        {"volumes": [{"name": "a", "$patch": "delete"}]},
        {"volumes": [{"name": "b"}]},
    ),
    "mounts are merged by path": (
        {"volumeMounts": [{"mountPath": "/a", "name": "x"}, {"mountPath": "/b", "name": "x"}]},
        {"volumeMounts": [{"mountPath": "/b", "$patch": "delete"}]},
        {"volumeMounts": [{"mountPath": "/a", "name": "x"}]},
    ),
    "lists without a key are replaced": ({"ingress": [{}, {"from": []}]}, {"ingress": []}, {"ingress": []}),
    "subjects are replaced": (
        {"subjects": [{"name": "a"}]},
        {"subjects": [{"name": "b"}]},
        {"subjects": [{"name": "b"}]},
    ),
    "a list whose entries lack the key is replaced": (
        {"env": [{}]},
        {"env": [{"name": "A"}]},
        {"env": [{"name": "A"}]},
    ),
}


@pytest.mark.parametrize(("target", "patch", "wanted"), STRATEGIC.values(), ids=STRATEGIC.keys())
def test_a_strategic_merge_patch(target: Any, patch: Any, wanted: Any) -> None:
    before = deepcopy(target)
    assert strategic_merge(target, patch) == wanted
    assert target == before
    assert strategic_merge(wanted, patch) == wanted


def test_a_json_merge_patch_replaces_every_list() -> None:
    assert json_merge(pod(APP, LOG), pod({"name": "log"})) == pod({"name": "log"})
    assert json_merge({"a": {"b": 1, "c": 2}}, {"a": {"b": None}}) == {"a": {"c": 2}}


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl to hold it against")
@pytest.mark.parametrize(
    "name", ["containers are merged by name", "variables are merged by name", "a new container is added"]
)
def test_kubectl_makes_the_same_of_it(name: str, tmp_path: Path) -> None:
    target, patch, _ = STRATEGIC[name]
    held = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": target}
    (tmp_path / "pod.json").write_text(json.dumps(held))
    words = [
        "patch",
        "--local",
        "-f",
        str(tmp_path / "pod.json"),
        "--type",
        "strategic",
        "-p",
        json.dumps({"spec": patch}),
    ]
    done = subprocess.run(["kubectl", *words, "-o", "json"], capture_output=True, text=True, check=True)
    theirs, ours = json.loads(done.stdout)["spec"], strategic_merge(target, patch)
    assert sorted(theirs["containers"], key=lambda each: each["name"]) == sorted(
        ours["containers"], key=lambda each: each["name"]
    )


def test_a_key_is_one_that_every_entry_has_once() -> None:
    assert merge_key("containers", [{"name": "a"}], [{"name": "b"}]) == "name"
    assert merge_key("ports", [{"containerPort": 1}], []) == "containerPort"
    assert merge_key("ports", [{"port": 1}], [{"port": 2}]) == "port"
    assert merge_key("ports", [{"port": 1}, {"port": 1}]) == ""
    assert merge_key("tolerations", [{"key": "a"}]) == ""


SIDECAR = {"name": "proxy", "image": "proxy:1"}
CARRIED = {
    "what others added stays": (
        pod(APP),
        pod({**APP, "image": "app:2"}),
        pod({**APP, "terminationMessagePath": "/dev/log"}, SIDECAR, nodeName="n1"),
        pod({**APP, "image": "app:2", "terminationMessagePath": "/dev/log"}, SIDECAR, nodeName="n1"),
    ),
    "what the template no longer has goes": (
        pod(APP, hostNetwork=True),
        pod(APP),
        pod(APP, hostNetwork=True, nodeName="n1"),
        pod(APP, nodeName="n1"),
    ),
    "a new container comes": (pod(APP), pod(APP, LOG), pod(APP, SIDECAR), pod(APP, SIDECAR, LOG)),
    "a container that went goes": (pod(APP, LOG), pod(APP), pod(APP, LOG, SIDECAR), pod(APP, SIDECAR)),
    "a volume that went goes, and one that admission added stays": (
        {"volumes": [{"name": "a"}]},
        {"volumes": []},
        {"volumes": [{"name": "a"}, {"name": "kube-api-access-x"}]},
        {"volumes": [{"name": "kube-api-access-x"}]},
    ),
    "a list without a key is the new one": (
        {"args": ["a"]},
        {"args": ["b"]},
        {"args": ["a"]},
        {"args": ["b"]},
    ),
    "an unchanged list stays as it was made": (
        {"tolerations": [{"key": "a"}], "x": 1},
        {"tolerations": [{"key": "a"}], "x": 2},
        {"tolerations": [{"key": "a"}, {"key": "not-ready"}], "x": 1},
        {"tolerations": [{"key": "a"}, {"key": "not-ready"}], "x": 2},
    ),
}


@pytest.mark.parametrize(("before", "after", "made", "wanted"), CARRIED.values(), ids=CARRIED.keys())
def test_a_changed_template_reaches_what_was_made_of_it(before: Any, after: Any, made: Any, wanted: Any) -> None:
    assert carried_over(before, after, made) == wanted


VALUES = st.recursive(
    st.integers() | st.text(max_size=3) | st.booleans(),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3) | st.lists(inner, max_size=3),
    max_leaves=8,
)
MAPS = st.dictionaries(st.sampled_from(["a", "b", "containers", "env"]), VALUES, max_size=4)


@given(MAPS, MAPS)
def test_a_patch_applied_twice_changes_nothing_more(target: dict[str, Any], patch: dict[str, Any]) -> None:
    once = strategic_merge(target, patch)
    assert strategic_merge(once, patch) == once


@given(MAPS, MAPS)
def test_what_is_made_as_the_template_says_becomes_what_the_new_one_says(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert carried_over(before, after, before) == after


@given(MAPS, MAPS)
def test_an_unchanged_template_changes_nothing(template: dict[str, Any], made: dict[str, Any]) -> None:
    assert carried_over(template, template, made) == made
