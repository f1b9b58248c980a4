"""The clinic differs from its twin by its faults alone, and both come from the generator."""

import csv
import gzip
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from hipaa_kit.assess.facade import registered_checks
from hipaa_kit.kube.network.addresses import is_cidr
from tests.data.conftest import DATA, GENERATOR, TWINS

WITHOUT_A_FAULT = {
    "HK-PHI-03": "every kind was asked for; what was refused would be missing from both twins",
    "HK-NET-01": "the network plugin of the cluster enforces policies; a cluster has one plugin",
    "HK-INT-03": "which registries are approved is a setting of the site",
    "HK-INT-09": "what it compares with is made by an earlier run of the kit; see tests/safeguards/integrity/HK-INT-09",
    "HK-INT-05": "nothing that its storage writes down shows what checks the data",
    "HK-INT-06": "its databases run without an operator, and nothing in the cluster shows their checksums",
    "HK-NET-11": "the clinic has no service mesh",
    "HK-AUD-07": "what its log agents leave out stands in ConfigMaps, which are never asked for",
    "HK-AUD-09": "no operator runs the clinic's databases, and what applications log shows in no object",
    "HK-ENC-09": "the clinic has no gateways beside its Ingresses",
    "HK-ENC-11": "the clinic has no service mesh",
    "HK-ENC-17": "no operator runs the clinic's databases",
    "HK-ACC-17": "every namespace with patient data enforces restricted in the repaired twin: engines are dispensable",
    "HK-AUD-01": "without a log nothing could be said of its size and policy, which have faults of their own",
    "HK-ACC-22": "it never passes: whether a second factor is asked for is for a person to say",
    "HK-PHI-05": "the clinic was read with the kit's own role, which may not list Secrets",
    "HK-PHI-06": "the day on which the scope was reviewed stands in the head of its file, which both clinics share",
    "HK-VUL-10": "the clinic has no admission policy for images; that of its pipeline has to be attested",
    **dict.fromkeys(
        ("HK-LOG-06", "HK-LOG-07"),
        "what they look for are reads, which leave no trace under the policy of the faulty clinic",
    ),
    "HK-EVL-01": "there is one newest evaluation, and it is planted as too early for what was made since",
    **dict.fromkeys(
        (
            "HK-EVL-08",
            "HK-MAN-01",
            "HK-MAN-05",
            "HK-MAN-06",
            "HK-MAN-07",
            "HK-MAN-09",
            "HK-MAN-10",
            "HK-MAN-11",
            "HK-MAN-12",
        ),
        "a signed record alone answers it: a fault of each kind is planted at other controls of that sort",
    ),
}
"""Checks for which no fault can be planted in this clinic, and why."""

RBAC_KINDS = {"ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"}

NO_OBJECTS = frozenset(
    (
        "AuditLog AuditPolicy Bundle CloudCluster Cluster EncryptionConfiguration Etcd External Key LogStore Secret"
        " Ticket"
    ).split()
)
"""Kinds of what is judged and is no object of the snapshot: Secrets are never read, the others stand beside it."""

SIGNED = frozenset(
    {"Archive", "Attestation", "Citation", "Control", "Decision", "IndependentAssessment", "Register", "RegisterEntry"}
    | {"Waiver"}
)
"""Kinds of what people keep and sign, and of what is judged by that."""


def planted() -> list[dict[str, str]]:
    with (DATA / "clinic" / "faults.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def changed(first: Any, second: Any) -> set[tuple[str, str, str]]:
    """Return the keys of objects that differ or stand on one side alone."""
    keys = set(first.objects) | set(second.objects)
    return {key for key in keys if first.objects.get(key) != second.objects.get(key)}


def test_generator_reproduces_the_files_in_the_repository(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(GENERATOR), "--output", str(tmp_path)], check=True)
    for twin in TWINS:
        made = {path.relative_to(tmp_path): path for path in (tmp_path / twin).rglob("*") if path.is_file()}
        kept = {path.relative_to(DATA) for path in (DATA / twin).rglob("*") if path.is_file()}
        assert set(made) == kept
        for relative, path in made.items():
            assert content(path) == content(DATA / relative), relative


def content(path: Path) -> bytes:
    """Return what a file holds; how small a library packs it may differ."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def test_faults_name_every_control_that_can_find_one_at_least_once() -> None:
    rows = planted()
    assert len(rows) >= 50
    assert len({(row["object"], row["control"]) for row in rows}) == len(rows)
    assert {row["control"] for row in rows} == set(registered_checks()) - set(WITHOUT_A_FAULT)
    assert all(row["fault"] for row in rows)


def test_objects_of_faults_exist_in_both_twins(clinic: Any) -> None:
    scope = yaml.safe_load((clinic.directory / "scope.yaml").read_text(encoding="utf-8"))
    for row in planted():
        kind, _, name = row["object"].split("/")
        if row["control"].startswith("HK-LOG-"):
            # What was touched may be gone since, and was never there in the twin.
            continue
        if kind == "ScopeEntry":
            assert int(name) <= len(scope["entries"])
        elif kind in ("User", "Group"):
            assert name in people(clinic.directory)
        elif kind not in NO_OBJECTS | SIGNED:
            # Static pods of one name stand as one, without the name of their node.
            assert any(known == row["object"] or known.startswith(f"{row['object']}-cp-") for known in clinic.by_id)


def people(directory: Path) -> set[str]:
    """Return the users and groups of the workforce file."""
    with (directory / "inputs" / "workforce.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {row["user"] for row in rows} | {group for row in rows for group in row["groups"].split(";")}


class Touched:
    """What each fault changes of the objects of the clinic: made once for all tests that ask."""

    def __init__(self, generator: SimpleNamespace) -> None:
        self.generator = generator
        self.fixed = self.rendered(())
        self._by_fault: dict[int, set[tuple[str, str, str]]] = {}

    def rendered(self, faults: Any) -> Any:
        return self.generator.clinic.render(self.generator.clinic.plant(faults))

    def by(self, number: int) -> set[tuple[str, str, str]]:
        if number not in self._by_fault:
            fault = self.generator.faults.FAULTS[number]
            self._by_fault[number] = changed(self.fixed, self.rendered((fault,)))
        return self._by_fault[number]


@pytest.fixture(scope="module")
def touched_by(generator: SimpleNamespace) -> Touched:
    return Touched(generator)


def test_twins_differ_only_where_a_single_fault_says_so(generator: SimpleNamespace, touched_by: Touched) -> None:
    faults = generator.faults.FAULTS
    together = changed(touched_by.fixed, touched_by.rendered(faults))
    assert together == set().union(*map(touched_by.by, range(len(faults))))


def beside(generator: SimpleNamespace, hospital: Any) -> tuple[Any, ...]:
    """What is declared beside the cluster: the scope, and what the files of the inputs say."""
    beside = (generator.model.Input, generator.model.Signed, generator.model.Act, generator.model.Silence)
    files = [each for kind in beside for each in hospital.all(kind)]
    return generator.scope.scope_text(hospital), *files


def fault_numbers() -> range:
    return range(len(planted()))


@pytest.mark.parametrize("number", fault_numbers(), ids=lambda number: planted()[number]["object"])
def test_fault_stays_near_its_object(generator: SimpleNamespace, touched_by: Touched, number: int) -> None:
    fault = generator.faults.FAULTS[number]
    assert (fault.object, fault.control) == (planted()[number]["object"], planted()[number]["control"])
    touched = touched_by.by(number)
    kind, namespace, _ = fault.object.split("/")
    if not touched:
        plant = generator.clinic.plant
        assert beside(generator, plant((fault,))) != beside(generator, plant(()))
        return
    if kind in ("User", "Group", "ServiceAccount"):
        # Who holds too much is found at the holder; what gives it stands where it counts.
        assert {touched_kind for touched_kind, _, _ in touched} <= RBAC_KINDS
        return
    spaces = {"Cluster": "kube-system", "Node": "kube-system", "Namespace": fault.object.rpartition("/")[2]}
    # What copies an object stands in the namespace of the backup tool, wherever the object is.
    near = {spaces.get(kind, namespace), "", *(["velero"] if fault.control.startswith("HK-BAK-") else [])}
    # Of what watches the cluster as a whole, and its nodes, likewise.
    near |= {"monitoring"} if fault.control.startswith(("HK-ALR-", "HK-MON-", "HK-AUD-04")) else set()
    # What a node says of its clock stands among the Leases of nodes.
    near |= {"kube-node-lease"} if fault.control == "HK-AUD-08" else set()
    # What a lost node would take with it stands in any namespace, and so does what contradicts an attestation.
    assert {space for _, space, _ in touched} <= near or fault.control in ("HK-AVL-13", "HK-EVL-02")
    wide = {
        "ClusterInfraAssessmentReport",
        "PersistentVolume",
        "TracingPolicy",
        "VolumeAttachment",
        "VolumeSnapshotClass",
        kind,
    } | RBAC_KINDS
    assert {kind for kind, space, _ in touched if not space} <= wide


def test_scope_names_objects_that_exist(clinic: Any) -> None:
    scope = yaml.safe_load((clinic.directory / "scope.yaml").read_text(encoding="utf-8"))
    assert any("external" in entry for entry in scope["entries"])
    named = [flow[end] for flow in scope["expected_flows"] for end in ("from", "to")]
    outside = {name for name in named if is_cidr(name)}
    assert outside
    named += [entry[key] for entry in scope["entries"] for key in ("object", "via") if key in entry]
    named += [each["object"] for each in scope["exclude"]]
    assert set(named) - outside <= set(clinic.by_id)
    assert all(entry["owner"] and entry["data_class"] and entry["criticality"] for entry in scope["entries"])
