"""What an object is once a manifest is applied to it: what the manifest says, and what it leaves to the server.

A manifest is taken as the whole of what its author wants: a field that it does not name is gone, unless the API
server, a controller or admission fills it. Who wrote a field before cannot be told from a snapshot, which keeps no
values of other writers apart; `removed_fields` names what went, so that a person can see it.

Sources: https://kubernetes.io/docs/reference/using-api/server-side-apply/,
https://kubernetes.io/docs/tasks/manage-kubernetes-objects/declarative-config/, and for defaults
https://kubernetes.io/docs/reference/kubernetes-api/ (`zz_generated.defaults.go` of k8s.io/kubernetes).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from hipaa_kit.kube.patches import merge_key, strategic_merge
from hipaa_kit.kube.reading import as_map, as_text

FILLED: Final[Mapping[tuple[str, str], tuple[tuple[str, ...], ...]]] = {
    ("", "Namespace"): (("spec",),),
    ("", "Node"): (("spec",),),
    ("", "PersistentVolume"): (("spec", "claimRef"),),
    ("", "PersistentVolumeClaim"): (("spec", "volumeName"), ("spec", "storageClassName"), ("spec", "volumeMode")),
    ("", "Service"): tuple(
        ("spec", name) for name in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "healthCheckNodePort")
    ),
    ("", "ServiceAccount"): (("secrets",),),
    ("apps", "Deployment"): (("spec", "replicas"),),
    ("apps", "ReplicaSet"): (("spec", "replicas"),),
    ("apps", "StatefulSet"): (("spec", "replicas"),),
}
"""Fields, by API group and kind, that the server, a controller or an autoscaler fills where nobody names them."""

_ROLLING: Final = (
    {"maxSurge": "25%", "maxUnavailable": "25%"},
    {"maxSurge": 0, "maxUnavailable": 1},
    {"partition": 0},
)

DEFAULTS: Final[Mapping[str, tuple[Any, ...]]] = {
    "apiGroup": ("", "rbac.authorization.k8s.io"),
    "apiVersion": ("v1",),
    "completionMode": ("NonIndexed",),
    "concurrencyPolicy": ("Allow",),
    "defaultMode": (420,),
    "dnsPolicy": ("ClusterFirst",),
    "enableServiceLinks": (True,),
    "externalTrafficPolicy": ("Cluster",),
    "failedJobsHistoryLimit": (1,),
    "failureThreshold": (3,),
    "initialDelaySeconds": (0,),
    "internalTrafficPolicy": ("Cluster",),
    "minReadySeconds": (0,),
    "parallelism": (1,),
    "periodSeconds": (10,),
    "podManagementPolicy": ("OrderedReady",),
    "progressDeadlineSeconds": (600,),
    "protocol": ("TCP",),
    "reclaimPolicy": ("Delete",),
    "replicas": (1,),
    "restartPolicy": ("Always",),
    "revisionHistoryLimit": (10,),
    "rollingUpdate": _ROLLING,
    "schedulerName": ("default-scheduler",),
    "scheme": ("HTTP",),
    "securityContext": ({},),
    "sessionAffinity": ("None",),
    "strategy": tuple({"type": "RollingUpdate", "rollingUpdate": each} for each in _ROLLING),
    "successThreshold": (1,),
    "successfulJobsHistoryLimit": (3,),
    "suspend": (False,),
    "terminationGracePeriodSeconds": (30,),
    "terminationMessagePath": ("/dev/termination-log",),
    "terminationMessagePolicy": ("File",),
    "timeoutSeconds": (1,),
    "type": ("", "ClusterIP", "Opaque", "RollingUpdate"),
    "updateStrategy": tuple({"type": "RollingUpdate", "rollingUpdate": each} for each in _ROLLING),
    "volumeBindingMode": ("Immediate",),
    "volumeMode": ("Filesystem",),
}
"""Values that the server gives fields that nobody names, by the name of the field. Each is its field's default wherever
it stands, so that to keep it says nothing that the manifest does not say."""

GIVEN_BY_SERVER: Final = frozenset(
    ("creationTimestamp", "deletionTimestamp", "finalizers", "generation", "ownerReferences", "resourceVersion", "uid")
)
"""Metadata that a manifest does not decide."""

_OF_CONTROLLERS: Final = (
    "autoscaling.alpha.kubernetes.io/",
    "control-plane.alpha.kubernetes.io/",
    "deployment.kubernetes.io/",
    "endpoints.kubernetes.io/",
    "kubectl.kubernetes.io/",
    "kubernetes.io/metadata.name",
    "pv.kubernetes.io/",
    "volume.beta.kubernetes.io/",
    "volume.kubernetes.io/",
    "controller-revision-hash",
    "pod-template-",
)
"""How labels and annotations begin that the server and its controllers write.

Source: https://kubernetes.io/docs/reference/labels-annotations-taints/
"""


def applied(group: str, kind: str, live: Mapping[str, Any], manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object after a manifest was applied to it.

    Parameters
    ----------
    group, kind
        Of both.
    live
        The object as it stands in the cluster.
    manifest
        What is applied.

    Returns
    -------
    dict
        The manifest, with status, server's metadata, what is filled for it, and defaults as they stand in the cluster.
    """
    if (group, kind) == ("", "Pod"):
        # Almost nothing of a pod can be changed; what admission and the scheduler added stays.
        return {**strategic_merge(live, manifest), **_status(live)}
    found = _with_defaults(live, {key: value for key, value in manifest.items() if key != "status"})
    for path in FILLED.get((group, kind), ()):
        _fill(found, live, path)
    if (group, kind) == ("networking.k8s.io", "NetworkPolicy"):
        _fill_policy_types(found, live)
    if kind == "ClusterRole" and found.get("aggregationRule") and "rules" in live:
        found["rules"] = live["rules"]  # a controller writes them
    return {**found, "metadata": _metadata(as_map(live, "metadata"), as_map(manifest, "metadata")), **_status(live)}


def _status(live: Mapping[str, Any]) -> dict[str, Any]:
    return {"status": live["status"]} if "status" in live else {}


def _metadata(live: Mapping[str, Any], manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata in which labels and annotations are those of the manifest, and those that controllers write."""
    found = {**manifest, **{name: live[name] for name in GIVEN_BY_SERVER if name in live}}
    if "namespace" in live:
        found["namespace"] = live["namespace"]
    for name in ("labels", "annotations"):
        written = as_map(manifest, name)
        kept = {key: value for key, value in as_map(live, name).items() if key.startswith(_OF_CONTROLLERS)}
        if kept or written:
            found[name] = {**kept, **written}
    return found


def _with_defaults(live: Any, manifest: Any) -> Any:
    """Return a value of a manifest with the defaults that the server gave the fields that it does not name."""
    if isinstance(live, Mapping) and isinstance(manifest, Mapping):
        found = {name: _paired(name, live.get(name), value) for name, value in manifest.items()}
        for name, value in live.items():
            if name not in found and _is_default(name, value, found):
                found[name] = value
        return found
    return manifest


def _paired(field: str, live: Any, manifest: Any) -> Any:
    """Return a value of a field with defaults; entries of a list are paired by their key, else by their places."""
    if not isinstance(live, list) or not isinstance(manifest, list):
        return _with_defaults(live, manifest)
    if key := merge_key(field, live, manifest):
        known = {each[key]: each for each in live}
        return [_with_defaults(known.get(each[key]), each) for each in manifest]
    if len(live) == len(manifest):
        return [_with_defaults(*pair) for pair in zip(live, manifest, strict=True)]
    return manifest


def _is_default(name: str, value: Any, beside: Mapping[str, Any]) -> bool:
    """Tell whether the server would give a field that nobody names this value, by what stands beside it."""
    if name == "imagePullPolicy":
        image = as_text(beside.get("image"))
        tag = image.rpartition("/")[2].partition("@")[0].partition(":")[2]
        return bool(value == ("Always" if tag in ("", "latest") and "@" not in image else "IfNotPresent"))
    if name in ("restartPolicy", "securityContext") and "containers" not in beside:
        return False  # of a pod alone
    # True is no 1: types are told apart.
    return any(type(value) is type(default) and value == default for default in DEFAULTS.get(name, ()))


def _fill(found: dict[str, Any], live: Mapping[str, Any], path: tuple[str, ...]) -> None:
    """Take a field over from the live object where the manifest does not name it."""
    *parents, last = path
    held = as_map(live, *parents)
    if last not in held:
        return
    if not parents:
        found.setdefault(last, held[last])
    elif isinstance(found.get(parents[0], {}), Mapping):
        found[parents[0]] = {last: held[last], **found.get(parents[0], {})}


def _fill_policy_types(found: dict[str, Any], live: Mapping[str, Any]) -> None:
    """Keep the directions that the server gave a policy when it was made: rules that are added later change none.

    Source: https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/#NetworkPolicySpec
    """
    spec, was = as_map(found, "spec"), as_map(live, "spec")
    if "policyTypes" in spec or "policyTypes" not in was:
        return
    given = ["Ingress", "Egress"] if was.get("egress") else ["Ingress"]
    if was["policyTypes"] == given:
        found["spec"] = {**spec, "policyTypes": given}


def removed_fields(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """Yield the paths of fields and keyed entries that an object had and has no more, in order."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in sorted(before, key=str):
            inner = f"{path}.{name}" if path else str(name)
            if name not in after:
                yield inner
            else:
                yield from _removed_within(str(name), before[name], after[name], inner)


def _removed_within(field: str, before: Any, after: Any, path: str) -> Iterator[str]:
    if isinstance(before, list) and isinstance(after, list) and (key := merge_key(field, before, after)):
        known = {each[key]: each for each in after}
        for each in before:
            entry = f"{path}[{as_text(each[key]) or each[key]}]"
            if each[key] in known:
                yield from removed_fields(each, known[each[key]], entry)
            else:
                yield entry
    else:
        yield from removed_fields(before, after, path)
