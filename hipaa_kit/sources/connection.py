"""How a cluster is reached: a kubeconfig context, or the token of the pod this runs in."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from hipaa_kit.errors import InputError
from hipaa_kit.sources.transport import CollectError, Server

DAY_SECONDS: Final = 86_400


def connect(
    context: str | None = None,
    kubeconfig: str | Path | None = None,
    *,
    in_cluster: bool = False,
    timeout_seconds: float = 60.0,
    budget_seconds: float = 1800.0,
) -> tuple[Server, str]:
    """Return the server that a configuration names, and the name of its context.

    Parameters
    ----------
    context, kubeconfig
        As for kubectl: the current context of `$KUBECONFIG` or `~/.kube/config` by default.
    in_cluster
        Use the token of the pod this runs in.
    timeout_seconds
        Limit of one request, its whole answer included.
    budget_seconds
        Limit of all requests together.

    Raises
    ------
    CollectError
        The configuration cannot be used.
    InputError
        A limit is none.

    Notes
    -----
    When the server no longer accepts the credentials, everything is read anew: token files, and what
    credential plug-ins give. The official client itself does so only where an expiry was named.
    """
    for flag, seconds in (("--timeout", timeout_seconds), ("--budget", budget_seconds)):
        if not 0 < seconds <= DAY_SECONDS:
            raise InputError(f"{seconds:g} is no limit in time", flag, f"give seconds, at most {DAY_SECONDS}")
    client, name = make_client(context, kubeconfig, in_cluster=in_cluster)

    def renew() -> Any:
        return make_client(context, kubeconfig, in_cluster=in_cluster)[0]

    return Server(client, timeout_seconds, budget_seconds, renew=renew), name


def make_client(
    context: str | None = None, kubeconfig: str | Path | None = None, *, in_cluster: bool = False
) -> tuple[Any, str]:
    """Return the official client's `ApiClient` and the name of the context it stands for."""
    import yaml
    from kubernetes import client, config

    try:
        if in_cluster:
            settings = client.Configuration()
            config.load_incluster_config(client_configuration=settings)
            return client.ApiClient(settings), "in-cluster"
        place = str(kubeconfig) if kubeconfig else None
        contexts, active = config.list_kube_config_contexts(config_file=place)
        names = [each["name"] for each in contexts]
        if context is not None and context not in names:
            known = f"contexts are {', '.join(names)}"
            raise CollectError(f"there is no context {context!r}", place or "kubeconfig", known)
        made = config.new_client_from_config(config_file=place, context=context, persist_config=False)
        return made, context or str(active["name"])
    except (config.ConfigException, OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        # Messages of these errors may repeat what stands in the file: its kind is enough.
        what = str(error) if isinstance(error, config.ConfigException) else type(error).__name__
        where = "service account of this pod" if in_cluster else str(kubeconfig or "kubeconfig")
        raise CollectError(
            f"the configuration cannot be used: {what}", where, "name a kubeconfig with --kubeconfig"
        ) from None
