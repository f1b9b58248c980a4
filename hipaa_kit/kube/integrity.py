"""What shows that etcd, volumes and databases find out when their data were altered.

Only settings that are written down count. A driver or a database may well check more than it says here; then a
person has to say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from hipaa_kit.kube.command_flags import Flag
from hipaa_kit.kube.reading import as_map, as_text

ON: Final = "on"
OFF: Final = "off"
UNKNOWN: Final = "unknown"


class Etcd(NamedTuple):
    """Whether a member compares its data with the others: when it starts, and while it runs."""

    initial: str
    periodic: str


def etcd_checks(flags: Sequence[Flag]) -> Etcd:
    """Return which checks against corruption the flags of an etcd member switch on.

    The flags of etcd 3.4 and 3.5 are named `experimental-…`; in 3.6 two became feature gates and one lost its
    prefix. Both are read: a member refuses to start with a flag that it does not know. One that reads a
    configuration file reads nothing else.

    Source: https://etcd.io/docs/v3.5/op-guide/data_corruption/, https://etcd.io/docs/v3.6/feature-gates,
    https://etcd.io/docs/v3.6/op-guide/configuration/
    """
    given = dict(flags)
    if "config-file" in given:
        return Etcd(UNKNOWN, UNKNOWN)
    gates = dict(gate.partition("=")[::2] for gate in given.get("feature-gates", "").split(","))
    initial = _true(gates.get("InitialCorruptCheck")) or _true(given.get("experimental-initial-corrupt-check"))
    compact = _true(gates.get("CompactHashCheck")) or _true(given.get("experimental-compact-hash-check-enabled"))
    every = any(_lasts(given.get(name)) for name in ("corrupt-check-time", "experimental-corrupt-check-time"))
    return Etcd(ON if initial else OFF, ON if compact or every else OFF)


def _true(value: str | None) -> bool:
    return value is not None and value.lower() in ("true", "t", "1")


def _lasts(value: str | None) -> bool:
    return value is not None and any(digit in value for digit in "123456789")


class Mechanism(NamedTuple):
    """What looks after the data of a volume or database, and where that is written."""

    state: str
    field: str
    value: str


NONE: Final = Mechanism(UNKNOWN, "", "")


def longhorn_integrity(volume: Mapping[str, Any]) -> Mechanism:
    """Return whether Longhorn hashes the snapshots of a volume; `ignored` leaves it to a setting that is not read.

    Source: https://longhorn.io/docs/latest/advanced-resources/data-integrity/snapshot-data-integrity-check/
    """
    value = as_text(as_map(volume, "spec").get("snapshotDataIntegrity"))
    state = {"enabled": ON, "fast-check": ON, "disabled": OFF}.get(value, UNKNOWN)
    return Mechanism(state, "spec.snapshotDataIntegrity", value)


def cnpg_checksums(cluster: Mapping[str, Any]) -> Mechanism:
    """Return whether CloudNativePG made a cluster with checksums of its pages.

    What was restored or copied from another cluster has them where that one had; where nothing is written it
    depends on the version of PostgreSQL, which has them by default since 18.

    Source: https://cloudnative-pg.io/documentation/current/bootstrap/#passing-options-to-initdb,
    https://www.postgresql.org/docs/18/app-initdb.html
    """
    field = "spec.bootstrap.initdb.dataChecksums"
    return _said(as_map(cluster, "spec", "bootstrap", "initdb").get("dataChecksums"), field)


def zalando_checksums(postgresql: Mapping[str, Any]) -> Mechanism:
    """Return whether the Zalando operator made a cluster with checksums of its pages.

    Source: https://postgres-operator.readthedocs.io/en/latest/reference/cluster_manifest/#patroni-parameters
    """
    field = "spec.patroni.initdb.data-checksums"
    return _said(as_map(postgresql, "spec", "patroni", "initdb").get("data-checksums"), field)


def _said(value: Any, field: str) -> Mechanism:
    word = str(value).lower() if isinstance(value, bool | str) else ""
    return Mechanism({"true": ON, "false": OFF}.get(word, UNKNOWN), field, word)
