"""The ways that go by what acts for others, and what harms integrity or availability: part of `techniques`.

Sources: the documentation of each project whose custom resources are named, under
https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/custom-resources/.
"""

from __future__ import annotations

from typing import Final

from hipaa_kit.graph.permissions.technique import CONDITION, HEURISTIC, Technique, also, one, want

CONTROLLERS: Final = {
    "ARGO_WORKFLOW": "workflows.argoproj.io,workflowtemplates.argoproj.io,cronworkflows.argoproj.io",
    "ARGO_CD": "applications.argoproj.io,applicationsets.argoproj.io,appprojects.argoproj.io",
    "TEKTON": "pipelineruns.tekton.dev,taskruns.tekton.dev,tasks.tekton.dev,pipelines.tekton.dev",
    "FLUX": "kustomizations.kustomize.toolkit.fluxcd.io,helmreleases.helm.toolkit.fluxcd.io",
    "CERT_MANAGER": "certificates.cert-manager.io,certificaterequests.cert-manager.io,clusterissuers.cert-manager.io",
    "EXTERNAL_SECRETS": "externalsecrets.external-secrets.io,secretstores.external-secrets.io",
    "KYVERNO": "clusterpolicies.kyverno.io,policies.kyverno.io",
    "VELERO": "backups.velero.io,restores.velero.io,schedules.velero.io",
    "CROSSPLANE": "providers.pkg.crossplane.io,compositions.apiextensions.crossplane.io",
    "KUBEVIRT": "virtualmachines.kubevirt.io,virtualmachineinstances.kubevirt.io",
    "KNATIVE": "services.serving.knative.dev",
}


def deputies() -> list[Technique]:
    """Return the ways by what acts for whoever asks it to: cloud identities and controllers."""
    found = [
        one(
            46,
            f"CONFUSED_DEPUTY_{name}",
            f"Controller/{{ns}}/{name.lower().replace('_', '-')}",
            also(f"create,patch {resources}"),
            confidence=HEURISTIC,
            cost=3,
            precondition="the controller is installed and acts with its own rights",
        )
        for name, resources in CONTROLLERS.items()
    ]
    return [
        one(
            45,
            "SA_CLOUD",
            "CloudIdentity/{ns}/{name}",
            want("update,patch serviceaccounts"),
            confidence=CONDITION,
            cost=3,
            precondition="the provider trusts service accounts of the namespace, and a pod can be run as one",
        ),
        *found,
    ]


BACKUPS: Final = (
    "backups.velero.io,backupstoragelocations.velero.io,backuprepositories.velero.io,"
    "volumesnapshots.snapshot.storage.k8s.io,volumesnapshotcontents.snapshot.storage.k8s.io,"
    "snapshots.k8up.io,backups.longhorn.io,backups.postgresql.cnpg.io,restorepoints.apps.kio.kasten.io"
)
SCHEDULES: Final = (
    "schedules.velero.io,schedules.k8up.io,recurringjobs.longhorn.io,scheduledbackups.postgresql.cnpg.io,"
    "policies.config.kio.kasten.io"
)


def harm() -> list[Technique]:
    """Return what harms integrity or availability; `harm.Harm` says which objects it harms."""
    return [
        one(
            0,
            "DELETE_EPHI",
            "Data/{ns}/*",
            also(
                "delete,deletecollection persistentvolumeclaims,persistentvolumes,secrets,statefulsets.apps,namespaces"
            ),
        ),
        one(
            0,
            "DELETE_BACKUP",
            "Backup/{ns}/*",
            also(f"delete,deletecollection {BACKUPS}", f"create,update,patch,delete {SCHEDULES}"),
        ),
        one(0, "TAMPER_AUDIT", "Events/{ns}/*", also("delete,deletecollection events,events.events.k8s.io")),
        one(
            0,
            "DISABLE_ALERT",
            "Alerts/{ns}/*",
            also(
                "create,update,patch,delete prometheusrules.monitoring.coreos.com,"
                "alertmanagerconfigs.monitoring.coreos.com,alertmanagers.monitoring.coreos.com"
            ),
        ),
    ]
