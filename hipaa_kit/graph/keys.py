"""Keys of encryption at rest: where each lives, how near that is to what it protects, and who can read it.

Under the guidance of 2009-04-27 on unsecured protected health information encrypted ePHI counts as secured only while
the keys are kept apart from the data: so the place of a key is told beside the encryption.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import pandas as pd

from hipaa_kit.graph.permissions import RBAC_BESIDE, RBAC_INPUTS, RBAC_TABLES, permissions
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube import kinds
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.encryption import KEY_READERS, KEYS
from hipaa_kit.tables.lookup import GivenTables

NEAR: Final = {
    "external": "apart from the data, outside of the cluster",
    "cluster": "in a Secret of the cluster whose data it protects",
    "node": "in a file of the control plane, beside the etcd that it protects",
    "unknown": "not known",
    "none": "there is no key",
}


@dataclass
class _Key:
    kind: str
    place: str
    basis: str
    protects: set[str] = field(default_factory=set)


@builds(KEYS, optional=["cloud_clusters", "stored_resources", "key_register"])
def keys(
    ephi_volumes: pd.DataFrame,
    api_data_sources: pd.DataFrame,
    key_register: pd.DataFrame,
    stored_resources: pd.DataFrame,
) -> Iterator[dict[str, Any]]:
    """Yield a row per key of a volume with ePHI, and of what the API server stores."""
    register = key_register.set_index("key")
    found = _of_volumes(ephi_volumes) | _of_api_data(api_data_sources, stored_resources)
    for (name, kind), key in found.items():
        row: dict[str, Any] = {"key": name, "kind": kind, "place": key.place, "basis": key.basis}
        row |= {"protects": " ".join(sorted(key.protects)), "objects": len(key.protects), "local": NEAR[key.place]}
        if name in register.index:
            row |= {column: register.loc[name, column] for column in ("rotated_on", "rotates")}
        yield row


@builds(KEY_READERS, reads=[kinds.POD], also=RBAC_BESIDE, optional=RBAC_INPUTS, uses=RBAC_TABLES)
def key_readers(snapshot: Snapshot, keys: pd.DataFrame, tables: GivenTables) -> Iterator[dict[str, Any]]:
    """Yield a row per subject that RBAC lets read the Secret of a key, and per gap that may hide more."""
    rbac = permissions(tables, snapshot)
    for key in sorted(set(keys["key"])):
        if key.startswith("Secret/"):
            _, namespace, name = parse_object_id(key)
            who = rbac.who_can("get", resource="secrets", namespace=namespace, name=name)
            for each in rows_of(who[["subject_kind", "subject", "binding", "basis"]].drop_duplicates()):
                yield {"key": key, **each}


def _of_volumes(ephi_volumes: pd.DataFrame) -> dict[tuple[str, str], _Key]:
    found: dict[tuple[str, str], _Key] = {}
    known = ephi_volumes[ephi_volumes["key_kind"].isin(["named", "default", "secret"])]
    columns = ["object", "key", "key_kind", "place", "basis"]
    for name, key, kind, place, basis in known[columns].itertuples(index=False):
        label = key or "passphrase in a Secret that is not named"
        found.setdefault((label, kind), _Key(kind, place, basis)).protects.add(name)
    return found


def _of_api_data(sources: pd.DataFrame, stored: pd.DataFrame) -> dict[tuple[str, str], _Key]:
    """Return the keys that write API data: those of the file where it was given, else what the control plane says."""
    found: dict[tuple[str, str], _Key] = {}
    written = stored[stored["provider"] != "identity"]
    for key, provider, place, resource in written[["key", "provider", "place", "resource"]].itertuples(index=False):
        basis = "key of the encryption configuration"
        label = (key or f"key of {provider}", "api")
        found.setdefault(label, _Key("api", place, basis)).protects.add(f"etcd:{resource}")
    if not found:
        told = sources[sources["state"].isin(["encrypted", "progress"]) & (sources["provider"] != "")]
        for key, provider, place, basis in told[["key", "provider", "place", "basis"]].itertuples(index=False):
            found[key or f"key of {provider}", "api"] = _Key("api", place, basis, {"etcd:secrets"})
    return found
