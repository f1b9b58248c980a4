"""The index page of a bundle: one page, no script, nothing from outside; what was not seen comes first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from hipaa_kit.printable import printable
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.views.facts import incomplete, run_facts, unseen, worst_first
from hipaa_kit.views.palette import MARKS
from hipaa_kit.views.records import shown, signed

if TYPE_CHECKING:
    from hipaa_kit.assess.facade import Assessment

TEMPLATES = Path(__file__).parent / "templates"

FINDING_COLUMNS = ["check", "object", "severity", "reason", "citations", "disposition", "record"]


@dataclass(frozen=True)
class NotebookEntry:
    """One notebook of the bundle, as the index names it."""

    id: str
    title: str
    question: str
    citations: tuple[str, ...]
    topic: str
    status: str
    problem: str
    ipynb: str
    html: str


def index_page(run: Assessment, notebooks: Sequence[NotebookEntry], files: Sequence[tuple[str, str]]) -> str:
    """Return the index of a bundle as a page of HTML.

    Parameters
    ----------
    run
        What the bundle holds the results of.
    notebooks
        Notebooks in it, finished or not.
    files
        (path, what it is) of the other files, relative to the page.

    Returns
    -------
    str
        HTML that names no address outside the bundle and has no script. It states nothing that
        differs between two runs over the same inputs.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=_seen,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    every = _with_citations(run)
    findings = shown(every)
    by_topic = {entry.topic: entry.html for entry in notebooks if entry.html}
    return environment.get_template("index.html.j2").render(
        cluster=run.snapshot.identity.name or "cluster",
        facts=rows_of(run_facts(run)),
        counts=verdict_counts(run.findings()),
        statuses=status_counts(run.tables["citations"]),
        notebooks=notebooks,
        failed=[entry for entry in notebooks if entry.status != "completed"],
        unseen=rows_of(unseen(run)),
        incomplete=rows_of(_incomplete(run)),
        gaps=_table(findings[findings["verdict"] == "fail"]),
        broken=_table(findings[findings["verdict"] == "error"]),
        reviews=_table(findings[(findings["verdict"] == "review") & ~findings["record_valid"]]),
        hidden=len(every) - len(findings),
        records=rows_of(signed(run)),
        candidates=_unanswered(run.tables["ephi_candidates"]),
        citations=_citations(run, by_topic),
        files=files,
        mark=lambda word: MARKS.get(word, word.replace("_", " ")),
    )


def _unanswered(candidates: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the signs of workloads that the scope names neither as in nor as out of it."""
    return rows_of(candidates[candidates["excluded"] == ""])


def _seen(value: Any) -> Any:
    """Return a value in which every character can be seen; what a macro has made is HTML already, of such values."""
    return printable(value, keep="\n") if isinstance(value, str) and not hasattr(value, "__html__") else value


def verdict_counts(findings: pd.DataFrame) -> dict[str, int]:
    """Return how many findings there are per verdict, in the order in which they matter."""
    counts = findings["verdict"].value_counts()
    order = ("fail", "error", "review", "not_assessed", "pass", "not_applicable")
    return {verdict: int(counts.get(verdict, 0)) for verdict in order}


def status_counts(citations: pd.DataFrame) -> dict[str, int]:
    """Return how many citations there are per status."""
    counts = citations["status"].value_counts()
    return {status: int(counts.get(status, 0)) for status in ("gap", "partly_assessed", "not_assessed", "supported")}


def _with_citations(run: Assessment) -> pd.DataFrame:
    links = run.tables["finding_citations"].sort_values(["relation", "citation"])
    named = links["citation"] + links["relation"].map({"direct": "", "supporting": " (supporting)"})
    joined = named.groupby([links["check"], links["object"]]).agg("; ".join).rename("citations")
    return run.findings().merge(joined.reset_index(), on=["check", "object"], how="left").fillna({"citations": ""})


def _table(findings: pd.DataFrame) -> list[dict[str, Any]]:
    return rows_of(worst_first(findings)[FINDING_COLUMNS])


def _incomplete(run: Assessment) -> pd.DataFrame:
    """Return incomplete coverage of the kinds that some check reads."""
    read = {(kind.group, kind.kind) for check in run.checks for kind in check.kinds}
    gaps = incomplete(run.coverage)
    wanted = [(group, kind) in read for group, kind in zip(gaps["group"], gaps["kind"], strict=True)]
    return gaps[pd.Series(wanted, index=gaps.index, dtype=bool)]


def _citations(run: Assessment, by_topic: dict[str, str]) -> list[dict[str, Any]]:
    rows = []
    for row in rows_of(run.tables["citations"]):
        topics = dict.fromkeys(control.topic for control in run.catalogue.controls_of(str(row["citation"])))
        links = [(topic, by_topic[topic]) for topic in topics if topic in by_topic]
        share = row["assessed"]
        rows.append({**row, "links": links, "assessed": "" if pd.isna(share) else f"{share:.0%}"})
    return rows
