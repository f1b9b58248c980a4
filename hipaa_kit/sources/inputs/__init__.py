"""Other inputs: everything that is not an object of the cluster and that an assessment may use.

Each is declared once, with its forms and the command that would collect it; a folder is read whole, every
file recognised by its content. Nothing is required, nothing is lost without a word.
"""

from hipaa_kit.sources.inputs.declaration import Form, Input, Reading, Row
from hipaa_kit.sources.inputs.given import INPUT_OF, INPUT_TABLES, INPUTS, Inputs, no_inputs
from hipaa_kit.sources.inputs.logs import with_audit_log, without_audit_log
from hipaa_kit.sources.inputs.reading import read_inputs
from hipaa_kit.sources.inputs.store import is_frozen, open_inputs, save_inputs

__all__ = [
    "INPUTS",
    "INPUT_OF",
    "INPUT_TABLES",
    "Form",
    "Input",
    "Inputs",
    "Reading",
    "Row",
    "is_frozen",
    "no_inputs",
    "open_inputs",
    "read_inputs",
    "save_inputs",
    "with_audit_log",
    "without_audit_log",
]
