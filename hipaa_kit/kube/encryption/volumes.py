"""Whether a volume is encrypted at rest, as it was made, and what stands between it and its node.

A class cannot be changed once it is there: its parameters are immutable, so that one which is older than the volume
has the parameters that made it, and one which is younger has nothing to say of it.
Source: https://kubernetes.io/docs/concepts/storage/storage-classes/ and the validation of updates in
pkg/apis/storage/validation/validation.go of kubernetes/kubernetes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple

from hipaa_kit.kube.encryption.drivers import (
    BELOW,
    NODE_PROVISIONERS,
    OTHER_SOURCES,
    Driver,
    driver_of,
    driver_of_source,
    on_one_node,
)
from hipaa_kit.kube.reading import GO_TRUE

State = Literal["encrypted", "plain", "unseen", "unknown"]
KeyKind = Literal["named", "default", "secret", "none", "unknown"]
Place = Literal["external", "cluster", "unknown", "none"]
Way = Literal["attached", "encrypted", "plain", "unseen"]

NFS_ENCRYPTS: Final = frozenset({"xprtsec=tls", "xprtsec=mtls", "sec=krb5p"})
"""Mount options with which NFS is encrypted, or is not mounted: nfs(5). `xprtsec=auto` goes on in the clear; of the
kinds of Kerberos `krb5` and `krb5i` leave what is sent readable."""

CLUSTER_KMS: Final = frozenset({"metadata", "secrets-metadata", "secrets-k8s"})
"""Kinds of key service of Ceph-CSI that keep the passphrase in a Secret of the cluster."""


PROVISIONED: Final = "storage.kubernetes.io/csiProvisionerIdentity"
"""Attribute of volumes that a driver made for a claim; those that a person declared have none."""


class Facts(NamedTuple):
    """What the provider says of a volume."""

    encrypted: bool | None
    key: str = ""


class Volume(NamedTuple):
    """What is known of one volume.

    Attributes
    ----------
    driver
        CSI driver, or none.
    source
        Source in the PersistentVolume: csi, nfs, hostPath, …; none where only its class is known.
    attributes
        `volumeAttributes` of the volume.
    parameters
        Parameters of its class at the time it was made; None where they are not known.
    annotations
        Annotations of the claim that drivers read.
    secret
        Secret that the node is given to open it, `Secret/namespace/name`, or none.
    options
        Mount options.
    facts
        What the provider says; None where it says nothing.
    copied
        It was made from a snapshot or from another claim.
    shared
        Several nodes may write it.
    """

    driver: str = ""
    source: str = "csi"
    attributes: Mapping[str, str] = {}
    parameters: Mapping[str, str] | None = None
    annotations: Mapping[str, str] = {}
    secret: str = ""
    options: tuple[str, ...] = ()
    facts: Facts | None = None
    copied: bool = False
    shared: bool = False


class AtRest(NamedTuple):
    """Whether a volume is encrypted at rest, by what, and with whose key."""

    state: State
    basis: str
    parameter: str = ""
    value: str = ""
    key: str = ""
    key_kind: KeyKind = "none"
    place: Place = "none"
    source: str = ""


def at_rest(volume: Volume, kms: Mapping[str, str] | None = None) -> AtRest:
    """Return whether a volume is encrypted at rest.

    Parameters
    ----------
    volume
        What is known of it.
    kms
        Kind of key service by the name that classes of Ceph give it.

    Returns
    -------
    AtRest
        `unseen` where a person must look, `unknown` where an input could say and is missing.
    """
    if volume.source in BELOW or (not volume.source and volume.driver in NODE_PROVISIONERS):
        words = BELOW.get(volume.source, "a folder or disk of the node")
        return AtRest(
            "plain", f"it is {words}, which nothing encrypts by itself", parameter="type", value=volume.source
        )
    if volume.source in OTHER_SOURCES:
        return AtRest("unseen", f"{volume.source} does not encrypt; what lies behind it decides", key_kind="unknown")
    driver = driver_of(volume.driver) if volume.driver else driver_of_source(volume.source)
    if driver is None:
        named = volume.driver or volume.source or "without a driver"
        return AtRest("unknown", f"how {named} encrypts is not known", key_kind="unknown", place="unknown")
    if volume.facts is not None and volume.facts.encrypted is not None:
        return _by_facts(driver, volume.facts)
    return {"parameter": _by_parameter, "always": _always}.get(driver.rule, _unseen)(driver, volume, kms or {})


def _by_facts(driver: Driver, facts: Facts) -> AtRest:
    if not facts.encrypted:
        return AtRest("plain", "its provider says that it is not encrypted", "provider facts", "false")
    kind: KeyKind = "named" if facts.key else "unknown"
    found = AtRest("encrypted", "its provider says that it is encrypted", "provider facts", "true", facts.key, kind)
    return found._replace(place="external", source=driver.source)


def _by_parameter(driver: Driver, volume: Volume, kms: Mapping[str, str]) -> AtRest:
    given, basis = _given(driver, volume)
    folded = {name.lower(): value for name, value in given.items()} if given is not None else {}
    for name, values in driver.parameters.items():
        value = folded.get(name.lower(), "")
        if value in values:
            found = AtRest("encrypted", f"{basis} says {name}: {value}", name, value, source=driver.source)
            found = _with_key(found, driver, volume, folded, kms)
            # What a driver writes into the volume, it did; of a class it is not known that copies heed it.
            heeded = not volume.copied or driver.recorded or driver.copies
            if not heeded:
                return found._replace(state="unseen", basis=f"{found.basis}, but it is made from a copy")
            return _or_as_claimed(found, driver, volume)
        if value in GO_TRUE:
            words = f"{basis} says {name}: {value}, which {driver.name} need not read as true"
            return AtRest("unknown", words, name, value, "", "unknown", "unknown", driver.source)
        if (asked := volume.annotations.get(name, "")) in values:
            found = AtRest("encrypted", f"the claim says {name}: {asked}", name, asked, source=driver.source)
            found = _with_key(found, driver, volume, folded, kms)
            # An annotation can be written at any time; it counts when the volume is made.
            late = found._replace(state="unseen", basis=f"{found.basis}, and may be younger than the volume")
            return late if volume.source else found
    name = next(iter(driver.parameters))
    if given is None:
        return AtRest("unknown", basis, name, key_kind="unknown", place="unknown", source=driver.source)
    value = folded.get(name.lower(), "")
    said = f"{basis} says {name}: {value}" if value else f"{basis} has no {name}"
    if driver.absent == "plain":
        return AtRest("plain", f"{said}, and {driver.name} encrypts nothing else", name, value, source=driver.source)
    return AtRest("unknown", f"{said}; {driver.words}", name, value, "", "unknown", "unknown", driver.source)


def _or_as_claimed(found: AtRest, driver: Driver, volume: Volume) -> AtRest:
    """Return what a class asks for, unless an annotation of the claim asks for the contrary, which wins over it.

    Source: https://docs.portworx.com/portworx-enterprise/operations/key-management (encrypting by annotations).
    """
    asked = ((name, volume.annotations[name]) for name in driver.parameters if name in volume.annotations)
    for name, value in asked:
        if value not in driver.parameters[name]:
            basis = f"{found.basis}, and the claim says {name}: {value}, which wins"
            return found._replace(
                state="unseen" if volume.source else "plain", basis=basis, parameter=name, value=value
            )
    return found


def _given(driver: Driver, volume: Volume) -> tuple[Mapping[str, str] | None, str]:
    """Return the parameters that made a volume and where they stand; None where they are not known."""
    if driver.recorded and volume.attributes:
        return volume.attributes, "the volume"
    if volume.parameters is not None:
        return volume.parameters, "the class that made it" if volume.source else "its class"
    if any(volume.annotations.get(name) for name in driver.parameters):
        return {}, "the claim"
    return None, "the volume does not say, and the class that made it is not known"


def _always(driver: Driver, volume: Volume, kms: Mapping[str, str]) -> AtRest:
    given, _ = _given(driver, volume)
    folded = {name.lower(): value for name, value in (given or {}).items()}
    found = AtRest("encrypted", driver.words, source=driver.source)
    if given is None and driver.keys:
        return found._replace(key_kind="unknown", place="external")
    return _with_key(found, driver, volume, folded, kms)


def _unseen(driver: Driver, volume: Volume, kms: Mapping[str, str]) -> AtRest:  # noqa: ARG001 - as the others
    state: State = "unknown" if driver.rule == "facts" else "unseen"
    kind: KeyKind = "secret" if volume.secret and driver.locality == "cluster" else "unknown"
    place: Place = "cluster" if kind == "secret" else "unknown"
    return AtRest(state, driver.words, key=volume.secret, key_kind=kind, place=place, source=driver.source)


def _with_key(
    found: AtRest, driver: Driver, volume: Volume, folded: Mapping[str, str], kms: Mapping[str, str]
) -> AtRest:
    named = next((folded[key.lower()] for key in driver.keys if folded.get(key.lower())), "")
    named = named or next((volume.annotations[key] for key in driver.keys if volume.annotations.get(key)), "")
    if driver.locality == "cluster":
        return found._replace(key=volume.secret or named, key_kind="secret", place="cluster")
    if driver.locality == "by_name":
        if not named:
            return found._replace(key=volume.secret, key_kind="secret", place="cluster")
        kind = kms.get(named, "")
        place: Place = ("cluster" if kind in CLUSTER_KMS else "external") if kind else "unknown"
        return found._replace(key=named, key_kind="named", place=place)
    place = "external" if driver.locality == "external" else "unknown"
    if named:
        return found._replace(key=named, key_kind="named", place=place)
    return found._replace(key=driver.default_key, key_kind="default", place=place)


def over_network(volume: Volume) -> bool:
    """Tell whether data go to a volume as to a file server, or in a way that is not known; folders of nodes count."""
    if volume.source and volume.source != "csi":
        return True
    driver = driver_of(volume.driver)
    if driver is None:
        return bool(volume.driver) and not on_one_node("", volume.driver)
    served = driver.served and volume.shared
    return served or driver.transit not in ("attached", "on_node") or "cephfs" in driver.name


def on_the_way(volume: Volume, rest: AtRest) -> tuple[Way, str]:
    """Return whether data are encrypted between the node and the storage, and the basis.

    Notes
    -----
    What the node itself encrypts leaves it encrypted. NFS is plain unless `xprtsec` asks for TLS or `sec=krb5p` for
    Kerberos with privacy (nfs(5)); EFS uses TLS unless `encryptInTransit` is false. Of SMB the share decides, `seal`
    asks for it (mount.cifs(8)).
    """
    if volume.source in BELOW:
        return "attached", "it stays on the node"
    driver = driver_of(volume.driver) if volume.driver else driver_of_source(volume.source)
    if driver is None or volume.source in OTHER_SOURCES:
        return "unseen", f"how data reach {volume.driver or volume.source} is not seen"
    options = frozenset(part for option in volume.options for part in option.split(","))
    if driver.served and volume.shared:
        return "unseen", f"{driver.name} serves it to several nodes by NFS"
    if driver.transit == "on_node":
        return ("encrypted", "the node encrypts them") if rest.state == "encrypted" else ("unseen", "not seen")
    if driver.transit == "nfs":
        return _nfs(options)
    if driver.transit == "efs":
        return _efs(volume)
    if driver.transit == "smb" and "seal" in options:
        return "encrypted", "mount option seal"
    if driver.transit == "unseen":
        return "unseen", f"how {driver.name} brings data to its storage is not seen"
    return ("attached", "an attached disk") if driver.transit == "attached" else ("unseen", "the file server decides")


def _nfs(options: Iterable[str]) -> tuple[Way, str]:
    asked = sorted(NFS_ENCRYPTS.intersection(options))
    if asked:
        return "encrypted", f"mount option {asked[0]}"
    return "plain", "NFS without the mount option xprtsec or sec=krb5p"


def _efs(volume: Volume) -> tuple[Way, str]:
    """Return what the driver makes of `encryptInTransit`: the volume's own, else that of the class that made it."""
    name = "encryptInTransit"
    if name not in volume.attributes and volume.parameters is None and PROVISIONED in volume.attributes:
        return "unseen", "the class that made it is not there any more"
    said = volume.attributes.get(name) or (volume.parameters or {}).get(name, "")
    return ("plain", f"{name} is false") if said.lower() == "false" else ("encrypted", f"TLS, unless {name} is false")
