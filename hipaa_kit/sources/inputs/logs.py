"""Inputs with an audit log beside them: the events stay in their store, what was read of it is a table like others."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from hipaa_kit.sources.audit_log import AuditLog
from hipaa_kit.sources.inputs.given import Inputs
from hipaa_kit.tables.audit_log import AUDIT_SOURCES

NAME: Final = "audit_log"


def with_audit_log(inputs: Inputs, log: AuditLog) -> Inputs:
    """Return the inputs with what was read of an audit log."""
    sources = log.sources()
    given = inputs.given.copy()
    ours = given["input"] == NAME
    given.loc[ours, "status"] = "given"
    given.loc[ours, ["files", "rows"]] = len(sources)
    return replace(inputs, tables={**inputs.tables, AUDIT_SOURCES.name: sources}, given=given)


def without_audit_log(inputs: Inputs) -> Inputs:
    """Return the inputs as they are where the events themselves are not at hand, and only what was told of them."""
    given = inputs.given.copy()
    given.loc[given["input"] == NAME, "status"] = "missing"
    return replace(inputs, tables={**inputs.tables, AUDIT_SOURCES.name: AUDIT_SOURCES.frame()}, given=given)
