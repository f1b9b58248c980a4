"""Records that people sign: waivers, decisions, attestations, assessments by others, registers.

They are read strictly, with their line: a mistake in one would change what is said of a safeguard.
"""

from hipaa_kit.sources.signed.matching import Matcher, refuse_pattern
from hipaa_kit.sources.signed.model import Records, no_records
from hipaa_kit.sources.signed.reading import load_records

__all__ = ["Matcher", "Records", "load_records", "no_records", "refuse_pattern"]
