"""Known chains of attacks, one by one: each found with its proof, and gone when one link of it is taken away."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from hipaa_kit.errors import InputError
from hipaa_kit.graph.paths import Paths
from tests.support.network import namespace, node
from tests.support.paths import lines, paths_in
from tests.support.permissions import account, binding, role, rule

Object = dict[str, Any]
DATA = "DataStore/ehr/db"
CLAIM = "PersistentVolumeClaim/ehr/data"


def pod(name: str, labels: Object | None = None, **spec: Any) -> Object:
    """Return a pod `namespace/name` that carries no token, unless it is said otherwise."""
    place, _, own = name.partition("/")
    main = {"name": "main", "image": spec.pop("image", "x"), "ports": [{"containerPort": 8080}]}
    main |= spec.pop("container", {})
    held = {"automountServiceAccountToken": False, "serviceAccountName": "default", "containers": [main], **spec}
    meta = {"name": own, "namespace": place, "labels": {"app": own, **(labels or {})}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": held, "status": {"phase": "Running"}}


def claim() -> Object:
    meta = {"name": "data", "namespace": "ehr", "labels": {"phi": "yes"}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta}


DENY = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "deny", "namespace": "ehr"},
    "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
}
DB = pod("ehr/db", {"phi": "yes"}, volumes=[{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}])
BASE = [namespace("ehr"), namespace("web"), node("n1"), node("n2"), account("ehr", "default"), claim(), DB, DENY]
WEB = pod("web/site", serviceAccountName="site", automountServiceAccountToken=True)


def chain(*links: Object, start: str = "Pod/web/site", end: str = DATA) -> list[str]:
    """Return the cheapest path that some objects open besides the others."""
    return lines(paths_in([*copy.deepcopy(BASE), *links]).to_ephi(start, end, k=1))


def granted(rules: Object, who: str = "ServiceAccount/web/site", place: str = "ehr") -> list[Object]:
    return [role("given", rules), binding("given", "ClusterRole/given", who, namespace=place)]


PRIVILEGED: Object = {"securityContext": {"privileged": True}}
IN_EHR = "Pod/web/site RUNS_AS ServiceAccount/web/site"
ENTERED = f"Pod/ehr/db PROCESSES {DATA}"
CHAINS: dict[str, tuple[list[Object], str]] = {
    "exec": ([*granted(rule("create", "pods/exec"))], f"{IN_EHR} POD_EXEC {ENTERED}"),
    "exec by a WebSocket": ([*granted(rule("get", "pods/exec", "db"))], f"{IN_EHR} POD_EXEC {ENTERED}"),
    "debug container": ([*granted(rule("patch", "pods/ephemeralcontainers"))], f"{IN_EHR} EPHEMERAL {ENTERED}"),
    "a new image": ([*granted(rule("patch", "pods"))], f"{IN_EHR} POD_IMAGE_PATCH {ENTERED}"),
    "tunnel": (
        [*granted(rule("create", "pods/portforward"))],
        f"{IN_EHR} PORT_FORWARD PodNetwork/ehr/db QUERIES {DATA}",
    ),
    "kubelet": ([*granted(rule("get", "nodes/proxy"), place="")], f"{IN_EHR} NODE_PROXY Node//n1 HOSTS {ENTERED}"),
    "memory": (
        [*granted(rule("create", "nodes/checkpoint"), place="")],
        f"{IN_EHR} NODE_CHECKPOINT NodeMemory//n1 DUMPS_MEMORY {DATA}",
    ),
    "token request": (
        [
            *granted(rule("create", "serviceaccounts/token"), place="web"),
            role("enter", rule("create", "pods/exec")),
            binding("enter", "ClusterRole/enter", "ServiceAccount/web/operator", namespace="ehr"),
            account("web", "operator"),
        ],
        f"{IN_EHR} TOKEN_REQUEST ServiceAccount/web/operator POD_EXEC {ENTERED}",
    ),
    "impersonation": (
        [
            *granted(rule("impersonate", "users", "ann"), place=""),
            role("enter", rule("create", "pods/exec")),
            binding("enter", "ClusterRole/enter", "User/ann", namespace="ehr"),
        ],
        f"{IN_EHR} IMPERSONATE_USER User//ann POD_EXEC {ENTERED}",
    ),
    "opens the network": (
        [*granted(rule("delete", "networkpolicies.networking.k8s.io"))],
        f"{IN_EHR} NETPOL_WRITE PodNetwork/ehr/db QUERIES {DATA}",
    ),
}


def world_of(name: str) -> list[Object]:
    links = copy.deepcopy(CHAINS[name][0])
    held = [WEB, account("web", "site"), *links]
    if name in ("kubelet", "memory"):
        held = [*held]
    return held


@pytest.mark.parametrize("name", CHAINS)
def test_a_known_chain_is_found(name: str) -> None:
    base = copy.deepcopy(BASE)
    next(each for each in base if each["metadata"]["name"] == "db")["spec"]["nodeName"] = "n1"
    paths = paths_in([*base, *world_of(name)])
    assert lines(paths.to_ephi("Pod/web/site", DATA, k=1)) == [CHAINS[name][1]]


@pytest.mark.parametrize("name", CHAINS)
def test_without_its_role_bindings_a_chain_is_gone(name: str) -> None:
    held = [each for each in world_of(name) if "Binding" not in each["kind"]]
    assert not chain(*held)


def test_a_secret_in_a_projected_volume_is_taken_like_any_other() -> None:
    volume = {"name": "p", "projected": {"sources": [{"secret": {"name": "login"}}]}}
    login = {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "login", "key": "p"}}}
    links = (pod("ehr/report", volumes=[volume]), pod("ehr/store", {"phi": "yes"}, container={"env": [login]}))
    data = "DataStore/ehr/store"
    assert chain(*links, start="Pod/ehr/report", end=data) == [
        f"Pod/ehr/report MOUNTS Secret/ehr/login CREDENTIALS_OF {data}"
    ]


def test_a_node_gives_what_runs_on_it_and_their_accounts() -> None:
    escaping = pod("web/agent", nodeName="n1", container={"securityContext": {"privileged": True}})
    db = copy.deepcopy(DB)
    db["spec"]["nodeName"] = "n1"
    others = [each for each in BASE if each is not DB]
    told = lines(paths_in([*others, db, escaping]).to_ephi("Pod/web/agent", CLAIM, k=1))
    assert told == [f"Pod/web/agent ESCAPE Node//n1 HOSTS Pod/ehr/db MOUNTS {CLAIM}"]
    db["spec"]["nodeName"] = "n2"
    assert not lines(paths_in([*others, db, escaping]).to_ephi("Pod/web/agent", CLAIM, k=1))


def test_who_starts_a_pod_beside_a_claim_mounts_it() -> None:
    links = [WEB, account("web", "site"), *granted(rule("create", "pods"))]
    assert chain(*links, end=CLAIM) == [f"{IN_EHR} PVC_MOUNT {CLAIM}"]


def test_halves_of_a_right_from_two_role_bindings_come_together() -> None:
    group = "rbac.authorization.k8s.io"
    halves = [
        *granted(rule("create", f"rolebindings.{group}")),
        role("binds", rule("bind", f"clusterroles.{group}", "reader")),
        binding("binds", "ClusterRole/binds", "ServiceAccount/web/site"),
        role("reader", rule("create", "pods/exec")),
    ]
    found = chain(WEB, account("web", "site"), *halves)
    assert found == [
        f"{IN_EHR} BIND_ROLES WithRoles//ServiceAccount/web/site POD_EXEC {ENTERED}",
    ]
    assert not chain(WEB, account("web", "site"), *(each for each in halves if each["metadata"]["name"] != "binds"))


def test_rights_of_whoever_shows_no_credentials_are_open_to_every_pod() -> None:
    held = granted(rule("create", "pods/exec"), "Group/system:unauthenticated")
    bare = pod("web/bare")
    assert chain(bare, *held, start="Pod/web/bare") == [
        f"Pod/web/bare ANONYMOUS Group//system:unauthenticated POD_EXEC {ENTERED}"
    ]
    paths = paths_in([*copy.deepcopy(BASE), bare, *held])
    assert lines(paths.to_ephi(target=DATA, k=1)) == []  # whether the internet reaches the API server is not known
    assert lines(paths.to_ephi(target=DATA, k=1, unknown=True)) == [
        f"Internet ANONYMOUS Group//system:unauthenticated POD_EXEC {ENTERED}"
    ]


def test_a_token_that_is_not_mounted_is_not_held_with_the_pod() -> None:
    bare = copy.deepcopy(WEB)
    bare["spec"]["automountServiceAccountToken"] = False
    assert not chain(bare, account("web", "site"), *granted(rule("create", "pods/exec")))


def test_proof_names_the_role_binding_and_the_rule() -> None:
    links = [WEB, account("web", "site"), *granted(rule("create", "pods/exec"))]
    hops = paths_in([*copy.deepcopy(BASE), *links]).to_ephi("Pod/web/site", DATA, k=1)
    [entered] = hops[hops["edge"] == "POD_EXEC"].to_dict("records")
    assert entered["objects"] == "RoleBinding/ehr/given"
    assert entered["proof"].startswith("rules ClusterRole//given#0")
    assert entered["confidence"] == "certain"


def service(**more: Any) -> Object:
    spec = {"type": "LoadBalancer", "externalTrafficPolicy": "Local", "selector": {"app": "db"}}
    spec["ports"] = [{"port": 80, "targetPort": 8080, "protocol": "TCP"}]
    status = {"loadBalancer": {"ingress": [{"ip": "203.0.113.9"}]}}
    meta = {"name": "entry", "namespace": "ehr"}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec, "status": status, **more}


def opened(*links: Object) -> Paths:
    return paths_in([*(copy.deepcopy(each) for each in BASE if each is not DENY), *links])


def test_the_internet_comes_in_by_an_entry_and_not_past_a_policy() -> None:
    paths = opened(service())
    assert lines(paths.to_ephi(target=DATA, k=1)) == [f"Internet EXPOSED PodNetwork/ehr/db QUERIES {DATA}"]
    assert lines(paths_in([*copy.deepcopy(BASE), service()]).to_ephi(target=DATA, k=1)) == []


def test_what_is_not_known_is_left_out_unless_asked_for() -> None:
    hidden = service(status={})
    hidden["spec"] = {
        **hidden["spec"],
        "type": "NodePort",
        "ports": [{"port": 80, "targetPort": 8080, "nodePort": 30080}],
    }
    paths = opened(hidden)
    assert lines(paths.to_ephi(target=DATA, k=1)) == []
    [told] = lines(paths.to_ephi(target=DATA, k=1, unknown=True))
    assert told.startswith("Internet EXPOSED PodNetwork/ehr/db")
    hops = paths.to_ephi(target=DATA, k=1, unknown=True)
    assert set(hops["path_confidence"]) == {"unknown"}


def test_exposure_counts_paths_that_share_no_step() -> None:
    exposed = opened(service()).exposure()
    row = exposed[(exposed["object"] == DATA) & (exposed["source"] == "internet")].iloc[0]
    assert row["paths"] >= 1
    assert row["cost"] == 3
    assert not row["complete"]  # that anything enforces policies, and EndpointSlices, were not all seen
    closed = paths_in(copy.deepcopy(BASE)).exposure()
    none = closed[(closed["object"] == DATA) & (closed["source"] == "internet")].iloc[0]
    assert none["paths"] == 0
    assert none["path"] == ""


def test_blast_radius_of_a_node_has_its_pods_and_their_data() -> None:
    db = copy.deepcopy(DB)
    db["spec"]["nodeName"] = "n1"
    held = paths_in([*(each for each in BASE if each is not DB), db]).blast_radius("Node//n1")
    assert {"Pod/ehr/db", CLAIM, DATA, "ServiceAccount/ehr/default"} <= set(held["target"])
    assert set(held[held["ephi"]]["target"]) >= {DATA, CLAIM}


def test_who_touches_says_who_reads_and_who_destroys() -> None:
    links = [
        role("enter", rule("create", "pods/exec")),
        binding("enter", "ClusterRole/enter", "User/ann", namespace="ehr"),
        role("wipe", rule("delete", "persistentvolumeclaims")),
        binding("wipe", "ClusterRole/wipe", "User/bob", namespace="ehr"),
    ]
    held = paths_in([*copy.deepcopy(BASE), *links]).who_touches()
    told = set(zip(held["object"], held["touch"], held["who"], strict=True))
    assert {(DATA, "read", "User//ann"), (CLAIM, "read", "User//ann"), (CLAIM, "read", "Pod/ehr/db")} <= told
    assert (CLAIM, "destroy", "User//bob") in told
    assert not [row for row in told if row[2] == "User//bob" and row[1] == "read"]


def test_unread_roles_are_a_gap() -> None:
    paths = paths_in(copy.deepcopy(BASE), overrides={("rbac.authorization.k8s.io", "RoleBinding", ""): "refused"})
    assert any("rolebindings" in gap for gap in paths.gaps())
    assert not paths.exposure()["complete"].any()


def test_a_source_that_is_not_there_is_an_error() -> None:
    paths = paths_in(copy.deepcopy(BASE))
    with pytest.raises(InputError, match="Pod/web/none"):
        paths.to_ephi("Pod/web/none")
    with pytest.raises(InputError, match="number of paths"):
        paths.to_ephi(k=0)


def test_the_graph_of_paths_has_an_edge_per_hop() -> None:
    graph = opened(service()).to_networkx(target=DATA, k=1)
    assert set(graph.nodes) == {"Internet", "PodNetwork/ehr/db", DATA}
    assert graph.nodes[DATA]["ephi"]
    assert {data["edge"] for _, _, data in graph.edges(data=True)} == {"EXPOSED", "QUERIES"}


def test_a_template_that_could_take_its_node_leads_there_before_it_runs() -> None:
    template = {"metadata": {"labels": {"app": "agent"}}, "spec": pod("web/agent", container=PRIVILEGED)["spec"]}
    agent = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "agent", "namespace": "web"},
        "spec": {"selector": {"matchLabels": {"app": "agent"}}, "template": template},
    }
    [told] = chain(agent, start="Pod/web/agent", end=CLAIM)
    assert told == f"Pod/web/agent ESCAPE Node//* HOSTS Pod/ehr/db MOUNTS {CLAIM}"
    template["spec"]["containers"][0]["securityContext"] = {}
    assert not chain(agent, start="Pod/web/agent", end=CLAIM)
