"""AuthorizationPolicy of Istio: a further gate at the proxy of the destination.

Sources: https://istio.io/latest/docs/reference/config/security/authorization-policy/,
https://istio.io/latest/docs/reference/config/security/conditions/ and
https://istio.io/latest/docs/tasks/security/authorization/authz-tcp/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tests.support.network_oracle.logic import Tri, all3, any3, not3
from tests.support.network_oracle.model import End, Flow, Object, Options, in_network, policies, selects

HTTP = ("hosts", "notHosts", "methods", "notMethods", "paths", "notPaths")
REQUEST = ("requestPrincipals", "notRequestPrincipals", "remoteIpBlocks", "notRemoteIpBlocks")


def gate(cluster: Object, flow: Flow, options: Options) -> Tri:
    """Tell whether the proxy of the destination lets a connection in.

    Only pods with a proxy have the gate, and only TCP goes through it. First CUSTOM, then DENY, then ALLOW: without an
    ALLOW policy everything passes; with one, what it matches.
    """
    if flow.destination.pod is None or flow.protocol != "TCP" or not meshed(flow.destination):
        return True
    held = policies(cluster, "security.istio.io", "AuthorizationPolicy")
    applied = [each for each in held if _applies(each, flow.destination, options) is not False]
    verdicts = {action: _matched(applied, action, flow, options) for action in ("CUSTOM", "DENY", "ALLOW")}
    allow = [_applies(each, flow.destination, options) for each in applied if _action(each) == "ALLOW"]
    allowed = any3(verdicts["ALLOW"]) if True in allow else None if allow else True
    custom = None if any(each is not False for each in verdicts["CUSTOM"]) else True
    return all3((custom, not3(any3(verdicts["DENY"])), allowed))


def meshed(end: End) -> bool:
    """Tell whether a pod has Istio's proxy beside it."""
    spec = (end.pod or {}).get("spec", {})
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    return not end.host_network and any(each.get("name") == "istio-proxy" for each in containers)


def _action(policy: Object) -> str:
    dry = (policy["metadata"].get("annotations") or {}).get("istio.io/dry-run") == "true"
    return "AUDIT" if dry else str((policy.get("spec") or {}).get("action") or "ALLOW")


def _applies(policy: Object, end: End, options: Options) -> Tri:
    """Tell whether a policy covers a workload: of its own namespace, or of any when it lies in the root namespace."""
    spec = policy.get("spec") or {}
    if policy["metadata"]["namespace"] not in (end.namespace, options.istio_root):
        return False
    if spec.get("targetRef") or spec.get("targetRefs"):
        return None
    return selects({"matchLabels": (spec.get("selector") or {}).get("matchLabels")}, end.labels)


def _matched(applied: list[Object], action: str, flow: Flow, options: Options) -> list[Tri]:
    return [
        all3((_applies(policy, flow.destination, options), _rule(rule or {}, flow, options)))
        for policy in applied
        if _action(policy) == action
        for rule in (policy.get("spec") or {}).get("rules") or ()
    ]


def _rule(rule: Object, flow: Flow, options: Options) -> Tri:
    """Tell whether a rule matches: one source, one operation, every condition; an empty rule always does."""
    sources = [_source((each or {}).get("source") or {}, flow, options) for each in rule.get("from") or ()]
    operations = [_operation((each or {}).get("operation") or {}, flow) for each in rule.get("to") or ()]
    conditions = [_condition(each, flow, options) for each in rule.get("when") or ()]
    return all3((any3(sources) if sources else True, any3(operations) if operations else True, *conditions))


def _source(source: Object, flow: Flow, options: Options) -> Tri:
    """Tell whether a source matches: all of its fields must."""
    namespace, principal = _identity(flow.source, options)
    return all3(
        (
            *(None for key in REQUEST if source.get(key)),
            _both(source.get("principals"), source.get("notPrincipals"), lambda each: _text(each, principal)),
            _both(source.get("namespaces"), source.get("notNamespaces"), lambda each: _text(each, namespace)),
            _both(source.get("ipBlocks"), source.get("notIpBlocks"), lambda each: _address(each, flow.source, flow)),
        )
    )


def _operation(operation: Object, flow: Flow) -> Tri:
    """Tell whether an operation matches. What only a request has, a connection may carry or not."""
    ports = _both(operation.get("ports"), operation.get("notPorts"), lambda each: str(each) == str(flow.port))
    return all3((*(None for key in HTTP if operation.get(key)), ports))


def _condition(condition: Object, flow: Flow, options: Options) -> Tri:
    """Tell whether a condition on an attribute of the connection holds."""
    namespace, principal = _identity(flow.source, options)
    readers: dict[str, Callable[[str], Tri]] = {
        "source.ip": lambda each: _address(each, flow.source, flow),
        "source.namespace": lambda each: _text(each, namespace),
        "source.principal": lambda each: _text(each, principal),
        "destination.ip": lambda each: _address(each, flow.destination, flow),
        "destination.port": lambda each: str(each) == str(flow.port),
    }
    reader = readers.get(condition["key"])
    return _both(condition.get("values"), condition.get("notValues"), reader) if reader else None


def _both(wanted: Iterable[str] | None, unwanted: Iterable[str] | None, holds: Callable[[str], Tri]) -> Tri:
    """Tell whether one of the wanted values holds and none of the unwanted; a list that is not given asks nothing."""
    inside = any3(holds(each) for each in wanted) if wanted else True
    return all3((inside, not3(any3(holds(each) for each in unwanted or ()))))


def _identity(end: End, options: Options) -> tuple[str | None, str | None]:
    """Return namespace and principal that the source proves: none without a proxy, not known outside the cluster."""
    if end.pod is None:
        return None, None
    if not meshed(end):
        return "", ""
    return end.namespace, f"{options.trust_domain}/ns/{end.namespace}/sa/{end.service_account}"


def _text(pattern: str, value: str | None) -> Tri:
    """Tell whether a pattern matches: exact, a prefix, a suffix, or `*` for any that is not empty."""
    if value is None:
        return None
    if pattern == "*":
        return bool(value)
    if pattern.startswith("*"):
        return value.endswith(pattern[1:])
    return value.startswith(pattern[:-1]) if pattern.endswith("*") else value == pattern


def _address(block: str, end: End, flow: Flow) -> Tri:
    return in_network(end.address(flow.family), block)
