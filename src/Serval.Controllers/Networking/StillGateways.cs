namespace Serval.Controllers.Networking;

/// <summary>Gateways that are where they are.</summary>
public sealed class StillGateways(params IReadOnlyList<GatewayDoors> live) : IGateways, IDisposable
{
    public IReadOnlyList<GatewayDoors> Live => live;

    /// <summary>Nothing ever changes.</summary>
    public IDisposable Subscribe(Action changed) => this;

    public void Dispose()
    {
        // nothing is held
    }
}
