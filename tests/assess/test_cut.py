"""The smallest cut: it stops what it promises and nothing else, by script, and there are no fewer."""

from __future__ import annotations

import os
import random
import re
from itertools import combinations, groupby
from pathlib import Path
from typing import Any

import pytest
import yaml

from hipaa_kit.assess.cut import Cut
from hipaa_kit.assess.facade import Assessment
from hipaa_kit.assess.opening import assessment
from hipaa_kit.errors import InputError
from hipaa_kit.inventory.rollout import what_would_be
from hipaa_kit.sources.overlay import Delete, Patch, Put
from hipaa_kit.sources.scope import load_scope
from hipaa_kit.tables.declaration import rows_of
from tests.graph.paths.test_chains import BASE as CHAINED
from tests.graph.paths.test_chains import DATA, DENY, pod, service
from tests.support.paths import assessed
from tests.support.random_changes import SCOPE, random_cluster
from tests.support.snapshots import snapshot_of

SEEDS = range(int(os.environ.get("HIPAA_KIT_CUT_SEEDS", "6")))
OPEN = [each for each in CHAINED if each is not DENY]
CLINIC = Path(__file__).parents[2] / "data" / "clinic"


@pytest.fixture(scope="module")
def clinic() -> Assessment:
    return assessment(CLINIC, topics=["network_isolation"])


def applied(run: Assessment, text: str) -> Assessment:
    """Return the assessment after somebody carried out the YAML of a cut, without what the cut itself worked out."""
    changes: list[Put | Patch | Delete] = []
    for part in re.split("^---\n", text, flags=re.MULTILINE):
        rows = part.splitlines()
        if "# kubectl delete, by name:" in rows:
            body = "\n".join(row.removeprefix("# ") for row in rows[rows.index("# kubectl delete, by name:") + 1 :])
            changes.append(Delete(yaml.safe_load(body)))
        elif content := yaml.safe_load(part):
            there = run.snapshot.find(
                f"{content['kind']}/{content['metadata'].get('namespace', '')}/{content['metadata']['name']}"
            )
            changes.append(Patch(content) if there else Put(content))
    changes.sort(key=lambda each: isinstance(each, Delete))
    return Assessment(what_would_be(run.snapshot, changes, pseudonym=run.pseudonymizer), run.scope, inputs=run.given)


def lines(run: Assessment, source: str | None, k: int, target: str | None = None) -> set[str]:
    rows = rows_of(run.paths.to_ephi(source, target, k))
    paths = [list(held) for _, held in groupby(rows, key=lambda row: row["rank"])]
    return {" ".join([path[0]["source"], *(f"→ {hop['edge']} → {hop['target']}" for hop in path)]) for path in paths}


def holds(cut: Cut, source: str | None, k: int, target: str | None = None) -> None:
    """Check that the cut as YAML, applied to the cluster as it was, leaves exactly what it says it leaves."""
    after = lines(applied(cut.run, cut.to_yaml()), source, k, target)
    assert after == set(cut.paths[~cut.paths["stopped"]]["path"])
    stopped = cut.paths[cut.paths["stopped"]]
    assert stopped["stopped_by"].ne("").all()
    assert (cut.proof.paths["change"] == "vanishes").all()


def test_the_cut_of_the_clinic_stops_every_path_from_the_internet(clinic: Assessment) -> None:
    cut = clinic.smallest_cut()
    assert cut.complete
    assert cut.exact
    assert cut.paths["stopped"].all()
    assert lines(clinic, None, 3) <= set(cut.paths["path"])
    holds(cut, None, 3)
    assert "declared" in set(cut.uses["use"])


def test_entries_that_are_declared_can_be_left(clinic: Assessment) -> None:
    cut = clinic.smallest_cut(worst=True, keep_declared=True, k=1)
    assert "Ingress/ehr/ehr-app" not in set(cut.things["object"])
    assert cut.paths["stopped"].any()
    assert not cut.paths["stopped"].all()
    left = cut.paths[~cut.paths["stopped"]]
    assert set(left["stopped_by"]) == {""}


@pytest.mark.parametrize("seed", SEEDS)
def test_the_cut_of_a_random_cluster_holds(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    path = tmp_path / "scope.yaml"
    path.write_text(SCOPE)
    run = Assessment(snapshot_of(random_cluster(rng)), load_scope(path), topics=["network_isolation"])
    if not run.paths.targets:
        pytest.skip("nothing holds ePHI in this cluster")
    for source in ("internet", "pod"):
        cut = run.smallest_cut(source, k=2)
        assert cut.complete
        holds(cut, source, 2)
        if cut.exact and len(cut.chosen) > 1 and cut.paths["stopped"].all():
            for fewer in combinations(cut.chosen, len(cut.chosen) - 1):
                world = run.changed(what_would_be(run.snapshot, cut.changes(fewer), pseudonym=run.pseudonymizer))
                assert lines(world, source, 2), "one thing less would do"


def test_without_a_scope_there_is_nothing_to_cut() -> None:
    run = Assessment(snapshot_of(random_cluster(random.Random(1))))
    with pytest.raises(InputError, match="nothing is known to hold ePHI"):
        run.smallest_cut()


def test_a_target_has_to_hold_ephi(clinic: Assessment) -> None:
    with pytest.raises(InputError, match="holds ePHI"):
        clinic.smallest_cut(targets="Deployment/nowhere/none")


def test_an_entry_by_a_gateway_is_closed_by_its_route() -> None:
    """Others may use the gateway, too."""
    label = {"gateway.networking.k8s.io/gateway-name": "gw"}
    group = "gateway.networking.k8s.io/v1"
    gateway = {"apiVersion": group, "kind": "Gateway", "metadata": {"name": "gw", "namespace": "ehr"}}
    gateway["spec"] = {"listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}]}
    parent = {"name": "gw", "namespace": "ehr"}
    route = {"apiVersion": group, "kind": "HTTPRoute", "metadata": {"name": "r", "namespace": "ehr"}}
    route["spec"] = {"parentRefs": [parent], "rules": [{"backendRefs": [{"name": "db", "port": 80}]}]}
    route["status"] = {"parents": [{"parentRef": parent, "conditions": [{"type": "Accepted", "status": "True"}]}]}
    front, behind = service(), service()
    front["metadata"], behind["metadata"] = ({"name": name, "namespace": "ehr"} for name in ("front", "db"))
    front["spec"]["selector"] = label
    behind["spec"]["type"], behind["status"] = "ClusterIP", {}
    with assessed([*OPEN, gateway, route, front, behind, pod("ehr/gw", label)]) as run:
        cut = run.smallest_cut(targets=DATA, unknown=True, k=1)
    assert "HTTPRoute/ehr/r" in set(cut.things["object"])
    assert cut.paths["stopped"].all()
    assert cut.complete


def deployed(name: str, labels: dict[str, str], **spec: Any) -> list[dict[str, Any]]:
    """Return a Deployment `namespace/name` with its one pod."""
    made = pod(f"{name}-0", labels, **spec)
    place, _, own = name.partition("/")
    labels = {"app": own, **labels}
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": own, "controller": True, "uid": own}
    made["metadata"] |= {"labels": labels, "ownerReferences": [owner]}
    template = {"metadata": {"labels": labels}, "spec": made["spec"]}
    body = {"replicas": 1, "selector": {"matchLabels": {"app": own}}, "template": template}
    metadata = {"name": own, "namespace": place, "labels": labels}
    return [{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": body}, made]


def secret(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "ehr"}, "type": "Opaque"}


LOGIN = {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "login", "key": "p"}}}
FROM = [{"secretRef": {"name": name}} for name in ("login", "other", "spare")]
OTHER = {"name": "s", "projected": {"sources": [{"secret": {"name": name}} for name in ("other", "spare")]}}
WHOLE = {"name": "v", "secret": {"secretName": "login"}}
PART = {"name": "p", "projected": {"sources": [{"secret": {"name": "login"}}]}}
TAKING: dict[str, tuple[dict[str, Any], set[str]]] = {
    "a variable": ({"container": {"env": [LOGIN, {"name": "PLAIN", "value": "x"}]}}, {"Secret/ehr/login"}),
    "all of a Secret as variables": ({"container": {"envFrom": FROM[1:]}}, {"Secret/ehr/other"}),
    "variables of two Secrets": ({"container": {"envFrom": FROM}}, {"Secret/ehr/login", "Secret/ehr/other"}),
    "a part of a volume": ({"volumes": [OTHER]}, {"Secret/ehr/other"}),
    "a volume": (
        {"volumes": [WHOLE], "container": {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}},
        {"Secret/ehr/login"},
    ),
    "all of a projected volume": (
        {"volumes": [PART], "container": {"volumeMounts": [{"name": "p", "mountPath": "/p"}]}},
        {"Secret/ehr/login"},
    ),
}


@pytest.mark.parametrize("how", TAKING)
def test_what_a_workload_takes_is_taken_out_of_its_template(how: str) -> None:
    """What else it takes stays."""
    spec, expected = TAKING[how]
    held = {"env": [LOGIN], "envFrom": [FROM[1]]}
    data = deployed("ehr/store", {"phi": "yes"}, container=held)
    with assessed(
        [*CHAINED, *map(secret, ("login", "other", "spare")), *data, *deployed("ehr/report", {}, **spec)]
    ) as run:
        cut = run.smallest_cut("pod")
        holds(cut, "pod", 3)
        assert cut.exact
        assert cut.paths["stopped"].all()
    assert set(cut.things["kind"]) == {"mount"}
    assert set(cut.things["object"]) == {"Deployment/ehr/report"}
    assert set(cut.things["taken"]) == expected
    assert set(cut.uses["taken"]) == expected
    (after,) = [
        each.content["spec"]["template"]["spec"]
        for each in cut.proof.after.snapshot.parts["apps", "Deployment"].load()
        if each.name == "report"
    ]
    (main,) = after["containers"]
    assert [each["name"] for each in main.get("env", [])] == (["PLAIN"] if how == "a variable" else [])
    assert not main.get("volumeMounts")
    assert ("spare" in str(after)) == ("spare" in str(spec))


@pytest.mark.parametrize("spec", [{"hostNetwork": True}, {}], ids=["network of the node", "port of the node"])
def test_a_port_of_the_node_is_closed_in_the_template(spec: dict[str, Any]) -> None:
    ports = [{"containerPort": 8080, "hostPort": 8080}]
    data = deployed("ehr/portal", {"phi": "yes"}, container={"ports": ports}, **spec)
    for each in data:
        each["spec"].setdefault("nodeName", "n1") if each["kind"] == "Pod" else None
    with assessed([each for each in OPEN if each["metadata"]["name"] != "db"] + data) as run:
        cut = run.smallest_cut("internet", unknown=True)
        assert not run.paths.to_ephi("internet", unknown=True).empty
        assert applied(run, cut.to_yaml()).paths.to_ephi("internet", unknown=True).empty
    assert set(zip(cut.things["kind"], cut.things["object"], strict=True)) == {("exposure", "Deployment/ehr/portal")}
    assert cut.paths["stopped"].all()
    assert cut.complete


def test_a_bare_pod_is_not_changed() -> None:
    """The API server takes no change of what a pod mounts: it is left, and named."""
    data = deployed("ehr/store", {"phi": "yes"}, container={"env": [LOGIN]})
    with assessed([*CHAINED, secret("login"), *data, pod("ehr/report", volumes=[WHOLE])]) as run:
        cut = run.smallest_cut("pod", k=1)
    assert not len(cut.things)
    assert set(cut.paths["stopped"]) == {False}
