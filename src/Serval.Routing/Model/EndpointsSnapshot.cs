using System.Collections.Immutable;

namespace Serval.Routing;

/// <summary>What an instance can do.</summary>
public enum EndpointState
{
    /// <summary>Takes requests.</summary>
    Ready,

    /// <summary>Takes no new ones; those in flight go on. Also: not ready at the moment.</summary>
    Draining,

    /// <summary>Gone for ever: an instance id does not come back.</summary>
    Gone,
}

/// <summary>One instance of a backend.</summary>
/// <param name="Host">Address to connect to.</param>
/// <param name="Port">Port to connect to.</param>
/// <param name="InstanceId">The pod's uid; where there is no pod, anything that names this address for its life.</param>
/// <param name="State">What it can do.</param>
public sealed record BackendEndpoint(string Host, int Port, string InstanceId, EndpointState State = EndpointState.Ready);

/// <summary>The endpoints of one backend. Immutable, and apart from the routes: an instance that comes up does not rebuild them.</summary>
public sealed record EndpointsSnapshot(ImmutableArray<BackendEndpoint> Endpoints)
{
    /// <summary>None.</summary>
    public static EndpointsSnapshot Empty { get; } = new(ImmutableArray<BackendEndpoint>.Empty);

    public static EndpointsSnapshot Of(params ReadOnlySpan<BackendEndpoint> endpoints) => new([.. endpoints]);
}
