"""What clients speak by the DestinationRules of a snapshot, through Services and their ports."""

from __future__ import annotations

import pytest

from hipaa_kit.assess.facade import Assessment
from hipaa_kit.graph.client_tls import ClientTls
from tests.support.snapshots import objects_of, snapshot_of

OBJECTS = """
apiVersion: v1
kind: Namespace
metadata: {name: ehr}
---
apiVersion: v1
kind: Pod
metadata: {name: app, namespace: ehr, uid: app, labels: {app: app}}
spec: {containers: [{name: istio-proxy, image: proxy}, {name: app, image: app}]}
status: {phase: Running}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: ehr, uid: db, labels: {app: db}}
spec: {containers: [{name: istio-proxy, image: proxy}, {name: app, image: app, ports: [{containerPort: 5432}]}]}
status: {phase: Running}
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: ehr}
spec: {clusterIP: 10.96.0.7, selector: {app: db}, ports: [{port: 5433, targetPort: 5432}]}
---
apiVersion: v1
kind: Service
metadata: {name: db-too, namespace: ehr}
spec: {clusterIP: 10.96.0.8, selector: {app: db}, ports: [{port: 5432, targetPort: 5432}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: r, namespace: ehr}
spec:
"""


def client_tls(spec: str) -> ClientTls:
    run = Assessment(snapshot_of(objects_of(OBJECTS + spec)), None)
    return ClientTls(run.snapshot, run.tables["pods"], run.tables["service_targets"])


@pytest.mark.parametrize(
    ("spec", "by"),
    [
        # One of two Services leads there in plain text: which of them is asked is not known.
        ("  {host: db, trafficPolicy: {tls: {mode: DISABLE}}}", "unsure"),
        ("  {host: '*.svc.cluster.local', trafficPolicy: {tls: {mode: DISABLE}}}", "plain"),
        ("  {host: '*.svc.cluster.local', trafficPolicy: {tls: {}}}", "plain"),
        ("  {host: '*.svc.cluster.local', trafficPolicy: {loadBalancer: {simple: RANDOM}}}", ""),
        (
            "  {host: '*.local', trafficPolicy: {portLevelSettings: [{port: {number: 5432}, tls: {mode: DISABLE}}]}}",
            "unsure",
        ),
        ("  {host: '*.local', subsets: [{name: v1, trafficPolicy: {tls: {mode: DISABLE}}}]}", "unsure"),
        ("  {host: '*.local', trafficPolicy: {tls: {mode: SIMPLE}}}", "begun"),
        ("  {host: other, trafficPolicy: {tls: {mode: DISABLE}}}", ""),
    ],
)
def test_what_a_client_speaks_to_a_port_of_pods(spec: str, by: str) -> None:
    assert client_tls(spec).inside("Pod/ehr/app", "Pod/ehr/db", 5432).by == by


def test_a_port_that_no_service_leads_to_is_reached_without_a_rule() -> None:
    rule = "  {host: '*', trafficPolicy: {tls: {mode: DISABLE}}}"
    assert client_tls(rule).inside("Pod/ehr/app", "Pod/ehr/db", 9999).by == ""


@pytest.mark.parametrize(
    ("spec", "rule"),
    [
        ("  {host: results.lab.example, trafficPolicy: {tls: {mode: SIMPLE}}}", "DestinationRule/ehr/r"),
        ("  {host: results.lab.example, trafficPolicy: {tls: {mode: DISABLE}}}", ""),
        ("  {host: '*', trafficPolicy: {tls: {mode: SIMPLE}}}", "DestinationRule/ehr/r"),
        ("  {host: db.ehr.svc.cluster.local, trafficPolicy: {tls: {mode: SIMPLE}}}", ""),
    ],
)
def test_tls_may_begin_at_a_proxy_towards_names_of_the_outside(spec: str, rule: str) -> None:
    assert client_tls(spec).outside("Pod/ehr/app") == rule
