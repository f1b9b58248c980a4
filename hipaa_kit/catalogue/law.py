"""Which paragraphs of 45 CFR 164.306 to 164.316 are what, read from the rule itself.

The data file is held against this list, which was written down apart from it: a specification that
is called addressable by mistake would let an entity decide against what it must do.

Source: Appendix A to Subpart C of Part 164 for 164.308, 164.310 and 164.312; the text of 164.314 and
164.316 for those, https://www.ecfr.gov/current/title-45/subtitle-A/subchapter-C/part-164/subpart-C.
"""

from __future__ import annotations

from typing import Final

ADDRESSABLE: Final = frozenset(
    "164.308(a)(3)(ii)(A) 164.308(a)(3)(ii)(B) 164.308(a)(3)(ii)(C) 164.308(a)(4)(ii)(B) 164.308(a)(4)(ii)(C) "
    "164.308(a)(5)(ii)(A) 164.308(a)(5)(ii)(B) 164.308(a)(5)(ii)(C) 164.308(a)(5)(ii)(D) 164.308(a)(7)(ii)(D) "
    "164.308(a)(7)(ii)(E) 164.310(a)(2)(i) 164.310(a)(2)(ii) 164.310(a)(2)(iii) 164.310(a)(2)(iv) "
    "164.310(d)(2)(iii) 164.310(d)(2)(iv) 164.312(a)(2)(iii) 164.312(a)(2)(iv) 164.312(c)(2) "
    "164.312(e)(2)(i) 164.312(e)(2)(ii)".split()
)
REQUIRED: Final = frozenset(
    "164.308(a)(1)(ii)(A) 164.308(a)(1)(ii)(B) 164.308(a)(1)(ii)(C) 164.308(a)(1)(ii)(D) 164.308(a)(4)(ii)(A) "
    "164.308(a)(6)(ii) 164.308(a)(7)(ii)(A) 164.308(a)(7)(ii)(B) 164.308(a)(7)(ii)(C) 164.308(b)(3) "
    "164.310(d)(2)(i) 164.310(d)(2)(ii) 164.312(a)(2)(i) 164.312(a)(2)(ii) 164.314(a)(2)(i) 164.314(a)(2)(ii) "
    "164.314(a)(2)(iii) 164.314(b)(2) 164.316(b)(2)(i) 164.316(b)(2)(ii) 164.316(b)(2)(iii)".split()
)
STANDALONE: Final = frozenset(
    "164.308(a)(2) 164.308(a)(8) 164.310(b) 164.310(c) 164.312(b) 164.312(d) 164.316(a)".split()
)
"""Standards without specifications: mandatory themselves."""

STANDARDS: Final = frozenset(
    "164.308(a)(1)(i) 164.308(a)(3)(i) 164.308(a)(4)(i) 164.308(a)(5)(i) 164.308(a)(6)(i) 164.308(a)(7)(i) "
    "164.308(b)(1) 164.310(a)(1) 164.310(d)(1) 164.312(a)(1) 164.312(c)(1) 164.312(e)(1) 164.314(a)(1) "
    "164.314(b)(1) 164.316(b)(1) 164.308(b)(2)".split()
)
GENERAL: Final = frozenset("164.306(a) 164.306(b) 164.306(d)(3) 164.306(e)".split())

KIND_OF: Final = {
    citation: kind
    for kind, citations in (
        ("addressable", ADDRESSABLE),
        ("required", REQUIRED),
        ("standalone", STANDALONE),
        ("standard", STANDARDS),
        ("general", GENERAL),
    )
    for citation in citations
}
"""What each paragraph is."""
