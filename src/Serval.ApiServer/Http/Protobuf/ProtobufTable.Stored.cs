namespace Serval.ApiServer.Http;

/// <summary>Kinds that are stored and not acted on.</summary>
internal static partial class ProtobufTable
{
    private const string Stored = """
        APIService: 1 metadata ObjectMeta, 2 spec APIServiceSpec, 3 status APIServiceStatus
        APIServiceCondition: 1 type s, 2 status s, 3 lastTransitionTime t, 4 reason s, 5 message s
        APIServiceReference: 1 namespace s, 2 name s, 3 port ?i
        APIServiceSpec: 1 service APIServiceReference, 2 group s, 3 version s, 4 insecureSkipTLSVerify b, 5 caBundle y, 7 groupPriorityMinimum i, 8 versionPriority i
        APIServiceStatus: 1 conditions *APIServiceCondition
        AuditAnnotation: 1 key s, 2 valueExpression s
        AzureFilePersistentVolumeSource: 1 secretName s, 2 shareName s, 3 readOnly b, 4 secretNamespace ?s
        CSIDriver: 1 metadata ObjectMeta, 2 spec CSIDriverSpec
        CSIDriverSpec: 1 attachRequired ?b, 2 podInfoOnMount ?b, 3 volumeLifecycleModes *s, 4 storageCapacity ?b, 5 fsGroupPolicy ?s, 6 tokenRequests *StorageTokenRequest, 7 requiresRepublish ?b, 8 seLinuxMount ?b, 9 nodeAllocatableUpdatePeriodSeconds ?i, 10 serviceAccountTokenInSecrets ?b, 11 preventPodSchedulingIfMissing ?b
        CSIPersistentVolumeSource: 1 driver s, 2 volumeHandle s, 3 readOnly b, 4 fsType s, 5 volumeAttributes %s, 6 controllerPublishSecretRef SecretReference, 7 nodeStageSecretRef SecretReference, 8 nodePublishSecretRef SecretReference, 9 controllerExpandSecretRef SecretReference, 10 nodeExpandSecretRef SecretReference
        CephFSPersistentVolumeSource: 1 monitors *s, 2 path s, 3 user s, 4 secretFile s, 5 secretRef SecretReference, 6 readOnly b
        CinderPersistentVolumeSource: 1 volumeID s, 2 fsType s, 3 readOnly b, 4 secretRef SecretReference
        CronJob: 1 metadata ObjectMeta, 2 spec CronJobSpec, 3 status CronJobStatus
        CronJobSpec: 1 schedule s, 2 startingDeadlineSeconds ?i, 3 concurrencyPolicy s, 4 suspend ?b, 5 jobTemplate JobTemplateSpec, 6 successfulJobsHistoryLimit ?i, 7 failedJobsHistoryLimit ?i, 8 timeZone ?s
        CronJobStatus: 1 active *ObjectReference, 4 lastScheduleTime t, 5 lastSuccessfulTime t
        DaemonSet: 1 metadata ObjectMeta, 2 spec DaemonSetSpec, 3 status DaemonSetStatus
        DaemonSetCondition: 1 type s, 2 status s, 3 lastTransitionTime t, 4 reason s, 5 message s
        DaemonSetSpec: 1 selector LabelSelector, 2 template PodTemplateSpec, 3 updateStrategy DaemonSetUpdateStrategy, 4 minReadySeconds i, 6 revisionHistoryLimit ?i
        DaemonSetStatus: 1 currentNumberScheduled i, 2 numberMisscheduled i, 3 desiredNumberScheduled i, 4 numberReady i, 5 observedGeneration i, 6 updatedNumberScheduled i, 7 numberAvailable i, 8 numberUnavailable i, 9 collisionCount ?i, 10 conditions *DaemonSetCondition
        DaemonSetUpdateStrategy: 1 type s, 2 rollingUpdate RollingUpdateDaemonSet
        ExpressionWarning: 2 fieldRef s, 3 warning s
        FlexPersistentVolumeSource: 1 driver s, 2 fsType s, 3 secretRef SecretReference, 4 readOnly b, 5 options %s
        GlusterfsPersistentVolumeSource: 1 endpoints s, 2 path s, 3 readOnly b, 4 endpointsNamespace ?s
        HTTPIngressPath: 1 path s, 2 backend IngressBackend, 3 pathType ?s
        HTTPIngressRuleValue: 1 paths *HTTPIngressPath
        IPBlock: 1 cidr s, 2 except *s
        ISCSIPersistentVolumeSource: 1 targetPortal s, 2 iqn s, 3 lun i, 4 iscsiInterface s, 5 fsType s, 6 readOnly b, 7 portals *s, 8 chapAuthDiscovery b, 10 secretRef SecretReference, 11 chapAuthSession b, 12 initiatorName ?s
        Ingress: 1 metadata ObjectMeta, 2 spec IngressSpec, 3 status IngressStatus
        IngressBackend: 3 resource TypedLocalObjectReference, 4 service IngressServiceBackend
        IngressClass: 1 metadata ObjectMeta, 2 spec IngressClassSpec
        IngressClassParametersReference: 1 apiGroup ?s, 2 kind s, 3 name s, 4 scope ?s, 5 namespace ?s
        IngressClassSpec: 1 controller s, 2 parameters IngressClassParametersReference
        IngressLoadBalancerIngress: 1 ip s, 2 hostname s, 4 ports *IngressPortStatus
        IngressLoadBalancerStatus: 1 ingress *IngressLoadBalancerIngress
        IngressPortStatus: 1 port i, 2 protocol s, 3 error ?s
        IngressRule: 1 host s, 2 ingressRuleValue ^IngressRuleValue
        IngressRuleValue: 1 http HTTPIngressRuleValue
        IngressServiceBackend: 1 name s, 2 port ServiceBackendPort
        IngressSpec: 1 defaultBackend IngressBackend, 2 tls *IngressTLS, 3 rules *IngressRule, 4 ingressClassName ?s
        IngressStatus: 1 loadBalancer IngressLoadBalancerStatus
        IngressTLS: 1 hosts *s, 2 secretName s
        JobTemplateSpec: 1 metadata ObjectMeta, 2 spec JobSpec
        LimitRange: 1 metadata ObjectMeta, 2 spec LimitRangeSpec
        LimitRangeItem: 1 type s, 2 max %q, 3 min %q, 4 default %q, 5 defaultRequest %q, 6 maxLimitRequestRatio %q
        LimitRangeSpec: 1 limits *LimitRangeItem
        LocalVolumeSource: 1 path s, 2 fsType ?s
        MatchCondition: 1 name s, 2 expression s
        MatchResources: 1 namespaceSelector LabelSelector, 2 objectSelector LabelSelector, 3 resourceRules *NamedRuleWithOperations, 4 excludeResourceRules *NamedRuleWithOperations, 7 matchPolicy ?s
        ModifyVolumeStatus: 1 targetVolumeAttributesClassName s, 2 status s
        MutatingWebhook: 1 name s, 2 clientConfig WebhookClientConfig, 3 rules *RuleWithOperations, 4 failurePolicy ?s, 5 namespaceSelector LabelSelector, 6 sideEffects ?s, 7 timeoutSeconds ?i, 8 admissionReviewVersions *s, 9 matchPolicy ?s, 10 reinvocationPolicy ?s, 11 objectSelector LabelSelector, 12 matchConditions *MatchCondition
        MutatingWebhookConfiguration: 1 metadata ObjectMeta, 2 webhooks *MutatingWebhook
        NamedRuleWithOperations: 1 resourceNames *s, 2 ruleWithOperations ^RuleWithOperations
        NetworkPolicy: 1 metadata ObjectMeta, 2 spec NetworkPolicySpec
        NetworkPolicyEgressRule: 1 ports *NetworkPolicyPort, 2 to *NetworkPolicyPeer
        NetworkPolicyIngressRule: 1 ports *NetworkPolicyPort, 2 from *NetworkPolicyPeer
        NetworkPolicyPeer: 1 podSelector LabelSelector, 2 namespaceSelector LabelSelector, 3 ipBlock IPBlock
        NetworkPolicyPort: 1 protocol ?s, 2 port ?x, 3 endPort ?i
        NetworkPolicySpec: 1 podSelector LabelSelector, 2 ingress *NetworkPolicyIngressRule, 3 egress *NetworkPolicyEgressRule, 4 policyTypes *s
        Overhead: 1 podFixed %q
        ParamKind: 1 apiVersion s, 2 kind s
        ParamRef: 1 name s, 2 namespace s, 3 selector LabelSelector, 4 parameterNotFoundAction ?s
        PersistentVolume: 1 metadata ObjectMeta, 2 spec PersistentVolumeSpec, 3 status PersistentVolumeStatus
        PersistentVolumeClaim: 1 metadata ObjectMeta, 2 spec PersistentVolumeClaimSpec, 3 status PersistentVolumeClaimStatus
        PersistentVolumeClaimCondition: 1 type s, 2 status s, 3 lastProbeTime t, 4 lastTransitionTime t, 5 reason s, 6 message s
        PersistentVolumeClaimStatus: 1 phase s, 2 accessModes *s, 3 capacity %q, 4 conditions *PersistentVolumeClaimCondition, 5 allocatedResources %q, 7 allocatedResourceStatuses %s, 8 currentVolumeAttributesClassName ?s, 9 modifyVolumeStatus ModifyVolumeStatus
        PersistentVolumeSource: 1 gcePersistentDisk GCEPersistentDiskVolumeSource, 2 awsElasticBlockStore AWSElasticBlockStoreVolumeSource, 3 hostPath HostPathVolumeSource, 4 glusterfs GlusterfsPersistentVolumeSource, 5 nfs NFSVolumeSource, 6 rbd RBDPersistentVolumeSource, 7 iscsi ISCSIPersistentVolumeSource, 8 cinder CinderPersistentVolumeSource, 9 cephfs CephFSPersistentVolumeSource, 10 fc FCVolumeSource, 11 flocker FlockerVolumeSource, 12 flexVolume FlexPersistentVolumeSource, 13 azureFile AzureFilePersistentVolumeSource, 14 vsphereVolume VsphereVirtualDiskVolumeSource, 15 quobyte QuobyteVolumeSource, 16 azureDisk AzureDiskVolumeSource, 17 photonPersistentDisk PhotonPersistentDiskVolumeSource, 18 portworxVolume PortworxVolumeSource, 19 scaleIO ScaleIOPersistentVolumeSource, 20 local LocalVolumeSource, 21 storageos StorageOSPersistentVolumeSource, 22 csi CSIPersistentVolumeSource
        PersistentVolumeSpec: 1 capacity %q, 2 persistentVolumeSource ^PersistentVolumeSource, 3 accessModes *s, 4 claimRef ObjectReference, 5 persistentVolumeReclaimPolicy s, 6 storageClassName s, 7 mountOptions *s, 8 volumeMode ?s, 9 nodeAffinity VolumeNodeAffinity, 10 volumeAttributesClassName ?s
        PersistentVolumeStatus: 1 phase s, 2 message s, 3 reason s, 4 lastPhaseTransitionTime t
        PodTemplate: 1 metadata ObjectMeta, 2 template PodTemplateSpec
        PriorityClass: 1 metadata ObjectMeta, 2 value i, 3 globalDefault b, 4 description s, 5 preemptionPolicy ?s
        RBDPersistentVolumeSource: 1 monitors *s, 2 image s, 3 fsType s, 4 pool s, 5 user s, 6 keyring s, 7 secretRef SecretReference, 8 readOnly b
        ReplicationController: 1 metadata ObjectMeta, 2 spec ReplicationControllerSpec, 3 status ReplicationControllerStatus
        ReplicationControllerCondition: 1 type s, 2 status s, 3 lastTransitionTime t, 4 reason s, 5 message s
        ReplicationControllerSpec: 1 replicas ?i, 2 selector %s, 3 template PodTemplateSpec, 4 minReadySeconds i
        ReplicationControllerStatus: 1 replicas i, 2 fullyLabeledReplicas i, 3 observedGeneration i, 4 readyReplicas i, 5 availableReplicas i, 6 conditions *ReplicationControllerCondition
        RollingUpdateDaemonSet: 1 maxUnavailable ?x, 2 maxSurge ?x
        RollingUpdateStatefulSetStrategy: 1 partition ?i, 2 maxUnavailable ?x
        Rule: 1 apiGroups *s, 2 apiVersions *s, 3 resources *s, 4 scope ?s
        RuleWithOperations: 1 operations *s, 2 rule ^Rule
        RuntimeClass: 1 metadata ObjectMeta, 2 handler s, 3 overhead Overhead, 4 scheduling Scheduling
        ScaleIOPersistentVolumeSource: 1 gateway s, 2 system s, 3 secretRef SecretReference, 4 sslEnabled b, 5 protectionDomain s, 6 storagePool s, 7 storageMode s, 8 volumeName s, 9 fsType s, 10 readOnly b
        Scheduling: 1 nodeSelector %s, 2 tolerations *Toleration
        SecretReference: 1 name s, 2 namespace s
        ServiceBackendPort: 1 name s, 2 number i
        ServiceCIDR: 1 metadata ObjectMeta, 2 spec ServiceCIDRSpec, 3 status ServiceCIDRStatus
        ServiceCIDRSpec: 1 cidrs *s
        ServiceCIDRStatus: 1 conditions *Condition
        ServiceReference: 1 namespace s, 2 name s, 3 path ?s, 4 port ?i
        StatefulSet: 1 metadata ObjectMeta, 2 spec StatefulSetSpec, 3 status StatefulSetStatus
        StatefulSetCondition: 1 type s, 2 status s, 3 lastTransitionTime t, 4 reason s, 5 message s
        StatefulSetOrdinals: 1 start i
        StatefulSetPersistentVolumeClaimRetentionPolicy: 1 whenDeleted s, 2 whenScaled s
        StatefulSetSpec: 1 replicas ?i, 2 selector LabelSelector, 3 template PodTemplateSpec, 4 volumeClaimTemplates *PersistentVolumeClaim, 5 serviceName s, 6 podManagementPolicy s, 7 updateStrategy StatefulSetUpdateStrategy, 8 revisionHistoryLimit ?i, 9 minReadySeconds i, 10 persistentVolumeClaimRetentionPolicy StatefulSetPersistentVolumeClaimRetentionPolicy, 11 ordinals StatefulSetOrdinals
        StatefulSetStatus: 1 observedGeneration i, 2 replicas i, 3 readyReplicas i, 4 currentReplicas i, 5 updatedReplicas i, 6 currentRevision s, 7 updateRevision s, 9 collisionCount ?i, 10 conditions *StatefulSetCondition, 11 availableReplicas i
        StatefulSetUpdateStrategy: 1 type s, 2 rollingUpdate RollingUpdateStatefulSetStrategy
        StorageClass: 1 metadata ObjectMeta, 2 provisioner s, 3 parameters %s, 4 reclaimPolicy ?s, 5 mountOptions *s, 6 allowVolumeExpansion ?b, 7 volumeBindingMode ?s, 8 allowedTopologies *TopologySelectorTerm
        StorageOSPersistentVolumeSource: 1 volumeName s, 2 volumeNamespace s, 3 fsType s, 4 readOnly b, 5 secretRef ObjectReference
        StorageTokenRequest: 1 audience s, 2 expirationSeconds ?i
        TopologySelectorLabelRequirement: 1 key s, 2 values *s
        TopologySelectorTerm: 1 matchLabelExpressions *TopologySelectorLabelRequirement
        TypeChecking: 1 expressionWarnings *ExpressionWarning
        ValidatingAdmissionPolicy: 1 metadata ObjectMeta, 2 spec ValidatingAdmissionPolicySpec, 3 status ValidatingAdmissionPolicyStatus
        ValidatingAdmissionPolicyBinding: 1 metadata ObjectMeta, 2 spec ValidatingAdmissionPolicyBindingSpec
        ValidatingAdmissionPolicyBindingSpec: 1 policyName s, 2 paramRef ParamRef, 3 matchResources MatchResources, 4 validationActions *s
        ValidatingAdmissionPolicySpec: 1 paramKind ParamKind, 2 matchConstraints MatchResources, 3 validations *Validation, 4 failurePolicy ?s, 5 auditAnnotations *AuditAnnotation, 6 matchConditions *MatchCondition, 7 variables *Variable
        ValidatingAdmissionPolicyStatus: 1 observedGeneration i, 2 typeChecking TypeChecking, 3 conditions *Condition
        ValidatingWebhook: 1 name s, 2 clientConfig WebhookClientConfig, 3 rules *RuleWithOperations, 4 failurePolicy ?s, 5 namespaceSelector LabelSelector, 6 sideEffects ?s, 7 timeoutSeconds ?i, 8 admissionReviewVersions *s, 9 matchPolicy ?s, 10 objectSelector LabelSelector, 11 matchConditions *MatchCondition
        ValidatingWebhookConfiguration: 1 metadata ObjectMeta, 2 webhooks *ValidatingWebhook
        Validation: 1 expression s, 2 message s, 3 reason ?s, 4 messageExpression s
        Variable: 1 name s, 2 expression s
        VolumeNodeAffinity: 1 required NodeSelector
        WebhookClientConfig: 1 service ServiceReference, 2 caBundle y, 3 url ?s
        """;
}
