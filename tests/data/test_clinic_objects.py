"""The clinic hangs together like a cluster: owners, nodes, endpoints, volumes, counts."""

import json
from collections import Counter
from ipaddress import ip_address
from typing import Any

APP = "app.kubernetes.io/name"
ZONE = "topology.kubernetes.io/zone"


def name_of(item: dict[str, Any]) -> tuple[str, str]:
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]


def is_ready(pod: dict[str, Any]) -> bool:
    return any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"]["conditions"])


def stored(clinic: Any) -> dict[str, dict[str, Any]]:
    """Return the objects that the server keeps; component statuses are made for each request."""
    return {key: item for key, item in clinic.by_id.items() if not key.startswith("ComponentStatus/")}


def selected(clinic: Any, service: dict[str, Any]) -> dict[str, dict[str, Any]]:
    wanted = service["spec"].get("selector", {}).items()
    return {
        pod["metadata"]["uid"]: pod
        for pod in clinic.of("Pod")
        if wanted
        and pod["metadata"]["namespace"] == service["metadata"]["namespace"]
        and wanted <= pod["metadata"]["labels"].items()
    }


def test_lists_are_typed_as_the_api_server_answers(clinic: Any) -> None:
    for stem, answer in clinic.lists.items():
        assert set(answer) == {"apiVersion", "kind", "metadata", "items"}, stem
        assert answer["metadata"]["resourceVersion"].isdigit()
        assert all("kind" not in item and "apiVersion" not in item for item in answer["items"]), stem
        assert answer["items"] == sorted(answer["items"], key=name_of), stem


def test_collection_record_counts_every_list(clinic: Any) -> None:
    record = json.loads((clinic.directory / "objects" / "collection.json").read_text(encoding="utf-8"))
    answered = {}
    for one in record["lists"]:
        assert set(one) == {"group", "kind", "resource", "namespace", "exit_code", "error", "count"}
        assert bool(one["error"]) == bool(one["exit_code"])
        if not one["exit_code"]:
            answered[f"{one['resource']}.{one['group']}".rstrip(".")] = (one["kind"], one["count"])
    assert record["collected_at"] == "2026-11-20T02:00:00Z"
    assert not {"secrets", "configmaps"} & set(answered)
    found = {stem: (each["kind"].removesuffix("List"), len(each["items"])) for stem, each in clinic.lists.items()}
    assert answered == found


def test_objects_are_dated_before_the_collection(clinic: Any) -> None:
    for key, item in stored(clinic).items():
        assert "2025-02" < item["metadata"]["creationTimestamp"] < "2026-11-20T02:00:00Z", key


def test_uids_are_unique(clinic: Any) -> None:
    uids = Counter(item["metadata"]["uid"] for item in stored(clinic).values())
    assert max(uids.values()) == 1


def test_owner_references_resolve(clinic: Any) -> None:
    owned = 0
    for key, item in clinic.by_id.items():
        for owner in item["metadata"].get("ownerReferences", []):
            namespaces = ("", item["metadata"].get("namespace", ""))
            found = [clinic.by_id.get(f"{owner['kind']}/{space}/{owner['name']}") for space in namespaces]
            assert owner["uid"] in [one["metadata"]["uid"] for one in found if one], key
            owned += 1
    assert owned > 100


def test_pods_count_between_40_and_200(clinic: Any) -> None:
    assert 40 <= len(clinic.of("Pod")) <= 200


def test_pods_run_on_nodes_that_exist(clinic: Any) -> None:
    nodes = {item["metadata"]["name"]: item for item in clinic.of("Node")}
    addresses = Counter(pod["status"]["podIP"] for pod in clinic.of("Pod") if not pod["spec"].get("hostNetwork"))
    assert max(addresses.values()) == 1
    for pod in clinic.of("Pod"):
        node = nodes[pod["spec"]["nodeName"]]
        assert pod["status"]["hostIP"] == node["status"]["addresses"][0]["address"]


def test_nodes_stand_in_three_zones(clinic: Any) -> None:
    nodes = clinic.of("Node")
    assert len({node["metadata"]["labels"][ZONE] for node in nodes}) == 3
    members = [one for one in nodes if "node-role.kubernetes.io/control-plane" in one["metadata"]["labels"]]
    assert (len(members), len(nodes) - len(members)) == (3, 9)


def test_controllers_count_the_pods_that_they_own(clinic: Any) -> None:
    owned: dict[str, list[dict[str, Any]]] = {}
    for pod in clinic.of("Pod"):
        owned.setdefault(pod["metadata"]["ownerReferences"][0]["uid"], []).append(pod)
    sets = clinic.of("ReplicaSet") + clinic.of("StatefulSet")
    assert sum(each["spec"]["replicas"] == 0 for each in sets) >= 3
    for each in sets:
        pods = owned.get(each["metadata"]["uid"], [])
        assert len(pods) == each["spec"]["replicas"] == each["status"]["replicas"], name_of(each)
        assert sum(map(is_ready, pods)) == each["status"].get("readyReplicas", 0), name_of(each)
    current = {name_of(each): each for each in clinic.of("Deployment")}
    for each in clinic.of("ReplicaSet"):
        above = current[each["metadata"]["namespace"], each["metadata"]["ownerReferences"][0]["name"]]
        if each["spec"]["replicas"]:
            assert each["spec"]["replicas"] == above["spec"]["replicas"]
            assert each["status"].get("readyReplicas") == above["status"].get("readyReplicas")
    for each in clinic.of("DaemonSet"):
        assert len(owned[each["metadata"]["uid"]]) == each["status"]["numberReady"]


def test_mirror_pods_are_owned_by_their_node(clinic: Any) -> None:
    mirrors = [
        pod for pod in clinic.of("Pod") if "kubernetes.io/config.mirror" in pod["metadata"].get("annotations", {})
    ]
    assert len(mirrors) in (10, 12)
    for pod in mirrors:
        assert pod["metadata"]["ownerReferences"][0]["name"] == pod["spec"]["nodeName"]


def test_services_select_pods_and_slices_repeat_them(clinic: Any) -> None:
    slices = {
        (one["metadata"]["namespace"], one["metadata"]["labels"]["kubernetes.io/service-name"]): one
        for one in clinic.of("EndpointSlice")
    }
    empty = []
    for service in clinic.of("Service"):
        if service["spec"].get("type") == "ExternalName":
            assert name_of(service) not in slices
            continue
        pods = selected(clinic, service)
        endpoints = slices[name_of(service)]["endpoints"] or []
        if not service["spec"].get("selector"):
            assert endpoints
            assert not any("targetRef" in one for one in endpoints)
            continue
        if not pods:
            empty.append(service["metadata"]["name"])
        assert {one["targetRef"]["uid"] for one in endpoints} == set(pods)
        for one in endpoints:
            pod = pods[one["targetRef"]["uid"]]
            assert one["addresses"] == [pod["status"]["podIP"]]
            assert one["conditions"]["ready"] is is_ready(pod)
            assert one["nodeName"] == pod["spec"]["nodeName"]
    assert empty == (["lab-results"] if clinic.directory.name == "clinic" else [])


def test_service_ports_lead_to_container_ports(clinic: Any) -> None:
    for service in clinic.of("Service"):
        for pod in selected(clinic, service).values():
            containers = pod["spec"]["containers"] + pod["spec"].get("initContainers", [])
            ports = [port for one in containers for port in one.get("ports", [])]
            known = {port["name"] for port in ports} | {port["containerPort"] for port in ports}
            assert {port["targetPort"] for port in service["spec"]["ports"]} <= known, name_of(service)


def test_ingresses_lead_to_services(clinic: Any) -> None:
    for ingress in clinic.of("Ingress"):
        for rule in ingress["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                backend = path["backend"]["service"]
                service = clinic.by_id[f"Service/{ingress['metadata']['namespace']}/{backend['name']}"]
                assert backend["port"]["number"] in {port["port"] for port in service["spec"]["ports"]}
        for entry in ingress["spec"].get("tls", []):
            assert set(entry["hosts"]) == {rule["host"] for rule in ingress["spec"]["rules"]}


def test_claims_and_volumes_are_bound_to_each_other(clinic: Any) -> None:
    claims = clinic.of("PersistentVolumeClaim")
    bound = {}
    for claim in claims:
        if claim["status"]["phase"] == "Bound":
            volume = clinic.by_id[f"PersistentVolume//{claim['spec']['volumeName']}"]
            reference = volume["spec"]["claimRef"]
            assert (reference["namespace"], reference["name"]) == name_of(claim)
            assert reference["uid"] == claim["metadata"]["uid"]
            assert volume["spec"]["capacity"] == claim["spec"]["resources"]["requests"]
            bound[volume["metadata"]["name"]] = claim
    assert {each["metadata"]["name"] for each in clinic.of("PersistentVolume")} == set(bound)
    for attachment in clinic.of("VolumeAttachment"):
        assert attachment["spec"]["source"]["persistentVolumeName"] in bound


def test_claims_of_running_pods_stand_in_the_zone_of_their_node(clinic: Any) -> None:
    mounted = 0
    for pod in clinic.of("Pod"):
        node = clinic.by_id[f"Node//{pod['spec']['nodeName']}"]
        for volume in pod["spec"].get("volumes", []):
            if "persistentVolumeClaim" not in volume:
                continue
            named = volume["persistentVolumeClaim"]["claimName"]
            claim = clinic.by_id[f"PersistentVolumeClaim/{pod['metadata']['namespace']}/{named}"]
            kept = clinic.by_id[f"PersistentVolume//{claim['spec']['volumeName']}"]
            mounted += 1
            if "nodeAffinity" in kept["spec"]:
                term = kept["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"][0]
                assert term["matchExpressions"][0]["values"] == [node["metadata"]["labels"][ZONE]]
    assert mounted > 10


def test_mounts_name_volumes_of_their_pod(clinic: Any) -> None:
    for pod in clinic.of("Pod"):
        volumes = {volume["name"] for volume in pod["spec"].get("volumes", [])}
        for one in pod["spec"]["containers"] + pod["spec"].get("initContainers", []):
            assert {mount["name"] for mount in one.get("volumeMounts", [])} <= volumes, name_of(pod)


def test_namespaces_and_accounts_that_are_named_exist(clinic: Any) -> None:
    for key, item in clinic.by_id.items():
        space = item["metadata"].get("namespace")
        assert space is None or f"Namespace//{space}" in clinic.by_id, key
    for pod in clinic.of("Pod"):
        account = pod["spec"].get("serviceAccountName")
        assert account is None or f"ServiceAccount/{pod['metadata']['namespace']}/{account}" in clinic.by_id
        named = pod["spec"].get("priorityClassName")
        assert named is None or f"PriorityClass//{named}" in clinic.by_id


def test_role_bindings_name_roles_and_accounts_that_exist(clinic: Any) -> None:
    for binding in clinic.of("RoleBinding") + clinic.of("ClusterRoleBinding"):
        role = binding["roleRef"]
        space = binding["metadata"].get("namespace", "") if role["kind"] == "Role" else ""
        assert f"{role['kind']}/{space}/{role['name']}" in clinic.by_id, name_of(binding)
        for subject in binding["subjects"]:
            gone = subject["name"] == "metrics-server-v2"  # a planted fault: its account was removed
            if subject["kind"] == "ServiceAccount" and not gone:
                assert f"ServiceAccount/{subject['namespace']}/{subject['name']}" in clinic.by_id


def test_addresses_are_private(clinic: Any) -> None:
    pods = [pod["status"]["podIP"] for pod in clinic.of("Pod")]
    services = [
        service["spec"]["clusterIP"]
        for service in clinic.of("Service")
        if service["spec"].get("clusterIP", "None") != "None"
    ]
    assert len(set(services)) == len(services)
    assert all(ip_address(address).is_private for address in pods + services)


def test_redaction_has_something_to_remove(clinic: Any) -> None:
    annotations = [item["metadata"].get("annotations", {}) for item in clinic.by_id.values()]
    assert any("kubectl.kubernetes.io/last-applied-configuration" in each for each in annotations)
    assert any("managedFields" in item["metadata"] for item in clinic.by_id.values())
    literals = [
        variable["value"]
        for pod in clinic.of("Pod")
        for one in pod["spec"]["containers"]
        for variable in one.get("env", [])
        if "value" in variable
    ]
    assert any(value.startswith("fake-") for value in literals)
