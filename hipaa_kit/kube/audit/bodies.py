"""Facts of an audit event's bodies: all that is kept of them, taken before they are dropped.

A body holds what a request wrote or an answer gave: Secrets, patients' data. What detections need of it is a
closed list of words and names of objects, by the kind of object that was written.

Source: `pkg/apis/audit/v1/types.go` of kubernetes/apiserver: `requestObject` of a patch is the patch, and not the
object; the object after it is in `responseObject`, at level RequestResponse.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from hipaa_kit.kube.reading import as_map, as_texts

RBAC: Final = "rbac.authorization.k8s.io"
BINDINGS: Final = frozenset({(RBAC, "rolebindings"), (RBAC, "clusterrolebindings")})
ROLES: Final = frozenset({(RBAC, "roles"), (RBAC, "clusterroles")})
POD: Final = ("", "pods")
TEMPLATED: Final = frozenset(
    {
        ("apps", "deployments"),
        ("apps", "daemonsets"),
        ("apps", "statefulsets"),
        ("apps", "replicasets"),
        ("extensions", "deployments"),
        ("extensions", "daemonsets"),
        ("extensions", "replicasets"),
        ("extensions", "jobs"),
        ("batch", "jobs"),
        ("batch", "cronjobs"),
        ("", "replicationcontrollers"),
        ("", "podtemplates"),
    }
)
SERVICE: Final = ("", "services")
INGRESSES: Final = frozenset({("networking.k8s.io", "ingresses"), ("extensions", "ingresses")})
CLAIM: Final = ("", "persistentvolumeclaims")
VOLUME_SNAPSHOT: Final = ("snapshot.storage.k8s.io", "volumesnapshots")
RESTORE: Final = ("velero.io", "restores")
TELLING: Final = frozenset({*BINDINGS, *ROLES, POD, *TEMPLATED, SERVICE, *INGRESSES, CLAIM, VOLUME_SNAPSHOT, RESTORE})
"""API group and resource of the objects of which something is kept."""

WRITES: Final = frozenset({"create", "update", "patch"})
SERVICE_TYPES: Final = ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName")
HOST: Final = ("hostNetwork", "hostPID", "hostIPC")
POWERS: Final = ("escalate", "bind", "impersonate")
MOST: Final = 200
"""Names that are kept of one body."""
LONGEST: Final = 253


def body_facts(group: str, resource: str, subresource: str, verb: str, request: Any, response: Any) -> dict[str, Any]:
    """Return the facts of the bodies of one event.

    Parameters
    ----------
    group, resource, subresource, verb
        What was asked for, of the event.
    request, response
        Its bodies as they were decoded; None where there is none.

    Returns
    -------
    dict
        Among `name`, `role_ref`, `bound`, `role_marks`, `pod_marks`, `claims`, `owner`, `service_type`, `tls`,
        `data_source` and `namespace_mapping`; only those that are known.
    """
    if verb not in WRITES:
        return {}
    found: dict[str, Any] = {}
    name = _name(as_map(response, "metadata").get("name")) if verb == "create" and not subresource else ""
    if name and as_map(response).get("kind") != "Status":
        found["name"] = name
    key = (group, resource)
    written = _written(verb, request, response)
    if subresource in ("", "ephemeralcontainers") and key in TELLING and written:
        found |= _of_object(key, written)
    return found


def _written(verb: str, request: Any, response: Any) -> Mapping[str, Any]:
    """Return the object as it was written: of a patch the answer, and where that is not known the patch."""
    answer = as_map(response)
    if answer.get("kind") == "Status":
        answer = {}
    first, second = (answer, as_map(request)) if verb == "patch" else (as_map(request), answer)
    return first or second


def _of_object(key: tuple[str, str], written: Mapping[str, Any]) -> dict[str, Any]:
    spec = as_map(written.get("spec"))
    if key in BINDINGS:
        return _known(role_ref=_role_ref(written), bound=_subjects(written))
    if key in ROLES:
        return _known(role_marks=_role_marks(written))
    if key == POD:
        return _known(pod_marks=_pod_marks(spec), claims=_claims(spec), owner=_owner(written))
    if key in TEMPLATED:
        return _of_template(written, spec)
    if key == SERVICE:
        kind = spec.get("type", "ClusterIP" if spec else "")
        return {"service_type": kind} if kind in SERVICE_TYPES else {}
    if key in INGRESSES:
        return {"tls": _all_hosts_under_tls(spec)} if spec else {}
    if key == RESTORE:
        return {"namespace_mapping": bool(as_map(spec.get("namespaceMapping")))} if spec else {}
    return _known(data_source=_data_source(key, spec))


def _known(**facts: Any) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value}


def _of_template(written: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    job = as_map(spec, "jobTemplate", "spec")
    template = as_map(written.get("template")) or as_map(spec.get("template")) or as_map(job.get("template"))
    pod = as_map(template.get("spec"))
    claimed = [_name(as_map(each, "metadata").get("name")) for each in _list(spec.get("volumeClaimTemplates"))]
    return _known(pod_marks=_pod_marks(pod), claims=_unique([*_claims(pod), *claimed]), owner=_owner(written))


def _role_ref(written: Mapping[str, Any]) -> str:
    role = as_map(written.get("roleRef"))
    kind, name = _name(role.get("kind")), _name(role.get("name"))
    return f"{kind}/{name}" if kind in ("Role", "ClusterRole") and name else ""


def _subjects(written: Mapping[str, Any]) -> list[str]:
    def told() -> Iterator[str]:
        for each in map(as_map, _list(written.get("subjects"))):
            kind, name = each.get("kind"), _name(each.get("name"))
            if kind in ("User", "Group", "ServiceAccount") and name:
                yield f"{kind}/{_name(each.get('namespace')) if kind == 'ServiceAccount' else ''}/{name}"

    return _unique(told())


def _role_marks(written: Mapping[str, Any]) -> list[str]:
    found: set[str] = set()
    for rule in map(as_map, _list(written.get("rules"))):
        verbs, groups, resources = (set(as_texts(rule.get(name))) for name in ("verbs", "apiGroups", "resources"))
        core = bool(groups & {"", "*"})
        found |= {power for power in POWERS if power in verbs}
        found |= {"wildcard_verb"} if "*" in verbs else set()
        found |= {"wildcard_resource"} if "*" in resources else set()
        found |= {"secrets"} if core and resources & {"secrets", "*"} else set()
        found |= {"exec"} if core and resources & {"pods/exec", "pods/*", "*/exec", "*"} else set()
    return sorted(found)


def _pod_marks(spec: Mapping[str, Any]) -> list[str]:
    found = {field for field in HOST if spec.get(field) is True}
    for kind in ("containers", "initContainers", "ephemeralContainers"):
        for container in map(as_map, _list(spec.get(kind))):
            if as_map(container.get("securityContext")).get("privileged") is True:
                found.add("privileged")
    if any(isinstance(as_map(volume).get("hostPath"), Mapping) for volume in _list(spec.get("volumes"))):
        found.add("hostPath")
    return sorted(found)


def _claims(spec: Mapping[str, Any]) -> list[str]:
    volumes = [as_map(each, "persistentVolumeClaim") for each in _list(spec.get("volumes"))]
    return _unique(_name(each.get("claimName")) for each in volumes)


def _owner(written: Mapping[str, Any]) -> str:
    for each in map(as_map, _list(as_map(written.get("metadata")).get("ownerReferences"))):
        kind, name = _name(each.get("kind")), _name(each.get("name"))
        if each.get("controller") is True and kind and name:
            return f"{kind}/{name}"
    return ""


def _all_hosts_under_tls(spec: Mapping[str, Any]) -> bool:
    """Tell whether every host of an Ingress, and its default backend, stands in an entry of `tls`.

    An entry without hosts is for the wildcard host of the controller: it covers rules without a host.
    Source: https://kubernetes.io/docs/reference/kubernetes-api/networking/ingress-v1/
    """
    covered: set[str] = set()
    for entry in map(as_map, _list(spec.get("tls"))):
        covered |= set(as_texts(entry.get("hosts"))) or {""}
    hosts = [str(as_map(rule).get("host") or "") for rule in _list(spec.get("rules"))]
    hosts += [""] if spec.get("defaultBackend") or spec.get("backend") else []
    return bool(covered) and all(_under(host, covered) for host in hosts)


def _under(host: str, covered: set[str]) -> bool:
    return host in covered or (bool(host) and f"*.{host.partition('.')[2]}" in covered)


def _data_source(key: tuple[str, str], spec: Mapping[str, Any]) -> str:
    if key == VOLUME_SNAPSHOT:
        claim = _name(as_map(spec.get("source")).get("persistentVolumeClaimName"))
        return f"PersistentVolumeClaim/{claim}" if claim else ""
    source = as_map(spec.get("dataSourceRef")) or as_map(spec.get("dataSource"))
    kind, name = _name(source.get("kind")), _name(source.get("name"))
    return f"{kind}/{name}" if kind and name else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _name(value: Any) -> str:
    """Return a name of an object; a refused request may write anything in its place."""
    return value if isinstance(value, str) and len(value) <= LONGEST and value.isprintable() else ""


def _unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(value for value in values if value))[:MOST]
