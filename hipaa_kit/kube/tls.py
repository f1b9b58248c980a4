"""What names, numbers and images say of TLS on a port, and how much that is worth.

A name or a number is what somebody claims. Source of the numbers:
https://www.iana.org/assignments/service-names-port-numbers/
"""

from __future__ import annotations

import re
from typing import Final

TLS_PORTS: Final = frozenset(
    [443, 465, 563, 636, 853, 989, 990, 992, 993, 995, 2376, 2484, 2762, 5671, 6443, 6514, 8443, 8883]
)
"""Ports registered for, or commonly used for, a protocol inside TLS."""

PLAIN_PORTS: Final = {
    21: "FTP",
    23: "Telnet",
    80: "HTTP",
    104: "DICOM",
    389: "LDAP",
    1433: "SQL Server",
    1521: "Oracle",
    1883: "MQTT",
    2575: "HL7",
    3306: "MySQL",
    4242: "DICOM of Orthanc",
    5432: "PostgreSQL",
    5672: "AMQP",
    5984: "CouchDB",
    6379: "Redis",
    6661: "HL7 of Mirth",
    8042: "HTTP of Orthanc",
    8080: "HTTP",
    9042: "Cassandra",
    9092: "Kafka",
    9200: "Elasticsearch",
    11112: "DICOM",
    11211: "memcached",
    27017: "MongoDB",
}
"""Ports of protocols that are plain unless somebody makes them otherwise, and which protocol that is."""

PROXIES: Final = frozenset(["ghostunnel", "hitch", "stud", "stunnel"])
"""Images that do nothing but put TLS around, or take it off, other connections."""

_TLS_WORD: Final = re.compile(r"(?:^|[^a-z])(?:https|tls|mtls|ssl|ldaps|amqps|mqtts|mllps|grpcs|wss)(?:$|[^a-z])")


def names_tls(name: str) -> bool:
    """Tell whether a port's name, or its application protocol, claims TLS."""
    return bool(_TLS_WORD.search(name.lower()))


def is_proxy(repository: str) -> bool:
    """Tell whether an image only ends or begins TLS for others."""
    return repository.rpartition("/")[2].lower() in PROXIES
