"""Principals: whether those who hold access exist, still belong, and are one person each."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from hipaa_kit.graph.access.approval import Approvals
from hipaa_kit.kube.rbac.bindings import SERVICE_ACCOUNT, USER
from hipaa_kit.kube.rbac.users import SERVICE_ACCOUNTS
from hipaa_kit.safeguards.access_control.common import api_servers, is_person, people, unseen
from hipaa_kit.safeguards.check import check, fails, judge, not_applicable, not_assessed, reviews
from hipaa_kit.tables.declaration import rows_of

GENERIC = frozenset(
    "admin administrator admins ansible backup bot build builder ci cd cluster default deploy deployer dev developer "
    "developers devops docker everyone guest helpdesk it jenkins k8s kube kubernetes manager master monitoring nobody "
    "oncall operator operators ops platform prod production qa readonly release reader root service shared sre staff "
    "super superadmin support svc sys sysadmin system team temp terraform test tester user users vendor".split()
)
"""Words that name a task or a group of people, and no person."""
_PARTS = re.compile(r"[^a-z]+")


@check("HK-ACC-09", optional=["workforce", "workforce_groups"], everywhere=True)
def principals_belong(
    grants: pd.DataFrame,
    service_accounts: pd.DataFrame,
    namespaces: pd.DataFrame,
    workforce: pd.DataFrame,
    workforce_groups: pd.DataFrame,
    *,
    as_of: str,
) -> pd.DataFrame:
    """Judge every subject of every role binding by whether it exists and still belongs, and whether its role exists.

    Parameters
    ----------
    grants, service_accounts, namespaces, workforce, workforce_groups : tables of those names
    as_of
        Moment to judge for.

    Returns
    -------
    table `judgements`, one row per subject and role binding

    Notes
    -----
    Whoever makes a service account or a role of the missing name gets, or decides, what the role binding gives; so does
    whoever makes the namespace whose service accounts are a subject.
    People are looked up in the workforce file, as members of a group by the role that puts them there.
    Source: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#periodic-review
    """
    approvals = Approvals.of(as_of, workforce, workforce_groups)
    told = not workforce.empty
    person = is_person(grants)
    about = [_belonging(row, approvals) if mine and told else ("", "") for row, mine in _each(grants, person)]
    examined = grants.assign(
        object=grants["binding"],
        member=grants["object"],
        left=pd.Series([left for left, _ in about], index=grants.index, dtype="str"),
        unknown=pd.Series([unknown for _, unknown in about], index=grants.index, dtype="str"),
    )
    account = examined["subject_kind"] == SERVICE_ACCOUNT
    place = examined["subject"].where(~account, "").str.extract(f"^{SERVICE_ACCOUNTS}:(.+)$", expand=False).fillna("")
    gone = (place != "") & ~place.isin(namespaces["name"])
    words = (examined["subject"] + " is a subject of Kubernetes itself").mask(person, examined["subject"] + " belongs")
    examined["words"] = words.mask(account, "service account " + examined["subject"] + " exists")
    return judge(
        examined,
        not_applicable(examined["stock"], "every cluster is born with it"),
        fails(
            account & ~examined["member"].isin(service_accounts["object"]),
            "service account {subject} does not exist: whoever makes it gets {role}",
            observed="missing",
            expected="no role binding, or the service account",
            rests_on=["service_accounts"],
        ),
        fails(
            gone,
            "the namespace of {subject} does not exist: whoever makes it gets {role} there",
            observed="missing",
            expected="no role binding, or the namespace",
            rests_on=["namespaces"],
        ),
        fails(
            ~examined["role_known"],
            "{role} does not exist: whoever makes it decides what {subject} gets",
            path="$.roleRef",
            observed="missing",
            expected="no role binding, or the role",
            rests_on=["grants"],
        ),
        fails(
            examined["left"] != "",
            "{left}; {subject} still has {role}",
            observed="{role}",
            expected="no role binding",
        ),
        not_assessed(
            person & (not told),
            "no workforce file: whether {subject} still belongs is not known",
            code="input_missing",
        ),
        not_assessed(examined["unknown"] != "", "{unknown}", code="input_missing"),
        member="member",
        passes="{words}",
    )


def _each(frame: pd.DataFrame, mask: pd.Series) -> list[tuple[dict[str, Any], bool]]:
    return list(zip(rows_of(frame), mask, strict=True))


def _belonging(row: dict[str, Any], approvals: Approvals) -> tuple[str, str]:
    """Return what shows that a person no longer belongs, and what is not known of a group, each in words."""
    subject = row["subject"]
    if row["subject_kind"] == USER:
        if approvals.roles(subject):
            return "", ""
        ends = [each.until for each in approvals.standings.get(subject, ()) if each.until]
        if not approvals.standings.get(subject):
            return f"{subject} is not in the workforce file", ""
        return (f"{subject} left on {max(ends)}" if ends else f"{subject} has not begun"), ""
    if approvals.members(subject):
        return "", ""
    if subject in approvals.groups:
        return f"everyone who was in {subject} has left", ""
    return "", f"the workforce file names nobody in {subject}"


@check("HK-ACC-10", optional=["workforce"], everywhere=True)
def one_person_each(
    grants: pd.DataFrame,
    control_plane_members: pd.DataFrame,
    control_plane_flags: pd.DataFrame,
    pods: pd.DataFrame,
    nodes: pd.DataFrame,
    workforce: pd.DataFrame,
) -> pd.DataFrame:
    """Judge every user that a role binding names: is it one person; and every API server by its password files.

    Parameters
    ----------
    grants, control_plane_members, control_plane_flags, pods, nodes, workforce : tables of those names

    Returns
    -------
    table `judgements`, one row per user, and one per API server

    Notes
    -----
    A static token or password belongs to whoever has the file, and is never withdrawn without a restart.
    Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#static-token-file
    """
    users = people(grants)
    users = users[users["subject_kind"] == USER].drop_duplicates("object")
    users = users.assign(member=users["subject"], door=False, seen=True)
    files = ("token-auth-file", "basic-auth-file")
    servers = api_servers(control_plane_members, control_plane_flags, pods, nodes, *files)
    servers = servers.assign(door=True, subject="")
    examined = pd.concat([users[["object", "member", "subject", "door", "seen"]], servers], ignore_index=True)
    texts = ["token_auth_file", "basic_auth_file", "why", "code"]
    examined = examined.assign(**{name: examined[name].fillna("") for name in texts})
    door = examined["door"].astype(bool)
    held = (examined["token_auth_file"] + " " + examined["basic_auth_file"]).str.strip()
    known = examined["subject"].isin(workforce["user"])
    words = examined["subject"] + " is in the workforce file"
    examined = examined.assign(files=held, words=words.mask(door, "it takes no file of tokens or passwords"))
    return judge(
        examined,
        fails(
            ~door & examined["subject"].map(is_generic).astype(bool),
            "{subject} names a task and no person",
            observed="{subject}",
            expected="one identity per person",
        ),
        fails(
            door & (held != ""),
            "it takes {files}, whose entries anyone who has them can use",
            path="$.spec.containers[*].command",
            observed="{files}",
            expected="an identity provider",
        ),
        *unseen(examined),
        reviews(~door & ~known, "is {subject} one person, and only that one?"),
        member="member",
        passes="{words}",
    )


def is_generic(user: str) -> bool:
    """Tell whether a user name is made of words for tasks or groups alone, such as `kubernetes-admin`."""
    own = user.lower().partition("@")[0].rpartition(":")[2]
    words = [word for word in _PARTS.split(own) if len(word) > 1]
    return not words or all(word in GENERIC for word in words)
