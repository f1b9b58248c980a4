"""Where the hospital's Secrets come from: its Vault, by External Secrets."""

from __future__ import annotations

from collections.abc import Iterable

from model import Custom, Declaration, Workload
from objects import moment

REFRESHED = "2026-11-19"
VAULT = "vault"


def external_secrets(declared: Iterable[Declaration]) -> list[Declaration]:
    """Declare an ExternalSecret for every Secret that a container takes into its environment."""
    wanted = {
        (workload.namespace, value.removeprefix("secret:").partition("/")[0])
        for workload in declared
        if isinstance(workload, Workload)
        for container in workload.containers
        for value in container.env.values()
        if value.startswith("secret:")
    }
    return [external_secret(namespace, name) for namespace, name in sorted(wanted)]


def vault() -> Custom:
    """Declare the store that all of them take from."""
    checked = moment(REFRESHED, "store", "", VAULT)
    ready = {"type": "Ready", "status": "True", "reason": "Valid", "lastTransitionTime": checked}
    auth = {"kubernetes": {"mountPath": "kubernetes", "role": "external-secrets"}}
    provider = {
        "vault": {"server": "https://vault.clinic.example:8200", "path": "clinic", "version": "v2", "auth": auth}
    }
    status = {"capabilities": "ReadWrite", "conditions": [ready]}
    return Custom("ClusterSecretStore", "", VAULT, {"spec": {"provider": provider}, "status": status})


def external_secret(namespace: str, name: str) -> Custom:
    """Declare one that is in step."""
    refreshed = moment(REFRESHED, "refresh", namespace, name)
    ready = {"type": "Ready", "status": "True", "reason": "SecretSynced", "lastTransitionTime": refreshed}
    spec = {
        "dataFrom": [{"extract": {"key": f"clinic/{namespace}/{name}"}}],
        "refreshInterval": "1h0m0s",
        "secretStoreRef": {"kind": "ClusterSecretStore", "name": VAULT},
        "target": {"creationPolicy": "Owner", "name": name},
    }
    status = {"binding": {"name": name}, "conditions": [ready], "refreshTime": refreshed}
    return Custom("ExternalSecret", namespace, name, {"spec": spec, "status": status})
