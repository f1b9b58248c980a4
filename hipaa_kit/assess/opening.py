"""Opening an assessment from whatever is at hand: a snapshot, a dump, a folder of manifests."""

from __future__ import annotations

import ast
import contextlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from hipaa_kit.assess.facade import Assessment
from hipaa_kit.assess.proposed import CURRENT
from hipaa_kit.errors import InputError
from hipaa_kit.resources import shipped
from hipaa_kit.sources.audit_log import AuditLog, NoEventsError, cached_log, is_store
from hipaa_kit.sources.dump import import_dump
from hipaa_kit.sources.inputs import Inputs, is_frozen, no_inputs, open_inputs, read_inputs
from hipaa_kit.sources.pseudonyms import DEMO_KEY, Pseudonymizer
from hipaa_kit.sources.scope import Scope, load_scope
from hipaa_kit.sources.signed import Records, load_records, no_records
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.sources.store import is_snapshot, open_snapshot

SCOPE_FILE = "scope.yaml"
OBJECTS = "objects"
INPUTS = "inputs"
RECORDS = "records"
AUDIT_LOG = "audit_log"
OPTIONS = ("preset", "profile")
"""What may stand among the parameters of checks and is an option of the assessment."""
CACHE_VARIABLE = "HIPAA_KIT_CACHE"
LOG_VARIABLE = "HIPAA_KIT_AUDIT_LOG"
"""Names the store of the audit log to notebooks that are executed for a bundle, which holds none."""


def assessment(
    snapshot: Snapshot | str | Path = "",
    scope: Scope | str | Path | None = None,
    *,
    as_of: str = "",
    parameters: Mapping[str, Any] | str = "",
    topics: Iterable[str] | str = (),
    inputs: Inputs | str | Path | None = None,
    records: Records | str | Path | None = None,
    audit_log: AuditLog | str | Path | Iterable[str | Path] | None = None,
    cache: str | Path | None = None,
) -> Assessment:
    """Assess a cluster as it was read.

    Parameters
    ----------
    snapshot
        A `Snapshot`, or the path of a snapshot, of a dump or of manifests; `""` takes the clinic
        that ships with the kit.
    scope
        A `Scope` or the path of `scope.yaml`; by default the one that lies in the folder given as
        `snapshot`.
    as_of
        Moment to judge for, RFC 3339; the snapshot's own by default.
    parameters
        Values that a site sets, by parameter name, or as text: `NAME=VALUE`, joined by spaces. Among them may be
        `preset` and `profile` of the assessment itself.
    topics
        Run only the checks of these topics, also as text joined by spaces; all by default.
    inputs
        `Inputs`, or the folder that holds what else is known beside the cluster, frozen or as files; by
        default the folder `inputs` that lies beside `scope.yaml`, if there is one.
    records
        `Records`, or the file or folder of what people signed; by default the folder `records` that lies beside
        `scope.yaml`, if there is one.
    audit_log
        The API server's audit log: an `AuditLog`, or files and folders that hold it; by default the folder `audit_log`
        that lies beside `scope.yaml`, if there is one.
    cache
        Folder that keeps results under the digest of all inputs; by default the one that
        `HIPAA_KIT_CACHE` names, as it does while a batch executes notebooks.

    Returns
    -------
    Assessment
        Tables, coverage and findings; computed when first asked for.

    Raises
    ------
    KitError
        The snapshot, scope or a parameter cannot be used; the message says where and what to do.
    """
    place = shipped("data") / "clinic" if snapshot in ("", None) else snapshot
    opened = place if isinstance(place, Snapshot) else open_any(place)
    file = _scope_file(place, None if isinstance(scope, Scope) else scope)
    declared = scope if isinstance(scope, Scope) else load_scope(file) if file else None
    others = inputs if isinstance(inputs, Inputs) else open_any_inputs(inputs or _beside(file, INPUTS))
    signed = records if isinstance(records, Records) else open_any_records(records or _beside(file, RECORDS))
    log = open_any_log(audit_log or None) or log_of(place, opened, file)
    kept = cache or os.environ.get(CACHE_VARIABLE) or None
    settings = parse_settings(parameters.split()) if isinstance(parameters, str) else dict(parameters)
    options = {name: settings.pop(name) for name in OPTIONS if name in settings}
    wanted = topics.split() if isinstance(topics, str) else topics
    run = Assessment(
        replace(opened, audit_log=log) if log is not opened.audit_log else opened,
        declared,
        as_of=as_of,
        parameters=settings,
        topics=wanted,
        inputs=others,
        records=signed,
        cache=kept,
        **options,
    )
    run.pseudonymizer = None if isinstance(place, Snapshot) else _pseudonymizer(Path(place))
    return run


def parse_settings(given: Iterable[str]) -> dict[str, Any]:
    """Return `NAME=VALUE` settings, with numbers and truth values as such.

    Raises
    ------
    InputError
        One of them has not that form.
    """
    settings: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise InputError(f"{text!r} is not NAME=VALUE", "parameter of a check")
        try:
            settings[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            settings[name] = value
    return settings


def written_settings(run: Assessment) -> str:
    """Return the parameters and options of a run as the text that `parse_settings` reads."""
    options = {"preset": run.preset, "profile": run.profile}
    unusual = {name: value for name, value in options.items() if value not in (True, CURRENT)}
    return " ".join(f"{name}={value}" for name, value in sorted({**run.parameters, **unusual}.items()))


def open_any(path: str | Path) -> Snapshot:
    """Open a snapshot, or import a dump or manifests in memory.

    A folder with `scope.yaml` and `objects/` keeps its dump in the latter. The clinic's pseudonyms
    are made with the public key, so that everyone's run of it is the same.
    """
    place = Path(path)
    if is_snapshot(place):
        opened = open_snapshot(place)
        within = place / AUDIT_LOG
        return replace(opened, audit_log=AuditLog.open(within)) if is_store(within) else opened
    return import_dump(_objects(place), pseudonymizer=_pseudonymizer(place))


def _objects(place: Path) -> Path:
    """Return where the dump is in a folder that has a scope beside it."""
    return place / OBJECTS if (place / OBJECTS).is_dir() and find_scope(place) else place


def log_of(place: Snapshot | str | Path, snapshot: Snapshot, scope_file: str | Path | None) -> AuditLog | None:
    """Return the audit log where none was given: the snapshot's own, one beside the scope file, or one in a dump."""
    named = snapshot.audit_log or _beside(scope_file, AUDIT_LOG) or os.environ.get(LOG_VARIABLE)
    return open_any_log(named or None) or _log_within(place, snapshot)


def logs_set_aside(snapshot: Snapshot) -> list[str]:
    """Return the files of a dump that were recognised as audit logs and left to their own reader."""
    aside = snapshot.set_aside
    return sorted({source.partition("#")[0] for source in aside.loc[aside["what"] == "audit log", "source"]})


def _log_within(place: Snapshot | str | Path, snapshot: Snapshot) -> AuditLog | None:
    """Read the audit logs that lie in a dump; None where there are none."""
    if isinstance(place, Snapshot) or is_snapshot(Path(place)) or not (names := logs_set_aside(snapshot)):
        return None
    with contextlib.suppress(NoEventsError):  # something that looks like one and is none stays set aside
        return cached_log([_objects(Path(place))], only=names)
    return None


def _pseudonymizer(place: Path) -> Pseudonymizer | None:
    """Return the one with the public key for what ships with the kit, None for anything else."""
    ours = place.resolve().is_relative_to(shipped("data").resolve())
    return Pseudonymizer(DEMO_KEY) if ours else None


def open_any_inputs(path: str | Path | None) -> Inputs:
    """Open frozen inputs, or read a folder of files; none gives inputs of which none was given."""
    if path is None:
        return no_inputs()
    return open_inputs(path) if is_frozen(path) else read_inputs(path, pseudonymizer=_pseudonymizer(Path(path)))


def open_any_log(given: AuditLog | str | Path | Iterable[str | Path] | None) -> AuditLog | None:
    """Open a store of an audit log, or read files of one into the kit's cache; none gives none."""
    if given is None or isinstance(given, AuditLog):
        return given
    paths = [given] if isinstance(given, str | Path) else list(given)
    if len(paths) == 1 and is_store(paths[0]):
        return AuditLog.open(paths[0])
    return cached_log(paths)


def open_any_records(path: str | Path | None) -> Records:
    """Read the records in a file or folder; none gives records of which there are none."""
    return no_records() if path is None else load_records(path)


def find_scope(path: str | Path) -> Path | None:
    """Return the scope file that lies in a folder, or None."""
    beside = Path(path) / SCOPE_FILE
    return beside if beside.is_file() else None


def _scope_file(place: Snapshot | str | Path, given: str | Path | None) -> str | Path | None:
    """Return the scope file that was named, else the one that lies in the place."""
    return given or (None if isinstance(place, Snapshot) else find_scope(place))


def _beside(scope_file: str | Path | None, name: str) -> Path | None:
    """Return the folder of a name that lies beside a scope file, or None."""
    beside = Path(scope_file).parent / name if scope_file else None
    return beside if beside is not None and beside.is_dir() else None
