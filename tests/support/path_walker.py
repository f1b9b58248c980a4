"""Paths looked for the slow way: from what is held, everything that it gives, object by object, until nothing is new.

It shares no code with the kit: rights are matched one request at a time, connections asked of the second opinion on
networks, and what pods carry read off their own text. `gives` says what one held thing gives at once, and so serves
to hold any hop against the raw objects, too.
"""

from __future__ import annotations

from copy import deepcopy
from functools import cached_property
from typing import Any

from tests.support.network_oracle import Options, evaluate

Object = dict[str, Any]
OPTIONS = Options()
CLIENT = "198.51.100.7"
PORTS = (8080, 5432, 9)


class Walker:
    """What can be reached in one cluster.

    Parameters
    ----------
    objects
        All objects of it.
    """

    def __init__(self, objects: list[Object]) -> None:
        self.objects = objects
        self.pods = [each for each in objects if each["kind"] == "Pod"]
        self.bindings = [each for each in objects if each["kind"].endswith("Binding")]
        self.roles = {each["metadata"]["name"]: each["rules"] for each in objects if each["kind"] == "ClusterRole"}
        self.accounts = [_id(each) for each in objects if each["kind"] == "ServiceAccount"]
        self.claims = [_id(each) for each in objects if each["kind"] == "PersistentVolumeClaim"]
        self.nodes = [_id(each) for each in objects if each["kind"] == "Node"]
        self.services = [each for each in objects if each["kind"] == "Service"]
        self._reached: dict[tuple[str, str], bool] = {}
        self._gives: dict[str, set[str]] = {}

    @cached_property
    def network(self) -> Object:
        """The cluster as the second opinion on networks takes it."""
        kinds = {"Namespace": "namespaces", "Node": "nodes", "Pod": "pods", "ServiceAccount": "serviceaccounts"}
        found: Object = {each: [] for each in (*kinds.values(), "policies")}
        for each in self.objects:
            if each["kind"] in kinds:
                found[kinds[each["kind"]]].append(each)
            elif each["kind"] == "NetworkPolicy":
                found["policies"].append(each)
        return found

    @cached_property
    def secrets(self) -> set[str]:
        """Secrets that some pod takes: others are known to nobody here."""
        return {each for pod in self.pods for each in self.carried(pod) if each.startswith("Secret/")}

    @cached_property
    def known(self) -> set[str]:
        """Everything that there is: rules may name what is not there."""
        pods = {_id(pod) for pod in self.pods}
        return {*pods, *map(_ports, pods), *self.secrets, *self.accounts, *self.claims, *self.nodes}

    @cached_property
    def any_node(self) -> set[str]:
        """What whoever may have any node has: each of them, and the pods that will be started on one."""
        return {*self.nodes, *(_id(pod) for pod in self.pods if not pod["spec"].get("nodeName"))}

    def from_(self, start: str) -> set[str]:
        """Return everything that is reached from one thing, without it."""
        held, waiting = {start}, [start]
        while waiting:
            new = self.gives(waiting.pop()) - held
            held |= new
            waiting += sorted(new)
        return held - {start}

    def gives(self, held: str) -> set[str]:
        """Return what one thing gives at once."""
        if held not in self._gives:
            kind = held.partition("/")[0]
            if kind == "Internet":
                found = {_ports(_id(pod)) for pod in self.pods if self.exposed(pod)}
            elif kind == "PodNetwork":
                found = {f"Pod/{held.partition('/')[2]}"}
            elif kind == "Pod":
                found = self.pod_gives(next(pod for pod in self.pods if _id(pod) == held))
            elif kind == "Node":
                found = self.node_gives(held)
            elif kind in ("ServiceAccount", "User", "Group"):
                found = self.subject_gives(held)
            else:
                found = set()
            self._gives[held] = found
        return self._gives[held]

    def exposed(self, pod: Object) -> bool:
        """Tell whether a load balancer leads from the internet to a pod, and its policies let the client in."""
        place = pod["metadata"]["namespace"]
        for service in self.services:
            wanted = service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
            if service["metadata"]["namespace"] == place and wanted:
                to = f"{place}/{pod['metadata']['name']}"
                if evaluate(self.network, CLIENT, to, 8080, "TCP", OPTIONS) == "allowed":
                    return True
        return False

    def reaches(self, one: Object, other: Object) -> bool:
        """Tell whether the policies let one pod open a connection to another."""
        ends = tuple(f"{each['metadata']['namespace']}/{each['metadata']['name']}" for each in (one, other))
        if ends not in self._reached:
            self._reached[ends] = any(
                evaluate(self.network, *ends, port, "TCP", OPTIONS) == "allowed" for port in PORTS
            )
        return self._reached[ends]

    def copy_reaches(self, one: Object, other: Object) -> bool:
        """Tell whether the policies let another pod with the labels of one open a connection."""
        copy = deepcopy(one)
        copy["metadata"]["name"] += "-copy"
        copy["status"] = {"phase": "Running", "podIP": "10.1.0.99", "podIPs": [{"ip": "10.1.0.99"}]}
        network = {**self.network, "pods": [*self.pods, copy]}
        ends = tuple(f"{each['metadata']['namespace']}/{each['metadata']['name']}" for each in (copy, other))
        if ends not in self._reached:
            self._reached[ends] = any(evaluate(network, *ends, port, "TCP", OPTIONS) == "allowed" for port in PORTS)
        return self._reached[ends]

    def carried(self, pod: Object) -> set[str]:
        """Return the Secrets and claims that a pod takes."""
        place, found = pod["metadata"]["namespace"], set()
        for volume in pod["spec"]["volumes"]:
            if "secret" in volume:
                found.add(f"Secret/{place}/{volume['secret']['secretName']}")
            for source in volume.get("projected", {}).get("sources", ()):
                if "secret" in source:
                    found.add(f"Secret/{place}/{source['secret']['name']}")
            if "persistentVolumeClaim" in volume:
                found.add(f"PersistentVolumeClaim/{place}/{volume['persistentVolumeClaim']['claimName']}")
        for variable in pod["spec"]["containers"][0].get("env", []):
            found.add(f"Secret/{place}/{variable['valueFrom']['secretKeyRef']['name']}")
        return found

    def pod_gives(self, pod: Object) -> set[str]:
        """Return what whoever holds a pod has."""
        place, spec = pod["metadata"]["namespace"], pod["spec"]
        found = self.carried(pod) | {_ports(_id(other)) for other in self.pods if self.reaches(pod, other)}
        if spec.get("automountServiceAccountToken", True):
            found.add(f"ServiceAccount/{place}/{spec['serviceAccountName']}")
        if spec["containers"][0].get("securityContext", {}).get("privileged"):
            found |= {f"Node//{spec['nodeName']}"} if spec.get("nodeName") else self.any_node
        return found - {_ports(_id(pod))}

    def node_gives(self, node: str) -> set[str]:
        """Return what whoever holds a node has: its pods, tokens of their service accounts, and its network."""
        found: set[str] = set()
        held = next(each for each in self.objects if _id(each) == node)
        address = held["status"]["addresses"][0]["address"]
        for pod in self.pods:
            to = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
            if any(evaluate(self.network, address, to, port, "TCP", OPTIONS) == "allowed" for port in PORTS):
                found.add(_ports(_id(pod)))
            if f"Node//{pod['spec'].get('nodeName', '')}" == node:
                found |= {_id(pod), _ports(_id(pod))}
                found.add(f"ServiceAccount/{pod['metadata']['namespace']}/{pod['spec']['serviceAccountName']}")
        return found

    def subject_gives(self, subject: str) -> set[str]:
        """Return what a subject's rights give at once, one request at a time."""
        found: set[str] = set()
        for secret in self.secrets:
            _, place, name = secret.split("/")
            # A list may name one object by its field selector.
            asked = [("get", name), ("list", name), ("watch", name), ("list", ""), ("watch", "")]
            if any(self.can(subject, verb, "", "secrets", place, each) for verb, each in asked):
                found.add(secret)
        for pod in self.pods:
            place, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
            if any(self.can(subject, verb, "", "pods/exec", place, name) for verb in ("create", "get")):
                found.add(_id(pod))
            if any(self.can(subject, verb, "", "pods/portforward", place, name) for verb in ("create", "get")):
                found.add(_ports(_id(pod)))
        for account in self.accounts:
            _, place, name = account.split("/")
            token = self.can(subject, "create", "", "serviceaccounts/token", place, name)
            if token or self.can(subject, "impersonate", "", "serviceaccounts", place, name):
                found.add(account)
        if self.can(subject, "get", "", "nodes/proxy", "", ""):
            found |= self.any_node
        for node in self.nodes:
            if self.can(subject, "get", "", "nodes/proxy", "", node.removeprefix("Node//")):
                found.add(node)
        for space in [each for each in self.objects if each["kind"] == "Namespace"]:
            place = space["metadata"]["name"]
            if self.can(subject, "create", "", "pods", place, "") or self.can(
                subject, "create", "apps", "deployments", place, ""
            ):
                found |= self.started_in(space)
        return found

    def started_in(self, space: Object) -> set[str]:
        """Return what whoever may start a pod in a namespace has: all that a pod there may carry, and its network."""
        place = space["metadata"]["name"]
        inside = f"/{place}/"
        found = {each for each in (*self.accounts, *self.claims, *self.secrets) if inside in each}
        for pod in self.pods:
            if pod["metadata"]["namespace"] == place:
                found |= {_ports(_id(other)) for other in self.pods if self.copy_reaches(pod, other)}
        if "pod-security.kubernetes.io/enforce" not in space["metadata"]["labels"]:
            found |= self.any_node
        return found

    def can(self, subject: str, verb: str, group: str, resource: str, place: str, name: str) -> bool:
        """Tell whether a subject may do something, by going through all role bindings."""
        for binding in self.bindings:
            scope = binding["metadata"].get("namespace", "")
            if scope not in ("", place) or not any(_is(each, subject) for each in binding["subjects"]):
                continue
            for rule in self.roles[binding["roleRef"]["name"]]:
                says = verb in rule["verbs"] and group in rule["apiGroups"] and resource in rule["resources"]
                if says and (not rule.get("resourceNames") or name in rule["resourceNames"]):
                    return True
        return False


def _is(named: Object, subject: str) -> bool:
    kind, place, name = subject.split("/")
    if named["kind"] == "Group" != kind:
        return kind == "ServiceAccount" and named["name"] == f"system:serviceaccounts:{place}"
    return (named["kind"], named.get("namespace", ""), named["name"]) == (kind, place, name)


def _id(each: Object) -> str:
    meta = each["metadata"]
    return f"{each['kind']}/{meta.get('namespace', '')}/{meta['name']}"


def _ports(pod: str) -> str:
    return pod.replace("Pod/", "PodNetwork/", 1)
