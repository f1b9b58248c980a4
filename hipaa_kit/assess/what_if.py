"""What if: the assessment as it would be, told as what appears, vanishes and changes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from hipaa_kit.assess.gate import Reason
from hipaa_kit.counting import Count
from hipaa_kit.errors import EXIT_FINDINGS, EXIT_NOTHING_ASSESSED, InputError
from hipaa_kit.graph.paths.changes import path_changes
from hipaa_kit.graph.permissions.engine import RBAC_TABLES
from hipaa_kit.kube.apply import removed_fields
from hipaa_kit.kube.owners import object_id, parse_object_id
from hipaa_kit.safeguards.remedy import head, patch
from hipaa_kit.sources.builder import SnapshotBuilder
from hipaa_kit.sources.dump import import_dump
from hipaa_kit.sources.overlay import Apply, Change, Delete, Patch
from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.sources.snapshot import Part, Record, Snapshot
from hipaa_kit.tables.cuts import PATH_CHANGES
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.permissions import PERMISSION_CHANGES
from hipaa_kit.tables.what_if import FINDING_CHANGES, OBJECT_CHANGES
from hipaa_kit.vocabulary import ERROR, FAIL, NOT_APPLICABLE, PASS, SEVERITIES

if TYPE_CHECKING:
    from hipaa_kit.assess.facade import Assessment

Manifest = str | Path | Mapping[str, Any]
"""A file, folder or archive of manifests, or one object."""

BAD: Final = (FAIL, ERROR)
GOOD: Final = ("", PASS, NOT_APPLICABLE)

_OPEN: Final = {"": 0, "denied": 0, "unknown": 1, "mixed": 2, "allowed": 3}

_KEY: Final = re.compile(r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
_VALUE: Final = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
"""Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set"""


class WhatIf:
    """The difference between an assessment and the one that would be.

    Parameters
    ----------
    before, after
        The two assessments.
    changes
        What was asked for.

    Attributes
    ----------
    before, after
        The assessments, for every question that the tables here do not answer.

    Notes
    -----
    What was not seen before is not seen after: coverage is the same, and a change of objects proves nothing of others.
    """

    def __init__(self, before: Assessment, after: Assessment, changes: Iterable[Change] = ()) -> None:
        self.before, self.after = before, after
        self._asked = {change.place for change in changes}

    @cached_property
    def objects(self) -> pd.DataFrame:
        """Table `object_changes`: what was asked for, and what follows from it."""
        return OBJECT_CHANGES.frame(self._objects())

    @cached_property
    def findings(self) -> pd.DataFrame:
        """Table `finding_changes`: findings that appear, vanish, or say something else."""
        was, now = (_by_key(run.findings()) for run in (self.before, self.after))
        return FINDING_CHANGES.frame(
            row for key in was.keys() | now.keys() if (row := _difference(was.get(key), now.get(key)))
        )

    @cached_property
    def flows(self) -> pd.DataFrame:
        """Table `flow_changes`: connections between workloads on which the verdict is another."""
        return self.before.reachability.diff(self.after.reachability)

    @cached_property
    def permissions(self) -> pd.DataFrame:
        """Table `permission_changes`: what subjects gain and lose."""
        same = all(self.before.tables[name] is self.after.tables[name] for name in RBAC_TABLES)
        return PERMISSION_CHANGES.frame() if same else self.before.permissions.diff(self.after.permissions)

    def _new_paths(self) -> Iterator[Reason]:
        if not self.after.paths.targets:
            yield Reason(
                EXIT_NOTHING_ASSESSED, "whether a path to ePHI appears cannot be told: nothing holds any by the scope"
            )
        new = self.paths[self.paths["change"] == "appears"]
        if len(new):
            perhaps = int((new["confidence"] == "unknown").sum())
            doubt = f", of which {perhaps} {Count(perhaps):is|are} not known to be open" if perhaps else ""
            yield Reason(EXIT_FINDINGS, f"{Count(len(new)):path} to ePHI {Count(len(new)):appears|appear}{doubt}")

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return all tables by name, in the order in which they are read."""
        return {name: getattr(self, name) for name in ("objects", "paths", "findings", "flows", "permissions")}

    def new_flows(self) -> pd.DataFrame:
        """Return the rows of `flows` that are more open than before, or no longer known to be closed."""
        more = self.flows["after"].map(_OPEN.__getitem__) > self.flows["before"].map(_OPEN.__getitem__)
        return self.flows[more.astype(bool)].reset_index(drop=True)

    def was_applied(self, name: str) -> bool:
        """Tell whether an object was named among the changes."""
        return any(object_id(*place[1:]) == name for place in self._asked)

    def reasons(self, fail_on: Iterable[str]) -> list[Reason]:
        """Return the conditions that are met for which a pull request is to fail.

        Parameters
        ----------
        fail_on
            `new-path`, `new-flow`, or a severity from which on a finding that appears counts.
        """
        found = []
        for wanted in dict.fromkeys(fail_on):
            if wanted == "new-flow":
                if count := len(self.new_flows()):
                    found.append(Reason(EXIT_FINDINGS, f"{Count(count):flow} {Count(count):opens|open}"))
            elif wanted == "new-path":
                found += self._new_paths()
            else:
                enough = SEVERITIES[: SEVERITIES.index(wanted) + 1]
                rows = self.findings[self.findings["change"] == "appears"]
                if count := int(rows["severity"].isin(enough).sum()):
                    found.append(
                        Reason(
                            EXIT_FINDINGS,
                            f"{Count(count):finding} of severity {wanted} or above {Count(count):appears|appear}",
                        )
                    )
        return found

    @cached_property
    def paths(self) -> pd.DataFrame:
        """Table `path_changes`: paths to ePHI that appear and vanish, of the cheapest from each kind of source."""
        return PATH_CHANGES.frame() if self._nothing_differs() else path_changes(self.before.paths, self.after.paths)

    def _nothing_differs(self) -> bool:
        """Tell whether scope and all objects are the same."""
        return self.before.scope is self.after.scope and not self.before.snapshot.changed(self.after.snapshot)

    def _objects(self) -> Iterator[dict[str, Any]]:
        before, after = self.before.snapshot, self.after.snapshot
        for key in before.changed(after):
            was, now = (_by_place(each.parts.get(key)) for each in (before, after))
            for place, record in sorted({**was, **now}.items(), key=lambda each: each[0]):
                old, new = was.get(place), now.get(place)
                if old is None or new is None or old.content != new.content:
                    yield _object(record, old, new, (*key, *place) in self._asked)


def _by_place(part: Part | None) -> dict[tuple[str, str], Record]:
    return {(each.namespace, each.name): each for each in part.load()} if part else {}


def _object(record: Record, old: Record | None, new: Record | None, asked: bool) -> dict[str, Any]:
    return {
        "object": record.object,
        "group": record.group,
        "change": "created" if old is None else "deleted" if new is None else "changed",
        "asked": asked,
        "fields_removed": " ".join(removed_fields(old.content, new.content)) if old and new else "",
    }


def _by_key(findings: pd.DataFrame) -> dict[tuple[str, str], dict[str, Any]]:
    columns = ["check", "object", "topic", "severity", "verdict", "reason"]
    return {(row["check"], row["object"]): row for row in rows_of(findings[columns])}


def _difference(was: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return how a finding differs, None where it does not."""
    row = now or was or {}
    before, after = (str(each["verdict"]) if each else "" for each in (was, now))
    told = [(each["severity"], each["reason"]) if each else ("", "") for each in (was, now)]
    if before == after and told[0] == told[1]:
        return None
    if after in BAD and before not in BAD:
        change = "appears"
    elif before in BAD and after in GOOD:
        change = "vanishes"
    else:
        change = "reason" if before == after else "verdict"
    about = {name: row[name] for name in ("check", "topic", "object", "severity")}
    texts = {"before": before, "after": after, "reason_before": told[0][1], "reason_after": told[1][1]}
    return {"change": change, **about, **texts}


def applications(
    given: Iterable[Manifest] | Manifest, namespace: str = "default", pseudonymizer: Pseudonymizer | None = None
) -> list[Apply]:
    """Return manifests as changes: every object in them, redacted as at the door.

    Parameters
    ----------
    given
        Files, folders or archives, `-` for standard input, or objects.
    namespace
        Namespace of objects that name none.
    pseudonymizer
        Makes the pseudonyms of removed values; the installation's by default.

    Raises
    ------
    InputError
        A file cannot be read in full, or an object has no name.
    """
    hide = pseudonymizer or Pseudonymizer.of_installation()
    several = [given] if isinstance(given, str | Path | Mapping) else list(given)
    found: list[Apply] = []
    for number, each in enumerate(several):
        if isinstance(each, Mapping):
            snapshot = _of_object(each, f"object {number + 1}", namespace, hide)
        else:
            snapshot = import_dump(each, namespace=namespace, pseudonymizer=hide)
        for row in rows_of(snapshot.unreadable):
            raise InputError(f"{row['source']}{row['position']}: {row['error']}", str(each), "nothing was applied")
        found += [Apply(_named(record)) for key in snapshot.kinds() for record in snapshot.parts[key].load()]
    return found


def _of_object(content: Mapping[str, Any], source: str, namespace: str, pseudonymizer: Pseudonymizer) -> Snapshot:
    builder = SnapshotBuilder("manifests", pseudonymizer)
    if not all(isinstance(content.get(name), str) and content[name] for name in ("apiVersion", "kind")):
        raise InputError("is no object: apiVersion and kind are missing", source)
    builder.add(content, source, "", namespace)
    return builder.build()


def _named(record: Record) -> Record:
    metadata = record.content.get("metadata")
    if not isinstance(metadata, Mapping) or not metadata.get("name"):
        raise InputError("an object without a name cannot be applied", f"{record.source}{record.position}", "name it")
    return record


def deletions(snapshot: Snapshot, objects: Iterable[str] | str) -> list[Delete]:
    """Return deletions of objects by `Kind/namespace/name`.

    Raises
    ------
    InputError
        One of them is not in the snapshot.
    """
    return [Delete(head(_find(snapshot, each))) for each in ([objects] if isinstance(objects, str) else objects)]


def labellings(snapshot: Snapshot, labels: Mapping[str, Mapping[str, str | None]]) -> list[Patch]:
    """Return changes of labels by object; None takes a label away.

    Raises
    ------
    InputError
        An object is not in the snapshot, or a label is none that the API server takes.
    """
    found = []
    for name, wanted in labels.items():
        record = _find(snapshot, name)
        for key, value in wanted.items():
            if not _KEY.fullmatch(key) or not (value is None or _VALUE.fullmatch(value)):
                raise InputError(f"{key}={value} is no label", name, "KEY=VALUE sets one, KEY- takes it away")
        found.append(patch(record, metadata={"labels": dict(wanted)}))
    return found


def _find(snapshot: Snapshot, name: str) -> Record:
    """Return the object of a name; the kind may say its group, `Kind.group`, where two groups have the kind."""
    written, namespace, own = parse_object_id(name)
    kind, _, group = written.partition(".")
    keys = [key for key in snapshot.kinds() if key[1] == kind and group in ("", key[0])]
    found = [
        each for key in keys for each in snapshot.parts[key].load() if (each.namespace, each.name) == (namespace, own)
    ]
    if not found:
        raise InputError("is not in the snapshot", name, "give Kind/namespace/name; Kind//name has no namespace")
    if len(found) > 1:
        groups = " and ".join(sorted(each.group or "the core group" for each in found))
        raise InputError(f"is an object of {groups}", name, f"give {kind}.GROUP/{namespace}/{own}")
    return found[0]
