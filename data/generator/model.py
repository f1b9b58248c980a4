"""The words in which the hospital is declared: what somebody decided, not what Kubernetes makes of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from trail.calls import Act, Silence

ZONES = {"a": "east-a", "b": "east-b", "c": "east-c"}
CONTROL_PLANE = ("cp-1", "cp-2", "cp-3")
# In this order any two or three neighbours lie in at least two zones; the smallest zone has a single one.
WORKERS = tuple(f"worker-{name}" for name in ("c1", "a1", "b1", "a2", "b2", "a3", "b3", "a4", "b4"))
NODES = CONTROL_PLANE + WORKERS
APP = "app.kubernetes.io/name"


def all_but(*missing: str, of: tuple[str, ...] = NODES) -> tuple[str, ...]:
    """Return the nodes without some of them."""
    return tuple(node for node in of if node not in missing)


def zone_of(node: str) -> str:
    """Return the zone a node stands in."""
    letter = "abc"[CONTROL_PLANE.index(node)] if node in CONTROL_PLANE else node.removeprefix("worker-")[0]
    return ZONES[letter]


def node_address(node: str) -> str:
    """Return the private address of a node."""
    return f"10.40.0.{11 + NODES.index(node)}"


@dataclass(frozen=True)
class Container:
    """One container. Probes are written `http /path port`, `tcp port` or `exec command`."""

    name: str
    image: str
    cpu: int = 100  # millicores asked for; 0 asks for none
    memory: int = 256  # MiB asked for, which is also the limit; 0 asks for none
    ports: dict[str, int] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)  # a literal, `secret:name/key` or `field:path`
    mounts: dict[str, str] = field(default_factory=dict)  # path: volume
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    readiness: str = ""
    liveness: str = ""
    startup: str = ""
    role: str = "main"  # or init, sidecar (an init container that keeps running)
    confined: bool = True  # runs within the restricted Pod Security Standard
    privileged: bool = False
    pinned: bool = True  # its image is named by digest
    drifts: bool = False  # its first replica still runs what its tag named before
    read_only: bool = True  # where it is confined: its root file system


@dataclass(frozen=True)
class Trouble:
    """What is wrong with the first container of one replica."""

    reason: str  # CrashLoopBackOff, ImagePullBackOff, NotReady or OOMKilled
    at: str = ""
    restarts: int = 0


@dataclass(frozen=True)
class Workload:
    """A Deployment, StatefulSet, DaemonSet, CronJob or StaticPod."""

    kind: str
    namespace: str
    name: str
    containers: tuple[Container, ...]
    replicas: int = 2
    nodes: tuple[str, ...] = ()  # where its replicas run; none named: spread over the workers
    spread: bool = True  # obliges the scheduler to spread its replicas
    volumes: dict[str, dict[str, Any]] = field(default_factory=dict)
    claims: dict[str, int] = field(default_factory=dict)  # claim template: GiB
    trouble: dict[int, Trouble] = field(default_factory=dict)  # by replica
    labels: dict[str, str] = field(default_factory=dict)
    account: str = ""  # its own name where nothing is written
    token: bool = False
    priority: str = "clinical-critical"
    max_unavailable: int | str = "25%"
    host_network: bool = False
    networks: str = ""  # networks beside that of the pods, to which a second plugin attaches its pods
    tolerates: str = ""  # all: runs on every node; control-plane: there as well
    schedule: str = ""
    suspended: bool = False
    applied: bool = False  # written with kubectl apply, whose annotation repeats the whole manifest
    revisions: int = 1
    edited: tuple[str, str] = ("", "")  # who changed it by hand, and when
    made_by: str = ""  # object of an operator that owns it, `Kind/name`, in the same namespace


@dataclass(frozen=True)
class Service:
    """A Service; `ports` maps a name to the port and the target."""

    namespace: str
    name: str
    ports: dict[str, tuple[int, int | str]]
    app: str = ""  # value of the name label it selects; none: endpoints by hand or an external name
    headless: bool = False
    external_name: str = ""
    addresses: tuple[str, ...] = ()
    balancer: str = ""  # address of the load balancer
    ranges: tuple[str, ...] = ()  # addresses from which the load balancer may be used; none: all


@dataclass(frozen=True)
class Budget:
    """A PodDisruptionBudget over one value of the name label."""

    namespace: str
    name: str
    app: str
    max_unavailable: int | str | None = 1
    min_available: int | str | None = None


@dataclass(frozen=True)
class Autoscaler:
    """A HorizontalPodAutoscaler of the Deployment of the same name."""

    namespace: str
    name: str
    least: int = 2
    most: int = 6
    active: bool = True


@dataclass(frozen=True)
class Claim:
    """A PersistentVolumeClaim; those of a StatefulSet follow from its templates."""

    namespace: str
    name: str
    size: int
    storage_class: str
    zone: str = ""
    bound: bool = True
    reclaim: str = "Retain"  # what becomes of its volume when it is deleted


@dataclass(frozen=True)
class Namespace:
    """A Namespace with its guards. A quota `compute` limits requests, `count` only numbers of objects."""

    name: str
    phi: bool = False
    environment: str = ""
    pod_security: str = ""
    quota: str = ""
    limit_range: bool = False
    signed: bool = False  # images are asked for signatures


@dataclass(frozen=True)
class Route:
    """An Ingress of the Service of the same name, for one host."""

    namespace: str
    name: str
    hostname: str
    port: int
    tls: bool = True
    redirect: bool = True  # requests without TLS are sent to the address with it
    ends: str = "2026-12-31T06:00:00Z"  # of its certificate
    renewal: str = "2026-12-01T06:00:00Z"  # of its certificate; none: nobody will
    issued: bool = True  # the certificate is as asked for


@dataclass(frozen=True)
class Policy:
    """A network policy, of Kubernetes or of another kind."""

    namespace: str
    name: str
    spec: dict[str, Any]
    kind: str = "NetworkPolicy"


@dataclass(frozen=True)
class ScopeEntry:
    """One entry of the scope file, as it stands there."""

    position: int
    content: dict[str, str]


@dataclass(frozen=True)
class Custom:
    """An object that is written out: a custom resource, or what nothing else here makes."""

    kind: str
    namespace: str
    name: str
    content: dict[str, Any]  # all of it but its metadata
    created: str = "2025-02-20T09:00:00Z"
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Input:
    """One file of the folder `inputs`: a document, or the rows of a CSV file."""

    path: str
    content: Any


@dataclass(frozen=True)
class Machine:
    """The systems of one node, as its kubelet reports them."""

    name: str
    kubelet: str
    runtime: str = "containerd://2.3.5"
    system: str = "Ubuntu 24.04.3 LTS"
    ahead: int = 0  # seconds by which its clock is ahead of those of the API servers


@dataclass(frozen=True)
class Scan:
    """What a scanner saw in the image of one container of a workload."""

    workload: str
    container: str
    found: tuple[tuple[Any, ...], ...] = ()  # id, package, installed, fixed, severity, published, score
    scanned_at: str = "2026-11-19T22:10:04Z"
    system: tuple[str, str] = ("debian", "12.12")
    ended: bool = False  # the system gets no fixes any more
    secrets: tuple[str, ...] = ()  # rules by which secrets were found
    looked_for: tuple[str, ...] = ("vulnerabilities", "secrets", "packages")


@dataclass(frozen=True)
class Signed:
    """One file of the folder `records`: its text, or kind, key and records of a list."""

    path: str
    content: Any


Declaration = (
    Workload
    | Service
    | Budget
    | Autoscaler
    | Claim
    | Namespace
    | Route
    | Policy
    | ScopeEntry
    | Custom
    | Input
    | Machine
    | Scan
    | Signed
    | Act
    | Silence
)
Declared = TypeVar(
    "Declared",
    *(
        Workload,
        Service,
        Budget,
        Autoscaler,
        Claim,
        Namespace,
        Route,
        Policy,
        ScopeEntry,
        Custom,
        Input,
        Machine,
        Scan,
        Signed,
        Act,
        Silence,
    ),
)


def object_id(declared: Declaration) -> str:
    """Return how the object that comes of a declaration is written."""
    match declared:
        case Workload() | Policy() | Custom():
            return f"{declared.kind}/{declared.namespace}/{declared.name}"
        case Namespace(name=name):
            return f"Namespace//{name}"
        case ScopeEntry(position=position):
            return f"ScopeEntry//{position}"
        case Machine(name=name):
            return f"Node//{name}"
        case Scan(workload=workload, container=container):
            return f"Scan//{workload}/{container}"
        case Input(path=path):
            return f"Input//{path}"
        case Signed(path=path):
            return f"Signed//{path}"
        case Act(name=name):
            return f"Act//{name}"
        case Silence(server=server):
            return f"Silence//{server}"
        case Service() | Budget() | Autoscaler() | Claim() | Route():
            return f"{KIND_OF[type(declared)]}/{declared.namespace}/{declared.name}"


KIND_OF: dict[type, str] = {
    Service: "Service",
    Budget: "PodDisruptionBudget",
    Autoscaler: "HorizontalPodAutoscaler",
    Claim: "PersistentVolumeClaim",
    Route: "Ingress",
}


class Hospital:
    """Everything declared, by object id, in the order of declaration."""

    def __init__(self, *declared: Declaration) -> None:
        self.declared = {object_id(one): one for one in declared}
        # Fixed before any fault is planted: a fault must not move the addresses of others.
        self.order = {key: number for number, key in enumerate(self.declared)}
        self.first_pod: dict[str, int] = {}
        next_pod = 10
        for key, one in self.declared.items():
            if isinstance(one, Workload):
                self.first_pod[key] = next_pod
                next_pod += max(one.replicas, len(one.nodes))

    def all(self, kind: type[Declared]) -> list[Declared]:
        """Return the declarations of one type."""
        return [one for one in self.declared.values() if isinstance(one, kind)]

    def drop(self, key: str) -> None:
        """Take a declaration away."""
        del self.declared[key]

    def change(self, key: str, **fields: Any) -> None:
        """Change fields of a declaration."""
        self.declared[key] = replace(self.declared[key], **fields)

    def change_container(self, key: str, container: str, **fields: Any) -> None:
        """Change fields of one container of a workload; the name `*` means every container."""
        workload = self.declared[key]
        if not isinstance(workload, Workload):
            raise TypeError(f"{key} has no containers; name a workload")
        if container not in ("*", *(one.name for one in workload.containers)):
            raise KeyError(f"{key} has no container {container!r}; name one of its containers")
        changed = (replace(one, **fields) if container in (one.name, "*") else one for one in workload.containers)
        self.change(key, containers=tuple(changed))
