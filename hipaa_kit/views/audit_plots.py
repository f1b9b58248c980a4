"""What an audit policy records, as a picture, and the rules that it lacks, as they stand in a policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd
import yaml

from hipaa_kit.catalogue.probes import load_audit_probes
from hipaa_kit.inventory.audit import policies, policy_object, wanted_of
from hipaa_kit.kube.audit.amendment import amendment, as_yaml
from hipaa_kit.kube.audit.policy import LEVELS
from hipaa_kit.views.palette import BLUE, INK, ORANGE, PALE, SKY, VERMILLION
from hipaa_kit.views.plots import Picture, canvas

if TYPE_CHECKING:
    from hipaa_kit.assess.facade import Assessment

LEVEL_STYLE: Final = {
    "None": (PALE, ""),
    "Metadata": (SKY, ""),
    "Request": (BLUE, ""),
    "RequestResponse": (BLUE, ".."),
}
"""Colour and hatch of each level."""

OUTCOME_STYLE: Final = {"below": ("✗", VERMILLION), "above": ("!", ORANGE), "met": ("✓", INK)}
VERBS: Final = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")


def recorded_grid(audit_probes: pd.DataFrame, title: str) -> Picture:
    """Draw at which level each kind of request is recorded: resources are rows, verbs are columns.

    Parameters
    ----------
    audit_probes
        Table of that name.
    title
        What the figure shows, as a sentence.

    Notes
    -----
    A cell is a request in the namespace, and by the requester, where it is recorded least well: below what a review
    needs before above, and then by level.
    """
    ranks = {outcome: rank for rank, outcome in enumerate(OUTCOME_STYLE)}
    parts = audit_probes.assign(
        verb=audit_probes["request"].str.split(" ").str[0],
        what=audit_probes["request"].str.split(" ", n=1).str[1],
        rank=audit_probes["outcome"].map(ranks),
        height=audit_probes["level"].map(LEVELS.index),
    )
    worst = parts.sort_values(["rank", "height", "probe"]).drop_duplicates(["what", "verb"])
    rows = sorted(worst["what"].unique(), key=lambda what: worst.loc[worst["what"] == what, "probe"].min())
    figure, axes = canvas(3.4 + 0.95 * len(VERBS), 1.2 + 0.3 * max(len(rows), 1), title)
    for verb, what, level, outcome in zip(worst["verb"], worst["what"], worst["level"], worst["outcome"], strict=True):
        x, y, (colour, hatch), (mark, ink) = (
            VERBS.index(verb),
            rows.index(what),
            LEVEL_STYLE[level],
            OUTCOME_STYLE[outcome],
        )
        axes.barh(y, 0.94, left=x - 0.47, height=0.86, color=colour, hatch=hatch, edgecolor="white")
        words = f"{mark} {level.replace('RequestResponse', 'Response')}"
        box = dict(boxstyle="round,pad=0.15", color="white")  # noqa: C408 - reads as the options it is
        axes.text(x, y, words, ha="center", va="center", fontsize=7, color=ink, bbox=box)
    axes.set_xlim(-0.5, len(VERBS) - 0.5)
    axes.set_ylim(max(len(rows), 1) - 0.5, -0.5)
    axes.set_xticks(range(len(VERBS)), VERBS, fontsize=8)
    axes.set_yticks(range(len(rows)), rows, fontsize=8)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    told = ", ".join(f"{what} {verb} at {level}, {outcome}" for what, verb, level, outcome in zip(
        worst["what"], worst["verb"], worst["level"], worst["outcome"], strict=True) if outcome != "met")  # fmt: skip
    return Picture(figure, f"{title}. {told or 'every request is recorded as a review needs it'}")


def blind_detections(audit_probes: pd.DataFrame) -> pd.DataFrame:
    """Return one row per detection that would see nothing of some request, with those requests."""
    lost = audit_probes.assign(detection=audit_probes["blind"].str.split()).explode("detection")
    lost = lost[lost["detection"].notna() & (lost["blind"] != "")]
    grouped = lost.groupby("detection")
    return pd.DataFrame(
        {
            "requests": grouped["request"].agg(lambda each: ", ".join(sorted(set(each)))),
            "namespaces": grouped["namespace"].agg(lambda each: ", ".join(sorted(set(each) - {""}))),
        }
    ).reset_index()


def proposed_rules(run: Assessment) -> str:
    """Return, as YAML, the rules to put before those of each audit policy, so that it records what a review needs."""
    tables, found = run.tables, []
    asked = tables.audit_probes
    probes = {probe.probe: probe for probe in load_audit_probes()}
    for node, policy in policies(tables.audit_policies, tables.audit_rules, tables.audit_rule_matches):
        mine = asked[asked["object"] == policy_object(node)]
        wanted = [wanted_of(probes[name], place) for name, place in zip(mine["probe"], mine["namespace"], strict=True)]
        rules = amendment(policy, wanted)
        words = f"# {policy_object(node)}: put before its own rules" if rules else f"# {policy_object(node)} lacks none"
        found.append(f"{words}\n{yaml.safe_dump(as_yaml(rules), sort_keys=False, width=120) if rules else ''}")
    return "".join(found) or "# no audit policy was given\n"
