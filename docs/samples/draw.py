"""Draw a sample of findings on inputs that others published, to be judged by somebody who does not see the verdicts.

    python docs/samples/draw.py INPUTS OUT --topic encryption --topic integrity --passes 20 --fails 20 --seed COMMIT

INPUTS is a folder with one folder per set; each archive in one counts for itself, loose files count together.
Everything in an input is taken for ePHI, or what `--scopes FOLDER` says in a file named for the set. Without a topic,
all are asked. Two files are written: `OUT/blind.csv` says what to judge, `OUT/key.csv` what the kit said. The same
inputs, commit and arguments give the same files. Sets that show nothing of these topics can be left out by name.

Few published inputs prove that they are complete, so that few checks pass on them. With `--as-clusters` each is also
read as if its objects were all that a cluster holds: those findings stand under `INPUT (whole)`.
"""

from __future__ import annotations

import argparse
import csv
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd

from hipaa_kit import Snapshot, assessment, import_dump
from hipaa_kit.catalogue import load_catalogue
from hipaa_kit.errors import InputError
from hipaa_kit.kube.custom_kinds import CUSTOM
from hipaa_kit.kube.kinds import BUILT_IN, EVENT, SECRET
from hipaa_kit.sources.coverage import Coverage
from hipaa_kit.sources.scope import load_scope
from hipaa_kit.vocabulary import ABSENT, ANSWERED, CLUSTER

EVERYTHING = """
apiVersion: hipaa-kit/v1
kind: Scope
metadata: {name: sample, owner: reader@example.org, reviewed_on: 2026-11-01}
entries:
- {podSelector: "!nothing-is-left-out", owner: reader@example.org, data_class: ephi, criticality: critical}
- {claimSelector: "!nothing-is-left-out", owner: reader@example.org, data_class: ephi, criticality: critical}
"""
ARCHIVES = (".tar.gz", ".tar.xz", ".zip")
VERDICTS = (("pass",), ("fail",), ("review", "not_assessed"))
ASKED = ["number", "input", "check", "title", "object"]
SAID = ["number", "verdict", "reason"]


def places(root: Path, left_out: list[str]) -> Iterator[Path]:
    """Yield every input: the archives and folders of a set that are dumps of their own, else the set."""
    for each in sorted(path for path in root.iterdir() if path.is_dir() and path.name not in left_out):
        inside = sorted(
            path for path in each.iterdir() if path.name.endswith(ARCHIVES) or path.name == "support-bundle"
        )
        yield from inside or [each]


def findings(place: Path, scope: Path, topics: list[str], *, as_clusters: bool) -> Iterator[pd.DataFrame]:
    """Yield what the kit says of one input, and of it as a cluster; nothing where it refuses to read it."""
    name = f"{place.parent.name}/{place.name}"
    try:
        snapshot = import_dump(place)
    except InputError as error:
        print(f"{place.name}: {error.line()}")
        return
    for read, called in ((snapshot, name), *([(as_a_cluster(snapshot), f"{name} (whole)")] if as_clusters else [])):
        found = assessment(read, scope, topics=topics).findings()
        named = found[~found["object"].str.contains("*", regex=False)]
        print(f"{called}: {dict(named['verdict'].value_counts())}")
        yield named.assign(input=called)


def as_a_cluster(snapshot: Snapshot) -> Snapshot:
    """Return a snapshot as if every list had been asked for and had brought all that there is.

    Kinds that a cluster serves only where somebody installed them are served where an object of them is there.
    """
    known = {(kind.group, kind.kind): kind for kind in (*BUILT_IN, *CUSTOM)}
    asked = {(kind.group, kind.kind) for kind in BUILT_IN if kind not in (SECRET, EVENT)} | set(snapshot.kinds())
    rows = [
        {
            "group": kind.group,
            "kind": kind.kind,
            "resource": kind.resource,
            "namespaced": kind.namespaced,
            "namespace": CLUSTER,
            "status": ANSWERED if place in asked else ABSENT,
            "count": len(snapshot.records(kind)),
        }
        for place, kind in known.items()
        if kind not in (SECRET, EVENT) or place in asked
    ]
    return replace(snapshot, coverage=Coverage.of(rows))


def _own_scope(place: Path, scopes: Path | None) -> Path | None:
    """Return the scope that was written for the set of an input; None where there is none."""
    names = (place.name, place.parent.name)
    files = [scopes / f"{name}.yaml" for name in names] if scopes else []
    return next((file for file in files if file.is_file()), None)


def drawn(found: pd.DataFrame, wanted: int, chance: random.Random) -> list[dict[str, str]]:
    """Return so many findings, of as many checks and of each check on as many inputs as there are."""
    strata: dict[str, dict[str, list[dict[str, str]]]] = defaultdict(lambda: defaultdict(list))
    for row in found.sort_values(["check", "input", "object"]).to_dict("records"):
        strata[row["check"]][row["input"]].append(row)
    queues = {check: list(_mixed(by_input, chance)) for check, by_input in strata.items()}
    order = sorted(queues)
    chance.shuffle(order)
    taken: list[dict[str, str]] = []
    while len(taken) < wanted and any(queues.values()):
        for check in order:
            if queues[check] and len(taken) < wanted:
                taken.append(queues[check].pop(0))
    return taken


def _rare(passes: pd.DataFrame, below: int, rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the passes of checks with fewer than so many that are not among the rows yet."""
    of_check = passes.groupby("check")["check"].transform("size")
    taken = {(row["check"], row["input"], row["object"]) for row in rows}
    few = passes[of_check < below].sort_values(["check", "input", "object"]).to_dict("records")
    return [row for row in few if (row["check"], row["input"], row["object"]) not in taken]


def _mixed(by_input: dict[str, list[dict[str, str]]], chance: random.Random) -> Iterator[dict[str, str]]:
    """Yield the findings of a check, one of each input by turns."""
    rows = {name: chance.sample(held, len(held)) for name, held in sorted(by_input.items())}
    order = list(rows)
    chance.shuffle(order)
    while any(rows.values()):
        yield from (rows[name].pop() for name in order if rows[name])


def main() -> None:
    """Draw, and write both files."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("inputs", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--topic", action="append", default=[])
    parser.add_argument("--scopes", type=Path, default=None)
    parser.add_argument("--passes", type=int, default=20)
    parser.add_argument("--fails", type=int, default=20)
    parser.add_argument("--others", type=int, default=0, help="so many of review and not_assessed together")
    parser.add_argument("--rare", type=int, default=0, help="also all passes of checks with fewer than so many")
    parser.add_argument("--as-clusters", action="store_true")
    parser.add_argument("--seed", required=True)
    parser.add_argument("--leave-out", action="append", default=[])
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    scope = given.out / "scope.yaml"
    scope.write_text(EVERYTHING, encoding="utf-8")
    load_scope(scope)
    read = places(given.inputs, given.leave_out)
    found = pd.concat(
        each
        for place in read
        for each in findings(
            place, _own_scope(place, given.scopes) or scope, given.topic, as_clusters=given.as_clusters
        )
    )
    found.to_csv(given.out / "all.csv", index=False)
    chance = random.Random(given.seed)  # noqa: S311 - a sample that others can draw again, not a secret
    passes, fails, others = (found[found["verdict"].isin(each)] for each in VERDICTS)
    rows = drawn(passes, given.passes, chance) + drawn(fails, given.fails, chance) + drawn(others, given.others, chance)
    rows += _rare(passes, given.rare, rows)
    chance.shuffle(rows)
    controls = load_catalogue()
    for number, row in enumerate(rows, start=1):
        row["number"], row["title"] = str(number), controls.control(row["check"]).title
    for name, columns in (("blind", ASKED), ("key", SAID)):
        with (given.out / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
