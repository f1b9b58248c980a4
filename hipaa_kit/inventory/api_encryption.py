"""Whether the API server encrypts what it stores: by flags, OpenShift, k3s and rke2, the provider, and the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pandas as pd

from hipaa_kit.inventory.fields import condition, text
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube import kinds
from hipaa_kit.kube.custom_kinds import custom
from hipaa_kit.kube.encryption.api_data import (
    Entry,
    Provider,
    effective_provider,
    stored_prefix,
    strength,
)
from hipaa_kit.kube.facts import SERVER_FLAGS
from hipaa_kit.kube.owners import object_id
from hipaa_kit.kube.versions import release_of
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.encryption import API_DATA_SOURCES, STORED_RESOURCES

FLAG: Final = "encryption-provider-config"
FLAGS: Final = (FLAG, f"experimental-{FLAG}")
"""The flag, and its name before 1.13."""

OPENSHIFT: Final = custom("config.openshift.io", "APIServer")
OPENSHIFT_OPERATOR: Final = custom("operator.openshift.io", "KubeAPIServer")
"""Read where they are there; each says something of itself alone, so that nothing rests on their absence."""

CLOUDS: Final = {"aws": "aws", "gce": "gcp", "azure": "azure"}
"""Provider in the tables by the scheme of a node's provider id."""

EKS_DEFAULT: Final = (1, 28)
"""First version of EKS that encrypts all API data, with a key of AWS where none is given.

Source: https://docs.aws.amazon.com/eks/latest/userguide/envelope-encryption.html.
"""

RESOURCES: Final = ("secrets", "configmaps")


@builds(
    API_DATA_SOURCES,
    reads=[kinds.NODE],
    also=[OPENSHIFT, OPENSHIFT_OPERATOR],
    optional=["cloud_clusters"],
    facts=[SERVER_FLAGS],
)
def api_data_sources(
    snapshot: Snapshot,
    nodes: pd.DataFrame,
    control_plane_members: pd.DataFrame,
    control_plane_flags: pd.DataFrame,
    cloud_clusters: pd.DataFrame,
) -> Iterator[dict[str, Any]]:
    """Yield a row per source; where none is there and the cluster has nodes, one that says so.

    What the provider says counts only where nothing of the control plane shows in the cluster: a cluster that runs
    its own API servers is not the one that the provider manages.
    """
    found = [*_by_flags(control_plane_members, control_plane_flags), *_by_openshift(snapshot), *_by_nodes(snapshot)]
    found = found or list(_by_provider(nodes, cloud_clusters))
    if not found and len(nodes):
        found = [_source("Cluster//api-data", "none", "unknown", nothing_shows(nodes))]
    yield from found


def nothing_shows(nodes_table: pd.DataFrame) -> str:
    """Return the words for a cluster that has nodes and in which no setting of an API server shows."""
    managed = sorted(set(nodes_table["provider"]) & set(CLOUDS))
    where = f"of a control plane that {CLOUDS[managed[0]]} manages" if managed else "of the control plane"
    return f"nothing {where} shows in the cluster"


def _source(name: str, source: str, state: str, basis: str, **more: str) -> dict[str, Any]:
    return {"object": name, "source": source, "state": state, "basis": basis, "place": "unknown", **more}


def _by_flags(members: pd.DataFrame, flags: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield what each API server was started with; the file it names is judged by itself."""
    given = flags[flags["name"].isin(FLAGS) & (flags["value"] != "")].groupby("pod")["value"].last().to_dict()
    servers = members.loc[members["component"] == "kube-apiserver", ["pod", "node", "flags_read"]]
    for pod, node, read in servers.itertuples(index=False):
        if not read:
            yield _source(pod, "flags", "unknown", "its flags could not be read")
        elif pod in given:
            yield _source(pod, "flags", "encrypted", f"it runs with --{FLAG}={given[pod]}", place="node", node=node)
        else:
            yield _source(pod, "flags", "plain", f"it runs without --{FLAG}: Secrets are stored as plain text")


def _by_openshift(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield what the configuration of OpenShift's API servers asks for, and whether it is done.

    Notes
    -----
    None is the default. Keys are changed weekly and live in Secrets of the cluster. Source:
    https://docs.redhat.com/en/documentation/openshift_container_platform/ (Encrypting etcd data).
    """
    operators = [condition(record.content, "Encrypted") for record in snapshot.records(OPENSHIFT_OPERATOR)]
    done = operators[0] if operators else None
    for record in snapshot.records(OPENSHIFT):
        kind = text(record.content, "spec", "encryption", "type")
        if record.name != "cluster":
            continue
        if kind in ("", "identity"):
            yield _source(
                record.object,
                "openshift",
                "plain",
                f"spec.encryption.type is {kind or 'not set'}: nothing is encrypted",
            )
        elif done:
            basis = f"spec.encryption.type is {kind}, and the operator says that all resources are encrypted"
            yield _source(record.object, "openshift", "encrypted", basis, provider=kind.lower(), place=_near(kind))
        else:
            said = "says that it is not done" if done is False else "was not read"
            basis = f"spec.encryption.type is {kind}; the operator {said}"
            yield _source(record.object, "openshift", "progress", basis, provider=kind.lower(), place=_near(kind))


def _near(kind: str) -> str:
    return "external" if kind.lower() == "kms" else "cluster"


def _by_nodes(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield what servers of k3s and rke2 were started with.

    Notes
    -----
    k3s encrypts Secrets where it is asked to, rke2 always; both write `aescbc` unless another provider is named.
    Source: https://docs.k3s.io/security/secrets-encryption, https://docs.rke2.io/security/secrets_encryption.
    """
    for record in snapshot.records(kinds.NODE):
        said: Mapping[str, str] = record.facts.get(SERVER_FLAGS, {})
        distribution, role = said.get("distribution", ""), said.get("role", "")
        if not said or role == "agent":
            continue
        if said.get("own_file"):
            basis = f"{distribution} hands its API server a file of encryption"
            yield _source(record.object, distribution, "encrypted", basis, place="node", node=record.name)
        elif role != "server" or (distribution == "rke2" and said.get("encrypts") == "false"):
            yield _source(record.object, distribution, "unknown", f"how {distribution} was started is not known")
        elif distribution == "rke2" or said.get("encrypts") == "true":
            provider = said.get("provider", "aescbc")
            basis = f"{distribution} encrypts Secrets with {provider}"
            yield _source(record.object, distribution, "encrypted", basis, provider=provider, place="node")
        else:
            basis = f"{distribution} was started without --secrets-encryption"
            yield _source(record.object, distribution, "plain", basis)


def _by_provider(nodes: pd.DataFrame, cloud_clusters: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield what the provider of the nodes says of its cluster, where it describes exactly one."""
    mine = {CLOUDS[scheme] for scheme in nodes["provider"] if scheme in CLOUDS}
    told = cloud_clusters[cloud_clusters["provider"].isin(mine)]
    if len(mine) != 1 or len(told) != 1:
        return
    [row] = rows_of(told)
    name, key = object_id("CloudCluster", "", str(row["name"])), str(row["secrets_key"])
    encrypted = row["secrets_encrypted"]
    if encrypted is not None and bool(encrypted):
        yield _source(name, "provider", "encrypted", "its provider encrypts Secrets with a key of the site",
                      provider="kms", key=key, place="external")  # fmt: skip
    elif row["provider"] == "aws" and (release_of(str(row["version"])) or (0, 0)) >= EKS_DEFAULT:
        basis = f"EKS encrypts all API data since 1.28, and it runs {row['version']}; the key is of AWS"
        yield _source(name, "provider", "encrypted", basis, provider="kms", place="external")
    elif encrypted is None:
        yield _source(name, "provider", "unknown", "its provider's description does not say")
    else:
        basis = "its provider does not encrypt Secrets in etcd, only the disks below"
        yield _source(name, "provider", "disks", basis, place="external")


@builds(STORED_RESOURCES)
def stored_resources(encryption_providers: pd.DataFrame, encryption_keys: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield what each encryption configuration makes of Secrets and ConfigMaps."""
    for node, of_node in encryption_providers.groupby("node"):
        entries, numbers = _entries(of_node)
        keys = encryption_keys[encryption_keys["node"] == node]
        for resource in RESOURCES:
            found = effective_provider(entries, resource)
            provider = found.provider
            entry = numbers[found.entry] if found.entry >= 0 else 0
            first = keys[(keys["entry"] == entry) & (keys["position"] == 1) & (keys["place"] == 1)]["key_name"]
            key = provider.name if provider.kind == "kms" else next(iter(first), "")
            grade, words = strength(provider)
            order = [each.kind for each in entries[found.entry].providers] if found.entry >= 0 else []
            yield {
                "node": node,
                "resource": resource,
                "named": found.named,
                "provider_order": " ".join(order),
                "provider": provider.kind,
                "key": key,
                "strength": grade,
                "prefix": stored_prefix(provider, key),
                "place": {"kms": "external", "identity": "none"}.get(provider.kind, "node"),
                "refused": found.refused,
                "basis": words if found.named else f"no entry names {resource}: they are stored as plain text",
            }


def _entries(rows: pd.DataFrame) -> tuple[list[Entry], list[int]]:
    """Return the entries of one file in order, and the number that each has in it."""
    entries, numbers = [], []
    for number, of_entry in rows.groupby("entry"):
        # Resources of an entry stand sorted here; which of two wildcards came first inside one entry is lost.
        providers = of_entry.drop_duplicates("position").sort_values("position")
        named = [Provider(*each) for each in providers[["provider", "name", "api_version"]].itertuples(index=False)]
        resources = sorted(set(of_entry["resource"]), key=lambda name: ("*" in name, name == "*.*"))
        entries.append(Entry(tuple(resources), tuple(named)))
        numbers.append(int(str(number)))
    return entries, numbers
