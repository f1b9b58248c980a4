"""What would mend findings of encryption: at the entries by manifest, in etcd, on disks and of keys by command."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from hipaa_kit.graph.ingress_tls import APPGW, HAPROXY, NGINX
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.kube.reading import as_map, as_maps
from hipaa_kit.safeguards.remedy import (
    Cluster,
    Command,
    Failing,
    Instruction,
    Remedy,
    Step,
    advise,
    by_hand,
    containers_patch,
    mend,
    patch,
    remedy,
    run,
)
from hipaa_kit.sources.overlay import Change, Put
from hipaa_kit.sources.snapshot import Record

REDIRECTS: Final = {
    "k8s.io/ingress-nginx": {f"{NGINX}ssl-redirect": "true"},
    **{controller: {f"{prefixes[0]}/ssl-redirect": "true"} for controller, prefixes in HAPROXY.items()},
    "azure/application-gateway": {f"{APPGW}ssl-redirect": "true"},
    "k8s.io/ingress-gce": {"kubernetes.io/ingress.allow-http": "false"},
}
"""Annotations by which controllers turn plain requests away; see `graph.ingress_tls` for their sources."""


@remedy("HK-ENC-08")
def entries_by_tls(finding: Failing, cluster: Cluster) -> Remedy | None:
    """End TLS at the Ingress, and turn plain requests away."""
    return tls_at_ingresses([finding.object], cluster)


def tls_at_ingresses(names: Iterable[str], cluster: Cluster) -> Remedy | None:
    """Return what ends TLS at Ingresses and turns plain requests away; None where their controller is not known."""
    steps: list[Step] = []
    for name in names:
        record = cluster.record(name)
        rows = cluster.rows("entry_listeners", object=name)
        redirect = REDIRECTS.get(str(rows[0]["controller"])) if rows else None
        if record is None or redirect is None:
            return None
        bare = sorted({str(row["host"]) for row in rows if row["tls"] == "none"})
        if "" in bare:  # a rule for every host has no name that a certificate could have
            return None
        spec: dict[str, Any] = {}
        if bare:
            secret = f"{record.name}-tls"
            steps.append(_certificate(record, secret, bare, cluster))
            held = list(as_maps(as_map(record.content, "spec").get("tls")))
            spec = {"spec": {"tls": [*held, {"hosts": bare, "secretName": secret}]}}
        steps.append(patch(record, metadata={"annotations": redirect}, **spec))
    return mend(
        "end TLS at the entry, and turn plain requests away",
        steps,
        "until the certificate is there, the controller shows one of its own; plain HTTP is redirected",
    )


def _certificate(ingress: Record, secret: str, hosts: list[str], cluster: Cluster) -> Change | Command:
    """Return what makes the certificate: an issuer that the cluster uses already, or the person who has its key."""
    used = Counter(row["issuer"] for row in cluster.rows("certificates") if row["issuer"].startswith("ClusterIssuer/"))
    if not used:
        return run("kubectl -n {} create secret tls {} --cert=FILE --key=FILE", ingress.namespace, secret)
    issuer = min(used, key=lambda name: (-used[name], name))
    return Put(
        {
            "apiVersion": "cert-manager.io/v1",
            "kind": "Certificate",
            "metadata": {"name": secret, "namespace": ingress.namespace},
            "spec": {
                "secretName": secret,
                "dnsNames": hosts,
                "issuerRef": {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": parse_object_id(issuer)[2]},
                "privateKey": {"rotationPolicy": "Always"},
            },
        }
    )


@remedy("HK-ENC-11")
def strict_mesh(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Let the mesh take in mutual TLS alone where PeerAuthentication is what decides."""
    if not cluster.rows("mesh_pods", workload=finding.object, mesh="istio"):
        return None
    name = cluster.free_name("PeerAuthentication", finding.namespace, "default")
    if name != "default":
        return None
    strict = {
        "apiVersion": "security.istio.io/v1",
        "kind": "PeerAuthentication",
        "metadata": {"name": name, "namespace": finding.namespace},
        "spec": {"mtls": {"mode": "STRICT"}},
    }
    return mend("take in mutual TLS alone", [Put(strict)], "callers outside the mesh, and probes by port, are refused")


@remedy("HK-ENC-13")
def renewed(finding: Failing, cluster: Cluster) -> Remedy:
    """Say how to renew a certificate of cert-manager, or one that is written by hand."""
    del cluster
    if finding.kind != "Certificate":
        return advise("renew the certificate", f"put a new certificate where {finding.object} has the old one")
    return advise(
        "renew the certificate",
        run("cmctl status certificate -n {} {}", finding.namespace, finding.name),
        run("cmctl renew -n {} {}", finding.namespace, finding.name),
        caution="who trusts the old certificate by its fingerprint has to learn the new one",
        unproved="that its issuer signs it shows only when it did",
    )


@remedy("HK-ENC-15")
def from_a_secret(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Take variables from a Secret that a person makes: its value is nowhere in the snapshot."""
    workload = cluster.workload(finding.object)
    if workload is None:
        return None
    rows = cluster.rows("credential_literals", object=finding.object)
    others = sorted({f"{row['holder']}/{row['place']} {row['name']}" for row in rows if row["place"] != "env"})
    variables: dict[str, list[str]] = {}
    for row in rows:
        if row["place"] == "env":
            variables.setdefault(str(row["holder"]), []).append(str(row["name"]))
    names = sorted({name for held in variables.values() for name in held})
    secret = f"{finding.name}-credentials"
    steps: list[Step] = []
    if names:
        files = " --from-file={}=FILE" * len(names)
        steps.append(run("kubectl -n {} create secret generic {}" + files, finding.namespace, secret, *names))
        changed = containers_patch(
            workload, {holder: {"env": [_from(secret, name) for name in held]} for holder, held in variables.items()}
        )
        if changed is None:
            return None
        steps.append(changed)
    steps += [
        Instruction(f"take {place} from a file or variable that a Secret fills, and change the credential")
        for place in others
    ]
    return mend(
        "take credentials from a Secret",
        steps,
        "make the Secret first, or no pod starts; the old value is known to whoever could read the object: change it",
        unproved=""
        if names
        else "how its program takes a credential otherwise than among its arguments no object says",
    )


def _from(secret: str, name: str) -> dict[str, Any]:
    return {"name": name, "value": None, "valueFrom": {"secretKeyRef": {"name": secret, "key": name}}}


@remedy("HK-ENC-16")
def in_step(finding: Failing, cluster: Cluster) -> Remedy | None:
    """Have an external secret brought into step, or taken from a manager of secrets where its store is for tests."""
    makers = [name for name in finding.evidence if name.startswith("ExternalSecret/")]
    if not makers:
        return None
    for_tests = [row["taken_from"] for row in cluster.rows("secret_uses", object=finding.object, behind="itself")]
    if for_tests:
        return _from_a_manager(" ".join(makers), " ".join(for_tests))
    commands = []
    for name in makers:
        _, namespace, own = parse_object_id(name)
        commands.append(run("kubectl -n {} describe externalsecret {}", namespace, own))
        line = 'kubectl -n {} annotate externalsecret {} force-sync="$(date +%s)" --overwrite'
        commands.append(run(line, namespace, own))
    return advise(
        "bring it into step with its store",
        *commands,
        unproved="that the store answers shows in the status of what makes the Secret",
    )


def _from_a_manager(makers: str, store: str) -> Remedy:
    """Say how a Secret comes from a manager of secrets: the values of a store for tests stand in the store itself."""
    return advise(
        "take it from a manager of secrets",
        "put new values into a manager of secrets outside of the cluster, and make a store of that provider",
        f"name it in the place of {store} in {makers}",
        f"delete {store} when nothing takes from it any more",
        caution="whoever could read the old store knows the old values: change them where they are used as well",
        unproved="which manager of secrets there is, and how the cluster signs in there, no object says",
    )


@remedy("HK-ENC-01", "HK-ENC-02")
def encryption_at_rest(finding: Failing, cluster: Cluster) -> Remedy:
    """Say how Secrets are encrypted in etcd: the file of encryption lies on control-plane nodes, not in the cluster."""
    del finding, cluster
    return advise(
        "encrypt Secrets before they are stored",
        "on every control-plane node, write an EncryptionConfiguration whose first provider for secrets is kms (v2) or "
        "secretbox and whose last is identity, readable by root alone",
        "add --encryption-provider-config=FILE to the manifest of kube-apiserver on every control-plane node, one "
        "after another",
        _REWRITE,
        caution="keep the key apart from the backups of etcd, and never lose it: no Secret can be read without it",
        unproved=_ON_NODES,
    )


@remedy("HK-ENC-03")
def written_again(finding: Failing, cluster: Cluster) -> Remedy:
    """Say how what was stored before encryption is written again."""
    del finding, cluster
    return advise(
        "write what is stored again",
        _REWRITE,
        caution="run it when encryption works on every API server",
        unproved="how objects are stored shows in etcd alone",
    )


_ON_NODES: Final = "flags and files of the control plane are on its nodes, where no request to the API changes them"
_REWRITE: Final = run("kubectl get secrets --all-namespaces -o json | kubectl replace -f -")


@remedy("HK-ENC-04", "HK-ENC-05")
def encrypted_volumes(finding: Failing, cluster: Cluster) -> Remedy:
    """Say how data come to an encrypted volume: neither a volume nor the class of a claim can be changed in place."""
    del cluster
    return advise(
        "move the data to an encrypted volume",
        "make a StorageClass whose driver encrypts, and on the way to which data are encrypted (for NFS mount option "
        "xprtsec=tls)",
        f"make a new claim of that class beside {finding.object}, copy the data, and let the pods mount it",
        "delete the old volume, and wipe its disk",
        caution="pods that write have to stand still while data are copied; take a backup first",
        unproved="neither a volume nor the class of a claim can be changed in place, and people have to move the data",
    )


@remedy("HK-ENC-06")
def rotated_keys(finding: Failing, cluster: Cluster) -> Remedy:
    """Say that a key is changed where it lives."""
    del cluster
    return advise(
        "change the key", f"rotate {finding.name} in its key service, and let it be rotated by itself from then on"
    )


@remedy("HK-ENC-07")
def encrypted_nodes(finding: Failing, cluster: Cluster) -> Remedy:
    """Say how a node comes to an encrypted disk."""
    del cluster
    return advise(
        "replace the node by one with an encrypted disk",
        run("kubectl drain {} --ignore-daemonsets --delete-emptydir-data", finding.name),
        run("kubectl delete node {}", finding.name),
        "make the node anew with an encrypted disk",
        caution="what lies in emptyDir volumes of its pods is lost",
    )


@remedy("HK-ENC-10", "HK-ENC-12")
def encrypted_flows(finding: Failing, cluster: Cluster) -> Remedy:
    """Say what can encrypt a flow: the objects do not show what the programs at its ends can."""
    del cluster
    return advise(
        "encrypt the flow",
        f"let the programs at both ends speak TLS: {finding.reason}",
        "or switch on encryption between nodes in the network plugin, or take both ends into the mesh",
        caution="neither a mesh nor encryption between nodes reaches outside the cluster",
        unproved="what the programs at its ends can speak no object says",
    )


@remedy("HK-ENC-14")
def modern_tls(finding: Failing, cluster: Cluster) -> Remedy:
    """Say which flags of the control plane to set."""
    del cluster
    return advise(
        "let the control plane speak TLS 1.2 or newer",
        f"on every control-plane node, in /etc/kubernetes/manifests: {finding.reason.split('; and ')[0]}; set "
        f"{finding.expected}",
        caution="kubelets start the component anew: do it on one node after another",
        unproved=_ON_NODES,
    )


by_hand(
    {
        "HK-ENC-09": "gateways are of many makers",
        "HK-ENC-17": "each operator of databases has settings of its own",
    }
)
