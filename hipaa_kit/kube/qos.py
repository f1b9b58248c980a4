"""The quality of service class of a pod, by its resources.

Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/, `ComputePodQOS` of
`k8s.io/kubernetes/pkg/apis/core/v1/helper/qos`, and the defaults of `k8s.io/kubernetes/pkg/apis/core/v1`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from hipaa_kit.kube.quantities import QuantityError, parse_quantity, rounded_up

GUARANTEED: Final = "Guaranteed"
BURSTABLE: Final = "Burstable"
BEST_EFFORT: Final = "BestEffort"

COUNTED: Final = ("cpu", "memory")


def qos_class(resources: Iterable[Mapping[str, Any]]) -> str:
    """Return Guaranteed, Burstable or BestEffort.

    Parameters
    ----------
    resources
        `resources` of every container and init container of the pod, sidecars among them, in any order;
        ephemeral containers have none. For a pod with resources of its own (`spec.resources`, Kubernetes
        1.34 and later), that one alone.

    Notes
    -----
    Only cpu and memory count. A limit without a request sets the request, as the API does when it takes
    in a pod; a request of zero that is written stays zero. A pod's own resources are judged as written:
    the API also fills their requests from the containers.
    """
    classes = {_class_of(each) for each in resources}
    return classes.pop() if len(classes) == 1 else BURSTABLE if classes else BEST_EFFORT


def _class_of(resources: Mapping[str, Any]) -> str:
    limits, requests = _amounts(resources.get("limits")), _amounts(resources.get("requests"))
    asked = {name: requests.get(name, limits.get(name, Decimal(0))) for name in COUNTED}
    if any(asked[name] != limits.get(name, 0) for name in COUNTED):
        return BURSTABLE
    counted = sum(asked[name] != 0 for name in COUNTED)
    return {0: BEST_EFFORT, len(COUNTED): GUARANTEED}.get(counted, BURSTABLE)


def _amounts(amounts: Any) -> dict[str, Decimal]:
    """Return cpu and memory in thousandths, to which the API rounds them up; what is no quantity is left out."""
    found = {}
    for name in COUNTED:
        if isinstance(amounts, Mapping) and amounts.get(name) is not None:
            try:
                found[name] = rounded_up(parse_quantity(amounts[name]), 3)
            except QuantityError:
                continue
    return found
