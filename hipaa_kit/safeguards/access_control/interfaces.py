"""Interfaces of administrators: who can come to them, and whether anything asks who that is."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import pandas as pd

from hipaa_kit.inventory.pods import undeclared_on_nodes
from hipaa_kit.kube.command_flags import Flag
from hipaa_kit.kube.etcd import CERTIFICATES, FROM_ENVIRONMENT, LOCAL, OPEN, clients_let_in
from hipaa_kit.kube.images import image_name
from hipaa_kit.kube.network.addresses import PRIVATE, parse_cidr
from hipaa_kit.safeguards.check import check, fails, judge, not_assessed, reviews
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.vocabulary import COMPLETE


class Interface(NamedTuple):
    """A program for administrators, by the name of its image; whether it asks for a sign-in itself."""

    name: str
    images: tuple[str, ...]
    signs_in: bool


INTERFACES = (
    Interface(
        "Kubernetes Dashboard",
        ("kubernetes-dashboard", "dashboard", "dashboard-web", "dashboard-auth", "dashboard-api"),
        True,
    ),
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
"""What stands somewhere in the repository of the Dashboard: others have images named `dashboard` too."""

ETCD = "etcd"

UNDECLARED = {"guard": "", "level": "unknown", "reason": "it is on the network of its node and declares no port"}
LET_IN = {
    LOCAL: {"guard": "", "level": "none", "reason": ""},
    CERTIFICATES: {"guard": "certain", "level": "unknown", "reason": ""},
    OPEN: {
        "guard": "",
        "level": "unknown",
        "reason": "by its flags it takes clients of its node's network uncertified",
    },
}
"""What the flags of an etcd on the network of its node say of the way in there."""

COLUMNS = ["object", "member", "guard", "level", "entry", "source_ranges", "reason", "interface", "signs_in"]

ROUTE_GROUPS = ("gateway.networking.k8s.io", "route.openshift.io")


@check("HK-ACC-20", everywhere=True)
def interfaces_not_exposed(
    pods: pd.DataFrame,
    containers: pd.DataFrame,
    container_ports: pd.DataFrame,
    environment: pd.DataFrame,
    control_plane_flags: pd.DataFrame,
    exposures: pd.DataFrame,
    entry_guards: pd.DataFrame,
    coverage: pd.DataFrame,
) -> pd.DataFrame:
    """Judge every administrators' interface by the ways that lead to it from outside the cluster.

    Parameters
    ----------
    pods, containers, container_ports, environment, control_plane_flags, exposures, entry_guards, coverage
        Tables of those names.

    Returns
    -------
    table `judgements`, one row per way to an interface; one for an interface without any

    Notes
    -----
    Interfaces are known by the images of their containers. Private addresses are not outside. An authorization policy
    of a mesh counts where it shuts the way for the addresses that can come in: it is part of who can reach the pod.
    On the network of its node an interface is open by every port it listens on, declared or not. Of an etcd its
    flags say which these are, and whether clients are asked for certificates there; they count before declarations.
    """
    known = _interfaces(pods, containers)
    flags = _by_flags(pods, containers, environment, control_plane_flags)
    on_nodes = _on_nodes(known, undeclared_on_nodes(pods, container_ports), pods, flags)
    ways = exposures[~exposures["entry"].isin(on_nodes["entry"])].merge(known, on="workload")
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
    shut = known[~known["workload"].isin([*ways["workload"], *on_nodes["workload"]])]
    none = shut.assign(
        object=shut["workload"], member="", guard="", level="none", entry="", source_ranges="", reason=""
    )
    examined = pd.concat([ways[COLUMNS], none[COLUMNS], on_nodes[COLUMNS]], ignore_index=True)
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


def _by_flags(
    pods: pd.DataFrame, containers: pd.DataFrame, environment: pd.DataFrame, flags: pd.DataFrame
) -> dict[str, str]:
    """Return which clients each etcd on the network of its node lets in, where its flags say all that is open."""
    whole = environment["key"].eq("") & environment["origin"].isin(["Secret", "ConfigMap"])
    more = environment.loc[whole | environment["name"].isin(FROM_ENVIRONMENT), "pod"]
    others = containers.loc[containers["pod"].duplicated(), "pod"]
    alone = pods.loc[pods["host_network"] & ~pods["object"].isin([*more, *others]), "object"]
    members = flags[flags["component"].eq(ETCD) & flags["pod"].isin(alone)]
    given: dict[str, list[Flag]] = defaultdict(list)
    for pod, name, value in members[["pod", "name", "value"]].itertuples(index=False):
        given[pod].append(Flag(name, value))
    return {pod: clients_let_in(held) for pod, held in given.items()}


def _on_nodes(known: pd.DataFrame, undeclared: pd.DataFrame, pods: pd.DataFrame, flags: dict[str, str]) -> pd.DataFrame:
    """Return the way to each interface on the network of its node whose flags say it, or that declares no port."""
    hidden = set(undeclared["object"])
    rows = []
    for row in rows_of(pods.merge(known, on="workload")):
        pod = row["object"]
        said = LET_IN.get(flags.get(pod, "")) or (UNDECLARED if pod in hidden else None)
        if said:
            rows.append({**row, **said, "object": row["workload"], "member": pod, "entry": pod, "source_ranges": ""})
    return pd.DataFrame(rows, columns=[*COLUMNS, "workload"])


def interface_of(repository: str) -> Interface | None:
    """Return the interface that an image is, None where it is none that is known."""
    name = image_name(repository)
    for each in INTERFACES:
        if name in each.images:
            dashboard = each.name == "Kubernetes Dashboard"
            return each if not dashboard or any(part in repository for part in KUBERNETES_UI) else None
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
