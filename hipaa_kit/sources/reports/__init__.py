"""Reports of other scanners: evidence beside our findings, never a verdict of ours.

One module per tool says how its report is recognised and read; `reading` asks them in turn. A new tool is
one module with `recognise` and `read`, and its name in `reading.READERS`; one that looks at images has `scans` as
well, and its name in `reading.SCANS`.
"""

from hipaa_kit.sources.reports.reading import ReportFindings, findings_of, findings_of_text, is_report
from hipaa_kit.sources.reports.rows import unit_of

__all__ = ["ReportFindings", "findings_of", "findings_of_text", "is_report", "unit_of"]
