"""What a cut would break: what is declared, what a flow log saw, what the audit log shows as used, what is granted."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from hipaa_kit.assess.role_cuts import RoleCuts, atom_of
from hipaa_kit.counting import Count
from hipaa_kit.safeguards.network_isolation.kept_flows import UNNAMED, kept_flows, seen_from_outside
from hipaa_kit.safeguards.remedy import Cluster
from hipaa_kit.tables.declaration import rows_of

if TYPE_CHECKING:
    import pandas as pd

    from hipaa_kit.assess.facade import Assessment

BINDING: Final = "role binding"
RULE: Final = "role rule"
EXPOSURE: Final = "exposure"
NETWORK: Final = "network"
TOKEN: Final = "token"
MOUNT: Final = "mount"

Use = tuple[str, str]
"""Of which sort a use is, as in table `cut_uses`, and what would no longer work."""

KNOWN: Final = frozenset({"declared", "seen", "used"})
"""Uses that somebody meant or that were made; what is only granted may be needed by nobody."""
HARM: Final = 1000
"""What breaking such a use counts, beside 1 for what is only granted."""


class Thing(NamedTuple):
    """One thing that can be taken away."""

    kind: str
    object: str
    taken: str = ""

    def __str__(self) -> str:
        """Return it in words."""
        return f"{self.kind} {self.object}{' of ' if self.taken else ''}{self.taken}"


class Uses:
    """The uses that things have in one assessment."""

    def __init__(self, run: Assessment, cluster: Cluster, roles: RoleCuts) -> None:
        self._run, self._cluster, self._roles = run, cluster, roles
        self._harm: dict[Thing, int] = {}

    def of(self, thing: Thing, lost: pd.DataFrame) -> Iterator[Use]:
        """Yield the uses of a thing; `lost` is table `permission_changes` of the cut."""
        if thing.kind in (BINDING, RULE):
            column = "binding" if thing.kind == BINDING else "role"
            for row in rows_of(lost[lost[column] == thing.object]):
                yield self._right(row)
        elif thing.kind == EXPOSURE:
            yield from self._entry(thing.object)
        elif thing.kind == NETWORK:
            yield from self._flows(thing.object)
        elif thing.kind == MOUNT:
            yield "granted", f"what {thing.object} does with {thing.taken}"
        else:
            yield self._token(thing.object)

    def harm(self, thing: Thing, taken: frozenset[Any] = frozenset()) -> int:
        """Return how much a thing breaks, to weigh it against another: known uses first, then what is granted."""
        if thing not in self._harm:
            if thing.kind in (BINDING, RULE):
                uses = self._given(thing, taken)
            else:
                uses = [use for use, _ in self.of(thing, self._none)]
            self._harm[thing] = sum(HARM if use in KNOWN else 1 for use in uses)
        return self._harm[thing]

    @cached_property
    def _none(self) -> pd.DataFrame:
        from hipaa_kit.tables.permissions import PERMISSION_CHANGES

        return PERMISSION_CHANGES.frame()

    def _given(self, thing: Thing, taken: frozenset[Any]) -> list[str]:
        """Return a word for each right that each subject has by a role binding, or of what goes out of a role."""
        column = "binding" if thing.kind == BINDING else "role"
        found = []
        for grant in self._cluster.rows("grants", **{column: thing.object}):
            atoms = taken if thing.kind == RULE else self._roles.given(grant["role"])
            used = self._states.get((grant["binding"], _holder(grant)), {})
            found += ["used" if used.get(atom, {}).get("state") == "used" else "granted" for atom in atoms]
        return found

    @cached_property
    def _states(self) -> dict[tuple[str, str], dict[Any, dict[str, Any]]]:
        """Rows of table `right_use` by (role binding, subject) and right; none without an audit log."""
        found: dict[tuple[str, str], dict[Any, dict[str, Any]]] = {}
        if self._run.snapshot.audit_log is not None:
            for row in rows_of(self._run.tables["right_use"]):
                found.setdefault((row["binding"], row["object"]), {})[atom_of(row)] = row
        return found

    def _right(self, row: dict[str, Any]) -> Use:
        named = f" {row['resource_name']}" if row["resource_name"] else ""
        what = f"{row['subject_kind']} {row['subject']}: {row['verb']} {row['resource'] or row['url']}{named}"
        held = self._states.get((row["binding"], _holder(row)), {}).get(atom_of(row))
        if held is None:
            return "granted", what
        if held["state"] == "used":
            return (
                "used",
                f"{what}: {Count(held['events']):request} in the audit log, the last {held['last_at'] or 'undated'}",
            )
        if held["state"] == "unused":
            return "granted", f"{what}: not used in {held['window_days']:.0f} days of audit log"
        return "granted", f"{what}: whether it is used is not known: {held['why']}"

    def _token(self, workload: str) -> Use:
        what = f"requests of {workload} to the API server with its own service account"
        pods = self._cluster.pods(workload)
        account = str(pods[0]["service_account"]) if pods else ""
        if account and self._run.snapshot.audit_log is not None:
            for row in self._cluster.rows("identities", object=account):
                return "used", f"{what}: {row['events']} of {account} in the audit log, the last {row['last_at']}"
        return "granted", what

    def _entry(self, name: str) -> Iterator[Use]:
        for row in self.entered(name):
            use = "declared" if self.reached(row["workload"]) else "granted"
            yield use, f"{row['workload'] or 'nothing'} on {row['protocol']} {row['entry_port']} from outside"
            if row["workload"]:
                for each in seen_from_outside(row["workload"], self._cluster):
                    port = f"{each.protocol} {each.port}"
                    yield "seen", f"{each.other} to {row['workload']} on {port}: {each.seen.words}"

    def entered(self, name: str) -> list[dict[str, Any]]:
        """Return the ways in that an object is, or is part of."""
        owner = self._run.paths.objects.owner
        return [
            row
            for row in self._cluster.rows("exposures")
            if name in (row["entry"], owner.get(row["entry"]), *row["via"].split())
        ]

    def reached(self, workload: str) -> bool:
        """Tell whether connections to a workload are declared."""
        return bool(self._cluster.rows("expected_flows", destination=workload))

    def _flows(self, workload: str) -> Iterator[Use]:
        for each in kept_flows(workload, self._cluster):
            if each.doubt:
                seen = f": {each.seen.words}" if each.seen.times else ""
                yield "declared" if each.declared else "seen", f"{workload}, {each.flow}{seen}: {each.doubt}"


def flow_words(workload: str, cluster: Cluster) -> list[str]:
    """Return in words what a policy of a workload allows, each with its basis, and what is asked instead."""
    kept = kept_flows(workload, cluster)
    said = [f"allows {each.flow}: {each.basis}" for each in kept if not each.doubt]
    for each in kept:
        if each.doubt == UNNAMED and each.declared:
            said.append(f"does not allow {each.flow}: {each.basis}; {each.doubt}: let it in by its addresses")
        elif each.doubt:
            said.append(
                f"question: {each.flow} is not allowed: {each.seen.words}, and {each.doubt}; declare it if it is meant"
            )
    if cluster.tables["flow_records"].empty:
        said.append("no flow log was given: connections that are used and not declared are cut")
    return said


def _holder(row: dict[str, Any]) -> str:
    """Return the subject of a row as `Kind/namespace/name`."""
    kind, name = row["subject_kind"], row["subject"]
    return f"{kind}/{name}" if kind == "ServiceAccount" else f"{kind}//{name}"
