"""The evidence bundle: executed notebooks, tables, inputs and an index, written whole or not at all.

```
<bundle>/
  bagit.txt  bag-info.txt  manifest-sha256.txt  tagmanifest-sha256.txt
  data/
    index.html                     start here
    findings.csv  findings.json  citations.csv  coverage.csv  control_map.csv
    notebooks/*.ipynb  html/*.html
    tables/*.csv                   every table behind them
    remedies/                      what would mend the failing findings, a file for each object
    snapshot/  inputs/             what everything was computed from
    run/run.json                   who, where, when, how long: the only part that differs between runs
```
"""

from __future__ import annotations

import getpass
import json
import platform
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd

import hipaa_kit
from hipaa_kit.assess.cache import store
from hipaa_kit.assess.facade import Assessment
from hipaa_kit.assess.opening import CACHE_VARIABLE, LOG_VARIABLE, written_settings
from hipaa_kit.batch.run import NotebookRun, record_of, run_notebooks
from hipaa_kit.batch.specs import NotebookSpec
from hipaa_kit.errors import InputError, OutputError
from hipaa_kit.evidence.bag import seal
from hipaa_kit.evidence.exports import findings_json, table_csv
from hipaa_kit.evidence.html import assert_self_contained, render_notebook_html
from hipaa_kit.evidence.notebooks import canonical_notebook
from hipaa_kit.evidence.remedies import remedy_files
from hipaa_kit.sources.inputs import save_inputs
from hipaa_kit.sources.leaks import refuse_leaks
from hipaa_kit.sources.scope import load_scope
from hipaa_kit.sources.store import save_snapshot
from hipaa_kit.views.page import NotebookEntry, index_page, verdict_counts

RECORDS = "inputs/records"
"""Where what people signed is copied, with the files that it rests on: beside the scope, where it is looked for."""

GIVEN = "inputs/given"
"""Where the inputs beside the cluster are frozen: also where none was given, so that nobody finds others later."""

TOP_TABLES = {
    "findings": "every check on every object examined",
    "citations": "every citation and what the findings say of it",
    "coverage": "what was asked of the cluster and what came back",
}


@dataclass(frozen=True)
class Bundle:
    """A bundle that was written, and how its notebooks went."""

    folder: Path
    digest: str
    notebooks: tuple[NotebookRun, ...]

    @property
    def index(self) -> Path:
        """The page to open first."""
        return self.folder / "data" / "index.html"

    @property
    def unfinished(self) -> list[NotebookRun]:
        """Notebooks that failed, died or took too long."""
        return [each for each in self.notebooks if each.status != "completed"]


def write_bundle(
    run: Assessment,
    notebooks: Sequence[NotebookSpec],
    target: Path,
    *,
    scope_file: Path | None = None,
    jobs: int = 1,
    on_event: Callable[[NotebookRun], None] = lambda _: None,
    facts: Mapping[str, Any] | None = None,
) -> Bundle:
    """Execute notebooks over an assessment and write everything as one bundle.

    Parameters
    ----------
    run
        The assessment.
    notebooks
        Which notebooks to execute.
    target
        Folder to make.
    scope_file
        The scope as it was declared; copied into the bundle.
    jobs
        Notebooks executed at the same time.
    on_event
        Called with each notebook that has ended.
    facts
        Further facts of this run for `run.json`, such as the command that was given.

    Returns
    -------
    Bundle
        Also where notebooks did not finish: those are named in it and the others are kept.

    Raises
    ------
    OutputError
        The folder exists or cannot be written. Nothing is left behind.
    LeakError
        Something about to be written looks like a secret. Nothing is left behind.
    """
    if target.exists():
        raise OutputError("exists already", str(target), "name another place or remove it")
    if run.scope is not None and (scope_file is None or load_scope(scope_file).digest != run.scope.digest):
        raise InputError("the scope file is not the scope that was assessed", str(scope_file), "give the same file")
    started = datetime.now(UTC)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        workdir = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}", str(target)) from error
    try:
        bundle = workdir / "bundle"
        writer = _Writer(run, bundle / "data", scope_file)
        writer.inputs()
        ended = writer.notebooks(notebooks, workdir, jobs, on_event)
        writer.tables()
        writer.remedies()
        writer.index(notebooks, ended)
        writer.run_facts(started, ended, facts or {})
        digest = seal(bundle, _bag_info(run))
        bundle.rename(target)
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}", str(target)) from error
    finally:
        shutil.rmtree(workdir, ignore_errors=True)
    return Bundle(target, digest, tuple(ended))


class _Writer:
    """Writes the payload of one bundle."""

    def __init__(self, run: Assessment, data: Path, scope_file: Path | None) -> None:
        self.run = run
        self.data = data
        self.scope_file = scope_file

    def inputs(self) -> None:
        """Freeze what everything is computed from."""
        save_snapshot(self.run.snapshot, self.data / "snapshot")
        save_inputs(self.run.given, self.data / GIVEN)
        self.run.records.copy_to(self.data / RECORDS)
        self.text("inputs/parameters.json", _json(self.run.digests()))
        if self.scope_file is not None:
            self.text("inputs/scope.yaml", self.scope_file.read_text(encoding="utf-8-sig"))

    def notebooks(
        self,
        specs: Sequence[NotebookSpec],
        workdir: Path,
        jobs: int,
        on_event: Callable[[NotebookRun], None],
    ) -> list[NotebookRun]:
        """Execute notebooks beside the frozen inputs and keep what they became."""
        if not specs:
            return []
        place = self.data / "notebooks"
        place.mkdir(parents=True)
        cache = workdir / "cache"
        store(self.run.tables, cache / self.run.key)
        parameters = {
            "snapshot": "../snapshot",
            "scope": "../inputs/scope.yaml" if self.scope_file else "",
            "inputs": f"../{GIVEN}",
            "records": f"../{RECORDS}" if self.run.records.given else "",
            "as_of": self.run.as_of,
            "settings": written_settings(self.run),
            "topics": " ".join(self.run.topics_asked),
        }
        log = self.run.snapshot.audit_log
        environment = {
            CACHE_VARIABLE: str(cache.resolve()),
            LOG_VARIABLE: str(log.folder.resolve()) if log is not None else "",
        }
        ended = run_notebooks(specs, parameters, place, jobs=jobs, environment=environment, on_event=on_event)
        return [self._keep(each) for each in ended]

    def tables(self) -> None:
        """Write every table, the findings and the map of the evidence."""
        for name in self.run.tables:
            text = table_csv(name, self.run.tables[name])
            self.text(f"{name}.csv" if name in TOP_TABLES else f"tables/{name}.csv", text)
        self.text("findings.json", findings_json(self.run))
        self.text("control_map.csv", _control_map(self.run).to_csv(index=False, lineterminator="\n"))

    def remedies(self) -> None:
        """Write what would mend the failing findings, where any fails."""
        snapshot, remedies = self.run.snapshot, self.run.tables["remedies"]
        if len(remedies):
            for name, text in remedy_files(remedies, snapshot.identity.name, snapshot.collected_at).items():
                self.text(f"remedies/{name}", text)

    def index(self, specs: Sequence[NotebookSpec], ended: Sequence[NotebookRun]) -> None:
        """Write the page that an auditor opens first."""
        by_id = {each.id: each for each in ended}
        entries = [_entry(spec, by_id[spec.id], self.data) for spec in specs]
        page = index_page(self.run, entries, _files(self.data))
        assert_self_contained(page)
        self.text("index.html", page)

    def run_facts(self, started: datetime, ended: Sequence[NotebookRun], facts: Mapping[str, Any]) -> None:
        """Write who ran it, where, when and how long: the only file that differs between runs."""
        self.text("run/run.json", _json({**_run_facts(self.run, started, ended), **facts}))

    def text(self, name: str, text: str) -> None:
        """Write one file, unless something in it looks like a secret."""
        refuse_leaks(text, name)
        path = self.data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")

    def _keep(self, ended: NotebookRun) -> NotebookRun:
        """Keep a notebook in canonical form, and as a page where it finished and shows these inputs."""
        notebook = nbformat.read(ended.path, as_version=4)  # type: ignore[no-untyped-call]
        ended.path.unlink()
        if ended.status == "completed" and record_of(notebook).get("key") != self.run.key:
            failed = ended.path.with_name(f"{ended.path.stem}.failed.ipynb")
            ended = replace(ended, status="failed", problem="it shows results of other inputs", path=failed)
        text = canonical_notebook(notebook)
        self.text(f"notebooks/{ended.path.name}", text)
        if ended.status == "completed":
            title = str(notebook.metadata.get("hipaa_kit", {}).get("title", ended.id))
            page = render_notebook_html(nbformat.reads(text, as_version=4), title)  # type: ignore[no-untyped-call]
            assert_self_contained(page)
            self.text(f"html/{ended.path.stem}.html", page)
        return ended


def _entry(spec: NotebookSpec, ended: NotebookRun, data: Path) -> NotebookEntry:
    html = f"html/{ended.path.stem}.html"
    ipynb = f"notebooks/{ended.path.name}"
    return NotebookEntry(
        id=spec.id,
        title=spec.title,
        question=spec.question,
        citations=tuple(spec.citations),
        topic=spec.topic,
        status=ended.status,
        problem=ended.problem,
        ipynb=ipynb if (data / ipynb).is_file() else "",
        html=html if (data / html).is_file() else "",
    )


def _files(data: Path) -> list[tuple[str, str]]:
    """Return the files that the index names, with what each is."""
    named = {
        "findings.json": "findings with their citations, parts and evidence",
        "control_map.csv": "which notebook and which checks serve each citation",
        "remedies/README.md": "what would mend the failing findings, with a file for each object",
        "inputs/parameters.json": "what the results depend on, by digest",
        "inputs/scope.yaml": "the ePHI scope as it was declared",
        "inputs/given/inputs.csv": "what was given beside the cluster, what was not, and how to get it",
        "inputs/given/inputs.json": "the inputs beside the cluster as they were read, with their digests",
        "snapshot/snapshot.json": "the snapshot: redacted objects by kind, with their digests",
        "snapshot/coverage.csv": "coverage, as it stands in the snapshot",
    }
    files = [(f"{name}.csv", what) for name, what in TOP_TABLES.items()]
    files += [(name, what) for name, what in named.items() if (data / name).is_file()]
    signed = sorted(path.relative_to(data).as_posix() for path in (data / RECORDS).rglob("*") if path.is_file())
    files += [(name, "signed by people, or what such a record rests on") for name in signed]
    tables = sorted(path.name for path in (data / "tables").glob("*.csv"))
    return files + [(f"tables/{name}", "table") for name in tables]


def _control_map(run: Assessment) -> pd.DataFrame:
    carried_out = {check.id for check in run.checks}
    rows = [
        {
            "citation": citation.citation,
            "control": control.id,
            "relation": mapping.relation,
            "topic": control.topic,
            "notebook": f"notebooks/{run.catalogue.notebook(control.topic)}",
            "carried_out": control.id in carried_out,
            "does_not_prove": mapping.does_not_prove,
        }
        for citation in run.catalogue.citations
        for control in run.catalogue.controls_of(citation.citation)
        for mapping in control.mappings
        if mapping.citation == citation.citation
    ]
    return pd.DataFrame(rows)


def _run_facts(run: Assessment, started: datetime, ended: Sequence[NotebookRun]) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "complete": all(each.status == "completed" for each in ended),
        "counts": verdict_counts(run.findings()),
        "ended_at": _rfc3339(now),
        "host": platform.node(),
        "inputs": run.digests(),
        "kit_version": hipaa_kit.__version__,
        "notebooks": {
            each.id: {
                "file": each.path.name,
                "problem": each.problem,
                "seconds": round(each.seconds, 2),
                "status": each.status,
            }
            for each in ended
        },
        "packages": {dist.name.lower(): dist.version for dist in sorted(distributions(), key=lambda d: d.name.lower())},
        "platform": platform.platform(),
        "python": platform.python_version(),
        "seconds": round((now - started).total_seconds(), 2),
        "started_at": _rfc3339(started),
        "user": _user(),
    }


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _bag_info(run: Assessment) -> dict[str, str]:
    return {
        "External-Identifier": f"{run.snapshot.identity.name} {run.key[:16]}",
        "Hipaa-Kit-Version": hipaa_kit.__version__,
        "Hipaa-Kit-Cluster": run.snapshot.identity.name,
        "Hipaa-Kit-Signed": "no",
    }


def _rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
