"""How things show themselves: tables, figures, pages."""

from hipaa_kit.views.access_plots import choke_bars, review_sheet, unproved, who_reaches
from hipaa_kit.views.audit_plots import blind_detections, proposed_rules, recorded_grid
from hipaa_kit.views.backup_plots import newest_points, recovery_ages
from hipaa_kit.views.detection_plots import detection_map, refused, sights, sign_in_failures, subjects_hit, told_hits
from hipaa_kit.views.facts import incomplete, population, remedies, run_facts, unseen, worst_first
from hipaa_kit.views.incident import gravest, hits_of, in_words, reached, taken_over
from hipaa_kit.views.incident_plots import incident_grid, incident_timeline
from hipaa_kit.views.inspection import kinds_held
from hipaa_kit.views.log_plots import log_days, long_gaps
from hipaa_kit.views.mending import show_remedies
from hipaa_kit.views.network_plots import namespace_map, neighbourhood, standings, traffic_bars
from hipaa_kit.views.path_plots import path_picture
from hipaa_kit.views.plots import (
    citation_bars,
    coverage_bars,
    placement,
    scope_map,
    verdict_bars,
    verdict_grid,
    volume_bars,
)
from hipaa_kit.views.records import (
    binder,
    changes,
    due,
    hidden,
    next_actions,
    show_binder,
    shown,
    signed,
    unanswered,
)
from hipaa_kit.views.room_plots import room_without
from hipaa_kit.views.show import draw, record, show, show_text

__all__ = [
    "binder",
    "blind_detections",
    "changes",
    "choke_bars",
    "citation_bars",
    "coverage_bars",
    "detection_map",
    "draw",
    "due",
    "gravest",
    "hidden",
    "hits_of",
    "in_words",
    "incident_grid",
    "incident_timeline",
    "incomplete",
    "kinds_held",
    "log_days",
    "long_gaps",
    "namespace_map",
    "neighbourhood",
    "newest_points",
    "next_actions",
    "path_picture",
    "placement",
    "population",
    "proposed_rules",
    "reached",
    "record",
    "recorded_grid",
    "recovery_ages",
    "refused",
    "remedies",
    "review_sheet",
    "room_without",
    "run_facts",
    "scope_map",
    "show",
    "show_binder",
    "show_remedies",
    "show_text",
    "shown",
    "sights",
    "sign_in_failures",
    "signed",
    "standings",
    "subjects_hit",
    "taken_over",
    "told_hits",
    "traffic_bars",
    "unanswered",
    "unproved",
    "unseen",
    "verdict_bars",
    "verdict_grid",
    "volume_bars",
    "who_reaches",
    "worst_first",
]
