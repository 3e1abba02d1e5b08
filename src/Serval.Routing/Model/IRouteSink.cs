namespace Serval.Routing;

/// <summary>Where a route feed publishes; a data plane implements it.</summary>
public interface IRouteSink
{
    /// <summary>Replaces every route. Requests that were already matched go on as they were.</summary>
    void Publish(RouteTable table);
}
