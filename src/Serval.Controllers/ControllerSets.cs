using Serval.Controllers.Access;
using Serval.Controllers.Certificates;
using Serval.Controllers.Definitions;
using Serval.Controllers.Domains;
using Serval.Controllers.Serving;
using Serval.Controllers.Workloads;
using Serval.Controllers.Workloads.Jobs;
using Serval.Kube;

namespace Serval.Controllers;

/// <summary>The reconcilers by family, for the composition root.</summary>
public static class ControllerSets
{
    /// <summary>Name of the public gateway inside the cluster.</summary>
    public const string GatewayHost = "gateway.knative-serving.svc.cluster.local";

    /// <summary>Name of the private gateway, by which cluster-local Routes are reached too; placeholder Services point at it.</summary>
    public const string PrivateGatewayHost = "gateway-private.knative-serving.svc.cluster.local";

    /// <summary>Deployments, ReplicaSets, Jobs, disruption budgets, endpoints, namespaces, pod binding, lost nodes.</summary>
    /// <param name="controllers">Where they run.</param>
    /// <param name="client">The waist.</param>
    /// <param name="rootCa">The certificate of the API server's authority as PEM, for each namespace; null: none is told.</param>
    /// <param name="events">Hears what happens.</param>
    /// <param name="time">The clock.</param>
    /// <param name="amongOthers">Whether the API server is another's.</param>
    public static ControllerHost AddWorkloads(
        this ControllerHost controllers, IKubeClient client, string? rootCa, IEventRecorder events, TimeProvider time, bool amongOthers = false)
    {
        var room = new NodeRoom(client);
        return controllers
            .Add(new DeploymentReconciler(client, events, time))
            .Add(new ReplicaSetReconciler(client, room, events, time))
            .Add(new JobReconciler(client, room, events, time))
            .Add(new PodBindingReconciler(client, room, events, time, amongOthers))
            .Add(new NodeLife(client, events, time))
            .Add(new QuotaReconciler(client, time))
            .Add(new DisruptionReconciler(client, events, time))
            .Add(new EndpointsReconciler(client, time))
            .Add(new SliceMirror(client, time))
            .Add(new NamespaceReconciler(client, rootCa, time))
            .Add(new ClusterRoleAggregator(client));
    }

    /// <summary>CustomResourceDefinitions, where no other API server looks after them.</summary>
    public static ControllerHost AddDefinitions(this ControllerHost controllers, IKubeClient client, TimeProvider time) => controllers.Add(new DefinitionReconciler(client, time));

    /// <summary>The built-in issuer of Certificates, and the wildcard ones of namespaces.</summary>
    public static ControllerHost AddCertificates(
        this ControllerHost controllers, IKubeClient client, ServingConfigSource config, IEventRecorder events, TimeProvider time) => controllers
        .Add(new CertificateReconciler(client, config, events, time))
        .Add(new NamespaceCertificateReconciler(client, config, events));

    /// <summary>Knative Services, Configurations, Revisions, Routes, DomainMappings.</summary>
    /// <param name="controllers">Where they run.</param>
    /// <param name="client">The waist.</param>
    /// <param name="images">Tag → digest.</param>
    /// <param name="config">The cluster's settings.</param>
    /// <param name="ports">Ports of the gateway, for URLs; asked at each run.</param>
    /// <param name="events">Hears what happens.</param>
    /// <param name="time">The clock.</param>
    /// <param name="rules">Judges what users wrote; null where the API server has.</param>
    public static ControllerHost AddServing(
        this ControllerHost controllers, IKubeClient client, IImageResolver images, ServingConfigSource config, Func<GatewayPorts> ports, IEventRecorder events,
        TimeProvider time, KnativeRules? rules = null) => controllers
        .Add(new ServiceReconciler(client, events, time, rules))
        .Add(new ConfigurationReconciler(client, events, time, rules))
        .Add(new RevisionCollector(client, config, events, time))
        .Add(new RevisionReconciler(client, images, config, events, time))
        .Add(new RouteReconciler(client, config, ports, events, time, rules))
        .Add(new DomainMappingReconciler(client, config, ports, events, time, rules));
}
