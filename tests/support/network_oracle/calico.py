"""NetworkPolicy and GlobalNetworkPolicy of Calico, in tiers.

Sources: https://docs.tigera.io/calico/latest/reference/resources/networkpolicy,
https://docs.tigera.io/calico/latest/reference/resources/globalnetworkpolicy,
https://docs.tigera.io/calico/latest/reference/resources/tier,
https://docs.tigera.io/calico/latest/network-policy/policy-tiers/tiered-policy and the comments of
https://github.com/projectcalico/calico/blob/master/api/pkg/apis/projectcalico/v3/policy_common.go.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from math import inf
from typing import Any

from tests.support.network_oracle.admin_policy import either
from tests.support.network_oracle.calico_selector import matches
from tests.support.network_oracle.logic import Tri, all3, any3, not3
from tests.support.network_oracle.model import (
    Address,
    End,
    Flow,
    InvalidError,
    Labels,
    Object,
    group,
    in_network,
    name,
    named_port,
    namespace_labels,
    parse_block,
)

GROUPS = ("projectcalico.org", "crd.projectcalico.org")
KINDS = ("NetworkPolicy", "GlobalNetworkPolicy")
NUMBERS = {6: "TCP", 17: "UDP", 132: "SCTP"}
DEFAULT_TIER_ORDER, ADMIN_ORDER, KUBERNETES_ORDER, BASELINE_ORDER = 1_000_000.0, 1_000.0, 1_000.0, 10_000_000.0


def held(cluster: Object, *kinds: str) -> list[Object]:
    """Return Calico's objects of some kinds, whichever of its two groups they are written in."""
    return [each for each in cluster["policies"] if group(each) in GROUPS and each["kind"] in kinds]


def present(cluster: Object) -> bool:
    """Tell whether there is a policy of Calico."""
    return bool(held(cluster, *KINDS))


def decide(
    cluster: Object,
    flow: Flow,
    direction: str,
    kubernetes: Callable[[], set[Any]],
    admin: Callable[[str], set[str]],
) -> set[bool]:
    """Return what the tiers may come to.

    Tiers go by order. NetworkPolicies of Kubernetes stand in the default tier at order 1000, the admin kinds in tiers
    of their own that pass on what no rule matches. A tier with a policy that selects the pod ends in its default
    action; any other is left out. After the last tier the profile of the namespace allows.
    """
    said: set[bool] = set()
    for tier in sorted([*_tiers(cluster), (ADMIN_ORDER, "kube-admin"), (BASELINE_ORDER, "kube-baseline")]):
        if tier[1] in ("kube-admin", "kube-baseline"):
            here = admin("Admin" if tier[1] == "kube-admin" else "Baseline")
        else:
            here = _tier(cluster, flow, direction, tier[1], kubernetes)
        said |= {each == "allow" for each in here & {"allow", "deny"}}
        if not here & {"pass", "none"}:
            return said
    return said | {True}


def _tiers(cluster: Object) -> list[tuple[float, str]]:
    known = {name(each): each["spec"].get("order") for each in held(cluster, "Tier")}
    orders = {each: inf if order is None else float(order) for each, order in known.items()}
    orders["default"] = DEFAULT_TIER_ORDER
    for policy in held(cluster, *KINDS):
        orders.setdefault(_tier_of(policy), -inf)  # its place is not known: see _tier
    return [(order, each) for each, order in orders.items()]


def _tier_of(policy: Object) -> str:
    return str(policy["spec"].get("tier") or "default")


def _order(policy: Object) -> tuple[float, str]:
    """Return the place in the tier: by order, none last, equals by name.

    One that is refused may be there with another order, before all.
    """
    if not valid(policy):
        return (-inf, name(policy))
    order = policy["spec"].get("order")
    return (inf if order is None else float(order), name(policy))


def _tier(cluster: Object, flow: Flow, direction: str, tier: str, kubernetes: Callable[[], set[Any]]) -> set[str]:
    """Return what one tier may say; `none` means that it holds nothing for the pod, or passes by default."""
    mine = [each for each in held(cluster, *KINDS) if _tier_of(each) == tier]
    orders = {_order(each)[0] for each in mine} | ({KUBERNETES_ORDER} if tier == "default" else set())
    said, applies, ends = set(), [], []
    for order in sorted(orders):
        applied, ended, outcome = _in_turn(
            cluster, [each for each in mine if _order(each)[0] == order], flow, direction
        )
        alternatives = [(applied, outcome)]
        ends.append(ended)
        if tier == "default" and order == KUBERNETES_ORDER:
            theirs = kubernetes()
            alternatives.append(_kubernetes(theirs))  # against equals of its own order nothing places it
            # Where nothing of theirs matches and none denies, none of theirs selects the pod.
            ends.append(alternatives[1][0] if False in theirs else False)
        applies += [applied for applied, _ in alternatives]
        here = either([outcome for _, outcome in alternatives])
        said |= here - {"none"}
        if "none" not in here:
            break
    applied = any3(applies)
    if applied is False:
        return {"none"}
    settings = [each["spec"] for each in held(cluster, "Tier") if name(each) == tier]
    if not settings and tier != "default":
        return {"allow", "deny", "pass"}  # a tier without its object has no place among the others
    if "none" not in here:
        return said
    passes = tier != "default" and settings[0].get("defaultAction") == "Pass"
    ended = any3(ends)
    last = set() if ended is False else {"pass" if passes else "deny"}
    return said | last | (set() if ended is True else {"none"})


def _in_turn(cluster: Object, equals: list[Object], flow: Flow, direction: str) -> tuple[Tri, Tri, set[str]]:
    """Return what policies of one order may say: by name; of one name in both scopes, either goes first.

    Before that, whether any selects the subject, and whether one does where none of their rules matches.
    """
    said, applies, ends = {"none"}, [], []
    for _, same in groupby(sorted(equals, key=name), key=name):
        results = [_policy(cluster, each, flow, direction) for each in same]
        applies += [applied for applied, _ in results]
        ends += [applied if "none" in outcome else False for applied, outcome in results]
        here = either([outcome - {"skipped"} | ({"none"} if "skipped" in outcome else set()) for _, outcome in results])
        if "none" in said:
            said = (said - {"none"}) | here
    return any3(applies), any3(ends), said


def _kubernetes(said: set[Any]) -> tuple[Tri, set[str]]:
    """Return the verdict of the NetworkPolicies as that of one policy of the tier: they only allow."""
    if said == {"next"}:
        return False, {"none"}
    outcome = ({"allow"} if True in said else set()) | ({"none"} if said & {False, "next"} else set())
    return (None if "next" in said else True), outcome


# --- one policy ------------------------------------------------------------------------------------------------------


def _policy(cluster: Object, policy: Object, flow: Flow, direction: str) -> tuple[Tri, set[str]]:
    """Return whether a policy selects the subject, and what its first matching rule may say.

    `none` where no rule matches, `skipped` where the policy may not select the subject.
    """
    if direction not in directions(policy):
        return False, {"none"}
    chosen = _selected(cluster, policy, flow.subject(direction))
    if chosen is False:
        return False, {"none"}
    if not valid(policy):
        return None, {"allow", "deny", "pass", "none"}
    said: set[str] = set() if chosen else {"skipped"}
    for rule in policy["spec"].get(direction) or ():
        if rule["action"] == "Log":
            continue
        matched = _rule(cluster, policy, rule, flow)
        if matched is not False:
            said.add(rule["action"].lower())
        if matched is True:
            return chosen, said
    return chosen, said | {"none"}


def directions(policy: Object) -> list[str]:
    """Return the directions of a policy: by `types`, else by the rules that are present, else ingress."""
    spec = policy["spec"]
    types = [each.lower() for each in spec.get("types") or ()]
    return types or [each for each in ("ingress", "egress") if spec.get(each)] or ["ingress"]


def _selected(cluster: Object, policy: Object, end: End) -> Tri:
    """Tell whether a policy applies to a pod. Pods on the host network are no endpoints of Calico."""
    spec = policy["spec"]
    if end.pod is None or end.host_network:
        return False
    try:
        if policy["kind"] == "NetworkPolicy":
            place: Tri = policy["metadata"]["namespace"] == end.namespace
        else:
            place = matches(spec.get("namespaceSelector"), _namespace(cluster, end.namespace))
        account = matches(spec.get("serviceAccountSelector"), _account(cluster, end))
        return all3((place, matches(spec.get("selector"), _endpoint(end)), account))
    except InvalidError:
        return None if policy["kind"] != "NetworkPolicy" or policy["metadata"]["namespace"] == end.namespace else False


def _endpoint(end: End) -> Labels:
    """Return the labels of a pod, and those that Calico adds."""
    added = {
        "projectcalico.org/namespace": end.namespace,
        "projectcalico.org/orchestrator": "k8s",
        "projectcalico.org/serviceaccount": end.service_account,
    }
    return Labels({**end.labels.values, **added})


def _namespace(cluster: Object, namespace: str) -> Labels:
    labels = namespace_labels(cluster, namespace)
    return Labels({**labels.values, "projectcalico.org/name": namespace}, labels.complete)


def _account(cluster: Object, end: End) -> Labels:
    for each in cluster["serviceaccounts"]:
        if (each["metadata"]["namespace"], name(each)) == (end.namespace, end.service_account):
            return Labels({**(each["metadata"].get("labels") or {}), "projectcalico.org/name": end.service_account})
    return Labels({"projectcalico.org/name": end.service_account}, complete=False)


def _rule(cluster: Object, policy: Object, rule: Object, flow: Flow) -> Tri:
    """Tell whether a rule matches: every criterion that is given must hold."""
    source, destination = rule.get("source") or {}, rule.get("destination") or {}
    found: list[Tri] = [None] if rule.get("http") or rule.get("notICMP") else []
    found.append(_protocol(rule.get("protocol"), flow, absent=True))
    found.append(not3(_protocol(rule.get("notProtocol"), flow, absent=False)))
    if rule.get("ipVersion") is not None:
        found.append(None if flow.family is None else rule["ipVersion"] == flow.family)
    found.append(_entity(cluster, policy, source, flow.source, flow.family))
    found.append(_entity(cluster, policy, destination, flow.destination, flow.family))
    found += [None for key in ("ports", "notPorts") if source.get(key)]  # the port of the source is any
    if destination.get("ports"):
        found.append(any3(_port(each, flow) for each in destination["ports"]))
    found.append(not3(any3(_port(each, flow) for each in destination.get("notPorts") or ())))
    return all3(found)


def _protocol(protocol: str | int | None, flow: Flow, *, absent: bool) -> Tri:
    if protocol is None:
        return absent
    return NUMBERS.get(protocol, "") == flow.protocol if isinstance(protocol, int) else protocol == flow.protocol


def _port(each: str | int, flow: Flow) -> Tri:
    if isinstance(each, str) and ":" in each:
        start, end = each.split(":")
        return int(start) <= flow.port <= int(end)
    if isinstance(each, int) or each.isdigit():
        return int(each) == flow.port
    return named_port(flow.destination, each, flow.port, flow.protocol)


def _entity(cluster: Object, policy: Object, entity: Object, end: End, family: int | None) -> Tri:
    address = end.address(family)
    found: list[Tri] = [None] if entity.get("services") else []
    if entity.get("nets"):
        found.append(any3(in_network(address, each) for each in entity["nets"]))
    if entity.get("notNets"):
        found.append(_outside(address, entity["notNets"]))
    accounts = entity.get("serviceAccounts") or {}
    if entity.get("selector") or entity.get("namespaceSelector") or accounts:
        found.append(_chosen(cluster, policy, entity, end, family))
    if entity.get("notSelector"):
        found.append(_unchosen(cluster, policy, entity, end, family))
    return all3(found)


def _outside(address: Address | None, nets: list[str]) -> Tri:
    """Tell whether an address is in none of the blocks.

    For a family that none of them is of the documentation says yes; the data plane leaves the rule out.
    https://github.com/projectcalico/calico/blob/master/felix/rules/policy.go
    """
    if address is not None and all((":" in each) != (address.version == 6) for each in nets):
        return None
    return not3(any3(in_network(address, each) for each in nets))


def _unchosen(cluster: Object, policy: Object, entity: Object, end: End, family: int | None) -> Tri:
    """Tell whether an end is none of those that a negative selector names, wherever these are.

    As soon as any selector is used, also a negative one, a rule of a namespaced policy looks at its own namespace.
    https://github.com/projectcalico/calico/blob/master/libcalico-go/lib/backend/syncersv1/updateprocessors/rules.go
    """
    everywhere = {**policy, "kind": "GlobalNetworkPolicy"}
    named = _resources(cluster, everywhere, {**entity, "namespaceSelector": None}, entity["notSelector"], end, family)
    if policy["kind"] == "GlobalNetworkPolicy" or entity.get("namespaceSelector"):
        return not3(named)
    return all3((_resources(cluster, policy, entity, "", end, family), not3(named)))


def _chosen(cluster: Object, policy: Object, entity: Object, end: End, family: int | None) -> Tri:
    accounts = entity.get("serviceAccounts")
    if not accounts:
        return _resources(cluster, policy, entity, entity.get("selector"), end, family)
    if end.pod is None or end.host_network:
        return False
    names = accounts.get("names") or []  # what has no account, as a network set, is not meant
    return all3(
        (
            _in_scope(cluster, policy, entity, end.namespace),
            matches(entity.get("selector"), _endpoint(end)),
            not names or end.service_account in names,
            matches(accounts.get("selector"), _account(cluster, end)),
        )
    )


def _resources(
    cluster: Object, policy: Object, entity: Object, selector: str | None, end: End, family: int | None
) -> Tri:
    """Tell whether an end is one of the endpoints and network sets that a selector in its scope names."""
    found: list[Tri] = []
    if end.pod is not None and not end.host_network:
        found.append(all3((_in_scope(cluster, policy, entity, end.namespace), matches(selector, _endpoint(end)))))
    for each in held(cluster, "NetworkSet", "GlobalNetworkSet"):
        namespace = each["metadata"].get("namespace", "") if each["kind"] == "NetworkSet" else ""
        labels = dict(each["metadata"].get("labels") or {})
        if namespace:
            labels["projectcalico.org/namespace"] = namespace
        nets = any3(in_network(end.address(family), net) for net in each["spec"].get("nets") or ())
        scope = _in_scope(cluster, policy, entity, namespace)
        found.append(all3((scope, matches(selector, Labels(labels)), nets)))
    return any3(found)


def _in_scope(cluster: Object, policy: Object, entity: Object, namespace: str) -> Tri:
    """Tell whether a rule's selector looks at a namespace; `""` is what lives outside all namespaces."""
    chosen = entity.get("namespaceSelector")
    if not chosen:
        return bool(policy["kind"] == "GlobalNetworkPolicy" or policy["metadata"]["namespace"] == namespace)
    if not namespace:
        named = "global()" in chosen.replace(" ", "")
        matched = chosen.strip() != "all()" and matches(chosen, Labels(), namespaced=False)
        return None if matched and not named else matched  # by absent labels alone: not described
    return matches(chosen, _namespace(cluster, namespace))


# --- what the API server refuses -------------------------------------------------------------------------------------


def valid(policy: Object) -> bool:
    """Tell whether Calico accepts the policy."""
    spec = policy["spec"]
    try:
        for each in (spec.get("selector"), spec.get("namespaceSelector"), spec.get("serviceAccountSelector")):
            matches(each, Labels())
        if set(spec.get("types") or ()) - {"Ingress", "Egress"}:
            raise InvalidError(f"types {spec['types']}")
        for rule in [*(spec.get("ingress") or ()), *(spec.get("egress") or ())]:
            _check_rule(rule)
    except (InvalidError, ValueError):
        return False
    return not spec.get("doNotTrack") and not spec.get("preDNAT")


def _check_rule(rule: Object) -> None:
    if rule.get("action") not in ("Allow", "Deny", "Log", "Pass"):
        raise InvalidError(f"action of {rule!r}")
    for entity in (rule.get("source") or {}, rule.get("destination") or {}):
        for key in ("selector", "notSelector", "namespaceSelector"):
            matches(entity.get(key), Labels())
        matches((entity.get("serviceAccounts") or {}).get("selector"), Labels())
        for each in [*(entity.get("nets") or ()), *(entity.get("notNets") or ())]:
            parse_block(each)
        ports = [*(entity.get("ports") or ()), *(entity.get("notPorts") or ())]
        if ports and rule.get("protocol") not in ("TCP", "UDP", "SCTP", *NUMBERS):
            raise InvalidError("ports without a protocol that has ports")
        for each in ports:
            if isinstance(each, str) and ":" in each and int(each.split(":")[0]) > int(each.split(":")[1]):
                raise InvalidError(f"ports {each}")
