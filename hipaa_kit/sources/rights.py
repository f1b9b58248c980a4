"""What an identity may read, asked before anything is read.

Kubernetes answers such questions through objects that are posted and not stored: in effect they are
reads. Where they are not possible, a list of one object answers as well. Only `doctor` asks them; a
collection sends nothing but GET.
Source: https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hipaa_kit.sources.discovery import Served
from hipaa_kit.sources.listing import accepted_form
from hipaa_kit.sources.transport import Server
from hipaa_kit.vocabulary import FAILED, REFUSED

ALLOWED: Final = "allowed"
WHO: Final = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
ACCESS: Final = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@dataclass(frozen=True)
class Right:
    """Whether a list would be answered: `allowed`, `refused` or `failed`, and in which words."""

    status: str
    words: str = ""


def who_am_i(server: Server) -> tuple[str, tuple[str, ...]]:
    """Return the user name and the groups that the server knows the identity by; nothing where it does not tell."""
    question = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    info = _status(server.review(WHO, question).content).get("userInfo")
    held = info if isinstance(info, Mapping) else {}
    name, groups = held.get("username"), held.get("groups")
    named = [group for group in groups if isinstance(group, str)] if isinstance(groups, list) else []
    return (name if isinstance(name, str) else ""), tuple(named)


def may_list(server: Server, served: Served, namespace: str = "") -> Right:
    """Tell whether a kind may be listed in a namespace, or everywhere."""
    attributes = {"group": served.group, "resource": served.kind.resource, "verb": "list"}
    question = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {**attributes, **({"namespace": namespace} if namespace else {})}},
    }
    reply = server.review(ACCESS, question)
    answer = _status(reply.content)
    if not reply.ok or not isinstance(answer.get("allowed"), bool):
        return _try(server, served, namespace)
    if answer["allowed"]:
        return Right(ALLOWED)
    told = answer.get("reason") or answer.get("evaluationError")
    return Right(REFUSED, told if isinstance(told, str) else "no rule allows it")


def _try(server: Server, served: Served, namespace: str) -> Right:
    """Ask for one object of the list: the answer itself is dropped."""
    reply = server.get(served.path(namespace), {"limit": 1}, accepted_form(served.kind))
    if reply.ok:
        return Right(ALLOWED)
    return Right(REFUSED if reply.status in (401, 403) else FAILED, reply.words)


def _status(content: Any) -> Mapping[str, Any]:
    status = content.get("status") if isinstance(content, Mapping) else None
    return status if isinstance(status, Mapping) else {}
