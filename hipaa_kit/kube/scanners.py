"""Programs that look for vulnerabilities, by the images they come in; and registries that may scan what they serve."""

from __future__ import annotations

from typing import Final, NamedTuple

from hipaa_kit.kube.images import registry_of

LOOKS_AT: Final = ("images", "nodes", "configuration", "applications")


class Scanner(NamedTuple):
    """A scanner and what it looks at."""

    name: str
    looks_at: str


_SCANNERS: Final = {
    "aquasec/trivy-operator": Scanner("Trivy Operator", "images"),
    "aquasecurity/trivy-operator": Scanner("Trivy Operator", "images"),
    "aquasecurity/trivy": Scanner("Trivy", "images"),
    "aquasecurity/starboard-operator": Scanner("Starboard", "images"),
    "anchore/enterprise": Scanner("Anchore", "images"),
    "anchore/anchore-engine": Scanner("Anchore", "images"),
    "anchore/grype": Scanner("Grype", "images"),
    "ckotzbauer/vulnerability-operator": Scanner("Vulnerability Operator", "images"),
    "goharbor/trivy-adapter-photon": Scanner("Harbor", "images"),
    "kubescape/kubevuln": Scanner("Kubescape", "images"),
    "kubescape/kubescape": Scanner("Kubescape", "configuration"),
    "kubescape/host-scanner": Scanner("Kubescape", "nodes"),
    "neuvector/scanner": Scanner("NeuVector", "images"),
    "projectquay/clair": Scanner("Clair", "images"),
    "quay/clair-rhel8": Scanner("Clair", "images"),
    "stackrox-io/scanner": Scanner("StackRox", "images"),
    "stackrox-io/scanner-v4": Scanner("StackRox", "images"),
    "advanced-cluster-security/rhacs-scanner-rhel8": Scanner("StackRox", "images"),
    "advanced-cluster-security/rhacs-scanner-v4-rhel8": Scanner("StackRox", "images"),
    "sysdig/vuln-runtime-scanner": Scanner("Sysdig", "images"),
    "sysdig/vuln-host-scanner": Scanner("Sysdig", "nodes"),
    "twistlock/defender": Scanner("Prisma Cloud", "images"),
    "azuredefender/stable/security-publisher": Scanner("Defender for Containers", "images"),
    "snyk/kubernetes-monitor": Scanner("Snyk", "images"),
    "aquasec/kube-bench": Scanner("kube-bench", "nodes"),
    "aquasecurity/kube-bench": Scanner("kube-bench", "nodes"),
    "aquasec/node-collector": Scanner("Trivy Operator", "nodes"),
    "aquasecurity/node-collector": Scanner("Trivy Operator", "nodes"),
    "wazuh/wazuh-agent": Scanner("Wazuh", "nodes"),
    "zaproxy/zaproxy": Scanner("ZAP", "applications"),
    "zaproxy/zap-stable": Scanner("ZAP", "applications"),
    "projectdiscovery/nuclei": Scanner("Nuclei", "applications"),
}
"""Scanners by the end of their image's name. Sources: the installation guides of each project, such as
https://aquasecurity.github.io/trivy-operator/latest/getting-started/installation/,
https://kubescape.io/docs/install-operator/, https://goharbor.io/docs/latest/administration/vulnerability-scanning/,
https://quay.github.io/clair/, https://learn.microsoft.com/azure/defender-for-cloud/defender-for-containers-architecture.
"""


def scanner_of(repository: str) -> Scanner | None:
    """Return the scanner that an image holds, or None where it holds none that is known."""
    parts = repository.split("/")
    ends = ("/".join(parts[-length:]) for length in (2, 3))
    return next((_SCANNERS[end] for end in ends if end in _SCANNERS), None)


def scanning_registry(repository: str) -> str:
    """Return the scanner that a registry offers for what it serves, "" where none is known.

    Whether it is turned on does not show in the cluster.
    Sources: https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning.html,
    https://cloud.google.com/artifact-analysis/docs, https://docs.quay.io/,
    https://learn.microsoft.com/azure/defender-for-cloud/agentless-vulnerability-assessment-azure
    """
    host = registry_of(repository)
    if ".dkr.ecr." in host:
        return "Amazon ECR"
    if host.endswith((".pkg.dev", "gcr.io")) and host != "k8s.gcr.io":
        return "Google Artifact Analysis"
    if host.endswith(".azurecr.io"):
        return "Defender for Containers"
    if host == "quay.io":
        return "Quay"
    return "Harbor" if "harbor" in host.split(":")[0].split(".") else ""
