"""Where an address that a client is told leads: by name or number, to a Service, to pods, or nowhere."""

from __future__ import annotations

from typing import Any

import pytest

from hipaa_kit.assess.facade import Assessment
from tests.support.network import pod
from tests.support.snapshots import snapshot_of


def client(url: str) -> dict[str, Any]:
    """Return a pod that is told an address."""
    made = pod("ehr/client", ip="10.1.0.1")
    made["spec"]["containers"][0]["env"] = [{"name": "URL", "value": url}]
    return made


def service(name: str, *addresses: str) -> dict[str, Any]:
    """Return a Service of the pods of its name, whose port 443 leads to their port 8443."""
    spec: dict[str, Any] = {"selector": {"app": name}, "ports": [{"port": 443, "targetPort": 8443}]}
    if addresses:
        spec |= {"clusterIP": addresses[0], "clusterIPs": list(addresses)}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "ehr"}, "spec": spec}


def leads(url: str, *objects: dict[str, Any]) -> set[tuple[str, int]]:
    """Return the workloads and ports that an address leads to."""
    rows = Assessment(snapshot_of([client(url), *objects])).tables["told_addresses"]
    assert set(rows["workload"]) <= {"Pod/ehr/client"}
    return set(zip(rows["destination"], rows["port"].astype(int), strict=True))


BEHIND = pod("ehr/db", ip="10.1.0.2,fd00:1::2", app="db")
BOTH = service("db", "10.96.0.7", "fd00:2::7")


@pytest.mark.parametrize("url", ["https://db", "https://10.96.0.7", "https://[fd00:2:0::7]"])
def test_name_and_numbers_of_a_service_lead_to_the_ports_behind_it(url: str) -> None:
    assert leads(url, BEHIND, BOTH) == {("Pod/ehr/db", 8443)}


@pytest.mark.parametrize("url", ["https://10.1.0.2:8443", "https://[10.1.0.2]:8443", "https://[FD00:1::2]:8443"])
def test_the_address_of_a_pod_leads_to_the_port_itself(url: str) -> None:
    assert leads(url, BEHIND, BOTH) == {("Pod/ehr/db", 8443)}


@pytest.mark.parametrize(
    "url", ["https://10.96.0.7:8443", "https://10.96.0.8", "https://10.1.0.9:8443", "https://203.0.113.9"]
)
def test_another_port_of_a_service_and_the_address_of_nobody_lead_nowhere(url: str) -> None:
    assert leads(url, BEHIND, BOTH) == set()


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_an_address_that_an_ended_pod_had_is_that_of_the_pod_that_has_it_now(phase: str) -> None:
    ended = pod("ehr/old", ip="10.1.0.2", phase=phase)
    assert leads("https://10.1.0.2", ended) == set()
    assert leads("https://10.1.0.2", ended, BEHIND) == {("Pod/ehr/db", 443)}


def test_the_address_of_a_node_leads_to_all_pods_on_its_network_and_to_no_others() -> None:
    on_it = [pod(f"ehr/{name}", ip="10.0.0.1", host=True, node="n1") for name in ("one", "two")]
    others = [pod("ehr/three", ip="10.0.0.2", host=True, node="n2"), pod("ehr/four", ip="10.1.0.4", node="n1")]
    assert leads("https://10.0.0.1:8443", *on_it, *others) == {("Pod/ehr/one", 8443), ("Pod/ehr/two", 8443)}


def test_a_service_without_an_address_is_not_found_by_number() -> None:
    assert leads("https://10.96.0.7", BEHIND, service("db", "None")) == set()
