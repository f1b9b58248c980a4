"""What an EncryptionConfiguration makes of a resource, and how strong each provider is.

Sources: https://kubernetes.io/docs/reference/config-api/apiserver-config.v1/,
https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/#providers,
https://kubernetes.io/docs/tasks/administer-cluster/kms-provider/ and
staging/src/k8s.io/apiserver/pkg/server/options/encryptionconfig/config.go of kubernetes/kubernetes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

Strength = Literal["none", "weak", "rotate", "strong"]

KMS_V1: Final = "v1"
"""Version of a key service's plugin where the file names none."""

STORED: Final = "k8s:enc:"
"""What every encrypted value in etcd begins with; the provider's name follows."""


class Provider(NamedTuple):
    """One provider of an entry: its kind, the name of a key service, the version of its plugin."""

    kind: str
    name: str = ""
    api_version: str = ""


class Entry(NamedTuple):
    """One entry of `resources`: what it names, and its providers in order."""

    resources: tuple[str, ...]
    providers: tuple[Provider, ...]


class Effective(NamedTuple):
    """The provider that writes a resource, and where it stands.

    Attributes
    ----------
    entry
        Position of the entry, from 0; -1 where none names the resource.
    named
        Resource as the entry writes it.
    refused
        Why the API server would not start with this file, or none.
    """

    provider: Provider
    entry: int = -1
    named: str = ""
    refused: str = ""


IDENTITY: Final = Provider("identity")


def effective_provider(entries: Sequence[Entry], resource: str, group: str = "") -> Effective:
    """Return the provider that writes a resource to etcd.

    Parameters
    ----------
    entries
        Entries of the file, in order.
    resource, group
        Plural name and API group; `""` is the core group.

    Returns
    -------
    Effective
        `identity`, which is plain text, where no entry names the resource.

    Notes
    -----
    A resource named itself comes before `*.<group>` (`*.` is the core group), and that before `*.*`. Of several
    entries the first counts, and in it the first provider writes: all others only read. A name that stands after a
    wildcard which covers it makes the API server refuse the file.
    """
    exact = f"{resource}.{group}" if group else resource
    masked = _masked(entries)
    for named in (exact, f"*.{group}", "*.*"):
        for number, entry in enumerate(entries):
            if named in entry.resources:
                first = entry.providers[0] if entry.providers else IDENTITY
                return Effective(first, number, named, masked)
    return Effective(IDENTITY, refused=masked)


def _masked(entries: Sequence[Entry]) -> str:
    """Return why the API server refuses a file in which a wildcard stands before what it covers; "" where none does."""
    before: set[str] = set()
    for entry in entries:
        for named in entry.resources:
            wider = [each for each in (f"*.{named.partition('.')[2]}", "*.*") if each in before]
            if wider:
                return f"{named} stands after {wider[0]}, which covers it"
            before.add(named)
    return ""


def strength(provider: Provider) -> tuple[Strength, str]:
    """Return how strong a provider is, with the reason in words.

    Notes
    -----
    The documentation calls CBC weak for its padding oracle, wants the key of `aesgcm` changed every 200,000 writes,
    and has version 1 of the key service's plugin deprecated since 1.28.
    """
    if provider.kind == "identity":
        return "none", "the first provider is identity: it stores plain text"
    if provider.kind == "secretbox":
        return "strong", "secretbox (XSalsa20 and Poly1305)"
    if provider.kind == "aesgcm":
        return "rotate", "aesgcm needs a new key every 200,000 writes, and no rotation shows"
    if provider.kind == "kms" and (provider.api_version or KMS_V1) == "v2":
        return "strong", f"key service {provider.name}, version 2"
    if provider.kind == "kms":
        return "weak", f"key service {provider.name} by version 1 of its plugin, which is deprecated"
    return "weak", f"{provider.kind} is documented as weak"


def stored_prefix(provider: Provider, key: str = "") -> str:
    """Return what a value begins with that a provider wrote; with a key's name only where it is given."""
    if provider.kind == "identity":
        return ""
    version = (provider.api_version or KMS_V1) if provider.kind == "kms" else "v1"
    name = provider.name if provider.kind == "kms" else key
    return f"{STORED}{provider.kind}:{version}:" + (f"{name}:" if name else "")
