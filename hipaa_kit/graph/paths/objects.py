"""The part of the graph that objects make: what pods carry, where they run, and where ePHI and its copies are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import pandas as pd

from hipaa_kit.graph.access.grants import subject_object
from hipaa_kit.graph.paths.model import INTERNET, LIKELY, UNKNOWN, Builder, Why
from hipaa_kit.graph.paths.network import PORTS, ports_of
from hipaa_kit.graph.paths.rights import SURE
from hipaa_kit.graph.permissions.closure import ANYTHING
from hipaa_kit.graph.permissions.deputies import CONTROLLERS
from hipaa_kit.graph.permissions.escape import ESCAPE, ways_out
from hipaa_kit.graph.reachability.facts import PodFact
from hipaa_kit.inventory.credentials import projected_secrets
from hipaa_kit.inventory.pods import pod_views, stand_ins
from hipaa_kit.kube.owners import object_id, parse_object_id
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.lookup import TableSet

OBJECT_TABLES: Final = (
    "account_secrets",
    "backup_access",
    "backup_coverage",
    "backup_plans",
    "backup_stores",
    "claims",
    "cloud_clusters",
    "containers",
    "environment",
    "ephi_objects",
    "nodes",
    "pods",
    "scope_entries",
    "secret_uses",
    "service_accounts",
    "service_targets",
    "token_volumes",
    "volume_snapshots",
    "volumes",
)
"""Tables of which `Objects` makes its part of the graph: where they are the same, it is."""

AROUND: Final = frozenset({"Namespace", "Service", "Ingress", "Pod", "PersistentVolume"})
"""Kinds of the ePHI scope at which no path ends: they lead to the data, or are found again as claim or workload."""
COPIES: Final = ("VolumeSnapshot", "Backup", "LogStream")
"""Kinds of what holds a copy of ePHI."""
STORES_TAKEN: Final = ("yes", "unknown")
RESTORE: Final = "read or restore copies"

RUNS_AS: Final = Why("RUNS_AS", 1, proof="the token of its service account is in the pod")
NODE_TOKEN: Final = Why(
    "NODE_TOKEN", 2, proof="a kubelet may ask for a token of the service account of each of its pods"
)
HOSTS: Final = Why("HOSTS", 1, proof="it runs there: whoever holds the node holds its pods")
WILL_RUN: Final = Why(
    "HOSTS", 1, LIKELY, "it runs on no node yet", precondition="it is started on a node that is held: any may be"
)
TAKES: Final = Why("MOUNTS", proof="the pod takes it, as a volume or in its environment")
CONTROL_PLANE: Final = Why(
    "CONTROL_PLANE", 1, proof="the node runs the control plane: the keys of the API server and etcd are on it"
)
PROCESSES: Final = Why("PROCESSES", proof="it is a pod of what holds ePHI by the scope")
QUERIES: Final = Why(
    "QUERIES",
    2,
    LIKELY,
    "what listens there serves ePHI by the scope",
    precondition="it asks nobody who they are, or the credentials are held",
)
TOKEN_OF: Final = Why("TOKEN_OF", 1, proof="the Secret keeps a token of the service account")
CREDENTIALS: Final = Why(
    "CREDENTIALS_OF",
    2,
    LIKELY,
    "what holds ePHI takes this Secret",
    precondition="the Secret lets its holder in, and a connection there is open",
)
BACKS: Final = Why("BACKS", 1, proof="the claim is bound to the volume")
SNAPSHOT: Final = Why(
    "RESTORES_SNAPSHOT",
    1,
    LIKELY,
    "a claim made of the snapshot holds what the volume held",
    precondition="a claim and a pod can be made in the namespace",
)
READS_LOG: Final = Why("READS_LOG", 0, LIKELY, "what the pod writes is in its log", precondition="it writes ePHI there")
LOG_ON_NODE: Final = Why(
    "READS_LOG", 1, LIKELY, "logs of pods are files of their node", precondition="the pod writes ePHI there"
)
IN_MEMORY: Final = Why(
    "DUMPS_MEMORY",
    1,
    LIKELY,
    "a checkpoint has the memory of a container",
    precondition="the runtime makes checkpoints",
)
STORE_KEY: Final = Why(
    "STORE_CREDENTIALS", 2, LIKELY, "the store of copies is opened with it", precondition="the store can be reached"
)
RESTORES: Final = Why(
    "RESTORES_BACKUP", 2, proof="who may ask the backup tool for a restore or a download has the copies"
)
CLIENT: Final = Why(
    "CLIENT_OF", 1, LIKELY, "it is in the namespace from which the store is reached", precondition="it uses the store"
)
ACTS_AS: Final = Why("ACTS_AS", 1, LIKELY, "the controller does what it is asked with its own service account")
WRITTEN: Final = Why(
    "SEES_WRITTEN", 1, LIKELY, "a webhook is shown what is written", precondition="the Secret is written meanwhile"
)
SHOWN: Final = Why(
    "SHOWS", 1, LIKELY, "what is exposed can be reached from outside", precondition="an entry leads there"
)
IN_BETWEEN: Final = Why(
    "IN_BETWEEN", 1, LIKELY, "traffic of the pod passes", precondition="it is not authenticated end to end"
)
CAPTURED: Final = Why(
    "CAPTURES", 2, UNKNOWN, "requests to the API pass with their credentials", precondition="someone with rights asks"
)
MAY_OPEN: Final = Why(
    "MAY_OPEN", 2, UNKNOWN, "what the identity may do at the provider is not known", precondition="it may read there"
)

OPEN_RANGES: Final = ("", "0.0.0.0/0", "0.0.0.0/0 ::/0")
"""Ranges of a public endpoint that is open to everybody."""
ANONYMOUS: Final = ("Group//system:unauthenticated", "User//system:anonymous")
"""Who a request without credentials is from."""
NO_CREDENTIALS: Final = Why(
    "ANONYMOUS",
    1,
    LIKELY,
    "a role binding gives rights to whoever shows no credentials",
    precondition="the API server can be reached from there, and lets in requests without credentials",
)


@dataclass
class Objects:
    """What is known of objects, from tables, for the pods that run or will.

    Parameters
    ----------
    tables
        Tables of the inventory.
    pods
        Pods that have not ended.
    snapshot
        Where they come from: it has the templates of workloads that have no pod.
    """

    tables: TableSet
    pods: Sequence[PodFact]
    snapshot: Snapshot | None = None

    def add(self, builder: Builder) -> None:
        """Add everything that objects make, rights and network apart; what leads from hubs comes last."""
        self._pods(builder)
        self._escapes(builder)
        self._nodes(builder)
        self._secrets(builder)
        self._stores(builder)
        self._copies(builder)
        self._logs(builder)

    @cached_property
    def owner(self) -> dict[str, str]:
        """Workload of every pod; a pod without owner is its own."""
        held = self.tables["pods"]
        found = dict(zip(held["object"], held["workload"], strict=True))
        return found | {pod.object: pod.workload or pod.object for pod in self.pods}

    @cached_property
    def ephi(self) -> dict[str, str]:
        """Criticality of everything in the ePHI scope."""
        held = self.tables["ephi_objects"]
        return dict(zip(held["object"], held["criticality"], strict=True))

    @cached_property
    def _alike(self) -> dict[str, str]:
        """The pod of table `pods` by which each pod is known: one that a CronJob will run is as its last one was."""
        held = self.tables["pods"]
        there = set(held["object"])
        last = dict(zip(held["workload"], held["object"], strict=True))
        found = {}
        for pod in self.pods:
            if known := pod.object if pod.object in there else last.get(pod.workload, ""):
                found[pod.object] = known
        return found

    @cached_property
    def _tokens(self) -> dict[str, str]:
        """The service account whose token is in each pod, by pod of table `pods`.

        A pod's own word goes before its account's; where neither says anything the token is mounted. Source:
        https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/
        """
        pods, tokens, accounts = (self.tables[each] for each in ("pods", "token_volumes", "service_accounts"))
        said = dict(zip(accounts["object"], accounts["automount_token"], strict=True))
        of_account = pods["service_account"].map(said).astype("boolean")
        mounted = pods["automount_token"].fillna(of_account).fillna(True).astype(bool)
        written = tokens[~tokens["automatic"] & tokens["audience"].eq("")]["pod"]
        held = pods[(mounted | pods["object"].isin(written)) & ~pods["static"] & pods["service_account"].ne("")]
        return dict(zip(held["object"], held["service_account"], strict=True))

    @cached_property
    def _taken(self) -> dict[str, list[str]]:
        """Secrets and claims that each pod of table `pods` takes."""
        pairs = pd.concat([self.tables[each][["pod", "reference"]] for each in ("volumes", "environment")])
        held = pairs[pairs["reference"].str.startswith(("Secret/", "PersistentVolumeClaim/"))].drop_duplicates()
        found: dict[str, list[str]] = defaultdict(list)
        for pod, reference in held.itertuples(index=False):
            found[pod].append(reference)
        for view in pod_views(self.snapshot) if self.snapshot else ():
            for secret in projected_secrets(view):
                if secret not in found[view.object]:
                    found[view.object].append(secret)
        return found

    def _pods(self, builder: Builder) -> None:
        for account in self.tables["service_accounts"]["object"]:
            # One that nothing runs as can be taken all the same.
            builder.node(account)
        pods = self.tables["pods"]
        accounts = dict(zip(pods["object"], pods["service_account"], strict=True))
        for pod in self.pods:
            known = self._alike.get(pod.object, "")
            node = f"Node//{pod.node}" if pod.node else ""
            builder.add(node or "Node//*", pod.object, HOSTS if node else WILL_RUN)
            if account := self._tokens.get(known, ""):
                builder.add(pod.object, account, RUNS_AS)
            elif node and accounts.get(known):
                builder.add(node, accounts[known], NODE_TOKEN)
            for each in self._taken.get(known, ()):
                builder.add(pod.object, each, TAKES)
            workload = self.owner[pod.object]
            if pod.object in self.ephi or workload in self.ephi:
                builder.add(pod.object, data_of(workload), PROCESSES)
                builder.add(ports_of(pod.object), data_of(workload), QUERIES)
        for service, pod in (
            self.tables["service_targets"][["service", "pod"]].drop_duplicates().itertuples(index=False)
        ):
            # The API server's proxy to a Service leads to the pods behind it; the right names the Service.
            if service != pod.replace("Pod/", "Service/"):
                name = service.replace("Service/", f"{PORTS}/", 1)
                builder.add(
                    name, ports_of(pod), Why("SELECTS", proof="the Service leads to the pod", objects=(service,))
                )

    def _escapes(self, builder: Builder) -> None:
        """Add how pods that are not there yet could take a node; `permissions` has the ways of those that run."""
        for view in stand_ins(self.snapshot) if self.snapshot else ():
            if ways := ways_out(view.content):
                told = Why(
                    ESCAPE.name,
                    ESCAPE.cost,
                    SURE[ways[0].confidence],
                    "; ".join(way.words for way in ways),
                    precondition="the pod is started as its template says",
                )
                builder.add(view.object, "Node//*", told)

    def _nodes(self, builder: Builder) -> None:
        nodes = self.tables["nodes"]
        for name in nodes["object"]:
            builder.node(name)
        for name in nodes[nodes["control_plane"]]["object"]:
            builder.add(name, ANYTHING, CONTROL_PLANE)

    def _secrets(self, builder: Builder) -> None:
        for secret, used_by, manager in self.tables["secret_uses"][["object", "used_by", "manager"]].itertuples(
            index=False
        ):
            if not manager.startswith("Certificate/"):
                for workload in used_by.split():
                    builder.add(secret, data_of(workload), CREDENTIALS)
        held = self.tables["account_secrets"]
        for account, secret in held[held["token"]][["account", "secret"]].itertuples(index=False):
            builder.add(secret, account, TOKEN_OF)

    def _stores(self, builder: Builder) -> None:
        claims = self.tables["claims"]
        for claim, volume in claims[["object", "persistent_volume"]].itertuples(index=False):
            if claim in self.ephi:
                builder.node(claim)
                if volume:
                    builder.add(volume, claim, BACKS)
        entries = self.tables["scope_entries"]
        inside = defaultdict(list)
        for name in self.ephi:
            kind, namespace, _ = parse_object_id(name)
            if kind not in AROUND and namespace:
                inside[namespace].append(name)
        for text, via in entries[entries["selector"].eq("external")][["text", "via"]].itertuples(index=False):
            store = object_id("External", "", text)
            builder.node(store)
            for workload in inside[parse_object_id(via)[1]] if via else ():
                builder.add(workload, store, CLIENT)

    def _copies(self, builder: Builder) -> None:
        for name, namespace, claim in self.tables["volume_snapshots"][["object", "namespace", "claim"]].itertuples(
            index=False
        ):
            if claim in self.ephi:
                builder.add(object_id("PersistentVolumeClaim", namespace, "*"), name, SNAPSHOT)
        for row in rows_of(self.ephi_stores):
            store = backup_id(row["object"])
            if row["credential"]:
                builder.add(row["credential"], store, STORE_KEY._replace(objects=(row["object"],)))
            for kind, subject, binding in self._restorers(row["namespace"]):
                builder.add(
                    subject_object(kind, subject), store, RESTORES._replace(objects=(binding,) if binding else ())
                )

    @cached_property
    def ephi_stores(self) -> pd.DataFrame:
        """Rows of `backup_stores` for stores with copies of ePHI, as far as plans show."""
        covered, plans = self.tables["backup_coverage"], self.tables["backup_plans"]
        stores = self.tables["backup_stores"]
        taking = set(covered[covered["taken"].isin(STORES_TAKEN)]["plan"])
        used = set(plans[plans["object"].isin(taking)]["store"])
        return stores[stores["object"].isin(used)]

    def _restorers(self, namespace: str) -> Iterator[tuple[str, str, str]]:
        held = self.tables["backup_access"]
        mine = held[held["namespace"].eq(namespace) & held["power"].eq(RESTORE) & held["subject_kind"].ne("*")]
        for row in rows_of(mine[~mine["everything"]]):
            yield row["subject_kind"], row["subject"], row["binding"]

    def _logs(self, builder: Builder) -> None:
        for pod in self.pods:
            workload = self.owner[pod.object]
            if workload in self.ephi or pod.object in self.ephi:
                stream = log_of(workload)
                builder.add(pod.object.replace("Pod/", "PodLog/", 1), stream, READS_LOG)
                if pod.node:
                    builder.add(f"NodeLog//{pod.node}", stream, LOG_ON_NODE)
                    builder.add(f"NodeMemory//{pod.node}", data_of(workload), IN_MEMORY)

    @cached_property
    def controllers(self) -> dict[str, set[str]]:
        """Service accounts of the controllers that act for others and run here, by the name of the technique."""
        words = {name: name.lower().replace("_", "-") for name in CONTROLLERS}
        aliases = {"ARGO_CD": "argocd", "ARGO_WORKFLOW": "workflow-controller", "FLUX": "kustomize-controller"}
        containers = self.tables["containers"]
        pods = self.tables["pods"]
        account = dict(zip(pods["object"], pods["service_account"], strict=True))
        found: dict[str, set[str]] = defaultdict(set)
        for repository in containers["repository"].unique():
            named = [n for n, word in words.items() if word in repository or aliases.get(n, word) in repository]
            for pod in containers[containers["repository"].eq(repository)]["pod"].unique() if named else ():
                for name in named if account.get(pod) else ():
                    found[name].add(account[pod])
        return found

    def leads(self, builder: Builder) -> None:
        """Add where what rights reach leads on: to be called when all of them are there."""
        names = {name.lower().replace("_", "-"): name for name in CONTROLLERS}
        for node in list(builder.number):
            kind, namespace, rest = parse_object_id(node)
            if kind == "Controller":
                for account in sorted(self.controllers.get(names.get(rest, ""), ())):
                    builder.add(node, account, ACTS_AS)
            elif kind == "AdmittedSecret":
                builder.add(node, object_id("Secret", namespace, "*"), WRITTEN)
            elif kind == "Exposure":
                builder.add(node, object_id(PORTS, namespace, "*"), SHOWN)
            elif kind == "Traffic":
                builder.add(node, object_id("TrafficOf", namespace, "*"), IN_BETWEEN)
            elif kind == "Credentials":
                builder.add(node, "User//*", CAPTURED)
            elif kind == "CloudIdentity":
                for store in sorted(each for each in self.ephi if each.startswith("External//")):
                    builder.add(node, store, MAY_OPEN)
        self._anonymous(builder)
        for pod in self.pods:
            workload = self.owner[pod.object]
            if workload in self.ephi or pod.object in self.ephi:
                builder.add(pod.object.replace("Pod/", "TrafficOf/", 1), data_of(workload), PROCESSES)

    def _anonymous(self, builder: Builder) -> None:
        """Let those in who show no credentials, where rights are given to them."""
        clusters = self.tables["cloud_clusters"]
        public = bool((clusters["endpoint_public"].fillna(False) & clusters["public_cidrs"].isin(OPEN_RANGES)).any())
        for name in ANONYMOUS:
            if name in builder.number:
                from_outside = NO_CREDENTIALS if public else NO_CREDENTIALS._replace(confidence=UNKNOWN)
                builder.add(INTERNET, name, from_outside)
                for pod in self.pods:
                    builder.add(pod.object, name, NO_CREDENTIALS)


def data_of(workload: str) -> str:
    """Return the node that stands for the data of a workload: a pod that is its own holds them, and is not they."""
    return workload.replace("Pod/", "DataStore/", 1) if workload.startswith("Pod/") else workload


def backup_id(store: str) -> str:
    """Return the node that stands for the copies in a store."""
    return object_id("Backup", *parse_object_id(store)[1:])


def log_of(workload: str) -> str:
    """Return the node that stands for what a workload writes to its log."""
    kind, namespace, name = parse_object_id(workload)
    return object_id("LogStream", namespace, f"{kind}/{name}")
