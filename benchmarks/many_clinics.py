"""A cluster of many clinics: the clinic's namespaces and workers over and over, with all that its checks read.

What belongs to one site (its namespaces, its workers with the pods of daemon sets, volumes, role bindings, monitors
and backups that name them, rows of inputs and lines of the scope) is there once per site under names, uids and
addresses of its own; the control plane and what watches all sites are there once. So every check has something to do,
faults and all. One site in ten is declared to hold ePHI as the clinic does; of the others only what the scope finds by
itself is, their staging and whatever runs a FHIR server, and what looks like ePHI beside that is a question.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from hipaa_kit.resources import shipped
from hipaa_kit.sources.documents.yaml_documents import LenientLoader

TENANTS = ("ehr", "ehr-staging", "identity", "imaging", "integration", "portal", "research")
WORKER = "worker-"
NAMING = ("PersistentVolume", "VolumeAttachment", "VolumeSnapshotContent", "ClusterRoleBinding", "ServiceMonitor")
NAMING += ("PodMonitor", "Schedule", "Backup", "Restore", "PodVolumeBackup", "PodVolumeRestore", "DataUpload")
"""Kinds outside the tenants of which a site has its own where they name one of its namespaces."""

OF_NODES = ("Node", "CSINode", "CiliumNode", "Lease")
HOLDS_NAMESPACE = ("namespace", "includedNamespaces", "matchNames", "kubernetes.io/metadata.name", "sourceNamespace")
EPHI_EVERY = 10
"""One site in so many is declared to hold ePHI."""

PHI_LABEL = "hipaa.io/phi"
ADDRESS = re.compile(r"\b10\.(?:244|40|96)\.\d+\.\d+\b")
COMPOUND = re.compile(rf"(?<=[/:.])({'|'.join(sorted(TENANTS, key=len, reverse=True))})(?=[/:.]|$)")
"""A tenant inside a longer text: an object's id, a service's name in DNS, a service account as a user."""

Object = dict[str, Any]


class ManyClinics:
    """The clinic's objects, and those of any number of sites like it."""

    def __init__(self, clinic: Path | None = None) -> None:
        self.clinic = clinic or shipped("data") / "clinic"

    @cached_property
    def lists(self) -> dict[str, Object]:
        """The typed lists of the clinic, by the name of their file."""
        files = sorted((self.clinic / "objects").glob("*.yaml"))
        return {path.stem: yaml.load(path.read_text(encoding="utf-8"), Loader=LenientLoader) for path in files}

    @cached_property
    def own(self) -> set[int]:
        """Which objects a site has of its own, by their place in memory."""
        return {id(each) for kind, each in self._objects() if self._is_own(kind, each)}

    @cached_property
    def renamed(self) -> frozenset[str]:
        """Names that each site has in its own form: uids of all its objects, names of those outside its namespaces."""
        named = set()
        for kind, each in self._objects():
            if id(each) in self.own:
                metadata = each["metadata"]
                named |= {metadata.get("uid", "")}
                if metadata.get("namespace") not in TENANTS and kind != "Namespace":
                    named |= {metadata["name"]}
        return frozenset(named - {""})

    @cached_property
    def addresses(self) -> frozenset[str]:
        """Addresses of the pods, services and nodes that a site has of its own."""
        held: set[str] = set()
        for kind, each in self._objects():
            if id(each) in self.own and kind in ("Pod", "Service", "Node", "CiliumNode"):
                held |= set(ADDRESS.findall(json.dumps(each)))
        shared = {"10.96.0.10", "10.96.0.1"}
        return frozenset(held - shared)

    def pods(self) -> tuple[int, int]:
        """Return how many pods there are once, and how many per site."""
        own = [id(each) in self.own for kind, each in self._objects() if kind == "Pod"]
        return own.count(False), own.count(True)

    def write(self, folder: Path, sites: int) -> None:
        """Write objects, scope, inputs and records of so many sites."""
        shutil.copytree(self.clinic, folder, ignore=shutil.ignore_patterns("objects", "scope.yaml", "faults.csv"))
        copies = [_Site(number, self) for number in range(1, sites)]
        self._write_objects(folder / "objects", copies)
        self._write_scope(folder / "scope.yaml", copies)
        for name in ("access_matrix", "replacements", "workforce"):
            _write_rows(folder / "inputs" / f"{name}.csv", copies)
        for path in sorted((folder / "inputs" / "metrics").iterdir()):
            answer = json.loads(path.read_text(encoding="utf-8"))
            series = answer["data"]["result"]
            mine = [each for each in series if each["metric"].get("namespace") in TENANTS]
            answer["data"]["result"] = series + [site.of(each) for site in copies for each in mine]
            path.write_text(json.dumps(answer), encoding="utf-8")
        for node in sorted((folder / "inputs" / "nodes").glob(f"{WORKER}*")):
            for site in copies:
                shutil.copytree(node, node.with_name(site.name(node.name)))

    def _write_objects(self, folder: Path, copies: list[_Site]) -> None:
        folder.mkdir()
        counts = {}
        for name, answer in self.lists.items():
            mine = [each for each in answer["items"] if id(each) in self.own]
            items = answer["items"] + [site.of(each) for site in copies for each in mine]
            counts[answer["kind"].removesuffix("List"), answer["apiVersion"].rpartition("/")[0]] = len(items)
            (folder / f"{name}.json").write_text(json.dumps({**answer, "items": items}), encoding="utf-8")
        asked = json.loads((self.clinic / "objects" / "collection.json").read_text(encoding="utf-8"))
        for each in asked["lists"]:
            each["count"] = counts.get((each["kind"], each["group"]), each["count"])
        (folder / "collection.json").write_text(json.dumps(asked), encoding="utf-8")

    def _write_scope(self, path: Path, copies: list[_Site]) -> None:
        scope = yaml.load((self.clinic / "scope.yaml").read_text(encoding="utf-8"), Loader=LenientLoader)
        for part in ("entries", "exclude", "expected_flows"):
            mine = [each for each in scope[part] if "external" not in each and _names_a_tenant(each)]
            scope[part] += [site.of(each) for site in copies if site.ephi for each in mine]
        path.write_text(yaml.dump(scope, Dumper=yaml.CSafeDumper, sort_keys=False), encoding="utf-8")

    def _objects(self) -> Iterator[tuple[str, Object]]:
        for answer in self.lists.values():
            kind = answer["kind"].removesuffix("List")
            for each in answer["items"]:
                yield kind, each

    def _is_own(self, kind: str, each: Object) -> bool:
        metadata = each["metadata"]
        if metadata.get("namespace") in TENANTS:
            return True
        if kind == "Namespace":
            return metadata["name"] in TENANTS
        if kind in OF_NODES:
            return str(metadata["name"]).startswith(WORKER)
        if kind == "Pod":
            owners = {owner["kind"] for owner in metadata.get("ownerReferences", [])}
            return "DaemonSet" in owners and str(each["spec"].get("nodeName", "")).startswith(WORKER)
        return kind in NAMING and _names_a_tenant(each)


class _Site:
    """One further site: the clinic's own objects under other names."""

    def __init__(self, number: int, model: ManyClinics) -> None:
        self.number, self.model = number, model
        self.ephi = number % EPHI_EVERY == 0
        self._address: dict[str, str] = {}

    def name(self, name: str) -> str:
        """Return a name as this site has it; the last of a uid's letters, the end of any other name."""
        if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", name):
            return f"{name[:-4]}{self.number:04x}"
        return f"{name}-s{self.number}"

    def of(self, each: Any, key: str = "") -> Any:
        """Return an object, or a part of one, as this site has it."""
        if isinstance(each, dict):
            left_out = () if self.ephi else (PHI_LABEL,)
            return {self._text(name, ""): self.of(value, name) for name, value in each.items() if name not in left_out}
        if isinstance(each, list):
            return [self.of(value, key) for value in each]
        return self._text(each, key) if isinstance(each, str) else each

    def _text(self, text: str, key: str) -> str:
        if text in TENANTS:
            renamed = key in HOLDS_NAMESPACE or key == "name"
            return self.name(text) if renamed else text
        if text in self.model.renamed:
            return self.name(text)
        if ADDRESS.search(text):
            text = ADDRESS.sub(lambda found: self._moved(found[0]), text)
        return COMPOUND.sub(lambda found: self.name(found[1]), text)

    def _moved(self, address: str) -> str:
        """Return an address as this site has it: of the same network, and of no other site."""
        if address not in self.model.addresses:
            return address
        if address not in self._address:
            place = sorted(self.model.addresses).index(address) + len(self.model.addresses) * (self.number - 1)
            first, second = address.split(".")[:2]
            self._address[address] = f"{first}.{second}.{100 + place // 250}.{1 + place % 250}"
        return self._address[address]


def _names_a_tenant(each: Any, key: str = "") -> bool:
    """Tell whether an object names a namespace of a site anywhere."""
    if isinstance(each, dict):
        return any(_names_a_tenant(value, name) for name, value in each.items())
    if isinstance(each, list):
        return any(_names_a_tenant(value, key) for value in each)
    text = isinstance(each, str)
    return text and ((each in TENANTS and key in HOLDS_NAMESPACE) or COMPOUND.search(each) is not None)


def _write_rows(path: Path, copies: list[_Site]) -> None:
    """Add to a table of an input the rows of further sites."""
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    mine = [row for row in rows if _names_a_tenant(row)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows([*rows, *(site.of(row) for site in copies for row in mine)])


def write_cluster(folder: Path, pods: int, told: Callable[[str], None] = print) -> int:
    """Write a cluster of at least so many pods into a new folder; return how many there are."""
    model = ManyClinics()
    once, per_site = model.pods()
    sites = -(-(pods - once) // per_site)
    model.write(folder, sites)
    told(f"{once + sites * per_site} pods of {sites} sites")
    return once + sites * per_site
