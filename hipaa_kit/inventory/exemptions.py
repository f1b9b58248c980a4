"""Exemptions that stand in the cluster itself: claims of those who write a workload, listed and never honoured.

Sources: https://kubescape.io/docs/accepting-risk/, https://docs.kubelinter.io/#/configuring-kubelinter,
https://polaris.docs.fairwinds.com/customization/exemptions/, https://github.com/zegl/kube-score#ignoring-a-test,
https://www.checkov.io/2.Basics/Suppressing%20and%20Skipping%20Policies.html,
https://kyverno.io/docs/policy-types/cluster-policy/exceptions/,
https://open-policy-agent.github.io/gatekeeper/website/docs/exempt-namespaces/.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from hipaa_kit.inventory.fields import items, string_map, texts
from hipaa_kit.inventory.registry import builds
from hipaa_kit.kube import kinds
from hipaa_kit.kube.custom_kinds import custom
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.signed import EXEMPTION_CLAIMS

MARKS: Final = (
    ("kubescape", re.compile(r"kubescape\.io/(?:skip|ignore)[-/.].+")),
    ("kube-linter", re.compile(r"(?:ignore-check\.kube-linter\.io/.+|kube-linter\.io/ignore-all)")),
    ("polaris", re.compile(r"polaris\.fairwinds\.com/(?:.+-)?exempt")),
    ("kube-score", re.compile(r"kube-score/ignore")),
    ("checkov", re.compile(r"checkov\.io/skip\d*")),
    ("datree", re.compile(r"datree\.skip/.+")),
    ("gatekeeper", re.compile(r"admission\.gatekeeper\.sh/ignore")),
)
"""Annotations and labels by which a tool is told to pass over an object."""

MARKED: Final = (
    kinds.NAMESPACE,
    kinds.DEPLOYMENT,
    kinds.STATEFUL_SET,
    kinds.DAEMON_SET,
    kinds.JOB,
    kinds.CRON_JOB,
    kinds.SERVICE,
    kinds.INGRESS,
)
KYVERNO: Final = tuple(custom(group, "PolicyException") for group in ("kyverno.io", "policies.kyverno.io"))
GATEKEEPER: Final = custom("config.gatekeeper.sh", "Config")


@builds(EXEMPTION_CLAIMS, reads=[*MARKED, *KYVERNO, GATEKEEPER])
def exemption_claims(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per claim: a mark at an object, an exception of Kyverno, a namespace that Gatekeeper leaves out.

    Marks at pods are those of what makes them; a pod without an owner is not looked at.
    """
    for kind in MARKED:
        for record in snapshot.records(kind):
            for claim, tool in sorted(_claims(record.content).items()):
                yield {"object": record.object, "claim": claim, "tool": tool}
    for kind in KYVERNO:
        for record in snapshot.records(kind):
            yield {"object": record.object, "claim": "exception from policies", "tool": "kyverno"}
    for record in snapshot.records(GATEKEEPER):
        left_out = {
            name for match in items(record.content, "spec", "match") for name in texts(match, "excludedNamespaces")
        }
        for name in sorted(left_out):
            yield {"object": record.object, "claim": f"leaves out namespace {name}", "tool": "gatekeeper"}


def _claims(content: Mapping[str, Any]) -> dict[str, str]:
    """Return the marks of one object, and of the template of its pods, with the tool each is for."""
    places = (("metadata",), ("spec", "template", "metadata"), ("spec", "jobTemplate", "spec", "template", "metadata"))
    keys = {key for place in places for part in ("annotations", "labels") for key in string_map(content, *place, part)}
    return {key: tool for key in keys for tool, mark in MARKS if mark.fullmatch(key)}
