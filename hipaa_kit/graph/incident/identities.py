"""Who is in question: the one asked about, and every identity that it took, by what the audit log shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import pandas as pd

from hipaa_kit.errors import InputError
from hipaa_kit.graph.audit_use.uses import identity_of
from hipaa_kit.graph.incident.asking import REQUESTS, SHOWN, ends_at
from hipaa_kit.graph.permissions.asking import principal_of
from hipaa_kit.kube.owners import object_id, parse_object_id
from hipaa_kit.kube.rbac import service_account_of
from hipaa_kit.kube.rbac.bindings import USER
from hipaa_kit.sources.audit_log import AuditLog
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.lookup import TableSet

NODE: Final = "system:node:"
ROUNDS: Final = 20
SUBJECTS: Final = ("User", "Group", "ServiceAccount")


@dataclass(frozen=True)
class Suspect:
    """One identity in question: as whom it asks the API server, and since when.

    Attributes
    ----------
    identity
        `Kind/namespace/name`.
    user
        Its name in the log; none where it is not known as whom it asks.
    pod
        Name of the pod whose token it holds; none for whoever holds an account itself.
    since
        Moment from which its acts count.
    through, by, sure, basis, audit_ids, places
        Columns of `incident_identities`.
    """

    identity: str
    user: str
    pod: str
    since: pd.Timestamp
    through: str
    by: str = ""
    sure: bool = True
    basis: str = ""
    audit_ids: str = ""
    places: str = ""


class Suspects:
    """Everyone in question, each from the earliest moment at which it was.

    Parameters
    ----------
    tables
        Tables of the snapshot: pods and their accounts.
    log
        The audit log, or None where none was given.
    """

    def __init__(self, tables: TableSet, log: AuditLog | None) -> None:
        self.log = log
        pods = tables["pods"]
        live = pods[pods["live"]]
        self.accounts: Mapping[str, str] = dict(zip(live["object"], live["service_account"], strict=True))
        self.live = live

    def of(self, who: str, since: pd.Timestamp, until: pd.Timestamp) -> list[Suspect]:
        """Return whoever is meant, and who was taken by them, by them in turn, and so on.

        Parameters
        ----------
        who
            `Pod/namespace/name`, a workload, `ServiceAccount/namespace/name`, `Node//name` or `User//name`; any
            other text is a user name.
        since, until
            Time in question.

        Raises
        ------
        InputError
            It is a workload without pods, or a group.
        """
        found = {(each.identity, each.through, each.by): each for each in self._asked(who, since)}
        new = list(found.values())
        for _ in range(ROUNDS):
            taken = [each for each in self._taken(new, until) if self._earlier(each, found)]
            if not taken:
                break
            for each in taken:
                found[each.identity, each.through, each.by] = each
            # What one does who was only given a right is told, and not followed further.
            new = [each for each in taken if each.sure]
        return list(found.values())

    @staticmethod
    def _earlier(each: Suspect, found: Mapping[tuple[str, str, str], Suspect]) -> bool:
        held = found.get((each.identity, each.through, each.by))
        return held is None or each.since < held.since

    def _asked(self, who: str, since: pd.Timestamp) -> Iterator[Suspect]:
        who = _account_of(who) or (f"Node//{who.removeprefix(NODE)}" if who.startswith(NODE) else who)
        kind, namespace, name = parse_object_id(who)
        if kind == "Pod" and namespace and name:
            yield from self._pod(who, since, "itself")
        elif kind == "ServiceAccount" and namespace and name:
            yield self._account(who, since, "itself")
            pods = self.live.loc[self.live["service_account"] == who, "object"]
            words = "it runs as this account; whoever has the account's token need not have the pod"
            yield from (Suspect(pod, "", "", since, "its pod", who, False, words) for pod in pods)
        elif kind == "Node" and not namespace and name:
            yield Suspect(who, f"{NODE}{name}", "", since, "itself")
            pods = self.live.loc[self.live["node"] == name, "object"]
            for pod in pods:
                yield from self._pod(pod, since, "its pod", who, "it runs on the node, which holds its token")
        elif kind == "User" and not namespace and name:
            yield self._user(name, since, "itself")
        elif kind == "Group" or (kind in SUBJECTS and "/" in who):
            raise InputError("is no identity", who, "give ServiceAccount/namespace/name, User//name or a user name")
        elif namespace and name:
            yield from self._workload(who, since)
        else:
            yield self._user(who, since, "itself")

    def _workload(self, who: str, since: pd.Timestamp) -> Iterator[Suspect]:
        pods = self.live.loc[self.live["workload"] == who, "object"]
        if pods.empty:
            raise InputError(
                "has no pods in the snapshot", who, "give Pod/namespace/name, an account, a node or a user"
            )
        for pod in pods:
            yield from self._pod(pod, since, "itself")

    def _pod(
        self, pod: str, since: pd.Timestamp, through: str, by: str = "", basis: str = "", **proof: str
    ) -> Iterator[Suspect]:
        _, namespace, name = parse_object_id(pod)
        account = self.accounts.get(pod, "") or self._seen_account(namespace, name)
        user = principal_of(account).name if account else ""
        words = basis or ("" if user else "neither the snapshot nor the log says as which account it runs")
        yield Suspect(pod, user, name, since, through, by, True, words, **proof)
        if account and through == "itself":
            yield Suspect(account, "", "", since, "its token", pod, True, "the account that the pod runs as")

    def _seen_account(self, namespace: str, name: str) -> str:
        """Return the account with which a pod that is gone asked the API server."""
        if self.log is None:
            return ""
        sql = 'SELECT DISTINCT "user" FROM audit_events WHERE user_pod = $pod AND starts_with("user", $start)'
        start = f"system:serviceaccount:{namespace}:"
        users = self.log.query(sql, {"pod": name, "start": start})["user"]
        return _account_of(users.iloc[0]) if len(users) == 1 else ""

    def _account(self, account: str, since: pd.Timestamp, through: str, **more: Any) -> Suspect:
        return Suspect(account, principal_of(account).name, "", since, through, **more)

    def _user(self, user: str, since: pd.Timestamp, through: str, **more: Any) -> Suspect:
        return Suspect(identity_of(user), user, "", since, through, **more)

    def _taken(self, suspects: Iterable[Suspect], until: pd.Timestamp) -> Iterator[Suspect]:
        """Yield who was taken by some suspects themselves, by what the log shows."""
        asked = frame_of(suspects)
        if self.log is None or asked.empty:
            return
        rows = self.log.query(TAKEN, ends_at(until), suspects=asked)
        for row in rows_of(rows):
            since = pd.Timestamp(row["first_at"]).tz_localize("UTC")
            proof = {"audit_ids": row["audit_ids"], "places": row["places"]}
            yield from self._from(row, since, proof)

    def _from(self, row: Mapping[str, Any], since: pd.Timestamp, proof: Mapping[str, str]) -> Iterator[Suspect]:
        by, namespace, name = row["identity"], row["namespace"], row["name"]
        resource = f"{row['resource']}/{row['subresource']}".rstrip("/")
        if row["impersonated_user"]:
            words = "it asked in this name; what it asked for stands under its own"
            user = self._user(row["impersonated_user"], since, "acted as", by=by, basis=words)
            yield replace(user, user="", audit_ids=proof["audit_ids"], places=proof["places"])
        elif resource == "serviceaccounts/token":
            account = object_id("ServiceAccount", namespace, name)
            yield self._account(account, since, "token made", by=by, basis="it asked for a token of it", **proof)
        elif resource in ENTERED:
            pod, (through, words) = object_id("Pod", namespace, name), ENTERED[resource]
            yield from self._pod(pod, since, through, by, words, **proof)
        elif resource == "pods" and name:
            yield from self._pod(object_id("Pod", namespace, name), since, "pod made", by, "it wrote the pod", **proof)
        for subject in row["bound"]:
            words = f"a role binding that it wrote gives it {row['role_ref'] or 'a role'}"
            given = Suspect(subject, "", "", since, "right given", by, False, words, **proof)
            yield replace(given, user=_asks_as(subject))


ENTERED: Final = {
    "pods/exec": ("pod entered", "it opened a session in the pod"),
    "pods/attach": ("pod entered", "it attached itself to the pod"),
    "pods/ephemeralcontainers": ("container added", "it put a container into the pod"),
}

TAKEN: Final = f"""
WITH {REQUESTS}
SELECT identity, resource, subresource, namespace, name, impersonated_user, role_ref, bound,
       min(received_at) AS first_at, {SHOWN}
FROM requests
WHERE (code IS NULL OR code < 400) AND (
    impersonated_user <> ''
    OR (api_group = '' AND resource = 'serviceaccounts' AND subresource = 'token' AND verb = 'create')
    OR (api_group = '' AND resource = 'pods' AND subresource IN ('exec', 'attach'))
    OR (NOT dry_run AND (
        (api_group = '' AND resource = 'pods' AND subresource = 'ephemeralcontainers' AND verb IN ('update', 'patch'))
        OR (api_group = '' AND resource = 'pods' AND subresource = '' AND verb = 'create' AND name <> '')
        OR (len(bound) > 0 AND verb IN ('create', 'update', 'patch')))))
GROUP BY ALL
ORDER BY first_at, identity, namespace, name
"""


def frame_of(suspects: Iterable[Suspect]) -> pd.DataFrame:
    """Return those whose own requests are looked for, each once and from its earliest moment: the frame `suspects`.

    What a pod of an account asked for, from the moment on at which the account is in question as a whole, is the
    account's: `before` is that moment.
    """
    rows = [
        {"identity": s.identity, "user": s.user, "pod": s.pod, "since": s.since.tz_convert("UTC").tz_localize(None)}
        for s in suspects
        if s.user
    ]
    frame = pd.DataFrame(rows, columns=["identity", "user", "pod", "since"]).astype({"since": "datetime64[us]"})
    own = frame["pod"] == ""
    whole = frame[own].groupby("user")["since"].min().to_dict()
    ends = [None if mine else whole.get(user) for mine, user in zip(own, frame["user"], strict=True)]
    frame["before"] = pd.Series(ends, index=frame.index, dtype="datetime64[us]")
    kept = frame[frame["before"].isna() | (frame["since"] < frame["before"])]
    return kept.sort_values(["since", "identity"]).drop_duplicates("identity").reset_index(drop=True)


def _asks_as(subject: str) -> str:
    """Return the user name under which a subject of a role binding asks; none for a group."""
    who = principal_of(subject)
    return who.name if who.kind == USER else ""


def _account_of(user: str) -> str:
    """Return the service account that a user name means; none where it means none."""
    found = service_account_of(user)
    return object_id("ServiceAccount", *found) if found else ""
