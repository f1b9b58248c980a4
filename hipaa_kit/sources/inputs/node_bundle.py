"""Files of the control plane and of the nodes: encryption, audit policy, admission, kubelets.

Sources: https://kubernetes.io/docs/reference/config-api/apiserver-config.v1/ (EncryptionConfiguration,
AdmissionConfiguration), https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/ (Policy),
https://kubernetes.io/docs/tasks/configure-pod-container/enforce-standards-admission-controller/
(PodSecurityConfiguration), https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/.

A file says which node it is of by the folder it stands in: `nodes/<node>/…`; others speak of the whole control plane.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from hipaa_kit.errors import InputError
from hipaa_kit.sources.inputs.declaration import Form, Input, Reading, Row, items
from hipaa_kit.sources.inputs.parsing import Sheet
from hipaa_kit.sources.inputs.values import get, moment, seconds, text, texts, truth, whole
from hipaa_kit.tables import control_plane as tables

PROVIDERS: Final = ("identity", "aescbc", "aesgcm", "secretbox", "kms")
LEVELS: Final = ("None", "Metadata", "Request", "RequestResponse")
POD_SECURITY_LEVELS: Final = ("privileged", "baseline", "restricted")
NODE_FOLDER: Final = "nodes"
_ENCRYPTED: Final = re.compile(r"k8s:enc:[a-z]{1,20}:v\d{1,2}:(?:[\w.-]{1,253}:)?", re.ASCII)
MATCHES: Final = {
    "users": "users",
    "user_groups": "userGroups",
    "verbs": "verbs",
    "namespaces": "namespaces",
    "non_resource_urls": "nonResourceURLs",
}


def _is(document: Any, kind: str, group: str) -> bool:
    return text(document, "kind") == kind and text(document, "apiVersion").partition("/")[0] == group


def is_encryption(document: Any) -> bool:
    """Tell whether a document is an EncryptionConfiguration."""
    return _is(document, "EncryptionConfiguration", "apiserver.config.k8s.io")


def read_encryption(document: Any, reading: Reading) -> Iterator[Row]:
    """Yield the providers of every resource in their order, and the names of their keys.

    Notes
    -----
    For each resource the first entry that names it counts, and in it the first provider writes.
    """
    node = reading.folder_after(NODE_FOLDER)
    if not isinstance(get(document, "resources"), list):
        raise InputError("has no list resources", "", "give the file of --encryption-provider-config")
    for entry, each in enumerate(items(document["resources"]), 1):
        for position, provider in enumerate(items(each.get("providers")), 1):
            yield from _provider(node, entry, position, texts(each, "resources"), provider)


def _provider(node: str, entry: int, position: int, resources: list[str], provider: Mapping[str, Any]) -> Iterator[Row]:
    known = [name for name in PROVIDERS if name in provider]
    if len(known) != 1:
        raise InputError(f"provider {position} of entry {entry} is none of {', '.join(PROVIDERS)}")
    settings = provider[known[0]]
    keys = list(items(get(settings, "keys")))
    for resource in dict.fromkeys(resources):
        values = {
            "node": node,
            "entry": entry,
            "resource": resource,
            "position": position,
            "provider": known[0],
            "name": text(settings, "name") if known[0] == "kms" else "",
            "api_version": text(settings, "apiVersion"),
            "keys": len(keys),
        }
        yield Row(tables.ENCRYPTION_PROVIDERS, values)
    for place, key in enumerate(keys, 1):
        place_of = {"node": node, "entry": entry, "position": position, "place": place}
        yield Row(tables.ENCRYPTION_KEYS, {**place_of, "key_name": text(key, "name")})


def is_audit_policy(document: Any) -> bool:
    """Tell whether a document is an audit policy."""
    return _is(document, "Policy", "audit.k8s.io")


def read_audit_policy(document: Any, reading: Reading) -> Iterator[Row]:
    """Yield a policy, its rules in order and what each is restricted to."""
    node = reading.folder_after(NODE_FOLDER)
    if not isinstance(get(document, "rules"), list):
        raise InputError("has no list rules", "", "give the file of --audit-policy-file")
    rules = list(items(document["rules"]))
    policy = {
        "node": node,
        "api_version": text(document, "apiVersion"),
        "rules": len(rules),
        "omit_stages": " ".join(texts(document, "omitStages")),
        "omit_managed_fields": bool(truth(document, "omitManagedFields")),
    }
    yield Row(tables.AUDIT_POLICIES, policy)
    for position, rule in enumerate(rules, 1):
        yield from _audit_rule(node, position, rule)


def _audit_rule(node: str, position: int, rule: Mapping[str, Any]) -> Iterator[Row]:
    if text(rule, "level") not in LEVELS:
        raise InputError(f"rule {position} has none of the levels {', '.join(LEVELS)}")
    place = {"node": node, "position": position}
    settings = {"level": text(rule, "level"), "omit_stages": " ".join(texts(rule, "omitStages"))}
    yield Row(tables.AUDIT_RULES, {**place, **settings, "omit_managed_fields": truth(rule, "omitManagedFields")})
    matches = [(field, 0, value) for field, key in MATCHES.items() for value in texts(rule, key)]
    for entry, resources in enumerate(items(rule.get("resources")), 1):
        matches.append(("group", entry, text(resources, "group")))
        matches += [("resources", entry, value) for value in texts(resources, "resources")]
        matches += [("resource_names", entry, value) for value in texts(resources, "resourceNames")]
    for field, entry, value in dict.fromkeys(matches):
        yield Row(tables.AUDIT_RULE_MATCHES, {**place, "field": field, "entry": entry, "value": value})


def is_admission(document: Any) -> bool:
    """Tell whether a document is an admission configuration, or that of Pod Security alone."""
    return _is(document, "AdmissionConfiguration", "apiserver.config.k8s.io") or is_pod_security(document)


def is_pod_security(document: Any) -> bool:
    """Tell whether a document is a PodSecurityConfiguration."""
    return _is(document, "PodSecurityConfiguration", "pod-security.admission.config.k8s.io")


def read_admission(document: Any, reading: Reading) -> Iterator[Row]:
    """Yield the plugins that are configured, and the defaults and exemptions of Pod Security."""
    node = reading.folder_after(NODE_FOLDER)
    if is_pod_security(document):
        yield from _pod_security(node, document)
        return
    for plugin in items(document.get("plugins")):
        values = {
            "node": node,
            "name": text(plugin, "name"),
            "path": text(plugin, "path"),
            "configuration": text(plugin, "configuration", "kind"),
        }
        yield Row(tables.ADMISSION_PLUGINS, values)
        if is_pod_security(plugin.get("configuration")):
            yield from _pod_security(node, plugin["configuration"])


def _pod_security(node: str, document: Mapping[str, Any]) -> Iterator[Row]:
    for mode in ("enforce", "audit", "warn"):
        level = text(document, "defaults", mode) or "privileged"
        if level not in POD_SECURITY_LEVELS:
            raise InputError(f"defaults.{mode} is none of {', '.join(POD_SECURITY_LEVELS)}")
        version = text(document, "defaults", f"{mode}-version") or "latest"
        yield Row(tables.POD_SECURITY_DEFAULTS, {"node": node, "mode": mode, "level": level, "version": version})
    fields = {"usernames": "usernames", "runtime_classes": "runtimeClasses", "namespaces": "namespaces"}
    for field, key in fields.items():
        for value in dict.fromkeys(texts(document, "exemptions", key)):
            yield Row(tables.POD_SECURITY_EXEMPTIONS, {"node": node, "field": field, "value": value})


def is_kubelet(document: Any) -> bool:
    """Tell whether a document is a KubeletConfiguration, or what a kubelet answers under `configz`."""
    return _is(document, "KubeletConfiguration", "kubelet.config.k8s.io") or isinstance(
        get(document, "kubeletconfig"), Mapping
    )


def read_kubelet(document: Any, reading: Reading) -> Iterator[Row]:
    """Yield what a kubelet runs with; `configz` has its defaults filled in, a file has not."""
    node = reading.folder_after(NODE_FOLDER)
    if not node:
        raise InputError("does not say which node it is of", "", "put it into nodes/NODE/")
    asked = get(document, "kubeletconfig")
    kubelet = asked if isinstance(asked, Mapping) else document
    values = {
        "node": node,
        "origin": "file" if kubelet is document else "configz",
        "anonymous_auth": truth(kubelet, "authentication", "anonymous", "enabled"),
        "webhook_auth": truth(kubelet, "authentication", "webhook", "enabled"),
        "authorization_mode": text(kubelet, "authorization", "mode"),
        "client_ca_file": text(kubelet, "authentication", "x509", "clientCAFile"),
        "read_only_port": whole(kubelet, "readOnlyPort"),
        "rotate_certificates": truth(kubelet, "rotateCertificates"),
        "server_tls_bootstrap": truth(kubelet, "serverTLSBootstrap"),
        "tls_min_version": text(kubelet, "tlsMinVersion"),
        "tls_cipher_suites": " ".join(texts(kubelet, "tlsCipherSuites")),
        "protect_kernel_defaults": truth(kubelet, "protectKernelDefaults"),
        "make_iptables_util_chains": truth(kubelet, "makeIPTablesUtilChains"),
        "event_record_qps": whole(kubelet, "eventRecordQPS"),
        "streaming_idle_seconds": seconds(get(kubelet, "streamingConnectionIdleTimeout")),
        "debugging_handlers": truth(kubelet, "enableDebuggingHandlers"),
        "seccomp_default": truth(kubelet, "seccompDefault"),
        "fail_swap_on": truth(kubelet, "failSwapOn"),
        "pod_pids_limit": whole(kubelet, "podPidsLimit"),
        "max_pods": whole(kubelet, "maxPods"),
        "static_pod_path": text(kubelet, "staticPodPath"),
    }
    yield Row(tables.KUBELET_SETTINGS, values)


def is_etcd(document: Any) -> bool:
    """Tell whether a table counts values in etcd by how they begin."""
    return isinstance(document, Sheet) and set(document.columns) >= {"resource", "prefix", "objects"}


def read_etcd(document: Any, reading: Reading) -> Iterator[Row]:
    """Yield how many values begin alike; of one that is not encrypted nothing is kept."""
    node = reading.folder_after(NODE_FOLDER)
    for line_number, row in document.rows:
        objects = whole(row, "objects")
        if objects is None or objects < 0 or not row["resource"]:
            raise InputError(f"line {line_number} lacks a resource or a count", "", "make it with the command")
        found = _ENCRYPTED.match(row["prefix"])
        values = {
            "node": node,
            "resource": text(row, "resource"),
            "prefix": found[0] if found else "",
            "objects": objects,
            "complete": truth(row, "complete"),
            "taken_at": moment(row.get("taken_at")),
        }
        yield Row(tables.ETCD_VALUES, values)


def is_lsblk(document: Any) -> bool:
    """Tell whether a document is what `lsblk --json` answers."""
    return isinstance(get(document, "blockdevices"), list)


def read_lsblk(document: Any, reading: Reading) -> Iterator[Row]:
    """Yield where a node mounts its block devices, and whether a crypt device lies below each."""
    node = reading.folder_after(NODE_FOLDER)
    if not node:
        raise InputError("does not say which node it is of", "", "put it into nodes/NODE/")
    waiting = [(device, False) for device in items(document["blockdevices"])]
    seen: dict[str, Row] = {}
    while waiting:
        device, inside = waiting.pop()
        if not text(device, "type"):
            raise InputError("does not say the types of devices", "", "ask with --output NAME,TYPE,FSTYPE,MOUNTPOINTS")
        inside = inside or text(device, "type") == "crypt"
        waiting += [(child, inside) for child in items(device.get("children"))]
        for path in [text(device, "mountpoint"), *texts(device, "mountpoints")]:
            if path:
                values = {"node": node, "mount_path": path, "device": text(device, "name"), "encrypted": inside}
                seen[path] = Row(tables.NODE_FILESYSTEMS, values)
    yield from seen.values()


INPUTS: Final = (
    Input(
        "encryption_configuration",
        "the API server's encryption configuration; keys are dropped as it is read",
        (Form("EncryptionConfiguration", is_encryption, read_encryption),),
        (tables.ENCRYPTION_PROVIDERS, tables.ENCRYPTION_KEYS),
        "on a control-plane node: sed 's/secret:.*/secret: dropped/' FILE > inputs/encryption-config.yaml, with"
        " FILE as in --encryption-provider-config",
        unit="node",
    ),
    Input(
        "etcd_values",
        "how values in etcd begin, counted",
        (Form("CSV with columns resource, prefix, objects, complete, taken_at", is_etcd, read_etcd),),
        (tables.ETCD_VALUES,),
        "on a control-plane node, with the options of etcdctl for its certificates:"
        " (echo resource,prefix,objects,complete,taken_at; etcdctl get /registry/secrets/ --prefix --keys-only | grep ."
        " | while read -r key; do etcdctl get $key --print-value-only | head -c 80 | grep -aoE"
        " '^k8s:enc:[a-z]+:v[0-9]+:[^:]+:' || echo plain; done | sort | uniq -c |"
        ' awk -v at=$(date -u +%FT%TZ) \'{print "secrets," $2 "," $1 ",true," at}\') > inputs/etcd.csv',
        unit="node",
    ),
    Input(
        "node_filesystems",
        "block devices of nodes",
        (Form("lsblk --json", is_lsblk, read_lsblk),),
        (tables.NODE_FILESYSTEMS,),
        "on each NODE: lsblk --json --output NAME,TYPE,FSTYPE,MOUNTPOINTS > inputs/nodes/NODE/lsblk.json",
        unit="node",
    ),
    Input(
        "audit_policy",
        "the API server's audit policy",
        (Form("audit Policy", is_audit_policy, read_audit_policy),),
        (tables.AUDIT_POLICIES, tables.AUDIT_RULES, tables.AUDIT_RULE_MATCHES),
        "on a control-plane node: cp FILE inputs/audit-policy.yaml, with FILE as in --audit-policy-file",
        unit="node",
    ),
    Input(
        "admission_configuration",
        "the API server's admission configuration, with the defaults and exemptions of Pod Security",
        (Form("AdmissionConfiguration or PodSecurityConfiguration", is_admission, read_admission),),
        (tables.ADMISSION_PLUGINS, tables.POD_SECURITY_DEFAULTS, tables.POD_SECURITY_EXEMPTIONS),
        "on a control-plane node: cp FILE inputs/admission.yaml, with FILE as in --admission-control-config-file",
        unit="node",
    ),
    Input(
        "kubelet_configuration",
        "what each kubelet runs with",
        (Form("KubeletConfiguration, or the answer of configz", is_kubelet, read_kubelet),),
        (tables.KUBELET_SETTINGS,),
        "for each NODE: mkdir -p inputs/nodes/NODE && kubectl get --raw /api/v1/nodes/NODE/proxy/configz"
        " > inputs/nodes/NODE/configz.json",
        unit="node",
    ),
)
