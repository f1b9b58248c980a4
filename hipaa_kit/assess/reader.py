"""What a reader of the cluster must be able to list, and the least role that lets it.

Nothing is listed by hand: the kinds are those that the builders of tables declare to read, or to take where they are
served, and the checks read tables alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple

from hipaa_kit.assess.facade import registered_checks
from hipaa_kit.errors import InputError
from hipaa_kit.inventory.registry import BUILDERS
from hipaa_kit.kube import kinds
from hipaa_kit.kube.custom_kinds import CUSTOM
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.sources.profiles import check_profile, why_left_out
from hipaa_kit.vocabulary import CLUSTER

RBAC: Final = "rbac.authorization.k8s.io"
READS: Final = ["get", "list"]
NAME: Final = "hipaa-kit-reader"


class Subject(NamedTuple):
    """Whom the role is given to: `kind` is User, Group or ServiceAccount, the last with its namespace."""

    kind: str
    name: str
    namespace: str = ""


def service_account(text: str) -> Subject:
    """Return the subject that `NAMESPACE:NAME` names."""
    namespace, colon, name = text.partition(":")
    if not (namespace and colon and name) or ":" in name:
        raise InputError(f"{text!r} is no service account", "--service-account", "write NAMESPACE:NAME")
    return Subject("ServiceAccount", name, namespace)


def declared_kinds() -> tuple[Kind, ...]:
    """Return every kind that a table, and so a check or a notebook, is made from; sorted."""
    registered_checks()  # whatever declares a table is imported by now
    return tuple(sorted({kind for builder in BUILDERS.values() for kind in builder.reads}))


def needed_kinds(profile: str) -> tuple[Kind, ...]:
    """Return the declared kinds that a profile asks for."""
    check_profile(profile)
    return tuple(kind for kind in declared_kinds() if not why_left_out(kind, profile))


def kinds_beside(profile: str) -> tuple[Kind, ...]:
    """Return the custom kinds of which tables take what is there, and that a profile asks for where they are served.

    Nothing is judged by their absence: a cluster that serves none of them is read as a whole all the same.
    """
    declared = declared_kinds()
    found = {kind for builder in BUILDERS.values() for kind in builder.also if kind in CUSTOM}
    return tuple(sorted(kind for kind in found - {*declared} if not why_left_out(kind, profile)))


def rules(wanted: Iterable[Kind]) -> list[dict[str, list[str]]]:
    """Return the rules of a role that may read some kinds: one per API group, sorted.

    Secrets may be listed at most, because `get` would read one by name, with its values.
    """
    held = sorted(set(wanted))
    open_kinds = [kind for kind in held if kind != kinds.SECRET]
    made = [
        {"apiGroups": [group], "resources": sorted(kind.resource for kind in of_group), "verbs": READS}
        for group, of_group in groupby(open_kinds, key=lambda kind: kind.group)
    ]
    if kinds.SECRET in held:
        made.append({"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]})
    return made


def reader_role(
    profile: str = "audit", namespaces: Sequence[str] = (), subjects: Sequence[Subject] = (), name: str = NAME
) -> list[dict[str, Any]]:
    """Return the objects that let somebody read what the checks declare, and nothing else.

    Parameters
    ----------
    profile
        As for a collection.
    namespaces
        Give rights in these namespaces alone: a Role in each, and none on kinds without namespace, so
        that what is judged by those is not assessed.
    subjects
        Who gets the role; a service account is made as well.
    name
        Name of every object.

    Returns
    -------
    list of dict
        ServiceAccounts, then roles, then bindings, each as `kubectl apply` takes it. Discovery (`/api`,
        `/apis`, `/version`) is not in it: `system:discovery` gives it to everyone who is logged in.
        Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#discovery-roles
    """
    readable = (*needed_kinds(profile), *kinds_beside(profile))
    wanted = [kind for kind in readable if kind.namespaced or not namespaces]
    accounts = [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": _named(subject.name, subject.namespace),
            "automountServiceAccountToken": False,
        }
        for subject in subjects
        if subject.kind == "ServiceAccount"
    ]
    kind = "Role" if namespaces else "ClusterRole"
    places = sorted(set(namespaces)) or [CLUSTER]
    roles = [
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": kind,
            "metadata": _named(name, place),
            "rules": rules(wanted),
        }
        for place in places
    ]
    bindings = [
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": f"{kind}Binding",
            "metadata": _named(name, place),
            "roleRef": {"apiGroup": RBAC, "kind": kind, "name": name},
            "subjects": [_subject(subject) for subject in subjects],
        }
        for place in places
        if subjects
    ]
    return [*accounts, *roles, *bindings]


def _named(name: str, namespace: str) -> dict[str, str]:
    return {"name": name, "namespace": namespace} if namespace else {"name": name}


def _subject(subject: Subject) -> dict[str, str]:
    place = {"namespace": subject.namespace} if subject.namespace else {"apiGroup": RBAC}
    return {"kind": subject.kind, "name": subject.name, **place}
