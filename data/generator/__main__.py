"""Write the clinic and its repaired twin: `python data/generator [--output DIR]`."""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from clinic import plant, render
from faults import FAULTS, Fault
from inputs import write_inputs
from objects import COLLECTED_AT, KINDS, LIST_VERSION, NOT_SERVED, SERVER_VERSION, Cluster, Kind, Object
from scope import scope_text
from signed import write_records
from text import readable
from trail.files import write_trail


def typed_list(kind: Kind, cluster: Cluster) -> str:
    """Return one typed list as the API server answers it."""
    answer: Object = {
        "apiVersion": kind.api_version,
        "kind": f"{kind.name}List",
        "metadata": {"resourceVersion": str(LIST_VERSION)},
        "items": cluster.of(kind.name),
    }
    return readable(answer)


def collection(cluster: Cluster) -> str:
    """Return the record of what was asked and what was answered."""
    lists = [answer(kind, len(cluster.of(kind.name))) for kind in KINDS.values()]
    lists += [
        answer(kind, 0, f'error: the server doesn\'t have a resource type "{kind.plural}"') for kind in NOT_SERVED
    ]
    lines = ",\n".join("    " + json.dumps(one) for one in lists)
    head = {
        "collected_at": COLLECTED_AT,
        "cluster": {"name": "clinic", "version": SERVER_VERSION},
        "complete": True,
    }
    facts = "".join(f"  {json.dumps(key)}: {json.dumps(value)},\n" for key, value in head.items())
    return f'{{\n{facts}  "lists": [\n{lines}\n  ]\n}}\n'


def answer(kind: Kind, count: int, error: str = "") -> Object:
    """Return what became of one request."""
    return {
        "group": kind.group,
        "kind": kind.name,
        "resource": kind.plural,
        "namespace": "",
        "exit_code": 1 if error else 0,
        "error": error,
        "count": count,
    }


def faults_table(faults: Iterable[Fault]) -> str:
    """Return the planted faults as CSV."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(("object", "fault", "control"))
    writer.writerows((fault.object, fault.sentence, fault.control) for fault in faults)
    return table.getvalue()


def write(directory: Path, faults: tuple[Fault, ...]) -> None:
    """Write one clinic."""
    hospital = plant(faults)
    cluster = render(hospital)
    objects = directory / "objects"
    objects.mkdir(parents=True, exist_ok=True)
    for stale in objects.iterdir():
        stale.unlink()
    for kind in KINDS.values():
        name = f"{kind.plural}.{kind.group}" if kind.group else kind.plural
        (objects / f"{name}.yaml").write_text(typed_list(kind, cluster), encoding="utf-8")
    (objects / "collection.json").write_text(collection(cluster), encoding="utf-8")
    (directory / "scope.yaml").write_text(scope_text(hospital), encoding="utf-8")
    write_inputs(hospital, directory / "inputs")
    write_trail(hospital, directory / "audit_log")
    write_records(hospital, directory / "records")
    if faults:
        (directory / "faults.csv").write_text(faults_table(faults), encoding="utf-8")


def main(arguments: list[str]) -> None:
    """Write both directories."""
    parser = argparse.ArgumentParser(prog="python data/generator", description=__doc__)
    here = Path(__file__).resolve().parent.parent
    parser.add_argument("--output", type=Path, default=here, help="directory that takes clinic/ and clinic_fixed/")
    output = parser.parse_args(arguments).output
    write(output / "clinic", FAULTS)
    write(output / "clinic_fixed", ())


if __name__ == "__main__":
    main(sys.argv[1:])
