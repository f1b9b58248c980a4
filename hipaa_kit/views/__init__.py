"""How things show themselves: tables, figures, pages."""

from hipaa_kit.views.access_plots import choke_bars, review_sheet, unproved, who_reaches
from hipaa_kit.views.backup_plots import newest_points, recovery_ages
from hipaa_kit.views.facts import incomplete, population, remedies, run_facts, unseen, worst_first
from hipaa_kit.views.inspection import kinds_held
from hipaa_kit.views.mending import show_remedies
from hipaa_kit.views.network_plots import namespace_map, neighbourhood, standings, traffic_bars
from hipaa_kit.views.plots import (
    citation_bars,
    coverage_bars,
    placement,
    scope_map,
    verdict_bars,
    verdict_grid,
    volume_bars,
)
from hipaa_kit.views.room_plots import room_without
from hipaa_kit.views.show import draw, record, show

__all__ = [
    "choke_bars",
    "citation_bars",
    "coverage_bars",
    "draw",
    "incomplete",
    "kinds_held",
    "namespace_map",
    "neighbourhood",
    "newest_points",
    "placement",
    "population",
    "record",
    "recovery_ages",
    "remedies",
    "review_sheet",
    "room_without",
    "run_facts",
    "scope_map",
    "show",
    "show_remedies",
    "standings",
    "traffic_bars",
    "unproved",
    "unseen",
    "verdict_bars",
    "verdict_grid",
    "volume_bars",
    "who_reaches",
    "worst_first",
]
