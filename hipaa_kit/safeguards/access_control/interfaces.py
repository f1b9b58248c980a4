"""Interfaces of administrators: who can come to them, and whether anything asks who that is."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from hipaa_kit.kube.network.addresses import PRIVATE, parse_cidr
from hipaa_kit.safeguards.check import check, fails, judge, not_assessed, reviews
from hipaa_kit.vocabulary import COMPLETE


class Interface(NamedTuple):
    """A program for administrators, by the last part of its image's name; whether it asks for a sign-in itself."""

    name: str
    images: tuple[str, ...]
    signs_in: bool


INTERFACES = (
    Interface("Kubernetes Dashboard", ("dashboard", "dashboard-web", "dashboard-auth", "dashboard-api"), True),
    Interface("Argo CD", ("argocd",), True),
    Interface("Grafana", ("grafana", "grafana-oss", "grafana-enterprise"), True),
    Interface("Prometheus", ("prometheus",), False),
    Interface("Alertmanager", ("alertmanager",), False),
    Interface("Kibana", ("kibana", "kibana-oss"), True),
    Interface("OpenSearch Dashboards", ("opensearch-dashboards",), True),
    Interface("Hubble UI", ("hubble-ui", "hubble-ui-backend"), False),
    Interface("Rancher", ("rancher",), True),
    Interface("Longhorn UI", ("longhorn-ui",), False),
    Interface("etcd", ("etcd",), True),
)
"""Whether a sign-in is asked for by default.

Sources: https://prometheus.io/docs/operating/security/, https://longhorn.io/docs/latest/deploy/accessing-the-ui/,
https://docs.cilium.io/en/stable/observability/hubble/hubble-ui/,
https://grafana.com/docs/grafana/latest/setup-grafana/configure-security/,
https://argo-cd.readthedocs.io/en/stable/operator-manual/security/. etcd asks for client certificates where kubeadm,
or an operator, sets it up.
"""

KUBERNETES_UI = ("kubernetesui", "kubernetes-dashboard")
"""What stands somewhere before the Dashboard's own image name, which others have too."""

ROUTE_GROUPS = ("gateway.networking.k8s.io", "route.openshift.io")


@check("HK-ACC-20", everywhere=True)
def interfaces_not_exposed(
    pods: pd.DataFrame,
    containers: pd.DataFrame,
    exposures: pd.DataFrame,
    entry_guards: pd.DataFrame,
    coverage: pd.DataFrame,
) -> pd.DataFrame:
    """Judge every administrators' interface by the ways that lead to it from outside the cluster.

    Parameters
    ----------
    pods, containers, exposures, entry_guards, coverage : tables of those names

    Returns
    -------
    table `judgements`, one row per way to an interface; one for an interface without any

    Notes
    -----
    Interfaces are known by the images of their containers. Private addresses are not outside. An authorization policy
    of a mesh counts where it shuts the way for the addresses that can come in: it is part of who can reach the pod.
    """
    known = _interfaces(pods, containers)
    ways = exposures.merge(known, on="workload")
    guards = entry_guards.groupby("entry")["certain"].any()
    ways = ways.assign(
        object=ways["workload"],
        member=ways["entry"]
        + " "
        + ways["entry_type"]
        + " "
        + ways["entry_port"].astype("str")
        + " to "
        + ways["pod"]
        + " "
        + ways["protocol"]
        + " "
        + ways["port"].astype("str")
        + " for "
        + ways["host"]
        + " "
        + ways["via"],
        guard=ways["entry"].map(guards).map({True: "certain", False: "perhaps"}).fillna(""),
    )
    shut = known[~known["workload"].isin(ways["workload"])]
    none = shut.assign(
        object=shut["workload"], member="", guard="", level="none", entry="", source_ranges="", reason=""
    )
    columns = ["object", "member", "guard", "level", "entry", "source_ranges", "reason", "interface", "signs_in"]
    examined = pd.concat([ways[columns], none[columns]], ignore_index=True)
    examined = examined.assign(unseen=_unseen(coverage), whom=examined["source_ranges"].replace("", "every address"))
    unknown = examined["level"].eq("unknown")
    narrow = examined["level"].eq("restricted") & ~examined["source_ranges"].map(all_private).astype(bool)
    reached = examined["level"].eq("internet") | narrow
    signs_in, guard = examined["signs_in"].astype(bool), examined["guard"]
    return judge(
        examined,
        fails(
            reached & guard.eq("") & ~signs_in,
            "{interface} asks nobody who they are, and {entry} leads to it from {whom}",
            observed="{level}",
            expected="single sign-on before it, or no way in",
        ),
        reviews(
            reached & guard.eq("") & signs_in,
            "is the sign-in of {interface} itself enough? {entry} leads to it from {whom}",
            observed="{level}",
        ),
        reviews(
            reached & guard.eq("perhaps"),
            "does what {entry} names ask for a sign-in before {interface}?",
            observed="{level}",
        ),
        not_assessed(
            unknown & guard.ne("certain"),
            "who can come in by {entry} to {interface} is not known: {reason}",
            code="input_missing",
        ),
        not_assessed(
            examined["unseen"].ne("") & examined["guard"].ne("certain"),
            "there may be ways in through routes that were not seen: {unseen}",
            code="not_collected",
        ),
        member="member",
        passes="nobody comes to {interface} from outside without being asked who they are",
    )


def all_private(ranges: str) -> bool:
    """Tell whether every one of some address ranges, joined by spaces, is private; none at all are not."""
    blocks = [parse_cidr(each) for each in ranges.split()]
    return bool(blocks) and all(block is not None and PRIVATE.contains(block) for block in blocks)


def _interfaces(pods: pd.DataFrame, containers: pd.DataFrame) -> pd.DataFrame:
    """Return the workloads that run an interface, with its name and whether it asks for a sign-in."""
    owner = dict(zip(pods["object"], pods["workload"], strict=True))
    rows: dict[str, dict[str, object]] = {}
    for pod, repository in containers[["pod", "repository"]].itertuples(index=False):
        found = interface_of(repository)
        if found is not None:
            rows.setdefault(owner[pod], {"workload": owner[pod], "interface": found.name, "signs_in": found.signs_in})
    return pd.DataFrame([rows[name] for name in sorted(rows)], columns=["workload", "interface", "signs_in"])


def interface_of(repository: str) -> Interface | None:
    """Return the interface that an image is, None where it is none that is known."""
    before, _, name = repository.rpartition("/")
    for each in INTERFACES:
        if name in each.images:
            dashboard = each.name == "Kubernetes Dashboard"
            return each if not dashboard or any(part in before for part in KUBERNETES_UI) else None
    return None


def _unseen(coverage: pd.DataFrame) -> str:
    """Return which kinds of routes were not seen in full."""
    routes = coverage[coverage["group"].isin(ROUTE_GROUPS)]
    gaps = routes[~routes["status"].isin(COMPLETE)]
    if routes.empty:
        defined = coverage[coverage["kind"].eq("CustomResourceDefinition")]
        complete = len(defined) and defined["status"].isin(COMPLETE).all()
        return "" if complete else "which kinds the cluster defines is not known"
    return ", ".join(sorted(set(gaps["kind"] + " (" + gaps["status"].str.replace("_", " ") + ")")))
