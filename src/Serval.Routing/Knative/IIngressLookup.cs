using Serval.Api;
using Serval.Api.Config;
using Serval.Api.Core;
using Serval.Api.Networking;
using Serval.Api.Serving;

namespace Serval.Routing.Knative;

/// <summary>What a translator may ask about the rest of the world. Null: there is no such object.</summary>
public interface IIngressLookup
{
    /// <summary>What holds for a revision that does not say otherwise.</summary>
    AutoscalerConfig Autoscaler { get; }

    ServerlessService? ServerlessService(ObjectKey key);

    Revision? Revision(ObjectKey key);

    Service? Service(ObjectKey key);
}
