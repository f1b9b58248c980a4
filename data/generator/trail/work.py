"""What people do on working days, and what looks like trouble but is none: by the one who may, at the time one may."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from model import Hospital, Workload
from objects import Object, digest

from trail.callers import EMERGENCY, EVERYONE, PEOPLE, REASONS, controller, node, person, pod, reason
from trail.calls import SINCE, UNTIL, Act, Call, Caller, at, later
from trail.routine import workload_of

GONE = ("finn.moore",)
"""Who left before the log begins."""

# Where each reads: the namespace, and what is listed there.
LOOKS = {
    "carla.ruiz": ("ehr", ("pods", "statefulsets", "persistentvolumeclaims")),
    "grace.lin": ("ehr", ("pods", "deployments", "events")),
    "hugo.brandt": ("portal", ("pods", "deployments", "events")),
    "ines.costa": ("imaging", ("pods", "persistentvolumeclaims", "events")),
    "jonas.weber": ("integration", ("pods", "deployments", "services")),
    "kira.novak": ("identity", ("pods", "services")),
    "leo.park": ("research", ("pods", "events")),
}
AUDITORS = ("dov.levin", "elif.kaya", "mara.silva")
ADMINISTRATORS = ("amira.haddad", "ben.okafor")


def work(hospital: Hospital) -> Iterator[Call]:
    """Yield what people ask for between nine and six on working days, on the east coast."""
    day = SINCE.replace(hour=0, minute=0, second=0)
    while day < UNTIL:
        if day.weekday() < 5:
            for name in PEOPLE:
                if name not in GONE:
                    yield from (call for call in working_day(hospital, name, day) if SINCE <= call.at < UNTIL)
        day += timedelta(days=1)


def working_day(hospital: Hospital, name: str, day: datetime) -> Iterator[Call]:
    """Yield the day of one person: a session in the morning, a look at things, one more after noon."""
    who = person(hospital, name)
    for number, hour in enumerate((14, 17)):
        start = day + timedelta(hours=hour, seconds=digest("session", name, str(day), str(number)) % 5400)
        yield Call(start, who, "create", "selfsubjectreviews", code=201)
        yield from looks(who, name, later(start, 8))
        if name in ADMINISTRATORS:
            yield from tends(who, later(start, 200), number)
        if name in AUDITORS:
            yield from audits(who, later(start, 60))


def looks(who: Caller, name: str, start: datetime) -> Iterator[Call]:
    """Yield what somebody lists in the namespace they work for."""
    namespace, listed = LOOKS.get(name, ("", ()))
    for number, resource in enumerate(listed):
        moment = later(start, 75 * number + digest(name, resource, str(start)) % 20)
        yield Call(moment, who, "list", resource, namespace, query=(("limit", "500"),))


def tends(who: Caller, start: datetime, number: int) -> Iterator[Call]:
    """Yield what an administrator sees to: nodes, and the settings of the pipeline."""
    yield Call(start, who, "list", "nodes", query=(("limit", "500"),))
    if digest("tends", str(start)) % 3 == number:
        yield Call(later(start, 140), who, "patch", "configmaps", "cicd", "pipelines")


def audits(who: Caller, start: datetime) -> Iterator[Call]:
    """Yield what somebody reads who reviews access: one role binding, whose content the log keeps."""
    name = "clinic-auditors"
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "clinic-auditor"}
    seen = written("ClusterRoleBinding", "", name, role, "clinic:auditors")
    yield Call(start, who, "get", "clusterrolebindings", name=name, answer=seen)


def emergency(who: Caller) -> Caller:
    """Return an administrator who has asked the identity provider for emergency access."""
    [group, *_] = EMERGENCY
    return who._replace(groups=(group, EVERYONE), reason=REASONS[f"Group/{group}"])


def written(kind: str, namespace: str, name: str, role: Object, group: str) -> Object:
    """Return a role binding to one group as it is written."""
    about = {"name": name} | ({"namespace": namespace} if namespace else {})
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group}
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": kind,
        "metadata": about,
        "roleRef": role,
        "subjects": [subject],
    }


def alike(hospital: Hospital) -> list[Act]:
    """Declare what is no incident, each like one that is planted: in both twins, and no hit in either."""
    ben, amira, grace = (person(hospital, name) for name in ("ben.okafor", "amira.haddad", "grace.lin"))
    watches = pod(hospital, "StatefulSet/monitoring/prometheus-clinic", "unused").pod
    bound = "RBAC: allowed by ClusterRoleBinding"
    kubelet = node("worker-c1")
    entry = hospital.declared["Deployment/ingress-nginx/ingress-nginx"]
    assert isinstance(entry, Workload)  # noqa: S101 - the key names a workload
    approves = controller("certificate-controller")
    joins = controller("clusterrole-aggregation-controller")
    declares = Caller(
        "system:serviceaccount:argocd:argocd-application-controller",
        ("system:serviceaccounts", "system:serviceaccounts:argocd", "system:authenticated"),
        *("10.244.11.90", "argocd-application-controller/v3.1.8"),
        reason("ClusterRoleBinding", "argocd", "ClusterRole/cluster-admin", "argocd/argocd-application-controller"),
        "argocd-application-controller-0",
    )
    assert ben.reason.startswith(bound)  # noqa: S101 - administrators are let in by a role binding
    refused = [at(f"2026-11-03 15:0{minute}:11") for minute in range(3)]
    return [
        # A developer mistypes the namespace three times: far from a burst.
        Act("refused-thrice", tuple(Call(when, grace, "create", "pods", "cicd", code=403) for when in refused)),
        # An administrator checks rules within the pod of Prometheus, which holds no patient data.
        Act(
            "session-in-monitoring",
            (
                Call(
                    *(at("2026-10-27 15:12:40"), ben, "create", "pods/exec", "monitoring", watches),
                    query=(("command", "promtool"), ("command", "check"), ("command", "healthy")),
                    code=101,
                    lasts=9,
                ),
            ),
        ),
        # A node renews its certificate, and the controller for that approves it.
        Act(
            "node-renews-certificate",
            (
                Call(
                    *(at("2026-11-04 06:22:10"), kubelet, "create", "certificatesigningrequests", "", "csr-w7x2k"),
                    code=201,
                ),
                Call(
                    *(at("2026-11-04 06:22:11"), approves, "update", "certificatesigningrequests/approval", ""),
                    "csr-w7x2k",
                ),
            ),
        ),
        # The role `view` is made of others by the controller for that.
        Act("role-made-of-others", (Call(at("2026-11-05 07:30:02"), joins, "patch", "clusterroles", "", "view"),)),
        # What is declared in git brings a Service that only the cluster reaches.
        Act(
            "service-within",
            (
                Call(
                    *(at("2026-11-06 15:44:30"), declares, "create", "services", "portal", "portal-api-next"),
                    code=201,
                    body={
                        "apiVersion": "v1",
                        "kind": "Service",
                        "metadata": {"name": "portal-api-next", "namespace": "portal"},
                        "spec": {"type": "ClusterIP", "selector": {"app.kubernetes.io/name": "portal-api"}},
                    },
                ),
            ),
        ),
        # An administrator mends a network policy where no patient data is.
        Act(
            "policy-of-monitoring",
            (Call(at("2026-11-10 15:20:05"), amira, "patch", "networkpolicies", "monitoring", "within"),),
        ),
        # Old jobs of the pipeline are cleared away: many deletes, of nothing that anybody misses.
        Act(
            "old-jobs",
            tuple(
                Call(at(f"2026-11-11 16:0{number}:20"), ben, "delete", "jobs", "cicd", f"build-{4400 + number}")
                for number in range(7)
            ),
        ),
        # What lets traffic in is restarted: nothing there holds patient data, or watches the log.
        Act(
            "entry-restarted",
            (
                Call(
                    *(at("2026-11-12 15:31:44"), amira, "patch", "deployments", "ingress-nginx", "ingress-nginx"),
                    body={"spec": {"template": {"metadata": {"annotations": {"restartedAt": "2026-11-12"}}}}},
                    answer=workload_of(entry),
                ),
            ),
        ),
        # Does anybody notice? A configuration that is there for this alone is deleted, and an alert opens a ticket.
        Act(
            "detection-test",
            (Call(at("2026-11-13 15:18:40"), amira, "delete", "configmaps", "cicd", "detection-test"),),
        ),
        # On a Sunday a node fails; emergency access is used, and a ticket says why.
        Act("node-fails", (Call(at("2026-11-08 08:12:33"), emergency(amira), "patch", "nodes", name="worker-b1"),)),
    ]
