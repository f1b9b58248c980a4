"""Draw a sample of findings on inputs that others published, to be judged by somebody who does not see the verdicts.

    python docs/samples/draw.py INPUTS --topic encryption --topic integrity --passes 20 --fails 20 --seed COMMIT OUT

INPUTS is a folder with one folder per set; each archive in one counts for itself, loose files count together.
Everything in an input is taken for ePHI, or what `--scopes FOLDER` says in a file named for the set. Without a topic,
all are asked. Two files are written: `OUT/blind.csv` says what to judge, `OUT/key.csv` what the kit said. The same
inputs, commit and arguments give the same files. Sets that show nothing of these topics can be left out by name.
"""

from __future__ import annotations

import argparse
import csv
import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from hipaa_kit import assessment
from hipaa_kit.catalogue import load_catalogue
from hipaa_kit.errors import InputError
from hipaa_kit.sources.scope import load_scope

EVERYTHING = """
apiVersion: hipaa-kit/v1
kind: Scope
metadata: {name: sample, owner: reader@example.org, reviewed_on: 2026-11-01}
entries:
- {podSelector: "!nothing-is-left-out", owner: reader@example.org, data_class: ephi, criticality: critical}
- {claimSelector: "!nothing-is-left-out", owner: reader@example.org, data_class: ephi, criticality: critical}
"""
ARCHIVES = (".tar.gz", ".tar.xz", ".zip")
ASKED = ["number", "input", "check", "title", "object"]
SAID = ["number", "verdict", "reason"]


def places(root: Path, left_out: list[str]) -> Iterator[Path]:
    """Yield every input: the archives and folders of a set that are dumps of their own, else the set."""
    for each in sorted(path for path in root.iterdir() if path.is_dir() and path.name not in left_out):
        inside = sorted(
            path for path in each.iterdir() if path.name.endswith(ARCHIVES) or path.name == "support-bundle"
        )
        yield from inside or [each]


def findings(place: Path, scope: Path, topics: list[str]) -> pd.DataFrame:
    """Return what the kit says of one input, nothing where it refuses to read it."""
    try:
        run = assessment(place, scope, topics=topics)
    except InputError as error:
        print(f"{place.name}: {error.line()}")
        return pd.DataFrame()
    found = run.findings()
    named = found[~found["object"].str.contains("*", regex=False)]
    print(f"{place.name}: {dict(named['verdict'].value_counts())}")
    return named.assign(input=f"{place.parent.name}/{place.name}")


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
    parser.add_argument("--seed", required=True)
    parser.add_argument("--leave-out", action="append", default=[])
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    scope = given.out / "scope.yaml"
    scope.write_text(EVERYTHING, encoding="utf-8")
    load_scope(scope)
    read = places(given.inputs, given.leave_out)
    found = pd.concat([findings(place, _own_scope(place, given.scopes) or scope, given.topic) for place in read])
    found.to_csv(given.out / "all.csv", index=False)
    chance = random.Random(given.seed)  # noqa: S311 - a sample that others can draw again, not a secret
    rows = [
        row
        for verdict, wanted in (("pass", given.passes), ("fail", given.fails))
        for row in drawn(found[found["verdict"] == verdict], wanted, chance)
    ]
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
