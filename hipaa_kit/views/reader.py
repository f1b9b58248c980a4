"""The reader's role as YAML, and what `doctor` found, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import yaml

from hipaa_kit.tables.declaration import rows_of

if TYPE_CHECKING:
    from hipaa_kit.assess.doctor import Diagnosis


class _Plain(yaml.SafeDumper):
    """Writes repeated values out, as everything that people read and apply should be."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        """Use no anchors."""
        return True


def manifests_text(objects: Iterable[Mapping[str, Any]], head: Iterable[str] = ()) -> str:
    """Return objects as one YAML stream, under a head of comments."""
    comments = "".join(f"# {line}\n" for line in head)
    return comments + yaml.dump_all(objects, Dumper=_Plain, sort_keys=False, explicit_start=True, width=120)


def diagnosis_json(found: Diagnosis) -> str:
    """Return what `doctor` found as JSON."""
    shown = {
        **found.facts,
        "ready": found.troubled.empty,
        "kinds": rows_of(found.kinds),
        "not_assessed": rows_of(found.not_assessed),
    }
    return json.dumps(shown, indent=1)


def diagnosis_text(found: Diagnosis) -> str:
    """Return what `doctor` found as text."""
    lines = [f"{name.replace('_', ' '):16}{words or 'none'}" for name, words in found.facts.items()]
    lines += ["", found.kinds.to_string(index=False), ""]
    for row in rows_of(found.troubled):
        where = f" in namespace {row['namespace']}" if row["namespace"] else ""
        lines.append(f"would be {row['answer']}: {row['kind']}{where}: {row['words'] or 'no words'}")
    for row in rows_of(found.not_assessed):
        lines.append(f"would not be assessed: {row['check']} ({row['topic']}) {row['title']}: without {row['lacks']}")
    if found.troubled.empty:
        lines.append("everything that this profile needs can be read")
    else:
        lines.append("`hipaa-kit rbac` prints the role that is missing; -n NAMESPACE asks what may be read there")
    return "\n".join(lines)
