namespace Serval.Routing;

/// <summary>
/// Where endpoint feeds publish; a data plane implements it. Two sources may speak at any time, in any order: the level truth
/// (<see cref="Set"/>, from EndpointSlices and pods) and instant capacity signals (<see cref="SetInstance"/>). A signal wins over a level
/// that has not caught up with it; <see cref="EndpointMerge"/> says how. Calls return at once.
/// </summary>
public interface IEndpointSink
{
    /// <summary>The level truth: all endpoints of a backend.</summary>
    void Set(BackendKey backend, EndpointsSnapshot endpoints);

    /// <summary>The backend is deleted: what it had is gone, requests held for it fail.</summary>
    void Remove(BackendKey backend);

    /// <summary>
    /// A signal: one instance changed to <see cref="BackendEndpoint.State"/>. A feed that sees a pod deleted sends
    /// <see cref="EndpointState.Gone"/>, so that a lost signal does not leave a ghost.
    /// </summary>
    void SetInstance(BackendKey backend, BackendEndpoint endpoint);
}
