"""Colours and hatches with one meaning each; never colour alone (Okabe and Ito, 2008)."""

from __future__ import annotations

from typing import Final

BLUE: Final = "#0072B2"
VERMILLION: Final = "#D55E00"
ORANGE: Final = "#E69F00"
GREEN: Final = "#009E73"
SKY: Final = "#56B4E9"
PURPLE: Final = "#CC79A7"
GREY: Final = "#999999"
PALE: Final = "#E8E8E8"
INK: Final = "#222222"

VERDICT_STYLE: Final = {
    "fail": (VERMILLION, "//"),
    "error": (PURPLE, "xx"),
    "review": (ORANGE, ".."),
    "not_assessed": (GREY, "\\\\"),
    "pass": (BLUE, ""),
    "not_applicable": (PALE, ""),
}
"""Colour and hatch of each verdict, in the order in which bars are stacked."""

STATUS_STYLE: Final = {
    "gap": (VERMILLION, "//"),
    "partly_assessed": (ORANGE, ".."),
    "not_assessed": (GREY, "\\\\"),
    "supported": (BLUE, ""),
}
"""Colour and hatch of each citation status."""

COVERAGE_STYLE: Final = {
    "answered": (BLUE, ""),
    "absent": (SKY, ""),
    "partial": (ORANGE, ".."),
    "unknown": (ORANGE, "oo"),
    "not_asked": (GREY, "\\\\"),
    "failed": (PURPLE, "xx"),
    "refused": (VERMILLION, "//"),
}
"""Colour and hatch of each coverage status."""

AT_REST_STYLE: Final = {
    "plain": (VERMILLION, "//"),
    "unseen": (ORANGE, ".."),
    "unknown": (GREY, "\\\\"),
    "key in the cluster": (SKY, "oo"),
    "encrypted": (BLUE, ""),
}
"""Colour and hatch of what a volume is at rest."""

MARKS: Final = {
    "pass": "✓ pass",
    "fail": "✗ fail",
    "review": "? review",
    "not_assessed": "○ not assessed",
    "not_applicable": "· not applicable",
    "error": "! error",
    "gap": "✗ gap",
    "supported": "✓ supported",
    "partly_assessed": "◐ partly assessed",
}
"""How verdicts and statuses are written in tables: a mark and the word."""
