"""The clinic on a real server: its objects created there, as users and controllers would have done."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from hipaa_kit.sources.documents.yaml_documents import LenientLoader
from tests.support.live import objects
from tests.support.live.api import Answer, Api, until

Object = dict[str, Any]

FIRST = (
    "Namespace",
    "CustomResourceDefinition",
    "PriorityClass",
    "StorageClass",
    "ServiceAccount",
    "ResourceQuota",
    "Service",
)
"""Kinds that others need when they are created."""

NEVER = ("ComponentStatus",)
"""Kinds that cannot be created: the server makes them up when it is asked."""

CONTROLLER_UID = ("controller-uid", "batch.kubernetes.io/controller-uid")
"""Labels of a Job that the server alone sets."""


def load(folder: Path) -> list[Object]:
    """Return the objects of a folder of typed lists, each with its apiVersion and kind."""
    found = []
    for path in sorted(folder.glob("*.yaml")):
        held = yaml.load(path.read_text(encoding="utf-8"), Loader=LenientLoader)
        whole = {"apiVersion": held["apiVersion"], "kind": held["kind"].removesuffix("List")}
        found += [{**whole, **item} for item in held["items"]]
    return found


def applicable(obj: Object) -> bool:
    """Tell whether an object can be created here; a remote APIService would make the server call its address."""
    return obj["kind"] not in NEVER and not (obj["kind"] == "APIService" and "service" in obj["spec"])


def apply(api: Api, wanted: Iterable[Object]) -> list[str]:
    """Create objects with their status; return what the server refused, in its words.

    What exists already, because the server makes it at its start, is replaced. Statuses are written
    when all objects are there: quotas would count otherwise what is created after them. A namespace is
    labelled for Pod Security when its pods are there: what it would refuse now is older than its labels.
    """
    held = [obj for obj in wanted if applicable(obj)]
    refused: list[str] = []
    for batch in _batches(held):
        answers = api.many(("POST", objects.list_path(obj), _unlabelled(_creatable(obj))) for obj in batch)
        for obj, answer in zip(batch, answers, strict=True):
            there = answer.status not in (200, 201) and _exists(api, obj)
            refused += _problem(obj, _instead(api, obj) if there else answer)
        _wait_for_definitions(api, batch)
    for namespace in (obj for obj in held if obj["kind"] == "Namespace"):
        refused += _problem(namespace, _replace(api, namespace))
    for obj in held:
        if "status" in obj and _exists(api, obj, "/status"):
            refused += _problem(obj, _replace(api, obj, "/status", status=obj["status"]))
    for node in (obj for obj in held if obj["kind"] == "Node"):
        # A new node is tainted until its kubelet says that it is ready; the taints are then taken away.
        refused += _problem(node, _replace(api, node))
    return refused


def _problem(obj: Object, answer: Answer) -> list[str]:
    if answer.status in (200, 201):
        return []
    said = answer.content["message"] if isinstance(answer.content, dict) else answer.content
    return [f"{objects.path(obj)}: {said}"]


def _batches(held: Iterable[Object]) -> Iterator[list[Object]]:
    """Yield the objects kind by kind where others need them, then all the rest."""
    ordered = list(held)
    for kind in FIRST:
        yield [obj for obj in ordered if obj["kind"] == kind]
    yield [obj for obj in ordered if obj["kind"] not in FIRST]


def _creatable(obj: Object) -> Object:
    """Return an object without what the server alone gives."""
    made = copy.deepcopy({key: value for key, value in obj.items() if key != "status"})
    for field in ("uid", "resourceVersion", "creationTimestamp"):
        made["metadata"].pop(field, None)
    if obj["kind"] == "Job":
        made["spec"].pop("selector", None)
        for metadata in (made["metadata"], made["spec"]["template"]["metadata"]):
            labels = metadata.get("labels", {})
            metadata["labels"] = {key: value for key, value in labels.items() if key not in CONTROLLER_UID}
    return made


def _unlabelled(made: Object) -> Object:
    """Return a namespace without the labels by which Pod Security would refuse pods; all else as it is."""
    if made["kind"] == "Namespace":
        labels = made["metadata"].get("labels", {})
        kept = {key: value for key, value in labels.items() if not key.startswith("pod-security.kubernetes.io/")}
        made["metadata"]["labels"] = kept
    return made


def _instead(api: Api, obj: Object) -> Answer:
    """Replace what is there; a role binding to another role is made anew, as its role cannot be changed."""
    if obj["kind"] == "ClusterRoleBinding" and api.get(objects.path(obj))["roleRef"] != obj["roleRef"]:
        api.request("DELETE", objects.path(obj))
        return api.request("POST", objects.list_path(obj), _creatable(obj))
    return _replace(api, obj)


def _replace(api: Api, obj: Object, subresource: str = "", **content: Any) -> Answer:
    path = objects.path(obj) + subresource
    there = api.get(path)
    version = {"resourceVersion": there["metadata"]["resourceVersion"]}
    made = {**_creatable(obj), **content}
    return api.request("PUT", path, {**made, "metadata": {**made["metadata"], **version}})


def _exists(api: Api, obj: Object, subresource: str = "") -> bool:
    return api.request("GET", objects.path(obj) + subresource).status == 200


def _wait_for_definitions(api: Api, batch: Iterable[Object]) -> None:
    for obj in batch:
        if obj["kind"] == "CustomResourceDefinition":
            spec = obj["spec"]
            path = f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}"
            until(lambda path=path: api.request("GET", path).status == 200, f"{path} is served")  # type: ignore[misc]
