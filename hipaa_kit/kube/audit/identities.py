"""Identities that the control plane itself brings: who acts without anybody having asked just then.

Source: `cmd/kube-controller-manager/names/controller_names.go` and
`plugin/pkg/auth/authorizer/rbac/bootstrappolicy/controller_policy.go` of kubernetes/kubernetes: with credentials per
controller each has a ServiceAccount of this name in `kube-system`. What else runs there is judged like anybody.
"""

from __future__ import annotations

from typing import Final

CONTROLLERS: Final = tuple(
    "attachdetach-controller bootstrap-signer certificate-controller cloud-provider clusterrole-aggregation-controller "
    "cronjob-controller daemon-set-controller deployment-controller device-taint-eviction-controller "
    "disruption-controller endpoint-controller endpointslice-controller endpointslicemirroring-controller "
    "ephemeral-volume-controller expand-controller generic-garbage-collector horizontal-pod-autoscaler job-controller "
    "legacy-service-account-token-cleaner namespace-controller node-controller persistent-volume-binder "
    "pod-garbage-collector pv-protection-controller pvc-protection-controller replicaset-controller "
    "replication-controller resource-claim-controller resourcequota-controller root-ca-cert-publisher route-controller "
    "selinux-warning-controller service-account-controller service-cidrs-controller service-controller "
    "statefulset-controller storage-version-garbage-collector storage-version-migrator-controller "
    "taint-eviction-controller token-cleaner ttl-after-finished-controller ttl-controller "
    "validatingadmissionpolicy-status-controller volumeattributesclass-protection-controller vac-protection-controller "
    "podcertificaterequestcleaner-controller".split()
)

OWN: Final = (
    "system:apiserver",
    "system:kube-controller-manager",
    "system:kube-scheduler",
    "system:kube-proxy",
    "system:node:*",
    *(f"system:serviceaccount:kube-system:{name}" for name in CONTROLLERS),
)
"""User names; one that ends in `*` stands for all that start so."""
