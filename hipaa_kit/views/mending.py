"""Remedies as people read them: what there is, whether it was proved, and the steps, folded away until asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from hipaa_kit.printable import printable
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.views.show import table_html, table_text

if TYPE_CHECKING:
    from hipaa_kit.assess.facade import Assessment

PROVED = {
    "yes": "proved: with it applied, the check passes",
    "together": "proved together with the other remedies, not alone",
    "no": "not enough: with it applied, the check does not pass",
    "cannot": "not proved, as these objects cannot show it",
}
"""What `verified` says, in words."""

OVERVIEW = ("check", "object", "remedy", "steps", "verified", "caution")
MARKDOWN = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_[]<>|#"})


def overview(remedies: pd.DataFrame) -> pd.DataFrame:
    """Return a row per finding of table `remedies`: what mends it, by which kinds of steps, and if it was proved."""
    rows = [
        {
            "check": check,
            "object": name,
            "remedy": steps[0]["title"],
            "steps": ", ".join(dict.fromkeys(step["kind"] for step in steps)),
            "verified": steps[0]["verified"],
            "caution": steps[0]["caution"],
        }
        for check, name, steps in by_finding(remedies)
    ]
    return pd.DataFrame(rows, columns=list(OVERVIEW))


def by_finding(remedies: pd.DataFrame) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    """Yield check, object and steps of each finding in table `remedies`."""
    for (check, name), group in remedies.groupby(["check", "object"], sort=True):
        yield str(check), str(name), list(rows_of(group.sort_values("step")))


def show_remedies(run: Assessment, topic: str) -> None:
    """Show what would mend the failing findings of a topic: a table, and below it the steps of each, folded.

    Parameters
    ----------
    run
        What was assessed.
    topic
        Topic of the findings.
    """
    from IPython.display import display

    remedies = run.tables["remedies"]
    remedies = remedies[remedies["topic"] == topic]
    seen = overview(remedies)
    html = f"{table_html(seen, 'remedies', rows=200)}\n{steps_html(remedies)}"
    plain = f"{table_text(seen, 'remedies', rows=200)}\n\n{steps_text(remedies)}"
    display({"text/html": html, "text/plain": plain}, raw=True)  # type: ignore[no-untyped-call]


def steps_html(remedies: pd.DataFrame) -> str:
    """Return the steps of remedies as HTML: a fold per finding."""
    folds = []
    for check, name, steps in by_finding(remedies):
        first = steps[0]
        inner = "\n".join(f"<pre>{escape(_step(step))}</pre>" for step in steps)
        notes = [proof(first), _told("the check then says", first["outcome"])]
        notes.append(_told("look at before", first["caution"]))
        said = "".join(f"<p>{escape(printable(each))}</p>" for each in notes if each)
        summary = escape(printable(f"{check} {name}: {first['title']}"))
        folds.append(f"<details><summary>{summary}</summary>\n{said}\n{inner}\n</details>")
    return "\n".join(folds)


def steps_text(remedies: pd.DataFrame) -> str:
    """Return the steps of remedies as text."""
    parts = []
    for check, name, steps in by_finding(remedies):
        first = steps[0]
        notes = [proof(first), _told("the check then says", first["outcome"])]
        notes.append(_told("look at before", first["caution"]))
        head = [printable(f"{check} {name}: {first['title']}"), *(f"  {printable(each)}" for each in notes if each)]
        body = ["  " + line for step in steps for line in _step(step).splitlines()]
        parts.append("\n".join([*head, *body]))
    return "\n\n".join(parts)


def proof(step: Mapping[str, Any]) -> str:
    """Return in words whether the remedy of a step was proved, and why it could not be where that is so."""
    return f"{PROVED[step['verified']]}{_told('; the reason', step['unproved'])}"


def _told(what: str, words: str) -> str:
    return f"{what}: {words}" if words else ""


def _step(step: dict[str, Any]) -> str:
    """Return one step: what kind it is, and its text as it is to be applied."""
    lines = [printable(line) for line in str(step["text"]).splitlines()]
    target = f" {printable(step['target'])}" if step["target"] else ""
    return "\n".join([f"# {step['step']}. {step['kind']}{target}", *lines])


def plain_words(words: str) -> str:
    """Return words of the cluster as one line of Markdown that is nothing but words."""
    return printable(" ".join(words.split())).translate(MARKDOWN)
