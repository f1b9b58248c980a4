"""Permissions on a real server: given by RBAC, asked for by SubjectAccessReview."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tests.support.live.api import Api, until

READ = ["get", "list"]
RBAC = "/apis/rbac.authorization.k8s.io/v1"
REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


@dataclass(frozen=True)
class Question:
    """What the API server's authorizer is asked; `path` alone for requests that name no resource."""

    user: str
    verb: str
    resource: str = ""
    group: str = ""
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    groups: tuple[str, ...] = ()
    path: str = ""

    def review(self) -> dict[str, Any]:
        """Return the question as a SubjectAccessReview."""
        spec: dict[str, Any] = {"user": self.user, "groups": list(self.groups)}
        if self.path:
            spec["nonResourceAttributes"] = {"path": self.path, "verb": self.verb}
        else:
            wanted = ("verb", "resource", "group", "namespace", "name", "subresource")
            spec["resourceAttributes"] = {key: value for key, value in asdict(self).items() if key in wanted and value}
        return {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}


def ask(api: Api, questions: Iterable[Question]) -> list[bool]:
    """Ask the server itself, many at once: is each of these allowed?"""
    answers = api.many(("POST", REVIEWS, question.review()) for question in questions)
    return [bool(answer.expect(201)["status"]["allowed"]) for answer in answers]


def grant(api: Api, user: str, rules: Sequence[Mapping[str, Any]], namespace: str = "", name: str = "") -> None:
    """Give a user some rules, in the cluster or in one namespace; what was granted before is replaced."""
    scope, kind = (f"{RBAC}/namespaces/{namespace}", "Role") if namespace else (RBAC, "ClusterRole")
    name = name or f"granted-{user}"
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    plural = f"{kind.lower()}s"
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": metadata, "rules": list(rules)}
    subject = {"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": f"{kind}Binding",
        "metadata": metadata,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name},
        "subjects": [subject],
    }
    for resource, obj in ((plural, role), (f"{kind.lower()}bindings", binding)):
        if api.request("POST", f"{scope}/{resource}", obj).status == 409:
            api.replace(f"{scope}/{resource}/{name}", obj)


def wait_until(api: Api, answers: Mapping[Question, bool]) -> None:
    """Wait until the authorizer has seen what was granted and taken away: its answers are these."""
    until(lambda: ask(api, answers) == list(answers.values()), f"the authorizer answers {answers}")


def wait_until_allowed(
    api: Api, user: str, rules: Iterable[Mapping[str, Any]], refused: Mapping[str, Collection[str]]
) -> None:
    """Wait until a user may list what the rules name, and the refused in their namespaces alone."""
    answers = {
        Question(user, "list", resource, group): True
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    for resource, namespaces in refused.items():
        answers[Question(user, "list", resource)] = False
        answers |= {Question(user, "list", resource, namespace=each): True for each in namespaces}
    wait_until(api, answers)
