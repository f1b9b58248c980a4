"""Software that a cluster stands on: which product, which version, and how far parts may lie apart.

A product is named as endoflife.date names it. What is not recognised here is not judged by its age.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from hipaa_kit.kube.images import full_repository
from hipaa_kit.kube.versions import release_of

KUBERNETES: Final = "kubernetes"


class Version(NamedTuple):
    """A product and its version, "" where the text does not say it."""

    product: str
    version: str


ADD_ONS: Final = {
    "calico": ("calico/node", "calico/kube-controllers", "calico/typha", "tigera/operator"),
    "cert-manager": ("jetstack/cert-manager-controller", "jetstack/cert-manager-webhook"),
    "cilium": ("cilium/cilium", "cilium/operator", "cilium/operator-generic", "cilium/operator-aws"),
    "external-secrets": ("external-secrets/external-secrets",),
    "ingress-nginx": ("ingress-nginx/controller", "ingress-nginx/controller-chroot"),
    "istio": ("istio/pilot", "istio/proxyv2", "istio/ztunnel", "istio/install-cni"),
    "kyverno": ("kyverno/kyverno", "kyverno/background-controller"),
}
"""Add-ons by the ends of the names of their images; a mirror keeps the end.

Sources: https://docs.tigera.io/calico/latest/, https://cert-manager.io/docs/installation/,
https://docs.cilium.io/en/stable/installation/, https://external-secrets.io/latest/introduction/getting-started/,
https://kubernetes.github.io/ingress-nginx/deploy/, https://istio.io/latest/docs/setup/,
https://kyverno.io/docs/installation/.
"""

_SYSTEMS: Final = (
    ("ubuntu", re.compile(r"Ubuntu (\d+\.\d+)")),
    ("debian", re.compile(r"Debian GNU/Linux (\d+)")),
    ("amazon-linux", re.compile(r"Amazon Linux (\d+)")),
    ("rhel", re.compile(r"Red Hat Enterprise Linux (?:CoreOS )?(\d+(?:\.\d+)?)")),
    ("almalinux", re.compile(r"AlmaLinux (\d+(?:\.\d+)?)")),
    ("rocky-linux", re.compile(r"Rocky Linux (\d+(?:\.\d+)?)")),
    ("oracle-linux", re.compile(r"Oracle Linux Server (\d+(?:\.\d+)?)")),
    ("sles", re.compile(r"SUSE Linux Enterprise Server (\d+(?: SP\d+)?)")),
    ("talos", re.compile(r"Talos \(v(\d+\.\d+\.\d+)\)")),
    ("bottlerocket", re.compile(r"Bottlerocket OS (\d+\.\d+\.\d+)")),
    ("flatcar", re.compile(r"Flatcar Container Linux by Kinvolk (\d+\.\d+\.\d+)")),
    ("azure-linux", re.compile(r"(?:CBL-Mariner/Linux|Microsoft Azure Linux) (\d+\.\d+)")),
)
"""Operating systems by PRETTY_NAME of os-release, which kubelets report as osImage.

Source: https://kubernetes.io/docs/reference/node/node-status/#info,
https://www.freedesktop.org/software/systemd/man/latest/os-release.html
"""

_PLAIN: Final = re.compile(r"v?(\d+\.\d+(?:\.\d+)?)")
_BY_PROVIDER: Final = (
    (re.compile(r"-eks-"), "Amazon EKS"),
    (re.compile(r"-gke\."), "Google GKE"),
    (re.compile(r"-tke\."), "Tencent TKE"),
    (re.compile(r"-aliyun\."), "Alibaba ACK"),
    (re.compile(r"\+[0-9a-f]{7}$"), "OpenShift"),
)


def add_on(repository: str, tag: str) -> Version | None:
    """Return the add-on that an image holds, or None where it is none that is known.

    Parameters
    ----------
    repository, tag
        Of the image as written. A tag that is no version gives none.
    """
    full = full_repository(repository)
    for product, ends in ADD_ONS.items():
        if any(full.endswith(f"/{end}") for end in ends):
            return Version(product, plain(tag))
    return None


def operating_system(os_image: str) -> Version:
    """Return the operating system that a node's osImage names; no product where it is not known."""
    for product, pattern in _SYSTEMS:
        if found := pattern.match(os_image):
            return Version(product, found[1])
    return Version("", "")


def container_runtime(reported: str) -> Version:
    """Return the runtime of `containerd://2.1.4`, as nodes report it."""
    name, _, version = reported.partition("://")
    return Version(name if version else "", plain(version))


def plain(version: str) -> str:
    """Return the numbers of a version such as `v1.35.4-eks-1a2b3c`; "" where it has fewer than two."""
    found = _PLAIN.match(version)
    return found[1] if found else ""


def is_of_cycle(version: str, cycle: str) -> bool:
    """Tell whether a version belongs to a line of releases: 1.35.4 to 1.35, and to `*`."""
    return cycle == "*" or version == cycle or version.startswith((f"{cycle}.", f"{cycle} "))


def provider_of(git_version: str) -> str:
    """Return who builds and maintains a Kubernetes that says so in its version; "" for that of the project.

    Sources: https://docs.aws.amazon.com/eks/latest/userguide/platform-versions.html,
    https://cloud.google.com/kubernetes-engine/versioning,
    https://docs.redhat.com/en/documentation/openshift_container_platform/
    """
    return next((name for pattern, name in _BY_PROVIDER if pattern.search(git_version)), "")


def skew(kubelet: str, server: str) -> str | None:
    """Return what is wrong with the distance of a kubelet from the API server, "" where nothing is.

    None where it is not known, because one of the two does not tell its version.

    A kubelet may not be newer than the API server, and up to three minor versions older; before 1.25 up to two.

    Source: https://kubernetes.io/releases/version-skew-policy/#kubelet
    """
    mine, theirs = release_of(kubelet), release_of(server)
    if mine is None or theirs is None or mine[0] != theirs[0]:
        return None
    behind, oldest = theirs[1] - mine[1], 2 if mine[1] < 25 else 3
    if behind < 0:
        return "newer than the API server"
    return f"{behind} minor versions behind the API server, of which {oldest} are supported" if behind > oldest else ""
