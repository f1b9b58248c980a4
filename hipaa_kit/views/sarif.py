"""A what-if as SARIF, which code hosts show beside the lines of a pull request.

Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import hipaa_kit
from hipaa_kit.tables.declaration import rows_of

if TYPE_CHECKING:
    from hipaa_kit.assess.what_if import WhatIf

LEVELS: Final = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}


def sarif(found: WhatIf) -> dict[str, Any]:
    """Return the findings and paths that appear, and the flows that open, as one SARIF log.

    A result names its object; its file stands beside it where a manifest that was applied holds the object.
    """
    appearing = rows_of(found.findings[found.findings["change"] == "appears"])
    flows = rows_of(found.new_flows())
    checks = {row["check"] for row in appearing}
    rules = [
        {"id": each, "shortDescription": {"text": found.after.catalogue.control(each).title}} for each in sorted(checks)
    ]
    if flows:
        rules.append({"id": "new-flow", "shortDescription": {"text": "A connection between workloads opens"}})
    paths = rows_of(found.paths[found.paths["change"] == "appears"])
    if paths:
        rules.append({"id": "new-path", "shortDescription": {"text": "A path to ePHI appears"}})
    results = [
        _result(found, row["check"], LEVELS[row["severity"]], f"{row['object']}: {row['reason_after']}", row["object"])
        for row in appearing
    ]
    for row in flows:
        first, last = row["port_from"], row["port_to"]
        ports = f"{row['protocol']} {first}" if first == last else f"{row['protocol']} {first}-{last}"
        states = f"{row['before'] or 'not there'} before, {row['after']} after"
        words = f"{row['source']} to {row['destination']} on {ports}: {states}"
        results.append(_result(found, "new-flow", "warning", words, row["destination"]))
    results += [_result(found, "new-path", "error", row["path"], row["end"]) for row in paths]
    driver = {"name": "hipaa-kit", "version": hipaa_kit.__version__, "rules": rules}
    return {
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }


def _result(found: WhatIf, rule: str, level: str, words: str, name: str) -> dict[str, Any]:
    location: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": name, "kind": "resource"}]}
    origin = found.after.snapshot.find(name)
    if origin is not None and found.was_applied(name):
        location["physicalLocation"] = {"artifactLocation": {"uri": origin.source.partition("#")[0]}}
    return {"ruleId": rule, "level": level, "message": {"text": words}, "locations": [location]}
