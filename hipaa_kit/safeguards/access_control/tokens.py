"""Tokens of service accounts in ePHI pods."""

from __future__ import annotations

from collections import defaultdict

import pandas as pd

from hipaa_kit.safeguards.check import check, fails, judge, not_assessed, reviews, texts_for

STOCK = tuple(
    f"ClusterRole//system:{name}"
    for name in ("basic-user", "discovery", "public-info-viewer", "service-account-issuer-discovery")
)
"""Roles that a stock cluster gives to everyone who is known: they are no grant to an account.

Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings
"""

TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
OF_THE_API_SERVER = ("https://kubernetes.default.svc", "kubernetes.default.svc", "https://container.googleapis.com/")
"""Begin the audiences that name the API server itself: its issuer, unless it is told of others. GKE's is its own.

Source: https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/ (`--api-audiences`)
"""
GROUPS = ("system:authenticated", "system:serviceaccounts")


@check("HK-ACC-11", everywhere=True)
def tokens_kept_short(
    ephi_workloads: pd.DataFrame,
    pods: pd.DataFrame,
    service_accounts: pd.DataFrame,
    token_volumes: pd.DataFrame,
    account_secrets: pd.DataFrame,
    volumes: pd.DataFrame,
    volume_mounts: pd.DataFrame,
    role_bindings: pd.DataFrame,
    binding_subjects: pd.DataFrame,
    *,
    token_hours: int = 24,
) -> pd.DataFrame:
    """Judge every ePHI pod by the token of its service account that it carries.

    Parameters
    ----------
    ephi_workloads, pods, service_accounts, token_volumes, account_secrets, volumes, volume_mounts, role_bindings,
    binding_subjects : tables of those names
    token_hours
        A token that the pod asks for itself may be good for so many hours.

    Returns
    -------
    table `judgements`, one row per pod

    Notes
    -----
    A pod's own word on mounting the token goes before its account's; where neither says anything it is mounted. A
    volume for the API server that is written into the pod brings the token all the same, also where it names it. A
    token without end is known by its name, as Kubernetes gave it, by where it is mounted, or, where Secrets were read,
    by the Secret's own word. One that is not mounted can be read by whoever reads Secrets there, and holds as long. A
    static pod has no account, and so no token. Without an audit log it cannot be said which permissions were used, so
    that only an account without any of its own passes.
    Source: https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/
    """
    inside = pods[pods["workload"].isin(ephi_workloads["object"])]
    said = service_accounts.set_index("object")["automount_token"]
    of_account = inside["service_account"].map(said).astype("boolean")
    mounted = inside["automount_token"].fillna(of_account).fillna(True).astype(bool)
    audience = token_volumes["audience"]
    for_the_server = audience.eq("") | audience.str.startswith(OF_THE_API_SERVER)
    written = token_volumes[~token_volumes["automatic"] & for_the_server]["pod"]
    examined = inside.assign(
        account=inside["service_account"].str.split("/").str[-1],
        mounted=(mounted | inside["object"].isin(written)) & ~inside["static"],
        by_default=inside["automount_token"].isna() & ~inside["object"].isin(written),
        bindings=texts_for(
            inside["service_account"], _grants(inside["service_account"], binding_subjects, role_bindings)
        ),
        legacy=texts_for(inside["object"], _endless(inside, volumes, volume_mounts)),
        kept=texts_for(inside["service_account"], _kept(account_secrets)),
    )
    asked = token_volumes[~token_volumes["automatic"]].groupby("pod")["expiration_seconds"].max() / 3600
    hours = examined["object"].map(asked).astype("Float64")
    examined = examined.assign(
        hours=hours.round(1).astype("str"), long=hours.gt(token_hours).fillna(False), most=token_hours
    )
    default = examined["mounted"] & examined["account"].eq("default")
    return judge(
        examined,
        fails(examined["legacy"] != "", "{object} mounts a token without end: {legacy}", observed="{legacy}"),
        fails(
            examined["kept"] != "", "{service_account} of {object} has a token without end: {kept}", observed="{kept}"
        ),
        fails(
            default & ~examined["by_default"],
            "{object} mounts the token of {service_account}",
            path="$.spec.automountServiceAccountToken",
            observed="true",
            expected="false, or an account of its own",
        ),
        fails(
            default & examined["by_default"],
            "{object} mounts the token of {service_account}, as nothing says otherwise",
            path="$.spec.automountServiceAccountToken",
            expected="false, or an account of its own",
            rests_on=["service_accounts"],
        ),
        not_assessed(
            examined["mounted"] & examined["bindings"].ne(""),
            "{object} mounts a token that may do what {bindings} grants; whether it does is not known without an audit "
            "log",
            code="input_missing",
        ),
        reviews(
            examined["long"],
            "why does {object} ask for a token that is good for {hours:hour}, where {most} are enough? Who takes it "
            "from the pod keeps it as long",
            observed="{hours:hour}",
        ),
        object="workload",
        member="object",
        evidence="service_account",
        passes="{object} mounts no token, or one to which nothing is granted",
    )


def _grants(accounts: pd.Series, subjects: pd.DataFrame, bindings: pd.DataFrame) -> pd.Series:
    """Return for each service account the role bindings that give it something of its own."""
    given = subjects.merge(bindings[["object", "role"]], left_on="binding", right_on="object")
    given = given[~given["role"].isin(STOCK)]
    named = {
        (kind, namespace, name): frame["binding"].tolist()
        for (kind, namespace, name), frame in given.groupby(["subject_kind", "subject_namespace", "subject"])
    }
    found = {}
    for account in sorted(set(accounts)):
        _, namespace, name = account.split("/")
        keys = [("ServiceAccount", namespace, name), ("User", "", f"system:serviceaccount:{namespace}:{name}")]
        keys += [("Group", "", group) for group in (*GROUPS, f"system:serviceaccounts:{namespace}")]
        # A role binding may leave out the namespace of an account: it then means its own.
        own = [
            binding
            for binding in named.get(("ServiceAccount", "", name), ())
            if binding.startswith(f"RoleBinding/{namespace}/")
        ]
        found[account] = ", ".join(sorted({*own, *(each for key in keys for each in named.get(key, ()))}))
    return pd.Series(found, dtype="str")


def _kept(account_secrets: pd.DataFrame) -> pd.Series:
    """Return for each service account the Secrets that keep tokens of it without end, mounted or not."""
    return account_secrets[account_secrets["token"]].groupby("account")["secret"].agg(", ".join)


def _endless(pods: pd.DataFrame, volumes: pd.DataFrame, volume_mounts: pd.DataFrame) -> pd.Series:
    """Return for each pod the Secrets with tokens without end that it mounts."""
    secrets = volumes[volumes["type"].eq("secret") & volumes["pod"].isin(pods["object"])]
    account = dict(zip(pods["object"], pods["service_account"], strict=True))
    places = volume_mounts[volume_mounts["mount_path"].eq(TOKEN_PATH)]
    at_the_place = set(zip(places["pod"], places["volume"], strict=True))
    found: dict[str, list[str]] = defaultdict(list)
    for pod, volume, secret in secrets[["pod", "volume", "reference"]].itertuples(index=False):
        name = account[pod].rpartition("/")[2]
        if (pod, volume) in at_the_place or f"/{name}-token-" in secret:
            found[pod].append(secret)
    return pd.Series({pod: ", ".join(dict.fromkeys(held)) for pod, held in found.items()}, dtype="str")
