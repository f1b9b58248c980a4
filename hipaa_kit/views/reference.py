"""The reference that is made from the declarations: checks and tables, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable

from hipaa_kit.catalogue import Catalogue
from hipaa_kit.catalogue.article import load_article
from hipaa_kit.catalogue.model import Citation
from hipaa_kit.safeguards.check import Check, describe
from hipaa_kit.sources.inputs import INPUTS
from hipaa_kit.tables import TABLES
from hipaa_kit.vocabulary import RELATIONS

HEAD = "<!-- made by `make docs` from the declarations; do not edit -->\n"


def checks_markdown(checks: Iterable[Check], catalogue: Catalogue) -> str:
    """Return `docs/checks.md`: every check with its law, its inputs and what it does not prove."""
    held = list(checks)
    lines = [
        HEAD,
        "# Checks",
        "",
        f"{len(held)} of the {len(catalogue.controls)} controls of the catalogue have a check.",
        "",
    ]
    for topic in catalogue.topics():
        of_topic = [check for check in held if catalogue.control(check.id).topic == topic]
        if of_topic:
            lines += [f"## {topic.replace('_', ' ').capitalize()}", ""]
        for check in of_topic:
            lines += [check_text(check, catalogue, "###"), ""]
    return "\n".join(lines).rstrip() + "\n"


def check_text(check: Check, catalogue: Catalogue, heading: str = "#") -> str:
    """Return one check as Markdown."""
    control, inputs = catalogue.control(check.id), describe(check)
    lines = [
        f"{heading} {check.id} {control.title}",
        "",
        f"Severity {control.severity}. {control.remediation}.",
        "",
    ]
    lines += [f"- **{verdict.replace('_', ' ')}**: {rule}" for verdict, rule in control.rule.items()]
    lines += ["", "| citation | relation | does not prove |", "|---|---|---|"]
    lines += [f"| {m.citation} | {m.relation} | {m.does_not_prove} |" for m in control.mappings]
    lines += [
        "",
        f"Reads {inputs['tables'].replace(' ', ', ')}{_kinds(inputs['kinds'])}.",
    ]
    if inputs["inputs"]:
        lines.append(f"Not assessed without the inputs {inputs['inputs'].replace(' ', ', ')}.")
    if inputs["parameters"]:
        lines.append(f"Parameters: {inputs['parameters'].replace(' ', ', ')}.")
    if check.needs_scope:
        lines.append("Needs a declared ePHI scope.")
    return "\n".join(lines)


def _kinds(names: str) -> str:
    return f": objects of kind {names.replace(' ', ', ')}" if names else ", whatever the kind"


def coverage_markdown(checks: Iterable[Check], catalogue: Catalogue) -> str:
    """Return `docs/coverage.md`: what serves each citation and answers each sentence of the source article."""
    built = {check.id for check in checks}
    lines = [
        HEAD,
        "# Coverage",
        "",
        "What of the kit serves each citation of 45 CFR 164.306 to 164.316. A control in *italics* is in the",
        "catalogue and has no check yet; one marked ✎ is answered by what people keep and sign alone. What serves only",
        "in support never makes a citation supported.",
        "",
        "| citation | title | kind | tested directly by | supported by | not reached |",
        "|---|---|---|---|---|---|",
    ]
    lines += [_citation_line(citation, catalogue, built) for citation in catalogue.citations]
    lines += [
        "",
        "## The source article, sentence by sentence",
        "",
        "In words of our own. *check*: judged from objects or other inputs; *record*: people alone can say it;",
        "*limit*: the kit does not answer it; *background*: it asks for nothing.",
        "",
        "| | part | says | answered by | controls | note |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {each.number} | {each.part} | {each.says} | {each.answered_by} |"
        f" {', '.join(_marked(name, catalogue, built) for name in each.controls)} | {each.words} |"
        for each in load_article()
    ]
    return "\n".join(lines).rstrip() + "\n"


def _citation_line(citation: Citation, catalogue: Catalogue, built: set[str]) -> str:
    held: dict[str, list[str]] = {relation: [] for relation in RELATIONS}
    for control in catalogue.controls_of(citation.citation):
        for mapping in control.mappings:
            if mapping.citation == citation.citation:
                held[mapping.relation].append(control.id)
    direct, supporting = (", ".join(_marked(name, catalogue, built) for name in held[each]) for each in RELATIONS)
    unbuilt = sum(name not in built for name in held["direct"])
    gap = f"{unbuilt} of {len(held['direct'])} direct controls" if unbuilt else ""
    if not held["direct"]:
        gap = "no direct control" if held["supporting"] else "no control, on purpose: it says how to weigh"
    return f"| {citation.citation} | {citation.title} | {citation.kind} | {direct} | {supporting} | {gap} |"


def _marked(name: str, catalogue: Catalogue, built: set[str]) -> str:
    if name not in built:
        return f"*{name}*"
    return f"{name} ✎" if catalogue.control(name).how == "attested" else name


def inputs_markdown() -> str:
    """Return `docs/other_inputs.md`: every input beside the cluster, its forms, its tables, how to get it."""
    lines = [
        HEAD,
        "# Other inputs",
        "",
        "Everything that is not an object of the cluster. Each is optional; what it means to leave one out stands in",
        "[inputs.md](inputs.md).",
        "",
    ]
    for each in INPUTS.values():
        lines += [f"## {each.name}", "", f"{each.what[0].upper()}{each.what[1:]}.", ""]
        lines += [f"- {form.name}" for form in each.forms]
        lines += ["", f"Fills {', '.join(f'`{table.name}`' for table in each.tables)}. To give it:", ""]
        lines += [f"    {command}" for command in each.command.split("; ")]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def tables_markdown() -> str:
    """Return `docs/tables.md`: every declared table with its columns."""
    lines = [HEAD, "# Tables", ""]
    for name, table in sorted(TABLES.items()):
        lines += [f"## {name}", "", table.markdown(), ""]
    return "\n".join(lines).rstrip() + "\n"
