using Serval.Api;
using Serval.Api.Config;
using Serval.Api.Core;
using Serval.Api.Networking;
using Serval.Api.Serving;
using Serval.Routing.Knative;

namespace Serval.Routing.Tests.Knative;

/// <summary>A world of given objects.</summary>
internal sealed class FakeLookup(IReadOnlyCollection<KubeObject> objects) : IIngressLookup
{
    private readonly Dictionary<(string, ObjectKey), KubeObject> _objects = objects.ToDictionary(o => (o.Kind, o.Key));

    public AutoscalerConfig Autoscaler { get; } = new();

    public ServerlessService? ServerlessService(ObjectKey key) => Find("ServerlessService", key)?.As<ServerlessService>();

    public Revision? Revision(ObjectKey key) => Find("Revision", key)?.As<Revision>();

    public Service? Service(ObjectKey key) => Find("Service", key)?.As<Service>();

    private KubeObject? Find(string kind, ObjectKey key) => _objects.GetValueOrDefault((kind, key));
}
