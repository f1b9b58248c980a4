"""Managed clusters as their provider describes them: what the API of a managed plane does not show.

Sources: https://docs.aws.amazon.com/eks/latest/APIReference/API_Cluster.html,
https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters,
https://learn.microsoft.com/en-us/rest/api/aks/managed-clusters/get,
https://learn.microsoft.com/en-us/azure/aks/monitor-aks-reference (categories of logs).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from hipaa_kit.sources.inputs.declaration import Form, Input, Reading, Row, items
from hipaa_kit.sources.inputs.values import get, last_part, text, texts, truth
from hipaa_kit.tables.cloud import CLOUD_CLUSTERS

EVERY_ADDRESS: Final = "0.0.0.0/0"
"""Who can reach a public endpoint that nothing restricts.

Sources: https://cloud.google.com/kubernetes-engine/docs/how-to/latest/network-isolation,
https://learn.microsoft.com/en-us/azure/aks/api-server-authorized-ip-ranges
"""
_AKS: Final = re.compile(r"/managedClusters/([^/]+)", re.IGNORECASE)
_SUBSCRIPTION: Final = re.compile(r"^/subscriptions/([^/]+)", re.IGNORECASE)
_AUDIT: Final = ("kube-audit", "kube-audit-admin")


def is_eks(document: Any) -> bool:
    """Tell whether a document is what `aws eks describe-cluster` answers."""
    return text(document, "cluster", "arn").startswith("arn:") and ":eks:" in text(document, "cluster", "arn")


def read_eks(document: Any, reading: Reading) -> Iterator[Row]:  # noqa: ARG001 - every form reads alike
    """Yield an EKS cluster; encryption that the answer leaves out is not switched on."""
    cluster = document["cluster"]
    parts = text(cluster, "arn").split(":")
    network = get(cluster, "resourcesVpcConfig")
    logs = get(cluster, "logging", "clusterLogging")
    kept = {name for each in items(logs) if truth(each, "enabled") for name in texts(each, "types")}
    keys = [
        text(each, "provider", "keyArn")
        for each in items(cluster.get("encryptionConfig"))
        if "secrets" in texts(each, "resources")
    ]
    mode = text(cluster, "accessConfig", "authenticationMode")
    values = {
        "provider": "aws",
        "name": text(cluster, "name") or last_part(parts[-1]),
        "account": parts[4] if len(parts) > 4 else "",
        "region": parts[3] if len(parts) > 3 else "",
        "version": text(cluster, "version"),
        "status": text(cluster, "status"),
        "control_plane_logs": " ".join(sorted(kept)),
        "audit_logs": "audit" in kept if isinstance(logs, list) else None,
        # EKS leaves encryptionConfig out where no key was given; only a whole answer can say so.
        "secrets_encrypted": bool(keys) if isinstance(network, Mapping) else None,
        "secrets_key": keys[0] if keys else "",
        "endpoint_public": truth(network, "endpointPublicAccess"),
        "endpoint_private": truth(network, "endpointPrivateAccess"),
        "public_cidrs": " ".join(texts(network, "publicAccessCidrs")),
        "workload_identity": bool(text(cluster, "identity", "oidc", "issuer")) or None,
        "local_accounts": mode != "API" if mode else None,
        "deletion_protection": truth(cluster, "deletionProtection"),
    }
    yield Row(CLOUD_CLUSTERS, values)


def is_gke(document: Any) -> bool:
    """Tell whether a document is what `gcloud container clusters describe` answers."""
    link = text(document, "selfLink")
    return "container.googleapis.com" in link and "/clusters/" in link


def read_gke(document: Any, reading: Reading) -> Iterator[Row]:  # noqa: ARG001 - every form reads alike
    """Yield a GKE cluster.

    Notes
    -----
    `masterAuthorizedNetworksConfig.enabled` restricts the public endpoint; without it the endpoint is open to all.
    Admin activity audit logs are always kept by Google; whether data access logs are is not said here.
    """
    link = text(document, "selfLink").split("/")
    private = get(document, "privateClusterConfig")
    ip_endpoint = get(document, "controlPlaneEndpointsConfig", "ipEndpointsConfig", "enablePublicEndpoint")
    hidden = truth(private, "enablePrivateEndpoint")
    public = ip_endpoint if isinstance(ip_endpoint, bool) else (None if hidden is None else not hidden)
    newer = get(document, "controlPlaneEndpointsConfig", "ipEndpointsConfig", "authorizedNetworksConfig")
    networks = get(document, "masterAuthorizedNetworksConfig") or newer
    listed = " ".join(text(each, "cidrBlock") for each in items(get(networks, "cidrBlocks")))
    policy = truth(document, "networkPolicy", "enabled")
    dataplane = text(document, "networkConfig", "datapathProvider")
    values = {
        "provider": "gcp",
        "name": text(document, "name") or link[-1],
        "account": link[link.index("projects") + 1] if "projects" in link[:-1] else "",
        "region": text(document, "location"),
        "version": text(document, "currentMasterVersion"),
        "status": text(document, "status"),
        "control_plane_logs": " ".join(texts(document, "loggingConfig", "componentConfig", "enableComponents")),
        "secrets_encrypted": _encrypted(document),
        "secrets_key": text(document, "databaseEncryption", "keyName"),
        "endpoint_public": public,
        "endpoint_private": bool(text(private, "privateEndpoint")) or None,
        "public_cidrs": listed if truth(networks, "enabled") or not public else EVERY_ADDRESS,
        "private_nodes": truth(private, "enablePrivateNodes"),
        "workload_identity": bool(text(document, "workloadIdentityConfig", "workloadPool")),
        "network_policy": True if policy or dataplane == "ADVANCED_DATAPATH" else policy,
        "auto_upgrade": bool(text(document, "releaseChannel", "channel")) or None,
    }
    yield Row(CLOUD_CLUSTERS, values)


def _encrypted(document: Any) -> bool | None:
    """Return whether GKE has encrypted what is in etcd; None while it is at it, or where only the wish is written.

    `state` is what is wanted, `currentState` what is: google.container.v1.DatabaseEncryption.
    """
    wanted, now = (text(document, "databaseEncryption", name) for name in ("state", "currentState"))
    if wanted == "DECRYPTED" and not now:
        return False
    return {
        "CURRENT_STATE_ENCRYPTED": True,
        "CURRENT_STATE_ALL_OBJECTS_ENCRYPTION_ENABLED": True,
        "CURRENT_STATE_DECRYPTED": False,
    }.get(now)


def is_aks(document: Any) -> bool:
    """Tell whether a document is what `az aks show` answers."""
    return text(document, "type").lower() == "microsoft.containerservice/managedclusters"


def read_aks(document: Any, reading: Reading) -> Iterator[Row]:  # noqa: ARG001 - every form reads alike
    """Yield an AKS cluster; its audit log is a diagnostic setting, which another command shows."""
    access = get(document, "apiServerAccessProfile")
    # The answer writes null where the profile was never set, and the default is a public endpoint.
    private = truth(access, "enablePrivateCluster") or (False if "apiServerAccessProfile" in document else None)
    kms = get(document, "securityProfile", "azureKeyVaultKms")
    local = truth(document, "disableLocalAccounts")
    pools = [truth(pool, "enableEncryptionAtHost") for pool in items(document.get("agentPoolProfiles"))]
    policy = text(document, "networkProfile", "networkPolicy")
    channel = text(document, "autoUpgradeProfile", "upgradeChannel")
    values = {
        "provider": "azure",
        "name": text(document, "name"),
        "account": _subscription(text(document, "id")),
        "region": text(document, "location"),
        "version": text(document, "currentKubernetesVersion") or text(document, "kubernetesVersion"),
        "status": text(document, "provisioningState"),
        "secrets_encrypted": truth(kms, "enabled") or False if "securityProfile" in document else None,
        "secrets_key": text(kms, "keyId"),
        "endpoint_public": None if private is None else not private,
        "endpoint_private": private,
        "public_cidrs": " ".join(texts(access, "authorizedIpRanges")) or (EVERY_ADDRESS if private is False else ""),
        "workload_identity": truth(document, "securityProfile", "workloadIdentity", "enabled"),
        "network_policy": policy != "none" if policy else None,
        "local_accounts": None if local is None else not local,
        "auto_upgrade": channel != "none" if channel else None,
        "host_encryption": all(pools) if pools and None not in pools else None,
    }
    yield Row(CLOUD_CLUSTERS, values)


def is_aks_logging(document: Any) -> bool:
    """Tell whether a document is a diagnostic setting of an AKS cluster."""
    return isinstance(get(document, "logs"), list) and bool(_AKS.search(text(document, "id")))


def read_aks_logging(document: Any, reading: Reading) -> Iterator[Row]:  # noqa: ARG001 - every form reads alike
    """Yield which logs of the control plane one diagnostic setting keeps."""
    found = _AKS.search(text(document, "id"))
    kept = {text(each, "category") for each in items(document["logs"]) if truth(each, "enabled")} - {""}
    groups = {text(each, "categoryGroup").lower() for each in items(document["logs"]) if truth(each, "enabled")}
    audited = bool(kept & set(_AUDIT) or groups & {"audit", "alllogs"})
    values = {
        "provider": "azure",
        "name": found[1] if found else "",
        "account": _subscription(text(document, "id")),
        "control_plane_logs": " ".join(sorted(kept)),
        # Another setting of the cluster may keep what this one leaves out.
        "audit_logs": audited or None,
    }
    yield Row(CLOUD_CLUSTERS, values)


def _subscription(name: str) -> str:
    found = _SUBSCRIPTION.match(name)
    return found[1] if found else ""


COMMANDS: Final = {
    "aws": "aws eks describe-cluster --name NAME > inputs/eks.json",
    "gcp": "gcloud container clusters describe NAME --location PLACE --format=json > inputs/gke.json",
    "azure": "az aks show -g GROUP -n NAME > inputs/aks.json and az monitor diagnostic-settings list --resource ID"
    " > inputs/aks-logs.json",
}
"""What each provider is asked with."""

INPUTS: Final = (
    Input(
        "cloud_cluster",
        "the managed cluster as its provider describes it",
        (
            Form("aws eks describe-cluster", is_eks, read_eks),
            Form("gcloud container clusters describe", is_gke, read_gke),
            Form("az aks show", is_aks, read_aks),
            Form("az monitor diagnostic-settings list", is_aks_logging, read_aks_logging),
        ),
        (CLOUD_CLUSTERS,),
        f"one of: {'; '.join(COMMANDS.values())}",
    ),
)
