"""What the cluster runs for itself: control plane, network, storage, entry, monitoring, backup."""

from __future__ import annotations

from typing import Any

from model import CONTROL_PLANE, NODES, WORKERS, Budget, Container, Declaration, Machine, Namespace, Service, Workload
from objects import SERVER_VERSION

VERSION = SERVER_VERSION
PKI = "/etc/kubernetes/pki"


def host(path: str, kind: str = "") -> dict[str, Any]:
    """Return a volume on the node."""
    return {"hostPath": {"path": path, "type": kind}}


def namespaces() -> list[Declaration]:
    """Declare the namespaces of the cluster's own software."""
    return [
        Namespace("default"),
        Namespace("kube-system"),
        Namespace("kube-public"),
        Namespace("kube-node-lease"),
        Namespace("ingress-nginx", pod_security="baseline", quota="count"),
        Namespace("cert-manager", pod_security="restricted"),
        Namespace("cosign-system", pod_security="restricted"),
        Namespace("monitoring", pod_security="privileged"),
        Namespace("velero", pod_security="baseline"),
    ]


def machines() -> list[Declaration]:
    """Declare the nodes."""
    return [Machine(name, SERVER_VERSION) for name in NODES]


def static_pod(name: str, image: str, port: int, cpu: int, memory: int, *flags: str) -> Workload:
    """Declare a control-plane component that each kubelet runs from a file."""
    data = {"/var/lib/etcd": "etcd-data", f"{PKI}/etcd": "certs"} if name == "etcd" else {PKI: "certs"}
    volumes = {"certs": host(f"{PKI}/etcd" if name == "etcd" else PKI, "DirectoryOrCreate")}
    if name == "etcd":
        volumes["etcd-data"] = host("/var/lib/etcd", "DirectoryOrCreate")
    container = Container(
        name,
        f"registry.k8s.io/{image}",
        cpu=cpu,
        memory=memory,
        mounts=data,
        command=(name, *flags),
        # The API server lets in no request without credentials, and a probe has none.
        liveness=f"tcp {port}" if name == "kube-apiserver" else f"http /livez {port}",
        readiness=f"tcp {port}" if name == "kube-apiserver" else f"http /readyz {port}",
        confined=False,
    )
    return Workload(
        "StaticPod",
        "kube-system",
        name,
        (container,),
        nodes=CONTROL_PLANE,
        volumes=volumes,
        host_network=True,
        priority="system-node-critical",
    )


def control_plane() -> list[Declaration]:
    """Declare a stacked control plane: every member runs its own etcd."""
    config = "--kubeconfig=/etc/kubernetes/{name}.conf"
    return [
        static_pod(
            "etcd",
            "etcd:3.6.5-0",
            2381,
            100,
            100,
            "--name={node}",
            "--advertise-client-urls=https://{address}:2379",
            "--data-dir=/var/lib/etcd",
            "--client-cert-auth=true",
            "--peer-client-cert-auth=true",
            f"--cert-file={PKI}/etcd/server.crt",
            f"--peer-trusted-ca-file={PKI}/etcd/ca.crt",
            f"--trusted-ca-file={PKI}/etcd/ca.crt",
            "--listen-client-urls=https://127.0.0.1:2379,https://{address}:2379",
            "--listen-metrics-urls=http://127.0.0.1:2381",
            "--listen-peer-urls=https://{address}:2380",
            "--feature-gates=InitialCorruptCheck=true,CompactHashCheck=true",
        ),
        static_pod(
            "kube-apiserver",
            f"kube-apiserver:{VERSION}",
            6443,
            250,
            0,
            "--admission-control-config-file=/etc/kubernetes/admission.yaml",
            "--advertise-address={address}",
            "--audit-log-maxage=30",
            "--audit-log-maxbackup=10",
            "--audit-log-maxsize=100",
            "--audit-log-path=/var/log/kubernetes/audit/audit.log",
            "--audit-policy-file=/etc/kubernetes/audit-policy.yaml",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--encryption-provider-config=/etc/kubernetes/enc/encryption-config.yaml",
            "--etcd-servers=https://127.0.0.1:2379",
            "--oidc-client-id=kubernetes",
            "--oidc-issuer-url=https://login.clinic.example/realms/staff",
            "--anonymous-auth=false",
            "--audit-webhook-config-file=/etc/kubernetes/audit-webhook.yaml",
            "--profiling=false",
            "--service-cluster-ip-range=10.96.0.0/16",
            f"--client-ca-file={PKI}/ca.crt",
            f"--etcd-cafile={PKI}/etcd/ca.crt",
            f"--etcd-certfile={PKI}/apiserver-etcd-client.crt",
            f"--etcd-keyfile={PKI}/apiserver-etcd-client.key",
            f"--kubelet-certificate-authority={PKI}/ca.crt",
            f"--kubelet-client-certificate={PKI}/apiserver-kubelet-client.crt",
            f"--kubelet-client-key={PKI}/apiserver-kubelet-client.key",
            f"--tls-cert-file={PKI}/apiserver.crt",
            "--tls-min-version=VersionTLS12",
        ),
        static_pod(
            "kube-controller-manager",
            f"kube-controller-manager:{VERSION}",
            10257,
            200,
            0,
            "--bind-address=127.0.0.1",
            "--leader-elect=true",
            "--use-service-account-credentials=true",
            config.format(name="controller-manager"),
        ),
        static_pod(
            "kube-scheduler",
            f"kube-scheduler:{VERSION}",
            10259,
            100,
            0,
            "--bind-address=127.0.0.1",
            "--leader-elect=true",
            config.format(name="scheduler"),
        ),
    ]


def daemon_set(namespace: str, name: str, container: Container, **fields: Any) -> Workload:
    """Declare a DaemonSet of one container; it runs on the workers unless it tolerates all."""
    defaults = {"priority": "system-node-critical", "host_network": True, "spread": False, "token": True}
    nodes = NODES if fields.get("tolerates") == "all" else WORKERS
    return Workload("DaemonSet", namespace, name, (container,), nodes=nodes, **{**defaults, **fields})


def node_agents() -> list[Declaration]:
    """Declare what runs on every node: network, storage driver, metrics, logs."""
    cilium = Container(
        "cilium-agent",
        "quay.io/cilium/cilium:v1.19.1",
        memory=512,
        command=("cilium-agent", "--config-dir=/tmp/cilium/config-map"),
        mounts={"/var/run/cilium": "run", "/sys/fs/bpf": "bpf"},
        liveness="http /healthz 9879",
        readiness="http /healthz 9879",
        privileged=True,
        confined=False,
    )
    storage = Container(
        "driver",
        "quay.io/cephcsi/cephcsi:v3.15.0",
        memory=128,
        mounts={"/var/lib/kubelet": "kubelet", "/csi": "plugin"},
        privileged=True,
        confined=False,
    )
    metrics = Container(
        "node-exporter",
        "quay.io/prometheus/node-exporter:v1.9.1",
        memory=180,
        ports={"metrics": 9100},
        args=("--path.rootfs=/host/root",),
        mounts={"/host/root": "root"},
    )
    logs = Container(
        "fluent-bit",
        "cr.fluentbit.io/fluent/fluent-bit:4.0.8",
        memory=128,
        mounts={"/var/log": "logs"},
        confined=False,
    )
    return [
        daemon_set(
            "kube-system",
            "cilium",
            cilium,
            tolerates="all",
            volumes={"run": host("/var/run/cilium"), "bpf": host("/sys/fs/bpf")},
        ),
        daemon_set(
            "kube-system",
            "ceph-csi-node",
            storage,
            volumes={
                "kubelet": host("/var/lib/kubelet"),
                "plugin": host("/var/lib/kubelet/plugins/rbd.csi.ceph.com"),
            },
        ),
        daemon_set("monitoring", "node-exporter", metrics, volumes={"root": host("/")}, token=False, tolerates="all"),
        daemon_set(
            "monitoring",
            "fluent-bit",
            logs,
            volumes={"logs": host("/var/log")},
            host_network=False,
            tolerates="all",
        ),
    ]


def server(namespace: str, name: str, image: str, port: int, **fields: Any) -> Workload:
    """Declare a Deployment of one container with one port, as the projects' own charts write it."""
    container = Container(
        name,
        image,
        ports={fields.pop("port_name", "http"): port},
        readiness=fields.pop("ready", "tcp http"),
        memory=fields.pop("memory", 128),
        args=fields.pop("args", ()),
        mounts=fields.pop("mounts", {}),
        env=fields.pop("env", {}),
    )
    defaults: dict[str, Any] = {"replicas": 1, "token": True, "spread": False, "priority": ""}
    return Workload("Deployment", namespace, name, (container,), **{**defaults, **fields})


def cluster_services() -> list[Declaration]:
    """Declare name service, metrics, storage controller, entry and certificates."""
    critical = "system-cluster-critical"
    return [
        server(
            "kube-system",
            "coredns",
            "registry.k8s.io/coredns/coredns:v1.12.1",
            53,
            port_name="dns",
            replicas=2,
            ready="http /ready 8181",
            args=("-conf", "/etc/coredns/Corefile"),
            volumes={"config": {"configMap": {"defaultMode": 0o644, "name": "coredns"}}},
            mounts={"/etc/coredns": "config"},
            priority=critical,
            tolerates="control-plane",
        ),
        server("kube-system", "cilium-operator", "quay.io/cilium/operator-generic:v1.19.1", 9234, priority=critical),
        server(
            "kube-system",
            "metrics-server",
            "registry.k8s.io/metrics-server/metrics-server:v0.8.0",
            10250,
            priority=critical,
        ),
        server(
            "kube-system",
            "ceph-csi-controller",
            "quay.io/cephcsi/cephcsi:v3.15.0",
            9808,
            args=("--type=controller", "--drivername=rbd.csi.ceph.com"),
            priority=critical,
        ),
        server(
            "ingress-nginx",
            "ingress-nginx",
            "registry.clinic.example/platform/ingress-nginx-controller:1.13.3-clinic4",
            8443,
            replicas=2,
            ready="http /healthz 10254",
            memory=512,
            spread=True,
        ),
        server("cert-manager", "cert-manager", "quay.io/jetstack/cert-manager-controller:v1.21.0", 9402),
        server(
            "cosign-system",
            "policy-controller-webhook",
            "ghcr.io/sigstore/policy-controller/policy-controller:v0.13.0",
            8443,
            replicas=2,
            spread=True,
        ),
        Service("cosign-system", "webhook", {"https": (443, "http")}, app="policy-controller-webhook"),
        Budget("cosign-system", "policy-controller-webhook", "policy-controller-webhook"),
        Service("kube-system", "kube-dns", {"dns": (53, "dns")}, app="coredns"),
        Service("kube-system", "metrics-server", {"https": (443, "http")}, app="metrics-server"),
        Service(
            "ingress-nginx",
            "ingress-nginx",
            {"https": (443, "http")},
            app="ingress-nginx",
            balancer="10.40.1.10",
        ),
        Budget("ingress-nginx", "ingress-nginx", "ingress-nginx"),
        Budget("kube-system", "coredns", "coredns"),
    ]


def backup() -> list[Declaration]:
    """Declare what makes backups; nobody made it highly available."""
    return [
        server(
            "velero",
            "velero",
            "docker.io/velero/velero:v1.17.0",
            8085,
            memory=512,
            ready="",
            args=("server", "--features=EnableCSI"),
        )
    ]
