"""Every hop of a path held against the raw objects that its proof names, by rules written down a second time.

It shares no code with the kit's graph: what role bindings give is read off their own text, connections are asked of the
second opinion on networks, and what pods carry and where they run is looked up in their manifests.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from tests.support.network_oracle import Options, evaluate

Object = Mapping[str, Any]
Row = Mapping[str, Any]
ALWAYS = frozenset({"EXPLOIT", "QUERIES", "PROCESSES", "SIGN_IN", "READS_LOG", "CLIENT_OF", "ACTS_AS", "HOLDS"})
"""Hops that hold by the names of their ends alone, which `_named_alike` compares."""
WRITES = ("create", "update", "patch", "*")
WORKLOADS = (
    "deployments",
    "statefulsets",
    "daemonsets",
    "replicasets",
    "jobs",
    "cronjobs",
    "pods",
    "replicationcontrollers",
)
NEEDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "POD_EXEC": (("create", "get"), ("pods/exec",)),
    "POD_LOG": (("get",), ("pods/log",)),
    "SECRET_READ": (("get", "list", "watch"), ("secrets",)),
    "PORT_FORWARD": (("create", "get"), ("pods/portforward",)),
    "TOKEN_REQUEST": (("create",), ("serviceaccounts/token",)),
    "NODE_PROXY": (("get", "create"), ("nodes/proxy",)),
    "PVC_MOUNT": (WRITES, WORKLOADS),
    "PRIV_POD": (WRITES, WORKLOADS),
    "POD_CREATE": (WRITES, WORKLOADS),
    "WORKLOAD_UPDATE": (WRITES, WORKLOADS),
    "EVERYTHING": (("*",), ("*",)),
    "PV_REBIND": (WRITES, ("persistentvolumes",)),
    "CONFUSED_DEPUTY_VELERO": (WRITES, ("restores", "backups", "schedules")),
    "RESTORES_BACKUP": (WRITES, ("restores", "downloadrequests")),
}
"""Verbs and resources of which a rule needs one each, by hop."""


class Verifier:
    """Tells of every hop what of it does not show in the objects.

    Parameters
    ----------
    objects
        All objects of one cluster, as they were written.
    options
        What no specification of network policies defines, as the cluster's plugin has it.
    """

    def __init__(self, objects: Iterable[Object], options: Options | None = None) -> None:
        self.options = options or Options()
        self.held: dict[str, Object] = {}
        for each in objects:
            meta = each.get("metadata") or {}
            self.held.setdefault(f"{each['kind']}/{meta.get('namespace', '')}/{meta.get('name', '')}", each)
        self.seen: dict[str, int] = {}

    def problem(self, row: Row) -> str:
        """Return what does not show of a hop, a row of table `path_hops`; nothing where all of it does."""
        edge = row["edge"]
        self.seen[edge] = self.seen.get(edge, 0) + 1
        missing = [name for name in row["objects"].split() if name not in self.held]
        if missing:
            return f"{missing[0]} is not there"
        if "rules " in row["proof"] or edge == "RESTORES_BACKUP":
            return self._right(row)
        check = getattr(self, f"_{edge.lower()}", None)
        if check is not None:
            return str(check(row))
        return self._named_alike(row) if edge in ALWAYS else f"nobody wrote down when {edge} holds"

    def _right(self, row: Row) -> str:
        """A role binding that is named gives a rule that is named to the source, where the target is."""
        for name in row["objects"].split():
            binding = self.held[name]
            if "roleRef" not in binding or not self._is_subject(binding, row["source"]):
                continue
            place = binding["metadata"].get("namespace", "")
            where = row["target"].split("/")[1]
            if place and where not in (place, "", "*"):
                continue
            ref = binding["roleRef"]
            role = self.held.get(f"{ref['kind']}/{place if ref['kind'] == 'Role' else ''}/{ref['name']}", {})
            if any(self._gives(rule, row) for rule in role.get("rules") or ()):
                return ""
        return "no role binding that is named gives the right"

    def _gives(self, rule: Object, row: Row) -> bool:
        verbs, resources = NEEDS.get(row["edge"], ((), ()))
        if not verbs:
            return True
        own = row["target"].split("/")[2]
        names = rule.get("resourceNames") or []
        held = set(rule.get("resources") or ())
        suffixed = any("/" in each and f"*/{each.partition('/')[2]}" in held for each in resources)
        return (
            bool({*verbs, "*"} & set(rule["verbs"]))
            and (bool({*resources, "*"} & held) or suffixed)
            and (not names or own in ("*", *names) or row["edge"] in ("WORKLOAD_UPDATE", "PRIV_POD", "PVC_MOUNT"))
        )

    def _is_subject(self, binding: Object, source: str) -> bool:
        kind, place, name = source.split("/", 2)
        for each in binding.get("subjects") or ():
            if (each["kind"], each["name"]) == (kind, name) and each.get("namespace", "") == place:
                return True
            groups = ("system:authenticated", "system:serviceaccounts", f"system:serviceaccounts:{place}")
            if each["kind"] == "Group" and kind == "ServiceAccount" and each["name"] in groups:
                return True
        return False

    @staticmethod
    def _named_alike(row: Row) -> str:
        one, other = row["source"].split("/"), row["target"].split("/")
        if row["edge"] in ("EXPLOIT", "SIGN_IN"):
            return "" if one[1:] == other[1:] else "the ends are not of one pod"
        if row["edge"] in ("QUERIES", "PROCESSES", "READS_LOG"):
            return "" if one[1] == other[1] and one[-1].startswith(other[-1]) else "the ends are not of one workload"
        return ""

    def _pod(self, name: str) -> Object | None:
        """Return a pod, or the template of the CronJob of that name, of which no pod runs."""
        _, place, own = name.split("/")
        job = self.held.get(f"CronJob/{place}/{own}")
        found = self.held.get(f"Pod/{place}/{own}")
        return found or (job["spec"]["jobTemplate"]["spec"]["template"] if job else None)

    def _mounts(self, row: Row) -> str:
        pod = self._pod(row["source"])
        kind, place, name = row["target"].split("/")
        key = {"Secret": "secretName", "PersistentVolumeClaim": "claimName"}[kind]
        text = repr(pod["spec"]) if pod else ""
        same = row["source"].split("/")[1] == place
        named = f"'{key}': '{name}'" in text or bool(re.search(rf"'secret(Key)?Ref': {{[^}}]*'name': '{name}'", text))
        named |= bool(re.search(rf"'secret': {{[^}}]*'name': '{name}'", text))
        return "" if pod and same and named else "the pod does not take it"

    def _runs_as(self, row: Row) -> str:
        pod = self._pod(row["source"])
        spec = pod["spec"] if pod else {}
        _, place, name = row["target"].split("/")
        account = self.held.get(row["target"], {})
        wanted = spec.get("automountServiceAccountToken", account.get("automountServiceAccountToken", True))
        token = wanted is not False or "serviceAccountToken" in repr(spec.get("volumes"))
        own = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
        named = own == name and row["source"].split("/")[1] == place
        return "" if named and token else "no token of it is in the pod"

    def _hosts(self, row: Row) -> str:
        pod = self._pod(row["target"])
        node = pod["spec"].get("nodeName", "") if pod else ""
        return "" if pod and row["source"] in (f"Node//{node}", "Node//*") else "the pod does not run there"

    def _node_token(self, row: Row) -> str:
        _, place, name = row["target"].split("/")
        node = row["source"].split("/")[2]
        pods = (each for own, each in self.held.items() if own.startswith(f"Pod/{place}/"))
        found = any(
            each["spec"].get("nodeName") == node and each["spec"].get("serviceAccountName", "default") == name
            for each in pods
        )
        return "" if found else "no pod of the account runs there"

    def _control_plane(self, row: Row) -> str:
        labels = self.held[row["source"]]["metadata"].get("labels") or {}
        roles = {"node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"}
        return "" if roles & labels.keys() else "the node does not run the control plane"

    def _escape(self, row: Row) -> str:
        pod = self._pod(row["source"])
        if pod is None:
            return "there is no such pod"
        spec = pod["spec"]
        text = repr(spec)
        ways = ("'privileged': True", "'hostPath'", "'add': [")
        wide = any(spec.get(each) for each in ("hostPID", "hostNetwork", "hostIPC"))
        node = row["target"] in (f"Node//{spec.get('nodeName', '')}", "Node//*") or "nodeName" not in spec
        return "" if node and (wide or any(each in text for each in ways)) else "nothing in the pod leads to that node"

    def _backs(self, row: Row) -> str:
        claim = self.held[row["target"]]
        return "" if claim["spec"].get("volumeName") == row["source"].split("/")[2] else "it is bound to another volume"

    def _credentials_of(self, row: Row) -> str:
        _, place, name = row["source"].split("/")
        workload = self.held.get(row["target"])
        return (
            "" if workload and row["target"].split("/")[1] == place and f"'{name}'" in repr(workload) else "not taken"
        )

    def _store_credentials(self, row: Row) -> str:
        store = self.held[row["objects"].split()[0]]
        return "" if f"'{row['source'].split('/')[2]}'" in repr(store["spec"]) else "the store does not name it"

    def _restores_snapshot(self, row: Row) -> str:
        return "" if row["target"] in self.held else "there is no such snapshot"

    def _exposed(self, row: Row) -> str:
        """The entry lets the outside in, and a Service that is named selects the pod."""
        pod = self._pod("Pod/" + row["target"].partition("/")[2])
        names = row["objects"].split()
        entry = self.held[names[0]]
        inner = entry["kind"] == "Service" and entry["spec"].get("type") not in ("LoadBalancer", "NodePort")
        if inner and not entry["spec"].get("externalIPs"):
            return "the Service is not open to the outside"
        labels = (pod or {}).get("metadata", {}).get("labels") or {}
        services = [self.held[each] for each in names if each.startswith("Service/")]
        for service in services:
            chosen = service["spec"].get("selector") or {}
            if chosen and all(labels.get(key) == value for key, value in chosen.items()):
                return ""
        if services:
            return "no Service that is named leads to the pod"
        opened = "hostPort" in repr((pod or {}).get("spec")) or (pod or {}).get("spec", {}).get("hostNetwork")
        return "" if opened else "nothing opens the pod to the outside"

    def _can_reach(self, row: Row) -> str:
        source, target = (row[each].split("/") for each in ("source", "target"))
        if self.held.get(f"Pod/{target[1]}/{target[2]}") is None or row["source"] not in self.held:
            return "" if self._pod("Pod/" + "/".join(target[1:])) else "there is no such pod"
        if "not governed by policy" in row["proof"]:
            node = self.held[f"Pod/{target[1]}/{target[2]}"]["spec"].get("nodeName")
            own = source[2] if source[0] == "Node" else self.held[row["source"]]["spec"].get("nodeName")
            return "" if node == own else "they are not on one node"
        one = "/".join(source[1:])
        if source[0] == "Node":
            addresses = self.held[row["source"]]["status"]["addresses"]
            one = next(each["address"] for each in addresses if each["type"] == "InternalIP")
        for protocol, port in self._ports(row["proof"]):
            found = evaluate(self.network, one, "/".join(target[1:]), port, protocol, self.options)
            if found == "allowed" or (found == "unknown" and row["confidence"] == "unknown"):
                return ""
        return "the policies do not let it pass"

    @staticmethod
    def _ports(proof: str) -> list[tuple[str, int]]:
        """Return one port of every range that a proof names; any where it names a protocol alone."""
        words = proof.partition("; ")[0]
        found = [(each, int(port)) for each, port in re.findall(r"(TCP|UDP|SCTP) (\d+)", words)]
        return found or [(each, 8080) for each in re.findall(r"TCP|UDP|SCTP", words)]

    @cached_property
    def network(self) -> dict[str, list[Object]]:
        """The cluster as the second opinion on networks takes it."""
        kinds = {"Namespace": "namespaces", "Node": "nodes", "ServiceAccount": "serviceaccounts", "Pod": "pods"}
        found: dict[str, list[Object]] = {each: [] for each in (*kinds.values(), "policies")}
        for each in self.held.values():
            if each["kind"] in kinds:
                found[kinds[each["kind"]]].append(each)
            elif each["kind"].endswith("NetworkPolicy"):
                found["policies"].append(each)
        return found
