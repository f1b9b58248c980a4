"""The kinds of custom resources that tables are made from, by what they are read for.

A cluster serves them only where something installed them: where all definitions were read and none makes a
kind, there is no object of it, and its coverage is `absent`. A kind that several families read stands once.
"""

from __future__ import annotations

from typing import Final

from hipaa_kit.kube.kinds import Kind, kinds_of

CUSTOM: Final = tuple(
    # ways in, and what ends TLS on them: https://gateway-api.sigs.k8s.io/reference/spec/
    kinds_of(
        "gateway.networking.k8s.io",
        True,
        "BackendTLSPolicy:backendtlspolicies GRPCRoute:grpcroutes Gateway:gateways HTTPRoute:httproutes "
        "ListenerSet:listenersets ReferenceGrant:referencegrants TCPRoute:tcproutes TLSRoute:tlsroutes "
        "UDPRoute:udproutes",
    )
    + kinds_of("gateway.networking.x-k8s.io", True, "XListenerSet:xlistenersets")
    + kinds_of("networking.gke.io", True, "FrontendConfig:frontendconfigs")
    + kinds_of("route.openshift.io", True, "Route:routes")
    # service meshes: https://istio.io/latest/docs/reference/config/, https://linkerd.io/2/reference/
    + kinds_of(
        "networking.istio.io",
        True,
        "DestinationRule:destinationrules EnvoyFilter:envoyfilters Gateway:gateways Sidecar:sidecars "
        "VirtualService:virtualservices",
    )
    + kinds_of("security.istio.io", True, "PeerAuthentication:peerauthentications")
    + kinds_of("policy.linkerd.io", True, "Server:servers")
    # encryption between nodes
    + kinds_of("cilium.io", False, "CiliumNode:ciliumnodes")
    + kinds_of("crd.projectcalico.org", False, "FelixConfiguration:felixconfigurations")
    + kinds_of("projectcalico.org", False, "FelixConfiguration:felixconfigurations")
    + kinds_of("operator.openshift.io", False, "Network:networks")
    # the control plane of OpenShift, and the images that its nodes verify
    + kinds_of("config.openshift.io", False, "APIServer:apiservers ClusterImagePolicy:clusterimagepolicies")
    + kinds_of("config.openshift.io", True, "ImagePolicy:imagepolicies")
    + kinds_of("operator.openshift.io", False, "KubeAPIServer:kubeapiservers")
    # certificates: https://cert-manager.io/docs/reference/api-docs/
    + kinds_of("cert-manager.io", True, "Certificate:certificates Issuer:issuers")
    + kinds_of("cert-manager.io", False, "ClusterIssuer:clusterissuers")
    # datastores by their operators
    + kinds_of("acid.zalan.do", True, "postgresql:postgresqls")
    + kinds_of("elasticsearch.k8s.elastic.co", True, "Elasticsearch:elasticsearches")
    + kinds_of("kafka.strimzi.io", True, "Kafka:kafkas")
    + kinds_of("mongodbcommunity.mongodb.com", True, "MongoDBCommunity:mongodbcommunity")
    + kinds_of("pgv2.percona.com", True, "PerconaPGBackup:perconapgbackups PerconaPGCluster:perconapgclusters")
    + kinds_of("postgres-operator.crunchydata.com", True, "PostgresCluster:postgresclusters")
    + kinds_of("postgresql.cnpg.io", True, "Backup:backups Cluster:clusters ScheduledBackup:scheduledbackups")
    + kinds_of(
        "psmdb.percona.com",
        True,
        "PerconaServerMongoDB:perconaservermongodbs PerconaServerMongoDBBackup:perconaservermongodbbackups",
    )
    + kinds_of(
        "pxc.percona.com",
        True,
        "PerconaXtraDBCluster:perconaxtradbclusters PerconaXtraDBClusterBackup:perconaxtradbclusterbackups",
    )
    + kinds_of("rabbitmq.com", True, "RabbitmqCluster:rabbitmqclusters")
    + kinds_of("redis.redis.opstreelabs.in", True, "Redis:redis RedisCluster:redisclusters")
    # what lies below volumes of Ceph: https://rook.io/docs/rook/latest/CRDs/Cluster/ceph-cluster-crd/
    + kinds_of("ceph.rook.io", True, "CephCluster:cephclusters")
    # backup and recovery: https://velero.io/docs/main/api-types/, https://volsync.readthedocs.io/en/stable/usage/,
    # https://docs.kasten.io/latest/api/, https://docs.k8up.io/k8up/references/api-reference.html,
    # https://longhorn.io/docs/latest/references/, https://docs.k3s.io/cli/etcd-snapshot
    + kinds_of(
        "velero.io",
        True,
        "Backup:backups BackupStorageLocation:backupstoragelocations DataDownload:datadownloads DataUpload:datauploads "
        "PodVolumeBackup:podvolumebackups PodVolumeRestore:podvolumerestores Restore:restores Schedule:schedules "
        "VolumeSnapshotLocation:volumesnapshotlocations",
    )
    + kinds_of("volsync.backube", True, "ReplicationSource:replicationsources")
    + kinds_of("config.kio.kasten.io", True, "Policy:policies Profile:profiles")
    + kinds_of(
        "longhorn.io",
        True,
        "Backup:backups BackupTarget:backuptargets RecurringJob:recurringjobs Setting:settings Volume:volumes",
    )
    + kinds_of("k8up.io", True, "Backup:backups Restore:restores Schedule:schedules")
    + kinds_of("barmancloud.cnpg.io", True, "ObjectStore:objectstores")
    + kinds_of("k3s.cattle.io", False, "ETCDSnapshotFile:etcdsnapshotfiles")
    # what keeps a cluster as declared: https://argo-cd.readthedocs.io/, https://fluxcd.io/flux/components/
    + kinds_of("argoproj.io", True, "Application:applications")
    + kinds_of("kustomize.toolkit.fluxcd.io", True, "Kustomization:kustomizations")
    + kinds_of("helm.toolkit.fluxcd.io", True, "HelmRelease:helmreleases")
    # secrets from elsewhere: https://external-secrets.io/latest/api/spec/,
    # https://secrets-store-csi-driver.sigs.k8s.io/, https://developer.hashicorp.com/vault/docs/deploy/kubernetes/vso
    + kinds_of(
        "external-secrets.io",
        True,
        "ExternalSecret:externalsecrets PushSecret:pushsecrets SecretStore:secretstores",
    )
    + kinds_of(
        "external-secrets.io",
        False,
        "ClusterExternalSecret:clusterexternalsecrets ClusterSecretStore:clustersecretstores",
    )
    + kinds_of("secrets-store.csi.x-k8s.io", True, "SecretProviderClass:secretproviderclasses")
    + kinds_of(
        "secrets.hashicorp.com",
        True,
        "VaultDynamicSecret:vaultdynamicsecrets VaultPKISecret:vaultpkisecrets VaultStaticSecret:vaultstaticsecrets",
    )
    + kinds_of("bitnami.com", True, "SealedSecret:sealedsecrets")
    # admission: https://kyverno.io/docs/, https://open-policy-agent.github.io/gatekeeper/website/docs/
    + kinds_of("kyverno.io", False, "ClusterPolicy:clusterpolicies")
    + kinds_of("kyverno.io", True, "Policy:policies PolicyException:policyexceptions")
    + kinds_of(
        "policies.kyverno.io",
        False,
        "ImageValidatingPolicy:imagevalidatingpolicies ValidatingPolicy:validatingpolicies",
    )
    + kinds_of(
        "policies.kyverno.io",
        True,
        "NamespacedImageValidatingPolicy:namespacedimagevalidatingpolicies "
        "NamespacedValidatingPolicy:namespacedvalidatingpolicies PolicyException:policyexceptions",
    )
    + kinds_of("templates.gatekeeper.sh", False, "ConstraintTemplate:constrainttemplates")
    + kinds_of("config.gatekeeper.sh", True, "Config:configs")
    + kinds_of("policy.sigstore.dev", False, "ClusterImagePolicy:clusterimagepolicies")
    # runtime sensors: https://tetragon.io/docs/concepts/tracing-policy/, https://docs.kubearmor.io/
    + kinds_of("cilium.io", False, "TracingPolicy:tracingpolicies")
    + kinds_of("cilium.io", True, "TracingPolicyNamespaced:tracingpoliciesnamespaced")
    + kinds_of("security.kubearmor.com", True, "KubeArmorPolicy:kubearmorpolicies")
    + kinds_of("security.kubearmor.com", False, "KubeArmorClusterPolicy:kubearmorclusterpolicies")
    # results of scanners: https://aquasecurity.github.io/trivy-operator/latest/docs/crds/,
    # https://github.com/kubernetes-sigs/wg-policy-prototypes, https://github.com/openreports/reports-api
    + kinds_of(
        "aquasecurity.github.io",
        False,
        "ClusterComplianceReport:clustercompliancereports ClusterConfigAuditReport:clusterconfigauditreports "
        "ClusterInfraAssessmentReport:clusterinfraassessmentreports ClusterSbomReport:clustersbomreports "
        "ClusterRbacAssessmentReport:clusterrbacassessmentreports "
        "ClusterVulnerabilityReport:clustervulnerabilityreports",
    )
    + kinds_of(
        "aquasecurity.github.io",
        True,
        "ConfigAuditReport:configauditreports ExposedSecretReport:exposedsecretreports "
        "InfraAssessmentReport:infraassessmentreports RbacAssessmentReport:rbacassessmentreports "
        "SbomReport:sbomreports VulnerabilityReport:vulnerabilityreports",
    )
    + kinds_of("openreports.io", False, "ClusterReport:clusterreports")
    + kinds_of("openreports.io", True, "Report:reports")
    + kinds_of("wgpolicyk8s.io", False, "ClusterPolicyReport:clusterpolicyreports")
    + kinds_of("wgpolicyk8s.io", True, "PolicyReport:policyreports")
    # monitoring: https://prometheus-operator.dev/docs/api-reference/api/; what others watch by is only recognised:
    # https://docs.victoriametrics.com/operator/api/, https://github.com/open-telemetry/opentelemetry-operator,
    # https://docs.datadoghq.com/containers/datadog_operator/, https://cloud.google.com/stackdriver/docs/managed-prometheus
    + kinds_of(
        "monitoring.coreos.com",
        True,
        "Alertmanager:alertmanagers AlertmanagerConfig:alertmanagerconfigs PodMonitor:podmonitors Probe:probes "
        "Prometheus:prometheuses PrometheusAgent:prometheusagents PrometheusRule:prometheusrules "
        "ScrapeConfig:scrapeconfigs ServiceMonitor:servicemonitors ThanosRuler:thanosrulers",
    )
    + kinds_of(
        "operator.victoriametrics.com",
        True,
        "VMAgent:vmagents VMAlert:vmalerts VMAlertmanager:vmalertmanagers VMPodScrape:vmpodscrapes VMRule:vmrules "
        "VMServiceScrape:vmservicescrapes",
    )
    + kinds_of("opentelemetry.io", True, "OpenTelemetryCollector:opentelemetrycollectors")
    + kinds_of("monitoring.grafana.com", True, "GrafanaAgent:grafanaagents MetricsInstance:metricsinstances")
    + kinds_of("grafana.integreatly.org", True, "GrafanaAlertRuleGroup:grafanaalertrulegroups")
    + kinds_of("datadoghq.com", True, "DatadogAgent:datadogagents DatadogMonitor:datadogmonitors")
    + kinds_of("monitoring.googleapis.com", True, "PodMonitoring:podmonitorings Rules:rules")
    + kinds_of(
        "monitoring.googleapis.com", False, "ClusterPodMonitoring:clusterpodmonitorings ClusterRules:clusterrules"
    )
    + kinds_of("azmonitoring.coreos.com", True, "PodMonitor:podmonitors ServiceMonitor:servicemonitors")
    + kinds_of("flows.netobserv.io", False, "FlowCollector:flowcollectors")
    + kinds_of("telemetry.istio.io", True, "Telemetry:telemetries")
)
"""Every kind of custom resource that a table is made from."""

_BY_KIND: Final = {(kind.group, kind.kind): kind for kind in CUSTOM}


def find_custom(group: str, kind: str) -> Kind | None:
    """Return the kind of custom resource of that name, or None where no table is made from it."""
    return _BY_KIND.get((group, kind))


def custom(group: str, kind: str) -> Kind:
    """Return the kind of custom resource of that name, for a table that reads it; it must be listed above."""
    return _BY_KIND[group, kind]
