"""What may pass the door: lists with a reason each. What is not named here does not pass.

The fields of Kubernetes' own API stand in `fields`. A family of checks that reads more of a
custom resource declares it in `_KEPT`, with one line; one that reads another annotation, in `ANNOTATIONS`;
one that reads another setting of the environment, in `ENVIRONMENT`. Nothing else has to be touched.
"""

from __future__ import annotations

import re
from typing import Final

ANNOTATIONS: Final = re.compile(
    r"""
    # written by Kubernetes itself: revisions, binding of volumes, marks of the kubelet and of controllers.
    # kubernetes.io/change-cause repeats a command line and kubernetes.io/description is prose: neither is here.
    deprecated\.daemonset\.template\.generation
    | (?:deployment|deprecated\.daemonset\.template|batch|pv|volume|volumes|volume\.beta|node|node\.alpha|endpoints
        |endpointslice|apps|cronjob|job|service|statefulset|podpreset)\.kubernetes\.io/[\w.-]+
    | kubectl\.kubernetes\.io/(?:restartedAt|default-container|default-logs-container)
    | kubernetes\.io/(?:config\.(?:source|mirror|hash|seen)|ingress\.class|tls-acme|ingress\.allow-http
        |ingress\.global-static-ip-name|service-account\.(?:name|uid)|enforce-mountable-secrets|created-by
        |psp|limit-ranger|egress-bandwidth|ingress-bandwidth|cluster-service)
    | (?:storageclass|storageclass\.beta|ingressclass|snapshot\.storage)\.kubernetes\.io/is-default-class
    | scheduler\.alpha\.kubernetes\.io/(?:critical-pod|preferAvoidPods|node-selector|name)
    | controller\.kubernetes\.io/pod-deletion-cost | cluster-autoscaler\.kubernetes\.io/[\w.-]+
    | rbac\.authorization\.(?:kubernetes|k8s)\.io/autoupdate
    | kubeadm\.(?:alpha\.)?kubernetes\.io/(?:cri-socket|etcd\.advertise-client-urls
        |kube-apiserver\.advertise-address\.endpoint)
    | api-approved\.kubernetes\.io | controller-gen\.kubebuilder\.io/version

    # security settings of pods that older clusters keep in annotations, and of OpenShift
    | container\.apparmor\.security\.beta\.kubernetes\.io/[\w.-]+
    | (?:container\.)?seccomp\.security\.alpha\.kubernetes\.io/[\w.-]+
    | (?:seccomp|apparmor)\.security\.(?:alpha|beta)\.kubernetes\.io/[\w.-]+
    | openshift\.io/(?:scc|sa\.scc\.[\w.-]+|node-selector) | workload\.openshift\.io/[\w.-]+

    # which identity of the cloud a service account has
    | eks\.amazonaws\.com/role-arn | iam\.gke\.io/gcp-service-account
    | azure\.workload\.identity/(?:client-id|tenant-id|use) | iam\.amazonaws\.com/role

    # how an entry point ends, redirects and restricts connections; references to Secrets by name.
    # Snippets of configuration, custom headers and auth URLs are not here.
    | nginx\.ingress\.kubernetes\.io/(?:force-ssl-redirect|ssl-redirect|ssl-passthrough|ssl-ciphers|backend-protocol
        |proxy-ssl-(?:verify|secret|protocols|name)|auth-(?:type|secret|secret-type|tls-secret|tls-verify-client)
        |hsts[\w-]*|whitelist-source-range|allowlist-source-range|secure-backends|permanent-redirect-code)
    | traefik\.ingress\.kubernetes\.io/router\.(?:tls|entrypoints|middlewares|tls\.options)
    | alb\.ingress\.kubernetes\.io/(?:scheme|listen-ports|ssl-policy|ssl-redirect|certificate-arn|target-type
        |inbound-cidrs|wafv2-acl-arn|backend-protocol|group\.name|security-groups)
    | haproxy(?:-ingress)?\.(?:org|github\.io)/(?:ssl-redirect|ssl-passthrough|server-ssl|whitelist|allow-list)
    | appgw\.ingress\.kubernetes\.io/(?:ssl-redirect|appgw-ssl-certificate|backend-protocol)
    | ingress\.gcp\.kubernetes\.io/pre-shared-cert
    | networking\.gke\.io/[\w.-]+ | cloud\.google\.com/(?:neg|load-balancer-type)
    | projectcontour\.io/(?:tls-minimum-protocol-version|ingress\.class)
    | route\.openshift\.io/(?:termination|insecureEdgeTerminationPolicy)
    | haproxy\.router\.openshift\.io/(?:hsts_header|ip_whitelist|timeout)
    | service\.(?:beta\.|alpha\.)?kubernetes\.io/[\w.-]+
    | external-dns\.alpha\.kubernetes\.io/(?:hostname|internal-hostname|target|ttl)
    | cert-manager\.io/(?:(?:cluster-)?issuer(?:-name|-kind|-group)?|certificate-name|common-name|alt-names|ip-sans
        |duration|renew-before|revision-history-limit|inject-ca-from(?:-secret)?)
    | service\.beta\.openshift\.io/(?:serving-cert-secret-name|inject-cabundle)

    # what a site writes on a role binding about its review: a day and the number of a ticket; never who approved
    | hipaa-kit\.io/(?:reviewed-on|ticket)

    # what is injected, meshed, scraped, backed up, installed
    | (?:sidecar|traffic\.sidecar|inject|networking|security|ambient)\.istio\.io/(?:inject|templates
        |rewriteAppHTTPProbers|(?:include|exclude)(?:In|Out)bound(?:Ports|IPRanges)|redirection|tlsMode|exportTo)
    | linkerd\.io/inject | config\.linkerd\.io/(?:skip-(?:in|out)bound-ports|default-inbound-policy|opaque-ports)
    | prometheus\.io/(?:scrape|port|path|scheme|probe)
    | backup\.velero\.io/backup-volumes(?:-excludes)? | velero\.io/(?:exclude-from-backup|source-cluster-k8s-[\w-]+)
    | helm\.sh/(?:hook|hook-weight|hook-delete-policy|resource-policy) | meta\.helm\.sh/release-(?:name|namespace)
    | argocd\.argoproj\.io/(?:sync-wave|hook|hook-delete-policy|sync-options|compare-options|tracking-id|instance)
    | vault\.hashicorp\.com/(?:agent-inject|role|agent-pre-populate-only|tls-skip-verify)
    | px/secret-name | vault\.hashicorp\.com/agent-inject-status
    | flannel\.alpha\.coreos\.com/backend-type
    | k8s\.v1\.cni\.cncf\.io/networks | (?:cni\.)?projectcalico\.org/[\w.-]+ | ovn\.kubernetes\.io/[\w.-]+
    """,
    re.VERBOSE,
)
"""Annotations whose values are operational. Every other value becomes a pseudonym, and so does one of these
that is long, is an object in JSON, or spans lines."""

ALWAYS_HIDDEN: Final = re.compile(r"last-applied|original-template|snippet|headers?$|(?:^|[./-])token$|password")
"""Annotations that hold whole objects or configuration; they win over `ANNOTATIONS`."""

ENVIRONMENT: Final = re.compile(
    r"(?:.*_|PG)?(?:SSL_?MODE|TLS_?MODE|(?:SSL|TLS|HTTPS)_?(?:ENABLED|REQUIRED|VERIFY)|(?:TLS|SSL)_MIN(?:IMUM)?_VERSION"
    r"|TLS_VERSION|REQUIRE_(?:SSL|TLS)|(?:USE|ENABLE)_(?:SSL|TLS))"
    r"|ENABLE_NETWORK_POLICY|ENABLE_POLICY|NETWORK_POLICY_ENFORCING_MODE|ENABLE_POD_ENI|POD_SECURITY_GROUP_ENFORCING_MODE"
    r"|CALICO_(?:NETWORKING_BACKEND|IPV4POOL_(?:IPIP|VXLAN|CIDR))|FELIX_(?:DEFAULTENDPOINTTOHOSTACTION|WIREGUARDENABLED)"
    r"|LOG_LEVEL|TZ"
)
"""Environment variables whose literal is a setting that checks read: encryption, policy of the network plugin."""

TRUTH: Final = re.compile(r"|true|false|yes|no|on|off|none|null", re.IGNORECASE)
"""Literals that say nothing of anyone."""

SMALL: Final = re.compile(r"[0-9]{1,5}")
"""Numbers that may be a port or a count; under the name of a secret they do not pass."""

QUANTITY: Final = re.compile(r"[+-]?\d{1,15}(?:\.\d{1,9})?(?:[kKMGTPE]i?|[num]|[eE]\d{1,2})?")
"""Amounts of resources.

Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/.
"""

MEASURE: Final = re.compile(
    r"\d{1,5}(?:\.\d{1,3})?(?:[kKMGTPE]i?|[num]|%)?|(?:\d{1,6}(?:\.\d{1,3})?(?:ns|us|ms|[smhdwy]))+"
)
"""Small numbers with or without a unit, percentages and durations: what a number could say of someone is too short."""

PORT_LIST: Final = re.compile(r'\[(?:\{"HTTPS?": ?\d{1,5}\}(?:, ?)?){1,16}\]')
"""The one annotation in JSON that passes: the ports that a load balancer of AWS listens on."""

MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)")
MOMENT_KEY: Final = re.compile(r"(?:Time|Timestamp|At|After|Before|[Ee]xpiration|Until)$")
"""Moments pass under names of moments: elsewhere a date may be one of birth."""

IDENTIFIER: Final = re.compile(r"[A-Za-z0-9_*@][\w.:/@+*-]{0,252}|[\d*/,?#LWA-Z-]{1,32}(?: [\d*/,?#LWA-Z-]{1,32}){4,6}")
"""One word, as names, images and enumerations are; or a schedule of five fields and more. Prose is neither."""

LABEL_VALUE: Final = re.compile(r"[A-Za-z0-9_.-]{0,63}")
FIELD_NAME: Final = re.compile(r"[\w./:@*+~$-]{1,253}", re.ASCII)
"""Names of fields and keys; a key of any other shape is taken for content."""

SECRET_KEY: Final = re.compile(
    r"passw|passphrase|pwd$|pin$|ssn$|token|secret|credential|apikey|accesskey|privatekey|encryptionkey|clientkey|userkey|accountkey"
    r"|userdata|connectionstring|^auth$|^dsn$|^key$|sasurl|webhookurl|bearer|signature",
    re.IGNORECASE,
)
"""Names under which a value is taken for a secret; `-`, `_` and `.` are left out before they are compared."""

REFERENCE_KEY: Final = re.compile(
    r"secret(?:name|namespace|key|s|class|store)?(?:name|namespace|ref|kind)$|configmapref$|tokenrequests|mounttoken|pullsecret"
    r"|mountserviceaccounttoken|credentialname$|providerclass$|secretname|secretnamespace|secretfile$"
    r"|(?:seconds|minutes|hours|days|ttl|expiration|enabled|disabled|size|length|count|limit|version|policy|type|mode)$",
    re.IGNORECASE,
)
"""Names that look like those of secrets and only name one, or say how long it lives."""

ASSIGNMENT: Final = re.compile(
    r"(?i)(?:passw(?:or)?d|passphrase|pwd|secret|token|api_?key|access_?key)=(?!=|true|false|/)[^\s,;]"
)
"""A secret given by name inside another text: `username=app,password=…` of a mount option."""

REFERENCE_FIELD: Final = re.compile(r"(?:Ref|Reference|Selector|[Ss]ecret|[Cc]onfigMap|[Cc]redential)$")
"""Fields of unknown kinds that name an entry of a Secret or ConfigMap: in them `key` is the name of the entry."""

STRUCTURAL: Final = frozenset(
    """
    apiGroup apiGroups apiVersion backupName category claimName cluster concurrencyPolicy conditionStatus
    containerName creationTimestamp deletionPolicy dnsNames driver effect fieldPath group image imagePullPolicy
    ingressClassName kind kinds lastTransitionTime mode name namespace namespaces nodeName operation operator
    persistentVolumeClaimName phase policyTypes priorityClassName protocol provisioner reason resource resources
    resourceVersion restartPolicy schedule schedulerName scope secretName secretProviderClass serviceAccount
    serviceAccountName serviceName severity state status storageClassName targetNamespace topologyKey type uid verbs
    version volumeName
    """.split()
)
"""Fields of kinds that are not built in whose texts pass where they are one word: they name or place things."""

_NETWORK: Final = """
    action actions cidr cidrs egress entities except exceptCIDRs from host hosts icmpType ingress methods nets
    networks notNamespaces notNets notPorts notPrincipals port ports priority protocols rules tier to
"""
"""What the policy kinds of several network plugins share."""

_KEPT: Final = {
    # reachability: who may open a connection to whom
    "cilium.io": _NETWORK
    + """
        call cidrGroupRef cluster endPort event family fqdn fromCIDR fromEntities hook matchName matchPattern method
        path serverNames toCIDR toEntities
    """,
    "crd.projectcalico.org": _NETWORK
    + """
        allowedEgressDomains defaultAction defaultEndpointToHostAction domains exact ipipMode names namespaceSelector
        notProtocol notSelector paths prefix selector serviceAccountSelector stagedAction types vxlanMode
    """,
    "projectcalico.org": _NETWORK
    + """
        allowedEgressDomains defaultAction domains exact names namespaceSelector notProtocol notSelector paths prefix
        selector serviceAccountSelector stagedAction types
    """,
    "policy.networking.k8s.io": _NETWORK
    + """
        destinationNamedPort domainNames namedPort
    """,
    "gateway.networking.k8s.io": """
        controllerName from gatewayClassName group hostname hostnames protocol scheme sectionName
        wellKnownCACertificates
    """,
    "security.istio.io": _NETWORK
    + """
        ipBlocks issuer jwksUri notHosts notIpBlocks notMethods notPaths operation paths principals
        provider remoteIpBlocks requestPrincipals serviceAccounts
    """,
    "networking.istio.io": """
        addresses applyTo cipherSuites context credentialName credentialNames defaultEndpoint exportTo gateways host
        hosts location maxProtocolVersion minProtocolVersion number port protocol resolution serverCertificate sni
        sniHosts subjectAltNames subset targetPort
    """,
    "policy.linkerd.io": _NETWORK
    + """
        identities identityRefs networks proxyProtocol requiredAuthenticationRefs targetRef
    """,
    "traefik.io": """
        certResolver entryPoints match minVersion
    """,
    "route.openshift.io": """
        host insecureEdgeTerminationPolicy path targetPort termination wildcardPolicy
    """,
    # signatures of images: which images, and what becomes of those without; keys and names of signers are not here
    "policy.sigstore.dev": """
        action glob group mode resource version
    """,
    # the control plane of OpenShift: which TLS it speaks, which images its nodes ask for signatures, what it records
    "config.openshift.io": """
        ciphers group minTLSVersion policyType profile scopes
    """,
    # what a pod may do on its node
    "security.openshift.io": """
        allowedCapabilities allowedUnsafeSysctls defaultAddCapabilities groups requiredDropCapabilities
        seccompProfiles users volumes
    """,
    # integrity: what is kept as declared, and what volumes are checked
    "argoproj.io": """
        finishedAt name namespace path reconciledAt revision server status targetRevision
    """,
    "kustomize.toolkit.fluxcd.io": """
        id lastAppliedRevision lastAttemptedRevision path reason status type v
    """,
    "helm.toolkit.fluxcd.io": """
        chart chartName chartVersion lastAppliedRevision lastAttemptedRevision mode reason status type version
    """,
    # admission: what policies apply to and what they do; patterns, expressions and programs are not here
    "kyverno.io": """
        action controlName failureAction failurePolicy image imageReferences kinds level name names namespaces
        operations policyName restrictedField ruleNames skipImageReferences validationFailureAction version
    """,
    "policies.kyverno.io": """
        action apiGroups apiVersions failurePolicy glob kind matchPolicy mode name names namespaces operations
        resourceNames resources scope validationActions
    """,
    "constraints.gatekeeper.sh": """
        action apiGroups auditTimestamp enforcementAction enforcementPoint excludedNamespaces kinds name namespaces
        scope source
    """,
    "templates.gatekeeper.sh": """
        engine kind target
    """,
    "config.gatekeeper.sh": """
        excludedNamespaces processes
    """,
    # certificates: what is issued, for whom, until when
    "cert-manager.io": """
        algorithm commonName dnsNames duration encoding ipAddresses issuer notAfter notBefore renewBefore
        renewalTime rotationPolicy server size uris usages
    """,
    # backup and recovery: what is copied, when, where to, and whether it ended
    "velero.io": """
        accessMode backupStorageLocation bucket completionTimestamp csiSnapshotTimeout customerKeyEncryptionFile
        datamover defaultVolumesToFsBackup excludedClusterScopedResources excludedNamespaceScopedResources
        excludedNamespaces excludedResources expiration format formatVersion includedClusterScopedResources
        includedNamespaceScopedResources includedNamespaces includedResources kmsKeyId lastBackup lastSyncedTime
        lastValidationTime location prefix provider region repositoryType s3Url schedule scheduleName
        serverSideEncryption snapshotType sourceNamespace sourcePVC startTimestamp storageAccount storageLocation ttl
        uploaderType volume volumeSnapshotLocations
    """,
    "volsync.backube": """
        copyMethod lastSyncTime repository result schedule sourcePVC
    """,
    "config.kio.kasten.io": """
        action endpoint frequency locationType objectStoreType protectionPeriod region validation
    """,
    "ceph.rook.io": """
        encryptedDevice KMS_PROVIDER
    """,
    "longhorn.io": """
        backupCreatedAt backupTargetName backupTargetURL credentialSecret cron groups lastBackup lastBackupAt
        lastSyncedAt pvName snapshotCreatedAt snapshotDataIntegrity task volumeName
    """,
    "k8up.io": """
        bucket endpoint schedule
    """,
    "postgresql.cnpg.io": """
        barmanObjectName destinationPath encryption endpointURL firstRecoverabilityPoint lastFailedBackup
        lastScheduleTime lastSuccessfulBackup method pgaudit.log retentionPolicy schedule startedAt stoppedAt
    """,
    "barmancloud.cnpg.io": """
        destinationPath encryption endpointURL retentionPolicy
    """,
    # what a sensor does about what it finds
    "security.kubearmor.com": """
        action
    """,
    "acid.zalan.do": """
        logicalBackupSchedule pgaudit.log shared_preload_libraries
    """,
    "postgres-operator.crunchydata.com": """
        bucket client_tls_sslmode differential endpoint full incremental pgaudit.log region
    """,
    "pgv2.percona.com": """
        bucket client_tls_sslmode completed differential endpoint full incremental pgCluster region repoName state
    """,
    "psmdb.percona.com": """
        bucket clusterName completed crVersion endpointUrl psmdbCluster region schedule start state storageName
    """,
    "pxc.percona.com": """
        bucket completed endpointUrl pxcCluster region schedule state storageName
    """,
    "snapshot.storage.k8s.io": """
        boundVolumeSnapshotContentName creationTime parameters persistentVolumeClaimName snapshotHandle
        sourceVolumeMode volumeHandle volumeSnapshotClassName volumeSnapshotContentName
    """,
    "groupsnapshot.storage.k8s.io": """
        boundVolumeGroupSnapshotContentName creationTime parameters volumeGroupSnapshotClassName
        volumeGroupSnapshotContentName volumeGroupSnapshotHandle volumeHandle
    """,
    # monitoring: what is scraped, which alerts exist and to whom they go; addresses of receivers are not here
    "monitoring.coreos.com": """
        action alert configSecret expr for groupBy groupInterval groupWait interval matchNames matchType path port
        record repeatInterval retention scheme scrapeInterval scrapeTimeout targetPort
    """,
    # what other scanners found, by id; messages, matches, titles and descriptions are not here
    "aquasecurity.github.io": """
        checkID digest family fixedVersion id installedVersion publishedDate repository ruleID server tag
        updateTimestamp vulnerabilityID
    """,
    "wgpolicyk8s.io": """
        policy result rule source
    """,
    "openreports.io": """
        policy result rule source
    """,
}

KEPT: Final = {group: frozenset(fields.split()) for group, fields in _KEPT.items()}
"""Custom resources by API group, and the fields whose texts later checks read; their shape is not limited.

A family adds its group, or a field, to `_KEPT`. It names fields, never `value`, `data`, `headers` or what a user
fills with content: those stay pseudonyms. Sources:
https://docs.cilium.io/en/stable/network/kubernetes/policy/,
https://docs.tigera.io/calico/latest/reference/resources/networkpolicy,
https://network-policy-api.sigs.k8s.io/reference/spec/, https://gateway-api.sigs.k8s.io/reference/spec/,
https://istio.io/latest/docs/reference/config/security/authorization-policy/,
https://cert-manager.io/docs/reference/api-docs/, https://velero.io/docs/main/api-types/,
https://kubernetes.io/docs/concepts/storage/volume-snapshots/,
https://prometheus-operator.dev/docs/api-reference/api/,
https://aquasecurity.github.io/trivy-operator/latest/docs/crds/,
https://htmlpreview.github.io/?https://github.com/kyverno/kyverno/blob/main/docs/user/crd/index.html,
https://open-policy-agent.github.io/gatekeeper/website/docs/howto,
https://github.com/kubernetes-sigs/wg-policy-prototypes, https://github.com/openreports/reports-api.
"""

VOLUME_ATTRIBUTES: Final = frozenset(
    """
    clusterID diskEncryptionSetID encrypted encryptInTransit encryption encryptionKMSID encryptionType integrityMode
    kmsKeyId secretProviderClass secure
    """.split()
)
"""Attributes of a volume that say how it is encrypted, on which Ceph cluster it lies, or which provider of secrets it
mounts."""

POLICY_GROUPS: Final = frozenset(
    ["admissionregistration.k8s.io", "kyverno.io", "policies.kyverno.io", "templates.gatekeeper.sh"]
)
"""API groups of admission policies, of which it is noted which fields of Pod Security they speak of."""

DROPPED: Final = frozenset(["message", "note", "description", "caBundle", "request", "certificate", "caCertificate"])
"""Fields whose texts are removed: words of people and programs, bodies, certificates."""

DROPPED_WHOLE: Final = frozenset(["managedFields", "openAPIV3Schema"])
"""Fields that are removed whatever they hold; of `managedFields` a typed fact is taken first."""

CONTROL_PLANE: Final = frozenset(
    """
    aks-node antrea-agent antrea-controller aws-k8s-agent calico-node cilium-agent cilium-operator
    cilium-operator-generic cloud-controller-manager coredns etcd flanneld hyperkube kube-apiserver
    kube-controller-manager kube-proxy kube-router kube-scheduler kubelet proxy-agent proxy-server k3s ovnkube
    rke2 velero
    """.split()
)
"""Programs of the control plane, of network plugins and of Velero, whose flags checks read: their settings stay."""

SETTING: Final = re.compile(r"[\w.:/,=+*\[\]@-]{1,1024}", re.ASCII)
"""Values of their flags: enumerations, addresses, lists of them. No white space, no quotes."""

FILE_PATH: Final = re.compile(r"(?:/[\w.-]{1,64}){2,16}", re.ASCII)
"""A path of at least two steps: a file that holds a secret is not the secret."""
FOLDER: Final = re.compile(r"(?:/[\w.-]{1,64}){1,16}/?", re.ASCII)
"""A folder where a flag says that it names one."""
