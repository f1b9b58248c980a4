"""The fields of Kubernetes' own API, by name: which hold texts that may pass the door, and which hold structure.

What a cluster or a manifest writes under a name that is not here is unknown to the kit, and is redacted like a
field of a custom resource. Source: the API reference of Kubernetes 1.24 to 1.37,
https://kubernetes.io/docs/reference/kubernetes-api/; a test holds the lists complete against the models of the
official client. Fields with a treatment of their own (`env`, `command`, `data`, …) stand in `redaction`.
"""

from __future__ import annotations

from typing import Final

TEXTS: Final = frozenset(
    """
    accessMode accessModes acquireTime action add address addressType addresses admissionReviewVersions
    allocationMode allocationTimestamp allowedCapabilities allowedProcMountTypes allowedRuntimeClassNames
    allowedUnsafeSysctls apiGroup apiGroups apiServerID apiVersion apiVersions appProtocol architecture attacher
    attribute audience available averageValue beginRefreshAt binaryVersion bindMountOptions bindingConditions
    bindingFailureConditions bootID cachingMode capacity capacityKey capacityMultiplier categories
    certificateChainPath cidr cidrs claimName clusterIP clusterIPs clusterName commonEncodingVersion
    compatibilityGroups completedIndexes completionMode completionTime component concurrencyPolicy conditionType
    consumed container containerID containerName containerRuntimeVersion containers continue controller
    conversionReviewVersions counterSet creationTimestamp credentialBundlePath currentAverageValue
    currentRevision currentValue currentVolumeAttributesClassName datasetName datasetUUID declaredFeatures
    decodableVersions default defaultAddCapabilities defaultPartitionTypeAttribute defaultRuntimeClassName
    deletionTimestamp deprecatedFirstTimestamp deprecatedLastTimestamp device deviceClassName deviceMultiplier
    devicePath directory disableResizePreemption diskName diskURI distinctAttribute divisor dnsPolicy driver
    driverName drop effect emulationVersion encodingVersion endpoints endpointsNamespace eventTime except
    expectedCompletionTime expression extendedResourceName externalID externalIPs externalName
    externalTrafficPolicy failed failedIndexes failurePolicy fieldPath fieldRef finalizers finishedAt
    firstTimestamp forbiddenSysctls format freshness fsGroupChangePolicy fsGroupPolicy fsType generateName
    gmsaCredentialSpecName group groupVersion groups handler hardwareAddress health heartbeatTime holderIdentity
    host hostIP hostname hostnameOverride hostnames hosts image imageID imagePullPolicy imageRef
    ingressClassName initiatorName intent interfaceName internalTrafficPolicy ip ipFamilies ipFamilyPolicy
    ipMode ips iqn iscsiInterface jsonPath kernelVersion key keyPath keyType keyring kind kubeProxyVersion
    kubeletConfigKey kubeletVersion labelSelectorPath lastHeartbeatTime lastObservedTime lastPhaseTransitionTime
    lastProbeTime lastScaleTime lastScheduleTime lastSuccessfulTime lastTimestamp lastTransitionTime
    lastUpdateTime leaseName level listKind loadBalancerClass loadBalancerIP loadBalancerSourceRanges
    localhostProfile machineID managedBy matchAttribute matchLabelKeys matchPolicy max maxSurge maxUnavailable
    maximumVolumeSize medium metricName min minAvailable mismatchLabelKeys mode monitors mountOptions mountPath
    mountPropagation name names nameservers namespace namespaces nodeAffinityPolicy nodeID nodeName
    nodeTaintsPolicy nodeUID nominatedNodeName nonResourceURLs notAfter notBefore operatingSystem operations
    operator osImage parameterNotFoundAction parentCompositePodGroupName partitionTypeAttribute patchType path
    pathPrefix pathType pdID pdName perContainer perPod persistentVolumeName persistentVolumeReclaimPolicy phase
    pingTime plural podCIDR podCIDRs podGroupName podIP podManagementPolicy podName podReplacementPolicy podUID
    policyName policyTypes pool poolName port portals preemptionPolicy preferredHolder prefix priorityClassName
    procMount protocol providerID provisioner pullPolicy qosClass quantity rawSelector reason reclaimPolicy
    recursiveReadOnly reference registry reinvocationPolicy renewTime reportingComponent reportingController
    reportingInstance repository requestName requester requests requiredDropCapabilities resize resource
    resourceClaimName resourceClaimTemplateName resourceID resourceName resourceNames resourceVersion resources
    restartPolicy revision role rule runAsUserName runtimeClassName schedule scheduledTime schedulerName scheme
    scope scopeName scopes seLinuxChangePolicy searches secretFile secretName secretNamespace selectPolicy
    selfLink servedVersions server service serviceAccount serviceAccountName serviceAccountUID serviceName
    servicePort sessionAffinity shareID shareName shortNames sideEffects signerName singular sizeLimit
    skipNodeOperations source specReplicasPath startTime startedAt state status statusReplicasPath step
    stopSignal storageClassName storagePolicyID storagePolicyName storedVersions strategy subPath subPathExpr
    subdomain subresource succeeded succeededIndexes supplementalGroupsPolicy systemUUID targetAverageValue
    targetContainerName targetPort targetPortal targetValue targetVolumeAttributesClassName targetWWNs
    templateName tenant terminationMessagePath terminationMessagePolicy time timeAdded timeZone tolerance
    topologyKey topologyKeys total trafficDistribution type uid unhealthyPodEvictionPolicy updateRevision url
    usages user username validValues validationActions value valueExpression values verb verbs version versions
    volume volumeAttributesClassName volumeBindingMode volumeHandle volumeID volumeLifecycleModes volumeMode
    volumeName volumeNamespace volumePath volumes volumesInUse whenDeleted whenScaled whenUnsatisfiable
    workingDir workloadName wwids zone
    """.split()
)
"""Fields that hold a name, a word from an enumeration, an address, a path or a moment."""

NODES: Final = frozenset(
    """
    acceptedNames active additionalPrinterColumns addresses affinity aggregationRule allocatable
    allocatedResourcesStatus allocation allowedCSIDrivers allowedFlexVolumes allowedHostPaths allowedTopologies
    appArmorProfile applyConfiguration assigned attachError auditAnnotations awsElasticBlockStore azureDisk
    azureFile backend basic behavior capabilities capacity cel cephfs cinder claimRef claims clientConfig
    clientIP clusterRoleSelectors clusterTrustBundle compositePodGroupTemplates conditions config configMap
    configMapKeyRef configMapRef configSource constraints consumesCounters containerResource containerStatuses
    containers controllerExpandSecretRef controllerPublishSecretRef controllerRef conversion csi current
    currentMetrics daemonEndpoints dataSource dataSourceRef defaultBackend deleteOptions deprecatedSource
    derivedAttributes describedObject detachError deviceSelector devices disruptionMode distinguisherMethod
    dnsConfig downwardAPI drivers egress emptyDir endpoints envFrom ephemeral ephemeralContainerStatuses
    ephemeralContainers evictionResponders exactly excludeResourceRules exec exempt exitCodes expressionWarnings
    extendedResourceClaimStatus external fc features fieldRef fieldSelector fileKeyRef firstAvailable flexVolume
    flocker forNodes forZones from fsGroup gang gcePersistentDisk gitRepo glusterfs group grpc healthConditions
    healthStatus hints hostAliases hostIPs hostPath http httpGet image imagePullSecrets images ingress
    initContainerStatuses initContainers inlineVolumeSpec involvedObject ipBlock iscsi items jobTemplate
    jsonPatch kubeletEndpoint labelSelector lastKnownGood lastState lifecycle limitResponse limited limits linux
    livenessProbe loadBalancer local mapping matchConditions matchConstraints matchExpressions matchFields
    matchLabelExpressions matchResources metric metricSelector metrics modifyVolumeStatus mutations names
    namespaceSelector networkData nfs nodeAffinity nodeAllocatableResourceClaimStatuses nodeExpandSecretRef
    nodeInfo nodePublishSecretRef nodeSelector nodeSelectorTerms nodeStageSecretRef nodeTopology
    nonResourceRules notReadyAddresses object objectSelector onExitCodes onPodConditions ordinals os overhead
    ownerReferences paramKind paramRef parentRef partitionSummary paths persistentVolumeClaim
    persistentVolumeClaimRetentionPolicy photonPersistentDisk pod podAffinity podAffinityTerm podAntiAffinity
    podCertificate podFailurePolicy podGroupTemplates podIPs podPreemptionPolicy podSelector pods policies pool
    pools port ports portworxVolume postStart preStop preference preferredDuringSchedulingIgnoredDuringExecution
    priorityLevelConfiguration projected queuing quobyte ranges rbd readinessGates readinessProbe regarding
    related requestMappings requestPolicy requesters requests required
    requiredDuringSchedulingIgnoredDuringExecution requirements reservedFor resizePolicy resource
    resourceClaimStatuses resourceClaims resourceFieldRef resourceRules resources responders restartPolicyRules
    results roleRef rollingUpdate rules runAsGroup runAsUser running runtimeClass runtimeHandlers scale
    scaleDown scaleIO scaleTargetRef scaleUp scheduling schedulingConstraints schedulingGates schedulingGroup
    schedulingPolicy schema scopeSelector seLinux seLinuxOptions seccompProfile secret secretKeyRef secretRef
    secrets securityContext selectableFields selector selectors series service serviceAccount
    serviceAccountToken sessionAffinityConfig shareableSummary sharedCounters sleep source sources spec
    startupProbe state status storageHealth storageVersions storageos strategy subjects subresources subsets
    successPolicy supplementalGroups swap sysctls taint taints target targetRef targetResponders tcpSocket
    template terminated tls to tokenRequests tolerations topology topologySpreadConstraints typeChecking
    uncountedTerminatedPods updateStrategy user validRange validation validations valueFrom variables versions
    volumeClaimTemplate volumeClaimTemplates volumeDevices volumeHealth volumeMounts volumeStatus volumes
    volumesAttached vsphereVolume waiting webhook webhooks windowsOptions workloadRef
    """.split()
)
"""Fields that hold maps or lists of maps whose fields are those of the API again."""

WITHHELD: Final = frozenset(
    """
    all basic caBundle certificate certificateChain data deprecationWarning description error evaluationError
    gmsaCredentialSpec message messageExpression note parameters pkixPublicKey proofOfPossession request single
    spec string strings stubPKCS10Request trustBundle validationError warning
    """.split()
)
"""Fields that hold free words, bodies and certificates: decided, and not let through."""

METADATA: Final = frozenset(
    """
    apiVersion clusterName creationTimestamp deletionTimestamp finalizers generateName kind name namespace
    resourceVersion selfLink uid
    """.split()
)
"""Texts of `metadata` and of its `ownerReferences`: the object's identity."""

LABEL_MAPS: Final = frozenset("deprecatedTopology labels matchLabels nodeSelector selector".split())
"""Maps of labels: selection needs their values."""

QUANTITY_MAPS: Final = frozenset(
    """
    allocatable allocatedResourceStatuses allocatedResources capacity consumedCapacity default defaultRequest hard
    limits max maxLimitRequestRatio min podFixed requests used
    """.split()
)
"""Maps of resource names to quantities."""
