"""Addresses of Services among what a container is told: of each, what may be known when its text is gone.

A host is kept where it has the shape of a Service's name in the cluster's DNS or is an IP address, and nothing else of
the text but its scheme and port. What cannot be told apart from a password, such as a name before an unescaped `/` and
`@`, is not kept.
Source: https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#services, RFC 3986 section 3.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from hipaa_kit.kube.facts import literals
from hipaa_kit.kube.network.addresses import Block, is_address, parse_address

TLS_SCHEMES: Final = {
    "amqps": 5671,
    "grpcs": 443,
    "https": 443,
    "ldaps": 636,
    "mqtts": 8883,
    "rediss": 6379,
    "wss": 443,
}
PLAIN_SCHEMES: Final = {"amqp": 5672, "http": 80, "mqtt": 1883, "redis": 6379, "ws": 80}
"""Schemes by which a client asks for TLS, and for none, with the port where none is written.

`ldap` is in neither: it may begin TLS later. Source: RFC 9110 section 4.2, RFC 6455, RFC 4513,
https://www.iana.org/assignments/uri-schemes/
"""

_POSTGRES: Final = frozenset(["postgres", "postgresql", "jdbc:postgresql"])
_POSTGRES_PORT: Final = 5432
_SSL_MODES: Final = {"require": True, "verify-ca": True, "verify-full": True, "disable": False}
"""Values of `sslmode` that settle whether TLS is spoken; with the others the server may decide.

Source: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
"""

_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST: Final = rf"[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?(?:\.{_LABEL}(?:\.svc(?:\.{_LABEL}){{0,8}})?)?"
_NUMBER: Final = r"\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]{2,45}\]"
"""An IPv4 address may stand in brackets, too: RFC 3986 has none there, but programs in Go take and write it.

Source: https://github.com/golang/go/issues/78945
"""

_ADDRESS: Final = re.compile(
    rf"(?P<scheme>(?:jdbc:)?[a-z]{{2,10}})://(?:[^\s/?#]{{0,512}}@)?"
    rf"(?:(?P<name>{_HOST})\.?|(?P<number>{_NUMBER}))(?::(?P<port>\d{{1,5}}))?(?P<rest>[/?#][^@]*)?",
    re.ASCII | re.IGNORECASE,
)
_SSL_MODE: Final = re.compile(r"[?&]sslmode=([^&#]*)")


class ServiceAddress(NamedTuple):
    """Scheme, host and port of an address, and whether it asks for TLS."""

    tls: bool
    scheme: str
    host: str
    port: int

    @property
    def words(self) -> str:
        """The address as a person would write it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def block(self) -> Block | None:
        """Its host, where that is an IP address."""
        return parse_address(self.host)

    def service(self, namespace: str) -> tuple[str, str]:
        """Return namespace and name of the Service that it would be for a pod of a namespace."""
        name, _, rest = self.host.partition(".")
        return rest.partition(".")[0] or namespace, name


def service_addresses(container: Mapping[str, Any], looks_secret: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
    """Yield (`place/NAME`, what is known of the address) of the addresses that a container is told.

    Parameters
    ----------
    container
        As written.
    looks_secret
        Tells whether a text has the shape of a secret: an address that does is not kept.
    """
    for key, _, value in literals(container):
        found = address_of(value)
        if found is not None:
            fact = f"{'tls' if found.tls else 'plain'} {found.scheme} {found.host} {found.port}"
            if not (looks_secret(fact) or looks_secret(found.words)):
                yield key, fact


def address_of(text: str) -> ServiceAddress | None:
    """Return what a text says of an address that may be a Service's; None where it is none, or does not settle TLS."""
    written = _ADDRESS.fullmatch(text.strip())
    if written is None:
        return None
    scheme, port, rest = written["scheme"].lower(), written["port"], written["rest"] or ""
    host = (written["name"] or written["number"].strip("[]")).lower()
    if scheme in _POSTGRES:
        modes = {_SSL_MODES.get(mode) for mode in _SSL_MODE.findall(rest)}
        tls, usual = (modes.pop() if len(modes) == 1 else None), _POSTGRES_PORT
    elif scheme in TLS_SCHEMES:
        tls, usual = True, TLS_SCHEMES[scheme]
    else:
        tls, usual = (False if scheme in PLAIN_SCHEMES else None), PLAIN_SCHEMES.get(scheme, 0)
    opened = int(port) if port else usual
    stands = bool(written["name"]) or is_address(host)
    return ServiceAddress(tls, scheme, host, opened) if stands and tls is not None and 0 < opened < 65536 else None


def known_address(fact: str) -> ServiceAddress:
    """Return the address that a fact speaks of."""
    asked, scheme, host, port = fact.split(" ")
    return ServiceAddress(asked == "tls", scheme, host, int(port))
