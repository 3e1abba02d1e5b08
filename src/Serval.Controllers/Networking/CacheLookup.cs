using Serval.Api;
using Serval.Api.Config;
using Serval.Api.Core;
using Serval.Api.Networking;
using Serval.Api.Serving;
using Serval.Kube;
using Serval.Routing.Knative;

namespace Serval.Controllers.Networking;

/// <summary>Answers the translator from the shared caches.</summary>
internal sealed class CacheLookup(IKubeClient client, ServingConfigSource config) : IIngressLookup
{
    public AutoscalerConfig Autoscaler => config.Current.Autoscaler;

    public ServerlessService? ServerlessService(ObjectKey key) => Find(Kinds.ServerlessService, key)?.As<ServerlessService>();

    public Revision? Revision(ObjectKey key) => Find(Kinds.Revision, key)?.As<Revision>();

    public Service? Service(ObjectKey key) => Find(Kinds.Service, key)?.As<Service>();

    private KubeObject? Find(ResourceKind kind, ObjectKey key) =>
        client.Cache(kind).Get(key) is { Metadata.IsDeleting: false } present ? present : null;
}
