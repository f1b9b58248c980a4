"""Remedies as files: one per object, a component of Kustomize for those that were proved, and a page that explains.

```
<folder>/
  README.md                         what mends what, what was proved, what to look at before, commands
  kustomization.yaml                objects and patches that were proved, as a component
  <kind>.<namespace>.<name>.yaml
```
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pandas as pd
import yaml

from hipaa_kit.errors import OutputError
from hipaa_kit.printable import printable
from hipaa_kit.sources.leaks import refuse_leaks
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.views.mending import PROVED, by_finding, plain_words, proof

MANIFESTS: Final = ("patch", "object", "replace", "delete")
PROVED_BY_OBJECTS: Final = ("yes", "together")
_LONGEST_NAME: Final = 200
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9.-]+")

INTRODUCTION: Final = """\
# Remedies

What would mend the failing findings of {cluster}, made from the objects as they were at {moment}. Nothing here was
applied.

- Make a change where the object's manifest comes from: in Git, or in the values of its chart. What only the cluster has
  is undone by whatever applies it next.
- Files are patches of objects that are there, or new objects. `kustomization.yaml` is a component that holds those that
  were proved: `components: [remedies]` in your own kustomization applies them, once the commands before them were run.
  A single patch: `kubectl patch KIND NAME -n NAMESPACE --patch-file FILE` (with `--type merge` for a custom resource).
- *proved* means that the kit applied the change to the snapshot, renewed the pods, and judged again. It does not show
  that the application still works: read what it could break, and try it where no patient waits for it.
- Lists that a patch holds replace the list that is there: make the remedies again if the object has changed since.
"""


def remedy_files(remedies: pd.DataFrame, cluster: str, moment: str) -> dict[str, str]:
    """Return the files of a folder of remedies: text by name.

    Parameters
    ----------
    remedies
        Table `remedies`, or some of its rows.
    cluster, moment
        Name of the cluster, and when its objects were read.
    """
    files: dict[str, str] = {}
    places: dict[tuple[str, str, str], str] = {}
    proved: dict[str, str] = {}
    made: set[tuple[str, str]] = set()
    for (target, kind, text), rows in _manifests(remedies).items():
        name = _file_name(target, files)
        files[name] = _commented(text, rows)
        places.update(dict.fromkeys(((row["check"], row["object"], row["text"]) for row in rows), name))
        # Kustomize takes an object once, and none that is there already.
        if (
            any(row["verified"] in PROVED_BY_OBJECTS for row in rows)
            and kind != "replace"
            and (kind, target) not in made
        ):
            proved[name] = kind
            made |= {(kind, target)} if kind == "object" else set()
    files["kustomization.yaml"] = _component(proved)
    files["README.md"] = _page(remedies, places, cluster, moment)
    return dict(sorted(files.items()))


def write_remedies(files: dict[str, str], folder: Path) -> None:
    """Write the files of a folder of remedies.

    Raises
    ------
    OutputError
        The folder exists or cannot be written.
    LeakError
        Something about to be written looks like a secret.
    """
    if folder.exists():
        raise OutputError("exists already", str(folder), "name another place or remove it")
    for name, text in files.items():
        refuse_leaks(text, name)
    try:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}", str(folder)) from error


def _manifests(remedies: pd.DataFrame) -> dict[tuple[str, str, str], list[dict[str, Any]]]:
    """Return the steps that are manifests, those that are the same together."""
    found: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in rows_of(remedies[remedies["kind"].isin(MANIFESTS)]):
        found[row["target"], row["kind"], row["text"]].append(row)
    return found


def _file_name(target: str, taken: dict[str, str]) -> str:
    """Return a name for a file that no other has, of characters that every file system takes."""
    stem = ".".join(_UNSAFE.sub("-", part) for part in target.split("/") if part)[:_LONGEST_NAME]
    name, number = f"{stem}.yaml", 2
    while name in taken:
        name, number = f"{stem}.{number}.yaml", number + 1
    return name


def _commented(text: str, rows: list[dict[str, Any]]) -> str:
    """Return a manifest with what it mends, whether that was proved, and what it could break, as comments."""
    notes = [f"{row['check']} {row['object']}: {row['title']} ({PROVED[row['verified']]})" for row in rows]
    notes += [f"look at before: {caution}" for caution in dict.fromkeys(row["caution"] for row in rows) if caution]
    kept = text
    if rows[0]["kind"] == "delete":
        kept += "$patch: delete\n"
    return "".join(f"# {printable(' '.join(note.split()))}\n" for note in notes) + kept


def _component(proved: dict[str, str]) -> str:
    content: dict[str, Any] = {"apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component"}
    if made := sorted(name for name, kind in proved.items() if kind == "object"):
        content["resources"] = made
    if changed := sorted(name for name, kind in proved.items() if kind != "object"):
        content["patches"] = [{"path": name} for name in changed]
    return yaml.safe_dump(content, sort_keys=False)


def _page(remedies: pd.DataFrame, places: dict[tuple[str, str, str], str], cluster: str, moment: str) -> str:
    named = {"cluster": plain_words(cluster or "the cluster"), "moment": plain_words(moment or "a time unknown")}
    parts = [INTRODUCTION.format(**named)]
    for topic in sorted(set(remedies["topic"])):
        parts.append(f"## {topic.replace('_', ' ').capitalize()}\n")
        mine = remedies[remedies["topic"] == topic]
        parts += ["\n".join(_entry(check, name, steps, places)) + "\n" for check, name, steps in by_finding(mine)]
    return "\n".join(parts)


def _entry(
    check: str, name: str, steps: list[dict[str, Any]], places: dict[tuple[str, str, str], str]
) -> Iterator[str]:
    first = steps[0]
    yield f"### {check} {plain_words(name)}\n"
    yield f"{plain_words(first['title'])}: {plain_words(proof(first))}.\n"
    if first["outcome"] and first["verified"] != "yes":
        yield f"- the check then says: {plain_words(first['outcome'])}"
    if first["caution"]:
        yield f"- look at before: {plain_words(first['caution'])}"
    for step in steps:
        if step["kind"] in MANIFESTS:
            place = places[check, name, step["text"]]
            yield f"{step['step']}. {step['kind']}: [{plain_words(step['target'])}]({place})"
        elif step["kind"] == "command":
            yield f"{step['step']}. command:\n\n        {printable(' '.join(step['text'].split()))}\n"
        else:
            yield f"{step['step']}. {plain_words(step['text'])}"
