"""A cluster of any size, made of the clinic's pods: the same every time."""

from __future__ import annotations

import copy
from typing import Any

import yaml

from hipaa_kit.resources import shipped
from hipaa_kit.sources.documents.yaml_documents import LenientLoader


def pods(count: int) -> list[dict[str, Any]]:
    """Return so many pods in namespaces of a hundred each."""
    path = shipped("data") / "clinic" / "objects" / "pods.yaml"
    models = yaml.load(path.read_text(encoding="utf-8"), Loader=LenientLoader)["items"]
    made = []
    for number in range(count):
        pod = copy.deepcopy(models[number % len(models)])
        pod["metadata"].update(name=f"pod-{number}", namespace=f"ns-{number // 100}", uid=f"uid-{number}")
        made.append({"apiVersion": "v1", "kind": "Pod", **pod})
    return made
