"""Incidents that the audit log of the clinic holds: what was done by those who may not, or when nobody may.

Reads leave no trace under the policy of the faulty clinic, so that each of them changes something; and a stream is
seen only where it was opened with POST, as older programs do. Who reads Secrets, LOG-06 and LOG-07, is therefore not
here: `tests/data/test_clinic_trail.py` plants it in the log of the repaired twin, whose policy records reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from model import Hospital, Workload, object_id
from pods import pod_name
from trail.callers import controller, person, pod, reason
from trail.calls import Act, Call, Caller, at, later
from trail.routine import brought, declares
from trail.sign_ins import PATH, guessed
from trail.work import emergency, written

from faults.patches import Fault, Patch, input_rows

SHELL = ("sh", "-c", "curl -s http://169.254.169.254/latest/meta-data/iam/security-credentials/")
OUTSIDE, HOTEL, ELSEWHERE, HOOKS = "203.0.113.77", "198.51.100.24", "198.51.100.61", "203.0.113.140"
SINGLE = "rbac.authorization.k8s.io"


def act(name: str, done: Callable[[Hospital], Iterable[Call]]) -> Patch:
    """Let somebody do something."""

    def patch(hospital: Hospital) -> None:
        added = Act(name, tuple(done(hospital)))
        hospital.declared[object_id(added)] = added

    return patch


def first_pod(namespace: str, name: str) -> str:
    """Return the name of the first pod of a Deployment."""
    return pod_name(Workload("Deployment", namespace, name, ()), 0, "")


EHR_API, FHIR = first_pod("ehr", "ehr-api"), first_pod("ehr", "fhir-server")


def session(
    when: str, who: Caller, namespace: str, name: str, *command: str, way: str = "exec", lasts: int = 90
) -> Call:
    """Return a session within a pod, or a tunnel to it."""
    query = tuple(("command", each) for each in command)
    return Call(at(when), who, "create", f"pods/{way}", namespace, name, query=query, code=101, lasts=lasts)


def guesses(_: Hospital) -> Iterable[Call]:
    """Somebody outside tries a token that is no longer taken."""
    nobody = Caller("", (), OUTSIDE, "Go-http-client/2.0")
    start = at("2026-11-04 16:20:03")
    return [Call(later(start, 9 * step), nobody, "create", "selfsubjectaccessreviews", code=401) for step in range(14)]


def into_the_record(hospital: Hospital) -> Iterable[Call]:
    """An administrator opens the database of the record."""
    ben = person(hospital, "ben.okafor")
    return [session("2026-11-05 15:41:09", ben, "ehr", "ehr-db-0", "psql", "-U", "postgres", "ehr", lasts=640)]


def policy_lifted(hospital: Hospital) -> Iterable[Call]:
    """An administrator takes away what shuts the namespace of the record, and puts it back later."""
    amira = person(hospital, "amira.haddad")
    named = ("networkpolicies", "ehr", "default-deny")
    yield Call(at("2026-11-06 16:30:27"), amira, "delete", *named)
    yield Call(at("2026-11-06 17:20:51"), amira, "create", *named, code=201)


def token_stolen(hospital: Hospital) -> Iterable[Call]:
    """Somebody within the pod of the backup tool uses its token: looks around, goes on, copies, wipes."""
    tool = pod(hospital, "Deployment/velero/velero", "curl/8.5.0")
    mapped = {"backupName": "nightly-20261109010009", "namespaceMapping": {"ehr": "cicd"}}
    body = {"apiVersion": "velero.io/v1", "kind": "Restore", "metadata": {"name": "check"}, "spec": mapped}
    yield Call(at("2026-11-09 16:02:14"), tool, "create", "selfsubjectrulesreviews", code=201)
    yield session("2026-11-09 16:05:40", tool, "ehr", EHR_API, *SHELL, lasts=4)
    yield Call(at("2026-11-09 16:11:02"), tool, "create", "serviceaccounts/token", "ehr", "ehr-api", code=201)
    yield Call(at("2026-11-09 16:18:47"), tool, "patch", "secrets", "ehr", "ehr-api")
    yield Call(at("2026-11-09 16:25:33"), tool, "create", "restores", "velero", "check", code=201, body=body)
    yield Call(at("2026-11-09 16:58:19"), tool, "deletecollection", "events", "ehr")


def container_added(hospital: Hospital) -> Iterable[Call]:
    """An administrator puts a container of his own into a running pod."""
    ben = person(hospital, "ben.okafor")
    change = {"spec": {"ephemeralContainers": [{"name": "debug", "image": "busybox:1.37"}]}}
    yield Call(at("2026-11-10 15:10:46"), ben, "patch", "pods/ephemeralcontainers", "ehr", FHIR, body=change)


def rights_for_an_hour(hospital: Hospital) -> Iterable[Call]:
    """An administrator makes one who has left an administrator, who uses it; later he takes the right away again."""
    ben, finn = person(hospital, "ben.okafor"), person(hospital, "finn.moore", HOTEL)
    role = {"apiGroup": SINGLE, "kind": "ClusterRole", "name": "cluster-admin"}
    subject = {"apiGroup": SINGLE, "kind": "User", "name": finn.user}
    about = {"name": "debug-admin"}
    body: dict[str, Any] = {"apiVersion": f"{SINGLE}/v1", "kind": "ClusterRoleBinding", "metadata": about}
    body |= {"roleRef": role, "subjects": [subject]}
    named = ("clusterrolebindings", "", "debug-admin")
    yield Call(at("2026-11-11 17:05:12"), ben, "create", *named, code=201, body=body)
    yield session("2026-11-11 17:07:30", ben, "ehr", "ehr-redis-0", "redis-cli", "info")
    yield Call(at("2026-11-11 17:12:05"), finn, "create", "selfsubjectreviews", code=201)
    finn = finn._replace(
        reason=reason("ClusterRoleBinding", "debug-admin", "ClusterRole/cluster-admin", f"User/{finn.user}")
    )
    yield session("2026-11-11 17:14:44", finn, "ehr", "ehr-db-0", way="portforward", lasts=1500)
    yield Call(at("2026-11-11 17:30:37"), finn, "delete", "backups", "velero", "integration-20261108003007")
    yield Call(at("2026-11-11 17:46:20"), ben, "delete", *named)


def certificate_made(hospital: Hospital) -> Iterable[Call]:
    """An administrator asks for a certificate and approves it himself."""
    ben = person(hospital, "ben.okafor")
    yield Call(at("2026-11-12 15:02:31"), ben, "create", "certificatesigningrequests", "", "emergency", code=201)
    yield Call(at("2026-11-12 15:03:10"), ben, "update", "certificatesigningrequests/approval", "", "emergency")


def webhook_opened(hospital: Hospital) -> Iterable[Call]:
    """An administrator lets routes in where the controller cannot be asked."""
    ben = person(hospital, "ben.okafor")
    named = ("validatingwebhookconfigurations", "", "ingress-nginx-admission")
    yield Call(at("2026-11-12 15:20:55"), ben, "patch", *named)


def job_among_images(hospital: Hospital) -> Iterable[Call]:
    """Radiology starts a Job that mounts the archive of images, and a directory of its node."""
    ines = person(hospital, "ines.costa")
    volumes = [
        {"name": "archive", "persistentVolumeClaim": {"claimName": "pacs-archive"}},
        {"name": "out", "hostPath": {"path": "/var/tmp"}},  # noqa: S108 - a path of a node
    ]
    mounts = [{"name": "archive", "mountPath": "/archive"}, {"name": "out", "mountPath": "/out"}]
    container = {"name": "copy", "image": "registry.clinic.example/imaging/tools:1.0", "volumeMounts": mounts}
    spec = {"containers": [container], "volumes": volumes, "restartPolicy": "Never"}
    job: dict[str, Any] = {"apiVersion": "batch/v1", "kind": "Job"}
    job |= {"metadata": {"name": "fetch-study", "namespace": "imaging"}, "spec": {"template": {"spec": spec}}}
    start = at("2026-11-13 15:33:20")
    yield Call(start, ines, "create", "jobs", "imaging", "fetch-study", code=201, body=job)
    owned = {"apiVersion": "batch/v1", "kind": "Job", "name": "fetch-study", "controller": True}
    about = {"generateName": "fetch-study-", "namespace": "imaging", "ownerReferences": [owned]}
    made = {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": spec}
    notes = {
        "pod-security.kubernetes.io/enforce-policy": "privileged:latest",
        "pod-security.kubernetes.io/audit-violations": 'would violate PodSecurity "restricted:latest": hostPath',
    }
    by = controller("job-controller")
    yield Call(later(start, 1), by, "create", "pods", "imaging", code=201, body=made, generated=True, notes=notes)


def at_night(hospital: Hospital) -> Iterable[Call]:
    """The database administrator opens the record late on a Saturday, from where she never was."""
    carla = person(hospital, "carla.ruiz", ELSEWHERE)
    yield session("2026-11-15 03:20:17", carla, "ehr", "ehr-db-1", "psql", "-U", "postgres", "ehr", lasts=2100)


def names_changed(hospital: Hospital) -> Iterable[Call]:
    """An administrator changes how names are answered within the cluster."""
    ben = person(hospital, "ben.okafor")
    yield Call(at("2026-11-16 16:10:39"), ben, "patch", "configmaps", "kube-system", "coredns")


def door_opened(hospital: Hospital) -> Iterable[Call]:
    """An administrator makes the database reachable through every node, for fifty minutes."""
    ben = person(hospital, "ben.okafor")
    spec = {"type": "NodePort", "selector": {"app.kubernetes.io/name": "ehr-db"}, "ports": [{"port": 5432}]}
    about = {"name": "ehr-db-test", "namespace": "ehr"}
    body = {"apiVersion": "v1", "kind": "Service", "metadata": about, "spec": spec}
    named = ("services", "ehr", "ehr-db-test")
    yield Call(at("2026-11-16 16:40:08"), ben, "create", *named, code=201, body=body)
    yield Call(at("2026-11-16 17:31:50"), ben, "delete", *named)


def acting_for_another(hospital: Hospital) -> Iterable[Call]:
    """An administrator asks as a member of the group that no role binding can hold back."""
    ben = person(hospital, "ben.okafor")
    acts_as = ("system:admin", "system:masters", "system:authenticated")
    yield Call(at("2026-11-17 15:15:26"), ben, "create", "selfsubjectaccessreviews", code=201, acts_as=acts_as)


def logs_stopped(hospital: Hospital) -> Iterable[Call]:
    """An administrator changes what ships the logs; a server's log is silent from then on for most of an hour."""
    ben = person(hospital, "ben.okafor")
    change = {"spec": {"template": {"spec": {"nodeSelector": {"no-such": "node"}}}}}
    answer = {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "fluent-bit"}, **change}
    yield Call(
        at("2026-11-17 15:40:02"), ben, "patch", "daemonsets", "monitoring", "fluent-bit", body=change, answer=answer
    )


def kubelet_asked(hospital: Hospital) -> Iterable[Call]:
    """An administrator has a kubelet run a command in the database of the record, where no session is told of."""
    ben = person(hospital, "ben.okafor")
    run = "/run/ehr/ehr-db-0/postgres"
    yield Call(
        at("2026-11-13 16:20:31"), ben, "create", "nodes/proxy", "", "worker-b1", path=run, query=(("cmd", "id"),)
    )


def key_in_a_path(hospital: Hospital) -> Iterable[Call]:
    """An administrator hands the interface engine a key of the cloud in the path of a request."""
    ben = person(hospital, "ben.okafor")._replace(server="cp-3")
    path = "/api/keys/" + "AKIA" + "IOSFODNN7EXAMPLE"  # the provider's own example
    yield Call(at("2026-11-10 18:12:40"), ben, "create", "services/proxy", "integration", "mirth:8443", path=path)


def hooks_for_everybody(_: Hospital) -> Iterable[Call]:
    """What is declared lets everybody call the pipeline through the API server, for as long as it takes to notice it.

    Who calls once more after that is refused.
    """
    by, group = declares(), "system:unauthenticated"
    body = written("RoleBinding", "cicd", "hooks", {"apiGroup": SINGLE, "kind": "Role", "name": "hooks"}, group)
    nobody = Caller("system:anonymous", (group,), HOOKS, "git-hooks/2.4")
    open_to = nobody._replace(reason=reason("RoleBinding", "hooks/cicd", "Role/hooks", f"Group/{group}"))
    service = ("create", "services/proxy", "cicd", "hooks:8080")
    yield Call(at("2026-11-19 15:03:12"), by, "create", "rolebindings", "cicd", "hooks", code=201, body=body)
    yield Call(at("2026-11-19 15:41:50"), open_to, *service, path="/start/nightly")
    yield Call(at("2026-11-19 16:20:05"), by, "delete", "rolebindings", "cicd", "hooks")
    yield Call(at("2026-11-19 16:52:31"), nobody, *service, path="/start/nightly", code=403)


def emergency_without_need(hospital: Hospital) -> Iterable[Call]:
    """An administrator changes with emergency access what he changes on other days with his own."""
    ben = person(hospital, "ben.okafor")
    named = ("patch", "configmaps", "cicd", "pipelines")
    yield Call(at("2026-11-14 20:17:26"), emergency(ben), *named)
    yield Call(at("2026-11-16 15:05:48"), ben, *named)


def rewritten(hospital: Hospital) -> Iterable[Call]:
    """What brings the record as it is declared writes it again and again on one day, as never before."""
    by = declares()
    start = at("2026-11-18 15:02:10")
    for number in range(44):
        yield brought(hospital, later(start, 31 * number), by)


Found = tuple[tuple[str, str, str], ...]
INCIDENTS: tuple[tuple[Callable[[Hospital], Iterable[Call]], Found], ...] = (
    (guesses, (("LOG-01", "Cluster//api-server", "somebody tries a token that is no longer taken, again and again"),)),
    (into_the_record, (("LOG-03", "Pod/ehr/ehr-db-0", "an administrator opens the database of the record"),)),
    (
        policy_lifted,
        (("LOG-10", "NetworkPolicy/ehr/default-deny", "what shuts the namespace is away for fifty minutes"),),
    ),
    (
        token_stolen,
        (
            (
                "LOG-21",
                "selfsubjectrulesreviews//*",
                "the backup tool's account asks what it may do, which the tool never does",
            ),
            ("LOG-03", f"Pod/ehr/{EHR_API}", "the backup tool's account opens a session in a pod of the record"),
            ("LOG-04", f"Pod/ehr/{EHR_API}", "there it asks the provider's metadata service for credentials"),
            ("LOG-12", "ServiceAccount/ehr/ehr-api", "it makes itself a token of another account"),
            ("LOG-08", "Secret/ehr/ehr-api", "it writes a Secret of the record with a program for scripts"),
            ("LOG-18", "Restore/velero/check", "it restores the record into a namespace where nobody guards it"),
            ("LOG-16", "Event//*", "it deletes the events of the record's namespace"),
        ),
    ),
    (container_added, (("LOG-05", f"Pod/ehr/{FHIR}", "an administrator puts a container into a pod"),)),
    (
        rights_for_an_hour,
        (
            (
                "LOG-09",
                "ClusterRoleBinding//debug-admin",
                "one who has left is made an administrator for forty minutes",
            ),
            ("LOG-26", "Namespace//ehr", "who has just given rights enters a pod"),
            ("LOG-03", "Pod/ehr/ehr-redis-0", "an administrator enters the pod that holds sessions"),
            ("LOG-23", "Pod/ehr/ehr-db-0", "one who has left opens a tunnel to the database of the record"),
            ("LOG-23", "Backup/velero/integration-20261108003007", "one who has left deletes a copy"),
            ("ACC-25", "User//finn.moore@clinic.example", "who left in September makes requests"),
            ("LOG-23", "selfsubjectreviews//*", "two who have left still sign in"),
            ("LOG-19", "Backup/velero/integration-20261108003007", "a copy is deleted before its time"),
        ),
    ),
    (
        certificate_made,
        (("LOG-13", "CertificateSigningRequest//emergency", "who asked for a certificate approves it"),),
    ),
    (
        webhook_opened,
        (
            (
                "LOG-14",
                "ValidatingWebhookConfiguration//ingress-nginx-admission",
                "what judges routes is made to fail open",
            ),
        ),
    ),
    (
        job_among_images,
        (
            ("LOG-15", "Job/imaging/fetch-study", "its pod mounts a directory of the node"),
            ("LOG-18", "Job/imaging/fetch-study", "its pod mounts the archive of images"),
            ("LOG-27", "Job/imaging/fetch-study", "its pod is what Pod Security would object to"),
            ("LOG-28", "Job/imaging/fetch-study", "somebody starts a Job among the images by hand"),
            ("LOG-17", "Namespace//imaging", "somebody comes for the first time"),
        ),
    ),
    (
        at_night,
        (
            (
                "LOG-17",
                "Namespace//ehr",
                "the database administrator works on a Saturday night, from an address never seen",
            ),
            ("LOG-03", "Pod/ehr/ehr-db-1", "in that night she opens the database of the record"),
        ),
    ),
    (
        names_changed,
        (("LOG-24", "ConfigMap/kube-system/coredns", "how names are answered in the cluster is changed by hand"),),
    ),
    (
        door_opened,
        (
            ("LOG-25", "Service/ehr/ehr-db-test", "the database is reachable through every node for fifty minutes"),
            ("LOG-30", "Service/ehr/ehr-db-test", "it was made and deleted by hand, without a ticket for a change"),
        ),
    ),
    (acting_for_another, (("LOG-11", "User//system:admin", "an administrator acts as a member of system:masters"),)),
    (
        kubelet_asked,
        (("LOG-20", "Node//worker-b1", "a kubelet is asked through the API server to run a command in the record"),),
    ),
    (
        key_in_a_path,
        (("AUD-12", "AuditLog//kube-apiserver@cp-3", "a key of the cloud stands in the path of a request"),),
    ),
    (
        hooks_for_everybody,
        (("LOG-02", "Service/cicd/hooks:8080", "the pipeline is started by a caller who did not sign in"),),
    ),
    (
        emergency_without_need,
        (
            ("LOG-22", "ConfigMap/cicd/pipelines", "emergency access is used on a Saturday, and no ticket says why"),
            ("ACC-26", "Cluster//break-glass-use", "emergency access was used without a ticket and without an alert"),
        ),
    ),
    (rewritten, (("LOG-31", "Namespace//ehr", "what is declared is written 44 times in one day, not three or four"),)),
    (logs_stopped, (("LOG-16", "DaemonSet/monitoring/fluent-bit", "what ships the logs is made to run on no node"),)),
)


def password_guessed(hospital: Hospital) -> None:
    """Let somebody guess the database administrator's password, just before she seems to work late."""
    key = f"Input//{PATH}"
    events = [*input_rows(hospital, key), *guessed("carla.ruiz", at("2026-11-15 03:02:11"))]
    hospital.change(key, content=sorted(events, key=lambda each: (each["time"], each["id"])))


FAULTS = (
    *(
        Fault(found, f"HK-{number}", sentence, patch)
        for done, incidents in INCIDENTS
        for patch in [act(done.__name__.replace("_", "-"), done)]
        for number, found, sentence in incidents
    ),
    Fault(
        "IdentityProvider//keycloak",
        "HK-LOG-29",
        "a password is guessed: twelve failures within four minutes, and then a success",
        password_guessed,
    ),
)
