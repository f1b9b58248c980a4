"""The change by which the pods of a workload no longer take a Secret."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from hipaa_kit.inventory.workloads import Workload
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.kube.patches import DIRECTIVE
from hipaa_kit.kube.reading import as_map, as_maps, as_text
from hipaa_kit.safeguards.remedy import containers_of, containers_patch
from hipaa_kit.sources.overlay import Patch


def without_secrets(workload: Workload, taken: Collection[str]) -> Patch | None:
    """Return the patch by which a pod template takes some Secrets no longer; None where it takes none of them.

    Parameters
    ----------
    workload
        With its own object, as `Cluster.workload` gives it.
    taken
        `Secret/namespace/name`, of the workload's namespace.

    Notes
    -----
    A template takes them as variables and as volumes, alone or as a part of a projected one. Source:
    https://kubernetes.io/docs/concepts/configuration/secret/#using-secrets
    """
    secrets = {parse_object_id(each)[2] for each in taken}
    volumes = [
        change
        for each in as_maps(as_map(workload.template, "spec").get("volumes"))
        if (change := _volume(each, secrets))
    ]
    gone = {each["name"] for each in volumes if DIRECTIVE in each}
    changes = {
        as_text(each["name"]): change
        for _, each in containers_of(workload)
        if (change := _container(each, gone, secrets))
    }
    return containers_patch(workload, changes, **({"volumes": volumes} if volumes else {}))


def _volume(volume: Mapping[str, Any], secrets: Collection[str]) -> dict[str, Any]:
    """Return the change of a volume that holds one of some Secrets; {} where it holds none."""
    name = as_text(volume.get("name"))
    away = {"name": name, DIRECTIVE: "delete"}
    if as_text(as_map(volume, "secret").get("secretName")) in secrets:
        return away
    sources = as_maps(as_map(volume, "projected").get("sources"))
    kept = [each for each in sources if as_text(as_map(each, "secret").get("name")) not in secrets]
    if len(kept) == len(sources):
        return {}
    return {"name": name, "projected": {"sources": kept}} if kept else away


def _container(container: Mapping[str, Any], gone: Collection[str], secrets: Collection[str]) -> dict[str, Any]:
    """Return the change of a container whose volumes are gone, or that takes variables from Secrets; {} for none."""
    found: dict[str, Any] = {}
    if mounts := [each for each in as_maps(container.get("volumeMounts")) if as_text(each.get("name")) in gone]:
        found["volumeMounts"] = [{"mountPath": each.get("mountPath"), DIRECTIVE: "delete"} for each in mounts]
    variables = [
        {"name": as_text(each.get("name")), DIRECTIVE: "delete"}
        for each in as_maps(container.get("env"))
        if as_text(as_map(each, "valueFrom", "secretKeyRef").get("name")) in secrets
    ]
    if variables:
        found["env"] = variables
    sources = as_maps(container.get("envFrom"))
    kept = [each for each in sources if as_text(as_map(each, "secretRef").get("name")) not in secrets]
    if len(kept) < len(sources):
        found["envFrom"] = kept
    return found
