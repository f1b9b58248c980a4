"""Kubelets, the API server's endpoint, idle sessions, and how administrators sign in."""

from __future__ import annotations

import pandas as pd

from hipaa_kit.graph.reachability.exposure import is_wide
from hipaa_kit.kube.owners import object_id
from hipaa_kit.safeguards.access_control.interfaces import all_private
from hipaa_kit.safeguards.check import check, fails, judge, not_assessed, reviews

EVERY_ADDRESS = ("0.0.0.0/0", "::/0")

IDENTITY_PROVIDERS = ("keycloak", "dex", "authentik", "zitadel", "hydra", "oauth2-proxy")
"""Programs, by the last part of an image's name, that decide how long people stay signed in.

Their settings stand in files, databases and arguments that do not pass the door.
"""

IDENTITY_FLAGS = ("oidc-issuer-url", "authentication-config", "authentication-token-webhook-config-file")
"""Flags by which an API server takes people from elsewhere than certificates and files of tokens.

Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/
"""

ADMIN = "ClusterRole//cluster-admin"
CERTIFICATE_GROUPS = ("kubeadm:cluster-admins",)
"""Groups that only stand in client certificates.

Source: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/#generate-kubeconfig-files
"""


def _kubelets(nodes: pd.DataFrame, kubelet_settings: pd.DataFrame) -> pd.DataFrame:
    """Return a row per node, with its kubelet's settings where they were given."""
    names = sorted({*nodes["name"], *kubelet_settings["node"]})
    frame = pd.DataFrame({"node": names}, dtype="str").merge(kubelet_settings, on="node", how="left")
    return frame.assign(object=[object_id("Node", "", name) for name in frame["node"]])


@check("HK-ACC-18")
def kubelets_guarded(nodes: pd.DataFrame, kubelet_settings: pd.DataFrame) -> pd.DataFrame:
    """Judge every node's kubelet by whom it lets in.

    Parameters
    ----------
    nodes, kubelet_settings : tables of those names

    Returns
    -------
    table `judgements`, one row per node

    Notes
    -----
    What a configuration file leaves out has its default there: no anonymous requests, webhook authorization, no
    read-only port. Flags overrule the file; what a kubelet answers under `configz` has them in it.
    Source: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
    """
    examined = _kubelets(nodes, kubelet_settings)
    given = examined["origin"].notna()
    mode = examined["authorization_mode"].fillna("")
    return judge(
        examined,
        fails(
            examined["anonymous_auth"].eq(True),
            "its kubelet lets in requests without credentials",
            path="$.authentication.anonymous.enabled",
            observed="true",
            expected="false",
        ),
        fails(
            mode.eq("AlwaysAllow"),
            "its kubelet allows everyone everything",
            path="$.authorization.mode",
            observed="AlwaysAllow",
            expected="Webhook",
        ),
        fails(
            examined["read_only_port"].fillna(0).ne(0),
            "its kubelet answers without credentials on port {read_only_port}",
            path="$.readOnlyPort",
            observed="{read_only_port}",
            expected="0",
        ),
        not_assessed(~given, "what its kubelet runs with was not given", code="input_missing"),
        not_assessed(
            given & ~mode.isin(["", "Webhook", "AlwaysAllow"]),
            "its kubelet has an authorization mode that is not known",
            code="input_missing",
        ),
        passes="its kubelet lets in nobody without credentials, and asks the API server what they may do",
    )


@check("HK-ACC-19", optional=["kubelet_settings"])
def sessions_end(
    nodes: pd.DataFrame,
    kubelet_settings: pd.DataFrame,
    pods: pd.DataFrame,
    containers: pd.DataFrame,
    *,
    longest_idle_minutes: float = 60,
) -> pd.DataFrame:
    """Judge every node by whether idle sessions through its kubelet end, and ask about identity providers.

    Parameters
    ----------
    nodes, kubelet_settings, pods, containers : tables of those names
    longest_idle_minutes
        Most minutes that an idle session may stay open; the law names no number.

    Returns
    -------
    table `judgements`, one row per node, and one per workload that signs people in

    Notes
    -----
    What a configuration file leaves out is four hours; 0 is never.
    Source: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
    """
    kubelets = _kubelets(nodes, kubelet_settings)
    if kubelet_settings.empty:  # one word for all of them, as none was given
        kubelets = kubelets.reindex([0]).assign(object="Cluster//kubelets")
    given = kubelets["origin"].notna()
    minutes = kubelets["streaming_idle_seconds"].fillna(4 * 3600).astype("float64") / 60
    owner = dict(zip(pods["object"], pods["workload"], strict=True))
    last = containers["repository"].str.split("/").str[-1]
    signing = {owner[pod] for pod in containers[last.isin(IDENTITY_PROVIDERS)]["pod"]}
    asked = pd.DataFrame({"object": sorted(signing)}, dtype="str").assign(kind="identity", minutes=0.0, given=True)
    judged = kubelets[["object"]].assign(kind="kubelet", minutes=minutes, given=given)
    examined = pd.concat([judged, asked], ignore_index=True).astype({"given": "bool"})
    examined = examined.assign(words=examined["minutes"].map("{:g}".format))
    kubelet = examined["kind"].eq("kubelet")
    known = kubelet & examined["given"]
    return judge(
        examined,
        fails(
            known & examined["minutes"].eq(0),
            "idle sessions through its kubelet never end",
            path="$.streamingConnectionIdleTimeout",
            observed="0",
            expected=f"at most {longest_idle_minutes:g} minutes",
        ),
        fails(
            known & examined["minutes"].gt(longest_idle_minutes),
            "idle sessions through its kubelet end after {words:minute}",
            path="$.streamingConnectionIdleTimeout",
            observed="{words:minute}",
            expected=f"at most {longest_idle_minutes:g} minutes",
        ),
        not_assessed(kubelet & ~examined["given"], "what kubelets run with was not given", code="input_missing"),
        reviews(examined["kind"].eq("identity"), "after which time without activity does it sign people out?"),
        passes="idle sessions through its kubelet end after {words:minute}",
    )


@check("HK-ACC-21")
def endpoint_not_open(cloud_clusters: pd.DataFrame) -> pd.DataFrame:
    """Judge the API server's endpoint by who can reach it, as the provider says.

    Parameters
    ----------
    cloud_clusters : table of that name

    Returns
    -------
    table `judgements`, one row per managed cluster

    Notes
    -----
    Sources: https://docs.aws.amazon.com/eks/latest/userguide/cluster-endpoint.html,
    https://cloud.google.com/kubernetes-engine/docs/how-to/latest/network-isolation,
    https://learn.microsoft.com/en-us/azure/aks/api-server-authorized-ip-ranges
    """
    clusters = cloud_clusters
    ranges = clusters["public_cidrs"].str.split()
    widest = ranges.map(lambda cidrs: next((each for each in cidrs if is_wide(each) and not all_private(each)), ""))
    examined = clusters.assign(object=[object_id("CloudCluster", "", name) for name in clusters["name"]], widest=widest)
    whence = examined["public_cidrs"].where(examined["endpoint_public"].eq(True), "within its network alone")
    whom = ("all of " + examined["widest"]).mask(examined["widest"].isin(EVERY_ADDRESS), "every address")
    examined = examined.assign(whence=whence, whom=whom)
    public, named = examined["endpoint_public"], examined["public_cidrs"].ne("")
    return judge(
        examined,
        fails(
            public.eq(True) & examined["widest"].ne(""),
            "its API server can be reached from {whom}",
            observed="{widest}",
            expected="the addresses that need it, or a private endpoint",
        ),
        not_assessed(
            public.isna(),
            "the provider's answer does not say whether its API server can be reached from the internet",
            code="input_missing",
        ),
        not_assessed(
            public.eq(True) & ~named,
            "the provider's answer does not say which addresses can reach its API server",
            code="input_missing",
        ),
        passes="its API server can be reached from {whence}",
    )


@check("HK-ACC-22")
def administrators_use_two_factors(
    role_bindings: pd.DataFrame,
    binding_subjects: pd.DataFrame,
    control_plane_members: pd.DataFrame,
    control_plane_flags: pd.DataFrame,
) -> pd.DataFrame:
    """Judge every person or group that is administrator of the cluster by how they can sign in.

    Parameters
    ----------
    role_bindings, binding_subjects, control_plane_members, control_plane_flags : tables of those names

    Returns
    -------
    table `judgements`, one row per user or group that a ClusterRoleBinding makes cluster-admin, one for the API server

    Notes
    -----
    An API server that takes nobody from an identity provider knows people by client certificates and files of tokens
    alone, neither of which asks for a second factor. What an identity provider asks for cannot be seen from here.
    Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/
    """
    admin = role_bindings[role_bindings["role"].eq(ADMIN) & role_bindings["kind"].eq("ClusterRoleBinding")]
    held = binding_subjects[binding_subjects["binding"].isin(admin["object"])]
    people = held[held["subject_kind"].isin(["User", "Group"]) & ~held["subject"].str.startswith("system:")]
    servers = control_plane_members[control_plane_members["component"].eq("kube-apiserver")]
    flags = control_plane_flags[control_plane_flags["component"].eq("kube-apiserver")]["name"]
    readable = bool(len(servers)) and bool(servers["flags_read"].all())
    principals = people.assign(
        object=people["binding"],
        member=people["subject_kind"] + " " + people["subject"],
        certificate=people["subject"].isin(CERTIFICATE_GROUPS),
    )
    server = pd.DataFrame([{"object": "Cluster//api-server", "member": "", "certificate": False}])
    examined = pd.concat([principals, server], ignore_index=True)[["object", "member", "certificate"]]
    whole = examined["member"].eq("")
    examined = examined.assign(
        provider=bool(flags.isin(IDENTITY_FLAGS).any()),
        tokens=bool(flags.eq("token-auth-file").any()),
        readable=readable,
    )
    alone = examined["readable"] & ~examined["provider"]
    return judge(
        examined,
        fails(
            whole & examined["tokens"],
            "it takes people from a file of tokens, which asks for no second factor",
            path="--token-auth-file",
            expected="an identity provider",
        ),
        fails(
            ~whole & examined["certificate"].astype(bool),
            "{member} is administrator by a client certificate, which asks for no second factor",
            observed="client certificate",
            expected="an identity provider",
        ),
        fails(
            ~whole & alone,
            "{member} is administrator, and the API server knows people by certificates and tokens alone",
            observed="client certificate or token",
            expected="an identity provider",
            rests_on=["control_plane_flags"],
        ),
        reviews(
            examined["provider"] & ~examined["certificate"].astype(bool),
            "does the identity provider ask administrators for a second factor?",
        ),
        not_assessed(
            ~examined["provider"],
            "how administrators sign in is not known, and nobody has stated it",
            code="input_missing",
        ),
        member="member",
        passes="",
    )
