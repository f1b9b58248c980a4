"""Every field of every object is one that the API knows, with a value of its type."""

import re
from typing import Any

import pytest

client = pytest.importorskip("kubernetes.client")

CUSTOM = {
    *("aquasecurity.github.io", "argoproj.io", "cert-manager.io", "cilium.io", "external-secrets.io"),
    *("monitoring.coreos.com", "policy.sigstore.dev", "snapshot.storage.k8s.io", "velero.io"),
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
SCALARS = {"str": str, "bool": bool, "int": int, "float": (int, float)}
# Lists that the API server writes as null where there is nothing.
NULLS = {"endpoints", "ports", "eventTime", "currentMetrics", "topologyKeys"}


def model_of(api_version: str, kind: str) -> Any:
    # Two kinds share their name with another one; the client names those after their group.
    prefix = {"Event": "Core", "ResourceClaim": "Resource"}.get(kind, "")
    return getattr(client, prefix + api_version.rpartition("/")[2].capitalize() + kind)


def problems(value: Any, kind: str, where: str) -> list[str]:
    """Return what is wrong with a value of one type of the client."""
    if value is None:
        return [] if where.rpartition(".")[2] in NULLS else [f"{where} is null"]
    many = re.fullmatch(r"(list|dict)[\[(](?:str, ?)?(.*)[\])]", kind, re.IGNORECASE)
    if many and many[1].lower() == "list":
        if not isinstance(value, list):
            return [f"{where} is no list"]
        return [one for n, item in enumerate(value) for one in problems(item, many[2], f"{where}[{n}]")]
    if many:
        return [one for key, item in value.items() for one in problems(item, many[2], f"{where}.{key}")]
    if kind == "object":
        return []
    if kind == "datetime":
        return [] if isinstance(value, str) and TIME.fullmatch(value) else [f"{where} is no time: {value!r}"]
    if kind in SCALARS:
        fits = isinstance(value, SCALARS[kind]) and (kind == "bool" or not isinstance(value, bool))
        return [] if fits else [f"{where} is no {kind}: {value!r}"]
    return fields(value, getattr(client, kind), where)


def fields(value: Any, model: Any, where: str) -> list[str]:
    """Return what is wrong with the fields of one object of the client."""
    if not isinstance(value, dict):
        return [f"{where} is no object"]
    known = {written: model.openapi_types[name] for name, written in model.attribute_map.items()}
    found = [f"{where}.{key} is unknown to {model.__name__}" for key in value if key not in known]
    for key in value.keys() & known.keys():
        found += problems(value[key], known[key], f"{where}.{key}")
    return found


def test_fields_are_those_of_the_api(clinic: Any) -> None:
    found: list[str] = []
    for stem, answer in clinic.lists.items():
        if stem.partition(".")[2] in CUSTOM:
            continue
        model = model_of(answer["apiVersion"], answer["kind"].removesuffix("List"))
        for number, item in enumerate(answer["items"]):
            found += fields(item, model, f"{stem}[{number}]")
    assert found == []


def test_unknown_field_and_wrong_type_are_noticed() -> None:
    assert fields({"spec": {"replica": 2}}, client.V1Deployment, "d") == [
        "d.spec.replica is unknown to V1DeploymentSpec"
    ]
    assert fields({"spec": {"replicas": "2"}}, client.V1Deployment, "d") == ["d.spec.replicas is no int: '2'"]
